"""What an indicator would be under another vintage of a factor (因子版本): the same quantities, priced by another edition of the same row.

Only where a mart's row names one factor of the standards is it repriced: what was measured, or made of several factors, stays. Of
alternatives those count that differ in edition alone: kind, item, basis, region, series and units are the same. Whose grade
that changes is decided in `sensitivity`.
"""

import polars as pl

from pipelines.assessment.enterprise_index import KEY
from pipelines.assessment.method import Source

_FACTOR_OF = {
    "energy_tce_calorific": "tce_calorific_factor_id", "energy_tce_primary": "tce_primary_factor_id", "co2e_t": "co2e_factor_id",
}  # fmt: skip
_SAME = ["kind", "item_code", "basis", "region", "series", "unit_from", "unit_to"]
_EVERY_ITEM = "ALL"

SOURCES = {
    "consumption": Source.of(
        "marts.enterprise_consumption_monthly",
        "enterprise_id, process_id, item_code, month_start_date, energy_tce_calorific, energy_tce_primary, co2e_t, tce_calorific_factor_id, "
        "tce_primary_factor_id, co2e_factor_id",
    ),
    "efficiency": Source.of(
        "marts.enterprise_efficiency_monthly",
        "enterprise_id, process_id, product_code, metric_code, month_start_date, numerator, denominator",
    ),
    "metrics": Source.of(
        "reference.metric", "metric_code, numerator_source, numerator_code, numerator_measure, valid_from, valid_to, origin"
    ),
    "factors": Source.of("reference.factor", "factor_id, value, kind, item_code, basis, region, series, unit_from, unit_to"),
}
RATIO = pl.Schema({**dict.fromkeys(("enterprise_id", "metric_code", "label"), pl.String()), "month_start_date": pl.Date(), "change": pl.Float64(), "numerator": pl.Float64()})  # fmt: skip


def alternatives(factors: pl.DataFrame) -> pl.DataFrame:
    """For every factor the other editions of it, with the ratio of theirs to its own value: `factor_id`, `label`, `ratio`."""
    rows = factors.filter(pl.col("value") > 0).unique("factor_id", keep="first", maintain_order=True)
    pairs = rows.join(rows.select(*_SAME, label="factor_id", other="value"), on=_SAME, nulls_equal=True)
    differs = (pl.col("label") != pl.col("factor_id")) & (pl.col("other") != pl.col("value"))
    return pairs.filter(differs).select("factor_id", "label", ratio=pl.col("other") / pl.col("value"))


def changes(metrics: pl.DataFrame, consumption: pl.DataFrame, efficiency: pl.DataFrame, factors: pl.DataFrame) -> pl.DataFrame:
    """By enterprise, metric, month and edition: what the numerator of the whole enterprise would gain, beside what it is.

    Args:
        metrics: `metric_code`, `numerator_source`, `numerator_code`, `numerator_measure` of the day; others than energy and carbon of
            all items or of named ones are left out.
        consumption, efficiency, factors: as SOURCES reads them.
    """
    priced = (
        metrics.filter(pl.col("numerator_source").is_in(["consumption", "carbon"]))
        .with_columns(measure=pl.col("numerator_measure").str.split("+"), item_code=pl.col("numerator_code").str.split("+"))
        # a carbon metric names its parts, not items
        .with_columns(item_code=pl.when(pl.col("numerator_source") == "carbon").then(pl.lit([_EVERY_ITEM])).otherwise(pl.col("item_code")))
        .explode("measure")
        .explode("item_code")
        .filter(pl.col("measure").is_in(list(_FACTOR_OF)))
        .select("metric_code", "measure", wanted="item_code")
    )
    whole = consumption.filter(pl.col("process_id").is_null())
    amounts = pl.concat(
        whole.select(
            "enterprise_id", "item_code", "month_start_date", measure=pl.lit(measure), amount=pl.col(measure), factor_id=pl.col(factor)
        )
        for measure, factor in _FACTOR_OF.items()
    ).drop_nulls(["amount", "factor_id"])
    gained = (
        amounts.join(alternatives(factors), on="factor_id")
        .join(priced, on="measure")
        .filter((pl.col("wanted") == _EVERY_ITEM) | (pl.col("wanted") == pl.col("item_code")))
        .group_by("enterprise_id", "metric_code", "month_start_date", "label")
        .agg(change=(pl.col("amount") * (pl.col("ratio") - 1)).sum())
    )
    known = efficiency.filter(
        pl.col("process_id").is_null()
        & (pl.col("product_code") == _EVERY_ITEM)
        & pl.col("numerator").is_not_null()
        & (pl.col("denominator") != 0)
    ).select("enterprise_id", "metric_code", "month_start_date", "numerator")
    # months to which an edition has nothing to say belong to the numerator all the same
    of_metric = gained.select("enterprise_id", "metric_code", "label").unique()
    every_month = known.join(of_metric, on=["enterprise_id", "metric_code"])
    return (
        every_month.join(gained, on=["enterprise_id", "metric_code", "label", "month_start_date"], how="left")
        .with_columns(pl.col("change").fill_null(0.0))
        .select(RATIO.names())
        .cast(RATIO)
    )


def ratios(subjects: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    """Of every subject, metric and edition the value under it over the value as it stands, over the months of the period."""
    inside = (pl.col("month_start_date") >= pl.col("period_start")) & (pl.col("month_start_date") < pl.col("period_end"))
    return (
        subjects.select(KEY)
        .join(changed, on="enterprise_id")
        .filter(inside)
        .group_by(*KEY, "metric_code", "label")
        .agg(pl.col("change", "numerator").sum())
        .filter((pl.col("numerator") != 0) & (pl.col("change") != 0))
        .select(*KEY, "metric_code", "label", ratio=1 + pl.col("change") / pl.col("numerator"))
    )
