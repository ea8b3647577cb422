"""Complaints beside the readings of their time, and whether the answer came by its date."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.assessment.complaint_context import COMPLAINTS
from pipelines.assessment.method import Outcome
from pipelines.contracts.standards import Standards
from tests.assessment.given import run, standards_as_shipped

TODAY = date(2026, 1, 20)
MADE_AT = datetime(2025, 11, 3, 18, 20)  # UTC: 02:20 of the 4th in Shanghai
HOUR = MADE_AT.replace(minute=0)


def complaint(event_id: str = "C1", kind: str = "enterprise", subject: str = "E1", at: datetime | None = MADE_AT, **more: object) -> dict:
    return {"event_id": event_id, "event_kind": "complaint", "category": "odour", "subject_kind": kind, "subject_id": subject,
            "occurred_on": date(2025, 11, 4), "occurred_at_utc": at} | more  # fmt: skip


def hour(offset: int, value: float | None, place: str = "S1", state: str = "measured", parameter: str = "a24088", **more: object) -> dict:
    return {"event_id": "C1", "place_kind": "outlet", "place_id": place, "enterprise_id": "E1", "parameter_code": parameter,
            "hour_start_utc": HOUR + timedelta(hours=offset), "state": state, "value": value, "unit": "mg/m3"} | more  # fmt: skip


def look(standards: Standards, **given: object) -> Outcome:
    return run(COMPLAINTS, standards, TODAY, given)


def test_the_hours_around_a_complaint(shipped_standards: Standards) -> None:
    """Three whole hours before and after the one it was made in; the rest of the day is what they are compared with."""
    hours = [hour(offset, 10.0) for offset in range(-24, 25) if abs(offset) > 3]
    hours += [
        hour(-3, 20.0),
        hour(-1, 40.0),
        hour(0, 60.0, times_limit=1.2),
        hour(2, None, state="missing"),
        hour(3, None, state="stopped"),
    ]
    outcome = look(shipped_standards, events=[complaint()], hours=hours)
    (row,) = outcome.frames["complaint_context"].to_dicts()
    assert (row["hours_expected"], row["hours_valid"], row["hours_stopped"], row["hours_missing"]) == (7, 3, 1, 3)
    assert (row["value_mean"], row["value_max"], row["value_mean_around"], row["ratio_to_around"]) == (40.0, 60.0, 10.0, 6.0)
    assert (row["hours_above_limit"], row["max_times_limit"], row["state"]) == (1, 1.2, "measured")
    (whole,) = outcome.frames["complaint"].to_dicts()
    assert (whole["link"], whole["places"], whole["hours_above_limit"], whole["max_times_limit"]) == ("readings", 1, 1, 1.2)


def test_the_most_unusual_place_is_marked(shipped_standards: Standards) -> None:
    hours = [hour(offset, 10.0 if abs(offset) > 3 else 12.0, "S1") for offset in range(-10, 11)]
    hours += [hour(offset, 10.0 if abs(offset) > 3 else 90.0, "S2") for offset in range(-10, 11)]
    rows = look(shipped_standards, events=[complaint()], hours=hours).frames["complaint_context"].to_dicts()
    assert [(row["place_id"], row["is_most_unusual"]) for row in rows] == [("S1", False), ("S2", True)]


def test_two_rows_of_one_hour_are_one_hour(shipped_standards: Standards) -> None:
    rows = look(shipped_standards, events=[complaint()], hours=[hour(0, 10.0), hour(0, 30.0)]).frames["complaint_context"].to_dicts()
    assert (rows[0]["hours_valid"], rows[0]["value_mean"]) == (1, 20.0)


@pytest.mark.parametrize(
    ("given_complaint", "hours", "link"),
    [
        (complaint(), [], "no_readings"),
        (complaint(at=None), [], "time_unknown"),
        (complaint(kind="park", subject="P"), [], "place_unknown"),
        (complaint(), [hour(0, None, state="missing")], "readings"),
    ],
)
def test_why_there_are_no_readings(shipped_standards: Standards, given_complaint: dict, hours: list[dict], link: str) -> None:
    (row,) = look(shipped_standards, events=[given_complaint], hours=hours).frames["complaint"].to_dicts()
    assert row["link"] == link


@pytest.mark.parametrize(
    ("dates", "response", "due_on", "due_from"),
    [
        ({"closed_on": date(2026, 1, 3)}, "kept", date(2026, 1, 3), "rule"),
        ({"closed_on": date(2026, 1, 4)}, "late", date(2026, 1, 3), "rule"),
        ({}, "overdue", date(2026, 1, 3), "rule"),
        ({"due_on": date(2026, 1, 20)}, "open", date(2026, 1, 20), "record"),
        ({"due_on": date(2026, 1, 19)}, "overdue", date(2026, 1, 19), "record"),
        # an answer dated later than today has not been given
        ({"due_on": date(2026, 1, 25), "closed_on": date(2026, 1, 24)}, "open", date(2026, 1, 25), "record"),
    ],
)
def test_the_answer_and_its_date(shipped_standards: Standards, dates: dict, response: str, due_on: date, due_from: str) -> None:
    (row,) = look(shipped_standards, events=[complaint(**dates)]).frames["complaint"].to_dicts()
    assert (row["response"], row["due_on"], row["due_from"]) == (response, due_on, due_from)


def test_a_decision_sets_a_complaint_aside(shipped_standards: Standards) -> None:
    review = {"review_id": "V1", "about": "complaint", "subject_key": "C1", "decided_on": date(2026, 1, 10), "decision": "rejected",
              "role": "bureau", "independence": "independent"}  # fmt: skip
    (row,) = look(shipped_standards, events=[complaint()], reviews=[review]).frames["complaint"].to_dicts()
    assert (row["response"], row["decided_by"]) == ("set_aside", "bureau")


def test_a_complaint_about_an_outlet_is_about_its_owner(shipped_standards: Standards) -> None:
    outlets = [{"outlet_id": "S1", "enterprise_id": "E7", "valid_from": date(2020, 1, 1)}]
    (row,) = look(shipped_standards, events=[complaint(kind="outlet", subject="S1")], outlets=outlets).frames["complaint"].to_dicts()
    assert row["enterprise_id"] == "E7"


def test_other_events_and_later_ones_are_no_complaints(shipped_standards: Standards) -> None:
    events = [complaint("C2") | {"event_kind": "drill"}, complaint("C3", occurred_on=date(2026, 3, 1))]
    outcome = look(shipped_standards, events=events)
    assert (outcome.message, outcome.frames["complaint"].height) == ("0 complaints", 0)


_HOURS = st.dictionaries(
    st.integers(-24, 24), st.tuples(st.sampled_from(["measured", "missing", "stopped"]), st.floats(0, 100)), max_size=49
)


@settings(deadline=None, max_examples=40)
@given(_HOURS)
def test_hours_add_up(drawn: dict[int, tuple[str, float]]) -> None:
    hours = [hour(at, value if state == "measured" else None, state=state) for at, (state, value) in drawn.items()]
    for row in look(standards_as_shipped(), events=[complaint()], hours=hours).frames["complaint_context"].to_dicts():
        assert row["hours_valid"] + row["hours_stopped"] + row["hours_missing"] == row["hours_expected"] == 7
        assert row["hours_valid"] == sum(state == "measured" for at, (state, _) in drawn.items() if abs(at) <= 3)
