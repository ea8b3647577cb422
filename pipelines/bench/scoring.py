"""How long grading takes, and what follows from it: as many enterprises by as many indicators, all of the arithmetic and none of the reading.

The index system is made up; its shape is that of the published ones, with limiting indicators, a set that shares one weight, and
cells that are missing or do not apply.
"""

import time
from collections.abc import Callable
from datetime import date
from typing import TypeVar

import numpy as np
import polars as pl

from pipelines.assessment.index import OBSERVATION, Assessed, assess
from pipelines.assessment.index_system import HEADINGS, RULES
from pipelines.assessment.moves import Efforts, grade_moves
from pipelines.assessment.parameters import EVERYTHING
from pipelines.assessment.rescore import KEY, Scorable
from pipelines.assessment.sensitivity import summary
from pipelines.contracts.states import State

Found = TypeVar("Found")

_SYSTEM = "BENCH"
_GROUPS = 6


def made_up(enterprises: int, indicators: int, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Subjects, observations, rules and headings as `index.assess` takes them; the same for the same arguments."""
    generator = np.random.default_rng(seed)
    number = np.arange(indicators)
    names = [f"i{each:02d}" for each in number]
    group = number % _GROUPS
    rules = pl.DataFrame(
        {
            "index_system_id": _SYSTEM,
            "indicator_id": names,
            "indicator_name": names,
            "group_id": [f"g{each}" for each in group],
            "position": number,
            "kind": "quantitative",
            "metric_code": names,
            "stage": "input",
            "product_kind": None,
            "unit": "%",
            "direction": "higher_is_better",
            "is_limiting": number % 7 == 0,
            "is_bonus": False,
            "redistribute": False,
            "group_weight": 1.0,
            "weight_unit": ["metals" if each == 0 else name for each, name in zip(group, names, strict=True)],
            "weight_rule": ["equal_in_set" if each == 0 else "fixed" for each in group],
            "unit_weight": 1.0,
            "indicator_verification_status": "unverified",
            **{f"low_{grade}": low for grade, low in (("I", 90.0), ("II", 80.0), ("III", 70.0))},
            **dict.fromkeys(("high_I", "high_II", "high_III"), float("inf")),
            **{f"level_of_{grade}": rank for rank, grade in enumerate(("I", "II", "III", "none"), start=1)},
        },
        schema=RULES,
    )
    heading = {"index_system_id": _SYSTEM, "index_system_version": "1", "generation": "G1", "not_gradeable_because": None, "pass_mark": 85.0,
               "total_weight": float(_GROUPS), "rule_version": "bench", "verification_status": "unverified"}  # fmt: skip
    count = enterprises * indicators
    luck = generator.random(count)
    state = np.where(luck < 0.002, State.MISSING.value, np.where(luck < 0.05, State.NOT_APPLICABLE.value, State.MEASURED.value))
    observed = pl.DataFrame(
        {
            "enterprise_id": np.repeat([f"E{each:04d}" for each in range(enterprises)], indicators),
            "indicator_id": np.tile(names, enterprises),
            "value": np.repeat(generator.uniform(70, 98, enterprises), indicators) + generator.uniform(-6, 6, count),
            "answer": None,
            "state": state,
            "measured_share": 1.0,
            "months_of_data": 12,
            "output_quantity": None,
            "warning": None,
        },
        schema={"enterprise_id": pl.String} | dict(OBSERVATION),
    )
    subjects = pl.DataFrame(
        {"enterprise_id": [f"E{each:04d}" for each in range(enterprises)], "index_system_id": _SYSTEM, "calendar_months": 12}
    )
    return subjects, observed, rules, pl.DataFrame([heading], schema=HEADINGS)


def made_up_build(enterprises: int, indicators: int) -> Scorable:
    """The same as the grades of one period, which is what moves and sensitivity start from."""
    subjects, observed, rules, systems = made_up(enterprises, indicators)
    period = [
        pl.lit("calendar_year").alias("period_type"),
        pl.lit(date(2025, 1, 1)).alias("period_start"),
        pl.lit(date(2026, 1, 1)).alias("period_end"),
    ]
    return Scorable(
        subjects.with_columns(period).select(*KEY, "index_system_id", "calendar_months").sort(KEY),
        observed.with_columns(period).select(*KEY, *OBSERVATION),
        rules,
        systems,
    )


def made_up_ratios(scored: Scorable, metrics: int, editions: int) -> pl.DataFrame:
    """Values of some metrics under other editions of a factor, as `vintages.ratios` gives them, for every subject."""
    names = scored.rules["metric_code"].head(metrics)
    other = pl.DataFrame({"label": [f"edition {each}" for each in range(editions)], "ratio": np.linspace(0.9, 1.1, editions)})
    return scored.subjects.select(KEY).join(names.to_frame("metric_code"), how="cross").join(other, how="cross")


def seconds_to_score(enterprises: int, indicators: int, repeats: int = 3) -> tuple[float, Assessed]:
    """Best of some runs: what the arithmetic takes on a machine that is not interrupted."""
    given = made_up(enterprises, indicators)
    return _best(lambda: assess(*given, ["enterprise_id"]), repeats)


def seconds_to_move(enterprises: int, indicators: int, repeats: int = 1) -> tuple[float, pl.DataFrame]:
    """Cheapest moves of everybody, each proved by scoring again."""
    scored, efforts = made_up_build(enterprises, indicators), Efforts({EVERYTHING: 1.0}, {EVERYTHING: 1.0})
    return _best(lambda: grade_moves(scored, efforts), repeats)


def seconds_to_vary(enterprises: int, indicators: int, joint: int = 64, repeats: int = 1) -> tuple[float, pl.DataFrame]:
    """Every scenario of sensitivity, ten other editions of the factors behind five metrics among them."""
    scored = made_up_build(enterprises, indicators)
    ratios = made_up_ratios(scored, metrics=5, editions=10)
    return _best(lambda: summary(scored, 0.2, joint, ratios), repeats)


def _best(work: Callable[[], Found], repeats: int) -> tuple[float, Found]:
    best, found = float("inf"), None
    for _ in range(repeats):
        started = time.perf_counter()
        found = work()
        best = min(best, time.perf_counter() - started)
    return best, found
