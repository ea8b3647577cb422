"""Fingerprints of a parse: hashes of everything besides the bytes that decides what a file parses to.

Two of them, because they change for different reasons and cost differently. `base` covers the
contract, the parser and the parameters and units the contract can name: when it changes, the feed's
whole past is parsed again. `registers` covers the identifiers, points and products its words can mean:
when it changes, only what can now read otherwise is. Nothing here parses or decides what is delivered.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.contracts.feed import ColumnSource, FeedContract
from pipelines.ingest.references import References

PARSER_VERSION = 1
"""Raise it when readers or normalise read the same file differently than before: every file is then parsed again."""

WAITING_RULES = frozenset({"unknown_identifier", "unknown_point", "unknown_product"})
"""Quarantine rules that a later registration cures: rows refused by them are delivered again when their word is known."""

_REGISTER_ROWS = pl.Schema({"kind": pl.String, "word": pl.String, "meaning": pl.String, "valid_from": pl.Date, "valid_to": pl.Date})

_UNITS = ("unit", "pint_definition", "quantity_kind")
_ALIASES = ("alias", "dialect", "st", "parameter_code")


@dataclass(frozen=True)
class ParseFingerprint:
    """What a feed's files would be parsed under now."""

    base: str
    registers: str
    register_rows: pl.DataFrame = field(repr=False, compare=False)

    @property
    def key(self) -> str:
        """Name of the parse in the lake."""
        return _digest([self.base, self.registers])

    @property
    def words(self) -> set[str]:
        """Every word the registers know, of any kind."""
        return set(self.register_rows["word"])


def parse_fingerprint(contract: FeedContract, references: References, park_zone: ZoneInfo) -> ParseFingerprint:
    """The fingerprint of a contract against standards and registers as they stand."""
    schema = {column.name: column.duckdb_type for column in contract.record_type.columns}
    base = [
        f"parser {PARSER_VERSION}",
        f"zone {park_zone.key}",
        f"record {json.dumps(schema)} {contract.record_type.key}",
        f"contract {contract.fingerprint}",
        *_parameters(contract, references),
        *_units(contract, references),
    ]
    rows = _register_rows(contract, references)
    return ParseFingerprint(_digest(base), _digest(_lines(rows)), rows)


def changed_meanings(before: pl.DataFrame, now: pl.DataFrame) -> bool:
    """Whether a word that was known then means something else now, or nothing: what was resolved by it may be wrong."""
    return not before.join(now, on=list(_REGISTER_ROWS), how="anti", nulls_equal=True).is_empty()


def _sources(contract: FeedContract, name: str) -> list[ColumnSource]:
    """Where a canonical column of the record comes from, in all layouts; empty where it is a column of the file by the same name."""
    found = [source.canonical()[name] for source in contract.value_sources if name in source.canonical()]
    return found + ([contract.columns[name]] if name in contract.columns else [])


def _words(sources: Iterable[ColumnSource]) -> set[tuple[str, str | None]] | None:
    """Every (word, scheme) the sources can bring; None where it is the file that says."""
    words: set[tuple[str, str | None]] = set()
    for source in sources:
        if source.value is not None:
            words.add((source.value, source.scheme))
        elif source.map is not None:
            words |= {(word, source.scheme) for word in source.map.values()}
        else:
            return None
    return words or None


def _parameters(contract: FeedContract, references: References) -> list[str]:
    names = [name for name in ("parameter_code", "item_code") if name in contract.record_type.by_name]
    if not names:
        return []
    words = _words(source for name in names for source in _sources(contract, name))
    if words is None:
        aliases = references.standards.seed("parameter_aliases").select(_ALIASES)
        return sorted(f"parameter {tuple(parameter)}" for parameter in references.parameters.values()) + _lines(aliases)
    return sorted(f"word {word} {scheme} {references.parameter(word, scheme)!r}" for word, scheme in words)


def _units(contract: FeedContract, references: References) -> list[str]:
    if not {"unit", "unit_raw"} & set(contract.record_type.by_name):
        return []
    units = references.standards.seed("units").select(_UNITS)
    words = _words(_sources(contract, "unit_raw") or _sources(contract, "unit"))
    parameters = _words(source for name in ("parameter_code", "item_code") for source in _sources(contract, name))
    if words is None or parameters is None:
        return _lines(units)
    named = {word for word, _ in words}
    for word, scheme in parameters:
        parameter = references.parameter(word, scheme)
        named |= {unit for unit in (getattr(parameter, "unit", None), getattr(parameter, "total_unit", None)) if unit}
    # Definitions with = found units that others are defined by.
    return _lines(units.filter(pl.col("unit").is_in(sorted(named)) | pl.col("pint_definition").str.contains("=", literal=True)))


def _register_rows(contract: FeedContract, references: References) -> pl.DataFrame:
    """What the registers say about the words the feed can bring."""
    columns = contract.record_type.by_name
    sources = [source for value in contract.value_sources for source in value.canonical().values()] + list(contract.columns.values())
    schemes = sorted({source.scheme for source in sources if source.scheme})
    identifiers = references.register("identifier").filter(pl.col("scheme").is_in(schemes))
    parts = [
        identifiers.select(
            kind=pl.col("scheme"),
            word=pl.col("value"),
            meaning=pl.col("entity_kind") + ":" + pl.col("entity_id"),
            valid_from=pl.col("valid_from"),
            valid_to=pl.col("valid_to"),
        )
    ]
    if contract.record == "reading":
        # Whose a point is and while it is valid is staging's business: a reading only needs it to be registered.
        points = references.register("point").select("point_id").unique()
        if (words := _words(_sources(contract, "point_id"))) is not None:
            points = points.filter(pl.col("point_id").is_in(sorted(word for word, _ in words)))
        parts.append(points.select(kind=pl.lit("point"), word=pl.col("point_id"), meaning=pl.col("point_id")))
    if "item_code" in columns:
        products = pl.DataFrame(list(references.product_units.items()), schema={"word": pl.String, "meaning": pl.String}, orient="row")
        parts.append(products.select(pl.lit("product").alias("kind"), "word", "meaning"))
    return (
        pl.concat([_REGISTER_ROWS.to_frame(), *parts], how="diagonal_relaxed")
        .select(*_REGISTER_ROWS)
        .cast(dict(_REGISTER_ROWS))
        .unique()
        .sort(list(_REGISTER_ROWS))
    )


def _lines(frame: pl.DataFrame) -> list[str]:
    texts = pl.concat_str(pl.all().cast(pl.String).fill_null("\x00"), separator="\x1f")
    return sorted(frame.select(texts).to_series().to_list()) if not frame.is_empty() else []


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\x1e".join(lines).encode()).hexdigest()[:16]
