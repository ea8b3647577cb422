"""Emission: the correction chain of HJ 212-2017 annex D, validity of hours, days by one method, declared and shared discharge."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest

from tests.transform.harness import Warehouse
from tests.transform.known_park import MAY, local


def rows(park: Warehouse, table: str, where: str, columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in park.query(f"select {columns} from marts.{table} where {where} order by all")]


class TestFlueGas:
    """Reference section 5.1: 432 000 m3/h at 120 degC, 100.7 kPa, 8 % are 274 381.31 dry standard; 35.2 mg/m3 are 9.658222 kg/h."""

    def hour(self, park: Warehouse, number: int) -> dict[str, Any]:
        [row] = park.query(f"select * from marts.emission_hourly where outlet_id = 'STACK-1' and hour_start_utc = '{local(MAY, number)}'")
        return row

    def test_worked_example(self, known_park: Warehouse) -> None:
        hour = self.hour(known_park, 0)
        assert hour["flow_m3"] == pytest.approx(274_381.31, abs=0.005)
        assert hour["mass_kg"] == pytest.approx(9.658222, abs=5e-7)
        assert (hour["state"], hour["operating_state"], hour["substituted_kg"]) == ("measured", "operating", 0)

    def test_mass_never_uses_the_converted_concentration(self, known_park: Warehouse) -> None:
        hour = self.hour(known_park, 0)
        assert (hour["reference_oxygen_percent"], hour["concentration_corrected"]) == (9, pytest.approx(42.24))
        assert hour["mass_kg"] == pytest.approx(hour["concentration"] * hour["flow_m3"] * 1e-6)

    def test_the_chain_stands_beside_its_result(self, known_park: Warehouse) -> None:
        """α = 21 / (21 − 11) = 2.1; α at 9 % is 1.75, and 35.2 × 2.1 / 1.75 = 42.24 by (26) as by (28). The device says 40."""
        hour = self.hour(known_park, 0)
        assert (hour["excess_air"], hour["concentration_standard"]) == (pytest.approx(2.1), pytest.approx(35.2))
        assert hour["concentration_corrected"] == pytest.approx(35.2 * hour["excess_air"] / 1.75)
        assert (hour["concentration_corrected_reported"], hour["corrected_difference"]) == (40, pytest.approx(42.24 / 40 - 1))
        assert self.hour(known_park, 23)["excess_air"] is None

    def test_a_marked_hour_is_missing_and_not_zero(self, known_park: Warehouse) -> None:
        hour = self.hour(known_park, 18)
        assert (hour["mass_kg"], hour["concentration"], hour["state"], hour["validity_basis"]) == (
            None,
            None,
            "missing",
            "marked_or_missing",
        )

    def test_a_stopped_hour_is_zero_without_concentration(self, known_park: Warehouse) -> None:
        hour = self.hour(known_park, 20)
        assert (hour["mass_kg"], hour["concentration"], hour["concentration_corrected"], hour["state"]) == (0, None, None, "stopped")

    def test_gas_like_air_has_a_mass_and_no_converted_value(self, known_park: Warehouse) -> None:
        hour = self.hour(known_park, 23)
        assert (hour["mass_kg"], hour["concentration_corrected"]) == (pytest.approx(9.658222, abs=5e-7), None)

    def test_the_day(self, known_park: Warehouse) -> None:
        [day] = known_park.query("select * from marts.enterprise_emission_daily where outlet_id = 'STACK-1' and pollutant_code = 'a21026'")
        assert day["mass_kg"] == pytest.approx(19 * 9.658222, abs=1e-5)
        assert (day["measured_kg"], day["substituted_kg"], day["measured_share"]) == (day["mass_kg"], 0, 1)
        assert (day["valid_hours"], day["stopped_hours"], day["missing_hours"]) == (19, 4, 1)
        # the hour under maintenance ran: its flow and oxygen say so
        assert day["operating_hours"] == 20
        assert (day["concentration_mean"], day["concentration_corrected_mean"]) == (pytest.approx(35.2), pytest.approx(42.24))
        assert day["completeness_share"] == pytest.approx(23 / 24)

    @pytest.mark.parametrize("basis", ["dry0", "wet0", "dry20", "wet20", "actual", "unstated", "velocity"])
    def test_every_basis_gives_the_same_mass(self, known_park: Warehouse, basis: str) -> None:
        [(mass, concentration, flow)] = rows(
            known_park, "emission_hourly", f"outlet_id = 'BASES-{basis}'", "mass_kg, concentration, flow_m3"
        )
        assert mass == pytest.approx(9.658222, abs=5e-6)
        assert (concentration, flow) == (pytest.approx(35.2), pytest.approx(274_381.31, abs=0.05))

    def test_what_cannot_be_converted_is_missing(self, known_park: Warehouse) -> None:
        found = rows(
            known_park, "emission_hourly", "outlet_id = 'BASES-nohumidity'", "mass_kg, concentration_reported, state, validity_basis"
        )
        assert found == [(None, 32, "missing", "concentration_not_convertible")]


@pytest.mark.parametrize(
    ("outlet", "standard", "alpha", "corrected"),
    # 35.2 mg/m3 · α / α_s (26)
    [("FURNACE", "furnace", 1.7, 35.2 * 2.1 / 1.7), ("COLD", "cupola-cold", 4.0, 35.2 * 6 / 4), ("HOT", "cupola-hot", 2.5, 35.2 * 6 / 2.5)],
)
def test_a_standard_that_states_excess_air_converts_by_it(
    known_park: Warehouse, outlet: str, standard: str, alpha: float, corrected: float
) -> None:
    """GB 9078-1996, from the seed to the judgement; the mass stays that of the concentration as measured."""
    where = f"outlet_id = 'FURNACES-{outlet}'"
    [hour] = known_park.query(f"select * from marts.emission_hourly where {where}")
    assert (hour["flow_m3"], hour["mass_kg"]) == (pytest.approx(274_381.31, abs=0.005), pytest.approx(9.658222, abs=5e-7))
    assert hour["reference_oxygen_percent"] == pytest.approx(21 - 21 / alpha)
    assert hour["concentration_corrected"] == pytest.approx(corrected)
    judged = rows(known_park, "limit_compliance_daily", where, "limit_id, max_value, verification_status")
    assert judged == [(f"GB9078-1996-{standard}:a34013:hour", pytest.approx(corrected), "unverified")]


class TestWastewater:
    def test_worked_example(self, known_park: Warehouse) -> None:
        hours = rows(known_park, "emission_hourly", "outlet_id = 'WORKS-W'", "mass_kg")
        assert hours == [(pytest.approx(2.5263),)] * 24
        found = rows(known_park, "enterprise_emission_daily", "outlet_id = 'WORKS-W'", "mass_kg, flow_m3, concentration_mean")
        assert found == [(pytest.approx(60.6312), pytest.approx(1512.0), pytest.approx(40.1))]

    def test_the_mean_is_weighted_by_flow(self, known_park: Warehouse) -> None:
        """40 mg/L in 60 m3 and 80 mg/L in 20 m3 are 50 mg/L, not 60."""
        for table in ("enterprise_emission_daily", "enterprise_emission_monthly", "park_emission_annual"):
            assert rows(known_park, table, "outlet_id = 'PLANT-W'", "concentration_mean") == [(pytest.approx(50),)]

    def test_a_laboratory_sample_times_the_day_s_flow(self, known_park: Warehouse) -> None:
        found = rows(known_park, "enterprise_emission_daily", "outlet_id = 'WORKS-WS'", "mass_kg, method_code, counts_in_enterprise_total")
        assert found == [(pytest.approx(0.003), "daily_concentration_flow", False)]


class TestValidHours:
    def hours(self, park: Warehouse, outlet: str) -> list[tuple[Any, ...]]:
        found = park.query(f"select * from marts.emission_hourly where outlet_id = '{outlet}' order by hour_start_utc")
        return [(row["mass_kg"], row["validity_basis"]) for row in found]

    def test_gas_bears_a_quarter_of_bad_values(self, known_park: Warehouse) -> None:
        """Five of six are more than 45 minutes; the flagged 999 mg/m3 is in no mean; three of six are too few."""
        mass = pytest.approx(1000 * 60 * 1e-6)
        assert self.hours(known_park, "TENMIN-A") == [
            (mass, "valid_minutes"), (mass, "valid_minutes"), (None, "too_few_valid_values"),
        ]  # fmt: skip

    def test_one_bad_value_spoils_a_wastewater_hour(self, known_park: Warehouse) -> None:
        assert [mass for mass, _ in self.hours(known_park, "TENMIN-W")] == [pytest.approx(1000 * 60 * 1e-3), None, None]


class TestComponents:
    """HJ 212-2017 formulas (20) to (22); vectors of reference section 14: SO2 × 2.857143, NO2 × 2.053571, NO → NO2 × 1.533333."""

    @pytest.mark.parametrize(("name", "code", "concentration", "conversion"), [
        ("ppm", "a21026", 10 * 2.857143, "so2-from-volume"), ("ppm", "a21002", (20 + 5) * 2.053571, "nox-from-no-no2-volume"),
        ("mg", "a21002", 30 * 1.533333 + 10, "nox-from-no-no2"), ("wet", "a21002", 30 * 1.533333 + 10, "nox-from-no-no2"), ("own", "a21002", 55, None),
    ])  # fmt: skip
    def test_concentration_and_mass(
        self, known_park: Warehouse, name: str, code: str, concentration: float, conversion: str | None
    ) -> None:
        where = f"outlet_id = 'PARTS-{name}' and pollutant_code = '{code}'"
        assert rows(known_park, "emission_hourly", where, "concentration, mass_kg, conversion_id, state") == [
            (pytest.approx(concentration, rel=1e-6), pytest.approx(concentration * 0.1, rel=1e-6), conversion, "measured")
        ]

    def test_one_component_is_no_pollutant(self, known_park: Warehouse) -> None:
        assert rows(known_park, "emission_hourly", "outlet_id = 'PARTS-half'", "pollutant_code") == [("a21003",)]


class TestNonDetects:
    def test_an_hour(self, known_park: Warehouse) -> None:
        """Two of 5 and four below 2 mg/m3 at half: (10 + 4) / 6; at the full limit the four are 8 / 6 in 100 000 m3."""
        columns = "nd_share, concentration, mass_kg, nd_mass_kg"
        assert rows(known_park, "emission_hourly", "outlet_id = 'PARTS-nd'", columns) == [
            (pytest.approx(4 / 6), pytest.approx(14 / 6), pytest.approx(14 / 6 * 0.1), pytest.approx(8 / 6 * 0.1))
        ]

    @pytest.mark.parametrize("period", ["daily", "monthly", "quarterly", "annual"])
    def test_another_purpose_restates_the_mass(self, known_park: Warehouse, period: str) -> None:
        """As the tax counts, a value below the limit is nothing: 10 / 6 mg/m3, and no lead."""
        restated = """
            select outlet_id, mass_kg + (tax.share_of_limit - audit.share_of_limit) * nd_mass_kg as kg
            from marts.enterprise_emission_{} cross join staging.stg_nd_policies as tax cross join staging.stg_nd_policies as audit
            where outlet_id in ('PARTS-nd', 'PARTS-lab') and tax.purpose = 'tax' and audit.purpose = 'audit' order by 1
        """
        assert known_park.query(restated.format(period)) == [
            {"outlet_id": "PARTS-lab", "kg": pytest.approx(0)}, {"outlet_id": "PARTS-nd", "kg": pytest.approx(10 / 6 * 0.1)},
        ]  # fmt: skip

    def test_a_parameter_s_own_policy_goes_before_that_of_all(
        self, known_park: Warehouse, make_copy: Callable[[Warehouse], Warehouse]
    ) -> None:
        copy = make_copy(known_park)
        copy.add_own_standard("nd_policies", {
            "purpose": "audit", "parameter_code": "a21026", "share_of_limit": "1", "valid_from": "2024-05-01",
            "version": "1", "source_ref": "the park", "verification_status": "primary_source",
        })  # fmt: skip
        copy.build("enterprise_emission_daily")
        found = rows(copy, "enterprise_emission_daily", "outlet_id in ('PARTS-nd', 'PARTS-lab')", "outlet_id, mass_kg, nd_mass_kg")
        assert found == [
            ("PARTS-lab", pytest.approx(0.1 * 0.1), pytest.approx(0.2 * 0.1)), ("PARTS-nd", pytest.approx(18 / 6 * 0.1), pytest.approx(8 / 6 * 0.1)),
        ]  # fmt: skip


class TestValidDays:
    """HJ 76-2017: 45 minutes, 20 hours, 25 days; or a share of the hours of work where an outlet's rule set says so."""

    def test_a_day_needs_twenty_hours_and_keeps_its_mass(self, known_park: Warehouse) -> None:
        columns = "valid_hours, is_valid, validity_rule_id, measured_kg"
        assert rows(known_park, "enterprise_emission_daily", "outlet_id = 'DAYS-A'", columns) == [
            (7, False, "HJ76-2017-air", pytest.approx(7 * 0.05)),
            (19, False, "HJ76-2017-air", pytest.approx(19 * 0.05)),
            (20, True, "HJ76-2017-air", pytest.approx(20 * 0.05)),
        ]

    def test_a_plant_of_one_shift(self, known_park: Warehouse, make_copy: Callable[[Warehouse], Warehouse]) -> None:
        copy = make_copy(known_park)
        copy.add_own_standard("regional_choices", {
            "topic": "validity_rules", "item_code": "DAYS-A", "region": "CN", "series": "operating hours", "valid_from": "2024-05-07",
            "version": "1", "source_ref": "the park", "verification_status": "primary_source",
        })  # fmt: skip
        copy.build("enterprise_emission_monthly")
        found = rows(copy, "enterprise_emission_daily", "outlet_id = 'DAYS-A'", "local_date, is_valid, validity_rule_id")
        assert found == [
            (date(2024, 5, 6), True, "HJ76-2017-air"), (date(2024, 5, 7), True, "operating-hours-air"), (date(2024, 5, 8), True, "operating-hours-air"),
        ]  # fmt: skip

    def test_february_needs_fewer_days(self, known_park: Warehouse) -> None:
        columns = "month_start_date, valid_days, is_valid"
        for table in ("enterprise_emission_monthly", "park_emission_monthly"):
            assert rows(known_park, table, "outlet_id = 'DAYS-M'", columns) == [(date(2024, 2, 1), 23, True), (date(2024, 3, 1), 24, False)]

    def test_no_rule_no_judgement(self, known_park: Warehouse) -> None:
        assert rows(known_park, "enterprise_emission_monthly", "outlet_id = 'WORKS-W'", "valid_days, is_valid") == [(1, None)]


class TestReportedMasses:
    def test_by_the_day(self, known_park: Warehouse) -> None:
        columns = "local_date, mass_kg, operating_hours, stopped_hours, concentration_mean, method_code, state"
        assert rows(known_park, "enterprise_emission_daily", "outlet_id = 'MASSES-D'", columns) == [
            (date(2024, 5, 6), 120, 18, 6, None, "reported_mass", "measured"),
            (date(2024, 5, 7), 0, 0, 24, None, "reported_mass", "stopped"),
            (date(2024, 5, 8), None, None, 0, None, None, "missing"),
        ]

    def test_one_method_for_a_day(self, known_park: Warehouse) -> None:
        """Ten hours of concentration and twenty-four of mass as sent: the day follows the mass, and both stand beside each other."""
        columns = "method_code, mass_kg, reported_kg, concentration_flow_kg, mass_difference, nd_mass_kg"
        found = rows(known_park, "emission_hourly", "outlet_id = 'MASSES-H'", columns)
        of_both = ("reported_mass", 5, 5, pytest.approx(6), pytest.approx(0.2), 0)
        assert found == [of_both] * 10 + [("reported_mass", 5, 5, None, None, 0)] * 14
        assert rows(known_park, "enterprise_emission_daily", "outlet_id = 'MASSES-H'", "mass_kg, method_code") == [(120, "reported_mass")]

    def test_a_converted_concentration_makes_no_mass(self, known_park: Warehouse) -> None:
        found = known_park.query(
            "select distinct mass_kg, concentration_corrected, validity_basis from marts.emission_hourly where outlet_id = 'MASSES-Z'"
        )
        assert found == [{"mass_kg": None, "concentration_corrected": 12, "validity_basis": "only_converted_concentration"}]


def test_a_shared_outlet_is_divided_and_estimated(known_park: Warehouse) -> None:
    columns = "enterprise_id, mass_kg, measured_kg, estimated_kg, flow_m3, allocated_share, state"
    assert rows(known_park, "enterprise_emission_daily", "outlet_id = 'POUR-W'", columns) == [
        ("POUR1", pytest.approx(14.4), 0, pytest.approx(14.4), pytest.approx(144), 0.6, "estimated"),
        ("POUR2", pytest.approx(9.6), 0, pytest.approx(9.6), pytest.approx(96), 0.4, "estimated"),
    ]
    columns = "mass_kg, flow_m3, concentration_mean, valid_hours"
    assert rows(known_park, "park_emission_daily", "outlet_id = 'POUR-W'", columns) == [
        (pytest.approx(24), pytest.approx(240), pytest.approx(100), 24)
    ]


class TestDeclared:
    def test_monitored_months_are_not_declared_ones(self, known_park: Warehouse) -> None:
        found = rows(
            known_park, "enterprise_emission_monthly", "outlet_id = 'TELLS-W'", "month_start_date, mass_kg, self_reported_kg, method_code"
        )
        assert found == [(date(2024, 4, 1), 500, 500, "self_reported"), (date(2024, 5, 1), pytest.approx(24), 0, "concentration_flow")]

    def test_a_year_of_both_says_so(self, known_park: Warehouse) -> None:
        found = rows(
            known_park, "enterprise_emission_annual", "outlet_id = 'TELLS-W'", "mass_kg, self_reported_kg, measured_kg, method_code, state"
        )
        assert found == [(pytest.approx(524), 500, pytest.approx(24), "several", "self_reported")]

    def test_the_permit_s_report_goes_before_the_tax_return_and_its_forms_add_up(self, known_park: Warehouse) -> None:
        found = rows(
            known_park,
            "enterprise_emission_annual",
            "enterprise_id = 'TELLS' and medium = 'air'",
            "outlet_id, mass_kg, counts_in_park_total",
        )
        assert found == [(None, 1234, True)]

    def test_water_of_a_whole_enterprise_goes_where_its_outlets_go(self, known_park: Warehouse) -> None:
        found = rows(known_park, "enterprise_emission_monthly", "enterprise_id = 'TELLS' and pollutant_code = 'w21003'",
                     "discharge_kind, receiving_enterprise_id, counts_in_park_total")  # fmt: skip
        assert found == [("indirect", "PLANT", False)]


@pytest.mark.parametrize(("longer", "period"), [("monthly", "month"), ("quarterly", "quarter"), ("annual", "year")])
@pytest.mark.parametrize("whose", ["enterprise", "park"])
def test_masses_are_conserved(known_park: Warehouse, whose: str, longer: str, period: str) -> None:
    """Every longer period is the sum of its days, less the months in which something else speaks, and what speaks instead."""
    who = "enterprise_id, " if whose == "enterprise" else ""
    key = f"{who}outlet_id, pollutant_code"
    differing = known_park.query(
        f"""
        with displaced as (
            select distinct outlet_id, pollutant_code, period_start as month from intermediate.int_placed_emission
            where grain = 'month' and outlet_id is not null and mass_kg is not null
        ),
        days as (
            select {key}, date_trunc('{period}', local_date) as first, stopped_hours as stopped, case when month is null then mass_kg end as mass
            from (select *, date_trunc('month', local_date) as day_month from marts.{whose}_emission_daily)
            left join (select *, month as day_month from displaced) using (outlet_id, pollutant_code, day_month)
        ),
        instead as (
            select {key}, period_start as first, 0 as stopped, mass_kg as mass from intermediate.int_placed_emission
            where grain = '{period}' and outlet_id is not null {"and counts_in_park_total" if whose == "park" else ""}
        ),
        parts as (
            select {key}, first, sum(mass) as mass, sum(stopped) as stopped from (select * from days union all by name select * from instead)
            group by all having sum(mass) is not null
        ),
        longer as (
            select {key}, {period}_start_date as first, sum(mass_kg) as mass, coalesce(sum(stopped_hours), 0) as stopped
            from marts.{whose}_emission_{longer} where outlet_id is not null group by all having sum(mass_kg) is not null
        )
        select * from parts full join longer using ({key}, first)
        where abs(parts.mass - longer.mass) > 1e-6 or parts.mass is null or longer.mass is null or parts.stopped <> longer.stopped
        """
    )
    assert differing == []


def test_days_are_the_sums_of_their_hours(known_park: Warehouse) -> None:
    differing = known_park.query(
        """
        with hours as (
            select outlet_id, pollutant_code, local_date, sum(mass_kg) as mass from marts.emission_hourly group by all having count(mass_kg) > 0
        ),
        days as (
            select outlet_id, pollutant_code, local_date, sum(mass_kg) as mass from marts.enterprise_emission_daily group by all
        )
        select * from hours left join days using (outlet_id, pollutant_code, local_date) where not coalesce(abs(hours.mass - days.mass) < 1e-9, false)
        """
    )
    assert differing == []


def test_hours_are_utc_and_days_are_the_park_s(known_park: Warehouse) -> None:
    [(hour, day)] = rows(known_park, "emission_hourly", "outlet_id = 'BASES-dry0'", "hour_start_utc, local_date")
    assert (hour, day) == (datetime(2024, 5, 5, 16), date(2024, 5, 6))
