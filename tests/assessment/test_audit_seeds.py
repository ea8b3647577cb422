"""Seeds of the audit: files, descriptions, staging and reference models name the same columns, and say where they come from."""

import re
from pathlib import Path

import polars as pl
import pytest
import yaml

from pipelines.assessment.conditions import parse
from pipelines.contracts.standards import Standards
from tests.assessment.conftest import SEEDS

PROJECT = SEEDS.parent
REFERENCE = {
    "checklists": "checklist", "checklist_items": "checklist_item", "checklist_thresholds": "checklist_threshold",
    "checklist_choice_groups": "checklist_choice_group", "audit_phases": "audit_phase", "acceptance_schemes": "acceptance_scheme",
    "acceptance_items": "acceptance_item", "standing_rules": "standing_rule", "supervision_rules": "supervision_rule",
}  # fmt: skip
KEYS = {
    "checklists": ["checklist_id"], "checklist_items": ["checklist_id", "item_id"], "checklist_thresholds": ["checklist_id", "item_id", "position"],
    "checklist_choice_groups": ["checklist_id", "choice_group"], "audit_phases": ["step_code"], "acceptance_schemes": ["scheme_id", "stage"],
    "acceptance_items": ["scheme_id", "stage", "item_id"], "standing_rules": ["rule_id"], "supervision_rules": ["rule_id"],
}  # fmt: skip


def described(path: Path, kind: str) -> dict[str, list[dict]]:
    return {node["name"]: node["columns"] for node in yaml.safe_load(path.read_text(encoding="utf-8"))[kind]}


@pytest.mark.parametrize("seed", REFERENCE)
def test_every_column_is_described_staged_and_published(seed: str, shipped_standards: Standards) -> None:
    header = shipped_standards.base[seed].columns
    columns = described(SEEDS / "_audit__seeds.yml", "seeds")[seed]
    assert [column["name"] for column in columns] == header
    assert all(column["description"] for column in columns)
    published = described(PROJECT / "models" / "reference" / "_audit__reference.yml", "models")[REFERENCE[seed]]
    assert [column["name"] for column in published] == ["park_id", *header, "origin"]
    assert {column["config"]["meta"]["audience"] for column in published} == {"public"}
    staged = (PROJECT / "models" / "staging" / "standards" / f"stg_{seed}.sql").read_text(encoding="utf-8")
    assert re.findall(r"'(\w+)'", staged.split("]")[0].split("[")[1]) == header
    model = (PROJECT / "models" / "reference" / f"{REFERENCE[seed]}.sql").read_text(encoding="utf-8")
    assert f"ref('stg_{seed}')" in model


@pytest.mark.parametrize("seed", REFERENCE)
def test_a_key_stands_once(seed: str, shipped_standards: Standards) -> None:
    assert not shipped_standards.base[seed].select(*KEYS[seed], "valid_from").is_duplicated().any()


@pytest.mark.parametrize("seed", REFERENCE)
def test_what_this_project_proposes_is_called_unverified(seed: str, shipped_standards: Standards) -> None:
    """No proposal of ours passes for a norm, and nothing recalled for something read."""
    rows = shipped_standards.base[seed]
    proposed = pl.col("source_ref").str.contains("proposal of this project")
    assert set(rows.filter(proposed)["verification_status"]) <= {"unverified"}
    from_memory = pl.col("source_ref").str.contains("from memory")
    assert set(rows.filter(from_memory)["verification_status"]) <= {"recalled", "unverified"}
    assert "primary_source" not in set(rows["verification_status"])


def test_everything_names_what_exists(shipped_standards: Standards) -> None:
    seeds = {name: shipped_standards.base[name] for name in REFERENCE}
    for name in ("checklist_items", "checklist_choice_groups"):
        assert set(seeds[name]["checklist_id"]) <= set(seeds["checklists"]["checklist_id"])
    items = seeds["checklist_items"].select("checklist_id", "item_id")
    assert seeds["checklist_thresholds"].join(items, on=["checklist_id", "item_id"], how="anti").is_empty()
    groups = seeds["checklist_items"].drop_nulls("choice_group").select("checklist_id", "choice_group").unique()
    assert groups.join(seeds["checklist_choice_groups"], on=["checklist_id", "choice_group"], how="anti").is_empty()
    schemes = seeds["acceptance_schemes"].select("scheme_id", "stage")
    assert seeds["acceptance_items"].join(schemes, on=["scheme_id", "stage"], how="anti").is_empty()
    roles = set(seeds["audit_phases"]["responsible_role"])
    assert roles <= {"enterprise", "park", "third_party", "bureau"}


def test_conditions_can_be_read(shipped_standards: Standards) -> None:
    for seed, column in (("checklist_thresholds", "condition"), ("standing_rules", "condition"), ("acceptance_items", "computed_by")):
        for text in shipped_standards.base[seed][column].drop_nulls():
            assert str(parse(text)) == text, seed
