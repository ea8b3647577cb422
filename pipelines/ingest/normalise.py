"""A file's texts to canonical rows: what the contract means, applied to whole columns.

Pure: a table, a contract and the references in, accepted and quarantined rows out. Nothing is dropped:
every row a cell stands for is accepted, a duplicate, or refused with rule and reason, and the counts are
asserted. Readings and the other record types have a module each; here are the door, the columns a
contract needs, and what happens when one file says a thing twice.
"""

from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.contracts.feed import FeedContract
from pipelines.contracts.records import QUARANTINE_SCHEMA, RecordType
from pipelines.ingest.parts import Parts
from pipelines.ingest.readers import RawTable, Unreadable
from pipelines.ingest.readers.table import RAW_TEXT_CHARACTERS, SOURCE_ROW
from pipelines.ingest.readings import normalise_readings
from pipelines.ingest.records import normalise_records, sources_of
from pipelines.ingest.references import References
from pipelines.ingest.words import listed

_MAX_NAMED_ROWS = 5


@dataclass
class Parsed:
    """A file as canonical rows.

    `accepted` has the columns of `record.schema` in that order. Text columns of readings are `pl.Enum`
    (a constant over millions of rows costs a byte each), all others `pl.String`; `write_parquet`
    stores both as text. `quarantined` has QUARANTINE_SCHEMA.
    rows_read == accepted.height + rows_duplicate + quarantined.height, always.
    """

    record: RecordType
    accepted: pl.DataFrame
    quarantined: pl.DataFrame
    source_rows: int
    rows_read: int
    rows_duplicate: int
    empty_cells: int
    warnings: list[str] = field(default_factory=list)
    figures: dict[str, pl.DataFrame] = field(default_factory=dict)
    """Tables about the file that gate A judges beside its rows, by name; none but for feeds of devices."""


def normalise(raw: RawTable, contract: FeedContract, references: References, park_zone: ZoneInfo) -> Parsed:
    """Turn a file's rows into canonical rows; what cannot be one goes to quarantine.

    Raises Unreadable when a column the contract names is not in the file.
    """
    # pl.format and pl.concat_str panic in polars 2.1.0 where columns of one frame are chunked unevenly.
    rows = raw.frame.rechunk()
    used = _require_columns(rows, contract)
    warnings = [*raw.warnings, *_unknown_columns(rows, contract, used)]
    convert = normalise_readings if contract.record == "reading" else normalise_records
    parts = convert(rows, contract, references, park_zone)
    accepted, conflicting, duplicates = settle(parts, contract.record_type)
    return parsed_of(
        contract,
        accepted,
        [raw.rejected, *parts.quarantined, conflicting],
        duplicates,
        rows_read=raw.rejected.height + parts.read,
        source_rows=raw.source_rows,
        empty_cells=parts.empty_cells,
        warnings=[*warnings, *parts.warnings],
    )


def parsed_of(
    contract: FeedContract, accepted: pl.DataFrame, quarantined: list[pl.DataFrame], duplicates: int, *, rows_read: int, **others: Any
) -> Parsed:
    """The parse, once it is certain that every row that was read is one of the three; `others` are Parsed's."""
    refused = pl.concat(quarantined).sort("source_row", maintain_order=True)
    if rows_read != accepted.height + duplicates + refused.height:
        raise AssertionError(
            f"feed {contract.feed_id}: {rows_read} rows read, but {accepted.height} accepted, {duplicates} duplicate "
            f"and {refused.height} quarantined: rows were lost or made up"
        )
    return Parsed(contract.record_type, accepted, refused, rows_read=rows_read, rows_duplicate=duplicates, **others)


def _require_columns(frame: pl.DataFrame, contract: FeedContract) -> set[str]:
    """Every column the contract names, or Unreadable naming the ones that are not there."""
    wanted: dict[str, str] = {}
    if contract.time:
        wanted |= dict.fromkeys(contract.time.source_columns, "time")
    if contract.period and contract.period.column:
        wanted[contract.period.column] = "period"
    if contract.flags:
        wanted[contract.flags.column] = "flags"
    if contract.empty.stopped_if:
        wanted[contract.empty.stopped_if.column] = "empty.stopped_if"
    for canonical, source in contract.columns.items():
        wanted |= dict.fromkeys(source.source_columns, f"columns.{canonical}")
    for number, value in enumerate(contract.value_sources):
        for canonical, source in value.canonical().items():
            wanted |= dict.fromkeys(source.source_columns, f"values[{number}].{canonical}")
    present = [name for name in frame.columns if name != SOURCE_ROW]
    if missing := [name for name in wanted if name not in present]:
        named = ", ".join(f"{name!r} ({wanted[name]})" for name in missing)
        raise Unreadable(f"the contract names columns the file has not: {named}; the file has {listed(present, 60)}")
    if contract.record == "reading":
        return set(wanted)
    same_named = {source for sources in sources_of(contract, present) for part in sources.values() for source in part.source_columns}
    lacking = [
        column.name
        for column in contract.record_type.columns
        if column.required and not any(column.name in known for known in _filled(contract, present))
    ]
    if lacking:
        raise Unreadable(f"the file has no column for {listed(lacking)} and the contract fills none; the file has {listed(present, 60)}")
    return set(wanted) | same_named


def _filled(contract: FeedContract, present: list[str]) -> list[set[str]]:
    """Canonical columns that a source, a period or a rule fills, per value source."""
    by_rule = {"state", "line_id", "parent_point_id", "event_date"}
    if contract.period:
        by_rule |= {"period_start", "period_end"}
    return [set(sources) | by_rule for sources in sources_of(contract, present)]


def _unknown_columns(frame: pl.DataFrame, contract: FeedContract, used: set[str]) -> list[str]:
    if contract.ignore == "rest":
        return []
    unknown = [name for name in frame.columns if name not in used and name not in contract.ignore and name != SOURCE_ROW]
    return [f"columns the contract does not know: {listed(unknown, 30)}; use them, or name them in ignore"] if unknown else []


def settle(parts: Parts, record: RecordType) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Accepted rows once, rows of a key that disagree as quarantine, and how many said the same again."""
    accepted, nothing = parts.accepted, QUARANTINE_SCHEMA.to_frame()
    if parts.suspects is not None and not parts.suspects.any():
        return accepted, nothing, 0
    numbered = accepted.with_row_index("at")
    suspects = numbered if parts.suspects is None else numbered.filter(parts.suspects)
    key = list(record.key)
    # What was sent may differ in unit and agree in meaning: 1 t and 1000 kg are one statement.
    meaning = [name for name in record.value_columns if name not in ("value_raw", "unit_raw")]
    texts = [name for name, dtype in suspects.schema.items() if dtype == pl.Enum]
    twice = suspects.with_columns(pl.col(texts).cast(pl.String)).filter(pl.struct(key).is_duplicated())
    if twice.is_empty():
        return accepted, nothing, 0
    judged = twice.with_columns(
        first=pl.col("at").min().over(key),
        statements=(pl.struct(meaning) if meaning else pl.lit(0)).n_unique().over(key),
    )
    against = judged.filter(pl.col("statements") > 1)
    again = judged.filter((pl.col("statements") == 1) & (pl.col("at") != pl.col("first")))
    gone = pl.concat([against["at"], again["at"]])
    kept = numbered.filter(~pl.col("at").is_in(gone.implode())).drop("at")
    return kept, nothing if against.is_empty() else _contradictions(against.rechunk(), key), again.height


def _contradictions(against: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Rows of one key that say different things, as quarantine rows that name each other."""
    shown = [*key, *(name for name in ("value", "value_raw", "unit_raw") if name in against.columns)]
    rows = pl.col(SOURCE_ROW).sort().unique(maintain_order=True).head(_MAX_NAMED_ROWS).cast(pl.String).str.join(", ")
    return against.select(
        SOURCE_ROW,
        pl.lit(None, pl.String).alias("column_name"),
        pl.lit("conflicting_rows").alias("rule"),
        pl.format(
            f"rows {{}} of this file say different things of the same {', '.join(key)}; right would be one of them", rows.over(key)
        ).alias("reason"),
        pl.concat_str([pl.format(f"{name}={{}}", pl.col(name).cast(pl.String).fill_null("-")) for name in shown], separator=" ")
        .str.slice(0, RAW_TEXT_CHARACTERS)
        .alias("raw_text"),
    ).cast(dict(QUARANTINE_SCHEMA))
