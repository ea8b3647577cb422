"""Conversions against numbers that were worked out by hand, and what has no conversion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.units import UnitError, Units
from tests.ingest.given import standards, units


@pytest.mark.parametrize(
    ("unit_from", "unit_to", "scale"),
    [
        ("lb", "kg", 0.45359237),
        ("Pounds", "kg", 0.45359237),
        ("Grams", "kg", 0.001),
        ("short_ton", "t", 0.90718474),
        ("klb/h", "t/h", 0.45359237),
        ("ug/m3", "mg/m3", 0.001),
        ("ng/m3", "mg/m3", 1e-6),
        ("mg/Nm3", "mg/m3", 1.0),
        ("ug/L", "mg/L", 0.001),
        ("mg/L", "mg/m3", 1000.0),
        ("10^4 m3", "m3", 10000.0),
        ("万m3", "m3", 10000.0),
        ("L/s", "m3/h", 3.6),
        ("m3/s", "m3/h", 3600.0),
        ("m3/d", "m3/h", 1 / 24),
        ("Mgal", "m3", 3785.411784),
        ("MGD", "m3/h", 3785.411784 / 24),
        ("万千瓦时", "kWh", 10000.0),
        ("GWh", "kWh", 1e6),
        ("kWh", "MJ", 3.6),
        ("mmBtu", "GJ", 1.05505585262),
        ("kcal", "kJ", 4.1868),
        ("tce", "kgce", 1000.0),
        ("mS/cm", "uS/cm", 1000.0),
        ("%", "1", 0.01),
        ("ppm", "ppb", 1000.0),
        ("万元", "CNY", 10000.0),
        ("亩", "m2", 10000 / 15),
        ("kgce/t", "tce/t", 0.001),
        ("lb/mmBtu", "kg/GJ", 0.45359237 / 1.05505585262),
    ],
)
def test_scale(unit_from: str, unit_to: str, scale: float) -> None:
    assert units().convert(unit_from, unit_to) == (pytest.approx(scale, rel=1e-12), 0.0)


def test_exact_factors_are_not_smeared_by_floats() -> None:
    """2000 lb of 0.45359237 kg are 0.90718474 t to the last digit, whatever order they are multiplied in."""
    assert units().convert("short_ton", "t")[0] == 0.90718474
    assert units().convert("L/s", "m3/h")[0] == 3.6


def test_temperatures_have_an_offset() -> None:
    scale, offset = units().convert("degF", "degC")
    assert 212 * scale + offset == pytest.approx(100)
    assert 32 * scale + offset == pytest.approx(0)
    assert units().convert("K", "degC") == (1.0, -273.15)


@pytest.mark.parametrize(
    ("unit_from", "unit_to", "words"),
    [
        ("kWh", "kVarh", ["'kWh' (energy)", "'kVarh' (reactive_energy)", "kvarh"]),
        ("kgce", "kWh", ["'kgce' (standard_coal)", "'kWh' (energy)"]),
        ("ppb", "mg/m3", ["'ppb' (share)", "'mg/m3' (mass_concentration)", "ug/m3"]),
        ("t", "m3", ["'t' (mass)", "'m3' (volume)"]),
        ("mg/m4", "mg/m3", ["'mg/m4' is not in the seed units.csv", "mg/m3"]),
    ],
)
def test_refusals_name_both_units_and_what_would_be_right(unit_from: str, unit_to: str, words: list[str]) -> None:
    with pytest.raises(UnitError) as refused:
        units().convert(unit_from, unit_to)
    for word in words:
        assert word in str(refused.value)


@given(st.data())
def test_there_and_back_is_where_it_started(data: st.DataObject) -> None:
    known = units()
    unit_from = data.draw(st.sampled_from(known.spellings))
    unit_to = data.draw(st.sampled_from([unit for unit in known.spellings if known.kind(unit) == known.kind(unit_from)]))
    value = data.draw(st.floats(min_value=-1e12, max_value=1e12))
    scale, offset = known.convert(unit_from, unit_to)
    back_scale, back_offset = known.convert(unit_to, unit_from)
    assert (value * scale + offset) * back_scale + back_offset == pytest.approx(value, rel=1e-9, abs=1e-6)


def test_nothing_is_parsed_before_it_is_needed() -> None:
    """A refresh with nothing new must not pay for pint's registry, half a second."""
    fresh = Units(standards())
    assert "mg/m3" in fresh
    assert fresh.kind("mg/m3") == "mass_concentration"
    assert "_registry" not in vars(fresh)
