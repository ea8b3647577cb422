"""The closing words of a nightly: what was published, what was not and why, and where to look."""

import os
import shlex
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.contracts.states import BuildStatus, StepOutcome
from pipelines.settings import Settings
from pipelines.warehouse.audit import BuildSummary, DeliveryLine

_LINES_SHOWN = 12
_TEXT_SHOWN = 160


def _ask(settings: Settings) -> str:
    """What to type here for a question: not everybody has activated the environment, and a home that was named must be named again."""
    installed = Path(sys.executable).with_name("park-audit")
    if shutil.which("park-audit") or not installed.exists():
        program = "park-audit"
    else:
        program = shlex.quote(os.path.relpath(installed))
    home = "" if settings.home == Settings.load().home else f" --home {shlex.quote(str(settings.home))}"
    return f"{program} sql{home}"


def show_summary(console: Console, settings: Settings, summary: BuildSummary, log: Path) -> None:
    """Print it. Everything a person may have to act upon comes last, where a terminal's eye is."""
    seconds = (summary.closed_at - summary.started_at).total_seconds() if summary.closed_at else 0
    console.print()
    waiting = f" + {summary.rows_waiting:,} held back" if summary.rows_waiting else ""
    console.print(
        f"{summary.deliveries_new:,} new deliveries: {summary.rows_read:,} rows read = {summary.rows_accepted:,} accepted "
        f"({summary.rows_revised:,} of them revisions) + {summary.rows_duplicate:,} duplicate + {summary.rows_quarantined:,} quarantined{waiting}"
    )
    if summary.gates:
        console.print("gates: " + ", ".join(f"{count:,} {status}" for status, count in sorted(summary.gates.items())))
    _quarantine(console, summary)
    _deliveries(console, "Held back until somebody decides (the park goes on without them)", summary.held)
    _deliveries(console, "Refused: could not be read at all", summary.refused)
    _troubles(console, summary)
    if summary.status is BuildStatus.PUBLISHED:
        what = "nothing new, marts, verdicts and scores carried" if summary.carried else summary.publication or "no tables"
        console.print(f"[bold green]Published[/] build {summary.build_id} in {seconds:.0f} s: {what}, {summary.warnings} warnings")
        console.print(f"  {settings.published_file}")
        console.print(f'  look: {_ask(settings)} "from assessment.enterprise_grade"', markup=False)
    else:
        console.print(f"[bold red]Not published[/]: build {summary.build_id} after {seconds:.0f} s, {summary.warnings} warnings")
        console.print(f"  {escape(summary.reason or 'no reason was given')}")
        stands = f"marts and scores of build {summary.last_published} stand" if summary.last_published else "no build has published yet"
        console.print(f"  {stands}; tonight's reasons are in audit: {settings.published_file}")
    docs = settings.published / "data_docs" / "index.html"
    if docs.is_file():
        console.print(f"  gates: {docs}")
    console.print(f"  log: {log}")


def _quarantine(console: Console, summary: BuildSummary) -> None:
    if not summary.quarantine:
        return
    table = Table(title="Quarantined rows (audit.quarantine)", title_justify="left", box=None, pad_edge=False)
    for heading, justify in (("feed", "left"), ("rows", "right"), ("most of them", "left"), ("for example", "left")):
        table.add_column(heading, justify=justify, overflow="fold")
    for line in summary.quarantine[:_LINES_SHOWN]:
        table.add_row(line.feed_id, f"{line.rows:,}", line.rule, escape(_short(line.example)))
    console.print(table)
    _more(console, len(summary.quarantine))


def _deliveries(console: Console, title: str, lines: list[DeliveryLine]) -> None:
    if not lines:
        return
    console.print(f"[yellow]{title}[/] ({len(lines)}):")
    for line in lines[:_LINES_SHOWN]:
        console.print(f"  {escape(line.path)} ({line.feed_id}): {escape(_short(line.reason or ''))}")
    _more(console, len(lines))


def _troubles(console: Console, summary: BuildSummary) -> None:
    if not summary.troubled_steps:
        return
    console.print(f"[yellow]Steps that warned or failed[/] ({len(summary.troubled_steps)}, audit.step_outcomes):")
    for step in summary.troubled_steps[:_LINES_SHOWN]:
        style = "red" if step.outcome is StepOutcome.FAILED else "yellow"
        subject = "" if step.subject == "-" else f" {step.subject}"
        console.print(f"  [{style}]{step.step}{escape(subject)}[/]: {escape(_short(step.message or ''))}")
    _more(console, len(summary.troubled_steps))


def _more(console: Console, count: int) -> None:
    if count > _LINES_SHOWN:
        console.print(f"  … and {count - _LINES_SHOWN:,} more")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _TEXT_SHOWN else text[: _TEXT_SHOWN - 1] + "…"
