"""Disclosures: tolerance, what cannot be verified, whose word verifies, and the hashes of both sides."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from pipelines.assessment.disclosure_check import DISCLOSURE_CHECKS
from pipelines.contracts.standards import Standards
from tests.assessment.frames import frames, only, own_rows, run

TODAY = date(2026, 3, 20)
YEAR, NEXT = date(2025, 1, 1), date(2026, 1, 1)
SEED_OF = {
    "tolerances": "disclosure_tolerances", "numbers": "reconciliation_rules", "parameters": "parameters", "methods": "emission_methods",
}  # fmt: skip
KEY = "outlet / O1 / a21026 / air / 2025-01-01 / 2026-01-01"


def told(value: float | None, **cells: Any) -> dict:
    return {
        "subject_kind": "outlet", "subject_id": "O1", "enterprise_id": "E1", "item_code": "a21026", "medium": "air", "period_start": YEAR,
        "period_end": NEXT, "report_kind": "disclosure", "value": value, "unit": "kg", "delivery_id": "D1",
    } | cells  # fmt: skip


def months(kilograms: float, **cells: Any) -> list[dict]:
    return [
        {
            "enterprise_id": "E1", "outlet_id": "O1", "medium": "air", "pollutant_code": "a21026", "month_start_date": date(2025, month, 1),
            "mass_kg": kilograms / 12, "measured_kg": kilograms / 12, "substituted_kg": 0.0, "estimated_kg": 0.0, "self_reported_kg": 0.0,
            "completeness_share": 1.0, "method_code": "automatic", "counts_in_enterprise_total": True,
        } | cells
        for month in range(1, 13)
    ]  # fmt: skip


def review(decision: str, role: str = "third_party", independence: str = "independent") -> dict:
    return {
        "review_id": "R1", "about": "disclosure_check", "subject_key": KEY, "enterprise_id": "E1", "decided_on": date(2026, 2, 1), "decision": decision,
        "role": role, "independence": independence, "evidence_sha256": "cd" * 32,
    }  # fmt: skip


def checked(standards: Standards, **rows: Any) -> dict:
    made = frames(DISCLOSURE_CHECKS, standards, SEED_OF, **rows)
    return only(run(DISCLOSURE_CHECKS, made, TODAY, standards).frames["disclosure_check"])


@pytest.mark.parametrize(("value", "state"), [(110.0, "consistent"), (90.0, "consistent"), (110.1, "deviates"), (89.9, "deviates")])
def test_the_tolerance_of_a_pollutant(shipped_standards: Standards, value: float, state: str) -> None:
    row = checked(shipped_standards, reports=[told(value)], emission=months(100.0))
    assert (row["verification_state"], row["tolerance_share"], row["subject_key"]) == (state, 0.1, KEY)
    assert row["difference"] == pytest.approx(value - 100.0)
    assert row["verification_status"] == "unverified"


def test_the_closest_tolerance_counts(shipped_standards: Standards) -> None:
    own = own_rows(shipped_standards, "disclosure_tolerances", {"item_kind": "pollutant", "item_code": "a21026", "tolerance_share": "0.02"})
    assert checked(own, reports=[told(97.0)], emission=months(100.0))["verification_state"] == "deviates"
    water = told(1.04, subject_kind="enterprise", subject_id="E1", item_code="tap_water", medium="purchased", unit="m3")
    assert checked(shipped_standards, reports=[water])["tolerance_share"] == 0.05


class TestWhoseWord:
    def test_an_independent_reviewer_verifies(self, shipped_standards: Standards) -> None:
        row = checked(shipped_standards, reports=[told(101.0)], emission=months(100.0), reviews=[review("accepted")])
        assert (row["verification_state"], row["verifier_role"], row["independence"]) == ("verified", "third_party", "independent")
        assert (row["decided_on"], row["evidence_sha256"]) == (date(2026, 2, 1), "cd" * 32)

    @pytest.mark.parametrize("independence", ["paid_by_enterprise", "conflict_declared", "not_stated"])
    def test_one_with_ties_does_not(self, shipped_standards: Standards, independence: str) -> None:
        row = checked(
            shipped_standards, reports=[told(101.0)], emission=months(100.0), reviews=[review("accepted", independence=independence)]
        )
        assert (row["verification_state"], row["independence"]) == ("consistent", independence)

    def test_nor_does_the_enterprise(self, shipped_standards: Standards) -> None:
        row = checked(shipped_standards, reports=[told(101.0)], emission=months(100.0), reviews=[review("accepted", role="enterprise")])
        assert (row["verification_state"], row["verifier_role"]) == ("consistent", None)

    def test_nobody_verifies_a_figure_that_deviates(self, shipped_standards: Standards) -> None:
        row = checked(shipped_standards, reports=[told(60.0)], emission=months(100.0), reviews=[review("accepted")])
        assert row["verification_state"] == "deviates"

    def test_a_rejection_disputes(self, shipped_standards: Standards) -> None:
        row = checked(shipped_standards, reports=[told(100.0)], emission=months(100.0), reviews=[review("rejected")])
        assert row["verification_state"] == "disputed"


class TestWhatCannotBeVerified:
    def test_figures_that_were_declared(self, shipped_standards: Standards) -> None:
        declared = months(100.0, measured_kg=0.0, self_reported_kg=100.0 / 12)
        row = checked(shipped_standards, reports=[told(100.0)], emission=declared, reviews=[review("accepted")])
        assert (row["verification_state"], row["system_value"], row["state"]) == ("not_verifiable", None, "missing")

    def test_a_part_of_the_year(self, shipped_standards: Standards) -> None:
        assert checked(shipped_standards, reports=[told(100.0)], emission=months(100.0)[:6])["verification_state"] == "not_verifiable"
        assert checked(shipped_standards, reports=[told(20.0)], emission=months(100.0)[:6])["verification_state"] == "deviates"

    def test_a_disclosure_that_is_due_and_not_there(self, shipped_standards: Standards) -> None:
        row = checked(shipped_standards, reports=[told(None)], emission=months(100.0))
        assert (row["verification_state"], row["system_value"], row["deviation"]) == ("missing", pytest.approx(100.0), None)

    def test_nothing_against_nothing(self, shipped_standards: Standards) -> None:
        assert checked(shipped_standards, reports=[told(0.0)], emission=months(0.0))["verification_state"] == "consistent"
        assert checked(shipped_standards, reports=[told(3.0)], emission=months(0.0))["verification_state"] == "deviates"


def test_waste_is_held_against_the_ledger(shipped_standards: Standards) -> None:
    waste = [
        {
            "enterprise_id": "E1",
            "waste_code": "336-054-17",
            "waste_kind": "hazardous",
            "movement": "generated",
            "moved_on": date(2025, 5, 1),
            "quantity_t": 10.0,
        }
    ]
    row = checked(
        shipped_standards,
        reports=[told(10.5, subject_kind="enterprise", subject_id="E1", item_code="hazardous_waste", medium="generated", unit="t")],
        waste=waste,
    )
    assert (row["system_value"], row["verification_state"]) == (10.0, "consistent")


def test_hashes_of_the_files_it_came_in(shipped_standards: Standards) -> None:
    lines = [told(60.0), told(41.0, delivery_id="D2")]
    deliveries = pl.DataFrame({"delivery_id": ["D1", "D2", "D3"], "sha256": ["aa", "bb", "cc"]})
    row = checked(shipped_standards, reports=lines, emission=months(100.0), deliveries=deliveries)
    assert (row["disclosed_value"], row["disclosure_sha256"]) == (101.0, ["aa", "bb"])


def test_other_reports_are_no_disclosures(shipped_standards: Standards) -> None:
    made = frames(DISCLOSURE_CHECKS, shipped_standards, SEED_OF, reports=[told(100.0, report_kind="statistics")])
    outcome = run(DISCLOSURE_CHECKS, made, TODAY, shipped_standards)
    assert (outcome.frames["disclosure_check"].height, outcome.message) == (0, "nothing was disclosed")
