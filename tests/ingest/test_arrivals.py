"""What has arrived, found by looking: patterns, links, unfinished files, and the price of an unchanged folder."""

import os
import time
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.ingest import arrivals
from pipelines.ingest.arrivals import Scan, find_files, scan
from pipelines.settings import Settings
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.ledger import path_states, write_path_states
from tests.ingest.park import CEMS, contract

NOW = datetime(2026, 2, 1, 18, 10)
LONG_AGO = 1_700_000_000


def _write(raw: Path, *names: str, age: int | None = LONG_AGO) -> None:
    for name in names:
        file = raw / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"content of {name}\n")
        if age is not None:
            os.utime(file, (age, age))


# patterns

TREE = ("f/a.csv", "f/b.CSV", "f/x.txt", "f/2026/01/c.csv", "f/2026/d.csv", "g/a.csv", "top.csv", "f/厂区 1.csv", "f/[odd].csv")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("f/*.csv", ["f/[odd].csv", "f/a.csv", "f/厂区 1.csv"]),
        ("f/**/*.csv", ["f/2026/01/c.csv", "f/2026/d.csv", "f/[odd].csv", "f/a.csv", "f/厂区 1.csv"]),
        ("f/*/*.csv", ["f/2026/d.csv"]),
        ("**/a.csv", ["f/a.csv", "g/a.csv"]),
        ("f/**", ["f/2026/01/c.csv", "f/2026/d.csv", "f/[odd].csv", "f/a.csv", "f/b.CSV", "f/x.txt", "f/厂区 1.csv"]),
        ("*.csv", ["top.csv"]),
        ("f/a.csv", ["f/a.csv"]),
        ("f/?.[cC]*", ["f/a.csv", "f/b.CSV"]),
        ("f/[!a].*", ["f/b.CSV", "f/x.txt"]),
        ("f/2026/0?/*.csv", ["f/2026/01/c.csv"]),
        ("absent/*.csv", []),
        ("f/[[]odd].csv", ["f/[odd].csv"]),
    ],
)
def test_patterns(tmp_path: Path, pattern: str, found: list[str]) -> None:
    _write(tmp_path, *TREE)
    assert sorted(find_files(tmp_path, pattern)) == found


@pytest.mark.parametrize(
    "name", [".hidden.csv", "~$book.csv", "a.csv~", "a.csv.part", "a.tmp", ".hidden/a.csv", "a.csv.filepart", "a.csv.crdownload", "#a.csv#"]
)
def test_files_that_are_not_finished_are_passed_over(tmp_path: Path, name: str) -> None:
    _write(tmp_path, f"f/{name}", "f/good.csv")
    assert list(find_files(tmp_path, "f/**")) == ["f/good.csv"]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [("厂区.csv".encode("gb18030"), "f/厂区.csv"), (b"\xff\xfe.csv", "f/\\xff\\xfe.csv"), ("厂区.csv".encode(), "f/厂区.csv")],
)
def test_names_in_other_encodings_are_read_and_written_down(tmp_path: Path, raw: bytes, shown: str) -> None:
    (tmp_path / "f").mkdir()
    try:
        Path(os.fsdecode(os.fsencode(tmp_path / "f") + b"/" + raw)).write_text("x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    [(path, file)] = find_files(tmp_path, "f/*.csv").items()
    assert path == shown
    path.encode()
    assert file.read_text() == "x"


def test_nothing_outside_raw_is_read_through_a_link(tmp_path: Path) -> None:
    raw, outside = tmp_path / "raw", tmp_path / "outside"
    _write(raw, "f/good.csv")
    _write(outside, "secret.csv", "sub/more.csv")
    (raw / "f/link.csv").symlink_to(outside / "secret.csv")
    (raw / "f/folder").symlink_to(outside)
    (raw / "f/inside.csv").symlink_to(raw / "f/good.csv")
    (raw / "g").symlink_to(outside)
    (raw / "f/broken.csv").symlink_to(raw / "nowhere.csv")
    warnings: list[str] = []
    assert sorted(find_files(raw, "f/**/*.csv", warnings)) == ["f/good.csv", "f/inside.csv"]
    assert sorted(warnings) == [
        "f/folder: is a link to a folder; folders are not followed through links",
        "f/link.csv: is a link out of raw/ and is passed over",
    ]
    assert find_files(raw, "g/*.csv", warnings) == {}
    assert "g: leads out of" in warnings[-1]


# a scan


@pytest.fixture
def con(home: Settings):
    with open_warehouse(home) as opened:
        yield opened


def _scan(con: duckdb.DuckDBPyConnection, home: Settings, now: datetime = NOW) -> Scan:
    """Scan and remember, as the feed does."""
    found = scan(con, home, contract(CEMS), now)
    write_path_states(con, [*found.same_bytes, *(arrival.state("fp") for arrival in found.arrivals)])
    return found


def test_new_changed_unchanged_and_vanished(con: duckdb.DuckDBPyConnection, home: Settings) -> None:
    _write(home.raw, "cems/a.csv", "cems/b.csv", "cems/c.csv")
    first = _scan(con, home)
    assert [(a.path, a.arrival_no, a.outcome, a.received_at) for a in first.arrivals] == [
        (f"cems/{n}.csv", 1, "loaded", NOW) for n in "abc"
    ]
    (home.raw / "cems/a.csv").write_text("changed")
    (home.raw / "cems/b.csv").unlink()
    second = _scan(con, home)
    assert [(a.path, a.arrival_no) for a in second.arrivals] == [("cems/a.csv", 2)]
    assert (second.unchanged, second.vanished) == (1, ["cems/b.csv"])
    assert path_states(con, "cems").keys() == {"cems/a.csv", "cems/b.csv", "cems/c.csv"}, "what vanished is remembered"


def test_only_files_whose_size_or_time_changed_are_hashed(
    con: duckdb.DuckDBPyConnection, home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(home.raw, "cems/a.csv", "cems/b.csv")
    _scan(con, home)
    hashed: list[str] = []
    real = arrivals._hash
    monkeypatch.setattr(arrivals, "_hash", lambda file, *rest: hashed.append(file.name) or real(file, *rest))
    assert _scan(con, home).unchanged == 2
    os.utime(home.raw / "cems/a.csv", (LONG_AGO + 5, LONG_AGO + 5))
    found = _scan(con, home)
    assert (hashed, found.arrivals, found.unchanged, len(found.same_bytes)) == (["a.csv"], [], 2, 1)
    _scan(con, home)
    assert hashed == ["a.csv"], "the new time has been remembered"


def test_a_file_younger_than_the_clocks_tick_is_hashed_once_more(con: duckdb.DuckDBPyConnection, home: Settings) -> None:
    """Two writes within one tick leave the same time: the second must not go unseen."""
    _write(home.raw, "cems/a.csv", age=None)
    file = home.raw / "cems/a.csv"
    stamp = file.stat().st_mtime_ns
    _scan(con, home)
    file.write_text("CONTENT of cems/a.csv\n")  # same length
    os.utime(file, ns=(stamp, stamp))
    assert [a.arrival_no for a in _scan(con, home).arrivals] == [2]


def test_a_file_that_cannot_be_read_is_a_warning_and_costs_no_other(
    con: duckdb.DuckDBPyConnection, home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(home.raw, "cems/a.csv", "cems/b.csv")
    real = arrivals._hash

    def denied(file: Path, *rest: object) -> str:
        if file.name == "a.csv":
            raise PermissionError(13, "Permission denied")
        return real(file, *rest)

    monkeypatch.setattr(arrivals, "_hash", denied)
    found = _scan(con, home)
    assert [a.path for a in found.arrivals] == ["cems/b.csv"]
    assert found.warnings == ["cems/a.csv: cannot be read (Permission denied); it is tried again at the next scan"]
    monkeypatch.undo()
    assert [a.path for a in _scan(con, home).arrivals] == ["cems/a.csv"]


def test_feeds_do_not_see_each_others_paths(con: duckdb.DuckDBPyConnection, home: Settings) -> None:
    _write(home.raw, "cems/a.csv")
    _scan(con, home)
    other = scan(con, home, contract(CEMS, feed_id="other"), NOW)
    assert [(a.feed_id, a.arrival_no) for a in other.arrivals] == [("other", 1)]


def test_ten_thousand_unchanged_files_cost_almost_nothing(
    con: duckdb.DuckDBPyConnection, home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home.raw / "cems"
    folder.mkdir()
    for number in range(10_000):
        (folder / f"{number:05d}.csv").touch()
        os.utime(folder / f"{number:05d}.csv", (LONG_AGO, LONG_AGO))
    assert len(_scan(con, home).arrivals) == 10_000
    monkeypatch.setattr(arrivals, "_hash", lambda *_: pytest.fail("an unchanged file was opened"))
    started = time.process_time()
    assert _scan(con, home).unchanged == 10_000
    assert time.process_time() - started < 2.0, "0.2 s on a quiet machine"
