"""CSV and its relatives: encodings, separators, headers, ragged rows.

The fast way is polars, which pads short rows in silence; that it padded none is proved by counting
separators, once over the bytes. Where the proof fails, Python's csv module goes through the file row by
row, in batches, and sets the ragged ones aside with their numbers. Decimal commas are text here.
"""

import codecs
import csv
import io
from collections import Counter
from itertools import islice

import polars as pl

from pipelines.contracts.feed import Format
from pipelines.contracts.records import QUARANTINE_SCHEMA
from pipelines.ingest.readers.table import (
    MAX_CELL_CHARACTERS,
    RAW_TEXT_CHARACTERS,
    SOURCE_ROW,
    RawTable,
    Unreadable,
    assemble,
    blank_name,
    header_names,
    looks_like,
)

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CANDIDATES = ("utf-8", "gb18030", "big5", "shift_jis", "cp1252")
_BATCH_ROWS = 200_000
_SAMPLE_ROWS = 100


def read_csv(data: bytes, file_format: Format, max_bytes: int) -> RawTable:
    """Read separated text. Raises Unreadable."""
    data, warnings = _to_utf8(data, file_format.encoding)
    if b"\n" not in data and b"\r" in data:
        data = data.replace(b"\r", b"\n")
    if not data or data.isspace():
        raise Unreadable("the file is empty: it holds no text")
    head = _Head(data, file_format)
    frame = _fast(data, file_format, head)
    rejected = None
    if frame is None:
        frame, rejected = _row_by_row(data, file_format, head)
    extra = [name for name in head.extra if frame[name].null_count() < frame.height]
    if extra:
        named = "the contract" if file_format.columns else "the header"
        raise Unreadable(
            f"{named} names {len(head.names) - len(head.extra)} columns and the rows have {len(head.names)} values: "
            "which value belongs to which name cannot be told"
        )
    return assemble(
        frame,
        first_row=None if SOURCE_ROW in frame.columns else head.rows + 1,
        blank_named=[*head.blank, *head.extra],
        warnings=[*warnings, *head.warnings],
        rejected=rejected,
    )


def _to_utf8(data: bytes, declared: str) -> tuple[bytes, list[str]]:
    """The bytes in UTF-8 without byte order mark. A mark outweighs the declared encoding; nothing else does."""
    try:
        encoding = codecs.lookup(declared).name.removesuffix("-sig")
    except LookupError:
        raise Unreadable(f"the contract's encoding {declared!r} does not exist; common ones are {', '.join(_CANDIDATES)}") from None
    warnings = []
    marked = next(((mark, name) for mark, name in _BOMS if data.startswith(mark)), None)
    if marked is not None:
        mark, name = marked
        data = data.removeprefix(mark)
        if not name.startswith(encoding):  # utf-16 is said of either byte order
            warnings.append(f"the contract says encoding {declared}, the file's byte order mark says {name}; read as {name}")
        encoding = name
    elif kind := looks_like(data):
        raise Unreadable(f"is {kind}, not text with separators")
    ascii_compatible = "a,\n".encode(encoding) == b"a,\n"
    if ascii_compatible and b"\x00" in data:
        raise Unreadable(f"holds a NUL byte at offset {data.index(0):,}: a binary file, or UTF-16 without its byte order mark")
    if ascii_compatible and data.isascii():
        return data, warnings
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fitting = [name for name in _CANDIDATES if name != encoding and _decodes(data, name)]
        hint = f"; {' and '.join(fitting[:2])} would fit" if fitting else "; no common encoding fits: the file may be damaged"
        raise Unreadable(f"line {line}: the bytes are not {declared}, as the contract says{hint}") from error
    if encoding == "utf-8":
        return data, warnings
    if ascii_compatible and sum(not character.isascii() for character in text[:100_000]) >= 4 and _decodes(data, "utf-8"):
        # That four characters of another encoding happen to be valid UTF-8: below one in a thousand for GB18030.
        raise Unreadable(f"the contract says encoding {declared}, but the bytes are UTF-8 and would be read as rubbish")
    return text.encode("utf-8"), warnings


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


class _Head:
    """Everything above the first data row: names, how many rows and lines it takes, where the body starts."""

    def __init__(self, data: bytes, file_format: Format) -> None:
        stream = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
        for _ in range(file_format.skip_rows):
            if not stream.readline():
                raise Unreadable(f"the contract skips {file_format.skip_rows} rows above the header and the file has fewer")
        parser = _parser(stream, file_format)
        header: list[list[str]] = []
        self.rows, self.lines = file_format.skip_rows, file_format.skip_rows
        try:
            sample = self._header(parser, file_format, header)
        except csv.Error as error:
            raise Unreadable(f"line {self.lines + 1}: {_csv_message(error)}") from error
        self.blank: list[str] = []
        if file_format.columns is not None:
            self.names, self.warnings = list(file_format.columns), []
        else:
            self.names, self.warnings = header_names(header)
            self.blank = [name for at, name in enumerate(self.names) if name == blank_name(at)]
            _check_separator(header[-1], sample, file_format)
        if len(set(self.names)) != len(self.names):
            raise Unreadable("the contract's format.columns names a column twice")
        width = len(self.names)
        # Rows wider than the header by empty trailing fields are common (a separator at the end of each line).
        usual = Counter(len(row) for row in sample if row).most_common(1)
        self.extra = [blank_name(at) for at in range(width, usual[0][0])] if usual and usual[0][0] > width else []
        self.names += self.extra
        self.offset = 0
        for _ in range(self.lines):
            self.offset = data.find(b"\n", self.offset) + 1 or len(data)
        if usual and usual[0][0] < width and file_format.columns is not None:
            raise Unreadable(f"the contract names {width} columns and the rows have {usual[0][0]} values")

    def _header(self, parser, file_format: Format, header: list[list[str]]) -> list[list[str]]:
        while len(header) < file_format.header_rows:
            row = next(parser, None)
            if row is None:
                raise Unreadable(f"the file ends inside its header: the contract expects {file_format.header_rows} header rows")
            self.rows += 1
            self.lines = file_format.skip_rows + parser.line_num
            if any(cell.strip() for cell in row) or header:
                header.append(row)
        return list(islice(parser, _SAMPLE_ROWS))


def _parser(stream, file_format: Format):
    if len(file_format.separator.encode()) != 1 or (file_format.quote is not None and len(file_format.quote.encode()) != 1):
        raise Unreadable(f"separator {file_format.separator!r} and quote {file_format.quote!r} must each be one ASCII character")
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    if file_format.quote is None:
        return csv.reader(stream, delimiter=file_format.separator, quoting=csv.QUOTE_NONE)
    return csv.reader(stream, delimiter=file_format.separator, quotechar=file_format.quote)


def _check_separator(header: list[str], sample: list[list[str]], file_format: Format) -> None:
    """A header of one cell that holds another common separator, with rows that do too, was split by the wrong one."""
    if len(header) != 1:
        return
    for other in {",", ";", "\t", "|"} - {file_format.separator}:
        if header[0].count(other) >= 1 and all(file_format.separator.join(row).count(other) >= 1 for row in sample if row):
            raise Unreadable(
                f"the header is one cell, {header[0][:80]!r}: the separator seems to be {other!r}, not {file_format.separator!r}"
            )


def _csv_message(error: csv.Error) -> str:
    if "field larger than field limit" in str(error):
        return f"a cell of more than {MAX_CELL_CHARACTERS:,} characters: is a closing quote missing?"
    return f"is not a row of separated values: {error}"


def _fast(data: bytes, file_format: Format, head: _Head) -> pl.DataFrame | None:
    """All rows through polars, or None when a row is ragged or its quotes are broken."""
    if head.offset >= len(data):
        return pl.DataFrame(schema=dict.fromkeys(head.names, pl.String))
    try:
        frame = pl.read_csv(
            data,
            has_header=False,
            skip_lines=head.lines,
            schema=dict.fromkeys(head.names, pl.String),
            separator=file_format.separator,
            quote_char=file_format.quote,
            infer_schema=False,
        )
    except pl.exceptions.PolarsError:
        return None
    if file_format.quote is not None and 2 * file_format.quote.encode() in data:
        frame = frame.with_columns(pl.all().replace("", None))  # an empty cell in quotes is as empty as one without
    if len(head.names) == 1:
        return frame
    separator = file_format.separator.encode()
    found = data.count(separator, head.offset)
    if file_format.quote is not None and file_format.quote.encode() in data:
        inside = frame.select(pl.sum_horizontal(pl.all().str.count_matches(file_format.separator, literal=True).sum())).item()
        found -= inside
    # No row has too many fields, or polars had refused; so an equal sum means that none has too few.
    return frame if found == frame.height * (len(head.names) - 1) else None


def _row_by_row(data: bytes, file_format: Format, head: _Head) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows with the header's number of fields, numbered; the others as quarantine rows."""
    width = len(head.names)
    stream = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    for _ in range(head.lines):
        stream.readline()
    parser = _parser(stream, file_format)
    frames: list[pl.DataFrame] = []
    ragged: list[tuple[int, list[str]]] = []
    row, last = head.rows + 1, []
    try:
        while batch := list(islice(parser, _BATCH_ROWS)):
            numbered = range(row, row + len(batch))
            fitting = [pair for pair in zip(numbered, batch, strict=True) if len(pair[1]) == width]
            ragged += [pair for pair in zip(numbered, batch, strict=True) if len(pair[1]) not in (0, width)]
            if fitting:
                rows, cells = zip(*fitting, strict=True)
                columns = dict(zip(head.names, zip(*cells, strict=True), strict=True))
                texts = pl.DataFrame(columns, schema=dict.fromkeys(head.names, pl.String), strict=True)
                frames.append(texts.with_columns(pl.Series(SOURCE_ROW, rows, pl.Int64)))
            row += len(batch)
            last = batch[-1]
            if len(ragged) > _BATCH_ROWS:
                _refuse_mostly_ragged(ragged, row - head.rows - 1, width, file_format)
    except csv.Error as error:
        raise Unreadable(f"line {head.lines + parser.line_num}: {_csv_message(error)}") from error
    _refuse_open_quote(data, file_format, head, row - 1, last, ragged)
    _refuse_mostly_ragged(ragged, sum(frame.height for frame in frames) + len(ragged), width, file_format)
    empty = pl.DataFrame(schema=dict.fromkeys(head.names, pl.String) | {SOURCE_ROW: pl.Int64})
    frame = pl.concat([empty, *frames]).with_columns(pl.col(head.names).replace("", None))
    reasons = [_ragged_reason(len(cells), width, cut_off=number == row - 1 and not data.endswith(b"\n")) for number, cells in ragged]
    rejected = pl.DataFrame(
        {
            "source_row": [number for number, _ in ragged],
            "column_name": None,
            "rule": "ragged_row",
            "reason": reasons,
            "raw_text": [file_format.separator.join(cells)[:RAW_TEXT_CHARACTERS] for _, cells in ragged],
        },
        schema=QUARANTINE_SCHEMA,
    )
    return frame, rejected


def _ragged_reason(fields: int, width: int, *, cut_off: bool) -> str:
    if cut_off:
        return f"has {fields} fields where the header has {width}: it is the last row and ends without a line end, so the file was cut off"
    return f"has {fields} fields where the header has {width}"


def _refuse_mostly_ragged(ragged: list[tuple[int, list[str]]], rows: int, width: int, file_format: Format) -> None:
    """A few torn rows are torn rows; most of them mean that the file is read in a way it was not written."""
    if len(ragged) * 2 > rows:
        number, cells = ragged[0]
        raise Unreadable(
            f"{len(ragged):,} of {rows:,} rows do not have the {width} fields of the header (row {number} has {len(cells)}): "
            f"is {file_format.separator!r} the separator?"
        )


def _refuse_open_quote(
    data: bytes, file_format: Format, head: _Head, last_row: int, last: list[str], ragged: list[tuple[int, list[str]]]
) -> None:
    """A quote that never closes swallows good rows into one cell: then nothing below it can be trusted."""
    for number, cells in ragged:
        if lines := sum(cell.count("\n") for cell in cells):
            raise Unreadable(f"row {number} opens a quote that is not closed: it swallows {lines:,} more lines")
    lines = sum(cell.count("\n") for cell in last)
    if lines and file_format.quote is not None and data.count(file_format.quote.encode(), head.offset) % 2:
        raise Unreadable(f"row {last_row} opens a quote that is not closed before the file ends: it swallows {lines:,} more lines")
