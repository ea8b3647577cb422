"""Files as senders write them: frames to bytes in every format the park uses, and the folder they lie in.

The same frame gives the same bytes, always: no clocks, no machine names, no zip time stamps. A file whose bytes
are already there is left alone, so that its modification time says something. Knows formats, no feeds.
"""

import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import polars as pl
import xlsxwriter

_CREATED = datetime.combine(date(2000, 1, 1), time())


def texts(frame: pl.DataFrame, decimal: str = ".") -> pl.DataFrame:
    """Numbers as shortest texts, with the sender's decimal mark."""
    if decimal == ".":
        return frame
    return frame.with_columns(pl.selectors.float().cast(pl.String).str.replace(".", decimal, literal=True))


def csv(
    frame: pl.DataFrame,
    *,
    encoding: str = "utf-8",
    separator: str = ",",
    decimal: str = ".",
    null: str = "",
    header: bool = True,
    preamble: str = "",
    newline: str = "\n",
) -> bytes:
    body = texts(frame, decimal).write_csv(
        separator=separator, null_value=null, include_header=header, line_terminator=newline, quote_style="necessary"
    )
    if encoding == "utf-8" and not preamble:
        return body.encode()
    return (preamble + body).encode(encoding)


def json_lines(frame: pl.DataFrame) -> bytes:
    return frame.write_ndjson().encode()


def json_rows(frame: pl.DataFrame) -> str:
    """A JSON list of records, to be put where the sender's envelope has it."""
    return frame.write_json()


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", statistics=True)
    return buffer.getvalue()


def gzipped(content: bytes) -> bytes:
    """gzip without a time stamp or a file name in its header."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0, compresslevel=6) as stream:
        stream.write(content)
    return buffer.getvalue()


@dataclass(frozen=True)
class Sheet:
    """One sheet: its rows, a title above them, and groups of columns under a merged upper header."""

    name: str
    frame: pl.DataFrame
    title: str | None = None
    groups: Sequence[tuple[str, int]] = ()
    """(text, number of columns) of the upper header row, left to right."""


def workbook(*sheets: Sheet) -> bytes:
    """An xlsx file. Dates are real Excel dates, absent values are absent cells."""
    buffer = io.BytesIO()
    # in_memory also makes the zip entries carry Excel's fixed time stamp instead of the clock's.
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    book.set_properties({"created": _CREATED, "title": "", "author": ""})
    bold = book.add_format({"bold": True, "align": "center"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    for sheet in sheets:
        page = book.add_worksheet(sheet.name)
        row = 0
        if sheet.title:
            page.write_string(row, 0, sheet.title, bold)
            row += 1
        if sheet.groups:
            column = 0
            for text, width in sheet.groups:
                if width > 1:
                    page.merge_range(row, column, row, column + width - 1, text, bold)
                else:
                    page.write_string(row, column, text, bold)
                column += width
            row += 1
        page.write_row(row, 0, sheet.frame.columns if not sheet.groups else [name.split(" / ")[-1] for name in sheet.frame.columns], bold)
        for column, series in enumerate(sheet.frame.iter_columns()):
            style = moment if series.dtype == pl.Datetime else None
            page.write_column(row + 1, column, series.to_list(), style)
    book.close()
    return buffer.getvalue()


def html_page(title: str, frame: pl.DataFrame) -> bytes:
    """What a portal saves when its export button gives a page instead of a workbook."""
    head = "".join(f"<th>{name}</th>" for name in frame.columns)
    rows = frame.select(
        pl.concat_str([pl.format("<td>{}</td>", pl.col(name).cast(pl.String)) for name in frame.columns], ignore_nulls=True)
    )
    body = "</tr>\n<tr>".join(rows.to_series().to_list())
    table = f"<table>\n<tr>{head}</tr>\n<tr>{body}</tr>\n</table>"
    return f"<html><head><meta charset=utf-8><title>{title}</title></head><body>{table}</body></html>\n".encode()


@dataclass(frozen=True)
class Content:
    """One file's bytes and what a faultless reader must find in it, in canonical rows."""

    data: bytes
    rows: int
    empty: int = 0
    quarantined: int = 0
    duplicates: int = 0
    cells: pl.DataFrame | None = None
    """Its values, cell by cell, where a corrected file may have to be compared with the one it corrects."""


@dataclass(frozen=True)
class Run:
    """The days one file covers, and what it is called."""

    first: date
    last: date
    label: str


@dataclass(frozen=True)
class Delivered:
    """One file as it was put down: the expected ledger row."""

    feed_id: str
    path: str
    phase: str
    first_date: date | None
    last_date: date | None
    rows_read: int
    rows_accepted: int
    rows_duplicate: int
    rows_quarantined: int
    rows_revised: int
    empty_cells: int
    refused: bool
    """Nobody can read it."""
    held: bool
    """Readable, but gate A should hold it back: its rows are counted and wait in the lake."""
    fault_id: str | None = None


class Folder:
    """A tree of drops: writes what differs, keeps what is equal, remembers what it put down."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.written = 0
        self.bytes = 0

    def put(self, path: str, data: bytes) -> None:
        target = self.root / path
        self.bytes += len(data)
        if target.is_file() and target.stat().st_size == len(data) and target.read_bytes() == data:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        partial.write_bytes(data)
        partial.replace(target)
        self.written += 1
