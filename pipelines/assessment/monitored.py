"""What the park itself knows of a declared quantity: monitors and meters by month, ledgers of waste, and their sum over a declared period.

A month counts as known where nothing of it was declared: figures that rest on the enterprise's own word prove nothing about that word.
Pure functions, frame in and frame out. How far a declaration is from them is judged in `reconciliation` and `disclosure_check`.
"""

import polars as pl

from pipelines.assessment.balance_figures import PARK_METERS, PARTS
from pipelines.assessment.method import Source

SOURCES = {
    "emission": Source.of(
        "marts.enterprise_emission_monthly",
        "enterprise_id, outlet_id, medium, pollutant_code, month_start_date, mass_kg, measured_kg, substituted_kg, estimated_kg, "
        "self_reported_kg, flow_m3, completeness_share, method_code, counts_in_enterprise_total",
    ),
    "consumption": Source.of(
        "marts.enterprise_consumption_monthly",
        "enterprise_id, process_id, item_code, month_start_date, unit, purchased, received, sent, stock_increase, self_produced, quantity, "
        "recycled, measured_share, substituted_share, estimated_share, self_reported_share, completeness_share",
    ),
    "production": Source.of(
        "marts.enterprise_production_monthly", "product_code, month_start_date, quantity, unit, completeness_share, state"
    ),
    "methods": Source.of("reference.method", "method_code, family"),
    "waste": Source.of("staging.stg_waste_movements", "enterprise_id, waste_code, waste_kind, movement, moved_on, quantity_t"),
}
"""What a method reads to know it."""
WASTEWATER = "wastewater"
"""Item whose discharge is the flow of the water outlets."""
LEDGER_OF_MEDIUM = {"generated": "generated", "offsite": "transferred", "recycled": "recycled", "stored": "stored"}
WASTE_OF_KIND = {"hazardous": "hazardous_waste", "general": "general_solid_waste"}

MONTHLY = pl.Schema(
    {
        "subject_kind": pl.String(), "subject_id": pl.String(), "item_code": pl.String(), "medium": pl.String(), "month": pl.Date(),
        "value": pl.Float64(), "measured": pl.Float64(), "substituted": pl.Float64(), "estimated": pl.Float64(), "completeness": pl.Float64(),
        "unit": pl.String(), "method_code": pl.String(), "source": pl.String(),
    }
)  # fmt: skip
"""One row per subject, item, medium and month of which anything is known; value null where it is not, or not by monitoring."""
_KEY = ["subject_kind", "subject_id", "item_code", "medium"]


def monthly(emission: pl.DataFrame, consumption: pl.DataFrame, production: pl.DataFrame, methods: pl.DataFrame) -> pl.DataFrame:
    """MONTHLY of everything that is monitored or metered.

    Args:
        emission: rows of the monthly emission mart. consumption: of the monthly consumption mart. production: of the monthly
            production mart. All call their date `month_start_date`. methods: `method_code, family`: what a coefficient or a balance
            estimates is nothing that was monitored.
    """
    estimated = methods.filter(pl.col("family") == "estimated")["method_code"].unique()
    return pl.concat([_masses(emission, estimated), _flows(emission), _metered(consumption), _counted(production)])


def _masses(emission: pl.DataFrame, estimated: pl.Series) -> pl.DataFrame:
    """Masses of outlets, and of enterprises whose counted outlets are all monitored in the month."""
    is_monitored = (
        pl.col("mass_kg").is_not_null()
        & (pl.col("self_reported_kg").fill_null(0.0) == 0)
        & pl.col("outlet_id").is_not_null()
        & ~pl.col("method_code").is_in(estimated.implode()).fill_null(False)
    )
    amounts = {
        "value": pl.when(pl.col("is_monitored").all()).then(pl.col("mass_kg").sum()),
        **{
            share: pl.when(pl.col("is_monitored").all()).then(pl.col(f"{share}_kg").sum())
            for share in ("measured", "substituted", "estimated")
        },
        "completeness": pl.col("completeness_share").fill_null(0.0).mean(),
        "method_code": pl.when(pl.col("method_code").n_unique() == 1).then(pl.col("method_code").first()).otherwise(pl.lit("several")),
    }
    rows = emission.with_columns(is_monitored=is_monitored, item_code="pollutant_code", month="month_start_date")
    of_outlets = rows.drop_nulls("outlet_id").group_by("medium", "item_code", "month", subject_id="outlet_id").agg(**amounts)
    of_enterprises = (
        rows.filter("counts_in_enterprise_total").group_by("medium", "item_code", "month", subject_id="enterprise_id").agg(**amounts)
    )
    return pl.concat(
        _as_monthly(frame, subject_kind=pl.lit(kind), unit=pl.lit("kg"), source=pl.concat_str(pl.lit("emission_"), "medium"))
        for kind, frame in (("outlet", of_outlets), ("enterprise", of_enterprises))
    )


def _flows(emission: pl.DataFrame) -> pl.DataFrame:
    """Wastewater: flow of an outlet, and of an enterprise whose counted outlets all have one."""
    of_outlets = (
        emission.filter((pl.col("medium") == "water") & pl.col("outlet_id").is_not_null())
        .group_by("enterprise_id", "outlet_id", month="month_start_date")
        .agg(pl.col("flow_m3").max(), pl.col("completeness_share").max(), pl.col("counts_in_enterprise_total").any())
    )
    columns = {
        "item_code": pl.lit(WASTEWATER), "medium": pl.lit("water"), "unit": pl.lit("m3"), "source": pl.lit("outlet_flow"), "method_code": pl.lit("flow"),
    }  # fmt: skip
    single = of_outlets.with_columns(
        subject_kind=pl.lit("outlet"), subject_id="outlet_id", value="flow_m3", measured="flow_m3", completeness="completeness_share"
    )
    known = pl.when(pl.col("flow_m3").is_not_null().all()).then(pl.col("flow_m3").sum())
    whole = of_outlets.filter("counts_in_enterprise_total").group_by("month", subject_id="enterprise_id").agg(
        value=known, measured=known, completeness=pl.col("completeness_share").fill_null(0.0).mean()
    )  # fmt: skip
    return pl.concat([_as_monthly(single, **columns), _as_monthly(whole, subject_kind=pl.lit("enterprise"), **columns)])


def _metered(consumption: pl.DataFrame) -> pl.DataFrame:
    """Parts of consumption of enterprises and processes, where meters gave all of the month's figure."""
    rows = consumption.filter((pl.col("enterprise_id") != PARK_METERS) & (pl.col("self_reported_share").fill_null(0.0) == 0))
    measures = {part: part for part in PARTS} | {"quantity": "consumed", "recycled": "recycled"}
    long = rows.unpivot(
        on=list(measures),
        index=["enterprise_id", "process_id", "item_code", "unit", "month_start_date", "completeness_share", "measured_share", "substituted_share",
               "estimated_share"],
        variable_name="measure",
        value_name="value",
    ).drop_nulls("value")  # fmt: skip
    return _as_monthly(
        long,
        subject_kind=pl.when(pl.col("process_id").is_null()).then(pl.lit("enterprise")).otherwise(pl.lit("process")),
        subject_id=pl.coalesce("process_id", "enterprise_id"),
        medium=pl.col("measure").replace_strict(measures, return_dtype=pl.String),
        month=pl.col("month_start_date"),
        completeness=pl.col("completeness_share"),
        method_code=pl.lit("metered"),
        source=pl.lit("consumption"),
        **{share: pl.col("value") * pl.col(f"{share}_share") for share in ("measured", "substituted", "estimated")},
    )


def _counted(production: pl.DataFrame) -> pl.DataFrame:
    """Output of products that was counted or weighed, and not declared."""
    rows = production.filter(~pl.col("state").is_in(["self_reported", "missing", "not_applicable"]) & (pl.col("product_code") != "ALL"))
    summed = rows.drop_nulls("quantity").group_by("unit", subject_id="product_code", month="month_start_date").agg(
        value=pl.col("quantity").sum(), completeness=pl.col("completeness_share").mean(),
        measured=pl.col("quantity").filter(pl.col("state") == "measured").sum(),
    )  # fmt: skip
    return _as_monthly(
        summed, subject_kind=pl.lit("product"), item_code=pl.col("subject_id"), medium=pl.lit("output"), method_code=pl.lit("counted"),
        source=pl.lit("production"),
    )  # fmt: skip


def _as_monthly(rows: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    made = rows.with_columns(**columns)
    return made.select((pl.col(name) if name in made.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in MONTHLY.items())


def over_periods(wanted: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Sums over periods of whole months.

    Args:
        wanted: `subject_kind, subject_id, item_code, medium, period_start, period_end`, unique rows.
        known: MONTHLY.

    Returns:
        wanted with `m_value` (null where not one month is known), `m_unit, m_months, months, capture_share, measured_share,
        substituted_share, estimated_share, m_method, m_source`; `months` is null for a period that is not made of whole months.
    """
    whole = (pl.col("period_start").dt.day() == 1) & (pl.col("period_end").dt.day() == 1)
    months = pl.when(whole).then(
        (pl.col("period_end").dt.year() - pl.col("period_start").dt.year()) * 12
        + pl.col("period_end").dt.month()
        - pl.col("period_start").dt.month()
    )
    numbered = wanted.with_columns(months=months.cast(pl.Int64)).with_row_index("_at")
    each = (
        numbered.filter(pl.col("months") > 0)
        .with_columns(month=pl.date_ranges("period_start", "period_end", "1mo", closed="left"))
        .explode("month")
    )
    found = each.join(known.drop_nulls("value"), on=[*_KEY, "month"])
    value = pl.col("value").sum()
    size = pl.col("value").abs().sum()
    summed = found.group_by("_at").agg(
        m_value=value,
        m_unit=pl.col("unit").first(),
        m_months=pl.len().cast(pl.Int64),
        capture=pl.col("completeness").fill_null(1.0).sum(),
        **{f"{share}_share": pl.when(size > 0).then(pl.col(share).sum() / size) for share in ("measured", "substituted", "estimated")},
        m_method=pl.when(pl.col("method_code").n_unique() == 1).then(pl.col("method_code").first()).otherwise(pl.lit("several")),
        m_source=pl.col("source").first(),
    )
    return (
        numbered.join(summed, on="_at", how="left")
        .with_columns(capture_share=pl.col("capture") / pl.col("months"), m_months=pl.col("m_months").fill_null(0))
        .drop("_at", "capture")
    )


def ledgers(wanted: pl.DataFrame, waste: pl.DataFrame) -> pl.DataFrame:
    """Two books of waste over declared periods: what the ledger says of the medium, and what its other lines leave for it.

        generated = transferred + recycled + disposed + stored − withdrawn

    A ledger that has no line of the enterprise in the period is no book of it.

    Args:
        wanted: as for over_periods; rows of enterprises. waste: `enterprise_id, waste_code, waste_kind, movement, moved_on, quantity_t`.

    Returns:
        `subject_kind, subject_id, item_code, medium, period_start, period_end, ledger_t, balance_t`, of what a ledger knows.
    """
    by_kind = waste.with_columns(item_code=pl.col("waste_kind").replace_strict(WASTE_OF_KIND, default=None, return_dtype=pl.String))
    by_code = waste.with_columns(item_code="waste_code")
    lines = pl.concat([by_kind, by_code]).select("enterprise_id", "item_code", "movement", "moved_on", "quantity_t")
    key = [*_KEY, "period_start", "period_end"]
    asked = wanted.filter((pl.col("subject_kind") == "enterprise") & pl.col("medium").is_in(list(LEDGER_OF_MEDIUM)))
    inside = asked.join(lines, left_on=["subject_id", "item_code"], right_on=["enterprise_id", "item_code"]).filter(
        (pl.col("moved_on") >= pl.col("period_start")) & (pl.col("moved_on") < pl.col("period_end"))
    )
    asked_movement = pl.col("medium").replace_strict(LEDGER_OF_MEDIUM, return_dtype=pl.String)
    signs = {"transferred": 1, "recycled": 1, "disposed": 1, "stored": 1, "withdrawn": -1}
    sign = pl.col("movement").replace_strict(signs, default=None, return_dtype=pl.Float64)
    has_others = sign.is_not_null().any()
    return inside.group_by(key).agg(
        ledger_t=pl.col("quantity_t").filter(pl.col("movement") == asked_movement).sum(),
        balance_t=pl.when((pl.col("medium").first() == "generated") & has_others).then((pl.col("quantity_t") * sign).sum()),
    )
