"""Frames for the methods about measures: rows from what a test cares about, the rest filled in; shipped standards as reference tables."""

from datetime import date
from typing import Any

import polars as pl

from pipelines.assessment.method import Context, Method
from pipelines.contracts.records import RECORD_TYPES
from pipelines.contracts.standards import Standards

TODAY = date(2026, 1, 20)


def context(standards: Standards, today: date = TODAY) -> Context:
    return Context("P", today, standards)


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
