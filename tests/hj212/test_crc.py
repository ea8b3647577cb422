"""The checksums: known values, the state's width, and many at once against one at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.hj212 import CrcVariant, crc, hj212_crc, modbus_crc
from pipelines.hj212.crc import crc_and_variant, crc_of_many


def _by_the_annex(data: bytes) -> int:
    """The standard's algorithm, bit by bit."""
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ byte
        for _ in range(8):
            register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    return register


@pytest.mark.parametrize(("data", "own", "modbus"), [(b"123456789", 0x2F80, 0x4B37), (b"", 0xFFFF, 0xFFFF)])
def test_known_values(data: bytes, own: int, modbus: int) -> None:
    assert hj212_crc(data) == own
    assert modbus_crc(data) == modbus


@given(st.binary(max_size=80))
def test_the_table_is_the_annex(data: bytes) -> None:
    assert hj212_crc(data) == _by_the_annex(data)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=30))
def test_many_at_once_equal_one_at_a_time(pieces: list[bytes]) -> None:
    buffer = np.frombuffer(b"".join(pieces) + b"#", dtype=np.uint8)
    lengths = np.array([len(piece) for piece in pieces])
    starts = np.cumsum(lengths) - lengths
    assert crc_of_many(buffer, starts, lengths).tolist() == [hj212_crc(piece) for piece in pieces]
    assert crc_of_many(buffer, starts, lengths, modbus=True).tolist() == [modbus_crc(piece) for piece in pieces]


def test_more_pieces_than_fit_the_cache() -> None:
    """Blocks of rows are joined in the right order."""
    random = np.random.default_rng(212)
    buffer = random.integers(0, 256, 50_000, dtype=np.uint8)
    starts, lengths = random.integers(0, 49_000, 9_000), random.integers(0, 90, 9_000)
    expected = [hj212_crc(buffer[start : start + length].tobytes()) for start, length in zip(starts, lengths, strict=True)]
    assert crc_of_many(buffer, starts, lengths).tolist() == expected


def test_only_256_values_can_occur_and_one_changed_byte_always_shows() -> None:
    values = {hj212_crc(bytes([first, second])) for first in range(256) for second in range(256)}
    assert len(values) == 256
    for other in range(1, 256):
        assert hj212_crc(bytes([other, 7, 7])) != hj212_crc(b"\x00\x07\x07")


@given(st.binary(min_size=9, max_size=60), st.data())
def test_bytes_eight_places_apart_may_change_places(data: bytes, draw: st.DataObject) -> None:
    """What lets many CRCs be worked out by words of eight bytes is a blind spot as well."""
    place = draw.draw(st.integers(0, len(data) - 9))
    changed = bytearray(data)
    changed[place], changed[place + 8] = changed[place + 8], changed[place]
    assert _by_the_annex(bytes(changed)) == _by_the_annex(data)


@pytest.mark.parametrize("variant", list(CrcVariant))
def test_a_variant_is_recognised_by_its_value(variant: CrcVariant) -> None:
    assert crc_and_variant(b"QN=1;ST=31", crc(b"QN=1;ST=31", variant)) == (hj212_crc(b"QN=1;ST=31"), variant)


def test_no_variant_matches_a_wrong_value() -> None:
    data = b"QN=1;ST=31"
    wrong = next(value for value in range(65536) if value not in {crc(data, variant) for variant in CrcVariant})
    assert crc_and_variant(data, wrong) == (hj212_crc(data), None)
