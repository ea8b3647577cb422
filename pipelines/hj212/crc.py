"""The checksums of HJ 212: the protocol's own, and those that devices send instead of it.

The protocol's CRC is not CRC-16/MODBUS: each step keeps the register's high byte only. Its state is therefore
8 bits wide, one table look-up a byte decodes it, and 256 of 65 536 values can occur. The look-up is a bijection,
so one changed byte in a data segment is always seen, whereas a change of several bytes slips through once in 256.
It is linear too, and doing it eight times changes nothing: the CRC of many segments is the XOR of their words of eight
bytes, turned into a register at the end. Nothing here knows of frames.
"""

import numpy as np

from pipelines.hj212.vocabulary import CrcVariant


def _table() -> tuple[int, ...]:
    entries = []
    for value in range(256):
        register = value
        for _ in range(8):
            register = (register >> 1) ^ (0xA001 if register & 1 else 0)
        entries.append(register)
    return tuple(entries)


_TABLE = _table()
_TABLE_ARRAY = np.array(_TABLE, dtype=np.uint16)
_HIGH = bytes(entry >> 8 for entry in _TABLE)
_HIGH_ARRAY = np.frombuffer(_HIGH, dtype=np.uint8)
_BY_HIGH = np.zeros(256, dtype=np.uint16)
_BY_HIGH[_HIGH_ARRAY] = _TABLE_ARRAY
"""Whole register by its high byte: high bytes of the table are all different."""
_PERIOD = 8
"""Steps after which the high byte is again what it was, had only zeros come."""


def _turned() -> np.ndarray:
    rows = [np.arange(256, dtype=np.uint8)]
    for _ in range(_PERIOD - 1):
        rows.append(_HIGH_ARRAY[rows[-1]])
    assert (_HIGH_ARRAY[rows[-1]] == rows[0]).all()
    return np.stack(rows)


_TURNED = _turned()
"""[k, h]: the high byte h after k zeros. A byte counts as itself after as many zeros as there are places to the end, and the
register's start as if it stood before the first byte."""
_BEFORE = np.array([(1 << 8 * count) - 1 for count in range(_PERIOD)], dtype="<u8")
"""Mask of the bytes that stand before a place of a word."""
_ROWS_AT_ONCE = 4096
"""Frames whose bytes are turned into columns together; more would leave the processor's cache."""


def hj212_crc(data: bytes) -> int:
    """CRC of HJ 212 (Annex A) over a data segment: b'123456789' gives 0x2F80."""
    high = 0xFF
    for byte in data:
        high = _HIGH[high ^ byte]
    return int(_BY_HIGH[high]) if data else 0xFFFF


def modbus_crc(data: bytes) -> int:
    """CRC-16/MODBUS, which some devices send instead: b'123456789' gives 0x4B37."""
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ _TABLE[(register ^ byte) & 0xFF]
    return register


def swapped(crc: int) -> int:
    """The same CRC with its two bytes exchanged."""
    return (crc & 0xFF) << 8 | crc >> 8


def crc(data: bytes, variant: CrcVariant = CrcVariant.HJ212) -> int:
    """CRC of a data segment by variant."""
    value = modbus_crc(data) if variant in (CrcVariant.MODBUS, CrcVariant.MODBUS_SWAPPED) else hj212_crc(data)
    return swapped(value) if variant in (CrcVariant.HJ212_SWAPPED, CrcVariant.MODBUS_SWAPPED) else value


def crc_and_variant(data: bytes, declared: int) -> tuple[int, CrcVariant | None]:
    """The protocol's CRC, and which variant a declared one is; the protocol's own wins where two agree."""
    own = hj212_crc(data)
    if declared == own:
        return own, CrcVariant.HJ212
    modbus = modbus_crc(data)
    others = {swapped(modbus): CrcVariant.MODBUS_SWAPPED, modbus: CrcVariant.MODBUS, swapped(own): CrcVariant.HJ212_SWAPPED}
    return own, others.get(declared)


def crc_of_many(buffer: np.ndarray, starts: np.ndarray, lengths: np.ndarray, *, modbus: bool = False) -> np.ndarray:
    """CRCs of many pieces of one buffer.

    Args:
        buffer: the bytes, uint8.
        starts: first byte of each piece.
        lengths: bytes of each piece; the piece lies inside the buffer.
        modbus: CRC-16/MODBUS instead of the protocol's own.
    """
    if len(starts) == 0:
        return np.empty(0, dtype=np.uint16)
    if modbus:
        return _modbus_of_many(buffer, starts, lengths)
    ends = starts + lengths
    folded = _folded(buffer, starts, ends)
    high = _TURNED[lengths % _PERIOD, 0xFF]
    for place in range(_PERIOD):
        high ^= _TURNED[(ends - place) % _PERIOD, folded[:, place]]
    return np.where(lengths > 0, _BY_HIGH[high], np.uint16(0xFFFF))


def _folded(buffer: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """XOR of each piece's bytes, by their place in the buffer's words of eight bytes: (pieces, 8)."""
    whole = len(buffer) // _PERIOD
    if int(ends.max()) // _PERIOD >= whole:
        buffer = np.concatenate([buffer, np.zeros(2 * _PERIOD, dtype=np.uint8)])
        whole = len(buffer) // _PERIOD
    words = np.frombuffer(buffer[: whole * _PERIOD], dtype="<u8")
    first, last = starts // _PERIOD, ends // _PERIOD
    folded = np.bitwise_xor.reduceat(words, np.column_stack([first, last]).ravel())[::2]
    folded[first == last] = 0
    # Of the first word what stands before the piece was too much, of the last one what stands before its end is missing.
    folded ^= (words[first] & _BEFORE[starts % _PERIOD]) ^ (words[last] & _BEFORE[ends % _PERIOD])
    return np.frombuffer(folded.tobytes(), dtype=np.uint8).reshape(-1, _PERIOD)


def _modbus_of_many(buffer: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """CRC-16/MODBUS, which has no such short period, stepping over the pieces' byte columns.

    Sorted by falling length, the pieces that still have a byte in a column are the first ones: every step works on
    one contiguous slice, without masks, whatever the lengths.
    """
    result = np.full(len(starts), 0xFFFF, dtype=np.uint16)
    order = np.argsort(-lengths, kind="stable")
    for first in range(0, len(order), _ROWS_AT_ONCE):
        rows = order[first : first + _ROWS_AT_ONCE]
        row_lengths = lengths[rows]
        longest = int(row_lengths[0])
        if longest == 0:
            break
        columns = _byte_columns(buffer, starts[rows], longest)
        active = np.searchsorted(-row_lengths, -np.arange(longest), side="left")
        register = np.full(len(rows), 0xFFFF, dtype=np.uint16)
        for column, count in enumerate(active.tolist()):
            part = register[:count]
            register[:count] = (part >> 8) ^ _TABLE_ARRAY[(part & 0xFF) ^ columns[column, :count]]
        result[rows] = register
    return result


def _byte_columns(buffer: np.ndarray, starts: np.ndarray, longest: int) -> np.ndarray:
    """Column j holds byte j of every piece; what lies behind a piece's end is never looked at."""
    if len(buffer) < longest + 1 or int(starts.max()) + longest > len(buffer):
        buffer = np.concatenate([buffer, np.zeros(longest + 1, dtype=np.uint8)])
    windows = np.lib.stride_tricks.sliding_window_view(buffer, longest)
    return np.ascontiguousarray(windows[starts].T)
