"""One feed, one scan: what becomes a delivery, what is refused, what is parsed again, and what is left alone."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipelines.contracts.states import Admission
from pipelines.ingest import feed as feed_module
from pipelines.ingest import parse as parse_module
from pipelines.ingest.feed import delivery_id
from pipelines.ingest.lake import Lake
from pipelines.ingest.references import references_from_landing
from pipelines.warehouse.connection import DiskFull
from tests.ingest.park import BILLS, CEMS, IDENTIFIERS, NIGHT, Park, contract


@pytest.fixture
def started(park: Park) -> Park:
    """A park whose point is registered and whose first file has been loaded."""
    park.drop_points("S1")
    park.drop_hours("cems/a.csv", 5, 6, 7)
    park.night()
    assert park.values() == [5, 6, 7]
    return park


# what is new


def test_a_file_becomes_a_delivery_whose_counts_add_up(park: Park) -> None:
    park.drop_points("S1")
    park.drop("cems/a.csv", "time,SO2", "2026-01-05 00:00,5", "2026-01-05 00:00,5", "2026-01-05 01:00,x", "2026-01-05 02:00,--")
    results, loaded = park.night()
    result = results["cems"]
    assert (result.arrivals, result.unchanged, result.refused, result.rows_read, result.rows_quarantined) == (1, 0, 0, 3, 1)
    delivery = loaded[-1].delivery
    assert (delivery.rows_read, delivery.rows_accepted, delivery.rows_duplicate, delivery.rows_quarantined) == (3, 1, 1, 1)
    assert (delivery.source_rows_read, delivery.empty_cells, delivery.outcome, delivery.arrival_no) == (4, 1, "loaded", 1)
    assert park.con.execute("select source_row, column_name, rule, raw_text from audit.quarantine").fetchall() == [
        (4, "SO2", "number_not_understood", "x")
    ]
    step = park.con.execute("select step, subject, outcome, rows from audit.step_outcomes where subject = 'cems'").fetchall()
    assert step == [("ingest", "cems", "ok", 3)]


def test_an_unchanged_file_is_not_opened_again(started: Park, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in started.settings.raw.rglob("*.csv"):  # older than the clock's tick, or it would be looked at once more
        os.utime(file, (1_700_000_000, 1_700_000_000))
    started.night()
    monkeypatch.setattr("pipelines.ingest.arrivals._hash", lambda *_: pytest.fail("an unchanged file was opened"))
    results, loaded = started.night()
    assert (results["cems"].arrivals, results["cems"].unchanged, loaded) == (0, 1, [])


def test_a_file_that_was_touched_or_renewed_with_the_same_bytes_is_no_arrival(started: Park) -> None:
    os.utime(started.settings.raw / "cems/a.csv", (1_800_000_000, 1_800_000_000))
    results, loaded = started.night()
    assert (results["cems"].arrivals, results["cems"].unchanged, loaded) == (0, 1, [])
    assert len(started.ledger()) == 1


def test_changed_bytes_are_a_new_arrival_and_the_correction_stands(started: Park) -> None:
    started.drop_hours("cems/a.csv", 5, 66, 7)
    _, loaded = started.night()
    assert started.values() == [5, 66, 7]
    assert (loaded[0].delivery.arrival_no, loaded[0].delivery.rows_revised, loaded[0].delivery.rows_duplicate) == (2, 1, 2)


def test_a_path_that_goes_back_to_earlier_bytes_is_reverted(started: Park) -> None:
    started.drop_hours("cems/a.csv", 5, 66, 7)
    started.night()
    started.drop_hours("cems/a.csv", 5, 6, 7)
    _, loaded = started.night()
    assert started.ledger() == [
        ("cems/a.csv", "loaded", "admitted"),
        ("cems/a.csv", "loaded", "admitted"),
        ("cems/a.csv", "reverted", "admitted"),
    ]
    assert started.values() == [5, 6, 7]
    assert loaded[0].delivery.rows_revised == 1
    assert loaded[0].delivery.arrival_no == 3


def test_a_vanished_file_is_a_note_and_takes_nothing_back(started: Park) -> None:
    (started.settings.raw / "cems/a.csv").unlink()
    results, loaded = started.night()
    assert results["cems"].vanished == ["cems/a.csv"]
    assert "no longer there" in results["cems"].message
    assert loaded == []
    assert started.values() == [5, 6, 7]
    started.drop_hours("cems/a.csv", 5, 6, 7)
    results, loaded = started.night()
    assert (results["cems"].arrivals, loaded) == (0, []), "the same bytes at the same place are nothing new"


def test_the_same_bytes_under_another_name_are_parsed_once_and_all_duplicates(started: Park, monkeypatch: pytest.MonkeyPatch) -> None:
    started.drop_hours("cems/copy.csv", 5, 6, 7)
    monkeypatch.setattr(feed_module, "parse", lambda *_, **__: pytest.fail("bytes that are in the lake were parsed again"))
    _, loaded = started.night()
    assert (loaded[0].delivery.rows_accepted, loaded[0].delivery.rows_duplicate) == (0, 3)
    assert loaded[0].change_seq is None
    assert len(list((started.settings.lake / "bytes").glob("*/*"))) == 2, "the register's bytes and the file's, once"


def test_all_arrivals_of_a_scan_have_its_time_and_the_path_breaks_ties(park: Park) -> None:
    park.drop_points("S1")
    for name, value in (("b", 2), ("c", 3), ("a", 1)):
        park.drop_hours(f"cems/{name}.csv", value)
    park.night()
    received = park.con.execute("select distinct received_at from audit.deliveries where feed_id = 'cems'").fetchall()
    assert len(received) == 1
    assert park.values() == [3]


# what cannot be read


def test_one_bad_file_costs_itself_only(started: Park) -> None:
    started.drop("cems/bad.csv", "wrong,columns", "1,2")
    started.drop_hours("cems/good.csv", 8, day="2026-01-06")
    results, _ = started.night()
    assert started.values() == [5, 6, 7, 8]
    refused = [delivery for delivery in results["cems"].deliveries if delivery.admission is Admission.REFUSED]
    assert [(d.path, d.outcome) for d in refused] == [("cems/bad.csv", "refused")]
    assert "time" in refused[0].reason
    assert results["cems"].outcome == "warned"
    assert "cems/bad.csv" in results["cems"].message


def test_a_refused_file_is_not_tried_every_night_but_when_it_or_the_contract_changes(started: Park) -> None:
    started.drop("cems/bad.csv", "zeit,SO2", "2026-01-06 00:00,9")
    started.night()
    results, _ = started.night()
    assert (results["cems"].refused, len(started.ledger())) == (0, 2)
    started.contracts["cems"] = contract(CEMS, time={"column": "zeit", "pattern": "%Y-%m-%d %H:%M", "step": "1h"})
    started.night()
    assert 9 in started.values()
    assert ("cems/bad.csv", "reparsed", "admitted") in started.ledger()


class Panic(pl.exceptions.PanicException):
    pass


@pytest.mark.parametrize("error", [RuntimeError("bug"), KeyError("x"), Panic("index out of bounds"), RecursionError("deep")])
def test_whatever_goes_wrong_in_parsing_is_a_refused_delivery_with_the_reason(
    started: Park, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    started.drop_hours("cems/b.csv", 1, day="2026-01-07")
    monkeypatch.setattr(parse_module, "normalise", fail)
    results, loaded = started.night()
    assert loaded == []
    reason = results["cems"].deliveries[0].reason
    assert type(error).__name__ in reason
    assert "fault of the program" in reason


def test_a_parse_that_does_not_add_up_is_refused(started: Park, monkeypatch: pytest.MonkeyPatch) -> None:
    real = parse_module.normalise

    def forget_a_row(*arguments: object) -> object:
        parsed = real(*arguments)
        parsed.accepted = parsed.accepted.head(1)
        return parsed

    started.drop_hours("cems/b.csv", 1, 2, day="2026-01-07")
    monkeypatch.setattr(parse_module, "normalise", forget_a_row)
    results, _ = started.night()
    assert "2 rows read are not 1 accepted" in results["cems"].deliveries[0].reason


def test_a_key_that_stands_twice_in_a_parse_is_refused(started: Park, monkeypatch: pytest.MonkeyPatch) -> None:
    real = parse_module.normalise

    def say_it_twice(*arguments: object) -> object:
        parsed = real(*arguments)
        parsed.accepted, parsed.rows_read = pl.concat([parsed.accepted, parsed.accepted.head(1)]), 3
        return parsed

    started.drop_hours("cems/b.csv", 1, 2, day="2026-01-07")
    monkeypatch.setattr(parse_module, "normalise", say_it_twice)
    results, _ = started.night()
    assert "stands twice" in results["cems"].deliveries[0].reason


def test_running_out_of_memory_is_no_verdict_on_the_file(started: Park, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    started.drop_hours("cems/b.csv", 8, day="2026-01-07")
    monkeypatch.setattr(parse_module, "normalise", fail)
    results, _ = started.night()
    assert results["cems"].deliveries == []
    assert "not enough memory" in results["cems"].warnings[0]
    monkeypatch.undo()
    started.night()
    assert 8 in started.values(), "it is tried again"


def test_a_full_disk_stops_the_feed_in_words_and_nothing_is_refused(started: Park, monkeypatch: pytest.MonkeyPatch) -> None:
    started.drop_hours("cems/b.csv", 8, day="2026-01-07")

    def no_room(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(DiskFull, match="no room left to write"):
        started.night()
    monkeypatch.undo()
    assert len(started.ledger()) == 1
    started.night()
    assert started.values() == [5, 6, 7, 8]
    assert not list((started.settings.lake / "tmp").iterdir())


def test_a_file_larger_than_the_limit_is_refused_unread_until_the_limit_is_raised(started: Park) -> None:
    started.drop_hours("cems/b.csv", *range(20), day="2026-01-07")
    small = started.settings
    started.settings = small.model_copy(update={"max_file_bytes": 200})
    results, _ = started.night()
    assert "PARK_AUDIT_MAX_FILE_BYTES" in results["cems"].deliveries[0].reason
    assert not list((small.lake / "bytes").glob("no/*"))
    results, _ = started.night()
    assert results["cems"].deliveries == [], "not refused again every night"
    started.settings = small
    started.night()
    assert len(started.values()) == 3 + 20


# what is still being written


def _while_copying(monkeypatch: pytest.MonkeyPatch, file: Path, change: Callable[[], None]) -> None:
    real = feed_module.Lake.keep_bytes

    def keep(self: Lake, source: Path, *arguments: object) -> Path:
        if source == file:
            change()
        return real(self, source, *arguments)

    monkeypatch.setattr(feed_module.Lake, "keep_bytes", keep)


@pytest.mark.parametrize("how", ["grows", "same size", "vanishes"])
def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_scan(started: Park, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    file = started.drop_hours("cems/b.csv", 1, 2, day="2026-01-07")
    content = file.read_text()
    changes = {
        "grows": lambda: file.write_text(content + "2026-01-07 02:00,3\n"),
        "same size": lambda: file.write_text(content.replace(",2", ",9")),
        "vanishes": file.unlink,
    }
    _while_copying(monkeypatch, file, changes[how])
    results, loaded = started.night()
    assert loaded == []
    assert results["cems"].warnings[0].startswith("cems/b.csv: ")
    assert "left for the next scan" in results["cems"].warnings[0]
    assert results["cems"].outcome == "warned"
    assert (
        "warnings"
        in started.con.execute("select message from audit.step_outcomes where subject = 'cems' order by started_at desc").fetchone()[0]
    )
    assert len(started.ledger()) == 1
    monkeypatch.undo()
    file.write_text(content)
    started.night()
    assert started.values() == [5, 6, 7, 1, 2]


# what is parsed again


def test_a_mended_unit_parses_the_past_again_and_supersedes(started: Park) -> None:
    started.drop_hours("cems/b.csv", 8, day="2026-01-06")
    started.night()
    started.contracts["cems"] = contract(CEMS.replace("unit: mg/m3", "unit: g/m3"))
    results, loaded = started.night()
    assert started.values() == [5000, 6000, 7000, 8000]
    assert results["cems"].parsed_again == 2
    assert [(r.delivery.outcome, r.delivery.rows_revised) for r in loaded] == [("reparsed", 3), ("reparsed", 1)]
    assert loaded[0].delivery.replaces_delivery_id is not None
    results, loaded = started.night()
    assert (results["cems"].parsed_again, loaded) == (0, [])


def test_the_past_is_parsed_again_from_kept_bytes_also_where_the_file_is_gone_or_has_changed(started: Park) -> None:
    started.drop_hours("cems/a.csv", 5, 60)  # no longer says anything about the third hour
    started.drop_hours("cems/b.csv", 8, day="2026-01-06")
    started.night()
    (started.settings.raw / "cems/b.csv").unlink()
    started.contracts["cems"] = contract(CEMS.replace("unit: mg/m3", "unit: g/m3"))
    results, _ = started.night()
    assert results["cems"].parsed_again == 3
    assert started.values() == [5000, 60000, 7000, 8000]


def test_a_new_parse_speaks_with_the_age_of_its_bytes(started: Park) -> None:
    """b corrected a; parsing both again in one scan must not let a's name win."""
    started.drop_hours("cems/0.csv", 50, 60, 70)
    started.night()
    assert started.values() == [50, 60, 70]
    started.contracts["cems"] = contract(CEMS.replace("unit: mg/m3", "unit: g/m3"))
    started.night()
    assert started.values() == [50000, 60000, 70000]


def test_a_changed_contract_that_no_longer_yields_a_key_takes_it_back(started: Park) -> None:
    started.contracts["cems"] = contract(CEMS.replace("format: {kind: csv}", 'format: {kind: csv, null_values: ["", "6"]}'))
    _, loaded = started.night()
    assert started.values() == [5, 7]
    assert (loaded[0].delivery.rows_withdrawn, loaded[0].delivery.rows_duplicate) == (1, 2)


def test_an_edit_that_changes_no_record_parses_nothing_again(started: Park) -> None:
    started.contracts["cems"] = contract(
        CEMS, owner="somebody.else@park.example", description="now described", expects={"rows_per_day": 24}
    )
    results, loaded = started.night()
    assert (results["cems"].parsed_again, loaded) == (0, [])


def test_a_changed_unit_standard_parses_the_past_again(started: Park) -> None:
    units = started.standards.base["units"]
    started.standards = type(started.standards)(
        started.standards.base
        | {"units": units.with_columns(pl.when(pl.col("unit") == "mg/m3").then(pl.lit("gram / meter ** 3")).otherwise("pint_definition").alias("pint_definition"))}
    )  # fmt: skip
    results, _ = started.night()
    assert results["cems"].parsed_again == 1
    started.standards = type(started.standards)(
        started.standards.base
        | {"limits": started.standards.base["limits"].head(1), "parameters": started.standards.base["parameters"].head(400)}
    )
    results, _ = started.night()
    assert results["cems"].parsed_again == 0, "rows of the standard that the contract does not use change nothing"


def test_a_waiting_delivery_gives_way_to_its_new_parse(started: Park) -> None:
    started.drop_hours("cems/b.csv", 8, day="2026-01-06")
    started.night(Admission.HELD)
    assert started.ledger()[-1] == ("cems/b.csv", "loaded", "held")
    started.contracts["cems"] = contract(CEMS.replace("unit: mg/m3", "unit: g/m3"))
    started.night()
    assert ("cems/b.csv", "loaded", "withdrawn") in started.ledger()
    assert ("cems/b.csv", "reparsed", "admitted") in started.ledger()
    assert started.values() == [5000, 6000, 7000, 8000]


# what waits for a register


@pytest.fixture
def billed(park: Park) -> Park:
    park.contracts |= {"bills": contract(BILLS), "identifiers": contract(IDENTIFIERS)}
    park.drop_points("M1", "M2")
    park.drop("registers/identifiers.csv", "scheme,value,entity_kind,entity_id,valid_from", "grid_account,100,point,M1,2020-01-01")
    park.drop("bills/jan.csv", "day,account,kWh", "2026-01-01,100,10", "2026-01-01,200,20")
    park.drop("bills/feb.csv", "day,account,kWh", "2026-01-02,100,30")
    park.night()
    return park


def test_an_unknown_account_is_held_back_by_name_and_loads_when_it_is_registered(billed: Park) -> None:
    assert billed.values() == [10, 30]
    assert billed.con.execute("select rule, raw_text from audit.quarantine").fetchall() == [("unknown_identifier", "200")]
    billed.drop(
        "registers/identifiers.csv", "scheme,value,entity_kind,entity_id,valid_from",
        "grid_account,100,point,M1,2020-01-01", "grid_account,200,point,M2,2020-01-01",
    )  # fmt: skip
    results, loaded = billed.night()
    assert billed.values() == [10, 30, 20]
    bills = [result.delivery for result in loaded if result.delivery.feed_id == "bills"]
    assert [(d.path, d.outcome, d.rows_accepted, d.rows_duplicate) for d in bills] == [("bills/jan.csv", "resolved", 1, 1)]
    assert results["bills"].parsed_again == 1
    assert billed.night()[0]["bills"].parsed_again == 0


def test_a_register_that_grows_elsewhere_delivers_nothing_again(billed: Park) -> None:
    billed.drop(
        "registers/identifiers.csv", "scheme,value,entity_kind,entity_id,valid_from",
        "grid_account,100,point,M1,2020-01-01", "grid_account,300,point,M2,2020-01-01", "permit,200,enterprise,E1,2020-01-01",
    )  # fmt: skip
    results, _ = billed.night()
    assert results["bills"].parsed_again == 0
    assert billed.values() == [10, 30]


def test_an_account_that_turns_out_to_be_another_meter_is_read_again(billed: Park) -> None:
    billed.drop("registers/identifiers.csv", "scheme,value,entity_kind,entity_id,valid_from", "grid_account,100,point,M2,2020-01-01")
    _, loaded = billed.night()
    points = billed.con.execute("select point_id, value from landing.reading where known_to is null order by all").fetchall()
    assert points == [("M2", 10), ("M2", 30)]
    assert {result.delivery.outcome for result in loaded if result.delivery.feed_id == "bills"} == {"reparsed"}


def test_a_lost_register_takes_nothing_back_when_the_gate_holds_the_new_parse(billed: Park) -> None:
    whole = (billed.settings.raw / "registers/identifiers.csv").read_text()
    billed.drop("registers/identifiers.csv", "scheme,value,entity_kind,entity_id,valid_from")
    billed.night(Admission.HELD)
    assert billed.values() == [10, 30], "held: what was known stands"
    billed.drop("registers/identifiers.csv", *whole.splitlines())
    billed.night()
    assert billed.values() == [10, 30]
    assert "held" not in {admission for _, _, admission in billed.ledger("bills")}


def test_an_unknown_point_loads_when_it_is_registered(park: Park) -> None:
    park.drop_points("S9")
    park.drop_hours("cems/a.csv", 5)
    park.night()
    assert park.values() == []
    park.drop_points("S1", "S9")
    park.night()
    assert park.values() == [5]
    assert park.ledger()[-1] == ("cems/a.csv", "resolved", "admitted")


def test_a_finding_waits_for_its_enterprise(park: Park) -> None:
    park.contracts["findings"] = contract(
        "{feed_id: findings, record: finding, owner: a@b, source: {drop: 'findings.csv'}, format: {kind: csv}}"
    )
    park.contracts["enterprises"] = contract(
        "{feed_id: enterprises, record: enterprise, owner: a@b, source: {drop: 'enterprises.csv'}, format: {kind: csv}}"
    )
    park.drop("findings.csv", "finding_id,enterprise_id,subject_kind,subject_id,found_on,cause_code,status,description",
              "F1,E1,enterprise,E1,2026-03-01,equipment,open,steam leaks")  # fmt: skip
    park.night()
    found = "select finding_id from landing.finding where known_to is null"
    assert park.con.execute(found).fetchall() == []
    park.drop("enterprises.csv", "enterprise_id,park_id,name,valid_from", "E1,P1,One,2020-01-01")
    park.night()
    assert park.con.execute(found).fetchall() == [("F1",)]
    assert park.ledger("findings")[-1] == ("findings.csv", "resolved", "admitted")


# names


def test_delivery_ids_are_the_same_when_a_run_is_repeated_and_differ_otherwise() -> None:
    made = {delivery_id("f", path, arrival, parse) for path in ("a", "b") for arrival in (1, 2) for parse in (1, 2)}
    assert len(made) == 8
    assert delivery_id("f", "a", 1, 1) == delivery_id("f", "a", 1, 1)


def test_several_files_of_a_snapshot_are_warned_about(started: Park) -> None:
    started.contracts["points"] = contract(
        "{feed_id: points, record: point, owner: a@b, source: {drop: 'registers/*.csv'}, format: {kind: csv}}"
    )
    started.drop("registers/points2.csv", "point_id,name,kind,valid_from", "S1,S1,stack,2020-01-01", "S2,S2,stack,2020-01-01")
    results, _ = started.night()
    assert "registers/points2.csv is what stands" in results["points"].warnings[0]


def test_progress_is_told_before_each_file(park: Park) -> None:
    park.drop_points("S1")
    park.drop_hours("cems/a.csv", 1)
    park.drop_hours("cems/b.csv", 1)
    told: list[tuple[int, int, str]] = []
    feed_module.ingest_feed(
        park.con, park.settings, park.contracts["cems"], references_from_landing(park.con, park.standards), "b", NIGHT,
        progress=lambda *arguments: told.append(arguments),
    )  # fmt: skip
    assert told == [(0, 2, "cems/a.csv"), (1, 2, "cems/b.csv"), (2, 2, "")]
