"""The shipped contracts read the sample's files: every file, every row, as the answer sheet says."""

from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from pydantic import BaseModel

from pipelines.contracts.feed import FeedContract, Format, FormatKind, Label, Time, load_contracts, load_park_file
from pipelines.contracts.records import RECORD_TYPES, REGISTERS, LoadMode
from pipelines.contracts.standards import Standards, load_standards
from pipelines.contracts.states import SourceKind
from pipelines.contracts.units import Units
from pipelines.ingest.contract_check import check
from pipelines.ingest.normalise import Parsed
from pipelines.ingest.parse import parse
from pipelines.ingest.readers import Unreadable
from pipelines.ingest.references import References
from pipelines.sample import cast, papers, rhythm, truth
from pipelines.sample.generate import SampleReport, generate

ROOT = Path(__file__).resolve().parents[2]
FEEDS = ROOT / "pipelines" / "feeds"
ZONE = ZoneInfo("Asia/Shanghai")


def _contracts() -> list[FeedContract]:
    contracts, problems = load_contracts(FEEDS)
    assert problems == []
    return contracts


CONTRACTS = {contract.feed_id: contract for contract in _contracts()}


@pytest.fixture(scope="session")
def standards() -> Standards:
    return load_standards(ROOT / "dbt_project" / "seeds", None)


def _references(standards: Standards, raw: Path) -> References:
    """The registers as the pipeline would have them after their feeds have been admitted."""
    units, registers = Units(standards), {}
    for record in REGISTERS:
        contract = CONTRACTS[f"register_{record.name}"]
        empty = References(standards, units, registers)
        parts = [_parse(path, contract, empty).accepted for path in sorted(raw.glob(contract.source.drop))]
        registers[record.name] = pl.concat(parts).drop("source_row")
    return References(standards, units, registers)


def _parse(path: Path, contract: FeedContract, references: References) -> Parsed:
    return parse(path, contract, references, ZONE, max_bytes=1 << 30)


def _accepted(feed_id: str, raw: Path, references: References) -> pl.DataFrame:
    """All accepted rows of a feed, its files one after the other."""
    contract = CONTRACTS[feed_id]
    parts = [
        _parse(path, contract, references).accepted.cast(dict(contract.record_type.schema))
        for path in sorted(raw.glob(contract.source.drop))
    ]
    return pl.concat(parts)


@pytest.fixture(scope="session")
def references(standards: Standards, home: Path) -> References:
    return _references(standards, home / "raw")


@pytest.fixture(scope="session")
def ledger(home: Path) -> pl.DataFrame:
    return truth.read(home / "sample_truth", "deliveries")


def _expected(ledger: pl.DataFrame, feed_id: str, phase: str) -> dict[str, dict]:
    rows = ledger.filter((pl.col("feed_id") == feed_id) & (pl.col("phase") == phase))
    return {row["path"]: row for row in rows.iter_rows(named=True)}


def test_park_file_names_the_sample_park() -> None:
    park = load_park_file(FEEDS)
    assert (park.park_id, ZoneInfo(park.zone)) == (cast.PARK_ID, ZONE)
    # The model's clock is local standard time at a fixed offset: the zone must have no summer time.
    for month in (1, 7):
        assert (
            rhythm.local_times(rhythm.date(2026, month, 1), rhythm.date(2026, month, 1))[0].replace(tzinfo=ZONE).utcoffset()
            == rhythm.UTC_OFFSET
        )


def test_every_file_of_the_sample_has_a_contract(home: Path, ledger: pl.DataFrame) -> None:
    claimed: dict[Path, list[str]] = {}
    for folder in (home / "raw", home / "sample_later"):
        for contract in CONTRACTS.values():
            for path in folder.glob(contract.source.drop):
                claimed.setdefault(path, []).append(contract.feed_id)
    files = {path for folder in (home / "raw", home / "sample_later") for path in folder.rglob("*") if path.is_file()}
    assert files - claimed.keys() == set()
    shared = {path.name for path, feeds in claimed.items() if len(feeds) > 1}
    assert shared == {"park_register.xlsx"}  # one workbook, three sheets, three feeds
    assert set(ledger["feed_id"]) == CONTRACTS.keys()


@pytest.mark.parametrize("phase", ["first", "later"])
@pytest.mark.parametrize("feed_id", sorted(CONTRACTS))
def test_every_file_holds_what_the_answer_sheet_says(
    feed_id: str, phase: str, home: Path, ledger: pl.DataFrame, references: References
) -> None:
    folder = home / ("raw" if phase == "first" else "sample_later")
    contract, expected = CONTRACTS[feed_id], _expected(ledger, feed_id, phase)
    paths = sorted(folder.glob(contract.source.drop))
    assert {path.relative_to(folder).as_posix() for path in paths} == expected.keys()
    wrong = []
    for path in paths:
        row = expected[path.relative_to(folder).as_posix()]
        try:
            parsed = _parse(path, contract, references)
        except Unreadable as reason:
            assert row["refused"], f"{path.name} was refused: {reason}"
            continue
        assert not row["refused"], f"{path.name} should have been refused"
        found = (parsed.rows_read, parsed.quarantined.height, parsed.empty_cells)
        if found != (row["rows_read"], row["rows_quarantined"], row["empty_cells"]):
            reasons = parsed.quarantined.group_by("rule").agg(pl.len(), pl.col("reason").first()).to_dicts()
            wrong.append(f"{path.name}: read, quarantined, empty are {found}, not {row}: {reasons}")
        known_before = row["rows_duplicate"] if "_again" in path.name or "_corrected" in path.name else 0
        assert parsed.rows_duplicate == row["rows_duplicate"] - known_before
        warned = any("'remark'" in warning for warning in parsed.warnings)
        assert warned == (row["fault_id"] == "new_column")
    assert wrong == []


def test_planted_file_faults_are_refused_for_their_reason(home: Path, references: References, ledger: pl.DataFrame) -> None:
    reasons = {}
    for row in ledger.filter("refused").iter_rows(named=True):
        with pytest.raises(Unreadable) as refusal:
            _parse(home / "raw" / row["path"], CONTRACTS[row["feed_id"]], references)
        reasons[row["fault_id"]] = str(refusal.value)
    assert reasons.keys() == {"utf8_for_gb", "cut_short", "web_page"}
    assert "gb18030" in reasons["utf8_for_gb"]
    assert "JSON" in reasons["cut_short"]
    assert "HTML" in reasons["web_page"]


def test_the_file_in_the_wrong_unit_is_far_outside_its_meters_range(home: Path, references: References, ledger: pl.DataFrame) -> None:
    (held,) = ledger.filter("held").iter_rows(named=True)
    (again,) = ledger.filter((pl.col("fault_id") == "unit_w") & (pl.col("phase") == "later")).iter_rows(named=True)
    contract = CONTRACTS[held["feed_id"]]
    (limit,) = references.register("channel").filter(pl.col("point_id") == "E003-EL-P1")["range_max"]
    wrong = _parse(home / "raw" / held["path"], contract, references).accepted["value"]
    right = _parse(home / "sample_later" / again["path"], contract, references).accepted["value"]
    assert (wrong > limit).mean() > 0.95
    assert right.max() < limit
    assert ((wrong / right).drop_nans() - 1000).abs().max() < 1e-6


def test_quarantine_names_what_was_planted(home: Path, references: References) -> None:
    found = {}
    for feed_id in ("utility_electricity", "e001_energy"):
        contract = CONTRACTS[feed_id]
        parts = [_parse(path, contract, references).quarantined for path in sorted((home / "raw").glob(contract.source.drop))]
        found[feed_id] = pl.concat(parts)
    electricity = found["utility_electricity"]
    assert dict(electricity.group_by("rule").len().iter_rows()) == {"unknown_identifier": 61 * 24, "conflicting_rows": 4}
    stranger = electricity.filter(pl.col("rule") == "unknown_identifier")
    assert stranger["raw_text"].unique().to_list() == ["033199999999"]
    assert found["e001_energy"]["raw_text"].to_list() == ["#VALUE!", "#VALUE!"]


def test_contract_check_finds_no_problem(references: References) -> None:
    assert [str(problem) for problem in check(list(CONTRACTS.values()), references)] == []


def test_contracts_work_for_any_number_of_enterprises(standards: Standards, tmp_path: Path) -> None:
    generate(tmp_path, enterprises=25, days=3)
    references = _references(standards, tmp_path / "raw")
    assert [str(problem) for problem in check(list(CONTRACTS.values()), references)] == []
    ledger = truth.read(tmp_path / "sample_truth", "deliveries")
    for feed_id in ("utility_electricity", "utility_water", "utility_gas", "wastewater_online", "e009_steam_meters", "report_statistics"):
        contract, expected = CONTRACTS[feed_id], _expected(ledger, feed_id, "first")
        for path in sorted((tmp_path / "raw").glob(contract.source.drop)):
            parsed, row = _parse(path, contract, references), expected[path.relative_to(tmp_path / "raw").as_posix()]
            assert (parsed.rows_read, parsed.quarantined.height) == (row["rows_read"], row["rows_quarantined"]), path.name


def test_values_arrive_as_they_were_true(home: Path, references: References) -> None:
    """Units, labels, zones and decimals: the day's amounts of the answer sheet come out of the parsed rows."""
    meters = truth.read(home / "sample_truth", "meter_daily").filter(pl.col("register_kind") != "cumulative")
    contract_of = {
        "utility_electricity": "-EL", "utility_gas": "-GA", "e001_energy": "-EL-P", "e009_steam_meters": "-STM-", "historian": "",
    }  # fmt: skip
    for feed_id in contract_of:
        parsed = _accepted(feed_id, home / "raw", references)
        hours = (pl.col("period_end_utc") - pl.col("period_start_utc")).dt.total_minutes() / 60
        amounts = (
            parsed.with_columns(pl.when(pl.col("statistic") == "avg").then(pl.col("value") * hours).otherwise("value").alias("amount"))
            .group_by("point_id", pl.col("parameter_code").alias("item_code"), "local_date")
            .agg(pl.col("amount").sum(), pl.len())
        )
        both = amounts.join(meters, on=["point_id", "item_code", "local_date"], how="inner")
        # Readings that a fault put into quarantine are missed on their day; every other day is whole.
        whole = both.filter(~pl.col("disturbed"))
        assert both.height - whole.height <= 1
        assert whole["point_id"].n_unique() >= 3
        assert (whole["amount"] - whole["quantity"]).abs().max() <= 1e-6 * whole["quantity"].abs().max()


def test_incinerator_keeps_every_hour_across_the_clock_change(home: Path, references: References) -> None:
    parsed = _accepted("e011_incinerator", home / "raw", references)
    flow = parsed.filter(pl.col("parameter_code") == "a00000").sort("period_start_utc")
    assert flow.height == 61 * 24
    assert flow["period_start_utc"].diff().drop_nulls().unique().to_list() == [rhythm.timedelta(hours=1)]
    stopped = flow.filter(pl.col("state") == "stopped")
    assert stopped["local_date"].unique().sort().to_list() == [rhythm.date(2026, 9, day) for day in (22, 23, 24)]
    assert stopped["value"].null_count() == stopped.height == 72


def test_non_detects_keep_their_limit(home: Path, references: References) -> None:
    parsed = _accepted("lab_samples", home / "raw", references)
    below = parsed.filter(pl.col("qualifier") == "<")
    assert below.height >= 3
    assert (below["detection_limit"] > 0).all()
    assert dict(parsed.select("parameter_code", "unit").unique().iter_rows()) == {
        "w20121": "mg/L", "w20116": "mg/L", "w20117": "mg/L", "sulfur_raw_coal": "%", "ash_raw_coal": "%", "ncv_raw_coal": "GJ/t",
        "sulfur_bituminous_coal": "%", "ash_bituminous_coal": "%", "ncv_bituminous_coal": "GJ/t",
    }  # fmt: skip
    # Hexavalent chromium is reported in µg/L: a slip of the unit would put it a thousand times above its limit.
    assert parsed.filter(pl.col("parameter_code") == "w20117")["value"].max() < 0.5


def test_overdue_reports_are_rows_without_a_value(home: Path, references: References) -> None:
    contract = CONTRACTS["report_statistics"]
    latest: dict[tuple, dict] = {}
    for path in sorted((home / "raw").glob(contract.source.drop)):
        for row in _parse(path, contract, references).accepted.iter_rows(named=True):
            latest[tuple(row[name] for name in contract.record_type.key)] = row
    missing = [row for row in latest.values() if row["state"] == "missing"]
    assert {row["subject_id"] for row in missing} >= {"E006"}
    assert all(row["value"] is None and row["submitted_at_utc"] is None and row["due_at_utc"] is not None for row in missing)
    late = [row for row in latest.values() if row["submitted_at_utc"] and row["submitted_at_utc"] > row["due_at_utc"]]
    assert late
    assert all(row["state"] == "self_reported" for row in late)
    declared = truth.read(home / "sample_truth", "declarations").filter(pl.col("report") == "report_statistics")
    assert len(latest) == declared.height
    months = {row["period_start"] for row in latest.values()}
    assert len(months) == papers.MONTHS


def test_survey_answers_the_standards_qualitative_items(standards: Standards) -> None:
    indicators = standards.seed("index_indicators").filter(pl.col("kind") == "qualitative")
    for system, items in papers.survey_items().items():
        assert items == set(indicators.filter(pl.col("index_system_id") == system)["indicator_id"]), system
    assert {e.index_system_id for e in cast.enterprises(12, 1)} - {None} <= set(standards.seed("index_systems")["index_system_id"])


def test_standards_named_by_outlets_exist(standards: Standards) -> None:
    known = set(standards.seed("limits")["standard_id"])
    named = {item.standard_id for e in cast.enterprises(20, 1) for item in (*e.wastewater, *e.stacks)} - {None}
    assert named <= known, named - known


# what the contracts show of the contract language


def _given(model: type[BaseModel], values: list[dict]) -> set[str]:
    names = {field.alias or name for name, field in model.model_fields.items()}
    return names - {key for value in values for key in value}


def test_the_contracts_exercise_the_whole_language(sample: SampleReport) -> None:
    dumped = [contract.model_dump(by_alias=True, exclude_unset=True) for contract in CONTRACTS.values()]
    assert _given(FeedContract, dumped) == set()
    assert _given(Format, [contract["format"] for contract in dumped]) <= {"quote"}
    assert _given(Time, [contract["time"] for contract in dumped if "time" in contract]) == set()
    assert {contract.format.kind for contract in CONTRACTS.values()} == set(FormatKind)
    assert {contract.time.label for contract in CONTRACTS.values() if contract.time} == set(Label)
    assert {contract.source_kind for contract in CONTRACTS.values() if contract.source_kind} == set(SourceKind)
    assert {contract.mode for contract in CONTRACTS.values()} == set(LoadMode)
    assert {contract.period.length for contract in CONTRACTS.values() if contract.period} == {"month", "quarter", "year"}
    assert {contract.format.encoding for contract in CONTRACTS.values()} >= {"utf-8", "utf-8-sig", "gb18030", "latin-1"}
    assert {contract.record for contract in CONTRACTS.values()} == set(RECORD_TYPES)
    sources = [source for contract in CONTRACTS.values() for value in contract.value_sources for source in value.canonical().values()]
    sources += [source for contract in CONTRACTS.values() for source in contract.columns.values()]
    used = {name for source in sources for name, value in source.model_dump(exclude_none=True).items() if value is not None}
    assert used >= {"column", "value", "map", "scheme", "pattern", "zone", "template"}
    gzipped = [contract.feed_id for contract in CONTRACTS.values() if contract.source.drop.endswith(".gz")]
    assert len(gzipped) == 2
