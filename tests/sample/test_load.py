"""The answer sheet's ledger against the pipeline's own: what is accepted, duplicate, revised and refused after two nights."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.contracts.feed import load_contracts
from pipelines.contracts.standards import load_standards
from pipelines.contracts.states import Admission
from pipelines.ingest.feed import ingest_feed
from pipelines.ingest.load import load_delivery, pending_deliveries
from pipelines.ingest.references import references_from_landing
from pipelines.sample import truth
from pipelines.sample.generate import deliver_later, generate
from pipelines.settings import Settings
from pipelines.warehouse.builds import open_build
from pipelines.warehouse.connection import open_warehouse

ROOT = Path(__file__).resolve().parents[2]
COUNTS = ["rows_read", "rows_accepted", "rows_duplicate", "rows_quarantined", "rows_revised", "empty_cells"]


def _night(con: duckdb.DuckDBPyConnection, settings: Settings, now: datetime, held: set[str]) -> None:
    """Ingest and load everything that lies in raw/, registers first; gate A's word is the answer sheet's."""
    standards = load_standards(settings.seeds, None)
    contracts, problems = load_contracts(settings.feeds_dir)
    assert problems == []
    build = open_build(con, park_id=settings.park.park_id, door="cli", code_version="test", standards_hash=standards.hash, now=now)
    for registers in (True, False):
        references = references_from_landing(con, standards)
        for contract in contracts:
            if contract.record_type.is_register == registers:
                ingest_feed(con, settings, contract, references, build, now)
        for delivery in pending_deliveries(con):
            word = Admission.HELD if delivery.path in held else Admission.ADMITTED
            load_delivery(con, settings, delivery, word, build_id=build)


def _ledger(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    rows = pl.DataFrame(con.sql(f"select feed_id, path, admission, {', '.join(COUNTS)} from audit.deliveries"))
    return rows.with_columns(pl.col(COUNTS).cast(pl.Int64).fill_null(0))


@pytest.mark.slow
def test_the_pipelines_ledger_equals_the_answer_sheet(tmp_path: Path) -> None:
    generate(tmp_path)
    settings = Settings(home=tmp_path, feeds_dir=ROOT / "pipelines" / "feeds")
    settings.make_folders()
    expected = truth.read(tmp_path / "sample_truth", "deliveries").drop("fault_id", "first_date", "last_date")
    held = set(expected.filter("held")["path"])
    assert len(held) == 1
    now = datetime.now(UTC).replace(tzinfo=None)
    with open_warehouse(settings) as con:
        for phase, night in (("first", now), ("later", now + timedelta(days=1))):
            if phase == "later":
                assert len(deliver_later(tmp_path)) == 5
            _night(con, settings, night, held)
            known = expected if phase == "later" else expected.filter(pl.col("phase") == "first")
            both = known.join(_ledger(con), on=["feed_id", "path"], how="full", suffix="_found")
            assert both.filter(pl.col("path").is_null() | pl.col("path_found").is_null()).is_empty()
            assert set(both.filter("refused")["admission"]) == {"refused"}
            assert set(both.filter("held")["admission"]) == {"held"}
            counted = both.filter(~pl.col("refused") & ~pl.col("held"))
            wrong = counted.filter(pl.any_horizontal(pl.col(name) != pl.col(f"{name}_found") for name in COUNTS))
            assert wrong.is_empty(), wrong
