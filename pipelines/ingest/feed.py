"""One feed, one scan: every new or changed file becomes a delivery that waits for admission, or is refused.

The order per file is: bytes kept, parse kept, receipt, and last the delivery's row and the path's state, both
in one transaction (with those of the files before and after it: a transaction for each would be a third of
the cost of a small file). A run killed between any two of them finds on the next scan what it had done and
goes on from there. Rows reach landing in `load`, after gate A; how a file is read is `readers`'
and `normalise`'s business.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl

from pipelines.contracts.feed import FeedContract
from pipelines.contracts.records import LoadMode
from pipelines.contracts.states import Admission, DeliveryOutcome, StepOutcome
from pipelines.ingest.arrivals import Arrival, Scan, scan
from pipelines.ingest.fingerprints import ParseFingerprint, changed_meanings, parse_fingerprint
from pipelines.ingest.lake import ChangedWhileRead, KeptParse, Lake, Receipt
from pipelines.ingest.normalise import Parsed
from pipelines.ingest.parse import parse
from pipelines.ingest.readers import Unreadable
from pipelines.ingest.references import References
from pipelines.settings import Settings
from pipelines.warehouse.builds import Step, record_step
from pipelines.warehouse.connection import explain, transaction
from pipelines.warehouse.ledger import (
    Delivery,
    PathState,
    latest_parses,
    set_register_fingerprint,
    withdraw_waiting,
    write_deliveries,
    write_path_states,
    write_quarantine,
)

Progress = Callable[[int, int, str], None]
"""Called before each file with how many are done, how many there are, and the file's path."""

_REASON_CHARACTERS = 2000

_TOGETHER = 200
"""Files recorded in one transaction. What a killed run had not recorded is found again, parsed already."""


@dataclass
class FeedResult:
    """What one scan of one feed brought."""

    feed_id: str
    arrivals: int = 0
    unchanged: int = 0
    parsed_again: int = 0
    refused: int = 0
    rows_read: int = 0
    rows_quarantined: int = 0
    deliveries: list[Delivery] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> StepOutcome:
        return StepOutcome.WARNED if self.warnings or self.refused else StepOutcome.OK

    @property
    def message(self) -> str:
        """One line for people."""
        parts = [f"{self.arrivals} new or changed", f"{self.unchanged} unchanged"]
        if self.parsed_again:
            parts.append(f"{self.parsed_again} parsed again")
        if self.refused:
            refusals = [f"{delivery.path}: {delivery.reason}" for delivery in self.deliveries if delivery.admission is Admission.REFUSED]
            parts.append(f"{self.refused} refused ({_some(refusals)})")
        if self.vanished:
            parts.append(f"{len(self.vanished)} no longer there ({_some(self.vanished)}); what they delivered stays")
        if self.warnings:
            parts.append(f"warnings: {_some(self.warnings)}")
        return "; ".join(parts)


@dataclass(frozen=True)
class _Work:
    """One file to turn into a delivery: a new arrival, or an old one to be parsed again."""

    path: str
    arrival_no: int
    sha256: str
    bytes: int
    received_at: datetime
    outcome: DeliveryOutcome
    arrival: Arrival | None = None
    previous: Delivery | None = None
    only_if_different: bool = False


def ingest_feed(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    contract: FeedContract,
    references: References,
    build_id: str,
    received_at: datetime,
    progress: Progress | None = None,
) -> FeedResult:
    """Scan a feed and take in what is new: one `audit.deliveries` row per arrival, pending or refused.

    Also parses again what a changed contract, standard or register makes read differently. A file that
    cannot be parsed is refused with the reason, and not tried again before its bytes or the contract
    change; one that is still being written is left for the next scan. Writes the feed's row of
    `audit.step_outcomes`. Raises WarehouseError when nothing can be written at all (disk full).
    """
    started_at = _now()
    try:
        result = _take_in(con, settings, contract, references, build_id, received_at, progress)
    except (OSError, duckdb.Error) as error:
        if (explained := explain(error, settings)) is not None:
            raise explained from error
        raise
    step = Step("ingest", contract.feed_id, started_at, _now(), result.outcome, result.rows_read, result.message)
    record_step(con, settings.park.park_id, build_id, step)
    return result


def _take_in(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    contract: FeedContract,
    references: References,
    build_id: str,
    received_at: datetime,
    progress: Progress | None,
) -> FeedResult:
    lake = Lake(settings.lake)
    lake.sweep()
    fingerprint = parse_fingerprint(contract, references, settings.zone)
    lake.keep_register_rows(fingerprint.registers, fingerprint.register_rows)
    found = scan(con, settings, contract, received_at)
    with transaction(con):
        write_path_states(con, found.same_bytes)
    result = FeedResult(contract.feed_id, arrivals=len(found.arrivals), unchanged=found.unchanged, vanished=found.vanished)
    result.warnings += found.warnings + _snapshot_warnings(contract, found)
    feed = _Feed(con, settings, contract, references, fingerprint, lake, build_id, received_at, result)
    work = [*feed.to_parse_again(), *map(_work_of, found.arrivals)]
    for done, item in enumerate(work):
        if progress:
            progress(done, len(work), item.path)
        feed.take(item)
        if len(feed.taken) >= _TOGETHER:
            feed.record()
    feed.record()
    if progress:
        progress(len(work), len(work), "")
    return result


@dataclass(frozen=True)
class _Taken:
    """A file that has become a delivery and is not yet recorded."""

    delivery: Delivery
    state: PathState | None
    parse: KeptParse | None


@dataclass(frozen=True)
class _Feed:
    """What is the same for all files of one feed in one scan, and the files taken and not yet recorded."""

    con: duckdb.DuckDBPyConnection
    settings: Settings
    contract: FeedContract
    references: References
    fingerprint: ParseFingerprint
    lake: Lake
    build_id: str
    received_at: datetime
    result: FeedResult
    taken: list[_Taken] = field(default_factory=list)

    def to_parse_again(self) -> list[_Work]:
        """Arrivals of the past that would, or may, parse to something else now, from their kept bytes."""
        now = self.fingerprint
        differing = "d.parse_fingerprint <> ? or d.register_fingerprint <> ?"
        found = latest_parses(self.con, self.contract.feed_id, differing, [now.base, now.registers])
        work = [self._again(old, DeliveryOutcome.REPARSED) for old in found if old.parse_fingerprint != now.base]
        affected = [old for old in found if old.parse_fingerprint == now.base]
        changed = {before: self._meanings_changed(before) for before in {old.register_fingerprint for old in affected}}
        as_before = []
        for old in affected:
            if (outcome := self._reads_differently(old, changed[old.register_fingerprint])) is not None:
                work.append(self._again(old, outcome, only_if_different=True))
            else:
                as_before.append(old.delivery_id)
        if as_before:
            set_register_fingerprint(self.con, as_before, now.registers)
        return [item for item in work if self.lake.bytes_file(item.sha256).is_file()]

    def _meanings_changed(self, register_fingerprint: str | None) -> bool:
        before = self.lake.register_rows(register_fingerprint or "")
        return before is None or changed_meanings(before, self.fingerprint.register_rows)

    def _reads_differently(self, old: Delivery, meanings_changed: bool) -> DeliveryOutcome | None:
        """Why a delivery may read differently under the registers as they are now; None if it cannot."""
        if old.admission is Admission.REFUSED:
            return None
        if meanings_changed:
            return DeliveryOutcome.REPARSED
        if not old.rows_unresolved:
            return None
        if (parse := self.lake.find_parse_of(old)) is None:
            return DeliveryOutcome.REPARSED
        waiting = {(text or "").strip() for _, _, text in parse.facts.unresolved}
        return DeliveryOutcome.RESOLVED if waiting & self.fingerprint.words else None

    def _again(self, old: Delivery, outcome: DeliveryOutcome, *, only_if_different: bool = False) -> _Work:
        return _Work(
            old.path, old.arrival_no, old.sha256, old.bytes, old.received_at, outcome, previous=old, only_if_different=only_if_different
        )

    def take(self, work: _Work) -> None:
        """Turn one file into a delivery, or say why not."""
        try:
            parse, refusal = self._parse(work)
        except ChangedWhileRead as error:
            self.result.warnings.append(f"{work.path}: {error}")
            return
        except MemoryError:
            self.result.warnings.append(f"{work.path}: there was not enough memory to parse it; it is tried again at the next scan")
            return
        before = self.lake.find_parse_of(work.previous) if work.only_if_different and work.previous else None
        if work.previous and before and parse and parse.facts.content == before.facts.content:
            set_register_fingerprint(self.con, [work.previous.delivery_id], self.fingerprint.registers)
            return
        delivery = self._delivery(work, parse, refusal)
        state = work.arrival.state(self.contract.fingerprint) if work.arrival else None
        self.lake.write_receipt(Receipt(delivery, state))
        self.taken.append(_Taken(delivery, state, parse))
        self.result.deliveries.append(delivery)
        self.result.parsed_again += work.previous is not None
        self.result.refused += delivery.admission is Admission.REFUSED
        self.result.rows_read += delivery.rows_read or 0
        self.result.rows_quarantined += delivery.rows_quarantined or 0

    def _parse(self, work: _Work) -> tuple[KeptParse | None, str | None]:
        """The parse, from the lake if it is there; or the reason why the file is refused."""
        if work.arrival and work.arrival.too_large:
            limit = self.settings.max_file_bytes
            return None, f"the file has {work.bytes:,} bytes, more than the {limit:,} allowed (PARK_AUDIT_MAX_FILE_BYTES)"
        if work.arrival:
            file = self.lake.keep_bytes(work.arrival.file, work.sha256, work.bytes, work.arrival.mtime_ns)
        else:
            file = self.lake.bytes_file(work.sha256)
        kept = self.lake.find_parse(self.contract.feed_id, work.sha256, self.fingerprint.key)
        if kept is not None:
            return kept, None
        try:
            parsed = self._read(file)
            return self.lake.keep_parse(self.contract.feed_id, work.sha256, self.fingerprint.key, parsed), None
        except Unreadable as error:
            return None, str(error)
        except (OSError, MemoryError):
            raise
        # Whatever a file makes readers and normalise do (polars can panic, which is no Exception), it costs this file only.
        except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001
            return None, f"the file makes the program fail, which is a fault of the program: {type(error).__name__}: {error}"

    def _read(self, file: Path) -> Parsed:
        return parse(file, self.contract, self.references, self.settings.zone, max_bytes=self.settings.max_file_bytes)

    def _delivery(self, work: _Work, parse: KeptParse | None, refusal: str | None) -> Delivery:
        parse_no = (work.previous.parse_no or 0) + 1 if work.previous else 1
        delivery = Delivery(
            park_id=self.settings.park.park_id,
            delivery_id=delivery_id(self.contract.feed_id, work.path, work.arrival_no, parse_no),
            build_id=self.build_id,
            feed_id=self.contract.feed_id,
            record=self.contract.record,
            path=work.path,
            arrival_no=work.arrival_no,
            sha256=work.sha256,
            bytes=work.bytes,
            received_at=work.received_at,
            fingerprint=self.contract.fingerprint,
            outcome=work.outcome,
            admission=Admission.PENDING,
            # What a re-parse says has been known only since now, but it speaks with the age of its bytes.
            known_at=self.received_at,
            parse_no=parse_no,
            parse_fingerprint=self.fingerprint.base,
            register_fingerprint=self.fingerprint.registers,
            load_mode=self.contract.mode,
            replaces_delivery_id=work.previous.delivery_id if work.previous else None,
        )
        if parse is None:
            return delivery.with_(
                admission=Admission.REFUSED,
                outcome=DeliveryOutcome.REFUSED,
                reason=(refusal or "")[:_REASON_CHARACTERS],
                rows_read=0,
                rows_accepted=0,
                rows_duplicate=0,
                rows_quarantined=0,
            )
        facts = parse.facts
        return delivery.with_(
            parse_key=self.fingerprint.key,
            source_rows_read=facts.source_rows,
            rows_read=facts.rows_read,
            rows_duplicate=facts.rows_duplicate,
            rows_quarantined=facts.rows_quarantined,
            rows_unresolved=facts.rows_unresolved,
            empty_cells=facts.empty_cells,
            first_date=facts.first_date,
            last_date=facts.last_date,
            reason="; ".join(facts.warnings)[:_REASON_CHARACTERS] or None,
        )

    def record(self) -> None:
        """Write the rows of what has been taken, in one transaction."""
        if not self.taken:
            return
        with transaction(self.con):
            write_deliveries(self.con, [taken.delivery for taken in self.taken])
            states = [taken.state for taken in self.taken if taken.state]
            write_path_states(self.con, states, known=any(state.arrival_no > 1 for state in states))
            for taken in self.taken:
                if taken.parse and taken.parse.quarantined:
                    write_quarantine(self.con, taken.delivery, taken.parse.quarantined)
                if taken.delivery.replaces_delivery_id:
                    self._withdraw_waiting(taken.delivery)
        self.taken.clear()

    def _withdraw_waiting(self, newer: Delivery) -> None:
        for given_up in withdraw_waiting(self.con, newer):
            before = self.lake.read_receipt(given_up)
            self.lake.write_receipt(Receipt(given_up, before.path_state if before else None))


def delivery_id(feed_id: str, path: str, arrival_no: int, parse_no: int) -> str:
    """Always the same for the same parse of the same arrival: a run that is repeated makes no second one."""
    digest = hashlib.sha256(f"{path}\x1f{arrival_no}\x1f{parse_no}".encode()).hexdigest()
    return f"{feed_id}-{digest[:12]}"


def _work_of(arrival: Arrival) -> _Work:
    return _Work(arrival.path, arrival.arrival_no, arrival.sha256, arrival.bytes, arrival.received_at, arrival.outcome, arrival=arrival)


def _snapshot_warnings(contract: FeedContract, found: Scan) -> list[str]:
    """A snapshot is one file with everything; of several the last one stands and takes the others' rows back."""
    if contract.mode is not LoadMode.SNAPSHOT or not found.arrivals or len(found.arrivals) + found.unchanged == 1:
        return []
    files, last = len(found.arrivals) + found.unchanged, found.arrivals[-1].path
    message = f"load_mode snapshot, and {files} files: each takes the place of all before it, so {last} is what stands"
    return [f"{message}; put everything into one file, or say load_mode: upsert"]


def _some(texts: Iterable[str], limit: int = 3) -> str:
    texts = list(texts)
    return ", ".join(texts[:limit]) + (f" and {len(texts) - limit} more" if len(texts) > limit else "")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
