"""What is known of an enterprise in a window of time: the words in which rules of the standards speak of it.

Rules (shares of enterprises in a checklist, eligibility, vetoes of an acceptance) stand in the standards as conditions over
these words, `exceedances_12m = 0`. A word that cannot be known is null: nobody is rewarded, and nobody is held to account,
for what was not delivered. What follows from a fact is the business of the method that asks for it.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from pipelines.assessment.enterprise_index import OWN_ROLES
from pipelines.assessment.in_force import with_enterprise
from pipelines.assessment.method import Frames, Source
from pipelines.contracts.records import DATE, NUMBER, TEXT
from pipelines.contracts.states import State

WINDOWS = pl.Schema({"key": TEXT, "enterprise_id": TEXT, "starts": DATE, "ends": DATE})
"""One row per question: who, from which day, until which day (exclusive). `key` is unique."""

_VALID = "valid_from, valid_to"
OWNER_SOURCES = {
    "outlets": Source.of("staging.stg_outlets", f"outlet_id, enterprise_id, {_VALID}"),
    "processes": Source.of("staging.stg_processes", f"process_id, enterprise_id, {_VALID}"),
    "points": Source.of("staging.stg_points", f"point_id, enterprise_id, {_VALID}"),
}
"""What a method reads to say whose a record is (`in_force.with_enterprise`)."""
FACT_SOURCES = OWNER_SOURCES | {
    "events": Source.of("staging.stg_events", "event_id, event_kind, category, subject_kind, subject_id, occurred_on, severity"),
    "exceedances": Source.of("marts.exceedances", "enterprise_id, local_date, is_binding"),
    "judged": Source.of("intermediate.int_enterprise_compliance_monthly", "enterprise_id, month_start_date, periods_evaluated"),
    "permit_totals": Source.of("marts.permit_total_progress", "enterprise_id, permit_year, permitted_kg, used_kg"),
    "reports": Source.of(
        "marts.self_reported",
        "subject_kind, subject_id, enterprise_id, item_code, medium, period_start, period_end, report_kind, line_id, value, state, due_at_utc",
    ),
    "answers": Source.of(
        "staging.stg_survey_answers", "subject_kind, subject_id, checklist_id, item_id, answered_on, surveyor_role, answer, value"
    ),
    "measures": Source.of("staging.stg_measures", "measure_id, enterprise_id, status, due_on, completed_on"),
    "readiness": Source.of("assessment.emergency_readiness", "enterprise_id, plan_status, expires_on"),
    "grades": Source.of("assessment.enterprise_grade", "enterprise_id, period_type, period_start, period_end, grade, provisional"),
    "risk_grades": Source.of("assessment.risk_grade", "enterprise_id, medium, grade"),
    "obsolete": Source.of("assessment.obsolete_asset", "enterprise_id, asset_kind, asset_id, verdict"),
    "triggers": Source.of("assessment.mandatory_audit", "enterprise_id, category, status, is_indicated, not_checked, listed_on"),
    "effects": Source.of("assessment.measure_effect", "measure_id, saving_quantity"),
    "findings": Source.of("assessment.finding", "finding_id, enterprise_id, found_on, due_on, status, closed_on"),
    "steps": Source.of("assessment.workflow", "round_id, enterprise_id, round_kind, listed_on, milestone, progress, done_on"),
}
"""What a method reads to use `EnterpriseFacts`."""

ENDED_FINDINGS = ("closed", "rejected")
DROPPED_MEASURES = ("screened_out", "abandoned")
LISTED = ("listed", "audited")
"""Statuses of assessment.mandatory_audit under which an audit is demanded, or was."""
HIGH_ENERGY = "high_energy"
WHOLE_RISK = "all"
"""Medium of the row of assessment.risk_grade that is about the whole enterprise."""
GRADED = ("I", "II", "III", "none")
_IN_MONTHS = re.compile(r"^(?P<fact>[a-z_]+?)_(?P<months>\d+)m$")
_ANSWER = re.compile(r"^answer:(?P<checklist>[\w.-]+):(?P<item>[\w.-]+)$")


@dataclass(frozen=True)
class Fact:
    """A word: what it means, how its value (number or word) and the day that the value is of are found for every window, and its provenance."""

    description: str
    dtype: pl.DataType
    compute: Callable[[pl.DataFrame, "EnterpriseFacts"], pl.DataFrame]
    state: str = State.SELF_REPORTED.value


class EnterpriseFacts:
    """Answers for windows; what several facts need is prepared once."""

    def __init__(self, frames: Frames, today: date) -> None:
        self.frames = frames
        self.today = today
        self.events = with_enterprise(frames["events"], "occurred_on", *(frames[name] for name in OWNER_SOURCES))

    def of(self, windows: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
        """Columns `key`, and for each name its value and `<name>__on`, the day that the value is of (null where there is none).

        Args:
            windows: Columns of WINDOWS.
            names: A fact, which is asked of the window; a fact with `_<n>m`, asked of the n months before the window's end;
                or `answer:<checklist>:<item>`, what a survey of the enterprise found.

        Raises KeyError for a name that `is_fact` does not know.
        """
        found = windows.select("key")
        for name in dict.fromkeys(names):
            fact, months = _lookup(name)
            asked = windows if months is None else windows.with_columns(starts=pl.col("ends").dt.offset_by(f"-{months}mo"))
            value = fact.compute(asked, self).select("key", pl.col("value").cast(fact.dtype).alias(name), pl.col("on").alias(f"{name}__on"))
            found = found.join(value, on="key", how="left", maintain_order="left")
        return found


def is_fact(name: str) -> bool:
    try:
        _lookup(name)
    except KeyError:
        return False
    return True


def state_of(name: str) -> str:
    """Provenance of a fact: measured by instruments, or said by people."""
    return _lookup(name)[0].state


def _lookup(name: str) -> tuple[Fact, int | None]:
    if name in FACTS:
        return FACTS[name], None
    if found := _IN_MONTHS.match(name):
        if found["fact"] in FACTS:
            return FACTS[found["fact"]], int(found["months"])
    elif found := _ANSWER.match(name):
        return Fact("", TEXT, _answers(found["checklist"], found["item"])), None
    raise KeyError(f"there is no fact {name!r}; there are {', '.join(FACTS)}, each also as <fact>_<n>m, and answer:<checklist>:<item>")


# -- how they are found ----------------------------------------------------------------------------------------------------------------


def _inside(day: str) -> pl.Expr:
    return (pl.col(day) >= pl.col("starts")) & (pl.col(day) < pl.col("ends"))


def _counted(windows: pl.DataFrame, rows: pl.DataFrame, day: str, inside: pl.Expr) -> pl.DataFrame:
    """How many rows of the enterprise there are, and the last day of one; 0 where there is none."""
    counts = windows.join(rows, on="enterprise_id").filter(inside).group_by("key").agg(value=pl.len(), on=pl.col(day).max())
    return windows.join(counts, on="key", how="left").with_columns(pl.col("value").fill_null(0))


def _where(found: pl.DataFrame, is_known: pl.Expr) -> pl.DataFrame:
    return found.with_columns(value=pl.when(is_known).then(pl.col("value")))


def _events(which: pl.Expr) -> Callable[[pl.DataFrame, EnterpriseFacts], pl.DataFrame]:
    """A register of events without a single row says nothing about anybody; with rows, who is not in it had none."""

    def compute(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
        begins = facts.events["occurred_on"].min()
        found = _counted(windows, facts.events.filter(which).select("enterprise_id", "occurred_on"), "occurred_on", _inside("occurred_on"))
        return _where(found, pl.lit(begins, dtype=DATE) < pl.col("ends"))

    return compute


def _exceedances(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    """Known where at least one period of the window's months could be held against a limit."""
    binding = facts.frames["exceedances"].filter("is_binding").select("enterprise_id", "local_date")
    found = _counted(windows, binding, "local_date", _inside("local_date"))
    in_months = (pl.col("month_start_date") < pl.col("ends")) & (pl.col("month_start_date") >= pl.col("starts").dt.month_start())
    judged = (
        windows.join(facts.frames["judged"], on="enterprise_id")
        .filter(in_months)
        .group_by("key")
        .agg(judged=pl.col("periods_evaluated").sum())
    )
    return _where(found.join(judged, on="key", how="left"), (pl.col("judged").fill_null(0) > 0) | (pl.col("value") > 0))


def _running_totals(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    """Permitted totals of permit years that overlap the window."""
    year_start = pl.date(pl.col("permit_year"), 1, 1)
    running = (year_start < pl.col("ends")) & (year_start.dt.offset_by("1y") > pl.col("starts"))
    totals = facts.frames["permit_totals"].drop_nulls("permitted_kg")
    # a year that is over speaks from its end, one that is running from its beginning
    year_end = year_start.dt.offset_by("1y")
    spoken_on = pl.when(year_end <= pl.col("ends")).then(year_end).otherwise(year_start)
    return windows.join(totals, on="enterprise_id").filter(running).with_columns(spoken_on=spoken_on)


def _permit_totals(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    counts = _running_totals(windows, facts).group_by("key").agg(value=pl.len(), on=pl.col("spoken_on").max())
    return windows.join(counts, on="key", how="left").with_columns(pl.col("value").fill_null(0))


def _permit_totals_exceeded(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    """Known for whoever has a permitted total of which something is used; a total without any figure is not kept, it is unknown."""
    over = pl.col("used_kg") > pl.col("permitted_kg")
    counts = (
        _running_totals(windows, facts)
        .group_by("key")
        .agg(value=over.sum(), on=pl.col("spoken_on").filter(over).max(), without=pl.col("used_kg").null_count())
    )
    found = windows.join(counts, on="key", how="left")
    return _where(found, (pl.col("without") == 0) | (pl.col("value") > 0))


def _outlets(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    overlaps = (pl.col("valid_from") < pl.col("ends")) & (pl.col("valid_to").is_null() | (pl.col("valid_to") > pl.col("starts")))
    outlets = facts.frames["outlets"]
    counts = windows.join(outlets, on="enterprise_id").filter(overlaps).group_by("key").agg(value=pl.col("outlet_id").n_unique())
    return windows.join(counts, on="key", how="left").with_columns(pl.col("value").fill_null(0), on=pl.lit(None, dtype=DATE))


def _own_reports(facts: EnterpriseFacts) -> pl.DataFrame:
    return facts.frames["reports"].filter(pl.col("subject_kind") == "enterprise")


def _disclosed(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    """Whether a disclosure (环境信息披露) covers a part of the window; unknown while the park knows of no disclosure at all."""
    reports = _own_reports(facts).filter((pl.col("report_kind") == "disclosure") & (pl.col("state") != State.MISSING.value))
    overlaps = (pl.col("period_start") < pl.col("ends")) & (pl.col("period_end") > pl.col("starts"))
    found = _counted(windows, reports.select("enterprise_id", "period_start", "period_end"), "period_end", overlaps)
    yes = pl.when(pl.col("value") > 0).then(pl.lit("yes")).otherwise(pl.lit("no"))
    return found.with_columns(value=pl.when(pl.lit(not reports.is_empty())).then(yes))


def _missing_reports(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    reports = facts.frames["reports"].with_columns(due_on=pl.col("due_at_utc").dt.date())
    missing = reports.filter(pl.col("state") == State.MISSING.value).drop_nulls(["enterprise_id", "due_on"])
    missing = missing.unique(["enterprise_id", "report_kind", "period_start", "period_end"]).select("enterprise_id", "due_on")
    found = _counted(windows, missing, "due_on", _inside("due_on"))
    return _where(found, pl.lit(not reports.is_empty()))


def _employees(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    """As declared last before the window's end."""
    declared = _own_reports(facts).filter(pl.col("item_code") == "employees").drop_nulls("value")
    latest = (
        windows.join(declared.select("enterprise_id", "period_end", "report_kind", "value"), on="enterprise_id")
        .filter(pl.col("period_end") <= pl.col("ends"))
        .sort("key", "period_end", "report_kind")
        .unique("key", keep="last", maintain_order=True)
        .select("key", "value", on="period_end")
    )
    return windows.join(latest, on="key", how="left")


def _plan(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    """Whether a filed plan (应急预案备案) holds, as it stands; unknown while the park knows of no plan at all."""
    readiness = facts.frames["readiness"]
    yes = pl.when(pl.col("plan_status") == "valid").then(pl.lit("yes")).when(pl.col("plan_status").is_not_null()).then(pl.lit("no"))
    expired_on = pl.when(pl.col("plan_status") == "expired").then(pl.col("expires_on"))
    found = windows.join(readiness, on="enterprise_id", how="left").with_columns(value=yes, on=expired_on)
    return _where(_of_today(found, facts), pl.lit(bool((readiness["plan_status"] != "none").any())))


def _graded(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    """The grade of the period that ended last at the window's end: a calendar year, or the running twelve months."""
    periods = facts.frames["grades"].filter(pl.col("period_type").is_in(["calendar_year", "rolling_12m"]))
    return (
        windows.join(periods, on="enterprise_id")
        .filter(pl.col("period_end") <= pl.col("ends"))
        .sort("key", "period_end", "period_type", descending=[False, True, False])
        .unique("key", keep="first", maintain_order=True)
    )


def _grade(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    grade = pl.when(pl.col("grade").is_in(GRADED)).then(pl.col("grade"))
    return windows.join(_graded(windows, facts).select("key", value=grade, on="period_end"), on="key", how="left")


def _grade_is_final(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    final = pl.when(pl.col("grade").is_in(GRADED)).then(pl.when("provisional").then(pl.lit("no")).otherwise(pl.lit("yes")))
    return windows.join(_graded(windows, facts).select("key", value=final, on="period_end"), on="key", how="left")


def _risk_grade(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    whole = facts.frames["risk_grades"].filter((pl.col("medium") == WHOLE_RISK) & (pl.col("grade") != "not_computable"))
    found = windows.join(whole.select("enterprise_id", value="grade"), on="enterprise_id", how="left").with_columns(
        on=pl.lit(None, dtype=DATE)
    )
    return _of_today(found, facts)


def _of_today(found: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    """What is only known as it stands now says nothing about a window that has ended."""
    return _where(found, pl.col("ends") > facts.today)


def _obsolete(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    """Pieces and processes that a list eliminates; unknown for who has nothing in the register, or something that may be listed."""
    verdict = pl.col("verdict")
    counts = (
        facts.frames["obsolete"]
        .group_by("enterprise_id")
        .agg(
            eliminated=pl.struct("asset_kind", "asset_id").filter(verdict == "eliminated").n_unique(),
            is_open=(verdict == "possibly_listed").any(),
        )
    )
    value = pl.when((pl.col("eliminated") > 0) | ~pl.col("is_open")).then(pl.col("eliminated"))
    found = windows.join(counts, on="enterprise_id", how="left").with_columns(value=value, on=pl.lit(None, dtype=DATE))
    return _of_today(found, facts)


def _above_energy_quota(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    """Whether figures show energy per product above its quota; unknown where it could not be checked."""
    of_energy = facts.frames["triggers"].filter(pl.col("category") == HIGH_ENERGY)
    no = pl.when(pl.col("not_checked").list.len().fill_null(0) == 0).then(pl.lit("no"))
    said = of_energy.select("enterprise_id", value=pl.when("is_indicated").then(pl.lit("yes")).otherwise(no))
    found = windows.join(said, on="enterprise_id", how="left").with_columns(on=pl.lit(None, dtype=DATE))
    return _of_today(found, facts)


def _overdue_findings(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    findings = facts.frames["findings"]
    ended = pl.col("closed_on") < pl.col("ends")
    ended_some_day = pl.col("status").is_in(ENDED_FINDINGS) & pl.col("closed_on").is_null()
    overdue = (pl.col("found_on") < pl.col("ends")) & (pl.col("due_on") < pl.col("ends")) & ~ended.fill_null(False) & ~ended_some_day
    return _where(_counted(windows, findings, "due_on", overdue), pl.lit(not findings.is_empty()))


def _overdue_measures(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    measures = facts.frames["measures"].filter(~pl.col("status").is_in(DROPPED_MEASURES))
    done = (pl.col("completed_on") < pl.col("ends")).fill_null(False) | (
        (pl.col("status") == "implemented") & pl.col("completed_on").is_null()
    )
    return _where(
        _counted(windows, measures, "due_on", (pl.col("due_on") < pl.col("ends")) & ~done),
        pl.lit(not facts.frames["measures"].is_empty()),
    )


def _undocumented_measures(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    """Measures in operation whose saving nobody has computed; unknown for who has no measure in operation."""
    computed = facts.frames["effects"].drop_nulls("saving_quantity").select("measure_id", is_computed=pl.lit(True)).unique("measure_id")
    measures = facts.frames["measures"].filter(pl.col("status") == "implemented").join(computed, on="measure_id", how="left")
    begun = pl.col("completed_on").is_null() | (pl.col("completed_on") < pl.col("ends"))
    counts = (
        windows.join(measures, on="enterprise_id")
        .filter(begun)
        .group_by("key")
        .agg(value=pl.col("is_computed").is_null().sum(), on=pl.col("completed_on").max())
    )
    return windows.join(counts, on="key", how="left")


def _audited(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    """Whether an audit was completed in the window; unknown while the park knows of no audit at all."""
    steps = facts.frames["steps"]
    done = steps.filter(pl.col("milestone") == "audit_done").drop_nulls("done_on").select("enterprise_id", "done_on")
    found = _counted(windows, done, "done_on", _inside("done_on"))
    yes = pl.when(pl.col("value") > 0).then(pl.lit("yes")).otherwise(pl.lit("no"))
    return found.with_columns(value=pl.when(pl.lit(not steps.is_empty())).then(yes))


def _audit_required(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    """Whether a list or a decision demanded an audit by the window's end; unknown while the park knows of no audit at all."""
    steps, triggers = facts.frames["steps"], facts.frames["triggers"]
    demanded = pl.concat(
        [
            steps.filter(pl.col("round_kind") == "mandatory").select("enterprise_id", "listed_on"),
            triggers.filter(pl.col("status").is_in(LISTED)).select("enterprise_id", "listed_on"),
        ]
    ).unique()
    found = _counted(windows, demanded, "listed_on", pl.col("listed_on").is_null() | (pl.col("listed_on") < pl.col("ends")))
    yes = pl.when(pl.col("value") > 0).then(pl.lit("yes")).otherwise(pl.lit("no"))
    return found.with_columns(value=pl.when(pl.lit(not steps.is_empty() or not demanded.is_empty())).then(yes))


def _overdue_steps(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
    steps = facts.frames["steps"]
    overdue = steps.filter(pl.col("progress") == "overdue").group_by("enterprise_id").agg(value=pl.len())
    found = windows.join(overdue, on="enterprise_id", how="left").with_columns(pl.col("value").fill_null(0), on=pl.lit(None, dtype=DATE))
    return _where(_of_today(found, facts), pl.lit(not steps.is_empty()))


def _answers(checklist: str, item: str) -> Callable[[pl.DataFrame, EnterpriseFacts], pl.DataFrame]:
    """What a survey found last before the window's end: a word, or the number; outside surveyors go before the enterprise itself."""

    def compute(windows: pl.DataFrame, facts: EnterpriseFacts) -> pl.DataFrame:
        of_item = (pl.col("subject_kind") == "enterprise") & (pl.col("checklist_id") == checklist) & (pl.col("item_id") == item)
        answers = facts.frames["answers"].filter(of_item).rename({"subject_id": "enterprise_id"})
        in_time = windows.join(answers, on="enterprise_id").filter(pl.col("answered_on") < pl.col("ends"))
        value = pl.when(pl.col("answer") == "number").then(pl.col("value").cast(pl.String)).otherwise(pl.col("answer"))
        found = latest_answers(in_time, ["key"], OWN_ROLES).select("key", value=value, on="answered_on")
        return windows.join(found, on="key", how="left")

    return compute


def latest_answers(answers: pl.DataFrame, key: Sequence[str], own_roles: Collection[str]) -> pl.DataFrame:
    """The answer that counts for each key: the latest of an outside surveyor, else of the surveyed itself (`is_own`)."""
    return (
        answers.with_columns(is_own=pl.col("surveyor_role").is_in(list(own_roles)))
        .sort(*key, "is_own", "answered_on", "surveyor_role", descending=[False] * len(key) + [False, True, False])
        .unique(list(key), keep="first", maintain_order=True)
    )


_SERIOUS = pl.col("severity").is_in(["major", "extraordinary", "serious"])
_KIND = pl.col("event_kind")

FACTS: dict[str, Fact] = {
    "grade": Fact("Grade of the period that ended last (assessment.enterprise_grade).", TEXT, _grade),
    "grade_is_final": Fact("yes where that grade is not provisional.", TEXT, _grade_is_final),
    "risk_grade": Fact("Environmental risk grade as it stands (assessment.risk_grade).", TEXT, _risk_grade),
    "exceedances": Fact("Hours or days above a binding limit.", NUMBER, _exceedances, State.MEASURED.value),
    "permit_totals": Fact("Permitted annual totals.", NUMBER, _permit_totals),
    "permit_totals_exceeded": Fact(
        "Permitted annual totals that were used up beyond the permit.", NUMBER, _permit_totals_exceeded, State.MEASURED.value
    ),
    "outlets": Fact("Registered outlets.", NUMBER, _outlets),
    "violations": Fact("Violations.", NUMBER, _events(_KIND == "violation")),
    "serious_violations": Fact(
        "Violations of severity major, extraordinary or serious.", NUMBER, _events((_KIND == "violation") & _SERIOUS)
    ),
    "penalties": Fact("Penalties.", NUMBER, _events(_KIND == "penalty")),
    "incidents": Fact("Incidents.", NUMBER, _events(_KIND == "incident")),
    "serious_incidents": Fact("Incidents of severity major or extraordinary.", NUMBER, _events((_KIND == "incident") & _SERIOUS)),
    "complaints": Fact("Complaints.", NUMBER, _events(_KIND == "complaint")),
    "drills": Fact("Emergency drills.", NUMBER, _events(_KIND == "drill")),
    "trainings": Fact("Trainings.", NUMBER, _events(_KIND == "training")),
    "disclosed": Fact("yes where a disclosure covers a part of the window.", TEXT, _disclosed),
    "missing_reports": Fact("Reports that fell due and have not come.", NUMBER, _missing_reports),
    "employees": Fact("Employees, as declared last.", NUMBER, _employees),
    "emergency_plan_valid": Fact("yes where a filed emergency plan holds, as it stands.", TEXT, _plan),
    "obsolete_assets": Fact("Equipment and processes that a list eliminates, as they stand.", NUMBER, _obsolete),
    "above_energy_quota": Fact("yes where figures show energy per product above its quota, as they stand.", TEXT, _above_energy_quota),
    "overdue_findings": Fact("Findings past their date at the end.", NUMBER, _overdue_findings),
    "overdue_measures": Fact("Measures past their date at the end.", NUMBER, _overdue_measures),
    "undocumented_measures": Fact("Measures in operation without a computed saving.", NUMBER, _undocumented_measures),
    "audited": Fact("yes where an audit was completed in the window.", TEXT, _audited),
    "audit_required": Fact("yes where a list or a decision demanded an audit by the end.", TEXT, _audit_required),
    "overdue_audit_steps": Fact("Steps of audits that are overdue, as they stand.", NUMBER, _overdue_steps),
}
"""Every word that a rule may use, each also asked of the last months as `<word>_<n>m`."""
