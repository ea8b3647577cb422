"""Perimeters: what an entity was and became, seen from the day it is asked for."""

from datetime import date

import pytest

from pipelines.assessment.lineage import Perimeter, perimeter
from tests.assessment.measures import rows

DAY = date(2024, 4, 1)
BEFORE, AFTER = date(2024, 1, 1), date(2025, 1, 1)


def relation(from_id: str, to_id: str, word: str, day: date = DAY, kind: str = "enterprise") -> dict:
    return {"entity_kind": kind, "from_id": from_id, "to_id": to_id, "relation": word, "effective_date": day}


def of(entity: str, as_of: date, *relations: dict) -> Perimeter:
    return perimeter(rows("entity_relation", *relations), "enterprise", entity, as_of)


def test_nothing_happened() -> None:
    assert of("A", BEFORE) == Perimeter(("A",))
    assert of("A", BEFORE, relation("X", "Y", "merged_into"), relation("B", "A", "merged_into", kind="point")) == Perimeter(("A",))


@pytest.mark.parametrize("as_of", [BEFORE, AFTER])
def test_what_merged_in_belongs_to_it_whenever_one_asks(as_of: date) -> None:
    assert of("A", as_of, relation("B", "A", "merged_into")) == Perimeter(("A", "B"), ("with B, merged in on 2024-04-01",))


def test_mergers_of_mergers() -> None:
    found = of("A", BEFORE, relation("C", "B", "merged_into", date(2023, 1, 1)), relation("B", "A", "merged_into"))
    assert found.ids == ("A", "B", "C")
    assert (found.begins, found.ends) == (None, None)


def test_what_merged_into_another_ends() -> None:
    found = of("B", BEFORE, relation("B", "A", "merged_into"))
    assert (found.ids, found.ends, found.notes) == (("B",), DAY, ("B is part of A since 2024-04-01",))


def test_a_split_belongs_to_it_if_it_came_after() -> None:
    split = relation("A", "B", "split_from")
    assert of("A", BEFORE, split).ids == ("A", "B")
    assert of("A", AFTER, split).ids == ("A",)


def test_what_was_split_off_begins() -> None:
    found = of("B", AFTER, relation("A", "B", "split_from"))
    assert (found.ids, found.begins, found.notes) == (("B",), DAY, ("B was part of A before 2024-04-01",))


def test_a_new_name_is_followed_both_ways() -> None:
    renamed = relation("A", "A2", "renamed")
    assert of("A", BEFORE, renamed).ids == ("A", "A2")
    assert of("A2", AFTER, renamed).ids == ("A2", "A")
    assert of("A2", AFTER, relation("A", "A2", "moved")).ids == ("A2", "A")


def test_what_was_split_off_and_came_back_is_whole() -> None:
    found = of("A", BEFORE, relation("A", "B", "split_from"), relation("B", "A", "merged_into", date(2025, 6, 1)))
    assert (found.ids, found.begins, found.ends) == (("A", "B"), None, None)


def test_a_circle_ends() -> None:
    assert of("A", BEFORE, relation("A", "B", "renamed"), relation("B", "A", "renamed", date(2025, 1, 1))).ids == ("A", "B")
