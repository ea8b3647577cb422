"""What must and must not stand in the repository."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=False
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout: nothing says which files belong to the project")
    return [ROOT / name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_the_lock_has_hashes_and_no_addresses() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"https?://|file:", text)
    pins = re.findall(r"^[A-Za-z0-9._-]+(?:\[[^\]]+\])?==", text, flags=re.MULTILINE)
    assert len(pins) > 50
    assert text.count("--hash=sha256:") >= len(pins)


def test_every_dependency_says_why() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    inside = False
    for number, line in enumerate(lines):
        if line.strip() in ("dependencies = [", "dev = ["):
            inside = True
        elif line.strip() == "]":
            inside = False
        elif inside and line.strip().startswith('"'):
            above = lines[number - 1].strip()
            assert above.startswith("#") or above.startswith('"'), f"pyproject.toml:{number + 1}: {line.strip()} has no reason above it"


def test_no_real_feed_data_is_committed() -> None:
    wrong = [str(path.relative_to(ROOT)) for path in _tracked() if path.is_relative_to(ROOT / "data" / "raw") and path.name != "README.md"]
    assert not wrong


def test_nothing_large_and_nothing_binary_is_committed() -> None:
    large = [str(path.relative_to(ROOT)) for path in _tracked() if path.stat().st_size > 1 << 20]
    assert not large
    databases = [str(path.relative_to(ROOT)) for path in _tracked() if path.suffix in {".duckdb", ".wal", ".parquet", ".xlsx", ".db"}]
    assert not databases


def test_servers_listen_on_loopback() -> None:
    wrong = [
        str(p.relative_to(ROOT))
        for p in _tracked()
        if p.suffix in {".py", ".yaml", ".toml", ""} and p != Path(__file__) and b"0.0.0.0" in p.read_bytes()
    ]
    assert not wrong
