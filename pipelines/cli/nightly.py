"""`park-audit nightly`: the same graph as the schedule's, watched from a terminal or written to a cron mail."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.console import Console

from pipelines.cli.progress import terminal_reporter
from pipelines.cli.sample import write_sample
from pipelines.cli.shared import NOT_PUBLISHED, PUBLISHED, Home, expected_errors, load_settings, shape, stop
from pipelines.cli.summary import show_summary
from pipelines.contracts.feed import load_contracts
from pipelines.contracts.states import BuildStatus
from pipelines.settings import Settings

_LOGS_KEPT = 60


def nightly(
    home: Home = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the closing summary.")] = False,
    sample_if_empty: Annotated[
        bool, typer.Option("--sample-if-empty", help="Write the sample park first when raw/ holds no files.")
    ] = False,
) -> None:
    """Take in what has arrived, rebuild what it touches, judge, score and publish.

    Ends with 0 when it published, 1 when it did not (the reasons are printed and published), 2 on wrong configuration.
    """
    settings = load_settings(home)
    settings.make_folders()
    if sample_if_empty and not any(path.is_file() and path.name != "README.md" for path in settings.raw.rglob("*")):
        write_sample(settings)
    _, broken = load_contracts(settings.feeds_dir)
    started = datetime.now(settings.zone)
    log = settings.logs / f"nightly-{started:%Y%m%dT%H%M%S}.log"
    failure: Exception | None = None
    with _only_ours_on_the_screen(log) as (screen, errors):
        for problem in broken:
            errors.print(f"contract {problem}", style="yellow", markup=False)
        with terminal_reporter(screen, quiet=quiet) as reporter:
            try:
                from pipelines.orchestration.nightly import run_nightly

                run_nightly(settings, reporter)
            except Exception as error:  # noqa: BLE001 - told below, once the screen is ours again
                failure = error
        if reporter.summary is not None:
            show_summary(screen, settings, reporter.summary, log)
    _prune(settings)
    with expected_errors():
        if failure := reporter.error or failure:
            raise failure
    if reporter.summary is None:
        stop(NOT_PUBLISHED, "The build did not end", [f"what happened stands in {log}"])
    raise typer.Exit(PUBLISHED if reporter.summary.status is BuildStatus.PUBLISHED else NOT_PUBLISHED)


@contextmanager
def _only_ours_on_the_screen(log: Path) -> Iterator[tuple[Console, Console]]:
    """Our lines to the screen, everything else to the log: Dagster, dbt and their children write to the same two streams.

    Streams are swapped as file descriptors, because children inherit those and not Python's objects.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(descriptor) for descriptor in (1, 2)]
    streams: list[IO[str]] = [
        os.fdopen(os.dup(descriptor), "w", encoding=_encoding(), errors="replace", buffering=1) for descriptor in saved
    ]
    with log.open("a", encoding="utf-8") as file:
        try:
            for descriptor in (1, 2):
                os.dup2(file.fileno(), descriptor)
            yield tuple(Console(file=stream, highlight=False, **shape(stream)) for stream in streams)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, original in zip((1, 2), saved, strict=True):
                os.dup2(original, descriptor)
                os.close(original)
            for stream in streams:
                stream.close()


def _encoding() -> str:
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def _prune(settings: Settings) -> None:
    for old in sorted(settings.logs.glob("nightly-*.log"))[:-_LOGS_KEPT]:
        old.unlink(missing_ok=True)
