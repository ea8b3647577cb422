"""Excel workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods) through calamine.

calamine's texts round numbers to nine decimals and drop error cells in silence; both are put right
here: numbers are taken from a second pass in full precision, errors from the sheet's own XML. Dates
become `2026-01-31 00:15:00`, times of day `00:15:00`, whatever format the sheet shows them in.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

import fastexcel
import polars as pl

from pipelines.contracts.feed import Format
from pipelines.ingest.readers.table import RawTable, Unreadable, assemble, blank_name, header_names, looks_like

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_ERROR_CELL = re.compile(rb'<c r="([A-Z]{1,3})(\d+)"[^>]* t="e"[^>]*>(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)?<v>([^<]*)</v>')
_FIRST_CELL = re.compile(rb'<row[^>]*>\s*<c r="([A-Z]{1,3})\d+"')
_CHUNK = 1 << 22
_OVERLAP = 1 << 14


def read_excel(data: bytes, file_format: Format, max_bytes: int) -> RawTable:
    """Read one sheet, by name or number from 0, the first by default. Raises Unreadable."""
    _refuse_other_kinds(data, max_bytes)
    try:
        book = fastexcel.read_excel(data)
    except fastexcel.FastExcelError as error:
        raise Unreadable(f"the workbook is damaged or of an unknown kind: {_first_line(error)}") from error
    sheet = _sheet(book, file_format)
    try:
        texts = _load(book, sheet, "string")
        numbers = _load(book, sheet, "float")
    except fastexcel.FastExcelError as error:
        raise Unreadable(f"sheet {sheet!r} is damaged: {_first_line(error)}") from error
    if texts.height == 0 or texts.width == 0:
        raise Unreadable(f"sheet {sheet!r} is empty; the workbook has {', '.join(map(repr, book.sheet_names))}")
    cells = _full_precision(texts, numbers)
    warnings: list[str] = []
    if data.startswith(b"PK"):
        cells, warnings = _with_errors(cells, data, sheet)
    skipped = file_format.skip_rows
    while file_format.header_rows and skipped < cells.height and not any(cells.row(skipped)):
        skipped += 1  # blank rows above a header are layout
    above = skipped + file_format.header_rows
    if above > cells.height:
        raise Unreadable(f"sheet {sheet!r} has {cells.height} rows, the contract expects {above} above the data")
    if file_format.columns is not None:
        names, blank, more = _given_names(file_format.columns, cells.width), [], []
    else:
        names, more = header_names([cells.row(at) for at in range(skipped, above)])
        blank = [name for at, name in enumerate(names) if name == blank_name(at)]
    extra = names[len(file_format.columns) :] if file_format.columns is not None else []
    body = cells.slice(above)
    body.columns = names
    if filled := [name for name in extra if body[name].null_count() < body.height]:
        raise Unreadable(f"the contract names {len(file_format.columns or [])} columns and the sheet has values in {filled[0]} too")
    return assemble(body, first_row=above + 1, blank_named=[*blank, *extra], warnings=[*warnings, *more])


def _refuse_other_kinds(data: bytes, max_bytes: int) -> None:
    if data.startswith(_OLE):
        if _ENCRYPTED in data:
            raise Unreadable("the workbook is protected by a password; ask for it without one")
        return
    if not data.startswith(b"PK"):
        raise Unreadable(f"is {looks_like(data) or 'something else'}, not an Excel workbook")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise Unreadable("the workbook is cut off or damaged: its zip directory is missing") from error
    if unpacked > max_bytes:
        raise Unreadable(f"the workbook unpacks to {unpacked:,} bytes, more than the {max_bytes:,} allowed (PARK_AUDIT_MAX_FILE_BYTES)")


def _sheet(book: fastexcel.ExcelReader, file_format: Format) -> str:
    names = book.sheet_names
    if not names:
        raise Unreadable("the workbook has no sheets")
    wanted = file_format.sheet if file_format.sheet is not None else 0
    if isinstance(wanted, int):
        if not 0 <= wanted < len(names):
            raise Unreadable(f"there is no sheet number {wanted}; counted from 0 there are {', '.join(map(repr, names))}")
        return names[wanted]
    if wanted not in names:
        raise Unreadable(f"there is no sheet {wanted!r}; there are {', '.join(map(repr, names))}")
    return wanted


def _load(book: fastexcel.ExcelReader, sheet: str, dtype: str) -> pl.DataFrame:
    # skip_rows=0 keeps blank rows above the table, so that row numbers are the sheet's own.
    frame = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes=dtype).to_polars()
    frame.columns = [f"c{at}" for at in range(frame.width)]
    return frame


def _full_precision(texts: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """Texts, with a number's own digits where calamine's text of it is not the same number."""

    def cell(name: str) -> pl.Expr:
        text, number = pl.col(name), pl.col(f"{name}_number")
        shown = text.cast(pl.Float64, strict=False)
        # An identifier written as text (007) is the same number as its text and keeps its zeros.
        rounded = (shown != number) | text.str.contains(r"\.\d{9}$")
        precise = pl.when(shown.is_not_null() & number.is_not_null() & rounded).then(number.cast(pl.String)).otherwise(text)
        time_of_day = precise.str.strip_prefix("1899-12-31 ")
        return pl.when(precise == "1900-01-01 00:00:00").then(pl.lit("24:00:00")).otherwise(time_of_day).replace("", None).alias(name)

    both = texts.hstack([numbers[name].alias(f"{name}_number") for name in numbers.columns])
    return both.select(cell(name) for name in texts.columns)


def _with_errors(cells: pl.DataFrame, data: bytes, sheet: str) -> tuple[pl.DataFrame, list[str]]:
    """Error cells (#DIV/0!) as the texts they show: an empty cell would be read as nothing measured."""
    first_column, errors = None, []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        path = _sheet_path(archive, sheet)
        if path is None:
            return cells, []
        for chunk in _chunks(archive, path):
            lefts = [_column_number(letters) for letters in set(_FIRST_CELL.findall(chunk))]
            first_column = min([*lefts, *([first_column] if first_column is not None else [])], default=None)
            if b't="e"' in chunk:
                errors += [(_column_number(match[1]), int(match[2]), match[3].decode()) for match in _ERROR_CELL.finditer(chunk)]
    errors = [(column - (first_column or 0), row - 1, text) for column, row, text in dict.fromkeys(errors)]
    placed = [(column, row, text) for column, row, text in errors if 0 <= column < cells.width and 0 <= row < cells.height]
    for at in {column for column, _, _ in placed}:
        rows, texts = zip(*((row, text) for column, row, text in placed if column == at), strict=True)
        cells = cells.with_columns(cells.to_series(at).scatter(list(rows), pl.Series(list(texts), dtype=pl.String)))
    return cells, [f"{len(errors)} cells hold an Excel error, as {errors[0][2]}"] if errors else []


def _sheet_path(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """Where a sheet's XML is, by the workbook's relations; None in a binary workbook (.xlsb) or .ods."""
    if "xl/workbook.xml" not in archive.namelist():
        return None
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    for element in book.iter():
        if element.tag.endswith("}sheet") and element.get("name") == sheet:
            identifier = next((value for key, value in element.attrib.items() if key.endswith("}id")), None)
            target = targets.get(identifier, "").lstrip("/")
            path = target if target.startswith("xl/") else f"xl/{target}"
            return path if path in archive.namelist() else None
    return None


def _chunks(archive: zipfile.ZipFile, path: str) -> Iterator[bytes]:
    """A file's bytes in overlapping pieces, so that a cell on a border is whole in one of them."""
    with archive.open(path) as stream:
        tail = b""
        while piece := stream.read(_CHUNK):
            yield tail + piece
            tail = (tail + piece)[-_OVERLAP:]


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _given_names(columns: list[str], width: int) -> list[str]:
    if width < len(columns):
        raise Unreadable(f"the contract names {len(columns)} columns and the sheet has {width}")
    return [*columns, *(blank_name(at) for at in range(len(columns), width))]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
