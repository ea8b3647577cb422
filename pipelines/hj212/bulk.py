"""Files of frames and receiver logs as tables: frames (one row per frame, whatever became of it) and values.

Reads plain files of frames, time-stamped log lines, GBK text, NUL padding, several frames a line and frames cut over lines, gzip or not, in
blocks, so that memory does not grow with the file. Every byte of the input belongs to a frame row or is counted as text
between frames. How frames are found belongs in `scan`, what their values mean together in `assembly`.
"""

import gzip
import io
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from pipelines.hj212.codec import AREA_MAX, SEGMENT_MAX, Frame, number, split_name
from pipelines.hj212.devices import Devices
from pipelines.hj212.passwords import PasswordHasher, looks_like_password, masked, masked_damaged
from pipelines.hj212.regular import VALUES as BLOCK_VALUES
from pipelines.hj212.regular import Regular, has_number
from pipelines.hj212.repeats import Repeats
from pipelines.hj212.scan import Row, Scan, scan
from pipelines.hj212.signs import places_of
from pipelines.hj212.tables import FRAMES, VALUES
from pipelines.hj212.vocabulary import ATTRIBUTES, SECRET_FIELDS, STATISTICS, CrcVariant, Verdict

CODED_VALUES = pl.Schema(VALUES | dict.fromkeys(("mn", "st", "cn"), pl.Categorical()) | BLOCK_VALUES)
"""VALUES with codes for the texts that come again and again: written, they are the same; as texts each would be looked at row by row."""
BLOCK_BYTES = 16 << 20
_SPOOL_BYTES = 1 << 27
_GZIP = b"\x1f\x8b"
_STAMP = r"(\d{4}[-/]\d{2}[-/]\d{2}[ T]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,6})?)"
_STAMP_REACH = 64
_PLAIN_STAMP = np.frombuffer(b"0000-00-00 00:00:00.000", dtype=np.uint8)
_STAMP_IS_SIGN = np.isin(_PLAIN_STAMP, list(b"- :."))
_STAMP_DIGITS, _STAMP_SIGNS = np.flatnonzero(~_STAMP_IS_SIGN), np.flatnonzero(_STAMP_IS_SIGN)
_HEX4 = pl.Series([f"{value:04X}" for value in range(1 << 16)])
_VARIANTS = pl.Series([variant.value for variant in CrcVariant])
_CLAIMS = {name: re.compile(rb"(?:^|[;,#\d])" + name.encode() + rb"=([^;,&\s#]{1,64})") for name in ("QN", "ST", "CN", "MN")}
_REGULAR_WARNINGS = ("crc_lower_case", "empty_item", "length_three_digits", "no_tail", "over_long", "tail_spelled")
_COMBINED = pl.Series(
    [[code for bit, code in enumerate(_REGULAR_WARNINGS) if bits >> bit & 1] for bits in range(1 << len(_REGULAR_WARNINGS))],
    dtype=pl.List(pl.String),
)
"""Warnings of a regular frame by bits."""

ACCOUNT = pl.Schema(
    {"source": pl.String(), "bytes": pl.Int64(), "between_frames": pl.Int64()}
    | {f"{verdict}_bytes": pl.Int64() for verdict in Verdict}
    | {f"{verdict}_frames": pl.Int64() for verdict in Verdict}
)
"""One row per source: where its bytes went. `bytes` is the sum of `between_frames` and the `…_bytes`."""


class OutputFormat(StrEnum):
    """Ending of the written tables. In text formats `raw` is base64 and lists are joined by |."""

    PARQUET = "parquet"
    CSV = "csv"
    JSON_LINES = "jsonl"


@dataclass(frozen=True)
class Decoded:
    """frames and values as in `tables`, account as in ACCOUNT."""

    frames: pl.DataFrame
    values: pl.DataFrame
    account: pl.DataFrame


@dataclass(frozen=True)
class Written:
    """What `decode_to` wrote: account as in ACCOUNT, number of values, ok frames by (ST, CN)."""

    account: pl.DataFrame
    values: int
    commands: dict[tuple[str, str], int]


def decode_bytes(data: bytes, *, source: str = "", devices: Devices | None = None, salt: bytes | None = None) -> Decoded:
    """Decode bytes in memory.

    Args:
        data: frames or a receiver log.
        source: what the rows call it.
        devices: profiles; without, every frame is read by its own dialect and the protocol's CRC.
        salt: secret for password hashes, the same in every run that should compare.
    """
    run = _Run(devices or Devices(), salt)
    blocks = list(run.blocks(source, iter([data])))
    return _collected(run, blocks)


def decode_files(paths: Iterable[Path | str], *, devices: Devices | None = None, salt: bytes | None = None) -> Decoded:
    """Decode files in memory, in the order given, which is the order of arrival. Arguments as in `decode_bytes`."""
    run = _Run(devices or Devices(), salt)
    return _collected(run, [block for path in paths for block in run.file(Path(path))])


def decode_blocks(
    path: Path | str, *, devices: Devices | None = None, salt: bytes | None = None, progress: Callable[[int], None] | None = None
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Frames and values of one file, block by block and in order, for whoever cannot hold the file. Arguments as in `decode_to`."""
    run = _Run(devices or Devices(), salt)
    for frames, values in run.file(Path(path)):
        if progress:
            progress(run.bytes_read)
        yield frames, values.cast(dict(VALUES))


def decode_to(
    paths: Iterable[Path | str],
    out: Path | str,
    *,
    format: OutputFormat | str = OutputFormat.PARQUET,  # noqa: A002 - the name that the command line has
    devices: Devices | None = None,
    salt: bytes | None = None,
    progress: Callable[[int], None] | None = None,
) -> Written:
    """Decode files into `frames` and `values` below a folder, in bounded memory.

    Both appear at the end and each at once: an interrupted run leaves no half table.

    Args:
        paths, devices, salt: as in `decode_bytes`, in order of arrival.
        out: folder of the tables, made where it is not there.
        format: parquet, csv or jsonl.
        progress: called after each block with the unpacked bytes that were read so far.
    """
    out, format = Path(out), OutputFormat(format)  # noqa: A001
    out.mkdir(parents=True, exist_ok=True)
    run = _Run(devices or Devices(), salt)
    tally: dict[tuple[str, str], int] = {}
    rows = 0
    with tempfile.TemporaryDirectory(prefix=".hj212-", dir=out) as folder:
        frames = _Spool(Path(folder) / "spool", FRAMES)

        def values(*_: object) -> Iterator[pl.DataFrame]:
            """Decodes while the writer asks for more; frames, far fewer rows, wait for their turn."""
            nonlocal rows
            for path in paths:
                for block_frames, block_values in run.file(Path(path)):
                    frames.add(block_frames)
                    rows += block_values.height
                    for *kind, count in block_frames.filter(verdict=Verdict.OK).group_by("st", "cn").len().iter_rows():
                        tally[tuple(kind)] = tally.get(tuple(kind), 0) + count
                    if progress:
                        progress(run.bytes_read)
                    yield block_values

        unfinished = {name: Path(folder) / f"{name}.{format}" for name in ("values", "frames")}
        _sink(register_io_source(values, schema=CODED_VALUES), unfinished["values"], format, VALUES)
        _sink(frames.lazy(), unfinished["frames"], format, FRAMES)
        for name, path in unfinished.items():
            path.replace(out / f"{name}.{format}")
    return Written(run.account(), rows, dict(sorted(tally.items())))


def _collected(run: "_Run", blocks: list[tuple[pl.DataFrame, pl.DataFrame]]) -> Decoded:
    frames = pl.concat([FRAMES.to_frame(), *(frames for frames, _ in blocks)])
    values = pl.concat([VALUES.to_frame(), *(values.cast(dict(VALUES)) for _, values in blocks)])
    return Decoded(frames, values, run.account())


class _Spool:
    """Blocks of a table, in memory as long as they are small, else in files."""

    def __init__(self, folder: Path, schema: pl.Schema) -> None:
        self._folder = folder
        self._blocks = [schema.to_frame()]
        self._bytes = 0
        self._files: list[Path] = []

    def add(self, block: pl.DataFrame) -> None:
        self._blocks.append(block)
        self._bytes += int(block.estimated_size())
        if self._bytes > _SPOOL_BYTES:
            self._folder.mkdir(exist_ok=True)
            self._files.append(self._folder / f"{len(self._files):06d}.parquet")
            pl.concat(self._blocks).write_parquet(self._files[-1], compression="lz4", statistics=False)
            self._blocks, self._bytes = [], 0

    def lazy(self) -> pl.LazyFrame:
        parts = [pl.scan_parquet(file) for file in self._files]
        if self._blocks:
            parts.append(pl.concat(self._blocks, rechunk=False).lazy())
        return pl.concat(parts)


def _sink(table: pl.LazyFrame, path: Path, output: OutputFormat, schema: pl.Schema) -> None:
    """Write a table whose texts may be codes, such that it reads back by its schema."""
    if output is OutputFormat.PARQUET:
        # Codes and texts are the same Parquet; which of them they were stands in its metadata.
        empty = io.BytesIO()
        schema.to_frame().write_parquet(empty)
        empty.seek(0)
        table.sink_parquet(path, compression="zstd", compression_level=1, metadata=pl.read_parquet_metadata(empty))
        return
    texts = [pl.col(name).bin.encode("base64") for name, dtype in schema.items() if dtype == pl.Binary]
    if output is OutputFormat.CSV:
        texts += [pl.col(name).list.join("|") for name, dtype in schema.items() if dtype == pl.List(pl.String)]
        table.with_columns(texts).sink_csv(path)
    else:
        table.with_columns(texts).sink_ndjson(path)


class _Run:
    """One order of arrival over all sources: frame numbers, repeats and the passwords of each device run through it."""

    def __init__(self, devices: Devices, salt: bytes | None) -> None:
        self.devices = devices
        self.hasher = PasswordHasher(salt)
        self.passwords: dict[str, set[bytes]] = {}
        self.repeats = Repeats()
        self.next_frame_no = 0
        self.bytes_read = 0
        self._accounts: list[pl.DataFrame] = []
        self._windows = pl.DataFrame(
            [{"mn": profile.mn, "retry_window": profile.retry_window} for profile in devices.profiles.values()],
            schema={"mn": pl.String, "retry_window": pl.Duration("us")},
        )

    def file(self, path: Path) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        with path.open("rb") as plain:
            is_gzip = plain.read(len(_GZIP)) == _GZIP
            plain.seek(0)
            if is_gzip:
                with gzip.open(plain) as unpacked:
                    yield from self.blocks(str(path), iter(lambda: unpacked.read(BLOCK_BYTES), b""))
            else:
                yield from self.blocks(str(path), iter(lambda: plain.read(BLOCK_BYTES), b""))

    def blocks(self, source: str, chunks: Iterator[bytes]) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        rest, offset, lines = b"", 0, 1
        tallies = []
        chunk = next(chunks, b"")
        while chunk or rest:
            following = next(chunks, b"")
            block = rest + chunk
            found = scan(block, self.devices, final=not following)
            newlines = places_of(np.frombuffer(block, dtype=np.uint8), ord("\n"))
            frames, values = _Block(self, source, block, found, offset, lines, newlines).tables()
            self.bytes_read += found.consumed
            tallies.append(frames.group_by("verdict").agg(frames=pl.len(), bytes=pl.col("size").cast(pl.Int64).sum()))
            yield frames, values
            rest = block[found.consumed :]
            offset += found.consumed
            lines += int(np.searchsorted(newlines, found.consumed))
            chunk = following
        self._accounts.append(_account(source, offset, tallies))

    def account(self) -> pl.DataFrame:
        return pl.concat([ACCOUNT.to_frame(), *self._accounts])

    def number(self, count: int) -> int:
        first = self.next_frame_no
        self.next_frame_no += count
        return first

    def retry_windows(self, mn: pl.Series) -> pl.Series:
        windows = pl.DataFrame({"mn": mn}).join(self._windows, on="mn", how="left", maintain_order="left")
        return windows["retry_window"].fill_null(self.devices.others.retry_window)


def _account(source: str, size: int, tallies: list[pl.DataFrame]) -> pl.DataFrame:
    tally: dict[str, tuple[int, int]] = {}
    for block in tallies:
        for verdict, frames, bytes_ in block.iter_rows():
            before = tally.get(verdict, (0, 0))
            tally[verdict] = (before[0] + frames, before[1] + bytes_)
    row = {"source": source, "bytes": size, "between_frames": size - sum(bytes_ for _, bytes_ in tally.values())}
    row |= {f"{verdict}_bytes": tally.get(verdict, (0, 0))[1] for verdict in Verdict}
    row |= {f"{verdict}_frames": tally.get(verdict, (0, 0))[0] for verdict in Verdict}
    return pl.DataFrame([row], schema=ACCOUNT)


class _Block:
    """Tables of one scanned block."""

    def __init__(self, run: _Run, source: str, block: bytes, found: Scan, offset: int, lines: int, newlines: np.ndarray) -> None:
        self.run, self.source, self.block, self.found, self.offset, self.lines = run, source, block, found, offset, lines
        self.newlines = newlines

    def tables(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        regular = self.found.regular or Regular.none()
        regular = regular.kept(np.isin(regular.rows, self.found.accepted, assume_unique=True))
        self.passwords(regular.fields.select("mn", "password"), self.found.rows)
        parts = [self._regular(regular.fields)]
        row_values = [_values_of(row, place, self.run.hasher) for place, row in enumerate(self.found.rows)]
        if self.found.rows:
            parts.append(self._one_by_one(self.found.rows))
        frames = pl.concat(parts)
        starts = np.concatenate([self.found.start[self.found.accepted], np.array([row.start for row in self.found.rows], dtype=np.int64)])
        order = np.argsort(starts, kind="stable")
        if self.found.rows:
            frames = frames[order]
        place_of = np.empty(len(order), dtype=np.int64)
        place_of[order] = np.arange(len(order))

        values = regular.values.insert_column(0, pl.Series("place", np.repeat(place_of[: len(regular.rows)], regular.counts)))
        single = [value for rows in row_values for value in rows]
        if single:
            schema = pl.Schema({"place": pl.Int64()} | VALUES)
            texts = pl.DataFrame(single, schema={name: schema[name] for name in ("place", *BLOCK_VALUES)}, orient="row")
            added = texts.with_columns(place=pl.Series(place_of[len(regular.rows) + texts["place"].to_numpy()])).sort("place", "item")
            values = values.merge_sorted(added.cast(dict(values.schema)), key="place")
        return self._finished(frames, values, starts[order])

    def _finished(self, frames: pl.DataFrame, values: pl.DataFrame, starts: np.ndarray) -> tuple[pl.DataFrame, pl.DataFrame]:
        first = self.run.number(frames.height)
        place = values["place"].to_numpy()
        frames = frames.with_columns(
            pl.lit(self.source).alias("source"),
            pl.Series("frame_no", np.arange(first, first + frames.height), dtype=pl.Int64),
            pl.Series("line", self.lines + np.searchsorted(self.newlines, starts), dtype=pl.Int64),
            pl.Series("offset", self.offset + starts, dtype=pl.Int64),
            pl.Series("value_count", np.bincount(place, minlength=frames.height), dtype=pl.Int32),
            self._received(starts).alias("received_local"),
            pl.col("mn").is_in(list(self.run.devices.profiles)).fill_null(False).alias("device_known"),
            self.run.retry_windows(frames["mn"]).alias("retry_window"),
        )
        frames = frames.with_columns(*self.run.repeats.mark(frames).get_columns())
        of_frame = frames.select(name for name in VALUES if name not in BLOCK_VALUES)
        of_frame = of_frame.cast({name: CODED_VALUES[name] for name in of_frame.columns})
        of_value = of_frame.select(pl.all().gather(pl.lit(values["place"].cast(pl.UInt32))))
        return frames.select(FRAMES.names()).cast(dict(FRAMES)), values.hstack(of_value).select(VALUES.names())

    def _received(self, starts: np.ndarray) -> pl.Series:
        lines = np.concatenate([[0], self.newlines + 1])[np.searchsorted(self.newlines, starts)]
        ends = np.minimum(starts, lines + _STAMP_REACH)
        times = _stamps_ahead(self.block, lines, ends)
        (others,) = np.nonzero(np.isnat(times) & (ends > lines))
        if len(others):
            texts = [
                self.block[start:end].decode("latin-1") for start, end in zip(lines[others].tolist(), ends[others].tolist(), strict=True)
            ]
            stamps = pl.Series(texts, dtype=pl.String).str.extract(_STAMP)
            plain = stamps.str.replace_all("/", "-", literal=True).str.replace("T", " ", literal=True).str.replace(",", ".", literal=True)
            times[others] = plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False).to_numpy()
        return pl.Series(times)

    def passwords(self, regular: pl.DataFrame, rows: Sequence[Row]) -> None:
        """Learn the devices' passwords, which may not stand in their refused frames' bytes either."""
        seen = set(regular.drop_nulls("password").unique().rows())
        frames = [row.segment.frame for row in rows if row.segment and row.segment.frame]
        seen |= {(frame.mn, frame.password) for frame in frames if frame.password}
        for mn, password in seen:
            self.run.passwords.setdefault(mn, set()).add(password.encode())
        self.hashes = {password: self.run.hasher(password) for password in {password for _, password in seen}}
        self.masked = masked(self.block)

    def _regular(self, fields: pl.DataFrame) -> pl.DataFrame:
        found, places = self.found, self.found.accepted
        start, end, segment_end = found.start[places], found.end[places], found.segment_end[places]
        length = segment_end - found.segment_start[places]
        too_long = ((fields["segment_size"] > SEGMENT_MAX) | (fields["area_size"] > AREA_MAX)).to_numpy()
        bits = sum(
            mask.astype(np.int64) << bit
            for bit, mask in enumerate(
                (
                    found.lower_case[places],
                    fields["empty_item"].to_numpy(),
                    found.short_length[places],
                    found.no_tail[places],
                    too_long,
                    found.tail_spelled[places],
                )
            )
        )
        declared = _HEX4.gather(found.crc_declared[places])
        if found.lower_case[places].any():
            declared = pl.Series([self.block[at : at + 4].decode() for at in segment_end.tolist()], dtype=pl.String)
        return fields.select(
            pl.Series("size", end - start, dtype=pl.Int32),
            pl.lit(Verdict.OK.value).alias("verdict"),
            pl.lit(None, dtype=pl.String).alias("reason"),
            _COMBINED.gather(bits).alias("warnings"),
            "dialect",
            pl.Series("declared_length", length, dtype=pl.Int32),
            declared.alias("crc_declared"),
            _HEX4.gather(found.crc_calculated[places]).alias("crc_calculated"),
            _VARIANTS.gather(found.variant[places]).alias("crc_variant"),
            *("qn", "st", "cn", "mn", "flag", "pnum", "pno"),
            pl.lit(False).alias("resend"),
            "data_time",
            pl.col("password").replace_strict(self.hashes, default=None, return_dtype=pl.String).alias("password_hash"),
            pl.lit(None, dtype=pl.String).alias("extra"),
            pl.Series("raw", [bytes(self.masked[a:b]) for a, b in zip(start.tolist(), end.tolist(), strict=True)], dtype=pl.Binary),
            "payload",
        )

    def _one_by_one(self, rows: Sequence[Row]) -> pl.DataFrame:
        """Rows of frames that were read one by one, or refused: few, or the price of an unusual device."""
        schema = _regular_schema()
        table = pl.DataFrame([self._record(row) for row in rows], schema=schema | {"payload": pl.String()})
        return table.with_columns(payload=pl.when(pl.col("payload").is_not_null()).then(pl.col("payload").hash())).cast(dict(schema))

    def _record(self, row: Row) -> dict[str, object]:
        segment, frame = row.segment, row.segment.frame if row.segment else None
        raw = bytes(self.masked[row.start : row.end])
        record: dict[str, object] = {
            "size": row.end - row.start, "verdict": row.verdict.value, "reason": row.reason, "warnings": sorted(row.warnings),
            "dialect": segment.dialect.value if segment and segment.dialect else None, "declared_length": row.declared_length,
            "crc_declared": row.crc_declared, "crc_calculated": None if row.crc_calculated is None else f"{row.crc_calculated:04X}",
            "crc_variant": row.crc_variant.value if row.crc_variant else None,
        }  # fmt: skip
        if frame is None:
            claims = {name.lower(): _claim(pattern, row.data or b"") for name, pattern in _CLAIMS.items()}
            return record | claims | {"raw": masked_damaged(raw, self.run.passwords.get(claims["mn"] or "", ()))}
        if "unknown_field" in row.warnings:
            raw = masked_damaged(raw)
        secret = [value.encode() for group in frame.groups for name, value in group if name in SECRET_FIELDS and value]
        area = segment.area if segment else None
        return record | {
            "qn": frame.qn, "st": frame.st, "cn": frame.cn, "mn": frame.mn, "flag": frame.flag, "pnum": frame.pnum, "pno": frame.pno,
            "resend": frame.resend, "data_time": _time(frame.data_time),
            "password_hash": None if frame.password is None else self.run.hasher(frame.password),
            "extra": self._extra(frame), "raw": masked_damaged(raw, secret) if secret else raw,
            "payload": None if area is None else area.decode("latin-1") if "gbk_text" in row.warnings else area.decode() + "&&",
        }  # fmt: skip

    def _extra(self, frame: Frame) -> str | None:
        shown = [f"{name}={self.run.hasher(text) if looks_like_password(name) else text}" for name, text in frame.extra]
        return ";".join(shown) or None


def _stamps_ahead(block: bytes, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Times of lines that begin with one to the millisecond, as most receivers write them; NaT for all others, whatever they hold."""
    times = np.full(len(starts), np.datetime64("NaT"), dtype="M8[us]")
    (long,) = np.nonzero(ends - starts > len(_PLAIN_STAMP))
    if len(long) == 0:
        return times
    signs = np.lib.stride_tricks.sliding_window_view(np.frombuffer(block, dtype=np.uint8), len(_PLAIN_STAMP) + 1)[starts[long]]
    digits = signs - np.uint8(ord("0"))
    plain = (digits[:, _STAMP_DIGITS] <= 9).all(axis=1) & (signs[:, _STAMP_SIGNS] == _PLAIN_STAMP[_STAMP_SIGNS]).all(axis=1)
    digits = digits[plain & (digits[:, -1] > 9)].astype(np.int64)
    year, month, day, hour, minute, second, milli = (
        digits[:, first:end] @ 10 ** np.arange(end - first)[::-1] for first, end in ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19), (20, 23))
    )  # fmt: skip
    months = (12 * (year - 1970) + month - 1).astype("M8[M]")
    days = months.astype("M8[D]") + (day - 1)
    found = days + ((hour * 60 + minute) * 60 + second).astype("m8[s]") + milli.astype("m8[ms]")
    real = (month >= 1) & (month <= 12) & (day >= 1) & (days.astype("M8[M]") == months) & (hour < 24) & (minute < 60) & (second < 60)
    found[~real] = np.datetime64("NaT")
    times[long[plain & (signs[:, -1] - np.uint8(ord("0")) > 9)]] = found
    return times


def _regular_schema() -> dict[str, pl.DataType]:
    made_later = {
        "frame_no",
        "source",
        "line",
        "offset",
        "received_local",
        "device_known",
        "is_duplicate",
        "duplicate_of",
        "repeat_kind",
        "value_count",
    }
    return {name: dtype for name, dtype in FRAMES.items() if name not in made_later} | {"payload": pl.UInt64()}


def _claim(pattern: re.Pattern[bytes], data: bytes) -> str | None:
    found = pattern.search(data)
    return found[1].decode("utf-8", "replace") if found else None


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S") if text else None  # noqa: DTZ007 - the device's own clock, without zone
    except ValueError:
        return None


def _values_of(row: Row, place: int, hasher: PasswordHasher) -> list[tuple[object, ...]]:
    """Values of one frame as rows of the block's schema; attributes go to the factor's values, wherever they stand."""
    frame = row.segment.frame if row.segment else None
    if frame is None or row.verdict is not Verdict.OK:
        return []
    items = [(*split_name(name), text) for group in frame.groups for name, text in group if name != "DataTime"]
    attributes = {(factor, name): text for factor, name, text in items if factor is not None and name in ATTRIBUTES}
    with_values = {factor for factor, name, _ in items if factor is not None and name not in ATTRIBUTES}
    rows = []
    for ordinal, (factor, name, text) in enumerate(items, start=1):
        is_attribute = factor is not None and name in ATTRIBUTES
        if is_attribute and factor in with_values:
            continue
        statistic = STATISTICS.get(name) if factor is not None else None
        rows.append(
            (
                place, ordinal, factor, name, None if statistic is None else statistic.value,
                hasher(text) if name in SECRET_FIELDS else text,
                number(text) if has_number(name) and name not in SECRET_FIELDS else None,
                attributes.get((factor, "Flag")), attributes.get((factor, "EFlag")), _time(attributes.get((factor, "SampleTime"))),
            )
        )  # fmt: skip
    return rows
