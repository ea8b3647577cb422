"""Builds open and close; a killed one is closed by the next start; every step leaves a row."""

from datetime import datetime, timedelta

import duckdb
import pytest

from pipelines.contracts.states import BuildStatus, StepOutcome
from pipelines.settings import Settings
from pipelines.warehouse.builds import (
    Step,
    abort_unfinished,
    build_id_at,
    close_build,
    include_changes,
    last_change_seq,
    next_change_seq,
    open_build,
    record_step,
)
from pipelines.warehouse.connection import open_warehouse, transaction

NOW = datetime(2026, 11, 23, 18, 10, 2, 417000)


@pytest.fixture
def con(home: Settings):
    with open_warehouse(home) as opened:
        yield opened


def _open(con: duckdb.DuckDBPyConnection, now: datetime = NOW) -> str:
    return open_build(con, park_id="P1", door="cli", code_version="0.1+abc", standards_hash="h", now=now)


def _row(con: duckdb.DuckDBPyConnection, build_id: str) -> tuple:
    return con.execute(
        "select status, started_at, closed_at, warnings, change_seq, reason from audit.builds where build_id = ?", [build_id]
    ).fetchone()


def test_a_build_is_running_until_it_is_closed(con: duckdb.DuckDBPyConnection) -> None:
    build_id = _open(con)
    assert _row(con, build_id) == ("running", NOW, None, None, None, None)
    later = NOW + timedelta(minutes=2)
    record_step(con, "P1", build_id, Step("ingest", "feed_a", NOW, later, StepOutcome.WARNED, 5, "one file is still being written"))
    record_step(con, "P1", build_id, Step("dbt", "-", NOW, later, StepOutcome.OK))
    con.execute("insert into landing.touched values (9, 'park', 'P1', date '2026-01-01', date '2026-01-01', 'test', null)")
    assert include_changes(con, build_id) == 9
    close_build(con, build_id, BuildStatus.PUBLISHED, now=later)
    assert _row(con, build_id) == ("published", NOW, later, 1, 9, None)
    steps = con.execute("select step, subject, outcome, rows, message from audit.step_outcomes order by step").fetchall()
    assert steps == [("dbt", "-", "ok", None, None), ("ingest", "feed_a", "warned", 5, "one file is still being written")]


def test_a_build_ends_once(con: duckdb.DuckDBPyConnection) -> None:
    build_id = _open(con)
    close_build(con, build_id, BuildStatus.NOT_PUBLISHED, now=NOW, reason="gate b")
    with pytest.raises(ValueError, match="was closed as not_published already"):
        close_build(con, build_id, BuildStatus.PUBLISHED, now=NOW)
    assert _row(con, build_id)[0] == "not_published"
    with pytest.raises(ValueError, match="is not known"):
        close_build(con, "20200101T000000Z-000", BuildStatus.PUBLISHED, now=NOW)
    with pytest.raises(ValueError, match="cannot be closed as running"):
        close_build(con, build_id, BuildStatus.RUNNING, now=NOW)


def test_the_next_start_closes_what_was_killed(con: duckdb.DuckDBPyConnection) -> None:
    done, killed = _open(con), _open(con)
    close_build(con, done, BuildStatus.PUBLISHED, now=NOW)
    assert abort_unfinished(con, NOW + timedelta(days=1)) == [killed]
    status, _, closed_at, _, _, reason = _row(con, killed)
    assert (status, closed_at) == ("aborted", NOW + timedelta(days=1))
    assert "killed" in reason
    assert _row(con, done)[0] == "published"
    assert abort_unfinished(con, NOW) == []


def test_ids_sort_by_time_even_when_the_clock_goes_back(con: duckdb.DuckDBPyConnection) -> None:
    moments = [NOW, NOW, NOW + timedelta(seconds=1), NOW - timedelta(days=3), NOW + timedelta(seconds=2)]
    ids = [_open(con, moment) for moment in moments]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert ids[0] == build_id_at(NOW) == "20261123T181002Z-417"


def test_change_numbers_rise_and_count_when_they_are_written(con: duckdb.DuckDBPyConnection) -> None:
    assert last_change_seq(con) == 0
    with transaction(con):
        first = next_change_seq(con)
        con.execute("insert into landing.touched values (?, 'park', 'P1', date '2026-01-01', date '2026-01-01', 'test', null)", [first])
    with pytest.raises(RuntimeError), transaction(con):
        next_change_seq(con)
        raise RuntimeError
    assert last_change_seq(con) == first
    with transaction(con):
        assert next_change_seq(con) > first
