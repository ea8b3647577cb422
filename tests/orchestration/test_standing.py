"""A night builds what may have changed and carries the rest; what comes out is what a whole build makes."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.orchestration.mini import MiniHome, Night, copies, make_home

_MODELS = {
    "models/stg_points.sql": "{{ config(materialized='view') }} select * from {{ source('landing', 'point') }} where known_to is null",
    "models/points.sql": "select point_id, name from {{ ref('stg_points') }}",
    "models/points.yml": """
version: 2
models:
  - name: stg_points
    description: One row per point.
  - name: points
    description: One row per point.
    columns:
      - {name: point_id, config: {meta: {audience: park}}, data_tests: [{not_null: {name: points_have_ids}}]}
      - {name: name, config: {meta: {audience: park}}, data_tests: [{not_null: {name: points_have_names}}]}
""",
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> MiniHome:
    home = make_home(tmp_path_factory.mktemp("standing") / "park")
    for name, text in _MODELS.items():
        home.write(name, text)
    home.deliver("march.csv", date(2026, 3, 1), 3)
    assert home.night().status == "published"
    return home


@pytest.fixture
def home(published: MiniHome, tmp_path: Path) -> Iterator[MiniHome]:
    yield from copies(published, tmp_path / "park")


def ran(home: MiniHome) -> set[str]:
    """Nodes of the last dbt run."""
    [newest] = sorted((home.settings.logs / "dbt").iterdir())[-1:]
    return {result["unique_id"].split(".")[2] for result in json.loads((newest / "run_results.json").read_text())["results"]}


def carried(home: MiniHome) -> set[str]:
    rows = home.warehouse(
        "select subject from audit.step_outcomes where outcome = 'carried' and build_id = (select max(build_id) from audit.builds)"
    )
    return {subject for (subject,) in rows}


def one_more_day(home: MiniHome) -> Night:
    home.deliver("april.csv", date(2026, 4, 1), 1, kwh=2.0)
    night = home.night()
    assert night.result.success and night.status == "published", night.heard.summary
    assert home.published("select local_date, kwh from marts.park_daily order by 1 desc limit 1") == [(date(2026, 4, 1), 48.0)]
    return night


def test_a_day_more_builds_what_readings_reach(home: MiniHome) -> None:
    night = one_more_day(home)
    assert ran(home) == {"daily", "park_daily", "kwh_is_not_negative"}
    assert carried(home) == {"stg_points", "points"}, "what did not run is carried, and never passed"
    assert "carried: 1 tables, 2 tests, 1 views" in night.heard.message("dbt")
    assert night.materialized >= {"marts/points", "published/park_audit"} and not night.skipped
    evaluated = {event.check_name for event in night.result.get_asset_check_evaluations()}
    assert "kwh_is_not_negative" in evaluated and "points_have_ids" not in evaluated
    assert home.published("select name from marts.points") == [("Grid supply",)]


def test_a_changed_register_reaches_the_tables_made_of_it(home: MiniHome) -> None:
    register = home.settings.raw / "registers" / "point.csv"
    register.write_text(register.read_text().replace("Grid supply", "Main supply"), encoding="utf-8")
    one_more_day(home)
    assert ran(home) >= {"points", "points_have_ids"} and carried(home) == {"stg_points"}
    assert home.published("select name from marts.points") == [("Main supply",)]


@pytest.mark.parametrize("case", ["a relation is gone", "a red night", "another code", "a warning"])
def test_in_doubt_all_of_it_is_built(home: MiniHome, case: str) -> None:
    everything = {"daily", "park_daily", "kwh_is_not_negative", "stg_points", "points", "points_have_ids", "points_have_names"}
    if case == "a relation is gone":
        home.warehouse("drop view marts.stg_points")
    elif case == "a red night":
        home.warehouse("update audit.builds set status = 'not_published'")
    elif case == "another code":
        home.warehouse("update audit.builds set code_version = 'older'")
    else:
        home.warehouse(
            "insert into audit.step_outcomes by name select park_id, build_id, 'dbt_test' as step, 'points_have_ids' as subject, "
            "'warned' as outcome, started_at, started_at as ended_at from audit.builds"
        )
        everything = {"daily", "park_daily", "kwh_is_not_negative", "points_have_ids"}
    one_more_day(home)
    assert ran(home) == everything
