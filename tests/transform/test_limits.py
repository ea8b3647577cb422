"""Limits: permit and standard side by side, the stricter one binding; what is judged and what is not."""

from typing import Any

import pytest

from tests.transform.harness import Warehouse
from tests.transform.known_park import MAY, local


def compliance(park: Warehouse, outlet: str) -> list[dict[str, Any]]:
    return park.query(f"select * from marts.limit_compliance_daily where outlet_id = '{outlet}' order by limit_kind, limit_source")


def test_both_limits_of_a_stack(known_park: Warehouse) -> None:
    """42.24 mg/m3 at reference oxygen in 18 hours: above the permit's 42, below the standard's 300; the measured 35.2 is not compared."""
    permit, standard = compliance(known_park, "STACK-1")
    assert (permit["limit_source"], permit["limit_id"], permit["limit_value"], permit["is_binding"]) == ("permit", "PW-1", 42, True)
    assert (standard["limit_id"], standard["limit_value"], standard["is_binding"]) == ("GB13271-2014-coal:a21026:hour", 300, False)
    for row, exceeded in ((permit, 18), (standard, 0)):
        # marked, stopped and air-like hours are no judgement on the source
        assert (row["periods_evaluated"], row["excluded_by_mark"], row["exceeded"], row["max_value"]) == (
            18,
            6,
            exceeded,
            pytest.approx(42.24),
        )


def test_a_day_of_water(known_park: Warehouse) -> None:
    """A weighted mean of 50 mg/L meets a limit of 50; the permit names the whole enterprise and is looser."""
    permit, standard = compliance(known_park, "PLANT-W")
    assert (permit["limit_value"], permit["is_binding"], permit["exceeded"]) == (60, False, 0)
    assert (standard["limit_value"], standard["is_binding"], standard["exceeded"], standard["max_value"]) == (
        50,
        True,
        0,
        pytest.approx(50),
    )


def test_equal_to_the_limit_is_met(known_park: Warehouse) -> None:
    [row] = compliance(known_park, "WORKS-W")
    assert (row["periods_evaluated"], row["exceeded"]) == (24, 0)


def test_a_converted_value_as_sent_is_judged(known_park: Warehouse) -> None:
    [row] = compliance(known_park, "MASSES-Z")
    assert (row["periods_evaluated"], row["exceeded"], row["max_value"]) == (24, 24, 12)


def test_a_limit_in_another_unit_is_not_held_against_anything(known_park: Warehouse) -> None:
    assert compliance(known_park, "POUR-W") == []


def test_a_year_s_mass_is_no_concentration(known_park: Warehouse) -> None:
    assert known_park.value("select count(*) from marts.limit_compliance_daily where limit_kind not like '%concentration'") == 0


def test_each_exceedance_is_a_row(known_park: Warehouse) -> None:
    found = known_park.query("select * from marts.exceedances where outlet_id = 'STACK-1' order by period_start_utc")
    assert len(found) == 18
    first = found[0]
    assert (first["period_start_utc"], first["period_end_utc"]) == (local(MAY), local(MAY, 1))
    assert (first["value"], first["times_limit"], first["is_binding"]) == (pytest.approx(42.24), pytest.approx(42.24 / 42), True)
    counted = known_park.query("select sum(exceeded) as exceeded from marts.limit_compliance_daily")
    assert counted == [{"exceeded": known_park.value("select count(*) from marts.exceedances")}]
