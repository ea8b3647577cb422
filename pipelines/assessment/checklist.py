"""Checklists of park schemes: one engine for all of them. Pure: what is observed comes in, what is met goes out.

An item is met, not met, not computable (and then says what is missing), left to a person, or does not apply; a scheme is
passed, not passed, or undecided while what is missing could still turn it. Which schemes there are stands in the standards
(`reference.checklist*`), where an item's value comes from in `park_checklist`.
"""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import polars as pl

from pipelines.assessment import conditions
from pipelines.contracts.states import State


class Outcome(StrEnum):
    MET = "met"
    NOT_MET = "not_met"
    NOT_COMPUTABLE = "not_computable"
    MANUAL_REVIEW = "manual_review"  # the formula has no answer: a person decides
    NOT_APPLICABLE = "not_applicable"


class Verdict(StrEnum):
    PASSED = "passed"
    NOT_PASSED = "not_passed"
    UNDECIDED = "undecided"
    NO_PASS_RULE = "no_pass_rule"


class PassRule(StrEnum):
    MANDATORY_AND_CHOICES = "mandatory_and_choices"
    MANDATORY = "mandatory"
    NONE = "none"


class Requirement(StrEnum):
    MANDATORY = "mandatory"
    OPTIONAL = "optional"
    PREREQUISITE = "prerequisite"
    PERFORMANCE = "performance"
    CORE = "core"
    GUIDE = "guide"


DEMANDED = (Requirement.MANDATORY, Requirement.PREREQUISITE, Requirement.CORE)
"""Requirements that a pass needs, one by one."""
WHOLE = "ALL"
VARIABLES = ("year", "energy_tce", "numerator_growth", "denominator_growth")
"""What a threshold may depend on, beside `answer:<item>`, the park's own answers."""

OPERATORS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "=": operator.eq}
"""How a value is held against a threshold; ends are included where the sign says so, values are not rounded."""


@dataclass(frozen=True)
class Threshold:
    """A demand: `value operator threshold`, where the condition holds. The threshold is a number, a word, or an answer's name."""

    condition: str | None
    operator: str
    value: str


@dataclass(frozen=True)
class Observation:
    """What is known of an item.

    Attributes:
        value: Number in the item's unit; null where there is none, or only bounds are known.
        low, high: Bounds of the value where a part of it is unknown; both null where it is exact.
        answer: yes or no, of an item that asks for it.
        missing: What is lacking, in words.
        manual: Why only a person can say; null otherwise.
        applies: Whether the item concerns the park at all.
    """

    value: float | None = None
    answer: str | None = None
    low: float | None = None
    high: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    numerator_growth: float | None = None
    denominator_growth: float | None = None
    state: str = State.MISSING.value
    measured_share: float | None = None
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    manual: str | None = None
    applies: bool = True
    answered_on: object = None
    basis: str | None = None

    def with_notes(self, *notes: str) -> "Observation":
        return replace(self, notes=(*self.notes, *notes))


@dataclass(frozen=True)
class Judgement:
    """Whether an item is met, by which threshold, and what is lacking to say it."""

    outcome: Outcome
    operator: str | None = None
    threshold: str | None = None
    condition: str | None = None
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def average_growth(first: float, last: float, years: int) -> float | None:
    """Average annual growth in % over a span of years: ((last / first)^(1 / years) - 1) x 100; null where it began at or below 0."""
    if first <= 0 or last < 0:
        return None
    return ((last / first) ** (1 / years) - 1) * 100


def elasticity(numerator_growth: float, denominator_growth: float) -> float | None:
    """Growth over growth (弹性系数); null where the denominator stood still."""
    return None if denominator_growth == 0 else numerator_growth / denominator_growth


def judge(observation: Observation, thresholds: Sequence[Threshold], variables: Mapping[str, object]) -> Judgement:
    """Hold what was observed against the threshold whose condition holds.

    A threshold whose condition is not known counts as long as it could be the one: where one certainly holds in the end and all
    that could be agree, the item is decided; otherwise it is not computable, and the unknown words are named. Bounds decide
    where both of them agree.

    Args:
        thresholds: In their order; the first whose condition holds counts.
        variables: Words of the conditions; null where one is not known.
    """
    if not observation.applies:
        return Judgement(Outcome.NOT_APPLICABLE, notes=observation.notes)
    if observation.manual is not None:
        return Judgement(Outcome.MANUAL_REVIEW, missing=observation.missing, notes=(observation.manual,))
    known = dict(variables) | {
        name: value
        for name, value in (("numerator_growth", observation.numerator_growth), ("denominator_growth", observation.denominator_growth))
        if value is not None
    }
    possible, unknown, certain = [], [], False
    for threshold in thresholds:
        holds, lacking = _holds(threshold.condition, known)
        if holds is False:
            continue
        possible.append(threshold)
        unknown += [name for name in lacking if name not in unknown]
        if holds:
            certain = True
            break
    if not possible:
        return Judgement(Outcome.NOT_APPLICABLE, notes=("no threshold holds for this park and year",))
    compared = [_compare(observation, threshold, known) for threshold in possible]
    chosen = possible[0]
    outcomes = {outcome for outcome, _ in compared}
    lacking_values = tuple(dict.fromkeys(name for _, name in compared if name is not None))
    only = chosen if len(possible) == 1 else None
    shown = Judgement(
        Outcome.NOT_COMPUTABLE,
        only.operator if only else None,
        _shown(only.value, known) if only else None,
        only.condition if only else None,
    )
    if outcomes == {None}:
        return replace(shown, missing=(*observation.missing, *lacking_values))
    if len(outcomes) > 1 or None in outcomes or not certain:
        return replace(shown, missing=(*observation.missing, *lacking_values, *unknown))
    [met] = outcomes
    return replace(shown, outcome=Outcome.MET if met else Outcome.NOT_MET, notes=_bounds_note(observation))


def _bounds_note(observation: Observation) -> tuple[str, ...]:
    if observation.value is not None or observation.low is None:
        return ()
    high = "above" if observation.high is None else f"at most {observation.high:g}"
    return (f"a part is unknown: the value is at least {observation.low:g}, {high}",)


def _shown(value: str, known: Mapping[str, object]) -> str:
    found = known.get(value)
    return value if found is None else f"{found:g}" if isinstance(found, float) else str(found)


def _holds(condition: str | None, known: Mapping[str, object]) -> tuple[bool | None, list[str]]:
    parsed = conditions.parse(condition)
    if not parsed.names:
        return True, []
    frame = pl.DataFrame({name: [known.get(name)] for name in parsed.names})
    return frame.select(parsed.holds()).item(), frame.select(parsed.unknown()).item().to_list()


def _compare(observation: Observation, threshold: Threshold, known: Mapping[str, object]) -> tuple[bool | None, str | None]:
    """Whether the threshold is met, null where that is open; and the name of a threshold that is itself not known."""
    if _number(threshold.value) is None and threshold.value in ("yes", "no"):
        return (None if observation.answer is None else observation.answer == threshold.value), None
    limit = _number(threshold.value)
    if limit is None:
        limit = _number(known.get(threshold.value))
        if limit is None:
            return None, threshold.value
    compare = OPERATORS[threshold.operator]
    if observation.value is not None:
        return compare(observation.value, limit), None
    if observation.low is None:
        return None, None
    if observation.high is None:
        # nothing is known but that it is at least so much
        above = compare(observation.low, limit)
        if threshold.operator in (">=", ">"):
            return (True if above else None), None
        return (None if above else False), None
    ends = {compare(observation.low, limit), compare(observation.high, limit)}
    return (ends.pop() if len(ends) == 1 and threshold.operator != "=" else None), None


def _number(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def conclude(rows: pl.DataFrame, checklists: pl.DataFrame, choices: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """What the items amount to: one row per checklist, key and area, and one for the whole (`ALL`).

    Args:
        rows: Key, `item_id`, `area`, `requirement`, `choice_group`, `result`; one row per item.
        checklists: `checklist_id`, `pass_rule`.
        choices: `checklist_id`, `choice_group`, `minimum`.
        key: Columns that name a judged checklist, `checklist_id` first.

    Returns:
        Key, `area`, counts of each outcome, `met_share` (of the items that apply), and on the whole's row `verdict`,
        `failing_items`, `open_items` and `short_choice_groups`.
    """
    key = list(key)
    counts = {f"items_{outcome.value}": (pl.col("result") == outcome.value).sum() for outcome in Outcome}
    of_area = rows.group_by(*key, "area", maintain_order=True).agg(items=pl.len(), **counts)
    of_whole = rows.group_by(key, maintain_order=True).agg(items=pl.len(), **counts).with_columns(area=pl.lit(WHOLE))
    shares = pl.concat([of_whole, of_area.select(of_whole.columns)]).with_columns(
        met_share=pl.when(pl.col("items") > pl.col("items_not_applicable")).then(
            pl.col("items_met") / (pl.col("items") - pl.col("items_not_applicable"))
        )
    )
    return shares.join(_verdicts(rows, checklists, choices, key), on=[*key, "area"], how="left", maintain_order="left")


def _verdicts(rows: pl.DataFrame, checklists: pl.DataFrame, choices: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Passed, not passed, or open. What does not apply is not demanded, and lowers no group's minimum."""
    is_open = pl.col("result").is_in([Outcome.NOT_COMPUTABLE.value, Outcome.MANUAL_REVIEW.value])
    is_met, failed = pl.col("result") == Outcome.MET.value, pl.col("result") == Outcome.NOT_MET.value
    demanded = pl.col("requirement").is_in([requirement.value for requirement in DEMANDED])
    of_items = rows.group_by(key, maintain_order=True).agg(
        failing_items=pl.col("item_id").filter(demanded & failed), open_items=pl.col("item_id").filter(demanded & is_open)
    )
    of_groups = (
        rows.filter(pl.col("choice_group").is_not_null())
        .group_by(*key, "choice_group", maintain_order=True)
        .agg(met=is_met.sum(), could=is_open.sum())
        .join(choices, on=["checklist_id", "choice_group"], how="left")
        .with_columns(pl.col("minimum").fill_null(0))
        .group_by(key, maintain_order=True)
        .agg(
            short_choice_groups=pl.col("choice_group").filter(pl.col("met") + pl.col("could") < pl.col("minimum")),
            open_choice_groups=pl.col("choice_group").filter(
                (pl.col("met") < pl.col("minimum")) & (pl.col("met") + pl.col("could") >= pl.col("minimum"))
            ),
        )
    )
    no_group = pl.lit([], dtype=pl.List(pl.String))
    found = (
        of_items.join(checklists.select("checklist_id", "pass_rule"), on="checklist_id", how="left")
        .join(of_groups, on=key, how="left")
        .with_columns(pl.col("short_choice_groups").fill_null(no_group), pl.col("open_choice_groups").fill_null(no_group))
    )
    with_groups = pl.col("pass_rule") == PassRule.MANDATORY_AND_CHOICES.value
    fails = (pl.col("failing_items").list.len() > 0) | (with_groups & (pl.col("short_choice_groups").list.len() > 0))
    is_undecided = (pl.col("open_items").list.len() > 0) | (with_groups & (pl.col("open_choice_groups").list.len() > 0))
    verdict = (
        pl.when(pl.col("pass_rule") == PassRule.NONE.value)
        .then(pl.lit(Verdict.NO_PASS_RULE.value))
        .when(fails)
        .then(pl.lit(Verdict.NOT_PASSED.value))
        .when(is_undecided)
        .then(pl.lit(Verdict.UNDECIDED.value))
        .otherwise(pl.lit(Verdict.PASSED.value))
    )
    return found.select(
        *key, "failing_items", "open_items", "short_choice_groups", "open_choice_groups", verdict=verdict, area=pl.lit(WHOLE)
    )
