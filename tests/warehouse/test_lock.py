"""The write lock: one run at a time, refused with the holder's name, free again however the holder dies."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.settings import Settings
from pipelines.warehouse.lock import Holder, LockHeld, lock_path, who_holds, write_lock

ROOT = Path(__file__).resolve().parents[2]
_HOLD = """
import sys, time
from pathlib import Path
from pipelines.settings import Settings
from pipelines.warehouse.lock import Holder, write_lock
settings = Settings(home=Path(sys.argv[1]), feeds_dir=Path(sys.argv[2]), lock_wait_seconds=float(sys.argv[3]))
with write_lock(settings, Holder("nightly from the schedule", "run-7")):
    print("held", flush=True)
    time.sleep(float(sys.argv[4]))
"""


def _holder(settings: Settings, wait: float, hold: float) -> subprocess.Popen:
    arguments = [sys.executable, "-c", _HOLD, str(settings.home), str(settings.feeds_dir), str(wait), str(hold)]
    return subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.fixture
def other(home: Settings):
    child = _holder(home, 0, 60)
    assert child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.wait()
    child.stdout.close()


def test_the_refused_run_says_who_holds_the_lock(home: Settings, other: subprocess.Popen) -> None:
    with pytest.raises(LockHeld) as caught, write_lock(home, "cli"):
        pytest.fail("the lock was held and has been taken")
    message = str(caught.value)
    assert "nightly from the schedule" in message
    assert f"pid {other.pid}" in message
    assert "run run-7" in message
    assert f"since {caught.value.note.since}" in message
    assert "UTC" in caught.value.note.since


def test_a_killed_holder_leaves_no_lock_and_its_note_is_swept(home: Settings, other: subprocess.Popen) -> None:
    assert who_holds(home).pid == other.pid
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert json.loads(lock_path(home).read_text())["pid"] == other.pid, "the note outlives its writer"
    assert who_holds(home) is None, "and means nothing"
    with write_lock(home, Holder("cli", "run-8")) as note:
        assert note.pid == os.getpid()
        assert json.loads(lock_path(home).read_text())["run_id"] == "run-8"
    assert lock_path(home).read_text() == ""


def test_a_waiting_run_goes_on_when_the_other_ends(home: Settings) -> None:
    child = _holder(home, 0, 0.6)
    assert child.stdout.readline() == "held\n"
    started = time.monotonic()
    with write_lock(home.model_copy(update={"lock_wait_seconds": 30}), "cli"):
        waited = time.monotonic() - started
    child.wait()
    child.stdout.close()
    assert 0.2 < waited < 20


def test_waiting_ends_at_the_set_time(home: Settings, other: subprocess.Popen) -> None:
    started = time.monotonic()
    with pytest.raises(LockHeld, match=r"Waited 0\.5 s"), write_lock(home.model_copy(update={"lock_wait_seconds": 0.5}), "cli"):
        pass
    assert 0.5 <= time.monotonic() - started < 10


def test_of_two_that_want_it_at_once_one_gets_it(home: Settings) -> None:
    children = [_holder(home, 0, 1.5) for _ in range(2)]
    outputs = [child.communicate(timeout=60)[0] for child in children]
    assert sorted(outputs) == ["", "held\n"]
    assert sorted(child.returncode == 0 for child in children) == [False, True]


def test_the_same_process_cannot_take_it_twice(home: Settings) -> None:
    with write_lock(home, "one"), pytest.raises(LockHeld, match=f"one, pid {os.getpid()}"), write_lock(home, "two"):
        pass


def test_an_error_inside_lets_go(home: Settings) -> None:
    with pytest.raises(RuntimeError), write_lock(home, "one"):
        raise RuntimeError
    assert who_holds(home) is None
    with write_lock(home, "two"):
        assert who_holds(home).process == "two"


def test_a_holder_that_has_not_signed_is_still_respected(home: Settings, other: subprocess.Popen) -> None:
    lock_path(home).write_text("{half", encoding="utf-8")
    with pytest.raises(LockHeld, match="has not signed yet"), write_lock(home, "cli"):
        pass
    assert who_holds(home).process == "a process that has not signed yet"


def test_a_child_process_does_not_keep_the_lock(home: Settings) -> None:
    """dbt runs as a child: an orphan of a killed run must not lock the home for ever."""
    with write_lock(home, "one"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with write_lock(home, "two"):
            pass
    finally:
        child.kill()
        child.wait()
