"""Reading the published file: for the command line and whoever looks at data from inside the package.

Read-only, and never the warehouse: a reader of that would stop the next nightly. How the file is made belongs
to `publish`.
"""
# ruff: noqa: S608 - table names come from our own declarations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from pipelines.contracts.states import BuildStatus
from pipelines.settings import Settings
from pipelines.warehouse.tables import BUILDS, DELIVERIES


class PublicationError(RuntimeError):
    """The published file is not there or cannot be read; the message says what to do."""


@dataclass(frozen=True)
class LastBuild:
    """The newest build that the published file knows."""

    build_id: str
    status: BuildStatus
    closed_at: datetime | None
    reason: str | None


@contextmanager
def open_published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file, read-only, times in UTC. A nightly that publishes meanwhile does not disturb it."""
    path = settings.published_file
    if not path.is_file():
        raise PublicationError(f"nothing has been published yet: {path} is not there; run park-audit nightly")
    try:
        con = duckdb.connect(path, read_only=True, config={"memory_limit": settings.memory_limit, "threads": str(settings.threads)})
    except duckdb.Error as error:
        raise PublicationError(
            f"{path} cannot be read ({str(error).splitlines()[0]}); older ones are beside it, and the next good nightly writes it again"
        ) from error
    try:
        con.execute("set TimeZone = 'UTC'")
        yield con
    finally:
        con.close()


def last_build(con: duckdb.DuckDBPyConnection) -> LastBuild | None:
    """What the file knows of its newest build."""
    row = con.execute(f"select build_id, status, closed_at, reason from {BUILDS.qualified} order by build_id desc limit 1").fetchone()
    return LastBuild(row[0], BuildStatus(row[1]), row[2], row[3]) if row else None


def newest_dates(con: duckdb.DuckDBPyConnection) -> dict[str, date]:
    """The last local date that each feed's admitted deliveries speak of."""
    return dict(
        con.execute(f"select feed_id, max(last_date) from {DELIVERIES.qualified} where admission = 'admitted' group by feed_id").fetchall()
    )
