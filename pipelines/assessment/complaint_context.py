"""Complaints (公众举报) beside what the outlets sent at the time, and whether they were answered by their date.

What a complaint is about is the complainant's word; the readings are shown, not judged. Hours and days are numbers of the
standards; which readings lie around a complaint is found in dbt (`int_complaint_hours`).
"""

from datetime import date

import polars as pl

from pipelines.assessment.decisions import REVIEW_COLUMNS, current_decisions
from pipelines.assessment.facts import OWNER_SOURCES
from pipelines.assessment.in_force import with_enterprise
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.supervision import SUPERVISION_SOURCE, number
from pipelines.contracts.records import BOOL, COUNT, DATE, EVENT, NUMBER, STATE, TEXT, Column
from pipelines.contracts.states import State

RESPONSES = ("kept", "late", "open", "overdue", "set_aside")
LINKS = ("readings", "no_readings", "time_unknown", "place_unknown")
_LINKED_SUBJECTS = ("enterprise", "outlet", "point")
_COMPLAINT = Column("complaint_id", TEXT, "Complaint (record event).", required=True)

COMPLAINT = Result(
    "complaint",
    "One row per complaint, with its answer and what the readings of its time amount to",
    (_COMPLAINT,),
    (
        Column("subject_kind", TEXT, "What it is about."),
        Column("subject_id", TEXT, "Identifier of the subject."),
        Column("enterprise_id", TEXT, "Enterprise it concerns; null where none is named."),
        *(EVENT.by_name[name] for name in ("category", "occurred_on", "occurred_at_utc", "parameter_code")),
        Column("due_on", DATE, "Last local date for the answer.", required=True),
        Column("due_from", TEXT, "record, or rule where the record names no date.", required=True, allowed=("record", "rule")),
        Column("closed_on", DATE, "Local date on which it was answered."),
        Column("days_to_answer", COUNT, "Days from the complaint to the answer; null while there is none."),
        Column("response", TEXT, "kept, late, open, overdue, or set_aside by a decision.", required=True, allowed=RESPONSES),
        Column("decided_by", TEXT, "Role of who set it aside."),
        Column("link", TEXT, "readings; no_readings of its time; time_unknown (no hour given); place_unknown (no outlet, point or enterprise named).",
               required=True, allowed=LINKS),
        Column("places", COUNT, "Outlets or points with readings around it."),
        Column("hours_valid", COUNT, "Valid hours of its time, over places and parameters."),
        Column("hours_missing", COUNT, "Hours of its time without a valid value, over places and parameters that sent something around it."),
        Column("hours_above_limit", COUNT, "Hours of its time above a binding limit."),
        Column("max_times_limit", NUMBER, "Largest value over its limit, of hours above one."),
        STATE,
    ),
    audience="park",
)  # fmt: skip
COMPLAINT_CONTEXT = Result(
    "complaint_context",
    "One row per complaint, outlet or point and parameter that sent something around its time",
    (
        _COMPLAINT,
        Column("place_kind", TEXT, "Where it was measured.", required=True, allowed=("outlet", "point")),
        Column("place_id", TEXT, "Outlet or point.", required=True),
        Column("parameter_code", TEXT, "Pollutant or parameter (reference.parameter).", required=True),
    ),
    (
        Column("enterprise_id", TEXT, "Enterprise whose outlet it is; null for points."),
        Column("hours_expected", COUNT, "Hours of the complaint's time.", required=True),
        Column("hours_valid", COUNT, "Of them with a valid value.", required=True),
        Column("hours_stopped", COUNT, "Of them in which the source stood still.", required=True),
        Column("hours_missing", COUNT, "The rest: nothing valid is known.", required=True),
        Column("value_mean", NUMBER, "Mean of the valid hours of its time, in `unit`."),
        Column("value_max", NUMBER, "Largest of them."),
        Column("value_mean_around", NUMBER, "Mean of the valid hours before and after, within the window, in `unit`."),
        Column("ratio_to_around", NUMBER, "value_max over value_mean_around; null where that is 0 or unknown."),
        Column("unit", TEXT, "Unit of the values."),
        Column("hours_above_limit", COUNT, "Hours of its time above a binding limit.", required=True),
        Column("max_times_limit", NUMBER, "Largest value over its limit, of hours above one."),
        Column("is_most_unusual", BOOL, "Whether no other row of the complaint has a larger ratio_to_around.", required=True),
        STATE,
    ),
    audience="park",
)  # fmt: skip


def look_into_complaints(frames: Frames, context: Context) -> Outcome:
    """Every complaint with its answer, and what was measured around it."""
    complaints = frames["events"].filter((pl.col("event_kind") == "complaint") & (pl.col("occurred_on") <= context.today))
    near = int(number(frames["supervision"], "complaint_near_hours", context.today))
    days = int(number(frames["supervision"], "complaint_response_days", context.today))
    around = context_of(complaints, frames["hours"], near)
    owned = with_enterprise(complaints, "occurred_on", *(frames[name] for name in OWNER_SOURCES))
    decisions = current_decisions(frames["reviews"], COMPLAINT.name, context.today)
    answered = with_response(owned, around, decisions, context.today, days)
    counts = dict(answered["response"].value_counts().iter_rows())
    said = ", ".join(f"{counts[word]} {word}" for word in RESPONSES if word in counts)
    return Outcome({COMPLAINT.name: answered, COMPLAINT_CONTEXT.name: around}, f"{answered.height} complaints{': ' if said else ''}{said}")


def context_of(complaints: pl.DataFrame, hours: pl.DataFrame, near_hours: int) -> pl.DataFrame:
    """What each place sent in the hours around the complaint, beside the rest of the window.

    The complaint's time is the hour it was made in, and `near_hours` whole hours before and after it.
    """
    made_in = complaints.drop_nulls("occurred_at_utc").select(complaint_id="event_id", made_in=pl.col("occurred_at_utc").dt.truncate("1h"))
    key = [column.name for column in COMPLAINT_CONTEXT.key]
    # two rows of one hour (a zone offset by a half) are one hour
    by_hour = (
        hours.rename({"event_id": "complaint_id"})
        .group_by(*key, "hour_start_utc")
        .agg(
            pl.col("enterprise_id").first(),
            pl.col("unit").first(),
            pl.col("value").mean(),
            pl.col("times_limit").max(),
            pl.col("state").sort().first(),
        )
        .join(made_in, on="complaint_id")
        .with_columns(is_near=(pl.col("hour_start_utc") - pl.col("made_in")).dt.total_hours().abs() <= near_hours)
    )
    is_valid = pl.col("value").is_not_null() & ~pl.col("state").is_in([State.MISSING.value, State.STOPPED.value])
    near, rest = pl.col("is_near"), ~pl.col("is_near")
    found = by_hour.group_by(key).agg(
        pl.col("enterprise_id").drop_nulls().first(),
        pl.col("unit").drop_nulls().first(),
        hours_valid=(near & is_valid).sum(),
        hours_stopped=(near & (pl.col("state") == State.STOPPED.value)).sum(),
        value_mean=pl.col("value").filter(near & is_valid).mean(),
        value_max=pl.col("value").filter(near & is_valid).max(),
        value_mean_around=pl.col("value").filter(rest & is_valid).mean(),
        hours_above_limit=(near & pl.col("times_limit").is_not_null()).sum(),
        max_times_limit=pl.col("times_limit").filter(near).max(),
    )
    expected = pl.lit(2 * near_hours + 1, dtype=pl.Int64)
    ratio = pl.when(pl.col("value_mean_around") > 0).then(pl.col("value_max") / pl.col("value_mean_around"))
    return (
        found.with_columns(
            hours_expected=expected,
            hours_missing=expected - pl.col("hours_valid").cast(pl.Int64) - pl.col("hours_stopped").cast(pl.Int64),
            ratio_to_around=ratio,
            state=pl.when(pl.col("hours_valid") > 0).then(pl.lit(State.MEASURED.value)).otherwise(pl.lit(State.MISSING.value)),
        )
        .with_columns(is_most_unusual=(pl.col("ratio_to_around") == pl.col("ratio_to_around").max().over("complaint_id")).fill_null(False))
        .select(COMPLAINT_CONTEXT.empty().columns)
        .sort(key)
    )


def with_response(complaints: pl.DataFrame, around: pl.DataFrame, decisions: pl.DataFrame, today: date, response_days: int) -> pl.DataFrame:
    """Whether each complaint was answered by its date: the record's, else so many days after it was made."""
    sums = around.group_by("complaint_id").agg(
        places=pl.struct("place_kind", "place_id").n_unique(),
        hours_valid=pl.col("hours_valid").sum(),
        hours_missing=pl.col("hours_missing").sum(),
        hours_above_limit=pl.col("hours_above_limit").sum(),
        max_times_limit=pl.col("max_times_limit").max(),
    )
    set_aside = pl.col("decision").is_in(["rejected", "not_applicable"]).fill_null(False)
    rows = (
        complaints.rename({"event_id": "complaint_id", "due_on": "recorded_due_on"})
        .join(decisions.select("decision", "decided_by", complaint_id="subject_key"), on="complaint_id", how="left")
        .join(sums, on="complaint_id", how="left")
        .with_columns(
            closed_on=pl.when(pl.col("closed_on") <= today).then(pl.col("closed_on")),
            due_on=pl.coalesce("recorded_due_on", pl.col("occurred_on").dt.offset_by(f"{response_days}d")),
        )
    )
    response = (
        pl.when(set_aside)
        .then(pl.lit("set_aside"))
        .when(pl.col("closed_on") > pl.col("due_on"))
        .then(pl.lit("late"))
        .when(pl.col("closed_on").is_not_null())
        .then(pl.lit("kept"))
        .when(pl.col("due_on") < today)
        .then(pl.lit("overdue"))
        .otherwise(pl.lit("open"))
    )
    link = (
        pl.when(pl.col("occurred_at_utc").is_null())
        .then(pl.lit("time_unknown"))
        .when(~pl.col("subject_kind").is_in(_LINKED_SUBJECTS))
        .then(pl.lit("place_unknown"))
        .when(pl.col("places") > 0)
        .then(pl.lit("readings"))
        .otherwise(pl.lit("no_readings"))
    )
    return (
        rows.with_columns(
            due_from=pl.when(pl.col("recorded_due_on").is_not_null()).then(pl.lit("record")).otherwise(pl.lit("rule")),
            days_to_answer=(pl.col("closed_on") - pl.col("occurred_on")).dt.total_days(),
            response=response,
            decided_by=pl.when(set_aside).then(pl.col("decided_by")),
            link=link,
        )
        .with_columns(state=pl.when(pl.col("link") == "readings").then(pl.lit(State.MEASURED.value)).otherwise(pl.lit(State.MISSING.value)))
        .select(COMPLAINT.empty().columns)
        .sort("complaint_id")
    )


COMPLAINTS = Method(
    name="complaint_context",
    version="1",
    description="Complaints (公众举报) with the readings of their time and whether they were answered by their date.",
    reads=OWNER_SOURCES
    | {
        "events": Source.of(
            "staging.stg_events",
            "event_id, event_kind, category, subject_kind, subject_id, occurred_on, occurred_at_utc, parameter_code, due_on, closed_on",
        ),
        "hours": Source.of(
            "intermediate.int_complaint_hours",
            "event_id, place_kind, place_id, enterprise_id, parameter_code, hour_start_utc, state, value, unit, times_limit",
        ),
        "supervision": SUPERVISION_SOURCE,
        "reviews": Source.of("staging.stg_reviews", REVIEW_COLUMNS),
    },
    results=(COMPLAINT, COMPLAINT_CONTEXT),
    run=look_into_complaints,
)
