"""Evidence for a mandatory audit (双超、双有、高耗能): limits and totals that were exceeded, quotas, toxic inputs and outputs.

Pure functions, frame in and frame out. What the evidence amounts to, and who is listed, belongs in `mandatory_audit`.
"""

from datetime import date

import polars as pl

from pipelines.contracts.states import State

USED_AS_INPUT = ("raw_material", "auxiliary")

EVIDENCE = pl.Schema(
    {
        "enterprise_id": pl.String(), "trigger_code": pl.String(), "subject_kind": pl.String(), "subject_id": pl.String(),
        "item_code": pl.String(), "rule": pl.String(), "findings": pl.Int64(), "value": pl.Float64(), "threshold": pl.Float64(),
        "unit": pl.String(), "first_on": pl.Date(), "last_on": pl.Date(), "state": pl.String(), "verification_status": pl.String(),
    }
)  # fmt: skip
"""One row per trigger, subject, item and rule that was broken or substance that was found."""


def exceeded_concentrations(exceedances: pl.DataFrame, since: date) -> pl.DataFrame:
    """Hours and days above the binding limit of an outlet and pollutant, with the largest value among them."""
    worst = exceedances.filter(pl.col("is_binding") & (pl.col("local_date") >= since))
    key = ["enterprise_id", "outlet_id", "pollutant_code", "limit_kind", "limit_source", "limit_id", "limit_value", "unit"]
    found = worst.group_by(key).agg(
        findings=pl.len().cast(pl.Int64),
        value=pl.col("value").max(),
        first_on=pl.col("local_date").min(),
        last_on=pl.col("local_date").max(),
    )
    return _evidence(
        found,
        trigger_code=pl.lit("concentration_exceeded"),
        subject_kind=pl.lit("outlet"),
        subject_id=pl.col("outlet_id"),
        item_code=pl.col("pollutant_code"),
        rule=pl.concat_str("limit_kind", "limit_source", "limit_id", separator=" "),
        threshold=pl.col("limit_value"),
        state=pl.lit(State.MEASURED.value),
    )


def exceeded_totals(totals: pl.DataFrame, since: date) -> pl.DataFrame:
    """Permit years whose use is above what is permitted; what is only projected to be is none."""
    used_up = totals.filter((pl.col("permit_year") >= since.year) & (pl.col("used_kg") > pl.col("permitted_kg")))
    return _evidence(
        used_up,
        trigger_code=pl.lit("total_exceeded"),
        subject_kind=pl.when(pl.col("outlet_id").is_null()).then(pl.lit("enterprise")).otherwise(pl.lit("outlet")),
        subject_id=pl.coalesce("outlet_id", "enterprise_id"),
        item_code=pl.col("pollutant_code"),
        rule=pl.format("permitted total of {}", "permit_year"),
        findings=pl.lit(1, dtype=pl.Int64),
        value=pl.col("used_kg"),
        threshold=pl.col("permitted_kg"),
        unit=pl.lit("kg"),
        first_on=pl.date(pl.col("permit_year"), 1, 1),
        last_on=pl.date(pl.col("permit_year"), 12, 31),
    )


def compared_with_quotas(
    efficiency: pl.DataFrame, products: pl.DataFrame, processes: pl.DataFrame, quotas: pl.DataFrame, since: date
) -> pl.DataFrame:
    """Energy per unit of product of every year and quota that applies: to a kind of product, or to a kind of process.

    Args:
        efficiency: `enterprise_id, process_id, product_code, metric_code, year_start_date, value, unit, state`.
        products, processes: registers with kinds and validity. quotas: rows of level `limit`, whatever their validity.

    Returns:
        One row per enterprise, year, quota and subject with `value, threshold, unit, is_above`; values in another unit are left out.
    """
    known = efficiency.filter(
        pl.col("value").is_not_null() & (pl.col("state") != State.MISSING.value) & (pl.col("year_start_date") >= since)
    )
    of_products = (
        known.filter(pl.col("process_id").is_null())
        .join(
            products.select("enterprise_id", "product_code", "product_kind", "valid_from", "valid_to"), on=["enterprise_id", "product_code"]
        )
        .filter(_holds_in_year("valid_from", "valid_to"))
        .join(quotas.filter(pl.col("process_code").is_null()).drop("process_code"), on=["metric_code", "product_kind"], suffix="_quota")
        .with_columns(subject_kind=pl.lit("product"), subject_id="product_code")
    )
    of_processes = (
        known.filter(pl.col("process_id").is_not_null())
        .join(processes.select("process_id", "process_code", "valid_from", "valid_to"), on="process_id")
        .filter(_holds_in_year("valid_from", "valid_to"))
        .join(quotas.filter(pl.col("process_code").is_not_null()), on=["metric_code", "process_code"], suffix="_quota")
        .with_columns(subject_kind=pl.lit("process"), subject_id="process_id")
    )
    columns = ["enterprise_id", "subject_kind", "subject_id", "metric_code", "year_start_date", "value", "unit", "state", "quota_id", "standard_id",
               "threshold", "unit_quota", "valid_from_quota", "valid_to_quota", "verification_status"]  # fmt: skip
    both = pl.concat(rows.rename({"value_quota": "threshold"}).select(columns) for rows in (of_products, of_processes))
    return (
        both.filter((pl.col("unit") == pl.col("unit_quota")) & _holds_in_year("valid_from_quota", "valid_to_quota"))
        .with_columns(is_above=pl.col("value") > pl.col("threshold"))
        .unique(
            ["enterprise_id", "subject_kind", "subject_id", "metric_code", "year_start_date", "quota_id", "standard_id"],
            keep="first",
            maintain_order=True,
        )
    )


def exceeded_quotas(compared: pl.DataFrame) -> pl.DataFrame:
    """Years above the limit value of a quota."""
    return _evidence(
        compared.filter("is_above"),
        trigger_code=pl.lit("energy_quota_exceeded"),
        item_code=pl.col("metric_code"),
        rule=pl.format("{} {} limit {}", "standard_id", "quota_id", pl.col("year_start_date").dt.year()),
        findings=pl.lit(1, dtype=pl.Int64),
        first_on=pl.col("year_start_date"),
        last_on=pl.col("year_start_date").dt.offset_by("1y").dt.offset_by("-1d"),
    )


def toxic_inputs(chemicals: pl.DataFrame, consumption: pl.DataFrame, toxic: pl.DataFrame) -> pl.DataFrame:
    """Listed raw materials and auxiliaries on the register of chemicals, and listed materials consumed.

    Args:
        chemicals: rows in force. consumption: `enterprise_id, item_code, quantity, unit, state, month_start_date` of the whole
        enterprise, in the months looked at. toxic: rows of reference.toxic_substance.
    """
    listed = toxic.filter(pl.col("match_kind") == "chemical").select(
        code="match_code", list_class="list_class", verification_status="verification_status"
    )
    rule = pl.format("class {} of art. 8", "list_class")
    on_site = chemicals.filter(pl.col("used_as").is_in(USED_AS_INPUT)).join(listed, left_on="substance_code", right_on="code")
    consumed = (
        consumption.filter(pl.col("quantity") > 0)
        .join(listed, left_on="item_code", right_on="code")
        .group_by("enterprise_id", "item_code", "unit", "list_class", "verification_status")
        .agg(findings=pl.len().cast(pl.Int64), value=pl.col("quantity").sum(), first_on=pl.col("month_start_date").min(),
             last_on=pl.col("month_start_date").max().dt.month_end(), state=weakest_state())
    )  # fmt: skip
    common = {"trigger_code": pl.lit("toxic_used"), "rule": rule}
    return pl.concat(
        [
            _evidence(on_site, **common, subject_kind=pl.lit("chemical_register"), subject_id=pl.col("substance_code"), item_code=pl.col("substance_code"),
                      findings=pl.lit(1, dtype=pl.Int64), value=pl.col("max_on_site_t"), unit=pl.lit("t"), first_on=pl.col("valid_from"),
                      last_on=pl.lit(None, dtype=pl.Date), state=pl.lit(State.SELF_REPORTED.value)),
            _evidence(consumed, **common, subject_kind=pl.lit("consumption"), subject_id=pl.col("enterprise_id")),
        ]
    )  # fmt: skip


def toxic_outputs(emissions: pl.DataFrame, waste: pl.DataFrame, toxic: pl.DataFrame) -> pl.DataFrame:
    """Listed pollutants discharged, workshop outlets among them, and hazardous waste generated.

    Args:
        emissions: `enterprise_id, outlet_id, pollutant_code, month_start_date, mass_kg, state` of the months looked at.
        waste: `enterprise_id, waste_code, moved_on, quantity_t, state` of hazardous waste generated in them.
    """
    columns = {"list_class": "list_class", "verification_status": "verification_status"}
    pollutants = toxic.filter(pl.col("match_kind") == "pollutant").select(pollutant_code="match_code", **columns)
    discharged = (
        emissions.filter(pl.col("mass_kg") > 0)
        .join(pollutants, on="pollutant_code")
        .group_by("enterprise_id", "outlet_id", "pollutant_code", "list_class", "verification_status")
        .agg(findings=pl.len().cast(pl.Int64), value=pl.col("mass_kg").sum(), first_on=pl.col("month_start_date").min(),
             last_on=pl.col("month_start_date").max().dt.month_end(), state=weakest_state())
    )  # fmt: skip
    codes = toxic.filter(pl.col("match_kind") == "waste").select("match_code", **columns)
    generated = (
        waste.filter(pl.col("quantity_t") > 0)
        .join(codes, how="cross")
        .filter((pl.col("match_code") == "*") | (pl.col("match_code") == pl.col("waste_code")))
        .sort("match_code", descending=True)
        .group_by("enterprise_id", "waste_code", maintain_order=True)
        .agg(findings=pl.len().cast(pl.Int64), value=pl.col("quantity_t").sum(), first_on=pl.col("moved_on").min(), last_on=pl.col("moved_on").max(),
             state=weakest_state(), list_class=pl.col("list_class").first(), verification_status=pl.col("verification_status").first())
    )  # fmt: skip
    rule = pl.format("class {} of art. 8", "list_class")
    return pl.concat(
        [
            _evidence(discharged, trigger_code=pl.lit("toxic_discharged"), rule=rule, subject_kind=pl.lit("outlet"),
                      subject_id=pl.coalesce("outlet_id", "enterprise_id"), item_code=pl.col("pollutant_code"), unit=pl.lit("kg")),
            _evidence(generated, trigger_code=pl.lit("toxic_discharged"), rule=rule, subject_kind=pl.lit("waste_ledger"),
                      subject_id=pl.col("enterprise_id"), item_code=pl.col("waste_code"), unit=pl.lit("t")),
        ]
    )  # fmt: skip


def _evidence(rows: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    """Rows as EVIDENCE: a column is an expression, one of the rows', or null."""
    made = rows.with_columns(**columns)
    return made.select((pl.col(name) if name in made.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in EVIDENCE.items())


def _holds_in_year(valid_from: str, valid_to: str) -> pl.Expr:
    """Whether a row holds on the last day of the figure's year."""
    last = pl.col("year_start_date").dt.offset_by("1y").dt.offset_by("-1d")
    return (pl.col(valid_from) <= last) & (pl.col(valid_to).is_null() | (pl.col(valid_to) > last))


def weakest_state() -> pl.Expr:
    """The weakest state among a group's rows."""
    order = (State.SELF_REPORTED, State.ESTIMATED, State.SUBSTITUTED, State.STOPPED, State.MEASURED)
    rank = pl.col("state").replace_strict({state.value: at for at, state in enumerate(order)}, default=None, return_dtype=pl.Int64).min()
    return rank.replace_strict({at: state.value for at, state in enumerate(order)}, default=None, return_dtype=pl.String)
