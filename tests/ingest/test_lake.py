"""The lake: bytes and parses once, whole or not at all, and receipts that say everything."""

import hashlib
import os
import stat
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.contracts.records import RECORD_TYPES, LoadMode
from pipelines.contracts.states import Admission, DeliveryOutcome
from pipelines.ingest.lake import ChangedWhileRead, Lake, Receipt
from pipelines.warehouse.ledger import Delivery, PathState
from tests.ingest.depot import parsed, quarantined, readings, rows_of


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def _file(folder: Path, content: bytes = b"time,SO2\n1,2\n") -> tuple[Path, str, int, int]:
    file = folder / "a.csv"
    file.write_bytes(content)
    status = file.stat()
    return file, hashlib.sha256(content).hexdigest(), status.st_size, status.st_mtime_ns


# bytes


def test_bytes_are_kept_once_as_they_are_and_read_only(lake: Lake, tmp_path: Path) -> None:
    file, sha256, size, mtime_ns = _file(tmp_path)
    kept = lake.keep_bytes(file, sha256, size, mtime_ns)
    assert kept == lake.bytes_file(sha256)
    assert kept.read_bytes() == file.read_bytes()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o444
    inode = kept.stat().st_ino
    file.write_bytes(b"something else")
    assert lake.keep_bytes(file, sha256, size, mtime_ns).stat().st_ino == inode, "what is kept is not copied again"
    assert kept.read_bytes() == b"time,SO2\n1,2\n", "and does not follow the file"


@pytest.mark.parametrize("change", ["bytes", "time", "size", "gone", "unreadable"])
def test_a_file_that_is_not_what_the_scan_saw_is_not_kept(lake: Lake, tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file, sha256, size, mtime_ns = _file(tmp_path)
    if change == "bytes":
        file.write_bytes(b"time,SO2\n1,3\n")
        os.utime(file, ns=(mtime_ns, mtime_ns))
    elif change == "time":
        os.utime(file, ns=(mtime_ns, mtime_ns + 1000))
    elif change == "size":
        file.write_bytes(b"time,SO2\n1,2\n1,3\n")
    elif change == "gone":
        file.unlink()
    else:
        file.unlink()
        file.mkdir()
    with pytest.raises(ChangedWhileRead, match=r"^(changed|went away|cannot be read).*left for the next scan"):
        lake.keep_bytes(file, sha256, size, mtime_ns)
    assert not lake.bytes_file(sha256).exists()
    assert not list((lake.root / "tmp").iterdir())


def test_kept_bytes_of_the_wrong_size_are_replaced(lake: Lake, tmp_path: Path) -> None:
    """A power cut may leave a name without its bytes on a disk that lies about syncing."""
    file, sha256, size, mtime_ns = _file(tmp_path)
    lake.keep_bytes(file, sha256, size, mtime_ns)
    lake.bytes_file(sha256).chmod(0o644)
    lake.bytes_file(sha256).write_bytes(b"")
    assert lake.keep_bytes(file, sha256, size, mtime_ns).read_bytes() == file.read_bytes()


# parses


def test_a_parse_comes_back_as_it_went_in(lake: Lake) -> None:
    accepted = readings(("B", 30, 2.0), ("A", 1, 1.0), ("A", 0, 3.0), ("A", 50, 4.0))
    refused = quarantined(
        (9, "account", "unknown_identifier", "not registered", "200"), (7, "SO2", "number_not_understood", "no number", "x")
    )
    kept = lake.keep_parse("f", "s" * 64, "k", parsed("reading", accepted, refused, duplicates=1))
    again = lake.find_parse("f", "s" * 64, "k")
    assert again == kept
    facts = kept.facts
    assert (facts.rows_read, facts.rows_accepted, facts.rows_duplicate, facts.rows_quarantined, facts.rows_unresolved) == (7, 4, 1, 2, 1)
    assert facts.coverage == [
        ("A", datetime(2026, 1, 1, 0), datetime(2026, 1, 3, 2)),
        ("B", datetime(2026, 1, 2, 6), datetime(2026, 1, 2, 6)),
    ]
    assert (facts.first_date, facts.last_date) == (date(2026, 1, 1), date(2026, 1, 3))
    assert facts.date_runs is None, "point A has no second of January"
    assert facts.unresolved == [("unknown_identifier", "account", "200")]
    stored = pl.read_parquet(kept.accepted)
    assert stored.schema == RECORD_TYPES["reading"].schema
    assert stored.sort("source_row").equals(accepted)
    assert stored["local_date"].is_sorted(), "a touched day is one stretch of the file"
    assert pl.read_parquet(kept.quarantined)["source_row"].to_list() == [7, 9]
    assert lake.find_parse("f", "s" * 64, "other") is None
    assert lake.find_parse("g", "s" * 64, "k") is None


def test_texts_as_enums_reach_duckdb_as_texts(lake: Lake) -> None:
    accepted = readings(("A", 0, 1.0), ("B", 0, 1.0))
    coded = accepted.with_columns(pl.col(name).cast(pl.Categorical) for name, kind in accepted.schema.items() if kind == pl.String)
    kept = lake.keep_parse("f", "s" * 64, "k", parsed("reading", coded))
    types = dict(row[:2] for row in duckdb.sql(f"describe select * from read_parquet('{kept.accepted}')").fetchall())
    assert types == {c.name: c.duckdb_type.upper() for c in RECORD_TYPES["reading"].columns} | {"source_row": "BIGINT"}
    assert duckdb.sql(f"select point_id from read_parquet('{kept.accepted}') order by 1").fetchall() == [("A",), ("B",)]


def test_equal_results_have_equal_content_and_others_do_not(lake: Lake) -> None:
    rows = [("A", 0, 1.0), ("B", 0, 2.0)]
    contents = [
        lake.keep_parse("f", "s" * 64, str(number), parsed("reading", readings(*given), refused)).facts.content
        for number, (given, refused) in enumerate(
            [(rows, None), (rows, None), ([("A", 0, 1.0), ("B", 0, 2.5)], None), (rows, quarantined((1, "c", "rule", "reason", "x")))]
        )
    ]
    assert contents[0] == contents[1]
    assert len(set(contents)) == 3


def test_an_empty_parse_is_a_parse(lake: Lake) -> None:
    kept = lake.keep_parse("f", "s" * 64, "k", parsed("point", rows_of("point")))
    assert (kept.facts.coverage, kept.facts.first_date, kept.facts.last_date, kept.quarantined) == ([], None, None, None)
    assert lake.find_parse("f", "s" * 64, "k") == kept
    assert pl.read_parquet(kept.accepted).schema == RECORD_TYPES["point"].schema


def test_an_open_validity_has_no_last_date(lake: Lake) -> None:
    ended = {"point_id": "A", "name": "A", "kind": "stack", "valid_from": date(2020, 1, 1), "valid_to": date(2021, 1, 1)}
    facts = [
        lake.keep_parse("f", "s" * 64, str(number), parsed("point", rows_of("point", *rows))).facts
        for number, rows in enumerate([[ended], [ended, ended | {"point_id": "B", "valid_to": None}]])
    ]
    assert [(fact.first_date, fact.last_date) for fact in facts] == [(date(2020, 1, 1), date(2020, 12, 31)), (date(2020, 1, 1), None)]


def test_a_folder_without_facts_is_no_parse_and_gives_way(lake: Lake) -> None:
    lake.parse_folder("f", "s" * 64, "k").mkdir(parents=True)
    (lake.parse_folder("f", "s" * 64, "k") / "accepted.parquet").write_bytes(b"half")
    assert lake.find_parse("f", "s" * 64, "k") is None
    assert lake.keep_parse("f", "s" * 64, "k", parsed("reading", readings(("A", 0, 1.0)))).facts.rows_accepted == 1


@pytest.mark.parametrize(
    ("rows", "read", "words"), [([("A", 0, 1.0)], 2, "2 rows read are not 1 accepted"), ([("A", 0, 1.0), ("A", 0, 2.0)], 2, "stands twice")]
)
def test_a_parse_that_loading_could_not_rely_on_is_refused(lake: Lake, rows: list, read: int, words: str) -> None:
    made = parsed("reading", readings(*rows))
    made.rows_read = read
    with pytest.raises(ValueError, match=words):
        lake.keep_parse("f", "s" * 64, "k", made)
    assert lake.find_parse("f", "s" * 64, "k") is None
    assert not list((lake.root / "tmp").iterdir())


# receipts


def test_a_receipt_says_everything_about_a_delivery(lake: Lake) -> None:
    delivery = Delivery(
        park_id="P1", delivery_id="f-1", build_id="b", feed_id="f", record="reading", path="f/厂区.csv", arrival_no=1, sha256="s", bytes=9,
        received_at=datetime(2026, 2, 1, 18, 10, 0, 123456), fingerprint="c", outcome=DeliveryOutcome.LOADED, admission=Admission.PENDING,
        first_date=date(2026, 1, 1), known_at=datetime(2026, 2, 1), load_mode=LoadMode.SNAPSHOT, reason="流量 missing",
    )  # fmt: skip
    state = PathState("f", "f/厂区.csv", "s", 9, -1_700_000_000_000_000_123, 1, "c", datetime(2026, 2, 1))
    lake.write_receipt(Receipt(delivery, state))
    assert lake.read_receipt(delivery) == Receipt(delivery, state)
    assert list(lake.receipts()) == [Receipt(delivery, state)]
    admitted = replace(delivery, admission=Admission.ADMITTED, load_no=1)
    lake.write_receipt(Receipt(admitted))
    assert list(lake.receipts()) == [Receipt(admitted)], "renewed, not added"
    assert lake.read_receipt(replace(delivery, delivery_id="f-2")) is None


# leftovers


def test_leftovers_of_a_killed_run_are_swept_and_own_work_is_not(lake: Lake, tmp_path: Path) -> None:
    (lake.root / "tmp" / "1-parse").mkdir(parents=True)
    (lake.root / "tmp" / "1-parse" / "accepted.parquet").write_bytes(b"half")
    (lake.root / "tmp" / "1-bytes").write_bytes(b"half")
    own = lake.root / "tmp" / f"{os.getpid()}-now"
    own.write_bytes(b"being written")
    assert lake.sweep() == 2
    assert [path.name for path in (lake.root / "tmp").iterdir()] == [own.name]
    assert Lake(tmp_path / "new").sweep() == 0


def test_nothing_half_written_gets_a_name(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", no_room)
    with pytest.raises(OSError, match="No space left"):
        lake.keep_parse("f", "s" * 64, "k", parsed("reading", readings(("A", 0, 1.0))))
    assert [path for path in lake.root.rglob("*") if path.is_file()] == []


def test_register_rows_are_kept_by_their_fingerprint(lake: Lake) -> None:
    rows = pl.DataFrame({"kind": ["point"], "word": ["A"]})
    assert lake.register_rows("x") is None
    lake.keep_register_rows("x", rows)
    lake.keep_register_rows("x", rows.clear())
    assert lake.register_rows("x").equals(rows)
