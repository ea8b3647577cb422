"""The audit as a process (审核程序): where every round stands, step by step, and by when each step is due.

The seven phases with their order, dates, evidence and responsible roles are rows of the standards (`reference.audit_phase`);
here is what they mean for a round. Who has to be reminded of what stands in `worklist`.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from pipelines.assessment.columns import ENTERPRISE, VERIFICATION
from pipelines.assessment.decisions import REVIEW_COLUMNS, current_decisions, subject_key
from pipelines.assessment.in_force import in_force
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.supervision import SUPERVISION_SOURCE, number
from pipelines.contracts.records import AUDIT_ROUND, BOOL, COUNT, DATE, STATE, TEXT, TEXTS, Column
from pipelines.contracts.standards import StandardsError, StandardsProblem
from pipelines.contracts.states import State

PHASES = ("planning", "pre_assessment", "assessment", "options", "feasibility", "implementation", "continuous")
"""筹划与组织, 预审核, 审核, 方案产生与筛选, 可行性分析, 方案实施, 持续清洁生产."""
MILESTONES = ("started", "audit_done", "evaluated", "accepted")
"""Steps that other methods ask for by what they mean, whatever a park calls them."""
ROUND_DATES = ("listed_on", "period_end")
"""Dates of a round that a step's date may be counted from."""
PROGRESS = ("not_started", "due", "overdue", "blocked", "done", "done_late", "not_applicable")
DONE = ("done", "done_late")

WORKFLOW = Result(
    "workflow",
    "One row per audit round and step",
    (
        Column("round_id", TEXT, "Round (record audit_round).", required=True),
        Column("step_code", TEXT, "Step (reference.audit_phase).", required=True),
    ),
    (
        ENTERPRISE,
        Column("round_kind", TEXT, "mandatory, voluntary or park.", allowed=AUDIT_ROUND.by_name["kind"].allowed),
        Column("listed_on", DATE, "Local date on which the list that demands the round was published."),
        Column("round_ended_on", DATE, "First local date on which the register no longer holds the round."),
        Column("position", COUNT, "Order of the steps."),
        Column("phase", TEXT, "Phase of the seven.", allowed=PHASES),
        Column("step_name", TEXT, "Name."),
        Column("responsible_role", TEXT, "Who does it: enterprise, park, third_party or bureau."),
        Column("evidence_needed", TEXT, "What proves it."),
        Column("milestone", TEXT, "started, audit_done, evaluated or accepted; null for other steps.", allowed=MILESTONES),
        Column("progress", TEXT,
               "not_started; due (its date is near); overdue; blocked (a step before it is not done); done; done_late; not_applicable.",
               required=True, allowed=PROGRESS),
        Column("due_on", DATE, "Last local date on which it is done in time; null where nothing says when."),
        Column("due_from", TEXT, "Where the date comes from: decision, record, or rule.", allowed=("decision", "record", "rule")),
        Column("due_is_provisional", BOOL, "Whether the date is counted from another step that is not done yet."),
        Column("done_on", DATE, "Local date on which it was done."),
        Column("days_late", COUNT, "Days between its date and the day it was done; null for what is not done or has no date."),
        Column("blocked_by", TEXTS, "Steps before it that are not done."),
        Column("done_before", TEXTS, "Steps before it that were done later than it, or are not done though it is."),
        Column("lacks_evidence", BOOL, "Whether it is done and no document is known."),
        Column("evidence_sha256", TEXT, "Hash of the document."),
        Column("done_by", TEXT, "Role of who did it."),
        STATE,
        VERIFICATION,
    ),
)  # fmt: skip


def follow_rounds(frames: Frames, context: Context) -> Outcome:
    """Every step of every round, as of today.

    Raises:
        StandardsError: the steps contradict each other, with all that is wrong.
    """
    steps = in_force(frames["phases"], context.today, ["step_code"]).sort("position")
    check_steps(steps)
    rounds = known_rounds(frames["rounds"], context.today)
    soon = int(number(frames["supervision"], "workflow_due_soon_days", context.today))
    decisions = current_decisions(frames["reviews"], WORKFLOW.name, context.today)
    rows = states_of_steps(rounds, steps, frames["steps"], decisions, context.today, soon)
    unknown = frames["steps"].join(steps.select("step_code"), on="step_code", how="anti")
    warnings = [
        f"round {row['round_id']}: step {row['step_code']} is not in reference.audit_phase" for row in unknown.iter_rows(named=True)
    ]
    wrong = frames["reviews"].filter(
        (pl.col("about") == WORKFLOW.name) & (pl.col("decision") == "override") & _as_date("value_text").is_null()
    )
    warnings += [
        f"review {review}: {value!r} is no date like 2026-01-31" for review, value in wrong.select("review_id", "value_text").iter_rows()
    ]
    counts = dict(rows["progress"].value_counts().iter_rows())
    said = ", ".join(f"{counts[word]} {word}" for word in PROGRESS if word in counts)
    return Outcome({WORKFLOW.name: rows}, f"{rounds.height} rounds: {said or 'no steps'}", tuple(warnings))


def known_rounds(rounds: pl.DataFrame, today: date) -> pl.DataFrame:
    """Each round as the register held it last, ended ones among them; `round_ended_on` is null while it holds."""
    return (
        rounds.filter(pl.col("valid_from") <= today)
        .sort("round_id", "valid_from")
        .unique("round_id", keep="last", maintain_order=True)
        .with_columns(round_ended_on=pl.when(pl.col("valid_to") <= today).then(pl.col("valid_to")))
    )


def states_of_steps(
    rounds: pl.DataFrame, steps: pl.DataFrame, records: pl.DataFrame, decisions: pl.DataFrame, today: date, due_soon_days: int
) -> pl.DataFrame:
    """The state of each step of each round.

    A step's date is what a decision says, else the record, else the rule, counted from a date of the round or from another step:
    from the day it was done, and until then, provisionally, from the day it is due.

    Args:
        rounds: `known_rounds`.
        steps: Rows of reference.audit_phase in force, in their order.
        records: Rows of audit_step; what is dated later than today is not done yet.
        decisions: `current_decisions` about the workflow: an override is a new date, not_applicable takes the step out.

    Returns:
        Columns of WORKFLOW.
    """
    wide = (
        rounds.select("round_id", "enterprise_id", "listed_on", "period_end", "round_ended_on", round_kind="kind")
        .join(steps, how="cross")
        .filter(pl.col("applies_to").str.split("|").list.contains(pl.col("round_kind")))
        .join(
            records.select("round_id", "step_code", "due_on", "done_on", "role", "evidence_sha256"),
            on=["round_id", "step_code"],
            how="left",
        )
        .with_columns(subject_key=subject_key("round_id", "step_code"))
        .join(decisions.select("subject_key", "decision", "value_text"), on="subject_key", how="left")
        .with_columns(
            done_on=pl.when(pl.col("done_on") <= today).then(pl.col("done_on")),
            recorded_due_on=pl.col("due_on"),
            decided_due_on=pl.when(pl.col("decision") == "override").then(_as_date("value_text")),
            is_out=(pl.col("decision") == "not_applicable").fill_null(False),
        )
        .sort("round_id", "position")
    )
    dated = _with_due_dates(wide, steps)
    before = _predecessors(dated, steps)
    rows = dated.join(before, on=["round_id", "step_code"], how="left").with_columns(
        pl.col("blocked_by", "done_before").fill_null(pl.lit([], dtype=pl.List(pl.String)))
    )
    is_done = pl.col("done_on").is_not_null()
    late = (pl.col("done_on") > pl.col("due_on")).fill_null(False)
    is_over = pl.col("round_ended_on").is_not_null() & ~is_done
    progress = (
        pl.when("is_out")
        .then(pl.lit("not_applicable"))
        .when(is_done & late)
        .then(pl.lit("done_late"))
        .when(is_done)
        .then(pl.lit("done"))
        .when(is_over)
        .then(pl.lit("not_applicable"))
        .when(pl.col("due_on") < today)
        .then(pl.lit("overdue"))
        .when(pl.col("blocked_by").list.len() > 0)
        .then(pl.lit("blocked"))
        .when((pl.col("due_on") - pl.lit(today)).dt.total_days() <= due_soon_days)
        .then(pl.lit("due"))
        .otherwise(pl.lit("not_started"))
    )
    due_from = (
        pl.when(pl.col("decided_due_on").is_not_null())
        .then(pl.lit("decision"))
        .when(pl.col("recorded_due_on").is_not_null())
        .then(pl.lit("record"))
        .when(pl.col("due_on").is_not_null())
        .then(pl.lit("rule"))
    )
    rows = rows.with_columns(progress=progress, due_from=due_from)
    state = (
        pl.when(pl.col("progress") == "not_applicable")
        .then(pl.lit(State.NOT_APPLICABLE.value))
        .when(is_done)
        .then(pl.lit(State.SELF_REPORTED.value))
        .otherwise(pl.lit(State.MISSING.value))
    )
    days_late = pl.when(is_done).then((pl.col("done_on") - pl.col("due_on")).dt.total_days().clip(lower_bound=0))
    return (
        rows.with_columns(
            days_late=days_late,
            step_name="name",
            evidence_needed="evidence",
            lacks_evidence=is_done & pl.col("evidence_sha256").is_null(),
            done_by=pl.when(is_done).then(pl.col("role")),
            state=state,
        )
        .sort("round_id", "position")
        .select(WORKFLOW.empty().columns)
    )


def _with_due_dates(rows: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """`due_on` and whether it is provisional. Steps come in order, so that a date another one is counted from is there."""
    anchors = rows.select("round_id", *ROUND_DATES).unique("round_id", keep="first", maintain_order=True)
    dates: dict[str, pl.DataFrame] = {name: anchors.select("round_id", anchor=name, is_provisional=pl.lit(False)) for name in ROUND_DATES}
    parts = []
    for step in steps.iter_rows(named=True):
        of_step = rows.filter(pl.col("step_code") == step["step_code"])
        by_rule, is_provisional = pl.lit(None, dtype=pl.Date), pl.lit(False)
        if step["due_anchor"] is not None:
            of_step = of_step.join(dates[step["due_anchor"]], on="round_id", how="left")
            by_rule, is_provisional = pl.col("anchor").dt.offset_by(f"{step['due_months']}mo"), pl.col("is_provisional")
        fixed = pl.coalesce("decided_due_on", "recorded_due_on")
        of_step = of_step.with_columns(
            due_on=pl.coalesce(fixed, by_rule),
            due_is_provisional=fixed.is_null() & by_rule.is_not_null() & is_provisional.fill_null(False),
        ).drop("anchor", "is_provisional", strict=False)
        parts.append(of_step)
        dates[step["step_code"]] = of_step.select(
            "round_id", anchor=pl.coalesce("done_on", "due_on"), is_provisional=pl.col("done_on").is_null()
        )
    return pl.concat(parts).sort("round_id", "position") if parts else rows.with_columns(due_is_provisional=pl.lit(False))


def _predecessors(rows: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """Per step: which of those before it are not done, and which were done after it. What does not apply holds nobody up."""
    links = (
        steps.select("step_code", before=pl.col("predecessors").str.split("+"))
        .explode("before")
        .drop_nulls("before")
        .with_columns(pl.col("before").str.strip_chars())
    )
    done = rows.filter(~pl.col("is_out")).select("round_id", before="step_code", before_done_on="done_on")
    return (
        rows.select("round_id", "step_code", "done_on")
        .join(links, on="step_code")
        .join(done, on=["round_id", "before"])
        .group_by("round_id", "step_code", maintain_order=True)
        .agg(
            blocked_by=pl.col("before").filter(pl.col("before_done_on").is_null() & pl.col("done_on").is_null()).sort(),
            done_before=pl.col("before")
            .filter(pl.col("done_on").is_not_null() & (pl.col("before_done_on").is_null() | (pl.col("before_done_on") > pl.col("done_on"))))
            .sort(),
        )
    )


def _as_date(column: str) -> pl.Expr:
    return pl.col(column).str.to_date("%Y-%m-%d", strict=False)


# -- the standards ---------------------------------------------------------------------------------------------------------------------


def check_steps(steps: pl.DataFrame) -> None:
    """Every step a step waits for, or is counted from, exists and stands before it.

    Raises StandardsError with everything that is wrong.
    """
    problems = []
    seen: list[str] = []
    for step in steps.iter_rows(named=True):
        problems += _step_problems(step, seen)
        seen.append(step["step_code"])
    if problems:
        raise StandardsError(problems)


def _step_problems(step: Mapping[str, object], seen: Sequence[str]) -> list[StandardsProblem]:
    def wrong(column: str, message: str) -> StandardsProblem:
        return StandardsProblem("audit_phases", None, column, str(step[column] or ""), f"{step['step_code']}: {message}")

    found = []
    for before in (part.strip() for part in str(step["predecessors"] or "").split("+") if part.strip()):
        if before not in seen:
            found.append(wrong("predecessors", f"{before} must be a step with a smaller position"))
    anchor = step["due_anchor"]
    if anchor is not None and anchor not in (*ROUND_DATES, *seen):
        found.append(wrong("due_anchor", f"must be one of {', '.join(ROUND_DATES)}, or a step with a smaller position"))
    if (anchor is None) != (step["due_months"] is None):
        found.append(wrong("due_months", "anchor and months belong together"))
    if step["phase"] not in PHASES:
        found.append(wrong("phase", f"must be one of {', '.join(PHASES)}"))
    if step["milestone"] is not None and step["milestone"] not in MILESTONES:
        found.append(wrong("milestone", f"must be one of {', '.join(MILESTONES)}"))
    return found


# -- the method ------------------------------------------------------------------------------------------------------------------------

ROUND_SOURCE = Source.of(
    "staging.stg_audit_rounds", "round_id, enterprise_id, kind, listed_on, period_start, period_end, valid_from, valid_to"
)
AUDIT_WORKFLOW = Method(
    name="workflow",
    version="1",
    description="State of every step of every audit round (审核程序) with the date by which it is due.",
    reads={
        "phases": Source.of(
            "reference.audit_phase",
            "step_code, position, phase, name, predecessors, applies_to, due_anchor, due_months, milestone, responsible_role, evidence, "
            "verification_status, valid_from, valid_to, origin",
        ),
        "supervision": SUPERVISION_SOURCE,
        "rounds": ROUND_SOURCE,
        "steps": Source.of("staging.stg_audit_steps", "round_id, step_code, due_on, done_on, role, evidence_sha256"),
        "reviews": Source.of("staging.stg_reviews", REVIEW_COLUMNS),
    },
    results=(WORKFLOW,),
    run=follow_rounds,
)
