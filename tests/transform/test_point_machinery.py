"""Watermarks, windows and the ledger: what makes a build that dies half way harmless and a large one small."""

import shutil
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.comparison import differing_rows
from tests.transform.harness import DBT_PROJECT, DbtFailed, Warehouse, run_dbt

MODELS = ("point_hourly", "point_daily", "data_completeness_daily", "int_point_quantity_daily")
DAY = date(2025, 11, 3)


def readings(point_id: str, days: int, value: float = 1.0, first: date = DAY) -> list[dict[str, Any]]:
    start = datetime.combine(first, datetime.min.time()) - timedelta(hours=8)
    return [
        {
            "point_id": point_id, "parameter_code": "a21026", "statistic": "avg", "source_kind": "automatic", "unit": "mg/m3", "value": value,
            "period_start_utc": start + timedelta(hours=at), "period_end_utc": start + timedelta(hours=at + 1),
        }
        for at in range(days * 24)
    ]  # fmt: skip


def park(days: int = 2, points: tuple[str, ...] = ("P1", "P2")) -> dict[str, list[dict[str, Any]]]:
    since = date(2025, 1, 1)
    return {
        "enterprise": [{"enterprise_id": "E1", "valid_from": since}],
        "point": [{"point_id": name, "enterprise_id": "E1", "kind": "stack", "valid_from": since} for name in points],
        "channel": [{"point_id": name, "parameter_code": "a21026", "step_minutes": 60, "valid_from": since} for name in points],
        "reading": [row for name in points for row in readings(name, days)],
    }


@pytest.fixture(scope="module")
def built_once(template: Path, dbt_target: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    warehouse = Warehouse(copy(template, tmp_path_factory.mktemp("built")), dbt_target)
    warehouse.load(park())
    warehouse.build(*MODELS, "int_touched_enterprise_dates")
    warehouse.execute("checkpoint")
    return warehouse.path


@pytest.fixture
def built(built_once: Path, dbt_target: Path, tmp_path: Path) -> Warehouse:
    """A copy of the park, loaded as change 1 and built."""
    return Warehouse(copy(built_once, tmp_path), dbt_target)


def copy(warehouse: Path, folder: Path) -> Path:
    return Path(shutil.copyfile(warehouse, folder / warehouse.name))


def watermarks(warehouse: Warehouse) -> dict[str, int]:
    """Of the models at the level of points; what stands above them is built once and then left alone here."""
    level = {path.stem for folder in ("intermediate", "marts") for path in (DBT_PROJECT / "models" / folder / "point").glob("*.sql")}
    rows = warehouse.query("select model, change_seq from landing.watermark")
    return {row["model"]: row["change_seq"] for row in rows if row["model"] in level}


def test_every_incremental_model_records_the_change_it_was_told_and_no_later_one(built: Warehouse) -> None:
    assert set(watermarks(built)) >= set(MODELS)
    assert set(watermarks(built).values()) == {1}
    key = {"point_id": "P1", "period_start_utc": datetime(2025, 11, 2, 16)}
    built.correct("reading", key, value=5.0)
    built.correct("reading", {"point_id": "P2", "period_start_utc": key["period_start_utc"]}, value=7.0)
    # the second correction was admitted after the build began
    selected = ["run", "--select", *[f"+{name}" for name in MODELS], "--exclude", "path:models/staging"]
    run_dbt(built.path, *selected, change_seq=2, target_path=built.target_path)
    assert set(watermarks(built).values()) == {2}
    maxima = "select point_id, max(value_max) as value from marts.point_daily group by point_id order by point_id"
    assert [row["value"] for row in built.query(maxima)] == [5.0, 1.0]
    built.build(*MODELS)
    assert [row["value"] for row in built.query(maxima)] == [5.0, 7.0]
    assert set(watermarks(built).values()) == {3}


def test_a_build_without_its_last_change_is_refused_by_name(built: Warehouse) -> None:
    with pytest.raises(DbtFailed, match=r"PARK_AUDIT_THROUGH_CHANGE_SEQ .* is not set: give the highest"):
        run_dbt(built.path, "run", "--select", "int_register_days", change_seq=None, target_path=built.target_path)


def test_a_model_that_fails_leaves_neither_rows_nor_watermark_and_the_repeated_build_mends_it(built: Warehouse) -> None:
    key = {"point_id": "P1", "period_start_utc": datetime(2025, 11, 2, 16)}
    # the daily mart breaks a constraint after its rows were deleted and before its watermark is written
    built.execute("alter table marts.point_daily alter column unit set not null")
    built.execute("update landing.reading set unit = null where point_id = 'P1'")
    built.correct("reading", key, value=9.0)
    before = built.query("select * from marts.point_daily order by all")
    with pytest.raises(DbtFailed, match="point_daily"):
        built.build(*MODELS)
    assert built.query("select * from marts.point_daily order by all") == before
    assert watermarks(built)["point_daily"] == 1
    assert watermarks(built)["point_hourly"] == 2
    built.execute("alter table marts.point_daily alter column unit drop not null")
    built.build(*MODELS)
    assert set(watermarks(built).values()) == {2}
    assert built.value("select max(value_max) from marts.point_daily") == 9.0
    assert built.value("select count(*) from marts.point_daily") == 4


@pytest.mark.parametrize("loss", ["no watermark", "watermark ahead of a rebuilt ledger", "no table"])
def test_whatever_is_not_known_to_be_current_is_built_whole(built: Warehouse, loss: str) -> None:
    # a change that the ledger tells nobody about: only a whole build can find it
    built.execute("update landing.reading set value = 4 where point_id = 'P2'")
    if loss == "no watermark":
        built.execute("delete from landing.watermark where model in ('int_reading_days', 'point_daily')")
    elif loss == "no table":
        built.execute("drop table intermediate.int_reading_days; drop table marts.point_daily")
    else:
        built.execute("update landing.watermark set change_seq = 1000")
    built.build(*MODELS)
    assert built.value("select max(value_max) from marts.point_daily where point_id = 'P2'") == 4.0
    assert built.value("select count(*) from marts.point_daily") == 4
    assert set(watermarks(built).values()) == {1}


def test_a_table_built_in_windows_of_dates_is_the_same_table(make_warehouse: Callable[..., Warehouse]) -> None:
    whole, windowed = make_warehouse(), make_warehouse(window_rows=100)
    for warehouse in (whole, windowed):
        warehouse.load(park(days=95))
        warehouse.build(*MODELS)
    with windowed.connect() as con:
        con.execute(f"attach '{whole.path}' as whole_warehouse (read_only)")
        for table in ("marts.point_hourly", "marts.point_daily", "intermediate.int_reading_days"):
            assert con.execute(f"select count(*) from {table}").fetchone()[0] > 0
            assert differing_rows(con, table, f"whole_warehouse.{table}") == []
        # rows of later windows stand behind those of earlier ones: that is what lets a day be found without reading the rest
        orders = con.execute("select date_trunc('month', local_date) from marts.point_hourly order by rowid").fetchall()
    assert orders == sorted(orders)
    assert len(set(orders)) == 4


def test_nothing_new_changes_nothing(built: Warehouse) -> None:
    tables = ("marts.point_hourly", "marts.point_daily", "marts.data_completeness_daily")
    before = {table: built.query(f"select rowid, * from {table} order by rowid") for table in tables}
    built.build(*MODELS)
    assert {table: built.query(f"select rowid, * from {table} order by rowid") for table in tables} == before


def test_a_new_day_reads_and_writes_only_that_day(built: Warehouse) -> None:
    """Rows of other days keep their place in the file: they were neither deleted nor inserted again."""
    row_ids = "select rowid, local_date from marts.point_hourly where local_date < date '2025-12-13' order by rowid"
    before = built.query(row_ids)
    built.load({"reading": readings("P1", 1, first=date(2025, 12, 13))})
    built.build(*MODELS)
    assert built.query(row_ids) == before
    assert "local_date >= cast('2025-12-13' as date)" in compiled_hours(built)
    assert built.value("select count(*) from intermediate.int_touched_point_dates") == 1
    # the days between are days of silence, for both points
    assert built.value("select count(*) from marts.data_completeness_daily where received_periods = 0") == 2 * 38 + 1


def test_a_correction_years_ago_beside_a_new_day_names_both_dates_and_not_the_years_between(built: Warehouse) -> None:
    built.load({"reading": readings("P1", 1, first=date(2023, 2, 1)) + readings("P1", 1, first=date(2025, 11, 7))})
    built.build(*MODELS)
    assert "local_date in (cast('2023-02-01' as date), cast('2025-11-07' as date))" in compiled_hours(built)
    assert built.value("select count(*) from marts.point_daily where local_date in ('2023-02-01', '2025-11-07')") == 2


def compiled_hours(warehouse: Warehouse) -> str:
    """What dbt made of the hourly mart in its last run."""
    return (warehouse.target_path / "compiled" / "park_audit" / "models" / "marts" / "point" / "point_hourly.sql").read_text(
        encoding="utf-8"
    )


def test_touching_the_whole_park_for_a_reason_above_the_points_leaves_points_alone(built: Warehouse) -> None:
    """A changed factor touches every date of the park, and no reading."""
    before = built.query("select rowid from marts.point_daily order by rowid")
    built.execute("insert into landing.touched values (2, 'park', 'PARK', '2020-01-01', '9999-12-31', 'factors', null)")
    built.build(*MODELS, "int_touched_enterprise_dates")
    assert built.query("select rowid from marts.point_daily order by rowid") == before
    assert built.value("select count(*) from intermediate.int_touched_point_dates") == 0
    assert {row["enterprise_id"] for row in built.query("select * from intermediate.int_touched_enterprise_dates")} == {"E1", "-"}
