"""A receiver of HJ 212: takes connections of devices, keeps what they send in a log, and answers what is safely kept.

Everything that arrives is logged, also what is no frame; only good frames are answered, and only after they are on the disk, so
that a device never forgets what was not kept. A frame whose encryption hides its CRC is answered too: its bytes are kept,
and a device that is not answered sends them for ever. What frames mean is nobody's business here.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from ipaddress import ip_address

from pipelines.hj212.codec import EncodeError, answer_to, encode
from pipelines.hj212.devices import Devices
from pipelines.hj212.framer import Framer, Piece
from pipelines.hj212.receiver_log import Durable, ReceiverLog, line_of
from pipelines.hj212.vocabulary import CrcVariant

DEFAULT_PORT = 9212
_READ = 16_384
_SEND_SECONDS = 10.0


class NotLoopback(ValueError):
    """Somebody wants to listen where others than this machine can reach it, and has not said so."""


@dataclass(frozen=True)
class Limits:
    """What one receiver bears.

    Attributes:
        connections: at a time; a further one is closed at once.
        idle_seconds: without a byte, after which a connection is closed. Devices may be silent for an hour by the standard.
        rubbish_bytes: without a good frame among them, after which a connection is closed: it does not speak HJ 212.
        devices: numbers that are remembered; frames of further ones are kept and answered all the same.
    """

    connections: int = 1000
    idle_seconds: float = 4200.0
    rubbish_bytes: int = 1 << 18
    devices: int = 20_000


@dataclass
class Tally:
    """What has happened so far."""

    connected: int = 0
    connections: int = 0
    turned_away: int = 0
    timed_out: int = 0
    replaced: int = 0
    bytes: int = 0
    frames: int = 0
    encrypted: int = 0
    refused: int = 0
    answered: int = 0
    not_written: int = 0
    last_error: str | None = None
    by_device: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)


@dataclass(eq=False)
class _Connection:
    writer: asyncio.StreamWriter
    peer: str
    framer: Framer
    task: asyncio.Task
    since_good: int = 0
    mns: set[str] = field(default_factory=set)


class Listener:
    """A TCP server on one address. `start`, then `stop`; both may be called once.

    Args:
        log: where lines go; closed by `stop`.
        devices: profiles, for dialects, CRC variants and keys. Unknown devices are heard all the same.
        host, port: address; port 0 takes a free one. Raises NotLoopback for another than this machine's own unless `exposed`.
        limits: bounds.
        said: called with a sentence for people when something noteworthy happens.
    """

    def __init__(
        self,
        log: ReceiverLog,
        devices: Devices | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        exposed: bool = False,
        limits: Limits | None = None,
        said: Callable[[str], None] = lambda _: None,
    ) -> None:
        if not exposed and not is_loopback(host):
            raise NotLoopback(f"{host} can be reached from other machines: HJ 212 has no log-in worth the name, so say so explicitly")
        self.log, self.devices, self.host, self.port = log, devices or Devices(), host, port
        self.limits, self._said = limits or Limits(), said
        self.tally = Tally()
        self._durable = Durable(log)
        self._connections: set[_Connection] = set()
        self._of_device: dict[str, _Connection] = {}
        self._server: asyncio.Server | None = None
        self._writing: asyncio.Task | None = None

    async def start(self) -> None:
        """Begin to listen; `port` is then the one that was taken."""
        self._writing = asyncio.create_task(self._durable.run())
        self._server = await asyncio.start_server(self._serve, self.host, self.port, limit=_READ)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Take no further connection, end those there are, write what has arrived, and finish the log."""
        if self._server is not None:
            self._server.close()
        tasks = [connection.task for connection in self._connections]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._durable.drain()
        await asyncio.to_thread(self.log.close)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("peername") or ("?", 0)
        peer, tally = f"{address[0]}:{address[1]}", self.tally
        if len(self._connections) >= self.limits.connections:
            tally.turned_away += 1
            self._said(f"{peer}: turned away, there are {self.limits.connections} connections already")
            await _closed(writer)
            return
        task = asyncio.current_task()
        assert task is not None
        connection = _Connection(writer, peer, Framer(self.devices), task)
        self._connections.add(connection)
        tally.connected += 1
        tally.connections += 1
        try:
            await self._listen(reader, connection)
        except TimeoutError:
            tally.timed_out += 1
            self._said(f"{peer}: nothing for {self.limits.idle_seconds:.0f} s, closed")
        except (ConnectionError, OSError) as error:
            self._said(f"{peer}: {error}")
        finally:
            self._connections.discard(connection)
            tally.connected -= 1
            for mn in connection.mns:
                if self._of_device.get(mn) is connection:
                    del self._of_device[mn]
            # Also when the listener is being stopped: what has arrived is kept.
            with suppress(OSError):
                await self._keep(connection, connection.framer.close())
            await _closed(writer)

    async def _listen(self, reader: asyncio.StreamReader, connection: _Connection) -> None:
        while True:
            # Not wait_for, which may swallow the cancellation of a stop where both happen at once (Python 3.11).
            async with asyncio.timeout(self.limits.idle_seconds):
                data = await reader.read(_READ)
            if not data:
                return
            self.tally.bytes += len(data)
            connection.since_good += len(data)
            pieces = connection.framer.feed(data)
            try:
                await self._keep(connection, pieces)
            except OSError as error:
                # Not kept, so not answered: the device keeps it and sends it again.
                self.tally.not_written += len(pieces)
                self.tally.last_error = str(error)
                self._said(f"{connection.peer}: cannot write the log ({error}); not answered")
                return
            for piece in pieces:
                if piece.segment is not None:
                    await self._heard(connection, piece)
                elif b"##" in piece.data or b"CP=&&" in piece.data:
                    self.tally.refused += 1
            if connection.since_good > self.limits.rubbish_bytes:
                self._said(f"{connection.peer}: {connection.since_good:,} bytes without a frame of HJ 212, closed")
                return

    async def _keep(self, connection: _Connection, pieces: list[Piece]) -> None:
        received = self.log.now()
        lines = b"".join(line_of(piece.data, received, connection.peer) for piece in pieces)
        if lines:
            await self._durable.append(lines)

    async def _heard(self, connection: _Connection, piece: Piece) -> None:
        """Count a kept piece, and answer it if it is a frame that asks for it."""
        segment, tally = piece.segment, self.tally
        frame = segment.frame if segment else None
        if segment is None or frame is None:
            return
        connection.since_good = 0
        tally.frames += 1
        tally.encrypted += segment.crc_calculated is None
        if frame.mn in tally.by_device or len(tally.by_device) < self.limits.devices:
            tally.by_device[frame.mn] += 1
            self._known_or_not(frame.mn, connection)
            self._take_over(frame.mn, connection)
        answer = answer_to(frame)
        if answer is None:
            return
        try:
            data = encode(answer, crc_variant=segment.crc_variant or CrcVariant.HJ212)
        except EncodeError as error:
            self._said(f"{connection.peer}: device {frame.mn} cannot be answered: {error}")
            return
        connection.writer.write(data)
        try:
            # A peer that does not read must not make answers pile up.
            async with asyncio.timeout(_SEND_SECONDS):
                await connection.writer.drain()
        except TimeoutError:
            raise ConnectionError("does not read its answers") from None
        tally.answered += 1

    def _known_or_not(self, mn: str, connection: _Connection) -> None:
        if mn not in self.devices:
            if mn not in self.tally.unknown:
                self._said(f"{connection.peer}: device {mn} is in no device profile; it is heard, and its values wait")
            self.tally.unknown[mn] += 1

    def _take_over(self, mn: str, connection: _Connection) -> None:
        """One connection a device: whoever speaks with its number last has it, and the older one, often dead, is closed."""
        before = self._of_device.get(mn)
        self._of_device[mn] = connection
        connection.mns.add(mn)
        if before is not None and before is not connection:
            before.mns.discard(mn)
            if not before.mns:
                self.tally.replaced += 1
                self._said(f"{before.peer}: device {mn} has come back as {connection.peer}; the older connection is closed")
                before.task.cancel()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError, OSError, TimeoutError):
        async with asyncio.timeout(_SEND_SECONDS):
            await writer.wait_closed()


def now_in(zone: tzinfo) -> Callable[[], datetime]:
    """A clock that shows a zone's local time, naive."""
    return lambda: datetime.now(zone).replace(tzinfo=None)
