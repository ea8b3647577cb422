"""dbt's own tests of the point level: they pass on a sound park, each kind fails on a broken one, and descriptions fit the tables."""

import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.transform.harness import DBT_PROJECT, DbtFailed, Warehouse
from tests.transform.point_scenario import scenario

POINT_LEVEL = (
    "path:models/intermediate/point", "path:models/marts/point", "path:models/reference/registers", "path:models/reference/parameters",
    "path:models/reference/units",
)  # fmt: skip
DOCUMENTED = (
    "staging/records/_records__staging.yml", "staging/registers/_registers__staging.yml", "staging/standards/_standards__staging.yml",
    "intermediate/point/_point__intermediate.yml",
)  # fmt: skip


@pytest.fixture(scope="module")
def tested(template: Path, dbt_target: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A park built with every data test and unit test of the point level, and what dbt said."""
    path = Path(shutil.copyfile(template, tmp_path_factory.mktemp("tested") / "warehouse.duckdb"))
    warehouse = Warehouse(path, dbt_target)
    warehouse.load(scenario())
    said = warehouse.dbt("build", "--select", *POINT_LEVEL, "path:models/staging/registers,resource_type:test")
    warehouse.execute("checkpoint")
    return path, said


def test_all_data_and_unit_tests_pass_on_a_sound_park(tested: tuple[Path, str]) -> None:
    counts = {name: int(count) for name, count in re.findall(r"(PASS|WARN|ERROR|SKIP)=(\d+)", tested[1])}
    assert counts["WARN"] == counts["ERROR"] == counts["SKIP"] == 0
    assert tested[1].count("PASS ") > 40
    assert len(re.findall(r"PASS \w+::\w+", tested[1])) >= 11, "unit tests ran"


def test_every_kind_of_test_fails_on_what_it_watches(tested: tuple[Path, str], tmp_path: Path, dbt_target: Path) -> None:
    warehouse = Warehouse(Path(shutil.copyfile(tested[0], tmp_path / "warehouse.duckdb")), dbt_target)
    warehouse.execute("""
        update marts.point_daily set measured_share = 0.5 where point_id = 'corrected';
        update marts.point_daily set nd_share = 1.5 where point_id = 'late';
        update marts.point_daily set valid_periods = readings + 1 where point_id = 'step';
        update marts.point_daily set value_min = value_max + 1 where point_id = 'flagged';
        insert into marts.point_daily from marts.point_daily where point_id = 'untouched' limit 1;
        insert into landing.channel by name select * replace (date '2025-06-01' as valid_from) from landing.channel where point_id = 'step';
        update intermediate.int_meter_intervals set state = 'measured', quantity = null where point_id = 'exchange';
        update intermediate.int_point_quantity_daily set quantity = quantity + 1 where point_id = 'exchange';
        create or replace table reference.channel as select * from staging.stg_channels;
    """)
    with pytest.raises(DbtFailed) as failed:
        warehouse.dbt("test", "--select", *POINT_LEVEL, "--exclude", "test_type:unit")
    said = {name for verdict, name in re.findall(r"(FAIL \d+|WARN \d+) (\w+)", str(failed.value))}
    assert {name for name in said if name.startswith("validity_does_not_overlap_channel")}
    for broken in (
        "sums_to_point_daily", "shares_between_point_daily", "point_daily_counts_in_order", "point_daily_values_in_order",
        "unique_combination_point_daily", "int_meter_intervals_missing_means_no_quantity", "sums_to_int_point_quantity_daily",
    ):  # fmt: skip
        assert any(name.startswith(broken) for name in said), f"{broken} found nothing wrong; failed: {sorted(said)}"
    assert not any("point_hourly" in name for name in said), "what was not broken is not blamed"


@pytest.mark.parametrize("file", DOCUMENTED)
def test_described_columns_are_the_columns(tested: tuple[Path, str], dbt_target: Path, file: str) -> None:
    """Contracts see to it for public tables; here for those behind them."""
    declared: dict[str, Any] = yaml.safe_load((DBT_PROJECT / "models" / file).read_text(encoding="utf-8"))
    schema = file.split("/")[0]
    actual: dict[str, list[str]] = {}
    for row in Warehouse(tested[0], dbt_target).query(
        f"select table_name, list(column_name order by column_index) as names from duckdb_columns() where schema_name = '{schema}' group by 1"
    ):
        actual[row["table_name"]] = row["names"]
    for model in declared["models"]:
        assert {column["name"] for column in model["columns"]} == set(actual[model["name"]]), model["name"]


def test_a_night_tests_the_touched_rows_and_a_whole_build_all_of_them(tested: tuple[Path, str], tmp_path: Path, dbt_target: Path) -> None:
    warehouse = Warehouse(Path(shutil.copyfile(tested[0], tmp_path / "warehouse.duckdb")), dbt_target)
    breaking = "update marts.point_daily set value_min = value_max + 1 where point_id = '{}' and local_date = '2025-10-29'"
    named = ("test", "--select", "point_daily_values_in_order")
    # nothing is touched after the first build: everything is tested
    warehouse.execute(breaking.format("flagged"))
    with pytest.raises(DbtFailed, match="FAIL 1 point_daily_values_in_order"):
        warehouse.dbt(*named)
    warehouse.correct("reading", {"point_id": "corrected", "period_start_utc": datetime(2025, 10, 28, 16)}, value=1.0)
    warehouse.build("point_daily")
    assert "PASS=1" in warehouse.dbt(*named), "the broken day of another point was not rebuilt, and is not tested"
    warehouse.execute(breaking.format("corrected"))
    with pytest.raises(DbtFailed, match="FAIL 1 point_daily_values_in_order"):
        warehouse.dbt(*named)
