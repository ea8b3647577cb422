"""CSV: what is read, what is set aside, what is refused and in which words."""

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.contracts.feed import Format
from pipelines.ingest.readers import RawTable, Unreadable, read
from pipelines.ingest.readers.csv import read_csv


def parse(data: bytes | str, **given_format: object) -> RawTable:
    return read_csv(data.encode() if isinstance(data, str) else data, Format(kind="csv", **given_format), 2**30)


def rows(table: RawTable) -> list[tuple]:
    return table.frame.rows()


def refusal(data: bytes | str, **given_format: object) -> str:
    with pytest.raises(Unreadable) as refused:
        parse(data, **given_format)
    return str(refused.value)


def test_every_cell_is_text_and_rows_are_numbered_with_the_header() -> None:
    table = parse('time,value\r\n2026-01-01,.399\r\n"2026-01-02",\r\n')
    assert table.frame.schema == {"source_row": pl.Int64, "time": pl.String, "value": pl.String}
    assert rows(table) == [(2, "2026-01-01", ".399"), (3, "2026-01-02", None)]
    assert (table.source_rows, table.warnings, table.rejected.height) == (2, [], 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_declared_encodings(encoding: str) -> None:
    table = parse("监测时间,流量\n1,2\n".encode(encoding), encoding=encoding)
    assert table.frame.columns == ["source_row", "监测时间", "流量"]
    assert table.warnings == []


def test_a_byte_order_mark_outweighs_the_contract_and_says_so() -> None:
    table = parse("监测时间,流量\n1,2\n".encode("utf-8-sig"), encoding="gb18030")
    assert table.frame.columns == ["source_row", "监测时间", "流量"]
    assert table.warnings == ["the contract says encoding gb18030, the file's byte order mark says utf-8; read as utf-8"]


def test_wrong_encodings_are_refused_by_line_with_what_would_fit() -> None:
    assert refusal("time,a\n1,2\n3,流量\n".encode("gb18030")) == (
        "line 3: the bytes are not utf-8, as the contract says; gb18030 and big5 would fit"
    )
    utf8 = "监测时间,流量\n1,2\n".encode()
    assert refusal(utf8, encoding="gb18030") == "the contract says encoding gb18030, but the bytes are UTF-8 and would be read as rubbish"
    assert "encoding 'utf8000' does not exist" in refusal(utf8, encoding="utf8000")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"  \n \n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"a,b\n1,\x00\n", "holds a NUL byte at offset 6"),
        ("时间,a\n1,2\n".encode("utf-16-le"), "NUL byte"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"PK\x03\x04....", "an Excel workbook (.xlsx) or another zip archive"),
        (b"%PDF-1.7", "a PDF document"),
        (b"a,b\n", None),
    ],
)
def test_what_is_no_table(data: bytes, words: str | None) -> None:
    if words is None:
        assert parse(data).warnings == ["the file holds no rows below its header"]
    else:
        assert words in refusal(data)


def test_the_wrong_separator_is_named() -> None:
    assert refusal("a;b\n1;2\n") == "the header is one cell, 'a;b': the separator seems to be ';', not ','"
    assert parse("a\tb\n1\t2\n", separator="\t").frame.columns == ["source_row", "a", "b"]
    assert parse("note\nit rained, then stopped\n", separator=";").frame.columns == ["source_row", "note"]


def test_skipped_rows_blank_rows_and_several_header_rows() -> None:
    text = "Plant 7\n\n监测时间,SO2,,NOx,\n,实测,折算,实测,折算\n1,2,3,4,5\n\n,,,,\n6,7,8,9,10\n\n\n"
    table = parse(text, skip_rows=1, header_rows=2)
    assert table.frame.columns == ["source_row", "监测时间", "SO2 / 实测", "SO2 / 折算", "NOx / 实测", "NOx / 折算"]
    assert table.frame["source_row"].to_list() == [5, 8]
    assert table.source_rows == 2


def test_headerless_files_take_the_contracts_names() -> None:
    table = parse("1;2,5;;\n3;4,5;;\n", separator=";", header_rows=0, columns=["time", "value"])
    assert rows(table) == [(1, "1", "2,5"), (2, "3", "4,5")]
    assert refusal("1;2;9\n3;4;9\n", separator=";", header_rows=0, columns=["time", "value"]) == (
        "the contract names 2 columns and the rows have 3 values: which value belongs to which name cannot be told"
    )
    assert refusal("1\n3\n", header_rows=0, columns=["time", "value"]) == "the contract names 2 columns and the rows have 1 values"


def test_nameless_and_repeated_columns() -> None:
    table = parse(" a ,b,b,,\n1,2,3,4,\n")
    assert table.frame.columns == ["source_row", "a", "b (1)", "b (2)", "column 4"]  # the fifth is nameless and empty
    assert table.warnings == ["the header names 'b' 2 times; they are read as b (1) …"]
    assert parse("source_row,b\n7,8\n").frame.columns == ["source_row", "source_row (1)", "b"]


def test_trailing_separators_in_rows_but_not_in_the_header() -> None:
    assert rows(parse("a,b\n1,2,\n3,4,\n")) == [(2, "1", "2"), (3, "3", "4")]
    assert "the header names 2 columns and the rows have 3 values" in refusal("a,b\n0,1,2\n1,3,4\n")


def test_ragged_rows_are_set_aside_with_their_numbers() -> None:
    table = parse("a,b,c\n1,2,3\n4,5\n\n6,7,8,9\n1,2,3\n1,2,3\n1,2,3\n")
    assert table.frame["source_row"].to_list() == [2, 6, 7, 8]
    assert table.rejected.rows() == [
        (3, None, "ragged_row", "has 2 fields where the header has 3", "4,5"),
        (5, None, "ragged_row", "has 4 fields where the header has 3", "6,7,8,9"),
    ]
    assert table.source_rows == 6


def test_a_cut_off_last_row_is_named_as_such() -> None:
    table = parse("a,b,c\n1,2,3\n4,5")
    assert table.rejected["reason"].to_list() == [
        "has 2 fields where the header has 3: it is the last row and ends without a line end, so the file was cut off"
    ]


def test_one_short_row_among_quoted_separators_is_seen() -> None:
    """As many separators as a whole file would have, one of them inside a cell and one row short of one."""
    table = parse('a,b\n"x,y",1\n2\n3,4\n')
    assert table.frame["source_row"].to_list() == [2, 4]
    assert table.rejected["source_row"].to_list() == [3]


def test_mostly_ragged_means_another_separator() -> None:
    assert "2 of 3 rows do not have the 2 fields of the header" in refusal("a,b\n1;2\n3;4\n5,6\n")


def test_quotes_line_ends_and_doubled_quotes() -> None:
    table = parse('a,b\n"two\nlines","say ""so"""\n3,4\n')
    assert rows(table) == [(2, "two\nlines", 'say "so"'), (3, "3", "4")]
    assert rows(parse('a,b\n5" pipe,"x"\n', quote=None)) == [(2, '5" pipe', '"x"')]


def test_a_quote_that_never_closes_is_refused_rather_than_swallowing_rows() -> None:
    assert refusal('a,b\n1,2\n3,"4\n5,6\n7,8\n') == (
        "row 3 opens a quote that is not closed before the file ends: it swallows 3 more lines"
    )
    assert refusal('a,b\n1,2\n1,2\n1,"2\n3,4\n5,6\n7,8"x,9\n1,2\n') == "row 4 opens a quote that is not closed: it swallows 3 more lines"


def test_old_mac_line_ends() -> None:
    assert rows(parse(b"a,b\r1,2\r3,4\r")) == [(2, "1", "2"), (3, "3", "4")]


@pytest.mark.parametrize("broken", ["", "9\n"], ids=["fast way", "row by row"])
def test_huge_cells_are_refused(broken: str) -> None:
    message = refusal(f"a,b\n1,2\n{broken}3,{'x' * 200_000}\n")
    assert "131,072" in message
    assert "is a closing quote missing?" in message


def test_header_errors() -> None:
    assert refusal("a\n", header_rows=2) == "the file ends inside its header: the contract expects 2 header rows"
    assert refusal("a\n1\n", skip_rows=4) == "the contract skips 4 rows above the header and the file has fewer"
    assert refusal("a,b\n1,2\n", separator="||") == "separator '||' and quote '\"' must each be one ASCII character"


cells = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\x00\r"), max_size=6)
tables = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=8))


@settings(suppress_health_check=[HealthCheck.filter_too_much], max_examples=200, deadline=None)
@given(tables)
@example([["a", "b"], ["x,y", ""]])
@example([["a"], [" "], [""]])
def test_any_table_comes_back_cell_by_cell(written: list[list[str]]) -> None:
    """Whatever Python's csv module writes, quoted as it likes, is read back; blank rows keep their numbers."""
    width = len(written[0])
    names = [f"c{at}" for at in range(width)]
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(written)
    if not buffer.getvalue().strip():
        return
    try:
        table = parse(buffer.getvalue(), header_rows=0, columns=names)
    except Unreadable as refused:
        assert "is an HTML" in str(refused) or "XML" in str(refused) or "empty" in str(refused) or "is a" in str(refused)
        return
    # csv.writer writes an empty one-column row as "", which is a row, and blank rows are no rows.
    expected = [(at, *(cell or None for cell in row)) for at, row in enumerate(written, start=1) if any(row)]
    assert rows(table) == expected
    assert table.rejected.is_empty()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["1", "x"]), min_size=1, max_size=5), min_size=1, max_size=12))
def test_no_row_is_lost_however_ragged(written: list[list[str]]) -> None:
    text = "a,b,c\n" + "".join(",".join(row) + "\n" for row in written)
    try:
        table = parse(text)
    except Unreadable:
        return
    assert table.source_rows == len(written) == table.frame.height + table.rejected.height
    assert table.rejected["source_row"].to_list() == [at for at, row in enumerate(written, start=2) if len(row) != 3]


def test_the_two_ways_agree(tmp_path: Path) -> None:
    """Rows read by polars equal those of the csv module, which a ragged row at the end forces."""
    body = "".join(f'{at},"v {at}",\n' for at in range(1000))
    whole, cut = parse("a,b,c\n" + body), parse("a,b,c\n" + body + "1\n")
    assert cut.frame.equals(whole.frame)
    path = tmp_path / "x.csv"
    path.write_text("a,b,c\n" + body)
    assert read(path, Format(kind="csv"), max_bytes=10**6).frame.equals(whole.frame)
