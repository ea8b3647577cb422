"""The publication: one DuckDB file put in place in one step, whole and verified, or not at all.

A new file is made beside the old one, either from nothing or as a copy of the old one in which only the
partitions that have changed are replaced. Both are then read back and compared, row by row through checksums, with
the warehouse; only then does the new file take the old one's name. A reader that has the old file open keeps it.
What is public and what it means is said by `catalog`; Parquet is `export`'s.
"""
# ruff: noqa: S608 - names come from DuckDB's catalog and our own declarations; values are bound parameters

import logging
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from pipelines.contracts.states import BuildStatus, StepOutcome
from pipelines.publish.catalog import (
    DATA_DICTIONARY,
    OF_THE_FILE,
    PUBLIC_SCHEMAS,
    PUBLICATION,
    PUBLISHED_PARTITION,
    PublicTable,
    described,
    public_tables,
    quoted,
)
from pipelines.settings import Settings
from pipelines.warehouse.connection import transaction
from pipelines.warehouse.tables import BUILDS, STEP_OUTCOMES, Table
from pipelines.warehouse.verdicts import reason_marts_are_closed

log = logging.getLogger(__name__)

_TEMPORARY = ".park_audit.writing."
"""Prefix of a file in the making: no glob of an analyst finds it, and a leftover is known by it."""
_DATED = "park_audit_{build_id}.duckdb"
_FILE = "publication"
"""Name under which the new file is attached."""
_BASE = "publication_before"
_NOW, _BEFORE, _CHANGED = "published_now", "published_before", "published_changed"
"""Temporary tables: fingerprints of the warehouse, of the file before, and the partitions in which they differ."""
_FINGERPRINT = "schema_name varchar, table_name varchar, partition_value varchar, rows bigint, checksum varchar"

_REWRITE_ABOVE = 1.3
"""A file that takes this multiple of the bytes per row it took when written anew is written anew: replaced rows leave holes."""
_SLACK_BYTES = 64 << 20
"""Holes that are never worth it: a small file is all block ends."""
_WHOLE_TABLE_SHARE = 0.5
"""A table of which more than this share of the rows has changed is made anew, which leaves no holes."""
_COPY_BYTES = 1 << 30


class PublishError(RuntimeError):
    """The build was not published; the file of the night before stands untouched. The message says why."""


class _CannotCarryOver(Exception):
    """The file before is no base for the new one; the reason is for the log. Everything is then written anew."""


@dataclass(frozen=True)
class Published:
    """What was put in place. `written` is `full`, or `incremental` when only changed partitions were replaced."""

    file: Path
    dated_copy: Path
    build_id: str
    data_build_id: str | None
    written: str
    tables: int
    rows: int
    rows_written: int
    file_bytes: int
    seconds: float
    warnings: tuple[str, ...] = ()
    anew_because: str | None = None
    """Why the file before was no base; None when it was, and for the first publication."""

    @property
    def message(self) -> str:
        return (
            f"{self.tables} tables, {self.rows:,} rows ({self.rows_written:,} written, {self.written}), {self.file_bytes / 2**20:,.1f} MiB"
        )


@dataclass(frozen=True)
class _Task:
    """One publication: which build, whose data, and every table with what its rows are read from."""

    build_id: str
    data_build_id: str | None
    now: datetime
    park_id: str
    sources: dict[PublicTable, str]


def publish(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    build_id: str,
    *,
    now: datetime,
    manifest: Path | None = None,
    declared: Iterable[Table] = (),
) -> Published:
    """Publish everything public of the open warehouse as this build's. Call before close_build, with no transaction open.

    Args:
        now: when the build ends, naive UTC; stands in the file's own build row.
        manifest: dbt's manifest.json, for descriptions and audiences.
        declared: tables declared in Python besides audit's, for the same.

    Raises:
        PublishError: gate B did not let the build through, scores of a build that did not end well stand in the
            warehouse, or what was written does not equal it. The published file is then the one of the night before.
    """
    if reason := reason_marts_are_closed(con, build_id):
        raise PublishError(f"not published: {reason}")
    _refuse_unfinished_scores(con, build_id)
    closing = _closing(build_id, BuildStatus.PUBLISHED, now, None)
    sources = _sources_in_warehouse(public_tables(con, manifest, declared), closing)
    task = _Task(build_id, build_id, now, settings.park.park_id, sources)
    return _publish(con, settings, task, settings.published_file, ())


def publish_audit_only(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    build_id: str,
    *,
    now: datetime,
    reason: str,
    manifest: Path | None = None,
    declared: Iterable[Table] = (),
) -> Published:
    """After a red night: yesterday's marts, scores and references with today's audit, its own build row and reasons in it.

    If yesterday's file is damaged the newest dated copy that is whole takes its place; if there is none the file holds
    audit alone. Call before or after close_build.
    """
    closing = _closing(build_id, BuildStatus.NOT_PUBLISHED, now, reason)
    audit = _sources_in_warehouse([table for table in public_tables(con, manifest, declared) if table.schema == "audit"], closing)
    warnings: list[str] = []
    for base in (settings.published_file, *_dated_copies(settings)):
        if not base.exists():
            continue
        try:
            with _attached(con, base, _BASE, "read_only"):
                data_build_id = _read_own_row(con, _BASE)["data_build_id"]
                kept = {table: f"{_BASE}.{table.qualified}" for table in _tables_of(con, _BASE) if table.schema != "audit"}
                task = _Task(build_id, data_build_id, now, settings.park.park_id, audit | kept)
                return _publish(con, settings, task, base, warnings)
        except (PublishError, _CannotCarryOver, duckdb.Error) as error:
            warnings.append(f"{base.name} could not be carried over: {_first_line(error)}")
            log.warning(warnings[-1])
    return _publish(con, settings, _Task(build_id, None, now, settings.park.park_id, audit), None, warnings)


def published_build(con: duckdb.DuckDBPyConnection, settings: Settings) -> tuple[str, datetime] | None:
    """Build whose data the published file holds as its own, and when it was put in place; None if there is none.

    A run killed between the swap and close_build has published all the same: ask here before calling it aborted.
    """
    if not settings.published_file.exists():
        return None
    try:
        with _attached(con, settings.published_file, _BASE, "read_only"):
            publication = _read_own_row(con, _BASE)
    except (_CannotCarryOver, duckdb.Error):
        return None
    if publication["build_id"] != publication["data_build_id"]:
        return None
    return publication["build_id"], publication["published_at"]


def sweep(settings: Settings) -> list[Path]:
    """Remove what killed runs left in the making. The write lock is held, so nobody is making one now. Returns what was removed."""
    leftovers = sorted(settings.published.glob(f"{_TEMPORARY}*"))
    for leftover in leftovers:
        leftover.unlink(missing_ok=True)
    return leftovers


# -- the steps -------------------------------------------------------------------------------------------------------------------------


def _closing(build_id: str, status: BuildStatus, now: datetime, reason: str | None) -> str:
    """audit.builds with the build's row as close_build will write it: inside the file that it made, a build has ended."""
    is_open = f"build_id = {_literal(build_id)} and status = {_literal(BuildStatus.RUNNING)}"
    bad = f"{_literal(StepOutcome.WARNED)}, {_literal(StepOutcome.FAILED)}"
    replaced = {
        "closed_at": f"cast({_literal(now.isoformat(' '))} as timestamp)",
        "status": _literal(status),
        "warnings": f"(select count(*) from {STEP_OUTCOMES.qualified} where build_id = {_literal(build_id)} and outcome in ({bad}))",
        "reason": _literal(reason) if reason else "null",
    }
    columns = [
        f"case when {is_open} then {replaced[column.name]} else {column.name} end as {column.name}"
        if column.name in replaced
        else column.name
        for column in BUILDS.columns
    ]
    return f"(select {', '.join(columns)} from {BUILDS.qualified})"


def _sources_in_warehouse(tables: Iterable[PublicTable], closing: str) -> dict[PublicTable, str]:
    builds = (BUILDS.schema, BUILDS.name)
    return {table: closing if (table.schema, table.name) == builds else table.qualified for table in tables}


def _publish(con: duckdb.DuckDBPyConnection, settings: Settings, task: _Task, base: Path | None, warnings: Sequence[str]) -> Published:
    """Write, verify, swap. A base that cannot be carried over is no obstacle: everything is then written anew."""
    started = time.perf_counter()
    settings.published.mkdir(parents=True, exist_ok=True)
    sweep(settings)
    writing = settings.published / f"{_TEMPORARY}{task.build_id}.duckdb"
    try:
        _fingerprints(con, _NOW, task.sources)
        written = anew_because = None
        if base is not None and base.exists():
            try:
                rows_written = _carry_over(con, settings, task, base, writing)
                rows = _verify(con, settings, task, writing)
                written = "incremental"
            except (PublishError, _CannotCarryOver, duckdb.Error, OSError) as error:
                anew_because = _first_line(error)
                log.info("%s is written anew: %s", settings.published_file.name, anew_because)
        if written is None:
            rows_written = _write_anew(con, settings, task, writing)
            rows = _verify(con, settings, task, writing)
            written = "full"
        dated = _swap(settings, writing, task.build_id)
    finally:
        sweep(settings)
        for name in (_NOW, _BEFORE, _CHANGED):
            con.execute(f"drop table if exists temp.{name}")
    _prune(settings)
    return Published(
        file=settings.published_file,
        dated_copy=dated,
        build_id=task.build_id,
        data_build_id=task.data_build_id,
        written=written,
        tables=len(task.sources),
        rows=rows,
        rows_written=rows_written,
        file_bytes=settings.published_file.stat().st_size,
        seconds=time.perf_counter() - started,
        warnings=(*warnings, *_unnamed_audiences(task.sources)),
        anew_because=anew_because,
    )


def _write_anew(con: duckdb.DuckDBPyConnection, settings: Settings, task: _Task, path: Path) -> int:
    """Every table from nothing. Returns the rows written."""
    for leftover in path.parent.glob(f"{path.name}*"):
        leftover.unlink()
    with _attached(con, path, _FILE, f"storage_version {_literal(settings.storage_version)}"):
        # One transaction: hundreds of comments, each waiting for the disk on its own, would take longer than the rows.
        with transaction(con):
            for schema in PUBLIC_SCHEMAS:
                con.execute(f"create schema {_FILE}.{schema}")
            rows = sum(_make_table(con, task, table) for table in task.sources)
            _write_own_tables(con, settings, task, written="full", bytes_when_full=0, rows_when_full=rows)
        con.execute(f"checkpoint {_FILE}")
        # The size is known once all of it is there; the row that says so is small enough not to change it.
        con.execute(f"update {_FILE}.{PUBLICATION.qualified} set bytes_when_full = ?", [path.stat().st_size])
        con.execute(f"checkpoint {_FILE}")
    _sync(path)
    return rows


def _carry_over(con: duckdb.DuckDBPyConnection, settings: Settings, task: _Task, base: Path, path: Path) -> int:
    """A copy of the base in which only what has changed is replaced. Returns the rows written.

    What has changed is found by comparing fingerprints of the warehouse with those that were verified when the base was written:
    no trust in watermarks or touched dates is needed, and a day more on three years writes that day.
    """
    _copy(base, path)
    with _attached(con, path, _FILE, f"storage_version {_literal(settings.storage_version)}"):
        before = _read_own_row(con, _FILE)
        for column, now in (("storage_version", settings.storage_version), ("duckdb_version", duckdb.__version__)):
            if before[column] != now:
                raise _CannotCarryOver(f"{column} was {before[column]} and is {now}")
        size, dense = path.stat().st_size, before["bytes_when_full"] * max(1.0, _rows_now(con) / max(1, before["rows_when_full"]))
        if size > _REWRITE_ABOVE * dense + _SLACK_BYTES:
            raise _CannotCarryOver(f"replaced rows have left holes: it takes {size:,} bytes where {dense:,.0f} would do")
        con.execute(f"create or replace temp table {_BEFORE} ({_FINGERPRINT})")
        con.execute(
            f"insert into {_BEFORE} select schema_name, table_name, partition_value, rows, checksum from {_FILE}.{PUBLISHED_PARTITION.qualified}"
        )
        con.execute(
            f"""
            create or replace temp table {_CHANGED} as
            select schema_name, table_name, partition_value, coalesce(n.rows, 0) as rows_now, coalesce(b.rows, 0) as rows_before
            from {_NOW} as n full join {_BEFORE} as b using (schema_name, table_name, partition_value)
            where n.checksum is distinct from b.checksum or n.rows is distinct from b.rows
            """
        )
        full = {name: before[name] for name in ("bytes_when_full", "rows_when_full")}
        with transaction(con):
            rows = _replace_changed(con, task)
            _write_own_tables(con, settings, task, written="incremental", **full)
        con.execute(f"checkpoint {_FILE}")
    _sync(path)
    return rows


def _replace_changed(con: duckdb.DuckDBPyConnection, task: _Task) -> int:
    carried = {(table.schema, table.name): table for table in _tables_of(con, _FILE)}
    wanted = {(table.schema, table.name): table for table in task.sources}
    for gone in carried.keys() - wanted.keys():
        con.execute(f"drop table {_FILE}.{carried[gone].qualified}")
    changed = {
        (schema, name): (partitions, max(rows_now, rows_before), rows_now)
        for schema, name, partitions, rows_now, rows_before in con.execute(
            f"select schema_name, table_name, list(partition_value), sum(rows_now), sum(rows_before) from {_CHANGED} group by all"
        ).fetchall()
    }
    totals = {
        (schema, name): rows
        for schema, name, rows in con.execute(f"select schema_name, table_name, sum(rows) from {_NOW} group by all").fetchall()
    }
    said = _comments(con)
    written = 0
    for identity, table in wanted.items():
        partitions, touched, rows_now = changed.get(identity, ([], 0, 0))
        as_before = identity in carried and carried[identity].shape == table.shape
        in_part = table.partition_column is not None and touched <= _WHOLE_TABLE_SHARE * totals.get(identity, 0)
        if as_before and not partitions:
            _write_comments(con, table, said)
        elif as_before and in_part:
            where = _where(table, partitions)
            con.execute(f"delete from {_FILE}.{table.qualified} where {where}")
            con.execute(f"insert into {_FILE}.{table.qualified} select {table.column_list} from {task.sources[table]} where {where}")
            _write_comments(con, table, said)
            written += rows_now
        else:
            con.execute(f"drop table if exists {_FILE}.{table.qualified}")
            written += _make_table(con, task, table)
    return written


def _where(table: PublicTable, partitions: list[str]) -> str:
    """The rows of some partitions. Dates are written out, so that row groups of other dates are not even read."""
    column = quoted(table.partition_column)
    values = sorted(value for value in partitions if value)
    conditions = [f"{column} is null"] if "" in partitions else []
    if values:
        is_date = next(each.data_type for each in table.columns if each.name == table.partition_column) == "DATE"
        listed = ", ".join(f"date '{value}'" if is_date else _literal(value) for value in values)
        bounds = f"{column} between date '{values[0]}' and date '{values[-1]}' and " if is_date else ""
        conditions.append(f"({bounds}{column} in ({listed}))")
    return " or ".join(conditions)


def _make_table(con: duckdb.DuckDBPyConnection, task: _Task, table: PublicTable) -> int:
    """By its declaration, then rows, then comments: `create table as` would lose constraints and comments."""
    con.execute(table.ddl(_FILE))
    (rows,) = con.execute(f"insert into {_FILE}.{table.qualified} select {table.column_list} from {task.sources[table]}").fetchone()
    _write_comments(con, table, {})
    return rows


def _comments(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str | None], str | None]:
    """Comments of the file as they stand: by schema, table and column, the column None for the table's own."""
    rows = con.execute(
        "select schema_name, table_name, null, comment from duckdb_tables() where database_name = ? "
        "union all select schema_name, table_name, column_name, comment from duckdb_columns() where database_name = ?",
        [_FILE, _FILE],
    ).fetchall()
    return {(schema, table, column): comment for schema, table, column, comment in rows}


def _write_comments(con: duckdb.DuckDBPyConnection, table: PublicTable, said: Mapping[tuple[str, str, str | None], str | None]) -> None:
    """Only those that read otherwise than what is said already."""
    where = (table.schema, table.name)
    if (table.description or None) != said.get((*where, None)):
        con.execute(f"comment on table {_FILE}.{table.qualified} is {_literal(table.description or '')}")
    for column in table.columns:
        if column.comment != said.get((*where, column.name)):
            con.execute(f"comment on column {_FILE}.{table.qualified}.{quoted(column.name)} is {_literal(column.comment)}")


def _write_own_tables(
    con: duckdb.DuckDBPyConnection, settings: Settings, task: _Task, *, written: str, bytes_when_full: int, rows_when_full: int
) -> None:
    """What the file says of itself: its row, its fingerprints, and the dictionary of its columns."""
    for declared in OF_THE_FILE:
        con.execute(f"drop table if exists {_FILE}.{declared.qualified}")
        con.execute(described(declared).ddl(_FILE))
        _write_comments(con, described(declared), {})
    said = [task.park_id, task.build_id, task.data_build_id, task.now, written, bytes_when_full, rows_when_full]
    said += [settings.storage_version, duckdb.__version__]
    con.execute(f"insert into {_FILE}.{PUBLICATION.qualified} values ({', '.join('?' for _ in said)})", said)
    cut = [(table.schema, table.name, table.partition_column) for table in task.sources]
    con.execute(
        f"""
        insert into {_FILE}.{PUBLISHED_PARTITION.qualified}
        select ?, schema_name, table_name, cut.partition_column, partition_value, rows, checksum
        from {_NOW} join (select unnest(?) as schema_name, unnest(?) as table_name, unnest(?::varchar[]) as partition_column) as cut
        using (schema_name, table_name) order by all
        """,
        [task.park_id, *map(list, zip(*cut, strict=True))],
    )
    _write_dictionary(con, task)


def _write_dictionary(con: duckdb.DuckDBPyConnection, task: _Task) -> None:
    rows = [
        (task.park_id, table.schema, table.name, table.description, column.name, at, column.data_type, column.description, column.audience)
        for table in sorted((*task.sources, *map(described, OF_THE_FILE)), key=lambda each: (each.schema, each.name))
        for at, column in enumerate(table.columns, start=1)
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    types = [column.duckdb_type for column in DATA_DICTIONARY.columns]
    con.execute(f"insert into {_FILE}.{DATA_DICTIONARY.qualified} select {', '.join(f'unnest(?::{name}[])' for name in types)}", columns)


# -- reading back ----------------------------------------------------------------------------------------------------------------------


def _verify(con: duckdb.DuckDBPyConnection, settings: Settings, task: _Task, path: Path) -> int:
    """Read the whole file back, read-only, and compare it with the warehouse. Returns its rows.

    Raises PublishError naming the first table and partition that differ. Every block is read, so one that was
    damaged on its way to the disk is found too: DuckDB checks each against its own checksum.
    """
    with _attached(con, path, _FILE, "read_only"):
        (tag,) = con.execute("select tags['storage_version'] from duckdb_databases() where database_name = ?", [_FILE]).fetchone()
        if tag is not None and _version(tag) > _version(settings.storage_version):
            raise PublishError(f"{path.name} needs DuckDB {tag}, and {settings.storage_version} must be able to read it")
        present = _tables_of(con, _FILE)
        shapes = {(table.schema, table.name): table.shape for table in present}
        wanted = {(table.schema, table.name): table.shape for table in task.sources}
        for schema, name in sorted(shapes.keys() | wanted.keys()):
            if shapes.get((schema, name)) != wanted.get((schema, name)):
                raise PublishError(f"{path.name}: {schema}.{name} is not there as the warehouse has it, with the same columns")
        _fingerprints(con, _CHANGED, {table: f"{_FILE}.{table.qualified}" for table in present})
        different = con.execute(
            f"""
            select schema_name, table_name, partition_value, n.rows, f.rows
            from {_NOW} as n full join {_CHANGED} as f using (schema_name, table_name, partition_value)
            where n.checksum is distinct from f.checksum or n.rows is distinct from f.rows order by all limit 1
            """
        ).fetchone()
        if different:
            schema, name, partition, expected, found = different
            where = f"{schema}.{name}" + (f" ({partition})" if partition else "")
            raise PublishError(
                f"{path.name} differs from the warehouse in {where}: {found or 0:,} rows for {expected or 0:,}, or other values"
            )
    return _rows_now(con)


def _rows_now(con: duckdb.DuckDBPyConnection) -> int:
    return int(con.execute(f"select coalesce(sum(rows), 0) from {_NOW}").fetchone()[0])


def _fingerprints(con: duckdb.DuckDBPyConnection, into: str, sources: Mapping[PublicTable, str]) -> None:
    """Rows and checksum of every partition, into a temporary table.

    The checksum is the sum of the rows' hashes: independent of their order, sensitive to a row that stands twice.
    """
    con.execute(f"create or replace temp table {into} ({_FINGERPRINT})")
    for table, source in sources.items():
        column = quoted(table.partition_column) if table.partition_column else "null"
        con.execute(
            f"insert into {into} select ?, ?, coalesce(cast(partition_value as varchar), ''), rows, cast(checksum as varchar) from ("
            f"select {column} as partition_value, count(*) as rows, sum(hash({table.column_list})) as checksum from {source} group by 1)",
            [table.schema, table.name],
        )


def _tables_of(con: duckdb.DuckDBPyConnection, database: str) -> list[PublicTable]:
    """What an attached publication holds, but for the tables it has about itself."""
    own = {(table.schema, table.name) for table in OF_THE_FILE}
    return [table for table in public_tables(con, database=database) if (table.schema, table.name) not in own]


def _read_own_row(con: duckdb.DuckDBPyConnection, database: str) -> dict[str, object]:
    columns = [column.name for column in PUBLICATION.columns]
    try:
        row = con.execute(f"select {', '.join(columns)} from {database}.{PUBLICATION.qualified}").fetchone()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise _CannotCarryOver(f"it has no {PUBLICATION.qualified} of this version") from error
    if row is None:
        raise _CannotCarryOver(f"{PUBLICATION.qualified} is empty")
    return dict(zip(columns, row, strict=True))


def _refuse_unfinished_scores(con: duckdb.DuckDBPyConnection, build_id: str) -> None:
    """Scores carry the build that made them; one that was killed or stopped must not come out under a later build's name."""
    columns = con.execute(
        "select table_name, column_name from duckdb_columns() where database_name = current_database() and schema_name = 'assessment' "
        "and column_name in ('build_id', 'first_build_id', 'superseded_by_build_id') order by all"
    ).fetchall()
    for table, column in columns:
        unfinished = con.execute(
            f"select distinct {column} from assessment.{quoted(table)} where {column} <> ? "
            f"and {column} not in (select build_id from {BUILDS.qualified} where status = ?)",
            [build_id, BuildStatus.PUBLISHED],
        ).fetchall()
        if unfinished:
            raise PublishError(
                f"not published: assessment.{table}.{column} names build {unfinished[0][0]}, which did not end well; "
                f"assess again in build {build_id} and its rows go"
            )


# -- files -----------------------------------------------------------------------------------------------------------------------------


@contextmanager
def _attached(con: duckdb.DuckDBPyConnection, path: Path, name: str, option: str) -> Iterator[None]:
    con.execute(f"attach {_literal(str(path))} as {name} ({option})")
    try:
        yield
    finally:
        with suppress(duckdb.Error):
            con.execute(f"detach {name}")


def _copy(source: Path, target: Path) -> None:
    """Inside the kernel, sharing blocks where the file system can: two thirds of a second for 600 MB where it cannot."""
    target.unlink(missing_ok=True)
    with source.open("rb") as reading, target.open("wb") as writing:
        size = os.fstat(reading.fileno()).st_size
        copied = 0
        try:
            while copied < size:
                step = os.copy_file_range(reading.fileno(), writing.fileno(), min(_COPY_BYTES, size - copied))
                if step == 0:
                    raise OSError(f"{source} became shorter while it was copied")
                copied += step
        except OSError:
            # Not every file system can (two devices, some network mounts); reading and writing always works.
            reading.seek(0)
            writing.seek(0)
            writing.truncate()
            shutil.copyfileobj(reading, writing, 1 << 22)


def _swap(settings: Settings, writing: Path, build_id: str) -> Path:
    """Give the new file the published name: the one moment at which analysts see anything change. Returns the dated copy.

    A dated copy shares its bytes with the published file, so neither may be written to again.
    """
    if (wal := writing.with_name(f"{writing.name}.wal")).exists():
        raise PublishError(f"{writing.name} has unwritten changes in {wal.name}")
    writing.chmod(0o444)
    dated = settings.published / _DATED.format(build_id=build_id)
    linking = settings.published / f"{_TEMPORARY}{build_id}.dated"
    writing.replace(settings.published_file)
    _sync(settings.published)
    try:
        linking.hardlink_to(settings.published_file)
    except OSError:
        shutil.copy2(settings.published_file, linking)
    linking.replace(dated)
    _sync(settings.published)
    return dated


def _dated_copies(settings: Settings) -> list[Path]:
    """Newest first: build ids sort by time."""
    return sorted(settings.published.glob(_DATED.format(build_id="*")), reverse=True)


def _prune(settings: Settings) -> None:
    for copy in _dated_copies(settings)[settings.keep_published :]:
        copy.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """On the disk, not only on its way there: a swap must not survive a power cut that the bytes do not."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unnamed_audiences(tables: Iterable[PublicTable]) -> list[str]:
    unnamed = [f"{table.schema}.{table.name}.{column.name}" for table in tables for column in table.columns if not column.audience_is_given]
    return [f"{len(unnamed)} public columns name no audience and count as for auditors, {unnamed[0]} among them"] if unnamed else []


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.strip("v+").split("."))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
