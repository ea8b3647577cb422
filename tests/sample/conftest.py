"""One default sample for all tests that only look at it."""

from pathlib import Path

import pytest

from pipelines.sample.generate import SampleReport, generate


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleReport:
    """The default sample park; nobody may write into its home."""
    return generate(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def home(sample: SampleReport) -> Path:
    return sample.home
