"""Declarations: every line stays readable, and one kind of report speaks for each period."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tests.transform.harness import Warehouse
from tests.transform.known_park import enterprises, local, merged, month, report


@pytest.fixture(scope="module")
def declared(known_park: Warehouse, make_copy: Callable[[Warehouse], Warehouse]) -> Warehouse:
    """Reports of every length and crossing, loaded into a copy of the known park."""
    copy = make_copy(known_park)
    year = (date(2025, 1, 1), date(2026, 1, 1))
    lines = [
        # months that fill a quarter, beside a quarter's own figure
        *(report("FULL", "diesel", "purchased", *month(2025, number), 10.0 * number, "t") for number in (1, 2, 3)),
        report("FULL", "diesel", "purchased", date(2025, 1, 1), date(2025, 4, 1), 99.0, "t"),
        # two months of three, beside the quarter's own figure
        *(report("HALF", "diesel", "purchased", *month(2025, number), 10.0, "t") for number in (1, 2)),
        report("HALF", "diesel", "purchased", date(2025, 1, 1), date(2025, 4, 1), 99.0, "t"),
        # two months of three and nothing else
        *(report("SHORT", "diesel", "purchased", *month(2025, number), 10.0, "t") for number in (1, 2)),
        # from the 16th to the 15th, across a month and across New Year
        report("BILL", "diesel", "purchased", date(2025, 3, 16), date(2025, 4, 16), 31.0, "t"),
        report("BILL", "gasoline", "purchased", date(2024, 12, 16), date(2025, 1, 16), 31.0, "t"),
        # a year is never spread over its months
        report("ANNUAL", "diesel", "purchased", *year, 120.0, "t"),
        # days that fill a month
        *(
            report("DAYS", "diesel", "purchased", date(2025, 2, day), date(2025, 2, day + 1) if day < 28 else date(2025, 3, 1), 1.0, "t")
            for day in range(1, 29)
        ),
        report("STRANGE-P9", "diesel", "purchased", *month(2025, 1), 5.0, "t", subject_kind="process"),
        report(
            "LATE",
            "diesel",
            "purchased",
            *month(2025, 1),
            5.0,
            "t",
            submitted_at_utc=local(date(2025, 2, 20)),
            due_at_utc=local(date(2025, 2, 15)),
        ),
        report("LATE", "diesel", "purchased", *month(2025, 2), None, "t", due_at_utc=local(date(2025, 3, 15))),
        report(
            "LATE",
            "gasoline",
            "purchased",
            *month(2025, 1),
            5.0,
            "t",
            submitted_at_utc=local(date(2025, 2, 10)),
            due_at_utc=local(date(2025, 2, 15)),
        ),
    ]
    copy.load(merged([enterprises("FULL", "HALF", "SHORT", "BILL", "ANNUAL", "DAYS", "LATE"), {"self_report": lines}]))
    copy.build("self_reported", "int_self_report_periods")
    return copy


def resolved(park: Warehouse, enterprise: str, grain: str, item: str = "diesel") -> list[tuple[Any, ...]]:
    found = park.query(
        "select period_start, value, days_covered, is_apportioned from intermediate.int_self_report_periods "
        f"where enterprise_id = '{enterprise}' and grain = '{grain}' and item_code = '{item}' order by 1"
    )
    return [tuple(row.values()) for row in found]


class TestPeriods:
    def test_months_that_fill_a_quarter_go_before_its_own_figure(self, declared: Warehouse) -> None:
        assert resolved(declared, "FULL", "quarter") == [(date(2025, 1, 1), 60, 90, False)]

    def test_a_quarter_s_own_figure_goes_before_two_of_its_months(self, declared: Warehouse) -> None:
        assert resolved(declared, "HALF", "quarter") == [(date(2025, 1, 1), 99, 90, False)]

    def test_what_there_is_says_how_much_it_covers(self, declared: Warehouse) -> None:
        assert resolved(declared, "SHORT", "quarter") == [(date(2025, 1, 1), 20, 59, False)]
        assert resolved(declared, "SHORT", "year") == [(date(2025, 1, 1), 20, 59, False)]

    def test_a_crossing_report_is_apportioned_by_days(self, declared: Warehouse) -> None:
        assert resolved(declared, "BILL", "month") == [
            (date(2025, 3, 1), pytest.approx(16), 16, True), (date(2025, 4, 1), pytest.approx(15), 15, True),
        ]  # fmt: skip
        assert resolved(declared, "BILL", "year") == [(date(2025, 1, 1), pytest.approx(31), 31, True)]

    def test_across_new_year(self, declared: Warehouse) -> None:
        assert resolved(declared, "BILL", "year", "gasoline") == [
            (date(2024, 1, 1), pytest.approx(16), 16, True), (date(2025, 1, 1), pytest.approx(15), 15, True),
        ]  # fmt: skip

    def test_a_year_is_not_spread_over_its_months(self, declared: Warehouse) -> None:
        assert resolved(declared, "ANNUAL", "month") == []
        assert resolved(declared, "ANNUAL", "year") == [(date(2025, 1, 1), 120, 365, False)]

    def test_days_make_a_month(self, declared: Warehouse) -> None:
        assert resolved(declared, "DAYS", "month") == [(date(2025, 2, 1), 28, 28, False)]


class TestMart:
    def test_every_current_line_is_there(self, declared: Warehouse) -> None:
        counted = declared.value("select count(*) from landing.self_report where known_to is null")
        assert declared.value("select count(*) from marts.self_reported") == counted > 100

    def test_kinds_and_lines_stand_side_by_side(self, declared: Warehouse) -> None:
        found = declared.query(
            "select report_kind, line_id, value from marts.self_reported where subject_id = 'TELLS' and medium = 'air' order by all"
        )
        assert [tuple(row.values()) for row in found] == [
            ("permit_execution", "form 1", 1200),
            ("permit_execution", "form 2", 34),
            ("tax", "-", 1000),
        ]

    def test_subjects_find_their_enterprise(self, declared: Warehouse) -> None:
        find = "select enterprise_id, process_id from marts.self_reported where subject_id = '{}' limit 1"
        for subject, expected in (
            ("WITHPARTS-P1", ("WITHPARTS", "WITHPARTS-P1")),
            ("TELLS-W", ("TELLS", None)),
            ("TWOLINES-DS", ("TWOLINES", "TWOLINES-P1")),
        ):
            assert tuple(declared.query(find.format(subject))[0].values()) == expected

    def test_nobody_s_process_is_kept_without_an_owner(self, declared: Warehouse) -> None:
        assert declared.query("select enterprise_id, value from marts.self_reported where subject_id = 'STRANGE-P9'") == [
            {"enterprise_id": None, "value": 5}
        ]

    def test_late_and_overdue(self, declared: Warehouse) -> None:
        found = declared.query(
            "select item_code, period_start, is_late, state from marts.self_reported where subject_id = 'LATE' order by all"
        )
        assert [tuple(row.values()) for row in found] == [
            ("diesel", date(2025, 1, 1), True, "self_reported"), ("diesel", date(2025, 2, 1), True, "missing"), ("gasoline", date(2025, 1, 1), False, "self_reported"),
        ]  # fmt: skip


def test_an_enterprise_that_nobody_registered_is_heard(known_park: Warehouse, make_copy: Callable[[Warehouse], Warehouse]) -> None:
    """It has figures of its own and is in none of the park's."""
    copy = make_copy(known_park)
    before = copy.value("select sum(mass_kg) from marts.park_emission_annual")
    copy.load({"self_report": [report("STRANGER", "a21026", "air", date(2024, 1, 1), date(2025, 1, 1), 77.0, "kg")]})
    copy.build("enterprise_emission_annual", "park_emission_annual")
    [row] = copy.query("select mass_kg, counts_in_park_total from marts.enterprise_emission_annual where enterprise_id = 'STRANGER'")
    assert tuple(row.values()) == (77, False)
    assert copy.value("select sum(mass_kg) from marts.park_emission_annual") == pytest.approx(before)
