"""One receiver log to readings: every frame and every value of it is accepted, a duplicate, or refused with its reason.

A log is read in blocks and its values are worked out some devices at a time, so that a day of a whole park fits into memory.
What a later frame says differently stands; what it replaced is quarantined as revised, readable with its line. Packets are
complete in themselves, so a message may be cut by the end of a log: each log brings its own part, and what another log says
again or differently is settled in landing, as for any two files.
"""

import gzip
import os
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.contracts.feed import FeedContract
from pipelines.contracts.records import QUARANTINE_SCHEMA, READING
from pipelines.contracts.states import Flag, State
from pipelines.hj212 import Verdict, assemble, check_labels, decode_blocks, roll_up
from pipelines.hj212.devices import Devices, devices_of
from pipelines.hj212.figures import device_figures
from pipelines.hj212.tables import CHANNELS, MESSAGES
from pipelines.hj212.vocabulary import DAILY, EQUIPMENT_DAILY, HOURLY, MINUTE, REALTIME
from pipelines.ingest.frames.codes import KEY, Codes
from pipelines.ingest.frames.figures import channel_figures
from pipelines.ingest.normalise import Parsed, parsed_of, settle
from pipelines.ingest.numbers import converted
from pipelines.ingest.parts import Parts
from pipelines.ingest.readers import Unreadable
from pipelines.ingest.readers.table import RAW_TEXT_CHARACTERS, SOURCE_ROW, looks_like
from pipelines.ingest.readings import stack
from pipelines.ingest.references import References
from pipelines.ingest.refusals import Refusals
from pipelines.ingest.times import local_dates
from pipelines.ingest.words import MAX_LISTED, registered

AHEAD_MAX = timedelta(days=1)
"""A period that ends later than this after its receipt comes from a clock that is wrong, not from one that goes fast."""
_TIMED = frozenset({REALTIME, DAILY, EQUIPMENT_DAILY, MINUTE, HOURLY})
"""Commands whose values have a known period."""
_TOGETHER = 1_000_000
"""Values that are worked out at a time."""
_SHOWN = 3
_FLAGS = pl.Enum([flag.value for flag in Flag])
_STATES = pl.Enum([state.value for state in State])
_FRAME_COLUMNS = (
    "frame_no", "line", "verdict", "received_local", "crc_variant", "device_known", "is_duplicate", "mn", "st", "cn", "qn", "pnum", "pno", "data_time",
    "value_count",
)  # fmt: skip
_COLUMN = pl.format("{}-{}", "factor", "field")
_SAID = pl.format("{}-{}={} Flag={}", "factor", "field", "value_text", pl.col("flag").fill_null(""))
_IDENTITY = [*KEY, "cn", "data_time"]
_OF_FRAME = ("mn", "st", "cn", "data_time", "is_duplicate", "device_known")


def parse_log(
    file: Path,
    contract: FeedContract,
    references: References,
    park_zone: ZoneInfo,
    *,
    max_bytes: int,
    environment: Mapping[str, str] | None = None,
) -> Parsed:
    """Read a log of frames, gzip or not.

    Args:
        file: the log.
        contract: of a source hj212, with the rows of its device profile.
        references: standards and registers.
        park_zone: whose dates readings have.
        max_bytes: unpacked; a larger log is refused.
        environment: holds the SM4 keys that the profile names; the process's by default.

    Raises:
        Unreadable: nothing in the file is a frame, or it cannot be unpacked.
    """
    logs = contract.source.hj212
    assert logs is not None
    devices, missing_keys = devices_of(logs.device_rows, os.environ if environment is None else environment)
    codes = Codes(logs.device_rows, references, logs.devices)
    log = _Log.read(file, contract, codes, devices, max_bytes)
    batches = [_Batch(log.frames, values, devices, codes, contract, park_zone).worked_out() for values in log.batches()]
    return _finished(contract, log, batches, devices, missing_keys)


@dataclass
class _Log:
    """A log as read: its frames, the refused ones as quarantine rows, and the values that are figures of something."""

    frames: pl.DataFrame
    refused: pl.DataFrame
    values: pl.DataFrame
    empty_cells: int = 0
    other_fields: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    tolerated: Counter[str] = field(default_factory=Counter)

    @classmethod
    def read(cls, file: Path, contract: FeedContract, codes: Codes, devices: Devices, max_bytes: int) -> "_Log":
        log = cls(pl.DataFrame(), QUARANTINE_SCHEMA.to_frame(), pl.DataFrame())
        frames, refused, values = [], [], []

        def bounded(done: int) -> None:
            if done > max_bytes:
                raise Unreadable(f"it unpacks to more than the {max_bytes:,} bytes allowed (PARK_AUDIT_MAX_FILE_BYTES)")

        try:
            for block_frames, block_values in decode_blocks(file, devices=devices, progress=bounded):
                frames.append(block_frames.select(_FRAME_COLUMNS))
                refused.append(_refused(block_frames.filter(pl.col("verdict") != Verdict.OK)))
                values.append(log._figures(block_values, contract, codes))
                log.tolerated.update(_counts(block_frames.select("warnings").explode("warnings").drop_nulls()["warnings"]))
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise Unreadable(f"the gzip archive is damaged or cut off ({error})") from error
        if not any(block.height for block in frames):
            kind = looks_like(file.read_bytes()[:512])
            raise Unreadable(f"no frame of HJ 212 (##…) stands in it{f'; it looks like {kind}' if kind else ''}")
        log.frames, log.refused, log.values = pl.concat(frames), pl.concat(refused), pl.concat(values)
        return log

    def _figures(self, values: pl.DataFrame, contract: FeedContract, codes: Codes) -> pl.DataFrame:
        """The values that may become readings; the others are counted by what they are."""
        named = values.join(codes.named_fields, on=["mn", "factor", "field"], how="semi")["frame_no", "item"]
        is_named = pl.struct("frame_no", "item").is_in(named.to_struct().implode()) if named.height else pl.lit(False)
        is_figure = pl.col("factor").is_not_null() & (pl.col("statistic").is_not_null() | is_named)
        left_out = pl.col("cn").is_in(list(_TIMED - set(contract.source.hj212.commands)))  # type: ignore[union-attr]
        is_empty = pl.col("value_text").str.strip_chars().is_in(_nulls(contract)) & (pl.col("flag").fill_null(Flag.NORMAL) == Flag.NORMAL)
        values = values.with_columns(is_figure=is_figure, is_left_out=is_figure & left_out, is_empty=is_figure & ~left_out & is_empty)
        self.other_fields.update(_counts(values.filter(~pl.col("is_figure"))["field"]))
        self.left_out.update(_counts(values.filter("is_left_out")["cn"]))
        self.empty_cells += int(values["is_empty"].sum())
        taken = values.filter(pl.col("is_figure") & ~pl.col("is_left_out") & ~pl.col("is_empty"))
        words = [pl.col(name).cast(pl.Categorical) for name in ("factor", "field", "flag")]
        return taken.select("frame_no", "item", *words, "value_text", "value_number", "eflag", "statistic")

    def batches(self) -> Iterator[pl.DataFrame]:
        """Values of some devices after those of some others, all of one device together. What has been given is let go of."""
        mn = self.frames["mn"]
        counts = mn.gather(self.values["frame_no"]).value_counts().sort("count", "mn", descending=[True, False])
        batch = (counts["count"].cum_sum() - 1) // _TOGETHER
        numbers = mn.replace_strict(counts["mn"], batch, default=None, return_dtype=pl.Int64)
        parts = self.values.with_columns(batch=numbers.gather(self.values["frame_no"])).partition_by("batch", include_key=False)
        self.values = self.values.clear()
        while parts:
            yield parts.pop(0)


@dataclass(frozen=True)
class _WorkedOut:
    """What the values of some devices became."""

    accepted: pl.DataFrame
    refused: pl.DataFrame
    messages: pl.DataFrame
    labels: pl.DataFrame
    channels: pl.DataFrame
    read: int
    repeated: int


class _Batch:
    """The values of some devices, all that a log has of them."""

    def __init__(
        self, log_frames: pl.DataFrame, values: pl.DataFrame, devices: Devices, codes: Codes, contract: FeedContract, park_zone: ZoneInfo
    ) -> None:
        self.log_frames, self.devices, self.codes, self.contract, self.park_zone = log_frames, devices, codes, contract, park_zone
        of_frame = [log_frames[name].gather(values["frame_no"]) for name in _OF_FRAME]
        self.values = values.with_columns(pl.col("factor", "field", "flag").cast(pl.String), *of_frame)
        self.frames = log_frames.filter(pl.col("mn").is_in(self.values["mn"].unique().implode()))

    def worked_out(self) -> _WorkedOut:
        assembled = assemble(self.frames, self.values, devices=self.devices)
        timeless = self.values.filter(~pl.col("is_duplicate") & pl.col("data_time").is_null())
        rows = self._meant(assembled.readings)
        refusals = self._refusals(rows)
        sound = refusals.accepted(rows.height)
        good = rows if sound is None else rows.filter(sound)
        rolled = pl.concat([roll_up(assembled.readings, to, devices=self.devices) for to in ("hour", "day")])
        return _WorkedOut(
            accepted=self._canonical(good),
            refused=pl.concat([refusals.quarantine(rows[SOURCE_ROW]), self._timeless(timeless)]),
            messages=assembled.messages,
            labels=check_labels(assembled.readings),
            channels=channel_figures(good, rolled, self.codes),
            read=self.values.height,
            repeated=self.values.height - timeless.height - rows.height,
        )

    def _timeless(self, values: pl.DataFrame) -> pl.DataFrame:
        return values.select(
            self.log_frames["line"].gather(values["frame_no"]).alias(SOURCE_ROW),
            _COLUMN.alias("column_name"),
            pl.lit("time_missing").alias("rule"),
            pl.lit("the frame has no DataTime, and a value that cannot be placed in time is no reading").alias("reason"),
            _SAID.str.slice(0, RAW_TEXT_CHARACTERS).alias("raw_text"),
        ).cast(dict(QUARANTINE_SCHEMA))

    def _meant(self, readings: pl.DataFrame) -> pl.DataFrame:
        """Readings of `assemble` with line, UTC period and local date, and with what their code means on that date."""
        length = pl.col("period_end") - pl.col("period_start")
        rows = readings.drop("statistic").with_columns(
            self.log_frames["line"].gather(readings["frame_no"]).alias(SOURCE_ROW),
            self.log_frames["received_local"].gather(readings["frame_no"]),
            local_dates(readings["period_start_utc"], self.park_zone).alias("local_date"),
            period_end_utc=pl.col("period_start_utc") + length,
            hours=length.dt.total_seconds() / 3600,
        ).with_row_index("at")  # fmt: skip
        meanings = self.codes.meanings(rows.select(KEY).unique(maintain_order=True))
        holds = (pl.col("first").is_null() | (pl.col("first") <= pl.col("local_date"))) & (
            pl.col("last").is_null() | (pl.col("local_date") < pl.col("last"))
        )
        meant = rows.select("at", "local_date", *KEY).join(meanings, on=KEY).filter(holds).drop("local_date", *KEY)
        rows = rows.join(meant, on="at", how="left", maintain_order="left")
        elsewhen = pl.col("point_id").is_null() & pl.col("rule").is_null()
        why = pl.format(f"device {{}} is registered in {self.codes.file}, but not for {{}}", "mn", "local_date")
        return rows.with_columns(
            converted(rows["value_number"], rows["scale"], rows["offset"]).alias("value"),
            rule=pl.when(elsewhen).then(pl.lit("unknown_device")).otherwise("rule"),
            reason=pl.when(elsewhen).then(why).otherwise("reason"),
            raw=pl.when(elsewhen).then("mn").otherwise("raw"),
        )

    def _refusals(self, rows: pl.DataFrame) -> Refusals:
        """Why rows cannot be readings; the first reason found stands."""
        refusals = Refusals()

        def refuse(mask: pl.Expr, rule: str | pl.Expr, reason: str | pl.Expr, raw: pl.Expr = _SAID) -> None:
            rule, reason = (pl.lit(text) if isinstance(text, str) else text for text in (rule, reason))
            wrong = rows.filter(mask).select("at", column=_COLUMN, rule=rule, reason=reason, raw=raw)
            refusals.add(wrong["at"], column=wrong["column"], rule=wrong["rule"], reason=wrong["reason"], raw=wrong["raw"])

        refuse(pl.col("rule").is_not_null(), pl.col("rule"), pl.col("reason"), pl.col("raw"))
        right = ", ".join(sorted(_TIMED))
        refuse(
            ~pl.col("cn").is_in(list(_TIMED)),
            "unknown_command",
            pl.format(f"values of command {{}} have no period that is known; right would be {right}", "cn"),
        )
        refuse(
            (pl.col("statistic") == "cou") & (pl.col("hours") == 0),
            "total_of_an_instant",
            f"a realtime value has no period that it could be the total of; if it is a count, {self.codes.file} can make it statistic register",
        )
        refuse(
            pl.col("period_end") > pl.col("received_local") + AHEAD_MAX,
            "future_time",
            pl.format("DataTime {} lies ahead of its receipt at {}: the device's clock is wrong", "data_time", "received_local"),
        )
        refuse(
            ~pl.col("flag").is_in([flag.value for flag in Flag]).fill_null(True),
            "unknown_flag",
            f"is none of the standard's flags {', '.join(Flag)}",
            pl.format("{}-Flag={}", "factor", "flag"),
        )
        is_text = ~pl.col("value_text").str.strip_chars().is_in(_nulls(self.contract))
        refuse(pl.col("value_number").is_null() & is_text, "number_not_understood", "is no number")
        points = rows["point_id"]
        refusals.extend(
            registered(
                points, rows["local_date"], self.codes.references, register="point", key="point_id", rule="unknown_point", column="point_id"
            )
        )
        valid = self.contract.valid
        outside = (pl.col("local_date") < (valid.from_ or date.min)) | (pl.col("local_date") >= (valid.to or date.max))
        span = f"the contract speaks for dates from {valid.from_ or 'ever'} to {valid.to or 'ever'}, exclusive"
        refuse(outside, "outside_contract_validity", span)
        if (rows["revision"] > 0).any():
            rows = rows.with_columns(
                at_once=pl.len().over([*_IDENTITY, "frame_no"]) > 1,
                # rows of one value stand in the order of their frames
                stands_in=pl.col(SOURCE_ROW).last().over(_IDENTITY),
            )
            refuse(pl.col("at_once"), "conflicting_rows", "one frame says different things of one value; right would be one of them")
            refuse(
                ~pl.col("is_current"),
                "revised_in_file",
                pl.format("line {} of this log says it differently, and later: that stands", "stands_in"),
            )
        return refusals

    def _canonical(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Columns of a reading, and `channel_source`: which code of which device says it."""
        kind = self.contract.source_kind.value  # type: ignore[union-attr]
        without_value = (
            pl.when(pl.col("flag") == Flag.STOPPED).then(pl.lit(State.STOPPED)).when(pl.col("value").is_null()).then(pl.lit(State.MISSING))
        )
        words = [
            rows[name].cast(pl.Enum(rows[name].unique(maintain_order=True).drop_nulls()))
            for name in ("point_id", "parameter_code", "statistic", "unit", "unit_raw")
        ]
        return rows.select(
            *words[:3],
            pl.lit(kind, pl.Enum([kind])).alias("source_kind"),
            "period_start_utc",
            "period_end_utc",
            "local_date",
            "value",
            words[3],
            pl.col("value_number").alias("value_raw"),
            words[4],
            pl.lit(None, pl.Enum([])).alias("qualifier"),
            pl.lit(None, pl.Float64).alias("detection_limit"),
            pl.col("flag").cast(_FLAGS),
            without_value.otherwise(pl.lit(State.MEASURED)).cast(_STATES).alias("state"),
            pl.lit(None, pl.Enum([])).alias("sample_id"),
            pl.lit(None, pl.Enum([])).alias("batch_id"),
            SOURCE_ROW,
            pl.struct("mn", "st", "cn", "factor", "field").hash().alias("channel_source"),
        )


def _finished(contract: FeedContract, log: _Log, batches: list[_WorkedOut], devices: Devices, missing_keys: list[str]) -> Parsed:
    together = stack([batch.accepted for batch in batches]) if batches else _nothing()
    # Two codes, or two devices, may say the same channel; the values of one code are settled already.
    channel = ["point_id", "parameter_code", "statistic"]
    several = together.group_by(channel).agg(pl.col("channel_source").n_unique()).filter(pl.col("channel_source") > 1)
    suspects = together.select(channel).with_row_index("at").join(several, on=channel, how="semi")["at"]
    mask = pl.repeat(False, together.height, dtype=pl.Boolean, eager=True).scatter(suspects, True)
    accepted, conflicting, duplicates = settle(Parts(together.drop("channel_source"), suspects=mask), contract.record_type)
    messages = pl.concat([MESSAGES.to_frame(), *(batch.messages for batch in batches)])
    labels = pl.concat([batch.labels for batch in batches]) if batches else pl.DataFrame(schema={"mn": pl.String, "label": pl.String})
    return parsed_of(
        contract,
        accepted,
        [log.refused, conflicting, *(batch.refused for batch in batches)],
        duplicates + sum(batch.repeated for batch in batches),
        rows_read=log.refused.height + sum(batch.read for batch in batches),
        source_rows=log.frames.height,
        empty_cells=log.empty_cells,
        warnings=[*missing_keys, *_warnings(log, messages)],
        figures={
            "devices": device_figures(log.frames, messages, labels, devices),
            "channels": pl.concat([CHANNELS.to_frame(), *(batch.channels for batch in batches)]),
        },
    )


def _nothing() -> pl.DataFrame:
    return READING.schema.to_frame().with_columns(channel_source=pl.lit(0, pl.UInt64))


def _refused(frames: pl.DataFrame) -> pl.DataFrame:
    """Quarantine rows of frames that could not be read. One that another CRC explains waits for its device, if nobody knows it."""
    known = pl.col("device_known")
    # Whoever registers the device may allow its CRC, or name its key.
    waits = (
        ~known & pl.col("mn").is_not_null() & ((pl.col("verdict") == Verdict.ENCRYPTED_UNVERIFIED) | pl.col("crc_variant").is_not_null())
    )
    shown = pl.Series("shown", [raw.decode("utf-8", "backslashreplace").strip() for raw in frames["raw"]], dtype=pl.String)
    return (
        frames.with_columns(shown)
        .select(
            pl.col("line").alias(SOURCE_ROW),
            pl.lit(None, pl.String).alias("column_name"),
            pl.when(waits).then(pl.lit("unknown_device")).otherwise("verdict").alias("rule"),
            pl.when(waits).then(pl.format("device {} is not registered: {}", "mn", "reason")).otherwise("reason").alias("reason"),
            pl.when(waits)
            .then("mn")
            # of an encrypted frame the bytes say nothing to anybody
            .when(pl.col("verdict") == Verdict.ENCRYPTED_UNVERIFIED)
            .then(pl.format("{} (encrypted)", "mn"))
            .otherwise(pl.col("shown").str.slice(0, RAW_TEXT_CHARACTERS))
            .alias("raw_text"),
        )
        .cast(dict(QUARANTINE_SCHEMA))
    )


def _warnings(log: _Log, messages: pl.DataFrame) -> Iterator[str]:
    """What a person should know of the log besides its refusals."""
    if log.other_fields:
        yield f"fields that are no readings stay in the log: {_listed(log.other_fields)}"
    if log.left_out:
        yield f"values of commands that source.hj212.commands leaves out stay in the log: {_listed(log.left_out)}"
    lacking = messages.filter(pl.col("completeness") != "complete")
    if lacking.height:
        shown = lacking.head(_SHOWN).select(
            pl.format("{} {} of {} ({} of {} packets)", "mn", "cn", "data_time", "packets_received", "packets_announced")
        )
        yield f"messages that lack packets: {lacking.height}, as {', '.join(shown.to_series())}; what came is taken, the rest may stand in another log"
    if log.tolerated:
        yield f"tolerated: {_listed(log.tolerated)}"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{word} ({count:,})" for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAX_LISTED])


def _counts(words: pl.Series) -> dict[str, int]:
    return dict(words.value_counts().iter_rows())


def _nulls(contract: FeedContract) -> list[str]:
    return sorted({word.strip() for word in contract.format.null_values} | {""})
