"""The ledger resolved: which points and enterprises a change of each kind of entity means, and on which dates.

All cases go through one build: each has a week of its own, and what is touched in a week belongs to its case.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.transform.harness import OPEN_END, Warehouse

SINCE = date(2025, 1, 1)
FIRST = date(2025, 9, 1)
DAYS_OF_CASE = 6

# kind, entity, first and last touched day of the case's week (counted from 1), cause, enterprises and points expected with their days
Case = tuple[str, str, int, int | None, str, dict[str, list[int]], dict[str, list[int]]]


def only(*names: str, on: Iterable[int]) -> dict[str, list[int]]:
    return {name: list(on) for name in names}


CASES: dict[str, Case] = {
    # scores are computed again, and no table is built from it; also where somebody numbers findings as we number enterprises
    "a finding": ("assessment", "A", 3, 3, "finding", {}, {}),
    # a register's difference that leads into the day is kept under the day before
    "a reading of a meter": ("point", "plain", 3, 3, "reading", only("A", on=[2, 3]), only("plain", on=[2, 3])),
    # its owner, its parent's owner, the virtual meter's owner, and whom the virtual meter's flow goes to
    "a reading of a child meter": ("point", "child", 3, 3, "reading", only("A", "B", "C", "D", on=[2, 3]), only("child", on=[2, 3])),
    "a flow that is sold from a meter to another": ("point", "sold", 3, 3, "reading", only("A", "D", on=[2, 3]), only("sold", on=[2, 3])),
    "a link that holds later only": ("point", "sold_later", 3, 3, "reading", only("A", on=[2, 3]), only("sold_later", on=[2, 3])),
    "a stack of a shared outlet": ("point", "stack", 3, 3, "reading", only("A", "C", on=[2, 3]), only("stack", on=[2, 3])),
    "a shared meter": ("point", "shared", 3, 3, "reading", only("A", "B", on=[2, 3]), only("shared", on=[2, 3])),
    "a drain into the park plant": ("point", "drain", 3, 3, "reading", only("A", "W", on=[2, 3]), only("drain", on=[2, 3])),
    "a point of the park": ("point", "parkpoint", 3, 3, "reading", only("-", on=[2, 3]), only("parkpoint", on=[2, 3])),
    # the register says now that it belongs to B from the third day on; until a minute ago all of it was A's
    "a moved point": ("point", "moved", 1, 5, "point", {"A": [0, 1, 2, 3, 4, 5], "B": [3, 4, 5]}, only("moved", on=range(6))),
    "a flow link": ("point", "plain", 1, 2, "flow_link", only("A", on=[1, 2]), only("plain", on=[1, 2])),
    "an outlet's permit": ("outlet", "O-SHARED", 1, 5, "permit_limit", only("A", "C", on=range(1, 6)), {}),
    "an outlet that discharges elsewhere": ("outlet", "O-DRAIN", 3, 3, "outlet", only("A", "W", on=[3]), {}),
    "a process": ("process", "A-PR", 3, 3, "self_report", only("A", on=[3]), {}),
    "a product": ("product", "A-STEEL", 3, 3, "self_report", only("A", on=[3]), {}),
    "an enterprise": ("enterprise", "B", 3, 3, "self_report", only("B", on=[3]), {}),
    "a factor": ("park", "PARK", 2, 2, "factors", only("A", "B", "C", "D", "W", "-", on=[2]), {}),
    # without an end: to the last day of the data
    "a parameter": ("park", "PARK", 3, None, "parameters", only("A", "B", "C", "D", "W", "-", on=[2, 3, 4, 5]), {}),
}
POINTS = ("main", "child", "virtual", "sold", "sold_later", "target", "shared", "stack", "drain", "parkpoint", "moved", "plain")


def day(case: str, number: int) -> date:
    """The number-th day of a case's week; 0 is the day before it, which belongs to nobody."""
    return FIRST + timedelta(days=DAYS_OF_CASE * list(CASES).index(case) + number - 1)


def point(point_id: str, enterprise: str | None, **more: Any) -> dict[str, Any]:
    return {"point_id": point_id, "enterprise_id": enterprise, "kind": "energy", "valid_from": SINCE, **more}


def outlet(outlet_id: str, enterprise: str, receiver: str | None = None) -> dict[str, Any]:
    kind = "indirect" if receiver else "direct"
    return {
        "outlet_id": outlet_id, "enterprise_id": enterprise, "medium": "water", "kind": "final", "discharge_kind": kind,
        "receiving_enterprise_id": receiver, "valid_from": SINCE,
    }  # fmt: skip


@pytest.fixture(scope="module")
def touched(template: Path, dbt_target: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[date]]]:
    path = tmp_path_factory.mktemp("touched") / "warehouse.duckdb"
    path.write_bytes(template.read_bytes())
    warehouse = Warehouse(path, dbt_target)
    midnight = datetime.combine(FIRST, datetime.min.time()) - timedelta(hours=8)
    moves_on = day("a moved point", 3)
    warehouse.load({
        "enterprise": [{"enterprise_id": name, "valid_from": SINCE} for name in ("A", "B", "C", "D", "W")],
        "process": [{"process_id": "A-PR", "enterprise_id": "A", "valid_from": SINCE}],
        "product": [{"product_code": "A-STEEL", "enterprise_id": "A", "unit": "t", "valid_from": SINCE}],
        "outlet": [outlet("O-SHARED", "A"), outlet("O-DRAIN", "A", receiver="W")],
        "point": [
            *(point(name, "A") for name in ("main", "sold", "sold_later", "shared", "plain", "moved")), point("child", "B"),
            point("virtual", "C"), point("target", "D"), point("stack", "A", outlet_id="O-SHARED"), point("drain", "A", outlet_id="O-DRAIN"),
            point("parkpoint", None),
        ],
        "meter_link": [
            {"point_id": "child", "parent_point_id": "main", "role": "sub", "valid_from": SINCE},
            {"point_id": "virtual", "parent_point_id": "-", "role": "virtual", "formula": "+main -child", "valid_from": SINCE},
        ],
        "flow_link": [
            {"point_id": "virtual", "target_kind": "enterprise", "target_id": "D", "medium": "heat", "valid_from": SINCE},
            {"point_id": "sold", "target_kind": "point", "target_id": "target", "medium": "heat", "valid_from": SINCE},
            {
                "point_id": "sold_later", "target_kind": "point", "target_id": "target", "medium": "heat",
                "valid_from": day("a link that holds later only", 4),
            },
        ],
        "allocation": [
            {"source_kind": "outlet", "source_id": "O-SHARED", "enterprise_id": "C", "share": 1.0, "basis": "area", "valid_from": SINCE},
            {"source_kind": "point", "source_id": "shared", "enterprise_id": "B", "share": 1.0, "basis": "area", "valid_from": SINCE},
        ],
        "reading": [
            {
                "point_id": name, "parameter_code": "electricity", "statistic": "register", "source_kind": "automatic", "unit": "kWh",
                "value": float(at), "period_start_utc": midnight + timedelta(days=at), "period_end_utc": midnight + timedelta(days=at),
            }
            for name in POINTS for at in range(DAYS_OF_CASE * len(CASES))
        ],
    })  # fmt: skip
    warehouse.build("int_point_quantity_daily", "int_touched_enterprise_dates")
    # the landing of the new register row: the old one is superseded and stays readable
    warehouse.correct("point", {"point_id": "moved"}, valid_to=moves_on)
    warehouse.load({"point": [point("moved", "B") | {"valid_from": moves_on}]})
    consumed = warehouse.change_seq
    warehouse.execute(f"update landing.watermark set change_seq = {consumed}")
    for number, (name, (kind, entity, first, last, cause, *_)) in enumerate(CASES.items(), start=consumed + 1):
        until = OPEN_END if last is None else day(name, last)
        warehouse.execute(
            f"insert into landing.touched values ({number}, '{kind}', '{entity}', '{day(name, first)}', '{until}', '{cause}', null)"
        )
    warehouse.build("int_touched_enterprise_dates")
    return {
        "point_id": _dates(warehouse, "point_id", "intermediate.int_touched_point_dates"),
        "enterprise_id": _dates(warehouse, "enterprise_id", "intermediate.int_touched_enterprise_dates"),
    }


def _dates(warehouse: Warehouse, column: str, table: str) -> dict[str, list[date]]:
    rows = warehouse.query(
        f"select {column} as entity, list(distinct local_date order by local_date) as dates from {table} group by {column}"
    )
    return {row["entity"]: row["dates"] for row in rows}


def of_case(touched: dict[str, list[date]], case: str, from_day: int) -> dict[str, list[int]]:
    """What was touched in a case's week, as numbers of its days."""
    numbers = {day(case, number): number for number in range(from_day, DAYS_OF_CASE)}
    found = {entity: [numbers[local_date] for local_date in dates if local_date in numbers] for entity, dates in touched.items()}
    return {entity: days for entity, days in found.items() if days}


@pytest.mark.parametrize("case", CASES)
def test_a_change_reaches_every_enterprise_it_concerns_and_no_other(touched: dict[str, Any], case: str) -> None:
    expected = CASES[case][5]
    from_day = 0 if any(0 in days for days in expected.values()) else 1
    assert of_case(touched["enterprise_id"], case, from_day) == expected


@pytest.mark.parametrize("case", [name for name in CASES if name != "a parameter"])
def test_a_change_reaches_the_points_it_concerns_and_no_other(touched: dict[str, Any], case: str) -> None:
    expected = CASES[case][6]
    from_day = 0 if any(0 in days for days in expected.values()) else 1
    assert of_case(touched["point_id"], case, from_day) == expected


def test_a_parameter_reaches_every_point_and_the_register_dates_before(touched: dict[str, Any]) -> None:
    assert of_case(touched["point_id"], "a parameter", 1) == only(*POINTS, on=[2, 3, 4, 5])
