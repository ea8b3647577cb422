"""Passwords of devices never land: tables get a salted hash, kept bytes get asterisks.

A password has six characters, so its plain hash is as good as the password: the salt is a secret of the installation.
Without one a salt is drawn per process, and hashes tell devices apart within one run only.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

import numpy as np

from pipelines.hj212.signs import places_of

_ENDS = np.zeros(256, dtype=bool)
_ENDS[list(b";,&#\r\n\x00")] = True
_LONGEST = 64
_DAMAGED = re.compile(rb"(PW.|P.=|.W=)([^;,&#\r\n\x00]{1,64})", re.DOTALL)
_LOOKS_LIKE = re.compile(r"(?i)(new)?(p.?w.?|.w|p.|pass\w*|sk)")


class PasswordHasher:
    """Turns a password into what may be kept: the same text for the same password under one salt."""

    def __init__(self, salt: bytes | None = None) -> None:
        self._salt = secrets.token_bytes(16) if salt is None else salt

    def __call__(self, password: str) -> str:
        return hmac.new(self._salt, password.encode(), hashlib.sha256).hexdigest()[:16]


def looks_like_password(name: str) -> bool:
    """Whether an unknown field's name may be a damaged or misspelt PW."""
    return _LOOKS_LIKE.fullmatch(name) is not None


def masked(buffer: bytes) -> memoryview:
    """The same bytes with an asterisk for every character behind PW= (and NewPW=)."""
    source = np.frombuffer(buffer, dtype=np.uint8)
    # The rarest of the three letters first: one pass over the bytes instead of three.
    found = places_of(source[1:-1], ord("W"))
    found = found[(source[found] == ord("P")) & (source[found + 2] == ord("="))]
    if len(found) == 0:
        return memoryview(buffer)
    target = source.copy()
    position = found + 3
    for _ in range(_LONGEST):
        position = position[position < len(source)]
        position = position[~_ENDS[source[position]]]
        if len(position) == 0:
            break
        target[position] = ord("*")
        position = position + 1
    return memoryview(target)


def masked_damaged(raw: bytes, known: Iterable[bytes] = ()) -> bytes:
    """Mask a refused frame, whose PW= may itself be damaged, and whatever equals a password seen in a good one."""
    raw = _DAMAGED.sub(lambda match: match[1] + b"*" * len(match[2]), raw)
    for password in known:
        raw = raw.replace(password, b"*" * len(password))
    return raw
