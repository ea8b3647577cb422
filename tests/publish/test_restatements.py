"""What a build states anew: substituted masses by build, and published figures that changed, with why."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.publish.restatements import record_restatements
from pipelines.warehouse.tables import REVISIONS, SUBSTITUTIONS

DAY = date(2026, 2, 3)
DURING, AFTER = date(2026, 3, 31), date(2026, 4, 1)
LAID_OUT = """
create schema intermediate; create schema marts; create schema audit;
create table intermediate.int_substitutions (outlet_id varchar, pollutant_code varchar, unit varchar, local_date date, hour_start_utc timestamp,
    medium varchar, quarter_start_date date, period_kind varchar, gap_periods bigint, capture_rate double, rule_id varchar, statistic varchar,
    anchor_at_utc timestamp, window_start_utc timestamp, window_end_utc timestamp, window_found bigint, source_start_utc timestamp,
    value_kg double, state varchar, reason varchar, reaches_back_to date, is_gap boolean, change_seq bigint);
"""
EMISSION = """
create table {prefix}marts.enterprise_emission_daily (enterprise_id varchar, outlet_id varchar, pollutant_code varchar, local_date date,
    mass_kg double, measured_kg double, substituted_kg double, covered_hours double);
create table {prefix}marts.enterprise_emission_monthly (enterprise_id varchar, outlet_id varchar, pollutant_code varchar, month_start_date date,
    mass_kg double, measured_kg double, substituted_kg double, covered_hours double);
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(LAID_OUT + EMISSION.format(prefix=""))
        for table in (SUBSTITUTIONS, REVISIONS):
            connection.execute(table.ddl)
        yield connection


def gap(
    con: duckdb.DuckDBPyConnection, hour: int, value: float | None, rule: str = "R180", capture: float = 0.95, is_gap: bool = True
) -> None:
    start = datetime(2026, 2, 3) + timedelta(hours=hour)
    con.execute("delete from intermediate.int_substitutions where hour_start_utc = ?", [start])
    con.execute(
        "insert into intermediate.int_substitutions values ('A', 'a21026', 'hour', ?, ?, 'air', date '2026-01-01', 'other', 2, ?, ?, 'max', "
        "null, null, null, 180, null, ?, ?, ?, null, ?, 7)",
        [
            DAY,
            start,
            capture,
            rule,
            value,
            "substituted" if value is not None else "missing",
            None if value is not None else "capture_too_low",
            is_gap,
        ],
    )


def ledger(con: duckdb.DuckDBPyConnection, build_id: str) -> list[tuple[object, ...]]:
    return con.execute(
        "select hour(hour_start_utc), state, rule_id, value_kg, capture_rate, is_provisional from audit.substitutions where build_id = ? order by 1",
        [build_id],
    ).fetchall()


def record(con: duckdb.DuckDBPyConnection, folder: Path, build_id: str, today: date = DURING) -> int:
    return record_restatements(con, folder / "published.duckdb", "PARK", build_id, today)


class TestSubstitutions:
    def test_a_gap_is_told_once_and_again_when_it_changes(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        gap(con, 1, 14.2)
        gap(con, 2, None, rule="unusable", capture=0.7)
        assert record(con, tmp_path, "B1") == 2
        assert ledger(con, "B1") == [(1, "substituted", "R180", 14.2, 0.95, True), (2, "missing", "unusable", None, 0.7, True)]
        # the capture rate moved and the value did not: nothing is restated
        gap(con, 1, 14.2, capture=0.96)
        assert record(con, tmp_path, "B2") == 0
        gap(con, 2, 25.3, rule="R2160", capture=0.8)
        assert record(con, tmp_path, "B3") == 1
        assert ledger(con, "B3") == [(2, "substituted", "R2160", 25.3, 0.8, True)]

    def test_a_gap_that_was_filled_says_so(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        gap(con, 1, 14.2)
        record(con, tmp_path, "B1")
        gap(con, 1, 14.2, is_gap=False)
        assert record(con, tmp_path, "B2") == 1
        assert ledger(con, "B2") == [(1, "measured", None, None, 0.95, True)]
        assert record(con, tmp_path, "B3") == 0

    def test_the_quarter_s_end_makes_it_final(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        gap(con, 1, 14.2)
        record(con, tmp_path, "B1")
        gap(con, 1, 14.2, capture=0.91)
        assert record(con, tmp_path, "B2", AFTER) == 1
        assert ledger(con, "B2") == [(1, "substituted", "R180", 14.2, 0.91, False)]
        assert record(con, tmp_path, "B3", AFTER) == 0

    def test_a_build_that_publishes_again_writes_its_rows_once(self, con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        gap(con, 1, 14.2)
        assert (record(con, tmp_path, "B1"), record(con, tmp_path, "B1")) == (1, 1)
        assert len(ledger(con, "B1")) == 1


def emission(
    con: duckdb.DuckDBPyConnection, outlet: str, mass: float | None, substituted: float = 0.0, hours: float = 24, base: str = ""
) -> None:
    measured = None if mass is None else mass - substituted
    for table, start in (("daily", DAY), ("monthly", DAY.replace(day=1))):
        con.execute(
            f"insert into {base}marts.enterprise_emission_{table} values ('E', ?, 'a21026', ?, ?, ?, ?, ?)",
            [outlet, start, mass, measured, None if mass is None else substituted, hours],
        )


def test_published_figures_that_changed(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    before = ((None, 0.0, 0), (100.0, 20.0, 20), (100.0, 0.0, 24), (100.0, 0.0, 24), (100.0, 30.0, 20))
    now = ((50.0, 0.0, 12), (95.0, 15.0, 20), (110.0, 0.0, 24), (100.0, 0.0, 24), (100.0, 0.0, 24))
    con.execute(f"attach '{tmp_path / 'published.duckdb'}' as base")
    con.execute("create schema base.marts")
    con.execute(EMISSION.format(prefix="base."))
    for number, (old, new) in enumerate(zip(before, now, strict=True)):
        emission(con, f"O{number}", *old, base="base.")
        emission(con, f"O{number}", *new)
    emission(con, "NEW", 1.0)
    con.execute("detach base")
    assert record(con, tmp_path, "B1") == 8
    found = con.execute(
        "select outlet_id, old_kg, new_kg, old_substituted_kg, new_substituted_kg, reason from audit.revisions "
        "where table_name = 'enterprise_emission_daily' and period_start_date = ? order by 1",
        [DAY],
    ).fetchall()
    assert found == [
        ("O0", None, 50, None, 0, "late_data"), ("O1", 100, 95, 20, 15, "capture_changed"), ("O2", 100, 110, 0, 0, "correction"),
        ("O4", 100, 100, 30, 0, "late_data"),
    ]  # fmt: skip
    months = con.execute(
        "select outlet_id, reason from audit.revisions where table_name = 'enterprise_emission_monthly' order by 1"
    ).fetchall()
    assert months == [(outlet_id, reason) for outlet_id, *_, reason in found]
