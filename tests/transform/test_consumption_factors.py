"""factors.csv: every value follows from published figures, and those are the right ones."""

import ast
import operator
from pathlib import Path

import polars as pl
import pytest

from pipelines.contracts.standards import load_standards
from pipelines.contracts.units import Units

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
OPERATORS = {ast.Mult: operator.mul, ast.Div: operator.truediv}


@pytest.fixture(scope="module")
def factors() -> pl.DataFrame:
    return load_standards(SEEDS).seed("factors").with_columns(pl.col("value").cast(pl.Float64))


def computed(derivation: str) -> float:
    """A product of numbers; anything else in a derivation is an error of the file."""

    def evaluate(node: ast.expr) -> float:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return node.value
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](evaluate(node.left), evaluate(node.right))
        raise ValueError(f"{derivation!r} is no product of numbers")

    return evaluate(ast.parse(derivation, mode="eval").body)


def value(factors: pl.DataFrame, factor_id: str) -> float:
    [found] = factors.filter(pl.col("factor_id") == factor_id)["value"]
    return found


def test_values_follow_from_their_derivations(factors: pl.DataFrame) -> None:
    wrong = [
        (factor_id, stated, computed(derivation))
        for factor_id, stated, derivation in factors.select("factor_id", "value", "derivation").iter_rows()
        if stated != pytest.approx(computed(derivation), rel=1e-10, abs=1e-15)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("item", "published", "per"),
    # reference section 6.3, the results it prints
    [("natural_gas", 21.622, 1e4), ("diesel", 3.096, 1), ("gasoline", 2.925, 1), ("fuel_oil", 3.170, 1), ("lpg", 3.101, 1), ("raw_coal", 1.9003, 1),
     ("bituminous_coal", 1.747, 1), ("anthracite", 1.924, 1), ("lignite", 1.388, 1), ("washed_coal", 2.282, 1), ("coke", 2.862, 1),
     ("blast_furnace_gas", 8.481, 1e4), ("heat", 0.11, 1)],
)  # fmt: skip
def test_carbon_of_fuels(factors: pl.DataFrame, item: str, published: float, per: float) -> None:
    assert value(factors, f"ghg-{item}") * per == pytest.approx(published, abs=6e-4)


@pytest.mark.parametrize(
    ("item", "kgce_per_kg_or_m3", "per"),
    [("raw_coal", 0.7143, 1), ("coke", 0.9714, 1), ("diesel", 1.4571, 1), ("natural_gas", 1.2143, 1000), ("steam_low_pressure", 0.1286, 1)],
)
def test_coal_equivalents(factors: pl.DataFrame, item: str, kgce_per_kg_or_m3: float, per: float) -> None:
    assert value(factors, f"tce-{item}") * per == pytest.approx(kgce_per_kg_or_m3)


def test_heat_is_coal_by_its_calorific_value(factors: pl.DataFrame) -> None:
    assert value(factors, "tce-heat") == pytest.approx(1 / 29.3076, abs=1e-5)


def test_grid_years_are_not_swapped(factors: pl.DataFrame) -> None:
    """A public repository has 2021 and 2022 the other way round."""
    choices = load_standards(SEEDS).seed("regional_choices").filter(pl.col("topic") == "grid_factor")
    series = factors.filter(pl.col("kind") == "grid").join(choices, on=["item_code", "region", "series"], how="semi").sort("data_year")
    found = [
        (year, round(per_kwh * 1000, 4), first) for year, per_kwh, first in series.select("data_year", "value", "valid_from").iter_rows()
    ]
    assert found == [("2021", 0.5568, "2021-01-01"), ("2022", 0.5366, "2022-01-01"), ("2023", 0.5306, "2023-01-01")]


def test_carbon_of_heat_is_the_fuel_s_without_its_calorific_value(factors: pl.DataFrame) -> None:
    """A measured calorific value takes the default's place, carbon content and oxidation stay: ghg = calorific value x carbon of heat."""
    fuels = factors.filter((pl.col("kind") == "ghg_per_heat") & (pl.col("value") > 0) & (pl.col("basis") == "combustion"))
    assert fuels.height == 14
    for item, per_gj in fuels.select("item_code", "value").iter_rows():
        [(ghg, derivation)] = factors.filter(pl.col("factor_id") == f"ghg-{item}").select("value", "derivation").rows()
        calorific = float(derivation.split(" ")[0]) / (1e4 if derivation.endswith("/ 10000") else 1)
        assert ghg == pytest.approx(calorific * per_gj), item


def test_every_province_and_region_has_its_grid_factors(factors: pl.DataFrame) -> None:
    grid = factors.filter((pl.col("kind") == "grid") & (pl.col("region") != "CN"))
    assert grid.group_by("data_year").len().sort("data_year").rows() == [("2021", 37), ("2022", 37)]
    assert grid.filter(pl.col("value").is_between(0.0001, 0.001).not_()).is_empty()


def test_units_are_known_and_canonical(factors: pl.DataFrame) -> None:
    standards = load_standards(SEEDS)
    units = Units(standards)
    canonical = dict(standards.seed("parameters").select("parameter_code", "total_unit").iter_rows())
    for factor_id, kind, item, unit_from, unit_to in factors.select("factor_id", "kind", "item_code", "unit_from", "unit_to").iter_rows():
        if kind != "self_produced":
            expected = {"ghg_per_heat": "GJ", "heat_per_tce": "tce"}.get(kind, canonical[item])
            assert (unit_from, unit_to in units) == (expected, True), factor_id


def test_what_is_from_memory_says_so(factors: pl.DataFrame) -> None:
    remembered = factors.filter(pl.col("source_ref").str.contains("from memory"))
    assert remembered.height > 50
    assert set(remembered["verification_status"]) <= {"recalled", "unverified"}
