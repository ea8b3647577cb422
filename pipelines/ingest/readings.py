"""Readings: periods, points, parameters, units and flags of a wide or long file.

What holds for a row (its period, its point, its flag) is worked out once and shared by all value
columns; each value column then costs one cast. Two million rows of eight values are sixteen million
readings and must not become sixteen million strings: words are `pl.Enum`, constants one byte a row.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.contracts.feed import ColumnSource, FeedContract, ValueSource
from pipelines.contracts.records import READING
from pipelines.contracts.states import Flag, State, Statistic
from pipelines.contracts.units import UnitError
from pipelines.ingest.numbers import QUALIFIER, Numbers, converted, holds_word, read_numbers
from pipelines.ingest.parts import Parts
from pipelines.ingest.readers.table import SOURCE_ROW
from pipelines.ingest.references import References
from pipelines.ingest.refusals import Refusals
from pipelines.ingest.times import Axis, time_axis
from pipelines.ingest.words import (
    Refusal,
    allowed_word,
    chain,
    column_of,
    holds,
    identified,
    listed,
    look_up,
    mapped_word,
    parameter_word,
    registered,
    texts_of,
)

_FLAG = pl.Enum([flag.value for flag in Flag])
_STATE = pl.Enum([state.value for state in State])
_STATISTIC = pl.Enum([statistic.value for statistic in Statistic])
_NONE = pl.Enum([])
_NEEDED = ("point_id", "parameter_code", "statistic", "unit_raw")
_VALUELESS = [State.MISSING.value, State.STOPPED.value, State.NOT_APPLICABLE.value]
"""States that say why there is no value; an empty cell that claims to be measured is just an empty cell."""


@dataclass(frozen=True)
class _Field:
    """A canonical column over all rows of the file: its words, which rows it refuses, whether it is one word throughout."""

    words: pl.Series
    refusals: Refusals
    constant: bool


@dataclass(frozen=True)
class _Conversion:
    """The way to the canonical unit: scalars where unit, parameter and statistic are one throughout, else one per row."""

    scale: float | pl.Series
    offset: float | pl.Series
    unit: str | pl.Series

    def apply(self, numbers: pl.Series) -> pl.Series:
        return converted(numbers, self.scale, self.offset)


class _Take:
    """The accepted rows of a column. Where every row is accepted columns are shared, not copied."""

    def __init__(self, height: int, good: pl.Series) -> None:
        self.at = None if bool(good.all()) else good.arg_true()
        self.count = height if self.at is None else self.at.len()

    def __call__(self, series: pl.Series) -> pl.Series:
        return series if self.at is None else series.gather(self.at)

    def word(self, field: _Field) -> pl.Series:
        return field.words.head(self.count) if field.constant else self(field.words)

    def constant(self, value: str | None, dtype: pl.DataType) -> pl.Series:
        return pl.Series([value], dtype=dtype).new_from_index(0, self.count)


def normalise_readings(rows: pl.DataFrame, contract: FeedContract, references: References, park_zone: ZoneInfo) -> Parts:
    """Every value source of the contract over every row of the file."""
    file = _File(rows, contract, references, park_zone)
    parts = [file.part(number, source) for number, source in enumerate(contract.value_sources)]
    accepted = stack([part.accepted for part in parts])
    return Parts(
        accepted=accepted,
        quarantined=[frame for part in parts for frame in part.quarantined],
        read=sum(part.read for part in parts),
        empty_cells=sum(part.empty_cells for part in parts),
        warnings=file.axis.warnings,
        suspects=file.suspects(accepted),
    )


class _File:
    """One file's rows under one contract: everything that value sources share."""

    def __init__(self, rows: pl.DataFrame, contract: FeedContract, references: References, park_zone: ZoneInfo) -> None:
        assert contract.time is not None and contract.source_kind is not None
        self.rows = rows
        self.height = rows.height
        self.contract = contract
        self.references = references
        self.source_row = rows[SOURCE_ROW]
        self.axis: Axis = time_axis(rows, contract.time, park_zone, self._series)
        self._refuse_outside_validity()
        self._fields: dict[tuple[str, str], _Field] = {}

    def _refuse_outside_validity(self) -> None:
        valid, dates = self.contract.valid, self.axis.local_date
        outside = pl.repeat(False, self.height, dtype=pl.Boolean, eager=True)
        if valid.from_ is not None:
            outside |= (dates < valid.from_).fill_null(False)
        if valid.to is not None:
            outside |= (dates >= valid.to).fill_null(False)
        if outside.any():
            at = outside.arg_true()
            reason = f"the contract speaks for dates from {valid.from_ or 'ever'} to {valid.to or 'ever'}, exclusive"
            columns = self.contract.time.source_columns  # type: ignore[union-attr]
            raw = self.rows[at.to_list()].select(pl.concat_str(columns, separator=" ", ignore_nulls=True)).to_series()
            self.axis.refusals.add(at, column=" ".join(columns), rule="outside_contract_validity", reason=reason, raw=raw)

    def _series(self) -> pl.Series | None:
        """Which series a row belongs to: the raw words of its point, parameter and statistic."""
        sources = [self.contract.columns, *(source.canonical() for source in self.contract.value_sources)]
        names = {
            column
            for given in sources
            for canonical in ("point_id", "parameter_code", "statistic")
            if canonical in given
            for column in given[canonical].source_columns
        }
        if not names:
            return None
        return self.rows.select(pl.concat_str([pl.col(name).fill_null("") for name in sorted(names)], separator="\x1f")).to_series()

    def given(self, source: ValueSource) -> dict[str, ColumnSource]:
        return self.contract.columns | source.canonical()

    # -- fields -----------------------------------------------------------------------------------------------------

    def field(self, canonical: str, source: ColumnSource) -> _Field:
        """A canonical text column, worked out once however many value sources share it."""
        key = (canonical, source.model_dump_json())
        if key not in self._fields:
            self._fields[key] = self._field(canonical, source)
        return self._fields[key]

    def _field(self, canonical: str, source: ColumnSource) -> _Field:
        column = column_of(source, canonical)
        word = mapped_word(source, self.contract.format.null_values)
        steps: list[Callable[[str], str | Refusal | None]] = [word]
        if canonical == "parameter_code":
            steps.append(parameter_word(self.references, source.scheme))
        elif canonical == "flag":
            steps.append(allowed_word([flag.value for flag in Flag]))
        elif allowed := READING.by_name[canonical].allowed:
            steps.append(allowed_word(allowed))
        constant = source.value is not None
        texts = pl.Series([source.value], dtype=pl.String) if constant else texts_of(self.rows, source)
        words, refusals = look_up(texts, column, chain(*steps))
        if constant:
            words = words.new_from_index(0, self.height)
            refusals = self._everywhere(refusals)
        elif canonical in _NEEDED:
            empty = (words.is_null() & ~self._refused(refusals)).arg_true()
            refusals.add(
                empty, column=column, rule="required_missing", reason=f"{canonical} is empty and every reading needs one", raw=None
            )
        if canonical == "point_id":
            words, refusals = self._points(words, refusals, source, column)
            constant = constant and source.scheme is None
        return _Field(words, refusals, constant)

    def _points(self, words: pl.Series, refusals: Refusals, source: ColumnSource, column: str) -> tuple[pl.Series, Refusals]:
        dates = self.axis.local_date
        if source.scheme is not None:
            ids, unknown = identified(words, dates, self.references, scheme=source.scheme, kind="point", column=column)
            refusals.extend(unknown)
            words = ids.cast(pl.Enum(ids.unique(maintain_order=True).drop_nulls()))
        refusals.extend(registered(words, dates, self.references, register="point", key="point_id", rule="unknown_point", column=column))
        return words, refusals

    def _everywhere(self, refusals: Refusals) -> Refusals:
        """A constant's refusal holds for every row."""
        spread = Refusals()
        for frame in refusals.frames:
            row = frame.row(0, named=True)
            at = pl.arange(0, self.height, eager=True, dtype=pl.UInt32)
            spread.add(at, column=row["column_name"], rule=row["rule"], reason=row["reason"], raw=row["raw_text"])
        return spread

    def _refused(self, refusals: Refusals) -> pl.Series:
        accepted = refusals.accepted(self.height)
        return pl.repeat(False, self.height, dtype=pl.Boolean, eager=True) if accepted is None else ~accepted

    # -- flags and empty cells --------------------------------------------------------------------------------------

    @cached_property
    def _contract_flag(self) -> _Field | None:
        flags = self.contract.flags
        if flags is None:
            return None
        table = {word.strip(): letter.value for word, letter in flags.map.items()}
        nulls = {word.strip() for word in self.contract.format.null_values} | {""}

        def letter(word: str) -> str | Refusal | None:
            if (stripped := word.strip()) in table:
                return table[stripped]
            if stripped in nulls:
                return None
            if flags.default is not None:
                return flags.default.value
            return Refusal("unknown_flag", f"the contract's flags.map knows {listed(list(table))}")

        words, refusals = look_up(self.rows[flags.column], flags.column, letter)
        return _Field(words.cast(_FLAG), refusals, constant=False)

    @cached_property
    def _stopped(self) -> pl.Series | None:
        """Rows where empty.stopped_if says that the plant stood still."""
        rule = self.contract.empty.stopped_if
        return None if rule is None else holds_word(self.rows[rule.column], rule.values, self.contract.format)

    # -- one value source -------------------------------------------------------------------------------------------

    def part(self, number: int, source: ValueSource) -> Parts:
        """The readings of one value source: accepted rows in the order of the file, refused ones with their reasons."""
        given = self.given(source)
        column = column_of(given["value"], f"values[{number}].value")
        raw = texts_of(self.rows, given["value"])
        numbers = read_numbers(raw, self.contract.format)
        flag = self.field("flag", given["flag"]) if "flag" in given else self._contract_flag
        stated = self.field("state", given["state"]) if "state" in given else None
        candidate, state = self._candidates(numbers.empty, flag, stated)

        refusals = Refusals()
        refusals.extend(self.axis.refusals)
        words = {name: self.field(name, given[name]) for name in _NEEDED}
        for word in (*words.values(), flag, stated):
            refusals.extend(word.refusals if word is not None else Refusals())
        refusals.add(
            numbers.refused_at, column=column, rule="number_not_understood", reason=numbers.refused_reason,
            raw=raw.gather(numbers.refused_at),
        )  # fmt: skip
        conversion = self._conversion(words, refusals)
        extra = self._extra(given, refusals)
        value = conversion.apply(numbers.value)
        qualifier, limit = self._non_detects(given, numbers, value, conversion, words, extra.get("qualifier"), refusals, column)
        if limit is not None and numbers.qualifier is not None:
            # A bare ND stands for its limit; what it counts as is each purpose's rule, by the qualifier.
            value = limit.zip_with(value.is_null() & numbers.qualifier.is_not_null(), value)

        sound = refusals.accepted(self.height)
        take = _Take(self.height, candidate if sound is None else candidate & sound)
        kind = self.contract.source_kind.value  # type: ignore[union-attr]
        columns = {
            "point_id": take.word(words["point_id"]),
            "parameter_code": take.word(words["parameter_code"]),
            "statistic": take.word(words["statistic"]).cast(_STATISTIC),
            "source_kind": take.constant(kind, pl.Enum([kind])),
            "period_start_utc": take(self.axis.start),
            "period_end_utc": take(self.axis.end),
            "local_date": take(self.axis.local_date),
            "value": take(value),
            "unit": take.constant(conversion.unit, pl.Enum([conversion.unit]))
            if isinstance(conversion.unit, str)
            else take(conversion.unit),
            "value_raw": take(numbers.value),
            "unit_raw": take.word(words["unit_raw"]),
            "qualifier": take.constant(None, QUALIFIER) if qualifier is None else take(qualifier),
            "detection_limit": take.constant(None, pl.Float64()) if limit is None else take(limit),
            "flag": take.constant(None, _FLAG) if flag is None else take(flag.words).cast(_FLAG),
            "state": take(state),
            "sample_id": take(extra["sample_id"]) if "sample_id" in extra else take.constant(None, _NONE),
            "batch_id": take(extra["batch_id"]) if "batch_id" in extra else take.constant(None, _NONE),
            SOURCE_ROW: take(self.source_row),
        }
        return Parts(
            accepted=pl.DataFrame([series.alias(name) for name, series in columns.items()]),
            quarantined=[refusals.quarantine(self.source_row, candidate)],
            read=int(candidate.sum()),
            empty_cells=int((numbers.empty & ~candidate).sum()),
        )

    def _candidates(self, empty: pl.Series, flag: _Field | None, stated: _Field | None) -> tuple[pl.Series, pl.Series]:
        """Which cells stand for a reading, and its state. An empty one does when a flag, a state or the contract says why it is empty."""
        letters = flag.words.cast(_FLAG) if flag is not None else None
        flagged = (letters != Flag.NORMAL.value).fill_null(False) if letters is not None else None
        stopped = (letters == Flag.STOPPED.value).fill_null(False) if letters is not None else None
        measured = pl.Series([State.MEASURED.value], dtype=_STATE).new_from_index(0, self.height)
        state = measured
        if stopped is not None and stopped.any():
            state = state.set(stopped, State.STOPPED.value)
        given = stated.words.cast(_STATE) if stated is not None else None
        if not empty.any():
            return ~empty, state if given is None else given.zip_with(given.is_not_null(), state)
        explained = pl.repeat(self.contract.empty.means == "missing", self.height, dtype=pl.Boolean, eager=True)
        if flagged is not None:
            explained |= flagged
        if self._stopped is not None:
            explained |= self._stopped
            stopped = self._stopped if stopped is None else stopped | self._stopped
        state = state.set(empty, State.MISSING.value)
        if stopped is not None:
            state = state.set(empty & stopped, State.STOPPED.value)
        if given is not None:
            explained |= given.is_in(_VALUELESS).fill_null(False)
            state = given.zip_with(given.is_not_null(), state)
        return ~empty | explained, state

    def _conversion(self, fields: dict[str, _Field], refusals: Refusals) -> _Conversion:
        named = {name: fields[name].words for name in ("unit_raw", "parameter_code", "statistic")}
        nothing = _Conversion(1.0, 0.0, "")  # of rows that are refused, every one
        if _constant(fields):
            triple = tuple(words[0] if self.height else None for words in named.values())
            if None in triple:
                return nothing
            path = canonical_path(self.references, *triple)
            if isinstance(path, Refusal):
                everywhere = pl.arange(0, self.height, eager=True, dtype=pl.UInt32)
                refusals.add(everywhere, column="unit", rule=path.rule, reason=path.reason, raw=triple[0])
                return nothing
            return _Conversion(*path)
        frame = pl.DataFrame(named)
        triples = frame.unique().drop_nulls()
        paths = [canonical_path(self.references, *triple) for triple in triples.iter_rows()]
        good = [(None, None, None) if isinstance(path, Refusal) else path for path in paths]
        units = pl.Enum(list(dict.fromkeys(unit for _, _, unit in good if unit is not None)))
        table = triples.with_columns(
            pl.Series("scale", [scale for scale, _, _ in good], pl.Float64),
            pl.Series("offset", [offset for _, offset, _ in good], pl.Float64),
            pl.Series("unit", [unit for _, _, unit in good], units),
            pl.Series("rule", [path.rule if isinstance(path, Refusal) else None for path in paths], pl.String),
            pl.Series("reason", [path.reason if isinstance(path, Refusal) else None for path in paths], pl.String),
        )
        joined = frame.join(table, on=list(named), how="left", maintain_order="left")
        at = joined["rule"].is_not_null().arg_true()
        wrong = joined[at.to_list()] if at.len() else joined.clear()
        refusals.add(at, column="unit", rule=wrong["rule"], reason=wrong["reason"], raw=wrong["unit_raw"])
        return _Conversion(joined["scale"], joined["offset"], joined["unit"])

    def _extra(self, given: dict[str, ColumnSource], refusals: Refusals) -> dict[str, pl.Series]:
        """Text columns beside the number; sample and batch also by the same name."""
        found: dict[str, pl.Series] = {}
        for name in ("sample_id", "batch_id"):
            source = given.get(name) or (ColumnSource(column=name) if name in self.rows.columns else None)
            if source is not None:
                word = self.field(name, source)
                refusals.extend(word.refusals)
                found[name] = word.words
        if "qualifier" in given:
            word = self.field("qualifier", given["qualifier"])
            refusals.extend(word.refusals)
            found["qualifier"] = word.words
        return found

    def _non_detects(
        self, given: dict[str, ColumnSource], numbers: Numbers, value: pl.Series, conversion: _Conversion,
        fields: dict[str, _Field], stated: pl.Series | None, refusals: Refusals, column: str,
    ) -> tuple[pl.Series | None, pl.Series | None]:  # fmt: skip
        """Qualifiers, and the detection limit in the canonical unit: as sent, else the number behind <, else the channel's."""
        limit = None
        if "detection_limit" in given:
            source = given["detection_limit"]
            texts = texts_of(self.rows, source)
            sent = read_numbers(texts, self.contract.format)
            place = column_of(source, "detection_limit")
            refusals.add(
                sent.refused_at, column=place, rule="number_not_understood", reason=sent.refused_reason, raw=texts.gather(sent.refused_at)
            )
            limit = conversion.apply(sent.value)
        qualifier = numbers.qualifier
        if stated is not None:
            stated = stated.cast(QUALIFIER)
            qualifier = stated if qualifier is None else qualifier.zip_with(qualifier.is_not_null(), stated)
        if qualifier is None:
            return None, limit
        below = (qualifier == "<").fill_null(False)
        if not below.any():
            return qualifier, limit
        own = value.zip_with(below, pl.Series([None], dtype=pl.Float64).new_from_index(0, self.height))
        limit = own if limit is None else limit.zip_with(limit.is_not_null(), own)
        without = (below & limit.is_null() & numbers.value.is_null() & ~numbers.empty).arg_true()
        if without.len():
            known = self._channel_limits(without, fields)
            limit = limit.scatter(without, known)
            lacking = without.filter(known.is_null())
            reason = "is a non-detect without a limit; right would be <0.05, fields.detection_limit, or the channel's detection_limit"
            raw = texts_of(self.rows, given["value"]).gather(lacking)
            refusals.add(lacking, column=column, rule="non_detect_without_limit", reason=reason, raw=raw)
        return qualifier, limit

    def _channel_limits(self, at: pl.Series, fields: dict[str, _Field]) -> pl.Series:
        asked = pl.DataFrame(
            {
                "at": at.cast(pl.UInt32),
                "point_id": fields["point_id"].words.gather(at).cast(pl.String),
                "parameter_code": fields["parameter_code"].words.gather(at).cast(pl.String),
                "date": self.axis.local_date.gather(at),
            }
        )
        channels = self.references.register("channel").select(
            "point_id", "parameter_code", "detection_limit", first="valid_from", last="valid_to"
        )
        held = asked.join(channels, on=["point_id", "parameter_code"]).filter(holds("date", "first", "last")).unique("at", keep="first")
        return asked.join(held.select("at", "detection_limit"), on="at", how="left", maintain_order="left")["detection_limit"]

    # -- duplicates -------------------------------------------------------------------------------------------------

    def suspects(self, accepted: pl.DataFrame) -> pl.Series | None:
        """Accepted rows whose key may stand twice. Most files prove in one pass over their stamps that none does.

        One label and one step hold for the whole file, so a start stands for its period.
        """
        claims = []
        for source in self.contract.value_sources:
            given = self.given(source)
            claims.append([self.field(name, given[name]) for name in ("point_id", "parameter_code", "statistic")])
        fixed = [at for at in range(3) if all(claim[at].constant for claim in claims)]
        said = [tuple(claim[at].words[0] if self.height else None for at in fixed) for claim in claims]
        if len(set(said)) < len(said):
            return None  # two value columns may claim the same channel
        sound = self.axis.start.is_not_null()
        start, source_row = self.axis.start.filter(sound), self.source_row.filter(sound)
        rows = []
        for varying in {tuple(id(word) for word in claim if not word.constant): claim for claim in claims}.values():
            repeated = _repeated([word.words.filter(sound) for word in varying if not word.constant], start)
            if repeated is not None:
                rows.append(source_row.filter(repeated))
        if not rows:
            return pl.repeat(False, accepted.height, dtype=pl.Boolean, eager=True)
        return accepted[SOURCE_ROW].is_in(pl.concat(rows).implode())


def canonical_path(references: References, unit: str, code: str, statistic: str) -> tuple[float, float, str] | Refusal:
    """Scale, offset and unit of the way to what a parameter is kept in; `code` is one of ours."""
    parameter = references.parameter(code)
    assert not isinstance(parameter, str), code  # whoever asks has resolved it
    total = Statistic(statistic).is_total
    if total and parameter.total_unit is None:
        return Refusal("unit_without_path", f"{code} has no total (parameters.csv), so statistic {statistic} means nothing for it")
    target = parameter.canonical_unit(total=total)
    assert target is not None, code
    try:
        return *references.units.convert(unit, target), target
    except UnitError as error:
        known = unit in references.units
        return Refusal("unit_without_path" if known else "unknown_unit", f"{code} {statistic} is kept in {target}: {error}")


def _constant(fields: dict[str, _Field]) -> bool:
    """Whether unit, parameter and statistic are one word each throughout."""
    return all(fields[name].constant for name in ("unit_raw", "parameter_code", "statistic"))


def _repeated(words: list[pl.Series], start: pl.Series) -> pl.Series | None:
    """Rows whose words and start stand more than once; None when there are none."""
    if not words and bool((start.diff().drop_nulls().dt.total_microseconds() > 0).all()):
        return None
    keys = pl.DataFrame([start.alias("start"), *(word.to_physical().alias(f"word{at}") for at, word in enumerate(words))])
    spans = [(name, int(low or 0), int(high or 0)) for name in keys.columns for low, high in [_bounds(keys[name])]]
    # The key as one integer where it fits: comparing those is ten times as fast as comparing structs.
    number = pl.lit(0, pl.Int64)
    for name, low, high in spans:
        number = number * (high - low + 2) + (pl.col(name).to_physical().cast(pl.Int64).fill_null(low - 1) - low + 1)
    fits = math.prod(high - low + 2 for _, low, high in spans) < 2**62
    key = keys.select(number.alias("key") if fits else pl.struct(pl.all()).alias("key")).to_series()
    return None if key.n_unique() == key.len() else key.is_duplicated()


def _bounds(series: pl.Series) -> tuple[int | None, int | None]:
    physical = series.to_physical()
    return physical.min(), physical.max()  # type: ignore[return-value]


def stack(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """One frame of all, each Enum column over the words of all."""
    schemas = [frame.schema for frame in frames]
    dtypes = {}
    for name, dtype in schemas[0].items():
        if isinstance(dtype, pl.Enum) and any(schema[name] != dtype for schema in schemas):
            words = dict.fromkeys(word for schema in schemas for word in schema[name].categories)
            dtypes[name] = pl.Enum(list(words))
    return pl.concat([frame.cast(dtypes) for frame in frames] if dtypes else frames, rechunk=False)
