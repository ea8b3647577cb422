"""Runs the suites: over what pending deliveries look like (gate A), and over the marts (gate B).

However many deliveries wait, a suite is validated once, over a profile table, and the verdicts are then
shared out. What cannot be judged is `error`, what had nothing to look at is `not_evaluated`, what has
not changed since it was judged is `carried`: none of them is ever `pass`. Rules stand in the suite
files; what follows from a verdict is the callers' business.
"""
# ruff: noqa: S608 - table and column names come from suite files that are part of the code; values are bound parameters

import json
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipelines.contracts.feed import FeedContract, load_contracts
from pipelines.contracts.states import GateStatus
from pipelines.gates.docs import keep_page
from pipelines.gates.duckdb_source import GateSource
from pipelines.gates.profiles import build_profiles
from pipelines.gates.suites import Looks, Rule, Severity, Suite, SuiteError, build_suites, load_suites
from pipelines.gates.verdicts import (
    FAILING_ROWS_SHOWN,
    GATE_DELIVERIES,
    GATE_MARTS,
    Verdict,
    read_verdicts,
)
from pipelines.settings import Settings

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationValidationResult

log = logging.getLogger(__name__)

EVERYTHING = "everything"
_OBSERVED_LENGTH = 500


@dataclass(frozen=True)
class Outcome:
    """What Great Expectations said about one rule over one table; `failing` are rows as it named them."""

    raised: str | None = None
    success: bool = False
    observed: Any = None
    unexpected_count: int | None = None
    failing: tuple[dict[str, Any], ...] = ()


# Gate A


def judge_deliveries(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    build_id: str,
    deliveries: Iterable[str],
    accepted_path: Callable[[str], Path],
    contracts: Mapping[str, FeedContract] | None = None,
) -> dict[str, list[Verdict]]:
    """Judge pending deliveries, all at once. Never raises for what a gate may meet: that is an `error` verdict.

    Args:
        con: the pipeline's connection; what it has not committed is not seen.
        deliveries: delivery ids; their rows stand in `audit.deliveries`.
        accepted_path: where the lake keeps a delivery's accepted rows.
        contracts: by feed id; read from `settings.feeds_dir` when absent.

    Returns:
        Verdicts by delivery id, every delivery with at least one. Ask `verdicts.admits`.
    """
    ids = list(dict.fromkeys(deliveries))
    if not ids:
        return {}
    verdicts: dict[str, list[Verdict]] = {delivery_id: [] for delivery_id in ids}
    maker = _Maker(settings.park.park_id, build_id, GATE_DELIVERIES)
    try:
        suites = [suite for suite in load_suites(settings.expectations) if suite.gate == GATE_DELIVERIES]
        if not suites:
            raise SuiteError([f"{settings.expectations}: no suite has a subject_column, so no rule judges deliveries"])
        if contracts is None:
            contracts = {contract.feed_id: contract for contract in load_contracts(settings.feeds_dir)[0]}
        with GateSource(con) as source:
            profiles = build_profiles(source.cursor, ids, accepted_path, contracts)
            for delivery_id, reason in profiles.unjudgeable.items():
                verdicts[delivery_id].append(maker.unjudged(delivery_id, "profile", reason))
            judged = {
                suite.name: [
                    delivery_id
                    for delivery_id, record in profiles.records.items()
                    if suite.judges(record, profiles.sources.get(delivery_id))
                ]
                for suite in suites
            }
            built = build_suites([suite for suite in suites if judged[suite.name]])
            for suite in suites:
                if subjects := judged[suite.name]:
                    for verdict in _judge_subjects(source, settings, maker, suite, built[suite.name], subjects):
                        verdicts[verdict.subject].append(verdict)
    except Exception as error:
        log.exception("the gate on deliveries could not run")
        for delivery_id in ids:
            verdicts[delivery_id].append(maker.unjudged(delivery_id, "gate", _said(error)))
    for delivery_id in ids:
        if not verdicts[delivery_id]:
            verdicts[delivery_id].append(maker.unjudged(delivery_id, "gate", "no suite has a rule for deliveries of its record type"))
    return verdicts


def _judge_subjects(
    source: GateSource, settings: Settings, maker: "_Maker", suite: Suite, built: "ExpectationSuite", subjects: list[str]
) -> list[Verdict]:
    """Every rule of one suite on every delivery that it judges."""
    rules = suite.expectations
    index_columns = [suite.subject_column, *suite.key_columns]
    try:
        absent = _absent_columns(source.cursor, suite.name, suite)
        rows = source.cursor.execute(f"select count(*) from {suite.name}").fetchone()[0]
        outcomes = _validate(
            source, settings, maker, suite, built, suite.name, rules, absent, rows_named=max(rows, 1), index_columns=index_columns
        )
        evaluated = _evaluated(source.cursor, suite.name, rules, absent, suite.subject_column)
        if not suite.key_columns and (doubled := [subject for subject, (count, _) in evaluated.items() if count > 1]):
            raise ValueError(f"{suite.name} has more than one row for {', '.join(map(str, doubled[:5]))}")
        shown = _shown_values(source.cursor, suite, absent) if not suite.key_columns else {}
    except Exception as error:
        log.exception("suite %s could not be judged", suite.name)
        return [maker.verdict(suite, rule, subject, GateStatus.ERROR, _said(error)) for rule in rules for subject in subjects]

    verdicts = []
    for index, (rule, outcome) in enumerate(zip(rules, outcomes, strict=True)):
        failing, problem = _failing_by_subject(suite, rule, outcome)
        if problem:
            verdicts.extend(maker.verdict(suite, rule, subject, GateStatus.ERROR, problem) for subject in subjects)
            continue
        for subject in subjects:
            rows_there, rows_seen = evaluated.get(subject, (0, ()))[0], (evaluated[subject][1][index] if subject in evaluated else 0)
            broken = failing.get(subject, [])
            if rule.looks is Looks.TABLE:
                status = GateStatus.PASS if rows_there else _failed(rule)
            elif broken:
                status = _failed(rule)
            else:
                status = GateStatus.PASS if rows_seen else GateStatus.NOT_EVALUATED
            verdicts.append(
                maker.verdict(
                    suite,
                    rule,
                    subject,
                    status,
                    _observed_of(suite, rule, shown.get(subject, {}), rows_there, rows_seen, len(broken)),
                    unexpected_count=len(broken) if rule.looks is not Looks.TABLE else None,
                    failing=broken if suite.key_columns else (),
                )
            )
    return verdicts


def _failing_by_subject(suite: Suite, rule: Rule, outcome: Outcome) -> tuple[dict[str, list[dict]], str | None]:
    """The broken rows of each delivery, or why they cannot be told apart."""
    if outcome.raised:
        return {}, outcome.raised
    if rule.looks is Looks.TABLE:
        return {}, None
    if len(outcome.failing) != (outcome.unexpected_count or 0):
        return {}, (
            f"{outcome.unexpected_count} rows break the rule and {len(outcome.failing)} of them are named: "
            "which deliveries they belong to is not known"
        )
    if outcome.success != (not outcome.failing):
        return {}, "Great Expectations calls the rule " + (
            "met, and names rows that break it" if outcome.success else "broken, and names no row"
        )
    by_subject: dict[str, list[dict]] = {}
    for row in outcome.failing:
        if row.get(suite.subject_column) is None:
            return {}, f"a row that breaks the rule has no {suite.subject_column}: {_json([row])}"
        by_subject.setdefault(row[suite.subject_column], []).append(row)
    return by_subject, None


def _shown_values(cursor: duckdb.DuckDBPyConnection, suite: Suite, absent: set[str]) -> dict[str, dict[str, Any]]:
    """The figures that the rules look at, by delivery, for tables of one row each."""
    columns = sorted({column for rule in suite.expectations for column in (*rule.columns, *rule.needed)} - absent)
    rows = cursor.execute(f"select {', '.join([suite.subject_column, *columns])} from {suite.name}").fetchall()
    return {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows}


def _observed_of(suite: Suite, rule: Rule, values: dict[str, Any], rows_there: int, rows_seen: int, rows_broken: int) -> str:
    if rule.looks is Looks.TABLE:
        return f"{rows_there} rows"
    if suite.key_columns:
        return f"{rows_broken} of {rows_seen} rows" + (f", {rows_there - rows_seen} without figures" if rows_there > rows_seen else "")
    return ", ".join(f"{name} = {_text(values[name])}" for name in dict.fromkeys([*rule.columns, *rule.needed]) if name in values)


# Gate B


def judge_marts(con: duckdb.DuckDBPyConnection, settings: Settings, build_id: str, *, rebuilt_after: int | None = None) -> list[Verdict]:
    """Judge every gated mart. Never raises for what a gate may meet: that is an `error` verdict.

    A mart whose rules all passed in an earlier build, under the same rules and code, is judged on the
    dates that have been touched since, and not at all (`carried`) when there are none.

    Args:
        con: the pipeline's connection, opened again after dbt has closed the file.
        rebuilt_after: the lowest watermark before dbt ran, which is where `int_touched_*` begin. Without
            it nobody knows which rows dbt has rebuilt, and every mart is judged as a whole.
    """
    maker = _Maker(settings.park.park_id, build_id, GATE_MARTS)
    verdicts: list[Verdict] = []
    try:
        suites = [suite for suite in load_suites(settings.expectations) if suite.gate == GATE_MARTS]
        if not suites:
            raise SuiteError([f"{settings.expectations}: every suite has a subject_column, so no rule judges marts"])
        with GateSource(con) as source:
            maker = replace(maker, change_seq=_consumed(source.cursor))
            scopes = {
                suite.name: _scope(source.cursor, suite, _previous(source.cursor, maker, suite), maker, rebuilt_after) for suite in suites
            }
            built = build_suites(suites) if any(not scope.untouched for scope in scopes.values()) else {}
            for suite in suites:
                verdicts.extend(_judge_mart(source, settings, maker, suite, built.get(suite.name), scopes[suite.name]))
    except Exception as error:
        log.exception("the gate on marts could not run")
        verdicts.append(maker.unjudged("marts", "gate", _said(error)))
    return verdicts


def carry_marts(con: duckdb.DuckDBPyConnection, settings: Settings, build_id: str) -> list[Verdict] | None:
    """The last build's verdicts on the marts, for a night in which nothing has changed; None when they must be judged.

    What passed is `carried`; what warned, failed or had nothing to look at says so again, so that neither
    a warning nor a closed gate is forgotten by doing nothing. Does not import Great Expectations.
    """
    maker = _Maker(settings.park.park_id, build_id, GATE_MARTS)
    carried: list[Verdict] = []
    try:
        suites = load_suites(settings.expectations)
    except SuiteError:
        return None  # judging says what is wrong with them, as a verdict
    for suite in suites:
        if suite.gate == GATE_MARTS:
            previous = _previous(con, maker, suite)
            if not previous or any(verdict.status == GateStatus.ERROR for verdict in previous):
                return None
            carried.extend(_carry(verdict, maker) for verdict in previous)
    return carried or None


@dataclass(frozen=True)
class Scope:
    """What of a mart must be looked at: all of it, or the dates touched since `after`, or nothing."""

    after: int | None = None
    previous: tuple[Verdict, ...] = ()
    touched_rows: int = 0

    @property
    def untouched(self) -> bool:
        return self.after is not None and self.touched_rows == 0

    def __str__(self) -> str:
        return EVERYTHING if self.after is None else f"dates touched after change {self.after}"


_TOUCHED_SCOPE = """
create or replace temp table {table_name}_touched as
with touched as (
    select local_date, change_seq from intermediate.int_touched_point_dates
    union all
    select local_date, change_seq from intermediate.int_touched_enterprise_dates
)
select * from {table} where {column} in (select local_date from touched where change_seq > {after})
"""


def _scope(cursor: duckdb.DuckDBPyConnection, suite: Suite, previous: list[Verdict], maker: "_Maker", rebuilt_after: int | None) -> Scope:
    """Fill `<table>_touched` when an earlier verdict still holds for the rest of the mart."""
    # A rule that had nothing to look at still has nothing in the rows that have not changed.
    holds = (GateStatus.PASS, GateStatus.CARRIED, GateStatus.NOT_EVALUATED)
    if suite.changes is None or rebuilt_after is None or maker.change_seq is None or not previous:
        return Scope()
    if not all(verdict.status in holds for verdict in previous) or len({verdict.change_seq for verdict in previous}) != 1:
        return Scope()
    after = previous[0].change_seq
    if after is None or rebuilt_after > after or not _same_code(cursor, previous[0].build_id, maker.build_id):
        return Scope()
    try:
        cursor.execute(_TOUCHED_SCOPE.format(table_name=suite.name, table=suite.table, column=suite.changes.column, after=int(after)))
        rows = cursor.execute(f"select count(*) from {suite.name}_touched").fetchone()[0]
        empty = not cursor.execute(f"select exists (select 1 from {suite.table})").fetchone()[0]
    except duckdb.Error:
        log.warning("the touched dates of %s cannot be told; all of it is judged", suite.table, exc_info=True)
        return Scope()
    return Scope() if empty else Scope(after, tuple(previous), rows)


def _consumed(cursor: duckdb.DuckDBPyConnection) -> int | None:
    """The change up to which every model is built; null before the first build."""
    return cursor.execute("select min(change_seq) from landing.watermark").fetchone()[0]


def _previous(con: duckdb.DuckDBPyConnection, maker: "_Maker", suite: Suite) -> list[Verdict]:
    """The last verdicts on this mart, if they answer the very rules that the suite file has today."""
    where = """gate = ? and suite = ? and build_id = (
        select g.build_id from audit.gate_results as g join audit.builds as b using (build_id)
        where g.gate = ? and g.suite = ? and g.build_id <> ? order by b.started_at desc limit 1
    )"""
    found = read_verdicts(con, where, [maker.gate, suite.name, maker.gate, suite.name, maker.build_id])
    by_rule = {verdict.rule_id: verdict for verdict in found}
    wanted = [rule.rule_id for rule in suite.expectations]
    return [by_rule[rule_id] for rule_id in wanted] if by_rule.keys() == set(wanted) else []


def _same_code(cursor: duckdb.DuckDBPyConnection, build_id: str, other_build_id: str) -> bool:
    """Whether both builds are on record with one code version: other models build other rows from untouched dates."""
    rows = cursor.execute("select code_version from audit.builds where build_id in (?, ?)", [build_id, other_build_id]).fetchall()
    return len(rows) == 2 and rows[0] == rows[1]


def _carry(verdict: Verdict, maker: "_Maker") -> Verdict:
    status = GateStatus.CARRIED if verdict.status == GateStatus.PASS else verdict.status
    source = verdict.scope if verdict.scope.startswith("as of build ") else f"as of build {verdict.build_id}: {verdict.scope}"
    return replace(verdict, build_id=maker.build_id, status=status, scope=source, change_seq=maker.change_seq or verdict.change_seq)


def _judge_mart(
    source: GateSource, settings: Settings, maker: "_Maker", suite: Suite, built: "ExpectationSuite | None", scope: Scope
) -> list[Verdict]:
    """Every rule of one suite on its mart."""
    if scope.untouched:
        return [_carry(verdict, maker) for verdict in scope.previous]
    rules = suite.expectations
    try:
        # Great Expectations finds columns by bare table name; a view of that name costs nothing.
        view = f"{suite.name}_whole"
        source.cursor.execute(f"create or replace temp view {view} as select * from {suite.table}")
        absent = _absent_columns(source.cursor, view, suite)
        earlier = {verdict.rule_id: verdict for verdict in scope.previous}
        verdicts: dict[str, Verdict] = {}
        for table, looked_at, part in (
            (f"{suite.name}_touched", str(scope), [rule for rule in rules if scope.after is not None and rule.row_by_row]),
            (view, EVERYTHING, [rule for rule in rules if scope.after is None or not rule.row_by_row]),
        ):
            if part:
                outcomes = _validate(source, settings, maker, suite, built, table, part, absent, rows_named=FAILING_ROWS_SHOWN)
                (rows_there, rows_seen), *_ = _evaluated(source.cursor, table, part, absent).values()
                for rule, outcome, seen in zip(part, outcomes, rows_seen, strict=True):
                    if table != view and not outcome.raised and seen == 0:
                        verdicts[rule.rule_id] = _carry(earlier[rule.rule_id], maker)
                    else:
                        verdicts[rule.rule_id] = replace(_mart_verdict(maker, suite, rule, outcome, rows_there, seen), scope=looked_at)
        return [verdicts[rule.rule_id] for rule in rules]
    except Exception as error:
        log.exception("suite %s could not be judged", suite.name)
        return [maker.verdict(suite, rule, suite.table, GateStatus.ERROR, _said(error)) for rule in rules]


def _mart_verdict(maker: "_Maker", suite: Suite, rule: Rule, outcome: Outcome, rows_there: int, rows_seen: int) -> Verdict:
    broken = outcome.unexpected_count
    if outcome.raised:
        return maker.verdict(suite, rule, suite.table, GateStatus.ERROR, outcome.raised)
    if rule.looks in (Looks.TABLE, Looks.SHARE, Looks.AGGREGATE):
        observed = f"{_text(outcome.observed)} rows" if rule.looks is Looks.TABLE else f"{_text(outcome.observed)} over {rows_there} rows"
    else:
        observed = f"{broken} of {rows_seen} rows" + (f", {rows_there - rows_seen} without figures" if rows_there > rows_seen else "")
    # An empty table, or a column of nulls, satisfies almost anything; only what says that rows are lacking may speak.
    if rule.looks is not Looks.TABLE and not (rule.looks is Looks.QUERY and not outcome.success) and rows_seen == 0:
        status = GateStatus.NOT_EVALUATED
    else:
        status = GateStatus.PASS if outcome.success else _failed(rule)
    return maker.verdict(suite, rule, suite.table, status, observed, unexpected_count=broken, failing=outcome.failing)


# Both


@dataclass(frozen=True)
class _Maker:
    """Makes verdicts of one build and gate."""

    park_id: str
    build_id: str
    gate: str
    change_seq: int | None = None

    def verdict(
        self,
        suite: Suite,
        rule: Rule,
        subject: str,
        status: GateStatus,
        observed: str,
        *,
        unexpected_count: int | None = None,
        failing: Iterable[dict[str, Any]] = (),
    ) -> Verdict:
        failing = list(failing)[:FAILING_ROWS_SHOWN]
        return Verdict(
            park_id=self.park_id,
            build_id=self.build_id,
            gate=self.gate,
            suite=suite.name,
            subject=subject,
            expectation=rule.type,
            column_name=rule.column_name,
            severity=rule.severity.value,
            status=status,
            observed=observed[:_OBSERVED_LENGTH],
            unexpected_count=unexpected_count,
            failing_rows=_json(failing) if failing else None,
            why=rule.why,
            rule_id=rule.rule_id,
            scope=EVERYTHING,
            change_seq=self.change_seq,
        )

    def unjudged(self, subject: str, part: str, reason: str) -> Verdict:
        """The gate, not a rule, could not do its work on this subject."""
        return Verdict(
            park_id=self.park_id,
            build_id=self.build_id,
            gate=self.gate,
            suite="-",
            subject=subject,
            expectation=part,
            column_name=None,
            severity=Severity.CRITICAL.value,
            status=GateStatus.ERROR,
            observed=reason[:_OBSERVED_LENGTH],
            unexpected_count=None,
            failing_rows=None,
            why="what could not be judged is never let through",
            rule_id=part,
            scope=EVERYTHING,
            change_seq=self.change_seq,
        )


def _failed(rule: Rule) -> GateStatus:
    return GateStatus.FAIL if rule.severity is Severity.CRITICAL else GateStatus.WARN


def _absent_columns(cursor: duckdb.DuckDBPyConnection, table: str, suite: Suite) -> set[str]:
    """Columns that the rules name and the table has not: their rules are errors, not failures."""
    there = {row[0] for row in cursor.execute(f"describe {table}").fetchall()}
    named = {column for rule in suite.expectations for column in (*rule.columns, *rule.needed)}
    return named - there


def _evaluated(
    cursor: duckdb.DuckDBPyConnection, table: str, rules: list[Rule], absent: set[str], by: str | None = None
) -> dict[str | None, tuple[int, tuple[int, ...]]]:
    """Rows there are, and per rule the rows it could look at: none of its columns null. By delivery, or for the table."""
    counts = []
    for rule in rules:
        needed = [column for column in rule.needed if column not in absent]
        counts.append(f"count(*) filter ({' and '.join(f'{column} is not null' for column in needed)})" if needed else "count(*)")
    grouped = f" group by {by}" if by else ""
    rows = cursor.execute(f"select {by or 'null'}, count(*), {', '.join(counts)} from {table}{grouped}").fetchall()
    return {row[0]: (row[1], tuple(row[2:])) for row in rows}


def _validate(
    source: GateSource,
    settings: Settings,
    maker: _Maker,
    suite: Suite,
    built: "ExpectationSuite",
    table: str,
    rules: list[Rule],
    absent: set[str],
    *,
    rows_named: int,
    index_columns: list[str] | None = None,
) -> list[Outcome]:
    """One run of Great Expectations; an outcome for every rule, whatever it did with them."""
    numbers = {suite.expectations.index(rule): place for place, rule in enumerate(rules)}
    part = type(built)(name=built.name, expectations=[e for e in built.expectations if e.meta["rule"] in numbers])
    result = source.validate(table, part, rows_named=rows_named, index_columns=index_columns)
    outcomes = [Outcome(raised="Great Expectations gave no result for this rule")] * len(rules)
    for single in result.results:
        place = numbers[single.expectation_config.meta["rule"]]
        rule = rules[place]
        if lacking := sorted(absent & {*rule.columns, *rule.needed}):
            outcomes[place] = Outcome(raised=f"{suite.table} has no column {', '.join(lacking)}")
        else:
            outcomes[place] = _outcome(source.cursor, table, rule, single, rows_named, named_by_index=index_columns is not None)
    keep_page(settings, maker.build_id, maker.gate, table, result)
    return outcomes


def _outcome(
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    rule: Rule,
    single: "ExpectationValidationResult",
    rows_named: int,
    *,
    named_by_index: bool,
) -> Outcome:
    if raised := _raised(single.exception_info):
        return Outcome(raised=raised)
    result = single.result
    if rule.looks is Looks.QUERY:
        count = result["observed_value"]
        failing = []
        if count:
            # Great Expectations stops naming rows at 200.
            query = rule.kwargs["unexpected_rows_query"].rstrip("; \n").format(batch=table)
            rows = cursor.execute(f"select * from ({query}) limit {rows_named}")
            names = [column[0] for column in rows.description]
            failing = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
        return Outcome(None, single.success, count, count, tuple(failing))
    if rule.looks in (Looks.TABLE, Looks.SHARE, Looks.AGGREGATE):
        return Outcome(None, single.success, result.get("observed_value"))
    failing = result.get("partial_unexpected_index_list" if named_by_index else "unexpected_rows") or []
    return Outcome(None, single.success, None, result["unexpected_count"] or 0, tuple(dict(row) for row in failing))


def _raised(information: Mapping[str, Any]) -> str | None:
    """What an expectation raised. It stands at the top, or one level down under the metric that raised it."""
    for place in (information, *(value for value in information.values() if isinstance(value, Mapping))):
        if place.get("raised_exception"):
            return str(place.get("exception_message") or "an exception without a message").split("\n(Background")[0].split("\n[SQL")[0]
    return None


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, SuiteError) else f"{type(error).__name__}: {error}"


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    """For JSON, which knows neither dates nor NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _json(rows: Iterable[Mapping[str, Any]]) -> str:
    return json.dumps([{name: _plain(value) for name, value in row.items()} for row in rows], ensure_ascii=False)
