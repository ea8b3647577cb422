"""The audit focus (审核重点) by the weighted-sum ranking (权重总和计分排序法): which enterprise of the park, which process of an enterprise.

R rates a candidate by a factor, W weighs the factor; both stand apart, and their product is taken once, here. What a figure
rates is stated in the standards, what only people can judge comes from the survey AUDIT_FOCUS. A factor nobody rated is not
rated 0: the candidate's score is then a range, and its place too.
"""

import itertools
from datetime import date

import numpy as np
import polars as pl

from pipelines.assessment.columns import MEASURED_SHARE, OF_THE_PARK, PERIOD, VERIFICATION
from pipelines.assessment.enterprise_index import OWN_ROLES
from pipelines.assessment.in_force import in_force
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.order import least_sure, least_sure_of, weakest
from pipelines.assessment.parameters import PARAMETERS, parameter
from pipelines.contracts.records import BOOL, COUNT, NUMBER, STATE, TEXT, TEXTS, Column
from pipelines.contracts.states import State

CHECKLIST = "AUDIT_FOCUS"
CANDIDATE_KINDS = ("enterprise", "process")
WHOLE_PARK = "-"
"""Choice that the park's enterprises are the candidates of; the processes of an enterprise are candidates of that enterprise."""

_MOST_FACTORS = 12
"""Every corner of the weights' bounds is looked at: 2 to the power of the factors."""
_ALIKE = 1e-9
"""Scores this close are equal: they are sums of products of small numbers."""

RATING = pl.Schema(
    {
        "chosen_for": pl.String(), "candidate_kind": pl.String(), "candidate_id": pl.String(), "factor_code": pl.String(),
        "rating": pl.Float64(),
    }
)  # fmt: skip
"""R of a candidate by a factor; null where nobody knows it. `chosen_for` names the choice: candidates of one are compared."""
WEIGHT = pl.Schema({"weight_set": pl.String(), "factor_code": pl.String(), "weight": pl.Float64()})
_PERIOD = ("period_type", "period_start", "period_end")
_CHOICE = ["weight_set", "candidate_kind", "chosen_for"]


def rate_by_figures(figures: pl.DataFrame, lowest: float, highest: float) -> pl.DataFrame:
    """R from figures: the largest of the candidates compared is rated `highest`, the others by their share of it.

    R is a whole number, the next above the share's place on the scale, so that no figure above 0 is rated away; a figure of 0
    is rated `lowest`, and one that is not known is not rated.

    Args:
        figures: `chosen_for`, `factor_code`, `figure` (null where not known), and whatever else names the row.
    """
    choice = ["chosen_for", "factor_code"]
    largest = pl.col("figure").max().over(choice)
    # What nobody has any of tells nobody apart: all are rated lowest.
    share = pl.when(largest > 0).then(pl.col("figure").clip(lower_bound=0) / largest).otherwise(pl.col("figure") * 0.0)
    return figures.with_columns(rating=(share * highest).round(9).ceil().clip(lowest, highest))


def scores(ratings: pl.DataFrame, weights: pl.DataFrame, lowest: float, highest: float) -> pl.DataFrame:
    """R, W and their product for every candidate, set of weights and factor of the set: one row each.

    Args:
        ratings: as RATING; a factor without a row is not known.
        weights: as WEIGHT.
        lowest, highest: Bounds of R; a rating outside them raises ValueError with the row.
    """
    outside = ratings.filter(~pl.col("rating").is_between(lowest, highest))
    if not outside.is_empty():
        row = outside.row(0, named=True)
        raise ValueError(
            f"R of {row['factor_code']} for {row['candidate_kind']} {row['candidate_id']} is {row['rating']:g}: "
            f"must be {lowest:g} to {highest:g}, before any weight"
        )
    candidates = ratings.select("chosen_for", "candidate_kind", "candidate_id").unique(maintain_order=True)
    return (
        candidates.join(weights, how="cross")
        .join(ratings, on=["chosen_for", "candidate_kind", "candidate_id", "factor_code"], how="left")
        .with_columns(points=pl.col("rating") * pl.col("weight"))
    )


def rank(scored: pl.DataFrame, lowest: float, highest: float, spread: float) -> pl.DataFrame:
    """Score and place of every candidate, and how far both hold.

    A candidate with a factor that nobody rated has no score but a range, as if rated `lowest` and as if rated `highest`; a place
    it has where its place is the same whatever is not known. `rank_best` and `rank_worst` are places over every corner of the
    weights raised and lowered by `spread`, with what is not known taken in its favour and against it: scores are linear in the
    weights, so that no weights inside the bounds put it before a candidate that it is behind at every corner.

    Args:
        scored: as `scores` gives it.
        spread: 0.2 varies every W by ±20 %.
    """
    return pl.concat(_ranked(of_choice, lowest, highest, spread) for _, of_choice in scored.group_by(_CHOICE, maintain_order=True))


def _ranked(of_choice: pl.DataFrame, lowest: float, highest: float, spread: float) -> pl.DataFrame:
    candidates = of_choice.group_by([*_CHOICE, "candidate_id"], maintain_order=True).agg(
        score=pl.when(pl.col("rating").is_not_null().all()).then(pl.col("points").sum()),
        score_known=pl.col("points").sum(),
        missing_factors=pl.col("factor_code").filter(pl.col("rating").is_null()),
        score_lowest=(pl.col("rating").fill_null(lowest) * pl.col("weight")).sum(),
        score_highest=(pl.col("rating").fill_null(highest) * pl.col("weight")).sum(),
    )
    factors = of_choice["factor_code"].unique(maintain_order=True).to_list()
    if len(factors) > _MOST_FACTORS:
        raise ValueError(f"a set of {len(factors)} factors: at most {_MOST_FACTORS} are compared")
    weights = dict(of_choice.select("factor_code", "weight").iter_rows())
    matrix = of_choice.pivot("factor_code", index="candidate_id", values="rating", maintain_order=True).select(factors).to_numpy()
    weight = np.array([weights[factor] for factor in factors], dtype=float)
    signs = np.array(list(itertools.product((1 - spread, 1 + spread), repeat=len(factors))), dtype=float)
    at_best, at_worst = (np.where(np.isnan(matrix), bound, matrix) for bound in (highest, lowest))
    corners = signs * weight
    best = _places(at_best @ corners.T, at_worst @ corners.T)
    worst = _places(at_worst @ corners.T, at_best @ corners.T)
    now_best = _places((at_best @ weight)[:, None], (at_worst @ weight)[:, None])[:, 0]
    now_worst = _places((at_worst @ weight)[:, None], (at_best @ weight)[:, None])[:, 0]
    settled = now_best == now_worst
    kept = ((best == now_best[:, None]) & (worst == now_best[:, None])).mean(axis=1)
    return candidates.with_columns(
        pl.Series(
            "rank", [int(place) if is_settled else None for place, is_settled in zip(now_best, settled, strict=True)], dtype=pl.Int64
        ),
        pl.Series("rank_best", best.min(axis=1), dtype=pl.Int64),
        pl.Series("rank_worst", worst.max(axis=1), dtype=pl.Int64),
        pl.Series("rank_kept_share", [float(share) if ok else None for share, ok in zip(kept, settled, strict=True)], dtype=pl.Float64),
    ).with_columns(is_focus=(pl.col("rank") == 1).fill_null(False), may_be_focus=pl.col("rank_best") == 1)


def _places(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Place of each row, by column: 1 and one more for every other row whose value is above its own. Equals share a place."""
    above = others[None, :, :] > own[:, None, :] + _ALIKE
    rows = np.arange(own.shape[0])
    above[rows, rows, :] = False
    return 1 + above.sum(axis=1)


# -- from the marts and the survey -----------------------------------------------------------------------------------------------------

_SUBJECT = ["chosen_for", "candidate_kind", "candidate_id"]


def candidates_of(graded: pl.DataFrame, processes: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """Who and what may become the focus in a period: the park's enterprises, and the processes of each of them."""
    enterprises = graded.select("enterprise_id").unique().sort("enterprise_id")
    held = (pl.col("valid_from") < end) & (pl.col("valid_to").is_null() | (pl.col("valid_to") > start))
    own = processes.filter(held).select("enterprise_id", "process_id").unique().join(enterprises, on="enterprise_id").sort(pl.all())
    return pl.concat(
        [
            enterprises.select(
                chosen_for=pl.lit(WHOLE_PARK),
                candidate_kind=pl.lit("enterprise"),
                candidate_id="enterprise_id",
                enterprise_id="enterprise_id",
            ),
            own.select(
                chosen_for="enterprise_id", candidate_kind=pl.lit("process"), candidate_id="process_id", enterprise_id="enterprise_id"
            ),
        ]
    )


def figures_of(consumption: pl.DataFrame, efficiency: pl.DataFrame, factors: pl.DataFrame) -> pl.DataFrame:
    """Figures of one period by enterprise, process (null: the whole enterprise) and factor, with the state of what they are made of.

    Args:
        consumption: rows of the consumption mart inside the period.
        efficiency: rows of the efficiency mart inside it, whose numerators are sums in their own unit.
        factors: factor_code, source, codes, measure, unit.
    """
    parts = []
    for factor in factors.filter(pl.col("source") != "survey").iter_rows(named=True):
        codes = factor["codes"].split("+")
        if factor["source"] == "consumption":
            rows = consumption.filter((pl.lit("ALL").is_in(codes)) | pl.col("item_code").is_in(codes)).with_columns(
                figure=pl.col(factor["measure"])
            )
        else:
            # The row's state speaks of the ratio; a numerator that is there is whole, whatever it was to be divided by.
            of_ratio = pl.col("state").is_in([State.MISSING.value, State.NOT_APPLICABLE.value])
            declared = (
                pl.when(pl.col("measured_share") >= 1).then(pl.lit(State.MEASURED.value)).otherwise(pl.lit(State.SELF_REPORTED.value))
            )
            rows = efficiency.filter(pl.col("metric_code").is_in(codes) & (pl.col("product_code") == "ALL")).with_columns(
                figure=pl.col(factor["measure"]), state=pl.when(of_ratio).then(declared).otherwise("state")
            )
        known = pl.col("figure").is_not_null()
        weighed = (pl.col("figure").abs() * pl.col("measured_share")).filter(known).sum()
        size = pl.col("figure").abs().filter(known & pl.col("measured_share").is_not_null()).sum()
        parts.append(
            rows.group_by("enterprise_id", "process_id", maintain_order=True).agg(
                factor_code=pl.lit(factor["factor_code"]).first(),
                figure=pl.when(known.any()).then(pl.col("figure").sum()),
                unit=pl.lit(factor["unit"]).first(),
                state=weakest(pl.col("state").filter(known)),
                measured_share=pl.when(size > 0).then(weighed / size),
            )
        )
    schema = {"enterprise_id": pl.String, "process_id": pl.String, "factor_code": pl.String, "figure": pl.Float64, "unit": pl.String, "state": pl.String, "measured_share": pl.Float64}  # fmt: skip
    return pl.concat([pl.DataFrame(schema=schema), *(part.select(list(schema)) for part in parts)])


def surveyed(answers: pl.DataFrame, end: date) -> pl.DataFrame:
    """R of the survey as it holds at the end of a period: the latest of an outside surveyor, else of the enterprise itself.

    Of two that differ on one day the higher counts: it is looked at rather once too often.
    """
    key = ["subject_kind", "subject_id", "item_id"]
    return (
        answers.filter((pl.col("checklist_id") == CHECKLIST) & (pl.col("answered_on") < end) & pl.col("value").is_not_null())
        .with_columns(is_own=pl.col("surveyor_role").is_in(OWN_ROLES))
        .sort(*key, "is_own", "answered_on", "value", descending=[False, False, False, False, True, True])
        .unique(key, keep="first", maintain_order=True)
        .select(
            candidate_kind="subject_kind",
            candidate_id="subject_id",
            factor_code="item_id",
            answer="value",
            answer_state=pl.when("is_own").then(pl.lit(State.SELF_REPORTED.value)).otherwise(pl.lit(State.MEASURED.value)),
        )
    )


def choose_focus(frames: Frames, context: Context) -> Outcome:
    """Ratings and ranking for every period that the grades are of, every set of weights, the park and each of its enterprises."""
    ratings, ranked, warnings = [], [], []
    for period_type, start, end in (
        frames["graded"].filter(pl.col("period_type").is_in(OF_THE_PARK)).select(_PERIOD).unique().sort(pl.all()).iter_rows()
    ):
        last_day = date.fromordinal(end.toordinal() - 1)
        lowest, highest, spread = (
            parameter(frames["parameters"], "audit_focus", name, last_day) for name in ("rating_lowest", "rating_highest", "weight_spread")
        )
        of_period = (pl.col("period_type") == period_type) & (pl.col("period_start") == start) & (pl.col("period_end") == end)
        candidates = candidates_of(frames["graded"].filter(of_period), frames["processes"], start, end)
        grain, starts_on = ("annual", "year_start_date") if period_type == "calendar_year" else ("monthly", "month_start_date")
        inside = (pl.col(starts_on) >= start) & (pl.col(starts_on) < end)
        factors = in_force(frames["factors"], last_day, ["factor_code"]).sort("factor_code")
        figures = figures_of(frames[f"{grain}_consumption"].filter(inside), frames[f"{grain}_efficiency"].filter(inside), factors)
        rated, wrong = _rated(candidates, factors, figures, surveyed(frames["answers"], end), lowest, highest)
        if period_type == "rolling_12m":
            warnings += wrong
        weights = in_force(frames["weights"], last_day, ["weight_set", "factor_code"]).sort("weight_set", "factor_code")
        scored = scores(rated.select(RATING.names()), weights.select(WEIGHT.names()), lowest, highest)
        in_period = {"period_type": pl.lit(period_type), "period_start": pl.lit(start), "period_end": pl.lit(end)}
        full = scored.join(rated.drop("rating"), on=[*_SUBJECT, "factor_code"], how="left").join(
            weights.select("weight_set", "factor_code", weight_status="verification_status"), on=["weight_set", "factor_code"]
        )
        full = full.with_columns(
            verification_status=least_sure_of("weight_status", "factor_status"), state=pl.col("state").fill_null(State.MISSING.value)
        )
        about = full.group_by(*_CHOICE, "candidate_id").agg(
            pl.col("enterprise_id").first(), state=weakest(pl.col("state")), verification_status=least_sure(pl.col("verification_status"))
        )
        places = rank(scored, lowest, highest, spread).join(about, on=[*_CHOICE, "candidate_id"], how="left")
        ratings.append(full.select(name for name in AUDIT_FOCUS_RATING.schema if name in full.columns).with_columns(**in_period))
        ranked.append(places.with_columns(**in_period))
    if not ranked:
        return Outcome({result.name: result.empty() for result in (AUDIT_FOCUS, AUDIT_FOCUS_RATING)}, "no period to choose a focus in")
    places = pl.concat(ranked)
    latest = places.filter((pl.col("period_type") == "rolling_12m") & (pl.col("chosen_for") == WHOLE_PARK) & pl.col("is_focus"))
    found = ", ".join(f"{name} by {weight_set}" for weight_set, name in latest.select("weight_set", "candidate_id").iter_rows())
    return Outcome(
        {AUDIT_FOCUS.name: places, AUDIT_FOCUS_RATING.name: pl.concat(ratings)},
        f"{places.height} candidates ranked; focus of the park: {found or 'open, for want of ratings'}",
        tuple(warnings),
    )


def _rated(
    candidates: pl.DataFrame, factors: pl.DataFrame, figures: pl.DataFrame, answers: pl.DataFrame, lowest: float, highest: float
) -> tuple[pl.DataFrame, list[str]]:
    """Every candidate and factor with its rating, where it comes from, and what to tell the auditor of answers off the scale."""
    asked = candidates.join(factors.select("factor_code", factor_status="verification_status"), how="cross")
    whole, parts = figures.filter(pl.col("process_id").is_null()), figures.filter(pl.col("process_id").is_not_null())
    about = pl.concat(
        [
            whole.with_columns(candidate_kind=pl.lit("enterprise"), candidate_id="enterprise_id"),
            parts.with_columns(candidate_kind=pl.lit("process"), candidate_id="process_id"),
        ]
    ).drop("enterprise_id", "process_id")
    joined = asked.join(about, on=["candidate_kind", "candidate_id", "factor_code"], how="left")
    by_figure = rate_by_figures(joined, lowest, highest)
    both = by_figure.join(answers, on=["candidate_kind", "candidate_id", "factor_code"], how="left")
    on_scale = pl.col("answer").is_between(lowest, highest)
    off_scale = both.filter(~on_scale & pl.col("rating").is_null()).select("candidate_kind", "candidate_id", "factor_code", "answer")
    told = [
        f"{kind} {subject}: the survey rates {factor} {answer:g}, which is not {lowest:g} to {highest:g}: it counts as not rated"
        for kind, subject, factor, answer in off_scale.unique(maintain_order=True).iter_rows()
    ]
    has_figure = pl.col("rating").is_not_null()
    usable = pl.when(on_scale).then(pl.col("answer"))
    return both.with_columns(
        rating=pl.coalesce("rating", usable),
        rated_by=pl.when(has_figure).then(pl.lit("figure")).when(usable.is_not_null()).then(pl.lit("survey")),
        state=pl.when(has_figure).then(pl.col("state")).when(usable.is_not_null()).then(pl.col("answer_state")),
        measured_share=pl.when(has_figure).then(pl.col("measured_share")),
    ).drop("answer", "answer_state"), told


_KEY = (
    *PERIOD,
    Column("weight_set", TEXT, "Set of weights (reference.focus_weight).", required=True),
    Column("candidate_kind", TEXT, "What may become the focus: an enterprise of the park, or a process of an enterprise.", required=True, allowed=CANDIDATE_KINDS),
    Column("chosen_for", TEXT, "`-`: the park's enterprises are compared; else the enterprise whose processes are.", required=True),
    Column("candidate_id", TEXT, "Enterprise or process.", required=True),
)  # fmt: skip
AUDIT_FOCUS = Result(
    "audit_focus",
    "One row per period, set of weights and candidate for the audit focus",
    _KEY,
    (
        Column("enterprise_id", TEXT, "Enterprise it is or belongs to."),
        Column("score", NUMBER, "Sum of R x W; null where a factor is not rated."),
        Column("score_known", NUMBER, "Sum of R x W over the factors that are rated."),
        Column("score_lowest", NUMBER, "Sum if what is not rated were rated lowest."),
        Column("score_highest", NUMBER, "Sum if what is not rated were rated highest."),
        Column("missing_factors", TEXTS, "Factors that neither a figure nor a survey rates."),
        Column("rank", COUNT, "Place, 1 first; equals share one; null where what is not rated decides."),
        Column("rank_best", COUNT, "Best place over all weights inside their bounds, what is not rated taken in its favour."),
        Column("rank_worst", COUNT, "Worst place over all weights inside their bounds, what is not rated taken against it."),
        Column("rank_kept_share", NUMBER, "Share of the corners of the weights' bounds at which it keeps its place, 0 to 1; null without a place."),
        Column("is_focus", BOOL, "Whether it has the first place.", required=True),
        Column("may_be_focus", BOOL, "Whether some weights inside the bounds give it the first place.", required=True),
        STATE,
        VERIFICATION,
    ),
)  # fmt: skip
AUDIT_FOCUS_RATING = Result(
    "audit_focus_rating",
    "One row per period, set of weights, candidate for the audit focus and factor",
    (*_KEY, Column("factor_code", TEXT, "Factor (reference.focus_factor).", required=True)),
    (
        Column("rating", NUMBER, "R of the candidate, before any weight; null where nobody rated it."),
        Column("weight", NUMBER, "W of the factor.", required=True),
        Column("points", NUMBER, "R x W."),
        Column("rated_by", TEXT, "figure: share of the largest among those compared; survey: an answer of AUDIT_FOCUS; null where neither.", allowed=("figure", "survey")),
        Column("figure", NUMBER, "What a figure rates it by, in unit."),
        Column("unit", TEXT, "Unit of the figure."),
        MEASURED_SHARE,
        STATE,
        VERIFICATION,
    ),
)  # fmt: skip

_CONSUMPTION = "enterprise_id, process_id, item_code, {date}, energy_tce_calorific, quantity, measured_share, state"
_EFFICIENCY = "enterprise_id, process_id, product_code, metric_code, {date}, numerator, measured_share, state"
AUDIT_FOCUSES = Method(
    name="audit_focus",
    version="1",
    description="Enterprises and processes by weighted sum for the audit focus (权重总和计分排序法).",
    reads={
        "graded": Source.of("assessment.enterprise_grade", "enterprise_id, period_type, period_start, period_end"),
        "processes": Source.of("staging.stg_processes", "enterprise_id, process_id, valid_from, valid_to"),
        "annual_consumption": Source.of("marts.enterprise_consumption_annual", _CONSUMPTION.format(date="year_start_date")),
        "monthly_consumption": Source.of("marts.enterprise_consumption_monthly", _CONSUMPTION.format(date="month_start_date")),
        "annual_efficiency": Source.of("marts.enterprise_efficiency_annual", _EFFICIENCY.format(date="year_start_date")),
        "monthly_efficiency": Source.of("marts.enterprise_efficiency_monthly", _EFFICIENCY.format(date="month_start_date")),
        "answers": Source.of(
            "staging.stg_survey_answers", "subject_kind, subject_id, checklist_id, item_id, answered_on, surveyor_role, value"
        ),
        "factors": Source.of(
            "reference.focus_factor", "factor_code, source, codes, measure, unit, verification_status, origin, valid_from, valid_to"
        ),
        "weights": Source.of(
            "reference.focus_weight", "weight_set, factor_code, weight, verification_status, origin, valid_from, valid_to"
        ),
        "parameters": PARAMETERS,
    },
    results=(AUDIT_FOCUS, AUDIT_FOCUS_RATING),
    run=choose_focus,
)
