"""A warehouse with pending deliveries and the parses they left in the lake."""

import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import duckdb
import polars as pl
import pytest

from pipelines.contracts.records import RECORD_TYPES
from pipelines.settings import CHECKOUT, Settings
from pipelines.warehouse.connection import open_warehouse

RECEIVED = datetime.fromisoformat("2026-03-10T02:00")  # naive and UTC, as everywhere


class SettingsWithSuites(Settings):
    """Settings whose suites lie in the home, so that a test can write its own."""

    @property
    def expectations(self) -> Path:
        return self.home / "expectations"


class Park:
    """Writes what ingest would have written: rows of the lake, deliveries, current rows of landing."""

    def __init__(self, settings: Settings, con: duckdb.DuckDBPyConnection) -> None:
        self.settings, self.con = settings, con
        self.folder = settings.lake / "accepted"
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, delivery_id: str) -> Path:
        return self.folder / f"{delivery_id}.parquet"

    def readings(self, days: int = 2, points: tuple[str, ...] = ("P1",), **columns: object) -> pl.DataFrame:
        """Hourly readings up to the day before RECEIVED; `columns` are constants or expressions over `hour`."""
        first = RECEIVED.replace(hour=0) - timedelta(days=days)
        frame = pl.DataFrame({"hour": range(24 * days)}).join(pl.DataFrame({"point_id": points}), how="cross")
        given = {
            "parameter_code": pl.lit("a21026"),
            "statistic": pl.lit("avg"),
            "source_kind": pl.lit("automatic"),
            "period_start_utc": pl.lit(first) + pl.duration(hours="hour"),
            "period_end_utc": pl.lit(first) + pl.duration(hours=pl.col("hour") + 1),
            "local_date": (pl.lit(first) + pl.duration(hours="hour")).dt.date(),
            "value": pl.col("hour") % 24 + 10.0,
            "unit": pl.lit("mg/m3"),
            "state": pl.lit("measured"),
        } | {name: value if isinstance(value, pl.Expr) else pl.lit(value) for name, value in columns.items()}
        return self._typed("reading", frame.with_columns(**given))

    def register(self, rows: int) -> pl.DataFrame:
        frame = pl.DataFrame({"point_id": [f"P{number}" for number in range(rows)]}).with_columns(
            name=pl.col("point_id"), kind=pl.lit("stack"), valid_from=date(2026, 1, 1)
        )
        return self._typed("point", frame)

    @staticmethod
    def _typed(record: str, frame: pl.DataFrame) -> pl.DataFrame:
        schema = RECORD_TYPES[record].schema
        frame = frame.with_columns(source_row=pl.int_range(1, pl.len() + 1))
        return frame.select(
            (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in schema.items()
        )

    def deliver(
        self,
        delivery_id: str,
        rows: pl.DataFrame | None = None,
        *,
        feed: str = "stacks",
        record: str = "reading",
        quarantined: int = 0,
        lost: int = 0,
    ) -> str:
        rows = self.readings() if rows is None else rows
        rows.write_parquet(self.path(delivery_id))
        self.con.execute(
            "insert into audit.deliveries by name select 'park' as park_id, ? as delivery_id, 'b1' as build_id, ? as feed_id, ? as record, "
            "'f.csv' as path, 1 as arrival_no, 'sha' as sha256, 1 as bytes, ?::timestamp as received_at, 'f' as fingerprint, "
            "'loaded' as outcome, 'pending' as admission, ? as rows_read, 0 as rows_duplicate, ? as rows_quarantined",
            [delivery_id, feed, record, RECEIVED, len(rows) + quarantined + lost, quarantined],
        )
        return delivery_id

    def open_build(self, build_id: str, started_at: datetime, code_version: str = "1") -> None:
        self.con.execute(
            "insert into audit.builds by name select 'park' as park_id, ? as build_id, ?::timestamp as started_at, 'running' as status, "
            "'cli' as door, ? as code_version, 's' as standards_hash",
            [build_id, started_at, code_version],
        )


def write_feeds(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "_park.yaml").write_text("park_id: park\nzone: Asia/Shanghai\n", encoding="utf-8")
    (folder / "stacks.yaml").write_text(
        dedent("""
        feed_id: stacks
        record: reading
        owner: env-desk@park.example
        source: {drop: "stacks/*.csv"}
        format: {kind: csv}
        time: {column: t, pattern: "%Y-%m-%d %H:%M", step: 1h}
        source_kind: automatic
        values: [{column: so2, point: P1, parameter: a21026, statistic: avg, unit: mg/m3}]
        expects: {rows_per_day: 24, at_least: 20, max_quarantined_share: 0.1}
        """),
        encoding="utf-8",
    )
    (folder / "points.yaml").write_text(
        dedent("""
        feed_id: points
        record: point
        owner: env-desk@park.example
        source: {drop: "points/*.csv"}
        format: {kind: csv}
        """),
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="session")
def home_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a laid-out warehouse: making the tables takes longer than most tests."""
    home = tmp_path_factory.mktemp("template") / "home"
    settings = SettingsWithSuites(home=home, feeds_dir=write_feeds(home / "feeds"), threads=2, memory_limit="1GB")
    settings.make_folders()
    shutil.copytree(CHECKOUT / "expectations", settings.expectations)
    with open_warehouse(settings):
        pass
    return home


@pytest.fixture
def settings(home_template: Path, tmp_path: Path) -> SettingsWithSuites:
    """A home of the test's own, with the suites of the checkout until the test replaces them."""
    home = shutil.copytree(home_template, tmp_path / "home")
    return SettingsWithSuites(home=home, feeds_dir=home / "feeds", threads=2, memory_limit="1GB")


@pytest.fixture
def park(settings: SettingsWithSuites) -> Iterator[Park]:
    with open_warehouse(settings) as con:
        yield Park(settings, con)


def only_suite(settings: Settings, name: str, text: str) -> None:
    """Replace every suite of the gate that `text` belongs to by this one."""
    mine = "subject_column" in text
    for path in settings.expectations.glob("*.yaml"):
        if ("subject_column" in path.read_text(encoding="utf-8")) == mine:
            path.unlink()
    (settings.expectations / f"{name}.yaml").write_text(dedent(text), encoding="utf-8")
