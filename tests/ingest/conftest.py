from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.warehouse.connection import open_warehouse
from tests.ingest.depot import Depot, make_settings


@pytest.fixture
def depot(tmp_path: Path) -> Iterator[Depot]:
    settings = make_settings(tmp_path)
    with open_warehouse(settings) as con:
        yield Depot(settings, con)
