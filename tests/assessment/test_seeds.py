"""The index seeds, their dbt description, and the reference tables made of them name the same columns."""

import re
from pathlib import Path

import pytest
import yaml

from pipelines.assessment.index_system import GROUPS, INDICATORS, SYSTEMS, THRESHOLDS
from pipelines.contracts.standards import Standards
from tests.assessment.conftest import SEEDS

PROJECT = SEEDS.parent
REFERENCE = {SYSTEMS: "index_system", GROUPS: "index_group", INDICATORS: "index_indicator", THRESHOLDS: "index_threshold"}
ADDED = {"park_id", "origin", "weight_text"}
"""Columns of the reference tables that the seeds have not: whose row it is, and the weight before it became a number."""


def described(path: Path, kind: str) -> dict[str, list[dict]]:
    return {node["name"]: node["columns"] for node in yaml.safe_load(path.read_text(encoding="utf-8"))[kind]}


@pytest.mark.parametrize("seed", REFERENCE)
def test_every_column_of_a_seed_is_described_and_published(seed: str, shipped_standards: Standards) -> None:
    header = shipped_standards.base[seed].columns
    columns = described(SEEDS / "index_seeds.yml", "seeds")[seed]
    assert [column["name"] for column in columns] == header
    assert all(column["description"] for column in columns)
    published = described(PROJECT / "models" / "reference" / "index_reference.yml", "models")[REFERENCE[seed]]
    assert {column["name"] for column in published} - ADDED == set(header)
    assert {column["config"]["meta"]["audience"] for column in published} == {"public"}
    staged = (PROJECT / "models" / "staging" / "standards" / f"stg_{seed}.sql").read_text(encoding="utf-8")
    assert re.findall(r"'(\w+)'", staged.split("]")[0].split("[")[1]) == header


def test_each_reference_model_reads_its_own_seed() -> None:
    for seed, model in REFERENCE.items():
        assert f"ref('stg_{seed}')" in (PROJECT / "models" / "reference" / f"{model}.sql").read_text(encoding="utf-8")
