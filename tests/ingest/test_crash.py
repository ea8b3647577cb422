"""A run that is killed at any moment and started again ends as if nothing had happened."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.settings import Settings
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.lock import who_holds, write_lock
from tests.ingest.crashing_night import PHASES
from tests.ingest.depot import make_settings
from tests.ingest.park import Park

ROOT = Path(__file__).resolve().parents[2]
TABLES = {
    "landing.reading": "*",
    "landing.point": "*",
    "landing.coverage": "*",
    "landing.path_state": "* exclude (mtime_ns)",
    "landing.touched": "* exclude (change_seq)",
    "audit.deliveries": "*",
    "audit.quarantine": "*",
}


def _first_night(folder: Path) -> Settings:
    settings = make_settings(folder)
    with open_warehouse(settings) as con:
        park = Park(settings, con)
        park.drop_points("S1")
        park.drop_hours("cems/a.csv", 5, 6, 7)
        park.night()
        # What the second night finds: a correction, two new days, one with a bad row, and a file that meets the correction.
        park.drop_hours("cems/a.csv", 5, 66, 7)
        park.drop_hours("cems/b.csv", 8, "x", 9, day="2026-01-06")
        park.drop_hours("cems/bb.csv", 10, day="2026-01-07")
        park.drop_hours("cems/c.csv", 50, day="2026-01-05")
    return settings


def _state(settings: Settings) -> dict[str, list[tuple]]:
    with open_warehouse(settings) as con:
        return {table: con.execute(f"select {columns} from {table} order by all").fetchall() for table, columns in TABLES.items()}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _first_night(tmp_path_factory.mktemp("prepared")).home.parent


@pytest.fixture(scope="module")
def undisturbed(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple]]:
    folder = tmp_path_factory.mktemp("undisturbed") / "copy"
    shutil.copytree(prepared, folder)
    settings = make_settings(folder)
    with open_warehouse(settings) as con:
        park = Park(settings, con, nights=1)
        park.night()
        assert park.values() == [50, 66, 7, 8, 9, 10]
    return _state(settings)


# What each phase leaves behind: deliveries, admitted ones, half written files, and bytes, parses and receipts in the lake.
# Without this a phase that is never reached would die at the end and test nothing.
LEFT = {
    "bytes written, not in place": (1, 1, 1, 2, 1, 1),
    "bytes kept, file not parsed": (1, 1, 0, 3, 1, 1),
    "parse written, not in place": (1, 1, 1, 3, 1, 1),
    "parse kept, no receipt": (1, 1, 0, 3, 2, 1),
    "receipts kept, no rows": (1, 1, 0, 6, 5, 5),
    "rows written, not committed": (1, 1, 0, 6, 5, 5),
    "first file recorded, second not": (2, 1, 0, 4, 3, 3),
    "all recorded, nothing loaded": (5, 1, 0, 6, 5, 5),
    "rows in landing, not committed": (5, 1, 0, 6, 5, 5),
    "admission in the receipt, not committed": (5, 1, 0, 6, 5, 5),
    "two deliveries together in landing, not committed": (5, 2, 0, 6, 5, 5),
    "two deliveries in their receipts, not committed": (5, 2, 0, 6, 5, 5),
    "last delivery in landing, not committed": (5, 4, 0, 6, 5, 5),
    "everything committed": (5, 5, 0, 6, 5, 5),
}


def _left(settings: Settings) -> tuple[int, ...]:
    with open_warehouse(settings) as con:
        query = "select count(*), count(*) filter (admission = 'admitted') from audit.deliveries where feed_id = 'cems'"
        deliveries = con.execute(query).fetchone()
    patterns = (("tmp", "*"), ("bytes", "*/*"), ("parse", "cems/*"), ("receipts", "cems/*"))
    return (*deliveries, *(len(list((settings.lake / part).glob(pattern))) for part, pattern in patterns))


@pytest.mark.parametrize("phase", PHASES)
def test_killed_and_started_again(prepared: Path, undisturbed: dict, tmp_path: Path, phase: str) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(prepared, folder)
    settings = make_settings(folder)
    child = subprocess.run(
        [sys.executable, "-m", "tests.ingest.crashing_night", str(folder), phase], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert child.returncode == -signal.SIGKILL, child.stdout + child.stderr
    assert who_holds(settings) is None, "the lock died with its holder"
    assert _left(settings) == LEFT[phase]
    with write_lock(settings, "next night"), open_warehouse(settings) as con:
        Park(settings, con, nights=1).night()
    assert _state(settings) == undisturbed
    assert not list((settings.lake / "tmp").iterdir()), "what was half written is swept"
    with open_warehouse(settings) as con:
        results, loaded = Park(settings, con, nights=2).night()
        assert (results["cems"].arrivals, loaded) == (0, []), "and a further night finds nothing to do"
