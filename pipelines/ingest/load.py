"""Deliveries into landing: duplicates, revisions, withdrawals, and what they touch, each whole or not at all.

What the current rows are follows from the admitted deliveries alone, never from the order in which they
were loaded: of two values for a key the one of the later delivery stands, where later means
(received_at, path); a delivery that speaks for a whole period or feed takes back what it does not
repeat; a new parse of the same arrival takes the place of the old one. Rows are never removed: what no
longer stands has `known_to`.

Three ways lead there, each only as dear as it must be:

    insert   nothing known has the delivery's entities and periods: rows go straight in, and neighbours of
             that kind in one transaction (`load_deliveries`), for small transactions are what bulk loading costs
    compare  everything it meets is older: its rows are held against the current ones
    replay   something it meets is younger, or it takes an older parse's place: what stands is found anew,
             for the keys concerned, from all deliveries that speak of them

Whether a delivery may be loaded is gate A's word; what the rows mean is dbt's business.
"""
# ruff: noqa: S608 - table and column names come from our own declarations; values are bound parameters

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import duckdb

from pipelines.contracts.records import RECORD_TYPES, LoadMode, RecordType, Touch
from pipelines.contracts.states import Admission
from pipelines.ingest.lake import KeptParse, Lake, Receipt
from pipelines.ingest.scope import KeyScope, key_scope
from pipelines.settings import Settings
from pipelines.warehouse.builds import next_change_seq
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

_log = logging.getLogger(__name__)

Way = Literal["insert", "compare", "replay"]

_DECIDED = ("build_id", "admission", "reason", "load_no", "rows_accepted", "rows_duplicate", "rows_revised", "rows_withdrawn")
"""What admission writes into a delivery's row."""

_WAITS = "admission in ('pending', 'held')"

_TOGETHER_ROWS = 2_000_000
_TOGETHER_DELIVERIES = 1000
"""How much goes into one transaction: enough to fill DuckDB's row groups of 122,880 rows on every thread, several times."""

_BROKEN = (duckdb.FatalException, duckdb.InternalException, duckdb.ConnectionException, duckdb.InterruptException)
"""Errors that are about the warehouse or the run, not about the delivery at hand."""

_AS_SENT = ("value_raw", "unit_raw")
"""How a value was sent is no part of what it says: 1 t and 1000 kg are one statement, in one file and in two."""


class LoadError(RuntimeError):
    """A delivery does not add up, or the lake has lost it; its transaction has been rolled back."""


@dataclass(frozen=True)
class LoadResult:
    """A delivery after admission. `change_seq` is None when no current row changed, `way` when nothing was loaded."""

    delivery: Delivery
    change_seq: int | None = None
    way: Way | None = None


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
            result = _Load(con, lake, decided).run() if admission is Admission.ADMITTED else LoadResult(decided)
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


@dataclass(frozen=True)
class Decision:
    """Gate A's word on one delivery: what `load_delivery` takes."""

    delivery: Delivery
    admission: Admission
    gate_rows: Sequence[tuple] = ()
    reason: str | None = None


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
                decided = [_decided(decision, build_id) for decision in group]
                results = _insert_together(con, lake, decided, [row for decision in group for row in decision.gate_rows])
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
        parse = _find(lake, delivery)
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


def _insert_together(
    con: duckdb.DuckDBPyConnection, lake: Lake, group: Sequence[Delivery], gate_rows: Sequence[tuple] = (), *, renew_receipts: bool = True
) -> list[LoadResult]:
    """Deliveries of one record type that meet nothing: rows, coverage, touched dates, verdicts and counts in one transaction."""
    record = group[0].record_type
    with transaction(con):
        first_no = con.execute(f"select coalesce(max(load_no), 0) + 1 from {DELIVERIES.qualified}").fetchone()[0]
        loads = [_Load(con, lake, delivery.with_(load_no=delivery.load_no or no)) for no, delivery in enumerate(group, start=first_no)]
        _cover(con, loads)
        files = [str(load.parse.accepted) for load in loads]
        con.execute(
            "create or replace temp table load_files as select unnest(?::varchar[]) as file, unnest(?::varchar[]) as feed_id, "
            "unnest(?::varchar[]) as delivery_id, unnest(?::timestamp[]) as known_from",
            [
                files,
                [load.delivery.feed_id for load in loads],
                [load.delivery.delivery_id for load in loads],
                [load.known_at for load in loads],
            ],
        )
        inserted = con.execute(
            f"insert into landing.{record.name} ({', '.join(loads[0].landing_columns)}) "
            f"select {_list(loads[0].columns, 'p')}, f.feed_id, f.delivery_id, p.source_row, f.known_from, null "
            f"from read_parquet([{', '.join(map(_literal, files))}], filename = true) as p join load_files as f on f.file = p.filename"
        ).fetchone()[0]
        con.execute("drop table load_files")
        if inserted != sum(load.parse.facts.rows_accepted for load in loads):
            raise LoadError(f"{inserted} rows of {len(loads)} deliveries were inserted, and their parses say otherwise")
        change_seq = next_change_seq(con)
        _touch_runs(con, change_seq, [load for load in loads if load.parse.facts.date_runs is not None])
        results = [load.inserted(load.parse.facts.rows_accepted, change_seq, runs_written=True) for load in loads]
        if update_deliveries(con, [result.delivery for result in results], _DECIDED, _WAITS) != len(results):
            raise LoadError("not all of these deliveries wait for admission")
        write_gate_rows(con, gate_rows)
        if renew_receipts:
            for result in results:
                _renew_receipt(lake, result.delivery)
    return results


def _cover(con: duckdb.DuckDBPyConnection, loads: Sequence["_Load"]) -> None:
    """What the deliveries cover, into `landing.coverage`."""
    rows = [
        (load.delivery.delivery_id, load.delivery.feed_id, load.record.name, *covered)
        for load in loads
        for covered in load.parse.facts.coverage
    ]
    if rows:
        con.execute(
            f"insert into {COVERAGE.qualified} (delivery_id, feed_id, record, entity, first_at, last_at) "
            "select unnest(?::varchar[]), unnest(?::varchar[]), unnest(?::varchar[]), unnest(?::varchar[]), "
            "unnest(?::timestamp[]), unnest(?::timestamp[])",
            list(map(list, zip(*rows, strict=True))),
        )


def _touch_runs(con: duckdb.DuckDBPyConnection, change_seq: int, loads: Sequence["_Load"]) -> None:
    """Touched dates of parses that know them to be one run per entity: most files, without looking at them again."""
    rows = [
        (load.record.touches[0].entity_kind, *run, load.record.name, load.delivery.delivery_id)
        for load in loads
        for run in load.parse.facts.date_runs or []
    ]
    if rows:
        con.execute(
            f"insert into {TOUCHED.qualified} (change_seq, entity_kind, entity_id, date_from, date_to, cause, delivery_id) "
            "select ?, unnest(?::varchar[]), unnest(?::varchar[]), unnest(?::date[]), unnest(?::date[]), unnest(?::varchar[]), unnest(?::varchar[])",
            [change_seq, *map(list, zip(*rows, strict=True))],
        )


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
    receipts = [receipt for receipt in found if receipt.delivery.admission is Admission.REFUSED or _find(lake, receipt.delivery)]
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
        if len(group) > 1:
            loaded = _insert_together(con, lake, [decision.delivery for decision in group], renew_receipts=False)
        else:
            with transaction(con):
                loaded = [_Load(con, lake, group[0].delivery).run()]
                update_delivery(con, loaded[0].delivery, _DECIDED)
        for one in loaded:
            if one.delivery != admitted[result.loaded]:
                result.differing.append(one.delivery.delivery_id)
            result.loaded += 1
            result.rows += one.delivery.rows_accepted or 0
    if progress:
        progress(len(admitted), len(admitted), "")
    return result


def _find(lake: Lake, delivery: Delivery) -> KeptParse | None:
    return lake.find_parse(delivery.feed_id, delivery.sha256, delivery.parse_key or "")


def _as_before_admission(delivery: Delivery, lake: Lake) -> Delivery:
    """The row as `feed` wrote it: what loading adds is taken off again."""
    if delivery.admission is not Admission.ADMITTED:
        return delivery
    return delivery.with_(
        admission=Admission.PENDING,
        load_no=None,
        rows_accepted=None,
        rows_duplicate=lake.parse_of(delivery).facts.rows_duplicate,
        rows_revised=None,
        rows_withdrawn=None,
    )


@dataclass(frozen=True)
class _Neighbour:
    """A loaded delivery that the one being loaded meets. Not effective: a later parse of its arrival has been loaded."""

    delivery: Delivery
    effective: bool


class _Load:
    """Loading one admitted delivery inside an open transaction. Temp tables are named load_*."""

    def __init__(self, con: duckdb.DuckDBPyConnection, lake: Lake, delivery: Delivery) -> None:
        self.con = con
        self.lake = lake
        self.delivery = delivery
        self.record: RecordType = delivery.record_type
        self.scope: KeyScope = key_scope(self.record.name)
        self.parse: KeptParse = lake.parse_of(delivery)
        self.table = f"landing.{self.record.name}"
        self.columns = [column.name for column in self.record.columns]
        self.landing_columns = [*self.columns, "feed_id", "delivery_id", "source_row", "known_from", "known_to"]
        self.known_at: datetime = delivery.known_at or delivery.received_at

    def run(self) -> LoadResult:
        load_no, replaced_id, whole_feed = self._place()
        if self.delivery.load_no is None:
            self.delivery = self.delivery.with_(load_no=load_no)
        meets_nothing = replaced_id is None and not whole_feed and not self._meets_anything()
        _cover(self.con, [self])
        if meets_nothing:
            return self._insert()
        replaced = deliveries(self.con, "d.delivery_id = ?", [replaced_id])[0] if replaced_id else None
        neighbours = self._neighbours(replaced, whole_feed)
        return self._settle(replaced, neighbours, whole_feed) if neighbours else self._insert()

    # what it meets

    def _place(self) -> tuple[int, str | None, bool]:
        """Its number in the order of loading, the parse of the same arrival that stands now, and whether silence speaks
        for the whole feed: this delivery's or that of any before it."""
        load_no, replaced, snapshots = self.con.execute(
            f"""
            select
                coalesce(max(load_no), 0) + 1,
                max_by(delivery_id, parse_no) filter (path = $path and arrival_no = $arrival_no and feed_id = $feed),
                coalesce(bool_or(load_mode = 'snapshot' and feed_id = $feed), false)
            from {DELIVERIES.qualified} where load_no is not null and delivery_id <> $own
            """,
            {**self._own, "path": self.delivery.path, "arrival_no": self.delivery.arrival_no},
        ).fetchone()
        return load_no, replaced, snapshots or self.delivery.load_mode is LoadMode.SNAPSHOT

    def _meets_anything(self) -> bool:
        """Whether anything loaded has one of its entities at one of its times."""
        entities, first, last = self._coverage
        if not entities:
            return False
        return self.con.execute(
            f"""
            select exists (
                select 1 from {COVERAGE.qualified} as c
                join (select unnest(?::varchar[]) as entity, unnest(?::timestamp[]) as first_at, unnest(?::timestamp[]) as last_at) as m
                    on c.entity = m.entity and c.first_at <= m.last_at and c.last_at >= m.first_at
                where c.record = ? and c.last_at >= ? and c.first_at <= ?
            )
            """,
            [entities, first, last, self.record.name, min(first), max(last)],
        ).fetchone() == (True,)

    def _neighbours(self, replaced: Delivery | None, whole_feed: bool) -> list[_Neighbour]:
        """Loaded deliveries that may hold a key of this one's or of its feed, where the feed is spoken for as a whole."""
        own = [self.delivery.delivery_id, replaced.delivery_id if replaced else self.delivery.delivery_id]
        rows = self.con.execute(
            f"""
            with mine as (
                select entity, min(first_at) as first_at, max(last_at) as last_at
                from {COVERAGE.qualified}
                where record = $record and (delivery_id in ($own, $old) or ($whole and feed_id = $feed))
                group by entity
            ), met as (
                select c.delivery_id
                from {COVERAGE.qualified} as c
                join mine as m on c.entity = m.entity and c.first_at <= m.last_at and c.last_at >= m.first_at
                where c.record = $record
                union
                select delivery_id from {DELIVERIES.qualified}
                where delivery_id = $old or ($whole and feed_id = $feed and record = $record and load_no is not null)
            )
            select d.delivery_id, not exists (
                select 1 from {DELIVERIES.qualified} as newer
                where newer.feed_id = d.feed_id and newer.path = d.path and newer.arrival_no = d.arrival_no
                  and newer.load_no is not null and newer.parse_no > d.parse_no
            ) as effective
            from {DELIVERIES.qualified} as d
            where d.load_no is not null and d.delivery_id <> $own and d.delivery_id in (select delivery_id from met)
            """,
            {"record": self.record.name, "own": own[0], "old": own[1], "whole": whole_feed, "feed": self.delivery.feed_id},
        ).fetchall()
        if not rows:
            return []
        effective = dict(rows)
        found = deliveries(self.con, "d.delivery_id in (select unnest(?::varchar[]))", [list(effective)])
        return [_Neighbour(delivery, effective[delivery.delivery_id]) for delivery in found]

    # insert

    def _insert(self) -> LoadResult:
        file = _parquet(self.parse.accepted)
        inserted = self.con.execute(
            f"insert into {self.table} ({', '.join(self.landing_columns)}) "
            f"select {', '.join(self.columns)}, ?, ?, source_row, ?, null from {file}",
            [self.delivery.feed_id, self.delivery.delivery_id, self.known_at],
        ).fetchone()[0]
        return self.inserted(inserted, next_change_seq(self.con) if inserted else None)

    def inserted(self, rows: int, change_seq: int | None, *, runs_written: bool = False) -> LoadResult:
        """What follows when all rows went straight in. With nothing in the file nothing has changed."""
        if not rows or change_seq is None:
            return self._done("insert", accepted=rows, incoming=rows, change_seq=None)
        if self.parse.facts.date_runs is None:
            self._touch(change_seq, _parquet(self.parse.accepted))
        elif not runs_written:
            _touch_runs(self.con, change_seq, [self])
        return self._done("insert", accepted=rows, incoming=rows, change_seq=change_seq)

    # compare and replay

    def _settle(self, replaced: Delivery | None, neighbours: list[_Neighbour], whole_feed: bool) -> LoadResult:
        others = [n.delivery for n in neighbours if n.effective and (replaced is None or n.delivery.delivery_id != replaced.delivery_id)]
        silent = self.delivery.load_mode is not LoadMode.UPSERT
        in_order = all(other.rank < self.delivery.rank for other in others)
        # What another feed has said last about a key is not to be taken back by this one's silence, and landing does not
        # show who repeated a value last: only the lake does.
        foreign = silent and any(other.feed_id != self.delivery.feed_id for other in others)
        way: Way = "compare" if replaced is None and in_order and not foreign else "replay"
        self._make_scope(replaced, whole_feed and (way == "replay" or self.delivery.load_mode is LoadMode.SNAPSHOT))
        self._make("load_incoming", f"select {', '.join(self.columns)}, source_row from {_parquet(self.parse.accepted)}")
        self._make_known()
        if way == "compare":
            self._compare()
        else:
            self._replay(others, replaced)
        self._make_change()
        late = self._make_late() if way == "replay" else 0
        return self._carry_out(way, late)

    def _make_scope(self, replaced: Delivery | None, whole_feed: bool) -> None:
        """load_scope: entities and periods whose rows may be concerned."""
        self._make(
            "load_scope",
            f"""
            select entity, min(first_at) as first_at, max(last_at) as last_at
            from {COVERAGE.qualified}
            where record = $record and (delivery_id in ($own, $old) or ($whole and feed_id = $feed))
            group by entity
            """,
            {
                "record": self.record.name,
                "own": self.delivery.delivery_id,
                "old": replaced.delivery_id if replaced else self.delivery.delivery_id,
                "whole": whole_feed,
                "feed": self.delivery.feed_id,
            },
        )

    def _make_known(self) -> None:
        """load_known: every version landing has of every key in scope. Literal bounds let DuckDB skip what is far away."""
        first, last = self.con.execute("select min(first_at), max(last_at) from load_scope").fetchone()
        bounds = "false"
        if first is not None:
            kind = self.record.by_name[self.scope.time].duckdb_type
            low, high = (f"cast(timestamp '{moment.isoformat(sep=' ')}' as {kind})" for moment in (first, last))
            bounds = f"{self.scope.time_sql('r')} between {low} and {high}"
        self._make(
            "load_known",
            f"""
            select r.rowid as row_no, {_list(self.landing_columns, "r")}
            from {self.table} as r
            join load_scope as s on {self.scope.entity_sql("r")} = s.entity and {self.scope.time_sql("r")} between s.first_at and s.last_at
            where {bounds}
            """,
        )

    def _compare(self) -> None:
        """load_target and load_affected, where this delivery has the last word on every key it concerns."""
        self._make("load_target", "select *, $feed as feed_id, $own as delivery_id from load_incoming", self._own)
        silenced = f"union select {_list(self.key)} from load_known where known_to is null and feed_id = $feed"
        if self.delivery.load_mode is LoadMode.UPSERT:
            self._make("load_affected", f"select {_list(self.key)} from load_incoming")
        else:
            # load_scope is what the delivery speaks for: its own coverage, or the whole feed's for a snapshot.
            self._make("load_affected", f"select {_list(self.key)} from load_incoming {silenced}", {"feed": self.delivery.feed_id})

    def _replay(self, others: list[Delivery], replaced: Delivery | None) -> None:
        """load_target and load_affected, from what every delivery that counts says about the keys concerned.

        The latest delivery that has a key decides, unless one of the same feed that came after it, and
        speaks for the key's period or for the whole feed, does not have it.
        """
        sources = sorted([*others, self.delivery], key=lambda delivery: delivery.rank)
        self._make_sources(sources)
        files = ", ".join(sorted({_literal(str(self.lake.parse_of(source).accepted)) for source in sources}))
        self._make(
            "load_asserted",
            f"""
            select {_list(self.columns, "p")}, p.source_row, f.rank_no, f.feed_id, f.delivery_id, s.entity, cast({self.scope.time_sql("p")} as timestamp) as happens_at
            from read_parquet([{files}], filename = true, union_by_name = true) as p
            join load_sources as f on f.file = p.filename
            join load_scope as s on {self.scope.entity_sql("p")} = s.entity and {self.scope.time_sql("p")} between s.first_at and s.last_at
            """,
        )
        affected = [f"select {_list(self.key)} from load_incoming"]
        if replaced:
            affected.append(f"select {_list(self.key)} from {_parquet(self.lake.parse_of(replaced).accepted)}")
        if {self.delivery.load_mode, replaced.load_mode if replaced else None} - {LoadMode.UPSERT, None}:
            affected.append(f"select {_list(self.key)} from load_asserted where feed_id = {_literal(self.delivery.feed_id)}")
        self._make("load_affected", " union ".join(affected))
        self._make(
            "load_target",
            f"""
            with latest as (
                select asserted.*
                from load_asserted as asserted semi join load_affected using ({_list(self.key)})
                qualify row_number() over (partition by {_list(self.key)} order by rank_no desc) = 1
            ), whole_feed as (
                select feed_id, max(rank_no) as rank_no from load_silence where entity is null group by feed_id
            )
            select {_list(self.columns, "l")}, l.source_row, l.feed_id, l.delivery_id
            from latest as l
            left join whole_feed as w on w.feed_id = l.feed_id
            where coalesce(w.rank_no, 0) <= l.rank_no and not exists (
                select 1 from load_silence as s
                where s.entity = l.entity and s.feed_id = l.feed_id and s.rank_no > l.rank_no and l.happens_at between s.first_at and s.last_at
            )
            """,
        )

    def _make_sources(self, sources: list[Delivery]) -> None:
        """load_sources: the deliveries that count, in order; load_silence: what those that speak by silence speak for."""
        self._make(
            "load_sources",
            "select unnest($files::varchar[]) as file, unnest($ranks::bigint[]) as rank_no, unnest($ids::varchar[]) as delivery_id, "
            "unnest($feeds::varchar[]) as feed_id, unnest($modes::varchar[]) as load_mode, unnest($known::timestamp[]) as known_at",
            {
                "files": [str(self.lake.parse_of(source).accepted) for source in sources],
                "ranks": list(range(1, len(sources) + 1)),
                "ids": [source.delivery_id for source in sources],
                "feeds": [source.feed_id for source in sources],
                "modes": [source.load_mode for source in sources],
                "known": [source.known_at or source.received_at for source in sources],
            },
        )
        self._make(
            "load_silence",
            f"""
            select feed_id, rank_no, known_at, null::varchar as entity, null::timestamp as first_at, null::timestamp as last_at
            from load_sources where load_mode = 'snapshot'
            union all
            select f.feed_id, f.rank_no, f.known_at, c.entity, c.first_at, c.last_at
            from load_sources as f join {COVERAGE.qualified} as c using (delivery_id) where f.load_mode = 'replaces_period'
            """,
        )

    def _make_change(self) -> None:
        """load_change: affected keys for which something else stands now than shall. `since` is when we knew: never before the last change."""
        self._make(
            "load_change",
            f"""
            select
                {_list(self.key, "a")}, c.row_no, t.delivery_id as target,
                greatest(cast($known_at as timestamp), v.last_known) as since
            from load_affected as a
            left join (from load_known where known_to is null) as c using ({_list(self.key)})
            left join load_target as t using ({_list(self.key)})
            left join (
                select {_list(self.key)}, max(greatest(known_from, known_to)) as last_known from load_known group by {_list(self.key)}
            ) as v using ({_list(self.key)})
            where (c.row_no is null) <> (t.delivery_id is null) or (c.row_no is not null and ({self._differs("c", "t")}))
            """,
            {"known_at": self.known_at},
        )

    def _make_late(self) -> int:
        """load_late: rows of this delivery that a later one had superseded before they came; returns how many.

        Each takes its place in the key's history: from when it was known to when the next version was. Where
        there is no room for it (what stood then stands now), it enters with an empty span. What then stood
        ends where it begins.
        """
        self._make(
            "load_late",
            f"""
            with late as (
                select i.*, v.row_no, v.known_from, v.known_to
                from load_incoming as i
                anti join (from load_change where target = $own) as ch using ({_list(self.key)})
                left join load_target as t using ({_list(self.key)})
                left join load_known as v
                    on {_equal(self.key, "i", "v")} and v.known_from <= $known_at and (v.known_to is null or v.known_to > $known_at)
                where (t.delivery_id is null or {self._differs("i", "t")}) and (v.row_no is null or {self._differs("i", "v")})
            ), following as (
                select {_list(self.key)}, min(since) as since
                from (
                    select {_list(self.key)}, known_from as since from load_known where known_from > $known_at
                    union all
                    select {_list(self.key)}, since from load_change
                    union all
                    select {_list(self.key, "i")}, s.known_at
                    from load_incoming as i join load_silence as s on s.feed_id = $feed and s.rank_no > (
                        select rank_no from load_sources where delivery_id = $own
                    )
                    where s.entity is null or (
                        s.entity = {self.scope.entity_sql("i")} and {self.scope.time_sql("i")} between s.first_at and s.last_at
                    )
                )
                group by {_list(self.key)}
            )
            select
                late.* exclude (row_no, known_from, known_to),
                case when late.known_to is not null and late.known_from < $known_at then late.row_no end as shortened,
                $known_at as known_from,
                case
                    when late.row_no is null then greatest($known_at, f.since)
                    when late.known_to is not null and late.known_from < $known_at then late.known_to
                    else $known_at
                end as known_to
            from late left join following as f using ({_list(self.key)})
            """,
            {**self._own, "known_at": self.known_at},
        )
        return self._count("load_late")

    def _carry_out(self, way: Way, late: int) -> LoadResult:
        own = _literal(self.delivery.delivery_id)
        opened, revised, closed = self.con.execute(
            f"""
            select
                count(*) filter (target = {own}), count(*) filter (target = {own} and row_no is not null),
                count(*) filter (row_no is not null)
            from load_change
            """
        ).fetchone()
        changed = self._count("load_change")
        self.con.execute(f"update {self.table} set known_to = c.since from load_change as c where {self.table}.rowid = c.row_no")
        self.con.execute(
            f"""
            insert into {self.table} ({", ".join(self.landing_columns)})
            select {_list(self.columns, "t")}, t.feed_id, t.delivery_id, t.source_row, c.since, null
            from load_target as t join load_change as c using ({_list(self.key)})
            """
        )
        if late:
            self.con.execute(f"update {self.table} set known_to = l.known_from from load_late as l where {self.table}.rowid = l.shortened")
            self.con.execute(
                f"""
                insert into {self.table} ({", ".join(self.landing_columns)})
                select {_list(self.columns)}, $feed, $own, source_row, known_from, known_to from load_late
                """,
                self._own,
            )
        change_seq = None
        if changed:
            change_seq = next_change_seq(self.con)
            self._touch(
                change_seq,
                f"""(
                select {_list(self.columns)} from load_known semi join load_change using (row_no)
                union all
                select {_list(self.columns)} from load_target semi join load_change using ({_list(self.key)})
                )""",
            )
        incoming = self._count("load_incoming")
        self._drop()
        return self._done(
            way,
            accepted=opened + late,
            incoming=incoming,
            revised=revised,
            withdrawn=closed - revised,
            change_seq=change_seq,
        )

    # what follows from it

    def _touch(self, change_seq: int, changed: str) -> None:
        """Write the entities and dates of changed rows, both as they were and as they are, to the ledger of changes.

        Days in a row become one range.
        """
        ranges = " union all ".join(_touched(touch, changed) for touch in self.record.touches)
        self.con.execute(
            f"""
            insert into {TOUCHED.qualified} (change_seq, entity_kind, entity_id, date_from, date_to, cause, delivery_id)
            with ranges as (
                select distinct * from ({ranges}) where entity_id is not null and entity_id <> '-'
            ), marked as (
                select *, coalesce(date_from > 1 + max(date_to) over (
                    partition by entity_kind, entity_id order by date_from, date_to rows between unbounded preceding and 1 preceding
                ), true) as starts
                from ranges
            ), runs as (
                select *, sum(starts::bigint) over (
                    partition by entity_kind, entity_id order by date_from, date_to rows unbounded preceding
                ) as run
                from marked
            )
            select ?, entity_kind, entity_id, min(date_from), max(date_to), ?, ?
            from runs group by entity_kind, entity_id, run
            """,
            [change_seq, self.record.name, self.delivery.delivery_id],
        )

    def _done(self, way: Way, *, accepted: int, incoming: int, change_seq: int | None, revised: int = 0, withdrawn: int = 0) -> LoadResult:
        facts = self.parse.facts
        duplicate = facts.rows_duplicate + incoming - accepted
        if incoming != facts.rows_accepted or facts.rows_read != accepted + duplicate + facts.rows_quarantined:
            raise LoadError(
                f"delivery {self.delivery.delivery_id} ({self.delivery.path}): {facts.rows_read} rows read are not {accepted} accepted "
                f"+ {duplicate} duplicate + {facts.rows_quarantined} quarantined, or its parse holds {incoming} rows instead of {facts.rows_accepted}"
            )
        delivery = self.delivery.with_(rows_accepted=accepted, rows_duplicate=duplicate, rows_revised=revised, rows_withdrawn=withdrawn)
        return LoadResult(delivery, change_seq, way)

    # small change

    @property
    def _coverage(self) -> tuple[list, list, list]:
        entities, first, last = zip(*self.parse.facts.coverage, strict=True) if self.parse.facts.coverage else ((), (), ())
        return list(entities), list(first), list(last)

    @property
    def key(self) -> tuple[str, ...]:
        return self.record.key

    @property
    def _own(self) -> dict[str, str]:
        return {"feed": self.delivery.feed_id, "own": self.delivery.delivery_id}

    def _make(self, table: str, query: str, parameters: dict | None = None) -> None:
        self.con.execute(f"create or replace temp table {table} as {query}", parameters or {})

    def _count(self, table: str) -> int:
        return self.con.execute(f"select count(*) from {table}").fetchone()[0]

    def _drop(self) -> None:
        for table in _TEMPORARY:
            self.con.execute(f"drop table if exists {table}")

    def _differs(self, one: str, other: str) -> str:
        """Whether two rows of one key mean something different; nulls are equal to each other."""
        meaning = [name for name in self.record.value_columns if name not in _AS_SENT]
        return "(" + (" or ".join(f"{one}.{name} is distinct from {other}.{name}" for name in meaning) or "false") + ")"


_TEMPORARY = (
    "load_scope", "load_incoming", "load_known", "load_target", "load_affected", "load_asserted", "load_sources", "load_silence",
    "load_change", "load_late",
)  # fmt: skip


def _touched(touch: Touch, changed: str) -> str:
    """Entity and inclusive dates of every row of a relation, for one of the record's touches."""
    first, *end = touch.dates
    # The end of a validity is the first day on which it no longer holds.
    last = f"case when {end[0]} is null then date '9999-12-31' else greatest({end[0]} - 1, {first}) end" if end else first
    kind = touch.kind_column or f"'{touch.entity_kind}'"
    return f"select {kind} as entity_kind, {touch.entity_column} as entity_id, {first} as date_from, {last} as date_to from {changed}"


def _list(names: Iterable[str], alias: str | None = None) -> str:
    return ", ".join(f"{alias}.{name}" if alias else name for name in names)


def _equal(names: Iterable[str], one: str, other: str) -> str:
    return " and ".join(f"{one}.{name} = {other}.{name}" for name in names)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _parquet(file: Path) -> str:
    return f"read_parquet({_literal(str(file))})"
