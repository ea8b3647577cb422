"""Reads marts, registers and surveys, has them graded, and writes the scores. The one file here that knows the warehouse.

What a period's value is stands here: the ratio of the sums of its numerators and denominators over what is known of both,
never a mean of ratios. What a value is worth stands in `index`. No figure is computed from raw readings:
that is dbt's.
"""
# ruff: noqa: S608 - names come from our own declarations; values are bound parameters

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from pipelines.assessment.index import NOT_GRADEABLE, OBSERVATION, WEAKEST_FIRST, Assessed, assess
from pipelines.assessment.index_system import HEADINGS, RULES, IndexLibrary, WeightRule, load_index_systems
from pipelines.assessment.tables import ENTERPRISE_GRADE, ENTERPRISE_INDICATOR, SCORES, ensure_tables
from pipelines.contracts.standards import Standards
from pipelines.contracts.states import BuildStatus, State
from pipelines.settings import Settings
from pipelines.warehouse.connection import transaction
from pipelines.warehouse.tables import BUILDS, Table
from pipelines.warehouse.verdicts import reason_marts_are_closed

KEY = ("enterprise_id", "period_type", "period_start", "period_end")
"""What names a subject; `index_system_id` follows from it."""
NO_SYSTEM = "-"
OWN_ROLES = ("enterprise", "self")
"""Surveyor roles that speak for the enterprise itself: their answers are self-reported, and cannot set a value aside."""
WHOLE = "ALL"

_USUAL_SHARE = 0.5
"""A month counts as reported once this share of the figures of the fullest recent month has arrived."""
_SAME = 1e-9
"""Relative difference below which a number has not changed: sums of floats depend on the order they were taken in."""


class ScoresRefused(RuntimeError):
    """Nothing was scored, and the scores of the build before stand; the message says why."""


@dataclass(frozen=True)
class ScoreSummary:
    """What one build's assessment did."""

    through_month: date | None
    """Last month that counts as reported; None when there is no data at all."""
    grades: int = 0
    indicators: int = 0
    grades_changed: int = 0
    indicators_changed: int = 0
    warnings: tuple[str, ...] = field(default=())

    @property
    def message(self) -> str:
        if self.through_month is None:
            return "no efficiency figures yet: nothing to grade"
        return (
            f"{self.grades} grades and {self.indicators} indicator values through {self.through_month:%Y-%m}, "
            f"{self.grades_changed} and {self.indicators_changed} of them changed"
        )


def assess_enterprises(con: duckdb.DuckDBPyConnection, settings: Settings, standards: Standards, build_id: str) -> ScoreSummary:
    """Grade every enterprise of the register for every period, and write what differs from the build before.

    All of it is one transaction. Scores that a killed or stopped build left behind are taken back first, so that
    a build repeated gives what an undisturbed one would have given.

    Raises:
        ScoresRefused: gate B did not let this build's marts through.
        StandardsError: the index systems are wrong, with everything that is wrong in them.
    """
    if reason := reason_marts_are_closed(con, build_id):
        raise ScoresRefused(f"no scores: {reason}")
    library = load_index_systems(standards)
    ensure_tables(con)
    today = _local_date_of_build(con, build_id, settings.zone)
    inputs = _read_inputs(con, standards, library)
    through = _last_reported_month(inputs.monthly, today)
    summary = ScoreSummary(None)
    grades, indicators = _empty(ENTERPRISE_GRADE), _empty(ENTERPRISE_INDICATOR)
    if through is not None:
        periods = _periods(inputs.monthly, through)
        parts = [_assess_period(inputs, library, *period.values()) for period in periods.iter_rows(named=True)]
        of_build = {"park_id": settings.park.park_id, "build_id": build_id}
        grades = _as_table(pl.concat([part.grades for part in parts], how="diagonal"), ENTERPRISE_GRADE, of_build)
        indicators = _as_table(pl.concat([part.indicators for part in parts], how="diagonal"), ENTERPRISE_INDICATOR, of_build)
        summary = ScoreSummary(through, grades.height, indicators.height, warnings=_warnings(grades))
    with transaction(con):
        _take_back_unfinished(con, build_id)
        changed = [_write(con, settings, build_id, frame, *tables) for frame, tables in zip((grades, indicators), SCORES, strict=True)]
    return ScoreSummary(summary.through_month, summary.grades, summary.indicators, *changed, summary.warnings)


# -- reading ---------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Inputs:
    """What the warehouse holds, as frames. `monthly` and `annual` are efficiency rows of both grains under one name for their date."""

    enterprises: pl.DataFrame
    products: pl.DataFrame
    monthly: pl.DataFrame
    annual: pl.DataFrame
    monthly_output: pl.DataFrame
    annual_output: pl.DataFrame
    answers: pl.DataFrame
    scales: pl.DataFrame


def _read_inputs(con: duckdb.DuckDBPyConnection, standards: Standards, library: IndexLibrary) -> _Inputs:
    metrics = sorted(library.metric_codes)
    efficiency = (
        "select enterprise_id, process_id, product_code, metric_code, {date} as starts_on, unit, numerator, denominator, state, measured_share, "
        "months from marts.enterprise_efficiency_{grain} where list_contains(?, metric_code)"
    )
    output = (
        "select enterprise_id, product_code, {date} as starts_on, quantity, unit from marts.enterprise_production_{grain} "
        f"where product_code <> '{WHOLE}' and quantity is not null"
    )
    monthly, annual = {"date": "month_start_date", "grain": "monthly"}, {"date": "year_start_date", "grain": "annual"}
    scales = standards.seed("metrics").select(
        "metric_code",
        pl.col("scale").cast(pl.Float64),
        pl.col("valid_from").str.to_date(),
        pl.col("valid_to").str.to_date().fill_null(date.max),
    )
    return _Inputs(
        enterprises=_query(con, "select enterprise_id, index_system_id, valid_from, valid_to from staging.stg_enterprises"),
        products=_query(con, "select enterprise_id, product_code, product_kind, valid_from, valid_to from staging.stg_products"),
        monthly=_query(con, efficiency.format(**monthly), [metrics]),
        annual=_query(con, efficiency.format(**annual), [metrics]),
        monthly_output=_query(con, output.format(**monthly)),
        annual_output=_query(con, output.format(**annual)),
        answers=_query(
            con,
            "select subject_id as enterprise_id, checklist_id as index_system_id, item_id as indicator_id, answered_on, surveyor_role, answer "
            "from staging.stg_survey_answers where subject_kind = 'enterprise' and list_contains(?, checklist_id)",
            [library.ids],
        ),
        scales=scales,
    )


def _query(con: duckdb.DuckDBPyConnection, sql: str, parameters: list[object] | None = None) -> pl.DataFrame:
    """Through Arrow: a frame as DuckDB has it, dates as dates and lists as lists."""
    return pl.DataFrame(con.sql(sql, params=parameters))


def _local_date_of_build(con: duckdb.DuckDBPyConnection, build_id: str, zone: ZoneInfo) -> date:
    """The park's calendar on the night of the build: a build repeated next month must grade the same periods."""
    found = con.execute(f"select started_at from {BUILDS.qualified} where build_id = ?", [build_id]).fetchone()
    if found is None:
        raise ScoresRefused(f"no scores: build {build_id} is not known to {BUILDS.qualified}; open it first")
    started_at: datetime = found[0]
    return started_at.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).date()


# -- periods ---------------------------------------------------------------------------------------------------------------------------


def _last_reported_month(monthly: pl.DataFrame, today: date) -> date | None:
    """First day of the newest month that is over and for which most of the usual figures have arrived.

    Reports come weeks after the month they are about, meters the next day: a month of which only the meters are
    in would make every grade provisional until the papers come.
    """
    counts = (
        monthly.filter(_both_sides_known() & (pl.col("starts_on") < today.replace(day=1)))
        .group_by("starts_on")
        .len("figures")
        .sort("starts_on")
        .tail(12)
    )
    if counts.is_empty():
        return None
    return counts.filter(pl.col("figures") >= _USUAL_SHARE * pl.col("figures").max())["starts_on"].max()


def _periods(monthly: pl.DataFrame, through: date) -> pl.DataFrame:
    """Every finished calendar year with data, the twelve months through the last reported one, and its year so far."""
    end = _months_after(through, 1)
    first_year = monthly.filter(_both_sides_known())["starts_on"].min().year
    years = [("calendar_year", date(year, 1, 1), date(year + 1, 1, 1)) for year in range(first_year, end.year)]
    running = [("rolling_12m", _months_after(end, -12), end), ("year_to_date", date(through.year, 1, 1), end)]
    return pl.DataFrame([*years, *running], schema=["period_type", "period_start", "period_end"], orient="row")


def _months_after(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


# -- one period ------------------------------------------------------------------------------------------------------------------------


def _assess_period(inputs: _Inputs, library: IndexLibrary, period_type: str, period_start: date, period_end: date) -> Assessed:
    period = {"period_type": period_type, "period_start": period_start, "period_end": period_end}
    months = (period_end.year - period_start.year) * 12 + period_end.month - period_start.month
    members = _members(inputs.enterprises, period_start, period_end)
    systems = {
        name: system
        for name in members["index_system_id"].drop_nulls().unique().sort().to_list()
        if (system := library.system(name, period_end - timedelta(days=1))) is not None
    }
    rules = pl.concat([pl.DataFrame(schema=RULES), *(system.rules for system in systems.values())])
    headings = pl.DataFrame([system.heading for system in systems.values()], schema=HEADINGS)
    subjects = members.filter(pl.col("index_system_id").is_in(list(systems))).with_columns(calendar_months=pl.lit(months))
    asked = subjects.select("enterprise_id", "index_system_id").join(rules, on="index_system_id")
    values = _values(inputs, asked, period, months)
    answers = _answers(inputs.answers, period_end)
    observed = _observations(asked, values, answers)
    in_period = [pl.lit(value).alias(name) for name, value in period.items()]
    assessed = assess(subjects.with_columns(in_period), observed.with_columns(in_period), rules, headings, KEY)
    without = _without_system(members.filter(~pl.col("index_system_id").is_in(list(systems)) | pl.col("index_system_id").is_null()))
    grades = pl.concat([assessed.grades, without.with_columns(in_period)], how="diagonal_relaxed")
    return Assessed(grades, assessed.indicators)


def _members(enterprises: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """Who belonged to the park in the period, with the index system the register named last in it."""
    overlapping = (pl.col("valid_from") < end) & (pl.col("valid_to").is_null() | (pl.col("valid_to") > start))
    return (
        enterprises.filter(overlapping)
        .sort("enterprise_id", "valid_from")
        .unique("enterprise_id", keep="last", maintain_order=True)
        .select("enterprise_id", "index_system_id")
    )


def _without_system(members: pl.DataFrame) -> pl.DataFrame:
    """Enterprises that cannot be graded at all have a row that says why: absence would look like an oversight."""
    named = pl.col("index_system_id").is_not_null()
    why = (
        pl.when(named)
        .then(pl.format("index system {} of the enterprise register is not in reference.index_system", "index_system_id"))
        .otherwise(pl.lit("the enterprise register names no index system"))
    )
    return members.select(
        "enterprise_id",
        pl.col("index_system_id").fill_null(NO_SYSTEM),
        grade=pl.lit(NOT_GRADEABLE),
        not_gradeable_because=why,
        provisional=pl.lit(False),
        state=pl.lit(State.NOT_APPLICABLE.value),
        blocking_indicators=_no_texts(),
        missing_indicators=_no_texts(),
        not_applicable_indicators=_no_texts(),
        warnings=_no_texts(),
    )


def _no_texts() -> pl.Expr:
    return pl.lit(pl.Series([[]], dtype=pl.List(pl.String))).first()


def _both_sides_known() -> pl.Expr:
    return pl.col("numerator").is_not_null() & pl.col("denominator").is_not_null()


def _values(inputs: _Inputs, asked: pl.DataFrame, period: dict[str, object], months: int) -> pl.DataFrame:
    """The value of every quantitative indicator that is asked for: one row per enterprise and indicator of which anything is known.

    A calendar year is taken from the annual mart, which also knows what is only reported once a year; other periods are
    summed from months.
    """
    start, end = period["period_start"], period["period_end"]
    is_year = period["period_type"] == "calendar_year"
    inside = (pl.col("starts_on") >= start) & (pl.col("starts_on") < end)
    efficiency = (inputs.annual if is_year else inputs.monthly).filter(inside)
    kinds = _product_kinds(inputs.products, end)
    output = (inputs.annual_output if is_year else inputs.monthly_output).filter(inside).join(kinds, on=["enterprise_id", "product_code"])
    quantitative = asked.filter(pl.col("kind") == "quantitative").select(
        "enterprise_id", "indicator_id", "metric_code", "product_kind", pl.col("unit").alias("wanted_unit"), "weight_rule"
    )
    rows = pl.concat(
        [_rows_of_whole(quantitative, efficiency), _rows_of_kinds(quantitative, efficiency, kinds, output)], how="vertical"
    ).sort("enterprise_id", "indicator_id", "starts_on", "product_code", "process_id")
    scales = inputs.scales.filter((pl.col("valid_from") < end) & (pl.col("valid_to") >= end)).select("metric_code", "scale")
    by_indicator = ["enterprise_id", "indicator_id", "metric_code", "wanted_unit", "weight_rule"]
    in_unit = pl.col("unit") == pl.col("wanted_unit")
    # A row may hold what was known of a side while its state says that a part of it is missing: that is no figure to grade by.
    known = _both_sides_known() & in_unit & (pl.col("state") != State.MISSING.value)
    size = pl.col("numerator").abs()
    counted = pl.col("months").filter(known).max() if is_year else pl.col("starts_on").filter(known).n_unique()
    rank = {state.value: at for at, state in enumerate(WEAKEST_FIRST)}
    weakest = pl.col("state").filter(known).replace_strict(rank, default=None, return_dtype=pl.Int64).min()
    values = (
        rows.group_by(by_indicator, maintain_order=True)
        .agg(
            numerator=pl.col("numerator").filter(known).sum(),
            denominator=pl.col("denominator").filter(known).sum(),
            periods_known=known.sum(),
            months_of_data=counted.cast(pl.Int64),
            weakest=weakest,
            was_stopped=(pl.col("state") == State.STOPPED.value).any(),
            measured=(size * pl.col("measured_share")).filter(known).sum(),
            shared=size.filter(known & pl.col("measured_share").is_not_null()).sum(),
            other_unit=pl.col("unit").filter(~in_unit).first(),
        )
        .join(scales, on="metric_code", how="left")
    )
    has_value = (pl.col("periods_known") > 0) & (pl.col("denominator") != 0)
    # A shop that consumed none of a metal in the whole period does not plate it: the one case in which nothing means not applicable.
    is_whole = pl.lit(True) if is_year else pl.col("months_of_data") == months
    unused = (
        (pl.col("weight_rule") == WeightRule.EQUAL_IN_SET.value) & (pl.col("periods_known") > 0) & (pl.col("denominator") == 0) & is_whole
    )
    state = (
        pl.when(has_value)
        .then(
            pl.col("weakest").replace_strict({at: state for state, at in rank.items()}, default=State.MISSING.value, return_dtype=pl.String)
        )
        .when(unused)
        .then(pl.lit(State.NOT_APPLICABLE.value))
        .when("was_stopped")
        .then(pl.lit(State.STOPPED.value))
        .otherwise(pl.lit(State.MISSING.value))
    )
    warning = (
        pl.when(~has_value & ~unused & (pl.col("periods_known") > 0))
        .then(pl.lit("its denominator was 0 in the whole period, so that there is no ratio"))
        .when(pl.col("other_unit").is_not_null())
        .then(pl.format("figures in {} were left out: the index system asks for {}", "other_unit", "wanted_unit"))
    )
    values = values.select(
        "enterprise_id",
        "indicator_id",
        value=pl.when(has_value).then(pl.col("numerator") / pl.col("denominator") * pl.col("scale")),
        state=state,
        measured_share=pl.when(has_value & (pl.col("shared") > 0)).then(pl.col("measured") / pl.col("shared")),
        months_of_data=pl.when(has_value).then(pl.col("months_of_data")),
        warning=warning,
    )
    return (
        quantitative.select("enterprise_id", "indicator_id", "product_kind")
        .join(values, on=["enterprise_id", "indicator_id"], how="left")
        .join(_output_of_kinds(output), on=["enterprise_id", "product_kind"], how="left")
        .join(output.select("enterprise_id").unique().with_columns(output_is_known=pl.lit(True)), on="enterprise_id", how="left")
        .select(
            "enterprise_id",
            "indicator_id",
            "value",
            pl.col("state").fill_null(State.MISSING.value),
            "measured_share",
            "months_of_data",
            "warning",
            # Of an enterprise whose output is known, a kind without any was not made.
            output_quantity=pl.when(pl.col("product_kind").is_not_null() & pl.col("output_is_known")).then(
                pl.col("output_quantity").fill_null(0.0)
            ),
        )
    )


def _product_kinds(products: pl.DataFrame, end: date) -> pl.DataFrame:
    """Product → kind, by the register row that was last valid before the end of the period."""
    return (
        products.filter(pl.col("valid_from") < end)
        .sort("enterprise_id", "product_code", "valid_from")
        .unique(["enterprise_id", "product_code"], keep="last", maintain_order=True)
        .select("enterprise_id", "product_code", "product_kind")
    )


def _output_of_kinds(output: pl.DataFrame) -> pl.DataFrame:
    """Output by kind; kinds counted in different units cannot be weighed against each other and count as not known."""
    units = output.filter(pl.col("product_kind").is_not_null()).group_by("enterprise_id").agg(units=pl.col("unit").n_unique())
    return (
        output.filter(pl.col("product_kind").is_not_null())
        .sort("enterprise_id", "product_kind", "starts_on", "product_code")
        .group_by("enterprise_id", "product_kind", maintain_order=True)
        .agg(output_quantity=pl.col("quantity").sum())
        .join(units, on="enterprise_id")
        .filter(pl.col("units") == 1)
        .drop("units")
    )


_ROW = ("enterprise_id", "indicator_id", "metric_code", "wanted_unit", "weight_rule", "process_id", "product_code", "starts_on", "unit",
        "numerator", "denominator", "state", "measured_share", "months")  # fmt: skip


def _rows_of_whole(quantitative: pl.DataFrame, efficiency: pl.DataFrame) -> pl.DataFrame:
    whole = efficiency.filter(pl.col("process_id").is_null() & (pl.col("product_code") == WHOLE))
    return quantitative.filter(pl.col("product_kind").is_null()).join(whole, on=["enterprise_id", "metric_code"]).select(_ROW)


def _rows_of_kinds(quantitative: pl.DataFrame, efficiency: pl.DataFrame, kinds: pl.DataFrame, output: pl.DataFrame) -> pl.DataFrame:
    """Rows of the products of a kind; of an enterprise that made nothing else, those of the whole enterprise."""
    of_kind = quantitative.filter(pl.col("product_kind").is_not_null())
    made = output.group_by("enterprise_id").agg(kinds=pl.col("product_kind").n_unique(), product_kind=pl.col("product_kind").first())
    only_kind = made.filter((pl.col("kinds") == 1) & pl.col("product_kind").is_not_null()).select("enterprise_id", "product_kind")
    by_product = (
        of_kind.join(only_kind, on=["enterprise_id", "product_kind"], how="anti")
        .join(kinds, on=["enterprise_id", "product_kind"])
        .join(efficiency, on=["enterprise_id", "product_code", "metric_code"])
    )
    whole = efficiency.filter(pl.col("process_id").is_null() & (pl.col("product_code") == WHOLE))
    by_whole = of_kind.join(only_kind, on=["enterprise_id", "product_kind"], how="semi").join(whole, on=["enterprise_id", "metric_code"])
    return pl.concat([by_product.select(_ROW), by_whole.select(_ROW)])


def _answers(answers: pl.DataFrame, end: date) -> pl.DataFrame:
    """The answer that holds at the end of the period: the latest of an outside surveyor, else of the enterprise itself.

    Two surveyors who differ on one day: the worse counts, and the auditor is told.
    """
    worst_first = {"none": 0, "III": 1, "II": 2, "I": 3, "not_applicable": 4}
    key = ["enterprise_id", "index_system_id", "indicator_id"]
    return (
        answers.filter(pl.col("answered_on") < end)
        .with_columns(
            is_own=pl.col("surveyor_role").is_in(OWN_ROLES), rank=pl.col("answer").replace_strict(worst_first, return_dtype=pl.Int64)
        )
        .with_columns(differ=pl.col("answer").n_unique().over(*key, "is_own", "answered_on") > 1)
        .sort(*key, "is_own", "answered_on", "rank", descending=[False, False, False, False, True, False])
        .unique(key, keep="first", maintain_order=True)
        .select(*key, "answer", "answered_on", "is_own", "differ")
    )


def _observations(asked: pl.DataFrame, values: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """Values and answers together, and what to tell the auditor where they contradict each other."""
    observed = (
        asked.select("enterprise_id", "index_system_id", "indicator_id", "kind")
        .join(values, on=["enterprise_id", "indicator_id"], how="left")
        .join(answers, on=["enterprise_id", "index_system_id", "indicator_id"], how="left")
    )
    is_quantitative = pl.col("kind") == "quantitative"
    declared_away = pl.col("answer") == "not_applicable"
    has_value = pl.col("value").is_not_null()
    # A measured value outweighs the enterprise's own word that the indicator does not concern it, not an outside surveyor's.
    set_aside = (declared_away & ~(is_quantitative & pl.col("is_own") & has_value)).fill_null(False)
    of_survey = pl.when("is_own").then(pl.lit(State.SELF_REPORTED.value)).otherwise(pl.lit(State.MEASURED.value))
    day = pl.col("answered_on").cast(pl.String)
    contradiction = (
        pl.when(is_quantitative & declared_away & has_value & set_aside)
        .then(pl.format("was found not applicable on {}, yet figures give {}: they were set aside", day, pl.col("value").round(4)))
        .when(is_quantitative & declared_away & has_value)
        .then(pl.format("the enterprise called it not applicable on {}, yet figures give {}: they count", day, pl.col("value").round(4)))
        .when(is_quantitative & ~declared_away)
        .then(pl.format("a survey answered {} on {}: the metric counts, not the answer", "answer", day))
        .when("differ")
        .then(pl.format("surveyors differed on {}: the worse answer counts", day))
    )
    return observed.with_columns(
        state=pl.when(set_aside)
        .then(pl.lit(State.NOT_APPLICABLE.value))
        .when(is_quantitative)
        .then(pl.col("state"))
        .when(pl.col("answer").is_not_null())
        .then(of_survey)
        .otherwise(pl.lit(State.MISSING.value)),
        value=pl.when(~set_aside).then(pl.col("value")),
        measured_share=pl.when(set_aside)
        .then(None)
        .when(is_quantitative)
        .then(pl.col("measured_share"))
        .when(pl.col("answer").is_not_null())
        .then(pl.when("is_own").then(0.0).otherwise(1.0)),
        warning=pl.concat_str(contradiction, pl.col("warning"), separator="; ", ignore_nulls=True).replace("", None),
        # Of a quantitative indicator an answer says at most that it does not apply.
        answer=pl.when(~is_quantitative & ~declared_away).then(pl.col("answer")),
    ).select("enterprise_id", *OBSERVATION, "answered_on")


# -- writing ---------------------------------------------------------------------------------------------------------------------------


def _empty(table: Table) -> pl.DataFrame:
    return pl.DataFrame(schema={column.name: column.dtype for column in table.columns})


def _as_table(frame: pl.DataFrame, table: Table, of_build: dict[str, str]) -> pl.DataFrame:
    """The table's columns in its order and types; what the method calls `score_I` the table calls `score_i`."""
    frame = frame.rename({f"contribution_{grade}": f"contribution_{grade.lower()}" for grade in ("I", "II", "III")}, strict=False)
    frame = frame.with_columns(pl.lit(value).alias(name) for name, value in of_build.items())
    if table is ENTERPRISE_INDICATOR:
        frame = frame.with_columns(verification_status=pl.col("indicator_verification_status"))
    missing = [pl.lit(None, dtype=column.dtype).alias(column.name) for column in table.columns if column.name not in frame.columns]
    return frame.with_columns(missing).select(pl.col(column.name).cast(column.dtype) for column in table.columns)


def _warnings(grades: pl.DataFrame) -> tuple[str, ...]:
    """What an auditor should look at, of the running year alone: older years were looked at when they were new."""
    latest = grades.filter(pl.col("period_type") == "rolling_12m").explode("warnings").drop_nulls("warnings")
    return tuple(f"{row['enterprise_id']}: {row['warnings']}" for row in latest.select("enterprise_id", "warnings").iter_rows(named=True))


def _take_back_unfinished(con: duckdb.DuckDBPyConnection, build_id: str) -> None:
    """As if no build had scored but those that were published: rows of the others go, rows they had superseded hold again."""
    unfinished = f"select build_id from {BUILDS.qualified} where status <> '{BuildStatus.PUBLISHED}' union all select ?"
    for _, history in SCORES:
        con.execute(f"delete from {history.qualified} where first_build_id in ({unfinished})", [build_id])
        con.execute(
            f"update {history.qualified} set last_build_id = null, superseded_by_build_id = null where superseded_by_build_id in ({unfinished})",
            [build_id],
        )


def _write(con: duckdb.DuckDBPyConnection, settings: Settings, build_id: str, frame: pl.DataFrame, latest: Table, history: Table) -> int:
    """Replace the latest, append to the history what differs from it. Returns the rows that differ."""
    con.execute(f"delete from {latest.qualified}")
    _insert(con, settings, frame, latest)
    held = _query(
        con,
        f"select * exclude (first_build_id, last_build_id, superseded_by_build_id) from {history.qualified} where superseded_by_build_id is null",
    )
    new, gone = _differences(frame, held, latest)
    last_published = con.execute(
        f"select max(build_id) from {BUILDS.qualified} where status = ? and build_id < ?", [BuildStatus.PUBLISHED, build_id]
    ).fetchone()[0]
    closed = pl.concat([gone, new.select(gone.columns)])
    if not closed.is_empty():
        matches = " and ".join(f"h.{name} is not distinct from c.{name}" for name in latest.key)
        with _handed_over(settings, closed) as source:
            con.execute(
                f"update {history.qualified} as h set last_build_id = ?, superseded_by_build_id = ? from {source} as c "
                f"where h.superseded_by_build_id is null and {matches}",
                [last_published, build_id],
            )
    _insert(con, settings, new.with_columns(first_build_id=pl.lit(build_id)), history)
    return new.height


def _differences(now: pl.DataFrame, held: pl.DataFrame, table: Table) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that are new or say something else than the held one of their key, and keys that are no longer there."""
    key = list(table.key)
    compared = [column for column in table.columns if column.name not in (*key, "build_id")]
    pairs = now.join(held.with_columns(is_held=pl.lit(True)), on=key, how="left", suffix="_held")
    differs = [_differs(column.name, column.dtype) for column in compared]
    new = pairs.filter(pl.col("is_held").is_null() | pl.any_horizontal(differs)).select(now.columns)
    return new, held.join(now, on=key, how="anti").select(key)


def _differs(name: str, dtype: pl.DataType) -> pl.Expr:
    new, old = pl.col(name), pl.col(f"{name}_held")
    if dtype == pl.Float64():
        close = (new - old).abs() <= _SAME * pl.max_horizontal(new.abs(), old.abs())
        return (new.is_null() != old.is_null()) | ~close.fill_null(True)
    return new.ne_missing(old)


def _insert(con: duckdb.DuckDBPyConnection, settings: Settings, frame: pl.DataFrame, table: Table) -> None:
    if frame.is_empty():
        return
    columns = ", ".join(frame.columns)
    with _handed_over(settings, frame) as source:
        con.execute(f"insert into {table.qualified} ({columns}) select {columns} from {source}")


@contextmanager
def _handed_over(settings: Settings, frame: pl.DataFrame) -> Iterator[str]:
    """A frame as something DuckDB can read: through Parquet, because no pyarrow stands between the two."""
    path = settings.warehouse.parent / ".scores.parquet"
    frame.write_parquet(path)
    try:
        escaped = str(path).replace("'", "''")
        yield f"read_parquet('{escaped}')"
    finally:
        path.unlink(missing_ok=True)
