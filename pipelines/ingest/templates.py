"""Workbooks for people who have no system: a form for one record type, and the contract that reads it.

The form follows from the record's declaration: a column each, closed vocabularies as drop-downs, keys and required columns
marked, dates as dates. Headers are canonical column names, so that the contract has nothing to map. Chinese names stand in
`templates_zh.yaml`. What a filled form means is decided by the reader and `normalise`, like that of any other file.
"""

import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any

import xlsxwriter
import yaml
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from pipelines.contracts.records import COUNT, DATE, INSTANT, NUMBER, Column, RecordType
from pipelines.contracts.standards import Standards

ABOVE_HEADER = 2
"""Rows above the header: the Chinese names, and what each column means."""
ROWS = 2000
"""Rows of a form that have drop-downs and formats."""

_CREATED = datetime.combine(date(2000, 1, 1), time())
_COMPUTED = {"self_report": ("value_raw", "unit_raw"), "meter_event": ("event_date",)}
"""Columns that follow from others."""
_UTC = "_utc"
_EXAMPLES: dict[str, Any] = {
    "park_id": "PARK", "enterprise_id": "E001", "subject_id": "E001", "process_id": "E001-P1", "product_code": "E001-MAIN", "outlet_id": "E001-DA001",
    "point_id": "E001-EL", "receiver_id": "E002", "item_code": "electricity", "parameter_code": "electricity", "promised_item": "electricity",
    "waste_code": "336-054-17", "metric_code": "energy_per_output_value", "substance_code": "7664-41-7", "unit": "kWh", "line_id": "-",
}  # fmt: skip
_EXAMPLE_DATE = date(2026, 1, 31)


@cache
def _chinese() -> Mapping[str, Mapping[str, str]]:
    # Every key is a text: yes and no are words of a form, not truth values.
    return yaml.load(Path(__file__).with_name("templates_zh.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def record_zh(record: RecordType) -> str:
    """What the form is called in Chinese. Raises KeyError for a record without a name."""
    return _chinese()["records"][record.name]


def column_zh(record: RecordType, header: str) -> str:
    """What a column of a form is called in Chinese. Raises KeyError for one without a name."""
    names = _chinese()["columns"]
    return names.get(f"{record.name}.{header}") or names[header]


def word_zh(record: RecordType, column: str, word: str) -> str:
    """What a word of a closed vocabulary is called in Chinese. Raises KeyError for one without a name."""
    names = _chinese()["words"]
    return names.get(f"{record.name}.{column}.{word}") or names[word]


def form_columns(record: RecordType) -> dict[str, Column]:
    """Header → column of the form: what a person fills in. Times are local, so that their header does not say UTC."""
    if record.name == "reading":
        raise ValueError("readings come from devices and meters: draft a contract for their files with `park-audit feed draft`")
    hidden = _COMPUTED.get(record.name, ())
    return {column.name.removesuffix(_UTC): column for column in record.columns if column.name not in hidden}


def template(record: RecordType, standards: Standards, rows: Sequence[Mapping[str, Any]] = ()) -> bytes:
    """The workbook: the form, an example beside it, the words of its drop-downs, and lists of units and codes.

    `rows` fills the form: header → str, float, int, date or datetime. The same arguments give the same bytes.
    Raises KeyError for a row with a column that the form does not have.
    """
    columns = form_columns(record)
    if unknown := sorted({name for row in rows for name in row} - columns.keys()):
        raise KeyError(f"the form of {record.name} has no column {', '.join(unknown)}; it has {', '.join(columns)}")
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.set_properties({"created": _CREATED, "title": f"{record_zh(record)} {record.name}", "author": ""})
    pages = _Pages(book, record, standards)
    pages.form(record.name, rows)
    pages.form("example 示例", [_example(columns)], note="示例,不会被读取  Example; this sheet is never read.")
    pages.words()
    pages.codes()
    book.close()
    return buffer.getvalue()


def contract_text(record: RecordType, feed_id: str, owner: str) -> str:
    """YAML of the contract that reads the form."""
    columns = {column.name: header for header, column in form_columns(record).items() if header != column.name}
    lines = [
        f"feed_id: {feed_id}",
        f"record: {record.name}",
        f"owner: {owner}  # who is asked when the form is late or wrong",
        f"description: {record_zh(record)}; the workbook of `park-audit feed template {record.name}`.",
        f'source: {{drop: "{feed_id}/*.xlsx"}}',
        # A single dash is no empty cell here: it is the line_id of what has one line only.
        f'format: {{kind: excel, sheet: {record.name}, skip_rows: {ABOVE_HEADER}, null_values: ["", "--", "NA", "N/A"]}}',
    ]
    if columns:
        lines.append("columns:  # local times of the park")
        lines += [f"  {name}: {{column: {header}}}" for name, header in columns.items()]
    if record.name == "self_report":
        lines.append("empty: {means: missing}  # a line without a value says that the report is overdue")
    if record.is_register:
        lines.append("# A register is delivered whole: rows that a new form lacks are withdrawn. Keep one file, and add rows to it.")
    elif record.append_only:
        lines.append("# Rows are only ever added: a form that changes a row which has been read is refused that row.")
    return "\n".join(lines) + "\n"


class _Pages:
    """The sheets of one workbook."""

    def __init__(self, book: Workbook, record: RecordType, standards: Standards) -> None:
        self.book, self.record, self.standards = book, record, standards
        self.columns = form_columns(record)
        plain = {"text_wrap": True, "valign": "top", "font_size": 9}
        self.zh = book.add_format(plain | {"bold": True, "font_size": 10})
        self.zh_required = book.add_format(plain | {"bold": True, "font_size": 10, "font_color": "#9C0006"})
        self.meaning = book.add_format(plain | {"font_color": "#595959"})
        self.header = book.add_format({"bold": True, "bottom": 1, "bg_color": "#F2F2F2"})
        self.key = book.add_format({"bold": True, "bottom": 1, "bg_color": "#FFE699"})
        self.formats = {
            DATE: book.add_format({"num_format": "yyyy-mm-dd"}),
            INSTANT: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        self.text = book.add_format({"num_format": "@"})
        units = standards.seed("units")["unit"].unique(maintain_order=True).to_list()
        self.lists = {"units": units, **_codes(standards)}
        """Sheet → the words of its first column."""

    def form(self, name: str, rows: Sequence[Mapping[str, Any]], note: str | None = None) -> None:
        """A sheet with names and meanings above the header, formats and drop-downs below it."""
        page = self.book.add_worksheet(name)
        for at, (header, column) in enumerate(self.columns.items()):
            style = self.zh_required if column.required else self.zh
            page.write_string(0, at, self._zh(header, column), style)
            page.write_string(1, at, f"{note}\n{column.description}" if note and not at else column.description, self.meaning)
            page.write_string(ABOVE_HEADER, at, header, self.key if column.name in self.record.key else self.header)
            page.set_column(
                at, at, max(12, len(header) + 2), self.formats.get(column.dtype, self.text if column.dtype not in (NUMBER, COUNT) else None)
            )
            self._validate(page, at, header, column)
        page.set_row(0, 30)
        page.set_row(1, 62)
        page.freeze_panes(ABOVE_HEADER + 1, 0)
        for row, values in enumerate(rows, start=ABOVE_HEADER + 1):
            self._fill(page, row, values)

    def _zh(self, header: str, column: Column) -> str:
        marks = [mark for mark, said in (("主键", column.name in self.record.key), ("必填", column.required)) if said]
        return column_zh(self.record, header) + (f" [{'、'.join(marks)}]" if marks else "")

    def _fill(self, page: Worksheet, row: int, values: Mapping[str, Any]) -> None:
        for at, (header, column) in enumerate(self.columns.items()):
            value = values.get(header)
            if value is None:
                continue
            if isinstance(value, date):
                page.write_datetime(row, at, value, self.formats[INSTANT if isinstance(value, datetime) else DATE])
            elif column.dtype in (NUMBER, COUNT):
                page.write_number(row, at, value)
            else:
                page.write_string(row, at, str(value), self.text)

    def _validate(self, page: Worksheet, at: int, header: str, column: Column) -> None:
        area = (ABOVE_HEADER + 1, at, ABOVE_HEADER + ROWS, at)
        said = {"input_title": header[:32], "input_message": f"{column_zh(self.record, header)}\n{column.description}"[:255]}
        strict = {"error_title": "不是下拉表中的词", "error_message": f"{header}: 请从下拉表中选择 / choose from the list"}
        lenient = {
            "error_type": "warning",
            "error_title": "不在列表中",
            "error_message": "不在列表中,确认要用吗? / not in the list; keep it?",
        }
        if column.allowed:
            rule = {"validate": "list", "source": f"=words!${_letter(at)}$3:${_letter(at)}${len(column.allowed) + 2}", **strict}
        elif column.dtype == DATE:
            rule = {
                "validate": "date",
                "criteria": ">=",
                "value": date(1949, 10, 1),
                "error_title": "不是日期",
                "error_message": "日期写作 2026-01-31",
            }
        elif column.dtype == INSTANT:
            first = datetime.combine(date(1949, 10, 1), time())
            rule = {
                "validate": "date",
                "criteria": ">=",
                "value": first,
                "error_title": "不是时间",
                "error_message": "时间写作 2026-01-31 08:00",
            }
        elif column.dtype in (NUMBER, COUNT):
            kind = "decimal" if column.dtype == NUMBER else "integer"
            rule = {
                "validate": kind,
                "criteria": "between",
                "minimum": -1e15,
                "maximum": 1e15,
                "error_title": "不是数字",
                "error_message": "请填数字",
            }
        elif (listed := _LIST_OF.get(header if header == "unit" else column.names or "")) is not None:
            rule = {"validate": "list", "source": f"={listed}!$A$2:$A${len(self.lists[listed]) + 1}", **lenient}
        else:
            rule = {"validate": "any"}
        page.data_validation(*area, rule | said | {"ignore_blank": True})

    def words(self) -> None:
        """The closed vocabularies: under each column its words, and beside them in Chinese. The drop-downs draw on it."""
        page = self.book.add_worksheet("words")
        width = len(self.columns)
        for at, (header, column) in enumerate(self.columns.items()):
            if not column.allowed:
                continue
            page.write_string(0, at, column_zh(self.record, header), self.zh)
            page.write_string(1, at, header, self.header)
            page.write_column(2, at, column.allowed, self.text)
        row = 0
        page.write_row(row, width + 1, ["column", "word", "中文"], self.header)
        for header, column in self.columns.items():
            for word in column.allowed:
                row += 1
                page.write_row(row, width + 1, [header, word, word_zh(self.record, column.name, word)], self.text)
        page.set_column(0, width + 3, 18)

    def codes(self) -> None:
        """One sheet for units, and one for every list of codes that a column draws on."""
        wanted = {"units"} if "unit" in self.columns else set()
        wanted |= {_LIST_OF[column.names] for column in self.columns.values() if column.names in _LIST_OF}
        for name in ("units", "parameters", "metrics"):
            if name not in wanted:
                continue
            page = self.book.add_worksheet(name)
            page.write_row(0, 0, _TITLES[name], self.header)
            page.set_column(0, 2, 28)
            page.write_column(1, 0, self.lists[name], self.text)
            if name != "units":
                seed = self.standards.seed(name).unique(f"{name[:-1]}_code", keep="last", maintain_order=True)
                page.write_column(1, 1, seed["name_zh"].to_list())
                page.write_column(1, 2, _units_of(seed, name))


_LIST_OF = {"unit": "units", "parameter": "parameters", "material": "parameters", "metric": "metrics"}
_TITLES = {"units": ["unit"], "parameters": ["code", "名称", "kept in"], "metrics": ["code", "名称", "unit"]}


def _codes(standards: Standards) -> dict[str, list[str]]:
    return {
        name: standards.seed(name)[f"{name[:-1]}_code"].unique(maintain_order=True).to_list() for name in ("parameters", "metrics")
    }  # fmt: skip


def _units_of(seed: Any, name: str) -> list[str | None]:
    if name == "metrics":
        return seed["unit"].to_list()
    return [total or mean for total, mean in zip(seed["total_unit"], seed["unit"], strict=True)]


def _example(columns: Mapping[str, Column]) -> dict[str, Any]:
    """One row that shows how each column is written."""
    row: dict[str, Any] = {}
    for header, column in columns.items():
        if column.allowed:
            row[header] = column.allowed[0]
        elif header in _EXAMPLES:
            row[header] = _EXAMPLES[header]
        elif header in ("valid_to", "ended_on"):
            continue
        elif column.dtype == DATE:
            row[header] = _EXAMPLE_DATE
        elif column.dtype == INSTANT:
            row[header] = datetime.combine(_EXAMPLE_DATE, time(8, 0))
        elif column.dtype == COUNT:
            row[header] = 2026 if header.endswith("_year") else 1
        elif column.dtype == NUMBER:
            row[header] = 0.5 if header.endswith(("share", "efficiency")) else 12.5
        elif header.endswith("_id"):
            row[header] = f"{header.removesuffix('_id').upper()}-001"
    return row


def _letter(at: int) -> str:
    """Column letters of a position from 0."""
    letters = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
