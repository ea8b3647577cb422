"""Builds open and close, and every step in between leaves a row: `audit.builds` and `audit.step_outcomes`.

A build is written before anything else happens and closed last, so that a killed one is seen. What a
step does belongs to the step; whether a build may publish is decided by the caller.
"""
# ruff: noqa: S608 - table and column names come from our own declarations; values are bound parameters

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

import duckdb

from pipelines.contracts.states import BuildStatus, StepOutcome
from pipelines.warehouse.connection import transaction
from pipelines.warehouse.tables import BUILDS, CHANGE_SEQUENCE, MODELS, STEP_OUTCOMES, TOUCHED, WATERMARK

_BUILD_ID = "%Y%m%dT%H%M%S"


@dataclass(frozen=True)
class Step:
    """One row of `audit.step_outcomes`, without the build: what a step did, to what, and how it ended."""

    step: str
    subject: str
    started_at: datetime
    ended_at: datetime
    outcome: StepOutcome
    rows: int | None = None
    message: str | None = None


def open_build(
    con: duckdb.DuckDBPyConnection,
    *,
    park_id: str,
    door: str,
    code_version: str,
    standards_hash: str,
    now: datetime,
    run_id: str | None = None,
    contracts_hash: str | None = None,
) -> str:
    """Write the row of a new build, status `running`, and return its id.

    Ids sort by time as text, also when the clock has been set back since the last build.
    `now` is naive UTC.
    """
    with transaction(con):
        last = con.execute(f"select max(build_id) from {BUILDS.qualified}").fetchone()[0]
        moment = now
        while last is not None and build_id_at(moment) <= last:
            moment = max(moment, _moment_of(last)) + timedelta(milliseconds=1)
        build_id = build_id_at(moment)
        con.execute(
            f"insert into {BUILDS.qualified} (park_id, build_id, started_at, status, door, run_id, code_version, standards_hash, contracts_hash) "
            "values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [park_id, build_id, now, BuildStatus.RUNNING, door, run_id, code_version, standards_hash, contracts_hash],
        )
    return build_id


def close_build(
    con: duckdb.DuckDBPyConnection,
    build_id: str,
    status: BuildStatus,
    *,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Close a running build. Its warnings are counted here, from the outcomes of its steps.

    Raises ValueError when the build does not exist or is closed already: a build ends once.
    """
    if status is BuildStatus.RUNNING:
        raise ValueError(f"build {build_id}: cannot be closed as running")
    with transaction(con):
        found = con.execute(f"select status from {BUILDS.qualified} where build_id = ?", [build_id]).fetchone()
        if found != (BuildStatus.RUNNING,):
            raise ValueError(f"build {build_id}: {'is not known' if found is None else f'was closed as {found[0]} already'}")
        con.execute(
            f"""
            update {BUILDS.qualified} set
                closed_at = ?, status = ?, reason = ?,
                warnings = (select count(*) from {STEP_OUTCOMES.qualified} where build_id = ? and outcome in ('warned', 'failed'))
            where build_id = ?
            """,
            [now, status, reason, build_id, build_id],
        )


def include_changes(con: duckdb.DuckDBPyConnection, build_id: str) -> int:
    """Write into the build's row that its marts include every change made so far, and return the last of them.

    Written when the marts are begun and not when the build is closed: the published file holds the row as it is before that.
    """
    last = last_change_seq(con)
    con.execute(f"update {BUILDS.qualified} set change_seq = ? where build_id = ?", [last, build_id])
    return last


def close_as_published(con: duckdb.DuckDBPyConnection, build_id: str, *, now: datetime) -> bool:
    """Close a build that was killed after its publication stood and before its row was closed. Returns whether there was one."""
    found = con.execute(f"select status from {BUILDS.qualified} where build_id = ?", [build_id]).fetchone()
    if found != (BuildStatus.RUNNING,):
        return False
    close_build(con, build_id, BuildStatus.PUBLISHED, now=now)
    return True


def abort_unfinished(con: duckdb.DuckDBPyConnection, now: datetime) -> list[str]:
    """Close every build that is still `running` as `aborted`: its process is gone, for we hold the write lock. Returns their ids."""
    with transaction(con):
        rows = con.execute(
            f"""
            update {BUILDS.qualified} set closed_at = ?, status = ?, reason = 'killed before it could close; what it had not finished is repeated'
            where status = ? returning build_id
            """,
            [now, BuildStatus.ABORTED, BuildStatus.RUNNING],
        ).fetchall()
    return sorted(build_id for (build_id,) in rows)


def record_step(con: duckdb.DuckDBPyConnection, park_id: str, build_id: str, step: Step) -> None:
    """Append the step's outcome; inside the caller's transaction if one is open, so that both happen or neither."""
    record_steps(con, park_id, build_id, [step])


def record_steps(con: duckdb.DuckDBPyConnection, park_id: str, build_id: str, steps: Sequence[Step]) -> None:
    """Append the outcomes of many steps in one statement: dbt alone has one for every model."""
    if not steps:
        return
    types = {column.name: column.duckdb_type for column in STEP_OUTCOMES.columns}
    names = [field.name for field in fields(Step)]
    unnested = ", ".join(f"unnest(?::{types[name]}[])" for name in names)
    con.execute(
        f"insert into {STEP_OUTCOMES.qualified} (park_id, build_id, {', '.join(names)}) select ?, ?, {unnested}",
        [park_id, build_id, *([getattr(step, name) for step in steps] for name in names)],
    )


def next_change_seq(con: duckdb.DuckDBPyConnection) -> int:
    """The number of the change that the open transaction makes."""
    return con.execute(f"select nextval('{CHANGE_SEQUENCE}')").fetchone()[0]


def last_change_seq(con: duckdb.DuckDBPyConnection) -> int:
    """The highest change written so far, 0 before the first: what a build that starts now includes."""
    return con.execute(f"select coalesce(max(change_seq), 0) from {TOUCHED.qualified}").fetchone()[0]


def build_id_at(moment: datetime) -> str:
    """`20261123T181002Z-417`: text order is time order; fits into a file name."""
    return f"{moment.strftime(_BUILD_ID)}Z-{moment.microsecond // 1000:03d}"


def _moment_of(build_id: str) -> datetime:
    stamp, _, milliseconds = build_id.partition("Z-")
    return datetime.strptime(stamp, _BUILD_ID) + timedelta(milliseconds=int(milliseconds))  # noqa: DTZ007 - naive UTC throughout


def must_rebuild_models(con: duckdb.DuckDBPyConnection, models_hash: str) -> bool:
    """Whether the marts were built by another text of the models than this, or not yet all by this one.

    Incremental models follow changes of data; a changed model or macro changes rows that no data has touched. Then all
    watermarks go, so that a build which dies half way leaves none that speaks for the old text.
    """
    known = con.execute(f"select models_hash, is_complete from {MODELS.qualified}").fetchone()
    if known == (models_hash, True):
        return False
    if known != (models_hash, False):
        with transaction(con):
            con.execute(f"delete from {MODELS.qualified}")
            con.execute(f"insert into {MODELS.qualified} values (?, false)", [models_hash])
            con.execute(f"delete from {WATERMARK.qualified}")
    return True


def models_rebuilt(con: duckdb.DuckDBPyConnection) -> None:
    """Every model has been built by the text in force."""
    con.execute(f"update {MODELS.qualified} set is_complete = true")
