"""JSON documents and JSON lines. Numbers keep the text they were written with; nested objects become dotted columns."""

import json
from itertools import chain
from typing import Any

import polars as pl

from pipelines.contracts.feed import Format
from pipelines.contracts.records import QUARANTINE_SCHEMA
from pipelines.ingest.readers.table import (
    RAW_TEXT_CHARACTERS,
    SOURCE_ROW,
    RawTable,
    Unreadable,
    assemble,
    looks_like,
)

_MAX_DEPTH = 20
_CODEC = {"parse_float": str, "parse_int": str, "parse_constant": str}
"""Numbers as texts: 0.10 stays 0.10, and an identifier of 20 digits stays itself."""


def read_json(data: bytes, file_format: Format, max_bytes: int) -> RawTable:
    """Read one document that holds a list of objects, at `record_path` if the contract names one. Raises Unreadable."""
    text = _text(data, file_format)
    try:
        found = json.loads(text, **_CODEC)
    except json.JSONDecodeError as error:
        raise Unreadable(f"line {error.lineno}, column {error.colno}: is not JSON: {error.msg}") from error
    except RecursionError as error:
        raise Unreadable("is nested too deeply to be a table") from error
    if file_format.record_path:
        for key in file_format.record_path.split("."):
            if not isinstance(found, dict) or key not in found:
                here = f"the keys here are {', '.join(found)}" if isinstance(found, dict) else f"here is a {_kind(found)}"
                raise Unreadable(f"record_path {file_format.record_path!r}: there is no {key!r}; {here}")
            found = found[key]
    if not isinstance(found, list):
        lists = [key for key, value in found.items() if isinstance(value, list)] if isinstance(found, dict) else []
        hint = f"; record_path could name {' or '.join(lists)}" if lists else ""
        raise Unreadable(f"the records are a {_kind(found)}, not a list of objects{hint}")
    return _table(found, range(1, len(found) + 1), [])


def read_json_lines(data: bytes, file_format: Format, max_bytes: int) -> RawTable:
    """Read one object a line; a line that is no JSON is set aside with its number. Raises Unreadable."""
    lines = _text(data, file_format).split("\n")
    filled = [(number, line) for number, line in enumerate(lines, start=1) if line and not line.isspace()]
    if not filled:
        raise Unreadable("the file is empty: it holds no records")
    numbers, texts = zip(*filled, strict=True)
    rejected: list[tuple[int, str, str]] = []
    try:
        records = json.loads(f"[{','.join(texts)}]", **_CODEC)
    except (json.JSONDecodeError, RecursionError):
        records = None
    if records is None or len(records) != len(texts):
        records, kept = [], []
        for number, line in filled:
            try:
                records.append(json.loads(line, **_CODEC))
                kept.append(number)
            except (json.JSONDecodeError, RecursionError) as error:
                rejected.append((number, f"is not a JSON object: {getattr(error, 'msg', 'nested too deeply')}", line))
        numbers = tuple(kept)
    if len(rejected) * 2 > len(filled):
        raise Unreadable(f"{len(rejected):,} of {len(filled):,} lines are not JSON (line {rejected[0][0]} {rejected[0][1]})")
    return _table(records, numbers, rejected)


def _text(data: bytes, file_format: Format) -> str:
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data or data.isspace():
        raise Unreadable("the file is empty: it holds no text")
    if kind := looks_like(data):
        raise Unreadable(f"is {kind}, not JSON")
    try:
        # JSON is UTF-8, UTF-16 or UTF-32 by its standard; another encoding is read when the contract says so.
        encoding = json.detect_encoding(data) if file_format.encoding.lower().replace("-", "") == "utf8" else file_format.encoding
        return data.decode(encoding)
    except LookupError:
        raise Unreadable(f"the contract's encoding {file_format.encoding!r} does not exist") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"line {line}: the bytes are not {encoding}") from error


def _table(records: list[Any], numbers: Any, rejected: list[tuple[int, str, str]]) -> RawTable:
    objects = [(number, record) for number, record in zip(numbers, records, strict=True) if isinstance(record, dict)]
    if len(objects) < len(records):
        others = [(number, record) for number, record in zip(numbers, records, strict=True) if not isinstance(record, dict)]
        rejected = rejected + [(number, f"is a {_kind(record)}, not an object", str(record)) for number, record in others]
        if not objects:
            raise Unreadable(f"the records are no objects (record {rejected[0][0]} {rejected[0][1]})")
    kept, rows = zip(*objects, strict=True) if objects else ((), ())
    columns = _columns(rows, "", 0)
    columns.pop(SOURCE_ROW, None)
    frame = pl.DataFrame([pl.Series(SOURCE_ROW, kept, pl.Int64), *(pl.Series(name, cells, pl.String) for name, cells in columns.items())])
    frame = frame.with_columns(pl.exclude(SOURCE_ROW).replace("", None)) if columns else frame
    quarantine = pl.DataFrame(
        {
            "source_row": [number for number, _, _ in rejected],
            "column_name": None,
            "rule": "not_a_record",
            "reason": [reason for _, reason, _ in rejected],
            "raw_text": [text[:RAW_TEXT_CHARACTERS] for _, _, text in rejected],
        },
        schema=QUARANTINE_SCHEMA,
    )
    return assemble(frame, first_row=None, rejected=quarantine)


def _columns(rows: Any, prefix: str, depth: int) -> dict[str, list[str | None]]:
    """One list of texts per key, in order of first appearance; an object's keys are joined with a dot."""
    if depth > _MAX_DEPTH:
        raise Unreadable(f"{prefix!r} is nested more than {_MAX_DEPTH} deep")
    columns: dict[str, list[str | None]] = {}
    for key in dict.fromkeys(chain.from_iterable(rows)):
        cells = [row.get(key) for row in rows]
        kinds = set(map(type, cells))
        name = f"{prefix}{key}"
        if dict in kinds:
            inner = [cell if isinstance(cell, dict) else {} for cell in cells]
            columns |= _columns(inner, f"{name}.", depth + 1)
            cells = [None if isinstance(cell, dict) else cell for cell in cells]
            kinds = set(map(type, cells))
            if kinds == {type(None)}:
                continue  # an object in every row that has the key at all: its own keys are the columns
        texts = cells if kinds <= {str, type(None)} else [_cell(cell) for cell in cells]
        columns.setdefault(name, texts)
    return columns


def _cell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)  # true, false, and lists as they were written


def _kind(value: Any) -> str:
    return {dict: "single object", list: "list", str: "text or number", bool: "true or false", type(None): "null"}.get(type(value), "value")
