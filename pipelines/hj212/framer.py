"""Frames out of bytes that are still arriving: each as soon as it is whole, and nothing that is in the way of a later one.

A listener cannot wait for the end of the input, as `scan` does. What is accepted here is accepted there: length, CRC and
grammar hold together, and what does not hold is passed over by one byte, never by its announced length. Frames that were cut
over lines are a matter of logs, and are not put together here.
"""

import re
from dataclasses import dataclass

from pipelines.hj212.codec import Segment, decode_segment
from pipelines.hj212.devices import Devices
from pipelines.hj212.vocabulary import Verdict

LONGEST = 2 + 4 + 9999 + 4 + 2
"""Bytes of the longest frame that its length can announce, CR LF included."""
_SIGN = b"##"
_LENGTH = re.compile(rb"\d{3,4}")
_CLOSING = re.compile(rb"&&[0-9A-Fa-f]{4}")
_GOOD = (Verdict.OK, Verdict.ENCRYPTED_UNVERIFIED)


@dataclass(frozen=True)
class Piece:
    """Bytes that have their verdict: a frame, or something else between frames (`segment` is None)."""

    data: bytes
    segment: Segment | None


class Framer:
    """The bytes of one connection."""

    def __init__(self, devices: Devices | None = None) -> None:
        self._devices = devices or Devices()
        self._pending = b""

    @property
    def pending(self) -> int:
        """Bytes that wait for more: never more than one frame can have."""
        return len(self._pending)

    def feed(self, data: bytes) -> list[Piece]:
        """Add what has arrived; gives what is now settled, in order and without a byte lost."""
        return self._settle(self._pending + data)

    def close(self) -> list[Piece]:
        """What is left when nothing more will come."""
        rest, self._pending = self._pending, b""
        return [Piece(rest, None)] if rest else []

    def _settle(self, buffer: bytes) -> list[Piece]:
        pieces, done, waits_from, at = [], 0, None, buffer.find(_SIGN)
        while at >= 0:
            end, segment = self._frame_at(buffer, at)
            if segment is not None:
                if at > done:
                    pieces.append(Piece(buffer[done:at], None))
                end = _tail(buffer, end)
                pieces.append(Piece(buffer[at:end], segment))
                done, waits_from = end, None
                at = buffer.find(_SIGN, end)
                continue
            if end > len(buffer) and waits_from is None:
                waits_from = at
            at = buffer.find(_SIGN, at + 1)
        # A single # may be the first half of the sign.
        keep = waits_from if waits_from is not None else len(buffer) - buffer.endswith(b"#")
        keep = max(keep, done)
        if keep > done:
            pieces.append(Piece(buffer[done:keep], None))
        self._pending = buffer[keep:]
        return pieces

    def _frame_at(self, buffer: bytes, at: int) -> tuple[int, Segment | None]:
        """Where the frame that begins here would end, and its segment if it is one; an end beyond the buffer means wait."""
        more = len(buffer) + 1
        head = buffer[at + 2 : at + 6]
        if len(head) < 4 and (not head or head.isdigit()):
            return more, None
        digits = _LENGTH.match(head)
        if digits is None:
            return at, None
        start = at + 2 + digits.end()
        end = start + int(digits[0])
        if end + 4 > len(buffer):
            return end + 4, None
        if not _CLOSING.match(buffer, end - 2, end + 4):
            return at, None
        segment = decode_segment(buffer[start:end], int(buffer[end : end + 4], 16), self._devices)
        return (end + 4, segment) if segment.verdict in _GOOD else (at, None)


def _tail(buffer: bytes, end: int) -> int:
    """Behind CR LF, as far as it has come; what comes later of it is text between frames."""
    for ending in (b"\r\n", b"\n", b"\r"):
        if buffer.startswith(ending, end):
            return end + len(ending)
    return end
