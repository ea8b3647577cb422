"""Technologies that could answer what was found (清洁生产技术匹配), and by-products that one enterprise has and another wants (副产物交换).

The library stands in reference.technology. A match says that a technology is made for this cause, item and process, and what it
typically saves; whether it pays in this place is for a feasibility study, and then for `measure_economics`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pipelines.assessment.columns import ENTERPRISE, VERIFICATION
from pipelines.assessment.in_force import in_force as rows_in_force
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.contracts.records import BOOL, COUNT, MEASURE, NUMBER, TEXT, TEXTS, Column
from pipelines.contracts.states import State
from pipelines.contracts.units import UnitError, Units

FINDING, INDICATOR = "finding", "indicator"
ANY = "*"
_OPEN_STATUSES = ("open", "in_hand")
_ALL_ENERGY = "ALL"
_WATER_FLOW = ("WATER_FLOW", "wastewater")
"""What metrics call the flow of outlets, and the item that it is."""
_WASTE_GROUPS = {"general": "general_waste", "hazardous": "hazardous_waste"}
"""Kinds of waste that metrics of the waste books count, and the item group that each is."""

# -- what asks for a technology --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Need:
    """Something that a technology could answer.

    Attributes:
        cause_code: Direction of cause; null where nobody has looked for one.
        items: Items and pollutants that it is about; empty where none is named.
        processes: Kinds of process it may lie in.
        quantity: Per year, in unit: the loss that a finding names.
        gap_share: Distance to the next grade over the value, of indicators where lower is better.
    """

    kind: str
    need_id: str
    enterprise_id: str
    sector_code: str | None
    cause_code: str | None
    items: frozenset[str]
    processes: frozenset[str]
    quantity: float | None = None
    unit: str | None = None
    gap_share: float | None = None


def needs_of_findings(findings: pl.DataFrame, places: "Places") -> list[Need]:
    """Findings that are open or in hand. One about a process is of that process alone."""
    return [
        Need(
            FINDING, row["finding_id"], row["enterprise_id"], places.sector(row["enterprise_id"]), row["cause_code"],
            frozenset([row["item_code"]] if row["item_code"] else []), places.processes(row["enterprise_id"], row["subject_kind"], row["subject_id"]),
            row["quantity"], row["unit"],
        )
        for row in findings.filter(pl.col("status").is_in(_OPEN_STATUSES)).sort("finding_id").iter_rows(named=True)
    ]  # fmt: skip


def needs_of_indicators(indicators: pl.DataFrame, items_of_metrics: Mapping[str, frozenset[str]], places: "Places") -> list[Need]:
    """Indicators of the running year that are short of a grade and rest on a metric of items that can be saved."""
    short = indicators.filter(
        (pl.col("period_type") == "rolling_12m") & pl.col("next_grade").is_not_null() & pl.col("metric_code").is_not_null()
    )
    needs = []
    for row in short.sort("enterprise_id", "index_system_id", "indicator_id").iter_rows(named=True):
        items = items_of_metrics.get(row["metric_code"])
        if not items:
            continue
        lower = row["direction"] == "lower_is_better" and row["value"] and row["gap_to_next_grade"] is not None
        needs.append(
            Need(
                INDICATOR, f"{row['index_system_id']}:{row['indicator_id']}", row["enterprise_id"], places.sector(row["enterprise_id"]), None,
                items, places.processes(row["enterprise_id"]),
                gap_share=row["gap_to_next_grade"] / row["value"] if lower else None,
            )
        )  # fmt: skip
    return needs


class Places:
    """Sector of an enterprise and kinds of its processes, as the registers have them on a day."""

    def __init__(self, enterprises: pl.DataFrame, processes: pl.DataFrame, on: date) -> None:
        self._sectors = dict(_held(enterprises, on, "enterprise_id").select("enterprise_id", "sector_code").iter_rows())
        self._codes = dict(_held(processes, on, "process_id").select("process_id", "process_code").iter_rows())
        self._of_enterprise: dict[str, set[str]] = {}
        for process, enterprise, code in (
            _held(processes, on, "process_id").select("process_id", "enterprise_id", "process_code").iter_rows()
        ):
            if process is not None and code is not None:
                self._of_enterprise.setdefault(enterprise, set()).add(code)

    def sector(self, enterprise_id: str) -> str | None:
        return self._sectors.get(enterprise_id)

    def processes(self, enterprise_id: str, subject_kind: str = "enterprise", subject_id: str = "") -> frozenset[str]:
        """Kinds of process that a subject may lie in: of a process its own, else all of the enterprise."""
        if subject_kind == "process":
            return frozenset(code for code in [self._codes.get(subject_id)] if code is not None)
        return frozenset(self._of_enterprise.get(enterprise_id, ()))


def _held(rows: pl.DataFrame, on: date, key: str) -> pl.DataFrame:
    holds = (pl.col("valid_from") <= on) & (pl.col("valid_to").is_null() | (pl.col("valid_to") > on))
    return rows.filter(holds).sort(key, "valid_from").unique(key, keep="last", maintain_order=True)


def items_of_metrics(metrics: pl.DataFrame, parameters: pl.DataFrame, groups: pl.DataFrame) -> dict[str, frozenset[str]]:
    """Items and pollutants that a metric counts on either side; of total energy every energy item, of a group (`@g`) its items.

    A share that is treated before discharge is none of them: it grows by treating, and not by saving.
    """
    energy = frozenset(parameters.filter(pl.col("kind") == "energy")["parameter_code"])
    known = frozenset(parameters["parameter_code"])
    of_group = {name: frozenset(items) for name, items in groups.group_by("item_group").agg("item_code").iter_rows()}
    found = {}
    for row in metrics.filter((pl.col("stage") != "discharge") | (pl.col("direction") == "lower_is_better")).iter_rows(named=True):
        codes: set[str] = set()
        for side in ("numerator", "denominator"):
            if row[f"{side}_source"] == "production":
                continue
            for code in row[f"{side}_code"].split("+"):
                if code.startswith("@"):
                    codes |= of_group.get(code[1:], frozenset())
                elif row[f"{side}_source"] == "waste":
                    codes |= of_group.get(_WASTE_GROUPS.get(code, code), frozenset())
                else:
                    codes |= energy if code == _ALL_ENERGY else {_WATER_FLOW[1] if code == _WATER_FLOW[0] else code}
        found[row["metric_code"]] = frozenset(codes & known)
    return found


# -- matching --------------------------------------------------------------------------------------------------------------------------


def match(need: Need, technologies: Sequence[Mapping[str, Any]], measures: Mapping[tuple[str, str], list[str]]) -> list[dict[str, Any]]:
    """Technologies that answer a need, best first.

    One must be made for the sector and for a process of the subject, save an item that the need is about, and, where a cause is known,
    act in its direction. Without an item only technologies for the very kind of process are named: anything would fit otherwise.
    """
    found = []
    for technology in technologies:
        processes, sectors = technology["process_codes"].split(), technology["sector_codes"].split()
        is_for_process = bool(need.processes & set(processes))
        is_for_sector = need.sector_code is not None and any(need.sector_code.startswith(code) for code in sectors if code != ANY)
        if not (is_for_process or ANY in processes) or not (is_for_sector or ANY in sectors):
            continue
        if need.cause_code is not None and need.cause_code not in technology["cause_codes"].split():
            continue
        items = sorted(need.items & set(technology["item_codes"].split()))
        if not items and (need.items or not is_for_process):
            continue
        found.append(_matched(need, technology, items, is_for_process, is_for_sector, measures))
    found.sort(
        key=lambda row: (not row["is_for_process"], -(row["saving_share_high"] or 0), row["payback_years_low"] or 0, row["technology_id"])
    )
    return [row | {"rank": rank} for rank, row in enumerate(found, start=1)]


def _matched(
    need: Need,
    technology: Mapping[str, Any],
    items: list[str],
    is_for_process: bool,
    is_for_sector: bool,
    measures: Mapping[tuple[str, str], list[str]],
) -> dict[str, Any]:
    low, high = technology["saving_share_low"], technology["saving_share_high"]
    known = need.quantity is not None
    return {name: technology[name] for name in _OF_TECHNOLOGY} | {
        "enterprise_id": need.enterprise_id,
        "need_kind": need.kind,
        "need_id": need.need_id,
        "matched_items": items,
        "is_for_process": is_for_process,
        "is_for_sector": is_for_sector,
        "quantity": need.quantity,
        "unit": need.unit,
        "potential_low": need.quantity * low if known and low is not None else None,
        "potential_high": need.quantity * high if known and high is not None else None,
        "gap_share": need.gap_share,
        "may_close_gap": None if need.gap_share is None or high is None else high >= need.gap_share,
        "measures": measures.get((need.enterprise_id, technology["technology_id"]), []),
        "state": State.ESTIMATED.value if known or need.gap_share is not None else State.NOT_APPLICABLE.value,
    }


def technologies_in_force(rows: pl.DataFrame, on: date) -> list[dict[str, Any]]:
    """The library on a day; a park's own row replaces the shipped one of its technology."""
    holds = (pl.col("valid_from") <= on) & (pl.col("valid_to").is_null() | (pl.col("valid_to") > on))
    own_first = rows.filter(holds).sort(pl.col("origin") == "park", "valid_from", descending=True)
    return own_first.unique("technology_id", keep="first", maintain_order=True).sort("technology_id").to_dicts()


# -- by-products -----------------------------------------------------------------------------------------------------------------------


def exchange(offers: pl.DataFrame, units: Units, on: date) -> pl.DataFrame:
    """Offers and needs of the same material between different enterprises, with what they have in common per year.

    Every pair stands for itself: an offer that two want stands with both, and is not divided. `overlap` is in the offer's unit; null
    where one of the two names no quantity or the units do not convert, which `missing` then says.
    """
    held = _held(offers.with_columns(key=pl.concat_str("enterprise_id", "item_code", "direction", separator="\x1f")), on, "key")
    pairs = (
        held.filter(pl.col("direction") == "offer")
        .join(held.filter(pl.col("direction") == "need"), on="item_code", suffix="_need")
        .filter(pl.col("enterprise_id") != pl.col("enterprise_id_need"))
        .sort("item_code", "enterprise_id", "enterprise_id_need")
    )
    rows = []
    for pair in pairs.iter_rows(named=True):
        needed, missing = _in_unit(pair, units)
        offered = pair["quantity"]
        overlap = min(offered, needed) if offered is not None and needed is not None else None
        rows.append(
            {
                "item_code": pair["item_code"], "offering_enterprise_id": pair["enterprise_id"], "needing_enterprise_id": pair["enterprise_id_need"],
                "offered": offered, "needed": needed, "overlap": overlap, "unit": pair["unit"], "missing": missing,
                "share_of_offer": overlap / offered if overlap is not None and offered else None,
                "share_of_need": overlap / needed if overlap is not None and needed else None,
                "state": State.MISSING.value if overlap is None else State.SELF_REPORTED.value,
            }
        )  # fmt: skip
    schema = {column.name: column.dtype for column in (*MATERIAL_MATCH.key, *MATERIAL_MATCH.columns)} | {"state": TEXT}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _in_unit(pair: Mapping[str, Any], units: Units) -> tuple[float | None, str | None]:
    """The needed quantity in the offer's unit, and what is missing for an overlap."""
    if pair["quantity_need"] is None:
        return None, "the need names no quantity"
    if pair["quantity"] is None:
        return None, "the offer names no quantity"
    if pair["unit"] is None or pair["unit_need"] is None:
        return None, "a quantity has no unit"
    try:
        scale, offset = units.convert(pair["unit_need"], pair["unit"])
    except UnitError as error:
        return None, str(error)
    return pair["quantity_need"] * scale + offset, None


# -- the methods -----------------------------------------------------------------------------------------------------------------------

_OF_TECHNOLOGY = ("technology_id", "name", "measure_class", "saving_share_low", "saving_share_high", "saving_basis", "payback_years_low", "payback_years_high", "verification_status")  # fmt: skip
TECHNOLOGY_MATCH = Result(
    "technology_match",
    "One row per finding or indicator short of a grade and technology that could answer it",
    (
        ENTERPRISE,
        Column("need_kind", TEXT, "finding, or indicator of the index system that is short of the next grade.", required=True, allowed=(FINDING, INDICATOR)),
        Column("need_id", TEXT, "Finding, or `system:indicator`.", required=True),
        Column("technology_id", TEXT, "Technology (reference.technology).", required=True),
    ),
    (
        Column("rank", COUNT, "Place among the technologies for the same need, from 1: made for the very process first, then by what it saves.", required=True),
        Column("name", TEXT, "Name of the technology."),
        MEASURE.by_name["measure_class"],
        Column("matched_items", TEXTS, "Items and pollutants that both are about.", required=True),
        Column("is_for_process", BOOL, "Made for a kind of process that the subject has; else it fits any.", required=True),
        Column("is_for_sector", BOOL, "Made for the sector; else it fits any.", required=True),
        Column("saving_share_low", NUMBER, "Typical saving, low end, share of what saving_basis names."),
        Column("saving_share_high", NUMBER, "Typical saving, high end."),
        Column("saving_basis", TEXT, "What the share is a share of: equipment, process, outlet or enterprise."),
        Column("payback_years_low", NUMBER, "Typical payback, low end, years."),
        Column("payback_years_high", NUMBER, "Typical payback, high end, years."),
        Column("quantity", NUMBER, "Loss or discharge per year that the finding names, in `unit`."),
        Column("unit", TEXT, "Its unit."),
        Column("potential_low", NUMBER, "Part of it that the technology would typically save, low end, in `unit`."),
        Column("potential_high", NUMBER, "High end, in `unit`."),
        Column("gap_share", NUMBER, "Distance to the next grade as a share of the indicator's value, where lower is better."),
        Column("may_close_gap", BOOL, "Whether the high end of the saving would cover the gap if it were of the whole enterprise; null where there is nothing to compare."),
        Column("measures", TEXTS, "Options of the enterprise that already use the technology.", required=True),
        VERIFICATION,
    ),
    audience="enterprise",
)  # fmt: skip
MATERIAL_MATCH = Result(
    "material_match",
    "One row per by-product and pair of enterprises of which one offers and the other needs it",
    (
        Column("item_code", TEXT, "Material, energy or waste code.", required=True),
        Column("offering_enterprise_id", TEXT, "Enterprise that has it.", required=True),
        Column("needing_enterprise_id", TEXT, "Enterprise that wants it.", required=True),
    ),
    (
        Column("offered", NUMBER, "Quantity offered per year, in `unit`."),
        Column("needed", NUMBER, "Quantity needed per year, in `unit`."),
        Column("overlap", NUMBER, "The smaller of both, in `unit`; pairs are not divided among each other."),
        Column("unit", TEXT, "Unit of the offer."),
        Column("share_of_offer", NUMBER, "Overlap over what is offered."),
        Column("share_of_need", NUMBER, "Overlap over what is needed."),
        Column("missing", TEXT, "Why there is no overlap to name."),
    ),
)


def match_technologies(frames: Frames, context: Context) -> Outcome:
    """Technologies for findings and indicators, and offers for needs."""
    places = Places(frames["enterprises"], frames["processes"], context.today)
    technologies = technologies_in_force(frames["technologies"], context.today)
    in_force = _held(frames["metrics"], context.today, "metric_code")
    items = items_of_metrics(in_force, frames["parameters"], rows_in_force(frames["groups"], context.today))
    used: dict[tuple[str, str], list[str]] = {}
    for enterprise, technology, measure in (
        frames["measures"].sort("measure_id").select("enterprise_id", "technology_id", "measure_id").iter_rows()
    ):
        used.setdefault((enterprise, technology), []).append(measure)
    needs = [*needs_of_findings(frames["findings"], places), *needs_of_indicators(frames["indicators"], items, places)]
    rows = [row for need in needs for row in match(need, technologies, used)]
    schema = {column.name: column.dtype for column in (*TECHNOLOGY_MATCH.key, *TECHNOLOGY_MATCH.columns)} | {"state": TEXT}
    matches = pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema, orient="row")
    materials = exchange(frames["offers"], context.units, context.today)
    answered = matches.select("need_kind", "need_id", "enterprise_id").n_unique() if rows else 0
    return Outcome(
        {TECHNOLOGY_MATCH.name: matches, MATERIAL_MATCH.name: materials},
        f"{answered} of {len(needs)} needs have a technology in the library; {materials.height} offers meet a need",
    )


MATCHING = Method(
    name="technology_match",
    version="1",
    description="Technologies for findings and for indicators short of a grade, and by-products for exchange (清洁生产技术匹配、副产物交换).",
    reads={
        "technologies": Source.of(
            "reference.technology",
            "technology_id, name, process_codes, sector_codes, cause_codes, item_codes, measure_class, saving_share_low, saving_share_high, "
            "saving_basis, payback_years_low, payback_years_high, valid_from, valid_to, verification_status, origin",
        ),
        "findings": Source.of("staging.stg_findings", "finding_id, enterprise_id, subject_kind, subject_id, cause_code, item_code, quantity, unit, status"),
        "measures": Source.of("staging.stg_measures", "measure_id, enterprise_id, technology_id"),
        "enterprises": Source.of("staging.stg_enterprises", "enterprise_id, sector_code, valid_from, valid_to"),
        "processes": Source.of("staging.stg_processes", "process_id, enterprise_id, process_code, valid_from, valid_to"),
        "offers": Source.of("staging.stg_material_offers", "enterprise_id, item_code, direction, quantity, unit, valid_from, valid_to"),
        "indicators": Source.of(
            "assessment.enterprise_indicator",
            "enterprise_id, period_type, index_system_id, indicator_id, metric_code, value, direction, next_grade, gap_to_next_grade",
        ),
        "metrics": Source.of("reference.metric", "metric_code, numerator_source, numerator_code, denominator_source, denominator_code, direction, stage, valid_from, valid_to"),
        "parameters": Source.of("reference.parameter", "parameter_code, kind"),
        "groups": Source.of("reference.item_group", "item_group, item_code, valid_from, valid_to"),
    },
    results=(TECHNOLOGY_MATCH, MATERIAL_MATCH),
    run=match_technologies,
)  # fmt: skip
