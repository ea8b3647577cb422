"""The park at a glance: grades by number and by weight, audit coverage, checklists, the zero-carbon core, targets.

Never one opaque number: every row has its numerator and denominator, and says what it rests on. Nothing is decided here; the rows
gather what other methods found, for the periods that enterprises are graded for.
"""

import polars as pl

from pipelines.assessment.checklist import Requirement
from pipelines.assessment.columns import OF_THE_PARK, PERIOD, VERIFICATION
from pipelines.assessment.facts import FACT_SOURCES, WINDOWS, EnterpriseFacts
from pipelines.assessment.load_shares import LOAD_SOURCE, enterprise_shares
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.order import least_sure
from pipelines.assessment.quantities import members, weakest_expr
from pipelines.assessment.supervision import SUPERVISION_SOURCE, rule
from pipelines.contracts.records import COUNT, NUMBER, STATE, TEXT, Column
from pipelines.contracts.states import State

MEASURES = ("grade_share", "provisional_share", "audit_coverage", "checklist_met_share", "zero_carbon_core", "target")
GRADES = ("I", "II", "III", "none", "not_gradeable")
"""The last one holds whoever has no grade, and whoever weighs something and is not in the register."""
BY_COUNT = "count"
BY_ENERGY = "energy"
NO_SEGMENT = "-"
_PERCENT = "%"
_KEY = [column.name for column in PERIOD]

PARK_SUMMARY = Result(
    "park_summary",
    "One row per period, measure, weighting and segment",
    (
        *PERIOD,
        Column("measure", TEXT, "What is shown.", required=True, allowed=MEASURES),
        Column(
            "weighting", TEXT, "count; energy (by heat content); or load / set of standards / medium (equal-standard load).", required=True
        ),
        Column(
            "segment",
            TEXT,
            "Grade; who is in scope; checklist and area; item; or target, as the measure says. `-` where there is none.",
            required=True,
        ),
    ),
    (
        Column("value", NUMBER, "Value in `unit`; null where it is not known."),
        Column("unit", TEXT, "Unit of value.", required=True),
        Column("numerator", NUMBER, "What is counted or weighed; of a target its actual value."),
        Column("denominator", NUMBER, "What it is a share of; of a target its baseline."),
        Column("previous_value", NUMBER, "The same a year before; of calendar years only."),
        Column("status", TEXT, "Verdict of a checklist, result of an item, status of a target; null otherwise."),
        Column("enterprises", COUNT, "Enterprises behind the numerator; null where none are counted."),
        STATE,
        VERIFICATION,
    ),
    audience="public",
)


def summarise(frames: Frames, context: Context) -> Outcome:
    """All measures for all periods of the park."""
    frames = {**frames, "grades": frames["grades"].filter(pl.col("period_type").is_in(OF_THE_PARK))}
    parts = [
        grade_shares(frames["grades"], enterprise_weights(frames)),
        provisional_shares(frames["grades"]),
        audit_coverage(frames, context),
        checklists(frames["checklist_results"]),
        cores(frames["checklist_items"]),
        targets(frames["targets"], context.park_id, context.today.year),
    ]
    rows = (
        pl.concat([part for part in parts if not part.is_empty()], how="diagonal_relaxed")
        if any(not part.is_empty() for part in parts)
        else PARK_SUMMARY.empty()
    )
    missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in PARK_SUMMARY.empty().schema.items() if name not in rows.columns]
    rows = _with_year_before(rows.with_columns(missing))
    return Outcome({PARK_SUMMARY.name: rows}, _message(rows))


def grade_shares(grades: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """Share of each grade, by number and by every weighting: how many enterprises, and how much of the park's load and energy.

    Args:
        grades: Rows of assessment.enterprise_grade.
        weights: PERIOD, `weighting`, `enterprise_id`, `weight` (additive within a weighting; null where it is not known).
    """
    by_count = grades.select(*_KEY, "enterprise_id", weighting=pl.lit(BY_COUNT), weight=pl.lit(1.0))
    graded = (
        grades.sort(*_KEY, "enterprise_id", "grade")
        .group_by(*_KEY, "enterprise_id", maintain_order=True)
        .agg(pl.col("grade").first(), pl.col("state").first(), pl.col("verification_status").first())
    )
    weighed = pl.concat([by_count.unique([*_KEY, "enterprise_id"]), weights.select(by_count.columns)]).join(
        graded, on=[*_KEY, "enterprise_id"], how="left"
    )
    periods = grades.select(_KEY).unique()
    of = [*_KEY, "weighting"]
    weighed = weighed.join(periods, on=_KEY, how="semi").with_columns(pl.col("grade").fill_null("not_gradeable")).sort(*of, "enterprise_id")
    totals = weighed.group_by(of, maintain_order=True).agg(
        denominator=pl.col("weight").sum(),
        unknown=pl.col("weight").null_count(),
        state=weakest_expr(),
        verification_status=least_sure(pl.col("verification_status")),
    )
    sums = weighed.group_by(*of, segment="grade", maintain_order=True).agg(numerator=pl.col("weight").sum(), enterprises=pl.len())
    every = totals.join(pl.DataFrame({"segment": list(GRADES)}), how="cross")
    return every.join(sums, on=[*of, "segment"], how="left").with_columns(
        pl.col("numerator").fill_null(0.0), pl.col("enterprises").fill_null(0),
        measure=pl.lit("grade_share"), unit=pl.lit(_PERCENT),
    ).with_columns(
        value=pl.when(pl.col("denominator") > 0).then(100 * pl.col("numerator") / pl.col("denominator")),
        # whose weight is not known is in neither sum, and the row says that something is missing
        state=pl.when(pl.col("unknown") > 0).then(pl.lit(State.MISSING.value)).otherwise(pl.col("state")),
    ).drop("unknown")  # fmt: skip


def provisional_shares(grades: pl.DataFrame) -> pl.DataFrame:
    """Share of grades that rest on fewer than twelve months of data."""
    given = grades.filter(pl.col("grade") != "not_gradeable")
    return given.group_by(_KEY).agg(
        numerator=pl.col("provisional").sum().cast(pl.Float64), denominator=pl.len().cast(pl.Float64), enterprises=pl.col("provisional").sum(),
        state=weakest_expr(), verification_status=least_sure(pl.col("verification_status")),
    ).with_columns(
        measure=pl.lit("provisional_share"), weighting=pl.lit(BY_COUNT), segment=pl.lit(NO_SEGMENT), unit=pl.lit(_PERCENT),
        value=100 * pl.col("numerator") / pl.col("denominator"),
    )  # fmt: skip


def enterprise_weights(frames: Frames) -> pl.DataFrame:
    """What every enterprise weighs in every period: its shares in equal-standard load, and its energy."""
    loads = enterprise_shares(frames["loads"]).select(
        *_KEY, "enterprise_id", weight="load_share", weighting=pl.format("load / {} / {}", "load_standard_set", "medium")
    )
    periods = frames["grades"].select(_KEY).unique()
    energy = pl.concat(
        [
            _energy(frames["energy_annual"], periods.filter(pl.col("period_type") == "calendar_year"), "year_start_date"),
            _energy(frames["energy_monthly"], periods.filter(pl.col("period_type") != "calendar_year"), "month_start_date"),
        ]
    )
    return pl.concat([loads, energy.select(loads.columns)])


def _energy(consumption: pl.DataFrame, periods: pl.DataFrame, day: str) -> pl.DataFrame:
    """Energy by heat content of whole enterprises; null where a part of it is missing."""
    whole = consumption.filter((pl.col("item_kind") == "energy") & pl.col("process_id").is_null() & (pl.col("enterprise_id") != NO_SEGMENT))
    inside = (pl.col(day) >= pl.col("period_start")) & (pl.col(day) < pl.col("period_end"))
    unknown = (pl.col("state") == State.MISSING.value) | (pl.col("energy_tce_calorific").is_null() & (pl.col("quantity") != 0))
    return (
        periods.join(whole, how="cross")
        .filter(inside)
        .sort(*_KEY, "enterprise_id", day, "energy_tce_calorific")
        .group_by(*_KEY, "enterprise_id", maintain_order=True)
        .agg(weight=pl.when(~unknown.fill_null(True).any()).then(pl.col("energy_tce_calorific").sum()))
        .with_columns(weighting=pl.lit(BY_ENERGY))
    )


def audit_coverage(frames: Frames, context: Context) -> pl.DataFrame:
    """Members that completed an audit within the interval of the standards, of all members and of those who had to."""
    interval = rule(frames["supervision"], "audit_interval_months", context.today)
    audited = f"audited_{int(interval['value'])}m"
    facts = EnterpriseFacts(frames, context.today)
    periods = frames["grades"].select(_KEY).unique().sort(_KEY)
    windows = []
    for period in periods.iter_rows(named=True):
        for member in members(frames["memberships"], period["period_start"], period["period_end"]):
            key = "\x1f".join([*(str(period[name]) for name in _KEY), member])
            windows.append({"key": key, "enterprise_id": member, "starts": period["period_start"], "ends": period["period_end"]} | period)
    schema = dict(WINDOWS) | {name: periods.schema[name] for name in _KEY}
    asked = pl.DataFrame(windows, schema=schema)
    known = asked.join(facts.of(asked.select(WINDOWS.names()), (audited, "audit_required")), on="key", maintain_order="left")
    scopes = {"all": pl.lit(True), "mandatory": pl.col("audit_required") == "yes"}
    parts = []
    for segment, in_scope in scopes.items():
        scoped = known.with_columns(in_scope=in_scope)
        counts = scoped.group_by(_KEY, maintain_order=True).agg(
            numerator=((pl.col(audited) == "yes") & pl.col("in_scope")).sum().cast(pl.Float64),
            denominator=pl.col("in_scope").sum().cast(pl.Float64),
            unknown=pl.col(audited).is_null().any() | pl.col("in_scope").is_null().any(),
        )
        parts.append(counts.with_columns(segment=pl.lit(segment)))
    found = pl.concat(parts)
    is_known = ~pl.col("unknown")
    return found.with_columns(
        measure=pl.lit("audit_coverage"), weighting=pl.lit(BY_COUNT), unit=pl.lit(_PERCENT),
        value=pl.when(is_known & (pl.col("denominator") > 0)).then(100 * pl.col("numerator") / pl.col("denominator")),
        numerator=pl.when(is_known).then(pl.col("numerator")),
        denominator=pl.when(is_known).then(pl.col("denominator")),
        enterprises=pl.when(is_known).then(pl.col("numerator").cast(pl.Int64)),
        state=pl.when(~is_known).then(pl.lit(State.MISSING.value)).when(pl.col("denominator") == 0).then(pl.lit(State.NOT_APPLICABLE.value))
        .otherwise(pl.lit(State.SELF_REPORTED.value)),
        verification_status=pl.lit(interval["verification_status"]),
    ).drop("unknown")  # fmt: skip


def checklists(results: pl.DataFrame) -> pl.DataFrame:
    """Share of items met, of each checklist and each of its areas."""
    counted = pl.col("items") - pl.col("items_not_applicable")
    whole = pl.col("area") == "ALL"
    return results.select(
        *_KEY, "state", "verification_status",
        measure=pl.lit("checklist_met_share"), weighting=pl.lit(BY_COUNT), unit=pl.lit(_PERCENT),
        segment=pl.when(whole).then(pl.col("checklist_id")).otherwise(pl.format("{} / {}", "checklist_id", "area")),
        value=100 * pl.col("met_share"), numerator=pl.col("items_met").cast(pl.Float64), denominator=counted.cast(pl.Float64), status="verdict",
    )  # fmt: skip


def cores(items: pl.DataFrame) -> pl.DataFrame:
    """Core indicators of the schemes that have one, as carbon per unit of energy of zero-carbon parks."""
    return items.filter(pl.col("requirement") == Requirement.CORE.value).select(
        *_KEY, "value", "numerator", "denominator", "state", "verification_status",
        measure=pl.lit("zero_carbon_core"), weighting=pl.lit(NO_SEGMENT), segment=pl.format("{} / {}", "checklist_id", "item_id"), unit="unit", status="result",
    )  # fmt: skip


def targets(progress: pl.DataFrame, park_id: str, this_year: int) -> pl.DataFrame:
    """The park's targets, year by year until now: the actual value beside its baseline."""
    begun = pl.col("year") <= this_year
    of_park = progress.filter((pl.col("subject_kind") == "park") & (pl.col("subject_id") == park_id) & begun)
    return of_park.select(
        "status", "state",
        period_type=pl.lit("calendar_year"), period_start=pl.date("year", 1, 1), period_end=pl.date(pl.col("year") + 1, 1, 1),
        measure=pl.lit("target"), weighting=pl.lit(NO_SEGMENT), segment=pl.format("{} by {}", "metric_code", "target_year"),
        value="actual_value", unit=pl.col("unit").fill_null("1"), numerator="actual_value", denominator="baseline_value",
    )  # fmt: skip


def _with_year_before(rows: pl.DataFrame) -> pl.DataFrame:
    """The value of the calendar year before, beside each calendar year's."""
    key = ["measure", "weighting", "segment"]
    years = rows.filter(pl.col("period_type") == "calendar_year")
    before = years.select(*key, "period_type", period_start="period_end", previous_value="value")
    return (
        rows.drop("previous_value")
        .join(before, on=[*key, "period_type", "period_start"], how="left")
        .select(PARK_SUMMARY.empty().columns)
        .sort(*_KEY, *key)
    )


def _message(rows: pl.DataFrame) -> str:
    newest = rows.filter(pl.col("period_type") == "rolling_12m")
    by_count = newest.filter((pl.col("measure") == "grade_share") & (pl.col("weighting") == BY_COUNT) & (pl.col("numerator") > 0))
    order = {grade: at for at, grade in enumerate(GRADES)}
    counts = sorted(by_count.select("segment", "numerator").iter_rows(), key=lambda pair: order[pair[0]])
    return f"{rows.height} rows; grades now: {', '.join(f'{int(count)} {grade}' for grade, count in counts) or 'none'}"


def _plot(axes: object, frames: Frames) -> None:
    """Grades of the running year, by number and by every weighting."""
    newest = frames[PARK_SUMMARY.name].filter((pl.col("measure") == "grade_share") & (pl.col("period_type") == "rolling_12m"))
    weightings = newest["weighting"].unique().sort().to_list()
    left = [0.0] * len(weightings)
    for grade in GRADES:
        values = dict(newest.filter(pl.col("segment") == grade).select("weighting", "value").iter_rows())
        widths = [values.get(weighting) or 0.0 for weighting in weightings]
        axes.barh(weightings, widths, left=left, label=grade.replace("_", " "))
        left = [begin + width for begin, width in zip(left, widths, strict=True)]
    axes.set_xlabel("share, %")
    axes.legend(fontsize="small")


_ENERGY = "enterprise_id, process_id, item_kind, {date}, quantity, energy_tce_calorific, state"
PARK_SUMMARIES = Method(
    name="park_summary",
    version="1",
    description="The park at a glance: grades by number and weight, audit coverage, checklists, carbon, targets (园区总览).",
    reads=FACT_SOURCES
    | {
        "grades": Source.of(
            "assessment.enterprise_grade",
            "enterprise_id, period_type, period_start, period_end, grade, provisional, state, verification_status",
        ),
        "loads": LOAD_SOURCE,
        "energy_annual": Source.of("marts.enterprise_consumption_annual", _ENERGY.format(date="year_start_date")),
        "energy_monthly": Source.of("marts.enterprise_consumption_monthly", _ENERGY.format(date="month_start_date")),
        "memberships": Source.of("intermediate.int_memberships", "enterprise_id, valid_from, valid_to"),
        "checklist_results": Source.of(
            "assessment.park_checklist_result",
            "checklist_id, period_type, period_start, period_end, area, items, items_met, items_not_applicable, met_share, verdict, state, "
            "verification_status",
        ),
        "checklist_items": Source.of(
            "assessment.park_checklist",
            "checklist_id, period_type, period_start, period_end, item_id, requirement, value, unit, numerator, denominator, result, state, "
            "verification_status",
        ),
        "targets": Source.of(
            "assessment.target_progress",
            "subject_kind, subject_id, metric_code, target_year, year, status, actual_value, baseline_value, unit, state",
        ),
        "supervision": SUPERVISION_SOURCE,
    },
    results=(PARK_SUMMARY,),
    run=summarise,
    plot=_plot,
)
