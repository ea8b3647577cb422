"""Frames of a piece of bytes as objects, for whoever wants a few of them: a listener, a test, a look at one frame.

Tables of many frames belong in `bulk`; both stand on `scan`, so that they cannot disagree.
"""

from dataclasses import dataclass, field

from pipelines.hj212.codec import Frame, decode_segment
from pipelines.hj212.devices import Devices
from pipelines.hj212.scan import Row, Scan, scan
from pipelines.hj212.vocabulary import CrcVariant, Dialect, Verdict


@dataclass(frozen=True)
class DecodedFrame:
    """One frame with its verdict.

    Attributes:
        offset, size: Bytes that it takes in the input.
        verdict, reason: What became of it, and why.
        frame: What it says; None unless the verdict is ok or encrypted_unverified (then without data).
        warnings: Codes of tolerated deviations.
        dialect: Edition by which it was read.
        declared_length, crc_declared: As sent.
        crc_calculated: The protocol's CRC of what came.
        crc_variant: Which CRC the declared one is, accepted or not.
    """

    offset: int
    size: int
    verdict: Verdict
    reason: str | None
    frame: Frame | None
    warnings: frozenset[str] = field(default=frozenset())
    dialect: Dialect | None = None
    declared_length: int | None = None
    crc_declared: str | None = None
    crc_calculated: int | None = None
    crc_variant: CrcVariant | None = None


def decode_stream(data: bytes, devices: Devices | None = None) -> list[DecodedFrame]:
    """All frames of some bytes, and what should have been one, in order; text between them has no entry."""
    devices = devices or Devices()
    found = scan(data, devices)
    decoded = [_of_row(row) for row in found.rows] + [_of_place(found, data, place, devices) for place in found.accepted.tolist()]
    return sorted(decoded, key=lambda frame: frame.offset)


def decode_frame(data: bytes, devices: Devices | None = None) -> DecodedFrame:
    """Exactly one frame. Bytes that hold none, or several, are refused as bad_length with the reason."""
    decoded = decode_stream(data, devices)
    if len(decoded) == 1:
        return decoded[0]
    reason = "there is no ## in it" if not decoded else f"it holds {len(decoded)} frames: use decode_stream()"
    return DecodedFrame(offset=0, size=len(data), verdict=Verdict.BAD_LENGTH, reason=reason, frame=None)


def _of_row(row: Row) -> DecodedFrame:
    return DecodedFrame(
        offset=row.start, size=row.end - row.start, verdict=row.verdict, reason=row.reason, frame=row.segment.frame if row.segment else None,
        warnings=row.warnings, dialect=row.segment.dialect if row.segment else None, declared_length=row.declared_length,
        crc_declared=row.crc_declared, crc_calculated=row.crc_calculated, crc_variant=row.crc_variant,
    )  # fmt: skip


def _of_place(found: Scan, data: bytes, place: int, devices: Devices) -> DecodedFrame:
    start, end = int(found.segment_start[place]), int(found.segment_end[place])
    segment = decode_segment(data[start:end], int(found.crc_declared[place]), devices)
    return DecodedFrame(
        offset=int(found.start[place]), size=int(found.end[place] - found.start[place]), verdict=segment.verdict, reason=segment.reason,
        frame=segment.frame, warnings=segment.warnings | found.scan_warnings(place), dialect=segment.dialect,
        declared_length=end - start, crc_declared=data[end : end + 4].decode(), crc_calculated=segment.crc_calculated,
        crc_variant=segment.crc_variant,
    )  # fmt: skip
