"""Standards into the warehouse: the park's own rows for dbt, and what has changed since the last time.

A changed factor, limit or weight is a change like a delivery: it touches the park over the dates the
row holds, before and after. Base seeds are loaded by dbt; what a standard means is dbt's and the
assessment's business.
"""
# ruff: noqa: S608 - table names come from seed file names, which load_standards has checked; values travel as Parquet

import hashlib
import re
import tempfile
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from pipelines.contracts.standards import Standards
from pipelines.warehouse.builds import next_change_seq
from pipelines.warehouse.connection import transaction
from pipelines.warehouse.tables import STANDARD_ROW, TOUCHED

_SEED_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_COLUMN_NAME = re.compile(r"^[a-z_][a-z0-9_]*$")

# The hash is over names and texts: a renamed column is a changed row, null is not the empty text.
_ROW_HASH = "md5(concat_ws(chr(30), {columns}))"

_WHOLE = "(all)"
"""Pseudo seed whose one row is the hash of everything: a night without a new standard ends with it."""


def standards_stand(con: duckdb.DuckDBPyConnection, standards: Standards) -> bool:
    """Whether the warehouse holds these standards already, the park's own rows as such: nothing is to be loaded then."""
    found = con.execute(f"select row_hash from {STANDARD_ROW.qualified} where seed = ?", [_WHOLE]).fetchone()
    return found == (_hash_of_all(standards),)


def load_standards_into(con: duckdb.DuckDBPyConnection, standards: Standards, park_id: str, now: datetime) -> int | None:
    """Bring `landing.own_<seed>` and `landing.standard_row` to the given standards, in one transaction.

    Returns the change_seq under which changed rows were written to `landing.touched`, None when
    nothing had changed. The very first load touches nothing: no mart has been built from older rows.
    """
    if standards_stand(con, standards):
        return None
    _check_names(standards)
    with tempfile.TemporaryDirectory(prefix="standards-") as folder, transaction(con):
        for name in standards.names:
            _replace_own_rows(con, standards, name, Path(folder))
        _drop_own_tables_without_seed(con, standards)
        _read_rows_now(con, standards, Path(folder))
        con.execute(f"delete from {STANDARD_ROW.qualified} where seed = ?", [_WHOLE])
        first = con.execute(f"select not exists (select 1 from {STANDARD_ROW.qualified})").fetchone() == (True,)
        con.execute(
            f"""
            create or replace temp table standard_changes as
            select seed, valid_from, valid_to
            from (select seed, row_hash, valid_from, valid_to from standard_rows_now
                  except all select seed, row_hash, valid_from, valid_to from {STANDARD_ROW.qualified})
            union all
            select seed, valid_from, valid_to
            from (select seed, row_hash, valid_from, valid_to from {STANDARD_ROW.qualified}
                  except all select seed, row_hash, valid_from, valid_to from standard_rows_now)
            """
        )
        changed = con.execute("select count(*) from standard_changes").fetchone()[0]
        # Rows that stay keep the moment they were first seen.
        con.execute(f"delete from {STANDARD_ROW.qualified} where (seed, row_hash) not in (select (seed, row_hash) from standard_rows_now)")
        con.execute(
            f"""
            insert into {STANDARD_ROW.qualified} (seed, row_hash, valid_from, valid_to, seen_at)
            select seed, row_hash, valid_from, valid_to, ?
            from standard_rows_now where (seed, row_hash) not in (select (seed, row_hash) from {STANDARD_ROW.qualified})
            """,
            [now],
        )
        con.execute(f"insert into {STANDARD_ROW.qualified} values (?, ?, null, null, ?)", [_WHOLE, _hash_of_all(standards), now])
        if first or not changed:
            return None
        change_seq = next_change_seq(con)
        con.execute(
            f"""
            insert into {TOUCHED.qualified} (change_seq, entity_kind, entity_id, date_from, date_to, cause, delivery_id)
            select distinct
                ?, 'park', ?, coalesce(valid_from, date '1900-01-01'), coalesce(valid_to - 1, date '9999-12-31'), seed, null
            from standard_changes
            """,
            [change_seq, park_id],
        )
        return change_seq


def _hash_of_all(standards: Standards) -> str:
    """Of all rows, and of which of them are the park's own: a row that moves from one to the other changes two tables."""
    own = ",".join(f"{name}:{standards.own(name).height}" for name in standards.names)
    return hashlib.sha256(f"{standards.hash}\x1f{own}".encode()).hexdigest()[:16]


def _check_names(standards: Standards) -> None:
    for name in standards.names:
        columns = standards.base[name].columns
        if wrong := [text for text in (name, *columns) if not (_COLUMN_NAME if text != name else _SEED_NAME).match(text)]:
            raise ValueError(
                f"{name}.csv: {', '.join(map(repr, wrong))}: names of seeds and their columns are lower case letters, digits and _"
            )


def _replace_own_rows(con: duckdb.DuckDBPyConnection, standards: Standards, name: str, folder: Path) -> None:
    """`landing.own_<seed>` always exists with the seed's columns, so that dbt's staging needs no condition."""
    own = standards.own(name)
    found = con.execute(
        "select column_name from duckdb_columns() where database_name = current_database() and schema_name = 'landing' and table_name = ? "
        "order by column_index",
        [f"own_{name}"],
    ).fetchall()
    if [column for (column,) in found] == own.columns:
        con.execute(f"delete from landing.own_{name}")
    else:
        columns = ", ".join(f"{column} varchar" for column in own.columns)
        con.execute(f"create or replace table landing.own_{name} ({columns})")
    if not own.is_empty():
        own.write_parquet(folder / f"own_{name}.parquet")
        con.execute(f"insert into landing.own_{name} by name select * from read_parquet(?)", [str(folder / f"own_{name}.parquet")])


def _drop_own_tables_without_seed(con: duckdb.DuckDBPyConnection, standards: Standards) -> None:
    tables = con.execute(
        "select table_name from duckdb_tables() "
        "where database_name = current_database() and schema_name = 'landing' and table_name like 'own\\_%' escape '\\'"
    ).fetchall()
    for (table,) in tables:
        if table.removeprefix("own_") not in standards.names:
            con.execute(f"drop table landing.{table}")


def _read_rows_now(con: duckdb.DuckDBPyConnection, standards: Standards, folder: Path) -> None:
    con.execute("create or replace temp table standard_rows_now (seed varchar, row_hash varchar, valid_from date, valid_to date)")
    for name in standards.names:
        frame: pl.DataFrame = standards.seed(name)
        if frame.is_empty():
            continue
        path = folder / f"{name}.parquet"
        frame.write_parquet(path)
        named = ", ".join(f"'{column}=' || coalesce({column}, chr(0))" for column in frame.columns)
        con.execute(
            f"""
            insert into standard_rows_now
            select distinct '{name}', {_ROW_HASH.format(columns=named)}, cast(valid_from as date), cast(valid_to as date)
            from read_parquet(?)
            """,
            [str(path)],
        )
