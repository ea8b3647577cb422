"""Parameters of the methods: bounds, marks and efforts that stand in the standards and are no thresholds of an index system.

What a parameter is used for stands with its method; no default stands here.
"""

from datetime import date

import polars as pl

from pipelines.assessment.in_force import in_force
from pipelines.assessment.method import Source
from pipelines.contracts.standards import Standards

EVERYTHING = "*"
PARAMETERS = Source.of("reference.method_parameter", "method, parameter, scope, value, origin, valid_from, valid_to")
PARAMETER = pl.Schema(
    {
        "method": pl.String(), "parameter": pl.String(), "scope": pl.String(), "value": pl.Float64(), "origin": pl.String(),
        "valid_from": pl.Date(), "valid_to": pl.Date(),
    }
)  # fmt: skip


def rows_of_standards(standards: Standards) -> pl.DataFrame:
    """The rows of method_parameters, the seed's and the park's own, as `reference.method_parameter` has them."""
    named = {"base": standards.base["method_parameters"], "park": standards.own("method_parameters")}
    rows = pl.concat([frame.with_columns(origin=pl.lit(origin)) for origin, frame in named.items()])
    return rows.with_columns(pl.col("value").cast(pl.Float64), pl.col("valid_from", "valid_to").str.to_date()).select(PARAMETER.names())


def parameters(rows: pl.DataFrame, method: str, on: date) -> dict[tuple[str, str], float]:
    """Value by (parameter, scope) of one method; the park's own rows go before the seed's."""
    of_method = in_force(rows.filter(pl.col("method") == method), on, ["parameter", "scope"])
    return {(row["parameter"], row["scope"]): row["value"] for row in of_method.iter_rows(named=True)}


def parameter(rows: pl.DataFrame, method: str, name: str, on: date) -> float:
    """The value that holds for everything.

    Raises KeyError, naming the seed and what is lacking in it, when none holds on the date.
    """
    found = parameters(rows, method, on)
    if (name, EVERYTHING) not in found:
        known = ", ".join(sorted({parameter for parameter, _ in found})) or "nothing"
        raise KeyError(f"method_parameters.csv has no {name!r} of method {method!r} that holds on {on}; it has {known}")
    return found[(name, EVERYTHING)]
