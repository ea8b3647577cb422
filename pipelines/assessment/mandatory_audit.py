"""Candidates of a mandatory audit (强制性清洁生产审核: 双超、双有、高耗能), each with its evidence, and the deadlines of those that are listed.

The bureau lists, the system proposes: nothing here lists an enterprise but a decision of the bureau or a round of the audit register.
What the law names as a reason, and what is toxic or above a quota, are rows of the standards; steps and their deadlines those of the audit.
"""

from datetime import date

import polars as pl

from pipelines.assessment.columns import ENTERPRISE, VERIFICATION
from pipelines.assessment.decisions import REVIEW_COLUMNS, current_decisions
from pipelines.assessment.in_force import in_force, months_after
from pipelines.assessment.mandatory_evidence import (
    EVIDENCE,
    compared_with_quotas,
    exceeded_concentrations,
    exceeded_quotas,
    exceeded_totals,
    toxic_inputs,
    toxic_outputs,
    weakest_state,
)
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.order import least_sure, least_sure_among, least_sure_of
from pipelines.contracts.records import BOOL, COUNT, DATE, NUMBER, STATE, TEXT, TEXTS, Column
from pipelines.contracts.states import State

ABOUT = "mandatory_audit"
UNSPECIFIED = "unspecified"
"""Category of an enterprise that is listed without the list naming a reason that the data show."""
TRIGGERS = ("concentration_exceeded", "total_exceeded", "energy_quota_exceeded", "toxic_used", "toxic_discharged")
"""Reasons that can be seen in data; which of them hold is a row of the standards."""
STATUSES = ("proposed", "listed", "delisted", "audited", "not_indicated")
PROGRESS = ("to_start", "start_overdue", "under_way", "finish_overdue", "finished", "finished_late")


# -- who is listed, and by when ----------------------------------------------------------------------------------------------------------


def rulings(decisions: pl.DataFrame, rounds: pl.DataFrame, today: date) -> pl.DataFrame:
    """Everything that puts an enterprise on the list or takes it off, of a category or (category null) whatever the reason.

    A decision of the bureau names `E1 / double_toxic`, or `E1`; a mandatory round of the register names no reason.

    Args:
        decisions: current decisions on this table. rounds: `round_id, enterprise_id, kind, listed_on` of the register.

    Returns:
        `enterprise_id, ruled_category, status (listed, delisted), ruled_on, listed_by`.
    """
    key = pl.col("subject_key").str.splitn(" / ", 2).struct
    decided = decisions.filter(pl.col("decision").is_in(["listed", "delisted"])).select(
        enterprise_id=key.field("field_0"),
        ruled_category=key.field("field_1"),
        status="decision",
        ruled_on="decided_on",
        listed_by=pl.lit("review"),
    )
    registered = mandatory_rounds(rounds, today).select(
        "enterprise_id",
        ruled_category=pl.lit(None, dtype=pl.String),
        status=pl.lit("listed"),
        ruled_on="listed_on",
        listed_by=pl.lit("register"),
    )
    return pl.concat([decided, registered])


def mandatory_rounds(rounds: pl.DataFrame, today: date) -> pl.DataFrame:
    """The mandatory round of each enterprise that was listed last."""
    listed = rounds.filter((pl.col("kind") == "mandatory") & (pl.col("listed_on") <= today))
    return listed.sort("listed_on", "round_id").unique("enterprise_id", keep="last", maintain_order=True)


def with_rulings(rows: pl.DataFrame, ruled: pl.DataFrame) -> pl.DataFrame:
    """The status of every enterprise and category: the latest ruling that is about it.

    A ruling without a reason is about every category that the data indicate or that was ever ruled on by name; of an enterprise
    that has none, about a row of its own, `unspecified`.

    Args:
        rows: `enterprise_id, category, is_indicated`, one row per enterprise and category. ruled: from rulings.

    Returns:
        rows with `status, listed_on, listed_by`, and the rows that were added.
    """
    of_all = pl.col("ruled_category").is_null()
    by_name = ruled.filter(~of_all).select("enterprise_id", category="ruled_category").unique().with_columns(is_named=True)
    each = rows.join(by_name, on=["enterprise_id", "category"], how="full", coalesce=True)
    each = each.with_columns(is_concerned=pl.col("is_indicated").fill_null(False) | pl.col("is_named").fill_null(False))
    alone = (
        ruled.filter(of_all)
        .select("enterprise_id")
        .unique()
        .join(each.filter("is_concerned"), on="enterprise_id", how="anti")
        .with_columns(category=pl.lit(UNSPECIFIED), is_concerned=True)
    )
    each = pl.concat([each, alone], how="diagonal").with_columns(pl.col("is_indicated").fill_null(False))
    latest = (
        each.filter("is_concerned")
        .select("enterprise_id", "category")
        .join(ruled, on="enterprise_id")
        .filter(of_all | (pl.col("ruled_category") == pl.col("category")))
        .sort("ruled_on", pl.col("ruled_category").is_not_null())
        .unique(["enterprise_id", "category"], keep="last", maintain_order=True)
        .drop("ruled_category")
    )
    proposal = pl.when("is_indicated").then(pl.lit("proposed")).otherwise(pl.lit("not_indicated"))
    is_listed = pl.col("status") == "listed"
    return (
        each.join(latest, on=["enterprise_id", "category"], how="left")
        .with_columns(listed_on=pl.when(is_listed).then("ruled_on"), listed_by=pl.when(is_listed).then("listed_by"))
        .with_columns(status=pl.coalesce("status", proposal))
        .drop("is_named", "is_concerned", "ruled_on")
    )


def round_dates(steps: pl.DataFrame, phases: pl.DataFrame) -> pl.DataFrame:
    """When each round began and was finished: the days on which the steps of those milestones were done.

    Returns:
        `round_id, started_on, finished_on`.
    """
    milestones = phases.filter(pl.col("milestone").is_in(["started", "audit_done"])).select("step_code", "milestone")
    done = steps.drop_nulls("done_on").join(milestones, on="step_code")
    return done.group_by("round_id").agg(
        started_on=pl.col("done_on").filter(pl.col("milestone") == "started").min(),
        finished_on=pl.col("done_on").filter(pl.col("milestone") == "audit_done").max(),
    )


def with_deadlines(rows: pl.DataFrame, dates: pl.DataFrame, deadlines: dict[str, int | None], today: date) -> pl.DataFrame:
    """Due dates of what is listed, what became of them, and when the next audit is due.

    Args:
        rows: `category, status, is_indicated, last_on, listed_on, round_id, interval_months`. dates: from round_dates.
        deadlines: months after the listing: `announce, start, finish`; None where the steps name none.

    Returns:
        rows with `announce_due_on, start_due_on, finish_due_on, started_on, finished_on, progress, next_due_on`; a listing whose audit is
        finished is `audited`, and proposed again by what was found after it, or when the interval that the law names has passed.
    """

    def due(what: str) -> pl.Expr:
        months = deadlines.get(what)
        return pl.lit(None, dtype=pl.Date) if months is None else pl.col("listed_on").dt.offset_by(f"{months}mo")

    joined = rows.join(dates, on="round_id", how="left").with_columns(
        # What was done before the listing belongs to another audit.
        started_on=pl.when(pl.col("started_on") >= pl.col("listed_on")).then("started_on"),
        finished_on=pl.when(pl.col("finished_on") >= pl.col("listed_on")).then("finished_on"),
        announce_due_on=due("announce"),
        start_due_on=due("start"),
        finish_due_on=due("finish"),
        last_finished_on="finished_on",
    )
    is_listed = pl.col("status") == "listed"
    finished, started = pl.col("finished_on").is_not_null(), pl.col("started_on").is_not_null()
    progress = (
        pl.when(~is_listed.fill_null(False))
        .then(pl.lit(None, dtype=pl.String))
        .when(finished & (pl.col("finished_on") > pl.col("finish_due_on")))
        .then(pl.lit("finished_late"))
        .when(finished)
        .then(pl.lit("finished"))
        .when(pl.col("finish_due_on") < today)
        .then(pl.lit("finish_overdue"))
        .when(started)
        .then(pl.lit("under_way"))
        .when(pl.col("start_due_on") < today)
        .then(pl.lit("start_overdue"))
        .otherwise(pl.lit("to_start"))
    )
    has_interval = pl.col("interval_months").is_not_null()
    joined = joined.with_columns(
        progress=progress,
        next_due_on=pl.when(has_interval).then(
            pl.col("last_finished_on").dt.offset_by(pl.format("{}mo", pl.col("interval_months").fill_null(0)))
        ),
    )
    again = pl.col("is_indicated") & pl.when(has_interval).then(pl.col("next_due_on") <= today).otherwise(
        pl.col("last_on") > pl.col("finished_on")
    )
    audited = pl.when(again.fill_null(False)).then(pl.lit("proposed")).otherwise(pl.lit("audited"))
    return joined.with_columns(status=pl.when(is_listed & finished).then(audited).otherwise("status")).drop("last_finished_on")


# -- the method --------------------------------------------------------------------------------------------------------------------------

_CATEGORY = Column(
    "category",
    TEXT,
    "double_exceedance (双超), high_energy (高耗能), double_toxic (双有), or unspecified: listed without a reason that data show.",
    required=True,
)
MANDATORY_AUDIT = Result(
    "mandatory_audit",
    "One row per enterprise and category of reasons for a mandatory audit",
    (ENTERPRISE, _CATEGORY),
    (
        Column("category_zh", TEXT, "双超, 高耗能 or 双有."),
        Column(
            "status",
            TEXT,
            "proposed: the data show a reason, and the bureau decides; listed or delisted: by its decision or the audit register; audited: the audit it was listed for is finished; not_indicated.",
            required=True,
            allowed=STATUSES,
        ),
        Column("is_indicated", BOOL, "Whether the data show a reason of the category.", required=True),
        Column("statement", TEXT, "The same in a sentence that says who decides.", required=True),
        Column("evidence_rows", COUNT, "Rows of assessment.mandatory_audit_evidence.", required=True),
        Column("first_on", DATE, "Local date of the first finding."),
        Column("last_on", DATE, "Local date of the last finding."),
        Column("not_checked", TEXTS, "Reasons that could not be checked, because nothing is known that they could be seen in."),
        Column("listed_on", DATE, "Local date of the list."),
        Column("listed_by", TEXT, "review or register.", allowed=("review", "register")),
        Column("round_id", TEXT, "Round of the audit register."),
        Column("announce_due_on", DATE, "Local date by which the enterprise publishes what it must (信息公布)."),
        Column("start_due_on", DATE, "Local date by which the audit must begin."),
        Column("started_on", DATE, "Local date on which it began."),
        Column("finish_due_on", DATE, "Local date by which it must be finished."),
        Column("finished_on", DATE, "Local date on which it was finished."),
        Column("progress", TEXT, "Where a listed audit stands against its deadlines.", allowed=PROGRESS),
        Column("next_due_on", DATE, "Local date by which the next audit must begin, where the law names an interval and one was finished."),
        VERIFICATION,
        STATE,
    ),
)
MANDATORY_AUDIT_EVIDENCE = Result(
    "mandatory_audit_evidence",
    "One row per enterprise, reason, subject, item and rule",
    (
        ENTERPRISE,
        Column("trigger_code", TEXT, "Reason (reference.audit_trigger).", required=True),
        Column(
            "subject_kind", TEXT, "outlet, enterprise, product, process, chemical_register, consumption or waste_ledger.", required=True
        ),
        Column("subject_id", TEXT, "Which one.", required=True),
        Column("item_code", TEXT, "Pollutant, metric, substance, material or waste code.", required=True),
        Column("rule", TEXT, "Limit, permit year, quota and year, or class of the list.", required=True),
    ),
    (
        Column("category", TEXT, "Category of the reason.", required=True),
        Column(
            "findings", COUNT, "Hours or days above the limit, months or ledger lines with the substance; 1 for a year or a register row."
        ),
        Column("value", NUMBER, "Largest value above the limit, mass used, energy per product, or mass of the substance, in `unit`."),
        Column("threshold", NUMBER, "Limit, permitted mass or quota, in `unit`; null for substances."),
        Column("unit", TEXT, "Unit of value and threshold."),
        Column("first_on", DATE, "Local date of the first finding."),
        Column("last_on", DATE, "Local date of the last one; null for a register row that holds."),
        Column("is_enough", BOOL, "Whether the reason's findings reach the number from which an audit is proposed.", required=True),
        VERIFICATION,
        STATE,
    ),
)


def propose_audits(frames: Frames, context: Context) -> Outcome:
    """Evidence, proposals and deadlines of every member of the park on the day of the build."""
    today = context.today
    triggers = in_force(frames["triggers"], today, ["trigger_code"])
    # A reason that a park has ended looks back at nothing.
    lookback = dict.fromkeys(TRIGGERS, today) | {
        row["trigger_code"]: months_after(today, -row["lookback_months"]) for row in triggers.iter_rows(named=True)
    }
    enterprises = in_force(frames["enterprises"], today).select("enterprise_id").unique().sort("enterprise_id")
    evidence, checked = _all_evidence(frames, today, lookback)
    evidence = evidence.join(enterprises, on="enterprise_id", how="semi").join(
        triggers.select("trigger_code", "category", "min_count", trigger_status="verification_status"), on="trigger_code"
    )
    total = pl.col("findings").sum().over("enterprise_id", "trigger_code")
    evidence = evidence.with_columns(is_enough=total >= pl.col("min_count")).sort(
        "enterprise_id", "trigger_code", "subject_kind", "subject_id", "item_code", "rule"
    )
    rows = _rows(enterprises, triggers, evidence, checked)

    phases = in_force(frames["phases"], today, ["step_code"])
    decisions = current_decisions(frames["reviews"], ABOUT, today)
    rounds = frames["rounds"].filter(pl.col("valid_from") <= today)
    rows = with_rulings(rows, rulings(decisions, rounds, today).join(enterprises, on="enterprise_id", how="semi"))
    rows = rows.join(mandatory_rounds(rounds, today).select("enterprise_id", "round_id"), on="enterprise_id", how="left")
    rows = with_deadlines(rows, round_dates(frames["steps"], phases), _deadlines(phases), today)
    rows = _worded(rows, phases).sort("enterprise_id", "category")
    proposed = rows.filter(pl.col("status") == "proposed")
    overdue = rows.filter(pl.col("progress").is_in(["start_overdue", "finish_overdue"]))
    return Outcome(
        {
            MANDATORY_AUDIT.name: rows.select(name for name in MANDATORY_AUDIT.schema if name in rows.columns),
            MANDATORY_AUDIT_EVIDENCE.name: evidence.with_columns(
                verification_status=least_sure_of("verification_status", "trigger_status"),
                state=pl.col("state").fill_null(State.MISSING.value),
            ).select(name for name in MANDATORY_AUDIT_EVIDENCE.schema if name in (*EVIDENCE, "category", "is_enough")),
        },
        f"{proposed['enterprise_id'].n_unique()} enterprises proposed, {rows.filter(pl.col('status') == 'listed')['enterprise_id'].n_unique()} listed",
        tuple(
            f"{enterprise_id}: audit listed on {listed_on} for {category}: {progress.replace('_', ' ')}"
            for enterprise_id, category, listed_on, progress in overdue.select(
                "enterprise_id", "category", "listed_on", "progress"
            ).iter_rows()
        ),
    )


def _all_evidence(frames: Frames, today: date, lookback: dict[str, date]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Evidence of every trigger, and which enterprise could be checked for which: `enterprise_id, trigger_code`."""
    until = pl.col("month_start_date") <= today
    toxic = in_force(frames["toxic"], today, ["match_kind", "match_code"])
    chemicals = in_force(frames["chemicals"], today)
    used_since, discharged_since = lookback["toxic_used"].replace(day=1), lookback["toxic_discharged"].replace(day=1)
    consumption = frames["consumption"].filter(pl.col("process_id").is_null() & (pl.col("month_start_date") >= used_since) & until)
    emissions = frames["emissions"].filter((pl.col("month_start_date") >= discharged_since) & until)
    ledger = frames["waste"].filter(pl.col("moved_on").is_between(lookback["toxic_discharged"], today))
    hazardous = ledger.filter((pl.col("waste_kind") == "hazardous") & (pl.col("movement") == "generated"))
    since_year = lookback["energy_quota_exceeded"].replace(month=1, day=1)
    # Of two rows for a year the park's own comes first.
    quotas = (
        frames["quotas"].filter(pl.col("level") == "limit").sort(pl.col("origin") != "park", maintain_order=True).drop("level", "origin")
    )
    finished = frames["efficiency"].filter(pl.col("year_start_date") < date(today.year, 1, 1))
    compared = compared_with_quotas(finished, frames["products"], frames["processes"], quotas, since_year)
    totals = frames["totals"].filter(pl.col("permit_year") <= today.year)
    evidence = pl.concat(
        [
            exceeded_concentrations(frames["exceedances"], lookback["concentration_exceeded"]),
            exceeded_totals(totals, lookback["total_exceeded"]),
            exceeded_quotas(compared),
            toxic_inputs(chemicals, consumption, toxic),
            toxic_outputs(emissions, hazardous, toxic),
        ]
    )
    judged = frames["judged"].filter(
        (pl.col("month_start_date") >= lookback["concentration_exceeded"].replace(day=1)) & (pl.col("periods_evaluated") > 0)
    )
    seen = {
        "concentration_exceeded": [judged],
        "total_exceeded": [totals.filter((pl.col("permit_year") >= lookback["total_exceeded"].year) & pl.col("used_kg").is_not_null())],
        "energy_quota_exceeded": [compared],
        "toxic_used": [chemicals, consumption.filter(pl.col("item_kind") == "material")],
        "toxic_discharged": [emissions.drop_nulls("mass_kg"), ledger],
    }
    checked = pl.concat(
        source.select("enterprise_id", trigger_code=pl.lit(trigger)) for trigger, sources in seen.items() for source in sources
    ).unique()
    return evidence, checked


def _rows(enterprises: pl.DataFrame, triggers: pl.DataFrame, evidence: pl.DataFrame, checked: pl.DataFrame) -> pl.DataFrame:
    """One row per enterprise and category, with what its evidence amounts to and what could not be checked."""
    each = enterprises.join(
        triggers.select("trigger_code", "category", "category_zh", "interval_months", "verification_status"), how="cross"
    )
    blind = (
        each.join(checked, on=["enterprise_id", "trigger_code"], how="anti")
        .group_by("enterprise_id", "category")
        .agg(not_checked=pl.col("trigger_code").sort())
    )
    enough = evidence.filter("is_enough")
    summed = enough.group_by("enterprise_id", "category").agg(
        evidence_rows=pl.len().cast(pl.Int64), first_on=pl.col("first_on").min(), last_on=pl.col("last_on").max(),
        evidence_status=least_sure(pl.col("verification_status")), evidence_state=weakest_state(),
    )  # fmt: skip
    categories = each.group_by("enterprise_id", "category", "category_zh").agg(
        interval_months=pl.col("interval_months").min(), verification_status=least_sure(pl.col("verification_status")), triggers=pl.len()
    )
    blind_to_all = pl.col("not_checked").list.len() == pl.col("triggers")
    return (
        categories.join(summed, on=["enterprise_id", "category"], how="left")
        .join(blind, on=["enterprise_id", "category"], how="left")
        .with_columns(
            pl.col("evidence_rows").fill_null(0),
            pl.col("not_checked").fill_null(pl.lit(pl.Series([[]], dtype=pl.List(pl.String))).first()),
            is_indicated=pl.col("evidence_rows").fill_null(0) > 0,
            verification_status=least_sure_of("verification_status", "evidence_status"),
        )
        .with_columns(
            state=pl.when("is_indicated")
            .then(pl.col("evidence_state").fill_null(State.SELF_REPORTED.value))
            .when(blind_to_all)
            .then(pl.lit(State.MISSING.value))
            .otherwise(pl.lit(State.MEASURED.value))
        )
    )


def _worded(rows: pl.DataFrame, phases: pl.DataFrame) -> pl.DataFrame:
    """A sentence for each row. A proposal is worded as one."""
    reason = pl.coalesce("category_zh", "category")
    since = pl.col("listed_on").cast(pl.String)
    statement = (
        pl.when(pl.col("status") == "proposed")
        .then(
            pl.format(
                "The data show {} ({} rows of evidence): proposed for the list of mandatory audits; the bureau decides.",
                reason,
                "evidence_rows",
            )
        )
        .when(pl.col("status") == "listed")
        .then(pl.format("On the list of mandatory audits since {} for {}, by {}.", since, reason, "listed_by"))
        .when(pl.col("status") == "audited")
        .then(pl.format("Listed on {} for {}; the audit was finished on {}.", since, reason, pl.col("finished_on").cast(pl.String)))
        .when(pl.col("status") == "delisted")
        .then(pl.format("Taken off the list of mandatory audits for {} by a decision of the bureau.", reason))
        .when(pl.col("state") == State.MISSING.value)
        .then(pl.format("Nothing is known that {} could be seen in.", reason))
        .otherwise(pl.format("The data show no finding of {}.", reason))
    )
    of_steps = pl.when(pl.col("listed_on").is_not_null()).then(pl.lit(least_sure_among(phases["verification_status"]), dtype=pl.String))
    return rows.with_columns(statement=statement, step_status=of_steps).with_columns(
        verification_status=least_sure_of("verification_status", "step_status"),
        state=pl.col("state").fill_null(State.MISSING.value),
        evidence_rows=pl.col("evidence_rows").fill_null(0),
    )


def _deadlines(phases: pl.DataFrame) -> dict[str, int | None]:
    """Months after the listing, by the steps of the audit that count from it."""
    from_list = phases.filter(pl.col("due_anchor") == "listed_on")
    months: dict[str, int | None] = {}
    for what, step in {
        "announce": pl.col("step_code") == "public_information",
        "start": pl.col("milestone") == "started",
        "finish": pl.col("milestone") == "audit_done",
    }.items():
        found = from_list.filter(step)["due_months"].drop_nulls()
        months[what] = None if found.is_empty() else int(found[0])
    return months


_REGISTER = "enterprise_id, valid_from, valid_to"
_STANDARD = "valid_from, valid_to, verification_status, origin"

MANDATORY_AUDITS = Method(
    name="mandatory_audit",
    version="mandatory-1",
    description="Candidates of a mandatory cleaner-production audit (双超、双有、高耗能) with evidence, and deadlines of those the bureau has listed.",
    reads={
        "enterprises": Source.of("staging.stg_enterprises", _REGISTER),
        "products": Source.of("staging.stg_products", f"product_code, product_kind, {_REGISTER}"),
        "processes": Source.of("staging.stg_processes", f"process_id, process_code, {_REGISTER}"),
        "chemicals": Source.of("staging.stg_chemicals", f"substance_code, max_on_site_t, used_as, {_REGISTER}"),
        "rounds": Source.of("staging.stg_audit_rounds", f"round_id, kind, listed_on, {_REGISTER}"),
        "steps": Source.of("staging.stg_audit_steps", "round_id, step_code, done_on"),
        "reviews": Source.of("staging.stg_reviews", REVIEW_COLUMNS),
        "waste": Source.of("staging.stg_waste_movements", "enterprise_id, waste_code, waste_kind, movement, moved_on, quantity_t, state"),
        "exceedances": Source.of(
            "marts.exceedances",
            "enterprise_id, outlet_id, pollutant_code, local_date, limit_kind, limit_source, limit_id, limit_value, unit, is_binding, value",
        ),
        "judged": Source.of("intermediate.int_enterprise_compliance_monthly", "enterprise_id, month_start_date, periods_evaluated"),
        "totals": Source.of(
            "marts.permit_total_progress", "enterprise_id, outlet_id, pollutant_code, permit_year, permitted_kg, used_kg, state"
        ),
        "efficiency": Source.of(
            "marts.enterprise_efficiency_annual",
            "enterprise_id, process_id, product_code, metric_code, year_start_date, value, unit, state",
        ),
        "consumption": Source.of(
            "marts.enterprise_consumption_monthly",
            "enterprise_id, process_id, item_code, item_kind, month_start_date, quantity, unit, state",
        ),
        "emissions": Source.of(
            "marts.enterprise_emission_monthly", "enterprise_id, outlet_id, pollutant_code, month_start_date, mass_kg, state"
        ),
        "triggers": Source.of(
            "reference.audit_trigger", f"trigger_code, category, category_zh, lookback_months, min_count, interval_months, {_STANDARD}"
        ),
        "toxic": Source.of("reference.toxic_substance", f"match_kind, match_code, list_class, {_STANDARD}"),
        "quotas": Source.of(
            "reference.energy_quota", f"quota_id, standard_id, product_kind, process_code, metric_code, level, value, unit, {_STANDARD}"
        ),
        "phases": Source.of("reference.audit_phase", f"step_code, milestone, due_anchor, due_months, {_STANDARD}"),
    },
    results=(MANDATORY_AUDIT, MANDATORY_AUDIT_EVIDENCE),
    run=propose_audits,
)
