"""The worklist: one row per thing to do, with who, since when, how urgent; and what takes it off."""

from datetime import date, datetime

import pytest

from pipelines.assessment.method import Outcome
from pipelines.assessment.worklist import WORKLISTS
from pipelines.contracts.standards import Standards
from tests.assessment.given import PARK, run

TODAY = date(2026, 1, 20)


def finding(finding_id: str = "F1", who: str = "E1", **more: object) -> dict:
    return {"finding_id": finding_id, "enterprise_id": who, "found_on": date(2025, 6, 1), "status": "open", "description": "a leak"} | more


def exceedance(day: date, outlet: str = "S1", times: float = 1.5, binding: bool = True) -> dict:
    return {"enterprise_id": "E1", "outlet_id": outlet, "pollutant_code": "a21026", "limit_kind": "hourly_concentration", "local_date": day,
            "is_binding": binding, "times_limit": times}  # fmt: skip


def review(decision: str, day: date, key: str, about: str = "worklist", role: str = "park", number: int = 1) -> dict:
    return {"review_id": f"V{number}", "about": about, "subject_key": key, "enterprise_id": "E1", "decided_on": day, "decision": decision,
            "role": role, "independence": "not_stated"}  # fmt: skip


def load(who: str, share: float, medium: str = "water", **more: object) -> dict:
    return {"period_type": "rolling_12m", "period_start": date(2025, 1, 1), "period_end": date(2026, 1, 1), "load_standard_set": "INTEGRATED",
            "scope": "enterprise", "medium": medium, "nitrogen": "total_alone" if medium == "water" else "none", "ranked_by": "enterprise",
            "subject_id": who, "share": share} | more  # fmt: skip


def gather(standards: Standards, **given: object) -> Outcome:
    return run(WORKLISTS, standards, TODAY, given)


def rows(standards: Standards, **given: object) -> list[dict]:
    return gather(standards, **given).frames["worklist"].to_dicts()


def one(standards: Standards, **given: object) -> dict:
    (row,) = rows(standards, **given)
    return row


class TestKinds:
    def test_open_findings(self, shipped_standards: Standards) -> None:
        row = one(
            shipped_standards, findings=[finding(due_on=date(2026, 2, 1)), finding("F2", status="closed"), finding("F3", status="rejected")]
        )
        assert (row["kind"], row["link_key"], row["who"], row["since"], row["due_on"]) == (
            "open_finding",
            "F1",
            "enterprise",
            date(2025, 6, 1),
            date(2026, 2, 1),
        )

    def test_overdue_measures(self, shipped_standards: Standards) -> None:
        measures = [
            {"measure_id": f"M{at}", "enterprise_id": "E1", "name": "new pump", "status": status, "due_on": due, "completed_on": done}
            for at, (status, due, done) in enumerate([
                ("approved", date(2026, 1, 19), None), ("approved", TODAY, None), ("abandoned", date(2025, 1, 1), None),
                ("implemented", date(2025, 1, 1), date(2025, 3, 1)), ("in_progress", date(2025, 1, 1), date(2025, 3, 1)),
            ])
        ]  # fmt: skip
        assert one(shipped_standards, measures=measures)["link_key"] == "M0"

    def test_exceedances_of_an_outlet_are_one_thing_while_they_are_recent(self, shipped_standards: Standards) -> None:
        days = [date(2025, 12, 22), date(2026, 1, 3), date(2026, 1, 3), date(2025, 12, 1)]
        given = [*(exceedance(day) for day in days), exceedance(date(2026, 1, 4), times=2.25), exceedance(date(2026, 1, 5), binding=False)]
        row = one(shipped_standards, exceedances=given)
        assert (row["since"], row["last_on"], row["link_key"]) == (
            date(2025, 12, 22),
            date(2026, 1, 4),
            "E1 / S1 / a21026 / hourly_concentration",
        )
        assert row["what"] == "a21026 of S1 above the limit 4 times, up to 2.25 times it"
        assert rows(shipped_standards, exceedances=[exceedance(date(2025, 12, 20))]) == []

    def test_missing_reports(self, shipped_standards: Standards) -> None:
        def line(
            kind: str, state: str = "missing", due: datetime = datetime(2026, 1, 10), subject: str = "E1", of: str = "enterprise"
        ) -> dict:
            return {"subject_kind": of, "subject_id": subject, "enterprise_id": subject if of == "enterprise" else None, "report_kind": kind,
                    "period_start": date(2025, 10, 1), "period_end": date(2026, 1, 1), "state": state, "due_at_utc": due}  # fmt: skip

        of_outlet = line("tax", subject="E1-STACK-1", of="outlet") | {"enterprise_id": "E1"}
        reports = [
            line("tax"),
            of_outlet,
            line("statistics", "self_reported"),
            line("permit_execution", due=datetime(2026, 2, 1)),
            line("inventory", subject=PARK, of="park"),
        ]
        found = {row["link_key"].split(" / ")[1]: row for row in rows(shipped_standards, reports=reports)}
        assert found.keys() == {"tax", "inventory"}
        assert (found["tax"]["what"], found["tax"]["due_on"], found["tax"]["who"]) == (
            "report tax of E1 from 2025-10-01, 2 lines",
            date(2026, 1, 10),
            "enterprise",
        )
        assert found["inventory"]["who"] == "park"

    def test_emergency_plans(self, shipped_standards: Standards) -> None:
        readiness = [{"enterprise_id": f"E{at}", "plan_status": status, "expires_on": ends} for at, (status, ends) in enumerate(
            [("valid", date(2027, 1, 1)), ("expired", date(2025, 9, 1)), ("none", None)])]  # fmt: skip
        found = {row["enterprise_id"]: (row["urgency"], row["since"]) for row in rows(shipped_standards, readiness=readiness)}
        assert found == {"E1": ("high", date(2025, 9, 1)), "E2": ("medium", None)}

    def test_overdue_steps_with_their_responsible_role(self, shipped_standards: Standards) -> None:
        steps = [{"round_id": "R1", "step_code": code, "enterprise_id": "E1", "step_name": code, "responsible_role": role, "progress": progress, "due_on": date(2026, 1, 1)}
                 for code, role, progress in (("evaluation", "bureau", "overdue"), ("filing", "enterprise", "done_late"))]  # fmt: skip
        row = one(shipped_standards, steps=steps)
        assert (row["link_key"], row["who"], row["urgency"]) == ("R1 / evaluation", "bureau", "medium")

    def test_unanswered_complaints_are_the_parks(self, shipped_standards: Standards) -> None:
        complaints = [{"complaint_id": f"C{at}", "enterprise_id": "E1", "category": "odour", "occurred_on": date(2026, 1, 1), "due_on": date(2026, 3, 1), "response": word}
                      for at, word in enumerate(("open", "kept", "late", "set_aside"))]  # fmt: skip
        row = one(shipped_standards, complaints=complaints)
        assert (row["link_key"], row["who"], row["what"], row["urgency"]) == ("C0", "park", "complaint: odour", "low")

    def test_what_must_be_corrected_by_a_date(self, shipped_standards: Standards) -> None:
        def event(number: int, kind: str, **more: object) -> dict:
            return {
                "event_id": f"V{number}",
                "event_kind": kind,
                "subject_kind": "outlet",
                "subject_id": "S1",
                "occurred_on": date(2025, 12, 1),
                "due_on": date(2026, 1, 1),
            } | more

        events = [
            event(1, "violation"),
            event(2, "violation", closed_on=date(2025, 12, 20)),
            event(3, "drill"),
            event(4, "penalty", due_on=None),
        ]
        outlets = [{"outlet_id": "S1", "enterprise_id": "E7", "valid_from": date(2020, 1, 1)}]
        row = one(shipped_standards, events=events, outlets=outlets)
        assert (row["link_key"], row["enterprise_id"], row["kind"]) == ("V1", "E7", "uncorrected_event")

    def test_appeals_that_nobody_decided(self, shipped_standards: Standards) -> None:
        reviews = [review("appealed", date(2026, 1, 2), "E1", "enterprise_standing", "enterprise"),
                   review("appealed", date(2026, 1, 2), "F1", "finding", "enterprise", 2), review("appeal_dismissed", date(2026, 1, 9), "F1", "finding", "bureau", 3)]  # fmt: skip
        row = one(shipped_standards, reviews=reviews)
        assert (row["link_key"], row["who"], row["since"], row["enterprise_id"]) == (
            "enterprise_standing / E1",
            "bureau",
            date(2026, 1, 2),
            "E1",
        )


class TestUrgency:
    @pytest.mark.parametrize(
        ("due_on", "urgency"),
        [
            (date(2026, 1, 21), "low"),
            (date(2026, 1, 14), "low"),
            (date(2026, 1, 13), "medium"),
            (date(2025, 12, 22), "medium"),
            (date(2025, 12, 21), "high"),
        ],
    )
    def test_by_the_days_past_the_date(self, shipped_standards: Standards, due_on: date, urgency: str) -> None:
        assert one(shipped_standards, findings=[finding(due_on=due_on)])["urgency"] == urgency

    def test_without_a_date_by_age(self, shipped_standards: Standards) -> None:
        assert one(shipped_standards, findings=[finding(found_on=date(2026, 1, 18))])["urgency"] == "low"
        assert one(shipped_standards, findings=[finding(found_on=date(2026, 1, 18), severity="high")])["urgency"] == "medium"
        assert one(shipped_standards, findings=[finding()])["urgency"] == "high"

    def test_the_most_urgent_then_the_heaviest_then_the_oldest(self, shipped_standards: Standards) -> None:
        findings = [finding("LATE", "E1", due_on=date(2025, 6, 1)), finding("HEAVY", "E2", due_on=date(2025, 12, 1)), finding("LATER", "E1", due_on=date(2025, 8, 1)),
                    finding("SOON", "E2", due_on=date(2026, 3, 1))]  # fmt: skip
        loads = [load("E1", 0.1), load("E1", 0.3, "air"), load("E2", 0.6), load("E2", 0.9, scope="park"), load("E2", 0.8, nitrogen="both")]
        found = rows(shipped_standards, findings=findings, loads=loads)
        assert [row["link_key"] for row in found] == ["HEAVY", "LATE", "LATER", "SOON"]
        assert {row["enterprise_id"]: row["load_share"] for row in found} == {"E1": 0.3, "E2": 0.6}


class TestDecisions:
    KEY = "exceedance / E1 / S1 / a21026 / hourly_concentration"

    def test_a_decision_takes_a_thing_off_until_it_happens_again(self, shipped_standards: Standards) -> None:
        reviews = [review("accepted", date(2026, 1, 10), self.KEY)]
        assert rows(shipped_standards, exceedances=[exceedance(date(2026, 1, 8))], reviews=reviews) == []
        assert rows(shipped_standards, exceedances=[exceedance(date(2026, 1, 8)), exceedance(date(2026, 1, 12))], reviews=reviews) != []

    def test_an_explanation_is_shown_and_takes_nothing_off(self, shipped_standards: Standards) -> None:
        row = one(
            shipped_standards,
            exceedances=[exceedance(date(2026, 1, 8))],
            reviews=[review("explained", date(2026, 1, 10), self.KEY, role="enterprise")],
        )
        assert (row["explained_on"], row["explained_by"]) == (date(2026, 1, 10), "enterprise")

    def test_the_enterprise_takes_nothing_off(self, shipped_standards: Standards) -> None:
        reviews = [review("accepted", date(2026, 1, 10), self.KEY, role="enterprise")]
        assert len(rows(shipped_standards, exceedances=[exceedance(date(2026, 1, 8))], reviews=reviews)) == 1


def test_nothing_to_do(shipped_standards: Standards) -> None:
    outcome = gather(shipped_standards)
    assert (outcome.message, outcome.frames["worklist"].height) == ("0 to do", 0)


def test_what_is_to_do_is_said(shipped_standards: Standards) -> None:
    outcome = gather(shipped_standards, findings=[finding(), finding("F2")], exceedances=[exceedance(date(2026, 1, 8))])
    assert outcome.message == "3 to do: 2 open finding, 1 exceedance"
