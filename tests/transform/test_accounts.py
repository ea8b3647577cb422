"""Tax, permitted totals, baseline drainage, waste, water and by-products: known answers and what adds up to what."""

import re
from datetime import date
from typing import Any

import pytest

from tests.transform.harness import Warehouse

QUARTER = "quarter_start_date = '2022-01-01'"


def rows(park: Warehouse, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in park.query(query)]


class TestTax:
    def test_published_example(self, known_park: Warehouse) -> None:
        """SO2 1000, NOx 2000, soot 300, CO 5000 kg: 1052.63, 2105.26, 137.61, 299.40 equivalents; the three largest at 1.2 yuan."""
        found = {
            row["pollutant_code"]: row
            for row in known_park.query("select * from marts.pollution_equivalents_monthly where outlet_id = 'TAXED-A'")
        }
        equivalents = {code: round(row["pollution_equivalents"], 2) for code, row in found.items()}
        assert equivalents == {"a21026": 1052.63, "a21002": 2105.26, "a34013": 137.61, "a21005": 299.40}
        assert [code for code, row in found.items() if not row["is_taxed"]] == ["a34013"]
        assert sum(row["tax_cny"] for row in found.values()) == pytest.approx(4148.76, abs=0.005)
        assert sum(row["pollution_equivalents"] for row in found.values() if row["is_taxed"]) == pytest.approx(3457.30, abs=0.005)

    def test_by_enterprise_and_quarter(self, known_park: Warehouse) -> None:
        query = f"select tax_kind, pollution_equivalents, tax_cny, items_taxed from marts.environmental_tax_quarterly where enterprise_id = 'TAXED' and {QUARTER}"
        assert rows(known_park, query + " order by 1") == [
            ("air", pytest.approx(3457.30, abs=0.005), pytest.approx(4148.76, abs=0.005), 3), ("water", 120, pytest.approx(168), 1),
        ]  # fmt: skip

    def test_water_is_taxed_once_for_its_oxygen_demand_and_never_on_its_way_to_a_plant(self, known_park: Warehouse) -> None:
        """60 kg BOD5 are 120 equivalents and stand before 100 of COD; total nitrogen has no row in the schedule."""
        query = "select outlet_id, pollutant_code, tax_cny, not_taxed_because from marts.pollution_equivalents_monthly where outlet_id in ('TAXED-W', 'TAXED-I')"
        assert rows(known_park, query + " order by all") == [
            ("TAXED-I", "w01018", 0, "not_direct"), ("TAXED-W", "w01017", pytest.approx(168), None), ("TAXED-W", "w01018", 0, "stands_in_group"),
        ]  # fmt: skip

    def test_household_waste_is_exempt_while_it_meets_its_limits(self, known_park: Warehouse) -> None:
        query = "select not_taxed_because, tax_cny from marts.pollution_equivalents_monthly where enterprise_id = 'EXEMPT'"
        assert rows(known_park, query) == [("exempt_sector", 0)]

    def test_solid_waste_is_taxed_for_what_is_in_no_book(self, known_park: Warehouse) -> None:
        """Half a tonne of hazardous waste that went nowhere at 1000 yuan and twelve of general waste at 25."""
        query = f"select taxable_t, tax_cny, state from marts.environmental_tax_quarterly where enterprise_id = 'WASTER' and {QUARTER}"
        assert rows(known_park, query) == [(12.5, pytest.approx(0.5 * 1000 + 12 * 25), "self_reported")]

    def test_months_make_quarters_and_years(self, known_park: Warehouse) -> None:
        sums = [
            known_park.value(f"select round(sum(tax_cny), 6) from marts.environmental_tax_{period}")
            for period in ("monthly", "quarterly", "annual")
        ]
        assert sums[0] == sums[1] == sums[2] > 4000

    @pytest.mark.slow
    def test_a_region_has_its_rates(self, known_park: Warehouse, make_copy: Any) -> None:
        """In Shandong sulfur and nitrogen oxides cost 6 yuan, other air pollutants 1.2: chosen by one row of the park's own."""
        copy: Warehouse = make_copy(known_park)
        copy.add_own_standard("regional_choices", {
            "topic": "tax_rate", "region": "CN-SD", "valid_from": "2018-01-01", "version": "1", "source_ref": "the park", "verification_status": "primary_source",
        })  # fmt: skip
        copy.build("pollution_equivalents_monthly")
        tax = copy.value("select sum(tax_cny) from marts.pollution_equivalents_monthly where outlet_id = 'TAXED-A'")
        assert tax == pytest.approx((1052.6316 + 2105.2632) * 6 + 299.4012 * 1.2, abs=0.01)


class TestPermittedTotals:
    def of(self, park: Warehouse, where: str) -> dict[str, Any]:
        [row] = park.query(f"select * from marts.permit_total_progress where {where}")
        return row

    def test_a_year_that_is_over(self, known_park: Warehouse) -> None:
        """A hundred kilograms a month of a tonne: passed in November; declared, so nothing of it is measured."""
        row = self.of(known_park, "enterprise_id = 'LIMITED' and pollutant_code = 'w01018' and permit_year = 2022")
        assert (row["outlet_id"], row["permitted_kg"], row["used_kg"], row["projected_kg"], row["provisional_kg"]) == (
            None,
            1000,
            1200,
            1200,
            0,
        )
        assert (row["is_exceeded"], row["exceeded_in_month"], row["exhausted_on"]) == (True, date(2022, 11, 1), None)
        assert (row["measured_share"], row["completeness_share"], row["state"]) == (0, 1, "self_reported")

    def test_the_permit_that_holds_at_the_end_of_the_year(self, known_park: Warehouse) -> None:
        rows_of = {
            year: self.of(known_park, f"enterprise_id = 'LIMITED' and pollutant_code = 'w21003' and permit_year = {year}")
            for year in (2021, 2022)
        }
        assert [(row["permit_id"], row["permitted_kg"]) for row in rows_of.values()] == [("PW-9", 400), ("PW-10", 500)]
        # nothing known is not nothing discharged
        assert (rows_of[2021]["used_kg"], rows_of[2021]["state"]) == (None, "missing")

    def test_a_limit_that_is_no_mass_is_held_against_nothing(self, known_park: Warehouse) -> None:
        row = self.of(known_park, "enterprise_id = 'LIMITED' and pollutant_code = 'w21011' and permit_year = 2022")
        assert (row["permitted_kg"], row["used_kg"], row["is_exceeded"]) == (None, 12, None)

    def test_a_year_under_way(self, known_park: Warehouse) -> None:
        """One day is known of the stack, in a quarter that is not over; the pace of that day runs to the end of the year."""
        row = self.of(known_park, "outlet_id = 'STACK-1' and permit_year = 2024")
        assert row["provisional_kg"] == row["used_kg"] > 0
        # the last date with data is the 8th of May, 22 of its 24 hours are covered: 237 days to come
        covered = known_park.value("select sum(covered_hours) from marts.enterprise_emission_annual where outlet_id = 'STACK-1'")
        assert (row["last_date"], row["projection_method"]) == (date(2024, 5, 8), "linear")
        assert row["projected_kg"] == pytest.approx(row["used_kg"] * (1 + 237 * 24 / covered))
        assert row["is_projected_to_exceed"]
        assert date(2024, 5, 9) < row["exhausted_on"] < date(2024, 12, 31)


class TestBaselineDrainage:
    def test_a_day_above_it_is_judged_by_the_converted_concentration(self, known_park: Warehouse) -> None:
        """75 m3 for 100 m2 at half a cubic metre each: 60 mg/L stand for 90, above 80. A day without its output stays as measured."""
        query = (
            "select local_date, max_value, compared_as, drainage_ratio, exceeded from marts.limit_compliance_daily "
            "where outlet_id = 'PLATER-W' and pollutant_code = 'w01018' order by 1"
        )
        assert rows(known_park, query) == [
            (date(2022, 3, 1), 90, "baseline_drainage", 1.5, 1),
            (date(2022, 3, 2), 60, "as_measured", 0.8, 0),
            (date(2022, 3, 3), 60, "as_measured", None, 0),
        ]
        [row] = known_park.query("select * from marts.exceedances where outlet_id = 'PLATER-W'")
        assert (row["value"], row["compared_as"], row["standard_id"], row["limit_layer"]) == (
            90,
            "baseline_drainage",
            "GB21900-2008",
            "sector",
        )

    def test_of_a_month(self, known_park: Warehouse) -> None:
        [row] = known_park.query("select * from marts.baseline_drainage_monthly where outlet_id = 'PLATER-W'")
        assert (row["drainage_m3"], row["baseline_m3"], row["drainage_ratio"]) == (145, 100, 1.45)
        assert (row["concentration_mean"], row["concentration_converted"], row["limit_value"], row["is_exceeded"]) == (
            60,
            pytest.approx(87),
            80,
            True,
        )
        assert (row["state"], row["verification_status"]) == ("estimated", "recalled")

    def test_water_of_an_unknown_product_is_held_against_no_other(self, known_park: Warehouse) -> None:
        [row] = known_park.query("select * from marts.baseline_drainage_monthly where outlet_id = 'MIXPLATER-W'")
        assert (row["drainage_m3"], row["baseline_m3"], row["drainage_ratio"], row["is_exceeded"], row["state"]) == (
            75,
            None,
            None,
            None,
            "missing",
        )


class TestLayers:
    def test_each_limit_says_where_it_comes_from(self, known_park: Warehouse) -> None:
        query = (
            "select limit_layer, standard_id, limit_valid_from, limit_valid_to, source_ref, verification_status from marts.limit_compliance_daily "
            "where outlet_id = 'STACK-1' order by limit_layer"
        )
        assert rows(known_park, query) == [
            ("enterprise", None, date(2015, 1, 1), None, "permit PW-1", "primary_source"),
            ("sector", "GB13271-2014-coal", date(2014, 7, 1), None, "GB 13271-2014, from memory", "recalled"),
        ]

    @pytest.mark.slow
    def test_a_park_s_own_limit_holds_at_every_outlet(self, known_park: Warehouse, make_copy: Any) -> None:
        """One row with the standard `park`: stricter than the plant's standard and binding there, shown beside a stricter permit elsewhere."""
        copy: Warehouse = make_copy(known_park)
        copy.add_own_standard("limits", {
            "limit_id": "park:w01018", "standard_id": "park", "standard_name_zh": "园区", "region": "PARK", "medium": "water", "parameter_code": "w01018",
            "limit_kind": "daily_concentration", "limit_value": "45", "unit": "mg/L", "condition": "every outlet", "valid_from": "2024-01-01",
            "version": "1", "source_ref": "park rules", "verification_status": "primary_source",
        })  # fmt: skip
        copy.build("limit_compliance_daily")
        found = rows(copy, "select outlet_id, limit_layer, limit_value, is_binding, exceeded from marts.limit_compliance_daily "
                           "where pollutant_code = 'w01018' and limit_kind = 'daily_concentration' and outlet_id in ('PLANT-W', 'WORKS-W') order by 1, 3")  # fmt: skip
        assert found == [
            ("PLANT-W", "park", 45, True, 1), ("PLANT-W", "sector", 50, False, 0), ("PLANT-W", "enterprise", 60, False, 0),
            ("WORKS-W", "park", 45, True, 0),
        ]  # fmt: skip

    def test_hours_in_a_row_are_one_episode(self, known_park: Warehouse) -> None:
        """The stack exceeds in eighteen hours on end, then the analyser is under maintenance."""
        [row] = known_park.query("select * from marts.exceedance_episodes where outlet_id = 'STACK-1'")
        assert (row["duration_hours"], row["periods"], row["is_binding"]) == (18, 18, True)
        hours = known_park.value("select sum(periods) from marts.exceedance_episodes")
        assert hours == known_park.value("select count(*) from marts.exceedances")


class TestWaste:
    COLUMNS = (
        "waste_code, generated_t, stored_t, transferred_t, received_t, recycled_t, disposed_t, transferred_inside_t, unexplained_t, origin"
    )

    def test_manifests_go_before_declarations(self, known_park: Warehouse) -> None:
        """99 t declared beside manifests of 12; of declared items the total goes before its parts."""
        query = f"select {self.COLUMNS} from marts.enterprise_waste_monthly where enterprise_id = 'WASTER' and month_start_date = '2022-03-01' order by 1"
        assert rows(known_park, query) == [
            ("336-054-17", 12, 2, 9.5, None, None, None, 7, 0.5, "manifest"),
            ("general_solid_waste", 50, None, None, None, 38, None, None, 12, "self_report"),
        ]

    def test_declarations_fill_the_months_without_manifests(self, known_park: Warehouse) -> None:
        query = "select waste_code, generated_t, state from marts.enterprise_waste_{} where enterprise_id = 'WASTER' and waste_kind = 'hazardous' order by 1"
        assert rows(known_park, query.format("annual")) == [("336-054-17", 12, "measured"), ("hazardous_waste", 5, "self_reported")]
        assert rows(known_park, query.format("quarterly")) == [("336-054-17", 12, "measured"), ("hazardous_waste", 5, "self_reported")]

    def test_a_report_on_the_year_itself(self, known_park: Warehouse) -> None:
        query = "select generated_t from marts.enterprise_waste_annual where enterprise_id = 'WASTER' and waste_kind = 'general'"
        assert rows(known_park, query) == [(700,)]

    def test_what_one_member_hands_to_another_stays_in_the_park(self, known_park: Warehouse) -> None:
        [row] = known_park.query("select * from marts.park_waste_monthly where waste_code = '336-054-17'")
        assert (row["generated_t"], row["transferred_t"], row["received_t"], row["disposed_t"]) == (12, 2.5, 0, 6.9)
        # 7.0 t left by one book and 6.9 came by the other
        assert (row["transferred_inside_t"], row["received_inside_t"], row["unexplained_t"]) == (7, 6.9, pytest.approx(0.6))

    @pytest.mark.parametrize("period", ["monthly", "quarterly", "annual"])
    def test_enterprises_less_what_stays_inside_make_the_park(self, known_park: Warehouse, period: str) -> None:
        masses = ("generated", "stored", "transferred", "received", "recycled", "disposed", "transferred_inside", "received_inside")
        sums = ", ".join(f"coalesce(sum({mass}_t), 0)" for mass in masses)
        [enterprises] = rows(known_park, f"select {sums} from marts.enterprise_waste_{period}")
        [park] = rows(known_park, f"select {sums} from marts.park_waste_{period}")
        expected = list(enterprises)
        expected[2] -= enterprises[6]
        expected[3] -= enterprises[7]
        assert list(park) == pytest.approx(expected)

    def test_what_became_of_all_its_waste(self, known_park: Warehouse) -> None:
        """9.5 t of hazardous waste passed on and 38 t of general waste used, of 62; who treats others' waste has dealt with none of its own."""
        query = "select numerator, denominator from marts.enterprise_efficiency_{} where {} and metric_code = 'solid_waste_disposal_utilisation_rate'"
        [of_waster] = known_park.query(query.format("monthly", "enterprise_id = 'WASTER' and month_start_date = '2022-03-01'"))
        assert (of_waster["numerator"], of_waster["denominator"]) == (pytest.approx(47.5), 62)
        side = "select sum(value) as value, sum(park_value) as park_value from intermediate.int_metric_sides where metric_code = '{}' and side = 'numerator' and {}"
        [of_treater] = known_park.query(
            side.format(
                "solid_waste_disposal_utilisation_rate", "enterprise_id = 'TREATER' and grain = 'month' and period_start = '2022-03-01'"
            )
        )
        assert of_treater["value"] in (None, 0)

    def test_per_output_value(self, known_park: Warehouse) -> None:
        query = "select numerator, state from marts.enterprise_efficiency_monthly where enterprise_id = 'WASTER' and metric_code = 'solid_waste_utilisation_rate'"
        assert rows(known_park, query) == [(38, "self_reported")]


class TestWater:
    def test_fresh_reclaimed_and_used_again(self, known_park: Warehouse) -> None:
        """Two days of 100 + 20 m3 fresh, 60 reclaimed from a neighbour and 280 in the loop; softened water is made of it and counts no second time."""
        [row] = known_park.query("select * from marts.enterprise_water_monthly where enterprise_id = 'DRINKER'")
        assert (row["fresh_m3"], row["reclaimed_m3"], row["recycled_m3"], row["received_m3"], row["sent_m3"]) == (240, 120, 560, 120, None)
        assert row["reuse_share"] == pytest.approx(560 / 800)

    def test_a_missing_report_is_no_zero(self, known_park: Warehouse) -> None:
        lacking = known_park.query("select recycled_m3, reuse_share from marts.enterprise_water_annual where enterprise_id = 'WATERWORKS'")
        assert lacking == [{"recycled_m3": None, "reuse_share": None}]

    def test_the_park_counts_a_delivery_once(self, known_park: Warehouse) -> None:
        """90 m3 a day were reclaimed in the park, 60 of them changed hands in it."""
        [row] = known_park.query("select * from marts.park_water_monthly where month_start_date = '2022-03-01'")
        assert (row["fresh_m3"], row["reclaimed_m3"], row["received_m3"], row["sent_m3"], row["wastewater_m3"]) == (240, 180, 0, 0, 220)

    def test_months_make_years(self, known_park: Warehouse) -> None:
        months, years = (
            known_park.value(f"select sum(fresh_m3) from marts.enterprise_water_{period} where process_id is null")
            for period in ("monthly", "annual")
        )
        assert months == pytest.approx(years)


class TestProducts:
    def test_a_by_product_is_no_output_to_divide_by(self, known_park: Warehouse) -> None:
        query = "select product_code, is_by_product, quantity from marts.enterprise_production_monthly where enterprise_id = 'BYMAKER' order by 1"
        assert rows(known_park, query) == [("BYMAKER-MAIN", False, 100), ("BYMAKER-SLAG", True, 40)]
        query = "select product_code, value, unit from marts.enterprise_efficiency_monthly where enterprise_id = 'BYMAKER' and metric_code = 'electricity_per_output' order by 1"
        assert rows(known_park, query) == [("ALL", 50, "kWh/t"), ("BYMAKER-MAIN", 50, "kWh/t")]

    def test_a_ratio_to_money_says_at_which_prices(self, known_park: Warehouse) -> None:
        query = "select value, price_basis from marts.enterprise_efficiency_{} where enterprise_id = '{}' and metric_code = '{}' and product_code = 'ALL'"
        assert rows(known_park, query.format("monthly", "KILN", "total_co2e_per_output_value")) == [(pytest.approx(26.25), "constant_2020")]
        assert rows(known_park, query.format("annual", "BOARD", "energy_per_output_value")) == [
            (pytest.approx(2160 * 0.1229 / 5000), "current")
        ]
        assert rows(known_park, query.format("annual", "BOARD", "electricity_per_output")) == [(18, None)]


@pytest.mark.slow
def test_dbt_s_own_tests_hold(known_park: Warehouse, make_copy: Any) -> None:
    """Keys, identities and unit tests of every enterprise and park model on a park that has everything; two limits in no usable unit are a warning."""
    copy: Warehouse = make_copy(known_park)
    accounts = "path:models/reference/_accounts__reference.yml"
    copy.dbt("run", "--select", accounts)
    said = copy.dbt(
        "test",
        "--select",
        *(f"path:models/{folder}" for folder in ("marts/enterprise", "marts/park", "intermediate/energy", "intermediate/emission")),
        accounts,
    )
    counts = {name: int(count) for name, count in re.findall(r"(PASS|WARN|ERROR|SKIP)=(\d+)", said)}
    assert (counts["ERROR"], counts["SKIP"]) == (0, 0)
    assert counts["PASS"] > 150
    assert len(re.findall(r"PASS \w+::\w+", said)) >= 10, "unit tests ran"


def test_every_constant_says_how_sure_it_is(known_park: Warehouse) -> None:
    for table, columns in (
        ("enterprise_consumption_monthly where energy_tce_calorific is not null", ["factor_verification_status"]),
        ("enterprise_carbon_monthly where factor_id is not null", ["verification_status"]),
        ("pollution_equivalents_monthly", ["verification_status", "source_ref"]),
        ("environmental_tax_monthly", ["verification_status"]),
        ("limit_compliance_daily", ["verification_status", "source_ref"]),
        ("exceedance_episodes", ["verification_status", "source_ref"]),
        ("baseline_drainage_monthly", ["verification_status", "source_ref"]),
    ):
        for column in columns:
            found = known_park.query(f"select count(*) as n, count({column}) as known from marts.{table}")
            assert found[0]["n"] == found[0]["known"] > 0, (table, column)
