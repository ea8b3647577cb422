"""The feed factory: one asset a contract, made from its YAML file and nothing else.

An asset's step finds what has arrived, parses it into the lake and writes its delivery rows. How a file is
read stands in `ingest`, whether its rows may enter in `admission`. No feed is ever named in code.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import duckdb

from pipelines.contracts.feed import FeedContract, Problem, load_contracts
from pipelines.contracts.states import StepOutcome
from pipelines.orchestration.build import Build, StepNote
from pipelines.orchestration.keys import FEEDS, feed_key
from pipelines.orchestration.resources import BUILD
from pipelines.orchestration.tables import plot_as_markdown, rows_as_markdown
from pipelines.settings import Settings
from pipelines.warehouse.connection import DiskFull, explain

STEP = "ingest"
READABLE = "readable"
RETRIES = 2
_QUARANTINE_SHOWN = 15
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


class ContractBroken(Exception):
    """The feed cannot be read until its contract is mended; the message has every problem, one a line."""


def feed_contracts(settings: Settings) -> tuple[list[FeedContract], dict[str, list[Problem]]]:
    """Readable contracts, and the problems of the others by feed: a file that cannot be read keeps its place in the graph."""
    contracts, problems = load_contracts(settings.feeds_dir)
    broken: dict[str, list[Problem]] = {}
    for problem in problems:
        broken.setdefault(Path(problem.file).stem, []).append(problem)
    known = {contract.feed_id for contract in contracts}
    return contracts, {feed_id: found for feed_id, found in broken.items() if feed_id not in known}


def _group(contract: FeedContract | None) -> str:
    """Feeds of one record type stand together; registers are many and small, and share one group."""
    if contract is None:
        return "broken_contracts"
    return "registers" if contract.record_type.is_register else contract.record


def feed_asset(feed_id: str, contract: FeedContract | None, upstream: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset of one feed; `contract` is None where the file cannot be read, which its step says again."""
    key = feed_key(feed_id)

    @dg.asset(
        key=key,
        deps=list(upstream),
        description=_description(feed_id, contract),
        group_name=_group(contract),
        kinds={contract.format.kind.value} if contract else set(),
        owners=owners_of(contract.owner) if contract else [],
        metadata=_standing_metadata(contract) if contract else {},
        check_specs=[
            dg.AssetCheckSpec(READABLE, asset=key, description="The contract holds together and every new file could be read."),
        ],
        retry_policy=dg.RetryPolicy(max_retries=RETRIES, delay=2, backoff=dg.Backoff.EXPONENTIAL),
        required_resource_keys={BUILD},
    )
    def feed(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return ingest(context.resources.build, feed_id, may_retry=context.retry_number < RETRIES)

    return feed


def ingest(build: Build, feed_id: str, *, may_retry: bool) -> dg.MaterializeResult:
    """Take in what is new. Whatever goes wrong costs this feed only: it is written down, and the park goes on.

    Raises only what a retry may cure, and only while one is left: a step that raises skips everything behind it.
    """
    try:
        with build.step(STEP, feed_id) as note:
            try:
                result = _ingest(build, feed_id, note)
            except Exception as error:
                # The last attempt writes the outcome: one row a step.
                note.recorded = may_retry and retry_may_help(error)
                raise
        build.feeds_read.add(feed_id)
        return result
    except Exception as error:
        if may_retry and retry_may_help(error):
            raise
        build.feeds_failed.add(feed_id)
        message = str(explain(error, build.settings) or error) or type(error).__name__
        return dg.MaterializeResult(metadata={"problem": message}, check_results=[_readable(feed_id, False, {"problem": message})])


def _ingest(build: Build, feed_id: str, note: StepNote) -> dg.MaterializeResult:
    from pipelines.ingest.feed import ingest_feed

    if problems := build.problems_of(feed_id):
        raise ContractBroken("\n".join(str(problem) for problem in problems))
    contract = build.contracts.get(feed_id)
    if contract is None:
        raise ContractBroken(f"{feed_id}.yaml is no longer in {build.settings.feeds_dir}: reload the code location")
    result = ingest_feed(
        build.con,
        build.settings,
        contract,
        build.references,
        build.build_id,
        build.started_at,
        lambda done, total, path: build.reporter.step_moved(STEP, feed_id, done, total),
    )
    note.recorded = True
    note.outcome, note.rows = result.outcome, result.rows_read
    note.say(result.message)
    metadata: dict[str, object] = {
        "dagster/row_count": result.rows_read,
        "new or changed files": result.arrivals,
        "unchanged files": result.unchanged,
        "refused files": result.refused,
        "quarantined rows": result.rows_quarantined,
        "summary": result.message,
    }
    metadata |= _pictures(build, contract, result.deliveries)
    return dg.MaterializeResult(
        metadata=metadata,
        check_results=[_readable(feed_id, result.outcome is StepOutcome.OK, {"summary": result.message}, dg.AssetCheckSeverity.WARN)],
    )


def retry_may_help(error: BaseException) -> bool:
    """A share that is not mounted yet, a file somebody is writing: gone in seconds. A wrong contract or a full disk is not."""
    return isinstance(error, OSError | duckdb.IOException) and not isinstance(error, DiskFull)


def owners_of(owner: str) -> list[str]:
    """A mail address as it is, anything else as a team: Dagster knows no other owners."""
    if _EMAIL.match(owner):
        return [owner]
    letters = re.sub(r"[^A-Za-z0-9_-]+", "-", owner).strip("-")
    return [f"team:{letters}"] if letters else []


def _readable(
    feed_id: str, passed: bool, metadata: dict[str, object], severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(asset_key=feed_key(feed_id), check_name=READABLE, passed=passed, severity=severity, metadata=metadata)


def _description(feed_id: str, contract: FeedContract | None) -> str:
    if contract is None:
        return f"{FEEDS}/{feed_id}.yaml cannot be read as a contract: its run says why, and so does `park-audit feed check`."
    return contract.description or f"Files {contract.source.drop} below raw/, as records of type {contract.record}."


def _standing_metadata(contract: FeedContract) -> dict[str, object]:
    expected = contract.expects
    shown: dict[str, object] = {"drop": contract.source.drop, "record": contract.record, "fingerprint": contract.fingerprint}
    if expected.rows_per_day:
        shown["expected a day"] = expected.rows_per_day
    if expected.late_after:
        shown["late after"] = str(expected.late_after)
    return shown


def _pictures(build: Build, contract: FeedContract, deliveries: Sequence[object]) -> dict[str, object]:
    """What was refused, and rows a day, of what has just arrived. Neither is worth a failed step."""
    from pipelines.ingest.lake import Lake

    lake, shown = Lake(build.settings.lake), {}
    parses = [lake.parse_of(delivery) for delivery in deliveries if delivery.parse_key]
    if refused := [str(parse.quarantined) for parse in parses if parse.quarantined]:
        rows = build.con.read_parquet(refused).limit(_QUARANTINE_SHOWN)
        shown["quarantine"] = dg.MarkdownMetadataValue(rows_as_markdown(rows.columns, rows.fetchall()))
    if "local_date" in contract.record_type.by_name and parses:
        counted = (
            build.con.read_parquet([str(parse.accepted) for parse in parses]).aggregate("local_date, count(*)", "local_date").order("1")
        )
        if days := counted.fetchall():
            label = "rows a day"
            shown[label] = dg.MarkdownMetadataValue(plot_as_markdown([day for day, _ in days], [rows for _, rows in days], label=label))
    return shown
