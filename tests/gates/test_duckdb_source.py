"""Great Expectations inside DuckDB: every supported expectation works there, and it lets go of the file."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from pipelines.gates.duckdb_source import GateSource
from pipelines.gates.suites import QUERY, SUPPORTED, Looks, Rule, Suite, build_suites
from pipelines.settings import Settings
from pipelines.warehouse.connection import open_warehouse

FLOWS = """
create temp table flows as select * from (values
    ('d1', 1.0, 2.0, 'N', 5.0), ('d2', 2.0, 1.0, 'M', null), ('d3', 3.0, 9.0, 'N', null)
) as t (delivery_id, a, b, word, half)
"""


@pytest.fixture(scope="module")
def source() -> Iterator[GateSource]:
    con = duckdb.connect()
    with GateSource(con) as opened:
        opened.cursor.execute(FLOWS)
        opened.cursor.execute("create temp table empty as select * from flows where false")
        yield opened
    con.close()


def run(source: GateSource, *rules: tuple[str, dict[str, Any]], table: str = "flows", **given: Any) -> list[Any]:
    """Results in the order of the rules."""
    suite = Suite(
        table=table, expectations=[Rule(type=name, kwargs=kwargs, severity="info", why="because of the test") for name, kwargs in rules]
    )
    result = source.validate(table, build_suites([suite])[table], **({"rows_named": 20} | given))
    return sorted(result.results, key=lambda single: single.expectation_config.meta["rule"])


CASES = {
    "expect_table_row_count_to_be_between": ({"min_value": 1}, {"min_value": 9}),
    "expect_column_values_to_not_be_null": ({"column": "a"}, {"column": "half"}),
    "expect_column_proportion_of_non_null_values_to_be_between": (
        {"column": "half", "min_value": 0.3, "max_value": 1}, {"column": "half", "min_value": 0.5, "max_value": 1},
    ),
    "expect_column_values_to_be_between": ({"column": "a", "min_value": 1, "max_value": 3}, {"column": "a", "min_value": 2, "max_value": 3}),
    "expect_column_values_to_be_in_set": ({"column": "word", "value_set": ["N", "M"]}, {"column": "word", "value_set": ["N"]}),
    "expect_column_values_to_not_be_in_set": ({"column": "word", "value_set": ["F"]}, {"column": "word", "value_set": ["N"]}),
    "expect_column_pair_values_a_to_be_greater_than_b": (
        {"column_A": "a", "column_B": "a", "or_equal": True}, {"column_A": "a", "column_B": "b"},
    ),
    "expect_column_min_to_be_between": ({"column": "a", "min_value": 1, "max_value": 1}, {"column": "a", "min_value": 2, "max_value": 3}),
    "expect_column_max_to_be_between": ({"column": "a", "min_value": 3, "max_value": 3}, {"column": "a", "min_value": 0, "max_value": 2}),
    "expect_column_mean_to_be_between": ({"column": "a", "min_value": 2, "max_value": 2}, {"column": "a", "min_value": 3, "max_value": 4}),
    "expect_column_sum_to_be_between": ({"column": "a", "min_value": 6, "max_value": 6}, {"column": "a", "min_value": 7, "max_value": 9}),
    QUERY: (
        {"unexpected_rows_query": "select * from {batch} where not regexp_matches(word, '^[NM]$')"},
        {"unexpected_rows_query": "select * from {batch} where not regexp_matches(word, '^N$')"},
    ),
}  # fmt: skip


def test_every_supported_expectation_is_tried() -> None:
    assert CASES.keys() == SUPPORTED.keys()


def test_every_supported_expectation_is_green_and_red_inside_duckdb(source: GateSource) -> None:
    green = run(source, *((name, cases[0]) for name, cases in CASES.items()))
    red = run(source, *((name, cases[1]) for name, cases in CASES.items()))
    for name, met, broken in zip(CASES, green, red, strict=True):
        assert met.success, (name, met)
        assert not broken.success, name
        assert not broken.exception_info["raised_exception"], (name, broken)


def test_the_greens_that_the_runner_must_see_through(source: GateSource) -> None:
    """What Great Expectations calls a success without having looked; if one of these changes, a guard can go."""
    empty = run(
        source,
        *((name, cases[0]) for name, cases in CASES.items() if SUPPORTED[name] in (Looks.VALUES, Looks.PAIR, Looks.NULLS, Looks.QUERY)),
        table="empty",
    )
    assert all(single.success for single in empty)
    source.cursor.execute("create or replace temp table nothing as select null::double as a, 'nan'::double as b")
    nulls, nan = run(
        source,
        ("expect_column_values_to_be_between", {"column": "a", "min_value": 0, "max_value": 1}),
        ("expect_column_values_to_be_between", {"column": "b", "min_value": 0}),
        table="nothing",
    )
    assert nulls.success
    assert nan.success


def test_named_rows_stop_where_they_are_told_to(source: GateSource) -> None:
    source.cursor.execute("create or replace temp table many as select 'd' || i as delivery_id, 1.0 as a from range(700) as t (i)")
    rule = ("expect_column_values_to_be_between", {"column": "a", "min_value": 5, "max_value": 6})
    (cut,) = run(source, rule, table="many", rows_named=20, index_columns=["delivery_id"])
    (whole,) = run(source, rule, table="many", rows_named=700, index_columns=["delivery_id"])
    assert (cut.result["unexpected_count"], len(cut.result["partial_unexpected_index_list"])) == (700, 20)
    assert len({row["delivery_id"] for row in whole.result["partial_unexpected_index_list"]}) == 700


def test_a_rule_that_raises_does_not_poison_the_others(source: GateSource) -> None:
    """In one transaction the conversion error would abort it and everything after."""
    good = [(QUERY, {"unexpected_rows_query": f"select * from {{batch}} where a > {number}"}) for number in (3, 4, 5)]
    raises, *others = run(source, (QUERY, {"unexpected_rows_query": "select cast(word as integer) as number from {batch}"}), *good)
    assert not raises.success
    assert [single.success for single in others] == [True] * 3
    (again,) = run(source, ("expect_column_values_to_not_be_null", {"column": "a"}))
    assert again.success


def test_it_says_nothing_on_the_terminal(source: GateSource, capfd: pytest.CaptureFixture[str]) -> None:
    run(source, ("expect_column_values_to_not_be_null", {"column": "a"}), ("expect_column_values_to_not_be_null", {"column": "absent"}))
    assert capfd.readouterr() == ("", "")


def opens(settings: Settings) -> bool:
    """Whether another process can open the warehouse for writing, as dbt does."""
    script = f"import duckdb; duckdb.connect({str(settings.warehouse)!r}).execute('create or replace table main.proof as select 1')"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, timeout=60).returncode == 0


def test_release_lets_another_process_open_the_file(settings: Settings) -> None:
    with open_warehouse(settings) as con:
        with GateSource(con) as source:
            source.cursor.execute(FLOWS)
            assert run(source, ("expect_column_values_to_not_be_null", {"column": "a"}))[0].success
        assert con.execute("select 1").fetchone() == (1,), "the pipeline goes on with its own connection"
        assert not opens(settings), "while it does, it holds the file: otherwise this test could not fail"
    assert opens(settings)
    source.release()  # twice is harmless


def test_a_gate_that_was_never_released_does_not_keep_the_file(settings: Settings) -> None:
    """Its connection is a cursor of the pipeline's and ends with it; an opener of its own would not."""
    with open_warehouse(settings) as con:
        source = GateSource(con)
        source.cursor.execute(FLOWS)
        run(source, ("expect_column_values_to_not_be_null", {"column": "a"}))
    assert opens(settings)
    source.release()


def test_release_without_a_validation(settings: Settings) -> None:
    with open_warehouse(settings) as con, GateSource(con):
        pass
    assert opens(settings)


def test_nothing_of_the_gates_imports_great_expectations_before_it_is_needed() -> None:
    script = (
        "import sys, pipelines.gates.runner, pipelines.gates.docs, pipelines.gates.suites, pipelines.gates.verdicts; "
        "sys.exit(any(name.split('.')[0] in ('great_expectations', 'sqlalchemy', 'pandas') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0
