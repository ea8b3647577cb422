"""Where the real data sets are; tests that need one skip by its name when it is absent."""

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
REALDATA = Path(os.environ.get("PARK_AUDIT_REALDATA") or CHECKOUT.parent / "shared" / "realdata")
"""PARK_AUDIT_REALDATA, else ../shared/realdata beside the checkout; need not exist."""


def realdata(name: str) -> Path:
    """Folder of one real data set, or skip, by name."""
    if not (REALDATA / name).is_dir():
        pytest.skip(f"real data set {name} is not in {REALDATA}; name the folder that holds it with PARK_AUDIT_REALDATA")
    return REALDATA / name
