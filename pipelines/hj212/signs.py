"""Where signs stand in a run of bytes, for all who look for some. Nothing here knows what they mean."""

from collections.abc import Callable

import numpy as np

_AT_ONCE = 1 << 18
"""Bytes that are looked at together; a mask over more would leave the processor's cache."""


def places(buffer: np.ndarray, is_sign: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Places of the bytes for which a mask is true, ascending; the mask is asked for piece by piece."""
    found = [np.flatnonzero(is_sign(buffer[at : at + _AT_ONCE])) + at for at in range(0, len(buffer), _AT_ONCE)]
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def places_of(buffer: np.ndarray, sign: int) -> np.ndarray:
    """Places of one byte, ascending."""
    return places(buffer, lambda piece: piece == sign)
