"""limits.csv: units, reference oxygen and honesty about where a limit was read."""

from pathlib import Path

import polars as pl
import pytest

from pipelines.contracts.standards import load_standards

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"


@pytest.fixture(scope="module")
def limits() -> pl.DataFrame:
    return load_standards(SEEDS).seed("limits").with_columns(pl.col("limit_value", "reference_o2", "reference_excess_air").cast(pl.Float64))


def test_limits_are_positive_and_in_the_pollutant_s_unit(limits: pl.DataFrame) -> None:
    parameters = load_standards(SEEDS).seed("parameters").select("parameter_code", "kind", pl.col("unit").alias("canonical"))
    joined = limits.join(parameters, on="parameter_code", how="left")
    assert joined.filter(
        (pl.col("kind") != "pollutant") | (pl.col("unit") != pl.col("canonical")) | (pl.col("limit_value") <= 0)
    ).is_empty()
    assert joined["kind"].null_count() == 0


@pytest.mark.parametrize(
    ("standard", "oxygen"),
    # reference section 5.2
    [("GB13223-2011-coal", 6), ("GB13223-2011-gas", 3), ("GB13223-2011-turbine", 15), ("GB13271-2014-coal", 9), ("GB13271-2014-gas", 3.5),
     ("GB4915-2013-kiln", 10), ("GB18485-2014", 11), ("GB18484-2020", 11), ("ULE-steel-sinter", 16), ("ULE-steel-pellet", 18), ("GB29620-2013-kiln", 18)],
)  # fmt: skip
def test_reference_oxygen_is_the_sector_s(limits: pl.DataFrame, standard: str, oxygen: float) -> None:
    assert set(limits.filter(pl.col("standard_id") == standard)["reference_o2"]) == {oxygen}


@pytest.mark.parametrize(
    ("standard", "excess_air"), [("GB9078-1996-furnace", 1.7), ("GB9078-1996-cupola-cold", 4.0), ("GB9078-1996-cupola-hot", 2.5)]
)
def test_reference_excess_air_is_the_standard_s(limits: pl.DataFrame, standard: str, excess_air: float) -> None:
    assert set(limits.filter(pl.col("standard_id") == standard)["reference_excess_air"]) == {excess_air}


def test_one_reference_oxygen_a_standard_and_none_for_water(limits: pl.DataFrame) -> None:
    assert limits.filter(pl.col("reference_o2").is_not_null() & pl.col("reference_excess_air").is_not_null()).is_empty()
    limits = limits.with_columns(pl.coalesce("reference_o2", 21 - 21 / pl.col("reference_excess_air")).alias("reference_o2"))
    several = limits.group_by("standard_id").agg(pl.col("reference_o2").n_unique().alias("values")).filter(pl.col("values") > 1)
    assert several.is_empty()
    assert limits.filter((pl.col("medium") == "water") & pl.col("reference_o2").is_not_null()).is_empty()


def test_special_limits_are_never_looser(limits: pl.DataFrame) -> None:
    """A standard's table for key regions against its ordinary one."""
    special = limits.filter(pl.col("standard_id").str.ends_with("-special")).with_columns(
        pl.col("standard_id").str.strip_suffix("-special")
    )
    pairs = special.join(limits, on=["standard_id", "parameter_code", "limit_kind"], suffix="_ordinary")
    assert pairs.height > 20
    assert pairs.filter(pl.col("limit_value") > pl.col("limit_value_ordinary")).is_empty()


def test_nothing_is_said_to_be_surer_than_it_is(limits: pl.DataFrame) -> None:
    assert set(limits["verification_status"]) <= {"recalled", "unverified"}
