"""How the value of a checklist item is found: metrics, ratios, growth, elasticities, events, shares of enterprises, surveys.

Formulas stand in `reference.checklist_item`; here is what their words mean. Whether a value meets a threshold is decided in
`checklist`, for which years and lists it is asked in `park_checklist`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from pipelines.assessment import checklist, conditions
from pipelines.assessment.checklist import Judgement, Observation, Outcome, Threshold
from pipelines.assessment.facts import FACTS, EnterpriseFacts, is_fact, latest_answers, state_of
from pipelines.assessment.quantities import ParkQuantities, Quantity, TermError, lacking, parse_term, weakest
from pipelines.contracts.states import State

OWN_SURVEYORS = ("park", "park_office", "self")
"""Surveyor roles that speak for the park itself, when the park is surveyed."""
YES_NO = "yes/no"
"""Unit of an item that asks for a word."""
CONSTANT_PRICES = "constant"
CURRENT_PRICES = "current"
EVENT_WORDS = ("event_kind", "category", "severity", "subject_kind", "days_open", "is_answered", "is_closed")
"""What a condition on events may name."""

Item = Mapping[str, object]
"""A row of reference.checklist_item."""


@dataclass(frozen=True)
class Year:
    """One calendar year and all that an item of it may ask."""

    year: int
    quantities: ParkQuantities
    facts: EnterpriseFacts
    events: pl.DataFrame
    answers: Mapping[tuple[str, str], Mapping[str, object]]

    @property
    def starts(self) -> date:
        return date(self.year, 1, 1)

    @property
    def ends(self) -> date:
        return date(self.year + 1, 1, 1)


def observe(item: Item, year: Year, demands: Sequence[Threshold], variables: Mapping[str, object]) -> tuple[Observation, Judgement]:
    """The item's value, held against its thresholds.

    Where the numerator names alternatives (joined with `|`) each of them must meet the demand: one that fails stands, then one
    that is not known, then the one closest to its threshold.
    """
    formula = FORMULAS[str(item["formula"])]
    has_alternatives = formula.sides[0] == "terms"
    alternatives = [part.strip() for part in str(item["numerator"]).split("|")] if has_alternatives else []
    if len(alternatives) < 2:
        observed = formula.observe(item, year)
        return observed, checklist.judge(observed, demands, variables)
    tried = []
    for term in alternatives:
        observed = formula.observe({**item, "numerator": term}, year)
        tried.append((observed, checklist.judge(observed, demands, variables), term))
    observed, judged, _ = min(tried, key=_worst_first)
    each = tuple(f"{term}: {of.outcome.value}" + ("" if seen.value is None else f" ({seen.value:.4g})") for seen, of, term in tried)
    return observed, replace(judged, notes=(*judged.notes, *each))


def _worst_first(tried: tuple[Observation, Judgement, str]) -> tuple[int, float]:
    observed, judged, _ = tried
    rank = {Outcome.NOT_MET: 0, Outcome.MANUAL_REVIEW: 1, Outcome.NOT_COMPUTABLE: 2, Outcome.MET: 3, Outcome.NOT_APPLICABLE: 4}
    value = observed.value or 0.0
    return rank[judged.outcome], -value if judged.operator in ("<=", "<") else value


# -- surveys ---------------------------------------------------------------------------------------------------------------------------


def park_answers(answers: pl.DataFrame, park_id: str, ends: date) -> dict[tuple[str, str], dict]:
    """What the park's survey answers before a day, by checklist and item."""
    of_park = answers.filter((pl.col("subject_kind") == "park") & (pl.col("subject_id") == park_id) & (pl.col("answered_on") < ends))
    latest = latest_answers(of_park, ["checklist_id", "item_id"], OWN_SURVEYORS)
    return {(row["checklist_id"], row["item_id"]): row for row in latest.iter_rows(named=True)}


def answered(item: Item, year: Year) -> Observation | None:
    """What the park's survey says of the item; null where it was not asked."""
    answer = year.answers.get((item["checklist_id"], item["item_id"]))
    if answer is None:
        return None
    day, word, is_own = answer["answered_on"], answer["answer"], answer["is_own"]
    if word == "not_applicable":
        return Observation(applies=False, answered_on=day, notes=(f"answered not applicable on {day}",))
    state = State.SELF_REPORTED if is_own else State.MEASURED
    observed = Observation(state=state.value, measured_share=0.0 if is_own else 1.0, answered_on=day)
    if item["unit"] == YES_NO and word in ("yes", "no"):
        return replace(observed, answer=word)
    if item["unit"] != YES_NO and word == "number" and answer["value"] is not None:
        return replace(observed, value=answer["value"])
    return replace(observed, state=State.MISSING.value, missing=(f"an answer to {item['item_id']} in {item['unit']}, not {word}",))


def _survey(item: Item, year: Year) -> Observation:
    return answered(item, year) or Observation(missing=(f"the park's answer to {item['checklist_id']} / {item['item_id']}",))


# -- quantities ------------------------------------------------------------------------------------------------------------------------


def _value(item: Item, year: Year) -> Observation:
    """A quantity as it is; of a metric, with its two sides beside it."""
    scale = float(item["scale"] or 1.0)
    quantity = year.quantities.of(item["numerator"], year.year)
    term = parse_term(item["numerator"])
    sides = (quantity.known, None)
    if term.source == "metric":
        sides = tuple(year.quantities.of(f"metric:{term.codes[0]}:{side}", year.year).value for side in ("numerator", "denominator"))
    return Observation(
        value=None if quantity.value is None else quantity.value * scale,
        low=None if quantity.value is not None or quantity.known is None else quantity.known * scale,
        numerator=sides[0],
        denominator=sides[1],
        state=quantity.state,
        measured_share=quantity.measured_share,
        missing=quantity.missing,
        notes=quantity.notes,
    )


def _ratio(item: Item, year: Year) -> Observation:
    """Numerator over denominator; a lower bound where a part of the numerator alone is lacking."""
    top, bottom = (year.quantities.of(item[side], year.year) for side in ("numerator", "denominator"))
    observed = Observation(
        numerator=top.known,
        denominator=bottom.known,
        measured_share=top.measured_share,
        missing=(*top.missing, *bottom.missing),
        notes=(*top.notes, *bottom.notes),
    )
    if bottom.value is None or top.known is None:
        return observed
    if bottom.value == 0:
        return replace(observed, manual=f"{item['denominator']} is 0: there is no ratio", state=State.NOT_APPLICABLE.value)
    found = top.known / bottom.value * float(item["scale"] or 1.0)
    observed = replace(observed, state=weakest((top.state, bottom.state)))
    return replace(observed, value=found) if top.value is not None else replace(observed, low=found)


@dataclass(frozen=True)
class _Growth:
    """Average annual growth in %/a between two quantities, or what is lacking for it."""

    value: float | None
    first: Quantity
    last: Quantity
    missing: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        return State.MISSING.value if self.value is None else weakest((self.first.state, self.last.state))


def _growth(item: Item, year: Year, quantity_of: Callable[[int], Quantity], what: str) -> _Growth:
    years = int(item["years"])
    begin = year.year - years
    first, last = quantity_of(begin), quantity_of(year.year)
    missing = [*first.missing, *last.missing]
    if item["price_basis"] == CONSTANT_PRICES and not missing:
        bases = {basis for side in (first, last) if (basis := side.price_basis) is not None}
        if len(bases) > 1 or any(basis == CURRENT_PRICES or "," in basis for basis in bases):
            missing.append(f"{what} at constant prices (reports name {first.price_basis} for {begin}, {last.price_basis} for {year.year})")
    if missing or first.value is None or last.value is None:
        return _Growth(None, first, last, tuple(missing))
    growth = checklist.average_growth(first.value, last.value, years)
    if growth is None:
        missing.append(f"{what}: there is no growth from {first.value:g} in {begin} to {last.value:g} in {year.year}")
    return _Growth(growth, first, last, tuple(missing))


def _growth_of(item: Item, year: Year, term: str) -> _Growth:
    return _growth(item, year, lambda of: year.quantities.of(term, of), term)


def _growth_of_ratio(item: Item, year: Year) -> _Growth:
    def ratio(of: int) -> Quantity:
        top, bottom = (year.quantities.of(item[side], of) for side in ("numerator", "denominator"))
        if top.value is None or not bottom.value:
            nothing = (f"{item['denominator']} is 0 in {of}",) if bottom.value == 0 else ()
            return lacking(*top.missing, *bottom.missing, *nothing)
        found = top.value / bottom.value
        basis = top.price_basis or bottom.price_basis
        return Quantity(found, found, weakest((top.state, bottom.state)), top.measured_share, price_basis=basis)

    return _growth(item, year, ratio, f"{item['numerator']} over {item['denominator']}")


def _growth_rate(item: Item, year: Year) -> Observation:
    growth = _growth_of_ratio(item, year) if item["denominator"] else _growth_of(item, year, item["numerator"])
    return Observation(
        value=growth.value,
        numerator=growth.last.known,
        denominator=growth.first.known,
        numerator_growth=growth.value,
        state=growth.state,
        measured_share=growth.last.measured_share,
        missing=growth.missing,
        notes=growth.last.notes,
    )


def _reduction_rate(item: Item, year: Year) -> Observation:
    """Growth with its sign turned: what falls by 3 % a year is reduced by 3 %/a."""
    observed = _growth_rate(item, year)
    return observed if observed.value is None else replace(observed, value=-observed.value)


def _elasticity(item: Item, year: Year) -> Observation:
    """Growth of consumption or discharge over growth of value added; where that stood still, a person decides."""
    top, bottom = _growth_of(item, year, item["numerator"]), _growth_of(item, year, item["denominator"])
    observed = Observation(
        numerator=top.last.known,
        denominator=bottom.last.known,
        numerator_growth=top.value,
        denominator_growth=bottom.value,
        measured_share=top.last.measured_share,
        missing=(*top.missing, *bottom.missing),
        notes=top.last.notes,
    )
    if top.value is None or bottom.value is None:
        return observed
    value = checklist.elasticity(top.value, bottom.value)
    manual = f"{item['denominator']} stood still: there is no elasticity" if value is None else None
    return replace(observed, value=value, manual=manual, state=weakest((top.state, bottom.state)))


# -- events ----------------------------------------------------------------------------------------------------------------------------


def prepared_events(events: pl.DataFrame, today: date) -> pl.DataFrame:
    """Events with what conditions may ask: `days_open` until closed, or so far; `is_answered` is unknown while it is open."""
    is_closed = pl.col("closed_on").is_not_null() & (pl.col("closed_on") <= today)
    until = pl.when(is_closed).then(pl.col("closed_on")).otherwise(pl.lit(today))
    return events.filter(pl.col("occurred_on") <= today).with_columns(
        days_open=(until - pl.col("occurred_on")).dt.total_days().cast(pl.Float64),
        is_answered=pl.when(is_closed).then(pl.lit("yes")),
        is_closed=pl.when(is_closed).then(pl.lit("yes")).otherwise(pl.lit("no")),
    )


def _events(year: Year) -> pl.DataFrame | None:
    """Events of the year; null where the register of events does not reach back to it."""
    begins = year.events["occurred_on"].min()
    if begins is None or begins >= year.ends:
        return None
    return year.events.filter((pl.col("occurred_on") >= year.starts) & (pl.col("occurred_on") < year.ends))


def _event_count(item: Item, year: Year) -> Observation:
    events = _events(year)
    if events is None:
        return Observation(missing=(f"events of {year.year}",))
    count = float(events.filter(conditions.parse(item["numerator"]).holds()).height)
    return Observation(value=count, numerator=count, state=State.SELF_REPORTED.value, measured_share=0.0)


def _event_share(item: Item, year: Year) -> Observation:
    events = _events(year)
    if events is None:
        return Observation(missing=(f"events of {year.year}",))
    asked = events.filter(conditions.parse(item["denominator"]).holds())
    if asked.is_empty():
        return Observation(applies=False, notes=("there was no such event in the year",))
    holds = asked.select("event_id", holds=conditions.parse(item["numerator"]).holds())
    still_open = [f"the end of {event}" for event in holds.filter(pl.col("holds").is_null())["event_id"]]
    return _share(holds["holds"], holds["holds"].clear(), still_open)


# -- shares of enterprises -------------------------------------------------------------------------------------------------------------


def _enterprise_share(item: Item, year: Year) -> Observation:
    """Enterprises that have a property (numerator) over those it is asked of (denominator; without one, all members), in %.

    Whoever a survey found the property not applicable to is not asked.
    """
    has, belongs = conditions.parse(item["numerator"]), conditions.parse(item["denominator"])
    members = pl.DataFrame({"enterprise_id": year.quantities.members(year.year)}, schema={"enterprise_id": pl.String})
    windows = members.select(key="enterprise_id", enterprise_id="enterprise_id", starts=pl.lit(year.starts), ends=pl.lit(year.ends))
    facts = year.facts.of(windows, (*has.names, *belongs.names))
    declined = pl.any_horizontal(pl.lit(False), *(pl.col(name).cast(pl.String) == State.NOT_APPLICABLE.value for name in has.names))
    asked = facts.filter(~declined.fill_null(False)).select(
        "key", holds=has.holds(), belongs=belongs.holds(), unknown=pl.concat_list(has.unknown(), belongs.unknown())
    )
    inside, maybe = asked.filter("belongs"), asked.filter(pl.col("belongs").is_null())
    if inside.is_empty() and maybe.is_empty():
        return Observation(applies=False, notes=(f"there is no enterprise with {belongs}" if belongs.terms else "there are no members",))
    open_ = pl.concat([inside.filter(pl.col("holds").is_null()), maybe]).sort("key")
    unknown = [f"{name} of {key}" for key, names in open_.select("key", "unknown").iter_rows() for name in names]
    return replace(_share(inside["holds"], maybe["holds"], unknown), state=weakest(state_of(name) for name in has.names))


def _share(holds: pl.Series, maybe: pl.Series, unknown: Sequence[str]) -> Observation:
    """A share in %: `holds` of those that count, `maybe` of those that may count; bounds where nulls leave it open."""
    yes, nulls, total = int(holds.sum()), holds.null_count(), holds.len()
    against, in_favour = int((~maybe.fill_null(False)).sum()), int(maybe.fill_null(True).sum())
    observed = Observation(numerator=float(yes), denominator=float(total), state=State.SELF_REPORTED.value, missing=tuple(unknown))
    if nulls == 0 and maybe.len() == 0:
        return replace(observed, value=100 * yes / total, missing=())
    low = 100 * yes / (total + against) if total + against else 0.0
    high = 100 * (yes + nulls + in_favour) / (total + in_favour) if total + in_favour else 0.0
    return replace(observed, low=low, high=high)


# -- the formulas ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Formula:
    """How a value is found: what its two sides are, the function that observes it, and whether it spans years.

    A side is a `term`, `terms` (alternatives), a condition on `events` or `facts`, or `none`; `?` where it may be left out.
    """

    sides: tuple[str, str]
    observe: Callable[[Item, Year], Observation]
    needs_years: bool = False


FORMULAS: dict[str, Formula] = {
    "metric": Formula(("term", "none"), _value),
    "self_report": Formula(("term", "none"), _value),
    "ratio": Formula(("term", "term"), _ratio),
    "growth_rate": Formula(("term", "term?"), _growth_rate, needs_years=True),
    "reduction_rate": Formula(("term", "term?"), _reduction_rate, needs_years=True),
    "elasticity": Formula(("terms", "term"), _elasticity, needs_years=True),
    "event_count": Formula(("events", "none"), _event_count),
    "event_share": Formula(("events", "events"), _event_share),
    "enterprise_share": Formula(("facts", "facts?"), _enterprise_share),
    "survey": Formula(("none", "none"), _survey),
}
"""Formulas of reference.checklist_item."""


def side_problem(text: str | None, kind: str) -> str | None:
    """What is wrong with one side of a formula, in words; null where nothing is."""
    if kind == "none":
        return "this formula has no such side" if text else None
    if not text:
        return None if kind.endswith("?") else "is needed by this formula"
    try:
        if kind.startswith("term"):
            for part in text.split("|") if kind == "terms" else [text]:
                parse_term(part.strip())
            return None
        names = conditions.parse(text).names
    except (TermError, conditions.ConditionError) as error:
        return str(error)
    known = EVENT_WORDS if kind == "events" else FACTS
    wrong = [name for name in names if (name not in known if kind == "events" else not is_fact(name))]
    return f"knows no {', '.join(wrong)}; there are {', '.join(known)}" if wrong else None
