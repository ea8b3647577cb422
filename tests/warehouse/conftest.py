from pathlib import Path

import pytest

from pipelines.settings import Settings
from tests.ingest.depot import make_settings


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)
