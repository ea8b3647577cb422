"""The audit as a process: dates, order, states, people's decisions, and steps that contradict each other."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.assessment.workflow import AUDIT_WORKFLOW, DONE, PHASES, check_steps
from pipelines.contracts.standards import Standards, StandardsError
from tests.assessment.given import run, shipped, standards_as_shipped

TODAY = date(2026, 1, 20)
LISTED = date(2025, 1, 31)
PROVENANCE = {"valid_from": date(2020, 1, 1), "origin": "base", "verification_status": "unverified"}


def round_row(round_id: str = "R1", kind: str = "mandatory", listed_on: date | None = LISTED, **more: object) -> dict:
    return {"round_id": round_id, "enterprise_id": "E1", "kind": kind, "listed_on": listed_on, "valid_from": date(2025, 1, 1)} | more


def done(step: str, on: date, round_id: str = "R1", **more: object) -> dict:
    return {"round_id": round_id, "step_code": step, "done_on": on, "role": "enterprise"} | more


def step(
    code: str, position: int, predecessors: str | None = None, anchor: str | None = None, months: int | None = None, **more: object
) -> dict:
    return {"step_code": code, "position": position, "phase": "planning", "name": code, "predecessors": predecessors, "applies_to": "mandatory",
            "due_anchor": anchor, "due_months": months, "responsible_role": "enterprise"} | PROVENANCE | more  # fmt: skip


def follow(standards: Standards, **given: object) -> dict[str, dict]:
    outcome = run(AUDIT_WORKFLOW, standards, TODAY, given)
    return {row["step_code"]: row for row in outcome.frames["workflow"].to_dicts()}


def test_the_time_line_of_a_listed_enterprise(shipped_standards: Standards) -> None:
    """Register within one month of the list, file within two, audit within the year, acceptance within one year after that."""
    rows = follow(shipped_standards, rounds=[round_row()])
    due = {code: row["due_on"] for code, row in rows.items() if row["due_on"]}
    assert due["registration"] == due["public_information"] == date(2025, 2, 28)
    assert due["audit_start"] == due["filing"] == date(2025, 3, 31)
    assert due["audit_report"] == date(2026, 1, 31)
    assert due["acceptance"] == due["medium_high_done"] == date(2027, 1, 31)
    assert due["next_round"] == date(2031, 1, 31)
    assert [code for code, row in rows.items() if row["due_is_provisional"]] == ["medium_high_done", "acceptance", "next_round"]
    assert rows["registration"]["progress"] == "overdue"
    # near its date, and still waiting for the steps before it
    assert (rows["audit_report"]["progress"], rows["audit_report"]["blocked_by"]) == ("blocked", ["feasibility_study", "targets"])
    assert {row["state"] for row in rows.values()} == {"missing"}


def test_the_seven_phases_are_all_there(shipped_standards: Standards) -> None:
    rows = follow(shipped_standards, rounds=[round_row()])
    assert {row["phase"] for row in rows.values()} == set(PHASES)
    assert {row["milestone"] for row in rows.values()} - {None} == {"started", "audit_done", "evaluated", "accepted"}


def test_a_date_follows_the_day_on_which_the_step_before_was_done(shipped_standards: Standards) -> None:
    rows = follow(shipped_standards, rounds=[round_row()], steps=[done("audit_report", date(2025, 11, 15))])
    assert (rows["acceptance"]["due_on"], rows["acceptance"]["due_is_provisional"]) == (date(2026, 11, 15), False)
    assert rows["audit_report"]["progress"] == "done"
    assert rows["audit_report"]["done_before"] == ["feasibility_study", "targets"]


def test_done_in_time_done_late_and_not_yet(shipped_standards: Standards) -> None:
    steps = [
        done("registration", date(2025, 2, 28), evidence_sha256="f" * 64),
        done("audit_start", date(2025, 4, 10)),
        done("current_state", date(2026, 3, 1)),
    ]
    rows = follow(shipped_standards, rounds=[round_row()], steps=steps)
    assert (rows["registration"]["progress"], rows["registration"]["days_late"], rows["registration"]["lacks_evidence"]) == (
        "done",
        0,
        False,
    )
    assert (rows["audit_start"]["progress"], rows["audit_start"]["days_late"], rows["audit_start"]["lacks_evidence"]) == (
        "done_late",
        10,
        True,
    )
    # entered with a date that has not come
    assert (rows["current_state"]["progress"], rows["current_state"]["done_on"]) == ("not_started", None)


def test_the_state_machine(shipped_standards: Standards) -> None:
    phases = [step("a", 1, None, "listed_on", 1), step("b", 2, "a", "a", 12), step("c", 3, "b"), step("d", 4, "a", "listed_on", 12)]
    rows = follow(
        shipped_standards,
        phases=pl.DataFrame(phases).pipe(_typed, shipped_standards),
        rounds=[round_row()],
        steps=[done("a", date(2025, 2, 10))],
    )
    assert {code: row["progress"] for code, row in rows.items()} == {"a": "done", "b": "due", "c": "blocked", "d": "due"}
    assert (rows["b"]["due_on"], rows["c"]["blocked_by"]) == (date(2026, 2, 10), ["b"])


def _typed(frame: pl.DataFrame, standards: Standards) -> pl.DataFrame:
    like = shipped(AUDIT_WORKFLOW.reads["phases"], standards)
    missing = [pl.lit(None).alias(name) for name in like.columns if name not in frame.columns]
    return frame.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in like.schema.items())


def test_what_does_not_apply_to_a_round_holds_nobody_up(shipped_standards: Standards) -> None:
    steps = [done(code, date(2025, 6, 1)) for code in ("audit_report", "medium_high_done_voluntary")]
    rows = follow(shipped_standards, rounds=[round_row(kind="voluntary", listed_on=None)], steps=steps)
    assert "evaluation" not in rows and "registration" not in rows
    assert rows["effect_summary"]["progress"] == "not_started"
    assert rows["effect_summary"]["due_on"] is None
    assert rows["audit_report"]["due_from"] is None


def test_a_record_and_a_decision_may_set_another_date(shipped_standards: Standards) -> None:
    def review(number: int, subject: str, decision: str, value: str | None = None) -> dict:
        return {"review_id": f"V{number}", "about": "workflow", "subject_key": subject, "enterprise_id": "E1", "decided_on": date(2025, 3, 1),
                "decision": decision, "value_text": value, "role": "bureau", "independence": "not_stated"}  # fmt: skip

    reviews = [review(1, "R1 / filing", "override", "2026-06-30"), review(2, "R1 / public_information", "not_applicable")]
    steps = [{"round_id": "R1", "step_code": "registration", "due_on": date(2026, 2, 1)}]
    rows = follow(shipped_standards, rounds=[round_row()], steps=steps, reviews=reviews)
    assert (rows["filing"]["due_on"], rows["filing"]["due_from"]) == (date(2026, 6, 30), "decision")
    assert (rows["registration"]["due_on"], rows["registration"]["due_from"]) == (date(2026, 2, 1), "record")
    assert (rows["public_information"]["progress"], rows["public_information"]["state"]) == ("not_applicable", "not_applicable")
    assert rows["audit_start"]["due_from"] == "rule"


def test_a_decision_that_is_no_date_is_told(shipped_standards: Standards) -> None:
    review = {"review_id": "V1", "about": "workflow", "subject_key": "R1 / filing", "enterprise_id": "E1", "decided_on": date(2025, 3, 1),
              "decision": "override", "value_text": "next summer", "role": "bureau", "independence": "not_stated"}  # fmt: skip
    outcome = run(AUDIT_WORKFLOW, shipped_standards, TODAY, {"rounds": [round_row()], "reviews": [review]})
    assert outcome.warnings == ("review V1: 'next summer' is no date like 2026-01-31",)


def test_an_ended_round_keeps_what_was_done_and_asks_for_nothing(shipped_standards: Standards) -> None:
    rows = follow(shipped_standards, rounds=[round_row(valid_to=date(2025, 6, 1))], steps=[done("registration", date(2025, 2, 1))])
    assert rows["registration"]["progress"] == "done"
    assert {row["progress"] for code, row in rows.items() if code != "registration"} == {"not_applicable"}


def test_a_step_that_nobody_knows_is_told(shipped_standards: Standards) -> None:
    outcome = run(AUDIT_WORKFLOW, shipped_standards, TODAY, {"rounds": [round_row()], "steps": [done("coffee", date(2025, 2, 1))]})
    assert outcome.warnings == ("round R1: step coffee is not in reference.audit_phase",)


def test_no_round_at_all(shipped_standards: Standards) -> None:
    outcome = run(AUDIT_WORKFLOW, shipped_standards, TODAY, {})
    assert outcome.message == "0 rounds: no steps"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([step("b", 1, "a"), step("a", 2)], "b: a must be a step with a smaller position"),
        ([step("a", 1, None, "z", 3)], "a: must be one of listed_on, period_end, or a step with a smaller position"),
        ([step("a", 1, None, "listed_on")], "a: anchor and months belong together"),
        ([step("a", 1, phase="party")], "a: must be one of planning"),
        ([step("a", 1, milestone="nearly")], "a: must be one of started"),
    ],
)
def test_steps_that_contradict_each_other_are_refused(shipped_standards: Standards, rows: list[dict], message: str) -> None:
    with pytest.raises(StandardsError, match=message):
        check_steps(_typed(pl.DataFrame(rows), shipped_standards))


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.integers(0, 19), st.integers(0, 600), max_size=20))
def test_every_step_has_one_state_and_what_is_done_stays_done(when: dict[int, int]) -> None:
    shipped_standards = standards_as_shipped()
    codes = (
        shipped(AUDIT_WORKFLOW.reads["phases"], shipped_standards)
        .filter(pl.col("applies_to").str.contains("mandatory"))["step_code"]
        .to_list()
    )
    steps = [done(codes[at], LISTED + timedelta(days=days)) for at, days in when.items()]
    rows = follow(shipped_standards, rounds=[round_row()], steps=steps)
    assert len(rows) == len(codes)
    for record in steps:
        expected = record["done_on"] <= TODAY
        assert (rows[record["step_code"]]["progress"] in DONE) == expected
    for row in rows.values():
        if row["progress"] == "done_late":
            assert row["days_late"] > 0
        if row["progress"] == "overdue":
            assert row["due_on"] < TODAY and row["done_on"] is None
