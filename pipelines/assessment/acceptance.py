"""Evaluation and acceptance of audits (评估与验收): vetoes and points of every round, by every scheme in force.

Which vetoes and points there are stands in the standards (`reference.acceptance_scheme`, `acceptance_item`). A veto that data can
show is computed from the words of `facts`; the rest is what reviewers answered (checklist ACCEPTANCE), and what neither says is
named. The enterprise's own answer can admit a veto, and neither clears one nor gives points.
"""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from pipelines.assessment import conditions
from pipelines.assessment.columns import ENTERPRISE, VERIFICATION
from pipelines.assessment.decisions import REVIEW_COLUMNS, current_decisions, subject_key
from pipelines.assessment.enterprise_index import OWN_ROLES
from pipelines.assessment.facts import FACT_SOURCES, FACTS, WINDOWS, EnterpriseFacts, is_fact, latest_answers
from pipelines.assessment.in_force import in_force
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.order import least_sure
from pipelines.assessment.workflow import ROUND_SOURCE, known_rounds
from pipelines.contracts.records import BOOL, COUNT, DATE, NUMBER, STATE, TEXT, TEXTS, Column
from pipelines.contracts.standards import StandardsError, StandardsProblem
from pipelines.contracts.states import State

CHECKLIST = "ACCEPTANCE"
"""Checklist of the reviewers' answers; an item is `<scheme>.<stage>.<item>`. Of a veto, yes says that it holds."""
STAGES = ("evaluation", "acceptance")
MILESTONE_OF_STAGE = {"evaluation": "evaluated", "acceptance": "accepted"}
VETO, SCORE = "veto", "score"
WINDOWS_OF_FACTS = ("today", "last_12m", "since_audit", "round")
RESULTS = ("clear", "veto", "scored", "not_computable", "not_applicable")
VERDICTS = ("passed", "not_passed", "undecided")
_MONTHS = 12
"""Months of `last_12m`, and of facts that are known as they stand."""
_KEY = (
    Column("round_id", TEXT, "Round (record audit_round).", required=True),
    Column("scheme_id", TEXT, "Scheme (reference.acceptance_scheme).", required=True),
    Column("stage", TEXT, "evaluation (评估) or acceptance (验收).", required=True, allowed=STAGES),
)

ACCEPTANCE = Result(
    "acceptance",
    "One row per audit round, scheme and stage, with what it amounts to",
    _KEY,
    (
        ENTERPRISE,
        Column(
            "verdict",
            TEXT,
            "passed, not_passed, or undecided while something is missing; a person's decision goes before.",
            required=True,
            allowed=VERDICTS,
        ),
        Column("computed_verdict", TEXT, "Verdict before a person's decision.", required=True, allowed=VERDICTS),
        Column("decided_by", TEXT, "Role of who decided; null where nobody did."),
        Column("vetoes", TEXTS, "Vetoes that hold.", required=True),
        Column("open_items", TEXTS, "Vetoes and points of which it is not known.", required=True),
        Column("missing", TEXTS, "What is lacking for them, by name.", required=True),
        Column("score", NUMBER, "Points given; null where nothing is scored or points are missing."),
        Column("full_points", NUMBER, "Points that can be had."),
        Column("pass_mark", NUMBER, "Points that are needed; null where nothing is scored."),
        Column("held_on", DATE, "Local date of the evaluation or acceptance; null while it has not been held."),
        Column("apply_by", DATE, "Last local date to apply for acceptance, where the scheme sets one and the evaluation was held."),
        Column("is_past_apply_by", BOOL, "Whether that date passed without acceptance; null where there is none."),
        STATE,
        VERIFICATION,
    ),
)
ACCEPTANCE_ITEM = Result(
    "acceptance_item",
    "One row per audit round, scheme, stage and item",
    (*_KEY, Column("item_id", TEXT, "Item (reference.acceptance_item).", required=True)),
    (
        ENTERPRISE,
        Column("position", COUNT, "Order."),
        Column("item_name", TEXT, "Name."),
        Column("kind", TEXT, "veto or score.", required=True, allowed=(VETO, SCORE)),
        Column("result", TEXT, "Of a veto: clear or veto; of points: scored; else not_computable or not_applicable.", required=True, allowed=RESULTS),
        Column("points", NUMBER, "Points given."),
        Column("points_possible", NUMBER, "Points that can be had."),
        Column("basis", TEXT, "What the result rests on: facts, survey, facts and survey, decision; null where nothing is known."),
        Column("condition", TEXT, "Terms on facts under which the veto holds; null where only people can say."),
        Column("facts_from", DATE, "First local date of the window of the facts; null where it ends today."),
        Column("facts_to", DATE, "First local date after it; null where it ends today."),
        Column("facts", TEXTS, "The facts, as `word = value`.", required=True),
        Column("answer", TEXT, "What reviewers answered."),
        Column("answered_on", DATE, "Local date of the answer."),
        Column("missing", TEXTS, "What is lacking, by name.", required=True),
        Column("notes", TEXTS, "What a reader should know.", required=True),
        Column("decided_by", TEXT, "Role of who decided; null where nobody did."),
        STATE,
        VERIFICATION,
    ),
)  # fmt: skip


def judge_rounds(frames: Frames, context: Context) -> Outcome:
    """Every round by every scheme that is in force and used.

    Raises:
        StandardsError: items name words or windows that nobody knows, with all that is wrong.
    """
    today = context.today
    schemes = in_force(frames["schemes"], today, ["scheme_id", "stage"]).filter("is_default")
    items = in_force(frames["items"], today, ["scheme_id", "stage", "item_id"]).join(
        schemes.select("scheme_id", "stage"), on=["scheme_id", "stage"]
    )
    check_items(items)
    rounds = known_rounds(frames["rounds"], today)
    if rounds.is_empty() or items.is_empty():
        return Outcome({result.name: result.empty() for result in (ACCEPTANCE, ACCEPTANCE_ITEM)}, "no round to judge")
    asked = dated_rounds(rounds, frames["steps"], today).join(items, on="stage").sort("round_id", "scheme_id", "stage", "position")
    asked = _with_facts(asked, EnterpriseFacts(frames, today), today)
    asked = _with_answers(asked, frames["answers"])
    judged = _judged(asked, current_decisions(frames["reviews"], ACCEPTANCE_ITEM.name, today))
    verdicts = _verdicts(judged, asked, schemes, current_decisions(frames["reviews"], ACCEPTANCE.name, today), today)
    counts = dict(verdicts["verdict"].value_counts().iter_rows())
    said = ", ".join(f"{counts[word]} {word}" for word in VERDICTS if word in counts)
    return Outcome({ACCEPTANCE.name: verdicts, ACCEPTANCE_ITEM.name: judged}, f"{rounds.height} rounds: {said}")


def dated_rounds(rounds: pl.DataFrame, steps: pl.DataFrame, today: date) -> pl.DataFrame:
    """One row per round and stage: when the round began and the next one does, when the audit was done, when the stage was held."""
    done = steps.drop_nulls(["milestone", "done_on"]).select("round_id", "milestone", "done_on")
    audit_done = done.filter(pl.col("milestone") == "audit_done").select("round_id", audit_done_on="done_on")
    evaluated = done.filter(pl.col("milestone") == "evaluated").select("round_id", evaluated_on="done_on")
    begun = rounds.select("round_id", "enterprise_id", "period_start", "period_end", begins_on=pl.coalesce("listed_on", "valid_from")).sort(
        "enterprise_id", "begins_on", "round_id"
    )
    begun = begun.with_columns(next_begins_on=pl.col("begins_on").shift(-1).over("enterprise_id"))
    stages = pl.DataFrame({"stage": list(STAGES), "milestone": [MILESTONE_OF_STAGE[stage] for stage in STAGES]})
    return (
        begun.join(stages, how="cross")
        .join(done.rename({"done_on": "held_on"}), on=["round_id", "milestone"], how="left")
        .join(audit_done, on="round_id", how="left")
        .join(evaluated, on="round_id", how="left")
        .with_columns(ends=pl.coalesce(pl.col("held_on"), pl.lit(today)).dt.offset_by("1d"))
        .drop("milestone")
    )


def _with_facts(asked: pl.DataFrame, facts: EnterpriseFacts, today: date) -> pl.DataFrame:
    """`holds` of each computed veto, with the facts behind it; a window whose beginning is not known has no facts."""
    tomorrow = today + timedelta(days=1)
    window = pl.col("facts_window")
    starts = (
        pl.when(window == "today")
        .then(pl.lit(tomorrow).dt.offset_by(f"-{_MONTHS}mo"))
        .when(window == "last_12m")
        .then(pl.col("ends").dt.offset_by(f"-{_MONTHS}mo"))
        .when(window == "since_audit")
        .then(pl.col("audit_done_on"))
        .when(window == "round")
        .then(pl.col("period_start"))
    )
    ends = pl.when(window == "today").then(pl.lit(tomorrow)).when(window == "round").then(pl.col("period_end")).otherwise(pl.col("ends"))
    numbered = asked.with_row_index("key").with_columns(
        pl.col("key").cast(pl.String), starts=starts, window_ends=pl.when(window.is_not_null()).then(ends)
    )
    parts = []
    for (text,), rows in numbered.group_by("computed_by", maintain_order=True):
        condition = conditions.parse(text)
        windows = rows.drop_nulls(["starts", "window_ends"]).select("key", "enterprise_id", "starts", ends="window_ends")
        if not condition.names:
            parts.append(rows.select("key", holds=pl.lit(None, dtype=pl.Boolean), facts=_texts(), unknown=_texts()))
            continue
        known = facts.of(windows.select(WINDOWS.names()), condition.names)
        said = [
            pl.format("{} = {}", pl.lit(name), pl.col(name).cast(pl.String).fill_null("unknown").str.strip_suffix(".0"))
            for name in condition.names
        ]
        parts.append(known.select("key", holds=condition.holds(), facts=pl.concat_list(said), unknown=condition.unknown()))
    found = pl.concat(parts)
    moves = (window == "today") | (pl.col("held_on").is_null() & (window != "round"))
    begins = pl.when(pl.col("computed_by").is_not_null() & pl.col("starts").is_null()).then(
        pl.format("the beginning of {}", "facts_window")
    )
    return (
        numbered.join(found, on="key", how="left", maintain_order="left")
        .with_columns(
            pl.col("facts").fill_null(_texts()),
            unknown=pl.concat_list(pl.col("unknown").fill_null(_texts()), begins).list.drop_nulls(),
            # a window that moves with today would make another row of every night
            facts_from=pl.when(~moves).then(pl.col("starts")),
            facts_to=pl.when(~moves).then(pl.col("window_ends")),
        )
        .drop("key", "starts", "window_ends")
    )


def _with_answers(asked: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """What reviewers answered in the round: from its beginning until the next one's."""
    of_checklist = answers.filter((pl.col("subject_kind") == "enterprise") & (pl.col("checklist_id") == CHECKLIST)).select(
        "answered_on", "surveyor_role", "answer", enterprise_id="subject_id", survey_item="item_id", answered_points="value"
    )
    named = asked.with_columns(survey_item=pl.concat_str("scheme_id", "stage", "item_id", separator="."))
    in_round = (pl.col("answered_on") >= pl.col("begins_on")) & (
        pl.col("next_begins_on").is_null() | (pl.col("answered_on") < pl.col("next_begins_on"))
    )
    admitted = (pl.col("kind") == VETO) & (pl.col("answer") == "yes")
    is_own = pl.col("surveyor_role").is_in(list(OWN_ROLES))
    key = ["round_id", "survey_item"]
    found = named.select(*key, "enterprise_id", "kind", "begins_on", "next_begins_on").join(
        of_checklist, on=["enterprise_id", "survey_item"]
    )
    latest = latest_answers(found.filter(in_round & (~is_own | admitted)), key, OWN_ROLES)
    return named.join(latest.select(*key, "answer", "answered_on", "answered_points"), on=key, how="left", maintain_order="left")


def _judged(asked: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Each item's result. A veto holds when the facts or the reviewers say so; facts outweigh a reviewer's no."""
    is_veto = pl.col("kind") == VETO
    holds, answer = pl.col("holds"), pl.col("answer")
    says_yes, says_no = (answer == "yes").fill_null(False), (answer == "no").fill_null(False)
    by_facts, cleared_by_facts = holds.fill_null(False), (~holds).fill_null(False)
    has_points = (answer == "number").fill_null(False) & pl.col("answered_points").is_not_null()
    computed = (
        pl.when((answer == "not_applicable").fill_null(False) & ~by_facts)
        .then(pl.lit("not_applicable"))
        .when(is_veto & (by_facts | says_yes))
        .then(pl.lit("veto"))
        .when(is_veto & (cleared_by_facts | says_no))
        .then(pl.lit("clear"))
        .when(~is_veto & has_points)
        .then(pl.lit("scored"))
        .otherwise(pl.lit("not_computable"))
    )
    basis = (
        pl.when(is_veto & holds.is_not_null() & (says_yes | says_no))
        .then(pl.lit("facts and survey"))
        .when(is_veto & holds.is_not_null())
        .then(pl.lit("facts"))
        .when(says_yes | says_no | has_points)
        .then(pl.lit("survey"))
    )
    contradiction = pl.when(is_veto & by_facts & says_no).then(pl.lit("reviewers answered no: the facts count"))
    admitted = pl.when(is_veto & cleared_by_facts & says_yes).then(pl.lit("the facts show nothing: the answer yes counts"))
    needed = pl.when(pl.col("computed") == "not_computable").then(pl.format("the reviewers' answer to {}", "survey_item"))
    overridden = pl.when((pl.col("decision") == "override") & pl.col("value_text").is_in(["clear", "veto"])).then(pl.col("value_text"))
    decided = pl.coalesce(overridden, pl.when(pl.col("decision") == "not_applicable").then(pl.lit("not_applicable")))
    rows = (
        asked.with_columns(computed=computed, basis=basis, subject_key=subject_key("round_id", "scheme_id", "stage", "item_id"))
        .join(decisions.select("subject_key", "decision", "value_text", "decided_by"), on="subject_key", how="left", maintain_order="left")
        .with_columns(decided=decided, notes=pl.concat_list(contradiction, admitted).list.drop_nulls())
        .with_columns(result=pl.coalesce("decided", "computed"))
    )
    state = (
        pl.when(pl.col("result") == "not_computable")
        .then(pl.lit(State.MISSING.value))
        .when(pl.col("result") == "not_applicable")
        .then(pl.lit(State.NOT_APPLICABLE.value))
        .when(pl.col("basis").str.starts_with("facts"))
        .then(pl.lit(State.ESTIMATED.value))
        .otherwise(pl.lit(State.SELF_REPORTED.value))
    )
    return rows.with_columns(
        item_name="name",
        points_possible="points",
        points=pl.when(pl.col("result") == "scored").then(pl.col("answered_points")),
        basis=pl.when(pl.col("decided").is_not_null()).then(pl.lit("decision")).otherwise(pl.col("basis")),
        condition="computed_by",
        missing=pl.concat_list("unknown", needed).list.drop_nulls(),
        decided_by=pl.when(pl.col("decided").is_not_null()).then(pl.col("decided_by")),
        state=state,
    ).select(ACCEPTANCE_ITEM.empty().columns)  # fmt: skip


def _verdicts(judged: pl.DataFrame, asked: pl.DataFrame, schemes: pl.DataFrame, decisions: pl.DataFrame, today: date) -> pl.DataFrame:
    """One veto, or too few points, fails the round whatever else is missing."""
    key = ["round_id", "scheme_id", "stage"]
    is_open = pl.col("result") == "not_computable"
    scored = (pl.col("kind") == SCORE) & (pl.col("result") != "not_applicable")
    summed = judged.group_by(key, maintain_order=True).agg(
        pl.col("enterprise_id").first(),
        vetoes=pl.col("item_id").filter(pl.col("result") == "veto"),
        open_items=pl.col("item_id").filter(is_open),
        missing=pl.col("missing").filter(is_open).explode().drop_nulls().unique(maintain_order=True),
        score=pl.when(scored.any() & ~(scored & is_open).any()).then(pl.col("points").filter(scored).sum()),
        verification_status=least_sure(pl.col("verification_status")),
    )
    too_few = (pl.col("score") < pl.col("pass_mark")).fill_null(False)
    computed = (
        pl.when((pl.col("vetoes").list.len() > 0) | too_few)
        .then(pl.lit("not_passed"))
        .when((pl.col("open_items").list.len() > 0) | (pl.col("pass_mark").is_not_null() & pl.col("score").is_null()))
        .then(pl.lit("undecided"))
        .otherwise(pl.lit("passed"))
    )
    overridden = pl.when((pl.col("decision") == "override") & pl.col("value_text").is_in(VERDICTS)).then(pl.col("value_text"))
    decided = pl.coalesce(
        overridden,
        pl.col("decision").replace_strict({"accepted": "passed", "rejected": "not_passed"}, default=None, return_dtype=pl.String),
    )
    rows = (
        summed.join(
            schemes.select("scheme_id", "stage", "full_points", "pass_mark", "apply_within_months"), on=["scheme_id", "stage"], how="left"
        )
        .join(asked.select(*key, "held_on", "evaluated_on").unique(key, keep="first", maintain_order=True), on=key, how="left")
        .with_columns(subject_key=subject_key(*key), computed_verdict=computed)
        .join(decisions.select("subject_key", "decision", "value_text", "decided_by"), on="subject_key", how="left", maintain_order="left")
        .with_columns(decided=decided, apply_by=pl.col("evaluated_on").dt.offset_by(pl.format("{}mo", pl.col("apply_within_months"))))
    )
    return rows.with_columns(
        verdict=pl.coalesce("decided", "computed_verdict"),
        decided_by=pl.when(pl.col("decided").is_not_null()).then(pl.col("decided_by")),
        is_past_apply_by=pl.coalesce(pl.col("held_on"), pl.lit(today)) > pl.col("apply_by"),
        state=pl.when(pl.col("computed_verdict") == "undecided").then(pl.lit(State.MISSING.value)).otherwise(pl.lit(State.ESTIMATED.value)),
    ).select(ACCEPTANCE.empty().columns).sort(key)  # fmt: skip


def _texts() -> pl.Expr:
    return pl.lit([], dtype=pl.List(pl.String))


# -- the standards ---------------------------------------------------------------------------------------------------------------------


def check_items(items: pl.DataFrame) -> None:
    """Every item can be read, and says when its facts are looked at.

    Raises StandardsError with everything that is wrong.
    """
    if problems := [problem for item in items.iter_rows(named=True) for problem in _item_problems(item)]:
        raise StandardsError(problems)


def _item_problems(item: Mapping[str, object]) -> list[StandardsProblem]:
    def wrong(column: str, message: str) -> StandardsProblem:
        where = " / ".join(str(item[name]) for name in ("scheme_id", "stage", "item_id"))
        return StandardsProblem("acceptance_items", None, column, str(item[column] or ""), f"{where}: {message}")

    found = []
    if item["kind"] not in (VETO, SCORE):
        found.append(wrong("kind", f"must be {VETO} or {SCORE}"))
    if (item["kind"] == SCORE) != (item["points"] is not None):
        found.append(wrong("points", "points belong to a score, and to nothing else"))
    if (item["computed_by"] is None) != (item["facts_window"] is None):
        found.append(wrong("facts_window", "a condition and its window belong together"))
    if item["facts_window"] is not None and item["facts_window"] not in WINDOWS_OF_FACTS:
        found.append(wrong("facts_window", f"must be one of {', '.join(WINDOWS_OF_FACTS)}"))
    try:
        names = conditions.parse(item["computed_by"]).names
    except conditions.ConditionError as error:
        return [*found, wrong("computed_by", str(error))]
    if unknown := [name for name in names if not is_fact(name)]:
        found.append(wrong("computed_by", f"knows no {', '.join(unknown)}; there are {', '.join(FACTS)}"))
    return found


# -- the method ------------------------------------------------------------------------------------------------------------------------

_PROVENANCE = "verification_status, valid_from, valid_to, origin"
ACCEPTANCES = Method(
    name="acceptance",
    version="1",
    description="Vetoes and points of the evaluation and acceptance of audits (清洁生产审核评估与验收).",
    reads=FACT_SOURCES
    | {
        "schemes": Source.of(
            "reference.acceptance_scheme", f"scheme_id, stage, is_default, full_points, pass_mark, apply_within_months, {_PROVENANCE}"
        ),
        "items": Source.of(
            "reference.acceptance_item",
            f"scheme_id, stage, item_id, position, name, kind, points, computed_by, facts_window, {_PROVENANCE}",
        ),
        "rounds": ROUND_SOURCE,
        "reviews": Source.of("staging.stg_reviews", REVIEW_COLUMNS),
    },
    results=(ACCEPTANCE, ACCEPTANCE_ITEM),
    run=judge_rounds,
)
