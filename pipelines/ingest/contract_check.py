"""What a contract names, against what is there: registers, standards, units, zones, and the other contracts.

The contract model has judged each file alone. Here every problem of every contract is found in one
pass, so that a data engineer mends a folder once. An empty register refuses nothing: before the first
delivery of the registers nobody can know a point. Reads no file of a feed.
"""

import codecs
import difflib
import re
import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import product

import polars as pl

from pipelines.contracts.feed import ColumnSource, FeedContract, FormatKind, Hj212, Label, Problem, Validity
from pipelines.contracts.records import RECORD_TYPES, REGISTERS
from pipelines.contracts.states import Flag, SourceKind, Statistic
from pipelines.contracts.units import UnitError
from pipelines.ingest.references import Parameter, References, Unresolved
from pipelines.ingest.times import pattern_problem
from pipelines.ingest.words import Refusal, material_word, metric_word, parameter_word

_COMPUTED = {
    "reading": {"period_start_utc", "period_end_utc", "local_date", "unit", "value_raw", "source_kind"},
    "self_report": {"unit", "value_raw"},
}
_NAMED_KINDS = sorted(
    {column.names for record in RECORD_TYPES.values() for column in record.columns} & {record.name for record in REGISTERS}
)
"""Registers whose entities a column names by itself."""
_STANDARD_WORDS = {"parameter": parameter_word, "material": material_word, "metric": lambda references, _: metric_word(references)}
"""What resolves the words of a column that names something of the standards."""
_OF_A_PERIOD = {Statistic.MIN, Statistic.AVG, Statistic.MAX, Statistic.COU, Statistic.ZS_MIN, Statistic.ZS_AVG, Statistic.ZS_MAX}


@dataclass(frozen=True)
class _Claim:
    """One channel that a contract says it delivers, and which of its keys says so."""

    point_id: str
    parameter_code: str
    statistic: str
    source_kind: str
    feed_id: str
    key: str
    valid: Validity


def check(contracts: Sequence[FeedContract], references: References) -> list[Problem]:
    """Every problem of every contract against registers and standards, and of the contracts among themselves."""
    known = _Known(references)
    problems: list[Problem] = []
    claims: list[_Claim] = []
    for contract in contracts:
        one = _Check(contract, references, known)
        problems.extend(one.problems())
        claims.extend(one.claims())
    return problems + list(_overlapping(claims))


class _Known:
    """Registers as look-ups, made once for all contracts."""

    def __init__(self, references: References) -> None:
        self.references = references

    @cached_property
    def entities(self) -> dict[str, dict[str, list[Validity]]]:
        """Kind → id → its validities; a kind whose register is empty is absent."""
        found: dict[str, dict[str, list[Validity]]] = {}
        for kind in _NAMED_KINDS:
            key = RECORD_TYPES[kind].id_column
            rows = self.references.register(kind).select(key, "valid_from", "valid_to")
            for identifier, first, last in rows.iter_rows():
                valid = Validity.model_construct(from_=first, to=last)
                found.setdefault(kind, {}).setdefault(identifier, []).append(valid)
        return found

    @cached_property
    def schemes(self) -> set[str]:
        return set(self.references.register("identifier").get_column("scheme").unique().to_list())

    @cached_property
    def zones(self) -> set[str]:
        return zoneinfo.available_timezones()


class _Check:
    """All problems of one contract."""

    def __init__(self, contract: FeedContract, references: References, known: _Known) -> None:
        self.contract = contract
        self.references = references
        self.known = known
        self.file = f"{contract.feed_id}.yaml"
        self._found: list[Problem] = []

    def problems(self) -> list[Problem]:
        self._format()
        self._times()
        for key, canonical, source in self._sources():
            self._source(key, canonical, source)
        self._values()
        self._devices()
        if self._backwards:
            valid = self.contract.valid
            self._add("valid.to", valid.to, f"is exclusive and must be after valid.from, {valid.from_}")
        return self._found

    @property
    def _backwards(self) -> bool:
        valid = self.contract.valid
        return valid.from_ is not None and valid.to is not None and valid.from_ >= valid.to

    def _add(self, key: str, value: object, message: str) -> None:
        self._found.append(Problem(self.file, key, repr(str(value))[:120], message))

    def _sources(self) -> Iterator[tuple[str, str, ColumnSource]]:
        for canonical, source in self.contract.columns.items():
            yield f"columns.{canonical}", canonical, source
        several = isinstance(self.contract.values, list)
        for number, value in enumerate(self.contract.value_sources):
            for canonical, source in value.canonical().items():
                yield self._value_key(number if several else None, canonical, value.fields), canonical, source

    @staticmethod
    def _value_key(number: int | None, canonical: str, fields: dict[str, ColumnSource]) -> str:
        part = {"unit_raw": "unit", "point_id": "point", "parameter_code": "parameter", "item_code": "item", "line_id": "line"}
        name = f"fields.{canonical}" if canonical in fields else part.get(canonical, canonical)
        return f"values.{name}" if number is None else f"values[{number}].{name}"

    # -- how the file is read ---------------------------------------------------------------------------------------

    def _format(self) -> None:
        given = self.contract.format
        try:
            codecs.lookup(given.encoding)
        except LookupError:
            self._add("format.encoding", given.encoding, "is no encoding; common ones are utf-8, gb18030, big5, utf-16, cp1252")
        if given.kind is FormatKind.CSV:
            for key, character in (("separator", given.separator), ("quote", given.quote)):
                if character is not None and (len(character) != 1 or not character.isascii()):
                    self._add(f"format.{key}", character, "must be one ASCII character, as , or ; or \\t")
            if given.decimal == given.separator and given.quote is None:
                self._add("format.decimal", given.decimal, "is also the separator: nothing could tell them apart without quotes")
        if given.columns is not None:
            for name in _repeated(given.columns):
                self._add("format.columns", name, "names two columns")

    def _times(self) -> None:
        time, period = self.contract.time, self.contract.period
        if time is not None:
            self._zone("time.zone", time.zone)
            if problem := pattern_problem(time.pattern, dated=time.first_date is None):
                self._add("time.pattern", time.pattern, problem)
            for number, value in enumerate(self.contract.value_sources):
                self._label(number, value.canonical().get("statistic") or self.contract.columns.get("statistic"))
        if period is not None:
            if (period.column is None) == (period.value is None):
                self._add("period", period.column or period.value, "give column or value, and not both")
            needed = {"year": "Yy", "quarter": "qm", "month": "m", "day": "d"}[period.length]
            given = set(re.findall(r"%-?([A-Za-z])", period.pattern))
            if not given & set("Yy") or not given & set(needed):
                self._add(
                    "period.pattern",
                    period.pattern,
                    f"does not name a {period.length}: it needs %Y and one of {', '.join('%' + letter for letter in needed)}",
                )
            elif odd := sorted(given - set("YymdqeHMSf")):
                self._add("period.pattern", period.pattern, f"knows no %{odd[0]}; use %Y %y %m %d and %q for the quarter")

    def _zone(self, key: str, zone: str | None) -> None:
        if zone is not None and zone not in self.known.zones:
            near = difflib.get_close_matches(zone, self.known.zones, n=3, cutoff=0.5)
            self._add(key, zone, f"is no IANA time zone{'; near are ' + ', '.join(near) if near else ''}, as Asia/Shanghai or Etc/GMT-8")

    def _label(self, number: int, statistic: ColumnSource | None) -> None:
        time = self.contract.time
        if time is None or statistic is None or statistic.value not in set(Statistic):
            return
        word = Statistic(statistic.value)
        if time.label is Label.INSTANT and word in _OF_A_PERIOD:
            self._add(
                f"values[{number}].statistic",
                word,
                "is a figure of a period and time.label is instant: right would be start or end, or rtd",
            )
        if time.label is not Label.INSTANT and word is Statistic.REGISTER:
            self._add("time.label", time.label, f"values[{number}] is a meter's register, read at a moment: right would be instant")

    # -- what a source names ----------------------------------------------------------------------------------------

    def _words(self, source: ColumnSource) -> list[tuple[str, str]]:
        """Our words that a source can yield, as far as the contract says them, each with the part of the key that says it."""
        if source.map is not None:
            pairs = [(f".map[{theirs}]", ours) for theirs, ours in source.map.items()]
            return [pair for pair in pairs if source.value is None or pair[0] == f".map[{source.value}]"]
        return [("", source.value)] if source.value is not None else []

    def _source(self, key: str, canonical: str, source: ColumnSource) -> None:
        record = self.contract.record
        self._zone(f"{key}.zone", source.zone)
        if canonical in _COMPUTED.get(record, ()):
            self._add(key, source.column or source.value or source.template, "is worked out from other keys and never read: leave it out")
            return
        if source.value is not None and source.map is not None and source.value not in source.map:
            self._add(key, source.value, "is a constant that its own map lacks")
        column = RECORD_TYPES[record].by_name.get(canonical)
        for part, word in self._words(source):
            if column is not None and column.allowed and word not in column.allowed:
                self._add(key + part, word, f"right would be one of {', '.join(column.allowed)}")
            elif canonical == "flag" and word not in set(Flag):
                self._add(key + part, word, f"right would be one of {', '.join(Flag)}")
            elif (record, canonical) == ("self_report", "item_code"):
                self._item(key + part, word, source)
            elif column is not None and column.names in _STANDARD_WORDS:
                if isinstance(answer := _STANDARD_WORDS[column.names](self.references, source.scheme)(word), Refusal):
                    self._add(key + part, word, answer.reason)
            elif canonical in ("unit_raw", "unit"):
                self._unit(key + part, word)
            elif source.scheme is None:
                self._entity(key + part, canonical, word)
        if source.pattern is not None and (problem := pattern_problem(source.pattern, dated=True)):
            self._add(f"{key}.pattern", source.pattern, problem)
        self._scheme(key, canonical, source, column.names if column is not None else None)

    def _scheme(self, key: str, canonical: str, source: ColumnSource, names: str | None) -> None:
        if source.scheme is None:
            return
        schemes = self.references.parameter_schemes
        # A declared item may be a product, which has foreign numbers too.
        if names in ("parameter", "material") and (canonical != "item_code" or source.scheme in schemes):
            if source.scheme not in schemes:
                self._add(
                    f"{key}.scheme", source.scheme, f"no parameter alias has this dialect; there are {', '.join(sorted(schemes - {''}))}"
                )
        elif names is None or names == "metric":
            self._add(f"{key}.scheme", source.scheme, f"{canonical} is no identifier of an entity: only those resolve by a scheme")
        elif self.known.schemes and source.scheme not in self.known.schemes:
            there = ", ".join(sorted(self.known.schemes))
            self._add(f"{key}.scheme", source.scheme, f"no row of the identifier register has this scheme; there are {there}")

    def _item(self, key: str, word: str, source: ColumnSource) -> None:
        """An item may be a parameter or, where the medium can be output, a product."""
        products = self.known.entities.get("product", {})
        if isinstance(found := self.references.parameter(word, source.scheme), Unresolved) and products and word not in products:
            self._add(key, word, f"is neither a parameter nor a product: {found}")

    def _unit(self, key: str, word: str) -> None:
        try:
            self.references.units.kind(word)
        except UnitError as error:
            self._add(key, word, str(error))

    def _entity(self, key: str, canonical: str, word: str) -> None:
        column = self.contract.record_type.by_name.get(canonical)
        kind = column.names if column is not None else None
        if kind in self.contract.record_type.by_name:
            said = self.contract.columns.get(kind)
            kind = said.value if said is not None else None
        # A register's own feed brings the ids it names.
        if kind is None or kind == self.contract.record or self.contract.record_type.is_register:
            return
        there = self.known.entities.get(kind)
        if there is None:
            return
        if word not in there:
            near = difflib.get_close_matches(word, list(there), n=3, cutoff=0.7)
            hint = f"; near are {', '.join(near)}" if near else f"; it has {len(there)} of them"
            self._add(key, word, f"{kind} is not in the register{hint}")
        elif not self._backwards and not any(valid.overlaps(self.contract.valid) for valid in there[word]):
            spans = ", ".join(f"{valid.from_} to {valid.to or 'now'}" for valid in there[word])
            self._add(key, word, f"{kind} is registered for {spans} and the contract is valid at other times")

    def _devices(self) -> None:
        """Rows of a device profile against points, parameters and units. Codes that no row names are known when frames come."""
        logs = self.contract.source.hj212
        if logs is None:
            return
        from pipelines.ingest.frames.codes import Codes

        codes = Codes(logs.device_rows, self.references, logs.devices)
        for row in logs.device_rows:
            key = f"source.hj212.devices: {logs.devices} row {row.row}"
            if row.point_id is not None:
                self._entity(f"{key}: point_id", "point_id", row.point_id)
            if row.parameter is not None and isinstance(found := self.references.parameter(row.parameter), Unresolved):
                self._add(f"{key}: parameter", row.parameter, str(found))
            for column in ("unit", "total_unit"):
                if (unit := getattr(row, column)) is not None:
                    self._unit(f"{key}: {column}", unit)
            for column, value, message in codes.problems_of(row):
                self._add(f"{key}: {column}", value, message)

    # -- what value sources say together ----------------------------------------------------------------------------

    def _given(self, number: int) -> dict[str, ColumnSource]:
        return self.contract.columns | self.contract.value_sources[number].canonical()

    def _ours(self, source: ColumnSource | None) -> list[str]:
        return sorted({word for _, word in self._words(source)}) if source is not None else []

    def _values(self) -> None:
        readers: dict[str, int] = {}
        for number, value in enumerate(self.contract.value_sources):
            given = self._given(number)
            if (column := value.canonical()["value"].column) is not None:
                if column in readers:
                    self._add(f"values[{number}].column", column, f"is already read by values[{readers[column]}]")
                readers.setdefault(column, number)
            if self.contract.record == "reading":
                self._paths(number, given)
            elif self.contract.record == "self_report":
                self._declared_paths(number, given)

    def _paths(self, number: int, given: dict[str, ColumnSource]) -> None:
        parameters = self._resolved(given.get("parameter_code"))
        statistics = [Statistic(word) for word in self._ours(given.get("statistic")) if word in set(Statistic)]
        for parameter, statistic, unit in product(parameters, statistics, self._ours(given.get("unit_raw"))):
            if statistic.is_total and parameter.total_unit is None:
                self._add(f"values[{number}].statistic", statistic, f"{parameter.code} has no total (parameters.csv)")
                continue
            self._path(f"values[{number}].unit", unit, parameter, total=statistic.is_total)

    def _declared_paths(self, number: int, given: dict[str, ColumnSource]) -> None:
        media = self._ours(given.get("medium"))
        if media == ["output"]:
            return
        for parameter, unit in product(self._resolved(given.get("item_code")), self._ours(given.get("unit_raw"))):
            self._path(f"values[{number}].unit", unit, parameter, total=True)

    def _path(self, key: str, unit: str, parameter: Parameter, *, total: bool) -> None:
        target = parameter.canonical_unit(total=total)
        if unit not in self.references.units or target is None:
            return  # said already, by _unit
        try:
            self.references.units.convert(unit, target)
        except UnitError as error:
            self._add(key, unit, f"{parameter.code} is kept in {target}: {error}")

    def _resolved(self, source: ColumnSource | None) -> list[Parameter]:
        if source is None:
            return []
        found = [self.references.parameter(word, source.scheme) for word in self._ours(source)]
        return [parameter for parameter in found if not isinstance(parameter, Unresolved)]

    def claims(self) -> Iterator[_Claim]:
        """Channels of a contract of readings, as far as it names them; points that a column names are known at load only."""
        if self.contract.record != "reading" or self.contract.source_kind is None:
            return
        if self.contract.source.hj212 is not None:
            yield from self._claims_of_devices(self.contract.source.hj212)
            return
        for number in range(len(self.contract.value_sources)):
            given = self._given(number)
            point = given.get("point_id")
            points = self._ours(point) if point is not None and point.scheme is None else []
            codes = sorted({parameter.code for parameter in self._resolved(given.get("parameter_code"))})
            for point_id, code, statistic in product(points, codes, self._ours(given.get("statistic"))):
                kind = SourceKind(self.contract.source_kind).value
                yield _Claim(point_id, code, statistic, kind, self.contract.feed_id, f"values[{number}]", self.contract.valid)

    def _claims_of_devices(self, logs: Hj212) -> Iterator[_Claim]:
        """Channels that rows of a device profile name with their field; which others a device sends only its frames say."""
        from pipelines.ingest.frames.codes import Codes

        codes, kind = Codes(logs.device_rows, self.references, logs.devices), SourceKind(self.contract.source_kind).value  # type: ignore[arg-type]
        for row in logs.device_rows:
            for point_id, parameter, statistic, valid in codes.claims_of(row):
                yield _Claim(point_id, parameter, statistic, kind, self.contract.feed_id, f"{logs.devices} row {row.row}", valid)


def _overlapping(claims: list[_Claim]) -> Iterator[Problem]:
    """One problem per pair of feeds (or of value sources of one feed) that claim a channel at the same time."""
    by_channel: dict[tuple[str, ...], list[_Claim]] = {}
    for claim in claims:
        by_channel.setdefault((claim.point_id, claim.parameter_code, claim.statistic, claim.source_kind), []).append(claim)
    pairs: dict[tuple[str, str], list[tuple[_Claim, _Claim]]] = {}
    for same in by_channel.values():
        for at, later in enumerate(same):
            for earlier in same[:at]:
                if (later.feed_id, later.key) != (earlier.feed_id, earlier.key) and later.valid.overlaps(earlier.valid):
                    pairs.setdefault((earlier.feed_id, later.feed_id), []).append((earlier, later))
    for (first, second), found in pairs.items():
        earlier, later = found[0]
        channel = f"{later.point_id} {later.parameter_code} {later.statistic} {later.source_kind}"
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        other = f"{earlier.key} of this feed" if first == second else f"{first}.yaml {earlier.key}"
        when = f"{_later(earlier.valid.from_, later.valid.from_) or 'ever'} to {_earlier(earlier.valid.to, later.valid.to) or 'ever'}"
        message = f"is claimed by {other} too{more}, both from {when}; end one with valid, or give it another source_kind"
        yield Problem(f"{second}.yaml", later.key, repr(channel), message)


def _later(one: date | None, other: date | None) -> date | None:
    return max((day for day in (one, other) if day is not None), default=None)


def _earlier(one: date | None, other: date | None) -> date | None:
    return min((day for day in (one, other) if day is not None), default=None)


def _repeated(names: Sequence[str]) -> list[str]:
    return pl.Series(names).value_counts().filter(pl.col("count") > 1).to_series().to_list() if names else []
