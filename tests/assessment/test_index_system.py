"""What the loader of index systems refuses, in which words, and what it makes of the rest."""

from datetime import date
from fractions import Fraction

import polars as pl
import pytest

from pipelines.assessment.index_system import (
    GROUPS,
    INDICATORS,
    SYSTEMS,
    THRESHOLDS,
    Completeness,
    IndexLibrary,
    Standing,
    load_index_systems,
)
from pipelines.contracts.standards import Standards, StandardsError
from pipelines.contracts.states import VerificationStatus
from tests.assessment.systems import (
    ON,
    build,
    cell,
    group_row,
    qualitative,
    quantitative,
    standards,
    system_row,
    thresholds,
    words,
)


def problems(**tables: list[dict] | dict) -> list[str]:
    with pytest.raises(StandardsError) as refused:
        load_index_systems(standards(**tables))
    return [str(problem) for problem in refused.value.problems]


class TestWeights:
    def test_of_a_group_must_sum_to_one(self) -> None:
        assert problems(indicators=[quantitative("a", "0.6"), quantitative("b", "0.3")], cells=[*thresholds("a"), *thresholds("b")]) == [
            "index_indicators.csv row 3: weight = '0.3': weights of the indicators of group g of S sum to 0.9 (0.6 + 0.3), which must be 1"
        ]

    def test_of_the_groups_must_sum_to_one(self) -> None:
        found = problems(
            groups=[group_row("g", "0.5"), group_row("h", "0.6")],
            indicators=[quantitative("a"), quantitative("b", "1", "h")],
            cells=[*thresholds("a"), *thresholds("b")],
        )
        assert found == ["index_groups.csv row 3: weight = '0.6': weights of the groups of S sum to 1.1 (0.5 + 0.6), which must be 1"]

    def test_are_exact(self) -> None:
        """0.1 three times and 0.7 are 1 on paper and 0.9999999999999999 in floats; 1/3 three times is 1."""
        tenths = [quantitative(name, weight) for name, weight in (("a", "0.7"), ("b", "0.1"), ("c", "0.1"), ("d", "0.1"))]
        assert 0.7 + 0.1 + 0.1 + 0.1 != 1
        build(indicators=tenths, cells=[row for name in "abcd" for row in thresholds(name)])
        thirds = build(indicators=[quantitative(name, "1/3") for name in "abc"], cells=[row for name in "abc" for row in thresholds(name)])
        assert thirds.rules["unit_weight"].to_list() == [1.0, 1.0, 1.0]
        assert problems(
            indicators=[quantitative(name, "0.3333333333333333") for name in "abc"],
            cells=[row for name in "abc" for row in thresholds(name)],
        )

    def test_of_a_set_count_once(self) -> None:
        metals = [quantitative(name, "0.8", weight_rule="equal_in_set", set_id="metals") for name in "ab"]
        build(indicators=[*metals, quantitative("c", "0.2")], cells=[row for name in "abc" for row in thresholds(name)])

    def test_of_a_set_agree(self) -> None:
        metals = [
            quantitative("a", "0.8", weight_rule="equal_in_set", set_id="metals"),
            quantitative("b", "0.7", weight_rule="equal_in_set", set_id="metals"),
        ]
        found = problems(indicators=[*metals, quantitative("c", "0.2")], cells=[row for name in "abc" for row in thresholds(name)])
        assert "index_indicators.csv row 3: weight = '0.7': differs within set metals: index_indicators.csv row 2 says 0.8" in found

    def test_of_a_bonus_group_stand_beside_the_total(self) -> None:
        system = build(
            groups=[group_row("g", "1"), group_row("bonus", "0.1", is_bonus="true")],
            indicators=[quantitative("a"), quantitative("b", "1", "bonus")],
            cells=[*thresholds("a"), *thresholds("b")],
        )
        assert system.heading["total_weight"] == 10.0
        assert [group.weight for group in system.groups] == [Fraction(1, 10), Fraction(1)]

    @pytest.mark.parametrize("weight", ["", "0", "-0.1", "1.1", "0,5", "1/0", "0.8/n", "unknwon"])
    def test_must_be_a_number_above_zero(self, weight: str) -> None:
        found = problems(indicators=[quantitative("a", weight or None)])
        assert found == [f"index_indicators.csv row 2: weight = {weight!r}: must be above 0 and at most 1, as 0.15 or 1/3, or unknown"]

    def test_may_be_unknown_in_a_partial_system_only(self) -> None:
        assert problems(indicators=[quantitative("a", "unknown")]) == [
            "index_indicators.csv row 2: weight = 'unknown': a complete system knows all weights; say completeness = partial in index_systems.csv row 2"
        ]
        system = build(systems=[system_row(completeness="partial")], indicators=[quantitative("a", "unknown")])
        assert system.completeness is Completeness.PARTIAL
        assert system.rules["unit_weight"].to_list() == [None]

    def test_of_a_partial_system_may_fall_short_but_not_exceed(self) -> None:
        partial = [system_row(completeness="partial")]
        build(systems=partial, indicators=[quantitative("a", "0.4")])
        found = problems(
            systems=partial, indicators=[quantitative("a", "0.6"), quantitative("b", "0.5")], cells=[*thresholds("a"), *thresholds("b")]
        )
        assert "sum to 1.1 (0.6 + 0.5), which may not exceed 1" in found[0]


class TestThresholds:
    @pytest.mark.parametrize(
        ("direction", "operator", "values"),
        [
            ("higher_is_better", ">=", ("80", "90", "70")),
            ("lower_is_better", "<=", ("8", "24", "20")),
            ("lower_is_better", "<=", ("-8", "-20", "0")),
        ],
    )
    def test_run_with_the_direction(self, direction: str, operator: str, values: tuple[str, str, str]) -> None:
        found = problems(indicators=[quantitative("a", direction=direction)], cells=thresholds("a", operator, values))
        assert len(found) == 1
        assert "is stricter than grade" in found[0]
        assert f"for {direction} (a)" in found[0]

    def test_ranges_lie_inside_each_other(self) -> None:
        cells = [
            cell("a", "I", "value", "range", "6.5", value_to="7.5"),
            cell("a", "II", "value", "range", "6.8", value_to="9"),
            cell("a", "III", "no_requirement"),
        ]
        assert "grade II is stricter than grade I" in problems(indicators=[quantitative("a", direction="in_range")], cells=cells)[0]

    def test_no_requirement_may_not_stand_above_one(self) -> None:
        cells = [cell("a", "I", "no_requirement"), cell("a", "II", "value", ">=", "80"), cell("a", "III", "value", ">=", "70")]
        assert "grade II is stricter than grade I" in problems(cells=cells)[0]

    def test_an_operator_contradicts_the_direction(self) -> None:
        found = problems(cells=thresholds("a", "<=", ("70", "80", "90")))
        assert found[0] == "index_thresholds.csv row 2: operator = '<=': contradicts direction higher_is_better of a"

    @pytest.mark.parametrize("operator", ["≥", "<", "<>", "==", "between"])
    def test_unknown_operator(self, operator: str) -> None:
        found = problems(cells=thresholds("a", operator))
        assert found[0] == f"index_thresholds.csv row 2: operator = {operator!r}: must be one of <=, >=, =, range"

    def test_a_blank_cell_must_say_what_it_means(self) -> None:
        found = problems(cells=[*thresholds("a")[:2], cell("a", "III", semantics=None)])
        assert found == [
            "index_thresholds.csv row 4: semantics = '': must be one of value, no_requirement, unknown, same_as:I, same_as:II: a blank cell may mean merged, no requirement or not known; say which"
        ]

    def test_a_cell_left_out_is_not_a_blank_one(self) -> None:
        assert problems(cells=thresholds("a")[:2]) == [
            "index_indicators.csv row 2: indicator_id = 'a': has no row for grade III in index_thresholds.csv; a blank cell is a row that says what the blank means"
        ]

    def test_a_value_cell_without_a_value(self) -> None:
        found = problems(cells=[*thresholds("a")[:2], cell("a", "III", "value", ">=")])
        assert found == ["index_thresholds.csv row 4: value = '': may not be empty"]

    def test_a_value_that_is_a_display_string(self) -> None:
        found = problems(cells=[*thresholds("a")[:2], cell("a", "III", "value", ">=", "≥70%")])
        assert found == ["index_thresholds.csv row 4: value = '≥70%': must be a number"]

    def test_a_merged_cell_with_a_value_of_its_own(self) -> None:
        found = problems(cells=[*thresholds("a")[:2], cell("a", "III", "same_as:II", ">=", "70")])
        assert found == [
            "index_thresholds.csv row 4: operator = '>=': must be empty: semantics is same_as:II",
            "index_thresholds.csv row 4: value = '70': must be empty: semantics is same_as:II",
        ]

    def test_merged_in_a_circle(self) -> None:
        found = problems(cells=[thresholds("a")[0], cell("a", "II", "same_as:III"), cell("a", "III", "same_as:II")])
        assert "leads back to itself" in found[0]

    def test_a_range_upside_down(self) -> None:
        cells = [cell("a", grade, "value", "range", "9", value_to="6") for grade in ("I", "II", "III")]
        found = problems(indicators=[quantitative("a", direction="in_range")], cells=cells)
        assert found[0] == "index_thresholds.csv row 2: value_to = '6': must be the upper end of the range, not below value"

    def test_unknown_needs_a_partial_system(self) -> None:
        found = problems(cells=[*thresholds("a")[:2], cell("a", "III", "unknown")])
        assert found == [
            "index_thresholds.csv row 4: semantics = 'unknown': a complete system knows all thresholds; say completeness = partial"
        ]

    def test_a_qualitative_demand_is_words(self) -> None:
        found = problems(indicators=[qualitative("a")], cells=[*words("a")[:2], cell("a", "III", "value", ">=", "3")])
        assert found == [
            "index_thresholds.csv row 4: operator = '>=': must be empty: the indicator is qualitative",
            "index_thresholds.csv row 4: value = '3': must be empty: the indicator is qualitative",
            "index_thresholds.csv row 4: text = '': may not be empty",
        ]


class TestNames:
    def test_unknown_metric(self) -> None:
        found = problems(indicators=[quantitative("a", metric_code="watr", unit="L/m2")])
        assert found == ["index_indicators.csv row 2: metric_code = 'watr': is not in metrics.csv; did you mean water?"]

    def test_unknown_unit(self) -> None:
        assert "index_indicators.csv row 2: unit = 'L/qm': is not in units.csv" in problems(
            indicators=[quantitative("a", metric_code="water", unit="L/qm")]
        )

    def test_another_unit_than_the_metric_has(self) -> None:
        found = problems(indicators=[quantitative("a", metric_code="water", unit="%")])
        assert found == ["index_indicators.csv row 2: unit = '%': is not the unit of metric water, L/m2"]

    def test_another_stage_than_the_metric_has(self) -> None:
        """What is generated before treatment is another quantity than what is discharged after it."""
        found = problems(indicators=[quantitative("a", stage="generation")])
        assert found == ["index_indicators.csv row 2: stage = 'generation': is not the stage of metric m, process"]
        assert (
            "stage = 'somewhere': must be one of input, process, generation"
            in problems(indicators=[quantitative("a", stage="somewhere")])[0]
        )
        found = problems(indicators=[qualitative("a", stage="process")], cells=words("a"))
        assert found == ["index_indicators.csv row 2: stage = 'process': must be empty: a qualitative indicator is answered by a survey"]

    @pytest.mark.parametrize("mark", [None, "0", "101", "eighty-five"])
    def test_a_pass_mark_is_a_score(self, mark: str | None) -> None:
        found = problems(systems=[system_row(pass_mark=mark)])
        assert found == [
            f"index_systems.csv row 2: pass_mark = {mark or ''!r}: must be above 0 and at most 100, the score that grades I and II need"
        ]

    def test_a_metric_per_product_takes_any_product_unit(self) -> None:
        for unit in ("kWh/m2", "kWh/t"):
            build(indicators=[quantitative("a", metric_code="electricity", unit=unit)])
        assert (
            "is not the unit of metric electricity, kWh/{product_unit}"
            in problems(indicators=[quantitative("a", metric_code="electricity", unit="%")])[0]
        )

    def test_duplicate_ids(self) -> None:
        found = problems(indicators=[quantitative("a", "0.5"), quantitative("a", "0.5")])
        assert found == [
            "index_indicators.csv row 3: indicator_id = 'a': stands also in index_indicators.csv row 2, and both hold on 2020-01-01"
        ]
        found = problems(cells=[*thresholds("a"), thresholds("a")[1]])
        assert found == ["index_thresholds.csv row 5: grade = 'II': stands also in index_thresholds.csv row 3, and both hold on 2020-01-01"]

    def test_rows_of_systems_and_indicators_that_are_not(self) -> None:
        found = problems(
            groups=[group_row(), group_row("h", index_system_id="T")],
            cells=[*thresholds("a"), cell("b", "I", "value", ">=", "1")],
        )
        assert found == [
            "index_groups.csv row 3: index_system_id = 'T': is not in index_systems.csv, which has S",
            "index_thresholds.csv row 5: indicator_id = 'b': is not an indicator of S in index_indicators.csv",
        ]

    def test_an_indicator_of_an_unknown_group(self) -> None:
        found = problems(indicators=[quantitative("a"), quantitative("b", "1", "h")], cells=[*thresholds("a"), *thresholds("b")])
        assert found == ["index_indicators.csv row 3: group_id = 'h': is not a group of S, which has g"]

    @pytest.mark.parametrize(
        ("column", "value"),
        [("generation", "G0"), ("completeness", "full")],
    )
    def test_closed_vocabularies_of_systems(self, column: str, value: str) -> None:
        assert f"{column} = {value!r}: must be one of" in problems(systems=[system_row(**{column: value})])[0]

    @pytest.mark.parametrize("column", ["kind", "direction", "weight_rule", "is_limiting"])
    def test_closed_vocabularies_of_indicators(self, column: str) -> None:
        assert f"{column} = 'perhaps': must be one of" in problems(indicators=[quantitative("a", **{column: "perhaps"})])[0]

    def test_a_qualitative_indicator_has_no_metric(self) -> None:
        found = problems(indicators=[qualitative("a", metric_code="m")], cells=words("a"))
        assert found == ["index_indicators.csv row 2: metric_code = 'm': must be empty: a qualitative indicator is answered by a survey"]

    def test_sets_are_told_apart(self) -> None:
        kinds = [quantitative(name, weight_rule="output_share", set_id="power", product_kind="board") for name in "ab"]
        found = problems(indicators=kinds, cells=[*thresholds("a"), *thresholds("b")])
        assert len(found) == 2
        assert "stands more than once in set power, so its share of output would count twice" in found[0]
        found = problems(indicators=[quantitative("a", weight_rule="equal_in_set", set_id=None)])
        assert found == ["index_indicators.csv row 2: set_id = '': may not be empty"]


def test_everything_wrong_is_said_at_once() -> None:
    found = problems(
        systems=[system_row(generation="G9"), system_row(index_system_id="T")],
        groups=[group_row("g", "0.9"), group_row("h", "1", index_system_id="T")],
        indicators=[quantitative("a", metric_code="nothing"), quantitative("b", "1", "h", index_system_id="T", unit="stone")],
        cells=[*thresholds("a", "≥"), *(row | {"index_system_id": "T"} for row in thresholds("b", ">=", ("1", "2", "3")))],
    )
    text = "\n".join(found)
    for part in ("'G9'", "sum to 0.9", "'nothing'", "'stone'", "'≥'"):
        assert part in text
    assert len(found) == len(set(found))


class TestOverTime:
    def test_a_threshold_that_changes_is_another_rule_version(self) -> None:
        old, new = {"valid_to": "2024-01-01"}, {"valid_from": "2024-01-01"}
        cells = [thresholds("a")[0], thresholds("a")[1], thresholds("a")[2] | old, cell("a", "III", "value", ">=", "75") | new]
        library = load_index_systems(standards(cells=cells))
        before, after = library.system("S", date(2023, 12, 31)), library.system("S", date(2024, 1, 1))
        assert before.indicators[0].requirements["III"].bounds[0] == 70
        assert after.indicators[0].requirements["III"].bounds[0] == 75
        assert before.rule_version != after.rule_version
        assert library.system("S", date(2022, 1, 1)).rule_version == before.rule_version

    def test_what_is_right_today_may_be_wrong_tomorrow(self) -> None:
        indicators = [quantitative("a", "0.5"), quantitative("b", "0.5", valid_to="2024-01-01")]
        found = problems(indicators=indicators, cells=[*thresholds("a"), *thresholds("b")])
        assert found == [
            "index_indicators.csv row 2: weight = '0.5': weights of the indicators of group g of S sum to 0.5 (0.5), which must be 1"
        ]

    def test_editions_take_over_from_each_other(self) -> None:
        systems = [system_row(valid_to="2024-01-01", version="2015"), system_row(valid_from="2024-01-01", version="2024")]
        library = load_index_systems(standards(systems=systems))
        assert library.system("S", date(2023, 6, 1)).version == "2015"
        assert library.system("S", date(2024, 6, 1)).version == "2024"

    def test_standing(self) -> None:
        library = load_index_systems(standards(systems=[system_row(valid_from="2020-01-01", valid_to="2022-01-01")]))
        standings = {day.year: library.system("S", day).standing for day in (date(2019, 1, 1), date(2021, 1, 1), date(2022, 1, 1))}
        assert standings == {2019: Standing.NOT_YET_IN_FORCE, 2021: Standing.IN_FORCE, 2022: Standing.SUPERSEDED}
        assert library.system("S", date(2022, 1, 1)).not_gradeable_because is not None
        assert library.system("unknown", ON) is None


def test_a_parks_own_rows_are_named_as_such() -> None:
    found = problems(own={THRESHOLDS: [cell("a", "III", "value", ">=", "75")]})
    assert found == [
        "own index_thresholds.csv row 2: grade = 'III': stands also in index_thresholds.csv row 4, and both hold on 2020-01-01"
    ]


class TestShipped:
    """What the seeds say of the systems that ship."""

    def test_electroplating_is_complete(self, shipped: IndexLibrary) -> None:
        system = shipped.system("ELECTROPLATING", ON)
        assert system.completeness is Completeness.COMPLETE
        assert system.not_gradeable_because is None
        assert [float(group.weight) for group in system.groups] == [0.33, 0.10, 0.18, 0.16, 0.07, 0.16]
        assert len(system.indicators) == 25
        limiting = {indicator.indicator_id for indicator in system.indicators if indicator.is_limiting}
        assert limiting == {
            "rinse_water", "wastewater_treated", "heavy_metal_prevention", "hazardous_waste_prevention", "environmental_law", "industrial_policy",
            "hazardous_chemicals", "hazardous_waste", "emergency_plan",
        }  # fmt: skip

    def test_every_figure_says_how_sure_it_is(self, shipped: IndexLibrary) -> None:
        indicators = {each.indicator_id: each for each in shipped.system("ELECTROPLATING", ON).indicators}
        assert indicators["zinc_utilisation"].verification_status is VerificationStatus.SECONDARY_SOURCE
        assert indicators["water_reuse"].verification_status is VerificationStatus.RECALLED
        assert indicators["heavy_metal_prevention"].verification_status is VerificationStatus.UNVERIFIED
        assert shipped.system("ELECTROPLATING", ON).verification_status is VerificationStatus.UNVERIFIED

    def test_printed_circuit_boards_are_partial(self, shipped: IndexLibrary) -> None:
        system = shipped.system("PCB", ON)
        assert system.completeness is Completeness.PARTIAL
        assert [float(group.weight) for group in system.groups] == [0.15, 0.10, 0.10, 0.10, 0.10, 0.20, 0.05, 0.10, 0.10]
        known = {each.indicator_id: each for each in system.indicators}["electricity_rigid_double_sided"]
        assert [known.requirements[grade].bounds[1] for grade in ("I", "II", "III")] == [10.0, 20.0, 50.0]

    def test_printed_circuit_boards_have_all_their_rows(self, shipped: IndexLibrary) -> None:
        system = shipped.system("PCB", ON)
        assert [each.position for each in system.indicators] == list(range(1, 65))
        sets = {each.set_id: each.weight for each in system.indicators if each.set_id}
        assert {name: float(weight) for name, weight in sets.items()} == {
            "electricity": 1.0, "fresh_water": 0.5, "copper_clad_laminate": 1.0, "wastewater": 0.2, "copper_generated": 0.1, "cod_generated": 0.1,
        }  # fmt: skip
        stages = {each.set_id: each.stage for each in system.indicators if each.set_id}
        assert stages["wastewater"] == stages["copper_generated"] == "generation", "before treatment, not what is discharged"

    def test_steel_of_2014_is_superseded(self, shipped: IndexLibrary) -> None:
        system = shipped.system("STEEL", ON)
        assert (system.standing, system.completeness) == (Standing.SUPERSEDED, Completeness.PARTIAL)
        assert "no longer in force" in system.not_gradeable_because
        assert shipped.system("STEEL", date(2016, 1, 1)).standing is Standing.IN_FORCE
        known = {each.indicator_id: each for each in system.indicators}
        assert [known["converter_energy"].requirements[grade].bounds[1] for grade in ("I", "II", "III")] == [-20.0, -8.0, 0.0]
        assert [known["fresh_water"].requirements[grade].bounds[1] for grade in ("I", "II", "III")] == [3.5, 3.8, 4.1]
        assert known["ironmaking_energy"].is_limiting and known["total_control"].is_limiting
        assert known["total_control"].level_of_answer == {"I": 1, "II": 1, "III": 1, "none": 4}
        assert known["coal_moisture_control"].level_of_answer["none"] == 3, "grade III demands nothing"

    def test_incineration_has_a_bonus_and_knows_its_weights(self, shipped: IndexLibrary) -> None:
        system = shipped.system("HAZARDOUS_WASTE_INCINERATION", ON)
        assert sum(group.weight for group in system.groups) == Fraction(11, 10)
        assert [group.group_id for group in system.groups if group.is_bonus] == ["recycling"]
        assert None not in {each.weight for each in system.indicators}
        assert {each.indicator_id for each in system.indicators if each.is_limiting} == {"dioxins", "particulates", "so2"}
        unknown = {each.indicator_id for each in system.indicators if each.requirements["I"].semantics == "unknown"}
        assert unknown == {"greenhouse_gas"}
        assert system.completeness is Completeness.PARTIAL

    def test_cement_is_known_by_one_row(self, shipped: IndexLibrary) -> None:
        (only,) = shipped.system("CEMENT", ON).indicators
        assert [only.requirements[grade].bounds[1] for grade in ("I", "II", "III")] == [103.0, 108.0, 112.0]
        assert only.verification_status is VerificationStatus.UNVERIFIED

    def test_only_a_complete_system_grades(self, shipped: IndexLibrary) -> None:
        """Everything but electroplating has cells that nobody here has read."""
        assert [name for name in shipped.ids if shipped.system(name, ON).not_gradeable_because is None] == ["ELECTROPLATING"]

    def test_every_metric_that_is_named_is_made_of_something(self, shipped: IndexLibrary, shipped_standards: Standards) -> None:
        sources = dict(shipped_standards.seed("metrics").select("metric_code", "numerator_source").iter_rows())
        named = {each.metric_code for name in shipped.ids for each in shipped.system(name, ON).indicators if each.metric_code}
        assert {code for code in named if sources[code] == "not_computed"} == set()

    def test_no_shipped_row_claims_a_primary_source(self, shipped_standards: Standards) -> None:
        """None of the index systems was read in its official text (domain reference, 13.1)."""
        for name in (SYSTEMS, GROUPS, INDICATORS, THRESHOLDS):
            assert shipped_standards.seed(name).filter(pl.col("verification_status") == "primary_source").is_empty()
