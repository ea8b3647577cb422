"""Fingerprints of a parse: hashes of everything besides the bytes that decides what a file parses to.

Two of them, because they change for different reasons and cost differently. `base` covers the
contract, the parser and the parameters and units the contract can name: when it changes, the feed's
whole past is parsed again. `registers` covers the identifiers, points and products its words can mean:
when it changes, only what can now read otherwise is. Nothing here parses or decides what is delivered.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.contracts.feed import ColumnSource, FeedContract
from pipelines.contracts.records import RECORD_TYPES
from pipelines.ingest.references import References, Unresolved

PARSER_VERSION = 1
"""Raise it when readers or normalise read the same file differently than before: every file is then parsed again."""

WAITING_RULES = frozenset({
    "unknown_identifier", "unknown_point", "unknown_product", "unknown_subject", "unknown_device", "unmapped_code", "encrypted_unverified",
})  # fmt: skip
"""Quarantine rules that a later registration cures: rows refused by them are delivered again when their word is known.

A new device is known by its number. A new code or key changes what its device means, which has everything of the feed parsed again.
"""

_REGISTER_ROWS = pl.Schema({"kind": pl.String, "word": pl.String, "meaning": pl.String, "valid_from": pl.Date, "valid_to": pl.Date})

_PARAMETERS = ("parameter_code", "name", "name_zh", "kind", "unit", "total_unit")
_UNITS = ("unit", "pint_definition", "quantity_kind")
_ALIASES = ("alias", "dialect", "st", "parameter_code")
_METRICS = ("metric_code", "unit")


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
        *_printed_units(contract, references),
        *_units(contract, references),
    ]
    rows = _register_rows(contract, references)
    return ParseFingerprint(_digest(base), _digest(_lines(rows)), rows)


def changed_meanings(before: pl.DataFrame, now: pl.DataFrame) -> bool:
    """Whether a word that was known then means something else now, or nothing, on some day: what it resolved may be wrong.

    A word that is known for longer than before has not changed; what waited for it is found by its quarantined rows.
    """
    whole = list(_REGISTER_ROWS)
    both = before.join(now, on=["kind", "word"], suffix="_now")
    same = pl.col("meaning") == pl.col("meaning_now")
    covered = both.filter(same & (pl.col("valid_from_now") <= pl.col("valid_from")) & (pl.col("valid_to_now") >= pl.col("valid_to")))
    added = now.join(before, on=whole, how="anti")
    contradicted = before.join(added, on=["kind", "word"], suffix="_now").filter(
        ~same & (pl.col("valid_from_now") < pl.col("valid_to")) & (pl.col("valid_from") < pl.col("valid_to_now"))
    )
    return not before.join(covered, on=whole, how="anti").is_empty() or not contradicted.is_empty()


def _sources(contract: FeedContract, name: str) -> list[ColumnSource]:
    """Where a canonical column of the record comes from, in all layouts; empty where it is a column of the file by the same name."""
    found = [source.canonical()[name] for source in contract.value_sources if name in source.canonical()]
    return found + ([contract.columns[name]] if name in contract.columns else [])


def _words(sources: Iterable[ColumnSource]) -> set[tuple[str, str | None]] | None:
    """Every (word, scheme) the sources can bring; None where it is the file that says."""
    words: set[tuple[str, str | None]] = set()
    for source in sources:
        if source.map is not None:
            words |= {(word, source.scheme) for word in source.map.values()}
        elif source.value is not None:
            words.add((source.value, source.scheme))
        else:
            return None
    return words or None


def _named(contract: FeedContract, *standards: str) -> list[str]:
    """Canonical columns whose words a standard explains."""
    return [column.name for column in contract.record_type.columns if column.names in standards]


def _parameters(contract: FeedContract, references: References) -> list[str]:
    names = _named(contract, "parameter", "material", "metric")
    if not names:
        return []
    words = _words(source for name in names for source in _sources(contract, name))
    if words is None or _named(contract, "metric"):
        seed = references.standards.seed
        metrics = _lines(seed("metrics").select(_METRICS)) if _named(contract, "metric") else []
        return _lines(seed("parameters").select(_PARAMETERS)) + _lines(seed("parameter_aliases").select(_ALIASES)) + metrics
    # Near spellings in the reason of an unknown word would change with every row of the seed.
    found = {(word, scheme): references.parameter(word, scheme, hint=False) for word, scheme in words}
    return sorted(
        f"word {word} {scheme} {'?' if isinstance(meant, Unresolved) else tuple(meant)}" for (word, scheme), meant in found.items()
    )


def _printed_units(contract: FeedContract, references: References) -> list[str]:
    """Units that HJ 212 prints, for feeds whose frames leave them to the standard."""
    if contract.source.hj212 is None:
        return []
    return _lines(references.standards.seed("parameters").select("parameter_code", "hj212_unit", "hj212_total_unit"))


def _devices(contract: FeedContract) -> pl.DataFrame:
    """Every device with a digest of all that its profile says, and of its key if there is one; keys themselves never get here."""
    logs = contract.source.hj212
    rows: dict[str, list[str]] = {}
    for row in logs.device_rows if logs else ():
        rows.setdefault(row.mn, []).append(row.model_dump_json(exclude={"row"}))
    if logs is None or not rows:
        return _REGISTER_ROWS.to_frame()
    from pipelines.hj212.devices import devices_of, key_check_value

    devices, _ = devices_of(logs.device_rows, os.environ)
    meanings = [_digest([*sorted(said), key_check_value(devices.profiles[mn])]) for mn, said in rows.items()]
    return pl.DataFrame({"word": list(rows), "meaning": meanings}).with_columns(kind=pl.lit("device"))


def _units(contract: FeedContract, references: References) -> list[str]:
    if not {"unit", "unit_raw"} & set(contract.record_type.by_name):
        return []
    units = references.standards.seed("units").select(_UNITS)
    words = _words(_sources(contract, "unit_raw") or _sources(contract, "unit"))
    parameters = _words(source for name in _named(contract, "parameter", "material", "metric") for source in _sources(contract, name))
    if words is None or parameters is None:
        return _lines(units)
    named = {word for word, _ in words}
    for word, scheme in parameters:
        parameter = references.parameter(word, scheme, hint=False)
        named |= {unit for unit in (getattr(parameter, "unit", None), getattr(parameter, "total_unit", None)) if unit}
    # Definitions with = found units that others are defined by.
    return _lines(units.filter(pl.col("unit").is_in(sorted(named)) | pl.col("pint_definition").str.contains("=", literal=True)))


def _register_rows(contract: FeedContract, references: References) -> pl.DataFrame:
    """What the registers say about the words the feed can bring, as spans of dates: two that follow each other are one.

    Whose a point or product is does not matter here: staging takes that from the register by date.
    """
    sources = [source for value in contract.value_sources for source in value.canonical().values()] + list(contract.columns.values())
    schemes = sorted({source.scheme for source in sources if source.scheme})
    identifiers = references.register("identifier").filter(pl.col("scheme").is_in(schemes))
    kind = pl.concat_str("scheme", pl.lit(":"), "entity_kind")
    parts = [identifiers.select(kind=kind, word=pl.col("value"), meaning=pl.col("entity_id"), valid_from="valid_from", valid_to="valid_to")]
    if contract.record == "reading":
        points = _entities(references, "point", "point_id")
        named = _sources(contract, "point_id")
        if (words := _words(named)) is not None and not any(source.scheme for source in named):
            points = points.filter(pl.col("word").is_in(sorted(word for word, _ in words)))
        parts.append(points)
    elif not contract.record_type.is_register:
        # Whom a row names must be registered, on whatever date.
        named = [kind for kind in contract.record_type.named_registers if kind != "identifier"]
        parts += [_entities(references, kind, RECORD_TYPES[kind].id_column).drop("valid_from", "valid_to") for kind in named]
    if contract.record == "self_report":
        units = list(references.product_units.items())
        parts.append(
            pl.DataFrame(units, schema={"word": pl.String, "meaning": pl.String}, orient="row").with_columns(kind=pl.lit("product unit"))
        )
    parts.append(_devices(contract))
    return _merged(pl.concat([_REGISTER_ROWS.to_frame(), *parts], how="diagonal").select(*_REGISTER_ROWS))


def _entities(references: References, register: str, key: str) -> pl.DataFrame:
    return references.register(register).select(
        kind=pl.lit(register), word=pl.col(key), meaning=pl.col(key), valid_from=pl.col("valid_from"), valid_to=pl.col("valid_to")
    )


def _merged(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of one word and meaning whose dates follow or overlap each other, as one row; sorted."""
    group = ["kind", "word", "meaning"]
    end = pl.col("valid_to").fill_null(date.max)
    return (
        rows.with_columns(pl.col("valid_from").fill_null(date.min), valid_to=end)
        .sort(*group, "valid_from", "valid_to")
        .with_columns(reached=pl.col("valid_to").cum_max().shift(1).over(group))
        .with_columns(run=(pl.col("reached").is_null() | (pl.col("valid_from") > pl.col("reached"))).cum_sum().over(group))
        .group_by(*group, "run")
        .agg(pl.col("valid_from").min(), pl.col("valid_to").max())
        .select(*_REGISTER_ROWS)
        .sort(*_REGISTER_ROWS)
    )


def _lines(frame: pl.DataFrame) -> list[str]:
    texts = pl.concat_str(pl.all().cast(pl.String).fill_null("\x00"), separator="\x1f")
    return sorted(frame.select(texts).to_series().to_list()) if not frame.is_empty() else []


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\x1e".join(lines).encode()).hexdigest()[:16]
