"""The feed contract by itself: what it means, what its fingerprint follows, how its problems are worded.

Contracts that must be refused stand in `invalid/`, and are read by tests/ingest/test_contract_check.py.
"""

from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from pipelines.contracts.feed import ContractError, FeedContract, Validity, load_contracts, load_park_file
from pipelines.contracts.records import LoadMode

TEXT = """
feed_id: a_feed
record: reading
owner: desk@park.example
source: {drop: "a_feed/*.csv"}
format: {kind: csv}
time: {column: time, pattern: "%Y-%m-%d", step: 1d}
source_kind: automatic
columns: {point_id: {template: "{plant}-{unit}"}}
values:
  - {column: SO2, parameter: a21026, statistic: avg, unit: mg/m3, fields: {sample_id: {column: number}}}
"""


def contract(**changes: object) -> FeedContract:
    return FeedContract.model_validate(yaml.safe_load(TEXT) | changes)


def test_parts_of_a_value_are_canonical_columns() -> None:
    [value] = contract().value_sources
    named = {name: source.column or source.value for name, source in value.canonical().items()}
    assert named == {"value": "SO2", "parameter_code": "a21026", "statistic": "avg", "unit_raw": "mg/m3", "sample_id": "number"}
    assert contract().columns["point_id"].source_columns == ["plant", "unit"]
    assert contract().time.step == timedelta(days=1)


def test_readings_are_added_and_registers_are_snapshots_unless_the_contract_says_otherwise() -> None:
    register = {"record": "point", "time": None, "values": None, "source_kind": None, "columns": {}}
    assert contract().mode is LoadMode.UPSERT
    assert contract(**register).mode is LoadMode.SNAPSHOT
    assert contract(load_mode="replaces_period").mode is LoadMode.REPLACES_PERIOD


def test_the_fingerprint_follows_what_changes_records_and_nothing_else() -> None:
    same = contract().fingerprint
    for changes in (
        {"owner": "other@park.example"},
        {"description": "x"},
        {"source": {"drop": "b/*.csv"}},
        {"expects": {"rows_per_day": 24}},
    ):
        assert contract(**changes).fingerprint == same, changes
    for changes in (
        {"format": {"kind": "csv", "decimal": ","}},
        {"time": {"column": "time", "pattern": "%Y-%m-%d", "step": "1d", "label": "end"}},
        {"empty": {"means": "missing"}},
        {"valid": {"from": date(2026, 1, 1)}},
        {"ignore": ["x"]},
        {"source_kind": "manual_lab"},
    ):
        assert contract(**changes).fingerprint != same, changes


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ((None, None), (None, None), True),
        ((None, date(2026, 1, 1)), (date(2026, 1, 1), None), False),
        ((None, date(2026, 1, 2)), (date(2026, 1, 1), None), True),
        ((date(2026, 1, 1), date(2026, 2, 1)), (date(2026, 1, 10), date(2026, 1, 11)), True),
    ],
)
def test_validities_are_half_open(one: tuple, other: tuple, together: bool) -> None:
    first, second = (Validity.model_validate({"from": low, "to": high}) for low, high in (one, other))
    assert first.overlaps(second) is together
    assert second.overlaps(first) is together


def test_problems_name_the_key_as_one_would_write_it(tmp_path: Path) -> None:
    """Wide and long layouts are two readings of one key; only the one that was meant is judged."""
    (tmp_path / "a_feed.yaml").write_text(TEXT.replace("statistic: avg", "statistik: avg"), encoding="utf-8")
    contracts, problems = load_contracts(tmp_path)
    assert contracts == []
    assert [str(problem) for problem in problems] == ["a_feed.yaml: values[0].statistik = 'avg': no such key; is it misspelt?"]


def test_words_that_yaml_takes_for_true_and_false(tmp_path: Path) -> None:
    text = TEXT.replace("column: number", "column: no") + "flags: {column: state, map: {on: N, off: F}}\n"
    (tmp_path / "a_feed.yaml").write_text(text, encoding="utf-8")
    _, problems = load_contracts(tmp_path)
    assert {problem.message for problem in problems} == {"YAML reads yes, no, on and off as true and false: put the word in quotes"}
    assert problems[0].key == "values[0].fields.sample_id.column"


def test_a_broken_file_costs_its_own_feed(tmp_path: Path) -> None:
    (tmp_path / "a_feed.yaml").write_text(TEXT, encoding="utf-8")
    (tmp_path / "b_feed.yaml").write_text("feed_id: [", encoding="utf-8")
    contracts, problems = load_contracts(tmp_path)
    assert [one.feed_id for one in contracts] == ["a_feed"]
    assert [problem.file for problem in problems] == ["b_feed.yaml"]


def test_the_parks_own_file(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="needs it, with park_id and zone"):
        load_park_file(tmp_path)
    (tmp_path / "_park.yaml").write_text("park_id: P 1\nzone: Asia/Shanghai\nname: x\n", encoding="utf-8")
    with pytest.raises(ContractError) as wrong:
        load_park_file(tmp_path)
    assert [problem.key for problem in wrong.value.problems] == ["park_id", "name"]
    (tmp_path / "_park.yaml").write_text("park_id: P1\nzone: Asia/Shanghai\n", encoding="utf-8")
    assert load_park_file(tmp_path).zone == "Asia/Shanghai"
