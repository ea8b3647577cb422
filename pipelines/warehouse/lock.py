"""One run at a time: the write lock of a home, held from a run's first step to its last.

The kernel holds the lock (flock) and lets go of it when the process dies, however it dies; the note
in the lock file only says who it is, for the run that is refused. DuckDB's own lock is another one:
it is taken by each opening, dbt's among them, and free between steps.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from pipelines.settings import Settings

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Holder:
    """Who wants the lock: what kind of process, and the run it works for."""

    process: str
    run_id: str | None = None


@dataclass(frozen=True)
class Note:
    """What stands in the lock file while it is held."""

    pid: int
    process: str
    run_id: str | None
    since: str

    def __str__(self) -> str:
        run = f", run {self.run_id}" if self.run_id else ""
        return f"{self.process}, pid {self.pid}{run}, since {self.since}"


class LockHeld(RuntimeError):
    """Another run is writing; the message says who. `note` is None when the holder has not yet signed."""

    def __init__(self, path: Path, note: Note | None, waited_seconds: float) -> None:
        self.note = note
        who = str(note) if note else "another process that has not signed yet"
        super().__init__(
            f"another run holds the write lock {path}: {who}. Waited {waited_seconds:g} s (PARK_AUDIT_LOCK_WAIT_SECONDS); "
            f"let it finish or end that process, then run again"
        )


def lock_path(settings: Settings) -> Path:
    return settings.warehouse.parent / "write.lock"


@contextmanager
def write_lock(settings: Settings, holder: Holder | str) -> Iterator[Note]:
    """Hold the home's write lock for the block, waiting at most `settings.lock_wait_seconds` for it.

    Raises LockHeld, which names the holder. The note of a holder that was killed is overwritten: a lock
    that could be taken was nobody's.
    """
    holder = Holder(holder) if isinstance(holder, str) else holder
    path = lock_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Opened for appending: a waiting run must not empty the holder's note. Not inherited by children, so that an
    # orphan of a killed run never keeps the lock.
    with path.open("a+", encoding="utf-8") as file:
        _wait(file, path, settings.lock_wait_seconds)
        note = Note(os.getpid(), holder.process, holder.run_id, datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"))
        _write(file, json.dumps(asdict(note), ensure_ascii=False))
        try:
            yield note
        finally:
            _write(file, "")


def who_holds(settings: Settings) -> Note | None:
    """The holder of the lock at this moment, None when it is free; takes nothing and waits for nothing."""
    path = lock_path(settings)
    if not path.is_file():
        return None
    with path.open("r", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(file) or Note(0, "a process that has not signed yet", None, "just now")
        return None


def _wait(file: IO[str], path: Path, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            left = deadline - time.monotonic()
            if left <= 0:
                raise LockHeld(path, _read(file), wait_seconds) from None
            time.sleep(min(_POLL_SECONDS, left))


def _read(file: IO[str]) -> Note | None:
    file.seek(0)
    try:
        return Note(**json.loads(file.read()))
    except (ValueError, TypeError):
        return None  # empty or half written: the holder is just signing, or an older version signed


def _write(file: IO[str], text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()
