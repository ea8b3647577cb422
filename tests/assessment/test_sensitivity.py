"""Whether a grade survives other weights and what was not reported: scenarios, what flips it, places, and that it is the same every time."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.assessment.enterprise_index import KEY
from pipelines.assessment.index import assess
from pipelines.assessment.index_system import IndexLibrary, IndexSystem
from pipelines.assessment.method import Context
from pipelines.assessment.parameters import rows_of_standards
from pipelines.assessment.rescore import GRADES_OF_BUILD, INDICATORS_OF_BUILD
from pipelines.assessment.sensitivity import GRADE_SENSITIVITY, SENSITIVITY, perturbed, scenarios, summary, under_weights, with_places
from pipelines.assessment.vintages import SOURCES
from pipelines.contracts.standards import Standards
from tests.assessment.frames import frame
from tests.assessment.systems import ON, build, group_row, not_applicable, observation, quantitative, scorable, thresholds
from tests.assessment.test_index import electroplater

SPREAD, JOINT = 0.2, 16


def pair(weights: tuple[str, str] = ("0.86", "0.14")) -> IndexSystem:
    """Two indicators in one group; the first alone is just enough for a grade."""
    indicators = [quantitative(name, weight) for name, weight in zip("ab", weights, strict=True)]
    return build(indicators=indicators, cells=[*thresholds("a"), *thresholds("b")])


def of(system: IndexSystem, **observed: list[dict]) -> dict[tuple[str, str], dict]:
    rows = summary(scorable(system, observed), SPREAD, JOINT)
    return {(row["enterprise_id"], row["scenario_kind"]): row for row in rows.iter_rows(named=True)}


class TestWeights:
    def test_which_scenarios(self) -> None:
        system = build(
            groups=[group_row("g", "0.6"), group_row("h", "0.4"), group_row("bonus", "0.1", is_bonus="true")],
            indicators=[quantitative("a", "0.5"), quantitative("b", "0.5"), quantitative("c", "1", "h"), quantitative("x", "1", "bonus")],
            cells=[row for name in "abcx" for row in thresholds(name)],
        )
        found = scenarios(system.rules, SPREAD, JOINT)
        assert [each.label for each in found if each.kind == "group_weights"] == [
            "g +20 %", "h +20 %", "bonus +20 %", "g −20 %", "h −20 %", "bonus −20 %",
        ]  # fmt: skip
        assert [each.label for each in found if each.kind == "indicator_weights"] == ["a +20 %", "b +20 %", "a −20 %", "b −20 %"], (
            "c and x stand alone in their group"
        )
        joint = [each for each in found if each.kind == "all_weights"]
        assert len(joint) == JOINT
        factors = [value for each in joint for value in (*each.groups.values(), *each.units.values())]
        assert all(0.8 <= factor <= 1.2 for factor in factors)
        assert found == scenarios(system.rules, SPREAD, JOINT), "the same every time"

    def test_a_grade_that_hangs_on_a_weight(self) -> None:
        """86 points for grade I; with `a` lowered by 20 % they are 0.688 of 0.828, which is 83.09."""
        found = of(pair(), E1=[observation("a", 95.0), observation("b", 85.0)])["E1", "indicator_weights"]
        assert (found["grade"], found["grade_best"], found["grade_worst"]) == ("I", "I", "II")
        assert found["score_i_lowest"] == pytest.approx(100 * 0.86 * 0.8 / (0.86 * 0.8 + 0.14))
        assert found["flips"] == ["a −20 %: II", "b +20 %: II"]
        assert (found["scenarios"], found["flipping_scenarios"], found["grade_kept_share"]) == (4, 2, 0.5)

    def test_a_grade_that_holds(self) -> None:
        found = of(pair(), E1=[observation("a", 95.0), observation("b", 95.0)])
        assert {row["grade_kept_share"] for row in found.values()} == {1.0}
        assert ("E1", "missing_items") not in found, "nothing is missing"

    def test_every_scenario_is_scored_like_the_original(self, shipped: IndexLibrary) -> None:
        """Weights sum to 1 again: an enterprise that meets grade III everywhere keeps its 100 whatever they are."""
        system = shipped.system("ELECTROPLATING", ON)
        scored = scorable(system, {"E1": electroplater()})
        under = under_weights(scored, scored.assessed(), SPREAD, JOINT)
        assert set(under["score_iii"]) == {100.0}
        assert under["label"].n_unique() == under.height

    def test_the_worked_example_holds_its_second_grade(self, shipped: IndexLibrary) -> None:
        found = of(shipped.system("ELECTROPLATING", ON), E1=electroplater())
        assert {row["grade_kept_share"] for row in found.values()} == {1.0}
        groups = found["E1", "group_weights"]
        assert groups["score_i_lowest"] < 58.65 < groups["score_i_highest"]


RICH_NAMES = "labcdxm"
RICH = build(
    groups=[group_row("g", "0.6"), group_row("h", "0.4", group_na_policy="redistribute"), group_row("bonus", "0.1", is_bonus="true")],
    indicators=[
        quantitative("l", "0.3", is_limiting="true"), quantitative("a", "0.3"),
        quantitative("b", "0.4", weight_rule="equal_in_set", set_id="metals"), quantitative("m", "0.4", weight_rule="equal_in_set", set_id="metals"),
        quantitative("c", "0.85", "h"), quantitative("d", "0.15", "h"), quantitative("x", "1", "bonus"),
    ],
    cells=[row for name in RICH_NAMES for row in thresholds(name)],
)  # fmt: skip
VALUES = st.sampled_from([95.0, 85.0, 75.0, 10.0, None, "n/a"])


@settings(max_examples=10, deadline=None)
@given(st.lists(st.lists(VALUES, min_size=len(RICH_NAMES), max_size=len(RICH_NAMES)), min_size=1, max_size=4))
def test_all_scenarios_at_once_are_each_scored_like_the_original(drawn: list[list[float | str | None]]) -> None:
    """The whole index method on perturbed rules says the same, sets, bonuses, idle and redistributed groups included."""
    observed = {
        f"E{number}": [
            not_applicable(name) if value == "n/a" else observation(name, value) for name, value in zip(RICH_NAMES, row, strict=True)
        ]
        for number, row in enumerate(drawn)
    }
    scored = scorable(RICH, observed)
    found = under_weights(scored, scored.assessed(), SPREAD, 2)
    every = scenarios(RICH.rules, SPREAD, 2)
    changed = [perturbed(RICH.rules, scored.systems, number, scenario) for number, scenario in enumerate(every)]
    labels = pl.DataFrame({"index_system_id": [heading["index_system_id"][0] for _, heading in changed], "label": [s.label for s in every]})
    subjects = scored.subjects.drop("index_system_id").join(labels, how="cross")
    theirs = assess(
        subjects,
        scored.observations.join(labels, how="cross"),
        pl.concat([rules for rules, _ in changed]),
        pl.concat([heading for _, heading in changed]),
        [*KEY, "label"],
    ).grades
    pairs = found.join(theirs, on=[*KEY, "label"], suffix="_theirs")
    assert pairs.height == found.height == len(drawn) * len(every)
    graded = pairs.filter(pl.col("grade_theirs") != "not_gradeable")
    assert graded["grade"].to_list() == graded["grade_theirs"].to_list()
    for score in ("score_i", "score_ii", "score_iii"):
        assert graded[score].to_list() == pytest.approx(graded[f"{score}_theirs"].to_list(), abs=1e-9)


def test_at_the_pass_mark_fractions_decide() -> None:
    """Weights 0.85 and 0.15 in a group of its own: other groups' scenarios leave exactly 85, which passes."""
    system = build(
        groups=[group_row("g", "0.85"), group_row("h", "0.15")],
        indicators=[quantitative("a"), quantitative("c", "0.3", "h"), quantitative("d", "0.7", "h")],
        cells=[row for name in "acd" for row in thresholds(name)],
    )
    scored = scorable(system, {"E1": [observation("a", 95.0), observation("c", 85.0), observation("d", 85.0)]})
    found = under_weights(scored, scored.assessed(), SPREAD, 0)
    assert set(found.filter(pl.col("kind") == "indicator_weights")["grade"]) == {"I"}
    assert dict(found.filter(pl.col("kind") == "group_weights").select("label", "grade").iter_rows()) == {
        "g +20 %": "I", "h +20 %": "II", "g −20 %": "II", "h −20 %": "I",
    }  # fmt: skip


class TestMissing:
    def test_at_its_best_and_worst(self) -> None:
        found = of(pair(("0.5", "0.5")), E1=[observation("a", 95.0)])["E1", "missing_items"]
        assert (found["grade"], found["grade_best"], found["grade_worst"]) == ("none", "I", "none")
        assert (found["scenarios"], found["flips"]) == (2, ["missing at best: I"])
        assert (found["score_i_lowest"], found["score_i_highest"]) == (50.0, 100.0)

    def test_not_applicable_is_not_missing(self) -> None:
        assert ("E1", "missing_items") not in of(pair(), E1=[observation("a", 95.0), not_applicable("b")])

    def test_the_place_changes_for_the_enterprise_alone(self) -> None:
        found = of(
            pair(("0.5", "0.5")),
            E1=[observation("a", 95.0)],
            E2=[observation("a", 95.0), observation("b", 85.0)],
            E3=[observation("a", 60.0)],
        )
        e1, e3 = found["E1", "missing_items"], found["E3", "missing_items"]
        assert (e1["rank"], e1["rank_best"], e1["rank_worst"]) == (2, 1, 2)
        assert (e3["rank"], e3["rank_best"]) == (3, 2), "at best 60 and 95: behind E2, and level with E1, of which half meets I too"


class TestPlaces:
    @staticmethod
    def places(*rows: tuple[str, str, float, float, float]) -> list[int]:
        schema = ["enterprise_id", "grade", "score_i", "score_ii", "score_iii"]
        found = with_places(pl.DataFrame(rows, schema=schema, orient="row").with_columns(all=pl.lit(1)), ["all"])
        return found.sort("enterprise_id")["rank"].to_list()

    def test_grade_before_score_and_equals_share_a_place(self) -> None:
        assert self.places(("A", "II", 80.0, 90.0, 95.0), ("B", "III", 84.0, 84.0, 100.0), ("C", "II", 80.0, 90.0, 95.0)) == [1, 3, 1]

    def test_then_the_scores_in_turn(self) -> None:
        assert self.places(("A", "II", 80.0, 90.0, 95.0), ("B", "II", 80.0, 91.0, 95.0), ("C", "II", 81.0, 85.0, 90.0)) == [3, 2, 1]


def test_the_whole_method_over_the_tables_of_a_build(shipped: IndexLibrary, shipped_standards: Standards) -> None:
    scored = scorable(shipped.system("ELECTROPLATING", ON), {"E1": electroplater(), "E2": electroplater(rinse_water=None)}).assessed()
    frames = {
        "grades": scored.grades.select(GRADES_OF_BUILD.columns),
        "indicators": scored.indicators.select(INDICATORS_OF_BUILD.columns),
        "parameters": rows_of_standards(shipped_standards),
    } | {name: frame(source) for name, source in SOURCES.items()}
    outcome = SENSITIVITY.run(frames, Context("P", date(2026, 1, 20), shipped_standards))
    found = outcome.frames["grade_sensitivity"]
    assert set(found.columns) <= set(GRADE_SENSITIVITY.schema)
    assert not found.select(GRADE_SENSITIVITY.latest.key[1:]).is_duplicated().any()
    e2 = found.filter((pl.col("enterprise_id") == "E2") & (pl.col("scenario_kind") == "missing_items")).row(0, named=True)
    assert (e2["grade"], e2["grade_best"]) == ("none", "II")
    assert e2["rule_version"].startswith("grade_sensitivity-2:0.2:64:index-1:ELECTROPLATING:")
    nobody = SENSITIVITY.run(frames | {"grades": frames["grades"].clear()}, Context("P", date(2026, 1, 20), shipped_standards))
    assert nobody.frames["grade_sensitivity"].is_empty()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 100), st.none() | st.floats(0, 100)), min_size=1, max_size=4))
def test_whatever_is_observed(drawn: list[tuple[float, float | None]]) -> None:
    """The grade as it stands lies within the range for missing items, whose worst case it is; shares are shares."""
    observed = {
        f"E{number}": [observation("a", a), *([observation("b", b)] if b is not None else [])] for number, (a, b) in enumerate(drawn)
    }
    rows = of(pair(("0.7", "0.3")), **observed)
    order = ["I", "II", "III", "none"]
    for (enterprise, kind), row in rows.items():
        assert 0 <= row["grade_kept_share"] <= 1
        assert order.index(row["grade_best"]) <= order.index(row["grade_worst"])
        assert 1 <= row["rank_best"] <= row["rank_worst"] <= len(drawn)
        if kind == "missing_items":
            assert row["grade_worst"] == row["grade"]
            assert row["rank_best"] <= row["rank"]
            assert dict(enumerate(drawn))[int(enterprise[1:])][1] is None
