"""Suite files: everything they may do wrong is said at once, with file, place and what would be right."""

from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from pipelines.gates.suites import SUPPORTED, Looks, SuiteError, build_suites, load_suites
from pipelines.settings import CHECKOUT

GOOD = """
table: marts.flows
expectations:
  - {type: expect_table_row_count_to_be_between, kwargs: {min_value: 1}, severity: critical, why: an empty table satisfies the rest}
  - {type: expect_column_values_to_not_be_null, kwargs: {column: quantity}, severity: critical, why: a flow has a quantity}
"""
GATED = {
    "gate_delivery_profile",
    "gate_channel_profile",
    "gate_hj212_delivery",
    "gate_hj212_device",
    "gate_hj212_channel",
    "point_daily",
    "data_completeness_daily",
    "enterprise_consumption_daily",
    "park_consumption_daily",
    "enterprise_emission_daily",
    "park_emission_daily",
    "enterprise_efficiency_monthly",
    "limit_compliance_daily",
}


def problems_of(folder: Path, text: str = GOOD, name: str = "flows.yaml") -> list[str]:
    (folder / name).write_text(dedent(text), encoding="utf-8")
    with pytest.raises(SuiteError) as caught:
        load_suites(folder)
    return caught.value.problems


def with_rule(rule: str) -> str:
    return f"{GOOD.rstrip()}\n  - {rule}\n"


def test_the_suites_on_disk_load_and_build_as_declared() -> None:
    suites = load_suites(CHECKOUT / "expectations")
    assert {suite.name for suite in suites} == GATED
    built = build_suites(suites)
    assert {name: len(suite.expectations) for name, suite in built.items()} == {suite.name: len(suite.expectations) for suite in suites}
    assert all(len({rule.rule_id for rule in suite.expectations}) == len(suite.expectations) for suite in suites)


@pytest.mark.parametrize("mart", sorted(name for name in GATED if not name.startswith("gate_")))
def test_suites_on_disk_name_columns_that_dbt_publishes(mart: str) -> None:
    """A renamed column would be an error on the first night; here it is one in the review."""
    published = {
        model["name"]: {column["name"] for column in model["columns"]}
        for path in (CHECKOUT / "dbt_project" / "models" / "marts").rglob("*.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
    }
    if mart not in published:
        pytest.skip(f"dbt_project does not describe {mart} yet")
    (suite,) = [suite for suite in load_suites(CHECKOUT / "expectations") if suite.name == mart]
    named = {column for rule in suite.expectations for column in (*rule.columns, *rule.needed)}
    named |= {suite.changes.column} if suite.changes else set()
    assert named <= published[mart], sorted(named - published[mart])


def test_every_supported_expectation_exists() -> None:
    from great_expectations.expectations.registry import get_expectation_impl

    for name in SUPPORTED:
        assert get_expectation_impl(name), name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("{column: quantity}", "{column: quantity, mostly: 0.9}"), "expectations[1] (expect_column_values_to_not_be_null): kwargs.mostly: counts rows that"),
        (GOOD.replace("to_not_be_null", "to_not_be_nul"), "expectations[1] (expect_column_values_to_not_be_nul): no such expectation; did you mean expect_column_values_to_not_be_null?"),
        (with_rule("{type: expect_column_values_to_match_regex, kwargs: {column: quantity, regex: x}, severity: info, why: it looks like it}"), "use unexpected_rows_expectation with regexp_matches"),
        (with_rule("{type: expect_column_kurtosis, kwargs: {column: quantity}, severity: info, why: a nice figure}"), "is not among the expectations that are tested inside DuckDB"),
        (with_rule("{type: expect_column_values_to_be_between, kwargs: {column: quantity, min_value: 0}, severity: info, why: nothing below zero}"), "give min_value and max_value; NaN is above every number"),
        (with_rule("{type: expect_column_values_to_be_between, kwargs: {column: share, min_value: 0, max_value: 1}, severity: info, why: a share is a share}"), "share may be null in every row and still satisfy it"),
        (with_rule("{type: expect_column_values_to_be_in_set, kwargs: {column: quantity, value_set: []}, severity: info, why: one of these it is}"), "name at least one value"),
        (with_rule("{type: expect_column_proportion_of_non_null_values_to_be_between, kwargs: {column: x, max_value: 1}, severity: info, why: some are there}"), "give a share above 0"),
        (with_rule("{type: expect_column_values_to_not_be_null, kwargs: {column: quantity}, severity: info, why: said once more}"), "is expectations[1] again"),
        (with_rule("{type: expect_column_values_to_not_be_null, kwargs: {columns: unit}, severity: info, why: a number has a unit}"), "name the column"),
        (with_rule("{type: expect_column_values_to_not_be_null, kwargs: {column: unit, row_condition: 'x > 1'}, severity: info, why: a number has a unit}"), "a condition that no row meets passes"),
        (with_rule("{type: unexpected_rows_expectation, kwargs: {unexpected_rows_query: 'select * from marts.flows'}, needs: [], severity: info, why: never any rows}"), "takes its rows from {batch}"),
        (with_rule("{type: unexpected_rows_expectation, kwargs: {unexpected_rows_query: 'select * from {batch} where quantity < 0'}, severity: info, why: never any rows}"), "needs: name the columns"),
        (with_rule("{type: unexpected_rows_expectation, kwargs: {unexpected_rows_query: 'delete from {batch}'}, needs: [], severity: info, why: never any rows}"), "begins with select or with"),
        (with_rule("{type: expect_column_values_to_not_be_null, kwargs: {column: unit}, needs: [unit], severity: info, why: a number has a unit}"), "needs and whole belong to"),
        (with_rule("{type: expect_column_values_to_not_be_null, kwargs: {column: unit}, severity: severe, why: a number has a unit}"), "expectations[2].severity = 'severe'"),
        (with_rule("{type: expect_column_values_to_not_be_null, kwargs: {column: unit}, severity: info, why: so}"), "expectations[2].why"),
        (with_rule("{type: expect_column_values_to_not_be_null, kwargs: {column: unit}, severity: info, why: a number has a unit, mostly: 0.5}"), "expectations[2].mostly = '0.5': no such key"),
        (GOOD.replace("{min_value: 1}", "{min_value: 0}"), "is {min_value: 1}"),
        ("\n".join(line for line in GOOD.splitlines() if "row_count" not in line), "has no expect_table_row_count_to_be_between"),
        ("\n".join(line for line in GOOD.splitlines() if "not_be_null" not in line), "has no completeness rule"),
        (GOOD.replace("marts.flows", "marts.other"), "the file must be named after it"),
        (GOOD + "subject_colum: delivery_id\n", "subject_colum = 'delivery_id': no such key"),
        (GOOD + "key_columns: [point_id]\n", "key_columns, records and source belong to suites that judge deliveries"),
        (GOOD + "subject_column: delivery_id\nrecords: [readings]\n", "no such record type"),
        ("table: [}\n", "line 1: is not readable YAML"),
    ],
)  # fmt: skip
def test_what_a_suite_may_not_do(tmp_path: Path, text: str, said: str) -> None:
    problems = problems_of(tmp_path, text)
    assert any(problem.startswith("flows.yaml: ") and said in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{type: expect_column_mean_to_be_between, kwargs: {column: quantity, min_value: 0, max_value: 1}, severity: info, why: on the whole it is}", "says nothing about a single delivery"),
        ("{type: unexpected_rows_expectation, kwargs: {unexpected_rows_query: 'select quantity from {batch}'}, needs: [], severity: info, why: never any rows}", "must return delivery_id"),
    ],
)  # fmt: skip
def test_a_suite_on_deliveries_must_be_able_to_name_them(tmp_path: Path, rule: str, said: str) -> None:
    assert said in "\n".join(problems_of(tmp_path, with_rule(rule) + "subject_column: delivery_id\n"))


def test_all_problems_of_all_files_are_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "others.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "broken.yaml").write_text("table: marts.broken\n", encoding="utf-8")
    text = GOOD.replace("to_not_be_null", "to_not_be_nul").replace("{min_value: 1}", "{min_value: 2, max_value: 3}")
    problems = problems_of(tmp_path, text)
    assert {problem.split(":")[0] for problem in problems} == {"others.yaml", "broken.yaml", "flows.yaml"}
    assert len([problem for problem in problems if problem.startswith("flows.yaml")]) >= 3


def test_a_folder_without_suites_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="holds no suite file"):
        load_suites(tmp_path)


def test_arguments_that_great_expectations_refuses_are_named_all_at_once(tmp_path: Path) -> None:
    text = GOOD + dedent("""\
      - {type: expect_column_values_to_be_between, kwargs: {column: quantity, min_value: 0, max_value: 1, stict_min: true}, severity: info, why: between the two}
      - {type: expect_column_values_to_be_between, kwargs: {column: quantity, min_value: low, max_value: [3]}, severity: info, why: between the two}
    """).replace("- {", "  - {")  # fmt: skip
    (tmp_path / "flows.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SuiteError) as caught:
        build_suites(load_suites(tmp_path))
    said = "\n".join(caught.value.problems)
    assert "flows.yaml: expectations[2] (expect_column_values_to_be_between): kwargs.stict_min: extra fields not permitted" in said
    assert "flows.yaml: expectations[3]" in said


def test_two_rules_of_one_type_on_one_column_are_both_built(tmp_path: Path) -> None:
    """Added one by one, Great Expectations keeps the last of them and says nothing."""
    rule = "{type: unexpected_rows_expectation, kwargs: {unexpected_rows_query: 'select * from {batch} where quantity < %s'}, needs: [quantity], severity: info, why: never any rows}"
    (tmp_path / "flows.yaml").write_text(f"{GOOD.rstrip()}\n  - {rule % 0}\n  - {rule % 1}\n", encoding="utf-8")
    (suite,) = load_suites(tmp_path)
    assert len(build_suites([suite])["flows"].expectations) == len(suite.expectations) == 4


def test_a_rule_is_the_same_rule_until_what_decides_it_changes(tmp_path: Path) -> None:
    def rule_of(text: str) -> str:
        (tmp_path / "flows.yaml").write_text(text, encoding="utf-8")
        return load_suites(tmp_path)[0].expectations[1].rule_id

    first = rule_of(GOOD)
    assert rule_of(GOOD.replace("a flow has a quantity", "another wording of it")) == first
    assert rule_of(GOOD.replace("column: quantity}, severity: critical", "column: quantity}, severity: warning")) != first
    assert rule_of(GOOD.replace("column: quantity", "column: amount")) != first


def test_no_regular_expression_is_supported() -> None:
    assert not [name for name in SUPPORTED if "regex" in name]
    assert set(SUPPORTED.values()) == set(Looks)
