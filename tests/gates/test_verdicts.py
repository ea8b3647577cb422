"""Verdicts: one row each in audit.gate_results, and the two questions asked of them."""

import dataclasses
import time

import pytest

from pipelines.contracts.states import GATE_PRECEDENCE, GateStatus
from pipelines.gates.verdicts import COLUMNS, Verdict, admits, allows_scores, read_verdicts, reasons, worst, write_verdicts
from pipelines.warehouse.connection import transaction
from pipelines.warehouse.tables import GATE_RESULTS
from tests.gates.conftest import Park


def verdict(status: str = "pass", **changes: object) -> Verdict:
    given = {
        "park_id": "park", "build_id": "b1", "gate": "a", "suite": "gate_delivery_profile", "subject": "d1",
        "expectation": "expect_column_values_to_be_between", "column_name": "null_share", "severity": "warning", "status": GateStatus(status),
        "observed": "null_share = 0.7", "unexpected_count": 1, "failing_rows": None, "why": "too many nulls", "rule_id": "r1",
        "scope": "everything", "change_seq": None,
    }  # fmt: skip
    return Verdict(**(given | changes))


def test_a_verdict_is_a_row_of_gate_results() -> None:
    assert tuple(column.name for column in GATE_RESULTS.columns) == COLUMNS


def test_verdicts_are_read_as_they_were_written(park: Park) -> None:
    written = [
        verdict(status.value, rule_id=status.value, observed="中文 'quoted' \n", change_seq=number)
        for number, status in enumerate(GateStatus)
    ]
    with transaction(park.con):
        write_verdicts(park.con, written)
    found = read_verdicts(park.con, "build_id = ?", ["b1"])
    assert sorted(found, key=lambda one: one.rule_id) == sorted(written, key=lambda one: one.rule_id)
    assert all(isinstance(one.status, GateStatus) for one in found)
    write_verdicts(park.con, [])
    assert len(read_verdicts(park.con, "true", [])) == len(written)


def test_a_rolled_back_delivery_leaves_no_verdict(park: Park) -> None:
    with pytest.raises(RuntimeError), transaction(park.con):
        write_verdicts(park.con, [verdict()])
        raise RuntimeError
    assert read_verdicts(park.con, "true", []) == []


def test_writing_is_one_statement_however_many_there_are(park: Park) -> None:
    started = time.perf_counter()
    write_verdicts(park.con, [verdict(subject=f"d{number}") for number in range(30_000)])
    assert time.perf_counter() - started < 10, "row by row this takes most of a minute"
    assert park.con.execute("select count(distinct subject) from audit.gate_results").fetchone() == (30_000,)


@pytest.mark.parametrize(
    ("statuses", "admitted"),
    [
        (["pass"], True),
        (["pass", "warn", "not_evaluated", "carried"], True),
        (["pass", "fail"], False),
        (["pass", "error"], False),
        ([], False),
    ],
)
def test_what_admits_and_what_holds_back(statuses: list[str], admitted: bool) -> None:
    assert admits([verdict(status) for status in statuses]) is admitted
    assert allows_scores([verdict(status, gate="b") for status in statuses]) is admitted


def test_a_held_delivery_does_not_stop_the_scores_and_no_verdict_on_marts_does() -> None:
    assert allows_scores([verdict("fail"), verdict("pass", gate="b")])
    assert not allows_scores([verdict("pass")])


def test_the_worst_status_stands_for_all() -> None:
    for number, status in enumerate(GATE_PRECEDENCE):
        assert worst([verdict(one.value) for one in reversed(GATE_PRECEDENCE[number:])]) == status


def test_reasons_are_worst_first_and_none_without_any() -> None:
    assert reasons([verdict(), verdict("carried"), verdict("not_evaluated")]) is None
    said = reasons([verdict("warn", observed="w"), verdict("error", observed="e"), verdict("fail", observed="f")], limit=2)
    assert said == "error: e (too many nulls); fail: f (too many nulls); and 1 more"
    assert str(verdict("warn")) == "warn: d1.null_share: null_share = 0.7 (too many nulls)"
    assert dataclasses.replace(verdict(), status=GateStatus.FAIL) != verdict()
