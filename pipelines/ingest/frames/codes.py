"""What a device's code means: its point, parameter, statistic and unit, out of the device profile and the standards.

Codes of HJ 212-2017 are ours; those of 2005 mean different things in different streams and are looked up with the
frame's ST. Units are those that the standard prints, unless the profile says otherwise. Nothing here sees a value.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise

import polars as pl

from pipelines.contracts.devices import DeviceRow
from pipelines.contracts.feed import Validity
from pipelines.contracts.states import Statistic
from pipelines.hj212.vocabulary import STATISTICS
from pipelines.ingest.readings import canonical_path
from pipelines.ingest.references import References, Unresolved
from pipelines.ingest.words import Refusal

KEY = ("mn", "st", "factor", "field")
MEANINGS = pl.Schema(
    dict.fromkeys(KEY, pl.String())
    | {"key_id": pl.UInt32(), "first": pl.Date(), "last": pl.Date(), "point_id": pl.String(), "parameter_code": pl.String()}
    | {"statistic": pl.String(), "unit_raw": pl.String(), "unit": pl.String(), "scale": pl.Float64(), "offset": pl.Float64()}
    | {"rule": pl.String(), "reason": pl.String(), "raw": pl.String()}
)
"""One row per meaning of a (device, ST, code, field): from `first` to before `last`, or the rule and reason why it has none."""

_PRINTED_AND_NOT_SENT = frozenset({"ng/m3"})
"""Units of annex B that devices do not send in: taking them as printed would be wrong by a factor of a thousand or a million."""


_STREAMS = ("31", "32")
"""Flue gas and wastewater: the streams in which the edition of 2005 has codes."""


@dataclass(frozen=True)
class _Unit:
    """Units that the standard prints for a parameter."""

    mean: str | None
    total: str | None


class Codes:
    """Meanings of codes under one device profile; `file` is its name, for people."""

    def __init__(self, rows: Sequence[DeviceRow], references: References, file: str) -> None:
        self.references = references
        self.file = file
        self._by_device: dict[str, list[DeviceRow]] = defaultdict(list)
        for row in rows:
            self._by_device[row.mn].append(row)

    @cached_property
    def _printed(self) -> dict[str, _Unit]:
        rows = self.references.standards.seed("parameters").sort("valid_from").select("parameter_code", "hj212_unit", "hj212_total_unit")
        return {code: _Unit(mean, total) for code, mean, total in rows.iter_rows()}

    @property
    def named_fields(self) -> pl.DataFrame:
        """(mn, factor, field) of fields that the profile makes readings of though the standard does not."""
        named = [(row.mn, row.code, row.field) for rows in self._by_device.values() for row in rows if row.statistic is not None]
        return pl.DataFrame(named, schema={"mn": pl.String, "factor": pl.String, "field": pl.String}, orient="row").unique()

    def meanings(self, keys: pl.DataFrame) -> pl.DataFrame:
        """Every meaning of some distinct keys (columns of KEY), by MEANINGS; `key_id` numbers the keys in their order."""
        found = [(*key, number, *meaning) for number, key in enumerate(keys.select(KEY).iter_rows()) for meaning in self._meanings_of(*key)]
        return pl.DataFrame(found, schema=MEANINGS, orient="row")

    def _meanings_of(self, mn: str, st: str, code: str, field: str) -> Iterable[tuple]:
        rows = [
            row
            for row in self._by_device.get(mn, ())
            if row.st in (None, st) and row.code in (None, code) and row.field in (None, field)
        ]  # fmt: skip
        spans = list(_spans(rows))
        if not spans:
            reason = f"device {mn} is not in {self.file}; its values load when it is registered there"
            if mn in self._by_device:
                reason = f"{self.file} has no row of device {mn} for ST {st}"
            yield _refused(Refusal("unknown_device", reason), mn)
        for first, last, fitting in spans:
            yield (first, last, *self._meaning(mn, st, code, field, fitting))

    def _meaning(self, mn: str, st: str, code: str, field: str, rows: list[DeviceRow]) -> tuple:
        """The rest of a row of MEANINGS; `rows` fit, the most special first."""

        def said(name: str) -> str | None:
            return next((value for row in rows if (value := getattr(row, name)) is not None), None)

        point_id = said("point_id")
        statistic = said("statistic") or STATISTICS.get(field)
        raw = f"{mn} {code}-{field}"
        if point_id is None:
            return _refused(Refusal("unmapped_code", f"{self.file} names no point of {mn} on these dates"), raw)[2:]
        if statistic is None:
            return _refused(Refusal("unmapped_code", f"{field} is no figure of the standard and {self.file} names no statistic"), raw)[2:]
        statistic = Statistic(statistic)
        parameter = self._parameter(st, code, said("parameter"))
        if isinstance(parameter, Refusal):
            return _refused(parameter, raw)[2:]
        unit = said("total_unit" if statistic.is_total else "unit") or self._printed_unit(parameter, total=statistic.is_total)
        if isinstance(unit, Refusal):
            return _refused(unit, raw)[2:]
        path = canonical_path(self.references, unit, parameter, statistic)
        if isinstance(path, Refusal):
            return _refused(path, unit)[2:]
        scale, offset, canonical = path
        return point_id, parameter, statistic.value, unit, canonical, scale, offset, None, None, None

    def problems_of(self, row: DeviceRow) -> Iterable[tuple[str, str, str]]:
        """(column, value, message) of what a row's code and units cannot mean; that its words exist has been looked at."""
        if row.code is None:
            return
        streams = [row.st] if row.st else _STREAMS
        named = [self._parameter(st, row.code, row.parameter) for st in streams]
        known = [parameter for parameter in named if isinstance(parameter, str)]
        if not known:
            if row.parameter is None:
                yield "code", row.code, str(named[0].reason)  # type: ignore[union-attr]
            return
        for column, statistic in (("unit", row.statistic or Statistic.AVG), ("total_unit", Statistic.COU)):
            unit = getattr(row, column)
            if unit is None or unit not in self.references.units or statistic.is_total != (column == "total_unit"):
                continue
            path = canonical_path(self.references, unit, known[0], statistic)
            if isinstance(path, Refusal):
                yield column, unit, path.reason

    def claims_of(self, row: DeviceRow) -> Iterable[tuple[str, str, str, Validity]]:
        """Channels (point, parameter, statistic) that a row with a code and a field says for certain, and when."""
        statistic = row.statistic or STATISTICS.get(row.field or "")
        if row.code is None or statistic is None:
            return
        for st in [row.st] if row.st else _STREAMS:
            parameter = self._parameter(st, row.code, row.parameter)
            points = (
                {row.point_id}
                if row.point_id
                else {own.point_id for own in self._by_device[row.mn] if own.code is None and own.overlaps(row)}
            )
            if isinstance(parameter, str):
                for point_id in sorted(point for point in points if point):
                    yield point_id, parameter, Statistic(statistic).value, Validity.model_construct(from_=row.valid_from, to=row.valid_to)
                return

    def parameter(self, st: str | None, code: str) -> str | None:
        """Our parameter of a code as sent: the same code, or one of the edition of 2005 in the stream that ST names."""
        if code in self.references.parameters:
            return code
        found = self.references.parameter(code, f"hj212_2005:{st}", hint=False)
        return None if isinstance(found, Unresolved) else found.code

    def _parameter(self, st: str, code: str, named: str | None) -> str | Refusal:
        if named is not None:
            found = self.references.parameter(named, hint=False)
            return Refusal("unmapped_code", str(found)) if isinstance(found, Unresolved) else found.code
        if (code_of_ours := self.parameter(st, code)) is not None:
            return code_of_ours
        return Refusal("unmapped_code", f"code {code} of ST {st} is in no seed; give it a row with parameter and unit in {self.file}")

    def _printed_unit(self, parameter: str, *, total: bool) -> str | Refusal:
        printed = self._printed.get(parameter)
        mean, unit = (printed.mean, printed.total if total else printed.mean) if printed else (None, None)
        column = "total_unit" if total else "unit"
        if mean in _PRINTED_AND_NOT_SENT:
            reason = f"the standard prints {mean} for {parameter}, and devices send mg/m3 or ug/m3: give {column} in {self.file}"
            return Refusal("unmapped_code", reason)
        if unit is None:
            return Refusal(
                "unmapped_code",
                f"the standard names no unit for {'totals' if total else 'means'} of {parameter}: give {column} in {self.file}",
            )
        return unit


def _refused(refusal: Refusal, raw: str) -> tuple:
    return None, None, None, None, None, None, None, None, None, refusal.rule, refusal.reason, raw


def _spans(rows: list[DeviceRow]) -> Iterable[tuple[date | None, date | None, list[DeviceRow]]]:
    """Spans of dates on which the device is registered, and the rows that hold in each, the most special first."""
    edges = sorted({row.valid_from or date.min for row in rows} | {row.valid_to or date.max for row in rows})
    for first, last in pairwise(edges):
        holding = [row for row in rows if (row.valid_from or date.min) <= first and last <= (row.valid_to or date.max)]
        if any(row.code is None for row in holding):
            holding.sort(key=lambda row: row.specificity, reverse=True)
            yield (None if first == date.min else first), (None if last == date.max else last), holding
