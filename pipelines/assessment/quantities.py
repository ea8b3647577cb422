"""Quantities of the park in a year, as checklists and targets name them: `consumption:ALL:energy_tce_calorific`.

A quantity knows what it lacks: a sum over what happened to arrive would pass for the whole. What is done with quantities
(ratios, growth, thresholds) stands with the method that asks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property

import polars as pl

from pipelines.assessment.method import Frames, Source
from pipelines.assessment.order import WEAKEST_FIRST
from pipelines.contracts.records import REPORT_KINDS
from pipelines.contracts.states import State

WHOLE = "ALL"
_ENERGY_MEASURES = ("energy_tce_calorific", "energy_tce_primary", "co2e_t")
_CONSUMPTION = "quantity, purchased, received, sent, self_produced, recycled, energy_tce_calorific, energy_tce_primary, co2e_t"

QUANTITY_SOURCES = {
    "consumption": Source.of(
        "marts.park_consumption_annual", f"item_code, item_kind, year_start_date, {_CONSUMPTION}, unit, measured_share, state"
    ),
    "emission": Source.of(
        "marts.park_emission_annual", "outlet_id, medium, pollutant_code, year_start_date, mass_kg, measured_kg, flow_m3, state"
    ),
    "efficiency": Source.of(
        "marts.park_efficiency_annual",
        "process_id, product_code, metric_code, year_start_date, value, unit, numerator, denominator, state, measured_share, enterprises_left_out",
    ),
    "production": Source.of(
        "marts.enterprise_production_annual",
        "enterprise_id, process_id, product_code, year_start_date, output_value_cny, value_added_cny, price_basis, state",
    ),
    "reports": Source.of(
        "marts.self_reported",
        "subject_kind, subject_id, enterprise_id, item_code, medium, period_start, period_end, report_kind, line_id, value, state, due_at_utc",
    ),
    "memberships": Source.of("intermediate.int_memberships", "enterprise_id, valid_from, valid_to"),
    "parks": Source.of("staging.stg_parks", "park_id, area_km2, valid_from, valid_to"),
}
"""What a method reads to use `ParkQuantities`."""


class TermError(ValueError):
    """A term of a formula cannot be read; the message holds the term and what would be right."""


@dataclass(frozen=True)
class Quantity:
    """A value and what it rests on.

    Attributes:
        value: Null where nothing, or not all that it is made of, is known.
        known: Sum of what is known, which the value cannot fall below; null where nothing is.
        state: Weakest provenance among its parts.
        measured_share: Share of it that was measured, 0 to 1.
        missing: What is lacking, in words.
        notes: What a reader should know.
        price_basis: Prices behind money, as the reports name them.
    """

    value: float | None
    known: float | None
    state: str
    measured_share: float | None = None
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    price_basis: str | None = None


def lacking(*missing: str) -> Quantity:
    return Quantity(None, None, State.MISSING.value, missing=missing)


def members(memberships: pl.DataFrame, starts: date, ends: date) -> list[str]:
    """Enterprises that belonged to the park on some day of a period."""
    overlaps = (pl.col("valid_from") < ends) & (pl.col("valid_to") > starts)
    return memberships.filter(overlaps)["enterprise_id"].unique().sort().to_list()


def weakest(states: Iterable[str | None]) -> str:
    """Of several provenances the weakest; `missing` of none."""
    found = set(states)
    for state in WEAKEST_FIRST:
        if state.value in found:
            return state.value
    return State.NOT_APPLICABLE.value if State.NOT_APPLICABLE.value in found else State.MISSING.value


def weakest_expr(column: str = "state") -> pl.Expr:
    """`weakest` of a group's rows, leaving out what is missing or does not apply; `missing` where nothing is left."""
    ranks = {state.value: at for at, state in enumerate(WEAKEST_FIRST) if state is not State.MISSING}
    rank = pl.col(column).replace_strict(ranks, default=None, return_dtype=pl.Int64).min()
    return rank.replace_strict({at: state for state, at in ranks.items()}, default=State.MISSING.value, return_dtype=pl.String)


@dataclass(frozen=True)
class Term:
    """`source:codes:measure`; codes are joined with `+`, and so are the measures of a declaration."""

    source: str
    codes: tuple[str, ...]
    measures: tuple[str, ...]

    def __str__(self) -> str:
        return ":".join((self.source, "+".join(self.codes), "+".join(self.measures)))


_MEASURES = {
    "consumption": {*_CONSUMPTION.split(", ")},
    "consumption_measured": {*_CONSUMPTION.split(", ")},
    "emission": {"mass_kg", "flow_m3"},
    "production": {"output_value_cny", "value_added_cny"},
    "metric": {"value", "numerator", "denominator"},
    "register": {"area_km2"},
    "declared": None,
}


@cache
def parse_term(text: str) -> Term:
    """Read a term. `metric:code` stands for its value, `register:area_km2` for the park's land.

    Raises TermError that says what would be right.
    """
    parts = [part.strip() for part in text.split(":")]
    match parts:
        case ["metric", code]:
            parts = ["metric", code, "value"]
        case ["register", measure]:
            parts = ["register", "park", measure]
    if len(parts) != 3 or not all(parts):
        raise TermError(f"{text!r} must read source:code:measure, with a source of {', '.join(_MEASURES)}")
    source, codes, measures = parts
    if source not in _MEASURES:
        raise TermError(f"{text!r}: there is no source {source!r}; there are {', '.join(_MEASURES)}")
    allowed, given = _MEASURES[source], tuple(measures.split("+"))
    if allowed is not None and (wrong := [measure for measure in given if measure not in allowed]):
        raise TermError(f"{text!r}: {source} has no measure {', '.join(wrong)}; it has {', '.join(sorted(allowed))}")
    return Term(source, tuple(codes.split("+")), given)


class ParkQuantities:
    """Looks quantities up; a year's quantity is found once."""

    def __init__(self, frames: Frames, park_id: str) -> None:
        self.frames = frames
        self.park_id = park_id
        self._found: dict[tuple[str, int], Quantity] = {}

    @cached_property
    def years(self) -> tuple[int, ...]:
        """Years of which anything is known of the park."""
        dates = pl.concat([self.frames[name]["year_start_date"] for name in ("consumption", "emission", "efficiency", "production")])
        return tuple(sorted(dates.drop_nulls().dt.year().unique().to_list()))

    def of(self, text: str, year: int) -> Quantity:
        """The quantity that a term names, in a calendar year."""
        if (text, year) not in self._found:
            term = parse_term(text)
            self._found[text, year] = getattr(self, f"_{term.source}")(term, year)
        return self._found[text, year]

    def members(self, year: int) -> list[str]:
        """Enterprises that belonged to the park on some day of the year."""
        return members(self.frames["memberships"], date(year, 1, 1), date(year + 1, 1, 1))

    def _rows(self, frame: str, year: int) -> pl.DataFrame:
        return self.frames[frame].filter(pl.col("year_start_date") == date(year, 1, 1))

    def _consumption(self, term: Term, year: int, measured_only: bool = False) -> Quantity:
        [measure] = term.measures
        rows = self._rows("consumption", year)
        if term.codes == (WHOLE,):
            rows = rows.filter(pl.col("item_kind") == "energy")
        else:
            rows = rows.filter(pl.col("item_code").is_in(term.codes))
        if rows.is_empty():
            return lacking(f"consumption of {'any energy' if term.codes == (WHOLE,) else ', '.join(term.codes)} in {year}")
        is_energy = pl.lit(measure in _ENERGY_MEASURES)
        without_factor = (is_energy & pl.col(measure).is_null() & (pl.col("quantity") != 0)).fill_null(False)
        nothing_used = (is_energy & (pl.col("quantity") == 0)).fill_null(False)
        partly = (pl.col("state") == State.MISSING.value) | (pl.col(measure).is_null() & ~without_factor & ~nothing_used)
        missing = [f"{item} in {year}" for item in rows.filter(partly)["item_code"]]
        missing += [f"a factor for {measure} of {item} in {year}" for item in rows.filter(without_factor)["item_code"]]
        share = pl.col("measured_share").fill_null(0.0)
        sums = rows.select(
            value=pl.col(measure).sum(),
            measured=(pl.col(measure) * share).sum(),
            size=pl.col(measure).abs().sum(),
            covered=(pl.col(measure).abs() * share).sum(),
        ).row(0, named=True)
        known = sums["measured"] if measured_only else sums["value"]
        return Quantity(
            known if not missing else None,
            known,
            weakest(rows["state"]),
            sums["covered"] / sums["size"] if sums["size"] else None,
            tuple(missing),
        )

    def _consumption_measured(self, term: Term, year: int) -> Quantity:
        """The part of it that was measured."""
        return self._consumption(term, year, measured_only=True)

    def _emission(self, term: Term, year: int) -> Quantity:
        [measure] = term.measures
        rows = self._rows("emission", year).filter(pl.col("pollutant_code").is_in(term.codes))
        if measure == "flow_m3":
            # the same beside each pollutant of the outlet
            rows = rows.unique("outlet_id", keep="first", maintain_order=True)
        if rows.is_empty():
            return lacking(f"discharge of {', '.join(term.codes)} in {year}")
        without = rows.filter((pl.col("state") == State.MISSING.value) | pl.col(measure).is_null())
        missing = tuple(
            f"{row['pollutant_code']} at {row['outlet_id'] or 'whole enterprises'} in {year}" for row in without.iter_rows(named=True)
        )
        value, measured, mass = rows.select(pl.col(measure).sum(), m=pl.col("measured_kg").sum(), all=pl.col("mass_kg").sum()).row(0)
        return Quantity(None if missing else value, value, weakest(rows["state"]), measured / mass if mass else None, missing)

    def _production(self, term: Term, year: int) -> Quantity:
        """Of all members; a member that has not declared is named."""
        [measure] = term.measures
        members = self.members(year)
        whole = (pl.col("product_code") == WHOLE) & pl.col("enterprise_id").is_in(members)
        rows = self._rows("production", year).filter(whole & pl.col(measure).is_not_null() & (pl.col("state") != State.MISSING.value))
        if rows.is_empty():
            return lacking(f"{measure} in {year}")
        silent = [member for member in members if member not in set(rows["enterprise_id"])]
        missing = (f"{measure} of {', '.join(silent)} in {year}",) if silent else ()
        bases = sorted(rows["price_basis"].drop_nulls().unique().to_list())
        value = rows[measure].sum()
        return Quantity(None if silent else value, value, weakest(rows["state"]), 0.0, missing, price_basis=", ".join(bases) or None)

    def _metric(self, term: Term, year: int) -> Quantity:
        [code], [side] = term.codes, term.measures
        rows = self._rows("efficiency", year).filter(
            (pl.col("metric_code") == code) & (pl.col("product_code") == WHOLE) & pl.col("process_id").is_null()
        )
        if rows.is_empty():
            return lacking(f"metric {code} in {year}")
        row = rows.row(0, named=True)
        if row["value"] is None:
            return Quantity(None, None, row["state"], missing=(f"metric {code} in {year} ({row['state']})",))
        left_out = row["enterprises_left_out"] or 0
        notes = (f"{left_out} enterprises owe a side of {code} and are in neither sum",) if left_out else ()
        return Quantity(row[side], row[side], row["state"], row["measured_share"], notes=notes)

    def _register(self, term: Term, year: int) -> Quantity:
        last = date(year, 12, 31)
        [measure] = term.measures
        rows = self.frames["parks"].filter(
            (pl.col("park_id") == self.park_id)
            & (pl.col("valid_from") <= last)
            & (pl.col("valid_to").is_null() | (pl.col("valid_to") > last))
        )
        found = rows[measure].drop_nulls()
        if found.is_empty():
            return lacking(f"{measure} of the park register at the end of {year}")
        return Quantity(found[0], found[0], State.SELF_REPORTED.value, 0.0)

    def _declared(self, term: Term, year: int) -> Quantity:
        """What the park declared for the year, else the sum of what its members did; a member that has not is named."""
        asked = (
            (pl.col("period_start") == date(year, 1, 1))
            & (pl.col("period_end") == date(year + 1, 1, 1))
            & pl.col("item_code").is_in(term.codes)
            & pl.col("medium").is_in(term.measures)
            & pl.col("value").is_not_null()
        )
        reports = self.frames["reports"].filter(asked)
        own = _one_duty(reports.filter(pl.col("subject_kind") == "park"), ["subject_id", "item_code", "medium"])
        if not own.is_empty():
            value = own["value"].sum()
            return Quantity(value, value, State.SELF_REPORTED.value, 0.0)
        members = self.members(year)
        of_members = reports.filter((pl.col("subject_kind") == "enterprise") & pl.col("subject_id").is_in(members))
        rows = _one_duty(of_members, ["subject_id", "item_code", "medium"])
        what = f"{', '.join(term.codes)} ({', '.join(term.measures)})"
        if rows.is_empty():
            return lacking(f"declared {what} for {year}")
        silent = [member for member in members if member not in set(rows["subject_id"])]
        missing = (f"declared {what} of {', '.join(silent)} for {year}",) if silent else ()
        value = rows["value"].sum()
        return Quantity(None if silent else value, value, State.SELF_REPORTED.value, 0.0, missing)


def _one_duty(reports: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Lines of one report add up; of reports that fulfil different duties the first of the list speaks."""
    rank = {kind: at for at, kind in enumerate(REPORT_KINDS)}
    ranked = reports.with_columns(rank=pl.col("report_kind").replace_strict(rank, default=len(rank), return_dtype=pl.Int64))
    return ranked.filter(pl.col("rank") == pl.col("rank").min().over(key)).group_by(key, maintain_order=True).agg(pl.col("value").sum())
