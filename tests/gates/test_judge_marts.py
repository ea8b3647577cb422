"""Gate B: whether the marts may be scored and published, and what of them must be looked at tonight."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any

import pytest

from pipelines.contracts.states import GateStatus
from pipelines.gates.runner import carry_marts, judge_marts
from pipelines.gates.suites import Suite, load_suites
from pipelines.gates.verdicts import Verdict, allows_scores, worst, write_verdicts
from pipelines.settings import CHECKOUT
from tests.gates.conftest import Park, only_suite

START = datetime.fromisoformat("2026-03-10T02:00")
SUITE = """
    table: marts.flows
    changes: {column: local_date}
    expectations:
      - {type: expect_table_row_count_to_be_between, kwargs: {min_value: 1}, severity: critical, why: an empty table satisfies the rest}
      - {type: expect_column_values_to_not_be_null, kwargs: {column: quantity}, severity: critical, why: a flow has a quantity}
      - {type: expect_column_values_to_be_between, kwargs: {column: quantity, min_value: 0, max_value: 1000}, severity: critical, why: flows run one way}
      - {type: expect_column_values_to_be_between, kwargs: {column: share, min_value: 0, max_value: 1}, severity: warning, nulls: not every flow has one, why: a share is a share}
      - {type: unexpected_rows_expectation, kwargs: {unexpected_rows_query: 'select * from {batch} where share > 0.9 and quantity > 900'}, needs: [share, quantity], severity: critical, why: not both at once}
      - {type: unexpected_rows_expectation, kwargs: {unexpected_rows_query: 'select 1 as found where (select count(*) from {batch}) > 5000'}, needs: [], whole: true, severity: warning, why: more flows than there can be}
"""
ROW_COUNT, QUANTITY_THERE, QUANTITY, SHARE, BOTH, WHOLE = range(6)


@pytest.fixture
def flows(park: Park) -> Park:
    """100 days of 10 enterprises, and nothing wrong with them."""
    only_suite(park.settings, "flows", SUITE)
    park.con.execute(
        "create table marts.flows as select 'E' || e as enterprise_id, date '2026-01-01' + d::integer as local_date, "
        "(e + d)::double as quantity, 0.5 as share from range(100) as a (d), range(10) as b (e)"
    )
    park.con.execute("create table intermediate.int_touched_point_dates (point_id varchar, local_date date, change_seq bigint)")
    park.con.execute("create table intermediate.int_touched_enterprise_dates (enterprise_id varchar, local_date date, change_seq bigint)")
    return park


def statuses(verdicts: list[Verdict]) -> list[str]:
    return [verdict.status.value for verdict in verdicts]


class Nights:
    """Runs one build after the other: what dbt consumed and touched, then the gate."""

    def __init__(self, park: Park) -> None:
        self.park, self.count, self.consumed = park, 0, 0

    def run(self, touched: str | None = None, sql: str = "", code: str = "1", knows: bool = True) -> list[Verdict]:
        con, before = self.park.con, self.consumed
        self.count += 1
        self.consumed += 1
        build_id = f"b{self.count}"
        self.park.open_build(build_id, START + timedelta(days=self.count), code)
        con.execute("delete from landing.watermark")
        con.execute("insert into landing.watermark values ('flows', ?, now()::timestamp)", [self.consumed])
        con.execute("delete from intermediate.int_touched_enterprise_dates")
        if touched:
            con.execute("insert into intermediate.int_touched_enterprise_dates values ('E1', ?::date, ?)", [touched, self.consumed])
        if sql:
            con.execute(sql)
        verdicts = judge_marts(con, self.park.settings, build_id, rebuilt_after=before if knows and before else None)
        write_verdicts(con, verdicts)
        return verdicts


@pytest.fixture
def nights(flows: Park) -> Nights:
    return Nights(flows)


# One night


def test_a_good_mart_passes_and_scores_are_allowed(nights: Nights) -> None:
    verdicts = nights.run()
    assert statuses(verdicts) == ["pass"] * 6
    assert allows_scores(verdicts)
    assert {(v.gate, v.suite, v.subject, v.scope, v.change_seq) for v in verdicts} == {("b", "flows", "marts.flows", "everything", 1)}
    assert verdicts[QUANTITY].observed == "0 of 1000 rows"
    assert verdicts[ROW_COUNT].observed == "1000 rows"


def test_a_critical_failure_stops_scores_and_shows_the_first_rows(nights: Nights) -> None:
    verdicts = nights.run(sql="update marts.flows set quantity = -1 where enterprise_id in ('E1', 'E2')")
    assert statuses(verdicts) == ["pass", "pass", "fail", "pass", "pass", "pass"]
    assert not allows_scores(verdicts)
    failed = verdicts[QUANTITY]
    assert (failed.unexpected_count, failed.observed) == (200, "200 of 1000 rows")
    rows = json.loads(failed.failing_rows)
    assert len(rows) == 20
    assert rows[0].keys() == {"enterprise_id", "local_date", "quantity", "share"}
    assert {row["enterprise_id"] for row in rows} <= {"E1", "E2"}


def test_a_query_rule_shows_its_rows_too(nights: Nights) -> None:
    verdicts = nights.run(sql="update marts.flows set share = 0.95, quantity = 950 where local_date = date '2026-02-01'")
    assert statuses(verdicts)[BOTH] == "fail"
    assert verdicts[BOTH].unexpected_count == 10
    assert {row["local_date"] for row in json.loads(verdicts[BOTH].failing_rows)} == {"2026-02-01"}


def test_warnings_allow_scores(nights: Nights) -> None:
    verdicts = nights.run(sql="update marts.flows set share = 1.5 where enterprise_id = 'E1'")
    assert statuses(verdicts)[SHARE] == "warn"
    assert worst(verdicts) == GateStatus.WARN
    assert allows_scores(verdicts)


def test_an_empty_mart_passes_nothing(nights: Nights) -> None:
    verdicts = nights.run(sql="delete from marts.flows")
    assert statuses(verdicts) == ["fail", *["not_evaluated"] * 5]
    assert not allows_scores(verdicts)


def test_a_column_of_nulls_passes_nothing(nights: Nights) -> None:
    verdicts = nights.run(sql="update marts.flows set share = null")
    assert statuses(verdicts) == ["pass", "pass", "pass", "not_evaluated", "not_evaluated", "pass"]
    assert verdicts[SHARE].observed == "0 of 0 rows, 1000 without figures"


def test_nan_does_not_pass_for_a_number(nights: Nights) -> None:
    verdicts = nights.run(sql="update marts.flows set quantity = 'nan' where enterprise_id = 'E1'")
    assert statuses(verdicts)[QUANTITY] == "fail"
    assert json.loads(verdicts[QUANTITY].failing_rows)[0]["quantity"] == "nan"


def test_a_missing_column_is_an_error_and_not_bad_data(nights: Nights) -> None:
    verdicts = nights.run(sql="alter table marts.flows drop column share")
    assert statuses(verdicts) == ["pass", "pass", "pass", "error", "error", "pass"]
    assert verdicts[SHARE].observed == "marts.flows has no column share"
    assert not allows_scores(verdicts)


def test_a_missing_mart_is_an_error(nights: Nights) -> None:
    verdicts = nights.run(sql="drop table marts.flows")
    assert statuses(verdicts) == ["error"] * 6
    assert "flows does not exist" in verdicts[0].observed
    assert not allows_scores(verdicts)


def test_broken_suites_close_the_gate(nights: Nights) -> None:
    only_suite(nights.park.settings, "flows", SUITE.replace("to_not_be_null", "to_not_be_nul"))
    (verdict,) = nights.run()
    assert verdict.status == GateStatus.ERROR
    assert "did you mean expect_column_values_to_not_be_null?" in verdict.observed
    assert not allows_scores([verdict])


def test_without_a_suite_on_marts_the_gate_is_closed(nights: Nights) -> None:
    (nights.park.settings.expectations / "flows.yaml").unlink()
    (verdict,) = nights.run()
    assert verdict.status == GateStatus.ERROR
    assert "no rule judges marts" in verdict.observed


def test_no_verdict_allows_nothing() -> None:
    assert not allows_scores([])
    assert worst([]) == GateStatus.ERROR


# One night after the other

BAD_ELSEWHERE = "update marts.flows set quantity = -1 where local_date = date '2026-01-05' and enterprise_id = 'E7'"


def test_only_touched_dates_are_looked_at(nights: Nights) -> None:
    nights.run()
    verdicts = nights.run("2026-02-01", "update marts.flows set quantity = -1 where local_date = date '2026-02-01'")
    assert statuses(verdicts) == ["pass", "pass", "fail", "pass", "pass", "pass"]
    assert verdicts[QUANTITY].observed == "10 of 10 rows"
    assert verdicts[QUANTITY].scope == "dates touched after change 1"
    assert (verdicts[ROW_COUNT].scope, verdicts[WHOLE].scope) == ("dates touched after change 1", "everything")
    assert verdicts[WHOLE].change_seq == 2


def test_a_failure_is_not_forgotten_when_nothing_touches_it_again(nights: Nights) -> None:
    nights.run()
    assert not allows_scores(nights.run("2026-01-05", BAD_ELSEWHERE))
    verdicts = nights.run("2026-03-01")
    assert verdicts[QUANTITY].status == GateStatus.FAIL
    assert verdicts[QUANTITY].scope == "everything"
    verdicts = nights.run()
    assert verdicts[QUANTITY].status == GateStatus.FAIL


def test_a_warning_is_not_forgotten_either(nights: Nights) -> None:
    nights.run(sql="update marts.flows set share = 1.5 where local_date = date '2026-01-05'")
    verdicts = nights.run("2026-03-01")
    assert (verdicts[SHARE].status, verdicts[SHARE].unexpected_count) == (GateStatus.WARN, 10)


def test_nothing_touched_is_carried_and_never_a_pass(nights: Nights) -> None:
    nights.run()
    verdicts = nights.run()
    assert statuses(verdicts) == ["carried"] * 6
    assert {(v.build_id, v.scope, v.change_seq) for v in verdicts} == {("b2", "as of build b1: everything", 2)}
    assert allows_scores(verdicts)
    again = nights.run()
    assert {(v.build_id, v.scope, v.status.value) for v in again} == {("b3", "as of build b1: everything", "carried")}
    touched = nights.run("2026-02-01")
    assert (touched[QUANTITY].observed, touched[QUANTITY].scope) == ("0 of 10 rows", "dates touched after change 3")


def test_a_rule_without_figures_in_what_was_touched_keeps_its_word(nights: Nights) -> None:
    nights.run()
    verdicts = nights.run("2026-02-01", "update marts.flows set share = null where local_date = date '2026-02-01'")
    assert statuses(verdicts) == ["pass", "pass", "pass", "carried", "carried", "pass"]
    assert nights.run("2026-02-02")[SHARE].status == GateStatus.PASS


def test_a_rule_that_had_nothing_to_look_at_looks_at_what_was_touched(nights: Nights) -> None:
    nights.run(sql="update marts.flows set share = null")
    verdicts = nights.run("2026-02-01", "update marts.flows set share = 3.0 where local_date = date '2026-02-01'")
    assert (verdicts[SHARE].status, verdicts[SHARE].observed) == (GateStatus.WARN, "10 of 10 rows")
    assert verdicts[QUANTITY].scope == "dates touched after change 1"


def test_dates_touched_that_the_mart_has_no_rows_for_are_nothing_to_look_at(nights: Nights) -> None:
    nights.run()
    assert statuses(nights.run("2030-01-01")) == ["carried"] * 6


@pytest.mark.parametrize(
    "change",
    [
        {"code": "2"},  # other models build other rows of untouched dates
        {"knows": False},  # nobody says which rows dbt has rebuilt
    ],
)
def test_the_whole_mart_is_judged_when_an_earlier_verdict_no_longer_holds(nights: Nights, change: dict[str, Any]) -> None:
    nights.run()
    verdicts = nights.run("2026-03-01", BAD_ELSEWHERE, **change)
    assert (verdicts[QUANTITY].status, verdicts[QUANTITY].scope) == (GateStatus.FAIL, "everything")


def test_the_whole_mart_is_judged_when_the_rules_have_changed(nights: Nights) -> None:
    nights.run()
    only_suite(nights.park.settings, "flows", SUITE.replace("max_value: 1000", "max_value: 50"))
    verdicts = nights.run("2026-01-01")
    assert (verdicts[QUANTITY].status, verdicts[QUANTITY].scope) == (GateStatus.FAIL, "everything")


def test_the_whole_mart_is_judged_when_a_build_between_was_not(nights: Nights) -> None:
    """dbt ran and the build died before its gate: `int_touched_*` begin after what it rebuilt."""
    nights.run()
    nights.park.con.execute(BAD_ELSEWHERE)
    nights.consumed += 1
    verdicts = nights.run("2026-03-01")
    assert (verdicts[QUANTITY].status, verdicts[QUANTITY].scope) == (GateStatus.FAIL, "everything")


def test_a_mart_without_a_date_is_always_judged_whole(nights: Nights) -> None:
    only_suite(nights.park.settings, "flows", SUITE.replace("changes: {column: local_date}", ""))
    nights.run()
    assert statuses(nights.run()) == ["pass"] * 6


# A night in which nothing is done


def test_verdicts_are_carried_without_great_expectations(nights: Nights) -> None:
    first = nights.run()
    carried = carry_marts(nights.park.con, nights.park.settings, "quiet")
    assert statuses(carried) == ["carried"] * 6
    assert {v.build_id for v in carried} == {"quiet"}
    assert [v.rule_id for v in carried] == [v.rule_id for v in first]
    assert allows_scores(carried)


def test_what_stood_against_the_marts_still_does(nights: Nights) -> None:
    nights.run(sql="update marts.flows set share = 1.5; update marts.flows set quantity = -1 where enterprise_id = 'E1'")
    carried = carry_marts(nights.park.con, nights.park.settings, "quiet")
    assert statuses(carried) == ["carried", "carried", "fail", "warn", "carried", "carried"]
    assert not allows_scores(carried)


@pytest.mark.parametrize("why", ["never judged", "an error", "other rules", "broken rules"])
def test_what_cannot_be_carried_must_be_judged(nights: Nights, why: str) -> None:
    if why != "never judged":
        nights.run(sql="alter table marts.flows drop column share" if why == "an error" else "")
    if why == "broken rules":
        only_suite(nights.park.settings, "flows", "table: [")
    if why == "other rules":
        only_suite(nights.park.settings, "flows", SUITE.replace("max_value: 1000", "max_value: 50"))
    assert carry_marts(nights.park.con, nights.park.settings, "quiet") is None


def test_a_quiet_night_does_not_import_great_expectations(nights: Nights) -> None:
    nights.run()
    nights.park.con.execute("checkpoint")
    nights.park.con.close()
    script = f"""
import sys
from pathlib import Path
from tests.gates.conftest import SettingsWithSuites
from pipelines.gates.runner import carry_marts, judge_marts
from pipelines.warehouse.connection import open_warehouse
home = Path({str(nights.park.settings.home)!r})
with open_warehouse(SettingsWithSuites(home=home, feeds_dir=home / "feeds")) as con:
    assert len(carry_marts(con, SettingsWithSuites(home=home, feeds_dir=home / "feeds"), "quiet")) == 6
    con.execute("insert into audit.builds by name select * replace ('b2' as build_id) from audit.builds")
    assert len(judge_marts(con, SettingsWithSuites(home=home, feeds_dir=home / "feeds"), "b2", rebuilt_after=1)) == 6
assert "great_expectations" not in sys.modules
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr


# The suites of the checkout


def a_row(suite: Suite) -> str:
    """One plausible row with every column that the suite's rules speak of."""
    good = {
        "local_date": "current_date - 3", "month_start_date": "date '2026-01-01'", "state": "'measured'", "statistic": "'avg'", "unit": "'kg'",
        "value_mean": "2.0", "value_min": "1.0", "value_max": "3.0", "value_sum": "48.0", "limit_value": "50.0", "max_value": "40.0",
        "exceeded": "0", "is_factor_missing": "false",
    }  # fmt: skip
    parts = {"purchased", "received", "sent", "stock_increase", "self_produced", "recycled", "co2e_t"}
    spoken_of = {  # in queries only
        "point_daily": {"statistic", "value_min", "value_max"},
        "data_completeness_daily": {"local_date"},
        "enterprise_consumption_daily": parts,
        "park_consumption_daily": parts | {"is_factor_missing"},
        "park_emission_daily": {"flow_m3", "concentration_mean"},
        "enterprise_efficiency_monthly": {"numerator", "denominator", "process_id", "product_code", "month_start_date", "enterprise_id"},
    }
    columns = {column for rule in suite.expectations for column in (*rule.columns, *rule.needed)} | spoken_of.get(suite.name, set())
    columns |= {suite.changes.column} if suite.changes else set()
    texts = {column: "'x'" for column in columns if column.endswith(("_id", "_code"))}
    return "select " + ", ".join(f"{good.get(column) or texts.get(column) or '1.0'} as {column}" for column in sorted(columns))


def test_the_suites_of_the_checkout_can_be_judged(park: Park) -> None:
    """On one good row per mart every rule speaks, none is an error: a slip in a query would show here."""
    marts_of_the_checkout(park)
    verdicts = judge_marts(park.con, park.settings, "b1")
    assert {(v.suite, v.column_name, v.status.value, v.observed) for v in verdicts if v.status not in ("pass", "not_evaluated")} == set()
    assert len([v for v in verdicts if v.status == "pass"]) > 50
    assert allows_scores(verdicts)


def marts_of_the_checkout(park: Park) -> None:
    park.open_build("b1", START)
    for suite in load_suites(CHECKOUT / "expectations"):
        if suite.gate == "b":
            park.con.execute(f"create table {suite.table} as {a_row(suite)}")


def against(park: Park) -> set[tuple[str, str, int | None]]:
    verdicts = judge_marts(park.con, park.settings, "b1")
    return {(v.suite, v.status.value, v.unexpected_count) for v in verdicts if v.status not in ("pass", "not_evaluated")}


def test_a_park_that_suddenly_takes_ten_times_as_much_is_noticed(park: Park) -> None:
    marts_of_the_checkout(park)
    for mart, value in (("park_consumption_daily", "quantity"), ("park_emission_daily", "mass_kg")):
        park.con.execute(
            f"create or replace table marts.{mart} as select m.* replace (current_date - i::integer as local_date, "
            f"case i when 2 then 25.0 when 20 then 500.0 else 1.0 end as {value}) from marts.{mart} as m, range(30) as t (i)"
        )
    months = (
        "select m.* replace (date '2026-01-01' + to_months(i::integer) as month_start_date, case i when 7 then 30.0 else 1.0 end as value)"
    )
    park.con.execute(
        f"create or replace table marts.enterprise_efficiency_monthly as {months} from marts.enterprise_efficiency_monthly as m, range(8) as t (i)"
    )
    assert against(park) == {
        ("park_consumption_daily", "warn", 1),
        ("park_emission_daily", "warn", 1),
        ("enterprise_efficiency_monthly", "warn", 1),
    }


def test_a_park_that_falls_silent_is_noticed(park: Park) -> None:
    marts_of_the_checkout(park)
    park.con.execute(
        "create or replace table marts.data_completeness_daily as select m.* replace (current_date - i::integer as local_date, "
        "24 as expected_periods, case when i in (0, 3, 20) then 2 else 24 end as received_periods) from marts.data_completeness_daily as m, range(30) as t (i)"
    )
    assert against(park) == {("data_completeness_daily", "warn", 1)}


def test_who_sends_energy_away_may_consume_less_than_nothing(park: Park) -> None:
    marts_of_the_checkout(park)
    park.con.execute(
        "update marts.enterprise_consumption_daily set purchased = null, received = null, self_produced = null, stock_increase = null, sent = 9, quantity = -9, energy_tce_primary = -1"
    )
    assert against(park) == set()
    park.con.execute("update marts.enterprise_consumption_daily set sent = null")
    assert against(park) == {("enterprise_consumption_daily", "warn", 1)}


def test_a_mart_that_was_published_with_rows_may_not_be_empty(park: Park) -> None:
    marts_of_the_checkout(park)
    write_verdicts(park.con, judge_marts(park.con, park.settings, "b1"))
    park.con.execute("update audit.builds set status = 'published'")
    park.con.execute("delete from marts.enterprise_emission_daily")
    park.open_build("b2", START + timedelta(days=1))
    verdicts = judge_marts(park.con, park.settings, "b2")
    (failed,) = [v for v in verdicts if v.status == "fail"]
    assert failed.suite == "enterprise_emission_daily"
    assert "published with rows and has none now" in failed.why
    assert not allows_scores(verdicts)
