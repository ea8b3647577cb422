"""The public tables as Parquet, for tools that do not read DuckDB: `published/parquet/<schema>/<table>/*.parquet`.

Made from the published file, so that both say the same. A set of files is put in place in one step: the folder's name
is a link that is turned to a new folder, in which files that have not changed are the old ones. What is public is
decided in `catalog`.
"""
# ruff: noqa: S608 - names come from the published file's own catalog; values are written out as literals

import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.publish.catalog import OF_THE_FILE, PUBLICATION, PUBLISHED_PARTITION, quoted
from pipelines.settings import Settings

_LINK = "parquet"
_FOLDER = "parquet_{build_id}"
_LISTING = "files.json"
"""In every folder: file → rows and checksum, by which the next export knows what has not changed."""
_TEMPORARY = ".parquet.writing"
_KEPT = 2
"""The folder in use and the one before: a reader that has listed its files can still open them."""


@dataclass(frozen=True)
class Exported:
    folder: Path
    files: int
    files_written: int
    rows_written: int
    seconds: float

    @property
    def message(self) -> str:
        return f"{self.files} files, {self.files_written} of them written ({self.rows_written:,} rows)"


def export_parquet(con: duckdb.DuckDBPyConnection, settings: Settings) -> Exported:
    """Bring the Parquet export up to the published file. Call after publishing, with no transaction open.

    Tables cut by date are written one file a month, the others as one file. A file is written when the checksum of its
    rows, which stands in the published file, is another than in the last export; otherwise it is linked.
    """
    started = time.perf_counter()
    link = settings.published / _LINK
    con.execute(f"attach {_literal(str(settings.published_file))} as exporting (read_only)")
    try:
        (build_id, version) = con.execute(f"select build_id, duckdb_version from exporting.{PUBLICATION.qualified}").fetchone()
        folder = settings.published / _FOLDER.format(build_id=build_id)
        working = settings.published / _TEMPORARY
        shutil.rmtree(working, ignore_errors=True)
        working.mkdir(parents=True)
        before = _listing(link)
        columns = _columns(con)
        listing, written, rows_written = {}, [], 0
        for name, (table, where, rows, checksum) in _wanted(con).items():
            target = working / name
            target.parent.mkdir(parents=True, exist_ok=True)
            listing[name] = {"rows": rows, "checksum": f"{version}:{checksum}", "columns": columns[table]}
            if before.get(name) == listing[name] and _link(link / name, target):
                continue
            con.execute(
                f"copy (select * from exporting.{table} where {where}) to {_literal(str(target))} (format parquet, compression zstd)"
            )
            written.append(target)
            rows_written += rows
        for target in written:
            _sync(target)
        (working / _LISTING).write_text(json.dumps(listing, indent=0, sort_keys=True), encoding="utf-8")
    finally:
        con.execute("detach exporting")
    _put_in_place(settings, working, folder, link)
    return Exported(link, len(listing), len(written), rows_written, time.perf_counter() - started)


def _columns(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Table → names and types of its columns: values may stay while a column takes another name."""
    rows = con.execute(
        "select schema_name, table_name, string_agg(column_name || ' ' || data_type, ', ' order by column_index) from duckdb_columns() "
        "where database_name = 'exporting' group by all"
    ).fetchall()
    return {f"{quoted(schema)}.{quoted(table)}": text for schema, table, text in rows}


def _wanted(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, str, int, int]]:
    """File → table, condition, rows, checksum. Checksums of partitions add up to that of a month."""
    own = ", ".join(f"'{table.qualified}'" for table in OF_THE_FILE)
    parts = con.execute(
        f"""
        with parts as (
            select
                p.*,
                case when c.data_type = 'DATE' then substr(p.partition_value, 1, 7) else null end as month,
                c.data_type = 'DATE' as by_month
            from exporting.{PUBLISHED_PARTITION.qualified} as p
            left join (select * from duckdb_columns() where database_name = 'exporting') as c
                on c.schema_name = p.schema_name and c.table_name = p.table_name and c.column_name = p.partition_column
        )
        select schema_name, table_name, partition_column, coalesce(by_month, false), month, cast(sum(rows) as bigint), sum(cast(checksum as hugeint))
        from parts group by all order by all
        """
    ).fetchall()
    wanted = {}
    for schema, table, column, by_month, month, rows, checksum in parts:
        name = f"{month or 'undated'}.parquet" if by_month else "all.parquet"
        where = "true" if not by_month else f"{quoted(column)} is null" if not month else _in_month(quoted(column), month)
        wanted[f"{schema}/{table}/{name}"] = (f"{quoted(schema)}.{quoted(table)}", where, rows, checksum)
    empty = con.execute(
        f"select schema_name, table_name from duckdb_tables() where database_name = 'exporting' and schema_name || '.' || table_name not in ({own}) "
    ).fetchall()
    filled = {(schema, table) for schema, table, *_ in parts}
    for schema, table in empty:
        if (schema, table) not in filled:
            # A table without rows is still a table: its columns can be read, and a missing folder would be an error at the reader's.
            wanted[f"{schema}/{table}/all.parquet"] = (f"{quoted(schema)}.{quoted(table)}", "true", 0, 0)
    return wanted


def _in_month(column: str, month: str) -> str:
    return f"{column} >= date '{month}-01' and {column} < date '{month}-01' + interval 1 month"


def _listing(link: Path) -> dict[str, dict]:
    try:
        return json.loads((link / _LISTING).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _link(old: Path, new: Path) -> bool:
    try:
        new.hardlink_to(old.resolve())
    except OSError:
        return False
    return True


def _put_in_place(settings: Settings, working: Path, folder: Path, link: Path) -> None:
    """Turn the link: readers see the old set or the new one, never a mixture."""
    if folder.exists():
        # The same build exported before: its folder may be the one in use, so the new one takes another name.
        folder = folder.with_name(f"{folder.name}_{time.time_ns()}")
    working.replace(folder)
    turning = link.with_name(f"{_TEMPORARY}.link")
    turning.unlink(missing_ok=True)
    turning.symlink_to(folder.name)
    turning.replace(link)
    _sync(link.parent)
    for old in sorted(settings.published.glob(_FOLDER.format(build_id="*")), key=lambda path: path.stat().st_mtime_ns, reverse=True)[
        _KEPT:
    ]:
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
