"""Generate the sample park: raw drops, the answer sheet beside them, and what comes with the next delivery.

    home/raw/<feed>/…          what the pipeline reads
    home/sample_later/<feed>/… late, corrected and re-sent files; `deliver_later` puts them into raw
    home/sample_truth/         parquet tables and truth.json; the pipeline never reads it

The same arguments give the same bytes. Readings depend on seed, enterprise and date alone: a sample that starts on
the same day and is one day longer has the same files and one more day.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import polars as pl

from pipelines.sample import audit, cast, drops, truth
from pipelines.sample.audit_papers import AuditPapers
from pipelines.sample.drops import Content, Delivered, Folder, Run
from pipelines.sample.faults import Faults
from pipelines.sample.files import CAMPAIGN_DAY, Feed, Files
from pipelines.sample.monitors import Monitors
from pipelines.sample.papers import REPORTS, Papers, modelled_from, survey
from pipelines.sample.physics import Park
from pipelines.sample.registers import Registers
from pipelines.sample.rhythm import FIRST_END, LAST_END, Days, month_end, month_start

DEFAULT_ENTERPRISES = cast.CORE
DEFAULT_DAYS = 61
DEFAULT_SEED = 20_26
DEFAULT_END = date(2026, 10, 31)
"""Fixed, so that the default sample is the same on every day: September and October 2026, whole."""

LATER = "sample_later"
TRUTH = "sample_truth"

Progress = Callable[[int, int, str], None]
"""Called after each file of readings with how many are done, how many there are, and what was written."""


@dataclass(frozen=True)
class SampleReport:
    """What was generated."""

    home: Path
    first: date
    last: date
    enterprises: int
    feeds: int
    files: int
    later_files: int
    readings: int
    self_reports: int
    faults: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.enterprises} enterprises, {self.first} to {self.last}: {self.files} files of {self.feeds} feeds, "
            f"{self.readings:,} readings and {self.self_reports:,} self-report lines, {self.bytes / 1e6:.1f} MB in {self.seconds:.1f} s; "
            f"{self.faults} faults planted, {self.later_files} files wait in {self.home / LATER}"
        )


def generate(
    home: Path,
    enterprises: int = DEFAULT_ENTERPRISES,
    days: int = DEFAULT_DAYS,
    seed: int = DEFAULT_SEED,
    end: date | None = None,
    progress: Progress | None = None,
    *,
    file_period: Literal["natural", "month"] = "natural",
    with_faults: bool | None = None,
    only_from: date | None = None,
) -> SampleReport:
    """Write the sample park of `enterprises` over the `days` up to `end` (inclusive) into `home`.

    `file_period="month"` makes every feed send one file a month, for long histories, without the faults of readings and files,
    which are planted in the natural files only; `with_faults=False` leaves them out there too (those of self-reports stay).
    `only_from` adds the days from then on to what lies there already, one file a feed, and touches nothing else: the next
    night's delivery. Files of an earlier sample in the same home that this one does not have are removed; no other file ever is.
    """
    started = time.perf_counter()
    last = end or DEFAULT_END
    planted = file_period == "natural" if with_faults is None else with_faults
    _check(days, last, only_from, file_period, planted)
    first = last - timedelta(days=days - 1)
    park = model(enterprises, first, last, seed)
    monitors = Monitors(park, first, last)
    faults = Faults(monitors, active=planted)
    writer = _Writer(home, faults, progress)

    if only_from is None:
        writer.registers(Registers(monitors))
        writer.papers(papers := Papers(monitors, last))
        writer.survey(first)
        writer.audit(audit_papers := AuditPapers(audit.Audit(park, first, last)))
    writer.readings(files := Files(monitors, faults), first, last, file_period, only_from)
    if only_from is None:
        declarations = papers.declarations()
        tables = truth.Truth(monitors, faults, audit_papers, writer.delivered).tables(declarations)
        truth.write(home / TRUTH, tables)
        arguments = {
            "enterprises": enterprises,
            "days": days,
            "seed": seed,
            "end": str(last),
            "file_period": file_period,
            "with_faults": planted,
        }
        writer.remove_earlier()
        writer.summary(arguments, first, tables)
    else:
        writer.remember_more()
    reports = {report.feed_id for report in REPORTS}
    readings = {feed.feed_id for feed in files.feeds} | {"e001_voc_campaign"}
    return SampleReport(
        home=home,
        first=only_from or first,
        last=last,
        enterprises=enterprises,
        feeds=len({row.feed_id for row in writer.delivered}),
        files=len({row.path for row in writer.delivered if row.phase == "first"}),
        later_files=len({row.path for row in writer.delivered if row.phase == "later"}),
        readings=sum(row.rows_read for row in writer.delivered if row.feed_id in readings),
        self_reports=sum(row.rows_read for row in writer.delivered if row.feed_id in reports),
        faults=len(faults.values) + len(faults.files),
        bytes=writer.raw.bytes + writer.later.bytes,
        seconds=time.perf_counter() - started,
    )


def model(enterprises: int, first: date, last: date, seed: int = DEFAULT_SEED) -> Park:
    """The park of a sample whose readings run from `first` to `last`: who is in it, and what the audit's measures did."""
    days = Days(modelled_from(last, first), last)
    return Park(seed, days, tuple(cast.enterprises(enterprises, seed)), audit.parts(), audit.effects(first))


def deliver_later(home: Path) -> list[Path]:
    """Put what waits in `sample_later` into raw, as the senders' next delivery; returns the new files."""
    waiting = home / LATER
    new = []
    for source in sorted(path for path in waiting.rglob("*") if path.is_file()):
        target = home / "raw" / source.relative_to(waiting)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        new.append(target)
    return new


def _check(days: int, last: date, only_from: date | None, file_period: str, planted: bool) -> None:
    if planted and file_period != "natural":
        raise ValueError(f"with_faults = True: faults are planted in natural files, not in one file a {file_period}")
    if not 2 <= days <= 1500:
        raise ValueError(f"days = {days}: a sample covers 2 to 1500 days of readings")
    if not FIRST_END <= last <= LAST_END:
        raise ValueError(f"end = {last}: the sample's holidays are known for ends from {FIRST_END} to {LAST_END}")
    if only_from is not None and not last - timedelta(days=days - 1) < only_from <= last:
        raise ValueError(f"only_from = {only_from}: lies outside the sample's days, {last - timedelta(days=days - 2)} to {last}")


def runs(period: str, first: date, last: date) -> Iterator[Run]:
    """The days of every file, oldest first: calendar days, weeks counted from the first day, or calendar months."""
    day = first
    while day <= last:
        if period == "day":
            until, label = day, f"{day:%Y%m%d}"
        elif period == "week":
            until, label = day + timedelta(days=6), f"{day:%Y-%m-%d}"
        else:
            until, label = month_end(month_start(day)), f"{day:%Y-%m}"
        until = min(until, last)
        yield Run(day, until, label)
        day = until + timedelta(days=1)


class _Writer:
    """Puts files down and keeps the ledger of what they hold."""

    def __init__(self, home: Path, faults: Faults, progress: Progress | None) -> None:
        self.home, self.faults, self.progress = home, faults, progress
        self.raw, self.later = Folder(home / "raw"), Folder(home / LATER)
        self.delivered: list[Delivered] = []

    @property
    def _ledger(self) -> Path:
        return self.home / TRUTH / "truth.json"

    def remove_earlier(self) -> None:
        """Remove the files of an earlier sample in this home that this one does not have; they stand in its truth.json."""
        if not self._ledger.is_file():
            return
        for root, phase in ((self.raw.root, "first"), (self.later.root, "later")):
            mine = {row.path for row in self.delivered if row.phase == phase}
            for path in json.loads(self._ledger.read_text(encoding="utf-8"))["files"]:
                if path not in mine:
                    (root / path).unlink(missing_ok=True)

    def remember_more(self) -> None:
        """Add the files of a further night to the list of those that are ours to remove."""
        if self._ledger.is_file():
            content = json.loads(self._ledger.read_text(encoding="utf-8"))
            content["files"] = sorted({*content["files"], *(row.path for row in self.delivered)})
            self._write_ledger(content)

    def _write_ledger(self, content: dict[str, object]) -> None:
        self._ledger.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def _put(self, row: Delivered, data: bytes) -> None:
        (self.raw if row.phase == "first" else self.later).put(row.path, data)
        self.delivered.append(row)

    def registers(self, registers: Registers) -> None:
        files = registers.files()
        for path, data in files.items():
            self.raw.put(path, data)
        for feed_id, rows in registers.counts().items():
            path = f"registers/{feed_id.removeprefix('register_')}.csv"
            path = path if path in files else "registers/park_register.xlsx"
            self.delivered.append(_row(feed_id, path, "first", None, None, rows))

    def papers(self, papers: Papers) -> None:
        for report in REPORTS:
            table = papers.table(report)
            for label, rows in papers.exports(report, table):
                ending, data = papers.file(report, rows)
                revised = rows.filter(pl.col("again")).height
                low, high = rows["period_start"].min(), rows["period_end"].max() - timedelta(days=1)
                path = f"{report.feed_id}/{label}.{ending}"
                self._put(_row(report.feed_id, path, "first", low, high, rows.height, revised=revised), data)

    def survey(self, first: date) -> None:
        for day, earlier in ((first - timedelta(days=355), True), (first + timedelta(days=1), False)):
            frame = survey(day, earlier=earlier)
            row = _row("survey_answers", f"survey_answers/survey_{day}.csv", "first", day, day, frame.height)
            self._put(row, drops.csv(frame, encoding="utf-8-sig"))

    def audit(self, papers: AuditPapers) -> None:
        for paper in papers.papers():
            self._put(_row(paper.feed_id, paper.path, "first", paper.first, paper.last, paper.rows), paper.data)

    def readings(self, files: Files, first: date, last: date, file_period: str, only_from: date | None) -> None:
        plan = []
        for feed in files.feeds:
            if only_from is not None:
                plan.append((feed, Run(only_from, last, f"since_{only_from}")))
            else:
                plan += [(feed, run) for run in runs("month" if file_period == "month" else feed.period, first, last)]
        for done, (feed, run) in enumerate(plan):
            if (content := feed.build(run, frozenset())) is not None:
                self._reading(files, feed, run, content)
            if self.progress is not None:
                self.progress(done + 1, len(plan), f"{feed.feed_id} {run.label}")
        if only_from is None and files.park.days.first <= CAMPAIGN_DAY <= last:
            content = files.e001_voc_campaign()
            path = f"e001_voc_campaign/voc_{CAMPAIGN_DAY}.csv"
            self._put(_row("e001_voc_campaign", path, "first", CAMPAIGN_DAY, CAMPAIGN_DAY, content.rows), content.data)

    def _reading(self, files: Files, feed: Feed, run: Run, content: Content) -> None:
        path = feed.path(run)
        kinds = {fault.kind: fault.fault_id for fault in self.faults.file_faults(feed.feed_id, run.first, run.last)}

        def row(
            path: str,
            phase: str,
            of: Content,
            fault: str | None = None,
            *,
            known: int = 0,
            revised: int = 0,
            refused: bool = False,
            held: bool = False,
        ) -> Delivered:
            return _row(
                feed.feed_id,
                path,
                phase,
                run.first,
                run.last,
                of.rows,
                empty=of.empty,
                quarantined=of.quarantined,
                duplicates=of.duplicates + known,
                revised=revised,
                refused=refused,
                held=held,
                fault_id=fault,
            )

        phase = "first"
        if fault := kinds.get("late_file"):
            phase = "later"
            self._put(row(path, phase, content, fault), content.data)
        elif fault := kinds.get("wrong_encoding"):
            self._put(row(path, phase, content, fault, refused=True), content.data)
            right = feed.build(run, frozenset({fault}))
            self._put(row(_renamed(path, "resend"), "later", right, fault), right.data)
        elif fault := kinds.get("truncated_file"):
            self._put(row(path, phase, content, fault, refused=True), content.data[: len(content.data) * 3 // 5])
            self._put(row(_renamed(path, "resend"), "later", content, fault), content.data)
        else:
            held = self.faults.held(feed.feed_id, run.first, run.last)
            self._put(row(path, phase, content, kinds.get("unknown_column"), held=held), content.data)
        if fault := kinds.get("duplicate_file"):
            self._put(row(_renamed(path, "again"), phase, content, fault, known=content.rows - content.quarantined), content.data)
        if fault := kinds.get("renamed_html"):
            nothing = Content(b"", 0)
            self._put(row(_renamed(path, "portal"), phase, nothing, fault, refused=True), files.renamed_html(run))
        for correction in self.faults.corrections(feed.feed_id, run.first, run.last):
            right = feed.build(run, frozenset({correction.fault_id}))
            when = "later" if correction.corrected_in == "later" else phase
            if self.faults.held(feed.feed_id, run.first, run.last):
                known, changed = 0, 0  # what it corrects never got in
            else:
                changed = sum(int(right.cells[name].ne_missing(content.cells[name]).sum()) for name in right.cells.columns)
                known = right.rows - changed
            self._put(row(_renamed(path, "corrected"), when, right, correction.fault_id, known=known, revised=changed), right.data)

    def summary(self, arguments: dict[str, object], first: date, tables: dict[str, pl.DataFrame]) -> None:
        ledger = tables["deliveries"]
        counts = ["rows_read", "rows_accepted", "rows_duplicate", "rows_quarantined", "rows_revised", "empty_cells"]
        per_feed = ledger.group_by("feed_id", "phase").agg(
            pl.len().alias("files"), pl.col("refused").sum(), *(pl.col(name).sum() for name in counts)
        )
        content = {
            "about": "The sample park's answer sheet. Nothing of the pipeline reads it.",
            "arguments": arguments,
            "first_date": str(first),
            "tables": {name: {"grain": grain, "rows": tables[name].height} for name, grain in truth.TABLES.items()},
            "expected": per_feed.sort("feed_id", "phase").to_dicts(),
            "files": sorted(ledger["path"].unique().to_list()),
        }
        self._write_ledger(content)


def _row(
    feed_id: str,
    path: str,
    phase: str,
    first: date | None,
    last: date | None,
    rows: int,
    *,
    empty: int = 0,
    quarantined: int = 0,
    duplicates: int = 0,
    revised: int = 0,
    refused: bool = False,
    held: bool = False,
    fault_id: str | None = None,
) -> Delivered:
    """A ledger row; a refused file counts nothing."""
    if refused:
        rows = empty = quarantined = duplicates = revised = 0
    accepted = rows - quarantined - duplicates
    return Delivered(feed_id, path, phase, first, last, rows, accepted, duplicates, quarantined, revised, empty, refused, held, fault_id)


def _renamed(path: str, suffix: str) -> str:
    """A file's second name: before all its endings, sorting behind the first."""
    folder, _, name = path.rpartition("/")
    stem, dot, endings = name.partition(".")
    return f"{folder}/{stem}_{suffix}{dot}{endings}"
