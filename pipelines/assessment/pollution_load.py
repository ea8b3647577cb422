"""Equal-standard pollution load (等标污染负荷法): which pollutants, outlets and enterprises weigh most against one set of standards.

A load is the volume that would dilute a mass to the evaluation standard. Water and air are never added together, loads of
different sets of standards never compared. Which limits belong to a set is a row of the standards; masses come from the marts.
"""

from datetime import date

import polars as pl

from pipelines.assessment.columns import MEASURED_SHARE, OF_THE_PARK, PERIOD, VERIFICATION
from pipelines.assessment.in_force import in_force
from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.order import least_sure, least_sure_of, weakest
from pipelines.assessment.parameters import PARAMETERS, parameter
from pipelines.contracts.records import BOOL, COUNT, NUMBER, STATE, TEXT, TEXTS, Column
from pipelines.contracts.states import State

AMMONIA_NITROGEN, TOTAL_NITROGEN = "w21003", "w21001"
WHOLE_ENTERPRISE = "-"
"""In place of an outlet for what was declared for an enterprise as a whole."""
RANKED_BY = ("pollutant", "outlet", "enterprise")
NITROGEN = ("both", "total_alone", "none")
SCOPES = ("enterprise", "park")

_LITRES_PER_M3 = {"water": 1000.0, "air": 1.0}
"""Of the unit in which a standard of the medium counts volume: mg/L of water, mg/m3 of air."""
_UNIT = {"water": "mg/L", "air": "mg/m3"}
_MG_PER_KG = 1e6

STANDARD = pl.Schema(
    {
        "load_standard_set": pl.String(), "medium": pl.String(), "pollutant_code": pl.String(), "standard_id": pl.String(),
        "standard_value": pl.Float64(), "standard_unit": pl.String(), "verification_status": pl.String(),
    }
)  # fmt: skip
"""What a pollutant is measured against: one row per set, medium and pollutant."""
EMISSION = pl.Schema(
    {
        "scope": pl.String(), "enterprise_id": pl.String(), "outlet_id": pl.String(), "medium": pl.String(), "pollutant_code": pl.String(),
        "mass_kg": pl.Float64(), "measured_kg": pl.Float64(), "state": pl.String(),
    }
)  # fmt: skip
"""Masses of one period: one row per scope, enterprise, outlet and pollutant; mass null where nothing of it is known."""


def evaluation_standards(sets: pl.DataFrame, limits: pl.DataFrame, on: date) -> pl.DataFrame:
    """Standards of every set as they hold on a date, as STANDARD.

    A set takes every concentration limit of its standards; of several standards the one of the lower priority number goes
    first. Of two limits of one standard the daily one is taken, because loads are of long periods.

    Args:
        sets: load_standard_set, medium, priority, standard_id, origin, validity, verification_status.
        limits: limit_id, standard_id, medium, parameter_code, limit_kind, limit_value, unit, origin, validity, verification_status.
    """
    named = in_force(sets, on, ["load_standard_set", "medium", "priority"]).sort("load_standard_set", "medium", "priority")
    usable = in_force(limits, on, ["limit_id"]).filter(pl.col("unit") == pl.col("medium").replace_strict(_UNIT, default=None))
    both = named.join(usable, on=["standard_id", "medium"], suffix="_of_limit").with_columns(
        verification_status=least_sure_of("verification_status", "verification_status_of_limit")
    )
    return (
        both.sort("load_standard_set", "medium", "parameter_code", "priority", pl.col("limit_kind") != "daily_concentration", "limit_id")
        .unique(["load_standard_set", "medium", "parameter_code"], keep="first", maintain_order=True)
        .select(
            "load_standard_set",
            "medium",
            pl.col("parameter_code").alias("pollutant_code"),
            "standard_id",
            pl.col("limit_value").alias("standard_value"),
            pl.col("unit").alias("standard_unit"),
            "verification_status",
        )
    )


def loads(emissions: pl.DataFrame, standards: pl.DataFrame) -> pl.DataFrame:
    """Load of every mass under every set (P_ij): m3 a period; null where the mass or a standard for it is not known.

    Water: 1000 · kg / (mg/L). Air: 1 000 000 · kg / (mg/m3). Media without a set (land) have no row.

    Args:
        emissions: as EMISSION.
        standards: as STANDARD.
    """
    sets = standards.select("load_standard_set", "medium").unique(maintain_order=True)
    load = (
        pl.col("mass_kg") * _MG_PER_KG / pl.col("standard_value") / pl.col("medium").replace_strict(_LITRES_PER_M3, return_dtype=pl.Float64)
    )
    return (
        emissions.join(sets, on="medium")
        .join(standards, on=["load_standard_set", "medium", "pollutant_code"], how="left")
        .with_columns(load_m3=load)
        .sort("load_standard_set", "scope", "medium", "enterprise_id", "outlet_id", "pollutant_code")
    )


def with_nitrogen_variants(items: pl.DataFrame) -> pl.DataFrame:
    """Each load of water twice: with total and ammonia nitrogen both, and with total nitrogen alone.

    Total nitrogen contains ammonia nitrogen, so that together they count it twice. It is left out where the outlet's total
    nitrogen has a load; where nobody measured total nitrogen, ammonia is all that is known of it and stays.
    """
    outlet = ["load_standard_set", "scope", "medium", "enterprise_id", "outlet_id"]
    has_total = ((pl.col("pollutant_code") == TOTAL_NITROGEN) & pl.col("load_m3").is_not_null()).any().over(outlet)
    water = items.filter(pl.col("medium") == "water").with_columns(has_total=has_total)
    alone = water.filter((pl.col("pollutant_code") != AMMONIA_NITROGEN) | ~pl.col("has_total"))
    return pl.concat(
        [
            water.with_columns(nitrogen=pl.lit("both")),
            alone.with_columns(nitrogen=pl.lit("total_alone")),
            items.filter(pl.col("medium") != "water").with_columns(has_total=pl.lit(False), nitrogen=pl.lit("none")),
        ]
    ).drop("has_total")


def ranking(items: pl.DataFrame, ranked_by: str, main_share: float) -> pl.DataFrame:
    """Pollutants, outlets or enterprises by load: share of all, rank, cumulative share, and the main ones.

    Main are those, from the heaviest on, until their cumulative share reaches main_share: the one that reaches it is among
    them. What has no load is not ranked and not shared.

    Args:
        items: as `with_nitrogen_variants` gives them.
        ranked_by: one of RANKED_BY.
        main_share: 0 to 1.
    """
    scope = ["load_standard_set", "scope", "medium", "nitrogen"]
    subject = f"{ranked_by}_code" if ranked_by == "pollutant" else f"{ranked_by}_id"
    has_load, has_standard = pl.col("load_m3").is_not_null(), pl.col("standard_value").is_not_null()
    measured = (pl.col("load_m3") * pl.col("measured_kg") / pl.col("mass_kg")).filter(pl.col("mass_kg") > 0).sum()
    total = pl.col("load_m3").sum()
    rated = (
        items.group_by(*scope, pl.col(subject).alias("subject_id"), maintain_order=True)
        .agg(
            load_m3=pl.when(has_load.any()).then(total),
            measured_share=pl.when(total > 0).then(measured / total),
            state=weakest(pl.col("state")),
            standard_ids=pl.col("standard_id").drop_nulls().unique().sort(),
            without_standard=pl.col("pollutant_code").filter(~has_standard).unique().sort(),
            without_mass=pl.col("pollutant_code").filter(has_standard & pl.col("mass_kg").is_null()).unique().sort(),
            verification_status=least_sure(pl.col("verification_status")),
        )
        .sort(*scope, "load_m3", "subject_id", descending=[False] * len(scope) + [True, False], nulls_last=True)
    )
    share = pl.col("load_m3") / pl.col("load_m3").sum().over(scope)
    rated = rated.with_columns(
        ranked_by=pl.lit(ranked_by),
        share=pl.when(pl.col("load_m3").sum().over(scope) > 0).then(share),
        rank=pl.when(pl.col("load_m3").is_not_null()).then(pl.int_range(1, pl.len() + 1).over(scope)),
    )
    # The last bits of a sum of shares must not keep the one that reaches the mark out of the main ones, nor let the next one in.
    cumulative = pl.col("share").cum_sum().over(scope)
    return rated.with_columns(
        cumulative_share=cumulative, is_main=((cumulative - pl.col("share")).round(12) < main_share) & (pl.col("load_m3") > 0)
    ).with_columns(pl.col("is_main").fill_null(False))


# -- from the marts --------------------------------------------------------------------------------------------------------------------


def emissions_of(mart: pl.DataFrame, starts_on: str, start: date, end: date) -> pl.DataFrame:
    """Masses of a period, as EMISSION, in both scopes.

    `enterprise`: what each enterprise discharges through its final outlets and stacks, whoever treats it after; the central
    plant, through which others' water passes, is left out. `park`: what reaches the environment.
    """
    inside = mart.filter((pl.col(starts_on) >= start) & (pl.col(starts_on) < end))
    of_scope = {
        "enterprise": pl.col("counts_in_enterprise_total") & (pl.col("outlet_kind").fill_null("") != "park_plant"),
        "park": pl.col("counts_in_park_total"),
    }
    known = pl.col("mass_kg").is_not_null()
    rows = pl.concat([inside.filter(condition).with_columns(scope=pl.lit(scope)) for scope, condition in of_scope.items()])
    return (
        rows.with_columns(pl.col("outlet_id").fill_null(WHOLE_ENTERPRISE))
        .sort("scope", "enterprise_id", "outlet_id", "medium", "pollutant_code", starts_on)
        .group_by("scope", "enterprise_id", "outlet_id", "medium", "pollutant_code", maintain_order=True)
        .agg(
            mass_kg=pl.when(known.any()).then(pl.col("mass_kg").sum()),
            measured_kg=pl.when(known.any()).then(pl.col("measured_kg").sum()),
            state=pl.when(known.all()).then(weakest(pl.col("state"))).otherwise(pl.lit(State.MISSING.value)),
        )
        .select(EMISSION.names())
    )


def rank_loads(frames: Frames, context: Context) -> Outcome:
    """Loads and rankings of every period that the grades are of."""
    items, ranked = [], []
    for period_type, start, end in frames["periods"].filter(pl.col("period_type").is_in(OF_THE_PARK)).unique().sort(pl.all()).iter_rows():
        last_day = date.fromordinal(end.toordinal() - 1)
        standards = evaluation_standards(frames["sets"], frames["limits"], last_day)
        mart, starts_on = (
            (frames["annual"], "year_start_date") if period_type == "calendar_year" else (frames["monthly"], "month_start_date")
        )
        found = loads(emissions_of(mart, starts_on, start, end), standards)
        share = parameter(frames["parameters"], "pollution_load", "main_share", last_day)
        in_period = {"period_type": pl.lit(period_type), "period_start": pl.lit(start), "period_end": pl.lit(end)}
        items.append(found.with_columns(**in_period))
        ranked += [ranking(with_nitrogen_variants(found), by, share).with_columns(**in_period) for by in RANKED_BY]
    if not items:
        return Outcome({result.name: result.empty() for result in (POLLUTION_LOAD, POLLUTION_LOAD_ITEM)}, "no period to rank loads of")
    rank, item = pl.concat(ranked), pl.concat(items)
    main = rank.filter((pl.col("ranked_by") == "enterprise") & pl.col("is_main") & (pl.col("period_type") == "rolling_12m"))
    return Outcome(
        {POLLUTION_LOAD.name: rank, POLLUTION_LOAD_ITEM.name: item.with_columns(_item_state())},
        f"{item.height} loads, {rank.height} ranked; main enterprises of the last 12 months: {main['subject_id'].n_unique()}",
        _warnings(item),
    )


def _item_state() -> pl.Expr:
    """A mass without a standard has no load: that is not missing data, and the row says which of the two it is."""
    return pl.when(pl.col("standard_value").is_null()).then(pl.lit(State.NOT_APPLICABLE.value)).otherwise(pl.col("state")).alias("state")


def _warnings(items: pl.DataFrame) -> tuple[str, ...]:
    latest = items.filter((pl.col("period_type") == "rolling_12m") & (pl.col("scope") == "enterprise") & (pl.col("mass_kg") > 0))
    without = (
        latest.filter(pl.col("standard_value").is_null()).group_by("load_standard_set", "medium").agg(pl.col("pollutant_code").unique())
    )
    return tuple(
        f"load standards {name} have no figure for {', '.join(sorted(codes))} ({medium}): they are in no ranking"
        for name, medium, codes in without.sort("load_standard_set", "medium").iter_rows()
    )


def plot(axes: object, frames: Frames) -> None:
    """Enterprises by their share of the park's water load over the last twelve months, the main ones dark."""
    shown = frames[POLLUTION_LOAD.name].filter(
        (pl.col("ranked_by") == "enterprise")
        & (pl.col("period_type") == "rolling_12m")
        & (pl.col("scope") == "enterprise")
        & (pl.col("medium") == "water")
        & (pl.col("nitrogen") == "total_alone")
        & pl.col("share").is_not_null()
    )
    shown = shown.filter(pl.col("load_standard_set") == shown["load_standard_set"].min()).sort("rank").head(15)
    names = shown["subject_id"].to_list()[::-1]
    colours = ["#1f4e79" if main else "#a9bcd0" for main in shown["is_main"].to_list()[::-1]]
    axes.barh(names, [100 * share for share in shown["share"].to_list()[::-1]], color=colours)
    axes.set_xlabel("share of the equal-standard load of water, %")


_SET = Column("load_standard_set", TEXT, "Set of evaluation standards (reference.load_standard); loads of different sets are not comparable.", required=True)  # fmt: skip
_SCOPE = Column(
    "scope",
    TEXT,
    "enterprise: what each enterprise discharges through its own outlets, indirect discharge included, the central plant left out; park: what reaches the environment.",
    required=True,
    allowed=SCOPES,
)
_MEDIUM = Column("medium", TEXT, "water or air; never added together.", required=True, allowed=("water", "air"))

POLLUTION_LOAD = Result(
    "pollution_load",
    "One row per period, set of evaluation standards, scope, medium, way of counting nitrogen, and pollutant, outlet or enterprise",
    (
        *PERIOD,
        _SET,
        _SCOPE,
        _MEDIUM,
        Column("nitrogen", TEXT, "both: total and ammonia nitrogen, which counts ammonia twice; total_alone: ammonia left out where the outlet's total nitrogen is known; none: of air.", required=True, allowed=NITROGEN),
        Column("ranked_by", TEXT, "What is ranked.", required=True, allowed=RANKED_BY),
        Column("subject_id", TEXT, "Pollutant (reference.parameter), outlet or enterprise; outlet `-` is what was declared for enterprises as a whole.", required=True),
    ),
    (
        Column("load_m3", NUMBER, "Equal-standard load (等标污染负荷) of the period, m3; null where no mass or no standard is known."),
        Column("share", NUMBER, "Share of all loads beside it (污染负荷比), 0 to 1."),
        Column("rank", COUNT, "Place by load, 1 the heaviest."),
        Column("cumulative_share", NUMBER, "Share of this and all heavier ones, 0 to 1."),
        Column("is_main", BOOL, "Whether it is among the heaviest that together reach the main share (主要污染物, 主要污染源).", required=True),
        Column("standard_ids", TEXTS, "Standards its pollutants were measured against."),
        Column("without_standard", TEXTS, "Pollutants left out because the set has no standard for them."),
        Column("without_mass", TEXTS, "Pollutants left out because their mass is not known."),
        MEASURED_SHARE,
        STATE,
        VERIFICATION,
    ),
)  # fmt: skip
POLLUTION_LOAD_ITEM = Result(
    "pollution_load_item",
    "One row per period, set of evaluation standards, scope, medium, enterprise, outlet and pollutant",
    (
        *PERIOD,
        _SET,
        _SCOPE,
        _MEDIUM,
        Column("enterprise_id", TEXT, "Enterprise that bears the discharge.", required=True),
        Column("outlet_id", TEXT, "Outlet; `-` for what was declared for the enterprise as a whole.", required=True),
        Column("pollutant_code", TEXT, "Pollutant (reference.parameter).", required=True),
    ),
    (
        Column("mass_kg", NUMBER, "Mass of the period, kg; at least this where state is missing."),
        Column("measured_kg", NUMBER, "Part of mass_kg that was measured, kg."),
        Column("standard_id", TEXT, "Standard it is measured against; null where the set has none, and then there is no load."),
        Column("standard_value", NUMBER, "Evaluation standard, in standard_unit."),
        Column("standard_unit", TEXT, "mg/L of water, mg/m3 of air."),
        Column("load_m3", NUMBER, "Volume that would dilute the mass to the standard, m3."),
        STATE,
        VERIFICATION,
    ),
)

_EMISSION = (
    "enterprise_id, outlet_id, outlet_kind, medium, pollutant_code, {date}, mass_kg, measured_kg, state, "
    "counts_in_enterprise_total, counts_in_park_total"
)
POLLUTION_LOADS = Method(
    name="pollution_load",
    version="1",
    description="Pollutants, outlets and enterprises by equal-standard pollution load (等标污染负荷法).",
    reads={
        "periods": Source.of("assessment.enterprise_grade", "period_type, period_start, period_end"),
        "annual": Source.of("marts.enterprise_emission_annual", _EMISSION.format(date="year_start_date")),
        "monthly": Source.of("marts.enterprise_emission_monthly", _EMISSION.format(date="month_start_date")),
        "sets": Source.of(
            "reference.load_standard", "load_standard_set, medium, priority, standard_id, verification_status, origin, valid_from, valid_to"
        ),
        "limits": Source.of(
            "reference.limit",
            "limit_id, standard_id, medium, parameter_code, limit_kind, limit_value, unit, verification_status, origin, valid_from, valid_to",
        ),
        "parameters": PARAMETERS,
    },
    results=(POLLUTION_LOAD, POLLUTION_LOAD_ITEM),
    run=rank_loads,
    plot=plot,
)
