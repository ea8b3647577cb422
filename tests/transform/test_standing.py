"""Which nodes of a dbt project need not be built again, told from its manifest."""

from typing import Any

import pytest

from pipelines.transform.standing import relations_of, selectors_of, standing_nodes


def node(name: str, *parents: str, kind: str = "model", as_: str = "view", code: str = "select 1", **config: Any) -> dict[str, Any]:
    return {
        "unique_id": f"{kind}.park.{name}", "resource_type": kind, "name": name, "schema": "marts", "alias": None, "raw_code": code,
        "fqn": ["park", "marts", name], "depends_on": {"nodes": list(parents)}, "config": {"materialized": as_, **config},
    }  # fmt: skip


def macro(name: str, sql: str) -> dict[str, Any]:
    return {"name": name, "package_name": "park", "macro_sql": sql}


def project(*nodes: dict[str, Any], macros: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {
        "nodes": {each["unique_id"]: each for each in nodes},
        "sources": {f"source.{name}": {"name": name} for name in ("point", "reading")},
        "macros": {f"macro.{each['name']}": each for each in macros},
    }


PARK = project(
    node("limits", kind="seed", as_="seed"),
    node("stg_limits", "seed.park.limits"),
    node("limit", "model.park.stg_limits", as_="table"),
    node("stg_point", "source.point"),
    node("point", "model.park.stg_point", "seed.park.limits", as_="table"),
    node("stg_reading", "source.reading"),
    node("newest", "model.park.stg_reading", as_="table"),
    node("daily", "model.park.stg_limits", as_="incremental", incremental_strategy="touched"),
    node("limit_is_unique", "model.park.limit", kind="test", as_="test"),
    node("point_is_unique", "model.park.point", kind="test", as_="test"),
    node("readings_have_points", "model.park.stg_reading", "model.park.point", kind="test", as_="test"),
    node("looks_at_nothing", kind="test", as_="test"),
)


def names(manifest: dict[str, Any], *changed: str, must_run: tuple[str, ...] = ()) -> set[str]:
    return {each.rsplit(".", 1)[1] for each in standing_nodes(manifest, [f"source.{name}" for name in changed], must_run)}


def test_what_reads_only_what_has_not_changed_stands() -> None:
    of_seeds = {"limits", "stg_limits", "limit", "limit_is_unique"}
    views = {"stg_point", "stg_reading"}
    assert names(PARK, "reading") == of_seeds | views | {"point", "point_is_unique"}
    assert names(PARK, "reading", "point") == of_seeds | views
    assert "readings_have_points" in names(PARK), "both that it looks at show the same"


def test_what_consumes_changes_always_runs() -> None:
    """Its watermark has to follow them, whatever it reads."""
    assert "daily" not in names(PARK)


def test_a_test_that_looks_at_nothing_runs() -> None:
    assert "looks_at_nothing" not in names(PARK)


def test_what_is_to_run_runs() -> None:
    assert "limit_is_unique" not in names(PARK, must_run=("test.park.limit_is_unique",))


def test_a_source_nobody_knows_has_changed() -> None:
    manifest = project(node("odd", "source.unheard_of", as_="table"))
    assert names(manifest) == set()


@pytest.mark.parametrize(
    ("code", "macros"),
    [
        ("select now()", ()),
        ("select {{ through_change_seq() }}", ()),
        ("select {{ since() }}", (macro("since", "{% macro since() %}{{ moment() }}{% endmacro %}"), macro("duckdb__moment", "now()"))),
        ("select {{ ranges() }}", (macro("ranges", "{% macro ranges() %}{% do run_query('select 1') %}{% endmacro %}"),)),
    ],
    ids=["the clock", "the build's changes", "the clock behind two macros", "a question to the warehouse"],
)
def test_a_text_that_another_build_writes_otherwise_never_stands(code: str, macros: tuple[dict[str, Any], ...]) -> None:
    """Nor does what reads it, but for a view, which only passes it on."""
    manifest = project(
        node("clock", code=code), node("passed_on", "model.park.clock"), node("kept", "model.park.passed_on", as_="table"),
        node("other", code="select {{ sum_of() }}", as_="table"), macros=(*macros, macro("sum_of", "sum(1)")),
    )  # fmt: skip
    assert names(manifest) == {"passed_on", "other"}


def test_nodes_as_dbt_and_the_warehouse_know_them() -> None:
    ids = ["model.park.limit", "test.park.limit_is_unique"]
    assert relations_of(PARK, ids) == {"model.park.limit": ("marts", "limit")}
    assert selectors_of(PARK, ids) == ["fqn:park.marts.limit", "fqn:park.marts.limit_is_unique"]
