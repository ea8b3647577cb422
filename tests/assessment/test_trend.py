"""Past years scored again: what is due to performance and what to rules, and whose past it is."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.assessment.trend import TREND, predecessors, split_change
from tests.assessment.park import Park, months
from tests.assessment.systems import quantitative, standards, system_row, thresholds

YEARS = {year: months(date(year, 1, 1), 12) for year in (2023, 2024, 2025)}
CHANGE = date(2025, 1, 1)
# Two indicators of equal weight. In 2025 the demands on `b` become stricter: what was grade I is grade II.
EDITIONS = {
    "systems": [system_row()],
    "indicators": [quantitative("a", "0.5"), quantitative("b", "0.5", metric_code="water", unit="L/m2", direction="lower_is_better")],
    "cells": [
        *thresholds("a"),
        *(row | {"valid_to": "2025-01-01"} for row in thresholds("b", "<=", ("10", "20", "30"))),
        *(row | {"valid_from": "2025-01-01"} for row in thresholds("b", "<=", ("5", "12", "30"))),
    ],
}


@pytest.fixture
def park(tmp_path: Path) -> Iterator[Park]:
    with Park.at(tmp_path, standards(**EDITIONS)) as park:
        yield park


def year_of(park: Park, enterprise: str, year: int, a: float, b: float, size: float = 100.0) -> None:
    when = YEARS[year]
    park.efficiency(enterprise, "m", when, [a / 100 * size] * 12, [size] * 12)
    park.efficiency(enterprise, "water", when, [b / 1000 * size] * 12, [size] * 12, unit="L/m2")


def rows(park: Park, enterprise: str, scored_grade: str = "I") -> dict[int, dict]:
    found = park.rows("grade_trend", f"enterprise_id = '{enterprise}' and scored_grade = '{scored_grade}'")
    return {row["period_start"].year: row for row in found}


class TestYears:
    def test_rules_then_and_today(self, park: Park) -> None:
        """2023: a at II, b at 8 L/m2, which was grade I and is II; 2024 the same b with a at I."""
        park.enterprise("E1", "S")
        year_of(park, "E1", 2023, a=85.0, b=8.0)
        year_of(park, "E1", 2024, a=95.0, b=8.0)
        year_of(park, "E1", 2025, a=95.0, b=8.0)
        park.night(TREND)
        found = rows(park, "E1")
        assert [(found[year]["score_then"], found[year]["score_today"]) for year in YEARS] == [(50.0, 0.0), (100.0, 50.0), (50.0, 50.0)]
        assert [(found[year]["grade_then"], found[year]["grade_today"]) for year in YEARS] == [("II", "II"), ("I", "II"), ("II", "II")]
        assert [(found[year]["change"], found[year]["performance_effect"], found[year]["rule_effect"]) for year in YEARS] == [
            (None, None, None),
            (50.0, 50.0, 0.0),
            (-50.0, 0.0, -50.0),
        ]
        assert found[2024]["index_system_version_then"] == found[2024]["index_system_version_today"] == "1"
        then, today = found[2024]["rule_version"].removeprefix("grade_trend-1:index-1:S:1:").split(":index-1:S:1:")
        assert then != today, "the stricter rows are other rules"

    def test_then_is_what_was_published(self, park: Park) -> None:
        park.enterprise("E1", "S")
        for year in YEARS:
            year_of(park, "E1", year, a=70.0 + year % 5, b=9.0)
        park.night(TREND)
        published = {row["period_start"].year: row for row in park.rows("enterprise_grade", "period_type = 'calendar_year'")}
        for year, row in rows(park, "E1").items():
            assert (row["score_then"], row["grade_then"]) == (published[year]["score_i"], published[year]["grade"])
        assert rows(park, "E1", "III")[2024]["score_then"] == published[2024]["score_iii"] == 100.0

    def test_todays_index_system_may_be_another_one(self, tmp_path: Path) -> None:
        other = [system_row(), system_row(index_system_id="T", completeness="partial")]
        tables = {
            "systems": other,
            "groups": [{**group, "index_system_id": name} for name in "ST" for group in standards().base["index_groups"].select("group_id", "position", "name", "weight", "is_bonus", "group_na_policy").to_dicts()],
            "indicators": [quantitative("a"), quantitative("a", index_system_id="T")],
            "cells": [*thresholds("a"), *(row | {"index_system_id": "T"} for row in thresholds("a"))],
        }  # fmt: skip
        with Park.at(tmp_path, standards(**tables)) as park:
            park.enterprise("E1", "S", valid_to=CHANGE)
            park.enterprise("E1", "T", valid_from=CHANGE)
            for year in YEARS:
                park.efficiency("E1", "m", YEARS[year], [95.0] * 12, [100.0] * 12)
            park.night(TREND)
            found = rows(park, "E1")[2023]
            assert (found["index_system_id_then"], found["index_system_id_today"]) == ("S", "T")
            assert (found["grade_then"], found["grade_today"], found["score_today"]) == ("I", "not_gradeable", None)
            assert "partial" in found["not_gradeable_because_today"]
            assert (found["change"], found["rule_effect"]) == (None, None)

    def test_without_a_finished_year(self, park: Park) -> None:
        park.enterprise("E1", "S")
        _, summary = park.night(TREND)
        assert park.rows("grade_trend") == []
        assert "no finished year" in summary.message

    def test_who_has_no_index_system_has_a_row_that_says_so(self, park: Park) -> None:
        park.enterprise("E1", "S")
        park.enterprise("E2", None)
        year_of(park, "E1", 2025, a=95.0, b=8.0)
        park.night(TREND)
        (row,) = rows(park, "E2").values()
        assert (row["grade_then"], row["index_system_id_then"]) == ("not_gradeable", None)
        assert "names no index system" in row["not_gradeable_because_then"]


class TestLineage:
    def test_a_merger_is_followed_back(self, park: Park) -> None:
        """A and B were one after 2024: before, what they did together, as a ratio of sums, never a mean of two grades."""
        park.enterprise("A", "S", valid_to=CHANGE)
        park.enterprise("B", "S")
        park.relation("A", "B", "merged_into", CHANGE)
        year_of(park, "A", 2024, a=60.0, b=40.0, size=300.0)
        year_of(park, "B", 2024, a=100.0, b=8.0, size=100.0)
        year_of(park, "B", 2025, a=95.0, b=8.0, size=400.0)
        park.night(TREND)
        found = rows(park, "B", "III")
        assert found[2024]["lineage"] == ["B", "A"]
        # (60 x 300 + 100 x 100) / 400 = 70 % meets III; (40 x 300 + 8 x 100) / 400 = 32 L/m2 does not.
        assert found[2024]["score_then"] == 50.0
        assert found[2025]["lineage"] == ["B"]
        assert rows(park, "A") == {}, "who is no longer there has no trend of its own"
        alone = park.rows("enterprise_grade", "enterprise_id = 'B' and period_start = '2024-01-01' and period_type = 'calendar_year'")
        assert alone[0]["score_iii"] == 100.0, "what was published then stays"

    def test_a_split_looks_back_at_the_undivided_enterprise(self, park: Park) -> None:
        park.enterprise("OLD", "S")
        park.enterprise("NEW", "S", valid_from=CHANGE)
        park.relation("OLD", "NEW", "split_from", CHANGE)
        year_of(park, "OLD", 2024, a=95.0, b=8.0)
        year_of(park, "OLD", 2025, a=80.0, b=8.0)
        year_of(park, "NEW", 2025, a=71.0, b=8.0)
        park.night(TREND)
        old, new = rows(park, "OLD"), rows(park, "NEW")
        assert (new[2024]["lineage"], new[2024]["score_then"]) == (["NEW", "OLD"], old[2024]["score_then"])
        assert (new[2025]["lineage"], new[2025]["performance_effect"]) == (["NEW"], -50.0)

    def test_in_the_year_of_a_split_each_is_itself(self) -> None:
        relations = relation_frame(("OLD", "NEW", "split_from", date(2024, 7, 1)), ("X", "Y", "merged_into", date(2024, 7, 1)))
        year = (date(2024, 1, 1), date(2025, 1, 1))
        assert predecessors(relations, ["NEW", "Y", "OLD"], *year) == {"NEW": ["NEW"], "Y": ["Y", "X"], "OLD": ["OLD"]}

    def test_chains_and_circles(self) -> None:
        relations = relation_frame(
            ("A", "B", "renamed", date(2022, 1, 1)),
            ("B", "C", "merged_into", date(2023, 1, 1)),
            ("C", "A", "renamed", date(2024, 1, 1)),
            ("E", "E", "moved", date(2021, 1, 1)),
        )
        early, late = (date(2021, 1, 1), date(2022, 1, 1)), (date(2024, 1, 1), date(2025, 1, 1))
        assert predecessors(relations, ["C"], *early) == {"C": ["C", "B", "A"]}
        assert predecessors(relations, ["C", "E"], *late) == {"C": ["C"], "E": ["E"]}

    def test_relations_of_other_things_do_not_count(self) -> None:
        relations = relation_frame(("A", "B", "merged_into", date(2024, 1, 1))).with_columns(entity_kind=pl.lit("outlet"))
        assert predecessors(relations, ["B"], date(2022, 1, 1), date(2023, 1, 1)) == {"B": ["B"]}


def relation_frame(*given_rows: tuple[str, str, str, date]) -> pl.DataFrame:
    columns = ["from_id", "to_id", "relation", "effective_date"]
    return pl.DataFrame(given_rows, schema=columns, orient="row").with_columns(entity_kind=pl.lit("enterprise"))


SCORE = st.none() | st.floats(0, 100)


@given(st.lists(st.tuples(SCORE, SCORE), min_size=1, max_size=6), st.sets(st.integers(0, 5)))
def test_the_two_effects_are_the_change(drawn: list[tuple[float | None, float | None]], gaps: set[int]) -> None:
    years = [2015 + number + sum(gap <= number for gap in gaps) for number in range(len(drawn))]
    frame = pl.DataFrame(
        {
            "enterprise_id": "E1",
            "scored_grade": "I",
            "period_start": [date(year, 1, 1) for year in years],
            "score_then": [then for then, _ in drawn],
            "score_today": [today for _, today in drawn],
        },
        schema_overrides={"score_then": pl.Float64, "score_today": pl.Float64},
    )
    found = split_change(frame).to_dicts()
    for earlier, row in zip([None, *found], found, strict=False):
        follows = earlier is not None and row["period_start"].year == earlier["period_start"].year + 1
        if not follows:
            assert (row["change"], row["performance_effect"], row["rule_effect"]) == (None, None, None)
        elif row["rule_effect"] is None:
            assert row["change"] is None or row["performance_effect"] is None
        else:
            assert row["performance_effect"] + row["rule_effect"] == pytest.approx(row["change"], abs=1e-9)
