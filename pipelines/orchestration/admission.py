"""Admission: gate A's word on everything that waits, and what it lets in. Registers first, the rest after.

One context judges all pending deliveries; each is then carried out in a transaction of its own. A delivery that is
held back costs nobody but its feed. Rules stand in `expectations/`, judging in `gates`, loading in `ingest.load`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from datetime import timedelta

import dagster as dg

from pipelines.contracts.feed import FeedContract
from pipelines.contracts.records import RECORD_TYPES
from pipelines.contracts.states import Admission
from pipelines.gates.verdicts import Verdict, admits, reasons
from pipelines.ingest.lake import Lake
from pipelines.ingest.load import Decision, LoadError, load_deliveries, pending_deliveries
from pipelines.orchestration.build import Build, StepNote
from pipelines.orchestration.keys import LANDING, MEASURED_RECORDS, REGISTER_RECORDS, STANDARDS, TOUCHED, feed_key, landing_key
from pipelines.orchestration.resources import BUILD
from pipelines.orchestration.tables import rows_as_markdown
from pipelines.warehouse import audit
from pipelines.warehouse.ledger import Delivery
from pipelines.warehouse.standards import load_standards_into, standards_stand

STEP = "admission"
ADMITTED, ON_TIME = "admitted", "on_time"
_REASON_CHARACTERS = 2000


@dataclass
class Admitted:
    """What became of the deliveries of one record type."""

    admitted: int = 0
    held: int = 0
    rows_accepted: int = 0
    rows_duplicate: int = 0
    rows_revised: int = 0
    rows_withdrawn: int = 0
    failed: list[str] = field(default_factory=list)

    def count(self, delivery: Delivery) -> None:
        self.admitted += delivery.admission is Admission.ADMITTED
        self.held += delivery.admission is Admission.HELD
        self.rows_accepted += delivery.rows_accepted or 0
        self.rows_duplicate += delivery.rows_duplicate or 0
        self.rows_revised += delivery.rows_revised or 0
        self.rows_withdrawn += delivery.rows_withdrawn or 0


def admit(build: Build, records: Sequence[str], note: StepNote) -> dict[str, Admitted]:
    """Judge and carry out all that waits of these record types; what gate A held before only when it might say otherwise now."""
    done = {record: Admitted() for record in records}
    waiting = [delivery for delivery in pending_deliveries(build.con, held=_judge_again(build)) if delivery.record in done]
    if not waiting:
        note.rows = 0
        note.say("nothing waits")
        return done
    # Imported here: Great Expectations costs seconds, and a night with nothing new does not need it.
    from pipelines.gates.runner import judge_deliveries

    lake, by_id = Lake(build.settings.lake), {delivery.delivery_id: delivery for delivery in waiting}
    verdicts = judge_deliveries(
        build.con, build.settings, build.build_id, by_id, lambda delivery_id: lake.accepted_file(by_id[delivery_id]), build.contracts
    )
    decisions = [_decision(delivery, verdicts[delivery.delivery_id], lake) for delivery in waiting]
    for at, (decision, result) in enumerate(load_deliveries(build.con, build.settings, decisions, build_id=build.build_id), start=1):
        build.reporter.step_moved(STEP, decision.delivery.path, at, len(decisions))
        if isinstance(result, LoadError):
            # It stays pending and is judged again next night; the deliveries after it do not depend on it.
            done[decision.delivery.record].failed.append(str(result))
            note.fail(str(result))
            continue
        build.records_changed.add(decision.delivery.record)
        done[decision.delivery.record].count(result.delivery)
        if result.rows_refused:
            note.warn(
                f"{decision.delivery.path}: {result.rows_refused} rows would have changed a {decision.delivery.record} that stands: refused"
            )
        if decision.admission is Admission.HELD:
            note.warn(f"{decision.delivery.path} is held back: {decision.reason}")
    note.rows = sum(counts.rows_accepted for counts in done.values())
    note.say(f"{sum(counts.admitted for counts in done.values())} of {len(waiting)} deliveries admitted")
    return done


def _decision(delivery: Delivery, said: Sequence[Verdict], lake: Lake) -> Decision:
    admission = Admission.ADMITTED if admits(said) else Admission.HELD
    read = [delivery.reason]
    if delivery.admission is Admission.HELD:
        # What an earlier night held against it is judged anew; what its reader had to say stands.
        read = lake.parse_of(delivery).facts.warnings
    reason = "; ".join(text for text in (reasons(said), *read) if text)[:_REASON_CHARACTERS]
    return Decision(delivery, admission, [astuple(verdict) for verdict in said], reason or None)


def _judge_again(build: Build) -> bool:
    """Whether deliveries that were held back may fare better now: other rules, contracts, standards or registers."""
    previous = audit.previous_build(build.con, build.build_id)
    return (
        previous is None
        or previous.code_version != build.code_version
        or previous.contracts_hash != build.contracts_hash
        or previous.standards_hash != build.standards.hash
        or build.registers_changed
    )


def admission_assets(register_feeds: Sequence[str], other_feeds: Sequence[str]) -> list[dg.AssetsDefinition]:
    """Standards, the registers, and everything that is read with them."""

    @dg.asset(
        key=STANDARDS,
        group_name=LANDING,
        kinds={"duckdb"},
        description="The park's own standards beside the seeds, and what has changed in either: a changed factor or limit touches what it is used for.",
        required_resource_keys={BUILD},
    )
    def standards(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        build: Build = context.resources.build
        with build.step("standards") as note:
            build.standards_stand = standards_stand(build.con, build.standards)
            change_seq = load_standards_into(build.con, build.standards, build.park_id, build.started_at)
            note.say("unchanged" if change_seq is None else f"changed rows touch the park under change {change_seq}")
        return dg.MaterializeResult(metadata={"hash": build.standards.hash, "changed": change_seq is not None})

    @dg.multi_asset(
        name="admit_registers",
        specs=[_landing_spec(record, [feed_key(feed_id) for feed_id in register_feeds]) for record in REGISTER_RECORDS],
        description="Registers go first: points, accounts and products are then known when everything else is read.",
        required_resource_keys={BUILD},
    )
    def admit_registers(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        build: Build = context.resources.build
        with build.step(STEP, "registers") as note:
            done = admit(build, REGISTER_RECORDS, note)
        if any(counts.admitted for counts in done.values()):
            build.registers_changed = True
            build.forget_references()
        yield from _results(done)

    @dg.multi_asset(
        name="admit_measurements",
        specs=[
            *(_landing_spec(record, [feed_key(feed_id) for feed_id in other_feeds]) for record in MEASURED_RECORDS),
            dg.AssetSpec(
                TOUCHED,
                deps=[STANDARDS, *(landing_key(record) for record in REGISTER_RECORDS)],
                group_name=LANDING,
                kinds={"duckdb"},
                description="Which entities and dates every change touches: what dbt rebuilds, and nothing else.",
            ),
        ],
        description="All pending deliveries judged at once, each loaded in a transaction of its own.",
        required_resource_keys={BUILD},
    )
    def admit_measurements(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        build: Build = context.resources.build
        with build.step(STEP, "measurements") as note:
            done = admit(build, MEASURED_RECORDS, note)
        yield from _results(done)
        yield dg.MaterializeResult(asset_key=TOUCHED)

    return [standards, admit_registers, admit_measurements]


def _landing_spec(record: str, deps: Sequence[dg.AssetKey]) -> dg.AssetSpec:
    return dg.AssetSpec(landing_key(record), deps=list(deps), group_name=LANDING, kinds={"duckdb"}, description=RECORD_TYPES[record].grain)


def _results(done: dict[str, Admitted]) -> Iterator[dg.MaterializeResult]:
    for record, counts in done.items():
        metadata: dict[str, object] = {
            "dagster/row_count": counts.rows_accepted,
            "deliveries admitted": counts.admitted,
            "deliveries held": counts.held,
            "duplicates": counts.rows_duplicate,
            "revisions": counts.rows_revised,
            "withdrawn": counts.rows_withdrawn,
        }
        if counts.failed:
            metadata["not loaded"] = dg.MarkdownMetadataValue(rows_as_markdown(["reason"], [[text] for text in counts.failed]))
        yield dg.MaterializeResult(asset_key=landing_key(record), metadata=metadata)


def feed_checks(contracts: Iterable[FeedContract]) -> list[dg.AssetChecksDefinition]:
    """A warning on each feed that has something held back, and on each whose newest value is too old. One step for all."""
    contracts = list(contracts)
    if not contracts:
        return []
    admitted = [
        dg.AssetCheckSpec(
            ADMITTED,
            asset=feed_key(contract.feed_id),
            description="No delivery of the feed is held back by gate A.",
            additional_deps=[landing_key(contract.record)],
        )
        for contract in contracts
    ]
    on_time = [
        dg.AssetCheckSpec(
            ON_TIME,
            asset=feed_key(contract.feed_id),
            description=f"The newest value is not older than {contract.expects.late_after}.",
            additional_deps=[landing_key(contract.record)],
        )
        for contract in contracts
        if contract.expects.late_after
    ]

    @dg.multi_asset_check(
        name="feed_checks",
        specs=admitted + on_time,
        can_subset=True,
        description="What admission left behind, feed by feed.",
        required_resource_keys={BUILD},
    )
    def check_feeds(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        wanted = context.selected_asset_check_keys
        yield from feed_check_results(
            context.resources.build,
            [spec.asset_key.path[-1] for spec in admitted if spec.key in wanted],
            [spec.asset_key.path[-1] for spec in on_time if spec.key in wanted],
        )

    return [check_feeds]


def feed_check_results(build: Build, admitted: Sequence[str], on_time: Sequence[str]) -> Iterator[dg.AssetCheckResult]:
    """The results, out of the audit tables: what an earlier night held back is still held."""
    held: dict[str, list[audit.DeliveryLine]] = {}
    for line in audit.waiting_deliveries(build.con):
        held.setdefault(line.feed_id, []).append(line)
    for feed_id in admitted:
        lines = held.get(feed_id, [])
        rows = [[line.path, line.waiting_since, line.reason] for line in lines]
        yield dg.AssetCheckResult(
            asset_key=feed_key(feed_id),
            check_name=ADMITTED,
            passed=not lines,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"held back": dg.MarkdownMetadataValue(rows_as_markdown(["path", "since", "reason"], rows))} if rows else {},
        )
    newest = audit.newest_periods(build.con)
    for feed_id in on_time:
        contract = build.contracts.get(feed_id)
        late_after = contract.expects.late_after if contract else None
        age = build.started_at - newest[feed_id] if feed_id in newest else None
        yield dg.AssetCheckResult(
            asset_key=feed_key(feed_id),
            check_name=ON_TIME,
            passed=late_after is None or (age is not None and age <= late_after),
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "newest value (UTC)": str(newest.get(feed_id, "none has ever arrived")),
                "age": _age(age),
                "late after": str(late_after),
            },
        )


def _age(age: timedelta | None) -> str:
    return "unknown" if age is None else f"{age.days} d {age.seconds // 3600} h"
