"""The nightly from inside this process: the same job as the schedule's, for the command line and for tests."""

from typing import Any

from dagster import ExecuteInProcessResult

from pipelines.orchestration.graph import build_defs
from pipelines.orchestration.instance import home_instance
from pipelines.orchestration.keys import JOB
from pipelines.orchestration.progress import Reporter
from pipelines.orchestration.resources import DOOR_TAG
from pipelines.settings import Settings

_QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
"""Every event stands in the instance anyway; what a person wants to hear comes through the reporter."""


def run_nightly(settings: Settings, reporter: Reporter | None = None, **overrides: Any) -> ExecuteInProcessResult:
    """Run the job to its end. A failed step raises nothing: how it went is told to the reporter, and stands in the audit tables.

    In this process, because `dagster job execute` starts another one and costs a second and a half more; the run
    stands in the UI's list all the same. `overrides` go to `build_defs`.
    """
    defs = build_defs(settings=settings, reporter=reporter, **overrides)
    job = defs.resolve_job_def(JOB)
    with home_instance(settings) as instance:
        return job.execute_in_process(instance=instance, run_config=_QUIET, raise_on_error=False, tags={DOOR_TAG: "cli"})
