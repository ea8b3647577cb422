"""Findings: whose word makes their status, what causes them, and the chain from finding to verified effect."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.assessment.finding import FINDINGS, NOTHING
from pipelines.assessment.method import Outcome
from pipelines.contracts.records import CAUSE_CODES
from pipelines.contracts.standards import Standards
from tests.assessment.given import run, standards_as_shipped

TODAY = date(2026, 1, 20)


def finding(finding_id: str = "F1", **more: object) -> dict:
    return {"finding_id": finding_id, "enterprise_id": "E1", "subject_kind": "enterprise", "subject_id": "E1", "found_on": date(2025, 6, 1),
            "cause_code": "equipment", "item_code": "electricity", "status": "open", "description": "a leak"} | more  # fmt: skip


def measure(measure_id: str = "M1", finding_id: str | None = "F1", status: str = "implemented", **more: object) -> dict:
    return {"measure_id": measure_id, "enterprise_id": "E1", "finding_id": finding_id, "measure_class": "source_reduction",
            "cost_class": "no_low", "status": status, "promised_item": "electricity", "promised_quantity": 1000.0, "unit": "kWh"} | more  # fmt: skip


def review(decision: str, day: int = 10, role: str = "park", subject: str = "F1", number: int = 1, **more: object) -> dict:
    return {"review_id": f"V{number}", "about": "finding", "subject_key": subject, "enterprise_id": "E1", "decided_on": date(2026, 1, day),
            "decision": decision, "role": role, "independence": "independent"} | more  # fmt: skip


def effect(
    measure_id: str = "M1", decision: str = "verified", annual: float | None = 900.0, unit: str = "kWh", counts: bool = True
) -> dict:
    return {
        "measure_id": measure_id,
        "decision": decision,
        "annual_saving_quantity": annual,
        "unit": unit,
        "counts_in_total": counts,
    }


def follow(standards: Standards, **given: object) -> Outcome:
    return run(FINDINGS, standards, TODAY, given)


def one(outcome: Outcome, table: str = "finding") -> dict:
    (row,) = outcome.frames[table].to_dicts()
    return row


class TestStatus:
    def test_as_the_auditor_left_it(self, shipped_standards: Standards) -> None:
        row = one(follow(shipped_standards, findings=[finding(due_on=date(2026, 1, 19))]))
        assert (row["status"], row["status_by_auditor"], row["is_overdue"], row["status_since"]) == ("open", "open", True, None)
        assert not one(follow(shipped_standards, findings=[finding(due_on=TODAY)]))["is_overdue"]

    @pytest.mark.parametrize(
        ("decision", "status"),
        [("explained", "explained"), ("accepted", "closed"), ("rejected", "rejected"), ("not_applicable", "rejected"), ("opinion", "open")],
    )
    def test_a_decision_changes_it(self, shipped_standards: Standards, decision: str, status: str) -> None:
        row = one(follow(shipped_standards, findings=[finding()], reviews=[review(decision)]))
        assert (row["status"], row["status_by_auditor"]) == (status, "open")
        if decision != "opinion":
            assert (row["status_since"], row["decided_by"], row["independence"]) == (date(2026, 1, 10), "park", "independent")

    def test_the_closing_date_is_that_of_the_decision(self, shipped_standards: Standards) -> None:
        row = one(follow(shipped_standards, findings=[finding(due_on=date(2025, 9, 1))], reviews=[review("accepted", 12)]))
        assert (row["closed_on"], row["is_overdue"]) == (date(2026, 1, 12), False)

    def test_an_override_names_the_status(self, shipped_standards: Standards) -> None:
        reviews = [review("accepted", 5), review("override", 9, number=2, value_text="in_hand")]
        row = one(follow(shipped_standards, findings=[finding()], reviews=reviews))
        assert (row["status"], row["closed_on"]) == ("in_hand", None)

    def test_an_override_with_another_word_changes_nothing_and_is_told(self, shipped_standards: Standards) -> None:
        outcome = follow(shipped_standards, findings=[finding()], reviews=[review("override", value_text="forgotten")])
        assert one(outcome)["status"] == "open"
        assert outcome.warnings == ("review V1: 'forgotten' is no status of a finding (open, explained, in_hand, closed, rejected)",)

    def test_the_enterprise_explains_and_cannot_close(self, shipped_standards: Standards) -> None:
        row = one(follow(shipped_standards, findings=[finding()], reviews=[review("accepted", role="enterprise")]))
        assert row["status"] == "open"
        row = one(follow(shipped_standards, findings=[finding()], reviews=[review("explained", role="enterprise")]))
        assert row["status"] == "explained"

    def test_an_upheld_appeal_takes_the_finding_back(self, shipped_standards: Standards) -> None:
        reviews = [review("appealed", 5, "enterprise"), review("appeal_upheld", 12, "bureau", number=2)]
        row = one(follow(shipped_standards, findings=[finding()], reviews=reviews))
        assert (row["status"], row["closed_on"], row["appeal_state"]) == ("rejected", date(2026, 1, 12), "upheld")


class TestPareto:
    def test_most_frequent_first_and_cumulated(self, shipped_standards: Standards) -> None:
        causes = ["equipment"] * 3 + ["management"] * 5 + ["staff"] * 2
        findings = [finding(f"F{at}", cause_code=cause) for at, cause in enumerate(causes)]
        findings.append(finding("F99", cause_code="waste", status="rejected"))
        rows = [
            row for row in follow(shipped_standards, findings=findings).frames["finding_pareto"].to_dicts() if row["dimension"] == "cause"
        ]
        assert [(row["code"], row["findings"], row["position"]) for row in rows] == [
            ("management", 5, 1),
            ("equipment", 3, 2),
            ("staff", 2, 3),
        ]
        assert [row["cumulative_share"] for row in rows] == [0.5, 0.8, 1.0]

    def test_a_finding_about_no_item_is_counted(self, shipped_standards: Standards) -> None:
        rows = follow(shipped_standards, findings=[finding(item_code=None)]).frames["finding_pareto"].to_dicts()
        assert {row["dimension"]: row["code"] for row in rows} == {"cause": "equipment", "item": NOTHING, "enterprise": "E1"}

    @settings(deadline=None, max_examples=30)
    @given(st.lists(st.tuples(st.sampled_from(CAUSE_CODES), st.sampled_from(["open", "closed", "rejected"])), max_size=30))
    def test_every_finding_that_stands_is_counted_once(self, drawn: list[tuple[str, str]]) -> None:
        findings = [finding(f"F{at}", cause_code=cause, status=status) for at, (cause, status) in enumerate(drawn)]
        rows = follow(standards_as_shipped(), findings=findings).frames["finding_pareto"]
        standing = sum(status != "rejected" for _, status in drawn)
        for part in rows.partition_by("dimension"):
            assert part["findings"].sum() == standing
            assert part["cumulative_share"][-1] == pytest.approx(1.0)
            assert part["findings"].to_list() == sorted(part["findings"].to_list(), reverse=True)


class TestChain:
    def test_from_finding_to_verified_effect(self, shipped_standards: Standards) -> None:
        outcome = follow(
            shipped_standards,
            findings=[finding()],
            measures=[measure()],
            effects=[effect(annual=600.0), effect(annual=300.0), effect(annual=5000.0, counts=False)],
            economics=[{"measure_id": "M1", "npv_cny": 5.0, "payback_years": 2.5}],
        )
        row = one(outcome, "finding_chain")
        assert (row["finding_id"], row["measure_id"], row["chain_state"], row["state"]) == ("F1", "M1", "verified", "measured")
        # a sub-meter inside another meter does not count twice
        assert (row["annual_saving_quantity"], row["saving_unit"]) == (900.0, "kWh")
        assert (row["promised_quantity"], row["npv_cny"], row["payback_years"]) == (1000.0, 5.0, 2.5)

    @pytest.mark.parametrize(
        ("given_measure", "effects", "expected"),
        [
            (measure(status="proposed"), [], "planned"),
            (measure(status="approved", due_on=date(2025, 12, 31)), [], "overdue"),
            (measure(status="in_progress", due_on=date(2026, 12, 31)), [], "in_progress"),
            (measure(status="abandoned", due_on=date(2025, 12, 31)), [], "screened_out"),
            (measure(), [], "implemented_unverified"),
            (measure(), [effect(decision="not_verifiable", annual=None)], "not_verifiable"),
            (measure(), [effect(), effect(decision="negative", annual=-10.0)], "negative"),
            (measure(), [effect(), effect(decision="not_verifiable", annual=None)], "verified"),
        ],
    )
    def test_what_became_of_the_measure(
        self, shipped_standards: Standards, given_measure: dict, effects: list[dict], expected: str
    ) -> None:
        outcome = follow(shipped_standards, findings=[finding()], measures=[given_measure], effects=effects)
        assert one(outcome, "finding_chain")["chain_state"] == expected

    def test_savings_in_different_units_are_not_added(self, shipped_standards: Standards) -> None:
        outcome = follow(shipped_standards, findings=[finding()], measures=[measure()], effects=[effect(), effect(annual=3.0, unit="m3")])
        row = one(outcome, "finding_chain")
        assert (row["chain_state"], row["annual_saving_quantity"], row["saving_unit"]) == ("verified", None, None)

    def test_a_link_that_is_not_there_is_a_row(self, shipped_standards: Standards) -> None:
        outcome = follow(shipped_standards, findings=[finding()], measures=[measure("M2", None), measure("M3", "F9")])
        rows = {(row["finding_id"], row["measure_id"]): row["chain_state"] for row in outcome.frames["finding_chain"].to_dicts()}
        assert rows == {("F1", NOTHING): "no_measure", (NOTHING, "M2"): "implemented_unverified", (NOTHING, "M3"): "implemented_unverified"}

    def test_several_measures_answer_one_finding(self, shipped_standards: Standards) -> None:
        outcome = follow(shipped_standards, findings=[finding()], measures=[measure("M1"), measure("M2")])
        assert [row["measure_id"] for row in outcome.frames["finding_chain"].to_dicts()] == ["M1", "M2"]
        assert one(outcome)["measures"] == 2


def test_nothing_found_yet(shipped_standards: Standards) -> None:
    outcome = follow(shipped_standards)
    assert outcome.message == "0 findings, 0 open, 0 of them overdue"
    assert all(frame.is_empty() for frame in outcome.frames.values())
