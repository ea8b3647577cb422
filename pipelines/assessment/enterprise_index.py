"""Grades of enterprises: which value stands for an indicator in a period, and what the index method makes of it.

What a period's value is stands here: the ratio of the sums of its numerators and denominators over what is known of both,
never a mean of ratios. What a value is worth stands in `index`. No figure is computed from raw readings: that is dbt's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from pipelines.assessment.index import NOT_GRADEABLE, OBSERVATION, Assessed, assess
from pipelines.assessment.index_system import HEADINGS, METHOD, RULES, IndexLibrary, WeightRule, load_index_systems
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.order import weakest
from pipelines.assessment.tables import ENTERPRISE_GRADE, ENTERPRISE_INDICATOR
from pipelines.contracts.standards import Standards
from pipelines.contracts.states import State

KEY = ("enterprise_id", "period_type", "period_start", "period_end")
"""What names a subject; `index_system_id` follows from it."""
NO_SYSTEM = "-"
OWN_ROLES = ("enterprise", "self")
"""Surveyor roles that speak for the enterprise itself: their answers are self-reported, and cannot set a value aside."""
WHOLE = "ALL"
AUDIT_PERIOD = "audit_period"
_WORST_FIRST = {"none": 0, "III": 1, "II": 2, "I": 3, "not_applicable": 4}
"""Answers that say something of an indicator; yes, no and numbers are for other checklists."""

_USUAL_SHARE = 0.5
"""A month counts as reported once this share of the figures of the fullest recent month has arrived."""


def grade_enterprises(frames: Frames, context: Context) -> Outcome:
    """Grade every enterprise of the register for every period.

    Raises:
        StandardsError: the index systems are wrong, with everything that is wrong in them.
    """
    library = load_index_systems(context.standards)
    inputs = inputs_of(frames, context.standards, library)
    through = _last_reported_month(inputs.monthly, context.today)
    if through is None:
        empty = {result.name: result.empty() for result in (ENTERPRISE_GRADE, ENTERPRISE_INDICATOR)}
        return Outcome(empty, "no efficiency figures yet: nothing to grade")
    parts = [assess_period(inputs, library, *period.values()) for period in _periods(inputs.monthly, through).iter_rows(named=True)]
    rounds = audit_periods(frames["rounds"], inputs.monthly, through)
    parts += [
        assess_period(inputs, library, AUDIT_PERIOD, *period, only=of_period["enterprise_id"].to_list())
        for period, of_period in rounds.group_by("period_start", "period_end", maintain_order=True)
    ]
    grades = _named_as_table(pl.concat([part.grades for part in parts], how="diagonal"), ENTERPRISE_GRADE)
    indicators = _named_as_table(pl.concat([part.indicators for part in parts], how="diagonal"), ENTERPRISE_INDICATOR)
    return Outcome(
        {ENTERPRISE_GRADE.name: grades, ENTERPRISE_INDICATOR.name: indicators},
        f"{grades.height} grades and {indicators.height} indicator values through {through:%Y-%m}",
        (*_warnings(grades), *_answers_that_are_no_grade(inputs.answers)),
    )


def _named_as_table(frame: pl.DataFrame, result: Result) -> pl.DataFrame:
    """What the method calls `contribution_I` the table calls `contribution_i`; columns the table does not have are dropped."""
    frame = frame.rename({f"contribution_{grade}": f"contribution_{grade.lower()}" for grade in ("I", "II", "III")}, strict=False)
    if result is ENTERPRISE_INDICATOR:
        frame = frame.with_columns(verification_status=pl.col("indicator_verification_status"))
    return frame.select(name for name in result.schema if name in frame.columns)


def _warnings(grades: pl.DataFrame) -> tuple[str, ...]:
    """What an auditor should look at, of the running year alone: older years were looked at when they were new."""
    latest = grades.filter(pl.col("period_type") == "rolling_12m").explode("warnings").drop_nulls("warnings")
    return tuple(f"{row['enterprise_id']}: {row['warnings']}" for row in latest.select("enterprise_id", "warnings").iter_rows(named=True))


def _answers_that_are_no_grade(answers: pl.DataFrame) -> Iterator[str]:
    """Survey answers on an index system that no grade can be read from: they count as not given."""
    others = answers.filter(~pl.col("answer").is_in(list(_WORST_FIRST))).select(
        "enterprise_id", "index_system_id", "indicator_id", "answer"
    )
    for enterprise, system, indicator, answer in others.unique().sort(pl.all()).iter_rows():
        yield f"{enterprise}: the survey answers {indicator} of {system} with {answer}, which is no grade: must be one of {', '.join(_WORST_FIRST)}"


# -- reading ---------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Inputs:
    """What the warehouse holds, as frames. `monthly` and `annual` are efficiency rows of both grains under one name for their date."""

    enterprises: pl.DataFrame
    products: pl.DataFrame
    monthly: pl.DataFrame
    annual: pl.DataFrame
    monthly_output: pl.DataFrame
    annual_output: pl.DataFrame
    answers: pl.DataFrame
    scales: pl.DataFrame


def inputs_of(frames: Frames, standards: Standards, library: IndexLibrary) -> Inputs:
    """Frames as INPUTS reads them, reduced to what the index systems ask for."""
    asked = pl.col("metric_code").is_in(sorted(library.metric_codes))
    known_output = (pl.col("product_code") != WHOLE) & pl.col("quantity").is_not_null()
    scales = standards.seed("metrics").select(
        "metric_code",
        pl.col("scale").cast(pl.Float64),
        pl.col("valid_from").str.to_date(),
        pl.col("valid_to").str.to_date().fill_null(date.max),
    )
    return Inputs(
        enterprises=frames["enterprises"],
        products=frames["products"],
        monthly=frames["monthly"].rename({"month_start_date": "starts_on"}).filter(asked),
        annual=frames["annual"].rename({"year_start_date": "starts_on"}).filter(asked),
        monthly_output=frames["monthly_output"].rename({"month_start_date": "starts_on"}).filter(known_output),
        annual_output=frames["annual_output"].rename({"year_start_date": "starts_on"}).filter(known_output),
        answers=frames["answers"]
        .filter((pl.col("subject_kind") == "enterprise") & pl.col("checklist_id").is_in(library.ids))
        .select(
            pl.col("subject_id").alias("enterprise_id"),
            pl.col("checklist_id").alias("index_system_id"),
            pl.col("item_id").alias("indicator_id"),
            "answered_on",
            "surveyor_role",
            "answer",
        ),
        scales=scales,
    )


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


def audit_periods(rounds: pl.DataFrame, monthly: pl.DataFrame, through: date) -> pl.DataFrame:
    """Enterprise and base period of every round of an audit that has ended: the whole months inside it, of which there are figures.

    Of a round that was entered anew the last entry counts.
    """
    starts, ends = pl.col("period_start"), pl.col("period_end")
    first = monthly.filter(_both_sides_known())["starts_on"].min()
    return (
        rounds.sort("round_id", "valid_from")
        .unique("round_id", keep="last", maintain_order=True)
        .drop_nulls(["period_start", "period_end"])
        .select(
            "enterprise_id",
            period_start=pl.when(starts.dt.day() == 1).then(starts).otherwise(starts.dt.month_start().dt.offset_by("1mo")),
            period_end=ends.dt.month_start(),
        )
        .filter((starts < ends) & (ends <= _months_after(through, 1)) & (ends > first))
        .unique()
        .sort("period_start", "period_end", "enterprise_id")
    )


def _months_after(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


# -- one period ------------------------------------------------------------------------------------------------------------------------


def assess_period(
    inputs: Inputs,
    library: IndexLibrary,
    period_type: str,
    period_start: date,
    period_end: date,
    *,
    rules_on: date | None = None,
    named: pl.DataFrame | None = None,
    only: Sequence[str] | None = None,
) -> Assessed:
    """Grade everybody who belonged to the park in a period.

    Args:
        rules_on: Day whose rules are applied; without it the period's last.
        named: `enterprise_id` and `index_system_id` to grade by; without it those that the register named last in the period.
        only: Enterprises that the period is about; without it everybody.
    """
    period = {"period_type": period_type, "period_start": period_start, "period_end": period_end}
    months = (period_end.year - period_start.year) * 12 + period_end.month - period_start.month
    members = _members(inputs.enterprises, period_start, period_end)
    if only is not None:
        members = members.filter(pl.col("enterprise_id").is_in(only))
    if named is not None:
        members = members.drop("index_system_id").join(named, on="enterprise_id", how="left")
    systems = {
        name: system
        for name in members["index_system_id"].drop_nulls().unique().sort().to_list()
        if (system := library.system(name, rules_on or period_end - timedelta(days=1))) is not None
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


def _values(inputs: Inputs, asked: pl.DataFrame, period: dict[str, object], months: int) -> pl.DataFrame:
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
    values = (
        rows.group_by(by_indicator, maintain_order=True)
        .agg(
            numerator=pl.col("numerator").filter(known).sum(),
            denominator=pl.col("denominator").filter(known).sum(),
            periods_known=known.sum(),
            months_of_data=counted.cast(pl.Int64),
            weakest=weakest(pl.col("state").filter(known)),
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
        # What is made of unlike units is a figure of nothing, which does not make the indicator inapplicable.
        .then(pl.col("weakest").replace(State.NOT_APPLICABLE.value, State.MISSING.value))
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
    key = ["enterprise_id", "index_system_id", "indicator_id"]
    return (
        answers.filter((pl.col("answered_on") < end) & pl.col("answer").is_in(list(_WORST_FIRST)))
        .with_columns(
            is_own=pl.col("surveyor_role").is_in(OWN_ROLES), rank=pl.col("answer").replace_strict(_WORST_FIRST, return_dtype=pl.Int64)
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


# -- the method ------------------------------------------------------------------------------------------------------------------------

_EFFICIENCY = "enterprise_id, process_id, product_code, metric_code, {date}, unit, numerator, denominator, state, measured_share, months"
_OUTPUT = "enterprise_id, product_code, {date}, quantity, unit"

INPUTS = {
    "enterprises": Source.of("staging.stg_enterprises", "enterprise_id, index_system_id, valid_from, valid_to"),
    "products": Source.of("staging.stg_products", "enterprise_id, product_code, product_kind, valid_from, valid_to"),
    "monthly": Source.of("marts.enterprise_efficiency_monthly", _EFFICIENCY.format(date="month_start_date")),
    "annual": Source.of("marts.enterprise_efficiency_annual", _EFFICIENCY.format(date="year_start_date")),
    "monthly_output": Source.of("marts.enterprise_production_monthly", _OUTPUT.format(date="month_start_date")),
    "annual_output": Source.of("marts.enterprise_production_annual", _OUTPUT.format(date="year_start_date")),
    "answers": Source.of(
        "staging.stg_survey_answers", "subject_kind, subject_id, checklist_id, item_id, answered_on, surveyor_role, answer"
    ),
}
"""What values and answers are taken from."""

ENTERPRISE_INDEX = Method(
    name="enterprise_index",
    version=METHOD,
    description="Grades of enterprises by the comprehensive index method (综合评价指数法).",
    reads=INPUTS
    | {"rounds": Source.of("staging.stg_audit_rounds", "round_id, enterprise_id, period_start, period_end, valid_from, valid_to")},
    results=(ENTERPRISE_GRADE, ENTERPRISE_INDICATOR),
    run=grade_enterprises,
)
