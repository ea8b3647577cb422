"""What all readers share: the table of texts they return, how headers become names, how refusals are worded."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import polars as pl

from pipelines.contracts.records import QUARANTINE_SCHEMA

SOURCE_ROW = "source_row"
MAX_CELL_CHARACTERS = 131_072
"""A longer cell means a quote that never closes, or a file that is not a table; it is four times what Excel can hold."""
RAW_TEXT_CHARACTERS = 500
"""How much of a refused text is kept in quarantine; the bytes themselves stay in the lake."""


class Unreadable(Exception):
    """The whole file is refused; `str()` is the reason, for people."""


@dataclass
class RawTable:
    """A file's rows as texts.

    `frame` has one `pl.String` column per source column (an empty cell is null) and `source_row`
    (Int64), the row in the file counted from 1 and including headers. `rejected` holds rows that could
    not be split into cells, as quarantine rows. `source_rows` counts rows that are not blank, rejected
    ones among them and headers not.
    """

    frame: pl.DataFrame
    source_rows: int
    warnings: list[str] = field(default_factory=list)
    rejected: pl.DataFrame = field(default_factory=QUARANTINE_SCHEMA.to_frame)


def header_names(rows: Sequence[Sequence[str | None]]) -> tuple[list[str], list[str]]:
    """Column names from one or several header rows, and warnings.

    A merged header cell leaves blanks to its right: they are filled in every row but the last. Rows are
    joined with ' / '. A blank name becomes `column 3` by position; a name that stands several times
    becomes `name (1)`, `name (2)` …, so that no contract can mean the wrong one by accident.
    """
    width = max((len(row) for row in rows), default=0)
    texts = [[" ".join((cell or "").split()) for cell in row] + [""] * (width - len(row)) for row in rows]
    texts = [list(accumulate(row, lambda left, here: here or left)) for row in texts[:-1]] + texts[-1:]
    # A name repeated by vertical merging is said once.
    names = [" / ".join(dict.fromkeys(part for part in parts if part)) for parts in zip(*texts, strict=True)]
    if len(texts) > 1:
        # A filled header over a blank column below names nothing: the column is blank in the file's own last row.
        raw = [[" ".join((cell or "").split()) for cell in row] + [""] * (width - len(row)) for row in rows]
        names = [name if any(row[at] for row in raw) else "" for at, name in enumerate(names)]
    names = [name or blank_name(at) for at, name in enumerate(names)]
    repeated = {name for name, count in Counter(names).items() if count > 1} | ({SOURCE_ROW} & set(names))
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(f"{name} ({seen[name]})" if name in repeated else name)
    warnings = [f"the header names {name!r} {seen[name]} times; they are read as {name} (1) …" for name in sorted(repeated)]
    return unique, warnings


def blank_name(at: int) -> str:
    """Name of a column without one, counted from 1."""
    return f"column {at + 1}"


def assemble(frame: pl.DataFrame, *, first_row: int | None, blank_named: Sequence[str] = (), warnings: Sequence[str] = (),
             rejected: pl.DataFrame | None = None) -> RawTable:  # fmt: skip
    """Number the rows (unless `frame` brings source_row), drop blank rows and nameless blank columns, bound the cells."""
    if first_row is not None:
        frame = frame.with_row_index(SOURCE_ROW, offset=first_row).cast({SOURCE_ROW: pl.Int64})
    texts = [name for name in frame.columns if name != SOURCE_ROW]
    frame = frame.drop([name for name in blank_named if frame[name].null_count() == frame.height])
    texts = [name for name in texts if name in frame.columns]
    if texts and all(frame[name].null_count() for name in texts):
        frame = frame.filter(~pl.all_horizontal(pl.col(texts).is_null()))
    longest = frame.select(pl.col(texts).str.len_bytes().max()).row(0) if texts and frame.height else ()
    for name, length in zip(texts, longest, strict=False):
        if length and length > MAX_CELL_CHARACTERS:
            row = frame.row(frame[name].str.len_bytes().arg_max(), named=True)
            raise Unreadable(
                f"row {row[SOURCE_ROW]}, column {name!r}: a cell of {length:,} bytes, more than the {MAX_CELL_CHARACTERS:,} "
                "a table may hold: is a closing quote missing?"
            )
    rejected = QUARANTINE_SCHEMA.to_frame() if rejected is None else rejected
    source_rows = frame.height + rejected.height
    notes = list(warnings)
    if not source_rows:
        notes.append("the file holds no rows below its header")
    # Rechunked here, where the pieces can be let go, rather than by whoever works on the table.
    return RawTable(frame.select(SOURCE_ROW, *texts).rechunk(), source_rows, notes, rejected)


_KINDS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "an Excel workbook (.xlsx) or another zip archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls) or another Office document"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip archive inside another"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"SQLite format 3", "an SQLite database"),
)


def looks_like(data: bytes) -> str | None:
    """What a file's first bytes say it is, for the sentence that refuses it; None if they say nothing."""
    for magic, kind in _KINDS:
        if data.startswith(magic):
            return kind
    start = data[:512].removeprefix(b"\xef\xbb\xbf").replace(b"\x00", b"").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<table", b"<script", b"<meta")):
        return "an HTML page (a log-in or error page, or a table saved under another name)"
    if start.startswith((b"<?xml", b"<")):
        return "an XML document"
    return None
