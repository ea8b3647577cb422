"""Substituted masses (数据修约): HJ 75-2017 section 12 for air, HJ 356 for water, and what a late file restates.

A quarter of 2160 hours with gaps, worked out by hand in reference section 5.4; masses come as sent, so that one reading is an hour.
"""

import shutil
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.comparison import differing_rows
from tests.transform.harness import Warehouse
from tests.transform.known_park import SINCE, Records, enterprises, local, mean, merged, outlet, total

AUTUMN, WINTER, SPRING = date(2022, 10, 1), date(2023, 1, 1), date(2023, 4, 1)
HOURS = 2160
"""Hours of the winter quarter."""

TABLES = (
    "marts.emission_hourly", "marts.limit_compliance_daily", "marts.exceedances", *(f"marts.{whose}_emission_{period}" for whose in ("enterprise", "park") for period in ("daily", "monthly", "quarterly", "annual")),
)  # fmt: skip
MODELS = tuple(table.split(".")[1] for table in TABLES)


def masses(
    point: str, first: date, hours: Iterable[int], peaks: dict[int, float], code: str = "a21026", base: float = 10.0
) -> list[dict[str, Any]]:
    """Masses of hours counted from the first midnight."""
    return [total(point, code, "kg", first + timedelta(days=hour // 24), peaks.get(hour, base), hours=1, at=hour % 24) for hour in hours]


def without(*gaps: range, of: int = HOURS) -> list[int]:
    return sorted(set(range(of)) - {hour for gap in gaps for hour in gap})


def hour(first: date, number: int) -> datetime:
    return local(first, number)


def stack(name: str, *codes: str) -> Records:
    return outlet(name, name, "air", "stack", dict.fromkeys(codes or ("a21026",)))


LATE = range(1852, 2152)
"""Hours of S80 that a late file brings."""


def scenario() -> Iterable[Records]:
    yield {"park": [{**SINCE}]}
    yield enterprises("S92", "S80", "S70", "S95", "W19", "W07")
    # 173 of 2160 hours: 92 %. Ten hours under calibration, thirty of which nothing came at all, the rest under maintenance
    yield stack("S92", "a21026", "a21005")
    first, second, third = range(600, 610), range(1200, 1230), range(1700, 1833)
    peaks = {100: 25.3, 300: 16.0, 500: 14.2, 700: 18.9}
    yield {
        "reading": [
            *masses("S92", WINTER, without(first, second, third), peaks), *masses("S92", WINTER, without(first), {}, "a21005"),
            *(mean("S92", "a21026", "mg/m3", WINTER + timedelta(days=hour // 24), hour % 24, 5.0, flag="C") for hour in first),
            *(mean("S92", "a21026", "mg/m3", WINTER + timedelta(days=hour // 24), hour % 24, 5.0, flag="M") for hour in third),
        ]
    }  # fmt: skip
    # 432 of 2160 hours: 80 %. The greatest of 2160 valid hours was in autumn, and a greater one before them
    yield stack("S80")
    yield {
        "reading": [
            *masses("S80", AUTUMN, range(2208), {500: 40.0, 1100: 25.3}),
            *masses("S80", WINTER, without(range(1000, 1030), range(1750, 2152)), {}),
            *masses("S80", SPRING, without(range(100, 105), of=480), {}),
        ]
    }
    # 648 of 2160 hours: 70 %
    yield stack("S70")
    yield {"reading": masses("S70", WINTER, without(range(500, 1148)), {})}
    # 160 hours stopped, 100 without a value
    yield stack("S95")
    yield {
        "reading": [
            *masses("S95", WINTER, without(range(160), range(300, 400)), {}),
            *({**row, "value": None, "state": "stopped"} for row in masses("S95", WINTER, range(160), {})),
        ]
    }
    # loads of days, 24 kg; calibrated on the 51st; nothing on the 61st, nine hours of the 62nd
    yield outlet("W19", "W19", "water", "final", {"w01018": None})
    peaks = {hour: value for day, value in ((10, 4.0), (30, 2.0), (55, 3.0)) for hour in range(day * 24, day * 24 + 24)}
    yield {
        "reading": masses("W19", WINTER, without(range(1440, 1464), range(1473, 1488)), peaks, "w01018", 1.0),
        "meter_event": [
            {
                "point_id": "W19",
                "parameter_code": "w01018",
                "event_kind": "recalibration",
                "event_at_utc": local(WINTER + timedelta(days=50)),
            }
        ],
    }
    yield outlet("W07", "W07", "water", "final", {"w01018": None})
    yield {"reading": masses("W07", WINTER, without(range(1000, 1005)), {hour: hour - 990.0 for hour in range(990, 1000)}, "w01018", 1.0)}


def marked() -> Iterable[Records]:
    """Ten minutes of calibration run into ten of maintenance, ten alone; a start-up and a stop that were filed; a device out of control."""
    yield enterprises("MARKED", "UNSURE")
    yield outlet("MARKED-A", "MARKED", "air", "stack", {"a00000": None, "a21026": None}, step=10)
    flags = {(0, 5): "C", (1, 0): "M", (2, 3): "D"}
    readings = [
        row
        for number in range(4)
        for tenth in range(6)
        for row in (
            mean("MARKED-A", "a00000", "m3/h", WINTER, number + tenth / 6, 1000.0, hours=1 / 6),
            mean("MARKED-A", "a21026", "mg/m3", WINTER, number + tenth / 6, 60.0, hours=1 / 6, flag=flags.get((number, tenth), "N")),
        )
    ]  # fmt: skip
    yield outlet("MARKED-S", "MARKED", "air", "stack", {"a21026": None})
    yield outlet("UNSURE", "UNSURE", "air", "stack", {"a21026": None})
    mark = {"parameter_code": "-", "valid_from": WINTER}
    gap = WINTER + timedelta(days=1000 // 24)
    yield {
        "reading": [
            *readings, *masses("MARKED-S", WINTER, range(24), {}),
            *masses("UNSURE", WINTER, without(range(1000, 1010)), {700: 15.0, 900: 20.0}),
        ],
        "permit_limit": [
            {"permit_id": "PW", "subject_kind": "outlet", "subject_id": "MARKED-A", "parameter_code": "a21026", "limit_kind": "hourly_concentration",
             "limit_value": 50.0, "unit": "mg/m3", **SINCE}
        ],
        "monitor_mark": [
            {**mark, "outlet_id": "MARKED-A", "mark_code": "furnace_start", "begins_at_utc": hour(WINTER, 3), "ends_at_utc": hour(WINTER, 4),
             "valid_to": WINTER + timedelta(days=1)},
            {**mark, "outlet_id": "MARKED-S", "mark_code": "source_stopped", "begins_at_utc": hour(WINTER, 24), "ends_at_utc": hour(WINTER, 48),
             "valid_from": WINTER + timedelta(days=1), "valid_to": WINTER + timedelta(days=2)},
            {**mark, "outlet_id": "UNSURE", "mark_code": "out_of_control", "begins_at_utc": hour(WINTER, 1000), "ends_at_utc": hour(WINTER, 1010),
             "valid_from": gap, "valid_to": gap + timedelta(days=2)},
        ],
        "meter_event": [{"point_id": "UNSURE", "parameter_code": "a21026", "event_kind": "recalibration", "event_at_utc": hour(WINTER, 800)}],
    }  # fmt: skip


@pytest.fixture(scope="module")
def park(template: Path, dbt_target: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    path = tmp_path_factory.mktemp("substitution") / "warehouse.duckdb"
    shutil.copyfile(template, path)
    warehouse = Warehouse(path, dbt_target)
    warehouse.load(merged([*scenario(), *marked()]))
    warehouse.add_own_standard("regional_choices", {
        "topic": "substitution_rules", "item_code": "W07", "region": "CN", "series": "HJ/T 356-2007", "valid_from": "2020-01-01",
        "version": "1", "source_ref": "the park", "verification_status": "primary_source",
    })  # fmt: skip
    warehouse.build(*MODELS)
    return warehouse


def of_gap(park: Warehouse, outlet_id: str, first: date, gap: range) -> list[tuple[Any, ...]]:
    """Distinct rule, state and mass of a gap's hours with their number and sum."""
    found = park.query(f"""
        select rule_id, state, mass_kg, count(*) as hours, sum(substituted_kg) as kg from marts.emission_hourly
        where outlet_id = '{outlet_id}' and pollutant_code = 'a21026'
            and hour_start_utc between '{hour(first, gap.start)}' and '{hour(first, gap.stop - 1)}'
        group by all
    """)
    return [tuple(row.values()) for row in found]


class TestCapture:
    @pytest.mark.parametrize(("name", "rate"), [("S95", 0.95), ("S92", 1987 / 2160), ("S80", 0.8), ("S70", 0.7)])
    def test_of_a_quarter(self, park: Warehouse, name: str, rate: float) -> None:
        """(2160 - 160 stopped - 100 invalid) / (2160 - 160) = 95 %."""
        found = park.value(f"select capture_rate from intermediate.int_emission_capture_quarterly where outlet_id = '{name}' "
                           "and quarter_start_date = '2023-01-01' and pollutant_code = 'a21026'")  # fmt: skip
        assert found == pytest.approx(rate)


class TestAir:
    @pytest.mark.parametrize(("name", "gap", "rule", "value", "kg"), [
        ("S92", range(600, 610), "HJ75-2017-4-90-24", 14.2, 142.0), ("S92", range(1200, 1230), "HJ75-2017-4-90-over", 18.9, 567.0),
        ("S80", range(1000, 1030), "HJ75-2017-4-75", 25.3, 759.0),
    ])  # fmt: skip
    def test_worked_examples(self, park: Warehouse, name: str, gap: range, rule: str, value: float, kg: float) -> None:
        assert of_gap(park, name, WINTER, gap) == [(rule, "substituted", value, len(gap), pytest.approx(kg))]

    def test_where_the_mass_was_found(self, park: Warehouse) -> None:
        [row] = park.query(
            f"select * from intermediate.int_substitutions where outlet_id = 'S80' and hour_start_utc = '{hour(WINTER, 1000)}'"
        )
        assert (row["source_start_utc"], row["window_end_utc"]) == (hour(AUTUMN, 1100), hour(WINTER, 1000))
        assert (row["window_start_utc"], row["window_found"], row["gap_periods"]) == (hour(AUTUMN, 1048), 2160, 30)
        assert row["capture_rate"] == pytest.approx(0.8)

    def test_only_the_mass_is_substituted(self, park: Warehouse) -> None:
        found = park.query(
            "select count(concentration) as c, count(flow_m3) as f, count(*) as n from marts.emission_hourly where is_substituted_by_rule"
        )
        assert found == [{"c": 0, "f": 0, "n": 10 + 30 + 133 + 30 + 402 + 5 + 100 + 5 + 10}]

    def test_only_of_so2_nox_and_particulates(self, park: Warehouse) -> None:
        assert park.value("select count(*) from marts.emission_hourly where pollutant_code = 'a21005' and state = 'substituted'") == 0

    def test_below_three_quarters_nothing_is_usable(self, park: Warehouse) -> None:
        assert park.value("select count(*) from marts.emission_hourly where outlet_id = 'S70' and state = 'substituted'") == 0
        found = park.query("select distinct state, reason, rule_id, value_kg from intermediate.int_substitutions where outlet_id = 'S70'")
        assert found == [{"state": "missing", "reason": "capture_too_low", "rule_id": "HJ75-2017-unusable", "value_kg": None}]

    def test_stopped_hours_are_zero(self, park: Warehouse) -> None:
        assert of_gap(park, "S95", WINTER, range(160)) == [("HJ 212-2017 annex D", "stopped", 0, 160, 0)]

    def test_days_and_longer_sum_it(self, park: Warehouse) -> None:
        """Of S92 142 + 567 + 133 × 10 kg are substituted, and substituted hours are not valid ones."""
        for period in ("daily", "monthly", "quarterly", "annual"):
            [row] = park.query(
                "select sum(substituted_kg) as substituted, sum(mass_kg) as mass, sum(measured_kg) as measured, sum(valid_hours) as valid "
                f"from marts.enterprise_emission_{period} where outlet_id = 'S92' and pollutant_code = 'a21026'"
            )
            assert row["substituted"] == pytest.approx(142 + 567 + 1330), period
            assert row["mass"] == pytest.approx(row["measured"] + row["substituted"])
            assert row["valid"] == 1987
        [day] = park.query(
            "select * from marts.enterprise_emission_daily where outlet_id = 'S92' and pollutant_code = 'a21026' and local_date = '2023-02-20'"
        )
        assert (day["state"], day["method_code"], day["valid_hours"], day["missing_hours"]) == ("substituted", "substitution", 0, 24)


class TestWater:
    def test_the_greatest_of_thirty_days_before_the_calibration(self, park: Warehouse) -> None:
        """48 kg on the 31st day; 96 on the 11th and 72 after the calibration do not count. What was measured stays measured."""
        found = park.query(
            "select mass_kg, measured_kg, substituted_kg, state, concentration_mean from marts.enterprise_emission_daily "
            "where outlet_id = 'W19' and state = 'substituted' order by local_date"
        )
        assert [tuple(row.values()) for row in found] == [(48, 0, 48, "substituted", None), (48, 9, 39, "substituted", None)]

    def test_a_method_s_own_mass_holds_what_its_days_and_hours_were_given(self, park: Warehouse) -> None:
        """Of water by days as of gas by hours: the month's mass by the method is the audit's."""
        for name, code, substituted in (("W19", "w01018", 48 + 39), ("S92", "a21026", 142 + 567 + 1330)):
            found = park.query(
                "select method_code, mass_kg, audit_kg, mass_kg * (1 - measured_share) as substituted_kg from marts.emission_method "
                f"where outlet_id = '{name}' and pollutant_code = '{code}' and period_type = 'year'"
            )
            [row] = found
            assert (row["method_code"], row["mass_kg"]) == ("reported_mass", pytest.approx(row["audit_kg"])), name
            assert row["substituted_kg"] == pytest.approx(substituted), name

    def test_of_2007_the_mean_of_as_many_hours(self, park: Warehouse) -> None:
        """5, 6, 7, 8, 9 before the gap of five hours."""
        found = park.query(
            "select rule_id, mass_kg, count(*) as hours from marts.emission_hourly where outlet_id = 'W07' and is_substituted_by_rule group by all"
        )
        assert found == [{"rule_id": "HJ356-2007-hour", "mass_kg": pytest.approx(7), "hours": 5}]


class TestMarks:
    def test_flags_that_adjoin_are_one_mark_whatever_they_say(self, park: Warehouse) -> None:
        """Twenty minutes over two hours count, ten do not; the masses stay; what was filed goes without a flag."""
        found = park.query(
            "select mark_code, mark_source, is_excluded_by_mark, mass_kg from marts.emission_hourly where outlet_id = 'MARKED-A' order by hour_start_utc"
        )
        mass = pytest.approx(1000 * 60 * 1e-6)
        assert [tuple(row.values()) for row in found] == [
            ("calibration", "automatic", True, mass), ("maintenance", "automatic", True, mass), (None, None, False, mass), ("furnace_start", "filed", True, mass),
        ]  # fmt: skip

    def test_marked_hours_are_not_held_against_limits(self, park: Warehouse) -> None:
        found = park.query(
            "select periods_evaluated, excluded_by_mark, exceeded from marts.limit_compliance_daily where outlet_id = 'MARKED-A'"
        )
        assert found == [{"periods_evaluated": 1, "excluded_by_mark": 3, "exceeded": 1}]
        assert park.value("select count(*) from marts.exceedances where outlet_id = 'MARKED-A'") == 1

    def test_a_stop_that_was_filed_is_zero_though_nothing_was_sent(self, park: Warehouse) -> None:
        found = park.query(
            "select state, mass_kg, stopped_hours from marts.enterprise_emission_daily where outlet_id = 'MARKED-S' and local_date = '2023-01-02'"
        )
        assert found == [{"state": "stopped", "mass_kg": 0, "stopped_hours": 24}]

    def test_a_device_out_of_control_looks_back_from_its_calibration(self, park: Warehouse) -> None:
        """20 kg/h came after the calibration and does not count; 15 kg/h came before it."""
        assert of_gap(park, "UNSURE", WINTER, range(1000, 1010)) == [("HJ75-2017-3-90-24", "substituted", 15, 10, pytest.approx(150))]

    @pytest.mark.slow
    def test_a_mark_filed_later_restates_its_hours(self, park: Warehouse, make_copy: Callable[[Warehouse], Warehouse]) -> None:
        incremental = make_copy(park)
        incremental.withdraw("monitor_mark", {"outlet_id": "UNSURE"})
        incremental.load({
            "monitor_mark": [
                {"outlet_id": "S92", "mark_code": "source_stopped", "parameter_code": "a21026", "begins_at_utc": hour(WINTER, 1200),
                 "ends_at_utc": hour(WINTER, 1230), "valid_from": WINTER + timedelta(days=50), "valid_to": WINTER + timedelta(days=52)}
            ]
        })  # fmt: skip
        full = make_copy(incremental)
        incremental.build(*MODELS)
        full.build(*MODELS, full_refresh=True)
        assert of_gap(incremental, "S92", WINTER, range(1200, 1230)) == [("HJ 212-2017 annex D", "stopped", 0, 30, 0)]
        assert of_gap(incremental, "UNSURE", WINTER, range(1000, 1010)) == [
            ("HJ75-2017-4-90-24", "substituted", 20, 10, pytest.approx(200))
        ]
        with incremental.connect() as con:
            con.execute(f"attach '{full.path}' as rebuilt (read_only)")
            for table in TABLES:
                assert differing_rows(con, table, f"rebuilt.{table}") == [], table


def test_identities_of_masses_hold(park: Warehouse) -> None:
    """Hours add up to days, parts to masses; every gap has a mass or a reason; keys are single."""
    park.dbt(
        "test", "--exclude", "park_emission_is_enterprises_less_eliminations", "resource_type:unit_test", "--select",
        "emission_days_are_the_sums_of_their_hours", "emission_hourly", "enterprise_emission_daily", "enterprise_emission_monthly",
        "int_substitutions", "int_emission_hourly", "int_emission_capture_quarterly", "int_filed_mark_hours", "int_flag_mark_hours",
    )  # fmt: skip


@pytest.mark.slow
def test_a_late_file_restates_what_the_rules_say(park: Warehouse, make_copy: Callable[[Warehouse], Warehouse]) -> None:
    """Three hundred hours late: the quarter's capture rises from 80 to 94 %, its gaps get other rules, and spring looks back on a new peak."""
    incremental = make_copy(park)
    incremental.load({"reading": masses("S80", WINTER, LATE, {2100: 33.0})})
    full = make_copy(incremental)
    incremental.build(*MODELS)
    full.build(*MODELS, full_refresh=True)
    assert of_gap(incremental, "S80", WINTER, range(1000, 1030)) == [("HJ75-2017-4-90-over", "substituted", 10, 30, pytest.approx(300))]
    assert of_gap(incremental, "S80", SPRING, range(100, 105)) == [("HJ75-2017-4-90-24", "substituted", 33, 5, pytest.approx(165))]
    with incremental.connect() as con:
        con.execute(f"attach '{full.path}' as rebuilt (read_only)")
        con.execute(f"attach '{park.path}' as before (read_only)")
        for table in TABLES:
            assert differing_rows(con, table, f"rebuilt.{table}") == [], table
        for name in ("here", "there"):
            source = "" if name == "here" else "rebuilt."
            con.execute(
                f"create temp table {name} as select * exclude (change_seq) from {source}intermediate.int_substitutions where is_gap"
            )
        assert differing_rows(con, "here", "there") == []
        restated = con.execute(
            """
            select distinct now.hour_start_utc from marts.emission_hourly as now
            full join before.marts.emission_hourly as was using (outlet_id, pollutant_code, hour_start_utc)
            where now.mass_kg is distinct from was.mass_kg or now.rule_id is distinct from was.rule_id
            """
        ).fetchall()
        touched = con.execute("select distinct enterprise_id from intermediate.int_touched_enterprise_dates").fetchall()
        days = con.execute("select count(distinct local_date) from intermediate.int_touched_enterprise_dates").fetchone()[0]
    gaps = [*range(1000, 1030), *range(1750, 2152)]
    assert {moment for (moment,) in restated} == {hour(WINTER, number) for number in gaps} | {
        hour(SPRING, number) for number in range(100, 105)
    }
    assert touched == [("S80",)]
    assert days == len({number // 24 for number in gaps}) + 1


@pytest.mark.slow
def test_nothing_is_restated_by_what_changes_nothing(park: Warehouse, make_copy: Callable[[Warehouse], Warehouse]) -> None:
    copy = make_copy(park)
    copy.correct("reading", {"point_id": "S80", "period_start_utc": hour(WINTER, 1900 - 400)}, value=9.0)
    copy.build(*MODELS)
    assert copy.query("select enterprise_id, local_date from intermediate.int_touched_enterprise_dates") == [
        {"enterprise_id": "S80", "local_date": date(2023, 3, 4)}
    ]
