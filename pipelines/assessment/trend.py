"""Past years scored again: what an enterprise's change of score owes to its performance, and what to changed rules.

Each finished year is scored under the rules that were in force then and under today's. A year's performance is that of whoever
the enterprise was then: mergers, splits and renamings are followed back. How a year is scored stands in `enterprise_index`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

import polars as pl

from pipelines.assessment.columns import ENTERPRISE, PERIOD, VERIFICATION
from pipelines.assessment.enterprise_index import INPUTS, NO_SYSTEM, Inputs, assess_period, inputs_of
from pipelines.assessment.index_system import GRADES, IndexLibrary, load_index_systems
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.order import least_sure_of
from pipelines.assessment.tables import GRADE_WORDS, RULE_VERSION
from pipelines.contracts.records import BOOL, NUMBER, STATE, TEXT, TEXTS, Column

METHOD = "grade_trend-1"
_SPLIT = "split_from"
"""Relation whose older side lives on: before it, both were one. In the others the older side ends."""


# -- who an enterprise was -------------------------------------------------------------------------------------------------------------


def predecessors(relations: pl.DataFrame, enterprises: Iterable[str], start: date, end: date) -> dict[str, list[str]]:
    """Enterprises whose figures of a period are an enterprise's own past, itself included where it may have existed.

    Who was merged into it or renamed counts until the change, in the year of the change beside it. Who it was split from counts
    for periods that ended before the split: the undivided enterprise, of which it was a part.

    Args:
        relations: `entity_kind`, `from_id`, `to_id`, `relation`, `effective_date`.
        enterprises: Whose past is asked for.
        start, end: The period.
    """
    backwards: dict[str, list[tuple[str, str, date]]] = {}
    for kind, older, newer, relation, day in relations.select("entity_kind", "from_id", "to_id", "relation", "effective_date").iter_rows():
        if kind == "enterprise" and older != newer:
            backwards.setdefault(newer, []).append((older, relation, day))
    found = {}
    for enterprise in enterprises:
        seen, open_ones = [enterprise], [enterprise]
        while open_ones:
            for older, relation, day in sorted(backwards.get(open_ones.pop(), []), key=lambda link: (link[2], link[0])):
                counts = end <= day if relation == _SPLIT else start < day
                if counts and older not in seen:
                    seen.append(older)
                    open_ones.append(older)
        found[enterprise] = seen
    return found


def of_lineage(inputs: Inputs, lineage: Mapping[str, list[str]]) -> Inputs:
    """Inputs in which every enterprise has its predecessors' rows beside its own, under its own name.

    Values are then ratios of the sums of all of them; of survey answers the latest of any of them holds.
    """
    pairs = pl.DataFrame(
        [(older, enterprise) for enterprise, olders in lineage.items() for older in olders],
        schema={"enterprise_id": pl.String, "heir": pl.String},
        orient="row",
    )

    def inherited(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(pairs, on="enterprise_id").with_columns(enterprise_id="heir").drop("heir")

    names = ("enterprises", "products", "monthly", "annual", "monthly_output", "annual_output", "answers")
    return replace(inputs, **{name: inherited(getattr(inputs, name)) for name in names})


# -- what changed ----------------------------------------------------------------------------------------------------------------------


def split_change(scored: pl.DataFrame) -> pl.DataFrame:
    """Add `change`, `performance_effect` and `rule_effect` on the year before; null without one, or where a score is unknown.

    Under one set of rules only performance can have changed: that is the difference of the scores under today's rules. What
    is left of the change of the scores as they were given is due to the rules of the two years.

    Args:
        scored: `enterprise_id`, `scored_grade`, `period_start`, `score_then`, `score_today`.
    """
    of = ["enterprise_id", "scored_grade"]
    ordered = scored.sort(*of, "period_start")
    follows = pl.col("period_start").dt.year() - pl.col("period_start").dt.year().shift(1).over(of) == 1
    then, today = (pl.when(follows).then(pl.col(name) - pl.col(name).shift(1).over(of)) for name in ("score_then", "score_today"))
    known = then.is_not_null() & today.is_not_null()
    return ordered.with_columns(change=then, performance_effect=today).with_columns(
        rule_effect=pl.when(known).then(pl.col("change") - pl.col("performance_effect"))
    )


# -- the method ------------------------------------------------------------------------------------------------------------------------


def years_again(
    inputs: Inputs, relations: pl.DataFrame, library: IndexLibrary, years: Iterable[tuple[date, date]], today: date
) -> pl.DataFrame:
    """Scores of every year under both sets of rules, of the enterprises that the register knows today; long by scored grade."""
    held = inputs.enterprises.filter((pl.col("valid_from") <= today) & (pl.col("valid_to").is_null() | (pl.col("valid_to") > today)))
    named = held.sort("enterprise_id", "valid_from").unique("enterprise_id", keep="last").select("enterprise_id", "index_system_id")
    ids = named["enterprise_id"].sort().to_list()
    parts = []
    for start, end in years:
        lineage = predecessors(relations, ids, start, end)
        of_year = of_lineage(inputs, lineage)
        both = {
            "then": assess_period(of_year, library, "calendar_year", start, end).grades,
            "today": assess_period(of_year, library, "calendar_year", start, end, rules_on=today, named=named).grades,
        }
        olders = pl.DataFrame(
            {"enterprise_id": ids, "lineage": [lineage[name] for name in ids]},
            schema={"enterprise_id": pl.String, "lineage": pl.List(pl.String)},
        )
        parts.append(_side_by_side(both).join(olders, on="enterprise_id", how="left"))
    return pl.concat(parts, how="diagonal_relaxed") if parts else pl.DataFrame()


_OF_A_SIDE = ("index_system_id", "index_system_version", "grade", "not_gradeable_because", "rule_version", "verification_status")


def _side_by_side(both: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One row per enterprise, year and scored grade, what it was then beside what it is today."""
    sides = {}
    for side, grades in both.items():
        wanted = {
            **dict.fromkeys(_OF_A_SIDE, pl.String),
            "pass_mark": pl.Float64,
            **{f"score_{grade.lower()}": pl.Float64 for grade in GRADES},
        }
        grades = grades.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in wanted.items() if name not in grades.columns)
        long = pl.concat(
            grades.select(
                "enterprise_id",
                "period_type",
                "period_start",
                "period_end",
                scored_grade=pl.lit(grade),
                **{f"score_{side}": f"score_{grade.lower()}"},
                **{f"{name}_{side}": pl.when(pl.col(name) != NO_SYSTEM).then(name) for name in _OF_A_SIDE},
                **({"state": "state", "provisional": "provisional"} if side == "then" else {}),
            )
            for grade in GRADES
        )
        sides[side] = long
    key = ["enterprise_id", "period_type", "period_start", "period_end", "scored_grade"]
    return sides["then"].join(sides["today"], on=key, how="inner")


def trace(frames: Frames, context: Context) -> Outcome:
    """Every finished year that the grades are of, scored again.

    Raises:
        StandardsError: the index systems are wrong, with everything that is wrong in them.
    """
    library = load_index_systems(context.standards)
    years = frames["periods"].filter(pl.col("period_type") == "calendar_year").select("period_start", "period_end").unique()
    if years.is_empty():
        return Outcome({GRADE_TREND.name: GRADE_TREND.empty()}, "no finished year to score again")
    inputs = inputs_of(frames, context.standards, library)
    again = years_again(inputs, frames["relations"], library, years.sort("period_start").iter_rows(), context.today)
    found = split_change(again).with_columns(
        verification_status=least_sure_of("verification_status_then", "verification_status_today"),
        rule_version=pl.format(
            "{}:{}:{}", pl.lit(METHOD), pl.col("rule_version_then").fill_null("-"), pl.col("rule_version_today").fill_null("-")
        ),
    )
    changed = found.filter(pl.col("grade_then") != pl.col("grade_today"))
    return Outcome(
        {GRADE_TREND.name: found.select(name for name in GRADE_TREND.schema if name in found.columns)},
        f"{years.height} years of {found['enterprise_id'].n_unique()} enterprises scored again; "
        f"{changed.select('enterprise_id', 'period_start').n_unique()} grades differ under today's rules",
    )


_NOT_GRADEABLE = (*GRADE_WORDS, "not_gradeable")
GRADE_TREND = Result(
    "grade_trend",
    "One row per enterprise of today's register, finished calendar year and grade that is scored",
    (ENTERPRISE, *PERIOD, Column("scored_grade", TEXT, "Grade whose score the row is about: I, II or III.", required=True, allowed=GRADES)),
    (
        Column("grade_then", TEXT, "Grade under the rules in force at the end of the year.", allowed=_NOT_GRADEABLE),
        Column("grade_today", TEXT, "Grade of the same year under today's rules and the index system the register names today.", allowed=_NOT_GRADEABLE),
        Column("score_then", NUMBER, "Score under the rules in force then; null where there was no grade."),
        Column("score_today", NUMBER, "Score under today's rules; null where they give no grade."),
        Column("change", NUMBER, "score_then less that of the year before; null without one."),
        Column("performance_effect", NUMBER, "Part of it that is due to performance: score_today less that of the year before."),
        Column("rule_effect", NUMBER, "Part of it that is due to changed rules: change less performance_effect."),
        Column("index_system_id_then", TEXT, "Index system the register named in the year."),
        Column("index_system_version_then", TEXT, "Its edition."),
        Column("index_system_id_today", TEXT, "Index system the register names today."),
        Column("index_system_version_today", TEXT, "Its edition."),
        Column("not_gradeable_because_then", TEXT, "Why there was no grade; null where there was."),
        Column("not_gradeable_because_today", TEXT, "Why today's rules give none."),
        Column("lineage", TEXTS, "Enterprises whose figures of the year it is: itself, and who was merged into it, renamed, or undivided then."),
        Column("provisional", BOOL, "Whether some indicator of the year rests on fewer than 12 months of data."),
        STATE,
        VERIFICATION,
        RULE_VERSION,
    ),
)  # fmt: skip

TREND = Method(
    name="grade_trend",
    version="1",
    description="Past years under the rules of then and of today: what is due to performance, what to rules (历年等级回溯).",
    reads={
        **INPUTS,
        "relations": Source.of("staging.stg_entity_relations", "entity_kind, from_id, to_id, relation, effective_date"),
        "periods": Source.of("assessment.enterprise_grade", "period_type, period_start, period_end"),
    },
    results=(GRADE_TREND,),
    run=trace,
)
