"""What a build states anew, written down before it is published: masses that are substituted, published figures that have changed.

Reads the marts and the file of the night before; the publication itself is `snapshot`'s, the rules are dbt's. What is the
same as last time is not written again, so that a night without restatements costs two comparisons and no row.
"""
# ruff: noqa: S608 - names come from our own declarations; values are bound parameters

from datetime import date
from pathlib import Path

import duckdb

from pipelines.warehouse.connection import transaction
from pipelines.warehouse.tables import REVISIONS, SUBSTITUTIONS

_GAPS = "intermediate.int_substitutions"
_PERIODS = {"enterprise_emission_daily": "local_date", "enterprise_emission_monthly": "month_start_date"}
_BEFORE = "published_before"


def record_restatements(con: duckdb.DuckDBPyConnection, published: Path, park_id: str, build_id: str, today: date) -> int:
    """Write the build's rows of audit.substitutions and audit.revisions; returns how many. Call before the publication, once or again.

    `today` is the park's local date: a quarter is over when the park's clock says so.
    """
    with transaction(con):
        for table in (SUBSTITUTIONS, REVISIONS):
            con.execute(f"delete from {table.qualified} where build_id = ?", [build_id])
        _record_substitutions(con, park_id, build_id, today)
    if published.exists():
        path = str(published).replace("'", "''")
        con.execute(f"attach '{path}' as {_BEFORE} (read_only)")
        try:
            with transaction(con):
                for table, period in _PERIODS.items():
                    if _has(con, _BEFORE, table) and _has(con, None, table):
                        _record_revisions(con, table, period, park_id, build_id)
        finally:
            con.execute(f"detach {_BEFORE}")
    return sum(
        con.execute(f"select count(*) from {table.qualified} where build_id = ?", [build_id]).fetchone()[0]
        for table in (SUBSTITUTIONS, REVISIONS)
    )


def _record_substitutions(con: duckdb.DuckDBPyConnection, park_id: str, build_id: str, today: date) -> None:
    """Gaps whose last row here says something else, or said it while their quarter was running and now is over."""
    if not _has(con, None, "int_substitutions"):
        return
    columns = [column.name for column in SUBSTITUTIONS.columns]
    con.execute(
        f"""
        insert into {SUBSTITUTIONS.qualified} ({", ".join(columns)})
        with latest as (
            select * from {SUBSTITUTIONS.qualified}
            qualify row_number() over (partition by outlet_id, pollutant_code, unit, local_date, hour_start_utc order by build_id desc) = 1
        ), found as (
            select * exclude (state, reason, rule_id, value_kg, is_gap),
                cast(quarter_start_date + interval 3 month as date) > $today as is_provisional,
                case when is_gap then state else 'measured' end as state,
                case when is_gap then reason end as reason,
                case when is_gap then rule_id end as rule_id,
                case when is_gap then value_kg end as value_kg
            from {_GAPS}
        )
        select $park as park_id, $build as build_id, {", ".join(f"f.{name}" for name in columns[2:])}
        from found as f
        left join latest as l on f.outlet_id = l.outlet_id and f.pollutant_code = l.pollutant_code and f.unit = l.unit
            and f.local_date = l.local_date and f.hour_start_utc is not distinct from l.hour_start_utc
        where l.build_id is null and f.state <> 'measured'
            or l.state <> f.state or l.rule_id is distinct from f.rule_id or l.is_provisional > f.is_provisional
            or abs(l.value_kg - f.value_kg) > 1e-9 * abs(f.value_kg)
        """,
        {"park": park_id, "build": build_id, "today": today},
    )


def _record_revisions(con: duckdb.DuckDBPyConnection, table: str, period: str, park_id: str, build_id: str) -> None:
    """A published figure is one that the file of the night before holds; what is new in this build revises nothing."""
    key = f"enterprise_id, outlet_id, pollutant_code, {period}"
    figures = f"""
        select {key}, sum(mass_kg) as mass_kg, sum(substituted_kg) as substituted_kg, sum(measured_kg) as measured_kg,
            sum(covered_hours) as covered_hours
        from {{}}marts.{table} group by all
    """
    con.execute(
        f"""
        insert into {REVISIONS.qualified}
        with old as ({figures.format(_BEFORE + ".")}), new as ({figures.format("")})
        select $park, $build, '{table}', old.enterprise_id, old.outlet_id, old.pollutant_code, old.{period},
            old.mass_kg, new.mass_kg, old.substituted_kg, new.substituted_kg,
            case
                when new.covered_hours > old.covered_hours then 'late_data'
                when abs(coalesce(new.measured_kg, 0) - coalesce(old.measured_kg, 0)) <= 1e-9 * abs(coalesce(old.measured_kg, 0))
                    and new.substituted_kg is distinct from old.substituted_kg then 'capture_changed'
                else 'correction'
            end
        from old left join new on old.enterprise_id = new.enterprise_id and old.outlet_id is not distinct from new.outlet_id
            and old.pollutant_code = new.pollutant_code and old.{period} = new.{period}
        where (old.mass_kg is null) <> (new.mass_kg is null) or abs(new.mass_kg - old.mass_kg) > 1e-9 * abs(old.mass_kg)
            or abs(new.substituted_kg - old.substituted_kg) > 1e-9 * abs(old.mass_kg)
        """,
        {"park": park_id, "build": build_id},
    )


def _has(con: duckdb.DuckDBPyConnection, database: str | None, table: str) -> bool:
    name = "current_database()" if database is None else f"'{database}'"
    return con.execute(f"select count(*) from duckdb_tables() where database_name = {name} and table_name = ?", [table]).fetchone()[0] > 0
