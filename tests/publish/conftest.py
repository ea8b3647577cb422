"""One warehouse a test, with data to publish."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.publish.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House.at(tmp_path) as house:
        yield house
