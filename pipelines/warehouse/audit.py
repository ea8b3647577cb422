"""What the audit tables say to a person or to the next build: one build's summary, the build before, watermarks.

Reads only. What gets written there belongs to `builds`, `ledger` and the gates; how it looks on a terminal
or a page belongs to those who show it.
"""
# ruff: noqa: S608 - table names come from our own declarations; values are bound parameters

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from pipelines.contracts.states import BuildStatus, StepOutcome
from pipelines.warehouse.tables import BUILDS, COVERAGE, DELIVERIES, GATE_RESULTS, QUARANTINE, STEP_OUTCOMES, WATERMARK


@dataclass(frozen=True)
class BuildRow:
    """What a later build needs to know of an earlier one."""

    build_id: str
    status: BuildStatus
    started_at: datetime
    run_id: str | None
    code_version: str
    standards_hash: str
    contracts_hash: str | None
    change_seq: int | None


@dataclass(frozen=True)
class DeliveryLine:
    """A delivery that did not go through smoothly: held or refused, and why."""

    feed_id: str
    path: str
    admission: str
    reason: str | None
    waiting_since: datetime


@dataclass(frozen=True)
class QuarantineLine:
    """How much of a feed's latest deliveries was refused, and the rule that refused most."""

    feed_id: str
    rows: int
    rule: str
    example: str


@dataclass(frozen=True)
class StepLine:
    """A step that warned or failed."""

    step: str
    subject: str
    outcome: StepOutcome
    message: str | None


@dataclass(frozen=True)
class BuildSummary:
    """Everything the closing lines of a nightly say."""

    build_id: str
    status: BuildStatus
    reason: str | None
    started_at: datetime
    closed_at: datetime | None
    warnings: int
    deliveries_new: int
    rows_read: int
    rows_accepted: int
    rows_duplicate: int
    rows_revised: int
    rows_quarantined: int
    rows_waiting: int
    publication: str | None
    carried: bool
    last_published: str | None
    held: list[DeliveryLine] = field(default_factory=list)
    refused: list[DeliveryLine] = field(default_factory=list)
    quarantine: list[QuarantineLine] = field(default_factory=list)
    troubled_steps: list[StepLine] = field(default_factory=list)
    gates: dict[str, int] = field(default_factory=dict)


def previous_build(con: duckdb.DuckDBPyConnection, build_id: str) -> BuildRow | None:
    """The build before this one, whatever became of it."""
    row = con.execute(
        f"select build_id, status, started_at, run_id, code_version, standards_hash, contracts_hash, change_seq from {BUILDS.qualified} "
        "where build_id < ? order by build_id desc limit 1",
        [build_id],
    ).fetchone()
    return BuildRow(row[0], BuildStatus(row[1]), *row[2:]) if row else None


def run_of_build(con: duckdb.DuckDBPyConnection, build_id: str) -> str | None:
    """The Dagster run that a build belonged to."""
    row = con.execute(f"select run_id from {BUILDS.qualified} where build_id = ?", [build_id]).fetchone()
    return row[0] if row else None


def watermarks(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The last change each incremental model has consumed."""
    return dict(con.execute(f"select model, change_seq from {WATERMARK.qualified}").fetchall())


def warned_steps(con: duckdb.DuckDBPyConnection, build_id: str, step: str) -> set[str]:
    """Subjects of a step that a build warned of."""
    query = f"select subject from {STEP_OUTCOMES.qualified} where build_id = ? and step = ? and outcome = 'warned'"
    return {subject for (subject,) in con.execute(query, [build_id, step]).fetchall()}


def relations(con: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """Schema and name of every table and view of the warehouse."""
    query = "select schema_name, {0}_name from duckdb_{0}s() where database_name = current_database() and not internal"
    return set(con.execute(f"{query.format('table')} union all {query.format('view')}").fetchall())


def lowest_watermark(con: duckdb.DuckDBPyConnection) -> int | None:
    """Where the touched dates of the next dbt run begin; None before the first."""
    return con.execute(f"select min(change_seq) from {WATERMARK.qualified}").fetchone()[0]


def last_load(con: duckdb.DuckDBPyConnection, records: Sequence[str]) -> int:
    """Number of the last delivery that was loaded of these record types: as long as it is the same, so are their rows."""
    query = f"select coalesce(max(load_no), 0) from {DELIVERIES.qualified} where list_contains(?, record)"
    return con.execute(query, [list(records)]).fetchone()[0]


def newest_periods(con: duckdb.DuckDBPyConnection) -> dict[str, datetime]:
    """The latest moment each feed's admitted rows speak of, naive UTC."""
    return dict(con.execute(f"select feed_id, max(last_at) from {COVERAGE.qualified} group by feed_id").fetchall())


def waiting_deliveries(con: duckdb.DuckDBPyConnection) -> list[DeliveryLine]:
    """Deliveries held back, oldest first: what somebody has to decide about. Not those whose file has come again and been admitted."""
    return _delivery_lines(
        con,
        f"""d.admission = 'held' and not exists (
            select 1 from {DELIVERIES.qualified} as n
            where n.feed_id = d.feed_id and n.path = d.path and n.arrival_no > d.arrival_no and n.admission = 'admitted'
        )""",
        [],
    )


def summarise(con: duckdb.DuckDBPyConnection, build_id: str) -> BuildSummary:
    """What a build did, for its closing lines."""
    build = con.execute(
        f"select status, reason, started_at, closed_at, coalesce(warnings, 0) from {BUILDS.qualified} where build_id = ?", [build_id]
    ).fetchone()
    counts = con.execute(
        f"""
        select count(*), coalesce(sum(rows_read), 0), coalesce(sum(rows_accepted), 0), coalesce(sum(rows_duplicate), 0),
            coalesce(sum(rows_revised), 0), coalesce(sum(rows_quarantined), 0),
            coalesce(sum(rows_read - rows_duplicate - rows_quarantined) filter (where admission in ('pending', 'held')), 0)
        from {DELIVERIES.qualified} where build_id = ?
        """,
        [build_id],
    ).fetchone()
    publication = con.execute(
        f"select max(message) from {STEP_OUTCOMES.qualified} where build_id = ? and step = 'publish' and outcome in ('ok', 'warned')",
        [build_id],
    ).fetchone()[0]
    carried = con.execute(
        f"select exists (select 1 from {STEP_OUTCOMES.qualified} where build_id = ? and step = 'dbt' and outcome = 'carried')", [build_id]
    ).fetchone()[0]
    last_published = con.execute(f"select max(build_id) from {BUILDS.qualified} where status = 'published'").fetchone()[0]
    quarantine = con.execute(
        f"""
        with refused as (
            select q.feed_id, q.rule, q.reason
            from {QUARANTINE.qualified} as q
            join {DELIVERIES.qualified} as d using (delivery_id)
            where d.build_id = ?
        ), by_rule as (
            select feed_id, rule, count(*) as rows, min(reason) as example from refused group by feed_id, rule
        )
        select feed_id, sum(rows), arg_max(rule, rows), arg_max(example, rows) from by_rule group by feed_id order by 2 desc, 1
        """,
        [build_id],
    ).fetchall()
    steps = con.execute(
        f"select step, subject, outcome, message from {STEP_OUTCOMES.qualified} "
        "where build_id = ? and outcome in ('warned', 'failed') order by outcome, started_at",
        [build_id],
    ).fetchall()
    gates = con.execute(f"select status, count(*) from {GATE_RESULTS.qualified} where build_id = ? group by status", [build_id]).fetchall()
    return BuildSummary(
        build_id,
        BuildStatus(build[0]),
        *build[1:],
        *counts,
        publication=publication,
        carried=carried,
        last_published=last_published,
        held=waiting_deliveries(con),
        refused=_delivery_lines(con, "d.admission = 'refused' and d.build_id = ?", [build_id]),
        quarantine=[QuarantineLine(*row) for row in quarantine],
        troubled_steps=[StepLine(step, subject, StepOutcome(outcome), message) for step, subject, outcome, message in steps],
        gates=dict(gates),
    )


def _delivery_lines(con: duckdb.DuckDBPyConnection, condition: str, parameters: list[object]) -> list[DeliveryLine]:
    rows = con.execute(
        f"select feed_id, path, admission, reason, received_at from {DELIVERIES.qualified} as d where {condition} order by received_at, feed_id, path",
        parameters,
    ).fetchall()
    return [DeliveryLine(*row) for row in rows]
