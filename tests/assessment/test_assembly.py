"""From marts to scores: periods, ratios of sums, registers and surveys, the history of what changed, and when nothing is scored."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest

from pipelines.assessment.assembly import ScoresRefused, _handed_over
from pipelines.assessment.enterprise_index import ENTERPRISE_INDEX
from pipelines.contracts.standards import Standards
from pipelines.contracts.states import BuildStatus, GateStatus, State
from pipelines.settings import Settings
from pipelines.warehouse.connection import open_warehouse
from tests.assessment.park import Park, months
from tests.assessment.systems import cell, group_row, qualitative, quantitative, standards, system_row, thresholds, words

TABLES = tuple(table for result in ENTERPRISE_INDEX.results for table in (result.latest, result.history))
"""What the method that these tests run writes."""

# The electroplater of the published worked example (see test_index).
ANSWERS = {
    "clean_process": "I", "process_control": "II", "plating_lines": "II", "water_saving": "I",
    "heavy_metal_prevention": "I", "hazardous_waste_prevention": "I", "quality_assurance": "I",
    "environmental_law": "I", "industrial_policy": "I", "management_system": "II", "hazardous_chemicals": "I",
    "treatment_operation": "II", "hazardous_waste": "I", "energy_metering": "III", "emergency_plan": "I",
    "decorative_chromium_utilisation": "not_applicable", "hard_chromium_utilisation": "not_applicable",
    "gold_utilisation": "not_applicable", "silver_utilisation": "not_applicable",
}  # fmt: skip
RATIOS = {
    "fresh_water_litre_per_output": (0.012, "L/m2"), "zinc_utilisation": (0.83, "%"), "copper_utilisation": (0.85, "%"),
    "nickel_utilisation": (0.96, "%"), "water_reuse_rate": (0.45, "%"), "wastewater_treatment_rate": (1.0, "%"),
}  # fmt: skip
YEAR = months(date(2025, 1, 1), 12)


def plater(park: Park, enterprise_id: str = "E1", when: list[date] = YEAR) -> None:
    """Months differ in size, and their ratios too: only the ratio of the sums is the published value."""
    park.enterprise(enterprise_id)
    park.answers(enterprise_id, ANSWERS)
    sizes = [100.0 + 37 * (number % 12) for number in range(len(when))]
    for metric, (ratio, unit) in RATIOS.items():
        off = [0.1 * ratio * (-1) ** number for number in range(len(when))]
        # what one month has too much the next has too little, in absolute terms
        shift = [off[number] * sizes[number - number % 2] for number in range(len(when))]
        if ratio == 1.0:
            shift = [0.0] * len(when)
        park.efficiency(
            enterprise_id, metric, when, [ratio * size + moved for size, moved in zip(sizes, shift, strict=True)], sizes, unit=unit
        )


@pytest.fixture
def park(tmp_path: Path, shipped_standards: Standards) -> Iterator[Park]:
    with Park.at(tmp_path, shipped_standards) as park:
        yield park


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Park]:
    """A park whose only system S has one quantitative indicator a (metric m, %), and one qualitative indicator q."""
    rows = {
        "indicators": [quantitative("a", "0.5"), qualitative("q", "0.5")],
        "cells": [*thresholds("a"), *words("q")],
    }
    with Park.at(tmp_path, standards(**rows)) as park:
        yield park


def own_system(tmp_path: Path, **tables: list[dict]) -> "Park":
    return Park.at(tmp_path, standards(**tables))


class TestScores:
    def test_the_worked_example_from_the_marts(self, park: Park) -> None:
        plater(park)
        build_id, summary = park.night()
        found = park.grade("E1", "calendar_year")
        assert (found["score_i"], found["score_ii"], found["score_iii"], found["grade"]) == (58.65, 98.4, 100.0, "II")
        assert (found["period_start"], found["period_end"]) == (date(2025, 1, 1), date(2026, 1, 1))
        assert (found["build_id"], found["provisional"], found["months_of_data"]) == (build_id, False, 12)
        assert found["blocking_indicators"] == ["rinse_water"]
        assert found["rule_version"].startswith("index-1:ELECTROPLATING:2015:")
        assert found["verification_status"] == "unverified"
        assert park.grade("E1", "rolling_12m")["score_i"] == 58.65
        assert summary.outcome.frames["enterprise_grade"].height == 3
        assert summary.outcome.frames["enterprise_indicator"].height == 75

    def test_a_value_is_the_ratio_of_sums(self, park: Park) -> None:
        plater(park)
        park.night()
        mean_of_ratios = park.con.execute(
            "select avg(1000 * numerator / denominator) from marts.enterprise_efficiency_monthly where metric_code = 'fresh_water_litre_per_output'"
        ).fetchone()[0]
        assert abs(mean_of_ratios - 12) > 0.01, "the example no longer tells the two apart"
        for period_type in ("calendar_year", "rolling_12m"):
            assert park.indicator("E1", "rinse_water", period_type)["value"] == pytest.approx(12.0, rel=1e-12)

    def test_only_months_with_both_sides(self, small: Park) -> None:
        small.enterprise("E1", "S")
        numerator: list[float | None] = [90.0] * 10 + [None, 500.0]
        denominator: list[float | None] = [100.0] * 10 + [100.0, None]
        small.efficiency("E1", "m", YEAR, numerator, denominator)
        small.night()
        found = small.indicator("E1", "a")
        assert (found["value"], found["months_of_data"]) == (90.0, 10)
        assert small.grade("E1")["provisional"]

    def test_a_row_of_which_a_part_is_missing_is_no_figure(self, small: Park) -> None:
        small.enterprise("E1", "S")
        small.efficiency("E1", "m", YEAR[:9], [90.0] * 9, [100.0] * 9)
        small.efficiency("E1", "m", YEAR[9:], [10.0] * 3, [100.0] * 3, state="missing")
        small.night()
        found = small.indicator("E1", "a")
        assert (found["value"], found["months_of_data"], found["state"]) == (90.0, 9, "self_reported")

    def test_shares_and_states_survive(self, small: Park) -> None:
        small.enterprise("E1", "S")
        small.answers("E1", {"q": "I"}, system="S")
        small.efficiency("E1", "m", YEAR[:6], [90.0] * 6, [100.0] * 6, state="measured", share=1.0, annual=False)
        small.efficiency("E1", "m", YEAR[6:], [30.0] * 6, [40.0] * 6, state="substituted", share=0.5, annual=False)
        small.night()
        found = small.indicator("E1", "a")
        assert (found["state"], found["measured_share"]) == ("substituted", 0.875)
        assert small.indicator("E1", "q")["state"] == "measured"
        assert (small.grade("E1")["state"], small.grade("E1")["measured_share"]) == ("substituted", 0.9375)

    def test_every_enterprise_of_the_register_has_a_row(self, park: Park) -> None:
        plater(park)
        park.enterprise("E2")
        park.enterprise("E3", None)
        park.enterprise("E4", "FOUNDRY")
        park.night()
        assert park.grade("E2")["grade"] == "none"
        assert len(park.grade("E2")["missing_indicators"]) == 25
        assert (park.grade("E3")["grade"], park.grade("E3")["index_system_id"]) == ("not_gradeable", "-")
        assert "names no index system" in park.grade("E3")["not_gradeable_because"]
        assert "FOUNDRY" in park.grade("E4")["not_gradeable_because"]

    def test_the_base_period_of_a_round_is_its_enterprise_s_own(self, small: Park) -> None:
        for enterprise in ("E1", "E2"):
            small.enterprise(enterprise, "S")
            small.efficiency(enterprise, "m", YEAR, [90.0] * 6 + [40.0] * 6, [100.0] * 12)
        small.round("R1", "E1", date(2025, 3, 10), date(2025, 9, 1))
        small.round("R2", "E1", date(2025, 7, 1), date(2026, 7, 1))
        small.round("R3", "E1", None, None)
        small.round("R4", "E1", date(2023, 1, 1), date(2024, 1, 1))
        small.round("R5", "E1", date(2025, 1, 1), date(2025, 2, 1))
        small.round("R5", "E1", date(2025, 10, 1), date(2026, 1, 1), valid_from=date(2025, 12, 1))
        small.night()
        rows = small.con.execute(
            "select enterprise_id, period_start, period_end, value from assessment.enterprise_indicator "
            "where period_type = 'audit_period' and indicator_id = 'a' order by period_start"
        ).fetchall()
        assert rows == [
            ("E1", date(2025, 4, 1), date(2025, 9, 1), pytest.approx(70.0)),
            ("E1", date(2025, 10, 1), date(2026, 1, 1), pytest.approx(40.0)),
        ]

    def test_membership_follows_the_register(self, park: Park) -> None:
        plater(park)
        park.enterprise("LEFT", valid_to=date(2025, 1, 1))
        park.enterprise("CAME", valid_from=date(2025, 11, 15))
        park.night()
        assert {row["enterprise_id"] for row in park.rows("enterprise_grade")} == {"E1", "CAME"}

    def test_a_superseded_system_gives_levels_only(self, tmp_path: Path) -> None:
        with own_system(tmp_path, systems=[system_row(valid_to="2025-06-01")]) as park:
            park.enterprise("E1", "S")
            park.efficiency("E1", "m", months(date(2024, 1, 1), 24), [95.0] * 24, [100.0] * 24)
            park.night()
            years = {row["period_start"].year: row for row in park.rows("enterprise_grade", "period_type = 'calendar_year'")}
            assert (years[2024]["grade"], years[2024]["score_i"]) == ("I", 100.0)
            assert (years[2025]["grade"], years[2025]["score_i"]) == ("not_gradeable", None)
            assert "no longer in force" in years[2025]["not_gradeable_because"]
            assert park.indicator("E1", "a")["grade_reached"] == "I"

    def test_figures_in_another_unit_are_left_out_and_said(self, small: Park) -> None:
        small.enterprise("E1", "S")
        small.efficiency("E1", "m", YEAR, [90.0] * 12, [100.0] * 12, unit="kWh/t")
        small.night()
        assert small.indicator("E1", "a")["value"] is None
        assert small.grade("E1")["warnings"] == ["a: figures in kWh/t were left out: the index system asks for %"]

    def test_no_output_at_all_is_not_a_way_out(self, small: Park) -> None:
        small.enterprise("E1", "S")
        small.efficiency("E1", "m", YEAR, [0.0] * 12, [0.0] * 12)
        small.enterprise("E2", "S")
        small.efficiency("E2", "m", YEAR, [90.0] * 12, [100.0] * 12)
        small.night()
        assert small.indicator("E1", "a")["state"] == "missing"
        assert "no ratio" in small.grade("E1")["warnings"][0]

    def test_a_metal_of_which_nothing_was_used_is_not_plated(self, park: Park) -> None:
        plater(park)
        park.enterprise("E2")
        park.answers("E2", {name: answer for name, answer in ANSWERS.items() if name != "gold_utilisation"})
        for metric, (ratio, unit) in RATIOS.items():
            park.efficiency("E2", metric, YEAR, [ratio * 100] * 12, [100.0] * 12, unit=unit)
        park.efficiency("E2", "gold_utilisation", YEAR, [0.0] * 12, [0.0] * 12)
        park.night()
        for period_type in ("rolling_12m", "calendar_year"):
            assert park.indicator("E2", "gold_utilisation", period_type)["state"] == "not_applicable"
            assert park.grade("E2", period_type)["score_i"] == 58.65


class TestProducts:
    TABLES: ClassVar = {
        "indicators": [
            quantitative("double", "1", metric_code="electricity", unit="kWh/m2", direction="lower_is_better", weight_rule="output_share", set_id="power", product_kind="double_sided"),
            quantitative("multi", "1", metric_code="electricity", unit="kWh/m2", direction="lower_is_better", weight_rule="output_share", set_id="power", product_kind="multilayer"),
        ],
        "cells": [*thresholds("double", "<=", ("10", "20", "50")), *thresholds("multi", "<=", ("40", "60", "90"))],
    }  # fmt: skip

    @pytest.fixture
    def boards(self, tmp_path: Path) -> Iterator[Park]:
        with own_system(tmp_path, **self.TABLES) as park:
            park.enterprise("E1", "S")
            yield park

    def test_the_published_example(self, boards: Park) -> None:
        """2 160 000 kWh / 120 000 m2 = 18 kWh/m2."""
        boards.product("E1", "DS", "double_sided")
        boards.output("E1", "DS", YEAR, 10_000.0)
        boards.efficiency("E1", "electricity", YEAR, [180_000.0] * 12, [10_000.0] * 12, unit="kWh/m2")
        boards.night()
        found = boards.indicator("E1", "double", "calendar_year")
        assert (found["value"], found["grade_reached"], found["gap_to_next_grade"]) == (18.0, "II", 8.0)
        assert boards.indicator("E1", "multi")["state"] == "not_applicable"
        assert boards.grade("E1")["grade"] == "II"

    def test_kinds_have_their_own_rows_and_weights(self, boards: Park) -> None:
        for product, kind, quantity, kwh in (
            ("DS", "double_sided", 600.0, 9_000.0),
            ("M4", "multilayer", 300.0, 15_000.0),
            ("M6", "multilayer", 100.0, 9_000.0),
        ):
            boards.product("E1", product, kind)
            boards.output("E1", product, YEAR, quantity)
            boards.efficiency(
                "E1", "electricity", YEAR, [kwh] * 12, [quantity] * 12, unit="kWh/m2", product=product, process=f"P-{product}"
            )
        boards.night()
        double, multi = boards.indicator("E1", "double"), boards.indicator("E1", "multi")
        assert (double["value"], double["weight"]) == (15.0, 0.6)
        assert (multi["value"], multi["weight"]) == (60.0, 0.4)

    def test_output_in_different_units_gives_no_shares(self, boards: Park) -> None:
        for product, kind, unit in (("DS", "double_sided", "m2"), ("ML", "multilayer", "piece")):
            boards.product("E1", product, kind)
            boards.output("E1", product, YEAR, 100.0, unit)
            boards.efficiency("E1", "electricity", YEAR, [900.0] * 12, [100.0] * 12, unit=f"kWh/{unit}", product=product)
        boards.night()
        assert boards.grade("E1")["missing_indicators"] == ["double", "multi"]


class TestPeriods:
    def test_finished_years_the_last_twelve_months_and_the_year_so_far(self, small: Park) -> None:
        small.enterprise("E1", "S")
        small.efficiency("E1", "m", months(date(2023, 7, 1), 27), [95.0] * 27, [100.0] * 27)
        _, summary = small.night()
        assert "through 2025-09" in summary.message
        found = [(row["period_type"], row["period_start"], row["period_end"], row["provisional"]) for row in small.rows("enterprise_grade")]
        assert sorted(found) == [
            ("calendar_year", date(2023, 1, 1), date(2024, 1, 1), True),
            ("calendar_year", date(2024, 1, 1), date(2025, 1, 1), False),
            ("rolling_12m", date(2024, 10, 1), date(2025, 10, 1), False),
            ("year_to_date", date(2025, 1, 1), date(2025, 10, 1), True),
        ]

    def test_the_running_month_does_not_count(self, small: Park) -> None:
        small.enterprise("E1", "S")
        small.efficiency(
            "E1", "m", months(date(2025, 2, 1), 12), [95.0] * 12, [100.0] * 12
        )  # through January 2026, in which the build runs
        assert small.night()[1].outcome.message.endswith("through 2025-12")

    def test_a_month_of_which_only_the_meters_are_in_does_not_count(self, park: Park) -> None:
        plater(park, when=YEAR[:11])
        park.efficiency("E1", "water_reuse_rate", YEAR[11:], [45.0], [100.0])
        assert park.night()[1].outcome.message.endswith("through 2025-11")

    def test_the_same_periods_whenever_the_build_is_repeated(self, small: Park) -> None:
        small.enterprise("E1", "S")
        small.efficiency("E1", "m", YEAR, [95.0] * 12, [100.0] * 12)
        build_id = small.open()
        first = small.assess(build_id)
        assert small.assess(build_id).outcome.message == first.outcome.message

    def test_no_data_at_all(self, small: Park) -> None:
        small.enterprise("E1", "S")
        _, summary = small.night()
        assert "nothing to grade" in summary.message
        assert small.rows("enterprise_grade") == []


class TestSurveys:
    @pytest.fixture
    def measured(self, small: Park) -> Park:
        small.enterprise("E1", "S")
        small.efficiency("E1", "m", YEAR, [95.0] * 12, [100.0] * 12)
        return small

    def test_the_latest_answer_before_the_end_of_the_period(self, measured: Park) -> None:
        for on, answer in ((date(2023, 5, 1), "III"), (date(2025, 5, 1), "II"), (date(2026, 1, 2), "I")):
            measured.answers("E1", {"q": answer}, on, system="S")
        measured.night()
        found = measured.indicator("E1", "q")
        assert (found["answer"], found["answered_on"]) == ("II", date(2025, 5, 1))

    def test_an_outside_surveyor_goes_before_the_enterprise(self, measured: Park) -> None:
        measured.answers("E1", {"q": "II"}, date(2025, 3, 1), "auditor", "S")
        measured.answers("E1", {"q": "I"}, date(2025, 9, 1), "enterprise", "S")
        measured.night()
        assert measured.indicator("E1", "q")["answer"] == "II"

    def test_the_enterprises_own_answer_is_self_reported(self, measured: Park) -> None:
        measured.answers("E1", {"q": "I"}, role="enterprise", system="S")
        measured.night()
        found = measured.indicator("E1", "q")
        assert (found["state"], found["measured_share"]) == ("self_reported", 0.0)

    def test_surveyors_who_differ(self, measured: Park) -> None:
        measured.answers("E1", {"q": "I"}, role="auditor", system="S")
        measured.answers("E1", {"q": "III"}, role="authority", system="S")
        measured.night()
        assert measured.indicator("E1", "q")["answer"] == "III"
        assert measured.grade("E1")["warnings"] == ["q: surveyors differed on 2024-06-01: the worse answer counts"]

    def test_a_surveyor_may_set_a_value_aside_and_the_enterprise_may_not(self, measured: Park) -> None:
        measured.enterprise("E2", "S")
        measured.efficiency("E2", "m", YEAR, [95.0] * 12, [100.0] * 12)
        measured.answers("E1", {"a": "not_applicable", "q": "I"}, role="auditor", system="S")
        measured.answers("E2", {"a": "not_applicable", "q": "I"}, role="enterprise", system="S")
        measured.night()
        aside, counted = measured.indicator("E1", "a"), measured.indicator("E2", "a")
        assert (aside["state"], aside["value"], aside["weight"]) == ("not_applicable", None, 0.0)
        assert (counted["state"], counted["value"], counted["weight"]) == ("self_reported", 95.0, 0.5)
        assert "they were set aside" in measured.grade("E1")["warnings"][0]
        assert "they count" in measured.grade("E2")["warnings"][0]

    def test_a_grade_answered_for_a_metric_changes_nothing(self, measured: Park) -> None:
        measured.answers("E1", {"a": "III", "q": "I"}, system="S")
        measured.night()
        assert (measured.indicator("E1", "a")["grade_reached"], measured.indicator("E1", "a")["answer"]) == ("I", None)
        assert "the metric counts" in measured.grade("E1")["warnings"][0]

    def test_an_answer_that_is_no_grade_is_none_and_is_told(self, measured: Park) -> None:
        measured.answers("E1", {"q": "yes"}, system="S")
        _, summary = measured.night()
        assert measured.indicator("E1", "q")["state"] == "missing"
        assert summary.outcome.warnings == (
            "E1: the survey answers q of S with yes, which is no grade: must be one of none, III, II, I, not_applicable",
        )

    def test_not_answered_is_missing(self, measured: Park) -> None:
        measured.night()
        assert measured.grade("E1")["missing_indicators"] == ["q"]


class TestGate:
    @pytest.mark.parametrize("status", [GateStatus.FAIL, GateStatus.ERROR])
    def test_closed_means_no_scores(self, park: Park, status: GateStatus) -> None:
        plater(park)
        before, _ = park.night()
        build_id = park.open(GateStatus.PASS, status)
        with pytest.raises(ScoresRefused) as refused:
            park.assess(build_id)
        assert f"gate B closed build {build_id}: {status}: marts.enterprise_consumption_monthly: 12 of 30 (because)" in str(refused.value)
        assert {row["build_id"] for row in park.rows("enterprise_grade")} == {before}

    def test_a_gate_that_said_nothing_is_closed(self, park: Park) -> None:
        plater(park)
        build_id = park.open()
        park.con.execute("delete from audit.gate_results")
        with pytest.raises(ScoresRefused, match="said nothing"):
            park.assess(build_id)

    def test_another_builds_verdict_does_not_count(self, park: Park) -> None:
        plater(park)
        park.night()
        build_id = park.open(GateStatus.FAIL)
        with pytest.raises(ScoresRefused):
            park.assess(build_id)

    def test_verdict_on_deliveries_does_not_count(self, park: Park) -> None:
        plater(park)
        build_id = park.open()
        park.con.execute("update audit.gate_results set gate = 'a'")
        with pytest.raises(ScoresRefused, match="said nothing"):
            park.assess(build_id)

    @pytest.mark.parametrize("status", [GateStatus.WARN, GateStatus.CARRIED, GateStatus.NOT_EVALUATED])
    def test_warnings_let_scores_through(self, park: Park, status: GateStatus) -> None:
        plater(park)
        assert park.assess(park.open(GateStatus.PASS, status)).outcome.frames["enterprise_grade"].height == 3


class TestHistory:
    HISTORY = "enterprise_grade_history"

    def test_nothing_new_appends_nothing(self, park: Park) -> None:
        plater(park)
        first, summary = park.night()
        assert summary.changed == {"enterprise_grade": 3, "enterprise_indicator": 75}
        before = park.rows(self.HISTORY)
        second, summary = park.night()
        assert summary.changed == {"enterprise_grade": 0, "enterprise_indicator": 0}
        assert park.rows(self.HISTORY) == before
        assert {row["first_build_id"] for row in before} == {first}
        assert {row["last_build_id"] for row in before} == {None}
        assert {row["build_id"] for row in park.rows("enterprise_grade")} == {second}

    def test_the_order_of_a_sum_is_no_change(self, park: Park) -> None:
        plater(park)
        park.night()
        park.con.execute("update marts.enterprise_efficiency_monthly set numerator = numerator * (1 + 1e-13)")
        assert park.night()[1].changed["enterprise_indicator"] == 0

    def test_a_change_closes_the_old_row_and_appends_the_new(self, park: Park) -> None:
        plater(park)
        park.enterprise("E2", None)
        park.night()
        second, _ = park.night()
        park.con.execute(
            "update marts.enterprise_efficiency_annual set numerator = numerator / 2 where metric_code = 'fresh_water_litre_per_output'"
        )
        third, summary = park.night()
        assert summary.changed == {"enterprise_grade": 1, "enterprise_indicator": 1}
        old, new = park.rows(self.HISTORY, "enterprise_id = 'E1' and period_type = 'calendar_year'")
        assert (old["score_i"], old["last_build_id"], old["superseded_by_build_id"]) == (58.65, second, third)
        assert (new["score_i"], new["first_build_id"], new["last_build_id"]) == (68.65, third, None)
        (row,) = park.rows("enterprise_indicator_history", f"first_build_id = '{third}'")
        assert (row["indicator_id"], row["value"]) == ("rinse_water", pytest.approx(6.0))

    def test_what_is_no_longer_there_is_closed(self, park: Park) -> None:
        plater(park)
        park.enterprise("E2", None)
        first, _ = park.night()
        park.con.execute("delete from staging.stg_enterprises where enterprise_id = 'E2'")
        second, _ = park.night()
        gone = park.rows(self.HISTORY, "enterprise_id = 'E2'")
        assert {(row["last_build_id"], row["superseded_by_build_id"]) for row in gone} == {(first, second)}
        assert park.rows("enterprise_grade", "enterprise_id = 'E2'") == []

    @pytest.mark.parametrize("status", [BuildStatus.ABORTED, BuildStatus.NOT_PUBLISHED])
    def test_scores_of_a_build_that_did_not_publish_leave_no_trace(self, park: Park, status: BuildStatus) -> None:
        plater(park)
        first, _ = park.night()
        right = park.con.execute("select * from marts.enterprise_efficiency_annual").fetchall()
        before = park.rows(self.HISTORY)
        park.con.execute("update marts.enterprise_efficiency_annual set numerator = numerator / 2")
        killed = park.open()
        assert park.assess(killed).changed["enterprise_grade"] == 1
        park.close(killed, status)
        park.con.execute("delete from marts.enterprise_efficiency_annual")
        park.con.executemany(f"insert into marts.enterprise_efficiency_annual values ({', '.join('?' for _ in right[0])})", right)
        third, summary = park.night()
        assert summary.changed["enterprise_grade"] == 0
        assert sorted(map(repr, park.rows(self.HISTORY))) == sorted(map(repr, before))
        assert {row["build_id"] for row in park.rows("enterprise_grade")} == {third}
        assert first < killed < third

    def test_a_step_repeated_in_the_same_build_gives_the_same(self, park: Park) -> None:
        plater(park)
        park.night()
        park.con.execute("update marts.enterprise_efficiency_annual set numerator = numerator / 2")
        build_id = park.open()
        park.assess(build_id)
        once = {table.name: sorted(map(repr, park.rows(table.name))) for table in TABLES}
        park.assess(build_id)
        assert {table.name: sorted(map(repr, park.rows(table.name))) for table in TABLES} == once

    def test_a_changed_rule_is_a_change(self, tmp_path: Path) -> None:
        with own_system(tmp_path, indicators=[quantitative("a")], cells=thresholds("a")) as park:
            park.enterprise("E1", "S")
            park.efficiency("E1", "m", YEAR, [95.0] * 12, [100.0] * 12)
            park.night()
            changed = [*thresholds("a")[:2], cell("a", "III", "value", ">=", "60")]
            park.standards = standards(groups=[group_row()], indicators=[quantitative("a")], cells=changed)
            _, summary = park.night()
            assert summary.changed["enterprise_grade"] == 3
            assert {row["score_i"] for row in park.rows(self.HISTORY)} == {100.0}
            assert len({row["rule_version"] for row in park.rows(self.HISTORY)}) == 2


def test_every_row_says_build_rule_and_state(park: Park) -> None:
    plater(park)
    park.enterprise("E2", None)
    park.night()
    for table in TABLES:
        rows = pl.DataFrame(park.con.sql(f"select * from {table.qualified}"))
        assert rows.select(pl.struct(table.key).is_unique().all()).item()
        assert rows["build_id"].null_count() == 0
        assert set(rows["state"]) <= set(State)
        graded = rows.filter(pl.col("index_system_id") != "-")
        assert graded["rule_version"].null_count() == 0


def test_tables_of_an_older_version_gain_their_columns(park: Park) -> None:
    plater(park)
    park.night()
    park.con.execute("alter table assessment.enterprise_grade_history drop column points_to_next_grade")
    park.night()
    assert park.con.execute("select count(*), count(points_to_next_grade) from assessment.enterprise_grade_history").fetchone() == (6, 3)


def test_a_frame_is_not_mistaken_for_the_one_before(tmp_path: Path) -> None:
    """Two files of one name, size and second are one file to DuckDB."""
    settings = Settings(home=tmp_path, feeds_dir=tmp_path)
    settings.make_folders()
    with open_warehouse(settings) as con:
        for value in range(20):
            with _handed_over(settings, pl.DataFrame({f"c{value:02}": [value]})) as source:
                assert con.execute(f"select c{value:02} from {source}").fetchall() == [(value,)]
