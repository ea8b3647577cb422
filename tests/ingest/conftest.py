import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.settings import Settings
from pipelines.warehouse.connection import open_warehouse
from tests.ingest.depot import Depot, make_settings
from tests.ingest.park import Park


@pytest.fixture(scope="session")
def empty_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with all tables and nothing in them: copying it is ten times faster than making it."""
    settings = make_settings(tmp_path_factory.mktemp("template"))
    with open_warehouse(settings):
        pass
    return settings.warehouse


@pytest.fixture
def home(tmp_path: Path, empty_warehouse: Path) -> Settings:
    settings = make_settings(tmp_path)
    shutil.copy(empty_warehouse, settings.warehouse)
    return settings


@pytest.fixture
def depot(home: Settings) -> Iterator[Depot]:
    with open_warehouse(home) as con:
        yield Depot(home, con)


@pytest.fixture
def park(home: Settings) -> Iterator[Park]:
    with open_warehouse(home) as con:
        yield Park(home, con)
