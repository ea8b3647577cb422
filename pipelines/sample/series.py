"""From a day's amount to the hours a monitor shows, so that the hours add up to the day again.

Positions are counted on one absolute clock, so any run of days gives the same numbers as any other that
contains it. Knows shapes and noise, not what is measured.
"""

import numpy as np

from pipelines.sample import noise
from pipelines.sample.rhythm import HOURS, SHIFTS


def positions(day_numbers: np.ndarray, per_day: int = HOURS) -> np.ndarray:
    """Absolute period numbers of the days, as a days × periods matrix."""
    return day_numbers[:, None] * per_day + np.arange(per_day, dtype=np.int64)[None, :]


def spread(
    stream: np.uint64, day_numbers: np.ndarray, daily: np.ndarray, shift: str, per_day: int = HOURS, rough: float = 0.05
) -> np.ndarray:
    """Amounts per period, days × periods; every row sums to its day's amount."""
    shares = np.repeat(SHIFTS[shift], per_day // HOURS)[None, :] * (1.0 + rough * noise.normal(stream, positions(day_numbers, per_day)))
    return daily[:, None] * shares / shares.sum(axis=1, keepdims=True)


def around(
    stream: np.uint64,
    day_numbers: np.ndarray,
    daily: np.ndarray,
    per_day: int = HOURS,
    size: float = 0.1,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Levels per period around a day's mean: wandering over a few hours, and rough from one to the next.

    With `weights` (the flow), the weighted mean is the day's mean, so that concentration × flow adds up.
    """
    at = positions(day_numbers, per_day)
    factor = 1.0 + size * (0.8 * noise.smooth(stream, at, per_day // 4) + 0.5 * noise.normal(stream ^ np.uint64(0xA5A5), at))
    if weights is None:
        factor = factor / factor.mean(axis=1, keepdims=True)
    else:
        total = weights.sum(axis=1, keepdims=True)
        mean = np.divide((factor * weights).sum(axis=1, keepdims=True), total, out=np.ones_like(total), where=total > 0)
        factor = factor / mean
    return daily[:, None] * factor


def printed(values: np.ndarray, decimals: int) -> np.ndarray:
    """Rounded as the device prints it: what is sent, and what the truth is counted in."""
    return np.round(values, decimals)
