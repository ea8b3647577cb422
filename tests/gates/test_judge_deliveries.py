"""Gate A: one judgement over all pending deliveries, each with verdicts of its own."""

import json
import time
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines.contracts.states import GateStatus
from pipelines.gates.runner import judge_deliveries
from pipelines.gates.verdicts import Verdict, admits, reasons, worst
from tests.gates.conftest import RECEIVED, Park, only_suite

HOUR = pl.col("hour")


def judge(park: Park, *deliveries: str) -> dict[str, list[Verdict]]:
    return judge_deliveries(park.con, park.settings, "b1", deliveries, park.path)


def statuses(verdicts: list[Verdict], column_name: str | None, suite: str | None = None) -> set[str]:
    found = {v.status.value for v in verdicts if v.column_name == column_name and suite in (None, v.suite)}
    assert found, f"no rule on {column_name}"
    return found


def against(verdicts: list[Verdict]) -> dict[str, str]:
    """Column names with something against them, and how grave it is."""
    return {
        f"{v.suite}: {v.column_name}": v.status.value
        for v in verdicts
        if v.status not in ("pass", "not_evaluated") and v.severity != "info"
    }


DELIVERY, CHANNEL = "gate_delivery_profile: ", "gate_channel_profile: "


def test_one_bad_delivery_is_held_and_the_others_are_admitted(park: Park) -> None:
    park.deliver("good")
    park.deliver("refused", quarantined=10)
    park.deliver("nan", park.readings(value=pl.when(HOUR == 3).then(float("nan")).otherwise(HOUR)))
    park.deliver("register", park.register(3), feed="points", record="point")
    verdicts = judge(park, "good", "refused", "nan", "register")
    assert {delivery: admits(found) for delivery, found in verdicts.items()} == {
        "good": True,
        "refused": False,
        "nan": False,
        "register": True,
    }
    assert against(verdicts["good"]) == against(verdicts["register"]) == {}
    assert against(verdicts["refused"]) == {DELIVERY + "refused_share, max_quarantined_share": "fail"}
    assert against(verdicts["nan"]) == {DELIVERY + "nonfinite_values": "fail", CHANNEL + "nonfinite_values": "fail"}
    said = reasons(verdicts["refused"])
    assert "refused_share = 0.172414, max_quarantined_share = 0.1" in said
    assert "expects.max_quarantined_share" in said


def test_every_delivery_has_a_verdict_of_every_rule_that_concerns_it(park: Park) -> None:
    park.deliver("good")
    park.deliver("register", park.register(3), feed="points", record="point")
    verdicts = judge(park, "good", "register")
    assert {v.suite for v in verdicts["good"]} == {"gate_delivery_profile", "gate_channel_profile"}
    assert {v.suite for v in verdicts["register"]} == {"gate_delivery_profile"}
    for delivery, found in verdicts.items():
        assert {(v.subject, v.gate, v.build_id, v.park_id) for v in found} == {(delivery, "a", "b1", "park")}
        assert len({(v.suite, v.rule_id) for v in found}) == len(found)
        assert all(v.why and v.observed is not None for v in found)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"flag": "D"}, {DELIVERY + "flagged_share": "warn", CHANNEL + "flagged_share": "warn"}),
        ({"value": 7.5}, {CHANNEL + "constant_day_share": "warn"}),
        ({"value": 0.0}, {}),
        ({"value": None, "state": "missing"}, {DELIVERY + "null_share": "warn"}),
        ({"value": 400.0 + HOUR}, {CHANNEL + "out_of_range_share": "fail", CHANNEL + "days_above_range": "warn"}),
        ({"value": pl.when(HOUR == 5).then(301.0).otherwise(HOUR)}, {CHANNEL + "days_above_range": "warn"}),
        ({"value": pl.when(HOUR % 24 == 5).then(99_999.0).otherwise(HOUR)}, {CHANNEL + "days_above_range": "warn"}),
        ({"value": pl.when(HOUR == 5).then(-3.0).otherwise(HOUR)}, {CHANNEL + "days_below_range": "warn"}),
        (
            {"value": pl.when(HOUR == 5).then(301.0).otherwise(HOUR), "flag": pl.when(HOUR == 5).then(pl.lit("T")).otherwise(pl.lit("N"))},
            {},
        ),
        ({"statistic": "cou", "value": pl.when(HOUR == 5).then(-3.0).otherwise(HOUR)}, {CHANNEL + "value_min": "warn"}),
        ({"statistic": "register", "value": 1000.0 + HOUR}, {}),
        ({"statistic": "register", "value": pl.when(HOUR < 20).then(99990.0 + HOUR).otherwise(HOUR)}, {}),
        ({"statistic": "register", "value": (HOUR * 7) % 24 + 0.5}, {CHANNEL + "register_steps_back": "warn"}),
        (
            {"statistic": "register", "value": 1000.0 - HOUR},
            {CHANNEL + "register_steps_back": "warn", CHANNEL + "register_back_share": "fail"},
        ),
        ({"unit": None}, {CHANNEL + "unit": "fail"}),
    ],
)
def test_what_channels_may_look_like(park: Park, change: dict[str, object], expected: dict[str, str]) -> None:
    park.con.execute(
        "insert into landing.channel by name select 'P1' as point_id, 'a21026' as parameter_code, 0.0 as range_min, 300.0 as range_max, "
        "date '2026-01-01' as valid_from, 'channels' as feed_id, 'c' as delivery_id, 1 as source_row, now()::timestamp as known_from"
    )
    park.deliver("d", park.readings(**change))
    verdicts = judge(park, "d")["d"]
    assert against(verdicts) == expected
    assert admits(verdicts) == ("fail" not in expected.values())


def test_what_deliveries_may_look_like(park: Park) -> None:
    hourly = park.readings(days=3)
    days_ahead = pl.col("period_end_utc") + timedelta(days=3)
    park.deliver("thin", hourly.filter(pl.col("period_start_utc").dt.hour() < 12))
    park.deliver("thick", pl.concat([hourly, hourly.with_columns(pl.col("period_start_utc") + timedelta(minutes=30))]))
    park.deliver("tomorrow", hourly.with_columns(period_end_utc=days_ahead))
    park.deliver("tonight", hourly.with_columns(period_end_utc=pl.lit(RECEIVED) + timedelta(hours=8)))
    park.deliver("epoch", park.readings(local_date=date(1970, 1, 1)))
    park.deliver("empty", hourly.clear())
    park.deliver("lost", hourly, lost=1)
    verdicts = judge(park, "thin", "thick", "tomorrow", "tonight", "epoch", "empty", "lost")
    assert against(verdicts["thin"]) == {DELIVERY + "steps_per_channel_day, at_least": "warn", CHANNEL + "steps_per_day, at_least": "warn"}
    assert against(verdicts["thick"]) == {DELIVERY + "steps_per_channel_day, rows_per_day": "warn"}
    assert against(verdicts["tomorrow"]) == {DELIVERY + "hours_ahead": "fail"}
    assert against(verdicts["tonight"]) == {}
    assert DELIVERY + "first_date" in against(verdicts["epoch"])
    assert against(verdicts["empty"]) == {DELIVERY + "rows_accepted": "warn", CHANNEL + "None": "warn"}
    assert against(verdicts["lost"]) == {DELIVERY + "rows_unaccounted": "fail"}
    assert statuses(verdicts["lost"], "nonfinite_values") == {"pass"}


def test_nothing_to_look_at_is_not_a_pass(park: Park) -> None:
    park.deliver("empty", park.readings().clear())
    park.deliver("nulls", park.readings(value=None, state="missing"))
    verdicts = judge(park, "empty", "nulls")
    for column in ("nonfinite_values", "flagged_share", "constant_day_share"):
        assert statuses(verdicts["empty"], column) == {"not_evaluated"}
    assert statuses(verdicts["nulls"], "constant_day_share") == {"not_evaluated"}
    assert statuses(verdicts["nulls"], "out_of_range_share") == {"not_evaluated"}
    assert worst(verdicts["empty"]) == GateStatus.WARN


def current_points(park: Park, rows: int) -> None:
    park.con.execute(
        "insert into landing.point by name select 'P' || i as point_id, 'n' as name, 'stack' as kind, date '2026-01-01' as valid_from, "
        "'points' as feed_id, 'earlier' as delivery_id, i as source_row, now()::timestamp as known_from from range(?) as t (i)",
        [rows],
    )


@pytest.mark.parametrize(
    ("rows", "expected"), [(30, {}), (25, {"shrink_share": "warn"}), (12, {"shrink_share": "warn", "rows_gone, shrink_share": "fail"})]
)
def test_a_register_may_not_lose_half_of_its_rows_unseen(park: Park, rows: int, expected: dict[str, str]) -> None:
    current_points(park, 30)
    park.deliver("register", park.register(rows), feed="points", record="point")
    verdicts = judge(park, "register")["register"]
    assert against(verdicts) == {DELIVERY + column: status for column, status in expected.items()}


def test_an_empty_snapshot_would_withdraw_everything(park: Park) -> None:
    park.deliver("register", park.register(0), feed="points", record="point")
    verdicts = judge(park, "register")["register"]
    (found,) = [v for v in verdicts if v.status == "fail"]
    assert "would withdraw everything" in found.why


def test_a_unit_mistake_is_seen_against_the_weeks_before(park: Park) -> None:
    park.con.execute(
        "create table marts.point_daily as select 'P1' as point_id, 'a21026' as parameter_code, 'avg' as statistic, "
        "'automatic' as source_kind, date '2026-02-20' + i::integer as local_date, 0.021 as value_mean from range(10) as t (i)"
    )
    park.deliver("unit", park.readings())
    verdicts = judge(park, "unit")["unit"]
    assert against(verdicts) == {CHANNEL + "usual_ratio": "warn"}
    (found,) = [v for v in verdicts if v.column_name == "usual_ratio"]
    (row,) = json.loads(found.failing_rows)
    assert row["point_id"] == "P1"
    assert row["usual_ratio"] == pytest.approx(21.5 / 0.021)


def test_a_unit_mistake_is_seen_among_deliveries_that_wait_together(park: Park) -> None:
    """The first night has nothing to compare with but what came."""
    for number in range(4):
        park.deliver(f"week{number}")
    park.deliver("unit", park.readings(value=1000.0 * (HOUR + 1)))
    verdicts = judge(park, *(f"week{number}" for number in range(4)), "unit")
    assert against(verdicts["unit"]) == {CHANNEL + "usual_ratio": "warn"}
    assert statuses(verdicts["week0"], "usual_ratio") == {"pass"}


def test_one_stuck_day_is_seen_in_a_month(park: Park) -> None:
    stuck = pl.when((HOUR >= 240) & (HOUR < 264)).then(7.5).otherwise(HOUR)
    park.deliver("month", park.readings(days=30, value=stuck))
    park.deliver("total", park.readings(days=30, statistic="cou", value=stuck))
    verdicts = judge(park, "month", "total")
    (found,) = [v for v in verdicts["month"] if v.column_name == "constant_day_share"]
    assert (found.status, json.loads(found.failing_rows)[0]["constant_days"]) == ("warn", 1)
    assert statuses(verdicts["total"], "constant_day_share") == {"not_evaluated"}


def test_rows_that_wait_for_a_register_are_not_refused_rows(park: Park) -> None:
    """The other customers of a utility's file do not wait until the last account is registered."""
    park.deliver("waits", quarantined=30)
    park.con.execute("update audit.deliveries set rows_unresolved = 29")
    verdicts = judge(park, "waits")["waits"]
    assert against(verdicts) == {DELIVERY + "unresolved_share": "warn"}
    park.con.execute("update audit.deliveries set rows_unresolved = 9")
    assert not admits(judge(park, "waits")["waits"])


def test_failing_rows_name_the_channel(park: Park) -> None:
    rows = park.readings(points=("P1", "P2", "P3")).with_columns(value=pl.when(pl.col("point_id") == "P2").then(7.0).otherwise("value"))
    park.deliver("d", rows)
    (found,) = [v for v in judge(park, "d")["d"] if v.column_name == "constant_day_share"]
    assert (found.status, found.unexpected_count, found.observed) == ("warn", 1, "1 of 3 rows")
    assert [row["point_id"] for row in json.loads(found.failing_rows)] == ["P2"]


def test_two_deliveries_of_the_same_bytes_are_both_judged(park: Park) -> None:
    park.deliver("first", quarantined=10)
    park.deliver("again", quarantined=10)
    verdicts = judge_deliveries(park.con, park.settings, "b1", ["first", "again"], lambda _: park.path("first"))
    assert against(verdicts["first"]) == against(verdicts["again"]) != {}
    assert [v.observed for v in verdicts["first"]] == [v.observed for v in verdicts["again"]]


# A gate that cannot run


def test_what_cannot_be_judged_is_an_error_and_costs_the_others_nothing(park: Park) -> None:
    for delivery in ("good", "absent", "broken", "cut", "orphan", "nowhere"):
        park.deliver(delivery)
    paths = {delivery: park.path(delivery) for delivery in ("good", "absent", "broken", "cut", "orphan")}
    park.path("absent").unlink()
    park.path("broken").write_bytes(b"not parquet at all")
    park.path("cut").write_bytes(park.path("cut").read_bytes()[:200])
    park.con.execute("update audit.deliveries set feed_id = 'gone' where delivery_id = 'orphan'")
    verdicts = judge_deliveries(
        park.con, park.settings, "b1", ["good", "absent", "broken", "cut", "orphan", "unknown", "nowhere"], paths.__getitem__
    )
    assert admits(verdicts["good"])
    for delivery, reason in {
        "absent": "is absent", "broken": "not readable", "cut": "not readable", "orphan": "no readable contract", "unknown": "no such delivery",
        "nowhere": "not in the lake: KeyError",
    }.items():  # fmt: skip
        (found,) = verdicts[delivery]
        assert (found.status, found.subject) == (GateStatus.ERROR, delivery)
        assert reason in found.observed
        assert not admits(verdicts[delivery])


def test_a_broken_register_file_does_not_count_the_good_ones_twice(park: Park) -> None:
    park.deliver("good", park.register(4), feed="points", record="point")
    park.deliver("broken", park.register(4), feed="points", record="point")
    park.path("broken").write_bytes(b"not parquet at all")
    verdicts = judge(park, "good", "broken")
    assert admits(verdicts["good"]), against(verdicts["good"])
    assert not admits(verdicts["broken"])


SUITE = """
    table: gate_delivery_profile
    subject_column: delivery_id
    expectations:
      - {type: expect_table_row_count_to_be_between, kwargs: {min_value: 1}, severity: critical, why: an empty table satisfies the rest}
      - {type: expect_column_values_to_not_be_null, kwargs: {column: rows_read}, severity: critical, why: rows must have been counted}
"""


def add(park: Park, rule: str) -> None:
    only_suite(park.settings, "gate_delivery_profile", SUITE + f"      - {rule}\n")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{type: expect_column_values_to_not_be_null, kwargs: {column: rows_raed}, severity: info, why: rows must have been counted}", "has no column rows_raed"),
        ("{type: unexpected_rows_expectation, kwargs: {unexpected_rows_query: 'select delivery_id from {batch} where rows_raed > 1'}, needs: [], severity: info, why: a slip of the pen}", "rows_raed"),
        ("{type: unexpected_rows_expectation, kwargs: {unexpected_rows_query: 'select delivery_id, cast(feed_id as integer) as number from {batch}'}, needs: [], severity: info, why: it cannot be computed}", "Conversion Error"),
        ("{type: unexpected_rows_expectation, kwargs: {unexpected_rows_query: 'select null as delivery_id from {batch}'}, needs: [], severity: info, why: nobody is named}", "has no delivery_id"),
    ],
)  # fmt: skip
def test_an_expectation_that_raises_is_an_error_for_all_it_could_not_judge(park: Park, rule: str, said: str) -> None:
    """Whatever its severity: what was not judged is not let through. The other rules still speak."""
    add(park, rule)
    park.deliver("d")
    park.deliver("e")
    for verdicts in judge(park, "d", "e").values():
        assert [v.status.value for v in verdicts] == ["pass", "pass", "error"]
        assert said in verdicts[2].observed
        assert not admits(verdicts)


def test_broken_suites_hold_everything_and_say_why(park: Park) -> None:
    add(
        park,
        "{type: expect_column_values_to_be_betwen, kwargs: {column: rows_read, min_value: 0, max_value: 1}, severity: info, why: misspelt it is}",
    )
    park.deliver("d")
    (found,) = judge(park, "d")["d"]
    assert found.status == GateStatus.ERROR
    assert "did you mean expect_column_values_to_be_between?" in found.observed


def test_without_a_suite_on_deliveries_nothing_is_let_through(park: Park) -> None:
    for path in park.settings.expectations.glob("gate_*.yaml"):
        path.unlink()
    park.deliver("d")
    (found,) = judge(park, "d")["d"]
    assert found.status == GateStatus.ERROR
    assert "no rule judges deliveries" in found.observed


def test_a_record_that_no_rule_speaks_of_is_not_let_through(park: Park) -> None:
    only_suite(park.settings, "gate_delivery_profile", SUITE + "    records: [reading]\n")
    park.deliver("register", park.register(3), feed="points", record="point")
    (found,) = judge(park, "register")["register"]
    assert found.status == GateStatus.ERROR
    assert "no suite has a rule" in found.observed


def test_a_crash_of_great_expectations_is_an_error(park: Park, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("no room on the moon")

    monkeypatch.setattr("pipelines.gates.duckdb_source.GateSource.validate", crash)
    park.deliver("d")
    verdicts = judge(park, "d")["d"]
    assert {v.status for v in verdicts} == {GateStatus.ERROR}
    assert all("no room on the moon" in v.observed for v in verdicts)


def test_severities(park: Park) -> None:
    rules = "\n".join(
        f"      - {{type: expect_column_values_to_be_between, kwargs: {{column: rows_read, min_value: 0, max_value: {number}}}, severity: {severity}, why: far too small}}"
        for number, severity in enumerate(("critical", "warning", "info"))
    )
    only_suite(park.settings, "gate_delivery_profile", SUITE + rules + "\n")
    park.deliver("d")
    found = [(v.severity, v.status.value) for v in judge(park, "d")["d"]][2:]
    assert found == [("critical", "fail"), ("warning", "warn"), ("info", "warn")]


def test_no_delivery_no_work(park: Park) -> None:
    assert judge(park) == {}


def test_more_failures_than_great_expectations_names_by_itself(park: Park) -> None:
    """It names 20 broken rows of a column rule and 200 of a query, and would have let the rest through."""
    add(
        park,
        "{type: expect_column_values_to_be_between, kwargs: {column: rows_read, min_value: 0, max_value: 1}, severity: critical, why: far too small}",
    )
    text = (park.settings.expectations / "gate_delivery_profile.yaml").read_text(encoding="utf-8")
    text += "  - {type: unexpected_rows_expectation, kwargs: {unexpected_rows_query: 'select delivery_id from {batch} where rows_read > 1'}, needs: [rows_read], severity: critical, why: far too small}\n"
    (park.settings.expectations / "gate_delivery_profile.yaml").write_text(text, encoding="utf-8")
    many = _deliver_many(park, 260)
    verdicts = judge_deliveries(park.con, park.settings, "b1", many, lambda _: park.path("shared"))
    assert all([v.status.value for v in found] == ["pass", "pass", "fail", "fail"] for found in verdicts.values())
    assert len(verdicts) == 260


def _deliver_many(park: Park, count: int) -> list[str]:
    park.deliver("shared")
    park.con.execute(
        "insert into audit.deliveries by name select * exclude (i) replace ('d' || i as delivery_id) "
        "from audit.deliveries, range(?) as t (i) where delivery_id = 'shared'",
        [count],
    )
    return [f"d{number}" for number in range(count)]


@pytest.mark.slow
def test_the_cost_hardly_depends_on_the_number_of_deliveries(park: Park) -> None:
    """1,000 deliveries of a file each, against 10: a judgement each would take a hundred times as long."""
    park.deliver("warm-up")
    judge(park, "warm-up")
    files: dict[str, Path] = {}
    for number in range(1000):
        files[f"d{number}"] = park.folder / f"d{number}.parquet"
    park.readings(days=20, points=tuple(f"P{number}" for number in range(4))).write_parquet(park.path("shared"))
    for path in files.values():
        path.hardlink_to(park.path("shared"))
    park.deliver("one", park.readings(days=20, points=tuple(f"P{number}" for number in range(4))))
    park.con.execute(
        "insert into audit.deliveries by name select * exclude (i) replace ('d' || i as delivery_id) from audit.deliveries, range(1000) as t (i) where delivery_id = 'one'"
    )
    seconds = {}
    for count in (10, 1000):
        started = time.perf_counter()
        verdicts = judge_deliveries(park.con, park.settings, "b1", list(files)[:count], files.__getitem__)
        seconds[count] = time.perf_counter() - started
        assert len(verdicts) == count
        assert all(admits(found) for found in verdicts.values())
    print(f"10 deliveries {seconds[10]:.2f} s, 1,000 deliveries {seconds[1000]:.2f} s")  # noqa: T201
    assert seconds[1000] < 15 * seconds[10]


def test_the_zone_of_the_session_does_not_matter(park: Park) -> None:
    park.con.execute("set TimeZone = 'Asia/Shanghai'")
    park.deliver("d", park.readings().with_columns(period_end_utc=pl.lit(RECEIVED) + timedelta(hours=23)))
    assert statuses(judge(park, "d")["d"], "hours_ahead") == {"pass"}
