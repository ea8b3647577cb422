"""What a file's words are resolved against: standards, units, and the registers as they stand.

Registers are read whole from landing (they are small: thousands of rows for a large park) once per
build, after the register feeds have been admitted. Resolution by date is done in `normalise`; nothing
here knows a feed.
"""

import difflib
import re
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from pipelines.contracts.records import RECORD_TYPES, REGISTERS
from pipelines.contracts.standards import Standards
from pipelines.contracts.units import Units

if TYPE_CHECKING:
    import duckdb

CAS_NUMBER = re.compile(r"^0*([1-9]\d{1,6})-(\d\d)-(\d)$")
CAS_ROW = "CAS"
"""The seed row that stands for every well-formed CAS number: its kind and units hold for all of them."""


class Parameter(NamedTuple):
    """What ingest needs of a row of the seed `parameters`."""

    code: str
    kind: str
    unit: str | None
    total_unit: str | None

    def canonical_unit(self, *, total: bool) -> str | None:
        """Unit of totals (cou, register, self-reports, annual masses), or of means, spots and limits."""
        return (self.total_unit or self.unit) if total else (self.unit or self.total_unit)


class Unresolved(str):
    """Why a word could not be resolved, for people; a string so that it can go straight to quarantine."""


@dataclass(frozen=True)
class References:
    """Standards, units and registers at one moment. `registers` maps a record's name to its current rows."""

    standards: Standards = field(repr=False)
    units: Units = field(repr=False)
    registers: dict[str, pl.DataFrame] = field(default_factory=dict, repr=False)

    def register(self, name: str) -> pl.DataFrame:
        """Current rows of a register, empty if nothing has been delivered yet."""
        frame = self.registers.get(name)
        return RECORD_TYPES[name].schema.to_frame() if frame is None else frame

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Every parameter by code. Of several editions of one code the newest speaks: units never change with time."""
        rows = self.standards.seed("parameters").sort("valid_from").select("parameter_code", "kind", "unit", "total_unit")
        return {row[0]: Parameter(*row) for row in rows.iter_rows()}

    @cached_property
    def _aliases(self) -> dict[tuple[str, str], set[str]]:
        """(scheme, folded alias) → codes. Schemes are `` (codes and names), a dialect, and dialect:st, as hj212_2005:31."""
        found: dict[tuple[str, str], set[str]] = {}
        named = self.standards.seed("parameters").select("parameter_code", "name", "name_zh")
        for code, *names in named.filter(pl.col("parameter_code") != CAS_ROW).iter_rows():
            for word in (code, *filter(None, names)):
                found.setdefault(("", _fold(word)), set()).add(code)
        rows = self.standards.seed("parameter_aliases").select("alias", "dialect", "st", "parameter_code")
        for alias, dialect, st, code in rows.iter_rows():
            schemes = [dialect, f"{dialect}:{st}"] if st else [dialect]
            # Old codes mean different things in different streams, and a CAS number is one substance in all media:
            # both are looked up where a contract asks for them by scheme, never by default.
            if dialect.startswith("name_"):
                schemes += ["", f"name:{st}"] if st else ["", "name"]
            for scheme in schemes:
                found.setdefault((scheme, _fold(alias)), set()).add(code)
        return found

    @cached_property
    def parameter_schemes(self) -> set[str]:
        return {scheme for scheme, _ in self._aliases}

    def parameter(self, text: str, scheme: str | None = None, *, hint: bool = True) -> Parameter | Unresolved:
        """The parameter a word means: a code, a name, an alias of the scheme, or any CAS number.

        `hint` looks for near spellings of an unknown word, a millisecond each.
        """
        folded = _fold(text)
        codes = self._aliases.get((scheme or "", folded), set())
        if not codes and scheme and scheme.startswith("name:"):
            codes = self._aliases.get(("", folded), set())
        if len(codes) == 1:
            return self.parameters[next(iter(codes))]
        if len(codes) > 1:
            return Unresolved(
                f"{text!r} may mean {' or '.join(sorted(codes))}: map it to one of them, or name the stream, as scheme: name:31"
            )
        if scheme in (None, "cas") and (cas := CAS_NUMBER.match(text.strip())):
            number = "-".join(cas.groups())
            if not _cas_check_digit(number):
                return Unresolved(f"{text!r} is no CAS number: its check digit is wrong")
            return self.parameters.get(number) or self.parameters[CAS_ROW]._replace(code=number)
        near = self.near_parameters(text, scheme) if hint else []
        right = f"did you mean {', '.join(near)}?" if near else "codes and names stand in parameters.csv and parameter_aliases.csv"
        return Unresolved(f"parameter {text!r} is unknown{f' in scheme {scheme!r}' if scheme else ''}; {right}")

    def near_parameters(self, text: str, scheme: str | None = None, *, cutoff: float = 0.6) -> list[str]:
        """Known words that a word may be a misspelling of, the nearest first."""
        words = [alias for known, alias in self._aliases if known == (scheme or "")]
        return difflib.get_close_matches(_fold(text), words, n=3, cutoff=cutoff)

    @cached_property
    def product_units(self) -> dict[str, str]:
        """Product code → the unit its output is counted in."""
        return dict(self.register("product").sort("valid_from").select("product_code", "unit").iter_rows())

    @cached_property
    def metric_units(self) -> dict[str, str]:
        """Metric code → its unit, in which `{product_unit}` stands for each product's own."""
        return dict(self.standards.seed("metrics").sort("valid_from").select("metric_code", "unit").iter_rows())


def references_from_landing(con: "duckdb.DuckDBPyConnection", standards: Standards) -> References:
    """References with every register's current rows, read from `landing.<register>`."""
    registers = {}
    for record in REGISTERS:
        relation = con.table(f"landing.{record.name}").filter("known_to is null")
        registers[record.name] = pl.DataFrame(relation.select(*record.schema)).cast(dict(record.schema))
    return References(standards, Units(standards), registers)


def _fold(text: str) -> str:
    """One spelling of widths, case and blanks: ＳＯ２, so2 and ' SO2 ' are one word."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _cas_check_digit(number: str) -> bool:
    digits = [int(digit) for digit in number if digit != "-"]
    return sum(weight * digit for weight, digit in enumerate(reversed(digits[:-1]), start=1)) % 10 == digits[-1]
