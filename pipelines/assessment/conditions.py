"""Conditions that stand in the standards, as `grade in I|II and penalties_24m = 0`: read, checked and evaluated.

A condition is a list of terms that must all hold. What is not known makes it unknown, never false: only a term that is
false decides. Which names a condition may use is said by who evaluates it.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import polars as pl

OPERATORS = ("<=", ">=", "!=", "=", "<", ">", "in")
_TERM = re.compile(r"^(?P<name>[A-Za-z_][\w.:-]*)\s*(?P<operator><=|>=|!=|=|<|>|\bin\b)\s*(?P<value>[^\s<>=!]+)$")


class ConditionError(ValueError):
    """A condition cannot be read, or names what is not there; the message holds the text and what would be right."""


@dataclass(frozen=True)
class Term:
    """`name operator value`; a number is compared as a number, a word as a word, `in` takes words joined with `|`."""

    name: str
    operator: str
    value: str

    @property
    def number(self) -> float | None:
        try:
            return float(self.value)
        except ValueError:
            return None

    def holds(self) -> pl.Expr:
        """True, false, or null where the column is null."""
        if self.operator == "in":
            return pl.col(self.name).cast(pl.String).is_in(self.value.split("|"))
        if self.number is None:
            column = pl.col(self.name).cast(pl.String)
            return column == self.value if self.operator == "=" else column != self.value
        column, value = pl.col(self.name).cast(pl.Float64), self.number
        match self.operator:
            case "=":
                return column == value
            case "!=":
                return column != value
            case "<":
                return column < value
            case "<=":
                return column <= value
            case ">":
                return column > value
            case _:
                return column >= value

    def __str__(self) -> str:
        return f"{self.name} {self.operator} {self.value}"


@dataclass(frozen=True)
class Condition:
    """Terms that must all hold; without terms it always does."""

    terms: tuple[Term, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(term.name for term in self.terms))

    def holds(self) -> pl.Expr:
        """True where every term is, false where one is false, else null: what is not known decides nothing."""
        return pl.all_horizontal(pl.lit(True), *(term.holds() for term in self.terms))

    def unknown(self) -> pl.Expr:
        """Names that are not known, as a list of words."""
        found = [pl.when(pl.col(name).is_null()).then(pl.lit(name)) for name in self.names]
        return pl.concat_list(*found).list.drop_nulls() if found else pl.lit([], dtype=pl.List(pl.String))

    def __str__(self) -> str:
        return " and ".join(map(str, self.terms))


@cache
def parse(text: str | None) -> Condition:
    """Read a condition; null and the empty text always hold.

    Raises ConditionError with the term that cannot be read.
    """
    terms = []
    for part in re.split(r"\s+and\s+", text.strip()) if text and text.strip() else []:
        found = _TERM.match(part.strip())
        if found is None:
            raise ConditionError(f"{text!r}: {part!r} must read `name operator value`, the operator one of {', '.join(OPERATORS)}")
        term = Term(found["name"], found["operator"], found["value"])
        if term.number is None and term.operator in ("<", "<=", ">", ">="):
            raise ConditionError(f"{text!r}: {term.value!r} is no number, and {term.operator} compares numbers")
        terms.append(term)
    return Condition(tuple(terms))


def check(text: str | None, known: Collection[str], where: str) -> Condition:
    """Read a condition whose names must be known.

    Raises ConditionError that says where the condition stands and which names there are.
    """
    try:
        condition = parse(text)
    except ConditionError as error:
        raise ConditionError(f"{where}: {error}") from None
    if unknown := [name for name in condition.names if name not in known]:
        raise ConditionError(f"{where}: {text!r} names {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return condition
