"""How a file is to be read: kind, encoding, separator, header, sheet, path to its records. From its bytes alone."""

import csv
import json
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import fastexcel

from pipelines.contracts.feed import Format, FormatKind
from pipelines.ingest.readers.table import Unreadable, looks_like

LINES = 400
"""Lines of a text file that are looked at for separator and header."""
_SEPARATORS = (",", ";", "\t", "|")
_NUMBER = re.compile(r"^[<>]?\s*[+-]?(\d{1,3}([ ,']\d{3})+|\d+)?([.,]\d+)?([eE][+-]?\d+)?\s*%?$")
_DECIMAL_COMMA = re.compile(r"^[+-]?\d+,\d+$")
_DATED = re.compile(r"^\D{0,3}\d{1,4}[-/.年]\d{1,2}[-/.月]\d{1,4}日?([ T]\S+)?$|^\d{1,2}[:.]\d\d([:.]\d\d)?$|^\d{8}(\d{4}(\d\d)?)?$")
_FRAME = re.compile(rb"##\d{4}QN=")
_HAN = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


@dataclass
class Found:
    """A format, and what somebody should know about how it was found."""

    format: Format
    ending: str
    notes: list[str] = field(default_factory=list)


def find_format(data: bytes, name: str) -> Found:
    """The format of a file. Raises Unreadable for what is no table."""
    ending = name.partition(".")[2].lower() or "csv"
    if data.startswith(b"\x1f\x8b"):
        data = zlib.decompressobj(wbits=31).decompress(data, 1 << 28)
    if data.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        return _excel(data, ending)
    if data.startswith(b"PAR1"):
        return Found(Format(kind=FormatKind.PARQUET), ending)
    if kind := looks_like(data):
        raise Unreadable(f"is {kind}, and no table")
    if _FRAME.search(data[: 1 << 16]):
        raise Unreadable(
            "is a log of HJ 212 frames, and no table: write `source: {hj212: {drop: …, devices: …}}` and a file of its devices; "
            "`park-audit hj212 decode` shows what it holds"
        )
    encoding, notes = _encoding(data)
    text = data.decode(encoding, errors="replace")
    if text.lstrip()[:1] in ("{", "["):
        return _json(text, encoding, ending)
    return _csv(text, encoding, ending, notes)


# -- text ------------------------------------------------------------------------------------------------------------------


def _encoding(data: bytes) -> tuple[str, list[str]]:
    """UTF-8 proves itself; of the others the one whose letters make sense."""
    if data.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig", []
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", []
    head = data[: 1 << 20]
    for cut in range(4):  # the sample may end inside a letter
        try:
            head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return "utf-8", []
    letters = head.decode("gb18030", errors="replace")
    foreign = [letter for letter in letters if ord(letter) > 127]
    if foreign and sum(bool(_HAN.match(letter)) for letter in foreign) > 0.9 * len(foreign):
        return "gb18030", []
    return "cp1252", ["the bytes are neither UTF-8 nor GB18030: cp1252 is the commonest of the others; look at the letters with accents"]


def _csv(text: str, encoding: str, ending: str, notes: list[str]) -> Found:
    lines = text.splitlines()[:LINES]
    separator, rows = max(
        ((sign, list(csv.reader(lines, delimiter=sign))) for sign in _SEPARATORS), key=lambda found: _evenness(found[1])
    )  # fmt: skip
    skip, header_rows, width = _header(rows)
    body = [cell.strip() for row in rows[skip + header_rows :] for cell in row]
    commas = sum(bool(_DECIMAL_COMMA.match(cell)) for cell in body)
    given: dict[str, Any] = {"kind": FormatKind.CSV, "encoding": encoding}
    if separator != ",":
        given["separator"] = separator
    if commas and commas >= sum(bool(re.match(r"^[+-]?\d+\.\d+$", cell)) for cell in body):
        given["decimal"] = ","
    return Found(_with_header(given, skip, header_rows, width), ending, notes)


def _evenness(rows: Sequence[Sequence[str]]) -> float:
    """How well a separator splits: rows of the commonest width, weighted by it; 0 for one column."""
    widths = Counter(len(row) for row in rows if row)
    if not widths:
        return 0.0
    width, count = max(widths.items(), key=lambda found: (found[0] > 1, found[1], found[0]))
    return count / sum(widths.values()) * min(width, 30) if width > 1 else 0.0


def _with_header(given: dict[str, Any], skip: int, header_rows: int, width: int) -> Format:
    if skip:
        given["skip_rows"] = skip
    if header_rows != 1:
        given["header_rows"] = header_rows
    if not header_rows:
        given["columns"] = [f"column_{at + 1}" for at in range(width)]
    return Format(**given)


def _header(rows: Sequence[Sequence[str]]) -> tuple[int, int, int]:
    """Rows above the header, rows of the header (0 where data begin at once), and the number of columns."""
    trimmed = [_trimmed(row) for row in rows]
    if not any(trimmed):
        return 0, 1, 0
    width = Counter(map(len, rows)).most_common(1)[0][0]
    first = next((at for at, row in enumerate(trimmed) if _is_data(row)), None)
    if first is None:  # words everywhere: a register
        first = next(at for at, row in enumerate(trimmed) if row) + 1
    header = first
    while header > 0 and trimmed[header - 1] and not _is_data(trimmed[header - 1]) and len(trimmed[header - 1]) > 1 and first - header < 3:
        # A row of a header reaches over the columns, or most of them; a title or a remark stands at the left.
        if header < first and not (len(rows[header - 1]) >= width and len(trimmed[header - 1]) > width // 2):
            break
        header -= 1
    return header, first - header, width


def _trimmed(row: Sequence[str]) -> list[str]:
    cells = [" ".join(cell.replace("\ufeff", "").split()) for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _is_data(row: Sequence[str]) -> bool:
    """Whether a row holds values: a time, or numbers for a third of its cells."""
    cells = [cell for cell in row if cell]
    if not cells:
        return False
    numbers = sum(bool(_NUMBER.match(cell)) for cell in cells)
    return any(_DATED.match(cell) for cell in cells) or numbers * 3 >= len(cells)


# -- workbooks -------------------------------------------------------------------------------------------------------------


def _excel(data: bytes, ending: str) -> Found:
    try:
        book = fastexcel.read_excel(data)
        sizes = {name: book.load_sheet(name, header_row=None, dtypes="string").to_polars() for name in book.sheet_names}
    except fastexcel.FastExcelError as error:
        raise Unreadable(f"the workbook cannot be read: {str(error).splitlines()[0]}") from error
    name, frame = max(sizes.items(), key=lambda found: found[1].height * min(found[1].width, 3))
    if frame.is_empty():
        raise Unreadable("the workbook holds no table")
    rows = [["" if cell is None else str(cell) for cell in row] for row in frame.head(LINES).rows()]
    skip, header_rows, width = _header(rows)
    given: dict[str, Any] = {"kind": FormatKind.EXCEL}
    notes = []
    if len(sizes) > 1:
        given["sheet"] = name
        others = ", ".join(repr(other) for other in sizes if other != name)
        notes.append(f"of the workbook's sheets the largest was taken, {name!r}; there are also {others}")
    return Found(_with_header(given, skip, header_rows, width), ending, notes)


# -- JSON ------------------------------------------------------------------------------------------------------------------


def _json(text: str, encoding: str, ending: str) -> Found:
    given: dict[str, Any] = {"encoding": encoding.removesuffix("-sig")}
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        try:
            json.loads(lines[0])
        except (json.JSONDecodeError, IndexError) as error:
            raise Unreadable(f"begins like JSON and is none: {error}") from error
        return Found(Format(kind=FormatKind.JSON_LINES, **given), ending)
    if isinstance(content, dict):
        if len(lines) == 1 and not _records(content):
            return Found(Format(kind=FormatKind.JSON_LINES, **given), ending)
        path, _ = max(_records(content).items(), key=lambda found: found[1], default=("", 0))
        if not path:
            raise Unreadable("the JSON holds no list of records")
        given["record_path"] = path
    return Found(Format(kind=FormatKind.JSON, **given), ending)


def _records(content: Any, path: str = "") -> dict[str, int]:
    """Dotted path → length of every list of objects."""
    found: dict[str, int] = {}
    for key, value in content.items() if isinstance(content, dict) else ():
        here = f"{path}.{key}" if path else key
        if isinstance(value, list) and value and isinstance(value[0], dict):
            found[here] = len(value)
        elif isinstance(value, dict):
            found |= _records(value, here)
    return found
