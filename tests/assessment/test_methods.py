"""Every method that is entered: what it reads is there to be read, and what it writes is described."""

from functools import cache

import pytest
import yaml

from pipelines.assessment.method import Method
from pipelines.assessment.methods import METHODS
from pipelines.warehouse.tables import TABLES
from tests.assessment.conftest import SEEDS

MODELS = SEEDS.parent / "models"


@cache
def columns_of_tables() -> dict[str, set[str]]:
    """Columns by `schema.table`: of the warehouse's own tables, and of models as dbt's descriptions have them."""
    found = {table.qualified: {column.name for column in table.columns} for table in TABLES}
    for path in MODELS.rglob("*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models") or []:
            schema = path.relative_to(MODELS).parts[0]
            found[f"{schema}.{model['name']}"] = {column["name"] for column in model.get("columns") or []}
    return found


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_method_reads_what_there_is(method: Method) -> None:
    # its own tables too: what the last build left in them
    so_far = METHODS[: METHODS.index(method) + 1]
    computed = {result.latest.qualified: set(result.schema) for each in so_far for result in each.results}
    known = columns_of_tables() | computed
    for name, source in method.reads.items():
        assert source.table in known, f"{method.name} reads {name} from {source.table}, which neither dbt nor a method before it makes"
        lacking = set(source.columns) - known[source.table]
        assert not lacking, f"{method.name} reads {name} from {source.table}, which has no {', '.join(sorted(lacking))}"


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_method_says_what_it_writes(method: Method) -> None:
    for result in method.results:
        assert result.grain.startswith("One row per ")
        assert not result.grain.endswith(".")
        for column in (*result.key, *result.columns):
            assert column.description.endswith("."), f"{result.name}.{column.name}"


def test_no_two_methods_write_one_table() -> None:
    names = [result.name for method in METHODS for result in method.results]
    assert len(names) == len(set(names))
