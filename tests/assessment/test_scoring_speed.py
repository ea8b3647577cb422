"""Scoring keeps its budget: 1,000 enterprises by 60 indicators in 5 s, moves and sensitivity in 60 s each. `park-audit bench` measures."""

import pytest

from pipelines.bench.scoring import made_up, seconds_to_move, seconds_to_score, seconds_to_vary


@pytest.mark.slow
def test_a_thousand_enterprises_by_sixty_indicators() -> None:
    seconds, scored = seconds_to_score(1000, 60)
    assert (scored.grades.height, scored.indicators.height) == (1000, 60_000)
    assert len(set(scored.grades["grade"])) > 1
    assert seconds < 15


def test_what_follows_from_the_grades_is_measured_whole() -> None:
    """The same at a size that a test can bear: everybody who can rise has moves, everybody has every kind of scenario."""
    _, moves = seconds_to_move(40, 60)
    assert moves["enterprise_id"].n_unique() > 20 and moves["is_chosen"].any()
    _, kinds = seconds_to_vary(40, 60, joint=8)
    assert {"group_weights", "indicator_weights", "all_weights", "factor_vintages"} <= set(kinds["scenario_kind"])
    assert kinds["enterprise_id"].n_unique() == 40


def test_what_is_measured_is_like_a_real_system() -> None:
    subjects, observed, rules, systems = made_up(100, 60)
    assert (subjects.height, observed.height, rules.height, systems.height) == (100, 6000, 60, 1)
    assert {"missing", "not_applicable", "measured"} == set(observed["state"])
    assert rules["is_limiting"].any()
    assert made_up(100, 60)[1].equals(observed), "the same every time"
