"""What the steps of a run share: the running build, and dbt as this home runs it. Both live as long as the run."""

import os
from collections.abc import Iterator
from functools import cached_property
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.storage.tags import SCHEDULE_NAME_TAG, SENSOR_NAME_TAG

from pipelines.orchestration.build import run_build
from pipelines.orchestration.progress import Reporter
from pipelines.settings import Settings
from pipelines.transform.dbt import dbt_program

if TYPE_CHECKING:
    from packaging.version import Version

BUILD = "build"
DBT = "dbt"
DOOR_TAG = "park_audit/door"
"""Run tag of the command line; schedule, sensor and UI are told apart by Dagster's own tags."""


def door_of(tags: dict[str, str]) -> str:
    """Who started a run: cli, schedule, sensor or ui."""
    if SCHEDULE_NAME_TAG in tags:
        return "schedule"
    if SENSOR_NAME_TAG in tags:
        return "sensor"
    return tags.get(DOOR_TAG, "ui")


def build_resource(settings: Settings, reporter: Reporter | None = None) -> dg.ResourceDefinition:
    """The running build: with the in-process executor made once per run, before its first step, and ended after its last."""

    @dg.resource(description="The running build: write lock, warehouse connection, build row. One per run.")
    def build(context: dg.InitResourceContext) -> Iterator[object]:
        run = context.run
        with run_build(
            settings, run_id=run.run_id if run else None, door=door_of(dict(run.tags) if run else {}), reporter=reporter
        ) as running:
            if context.instance is not None:
                fail_runs_of_killed_builds(context.instance, running.aborted_runs)
            yield running

    return build


def fail_runs_of_killed_builds(instance: dg.DagsterInstance, run_ids: list[str]) -> None:
    """A run whose process was killed stays `started` in Dagster's list and would hold its queue; its build is closed, so is it."""
    for run_id in run_ids:
        run = instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            instance.report_run_failed(run, "the process was killed before its build could close; a later build has taken over")


def dbt_resource(settings: Settings) -> dg.ResourceDefinition:
    """dbt through dagster-dbt. Made when a step asks for it: the import costs two seconds."""

    @dg.resource(description="dbt, as a child process that dies with its parent.")
    def dbt(_: dg.InitResourceContext) -> object:
        from dagster_dbt import DbtCliResource

        class HomeDbt(DbtCliResource):
            """dagster-dbt's resource without its two side trips.

            It asks `dbt --version` in a process of its own (1.5 s) and builds dbt's adapter inside our process (1 s,
            and a second owner of the warehouse file), which only `fetch_row_counts` and the like would use.
            Both are private to dagster-dbt, which is pinned below 0.30; a test runs a build through this class.
            """

            @cached_property
            def _cli_version(self) -> "Version":
                from packaging.version import parse

                return parse(installed_version("dbt-core"))

            def _initialize_dbt_core_adapter(self, args: object) -> None:  # type: ignore[override]
                return None

        program, *flags = dbt_program()
        return HomeDbt(
            project_dir=os.fspath(settings.dbt_project),
            profiles_dir=os.fspath(settings.dbt_project),
            dbt_executable=program,
            global_config_flags=flags,
        )

    return dbt
