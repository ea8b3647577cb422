"""The audit focus: the published ranking, the double-weighting trap, what is not rated, and how far a place holds."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.assessment.audit_focus import (
    AUDIT_FOCUS,
    AUDIT_FOCUS_RATING,
    AUDIT_FOCUSES,
    RATING,
    WEIGHT,
    choose_focus,
    rank,
    rate_by_figures,
    scores,
    surveyed,
)
from pipelines.assessment.method import Context, Outcome
from pipelines.assessment.parameters import rows_of_standards
from pipelines.contracts.standards import Standards

LOWEST, HIGHEST, SPREAD = 1.0, 10.0, 0.2
# Published weights of an open audit system and the ratings of three candidates.
WEIGHTS = {
    "waste_quantity": 10.0, "waste_toxicity": 9.0, "energy_consumption": 9.0, "environmental_cost": 8.0, "potential": 6.0, "cooperation": 5.0,
}  # fmt: skip
RATINGS = {"A": (9, 8, 6, 8, 7, 5), "B": (6, 4, 9, 5, 8, 7), "C": (4, 9, 5, 9, 4, 6)}
UNRATED = None


def weights(given_weights: dict[str, float] = WEIGHTS) -> pl.DataFrame:
    return pl.DataFrame([("SIX", factor, weight) for factor, weight in given_weights.items()], schema=WEIGHT, orient="row")


def ratings(given_ratings: dict[str, tuple[float | None, ...]], factors: tuple[str, ...] = tuple(WEIGHTS)) -> pl.DataFrame:
    rows = [("-", "enterprise", name, factor, r) for name, row in given_ratings.items() for factor, r in zip(factors, row, strict=True)]
    return pl.DataFrame(rows, schema=RATING, orient="row", strict=False)


def places(given_ratings: dict[str, tuple[float | None, ...]], spread: float = SPREAD) -> dict[str, dict]:
    found = rank(scores(ratings(given_ratings), weights(), LOWEST, HIGHEST), LOWEST, HIGHEST, spread)
    return {row["candidate_id"]: row for row in found.iter_rows(named=True)}


class TestPublishedRanking:
    def test_scores_and_focus(self) -> None:
        found = places(RATINGS)
        assert {name: row["score"] for name, row in found.items()} == {"A": 347.0, "B": 300.0, "C": 292.0}
        assert [found[name]["rank"] for name in "ABC"] == [1, 2, 3]
        assert [name for name, row in found.items() if row["is_focus"]] == ["A"]

    def test_how_far_the_places_hold(self) -> None:
        """A is ahead of B by 47 of 347: no weights within ±20 % change that; B and C are close and do change places."""
        found = places(RATINGS)
        assert (found["A"]["rank_best"], found["A"]["rank_worst"], found["A"]["rank_kept_share"]) == (1, 1, 1.0)
        assert (found["B"]["rank_best"], found["B"]["rank_worst"]) == (2, 3)
        assert 0.5 < found["B"]["rank_kept_share"] < 1.0
        assert [found[name]["may_be_focus"] for name in "ABC"] == [True, False, False]

    def test_the_product_is_taken_once(self) -> None:
        """Typed as R x W and weighted again, the same ratings put C behind by more than it is: such a rating is off the scale."""
        scored = scores(ratings(RATINGS), weights(), LOWEST, HIGHEST)
        assert scored.filter(pl.col("candidate_id") == "A").select("rating", "weight", "points").row(0) == (9.0, 10.0, 90.0)
        twice = {name: tuple(r * w for r, w in zip(row, WEIGHTS.values(), strict=True)) for name, row in RATINGS.items()}
        with pytest.raises(ValueError, match=r"R of waste_quantity for enterprise A is 90: must be 1 to 10, before any weight"):
            scores(ratings(twice), weights(), LOWEST, HIGHEST)


class TestNotRated:
    def test_is_not_zero(self) -> None:
        found = places({"A": RATINGS["A"], "B": (6, UNRATED, 9, 5, 8, 7)})
        b = found["B"]
        assert (b["score"], b["missing_factors"]) == (None, ["waste_toxicity"])
        assert (b["score_known"], b["score_lowest"], b["score_highest"]) == (264.0, 273.0, 354.0)

    def test_has_a_place_only_where_it_does_not_matter(self) -> None:
        open_place = places({"A": RATINGS["A"], "B": (6, UNRATED, 9, 5, 8, 7)})
        assert [open_place[name]["rank"] for name in "AB"] == [None, None], "354 would be before 347"
        assert open_place["B"]["may_be_focus"] and not open_place["B"]["is_focus"]
        settled = places({"A": (10, 10, 10, 10, 10, 10), "B": (1, UNRATED, 1, 1, 1, 1)})
        assert [settled[name]["rank"] for name in "AB"] == [1, 2]
        assert settled["A"]["is_focus"]

    def test_nobody_rated_anything(self) -> None:
        found = places({"A": (UNRATED,) * 6, "B": (UNRATED,) * 6})
        assert [(row["rank"], row["rank_best"], row["rank_worst"], row["score_known"]) for row in found.values()] == [(None, 1, 2, 0.0)] * 2


def test_equals_share_a_place() -> None:
    found = places({"A": RATINGS["A"], "B": RATINGS["A"], "C": RATINGS["C"]})
    assert [found[name]["rank"] for name in "ABC"] == [1, 1, 3]


def test_rated_by_figures() -> None:
    figures = pl.DataFrame(
        {
            "chosen_for": ["-"] * 5 + ["E1"],
            "factor_code": ["energy"] * 5 + ["idle"],
            "figure": [1000.0, 500.0, 1.0, 0.0, None, 0.0],
        }
    )
    assert rate_by_figures(figures, LOWEST, HIGHEST)["rating"].to_list() == [10.0, 5.0, 1.0, 1.0, None, 1.0]


def answer(
    subject: str, factor: str, value: float | None, on: date = date(2025, 6, 1), role: str = "auditor", kind: str = "enterprise"
) -> dict:
    return {"subject_kind": kind, "subject_id": subject, "checklist_id": "AUDIT_FOCUS", "item_id": factor, "answered_on": on,
            "surveyor_role": role, "value": value}  # fmt: skip


ANSWERS = {
    "subject_kind": pl.String, "subject_id": pl.String, "checklist_id": pl.String, "item_id": pl.String, "answered_on": pl.Date,
    "surveyor_role": pl.String, "value": pl.Float64,
}  # fmt: skip


def test_an_outside_surveyor_goes_before_the_enterprise_and_the_higher_of_two() -> None:
    rows = [
        answer("E1", "potential", 9.0, date(2025, 9, 1), "enterprise"),
        answer("E1", "potential", 4.0),
        answer("E1", "potential", 6.0, role="expert"),
        answer("E1", "potential", 10.0, date(2026, 5, 1)),
        answer("E1", "cooperation", 3.0, role="enterprise"),
    ]
    found = surveyed(pl.DataFrame(rows, schema=ANSWERS), date(2026, 1, 1))
    assert found.select("factor_code", "answer", "answer_state").rows() == [
        ("cooperation", 3.0, "self_reported"),
        ("potential", 6.0, "measured"),
    ]


# From the marts

PERIOD = ("rolling_12m", date(2025, 1, 1), date(2026, 1, 1))
CONSUMPTION = {"enterprise_id": pl.String, "process_id": pl.String, "item_code": pl.String, "month_start_date": pl.Date,
               "energy_tce_calorific": pl.Float64, "quantity": pl.Float64, "measured_share": pl.Float64, "state": pl.String}  # fmt: skip
EFFICIENCY = {"enterprise_id": pl.String, "process_id": pl.String, "product_code": pl.String, "metric_code": pl.String,
              "month_start_date": pl.Date, "numerator": pl.Float64, "measured_share": pl.Float64, "state": pl.String}  # fmt: skip


def park(shipped: Standards, answers: list[dict]) -> dict[str, pl.DataFrame]:
    """Two enterprises, of which E1 has two processes: energy is metered, waste declared."""
    energy = [("E1", None, 600.0), ("E1", "P1", 400.0), ("E1", "P2", 100.0), ("E2", None, 1200.0)]
    consumption = pl.DataFrame(
        [(e, p, "electricity", date(2025, month, 1), tce / 2, 1.0, 1.0, "measured") for e, p, tce in energy for month in (3, 4)]
        + [("E1", None, "electricity", date(2024, 12, 1), 1e6, 1.0, 1.0, "measured")],
        schema=CONSUMPTION,
        orient="row",
    )
    waste = pl.DataFrame(
        [
            ("E1", None, "ALL", "general_solid_waste_per_output", date(2025, 3, 1), 70.0, 0.0, "self_reported"),
            ("E1", None, "ALL", "hazardous_waste_per_output", date(2025, 3, 1), 30.0, 0.0, "self_reported"),
            ("E2", None, "ALL", "general_solid_waste_per_output", date(2025, 3, 1), 42.0, 0.0, "not_applicable"),
            ("E2", None, "ALL", "environmental_cost_per_output_value", date(2025, 3, 1), 1e5, 0.0, "self_reported"),
        ],
        schema=EFFICIENCY,
        orient="row",
    )
    dated = (pl.col("valid_from", "valid_to").str.to_date(), pl.lit("base").alias("origin"))
    return {
        "graded": pl.DataFrame([("E1", *PERIOD), ("E2", *PERIOD)], schema=["enterprise_id", "period_type", "period_start", "period_end"], orient="row"),
        "processes": pl.DataFrame(
            {"enterprise_id": ["E1", "E1", "E1"], "process_id": ["P1", "P2", "OLD"], "valid_from": [date(2020, 1, 1)] * 3, "valid_to": [None, None, date(2024, 1, 1)]}
        ),
        "annual_consumption": consumption.rename({"month_start_date": "year_start_date"}).clear(),
        "monthly_consumption": consumption,
        "annual_efficiency": waste.rename({"month_start_date": "year_start_date"}).clear(),
        "monthly_efficiency": waste,
        "answers": pl.DataFrame(answers, schema=ANSWERS),
        "factors": shipped.seed("focus_factors").with_columns(*dated).select(AUDIT_FOCUSES.reads["factors"].columns),
        "weights": shipped.seed("focus_weights").with_columns(*dated, pl.col("weight").cast(pl.Float64)).select(AUDIT_FOCUSES.reads["weights"].columns),
        "parameters": rows_of_standards(shipped),
    }  # fmt: skip


def run(shipped: Standards, answers: list[dict]) -> Outcome:
    return choose_focus(park(shipped, answers), Context("P", date(2026, 1, 20), shipped))


class TestFromTheMarts:
    ALL = tuple(
        answer(subject, factor, value)
        for subject, value in (("E1", 8.0), ("E2", 3.0))
        for factor in ("waste_toxicity", "environmental_cost", "potential", "cooperation", "main_consumption")
    )

    def test_figures_rate_what_they_can_and_the_survey_the_rest(self, shipped_standards: Standards) -> None:
        outcome = run(shipped_standards, list(self.ALL))
        rows = outcome.frames["audit_focus_rating"].filter((pl.col("weight_set") == "SIX_FACTORS") & (pl.col("chosen_for") == "-"))
        found = {(row["candidate_id"], row["factor_code"]): row for row in rows.iter_rows(named=True)}
        e1, e2 = found["E1", "waste_quantity"], found["E2", "waste_quantity"]
        assert (e1["figure"], e1["rating"], e1["rated_by"], e1["unit"], e1["points"]) == (100.0, 10.0, "figure", "t", 100.0)
        assert (e2["figure"], e2["rating"], e2["state"], e2["measured_share"]) == (42.0, 5.0, "self_reported", 0.0)
        assert (found["E1", "energy_consumption"]["figure"], found["E1", "energy_consumption"]["rating"]) == (600.0, 5.0)
        assert found["E2", "energy_consumption"]["rating"] == 10.0
        assert (found["E1", "potential"]["rating"], found["E1", "potential"]["rated_by"]) == (8.0, "survey")
        assert (found["E2", "environmental_cost"]["rated_by"], found["E1", "environmental_cost"]["rated_by"]) == ("figure", "survey")

    def test_the_park_has_a_focus(self, shipped_standards: Standards) -> None:
        outcome = run(shipped_standards, list(self.ALL))
        of_park = outcome.frames["audit_focus"].filter(pl.col("chosen_for") == "-")
        assert of_park.height == 4, "two enterprises by two sets of weights"
        assert of_park.filter("is_focus")["candidate_id"].to_list() == ["E1", "E1"]
        assert "focus of the park: E1 by SIX_FACTORS, E1 by TEXTBOOK" in outcome.message
        for result in (AUDIT_FOCUS, AUDIT_FOCUS_RATING):
            frame = outcome.frames[result.name]
            assert set(frame.columns) <= set(result.schema)
            assert not frame.select(result.latest.key[1:]).is_duplicated().any()

    def test_processes_are_compared_within_their_enterprise(self, shipped_standards: Standards) -> None:
        rows = run(shipped_standards, list(self.ALL)).frames["audit_focus_rating"]
        energy = rows.filter((pl.col("chosen_for") == "E1") & (pl.col("factor_code") == "energy_consumption"))
        assert dict(energy.select("candidate_id", "rating").iter_rows()) == {"P1": 10.0, "P2": 3.0}
        assert "OLD" not in set(rows["candidate_id"])

    def test_without_a_survey_the_missing_say_so(self, shipped_standards: Standards) -> None:
        outcome = run(shipped_standards, [])
        row = (
            outcome.frames["audit_focus"]
            .filter((pl.col("weight_set") == "SIX_FACTORS") & (pl.col("candidate_id") == "E1"))
            .row(0, named=True)
        )
        assert row["missing_factors"] == ["cooperation", "environmental_cost", "potential", "waste_toxicity"]
        assert (row["score"], row["rank"], row["state"]) == (None, None, "missing")
        assert row["score_known"] == 10 * 10 + 9 * 5
        assert "open, for want of ratings" in outcome.message

    def test_an_answer_off_the_scale_is_no_rating(self, shipped_standards: Standards) -> None:
        outcome = run(shipped_standards, [*self.ALL[1:], answer("E1", "waste_toxicity", 72.0)])
        assert outcome.warnings == ("enterprise E1: the survey rates waste_toxicity 72, which is not 1 to 10: it counts as not rated",)
        row = (
            outcome.frames["audit_focus"]
            .filter((pl.col("weight_set") == "SIX_FACTORS") & (pl.col("candidate_id") == "E1"))
            .row(0, named=True)
        )
        assert row["missing_factors"] == ["waste_toxicity"]


def test_both_published_sets_of_weights_ship(shipped_standards: Standards) -> None:
    rows = shipped_standards.seed("focus_weights")
    six = dict(rows.filter(pl.col("weight_set") == "SIX_FACTORS").select("factor_code", pl.col("weight").cast(pl.Float64)).iter_rows())
    assert six == WEIGHTS
    textbook = rows.filter(pl.col("weight_set") == "TEXTBOOK").select(pl.col("weight_low", "weight", "weight_high").cast(pl.Float64))
    assert textbook.filter(~pl.col("weight").is_between(pl.col("weight_low"), pl.col("weight_high"))).is_empty()
    known = set(shipped_standards.seed("focus_factors")["factor_code"])
    assert set(rows["factor_code"]) <= known


R = st.none() | st.integers(1, 10)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(R, R, R), min_size=1, max_size=5),
    st.tuples(*[st.floats(0.8, 1.2)] * 3),
    st.lists(st.integers(1, 10), min_size=15, max_size=15),
)
def test_no_weights_inside_the_bounds_leave_the_range_of_places(drawn: list[tuple], factors: tuple[float, ...], filled: list[int]) -> None:
    names = ("waste_quantity", "waste_toxicity", "energy_consumption")
    given_ratings = {f"C{number}": row for number, row in enumerate(drawn)}
    given_weights = {name: WEIGHTS[name] for name in names}
    found = rank(scores(ratings(given_ratings, names), weights(given_weights), LOWEST, HIGHEST), LOWEST, HIGHEST, SPREAD)
    fill = iter(filled)
    sums = [
        sum((next(fill) if r is None else r) * given_weights[name] * factor for r, name, factor in zip(row, names, factors, strict=True))
        for row in drawn
    ]
    for row, own in zip(found.iter_rows(named=True), sums, strict=True):
        place = 1 + sum(other > own + 1e-6 for other in sums)
        assert row["rank_best"] <= place <= row["rank_worst"]
        assert row["rank"] is None or row["rank_best"] <= row["rank"] <= row["rank_worst"]
