"""What dbt declares agrees with what owns it: sources with record types, seeds with their files, models with their layers.

Reads the manifest of one parse; no warehouse is built.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.records import RECORD_TYPES
from tests.transform.harness import DBT_PROJECT, Warehouse, run_dbt
from tests.transform.landing_sources import FILES, seed_columns

AUDIENCES = {"public", "park", "enterprise", "auditor"}
PUBLIC_SCHEMAS = {"marts", "reference"}
STAGING_NAMES = {"process": "processes", "equipment": "equipment"}


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("manifest")
    run_dbt(folder / "warehouse.duckdb", "parse", change_seq=0, target_path=folder / "target", write_manifest=True)
    return json.loads((folder / "target" / "manifest.json").read_text(encoding="utf-8"))


def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_sources_are_what_record_types_and_seeds_say(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == FILES[path](), "run: python -m tests.transform.landing_sources"


@pytest.mark.parametrize("record", RECORD_TYPES.values(), ids=lambda record: record.name)
def test_staging_passes_every_column_of_a_record_on(template: Path, dbt_target: Path, record: Any) -> None:
    described = Warehouse(template, dbt_target).query(f"describe staging.stg_{STAGING_NAMES.get(record.name, record.name + 's')}")
    columns = {row["column_name"]: row["column_type"].lower() for row in described}
    expected = {column.name: column.duckdb_type for column in record.columns} | {"park_id": "varchar"}
    assert {name: columns.get(name) for name in expected} == expected


@pytest.mark.parametrize("seed", seed_columns())
def test_every_seed_is_loaded_as_text(template: Path, dbt_target: Path, seed: str) -> None:
    described = Warehouse(template, dbt_target).query(f"describe staging.{seed}")
    assert [(row["column_name"], row["column_type"]) for row in described] == [(name, "VARCHAR") for name in seed_columns()[seed]]


def test_a_numeric_looking_alias_keeps_its_zeros(template: Path, dbt_target: Path) -> None:
    found = Warehouse(template, dbt_target).query(
        "select parameter_code from staging.stg_parameter_aliases where alias = '011' and st = '32'"
    )
    assert found == [{"parameter_code": "w01018"}]


def test_every_model_and_column_is_described(manifest: dict[str, Any]) -> None:
    silent = [node["name"] for node in models(manifest) if not node["description"]]
    silent += [
        f"{node['name']}.{name}" for node in models(manifest) for name, column in node["columns"].items() if not column["description"]
    ]
    silent += [node["name"] for node in models(manifest) if not node["columns"]]
    assert not silent


def test_descriptions_begin_with_the_grain(manifest: dict[str, Any]) -> None:
    assert not [node["name"] for node in models(manifest) if not node["description"].startswith("One row")]


def test_every_public_column_has_an_audience(manifest: dict[str, Any]) -> None:
    without = [
        f"{node['name']}.{name}"
        for node in models(manifest)
        if node["schema"] in PUBLIC_SCHEMAS
        for name, column in node["columns"].items()
        if column["config"].get("meta", {}).get("audience") not in AUDIENCES
    ]
    assert not without


def test_public_tables_keep_their_contract_and_begin_with_the_park(manifest: dict[str, Any]) -> None:
    public = [node for node in models(manifest) if node["schema"] in PUBLIC_SCHEMAS]
    assert not [node["name"] for node in public if not node["config"]["contract"]["enforced"]]
    marts = [node for node in public if node["schema"] == "marts"]
    assert not [node["name"] for node in marts if next(iter(node["columns"])) != "park_id"]


def test_models_stand_in_the_four_schemas_without_a_prefix(manifest: dict[str, Any]) -> None:
    assert {node["schema"] for node in models(manifest)} == {"staging", "intermediate", "marts", "reference"}


def test_measurement_causes_are_what_the_tables_of_points_really_read(manifest: dict[str, Any]) -> None:
    """A cause that is missing here would leave points unbuilt; one too many would rebuild years for nothing."""
    point_level = [
        node["unique_id"] for node in models(manifest) if node["config"].get("meta", {}).get("touched", {}).get("measurement_only")
    ]
    assert len(point_level) >= 6
    read: set[str] = set()
    seen: set[str] = set()
    machinery = (
        "int_changed_point_dates",
        "int_touched_point_dates",
        "int_touched_enterprise_dates",
        "int_point_reach",
        "int_data_span",
        "int_local_days",
    )
    waiting = list(point_level)
    while waiting:
        unique_id = waiting.pop()
        if unique_id in seen or unique_id.split(".")[-1] in machinery:
            continue
        seen.add(unique_id)
        kind, *_, name = unique_id.split(".")
        if kind == "source":
            read.add(name.removeprefix("own_"))
        elif kind == "seed":
            read.add(name)
        else:
            waiting += manifest["nodes"][unique_id]["depends_on"]["nodes"]
    macro = (DBT_PROJECT / "macros" / "touched.sql").read_text(encoding="utf-8").split("macro measurement_causes()")[1]
    declared = set(json.loads(macro.split("return(")[1].split(")")[0].replace("'", '"')))
    assert read == declared


def test_incremental_models_are_of_strategy_touched_and_stop_on_a_changed_schema(manifest: dict[str, Any]) -> None:
    incremental = [node for node in models(manifest) if node["config"]["materialized"] == "incremental"]
    assert incremental
    assert not [node["name"] for node in incremental if node["config"]["incremental_strategy"] != "touched"]
    assert not [node["name"] for node in incremental if node["config"]["on_schema_change"] != "fail"]


def test_feeds_are_unknown_to_models(manifest: dict[str, Any]) -> None:
    """After landing nobody knows a feed's name."""
    assert not [node["name"] for node in models(manifest) if "feed_id =" in node["raw_code"] or "feed_id in" in node["raw_code"]]
