"""Hourly, daily and completeness marts against a recomputation in plain Python, in a zone that changes its clock.

The recomputation knows the definitions of the columns and nothing of the SQL: one reading at a time.
"""

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from math import isclose
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.transform.harness import Warehouse

ZONE = "Europe/Berlin"
# from before the night on which the clock is put back to the day after it
BEGIN, END = datetime(2025, 10, 24, 22), datetime(2025, 10, 27, 23)
STATES = ("measured", "substituted", "estimated", "self_reported", "missing", "stopped", "not_applicable")
CARRIES_VALUE = STATES[:4]
STEPS = {"hourly": 60, "quarters": 15, "weeks": 7 * 24 * 60}
LATE_AFTER = timedelta(hours=48)


def random_readings() -> list[dict[str, Any]]:
    chosen = random.Random(7)
    readings = []
    for point_id, parameter, statistic, step in (
        ("hourly", "w01018", "avg", 60), ("quarters", "w01018", "avg", 15), ("hourly", "electricity", "cou", 60), ("unregistered", "w01018", "rtd", 20),
    ):  # fmt: skip
        start = BEGIN
        while start < END:
            if chosen.random() < 0.9:
                state = chosen.choices(STATES, weights=(70, 5, 5, 5, 5, 5, 5))[0]
                below = state in CARRIES_VALUE and chosen.random() < 0.1
                readings.append({
                    "point_id": point_id, "parameter_code": parameter, "statistic": statistic, "source_kind": "automatic",
                    "period_start_utc": start, "period_end_utc": start + timedelta(minutes=0 if statistic == "rtd" else step),
                    "value": None if state in ("missing", "not_applicable", "stopped") or (below and chosen.random() < 0.5) else chosen.random() * 100,
                    "unit": "kWh" if statistic == "cou" else "mg/L", "state": state, "flag": chosen.choice((None, "N", "N", "N", "S", "D", "M")),
                    "qualifier": "<" if below else None, "detection_limit": 10.0 if below else None,
                    "known_from": start + timedelta(hours=chosen.choice((2, 30, 60))),
                })  # fmt: skip
            start += timedelta(minutes=step)
    return readings


def expected_row(readings: list[dict[str, Any]]) -> dict[str, Any]:
    usable = [
        row for row in readings
        if row["state"] in CARRIES_VALUE and row["flag"] in (None, "N", "S") and (row["value"] is not None or row["qualifier"] == "<")
    ]  # fmt: skip
    means = [row["detection_limit"] / 2 if row["qualifier"] == "<" else row["value"] for row in usable]
    values = [row["value"] for row in usable if row["value"] is not None]
    totals = values if readings[0]["statistic"] == "cou" else []
    return {
        "value_mean": sum(means) / len(means) if means else None,
        "value_min": min(values, default=None),
        "value_max": max(values, default=None),
        "value_sum": sum(totals) if totals else None,
        "unit": readings[0]["unit"],
        "readings": len(readings),
        "valid_periods": sum(row["state"] == "measured" for row in usable),
        "nd_share": sum(row["qualifier"] == "<" for row in usable) / len(usable) if usable else None,
        **{f"{state}_share": sum(row["state"] == state for row in readings) / len(readings) for state in STATES},
    }


def expected_day(readings: list[dict[str, Any]]) -> dict[str, Any]:
    step = STEPS.get(readings[0]["point_id"])
    hours = 25 if readings[0]["date"] == date(2025, 10, 26) else 24
    return expected_row(readings) | {
        "expected_periods": hours * 60 // step if step else None,
        "received_periods": sum(row["state"] not in ("missing", "not_applicable") for row in readings),
        "flagged_periods": sum(row["flag"] in ("D", "M") for row in readings),
        "late_periods": sum(row["known_from"] > row["period_end_utc"] + LATE_AFTER for row in readings),
    }


def grouped(readings: list[dict[str, Any]], period: str) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    groups = defaultdict(list)
    for row in readings:
        groups[row["point_id"], row["parameter_code"], row["statistic"], row[period]].append(row)
    return groups


@pytest.fixture(scope="module")
def readings() -> list[dict[str, Any]]:
    zone, utc = ZoneInfo(ZONE), ZoneInfo("UTC")
    rows = random_readings()
    for row in rows:
        row["date"] = row["period_start_utc"].replace(tzinfo=utc).astimezone(zone).date()
        row["hour"] = row["period_start_utc"].replace(minute=0)
    return rows


@pytest.fixture(scope="module")
def warehouse(template: Path, dbt_target: Path, tmp_path_factory: pytest.TempPathFactory, readings: list[dict[str, Any]]) -> Warehouse:
    path = tmp_path_factory.mktemp("values") / "warehouse.duckdb"
    path.write_bytes(template.read_bytes())
    warehouse = Warehouse(path, dbt_target, zone=ZONE)
    since = date(2025, 1, 1)
    warehouse.load({
        "point": [{"point_id": name, "kind": "wastewater", "valid_from": since} for name in (*STEPS, "unregistered")],
        "channel": [
            {"point_id": name, "parameter_code": parameter, "step_minutes": step, "valid_from": since}
            for name, step in STEPS.items() for parameter in ("w01018", "electricity") if (name, parameter) != ("quarters", "electricity")
        ],
        "reading": [{name: value for name, value in row.items() if name not in ("date", "hour")} for row in readings],
    })  # fmt: skip
    warehouse.build("point_hourly", "point_daily", "data_completeness_daily")
    return warehouse


@pytest.mark.parametrize(
    ("table", "column", "period", "expected"),
    [("point_hourly", "hour_start_utc", "hour", expected_row), ("point_daily", "local_date", "date", expected_day)],
    ids=["point_hourly", "point_daily"],
)
def test_every_column_of_every_row_is_what_its_readings_say(
    warehouse: Warehouse, readings: list[dict[str, Any]], table: str, column: str, period: str, expected: Callable[..., dict[str, Any]]
) -> None:
    groups = grouped(readings, period)
    found = {
        (row["point_id"], row["parameter_code"], row["statistic"], row[column]): row
        for row in warehouse.query(f"select * from marts.{table}")
    }
    assert found.keys() == groups.keys()
    for key, group in groups.items():
        for name, value in expected(group).items():
            actual = found[key][name]
            same = isclose(actual, value, rel_tol=1e-12) if isinstance(value, float) and actual is not None else actual == value
            assert same, f"{table} {key} {name}: {actual} is not {value}"


def test_completeness_owes_every_day_in_service_and_nothing_by_the_week(warehouse: Warehouse, readings: list[dict[str, Any]]) -> None:
    days = grouped(readings, "date")
    found = {
        (row["point_id"], row["parameter_code"], row["statistic"], row["local_date"]): row
        for row in warehouse.query("select * from marts.data_completeness_daily")
    }
    assert found.keys() == days.keys(), "every channel delivered on every day, and the weekly ones owe no daily rows"
    for key, group in days.items():
        expected = expected_day(group)
        for name in ("expected_periods", "received_periods", "valid_periods", "flagged_periods", "late_periods"):
            assert found[key][name] == expected[name], (key, name)
        owed = expected["expected_periods"]
        assert found[key]["completeness_share"] == (min(1, expected["received_periods"] / owed) if owed else None)
        assert found[key]["is_in_service"]
