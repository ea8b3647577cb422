"""Fixtures of the dbt tests: a warehouse with seeds loaded and staging in place, copied for each test."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.transform import known_park as known
from tests.transform.harness import ZONE, Warehouse


@pytest.fixture(scope="session")
def dbt_target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One target folder for the whole session: the project is parsed once."""
    return tmp_path_factory.mktemp("dbt_target")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, dbt_target: Path) -> Path:
    """An empty warehouse with all seeds and staging views: what every test starts from."""
    warehouse = Warehouse(tmp_path_factory.mktemp("template") / "warehouse.duckdb", dbt_target).create()
    warehouse.dbt("build", "--select", "resource_type:seed", "path:models/staging", "--exclude-resource-type", "test", "unit_test")
    # what a child process leaves in the write-ahead log would not be copied
    warehouse.execute("checkpoint")
    return warehouse.path


@pytest.fixture
def make_warehouse(template: Path, dbt_target: Path, tmp_path: Path) -> Iterator[Callable[..., Warehouse]]:
    """Warehouses of this test, each a copy of the template."""
    made = 0

    def make(zone: str = ZONE, **variables: object) -> Warehouse:
        nonlocal made
        made += 1
        # One name for all: dbt calls the database by its file, and views carry that name.
        path = tmp_path / str(made) / "warehouse.duckdb"
        path.parent.mkdir()
        shutil.copyfile(template, path)
        return Warehouse(path, dbt_target, zone=zone, variables=dict(variables))

    yield make


@pytest.fixture
def warehouse(make_warehouse: Callable[..., Warehouse]) -> Warehouse:
    return make_warehouse()


@pytest.fixture(scope="session")
def known_park(template: Path, dbt_target: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The park of tests/transform/known_park.py with all enterprise and park models built: to be read, never changed."""
    path = tmp_path_factory.mktemp("known_park") / "warehouse.duckdb"
    shutil.copyfile(template, path)
    return known.built(path, dbt_target)


@pytest.fixture(scope="session")
def make_copy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Warehouse], Warehouse]:
    """A copy of a built warehouse, to be changed and built again."""

    def copy(warehouse: Warehouse) -> Warehouse:
        warehouse.execute("checkpoint")
        path = tmp_path_factory.mktemp("copy") / "warehouse.duckdb"
        shutil.copyfile(warehouse.path, path)
        return Warehouse(
            path, warehouse.target_path, zone=warehouse.zone, received_at=warehouse.received_at, variables=dict(warehouse.variables)
        )

    return copy
