"""What a measurement campaign measured: whole days, whole batches, of whom the campaign is about and of nobody else."""

import shutil
from datetime import date
from typing import Any

import pytest

from tests.transform.harness import Warehouse
from tests.transform.known_park import SINCE, merged, meter, outlet, total

pytestmark = pytest.mark.slow

FIRST, END = date(2025, 6, 1), date(2025, 6, 4)
DAYS = [date(2025, 5, 31), FIRST, date(2025, 6, 2), date(2025, 6, 3), END]


def batch(name: str, day: date, at: float, hours: float, value: float, **more: Any) -> dict[str, Any]:
    return total("BATCH", "copper", "t", day, value, hours=hours, at=at, batch_id=name, source_kind="manual_entry", **more)


@pytest.fixture(scope="module")
def built(template: Any, dbt_target: Any, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    path = tmp_path_factory.mktemp("campaigns") / "warehouse.duckdb"
    shutil.copyfile(template, path)
    warehouse = Warehouse(path, dbt_target)
    registers = merged(
        [
            {"enterprise": [{"enterprise_id": name, **SINCE} for name in ("E1", "E2")]},
            {"process": [{"process_id": name, "enterprise_id": "E1", **SINCE} for name in ("P1", "P2")]},
            meter("TAP-1", "E1", "tap_water", process="P1", kind="water"),
            meter("TAP-2", "E1", "tap_water", process="P2", kind="water"),
            meter("BATCH", "E1", "copper", process="P1", kind="process"),
            meter("OUTPUT", "E1", "production_output", process="P1", kind="production"),
            meter("OTHER", "E2", "tap_water", kind="water"),
            outlet("O1", "E1", "water", "final", {"w00000": None, "w01018": None}, step=1440),
        ]
    )
    event = {"event_kind": "inspection", "category": "balance_campaign", "occurred_on": FIRST, "ended_on": END}
    records = registers | {
        "event": [
            event | {"event_id": "C-P1", "subject_kind": "process", "subject_id": "P1"},
            event | {"event_id": "C-E1", "subject_kind": "enterprise", "subject_id": "E1"},
            event | {"event_id": "C-OPEN", "subject_kind": "process", "subject_id": "P1", "ended_on": None},
            event | {"event_id": "OTHER", "subject_kind": "process", "subject_id": "P1", "category": "routine"},
        ],
        "reading": [
            *(total("TAP-1", "tap_water", "m3", day, 10.0) for day in DAYS),
            *(total("TAP-2", "tap_water", "m3", day, 3.0) for day in DAYS),
            *(total("OTHER", "tap_water", "m3", day, 99.0) for day in DAYS),
            *(total("OUTPUT", "production_output", "t", day, 2.0) for day in DAYS),
            *(total("O1", "w00000", "m3", day, 7.0) for day in DAYS),
            *(total("O1", "w01018", "kg", day, 0.5) for day in DAYS),
            batch("b0", date(2025, 5, 31), 20, 4, 50.0),
            batch("b0", FIRST, 0, 2, 50.0),
            batch("b1", FIRST, 8, 6, 1.0),
            batch("b2", date(2025, 6, 2), 8, 6, 2.0, state="estimated"),
            batch("b3", date(2025, 6, 3), 20, 4, 3.0),
            batch("b3", END, 0, 10, 4.0),
            # the same batch, as an automatic scale saw it
            total("BATCH", "copper", "t", FIRST, 1.5, hours=6, at=8, batch_id="b1"),
        ],
    }
    warehouse.load(records)
    warehouse.build("int_campaign_figures")
    return warehouse


def figures(built: Warehouse, campaign: str) -> dict[tuple[str, str, str, str], tuple[float, int]]:
    rows = built.query(f"select * from intermediate.int_campaign_figures where campaign_id = '{campaign}'")
    return {(row["source"], row["item_code"], row["measure"], row["basis"]): (row["quantity"], row["counted"]) for row in rows}


def test_only_campaigns_that_are_over(built: Warehouse) -> None:
    rows = built.query(
        "select campaign_id, enterprise_id, process_id, starts_on, ends_on from intermediate.int_balance_campaigns order by 1"
    )
    assert [tuple(row.values()) for row in rows] == [("C-E1", "E1", None, FIRST, END), ("C-P1", "E1", "P1", FIRST, END)]


def test_days_of_a_process(built: Warehouse) -> None:
    found = figures(built, "C-P1")
    assert found["consumption", "tap_water", "purchased", "days"] == (30.0, 3)
    assert found["consumption", "tap_water", "quantity", "days"] == (30.0, 3)
    assert found["production", "production_output", "quantity", "days"] == (6.0, 3)
    assert not [key for key in found if key[0] in ("outlet_flow", "process_use")]


def test_days_of_an_enterprise(built: Warehouse) -> None:
    found = figures(built, "C-E1")
    assert found["consumption", "tap_water", "purchased", "days"] == (39.0, 3)
    assert found["process_use", "tap_water", "quantity", "days"] == (39.0, 3)
    assert found["outlet_flow", "w00000", "flow_m3", "days"] == (21.0, 3)
    assert found["emission_water", "w01018", "mass_kg", "days"] == (1.5, 3)


@pytest.mark.parametrize("campaign", ["C-P1", "C-E1"])
def test_batches_are_counted_whole_and_belong_to_the_campaign_they_began_in(built: Warehouse, campaign: str) -> None:
    """b1 by the automatic scale 1.5, b2 2, b3 3 + 4 though it ran on past the last day; b0 had begun before."""
    assert figures(built, campaign)["consumption", "copper", "purchased", "batches"] == (10.5, 3)


def test_how_much_of_the_batches_was_measured(built: Warehouse) -> None:
    (row,) = built.query(
        "select measured_share, estimated_share from intermediate.int_campaign_figures where campaign_id = 'C-P1' and basis = 'batches'"
    )
    assert (row["measured_share"], row["estimated_share"]) == (pytest.approx(8.5 / 10.5), pytest.approx(2 / 10.5))


def test_models_keep_their_keys(built: Warehouse) -> None:
    built.dbt("test", "--select", "int_balance_campaigns", "int_campaign_figures")
