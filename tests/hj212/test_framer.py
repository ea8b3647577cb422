"""Frames out of bytes that are still arriving: the same frames as out of the whole, however the bytes were cut."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.hj212 import Verdict, decode_stream
from pipelines.hj212.framer import LONGEST, Framer, Piece
from tests.hj212.vectors import ANSWER, CIPHER_2025, HOUR_GAS, LOWER_CASE_CRC, PACKET_1, PACKET_2, REALTIME_GAS, VECTORS


def fed(data: bytes, cuts: list[int]) -> list[Piece]:
    """Pieces of some bytes that arrive in parts."""
    framer, pieces, at = Framer(), [], 0
    for cut in [*sorted(cuts), len(data)]:
        pieces += framer.feed(data[at:cut])
        assert framer.pending <= LONGEST
        at = cut
    return pieces + framer.close()


def frames(pieces: list[Piece]) -> list[bytes]:
    return [piece.data.rstrip(b"\r\n") for piece in pieces if piece.segment is not None]


def of_the_whole(data: bytes) -> list[bytes]:
    good = [frame for frame in decode_stream(data) if frame.verdict in (Verdict.OK, Verdict.ENCRYPTED_UNVERIFIED)]
    return [data[frame.offset : frame.offset + frame.size].rstrip(b"\r\n") for frame in good if "cut_over_lines" not in frame.warnings]


_RUBBISH = st.one_of(
    st.binary(max_size=60).map(lambda data: data.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")),
    st.sampled_from(
        [b"#", b"##", b"###", b"##0100", b"##9999", b"&&", b"CP=&&", b"\r\n", REALTIME_GAS[:100], HOUR_GAS[7:], b"##12", b"\\r\\n"]
    ),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(_RUBBISH, st.sampled_from([vector.frame for vector in VECTORS])), max_size=10).map(b"".join), st.data())
def test_the_same_frames_however_the_bytes_are_cut(data: bytes, draw: st.DataObject) -> None:
    cuts = draw.draw(st.lists(st.integers(0, len(data)), max_size=12))
    pieces = fed(data, cuts)
    assert b"".join(piece.data for piece in pieces) == data
    assert frames(pieces) == of_the_whole(data)


def test_byte_by_byte() -> None:
    data = REALTIME_GAS + b"noise" + HOUR_GAS + CIPHER_2025 + ANSWER
    assert frames(fed(data, list(range(len(data))))) == of_the_whole(data)


def test_a_frame_is_given_as_soon_as_its_crc_is_there() -> None:
    framer = Framer()
    assert framer.feed(REALTIME_GAS[:-3]) == []
    [piece] = framer.feed(REALTIME_GAS[-3:-2])
    assert piece.segment is not None
    assert piece.segment.verdict is Verdict.OK
    assert framer.pending == 0


@pytest.mark.parametrize("length", [b"9999", b"0000", b"0310", b"0640"])
def test_a_damaged_length_does_not_keep_good_frames_waiting(length: bytes) -> None:
    pieces = fed(b"##" + length + REALTIME_GAS[6:] + HOUR_GAS + LOWER_CASE_CRC, [50, 400])
    assert len(frames(pieces)) == 2
    framer = Framer()
    given_at_once = framer.feed(b"##" + length + REALTIME_GAS[6:] + HOUR_GAS)
    assert len(frames(given_at_once)) == 1


def test_rubbish_does_not_pile_up() -> None:
    framer, draw = Framer(), random.Random(1)
    for _ in range(200):
        framer.feed(b"##9999" + draw.randbytes(700))
        assert framer.pending <= LONGEST
    assert len(frames(framer.feed(PACKET_1 + PACKET_2))) == 2
