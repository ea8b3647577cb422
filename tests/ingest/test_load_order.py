"""What stands in landing follows from the admitted deliveries alone: any order of loading ends alike.

The model below says what stands in ten lines of Python over all deliveries; landing gets there one
delivery at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.contracts.records import LoadMode
from pipelines.contracts.states import Admission
from pipelines.ingest.load import Decision, LoadResult, load_deliveries, rebuild_from_lake
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.ledger import Delivery
from tests.ingest.depot import BUILD, Depot, make_settings, readings

POINTS, HOURS, VALUES = "AB", range(4), (1.0, 2.0)
FIRST = datetime(2026, 2, 1)


@dataclass(frozen=True)
class Said:
    """What one delivery says: values of some keys, and how its silence counts."""

    feed: str
    path: str
    day: int
    mode: LoadMode
    rows: tuple[tuple[tuple[str, int], float], ...]
    parse_no: int = 1

    @property
    def rank(self) -> tuple:
        return self.day, self.path, self.feed

    def speaks_for(self, key: tuple[str, int]) -> bool:
        """Whether its silence about a key takes the key back."""
        if self.mode is LoadMode.SNAPSHOT:
            return True
        hours = [hour for (point, hour), _ in self.rows if point == key[0]]
        return self.mode is LoadMode.REPLACES_PERIOD and bool(hours) and min(hours) <= key[1] <= max(hours)


def stands(deliveries: list[Said]) -> dict[tuple[str, int], float]:
    """Key → value after all deliveries: the latest that has the key, unless its own feed took it back later."""
    found = {}
    for key in ((point, hour) for point in POINTS for hour in HOURS):
        having = [said for said in deliveries if key in dict(said.rows)]
        if not having:
            continue
        latest = max(having, key=lambda said: said.rank)
        taken_back = any(
            said.feed == latest.feed and said.rank > latest.rank and key not in dict(said.rows) and said.speaks_for(key)
            for said in deliveries
        )
        if not taken_back:
            found[key] = dict(latest.rows)[key]
    return found


keys = st.tuples(st.sampled_from(POINTS), st.sampled_from(list(HOURS)))
rows = st.dictionaries(keys, st.sampled_from(VALUES), max_size=5).map(lambda found: tuple(sorted(found.items())))
modes = st.sampled_from([LoadMode.UPSERT, LoadMode.UPSERT, LoadMode.REPLACES_PERIOD, LoadMode.SNAPSHOT])


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Said], list[int], dict[int, list[Said]]]:
    """Deliveries as they were received, an order of loading, and new parses of some of them."""
    count = draw(st.integers(1, 6))
    said, paths = [], {}
    for number in range(count):
        feed = draw(st.sampled_from(["f", "f", "g"]))
        # Several files of one scan share the time of receipt; a path arrives once per scan.
        day = draw(st.integers(0, 2)) + number // 2
        path = f"{feed}/{draw(st.sampled_from('abc'))}.csv"
        while day in paths.setdefault(path, set()):
            day += 1
        paths[path].add(day)
        said.append(Said(feed, path, day, draw(modes), draw(rows)))
    order = draw(st.permutations(range(count)))
    again = {
        number: [replace(said[number], rows=draw(rows), mode=draw(modes), parse_no=2)]
        for number in draw(st.sets(st.integers(0, count - 1), max_size=2))
    }
    return said, order, again


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Depot]:
    home = make_settings(tmp_path_factory.mktemp("order"))
    with open_warehouse(home) as con:
        yield Depot(home, con)


def _empty(depot: Depot) -> None:
    for table in ("landing.reading", "landing.touched", "landing.coverage", "audit.deliveries", "audit.quarantine"):
        depot.con.execute(f"delete from {table}")


def _deliver(depot: Depot, said: Said, previous: Delivery | None = None) -> Delivery:
    return depot.deliver(
        readings(*((point, hour, value) for (point, hour), value in said.rows)),
        feed=said.feed,
        path=said.path,
        received=FIRST + timedelta(days=said.day),
        known=FIRST + timedelta(days=30 if previous else said.day),
        mode=said.mode,
        reparses=previous,
    )


def _check_versions(depot: Depot) -> None:
    overlapping = depot.con.execute(
        """
        select * from landing.reading as one join landing.reading as other
          on one.point_id = other.point_id and one.period_start_utc = other.period_start_utc and one.rowid < other.rowid
        where one.known_from < coalesce(other.known_to, timestamp '9999-01-01')
          and other.known_from < coalesce(one.known_to, timestamp '9999-01-01')
          and (one.known_to is null or one.known_to > one.known_from) and (other.known_to is null or other.known_to > other.known_from)
        """
    ).fetchall()
    assert not overlapping, "two versions of one key were known at the same time"
    backwards = depot.con.execute("select count(*) from landing.reading where known_to < known_from").fetchone()
    assert backwards == (0,)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=histories())
# A repeats what a says, then f falls silent: g's repetition must keep the value, in whatever order they load.
@example(
    history=(
        [
            Said("f", "f/a.csv", 0, LoadMode.SNAPSHOT, ((("A", 0), 1.0),)),
            Said("g", "g/a.csv", 1, LoadMode.UPSERT, ((("A", 0), 1.0),)),
            Said("f", "f/a.csv", 2, LoadMode.SNAPSHOT, ((("B", 0), 1.0),)),
        ],
        [1, 0, 2],
        {},
    )
)
# f said it last and took it back with everything else: g's older word, coming late, stays superseded.
@example(
    history=(
        [
            Said("g", "g/a.csv", 0, LoadMode.UPSERT, ((("A", 0), 1.0),)),
            Said("f", "f/a.csv", 2, LoadMode.UPSERT, ((("A", 0), 1.0),)),
            Said("f", "f/a.csv", 4, LoadMode.SNAPSHOT, ()),
        ],
        [1, 2, 0],
        {},
    )
)
# A new parse that lacks a key gives it back to the older file that had it.
@example(
    history=(
        [
            Said("f", "f/a.csv", 0, LoadMode.UPSERT, ((("A", 0), 1.0),)),
            Said("f", "f/b.csv", 1, LoadMode.UPSERT, ((("A", 0), 2.0), (("A", 1), 2.0))),
        ],
        [0, 1],
        {1: [Said("f", "f/b.csv", 1, LoadMode.UPSERT, ((("A", 1), 1.0),), 2)]},
    )
)
def test_any_order_of_loading_ends_alike(shared: Depot, history: tuple[list[Said], list[int], dict[int, list[Said]]]) -> None:
    said, order, again = history
    _empty(shared)
    made = {number: _deliver(shared, said[number]) for number in sorted(range(len(said)), key=lambda at: said[at].rank)}
    loaded: dict[int, Said] = {}
    for number in order:
        _load_and_check(shared, made[number], said[number], loaded, number)
        for parse in again.get(number, []):
            _load_and_check(shared, _deliver(shared, parse, made[number]), parse, loaded, number)


def _load_and_check(depot: Depot, delivery: Delivery, said: Said, loaded: dict[int, Said], number: int) -> None:
    before = depot.current()
    result = depot.load(delivery)
    loaded[number] = said
    expected = stands(list(loaded.values()))
    assert depot.current() == expected, f"after {result.way} of {said}"
    counts = result.delivery
    assert counts.rows_read == counts.rows_accepted + counts.rows_duplicate + counts.rows_quarantined
    assert (result.change_seq is not None) == (before != expected), "touched exactly when something changed"
    _check_versions(depot)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=histories())
def test_many_at_once_end_alike(shared: Depot, history: tuple[list[Said], list[int], dict[int, list[Said]]]) -> None:
    said, order, again = history
    _empty(shared)
    made = {number: _deliver(shared, said[number]) for number in sorted(range(len(said)), key=lambda at: said[at].rank)}
    half = len(order) // 2
    for part in (order[:half], order[half:]):
        decisions = [Decision(made[number], Admission.ADMITTED) for number in part]
        results = [result for _, result in load_deliveries(shared.con, shared.settings, decisions, build_id=BUILD)]
        assert all(isinstance(result, LoadResult) for result in results), results
    assert shared.current() == stands(said)
    parses = [parse for parses in again.values() for parse in parses]
    decisions = [Decision(_deliver(shared, parse, made[number]), Admission.ADMITTED) for number, (parse,) in again.items()]
    assert all(isinstance(result, LoadResult) for _, result in load_deliveries(shared.con, shared.settings, decisions, build_id=BUILD))
    assert shared.current() == stands([said[number] for number in range(len(said)) if number not in again] + parses)
    _check_versions(shared)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=histories())
def test_a_rebuild_from_the_lake_ends_alike(tmp_path_factory: pytest.TempPathFactory, history: tuple) -> None:
    said, order, again = history
    home = make_settings(tmp_path_factory.mktemp("rebuild"))
    tables = ("landing.reading", "landing.coverage", "audit.deliveries", "audit.quarantine")
    with open_warehouse(home) as con:
        depot = Depot(home, con)
        made = {number: _deliver(depot, said[number]) for number in sorted(range(len(said)), key=lambda at: said[at].rank)}
        for number in order[:-1]:
            depot.load(made[number])
            for parse in again.get(number, []):
                depot.load(_deliver(depot, parse, made[number]))
        before = {table: con.execute(f"select * from {table} order by all").fetchall() for table in tables}
    result = rebuild_from_lake(home)
    assert not result.differing
    with open_warehouse(home) as con:
        assert {table: con.execute(f"select * from {table} order by all").fetchall() for table in tables} == before
