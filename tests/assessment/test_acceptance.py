"""Evaluation and acceptance: vetoes by data and by reviewers, points against the pass mark, and what is missing."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.assessment.acceptance import ACCEPTANCES
from pipelines.assessment.method import Outcome
from pipelines.contracts.standards import Standards, StandardsError
from tests.assessment.given import frames, run, standards_as_shipped

TODAY = date(2026, 1, 20)
ROUND = {"round_id": "R1", "enterprise_id": "E1", "kind": "mandatory", "listed_on": date(2024, 1, 31), "valid_from": date(2024, 1, 1)}
VETOES = (
    "fraud",
    "above_standard",
    "above_permitted_total",
    "above_energy_quota",
    "eliminated_technology",
    "below_grade_iii",
    "serious_violation",
)
"""The national guide's vetoes of acceptance."""


def step(milestone: str, done_on: date | None, round_id: str = "R1") -> dict:
    return {
        "round_id": round_id,
        "enterprise_id": "E1",
        "round_kind": "mandatory",
        "milestone": milestone,
        "done_on": done_on,
        "progress": "done",
    }


def answer(item: str, word: str | float, on: date = date(2025, 9, 1), role: str = "bureau") -> dict:
    number = word if isinstance(word, int | float) else None
    return {"subject_kind": "enterprise", "subject_id": "E1", "checklist_id": "ACCEPTANCE", "item_id": item, "answered_on": on, "surveyor_role": role,
            "answer": "number" if number is not None else word, "value": number}  # fmt: skip


def asset(who: str, verdict: str = "within_design_life") -> dict:
    return {"enterprise_id": who, "asset_kind": "equipment", "asset_id": "K1", "verdict": verdict}


def clean() -> dict[str, list[dict]]:
    """An enterprise whose facts clear every computed veto."""
    return {
        "rounds": [ROUND],
        "steps": [step("audit_done", date(2025, 1, 15)), step("evaluated", date(2025, 3, 1))],
        "obsolete": [asset("E1")],
        "judged": [{"enterprise_id": "E1", "month_start_date": date(2025, 6, 1), "periods_evaluated": 700}],
        "permit_totals": [{"enterprise_id": "E1", "permit_year": 2025, "permitted_kg": 100.0, "used_kg": 80.0}],
        "events": [{"event_id": "D", "event_kind": "drill", "subject_kind": "enterprise", "subject_id": "E1", "occurred_on": date(2020, 1, 1)}],
        "grades": [{"enterprise_id": "E1", "period_type": "rolling_12m", "period_start": date(2025, 1, 1), "period_end": date(2026, 1, 1), "grade": "II", "provisional": False}],
    }  # fmt: skip


def reviewed(score: float = 82.0) -> list[dict]:
    items = ("fraud", "above_energy_quota")
    return [answer("CN.acceptance.TOTAL_SCORE", score), *(answer(f"CN.acceptance.{item}", "no") for item in items)]


def judge(standards: Standards, **given: object) -> Outcome:
    return run(ACCEPTANCES, standards, TODAY, clean() | {"answers": reviewed()} | given)


def whole(outcome: Outcome, stage: str = "acceptance", scheme: str = "CN", round_id: str = "R1") -> dict:
    rows = outcome.frames["acceptance"].filter(
        (pl.col("stage") == stage) & (pl.col("scheme_id") == scheme) & (pl.col("round_id") == round_id)
    )
    (row,) = rows.to_dicts()
    return row


def item(outcome: Outcome, item_id: str, stage: str = "acceptance", scheme: str = "CN") -> dict:
    rows = outcome.frames["acceptance_item"].filter(
        (pl.col("stage") == stage) & (pl.col("item_id") == item_id) & (pl.col("scheme_id") == scheme)
    )
    (row,) = rows.to_dicts()
    return row


class TestVerdict:
    @pytest.mark.parametrize(("score", "verdict"), [(82.0, "passed"), (70.0, "passed"), (69.9, "not_passed")])
    def test_seventy_points_and_no_veto(self, shipped_standards: Standards, score: float, verdict: str) -> None:
        row = whole(judge(shipped_standards, answers=reviewed(score)))
        assert (row["verdict"], row["score"], row["pass_mark"], row["vetoes"]) == (verdict, score, 70.0, [])
        assert row["verification_status"] == "recalled"

    def test_a_veto_fails_whatever_the_points(self, shipped_standards: Standards) -> None:
        row = whole(judge(shipped_standards, answers=[*reviewed(99.0)[:1], answer("CN.acceptance.fraud", "yes")]))
        assert (row["verdict"], row["vetoes"]) == ("not_passed", ["fraud"])

    def test_what_is_missing_is_named(self, shipped_standards: Standards) -> None:
        row = whole(judge(shipped_standards, answers=[], judged=[]))
        assert (row["verdict"], row["score"], row["state"]) == ("undecided", None, "missing")
        assert row["open_items"] == ["TOTAL_SCORE", "fraud", "above_standard", "above_energy_quota"]
        assert "exceedances" in row["missing"] and "the reviewers' answer to CN.acceptance.TOTAL_SCORE" in row["missing"]

    def test_the_stages_are_judged_apart(self, shipped_standards: Standards) -> None:
        outcome = judge(shipped_standards)
        assert whole(outcome, "evaluation")["verdict"] == "undecided"
        assert whole(judge(shipped_standards, answers=[answer("CN.evaluation.TOTAL_SCORE", 75.0)]), "evaluation")["verdict"] == "passed"

    def test_a_person_decides_and_the_computed_verdict_stays_visible(self, shipped_standards: Standards) -> None:
        review = {"review_id": "V1", "about": "acceptance", "subject_key": "R1 / CN / acceptance", "enterprise_id": "E1", "decided_on": date(2026, 1, 5),
                  "decision": "rejected", "role": "bureau", "independence": "independent"}  # fmt: skip
        row = whole(judge(shipped_standards, reviews=[review]))
        assert (row["verdict"], row["computed_verdict"], row["decided_by"]) == ("not_passed", "passed", "bureau")
        row = whole(judge(shipped_standards, reviews=[review | {"role": "enterprise", "decision": "accepted"}], answers=[]))
        assert (row["verdict"], row["decided_by"]) == ("undecided", None)


class TestComputedVetoes:
    def test_the_facts_clear_them(self, shipped_standards: Standards) -> None:
        outcome = judge(shipped_standards)
        assert {name: item(outcome, name)["result"] for name in VETOES} == dict.fromkeys(VETOES, "clear")
        row = item(outcome, "above_standard")
        assert (row["basis"], row["facts"]) == ("facts", ["exceedances = 0"])

    def test_a_window_that_is_over_stands_beside_its_facts(self, shipped_standards: Standards) -> None:
        held = [*clean()["steps"], step("accepted", date(2025, 10, 1))]
        row = item(judge(shipped_standards, steps=held), "above_standard")
        assert (row["facts_from"], row["facts_to"]) == (date(2024, 10, 2), date(2025, 10, 2))
        assert item(judge(shipped_standards), "above_standard")["facts_to"] is None, "it moves every night, and nothing has changed"

    @pytest.mark.parametrize(
        ("name", "given"),
        [
            ("above_standard", {"exceedances": [{"enterprise_id": "E1", "local_date": date(2025, 6, 3), "is_binding": True}]}),
            ("above_permitted_total", {"permit_totals": [{"enterprise_id": "E1", "permit_year": 2025, "permitted_kg": 100.0, "used_kg": 101.0}]}),
            ("eliminated_technology", {"obsolete": [asset("E1", "eliminated")]}),
            ("below_grade_iii", {"grades": [clean()["grades"][0] | {"grade": "none"}]}),
            ("serious_violation", {"events": [{"event_id": "X", "event_kind": "violation", "severity": "serious", "subject_kind": "enterprise", "subject_id": "E1", "occurred_on": date(2025, 2, 1)}]}),
        ],
    )  # fmt: skip
    def test_the_facts_show_them(self, shipped_standards: Standards, name: str, given: dict) -> None:
        outcome = judge(shipped_standards, **given)
        assert (item(outcome, name)["result"], whole(outcome)["vetoes"], whole(outcome)["verdict"]) == ("veto", [name], "not_passed")

    def test_only_between_audit_and_acceptance(self, shipped_standards: Standards) -> None:
        def violation(on: date) -> dict:
            return {
                "event_id": f"{on}",
                "event_kind": "violation",
                "severity": "serious",
                "subject_kind": "enterprise",
                "subject_id": "E1",
                "occurred_on": on,
            }

        steps = [*clean()["steps"], step("accepted", date(2025, 10, 1))]
        for day, result in (
            (date(2025, 1, 14), "clear"),
            (date(2025, 1, 15), "veto"),
            (date(2025, 10, 1), "veto"),
            (date(2025, 10, 2), "clear"),
        ):
            events = [*clean()["events"], violation(day)]
            assert item(judge(shipped_standards, steps=steps, events=events), "serious_violation")["result"] == result, day

    def test_without_an_audit_there_is_no_time_since(self, shipped_standards: Standards) -> None:
        row = item(judge(shipped_standards, steps=[]), "serious_violation")
        assert (row["result"], row["missing"]) == (
            "not_computable",
            ["the beginning of since_audit", "the reviewers' answer to CN.acceptance.serious_violation"],
        )

    def test_facts_outweigh_a_reviewers_no_and_a_yes_counts_against_them(self, shipped_standards: Standards) -> None:
        above = [{"enterprise_id": "E1", "local_date": date(2025, 6, 3), "is_binding": True}]
        row = item(
            judge(shipped_standards, exceedances=above, answers=[*reviewed(), answer("CN.acceptance.above_standard", "no")]),
            "above_standard",
        )
        assert (row["result"], row["basis"], row["notes"]) == ("veto", "facts and survey", ["reviewers answered no: the facts count"])
        row = item(judge(shipped_standards, answers=[*reviewed(), answer("CN.acceptance.above_standard", "yes")]), "above_standard")
        assert (row["result"], row["notes"]) == ("veto", ["the facts show nothing: the answer yes counts"])

    def test_reviewers_may_say_what_the_facts_cannot(self, shipped_standards: Standards) -> None:
        row = item(
            judge(shipped_standards, judged=[], answers=[*reviewed(), answer("CN.acceptance.above_standard", "no")]), "above_standard"
        )
        assert (row["result"], row["basis"], row["missing"]) == ("clear", "survey", ["exceedances"])

    def test_a_decision_on_one_veto(self, shipped_standards: Standards) -> None:
        above = [{"enterprise_id": "E1", "local_date": date(2025, 6, 3), "is_binding": True}]
        review = {"review_id": "V1", "about": "acceptance_item", "subject_key": "R1 / CN / acceptance / above_standard", "enterprise_id": "E1",
                  "decided_on": date(2026, 1, 5), "decision": "override", "value_text": "clear", "role": "bureau", "independence": "independent"}  # fmt: skip
        outcome = judge(shipped_standards, exceedances=above, reviews=[review])
        assert (item(outcome, "above_standard")["result"], item(outcome, "above_standard")["basis"]) == ("clear", "decision")
        assert whole(outcome)["verdict"] == "passed"


class TestAnswers:
    def test_the_enterprise_may_admit_and_not_clear(self, shipped_standards: Standards) -> None:
        own = [answer("CN.acceptance.TOTAL_SCORE", 95.0, role="enterprise"), answer("CN.acceptance.fraud", "no", role="enterprise"),
               answer("CN.acceptance.above_energy_quota", "yes", role="enterprise")]  # fmt: skip
        row = whole(judge(shipped_standards, answers=own))
        assert (row["score"], row["vetoes"]) == (None, ["above_energy_quota"])
        assert "fraud" in row["open_items"]

    def test_answers_belong_to_the_round_they_were_given_in(self, shipped_standards: Standards) -> None:
        rounds = [ROUND | {"listed_on": date(2019, 1, 31), "valid_from": date(2019, 1, 1)},
                  ROUND | {"round_id": "R2", "listed_on": date(2025, 1, 31), "valid_from": date(2025, 1, 1)}]  # fmt: skip
        answers = [
            answer("CN.acceptance.TOTAL_SCORE", 60.0, on=date(2020, 5, 1)),
            answer("CN.acceptance.TOTAL_SCORE", 90.0, on=date(2025, 6, 1)),
        ]
        outcome = judge(shipped_standards, rounds=rounds, answers=answers, steps=[])
        assert (whole(outcome)["score"], whole(outcome, round_id="R2")["score"]) == (60.0, 90.0)

    def test_not_applicable(self, shipped_standards: Standards) -> None:
        answers = [*reviewed()[:2], answer("CN.acceptance.above_energy_quota", "not_applicable")]
        outcome = judge(shipped_standards, answers=answers)
        assert (item(outcome, "above_energy_quota")["result"], whole(outcome)["verdict"]) == ("not_applicable", "passed")


class TestSchemes:
    def chosen(self, standards: Standards, scheme: str, **given: object) -> Outcome:
        """What a park gets that chose a province's scheme by a row of its own."""
        prepared = frames(ACCEPTANCES, standards, clean() | given)
        prepared["schemes"] = prepared["schemes"].with_columns(is_default=pl.col("scheme_id") == scheme)
        return run(ACCEPTANCES, standards, TODAY, prepared)

    def test_only_the_national_one_unless_chosen(self, shipped_standards: Standards) -> None:
        assert set(judge(shipped_standards).frames["acceptance"]["scheme_id"]) == {"CN"}
        assert set(self.chosen(shipped_standards, "BEIJING").frames["acceptance"]["scheme_id"]) == {"BEIJING"}

    def test_guangdong_fails_on_undocumented_performance_and_has_no_points(self, shipped_standards: Standards) -> None:
        measures = [{"measure_id": "M1", "enterprise_id": "E1", "status": "implemented"}]
        answers = [answer("GUANGDONG.acceptance.targets_not_proved", "no")]
        row = whole(self.chosen(shipped_standards, "GUANGDONG", measures=measures, answers=answers), scheme="GUANGDONG")
        assert (row["verdict"], row["vetoes"], row["pass_mark"]) == ("not_passed", ["performance_not_documented"], None)
        shown = [{"measure_id": "M1", "saving_quantity": 3.0}]
        row = whole(self.chosen(shipped_standards, "GUANGDONG", measures=measures, effects=shown, answers=answers), scheme="GUANGDONG")
        assert row["verdict"] == "passed"

    def test_guangdong_asks_within_two_years_of_the_evaluation(self, shipped_standards: Standards) -> None:
        row = whole(self.chosen(shipped_standards, "GUANGDONG"), scheme="GUANGDONG")
        assert (row["apply_by"], row["is_past_apply_by"]) == (date(2027, 3, 1), False)
        late = [step("evaluated", date(2023, 3, 1))]
        assert whole(self.chosen(shipped_standards, "GUANGDONG", steps=late), scheme="GUANGDONG")["is_past_apply_by"]
        assert whole(judge(shipped_standards))["apply_by"] is None

    def test_honest_about_where_the_table_comes_from(self, shipped_standards: Standards) -> None:
        items = shipped_standards.seed("acceptance_items")
        assert set(items.filter(pl.col("scheme_id") == "CN")["verification_status"]) == {"recalled"}
        assert set(items.filter(pl.col("scheme_id") != "CN")["verification_status"]) == {"secondary_source"}


def test_no_round_yet(shipped_standards: Standards) -> None:
    outcome = run(ACCEPTANCES, shipped_standards, TODAY, {})
    assert (outcome.message, outcome.frames["acceptance"].height) == ("no round to judge", 0)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("computed_by", "luck > 1", "CN / acceptance / above_standard: knows no luck"),
        ("computed_by", "luck", "must read"),
        ("facts_window", None, "a condition and its window belong together"),
        ("facts_window", "forever", "must be one of today"),
        ("kind", "bonus", "must be veto or score"),
        ("points", 5.0, "points belong to a score"),
    ],
)
def test_items_that_cannot_be_read_are_refused(shipped_standards: Standards, column: str, value: object, message: str) -> None:
    given = frames(ACCEPTANCES, shipped_standards, {"rounds": [ROUND]})
    dtype = given["items"].schema[column]
    given["items"] = given["items"].with_columns(
        pl.when(pl.col("item_id") == "above_standard").then(pl.lit(value, dtype=dtype)).otherwise(pl.col(column)).alias(column)
    )
    with pytest.raises(StandardsError, match=message):
        run(ACCEPTANCES, shipped_standards, TODAY, given)


@settings(deadline=None, max_examples=40)
@given(st.dictionaries(st.sampled_from(["TOTAL_SCORE", *VETOES]), st.sampled_from(["yes", "no", 50.0, 90.0]), max_size=8))
def test_more_answers_never_turn_a_verdict_that_was_reached(drawn: dict[str, str | float]) -> None:
    standards = standards_as_shipped()
    answers = [answer(f"CN.acceptance.{name}", word) for name, word in drawn.items() if (name == "TOTAL_SCORE") == isinstance(word, float)]
    before = whole(run(ACCEPTANCES, standards, TODAY, clean() | {"answers": answers}))["verdict"]
    missing = [name for name in ("TOTAL_SCORE", *VETOES) if f"CN.acceptance.{name}" not in {row["item_id"] for row in answers}]
    for score, word in ((90.0, "no"), (10.0, "yes")):
        more = [answer(f"CN.acceptance.{name}", score if name == "TOTAL_SCORE" else word) for name in missing]
        after = whole(run(ACCEPTANCES, standards, TODAY, clean() | {"answers": [*answers, *more]}))["verdict"]
        if before == "not_passed":
            assert after == "not_passed"
        assert after != "undecided"
