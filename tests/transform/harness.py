"""A warehouse for tests: landing rows from dicts, dbt in a process of its own, tables back as rows.

Corrections go the way the admission step goes: the old row is superseded, the new one inserted, and the
entities and dates that the record type names are written to the ledger. No test data stands here.
"""

import json
import multiprocessing
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from pipelines.contracts.records import LINEAGE, RECORD_TYPES, RecordType
from pipelines.settings import CHECKOUT, TELEMETRY_OFF
from pipelines.transform.dbt_child import forget_environment
from pipelines.warehouse.tables import CHANGE_SEQUENCE, SCHEMAS, TABLES
from tests.transform.landing_sources import seed_columns

DBT_PROJECT = CHECKOUT / "dbt_project"
PARK_ID = "PARK"
ZONE = "Asia/Shanghai"
OPEN_END = date(9999, 12, 31)
RECEIVED_AT = datetime(2026, 1, 1)

Row = Mapping[str, Any]


class DbtFailed(AssertionError):
    """A dbt command ended with errors; the message is what it printed."""


# dbt takes two seconds of processor time to import and keeps a warehouse locked for as long as its process lives. So a server
# process imports it once and forks a child for each command: cheap, and the lock goes with the child.
_CHILDREN = multiprocessing.get_context("forkserver")
_CHILDREN.set_forkserver_preload(["dbt.cli.main", "dbt.adapters.duckdb"])


def _dbt_child(command: list[str], environment: dict[str, str], output: str) -> None:
    from dbt.cli.main import dbtRunner

    with Path(output).open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    forget_environment()
    os.environ.update(environment)
    done = dbtRunner().invoke(command)
    if done.exception is not None:
        sys.stdout.write(f"{done.exception}\n")
    sys.exit(0 if done.success else 1)


def run_dbt(
    warehouse: Path,
    *arguments: str,
    change_seq: int | None,
    target_path: Path,
    zone: str = ZONE,
    park_id: str = PARK_ID,
    variables: Mapping[str, Any] | None = None,
    write_manifest: bool = False,
) -> str:
    """Run one dbt command on a warehouse and return its output; raises DbtFailed when it fails.

    The target folder is shared by all calls, so that only the first one parses the project: what changes from call
    to call goes by environment, because other --vars make dbt parse everything again.
    """
    given = {"park_id": park_id, "park_zone": zone, **(variables or {})}
    target_path.mkdir(parents=True, exist_ok=True)
    command = [
        *arguments,
        "--project-dir", str(DBT_PROJECT),
        "--profiles-dir", str(DBT_PROJECT),
        "--target-path", str(target_path),
        "--log-path", str(target_path / "logs"),
        "--log-level-file", "none",
        "--no-use-colors",
        # a second of processor time; only what reads the manifest needs it
        "--write-json" if write_manifest else "--no-write-json",
        "--vars", json.dumps(given),
    ]  # fmt: skip
    # To dbt a warehouse at another path is another profile, and that makes it parse everything again, twelve seconds of processor
    # time. So all are reached by one path: a link to the folder, not to the file, whose write-ahead log must lie beside it.
    folder = target_path / "warehouse"
    folder.unlink(missing_ok=True)
    folder.symlink_to(warehouse.parent, target_is_directory=True)
    environment = TELEMETRY_OFF | {
        "PARK_AUDIT_WAREHOUSE": str(folder / warehouse.name),
        "PARK_AUDIT_THROUGH_CHANGE_SEQ": "" if change_seq is None else str(change_seq),
        "PARK_AUDIT_MEMORY_LIMIT": os.environ.get("PARK_AUDIT_MEMORY_LIMIT", "2GB"),
        "PARK_AUDIT_THREADS": os.environ.get("PARK_AUDIT_THREADS", "2"),
        "DBT_VERSION_CHECK": "False",
    }
    output = target_path / f"output_{os.getpid()}.txt"
    child = _CHILDREN.Process(target=_dbt_child, args=(command, environment, str(output)))
    child.start()
    child.join()
    said = output.read_text(encoding="utf-8")
    if child.exitcode != 0:
        raise DbtFailed(f"dbt {' '.join(arguments)} ended with {child.exitcode}\n{said}")
    return said


@dataclass
class Warehouse:
    """One warehouse file; every method opens and closes its own connection, because dbt is another process."""

    path: Path
    target_path: Path
    zone: str = ZONE
    park_id: str = PARK_ID
    received_at: datetime = RECEIVED_AT
    variables: dict[str, Any] = field(default_factory=dict)

    def create(self) -> "Warehouse":
        """Schemas, tables and sequence of an empty warehouse, and the empty tables of own standards."""
        with self.connect() as con:
            for schema in SCHEMAS:
                con.execute(f"create schema if not exists {schema}")
            for table in TABLES:
                con.execute(table.ddl)
            con.execute(f"create sequence if not exists {CHANGE_SEQUENCE} start 1")
            for seed, columns in seed_columns().items():
                con.execute(f"create table if not exists landing.own_{seed} ({', '.join(f'{name} varchar' for name in columns)})")
        return self

    def connect(self) -> duckdb.DuckDBPyConnection:
        con = duckdb.connect(str(self.path))
        con.execute("set TimeZone = 'UTC'")
        return con

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a query as dicts."""
        with self.connect() as con:
            result = con.execute(sql)
            names = [column[0] for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def value(self, sql: str) -> Any:
        """The one value of a query."""
        with self.connect() as con:
            (row,) = con.execute(sql).fetchall()
        return row[0]

    def execute(self, sql: str) -> None:
        with self.connect() as con:
            con.execute(sql)

    @property
    def change_seq(self) -> int:
        """The last change in the ledger; 0 before any."""
        return self.value("select coalesce(max(change_seq), 0) from landing.touched")

    def dbt(self, *arguments: str, full_refresh: bool = False) -> str:
        """Run a dbt command up to the last change, as `dbt("run", "--select", "point_daily")`."""
        refresh = ["--full-refresh"] if full_refresh else []
        return run_dbt(
            self.path, *arguments, *refresh,
            change_seq=self.change_seq, target_path=self.target_path, zone=self.zone, park_id=self.park_id, variables=self.variables,
        )  # fmt: skip

    def build(self, *selection: str, full_refresh: bool = False) -> str:
        """Models of a selection with everything above them, without tests; seeds and staging stand in the template."""
        selected = [f"+{name}" for name in selection]
        return self.dbt("run", "--select", *selected, "--exclude", "path:models/staging", full_refresh=full_refresh)

    def load(self, records: Mapping[str, Iterable[Row]]) -> int:
        """Insert rows of several record types as one change; returns its change_seq."""
        with self.connect() as con:
            con.execute("begin")
            seq = self._next(con)
            for record, rows in records.items():
                self._insert(con, RECORD_TYPES[record], [self._complete(record, row) for row in rows], seq)
            con.execute("commit")
        return seq

    def correct(self, record: str, key: Row, **changed: Any) -> int:
        """Supersede the current row of a key by one with other values; the key's own columns may change too."""
        record_type = RECORD_TYPES[record]
        with self.connect() as con:
            con.execute("begin")
            seq = self._next(con)
            old = self._supersede(con, record_type, key, seq)
            self._insert(con, record_type, [old | changed | {"known_to": None, "known_from": self._later()}], seq)
            con.execute("commit")
        return seq

    def withdraw(self, record: str, key: Row) -> int:
        """Take the current row of a key back: it stays readable and is no longer current."""
        with self.connect() as con:
            con.execute("begin")
            seq = self._next(con)
            self._supersede(con, RECORD_TYPES[record], key, seq)
            con.execute("commit")
        return seq

    def add_own_standard(self, seed: str, row: Row) -> int:
        """A row of the park's own beside a seed, touching the whole park over its validity."""
        columns = seed_columns()[seed]
        if unknown := sorted(set(row) - set(columns)):
            raise KeyError(f"seed {seed} has no column {', '.join(unknown)}")
        with self.connect() as con:
            con.execute("begin")
            seq = self._next(con)
            con.execute(f"insert into landing.own_{seed} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))
            until = date.fromisoformat(row["valid_to"]) - timedelta(days=1) if row.get("valid_to") else OPEN_END
            self._touch(con, seq, "park", self.park_id, date.fromisoformat(row["valid_from"]), until, seed)
            con.execute("commit")
        return seq

    def _next(self, con: duckdb.DuckDBPyConnection) -> int:
        return con.execute(f"select nextval('{CHANGE_SEQUENCE}')").fetchone()[0]

    def _later(self) -> datetime:
        self.received_at += timedelta(minutes=1)
        return self.received_at

    def _complete(self, record: str, row: Row) -> dict[str, Any]:
        """A row with the columns a test does not care about filled in; an unknown column is refused."""
        record_type = RECORD_TYPES[record]
        known = set(record_type.by_name) | {column.name for column in LINEAGE}
        if unknown := sorted(set(row) - known):
            raise KeyError(f"record {record} has no column {', '.join(unknown)}; it has {', '.join(sorted(known))}")
        full: dict[str, Any] = dict.fromkeys(record_type.by_name) | {
            "feed_id": "test_feed", "delivery_id": "test_delivery", "source_row": 1, "known_from": self.received_at, "known_to": None,
        }  # fmt: skip
        if "state" in record_type.by_name:
            full["state"] = "measured"
        if record_type.is_register and "park_id" in record_type.by_name:
            full["park_id"] = self.park_id
        if "name" in record_type.by_name and record_type.by_name["name"].required:
            full["name"] = "test"
        full |= dict(row)
        if record == "reading":
            full["local_date"] = row.get("local_date") or self.local_date(full["period_start_utc"])
            full["value_raw"] = row.get("value_raw", full["value"])
            full["unit_raw"] = row.get("unit_raw", full["unit"])
        if record == "meter_event":
            full["event_date"] = row.get("event_date") or self.local_date(full["event_at_utc"])
        return full

    def local_date(self, instant: datetime) -> date:
        """The park-zone date of a naive UTC instant."""
        return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(self.zone)).date()

    def _insert(self, con: duckdb.DuckDBPyConnection, record_type: RecordType, rows: list[dict[str, Any]], seq: int) -> None:
        if not rows:
            return
        schema = pl.Schema(record_type.schema | {column.name: column.dtype for column in LINEAGE})
        frame = pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema, orient="row")
        with NamedTemporaryFile(suffix=".parquet") as file:
            frame.write_parquet(file.name)
            con.execute(f"insert into landing.{record_type.name} by name select * from read_parquet('{file.name}')")
        self._touch_rows(con, record_type, rows, seq)

    def _supersede(self, con: duckdb.DuckDBPyConnection, record_type: RecordType, key: Row, seq: int) -> dict[str, Any]:
        condition = " and ".join(f"{name} = ?" for name in key) + " and known_to is null"
        result = con.execute(f"select * from landing.{record_type.name} where {condition}", list(key.values()))
        names = [column[0] for column in result.description]
        rows = result.fetchall()
        if len(rows) != 1:
            raise KeyError(f"landing.{record_type.name} has {len(rows)} current rows for {dict(key)}; a key names exactly one")
        old = dict(zip(names, rows[0], strict=True))
        con.execute(f"update landing.{record_type.name} set known_to = ? where {condition}", [self._later(), *key.values()])
        self._touch_rows(con, record_type, [old], seq)
        return old

    def _touch_rows(self, con: duckdb.DuckDBPyConnection, record_type: RecordType, rows: list[dict[str, Any]], seq: int) -> None:
        touched = set()
        for row in rows:
            for touch in record_type.touches:
                first = row[touch.dates[0]]
                last = first
                if len(touch.dates) == 2:
                    last = OPEN_END if row[touch.dates[1]] is None else row[touch.dates[1]] - timedelta(days=1)
                touched.add((row[touch.kind_column] if touch.kind_column else touch.entity_kind, row[touch.entity_column], first, last))
        for kind, entity, first, last in sorted(touched, key=str):
            self._touch(con, seq, kind, entity, first, last, record_type.name)

    @staticmethod
    def _touch(con: duckdb.DuckDBPyConnection, seq: int, kind: str, entity: str, first: date, last: date, cause: str) -> None:
        con.execute("insert into landing.touched values (?, ?, ?, ?, ?, ?, 'test_delivery')", [seq, kind, entity, first, last, cause])
