"""A home with a lake and a warehouse, and deliveries made by hand: parses without files, readers or contracts.

Only for tests of what happens after a file has been parsed.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import duckdb
import polars as pl

from pipelines.contracts.records import QUARANTINE_SCHEMA, RECORD_TYPES, LoadMode
from pipelines.contracts.states import Admission, DeliveryOutcome
from pipelines.ingest.feed import delivery_id
from pipelines.ingest.lake import Lake, Receipt
from pipelines.ingest.load import LoadResult, load_delivery
from pipelines.settings import Settings
from pipelines.warehouse.connection import transaction
from pipelines.warehouse.ledger import Delivery, deliveries, withdraw_waiting, write_delivery, write_quarantine

PARK_ID = "P1"
ZONE = "Asia/Shanghai"
DAY_ONE = datetime(2026, 1, 1)
BUILD = "20260101T000000Z-000"


def make_settings(folder: Path, **changes: object) -> Settings:
    """Settings of a home below a folder, with a park file and no feeds."""
    feeds = folder / "feeds"
    feeds.mkdir(parents=True, exist_ok=True)
    (feeds / "_park.yaml").write_text(f"park_id: {PARK_ID}\nzone: {ZONE}\n", encoding="utf-8")
    settings = Settings(home=folder / "home", feeds_dir=feeds, **{"threads": 2, "lock_wait_seconds": 0, **changes})
    settings.make_folders()
    return settings


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def readings(*rows: tuple, **constants: object) -> pl.DataFrame:
    """Hourly readings from (point, hour of 2026-01-01 UTC, value) and columns that are the same in all rows."""
    record = RECORD_TYPES["reading"]
    defaults = {
        "parameter_code": "a21026", "statistic": "avg", "source_kind": "automatic", "unit": "mg/m3", "unit_raw": "mg/m3", "state": "measured",
    }  # fmt: skip
    made = []
    for number, (point, hour, value) in enumerate(rows, start=2):
        start = DAY_ONE + timedelta(hours=hour)
        made.append(
            defaults
            | {
                "point_id": point,
                "period_start_utc": start,
                "period_end_utc": start + timedelta(hours=1),
                "local_date": (start + timedelta(hours=8)).date(),
                "value": value,
                "value_raw": value,
                "source_row": number,
            }
            | constants
        )
    return pl.DataFrame(made, schema=record.schema) if made else record.schema.to_frame()


def rows_of(record: str, *rows: dict) -> pl.DataFrame:
    """Rows of any record type; columns that are left out are null, source rows count from 2."""
    schema = RECORD_TYPES[record].schema
    return pl.DataFrame([{"source_row": number} | row for number, row in enumerate(rows, start=2)], schema=schema)


def quarantined(*rows: tuple) -> pl.DataFrame:
    """Refused rows from (source_row, column, rule, reason, raw text)."""
    return pl.DataFrame(list(rows), schema=QUARANTINE_SCHEMA, orient="row")


def parsed(record: str, accepted: pl.DataFrame, refused: pl.DataFrame | None = None, duplicates: int = 0) -> SimpleNamespace:
    """What normalise hands on."""
    refused = QUARANTINE_SCHEMA.to_frame() if refused is None else refused
    return SimpleNamespace(
        record=RECORD_TYPES[record],
        accepted=accepted,
        quarantined=refused,
        source_rows=accepted.height + refused.height + duplicates,
        rows_read=accepted.height + refused.height + duplicates,
        rows_duplicate=duplicates,
        empty_cells=0,
        warnings=[],
        figures={},
    )


@dataclass
class Depot:
    """Makes deliveries and loads them. Each path's arrivals and parses are counted as the feed would."""

    settings: Settings
    con: duckdb.DuckDBPyConnection
    made: int = 0
    lake: Lake = field(init=False)

    def __post_init__(self) -> None:
        self.lake = Lake(self.settings.lake)

    def deliver(
        self,
        accepted: pl.DataFrame,
        *,
        record: str = "reading",
        feed: str = "feed",
        path: str = "feed/a.csv",
        received: datetime | str = DAY_ONE,
        mode: LoadMode = LoadMode.UPSERT,
        refused: pl.DataFrame | None = None,
        duplicates: int = 0,
        reparses: Delivery | None = None,
        known: datetime | str | None = None,
    ) -> Delivery:
        """A pending delivery with these rows; `reparses` makes it a new parse of an old arrival."""
        self.made += 1
        parse_key = f"{self.made:016x}"
        received_at = instant(received) if isinstance(received, str) else received
        known_at = instant(known) if isinstance(known, str) else known
        if reparses:
            arrival_no, parse_no, sha256, path, feed = (
                reparses.arrival_no,
                reparses.parse_no + 1,
                reparses.sha256,
                reparses.path,
                reparses.feed_id,
            )
            received_at = reparses.received_at
        else:
            earlier = deliveries(self.con, "d.feed_id = ? and d.path = ?", [feed, path])
            arrival_no, parse_no, sha256 = max((d.arrival_no for d in earlier), default=0) + 1, 1, f"{self.made:064x}"
        parse = self.lake.keep_parse(feed, sha256, parse_key, parsed(record, accepted, refused, duplicates))
        delivery = Delivery(
            park_id=PARK_ID, delivery_id=delivery_id(feed, path, arrival_no, parse_no), build_id=BUILD, feed_id=feed, record=record,
            path=path, arrival_no=arrival_no, sha256=sha256, bytes=1, received_at=received_at, fingerprint="f",
            outcome=DeliveryOutcome.REPARSED if reparses else DeliveryOutcome.LOADED, admission=Admission.PENDING,
            source_rows_read=parse.facts.source_rows, rows_read=parse.facts.rows_read, rows_duplicate=parse.facts.rows_duplicate,
            rows_quarantined=parse.facts.rows_quarantined, empty_cells=0, first_date=parse.facts.first_date, last_date=parse.facts.last_date,
            known_at=known_at or received_at, parse_no=parse_no, parse_key=parse_key, parse_fingerprint=parse_key,
            register_fingerprint="r", load_mode=mode, rows_unresolved=parse.facts.rows_unresolved,
            replaces_delivery_id=reparses.delivery_id if reparses else None,
        )  # fmt: skip
        self.lake.write_receipt(Receipt(delivery))
        with transaction(self.con):
            write_delivery(self.con, delivery)
            withdraw_waiting(self.con, delivery)
            if parse.quarantined:
                write_quarantine(self.con, delivery, parse.quarantined)
        return delivery

    def load(self, delivery: Delivery, admission: Admission = Admission.ADMITTED, **rest: object) -> LoadResult:
        return load_delivery(self.con, self.settings, delivery, admission, build_id=BUILD, **rest)

    def add(self, accepted: pl.DataFrame, **rest: object) -> LoadResult:
        """Deliver and load at once."""
        return self.load(self.deliver(accepted, **rest))

    def current(self, record: str = "reading") -> dict[tuple, object]:
        """Key without the columns that tests keep constant → value, of current rows."""
        rows = self.con.execute(f"select point_id, period_start_utc, value from landing.{record} where known_to is null").fetchall()
        found = {(point, int((start - DAY_ONE).total_seconds() // 3600)): value for point, start, value in rows}
        assert len(found) == len(rows), "a key stands twice among the current rows"
        return found

    def versions(self, point: str, hour: int) -> list[tuple]:
        """(value, known_from, known_to) of every version of one reading, oldest first."""
        return self.con.execute(
            "select value, known_from, known_to from landing.reading where point_id = ? and period_start_utc = ? "
            "order by known_from, known_to nulls last",
            [point, DAY_ONE + timedelta(hours=hour)],
        ).fetchall()

    def touched(self, after: int = 0) -> list[tuple[str, str, date, date]]:
        return self.con.execute(
            "select entity_kind, entity_id, date_from, date_to from landing.touched where change_seq > ? order by all", [after]
        ).fetchall()
