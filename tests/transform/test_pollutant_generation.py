"""Generation before treatment and discharge after it are two quantities, and none of them ever stands for the other."""

from datetime import date
from typing import Any

import pytest

from tests.transform.harness import Warehouse


def generation(park: Warehouse, where: str, columns: str) -> list[tuple[Any, ...]]:
    query = f"select {columns} from marts.enterprise_pollutant_generation_monthly where {where} order by all"
    return [tuple(row.values()) for row in park.query(query)]


def test_the_inlet_is_measured_and_weighted_by_flow(known_park: Warehouse) -> None:
    """80 m3 of 50 mg/L go in, 80 m3 of 10 mg/L come out; the declaration of 999 kg does not speak, a tank is no inlet."""
    columns = "process_id, generated_kg, removed_kg, discharged_kg, removal_share, measured_share, method_code, state"
    assert generation(known_park, "enterprise_id = 'TREATS' and pollutant_code = 'w01018'", columns) == [
        ("TREATS-P1", pytest.approx(4), None, None, None, 1, "inlet_monitoring", "measured"),
        (None, pytest.approx(4), pytest.approx(3.2), pytest.approx(0.8), pytest.approx(0.8), 1, "inlet_monitoring", "measured"),
    ]


def test_a_declaration_speaks_where_nothing_better_does(known_park: Warehouse) -> None:
    columns = "process_id, generated_kg, discharged_kg, removal_share, measured_share, method_code, state"
    found = generation(known_park, "enterprise_id = 'TREATS' and pollutant_code = 'w21003'", columns)
    assert found == [(None, pytest.approx(100), None, None, 0, "self_reported", "self_reported")]


def test_a_discharge_is_no_generation(known_park: Warehouse) -> None:
    found = generation(
        known_park, "enterprise_id = 'TREATS' and pollutant_code = 'w20121'", "generated_kg, removed_kg, discharged_kg, state, reason"
    )
    assert found == [(None, None, pytest.approx(1), "missing", "no_method")]
    filled = generation(known_park, "method_code is null and generated_kg is not null", "enterprise_id")
    assert filled == []


def test_a_coefficient_generates_what_treatment_partly_removes(known_park: Warehouse) -> None:
    columns = "process_id, generated_kg, removed_kg, discharged_kg, removal_share, method_code, state"
    january = f"enterprise_id = 'CALCINES' and pollutant_code = 'a21002' and month_start_date = '{date(2021, 1, 1)}'"
    assert generation(known_park, january, columns) == [
        ("CALCINES-P1", pytest.approx(1584), None, None, None, "emission_factor", "estimated"),
        (None, pytest.approx(1584), pytest.approx(950.4), pytest.approx(633.6), pytest.approx(0.6), "emission_factor", "estimated"),
    ]


def test_the_unknown_content_of_a_fuel_is_named(known_park: Warehouse) -> None:
    [row] = known_park.query(
        "select generated_kg, state, reason from marts.enterprise_pollutant_generation_annual "
        "where enterprise_id = 'UNKNOWING' and pollutant_code = 'a21026'"
    )
    assert tuple(row.values()) == (None, "missing", "content_unknown")


def test_metrics_of_generation_take_it_from_here(known_park: Warehouse) -> None:
    """4 kg measured over 2 t, whatever is declared; ammonia as declared."""
    found = known_park.query(
        "select process_id, product_code, metric_code, value, measured_share, state from marts.enterprise_efficiency_monthly "
        "where enterprise_id = 'TREATS' and metric_code in ('cod_generated_per_output', 'ammonia_nitrogen_generated_per_output', "
        "'nickel_generated_per_output') order by metric_code, process_id nulls first, product_code"
    )
    by_metric: dict[str, set[tuple[Any, ...]]] = {}
    for row in found:
        by_metric.setdefault(row["metric_code"], set()).add((row["product_code"], row["value"] and round(row["value"], 9)))
    assert by_metric["cod_generated_per_output"] == {("ALL", 2.0), ("TREATS-X", 2.0)}
    assert ("ALL", 50.0) in by_metric["ammonia_nitrogen_generated_per_output"]
    assert {value for _, value in by_metric.get("nickel_generated_per_output", set())} <= {None}


@pytest.mark.parametrize(("longer", "period"), [("monthly", "month"), ("quarterly", "quarter"), ("annual", "year")])
def test_the_discharge_is_that_of_the_emission_marts(known_park: Warehouse, longer: str, period: str) -> None:
    differing = known_park.query(
        f"""
        with discharged as (
            select enterprise_id, medium, pollutant_code, {period}_start_date, sum(mass_kg) as kg from marts.enterprise_emission_{longer}
            where counts_in_enterprise_total and medium in ('air', 'water') group by all having count(mass_kg) = count(*)
        )
        select * from discharged full join (
            select * from marts.enterprise_pollutant_generation_{longer} where process_id is null and discharged_kg is not null
        ) as generation using (enterprise_id, medium, pollutant_code, {period}_start_date)
        where not coalesce(abs(discharged.kg - generation.discharged_kg) < 1e-9, false)
        """
    )
    assert differing == []
