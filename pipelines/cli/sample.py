"""`park-audit sample`: a synthetic park to try everything on."""

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from pipelines.cli.shared import NOT_PUBLISHED, WRONG_USE, Home, err, expected_errors, load_settings, out, stop
from pipelines.settings import Settings


def sample(
    home: Home = None,
    enterprises: Annotated[int | None, typer.Option(help="How many enterprises; the default park by default.")] = None,
    days: Annotated[int | None, typer.Option(help="Days of readings; self-reports always cover 36 months.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, another park. The same arguments give the same bytes.")] = None,
    end: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day of readings.")] = None,
    later: Annotated[
        bool, typer.Option("--later", help="Deliver what the senders sent late: corrections, re-sent and late files.")
    ] = False,
    hj212_devices: Annotated[
        int | None, typer.Option(min=1, max=999, help="Instead: a park that reports by HJ 212 alone, a day of so many devices.")
    ] = None,
) -> None:
    """Write the raw files of a believable park into the home, with planted faults and the truth about them beside.

    What the truth is stands in sample_truth/, which the pipeline never reads. `--later` puts the files that wait in
    sample_later/ into raw/, as the senders' next delivery.
    """
    settings = load_settings(home)
    settings.make_folders()
    from pipelines.sample import generate as sampler

    if later:
        files = sampler.deliver_later(settings.home)
        if not files:
            stop(NOT_PUBLISHED, "", [f"nothing waits in {settings.home / sampler.LATER}; `park-audit sample` writes it"])
        out().print(f"{len(files)} files delivered into {settings.raw}; now: park-audit nightly", markup=False)
        return
    if hj212_devices is not None:
        _write_fleet(
            settings, hj212_devices, **{key: value for key, value in (("day", end and end.date()), ("seed", seed)) if value is not None}
        )
        return
    given = {"enterprises": enterprises, "days": days, "seed": seed, "end": end.date() if end else None}
    write_sample(settings, **{name: value for name, value in given.items() if value is not None})


def write_sample(settings: Settings, **given: Any) -> None:
    """Generate into the home with a progress bar, and say what was written."""
    from pipelines.sample import generate as sampler

    with (
        expected_errors(),
        Progress(
            TextColumn("sample"), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=err(), transient=True
        ) as bar,
    ):
        task = bar.add_task("", total=None)
        try:
            report = sampler.generate(
                settings.home,
                **given,
                progress=lambda done, total, what: bar.update(task, description=what, completed=done, total=total),
            )
        except ValueError as error:
            stop(WRONG_USE, "", [str(error)])
    out().print(f"{report}\nraw files: {settings.raw}; now: park-audit nightly", markup=False)


def _write_fleet(settings: Settings, devices: int, **given: Any) -> None:
    """A day of many HJ 212 devices, with the contracts that read it, and how to start its night."""
    from pipelines.sample.fleet import DEFAULT_SEED, KEY_VARIABLE, generate_fleet, sample_key

    with expected_errors():
        try:
            report = generate_fleet(settings.home, devices, **given)
        except ValueError as error:
            stop(WRONG_USE, "", [str(error)])
    key = sample_key(given.get("seed", DEFAULT_SEED)).hex()
    out().print(
        f"{report}\nnow: PARK_AUDIT_FEEDS={report.feeds} {KEY_VARIABLE}={key} park-audit nightly --home {settings.home}", markup=False
    )
