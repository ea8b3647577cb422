"""Energy as measured, carbon by where it arises, and what neighbours deliver by their own factor."""

from typing import Any

import pytest

from tests.transform.harness import Warehouse

COAL_T = 20.908 * 26.37 * 0.94 * 44 / 12 / 1000
"""tCO2 of a tonne of raw coal by the default of the guideline."""
COAL_GJ = COAL_T / 20.908


def account(park: Warehouse, enterprise: str, period: str = "monthly") -> dict[tuple[str, str], dict[str, Any]]:
    found = park.query(f"select * from marts.enterprise_carbon_{period} where enterprise_id = '{enterprise}'")
    return {(row["carbon_kind"], row["item_code"]): row for row in found}


def tonnes(park: Warehouse, enterprise: str, period: str = "monthly") -> dict[tuple[str, str], float]:
    return {key: row["co2e_t"] for key, row in account(park, enterprise, period).items()}


class TestMeasuredCalorificValue:
    def test_goes_before_the_default_and_fills_its_month(self, known_park: Warehouse) -> None:
        """25 and 23 GJ/t on two days, their mean of 24 on the days between; 10 t a day."""
        found = known_park.query(
            "select energy_tce_calorific as tce, energy_tce_primary, co2e_t, co2e_factor_id from marts.enterprise_consumption_daily "
            "where enterprise_id = 'BURNER' order by local_date"
        )
        for row, heat, origin in zip(found, (24, 25, 24, 23), ("month_mean", "measured", "month_mean", "measured"), strict=True):
            assert row["tce"] == row["energy_tce_primary"] == pytest.approx(10 * heat / 29.3076)
            assert (row["co2e_t"], row["co2e_factor_id"]) == (pytest.approx(10 * heat * COAL_GJ), f"{origin} net_calorific_value")

    def test_what_is_declared_holds_for_its_period_only(self, known_park: Warehouse) -> None:
        """100 t at a declared 22 GJ/t in March; in April the default: 0.7143 tce/t and 1.9003 tCO2/t."""
        march, april = known_park.query(
            "select energy_tce_calorific as tce, co2e_t from marts.enterprise_consumption_monthly where enterprise_id = 'SAYSHEAT' order by month_start_date"
        )
        assert (march["tce"], march["co2e_t"]) == (pytest.approx(100 * 22 / 29.3076), pytest.approx(100 * 22 * COAL_GJ))
        assert (april["tce"], april["co2e_t"]) == (pytest.approx(71.43), pytest.approx(100 * COAL_T))

    def test_a_year_is_the_mean_of_its_days(self, known_park: Warehouse) -> None:
        """For 31 of 365 days the calorific value is known, the others take the default."""
        [row] = known_park.query(
            "select energy_tce_calorific as tce from marts.enterprise_consumption_annual where enterprise_id = 'SAYSHEAT'"
        )
        assert row["tce"] == pytest.approx(200 * (31 / 365 * 22 / 29.3076 + 334 / 365 * 0.7143))


class TestSteam:
    @pytest.mark.parametrize(
        ("pressure_mpa", "temperature_k", "enthalpy"),
        # verification values of IAPWS-IF97, region 2, table 15
        [(0.0035, 300, 2549.91145), (0.0035, 700, 3335.68375), (30, 700, 2631.49474)],
    )
    def test_formula_against_its_published_values(
        self, known_park: Warehouse, pressure_mpa: float, temperature_k: float, enthalpy: float
    ) -> None:
        terms = known_park.query("select * from staging.stg_steam_terms")
        constants = {row["term_no"]: row["coefficient"] for row in terms if row["part"] == "constant"}
        tau = constants[2] / temperature_k
        reduced = sum(
            row["coefficient"] * row["temperature_power"] * (
                tau ** (row["temperature_power"] - 1) if row["part"] == "ideal"
                else pressure_mpa ** row["pressure_power"] * (tau - 0.5) ** (row["temperature_power"] - 1)
            )
            for row in terms if row["part"] in ("ideal", "residual")
        )  # fmt: skip
        assert constants[1] * constants[2] * reduced == pytest.approx(enthalpy, rel=1e-8)

    def test_energy_by_enthalpy_above_the_feed_water(self, known_park: Warehouse) -> None:
        """Steam tables: 2777.1 kJ/kg saturated at 1 MPa, 2943.1 at 250 degC, 3000 as metered; less 83.74 of water at 20 degC; heat at 0.11 tCO2/GJ."""
        found = known_park.query(
            "select energy_tce_calorific as tce, co2e_t from marts.enterprise_consumption_daily where enterprise_id = 'STEAMER' order by local_date"
        )
        for row, enthalpy in zip(found, (2777.1, 2943.1, 3000.0), strict=True):
            assert row["tce"] == pytest.approx(10 * (enthalpy - 83.74) / 29307.6, rel=1e-4)
            assert row["co2e_t"] == pytest.approx(10 * (enthalpy - 83.74) / 1000 * 0.11, rel=1e-4)


class TestGreenPower:
    def test_a_contract_is_taken_off_what_the_meter_counted(self, known_park: Warehouse) -> None:
        """31 000 kWh through the meter of which 10 000 are green by contract, 3 100 of the own roof beside them: three items, 0.5366 kg/kWh on one."""
        found = account(known_park, "GREEN")
        assert {key: (row["activity"], row["co2e_t"]) for key, row in found.items()} == {
            ("purchased_electricity", "electricity"): (21_000, pytest.approx(21 * 0.5366)),
            ("purchased_electricity", "green_electricity"): (10_000, 0),
            ("own_generation", "photovoltaic_electricity"): (3_100, 0),
        }
        days = known_park.value("select sum(quantity) from marts.enterprise_consumption_daily where enterprise_id = 'GREEN'")
        months = known_park.value("select sum(quantity) from marts.enterprise_consumption_monthly where enterprise_id = 'GREEN'")
        assert days == pytest.approx(months)

    def test_behind_a_declaration_too_and_never_below_what_is_known(self, known_park: Warehouse) -> None:
        for enterprise, expected in (
            ("GREENPAPER", {"electricity": 3000, "green_electricity": 2000}),
            ("GREENONLY", {"green_electricity": 300}),
        ):
            for period in ("monthly", "quarterly", "annual"):
                found = known_park.query(
                    f"select item_code, quantity from marts.enterprise_consumption_{period} where enterprise_id = '{enterprise}'"
                )
                assert {row["item_code"]: row["quantity"] for row in found} == expected

    def test_share_of_renewable_electricity(self, known_park: Warehouse) -> None:
        [row] = known_park.query(
            "select value from marts.enterprise_efficiency_monthly where enterprise_id = 'GREEN' and metric_code = 'renewable_electricity_share'"
        )
        assert row["value"] == pytest.approx(100 * 13_100 / 34_100)


class TestSuppliers:
    def test_by_the_share_of_heat_where_the_boiler_is_metered(self, known_park: Warehouse) -> None:
        """1000 t of coal make 5000 t of steam: 0.38006 t/t. Half is sold; the turbine's half makes 400 MWh, three quarters of them sold."""
        coal = 1000 * COAL_T
        assert tonnes(known_park, "USER") == {
            ("internal_supply", "steam_low_pressure"): pytest.approx(coal * 2500 / 5000),
            ("internal_supply", "electricity"): pytest.approx(coal / 2 * 300 / 400),
        }
        row = account(known_park, "USER")["internal_supply", "electricity"]
        assert (row["scope"], row["method_code"], row["state"]) == ("scope_2", "heat_supply_ratio", "estimated")
        assert sum(tonnes(known_park, "CHP").values()) == pytest.approx(coal - coal / 2 - coal / 2 * 0.75)

    def test_by_energy_content_where_only_what_is_sold_is_metered(self, known_park: Warehouse) -> None:
        """2500 t of steam are 321.5 tce, 400 MWh are 49.16 tce."""
        coal, heat, power = 1000 * COAL_T, 2500 * 0.1286, 400_000 * 0.0001229
        assert tonnes(known_park, "PLAINUSER") == {
            ("internal_supply", "steam_low_pressure"): pytest.approx(coal * heat / (heat + power)),
            ("internal_supply", "electricity"): pytest.approx(coal * power / (heat + power) * 300 / 400),
        }

    def test_without_fuel_the_default(self, known_park: Warehouse) -> None:
        found = account(known_park, "NOFUELUSER")
        assert {key: (row["co2e_t"], row["method_code"]) for key, row in found.items()} == {
            ("internal_supply", "steam_low_pressure"): (pytest.approx(2500 * 0.11 * 3.763), "default_factor"),
            ("internal_supply", "electricity"): (pytest.approx(300 * 0.5366), "default_factor"),
        }

    def test_fuel_that_burns_for_something_else_makes_no_factor(self, known_park: Warehouse) -> None:
        """In the random park diesel stands beside electricity of other origin: less than a fifth of its energy, or more than all."""
        made = known_park.value(
            "select count(*) from marts.enterprise_consumption_monthly where enterprise_id like 'RND%' and self_produced > 0"
        )
        found = known_park.query(
            "select * from intermediate.int_supplier_factors where enterprise_id like 'RND%' and item_code = 'electricity'"
        )
        assert made > 5
        assert [row for row in found if row["co2e"] > 0.0001229 / 0.7143 / 0.2 * COAL_T * 2] == []

    def test_metrics_of_carbon_take_it(self, known_park: Warehouse) -> None:
        sides = known_park.query(
            "select metric_code, value, park_value from intermediate.int_metric_sides "
            "where enterprise_id = 'USER' and grain = 'month' and side = 'numerator' and metric_code in ('co2e_per_output_value', 'co2e_per_energy')"
        )
        found = {row["metric_code"]: (row["value"], row["park_value"]) for row in sides}
        # of the park's carbon it is nothing: the coal counts where it was burnt
        assert found["co2e_per_output_value"] == (pytest.approx(1000 * COAL_T * (1 / 2 + 3 / 8)), 0)


class TestProcesses:
    def test_apart_from_energy(self, known_park: Warehouse) -> None:
        """0.525 t a tonne of clinker and nothing again for the limestone in it; 0.44 t a tonne of flux less 0.0154 that stay in a tonne of steel."""
        assert tonnes(known_park, "KILN") == {("process", "clinker"): pytest.approx(525)}
        assert tonnes(known_park, "MILL") == {("process", "limestone"): pytest.approx(44), ("process", "crude_steel"): pytest.approx(-7.7)}
        row = account(known_park, "KILN")["process", "clinker"]
        assert (row["scope"], row["factor_id"], row["verification_status"], row["activity_unit"]) == (
            "scope_1",
            "cement-clinker",
            "recalled",
            "t",
        )

    def test_in_metrics_of_their_own(self, known_park: Warehouse) -> None:
        found = {
            row["metric_code"]: row["value"]
            for row in known_park.query(
                "select metric_code, value from marts.enterprise_efficiency_monthly where enterprise_id = 'KILN' and product_code = 'ALL'"
            )
        }
        assert (found["process_co2_per_output"], found["total_co2e_per_output_value"]) == (pytest.approx(525), pytest.approx(26.25))
        assert "co2e_per_output" not in found


def test_worked_example_by_scope(known_park: Warehouse) -> None:
    """The worked example: gas and coal burnt, power and heat bought; 19 169.68 t in all."""
    found = known_park.query(
        "select scope, sum(co2e_t) as co2e_t from marts.enterprise_carbon_annual where enterprise_id = 'WORKED' group by 1"
    )
    scopes = {row["scope"]: row["co2e_t"] for row in found}
    assert scopes == {"scope_1": pytest.approx(2162.19 + 9501.49, abs=0.01), "scope_2": pytest.approx(5306.00 + 2200.00)}
    assert sum(scopes.values()) == pytest.approx(19_169.68, abs=0.005)


@pytest.mark.parametrize("period", ["monthly", "quarterly", "annual"])
def test_enterprises_and_what_they_pass_on_make_the_park(known_park: Warehouse, period: str) -> None:
    """Over everything, deliveries at random included: accounts without their internal rows, less what was nobody's in the park, are the park's.

    Not for diesel beyond the month: a quarter's declaration counts with those that were members when the quarter began.
    """
    start = {"monthly": "month", "quarterly": "quarter", "annual": "year"}[period] + "_start_date"
    truncated = start.removesuffix("_start_date")
    differing = known_park.query(
        f"""
        with enterprises as (
            select {start} as first, item_code, sum(co2e_t) as co2e_t from marts.enterprise_carbon_{period}
            where carbon_kind not like 'internal%' group by all
        ),
        outsiders as (
            select date_trunc('{truncated}', month_start_date) as first, item_code, sum(co2e_t) as co2e_t from marts.park_eliminations_monthly
            where mart = 'consumption' and elimination_kind = 'not_in_park' group by all
        ),
        park as (select {start} as first, item_code, sum(co2e_t) as co2e_t from marts.park_carbon_{period} group by all)
        select *, coalesce(enterprises.co2e_t, 0) - coalesce(outsiders.co2e_t, 0) as expected, coalesce(park.co2e_t, 0) as found
        from enterprises full join outsiders using (first, item_code) full join park using (first, item_code)
        where not coalesce(abs(expected - found) <= 1e-6, false) and (item_code <> 'diesel' or '{period}' = 'monthly')
        """
    )
    assert differing == []
    internal = known_park.query(
        f"select enterprise_id, co2e_t from marts.enterprise_carbon_{period} where carbon_kind like 'internal%' and abs(co2e_t) > 1e-6"
    )
    assert len({row["enterprise_id"] for row in internal}) > 8


def test_what_one_is_charged_another_is_relieved_of(known_park: Warehouse) -> None:
    """Where both books agree (spring of the accounts) internal rows cancel."""
    found = known_park.query(
        "select item_code, sum(co2e_t) as co2e_t, count(*) as n from marts.enterprise_carbon_monthly "
        "where carbon_kind like 'internal%' and month_start_date = '2022-03-01' group by 1"
    )
    assert [(row["co2e_t"], row["n"]) for row in found] == [(pytest.approx(0, abs=1e-9), 6)] * 2


@pytest.mark.parametrize(("shorter", "longer", "period"), [("monthly", "quarterly", "quarter"), ("monthly", "annual", "year")])
def test_months_make_quarters_and_years(known_park: Warehouse, shorter: str, longer: str, period: str) -> None:
    """For whatever is metered by the day; factors of bills are means over their period."""
    differing = known_park.query(
        f"""
        with months as (
            select enterprise_id, carbon_kind, item_code, date_trunc('{period}', month_start_date) as first, sum(co2e_t) as co2e_t, sum(activity) as activity
            from marts.enterprise_carbon_{shorter} group by all
        )
        select * from months
        join marts.enterprise_carbon_{longer} as whole using (enterprise_id, carbon_kind, item_code)
        where whole.{period}_start_date = months.first and abs(whole.co2e_t - months.co2e_t) > 1e-6
            and (enterprise_id, item_code) not in (select enterprise_id, item_code from intermediate.int_consumption_long)
        """
    )
    assert differing == []


class TestWorkingMedia:
    def test_bought_ones_count_per_output_and_own_ones_with_what_made_them(self, known_park: Warehouse) -> None:
        """Reclaimed water has no energy of its own; softened water made on site is counted with the water and power it was made from."""
        found = {
            row["item_code"]: row["energy_tce_working_medium"]
            for row in known_park.query("select * from marts.enterprise_consumption_monthly where enterprise_id = 'DRINKER'")
        }
        assert found["softened_water"] == 0
        assert found["tap_water"] == pytest.approx(200 * 0.0002571)
        total = known_park.value(
            "select sum(energy_tce_calorific) from marts.enterprise_consumption_monthly where enterprise_id = 'DRINKER'"
        )
        assert total is None
