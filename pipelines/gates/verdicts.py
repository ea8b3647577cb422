"""What a gate said: one verdict per rule and subject, the two questions asked of them, and their table.

A verdict maps one to one to a row of `audit.gate_results`. How a verdict comes about belongs in
`runner`; what a held delivery or a closed gate leads to belongs to the callers.
"""
# ruff: noqa: S608 - table and column names come from our own declarations; values are bound parameters

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

import duckdb

from pipelines.contracts.states import GATE_PRECEDENCE, GateStatus
from pipelines.warehouse.tables import GATE_RESULTS

GATE_DELIVERIES = "a"
GATE_MARTS = "b"
CLOSING = frozenset({GateStatus.FAIL, GateStatus.ERROR})
"""Statuses that hold a delivery back or stop the scores. Warnings admit; what could not be judged does not."""

FAILING_ROWS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's word on one delivery or table; the fields are the columns of `audit.gate_results`, in order."""

    park_id: str
    build_id: str
    gate: str
    suite: str
    subject: str
    expectation: str
    column_name: str | None
    severity: str
    status: GateStatus
    observed: str | None
    unexpected_count: int | None
    failing_rows: str | None
    why: str
    rule_id: str
    scope: str
    change_seq: int | None

    def __str__(self) -> str:
        where = f"{self.subject}.{self.column_name}" if self.column_name else self.subject
        return f"{self.status}: {where}: {self.observed or self.expectation} ({self.why})"


COLUMNS = tuple(field.name for field in fields(Verdict))
_row = attrgetter(*COLUMNS)


def worst(verdicts: Iterable[Verdict]) -> GateStatus:
    """The status that stands for them all. No verdict at all is `error`: a gate that did not speak did not pass."""
    found = {verdict.status for verdict in verdicts}
    return next((status for status in GATE_PRECEDENCE if status in found), GateStatus.ERROR)


def admits(verdicts: Sequence[Verdict]) -> bool:
    """Whether a delivery may be loaded: judged, and by no rule failed or left unjudged through an error."""
    return bool(verdicts) and not any(verdict.status in CLOSING for verdict in verdicts)


def allows_scores(verdicts: Iterable[Verdict]) -> bool:
    """Whether scores may be emitted and the marts published; held deliveries do not close this gate."""
    return admits([verdict for verdict in verdicts if verdict.gate == GATE_MARTS])


def reasons(verdicts: Iterable[Verdict], limit: int = 5) -> str | None:
    """What stands against the subject, worst first, in one line for people; None when nothing does."""
    against = [verdict for verdict in verdicts if verdict.status in CLOSING or verdict.status == GateStatus.WARN]
    against.sort(key=lambda verdict: GATE_PRECEDENCE.index(verdict.status))
    shown = "; ".join(f"{verdict.status}: {verdict.observed or verdict.expectation} ({verdict.why})" for verdict in against[:limit])
    return (shown + (f"; and {len(against) - limit} more" if len(against) > limit else "")) or None


def write_verdicts(con: duckdb.DuckDBPyConnection, verdicts: Sequence[Verdict]) -> None:
    """Append to `audit.gate_results` on the caller's connection, inside its transaction if one is open.

    One statement however many there are: row by row, a backfill's tens of thousands would take minutes.
    """
    if not verdicts:
        return
    columns = [list(column) for column in zip(*map(_row, verdicts), strict=True)]
    types = {column.name: column.duckdb_type for column in GATE_RESULTS.columns}
    selected = ", ".join(f"unnest(?::{types[name]}[])" for name in COLUMNS)
    con.execute(f"insert into {GATE_RESULTS.qualified} ({', '.join(COLUMNS)}) select {selected}", columns)


def read_verdicts(con: duckdb.DuckDBPyConnection, where: str, parameters: Sequence[object]) -> list[Verdict]:
    """Verdicts as they stand in `audit.gate_results`, in no particular order."""
    rows = con.execute(f"select {', '.join(COLUMNS)} from {GATE_RESULTS.qualified} where {where}", list(parameters))
    status = COLUMNS.index("status")
    return [Verdict(*row[:status], GateStatus(row[status]), *row[status + 1 :]) for row in rows.fetchall()]
