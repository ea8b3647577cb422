"""Reconciliation (三方核对): what an enterprise declares (S), what was monitored (M) and what a balance gives (B), and how a deviation was settled.

A deviation is a question, not an accusation: it is open until it is explained, accepted, or corrected by a new submission, never by an
edit. Bounds and weights are rows of the standards. M comes from `monitored`, B from `third_values`, decisions from `decisions`.
"""

from datetime import date

import polars as pl

from pipelines.assessment.columns import VERIFICATION
from pipelines.assessment.decisions import REVIEW_COLUMNS, current_decisions, subject_key
from pipelines.assessment.deviation import NOT_REPORTED, classified, deviations, with_outliers
from pipelines.assessment.in_force import in_force
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.monitored import SOURCES, ledgers, monthly, over_periods
from pipelines.assessment.order import least_sure_among
from pipelines.assessment.third_values import KEY as VALUE_KEY
from pipelines.assessment.third_values import chosen, declared_balances, estimated, left_by_balances, of_ledgers
from pipelines.assessment.uncertainty import with_uncertainty
from pipelines.contracts.records import COUNT, DATE, INSTANT, NUMBER, STATE, TEXT, TEXTS, Column
from pipelines.contracts.states import State

ABOUT = "reconciliation"
KEY = ("subject_kind", "subject_id", "item_code", "medium", "report_kind", "period_start", "period_end")
CLASSES = ("consistent", "explain", "finding", "missing_report", "not_reported", "not_comparable")
OUTLIERS = ("none", "self_report", "monitored", "balance", "undetermined")
STATUSES = ("none", "open", "explained", "accepted", "not_applicable", "corrected")
_BARS_SHOWN = 12
DUTIES = ("statistics", "permit_execution")
"""Report kinds of which one is owed for what an enterprise discharges."""


# -- S -----------------------------------------------------------------------------------------------------------------------------------


def declared(reports: pl.DataFrame, revisions: pl.DataFrame) -> pl.DataFrame:
    """Declarations, their lines added up, beside what they said before they were last submitted anew.

    Args:
        reports: marts.self_reported. revisions: superseded lines, `subject_kind … line_id, value, known_to`.

    Returns:
        KEY, `enterprise_id, s_value` (null where a line has none), `unit, s_state, s_method, submission_no, submitted_at_utc, due_at_utc,
        s_previous_value, restated_on, delivery_ids`.
    """
    line = [*KEY, "line_id"]
    before = (
        revisions.join(reports.select(*line, current="value"), on=line)
        .filter(pl.col("value").ne_missing(pl.col("current")))
        .sort(*line, "known_to")
        .unique(line, keep="last", maintain_order=True)
        .select(*line, previous="value", restated_at="known_to")
    )
    lines = reports.join(before, on=line, how="left").with_columns(
        was=pl.when(pl.col("restated_at").is_not_null()).then("previous").otherwise("value")
    )
    is_restated = pl.col("restated_at").is_not_null().any()
    return lines.group_by(KEY, maintain_order=True).agg(
        enterprise_id=pl.col("enterprise_id").first(),
        s_value=pl.when(pl.col("value").is_not_null().all()).then(pl.col("value").sum()),
        unit=pl.col("unit").drop_nulls().first(),
        s_state=pl.when(pl.col("value").is_not_null().all()).then(pl.lit(State.SELF_REPORTED.value)).otherwise(pl.lit(State.MISSING.value)),
        s_method=pl.when(pl.col("method_code").n_unique() == 1).then(pl.col("method_code").first()),
        submission_no=pl.col("submission_no").max(),
        submitted_at_utc=pl.col("submitted_at_utc").max(),
        due_at_utc=pl.col("due_at_utc").max(),
        s_previous_value=pl.when(is_restated & pl.col("was").is_not_null().all()).then(pl.col("was").sum()),
        # When the new figure was submitted; where nobody says, when it was known.
        restated_on=pl.when(is_restated).then(
            pl.coalesce(pl.col("submitted_at_utc").filter(pl.col("restated_at").is_not_null()).max(), pl.col("restated_at").max()).dt.date()
        ),
        delivery_ids=pl.col("delivery_id").drop_nulls().unique().sort(),
    )


def statistics_beside(rows: pl.DataFrame) -> pl.DataFrame:
    """What environmental statistics (环境统计) say of the same subject, item and days: the report on just that period, else shorter ones that fill it.

    Returns:
        rows with `statistics_value`; null for the statistics themselves and where they do not cover the period.
    """
    key = ["subject_kind", "subject_id", "item_code", "medium", "unit"]
    told = rows.filter((pl.col("report_kind") == "statistics") & pl.col("s_value").is_not_null()).select(
        *key, told_from="period_start", told_to="period_end", told="s_value"
    )
    others = rows.filter(pl.col("report_kind") != "statistics").select(*KEY, "unit")
    inside = others.join(told, on=key).filter((pl.col("told_from") >= pl.col("period_start")) & (pl.col("told_to") <= pl.col("period_end")))
    days = (pl.col("told_to") - pl.col("told_from")).dt.total_days()
    length = (pl.col("period_end") - pl.col("period_start")).dt.total_days()
    exact = pl.col("told").filter(days == length)
    found = inside.group_by(KEY).agg(
        statistics_value=pl.when(exact.len() > 0).then(exact.first()).when(days.sum() == length.first()).then(pl.col("told").sum())
    )
    return rows.join(found, on=KEY, how="left")


# -- how it was settled ------------------------------------------------------------------------------------------------------------------


def workflow(rows: pl.DataFrame, reviews: pl.DataFrame, previous_class: pl.DataFrame, today: date) -> pl.DataFrame:
    """Where each deviation stands: open → explained → accepted, or corrected by a submission that is consistent.

    A decision is about the figures it saw: one of a day before the declaration was submitted anew does not hold for the new figure.

    Args:
        rows: classified rows with `subject_key, restated_on`. previous_class: KEY and `s_previous_class`, of what was declared before.

    Returns:
        rows with `workflow_status, decided_on, decided_by, independence, review_id, review_evidence_sha256, appeal_state`.
    """
    restated = rows.filter(pl.col("restated_on").is_not_null()).select("subject_key", "restated_on")
    about_now = (
        reviews.join(restated, on="subject_key", how="left")
        .filter(pl.col("restated_on").is_null() | (pl.col("decided_on") >= pl.col("restated_on")))
        .drop("restated_on")
    )
    decided = current_decisions(about_now, ABOUT, today).select(
        "subject_key",
        "decision",
        "decided_on",
        "decided_by",
        "independence",
        "review_id",
        "appeal_state",
        review_evidence_sha256="evidence_sha256",
    )
    joined = rows.join(decided, on="subject_key", how="left").join(previous_class, on=KEY, how="left")
    settled = {"explained": "explained", "accepted": "accepted", "override": "accepted", "not_applicable": "not_applicable"}
    asks = pl.col("class").is_in(["explain", "finding", "missing_report", "not_reported"])
    was_wrong = pl.col("s_previous_class").is_in(["explain", "finding"])
    status = (
        pl.when((pl.col("class") == "consistent") & was_wrong)
        .then(pl.lit("corrected"))
        .when(~asks)
        .then(pl.lit("none"))
        .otherwise(pl.col("decision").replace_strict(settled, default="open", return_dtype=pl.String))
    )
    return joined.with_columns(workflow_status=status)


def classes_before(rows: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """The class that each declaration had before it was submitted anew, against what is known today: KEY and `s_previous_class`."""
    restated = rows.filter(pl.col("restated_on").is_not_null()).with_columns(s_value="s_previous_value")
    was_missing = restated.with_columns(
        s_state=pl.when(pl.col("s_value").is_null()).then(pl.lit(State.MISSING.value)).otherwise(pl.lit(State.SELF_REPORTED.value))
    )
    return classified(deviations(was_missing), classes).select(*KEY, s_previous_class="class")


# -- the method --------------------------------------------------------------------------------------------------------------------------

RECONCILIATION = Result(
    "reconciliation",
    "One row per subject, item, medium, kind of report and period that was declared, and one per year for what is monitored and was not",
    (
        Column("subject_kind", TEXT, "enterprise, process, outlet or product.", required=True),
        Column("subject_id", TEXT, "Which one.", required=True),
        Column("item_code", TEXT, "Pollutant, item or product (reference.parameter).", required=True),
        Column("medium", TEXT, "Where the quantity went or came from.", required=True),
        Column("report_kind", TEXT, "Duty that the declaration fulfils; `-` for what nobody declared.", required=True),
        Column("period_start", DATE, "First local date of the declared period.", required=True),
        Column("period_end", DATE, "First local date after it.", required=True),
    ),
    (
        Column("enterprise_id", TEXT, "Enterprise."),
        Column("subject_key", TEXT, "How a review names this row.", required=True),
        Column("s_value", NUMBER, "Declared (S), in `unit`; null where the report is missing."),
        Column("m_value", NUMBER, "Monitored or metered (M), in `unit`: months of which nothing was declared; of waste the ledger."),
        Column("b_value", NUMBER, "By balance or coefficient (B), in `unit`."),
        Column("unit", TEXT, "Unit of the three."),
        Column("s_over_m", NUMBER, "S / M − 1: below 0 less was declared than monitored."),
        Column("m_over_b", NUMBER, "M / B − 1."),
        Column("s_over_b", NUMBER, "S / B − 1."),
        Column("statistics_value", NUMBER, "What environmental statistics (环境统计) say of the same, in `unit`."),
        Column("s_over_statistics", NUMBER, "S / statistics − 1."),
        Column("compared_with", TEXT, "What the class rests on.", allowed=("monitored", "balance", "statistics")),
        Column("deviation", NUMBER, "S against it, relative."),
        Column("direction", TEXT, "under: less was declared; over; none.", allowed=("under", "over", "none")),
        Column(
            "class",
            TEXT,
            "consistent, explain or finding by the bounds of the direction; missing_report: it is due and not there; not_reported: monitored, and nobody declared it; not_comparable: nothing whole stands beside it.",
            required=True,
            allowed=CLASSES,
        ),
        Column("weighted_deviation", NUMBER, "Deviation times the weight of its direction, to rank what to look at first."),
        Column("outlier", TEXT, "Which of the three stands alone; undetermined where figures differ and it cannot be said.", allowed=OUTLIERS),
        Column("m_months", COUNT, "Months of the period that were monitored."),
        Column("months", COUNT, "Months of the period; null where it is not made of whole months."),
        Column("capture_share", NUMBER, "Share of the period's time that monitoring covers, 0 to 1."),
        Column("measured_share", NUMBER, "Share of M that was measured."),
        Column("substituted_share", NUMBER, "Share of M that was substituted."),
        Column("m_uncertainty", NUMBER, "Expanded uncertainty (k = 2) of M, in `unit`."),
        Column("b_uncertainty", NUMBER, "Expanded uncertainty (k = 2) of B, in `unit`."),
        Column("s_method", TEXT, "How the enterprise says it determined S."),
        Column("m_method", TEXT, "Method behind M."),
        Column("b_method", TEXT, "Balance or coefficient behind B."),
        Column("workflow_status", TEXT, "none: nothing to settle; open; explained; accepted; not_applicable; corrected: a new submission is consistent.", required=True, allowed=STATUSES),
        Column("decided_on", DATE, "Local date of the decision that holds."),
        Column("decided_by", TEXT, "Role of who decided."),
        Column("independence", TEXT, "What the reviewer says of ties to the enterprise."),
        Column("review_id", TEXT, "Decision."),
        Column("review_evidence_sha256", TEXT, "Hash of its document."),
        Column("appeal_state", TEXT, "none, pending, upheld or dismissed."),
        Column("submission_no", COUNT, "Number of the submission."),
        Column("submitted_at_utc", INSTANT, "When it was submitted, UTC."),
        Column("due_at_utc", INSTANT, "When it was due, UTC."),
        Column("s_previous_value", NUMBER, "What was declared before it was last submitted anew, in `unit`."),
        Column("s_previous_class", TEXT, "Class that had against what is known today."),
        Column("restated_on", DATE, "UTC date of the new submission."),
        Column("delivery_ids", TEXTS, "Deliveries that S comes from (audit.deliveries)."),
        VERIFICATION,
        STATE,
    ),
)  # fmt: skip


def reconcile(frames: Frames, context: Context) -> Outcome:
    """Every current declaration against what is known of the same days."""
    today = context.today
    classes = in_force(frames["classes"], today, ["direction", "class_code"])
    uncertainties = in_force(frames["uncertainties"], today, ["source", "item_kind", "item_code", "state"])
    rules = in_force(frames["rules"], today)
    numbers = dict(in_force(frames["numbers"], today, ["rule_code"]).select("rule_code", "value").iter_rows())
    min_capture = numbers.get("min_capture_share", 0.0)
    kinds = (
        in_force(frames["parameters"], today)
        .select(item_code="parameter_code", item_kind="kind")
        .unique("item_code", keep="first", maintain_order=True)
    )
    known = monthly(frames["emission"], frames["consumption"], frames["production"], frames["methods"])
    # Money and heads are nothing that is monitored.
    of_substance = (pl.col("subject_kind") != "park") & (pl.col("medium") != "none")
    said = declared(frames["reports"].filter(of_substance), frames["revisions"])
    rows = pl.concat([said, _not_reported(said, known, frames)], how="diagonal")
    rows = _with_known(rows, known, frames, rules, min_capture).join(kinds, on="item_code", how="left")
    rows = _with_m_uncertainty(statistics_beside(rows), uncertainties)
    rows = with_outliers(classified(deviations(rows), classes), classes).with_columns(subject_key=subject_key(*KEY))
    rows = workflow(rows, frames["reviews"], classes_before(rows, classes), today)
    is_known = pl.col("m_value").is_not_null() | pl.col("b_value").is_not_null()
    rows = rows.with_columns(
        verification_status=pl.lit(least_sure_among(classes["verification_status"]), dtype=pl.String),
        state=pl.when(pl.col("s_value").is_not_null() & is_known)
        .then(pl.lit(State.SELF_REPORTED.value))
        .otherwise(pl.lit(State.MISSING.value)),
    ).sort(KEY)
    found = rows.filter((pl.col("class") == "finding") & (pl.col("workflow_status") == "open"))
    counts = rows["class"].value_counts().sort("class")
    return Outcome(
        {RECONCILIATION.name: rows.select(name for name in RECONCILIATION.schema if name in rows.columns)},
        ", ".join(f"{count} {name}" for name, count in counts.iter_rows()) or "nothing was declared",
        (f"{found.height} declarations deviate by more than the bound of a finding and are open",) if found.height else (),
    )


def _with_known(rows: pl.DataFrame, known: pl.DataFrame, frames: Frames, rules: pl.DataFrame, min_capture: float) -> pl.DataFrame:
    """M and B beside S, where they are in the same unit. M is whole where every month of it captured enough of its time."""
    wanted = rows.select(VALUE_KEY).unique(maintain_order=True)
    monitored = over_periods(wanted, known)
    books = ledgers(wanted, frames["waste"])
    thirds = chosen(
        declared_balances(frames["reports"]),
        estimated(frames["estimates"]),
        left_by_balances(frames["balances"], frames["streams"], rules),
        of_ledgers(books),
    )
    joined = (
        rows.join(monitored, on=VALUE_KEY, how="left")
        .join(books.select(*VALUE_KEY, "ledger_t"), on=VALUE_KEY, how="left")
        .join(thirds, on=VALUE_KEY, how="left")
    )
    # Of what was monitored and never declared the unit is the monitor's.
    joined = joined.with_columns(
        unit=pl.coalesce("unit", "m_unit"), from_ledger=pl.col("ledger_t").is_not_null() & pl.col("m_value").is_null()
    )
    in_unit = pl.col("m_unit") == pl.col("unit")
    # A declaration that is a balance itself is not held against itself.
    is_itself = pl.col("b_method") == pl.format("{} of {}", "s_method", "report_kind")
    return joined.with_columns(
        m_value=pl.when("from_ledger").then(pl.when(pl.col("unit") == "t").then("ledger_t")).when(in_unit).then("m_value"),
        m_is_whole=pl.col("from_ledger")
        | ((pl.col("m_months") == pl.col("months")) & (pl.col("capture_share") >= min_capture)).fill_null(False),
        m_method=pl.when("from_ledger").then(pl.lit("waste_ledger")).when(in_unit).then("m_method"),
        m_source=pl.when("from_ledger").then(pl.lit("waste")).otherwise("m_source"),
        b_value=pl.when((pl.col("b_unit") == pl.col("unit")) & ~is_itself.fill_null(False)).then("b_value"),
    ).with_columns(
        b_method=pl.when(pl.col("b_value").is_not_null()).then("b_method"),
        b_uncertainty=pl.when(pl.col("b_value").is_not_null()).then("b_uncertainty"),
    )


def _with_m_uncertainty(rows: pl.DataFrame, uncertainties: pl.DataFrame) -> pl.DataFrame:
    ledger = pl.when("from_ledger").then(1.0)
    made = with_uncertainty(
        rows.with_columns(amount="m_value", source=pl.col("m_source").fill_null("-"), self_reported_share=ledger), uncertainties
    )
    return made.rename({"uncertainty": "m_uncertainty"}).drop("amount", "source", "self_reported_share", "estimated_share")


def _not_reported(said: pl.DataFrame, known: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """Pollutants of outlets that were monitored in a whole calendar year of which no duty to report was fulfilled, not even in part."""
    years = frames["periods"].filter(pl.col("period_type") == "calendar_year").select("period_start", "period_end").unique()
    outlets = (
        known.filter((pl.col("subject_kind") == "outlet") & (pl.col("unit") == "kg"))
        .select("subject_kind", "subject_id", "item_code", "medium")
        .unique()
    )
    wanted = outlets.join(years, how="cross")
    whole = over_periods(wanted, known).filter((pl.col("m_months") == pl.col("months")) & (pl.col("m_value") > 0))
    owners = (
        frames["emission"]
        .drop_nulls("outlet_id")
        .sort("month_start_date")
        .unique("outlet_id", keep="last")
        .select(subject_id="outlet_id", enterprise_id="enterprise_id")
    )
    told = said.filter(pl.col("report_kind").is_in(DUTIES))
    of_outlet = told.filter(pl.col("subject_kind") == "outlet").select(
        "subject_id", "item_code", "medium", told_from="period_start", told_to="period_end"
    )
    of_enterprise = told.filter(pl.col("subject_kind") == "enterprise").select(
        "enterprise_id", "item_code", "medium", told_from="period_start", told_to="period_end"
    )
    rows = whole.join(owners, on="subject_id", how="left")
    for reports, key in ((of_outlet, "subject_id"), (of_enterprise, "enterprise_id")):
        covered = rows.join(reports, on=[key, "item_code", "medium"]).filter(
            (pl.col("told_from") < pl.col("period_end")) & (pl.col("told_to") > pl.col("period_start"))
        )
        rows = rows.join(covered.select(VALUE_KEY), on=VALUE_KEY, how="anti")
    return rows.select(
        *VALUE_KEY, "enterprise_id", report_kind=pl.lit(NOT_REPORTED), s_state=pl.lit(State.MISSING.value), unit=pl.lit("kg"),
        s_value=pl.lit(None, dtype=pl.Float64),
    )  # fmt: skip


def plot_open_deviations(axes: object, frames: Frames) -> None:
    """The open deviations to look at first: how far each declaration is from what it is compared with, %."""
    is_open = (pl.col("workflow_status") == "open") & pl.col("weighted_deviation").is_not_null()
    worst = frames[RECONCILIATION.name].filter(is_open).sort("weighted_deviation", "subject_key").tail(_BARS_SHOWN)
    labels = worst.select(pl.format("{} {} {} {}", "subject_id", "item_code", "report_kind", pl.col("period_start").cast(pl.String)))
    deviation = (worst["deviation"] * 100).to_list()
    colours = ["tab:red" if value < 0 else "tab:blue" for value in deviation]
    axes.barh(labels.to_series().to_list(), deviation, color=colours)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("declared against monitored, balance or statistics, %")
    axes.set_title("Open deviations, those that weigh most" if deviation else "No open deviation")


_STANDARD = "valid_from, valid_to, verification_status, origin"
_LINE = "subject_kind, subject_id, item_code, medium, period_start, period_end, report_kind, line_id, value"

RECONCILIATIONS = Method(
    name="reconciliation",
    version="reconciliation-1",
    description="Self-report × monitored × balance (自报、监测、衡算核对), classes of deviation, the outlier, and how it was settled.",
    reads={
        "periods": Source.of("assessment.enterprise_grade", "period_type, period_start, period_end"),
        "reports": Source.of(
            "marts.self_reported",
            f"{_LINE}, enterprise_id, unit, method_code, state, submission_no, submitted_at_utc, due_at_utc, delivery_id",
        ),
        "revisions": Source.of("staging.stg_self_report_revisions", f"{_LINE}, known_to"),
        **SOURCES,
        "estimates": Source.of(
            "marts.emission_method",
            "enterprise_id, outlet_id, medium, pollutant_code, period_start, period_end, method_code, mass_kg, uncertainty",
        ),
        "balances": Source.of(
            "assessment.balance",
            "subject_kind, subject_id, period_type, period_start, period_end, balance_kind, component, missing_streams",
        ),
        "streams": Source.of(
            "assessment.balance_stream",
            "subject_kind, subject_id, period_type, period_start, period_end, balance_kind, component, stream_id, side, is_plug, amount, uncertainty",
        ),
        "reviews": Source.of("staging.stg_reviews", REVIEW_COLUMNS),
        "parameters": Source.of("reference.parameter", "parameter_code, kind, valid_from, valid_to"),
        "classes": Source.of("reference.reconciliation_class", f"direction, class_code, deviation_from, deviation_to, weight, {_STANDARD}"),
        "numbers": Source.of("reference.reconciliation_rule", f"rule_code, value, {_STANDARD}"),
        "uncertainties": Source.of(
            "reference.balance_uncertainty", f"source, item_kind, item_code, state, relative_uncertainty, {_STANDARD}"
        ),
        "rules": Source.of("reference.balance_stream", f"component, stream_id, source, item_code, scale, {_STANDARD}"),
    },
    results=(RECONCILIATION,),
    run=reconcile,
    plot=plot_open_deviations,
)
