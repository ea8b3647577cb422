"""The sample park from raw files to the published file: first night, quiet night, late files, and equal to a full rebuild."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.sample import truth
from pipelines.sample.generate import TRUTH, deliver_later, generate
from pipelines.settings import CHECKOUT, Settings
from pipelines.transform import dbt
from pipelines.warehouse.builds import last_change_seq
from pipelines.warehouse.connection import open_warehouse
from tests.comparison import differing_rows
from tests.integration.planted import causes, matched, precision, recall

pytestmark = pytest.mark.slow


@dataclass
class Park:
    """The sample's home, and what the command line said of its nights."""

    settings: Settings

    def nightly(self) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pipelines", "nightly", "--home", str(self.settings.home)]
        return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)

    def ask(self, query: str) -> list[tuple]:
        with duckdb.connect(self.settings.published_file, read_only=True) as con:
            return con.execute(query).fetchall()

    def build(self) -> dict[str, Any]:
        columns = ("build_id", "status", "change_seq", "reason")
        [row] = self.ask(f"select {', '.join(columns)} from audit.builds order by build_id desc limit 1")
        return dict(zip(columns, row, strict=True))


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory, monkeypatch_module: pytest.MonkeyPatch) -> Park:
    home = tmp_path_factory.mktemp("sample")
    generate(home)
    park = Park(Settings(home=home, feeds_dir=CHECKOUT / "pipelines" / "feeds"))
    done = park.nightly()
    assert done.returncode == 0, done.stdout + done.stderr
    return park


@pytest.fixture(scope="module")
def monkeypatch_module() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PARK_AUDIT_HOME", "PARK_AUDIT_FEEDS", "PARK_AUDIT_STANDARDS"):
            patch.delenv(name, raising=False)
        yield patch


def test_nothing_is_lost(park: Park) -> None:
    [(deliveries, different)] = park.ask(
        """
        select count(*), count(*) filter (where rows_read <> rows_accepted + rows_duplicate + rows_quarantined)
        from audit.deliveries where admission = 'admitted'
        """
    )
    assert deliveries > 100 and different == 0
    [(quarantined, counted)] = park.ask(
        "select (select count(*) from audit.quarantine), (select sum(rows_quarantined) from audit.deliveries where admission <> 'withdrawn')"
    )
    assert quarantined == counted > 0


def test_planted_faults_are_held_refused_or_quarantined_and_the_park_goes_on(park: Park) -> None:
    assert park.build()["status"] == "published"
    outcomes = dict(park.ask("select admission, count(*) from audit.deliveries group by 1"))
    assert outcomes["held"] >= 1 and outcomes["refused"] >= 3
    for (reason,) in park.ask("select reason from audit.deliveries where admission in ('held', 'refused')"):
        assert reason and len(reason) > 20


def test_every_promised_table_is_there_and_has_rows(park: Park) -> None:
    promised = {
        "marts": ["point_daily", "point_hourly", "self_reported", "enterprise_consumption_daily", "park_consumption_daily", "emission_hourly",
                  "enterprise_emission_daily", "park_emission_daily", "enterprise_production_monthly", "enterprise_efficiency_monthly",
                  "park_efficiency_monthly", "limit_compliance_daily", "exceedances", "park_eliminations_monthly", "data_completeness_daily"],
        "assessment": ["enterprise_grade", "enterprise_indicator"],
        "audit": ["builds", "deliveries", "quarantine", "gate_results", "step_outcomes"],
        "reference": ["parameter", "unit", "factor", "limit", "metric"],
    }  # fmt: skip
    for schema, tables in promised.items():
        for table in tables:
            [(rows,)] = park.ask(f'select count(*) from "{schema}"."{table}"')
            assert rows > 0, f"{schema}.{table}"


def test_all_planned_steps_ran(park: Park) -> None:
    """PUDL's night: assets silently did not run, and every check passed on empty tables."""
    rows = dict(
        park.ask("select step, count(*) from audit.step_outcomes where build_id = (select min(build_id) from audit.builds) group by 1")
    )
    assert rows["ingest"] == len(list(park.settings.feeds_dir.glob("*.yaml"))) - 1
    manifest = json.loads(dbt.parsed_manifest(park.settings).read_text())
    models = [
        node for node in manifest["nodes"].values() if node["resource_type"] == "model" and node["config"]["materialized"] != "ephemeral"
    ]
    assert rows["dbt_model"] == len(models)


def test_a_works_is_measured_by_the_indicator_that_its_sector_has(park: Park) -> None:
    """可比熟料综合煤耗 of the cement works, recomputed from what it burnt, made and found in its laboratory."""
    [(value, first)] = park.ask(
        "select value, month_start_date from marts.enterprise_efficiency_monthly where enterprise_id = 'E008' and product_code = 'ALL' "
        "and metric_code = 'comparable_clinker_coal_consumption' and value is not null order by month_start_date desc limit 1"
    )
    true = truth.read(park.settings.home / TRUTH, "declarations").filter(pl.col("period_start") == first)
    coal = true.filter((pl.col("subject_id") == "E008") & (pl.col("item_code") == "bituminous_coal"))
    burnt = sum(row["declared_value"] * (-1 if row["medium"] == "stock_increase" else 1) for row in coal.iter_rows(named=True))
    clinker = true.filter(pl.col("item_code") == "E008-CLINKER")["declared_value"].sum()
    book = pl.read_csv(park.settings.home / "raw" / "e008_clinker_lab" / "book.csv", infer_schema=False)
    strength = float(book.filter((pl.col("日期") == str(first)) & (pl.col("项目") == "熟料28天抗压强度"))["结果"][0])
    [(tce,)] = park.ask(
        "select energy_tce_calorific / quantity from marts.enterprise_consumption_monthly where enterprise_id = 'E008' "
        f"and item_code = 'bituminous_coal' and process_id is null and month_start_date = '{first}'"
    )
    assert value == pytest.approx(1000 * tce * burnt / clinker * (52.5 / strength) ** 0.25, rel=1e-4)
    assert park.ask("select count(*) from assessment.enterprise_indicator where enterprise_id = 'E008' and grade_reached = 'I'") != [(0,)]


def test_plausibility_finds_what_was_planted_and_nothing_else(park: Park) -> None:
    with duckdb.connect(park.settings.published_file, read_only=True) as con:
        found = pl.DataFrame(con.sql("select * from assessment.plausibility")).with_row_index("number")
        outlets = pl.DataFrame(con.sql("select distinct point_id, outlet_id as at_outlet from reference.point where outlet_id is not null"))
    planted = causes(park.settings.home / TRUTH)
    pairs = matched(found, planted, outlets)
    kinds, rules = recall(pairs, planted), precision(found, pairs)
    with pl.Config(tbl_rows=-1):
        sys.stdout.write(f"{kinds}\n{rules}\n")
    missed = {kind: fault_ids for kind, fault_ids in kinds.select("kind", "missed").iter_rows() if fault_ids}
    assert not missed
    assert kinds["planted"].sum() >= 25
    without = rules.filter(pl.col("findings") > pl.col("with_cause")).select("rule_id", pl.col("findings") - pl.col("with_cause"))
    assert without.rows() == [], "a rule that finds what nobody planted and nothing true explains is too eager"


def test_books_that_are_whole_close(park: Park) -> None:
    """The sample declares all streams of one water and one copper balance; the others name what they lack."""
    found = park.ask(
        "select subject_id, component, closure from assessment.balance where period_type = 'calendar_year' and subject_kind = 'enterprise' "
        "and period_start >= '2024-01-01' and verdict <> 'incomplete' order by all"
    )
    assert {(subject, component) for subject, component, _ in found} == {("E001", "copper"), ("E008", "water")}
    assert all(abs(closure) <= 0.02 for _, _, closure in found)
    assert park.ask("select count(*) from assessment.balance where verdict = 'incomplete' and len(missing_streams) = 0") == [(0,)]


def test_a_disclosure_that_a_third_party_accepted_is_verified(park: Park) -> None:
    found = park.ask(
        "select subject_id, item_code, review_id, abs(deviation) < 0.02 from assessment.disclosure_check where verification_state = 'verified'"
    )
    assert found == [("E011-STACK-1", "a34013", "V-010", True)]


def test_a_boiler_s_estimates_stand_beside_its_monitor(park: Park) -> None:
    """September of the coal boiler: sulfur by the laboratory times coal by its report, as the answer sheet has it, and within a fifth of the stack."""
    found = park.ask(
        "select pollutant_code, mass_kg, deviation_from_audit_share from marts.emission_method where outlet_id = 'E009-STACK-1' and "
        "period_type = 'month' and period_start = '2026-09-01' and method_code in ('material_balance', 'emission_factor') order by 1"
    )
    assert [pollutant for pollutant, _, _ in found] == ["a21002", "a21026"]
    assert max(abs(deviation) for _, _, deviation in found) < 0.2, found
    september = truth.read(park.settings.home / TRUTH, "fuel_balance").filter(pl.col("local_date").dt.month() == 9)
    assert found[1][1] == pytest.approx(september["so2_of_fuel_kg"].sum(), rel=0.05)
    assert park.ask("select * from assessment.plausibility where rule_id = 'flue_gas_volume'") == []
    # of the kiln's coal the sulfur is known, but not what clinker keeps of it
    kiln = "outlet_id = 'E008-STACK-1' and pollutant_code = 'a21026' and period_start = '2026-09-01' and period_type = 'month'"
    assert park.ask(f"select mass_kg, reason from marts.emission_method where {kiln} and method_code = 'material_balance'") == [
        (None, "conversion_unknown")
    ]


def test_reconciliation_finds_what_was_declared_too_low(park: Park) -> None:
    planted = truth.read(park.settings.home / TRUTH, "faults").filter(pl.col("kind") == "under_reporting")
    low = park.ask(
        "select subject_id, item_code, period_start, period_end from assessment.reconciliation where class = 'finding' and direction = 'under'"
    )
    missed = {
        row["fault_id"]
        for row in planted.iter_rows(named=True)
        if not any(
            (subject, item) == (row["point_id"], row["parameter_code"])
            and start < row["ends_local"].date()
            and end > row["starts_local"].date()
            for subject, item, start, end in low
        )
    }
    assert planted.height >= 4 and not missed


def test_quiet_then_late_files_then_a_register_then_a_full_rebuild(park: Park) -> None:
    before = park.build()
    scores = park.ask("select * exclude (build_id) from assessment.enterprise_grade order by all")
    quiet = park.nightly()
    assert quiet.returncode == 0 and "carried" in quiet.stdout, quiet.stdout
    after = park.build()
    assert after["build_id"] > before["build_id"] and after["change_seq"] == before["change_seq"]
    assert park.ask("select count(*) from audit.deliveries") == park.ask(
        f"select count(*) from audit.deliveries where build_id <= '{before['build_id']}'"
    )
    assert park.ask("select * exclude (build_id) from assessment.enterprise_grade order by all") == scores

    assert deliver_later(park.settings.home)
    late = park.nightly()
    assert late.returncode == 0, late.stdout
    build = park.build()
    assert build["change_seq"] > after["change_seq"]
    [(revised,)] = park.ask(f"select sum(rows_revised) from audit.deliveries where build_id = '{build['build_id']}'")
    assert revised > 0, "the corrected file"

    metered = "select sum(quantity) from marts.enterprise_consumption_daily where enterprise_id = 'E001' and item_code = 'tap_water'"
    [(before_m3,)] = park.ask(metered)
    _set_multiplier(park.settings, "E001-WA", 2)
    register = park.nightly()
    assert register.returncode == 0, register.stdout
    assert park.ask(metered)[0][0] > 1.5 * before_m3
    said = park.ask("select message from audit.step_outcomes where step = 'dbt' order by build_id desc limit 1")
    assert "carried: " in said[0][0], "code and standards are as they were: not all is built"

    incremental = _marts(park.settings)
    _rebuild(park.settings)
    _compare(park.settings, incremental)


def _set_multiplier(settings: Settings, point_id: str, multiplier: int) -> None:
    file = settings.raw / "registers" / "channel.csv"
    channels = pl.read_csv(file, infer_schema=False)
    changed = pl.when(pl.col("point_id") == point_id).then(pl.lit(str(multiplier))).otherwise("multiplier")
    channels.with_columns(multiplier=changed).write_csv(file)


def _tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    rows = con.execute(
        "select schema_name, table_name from duckdb_tables() where schema_name in ('marts', 'reference') order by all"
    ).fetchall()
    return [f"{schema}.{table}" for schema, table in rows]


def _marts(settings: Settings) -> Path:
    """Every mart as Parquet, aside."""
    folder = settings.home / "incremental"
    folder.mkdir()
    with open_warehouse(settings) as con:
        for table in _tables(con):
            con.execute(f"copy (from {table}) to '{folder / table}.parquet' (format parquet)")
    return folder


def _rebuild(settings: Settings) -> None:
    with open_warehouse(settings) as con:
        through = last_change_seq(con)
    arguments = dbt.dbt_arguments("build", park_id=settings.park.park_id, park_zone=settings.park.zone, full_refresh=True)
    dbt.run_dbt(settings, arguments, target=dbt.build_target(settings, "full"), build_id="full", through_change_seq=through)


def _compare(settings: Settings, folder: Path) -> None:
    with open_warehouse(settings) as con:
        tables = _tables(con)
        assert {f"{table}.parquet" for table in tables} == {path.name for path in folder.iterdir()}
        differing = {table: differing_rows(con, f"'{folder / table}.parquet'", table) for table in tables}
    assert {table: rows[:5] for table, rows in differing.items() if rows} == {}
