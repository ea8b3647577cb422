"""What tests of reading and normalising start from: the project's standards, registers in memory, contracts in one line."""

from datetime import date
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.contracts.feed import FeedContract
from pipelines.contracts.records import RECORD_TYPES
from pipelines.contracts.standards import Standards, load_standards
from pipelines.contracts.units import Units
from pipelines.ingest.normalise import Parsed, normalise
from pipelines.ingest.readers import RawTable
from pipelines.ingest.references import References

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
EVER = date(2000, 1, 1)
PARK = ZoneInfo("Asia/Shanghai")


@cache
def standards() -> Standards:
    return load_standards(SEEDS)


@cache
def units() -> Units:
    return Units(standards())


def register(name: str, *rows: dict) -> pl.DataFrame:
    """Rows of a register; what is left out is null, validity is from 2000 on."""
    schema = RECORD_TYPES[name].schema
    return pl.DataFrame([{"valid_from": EVER, "source_row": 2} | row for row in rows], schema=schema)


def point(point_id: str, **other: object) -> dict:
    return {"point_id": point_id, "name": point_id, "kind": "stack"} | other


def references(**registers: list[dict]) -> References:
    """References with the registers given; points S1 and S2 are there unless `point` is given."""
    registers.setdefault("point", [point("S1"), point("S2")])
    return References(standards(), units(), {name: register(name, *rows) for name, rows in registers.items()})


def contract(**changes: object) -> FeedContract:
    """A feed of hourly SO2 of point S1, column `value`, times in column `time`; changes replace whole keys."""
    content: dict = {
        "feed_id": "a_feed",
        "record": "reading",
        "owner": "desk@park.example",
        "source": {"drop": "a_feed/*.csv"},
        "format": {"kind": "csv"},
        "time": {"column": "time", "pattern": "%Y-%m-%d %H:%M", "step": "1h"},
        "source_kind": "automatic",
        "values": [{"column": "value", "point": "S1", "parameter": "a21026", "statistic": "avg", "unit": "mg/m3"}],
    }
    content |= changes
    return FeedContract.model_validate({key: value for key, value in content.items() if value is not None})


def record_contract(record: str, **changes: object) -> FeedContract:
    """A feed of another record type."""
    return contract(record=record, time=None, source_kind=None, values=None, **changes)


def table(**columns: list[str | None]) -> RawTable:
    """A raw table as a reader returns it, rows from 2."""
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    frame = frame.with_row_index("source_row", offset=2).cast({"source_row": pl.Int64})
    return RawTable(frame, frame.height)


def run(raw: RawTable, of: FeedContract | None = None, against: References | None = None, zone: ZoneInfo = PARK) -> Parsed:
    return normalise(raw, of or contract(), against or references(), zone)


def refused(parsed: Parsed) -> list[tuple[int, str]]:
    """(source row, rule) of every quarantine row."""
    return [(row, rule) for row, rule in parsed.quarantined.select("source_row", "rule").iter_rows()]


def reasons(parsed: Parsed) -> str:
    return "\n".join(parsed.quarantined["reason"])


def column(parsed: Parsed, name: str) -> list:
    return parsed.accepted[name].to_list()
