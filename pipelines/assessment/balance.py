"""Balances of water, energy and materials (水平衡、能量平衡、物料平衡) with signed closure and combined uncertainty, per enterprise, process, park and campaign.

A balance is never closed by force: a stream that nobody states is named, and a figure that was found by difference is shown as a plug and
closes nothing. How it is closed stands in `balance_closure`, where figures come from in `balance_figures`, the books of transfers in
`transfer_balance`.
"""

from datetime import date

import polars as pl

from pipelines.assessment.balance_closure import (
    BALANCE,
    VERDICTS,
    WEAKEST_FIRST,
    balances_of,
    judged_campaigns,
    park_lacks,
    streams_of,
    weakest_of_shares,
)
from pipelines.assessment.balance_figures import (
    FIGURES,
    Period,
    campaigns,
    consumption,
    declarations,
    emissions,
    outputs,
    park_consumption,
    waste,
)
from pipelines.assessment.columns import MEASURED_SHARE, OF_THE_PARK, PERIOD_TYPES, VERIFICATION
from pipelines.assessment.in_force import in_force
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.order import least_sure, least_sure_of
from pipelines.assessment.transfer_balance import TRANSFER_BALANCE, transfer_books
from pipelines.assessment.uncertainty import ANY, with_uncertainty
from pipelines.contracts.records import BOOL, COUNT, DATE, NUMBER, STATE, TEXT, TEXTS, Column
from pipelines.contracts.states import State

_SUBJECT_COLUMNS = (
    Column("subject_kind", TEXT, "enterprise, process, park, or campaign (实测): an event of category balance_campaign.", required=True,
           allowed=("enterprise", "process", "park", "campaign")),
    Column("subject_id", TEXT, "Which one; of a campaign the event.", required=True),
    Column("period_type", TEXT, "calendar_year, rolling_12m, year_to_date, or campaign: the days, or batches, that were measured.", required=True,
           allowed=(*PERIOD_TYPES, "campaign")),
    Column("period_start", DATE, "First local date of the period.", required=True),
    Column("period_end", DATE, "First local date after the period.", required=True),
    Column("balance_kind", TEXT, "water, energy or material.", required=True, allowed=("water", "energy", "material")),
    Column("component", TEXT, "What is balanced: water, all_energy, total_mass, a metal, or an item.", required=True),
)  # fmt: skip
BALANCE_RESULT = Result(
    "balance",
    "One row per subject, period, kind of balance and component",
    _SUBJECT_COLUMNS,
    (
        Column("enterprise_id", TEXT, "Enterprise; null for the park."),
        Column("in_quantity", NUMBER, "Σ in, in `unit`; null where nothing is known of the side."),
        Column("out_quantity", NUMBER, "Σ out, in `unit`, plugs left out."),
        Column("unit", TEXT, "Unit of the quantities."),
        Column("difference", NUMBER, "Σ in − Σ out, in `unit`."),
        Column("closure", NUMBER, "(Σ in − Σ out) / Σ in, with its sign: above 0 something that came in is not accounted for."),
        Column("uncertainty", NUMBER, "Combined expanded uncertainty (k = 2) of the difference, in `unit`."),
        Column("closure_uncertainty", NUMBER, "The same as a share of what goes in."),
        Column("is_within_uncertainty", BOOL, "Whether the difference is no larger than its uncertainty: it may be nothing."),
        Column("component_class", TEXT, "Class whose limit applies: total, toxic_or_precious, water or energy."),
        Column("closure_limit", NUMBER, "Largest closure without sign that is accepted."),
        Column("verdict", TEXT, "accepted, not_accepted, incomplete (see missing_streams), or too_short: a campaign of too few hours and batches.",
               required=True, allowed=VERDICTS),
        Column("missing_streams", TEXTS, "Streams that nobody states, figures that are not known, and what covers too little of the period."),
        Column("plug_quantity", NUMBER, "Sum of what was declared by difference, in `unit`; in no sum and no closure."),
        Column("hours", NUMBER, "Length of a campaign, h."),
        Column("batches", COUNT, "Batches that a campaign measured, the fewest of its figures."),
        MEASURED_SHARE,
        VERIFICATION,
        STATE,
    ),
)  # fmt: skip
BALANCE_STREAM = Result(
    "balance_stream",
    "One row per balance, stream and figure of it",
    (
        *_SUBJECT_COLUMNS,
        Column("stream_id", TEXT, "Stream (reference.balance_stream).", required=True),
        Column("source", TEXT, "Table the figure comes from.", required=True),
        Column("item_code", TEXT, "Item, pollutant, product or outlet.", required=True),
        Column("measure", TEXT, "Column of the table, or medium of a self-report.", required=True),
        Column("figure_unit", TEXT, "Unit of the figure; `-` for none.", required=True),
        Column("is_plug", BOOL, "plug: found by difference, so that it closes nothing.", required=True),
    ),
    (
        Column("enterprise_id", TEXT, "Enterprise; null for the park."),
        Column("side", TEXT, "in or out.", required=True, allowed=("in", "out")),
        Column("stream_type", TEXT, "supply, transfer, stock_change, product, by_product, waste_gas, waste_water, solid_waste, evaporation or use.", required=True),
        Column("amount", NUMBER, "Quantity in the balance's unit; null where it is not known or cannot be converted."),
        Column("figure", NUMBER, "The figure itself, in figure_unit."),
        Column("uncertainty", NUMBER, "Expanded uncertainty (k = 2), in the balance's unit."),
        Column("coverage", NUMBER, "Share of the period that it covers, 0 to 1."),
        Column("problem", TEXT, "Why it cannot be counted."),
        MEASURED_SHARE,
        STATE,
    ),
)  # fmt: skip


def balance_everything(frames: Frames, context: Context) -> Outcome:
    """Balances of every period that the build assesses, and of every campaign."""
    today = context.today
    rules = in_force(
        frames["rules"], today, ["balance_kind", "component", "subjects", "stream_id", "choice", "source", "item_code", "measure"]
    )
    criteria = in_force(frames["criteria"], today, ["balance_kind", "component"])
    uncertainties = in_force(frames["uncertainties"], today, ["source", "item_kind", "item_code", "state"])
    kinds = (
        in_force(frames["parameters"], today)
        .select(item_code="parameter_code", item_kind="kind")
        .unique("item_code", keep="first", maintain_order=True)
    )
    periods = (
        frames["periods"]
        .filter(pl.col("period_type").is_in(OF_THE_PARK))
        .select("period_type", "period_start", "period_end")
        .unique()
        .sort("period_type", "period_start")
    )
    marts = _marts(frames)
    figures = [_figures_of(Period(*period), marts, frames, kinds, context.park_id) for period in periods.iter_rows()]
    figures.append(campaigns(frames["campaigns"], frames["campaign_figures"], _forms(frames["reports"]), kinds))
    streams = with_uncertainty(streams_of(pl.concat([pl.DataFrame(schema=FIGURES), *figures]), rules), uncertainties)
    balances = park_lacks(judged_campaigns(balances_of(streams, rules, criteria), frames["campaigns"], frames["campaign_figures"]))
    balances = (
        balances.join(_verification(streams, rules), on=BALANCE, how="left")
        .with_columns(verification_status=least_sure_of("verification_status", "stream_status"))
        .sort(BALANCE)
    )
    books = transfer_books(periods, frames, kinds, uncertainties)
    judged = balances["verdict"].value_counts().sort("verdict")
    return Outcome(
        {
            BALANCE_RESULT.name: balances.select(name for name in BALANCE_RESULT.schema if name in balances.columns),
            BALANCE_STREAM.name: _stream_table(streams.join(balances.select(BALANCE), on=BALANCE, how="semi")),
            TRANSFER_BALANCE.name: books,
        },
        f"{balances.height} balances: "
        + (", ".join(f"{count} {verdict}" for verdict, count in judged.iter_rows()) or "nothing to balance"),
    )


_DATES = {"monthly": "month_start_date", "annual": "year_start_date"}
_MARTS = ("consumption", "park_consumption", "emission", "production")


def _marts(frames: Frames) -> dict[str, tuple[pl.DataFrame, pl.DataFrame]]:
    """Monthly and annual rows of each mart, their date under one name."""
    return {mart: tuple(frames[f"{mart}_{grain}"].rename({column: "starts_on"}) for grain, column in _DATES.items()) for mart in _MARTS}  # type: ignore[return-value]


def _figures_of(
    period: Period, marts: dict[str, tuple[pl.DataFrame, pl.DataFrame]], frames: Frames, kinds: pl.DataFrame, park_id: str
) -> pl.DataFrame:
    rows = {mart: period.of(*both) for mart, both in marts.items()}
    return pl.concat(
        [
            consumption(rows["consumption"], period, park_id),
            park_consumption(rows["park_consumption"], period, park_id),
            emissions(rows["emission"], outlets_of_processes(frames["points"], period.end), period, park_id),
            declarations(frames["declarations"].rename({"period_start": "starts_on"}), kinds, period, park_id),
            outputs(rows["production"], period, park_id),
            waste(frames["waste"], period, park_id),
        ]
    )


def outlets_of_processes(points: pl.DataFrame, before: date) -> pl.DataFrame:
    """Outlets whose points all measure one process: `outlet_id, process_id`."""
    known = points.filter((pl.col("valid_from") < before) & pl.col("outlet_id").is_not_null())
    return (
        known.group_by("outlet_id")
        .agg(
            process_id=pl.col("process_id").drop_nulls().first(),
            one=(pl.col("process_id").n_unique() == 1) & pl.col("process_id").is_not_null().all(),
        )
        .filter("one")
        .drop("one")
    )


def _forms(reports: pl.DataFrame) -> pl.DataFrame:
    return reports.filter((pl.col("report_kind") == "audit_form") & pl.col("subject_kind").is_in(["enterprise", "process"]))


def _verification(streams: pl.DataFrame, rules: pl.DataFrame) -> pl.DataFrame:
    """How sure the least sure rule is that made a stream of each balance."""
    of_rules = rules.group_by("balance_kind", rule_component="component", stream_id="stream_id").agg(
        least_sure(pl.col("verification_status")).alias("of_rule")
    )
    used = streams.select(*BALANCE, "stream_id").unique().join(of_rules, on=["balance_kind", "stream_id"])
    matching = used.filter((pl.col("rule_component") == pl.col("component")) | (pl.col("rule_component") == ANY))
    return matching.group_by(BALANCE).agg(least_sure(pl.col("of_rule")).alias("stream_status"))


def _stream_table(streams: pl.DataFrame) -> pl.DataFrame:
    states = {at: state.value for at, state in enumerate(WEAKEST_FIRST)}
    made = streams.with_columns(
        figure=pl.col("quantity"),
        figure_unit=pl.col("unit").fill_null("-"),
        item_code=pl.col("item_code").fill_null("-"),
        state=pl.when(pl.col("amount").is_null())
        .then(pl.lit(State.MISSING.value))
        .otherwise(weakest_of_shares().replace_strict(states, default=State.MISSING.value, return_dtype=pl.String)),
    )
    return made.select(name for name in BALANCE_STREAM.schema if name in made.columns).sort(
        *BALANCE, "side", "stream_id", "source", "item_code"
    )


_CONSUMPTION = (
    "enterprise_id, process_id, item_code, item_kind, {date}, unit, purchased, received, sent, stock_increase, self_produced, quantity, "
    "energy_tce_calorific, gross_quantity, measured_share, substituted_share, estimated_share, self_reported_share, completeness_share"
)
_PARK_CONSUMPTION = _CONSUMPTION.replace("enterprise_id, process_id, ", "").replace("energy_tce_calorific, ", "")
_EMISSION = (
    "enterprise_id, outlet_id, medium, pollutant_code, {date}, mass_kg, measured_kg, substituted_kg, estimated_kg, self_reported_kg, "
    "flow_m3, completeness_share, counts_in_enterprise_total, counts_in_park_total"
)
_PRODUCTION = "enterprise_id, process_id, product_code, {date}, quantity, unit, completeness_share, state"
_STANDARD = "valid_from, valid_to, verification_status, origin"

BALANCES = Method(
    name="balance",
    version="balance-1",
    description="Balances of water, energy and materials (水平衡、能量平衡、物料平衡), and the two books of what enterprises deliver to each other.",
    reads={
        "periods": Source.of("assessment.enterprise_grade", "period_type, period_start, period_end"),
        "parameters": Source.of("reference.parameter", "parameter_code, kind, valid_from, valid_to"),
        "points": Source.of("staging.stg_points", "point_id, enterprise_id, outlet_id, process_id, valid_from, valid_to"),
        "flow_links": Source.of("staging.stg_flow_links", "point_id, target_kind, target_id, medium, valid_from, valid_to"),
        **{
            f"consumption_{grain}": Source.of(f"marts.enterprise_consumption_{grain}", _CONSUMPTION.format(date=column))
            for grain, column in _DATES.items()
        },
        **{
            f"park_consumption_{grain}": Source.of(f"marts.park_consumption_{grain}", _PARK_CONSUMPTION.format(date=column))
            for grain, column in _DATES.items()
        },
        **{
            f"emission_{grain}": Source.of(f"marts.enterprise_emission_{grain}", _EMISSION.format(date=column))
            for grain, column in _DATES.items()
        },
        **{
            f"production_{grain}": Source.of(f"marts.enterprise_production_{grain}", _PRODUCTION.format(date=column))
            for grain, column in _DATES.items()
        },
        "declarations": Source.of(
            "intermediate.int_self_report_periods",
            "enterprise_id, process_id, item_code, medium, grain, period_start, value, unit, days_covered, method_code",
        ),
        "reports": Source.of(
            "marts.self_reported",
            "subject_kind, subject_id, enterprise_id, item_code, medium, period_start, period_end, report_kind, value, unit, method_code, state",
        ),
        "waste": Source.of(
            "staging.stg_waste_movements",
            "manifest_id, line_id, enterprise_id, process_id, waste_code, waste_kind, movement, moved_on, quantity_t, receiver_id, received_t, state",
        ),
        "eliminations": Source.of(
            "marts.park_eliminations_monthly",
            "month_start_date, elimination_kind, from_enterprise_id, to_enterprise_id, source_id, item_code, unit, received, sent",
        ),
        "campaigns": Source.of(
            "intermediate.int_balance_campaigns", "campaign_id, subject_kind, subject_id, enterprise_id, starts_on, ends_on"
        ),
        "campaign_figures": Source.of(
            "intermediate.int_campaign_figures",
            "campaign_id, source, item_code, item_kind, measure, unit, quantity, measured_share, substituted_share, estimated_share, "
            "self_reported_share, basis, counted",
        ),
        "rules": Source.of(
            "reference.balance_stream",
            "balance_kind, component, subjects, side, stream_type, stream_id, choice, source, item_kind, item_code, measure, from_unit, scale, "
            f"presence, by_item, {_STANDARD}",
        ),
        "criteria": Source.of(
            "reference.balance_criterion",
            f"balance_kind, component, component_class, unit, closure_limit, min_coverage, min_hours, min_batches, {_STANDARD}",
        ),
        "uncertainties": Source.of(
            "reference.balance_uncertainty", f"source, item_kind, item_code, state, relative_uncertainty, {_STANDARD}"
        ),
    },
    results=(BALANCE_RESULT, BALANCE_STREAM, TRANSFER_BALANCE),
    run=balance_everything,
)
