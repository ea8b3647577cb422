"""The Dagster instance of a home: telemetry off, one run at a time, and a storage that keeps its connections."""

import os
import sqlite3
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

from pipelines.orchestration.event_log import PooledSqliteEventLogStorage
from pipelines.orchestration.instance import INSTANCE_FILE, home_instance, write_instance_file
from pipelines.settings import Settings


def test_the_instance_is_the_homes_own(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with home_instance(settings) as instance:
        assert not instance.telemetry_enabled
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 1
        assert instance.run_monitoring_enabled, "a killed run would hold the queue for ever"
        assert not instance.run_retries_enabled, "a whole night that failed is looked at, not repeated"
        assert isinstance(instance.event_log_storage, PooledSqliteEventLogStorage)
        assert Path(instance.event_log_storage._base_dir).is_relative_to(settings.dagster_home)
    assert "DAGSTER_HOME" not in os.environ


def test_an_instance_file_of_the_operators_own_is_left_alone(settings: Settings) -> None:
    (settings.dagster_home / INSTANCE_FILE).write_text("telemetry: {enabled: false}\n")
    write_instance_file(settings)
    assert (settings.dagster_home / INSTANCE_FILE).read_text() == "telemetry: {enabled: false}\n"


@dg.asset(check_specs=[dg.AssetCheckSpec("positive", asset="measured")])
def measured() -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={"rows": 3}, check_results=[dg.AssetCheckResult(asset_key="measured", check_name="positive", passed=True)]
    )


@dg.asset(deps=[measured])
def broken() -> None:
    raise ValueError("as planned")


def _run(instance: dg.DagsterInstance) -> list[tuple]:
    dg.materialize([measured, broken], instance=instance, raise_on_error=False)
    return [_row(record.event_log_entry) for run in instance.get_runs() for record in instance.get_records_for_run(run.run_id).records]


def _row(entry: dg.EventLogEntry) -> tuple:
    event = entry.dagster_event
    return (event.event_type_value, event.step_key, event.asset_key.to_user_string() if event.asset_key else None) if event else ("log",)


def test_the_pooled_storage_holds_what_the_stock_one_holds(tmp_path: Path, settings: Settings) -> None:
    """It overrides a private method: whatever a new Dagster does with it, runs must be stored the same."""
    (tmp_path / "stock").mkdir()
    (tmp_path / "stock" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(tmp_path / "stock")) as instance:
        assert type(instance.event_log_storage) is SqliteEventLogStorage
        stock = _run(instance)
    with home_instance(settings) as instance:
        pooled = _run(instance)
    assert pooled == stock
    assert ("ASSET_MATERIALIZATION", "measured", "measured") in pooled and any(row[0] == "STEP_FAILURE" for row in pooled)


def test_a_stock_dagster_reads_what_the_pooled_storage_wrote(settings: Settings) -> None:
    with home_instance(settings) as instance:
        _run(instance)
        [run] = instance.get_runs()
    stock = DagsterSqliteStorage(str(settings.dagster_home))
    try:
        events = stock.event_log_storage.get_records_for_run(run.run_id).records
        assert any(
            record.event_log_entry.dagster_event.event_type_value == "STEP_FAILURE"
            for record in events
            if record.event_log_entry.dagster_event
        )
        assert stock.event_log_storage.get_latest_materialization_events([dg.AssetKey("measured")])[dg.AssetKey("measured")] is not None
    finally:
        stock.dispose()


def test_few_connections_stay_open_whatever_the_number_of_runs(settings: Settings) -> None:
    with home_instance(settings) as instance:
        for _ in range(9):
            dg.materialize([measured], instance=instance)
        storage = instance.event_log_storage
        assert len(storage._engines) <= 8
        assert len(instance.get_runs()) == 9
        assert all(instance.get_records_for_run(run.run_id).records for run in instance.get_runs()), "a shard that was closed opens again"


def test_wiping_closes_the_files_first(settings: Settings) -> None:
    with home_instance(settings) as instance:
        dg.materialize([measured], instance=instance)
        instance.wipe()
        dg.materialize([measured], instance=instance)
        assert len(instance.get_runs()) == 1
    databases = list((settings.dagster_home / "history" / "runs").glob("*.db"))
    assert databases
    for database in databases:
        with sqlite3.connect(database) as con:
            assert con.execute("pragma integrity_check").fetchone() == ("ok",)
