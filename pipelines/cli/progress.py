"""How a running build looks: bars on a terminal, a line per finished step elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from pipelines.contracts.states import StepOutcome
from pipelines.orchestration.progress import Reporter

if TYPE_CHECKING:
    from pipelines.warehouse.audit import BuildSummary
    from pipelines.warehouse.builds import Step

TITLES = {
    "restore": "restoring",
    "standards": "standards",
    "feed": "feeds",
    "admission": "admission",
    "dbt": "marts",
    "gate_b": "gate on marts",
    "assessment": "scores",
    "publish": "publication",
    "close": "closing",
}
"""Steps in their order, as people call them; a step that is not here is not shown while it runs."""

_STYLES = {StepOutcome.FAILED: "red", StepOutcome.WARNED: "yellow", StepOutcome.CARRIED: "dim", StepOutcome.SKIPPED: "dim"}
_LINE_EVERY_SECONDS = 10


class WatchingReporter(Reporter):
    """Keeps how the build ended; shows nothing."""

    def __init__(self) -> None:
        self.summary: BuildSummary | None = None
        self.error: Exception | None = None

    def build_closed(self, summary: "BuildSummary") -> None:
        self.summary = summary

    def could_not_begin(self, error: Exception) -> None:
        self.error = error


class LineReporter(WatchingReporter):
    """A line for every finished step, and now and then one for a step that takes long."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console
        self._spoke_at = 0.0

    def build_opened(self, build_id: str, run_id: str | None) -> None:
        self._line(f"build {build_id} begins" + (f", run {run_id}" if run_id else ""))

    def step_moved(self, step: str, subject: str, done: int, total: int | None) -> None:
        if time.monotonic() - self._spoke_at > _LINE_EVERY_SECONDS:
            self._line(f"{_titled(step, subject)}: {done:,} of {total:,}" if total else f"{_titled(step, subject)}: {done:,}")

    def step_finished(self, step: "Step") -> None:
        self._line(f"{_titled(step.step, step.subject)}: {said_of(step)}", _STYLES.get(step.outcome))

    def _line(self, text: str, style: str | None = None) -> None:
        self._spoke_at = time.monotonic()
        self.console.print(f"{datetime.now().astimezone():%H:%M:%S} {escape(text)}", style=style)


class BarReporter(WatchingReporter):
    """A bar for each kind of step; troubled steps leave a line above the bars."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.bars = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description:<14}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[subject]}"),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._expected: dict[str, int] = {}

    def expect(self, step: str, total: int) -> None:
        self._expected[step] = total

    def step_started(self, step: str, subject: str) -> None:
        if step in TITLES:
            self.bars.update(self._task(step), subject="" if subject == "-" else subject)

    def step_moved(self, step: str, subject: str, done: int, total: int | None) -> None:
        if step in TITLES and subject == "-":
            self.bars.update(self._task(step), completed=done, total=total)

    def step_finished(self, step: "Step") -> None:
        if step.outcome in (StepOutcome.FAILED, StepOutcome.WARNED):
            self.bars.console.print(f"{escape(_titled(step.step, step.subject))}: {escape(said_of(step))}", style=_STYLES[step.outcome])
        if step.step not in TITLES:
            return
        task = self._task(step.step)
        if step.subject == "-":
            self.bars.update(task, completed=self.bars.tasks[task].total or 1, total=self.bars.tasks[task].total or 1, subject="")
        else:
            self.bars.advance(task)

    def _task(self, step: str) -> TaskID:
        if step not in self._tasks:
            self._tasks[step] = self.bars.add_task(TITLES[step], total=self._expected.get(step, 1), subject="")
        return self._tasks[step]


@contextmanager
def terminal_reporter(console: Console, *, quiet: bool) -> Iterator[WatchingReporter]:
    """Bars where they can be drawn, lines where they cannot, nothing when asked to be quiet."""
    if quiet:
        yield WatchingReporter()
    elif console.is_terminal and not console.is_dumb_terminal:
        reporter = BarReporter(console)
        with reporter.bars:
            yield reporter
    else:
        yield LineReporter(console)


def said_of(step: "Step") -> str:
    """`1,204 rows in 0.8 s; two files refused` for a person who skims."""
    seconds = (step.ended_at - step.started_at).total_seconds()
    rows = f"{step.rows:,} rows in " if step.rows is not None else "" if step.outcome is StepOutcome.OK else f"{step.outcome} after "
    return f"{rows}{seconds:.1f} s" + (f"; {step.message}" if step.message else "")


def _titled(step: str, subject: str) -> str:
    title = TITLES.get(step, step)
    return title if subject == "-" else f"{title} {subject}"
