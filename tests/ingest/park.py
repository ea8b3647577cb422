"""A small park with real contracts: registers and feeds as files, taken in and loaded as a nightly would."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import yaml

from pipelines.contracts.feed import FeedContract
from pipelines.contracts.standards import Standards, load_standards
from pipelines.contracts.states import Admission
from pipelines.ingest.feed import FeedResult, ingest_feed
from pipelines.ingest.load import Decision, LoadResult, load_deliveries, pending_deliveries
from pipelines.ingest.references import references_from_landing
from pipelines.settings import CHECKOUT, Settings

CEMS = """
feed_id: cems
record: reading
owner: env-desk@park.example
source: {drop: "cems/**/*.csv"}
format: {kind: csv}
time: {column: time, pattern: "%Y-%m-%d %H:%M", zone: Asia/Shanghai, step: 1h, label: start}
source_kind: automatic
values:
  - {column: SO2, point: S1, parameter: a21026, statistic: avg, unit: mg/m3}
"""
BILLS = """
feed_id: bills
record: reading
owner: grid@park.example
source: {drop: "bills/*.csv"}
format: {kind: csv}
time: {column: day, pattern: "%Y-%m-%d", zone: Asia/Shanghai, step: 1d, label: start}
source_kind: manual_entry
values:
  point: {column: account, scheme: grid_account}
  parameter: electricity
  statistic: cou
  unit: kWh
  value: {column: kWh}
"""
POINTS = """
feed_id: points
record: point
owner: env-desk@park.example
source: {drop: "registers/points.csv"}
format: {kind: csv}
"""
IDENTIFIERS = """
feed_id: identifiers
record: identifier
owner: env-desk@park.example
source: {drop: "registers/identifiers.csv"}
format: {kind: csv}
"""
NIGHT = datetime(2026, 2, 1, 18, 10)


def contract(text: str, **changes: object) -> FeedContract:
    return FeedContract.model_validate(yaml.safe_load(text) | changes)


@dataclass
class Park:
    """Nights of a park: files are dropped, `night` takes them in and admits them. Each night is a day later."""

    settings: Settings
    con: duckdb.DuckDBPyConnection
    contracts: dict[str, FeedContract] = field(default_factory=dict)
    standards: Standards = field(default_factory=lambda: load_standards(CHECKOUT / "dbt_project" / "seeds"))
    nights: int = 0

    def __post_init__(self) -> None:
        self.contracts = self.contracts or {"points": contract(POINTS), "cems": contract(CEMS)}

    def drop(self, path: str, *lines: str) -> Path:
        """Write a file below raw/, old enough that its time can be trusted."""
        file = self.settings.raw / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return file

    def drop_points(self, *ids: str) -> Path:
        return self.drop("registers/points.csv", "point_id,name,kind,valid_from", *(f"{point},{point},stack,2020-01-01" for point in ids))

    def drop_hours(self, path: str, *values: object, day: str = "2026-01-05") -> Path:
        """A CEMS file of one day's first hours."""
        return self.drop(path, "time,SO2", *(f"{day} {hour:02d}:00,{value}" for hour, value in enumerate(values)))

    @property
    def build_id(self) -> str:
        return f"202602{self.nights:02d}T181000Z-000"

    def night(self, admission: Admission = Admission.ADMITTED) -> tuple[dict[str, FeedResult], list[LoadResult]]:
        """Registers first, each record type taken in and admitted before the next."""
        self.nights += 1
        received_at = NIGHT + timedelta(days=self.nights)
        results, loaded = {}, []
        for is_register in (True, False):
            references = references_from_landing(self.con, self.standards)
            for feed_id, feed in self.contracts.items():
                if feed.record_type.is_register == is_register:
                    results[feed_id] = ingest_feed(self.con, self.settings, feed, references, self.build_id, received_at)
            decisions = [Decision(delivery, Admission.ADMITTED if is_register else admission) for delivery in pending_deliveries(self.con)]
            for _, result in load_deliveries(self.con, self.settings, decisions, build_id=self.build_id):
                assert isinstance(result, LoadResult), result
                loaded.append(result)
        return results, loaded

    def values(self) -> list[float]:
        """Current values, by point and time."""
        rows = self.con.execute("select value from landing.reading where known_to is null order by point_id, period_start_utc").fetchall()
        return [value for (value,) in rows]

    def ledger(self, feed_id: str = "cems") -> list[tuple[str, str, str]]:
        """(path, outcome, admission) of a feed's deliveries, oldest first."""
        return self.con.execute(
            "select path, outcome, admission from audit.deliveries where feed_id = ? order by known_at, path, parse_no", [feed_id]
        ).fetchall()
