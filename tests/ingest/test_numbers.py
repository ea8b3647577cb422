"""Texts to numbers, one by one."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.feed import Format
from pipelines.ingest.numbers import holds_word, read_numbers

POINT = Format(kind="csv", null_values=["--", "NA", "-200", "999,9"])
COMMA = Format(kind="csv", decimal=",", null_values=["-200"])


def one(text: str | None, file_format: Format = POINT) -> tuple[float | None, str, str | None]:
    """(value, what it was taken for, qualifier)."""
    numbers = read_numbers(pl.Series([text], dtype=pl.String), file_format)
    taken = "refused" if numbers.refused_at.len() else "empty" if numbers.empty[0] else "number"
    return numbers.value[0], taken, numbers.qualifier[0] if numbers.qualifier is not None else None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0), ("-1.5", -1.5), ("+3", 3.0), (".399", 0.399), ("5.", 5.0), ("1.2E+03", 1200.0), ("1e-3", 0.001), (" 12.5 ", 12.5),
        ("1,234.5", 1234.5), ("12,345,678", 12345678.0), ("1 234.5", 1234.5), ("1\u00a0234", 1234.0), ("1'234", 1234.0), ("１２．５", 12.5), ("−5", -5.0),
    ],
)  # fmt: skip
def test_numbers(text: str, value: float) -> None:
    assert one(text) == (value, "number", None)


@pytest.mark.parametrize(
    ("text", "value"), [("1,5", 1.5), ("13,6", 13.6), ("1.234", 1234.0), ("1.234,5", 1234.5), ("7", 7.0), ("-0,5", -0.5), (",5", 0.5)]
)
def test_numbers_with_a_decimal_comma(text: str, value: float) -> None:
    assert one(text, COMMA) == (value, "number", None)


def test_typed_formats_have_points_whatever_the_contract_says_of_commas() -> None:
    excel = Format(kind="excel", decimal=",")
    assert one("1.5", excel)[0] == 1.5
    assert one("1,5", excel)[0] == 1.5


@pytest.mark.parametrize("text", [None, "", " ", "--", " NA ", "-200", "-200.0", "-200.00", "-2e2"])
def test_empty_cells_and_sentinels_however_they_are_written(text: str | None) -> None:
    assert one(text) == (None, "empty", None)


@pytest.mark.parametrize("text", ["-200", "-200,0", "-200,00"])
def test_sentinels_with_a_decimal_comma(text: str) -> None:
    assert one(text, COMMA) == (None, "empty", None)


@pytest.mark.parametrize(
    ("text", "value", "qualifier"),
    [("<0.05", 0.05, "<"), ("< 0.05", 0.05, "<"), ("＜0.05", 0.05, "<"), ("0.05L", 0.05, "<"), (">100", 100.0, ">"), ("ND", None, "<"),
     ("n.d.", None, "<"), ("未检出", None, "<"), ("<DL", None, "<")],
)  # fmt: skip
def test_qualifiers(text: str, value: float | None, qualifier: str) -> None:
    assert one(text) == (value, "number", qualifier)


@pytest.mark.parametrize(
    "text", ["abc", "1,5", "12,34", "1,2345", "5%", "5 mg", "0.05 L", "NaN", "inf", "-inf", "1e400", "<", "<ND", "<0.05L", "1.2.3", "0x10", "1_000", "#DIV/0!"]
)  # fmt: skip
def test_what_is_no_number_is_refused(text: str) -> None:
    assert one(text) == (None, "refused", None)


def test_a_point_where_commas_are_decimal_is_refused_unless_it_groups_thousands() -> None:
    assert one("1.5", COMMA)[1] == "refused"


def test_the_reason_says_what_would_be_right() -> None:
    numbers = read_numbers(pl.Series(["ok?", "1e999"]), POINT)
    assert numbers.refused_at.to_list() == [0, 1]
    assert numbers.refused_reason.to_list() == [
        "is not a number; right would be 1234.5 (decimal '.'), <0.05, ND, or one of the contract's null_values ('--', 'NA', '-200', '999,9')",
        "is no finite number",
    ]


def test_nan_may_be_called_null() -> None:
    assert one("NaN", Format(kind="csv", null_values=["NaN"])) == (None, "empty", None)


@given(st.lists(st.none() | st.sampled_from(["1", "2.5", "-200", "", "ND", "x", "<3", "1,000"]) | st.text(max_size=4), max_size=20))
def test_every_cell_is_exactly_one_thing(texts: list[str | None]) -> None:
    """A value, empty, refused, or a non-detect without a number; and alone it is the same as in company."""
    numbers = read_numbers(pl.Series(texts, dtype=pl.String), POINT)
    refused = set(numbers.refused_at.to_list())
    for at, text in enumerate(texts):
        qualifier = numbers.qualifier[at] if numbers.qualifier is not None else None
        kinds = [numbers.value[at] is not None, numbers.empty[at], at in refused, numbers.value[at] is None and qualifier == "<"]
        assert sum(kinds) == 1, text
        assert one(text)[0] == numbers.value[at]


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: number != -200))
def test_any_float_is_read_back_exactly(number: float) -> None:
    assert one(repr(number))[0] == number


def test_words_compare_as_numbers_where_they_are_numbers() -> None:
    cells = pl.Series(["0", "0.0", " 0.00", "off", "1", None, ""])
    assert holds_word(cells, ["0", "off"], POINT).to_list() == [True, True, True, True, False, False, False]
