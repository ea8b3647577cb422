"""The gap to the next grade: the published gaps and points, and that no cheaper set of moves reaches it."""

import itertools
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.assessment.index_system import IndexLibrary, IndexSystem
from pipelines.assessment.method import Context
from pipelines.assessment.moves import GRADE_MOVES, MOVES, Efforts, applied, grade_moves, moves_of
from pipelines.assessment.parameters import parameters, rows_of_standards
from pipelines.assessment.rescore import GRADES_OF_BUILD, INDICATORS_OF_BUILD, KEY, Scorable
from pipelines.contracts.standards import Standards
from tests.assessment.systems import (
    ON,
    build,
    cell,
    group_row,
    not_applicable,
    observation,
    qualitative,
    quantitative,
    scorable,
    system_row,
    thresholds,
    words,
)
from tests.assessment.test_index import electroplater

EFFORTS = Efforts({"*": 1.0}, {"*": 1.0})


def moves(system: IndexSystem, *observed: dict, efforts: Efforts = EFFORTS) -> pl.DataFrame:
    return grade_moves(scorable(system, {"E1": list(observed)}), efforts)


def by_indicator(found: pl.DataFrame) -> dict[str, dict]:
    return {row["indicator_id"]: row for row in found.iter_rows(named=True)}


def chosen(found: pl.DataFrame) -> dict[str, str]:
    return dict(found.filter("is_chosen").select("indicator_id", "to_level").iter_rows())


class TestWorkedExample:
    """The electroplater at 58.65 points for grade I: 26.35 are missing."""

    @pytest.fixture
    def found(self, shipped: IndexLibrary) -> dict[str, dict]:
        return by_indicator(moves(shipped.system("ELECTROPLATING", ON), *electroplater()))

    def test_what_is_missing(self, found: dict[str, dict]) -> None:
        assert {(row["grade"], row["target_grade"], row["points_missing"]) for row in found.values()} == {("II", "I", 26.35)}
        assert set(found) == {
            "process_control", "plating_lines", "rinse_water", "copper_utilisation", "water_reuse", "management_system",
            "treatment_operation", "energy_metering",
        }  # fmt: skip

    def test_published_gaps_and_points(self, found: dict[str, dict]) -> None:
        water, lines, copper, control = (found[name] for name in ("rinse_water", "plating_lines", "copper_utilisation", "process_control"))
        assert (water["value"], water["target_value"], water["gap"], water["unit"], water["points_gained"]) == (
            12.0,
            8.0,
            4.0,
            "L/m2",
            10.0,
        )
        assert (water["needed_because"], water["is_chosen"]) == ("limiting", True)
        assert (lines["points_gained"], lines["gap"], lines["from_level"], lines["to_level"]) == (13.2, None, "II", "I")
        assert (copper["points_gained"], copper["target_value"], copper["gap"], copper["unit"]) == (4.8, 90.0, 5.0, "%")
        assert control["points_gained"] == 4.95
        assert found["energy_metering"]["effort"] == 2.0, "two steps, from III to I"

    def test_what_a_point_costs(self, found: dict[str, dict]) -> None:
        assert found["rinse_water"]["gap_per_point"] == pytest.approx(0.4), "L/m2 a point"
        assert found["copper_utilisation"]["gap_per_point"] == pytest.approx(5 / 4.8)
        assert found["plating_lines"]["gap_per_point"] is None

    def test_the_cheapest_set(self, found: dict[str, dict]) -> None:
        """Of the published moves three suffice: 10.0 + 13.2 + 4.8 = 28.0; process control is not needed."""
        assert {name for name, row in found.items() if row["is_chosen"]} == {"rinse_water", "plating_lines", "copper_utilisation"}
        assert {(row["score_after"], row["grade_after"]) for row in found.values()} == {(86.65, "I")}


ROWS: dict = {
    "indicators": [quantitative("limiting", "0.2", is_limiting="true"), *(quantitative(name, "0.2") for name in "abcd")],
    "cells": [row for name in ("limiting", *"abcd") for row in thresholds(name)],
}


def observed(**values: float) -> list[dict]:
    return [observation(name, value) for name, value in values.items()]


class TestTargets:
    def test_grade_three_asks_something_of_everybody(self) -> None:
        found = moves(build(**ROWS), *observed(limiting=60.0, a=60.0, b=95.0, c=60.0, d=95.0))
        assert chosen(found) == {"limiting": "III", "a": "III", "c": "III"}
        assert set(found["needed_because"]) == {"every_indicator"}
        assert set(found["grade_after"]) == {"III"}

    def test_from_none_the_second_grade_may_be_nearer(self) -> None:
        """All but one, of little weight, meet grade II; the one is hopeless: 85 points for II need less than III, which needs it."""
        indicators = [quantitative("l", "0.5", is_limiting="true"), quantitative("a", "0.4"), quantitative("z", "0.1")]
        system = build(indicators=indicators, cells=[row for name in "laz" for row in thresholds(name)])
        found = moves(system, *observed(l=79.0, a=85.0, z=1.0))
        assert chosen(found) == {"l": "II"}
        assert set(found["target_grade"]) == set(found["grade_after"]) == {"II"}
        assert by_indicator(found)["l"]["needed_because"] == "limiting"

    def test_the_side_condition_of_the_second_generation(self) -> None:
        """Under G2 the others may be one grade worse and no more: `d` must rise to II, though its points are not needed."""
        system = build(
            systems=[system_row(generation="G2")],
            indicators=[quantitative("l", "0.5", is_limiting="true"), quantitative("a", "0.4"), quantitative("d", "0.1")],
            cells=[row for name in "lad" for row in thresholds(name)],
        )
        found = by_indicator(moves(system, *observed(l=85.0, a=95.0, d=75.0)))
        assert (found["d"]["needed_because"], found["d"]["to_level"], found["d"]["points_gained"]) == ("side_condition", "II", 0.0)
        assert (found["l"]["needed_because"], found["l"]["to_level"]) == ("limiting", "I")
        assert found["d"]["grade_after"] == "I"

    def test_at_the_top_there_is_nothing_to_do(self) -> None:
        assert moves(build(**ROWS), *observed(limiting=95.0, a=95.0, b=95.0, c=95.0, d=95.0)).is_empty()

    def test_a_whole_group_that_does_not_apply_keeps_grade_three_away(self) -> None:
        system = build(
            groups=[group_row("g", "0.6"), group_row("h", "0.4")],
            indicators=[quantitative("a"), quantitative("c", "1", "h")],
            cells=[*thresholds("a"), *thresholds("c")],
        )
        found = moves(system, observation("a", 60.0), not_applicable("c"))
        (row,) = found.to_dicts()
        assert (row["is_chosen"], row["needed_because"], row["grade_after"]) == (False, "every_indicator", None)

    def test_a_bonus_can_be_the_cheapest_points(self) -> None:
        system = build(
            groups=[group_row("g", "1"), group_row("bonus", "0.2", is_bonus="true")],
            indicators=[quantitative("a", "0.7"), quantitative("b", "0.3"), quantitative("extra", "1", "bonus")],
            cells=[row for name in ("a", "b", "extra") for row in thresholds(name)],
        )
        found = moves(system, *observed(a=95.0, b=71.0, extra=79.0))
        assert (found["grade"][0], chosen(found)) == ("III", {"extra": "II"})


class TestMoves:
    def test_missing_is_moved_in_steps(self) -> None:
        found = by_indicator(moves(build(**ROWS), *observed(limiting=95.0, a=95.0, b=95.0, c=60.0)))
        assert (found["d"]["from_level"], found["d"]["gap"], found["d"]["state"]) == ("unreported", None, "missing")
        assert (found["d"]["to_level"], found["d"]["effort"], found["d"]["target_value"]) == ("III", 1.0, 70.0)
        assert found["c"]["effort"] == pytest.approx(10 / 90)
        assert found["c"]["grade_after"] == "III"

    def test_an_unreported_indicator_costs_a_step_a_level(self) -> None:
        row = scorable(build(), {"E1": [observation("a")]}).assessed().indicators.row(0, named=True)
        assert [(move.to_level, move.effort, move.gap, move.value) for move in moves_of(row, 5.0, 2.0)] == [
            (3, 2.0, None, 70.0),
            (2, 4.0, None, 80.0),
            (1, 6.0, None, 90.0),
        ]

    def test_merged_cells_are_one_step(self) -> None:
        cells = [cell("a", "I", text="best"), cell("a", "II", text="good"), cell("a", "III", "same_as:II")]
        row = scorable(build(indicators=[qualitative("a")], cells=cells), {"E1": [observation("a", answer="none")]}).assessed()
        found = moves_of(row.indicators.row(0, named=True), 1.0, 1.0)
        assert [(move.to_level, move.effort) for move in found] == [(2, 1.0), (1, 2.0)]

    def test_a_gap_across_zero_keeps_growing(self) -> None:
        """Converter energy from 3 to 0, -8 and -20 kgce/t: the farther level never takes less effort."""
        cells = thresholds("a", "<=", ("-20", "-8", "0"))
        system = build(indicators=[quantitative("a", direction="lower_is_better")], cells=cells)
        row = scorable(system, {"E1": [observation("a", 3.0)]}).assessed().indicators.row(0, named=True)
        assert [move.effort for move in moves_of(row, 1.0, 1.0)] == [3 / 20, 11 / 20, 23 / 20]

    def test_what_cannot_be_weighed_cannot_be_moved(self) -> None:
        rows = {"weight_rule": "output_share", "set_id": "power", "product_kind": "board"}
        system = build(indicators=[quantitative("a", "0.5", **rows), quantitative("b", "0.5")], cells=[*thresholds("a"), *thresholds("b")])
        found = by_indicator(moves(system, observation("a", 60.0), observation("b", 60.0)))
        assert (found["a"]["to_level"], found["a"]["grade_after"]) == (None, None)

    def test_a_parks_own_effort_changes_the_choice(self) -> None:
        indicators = [quantitative("l", "0.7"), quantitative("a", "0.15"), quantitative("b", "0.15")]
        system = build(indicators=indicators, cells=[row for name in "lab" for row in thresholds(name)])
        values = observed(l=95.0, a=85.0, b=85.0)
        assert chosen(moves(system, *values)) == {"a": "I"}, "of equals the first"
        assert chosen(moves(system, *values, efforts=Efforts({"*": 1.0, "S/a": 3.0}, {"*": 1.0}))) == {"b": "I"}

    def test_points_that_only_fractions_can_tell(self) -> None:
        """Weights that miss 85 by a hair: the solver's tolerance lets the set through, the exact score does not."""
        system = build(
            indicators=[quantitative("p", "0.8499999999"), quantitative("q", "0.1000000001"), quantitative("r", "0.05")],
            cells=[row for name in "pqr" for row in thresholds(name)],
        )
        found = moves(system, *observed(p=80.0, q=89.0, r=86.0))
        assert chosen(found) == {"p": "I", "q": "I"}
        assert set(found["grade_after"]) == {"I"}


def test_a_build_gives_back_what_it_scored(shipped: IndexLibrary, shipped_standards: Standards) -> None:
    """The whole method over the tables of a build, as the assembly would read them."""
    system = shipped.system("ELECTROPLATING", ON)
    scored = scorable(system, {"E1": electroplater(), "E2": electroplater(rinse_water=None)}).assessed()
    frames = {
        "grades": scored.grades.select(GRADES_OF_BUILD.columns),
        "indicators": scored.indicators.select(INDICATORS_OF_BUILD.columns),
        "parameters": rows_of_standards(shipped_standards),
    }
    outcome = MOVES.run(frames, Context("P", date(2026, 1, 20), shipped_standards))
    found = outcome.frames["grade_moves"]
    assert set(found.columns) <= set(GRADE_MOVES.schema)
    assert not found.select(GRADE_MOVES.latest.key[1:]).is_duplicated().any()
    of_e1 = by_indicator(found.filter(pl.col("enterprise_id") == "E1"))
    assert of_e1["rinse_water"]["points_missing"] == 26.35
    assert of_e1["rinse_water"]["rule_version"].startswith("grade_moves-1:index-1:ELECTROPLATING:2015:")
    assert set(found.filter(pl.col("enterprise_id") == "E2")["target_grade"]) == {"III"}, (
        "to report the water and meet III is a step less than to meet II"
    )
    nobody = MOVES.run(
        frames | {"grades": frames["grades"].with_columns(grade=pl.lit("not_gradeable"))},
        Context("P", date(2026, 1, 20), shipped_standards),
    )
    assert nobody.frames["grade_moves"].is_empty()


def test_efforts_ship_and_are_above_zero(shipped_standards: Standards) -> None:
    rows = rows_of_standards(shipped_standards)
    efforts = Efforts.of(parameters(rows, "grade_moves", ON))
    assert efforts.for_indicator("ELECTROPLATING", "rinse_water") == (1.0, 1.0)
    with pytest.raises(ValueError, match=r"effort_of_step of S/a is 0: an effort must be above 0"):
        Efforts.of({("effort_of_gap", "*"): 1.0, ("effort_of_step", "*"): 1.0, ("effort_of_step", "S/a"): 0.0})
    with pytest.raises(KeyError, match="effort_of_gap"):
        Efforts.of({})


# Whatever is observed, on systems small enough to try every set of moves

SMALL_GROUPS = [group_row("g", "0.7"), group_row("h", "0.3"), group_row("bonus", "0.1", is_bonus="true")]
SMALL = [
    quantitative("l", "0.3", is_limiting="true"), quantitative("a", "0.3"), qualitative("q", "0.4"), quantitative("b", "0.5", "h"),
    quantitative("c", "0.5", "h"), quantitative("x", "1", "bonus"),
]  # fmt: skip
NAMES = [row["indicator_id"] for row in SMALL]
CELLS = [row for name in NAMES for row in (words(name) if name == "q" else thresholds(name))]
SYSTEMS = {generation: build(systems=[system_row(generation=generation)], groups=SMALL_GROUPS, indicators=SMALL, cells=CELLS) for generation in ("G1", "G2")}  # fmt: skip
LEVELS = st.sampled_from(["I", "II", "III", "none", "missing", "not_applicable"])
ANSWERED = {"I", "II", "III", "none"}


def drawn_observation(name: str, level: str, inside: float) -> dict:
    if level == "not_applicable":
        return not_applicable(name)
    if level == "missing":
        return observation(name)
    if name == "q":
        return observation(name, answer=level)
    return observation(name, {"I": 90.0, "II": 80.0, "III": 70.0, "none": 10.0}[level] + inside)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["G1", "G2"]), st.lists(st.tuples(LEVELS, st.floats(0, 9)), min_size=len(NAMES), max_size=len(NAMES)))
def test_what_is_proposed_reaches_the_grade_and_nothing_cheaper_does(generation: str, drawn: list[tuple[str, float]]) -> None:
    system = SYSTEMS[generation]
    rows = [drawn_observation(name, *pair) for name, pair in zip(NAMES, drawn, strict=True)]
    start = scorable(system, {"E1": rows})
    before = start.assessed()
    grade = before.grades["grade"][0]
    found = grade_moves(start, EFFORTS)
    rank = {"I": 1, "II": 2, "III": 3, "none": 4, "not_gradeable": 5}
    if grade in ("I", "not_gradeable"):
        assert found.is_empty()
        return
    possible = {row["indicator_id"]: [None, *moves_of(row, 1.0, 1.0)] for row in before.indicators.iter_rows(named=True) if row["applies"]}
    sets = [dict(zip(possible, picked, strict=True)) for picked in itertools.product(*possible.values())]
    efforts = [sum(move.effort for move in picked.values() if move) for picked in sets]
    better = _grades_after(system, rows, sets)
    reaching = [effort for effort, after in zip(efforts, better, strict=True) if rank[after] < rank[grade]]
    proposed = found.filter("is_chosen")
    if not reaching:
        assert proposed.is_empty()
        assert set(found["grade_after"]) <= {None}
        return
    assert rank[found["grade_after"][0]] <= rank[found["target_grade"][0]] < rank[grade]
    assert proposed["effort"].sum() == pytest.approx(min(reaching), abs=1e-9)
    again = applied(
        start, proposed.select(*KEY, "indicator_id", pl.col("to_level").replace_strict(rank, return_dtype=pl.Int64), "target_value")
    )
    assert again.grades["grade"][0] == found["grade_after"][0]
    assert again.grades.select("score_i", "score_ii", "score_iii").row(0)[rank[found["target_grade"][0]] - 1] == found["score_after"][0]


def _grades_after(system: IndexSystem, rows: list[dict], sets: list[dict]) -> list[str]:
    """The grade after each set of moves, all of them scored at once."""
    words_of = {1: "I", 2: "II", 3: "III"}
    subjects = {}
    for number, picked in enumerate(sets):
        after = {row["indicator_id"]: row for row in rows}
        for name, move in picked.items():
            if move is None:
                continue
            after[name] = observation(name, answer=words_of[move.to_level]) if name == "q" else observation(name, move.value)
        subjects[f"E{number:05d}"] = list(after.values())
    assessed: Scorable = scorable(system, subjects)
    return assessed.assessed().grades.sort("enterprise_id")["grade"].to_list()
