"""Every method reads tables and columns that somebody declares."""

from functools import cache

import pytest
import yaml

from pipelines.assessment.method import Source
from pipelines.assessment.methods import METHODS
from tests.assessment.frames import PROJECT, UNTYPED, schema_of

SOURCES = sorted({source for method in METHODS for source in method.reads.values()}, key=lambda source: (source.table, source.columns))
WAITED_FOR = {"marts.permit_total_progress", "reference.audit_phase", "intermediate.int_enterprise_compliance_monthly"}
"""Tables of other parts of the project, agreed on by their columns."""


@cache
def columns_of_models() -> dict[str, set[str]]:
    """Columns that the yml of each dbt model describes, by name."""
    found: dict[str, set[str]] = {}
    for path in (PROJECT / "models").rglob("*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            found[model["name"]] = {column["name"] for column in model.get("columns", [])}
    return found


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.table)
def test_what_is_read_is_declared(source: Source) -> None:
    schema, name = source.table.split(".")
    described = columns_of_models().get(name)
    if schema in ("marts", "reference", "intermediate", "staging") and described is not None:
        assert set(source.columns) <= described, f"{source.table} has no {sorted(set(source.columns) - described)}"
    elif schema not in ("assessment", "audit"):
        assert source.table in WAITED_FOR
    schema_of(source)


def test_hand_written_columns_are_the_models_own() -> None:
    for table, columns in UNTYPED.items():
        described = columns_of_models().get(table.split(".")[1])
        if described is not None:
            assert {word.partition(":")[0] for word in columns.split()} <= described, table


def test_a_result_is_read_only_behind_the_method_that_makes_it() -> None:
    made: set[str] = set()
    for method in METHODS:
        read = {source.table for source in method.reads.values() if source.table.startswith("assessment.")}
        assert read <= made, f"{method.name} stands before what it reads: {sorted(read - made)}"
        made |= {result.latest.qualified for result in method.results}
