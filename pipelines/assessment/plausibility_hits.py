"""What the rules of plausibility share: a hit, and how hits of days in a row become one finding.

A hit is a day (or a month) of a place on which what a rule compares stands beyond its threshold. Which days are hits is decided
in `plausibility_channels` and `plausibility_outlets`, what a finding says in `plausibility`.
"""

from datetime import date

import polars as pl

from pipelines.contracts.standards import StandardsError, StandardsProblem

PLACE = ("place_kind", "place_id", "other_place_id", "parameter_code", "statistic", "source_kind")
NOTHING = "-"
"""Stands in a key where there is no other place, or where a rule looks at no single parameter or statistic."""
HIT = pl.Schema(
    {
        **dict.fromkeys(PLACE, pl.String()),
        "enterprise_id": pl.String(), "outlet_id": pl.String(), "period_start": pl.Date(), "period_end": pl.Date(), "value": pl.Float64(),
        "observed": pl.Float64(), "expected": pl.Float64(), "unit": pl.String(), "rows": pl.Int64(),
    }
)  # fmt: skip
_ORDERS = {
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
}


def beyond(value: pl.Expr, rule: dict) -> pl.Expr:
    """Whether a value stands to the rule's threshold as its operator says; unknown values do not.

    Raises StandardsError when the rule has no such operator.
    """
    if rule["operator"] not in _ORDERS:
        wanted = f"{rule['rule_id']}: must be one of {', '.join(_ORDERS)}"
        raise StandardsError([StandardsProblem("plausibility_rules", None, "operator", str(rule["operator"]), wanted)])
    return _ORDERS[rule["operator"]](value, rule["threshold"]).fill_null(False)


def hits(days: pl.DataFrame, kind: str, /, **columns: pl.Expr) -> pl.DataFrame:
    """Rows of days as hits of their place: a point with its parameter, statistic and way, or an outlet with its pollutant."""
    outlet = kind == "outlet"
    given = {
        "place_kind": pl.lit(kind),
        "place_id": pl.col("outlet_id" if outlet else "point_id"),
        "other_place_id": pl.lit(NOTHING),
        "parameter_code": pl.col("pollutant_code" if outlet else "parameter_code"),
        "statistic": pl.lit(NOTHING) if outlet else pl.col("statistic"),
        "source_kind": pl.lit(NOTHING) if outlet else pl.col("source_kind"),
        "enterprise_id": pl.col("enterprise_id"),
        "outlet_id": pl.col("outlet_id"),
        "period_start": pl.col("local_date"),
        "period_end": pl.col("local_date").dt.offset_by("1d"),
        "observed": pl.lit(None),
        "expected": pl.lit(None),
        "unit": pl.col("unit"),
    }
    return days.select(expression.cast(HIT[name]).alias(name) for name, expression in {**given, **columns}.items()).select(HIT.names())


def months(rows: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Rows of days with the month they lie in, whole months between the two dates alone."""
    return rows.with_columns(month=pl.col("local_date").dt.truncate("1mo")).filter(
        (pl.col("month") >= first) & (pl.col("month").dt.offset_by("1mo") <= pl.lit(last).dt.offset_by("1d"))
    )


def of_month() -> dict[str, pl.Expr]:
    """The period of a hit whose row is a month."""
    return {"period_start": pl.col("month"), "period_end": pl.col("month").dt.offset_by("1mo")}


def in_a_row(found: pl.DataFrame, rule: dict) -> pl.DataFrame:
    """Hits that follow each other without a day between them as one; runs shorter than the rule's `extent` in days go.

    The value that stands farthest beyond the threshold speaks for the run, and what was observed and expected with it.
    """
    farthest = "min" if (rule["operator"] or "").startswith("<") else "max"
    at = getattr(pl.col("value"), f"arg_{farthest}")()
    runs = (
        found.sort(*PLACE, "period_start")
        .with_columns(begins=(pl.col("period_start") != pl.col("period_end").shift(1).over(PLACE)).fill_null(True))
        .with_columns(run=pl.col("begins").cast(pl.Int64).cum_sum().over(PLACE))
        .group_by(*PLACE, "run", maintain_order=True)
        .agg(
            pl.col("enterprise_id", "outlet_id", "unit").drop_nulls().last(),
            pl.col("period_start").min(),
            pl.col("period_end").max(),
            *(pl.col(name).get(at) for name in ("value", "observed", "expected")),
            pl.col("rows").sum(),
        )
    )
    shortest = rule["extent"] if rule["extent_unit"] == "d" else 1
    return runs.filter((pl.col("period_end") - pl.col("period_start")).dt.total_days() >= shortest).select(HIT.names())
