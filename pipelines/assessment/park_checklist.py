"""Park schemes held against the marts: HJ 274-2015, the international framework 2.0, zero-carbon parks, and a park's own.

For every finished calendar year each checklist in force, item by item, and what the items amount to. How a value is found stands
in `checklist_formulas`, what is met in `checklist`; all numbers and formulas stand in the standards.
"""

from dataclasses import replace
from datetime import date

import polars as pl

from pipelines.assessment import checklist, conditions
from pipelines.assessment.checklist import OPERATORS, VARIABLES, Judgement, Observation, Outcome, PassRule, Requirement, Threshold, Verdict
from pipelines.assessment.checklist_formulas import FORMULAS, Year, answered, observe, park_answers, prepared_events, side_problem
from pipelines.assessment.columns import MEASURED_SHARE, PERIOD, VERIFICATION
from pipelines.assessment.decisions import REVIEW_COLUMNS, current_decisions, subject_key
from pipelines.assessment.facts import FACT_SOURCES, EnterpriseFacts
from pipelines.assessment.in_force import in_force
from pipelines.assessment.method import Context, Frames, Method, Result, Source
from pipelines.assessment.method import Outcome as Found
from pipelines.assessment.order import least_sure, least_sure_among
from pipelines.assessment.quantities import QUANTITY_SOURCES, ParkQuantities, weakest_expr
from pipelines.contracts.records import COUNT, DATE, NUMBER, STATE, TEXT, TEXTS, Column
from pipelines.contracts.standards import StandardsError, StandardsProblem
from pipelines.contracts.states import State

ENERGY = "consumption:ALL:energy_tce_calorific"
"""What `energy_tce` means in a condition of a threshold."""
STATE_OF_OUTCOME = {Outcome.NOT_APPLICABLE: State.NOT_APPLICABLE.value, Outcome.NOT_COMPUTABLE: State.MISSING.value}
"""Of the other outcomes the state is that of what was observed."""

CHECKLIST_ID = Column("checklist_id", TEXT, "Checklist (reference.checklist).", required=True)
_OUTCOMES = tuple(outcome.value for outcome in Outcome)
PARK_CHECKLIST = Result(
    "park_checklist",
    "One row per checklist, calendar year and item",
    (CHECKLIST_ID, *PERIOD, Column("item_id", TEXT, "Item (reference.checklist_item).", required=True)),
    (
        Column("position", COUNT, "Place in the printed table."),
        Column("area", TEXT, "Group of the printed table."),
        Column("item_name", TEXT, "Name."),
        Column(
            "requirement", TEXT, "mandatory, optional, prerequisite, performance, core or guide.", allowed=tuple(word.value for word in Requirement)
        ),
        Column("choice_group", TEXT, "Choice group of an optional item."),
        Column("formula", TEXT, "How the value is found (reference.checklist_item)."),
        Column("value", NUMBER, "Value in `unit`, unrounded; null where it is not known whole, or the item asks for yes or no."),
        Column("unit", TEXT, "Unit of value and threshold."),
        Column("answer", TEXT, "yes or no, of an item that asks for it."),
        Column("answered_on", DATE, "Local date of the survey that speaks."),
        Column("numerator", NUMBER, "What was counted, of the year, in its own unit."),
        Column("denominator", NUMBER, "What it was divided by."),
        Column("numerator_growth", NUMBER, "Average annual growth of the numerator, %/a, of an elasticity."),
        Column("denominator_growth", NUMBER, "Average annual growth of the denominator, %/a."),
        Column("operator", TEXT, "How value and threshold are compared; equal meets <= and >=."),
        Column("threshold", TEXT, "What is demanded: a number in `unit`, or yes."),
        Column("condition", TEXT, "Why this threshold of several."),
        Column("result", TEXT, "met, not_met, not_computable, manual_review or not_applicable.", required=True, allowed=_OUTCOMES),
        Column("missing", TEXTS, "What is lacking, by name; of a computed value also where a survey's answer stood in."),
        Column("notes", TEXTS, "What a reader should know."),
        Column("decided_by", TEXT, "Role of who put a decision in place of the computed result; null where nobody did."),
        MEASURED_SHARE,
        STATE,
        Column("checklist_version", TEXT, "Edition."),
        VERIFICATION,
    ),
)  # fmt: skip
PARK_CHECKLIST_RESULT = Result(
    "park_checklist_result",
    "One row per checklist, calendar year and area, and one for the whole checklist",
    (CHECKLIST_ID, *PERIOD, Column("area", TEXT, "Group of the printed table; ALL for the whole.", required=True)),
    (
        Column("items", COUNT, "Items."),
        *(Column(f"items_{outcome}", COUNT, f"Items that are {outcome}.") for outcome in _OUTCOMES),
        Column("met_share", NUMBER, "Items met over items that apply, 0 to 1."),
        Column(
            "verdict", TEXT, "passed, not_passed, undecided while missing data could turn it, or no_pass_rule; on the whole's row.",
            allowed=tuple(word.value for word in Verdict),
        ),
        Column("failing_items", TEXTS, "Demanded items that are not met."),
        Column("open_items", TEXTS, "Demanded items of which it is not known."),
        Column("short_choice_groups", TEXTS, "Choice groups whose minimum cannot be reached any more."),
        Column("open_choice_groups", TEXTS, "Choice groups whose minimum is not reached yet."),
        STATE,
        Column("checklist_version", TEXT, "Edition."),
        VERIFICATION,
    ),
    audience="public",
)  # fmt: skip


def judge_park(frames: Frames, context: Context) -> Found:
    """Every checklist in force at the end of a finished calendar year, for every year that enterprises were graded for.

    Raises:
        StandardsError: formulas or conditions of the checklists cannot be read, with all that is wrong.
    """
    check_standards(frames)
    quantities = ParkQuantities(frames, context.park_id)
    facts = EnterpriseFacts(frames, context.today)
    events = prepared_events(frames["events"], context.today)
    rows, headings, choices = [], [], []
    for year in finished_years(frames["periods"], context.today):
        last = date(year, 12, 31)
        lists = in_force(frames["checklists"], last, ["checklist_id"]).filter("is_default")
        items = in_force(frames["items"], last, ["checklist_id", "item_id"]).join(
            lists.select("checklist_id", checklist_status="verification_status", checklist_version="version"), on="checklist_id"
        )
        thresholds = in_force(frames["thresholds"], last, ["checklist_id", "item_id", "position"])
        answers = park_answers(frames["answers"], context.park_id, date(year + 1, 1, 1))
        of_year = Year(year, quantities, facts, events, answers)
        rows += [_judged(item, thresholds, of_year) for item in items.sort("checklist_id", "position").iter_rows(named=True)]
        headings.append(lists)
        choices.append(in_force(frames["choices"], last, ["checklist_id", "choice_group"]))
    if not rows:
        return Found(
            {result.name: result.empty() for result in (PARK_CHECKLIST, PARK_CHECKLIST_RESULT)}, "no finished year: nothing to judge"
        )
    schema = {name: dtype for name, dtype in PARK_CHECKLIST.schema.items() if name in rows[0]}
    judged = _decided(pl.DataFrame(rows, schema=schema), frames["reviews"], context.today)
    concluded = _concluded(judged, pl.concat(headings), pl.concat(choices))
    latest = concluded.filter((pl.col("area") == checklist.WHOLE) & (pl.col("period_end") == pl.col("period_end").max()))
    said = ", ".join(
        f"{row['checklist_id']} {row['items_met']} of {row['items']} met ({row['verdict']})" for row in latest.iter_rows(named=True)
    )
    return Found({PARK_CHECKLIST.name: judged, PARK_CHECKLIST_RESULT.name: concluded}, said)


def finished_years(periods: pl.DataFrame, today: date) -> list[int]:
    """Calendar years that are over, of the periods that this build assesses."""
    ended = (pl.col("period_type") == "calendar_year") & (pl.col("period_end") <= today)
    return periods.filter(ended)["period_start"].dt.year().unique().sort().to_list()


# -- the standards ---------------------------------------------------------------------------------------------------------------------


def check_standards(frames: Frames) -> None:
    """Formulas name what exists, conditions can be read, and every item has a threshold.

    Raises StandardsError with everything that is wrong.
    """
    problems: list[StandardsProblem] = []

    def wrong(seed: str, column: str, row: dict, message: str) -> None:
        where = " / ".join(str(row[name]) for name in ("checklist_id", "item_id", "position") if name in row)
        problems.append(StandardsProblem(seed, None, column, str(row[column] or ""), f"{where}: {message}"))

    for row in frames["checklists"].iter_rows(named=True):
        if row["pass_rule"] not in set(PassRule):
            wrong("checklists", "pass_rule", row, f"must be one of {', '.join(PassRule)}")
    for row in frames["items"].iter_rows(named=True):
        if row["requirement"] not in set(Requirement):
            wrong("checklist_items", "requirement", row, f"must be one of {', '.join(Requirement)}")
        if (formula := FORMULAS.get(row["formula"])) is None:
            wrong("checklist_items", "formula", row, f"must be one of {', '.join(FORMULAS)}")
            continue
        for column, kind in zip(("numerator", "denominator"), formula.sides, strict=True):
            if message := side_problem(row[column], kind):
                wrong("checklist_items", column, row, message)
        if formula.needs_years and not row["years"]:
            wrong("checklist_items", "years", row, "a growth needs the years that it spans")
    for row in frames["thresholds"].iter_rows(named=True):
        if row["operator"] not in OPERATORS:
            wrong("checklist_thresholds", "operator", row, f"must be one of {', '.join(OPERATORS)}")
        try:
            names = conditions.parse(row["condition"]).names
        except conditions.ConditionError as error:
            wrong("checklist_thresholds", "condition", row, str(error))
            continue
        if unknown := [name for name in names if name not in VARIABLES and not name.startswith("answer:")]:
            wrong("checklist_thresholds", "condition", row, f"knows {', '.join(VARIABLES)} and answer:<item>, not {', '.join(unknown)}")
    key = ["checklist_id", "item_id"]
    for row in frames["items"].select(key).unique().join(frames["thresholds"], on=key, how="anti").sort(key).iter_rows(named=True):
        wrong("checklist_thresholds", "item_id", row, "has no threshold")
    if problems:
        raise StandardsError(problems)


# -- one item --------------------------------------------------------------------------------------------------------------------------


def _judged(item: dict, thresholds: pl.DataFrame, year: Year) -> dict:
    """One item of one year as a row: by the marts, and where these cannot say, by what the park's survey answered."""
    of_item = thresholds.filter((pl.col("checklist_id") == item["checklist_id"]) & (pl.col("item_id") == item["item_id"])).sort("position")
    demands = [Threshold(row["condition"], row["operator"], row["value"]) for row in of_item.iter_rows(named=True)]
    variables = _variables(item["checklist_id"], year)
    observed, judged = observe(item, year, demands, variables)
    if item["formula"] != "survey" and (said := answered(item, year)) is not None:
        observed, judged = _with_answer(observed, judged, said, checklist.judge(said, demands, variables))
    statuses = {item["verification_status"], item["checklist_status"], *of_item["verification_status"]}
    return {
        "checklist_id": item["checklist_id"],
        "period_type": "calendar_year",
        "period_start": year.starts,
        "period_end": year.ends,
        "item_id": item["item_id"],
        "position": item["position"],
        "area": item["area"],
        "item_name": item["name"],
        "requirement": item["requirement"],
        "choice_group": item["choice_group"],
        "formula": item["formula"],
        "value": observed.value,
        "unit": item["unit"],
        "answer": observed.answer,
        "answered_on": observed.answered_on,
        "numerator": observed.numerator,
        "denominator": observed.denominator,
        "numerator_growth": observed.numerator_growth,
        "denominator_growth": observed.denominator_growth,
        "operator": judged.operator,
        "threshold": judged.threshold,
        "condition": judged.condition,
        "result": judged.outcome.value,
        "missing": list(judged.missing or observed.missing),
        "notes": list(dict.fromkeys((*observed.notes, *judged.notes))),
        "measured_share": observed.measured_share,
        "state": STATE_OF_OUTCOME.get(judged.outcome, observed.state),
        "checklist_version": item["checklist_version"],
        "verification_status": least_sure_among(statuses),
    }


def _with_answer(observed: Observation, judged: Judgement, said: Observation, judged_by_it: Judgement) -> tuple[Observation, Judgement]:
    """Figures outweigh the park's survey; it stands in where they cannot say, and what they lack stays named."""
    if not said.applies:
        return said, judged_by_it
    word = said.answer or ("no number" if said.value is None else f"{said.value:g}")
    if judged.outcome is Outcome.NOT_COMPUTABLE and judged_by_it.outcome is not Outcome.NOT_COMPUTABLE:
        note = f"figures are lacking: the answer of {said.answered_on} stands in"
        stands_in = replace(judged_by_it, missing=judged.missing or observed.missing, notes=(*judged.notes, *judged_by_it.notes, note))
        return replace(said, notes=observed.notes), stands_in
    return observed, replace(judged, notes=(*judged.notes, f"the survey of {said.answered_on} answered {word}: the figures count"))


def _variables(checklist_id: str, year: Year) -> dict[str, object]:
    """What thresholds of the checklist may depend on."""
    answers = {
        f"answer:{item}": answer["value"] if answer["answer"] == "number" else answer["answer"]
        for (of, item), answer in year.answers.items()
        if of == checklist_id
    }
    return {"year": year.year, "energy_tce": year.quantities.of(ENERGY, year.year).value} | answers


# -- the whole -------------------------------------------------------------------------------------------------------------------------


def _decided(rows: pl.DataFrame, reviews: pl.DataFrame, today: date) -> pl.DataFrame:
    """A person's word in place of the computed result: `override` with the result as its value, or `not_applicable`."""
    key = [column.name for column in PARK_CHECKLIST.key]
    decisions = current_decisions(reviews, PARK_CHECKLIST.name, today).select("subject_key", "decision", "value_text", "decided_by")
    overridden = (pl.col("decision") == "override") & pl.col("value_text").is_in(_OUTCOMES)
    is_ruling = overridden.fill_null(False) | (pl.col("decision") == "not_applicable").fill_null(False)
    result = (
        pl.when(pl.col("decision") == "not_applicable")
        .then(pl.lit(Outcome.NOT_APPLICABLE.value))
        .when(overridden)
        .then(pl.col("value_text"))
        .otherwise(pl.col("result"))
    )
    return (
        rows.with_columns(subject_key=subject_key(*key))
        .join(decisions, on="subject_key", how="left", maintain_order="left")
        .with_columns(result=result, decided_by=pl.when(is_ruling).then(pl.col("decided_by")))
        .drop("subject_key", "decision", "value_text")
    )


def _concluded(rows: pl.DataFrame, checklists: pl.DataFrame, choices: pl.DataFrame) -> pl.DataFrame:
    key = ["checklist_id", *(column.name for column in PERIOD)]
    rules = checklists.select("checklist_id", "pass_rule").unique("checklist_id", keep="last", maintain_order=True)
    minimums = choices.select("checklist_id", "choice_group", "minimum").unique(
        ["checklist_id", "choice_group"], keep="last", maintain_order=True
    )
    of_list = rows.group_by(key, maintain_order=True).agg(
        pl.col("checklist_version").first(), state=weakest_expr(), verification_status=least_sure(pl.col("verification_status"))
    )
    return checklist.conclude(rows, rules, minimums, key).join(of_list, on=key, how="left", maintain_order="left")


# -- the method ------------------------------------------------------------------------------------------------------------------------


def _met_shares(axes: object, frames: Frames) -> None:
    """Items met, not met and open per checklist, of the last year."""
    whole = frames[PARK_CHECKLIST_RESULT.name].filter(pl.col("area") == checklist.WHOLE)
    latest = whole.filter(pl.col("period_end") == pl.col("period_end").max()).sort("checklist_id", descending=True)
    left = [0] * latest.height
    for outcome in Outcome:
        counts = latest[f"items_{outcome.value}"].to_list()
        axes.barh(latest["checklist_id"].to_list(), counts, left=left, label=outcome.value.replace("_", " "))
        left = [begin + count for begin, count in zip(left, counts, strict=True)]
    axes.set_xlabel("items")
    axes.legend(fontsize="small")


_PROVENANCE = "version, verification_status, valid_from, valid_to, origin"
CHECKLIST_SOURCES = {
    "checklists": Source.of("reference.checklist", f"checklist_id, name, is_default, pass_rule, {_PROVENANCE}"),
    "items": Source.of(
        "reference.checklist_item",
        "checklist_id, item_id, position, area, name, unit, requirement, choice_group, formula, numerator, denominator, scale, years, "
        f"price_basis, {_PROVENANCE}",
    ),
    "thresholds": Source.of("reference.checklist_threshold", f"checklist_id, item_id, position, condition, operator, value, {_PROVENANCE}"),
    "choices": Source.of("reference.checklist_choice_group", f"checklist_id, choice_group, minimum, {_PROVENANCE}"),
}
CHECKLISTS = Method(
    name="park_checklist",
    version="1",
    description="Checklists of park schemes (国家生态工业示范园区, EIP 2.0, 零碳园区) computed from the marts, with what is missing named.",
    reads=FACT_SOURCES
    | QUANTITY_SOURCES
    | CHECKLIST_SOURCES
    | {
        "events": Source.of(
            "staging.stg_events", "event_id, event_kind, category, subject_kind, subject_id, occurred_on, severity, closed_on"
        ),
        "periods": Source.of("assessment.enterprise_grade", "period_type, period_start, period_end"),
        "reviews": Source.of("staging.stg_reviews", REVIEW_COLUMNS),
    },
    results=(PARK_CHECKLIST, PARK_CHECKLIST_RESULT),
    run=judge_park,
    plot=_met_shares,
)
