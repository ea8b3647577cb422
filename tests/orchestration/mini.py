"""A home small enough to run whole nightlies in seconds: two registers, one feed, a dbt project of three models, one gated mart.

Everything but the dbt project, the mart's suite and the scores is the real thing. Tests import this; nothing else does.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import duckdb

from pipelines.orchestration.build import Build
from pipelines.orchestration.nightly import run_nightly
from pipelines.orchestration.progress import Reporter
from pipelines.settings import CHECKOUT, Settings
from pipelines.warehouse.audit import BuildSummary
from pipelines.warehouse.builds import Step
from pipelines.warehouse.verdicts import reason_marts_are_closed

SCORE = dg.AssetKey(["assessment", "mini_score"])

_FEED = """
feed_id: meters
record: reading
owner: desk@park.example
source: {drop: "meters/*.csv"}
format: {kind: csv}
time: {column: time, pattern: "%Y-%m-%d %H:%M", step: 1h, label: start}
source_kind: automatic
values:
  - {column: kwh, point: P-1, parameter: electricity, statistic: cou, unit: kWh}
expects: {late_after: 2d}
"""
_REGISTER = """
feed_id: register_{record}
record: {record}
owner: office@park.example
source: {{drop: "registers/{record}.csv"}}
format: {{kind: csv}}
"""
_REGISTERS = {
    "enterprise": "enterprise_id,park_id,name,valid_from\nE-1,PARK,Works,2020-01-01\n",
    "point": "point_id,enterprise_id,name,kind,valid_from\nP-1,E-1,Grid supply,energy,2020-01-01\n",
}
_PROJECT = {
    "dbt_project.yml": """
name: park_audit
version: "1.0.0"
profile: park_audit
flags: {send_anonymous_usage_stats: false, require_generic_test_arguments_property: true}
models:
  park_audit: {+schema: marts, +materialized: table}
""",
    "macros/mini.sql": """
{% macro generate_schema_name(custom_schema_name, node) %}{{ custom_schema_name or target.schema }}{% endmacro %}

{% macro get_incremental_touched_sql(arg_dict) %}
delete from {{ arg_dict['target_relation'] }};
insert into {{ arg_dict['target_relation'] }} select * from {{ arg_dict['temp_relation'] }}
{% endmacro %}

{% macro record_watermark() %}
{% if execute %}
delete from landing.watermark where model = '{{ model.name }}';
insert into landing.watermark values ('{{ model.name }}', {{ env_var('PARK_AUDIT_THROUGH_CHANGE_SEQ') }}, now()::timestamp)
{% endif %}
{% endmacro %}
""",
    "models/sources.yml": """
version: 2
sources:
  - name: landing
    schema: landing
    tables: [{name: reading}, {name: point}, {name: touched}]
""",
    "models/daily.sql": """
{{ config(materialized='incremental', incremental_strategy='touched', post_hook='{{ record_watermark() }}') }}
select '{{ var("park_id") }}' as park_id, point_id, local_date, sum(value) as kwh, count(*) as readings
from {{ source('landing', 'reading') }} where known_to is null group by point_id, local_date
""",
    "models/daily.yml": """
version: 2
models:
  - name: daily
    description: One row per point and day.
    columns:
      - {name: park_id, config: {meta: {audience: park}}}
      - {name: point_id, config: {meta: {audience: park}}}
      - {name: local_date, config: {meta: {audience: park}}}
      - {name: kwh, config: {meta: {audience: park}}, data_tests: [{not_negative: {name: kwh_is_not_negative}}]}
      - {name: readings, config: {meta: {audience: park}}}
  - name: park_daily
    description: One row per day.
    columns:
      - {name: local_date, config: {meta: {audience: park}}}
      - {name: kwh, config: {meta: {audience: park}}}
""",
    "models/park_daily.sql": "select local_date, sum(kwh) as kwh from {{ ref('daily') }} group by local_date",
    "tests/generic/not_negative.sql": "{% test not_negative(model, column_name) %}select * from {{ model }} where {{ column_name }} < 0{% endtest %}",
}
_SUITE = """
table: marts.daily
expectations:
  - {type: expect_table_row_count_to_be_between, kwargs: {min_value: 1}, severity: critical, why: "an empty mart satisfies every other line"}
  - {type: expect_column_values_to_not_be_null, kwargs: {column: kwh}, severity: critical, why: "a day without a figure is no figure"}
  - {type: expect_column_values_to_be_between, kwargs: {column: kwh, min_value: 0, max_value: 1000}, severity: critical,
     why: "a meter of this size cannot turn further in a day"}
  - {type: expect_column_values_to_be_between, kwargs: {column: readings, min_value: 24, max_value: 24}, severity: warning,
     nulls: "a count is never null", why: "a day has twenty-four hours"}
"""


class MiniSettings(Settings):
    """Settings whose dbt project and suites are the home's own."""

    @property
    def dbt_project(self) -> Path:
        return self.home / "project"

    @property
    def seeds(self) -> Path:
        return CHECKOUT / "dbt_project" / "seeds"

    @property
    def expectations(self) -> Path:
        return self.home / "expectations"


@dataclass
class Watcher(Reporter):
    """Remembers what a build said."""

    steps: list[Step] = field(default_factory=list)
    summary: BuildSummary | None = None
    error: Exception | None = None

    def step_finished(self, step: Step) -> None:
        self.steps.append(step)

    def build_closed(self, summary: BuildSummary) -> None:
        self.summary = summary

    def could_not_begin(self, error: Exception) -> None:
        self.error = error

    def outcome(self, step: str, subject: str = "-") -> str | None:
        return next((done.outcome.value for done in self.steps if (done.step, done.subject) == (step, subject)), None)

    def message(self, step: str, subject: str = "-") -> str:
        return next((done.message or "" for done in self.steps if (done.step, done.subject) == (step, subject)), "")


@dataclass
class Night:
    """One nightly: Dagster's result and what the reporter heard."""

    result: dg.ExecuteInProcessResult
    heard: Watcher

    @property
    def status(self) -> str:
        assert self.heard.summary is not None, "the build did not end"
        return self.heard.summary.status.value

    @property
    def materialized(self) -> set[str]:
        return {event.asset_key.to_user_string() for event in self.result.get_asset_materialization_events()}

    @property
    def skipped(self) -> set[str]:
        return {event.step_key for event in self.result.all_events if event.is_step_skipped}

    def check(self, asset: str, name: str) -> dg.AssetCheckEvaluation:
        return next(e for e in self.result.get_asset_check_evaluations() if (e.asset_key.to_user_string(), e.check_name) == (asset, name))


@dataclass
class MiniHome:
    """The home and its files."""

    settings: MiniSettings

    def night(self, **overrides: object) -> Night:
        heard = Watcher()
        overrides.setdefault("scores", [mini_score])
        return Night(run_nightly(self.settings, heard, **overrides), heard)

    def deliver(self, name: str, first: date, days: int, kwh: float = 1.0, hours: int = 24) -> Path:
        """A file of hourly readings."""
        lines = ["time,kwh"]
        for day in range(days):
            lines += [f"{first + timedelta(days=day)} {hour:02d}:00,{kwh}" for hour in range(hours)]
        path = self.settings.raw / "meters" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def published(self, query: str) -> list[tuple]:
        with duckdb.connect(self.settings.published_file, read_only=True) as con:
            return con.execute(query).fetchall()

    def warehouse(self, query: str) -> list[tuple]:
        with duckdb.connect(self.settings.warehouse) as con:
            return con.execute(query).fetchall()

    def suite(self, text: str) -> None:
        (self.settings.expectations / "daily.yaml").write_text(text, encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        path = self.settings.dbt_project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@dg.asset(key=SCORE, deps=[dg.AssetKey(["marts", "daily"])], required_resource_keys={"build"})
def mini_score(context: dg.AssetExecutionContext) -> None:
    """Stands for the assessment: asks for the gate's verdict, as every score must."""
    build: Build = context.resources.build
    with build.step("assessment") as note:
        if reason := reason_marts_are_closed(build.con, build.build_id):
            raise RuntimeError(reason)
        note.rows = 1


def make_home(folder: Path) -> MiniHome:
    """A home with registers and no readings yet."""
    feeds = folder / "feeds"
    feeds.mkdir(parents=True)
    (feeds / "_park.yaml").write_text("park_id: PARK\nzone: Asia/Shanghai\n", encoding="utf-8")
    (feeds / "meters.yaml").write_text(_FEED, encoding="utf-8")
    settings = MiniSettings(home=folder / "home", feeds_dir=feeds, lock_wait_seconds=0)
    settings.make_folders()
    home = MiniHome(settings)
    (settings.raw / "registers").mkdir()
    for record, rows in _REGISTERS.items():
        (feeds / f"register_{record}.yaml").write_text(_REGISTER.format(record=record), encoding="utf-8")
        (settings.raw / "registers" / f"{record}.csv").write_text(rows, encoding="utf-8")
    for name, text in _PROJECT.items():
        home.write(name, text)
    shutil.copy2(CHECKOUT / "dbt_project" / "profiles.yml", settings.dbt_project / "profiles.yml")
    settings.expectations.mkdir()
    for suite in (CHECKOUT / "expectations").glob("gate_*.yaml"):
        shutil.copy2(suite, settings.expectations)
    home.suite(_SUITE)
    return home


def copies(home: MiniHome, folder: Path) -> Iterator[MiniHome]:
    """The same home somewhere else: every test goes its own way from a common night."""
    shutil.copytree(home.settings.home.parent, folder, symlinks=True)
    yield MiniHome(home.settings.model_copy(update={"home": folder / "home", "feeds_dir": folder / "feeds"}))
