"""Workbooks: what cells become, how headers are put together, what is refused."""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time

import pytest
import xlsxwriter

from pipelines.contracts.feed import Format
from pipelines.ingest.readers import RawTable, Unreadable
from pipelines.ingest.readers.excel import read_excel


def workbook(write: Callable[[xlsxwriter.Workbook], None]) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    write(book)
    book.close()
    return buffer.getvalue()


def one_sheet(rows: list[list], first_row: int = 0, first_column: int = 0) -> bytes:
    def write(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("Data")
        formats = {datetime: "yyyy-mm-dd hh:mm", date: "yyyy-mm-dd", time: "hh:mm:ss"}
        for row, cells in enumerate(rows, start=first_row):
            for column, cell in enumerate(cells, start=first_column):
                if type(cell) in formats:
                    sheet.write_datetime(row, column, cell, book.add_format({"num_format": formats[type(cell)]}))
                elif isinstance(cell, str) and cell.startswith("="):
                    sheet.write_formula(row, column, cell, None, {"=1/0": "#DIV/0!", "=NA()": "#N/A"}.get(cell, 42))
                elif isinstance(cell, str):
                    sheet.write_string(row, column, cell)
                elif cell is not None:
                    sheet.write(row, column, cell)

    return workbook(write)


def parse(data: bytes, **given_format: object) -> RawTable:
    return read_excel(data, Format(kind="excel", **given_format), 2**30)


def refusal(data: bytes, **given_format: object) -> str:
    with pytest.raises(Unreadable) as refused:
        parse(data, **given_format)
    return str(refused.value)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (1, "1"),
        (0.1, "0.1"),
        (1 / 3, "0.3333333333333333"),
        (1e-12, "1e-12"),
        (123456789.123456, "123456789.123456"),
        (123456789012345, "123456789012345"),
        ("007", "007"),
        ("12.50", "12.50"),
        ("ND", "ND"),
        (True, "true"),
        (datetime(2026, 1, 31, 0, 15), "2026-01-31 00:15:00"),
        (date(2026, 1, 31), "2026-01-31 00:00:00"),
        (time(13, 5), "13:05:00"),
        ("=6*7", "42"),
        ("=1/0", "#DIV/0!"),
        ("=NA()", "#N/A"),
        ("", None),
        (None, None),
    ],
)
def test_cells_become_texts_without_losing_precision(cell: object, text: str | None) -> None:
    assert parse(one_sheet([["name", "cell"], ["row", cell]])).frame["cell"].to_list() == [text]


def test_an_elapsed_time_of_24_hours() -> None:
    def write(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["time"])
        sheet.write_number(1, 0, 1.0, book.add_format({"num_format": "[h]:mm"}))

    assert parse(workbook(write)).frame["time"].to_list() == ["24:00:00"]


def test_error_cells_are_found_where_they_stand_and_counted() -> None:
    """The table starts in column C of row 4: row numbers are the sheet's, columns follow the table."""
    table = parse(one_sheet([["a", "b"], [1, "=1/0"], ["=NA()", 4]], first_row=3, first_column=2))
    assert table.frame.rows() == [(5, "1", "#DIV/0!"), (6, "#N/A", "4")]
    assert table.warnings == ["2 cells hold an Excel error, as #DIV/0!"]


def test_a_title_and_a_merged_header() -> None:
    def write(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("水")
        sheet.write(0, 0, "Readings of September")
        sheet.merge_range(2, 0, 3, 0, "日期")
        sheet.merge_range(2, 1, 2, 2, "一号表")
        sheet.write_row(3, 1, ["表码", "单位\n(m3)"])
        sheet.write_row(4, 0, ["2026-09-01", 17, "m3"])

    table = parse(workbook(write), skip_rows=1, header_rows=2)
    assert table.frame.columns == ["source_row", "日期", "一号表 / 表码", "一号表 / 单位 (m3)"]
    assert table.frame.rows() == [(5, "2026-09-01", "17", "m3")]


def test_sheets_by_name_and_number() -> None:
    def write(book: xlsxwriter.Workbook) -> None:
        for name in ("One", "Two"):
            book.add_worksheet(name).write_column(0, 0, ["sheet", name])
        book.add_worksheet("Empty")

    data = workbook(write)
    assert parse(data).frame["sheet"].to_list() == ["One"]
    assert parse(data, sheet=1).frame["sheet"].to_list() == ["Two"]
    assert parse(data, sheet="Two").frame["sheet"].to_list() == ["Two"]
    assert refusal(data, sheet="Three") == "there is no sheet 'Three'; there are 'One', 'Two', 'Empty'"
    assert refusal(data, sheet=7) == "there is no sheet number 7; counted from 0 there are 'One', 'Two', 'Empty'"
    assert refusal(data, sheet="Empty") == "sheet 'Empty' is empty; the workbook has 'One', 'Two', 'Empty'"


def test_blank_rows_and_nameless_columns() -> None:
    table = parse(one_sheet([["a", None, None], [1, None, 5], [None, None, None], [2, None, None]]))
    assert table.frame.rows() == [(2, "1", "5"), (4, "2", None)]
    assert table.frame.columns == ["source_row", "a", "column 3"]


def test_headerless_sheets() -> None:
    data = one_sheet([["E1", 1], ["E2", 2]])
    assert parse(data, header_rows=0, columns=["meter", "value"]).frame.rows() == [(1, "E1", "1"), (2, "E2", "2")]
    assert refusal(data, header_rows=0, columns=["meter"]) == "the contract names 1 columns and the sheet has values in column 2 too"
    assert refusal(data, header_rows=0, columns=["a", "b", "c"]) == "the contract names 3 columns and the sheet has 2"


def test_what_is_no_workbook() -> None:
    assert "an HTML page" in refusal(b"<html><table><tr><td>1</td></tr></table></html>")
    assert "something else, not an Excel workbook" in refusal(b"a,b\n1,2\n")
    whole = one_sheet([["a"], [1]])
    assert refusal(whole[: len(whole) // 2]) == "the workbook is cut off or damaged: its zip directory is missing"
    assert "damaged or of an unknown kind" in refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600)


def test_a_password_is_said_to_be_one() -> None:
    """An encrypted workbook is an old-style container with a stream of this name."""
    locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 512 + "EncryptedPackage".encode("utf-16-le") + b"\x00" * 512
    assert refusal(locked) == "the workbook is protected by a password; ask for it without one"


def test_another_zip_archive_and_a_zip_bomb() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 5_000_000)
    with pytest.raises(Unreadable, match="unpacks to 5,000,000 bytes, more than the 1,000,000 allowed"):
        read_excel(buffer.getvalue(), Format(kind="excel"), 1_000_000)
    assert "damaged or of an unknown kind" in refusal(buffer.getvalue())


def test_too_few_rows_for_the_header() -> None:
    assert refusal(one_sheet([["a"]]), header_rows=3) == "sheet 'Data' has 1 rows, the contract expects 3 above the data"
