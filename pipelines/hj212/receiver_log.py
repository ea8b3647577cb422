"""The log of a receiver: a line a frame, safe on the disk before anybody is told that it has arrived, a file a day.

The file of the running day has a hidden name that feeds pass over. At midnight, when it grows too large and at the end it
is synced and renamed, so that a name without a dot always stands for a whole file that will not change any more. What
a killed listener left is finished by the next one. The format is the one that `bulk` reads.

Lines hold frames as they came, passwords included, because the CRC covers them: files are readable by their owner only.
"""

import asyncio
import fcntl
import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

PART = ".part"
_LOCK = ".hj212.lock"
_BREAKS = re.compile(rb"[\r\n\x00]+")
_LINE_MAX = 16_384
_LOOKS_AT_THE_CLOCK = 20.0
"""Seconds."""


class FolderInUse(RuntimeError):
    """Another listener writes into the same folder."""


class ReceiverLog:
    """Writes lines into a folder. One writer a folder; make it with `ReceiverLog.opened`.

    Args:
        folder: where finished logs appear, as `<name>_20260302.log`, further ones of a day as `<name>_20260302_2.log`.
        name: how they begin.
        now: the receiver's clock, local and naive: it stamps lines and decides which day it is.
        file_bytes_max: a file that is larger is finished before its day ends.
    """

    def __init__(self, folder: Path, name: str, now: Callable[[], datetime], file_bytes_max: int) -> None:
        self.folder, self.name, self.now, self.file_bytes_max = folder, name, now, file_bytes_max
        self.finished: list[Path] = []
        self._lock: int | None = None
        self._file: int | None = None
        self._day = ""
        self._size = 0

    @classmethod
    def opened(
        cls, folder: Path, *, name: str = "hj212", now: Callable[[], datetime] = datetime.now, file_bytes_max: int = 1 << 30
    ) -> "ReceiverLog":
        """Take the folder, and finish what an earlier listener could not. Raises FolderInUse while another has it."""
        folder.mkdir(parents=True, exist_ok=True)
        log = cls(folder, name, now, file_bytes_max)
        log._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(log._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(log._lock)
            raise FolderInUse(f"another listener writes into {folder}") from None
        for left in sorted(folder.glob(f".{name}_*.log{PART}")):
            log._finish(left, left.name.removeprefix(f".{name}_").removesuffix(f".log{PART}"))
        return log

    def write(self, lines: Sequence[bytes]) -> None:
        """Write lines and bring them to the disk. Raises OSError, and then nothing may be answered."""
        day = f"{self.now():%Y%m%d}"
        if day != self._day or self._size >= self.file_bytes_max:
            self.rotate()
            self._day = day
        if self._file is None:
            self._file = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._size = os.fstat(self._file).st_size
            _sync_folder(self.folder)
        data = memoryview(b"".join(lines))
        while data:
            written = os.write(self._file, data)
            self._size += written
            data = data[written:]
        os.fsync(self._file)

    def rotate(self) -> None:
        """Finish the file that is being written, if there is one."""
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
            self._file = None
            self._finish(self._part, self._day)

    def rotate_at_midnight(self) -> None:
        if self._file is not None and f"{self.now():%Y%m%d}" != self._day:
            self.rotate()

    def close(self) -> None:
        """Finish, and let go of the folder."""
        self.rotate()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def _part(self) -> Path:
        return self.folder / f".{self.name}_{self._day}.log{PART}"

    def _finish(self, part: Path, day: str) -> None:
        if part.stat().st_size == 0:
            part.unlink()
            return
        number, target = 1, self.folder / f"{self.name}_{day}.log"
        while target.exists():  # the folder has one writer: nobody makes it between this look and the rename
            number += 1
            target = self.folder / f"{self.name}_{day}_{number}.log"
        part.rename(target)
        _sync_folder(self.folder)
        self.finished.append(target)


def line_of(data: bytes, received: datetime, peer: str) -> bytes:
    """Bytes as lines of the log, each with its time stamp: a frame is one, rubbish may be several and forges none."""
    prefix = f"{received:%Y-%m-%d %H:%M:%S}.{received.microsecond // 1000:03d} {peer} <- ".encode()
    return b"".join(
        prefix + piece[at : at + _LINE_MAX] + b"\r\n"
        for piece in _BREAKS.split(data)
        if piece.strip()
        for at in range(0, len(piece), _LINE_MAX)
    )


class Durable:
    """Lines of many connections brought to the disk together: one sync serves all that wait for it."""

    def __init__(self, log: ReceiverLog, waiting_max: int = 1000) -> None:
        self._log = log
        self._queue: asyncio.Queue[tuple[bytes, asyncio.Future[None]]] = asyncio.Queue(waiting_max)

    async def append(self, lines: bytes) -> None:
        """Returns when the lines are on the disk. Waits where too many others do. Raises OSError when they could not be written."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._queue.put((lines, done))
        await done

    async def run(self) -> None:
        """Write until cancelled, and finish the day's file when its day is over, whether or not anything arrives."""
        while True:
            try:
                async with asyncio.timeout(_LOOKS_AT_THE_CLOCK):
                    batch = [await self._queue.get()]
            except TimeoutError:
                await asyncio.to_thread(self._log.rotate_at_midnight)
                continue
            while not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._write(batch)

    async def drain(self) -> None:
        """Write what still waits."""
        batch = []
        while not self._queue.empty():
            batch.append(self._queue.get_nowait())
        if batch:
            await self._write(batch)

    async def _write(self, batch: list[tuple[bytes, asyncio.Future[None]]]) -> None:
        error: OSError | None = None
        try:
            await asyncio.shield(asyncio.to_thread(self._log.write, [lines for lines, _ in batch]))
        except OSError as raised:
            error = raised
        for _, done in batch:
            if not done.done():
                done.set_exception(error) if error else done.set_result(None)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
