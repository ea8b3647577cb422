"""Noise that is a function of what and when, never of the order in which it is drawn.

Every draw is a hash of a key (seed and name) and a position (hour or day number), so a longer, shorter or
later sample repeats the same values wherever it overlaps: one more day never changes yesterday's files.
Sums of uniform 16-bit pieces stand in for the normal distribution: no libm, so every machine gets the
same bits, and no outliers that nobody planted. Knows nothing of parks or files.
"""

import hashlib

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)
_S11, _S16, _S32, _S48 = np.uint64(11), np.uint64(16), np.uint64(32), np.uint64(48)
_LOW_16 = np.uint64(0xFFFF)


def key(seed: int, *names: str | int) -> np.uint64:
    """The stream of one thing: the same seed and names give the same stream for ever."""
    text = "\x1f".join([str(seed), *map(str, names)])
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))


def bits(stream: np.uint64, position: np.ndarray) -> np.ndarray:
    """64 random bits per position (splitmix64 of key + position)."""
    with np.errstate(over="ignore"):
        z = position.astype(np.int64).view(np.uint64) * _GOLDEN + stream
        z = (z ^ (z >> _S30)) * _MIX_1
        z = (z ^ (z >> _S27)) * _MIX_2
        return z ^ (z >> _S31)


def uniform(stream: np.uint64, position: np.ndarray) -> np.ndarray:
    """Uniform on [0, 1)."""
    return (bits(stream, position) >> _S11).astype(np.float64) * 2.0**-53


def normal(stream: np.uint64, position: np.ndarray) -> np.ndarray:
    """Mean 0, variance 1, bounded by ±3.5: four 16-bit uniforms added."""
    z = bits(stream, position)
    total = (z & _LOW_16) + ((z >> _S16) & _LOW_16) + ((z >> _S32) & _LOW_16) + (z >> _S48)
    return (total.astype(np.float64) / 65535.0 - 2.0) * 1.7320508075688772


def smooth(stream: np.uint64, position: np.ndarray, scale: int) -> np.ndarray:
    """Slowly wandering noise: normal draws every `scale` positions, straight lines between them."""
    low = position // scale
    share = (position - low * scale) / scale
    left, right = normal(stream, low), normal(stream, low + 1)
    return left + (right - left) * share


def pick(seed: int, *names: str | int) -> float:
    """One uniform number for one thing: how a filler enterprise gets its size."""
    return float(uniform(key(seed, *names), np.zeros(1, dtype=np.int64))[0])
