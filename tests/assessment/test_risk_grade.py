"""Environmental risk grades by HJ 941: the worked example, caps, what missing inputs leave open, the uplift, and the park's roll-up."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.assessment.risk_grade import GRADES_ZH, RISK_GRADES, class_of, edition_on
from pipelines.assessment.risk_ranges import CHECKLIST
from pipelines.contracts.standards import Standards
from tests.assessment.frames import frames, only, own_rows, reference, run

TODAY = date(2026, 1, 20)
SEED_OF = {
    "substances": "risk_substances",
    "items": "risk_items",
    "criteria": "risk_receptors",
    "thresholds": "risk_thresholds",
    "matrix": "risk_matrices",
}
RANK = {grade: rank for rank, grade in enumerate(GRADES_ZH)}

SUBSTANCES = {"7782-50-5": ("Chlorine", 0.8), "7664-41-7": ("Ammonia", 6.0), "oils": ("Diesel", 25.0)}
ANSWERS: dict[str, Any] = {
    "hazardous_processes": 2, "hot_or_pressurised_processes": 0, "eliminated_processes": 0,
    "leak_monitoring": "no", "protection_distance": "yes",
    "interception": "yes", "accident_water": "no", "clean_water": "yes", "rainwater": "no", "wastewater_treatment": "yes",
    "discharge_route": "II", "hazardous_waste_on_site": "yes",
}  # fmt: skip
RECEPTORS = {
    ("air", "persons_5km"): 60_000, ("air", "persons_500m"): 300,
    ("water", "drinking_water_source"): 0, ("water", "border_within_24h"): 0, ("water", "sensitive_area"): 0,
}  # fmt: skip


def chemicals(given: dict[str, tuple[str, float | None]] = SUBSTANCES, enterprise_id: str = "E1", **cells: Any) -> list[dict]:
    return [
        {"enterprise_id": enterprise_id, "substance_code": code, "name": name, "max_on_site_t": mass} | cells
        for code, (name, mass) in given.items()
    ]


def answers(
    given: dict[str, Any] = ANSWERS, enterprise_id: str = "E1", on: date = date(2025, 6, 1), role: str = "third_party"
) -> list[dict]:
    return [
        {
            "subject_kind": "enterprise", "subject_id": enterprise_id, "checklist_id": CHECKLIST, "item_id": item, "answered_on": on,
            "surveyor_role": role, "answer": "number" if isinstance(answer, int) else answer, "value": answer if isinstance(answer, int) else None,
        }
        for item, answer in given.items()
    ]  # fmt: skip


def receptors(given: dict[tuple[str, str], float] = RECEPTORS, enterprise_id: str = "E1", name: str | None = None) -> list[dict]:
    return [
        {"enterprise_id": enterprise_id, "medium": medium, "receptor_kind": kind, "quantity": quantity, "name": name}
        for (medium, kind), quantity in given.items()
    ]


def event(
    kind: str, category: str | None, on: date, severity: str | None = None, subject: tuple[str, str] = ("enterprise", "E1"), **cells: Any
) -> dict:
    return {
        "event_id": f"{kind}-{on}", "event_kind": kind, "category": category, "subject_kind": subject[0], "subject_id": subject[1],
        "occurred_on": on, "severity": severity,
    } | cells  # fmt: skip


def graded(standards: Standards, today: date = TODAY, enterprises: tuple[str, ...] = ("E1",), **rows: Any) -> dict[str, pl.DataFrame]:
    known = {"chemicals": chemicals(), "answers": answers(), "receptors": receptors()} | rows
    members = [{"enterprise_id": enterprise_id} for enterprise_id in enterprises]
    made = frames(RISK_GRADES, standards, SEED_OF, enterprises=members, **known)
    return dict(run(RISK_GRADES, made, today, standards).frames)


def grade(standards: Standards, medium: str = "all", **rows: Any) -> dict:
    return only(graded(standards, **rows)["risk_grade"], enterprise_id="E1", medium=medium)


class TestWorkedExample:
    """Chlorine 0.8 t, ammonia 6 t, diesel 25 t; two hazardous sets, no leak warning; 60 000 persons within 5 km."""

    def test_air(self, shipped_standards: Standards) -> None:
        found = grade(shipped_standards, "air")
        assert found["q"] == pytest.approx(2.01, abs=1e-12)
        assert (found["process_score"], found["control_score"], found["incident_score"], found["m_score"]) == (20, 25, 0, 45)
        assert (found["q_class"], found["m_class"], found["e_class"], found["grade"]) == ("Q1", "M3", "E1", "major")
        assert found["notation"] == "重大-大气(Q1-M3-E1)"

    def test_water(self, shipped_standards: Standards) -> None:
        found = grade(shipped_standards, "water")
        assert found["q"] == pytest.approx(1.21, abs=1e-12)
        assert (found["process_score"], found["control_score"], found["m_score"]) == (20, 22, 42)
        assert found["notation"] == "一般-水(Q1-M2-E3)"

    def test_enterprise(self, shipped_standards: Standards) -> None:
        found = grade(shipped_standards)
        assert found["notation"] == "重大[重大-大气(Q1-M3-E1)+一般-水(Q1-M2-E3)]"
        assert (found["grade"], found["provisional"], found["missing_inputs"], found["threshold_set"]) == ("major", False, [], "HJ941-2018")

    def test_chlorine_does_not_count_for_the_water(self, shipped_standards: Standards) -> None:
        rows = graded(shipped_standards)["risk_quantity"]
        assert rows.filter(pl.col("substance_code") == "7782-50-5")["medium"].to_list() == ["air"]
        assert only(rows, substance_code="7664-41-7", medium="water")["ratio"] == pytest.approx(1.2)

    def test_it_says_how_sure_its_numbers_are(self, shipped_standards: Standards) -> None:
        assert {grade(shipped_standards, medium)["verification_status"] for medium in ("air", "water", "all")} == {"unverified"}
        surest = shipped_standards.base["risk_items"]["verification_status"]
        assert "recalled" in surest.to_list(), "the example no longer mixes sure and less sure rows"


class TestScores:
    def test_processes_are_capped(self, shipped_standards: Standards) -> None:
        """2 lines of 2 processes are 4 sets of 10 points, 40, capped at 30."""
        found = grade(shipped_standards, "air", answers=answers(ANSWERS | {"hazardous_processes": 4}))
        assert (found["process_score"], found["m_score"], found["m_class"]) == (30, 55, "M3")

    def test_points_of_water_control_and_incidents_sum_to_70(self, shipped_standards: Standards) -> None:
        items = reference(shipped_standards, RISK_GRADES.reads["items"], "risk_items")
        largest = (
            items.filter((pl.col("medium") == "water") & pl.col("part").is_in(["control", "incident"]))
            .group_by("item_id")
            .agg(pl.col("points").max())
        )
        assert largest["points"].sum() == 70
        assert items.filter((pl.col("medium") == "air") & pl.col("part").is_in(["control", "incident"])).group_by("item_id").agg(
            pl.col("points").max()
        )["points"].sum() == 70  # fmt: skip

    @pytest.mark.parametrize(
        ("severity", "air", "water"), [("extraordinary", 20, 8), ("major", 20, 8), ("larger", 15, 6), ("general", 10, 4)]
    )
    def test_the_worst_incident_of_three_years_counts(self, shipped_standards: Standards, severity: str, air: int, water: int) -> None:
        events = [event("incident", "leak", date(2024, 3, 1), severity), event("incident", "leak", date(2022, 12, 31), "extraordinary")]
        assert grade(shipped_standards, "air", events=events)["incident_score"] == air
        assert grade(shipped_standards, "water", events=events)["incident_score"] == water

    def test_an_incident_of_one_medium_counts_there(self, shipped_standards: Standards) -> None:
        events = [event("incident", "water", date(2025, 3, 1), "larger", subject=("outlet", "O1"))]
        outlets = [{"outlet_id": "O1", "enterprise_id": "E1"}]
        assert grade(shipped_standards, "air", events=events, outlets=outlets)["incident_score"] == 0
        assert grade(shipped_standards, "water", events=events, outlets=outlets)["incident_score"] == 6

    def test_the_answer_of_an_outside_surveyor_outweighs_the_enterprise_s_own_later_one(self, shipped_standards: Standards) -> None:
        own = answers({"leak_monitoring": "yes"}, on=date(2025, 12, 1), role="enterprise")
        assert grade(shipped_standards, "air", answers=[*answers(), *own])["control_score"] == 25

    def test_of_two_answers_of_one_day_the_worse_counts(self, shipped_standards: Standards) -> None:
        other = answers({"leak_monitoring": "yes"}, role="park")
        assert grade(shipped_standards, "air", answers=[*answers(), *other])["control_score"] == 25

    def test_only_the_pure_share_counts(self, shipped_standards: Standards) -> None:
        found = graded(shipped_standards, chemicals=chemicals({"7664-41-7": ("Ammonia, 25 %", 6.0)}, pure_share=0.25))["risk_quantity"]
        assert only(found, medium="air")["ratio"] == pytest.approx(0.3)

    def test_q0_is_general_and_asks_for_nothing_else(self, shipped_standards: Standards) -> None:
        found = grade(shipped_standards, chemicals=chemicals({"7664-41-7": ("Ammonia", 4.9)}), answers=[], receptors=[])
        assert (found["grade"], found["notation"], found["missing_inputs"]) == ("general", "一般[一般-大气(Q0)+一般-水(Q0)]", [])

    def test_who_is_involved_in_one_medium_has_its_notation(self, shipped_standards: Standards) -> None:
        found = grade(shipped_standards, chemicals=chemicals({"7782-50-5": ("Chlorine", 0.2)}), answers=[], receptors=[])
        assert found["notation"] == "一般-大气(Q0)"

    def test_a_substance_on_no_list_is_none(self, shipped_standards: Standards) -> None:
        found = grade(shipped_standards, chemicals=chemicals({"7732-18-5": ("Water", 500.0)}))
        assert (found["grade"], found["is_involved"]) == ("general", False)


class TestMissing:
    def test_without_an_inventory_there_is_no_grade(self, shipped_standards: Standards) -> None:
        found = grade(shipped_standards, chemicals=[])
        assert (found["grade"], found["state"], found["notation"]) == ("not_computable", "missing", None)
        assert found["missing_inputs"] == ["chemicals on site (register chemical)"]
        assert (found["grade_best"], found["grade_worst"]) == ("general", "major")

    def test_a_quantity_that_is_missing_is_named(self, shipped_standards: Standards) -> None:
        found = grade(shipped_standards, "air", chemicals=chemicals(SUBSTANCES | {"67-56-1": ("Methanol", None)}))
        assert (found["q"], found["q_class"]) == (None, None)
        assert found["missing_inputs"] == ["largest mass on site of Methanol"]
        # Already major at Q1: more can only be major too.
        assert (found["grade"], found["provisional"], found["notation"]) == ("major", True, None)

    def test_an_unanswered_item_is_neither_nothing_nor_its_points(self, shipped_standards: Standards) -> None:
        without = {item: answer for item, answer in ANSWERS.items() if item != "leak_monitoring"}
        found = grade(shipped_standards, "air", answers=answers(without), receptors=receptors(RECEPTORS | {("air", "persons_5km"): 900}))
        assert (found["m_score"], found["control_score"], found["process_score"]) == (None, None, 20)
        assert (found["grade"], found["grade_best"], found["grade_worst"]) == ("not_computable", "general", "larger")
        assert found["missing_inputs"] == ["HJ941 leak_monitoring: Toxic gas leaks are monitored and give warning"]

    def test_an_answer_in_other_words_is_missing(self, shipped_standards: Standards) -> None:
        found = grade(shipped_standards, "air", answers=answers(ANSWERS | {"leak_monitoring": "II"}))
        assert found["missing_inputs"] == ["HJ941 leak_monitoring: Toxic gas leaks are monitored and give warning"]

    def test_processes_beyond_the_cap_are_not_missing(self, shipped_standards: Standards) -> None:
        given = {item: answer for item, answer in ANSWERS.items() if item != "eliminated_processes"} | {"hazardous_processes": 3}
        found = grade(shipped_standards, "air", answers=answers(given))
        assert (found["process_score"], found["missing_inputs"]) == (30, [])

    def test_a_receptor_that_nobody_stated_may_be_there(self, shipped_standards: Standards) -> None:
        found = grade(shipped_standards, "water", receptors=receptors({("water", "sensitive_area"): 1}))
        assert (found["e_class"], found["grade_best"], found["grade_worst"]) == (None, "larger", "larger")
        assert found["missing_inputs"][0].startswith("receptors: Drinking-water source")

    def test_a_receptor_of_the_highest_class_decides_alone(self, shipped_standards: Standards) -> None:
        found = grade(shipped_standards, "water", receptors=receptors({("water", "drinking_water_source"): 1}))
        assert (found["e_class"], found["missing_inputs"]) == ("E1", [])

    def test_an_incident_without_severity_may_be_of_any(self, shipped_standards: Standards) -> None:
        found = grade(shipped_standards, "air", events=[event("incident", None, date(2025, 1, 1))])
        assert found["incident_score"] is None
        assert found["missing_inputs"] == ["severity of incident incident-2025-01-01"]


class TestUplift:
    @pytest.mark.parametrize("category", ["illegal_discharge", "illegal_waste_transfer", "illegal_waste_disposal"])
    def test_who_was_punished_is_raised_by_one(self, shipped_standards: Standards, category: str) -> None:
        calm = {"chemicals": chemicals({"7664-41-7": ("Ammonia", 6.0)}), "receptors": receptors(RECEPTORS | {("air", "persons_5km"): 900})}
        events = [event("penalty", category, date(2023, 1, 20)), event("penalty", category, date(2025, 1, 1))]
        assert grade(shipped_standards, **calm)["grade"] == "larger"
        found = grade(shipped_standards, **calm, events=events)
        assert found["notation"] == "重大[较大-大气(Q1-M3-E3)+一般-水(Q1-M2-E3)]"
        assert (found["grade"], found["uplift_levels"], len(found["uplift_events"])) == ("major", 1, 2)

    def test_never_above_major_and_never_for_what_is_older_than_three_years(self, shipped_standards: Standards) -> None:
        assert grade(shipped_standards, events=[event("penalty", "illegal_discharge", date(2025, 1, 1))])["grade"] == "major"
        old = grade(shipped_standards, events=[event("penalty", "illegal_discharge", date(2023, 1, 19))])
        assert (old["uplift_levels"], old["uplift_events"]) == (0, [])

    def test_one_medium_raised_shows_both_grades(self, shipped_standards: Standards) -> None:
        rows = {
            "chemicals": chemicals({"7782-50-5": ("Chlorine", 0.2)}),
            "events": [event("penalty", "illegal_discharge", date(2025, 1, 1))],
        }
        assert grade(shipped_standards, **rows)["notation"] == "较大[一般-大气(Q0)]"

    def test_another_offence_raises_nothing(self, shipped_standards: Standards) -> None:
        assert grade(shipped_standards, events=[event("penalty", "late_report", date(2025, 1, 1))])["uplift_levels"] == 0


class TestEditions:
    def test_m_of_62_is_m3_today_and_was_m4_by_the_guide_of_2014(self, shipped_standards: Standards) -> None:
        thresholds = reference(shipped_standards, RISK_GRADES.reads["thresholds"], "risk_thresholds")
        matrix = reference(shipped_standards, RISK_GRADES.reads["matrix"], "risk_matrices")
        found = {}
        for day in (date(2017, 6, 1), TODAY):
            rows, cells, set_id = edition_on(day, thresholds, matrix)
            found[set_id] = pl.select(class_of(pl.lit(62.0), rows, "m")).item()
            assert cells.height == 36
        assert found == {"GUIDE-2014": "M4", "HJ941-2018": "M3"}

    def test_a_day_without_an_edition_is_refused(self, shipped_standards: Standards) -> None:
        with pytest.raises(ValueError, match="no edition has rows of both on 2010-01-01"):
            grade(shipped_standards, today=date(2010, 1, 1))

    def test_a_park_s_own_thresholds_stand_for_the_shipped_ones(self, shipped_standards: Standards) -> None:
        strict = own_rows(
            shipped_standards,
            "risk_thresholds",
            {"set_id": "HJ941-2018", "measure": "m", "class_code": "M3", "lower_bound": "45", "upper_bound": "45.5"},
            {"set_id": "HJ941-2018", "measure": "m", "class_code": "M4", "lower_bound": "45"},
        )
        assert grade(strict, "air")["m_class"] == "M4"


class TestMatrix:
    @given(q=st.integers(1, 3), m=st.integers(1, 4), e=st.integers(1, 3), step=st.sampled_from(["q", "m", "e"]))
    def test_it_never_falls_where_quantity_control_or_receptors_get_worse(
        self, shipped_standards: Standards, q: int, m: int, e: int, step: str
    ) -> None:
        matrix = reference(shipped_standards, RISK_GRADES.reads["matrix"], "risk_matrices")
        worse = {"q": min(q + (step == "q"), 3), "m": min(m + (step == "m"), 4), "e": max(e - (step == "e"), 1)}
        for set_id in ("HJ941-2018", "GUIDE-2014"):
            here = only(matrix, set_id=set_id, q_class=f"Q{q}", m_class=f"M{m}", e_class=f"E{e}")["grade"]
            there = only(matrix, set_id=set_id, q_class=f"Q{worse['q']}", m_class=f"M{worse['m']}", e_class=f"E{worse['e']}")["grade"]
            assert RANK[there] >= RANK[here]

    def test_it_has_every_cell(self, shipped_standards: Standards) -> None:
        matrix = reference(shipped_standards, RISK_GRADES.reads["matrix"], "risk_matrices")
        assert matrix.select("set_id", "q_class", "m_class", "e_class").unique().height == 2 * 3 * 4 * 3

    @settings(max_examples=25, deadline=None)
    @given(
        amounts=st.lists(st.floats(0, 200), min_size=3, max_size=3),
        sets=st.integers(0, 5),
        persons=st.integers(0, 80_000),
        leak=st.sampled_from(["yes", "no"]),
        hidden=st.sets(st.sampled_from(["amount", "leak", "persons", "sets"])),
    )
    def test_bounds_hold_what_is_hidden(
        self, shipped_standards: Standards, amounts: list[float], sets: int, persons: int, leak: str, hidden: set[str]
    ) -> None:
        """Whatever is missing, the grade that all inputs would give lies between best and worst."""
        codes = list(SUBSTANCES)
        everything = {code: (code, amount) for code, amount in zip(codes, amounts, strict=True)}
        said = ANSWERS | {"hazardous_processes": sets, "leak_monitoring": leak}
        people = RECEPTORS | {("air", "persons_5km"): persons}
        full = grade(shipped_standards, "air", chemicals=chemicals(everything), answers=answers(said), receptors=receptors(people))
        known = everything | ({codes[0]: (codes[0], None)} if "amount" in hidden else {})
        told = {item: answer for item, answer in said.items() if not (item == "leak_monitoring" and "leak" in hidden)}
        told = {item: answer for item, answer in told.items() if not (item == "hazardous_processes" and "sets" in hidden)}
        seen = {kind: n for kind, n in people.items() if not (kind[1] == "persons_5km" and "persons" in hidden)}
        partly = grade(shipped_standards, "air", chemicals=chemicals(known), answers=answers(told), receptors=receptors(seen))
        assert RANK[partly["grade_best"]] <= RANK[full["grade"]] <= RANK[partly["grade_worst"]]
        assert full["grade_best"] == full["grade_worst"] == full["grade"]


class TestPark:
    def test_counts_sums_and_shared_receptors(self, shipped_standards: Standards) -> None:
        two = {
            "chemicals": [*chemicals(), *chemicals({"7664-41-7": ("Ammonia", 10.0)}, "E2")],
            "answers": [*answers(), *answers(enterprise_id="E2")],
            "receptors": [*receptors(name="River town"), *receptors({("air", "persons_5km"): 60_000}, "E2", "River town")],
        }
        found = graded(shipped_standards, enterprises=("E1", "E2"), **two)["risk_park"]
        assert only(found, roll_up="quantity_of_substance", medium="air", code="7664-41-7")["value"] == pytest.approx(1.2 + 2.0)
        assert only(found, roll_up="enterprises_of_grade", medium="all", code="major")["enterprises"] == ["E1", "E2"]
        assert only(found, roll_up="shared_receptor", medium="air")["enterprises"] == ["E1", "E2"]

    def test_who_left_the_park_is_not_graded(self, shipped_standards: Standards) -> None:
        members = frames(RISK_GRADES, shipped_standards, SEED_OF)["enterprises"]
        gone = pl.DataFrame([{"enterprise_id": "E1", "valid_from": date(2015, 1, 1), "valid_to": date(2025, 1, 1)}], schema=members.schema)
        made = frames(
            RISK_GRADES, shipped_standards, SEED_OF, enterprises=gone, chemicals=chemicals(), answers=answers(), receptors=receptors()
        )
        outcome = run(RISK_GRADES, made, TODAY, shipped_standards)
        assert all(table.is_empty() for table in outcome.frames.values())
        assert outcome.message == "no enterprise to grade"


class TestReadiness:
    @pytest.mark.parametrize(
        ("plan", "status"),
        [
            ({"plan_id": "P1", "filed_on": date(2024, 1, 1)}, "valid"),
            ({"plan_id": "P1", "filed_on": date(2023, 1, 20)}, "expired"),
            ({"plan_id": "P1", "filed_on": date(2024, 1, 1), "expires_on": date(2026, 1, 20)}, "expired"),
            ({"plan_id": "P1"}, "not_filed"),
        ],
    )
    def test_a_plan_holds_three_years_from_its_filing_or_as_the_register_says(
        self, shipped_standards: Standards, plan: dict, status: str
    ) -> None:
        found = only(graded(shipped_standards, plans=[{"enterprise_id": "E1"} | plan])["emergency_readiness"])
        assert (found["plan_status"], found["state"]) == (status, "self_reported")

    def test_no_plan_and_no_drill(self, shipped_standards: Standards) -> None:
        found = only(graded(shipped_standards)["emergency_readiness"])
        assert (found["plan_status"], found["drill_is_due"], found["drills"], found["state"]) == ("none", True, 0, "missing")

    def test_drills_of_the_last_twelve_months_count(self, shipped_standards: Standards) -> None:
        events = [event("drill", "emergency_drill", date(2025, 1, 20)), event("drill", "emergency_drill", date(2025, 6, 1))]
        found = only(graded(shipped_standards, events=events)["emergency_readiness"])
        assert (found["drills"], found["last_drill_on"], found["drill_is_due"]) == (1, date(2025, 6, 1), False)

    def test_an_expired_plan_is_a_warning(self, shipped_standards: Standards) -> None:
        made = frames(RISK_GRADES, shipped_standards, SEED_OF, enterprises=[{"enterprise_id": "E1"}],
                      plans=[{"enterprise_id": "E1", "plan_id": "P1", "filed_on": date(2020, 5, 1)}])  # fmt: skip
        assert run(RISK_GRADES, made, TODAY, shipped_standards).warnings == ("E1: emergency plan P1 expired on 2023-05-01",)
