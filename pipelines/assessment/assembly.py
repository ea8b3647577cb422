"""Reads what the methods need, has them run, and writes what they found. The one file here that knows the warehouse.

All methods of a build are one transaction. How something is computed stands with its method, which methods there are in
`methods`; a table's latest rows and its history are written here, the same way for all.
"""
# ruff: noqa: S608 - names come from our own declarations; values are bound parameters

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from pipelines.assessment.method import Context, Frames, Method, Outcome, Result, Source
from pipelines.assessment.methods import METHODS
from pipelines.contracts.standards import Standards
from pipelines.contracts.states import BuildStatus
from pipelines.settings import Settings, local_date
from pipelines.warehouse.connection import transaction
from pipelines.warehouse.tables import BUILDS, Table
from pipelines.warehouse.verdicts import reason_marts_are_closed

_SAME = 1e-9
"""Relative difference below which a number has not changed: sums of floats depend on the order they were taken in."""
_REFERENCE = "reference."
_HANDED_OVER = itertools.count(1)
"""Numbers of the files that frames are handed over in."""


class ScoresRefused(RuntimeError):
    """Nothing was scored, and the scores of the build before stand; the message says why."""


@dataclass(frozen=True)
class Assessment:
    """What one method did in one build; `changed` counts rows that differ from the build before, by result."""

    method: Method
    outcome: Outcome
    changed: dict[str, int]

    @property
    def rows(self) -> int:
        return sum(frame.height for frame in self.outcome.frames.values())

    @property
    def message(self) -> str:
        changed = ", ".join(f"{count} of {name}" for name, count in self.changed.items() if count)
        return f"{self.outcome.message}; changed: {changed or 'nothing'}"


def assess_park(
    con: duckdb.DuckDBPyConnection, settings: Settings, standards: Standards, build_id: str, methods: Sequence[Method] = METHODS
) -> list[Assessment]:
    """Run every method, in order, and write what differs from the build before.

    All of it is one transaction. Results that a killed or stopped build left behind are taken back first, so that
    a build repeated gives what an undisturbed one would have given.

    Raises:
        ScoresRefused: gate B did not let this build's marts through.
        StandardsError: a standard is wrong, with everything that is wrong in it.
    """
    if reason := reason_marts_are_closed(con, build_id):
        raise ScoresRefused(f"no scores: {reason}")
    ensure_tables(con, methods)
    context = Context(settings.park.park_id, _local_date_of_build(con, build_id, settings.zone), standards)
    done: list[Assessment] = []
    computed: dict[str, pl.DataFrame] = {}
    read: dict[Source, pl.DataFrame] = {}
    for method in methods:
        frames = {name: _frame(con, source, computed, read) for name, source in method.reads.items()}
        outcome = method.run(frames, context)
        of_build = {"park_id": context.park_id, "rule_version": rule_version(method, frames), "build_id": build_id}
        outcome = Outcome(
            {result.name: _as_table(outcome.frames[result.name], result, of_build) for result in method.results},
            outcome.message,
            outcome.warnings,
        )
        computed |= {result.latest.qualified: outcome.frames[result.name] for result in method.results}
        done.append(Assessment(method, outcome, {}))
    with transaction(con):
        _take_back_unfinished(con, build_id, [result for method in methods for result in method.results])
        for assessment in done:
            for result in assessment.method.results:
                frame = assessment.outcome.frames[result.name]
                assessment.changed[result.name] = _write(con, settings, build_id, frame, result.latest, result.history)
    return done


def ensure_tables(con: duckdb.DuckDBPyConnection, methods: Iterable[Method] = METHODS) -> None:
    """Make sure the tables exist and have every declared column; a column that is new holds null in older rows."""
    con.execute("create schema if not exists assessment")
    for table in (table for method in methods for result in method.results for table in (result.latest, result.history)):
        con.execute(table.ddl)
        found = {
            name
            for (name,) in con.execute(
                "select column_name from duckdb_columns() where schema_name = ? and table_name = ?", [table.schema, table.name]
            ).fetchall()
        }
        for column in table.columns:
            if column.name not in found:
                con.execute(f"alter table {table.qualified} add column {column.name} {column.duckdb_type}")


def rule_version(method: Method, frames: Frames) -> str:
    """Method, version, and a hash of every reference row it read: equal versions mean equal rules."""
    digest = hashlib.sha256()
    for name, source in sorted(method.reads.items()):
        if source.table.startswith(_REFERENCE):
            rows = frames[name].select(pl.all().cast(pl.String)).select(pl.concat_str(pl.all().fill_null("\x00"), separator="\x1f"))
            digest.update("\x1e".join([source.table, *sorted(rows.to_series().to_list())]).encode())
    return f"{method.name} {method.version} {digest.hexdigest()[:12]}"


# -- reading ---------------------------------------------------------------------------------------------------------------------------


def _frame(
    con: duckdb.DuckDBPyConnection, source: Source, computed: dict[str, pl.DataFrame], read: dict[Source, pl.DataFrame]
) -> pl.DataFrame:
    """A source as a frame; a result of this build comes from the method that has just computed it, and is read once by all."""
    if source.table in computed:
        return computed[source.table].select(source.columns)
    if source not in read:
        read[source] = _query(con, f"select {', '.join(source.columns)} from {source.table}")
    return read[source]


def _query(con: duckdb.DuckDBPyConnection, sql: str) -> pl.DataFrame:
    """Through Arrow: a frame as DuckDB has it, dates as dates and lists as lists."""
    return pl.DataFrame(con.sql(sql))


def _local_date_of_build(con: duckdb.DuckDBPyConnection, build_id: str, zone: ZoneInfo) -> date:
    """The park's calendar on the night of the build: a build repeated next month must grade the same periods."""
    found = con.execute(f"select started_at from {BUILDS.qualified} where build_id = ?", [build_id]).fetchone()
    if found is None:
        raise ScoresRefused(f"no scores: build {build_id} is not known to {BUILDS.qualified}; open it first")
    return local_date(found[0], zone)


# -- writing ---------------------------------------------------------------------------------------------------------------------------


def _as_table(frame: pl.DataFrame, result: Result, of_build: dict[str, str]) -> pl.DataFrame:
    """The table's columns in its order and types. What every row of a build shares is filled in where the method has not said it.

    Raises ValueError when a method returns a column that the table does not have, or two rows for one key.
    """
    schema = result.schema
    if unknown := sorted(set(frame.columns) - set(schema)):
        raise ValueError(f"{result.latest.qualified}: a method returned {', '.join(unknown)}; the table has {', '.join(schema)}")
    frame = frame.with_columns(pl.lit(value).alias(name) for name, value in of_build.items() if name not in frame.columns)
    missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in schema.items() if name not in frame.columns]
    frame = frame.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in schema.items())
    if (twice := frame.select(result.latest.key).is_duplicated()).any():
        raise ValueError(f"{result.latest.qualified}: two rows for {frame.filter(twice).select(result.latest.key).row(0, named=True)}")
    return frame


def _take_back_unfinished(con: duckdb.DuckDBPyConnection, build_id: str, results: Iterable[Result]) -> None:
    """As if no build had scored but those that were published: rows of the others go, rows they had superseded hold again."""
    unfinished = f"select build_id from {BUILDS.qualified} where status <> '{BuildStatus.PUBLISHED}' union all select ?"
    for history in (result.history for result in results):
        con.execute(f"delete from {history.qualified} where first_build_id in ({unfinished})", [build_id])
        con.execute(
            f"update {history.qualified} set last_build_id = null, superseded_by_build_id = null where superseded_by_build_id in ({unfinished})",
            [build_id],
        )


def _write(con: duckdb.DuckDBPyConnection, settings: Settings, build_id: str, frame: pl.DataFrame, latest: Table, history: Table) -> int:
    """Replace the latest, append to the history what differs from it. Returns the rows that differ."""
    con.execute(f"delete from {latest.qualified}")
    _insert(con, settings, frame, latest)
    held = _query(
        con,
        f"select * exclude (first_build_id, last_build_id, superseded_by_build_id) from {history.qualified} where superseded_by_build_id is null",
    )
    new, gone = _differences(frame, held, latest)
    last_published = con.execute(
        f"select max(build_id) from {BUILDS.qualified} where status = ? and build_id < ?", [BuildStatus.PUBLISHED, build_id]
    ).fetchone()[0]
    closed = pl.concat([gone, new.select(gone.columns)])
    if not closed.is_empty():
        matches = " and ".join(f"h.{name} is not distinct from c.{name}" for name in latest.key)
        with _handed_over(settings, closed) as source:
            con.execute(
                f"update {history.qualified} as h set last_build_id = ?, superseded_by_build_id = ? from {source} as c "
                f"where h.superseded_by_build_id is null and {matches}",
                [last_published, build_id],
            )
    _insert(con, settings, new.with_columns(first_build_id=pl.lit(build_id)), history)
    return new.height


def _differences(now: pl.DataFrame, held: pl.DataFrame, table: Table) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that are new or say something else than the held one of their key, and keys that are no longer there."""
    key = list(table.key)
    compared = [column for column in table.columns if column.name not in (*key, "build_id")]
    pairs = now.join(held.with_columns(is_held=pl.lit(True)), on=key, how="left", suffix="_held")
    differs = [_differs(column.name, column.dtype) for column in compared]
    new = pairs.filter(pl.col("is_held").is_null() | pl.any_horizontal(differs)).select(now.columns)
    return new, held.join(now, on=key, how="anti").select(key)


def _differs(name: str, dtype: pl.DataType) -> pl.Expr:
    new, old = pl.col(name), pl.col(f"{name}_held")
    if dtype == pl.Float64():
        close = (new - old).abs() <= _SAME * pl.max_horizontal(new.abs(), old.abs())
        return (new.is_null() != old.is_null()) | ~close.fill_null(True)
    return new.ne_missing(old)


def _insert(con: duckdb.DuckDBPyConnection, settings: Settings, frame: pl.DataFrame, table: Table) -> None:
    if frame.is_empty():
        return
    columns = ", ".join(frame.columns)
    with _handed_over(settings, frame) as source:
        con.execute(f"insert into {table.qualified} ({columns}) select {columns} from {source}")


@contextmanager
def _handed_over(settings: Settings, frame: pl.DataFrame) -> Iterator[str]:
    """A frame as something DuckDB can read: through Parquet, because no pyarrow stands between the two.

    Each under a name of its own: DuckDB keeps the footer of a file by name, size and second, and would read by that of
    the file before.
    """
    path = settings.warehouse.parent / f".scores_{next(_HANDED_OVER)}.parquet"
    frame.write_parquet(path)
    try:
        escaped = str(path).replace("'", "''")
        yield f"read_parquet('{escaped}')"
    finally:
        path.unlink(missing_ok=True)
