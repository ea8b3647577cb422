"""What gate B said of a build, read back from `audit.gate_results`.

Scores and publishing ask here and not the gate itself: a step may run alone, in another run than the gate,
and a verdict that was never written must not pass for a good one. Judging belongs in `gates`.
"""
# ruff: noqa: S608 - the table name comes from our own declarations; values are bound parameters

import duckdb

from pipelines.contracts.states import GateStatus
from pipelines.warehouse.tables import GATE_RESULTS

CLOSING = (GateStatus.ERROR, GateStatus.FAIL)
"""Worst first. Warnings let scores through; what could not be judged does not."""
_SHOWN = 5


def reason_marts_are_closed(con: duckdb.DuckDBPyConnection, build_id: str) -> str | None:
    """Why this build may not be scored and published, in one line for people; None if it may."""
    judged, against = con.execute(
        f"select count(*), count(*) filter (where list_contains(?, status)) from {GATE_RESULTS.qualified} where build_id = ? and gate = 'b'",
        [[status.value for status in CLOSING], build_id],
    ).fetchone()
    if not judged:
        return f"gate B has said nothing of build {build_id}: a gate that did not speak did not pass"
    if not against:
        return None
    rows = con.execute(
        f"select status, subject, column_name, expectation, observed, why from {GATE_RESULTS.qualified} "
        "where build_id = ? and gate = 'b' and list_contains(?, status) order by list_position(?, status), subject, expectation limit ?",
        [build_id, [status.value for status in CLOSING], [status.value for status in CLOSING], _SHOWN],
    ).fetchall()
    shown = [
        f"{status}: {subject}{'.' + column if column else ''}: {observed or expectation} ({why})"
        for status, subject, column, expectation, observed, why in rows
    ]
    more = f"; and {against - len(rows)} more" if against > len(rows) else ""
    return f"gate B closed build {build_id}: {'; '.join(shown)}{more}"
