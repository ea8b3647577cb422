"""Noise is a function of what and when: the base of every promise about repeatable samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sample import noise

STREAM = noise.key(1, "E001", "flow")


@given(start=st.integers(-1_000_000, 1_000_000), length=st.integers(1, 300), skip=st.integers(0, 299))
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("draw", [noise.uniform, noise.normal, lambda s, p: noise.smooth(s, p, 7)])
def test_a_position_draws_the_same_value_in_any_company(draw, start: int, length: int, skip: int) -> None:
    positions = np.arange(start, start + length, dtype=np.int64)
    alone = positions[skip % length :][:1]
    assert draw(STREAM, positions)[skip % length] == draw(STREAM, alone)[0]


def test_streams_differ_by_seed_and_by_name() -> None:
    positions = np.arange(1000, dtype=np.int64)
    base = noise.normal(STREAM, positions)
    for other in (noise.key(2, "E001", "flow"), noise.key(1, "E002", "flow"), noise.key(1, "E001f", "low")):
        assert abs(np.corrcoef(base, noise.normal(other, positions))[0, 1]) < 0.12


def test_normal_has_mean_0_variance_1_and_no_outliers() -> None:
    values = noise.normal(STREAM, np.arange(200_000, dtype=np.int64))
    assert abs(values.mean()) < 0.01
    assert abs(values.var() - 1) < 0.01
    assert np.abs(values).max() <= 3.47
    uniform = noise.uniform(STREAM, np.arange(200_000, dtype=np.int64))
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert np.histogram(uniform, bins=10, range=(0, 1))[0].min() > 19_000


def test_smooth_noise_wanders() -> None:
    values = noise.smooth(STREAM, np.arange(5_000, dtype=np.int64), 24)
    assert np.corrcoef(values[:-1], values[1:])[0, 1] > 0.98
    assert values.std() > 0.5
