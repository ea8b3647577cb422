"""Comparable coal consumption of clinker (可比熟料综合煤耗): the calculation chain of the cement sector's energy indicators.

Pure arithmetic over one kiln's period; factors are rows of the standards. The marts' metric `comparable_clinker_coal_consumption` is held against
it. Where the quantities come from belongs elsewhere.
A quantity that is not known leaves everything that rests on it unknown: a missing altitude is no factor of 0.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from pipelines.assessment.parameters import EVERYTHING, parameters, rows_of_standards
from pipelines.contracts.standards import Standards

_KG_PER_T = 1000.0


@dataclass(frozen=True)
class ClinkerFactors:
    """Factors of one date.

    Attributes:
        standard_coal_kj_per_kg: Heat of standard coal.
        oil_kgce_per_kg: Ignition oil as diesel.
        electricity_kgce_per_kwh: Electricity by its heat (当量).
        supply_coal_kgce_per_kwh: Coal behind a kilowatt hour of the grid (供电煤耗), which waste-heat generation saves.
        reference_strength_mpa: Strength at 28 days that clinker is compared at.
        strength_exponent: Power of reference strength over strength.
        altitude_from_m: Altitude above which the pressure corrects.
        sea_level_pressure_kpa: What it is compared with.
    """

    standard_coal_kj_per_kg: float
    oil_kgce_per_kg: float
    electricity_kgce_per_kwh: float
    supply_coal_kgce_per_kwh: float
    reference_strength_mpa: float
    strength_exponent: float
    altitude_from_m: float
    sea_level_pressure_kpa: float


@dataclass(frozen=True)
class Clinker:
    """One kiln's period; None is not known.

    Attributes:
        clinker_t: Clinker made.
        coal_t, coal_kj_per_kg: Coal burnt and its net calorific value as received.
        oil_t: Ignition oil.
        waste_heat_kwh: Generation from waste heat less its own use.
        electricity_kwh: Electricity of the kiln line.
        strength_mpa: Strength of the clinker at 28 days.
        altitude_m, pressure_kpa: Where the kiln stands.
    """

    clinker_t: float | None
    coal_t: float | None
    coal_kj_per_kg: float | None
    oil_t: float | None
    waste_heat_kwh: float | None
    electricity_kwh: float | None
    strength_mpa: float | None
    altitude_m: float | None
    pressure_kpa: float | None = None


@dataclass(frozen=True)
class ClinkerConsumption:
    """kgce per tonne of clinker; factors are plain numbers. None where something that goes in is not known."""

    coal: float | None
    oil: float | None
    waste_heat: float | None
    coal_consumption: float | None
    """熟料综合煤耗: coal and oil less what the waste heat generated."""
    altitude_factor: float | None
    strength_factor: float | None
    comparable_coal_consumption: float | None
    """可比熟料综合煤耗."""
    energy_consumption: float | None
    """熟料综合能耗: with electricity."""
    comparable_energy_consumption: float | None


def clinker_factors(standards: Standards, on: date, supply_coal_factor: str | None = None) -> ClinkerFactors:
    """Factors that hold on a date.

    Args:
        supply_coal_factor: factor_id of the grid's coal rate, which differs by year and rule; without it the default one.

    Raises KeyError, naming what no row says, when a factor or parameter is lacking on the date.
    """
    named = parameters(rows_of_standards(standards), "cement", on)

    def of(name: str) -> float:
        if (name, EVERYTHING) not in named:
            raise KeyError(f"method_parameters.csv has no {name!r} of method 'cement' that holds on {on}")
        return named[(name, EVERYTHING)]

    return ClinkerFactors(
        standard_coal_kj_per_kg=of("standard_coal_heat"),
        oil_kgce_per_kg=_factor(standards, on, "diesel", "both"),
        electricity_kgce_per_kwh=_factor(standards, on, "electricity", "calorific") * _KG_PER_T,
        supply_coal_kgce_per_kwh=_factor(standards, on, "electricity", "primary", supply_coal_factor) * _KG_PER_T,
        reference_strength_mpa=of("reference_strength"),
        strength_exponent=of("strength_exponent"),
        altitude_from_m=of("altitude_from"),
        sea_level_pressure_kpa=of("sea_level_pressure"),
    )


def _factor(standards: Standards, on: date, item_code: str, basis: str, factor_id: str | None = None) -> float:
    """tce per canonical unit of the item."""
    day = on.isoformat()
    wanted = pl.col("factor_id") == factor_id if factor_id else pl.col("is_default") == "true"
    rows = standards.seed("factors").filter(
        wanted
        & (pl.col("kind") == "tce")
        & (pl.col("item_code") == item_code)
        & (pl.col("basis") == basis)
        & (pl.col("valid_from") <= day)
        & (pl.col("valid_to").is_null() | (pl.col("valid_to") > day))
    )
    if rows.is_empty():
        raise KeyError(f"factors.csv has no {factor_id or 'default'} tce factor of {item_code} ({basis}) that holds on {on}")
    return float(rows["value"][-1])


def clinker_consumption(clinker: Clinker, factors: ClinkerFactors) -> ClinkerConsumption:
    """The chain from coal burnt to comparable consumption.

    Above `altitude_from_m` coal is corrected by the root of local over sea-level pressure (K), and everywhere by
    (reference strength / strength) to the power of `strength_exponent`.

    Raises ValueError when clinker, strength or pressure is known and not above 0.
    """
    for name in ("clinker_t", "strength_mpa", "pressure_kpa"):
        value = getattr(clinker, name)
        if value is not None and value <= 0:
            raise ValueError(f"{name} = {value!r}: must be above 0, or None where it is not known")
    per_tonne = None if clinker.clinker_t is None else 1 / clinker.clinker_t
    coal = _times(clinker.coal_t, _KG_PER_T, clinker.coal_kj_per_kg, 1 / factors.standard_coal_kj_per_kg, per_tonne)
    oil = _times(clinker.oil_t, _KG_PER_T, factors.oil_kgce_per_kg, per_tonne)
    waste_heat = _times(clinker.waste_heat_kwh, factors.supply_coal_kgce_per_kwh, per_tonne)
    electricity = _times(clinker.electricity_kwh, factors.electricity_kgce_per_kwh, per_tonne)
    consumption = None if None in (coal, oil, waste_heat) else coal + oil - waste_heat
    energy = None if None in (consumption, electricity) else consumption + electricity
    altitude = _altitude_factor(clinker, factors)
    strength = (
        None if clinker.strength_mpa is None else (factors.reference_strength_mpa / clinker.strength_mpa) ** factors.strength_exponent
    )
    return ClinkerConsumption(
        coal=coal,
        oil=oil,
        waste_heat=waste_heat,
        coal_consumption=consumption,
        altitude_factor=altitude,
        strength_factor=strength,
        comparable_coal_consumption=_times(consumption, altitude, strength),
        energy_consumption=energy,
        comparable_energy_consumption=_times(energy, altitude, strength),
    )


def _times(*factors: float | None) -> float | None:
    product = 1.0
    for factor in factors:
        if factor is None:
            return None
        product *= factor
    return product


def _altitude_factor(clinker: Clinker, factors: ClinkerFactors) -> float | None:
    if clinker.altitude_m is None:
        return None
    if clinker.altitude_m <= factors.altitude_from_m:
        return 1.0
    if clinker.pressure_kpa is None:
        return None
    return (clinker.pressure_kpa / factors.sea_level_pressure_kpa) ** 0.5
