"""The page for the data engineer describes every column and verdict that the decoder gives."""

import pytest

from pipelines.contracts.devices import COLUMNS, DeviceRow
from pipelines.hj212 import FRAME_COLUMNS, VALUE_COLUMNS, Verdict
from pipelines.settings import CHECKOUT

PAGE = (CHECKOUT / "docs" / "data-engineer.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("column", [*FRAME_COLUMNS, *VALUE_COLUMNS], ids=lambda column: column.name)
def test_output_columns_are_described_as_declared(column) -> None:
    assert f"| `{column.name}` | {column.description} |" in PAGE


def test_columns_of_the_device_profile_are_described_as_declared() -> None:
    for name in COLUMNS:
        assert f"| `{name}` | {DeviceRow.model_fields[name].description} |" in PAGE


def test_every_verdict_is_named() -> None:
    for verdict in Verdict:
        assert f"`{verdict}`" in PAGE
