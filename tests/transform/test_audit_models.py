"""Models that the assessment of audits reads: standards of the audit, judged months, hours around complaints."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from tests.transform.harness import Warehouse
from tests.transform.known_park import MAY, local

STANDARDS = {
    "checklist": "checklists", "checklist_item": "checklist_items", "checklist_threshold": "checklist_thresholds",
    "checklist_choice_group": "checklist_choice_groups", "audit_phase": "audit_phases", "acceptance_scheme": "acceptance_schemes",
    "acceptance_item": "acceptance_items", "standing_rule": "standing_rules", "supervision_rule": "supervision_rules",
}  # fmt: skip
MADE_AT = local(MAY, 9) + timedelta(minutes=20)


@pytest.fixture(scope="module")
def complaints(known_park: Warehouse, make_copy: Callable[[Warehouse], Warehouse]) -> Warehouse:
    """The known park with complaints about an outlet, its enterprise and a point; one of them without an hour."""
    park = make_copy(known_park)
    outlet, enterprise, point = park.query(
        "select o.outlet_id, o.enterprise_id, p.point_id from staging.stg_outlets as o inner join staging.stg_points as p on o.outlet_id = p.outlet_id "
        "where o.outlet_id = 'STACK-1'"
    )[0].values()
    subjects = {"C1": ("outlet", outlet), "C2": ("enterprise", enterprise), "C3": ("point", point), "C4": ("enterprise", enterprise)}
    park.load({
        "event": [
            {"event_id": name, "event_kind": "complaint", "subject_kind": kind, "subject_id": subject, "occurred_on": MAY,
             "occurred_at_utc": None if name == "C4" else MADE_AT}
            for name, (kind, subject) in subjects.items()
        ]
    })  # fmt: skip
    park.dbt("run", "--select", "int_complaint_hours", "int_enterprise_compliance_monthly")
    return park


def hours(park: Warehouse, event: str) -> list[dict]:
    return park.query(
        f"select * from intermediate.int_complaint_hours where event_id = '{event}' order by place_id, parameter_code, hour_start_utc"
    )


def test_hours_around_a_complaint_about_an_outlet(complaints: Warehouse) -> None:
    found = [row for row in hours(complaints, "C1") if row["parameter_code"] == "a21026"]
    assert {row["place_id"] for row in found} == {"STACK-1"}
    assert all(abs((row["hour_start_utc"] - MADE_AT).total_seconds()) <= 25 * 3600 for row in found)
    above = [row for row in found if row["times_limit"] is not None]
    assert len(above) == 18
    assert above[0]["times_limit"] == pytest.approx(42.24 / 42)
    assert above[0]["value"] == pytest.approx(42.24), "at reference oxygen, as limits are"


def test_of_an_enterprise_all_outlets(complaints: Warehouse) -> None:
    outlets = {row["place_id"] for row in hours(complaints, "C2")}
    assert "STACK-1" in outlets
    of_outlet = [row for row in hours(complaints, "C2") if row["place_id"] == "STACK-1"]
    assert len(of_outlet) == len(hours(complaints, "C1"))


def test_of_a_point_its_own_readings(complaints: Warehouse) -> None:
    found = hours(complaints, "C3")
    assert found
    assert {row["place_kind"] for row in found} == {"point"}
    assert len({(row["parameter_code"], row["hour_start_utc"]) for row in found}) == len(found)


def test_without_an_hour_there_is_nothing_around_it(complaints: Warehouse) -> None:
    assert hours(complaints, "C4") == []


def test_the_parks_own_window_goes_before_the_shipped_one(complaints: Warehouse, make_copy: Callable[[Warehouse], Warehouse]) -> None:
    park = make_copy(complaints)
    [shipped] = park.query("select * from staging.supervision_rules where rule_id = 'complaint_window_hours'")
    park.add_own_standard("supervision_rules", shipped | {"value": "2"})
    assert {row["hour_start_utc"] for row in hours(park, "C1")} == {local(MAY, hour) for hour in range(7, 12)}


def test_judged_months_of_an_enterprise(complaints: Warehouse) -> None:
    found = complaints.query("select * from intermediate.int_enterprise_compliance_monthly")
    judged = complaints.query("select distinct cast(date_trunc('month', local_date) as date) as month from marts.limit_compliance_daily")
    assert {row["month_start_date"] for row in found} == {row["month"] for row in judged} >= {date(MAY.year, MAY.month, 1)}
    daily = "select sum(periods_evaluated) from marts.limit_compliance_daily where is_binding"
    assert sum(row["periods_evaluated"] for row in found) == complaints.value(daily)
    assert sum(row["exceeded"] for row in found) == complaints.value("select count(*) from marts.exceedances where is_binding")


def test_standards_of_the_audit_are_published(warehouse: Warehouse) -> None:
    staged = [f"stg_{seed}" for seed in STANDARDS.values()]
    warehouse.dbt("build", "--select", *staged, *STANDARDS, "--exclude-resource-type", "unit_test")
    for model, seed in STANDARDS.items():
        shipped = warehouse.value(f"select count(*) from staging.{seed}")
        assert warehouse.value(f"select count(*) from reference.{model}") == shipped > 0, model
