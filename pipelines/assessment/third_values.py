"""A third figure beside what is declared and what is monitored: a balance or a coefficient (物料衡算、产排污系数).

What a declaration that names such a method says, what the methods by the standards estimate (marts.emission_method), what a balance of water or
of a metal leaves for the discharge when everything else is known, and what the other lines of a waste ledger add up to. Pure functions, frame in and frame out.
"""

import polars as pl

from pipelines.assessment.monitored import WASTEWATER

BALANCE_METHODS = ("material_balance", "balance", "coefficient", "emission_factor")
"""Methods of a declaration that make it a balance: the auditor's, or the enterprise's own on another form."""
ESTIMATED_BY = ("material_balance", "emission_factor")
"""Methods of marts.emission_method that are a third figure, the first that is there goes first."""
DISCHARGE = "waste_water"
"""Stream that a balance leaves over."""
KEY = ("subject_kind", "subject_id", "item_code", "medium", "period_start", "period_end")
VALUES = pl.Schema(
    {
        "subject_kind": pl.String(), "subject_id": pl.String(), "item_code": pl.String(), "medium": pl.String(), "period_start": pl.Date(),
        "period_end": pl.Date(), "b_value": pl.Float64(), "b_unit": pl.String(), "b_uncertainty": pl.Float64(), "b_method": pl.String(),
        "choice": pl.Int64(),
    }
)  # fmt: skip


def left_by_balances(balances: pl.DataFrame, streams: pl.DataFrame, rules: pl.DataFrame) -> pl.DataFrame:
    """Discharge to water that a balance leaves: Σ in − Σ out but for the discharge itself. A plug is in no sum.

    Only where nothing else is missing: a balance without evaporation leaves evaporation too.

    Args:
        balances: `subject_kind, subject_id, period_type, period_start, period_end, balance_kind, component, missing_streams` of
            assessment.balance. streams: its streams. rules: rows of reference.balance_stream, for the pollutant behind a component.

    Returns:
        VALUES: of a metal in kg, of water in m3.
    """
    key = ["subject_kind", "subject_id", "period_type", "period_start", "period_end", "balance_kind", "component"]
    lacks_more = pl.col("missing_streams").list.eval(~pl.element().str.starts_with(DISCHARGE)).list.any()
    usable = balances.filter((pl.col("subject_kind") == "enterprise") & ~lacks_more)
    counted = streams.filter(pl.col("amount").is_not_null() & ~pl.col("is_plug") & (pl.col("stream_id") != DISCHARGE))
    sign = pl.when(pl.col("side") == "in").then(1.0).otherwise(-1.0)
    left = (
        counted.join(usable.select(key), on=key, how="semi")
        .group_by(key)
        .agg(
            left=(pl.col("amount") * sign).sum(),
            uncertainty=pl.when(pl.col("uncertainty").is_not_null().all()).then(pl.col("uncertainty").pow(2).sum().sqrt()),
            has_input=(pl.col("side") == "in").any(),
        )
        .filter("has_input")
    )
    discharges = rules.filter(pl.col("stream_id") == DISCHARGE)
    metals = discharges.filter((pl.col("source") == "emission_water") & (pl.col("item_code") != "*")).select(
        "component", "scale", pollutant="item_code"
    )
    of_metals = left.join(metals.unique(), on="component").with_columns(
        item_code="pollutant",
        b_value=pl.col("left") / pl.col("scale"),
        b_uncertainty=pl.col("uncertainty") / pl.col("scale"),
        b_unit=pl.lit("kg"),
    )
    of_water = left.filter((pl.col("balance_kind") == "water") & (pl.col("component") == "water")).with_columns(
        item_code=pl.lit(WASTEWATER), b_value="left", b_uncertainty="uncertainty", b_unit=pl.lit("m3")
    )
    made = {"medium": pl.lit("water"), "b_method": pl.format("balance of {}", "component"), "choice": pl.lit(3)}
    # Two kinds of period may cover the same days: their balances rest on the same figures.
    return pl.concat(_as_values(frame, **made) for frame in (of_metals, of_water)).unique(list(KEY), keep="first", maintain_order=True)


def declared_balances(reports: pl.DataFrame) -> pl.DataFrame:
    """Declarations that name a balance or a coefficient as their method, all report kinds; of several the audit form's goes first."""
    named = reports.filter(pl.col("method_code").is_in(BALANCE_METHODS) & pl.col("value").is_not_null())
    summed = named.group_by(*KEY, "report_kind", "unit").agg(value=pl.col("value").sum(), method=pl.col("method_code").first())
    ranked = summed.sort(pl.col("report_kind") != "audit_form", "report_kind").unique(list(KEY), keep="first", maintain_order=True)
    return _as_values(
        ranked, b_value=pl.col("value"), b_unit=pl.col("unit"), b_method=pl.format("{} of {}", "method", "report_kind"), choice=pl.lit(1)
    )


def estimated(estimates: pl.DataFrame) -> pl.DataFrame:
    """Balances and coefficients by the standards, of outlets and of the enterprises that have no other; a balance before a coefficient.

    Args:
        estimates: rows of marts.emission_method: `enterprise_id, outlet_id, medium, pollutant_code, period_start, period_end, method_code,
            mass_kg, uncertainty`.
    """
    rows = estimates.filter(pl.col("method_code").is_in(ESTIMATED_BY) & pl.col("mass_kg").is_not_null()).sort(
        pl.col("method_code").replace_strict({method: rank for rank, method in enumerate(ESTIMATED_BY)}, return_dtype=pl.Int64)
    )
    made = {
        "item_code": pl.col("pollutant_code"), "b_value": pl.col("mass_kg"), "b_unit": pl.lit("kg"), "b_uncertainty": pl.col("uncertainty"),
        "b_method": pl.col("method_code"), "choice": pl.lit(2),
    }  # fmt: skip
    of_outlets = rows.drop_nulls("outlet_id").with_columns(subject_kind=pl.lit("outlet"), subject_id="outlet_id")
    # An estimate is always one of the whole enterprise; it stands at an outlet where there is one only.
    of_enterprises = rows.with_columns(subject_kind=pl.lit("enterprise"), subject_id="enterprise_id")
    return pl.concat(_as_values(frame, **made) for frame in (of_outlets, of_enterprises)).unique(
        list(KEY), keep="first", maintain_order=True
    )


def of_ledgers(books: pl.DataFrame) -> pl.DataFrame:
    """What the other lines of a waste ledger add up to, from `monitored.ledgers`."""
    known = books.drop_nulls("balance_t")
    return _as_values(known, b_value=pl.col("balance_t"), b_unit=pl.lit("t"), b_method=pl.lit("book of the waste ledger"), choice=pl.lit(4))


def chosen(*values: pl.DataFrame) -> pl.DataFrame:
    """One figure per subject, item and period: a declared balance before an estimate, this before what a balance leaves over."""
    return pl.concat(values).sort("choice", maintain_order=True).unique(list(KEY), keep="first", maintain_order=True).drop("choice")


def _as_values(rows: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    made = rows.with_columns(**columns)
    return made.select((pl.col(name) if name in made.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in VALUES.items())
