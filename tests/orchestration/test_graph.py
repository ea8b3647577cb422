"""The graph of the real project: what is in it, what depends on what, and that nothing silently drops out of it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from pipelines.contracts.feed import load_contracts
from pipelines.orchestration.graph import build_defs
from pipelines.orchestration.keys import AUDIT, JOB, PUBLICATION, landing_key
from pipelines.orchestration.resources import BUILD
from pipelines.settings import CHECKOUT, Settings
from pipelines.transform.dbt import parsed_manifest

SNAPSHOT = Path(__file__).with_name("graph.txt")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("graph"), feeds_dir=CHECKOUT / "pipelines" / "feeds")
    settings.make_folders()
    return settings


@pytest.fixture(scope="module")
def manifest(real: Settings) -> dict[str, Any]:
    return json.loads(parsed_manifest(real).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def defs(real: Settings, manifest: dict[str, Any]) -> dg.Definitions:
    return build_defs(settings=real, manifest=manifest)


def listing(defs: dg.Definitions) -> str:
    """Everything that has a name other people may depend on."""
    graph = defs.resolve_asset_graph()
    lines = [f"asset {key.to_user_string()} ({graph.get(key).group_name})" for key in sorted(graph.materializable_asset_keys)]
    lines += [f"job {job.name}" for job in defs.resolve_all_job_defs() if not job.name.startswith("__")]
    lines += [f"schedule {schedule.name} {schedule.cron_schedule} {schedule.execution_timezone}" for schedule in defs.schedules or []]
    lines += [f"sensor {sensor.name}" for sensor in defs.sensors or []]
    return "\n".join(lines) + "\n"


def test_names_in_the_graph_change_only_on_purpose(defs: dg.Definitions) -> None:
    found, written = listing(defs).splitlines(), SNAPSHOT.read_text(encoding="utf-8").splitlines()
    gone, new = sorted(set(written) - set(found)), sorted(set(found) - set(written))
    assert found == written, f"gone: {gone}; new: {new}. If that is meant: python -m tests.orchestration.test_graph"


def test_the_graph_has_no_loose_ends(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    external = graph.get_all_asset_keys() - graph.materializable_asset_keys
    assert not external, f"something depends on assets that nothing makes: {sorted(external)}"


def test_every_contract_is_an_asset(defs: dg.Definitions, real: Settings) -> None:
    graph = defs.resolve_asset_graph()
    for contract in load_contracts(real.feeds_dir)[0]:
        node = graph.get(dg.AssetKey(["feeds", contract.feed_id]))
        assert node.group_name == ("registers" if contract.record_type.is_register else contract.record)
        assert node.owners == [contract.owner]
        assert node.kinds == {contract.format.kind.value}
        assert node.description
        assert landing_key(contract.record) in graph.get_ancestor_asset_keys(PUBLICATION), "what the feed brings is published"


def test_registers_come_before_everything_that_is_read_with_them(defs: dg.Definitions, real: Settings) -> None:
    graph = defs.resolve_asset_graph()
    for contract in load_contracts(real.feeds_dir)[0]:
        ancestors = graph.get_ancestor_asset_keys(dg.AssetKey(["feeds", contract.feed_id]))
        assert (landing_key("identifier") in ancestors) is not contract.record_type.is_register


def test_the_closing_step_hangs_on_admission_alone_and_comes_last(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    assert {key.path[0] for key in graph.get(AUDIT).parent_keys} == {"landing"}
    job = defs.resolve_job_def(JOB)
    priorities = {node.name: int(node.tags.get("dagster/priority", 0)) for node in job.nodes}
    [closing] = [name for name, priority in priorities.items() if priority == min(priorities.values())]
    assert closing == "audit__build"


def test_every_step_holds_the_lock(defs: dg.Definitions) -> None:
    job = defs.resolve_job_def(JOB)
    without = [node.name for node in job.nodes if BUILD not in node.definition.required_resource_keys]
    assert not without, "a step without the build would run beside another run's writing"


def test_the_job_runs_in_one_process(defs: dg.Definitions) -> None:
    assert defs.resolve_job_def(JOB).executor_def is dg.in_process_executor
    assert defs.executor is dg.in_process_executor, "what somebody materialises in the UI too"


def test_every_dbt_test_is_a_check(defs: dg.Definitions, manifest: dict[str, Any]) -> None:
    """A singular test over several models is one only if its meta says on which model (meta.dagster.ref)."""
    checks = {key.name for key in defs.resolve_asset_graph().asset_check_keys}
    tests = {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "test"}
    on_sources_only = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and all(parent.startswith("source.") for parent in node["depends_on"]["nodes"])
    }
    assert not tests - checks - on_sources_only


def test_every_expectation_on_a_mart_is_a_check_and_critical_ones_block(defs: dg.Definitions, real: Settings) -> None:
    graph = defs.resolve_asset_graph()
    gates = [graph.get(key) for key in graph.asset_check_keys if key.name.startswith("gate_")]
    declared = [
        (suite["table"], rule["severity"])
        for path in real.expectations.glob("*.yaml")
        if "subject_column" not in (suite := yaml.safe_load(path.read_text(encoding="utf-8")))
        for rule in suite["expectations"]
    ]
    assert len(gates) == len(declared) > 0
    assert sum(gate.blocking for gate in gates) == sum(severity == "critical" for _, severity in declared) > 0
    assert {".".join(gate.key.asset_key.path) for gate in gates} == {table for table, _ in declared}


def test_a_broken_contract_keeps_its_place(settings: Settings, manifest: dict[str, Any], write_feed: Callable[..., Path]) -> None:
    write_feed("good")
    write_feed("broken", "feed_id: [")
    write_feed("misspelt", (settings.feeds_dir / "good.yaml").read_text().replace("good", "misspelt") + "ownr: me\n")
    graph = build_defs(settings=settings, manifest=manifest).resolve_asset_graph()
    feeds = {key.path[1]: graph.get(key).group_name for key in graph.materializable_asset_keys if key.path[0] == "feeds"}
    assert feeds == {"good": "reading", "broken": "broken_contracts", "misspelt": "broken_contracts"}
    assert dg.AssetKey(["feeds", "broken"]) in graph.get_ancestor_asset_keys(landing_key("reading"))


def test_a_home_without_feeds_is_a_graph_too(settings: Settings, manifest: dict[str, Any]) -> None:
    graph = build_defs(settings=settings, manifest=manifest).resolve_asset_graph()
    assert not [key for key in graph.materializable_asset_keys if key.path[0] == "feeds"]
    assert PUBLICATION in graph.materializable_asset_keys


def test_dagster_validates_the_definitions(real: Settings) -> None:
    environment = os.environ | {"PARK_AUDIT_HOME": str(real.home), "DAGSTER_HOME": str(real.dagster_home), "DAGSTER_DISABLE_TELEMETRY": "1"}
    environment.pop("PARK_AUDIT_FEEDS", None)
    command = [str(Path(sys.executable).with_name("dagster")), "definitions", "validate", "-w", "workspace.yaml"]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "park_audit" in done.stdout + done.stderr


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        home = Settings(home=Path(folder), feeds_dir=CHECKOUT / "pipelines" / "feeds")
        home.make_folders()
        SNAPSHOT.write_text(listing(build_defs(settings=home)), encoding="utf-8")
