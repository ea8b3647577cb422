"""Efficiency: ratios of sums over what has both sides, one row of metrics.csv a metric, nothing averaged."""

from datetime import date
from typing import Any

import pytest

from pipelines.assessment.cement import Clinker, clinker_consumption, clinker_factors
from pipelines.contracts.standards import load_standards
from pipelines.settings import CHECKOUT
from tests.transform.harness import Warehouse


def one(park: Warehouse, period: str, where: str) -> dict[str, Any]:
    [row] = park.query(f"select * from marts.enterprise_efficiency_{period} where {where}")
    return row


def test_worked_example(known_park: Warehouse) -> None:
    """2 160 000 kWh / 120 000 m2 = 18 kWh/m2, from reports that exist for the year only."""
    for product in ("ALL", "BOARD-DS"):
        row = one(
            known_park, "annual", f"enterprise_id = 'BOARD' and metric_code = 'electricity_per_output' and product_code = '{product}'"
        )
        assert (row["value"], row["unit"], row["numerator"], row["denominator"]) == (18, "kWh/m2", 2_160_000, 120_000)
        assert (row["state"], row["measured_share"], row["months"]) == ("self_reported", 0, 12)


def test_scale_and_money(known_park: Warehouse) -> None:
    row = one(known_park, "annual", "enterprise_id = 'BOARD' and metric_code = 'energy_per_output_value' and product_code = 'ALL'")
    assert (row["value"], row["unit"]) == (pytest.approx(2160 * 0.1229 / 5000), "tce/10^4 CNY")


def test_a_declared_rate(known_park: Warehouse) -> None:
    row = one(known_park, "annual", "enterprise_id = 'BOARD' and metric_code = 'copper_recovery_rate'")
    assert (row["value"], row["unit"]) == (pytest.approx(95), "%")


def test_of_the_core_indicator_of_zero_carbon_parks(known_park: Warehouse) -> None:
    row = one(known_park, "annual", "enterprise_id = 'WORKED' and metric_code = 'co2e_per_energy'")
    assert row["value"] == pytest.approx(2.862, abs=5e-4)


class TestBothSides:
    def test_a_quarter_is_the_sum_of_the_months_that_have_both(self, known_park: Warehouse) -> None:
        """200 000 + 250 000 kWh over 10 000 + 15 000 m2; the mean of the two ratios would be 18.33, all kWh over the two areas 25.2."""
        row = one(known_park, "quarterly", "enterprise_id = 'GAPPY' and metric_code = 'electricity_per_output' and product_code = 'ALL'")
        assert (row["numerator"], row["denominator"], row["value"], row["months"]) == (450_000, 25_000, 18, 2)
        assert row["completeness_share"] == pytest.approx(2 / 3)

    def test_a_month_without_its_output_is_missing(self, known_park: Warehouse) -> None:
        row = one(
            known_park,
            "monthly",
            "enterprise_id = 'GAPPY' and metric_code = 'electricity_per_output' and product_code = 'ALL' and month_start_date = '2023-02-01'",
        )
        assert (row["value"], row["numerator"], row["denominator"], row["state"], row["months"]) == (None, 180_000, None, "missing", 0)

    def test_what_is_known_by_the_year_only(self, known_park: Warehouse) -> None:
        """Twelve months of electricity and a year's output: no month has a ratio, the year has."""
        where = "enterprise_id = 'YEARLY' and metric_code = 'electricity_per_output' and product_code = 'ALL'"
        assert {row["state"] for row in known_park.query(f"select state from marts.enterprise_efficiency_monthly where {where}")} == {
            "missing"
        }
        row = one(known_park, "annual", where)
        assert (row["value"], row["months"]) == (10, 12)

    def test_nothing_made_has_no_intensity(self, known_park: Warehouse) -> None:
        row = one(known_park, "monthly", "enterprise_id = 'STILL' and metric_code = 'electricity_per_output' and product_code = 'ALL'")
        assert (row["value"], row["denominator"], row["state"]) == (None, 0, "not_applicable")


class TestScopes:
    METRIC = "enterprise_id = 'TWOLINES' and metric_code = 'electricity_per_output'"

    def test_processes_and_products(self, known_park: Warehouse) -> None:
        found = known_park.query(
            f"select process_id, product_code, value, unit, state from marts.enterprise_efficiency_monthly where {self.METRIC} order by all"
        )
        assert [tuple(row.values()) for row in found] == [
            ("TWOLINES-P1", "ALL", pytest.approx(20), "kWh/m2", "self_reported"),
            ("TWOLINES-P1", "TWOLINES-DS", pytest.approx(20), "kWh/m2", "self_reported"),
            ("TWOLINES-P2", "ALL", pytest.approx(30), "kWh/t", "self_reported"),
            ("TWOLINES-P2", "TWOLINES-STEEL", pytest.approx(30), "kWh/t", "self_reported"),
            # square metres and tonnes are no output of the whole
            (None, "ALL", None, "kWh/unit", "not_applicable"),
        ]

    def test_each_product_has_one_row(self, known_park: Warehouse) -> None:
        twice = known_park.query(
            "select enterprise_id, product_code, metric_code, month_start_date from marts.enterprise_efficiency_monthly "
            "where product_code <> 'ALL' group by all having count(*) > 1"
        )
        assert twice == []


def test_water_reuse_and_renewable_electricity(known_park: Warehouse) -> None:
    where = "enterprise_id = 'MAKER' and month_start_date = '2023-01-01' and metric_code = "
    assert one(known_park, "monthly", where + "'water_reuse_rate'")["value"] == pytest.approx(100 * 300 / 400)
    assert one(known_park, "monthly", where + "'renewable_electricity_share'")["value"] == pytest.approx(100 * 200 / 1600)


def test_working_media_count_per_output_only(known_park: Warehouse) -> None:
    """tap water's 0.02571 tce is behind energy_per_output and in no other metric."""
    sides = {
        row["metric_code"]: row["value"]
        for row in known_park.query(
            "select metric_code, value from intermediate.int_metric_sides where enterprise_id = 'MAKER' and side = 'numerator' and grain = 'month'"
        )
    }
    assert sides["energy_per_output"] - sides["energy_per_output_value"] == pytest.approx(0.02571)


class TestWhatIndexSystemsName:
    @staticmethod
    def of(park: Warehouse, enterprise: str, metric: str, first: str, product: str = "ALL") -> dict[str, Any]:
        where = (
            f"enterprise_id = '{enterprise}' and metric_code = '{metric}' and month_start_date = '{first}' and product_code = '{product}'"
        )
        return one(park, "monthly", where)

    def test_comparable_clinker_coal(self, known_park: Warehouse) -> None:
        """Reference section 2.6.5 with the coal rate of 2023: (112.258 + 0.291 - 3.2e6 x 0.3 / 1e5) x (52.5 / 50.1)^(1/4)."""
        for product in ("ALL", "CLINKERED-CLINKER"):
            row = self.of(known_park, "CLINKERED", "comparable_clinker_coal_consumption", "2023-01-01", product)
            assert row["value"] == pytest.approx((112.258 + 0.291 - 9.6) * 1.011767, abs=2e-3)
            assert row["unit"] == "kgce/t"

    @pytest.mark.parametrize(("month", "altitude_m", "pressure_kpa"), [(1, 35.0, None), (3, 1900.0, 81.0)])
    def test_the_marts_compare_clinker_as_the_method_does(
        self, known_park: Warehouse, month: int, altitude_m: float, pressure_kpa: float | None
    ) -> None:
        kiln = Clinker(
            clinker_t=100_000, coal_t=14_000, coal_kj_per_kg=23_500, oil_t=20, waste_heat_kwh=3_200_000, electricity_kwh=None,
            strength_mpa=50.1, altitude_m=altitude_m, pressure_kpa=pressure_kpa,
        )  # fmt: skip
        factors = clinker_factors(load_standards(CHECKOUT / "dbt_project" / "seeds"), date(2023, month, 1))
        row = self.of(known_park, "CLINKERED", "comparable_clinker_coal_consumption", f"2023-{month:02d}-01")
        assert row["value"] == pytest.approx(clinker_consumption(kiln, factors).comparable_coal_consumption, rel=1e-9)

    def test_clinker_of_unknown_strength_compares_with_nothing(self, known_park: Warehouse) -> None:
        row = self.of(known_park, "CLINKERED", "comparable_clinker_coal_consumption", "2023-02-01")
        assert (row["value"], row["numerator"], row["state"]) == (None, None, "missing")

    def test_means_at_reference_oxygen(self, known_park: Warehouse) -> None:
        """Nine hours at 35.2 and nine at 17.6 mg/m3, with oxygen as the reference; hours that stood still have none."""
        row = self.of(known_park, "FURNACE", "so2_daily_mean", "2024-05-01")
        assert (row["value"], row["denominator"], row["unit"]) == (pytest.approx(26.4), 18, "mg/m3")

    def test_hours_of_lines(self, known_park: Warehouse) -> None:
        row = self.of(known_park, "FURNACE", "incineration_operating_time", "2024-05-01")
        assert (row["value"], row["unit"]) == (pytest.approx(18 / 24 * 366 * 24), "h")
        stops = self.of(known_park, "FURNACE", "incineration_line_shutdowns", "2024-05-01")
        assert (stops["numerator"], stops["denominator"]) == (1, pytest.approx(1 / 366))

    def test_samples_count_alike(self, known_park: Warehouse) -> None:
        row = self.of(known_park, "FURNACE", "dioxins_mean", "2024-05-01")
        assert (row["value"], row["denominator"], row["unit"], row["state"]) == (pytest.approx(0.4), 2, "ngTEQ/m3", "measured")

    def test_shares_of_what_was_inspected(self, known_park: Warehouse) -> None:
        assert self.of(known_park, "INSPECTED", "product_pass_rate", "2023-01-01")["value"] == pytest.approx(99.5)
        assert self.of(known_park, "INSPECTED", "premium_product_rate", "2023-01-01")["value"] == pytest.approx(75)


def test_flow_of_an_outlet_counts_once(known_park: Warehouse) -> None:
    """The flow stands beside each pollutant; a workshop's water leaves through the final outlet."""
    value = known_park.value(
        "select value from intermediate.int_metric_sides where enterprise_id = 'WORKS' and metric_code = 'wastewater_per_output' and grain = 'month'"
    )
    assert value == pytest.approx(1512.0)


class TestProduction:
    def test_monthly(self, known_park: Warehouse) -> None:
        found = known_park.query(
            "select * from marts.enterprise_production_monthly where enterprise_id = 'GAPPY' order by month_start_date"
        )
        assert [(row["quantity"], row["unit"], row["state"], row["completeness_share"]) for row in found] == [
            (10_000, "m2", "self_reported", 1), (None, "m2", "missing", 0), (15_000, "m2", "self_reported", 1),
        ]  # fmt: skip

    def test_a_quarter_says_what_it_lacks(self, known_park: Warehouse) -> None:
        [row] = known_park.query("select * from marts.enterprise_production_quarterly where enterprise_id = 'GAPPY'")
        assert (row["quantity"], row["completeness_share"]) == (25_000, pytest.approx(62 / 90))

    def test_money_of_the_whole(self, known_park: Warehouse) -> None:
        [row] = known_park.query("select * from marts.enterprise_production_annual where enterprise_id = 'BOARD' and product_code = 'ALL'")
        assert (row["output_value_cny"], row["value_added_cny"], row["price_basis"], row["quantity"]) == (50_000_000, None, "current", None)


def test_ratios_of_longer_periods_are_ratios_of_sums(known_park: Warehouse) -> None:
    """Over the whole park: where months fill the year, its sides are their sums and its value is their ratio."""
    differing = known_park.query(
        """
        with months as (
            select enterprise_id, process_id, product_code, metric_code, date_trunc('quarter', month_start_date) as first,
                sum(numerator) as numerator, sum(denominator) as denominator, count(*) as months
            from marts.enterprise_efficiency_monthly where value is not null group by all
        )
        select q.* from marts.enterprise_efficiency_quarterly as q
        join months on q.enterprise_id = months.enterprise_id and q.process_id is not distinct from months.process_id
            and q.product_code = months.product_code and q.metric_code = months.metric_code and q.quarter_start_date = months.first
        join reference.metric as m on q.metric_code = m.metric_code
        where months.months = 3
            and (abs(q.numerator - months.numerator) > 1e-6 or abs(q.value - months.numerator / months.denominator * m.scale) > 1e-6)
        """
    )
    assert differing == []


def test_one_row_adds_a_metric(known_park: Warehouse, make_copy: Any) -> None:
    """A park's own row of metrics.csv is a new metric at once, with no SQL changed."""
    copy: Warehouse = make_copy(known_park)
    copy.add_own_standard("metrics", {
        "metric_code": "coal_per_value", "name": "Coal per output value", "name_zh": "单位产值煤耗", "numerator_source": "consumption", "numerator_code": "electricity",
        "numerator_measure": "purchased", "denominator_source": "production", "denominator_code": "ALL", "denominator_measure": "output_value_cny", "scale": "1000",
        "unit": "kWh/1000 CNY", "direction": "lower_is_better", "elec_basis": "none", "stage": "input", "valid_from": "2023-01-01", "version": "1",
        "source_ref": "the park", "verification_status": "primary_source",
    })  # fmt: skip
    copy.build("enterprise_efficiency_annual")
    row = one(copy, "annual", "enterprise_id = 'BOARD' and metric_code = 'coal_per_value'")
    assert (row["value"], row["unit"], row["year_start_date"]) == (pytest.approx(43.2), "kWh/1000 CNY", date(2023, 1, 1))
