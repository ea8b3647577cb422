"""The only code that opens the warehouse: time zone, limits, tables, and errors a person understands.

Who may write at all is decided before, by `lock`. Queries belong to their own modules; nothing here
knows a feed or a mart. Analysts never come here: they open the published file.
"""
# ruff: noqa: S608 - table and column names come from our own declarations; values are bound parameters

import errno
import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pipelines.settings import Settings
from pipelines.warehouse.tables import CHANGE_SEQUENCE, LAYOUT, SCHEMAS, TABLES, Table

_LOCK_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.*?) ?\(PID (?P<pid>\d+)\)")
_NO_SPACE = re.compile(r"no space left|disk quota exceeded|file too large|max_temp_directory_size|could not write all bytes", re.IGNORECASE)
_NO_SPACE_NUMBERS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class WarehouseError(RuntimeError):
    """Something between us and the warehouse file; the message says what and what to do."""


class WarehouseBusy(WarehouseError):
    """Another process holds the file itself (not our own write lock)."""


class WarehouseUnreadable(WarehouseError):
    """The file is of another DuckDB version, damaged, or laid out in a way this version cannot extend."""


class DiskFull(WarehouseError):
    """There was no room to write; what was being written has not happened."""


class MemoryExhausted(WarehouseError):
    """The memory limit was not enough, even with spilling to disk."""


@contextmanager
def open_warehouse(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, open for writing, with every table of ours in place; closed at the end of the block.

    An error of DuckDB inside the block that has a plain explanation (file locked, disk full, memory)
    leaves it as a WarehouseError with that explanation; all others pass unchanged.
    """
    con = _connect(settings)
    try:
        ensure_layout(con)
        yield con
    except duckdb.Error as error:
        if (explained := explain(error, settings)) is not None:
            raise explained from error
        raise
    finally:
        # After a fatal write error DuckDB refuses even this; the write-ahead log is replayed at the next opening.
        with suppress(duckdb.Error):
            con.close()


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of the block or nothing of it."""
    con.execute("begin transaction")
    try:
        yield
    except BaseException:
        # DuckDB has rolled back by itself after some errors; then there is nothing left to roll back.
        with suppress(duckdb.Error):
            con.execute("rollback")
        raise
    con.execute("commit")


def explain(error: BaseException, settings: Settings) -> WarehouseError | None:
    """The same error for people, or None when its own text is the best there is."""
    text = str(error)
    if isinstance(error, OSError) and error.errno in _NO_SPACE_NUMBERS:
        return _disk_full(Path(error.filename) if error.filename else settings.home, settings)
    if not isinstance(error, duckdb.Error):
        return None
    if holder := _LOCK_HOLDER.search(text):
        program = Path(holder["program"]).name or "another program"
        return WarehouseBusy(
            f"the warehouse {settings.warehouse} is open in another process: {program}, pid {holder['pid']}. Close it there "
            f"(a notebook, a database tool, a dbt command started by hand) and run again; "
            f"to look at data while runs go on, open {settings.published_file} instead"
        )
    if "different configuration" in text:
        return WarehouseBusy(
            f"the warehouse {settings.warehouse} is already open in this very process with other settings; close that first"
        )
    if isinstance(error, duckdb.OutOfMemoryException) and not _NO_SPACE.search(text):
        return MemoryExhausted(
            f"the memory limit of {settings.memory_limit} was not enough: raise PARK_AUDIT_MEMORY_LIMIT, "
            f"or lower PARK_AUDIT_THREADS (now {settings.threads}; each thread needs its share). DuckDB says: {_first_line(text)}"
        )
    if _NO_SPACE.search(text):
        return _disk_full(settings.warehouse.parent, settings)
    if "version number" in text or isinstance(error, duckdb.SerializationException):
        return WarehouseUnreadable(
            f"the warehouse {settings.warehouse} was written by another version of DuckDB than this one ({duckdb.__version__}): "
            f"install the version that wrote it, or move the file away: it is rebuilt from the lake. DuckDB says: {_first_line(text)}"
        )
    if "Corrupt database file" in text or "not a valid DuckDB database file" in text:
        return WarehouseUnreadable(
            f"the warehouse {settings.warehouse} is damaged: move it away, with its .wal beside it, and run again: "
            f"it is rebuilt from the lake. DuckDB says: {_first_line(text)}"
        )
    return None


def ensure_layout(con: duckdb.DuckDBPyConnection) -> None:
    """Make sure every schema, sequence, table and column of ours exists.

    One small query when nothing has changed since the last time. Columns that are new in the
    declarations are added; a column whose type has changed is refused by name, because only the lake
    can fill it right.
    """
    wanted = _layout_hash()
    with suppress(duckdb.CatalogException):
        if con.execute(f"select layout_hash from {LAYOUT.qualified}").fetchone() == (wanted,):
            return
    with transaction(con):
        for schema in SCHEMAS:
            con.execute(f"create schema if not exists {schema}")
        con.execute(f"create sequence if not exists {CHANGE_SEQUENCE}")
        found = _columns(con)
        for table in TABLES:
            if table.qualified in found:
                _add_missing_columns(con, table, found[table.qualified])
            else:
                con.execute(table.ddl)
            con.execute(f"comment on table {table.qualified} is {_literal(table.grain)}")
            for column in table.columns:
                con.execute(f"comment on column {table.qualified}.{column.name} is {_literal(column.description)}")
        con.execute(f"delete from {LAYOUT.qualified}")
        con.execute(f"insert into {LAYOUT.qualified} values (?, ?)", [wanted, datetime.now(UTC).replace(tzinfo=None)])


def _connect(settings: Settings) -> duckdb.DuckDBPyConnection:
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    config = {
        "memory_limit": settings.memory_limit,
        "threads": str(settings.threads),
        # Large sorts and joins spill here, beside the file: the system's temporary folder is often small.
        "temp_directory": str(settings.warehouse.parent / "spill"),
        # Rows of landing have no order of their own; without keeping one a bulk insert uses all threads and half the memory.
        "preserve_insertion_order": "false",
        # Nobody but the pipeline opens this file, so it may use what this version can do: loading is a third faster.
        "storage_compatibility_version": "latest",
    }
    try:
        con = duckdb.connect(settings.warehouse, config=config)
    except duckdb.Error as error:
        if (explained := explain(error, settings)) is not None:
            raise explained from error
        raise
    # All timestamps are naive UTC: without this, now() and every cast of a zoned text follow the machine's zone.
    con.execute("set TimeZone = 'UTC'")
    return con


def _columns(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Qualified table name → column name → type, of everything that is there."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in con.execute(
        "select schema_name || '.' || table_name, column_name, lower(data_type) from duckdb_columns() "
        "where database_name = current_database() and not internal"
    ).fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def _add_missing_columns(con: duckdb.DuckDBPyConnection, table: Table, found: dict[str, str]) -> None:
    for column in table.columns:
        if column.name not in found:
            if column.required and con.execute(f"select exists (select 1 from {table.qualified})").fetchone() == (True,):
                raise WarehouseUnreadable(
                    f"{table.qualified} lacks the column {column.name}, which may not be empty, and holds rows already: "
                    f"move the warehouse file away and run again: it is rebuilt from the lake"
                )
            con.execute(f"alter table {table.qualified} add column {column.name} {column.duckdb_type}")
        elif found[column.name] != column.duckdb_type:
            raise WarehouseUnreadable(
                f"{table.qualified}.{column.name} is {found[column.name]} in the warehouse and {column.duckdb_type} in this version: "
                f"move the warehouse file away and run again: it is rebuilt from the lake"
            )


def _layout_hash() -> str:
    digest = hashlib.sha256(f"{SCHEMAS}{CHANGE_SEQUENCE}".encode())
    for table in TABLES:
        digest.update(table.ddl.encode())
        digest.update("\x1f".join([table.grain, *(column.description for column in table.columns)]).encode())
    return digest.hexdigest()[:16]


def _disk_full(folder: Path, settings: Settings) -> DiskFull:
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return DiskFull(
        f"no room left to write below {folder} ({free / 2**20:,.0f} MiB free): free some space there "
        f"(old copies in {settings.published}, logs in {settings.logs}) and run again; what was being written has not happened"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else ""
