"""The three seeds that ingest reads: what stands in them must agree with itself and with physics."""

from pathlib import Path

import polars as pl
import pytest

from pipelines.contracts.standards import Standards, load_standards
from pipelines.contracts.units import Units
from pipelines.ingest.references import CAS_ROW, References, Unresolved

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"


@pytest.fixture(scope="module")
def standards() -> Standards:
    return load_standards(SEEDS)


@pytest.fixture(scope="module")
def units(standards: Standards) -> Units:
    return Units(standards)


@pytest.fixture(scope="module")
def parameters(standards: Standards) -> pl.DataFrame:
    return standards.seed("parameters")


def test_every_unit_has_a_definition_and_units_of_one_kind_convert(standards: Standards, units: Units) -> None:
    first_of_kind: dict[str, str] = {}
    for unit in units.spellings:
        first = first_of_kind.setdefault(units.kind(unit), unit)
        scale, _ = units.convert(unit, first)
        assert scale > 0, unit


def test_every_parameter_names_known_units(units: Units, parameters: pl.DataFrame) -> None:
    for column in ("unit", "total_unit", "hj212_unit", "hj212_total_unit"):
        unknown = [unit for unit in parameters[column].drop_nulls().unique() if unit not in units]
        assert not unknown, f"{column}: {unknown}"
    assert parameters.filter(pl.col("unit").is_null() & pl.col("total_unit").is_null()).is_empty()


def test_parameters_are_of_known_kinds(parameters: pl.DataFrame) -> None:
    kinds = {"pollutant", "process", "energy", "water", "material", "economic", "waste", "ambient"}
    assert set(parameters["kind"]) <= kinds
    assert parameters["name"].null_count() == 0


def test_a_rate_times_an_hour_is_a_total(units: Units, parameters: pl.DataFrame) -> None:
    """dbt turns rates into quantities by hours alone; this is what allows it."""
    flows = parameters.filter(pl.col("total_unit").is_not_null() & ~pl.col("kind").is_in(["pollutant", "economic"]))
    assert flows.height > 100
    ureg = units._registry
    for code, unit, total in flows.select("parameter_code", "unit", "total_unit").iter_rows():
        by_the_hour = units._quantity(unit) * ureg.Quantity(1, "hour")
        assert by_the_hour.to(units._quantity(total).units).magnitude == pytest.approx(units._quantity(total).magnitude), code


def test_mass_scale_is_concentration_times_flow(units: Units, parameters: pl.DataFrame) -> None:
    scaled = parameters.filter(pl.col("mass_from").is_not_null())
    assert scaled.height > 40
    for code, unit, total, flow, scale in scaled.select("parameter_code", "unit", "total_unit", "mass_from", "mass_scale").iter_rows():
        [flow_total] = parameters.filter(pl.col("parameter_code") == flow)["total_unit"]
        mass = units._quantity(unit) * units._quantity(flow_total)
        assert float(mass.to(units._quantity(total).units).magnitude) == pytest.approx(float(scale), rel=1e-12), code
    without = parameters.filter(pl.col("mass_scale").is_null() != pl.col("mass_from").is_null())
    assert without.is_empty()


def test_hj212_units_convert_to_ours(units: Units, parameters: pl.DataFrame) -> None:
    for code, unit, printed in (
        parameters.filter(pl.col("hj212_unit").is_not_null()).select("parameter_code", "unit", "hj212_unit").iter_rows()
    ):
        units.convert(printed, unit), code


def test_aliases_lead_to_parameters_and_names_are_unambiguous(standards: Standards, parameters: pl.DataFrame) -> None:
    aliases = standards.seed("parameter_aliases")
    assert set(aliases["parameter_code"]) <= set(parameters["parameter_code"])
    known = References(standards, Units(standards))
    names = aliases.filter(pl.col("dialect").is_in(["name_zh", "name_en"]) & pl.col("st").is_null())
    for alias, code in names.select("alias", "parameter_code").iter_rows():
        found = known.parameter(alias)
        assert not isinstance(found, Unresolved), found
        assert found.code == code


def test_every_name_of_a_parameter_is_found_again(standards: Standards, parameters: pl.DataFrame) -> None:
    known = References(standards, Units(standards))
    for code in parameters["parameter_code"]:
        if code != CAS_ROW:
            found = known.parameter(code)
            assert not isinstance(found, Unresolved), found
            assert found.code == code


def test_old_codes_of_hj212(standards: Standards) -> None:
    """Reference, section 7.8: the same short code means different things in water (ST 32) and air (ST 31)."""
    known = References(standards, Units(standards))
    for old, stream, new in [
        ("011", "32", "w01018"),
        ("060", "32", "w21003"),
        ("02", "31", "a21026"),
        ("03", "31", "a21002"),
        ("01", "31", "a34013"),
    ]:
        found = known.parameter(old, f"hj212_2005:{stream}")
        assert not isinstance(found, Unresolved), found
        assert found.code == new
    assert isinstance(known.parameter("011"), Unresolved)
    assert isinstance(known.parameter("011", "hj212_2005:31"), Unresolved)
