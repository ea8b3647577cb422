"""What measures are verified with: meters by day, bills whole, masses from concentration and flow, drivers by day."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.transform.harness import Warehouse

SINCE = date(2025, 1, 1)
FIRST = date(2025, 3, 1)
DAYS = 3


def instant(day: int, hour: float = 0) -> datetime:
    """Naive UTC instant of a Shanghai hour of the day-th day."""
    return datetime.combine(FIRST, datetime.min.time()) + timedelta(days=day, hours=hour - 8)


def readings(
    point: str, parameter: str, statistic: str, unit: str, value: Callable[[int], float], hours: int = 6, **more: Any
) -> list[dict]:
    return [
        {"point_id": point, "parameter_code": parameter, "statistic": statistic, "source_kind": "automatic", "value": value(day), "unit": unit,
         "period_start_utc": instant(day, at), "period_end_utc": instant(day, at + hours), **more}
        for day in range(DAYS)
        for at in range(0, 24, hours)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def built(template: Any, dbt_target: Any, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    import shutil

    path = tmp_path_factory.mktemp("measures") / "warehouse.duckdb"
    shutil.copyfile(template, path)
    warehouse = Warehouse(path, dbt_target)
    bill = {"point_id": "billed", "parameter_code": "natural_gas", "statistic": "cou", "source_kind": "manual_entry", "value": 300.0, "unit": "m3",
            "period_start_utc": instant(0), "period_end_utc": instant(3)}  # fmt: skip
    point_names = ("meter", "old_meter", "billed", "inlet", "line", "air", "other", "stack")
    warehouse.load(
        {
            "park": [{"valid_from": SINCE, "area_km2": 1.0}],
            "enterprise": [{"enterprise_id": "E1", "valid_from": SINCE}],
            "point": [
                {"point_id": name, "enterprise_id": "E1", "kind": "energy", "outlet_id": "O1" if name == "stack" else None, "valid_from": SINCE}
                for name in point_names
            ],
            "measure_meter": [
                {"measure_id": "M1", "point_id": "meter", "parameter_code": "electricity", "driver_code": "production_output hdd:18", "valid_from": SINCE},
                {"measure_id": "M1", "point_id": "billed", "parameter_code": "natural_gas", "valid_from": SINCE},
                {"measure_id": "M1", "point_id": "inlet", "parameter_code": "w01018", "valid_from": SINCE},
                {"measure_id": "M1", "point_id": "stack", "parameter_code": "a21026", "valid_from": SINCE},
            ],
            "entity_relation": [
                {"entity_kind": "point", "from_id": "old_meter", "to_id": "meter", "relation": "renamed", "effective_date": date(2025, 3, 2)}
            ],
            "reading": [
                *readings("meter", "electricity", "cou", "kWh", lambda day: 10.0 + day),
                *readings("old_meter", "electricity", "cou", "kWh", lambda day: 5.0),
                *readings("other", "electricity", "cou", "kWh", lambda day: 99.0),
                *readings("line", "production_output", "cou", "t", lambda day: 3.0),
                *readings("air", "a01001", "avg", "degC", lambda day: 8.0 + day),
                *readings("inlet", "w01018", "avg", "mg/L", lambda day: 200.0 + 100 * day),
                *readings("inlet", "w00000", "cou", "m3", lambda day: 50.0),
                *readings("stack", "a21026", "avg", "mg/m3", lambda day: 20.0),
                *readings("stack", "a00000", "cou", "m3", lambda day: 1000.0),
                bill,
            ],
        }
    )  # fmt: skip
    warehouse.build("int_measure_quantities")
    return warehouse


def found(built: Warehouse, point: str, parameter: str, basis: str) -> list[tuple]:
    rows = built.query(
        "select period_start, period_end, quantity, measured_quantity, mean_value, hours_covered, hours_expected, unit "
        "from intermediate.int_measure_quantities "
        f"where point_id = '{point}' and parameter_code = '{parameter}' and basis = '{basis}' order by period_start"
    )
    return [tuple(row.values()) for row in rows]


def test_a_meter_stands_by_day(built: Warehouse) -> None:
    rows = found(built, "meter", "electricity", "day")
    assert [row[2] for row in rows] == [40, 44, 48]
    assert rows[0] == (FIRST, FIRST + timedelta(days=1), 40, 40, None, 24, 24, "kWh")


def test_what_the_meter_was_before_stands_too_and_strangers_do_not(built: Warehouse) -> None:
    assert [row[2] for row in found(built, "old_meter", "electricity", "day")] == [20, 20, 20]
    assert built.value("select count(*) from intermediate.int_measure_quantities where point_id = 'other'") == 0


def test_a_bill_stands_once_with_its_days(built: Warehouse) -> None:
    assert found(built, "billed", "natural_gas", "long") == [(FIRST, FIRST + timedelta(days=3), 300, 300, None, 72, 72, "m3")]
    assert found(built, "billed", "natural_gas", "day") == []


def test_mass_before_treatment_is_concentration_times_flow(built: Warehouse) -> None:
    """200 mg/L x 200 m3 = 40 kg."""
    rows = found(built, "inlet", "w01018", "concentration_flow")
    assert [row[2] for row in rows] == pytest.approx([40, 60, 80])
    assert {row[7] for row in rows} == {"kg"}


def test_what_leaves_through_an_outlet_is_accounted_for_elsewhere(built: Warehouse) -> None:
    assert found(built, "stack", "a21026", "concentration_flow") == []


def test_drivers_stand_by_day(built: Warehouse) -> None:
    assert [row[2] for row in found(built, "line", "production_output", "day")] == [12, 12, 12]
    means = found(built, "air", "a01001", "mean")
    assert [(row[2], row[4], row[7]) for row in means] == [(None, 8, "degC"), (None, 9, "degC"), (None, 10, "degC")]


def test_each_row_once(built: Warehouse) -> None:
    doubled = built.query(
        "select point_id, parameter_code, basis, period_start from intermediate.int_measure_quantities "
        "group by point_id, parameter_code, basis, period_start having count(*) > 1"
    )
    assert doubled == []
