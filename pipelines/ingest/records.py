"""Self-reports, registers and the other record types: one canonical row per file row, or per value column of it.

These are thousands of rows, not millions: columns stay text until their type is due. Whether one
register names entities that another lacks is a relationship test's business, not a row's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.contracts.feed import ColumnSource, FeedContract
from pipelines.contracts.records import COUNT, DATE, NUMBER, RECORD_TYPES, REGISTERS, TEXT, WASTE_CODE, Column, RecordType
from pipelines.contracts.states import State
from pipelines.contracts.units import UnitError
from pipelines.ingest.numbers import converted, holds_word, read_numbers
from pipelines.ingest.parts import Parts
from pipelines.ingest.readers.table import SOURCE_ROW
from pipelines.ingest.references import References, Unresolved
from pipelines.ingest.refusals import Refusals
from pipelines.ingest.times import example, local_dates, read_dates, read_instants, read_periods
from pipelines.ingest.words import (
    Refusal,
    allowed_word,
    chain,
    column_of,
    identified,
    look_up,
    mapped_word,
    material_word,
    metric_word,
    parameter_word,
    registered,
    texts_of,
)

SINGLE = {"line_id": "-", "parent_point_id": "-"}
"""What an empty key column means: the only line of a report, the top of a metering tree."""
REGISTERED = frozenset(record.name for record in REGISTERS)
_WASTE_UNIT = "t"
_COMPUTED = {"unit", "value_raw"}
"""Self-report columns that follow from others and are never read."""
_ENDS = (
    ("valid_from", "valid_to"), ("period_start", "period_end"), ("occurred_on", "ended_on"), ("baseline_start", "baseline_end"),
)  # fmt: skip
"""Half-open spans: the second date is the first on which it no longer holds."""


def sources_of(contract: FeedContract, columns: Sequence[str]) -> list[dict[str, ColumnSource]]:
    """Where each canonical column comes from, per value source; a column of the same name needs no entry."""
    record = contract.record_type
    same = {column.name: ColumnSource(column=column.name) for column in record.columns if column.name in columns}
    if record.name == "self_report":
        for name in _COMPUTED:
            same.pop(name, None)
        for name in ("unit", "unit_raw"):
            if name in columns:
                same["unit_raw"] = ColumnSource(column=name)
    if contract.period is not None:
        same.pop("period_start", None)
        same.pop("period_end", None)
    return [same | contract.columns | value.canonical() for value in contract.value_sources] or [same | contract.columns]


def normalise_records(rows: pl.DataFrame, contract: FeedContract, references: References, park_zone: ZoneInfo) -> Parts:
    """Every value source of the contract, or the row itself, as canonical rows."""
    parts = [
        _Rows(rows, contract, references, park_zone, sources).part()
        for sources in sources_of(contract, [name for name in rows.columns if name != SOURCE_ROW])
    ]
    return Parts(
        accepted=pl.concat([part.accepted for part in parts]),
        quarantined=[frame for part in parts for frame in part.quarantined],
        read=sum(part.read for part in parts),
        empty_cells=sum(part.empty_cells for part in parts),
    )


@dataclass
class _Rows:
    """The file's rows as records of one value source; `done` holds the canonical columns finished so far."""

    rows: pl.DataFrame
    contract: FeedContract
    references: References
    park_zone: ZoneInfo
    sources: dict[str, ColumnSource]
    refusals: Refusals = field(default_factory=Refusals)
    done: dict[str, pl.Series] = field(default_factory=dict)

    @property
    def record(self) -> RecordType:
        return self.contract.record_type

    def part(self) -> Parts:
        candidate, empty_cells = self._values()
        self._typed()
        self._period()
        self._words()
        self._defaults()
        self._derived()
        self._units()
        self._require()
        self._order()
        sound = self.refusals.accepted(self.rows.height)
        good = candidate if sound is None else candidate & sound
        frame = pl.DataFrame([self._column(column) for column in self.record.columns] + [self.rows[SOURCE_ROW]])
        return Parts(
            accepted=frame.cast(dict(self.record.schema)).filter(good),
            quarantined=[self.refusals.quarantine(self.rows[SOURCE_ROW], candidate)],
            read=int(candidate.sum()),
            empty_cells=empty_cells,
        )

    def _column(self, column: Column) -> pl.Series:
        found = self.done.get(column.name)
        return (self._nothing(column.dtype) if found is None else found).alias(column.name)

    def _nothing(self, dtype: pl.DataType) -> pl.Series:
        return pl.Series([None], dtype=dtype).new_from_index(0, self.rows.height)

    def _text(self, name: str) -> pl.Series:
        return texts_of(self.rows, self.sources[name])

    def _place(self, name: str) -> str:
        return column_of(self.sources[name], name) if name in self.sources else name

    def _refuse(self, mask: pl.Series, name: str, rule: str, reason: str | pl.Series, raw: pl.Series | None) -> None:
        if mask.any():
            at = mask.arg_true()
            kept = reason.gather(at) if isinstance(reason, pl.Series) else reason
            self.refusals.add(at, column=self._place(name), rule=rule, reason=kept, raw=raw.gather(at) if raw is not None else None)

    # -- the declared value -----------------------------------------------------------------------------------------

    def _values(self) -> tuple[pl.Series, int]:
        """Which rows stand for a record. Only a self-report has a value whose empty cell is no row."""
        everything = pl.repeat(True, self.rows.height, dtype=pl.Boolean, eager=True)
        if self.record.name != "self_report" or "value" not in self.sources:
            return everything, 0
        texts = self._text("value")
        numbers = read_numbers(texts, self.contract.format)
        self.refusals.add(
            numbers.refused_at, column=self._place("value"), rule="number_not_understood", reason=numbers.refused_reason,
            raw=texts.gather(numbers.refused_at),
        )  # fmt: skip
        if numbers.qualifier is not None:
            qualified = numbers.qualifier.is_not_null()
            self._refuse(qualified, "value", "number_not_understood", "a declared quantity is a number, without < or > or ND", texts)
        self.done["value_raw"] = numbers.value
        candidate = ~numbers.empty
        if self.contract.empty.means == "missing":
            candidate = everything
        candidate |= self._stopped()
        if "state" in self.sources:
            # A row that says itself why it has no value (overdue: missing) is a row.
            said = self.rows.select(texts_of(self.rows, self.sources["state"]).str.strip_chars().alias("state")).to_series()
            valueless = [State.MISSING.value, State.STOPPED.value, State.NOT_APPLICABLE.value]
            mapped, _ = look_up(said, "state", mapped_word(self.sources["state"], self.contract.format.null_values))
            candidate |= mapped.cast(pl.String).is_in(valueless).fill_null(False)
        return candidate, int((~candidate).sum())

    # -- typed columns ----------------------------------------------------------------------------------------------

    def _typed(self) -> None:
        for column in self.record.columns:
            if column.dtype == TEXT or (self.record.name == "self_report" and column.name in ("value", "value_raw")):
                continue
            if column.name in self.sources:
                self.done[column.name] = self._read(column)

    def _read(self, column: Column) -> pl.Series:
        source, texts = self.sources[column.name], self._text(column.name)
        word = mapped_word(source, self.contract.format.null_values)
        mapped, refused = look_up(texts, self._place(column.name), word)
        self.refusals.extend(refused)
        clean = mapped.cast(pl.String)
        if column.dtype in (NUMBER, COUNT):
            numbers = read_numbers(clean, self.contract.format)
            self.refusals.add(
                numbers.refused_at, column=self._place(column.name), rule="number_not_understood", reason=numbers.refused_reason,
                raw=texts.gather(numbers.refused_at),
            )  # fmt: skip
            if numbers.qualifier is not None:
                marked = numbers.qualifier.is_not_null()
                self._refuse(marked, column.name, "number_not_understood", "is a number, without < or > or ND", texts)
            if column.dtype == NUMBER:
                return numbers.value
            whole = numbers.value.round(0) == numbers.value
            self._refuse(~whole.fill_null(True), column.name, "number_not_understood", "is a whole number", texts)
            return numbers.value.cast(COUNT, strict=False)
        if column.dtype == DATE:
            read, right = read_dates(clean, source.pattern), example(source.pattern or "%Y-%m-%d")
        else:
            zone = ZoneInfo(source.zone) if source.zone else self.park_zone
            read, right = read_instants(clean, source.pattern, zone), example(source.pattern or "%Y-%m-%d %H:%M:%S")
        wrong = read.is_null() & clean.is_not_null()
        self._refuse(wrong, column.name, "time_not_understood", f"is not a date or time as {right}", texts)
        return read

    def _period(self) -> None:
        period = self.contract.period
        if period is None:
            return
        source = ColumnSource(column=period.column, value=period.value)
        texts = texts_of(self.rows, source)
        first, after = read_periods(texts, period.pattern, period.length)
        wrong = first.is_null().arg_true()
        reason = f"is not a {period.length} written as {period.pattern}; right would be {example(period.pattern)}"
        place = column_of(source, "period")
        self.refusals.add(wrong, column=place, rule="period_not_understood", reason=reason, raw=texts.gather(wrong))
        self.done |= {"period_start": first, "period_end": after}

    # -- words ------------------------------------------------------------------------------------------------------

    def _words(self) -> None:
        # Kinds come before the identifiers they decide about, media before the items they decide about.
        names = [column.name for column in self.record.columns if column.dtype == TEXT and column.name in self.sources]
        for name in sorted(names, key=lambda name: (self.record.by_name[name].names in self.record.by_name, name == "item_code")):
            if name == "unit" and self.record.name == "self_report":
                continue
            self.done[name] = self._item() if (self.record.name, name) == ("self_report", "item_code") else self._word(name)
        if "unit_raw" in self.sources and "unit_raw" not in self.done:
            self.done["unit_raw"] = self._word("unit_raw")

    def _word(self, name: str) -> pl.Series:
        source, column = self.sources[name], self.record.by_name[name]
        texts = self._text(name)
        steps = [mapped_word(source, self.contract.format.null_values)]
        scheme = None
        if column.names == "parameter":
            steps.append(parameter_word(self.references, source.scheme))
        elif column.names == "material":
            steps.append(material_word(self.references, source.scheme))
        elif column.names == "metric":
            steps.append(metric_word(self.references))
        else:
            scheme = source.scheme
        if column.allowed:
            steps.append(allowed_word(column.allowed))
        if name == "unit":
            steps.append(self._known_unit)
        words, refused = look_up(texts, self._place(name), chain(*steps))
        self.refusals.extend(refused)
        ids = words.cast(pl.String)
        if scheme is None:
            return ids
        kinds = self.done.get(column.names or "")
        if kinds is None:
            return self._identify(ids, scheme, column.names or "", name)
        for kind in kinds.unique().drop_nulls().sort():
            of_kind = (kinds == kind).fill_null(False)
            found = self._identify(ids.zip_with(of_kind, self._nothing(TEXT)), scheme, kind, name)
            ids = found.zip_with(of_kind, ids)
        return ids

    def _known_unit(self, word: str) -> str | Refusal:
        if word in self.references.units:
            return word
        try:
            self.references.units.kind(word)
        except UnitError as error:
            return Refusal("unknown_unit", str(error))
        return word

    def _identify(self, ids: pl.Series, scheme: str, kind: str, name: str) -> pl.Series:
        found, refused = identified(ids, self._dates(), self.references, scheme=scheme, kind=kind, column=self._place(name))
        self.refusals.extend(refused)
        return found

    def _dates(self) -> pl.Series:
        """The date identifiers and validities are looked up on: the last day of a period, else the row's own first date."""
        if "period_end" in self.done:
            return self.done["period_end"].dt.offset_by("-1d")
        if (first := self.record.touches[0].dates[0]) in self.done:
            return self.done[first]
        if "event_at_utc" in self.done:
            return local_dates(self.done["event_at_utc"], self.park_zone)
        return self._nothing(DATE)

    def _item(self) -> pl.Series:
        """Items of a self-report: where the medium is output a product, if one has this code; else a parameter."""
        source, texts = self.sources["item_code"], self._text("item_code")
        mapped, refused = look_up(texts, self._place("item_code"), mapped_word(source, self.contract.format.null_values))
        self.refusals.extend(refused)
        words = mapped.cast(pl.String)
        medium = self.done.get("medium")
        is_output = pl.repeat(False, words.len(), dtype=pl.Boolean, eager=True) if medium is None else (medium == "output").fill_null(False)
        made = words.zip_with(is_output, self._nothing(TEXT))
        declared = words.zip_with(~is_output, self._nothing(TEXT))
        scheme = source.scheme
        if scheme is not None and scheme not in self.references.parameter_schemes:
            made, scheme = self._identify(made, scheme, "product", "item_code"), None
        products, unmade = look_up(made, self._place("item_code"), self._product)
        codes, unknown = look_up(declared, self._place("item_code"), parameter_word(self.references, scheme))
        self.refusals.extend(unmade)
        self.refusals.extend(unknown)
        return products.cast(pl.String).zip_with(is_output, codes.cast(pl.String))

    def _product(self, word: str) -> str | Refusal:
        if word in self.references.product_units:
            return word
        # Metal that leaves with the goods is an output of a material, which has a parameter's code.
        if not isinstance(found := self.references.parameter(word), Unresolved):
            return found.code
        return Refusal("unknown_product", f"product {word!r} is not in the product register; the row loads when it is registered")

    # -- defaults, derived columns, checks --------------------------------------------------------------------------

    def _defaults(self) -> None:
        for name, word in SINGLE.items():
            if name in self.record.by_name:
                found = self.done.get(name, self._nothing(TEXT))
                self.done[name] = found.fill_null(word)
        if self.record.name == "self_report":
            given = self.done.get("state", self._nothing(TEXT))
            value = self.done.get("value_raw", self._nothing(NUMBER))
            stopped = self._stopped()
            valueless = pl.when(stopped).then(pl.lit(State.STOPPED.value)).otherwise(pl.lit(State.MISSING.value))
            states = pl.select(pl.when(value.is_null()).then(valueless).otherwise(pl.lit(State.SELF_REPORTED.value))).to_series()
            self.done["state"] = given.zip_with(given.is_not_null(), states)
        elif "state" in self.record.by_name:
            self.done["state"] = self.done.get("state", self._nothing(TEXT)).fill_null(State.SELF_REPORTED.value)

    def _stopped(self) -> pl.Series:
        """Rows where empty.stopped_if says that nothing ran."""
        rule = self.contract.empty.stopped_if
        if rule is None:
            return pl.repeat(False, self.rows.height, dtype=pl.Boolean, eager=True)
        return holds_word(self.rows[rule.column], rule.values, self.contract.format)

    def _derived(self) -> None:
        if self.record.name == "meter_event" and "event_date" not in self.done and "event_at_utc" in self.done:
            self.done["event_date"] = local_dates(self.done["event_at_utc"], self.park_zone)
        if not self.record.is_register:
            for column in self.record.columns:
                self._check_entities(column)

    def _check_entities(self, column: Column) -> None:
        """Whom a row names must be registered; the dates of a membership decide in the marts, not here."""
        ids = self.done.get(column.name)
        if column.names is None or ids is None:
            return
        kinds = self.done.get(column.names)
        of_rows = [column.names] if kinds is None else kinds.unique().drop_nulls().sort().to_list()
        for kind in of_rows:
            # A contract may speak of its park before the register of parks has come.
            if kind not in REGISTERED or (kind == "park" and self.references.register("park").is_empty()):
                continue
            named = ids if kinds is None else ids.zip_with((kinds == kind).fill_null(False), self._nothing(TEXT))
            self.refusals.extend(
                registered(
                    named, self._nothing(DATE), self.references, register=kind, key=RECORD_TYPES[kind].id_column,
                    rule="unknown_product" if kind == "product" else "unknown_subject",
                    column=self._place(column.name),
                )
            )  # fmt: skip

    def _units(self) -> None:
        """Quantities to the canonical unit of what they are about: declared values, limits of a permit, promises."""
        if self.record.name == "self_report" and "value_raw" in self.done:
            self.done["value"], self.done["unit"] = self._converted("value_raw", "item_code", self.done.get("unit_raw"), self._all(True))
        quantity = self.record.quantity
        numbers = [name for name in quantity.numbers if name in self.done] if quantity else []
        sent = self.done.get(quantity.unit) if quantity else None
        total = self._all(True)
        if self.record.name == "permit_limit":
            total = (self.done.get("limit_kind", self._nothing(TEXT)) == "annual_mass").fill_null(False)
        for name in numbers:
            self.done[name], self.done[quantity.unit] = self._converted(name, quantity.about, sent, total)

    def _all(self, word: bool) -> pl.Series:
        return pl.repeat(word, self.rows.height, dtype=pl.Boolean, eager=True)

    def _converted(self, number: str, about: str, unit: pl.Series | None, total: pl.Series) -> tuple[pl.Series, pl.Series]:
        """A column of numbers in canonical units, and those units. What a row is about nothing in particular stays as it was sent."""
        frame = pl.DataFrame(
            {
                "about": self.done.get(about, self._nothing(TEXT)),
                "unit": self._nothing(TEXT) if unit is None else unit,
                "total": total,
                "output": (self.done.get("medium", self._nothing(TEXT)) == "output").fill_null(False),
                "number": self.done[number],
            }
        )
        asked = frame.select("about", "unit", "total", "output").unique(maintain_order=True).filter(pl.col("about").is_not_null())
        paths = [self._path(*row) for row in asked.iter_rows()]
        table = asked.with_columns(
            pl.Series("scale", [None if isinstance(path, Refusal) else path[0] for path in paths], NUMBER),
            pl.Series("offset", [None if isinstance(path, Refusal) else path[1] for path in paths], NUMBER),
            pl.Series("to_unit", [None if isinstance(path, Refusal) else path[2] for path in paths], TEXT),
            pl.Series("rule", [path.rule if isinstance(path, Refusal) else None for path in paths], TEXT),
            pl.Series("reason", [path.reason if isinstance(path, Refusal) else None for path in paths], TEXT),
        )
        joined = frame.join(table, on=["about", "unit", "total", "output"], how="left", nulls_equal=True, maintain_order="left")
        # A row without a number (overdue, missing) needs no unit.
        wrong = joined["rule"].is_not_null() & joined["number"].is_not_null()
        for rule in joined["rule"].filter(wrong).unique(maintain_order=True):
            place = "unit_raw" if self.record.name == "self_report" else "unit"
            self._refuse(wrong & (joined["rule"] == rule), place, rule, joined["reason"], joined["unit"])
        as_sent = joined["about"].is_null()
        numbers = joined["number"].zip_with(as_sent, converted(joined["number"], joined["scale"], joined["offset"]))
        return numbers, joined["unit"].zip_with(as_sent, joined["to_unit"])

    def _path(self, about: str, unit: str | None, total: bool, output: bool) -> tuple[float, float, str] | Refusal:
        target = self._canonical_unit(about, total=total, output=output)
        if unit is None:
            right = f"{target} or what converts to it" if target else "one of those in units.csv"
            return Refusal("unit_missing", f"{about} has no unit; right would be {right}")
        if target is None:
            return 1.0, 0.0, unit
        try:
            return *self.references.units.convert(unit, target), target
        except UnitError as error:
            return Refusal(
                "unit_without_path" if unit in self.references.units else "unknown_unit", f"{about} is kept in {target}: {error}"
            )

    def _canonical_unit(self, about: str, *, total: bool, output: bool) -> str | None:
        """Unit in which quantities of a product, parameter, waste or metric are kept; None where each product has its own."""
        if output and about in self.references.product_units:
            return self.references.product_units[about]
        if about in self.references.metric_units:
            unit = self.references.metric_units[about]
            return None if "{" in unit else unit
        if re.match(WASTE_CODE, about):
            return _WASTE_UNIT
        parameter = self.references.parameter(about.rpartition(":")[2])
        assert not isinstance(parameter, Unresolved), about
        return parameter.canonical_unit(total=total) or ""

    def _require(self) -> None:
        for column in self.record.columns:
            if column.required:
                empty = self._column(column).is_null()
                reason = (
                    f"{column.name} is empty: {column.description[0].lower()}{column.description[1:].rstrip('.')}, and every row needs it"
                )
                self._refuse(empty, column.name, "required_missing", reason, None)

    def _order(self) -> None:
        for first, after in _ENDS:
            if {first, after} <= self.done.keys():
                reversed_ = (self.done[after] <= self.done[first]).fill_null(False)
                self._refuse(
                    reversed_, after, "dates_reversed", f"{after} is exclusive and must be after {first}", self.done[after].cast(TEXT)
                )
