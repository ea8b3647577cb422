"""Frames for the methods about measures: rows from what a test cares about, the rest filled in; shipped standards as reference tables."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from pipelines.assessment.method import Context, Method
from pipelines.contracts.records import RECORD_TYPES
from pipelines.contracts.standards import Standards

TODAY = date(2026, 1, 20)


_CONTEXTS: dict[tuple[int, date], Context] = {}


def context(standards: Standards, today: date = TODAY) -> Context:
    """One a day and standards, with its units: a registry of units takes half a second to make."""
    made = _CONTEXTS.setdefault((id(standards), today), Context("P", today, standards))
    if others := [other for (of, _), other in _CONTEXTS.items() if of == id(standards) and other is not made]:
        made.__dict__.setdefault("units", others[0].units)
    return made


def rows(record: str, *given: dict[str, Any]) -> pl.DataFrame:
    """Rows of a record type as its staging view has them."""
    schema = {column.name: column.dtype for column in RECORD_TYPES[record].columns}
    return pl.DataFrame([dict.fromkeys(schema) | row for row in given], schema=schema, orient="row")


def reference(
    standards: Standards, seed: str, numbers: tuple[str, ...] = (), counts: tuple[str, ...] = (), flags: tuple[str, ...] = ()
) -> pl.DataFrame:
    """A shipped seed as dbt's reference table has it."""
    return standards.seed(seed).with_columns(
        pl.col("valid_from", "valid_to").str.to_date(),
        pl.lit("base").alias("origin"),
        *(pl.col(name).cast(pl.Float64) for name in numbers),
        *(pl.col(name).cast(pl.Int64) for name in counts),
        *((pl.col(name) == "true").alias(name) for name in flags),
    )


def economic_parameters(standards: Standards) -> pl.DataFrame:
    return reference(standards, "economic_parameters", ("investment_from_cny", "investment_to_cny", "value", "value_low"))


def mv_rules(standards: Standards) -> pl.DataFrame:
    return reference(standards, "mv_rule_sets", ("value", "confidence"), ("post_months_from", "post_months_to"), ("decides",))


def technologies(standards: Standards) -> pl.DataFrame:
    return reference(standards, "technologies", ("saving_share_low", "saving_share_high", "payback_years_low", "payback_years_high"))


def read(method: Method, **frames: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Frames as the assembly hands them over: the columns that the method names, in its order."""
    assert set(frames) == set(method.reads), set(frames) ^ set(method.reads)
    return {name: frame.select(method.reads[name].columns) for name, frame in frames.items()}


# -- series ----------------------------------------------------------------------------------------------------------------------------

QUANTITIES = {
    "point_id": pl.String, "parameter_code": pl.String, "period_start": pl.Date, "period_end": pl.Date, "quantity": pl.Float64, "measured_quantity": pl.Float64,
    "mean_value": pl.Float64, "hours_covered": pl.Float64, "hours_expected": pl.Float64, "unit": pl.String, "basis": pl.String,
}  # fmt: skip


def metered(
    point_id: str, parameter_code: str, by_month: dict[date, float], unit: str = "MWh", covered: float = 1.0, basis: str = "day"
) -> pl.DataFrame:
    """A month's quantity in even days, of which a share has arrived and the rest has not."""
    made = []
    for month, quantity in by_month.items():
        days = pl.date_range(month, month.replace(day=28), eager=True).dt.month_end()[0].day
        arrived = round(days * covered)
        made += [
            {
                "point_id": point_id, "parameter_code": parameter_code, "period_start": month + timedelta(days=day), "period_end": month + timedelta(days=day + 1),
                "quantity": quantity / days, "measured_quantity": quantity / days, "hours_covered": 24.0, "hours_expected": 24.0, "unit": unit, "basis": basis,
            }
            for day in range(arrived)
        ]  # fmt: skip
    return pl.DataFrame(made, schema=QUANTITIES)


def daily(point_id: str, parameter_code: str, first: date, values: list[float], unit: str = "MWh", is_mean: bool = False) -> pl.DataFrame:
    made = [
        {
            "point_id": point_id, "parameter_code": parameter_code, "period_start": first + timedelta(days=at), "period_end": first + timedelta(days=at + 1),
            "quantity": None if is_mean else value, "measured_quantity": None if is_mean else value, "mean_value": value if is_mean else None,
            "hours_covered": 24.0, "hours_expected": 24.0, "unit": unit, "basis": "mean" if is_mean else "day",
        }
        for at, value in enumerate(values)
    ]  # fmt: skip
    return pl.DataFrame(made, schema=QUANTITIES)


def produced(product_code: str, by_month: dict[date, float | None], enterprise_id: str = "E1", unit: str = "t") -> pl.DataFrame:
    made = [
        {
            "enterprise_id": enterprise_id, "product_code": product_code, "month_start_date": month, "quantity": quantity, "unit": unit,
            "completeness_share": None if quantity is None else 1.0, "state": "missing" if quantity is None else "self_reported",
        }
        for month, quantity in by_month.items()
    ]  # fmt: skip
    schema = {
        "enterprise_id": pl.String, "product_code": pl.String, "month_start_date": pl.Date, "quantity": pl.Float64, "unit": pl.String,
        "completeness_share": pl.Float64, "state": pl.String,
    }  # fmt: skip
    return pl.DataFrame(made, schema=schema)


CONSUMPTION = {
    "enterprise_id": pl.String, "process_id": pl.String, "item_code": pl.String, "month_start_date": pl.Date, "quantity": pl.Float64, "unit": pl.String,
    "measured_share": pl.Float64, "completeness_share": pl.Float64,
}  # fmt: skip
EMISSION = {
    "outlet_id": pl.String, "pollutant_code": pl.String, "month_start_date": pl.Date, "mass_kg": pl.Float64, "measured_kg": pl.Float64, "completeness_share": pl.Float64,
}  # fmt: skip


def consumed(item_code: str, by_month: dict[date, float], enterprise_id: str = "E1", unit: str = "t") -> pl.DataFrame:
    made = [
        {"enterprise_id": enterprise_id, "process_id": None, "item_code": item_code, "month_start_date": month, "quantity": quantity, "unit": unit,
         "measured_share": 1.0, "completeness_share": 1.0}
        for month, quantity in by_month.items()
    ]  # fmt: skip
    return pl.DataFrame(made, schema=CONSUMPTION)


def discharged(outlet_id: str, pollutant_code: str, by_month: dict[date, float], share: float = 1.0) -> pl.DataFrame:
    """A part of an outlet's mass, as it stands with one of the enterprises that bear it."""
    made = [
        {"outlet_id": outlet_id, "pollutant_code": pollutant_code, "month_start_date": month, "mass_kg": mass * share, "measured_kg": mass * share, "completeness_share": 1.0}
        for month, mass in by_month.items()
    ]  # fmt: skip
    return pl.DataFrame(made, schema=EMISSION)


def months(first: date, values: list[float]) -> dict[date, float]:
    """Values of consecutive months."""
    start = first.year * 12 + first.month - 1
    return {date((start + at) // 12, (start + at) % 12 + 1, 1): value for at, value in enumerate(values)}
