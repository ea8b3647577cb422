"""Which of people's decisions holds: the latest, within its validity, not undone by an appeal, never one's own against another's."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.assessment.decisions import DECISIONS, REVIEW_COLUMNS, current_decisions, subject_key
from pipelines.assessment.method import Source
from tests.assessment.frames import frame

TODAY = date(2026, 1, 20)


def review(number: int, day: int, decision: str, role: str = "park", **more: object) -> dict:
    return {"review_id": f"R{number}", "about": "finding", "subject_key": "F1", "enterprise_id": "E1", "decided_on": date(2026, 1, day),
            "decision": decision, "role": role, "independence": "not_stated"} | more  # fmt: skip


def decide(*reviews: dict, today: date = TODAY) -> list[dict]:
    given = frame(Source.of("staging.stg_reviews", REVIEW_COLUMNS), reviews)
    found = current_decisions(given, "finding", today)
    assert found.schema == DECISIONS
    return found.to_dicts()


def one(*reviews: dict, today: date = TODAY) -> dict:
    (row,) = decide(*reviews, today=today)
    return row


def test_a_later_decision_sets_an_earlier_one_aside() -> None:
    found = one(review(1, 5, "rejected"), review(2, 9, "accepted", "bureau", independence="independent"))
    assert (found["decision"], found["decided_by"], found["independence"], found["review_id"]) == (
        "accepted",
        "bureau",
        "independent",
        "R2",
    )
    assert found["appeal_state"] == "none"


def test_on_one_day_the_one_entered_last_counts() -> None:
    assert one(review(2, 5, "accepted"), review(1, 5, "rejected"))["decision"] == "accepted"


def test_decisions_of_other_tables_rows_and_later_days_do_not_count() -> None:
    found = decide(
        review(1, 5, "accepted"), review(2, 6, "rejected", about="acceptance"), review(3, 7, "rejected", subject_key="F2"),
        review(4, 25, "rejected"),
    )  # fmt: skip
    assert [(row["subject_key"], row["decision"]) for row in found] == [("F1", "accepted"), ("F2", "rejected")]


def test_a_lapsed_decision_does_not_bring_back_the_one_before() -> None:
    reviews = (review(1, 5, "accepted"), review(2, 9, "override", value_text="green", valid_to=date(2026, 1, 15)))
    assert one(*reviews, today=date(2026, 1, 14))["decision"] == "override"
    assert one(*reviews, today=date(2026, 1, 15))["decision"] is None


def test_the_enterprise_explains_and_sets_nobody_aside() -> None:
    assert one(review(1, 5, "explained", "enterprise"))["decision"] == "explained"
    assert one(review(1, 5, "rejected"), review(2, 9, "explained", "enterprise"))["decision"] == "rejected"
    assert one(review(1, 5, "accepted", "enterprise"))["decision"] is None


def test_an_opinion_is_counted_and_changes_nothing() -> None:
    found = one(review(1, 5, "accepted"), review(2, 9, "opinion", "third_party"))
    assert (found["decision"], found["opinions"]) == ("accepted", 1)


def test_an_appeal_is_pending_dismissed_or_upheld() -> None:
    listed = review(1, 5, "listed", "bureau")
    appealed = review(2, 6, "appealed", "enterprise")
    assert {key: one(listed, appealed)[key] for key in ("decision", "appeal_state")} == {"decision": "listed", "appeal_state": "pending"}
    assert one(listed, appealed, review(3, 8, "appeal_dismissed", "bureau"))["appeal_state"] == "dismissed"
    upheld = one(listed, appealed, review(3, 8, "appeal_upheld", "bureau"))
    assert (upheld["decision"], upheld["appeal_state"]) == (None, "upheld")
    assert (upheld["appealed_on"], upheld["appeal_decided_on"]) == (date(2026, 1, 6), date(2026, 1, 8))


def test_a_decision_made_with_or_after_an_upheld_appeal_holds() -> None:
    reviews = (
        review(1, 5, "listed", "bureau"),
        review(2, 8, "appeal_upheld", "bureau"),
        review(3, 8, "override", "bureau", value_text="green"),
    )
    assert one(*reviews)["value_text"] == "green"


def test_nobody_upholds_its_own_appeal() -> None:
    found = one(review(1, 5, "listed"), review(2, 6, "appealed", "enterprise"), review(3, 8, "appeal_upheld", "enterprise"))
    assert (found["decision"], found["appeal_state"]) == ("listed", "pending")


def test_a_row_is_named_by_its_key() -> None:
    frame = pl.DataFrame({"enterprise_id": ["E1"], "period_start": [date(2025, 1, 1)], "item": ["a"]})
    assert frame.select(key=subject_key("enterprise_id", "period_start", "item")).item() == "E1 / 2025-01-01 / a"


_DECISION = st.sampled_from(["opinion", "explained", "accepted", "rejected", "override", "appealed", "appeal_upheld", "appeal_dismissed"])
_REVIEWS = st.lists(st.tuples(st.integers(1, 19), _DECISION, st.sampled_from(["enterprise", "park", "bureau"])), min_size=1, max_size=8)


@given(_REVIEWS, st.randoms(use_true_random=False))
def test_the_order_of_delivery_does_not_matter(drawn: list[tuple[int, str, str]], random: object) -> None:
    reviews = [review(number, day, decision, role) for number, (day, decision, role) in enumerate(drawn)]
    shuffled = list(reviews)
    random.shuffle(shuffled)
    assert decide(*reviews) == decide(*shuffled)


@given(_REVIEWS)
def test_what_an_enterprise_says_changes_no_decision_of_others(drawn: list[tuple[int, str, str]]) -> None:
    reviews = [review(number, day, decision, role) for number, (day, decision, role) in enumerate(drawn)]
    others = [row for row in reviews if row["role"] != "enterprise"]
    if others:
        alone, together = one(*others), one(*reviews)
        if alone["decision"] is not None:
            assert (together["decision"], together["review_id"]) == (alone["decision"], alone["review_id"])


@pytest.mark.parametrize("decision", ["accepted", "appeal_upheld"])
def test_a_decision_of_today_is_known_today(decision: str) -> None:
    assert one(review(1, 20, decision), today=TODAY)["subject_key"] == "F1"
