"""The park at a glance: every share with its numerator and denominator, and what is missing said."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.assessment.method import Outcome
from pipelines.assessment.park_summary import GRADES, PARK_SUMMARIES
from pipelines.contracts.standards import Standards
from tests.assessment.given import PARK, run, standards_as_shipped

TODAY = date(2026, 1, 20)
YEAR = {"period_type": "calendar_year", "period_start": date(2025, 1, 1), "period_end": date(2026, 1, 1)}
RUNNING = YEAR | {"period_type": "rolling_12m"}
BEFORE = YEAR | {"period_start": date(2024, 1, 1), "period_end": date(2025, 1, 1)}


def grade(who: str, grade: str, period: dict = YEAR, **more: object) -> dict:
    return (
        {"enterprise_id": who, "grade": grade, "provisional": False, "state": "measured", "verification_status": "recalled"} | period | more
    )


def load(who: str, share: float, medium: str = "water", period: dict = YEAR, **more: object) -> dict:
    return {"load_standard_set": "INTEGRATED", "scope": "enterprise", "medium": medium, "nitrogen": "total_alone" if medium == "water" else "none",
            "ranked_by": "enterprise", "subject_id": who, "share": share} | period | more  # fmt: skip


def energy(who: str, tce: float | None, **more: object) -> dict:
    return {"enterprise_id": who, "item_kind": "energy", "year_start_date": date(2025, 1, 1), "quantity": 1.0, "energy_tce_calorific": tce,
            "state": "measured"} | more  # fmt: skip


def summarise(standards: Standards, **given: object) -> Outcome:
    return run(PARK_SUMMARIES, standards, TODAY, given)


def shares(outcome: Outcome, weighting: str, period: dict = YEAR) -> dict[str, float]:
    rows = outcome.frames["park_summary"].filter(
        (pl.col("measure") == "grade_share") & (pl.col("weighting") == weighting) & (pl.col("period_start") == period["period_start"])
        & (pl.col("period_type") == period["period_type"])
    )  # fmt: skip
    return {row["segment"]: row["value"] for row in rows.to_dicts()}


def one(outcome: Outcome, measure: str, segment: str, period: dict = YEAR) -> dict:
    rows = outcome.frames["park_summary"].filter(
        (pl.col("measure") == measure) & (pl.col("segment") == segment) & (pl.col("period_type") == period["period_type"])
        & (pl.col("period_start") == period["period_start"])
    )  # fmt: skip
    (row,) = rows.to_dicts()
    return row


class TestGrades:
    GIVEN = (grade("E1", "I"), grade("E2", "II"), grade("E3", "II"), grade("E4", "not_gradeable"))

    def test_by_number_and_by_load(self, shipped_standards: Standards) -> None:
        """The published loads of three enterprises: E2 53.26 %, E1 26.82 %, E3 19.92 %."""
        loads = [load("E1", 0.2682), load("E2", 0.5326), load("E3", 0.1992), load("E1", 1.0, "air")]
        outcome = summarise(shipped_standards, grades=list(self.GIVEN), loads=loads)
        assert shares(outcome, "count") == {"I": 25.0, "II": 50.0, "III": 0.0, "none": 0.0, "not_gradeable": 25.0}
        by_water = shares(outcome, "load / INTEGRATED / water")
        assert (by_water["I"], by_water["II"]) == (pytest.approx(26.82), pytest.approx(73.18))
        assert shares(outcome, "load / INTEGRATED / air")["I"] == 100.0

    def test_by_energy(self, shipped_standards: Standards) -> None:
        rows = [
            energy("E1", 300.0),
            energy("E2", 100.0),
            energy("E2", 50.0, process_id="P1"),
            energy("-", 999.0),
            energy("E3", 0.0),
            energy("E4", 100.0),
        ]
        outcome = summarise(shipped_standards, grades=list(self.GIVEN), energy_annual=rows)
        assert shares(outcome, "energy") == {"I": 60.0, "II": 20.0, "III": 0.0, "none": 0.0, "not_gradeable": 20.0}
        row = outcome.frames["park_summary"].filter((pl.col("weighting") == "energy") & (pl.col("segment") == "II")).to_dicts()[0]
        assert (row["numerator"], row["denominator"], row["enterprises"]) == (100.0, 500.0, 2)

    def test_energy_of_other_periods_is_summed_from_months(self, shipped_standards: Standards) -> None:
        rows = [energy("E1", 10.0) | {"month_start_date": date(2025, month, 1)} for month in range(1, 13)]
        rows = [{name: value for name, value in row.items() if name != "year_start_date"} for row in rows]
        outcome = summarise(shipped_standards, grades=[grade("E1", "I", RUNNING)], energy_monthly=rows)
        row = outcome.frames["park_summary"].filter((pl.col("weighting") == "energy") & (pl.col("segment") == "I")).to_dicts()[0]
        assert row["denominator"] == 120.0

    def test_a_weight_that_is_not_known_is_said(self, shipped_standards: Standards) -> None:
        outcome = summarise(
            shipped_standards, grades=list(self.GIVEN), energy_annual=[energy("E1", 300.0), energy("E2", 5.0, state="missing")]
        )
        rows = outcome.frames["park_summary"].filter(pl.col("weighting") == "energy")
        assert set(rows["state"]) == {"missing"}
        assert set(
            outcome.frames["park_summary"].filter((pl.col("measure") == "grade_share") & (pl.col("weighting") == "count"))["state"]
        ) == {"measured"}

    def test_who_weighs_something_and_has_no_grade(self, shipped_standards: Standards) -> None:
        outcome = summarise(shipped_standards, grades=[grade("E1", "I")], loads=[load("E1", 0.4), load("PLANT", 0.6)])
        assert shares(outcome, "load / INTEGRATED / water")["not_gradeable"] == 60.0

    def test_provisional_grades(self, shipped_standards: Standards) -> None:
        grades = [grade("E1", "I", provisional=True), grade("E2", "II"), grade("E3", "not_gradeable", provisional=True)]
        row = one(summarise(shipped_standards, grades=grades), "provisional_share", "-")
        assert (row["value"], row["numerator"], row["denominator"]) == (50.0, 1.0, 2.0)

    def test_the_year_before_stands_beside(self, shipped_standards: Standards) -> None:
        grades = [grade("E1", "II", BEFORE), grade("E2", "II", BEFORE), grade("E1", "I"), grade("E2", "II"), grade("E1", "I", RUNNING)]
        outcome = summarise(shipped_standards, grades=grades)
        row = one(outcome, "grade_share", "I")
        assert (row["value"], row["previous_value"]) == (50.0, 0.0)
        assert one(outcome, "grade_share", "I", BEFORE)["previous_value"] is None
        assert one(outcome, "grade_share", "I", RUNNING)["previous_value"] is None

    @settings(deadline=None, max_examples=40)
    @given(st.lists(st.tuples(st.sampled_from(GRADES), st.floats(0.01, 1)), min_size=1, max_size=8))
    def test_shares_add_up_to_the_whole(self, drawn: list[tuple[str, float]]) -> None:
        grades = [grade(f"E{at}", word) for at, (word, _) in enumerate(drawn)]
        loads = [load(f"E{at}", weight) for at, (_, weight) in enumerate(drawn)]
        outcome = summarise(standards_as_shipped(), grades=grades, loads=loads)
        for weighting in ("count", "load / INTEGRATED / water"):
            assert sum(shares(outcome, weighting).values()) == pytest.approx(100.0)


class TestCoverage:
    MEMBERS = tuple(
        {"enterprise_id": name, "valid_from": date(2015, 1, 1), "valid_to": date(9999, 12, 31)} for name in ("E1", "E2", "E3", "E4")
    )

    def step(self, who: str, done_on: date | None, kind: str = "mandatory") -> dict:
        return {"round_id": f"R{who}", "enterprise_id": who, "round_kind": kind, "listed_on": date(2019, 1, 31), "milestone": "audit_done", "done_on": done_on,
                "progress": "done" if done_on else "overdue"}  # fmt: skip

    def test_audited_over_in_scope(self, shipped_standards: Standards) -> None:
        steps = [
            self.step("E1", date(2023, 5, 1)),
            self.step("E2", None),
            self.step("E3", date(2022, 1, 1), "voluntary"),
            self.step("E4", date(2020, 5, 1)),
        ]
        outcome = summarise(shipped_standards, grades=[grade("E1", "I")], memberships=list(self.MEMBERS), steps=steps)
        row = one(outcome, "audit_coverage", "all")
        assert (row["value"], row["numerator"], row["denominator"]) == (50.0, 2.0, 4.0), (
            "an audit of more than five years ago does not count"
        )
        row = one(outcome, "audit_coverage", "mandatory")
        assert (row["numerator"], row["denominator"], row["verification_status"]) == (1.0, 3.0, "recalled")

    def test_without_any_audit_record_it_is_not_known(self, shipped_standards: Standards) -> None:
        row = one(summarise(shipped_standards, grades=[grade("E1", "I")], memberships=list(self.MEMBERS)), "audit_coverage", "all")
        assert (row["value"], row["numerator"], row["state"]) == (None, None, "missing")


class TestGathered:
    def test_checklists_by_scheme_and_area(self, shipped_standards: Standards) -> None:
        def result(area: str, met: int, items: int, verdict: str | None) -> dict:
            return {"checklist_id": "HJ274", "area": area, "items": items, "items_met": met, "items_not_applicable": 2, "met_share": met / (items - 2),
                    "verdict": verdict, "state": "measured", "verification_status": "recalled"} | YEAR  # fmt: skip

        outcome = summarise(shipped_standards, checklist_results=[result("ALL", 15, 32, "undecided"), result("economy", 1, 4, None)])
        row = one(outcome, "checklist_met_share", "HJ274")
        assert (row["value"], row["numerator"], row["denominator"], row["status"]) == (50.0, 15.0, 30.0, "undecided")
        assert one(outcome, "checklist_met_share", "HJ274 / economy")["value"] == 50.0

    def test_the_zero_carbon_core(self, shipped_standards: Standards) -> None:
        item = {"checklist_id": "ZERO_CARBON", "item_id": "carbon_per_energy", "requirement": "core", "value": 0.25, "unit": "tCO2/tce", "numerator": 50.0,
                "denominator": 200.0, "result": "not_met", "state": "measured", "verification_status": "secondary_source"} | YEAR  # fmt: skip
        row = one(
            summarise(shipped_standards, checklist_items=[item, item | {"item_id": "x", "requirement": "guide"}]),
            "zero_carbon_core",
            "ZERO_CARBON / carbon_per_energy",
        )
        assert (row["value"], row["unit"], row["numerator"], row["denominator"], row["status"]) == (
            0.25,
            "tCO2/tce",
            50.0,
            200.0,
            "not_met",
        )

    def test_the_parks_targets_against_their_baseline(self, shipped_standards: Standards) -> None:
        target = {"subject_kind": "park", "subject_id": PARK, "metric_code": "energy_per_value_added", "target_year": 2027, "year": 2025, "status": "on_track",
                  "actual_value": 0.45, "baseline_value": 0.5, "unit": "tce/10^4 CNY", "state": "measured"}  # fmt: skip
        other = target | {"subject_kind": "enterprise", "subject_id": "E1"}
        to_come = target | {"year": 2027, "status": "open", "actual_value": None}
        outcome = summarise(shipped_standards, targets=[target, target | {"year": 2024, "actual_value": 0.48}, other, to_come])
        assert outcome.frames["park_summary"].height == 2, "a year that has not begun says nothing yet"
        row = one(outcome, "target", "energy_per_value_added by 2027")
        assert (row["value"], row["denominator"], row["previous_value"], row["status"]) == (0.45, 0.5, 0.48, "on_track")

    def test_there_is_no_single_number(self, shipped_standards: Standards) -> None:
        outcome = summarise(shipped_standards, grades=[grade("E1", "I"), grade("E1", "I", RUNNING)])
        rows = outcome.frames["park_summary"]
        assert rows.filter(pl.col("value").is_not_null() & (pl.col("numerator").is_null() | pl.col("denominator").is_null())).is_empty()
        assert "grades now: 1 I" in outcome.message


def test_nothing_yet(shipped_standards: Standards) -> None:
    outcome = summarise(shipped_standards)
    assert (outcome.frames["park_summary"].height, outcome.message) == (0, "0 rows; grades now: none")
