"""The one door to the readers: sizes, gzip by content, kinds."""

import gzip
from pathlib import Path

import pytest

from pipelines.contracts.feed import Format
from pipelines.ingest.readers import Unreadable, read

CSV = Format(kind="csv")


def put(folder: Path, data: bytes, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def refusal(path: Path, file_format: Format = CSV, max_bytes: int = 10**6) -> str:
    with pytest.raises(Unreadable) as refused:
        read(path, file_format, max_bytes=max_bytes)
    return str(refused.value)


@pytest.mark.parametrize("name", ["file.csv.gz", "file.csv", "gas_2026-10"])
def test_gzip_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    packed = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n")
    assert read(put(tmp_path, packed, name), CSV, max_bytes=100).frame.rows() == [(2, "1", "2"), (3, "3", "4")]


def test_gzip_of_json(tmp_path: Path) -> None:
    assert read(put(tmp_path, gzip.compress(b'[{"a": 1}]')), Format(kind="json"), max_bytes=100).frame.rows() == [(1, "1")]


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    assert refusal(put(tmp_path, bomb)) == (
        f"the gzip archive of {len(bomb):,} bytes unpacks to more than the 1,000,000 allowed (PARK_AUDIT_MAX_FILE_BYTES)"
    )
    members = gzip.compress(b"0" * 600_000) * 2
    assert "unpacks to more than" in refusal(put(tmp_path, members))


def test_a_cut_off_and_a_damaged_archive(tmp_path: Path) -> None:
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 5000)
    assert "is cut off after" in refusal(put(tmp_path, packed[:-20]))
    damaged = bytearray(packed)
    damaged[15:25] = b"\xff" * 10
    assert "is damaged" in refusal(put(tmp_path, bytes(damaged)))
    assert refusal(put(tmp_path, gzip.compress(b""))) == "the gzip archive unpacks to 0 bytes"


def test_empty_and_too_large_files(tmp_path: Path) -> None:
    assert refusal(put(tmp_path, b"")) == "the file is empty (0 bytes)"
    assert refusal(put(tmp_path, b"a" * 11), max_bytes=10) == "the file has 11 bytes, more than the 10 allowed (PARK_AUDIT_MAX_FILE_BYTES)"
