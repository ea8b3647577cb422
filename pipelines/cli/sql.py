"""`park-audit sql`: a question to the published file."""

import csv
import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from pipelines.cli.shared import WRONG_USE, Home, err, expected_errors, load_settings, out, stop

_BATCH = 10_000


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def sql(
    query: Annotated[str, typer.Argument(help="SQL; - reads it from standard input. Tables: show all tables")],
    home: Home = None,
    layout: Annotated[
        Format, typer.Option("--format", "-f", help="table for people, csv or json (one object a line) for programs.")
    ] = Format.TABLE,
    limit: Annotated[int, typer.Option(min=1, help="Rows shown as a table; csv and json are always whole.")] = 100,
) -> None:
    """Ask the published file, read-only. A nightly that runs meanwhile is not disturbed, and does not disturb."""
    settings = load_settings(home)
    text = sys.stdin.read() if query == "-" else query
    with expected_errors():
        import duckdb

        from pipelines.warehouse.published import open_published

        with open_published(settings) as con:
            try:
                result = con.execute(text)
                columns = [column[0] for column in result.description or []]
                _show(columns, _rows(result), layout, limit)
            except duckdb.Error as error:
                stop(WRONG_USE, "", str(error).splitlines())


def _rows(result: Any) -> Iterator[tuple]:
    while batch := result.fetchmany(_BATCH):
        yield from batch


def _show(columns: list[str], rows: Iterator[tuple], layout: Format, limit: int) -> None:
    if layout is Format.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    elif layout is Format.JSON:
        for row in rows:
            sys.stdout.write(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, default=_plain) + "\n")
    else:
        table = Table(box=None, pad_edge=False)
        for column in columns:
            table.add_column(escape(column), overflow="fold")
        more = 0
        for number, row in enumerate(rows):
            if number < limit:
                table.add_row(*(("" if value is None else escape(_text(value))) for value in row))
            else:
                more += 1
        out().print(table)
        if more:
            err().print(f"… and {more:,} more rows (--limit, or --format csv for all)", style="dim")


def _text(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _plain(value: object) -> object:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return str(value)
