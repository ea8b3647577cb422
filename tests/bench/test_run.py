"""What the bench weighs is the whole way: every reading it writes is in the published marts, and they say what the hand-written script says."""

from pathlib import Path

import duckdb
import pytest

from pipelines.bench import by_hand, data
from pipelines.bench.run import Bench

pytestmark = pytest.mark.slow

SCALE = data.Scale(stacks=2, days=40)


@pytest.fixture(scope="module")
def bench_and_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, Path]:
    bench = Bench(tmp_path_factory.mktemp("bench"), say=lambda _: None)
    home = bench.home("home", SCALE)
    bench.nightly(home)
    return bench, home


def test_every_reading_is_published(bench_and_home: tuple[Bench, Path]) -> None:
    bench, home = bench_and_home
    bench.must_hold(home, SCALE.readings)


def test_a_run_that_lost_readings_is_no_measurement(bench_and_home: tuple[Bench, Path]) -> None:
    bench, home = bench_and_home
    with pytest.raises(RuntimeError, match=r"holds 15,360 hours of channels where 15,361 readings were delivered"):
        bench.must_hold(home, SCALE.readings + 1)


def test_the_hand_written_script_computes_the_same_marts(bench_and_home: tuple[Bench, Path]) -> None:
    """Where nothing is substituted: what was used, what was seen, and the mass of the hours that were measured."""
    _, home = bench_and_home
    floor = home.parent / "by_hand.duckdb"
    by_hand.run(home / "raw", floor)
    with duckdb.connect(str(floor), read_only=True) as con:
        con.execute(f"attach '{home / 'published' / 'park_audit.duckdb'}' as ours (read_only)")
        for table in ("point_hourly", "point_daily"):
            [(theirs, used, seen)] = con.execute(f"select count(*), sum(value_sum), sum(readings) from {table}").fetchall()
            [ours] = con.execute(f"select count(*), sum(value_sum), sum(readings) from ours.marts.{table}").fetchall()
            assert ours == (theirs, pytest.approx(used), seen)
        mass = "select count(*), sum({}) from {}enterprise_emission_daily"
        [(days, kg)] = con.execute(mass.format("mass_kg", "")).fetchall()
        [ours] = con.execute(mass.format("measured_kg", "ours.marts.")).fetchall()
        assert ours == (days, pytest.approx(kg))
