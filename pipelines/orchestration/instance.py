"""The Dagster instance of a home: its `dagster.yaml` and how it is opened. Nothing about the graph belongs here."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster import DagsterInstance

from pipelines.settings import TELEMETRY_OFF, Settings

INSTANCE_FILE = "dagster.yaml"

INSTANCE_YAML = """\
# Dagster's instance of this home. Written when missing, never overwritten: change it freely.

telemetry:
  enabled: false

# No dialog that asks every new browser for an e-mail address.
nux:
  enabled: false

# SQLite in this folder, over connections that stay open: a nightly plans hundreds of assets and checks.
storage:
  custom:
    module: pipelines.orchestration.event_log
    class: PooledSqliteStorage
    config:
      base_dir:
        env: DAGSTER_HOME

# One nightly at a time: DuckDB has one writing process. Runs that come meanwhile wait in the queue;
# the warehouse's own lock guards against everything that does not go through it.
# No limits on single steps: their slots would stay taken after a run was killed.
concurrency:
  runs:
    max_concurrent_runs: 1

# A killed run stays "started" and would hold the queue for ever; the next build closes it, this is for the rest.
run_monitoring:
  enabled: true
  max_runtime_seconds: 43200

run_retries:
  enabled: false

# A line per step and night is enough; failed ticks are kept longer, because somebody has to ask why.
retention:
  schedule:
    purge_after_days: {skipped: 30, failure: 180, success: -1}
  sensor:
    purge_after_days: {skipped: 7, failure: 180, success: -1}
"""


def write_instance_file(settings: Settings) -> Path:
    """Make sure the home has a `dagster.yaml`; an existing one is left as it is."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    path = settings.dagster_home / INSTANCE_FILE
    if not path.exists():
        temporary = path.with_name(f".{INSTANCE_FILE}.{os.getpid()}")
        temporary.write_text(INSTANCE_YAML, encoding="utf-8")
        temporary.replace(path)
    return path


@contextmanager
def home_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """The home's instance, so that runs from the command line stand in the UI's list like any other."""
    write_instance_file(settings)
    # Some hundred assets and checks are announced before the first step runs: in one transaction, not in as many.
    batches = {"DAGSTER_EVENT_BATCH_SIZE": "1000"}
    with environment(TELEMETRY_OFF | batches | {"DAGSTER_HOME": str(settings.dagster_home)}), DagsterInstance.get() as instance:
        yield instance


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Variables of this process for the block; Dagster and dagster-dbt take what they need from there and nowhere else."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
