"""Contracts that must be refused, one file each with the words it must be refused in; and contracts that must not."""

import time
from datetime import date
from pathlib import Path

import pytest

from pipelines.contracts.feed import load_contracts, load_park_file
from pipelines.ingest.contract_check import check
from pipelines.ingest.references import References
from tests.ingest.given import contract, point, record_contract, references

INVALID = Path(__file__).resolve().parents[1] / "contracts" / "invalid"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def registered() -> References:
    return references(
        point=[point("S1"), point("S2"), point("OLD", valid_to=date(2010, 1, 1))],
        enterprise=[{"enterprise_id": "E1", "park_id": "P", "name": "One"}],
        product=[{"enterprise_id": "E1", "product_code": "PCB-2", "name": "Board", "unit": "m2"}],
        identifier=[{"scheme": "grid_account", "value": "033", "entity_kind": "point", "entity_id": "S1"}],
    )


def said(contracts: list, against: References) -> list[str]:
    return [str(problem) for problem in check(contracts, against)]


@pytest.mark.parametrize("path", sorted(INVALID.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_invalid_contract_is_refused_in_these_words(path: Path, registered: References, tmp_path: Path) -> None:
    """Each problem names file, key and value; the file's first lines say what else it must say, and no other problem may appear."""
    text = path.read_text(encoding="utf-8")
    expected = [line.removeprefix("# expect: ") for line in text.splitlines() if line.startswith("# expect: ")]
    assert expected
    (tmp_path / path.name).write_text(text, encoding="utf-8")
    contracts, unreadable = load_contracts(tmp_path)
    found = [str(problem) for problem in unreadable] + said(contracts, registered)
    assert all(problem.startswith(f"{path.name}: ") for problem in found)
    for words in expected:
        assert any(words in problem for problem in found), found
    assert len(found) <= len(expected)


def test_all_problems_of_all_files_come_together(registered: References) -> None:
    """One run over the folder says everything: a broken file does not hide another's problems."""
    contracts, unreadable = load_contracts(INVALID)
    files = {problem.file for problem in [*unreadable, *check(contracts, registered)]}
    assert files == {path.name for path in INVALID.glob("*.yaml")}


def test_a_right_contract_has_no_problems(registered: References) -> None:
    assert said([contract()], registered) == []


def test_before_the_registers_have_come_nothing_is_unknown() -> None:
    assert said([contract()], references(point=[])) == []


@pytest.mark.parametrize(
    ("one", "other", "claimed"),
    [
        ({}, {}, True),
        ({"from": date(2025, 1, 1)}, {"from": date(2026, 1, 1)}, True),
        ({"to": date(2026, 1, 1)}, {"from": date(2026, 1, 1)}, False),
        ({"from": date(2024, 1, 1), "to": date(2025, 1, 1)}, {"from": date(2026, 1, 1)}, False),
    ],
)
def test_two_feeds_may_not_claim_a_channel_at_once(one: dict, other: dict, claimed: bool, registered: References) -> None:
    found = said([contract(feed_id="first", valid=one), contract(feed_id="second", valid=other)], registered)
    assert len(found) == claimed
    if claimed:
        assert found[0].startswith("second.yaml: values[0] = 'S1 a21026 avg automatic': is claimed by first.yaml values[0] too, both from ")


def test_claims_see_through_aliases_and_maps(registered: References) -> None:
    alias = {"column": "v", "point": "S1", "parameter": "二氧化硫", "statistic": "avg", "unit": "mg/m3"}
    mapped = {
        "value": {"column": "v"}, "unit": "mg/m3", "statistic": {"column": "s", "map": {"mean": "avg"}},
        "point": {"column": "p", "map": {"one": "S1", "two": "S2"}}, "parameter": {"column": "q", "map": {"so2": "a21026", "nox": "a21002"}},
    }  # fmt: skip
    found = said(
        [contract(feed_id="first"), contract(feed_id="second", values=[alias]), contract(feed_id="third", values=mapped)], registered
    )
    assert [problem.split(":")[0] for problem in found] == ["second.yaml", "third.yaml", "third.yaml"]


def test_the_same_channel_by_another_way_or_as_another_figure_is_welcome(registered: References) -> None:
    value = {"column": "value", "point": "S1", "parameter": "a21026", "statistic": "max", "unit": "mg/m3"}
    others = [contract(feed_id="second", source_kind="platform_copy"), contract(feed_id="third", values=[value])]
    assert said([contract(feed_id="first"), *others], registered) == []


def test_many_shared_channels_are_one_problem(registered: References) -> None:
    values = [
        {"column": f"v{n}", "point": "S1", "parameter": code, "statistic": "avg", "unit": "mg/m3"}
        for n, code in enumerate(["SO2", "NOx", "CO"])
    ]
    [found] = said([contract(feed_id="first", values=values), contract(feed_id="second", values=values)], registered)
    assert "is claimed by first.yaml values[0] too and 2 more" in found


def test_five_hundred_contracts_take_seconds_not_minutes() -> None:
    names = [f"S{number}" for number in range(500)]
    known = references(point=[point(name) for name in names])
    codes = ["a21026", "a21002", "a34013", "a21005", "a21024", "a24088", "a25002", "a25003", "a25005", "a21001"]
    contracts = [
        contract(
            feed_id=f"feed_{name.lower()}",
            values=[{"column": code, "point": name, "parameter": code, "statistic": "avg", "unit": "mg/m3"} for code in codes],
        )
        for name in names
    ]
    started = time.perf_counter()
    assert check(contracts, known) == []
    assert time.perf_counter() - started < 5


def test_a_registers_own_feed_brings_its_ids(registered: References) -> None:
    new = record_contract("point", columns={"enterprise_id": "E77", "point_id": {"column": "id"}, "valid_from": "2026-01-01"})
    assert said([new], registered) == []


@pytest.mark.parametrize("folder", ["pipelines/feeds", "examples/real_park/feeds"])
def test_the_contracts_that_come_with_the_project_are_right(folder: str) -> None:
    """Against standards and units; their points are checked when their registers have been delivered."""
    contracts, problems = load_contracts(ROOT / folder)
    assert [str(problem) for problem in problems] == []
    assert load_park_file(ROOT / folder).zone
    assert said(contracts, references(point=[])) == []
