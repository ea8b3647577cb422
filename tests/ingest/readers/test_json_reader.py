"""JSON documents and lines: numbers as written, nesting, and what becomes of a broken line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.feed import Format
from pipelines.ingest.readers import RawTable, Unreadable
from pipelines.ingest.readers.json import read_json, read_json_lines


def document(text: str | bytes, **given_format: object) -> RawTable:
    return read_json(text.encode() if isinstance(text, str) else text, Format(kind="json", **given_format), 2**30)


def lines(text: str | bytes, **given_format: object) -> RawTable:
    return read_json_lines(text.encode() if isinstance(text, str) else text, Format(kind="jsonl", **given_format), 2**30)


def refusal(text: str | bytes, read=document, **given_format: object) -> str:
    with pytest.raises(Unreadable) as refused:
        read(text, **given_format)
    return str(refused.value)


def test_numbers_keep_their_digits_and_keys_their_order() -> None:
    table = document('[{"t": "x", "v": 1.50, "id": 12345678901234567890}, {"v": -1e3, "ok": true, "t": ""}]')
    assert table.frame.columns == ["source_row", "t", "v", "id", "ok"]
    assert table.frame.rows() == [(1, "x", "1.50", "12345678901234567890", None), (2, None, "-1e3", None, "true")]


def test_nested_objects_become_dotted_columns_and_lists_stay_text() -> None:
    table = document('[{"a": {"b": {"c": 1}, "d": 2}}, {"a": null, "e": [1, "x"]}, {"a": 7}]')
    assert table.frame.columns == ["source_row", "a.b.c", "a.d", "a", "e"]
    assert table.frame.rows() == [(1, "1", "2", None, None), (2, None, None, None, '["1", "x"]'), (3, None, None, "7", None)]


def test_the_records_may_lie_deeper() -> None:
    text = '{"code": 0, "data": {"rows": [{"v": 1}]}}'
    assert document(text, record_path="data.rows").frame["v"].to_list() == ["1"]
    assert refusal(text, record_path="data.list") == "record_path 'data.list': there is no 'list'; the keys here are rows"
    assert refusal(text, record_path="code.x") == "record_path 'code.x': there is no 'x'; here is a text or number"
    assert refusal('{"rows": [], "n": 0}') == "the records are a single object, not a list of objects; record_path could name rows"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("<html></html>", "an HTML page"),
        ('[{"a": 1}, {"a"', "line 1, column 16: is not JSON"),
        ("[1, 2]", "the records are no objects (record 1 is a text or number, not an object)"),
        ("[" * 100_000, "is nested too deeply to be a table"),
        ("流量".encode("gb18030"), "the bytes are not utf-8"),
    ],
)
def test_what_is_no_document(text: str | bytes, words: str) -> None:
    assert words in refusal(text)


def test_a_record_that_is_no_object_is_set_aside() -> None:
    table = document('[{"a": 1}, 5, {"a": 2}]')
    assert table.frame["source_row"].to_list() == [1, 3]
    assert table.rejected.rows() == [(2, None, "not_a_record", "is a text or number, not an object", "5")]
    assert table.source_rows == 3


def test_lines_and_their_numbers() -> None:
    table = lines('{"a": 1}\n\n{"a": 2.0}\r\n{"b": "x"}')
    assert table.frame.rows() == [(1, "1", None), (3, "2.0", None), (4, None, "x")]


def test_a_broken_line_costs_itself() -> None:
    table = lines('{"a": 1}\n{"a": 2\n{"a": 3}\n{"a": 4}, {"a": 5}\n{"a": 6}\n')
    assert table.frame["a"].to_list() == ["1", "3", "6"]
    assert [(row, rule, text) for row, _, rule, _, text in table.rejected.rows()] == [
        (2, "not_a_record", '{"a": 2'),
        (4, "not_a_record", '{"a": 4}, {"a": 5}'),
    ]
    assert table.source_rows == 5


def test_mostly_broken_lines_are_no_json() -> None:
    assert "2 of 2 lines are not JSON (line 1 is not a JSON object" in refusal("a,b\n1,2\n", read=lines)
    assert refusal("\n \n", read=lines) == "the file is empty: it holds no text"


def test_other_encodings() -> None:
    text = '[{"流量": "大"}]'
    assert document(text.encode("utf-8-sig")).frame.rows() == [(1, "大")]
    assert document(text.encode("utf-16")).frame.rows() == [(1, "大")]
    assert document(text.encode("gb18030"), encoding="gb18030").frame.rows() == [(1, "大")]


values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), values, min_size=1), min_size=1, max_size=8))
def test_document_and_lines_agree(records: list[dict]) -> None:
    as_document = document(json.dumps(records))
    as_lines = lines("\n".join(json.dumps(record) for record in records))
    assert as_document.frame.equals(as_lines.frame)
    assert as_document.source_rows == as_lines.source_rows
