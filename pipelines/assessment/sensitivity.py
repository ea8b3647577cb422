"""How far a grade holds: would other weights change it, what was not reported, or another vintage of a factor?

Scenarios are a fixed set: each weight raised and lowered alone, all weights moved at once by a fixed sample of their ranges,
what is missing taken at its best and at its worst, and each other edition of a factor of energy or carbon (`vintages`). Values
are scored like the original, by `index.assess`; of weights only the weighted sums are made anew, for all scenarios at once.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.assessment.columns import ENTERPRISE, PERIOD, VERIFICATION
from pipelines.assessment.enterprise_index import KEY
from pipelines.assessment.in_force import in_force
from pipelines.assessment.index import NO_GRADE, Assessed, assess, grade_and_scores, in_doubt, passes
from pipelines.assessment.index_system import GRADES, load_index_systems
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result
from pipelines.assessment.moves import applied, moves_of
from pipelines.assessment.parameters import PARAMETERS, parameter
from pipelines.assessment.rescore import GRADES_OF_BUILD, INDICATORS_OF_BUILD, Scorable, scorable
from pipelines.assessment.tables import GRADE_WORDS, INDEX_SYSTEM_ID, RULE_VERSION
from pipelines.assessment.vintages import SOURCES, changes, ratios
from pipelines.contracts.records import COUNT, NUMBER, STATE, TEXT, TEXTS, Column

METHOD = "grade_sensitivity-2"
KINDS = ("group_weights", "indicator_weights", "all_weights", "missing_items", "factor_vintages")
_AT_ONCE = 400_000
"""Indicator rows scored with fractions in one go: bounds memory."""
_FLIPS_SHOWN = 12
_SUBJECT = [*KEY, "index_system_id"]
_GROUP = ["period_type", "period_start", "period_end", "index_system_id"]
_SCORES = ("score_i", "score_ii", "score_iii")
_RANK = {grade: rank for rank, grade in enumerate((*GRADES, NO_GRADE), start=1)}


@dataclass(frozen=True)
class Scenario:
    """Weights of one index system multiplied by factors; whatever is not named keeps its own. Sums are made 1 again by the method."""

    kind: str
    label: str
    groups: dict[str, float]
    units: dict[tuple[str, str], float]


# -- which weights ---------------------------------------------------------------------------------------------------------------------


def scenarios(rules: pl.DataFrame, spread: float, joint: int) -> list[Scenario]:
    """The fixed set of one index system: every group and every weight inside a group alone, up and down, then all at once.

    Args:
        rules: IndexSystem.rules.
        spread: 0.2 raises and lowers by 20 %.
        joint: How many scenarios move all weights at once.
    """
    units = list(rules.sort("position").select("group_id", "weight_unit").unique(maintain_order=True).iter_rows())
    groups = list(dict.fromkeys(group for group, _ in units))
    ordinary = set(rules.filter(~pl.col("is_bonus"))["group_id"])
    members = {group: [unit for of, unit in units if of == group] for group in groups}
    # A weight that stands alone is 1 of its sum whatever one multiplies it with.
    free_groups = [group for group in groups if group not in ordinary or len(ordinary) > 1]
    free_units = [(group, unit) for group, unit in units if len(members[group]) > 1]
    found = []
    for sign in (1, -1):
        factor, percent = 1 + sign * spread, f"{'+' if sign > 0 else '−'}{100 * spread:g} %"
        found += [Scenario("group_weights", f"{group} {percent}", {group: factor}, {}) for group in free_groups]
        found += [Scenario("indicator_weights", f"{unit} {percent}", {}, {(group, unit): factor}) for group, unit in free_units]
    axes = [*free_groups, *free_units]
    if axes and joint > 0:
        found += [
            Scenario("all_weights", f"all weights {number}", dict(zip(free_groups, row, strict=False)), dict(zip(free_units, row[len(free_groups) :], strict=True)))
            for number, row in enumerate(_sample(len(axes), joint, spread), start=1)
        ]  # fmt: skip
    return found


def _sample(dimensions: int, count: int, spread: float) -> list[list[float]]:
    """Factors between 1 − spread and 1 + spread: a Latin hypercube, which covers each weight's range evenly; the same every time."""
    generator = np.random.default_rng(0)
    strata = generator.permuted(np.tile(np.arange(count), (dimensions, 1)), axis=1)
    # numpy alone: scipy's own takes two seconds of a night to import.
    return (1 + spread * (2 * (strata.T + 0.5) / count - 1)).tolist()


def perturbed(rules: pl.DataFrame, heading: pl.DataFrame, number: int, scenario: Scenario) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rules and heading of an index system under a scenario, under a name of their own."""
    name = f"{heading['index_system_id'][0]}#{number}"
    group = pl.col("group_id").replace_strict(scenario.groups, default=1.0, return_dtype=pl.Float64)
    unit = pl.concat_str("group_id", pl.lit("/"), "weight_unit").replace_strict(
        {f"{group}/{unit}": factor for (group, unit), factor in scenario.units.items()}, default=1.0, return_dtype=pl.Float64
    )
    changed = rules.with_columns(
        index_system_id=pl.lit(name), group_weight=pl.col("group_weight") * group, unit_weight=pl.col("unit_weight") * unit
    )
    total = changed.filter(~pl.col("is_bonus")).unique("group_id")["group_weight"].sum()
    return changed, heading.with_columns(index_system_id=pl.lit(name), total_weight=pl.lit(float(total)))


def raw_scores(indicators: pl.DataFrame, every: Sequence[Scenario]) -> dict[str, np.ndarray]:
    """Scores before they are clipped, by grade: subjects × scenarios, in their orders. Formulas 5-2 and 5-3 of `index` with other weights.

    Args:
        indicators: Assessed.indicators of one index system: by subject, then by position.
    """
    units = (
        indicators.group_by(*KEY, "group_id", "weight_unit", maintain_order=True)
        .agg(
            pl.col("group_weight", "unit_weight", "is_bonus", "redistribute").first(),
            pl.col("applies").any(),
            **{
                grade: pl.col("share_of_unit").filter(pl.col("applies") & pl.col(f"meets_{grade}").fill_null(False)).sum()
                for grade in GRADES
            },
        )
        .with_columns(number=pl.int_range(pl.len()).over("group_id", "weight_unit"))
    )
    shape = (units["number"].max() + 1, len(every))
    total, given_up = np.zeros(len(every)), np.zeros(shape)
    ordinary, bonus = ({grade: np.zeros(shape) for grade in GRADES} for _ in range(2))
    for (group,), members in units.group_by("group_id", maintain_order=True):
        in_use, met = np.zeros(shape), {grade: np.zeros(shape) for grade in GRADES}
        # One weight after the other and not as a product of matrices, whose last bits depend on where a row stands: equals stay equal.
        for (unit,), rows in members.group_by("weight_unit", maintain_order=True):
            weight = rows["unit_weight"][0] * np.array([each.units.get((group, unit), 1.0) for each in every])
            in_use += rows["applies"].to_numpy()[:, None] * weight
            for grade in GRADES:
                met[grade] += rows[grade].to_numpy()[:, None] * weight
        first = members.row(0, named=True)
        weight = first["group_weight"] * np.array([each.groups.get(group, 1.0) for each in every])
        lives = in_use > 0
        if not first["is_bonus"]:
            total += weight
            if first["redistribute"]:
                given_up += ~lives * weight
        for grade in GRADES:
            within = np.divide(met[grade], in_use, out=np.zeros(shape), where=lives)
            (bonus if first["is_bonus"] else ordinary)[grade] += weight * within
    left = total - given_up
    return {
        grade: 100.0 * (np.divide(ordinary[grade], left, out=np.zeros(shape), where=left > 0) + bonus[grade] / total) for grade in GRADES
    }


# -- what becomes of the grades --------------------------------------------------------------------------------------------------------


def under_weights(scored: Scorable, now: Assessed, spread: float, joint: int) -> pl.DataFrame:
    """Grade, scores and place of every subject under every scenario of its index system: `kind` and `label` say which.

    Weights change no level and no side condition: only the scores are made anew.

    Args:
        now: What `scored` amounts to as it stands.
    """
    parts = []
    for heading in scored.systems.partition_by("index_system_id", maintain_order=True):
        rules = scored.rules.join(heading, on="index_system_id", how="semi")
        every = scenarios(rules, spread, joint)
        subjects = now.grades.join(heading, on="index_system_id", how="semi")
        if not every or subjects.is_empty():
            continue
        raw = raw_scores(now.indicators.join(heading, on="index_system_id", how="semi"), every)
        about = pl.DataFrame({"kind": [each.kind for each in every], "label": [each.label for each in every]}).with_row_index("number")
        graded = (
            subjects.select(*_SUBJECT, "can_grade", "pass_mark", "idle_indicators", pl.col("^.*short_of_.*$"))
            .join(about, how="cross", maintain_order="left_right")
            .with_columns(**{f"score_{grade}": raw[grade].ravel() for grade in GRADES})
            .with_columns(**passes())
            .with_columns(**grade_and_scores(), in_doubt=in_doubt())
        )
        doubtful = graded.filter("in_doubt").select(*KEY, "number")
        parts.append(
            graded.join(_exact_grades(scored, rules, heading, every, doubtful), on=[*KEY, "number"], how="left", maintain_order="left")
            .with_columns(grade=pl.coalesce("exact_grade", "grade"))
            .select(*_SUBJECT, "kind", "label", "grade", *_SCORES)
        )
    return with_places(pl.concat(parts), [*_GROUP, "kind", "label"]) if parts else pl.DataFrame()


def _exact_grades(
    scored: Scorable, rules: pl.DataFrame, heading: pl.DataFrame, every: Sequence[Scenario], doubtful: pl.DataFrame
) -> pl.DataFrame:
    """`exact_grade` of subjects and scenarios (`number`) whose score lies at the pass mark: scored like the original, with fractions."""
    own = heading["index_system_id"][0]
    numbers = doubtful["number"].unique().sort().to_list()
    at_once = max(1, _AT_ONCE // max(1, scored.subjects.height * rules.height))
    found = [doubtful.with_columns(exact_grade=pl.lit(None, pl.String)).clear()]
    for start in range(0, len(numbers), at_once):
        changed = [perturbed(rules, heading, number, every[number]) for number in numbers[start : start + at_once]]
        asked = doubtful.filter(pl.col("number").is_in(numbers[start : start + at_once])).with_columns(
            index_system_id=pl.format("{}#{}", pl.lit(own), "number")
        )
        grades = assess(
            scored.subjects.drop("index_system_id").join(asked.drop("number"), on=KEY),
            scored.observations.join(asked.drop("number"), on=KEY),
            pl.concat([each for each, _ in changed]),
            pl.concat([each for _, each in changed]),
            _SUBJECT,
        ).grades
        found.append(asked.join(grades, on=_SUBJECT).select(*KEY, "number", exact_grade="grade"))
    return pl.concat(found)


def with_places(graded: pl.DataFrame, among: Sequence[str]) -> pl.DataFrame:
    """Add `rank`: place by grade, then score_i, score_ii and score_iii; who is equal in all shares a place."""
    order = ["grade_rank", *_SCORES]
    ordered = graded.with_columns(grade_rank=pl.col("grade").replace_strict(_RANK, return_dtype=pl.Int64)).sort(
        *among, *order, "enterprise_id", descending=[False] * len(among) + [False, True, True, True, False]
    )
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1).over(among)) for name in order)
    place = pl.int_range(1, pl.len() + 1).over(among)
    return ordered.with_columns(rank=pl.when(differs).then(place).forward_fill().over(among)).drop("grade_rank")


def with_missing_at_best(scored: Scorable, now: Assessed) -> pl.DataFrame:
    """Grade, scores and place of every subject of which something is missing, as if each missing item met grade I.

    At its worst a missing item scores nothing, which is what it does anyway. Others stay as they are.
    """
    absent = now.indicators.filter(pl.col("applies") & ~pl.col("is_present"))
    rows = []
    for row in absent.iter_rows(named=True):
        best = next((move for move in moves_of(row, 1.0, 1.0)[::-1]), None)
        if best is not None:
            rows.append((*(row[name] for name in KEY), row["indicator_id"], best.to_level, best.value))
    schema = {name: scored.subjects.schema[name] for name in KEY} | {
        "indicator_id": pl.String,
        "to_level": pl.Int64,
        "target_value": pl.Float64,
    }
    chosen = pl.DataFrame(rows, schema=schema, orient="row")
    best = applied(scored.only(absent), chosen).grades
    others = {name: sorted(_place_key(row) for row in rows.iter_rows(named=True)) for name, rows in now.grades.group_by(_GROUP)}
    places = [1 + bisect_left(others[tuple(row[name] for name in _GROUP)], _place_key(row)) for row in best.iter_rows(named=True)]
    return best.select(*_SUBJECT, "grade", *_SCORES).with_columns(
        kind=pl.lit("missing_items"), label=pl.lit("missing at best"), rank=pl.Series(places, dtype=pl.Int64)
    )


def under_vintages(scored: Scorable, now: Assessed, ratios: pl.DataFrame) -> pl.DataFrame:
    """Grade, scores and place of every subject under every edition of a factor that touches somebody of its index system.

    Args:
        now: What `scored` amounts to as it stands, which whom an edition does not touch keeps.
        ratios: as `vintages.ratios` gives them; indicators of a kind of product keep their value, because nobody says which
            part of the consumption is theirs.
    """
    of_whole = scored.rules.filter((pl.col("kind") == "quantitative") & pl.col("product_kind").is_null()).select(
        "index_system_id", "indicator_id", "metric_code"
    )
    by_indicator = ratios.join(scored.subjects, on=KEY).join(of_whole, on=["index_system_id", "metric_code"])
    if by_indicator.is_empty():
        return pl.DataFrame()
    labels = by_indicator.select("index_system_id", "label").unique().sort("index_system_id", "label")
    touched = by_indicator.select(*KEY, "label").unique(maintain_order=True)
    observed = (
        scored.observations.join(touched, on=KEY)
        .join(by_indicator.select(*KEY, "indicator_id", "label", "ratio"), on=[*KEY, "indicator_id", "label"], how="left")
        .with_columns(value=pl.col("value") * pl.col("ratio").fill_null(1.0))
        .drop("ratio")
    )
    found = assess(scored.subjects.join(touched, on=KEY), observed, scored.rules, scored.systems, [*KEY, "label"]).grades
    others = now.grades.join(labels, on="index_system_id").join(touched, on=[*KEY, "label"], how="anti")
    columns = [*_SUBJECT, pl.lit("factor_vintages").alias("kind"), "label", "grade", *_SCORES]
    return with_places(pl.concat([found.select(columns), others.select(columns)]), [*_GROUP, "kind", "label"])


def _place_key(row: dict) -> tuple:
    return (_RANK[row["grade"]], *(-row[score] for score in _SCORES))


def summary(scored: Scorable, spread: float, joint: int, ratios: pl.DataFrame | None = None) -> pl.DataFrame:
    """One row per subject and kind of scenario: what range of grades and places it leaves, and what flips the grade."""
    as_it_stands = scored.assessed()
    now = with_places(as_it_stands.grades, _GROUP).select(
        *_SUBJECT, "grade", "state", "verification_status", "rank", *_SCORES, "missing_indicators", version="rule_version"
    )
    columns = [*_SUBJECT, "kind", "label", "grade", *_SCORES, "rank"]
    weights = under_weights(scored, as_it_stands, spread, joint)
    worst = now.filter(pl.col("missing_indicators").list.len() > 0).with_columns(
        kind=pl.lit("missing_items"), label=pl.lit("missing at worst")
    )
    missing = pl.concat([worst.select(columns), with_missing_at_best(scored, as_it_stands).select(columns)])
    vintages = under_vintages(scored, as_it_stands, ratios) if ratios is not None else pl.DataFrame()
    every = pl.concat([part.select(columns) for part in (weights, missing, vintages) if not part.is_empty()] or [missing])
    words = {rank: grade for grade, rank in _RANK.items()}
    rank_of_grade = pl.col("grade").replace_strict(_RANK, return_dtype=pl.Int64)
    compared = every.join(now.select(*_SUBJECT, own_grade="grade", own_rank="rank"), on=_SUBJECT)
    flips = pl.format("{}: {}", "label", "grade").filter(pl.col("grade") != pl.col("own_grade"))
    found = compared.group_by(*_SUBJECT, pl.col("kind").alias("scenario_kind"), maintain_order=True).agg(
        scenarios=pl.len().cast(pl.Int64),
        grade_kept_share=(pl.col("grade") == pl.col("own_grade")).mean(),
        grade_best=rank_of_grade.min().replace_strict(words, return_dtype=pl.String),
        grade_worst=rank_of_grade.max().replace_strict(words, return_dtype=pl.String),
        flips=flips.head(_FLIPS_SHOWN),
        flipping_scenarios=flips.len().cast(pl.Int64),
        rank_kept_share=(pl.col("rank") == pl.col("own_rank")).mean(),
        rank_best=pl.col("rank").min(),
        rank_worst=pl.col("rank").max(),
        **{f"{score}_{end}": getattr(pl.col(score), how)() for score in _SCORES for end, how in (("lowest", "min"), ("highest", "max"))},
    )
    of_system = now.select(*_SUBJECT, "grade", "state", "verification_status", "rank", "version")
    return (
        found.join(of_system, on=_SUBJECT)
        .with_columns(rule_version=pl.format("{}:{}:{}:{}", pl.lit(METHOD), pl.lit(f"{spread:g}"), pl.lit(f"{joint}"), "version"))
        .drop("version")
        .sort(*_SUBJECT, "scenario_kind")
    )


def judge_sensitivity(frames: Frames, context: Context) -> Outcome:
    """Sensitivity of every graded enterprise and period.

    Raises:
        StandardsError: the index systems are wrong, with everything that is wrong in them.
    """
    library = load_index_systems(context.standards)
    parts = []
    for scored in scorable(frames["grades"], frames["indicators"], library):
        end = scored.subjects["period_end"][0]
        last_day = end.fromordinal(end.toordinal() - 1)
        spread = parameter(frames["parameters"], "grade_sensitivity", "weight_spread", last_day)
        joint = parameter(frames["parameters"], "grade_sensitivity", "joint_perturbations", last_day)
        asked = pl.col("metric_code").is_in(scored.rules["metric_code"].drop_nulls().unique().to_list())
        metrics = in_force(frames["metrics"], last_day, ["metric_code"]).filter(asked)
        changed = changes(metrics, frames["consumption"], frames["efficiency"], frames["factors"])
        parts.append(summary(scored, spread, int(joint), ratios(scored.subjects, changed)))
    if not parts:
        return Outcome({GRADE_SENSITIVITY.name: GRADE_SENSITIVITY.empty()}, "nobody is graded: no grade to be sensitive")
    found = pl.concat(parts)
    latest = found.filter((pl.col("period_type") == "rolling_12m") & (pl.col("grade_kept_share") < 1))
    shaky = latest["enterprise_id"].unique().sort().to_list()
    return Outcome(
        {GRADE_SENSITIVITY.name: found},
        f"{found.height} rows; grades of the last 12 months that some scenario changes: {', '.join(shaky) or 'none'}",
    )


GRADE_SENSITIVITY = Result(
    "grade_sensitivity",
    "One row per enterprise, period, index system and kind of scenario",
    (
        ENTERPRISE,
        *PERIOD,
        INDEX_SYSTEM_ID,
        Column("scenario_kind", TEXT, "group_weights, indicator_weights: each weight alone raised and lowered; all_weights: all moved at once; missing_items: what was not reported at its best and at its worst; factor_vintages: every other edition of a factor of energy or carbon that the standards hold, for all at once; indicators of a kind of product keep their value.", required=True, allowed=KINDS),
    ),
    (
        Column("grade", TEXT, "Grade as it stands.", required=True, allowed=GRADE_WORDS),
        Column("scenarios", COUNT, "Scenarios of the kind."),
        Column("grade_kept_share", NUMBER, "Share of them that keep the grade, 0 to 1."),
        Column("grade_best", TEXT, "Best grade among them.", allowed=GRADE_WORDS),
        Column("grade_worst", TEXT, "Worst grade among them.", allowed=GRADE_WORDS),
        Column("flips", TEXTS, "Scenarios that change the grade, with the grade they lead to; the first twelve."),
        Column("flipping_scenarios", COUNT, "Scenarios that change the grade."),
        Column("score_i_lowest", NUMBER, "Lowest score for grade I among them."),
        Column("score_i_highest", NUMBER, "Highest score for grade I."),
        Column("score_ii_lowest", NUMBER, "Lowest score for grade II."),
        Column("score_ii_highest", NUMBER, "Highest score for grade II."),
        Column("score_iii_lowest", NUMBER, "Lowest score for grade III."),
        Column("score_iii_highest", NUMBER, "Highest score for grade III."),
        Column("rank", COUNT, "Place among those graded by the same index system in the period: by grade, then score_i, score_ii, score_iii."),
        Column("rank_kept_share", NUMBER, "Share of the scenarios that keep the place, 0 to 1."),
        Column("rank_best", COUNT, "Best place among them; weights and factors change for all, a missing item for the enterprise alone."),
        Column("rank_worst", COUNT, "Worst place among them."),
        STATE,
        VERIFICATION,
        RULE_VERSION,
    ),
)  # fmt: skip

SENSITIVITY = Method(
    name="grade_sensitivity",
    version="2",
    description="Whether grades and places survive other weights, missing items at their best and worst, and other vintages of factors (等级敏感性).",
    reads={"grades": GRADES_OF_BUILD, "indicators": INDICATORS_OF_BUILD, "parameters": PARAMETERS} | SOURCES,
    results=(GRADE_SENSITIVITY,),
    run=judge_sensitivity,
)
