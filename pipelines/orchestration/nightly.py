"""The nightly from inside this process: the same job as the schedule's, for the command line and for tests."""

import json
from typing import Any

import dagster as dg

from pipelines.orchestration.dbt_models import incremental_models
from pipelines.orchestration.graph import build_defs
from pipelines.orchestration.instance import home_instance
from pipelines.orchestration.keys import JOB
from pipelines.orchestration.progress import Reporter
from pipelines.orchestration.quiet import looks_quiet
from pipelines.orchestration.resources import DOOR_TAG
from pipelines.settings import Settings
from pipelines.transform.dbt import parsed_manifest

_QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
"""Every event stands in the instance anyway; what a person wants to hear comes through the reporter."""


def run_nightly(settings: Settings, reporter: Reporter | None = None, **overrides: Any) -> dg.ExecuteInProcessResult:
    """Run the job to its end. A failed step raises nothing: how it went is told to the reporter, and stands in the audit tables.

    In this process, because `dagster job execute` starts another one and costs a second and a half more; the run
    stands in the UI's list all the same. A night that looks as if it had nothing new begins with the short graph, and is followed
    by a whole one where something came in all the same. `overrides` go to `build_defs`.
    """
    manifest = json.loads(parsed_manifest(settings).read_text(encoding="utf-8"))
    if looks_quiet(settings, incremental_models(manifest)):
        result = _execute(build_defs(settings=settings, manifest=manifest, reporter=reporter, quiet=True), settings)
        if result.success:
            return result
    return _execute(build_defs(settings=settings, manifest=manifest, reporter=reporter, **overrides), settings)


def _execute(defs: dg.Definitions, settings: Settings) -> dg.ExecuteInProcessResult:
    job = defs.resolve_job_def(JOB)
    with home_instance(settings) as instance:
        return job.execute_in_process(instance=instance, run_config=_QUIET, raise_on_error=False, tags={DOOR_TAG: "cli"})
