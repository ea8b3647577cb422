"""Conditions of the standards: what they read like, what is not known, and what is refused by name."""

import polars as pl
import pytest

from pipelines.assessment.conditions import ConditionError, check, parse

FACTS = pl.DataFrame({"grade": ["I", "III", None, "none"], "penalties_24m": [0.0, 2.0, 0.0, None], "audited": ["yes", "no", "yes", "yes"]})


def holds(text: str | None) -> list[bool | None]:
    return FACTS.with_columns(holds=parse(text).holds())["holds"].to_list()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("penalties_24m = 0", [True, False, True, None]),
        ("penalties_24m >= 2", [False, True, False, None]),
        ("penalties_24m != 0", [False, True, False, None]),
        ("penalties_24m < 0.5", [True, False, True, None]),
        ("grade in I|II", [True, False, None, False]),
        ("grade = none", [False, False, None, True]),
        ("audited != yes", [False, True, False, False]),
        # one false term decides whatever else is not known
        ("grade in I|II and penalties_24m = 0 and audited = yes", [True, False, None, False]),
        ("", [True] * 4),
        (None, [True] * 4),
    ],
)
def test_what_is_not_known_decides_nothing(text: str | None, expected: list[bool | None]) -> None:
    assert holds(text) == expected


def test_unknown_words_are_named() -> None:
    found = FACTS.with_columns(unknown=parse("grade in I and penalties_24m = 0").unknown())["unknown"].to_list()
    assert found == [[], [], ["grade"], ["penalties_24m"]]


@pytest.mark.parametrize("text", ["grade", "grade is I", "grade = ", "a = 1 or b = 2", "grade >= I", "= 1"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConditionError, match=r"must read|compares numbers"):
        parse(text)


def test_names_must_be_known() -> None:
    assert check("grade = I and audited = yes", ["grade", "audited"], "rule x").names == ("grade", "audited")
    with pytest.raises(ConditionError, match="rule x: 'weather = fine' names weather; known are audited, grade"):
        check("weather = fine", ["grade", "audited"], "rule x")


def test_a_condition_reads_as_it_was_written() -> None:
    text = "grade in I|II and penalties_24m = 0 and answer:EIP2:item >= 2.5"
    assert str(parse(text)) == text
    assert parse(text).names == ("grade", "penalties_24m", "answer:EIP2:item")
