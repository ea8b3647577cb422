"""The receiver over real sockets: what is answered, what is kept, what is bounded, and that a stop loses nothing."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipelines.hj212 import CrcVariant, DeviceProfile, Devices, Verdict, decode_files, decode_frame
from pipelines.hj212.codec import Frame, answer_to, encode, flag_for
from pipelines.hj212.listener import Limits, Listener, NotLoopback, is_loopback
from pipelines.hj212.receiver_log import PART, FolderInUse, ReceiverLog, line_of
from pipelines.hj212.vocabulary import Dialect
from tests.hj212.vectors import ANSWER, CIPHER_2025, HOUR_GAS, LOWER_CASE_CRC, PACKET_1, PACKET_2, PLAIN_2025, REALTIME_GAS

NOON = datetime(2026, 3, 2, 12)


@dataclass
class Clock:
    """A receiver's clock that a test sets."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Receiver:
    """A listener on a free port of 127.0.0.1, and what it said."""

    listener: Listener
    folder: Path
    clock: Clock
    said: list[str] = field(default_factory=list)

    async def device(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.listener.port)

    async def until(self, seen: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not seen():
                await asyncio.sleep(0.01)


def with_receiver(
    folder: Path, talk: Callable[[Receiver], Awaitable[None]], *, devices: Devices | None = None, limits: Limits | None = None
) -> Receiver:
    """Start, talk, stop."""

    async def run() -> Receiver:
        clock = Clock()
        said: list[str] = []
        log = ReceiverLog.opened(folder, now=clock)
        receiver = Receiver(Listener(log, devices, port=0, limits=limits, said=said.append), folder, clock, said)
        await receiver.listener.start()
        try:
            await talk(receiver)
        finally:
            await receiver.listener.stop()
        return receiver

    return asyncio.run(run())


def decoded(folder: Path) -> list[tuple[str, bool]]:
    """(verdict, is_duplicate) of every frame in the finished logs, in order of their names."""
    return decode_files(sorted(folder.glob("*.log"))).frames.select("verdict", "is_duplicate").rows()


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    async with asyncio.timeout(10):
        data = await reader.readuntil(b"\r\n")
    answered = decode_frame(data)
    assert answered.verdict is Verdict.OK, answered.reason
    assert answered.frame is not None
    return answered.frame


def test_split_glued_corrupt_and_repeated_frames(tmp_path: Path) -> None:
    async def talk(receiver: Receiver) -> None:
        reader, writer = await receiver.device()
        writer.write(HOUR_GAS[:50])
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(HOUR_GAS[50:] + PACKET_1 + PACKET_2)
        first = await read_frame(reader)
        assert encode(first) == ANSWER
        assert [(await read_frame(reader)).mn for _ in range(2)] == ["010000A8900016F000169DC1"] * 2
        damaged = HOUR_GAS.replace(b"35.20", b"95.20")
        writer.write(damaged + b"##9999" + REALTIME_GAS[6:] + b"rubbish" + HOUR_GAS)
        assert encode(await read_frame(reader)) == ANSWER  # the repeated one; what was damaged is not answered
        writer.close()
        await receiver.until(lambda: receiver.listener.tally.connected == 0)
        tally = receiver.listener.tally
        await receiver.until(lambda: tally.answered == 4)
        assert (tally.frames, tally.connections) == (4, 1)
        assert tally.refused >= 1
        assert tally.by_device == {"010000A8900016F000169DC0": 2, "010000A8900016F000169DC1": 2}

    receiver = with_receiver(tmp_path, talk)
    [log] = tmp_path.glob("*.log")
    assert log.name == "hj212_20260302.log"
    assert decoded(tmp_path) == [
        ("ok", False), ("ok", False), ("ok", False), ("bad_crc", False), ("bad_length", False), ("ok", True),
    ]  # fmt: skip
    frames = decode_files([log]).frames
    assert frames["received_local"].to_list() == [NOON] * 6
    assert log.stat().st_mode & 0o077 == 0, "the log holds passwords as the devices sent them"
    assert receiver.said[0].endswith("is in no device profile; it is heard, and its values wait")


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (REALTIME_GAS, ("91", "9014", 4)),
        (PLAIN_2025, ("91", "9014", 8)),
        (LOWER_CASE_CRC, None),  # Flag=4: no answer is asked for
        (ANSWER, None),
        (encode(Frame(st="31", cn="1013", mn="M1", qn="20260302120000001", flag=5)), ("91", "9013", 4)),
        (encode(Frame(st="91", cn="9015", mn="M1", qn="20260302120000001", flag=9)), ("91", "9013", 8)),
        (encode(Frame(st="31", cn="2011", mn="M1", qn="20260302120000001", flag=1)), ("91", "9014", 0)),
        (encode(Frame(st="31", cn="2011", mn="M1")), None),  # 2005 without Flag
    ],
    ids=["2017", "2025", "unasked", "an answer", "time asked for", "heartbeat", "2005", "2005 without Flag"],
)
def test_what_is_answered(sent: bytes, answered: tuple[str, str, int] | None) -> None:
    frame = decode_frame(sent).frame
    assert frame is not None
    answer = answer_to(frame)
    if answered is None:
        assert answer is None
    else:
        assert answer is not None
        assert (answer.st, answer.cn, answer.flag) == answered
        assert (answer.qn, answer.mn, answer.groups) == (frame.qn, frame.mn, ())


def test_devices_are_answered_in_their_own_crc_and_encrypted_ones_too(tmp_path: Path) -> None:
    modbus = encode(
        Frame(st="31", cn="2011", mn="M1", qn="20260302120000001", flag=flag_for(Dialect.HJ_2017, answer=True)),
        crc_variant=CrcVariant.MODBUS,
    )
    devices = Devices([DeviceProfile(mn="M1", crc_variants=frozenset({CrcVariant.MODBUS}))])

    async def talk(receiver: Receiver) -> None:
        reader, writer = await receiver.device()
        writer.write(modbus)
        async with asyncio.timeout(10):
            answer = decode_frame(await reader.readuntil(b"\r\n"), devices)
        assert answer.verdict is Verdict.OK
        assert answer.crc_variant is CrcVariant.MODBUS
        writer.write(CIPHER_2025)
        assert (await read_frame(reader)).cn == "9014"
        assert receiver.listener.tally.encrypted == 1
        writer.close()

    with_receiver(tmp_path, talk, devices=devices)
    assert decode_files(sorted(tmp_path.glob("*.log")), devices=devices).frames["verdict"].to_list() == ["ok", "encrypted_unverified"]


def test_nothing_is_answered_that_could_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk(receiver: Receiver) -> None:
        def full(lines: list[bytes]) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(receiver.listener.log, "write", full)
            reader, writer = await receiver.device()
            writer.write(HOUR_GAS)
            async with asyncio.timeout(10):
                assert await reader.read() == b""  # closed without an answer
            assert receiver.listener.tally.not_written == 1
        reader, writer = await receiver.device()
        writer.write(HOUR_GAS)  # as the device does that got no answer
        assert encode(await read_frame(reader)) == ANSWER
        writer.close()

    receiver = with_receiver(tmp_path, talk)
    assert any("No space left on device" in said for said in receiver.said)
    assert decoded(tmp_path) == [("ok", False)]


def test_a_stop_in_the_middle_of_answering_ends(tmp_path: Path) -> None:
    """Many stops at moments of all kinds: none of them may wait for a device."""

    async def talk(receiver: Receiver) -> None:
        reader, writer = await receiver.device()
        writer.write(HOUR_GAS * 3)
        await read_frame(reader)

    for number in range(30):
        with_receiver(tmp_path / str(number), talk)
        assert len(decoded(tmp_path / str(number))) == 3


def test_a_stop_keeps_what_has_arrived(tmp_path: Path) -> None:
    async def talk(receiver: Receiver) -> None:
        _, writer = await receiver.device()
        writer.write(LOWER_CASE_CRC + HOUR_GAS[:200])
        await receiver.until(lambda: receiver.listener.tally.bytes == len(LOWER_CASE_CRC) + 200)

    with_receiver(tmp_path, talk)
    assert decoded(tmp_path) == [("ok", False), ("bad_length", False)]
    assert not list(tmp_path.glob(f"*{PART}")) + list(tmp_path.glob(f".*{PART}"))


# bounds


def test_connections_are_bounded(tmp_path: Path) -> None:
    async def talk(receiver: Receiver) -> None:
        held = [await receiver.device() for _ in range(2)]
        await receiver.until(lambda: receiver.listener.tally.connected == 2)
        reader, _ = await receiver.device()
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        assert receiver.listener.tally.turned_away == 1
        held[0][1].close()
        await receiver.until(lambda: receiver.listener.tally.connected == 1)
        reader, writer = await receiver.device()
        writer.write(HOUR_GAS)
        assert encode(await read_frame(reader)) == ANSWER

    with_receiver(tmp_path, talk, limits=Limits(connections=2))


def test_silence_and_rubbish_are_bounded(tmp_path: Path) -> None:
    async def talk(receiver: Receiver) -> None:
        silent, _ = await receiver.device()
        async with asyncio.timeout(10):
            assert await silent.read() == b""
        assert receiver.listener.tally.timed_out == 1
        _, writer = await receiver.device()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        await receiver.until(lambda: any("without a frame of HJ 212, closed" in said for said in receiver.said))

    with_receiver(tmp_path, talk, limits=Limits(idle_seconds=0.3, rubbish_bytes=20_000))


def test_a_device_that_comes_back_takes_the_place_of_its_dead_connection(tmp_path: Path) -> None:
    async def talk(receiver: Receiver) -> None:
        old_reader, old_writer = await receiver.device()
        old_writer.write(HOUR_GAS)
        await read_frame(old_reader)
        reader, writer = await receiver.device()
        writer.write(REALTIME_GAS)
        await read_frame(reader)
        async with asyncio.timeout(10):
            assert await old_reader.read() == b""
        assert receiver.listener.tally.replaced == 1
        writer.write(HOUR_GAS)
        assert encode(await read_frame(reader)) == ANSWER

    with_receiver(tmp_path, talk)


def test_many_devices_at_once(tmp_path: Path) -> None:
    """Every answered frame is in the log, once per sending."""

    async def one(receiver: Receiver, number: int) -> int:
        reader, writer = await receiver.device()
        for turn in range(5):
            writer.write(
                encode(Frame(st="31", cn="2011", mn=f"M{number}", qn=f"202603021200{turn:02d}001", flag=5, groups=((("DataTime", "20260302120000"), (f"a2100{turn}-Rtd", "1")),)))
            )  # fmt: skip
            assert (await read_frame(reader)).mn == f"M{number}"
        writer.close()
        return 5

    async def talk(receiver: Receiver) -> None:
        assert sum(await asyncio.gather(*(one(receiver, number) for number in range(60)))) == 300

    with_receiver(tmp_path, talk)
    assert len(decoded(tmp_path)) == 300


def test_numbers_of_devices_are_bounded_too(tmp_path: Path) -> None:
    async def talk(receiver: Receiver) -> None:
        reader, writer = await receiver.device()
        for number in range(5):
            writer.write(encode(Frame(st="31", cn="2011", mn=f"M{number}", qn="20260302120000001", flag=5)))
            assert (await read_frame(reader)).mn == f"M{number}"
        await receiver.until(lambda: receiver.listener.tally.answered == 5)
        assert len(receiver.listener.tally.by_device) == len(receiver.listener.tally.unknown) == 3

    with_receiver(tmp_path, talk, limits=Limits(devices=3))
    assert len(decoded(tmp_path)) == 5


@pytest.mark.parametrize(
    ("host", "own"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("192.0.2.7", False), ("", False), ("gateway", False)]
)
def test_other_machines_are_let_in_by_name_only(tmp_path: Path, host: str, own: bool) -> None:
    assert is_loopback(host) is own
    log = ReceiverLog.opened(tmp_path)
    if own:
        Listener(log, host=host)
    else:
        with pytest.raises(NotLoopback, match="can be reached from other machines"):
            Listener(log, host=host)
        Listener(log, host=host, exposed=True)
    log.close()


# the log


def test_a_file_a_day_and_further_ones_when_it_grows(tmp_path: Path) -> None:
    clock = Clock()
    log = ReceiverLog.opened(tmp_path, now=clock, file_bytes_max=1000)
    for number in range(8):
        log.write([line_of(HOUR_GAS, clock.now, "peer")])
        assert not [path for path in tmp_path.glob("*.log") if path.stat().st_mode & 0o077]
        clock.now += timedelta(hours=4 if number < 4 else 1)
    clock.now += timedelta(days=1)
    log.rotate_at_midnight()
    assert sorted(path.name for path in tmp_path.glob("*.log")) == [
        "hj212_20260302.log", "hj212_20260303.log", "hj212_20260303_2.log",
    ]  # fmt: skip
    log.close()
    assert len(decoded(tmp_path)) == 8


def test_what_a_killed_listener_left_is_finished_by_the_next(tmp_path: Path) -> None:
    first = ReceiverLog.opened(tmp_path, now=Clock())
    first.write([line_of(HOUR_GAS, NOON, "peer")])
    with pytest.raises(FolderInUse, match="another listener writes into"):
        ReceiverLog.opened(tmp_path)
    # What the system does for a process that was killed: its locks end, its files stay as they were.
    assert first._lock is not None
    os.close(first._lock)
    (tmp_path / "hj212_20260302.log").write_bytes(b"of the morning\n")
    second = ReceiverLog.opened(tmp_path, now=Clock())
    assert [path.name for path in second.finished] == ["hj212_20260302_2.log"]
    assert decode_files(second.finished).frames["verdict"].to_list() == ["ok"]
    assert (tmp_path / "hj212_20260302.log").read_bytes() == b"of the morning\n"
    second.close()


def test_rubbish_cannot_forge_a_time_stamp() -> None:
    lines = line_of(b"x\r\n2030-01-01 00:00:00 ##0000\0\0" + HOUR_GAS, NOON, "peer")
    assert [line[:23] for line in lines.splitlines()] == [b"2026-03-02 12:00:00.000"] * 3
