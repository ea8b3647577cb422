"""The door to landing: gate A's decisions carried out, each delivery whole or not at all.

A delivery's rows, what they touch, the verdicts that admitted it and its counts are one transaction.
Deliveries that meet nothing share one: small transactions are what bulk loading costs (DuckDB writes
row groups of 122,880 rows, and rewrites every smaller one). Also here: everything again from the lake.
Whether a delivery may be loaded is gate A's word; what then stands in landing is `landing`'s business.
"""
# ruff: noqa: S608 - table and column names come from our own declarations; values are bound parameters

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import duckdb

from pipelines.contracts.records import RECORD_TYPES
from pipelines.contracts.states import Admission
from pipelines.ingest.lake import Lake, Receipt
from pipelines.ingest.landing import LoadError, Loading, LoadResult, insert_together
from pipelines.settings import Settings
from pipelines.warehouse.connection import explain, open_warehouse, transaction
from pipelines.warehouse.ledger import (
    Delivery,
    PathState,
    deliveries,
    update_deliveries,
    update_delivery,
    write_deliveries,
    write_gate_rows,
    write_path_states,
    write_quarantine,
)
from pipelines.warehouse.tables import COVERAGE, DELIVERIES, PATH_STATE, QUARANTINE, TOUCHED

__all__ = [
    "Decision", "LoadError", "LoadResult", "RebuildResult", "load_deliveries", "load_delivery", "pending_deliveries", "rebuild_from_lake",
    "restore_if_lost",
]  # fmt: skip

_log = logging.getLogger(__name__)

_DECIDED = (
    "build_id", "admission", "reason", "load_no", "rows_accepted", "rows_duplicate", "rows_quarantined", "rows_revised", "rows_withdrawn",
)  # fmt: skip
"""What admission writes into a delivery's row."""

_WAITS = "admission in ('pending', 'held')"

_TOGETHER_ROWS = 2_000_000
_TOGETHER_DELIVERIES = 1000
"""How much goes into one transaction: enough to fill row groups on every thread several times over."""

_BROKEN = (duckdb.FatalException, duckdb.InternalException, duckdb.ConnectionException, duckdb.InterruptException)
"""Errors that are about the warehouse or the run, not about the delivery at hand."""


@dataclass(frozen=True)
class Decision:
    """Gate A's word on one delivery: what `load_delivery` takes."""

    delivery: Delivery
    admission: Admission
    gate_rows: Sequence[tuple] = ()
    reason: str | None = None


def pending_deliveries(con: duckdb.DuckDBPyConnection, *, held: bool = False) -> list[Delivery]:
    """Deliveries that wait for gate A, registers first, then in order of precedence.

    `held=True` adds those that were held back before, for a judgement under a changed contract or suite.
    """
    waiting = deliveries(con, "d.admission in ('pending', 'held')" if held else "d.admission = 'pending'")
    return sorted(waiting, key=lambda delivery: (not delivery.record_type.is_register, delivery.rank))


def load_delivery(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    delivery: Delivery,
    admission: Admission,
    gate_rows: Sequence[tuple] = (),
    *,
    build_id: str,
    reason: str | None = None,
) -> LoadResult:
    """Carry out gate A's word on a waiting delivery, in one transaction with the verdicts that led to it.

    `gate_rows` have the columns of `audit.gate_results`, in order. Admitted: rows into landing, touched
    entities and dates, counts; held: the verdicts and the reason only. `reason` replaces the delivery's
    own when given. Raises LoadError when the counts do not add up or the lake has lost the parse, and
    WarehouseError when the disk is full; then nothing has happened.
    """
    if admission not in (Admission.ADMITTED, Admission.HELD):
        raise ValueError(f"gate A admits or holds a delivery; it cannot make it {admission}")
    lake = Lake(settings.lake)
    decided = _decided(Decision(delivery, admission, gate_rows, reason), build_id)
    try:
        with transaction(con):
            result = Loading(con, lake, decided).run() if admission is Admission.ADMITTED else LoadResult(decided)
            if not update_delivery(con, result.delivery, _DECIDED, _WAITS):
                raise LoadError(f"delivery {delivery.delivery_id} ({delivery.path}) does not wait for admission")
            write_gate_rows(con, gate_rows)
            _renew_receipt(lake, result.delivery)
        return result
    except (OSError, duckdb.Error) as error:
        if (explained := explain(error, settings)) is not None:
            raise explained from error
        if isinstance(error, _BROKEN):
            raise
        first_line = str(error).splitlines()[0]
        raise LoadError(f"delivery {delivery.delivery_id} ({delivery.path}) could not be loaded: {first_line}") from error


def load_deliveries(
    con: duckdb.DuckDBPyConnection, settings: Settings, decisions: Sequence[Decision], *, build_id: str
) -> Iterator[tuple[Decision, LoadResult | LoadError]]:
    """Carry out many decisions in order, and say of each what became of it as soon as that is settled.

    The same as `load_delivery` one by one, but admitted deliveries that meet nothing known, and each other
    neither, go in together: a year of files in a few transactions instead of thousands. A transaction that
    fails is repeated one by one, so that what is wrong with one delivery is its own LoadError. Raises
    WarehouseError when nothing more can be written.
    """
    lake = Lake(settings.lake)
    for group in _groups(con, lake, decisions):
        results: list[LoadResult] | None = None
        if len(group) > 1:
            try:
                results = _insert_together(con, lake, group, build_id)
            except (LoadError, OSError, duckdb.Error) as error:
                if (explained := explain(error, settings)) is not None:
                    raise explained from error
                if isinstance(error, _BROKEN):
                    raise
                _log.warning("%d deliveries could not be loaded together, now one by one: %s", len(group), error)
        for at, decision in enumerate(group):
            if results is not None:
                yield decision, results[at]
                continue
            try:
                yield (
                    decision,
                    load_delivery(
                        con, settings, decision.delivery, decision.admission, decision.gate_rows, build_id=build_id, reason=decision.reason
                    ),
                )
            except LoadError as error:
                yield decision, error


def _groups(con: duckdb.DuckDBPyConnection, lake: Lake, decisions: Sequence[Decision]) -> Iterator[list[Decision]]:
    """Runs of decisions that can be carried out together; a run of one is carried out by itself."""
    alone = _meeting_something(con, lake, decisions)
    group: list[Decision] = []
    rows = 0
    for decision in decisions:
        delivery = decision.delivery
        together = delivery.delivery_id not in alone
        if group and not (
            together and delivery.record == group[0].delivery.record and rows < _TOGETHER_ROWS and len(group) < _TOGETHER_DELIVERIES
        ):
            yield group
            group, rows = [], 0
        if together:
            group.append(decision)
            rows += delivery.rows_read or 0
        else:
            yield [decision]
    if group:
        yield group


def _meeting_something(con: duckdb.DuckDBPyConnection, lake: Lake, decisions: Sequence[Decision]) -> set[str]:
    """Deliveries that cannot simply be inserted: held ones, new parses, snapshots and feeds that had one, and all whose
    entities and periods meet those of another delivery, loaded or waiting."""
    snapshots = con.execute(
        f"select distinct feed_id from {DELIVERIES.qualified} where load_mode = 'snapshot' and (load_no is not null or admission in ('pending', 'held'))"
    ).fetchall()
    spoken_for = {feed_id for (feed_id,) in snapshots}
    alone, waiting = set(), []
    for decision in decisions:
        delivery = decision.delivery
        parse = lake.find_parse_of(delivery)
        if decision.admission is not Admission.ADMITTED or delivery.feed_id in spoken_for or delivery.parse_no != 1 or parse is None:
            alone.add(delivery.delivery_id)
        if parse is not None:
            waiting += [(delivery.delivery_id, delivery.record, *covered) for covered in parse.facts.coverage]
    if not waiting:
        return alone
    met = con.execute(
        f"""
        with waiting as (
            select unnest(?::varchar[]) as delivery_id, unnest(?::varchar[]) as record, unnest(?::varchar[]) as entity,
                   unnest(?::timestamp[]) as first_at, unnest(?::timestamp[]) as last_at
        ), beside as (
            select *,
                max(last_at) over (
                    partition by record, entity order by first_at, last_at rows between unbounded preceding and 1 preceding
                ) as reached,
                lead(first_at) over (partition by record, entity order by first_at, last_at) as next_first
            from waiting
        )
        select delivery_id from beside where first_at <= reached or last_at >= next_first
        union
        select w.delivery_id
        from waiting as w
        join {COVERAGE.qualified} as c
            on c.record = w.record and c.entity = w.entity and c.first_at <= w.last_at and c.last_at >= w.first_at
        """,
        list(map(list, zip(*waiting, strict=True))),
    ).fetchall()
    return alone | {delivery_id for (delivery_id,) in met}


def _insert_together(con: duckdb.DuckDBPyConnection, lake: Lake, group: Sequence[Decision], build_id: str) -> list[LoadResult]:
    with transaction(con):
        results = insert_together(con, lake, [_decided(decision, build_id) for decision in group])
        if update_deliveries(con, [result.delivery for result in results], _DECIDED, _WAITS) != len(results):
            raise LoadError("not all of these deliveries wait for admission")
        write_gate_rows(con, [row for decision in group for row in decision.gate_rows])
        for result in results:
            _renew_receipt(lake, result.delivery)
    return results


def _decided(decision: Decision, build_id: str) -> Delivery:
    return decision.delivery.with_(build_id=build_id, admission=decision.admission, reason=decision.reason or decision.delivery.reason)


def _renew_receipt(lake: Lake, delivery: Delivery) -> None:
    """Before the commit: a decision that is in the receipt alone is carried out again, one that is in the warehouse alone
    would be forgotten by a rebuild."""
    before = lake.read_receipt(delivery)
    lake.write_receipt(Receipt(delivery, before.path_state if before else None))


@dataclass
class RebuildResult:
    """What a rebuild read and loaded.

    `differing` names deliveries whose counts are not those of their first loading, `lost` those whose
    parse is not in the lake any more: their files arrive anew at the next scan, where they still are.
    """

    receipts: int = 0
    loaded: int = 0
    rows: int = 0
    differing: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def rebuild_from_lake(settings: Settings, progress: Callable[[int, int, str], None] | None = None) -> RebuildResult:
    """Empty landing and the ledger of deliveries, and load everything again from the lake's receipts, without parsing.

    The caller holds the write lock. Everything loaded is touched anew, so that dbt rebuilds what it feeds.
    If it is interrupted, what has not been loaded waits as pending, and the next nightly judges and loads it.
    """
    with open_warehouse(settings) as con:
        return _rebuild(con, Lake(settings.lake), progress)


def restore_if_lost(
    con: duckdb.DuckDBPyConnection, settings: Settings, progress: Callable[[int, int, str], None] | None = None
) -> RebuildResult | None:
    """Rebuild when the warehouse knows no delivery at all and the lake has receipts: its file was moved away or lost."""
    lake = Lake(settings.lake)
    if con.execute(f"select exists (select 1 from {DELIVERIES.qualified})").fetchone() == (True,) or next(lake.receipts(), None) is None:
        return None
    return _rebuild(con, lake, progress)


def _rebuild(con: duckdb.DuckDBPyConnection, lake: Lake, progress: Callable[[int, int, str], None] | None) -> RebuildResult:
    found = sorted(lake.receipts(), key=lambda receipt: (receipt.delivery.rank, receipt.delivery.parse_no or 0))
    receipts = [receipt for receipt in found if receipt.delivery.admission is Admission.REFUSED or lake.find_parse_of(receipt.delivery)]
    there = {receipt.delivery.delivery_id for receipt in receipts}
    result = RebuildResult(receipts=len(found), lost=[r.delivery.delivery_id for r in found if r.delivery.delivery_id not in there])
    with transaction(con):
        for record in RECORD_TYPES:
            con.execute(f"delete from landing.{record}")
        for table in (COVERAGE, PATH_STATE, DELIVERIES, QUARANTINE):
            con.execute(f"delete from {table.qualified}")
        con.execute(f"delete from {TOUCHED.qualified} where delivery_id is not null")
        write_deliveries(con, [_as_before_admission(receipt.delivery, lake) for receipt in receipts])
        for receipt in receipts:
            if receipt.delivery.rows_quarantined and (refused := lake.parse_of(receipt.delivery).quarantined):
                write_quarantine(con, receipt.delivery, refused)
        states: dict[tuple[str, str], PathState] = {}
        for state in sorted((receipt.path_state for receipt in receipts if receipt.path_state), key=lambda state: state.arrival_no):
            states[state.feed_id, state.path] = state
        write_path_states(con, list(states.values()), known=False)
    admitted = sorted((r.delivery for r in receipts if r.delivery.admission is Admission.ADMITTED), key=lambda d: d.load_no or 0)
    again = [_as_before_admission(delivery, lake).with_(admission=Admission.ADMITTED, load_no=delivery.load_no) for delivery in admitted]
    for group in _groups(con, lake, [Decision(delivery, delivery.admission) for delivery in again]):
        if progress:
            progress(result.loaded, len(admitted), group[0].delivery.path)
        with transaction(con):
            if len(group) > 1:
                loaded = insert_together(con, lake, [decision.delivery for decision in group])
            else:
                loaded = [Loading(con, lake, group[0].delivery).run()]
            update_deliveries(con, [one.delivery for one in loaded], _DECIDED)
        for one in loaded:
            if one.delivery != admitted[result.loaded]:
                result.differing.append(one.delivery.delivery_id)
            result.loaded += 1
            result.rows += one.delivery.rows_accepted or 0
    if progress:
        progress(len(admitted), len(admitted), "")
    return result


def _as_before_admission(delivery: Delivery, lake: Lake) -> Delivery:
    """The row as `feed` wrote it: what loading adds is taken off again."""
    if delivery.admission is not Admission.ADMITTED:
        return delivery
    facts = lake.parse_of(delivery).facts
    return delivery.with_(
        admission=Admission.PENDING,
        load_no=None,
        rows_accepted=None,
        rows_duplicate=facts.rows_duplicate,
        rows_quarantined=facts.rows_quarantined,
        rows_revised=None,
        rows_withdrawn=None,
    )
