"""What methods are given in tests that only care about a few frames: the shipped standards, the rows of the test, and nothing else."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any

import polars as pl

from pipelines.assessment.method import Method, Outcome, Source
from pipelines.contracts.standards import Standards, load_standards
from tests.assessment import frames as typed
from tests.assessment.conftest import SEEDS

PARK = "P"
Rows = Iterable[Mapping[str, Any]]


@cache
def standards_as_shipped() -> Standards:
    """For properties: a fixture would be written out with every example that fails."""
    return load_standards(SEEDS)


def shipped(source: Source, standards: Standards) -> pl.DataFrame:
    """A reference table as dbt makes it of its seed."""
    return typed.reference(standards, source, _seed_of(source, standards))


def _seed_of(source: Source, standards: Standards) -> str:
    name = source.table.removeprefix("reference.")
    return next(seed for seed in standards.names if seed in (name, f"{name}s"))


def frames(method: Method, standards: Standards, given: Mapping[str, Rows | pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Every frame of a method: what is given, the shipped standards, and nothing else."""
    seeds = {name: _seed_of(source, standards) for name, source in method.reads.items() if source.table.startswith("reference.")}
    return typed.frames(method, standards, seeds, **given)


def run(method: Method, standards: Standards, today: date, given: Mapping[str, Rows | pl.DataFrame]) -> Outcome:
    """Run a method on what is given, and see that what it returns fits its tables."""
    return typed.run(method, frames(method, standards, given), today, standards)
