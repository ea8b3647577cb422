"""Gate B in the graph: one check an expectation, on the mart it judges, in one step and one context.

The verdict is a row of `audit.gate_results`, which this step writes; the check shows it, with the rows that
broke the rule. Blocking checks stop scores and publication in this run; in a later one those ask for the row.
What is expected stands in the suite files, how it is judged in `gates`.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import dagster as dg

from pipelines.contracts.states import GateStatus, StepOutcome
from pipelines.gates.suites import Severity, Suite, SuiteError, load_suites
from pipelines.gates.verdicts import CLOSING, GATE_MARTS, Verdict, write_verdicts
from pipelines.orchestration.build import Build
from pipelines.orchestration.resources import BUILD
from pipelines.orchestration.tables import rows_as_markdown
from pipelines.settings import Settings
from pipelines.warehouse.connection import transaction

STEP = "gate_b"


@dataclass(frozen=True)
class MartRule:
    """A rule of a suite and the check that shows its verdicts."""

    suite: str
    rule_id: str
    check: dg.AssetCheckSpec


def mart_rules(settings: Settings, marts: Collection[dg.AssetKey]) -> list[MartRule]:
    """The checks of every suite on marts. Raises SuiteError for one that judges a table dbt does not build."""
    suites = [suite for suite in load_suites(settings.expectations) if suite.gate == GATE_MARTS]
    if unknown := [suite for suite in suites if dg.AssetKey(suite.table.split(".")) not in marts]:
        raise SuiteError([f"{suite.name}.yaml: table = {suite.table}: dbt builds no such model" for suite in unknown])
    return [rule for suite in suites for rule in _rules(suite)]


def _rules(suite: Suite) -> Iterator[MartRule]:
    seen: Counter[str] = Counter()
    for rule in suite.expectations:
        name = check_name(rule.type, rule.column_name)
        seen[name] += 1
        spec = dg.AssetCheckSpec(
            name=name if seen[name] == 1 else f"{name}_{seen[name]}",
            asset=dg.AssetKey(suite.table.split(".")),
            description=f"{rule.why} ({rule.severity.value})",
            blocking=rule.severity is Severity.CRITICAL,
        )
        yield MartRule(suite.name, rule.rule_id, spec)


def check_name(expectation: str, columns: str | None) -> str:
    """`gate_values_to_be_between__mass_kg`: short enough for a list, and telling the expectation and its columns."""
    short = expectation.removeprefix("expect_").removeprefix("column_").removesuffix("_expectation")
    letters = "".join(letter if letter.isalnum() else "_" for letter in (columns or "").replace(", ", "_"))
    return f"gate_{short}__{letters}" if letters else f"gate_{short}"


def gate_on_marts(settings: Settings, marts: Collection[dg.AssetKey]) -> dg.AssetChecksDefinition | None:
    """The step that judges all marts; None when no suite does (then nothing is scored or published either)."""
    rules = mart_rules(settings, marts)
    if not rules:
        return None

    @dg.multi_asset_check(
        name=STEP,
        specs=[rule.check for rule in rules],
        can_subset=True,
        description="Great Expectations over the marts, pushed down into DuckDB.",
        required_resource_keys={BUILD},
    )
    def gate_b(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        build: Build = context.resources.build
        by_rule = {(verdict.suite, verdict.rule_id): verdict for verdict in judge(build)}
        for rule in rules:
            if rule.check.key in context.selected_asset_check_keys:
                yield result_of(rule, by_rule.get((rule.suite, rule.rule_id)))

    return gate_b


def carry_verdicts(build: Build) -> bool:
    """Say again what gate B said last, for a build in which nothing has changed; False when it must judge anew."""
    from pipelines.gates.runner import carry_marts

    verdicts = carry_marts(build.con, build.settings, build.build_id)
    if verdicts is None or any(verdict.status in CLOSING for verdict in verdicts):
        return False
    with build.step(STEP) as note:
        with transaction(build.con):
            write_verdicts(build.con, verdicts)
        note.outcome = StepOutcome.CARRIED
        note.rows = len(verdicts)
        if warned := [verdict for verdict in verdicts if verdict.status is GateStatus.WARN]:
            note.warn("; ".join(str(verdict) for verdict in warned))
    return True


def judge(build: Build) -> list[Verdict]:
    """Judge the marts, write the verdicts and the build's Data Docs."""
    # Imported here: Great Expectations costs seconds, and a night with nothing new does not need it.
    from pipelines.gates.docs import write_data_docs
    from pipelines.gates.runner import judge_marts

    with build.step(STEP) as note:
        verdicts = judge_marts(build.con, build.settings, build.build_id, rebuilt_after=build.rebuilt_after)
        with transaction(build.con):
            write_verdicts(build.con, verdicts)
        note.rows = len(verdicts)
        for verdict in verdicts:
            if verdict.status in CLOSING:
                note.fail(str(verdict))
            elif verdict.status is GateStatus.WARN:
                note.warn(str(verdict))
        write_data_docs(build.con, build.settings, build.build_id)
    return verdicts


def result_of(rule: MartRule, verdict: Verdict | None) -> dg.AssetCheckResult:
    """A verdict as a check result. What could not be judged is red, never green."""
    if verdict is None:
        return dg.AssetCheckResult(
            asset_key=rule.check.asset_key,
            check_name=rule.check.name,
            passed=False,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"status": GateStatus.ERROR.value, "observed": "the gate has said nothing of this rule; its step's log says why"},
        )
    metadata: dict[str, object] = {
        "status": verdict.status.value,
        "observed": verdict.observed or "",
        "why": verdict.why,
        "scope": verdict.scope,
    }
    if verdict.unexpected_count is not None:
        metadata["unexpected rows"] = verdict.unexpected_count
    if verdict.failing_rows and (rows := json.loads(verdict.failing_rows)):
        columns = list(dict.fromkeys(name for row in rows for name in row))
        metadata["failing rows"] = dg.MarkdownMetadataValue(
            rows_as_markdown(columns, [[row.get(name) for name in columns] for row in rows])
        )
    return dg.AssetCheckResult(
        asset_key=rule.check.asset_key,
        check_name=rule.check.name,
        passed=verdict.status not in CLOSING and verdict.status is not GateStatus.WARN,
        severity=dg.AssetCheckSeverity.ERROR if verdict.status in CLOSING else dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )
