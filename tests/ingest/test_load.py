"""Deliveries into landing, sentence by sentence of the design's "Deliveries and revisions"."""

import errno
import json
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines.contracts.records import LINEAGE, RECORD_TYPES, LoadMode
from pipelines.contracts.states import Admission
from pipelines.ingest import landing as landing_module
from pipelines.ingest.lake import Lake
from pipelines.ingest.load import (
    Decision,
    LoadError,
    LoadResult,
    load_deliveries,
    load_delivery,
    pending_deliveries,
    rebuild_from_lake,
    restore_if_lost,
)
from pipelines.warehouse.connection import DiskFull, open_warehouse
from pipelines.warehouse.ledger import Delivery, deliveries
from pipelines.warehouse.tables import GATE_RESULTS
from tests.ingest.depot import BUILD, DAY_ONE, Depot, instant, quarantined, readings, rows_of

FEB = {number: f"2026-02-{number:02d}" for number in range(1, 20)}


# the same key


def test_the_same_value_again_is_a_duplicate_and_is_not_loaded(depot: Depot) -> None:
    depot.add(readings(("A", 0, 1.0)), received=FEB[1])
    again = depot.add(readings(("A", 0, 1.0)), received=FEB[2], path="feed/b.csv")
    assert (again.delivery.rows_accepted, again.delivery.rows_duplicate, again.delivery.rows_revised) == (0, 1, 0)
    assert len(depot.versions("A", 0)) == 1
    assert again.change_seq is None
    assert len(depot.touched()) == 1


def test_another_value_is_a_revision_the_later_wins_and_the_earlier_stays_readable(depot: Depot) -> None:
    depot.add(readings(("A", 0, 1.0), ("A", 1, 1.0)), received=FEB[1])
    revised = depot.add(readings(("A", 0, 2.0), ("A", 1, 1.0)), received=FEB[2], path="feed/b.csv")
    assert (revised.delivery.rows_accepted, revised.delivery.rows_revised, revised.delivery.rows_duplicate) == (1, 1, 1)
    assert depot.current() == {("A", 0): 2.0, ("A", 1): 1.0}
    assert depot.versions("A", 0) == [(1.0, instant(FEB[1]), instant(FEB[2])), (2.0, instant(FEB[2]), None)]


@pytest.mark.parametrize(
    ("column", "value"),
    [("value", None), ("flag", "M"), ("state", "estimated"), ("unit", "g/m3"), ("qualifier", "<"), ("detection_limit", 0.5)],
)
def test_every_column_that_says_something_counts(depot: Depot, column: str, value: object) -> None:
    depot.add(readings(("A", 0, 1.0)), received=FEB[1])
    changed = readings(("A", 0, 1.0), **({} if column == "value" else {column: value}))
    if column == "value":
        changed = readings(("A", 0, None))
    assert depot.add(changed, received=FEB[2], path="feed/b.csv").delivery.rows_revised == 1


def test_how_a_value_was_sent_is_no_part_of_what_it_says(depot: Depot) -> None:
    depot.add(readings(("A", 0, 1000.0)), received=FEB[1])
    again = depot.add(readings(("A", 0, 1000.0), unit_raw="g/m3", value_raw=1.0), received=FEB[2], path="feed/b.csv")
    assert (again.delivery.rows_duplicate, again.change_seq) == (1, None)


def test_two_missing_values_are_the_same(depot: Depot) -> None:
    depot.add(readings(("A", 0, None), state="missing"), received=FEB[1])
    assert depot.add(readings(("A", 0, None), state="missing"), received=FEB[2], path="feed/b.csv").delivery.rows_duplicate == 1


@pytest.mark.parametrize("column", ["parameter_code", "statistic", "source_kind"])
def test_the_same_point_and_hour_by_another_way_is_another_key(depot: Depot, column: str) -> None:
    other = {"parameter_code": "a34013", "statistic": "max", "source_kind": "manual_lab"}[column]
    depot.add(readings(("A", 0, 1.0)), received=FEB[1])
    result = depot.add(readings(("A", 0, 2.0), **{column: other}), received=FEB[2], path="feed/b.csv")
    assert (result.delivery.rows_accepted, result.delivery.rows_revised) == (1, 0)
    assert depot.con.execute("select count(*) from landing.reading where known_to is null").fetchone() == (2,)


def test_later_is_the_receipt_then_the_name_never_the_order_of_loading(depot: Depot) -> None:
    one = depot.deliver(readings(("A", 0, 1.0)), received=FEB[1], path="feed/z.csv")
    two = depot.deliver(readings(("A", 0, 2.0)), received=FEB[2], path="feed/a.csv")
    three = depot.deliver(readings(("A", 0, 3.0)), received=FEB[2], path="feed/b.csv")
    for delivery in (three, one, two):
        depot.load(delivery)
    assert depot.current() == {("A", 0): 3.0}
    assert sorted(depot.versions("A", 0))[0] == (1.0, instant(FEB[1]), instant(FEB[2]))


def test_a_row_loaded_late_enters_superseded_and_touches_nothing(depot: Depot) -> None:
    depot.add(readings(("A", 0, 2.0)), received=FEB[3])
    late = depot.add(readings(("A", 0, 1.0)), received=FEB[1], path="feed/b.csv")
    assert late.way == "replay"
    assert (late.delivery.rows_accepted, late.delivery.rows_revised, late.change_seq) == (1, 0, None)
    assert depot.versions("A", 0) == [(1.0, instant(FEB[1]), instant(FEB[3])), (2.0, instant(FEB[3]), None)]


def test_a_row_loaded_late_takes_its_place_between_two_others(depot: Depot) -> None:
    depot.add(readings(("A", 0, 1.0)), received=FEB[1])
    depot.add(readings(("A", 0, 3.0)), received=FEB[3], path="feed/c.csv")
    depot.add(readings(("A", 0, 2.0)), received=FEB[2], path="feed/b.csv")
    assert depot.versions("A", 0) == [
        (1.0, instant(FEB[1]), instant(FEB[2])),
        (2.0, instant(FEB[2]), instant(FEB[3])),
        (3.0, instant(FEB[3]), None),
    ]


def test_a_late_row_that_says_what_then_stood_is_a_duplicate(depot: Depot) -> None:
    depot.add(readings(("A", 0, 1.0)), received=FEB[1])
    depot.add(readings(("A", 0, 3.0)), received=FEB[3], path="feed/c.csv")
    late = depot.add(readings(("A", 0, 1.0)), received=FEB[2], path="feed/b.csv")
    assert (late.delivery.rows_accepted, late.delivery.rows_duplicate) == (0, 1)


def test_a_held_correction_does_not_hide_the_current_value_and_counts_from_when_it_was_received(depot: Depot) -> None:
    depot.add(readings(("A", 0, 1.0)), received=FEB[1])
    correction = depot.deliver(readings(("A", 0, 2.0)), received=FEB[2], path="feed/b.csv")
    held = depot.load(correction, Admission.HELD, reason="fail: value jumped")
    assert (held.way, held.change_seq) == (None, None)
    assert depot.current() == {("A", 0): 1.0}
    assert deliveries(depot.con, "d.delivery_id = ?", [correction.delivery_id])[0].reason == "fail: value jumped"
    assert [d.delivery_id for d in pending_deliveries(depot.con)] == []
    assert [d.delivery_id for d in pending_deliveries(depot.con, held=True)] == [correction.delivery_id]
    depot.load(held.delivery)
    assert depot.current() == {("A", 0): 2.0}
    assert depot.versions("A", 0)[-1] == (2.0, instant(FEB[2]), None)


# what silence means


def test_by_default_silence_means_nothing(depot: Depot) -> None:
    depot.add(readings(("A", 0, 1.0), ("A", 1, 1.0)), received=FEB[1])
    result = depot.add(readings(("A", 1, 2.0)), received=FEB[2], path="feed/b.csv")
    assert depot.current() == {("A", 0): 1.0, ("A", 1): 2.0}
    assert result.delivery.rows_withdrawn == 0


def test_replaces_period_takes_back_what_its_period_lacks(depot: Depot) -> None:
    depot.add(readings(*((point, hour, 1.0) for point in "AB" for hour in range(5))), received=FEB[1])
    result = depot.add(readings(("A", 1, 1.0), ("A", 3, 9.0)), received=FEB[2], path="feed/b.csv", mode=LoadMode.REPLACES_PERIOD)
    counts = result.delivery
    assert (counts.rows_accepted, counts.rows_revised, counts.rows_duplicate, counts.rows_withdrawn) == (1, 1, 1, 1)
    assert {key for key in depot.current() if key[0] == "A"} == {("A", 0), ("A", 1), ("A", 3), ("A", 4)}
    assert len([key for key in depot.current() if key[0] == "B"]) == 5, "the period is per point"
    assert depot.versions("A", 2) == [(1.0, instant(FEB[1]), instant(FEB[2]))], "withdrawn rows are kept"


def test_another_feeds_rows_are_not_taken_back(depot: Depot) -> None:
    depot.add(readings(("A", 1, 1.0)), received=FEB[1], feed="other", path="other/a.csv")
    depot.add(readings(("A", 0, 1.0), ("A", 2, 1.0)), received=FEB[2], mode=LoadMode.REPLACES_PERIOD)
    depot.add(readings(("A", 0, 1.0)), received=FEB[3], path="feed/b.csv", mode=LoadMode.SNAPSHOT)
    assert depot.current() == {("A", 0): 1.0, ("A", 1): 1.0}


def test_what_another_feed_has_repeated_stands_when_the_first_falls_silent(depot: Depot) -> None:
    depot.add(readings(("A", 0, 1.0), ("A", 1, 1.0)), received=FEB[1], mode=LoadMode.SNAPSHOT)
    repeated = depot.add(readings(("A", 0, 1.0)), received=FEB[2], feed="other", path="other/a.csv")
    assert repeated.delivery.rows_duplicate == 1
    depot.add(readings(("A", 2, 1.0)), received=FEB[3], path="feed/b.csv", mode=LoadMode.SNAPSHOT)
    assert depot.current() == {("A", 0): 1.0, ("A", 2): 1.0}


def test_a_snapshot_takes_back_everything_it_lacks(depot: Depot) -> None:
    points = rows_of("point", *({"point_id": p, "name": p, "kind": "stack", "valid_from": date(2020, 1, 1)} for p in "ABC"))
    depot.add(points, record="point", received=FEB[1], mode=LoadMode.SNAPSHOT)
    result = depot.add(points.head(2), record="point", received=FEB[2], path="feed/b.csv", mode=LoadMode.SNAPSHOT)
    assert (result.delivery.rows_withdrawn, result.delivery.rows_duplicate) == (1, 2)
    assert depot.con.execute("select point_id from landing.point where known_to is null order by 1").fetchall() == [("A",), ("B",)]
    empty = depot.add(points.head(0), record="point", received=FEB[3], path="feed/c.csv", mode=LoadMode.SNAPSHOT)
    assert empty.delivery.rows_withdrawn == 2


def test_what_was_taken_back_may_come_again(depot: Depot) -> None:
    for day, rows in ((1, [("A", 0, 1.0), ("A", 1, 1.0)]), (2, [("A", 1, 1.0)]), (4, [("A", 0, 1.0), ("A", 1, 1.0)])):
        result = depot.add(readings(*rows), received=FEB[day], path=f"feed/{day}.csv", mode=LoadMode.SNAPSHOT)
    assert (result.delivery.rows_accepted, result.delivery.rows_revised, result.delivery.rows_duplicate) == (1, 0, 1)
    assert depot.versions("A", 0) == [(1.0, instant(FEB[1]), instant(FEB[2])), (1.0, instant(FEB[4]), None)]


def test_a_delivery_that_came_before_a_snapshot_and_is_loaded_after_it_enters_taken_back(depot: Depot) -> None:
    early = depot.deliver(readings(("A", 0, 1.0), ("A", 1, 1.0)), received=FEB[1], mode=LoadMode.SNAPSHOT)
    depot.add(readings(("A", 1, 1.0)), received=FEB[3], path="feed/b.csv", mode=LoadMode.SNAPSHOT)
    depot.load(early)
    assert depot.current() == {("A", 1): 1.0}
    assert depot.versions("A", 0) == [(1.0, instant(FEB[1]), instant(FEB[3]))]


def test_reports_of_different_kinds_never_revise_or_withdraw_each_other(depot: Depot) -> None:
    def report(kind: str, *months: int, value: float = 1.0):
        return rows_of(
            "self_report",
            *(
                {"subject_kind": "enterprise", "subject_id": "E1", "item_code": "coal", "medium": "purchased", "line_id": "-", "report_kind": kind,
                 "period_start": date(2026, month, 1), "period_end": date(2026, month + 1, 1), "value": value, "state": "self_reported"}
                for month in months
            ),
        )  # fmt: skip

    depot.add(report("statistics", 1, 2, 3), record="self_report", received=FEB[1])
    depot.add(report("tax", 1, 3, value=2.0), record="self_report", received=FEB[2], path="feed/b.csv", mode=LoadMode.REPLACES_PERIOD)
    kinds = depot.con.execute(
        "select report_kind, count(*) from landing.self_report where known_to is null group by all order by all"
    ).fetchall()
    assert kinds == [("statistics", 3), ("tax", 2)]


# a new parse of the same bytes


def test_a_new_parse_takes_the_old_ones_place(depot: Depot) -> None:
    old = depot.add(readings(("A", 0, 1.0), ("A", 1, 1.0), ("A", 2, 1.0)), received=FEB[1]).delivery
    new = depot.add(readings(("A", 1, 1.0), ("A", 2, 1000.0), ("A", 3, 1.0)), reparses=old, known=FEB[9])
    counts = new.delivery
    assert (counts.rows_accepted, counts.rows_revised, counts.rows_duplicate, counts.rows_withdrawn) == (2, 1, 1, 1)
    assert depot.current() == {("A", 1): 1.0, ("A", 2): 1000.0, ("A", 3): 1.0}
    assert depot.versions("A", 0) == [(1.0, instant(FEB[1]), instant(FEB[9]))]
    assert depot.versions("A", 2)[-1] == (1000.0, instant(FEB[9]), None), "known since it was parsed again, not before"


def test_a_new_parse_speaks_with_the_age_of_its_bytes(depot: Depot) -> None:
    old = depot.add(readings(("A", 0, 1.0), ("A", 1, 1.0)), received=FEB[1]).delivery
    depot.add(readings(("A", 0, 5.0)), received=FEB[2], path="feed/b.csv")
    new = depot.add(readings(("A", 0, 1000.0), ("A", 1, 1000.0)), reparses=old, known=FEB[9])
    assert depot.current() == {("A", 0): 5.0, ("A", 1): 1000.0}
    assert (new.delivery.rows_accepted, new.delivery.rows_revised) == (2, 1)


def test_a_key_that_the_new_parse_lacks_falls_back_to_what_an_older_file_says(depot: Depot) -> None:
    depot.add(readings(("A", 0, 1.0)), received=FEB[1], path="feed/first.csv")
    old = depot.add(readings(("A", 0, 5.0), ("A", 1, 5.0)), received=FEB[2], path="feed/second.csv").delivery
    result = depot.add(readings(("A", 1, 5.0)), reparses=old, known=FEB[9])
    assert depot.current() == {("A", 0): 1.0, ("A", 1): 5.0}
    assert depot.versions("A", 0)[-1] == (1.0, instant(FEB[9]), None)
    assert result.delivery.rows_withdrawn == 1
    assert depot.touched(after=result.change_seq - 1) == [("point", "A", date(2026, 1, 1), date(2026, 1, 1))]


def test_a_new_parse_that_is_held_leaves_the_old_one_standing(depot: Depot) -> None:
    old = depot.add(readings(("A", 0, 1.0)), received=FEB[1]).delivery
    depot.load(depot.deliver(readings(("A", 0, 1000.0)), reparses=old, known=FEB[9]), Admission.HELD)
    assert depot.current() == {("A", 0): 1.0}


# what is touched


def test_days_in_a_row_are_one_range_per_entity(depot: Depot) -> None:
    hours = [0, 24, 48, 120, 168]
    depot.add(readings(*((point, hour, 1.0) for point in "AB" for hour in hours)), received=FEB[1])
    ranges = [(date(2026, 1, 1), date(2026, 1, 3)), (date(2026, 1, 6), date(2026, 1, 6)), (date(2026, 1, 8), date(2026, 1, 8))]
    assert depot.touched() == [("point", point, first, last) for point in "AB" for first, last in ranges]


@pytest.mark.parametrize("gap", [False, True])
def test_ranges_come_out_alike_from_the_parse_and_from_the_rows(depot: Depot, gap: bool) -> None:
    """A file without a gap is not looked at again; its ranges must be those the rows would give."""
    rows = [("A", hour, 1.0) for hour in range(0, 100, 24)] + [("B", 5, 1.0)] + ([("A", 500, 1.0)] if gap else [])
    delivery = depot.deliver(readings(*rows), received=FEB[1])
    assert (depot.lake.parse_of(delivery).facts.date_runs is None) is gap
    depot.load(delivery)
    expected = depot.con.execute("select distinct point_id, local_date from landing.reading").fetchall()
    days = {
        (entity, first + timedelta(days=number)) for _, entity, first, last in depot.touched() for number in range((last - first).days + 1)
    }
    assert days == set(expected)
    assert len(depot.touched()) == (3 if gap else 2)


def test_only_rows_that_truly_change_touch_their_dates(depot: Depot) -> None:
    depot.add(readings(*(("A", hour, 1.0) for hour in range(0, 240, 24))), received=FEB[1])
    result = depot.add(
        readings(*(("A", hour, 2.0 if hour == 96 else 1.0) for hour in range(0, 240, 24))), received=FEB[2], path="feed/b.csv"
    )
    assert depot.touched(after=result.change_seq - 1) == [("point", "A", date(2026, 1, 5), date(2026, 1, 5))]


def test_each_transaction_has_its_own_rising_change_number(depot: Depot) -> None:
    numbers = [depot.add(readings(("A", hour, 1.0)), received=FEB[1], path=f"feed/{hour}.csv").change_seq for hour in range(3)]
    assert numbers == sorted(set(numbers))


def test_a_register_row_touches_what_it_names_over_its_old_and_new_validity(depot: Depot) -> None:
    def point(valid_to: date | None, owner: str):
        return rows_of(
            "point",
            {"point_id": "A", "enterprise_id": owner, "name": "A", "kind": "stack", "valid_from": date(2020, 1, 1), "valid_to": valid_to},
        )

    depot.add(point(date(2025, 1, 1), "E1"), record="point", received=FEB[1], mode=LoadMode.SNAPSHOT)
    changed = depot.add(point(None, "E1"), record="point", received=FEB[2], path="feed/b.csv", mode=LoadMode.SNAPSHOT)
    assert depot.touched(after=changed.change_seq - 1) == [("point", "A", date(2020, 1, 1), date(9999, 12, 31))]
    back = depot.add(point(date(2021, 1, 1), "E1"), record="point", received=FEB[3], path="feed/c.csv", mode=LoadMode.SNAPSHOT)
    assert depot.touched(after=back.change_seq - 1) == [("point", "A", date(2020, 1, 1), date(9999, 12, 31))], "the old validity too"


def test_the_entity_kind_may_be_a_column_and_no_entity_touches_nothing(depot: Depot) -> None:
    links = rows_of(
        "flow_link",
        {"point_id": "A", "target_kind": "enterprise", "target_id": "E2", "medium": "steam", "valid_from": date(2024, 1, 1), "valid_to": date(2025, 1, 1)},
    )  # fmt: skip
    depot.add(links, record="flow_link", received=FEB[1], mode=LoadMode.SNAPSHOT)
    year = (date(2024, 1, 1), date(2024, 12, 31))
    assert depot.touched() == [("enterprise", "E2", *year), ("point", "A", *year)]
    top = rows_of("meter_link", {"point_id": "A", "parent_point_id": "-", "role": "billing", "valid_from": date(2024, 1, 1)})
    result = depot.add(top, record="meter_link", feed="links", path="links/a.csv", received=FEB[1], mode=LoadMode.SNAPSHOT)
    assert depot.touched(after=result.change_seq - 1) == [("point", "A", date(2024, 1, 1), date(9999, 12, 31))]


def test_overlapping_periods_of_one_subject_are_one_range(depot: Depot) -> None:
    reports = rows_of(
        "self_report",
        *(
            {"subject_kind": "enterprise", "subject_id": "E1", "item_code": "coal", "medium": "purchased", "line_id": line, "report_kind": "tax",
             "period_start": first, "period_end": last, "value": 1.0, "state": "self_reported"}
            for line, first, last in (
                ("year", date(2025, 1, 1), date(2026, 1, 1)), ("month", date(2025, 3, 1), date(2025, 4, 1)), ("next", date(2026, 1, 1), date(2026, 2, 1)),
                ("apart", date(2026, 5, 1), date(2026, 6, 1)),
            )
        ),
    )  # fmt: skip
    depot.add(reports, record="self_report", received=FEB[1])
    assert depot.touched() == [
        ("enterprise", "E1", date(2025, 1, 1), date(2026, 1, 31)),
        ("enterprise", "E1", date(2026, 5, 1), date(2026, 5, 31)),
    ]


@pytest.mark.parametrize("record", sorted(name for name, record in RECORD_TYPES.items() if not record.append_only))
def test_every_record_type_loads_revises_and_withdraws(depot: Depot, record: str) -> None:
    """Each has a scope, keys that can be joined, and touches that name columns it has."""
    kind = RECORD_TYPES[record]
    samples = {"String": "x", "Float64": 1.0, "Int64": 1, "Boolean": True, "Date": date(2026, 1, 1), "List(String)": ["x"]}
    row = {
        column.name: column.allowed[0] if column.allowed else samples.get(str(column.dtype), DAY_ONE)
        for column in kind.columns
        if column.name != "valid_to"
    }
    other = row | {
        name: "y"
        for name in kind.value_columns
        if kind.by_name[name].dtype == kind.by_name[kind.key[0]].dtype and not kind.by_name[name].allowed
    }
    first = depot.add(rows_of(record, row), record=record, received=FEB[1], mode=LoadMode.SNAPSHOT)
    again = depot.add(rows_of(record, row), record=record, received=FEB[2], path="feed/b.csv", mode=LoadMode.SNAPSHOT)
    revised = depot.add(rows_of(record, other), record=record, received=FEB[3], path="feed/c.csv", mode=LoadMode.SNAPSHOT)
    gone = depot.add(rows_of(record), record=record, received=FEB[4], path="feed/d.csv", mode=LoadMode.SNAPSHOT)
    assert (first.delivery.rows_accepted, again.delivery.rows_duplicate, gone.delivery.rows_withdrawn) == (1, 1, 1)
    assert revised.delivery.rows_revised == (1 if other != row else 0)
    assert first.change_seq
    assert gone.change_seq
    columns = [column.name for column in (*kind.columns, *LINEAGE)]
    found = depot.con.execute(
        f"select column_name from duckdb_columns() where schema_name = 'landing' and table_name = '{record}' order by column_index"
    )
    assert [name for (name,) in found.fetchall()] == columns


# what is append-only


def decisions(*rows: tuple[str, str, str | None]) -> pl.DataFrame:
    """Reviews from (review_id, decision, opinion)."""
    common = {
        "about": "reconciliation", "subject_key": "E1 / electricity", "enterprise_id": "E1", "decided_on": date(2026, 3, 1), "role": "third_party",
        "independence": "independent",
    }  # fmt: skip
    return rows_of("review", *(common | {"review_id": key, "decision": word, "opinion": opinion} for key, word, opinion in rows))


def standing(depot: Depot) -> dict[str, tuple[str, str | None]]:
    rows = depot.con.execute("select review_id, decision, opinion from landing.review where known_to is null").fetchall()
    assert len({key for key, *_ in rows}) == len(rows)
    return {key: (decision, opinion) for key, decision, opinion in rows}


def refusals(depot: Depot) -> list[tuple]:
    return depot.con.execute("select source_row, rule, reason, raw_text from audit.quarantine order by all").fetchall()


def test_a_decision_that_stands_is_not_changed_and_the_file_s_new_ones_come_in(depot: Depot) -> None:
    first = depot.add(decisions(("R-1", "opinion", "too high")), record="review", received=FEB[1])
    later = depot.add(
        decisions(("R-1", "accepted", "looks fine"), ("R-2", "explained", None)), record="review", received=FEB[2], path="feed/b.csv"
    )
    assert standing(depot) == {"R-1": ("opinion", "too high"), "R-2": ("explained", None)}
    counts = later.delivery
    assert (counts.rows_read, counts.rows_accepted, counts.rows_duplicate, counts.rows_quarantined, counts.rows_revised) == (2, 1, 0, 1, 0)
    assert (later.way, later.rows_refused) == ("append", 1)
    [(row, rule, reason, raw)] = refusals(depot)
    assert (row, rule) == (2, "append_only")
    assert "review_id=R-1 stands already and says something else in decision, opinion" in reason
    assert first.delivery.delivery_id in reason
    assert "a new one with a review_id of its own" in reason
    assert "decision=accepted" in raw
    assert deliveries(depot.con, "d.delivery_id = ?", [counts.delivery_id])[0] == counts


def test_silence_takes_no_decision_back(depot: Depot) -> None:
    """Not even that of a file that would be everything the feed has."""
    depot.add(decisions(("R-1", "opinion", None), ("R-2", "opinion", None)), record="review", received=FEB[1])
    later = depot.add(decisions(("R-2", "opinion", None)), record="review", received=FEB[2], path="feed/b.csv", mode=LoadMode.SNAPSHOT)
    assert (later.delivery.rows_withdrawn, later.delivery.rows_duplicate, later.change_seq) == (0, 1, None)
    assert set(standing(depot)) == {"R-1", "R-2"}


def test_of_two_words_on_one_decision_the_one_loaded_first_stands_whatever_it_is_dated(depot: Depot) -> None:
    """What has been published as decided is not changed by a file that was held back; the receipts keep the order of loading."""
    held = depot.deliver(decisions(("R-1", "rejected", None)), record="review", received=FEB[1])
    depot.add(decisions(("R-1", "accepted", None)), record="review", received=FEB[2], path="feed/b.csv")
    assert depot.load(held).rows_refused == 1
    assert standing(depot) == {"R-1": ("accepted", None)}


def test_two_that_wait_together_are_told_apart(depot: Depot) -> None:
    one = depot.deliver(decisions(("R-1", "opinion", None)), record="review", received=FEB[1])
    two = depot.deliver(decisions(("R-1", "override", None)), record="review", received=FEB[2], path="feed/b.csv")
    other = depot.deliver(decisions(("R-9", "opinion", None)), record="review", received=FEB[3], path="feed/c.csv")
    given = [Decision(delivery, Admission.ADMITTED) for delivery in (one, two, other)]
    results = [result for _, result in load_deliveries(depot.con, depot.settings, given, build_id=BUILD)]
    assert [result.rows_refused for result in results] == [0, 1, 0]
    assert standing(depot) == {"R-1": ("opinion", None), "R-9": ("opinion", None)}


def test_a_new_parse_of_the_same_bytes_mends_our_reading_of_them_and_nothing_else(depot: Depot) -> None:
    """A contract that read the wrong column is mended; what another file brought stays."""
    first = depot.add(decisions(("R-1", "opinion", "misread"), ("R-2", "opinion", "misread")), record="review", received=FEB[1])
    depot.add(decisions(("R-3", "accepted", None)), record="review", received=FEB[2], path="feed/b.csv")
    mended = depot.add(
        decisions(("R-1", "opinion", "read right"), ("R-3", "rejected", None)), record="review", reparses=first.delivery, known=FEB[4]
    )
    assert standing(depot) == {"R-1": ("opinion", "read right"), "R-3": ("accepted", None)}
    assert (mended.delivery.rows_revised, mended.delivery.rows_withdrawn, mended.rows_refused) == (1, 1, 1)
    again = depot.add(decisions(("R-1", "opinion", "third time")), record="review", reparses=mended.delivery, known=FEB[5])
    assert (standing(depot)["R-1"], again.rows_refused) == (("opinion", "third time"), 0)
    versions = depot.con.execute("select opinion, known_to from landing.review where review_id = 'R-1' order by known_from").fetchall()
    assert [opinion for opinion, _ in versions] == ["misread", "read right", "third time"]
    assert versions[0][1] == instant(FEB[4])


def test_a_rebuild_refuses_the_same_rows_again(depot: Depot, capsys: pytest.CaptureFixture[str]) -> None:
    held = depot.deliver(decisions(("R-1", "rejected", None)), record="review", received=FEB[1])
    depot.add(decisions(("R-1", "accepted", None), ("R-2", "opinion", None)), record="review", received=FEB[2], path="feed/b.csv")
    depot.load(held)
    before = standing(depot), refusals(depot), deliveries(depot.con)
    depot.con.close()
    result = rebuild_from_lake(depot.settings)
    assert (result.differing, result.lost) == ([], [])
    with open_warehouse(depot.settings) as depot.con:
        assert (standing(depot), refusals(depot), deliveries(depot.con)) == before


# the books


def test_counts_add_up_with_quarantine_and_duplicates_of_the_file(depot: Depot) -> None:
    depot.add(readings(("A", 0, 1.0), ("A", 1, 1.0)), received=FEB[1])
    refused = quarantined((9, "SO2", "number_not_understood", "is not a number", "x"))
    result = depot.add(
        readings(("A", 0, 1.0), ("A", 1, 2.0), ("A", 2, 2.0)), received=FEB[2], path="feed/b.csv", refused=refused, duplicates=2
    )
    counts = result.delivery
    assert (counts.rows_read, counts.rows_accepted, counts.rows_duplicate, counts.rows_quarantined) == (6, 2, 3, 1)
    stored = deliveries(depot.con, "d.delivery_id = ?", [counts.delivery_id])[0]
    assert stored == counts
    rows = depot.con.execute("select park_id, feed_id, source_row, column_name, rule, reason, raw_text from audit.quarantine").fetchall()
    assert rows == [("P1", "feed", 9, "SO2", "number_not_understood", "is not a number", "x")]


def test_every_row_says_where_it_came_from(depot: Depot) -> None:
    delivery = depot.add(readings(("A", 0, 1.0), ("B", 0, 2.0)), received=FEB[1]).delivery
    rows = depot.con.execute(
        "select point_id, feed_id, delivery_id, source_row, known_from, known_to from landing.reading order by 1"
    ).fetchall()
    assert rows == [(point, "feed", delivery.delivery_id, row, instant(FEB[1]), None) for point, row in (("A", 2), ("B", 3))]


def test_books_that_do_not_balance_roll_everything_back(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = depot.deliver(readings(("A", 0, 1.0), ("A", 1, 1.0)), received=FEB[1])
    facts_of = depot.lake.parse_of(delivery).facts
    monkeypatch.setattr("pipelines.ingest.lake._read_facts", lambda _: type(facts_of)(**{**vars(facts_of), "rows_read": 3}))
    with pytest.raises(LoadError, match=r"3 rows read are not 2 accepted \+ 0 duplicate \+ 0 quarantined"):
        depot.load(delivery)
    assert depot.current() == {}
    assert depot.touched() == []
    assert depot.con.execute("select count(*) from landing.coverage").fetchone() == (0,)
    assert [d.admission for d in deliveries(depot.con)] == ["pending"]
    monkeypatch.undo()
    depot.load(delivery)
    assert len(depot.current()) == 2


def test_verdicts_are_written_with_the_decision_or_not_at_all(depot: Depot) -> None:
    delivery = depot.deliver(readings(("A", 0, 1.0)), received=FEB[1])
    verdict = tuple(
        {"park_id": "P1", "build_id": BUILD, "gate": "a", "suite": "delivery", "subject": delivery.delivery_id, "expectation": "rows",
         "severity": "critical", "status": "pass", "why": "an empty file passes all else", "rule_id": "r", "scope": "all"}.get(column.name)
        for column in GATE_RESULTS.columns
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"audit\.gate_results; this one has 3"):
        depot.load(delivery, gate_rows=[verdict[:3]])
    assert depot.current() == {}
    depot.load(delivery, gate_rows=[verdict, verdict])
    assert depot.con.execute("select subject, status from audit.gate_results").fetchall() == [(delivery.delivery_id, "pass")] * 2


def test_a_delivery_is_admitted_once(depot: Depot) -> None:
    delivery = depot.deliver(readings(("A", 0, 1.0)), received=FEB[1])
    depot.load(delivery)
    with pytest.raises(LoadError, match="does not wait for admission"):
        depot.load(delivery)
    assert depot.con.execute("select count(*) from landing.reading").fetchone() == (1,)
    with pytest.raises(ValueError, match="cannot make it withdrawn"):
        depot.load(delivery, Admission.WITHDRAWN)


def test_a_parse_that_the_lake_has_lost_is_named(depot: Depot) -> None:
    delivery = depot.deliver(readings(("A", 0, 1.0)), received=FEB[1])
    (depot.lake.parse_of(delivery).folder / "parse.json").unlink()
    with pytest.raises(LoadError, match=rf"{delivery.delivery_id} \(feed/a.csv\) could not be loaded: the parse .* is not in the lake"):
        depot.load(delivery)


def test_a_disk_that_is_full_at_the_last_moment_undoes_everything(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [depot.deliver(readings(("A", 24 * day, 1.0)), received=FEB[1], path=f"feed/{day}.csv") for day in range(2)]

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(depot.settings.lake))

    monkeypatch.setattr(Lake, "write_receipt", no_room)
    with pytest.raises(DiskFull, match="no room left to write"):
        depot.load(made[0])
    with pytest.raises(DiskFull, match="what was being written has not happened"):
        list(load_deliveries(depot.con, depot.settings, _decide(*made), build_id=BUILD))
    monkeypatch.undo()
    assert depot.current() == {}
    assert depot.touched() == []
    assert {result.way for _, result in load_deliveries(depot.con, depot.settings, _decide(*made), build_id=BUILD)} == {"insert"}


def test_a_parse_from_before_a_column_was_declared_loads_with_nulls(depot: Depot) -> None:
    """Record types grow; what lies in the lake, and a rebuild from it, must not be lost over that."""

    def aged(delivery: Delivery) -> Delivery:
        parse = depot.lake.parse_of(delivery)
        pl.read_parquet(parse.accepted).drop("batch_id", "flag").write_parquet(parse.accepted)
        facts = json.loads((parse.folder / "parse.json").read_text())
        facts["columns"] = [name for name in facts["columns"] if name not in ("batch_id", "flag")]
        (parse.folder / "parse.json").write_text(json.dumps(facts))
        return delivery

    first = aged(depot.deliver(readings(("A", 0, 1.0), flag="M"), received=FEB[1]))
    depot.load(first)
    assert depot.con.execute("select flag, batch_id, value from landing.reading").fetchall() == [(None, None, 1.0)]
    later = depot.deliver(readings(("A", 0, 2.0), flag="M"), received=FEB[3], path="feed/c.csv")
    between = aged(depot.deliver(readings(("A", 0, 3.0)), received=FEB[2], path="feed/b.csv"))
    assert [depot.load(delivery).way for delivery in (later, between)] == ["compare", "replay"]
    assert depot.con.execute("select flag, value from landing.reading where known_to is null").fetchall() == [("M", 2.0)]
    days = [aged(depot.deliver(readings(("A", 24 * day, 1.0)), received=FEB[4], path=f"feed/{day}.csv")) for day in (1, 2)]
    assert [result.way for _, result in load_deliveries(depot.con, depot.settings, _decide(*days), build_id=BUILD)] == ["insert", "insert"]
    assert len(depot.current()) == 3


def test_registers_wait_first_then_the_order_of_receipt(depot: Depot) -> None:
    depot.deliver(readings(("A", 0, 1.0)), received=FEB[1], path="feed/b.csv")
    depot.deliver(readings(("A", 0, 1.0)), received=FEB[1], path="feed/a.csv")
    depot.deliver(rows_of("point"), record="point", feed="points", path="points/p.csv", received=FEB[2], mode=LoadMode.SNAPSHOT)
    assert [d.path for d in pending_deliveries(depot.con)] == ["points/p.csv", "feed/a.csv", "feed/b.csv"]


# which way


def test_a_delivery_that_meets_nothing_goes_straight_in(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    depot.add(readings(("A", 0, 1.0)), received=FEB[1])
    monkeypatch.setattr(landing_module.Loading, "_settle", lambda *_: pytest.fail("landing was looked at"))
    assert depot.add(readings(("A", 24, 1.0)), received=FEB[2], path="feed/b.csv").way == "insert"
    assert depot.add(readings(("B", 0, 1.0)), received=FEB[1], path="feed/0.csv").way == "insert"


def test_a_delivery_whose_elders_are_all_loaded_is_only_compared(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    depot.add(readings(("A", 0, 1.0)), received=FEB[1])
    monkeypatch.setattr(landing_module.Loading, "_replay", lambda *_: pytest.fail("the lake was read"))
    assert depot.add(readings(("A", 0, 1.0), ("A", 5, 1.0)), received=FEB[2], path="feed/b.csv").way == "compare"


@pytest.mark.slow
def test_a_correction_reads_the_part_of_landing_that_holds_its_dates(depot: Depot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The price of a load follows what it brings, not what is stored: ten row groups are stored, one is read."""
    points, hours = 50, 24_000
    stored = readings(("P00", 0, 1.0)).drop("point_id", "period_start_utc", "period_end_utc", "local_date").join(
        pl.DataFrame({"point_id": [f"P{number:02d}" for number in range(points)]}).join(
            pl.DataFrame({"period_start_utc": [DAY_ONE + timedelta(hours=hour) for hour in range(hours)]}), how="cross"
        ), how="cross",
    )  # fmt: skip
    start = pl.col("period_start_utc").cast(pl.Datetime("us"))
    stored = stored.with_columns(start, period_end_utc=start + timedelta(hours=1), local_date=(start + timedelta(hours=8)).dt.date())
    assert depot.add(stored.select(RECORD_TYPES["reading"].schema.names()), received=FEB[1]).delivery.rows_accepted == points * hours
    profile, scanned = tmp_path / "profile.json", []
    real = landing_module.Loading._make_known

    def profiled(self: landing_module.Loading) -> None:
        settings = "OPERATOR_ROWS_SCANNED", "OPERATOR_TYPE"
        self.con.execute("pragma enable_profiling = 'json'")
        self.con.execute(f"set profiling_output = '{profile}'")
        self.con.execute(f"set custom_profiling_settings = '{json.dumps(dict.fromkeys(settings, 'true'))}'")
        real(self)
        self.con.execute("pragma disable_profiling")
        scanned.append(_rows_scanned(json.loads(profile.read_text())))

    monkeypatch.setattr(landing_module.Loading, "_make_known", profiled)
    result = depot.add(readings(*(("P07", 12_000 + hour, 2.0) for hour in range(24))), received=FEB[2], path="feed/b.csv")
    assert (result.way, result.delivery.rows_revised) == ("compare", 24)
    assert 24 <= scanned[0] <= 3 * 122_880, f"{scanned[0]:,} rows were read of {points * hours:,} stored"


def _rows_scanned(operator: dict) -> int:
    return max([operator.get("operator_rows_scanned") or 0, *(_rows_scanned(child) for child in operator.get("children", []))])


# many at once


def _decide(*made: Delivery) -> list[Decision]:
    return [Decision(delivery, Admission.ADMITTED) for delivery in made]


def test_deliveries_that_meet_nothing_go_in_together(depot: Depot) -> None:
    days = [
        depot.deliver(readings(("A", 24 * day, float(day)), ("B", 24 * day, 1.0)), received=FEB[1], path=f"feed/{day}.csv")
        for day in range(5)
    ]
    gap = depot.deliver(readings(("C", 0, 1.0), ("C", 100, 1.0)), received=FEB[1], path="feed/gap.csv")
    empty = depot.deliver(readings(), received=FEB[1], path="feed/empty.csv")
    results = [result for _, result in load_deliveries(depot.con, depot.settings, _decide(*days, gap, empty), build_id="later")]
    assert len({result.change_seq for result in results[:-1]}) == 1
    assert results[-1].change_seq is None
    assert [result.delivery.load_no for result in results] == list(range(1, 8))
    assert {result.delivery.build_id for result in results} == {"later"}
    assert depot.current() == {("A", 24 * d): float(d) for d in range(5)} | {("B", 24 * d): 1.0 for d in range(5)} | {
        ("C", 0): 1.0,
        ("C", 100): 1.0,
    }
    rows = depot.con.execute(
        "select distinct delivery_id, local_date - date '2026-01-01' from landing.reading where point_id = 'A' order by 2"
    ).fetchall()
    assert rows == [(delivery.delivery_id, day) for day, delivery in enumerate(days)], "each row knows its own delivery"
    touched = depot.con.execute("select delivery_id, entity_id, date_from, date_to from landing.touched order by all").fetchall()
    assert len(touched) == 12
    assert {row[1:] for row in touched if row[0] == gap.delivery_id} == {
        ("C", date(2026, 1, 1), date(2026, 1, 1)),
        ("C", date(2026, 1, 5), date(2026, 1, 5)),
    }
    assert deliveries(depot.con, "d.delivery_id = ?", [days[3].delivery_id]) == [results[3].delivery]
    assert depot.lake.read_receipt(days[3]).delivery == results[3].delivery


def test_many_at_once_end_like_one_by_one(depot: Depot) -> None:
    """Overlaps with what is stored, among each other, held ones, snapshots and new parses are carried out by themselves, in order."""
    old = depot.add(readings(("A", 0, 1.0), ("A", 1, 1.0)), received=FEB[1]).delivery
    made = [
        depot.deliver(readings(("A", 1, 2.0)), received=FEB[2], path="feed/b.csv"),
        depot.deliver(readings(("A", 48, 2.0)), received=FEB[2], path="feed/c.csv"),
        depot.deliver(readings(("A", 48, 3.0), ("A", 49, 3.0)), received=FEB[3], path="feed/d.csv"),
        depot.deliver(readings(("B", 0, 3.0)), received=FEB[3], path="feed/e.csv"),
        depot.deliver(readings(("B", 99, 3.0)), received=FEB[3], path="feed/held.csv"),
        depot.deliver(readings(("A", 0, 1000.0)), reparses=old, known=FEB[9]),
        depot.deliver(readings(("C", 0, 1.0)), received=FEB[4], path="snap/a.csv", feed="snap", mode=LoadMode.SNAPSHOT),
        depot.deliver(readings(("C", 1, 1.0)), received=FEB[5], path="snap/b.csv", feed="snap", mode=LoadMode.SNAPSHOT),
    ]
    decisions = [Decision(d, Admission.HELD if d.path == "feed/held.csv" else Admission.ADMITTED, reason="why") for d in made]
    results = list(load_deliveries(depot.con, depot.settings, decisions, build_id=BUILD))
    assert [decision.delivery for decision, _ in results] == made
    assert [result.way for _, result in results] == ["compare", "insert", "compare", "insert", None, "replay", "insert", "compare"]
    assert depot.current() == {("A", 0): 1000.0, ("A", 1): 2.0, ("A", 48): 3.0, ("A", 49): 3.0, ("B", 0): 3.0, ("C", 1): 1.0}
    assert results[4][1].delivery.reason == "why"


def test_one_that_fails_among_many_costs_itself_only(depot: Depot, caplog: pytest.LogCaptureFixture) -> None:
    made = [depot.deliver(readings(("A", 24 * day, 1.0)), received=FEB[1], path=f"feed/{day}.csv") for day in range(4)]
    depot.lake.accepted_file(made[1]).write_bytes(b"not parquet")
    results = [result for _, result in load_deliveries(depot.con, depot.settings, _decide(*made[:2], made[2]), build_id=BUILD)]
    assert [type(result) for result in results] == [LoadResult, LoadError, LoadResult]
    assert "3 deliveries could not be loaded together" in caplog.text
    assert made[1].delivery_id in str(results[1])
    assert depot.current() == {("A", 0): 1.0, ("A", 48): 1.0}
    assert [d.delivery_id for d in pending_deliveries(depot.con)] == [made[1].delivery_id, made[3].delivery_id]


# the lake as the record


def test_a_rebuild_from_the_lake_gives_the_same_rows_and_books(depot: Depot) -> None:
    con, home = depot.con, depot.settings
    old = depot.add(readings(("A", 0, 1.0), ("A", 1, 1.0)), received=FEB[1], refused=quarantined((4, "c", "rule", "reason", "x"))).delivery
    depot.add(readings(("A", 0, 2.0)), received=FEB[3], path="feed/c.csv")
    depot.add(readings(("A", 0, 7.0), ("A", 3, 1.0)), received=FEB[2], path="feed/b.csv")
    depot.add(readings(("A", 1, 1000.0)), reparses=old, known=FEB[9])
    depot.add(rows_of("point", {"point_id": "A", "name": "A", "kind": "stack", "valid_from": date(2020, 1, 1)}), record="point", feed="points",
              path="points/p.csv", received=FEB[1], mode=LoadMode.SNAPSHOT)  # fmt: skip
    depot.load(depot.deliver(readings(("B", 1, 1.0)), received=FEB[4], path="feed/held.csv"), Admission.HELD, reason="fail")
    depot.deliver(readings(("B", 2, 1.0)), received=FEB[5], path="feed/pending.csv")
    tables = ["landing.reading", "landing.point", "landing.coverage", "audit.deliveries", "audit.quarantine"]
    before = {table: con.execute(f"select * from {table} order by all").fetchall() for table in tables}
    touched = con.execute("select max(change_seq) from landing.touched").fetchone()[0]
    con.execute("insert into landing.touched values (1, 'park', 'P1', date '2026-01-01', date '2026-01-01', 'factors', null)")
    con.close()
    result = rebuild_from_lake(home)
    assert (result.receipts, result.loaded, result.differing) == (7, 5, [])
    with open_warehouse(home) as again:
        assert {table: again.execute(f"select * from {table} order by all").fetchall() for table in tables} == before
        assert again.execute("select min(change_seq) from landing.touched where delivery_id is not null").fetchone()[0] > touched
        assert again.execute("select count(*) from landing.touched where delivery_id is null").fetchone() == (1,), "standards' changes stay"


def test_a_lost_warehouse_is_restored_and_a_new_home_is_left_alone(depot: Depot) -> None:
    home = depot.settings
    assert restore_if_lost(depot.con, home) is None
    depot.add(readings(("A", 0, 1.0)), received=FEB[1])
    before = depot.current()
    assert restore_if_lost(depot.con, home) is None
    depot.con.close()
    home.warehouse.unlink()
    with open_warehouse(home) as con:
        assert restore_if_lost(con, home).loaded == 1
        assert Depot(home, con).current() == before


def test_a_rebuild_goes_on_without_a_parse_that_is_lost_and_the_file_arrives_anew(depot: Depot) -> None:
    made = [depot.add(readings(("A", 24 * day, 1.0)), received=FEB[1], path=f"feed/{day}.csv").delivery for day in range(3)]
    (depot.lake.parse_of(made[1]).folder / "parse.json").unlink()
    depot.con.close()
    result = rebuild_from_lake(depot.settings)
    assert (result.loaded, result.lost) == (2, [made[1].delivery_id])
    with open_warehouse(depot.settings) as con:
        assert Depot(depot.settings, con).current() == {("A", 0): 1.0, ("A", 48): 1.0}
        assert len(deliveries(con)) == 2


def test_an_interrupted_rebuild_leaves_the_rest_waiting(depot: Depot) -> None:
    for hour in range(3):
        depot.add(readings(("A", 0, float(hour))), received=FEB[1 + hour], path=f"feed/{hour}.csv")
    before, home = depot.current(), depot.settings
    depot.con.close()

    def stop_after_one(done: int, total: int, path: str) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild_from_lake(home, stop_after_one)
    with open_warehouse(home) as con:
        waiting = pending_deliveries(con)
        assert len(waiting) == 2
        for delivery in waiting:
            load_delivery(con, home, delivery, Admission.ADMITTED, build_id=BUILD)
        assert Depot(home, con).current() == before


def test_known_times_are_naive_utc(depot: Depot) -> None:
    depot.add(readings(("A", 0, 1.0)), received=datetime(2026, 2, 1, 18, 10))
    assert depot.versions("A", 0) == [(1.0, datetime(2026, 2, 1, 18, 10), None)]
