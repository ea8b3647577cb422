"""Regular frames in bulk: those that keep to the standard (but for a trailing semicolon), read by column instead of one by one.

One regular expression decides which frames are regular; whatever it or a later check refuses goes to `codec`, which gives the same
answer slowly. The division is for speed only: a test reads every frame both ways.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from pipelines.contracts.states import Flag
from pipelines.hj212.codec import PACKETS, split_name
from pipelines.hj212.devices import Devices
from pipelines.hj212.signs import places
from pipelines.hj212.vocabulary import ATTRIBUTES, STATISTICS, CrcVariant, Dialect

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
_COMMA, _SEMICOLON, _EQUALS = b",;="
_VARIANTS = pl.Series([variant.value for variant in CrcVariant], dtype=pl.String)
PADDING = 32
"""Bytes that may be looked at behind an item: no regular one is longer."""
_STATISTIC, _OTHER = 0, len(ATTRIBUTES) + 1
"""Kinds of items; 1 to 3 are the attributes."""

FIELDS = pl.Schema(
    {
        "qn": pl.String(), "st": pl.String(), "cn": pl.String(), "password": pl.String(), "mn": pl.String(), "flag": pl.Int32(),
        "pnum": pl.Int32(), "pno": pl.Int32(), "data_time": pl.Datetime("us"), "dialect": pl.String(), "payload": pl.UInt64(), "area_size": pl.Int32(), "segment_size": pl.Int32(), "empty_item": pl.Boolean(),
    }
)  # fmt: skip
"""What a frame's envelope says, one row a frame. `payload` is a hash of the data area, good within one process."""

_CODED = pl.Categorical()
_CODED_STATISTIC = pl.Enum(list(dict.fromkeys(statistic.value for statistic in STATISTICS.values())))
VALUES = pl.Schema(
    {
        "item": pl.Int32(), "factor": _CODED, "field": _CODED, "statistic": _CODED_STATISTIC, "value_text": pl.String(), "value_number": pl.Float64(),
        "flag": _CODED, "eflag": _CODED, "sample_time": pl.Datetime("us"),
    }
)  # fmt: skip
"""What a frame's data area says, one row a value. Texts that a log says again and again are codes until somebody wants to read them."""


@dataclass(frozen=True)
class Regular:
    """The regular ones among some segments.

    Attributes:
        rows: places of the regular ones in what was asked for, ascending.
        fields: one row for each of them, with the columns of FIELDS.
        counts: how many values each of them has.
        values: rows of VALUES, by frame and item.
    """

    rows: np.ndarray
    fields: pl.DataFrame
    counts: np.ndarray
    values: pl.DataFrame

    @classmethod
    def none(cls) -> "Regular":
        nothing = np.empty(0, dtype=np.int64)
        return cls(nothing, FIELDS.to_frame(), nothing, VALUES.to_frame())

    def kept(self, mask: np.ndarray) -> "Regular":
        """Those of a mask over `rows`."""
        if mask.all():
            return self
        values = self.values.filter(pl.Series(np.repeat(mask, self.counts), dtype=pl.Boolean))
        return Regular(self.rows[mask], self.fields.filter(pl.Series(mask)), self.counts[mask], values)


def has_number(field_name: str) -> bool:
    """Whether an item's text may become a number: attributes and times are none, though they have digits."""
    return field_name not in ATTRIBUTES and not field_name.endswith("Time")


def read_regular(text: bytes, starts: np.ndarray, ends: np.ndarray, variants: np.ndarray, devices: Devices) -> Regular:
    """Read those of some CRC-checked segments that are regular.

    Args:
        text: the bytes in which they stand, with at least PADDING more behind the last one.
        starts, ends: the data segments, plain.
        variants: place in CrcVariant of the one by which each was checked.
        devices: decide dialect and whether a variant is allowed.
    """
    segments = [text[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    if not text.isascii():
        # Regular frames are ASCII; a single foreign byte would make the cast of all of them fail.
        segments = [data if data.isascii() else b"" for data in segments]
    texts = pl.Series("text", segments, dtype=pl.Binary).cast(pl.String)
    (rows,) = np.nonzero(texts.str.contains(_WHOLE).fill_null(False).to_numpy())
    if len(rows) == 0:
        return Regular.none()
    if len(rows) < len(segments):
        texts, starts, ends, variants = texts.gather(rows), starts[rows], ends[rows], variants[rows]
    fields = _fields(texts, _VARIANTS.gather(variants), devices)
    area_starts = texts.str.find("CP=&&", literal=True).to_numpy() + 5
    trailing = texts.str.ends_with(";&&")
    fields = fields.with_columns(
        payload=texts.str.slice(pl.Series(area_starts)).hash(),
        area_size=pl.Series(ends - starts - area_starts - 2, dtype=pl.Int32),
        segment_size=pl.Series(ends - starts, dtype=pl.Int32),
        empty_item=trailing,
    )
    timed = fields["time_given"].to_numpy()
    item_starts = starts + area_starts + np.where(timed, _DATA_TIME_BYTES + 1, 0)
    # An area of nothing but DataTime ends before its start: empty as well.
    item_ends = ends - np.where(trailing.to_numpy(), 3, 2)
    filled = item_ends > item_starts
    counts = np.zeros(len(rows), dtype=np.int64)
    # Behind a time the first item follows a semicolon; items without one are for `codec`.
    good = fields["regular"].to_numpy() & (timed | ~filled)
    (read,) = np.nonzero(good & filled)
    counts[read], values, irregular = _values(np.frombuffer(text, dtype=np.uint8), item_starts[read], item_ends[read])
    regular = Regular(rows, fields.select(FIELDS.names()), counts, values)
    good[read[irregular]] = False
    return regular.kept(good)


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
    )


@lru_cache(maxsize=65536)
def _described(name: str) -> tuple[str | None, str, str | None, int, bool]:
    """Factor, field, statistic and kind of an item's name, and whether its text is a number."""
    factor, field_name = split_name(name)
    statistic = STATISTICS.get(field_name)
    kind = ATTRIBUTES.index(field_name) + 1 if field_name in ATTRIBUTES else _STATISTIC if statistic else _OTHER
    return factor, field_name, None if statistic is None else statistic.value, kind, has_number(field_name)


@dataclass(frozen=True)
class _Items:
    """Where the items of some areas are, all areas' one after the other.

    Attributes:
        first, counts: of each area, its first item and how many it has; none is empty.
        starts, equals, ends: of each item, where its name begins, its equals sign, and where its text ends.
    """

    first: np.ndarray
    counts: np.ndarray
    starts: np.ndarray
    equals: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, text: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> "_Items":
        """Items of areas that the regular expression has seen: signs are =, then ; or , and = in turn."""
        # ; and = are neighbours but for <, which no regular frame has.
        signs = places(text, lambda piece: (piece - np.uint8(_SEMICOLON) <= _EQUALS - _SEMICOLON) | (piece == _COMMA))
        first_sign = np.searchsorted(signs, starts)
        counts = (np.searchsorted(signs, ends) - first_sign + 1) // 2
        last = np.cumsum(counts)
        first = last - counts
        at = np.arange(0, 2 * last[-1], 2) + np.repeat(first_sign - 2 * first, counts)
        item_ends = signs[np.minimum(at + 1, len(signs) - 1)]
        item_ends[last - 1] = ends
        return cls(first, counts, signs[at - 1] + 1, signs[at], item_ends)


@dataclass(frozen=True)
class _Shapes:
    """Areas that name the same items in the same order, and differ by the items' texts only.

    Attributes:
        models: of each shape, an area that has it.
        of_area: the shape of each area.
        differing: areas that are not of their shape after all.
    """

    models: np.ndarray
    of_area: np.ndarray
    differing: np.ndarray

    @classmethod
    def of(cls, text: np.ndarray, items: _Items) -> "_Shapes":
        """Shapes by a hash of names and separators, which are then compared with the model's."""
        lengths = items.equals - items.starts
        said = [*_words(text, items.starts, lengths), text[items.starts - 1]]
        items_before = np.arange(len(lengths))
        mixed = np.zeros(len(lengths), dtype=np.uint64)
        for part in said:
            mixed ^= part
            mixed *= _MIX
        mixed *= _WEIGHTS[(items_before - np.repeat(items.first, items.counts)) & 0xFF]
        _, models, of_area = np.unique(np.add.reduceat(mixed, items.first), return_index=True, return_inverse=True)
        model = models[of_area]
        alike = items.counts == items.counts[model]
        of_model = np.minimum(items_before + np.repeat(items.first[model] - items.first, items.counts), len(lengths) - 1)
        same = np.logical_and.reduce([part == part[of_model] for part in said])
        if not same.all():
            alike &= np.logical_and.reduceat(same, items.first)
        return cls(models, of_area, np.flatnonzero(~alike))


def _values(text: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, pl.DataFrame, np.ndarray]:
    """Items of some areas as rows of VALUES: how many each area has, the rows, and the areas that are irregular after all.

    What the names say is worked out once for each shape; where the texts stand is all that has to be found for each area.
    """
    if len(starts) == 0:
        return np.empty(0, dtype=np.int64), VALUES.to_frame(), np.empty(0, dtype=np.int64)
    items = _Items.of(text, starts, ends)
    shapes = _Shapes.of(text, items)
    slots, irregular = _slots(text, items, shapes.models)
    counts = slots.counts[shapes.of_area]
    counts[shapes.differing] = 0
    shifts = slots.first[shapes.of_area] - (np.cumsum(counts) - counts)
    slot = np.arange(counts.sum()) + np.repeat(shifts, counts)
    before = np.repeat(items.first, counts)
    codes = pl.Series(slot, dtype=pl.UInt32)
    item = before + slots.item[slot]
    value_text = _texts(text, items.equals[item] + 1, items.ends[item])
    value_number = value_text.cast(pl.Float64, strict=False)
    if not slots.numeric.all():
        value_number = value_number.set(pl.Series(~slots.numeric[slot]), None)
    flags, eflags, times = (_Said(text, items, before, of_item, slot) for of_item in slots.attributes)
    columns = {
        "item": pl.Series((slots.item + 1).astype(np.int32)[slot]),
        **{name: column.gather(codes) for name, column in slots.names.items()},
        "value_text": value_text,
        "value_number": value_number,
        "flag": flags.letters(),
        "eflag": eflags.texts().cast(_CODED),
        "sample_time": times.times(),
    }
    bad = np.isin(shapes.of_area, irregular)
    bad[shapes.differing] = True
    return counts, pl.DataFrame(columns).select(VALUES.names()), np.flatnonzero(bad)


@dataclass(frozen=True)
class _Slots:
    """The values that the areas of each shape have, all shapes' one after the other.

    Attributes:
        first, counts: of each shape, its first slot and how many it has.
        item: of each slot, place of its item in the area, from 0.
        numeric: whether its text is a number.
        attributes: for each of ATTRIBUTES, place of the slot's in the area, below 0 where there is none.
        names: factor, field and statistic.
    """

    first: np.ndarray
    counts: np.ndarray
    item: np.ndarray
    numeric: np.ndarray
    attributes: tuple[np.ndarray, ...]
    names: dict[str, pl.Series]


def _slots(text: np.ndarray, items: _Items, models: np.ndarray) -> tuple[_Slots, np.ndarray]:
    """What the names of some areas' items say, and which of the areas are irregular."""
    counts = items.counts[models]
    first = np.cumsum(counts) - counts
    frame = np.repeat(np.arange(len(models)), counts)
    ordinal = np.arange(len(frame)) - first[frame]
    item = items.first[models][frame] + ordinal
    starts_frame = ordinal == 0
    texts = _texts(text, items.starts[item], items.equals[item])
    names = texts.unique()
    name = pl.DataFrame({"name": texts}).join(
        pl.DataFrame({"name": names}).with_row_index("place"), on="name", how="left", maintain_order="left"
    )["place"].to_numpy()  # fmt: skip
    described = [_described(each) for each in names.to_list()]
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
    irregular.append(frame[starts_run & ~starts_frame & (text[items.starts[item] - 1] == _COMMA)])
    attributes = []
    for index in range(1, _OTHER):
        of_run = np.full(len(run_starts), -1, dtype=np.int64)
        found = np.flatnonzero(kind == index)
        of_run[run[found]] = ordinal[found]
        irregular.append(frame[found[of_run[run[found]] != ordinal[found]]])
        attributes.append(of_run)

    (kept,) = np.nonzero(~is_attribute | ~has_values[run])
    kept_counts = np.bincount(frame[kept], minlength=len(models))
    slots = _Slots(
        first=np.cumsum(kept_counts) - kept_counts,
        counts=kept_counts,
        item=ordinal[kept],
        numeric=np.array([entry[4] for entry in described])[name[kept]],
        attributes=tuple(of_run[run[kept]] for of_run in attributes),
        names={
            column: pl.Series([entry[place] for entry in described], dtype=pl.String).cast(VALUES[column]).gather(name[kept])
            for place, column in enumerate(("factor", "field", "statistic"))
        },
    )
    return slots, np.unique(np.concatenate(irregular))


def _repeated_factors(frame: np.ndarray, factor: np.ndarray, factors: int) -> np.ndarray:
    """Frames in which a factor has several runs: its attributes may stand in another than its values."""
    key = pl.Series(frame * factors + factor, dtype=pl.Int64)
    return frame[key.is_duplicated().to_numpy()] if key.n_unique() < len(key) else np.empty(0, dtype=np.int64)


_FLAG_LETTERS = pl.Series([flag.value for flag in Flag] + [None], dtype=pl.String)
_FLAG_PLACE = np.full(256, len(Flag), dtype=np.uint32)
_FLAG_PLACE[[ord(flag.value) for flag in Flag]] = np.arange(len(Flag))


@dataclass(frozen=True)
class _Said:
    """What one of ATTRIBUTES says to each value.

    Attributes:
        text, items: as elsewhere.
        before: of each value, its area's first item.
        of_slot: of each slot, place of the attribute in the area, below 0 where there is none.
        slot: of each value.
    """

    text: np.ndarray
    items: _Items
    before: np.ndarray
    of_slot: np.ndarray
    slot: np.ndarray

    def letters(self) -> pl.Series:
        """One-letter texts without touching the texts: the byte before an item's end."""
        place = self.of_slot[self.slot]
        letters = _FLAG_PLACE[self.text[self.items.ends[self.before + place] - 1]]
        letters[place < 0] = len(Flag)
        return _FLAG_LETTERS.cast(_CODED).gather(pl.Series(letters))

    def times(self) -> pl.Series:
        if (self.of_slot < 0).all():
            return pl.Series([None], dtype=VALUES["sample_time"]).new_from_index(0, len(self.slot))
        return self.texts().str.to_datetime(_TIME_FORMAT, time_unit="us", strict=False)

    def texts(self) -> pl.Series:
        if (self.of_slot < 0).all():
            return pl.Series([None], dtype=pl.String).new_from_index(0, len(self.slot))
        place = self.of_slot[self.slot]
        (has,) = np.nonzero(place >= 0)
        item = self.before[has] + place[has]
        texts = _texts(self.text, self.items.equals[item] + 1, self.items.ends[item])
        at = np.full(len(place), -1, dtype=np.int64)
        at[has] = np.arange(len(has))
        places = pl.Series(at)
        return texts.gather(places.set(places < 0, None))


_MASKS = np.array([0] * PADDING + [(1 << 8 * min(size, 8)) - 1 for size in range(PADDING + 1)], dtype=np.uint64)
"""Mask of a word by how many bytes there are left for it, plus PADDING."""
_MIX = np.uint64(0x9E3779B97F4A7C15)
_WEIGHTS = np.random.default_rng(212).integers(0, 1 << 63, 256, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def _words(text: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """The bytes of some pieces as words of eight, zero behind a piece's end; as many words as the longest piece needs."""
    anywhere = np.ndarray((len(text) - 7,), dtype="<u8", buffer=text.data, strides=(1,))
    words = []
    for done in range(0, int(lengths.max(initial=1)), 8):
        words.append(anywhere[starts + done] & _MASKS[lengths + (PADDING - done)])
    return words


def _texts(text: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> pl.Series:
    """Pieces of ASCII, a few bytes each, as texts."""
    lengths = ends - starts
    bytes_ = np.column_stack(_words(text, starts, lengths)).view(np.uint8)
    whole = pl.Series(bytes_).cast(pl.List(pl.UInt8)).cast(pl.Binary)
    return pl.select(pl.lit(whole).bin.head(pl.lit(pl.Series(lengths))).cast(pl.String)).to_series()
