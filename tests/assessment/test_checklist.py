"""The checklist engine: thresholds with conditions, bounds, elasticities with their edges, and what the items amount to."""

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.assessment.checklist import (
    Observation,
    Outcome,
    Requirement,
    Threshold,
    Verdict,
    average_growth,
    conclude,
    elasticity,
    judge,
)

AT_MOST_HALF = [Threshold(None, "<=", "0.5")]
ELASTICITY = [Threshold("denominator_growth > 0", "<=", "0.6"), Threshold("denominator_growth < 0", ">=", "0.6")]
"""HJ 274-2015, indicator 10."""
RECLAIMED = [Threshold("answer:north = yes", ">=", "30"), Threshold("answer:dry = yes", ">=", "20"), Threshold(None, ">=", "10")]


def outcome(observation: Observation, thresholds: list[Threshold] = AT_MOST_HALF, **variables: object) -> str:
    return judge(observation, thresholds, variables).outcome.value


def of_growth(numerator: float, denominator: float) -> Observation:
    value = elasticity(numerator, denominator)
    return Observation(
        value=value, numerator_growth=numerator, denominator_growth=denominator, manual="stood still" if value is None else None
    )


class TestGrowth:
    def test_the_published_example(self) -> None:
        """Energy 40 → 46, value added 20 → 26 over three years: 4.769 %/a, 9.139 %/a, elasticity 0.5218, below 0.6."""
        energy, value_added = average_growth(40, 46, 3), average_growth(20, 26, 3)
        assert round(energy, 3) == 4.769
        assert round(value_added, 3) == 9.139
        found = of_growth(energy, value_added)
        assert round(found.value, 4) == 0.5218
        assert outcome(found, ELASTICITY) == "met"

    @pytest.mark.parametrize(
        ("numerator", "denominator", "expected"),
        [
            (6.0, 10.0, "met"),  # equal to the threshold
            (6.1, 10.0, "not_met"),
            (-2.0, 10.0, "met"),  # less energy for more value added
            (-5.0, -3.0, "met"),  # both fall, energy fast enough
            (-1.0, -3.0, "not_met"),  # both fall, energy too slowly
            (2.0, -3.0, "not_met"),  # more energy for less value added
            (0.0, 5.0, "met"),
            (5.0, 0.0, "manual_review"),
            (0.0, 0.0, "manual_review"),
        ],
    )
    def test_edges(self, numerator: float, denominator: float, expected: str) -> None:
        assert outcome(of_growth(numerator, denominator), ELASTICITY) == expected

    def test_a_growth_needs_somewhere_to_begin(self) -> None:
        assert average_growth(0, 5, 3) is None
        assert average_growth(-1, 5, 3) is None
        assert average_growth(5, 0, 3) == -100

    @given(st.floats(0.1, 1e6), st.floats(-0.3, 0.5), st.integers(1, 10))
    def test_growth_gives_back_the_rate_it_was_made_with(self, first: float, rate: float, years: int) -> None:
        assert average_growth(first, first * (1 + rate) ** years, years) == pytest.approx(100 * rate, abs=1e-6)


class TestThresholds:
    @pytest.mark.parametrize(("value", "expected"), [(0.5, "met"), (0.4999, "met"), (0.5001, "not_met")])
    def test_ends_are_included_and_values_are_not_rounded(self, value: float, expected: str) -> None:
        assert outcome(Observation(value=value)) == expected

    @pytest.mark.parametrize(
        ("operator", "value", "expected"),
        [("<", 50, "not_met"), (">", 50, "not_met"), ("=", 50, "met"), (">=", 50, "met"), ("<", 49, "met")],
    )
    def test_operators(self, operator: str, value: float, expected: str) -> None:
        assert outcome(Observation(value=value), [Threshold(None, operator, "50")]) == expected

    def test_words(self) -> None:
        asked = [Threshold(None, "=", "yes")]
        assert outcome(Observation(answer="yes"), asked) == "met"
        assert outcome(Observation(answer="no"), asked) == "not_met"
        assert outcome(Observation(), asked) == "not_computable"

    @pytest.mark.parametrize(
        ("tce", "value", "expected"),
        [(250_000.0, 0.25, "not_met"), (250_000.0, 0.2, "met"), (2_000_000.0, 0.25, "met"), (199_999.0, 0.1, "not_applicable"),
         (1_000_000.0, 0.3, "met")],
    )  # fmt: skip
    def test_size_classes(self, tce: float, value: float, expected: str) -> None:
        """Zero-carbon parks: 0.20 tCO2/tce from 20 to below 100 x 10^4 tce, 0.30 from there on, nothing below."""
        classes = [
            Threshold("energy_tce >= 200000 and energy_tce < 1000000", "<=", "0.2"),
            Threshold("energy_tce >= 1000000", "<=", "0.3"),
        ]
        assert outcome(Observation(value=value), classes, energy_tce=tce) == expected

    def test_the_first_condition_that_holds_counts(self) -> None:
        known = {"answer:north": "yes", "answer:dry": "yes"}
        assert outcome(Observation(value=25), RECLAIMED, **known) == "not_met"
        assert outcome(Observation(value=25), RECLAIMED, **known | {"answer:north": "no"}) == "met"
        assert outcome(Observation(value=12), RECLAIMED, **{"answer:north": "no", "answer:dry": "no"}) == "met"

    def test_what_no_threshold_could_change_is_decided_without_knowing(self) -> None:
        assert outcome(Observation(value=35), RECLAIMED) == "met"
        assert outcome(Observation(value=5), RECLAIMED) == "not_met"
        found = judge(Observation(value=15), RECLAIMED, {"answer:dry": "no"})
        assert (found.outcome, found.missing) == (Outcome.NOT_COMPUTABLE, ("answer:north",))

    def test_a_threshold_that_may_not_hold_at_all_decides_nothing(self) -> None:
        found = judge(Observation(value=0.1), [Threshold("energy_tce >= 200000", "<=", "0.2")], {"energy_tce": None})
        assert (found.outcome, found.missing) == (Outcome.NOT_COMPUTABLE, ("energy_tce",))

    def test_a_threshold_may_be_an_answer(self) -> None:
        asked = [Threshold(None, ">=", "answer:national_share")]
        assert outcome(Observation(value=31), asked, **{"answer:national_share": 30.0}) == "met"
        found = judge(Observation(value=31), asked, {})
        assert (found.outcome, found.missing) == (Outcome.NOT_COMPUTABLE, ("answer:national_share",))

    def test_what_is_missing_is_named(self) -> None:
        found = judge(Observation(missing=("metric x in 2025",)), AT_MOST_HALF, {})
        assert (found.outcome, found.missing) == (Outcome.NOT_COMPUTABLE, ("metric x in 2025",))

    def test_what_does_not_apply_is_not_judged(self) -> None:
        assert outcome(Observation(value=9, applies=False)) == "not_applicable"


class TestBounds:
    ALL = (Threshold(None, ">=", "100"),)
    MOST = (Threshold(None, ">=", "75"),)

    @pytest.mark.parametrize(
        ("low", "high", "expected"), [(80, 90, "met"), (70, 74, "not_met"), (70, 80, "not_computable"), (75, 100, "met")]
    )
    def test_bounds_decide_where_they_agree(self, low: float, high: float, expected: str) -> None:
        assert outcome(Observation(low=low, high=high, missing=("x of E1",)), list(self.MOST)) == expected

    def test_a_lower_bound_can_only_show_that_enough_is_there(self) -> None:
        assert outcome(Observation(low=101.0), list(self.ALL)) == "met"
        assert outcome(Observation(low=99.0), list(self.ALL)) == "not_computable"
        assert outcome(Observation(low=0.6)) == "not_met"
        assert outcome(Observation(low=0.4)) == "not_computable"

    @given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 100), st.sampled_from(["<=", ">=", "<", ">"]))
    def test_bounds_never_contradict_what_lies_between_them(self, a: float, b: float, limit: float, operator: str) -> None:
        low, high = sorted((a, b))
        assume(low < high)
        decided = outcome(Observation(low=low, high=high), [Threshold(None, operator, repr(limit))])
        if decided != "not_computable":
            for value in (low, (low + high) / 2, high):
                assert outcome(Observation(value=value), [Threshold(None, operator, repr(limit))]) == decided


def item(item_id: str, result: str, requirement: str = "mandatory", choice: str | None = None, checklist: str = "L") -> dict:
    return {
        "checklist_id": checklist,
        "item_id": item_id,
        "area": "A",
        "requirement": requirement,
        "choice_group": choice,
        "result": result,
    }


def whole(*items: dict, rule: str = "mandatory_and_choices", minimum: int = 1) -> dict:
    schema = {name: pl.String() for name in items[0]}
    found = conclude(
        pl.DataFrame(items, schema=schema),
        pl.DataFrame({"checklist_id": ["L"], "pass_rule": [rule]}),
        pl.DataFrame({"checklist_id": ["L"], "choice_group": ["1-4"], "minimum": [minimum]}),
        ["checklist_id"],
    )
    (row,) = found.filter(pl.col("area") == "ALL").to_dicts()
    return row


class TestVerdict:
    def test_all_mandatory_and_the_minimum_of_every_choice(self) -> None:
        found = whole(item("a", "met"), item("b", "met", "optional", "1-4"), item("c", "not_met", "optional", "1-4"))
        assert (found["verdict"], found["items_met"], found["met_share"]) == ("passed", 2, pytest.approx(2 / 3))

    def test_one_mandatory_item_fails_the_whole(self) -> None:
        found = whole(item("a", "not_met"), item("b", "met", "optional", "1-4"))
        assert (found["verdict"], found["failing_items"]) == ("not_passed", ["a"])

    def test_a_choice_that_can_no_longer_be_reached_fails_it(self) -> None:
        found = whole(item("a", "met"), item("b", "not_met", "optional", "1-4"), item("c", "not_met", "optional", "1-4"))
        assert (found["verdict"], found["short_choice_groups"]) == ("not_passed", ["1-4"])

    def test_what_is_missing_leaves_it_open(self) -> None:
        found = whole(item("a", "not_computable"), item("b", "met", "optional", "1-4"))
        assert (found["verdict"], found["open_items"]) == ("undecided", ["a"])
        found = whole(item("a", "met"), item("b", "not_computable", "optional", "1-4"), item("c", "not_met", "optional", "1-4"))
        assert (found["verdict"], found["open_choice_groups"]) == ("undecided", ["1-4"])
        found = whole(item("a", "manual_review"), item("b", "met", "optional", "1-4"))
        assert found["verdict"] == "undecided"

    def test_a_failure_is_certain_whatever_is_missing(self) -> None:
        assert whole(item("a", "not_met"), item("b", "not_computable"))["verdict"] == "not_passed"

    def test_what_does_not_apply_is_not_demanded(self) -> None:
        found = whole(item("a", "met"), item("b", "not_applicable"), item("c", "met", "optional", "1-4"))
        assert (found["verdict"], found["met_share"]) == ("passed", 1.0)

    def test_guides_do_not_decide(self) -> None:
        found = whole(item("a", "met", "core"), item("b", "not_met", "guide"), rule="mandatory")
        assert (found["verdict"], found["met_share"]) == ("passed", 0.5)

    def test_a_framework_without_a_pass_mark_has_none(self) -> None:
        found = whole(item("a", "met", "performance"), item("b", "not_met", "prerequisite"), rule="none")
        assert found["verdict"] == "no_pass_rule"

    @given(st.lists(st.tuples(st.sampled_from(list(Outcome)), st.sampled_from(list(Requirement)), st.booleans()), min_size=1, max_size=12))
    def test_what_was_missing_can_turn_no_decided_verdict(self, drawn: list[tuple[Outcome, Requirement, bool]]) -> None:
        items = [item(f"i{at}", of.value, need.value, "1-4" if chosen else None) for at, (of, need, chosen) in enumerate(drawn)]
        before = whole(*items)["verdict"]
        assume(before != Verdict.UNDECIDED)
        for answer in ("met", "not_met"):
            filled = [row | {"result": answer} if row["result"] in ("not_computable", "manual_review") else row for row in items]
            assert whole(*filled)["verdict"] == before
