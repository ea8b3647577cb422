"""An incremental build equals a full rebuild, whatever changed: every register, every standard, every kind of delivery.

Each change has points of its own, so that one build judges all of them and the differing rows name the culprit.
"""

import random
from datetime import date, timedelta
from typing import Any

import pytest

from tests.comparison import differing_rows
from tests.transform.harness import Warehouse
from tests.transform.point_scenario import BEGIN, DAYS, POINTS, REGISTERED, channel, count_up, hour, scenario, series

TABLES = (
    "intermediate.int_register_days",
    "intermediate.int_reading_days",
    "intermediate.int_meter_intervals",
    "intermediate.int_point_quantity_daily",
    "marts.point_hourly",
    "marts.point_daily",
    "marts.data_completeness_daily",
)
MODELS = tuple(table.split(".")[1] for table in TABLES)
NEWEST = range(DAYS + 2, DAYS + 3)


def change_registers(warehouse: Warehouse) -> None:
    """One row of every register type changes, and one standard: for the first day only, because it touches every point."""
    since = {"valid_from": REGISTERED}
    warehouse.correct("park", {"park_id": warehouse.park_id}, area_km2=11.0)
    warehouse.correct("enterprise", {"enterprise_id": "E1"}, sector_code="2611")
    warehouse.correct("process", {"process_id": "E1-P1"}, name="renamed")
    warehouse.correct("product", {"product_code": "E1-STEEL"}, unit="kg")
    warehouse.correct("outlet", {"outlet_id": "E1-O1"}, discharge_kind="indirect", receiving_enterprise_id="E2")
    warehouse.correct("point", {"point_id": "owner"}, enterprise_id="E2")
    warehouse.correct("point", {"point_id": "closed"}, valid_to=BEGIN + timedelta(days=5))
    warehouse.correct("channel", {"point_id": "step"}, step_minutes=180)
    warehouse.correct("channel", {"point_id": "multiplier"}, valid_to=BEGIN + timedelta(days=4))
    warehouse.load({"channel": [channel("multiplier", "electricity", multiplier=40.0) | {"valid_from": BEGIN + timedelta(days=4)}]})
    warehouse.correct("channel", {"point_id": "kind"}, register_kind="interval", multiplier=2.0)
    warehouse.correct("channel", {"point_id": "rate"}, register_kind="rate")
    warehouse.correct("meter_event", {"point_id": "exchange"}, final_register=2090.0)
    warehouse.withdraw("meter_event", {"point_id": "exchange_gone"})
    warehouse.load({
        "meter_event": [{
            "point_id": "exchange_new", "parameter_code": "electricity", "event_kind": "reset", "event_at_utc": hour(6, 0),
            "event_date": BEGIN + timedelta(days=6), "final_register": 2440.0, "initial_register": 2439.0,
        }]
    })  # fmt: skip
    warehouse.correct("meter_link", {"point_id": "step"}, role="check")
    warehouse.correct("flow_link", {"point_id": "step"}, target_id="E1")
    warehouse.correct("allocation", {"source_id": "step"}, share=0.25)
    warehouse.correct("identifier", {"value": "1"}, entity_id="kind")
    warehouse.correct("entity_relation", {"from_id": "E2"}, effective_date=date(2025, 11, 2))
    warehouse.correct("permit_limit", {"permit_id": "L1"} | since, limit_value=35.0)
    warehouse.add_own_standard("parameters", {
        "parameter_code": "own_flow", "name": "Own flow", "kind": "process", "medium": "energy", "unit": "x/h", "total_unit": "x",
        "valid_from": "2025-10-28", "valid_to": "2025-10-29", "version": "1", "source_ref": "the park", "verification_status": "unverified",
    })  # fmt: skip


def change_readings(warehouse: Warehouse) -> None:
    """Every kind of delivery: new, late, corrected, withdrawn, the first and the last of a channel."""

    def key(name: str, day: int, at: int) -> dict[str, Any]:
        return {"point_id": name, "period_start_utc": hour(day, at), "period_end_utc": hour(day, at + (0 if name.startswith("reg") else 6))}

    warehouse.correct("reading", key("corrected", 2, 6), value=99.0)
    warehouse.correct("reading", key("corrected", 3, 6), value=None, state="missing")
    warehouse.correct("reading", key("flagged", 2, 6), flag="D")
    warehouse.withdraw("reading", key("one_gone", 4, 0))
    for at in range(0, 24, 6):
        warehouse.withdraw("reading", key("day_gone", 4, at))
        warehouse.withdraw("reading", key("register_day_gone", 4, at))
    warehouse.withdraw("reading", key("register_gone", 5, 0))
    warehouse.correct("reading", key("register_corrected", 5, 0), value=2205.0)
    for day in range(DAYS):
        for at in range(0, 24, 6):
            warehouse.withdraw("reading", key("emptied", day, at))
    warehouse.load({
        "reading": [
            *series("late", "a21026", "avg", lambda day, at: 1.0, range(3)),
            # the park's newest day, and before it two days of silence for everybody
            *series("newest", "a21026", "avg", lambda day, at: 2.0, NEWEST),
            *series("silent", "a21026", "avg", lambda day, at: 3.0, range(5, 6)),
            *series("copy_begins", "electricity", "register", count_up, range(2, 5), source_kind="platform_copy"),
        ]
    })  # fmt: skip


def shrink(warehouse: Warehouse) -> None:
    """The newest days are taken back: the calendar ends earlier for everybody."""
    for day in NEWEST:
        for at in range(0, 24, 6):
            warehouse.withdraw("reading", {"point_id": "newest", "period_start_utc": hour(day, at)})


def assert_equal_to_full(warehouse: Warehouse) -> None:
    """Build on, keep the result, build whole, and compare every table."""
    warehouse.build(*MODELS)
    with warehouse.connect() as con:
        con.execute("create schema if not exists built_on")
        for table in TABLES:
            con.execute(f"create or replace table built_on.{table.split('.')[1]} as select * from {table}")
    warehouse.build(*MODELS, full_refresh=True)
    with warehouse.connect() as con:
        found = {table: differing_rows(con, f"built_on.{table.split('.')[1]}", table) for table in TABLES}
        assert not {table: rows[:10] for table, rows in found.items() if rows}


def test_a_changed_register_or_standard_row_is_rebuilt_as_a_full_build_would(warehouse: Warehouse) -> None:
    warehouse.load(scenario())
    warehouse.build(*MODELS)
    before = {table: warehouse.value(f"select count(*) from {table}") for table in TABLES}
    assert all(before.values()), before
    change_registers(warehouse)
    assert_equal_to_full(warehouse)
    # the changes have arrived, and not only equally been missed
    quantity = "select sum(quantity) from intermediate.int_point_quantity_daily where point_id = '{}'"
    assert warehouse.value(quantity.format("kind")) == 2 * sum((5 + day) * 4 for day in range(DAYS))
    assert warehouse.value(quantity.format("multiplier")) == sum((5 + day) * 4 * (40 if day >= 4 else 1) for day in range(DAYS))
    assert warehouse.value(quantity.format("rate")) == 2.0 * 24
    assert warehouse.value("select count(*) from marts.data_completeness_daily where point_id = 'closed' and is_in_service") == 5
    assert warehouse.value("select max(expected_periods) from marts.point_daily where point_id = 'step'") == 8


def test_a_changed_reading_is_rebuilt_as_a_full_build_would(warehouse: Warehouse) -> None:
    warehouse.load(scenario())
    warehouse.build(*MODELS)
    change_readings(warehouse)
    assert_equal_to_full(warehouse)
    assert warehouse.value("select count(*) from marts.point_daily where point_id in ('emptied')") == 0
    assert warehouse.value("select count(*) from marts.point_daily where point_id = 'day_gone'") == DAYS - 1
    silent = warehouse.query("select statistic, received_periods, count(*) as days from marts.data_completeness_daily "
                             "where point_id = 'silent' group by all order by received_periods")  # fmt: skip
    assert [(row["statistic"], row["received_periods"], row["days"]) for row in silent] == [("avg", 0, DAYS + 2), ("avg", 4, 1)]
    gap = warehouse.query("select quantity, period_end_utc - period_start_utc as length from intermediate.int_meter_intervals "
                          "where point_id = 'register_day_gone' order by length desc limit 1")  # fmt: skip
    assert gap == [{"quantity": 300.0, "length": timedelta(hours=30)}]
    shrink(warehouse)
    assert_equal_to_full(warehouse)
    assert warehouse.value("select max(local_date) from marts.data_completeness_daily") == BEGIN + timedelta(days=DAYS - 1)


def test_the_comparison_itself_notices_a_change_the_ledger_does_not_tell(warehouse: Warehouse) -> None:
    warehouse.load(scenario())
    warehouse.build(*MODELS)
    warehouse.execute(
        "update landing.reading set value = value + 1 where point_id = 'untouched' and period_start_utc = '2025-10-29 16:00:00'"
    )
    with pytest.raises(AssertionError, match="untouched"):
        assert_equal_to_full(warehouse)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_mixture_of_changes_is_rebuilt_as_a_full_build_would(warehouse: Warehouse, seed: int) -> None:
    chosen = random.Random(seed)
    warehouse.load(scenario())
    warehouse.build(*MODELS)
    for _ in range(3):
        for _ in range(12):
            _random_change(warehouse, chosen)
        assert_equal_to_full(warehouse)


def _random_change(warehouse: Warehouse, chosen: random.Random) -> None:
    current = warehouse.query(
        "select point_id, parameter_code, statistic, source_kind, period_start_utc, period_end_utc, value from landing.reading "
        "where known_to is null order by all"
    )
    row = chosen.choice(current)
    key = {name: value for name, value in row.items() if name != "value"}
    match chosen.choice(["correct", "flag", "state", "withdraw", "withdraw_day", "new_event", "channel", "point", "copy"]):
        case "correct":
            warehouse.correct("reading", key, value=(row["value"] or 0) + chosen.choice([-500, -1, 1, 500]))
        case "flag":
            warehouse.correct("reading", key, flag=chosen.choice(["D", "N", "S"]))
        case "state":
            warehouse.correct("reading", key, state=chosen.choice(["measured", "estimated", "stopped", "missing", "not_applicable"]))
        case "withdraw":
            warehouse.withdraw("reading", key)
        case "withdraw_day":
            day = warehouse.local_date(row["period_start_utc"])
            for other in current:
                if other["point_id"] == row["point_id"] and warehouse.local_date(other["period_start_utc"]) == day:
                    warehouse.withdraw("reading", {name: value for name, value in other.items() if name != "value"})
        case "new_event":
            instant = row["period_start_utc"] + timedelta(minutes=chosen.choice([0, 90]))
            taken = warehouse.query(
                f"select 1 from landing.meter_event where known_to is null and point_id = '{row['point_id']}' and event_at_utc = '{instant}'"
            )
            if not taken:
                event = {
                    "point_id": row["point_id"], "parameter_code": row["parameter_code"], "event_kind": chosen.choice(["exchange", "reset"]),
                    "event_at_utc": instant, "final_register": chosen.choice([None, (row["value"] or 0) + 5]),
                    "initial_register": chosen.choice([None, 0.0, (row["value"] or 0)]),
                }  # fmt: skip
                warehouse.load({"meter_event": [event]})
        case "channel":
            registered = warehouse.query(
                "select point_id, parameter_code, valid_from from landing.channel where known_to is null order by all"
            )
            changed = chosen.choice([{"step_minutes": 60}, {"multiplier": 3.0}, {"valid_to": BEGIN + timedelta(days=5)}, {"digits": 4}])
            warehouse.correct("channel", chosen.choice(registered), **changed)
        case "point":
            warehouse.correct("point", {"point_id": chosen.choice(POINTS)}, valid_from=BEGIN + timedelta(days=chosen.randrange(4)))
        case "copy":
            copies = [other | {"source_kind": "platform_copy"} for other in current if other["point_id"] == row["point_id"]]
            known = {(other["point_id"], other["source_kind"], other["period_start_utc"], other["period_end_utc"]) for other in current}
            new = [c for c in copies if (c["point_id"], "platform_copy", c["period_start_utc"], c["period_end_utc"]) not in known]
            warehouse.load({"reading": [c | {"unit": "kWh"} for c in chosen.sample(new, k=min(5, len(new)))]})
