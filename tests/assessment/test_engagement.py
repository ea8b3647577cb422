"""Training, publicity, drills, auditors and independence against what is demanded."""

from datetime import date

import pytest

from pipelines.assessment.engagement import ENGAGEMENTS
from pipelines.contracts.standards import Standards, StandardsError
from tests.assessment.given import PARK, frames, run

TODAY = date(2026, 6, 20)
MEMBERS = [
    {"enterprise_id": "E1", "valid_from": date(2020, 1, 1), "valid_to": date(9999, 12, 31)},
    {"enterprise_id": "E2", "valid_from": date(2026, 1, 1), "valid_to": date(9999, 12, 31)},
]


def event(kind: str, on: date, subject: str = PARK, subject_kind: str = "park") -> dict:
    return {"event_id": f"{kind}{on}{subject}", "event_kind": kind, "subject_kind": subject_kind, "subject_id": subject, "occurred_on": on}


def certificate(number: int, role: str, holder: str, kind: str = "third_party", valid_to: date | None = None) -> dict:
    return {
        "qualification_id": f"Q{number}",
        "holder_kind": kind,
        "holder_id": holder,
        "role": role,
        "valid_from": date(2024, 1, 1),
        "valid_to": valid_to,
    }


def count(standards: Standards, **given: object) -> dict[tuple[str, str, int], dict]:
    outcome = run(ENGAGEMENTS, standards, TODAY, {"memberships": MEMBERS} | given)
    return {(row["rule_id"], row["subject_id"], row["year"]): row for row in outcome.frames["engagement"].to_dicts()}


def test_publicity_at_least_twice_a_year(shipped_standards: Standards) -> None:
    """HJ 274-2015, indicator 32."""
    days = [date(2024, 5, 1), date(2025, 3, 1), date(2025, 9, 1), date(2026, 2, 1), date(2026, 9, 1)]
    rows = count(shipped_standards, events=[event("publicity", day) for day in days])
    found = {
        year: (rows["park_publicity", PARK, year]["value"], rows["park_publicity", PARK, year]["result"]) for year in (2024, 2025, 2026)
    }
    assert found == {2024: (1.0, "not_met"), 2025: (2.0, "met"), 2026: (1.0, "open")}
    row = rows["park_publicity", PARK, 2025]
    assert (row["demanded"], row["unit"], row["last_on"], row["verification_status"]) == (2.0, "event/a", date(2025, 9, 1), "recalled")


def test_events_of_enterprises_are_theirs(shipped_standards: Standards) -> None:
    events = [
        event("drill", date(2025, 3, 1), "E1", "enterprise"),
        event("drill", date(2025, 4, 1)),
        event("training", date(2026, 1, 5), "S1", "outlet"),
    ]
    outlets = [{"outlet_id": "S1", "enterprise_id": "E2", "valid_from": date(2020, 1, 1)}]
    rows = count(shipped_standards, events=events, outlets=outlets)
    assert rows["enterprise_drill", "E1", 2025]["result"] == "met"
    assert ("enterprise_drill", "E2", 2025) not in rows, "not a member yet"
    assert rows["enterprise_training", "E2", 2026]["result"] == "met"
    assert rows["enterprise_training", "E1", 2025]["result"] == "not_met"
    assert rows["park_drill", PARK, 2025]["value"] == 1.0


def test_no_register_is_not_no_event(shipped_standards: Standards) -> None:
    row = count(shipped_standards)["park_publicity", PARK, 2026]
    assert (row["value"], row["result"], row["state"]) == (None, "not_computable", "missing")


def test_certified_auditors_of_each_service(shipped_standards: Standards) -> None:
    held = [certificate(1, "auditor", "T1"), certificate(2, "senior_auditor", "T1"), certificate(3, "auditor", "T2"),
            certificate(4, "senior_auditor", "T2", valid_to=date(2026, 6, 20)), certificate(5, "energy_manager", PARK, "park")]  # fmt: skip
    rows = count(shipped_standards, qualifications=held)
    assert (rows["third_party_auditors", "T1", 2026]["value"], rows["third_party_auditors", "T1", 2026]["result"]) == (2.0, "met")
    assert (rows["third_party_auditors", "T2", 2026]["value"], rows["third_party_auditors", "T2", 2026]["result"]) == (1.0, "not_met")
    assert rows["third_party_senior_auditor", "T2", 2026]["result"] == "not_met"
    assert rows["park_energy_manager", PARK, 2026]["result"] == "met"


def test_a_register_without_services_says_so(shipped_standards: Standards) -> None:
    rows = count(shipped_standards, qualifications=[certificate(1, "auditor", "E1", "enterprise")])
    assert rows["third_party_auditors", "-", 2026]["result"] == "not_computable"
    assert rows["park_energy_manager", PARK, 2026]["result"] == "not_met"


def test_what_reviewers_say_of_their_ties(shipped_standards: Standards) -> None:
    def review(number: int, role: str, independence: str) -> dict:
        return {
            "review_id": f"V{number}",
            "about": "finding",
            "subject_key": "F",
            "decided_on": date(2026, 3, 1),
            "decision": "opinion",
            "role": role,
            "independence": independence,
        }

    reviews = [review(1, "third_party", "independent"), review(2, "third_party", "paid_by_enterprise"), review(3, "bureau", "independent"),
               review(4, "park", "not_stated"), review(5, "enterprise", "not_stated")]  # fmt: skip
    row = count(shipped_standards, reviews=reviews)["independent_reviewers", PARK, 2026]
    assert (row["value"], row["numerator"], row["denominator"], row["result"]) == (50.0, 2.0, 4.0, "no_demand")


def test_a_demand_that_counts_the_unknown_is_refused(shipped_standards: Standards) -> None:
    given = frames(ENGAGEMENTS, shipped_standards, {})
    given["supervision"] = given["supervision"].with_columns(
        counts=given["supervision"]["counts"].str.replace("event:publicity", "smiles:many")
    )
    with pytest.raises(StandardsError, match="park_publicity: counts event:<kind>, qualification:<roles> or independence:<word>"):
        run(ENGAGEMENTS, shipped_standards, TODAY, given)
