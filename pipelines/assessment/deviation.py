"""How far a declaration is from what was monitored, what a balance gives and what statistics say: ratios, classes, and who stands alone.

Pure functions over rows that have `s_value, m_value, m_is_whole, b_value, statistics_value`. Bounds are rows of
reference.reconciliation_class; where the figures come from, and how a deviation is settled, stands in `reconciliation`.
"""

import polars as pl

from pipelines.contracts.states import State

NOT_REPORTED = "-"
"""Report kind of a row that is monitored and that nobody declared."""

_NEAR = 1e-9
"""A ratio of floats that is a bound by hand may miss it by its last bits."""
_PAIRS = {"s_over_m": ("s_value", "m_value"), "m_over_b": ("m_value", "b_value"), "s_over_b": ("s_value", "b_value")}
_RATIOS = _PAIRS | {"s_over_statistics": ("s_value", "statistics_value")}


def deviations(rows: pl.DataFrame) -> pl.DataFrame:
    """S/M − 1, M/B − 1, S/B − 1, S/statistics − 1; null where one is not known, or where it is divided by 0.

    What was monitored for a part of the period only is compared where even that is more than was declared.
    """
    m_counts = pl.col("m_is_whole") | (pl.col("s_value") < pl.col("m_value")).fill_null(False)
    usable = {"s_over_m": m_counts, "m_over_b": pl.col("m_is_whole")}
    return rows.with_columns(
        pl.when((pl.col(below) != 0) & usable.get(name, pl.lit(True))).then(pl.col(above) / pl.col(below) - 1).alias(name)
        for name, (above, below) in _RATIOS.items()
    )


def classified(rows: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """Class and direction of each declaration, by its deviation from what was monitored, else from the balance, else from the statistics.

    What was monitored for a part of the period only is a lower bound: less than that was under-declared, whatever the rest; more proves
    nothing. Of 0 against something there is no ratio, and no bound that it keeps.

    Args:
        rows: from deviations, with `m_is_whole`. classes: rows of reference.reconciliation_class in force.

    Returns:
        rows with `compared_with, deviation, direction, class, weighted_deviation`.
    """
    has_m = pl.col("m_value").is_not_null() & (pl.col("m_is_whole") | (pl.col("s_value") < pl.col("m_value")))
    compared = (
        pl.when(pl.col("s_value").is_null())
        .then(pl.lit(None, dtype=pl.String))
        .when(has_m)
        .then(pl.lit("monitored"))
        .when(pl.col("b_value").is_not_null())
        .then(pl.lit("balance"))
        .when(pl.col("statistics_value").is_not_null())
        .then(pl.lit("statistics"))
    )
    rows = rows.with_columns(compared_with=compared).with_columns(
        _of_compared({"monitored": "m_value", "balance": "b_value", "statistics": "statistics_value"}).alias("other"),
        _of_compared({"monitored": "s_over_m", "balance": "s_over_b", "statistics": "s_over_statistics"}).alias("deviation"),
    )
    direction = (
        pl.when(pl.col("s_value") < pl.col("other"))
        .then(pl.lit("under"))
        .when(pl.col("s_value") > pl.col("other"))
        .then(pl.lit("over"))
        .otherwise(pl.lit("none"))
    )
    rows = rows.with_columns(direction=pl.when(pl.col("compared_with").is_not_null()).then(direction))
    size = pl.when((pl.col("other") == 0) & (pl.col("s_value") != 0)).then(float("inf")).otherwise(pl.col("deviation").abs().fill_null(0.0))
    rows = rows.with_columns(size=pl.when(pl.col("compared_with").is_not_null()).then(size))
    found = pl.lit(None, dtype=pl.String)
    weight = pl.lit(None, dtype=pl.Float64)
    for row in classes.sort("direction", "deviation_from").iter_rows(named=True):
        same_side = pl.col("direction").is_in([row["direction"], "none"])
        # A bound belongs to the milder class, and nothing at all is within the mildest.
        above = (pl.col("size") > row["deviation_from"] + _NEAR) | (row["deviation_from"] == 0)
        below = pl.lit(True) if row["deviation_to"] is None else pl.col("size") <= row["deviation_to"] + _NEAR
        found = pl.when(same_side & above & below).then(pl.lit(row["class_code"])).otherwise(found)
        weight = pl.when(same_side & above & below).then(pl.lit(row["weight"])).otherwise(weight)
    named = (
        pl.when(pl.col("report_kind") == NOT_REPORTED)
        .then(pl.lit("not_reported"))
        .when(pl.col("s_state") == State.MISSING.value)
        .then(pl.lit("missing_report"))
        .when(pl.col("compared_with").is_null())
        .then(pl.lit("not_comparable"))
        .otherwise(found)
    )
    return rows.with_columns(**{"class": named, "weighted_deviation": pl.col("deviation").abs() * weight}).drop("other", "size")


def _of_compared(columns: dict[str, str]) -> pl.Expr:
    """The column that belongs to what a row is compared with."""
    return pl.coalesce(pl.when(pl.col("compared_with") == word).then(pl.col(name)) for word, name in columns.items())


def with_outliers(rows: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """Which of three figures stands alone: of those whose others agree within the bounds of `consistent`.

    Two figures that differ do not say which is wrong; three of which no two agree do not either.
    """
    bounds = classes.filter(pl.col("class_code") == "consistent")
    limit = {row["direction"]: row["deviation_to"] + _NEAR for row in bounds.iter_rows(named=True)}

    def agree(name: str) -> pl.Expr:
        above, below = _PAIRS[name]
        both_zero = (pl.col(above) == 0) & (pl.col(below) == 0)
        within = pl.when(pl.col(name) < 0).then(pl.col(name) >= -limit.get("under", 0.0)).otherwise(pl.col(name) <= limit.get("over", 0.0))
        known = pl.col(above).is_not_null() & pl.col(below).is_not_null()
        if "m_value" in (above, below):
            known &= pl.col("m_is_whole")
        return pl.when(known).then(both_zero | within.fill_null(False))

    pairs = {name: agree(name) for name in _PAIRS}
    rows = rows.with_columns(**{f"{name}_agree": pair for name, pair in pairs.items()})
    sm, mb, sb = (pl.col(f"{name}_agree") for name in _PAIRS)
    three = sm.is_not_null() & mb.is_not_null() & sb.is_not_null()
    outlier = (
        pl.when(three & (sm.cast(pl.Int8) + mb.cast(pl.Int8) + sb.cast(pl.Int8) == 1))
        .then(pl.when(mb).then(pl.lit("self_report")).when(sb).then(pl.lit("monitored")).otherwise(pl.lit("balance")))
        .when(
            pl.coalesce(sm, True) & pl.coalesce(mb, True) & pl.coalesce(sb, True) & (sm.is_not_null() | mb.is_not_null() | sb.is_not_null())
        )
        .then(pl.lit("none"))
        .when(sm.is_not_null() | mb.is_not_null() | sb.is_not_null())
        .then(pl.lit("undetermined"))
    )
    return rows.with_columns(outlier=outlier).drop(f"{name}_agree" for name in _PAIRS)
