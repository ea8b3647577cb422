"""Runs the measurements and says what they were beside the design's budgets.

Every figure is of whole processes, started as a user starts them. Ratios are taken inside one run, because the
machine's speed is not the project's; a budget that is missed is reported as missed.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import duckdb
import psutil

from pipelines.bench import data, decode, scoring
from pipelines.settings import CHECKOUT

QUERIES = {
    "park by month": "select month_start_date, item_code, quantity from marts.park_consumption_monthly order by all",
    "top consumers": "select enterprise_id, sum(energy_tce_calorific) as tce from marts.enterprise_consumption_monthly "
    "where process_id is null group by 1 order by 2 desc limit 10",
    "one stack's year by day": "select local_date, value_mean from marts.point_daily where point_id = 'P0001' and parameter_code = 'a21026' "
    "and local_date between date '2024-01-01' and date '2024-12-31' order by 1",
    "one stack's week by hour": "select hour_start_utc, value_mean from marts.point_hourly where point_id = 'P0001' and parameter_code = 'a21026' "
    "and local_date between date '2024-06-01' and date '2024-06-07' order by 1",
    "park emission by pollutant and quarter": "select quarter_start_date, pollutant_code, mass_kg from marts.park_emission_quarterly order by all",
    "emission of a day": "select enterprise_id, pollutant_code, mass_kg from marts.enterprise_emission_daily where local_date = date '2024-06-01'",
    "worst completeness last month": "select point_id, avg(completeness_share) from marts.data_completeness_daily "
    "where local_date >= date '2025-11-01' group by 1 order by 2 limit 20",
    "efficiency of the park": "select month_start_date, metric_code, value from marts.park_efficiency_monthly order by all",
    "grades": "select * from assessment.enterprise_grade order by all",
    "what was refused": "select feed_id, rule, count(*) from audit.quarantine group by all",
}
"""The analyst's ten standard queries."""


@dataclass(frozen=True)
class Figure:
    """One measured figure beside its budget."""

    name: str
    value: float
    unit: str
    budget: float | None
    note: str = ""
    more_is_better: bool = False

    @property
    def within(self) -> bool | None:
        if self.budget is None:
            return None
        return self.value >= self.budget if self.more_is_better else self.value <= self.budget


@dataclass(frozen=True)
class Run:
    """`core_seconds` is the processor's time of the process and of all that it waited for: other work on the machine hardly changes it."""

    seconds: float
    core_seconds: float
    peak_gib: float


def _peak_of_tree(process: psutil.Process, peak: list[float], done: threading.Event) -> None:
    """The nightly and dbt's child live at the same time: what counts is their sum."""
    while not done.wait(0.1):
        total = 0
        try:
            for member in [process, *process.children(recursive=True)]:
                total += member.memory_info().rss
        except psutil.Error:
            continue
        peak[0] = max(peak[0], total)


def _timed(command: list[str], environment: dict[str, str]) -> Run:
    started, used = time.perf_counter(), _core_seconds_of_children()
    child = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    peak, done = [0.0], threading.Event()
    watcher = threading.Thread(target=_peak_of_tree, args=(psutil.Process(child.pid), peak, done))
    watcher.start()
    said, _ = child.communicate()
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    if child.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}:\n{said[-3000:]}")
    return Run(seconds, _core_seconds_of_children() - used, peak[0] / 2**30)


def _core_seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Bench:
    """Homes below one scratch folder, and the runs on them."""

    def __init__(self, scratch: Path, say: Callable[[str], None]) -> None:
        self.scratch, self.say = scratch, say
        self.feeds = scratch / "feeds"
        data.write_contracts(self.feeds)

    def nightly(self, home: Path) -> Run:
        environment = os.environ | {"PARK_AUDIT_FEEDS": str(self.feeds), "PARK_AUDIT_HOME": str(home)}
        environment.pop("PARK_AUDIT_STANDARDS", None)
        # As a user has it: our own modules compiled by the first night, which is never the one that is weighed.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        return _timed([sys.executable, "-m", "pipelines", "nightly"], environment)

    def by_hand(self, home: Path) -> Run:
        command = [sys.executable, "-m", "pipelines.bench.by_hand", str(home / "raw"), str(self.scratch / "by_hand.duckdb")]
        return _timed(command, dict(os.environ))

    def must_hold(self, home: Path, readings: int) -> None:
        """What was measured is only worth something if every reading reached the published marts. Raises RuntimeError where it did not."""
        with duckdb.connect(str(home / "published" / "park_audit.duckdb"), read_only=True) as con:
            [(published,)] = con.execute("select count(*) from marts.point_hourly").fetchall()
        if published != readings:
            raise RuntimeError(
                f"{home}: marts.point_hourly holds {published:,} hours of channels where {readings:,} readings were delivered"
            )

    def home(self, name: str, scale: data.Scale) -> Path:
        home = self.scratch / name
        shutil.rmtree(home, ignore_errors=True)
        data.write_registers(home / "raw", scale.stacks)
        files = data.write_history(home / "raw", scale)
        self.say(f"{name}: {scale.readings:,} readings in {len(files)} files")
        return home

    def backfill(self, small: data.Scale, large: data.Scale) -> list[Figure]:
        """Slopes between two sizes: what a further reading costs, start-up left out."""
        figures, runs = [], {}
        for label, scale in (("small", small), ("large", large)):
            home = self.home(f"backfill_{label}", scale)
            by_hand = self.by_hand(home)
            nightly = self.nightly(home)
            self.must_hold(home, scale.readings)
            runs[label] = (scale.readings, nightly, by_hand)
            self.say(f"  nightly {nightly.seconds:.1f} s, {nightly.peak_gib:.2f} GiB; by hand {by_hand.seconds:.1f} s")
            note = f"{nightly.core_seconds:.1f} s of the cores; by hand {by_hand.seconds:.1f} s, {by_hand.core_seconds:.1f} s of the cores"
            figures.append(Figure(f"backfill of {scale.readings / 1e6:.1f} M readings", nightly.seconds, "s", None, note))
        (few, ours_small, hand_small), (many, ours_large, hand_large) = runs["small"], runs["large"]
        ours = (ours_large.seconds - ours_small.seconds) / (many - few) * 1e6
        hand = (hand_large.seconds - hand_small.seconds) / (many - few) * 1e6
        cores = (ours_large.core_seconds - ours_small.core_seconds) / (hand_large.core_seconds - hand_small.core_seconds)
        note = f"{ours:.2f} against {hand:.2f} microseconds a reading; {cores:.2f} x in seconds of the cores"
        figures.append(Figure("backfill slope against the hand-written script", ours / hand, "x", 2.5, note))
        figures.append(Figure("peak memory of the backfill", ours_large.peak_gib, "GiB", 3.0, "all processes together"))
        return figures

    def one_more_day(self, long: data.Scale, repeats: int = 3) -> list[Figure]:
        """The same day's delivery on long and on short history, in turn; then a night with nothing new."""
        scales = {"36 months": long, "1 month": replace(long, days=31)}
        short = scales["1 month"]
        homes = {"36 months": self.home("history_long", long)}
        shutil.rmtree(self.scratch / "history_short", ignore_errors=True)
        homes["1 month"] = self.scratch / "history_short"
        data.write_registers(homes["1 month"] / "raw", long.stacks)
        end = data.START + timedelta(days=long.days)
        data.write_hours(homes["1 month"] / "raw", long.stacks, end - timedelta(days=short.days), short.days, name="last-month")
        for home in homes.values():
            self.nightly(home)
        nights: dict[str, list[Run]] = {name: [] for name in homes}
        for number in range(repeats):
            day: date = end + timedelta(days=number)
            for name, home in homes.items():
                data.write_hours(home / "raw", long.stacks, day, 1, name=f"{day:%Y-%m-%d}")
                nights[name].append(self.nightly(home))
                self.must_hold(home, replace(scales[name], days=scales[name].days + number + 1).readings)
            self.say(f"  one more day: {', '.join(f'{name} {runs[-1].seconds:.1f} s' for name, runs in nights.items())}")
        long_night, short_night = (median(run.seconds for run in nights[name]) for name in ("36 months", "1 month"))
        long_cores, short_cores = (median(run.core_seconds for run in nights[name]) for name in ("36 months", "1 month"))
        note = f"{long_night:.1f} s against {short_night:.1f} s, medians of {repeats}; {long_cores / short_cores:.2f} x in seconds of the cores"
        figures = [Figure("one more day, 36 months against 1 month of history", long_night / short_night, "x", 1.2, note)]
        idle = [self.nightly(homes["36 months"]) for _ in range(repeats)]
        spread = sorted(run.seconds for run in idle)
        note = f"{spread[0]:.1f} to {spread[-1]:.1f} s; {median(run.core_seconds for run in idle):.1f} s of the cores"
        figures.append(Figure("nightly with nothing new", median(spread), "s", 8.0, note))
        return figures

    def queries(self, home: Path) -> list[Figure]:
        """Each on a connection of its own, best of three: what an analyst waits for."""
        figures = []
        for name, query in QUERIES.items():
            best = float("inf")
            for _ in range(3):
                with duckdb.connect(str(home / "published" / "park_audit.duckdb"), read_only=True) as con:
                    started = time.perf_counter()
                    con.execute(query).fetchall()
                    best = min(best, time.perf_counter() - started)
            figures.append(Figure(f"query: {name}", best * 1000, "ms", 200.0))
        return figures

    def scoring(self, enterprises: int = 1000, indicators: int = 60) -> list[Figure]:
        """The arithmetic alone, in this process: reading and writing are part of the nights above."""
        size = f"{enterprises:,} enterprises by {indicators} indicators"
        seconds, scored = scoring.seconds_to_score(enterprises, indicators)
        figures = [Figure(f"scoring {size}", seconds, "s", 5.0, f"{scored.indicators.height:,} indicator rows, best of 3")]
        seconds, moves = scoring.seconds_to_move(enterprises, indicators)
        note = f"{moves.filter('is_chosen').height:,} moves chosen of {moves.height:,}, each set proved by scoring again"
        figures.append(Figure(f"cheapest moves, {size}", seconds, "s", 60.0, note))
        seconds, kinds = scoring.seconds_to_vary(enterprises, indicators)
        note = f"{kinds['scenarios'].sum():,} grades under scenarios"
        return [*figures, Figure(f"sensitivity, {size}", seconds, "s", 60.0, note)]


def decoding(scratch: Path, frames: int = 60_000, repeats: int = 3) -> list[Figure]:
    """Values of HJ 212 a second of one core, in a process of its own with one thread: the best of some runs."""
    log, out = scratch / "receiver.log", scratch / "decoded"
    decode.write_log(log, frames)
    command = [sys.executable, "-m", "pipelines.bench.decode", str(log), str(out)]
    # One thread: the others' work would be counted, or would not, as the machine pleases.
    environment = os.environ | {"POLARS_MAX_THREADS": "1"}
    runs = [
        json.loads(subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True).stdout)
        for _ in range(repeats)
    ]
    best = min(runs, key=lambda one: one["core_seconds"])
    note = f"{best['values']:,} values, {best['bytes'] / 1e6:.0f} MB in {best['core_seconds']:.2f} s of the core, {best['clock_seconds']:.2f} s of the clock"
    return [
        Figure(
            "HJ 212 decoded to Parquet, CRC included, one core",
            best["values"] / best["core_seconds"],
            "values/s",
            1e6,
            note,
            more_is_better=True,
        )
    ]


def run(scratch: Path, *, small: int, large: int, days: int, say: Callable[[str], None]) -> list[Figure]:
    """Everything, in one run. `small` and `large` are numbers of readings, `days` the span they cover."""
    bench = Bench(scratch, say)
    figures = bench.backfill(data.scale_for(small, days), data.scale_for(large, days))
    figures += bench.queries(scratch / "backfill_large")
    shutil.rmtree(scratch / "backfill_large")
    figures += bench.one_more_day(data.scale_for(small, days))
    figures += bench.scoring()

    say("HJ 212")
    figures += decoding(scratch)
    return figures


def to_json(figures: list[Figure]) -> str:
    return json.dumps([asdict(figure) | {"within": figure.within} for figure in figures], indent=2)
