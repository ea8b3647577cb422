"""One build, from the write lock to its closing row: what all steps of a run share.

Holds the lock once for the whole run, opens the warehouse when a step needs it and lets go of it while dbt
runs, opens the build's row first and sees to it that it is closed. Knows no Dagster, so that it is tested
without; what a step does stands with the step.
"""

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import duckdb

from pipelines.contracts.feed import FeedContract, Problem, load_contracts
from pipelines.contracts.records import REGISTERS
from pipelines.contracts.standards import Standards, load_standards
from pipelines.contracts.states import BuildStatus, StepOutcome
from pipelines.orchestration.code_version import code_version
from pipelines.orchestration.progress import Reporter
from pipelines.settings import Settings, local_date
from pipelines.warehouse import audit, builds
from pipelines.warehouse.connection import explain, open_warehouse
from pipelines.warehouse.lock import Holder, write_lock

if TYPE_CHECKING:
    from pipelines.ingest.references import References

log = logging.getLogger(__name__)


_UNOPENED = "9"
"""Sorts behind every build id, which begins with a year: who has opened no build looks back at the last one."""


def utc_now() -> datetime:
    """Naive UTC, like every timestamp in the warehouse."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass
class StepNote:
    """What a step wants to have said about itself; written when it ends."""

    outcome: StepOutcome = StepOutcome.OK
    rows: int | None = None
    messages: list[str] = field(default_factory=list)
    recorded: bool = False
    """Whether the outcome row is written elsewhere: by what the step called, or by the attempt that follows."""

    def warn(self, message: str) -> None:
        self.outcome = max(self.outcome, StepOutcome.WARNED, key=_GRAVITY.index)
        self.messages.append(message)

    def fail(self, message: str) -> None:
        self.outcome = StepOutcome.FAILED
        self.messages.append(message)

    def say(self, message: str) -> None:
        self.messages.append(message)


_GRAVITY = (StepOutcome.CARRIED, StepOutcome.SKIPPED, StepOutcome.OK, StepOutcome.WARNED, StepOutcome.FAILED)


class Build:
    """The running build. Make one with `run_build`."""

    def __init__(self, settings: Settings, run_id: str | None, door: str, reporter: Reporter) -> None:
        self.settings = settings
        self.run_id = run_id
        self.door = door
        self.reporter = reporter
        self.park_id = settings.park.park_id
        self.started_at = utc_now()
        self.build_id = _UNOPENED
        self.aborted_runs: list[str] = []
        self.rebuilt_after: int | None = None
        self.registers_changed = False
        self.records_changed: set[str] = set()
        """Record types of which something was admitted, held back or withdrawn in this build."""
        self.standards_stand = False
        """Whether the warehouse holds the very standards of this build, each row where it stands; known once they were loaded."""
        self.feeds_read: set[str] = set()
        self.feeds_failed: set[str] = set()
        self.carried = False
        self.published = False
        self._warehouse: AbstractContextManager[duckdb.DuckDBPyConnection] | None = None
        self._con: duckdb.DuckDBPyConnection | None = None
        self._references: References | None = None
        self._problems: dict[str, list[Problem]] | None = None
        self._closed = False

    # The warehouse

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The run's connection; opened again when it had been let go of."""
        if self._con is None:
            self._warehouse = open_warehouse(self.settings)
            self._con = self._warehouse.__enter__()
        return self._con

    def release_warehouse(self) -> None:
        """Close the warehouse, so that dbt's process finds the file free."""
        if self._warehouse is not None:
            warehouse, self._warehouse, self._con = self._warehouse, None, None
            warehouse.__exit__(None, None, None)

    # What feeds are read with

    @cached_property
    def standards(self) -> Standards:
        return load_standards(self.settings.seeds, self.settings.standards_dir)

    @cached_property
    def code_version(self) -> str:
        return code_version(self.settings)

    @cached_property
    def _loaded(self) -> tuple[list[FeedContract], list[Problem]]:
        # Read again for the build, whatever the graph was made from: a mended contract counts from the next run.
        return load_contracts(self.settings.feeds_dir)

    @property
    def has_broken_contracts(self) -> bool:
        """Whether some file of the feeds folder cannot be read as a contract."""
        return bool(self._loaded[1])

    @cached_property
    def contracts(self) -> dict[str, FeedContract]:
        """Readable contracts by feed."""
        return {contract.feed_id: contract for contract in self._loaded[0]}

    @cached_property
    def contracts_hash(self) -> str:
        """Of every contract as read, expectations among them: gate A judges by them."""
        read = "\n".join(contract.model_dump_json() for _, contract in sorted(self.contracts.items()))
        return hashlib.sha256(read.encode()).hexdigest()[:16]

    @property
    def references(self) -> "References":
        """Registers as they stand in landing, with standards and units; read once, and again after the registers were admitted."""
        if self._references is None:
            from pipelines.ingest.references import references_from_landing

            self._references = references_from_landing(self.con, self.standards)
        return self._references

    def forget_references(self) -> None:
        """Registers have changed: the next feed is read with them as they are now."""
        self._references = None
        self._problems = None

    def problems_of(self, feed_id: str) -> list[Problem]:
        """What is wrong with a feed's contract: in itself, or against registers, standards and the other contracts."""
        if self._problems is None:
            self._problems = defaultdict(list)
            for problem in [*self._loaded[1], *self._checked()]:
                self._problems[problem.file.rsplit(".", 1)[0]].append(problem)
        return self._problems.get(feed_id, [])

    def _checked(self) -> list[Problem]:
        """What the contract check says; kept from the last build when nothing that it looks at has changed, for it takes half a second."""
        kept = self.settings.dagster_home / "contract_check.json"
        looked_at = [
            self.contracts_hash,
            self.standards.hash,
            self.code_version,
            audit.last_load(self.con, [record.name for record in REGISTERS]),
        ]
        with suppress(OSError, ValueError, TypeError, KeyError):
            before = json.loads(kept.read_text(encoding="utf-8"))
            if before["looked_at"] == looked_at:
                return [Problem(**problem) for problem in before["problems"]]
        from pipelines.ingest.contract_check import check

        problems = check(list(self.contracts.values()), self.references)
        content = {"looked_at": looked_at, "problems": [asdict(problem) for problem in problems]}
        kept.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        return problems

    # Steps

    @contextmanager
    def step(self, name: str, subject: str = "-") -> Iterator[StepNote]:
        """Run a step and write its outcome row, red or green; an error is written and passed on."""
        note, started_at = StepNote(), utc_now()
        self.reporter.step_started(name, subject)
        try:
            yield note
        except Exception as error:
            explained = explain(error, self.settings)
            note.fail(str(explained or error) or type(error).__name__)
            if isinstance(error, duckdb.FatalException):
                # The database instance is unusable from here on; the write-ahead log is replayed when it is opened again.
                self.release_warehouse()
            self._record(name, subject, started_at, note)
            if explained is not None:
                raise explained from error
            raise
        self._record(name, subject, started_at, note)

    def _record(self, name: str, subject: str, started_at: datetime, note: StepNote) -> None:
        step = builds.Step(name, subject, started_at, utc_now(), note.outcome, note.rows, "; ".join(note.messages) or None)
        if not note.recorded:
            builds.record_step(self.con, self.park_id, self.build_id, step)
        self.reporter.step_finished(step)

    # Opening and closing

    def open(self) -> None:
        """Close what killed runs left open, sweep up after them, and open this build."""
        from pipelines.ingest.lake import Lake
        from pipelines.publish.snapshot import published_build

        if (published := published_build(self.con, self.settings)) is not None:
            builds.close_as_published(self.con, published[0], now=published[1])
        killed = builds.abort_unfinished(self.con, self.started_at)
        self.aborted_runs = [run_id for build_id in killed if (run_id := audit.run_of_build(self.con, build_id))]
        Lake(self.settings.lake).sweep()
        self.build_id = builds.open_build(
            self.con,
            park_id=self.park_id,
            door=self.door,
            code_version=self.code_version,
            standards_hash=self.standards.hash,
            contracts_hash=self.contracts_hash,
            now=self.started_at,
            run_id=self.run_id,
        )
        self.reporter.build_opened(self.build_id, self.run_id)
        self._restore_if_lost()

    def _restore_if_lost(self) -> None:
        """A warehouse that knows no delivery while the lake has receipts was moved away or lost: load it again, unparsed."""
        from pipelines.ingest.load import restore_if_lost

        started_at = utc_now()
        restored = restore_if_lost(self.con, self.settings, lambda done, total, _: self.reporter.step_moved("restore", "-", done, total))
        if restored is None:
            return
        note = StepNote(rows=restored.rows)
        note.warn(
            f"the warehouse was empty and the lake was not: {restored.loaded} deliveries loaded again from {restored.receipts} receipts"
        )
        if restored.differing:
            note.warn(f"{len(restored.differing)} of them with other counts than at first, as {restored.differing[0]}")
        self._record("restore", "-", started_at, note)

    def close(self, status: BuildStatus, reason: str | None = None) -> None:
        """Write the build's end. Only once: the closing step does it, and the end of the run for builds that never got so far."""
        builds.close_build(self.con, self.build_id, status, now=utc_now(), reason=reason)
        self._closed = True

    @property
    def is_closed(self) -> bool:
        return self._closed

    def local_month(self, moment: datetime) -> tuple[int, int]:
        """Year and month that the park's calendar shows at a moment (naive UTC)."""
        local = local_date(moment, self.settings.zone)
        return local.year, local.month

    # Whether anything has to be built at all

    def why_build(self, models: list[str]) -> str | None:
        """The first reason why dbt, gate B and the scores must run; None when nothing has changed since the last publication.

        Args:
            models: names of the incremental models, each of which must have consumed the last change.
        """
        previous = audit.previous_build(self.con, self.build_id)
        if previous is None:
            return "there is no earlier build"
        if previous.status is not BuildStatus.PUBLISHED:
            return f"build {previous.build_id} before this one was {previous.status}"
        if previous.code_version != self.code_version:
            return f"code, models or gates changed since build {previous.build_id}"
        if previous.standards_hash != self.standards.hash:
            return f"standards changed since build {previous.build_id}"
        if self.local_month(previous.started_at) != self.local_month(self.started_at):
            return "a new month has begun: scores cover whole months"
        last = builds.last_change_seq(self.con)
        if previous.change_seq != last:
            return f"changes {previous.change_seq} to {last} are not in the marts yet"
        consumed = audit.watermarks(self.con)
        if behind := sorted(model for model in models if consumed.get(model, -1) < last):
            return f"{', '.join(behind[:3])} {'has' if len(behind) == 1 else 'have'} not consumed change {last}"
        return None


@contextmanager
def run_build(settings: Settings, *, run_id: str | None, door: str, reporter: Reporter | None = None) -> Iterator[Build]:
    """Hold the write lock, open a build, and see that it is closed when the block ends, however it ends.

    Raises LockHeld, WarehouseError, ContractError or StandardsError when a build cannot begin.
    """
    reporter = reporter or Reporter()
    with ExitStack() as stack:
        try:
            settings.make_folders()
            stack.enter_context(write_lock(settings, Holder(f"park-audit build ({door})", run_id)))
            build = Build(settings, run_id, door, reporter)
            stack.callback(build.release_warehouse)
            build.open()
        except Exception as error:
            reporter.could_not_begin(error)
            raise
        try:
            yield build
        finally:
            _finish(build)


def _finish(build: Build) -> None:
    """Close a build that its closing step has not closed: only part of the graph ran, or the run was interrupted."""
    try:
        if not build.is_closed:
            build.close(
                BuildStatus.NOT_PUBLISHED, "the closing step did not run: only part of the graph was run, or the run was interrupted"
            )
        build.reporter.build_closed(audit.summarise(build.con, build.build_id))
    except Exception:
        # Nothing may hide the error that brought us here; the next start closes the build as aborted.
        log.exception("build %s could not be closed", build.build_id)
