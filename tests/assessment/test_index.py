"""The comprehensive index method: the worked example, every trap of threshold semantics, and what must hold for any input."""

import time
from dataclasses import replace
from fractions import Fraction
from typing import ClassVar

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.assessment.index import exact_score
from pipelines.assessment.index_system import GRADES, IndexLibrary, IndexSystem, Standing
from tests.assessment.systems import (
    ON,
    build,
    cell,
    grade,
    grade_many,
    group_row,
    not_applicable,
    observation,
    of,
    only,
    qualitative,
    quantitative,
    system_row,
    thresholds,
)

# An electroplater with zinc, copper and nickel: the levels it reaches, and with them the scores, are published (domain reference, 2.7).
ANSWERS = {
    "clean_process": "I", "process_control": "II", "plating_lines": "II", "water_saving": "I",
    "heavy_metal_prevention": "I", "hazardous_waste_prevention": "I", "quality_assurance": "I",
    "environmental_law": "I", "industrial_policy": "I", "management_system": "II", "hazardous_chemicals": "I",
    "treatment_operation": "II", "hazardous_waste": "I", "energy_metering": "III", "emergency_plan": "I",
}  # fmt: skip
VALUES = {
    "rinse_water": 12.0, "zinc_utilisation": 83.0, "copper_utilisation": 85.0, "nickel_utilisation": 96.0, "water_reuse": 45.0,
    "wastewater_treated": 100.0,
}  # fmt: skip
NOT_PLATED = ("decorative_chromium_utilisation", "hard_chromium_utilisation", "gold_utilisation", "silver_utilisation")


def electroplater(**changed: dict | None) -> list[dict]:
    rows = {name: observation(name, answer=answer) for name, answer in ANSWERS.items()}
    rows |= {name: observation(name, value) for name, value in VALUES.items()}
    rows |= {name: not_applicable(name) for name in NOT_PLATED}
    return [row for row in (rows | changed).values() if row is not None]


@pytest.fixture(scope="module")
def electroplating(shipped: IndexLibrary) -> IndexSystem:
    system = shipped.system("ELECTROPLATING", ON)
    assert system is not None
    return system


class TestWorkedExample:
    def test_scores_and_grade(self, electroplating: IndexSystem) -> None:
        found = only(grade(electroplating, *electroplater()))
        assert (found["score_i"], found["score_ii"], found["score_iii"]) == (58.65, 98.4, 100.0)
        assert found["grade"] == "II"
        assert found["next_grade"] == "I"
        assert found["points_to_next_grade"] == 26.35
        assert found["blocking_indicators"] == ["rinse_water"]
        assert found["missing_indicators"] == []
        assert found["not_applicable_indicators"] == list(NOT_PLATED)
        assert not found["provisional"]

    def test_what_each_group_adds(self, electroplating: IndexSystem) -> None:
        assessed = grade(electroplating, *electroplater())
        by_group = assessed.indicators.group_by("group_id", maintain_order=True).agg(
            pl.col(f"contribution_{each}").sum().round(9) for each in GRADES
        )
        assert by_group.rows() == [
            ("process", 14.85, 33.0, 33.0),
            ("resource", 0.0, 10.0, 10.0),
            ("utilisation", 9.6, 18.0, 18.0),
            ("pollution", 16.0, 16.0, 16.0),
            ("product", 7.0, 7.0, 7.0),
            ("management", 11.2, 14.4, 16.0),
        ]

    def test_one_indicator_not_applicable(self, electroplating: IndexSystem) -> None:
        found = only(grade(electroplating, *electroplater(hazardous_chemicals=not_applicable("hazardous_chemicals"))))
        assert found["score_i"] == pytest.approx(58.1167, abs=5e-5)
        assert found["score_ii"] == pytest.approx(98.2222, abs=5e-5)
        assert found["score_iii"] == 100.0
        assert found["grade"] == "II"

    def test_membership_is_cumulative_and_not_equality(self, electroplating: IndexSystem) -> None:
        """Read literally, an indicator belongs to one grade only: 58.65 / 39.75 / 1.60, and nobody ever reaches III."""
        assessed = grade(electroplating, *electroplater())
        literally = [round(100 * assessed.indicators.filter(pl.col("grade_reached") == each)["weight"].sum(), 9) for each in GRADES]
        assert literally == [58.65, 39.75, 1.6]
        found = only(assessed)
        assert [found["score_i"], found["score_ii"], found["score_iii"]] != literally
        assert found["grade"] != "none"

    def test_gap_to_the_next_grade_in_its_own_unit(self, electroplating: IndexSystem) -> None:
        assessed = grade(electroplating, *electroplater())
        water, copper, zinc = (of(assessed, name) for name in ("rinse_water", "copper_utilisation", "zinc_utilisation"))
        assert (water["next_grade"], water["next_threshold"], water["gap_to_next_grade"], water["unit"]) == ("I", 8.0, 4.0, "L/m2")
        assert (copper["next_grade"], copper["gap_to_next_grade"]) == ("I", 5.0)
        assert (zinc["next_grade"], zinc["gap_to_next_grade"]) == (None, None)

    def test_the_exact_score_is_the_published_fraction(self, electroplating: IndexSystem) -> None:
        rows = grade(electroplating, *electroplater(hazardous_chemicals=not_applicable("hazardous_chemicals"))).indicators
        assert exact_score(rows, "I") == Fraction(10461, 180)
        assert exact_score(rows, "II") == Fraction(884, 9)
        assert exact_score(rows, "III") == 100


def test_printed_circuit_boards_have_levels_and_no_grade(shipped: IndexLibrary) -> None:
    """2 160 000 kWh / 120 000 m2 = 18 kWh/m2 is grade II; of the rest of the system too little is known to grade."""
    system = shipped.system("PCB", ON)
    assessed = grade(system, observation("electricity_rigid_double_sided", 2_160_000 / 120_000, output_quantity=120_000.0))
    electricity = of(assessed, "electricity_rigid_double_sided")
    assert (electricity["value"], electricity["grade_reached"]) == (18.0, "II")
    assert (electricity["next_grade"], electricity["gap_to_next_grade"]) == ("I", 8.0)
    found = only(assessed)
    assert found["grade"] == "not_gradeable"
    assert "partial" in found["not_gradeable_because"]
    assert found["score_i"] is found["score_ii"] is found["score_iii"] is None
    assert electricity["weight"] is None


class TestThresholds:
    def test_equal_to_the_threshold_meets_it(self) -> None:
        assert [of(grade(build(), observation("a", value)), "a")["grade_reached"] for value in (90.0, 80.0, 70.0)] == ["I", "II", "III"]

    def test_compared_unrounded(self) -> None:
        assert of(grade(build(), observation("a", 89.9999999)), "a")["grade_reached"] == "II"

    def test_negative_values_keep_their_direction(self) -> None:
        """Converter energy of steelmaking: -20, -8 and 0, lower is better."""
        system = build(indicators=[quantitative("a", direction="lower_is_better")], cells=thresholds("a", "<=", ("-20", "-8", "0")))
        reached = {
            value: of(grade(system, observation("a", value)), "a")["grade_reached"] for value in (-25.0, -20.0, -9.0, -8.0, -0.0, 0.1)
        }
        assert list(reached.values()) == ["I", "I", "II", "II", "III", "none"]

    def test_range_and_equality(self) -> None:
        cells = [
            cell("a", "I", "value", "=", "7"),
            cell("a", "II", "value", "range", "6.5", value_to="7.5"),
            cell("a", "III", "value", "range", "6", value_to="9"),
        ]
        system = build(indicators=[quantitative("a", direction="in_range")], cells=cells)
        found = {value: of(grade(system, observation("a", value)), "a") for value in (7.0, 7.5, 6.0, 9.0, 9.5, 5.0)}
        assert [row["grade_reached"] for row in found.values()] == ["I", "II", "III", "III", "none", "none"]
        assert [row["gap_to_next_grade"] for row in found.values()] == [None, 0.5, 0.5, 1.5, 0.5, 1.0]

    def test_a_merged_cell_is_the_same_requirement(self) -> None:
        system = build(cells=[cell("a", "I", "value", ">=", "90"), cell("a", "II", "value", ">=", "80"), cell("a", "III", "same_as:II")])
        assert [of(grade(system, observation("a", value)), "a")["grade_reached"] for value in (90.0, 80.0, 79.0)] == ["I", "II", "none"]

    def test_no_requirement_is_met_by_any_value_but_not_by_silence(self) -> None:
        system = build(
            cells=[cell("a", "I", "value", ">=", "90"), cell("a", "II", "value", ">=", "80"), cell("a", "III", "no_requirement")]
        )
        assert of(grade(system, observation("a", 1.0)), "a")["grade_reached"] == "III"
        silent = grade(system)
        assert of(silent, "a")["grade_reached"] is None
        assert only(silent)["grade"] == "none"

    def test_a_survey_answer_on_a_merged_row_counts_for_the_better_grade(self) -> None:
        cells = [cell("a", "I", text="best"), cell("a", "II", text="good"), cell("a", "III", "same_as:II")]
        system = build(indicators=[qualitative("a")], cells=cells)
        assert of(grade(system, observation("a", answer="III")), "a")["grade_reached"] == "II"

    def test_a_qualitative_row_with_only_i_and_iii_has_no_ii(self) -> None:
        cells = [cell("a", "I", text="best"), cell("a", "II", "same_as:I"), cell("a", "III", text="fair")]
        system = build(indicators=[qualitative("a")], cells=cells)
        assert of(grade(system, observation("a", answer="III")), "a")["grade_reached"] == "III"
        assert of(grade(system, observation("a", answer="I")), "a")["grade_reached"] == "I"

    def test_none_meets_a_grade_without_requirement(self) -> None:
        cells = [cell("a", "I", text="best"), cell("a", "II", text="good"), cell("a", "III", "no_requirement")]
        system = build(indicators=[qualitative("a")], cells=cells)
        assert of(grade(system, observation("a", answer="none")), "a")["grade_reached"] == "III"

    def test_an_unknown_threshold_leaves_only_what_is_certain(self) -> None:
        cells = [cell("a", "I", "value", ">=", "90"), cell("a", "II", "unknown"), cell("a", "III", "value", ">=", "70")]
        system = build(systems=[system_row(completeness="partial")], cells=cells)
        assert [of(grade(system, observation("a", value)), "a")["grade_reached"] for value in (95.0, 80.0, 60.0)] == [
            "I",
            "unknown",
            "none",
        ]


class TestNotApplicableAndMissing:
    GROUPS: ClassVar = [group_row("g", "0.6"), group_row("h", "0.4")]
    INDICATORS: ClassVar = [quantitative("a", "0.3"), quantitative("b", "0.7"), quantitative("c", "1", "h")]
    CELLS: ClassVar = [*thresholds("a"), *thresholds("b"), *thresholds("c")]

    def system(self, **more: str) -> IndexSystem:
        indicators = [self.INDICATORS[0] | more, *self.INDICATORS[1:]]
        return build(groups=self.GROUPS, indicators=indicators, cells=self.CELLS)

    def test_not_applicable_gives_its_weight_to_its_own_group(self) -> None:
        assessed = grade(self.system(), not_applicable("a"), observation("b", 95.0), observation("c", 95.0))
        assert [round(of(assessed, name)["weight"], 12) for name in "abc"] == [0.0, 0.6, 0.4]
        assert only(assessed)["score_i"] == 100.0

    def test_missing_keeps_its_weight_and_scores_nothing(self) -> None:
        assessed = grade(self.system(), observation("b", 95.0), observation("c", 95.0))
        assert of(assessed, "a")["weight"] == pytest.approx(0.18)
        assert of(assessed, "a")["state"] == "missing"
        found = only(assessed)
        assert found["score_i"] == found["score_iii"] == 82.0
        assert found["missing_indicators"] == ["a"]
        assert found["grade"] == "none"

    def test_a_missing_limiting_indicator_blocks_whatever_the_points(self) -> None:
        small = [quantitative("a", "0.01", is_limiting="true"), quantitative("b", "0.99"), quantitative("c", "1", "h")]
        system = build(groups=self.GROUPS, indicators=small, cells=self.CELLS)
        found = only(grade(system, observation("b", 95.0), observation("c", 95.0)))
        assert found["score_i"] > 99
        assert found["grade"] == "none"
        assert found["blocking_indicators"] == ["a"]

    def test_zero_is_a_value(self) -> None:
        system = build(indicators=[quantitative("a", direction="lower_is_better")], cells=thresholds("a", "<=", ("1", "2", "3")))
        assert only(grade(system, observation("a", 0.0)))["grade"] == "I"

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
    def test_a_ratio_over_nothing_is_missing(self, value: float) -> None:
        assert only(grade(build(), observation("a", value)))["missing_indicators"] == ["a"]

    def test_a_whole_group_that_does_not_apply_keeps_its_weight_and_is_warned_about(self) -> None:
        found = only(grade(self.system(), observation("a", 95.0), observation("b", 95.0), not_applicable("c")))
        assert found["score_iii"] == 60.0
        assert found["grade"] == "none"
        assert "group h" in found["warnings"][0]

    def test_or_gives_it_to_the_other_groups_where_the_system_says_so(self) -> None:
        groups = [group_row("g", "0.6"), group_row("h", "0.4", group_na_policy="redistribute")]
        system = build(groups=groups, indicators=self.INDICATORS, cells=self.CELLS)
        found = only(grade(system, observation("a", 95.0), observation("b", 75.0), not_applicable("c")))
        assert (found["score_i"], found["score_iii"], found["warnings"]) == (30.0, 100.0, [])
        assert found["grade"] == "III"

    def test_nothing_applies(self) -> None:
        found = only(grade(self.system(), *(not_applicable(name) for name in "abc")))
        assert found["grade"] == "not_gradeable"
        assert "no indicator" in found["not_gradeable_because"]
        assert found["state"] == "not_applicable"
        assert found["measured_share"] is None


class TestMetals:
    """0.8/n, where n is the number of metals that the shop really plates."""

    @staticmethod
    def system(metals: int) -> IndexSystem:
        names = [f"metal_{number}" for number in range(metals)]
        return build(
            indicators=[quantitative(name, "0.8", weight_rule="equal_in_set", set_id="metals") for name in names]
            + [quantitative("reuse", "0.2")],
            cells=[row for name in (*names, "reuse") for row in thresholds(name)],
        )

    @pytest.mark.parametrize("plated", range(1, 8))
    def test_three_grades_of_100_are_exact(self, plated: int) -> None:
        system = self.system(7)
        rows = [observation(f"metal_{number}", 75.0) if number < plated else not_applicable(f"metal_{number}") for number in range(7)]
        assessed = grade(system, *rows, observation("reuse", 70.0))
        assert of(assessed, "metal_0")["weight"] == pytest.approx(0.8 / plated)
        assert only(assessed)["score_iii"] == 100.0
        assert only(assessed)["grade"] == "III"

    def test_a_metal_that_is_plated_but_not_reported_still_counts_in_n(self) -> None:
        assessed = grade(self.system(3), observation("metal_0", 95.0), observation("metal_1", 95.0), observation("reuse", 95.0))
        assert of(assessed, "metal_2")["weight"] == pytest.approx(0.8 / 3)
        assert only(assessed)["score_iii"] == pytest.approx(100 - 80 / 3)

    def test_without_any_metal_the_set_gives_its_weight_away(self) -> None:
        assessed = grade(self.system(2), not_applicable("metal_0"), not_applicable("metal_1"), observation("reuse", 75.0))
        assert of(assessed, "reuse")["weight"] == 1.0


class TestAlternativeProducts:
    SYSTEM_ROWS: ClassVar = {
        "indicators": [
            quantitative("single", "0.5", weight_rule="output_share", set_id="power", product_kind="single"),
            quantitative("double", "0.5", weight_rule="output_share", set_id="power", product_kind="double"),
            quantitative("multi", "0.5", weight_rule="output_share", set_id="power", product_kind="multi"),
            quantitative("other", "0.5"),
        ],
        "cells": [row for name in ("single", "double", "multi", "other") for row in thresholds(name)],
    }

    def test_weights_follow_the_shares_of_output(self) -> None:
        assessed = grade(
            build(**self.SYSTEM_ROWS),
            observation("single", 95.0, output_quantity=600.0),
            observation("double", 75.0, output_quantity=400.0),
            observation("multi", output_quantity=0.0),
            observation("other", 95.0),
        )
        assert [of(assessed, name)["weight"] for name in ("single", "double", "multi", "other")] == pytest.approx([0.3, 0.2, 0.0, 0.5])
        found = only(assessed)
        assert (found["score_i"], found["score_iii"], found["grade"]) == (80.0, 100.0, "III")
        assert found["not_applicable_indicators"] == ["multi"]

    def test_a_product_that_is_made_but_not_measured_is_missing(self) -> None:
        assessed = grade(
            build(**self.SYSTEM_ROWS),
            observation("single", 95.0, output_quantity=600.0),
            observation("double", output_quantity=400.0),
            observation("other", 95.0),
        )
        assert only(assessed)["missing_indicators"] == ["double"]
        assert only(assessed)["score_iii"] == pytest.approx(80.0)

    def test_without_known_output_the_whole_set_is_missing(self) -> None:
        assessed = grade(build(**self.SYSTEM_ROWS), observation("single", 95.0), observation("other", 95.0))
        found = only(assessed)
        assert sorted(found["missing_indicators"]) == ["double", "multi", "single"]
        assert found["score_iii"] == 50.0
        assert assessed.indicators["weight"].sum() == pytest.approx(1.0)


class TestBonus:
    SYSTEM_ROWS: ClassVar = {
        "groups": [group_row("g", "1"), group_row("bonus", "0.1", is_bonus="true")],
        "indicators": [quantitative("a", "0.9"), quantitative("b", "0.1"), quantitative("extra", "1", "bonus")],
        "cells": [row for name in ("a", "b", "extra") for row in thresholds(name)],
    }

    def test_adds_to_the_score_up_to_100(self) -> None:
        system = build(**self.SYSTEM_ROWS)
        full = only(grade(system, *(observation(name, 95.0) for name in ("a", "b", "extra"))))
        assert full["score_i"] == full["score_iii"] == 100.0
        plus = only(grade(system, observation("a", 75.0), observation("b", 75.0), observation("extra", 95.0)))
        assert (plus["score_i"], plus["score_iii"]) == (10.0, 100.0)

    def test_without_it_nothing_is_lost(self) -> None:
        system = build(**self.SYSTEM_ROWS)
        for rows in ([not_applicable("extra")], []):
            found = only(grade(system, observation("a", 75.0), observation("b", 75.0), *rows))
            assert (found["score_iii"], found["grade"]) == (100.0, "III")

    def test_does_not_stand_in_for_an_indicator_that_fails(self) -> None:
        found = only(grade(build(**self.SYSTEM_ROWS), observation("a", 75.0), observation("b", 10.0), observation("extra", 95.0)))
        assert found["score_iii"] == 100.0
        assert found["grade"] == "none"
        assert found["blocking_indicators"] == ["b"]


class TestGrades:
    ROWS: ClassVar = {
        "indicators": [quantitative("limiting", "0.1", is_limiting="true"), quantitative("large", "0.8"), quantitative("small", "0.1")],
        "cells": [row for name in ("limiting", "large", "small") for row in thresholds(name)],
    }

    @pytest.mark.parametrize(
        ("limiting", "large", "small", "g1", "g2"),
        [
            (95, 95, 95, "I", "I"),
            (95, 95, 85, "I", "I"),  # the others may be one grade worse
            (95, 95, 75, "I", "II"),  # under G2 not two
            (95, 95, 10, "I", "none"),  # under G1 a single failure stays unseen
            (85, 95, 95, "II", "II"),  # the limiting one decides
            (75, 95, 95, "III", "III"),
            (10, 95, 95, "none", "none"),
            (85, 85, 10, "II", "none"),
            (75, 75, 75, "III", "III"),
        ],
    )
    def test_side_conditions_of_both_generations(self, limiting: float, large: float, small: float, g1: str, g2: str) -> None:
        rows = [observation("limiting", float(limiting)), observation("large", float(large)), observation("small", float(small))]
        for generation, expected in (("G1", g1), ("G2", g2)):
            system = build(systems=[system_row(generation=generation)], **self.ROWS)
            assert only(grade(system, *rows))["grade"] == expected, generation

    def test_blocking_names_what_points_cannot_buy(self) -> None:
        rows = [observation("limiting", 85.0), observation("large", 95.0), observation("small", 75.0)]
        first = only(grade(build(systems=[system_row(generation="G1")], **self.ROWS), *rows))
        second = only(grade(build(systems=[system_row(generation="G2")], **self.ROWS), *rows))
        assert first["grade"] == second["grade"] == "II"
        assert first["blocking_indicators"] == ["limiting"]
        assert second["blocking_indicators"] == ["limiting", "small"]

    def test_exactly_the_pass_mark_passes_although_the_float_falls_short(self) -> None:
        metals = [f"metal_{number}" for number in range(3)]
        system = build(
            indicators=[quantitative(name, "0.28", weight_rule="equal_in_set", set_id="metals") for name in metals]
            + [quantitative("p", "0.57"), quantitative("q", "0.15")],
            cells=[row for name in (*metals, "p", "q") for row in thresholds(name)],
        )
        assessed = grade(system, *(observation(name, 95.0) for name in (*metals, "p")), observation("q", 85.0))
        assert assessed.indicators["contribution_I"].sum() < 85, "the example no longer shows what floats do"
        assert only(assessed)["grade"] == "I"

    def test_just_below_the_pass_mark_does_not(self) -> None:
        system = build(
            indicators=[quantitative("p", "0.8499999999"), quantitative("q", "0.1500000001")], cells=[*thresholds("p"), *thresholds("q")]
        )
        assert only(grade(system, observation("p", 95.0), observation("q", 85.0)))["grade"] == "II"

    def test_a_grade_needs_twelve_months(self) -> None:
        system = build(**self.ROWS)
        rows = [observation("limiting", 95.0), observation("large", 95.0), observation("small", 95.0, months_of_data=11)]
        found = only(grade(system, *rows))
        assert (found["provisional"], found["months_of_data"], found["grade"]) == (True, 11, "I")

    def test_superseded_systems_give_levels_and_no_grade(self, electroplating: IndexSystem) -> None:
        assessed = grade(replace(electroplating, standing=Standing.SUPERSEDED), *electroplater())
        found = only(assessed)
        assert found["grade"] == "not_gradeable"
        assert "no longer in force" in found["not_gradeable_because"]
        assert found["score_ii"] is None
        assert of(assessed, "rinse_water")["grade_reached"] == "II"


class TestProvenance:
    def test_measured_share_is_weighed_and_missing_counts_as_not_measured(self) -> None:
        system = build(indicators=[quantitative("a", "0.75"), quantitative("b", "0.25")], cells=[*thresholds("a"), *thresholds("b")])
        assert only(grade(system, observation("a", 95.0), observation("b", 95.0, measured_share=0.5)))["measured_share"] == 0.875
        assert only(grade(system, observation("a", 95.0)))["measured_share"] == 0.75

    def test_the_weakest_input_names_the_state(self) -> None:
        system = build(indicators=[quantitative("a", "0.75"), quantitative("b", "0.25")], cells=[*thresholds("a"), *thresholds("b")])
        rows = [observation("a", 95.0), observation("b", 95.0, state="self_reported", measured_share=0.0)]
        assert only(grade(system, *rows))["state"] == "self_reported"
        assert only(grade(system, *rows[:1]))["state"] == "missing"
        assert only(grade(system, rows[0], not_applicable("b")))["state"] == "measured"

    def test_warnings_of_the_inputs_reach_the_grade(self) -> None:
        found = only(grade(build(), observation("a", 95.0, warning="two surveyors differ")))
        assert found["warnings"] == ["a: two surveyors differ"]

    def test_rule_version_stands_on_every_grade(self, electroplating: IndexSystem) -> None:
        assert only(grade(electroplating, *electroplater()))["rule_version"].startswith("index-1:ELECTROPLATING:2015:")


# Whatever is observed

LEVELS = st.sampled_from(["I", "II", "III", "none", "missing", "not_applicable"])
VALUE_OF = {"I": 95.0, "II": 85.0, "III": 75.0, "none": 5.0}


def observed(name: str, level: str) -> dict:
    if level in VALUE_OF:
        return observation(name, VALUE_OF[level])
    return not_applicable(name) if level == "not_applicable" else observation(name)


MIXED = build(
    groups=[group_row("g", "0.5"), group_row("h", "0.3", group_na_policy="redistribute"), group_row("k", "0.2"), group_row("bonus", "0.07", is_bonus="true")],
    indicators=[
        quantitative("a", "0.15", is_limiting="true"),
        *(quantitative(f"m{number}", "0.6", weight_rule="equal_in_set", set_id="metals") for number in range(3)),
        quantitative("b", "1/4"),
        quantitative("c", "1/3", "h"),
        quantitative("d", "2/3", "h", is_limiting="true"),
        quantitative("e", "1", "k"),
        quantitative("x", "1", "bonus"),
    ],
    cells=[row for name in ("a", "m0", "m1", "m2", "b", "c", "d", "e", "x") for row in thresholds(name)],
)  # fmt: skip
NAMES = [indicator.indicator_id for indicator in MIXED.indicators]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(LEVELS, min_size=len(NAMES), max_size=len(NAMES)), min_size=1, max_size=20))
def test_whatever_is_observed(drawn: list[list[str]]) -> None:
    subjects = {
        f"E{number}": [observed(name, level) for name, level in zip(NAMES, levels, strict=True)] for number, levels in enumerate(drawn)
    }
    assessed = grade_many(MIXED, subjects)
    assert assessed.grades.height == len(drawn)
    assert assessed.indicators.height == len(drawn) * len(NAMES)
    scored = assessed.grades.filter(pl.col("grade") != "not_gradeable")
    assert scored.filter((pl.col("score_i") > pl.col("score_ii")) | (pl.col("score_ii") > pl.col("score_iii"))).is_empty()
    assert scored.filter(pl.any_horizontal(~pl.col(f"score_{each}").is_between(0, 100) for each in ("i", "ii", "iii"))).is_empty()
    assert scored.filter((pl.col("grade") == "III") & (pl.col("score_iii") != 100)).is_empty()
    ordinary = assessed.indicators.filter(~pl.col("is_bonus")).join(scored, on="enterprise_id", how="semi")
    # Redistribution moves weight and never makes or loses any, but for a group that keeps what it cannot use.
    weights = ordinary.group_by("enterprise_id").agg(pl.col("weight").sum(), idle=pl.col("is_idle").any())
    assert weights.filter(~pl.col("idle") & ((pl.col("weight") - 1).abs() > 1e-12)).is_empty()
    # Within a group that gets nothing from another, the weight is the group's own.
    steady = ordinary.filter((pl.col("weight_given_up") == 0) & pl.col("group_applies"))
    by_group = steady.group_by("enterprise_id", "group_id").agg(
        pl.col("weight").sum(), own=pl.col("group_weight").first() / pl.col("total_weight").first()
    )
    assert by_group.filter((pl.col("weight") - pl.col("own")).abs() > 1e-12).is_empty()
    for (enterprise,), rows in assessed.indicators.group_by("enterprise_id"):
        row = assessed.grades.filter(pl.col("enterprise_id") == enterprise).row(0, named=True)
        if row["grade"] != "not_gradeable":
            assert [float(exact_score(rows, each)) for each in GRADES] == pytest.approx(
                [row["score_i"], row["score_ii"], row["score_iii"]], abs=1e-9
            )


@settings(max_examples=40, deadline=None)
@given(st.lists(LEVELS, min_size=len(NAMES), max_size=len(NAMES)), st.integers(0, len(NAMES) - 1), st.sampled_from(["I", "II", "III"]))
def test_a_better_indicator_never_makes_a_worse_grade(levels: list[str], which: int, better: str) -> None:
    order = ["I", "II", "III", "none", "missing"]
    if levels[which] == "not_applicable" or order.index(better) >= order.index(levels[which]):
        return
    improved = [*levels[:which], better, *levels[which + 1 :]]
    assessed = grade_many(
        MIXED,
        {
            name: [observed(*pair) for pair in zip(NAMES, given_levels, strict=True)]
            for name, given_levels in (("before", levels), ("after", improved))
        },
    )
    grades = dict(assessed.grades.select("enterprise_id", "grade").iter_rows())
    rank = {"I": 0, "II": 1, "III": 2, "none": 3, "not_gradeable": 4}
    assert rank[grades["after"]] <= rank[grades["before"]]


def test_a_thousand_enterprises_of_sixty_indicators() -> None:
    names = [f"i{number}" for number in range(60)]
    system = build(
        indicators=[quantitative(name, "1/60", is_limiting="true" if number % 7 == 0 else "false") for number, name in enumerate(names)],
        cells=[row for name in names for row in thresholds(name)],
    )
    subjects = {
        f"E{enterprise}": [observation(name, 95.0 - (enterprise + number) % 20) for number, name in enumerate(names)]
        for enterprise in range(1000)
    }
    started = time.perf_counter()
    assessed = grade_many(system, subjects)
    assert time.perf_counter() - started < 5
    assert assessed.indicators.height == 60_000
