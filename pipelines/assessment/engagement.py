"""Training, publicity and drills per year, certified auditors, and what reviewers say of their ties (宣教与能力建设).

Demands are rows of the standards (`reference.supervision_rule`, topic engagement); people are counted by role, never by name.
"""

from datetime import date

import polars as pl

from pipelines.assessment.columns import VERIFICATION
from pipelines.assessment.decisions import OWN_ROLE, REVIEW_COLUMNS
from pipelines.assessment.facts import OWNER_SOURCES
from pipelines.assessment.in_force import in_force, with_enterprise
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.quantities import members
from pipelines.assessment.supervision import SUPERVISION_SOURCE
from pipelines.contracts.records import COUNT, DATE, NUMBER, STATE, TEXT, Column
from pipelines.contracts.standards import StandardsError, StandardsProblem
from pipelines.contracts.states import State

NOBODY = "-"
RESULTS = ("met", "not_met", "open", "not_computable", "no_demand")

ENGAGEMENT = Result(
    "engagement",
    "One row per demand, subject and calendar year",
    (
        Column("rule_id", TEXT, "Demand (reference.supervision_rule).", required=True),
        Column("subject_id", TEXT, "Park, enterprise or service; `-` where no service is registered.", required=True),
        Column("year", COUNT, "Calendar year; of certificates the one in which they are valid today.", required=True),
    ),
    (
        Column("subject_kind", TEXT, "Whom the demand is on: park, enterprise or third_party.", required=True),
        Column("name", TEXT, "What is demanded."),
        Column("value", NUMBER, "What was found, in `unit`; null where no register says."),
        Column("unit", TEXT, "Unit of value and demand."),
        Column("numerator", NUMBER, "Events, certificates or decisions counted."),
        Column("denominator", NUMBER, "Of a share: all decisions."),
        Column("demanded", NUMBER, "Least that is demanded, in `unit`; null where nothing is."),
        Column("result", TEXT, "met; not_met; open (the year is not over); not_computable; no_demand.", required=True, allowed=RESULTS),
        Column("last_on", DATE, "Local date of the last event or decision counted."),
        STATE,
        VERIFICATION,
    ),
)  # fmt: skip


def count_engagement(frames: Frames, context: Context) -> Outcome:
    """Every demand, for whom it is on, in every year of which the registers know.

    Raises:
        StandardsError: a demand counts what nobody knows.
    """
    rules = in_force(frames["supervision"], context.today, ["rule_id"]).filter(pl.col("topic") == "engagement").sort("rule_id")
    events = with_enterprise(frames["events"], "occurred_on", *(frames[name] for name in OWNER_SOURCES)).filter(
        pl.col("occurred_on") <= context.today
    )
    parts = []
    for rule in rules.iter_rows(named=True):
        counted, _, what = rule["counts"].partition(":")
        match counted:
            case "event":
                found = _events_per_year(rule, what, events, frames["memberships"], context)
            case "qualification":
                found = _certificates(rule, what.split("|"), frames["qualifications"], context)
            case "independence":
                found = _statements(what, frames["reviews"], context)
            case _:
                message = f"{rule['rule_id']}: counts event:<kind>, qualification:<roles> or independence:<word>"
                raise StandardsError([StandardsProblem("supervision_rules", None, "counts", rule["counts"], message)])
        parts.append(_judged(found, rule, context.today))
    rows = pl.concat(parts, how="diagonal_relaxed") if parts else ENGAGEMENT.empty()
    rows = rows.select(ENGAGEMENT.empty().columns).sort("rule_id", "subject_id", "year")
    of_year = rows.filter(pl.col("year") == context.today.year)
    counts = dict(of_year["result"].value_counts().iter_rows())
    said = ", ".join(f"{counts[word]} {word}" for word in RESULTS if word in counts)
    return Outcome({ENGAGEMENT.name: rows}, f"{context.today.year}: {said or 'nothing demanded'}")


def _judged(found: pl.DataFrame, rule: dict, today: date) -> pl.DataFrame:
    """A demand not met yet in a year that is not over is open."""
    demanded = pl.lit(rule["value"] if rule["operator"] else None, dtype=pl.Float64)
    result = (
        pl.when(pl.col("value").is_null())
        .then(pl.lit("not_computable"))
        .when(demanded.is_null())
        .then(pl.lit("no_demand"))
        .when(pl.col("value") >= demanded)
        .then(pl.lit("met"))
        .when((pl.col("year") == today.year) & pl.lit(rule["counts"].startswith("event:")))
        .then(pl.lit("open"))
        .otherwise(pl.lit("not_met"))
    )
    return found.with_columns(
        rule_id=pl.lit(rule["rule_id"]),
        subject_kind=pl.lit(rule["subject_kind"]),
        name=pl.lit(rule["name"]),
        unit=pl.lit(rule["unit"]),
        demanded=demanded,
        result=result,
        state=pl.when(pl.col("value").is_null()).then(pl.lit(State.MISSING.value)).otherwise(pl.lit(State.SELF_REPORTED.value)),
        verification_status=pl.lit(rule["verification_status"]),
    )


def _events_per_year(rule: dict, kind: str, events: pl.DataFrame, memberships: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Events of one kind per subject and year, from the register's first year on; a year without one counts 0."""
    begins = events["occurred_on"].min()
    if begins is None:
        return _rows([(context.park_id if rule["subject_kind"] == "park" else NOBODY, context.today.year, None, None, None)])
    years = range(begins.year, context.today.year + 1)
    if rule["subject_kind"] == "park":
        subjects = [(context.park_id, year) for year in years]
        of_kind = events.filter((pl.col("event_kind") == kind) & (pl.col("subject_kind") == "park")).with_columns(
            subject=pl.col("subject_id")
        )
    else:
        subjects = [(member, year) for year in years for member in members(memberships, date(year, 1, 1), date(year + 1, 1, 1))]
        of_kind = events.filter((pl.col("event_kind") == kind) & (pl.col("subject_kind") != "park")).with_columns(
            subject=pl.col("enterprise_id")
        )
    asked = pl.DataFrame(subjects, schema={"subject_id": pl.String, "year": pl.Int64}, orient="row")
    counts = of_kind.group_by(subject_id="subject", year=pl.col("occurred_on").dt.year().cast(pl.Int64)).agg(
        numerator=pl.len().cast(pl.Float64), last_on=pl.col("occurred_on").max()
    )
    found = asked.join(counts, on=["subject_id", "year"], how="left").with_columns(pl.col("numerator").fill_null(0.0))
    return found.with_columns(value=pl.col("numerator"), denominator=pl.lit(None, dtype=pl.Float64))


def _certificates(rule: dict, roles: list[str], qualifications: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Certificates valid today; whoever has none in a register that is kept has 0."""
    valid = qualifications.filter(
        (pl.col("holder_kind") == rule["subject_kind"])
        & (pl.col("valid_from") <= context.today)
        & (pl.col("valid_to").is_null() | (pl.col("valid_to") > context.today))
    )
    holders = valid.select("holder_id").unique().sort("holder_id")["holder_id"].to_list()
    if rule["subject_kind"] == "park" and not qualifications.is_empty():
        holders = [context.park_id]
    if not holders:
        return _rows([(context.park_id if rule["subject_kind"] == "park" else NOBODY, context.today.year, None, None, None)])
    counts = dict(valid.filter(pl.col("role").is_in(roles)).group_by("holder_id").len().iter_rows())
    return _rows([(holder, context.today.year, float(counts.get(holder, 0)), float(counts.get(holder, 0)), None) for holder in holders])


def _statements(word: str, reviews: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Decisions of others than the enterprise itself whose reviewer made this statement, in % of all of the year."""
    of_others = reviews.filter((pl.col("role") != OWN_ROLE) & (pl.col("decided_on") <= context.today))
    per_year = of_others.group_by(year=pl.col("decided_on").dt.year().cast(pl.Int64)).agg(
        numerator=(pl.col("independence") == word).sum().cast(pl.Float64),
        denominator=pl.len().cast(pl.Float64),
        last_on=pl.col("decided_on").max(),
    )
    return per_year.with_columns(subject_id=pl.lit(context.park_id), value=100 * pl.col("numerator") / pl.col("denominator"))


def _rows(rows: list[tuple[str, int, float | None, float | None, float | None]]) -> pl.DataFrame:
    schema = {"subject_id": pl.String, "year": pl.Int64, "value": pl.Float64, "numerator": pl.Float64, "denominator": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(last_on=pl.lit(None, dtype=pl.Date))


ENGAGEMENTS = Method(
    name="engagement",
    version="1",
    description="Training, publicity, drills, certified auditors and statements of independence (宣传培训, 审核师, 独立性声明).",
    reads=OWNER_SOURCES
    | {
        "events": Source.of("staging.stg_events", "event_id, event_kind, subject_kind, subject_id, occurred_on"),
        "memberships": Source.of("intermediate.int_memberships", "enterprise_id, valid_from, valid_to"),
        "qualifications": Source.of("staging.stg_qualifications", "qualification_id, holder_kind, holder_id, role, valid_from, valid_to"),
        "supervision": SUPERVISION_SOURCE,
        "reviews": Source.of("staging.stg_reviews", REVIEW_COLUMNS),
    },
    results=(ENGAGEMENT,),
    run=count_engagement,
)
