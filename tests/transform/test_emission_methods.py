"""Methods of a discharge side by side, and what each purpose selects of them. Figures of reference section 5.6 where it has some."""

from datetime import date
from typing import Any

import pytest

from tests.transform.harness import Warehouse

PURPOSES = ("statistics", "permit", "tax", "audit")


def methods(park: Warehouse, columns: str, where: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in park.query(f"select {columns} from marts.emission_method where {where} order by all")]


def selected(park: Warehouse, where: str) -> dict[str, dict[str, float]]:
    """Purpose → method → kg."""
    return {
        purpose: dict(methods(park, f"method_code, {purpose}_kg", f"{where} and selected_for_{purpose}")) for purpose in PURPOSES
    }  # fmt: skip


class TestBalance:
    YEAR = "pollutant_code = 'a21026' and period_type = 'year'"

    def test_worked_example(self, known_park: Warehouse) -> None:
        """2 · 20 000 t · 0.8 % · 0.85 · (1 − 0.65) = 95.2 t; 272 t without treatment."""
        columns = "method_code, mass_kg, uncertainty, outlet_id, eligible, reason"
        assert methods(known_park, columns, f"enterprise_id = 'BALANCED' and {self.YEAR}") == [
            ("material_balance", pytest.approx(95_200), pytest.approx(28_560), "BALANCED-S", True, None),
            ("material_balance_untreated", pytest.approx(272_000), pytest.approx(81_600), "BALANCED-S", True, None),
        ]

    def test_the_permit_counts_no_treatment(self, known_park: Warehouse) -> None:
        assert selected(known_park, f"enterprise_id = 'BALANCED' and {self.YEAR}") == {
            "statistics": {"material_balance": pytest.approx(95_200)},
            "permit": {"material_balance_untreated": pytest.approx(272_000)},
            "tax": {"material_balance": pytest.approx(95_200)},
            "audit": {"material_balance": pytest.approx(95_200)},
        }

    def test_the_annual_mart_holds_it_as_estimated(self, known_park: Warehouse) -> None:
        found = known_park.query(
            "select mass_kg, estimated_kg, measured_share, method_code, state from marts.enterprise_emission_annual "
            "where enterprise_id = 'BALANCED' and pollutant_code = 'a21026'"
        )
        assert [tuple(row.values()) for row in found] == [
            (pytest.approx(95_200), pytest.approx(95_200), 0, "material_balance", "estimated")
        ]
        assert known_park.value("select count(*) from marts.enterprise_emission_daily where enterprise_id = 'BALANCED'") == 0

    def test_a_fuel_of_unknown_sulfur_has_no_number_and_a_reason(self, known_park: Warehouse) -> None:
        found = methods(known_park, "method_code, mass_kg, eligible, reason", f"enterprise_id = 'UNKNOWING' and {self.YEAR}")
        assert found == [
            ("material_balance", None, False, "content_unknown"),
            ("material_balance_untreated", None, False, "content_unknown"),
        ]
        where = "enterprise_id = 'UNKNOWING' and pollutant_code = 'a21026'"
        assert known_park.value(f"select count(*) from marts.enterprise_emission_annual where {where}") == 0


class TestFactor:
    def test_efficiency_times_running_rate(self, known_park: Warehouse) -> None:
        """1 000 t of clinker at 1.584 kg: 40 % of it stay where treatment always ran, 1 − 0.6 · 0.9 where it ran nine tenths."""
        found = methods(
            known_park,
            "period_start, mass_kg",
            "enterprise_id = 'CALCINES' and period_type = 'month' and method_code = 'emission_factor' and period_start < '2021-03-01'",
        )
        assert found == [(date(2021, 1, 1), pytest.approx(633.6)), (date(2021, 2, 1), pytest.approx(728.64))]

    def test_an_unknown_efficiency_is_no_efficiency_of_zero(self, known_park: Warehouse) -> None:
        found = methods(
            known_park,
            "method_code, mass_kg, reason",
            "enterprise_id = 'TWOSTACKS' and outlet_id is null and period_type = 'month' and period_start = '2021-02-01'",
        )
        assert found == [
            ("emission_factor", None, "treatment_efficiency_unknown"),
            ("emission_factor_untreated", pytest.approx(1584), None),
        ]

    def test_a_figure_of_the_whole_enterprise_speaks_where_no_outlet_does(self, known_park: Warehouse) -> None:
        january = selected(known_park, "enterprise_id = 'TWOSTACKS' and period_type = 'month' and period_start = '2021-01-01'")
        assert january == {purpose: {"reported_mass": pytest.approx(310)} for purpose in PURPOSES}
        february = selected(known_park, "enterprise_id = 'TWOSTACKS' and period_type = 'month' and period_start = '2021-02-01'")
        assert february == {"statistics": {}, "permit": {"emission_factor_untreated": pytest.approx(1584)}, "tax": {}, "audit": {}}


def test_rate_times_heat_input_stands_beside_the_reported_mass(known_park: Warehouse) -> None:
    where = "outlet_id = 'RATED-S' and pollutant_code = 'a21002' and period_type = 'month'"
    assert methods(known_park, "method_code, mass_kg, measured_share, capture_share, audit_kg", where) == [
        ("rate_heat_input", pytest.approx(15_500), 1, 1, None),
        ("reported_mass", pytest.approx(14_880), 1, 1, pytest.approx(14_880)),
    ]


class TestCapture:
    """A monitor of which a tenth of the first quarter is known, beside a coefficient and a declaration."""

    def test_a_quarter_that_was_not_captured_is_estimated(self, known_park: Warehouse) -> None:
        where = "enterprise_id = 'DEAF' and period_type = 'month' and period_start = '2021-01-01'"
        assert methods(known_park, "method_code, mass_kg, capture_share, eligible, reason", where) == [
            ("emission_factor", pytest.approx(1584), None, True, None),
            ("emission_factor_untreated", pytest.approx(1584), None, True, None),
            ("reported_mass", pytest.approx(120), pytest.approx(0.1), False, "capture_below_minimum"),
            ("self_reported", pytest.approx(5), None, True, None),
        ]
        assert selected(known_park, where) == {
            "statistics": {"emission_factor": pytest.approx(1584)},
            "permit": {"emission_factor_untreated": pytest.approx(1584)},
            "tax": {"emission_factor": pytest.approx(1584)},
            "audit": {"emission_factor": pytest.approx(1584)},
        }

    def test_statistics_ask_for_every_quarter_the_others_for_their_own(self, known_park: Warehouse) -> None:
        where = "enterprise_id = 'DEAF' and period_type = 'month' and period_start = '2021-04-01'"
        reported = {"reported_mass": pytest.approx(900)}
        assert selected(known_park, where) == {"statistics": {}, "permit": reported, "tax": reported, "audit": reported}

    def test_a_year_adds_up_what_its_months_selected(self, known_park: Warehouse) -> None:
        found = selected(known_park, "enterprise_id = 'DEAF' and period_type = 'year'")
        assert found["audit"] == {"emission_factor": pytest.approx(3 * 1584), "reported_mass": pytest.approx(900)}
        assert found["statistics"] == {"emission_factor": pytest.approx(3 * 1584)}
        shares = dict(methods(known_park, "method_code, audit_share", "enterprise_id = 'DEAF' and period_type = 'year' and audit_kg > 0"))
        assert shares == {"emission_factor": pytest.approx(4752 / 5652), "reported_mass": pytest.approx(900 / 5652)}

    def test_the_longer_marts_follow_and_days_do_not(self, known_park: Warehouse) -> None:
        columns = "mass_kg, measured_kg, estimated_kg, method_code, state"
        months = known_park.query(
            f"select {columns} from marts.enterprise_emission_monthly where outlet_id = 'DEAF-S' order by month_start_date"
        )
        estimated = (pytest.approx(1584), 0, pytest.approx(1584), "emission_factor", "estimated")
        measured = (pytest.approx(900), pytest.approx(900), 0, "reported_mass", "measured")
        assert [tuple(row.values()) for row in months] == [estimated, estimated, estimated, measured]
        [year] = known_park.query(f"select {columns} from marts.enterprise_emission_annual where outlet_id = 'DEAF-S'")
        assert tuple(year.values()) == (pytest.approx(5652), pytest.approx(900), pytest.approx(4752), "several", "estimated")
        [park] = known_park.query(f"select {columns} from marts.park_emission_annual where outlet_id = 'DEAF-S'")
        assert park == year
        assert known_park.value("select sum(mass_kg) from marts.enterprise_emission_daily where outlet_id = 'DEAF-S'") == 39 * 30


def test_a_laboratory_s_mean_stands_for_the_flow_of_the_period(known_park: Warehouse) -> None:
    """Of every sampled outlet: mean concentration times all the water; the days of the marts hold the sampled days alone."""
    found = known_park.query(
        "select mass_kg, audit_kg from marts.emission_method where method_code = 'manual' and period_type = 'month' and audit_kg > 0"
    )
    assert found
    assert all(row["mass_kg"] >= row["audit_kg"] * (1 - 1e-9) for row in found)


@pytest.mark.parametrize(("longer", "period"), [("monthly", "month"), ("quarterly", "quarter"), ("annual", "year")])
def test_the_emission_marts_hold_what_the_audit_selects(known_park: Warehouse, longer: str, period: str) -> None:
    differing = known_park.query(
        f"""
        with selected as (
            select enterprise_id, outlet_id, medium, pollutant_code, period_start, sum(audit_kg) as kg, sum(audit_measured_kg) as measured_kg
            from marts.emission_method where period_type = '{period}' and selected_for_audit group by all having count(audit_kg) > 0
        ),
        held as (
            select enterprise_id, outlet_id, medium, pollutant_code, {period}_start_date as period_start, sum(mass_kg) as kg, sum(measured_kg) as measured_kg
            from marts.enterprise_emission_{longer} where mass_kg is not null group by all
        )
        select * from selected
        full join held on selected.enterprise_id = held.enterprise_id and selected.outlet_id is not distinct from held.outlet_id
            and selected.medium = held.medium and selected.pollutant_code = held.pollutant_code and selected.period_start = held.period_start
        where not coalesce(abs(selected.kg - held.kg) < 1e-6 and abs(selected.measured_kg - held.measured_kg) < 1e-6, false)
        """
    )
    assert differing == []


def test_methods_add_up_to_an_enterprise_s_and_the_park_s_discharge(known_park: Warehouse) -> None:
    """Of every pollutant and period what methods supply is the mass of the emission marts; what a workshop or a sewer takes is in no park's."""
    known_park.dbt("test", "--select", "methods_add_up_to_the_emission")
    of_park = "select method_code, sum(park_kg) as kg from marts.emission_method where period_type = 'year' and {} group by 1 having kg > 0 order by 1"
    found = known_park.query(of_park.format("pollutant_code = 'a21002' and enterprise_id in ('CALCINES', 'DEAF', 'RATED')"))
    assert [tuple(row.values()) for row in found][-1] == ("reported_mass", pytest.approx(900 + 14_880))
    assert {row["method_code"] for row in found} == {"emission_factor", "reported_mass"}
    assert known_park.query(of_park.format("outlet_id in ('WORKS-W', 'WORKS-WS')")) == []
    inside = known_park.value("select sum(enterprise_kg) from marts.emission_method where outlet_id = 'WORKS-W' and period_type = 'year'")
    assert inside == pytest.approx(60.6312)
    assert known_park.value("select sum(enterprise_kg) from marts.emission_method where outlet_id = 'WORKS-WS'") in (0, None)


def test_one_method_speaks_for_a_month(known_park: Warehouse) -> None:
    for purpose in PURPOSES[:3]:
        several = known_park.query(
            f"select enterprise_id, outlet_id, pollutant_code, period_start from marts.emission_method "
            f"where period_type = 'month' and selected_for_{purpose} group by all having count(*) > 1"
        )
        assert several == []
