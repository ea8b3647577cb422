"""Where the frames are in a run of bytes: every `##` is tried, and what does not hold is skipped by one byte, not by its length.

A frame is accepted when length, CRC and grammar hold together; only then are its bytes taken. So a damaged length never
swallows the good frame behind it. Everything else becomes a refused row with its reason, or is text between frames.
What is in accepted frames belongs in `codec` and `regular`, what becomes of them in `bulk` and `stream`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from pipelines.hj212.codec import Segment, crc_reason, decode_segment
from pipelines.hj212.crc import crc_of_many
from pipelines.hj212.devices import Devices
from pipelines.hj212.encryption import ENCRYPTED_AREA, decrypt_areas
from pipelines.hj212.regular import PADDING, Regular, read_regular
from pipelines.hj212.signs import places_of
from pipelines.hj212.vocabulary import CrcVariant, Dialect, Verdict

HORIZON = 1 << 15
"""No frame is longer: 9999 announced bytes, and the line prefixes of a frame that was cut over lines."""
_REFUSED_MAX = 12_288
"""Bytes that one refused row takes at most; rubbish behind it is text or another row."""
_HASH = ord("#")
_BREAK = re.compile(rb"[\r\n\x00]+")
_PIECE = re.compile(rb"[^\r\n\x00]+")
_CUT_HEADER = re.compile(rb"#[\r\n\x00]+[^#\r\n\x00]{0,256}#(?=[\r\n\x00]*[0-9])")
_CLOSING = re.compile(rb"&&[0-9A-Fa-f]{4}")
_STAMP = re.compile(rb"\s*[\[(]?\d{4}[-/.]\d{1,2}[-/.]\d{1,2}[ T]\d{1,2}:\d{2}(?::\d{2})?(?:[.,:]\d{1,6})?[\])]?[\s:|-]*")
_DIGIT = re.compile(rb"\d")
_LEAD_MAX = 256
_PREFIX_MAX = 64
_CLAIMED_MN = re.compile(rb"(?:^|;)MN=([^;,&\s]+)")
_FLAG_OF_2025 = re.compile(rb";Flag=(?:8|9|10|11);")
_DATA_AREA = b"CP=&&"

_HEX = np.full(256, 255, dtype=np.int64)
for _digits in (b"0123456789abcdef", b"0123456789ABCDEF"):
    _HEX[list(_digits)] = np.arange(16)
_BREAKS = np.zeros(256, dtype=bool)
_BREAKS[list(b"\r\n\x00")] = True
_LOWER = np.zeros(256, dtype=bool)
_LOWER[list(b"abcdef")] = True
_VARIANTS = tuple(CrcVariant)
_UNKNOWN_VARIANT = len(_VARIANTS)


@dataclass
class Row:
    """One refused or individually read frame; regular ones stand in `Scan.regular` instead."""

    start: int
    end: int
    verdict: Verdict
    reason: str | None
    segment: Segment | None = None
    declared_length: int | None = None
    crc_declared: str | None = None
    crc_calculated: int | None = None
    crc_variant: CrcVariant | None = None
    warnings: frozenset[str] = frozenset()
    data: bytes | None = None


@dataclass
class Scan:
    """What a run of bytes holds.

    Attributes:
        consumed: bytes that have their verdict; the rest waits for what follows (never at the end of the input).
        rows: frames that were read one by one and those refused, by start.
        regular: fields and values of the regular frames; `regular.rows` are places in the arrays below.
        start, end: bytes of each delimited frame (its length leads to && and a CRC), tail included.
        segment_start, segment_end: its data segment.
        crc_declared, crc_calculated: as sent; the protocol's own of what came.
        variant: place of its CRC's variant in CrcVariant; one beyond the last where none matches.
        short_length, lower_case, no_tail, tail_spelled: tolerated deviations of its length, CRC and tail.
        accepted: places of the regular frames that were accepted, ascending.
    """

    consumed: int
    rows: list[Row] = field(default_factory=list)
    regular: Regular | None = None
    start: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    end: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    segment_start: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    segment_end: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    crc_declared: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    crc_calculated: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    variant: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    short_length: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))
    lower_case: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))
    no_tail: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))
    tail_spelled: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))
    accepted: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def scan_warnings(self, place: int) -> frozenset[str]:
        """Warnings of one delimited frame that concern its wrapping."""
        found = {
            "length_three_digits": self.short_length[place],
            "crc_lower_case": self.lower_case[place],
            "no_tail": self.no_tail[place],
            "tail_spelled": self.tail_spelled[place],
        }
        return frozenset(code for code, is_so in found.items() if is_so)


def scan(block: bytes, devices: Devices, *, final: bool = True) -> Scan:
    """Find and judge all frames of a run of bytes.

    Args:
        block: the bytes; a frame may begin anywhere.
        devices: profiles by which frames are judged.
        final: nothing follows. Otherwise a rest of at most some HORIZON bytes is left for the next block.
    """
    return _Scanner(block, devices, final=final).scan()


class _Scanner:
    def __init__(self, block: bytes, devices: Devices, *, final: bool) -> None:
        self.block = block
        self.devices = devices
        self.final = final
        self.size = len(block)
        # Room for the longest announced length, so that no place needs a check and CRCs need no copy.
        self.text = block + bytes(10_240 + -self.size % 8)
        self.padded = np.frombuffer(self.text, dtype=np.uint8)
        self.bytes = self.padded[: self.size]
        self.limit = self.size if final else self._limit()

    def _limit(self) -> int:
        """First byte whose frame might reach beyond the block, at the start of a line where there is one."""
        limit = max(self.size - HORIZON, 0)
        line = self.block.rfind(b"\n", max(limit - HORIZON, 0), limit) + 1
        return line or limit

    def scan(self) -> Scan:
        result = Scan(consumed=self.limit)
        if self.limit == 0:
            return result
        hashes = places_of(self.bytes[:-1], _HASH)
        following = self.bytes[hashes + 1]
        self.cut_hashes = hashes[_BREAKS[following]]
        candidates = hashes[following == _HASH]
        self._measure(candidates[candidates < self.limit])
        self._delimit(result)
        self._judge(result)
        spans = self._accept(result)
        refused = self._refused(result, spans)
        spans = (
            np.array(sorted([*spans.tolist(), *([row.start, row.end] for row in refused)]), dtype=np.int64).reshape(-1, 2)
            if refused
            else spans
        )
        headless = self._headless(spans)
        result.rows = sorted([*result.rows, *refused, *headless], key=lambda row: row.start)
        if not self.final:
            result.consumed = max(self.limit, int(spans[:, 1].max(initial=0)))
        return result

    def _measure(self, candidates: np.ndarray) -> None:
        """What stands at the places that each candidate's length names."""
        at = self.padded
        digits = at[np.minimum(candidates[:, None] + np.arange(2, 6), self.size)].astype(np.int64) - ord("0")
        is_digit = (digits >= 0) & (digits <= 9)
        four = is_digit.all(axis=1)
        three = is_digit[:, :3].all(axis=1) & ~four
        head = np.where(three, 5, 6)
        length = np.where(four, digits @ [1000, 100, 10, 1], np.where(three, digits[:, :3] @ [100, 10, 1], -1))
        segment_start = candidates + head
        segment_end = segment_start + np.maximum(length, 0)
        inside = (length >= 2) & (segment_end + 4 <= self.size)
        end = np.where(inside, segment_end, 0)
        nibbles = _HEX[at[end[:, None] + np.arange(4)]]
        closed = (at[end - 1] == ord("&")) & (at[end - 2] == ord("&"))
        self.candidates, self.length, self.three = candidates, length, three
        self.segment_start, self.segment_end = segment_start, segment_end
        self.whole = inside & (nibbles < 16).all(axis=1)
        self.delimited = self.whole & closed
        self.declared = nibbles @ [4096, 256, 16, 1]
        self.lower = _LOWER[at[end[:, None] + np.arange(4)]].any(axis=1)

    def _delimit(self, result: Scan) -> None:
        """The candidates whose length leads to && and a CRC, with the end of their tails and their CRC's variant."""
        (chosen,) = np.nonzero(self.delimited)
        result.start, result.segment_start, result.segment_end = (
            self.candidates[chosen],
            self.segment_start[chosen],
            self.segment_end[chosen],
        )
        result.crc_declared, result.short_length, result.lower_case = self.declared[chosen], self.three[chosen], self.lower[chosen]
        self._tails(result)
        lengths = result.segment_end - result.segment_start
        own = crc_of_many(self.padded, result.segment_start, lengths).astype(np.int64)
        variant = np.full(len(chosen), _VARIANTS.index(CrcVariant.HJ212), dtype=np.int64)
        (other,) = np.nonzero(own != result.crc_declared)
        declared = result.crc_declared[other]
        modbus = crc_of_many(self.padded, result.segment_start[other], lengths[other], modbus=True).astype(np.int64)
        variant[other] = np.select(
            [_swapped(own[other]) == declared, modbus == declared, _swapped(modbus) == declared],
            [_VARIANTS.index(name) for name in (CrcVariant.HJ212_SWAPPED, CrcVariant.MODBUS, CrcVariant.MODBUS_SWAPPED)],
            default=_UNKNOWN_VARIANT,
        )
        result.crc_calculated, result.variant = own, variant

    def _tails(self, result: Scan) -> None:
        at, end = self.padded, result.segment_end + 4
        first, second = at[end], at[np.minimum(end + 1, self.size)]
        carriage, line = first == ord("\r"), first == ord("\n")
        spelled = (first == ord("\\")) & ((second == ord("r")) | (second == ord("n")))
        result.tail_spelled = spelled
        result.no_tail = ~(carriage | line | spelled | (first == 0))
        after = end + carriage + line + (carriage & (second == ord("\n"))) + 2 * spelled
        for index in np.flatnonzero(spelled).tolist():
            tail = re.compile(rb"(?:\\[rn])+\r?\n?").match(self.block, int(end[index]))
            after[index] = tail.end() if tail else after[index]
        result.end = after

    def _judge(self, result: Scan) -> None:
        """Read the delimited frames whose CRC some device may use: regular ones by column, the others one by one."""
        self._segments: dict[int, Segment] = {}
        encrypted = self._encrypted(result)
        accepted = np.array([variant in self.devices.accepted_variants for variant in _VARIANTS] + [False])
        readable = accepted[result.variant] & ~encrypted
        (places,) = np.nonzero(readable)
        text, starts, ends = self.text, result.segment_start[places], result.segment_end[places]
        if encrypted.any():
            decrypted, plain = self._decrypt(result, np.flatnonzero(encrypted))
            places = np.concatenate([places, decrypted])
            sizes = np.array([len(segment) for segment in plain], dtype=np.int64)
            plain_ends = len(text) + np.cumsum(sizes)
            starts, ends = np.concatenate([starts, plain_ends - sizes]), np.concatenate([ends, plain_ends])
            text = b"".join([text, *plain, bytes(PADDING)])
            order = np.argsort(places, kind="stable")
            places, starts, ends = places[order], starts[order], ends[order]
        regular = read_regular(text, starts, ends, result.variant[places], self.devices)
        regular_places = places[regular.rows]
        result.regular = replace(regular, rows=regular_places)
        one_by_one = readable | encrypted
        one_by_one[regular_places] = False
        for place in np.flatnonzero(one_by_one).tolist():
            data = self.block[result.segment_start[place] : result.segment_end[place]]
            self._segments[place] = decode_segment(data, int(result.crc_declared[place]), self.devices)

    def _decrypt(self, result: Scan, places: np.ndarray) -> tuple[np.ndarray, list[bytes]]:
        """Plain segments of the encrypted frames whose key is known and whose CRC then holds; the others are looked at one by one."""
        by_key: dict[bytes, list[tuple[int, bytes, bytes]]] = {}
        for place in places.tolist():
            data = self.block[result.segment_start[place] : result.segment_end[place]]
            head, _, rest = data.partition(_DATA_AREA)
            claim, flag = _CLAIMED_MN.search(head), _FLAG_OF_2025.search(head)
            profile = self.devices.of(claim[1].decode("ascii", "replace") if claim else None)
            if profile.sm4_key is not None and (profile.dialect is Dialect.HJ_2025 or (profile.dialect is None and flag)):
                by_key.setdefault(profile.sm4_key, []).append((place, head, rest[:-2]))
        found: list[int] = []
        segments: list[bytes] = []
        for key, frames in by_key.items():
            areas = decrypt_areas([area for _, _, area in frames], key)
            for (place, head, _), plain in zip(frames, areas, strict=True):
                if plain is not None:
                    found.append(place)
                    segments.append(head + _DATA_AREA + plain + b"&&")
        if not found:
            return np.empty(0, dtype=np.int64), []
        lengths = np.array([len(segment) for segment in segments])
        joined = np.frombuffer(b"".join(segments), dtype=np.uint8)
        own = crc_of_many(joined, np.cumsum(lengths) - lengths, lengths).astype(np.int64)
        chosen = np.array(found, dtype=np.int64)
        holds = own == result.crc_declared[chosen]
        result.crc_calculated[chosen[holds]] = own[holds]
        result.variant[chosen[holds]] = _VARIANTS.index(CrcVariant.HJ212)
        return chosen[holds], [segment for segment, fine in zip(segments, holds.tolist(), strict=True) if fine]

    def _encrypted(self, result: Scan) -> np.ndarray:
        # One rare letter is found many times faster than a word of common ones.
        if ENCRYPTED_AREA[:1] not in self.block:
            return np.zeros(len(result.start), dtype=bool)
        begins = np.array([found.start() for found in re.finditer(re.escape(b"CP=&&" + ENCRYPTED_AREA), self.block)], dtype=np.int64)
        if len(begins) == 0:
            return np.zeros(len(result.start), dtype=bool)
        return np.searchsorted(begins, result.segment_end) > np.searchsorted(begins, result.segment_start)

    def _accept(self, result: Scan) -> np.ndarray:
        """Take what holds, from the left, unless it begins inside a frame that was taken; gives start and end of each."""
        assert result.regular is not None
        regular = result.regular.rows
        fine = [place for place, segment in self._segments.items() if segment.verdict in (Verdict.OK, Verdict.ENCRYPTED_UNVERIFIED)]
        places = np.sort(np.concatenate([regular, np.array(fine, dtype=np.int64)]))
        stitched = list(self._cut_frames(result.start[places]))
        starts = np.concatenate([result.start[places], np.array([row.start for row in stitched], dtype=np.int64)])
        ends = np.concatenate([result.end[places], np.array([row.end for row in stitched], dtype=np.int64)])
        order = np.argsort(starts, kind="stable")
        if (starts[order][1:] < ends[order][:-1]).any():
            order = np.array(list(_from_the_left(order.tolist(), starts.tolist(), ends.tolist())), dtype=np.int64)
        taken = np.zeros(len(starts), dtype=bool)
        taken[order] = True
        taken_places = places[taken[: len(places)]]
        result.accepted = taken_places[np.isin(taken_places, regular, assume_unique=True)]
        result.rows = [self._row(result, place) for place in fine if taken[np.searchsorted(places, place)]]
        result.rows += [row for row, is_taken in zip(stitched, taken[len(places) :].tolist(), strict=True) if is_taken]
        return np.column_stack([starts[order], ends[order]])

    def _cut_frames(self, good: np.ndarray) -> Iterator[Row]:
        """Frames that hold once line breaks, and the prefixes of the lines, are taken out of them."""
        doubtful = ~np.isin(self.candidates, good, assume_unique=True)
        reach = np.where(self.length >= 0, self.segment_end + 4, self.candidates + 6)[doubtful]
        starts = [
            start
            for start, end in zip(self.candidates[doubtful].tolist(), reach.tolist(), strict=True)
            if _BREAK.search(self.block, start, end)
        ]
        starts += [found.start() for found in self._cut_headers()]
        for start in starts:
            row = _put_together(self.block, start, self._lead(start), self.devices)
            if row is not None:
                yield row

    def _cut_headers(self) -> Iterator[re.Match[bytes]]:
        covered = 0
        for start in self.cut_hashes.tolist():
            found = _CUT_HEADER.match(self.block, start, self.limit) if start >= covered else None
            if found:
                covered = found.end()
                yield found

    def _lead(self, start: int) -> bytes:
        line = max(self.block.rfind(b"\n", max(start - _LEAD_MAX, 0), start) + 1, start - _LEAD_MAX, 0)
        return self.block[line:start]

    def _row(self, result: Scan, place: int) -> Row:
        segment = self._segments[place]
        start, end = int(result.segment_start[place]), int(result.segment_end[place])
        return Row(
            start=int(result.start[place]), end=int(result.end[place]), verdict=segment.verdict, reason=segment.reason, segment=segment,
            declared_length=end - start, crc_declared=self.block[end : end + 4].decode(), crc_calculated=segment.crc_calculated,
            crc_variant=segment.crc_variant, warnings=segment.warnings | result.scan_warnings(place), data=self.block[start:end],
        )  # fmt: skip

    def _refused(self, result: Scan, accepted: np.ndarray) -> list[Row]:
        starts, ends = accepted[:, 0], accepted[:, 1]
        place = np.searchsorted(starts, self.candidates, side="right") - 1
        taken = (place >= 0) & (self.candidates < ends[place]) if len(starts) else np.zeros(len(self.candidates), dtype=bool)
        (open_,) = np.nonzero(~taken)
        barriers = np.append(starts, self.size)[place[open_] + 1]
        place_of = {int(start): place for place, start in enumerate(result.start.tolist())} if len(open_) else {}
        rows: list[Row] = []
        covered = 0
        for index, start, barrier in zip(open_.tolist(), self.candidates[open_].tolist(), barriers.tolist(), strict=True):
            # In ### before a length the first sign is text.
            if start >= covered and barrier > start + 1:
                rows.append(self._refuse(result, index, place_of.get(start), barrier))
                covered = rows[-1].end
        return rows

    def _refuse(self, result: Scan, index: int, place: int | None, barrier: int) -> Row:
        start = int(self.candidates[index])
        length = int(self.length[index])
        if place is not None and int(result.segment_end[place]) + 4 <= barrier:
            return self._refuse_delimited(result, place, min(int(result.end[place]), barrier))
        end = self._refused_end(start, barrier)
        raw = self.block[start:end]
        verdict = Verdict.BAD_LENGTH
        segment_end = int(self.segment_end[index])
        if length < 0:
            reason = "## is not followed by a length of four digits"
        elif place is not None:
            reason = f"the announced length of {length} bytes runs into the next good frame"
        elif segment_end + 4 > self.size:
            reason = f"{length} bytes and a CRC are announced, the input ends {segment_end + 4 - self.size} bytes before that"
        elif self.whole[index] and self._lonely(segment_end + 4) and self._own_crc(index) == int(self.declared[index]):
            verdict, reason = Verdict.BAD_GRAMMAR, "no data area CP=&&…&& at the end of the data segment"
        else:
            reason = f"{length} bytes are announced, but neither && nor a CRC stands there"
        closing = list(_CLOSING.finditer(raw))
        if verdict is Verdict.BAD_LENGTH and closing and length >= 0:
            reason += f"; the data segment has {closing[-1].start() + 2 - (5 if self.three[index] else 6)} bytes"
        declared = closing[-1][0][2:].decode() if closing else None
        return Row(
            start=start, end=end, verdict=verdict, reason=reason, declared_length=None if length < 0 else length, crc_declared=declared,
            data=raw,
        )  # fmt: skip

    def _lonely(self, end: int) -> bool:
        return end >= self.size or self.block[end] in b"\r\n\x00"

    def _own_crc(self, index: int) -> int:
        start, end = self.segment_start[index : index + 1], self.segment_end[index : index + 1]
        return int(crc_of_many(self.padded, start, end - start)[0])

    def _refuse_delimited(self, result: Scan, place: int, end: int) -> Row:
        segment_start, segment_end = int(result.segment_start[place]), int(result.segment_end[place])
        declared, calculated = int(result.crc_declared[place]), int(result.crc_calculated[place])
        segment = self._segments.get(place)
        if segment is not None:
            verdict, reason = segment.verdict, segment.reason
            variant: CrcVariant | None = segment.crc_variant
            calculated_or_none = segment.crc_calculated
        else:
            index = int(result.variant[place])
            variant = None if index == _UNKNOWN_VARIANT else _VARIANTS[index]
            verdict, reason, calculated_or_none = Verdict.BAD_CRC, crc_reason(declared, calculated, variant), calculated
        return Row(
            start=int(result.start[place]), end=end, verdict=verdict, reason=reason, declared_length=segment_end - segment_start,
            crc_declared=self.block[segment_end : segment_end + 4].decode(), crc_calculated=calculated_or_none, crc_variant=variant,
            warnings=result.scan_warnings(place), data=self.block[segment_start:segment_end],
        )  # fmt: skip

    def _refused_end(self, start: int, barrier: int) -> int:
        """To the end of the line, the next ## or the next good frame: whatever comes first."""
        signs = start + 2
        while signs < self.size and self.block[signs] == _HASH:
            signs += 1
        following = self.block.find(b"##", signs, barrier)
        end = min(following if following >= 0 else barrier, start + _REFUSED_MAX)
        if found := _BREAK.search(self.block, start, end):
            end = min(found.end(), end)
        return end

    def _headless(self, spans: np.ndarray) -> list[Row]:
        """Lines between frames that hold a data area: a frame whose ## was lost is not text."""
        gap_starts = np.append(0, spans[:, 1])
        gap_ends = np.append(spans[:, 0], self.limit)
        wide = gap_ends - gap_starts > len(_DATA_AREA)
        # Most gaps are the short prefixes of a log's lines: where no & stands nothing has to be looked for.
        (short,) = np.nonzero(wide & (gap_ends - gap_starts <= _PREFIX_MAX))
        ahead = np.lib.stride_tricks.sliding_window_view(self.padded, _PREFIX_MAX)[gap_starts[short]]
        wide[short[~(ahead == _DATA_AREA[-1]).any(axis=1)]] = False
        rows = []
        for gap_start, gap_end in zip(gap_starts[wide].tolist(), gap_ends[wide].tolist(), strict=True):
            position = gap_start
            while (found := self.block.find(_DATA_AREA, position, gap_end)) >= 0:
                rows.append(self._headless_row(position, found, gap_end))
                position = rows[-1].end
        return rows

    def _headless_row(self, gap_start: int, found: int, gap_end: int) -> Row:
        line = max(self.block.rfind(sign, gap_start, found) + 1 for sign in (b"\n", b"\r", b"\x00"))
        start = max(line, gap_start, found - _REFUSED_MAX)
        ending = _BREAK.search(self.block, found, gap_end)
        end = min(ending.end() if ending else gap_end, start + 2 * _REFUSED_MAX)
        raw = self.block[start:end]
        closing = list(_CLOSING.finditer(raw))
        return Row(
            start=start, end=end, verdict=Verdict.BAD_GRAMMAR, reason="a data area without the ## of its frame", data=raw,
            crc_declared=closing[-1][0][2:].decode() if closing else None,
        )  # fmt: skip


def _swapped(crc: np.ndarray) -> np.ndarray:
    return (crc & 0xFF) << 8 | crc >> 8


def _from_the_left(order: list[int], starts: list[int], ends: list[int]) -> Iterator[int]:
    covered = 0
    for index in order:
        if starts[index] >= covered:
            covered = ends[index]
            yield index


def _put_together(block: bytes, start: int, lead: bytes, devices: Devices) -> Row | None:
    """A frame cut over lines: as the lines stand, without a prefix of the first line's shape, or without a time stamp."""
    shape = _DIGIT.sub(b"0", lead)

    def of_shape(piece: bytes) -> int:
        # A lead of signs would take the next frame's own for a prefix.
        return len(lead) if lead and b"#" not in lead and _DIGIT.sub(b"0", piece[: len(lead)]) == shape else -1

    def stamped(piece: bytes) -> int:
        found = _STAMP.match(piece)
        return found.end() if found else -1

    strips: tuple[Callable[[bytes], int], ...] = (lambda _: 0, of_shape, stamped)
    for strip in strips:
        row = _joined(block, start, strip, devices)
        if row is not None:
            tail = re.compile(rb"\r?\n|\r").match(block, row.end)
            row.end = tail.end() if tail else row.end
            return row
    return None


def _joined(block: bytes, start: int, strip: Callable[[bytes], int], devices: Devices) -> Row | None:
    text, needed = bytearray(), 0
    for number, found in enumerate(_PIECE.finditer(block, start, min(start + HORIZON, len(block)))):
        offset, piece = found.start(), found[0]
        cut = strip(piece) if number else 0
        before = len(text)
        text += piece[cut:]
        # A further ## is the next frame's: what came before it is not to be had by joining.
        if cut < 0 or text.find(b"##", max(before - 1, 1)) > 0:
            return None
        if not needed and len(text) >= 6:
            if not (text[:2] == b"##" and text[2:6].isdigit()):
                return None
            needed = 6 + int(text[2:6]) + 4
        if needed and len(text) >= needed:
            data, declared = bytes(text[6 : needed - 4]), bytes(text[needed - 4 : needed])
            if number == 0 or not _CLOSING.fullmatch(data[-2:] + declared):
                return None
            segment = decode_segment(data, int(declared, 16), devices)
            if segment.verdict not in (Verdict.OK, Verdict.ENCRYPTED_UNVERIFIED):
                return None
            return Row(
                start=start, end=offset + cut + needed - before, verdict=segment.verdict, reason=segment.reason, segment=segment,
                declared_length=len(data), crc_declared=declared.decode(), crc_calculated=segment.crc_calculated,
                crc_variant=segment.crc_variant, warnings=segment.warnings | {"cut_over_lines"}, data=data,
            )  # fmt: skip
    return None
