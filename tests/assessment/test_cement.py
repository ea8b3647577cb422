"""The clinker chain: published figures, and that what is not known stays unknown."""

from dataclasses import replace
from datetime import date

import pytest

from pipelines.assessment.cement import Clinker, ClinkerFactors, clinker_consumption, clinker_factors
from pipelines.contracts.standards import Standards

ON = date(2014, 6, 30)
KILN = Clinker(
    clinker_t=100_000, coal_t=14_000, coal_kj_per_kg=23_500, oil_t=20, waste_heat_kwh=3_200_000, electricity_kwh=5_800_000,
    strength_mpa=50.1, altitude_m=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def factors(shipped_standards: Standards) -> ClinkerFactors:
    return clinker_factors(shipped_standards, ON, "tce-electricity-primary-404")


def test_the_published_kiln(factors: ClinkerFactors) -> None:
    """14 000 t of coal at 23 500 kJ/kg, 20 t of diesel, 3.2 GWh of waste heat, 100 000 t of clinker at 50.1 MPa, 58 kWh/t."""
    found = clinker_consumption(KILN, factors)
    assert (found.coal, found.oil, found.waste_heat) == pytest.approx((112.258, 0.291, 12.928), abs=5e-4)
    assert found.coal_consumption == pytest.approx(99.621, abs=5e-4)
    assert found.strength_factor == pytest.approx(1.011767, abs=5e-7)
    assert found.altitude_factor == 1.0
    assert found.comparable_coal_consumption == pytest.approx(100.793, abs=5e-4)
    assert found.energy_consumption == pytest.approx(106.749, abs=5e-4)


def test_factors_come_from_the_standards(shipped_standards: Standards, factors: ClinkerFactors) -> None:
    assert (factors.supply_coal_kgce_per_kwh, factors.oil_kgce_per_kg) == pytest.approx((0.404, 1.4571))
    assert factors.electricity_kgce_per_kwh == pytest.approx(0.1229)
    assert clinker_factors(shipped_standards, date(2024, 1, 1)).supply_coal_kgce_per_kwh == pytest.approx(0.3), "the year's default"
    with pytest.raises(KeyError, match=r"tce-electricity-primary-404 tce factor of electricity .* holds on 2024-01-01"):
        clinker_factors(shipped_standards, date(2024, 1, 1), "tce-electricity-primary-404")


@pytest.mark.parametrize("unknown", ["coal_t", "coal_kj_per_kg", "oil_t", "waste_heat_kwh", "clinker_t"])
def test_what_is_not_known_leaves_the_sum_unknown(factors: ClinkerFactors, unknown: str) -> None:
    found = clinker_consumption(replace(KILN, **{unknown: None}), factors)
    assert found.coal_consumption is None
    assert found.comparable_coal_consumption is None


def test_a_missing_altitude_is_no_factor_of_zero(factors: ClinkerFactors) -> None:
    found = clinker_consumption(replace(KILN, altitude_m=None), factors)
    assert found.coal_consumption == pytest.approx(99.621, abs=5e-4)
    assert found.altitude_factor is None
    assert found.comparable_coal_consumption is None


def test_above_the_altitude_the_pressures_correct(factors: ClinkerFactors) -> None:
    factors = replace(factors, sea_level_pressure_kpa=100.0)
    high = replace(KILN, altitude_m=1900, pressure_kpa=81.0)
    assert clinker_consumption(high, factors).altitude_factor == pytest.approx(0.9)
    assert clinker_consumption(replace(high, altitude_m=1000), factors).altitude_factor == 1.0
    assert clinker_consumption(replace(high, pressure_kpa=None), factors).comparable_coal_consumption is None


def test_nothing_is_divided_by_zero(factors: ClinkerFactors) -> None:
    with pytest.raises(ValueError, match=r"clinker_t = 0: must be above 0, or None"):
        clinker_consumption(replace(KILN, clinker_t=0), factors)
