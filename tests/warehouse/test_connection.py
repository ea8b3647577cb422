"""Opening the warehouse: tables, time zone, limits, and errors that a person understands."""

import errno
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.contracts.records import RECORD_TYPES
from pipelines.settings import Settings
from pipelines.warehouse import connection
from pipelines.warehouse.connection import (
    DiskFull,
    MemoryExhausted,
    WarehouseBusy,
    WarehouseUnreadable,
    ensure_layout,
    explain,
    open_warehouse,
    transaction,
)
from pipelines.warehouse.tables import LAYOUT, SCHEMAS, TABLES
from tests.ingest.depot import make_settings


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, tuple[str, bool]]:
    schema, name = table.split(".")
    rows = con.execute(
        "select column_name, lower(data_type), is_nullable from duckdb_columns() where schema_name = ? and table_name = ?", [schema, name]
    ).fetchall()
    return {column: (kind, nullable) for column, kind, nullable in rows}


def test_every_declared_table_is_there_with_its_columns_and_comments(home: Settings) -> None:
    with open_warehouse(home) as con:
        for table in TABLES:
            assert _columns(con, table.qualified) == {c.name: (c.duckdb_type, not c.required) for c in table.columns}, table.qualified
        comments = dict(con.execute("select schema_name || '.' || table_name, comment from duckdb_tables()").fetchall())
        assert {table.qualified: table.grain for table in TABLES}.items() <= comments.items()
        schemas = {
            name for (name,) in con.execute("select schema_name from duckdb_schemas() where database_name = current_database()").fetchall()
        }
        assert set(SCHEMAS) <= schemas


def test_keys_of_landing_may_not_be_null() -> None:
    """The joins that find duplicates and revisions compare keys with =, which never finds a null."""
    for record in RECORD_TYPES.values():
        assert all(record.by_name[name].required for name in record.key), record.name


def test_time_is_utc_whatever_the_machine_says(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        with open_warehouse(home) as con:
            assert con.execute("select current_setting('TimeZone')").fetchone() == ("UTC",)
            con.execute("create table t (moment timestamp)")
            con.execute("insert into t select timestamptz '2026-01-01 08:00:00+08'")
            assert con.execute("select moment from t").fetchone() == (datetime(2026, 1, 1),)
            assert abs((con.execute("select now()::timestamp").fetchone()[0] - datetime.utcnow()).total_seconds()) < 5  # noqa: DTZ003 - naive UTC is what is tested
    finally:
        monkeypatch.undo()
        time.tzset()


def test_limits_come_from_the_settings(tmp_path: Path) -> None:
    with open_warehouse(make_settings(tmp_path, memory_limit="300MB", threads=1)) as con:
        assert con.execute("select current_setting('threads')").fetchone() == (1,)
        assert "MiB" in con.execute("select current_setting('memory_limit')").fetchone()[0]
        assert con.execute("select current_setting('temp_directory')").fetchone()[0].startswith(str(tmp_path))
        assert con.execute("select current_setting('preserve_insertion_order')").fetchone() == (False,)


def test_opening_again_changes_nothing_and_asks_one_question(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_warehouse(home) as con:
        applied = con.execute(f"select * from {LAYOUT.qualified}").fetchall()
    with open_warehouse(home) as con:
        assert con.execute(f"select * from {LAYOUT.qualified}").fetchall() == applied
        monkeypatch.setattr(connection, "transaction", None)  # writing anything would call it
        ensure_layout(con)


def test_a_new_column_is_added_to_an_old_warehouse(home: Settings) -> None:
    with open_warehouse(home) as con:
        con.execute("insert into audit.quarantine values ('P', 'd', 'f', 1, 'c', 'rule', 'reason', 'x')")
        con.execute("alter table audit.quarantine drop column raw_text")
        con.execute(f"update {LAYOUT.qualified} set layout_hash = 'older'")
    with open_warehouse(home) as con:
        assert con.execute("select raw_text, reason from audit.quarantine").fetchall() == [(None, "reason")]


def test_a_column_of_another_type_is_refused_by_name(home: Settings) -> None:
    with open_warehouse(home) as con:
        con.execute("alter table audit.quarantine alter column source_row type varchar")
        con.execute(f"update {LAYOUT.qualified} set layout_hash = 'older'")
    with (
        pytest.raises(WarehouseUnreadable, match=r"audit\.quarantine\.source_row is varchar .* bigint .* rebuilt from the lake"),
        open_warehouse(home),
    ):
        pass


def test_a_transaction_is_all_or_nothing(home: Settings) -> None:
    with open_warehouse(home) as con:
        with pytest.raises(RuntimeError, match="stop"), transaction(con):
            con.execute("insert into audit.quarantine values ('P', 'd', 'f', 1, 'c', 'rule', 'reason', 'x')")
            raise RuntimeError("stop")
        assert con.execute("select count(*) from audit.quarantine").fetchone() == (0,)
        with transaction(con):
            con.execute("insert into audit.quarantine values ('P', 'd', 'f', 1, 'c', 'rule', 'reason', 'x')")
        assert con.execute("select count(*) from audit.quarantine").fetchone() == (1,)


def test_a_warehouse_that_is_open_elsewhere_is_named_with_its_process(home: Settings) -> None:
    with open_warehouse(home):
        pass
    script = f"import duckdb, time; con = duckdb.connect({str(home.warehouse)!r}); print('open', flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "open\n"
        with pytest.raises(WarehouseBusy) as caught, open_warehouse(home):
            pass
        message = str(caught.value)
        assert f"pid {child.pid}" in message
        assert "python" in message
        assert str(home.published_file) in message, "it says what to open instead"
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()


@pytest.mark.parametrize("content", [b"\x00" * 8 + b"DUCK" + b"\x00" * 9000, b"time;value\n" * 2000])
def test_a_damaged_file_says_what_to_do(home: Settings, content: bytes) -> None:
    home.warehouse.write_bytes(content)
    with pytest.raises(WarehouseUnreadable, match=r"is damaged: move it away.*rebuilt from the lake"), open_warehouse(home):
        pass


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), DiskFull, "MiB free"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), DiskFull, "free some space"),
        (duckdb.IOException('Could not write file "w.duckdb.wal": No space left on device'), DiskFull, "has not happened"),
        (duckdb.OutOfMemoryException("failed to offload data block of size 256.0 KiB (1.0 GiB/1.0 GiB used). max_temp_directory_size"), DiskFull, "room"),
        (duckdb.OutOfMemoryException("could not allocate block of size 256.0 KiB (1.8 GiB/1.8 GiB used)"), MemoryExhausted, "PARK_AUDIT_MEMORY_LIMIT"),
        (duckdb.IOException("Trying to read a database file with version number 999, but we can only read versions between 64 and 67."),
         WarehouseUnreadable, "another version of DuckDB"),
        (duckdb.ConnectionException("Can't open a connection to same database file with a different configuration"), WarehouseBusy, "this very process"),
    ],
)  # fmt: skip
def test_errors_that_a_person_can_do_something_about(home: Settings, error: Exception, kind: type, words: str) -> None:
    explained = explain(error, home)
    assert type(explained) is kind
    assert words in str(explained)


@pytest.mark.parametrize("error", [duckdb.BinderException("no such column"), OSError(errno.EACCES, "Permission denied"), ValueError("x")])
def test_other_errors_keep_their_own_words(home: Settings, error: Exception) -> None:
    assert explain(error, home) is None


def test_memory_that_runs_out_inside_the_block_is_explained(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, memory_limit="60MB", threads=1)
    with pytest.raises(MemoryExhausted, match="60MB"), open_warehouse(settings) as con:
        con.execute("set temp_directory = ''")
        con.execute("create temp table big as select range as n, repeat('x', 200) || range as text from range(2000000)")


_FILL_UP = """
import resource, sys
from pathlib import Path
from pipelines.warehouse.connection import DiskFull, open_warehouse, transaction
from tests.ingest.depot import make_settings

settings = make_settings(Path(sys.argv[1]))
try:
    with open_warehouse(settings) as con:
        con.execute("create table landing.filler (n bigint, text varchar)")
        con.execute("checkpoint")
        size = settings.warehouse.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 2_000_000, size + 2_000_000))
        with transaction(con):
            con.execute("insert into landing.filler select range, md5(range::varchar) || md5((range + 1)::varchar) from range(1000000)")
except DiskFull as error:
    print("DiskFull:", error)
"""


def test_a_disk_that_fills_up_ends_in_words_and_loses_nothing(home: Settings) -> None:
    """A file size limit stands for the full disk: the kernel refuses the write in the same place."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _FILL_UP, str(home.home.parent)], cwd=root, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert done.stdout.startswith("DiskFull: no room left to write below"), done.stdout + done.stderr
    with open_warehouse(home) as con:
        assert con.execute("select count(*) from landing.filler").fetchone() == (0,)
