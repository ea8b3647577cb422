"""Plausibility: every rule finds what it names and passes over what looks like it; days in a row; words; decisions."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from pipelines.assessment.plausibility import PLAUSIBILITIES
from pipelines.assessment.plausibility_channels import COMPARISONS as OF_CHANNELS
from pipelines.assessment.plausibility_outlets import COMPARISONS as OF_OUTLETS
from pipelines.contracts.standards import Standards, StandardsError
from tests.assessment.frames import frames, only, own_rows, run

TODAY = date(2026, 4, 10)
FIRST = date(2026, 3, 1)
SEED_OF = {"rules": "plausibility_rules", "parameters": "parameters"}
BLOCKS = [f"block_{number}" for number in range(1, 7)]


def channel(day: int = 0, **cells: Any) -> dict:
    """An ordinary day of a COD monitor: nothing to find."""
    level = cells.get("value_mean", 40.0)
    return {
        "point_id": "O1-M", "parameter_code": "w01018", "statistic": "avg", "source_kind": "automatic", "local_date": FIRST + timedelta(days=day),
        "enterprise_id": "E1", "outlet_id": "O1", "is_pollutant": True, "expected_periods": 24, "received_periods": 24, "valid_periods": 24,
        "late_periods": 0, "unit": "mg/L", "range_min": 0.0, "range_max": 200.0, "hours": 24, "nd_hours": 0, "stopped_hours": 0.0,
        "value_mean": level, "value_min": level - 8, "value_max": level + 8, "value_variance": 20.0, "hours_at_max": 1, "steps": 23,
        "unchanged_hours": 0, "moving_hours": 23, "step_square_sum": 23 * 30.0, "step_max": 9.0, "shape": 1000 + day,
        **dict.fromkeys(BLOCKS, level),
    } | cells  # fmt: skip


def outlet(day: int = 0, **cells: Any) -> dict:
    """An ordinary day of a stack's NOx: nothing to find."""
    return {
        "enterprise_id": "E1", "outlet_id": "S1", "pollutant_code": "a21002", "local_date": FIRST + timedelta(days=day), "unit": "mg/m3",
        "limit_value": 100.0, "hours": 24, "value_hours": 24, "marked_hours": 0, "short_hours": 0, "value_mean": 60.0, "flow_hours": 24, "flow_mean": 1000.0,
        "flow_known_hours": 24, "flow_m3": 24000.0, "oxygen_percent": 6.0, "medium": "air",
        "stopped_value_hours": 0, "zero_flow_hours": 0, "no_flow_hours": 0, "converted_hours": 24, "converted_ratio": 1.0, "product_hours": 0,
        "above_limit_hours": 0, **{f"limit_{percent}_hours": 0 for percent in range(90, 100)}, "above_whole_hours": 0,
    } | cells  # fmt: skip


def found(standards: Standards, *rules: str, **rows: Any) -> pl.DataFrame:
    """What the rules find, all of them or the named ones."""
    made = frames(PLAUSIBILITIES, standards, SEED_OF, **rows)
    if rules:
        made["rules"] = made["rules"].filter(pl.col("rule_id").is_in(rules))
    return run(PLAUSIBILITIES, made, TODAY, standards).frames["plausibility"]


def of(rule: str, standards: Standards, **rows: Any) -> list[dict]:
    """Findings of one rule, beside those that say what a step is."""
    return found(standards, rule, "step_change", "unit_jump", **rows).filter(pl.col("rule_id") == rule).to_dicts()


def test_ordinary_days_are_not_conspicuous(shipped_standards: Standards) -> None:
    days = [channel(day, value_mean=40.0 + day % 3, value_max=48.0 + day % 3) for day in range(40)]
    assert found(shipped_standards, channels=days, outlet_days=[outlet(day) for day in range(40)]).is_empty()


CHANNEL_RULES = {
    # rule: (cells of the conspicuous day, cells of the closest ordinary one)
    "constant_value": ({"unchanged_hours": 12}, {"unchanged_hours": 11}),
    "range_plateau": ({"value_max": 198.0, "hours_at_max": 3}, {"value_max": 198.0, "hours_at_max": 2}),
    "outside_range": ({"value_max": 200.1}, {"value_max": 200.0}),
    "means_of_lengths": (
        {"shorter_mean": 40.0, "longer_mean": 42.1, "shorter_hours": 24.0, "longer_hours": 24.0},
        {"shorter_mean": 40.0, "longer_mean": 42.1, "shorter_hours": 24.0, "longer_hours": 19.0},
    ),
    "ph_step": ({"parameter_code": "w01001", "step_max": 2.1}, {"parameter_code": "w01001", "step_max": 2.0}),
}


@pytest.mark.parametrize("rule", CHANNEL_RULES)
def test_a_day_of_a_channel(shipped_standards: Standards, rule: str) -> None:
    beyond, ordinary = CHANNEL_RULES[rule]
    (row,) = of(rule, shipped_standards, channels=[channel(**beyond)])
    assert (row["place_kind"], row["place_id"], row["enterprise_id"], row["outlet_id"]) == ("point", "O1-M", "E1", "O1")
    assert (row["period_start"], row["period_end"]) == (FIRST, FIRST + timedelta(days=1))
    assert not of(rule, shipped_standards, channels=[channel(**ordinary)])


OUTLET_RULES = {
    "few_valid_values": ({"short_hours": 6}, {"short_hours": 5}),
    "limit_plateau": ({"limit_95_hours": 8, "limit_99_hours": 4}, {"limit_94_hours": 8, "limit_99_hours": 4}),
    "emission_while_stopped": ({"stopped_value_hours": 2, "stopped_value_max": 3.0}, {"stopped_value_hours": 1, "stopped_value_max": 3.0}),
    "zero_flow": ({"zero_flow_hours": 3, "no_flow_value_max": 20.0}, {"zero_flow_hours": 2, "no_flow_value_max": 20.0}),
    "converted_deviation": ({"converted_ratio": 0.97}, {"converted_ratio": 0.985}),
    "product_deviation": ({"product_hours": 6, "product_ratio": 1.06}, {"product_hours": 5, "product_ratio": 1.06}),
}


@pytest.mark.parametrize("rule", OUTLET_RULES)
def test_a_day_of_an_outlet(shipped_standards: Standards, rule: str) -> None:
    beyond, ordinary = OUTLET_RULES[rule]
    (row,) = of(rule, shipped_standards, outlet_days=[outlet(**beyond)])
    assert (row["place_kind"], row["place_id"], row["parameter_code"]) == ("outlet", "S1", "a21002")
    assert row["found_in"] == "marts.emission_hourly"
    assert not of(rule, shipped_standards, outlet_days=[outlet(**ordinary)])


class TestCalibrations:
    @staticmethod
    def weekly(*hours: int) -> list[dict]:
        """A station that is calibrated every week, told by both of its pollutants."""
        return [
            outlet(7 * week, pollutant_code=code, calibration_hour=hour, calibration_hours=1, marked_hours=1)
            for week, hour in enumerate(hours)
            for code in ("a21002", "a21026")
        ]

    def test_another_hour_than_usual(self, shipped_standards: Standards) -> None:
        (row,) = of("calibration_off_habit", shipped_standards, outlet_days=self.weekly(2, 2, 2, 23, 2))
        assert (row["period_start"], row["value"], row["observed"], row["expected"]) == (FIRST + timedelta(days=21), 3, 23, 2)
        assert (row["parameter_code"], row["evidence_strength"]) == ("-", "weak")

    def test_an_hour_or_two_is_no_other_time(self, shipped_standards: Standards) -> None:
        assert not of("calibration_off_habit", shipped_standards, outlet_days=self.weekly(2, 2, 2, 4, 2))

    def test_without_a_habit_there_is_nothing_off_it(self, shipped_standards: Standards) -> None:
        assert not of("calibration_off_habit", shipped_standards, outlet_days=self.weekly(2, 9, 2, 23, 2))
        assert not of("calibration_off_habit", shipped_standards, outlet_days=self.weekly(2, 2, 23))


def test_a_plateau_below_the_limit_is_none_when_the_limit_is_passed(shipped_standards: Standards) -> None:
    assert not of("limit_plateau", shipped_standards, outlet_days=[outlet(limit_97_hours=20, above_limit_hours=1)])


def test_an_empty_flow_counts_where_the_outlet_sends_one(shipped_standards: Standards) -> None:
    lacking = {"flow_hours": 0, "no_flow_hours": 20, "no_flow_value_max": 20.0}
    assert not of("zero_flow", shipped_standards, outlet_days=[outlet(**lacking)])
    assert of("zero_flow", shipped_standards, outlet_days=[outlet(**lacking), outlet(1)])


class TestDaysInARow:
    def test_they_are_one_finding_with_the_farthest_day(self, shipped_standards: Standards) -> None:
        days = [
            channel(0, unchanged_hours=14),
            channel(1, unchanged_hours=23),
            channel(2, unchanged_hours=12),
            channel(4, unchanged_hours=20),
        ]
        first, second = of("constant_value", shipped_standards, channels=days)
        assert (first["period_start"], first["period_end"], first["value"], first["rows_behind"]) == (
            FIRST,
            FIRST + timedelta(days=3),
            23.0,
            72,
        )
        assert second["period_start"] == FIRST + timedelta(days=4)

    def test_a_rule_may_ask_for_several(self, shipped_standards: Standards) -> None:
        calm = {"value_min": 39.7, "value_max": 40.3}
        assert not of("small_variation", shipped_standards, channels=[channel(day, **calm) for day in (0, 1)])
        assert len(of("small_variation", shipped_standards, channels=[channel(day, **calm) for day in (0, 1, 2)])) == 1
        inside = [channel(day, **calm, outlet_id=None) for day in (0, 1, 2)]
        assert not of("small_variation", shipped_standards, channels=inside), "what is held steady inside the works is meant to be"

    def test_small_numbers_speak_for_themselves(self, shipped_standards: Standards) -> None:
        days = [channel(day, parameter_code="w01001", value_variance=0.004 + day / 1000) for day in range(7)]
        assert only(found(shipped_standards, "ph_variance", channels=days))["value"] == pytest.approx(0.007), "of the whole run"

    def test_what_drifts_has_not_stood_still(self, shipped_standards: Standards) -> None:
        days = [channel(day, parameter_code="w01001", value_variance=0.004, value_mean=7.0 + 0.1 * day) for day in range(7)]
        assert found(shipped_standards, "ph_variance", channels=days).is_empty()


class TestLevels:
    def usual(self, **cells: Any) -> list[dict]:
        return [channel(day, value_mean=40.0 + day % 2, value_max=48.0 + day % 2, **cells) for day in range(10)]

    def test_a_jump_by_a_power_of_ten_is_no_step(self, shipped_standards: Standards) -> None:
        rows = [*self.usual(), channel(10, value_mean=4.0, value_min=3.2, value_max=4.8)]
        (jump,) = of("unit_jump", shipped_standards, channels=rows)
        assert (jump["observed"], jump["expected"]) == (4.0, 40.0)
        assert not of("step_change", shipped_standards, channels=rows)

    def test_a_holiday_is_no_mistaken_unit(self, shipped_standards: Standards) -> None:
        rows = [*self.usual(), channel(10, value_mean=4.0, value_min=3.9, value_max=4.1, parameter_code="electricity", is_pollutant=False)]
        assert not of("unit_jump", shipped_standards, channels=rows)

    def test_a_holiday_leaves_what_never_stops(self, shipped_standards: Standards) -> None:
        """Peaks and mean fall to a tenth, the smallest hour of the day stays: nobody mistook a unit."""
        meter = {"parameter_code": "electricity", "is_pollutant": False, "value_min": 3.9}
        rows = [*self.usual(**meter), channel(10, value_mean=4.0, value_max=4.8, **meter)]
        assert not of("unit_jump", shipped_standards, channels=rows)

    def test_a_works_that_stands_still_is_no_mistaken_unit(self, shipped_standards: Standards) -> None:
        """Everything at a tenth for a day, the smallest hour too; a thousandth, or a tenth of a concentration, is another matter."""
        meter = {"parameter_code": "electricity", "is_pollutant": False}
        still = {"value_mean": 4.0, "value_min": 3.2, "value_max": 4.8}
        assert not of("unit_jump", shipped_standards, channels=[*self.usual(**meter), channel(10, **still, **meter)])
        watts = {name: value / 100 for name, value in still.items()}
        assert of("unit_jump", shipped_standards, channels=[*self.usual(**meter), channel(10, **watts, **meter)])
        assert of("unit_jump", shipped_standards, channels=[*self.usual(), channel(10, **still)])

    def test_a_step(self, shipped_standards: Standards) -> None:
        rows = [*self.usual(), channel(10, value_mean=130.0, value_max=140.0)]
        (step,) = of("step_change", shipped_standards, channels=rows)
        assert (step["value"], step["expected"]) == (pytest.approx(130 / 40.5), 40.5)
        flow = [row | {"parameter_code": "w00000", "is_pollutant": False} for row in rows]
        assert not of("step_change", shipped_standards, channels=flow), "a flow follows shifts and holidays"

    def test_several_parameters_at_once(self, shipped_standards: Standards) -> None:
        def stepping(code: str, **cells: Any) -> list[dict]:
            usual = self.usual(parameter_code=code, **cells)
            return [*usual, channel(10, parameter_code=code, value_mean=130.0, value_max=140.0, **cells)]

        three = [row for code in ("w01018", "w21003", "w21011") for row in stepping(code)]
        (joint,) = of("joint_step", shipped_standards, channels=three)
        assert (joint["place_kind"], joint["place_id"], joint["value"]) == ("outlet", "O1", 3.0)
        flow = stepping("w00000", is_pollutant=False)
        assert not of("joint_step", shipped_standards, channels=[*three, *flow]), "the flow explains it"
        assert not of("joint_step", shipped_standards, channels=three[:22])

    def test_a_month_unlike_the_same_month_before(self, shipped_standards: Standards) -> None:
        def month(year: int, mean: float) -> dict:
            key = {"point_id": "O1-M", "parameter_code": "w01018", "statistic": "avg", "source_kind": "automatic"}
            return key | {"month_start_date": date(year, 3, 1), "days": 31, "value_mean": mean, "value_deviation": 4.0}

        days = [channel(day) for day in range(31)]
        (row,) = of(
            "seasonal_baseline", shipped_standards, channels=days, channel_months=[month(2024, 38.0), month(2025, 42.0), month(2026, 50.0)]
        )
        assert (row["value"], row["expected"], row["period_end"]) == (2.5, 40.0, date(2026, 4, 1))
        assert not of("seasonal_baseline", shipped_standards, channels=days, channel_months=[month(2025, 42.0), month(2026, 50.0)])


class TestShapes:
    def test_a_day_that_was_seen_before(self, shipped_standards: Standards) -> None:
        rows = of("replayed_day", shipped_standards, channels=[channel(0), channel(5, shape=1000), channel(6)])
        assert [row["period_start"] for row in rows] == [FIRST, FIRST + timedelta(days=5)]
        still = {"shape": 0, "moving_hours": 15}
        assert not of("replayed_day", shipped_standards, channels=[channel(0, **still), channel(5, **still)])

    def test_two_outlets_with_one_trend(self, shipped_standards: Standards) -> None:
        other = {"point_id": "O2-M", "outlet_id": "O2", "enterprise_id": "E2"}
        rows = of("identical_trend", shipped_standards, channels=[channel(day, **cells) for day in (0, 3) for cells in ({}, other)])
        assert [(row["place_id"], row["other_place_id"], row["value"]) for row in rows] == [("O1-M", "O2", 2.0), ("O2-M", "O1", 2.0)]
        assert not of("identical_trend", shipped_standards, channels=[channel(), channel(**other)]), "one day is chance"
        copy = {"source_kind": "platform_copy"}
        assert not of("identical_trend", shipped_standards, channels=[channel(day, **cells) for day in (0, 3) for cells in ({}, copy)])

    def test_a_course_without_noise(self, shipped_standards: Standards) -> None:
        smooth = {"value_variance": 20.0, "step_square_sum": 23 * 0.9}
        assert of("over_smooth", shipped_standards, channels=[channel(day, **smooth) for day in (0, 1)])
        noisy = {"value_variance": 20.0, "step_square_sum": 23 * 1.1}
        assert not of("over_smooth", shipped_standards, channels=[channel(day, **noisy) for day in (0, 1)])

    def test_a_hidden_period_of_a_day(self, shipped_standards: Standards) -> None:
        """Correlation of a day's course with the one before it, against the same out of polars."""
        course = [30.0, 36.0, 44.0, 50.0, 44.0, 36.0]
        days = [
            channel(
                day,
                **{name: level + 0.3 * ((day * 7 + at * 3) % 5 - 2) for at, (name, level) in enumerate(zip(BLOCKS, course, strict=True))},
            )
            for day in range(31)
        ]
        (row,) = of("daily_periodicity", shipped_standards, channels=days)
        values = pl.DataFrame(days).select(BLOCKS).to_numpy()
        pairs = pl.DataFrame({"now": values[1:].ravel(), "before": values[:-1].ravel()})
        assert row["value"] == pytest.approx(pairs.select(pl.corr("now", "before")).item(), rel=1e-9)
        assert not of("daily_periodicity", shipped_standards, channels=days[:20]), "no whole month"


class TestWhatArrived:
    def test_capture_of_whole_months(self, shipped_standards: Standards) -> None:
        days = [channel(day, valid_periods=20, received_periods=20) for day in range(31)]
        row = only(found(shipped_standards, "low_capture", channels=days))
        assert (row["value"], row["observed"], row["expected"]) == (pytest.approx(20 / 24), 620.0, 744.0)
        stopped = [channel(day, valid_periods=20, stopped_hours=4.0) for day in range(31)]
        assert not of("low_capture", shipped_standards, channels=stopped)
        assert not of("low_capture", shipped_standards, channels=days[:30])

    def test_a_pollutant_that_is_silent_while_the_flow_is_sent(self, shipped_standards: Standards) -> None:
        flow = channel(parameter_code="w00000", is_pollutant=False)
        assert of("missing_while_running", shipped_standards, channels=[flow, channel(received_periods=18)])
        assert not of("missing_while_running", shipped_standards, channels=[flow, channel(received_periods=19)])
        assert not of("missing_while_running", shipped_standards, channels=[flow | {"received_periods": 18}, channel(received_periods=18)])

    def test_late_values_that_belong_to_few_days(self, shipped_standards: Standards) -> None:
        days = [channel(day, late_periods=24 if day in (3, 4) else 0) for day in range(31)]
        row = only(found(shipped_standards, "late_cluster", channels=days))
        assert (row["parameter_code"], row["value"], row["observed"], row["expected"]) == ("-", 1.0, 48.0, 744.0)
        assert not of("late_cluster", shipped_standards, channels=[channel(day, late_periods=24) for day in range(31)])
        assert not of("late_cluster", shipped_standards, channels=[channel(day, late_periods=2) for day in range(31)])

    def test_two_ways_of_one_channel(self, shipped_standards: Standards) -> None:
        copy = channel(source_kind="platform_copy", value_mean=41.0)
        row = only(found(shipped_standards, "ways_disagree", channels=[channel(), copy]))
        assert (row["source_kind"], row["value"], row["expected"]) == ("platform_copy", pytest.approx(0.025), 40.0)
        assert not of("ways_disagree", shipped_standards, channels=[channel(), copy | {"hours": 23}]), "of other hours"

    def test_more_after_the_treatment_than_before(self, shipped_standards: Standards) -> None:
        inlet = channel(point_id="E1-IN", outlet_id=None, process_id="P1", value_mean=30.0)
        row = only(found(shipped_standards, "removal_rate", channels=[channel(), inlet]), rule_id="removal_rate")
        assert (row["place_id"], row["other_place_id"], row["value"]) == ("E1-IN", "O1", pytest.approx(1 - 40 / 30))
        assert not of("removal_rate", shipped_standards, channels=[channel(), inlet | {"value_mean": 41.0}])
        others = [channel(process_id="P2"), channel(point_id="O2-M", outlet_id="O2", process_id="P3")]
        assert not of("removal_rate", shipped_standards, channels=[*others, inlet]), "of which plant is unknown"
        assert of("removal_rate", shipped_standards, channels=[*others, inlet | {"process_id": "P3"}])


class TestOutletsOverTime:
    def test_high_load_and_low_emission(self, shipped_standards: Standards) -> None:
        days = [outlet(day) for day in range(9)]
        odd = outlet(9, flow_mean=1300.0, value_mean=25.0)
        assert only(found(shipped_standards, "high_load_low_emission", outlet_days=[*days, odd]))["expected"] == 60.0
        assert not of("high_load_low_emission", shipped_standards, outlet_days=[*days, odd | {"flow_mean": 1100.0}])

    def test_flue_gas_and_fuel(self, shipped_standards: Standards) -> None:
        """Coal of 5400 m3/t at 6 % oxygen gives 5400 × 21 / 15 = 7560 m3/t; 31 days of 24 000 m3 are 744 000 m3, that is 98.4 t."""
        days = [outlet(day, pollutant_code=code) for day in range(31) for code in ("a21002", "a21026")]
        stack = {"enterprise_id": "E1", "outlet_id": "S1", "process_code": "boiler"}

        def of_coal(tons: float, days: list[dict] = days, stacks: list[dict] | None = None) -> list[dict]:
            burnt = {"enterprise_id": "E1", "item_code": "raw_coal", "month_start_date": FIRST, "quantity": tons}
            return of("flue_gas_volume", shipped_standards, outlet_days=days, stacks=stacks or [stack], consumption=[burnt])

        (row,) = of_coal(50.0)
        assert (row["value"], row["observed"], row["expected"]) == (pytest.approx(744_000 / 378_000 - 1), 744_000.0, pytest.approx(378_000))
        assert not of_coal(98.4) and not of_coal(127.0) and of_coal(142.0)
        assert not of_coal(50.0, days[:50]), "no whole month"
        assert not of_coal(50.0, stacks=[stack, stack | {"outlet_id": "S2", "process_code": "sintering"}]), "other stacks may burn it too"

    def test_marks_where_it_is_high(self, shipped_standards: Standards) -> None:
        near = [outlet(day, limit_92_hours=2, marked_hours=4) for day in range(3)]
        far = [outlet(day, marked_hours=1) for day in range(3, 31)]
        row = only(found(shipped_standards, "marks_near_limit", outlet_days=[*near, *far]))
        assert (row["value"], row["rows_behind"]) == (pytest.approx(4.0), 12)
        assert not of("marks_near_limit", shipped_standards, outlet_days=[*near, *(row | {"marked_hours": 2} for row in far)])

    def test_a_part_and_its_whole(self, shipped_standards: Standards) -> None:
        cells = {"pollutant_code": "w21003", "whole_code": "w21001", "above_whole_hours": 2, "whole_share_max": 1.4}
        row = only(found(shipped_standards, "part_above_whole", outlet_days=[outlet(**cells)]))
        assert (row["value"], row["evidence_strength"], row["source_rules"]) == (1.4, "strong", "R051")

    def test_an_exceedance_that_nobody_speaks_of(self, shipped_standards: Standards) -> None:
        episode = {
            "enterprise_id": "E1", "outlet_id": "S1", "pollutant_code": "a21002", "limit_kind": "hourly_concentration", "limit_id": "L",
            "limit_value": 100.0, "unit": "mg/m3", "is_binding": True, "local_date": FIRST, "duration_hours": 3.0, "max_value": 130.0,
        }  # fmt: skip
        event = {"event_id": "V1", "event_kind": "incident", "subject_kind": "enterprise", "subject_id": "E1", "occurred_on": FIRST}
        days = [channel()]
        row = only(found(shipped_standards, "exceedance_unexplained", channels=days, episodes=[episode]))
        assert (row["value"], row["observed"], row["expected"]) == (3.0, 130.0, 100.0)
        assert not of("exceedance_unexplained", shipped_standards, channels=days, episodes=[episode], events=[event])
        for other in (
            {"event_kind": "complaint"},
            {"occurred_on": FIRST + timedelta(days=2)},
            {"subject_kind": "outlet", "subject_id": "S2"},
        ):
            assert of("exceedance_unexplained", shipped_standards, channels=days, episodes=[episode], events=[event | other])


class TestWords:
    def test_where_the_rows_are(self, shipped_standards: Standards) -> None:
        row = only(found(shipped_standards, "constant_value", channels=[channel(unchanged_hours=23)]))
        assert row["found_in"] == "marts.point_hourly"
        assert row["found_where"] == (
            "point_id = 'O1-M' and parameter_code = 'w01018' and statistic = 'avg' and source_kind = 'automatic' "
            "and local_date >= date '2026-03-01' and local_date < date '2026-03-02'"
        )

    def test_what_people_decided(self, shipped_standards: Standards) -> None:
        review = {
            "review_id": "R1", "about": "plausibility", "decided_on": date(2026, 4, 1), "decision": "accepted", "role": "third_party",
            "subject_key": "constant_value / point / O1-M / - / w01018 / avg / automatic / 2026-03-01",
        }  # fmt: skip
        row = only(found(shipped_standards, "constant_value", channels=[channel(unchanged_hours=23)], reviews=[review]))
        assert (row["decision"], row["decided_by"], row["decided_on"]) == ("accepted", "third_party", date(2026, 4, 1))

    def test_no_word_of_intent(self, shipped_standards: Standards) -> None:
        rules = shipped_standards.base["plausibility_rules"]
        told = " ".join(
            rules.select(pl.concat_str("name", "name_zh", "finding", pl.col("innocent", "note").fill_null(""))).to_series().to_list()
        )
        for word in ("fraud", "fake", "cheat", "tamper", "falsif", "forg", "illegal", "造假", "弄虚", "作弊"):
            assert word not in told.lower()
        said = rules.filter(pl.col("compares") != "dates")
        assert not said["innocent"].has_nulls() and set(said["evidence_strength"]) == {"strong", "moderate", "weak"}

    def test_every_comparison_has_a_rule(self, shipped_standards: Standards) -> None:
        assert set(shipped_standards.base["plausibility_rules"]["compares"]) == {*OF_CHANNELS, *OF_OUTLETS, "dates"}

    def test_the_parks_own_number_goes_before(self, shipped_standards: Standards) -> None:
        [shipped] = shipped_standards.base["plausibility_rules"].filter(pl.col("rule_id") == "constant_value").to_dicts()
        own = own_rows(shipped_standards, "plausibility_rules", shipped | {"threshold": "20"})
        assert not of("constant_value", own, channels=[channel(unchanged_hours=19)])
        wrong = own_rows(shipped_standards, "plausibility_rules", shipped | {"compares": "colour"})
        with pytest.raises(StandardsError, match="constant_value: must be one of"):
            found(wrong, channels=[channel()])
        unordered = own_rows(shipped_standards, "plausibility_rules", shipped | {"operator": "~"})
        with pytest.raises(StandardsError, match="constant_value"):
            found(unordered, channels=[channel()])
