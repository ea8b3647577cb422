"""Damage: no single changed byte brings a wrong value; what the checksum cannot see is counted, not denied."""

import random

import pytest

from pipelines.hj212 import Verdict, decode_bytes, decode_stream, hj212_crc
from tests.hj212.vectors import HOUR_GAS, LOWER_CASE_CRC, PACKET_1, REALTIME_GAS

SEPARATOR = b"\n--\n"


def _values(data: bytes) -> list[tuple]:
    return decode_bytes(data).values.select("factor", "field", "value_text", "flag", "data_time", "mn", "st", "cn").rows()


@pytest.mark.parametrize("frame", [pytest.param(REALTIME_GAS, id="realtime", marks=pytest.mark.slow), pytest.param(PACKET_1, id="packet")])
def test_every_single_byte_change(frame: bytes) -> None:
    """All 255 other values at every place: either the frame says exactly what it said, or it says nothing."""
    truth = set(_values(frame))
    segment = range(6, len(frame) - 6)
    harmless = 0
    for place in range(len(frame)):
        changed = [frame[:place] + bytes([value]) + frame[place + 1 :] for value in range(256) if value != frame[place]]
        decoded = decode_bytes(SEPARATOR.join(changed))
        accepted = decoded.frames.filter(verdict="ok")
        if place in segment:
            assert accepted.is_empty(), f"a change of byte {place} went unseen"
        assert set(decoded.values.select("factor", "field", "value_text", "flag", "data_time", "mn", "st", "cn").rows()) <= truth
        # No damaged frame disappears: each has its row, whatever byte was hit.
        assert decoded.frames["offset"].n_unique() >= len(changed)
        harmless += accepted.height
    # The case of hex digits in the CRC, the two bytes behind it, and ### before a length of three digits: nothing else.
    letters = sum(byte in b"ABCDEF" for byte in frame[-6:-2])
    assert harmless == letters + 2 * 255 + 1


def test_two_changed_bytes_slip_through_once_in_256() -> None:
    """The checksum's state is 8 bits wide: this is its blind spot, and the reason why more than the CRC is looked at."""
    draw = random.Random(212)
    segment = HOUR_GAS[6:-6]
    unseen = 0
    for _ in range(20_000):
        changed = bytearray(segment)
        for place in draw.sample(range(len(segment)), 2):
            changed[place] ^= draw.randrange(1, 256)
        unseen += hj212_crc(bytes(changed)) == hj212_crc(segment)
    assert 40 <= unseen <= 120  # 20 000 / 255 is 78


def test_grammar_sees_part_of_what_the_crc_does_not() -> None:
    """Of the changes with a matching CRC only those that still read as a frame get through."""
    draw = random.Random(7)
    seen = through = 0
    while seen + through < 200:
        changed = bytearray(HOUR_GAS)
        for place in draw.sample(range(6, len(HOUR_GAS) - 6), 2):
            changed[place] ^= draw.randrange(1, 256)
        if hj212_crc(bytes(changed[6:-6])) == hj212_crc(HOUR_GAS[6:-6]):
            (decoded,) = decode_stream(bytes(changed))[:1]
            seen += decoded.verdict is not Verdict.OK
            through += decoded.verdict is Verdict.OK
    assert seen > 100


@pytest.mark.parametrize("length", [b"9999", b"0000", b"0001", b"0310", b"0312", b"0640", b"1000"])
def test_a_damaged_length_swallows_no_good_frame(length: bytes) -> None:
    damaged = b"##" + length + REALTIME_GAS[6:]
    decoded = decode_stream(damaged + HOUR_GAS + LOWER_CASE_CRC)
    assert [frame.verdict for frame in decoded] == [Verdict.BAD_LENGTH, Verdict.OK, Verdict.OK]
    assert decoded[0].size == len(damaged)
    assert f"{int(length)} bytes" in (decoded[0].reason or "")


def test_a_length_that_ends_at_a_later_frames_end_swallows_nothing() -> None:
    """The announced end has && and a CRC, and may even match: what lies inside is found first by its own grammar."""
    inner = len(REALTIME_GAS) + len(HOUR_GAS) - 6 - 6
    damaged = b"##%04d" % inner + REALTIME_GAS[6:]
    decoded = decode_stream(damaged + HOUR_GAS)
    assert [frame.verdict for frame in decoded] == [Verdict.BAD_LENGTH, Verdict.OK]
    forced = damaged + HOUR_GAS
    right = b"%04X\r\n" % hj212_crc(forced[6:-6])
    decoded = decode_stream(forced[:-6] + right)
    assert Verdict.OK not in {frame.verdict for frame in decoded}


@pytest.mark.parametrize("cut", range(1, len(PACKET_1) - 2, 7))
def test_a_cut_frame_costs_only_itself(cut: int) -> None:
    before = decode_stream(PACKET_1[:cut] + HOUR_GAS)
    assert before[-1].verdict is Verdict.OK
    assert sum(frame.verdict is Verdict.OK for frame in before) == 1
    after = decode_stream(HOUR_GAS + PACKET_1[cut:])
    assert after[0].verdict is Verdict.OK
    assert sum(frame.verdict is Verdict.OK for frame in after) == 1
