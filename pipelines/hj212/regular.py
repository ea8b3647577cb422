"""Regular frames in bulk: those that keep to the standard (but for a trailing semicolon), read by column instead of one by one.

One regular expression decides which frames are regular; whatever it or a later check refuses goes to `codec`, which gives the same
answer slowly. The division is for speed only: a test reads every frame both ways.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from pipelines.contracts.states import Flag
from pipelines.hj212.codec import PACKETS, split_name
from pipelines.hj212.devices import Devices
from pipelines.hj212.vocabulary import ATTRIBUTES, STATISTICS, UPLOADS, CrcVariant, Dialect

_TIME = "(?:19|20)[0-9]{2}[01][0-9][0-3][0-9][0-2][0-9][0-5][0-9][0-5][0-9]"
_NUMBER = r"-?[0-9]{1,15}(?:\.[0-9]{1,12})?"
_ITEM = (
    rf"[0-9A-Za-z]{{2,12}}-(?:(?:(?:Zs)?(?:Rtd|Min|Avg|Max)|Cou)={_NUMBER}|Flag=[NFMSDCTB]|SampleTime={_TIME}"
    rf"|(?:ValidNum|TotalNum|Data|DayData|NightData|RS|RT)=[0-9]{{1,9}}(?:\.[0-9]{{1,6}})?|EFlag=[0-9A-Za-z]{{1,8}})"
)
_HEAD = (
    rf"^(?:QN=(?<qn>{_TIME}[0-9]{{3}});)?ST=(?<st>[0-9A-Za-z]{{2}});CN=(?<cn>[0-9]{{4}});(?:PW=(?<password>[0-9A-Za-z]{{1,32}});)?"
    r"MN=(?<mn>[0-9A-Za-z_.:\-]{1,24});(?:Flag=(?<flag>[0-9]|1[01]);)?(?:PNUM=(?<pnum>[1-9][0-9]{0,3});PNO=(?<pno>[1-9][0-9]{0,3});)?CP=&&"
    rf"(?:DataTime=(?<data_time>{_TIME}))?"
)
_WHOLE = re.sub(r"\?<\w+>", "?:", _HEAD) + rf"(?:;{_ITEM}(?:[;,]{_ITEM})*)?;?&&$"
_DATA_TIME_BYTES = len("DataTime=20240115100000")
_TIME_FORMAT = "%Y%m%d%H%M%S"
_NEWLINE, _COMMA, _SEMICOLON = b"\n,;"
_ONE_PER_LINE = bytes.maketrans(b";,", b"\n\n")
_STATISTIC, _OTHER = 0, len(ATTRIBUTES) + 1
"""Kinds of items; 1 to 3 are the attributes."""

FIELDS = pl.Schema(
    {
        "qn": pl.String(), "st": pl.String(), "cn": pl.String(), "password": pl.String(), "mn": pl.String(), "flag": pl.Int32(),
        "pnum": pl.Int32(), "pno": pl.Int32(), "data_time": pl.Datetime("us"), "dialect": pl.String(), "payload": pl.UInt64(), "area_size": pl.Int32(), "segment_size": pl.Int32(), "empty_item": pl.Boolean(),
    }
)  # fmt: skip
"""What a frame's envelope says, one row a frame. `payload` is a hash of the data area, good within one process."""

VALUES = pl.Schema(
    {
        "row": pl.Int64(), "item": pl.Int32(), "factor": pl.String(), "field": pl.String(), "statistic": pl.String(),
        "value_text": pl.String(), "value_number": pl.Float64(), "flag": pl.String(), "eflag": pl.String(), "sample_time": pl.Datetime("us"),
    }
)  # fmt: skip
"""What a frame's data area says, one row a value; `row` is the frame's place in what was asked for."""


@dataclass(frozen=True)
class Regular:
    """The regular ones among some segments.

    Attributes:
        rows: places of the regular ones in what was asked for, ascending.
        fields: one row for each of them, with the columns of FIELDS.
        values: rows of VALUES, by frame and item.
    """

    rows: np.ndarray
    fields: pl.DataFrame
    values: pl.DataFrame


def has_number(field_name: str) -> bool:
    """Whether an item's text may become a number: attributes and times are none, though they have digits."""
    return field_name not in ATTRIBUTES and not field_name.endswith("Time")


def read_regular(segments: Sequence[bytes], variants: Sequence[CrcVariant], devices: Devices) -> Regular:
    """Read those of some CRC-checked segments that are regular.

    Args:
        segments: data segments, plain.
        variants: the CRC variant by which each was checked.
        devices: decide dialect and whether a variant is allowed.
    """
    # Regular frames are ASCII; a single foreign byte would make the cast of all of them fail.
    texts = pl.Series("text", [data if data.isascii() else b"" for data in segments], dtype=pl.Binary).cast(pl.String)
    (rows,) = np.nonzero(texts.str.contains(_WHOLE).fill_null(False).to_numpy())
    if len(rows) == 0:
        return Regular(rows, FIELDS.to_frame(), VALUES.to_frame())
    if len(rows) < len(segments):
        texts = texts.gather(rows)
    fields = _fields(texts, pl.Series("variant", variants, dtype=pl.String).gather(rows), devices)
    area_starts = texts.str.find("CP=&&", literal=True).to_numpy() + 5
    area = texts.str.slice(pl.Series(area_starts))
    trailing = texts.str.ends_with(";&&")
    fields = fields.with_columns(
        payload=area.hash(),
        area_size=area.str.len_bytes().cast(pl.Int32) - 2,
        segment_size=texts.str.len_bytes().cast(pl.Int32),
        empty_item=trailing,
    )
    skip = np.where(fields["data_time"].is_null().to_numpy(), 0, _DATA_TIME_BYTES + 1)
    # An area of nothing but DataTime ends before its start: empty as well.
    ends = np.where(trailing.to_numpy(), -3, -2).tolist()
    areas = [segments[row][start:end] for row, start, end in zip(rows.tolist(), (area_starts + skip).tolist(), ends, strict=True)]
    filled = np.fromiter(map(len, areas), dtype=np.int64, count=len(areas)) > 0
    good = fields["regular"].to_numpy() & ~(filled & fields["needs_time"].to_numpy())
    values, irregular = _values([area for area in areas if area], np.flatnonzero(filled))
    good[irregular] = False
    if not good.all():
        values = values.filter(pl.Series(good[values["row"].to_numpy()]))
    values = values.with_columns(row=pl.Series(rows[values["row"].to_numpy()]))
    return Regular(rows[good], fields.filter(pl.Series(good)).select(FIELDS.names()), values)


def _fields(texts: pl.Series, variants: pl.Series, devices: Devices) -> pl.DataFrame:
    fields = texts.str.extract_groups(_HEAD).struct.unnest()
    registered = pl.DataFrame(
        [
            {"mn": mn, "forced": profile.dialect, "allowed": [variant.value for variant in profile.crc_variants]}
            for mn, profile in devices.profiles.items()
        ],
        schema={"mn": pl.String, "forced": pl.String, "allowed": pl.List(pl.String)},
    )
    others = devices.others
    forced = fields.select("mn").join(registered, on="mn", how="left", maintain_order="left")
    known = forced["allowed"].is_not_null()
    fields = fields.with_columns(
        pl.col("flag", "pnum", "pno").cast(pl.Int32),
        pl.col("data_time").str.to_datetime(_TIME_FORMAT, time_unit="us", strict=False),
        qn_time=pl.col("qn").str.head(14).str.to_datetime(_TIME_FORMAT, time_unit="us", strict=False),
        time_given=pl.col("data_time").is_not_null(),
        forced=pl.when(known).then(forced["forced"]).otherwise(pl.lit(others.dialect, dtype=pl.String)),
        allowed=pl.when(known)
        .then(variants.is_in(forced["allowed"]))
        .otherwise(variants.is_in([variant.value for variant in others.crc_variants])),
    )
    version = pl.col("flag").fill_null(0) // 4
    detected = pl.when(version == 0).then(pl.lit(Dialect.HJ_2005)).when(version == 1).then(pl.lit(Dialect.HJ_2017))
    fields = fields.with_columns(dialect=pl.coalesce("forced", detected.otherwise(pl.lit(Dialect.HJ_2025))))
    packets = pl.col("pnum").is_not_null()
    return fields.with_columns(
        regular=pl.col("allowed")
        & (pl.col("data_time").is_not_null() == pl.col("time_given"))
        & (pl.col("qn").is_null() == pl.col("qn_time").is_null())
        & ((pl.col("dialect") == Dialect.HJ_2005) | (pl.col("qn").is_not_null() & pl.col("flag").is_not_null()))
        & (pl.col("flag").is_null() | (((pl.col("flag") & PACKETS) != 0) == packets))
        & (~packets | ((pl.col("pno") <= pl.col("pnum")) & ((pl.col("dialect") != Dialect.HJ_2025) | (pl.col("pnum") <= 9)))),
        needs_time=pl.col("cn").is_in(list(UPLOADS)) & ~pl.col("time_given"),
    )


@lru_cache(maxsize=65536)
def _described(name: str) -> tuple[str | None, str, str | None, int, bool]:
    """Factor, field, statistic and kind of an item's name, and whether its text is a number."""
    factor, field_name = split_name(name)
    statistic = STATISTICS.get(field_name)
    kind = ATTRIBUTES.index(field_name) + 1 if field_name in ATTRIBUTES else _STATISTIC if statistic else _OTHER
    return factor, field_name, None if statistic is None else statistic.value, kind, has_number(field_name)


def _values(areas: list[bytes], rows: np.ndarray) -> tuple[pl.DataFrame, np.ndarray]:
    """Items of the areas as rows of VALUES, and the rows that are irregular after all."""
    if not areas:
        return VALUES.to_frame(), np.empty(0, dtype=np.int64)
    joined = b"\n".join(areas) + b"\n"
    items = pl.read_csv(
        joined.translate(_ONE_PER_LINE), has_header=False, separator="=", quote_char=None, schema={"name": pl.String, "text": pl.String}
    ).rechunk()
    bytes_ = np.frombuffer(joined, dtype=np.uint8)
    (ends,) = np.nonzero((bytes_ == _SEMICOLON) | (bytes_ == _COMMA) | (bytes_ == _NEWLINE))
    closing = bytes_[ends]
    opening = np.concatenate([[_NEWLINE], closing[:-1]])
    starts_frame = opening == _NEWLINE
    frame = np.cumsum(starts_frame) - 1
    first_item = np.flatnonzero(starts_frame)
    ordinal = np.arange(len(ends)) - first_item[frame] + 1

    codes = items["name"].cast(pl.Categorical).to_physical()
    names = pl.DataFrame({"code": codes, "name": items["name"]}).unique("code")
    place = np.zeros(int(names["code"].max()) + 1, dtype=np.int64)  # type: ignore[arg-type]
    place[names["code"].to_numpy()] = np.arange(names.height)
    name = place[codes.to_numpy()]
    described = [_described(text) for text in names["name"].to_list()]
    factors = {factor: index for index, factor in enumerate(dict.fromkeys(factor for factor, *_ in described))}
    factor = np.array([factors[entry[0]] for entry in described], dtype=np.int32)[name]
    kind = np.array([entry[3] for entry in described], dtype=np.int8)[name]

    # A run is a factor's consecutive items inside one frame: its attributes belong to its values.
    starts_run = starts_frame.copy()
    starts_run[1:] |= factor[1:] != factor[:-1]
    run = np.cumsum(starts_run) - 1
    run_starts = np.flatnonzero(starts_run)
    is_attribute = (kind > _STATISTIC) & (kind < _OTHER)
    has_values = np.logical_or.reduceat(~is_attribute, run_starts)
    irregular = [_repeated_factors(frame[run_starts], factor[run_starts], len(factors))]
    # A comma joins items of one factor: another code behind it is the dropped-letter erratum, or unusual enough to look twice.
    irregular.append(frame[starts_run & ~starts_frame & (opening == _COMMA)])
    attributes = []
    (attribute_items,) = np.nonzero(is_attribute)
    for index in range(1, _OTHER):
        of_run = np.full(len(run_starts), -1, dtype=np.int64)
        found = attribute_items[kind[attribute_items] == index]
        of_run[run[found]] = found
        irregular.append(frame[found[of_run[run[found]] != found]])
        attributes.append(of_run)

    (kept,) = np.nonzero(~is_attribute | ~has_values[run])
    names_kept, runs_kept = name[kept], run[kept]
    text = items["text"].gather(kept)
    numeric = np.array([entry[4] for entry in described])[names_kept]
    columns = {
        "row": pl.Series(rows[frame[kept]]),
        "item": pl.Series(ordinal[kept], dtype=pl.Int32),
        "factor": pl.Series([entry[0] for entry in described], dtype=pl.String).gather(names_kept),
        "field": pl.Series([entry[1] for entry in described], dtype=pl.String).gather(names_kept),
        "statistic": pl.Series([entry[2] for entry in described], dtype=pl.String).gather(names_kept),
        "value_text": text,
        "value_number": text.cast(pl.Float64, strict=False).set(pl.Series(~numeric), None),
        "flag": _flags(bytes_, ends, attributes[0][runs_kept]),
        "eflag": _texts(items["text"], attributes[1][runs_kept]),
        "sample_time": _texts(items["text"], attributes[2][runs_kept]).str.to_datetime(_TIME_FORMAT, time_unit="us", strict=False),
    }
    return pl.DataFrame(columns, schema=VALUES), rows[np.unique(np.concatenate(irregular))]


def _repeated_factors(frame: np.ndarray, factor: np.ndarray, factors: int) -> np.ndarray:
    """Frames in which a factor has several runs: its attributes may stand in another than its values."""
    key = pl.Series(frame * factors + factor, dtype=pl.Int64)
    return frame[key.is_duplicated().to_numpy()] if key.n_unique() < len(key) else np.empty(0, dtype=np.int64)


_FLAG_LETTERS = pl.Series([flag.value for flag in Flag] + [None], dtype=pl.String)
_FLAG_PLACE = np.full(256, len(Flag), dtype=np.int64)
_FLAG_PLACE[[ord(flag.value) for flag in Flag]] = np.arange(len(Flag))


def _flags(bytes_: np.ndarray, ends: np.ndarray, item: np.ndarray) -> pl.Series:
    """One-letter texts without touching the texts: the byte before an item's end."""
    letters = _FLAG_PLACE[bytes_[ends[item] - 1]]
    letters[item < 0] = len(Flag)
    return _FLAG_LETTERS.gather(letters)


def _texts(texts: pl.Series, item: np.ndarray) -> pl.Series:
    if (item < 0).all():
        return pl.Series([None], dtype=pl.String).new_from_index(0, len(item))
    places = pl.Series(item, dtype=pl.Int64)
    return texts.gather(places.set(places < 0, None))
