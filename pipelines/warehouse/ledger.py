"""The ledger of arrivals: what each path held at the last scan, and one row per delivery.

Rows go in and out as dataclasses with the tables' own columns. When a delivery arises is decided in
`ingest.feed`, what becomes of it in `ingest.load`; nothing here reads a file.
"""
# ruff: noqa: S608 - table and column names come from our own declarations; values are bound parameters

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from pathlib import Path

import duckdb

from pipelines.contracts.records import QUARANTINE_SCHEMA, RECORD_TYPES, LoadMode, RecordType
from pipelines.contracts.states import Admission, DeliveryOutcome
from pipelines.warehouse.tables import DELIVERIES, GATE_RESULTS, PATH_STATE, QUARANTINE


@dataclass(frozen=True, slots=True)
class PathState:
    """One row of `landing.path_state`: what the last scan found at a path."""

    feed_id: str
    path: str
    sha256: str
    bytes: int
    mtime_ns: int
    arrival_no: int
    fingerprint: str
    scanned_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of `audit.deliveries`; counts are null until they are known."""

    park_id: str
    delivery_id: str
    build_id: str
    feed_id: str
    record: str
    path: str
    arrival_no: int
    sha256: str
    bytes: int
    received_at: datetime
    fingerprint: str
    outcome: DeliveryOutcome
    admission: Admission
    source_rows_read: int | None = None
    rows_read: int | None = None
    rows_accepted: int | None = None
    rows_duplicate: int | None = None
    rows_quarantined: int | None = None
    rows_revised: int | None = None
    rows_withdrawn: int | None = None
    empty_cells: int | None = None
    first_date: date | None = None
    last_date: date | None = None
    reason: str | None = None
    known_at: datetime | None = None
    parse_no: int | None = None
    parse_key: str | None = None
    parse_fingerprint: str | None = None
    register_fingerprint: str | None = None
    load_mode: LoadMode | None = None
    load_no: int | None = None
    rows_unresolved: int | None = None
    replaces_delivery_id: str | None = None

    @property
    def record_type(self) -> RecordType:
        return RECORD_TYPES[self.record]

    @property
    def arrival(self) -> tuple[str, str, int]:
        """What all parses of the same bytes at the same place have in common."""
        return self.feed_id, self.path, self.arrival_no

    @property
    def rank(self) -> tuple[datetime, str, str, int]:
        """Later wins: the receipt's time, then the file's name. Feed and arrival break ties that nobody sees."""
        return self.received_at, self.path, self.feed_id, self.arrival_no

    def with_(self, **changes: object) -> "Delivery":
        return replace(self, **changes)


_DELIVERY_COLUMNS = tuple(field.name for field in fields(Delivery))
_PATH_STATE_COLUMNS = tuple(field.name for field in fields(PathState))


def path_states(con: duckdb.DuckDBPyConnection, feed_id: str) -> dict[str, PathState]:
    rows = con.execute(f"select {', '.join(_PATH_STATE_COLUMNS)} from {PATH_STATE.qualified} where feed_id = ?", [feed_id]).fetchall()
    return {state.path: state for state in (PathState(*row) for row in rows)}


def write_path_states(con: duckdb.DuckDBPyConnection, states: Sequence[PathState], *, known: bool = True) -> None:
    """Insert or replace. `known=False` says that the paths are new, which spares looking for their old rows."""
    if not states:
        return
    if known:
        con.execute(
            f"delete from {PATH_STATE.qualified} where (feed_id, path) in (select unnest(?::varchar[]), unnest(?::varchar[]))",
            [[state.feed_id for state in states], [state.path for state in states]],
        )
    types = {column.name: column.duckdb_type for column in PATH_STATE.columns}
    unnested = ", ".join(f"unnest(?::{types[name]}[])" for name in _PATH_STATE_COLUMNS)
    con.execute(
        f"insert into {PATH_STATE.qualified} ({', '.join(_PATH_STATE_COLUMNS)}) select {unnested}",
        [[getattr(state, name) for state in states] for name in _PATH_STATE_COLUMNS],
    )


def hashes_seen(con: duckdb.DuckDBPyConnection, feed_id: str, path: str) -> set[str]:
    """Hashes of all bytes the path has ever brought."""
    rows = con.execute(f"select distinct sha256 from {DELIVERIES.qualified} where feed_id = ? and path = ?", [feed_id, path]).fetchall()
    return {sha256 for (sha256,) in rows}


def deliveries(con: duckdb.DuckDBPyConnection, condition: str = "true", parameters: Sequence[object] = ()) -> list[Delivery]:
    """Deliveries that fulfil an SQL condition over `audit.deliveries` (alias d), in order of precedence."""
    rows = con.execute(
        f"select {', '.join(f'd.{name}' for name in _DELIVERY_COLUMNS)} from {DELIVERIES.qualified} as d "
        f"where {condition} order by received_at, path, feed_id, arrival_no, parse_no",
        list(parameters),
    ).fetchall()
    return [_delivery(row) for row in rows]


def latest_parses(con: duckdb.DuckDBPyConnection, feed_id: str, condition: str, parameters: Sequence[object]) -> list[Delivery]:
    """The newest delivery of each arrival of a feed, where it fulfils the condition."""
    return deliveries(
        con,
        f"d.feed_id = ? and ({condition}) and not exists ("
        f"select 1 from {DELIVERIES.qualified} as newer where newer.feed_id = d.feed_id and newer.path = d.path "
        "and newer.arrival_no = d.arrival_no and newer.parse_no > d.parse_no)",
        [feed_id, *parameters],
    )


def write_delivery(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    write_deliveries(con, [delivery])


def write_deliveries(con: duckdb.DuckDBPyConnection, new: Sequence[Delivery]) -> None:
    """Append rows to `audit.deliveries`."""
    types = {column.name: column.duckdb_type for column in DELIVERIES.columns}
    unnested = ", ".join(f"unnest(?::{types[name]}[])" for name in _DELIVERY_COLUMNS)
    con.execute(
        f"insert into {DELIVERIES.qualified} ({', '.join(_DELIVERY_COLUMNS)}) select {unnested}",
        [[getattr(delivery, name) for delivery in new] for name in _DELIVERY_COLUMNS],
    )


def update_delivery(con: duckdb.DuckDBPyConnection, delivery: Delivery, columns: Iterable[str], condition: str = "true") -> bool:
    """Write the named columns of a delivery that is there already and fulfils the condition; returns whether it was."""
    names = list(columns)
    changed = con.execute(
        f"update {DELIVERIES.qualified} set {', '.join(f'{name} = ?' for name in names)} where delivery_id = ? and {condition}",
        [*(getattr(delivery, name) for name in names), delivery.delivery_id],
    ).fetchone()[0]
    return changed == 1


def update_deliveries(con: duckdb.DuckDBPyConnection, changed: Sequence[Delivery], columns: Iterable[str], condition: str = "true") -> int:
    """The same for many deliveries in one statement; returns how many fulfilled the condition."""
    names = ["delivery_id", *columns]
    types = {column.name: column.duckdb_type for column in DELIVERIES.columns}
    # Renamed, so that the condition may name the table's own columns.
    unnested = ", ".join(f"unnest(?::{types[name]}[]) as new_{name}" for name in names)
    return con.execute(
        f"update {DELIVERIES.qualified} as d set {', '.join(f'{name} = u.new_{name}' for name in names[1:])} "
        f"from (select {unnested}) as u where d.delivery_id = u.new_delivery_id and {condition}",
        [[getattr(delivery, name) for delivery in changed] for name in names],
    ).fetchone()[0]


def withdraw_waiting(con: duckdb.DuckDBPyConnection, newer: Delivery) -> list[Delivery]:
    """Parses of the same arrival that still wait for admission give way to the newer one. Returns them as they are now."""
    waiting = deliveries(
        con,
        "d.feed_id = ? and d.path = ? and d.arrival_no = ? and d.delivery_id <> ? and d.admission in ('pending', 'held')",
        [*newer.arrival, newer.delivery_id],
    )
    given_up = [
        old.with_(admission=Admission.WITHDRAWN, reason=f"parsed again as {newer.delivery_id} before it was admitted") for old in waiting
    ]
    for delivery in given_up:
        update_delivery(con, delivery, ("admission", "reason"))
    return given_up


def write_quarantine(con: duckdb.DuckDBPyConnection, delivery: Delivery, file: Path) -> None:
    """Append a delivery's refused rows from their Parquet file to `audit.quarantine`."""
    columns = ", ".join(QUARANTINE_SCHEMA)
    con.execute(
        f"insert into {QUARANTINE.qualified} (park_id, delivery_id, feed_id, {columns}) select ?, ?, ?, {columns} from read_parquet(?)",
        [delivery.park_id, delivery.delivery_id, delivery.feed_id, str(file)],
    )


def write_gate_rows(con: duckdb.DuckDBPyConnection, rows: Sequence[tuple]) -> None:
    """Append verdicts to `audit.gate_results`; each row has the table's columns, in order."""
    if not rows:
        return
    columns = GATE_RESULTS.columns
    if wrong := [row for row in rows if len(row) != len(columns)]:
        raise ValueError(
            f"a gate row has the {len(columns)} columns of {GATE_RESULTS.qualified}; this one has {len(wrong[0])}: {wrong[0]!r}"
        )
    unnested = ", ".join(f"unnest(?::{column.duckdb_type}[])" for column in columns)
    names = ", ".join(column.name for column in columns)
    con.execute(f"insert into {GATE_RESULTS.qualified} ({names}) select {unnested}", [list(column) for column in zip(*rows, strict=True)])


def set_register_fingerprint(con: duckdb.DuckDBPyConnection, delivery_ids: Sequence[str], fingerprint: str) -> None:
    """Note that these deliveries have been held against the registers as they are now, and need no new parse."""
    con.execute(
        f"update {DELIVERIES.qualified} set register_fingerprint = ? where delivery_id in (select unnest(?::varchar[]))",
        [fingerprint, list(delivery_ids)],
    )


def _delivery(row: tuple) -> Delivery:
    values = dict(zip(_DELIVERY_COLUMNS, row, strict=True))
    values["outcome"] = DeliveryOutcome(values["outcome"])
    values["admission"] = Admission(values["admission"])
    values["load_mode"] = LoadMode(values["load_mode"]) if values["load_mode"] else None
    return Delivery(**values)
