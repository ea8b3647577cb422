"""`park-audit bench`: the design's budgets, measured in one run."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pipelines.cli.shared import err, out

THREE_YEARS = 1096


def bench(
    small: Annotated[int, typer.Option(help="Readings of the smaller backfill.")] = 5_000_000,
    large: Annotated[int, typer.Option(help="Readings of the larger backfill.")] = 20_000_000,
    days: Annotated[int, typer.Option(help="Days of history they cover.")] = THREE_YEARS,
    scratch: Annotated[Path | None, typer.Option(help="Folder for the homes it makes; about 20 GB. Removed when not given.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures as JSON.")] = None,
) -> None:
    """Backfill slope against a hand-written script, one more day on long and short history, a night with nothing new, memory, queries, HJ 212.

    Takes the better part of an hour at its full size; ratios are taken inside the run. A missed budget is shown as
    missed and is no error.
    """
    from pipelines.bench.run import run, to_json

    with tempfile.TemporaryDirectory(prefix="park-audit-bench-") as temporary:
        figures = run(scratch or Path(temporary), small=small, large=large, days=days, say=lambda line: err().print(line, markup=False))
    table = Table("measured", "", "", "budget", "", "how")
    for figure in figures:
        mark = {None: "", True: "[green]within[/]", False: "[red]missed[/]"}[figure.within]
        budget = "" if figure.budget is None else f"{'≥' if figure.more_is_better else '≤'} {figure.budget:,.6g} {figure.unit}"
        table.add_row(figure.name, f"{figure.value:,.2f}", figure.unit, budget, mark, figure.note)
    out().print(table)
    if json_file:
        json_file.write_text(to_json(figures) + "\n", encoding="utf-8")
