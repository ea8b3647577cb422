"""The comprehensive index method (综合评价指数法): grades from indicator values. Pure functions, frame in and frame out.

Membership is cumulative (who meets Ⅰ meets Ⅱ and Ⅲ), operators are closed intervals on unrounded values, what
does not apply gives its weight to the rest of its group, what was not reported keeps its weight and scores 0.
Where values and answers come from belongs in `assembly`, what the rules are in `index_system`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from pipelines.assessment.index_system import GRADES, Generation, WeightRule
from pipelines.assessment.order import weakest
from pipelines.contracts.states import State

MONTHS_OF_A_GRADE = 12
"""Fewer months of data and the grade is provisional."""
NOT_GRADEABLE = "not_gradeable"
NO_GRADE = "none"

PASSED = ("I", "II")
"""Grades that a score decides; III asks for every indicator."""
_NEAR = 1e-6
"""Scores this close to the pass mark are recomputed with fractions: floats of some 60 terms err by 1e-13 at most."""
_DECIMALS = 10
"""Scores are kept to this many decimals, so that the last bits of a sum cannot look like a changed score."""

OBSERVATION = pl.Schema(
    {
        "indicator_id": pl.String(), "value": pl.Float64(), "answer": pl.String(), "state": pl.String(), "measured_share": pl.Float64(),
        "months_of_data": pl.Int64(), "output_quantity": pl.Float64(), "warning": pl.String(),
    }
)  # fmt: skip
"""What is known of one indicator of one subject: a value, or a surveyed grade, and where it came from.
`output_quantity` is the output of the product kind of an alternative row, null where output is not known; `warning` is for the auditor."""


@dataclass(frozen=True)
class Assessed:
    """One row per subject, and one per subject and indicator of its system."""

    grades: pl.DataFrame
    indicators: pl.DataFrame


def assess(subjects: pl.DataFrame, observations: pl.DataFrame, rules: pl.DataFrame, systems: pl.DataFrame, key: Sequence[str]) -> Assessed:
    """Grade every subject by its index system.

    Args:
        subjects: key columns, `index_system_id`, `calendar_months` of the period. One row per subject.
        observations: key columns and those of OBSERVATION; at most one row per subject and indicator. An indicator
            without a row is missing.
        rules: IndexSystem.rules of every system named in subjects.
        systems: IndexSystem.heading of the same.
        key: columns that name a subject.
    """
    key = list(key)
    indicators = _with_observations(subjects, observations, rules, key)
    indicators = _with_product_shares(indicators, key)
    indicators = _with_levels(indicators)
    indicators = _with_weights(indicators, systems, key)
    indicators = _with_gaps(indicators)
    grades = _grades(subjects, indicators, systems, key)
    of_system = systems.select("index_system_id", "index_system_version", "rule_version")
    return Assessed(grades, indicators.join(of_system, on="index_system_id", how="left").sort(*key, "position"))


# -- per indicator ---------------------------------------------------------------------------------------------------------------------


def _with_observations(subjects: pl.DataFrame, observations: pl.DataFrame, rules: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Every indicator of the subject's system, whether or not anything is known of it: absence is a row, never a gap."""
    return (
        subjects.join(rules, on="index_system_id", how="inner")
        .join(observations, on=[*key, "indicator_id"], how="left")
        .with_columns(state=pl.col("state").fill_null(State.MISSING.value))
        .with_columns(applies=pl.col("state") != State.NOT_APPLICABLE.value)
    )


def _with_product_shares(indicators: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """In a set of alternative rows, one per kind of product, a kind that was not made does not apply.

    Where no output of the set is known nothing can be said of any of its rows: all of them are missing and
    share the weight equally, so that the set scores 0 and is seen.
    """
    by_output = pl.col("weight_rule") == WeightRule.OUTPUT_SHARE.value
    output = pl.col("output_quantity").fill_null(0.0)
    known = output.sum().over(*key, "group_id", "weight_unit") > 0
    return (
        indicators.with_columns(output_is_known=known)
        .with_columns(
            state=pl.when(by_output & ~pl.col("output_is_known") & pl.col("applies"))
            .then(pl.lit(State.MISSING.value))
            .when(by_output & pl.col("output_is_known") & (output <= 0))
            .then(pl.lit(State.NOT_APPLICABLE.value))
            .otherwise(pl.col("state"))
        )
        .with_columns(applies=pl.col("state") != State.NOT_APPLICABLE.value)
    )


def _with_levels(indicators: pl.DataFrame) -> pl.DataFrame:
    """meets_I, meets_II, meets_III (null where a threshold is not known) and the grade reached."""
    is_quantitative = pl.col("kind") == "quantitative"
    seen = pl.col("state") != State.MISSING.value
    # A ratio over nothing is no value: NaN compares as larger than any threshold.
    given = pl.when(is_quantitative).then(pl.col("value").is_finite().fill_null(False)).otherwise(pl.col("answer").is_not_null())
    present = pl.col("applies") & seen & given
    answered = pl.coalesce(
        *(pl.when(pl.col("answer") == grade).then(pl.col(f"level_of_{grade}")) for grade in (*GRADES, "none")),
        pl.lit(None, dtype=pl.Int64),
    )
    indicators = indicators.with_columns(is_present=present, answered_level=answered)
    own = {
        grade: pl.when(is_quantitative)
        .then((pl.col("value") >= pl.col(f"low_{grade}")) & (pl.col("value") <= pl.col(f"high_{grade}")))
        .otherwise(pl.col("answered_level") <= rank)
        for rank, grade in enumerate(GRADES, start=1)
    }
    indicators = indicators.with_columns(**{f"meets_{grade}": expression for grade, expression in own.items()})
    # Demands are nested: what fails a worse grade fails the better one too, which decides some whose threshold is not known.
    fails_worse = {
        grade: pl.any_horizontal(pl.lit(False), *(~pl.col(f"meets_{worse}") for worse in GRADES[at + 1 :]))
        for at, grade in enumerate(GRADES)
    }
    indicators = indicators.with_columns(
        **{
            f"meets_{grade}": pl.when(fails_worse[grade] & pl.col(f"meets_{grade}").is_null())
            .then(False)
            .otherwise(pl.col(f"meets_{grade}"))
            for grade in GRADES
        }
    )
    # Cumulative: who meets a better grade meets this one.
    cumulative = {grade: pl.any_horizontal(*(pl.col(f"meets_{better}") for better in GRADES[: at + 1])) for at, grade in enumerate(GRADES)}
    indicators = indicators.with_columns(
        **{f"meets_{grade}": pl.when("is_present").then(cumulative[grade]).otherwise(False) for grade in GRADES}
    )
    level = (
        pl.when(~pl.col("is_present"))
        .then(None)
        .when(pl.col("meets_I"))
        .then(1)
        .when(pl.col("meets_I").is_not_null() & pl.col("meets_II"))
        .then(2)
        .when(pl.col("meets_II").is_not_null() & pl.col("meets_III"))
        .then(3)
        .when(pl.col("meets_III").is_not_null() & ~pl.col("meets_III"))
        .then(4)
    )
    words = {1: "I", 2: "II", 3: "III", 4: NO_GRADE}
    return indicators.with_columns(level=level).with_columns(
        state=pl.when(pl.col("applies") & ~pl.col("is_present") & (pl.col("state") != State.STOPPED.value))
        .then(pl.lit(State.MISSING.value))
        .otherwise(pl.col("state")),
        measured_share=pl.when("is_present").then(pl.col("measured_share")),
        grade_reached=pl.when(~pl.col("is_present"))
        .then(None)
        .otherwise(pl.col("level").replace_strict(words, default="unknown", return_dtype=pl.String)),
    )


def _with_weights(indicators: pl.DataFrame, systems: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Weights after redistribution, and what each indicator adds to each score.

    A weight unit is an indicator, or a set of them that shares one weight. A unit none of whose members applies
    gives its weight to the other units of its group; a group none of whose units applies gives it to the other groups
    where the system says so, and otherwise keeps it, scores 0 and is warned about.
    """
    unit, group = [*key, "group_id", "weight_unit"], [*key, "group_id"]
    by_output = (pl.col("weight_rule") == WeightRule.OUTPUT_SHARE.value) & pl.col("output_is_known")
    indicators = (
        indicators.join(systems.select("index_system_id", "total_weight", "not_gradeable_because"), on="index_system_id", how="left")
        .with_columns(
            amount=pl.when(~pl.col("applies")).then(0.0).when(by_output).then(pl.col("output_quantity")).otherwise(1.0),
            unit_applies=pl.col("applies").any().over(unit),
            group_applies=pl.col("applies").any().over(group),
            is_first_of_unit=pl.col("indicator_id") == pl.col("indicator_id").first().over(unit),
            is_first_of_group=pl.col("indicator_id") == pl.col("indicator_id").first().over(group),
        )
        .with_columns(
            is_idle=~pl.col("group_applies") & ~pl.col("redistribute") & ~pl.col("is_bonus"),
            gives_up=~pl.col("group_applies") & pl.col("redistribute") & ~pl.col("is_bonus"),
        )
        .with_columns(
            share_of_unit=pl.col("amount") / pl.col("amount").sum().over(unit),
            weight_in_use=pl.when(pl.col("is_first_of_unit") & pl.col("unit_applies")).then(pl.col("unit_weight")).otherwise(0.0),
            weight_given_up=pl.when(pl.col("is_first_of_group") & pl.col("gives_up")).then(pl.col("group_weight")).otherwise(0.0),
        )
        .with_columns(
            weight_in_use=pl.col("weight_in_use").sum().over(group),
            weight_given_up=pl.col("weight_given_up").sum().over(key),
        )
    )
    within_group = pl.col("unit_weight") * pl.col("share_of_unit") / pl.col("weight_in_use")
    left_over = pl.col("total_weight") - pl.when("is_bonus").then(0.0).otherwise(pl.col("weight_given_up"))
    weight = pl.when("applies").then(within_group * pl.col("group_weight") / left_over).otherwise(0.0)
    indicators = indicators.with_columns(weight=pl.when(pl.col("not_gradeable_because").is_null()).then(weight))
    return indicators.with_columns(
        **{
            f"contribution_{grade}": pl.when(pl.col(f"meets_{grade}")).then(100.0 * pl.col("weight")).otherwise(pl.col("weight") * 0.0)
            for grade in GRADES
        }
    )


def _with_gaps(indicators: pl.DataFrame) -> pl.DataFrame:
    """How far the value is from the next better grade, in its own unit: 4.0 L/m2 too much, or 5.0 % too little."""
    target = pl.when("is_present").then(pl.col("level") - 1).replace(0, None)
    low = pl.coalesce(*(pl.when(target == rank).then(pl.col(f"low_{grade}")) for rank, grade in enumerate(GRADES, start=1)))
    high = pl.coalesce(*(pl.when(target == rank).then(pl.col(f"high_{grade}")) for rank, grade in enumerate(GRADES, start=1)))
    bound = pl.when(pl.col("value") > high).then(high).when(pl.col("value") < low).then(low)
    return indicators.with_columns(
        next_grade=target.replace_strict({1: "I", 2: "II", 3: "III"}, default=None, return_dtype=pl.String), next_threshold=bound
    ).with_columns(gap_to_next_grade=(pl.col("value") - pl.col("next_threshold")).abs())


# -- per subject -----------------------------------------------------------------------------------------------------------------------


def _grades(subjects: pl.DataFrame, indicators: pl.DataFrame, systems: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    grades = (
        subjects.join(systems, on="index_system_id", how="left")
        .join(_totals(indicators, systems, key), on=key, how="left")
        .with_columns(pl.col("scored_indicators").fill_null(0))
    )
    nothing_applies = (
        pl.when(pl.col("not_gradeable_because").is_null() & (pl.col("scored_indicators") == 0))
        .then(pl.lit("no indicator of the index system applies to the enterprise"))
        .otherwise(pl.col("not_gradeable_because"))
    )
    grades = grades.with_columns(not_gradeable_because=nothing_applies).with_columns(can_grade=pl.col("not_gradeable_because").is_null())
    grades = grades.join(_passes(grades, indicators, key), on=key, how="left")
    next_grade = {"none": "III", "III": "II", "II": "I"}
    months = pl.col("months_of_data")
    grades = grades.with_columns(
        **grade_and_scores(),
        provisional=months.fill_null(pl.when(pl.col("quantitative_indicators") == 0).then(pl.col("calendar_months")).otherwise(0))
        < MONTHS_OF_A_GRADE,
    ).with_columns(next_grade=pl.col("grade").replace_strict(next_grade, default=None, return_dtype=pl.String))
    short = (
        pl.when(pl.col("next_grade") == "I")
        .then(pl.col("pass_mark") - pl.col("score_i"))
        .when(pl.col("next_grade") == "II")
        .then(pl.col("pass_mark") - pl.col("score_ii"))
        .when(pl.col("next_grade") == "III")
        .then(100 - pl.col("score_iii"))
    )
    return (
        grades.with_columns(points_to_next_grade=short.clip(lower_bound=0).round(_DECIMALS))
        .join(_lists(grades, indicators, key), on=key, how="left")
        .sort(key)
    )


def grade_and_scores() -> dict[str, pl.Expr]:
    """Grade and published scores of rows with `can_grade`, `passes_I`, `passes_II`, raw scores `score_I` … and the counts of side conditions."""
    reaches_i = pl.col("passes_I") & (pl.col("limiting_short_of_I") == 0) & (pl.col("others_short_of_I") == 0)
    reaches_ii = pl.col("passes_II") & (pl.col("limiting_short_of_II") == 0) & (pl.col("others_short_of_II") == 0)
    # Every indicator meets III and none has lost its weight: that is Y_III = 100, said without a sum. A bonus cannot stand in for one.
    reaches_iii = (pl.col("short_of_III") == 0) & (pl.col("idle_indicators") == 0)
    grade = (
        pl.when(~pl.col("can_grade"))
        .then(pl.lit(NOT_GRADEABLE))
        .when(reaches_i)
        .then(pl.lit("I"))
        .when(reaches_ii)
        .then(pl.lit("II"))
        .when(reaches_iii)
        .then(pl.lit("III"))
        .otherwise(pl.lit(NO_GRADE))
    )
    score = {each: pl.col(f"score_{each}").clip(0, 100).round(_DECIMALS) for each in GRADES}
    score["III"] = pl.when(reaches_iii).then(100.0).otherwise(score["III"])
    return {"grade": grade} | {f"score_{each.lower()}": pl.when("can_grade").then(score[each]) for each in GRADES}


def passes() -> dict[str, pl.Expr]:
    """Whether raw scores reach the pass mark, as far as floats can tell."""
    return {f"passes_{each}": pl.col("can_grade") & (pl.col(f"score_{each}") >= pl.col("pass_mark")) for each in PASSED}


def in_doubt() -> pl.Expr:
    """Whether a raw score lies so near the pass mark that floats cannot tell; `exact_score` can."""
    return pl.col("can_grade") & pl.any_horizontal((pl.col(f"score_{each}") - pl.col("pass_mark")).abs() < _NEAR for each in PASSED)


def _totals(indicators: pl.DataFrame, systems: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Sums and counts that scores and side conditions are decided by."""
    ordinary = pl.col("applies") & ~pl.col("is_bonus")
    is_quantitative = pl.col("kind") == "quantitative"
    limiting, other = ordinary & pl.col("is_limiting"), ordinary & ~pl.col("is_limiting") & (pl.col("generation") == Generation.G2.value)
    fails = {grade: ~pl.col(f"meets_{grade}").fill_null(False) for grade in GRADES}
    weight = pl.when("applies").then(pl.col("weight").fill_null(1.0)).otherwise(0.0)
    return (
        indicators.join(systems.select("index_system_id", "generation"), on="index_system_id", how="left")
        .sort(*key, "position")
        .group_by(key, maintain_order=True)
        .agg(
            *(pl.col(f"contribution_{grade}").sum().alias(f"score_{grade}") for grade in GRADES),
            *((limiting & fails[grade]).sum().alias(f"limiting_short_of_{grade}") for grade in GRADES),
            (other & fails["II"]).sum().alias("others_short_of_I"),
            (other & fails["III"]).sum().alias("others_short_of_II"),
            (ordinary & fails["III"]).sum().alias("short_of_III"),
            idle_indicators=pl.col("is_idle").sum(),
            scored_indicators=ordinary.sum(),
            quantitative_indicators=(ordinary & is_quantitative).sum(),
            months_of_data=pl.col("months_of_data").filter(ordinary & is_quantitative & pl.col("is_present")).min(),
            measured_share=pl.when(ordinary.any()).then(
                ((weight * pl.col("measured_share").fill_null(0.0)).sum() / weight.sum()).round(_DECIMALS)
            ),
            state=weakest(pl.col("state").filter("applies")),
        )
    )


def _passes(grades: pl.DataFrame, indicators: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Whether the scores reach the pass mark, exactly: what floats leave in doubt is decided with fractions."""
    by_floats = grades.select(
        *key,
        "pass_mark",
        **passes(),
        in_doubt=in_doubt(),
    )
    doubtful = by_floats.filter("in_doubt").select(*key, "pass_mark")
    if doubtful.is_empty():
        return by_floats.select(*key, "passes_I", "passes_II")
    exact = [
        dict(zip(key, name, strict=True))
        | {f"exactly_{grade}": exact_score(rows, grade) >= Fraction(rows["pass_mark"][0]) for grade in PASSED}
        for name, rows in indicators.join(doubtful, on=key, how="inner").group_by(key)
    ]
    decided = pl.DataFrame(
        exact, schema={name: by_floats.schema[name] for name in key} | {"exactly_I": pl.Boolean, "exactly_II": pl.Boolean}
    )
    return by_floats.join(decided, on=key, how="left").select(
        *key, *(pl.coalesce(f"exactly_{grade}", f"passes_{grade}").alias(f"passes_{grade}") for grade in PASSED)
    )


def exact_score(rows: pl.DataFrame, grade: str) -> Fraction:
    """The score of one subject as a fraction, from its weighted indicator rows (formulas 5-1 to 5-3)."""
    groups: dict[str, dict[str, list[dict]]] = {}
    for row in rows.iter_rows(named=True):
        groups.setdefault(row["group_id"], {}).setdefault(row["weight_unit"], []).append(row)
    total = Fraction(0)
    for units in groups.values():
        living = {name: [row for row in members if row["applies"]] for name, members in units.items()}
        living = {name: members for name, members in living.items() if members}
        if not living:
            continue
        any_row = next(iter(living.values()))[0]
        weight_of_units = sum(Fraction(members[0]["unit_weight"]) for members in living.values())
        met = Fraction(0)
        for members in living.values():
            amounts = [Fraction(row["amount"]) for row in members]
            reached = sum((amount for amount, row in zip(amounts, members, strict=True) if row[f"meets_{grade}"]), Fraction(0))
            met += Fraction(members[0]["unit_weight"]) * reached / sum(amounts)
        whole = Fraction(any_row["total_weight"]) - (0 if any_row["is_bonus"] else Fraction(any_row["weight_given_up"]))
        total += Fraction(any_row["group_weight"]) / whole * met / weight_of_units
    return min(100 * total, Fraction(100))


def _lists(grades: pl.DataFrame, indicators: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Which indicators stand in the way of the next grade whatever the points, which are missing, which do not apply."""
    rows = indicators.join(grades.select(*key, "grade", "generation"), on=key, how="left").sort(*key, "position")
    ordinary = pl.col("applies") & ~pl.col("is_bonus")
    fails = {grade: ~pl.col(f"meets_{grade}").fill_null(False) for grade in GRADES}
    is_g2 = pl.col("generation") == Generation.G2.value
    blocks = (
        pl.when(pl.col("grade") == "II")
        .then(pl.when("is_limiting").then(fails["I"]).otherwise(is_g2 & fails["II"]))
        .when(pl.col("grade") == "III")
        .then(pl.when("is_limiting").then(fails["II"]).otherwise(is_g2 & fails["III"]))
        .when(pl.col("grade") == NO_GRADE)
        .then(fails["III"])
        .otherwise(False)
    )
    names = pl.col("indicator_id")
    idle_group = pl.format("no indicator of group {} applies and its weight is not redistributed: grade III is out of reach", "group_id")
    return (
        rows.group_by(key, maintain_order=True)
        .agg(
            blocking_indicators=names.filter(ordinary & blocks),
            missing_indicators=names.filter(pl.col("applies") & ~pl.col("is_present")),
            not_applicable_indicators=names.filter(~pl.col("applies")),
            idle_groups=idle_group.filter("is_idle").unique(maintain_order=True),
            observed=pl.format("{}: {}", "indicator_id", "warning").filter(pl.col("warning").is_not_null()),
        )
        .with_columns(warnings=pl.concat_list("idle_groups", "observed"))
        .drop("idle_groups", "observed")
    )
