"""Reconciliation: the published example, bounds and signs, what stands alone, what cannot be compared, and how a deviation is settled."""

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from pipelines.assessment.deviation import classified, deviations
from pipelines.assessment.reconciliation import RECONCILIATIONS
from pipelines.contracts.standards import Standards
from tests.assessment.frames import frames, only, own_rows, reference, run

TODAY = date(2026, 3, 20)
YEAR, NEXT = date(2025, 1, 1), date(2026, 1, 1)
MONTHS = [date(2025, number, 1) for number in range(1, 13)]
SEED_OF = {
    "classes": "reconciliation_classes", "numbers": "reconciliation_rules", "uncertainties": "balance_uncertainties", "rules": "balance_streams",
    "parameters": "parameters", "methods": "emission_methods",
}  # fmt: skip
SO2 = "a21026"


def report(value: float | None, kind: str = "statistics", start: date = YEAR, end: date = NEXT, **cells: Any) -> dict:
    return {
        "subject_kind": "outlet", "subject_id": "O1", "enterprise_id": "E1", "item_code": SO2, "medium": "air", "period_start": start, "period_end": end,
        "report_kind": kind, "line_id": "-", "value": value, "unit": "kg", "state": "self_reported" if value is not None else "missing",
        "delivery_id": "D1",
    } | cells  # fmt: skip


def monitored(kilograms: float, months: list[date] = MONTHS, substituted: float = 0.0, capture: float = 1.0, **cells: Any) -> list[dict]:
    """A year's mass, spread evenly over months."""
    share = 1 / len(months)
    return [
        {
            "enterprise_id": "E1", "outlet_id": "O1", "medium": "air", "pollutant_code": SO2, "month_start_date": month, "mass_kg": kilograms * share,
            "measured_kg": (kilograms - substituted) * share, "substituted_kg": substituted * share, "estimated_kg": 0.0, "self_reported_kg": 0.0,
            "completeness_share": capture, "method_code": "automatic", "counts_in_enterprise_total": True,
        } | cells
        for month in months
    ]  # fmt: skip


def balance_of(value: float, **cells: Any) -> dict:
    """A balance that the auditor's form states."""
    return report(value, kind="audit_form", method_code="material_balance", **cells)


def review(decision: str, on: date, role: str, key: str | None = None, **cells: Any) -> dict:
    named = key or f"outlet / O1 / {SO2} / air / statistics / 2025-01-01 / 2026-01-01"
    return {
        "review_id": f"R-{on}-{decision}", "about": "reconciliation", "subject_key": named, "enterprise_id": "E1", "decided_on": on, "decision": decision,
        "role": role, "independence": "independent" if role != "enterprise" else "not_stated", "evidence_sha256": "ab" * 32,
    } | cells  # fmt: skip


def found(standards: Standards, **rows: Any) -> pl.DataFrame:
    made = frames(RECONCILIATIONS, standards, SEED_OF, **rows)
    return run(RECONCILIATIONS, made, TODAY, standards).frames["reconciliation"]


def row(standards: Standards, kind: str = "statistics", **rows: Any) -> dict:
    return only(found(standards, **rows), report_kind=kind)


class TestPublishedExample:
    """S 80.0 t, M 96.4 t of which 3.1 t were substituted, B 95.2 t: S/M −17.0 %, M/B +1.3 %; the self-report stands alone."""

    @pytest.fixture
    def example(self, shipped_standards: Standards) -> dict:
        return row(
            shipped_standards,
            reports=[report(80_000.0), balance_of(95_200.0)],
            emission=monitored(96_400.0, substituted=3_100.0, capture=0.93),
        )

    def test_deviations(self, example: dict) -> None:
        assert round(example["s_over_m"] * 100, 1) == -17.0
        assert round(example["m_over_b"] * 100, 1) == 1.3
        assert round(example["s_over_b"] * 100, 1) == -16.0

    def test_class_and_outlier(self, example: dict) -> None:
        assert (example["class"], example["direction"], example["compared_with"], example["outlier"]) == (
            "explain",
            "under",
            "monitored",
            "self_report",
        )
        assert example["weighted_deviation"] == pytest.approx(2 * 0.170124, abs=1e-5)
        assert example["workflow_status"] == "open"

    def test_what_stands_behind_it(self, example: dict) -> None:
        assert example["substituted_share"] == pytest.approx(3.1 / 96.4)
        assert example["capture_share"] == pytest.approx(0.93)
        assert (example["m_method"], example["b_method"], example["delivery_ids"]) == (
            "automatic",
            "material_balance of audit_form",
            ["D1"],
        )
        # measured 15 %, substituted 30 %
        assert example["m_uncertainty"] == pytest.approx(93_300 * 0.15 + 3_100 * 0.3)
        assert (example["m_months"], example["months"], example["verification_status"]) == (12, 12, "unverified")


class TestClasses:
    @pytest.mark.parametrize(
        ("declared", "expected"),
        [
            (95.0, "consistent"), (105.0, "consistent"), (94.99, "explain"), (105.01, "explain"), (80.0, "explain"), (120.0, "explain"),
            (79.99, "finding"), (120.01, "finding"), (100.0, "consistent"),
        ],
    )  # fmt: skip
    def test_bounds_belong_to_the_milder_class(self, shipped_standards: Standards, declared: float, expected: str) -> None:
        assert row(shipped_standards, reports=[report(declared)], emission=monitored(100.0))["class"] == expected

    def test_under_reporting_weighs_more_than_over_reporting(self, shipped_standards: Standards) -> None:
        under = row(shipped_standards, reports=[report(90.0)], emission=monitored(100.0))
        over = row(shipped_standards, reports=[report(110.0)], emission=monitored(100.0))
        assert (under["direction"], over["direction"]) == ("under", "over")
        assert under["weighted_deviation"] == pytest.approx(2 * over["weighted_deviation"])

    def test_a_park_may_be_stricter_on_one_side(self, shipped_standards: Standards) -> None:
        strict = own_rows(
            shipped_standards,
            "reconciliation_classes",
            {"direction": "under", "class_code": "explain", "deviation_from": "0.05", "deviation_to": "0.10", "weight": "2"},
            {"direction": "under", "class_code": "finding", "deviation_from": "0.10", "weight": "2"},
        )
        assert row(strict, reports=[report(88.0)], emission=monitored(100.0))["class"] == "finding"
        assert row(strict, reports=[report(112.0)], emission=monitored(100.0))["class"] == "explain"

    @pytest.mark.parametrize(
        ("declared", "seen", "expected", "deviation"),
        [(0.0, 0.0, "consistent", None), (5.0, 0.0, "finding", None), (0.0, 5.0, "finding", -1.0)],
    )
    def test_zero(self, shipped_standards: Standards, declared: float, seen: float, expected: str, deviation: float | None) -> None:
        made = row(shipped_standards, reports=[report(declared)], emission=monitored(seen))
        assert (made["class"], made["s_over_m"]) == (expected, deviation)

    @given(seen=st.floats(1, 1e6), offs=st.lists(st.floats(0, 1), min_size=2, max_size=6), sign=st.sampled_from([-1, 1]))
    def test_further_off_is_never_milder(self, shipped_standards: Standards, seen: float, offs: list[float], sign: int) -> None:
        classes = reference(shipped_standards, RECONCILIATIONS.reads["classes"], "reconciliation_classes")
        rows = pl.DataFrame({"s_value": [seen * (1 + sign * off) for off in sorted(offs)]}).with_columns(
            m_value=pl.lit(seen), b_value=pl.lit(None, dtype=pl.Float64), statistics_value=pl.lit(None, dtype=pl.Float64), m_is_whole=pl.lit(True),
            report_kind=pl.lit("statistics"), s_state=pl.lit("self_reported"),
        )  # fmt: skip
        rank = {"consistent": 0, "explain": 1, "finding": 2}
        found_classes = [rank[name] for name in classified(deviations(rows), classes)["class"]]
        assert found_classes == sorted(found_classes)


class TestOutlier:
    @pytest.mark.parametrize(
        ("s", "m", "b", "expected"),
        [
            (100.0, 101.0, 99.0, "none"), (80.0, 100.0, 101.0, "self_report"), (100.0, 130.0, 101.0, "monitored"), (100.0, 101.0, 140.0, "balance"),
            (60.0, 100.0, 140.0, "undetermined"), (96.0, 100.0, 104.5, "undetermined"),
        ],
    )  # fmt: skip
    def test_who_stands_alone(self, shipped_standards: Standards, s: float, m: float, b: float, expected: str) -> None:
        assert row(shipped_standards, reports=[report(s), balance_of(b)], emission=monitored(m))["outlier"] == expected

    def test_two_that_differ_do_not_say_which(self, shipped_standards: Standards) -> None:
        assert row(shipped_standards, reports=[report(80.0)], emission=monitored(100.0))["outlier"] == "undetermined"

    def test_a_balance_is_not_held_against_itself(self, shipped_standards: Standards) -> None:
        form = row(shipped_standards, "audit_form", reports=[balance_of(95.0)], emission=monitored(100.0))
        assert (form["b_value"], form["s_over_b"]) == (None, None)


class TestWhatCanBeCompared:
    def test_months_that_rest_on_declarations_prove_nothing(self, shipped_standards: Standards) -> None:
        told = monitored(100.0)
        told[3] |= {"self_reported_kg": told[3]["mass_kg"], "measured_kg": 0.0}
        made = row(shipped_standards, reports=[report(120.0)], emission=told)
        assert (made["m_months"], made["class"], made["s_over_m"]) == (11, "not_comparable", None)

    @pytest.mark.parametrize("method", ["emission_factor", "material_balance"])
    def test_what_a_coefficient_estimates_was_not_monitored(self, shipped_standards: Standards, method: str) -> None:
        made = row(shipped_standards, reports=[report(120.0)], emission=monitored(100.0, measured_kg=0.0, method_code=method))
        assert (made["m_months"], made["m_value"], made["class"]) == (0, None, "not_comparable")

    def test_less_than_even_a_part_is_under_reported(self, shipped_standards: Standards) -> None:
        made = row(shipped_standards, reports=[report(40.0)], emission=monitored(60.0, MONTHS[:6]))
        assert (made["class"], made["m_months"], made["compared_with"]) == ("finding", 6, "monitored")

    def test_a_month_that_captured_too_little_is_not_whole(self, shipped_standards: Standards) -> None:
        """One laboratory day in a month is no mass of the month; automatic data count from a capture of 75 %."""
        assert row(shipped_standards, reports=[report(100.0)], emission=monitored(3.0, capture=0.03))["class"] == "not_comparable"
        assert row(shipped_standards, reports=[report(100.0)], emission=monitored(100.0, capture=0.75))["class"] == "consistent"

    def test_days_that_are_no_whole_months(self, shipped_standards: Standards) -> None:
        made = row(shipped_standards, reports=[report(100.0, start=date(2025, 1, 15), end=date(2025, 2, 15))], emission=monitored(100.0))
        assert (made["months"], made["class"]) == (None, "not_comparable")

    def test_another_unit(self, shipped_standards: Standards) -> None:
        assert row(shipped_standards, reports=[report(0.1, unit="t")], emission=monitored(100.0))["m_value"] is None

    def test_a_report_that_is_due_and_not_there(self, shipped_standards: Standards) -> None:
        made = row(shipped_standards, reports=[report(None)], emission=monitored(100.0))
        assert (made["class"], made["workflow_status"], made["state"], made["m_value"]) == (
            "missing_report",
            "open",
            "missing",
            pytest.approx(100.0),
        )

    def test_lines_add_up_and_one_that_is_empty_leaves_no_sum(self, shipped_standards: Standards) -> None:
        lines = [report(60.0), report(40.0, line_id="2")]
        assert row(shipped_standards, reports=lines, emission=monitored(100.0))["s_value"] == 100.0
        assert row(shipped_standards, reports=[*lines, report(None, line_id="3")], emission=monitored(100.0))["class"] == "missing_report"

    def test_an_enterprise_is_all_its_counted_outlets(self, shipped_standards: Standards) -> None:
        whole = {"subject_kind": "enterprise", "subject_id": "E1"}
        two = [*monitored(60.0), *monitored(40.0, outlet_id="O2"), *monitored(7.0, outlet_id="W1", counts_in_enterprise_total=False)]
        assert row(shipped_standards, reports=[report(100.0, **whole)], emission=two)["m_value"] == pytest.approx(100.0)
        silent = [*monitored(60.0), *monitored(40.0, outlet_id="O2", mass_kg=None)]
        assert row(shipped_standards, reports=[report(100.0, **whole)], emission=silent)["m_value"] is None

    def test_metered_consumption_and_counted_output(self, shipped_standards: Standards) -> None:
        consumption = [
            {"enterprise_id": "E1", "item_code": "electricity", "month_start_date": month, "unit": "kWh", "purchased": 100.0, "quantity": 100.0, "measured_share": 1.0,
             "substituted_share": 0.0, "estimated_share": 0.0, "self_reported_share": 0.0, "completeness_share": 1.0}
            for month in MONTHS
        ]  # fmt: skip
        bought = report(1000.0, subject_kind="enterprise", subject_id="E1", item_code="electricity", medium="purchased", unit="kWh")
        made = row(shipped_standards, reports=[bought], consumption=consumption)
        assert (made["m_value"], made["class"], made["m_uncertainty"]) == (1200.0, "explain", pytest.approx(24.0))
        production = [
            {"product_code": "X", "month_start_date": month, "quantity": 10.0, "unit": "t", "completeness_share": 1.0, "state": "measured"}
            for month in MONTHS
        ]
        output = report(119.0, subject_kind="product", subject_id="X", item_code="X", medium="output", unit="t")
        assert row(shipped_standards, reports=[output], production=production)["class"] == "consistent"
        told = [month | {"state": "self_reported"} for month in production]
        assert row(shipped_standards, reports=[output], production=told)["class"] == "not_comparable"

    def test_waste_against_both_books_of_the_ledger(self, shipped_standards: Standards) -> None:
        def line(movement: str, tonnes: float) -> dict:
            return {
                "enterprise_id": "E1",
                "waste_code": "336-054-17",
                "waste_kind": "hazardous",
                "movement": movement,
                "moved_on": date(2025, 5, 1),
                "quantity_t": tonnes,
            }

        ledger = [line("generated", 10.0), line("transferred", 7.0), line("stored", 4.0), line("withdrawn", 0.5)]
        told = report(8.0, subject_kind="enterprise", subject_id="E1", item_code="hazardous_waste", medium="generated", unit="t")
        made = row(shipped_standards, reports=[told], waste=ledger)
        assert (made["m_value"], made["b_value"], made["m_method"]) == (10.0, 10.5, "waste_ledger")
        assert (made["class"], made["outlier"]) == ("explain", "self_report")

    def test_what_is_monitored_and_nobody_declared(self, shipped_standards: Standards) -> None:
        years = [{"period_type": "calendar_year", "period_start": YEAR, "period_end": NEXT}]
        made = only(found(shipped_standards, emission=monitored(100.0), periods=years))
        assert (made["report_kind"], made["class"], made["workflow_status"], made["m_value"]) == (
            "-",
            "not_reported",
            "open",
            pytest.approx(100.0),
        )
        quarter = report(20.0, kind="permit_execution", end=date(2025, 4, 1))
        assert (
            "not_reported" not in found(shipped_standards, emission=monitored(100.0), periods=years, reports=[quarter])["class"].to_list()
        )


class TestStatistics:
    """A tax return or a permit report is held against environmental statistics too, and against nothing else where nobody measured."""

    def test_another_duty_beside_it(self, shipped_standards: Standards) -> None:
        made = row(shipped_standards, "tax", reports=[report(70.0, kind="tax"), report(100.0)], emission=monitored(101.0))
        assert (made["statistics_value"], made["s_over_statistics"], made["compared_with"]) == (100.0, pytest.approx(-0.3), "monitored")
        alone = row(shipped_standards, "tax", reports=[report(70.0, kind="tax"), report(100.0)])
        assert (alone["class"], alone["compared_with"], alone["deviation"]) == ("finding", "statistics", pytest.approx(-0.3))

    def test_months_that_fill_the_year(self, shipped_standards: Standards) -> None:
        months = [report(10.0, start=month, end=date(2025 + month.month // 12, month.month % 12 + 1, 1)) for month in MONTHS]
        permit = report(118.0, kind="permit_execution")
        made = row(shipped_standards, "permit_execution", reports=[permit, *months])
        assert (made["statistics_value"], made["class"]) == (120.0, "consistent")
        assert row(shipped_standards, "permit_execution", reports=[permit, *months[:11]])["statistics_value"] is None

    def test_statistics_are_not_held_against_themselves(self, shipped_standards: Standards) -> None:
        assert row(shipped_standards, reports=[report(100.0)])["class"] == "not_comparable"


def estimate(method: str, kilograms: float | None, **cells: Any) -> dict:
    """A row of marts.emission_method."""
    return {
        "enterprise_id": "E1", "outlet_id": "O1", "medium": "air", "pollutant_code": SO2, "period_start": YEAR, "period_end": NEXT,
        "method_code": method, "mass_kg": kilograms, "uncertainty": None if kilograms is None else kilograms * 0.3,
    } | cells  # fmt: skip


class TestEstimates:
    """B by the standards: the published 95.2 t from the methods side by side instead of the auditor's form."""

    def test_the_published_example(self, shipped_standards: Standards) -> None:
        made = row(
            shipped_standards,
            reports=[report(80_000.0)],
            emission=monitored(96_400.0, substituted=3_100.0, capture=0.93),
            estimates=[estimate("emission_factor", 120_000.0), estimate("material_balance", 95_200.0), estimate("automatic", 96_400.0)],
        )
        assert (made["b_value"], made["b_method"], made["b_uncertainty"]) == (95_200.0, "material_balance", pytest.approx(28_560))
        assert made["m_over_b"] == pytest.approx(96.4 / 95.2 - 1)
        assert made["s_over_b"] == pytest.approx(80 / 95.2 - 1)

    def test_a_coefficient_where_no_balance_is_known(self, shipped_standards: Standards) -> None:
        told = report(90.0, subject_kind="enterprise", subject_id="E1")
        estimates = [estimate("material_balance", None, outlet_id=None), estimate("emission_factor", 100.0, outlet_id=None)]
        made = row(shipped_standards, reports=[told], estimates=estimates)
        assert (made["b_value"], made["b_method"], made["compared_with"]) == (100.0, "emission_factor", "balance")

    def test_the_auditor_s_form_goes_before_an_estimate(self, shipped_standards: Standards) -> None:
        made = row(shipped_standards, reports=[report(80.0), balance_of(95.0)], estimates=[estimate("material_balance", 70.0)])
        assert (made["b_value"], made["b_method"]) == (95.0, "material_balance of audit_form")


class TestElementBalance:
    def test_what_a_metal_balance_leaves_for_the_water(self, shipped_standards: Standards) -> None:
        """10 t of nickel, 9 t on the product, 0.97 t in sludge: 30 kg are left for the water."""
        key = {
            "subject_kind": "enterprise",
            "subject_id": "E1",
            "period_type": "calendar_year",
            "period_start": YEAR,
            "period_end": NEXT,
            "balance_kind": "material",
            "component": "nickel",
        }
        streams = [
            key | {"stream_id": stream, "side": side, "is_plug": False, "amount": amount, "uncertainty": 0.003}
            for stream, side, amount in (
                ("supply", "in", 10.0),
                ("product", "out", 9.0),
                ("solid_waste", "out", 0.97),
                ("waste_water", "out", 0.9),
            )
        ]
        told = report(29.0, subject_kind="enterprise", subject_id="E1", item_code="w20121", medium="water")
        made = row(
            shipped_standards,
            reports=[told],
            streams=streams,
            balances=[key | {"missing_streams": ["waste_water (waste_water) is not stated"]}],
        )
        assert (made["b_value"], made["b_method"]) == (pytest.approx(30.0), "balance of nickel")
        assert made["b_uncertainty"] == pytest.approx(3 * 3**0.5)
        assert (made["class"], made["compared_with"]) == ("consistent", "balance")
        open_balance = [key | {"missing_streams": ["product (product) is not stated"]}]
        assert row(shipped_standards, reports=[told], streams=streams, balances=open_balance)["b_value"] is None


class TestWorkflow:
    OFF = (report(80.0, submitted_at_utc=datetime(2026, 1, 20, 2), submission_no=1),)

    def status(self, standards: Standards, *reviews: dict, reports: tuple[dict, ...] = OFF, **rows: Any) -> str:
        return row(standards, reports=list(reports), emission=monitored(100.0), reviews=list(reviews), **rows)["workflow_status"]

    def test_open_explained_accepted(self, shipped_standards: Standards) -> None:
        explained = review("explained", date(2026, 2, 1), "enterprise")
        assert self.status(shipped_standards) == "open"
        assert self.status(shipped_standards, explained) == "explained"
        assert self.status(shipped_standards, explained, review("accepted", date(2026, 2, 5), "park")) == "accepted"
        assert self.status(shipped_standards, explained, review("rejected", date(2026, 2, 5), "third_party")) == "open"

    def test_it_is_the_same_the_next_night(self, shipped_standards: Standards) -> None:
        decided = [review("explained", date(2026, 2, 1), "enterprise"), review("accepted", date(2026, 2, 5), "park")]
        rows = {"reports": list(self.OFF), "emission": monitored(100.0), "reviews": decided}
        made = frames(RECONCILIATIONS, shipped_standards, SEED_OF, **rows)
        tonight, tomorrow = (
            run(RECONCILIATIONS, made, day, shipped_standards).frames["reconciliation"] for day in (TODAY, date(2026, 3, 21))
        )
        assert tonight.equals(tomorrow)

    def test_an_enterprise_cannot_accept_itself(self, shipped_standards: Standards) -> None:
        assert self.status(shipped_standards, review("accepted", date(2026, 2, 1), "enterprise")) == "open"

    def test_a_decision_that_has_lapsed(self, shipped_standards: Standards) -> None:
        assert self.status(shipped_standards, review("accepted", date(2026, 2, 1), "park", valid_to=date(2026, 3, 1))) == "open"

    def test_a_decision_about_another_row(self, shipped_standards: Standards) -> None:
        key = f"outlet / O1 / {SO2} / air / tax / 2025-01-01 / 2026-01-01"
        assert self.status(shipped_standards, review("accepted", date(2026, 2, 1), "park", key)) == "open"

    def test_who_decided_and_by_which_document(self, shipped_standards: Standards) -> None:
        made = row(
            shipped_standards,
            reports=list(self.OFF),
            emission=monitored(100.0),
            reviews=[review("accepted", date(2026, 2, 5), "third_party")],
        )
        assert (made["decided_by"], made["independence"], made["decided_on"]) == ("third_party", "independent", date(2026, 2, 5))
        assert made["review_evidence_sha256"] == "ab" * 32

    def test_a_consistent_submission_corrects_an_inconsistent_one(self, shipped_standards: Standards) -> None:
        now = report(99.0, submitted_at_utc=datetime(2026, 2, 10, 2), submission_no=2)
        before = {
            name: value
            for name, value in self.OFF[0].items()
            if name
            in ("subject_kind", "subject_id", "item_code", "medium", "period_start", "period_end", "report_kind", "line_id", "value")
        }
        revisions = [before | {"known_to": datetime(2026, 2, 10, 18)}]
        made = row(shipped_standards, reports=[now], emission=monitored(100.0), revisions=revisions)
        assert (made["workflow_status"], made["class"], made["s_previous_value"], made["s_previous_class"]) == (
            "corrected",
            "consistent",
            80.0,
            "explain",
        )
        assert (made["restated_on"], made["submission_no"]) == (date(2026, 2, 10), 2)

    def test_what_was_accepted_of_the_old_figure_does_not_hold_for_a_new_one_that_is_off_too(self, shipped_standards: Standards) -> None:
        now = report(70.0, submitted_at_utc=datetime(2026, 2, 10, 2), submission_no=2)
        before = {
            name: value
            for name, value in self.OFF[0].items()
            if name
            in ("subject_kind", "subject_id", "item_code", "medium", "period_start", "period_end", "report_kind", "line_id", "value")
        }
        revisions = [before | {"known_to": datetime(2026, 2, 10, 18)}]
        old, new = review("accepted", date(2026, 2, 5), "park"), review("accepted", date(2026, 2, 15), "park")
        assert self.status(shipped_standards, old, reports=(now,), revisions=revisions) == "open"
        assert self.status(shipped_standards, old, new, reports=(now,), revisions=revisions) == "accepted"

    def test_the_same_figure_sent_again_is_no_correction(self, shipped_standards: Standards) -> None:
        before = {
            name: value
            for name, value in self.OFF[0].items()
            if name
            in ("subject_kind", "subject_id", "item_code", "medium", "period_start", "period_end", "report_kind", "line_id", "value")
        }
        made = row(
            shipped_standards, reports=list(self.OFF), emission=monitored(100.0), revisions=[before | {"known_to": datetime(2026, 2, 10)}]
        )
        assert (made["restated_on"], made["workflow_status"]) == (None, "open")

    def test_a_consistent_declaration_has_nothing_to_settle(self, shipped_standards: Standards) -> None:
        assert self.status(shipped_standards, reports=(report(100.0),)) == "none"


def test_open_findings_are_counted_for_people(shipped_standards: Standards) -> None:
    made = frames(RECONCILIATIONS, shipped_standards, SEED_OF, reports=[report(50.0)], emission=monitored(100.0))
    outcome = run(RECONCILIATIONS, made, TODAY, shipped_standards)
    assert outcome.message == "1 finding"
    assert outcome.warnings == ("1 declarations deviate by more than the bound of a finding and are open",)
    empty = run(RECONCILIATIONS, frames(RECONCILIATIONS, shipped_standards, SEED_OF), TODAY, shipped_standards)
    assert (empty.message, empty.warnings) == ("nothing was declared", ())


def test_the_picture_shows_open_deviations_alone(shipped_standards: Standards) -> None:
    reports = [report(50.0), report(100.0, kind="tax"), report(130.0, kind="permit_execution")]
    made = frames(RECONCILIATIONS, shipped_standards, SEED_OF, reports=reports, emission=monitored(100.0))
    outcome = run(RECONCILIATIONS, made, TODAY, shipped_standards)
    axes = Figure().subplots()
    RECONCILIATIONS.plot(axes, outcome.frames)
    assert [bar.get_width() for bar in axes.patches] == [pytest.approx(30.0), pytest.approx(-50.0)]
    assert [label.get_text().split()[2] for label in axes.get_yticklabels()] == ["permit_execution", "statistics"]
