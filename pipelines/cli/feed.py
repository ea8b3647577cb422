"""`park-audit feed`: what feeds there are, whether their contracts hold, what a contract makes of a file, and where a new one begins."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pipelines.cli.references import references_now
from pipelines.cli.shared import NOT_PUBLISHED, WRONG_USE, Home, err, expected_errors, load_settings, out, stop
from pipelines.contracts.feed import load_contracts
from pipelines.contracts.records import RECORD_TYPES

app = typer.Typer(name="feed", help="Feeds and their contracts.", no_args_is_help=True)


@app.command("list")
def list_feeds(home: Home = None) -> None:
    """Every feed: its record type, where its files are, how many there are, and who answers for it."""
    from pipelines.ingest.arrivals import find_files

    settings = load_settings(home)
    contracts, problems = load_contracts(settings.feeds_dir)
    table = Table(box=None, pad_edge=False)
    for heading, justify in (("feed", "left"), ("record", "left"), ("files", "right"), ("drop", "left"), ("owner", "left")):
        table.add_column(heading, justify=justify, overflow="fold")
    for contract in contracts:
        files = find_files(settings.raw, contract.source.drop) if settings.raw.is_dir() else {}
        table.add_row(contract.feed_id, contract.record, f"{len(files):,}", escape(contract.source.drop), escape(contract.owner))
    out().print(table)
    if problems:
        stop(WRONG_USE, "Contracts that cannot be read", [str(problem) for problem in problems])


@app.command("check")
def check_feeds(
    feeds: Annotated[list[str] | None, typer.Argument(help="Only these feeds; all by default.")] = None,
    home: Home = None,
) -> None:
    """Check every contract against registers, standards and the other contracts; all problems at once."""
    settings = load_settings(home)
    with expected_errors():
        from pipelines.ingest.contract_check import check

        contracts, problems = load_contracts(settings.feeds_dir)
        references, note = references_now(settings)
        problems = [*problems, *check(contracts, references)]
    known = {contract.feed_id for contract in contracts} | {Path(problem.file).stem for problem in problems}
    if unknown := sorted(set(feeds or []) - known):
        stop(WRONG_USE, "", [f"there is no feed {', '.join(unknown)}; `park-audit feed list` shows them"])
    if note:
        err().print(note, style="yellow", markup=False)
    if shown := [problem for problem in problems if not feeds or Path(problem.file).stem in feeds]:
        stop(WRONG_USE, "Contracts have problems", [str(problem) for problem in shown])
    out().print(f"{len(feeds or contracts)} contracts hold together")


@app.command("preview")
def preview(
    feed_id: Annotated[str, typer.Argument(help="The feed whose contract reads the file.")],
    file: Annotated[Path | None, typer.Argument(help="A file; the feed's newest one in raw/ by default.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="Rows shown.")] = 10,
    home: Home = None,
) -> None:
    """What a contract makes of a file: its first canonical rows, what would be quarantined and why. Changes nothing."""
    settings = load_settings(home)
    contracts, problems = load_contracts(settings.feeds_dir)
    if own := [str(problem) for problem in problems if Path(problem.file).stem == feed_id]:
        stop(WRONG_USE, "The contract cannot be read", own)
    contract = next((contract for contract in contracts if contract.feed_id == feed_id), None)
    if contract is None:
        stop(WRONG_USE, "", [f"there is no feed {feed_id}; `park-audit feed list` shows them"])
    with expected_errors():
        from pipelines.ingest.arrivals import find_files
        from pipelines.ingest.contract_check import check
        from pipelines.ingest.parse import parse
        from pipelines.ingest.readers import Unreadable

        if file is None:
            found = find_files(settings.raw, contract.source.drop).values()
            if not found:
                stop(NOT_PUBLISHED, "", [f"no file in {settings.raw} fits {contract.source.drop}; name one"])
            file = max(found, key=lambda path: path.stat().st_mtime_ns)
        references, note = references_now(settings)
        wrong = [problem for problem in check([contract], references) if Path(problem.file).stem == feed_id]
        try:
            parsed = parse(file, contract, references, settings.zone, max_bytes=settings.max_file_bytes)
        except (Unreadable, OSError) as error:
            stop(NOT_PUBLISHED, f"{file} would be refused", str(error).splitlines())
    console = out()
    console.print(
        f"{file}: {parsed.source_rows:,} rows of the file → {parsed.rows_read:,} canonical rows of type {contract.record}", markup=False
    )
    console.print(
        f"{parsed.accepted.height:,} accepted + {parsed.rows_duplicate:,} duplicate + {parsed.quarantined.height:,} quarantined; "
        f"{parsed.empty_cells:,} empty cells"
    )
    for line in [*([note] if note else []), *map(str, wrong), *parsed.warnings]:
        err().print(line, style="yellow", markup=False)
    _frame(parsed.accepted.select(_filled(parsed.accepted)).head(rows))
    if parsed.quarantined.height:
        console.print("\nquarantined:")
        _frame(parsed.quarantined.head(rows))


@app.command("draft")
def draft_contract(
    sample: Annotated[Path, typer.Argument(help="A file as the feed sends it.")],
    record: Annotated[str | None, typer.Option(help="Record type of the file.", show_default="what its columns say, else reading")] = None,
    feed_id: Annotated[str | None, typer.Option(help="Name of the feed.", show_default="from the file's name")] = None,
    out_file: Annotated[Path | None, typer.Option("--out", help="File to write; the screen by default.")] = None,
    home: Home = None,
) -> None:
    """Draft a contract from a sample file: format, columns, times, units and parameters as far as the file shows them."""
    settings = load_settings(home)
    if record is not None and record not in RECORD_TYPES:
        stop(WRONG_USE, "", [f"there is no record type {record!r}; there are {', '.join(sorted(RECORD_TYPES))}"])
    with expected_errors():
        from pipelines.ingest.drafting.contract import draft
        from pipelines.ingest.readers import Unreadable

        references, note = references_now(settings)
        try:
            drafted = draft(sample, references, settings.zone, record=record, feed_id=feed_id, max_bytes=settings.max_file_bytes)
        except (Unreadable, OSError) as error:
            stop(NOT_PUBLISHED, f"{sample} cannot be read as a table", str(error).splitlines())
    _write(drafted.text, out_file)
    for line in [*([note] if note else []), *drafted.notes]:
        err().print(line, style="yellow", markup=False)


@app.command("template")
def make_template(
    record: Annotated[str, typer.Argument(help="Record type, as finding, measure or equipment.")],
    out_file: Annotated[
        Path | None, typer.Option("--out", help="File to write.", show_default="RECORD.xlsx; the contract to the screen")
    ] = None,
    contract: Annotated[bool, typer.Option("--contract", help="Write the contract that reads the form instead of the form.")] = False,
    feed_id: Annotated[str | None, typer.Option(help="Feed of the contract.", show_default="RECORD_form")] = None,
    owner: Annotated[str, typer.Option(help="Who answers for the feed.")] = "desk@park.example",
    home: Home = None,
) -> None:
    """A workbook for people who have no system: one record type as a form with drop-downs; or the contract that reads it."""
    settings = load_settings(home)
    if record not in RECORD_TYPES:
        stop(WRONG_USE, "", [f"there is no record type {record!r}; there are {', '.join(sorted(RECORD_TYPES))}"])
    with expected_errors():
        from pipelines.contracts.standards import load_standards
        from pipelines.ingest.templates import contract_text, template

        try:
            if contract:
                written: str | bytes = contract_text(RECORD_TYPES[record], feed_id or f"{record}_form", owner)
            else:
                written = template(RECORD_TYPES[record], load_standards(settings.seeds, settings.standards_dir))
        except ValueError as error:
            stop(WRONG_USE, "", [str(error)])
    _write(written, out_file if contract else out_file or Path(f"{record}.xlsx"))


def _write(content: str | bytes, file: Path | None) -> None:
    """To a file, and say so; or a text to the screen. A file that is there is not written over."""
    if file is None:
        out().print(content, markup=False, end="")
        return
    try:
        with file.open("xb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
    except FileExistsError:
        stop(NOT_PUBLISHED, "", [f"{file} is there already and is not written over; name another file with --out"])
    except OSError as error:
        stop(NOT_PUBLISHED, "", [f"{file} could not be written: {error.strerror}"])
    err().print(f"{file} written", markup=False)


def _filled(frame) -> list[str]:
    """Columns that hold anything at all: most canonical columns are empty in most feeds."""
    return [column for column in frame.columns if frame[column].null_count() < frame.height]


def _frame(frame) -> None:
    table = Table(box=None, pad_edge=False)
    for column in frame.columns:
        table.add_column(column, overflow="fold")
    for row in frame.iter_rows():
        table.add_row(*("" if value is None else escape(str(value)) for value in row))
    out().print(table)
