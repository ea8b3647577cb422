"""The shipped standards, read once."""

from pathlib import Path

import pytest

from pipelines.assessment.index_system import IndexLibrary, load_index_systems
from pipelines.contracts.standards import Standards, load_standards

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"


@pytest.fixture(scope="session")
def shipped_standards() -> Standards:
    return load_standards(SEEDS)


@pytest.fixture(scope="session")
def shipped(shipped_standards: Standards) -> IndexLibrary:
    return load_index_systems(shipped_standards)
