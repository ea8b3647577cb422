"""Incentives and constraints: eligibility, lights with reasons, validity, decisions and appeals."""

from datetime import date

import polars as pl
import pytest

from pipelines.assessment.enterprise_standing import STANDINGS
from pipelines.assessment.method import Outcome
from pipelines.contracts.standards import Standards, StandardsError
from tests.assessment.given import frames, run

TODAY = date(2026, 1, 20)
MEMBERS = [{"enterprise_id": name, "valid_from": date(2015, 1, 1), "valid_to": date(9999, 12, 31)} for name in ("E1", "E2")]


def event(kind: str, on: date, subject: str = "E1", **more: object) -> dict:
    return {
        "event_id": f"{kind}{on}{subject}",
        "event_kind": kind,
        "subject_kind": "enterprise",
        "subject_id": subject,
        "occurred_on": on,
    } | more


def asset(who: str, verdict: str = "within_design_life") -> dict:
    return {"enterprise_id": who, "asset_kind": "equipment", "asset_id": "K1", "verdict": verdict}


def clean(who: str = "E1", grade: str = "I") -> dict[str, list[dict]]:
    """An enterprise with everything that is asked for."""
    return {
        "grades": [{"enterprise_id": who, "period_type": "rolling_12m", "period_start": date(2025, 1, 1), "period_end": date(2026, 1, 1), "grade": grade, "provisional": False}],
        "judged": [{"enterprise_id": who, "month_start_date": date(2025, 6, 1), "periods_evaluated": 700}],
        "events": [event("drill", date(2020, 5, 1), who)],
        "permit_totals": [{"enterprise_id": who, "permit_year": 2025, "permitted_kg": 100.0, "used_kg": 80.0}],
        "reports": [{"subject_kind": "enterprise", "subject_id": who, "enterprise_id": who, "item_code": "cod", "medium": "none", "report_kind": "disclosure",
                     "line_id": "-", "period_start": date(2025, 1, 1), "period_end": date(2026, 1, 1), "state": "self_reported"}],
        "measures": [{"measure_id": "M1", "enterprise_id": who, "status": "implemented", "due_on": date(2025, 6, 1), "completed_on": date(2025, 5, 1)}],
        "findings": [{"finding_id": "F1", "enterprise_id": who, "found_on": date(2025, 1, 5), "status": "closed", "closed_on": date(2025, 3, 1)}],
        "obsolete": [asset(who)],
        "readiness": [{"enterprise_id": who, "plan_status": "valid", "expires_on": date(2027, 1, 1)}],
        "steps": [{"round_id": "R1", "enterprise_id": who, "round_kind": "mandatory", "listed_on": date(2024, 1, 31), "milestone": "audit_done", "progress": "done", "done_on": date(2025, 3, 1)}],
    }  # fmt: skip


def judge(standards: Standards, *, more_events: tuple[dict, ...] = (), today: date = TODAY, **given: object) -> Outcome:
    facts = clean() | given
    if more_events:
        facts["events"] = [*facts["events"], *more_events]
    return run(STANDINGS, standards, today, {"memberships": MEMBERS} | facts)


def standing(outcome: Outcome, who: str = "E1") -> dict:
    (row,) = outcome.frames["enterprise_standing"].filter(pl.col("enterprise_id") == who).to_dicts()
    return row


def rule(outcome: Outcome, rule_id: str, who: str = "E1") -> dict:
    (row,) = outcome.frames["enterprise_standing_rule"].filter((pl.col("rule_id") == rule_id) & (pl.col("enterprise_id") == who)).to_dicts()
    return row


def review(decision: str, day: date = date(2026, 1, 10), about: str = "enterprise_standing_rule", key: str = "E1 / serious_violation",
           role: str = "bureau", number: int = 1, **more: object) -> dict:  # fmt: skip
    return {"review_id": f"V{number}", "about": about, "subject_key": key, "enterprise_id": "E1", "decided_on": day, "decision": decision, "role": role,
            "independence": "independent"} | more  # fmt: skip


class TestIncentives:
    def test_a_clean_record_and_a_good_grade(self, shipped_standards: Standards) -> None:
        outcome = judge(shipped_standards)
        row = standing(outcome)
        assert (row["light"], row["incentives"], row["reason_codes"]) == ("green", ["fewer_inspections", "green_fund", "tax_relief"], [])
        fund = rule(outcome, "green_fund")
        assert (fund["effect"], fund["valid_from"], fund["valid_to"]) == ("in_effect", date(2026, 1, 1), date(2027, 1, 1))
        assert fund["facts"][0] == "grade = I (2026-01-01)"

    def test_a_poor_grade_or_one_penalty_ends_it(self, shipped_standards: Standards) -> None:
        assert standing(judge(shipped_standards, **clean(grade="III")))["incentives"] == []
        found = judge(shipped_standards, more_events=(event("penalty", date(2024, 6, 1)),))
        assert (rule(found, "green_fund")["effect"], rule(found, "tax_relief")["effect"]) == ("not_met", "in_effect")

    def test_nobody_is_rewarded_for_what_was_not_delivered(self, shipped_standards: Standards) -> None:
        found = judge(shipped_standards, judged=[])
        assert (rule(found, "tax_relief")["effect"], rule(found, "tax_relief")["unknown_facts"]) == ("unknown", ["exceedances_12m"])
        assert standing(found)["incentives"] == []

    def test_nothing_is_known_of_the_other(self, shipped_standards: Standards) -> None:
        row = standing(judge(shipped_standards), "E2")
        assert (row["light"], row["incentives"], row["state"]) == ("grey", [], "missing")
        assert "exceedances_12m" in row["unknown_facts"] and "grade" in row["unknown_facts"]


class TestConstraints:
    def test_a_serious_violation_is_red_for_two_years(self, shipped_standards: Standards) -> None:
        violation = event("violation", date(2025, 3, 1), severity="serious")
        found = judge(shipped_standards, more_events=(violation,))
        row = standing(found)
        assert (row["light"], row["reason_codes"], row["constraints"]) == ("red", ["serious_violation"], ["approval"])
        assert (row["valid_from"], row["valid_to"]) == (date(2025, 3, 1), date(2027, 3, 1))
        assert (
            standing(judge(shipped_standards, more_events=(event("violation", date(2023, 3, 1), severity="serious"),)))["light"] == "green"
        )

    def test_red_goes_before_amber(self, shipped_standards: Standards) -> None:
        above = [{"enterprise_id": "E1", "local_date": date(2025, 6, 3), "is_binding": True}]
        found = judge(shipped_standards, exceedances=above, more_events=(event("violation", date(2025, 3, 1), severity="serious"),))
        assert (standing(found)["light"], standing(found)["reason_codes"]) == ("red", ["serious_violation", "exceedances"])
        assert (standing(judge(shipped_standards, exceedances=above))["light"]) == "amber"

    def test_an_exceedance_lapses_after_its_months(self, shipped_standards: Standards) -> None:
        above = [{"enterprise_id": "E1", "local_date": date(2025, 6, 3), "is_binding": True}]
        found = rule(judge(shipped_standards, exceedances=above), "exceedances")
        assert (found["effect"], found["valid_from"], found["valid_to"]) == ("in_effect", date(2025, 6, 3), date(2026, 6, 3))

    def test_validity_ends_before_the_window_does(self, shipped_standards: Standards) -> None:
        given = frames(STANDINGS, shipped_standards, {"memberships": MEMBERS} | clean())
        given["rules"] = given["rules"].with_columns(validity_months=pl.lit(6, dtype=pl.Int32))
        given["exceedances"] = pl.DataFrame({"enterprise_id": ["E1"], "local_date": [date(2025, 6, 3)], "is_binding": [True]})
        assert rule(run(STANDINGS, shipped_standards, TODAY, given), "exceedances")["effect"] == "lapsed"

    @pytest.mark.parametrize(
        ("given", "reason"),
        [
            ({"readiness": [{"enterprise_id": "E1", "plan_status": "expired", "expires_on": date(2025, 9, 1)}, {"enterprise_id": "E2", "plan_status": "valid"}]}, "no_emergency_plan"),
            ({"obsolete": [asset("E1", "eliminated")]}, "obsolete_technology"),
            ({"grades": clean(grade="none")["grades"]}, "below_grade_iii"),
            ({"permit_totals": [{"enterprise_id": "E1", "permit_year": 2025, "permitted_kg": 100.0, "used_kg": 101.0}]}, "permit_total_exceeded"),
            ({"measures": [{"measure_id": "M1", "enterprise_id": "E1", "status": "approved", "due_on": date(2025, 6, 1)}]}, "overdue_measures"),
            ({"findings": [{"finding_id": "F1", "enterprise_id": "E1", "found_on": date(2025, 1, 5), "due_on": date(2025, 2, 1), "status": "open"}]}, "overdue_findings"),
        ],
    )  # fmt: skip
    def test_other_reasons(self, shipped_standards: Standards, given: dict, reason: str) -> None:
        assert standing(judge(shipped_standards, **given))["reason_codes"] == [reason]

    def test_an_overdue_mandatory_audit(self, shipped_standards: Standards) -> None:
        late = {
            "round_id": "R2",
            "enterprise_id": "E1",
            "round_kind": "mandatory",
            "listed_on": date(2025, 1, 31),
            "milestone": "started",
            "progress": "overdue",
        }
        assert standing(judge(shipped_standards, steps=[*clean()["steps"], late]))["reason_codes"] == ["audit_overdue"]
        free = late | {"round_kind": "voluntary"}
        assert standing(judge(shipped_standards, steps=[free]))["reason_codes"] == []

    def test_what_has_left_the_park_has_no_light(self, shipped_standards: Standards) -> None:
        gone = [MEMBERS[0], MEMBERS[1] | {"valid_to": TODAY}]
        outcome = run(STANDINGS, shipped_standards, TODAY, {"memberships": gone} | clean())
        assert outcome.frames["enterprise_standing"]["enterprise_id"].to_list() == ["E1"]


class TestPeople:
    VIOLATION = event("violation", date(2025, 3, 1), severity="serious")

    def test_an_appeal_is_shown_and_suspends_nothing(self, shipped_standards: Standards) -> None:
        found = judge(shipped_standards, more_events=(self.VIOLATION,), reviews=[review("appealed", role="enterprise")])
        assert (standing(found)["light"], standing(found)["appeal_state"]) == ("red", "pending")

    def test_an_upheld_appeal_sets_the_reason_aside(self, shipped_standards: Standards) -> None:
        reviews = [review("appealed", date(2025, 5, 1), role="enterprise"), review("appeal_upheld", date(2025, 7, 1), number=2)]
        found = judge(shipped_standards, more_events=(self.VIOLATION,), reviews=reviews)
        assert (standing(found)["light"], standing(found)["appeal_state"]) == ("green", "upheld")
        assert rule(found, "serious_violation")["effect"] == "set_aside"

    def test_until_something_newer_happens(self, shipped_standards: Standards) -> None:
        reviews = [review("appeal_upheld", date(2025, 7, 1))]
        again = event("violation", date(2025, 9, 1), severity="serious")
        assert standing(judge(shipped_standards, more_events=(self.VIOLATION, again), reviews=reviews))["light"] == "red"

    def test_a_dismissed_appeal_changes_nothing(self, shipped_standards: Standards) -> None:
        reviews = [review("appealed", date(2025, 5, 1), role="enterprise"), review("appeal_dismissed", date(2025, 7, 1), number=2)]
        found = judge(shipped_standards, more_events=(self.VIOLATION,), reviews=reviews)
        assert (standing(found)["light"], standing(found)["appeal_state"]) == ("red", "dismissed")

    def test_a_person_may_put_another_light_and_the_computed_one_stays_visible(self, shipped_standards: Standards) -> None:
        override = review("override", about="enterprise_standing", key="E1", value_text="amber")
        row = standing(judge(shipped_standards, more_events=(self.VIOLATION,), reviews=[override]))
        assert (row["light"], row["computed_light"], row["decision"], row["decided_by"]) == ("amber", "red", "override", "bureau")
        own = override | {"role": "enterprise", "value_text": "green"}
        assert standing(judge(shipped_standards, more_events=(self.VIOLATION,), reviews=[own]))["light"] == "red"

    def test_a_decision_takes_a_reason_away(self, shipped_standards: Standards) -> None:
        found = judge(shipped_standards, more_events=(self.VIOLATION,), reviews=[review("delisted")])
        assert (standing(found)["light"], rule(found, "serious_violation")["decided_by"]) == ("green", "bureau")


class TestStandards:
    @pytest.mark.parametrize(
        ("column", "value", "message"),
        [
            ("condition", "karma > 3", "green_fund: knows no karma; there are grade"),
            ("condition", "grade", "green_fund: 'grade': 'grade' must read"),
            ("condition", "", "green_fund: a rule needs a condition"),
            ("kind", "gift", "green_fund: must be one of incentive, constraint"),
            ("light", "red", "green_fund: a constraint is red or amber"),
        ],
    )
    def test_rules_that_cannot_be_read(self, shipped_standards: Standards, column: str, value: str, message: str) -> None:
        given = frames(STANDINGS, shipped_standards, {})
        given["rules"] = given["rules"].with_columns(
            pl.when(pl.col("rule_id") == "green_fund").then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
        )
        with pytest.raises(StandardsError, match=message):
            run(STANDINGS, shipped_standards, TODAY, given)

    def test_shipped_rules_say_that_they_are_proposals(self, shipped_standards: Standards) -> None:
        rules = shipped_standards.seed("standing_rules")
        assert set(rules["verification_status"]) == {"unverified"}
        assert rules["source_ref"].str.contains("proposal of this project").all()
