"""What is to be done, by whom, since when, and how urgently (监管清单): one row per thing, gathered from every table that knows one.

Nothing is judged here: what is overdue, exceeded or missing is decided where it is computed. A person's decision takes a row off
the list until something newer happens.
"""

from datetime import date, timedelta

import polars as pl

from pipelines.assessment.decisions import DECISIONS, REVIEW_COLUMNS, current_decisions, subject_key
from pipelines.assessment.facts import DROPPED_MEASURES, OWNER_SOURCES
from pipelines.assessment.finding import ENDED
from pipelines.assessment.in_force import with_enterprise
from pipelines.assessment.load_shares import LOAD_SOURCE, heaviest_share
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.supervision import SUPERVISION_SOURCE, number
from pipelines.contracts.records import DATE, NUMBER, STATE, TEXT, Column
from pipelines.contracts.states import State

KINDS = (
    "open_finding", "overdue_measure", "exceedance", "missing_report", "emergency_plan", "overdue_step", "unanswered_complaint",
    "uncorrected_event", "pending_appeal",
)  # fmt: skip
URGENCIES = ("high", "medium", "low")
ROLES = ("enterprise", "park", "third_party", "bureau")
_TO_CORRECT = ("violation", "penalty", "incident", "inspection")
"""Events that leave something to correct when they name a date."""
_TAKES_OFF = ("accepted", "rejected", "not_applicable")

WORKLIST = Result(
    "worklist",
    "One row per thing to be done",
    (
        Column("kind", TEXT, "What it is.", required=True, allowed=KINDS),
        Column("link_key", TEXT, "Which row of link_table: its key columns joined with ` / `, park_id left out.", required=True),
    ),
    (
        Column("link_table", TEXT, "Where it comes from: a table, or the record event.", required=True),
        Column("enterprise_id", TEXT, "Enterprise it concerns; null for the park's own."),
        Column("who", TEXT, "Role that must act: enterprise, park, third_party or bureau.", required=True, allowed=ROLES),
        Column("what", TEXT, "What it is about, in words."),
        Column("since", DATE, "Local date since which it waits; null where nobody knows."),
        Column("last_on", DATE, "Local date on which it last happened, of what recurs."),
        Column("due_on", DATE, "Last local date on which it is done in time; null where nothing says when."),
        Column("urgency", TEXT, "high, medium or low, by the days past its date, or since it waits where there is none.", required=True, allowed=URGENCIES),
        Column("load_share", NUMBER, "Share of the enterprise in the park's equal-standard load, 0 to 1, water or air, whichever is larger."),
        Column("explained_on", DATE, "Local date of an explanation or other decision that left the row on the list."),
        Column("explained_by", TEXT, "Role of who gave it."),
        STATE,
    ),
)  # fmt: skip


def gather(frames: Frames, context: Context) -> Outcome:
    """Everything that waits, most urgent first, then the heaviest enterprise, then the oldest."""
    today = context.today
    recent = int(number(frames["supervision"], "worklist_exceedance_days", today))
    rows = pl.concat(
        [
            _findings(frames["findings"]),
            _measures(frames["measures"], today),
            _exceedances(frames["exceedances"], today - timedelta(days=recent), today),
            _missing_reports(frames["reports"], today),
            _plans(frames["readiness"]),
            _steps(frames["steps"]),
            _complaints(frames["complaints"]),
            _events(frames, today),
            _appeals(frames["reviews"], today),
        ],
        how="diagonal_relaxed",
    )
    medium, high = (int(number(frames["supervision"], f"worklist_{word}_after_days", today)) for word in ("medium", "high"))
    listed = _without_decided(rows, current_decisions(frames["reviews"], WORKLIST.name, today))
    listed = with_urgency(listed, today, medium, high).join(heaviest_share(frames["loads"]), on="enterprise_id", how="left")
    rank = {urgency: at for at, urgency in enumerate(URGENCIES)}
    listed = listed.with_columns(state=pl.lit(State.MISSING.value)).sort(
        pl.col("urgency").replace_strict(rank, return_dtype=pl.Int64),
        pl.col("load_share").fill_null(-1.0),
        pl.coalesce("due_on", "since"),
        "kind",
        "link_key",
        descending=[False, True, False, False, False],
        nulls_last=True,
    )
    counts = dict(listed["kind"].value_counts().iter_rows())
    said = ", ".join(f"{counts[kind]} {kind.replace('_', ' ')}" for kind in KINDS if kind in counts)
    return Outcome({WORKLIST.name: listed.select(WORKLIST.empty().columns)}, f"{listed.height} to do{': ' if said else ''}{said}")


def with_urgency(rows: pl.DataFrame, today: date, medium_after_days: int, high_after_days: int) -> pl.DataFrame:
    """By the days past the date; without a date by the days since it waits; what nobody knows the age of is of medium urgency."""
    days = (pl.lit(today) - pl.coalesce("due_on", "since")).dt.total_days()
    by_age = (
        pl.when(days.is_null())
        .then(pl.lit("medium"))
        .when(days >= high_after_days)
        .then(pl.lit("high"))
        .when(days >= medium_after_days)
        .then(pl.lit("medium"))
        .otherwise(pl.lit("low"))
    )
    raised = (pl.col("least_urgency") == "medium").fill_null(False) & (by_age == "low")
    return rows.with_columns(urgency=pl.when(raised).then(pl.lit("medium")).otherwise(by_age))


def _without_decided(rows: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """A ruling of others than the enterprise takes a row off unless it happened again since; an explanation is shown."""
    named = rows.with_columns(subject_key=subject_key("kind", "link_key")).join(
        decisions.select("subject_key", "decision", "decided_on", "decided_by"), on="subject_key", how="left", maintain_order="left"
    )
    newest = pl.coalesce("last_on", "since")
    is_off = pl.col("decision").is_in(list(_TAKES_OFF)) & (newest.is_null() | (pl.col("decided_on") >= newest))
    return named.filter(~is_off.fill_null(False)).with_columns(explained_on="decided_on", explained_by="decided_by")


# -- one function a kind ---------------------------------------------------------------------------------------------------------------


def _findings(findings: pl.DataFrame) -> pl.DataFrame:
    return findings.filter(~pl.col("status").is_in(ENDED)).select(
        "enterprise_id", "due_on",
        kind=pl.lit("open_finding"), link_key="finding_id", link_table=pl.lit("assessment.finding"), who=pl.lit("enterprise"),
        what="description", since="found_on",
        least_urgency=pl.when(pl.col("severity") == "high").then(pl.lit("medium")),
    )  # fmt: skip


def _measures(measures: pl.DataFrame, today: date) -> pl.DataFrame:
    done = (pl.col("completed_on") <= today).fill_null(False) | (pl.col("status") == "implemented")
    overdue = (pl.col("due_on") < today) & ~done & ~pl.col("status").is_in(DROPPED_MEASURES)
    return measures.filter(overdue).select(
        "enterprise_id", "due_on",
        kind=pl.lit("overdue_measure"), link_key="measure_id", link_table=pl.lit("assessment.finding_chain"), who=pl.lit("enterprise"),
        what="name", since="due_on",
    )  # fmt: skip


def _exceedances(exceedances: pl.DataFrame, since: date, today: date) -> pl.DataFrame:
    """Per outlet, pollutant and kind of limit, while the last one is recent."""
    key = ["enterprise_id", "outlet_id", "pollutant_code", "limit_kind"]
    recent = exceedances.filter(pl.col("is_binding") & (pl.col("local_date") >= since) & (pl.col("local_date") <= today))
    counted = recent.group_by(key).agg(
        since=pl.col("local_date").min(), last_on=pl.col("local_date").max(), periods=pl.len(), times=pl.col("times_limit").max()
    )
    return counted.select(
        "enterprise_id", "since", "last_on",
        kind=pl.lit("exceedance"), link_key=subject_key(*key), link_table=pl.lit("marts.exceedances"), who=pl.lit("enterprise"),
        what=pl.format("{} of {} above the limit {} times, up to {} times it", "pollutant_code", "outlet_id", "periods", pl.col("times").round(2)),
    )  # fmt: skip


def _missing_reports(reports: pl.DataFrame, today: date) -> pl.DataFrame:
    """Per enterprise (or the park), duty and period: the lines about its outlets, processes and products are one report."""
    key = ["whose", "report_kind", "period_start", "period_end"]
    missing = reports.filter(pl.col("state") == State.MISSING.value).with_columns(
        due_on=pl.col("due_at_utc").dt.date(), whose=pl.coalesce("enterprise_id", "subject_id")
    )
    counted = (
        missing.filter(pl.col("due_on").is_null() | (pl.col("due_on") < today))
        .group_by(key)
        .agg(
            pl.col("enterprise_id").drop_nulls().first(),
            pl.col("due_on").min(),
            lines=pl.len(),
            of_park=(pl.col("subject_kind") == "park").all(),
        )
    )
    return counted.select(
        "enterprise_id", "due_on",
        kind=pl.lit("missing_report"), link_key=subject_key(*key), link_table=pl.lit("marts.self_reported"),
        who=pl.when("of_park").then(pl.lit("park")).otherwise(pl.lit("enterprise")),
        what=pl.format("report {} of {} from {}, {} lines", "report_kind", "whose", "period_start", "lines"), since="due_on",
    )  # fmt: skip


def _plans(readiness: pl.DataFrame) -> pl.DataFrame:
    """Emergency plans that have expired, were never filed, or do not exist."""
    return readiness.filter(pl.col("plan_status") != "valid").select(
        "enterprise_id",
        kind=pl.lit("emergency_plan"), link_key="enterprise_id", link_table=pl.lit("assessment.emergency_readiness"), who=pl.lit("enterprise"),
        what=pl.format("emergency plan: {}", "plan_status"), since=pl.when(pl.col("plan_status") == "expired").then(pl.col("expires_on")),
    )  # fmt: skip


def _steps(steps: pl.DataFrame) -> pl.DataFrame:
    return steps.filter(pl.col("progress") == "overdue").select(
        "enterprise_id", "due_on",
        kind=pl.lit("overdue_step"), link_key=subject_key("round_id", "step_code"), link_table=pl.lit("assessment.workflow"),
        who="responsible_role", what="step_name", since="due_on",
    )  # fmt: skip


def _complaints(complaints: pl.DataFrame) -> pl.DataFrame:
    return complaints.filter(pl.col("response").is_in(["open", "overdue"])).select(
        "enterprise_id", "due_on",
        kind=pl.lit("unanswered_complaint"), link_key="complaint_id", link_table=pl.lit("assessment.complaint"), who=pl.lit("park"),
        what=pl.format("complaint: {}", pl.col("category").fill_null("no category")), since="occurred_on",
    )  # fmt: skip


def _events(frames: Frames, today: date) -> pl.DataFrame:
    """Violations, penalties, incidents and inspections that name a date for their correction and have not been corrected."""
    open_ = pl.col("closed_on").is_null() | (pl.col("closed_on") > today)
    events = frames["events"].filter(
        pl.col("event_kind").is_in(_TO_CORRECT) & pl.col("due_on").is_not_null() & open_ & (pl.col("occurred_on") <= today)
    )
    owned = with_enterprise(events, "occurred_on", *(frames[name] for name in OWNER_SOURCES))
    return owned.select(
        "enterprise_id", "due_on",
        kind=pl.lit("uncorrected_event"), link_key="event_id", link_table=pl.lit("event"),
        who=pl.when(pl.col("subject_kind") == "park").then(pl.lit("park")).otherwise(pl.lit("enterprise")),
        what=pl.concat_str("event_kind", "category", separator=": ", ignore_nulls=True), since="occurred_on",
    )  # fmt: skip


def _appeals(reviews: pl.DataFrame, today: date) -> pl.DataFrame:
    """Appeals that nobody has decided, whatever they are about."""
    empty = pl.DataFrame(schema=DECISIONS).with_columns(about=pl.lit(None, dtype=pl.String))
    of_tables = [current_decisions(reviews, about, today).with_columns(about=pl.lit(about)) for about in sorted(set(reviews["about"]))]
    pending = pl.concat([empty, *of_tables]).filter(pl.col("appeal_state") == "pending")
    concerned = reviews.filter(pl.col("decision") == "appealed").select("about", "subject_key", "enterprise_id")
    concerned = concerned.unique(["about", "subject_key"], keep="last", maintain_order=True)
    return pending.join(concerned, on=["about", "subject_key"], how="left").select(
        "enterprise_id",
        kind=pl.lit("pending_appeal"), link_key=pl.concat_str("about", "subject_key", separator=" / "), link_table=pl.lit("review"),
        who=pl.lit("bureau"), what=pl.format("appeal about {}: {}", "about", "subject_key"), since="appealed_on",
    )  # fmt: skip


WORKLISTS = Method(
    name="worklist",
    version="1",
    description="What is to be done, by whom, since when and how urgently (监管清单).",
    reads=OWNER_SOURCES
    | {
        "findings": Source.of("assessment.finding", "finding_id, enterprise_id, found_on, due_on, severity, status, description"),
        "measures": Source.of("staging.stg_measures", "measure_id, enterprise_id, name, status, due_on, completed_on"),
        "exceedances": Source.of(
            "marts.exceedances", "enterprise_id, outlet_id, pollutant_code, limit_kind, local_date, is_binding, times_limit"
        ),
        "reports": Source.of(
            "marts.self_reported", "subject_kind, subject_id, enterprise_id, report_kind, period_start, period_end, state, due_at_utc"
        ),
        "readiness": Source.of("assessment.emergency_readiness", "enterprise_id, plan_status, expires_on"),
        "steps": Source.of("assessment.workflow", "round_id, step_code, enterprise_id, step_name, responsible_role, progress, due_on"),
        "complaints": Source.of("assessment.complaint", "complaint_id, enterprise_id, category, occurred_on, due_on, response"),
        "events": Source.of(
            "staging.stg_events", "event_id, event_kind, category, subject_kind, subject_id, occurred_on, due_on, closed_on"
        ),
        "loads": LOAD_SOURCE,
        "supervision": SUPERVISION_SOURCE,
        "reviews": Source.of("staging.stg_reviews", REVIEW_COLUMNS),
    },
    results=(WORKLIST,),
    run=gather,
)
