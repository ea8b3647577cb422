"""One delivery into landing: what it meets there, what stands afterwards, what that touches.

What the current rows are follows from the admitted deliveries alone, never from the order in which they
were loaded: of two values for a key the one of the later delivery stands, where later means
(received_at, path); a delivery that speaks for a whole period or feed takes back what it does not
repeat; a new parse of the same arrival takes the place of the old one. Rows are never removed: what no
longer stands has `known_to`.

Three ways lead there, each only as dear as it must be:

    insert   nothing known has the delivery's entities and periods: its rows go straight in
    compare  everything it meets is older, or is only its own older parse: its rows are held against the current ones
    replay   something it meets is younger, or stood behind its older parse: what stands is found anew, for the
             keys concerned, from all deliveries that speak of them

Of records that are append-only (decisions of people) nothing that stands is revised or withdrawn: the first word
on a key stays, whatever comes later, and the row that would change it is refused (way `append`).

Transactions, verdicts and receipts are `load`'s business, which is also the door to all this.
"""
# ruff: noqa: S608 - table and column names come from our own declarations; values are bound parameters

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import duckdb

from pipelines.contracts.records import LoadMode, RecordType, Touch
from pipelines.ingest.lake import KeptParse, Lake
from pipelines.ingest.readers.table import RAW_TEXT_CHARACTERS
from pipelines.ingest.scope import KeyScope, key_scope
from pipelines.warehouse.builds import next_change_seq
from pipelines.warehouse.ledger import Delivery, deliveries
from pipelines.warehouse.tables import COVERAGE, DELIVERIES, QUARANTINE, TOUCHED

Way = Literal["insert", "compare", "replay", "append"]
APPEND_ONLY_RULE = "append_only"

_AS_SENT = ("value_raw", "unit_raw")
"""How a value was sent is no part of what it says: 1 t and 1000 kg are one statement, in one file and in two."""


class LoadError(RuntimeError):
    """A delivery does not add up, or the lake has lost it; its transaction has been rolled back."""


@dataclass(frozen=True)
class LoadResult:
    """A delivery after admission. `change_seq` is None when no current row changed, `way` when nothing was loaded.

    `rows_refused` counts rows that loading itself refused, because they would have changed what is append-only.
    """

    delivery: Delivery
    change_seq: int | None = None
    way: Way | None = None
    rows_refused: int = 0


def insert_together(con: duckdb.DuckDBPyConnection, lake: Lake, group: Sequence[Delivery]) -> list[LoadResult]:
    """Rows, coverage and touched dates of deliveries of one record type that meet nothing, under one change number."""
    first_no = con.execute(f"select coalesce(max(load_no), 0) + 1 from {DELIVERIES.qualified}").fetchone()[0]
    loads = [Loading(con, lake, delivery.with_(load_no=delivery.load_no or no)) for no, delivery in enumerate(group, start=first_no)]
    _cover(con, loads)
    con.execute(
        "create or replace temp table load_files as select unnest($files::varchar[]) as file, unnest($feeds::varchar[]) as feed_id, "
        "unnest($ids::varchar[]) as delivery_id, unnest($known::timestamp[]) as known_from",
        {
            "files": [str(load.parse.accepted) for load in loads],
            "feeds": [load.delivery.feed_id for load in loads],
            "ids": [load.delivery.delivery_id for load in loads],
            "known": [load.known_at for load in loads],
        },
    )
    inserted = con.execute(
        f"insert into {loads[0].table} ({', '.join(loads[0].landing_columns)}) "
        f"select {_list(loads[0].columns, 'p')}, f.feed_id, f.delivery_id, p.source_row, f.known_from, null "
        f"from {loads[0].rows_of([load.parse for load in loads], filename=True)} as p join load_files as f on f.file = p.filename"
    ).fetchone()[0]
    con.execute("drop table load_files")
    if inserted != sum(load.parse.facts.rows_accepted for load in loads):
        raise LoadError(f"{inserted} rows of {len(loads)} deliveries were inserted, and their parses say otherwise")
    change_seq = next_change_seq(con)
    _touch_runs(con, change_seq, loads)
    return [load.inserted(load.parse.facts.rows_accepted, change_seq, runs_written=True) for load in loads]


def _cover(con: duckdb.DuckDBPyConnection, loads: Sequence["Loading"]) -> None:
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


def _touch_runs(con: duckdb.DuckDBPyConnection, change_seq: int, loads: Sequence["Loading"]) -> None:
    """Touched dates of those parses that know them to be one run per entity: most files, without looking at them again."""
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


@dataclass(frozen=True)
class _Neighbour:
    """A loaded delivery that the one being loaded meets. Not effective: a later parse of its arrival has been loaded."""

    delivery: Delivery
    effective: bool


class Loading:
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
        if self.record.append_only:
            return self._append()
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
                select distinct c.delivery_id, c.feed_id
                from {COVERAGE.qualified} as c
                join mine as m on c.entity = m.entity and c.first_at <= m.last_at and c.last_at >= m.first_at
                where c.record = $record
            ), concerned as (
                select delivery_id from met
                union
                select delivery_id from {DELIVERIES.qualified}
                where delivery_id = $old or ($whole and feed_id = $feed and record = $record and load_no is not null)
                union
                -- what another feed says of these keys, it may have taken back as a whole
                select delivery_id from {DELIVERIES.qualified}
                where load_mode = 'snapshot' and record = $record and load_no is not null and feed_id in (select feed_id from met)
            )
            select d.delivery_id, not exists (
                select 1 from {DELIVERIES.qualified} as newer
                where newer.feed_id = d.feed_id and newer.path = d.path and newer.arrival_no = d.arrival_no
                  and newer.load_no is not null and newer.parse_no > d.parse_no
            ) as effective
            from {DELIVERIES.qualified} as d
            where d.load_no is not null and d.delivery_id <> $own and d.delivery_id in (select delivery_id from concerned)
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
        inserted = self.con.execute(
            f"insert into {self.table} ({', '.join(self.landing_columns)}) "
            f"select {', '.join(self.columns)}, ?, ?, source_row, ?, null from {self.rows_of([self.parse])}",
            [self.delivery.feed_id, self.delivery.delivery_id, self.known_at],
        ).fetchone()[0]
        return self.inserted(inserted, next_change_seq(self.con) if inserted else None)

    def inserted(self, rows: int, change_seq: int | None, *, runs_written: bool = False) -> LoadResult:
        """What follows when all rows went straight in. With nothing in the file nothing has changed."""
        if not rows or change_seq is None:
            return self._done("insert", accepted=rows, incoming=rows, change_seq=None)
        if self.parse.facts.date_runs is None:
            self._touch(change_seq, self.rows_of([self.parse]))
        elif not runs_written:
            _touch_runs(self.con, change_seq, [self])
        return self._done("insert", accepted=rows, incoming=rows, change_seq=change_seq)

    # append

    def _append(self) -> LoadResult:
        """New keys go in; a row that says something else of a key that stands is refused, and what is not repeated stays.

        A new parse of the same bytes is our reading mended, not somebody's word changed: what an arrival has brought,
        its own new parse corrects. Everything else is compared in the order of loading, which the receipts keep.
        """
        arrival = (
            f"select delivery_id from {DELIVERIES.qualified} where feed_id = {_literal(self.delivery.feed_id)} "
            f"and path = {_literal(self.delivery.path)} and arrival_no = {self.delivery.arrival_no}"
        )
        self._make("load_read", f"select {', '.join(self.columns)}, source_row from {self.rows_of([self.parse])}")
        self._make(
            "load_known",
            f"""
            select r.rowid as row_no, {_list(self.landing_columns, "r")}
            from {self.table} as r
            where ({_list(self.key, "r")}) in (select ({_list(self.key)}) from load_read) or r.delivery_id in ({arrival})
            """,
        )
        self._make(
            "load_refused",
            f"""
            select i.*, v.delivery_id as standing_delivery, {self._differing("i", "v")} as differing
            from load_read as i join load_known as v on {_equal(self.key, "i", "v")}
            where v.known_to is null and v.delivery_id not in ({arrival}) and {self._differs("i", "v")}
            """,
        )
        self._make("load_incoming", f"select * from load_read anti join load_refused using ({_list(self.key)})")
        self._make_view("load_target", f"select *, {self._own_literals} from load_incoming")
        self._make_view("load_current", "from load_known where known_to is null")
        self._make_change(f"c.delivery_id in ({arrival})")
        return self._carry_out("append", 0, refused=self._quarantine_refused())

    def _quarantine_refused(self) -> int:
        key = " || ' ' || ".join(f"'{name}=' || {name}" for name in self.key)
        columns = [name for name in self.record.value_columns if name not in _AS_SENT]
        sent = ", ".join(f"'{name}=' || {name}" for name in columns)
        return self.con.execute(
            f"""
            insert into {QUARANTINE.qualified} (park_id, delivery_id, feed_id, source_row, column_name, rule, reason, raw_text)
            select
                $park, $own, $feed, source_row, null, $rule,
                {key} || ' stands already and says something else in ' || differing || ' (delivery ' || standing_delivery
                || '); a {self.record.name} is never changed: right would be a new one with a {self.key[0]} of its own',
                left(concat_ws(' ', {key}, {sent}), {RAW_TEXT_CHARACTERS})
            from load_refused
            """,
            {**self._own, "park": self.delivery.park_id, "rule": APPEND_ONLY_RULE},
        ).fetchone()[0]

    # compare and replay

    def _settle(self, replaced: Delivery | None, neighbours: list[_Neighbour], whole_feed: bool) -> LoadResult:
        others = [n.delivery for n in neighbours if n.effective and (replaced is None or n.delivery.delivery_id != replaced.delivery_id)]
        silent = self.delivery.load_mode is not LoadMode.UPSERT
        in_order = all(other.rank < self.delivery.rank for other in others)
        # What another feed has said last about a key is not to be taken back by this one's silence, and landing does not
        # show who repeated a value last: only the lake does.
        foreign = silent and any(other.feed_id != self.delivery.feed_id for other in others)
        # A new parse that meets nothing but the old one is the last word on all it concerns.
        last_word = not others if replaced else in_order and not foreign
        way: Way = "compare" if last_word else "replay"
        self._make_scope(replaced, whole_feed and (way == "replay" or self.delivery.load_mode is LoadMode.SNAPSHOT))
        self._make("load_incoming", f"select {', '.join(self.columns)}, source_row from {self.rows_of([self.parse])}")
        self._make_known()
        late = 0
        if way == "compare":
            # load_scope is what its silence speaks for: the old parse's coverage too, its own period, or the whole feed.
            taken_back = "true" if replaced else "c.feed_id = $feed" if silent else "false"
            self._make_view("load_target", f"select *, {self._own_literals} from load_incoming")
            self._make_view("load_current", "from load_known where known_to is null")
            self._make_change(taken_back)
        else:
            self._replay(others, replaced)
            self._make_view("load_current", f"from load_known semi join load_affected using ({_list(self.key)}) where known_to is null")
            self._make_change("true")
            late = self._make_late()
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
            kind = self.record.by_name[self.scope.time].duckdb_type if self.scope.time else "timestamp"
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

    def _replay(self, others: list[Delivery], replaced: Delivery | None) -> None:
        """load_affected and load_target, from what every delivery that counts says about the keys concerned.

        The latest delivery that has a key decides, unless one of the same feed that came after it, and
        speaks for the key's period or for the whole feed, does not have it.
        """
        sources = sorted([*others, self.delivery], key=lambda delivery: delivery.rank)
        self._make_sources(sources)
        self._make(
            "load_asserted",
            f"""
            select {_list(self.columns, "p")}, p.source_row, f.rank_no, f.feed_id, f.delivery_id, s.entity, cast({self.scope.time_sql("p")} as timestamp) as happens_at
            from {self.rows_of([self.lake.parse_of(source) for source in sources], filename=True)} as p
            join load_sources as f on f.file = p.filename
            join load_scope as s on {self.scope.entity_sql("p")} = s.entity and {self.scope.time_sql("p")} between s.first_at and s.last_at
            """,
        )
        affected = [f"select {_list(self.key)} from load_incoming"]
        if replaced:
            affected.append(f"select {_list(self.key)} from {self.rows_of([self.lake.parse_of(replaced)])}")
        if {self.delivery.load_mode, replaced.load_mode if replaced else None} - {LoadMode.UPSERT, None}:
            affected.append(f"select {_list(self.key)} from load_asserted where feed_id = {_literal(self.delivery.feed_id)}")
        self._make("load_affected", " union ".join(affected))
        self._make(
            "load_standing",
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
        self._make_view("load_target", "from load_standing")

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

    def _make_change(self, taken_back: str) -> None:
        """load_change: keys for which something else stands now than shall.

        A current row without a target is only meant where `taken_back` holds. `since` is when we knew it,
        which is never before the key's last change.
        """
        self._make(
            "load_change",
            f"""
            with changed as (
                select {_list(self.key)}, c.row_no, t.delivery_id as target, c.known_from
                from load_target as t full join load_current as c using ({_list(self.key)})
                where (t.delivery_id is null and {taken_back}) or (t.delivery_id is not null and (c.row_no is null or {self._differs("c", "t")}))
            ), ended as (
                select {_list(self.key)}, max(greatest(known_from, known_to)) as last_known
                from load_known where known_to is not null group by {_list(self.key)}
            )
            select {_list(self.key)}, row_no, target, greatest(cast($known_at as timestamp), known_from, last_known) as since
            from changed left join ended using ({_list(self.key)})
            """,
            {"known_at": self.known_at, **({"feed": self.delivery.feed_id} if "$feed" in taken_back else {})},
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

    def _carry_out(self, way: Way, late: int, *, refused: int = 0) -> LoadResult:
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
            refused=refused,
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

    def _done(
        self,
        way: Way,
        *,
        accepted: int,
        incoming: int,
        change_seq: int | None,
        revised: int = 0,
        withdrawn: int = 0,
        refused: int = 0,
    ) -> LoadResult:
        facts = self.parse.facts
        duplicate, quarantined = facts.rows_duplicate + incoming - accepted, facts.rows_quarantined + refused
        if incoming + refused != facts.rows_accepted or facts.rows_read != accepted + duplicate + quarantined:
            raise LoadError(
                f"delivery {self.delivery.delivery_id} ({self.delivery.path}): {facts.rows_read} rows read are not {accepted} accepted "
                f"+ {duplicate} duplicate + {quarantined} quarantined, or its parse holds {incoming + refused} rows instead of {facts.rows_accepted}"
            )
        delivery = self.delivery.with_(
            rows_accepted=accepted, rows_duplicate=duplicate, rows_revised=revised, rows_withdrawn=withdrawn, rows_quarantined=quarantined
        )
        return LoadResult(delivery, change_seq, way, refused)

    # small change

    def rows_of(self, parses: Sequence[KeptParse], *, filename: bool = False) -> str:
        """A relation of parses' accepted rows with all columns the record has now: one that a parse is too old for is null."""
        files = ", ".join(sorted({_literal(str(parse.accepted)) for parse in parses}))
        rows = f"read_parquet([{files}], filename = {filename}, union_by_name = true)"
        known = {name for parse in parses for name in parse.facts.columns}
        lacking = [f"null::{column.duckdb_type} as {column.name}" for column in self.record.columns if column.name not in known]
        return f"(select *, {', '.join(lacking)} from {rows})" if lacking else rows

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

    @property
    def _own_literals(self) -> str:
        return f"{_literal(self.delivery.feed_id)} as feed_id, {_literal(self.delivery.delivery_id)} as delivery_id"

    def _make(self, table: str, query: str, parameters: dict | None = None) -> None:
        self.con.execute(f"create or replace temp table {table} as {query}", parameters or {})

    def _make_view(self, view: str, query: str) -> None:
        self.con.execute(f"create or replace temp view {view} as {query}")

    def _count(self, table: str) -> int:
        return self.con.execute(f"select count(*) from {table}").fetchone()[0]

    def _drop(self) -> None:
        drops = [f"drop view if exists {view}" for view in _VIEWS] + [f"drop table if exists {table}" for table in _TABLES]
        self.con.execute("; ".join(drops))

    def _differing(self, one: str, other: str) -> str:
        """Names of the columns in which two rows of one key mean something different."""
        meaning = [name for name in self.record.value_columns if name not in _AS_SENT]
        return "concat_ws(', ', " + ", ".join(f"case when {one}.{n} is distinct from {other}.{n} then '{n}' end" for n in meaning) + ")"

    def _differs(self, one: str, other: str) -> str:
        """Whether two rows of one key mean something different; nulls are equal to each other."""
        meaning = [name for name in self.record.value_columns if name not in _AS_SENT]
        return "(" + (" or ".join(f"{one}.{name} is distinct from {other}.{name}" for name in meaning) or "false") + ")"


_VIEWS = ("load_target", "load_current")
_TABLES = (
    "load_scope", "load_incoming", "load_known", "load_affected", "load_asserted", "load_standing", "load_sources", "load_silence",
    "load_change", "load_late", "load_read", "load_refused",
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
