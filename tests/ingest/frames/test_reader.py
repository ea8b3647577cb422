"""A receiver log to readings: what codes mean, what becomes of every frame and value, and that the counts come out even."""

import gzip
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.contracts.states import State
from pipelines.hj212 import CrcVariant, Dialect, split
from pipelines.hj212.codec import Frame, encode
from pipelines.ingest.frames import parse_log
from pipelines.ingest.normalise import Parsed
from pipelines.ingest.readers import Unreadable
from tests.hj212.vectors import CIPHER_2025, KEY_2025
from tests.ingest.frames.logs import HOUR, contract, frame, parsed, said, stamped, values, why
from tests.ingest.given import PARK, point, references

SO2 = values(a21026={"Avg": 35.2, "Flag": "N"})


def even(parse: Parsed) -> Parsed:
    assert parse.rows_read == parse.accepted.height + parse.rows_duplicate + parse.quarantined.height
    return parse


def test_an_hour_of_flue_gas_in_canonical_units(tmp_path: Path) -> None:
    hour = values(
        a00000={"Cou": 36000, "Min": 9.8, "Avg": "10.0", "Max": 10.3, "Flag": "N"},
        a21026={"Cou": 1.267, "Avg": "35.20", "ZsAvg": 42.24, "Flag": "N"},
        a01013={"Avg": -0.3},
    )
    parse = even(parsed(tmp_path, frame(hour)))
    assert said(parse) == [
        ("S1", "a00000", "avg", 36000.0, "m3/h"),
        ("S1", "a00000", "cou", 36000.0, "m3"),
        ("S1", "a00000", "max", 37080.0, "m3/h"),
        ("S1", "a00000", "min", pytest.approx(35280.0), "m3/h"),
        ("S1", "a01013", "avg", -0.3, "kPa"),
        ("S1", "a21026", "avg", 35.2, "mg/m3"),
        ("S1", "a21026", "cou", 1.267, "kg"),
        ("S1", "a21026", "zs_avg", 42.24, "mg/m3"),
    ]
    periods = parse.accepted.select("period_start_utc", "period_end_utc", "local_date").unique().rows()
    assert periods == [(HOUR - timedelta(hours=8), HOUR - timedelta(hours=7), HOUR.date())]
    assert parse.accepted.select("value_raw", "unit_raw").row(0) == (10.0, "m3/s")
    assert (parse.source_rows, parse.rows_duplicate, parse.warnings) == (1, 0, [])


def test_old_codes_mean_what_they_mean_in_their_stream(tmp_path: Path) -> None:
    water = frame(values(**{"011": {"Avg": 40.1, "Flag": "N"}, "B01": {"Cou": 63.0}}), st="32", dialect=Dialect.HJ_2005)
    gas = frame(values(**{"01": {"Avg": 5.1}}), dialect=Dialect.HJ_2005, mn="M2")
    parse = even(parsed(tmp_path, water + gas, contract({"mn": "M1", "point_id": "S1"}, {"mn": "M2", "point_id": "S2"})))
    assert said(parse) == [
        ("S1", "w00000", "cou", 63.0, "m3"),
        ("S1", "w01018", "avg", 40.1, "mg/L"),
        ("S2", "a34013", "avg", 5.1, "mg/m3"),
    ]


def test_a_row_with_a_code_says_what_is_different(tmp_path: Path) -> None:
    feed = contract(
        {"mn": "M1", "point_id": "S1"},
        {"mn": "M1", "code": "w20117", "unit": "mg/L", "total_unit": "kg"},
        {"mn": "M1", "code": "X7", "point_id": "S2", "parameter": "w01018", "unit": "ug/L"},
        {"mn": "M1", "code": "w00000", "field": "Total", "statistic": "register", "total_unit": "m3"},
        {"mn": "M1", "code": "a21026", "st": "31", "unit": "ug/m3"},
    )
    sent = values(w20117={"Avg": 0.03}, X7={"Avg": 41000}, w00000={"Total": 123456.7, "Odd": 1}, a21026={"Avg": 1000})
    parse = even(parsed(tmp_path, frame(sent, st="32") + frame(values(a21026={"Avg": 1000}), at=HOUR + timedelta(hours=1)), feed))
    assert said(parse) == [
        ("S1", "a21026", "avg", 1.0, "mg/m3"),  # the row is for ST 31
        ("S1", "a21026", "avg", 1000.0, "mg/m3"),
        ("S1", "w00000", "register", 123456.7, "m3"),
        ("S1", "w20117", "avg", 0.03, "mg/L"),
        ("S2", "w01018", "avg", 41.0, "mg/L"),
    ]
    assert parse.warnings == ["fields that are no readings stay in the log: Odd (1)"]


@pytest.mark.parametrize(
    ("sent", "rule", "words"),
    [
        (values(a99998={"Avg": 1}), "unmapped_code", "a99998 of ST 31 is in no seed"),
        (values(a21001={"Avg": 1}), "unmapped_code", "prints ng/m3 for a21001, and devices send mg/m3 or ug/m3"),
        (values(a21026={"Avg": "12a"}), "number_not_understood", "is no number"),
        (values(a21026={"Avg": 1, "Flag": "X"}), "unknown_flag", "none of the standard's flags"),
        (values(a01012={"Cou": 1}), "unmapped_code", "names no unit for totals of a01012"),
    ],
)
def test_values_that_cannot_be_readings_say_why(sent: dict, rule: str, words: str, tmp_path: Path) -> None:
    parse = even(parsed(tmp_path, frame(SO2 | sent)))
    refused = parse.quarantined.row(0, named=True)
    assert (parse.quarantined.height, refused["rule"]) == (1, rule)
    assert words in refused["reason"]
    assert refused["column_name"].split("-")[0] in sent and refused["source_row"] == 1
    assert parse.accepted.height == (0 if rule in ("number_not_understood", "unknown_flag") else 1)


@pytest.mark.parametrize(
    ("log", "rule"),
    [
        (frame(SO2, cn="2013"), "unknown_command"),
        (frame(SO2, at=None), "time_missing"),
        (frame(values(w00000={"Cou": 9}), cn="2011"), "total_of_an_instant"),
        (stamped([frame(SO2, at=HOUR + timedelta(days=400))]), "future_time"),
        (frame(SO2, at=datetime(1999, 1, 1)), "unknown_point"),  # the register begins in 2000: a clock that was reset
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_times_that_cannot_be(log: bytes, rule: str, tmp_path: Path) -> None:
    parse = even(parsed(tmp_path, log))
    assert [name for name, _ in why(parse)] == [rule]


def test_a_clock_that_goes_a_little_fast_costs_nothing(tmp_path: Path) -> None:
    parse = even(parsed(tmp_path, stamped([frame(SO2, at=HOUR + timedelta(hours=6))])))
    assert parse.accepted.height == 1
    assert parse.figures["devices"]["hours_ahead"].to_list() == [pytest.approx(5, abs=0.01)]


def test_flags_and_empty_values(tmp_path: Path) -> None:
    sent = values(
        a21026={"Avg": 35.2, "Flag": "M"}, a21002={"Avg": "", "Flag": "D"}, a34013={"Avg": "--", "Flag": "F"}, a19001={"Avg": "", "Flag": "N"},
        a01012={"Avg": "", "Flag": "C"}, a00000={"Avg": 0, "Flag": "F"},
    )  # fmt: skip
    parse = even(parsed(tmp_path, frame(sent)))
    states = {row[0]: row[1:] for row in parse.accepted.select("parameter_code", "value", "flag", "state").rows()}
    assert states == {
        "a21026": (35.2, "M", State.MEASURED), "a21002": (None, "D", State.MISSING), "a34013": (None, "F", State.STOPPED),
        "a01012": (None, "C", State.MISSING), "a00000": (0.0, "F", State.STOPPED),
    }  # fmt: skip
    assert parse.empty_cells == 1


def test_periods_follow_the_profile(tmp_path: Path) -> None:
    feed = contract({"mn": "M1", "point_id": "S1", "label": "end", "minute_interval": 5, "utc_offset": "+07:00"})
    log = b"".join(frame(SO2, cn=cn, at=datetime(2026, 3, 2)) for cn in ("2011", "2051", "2061", "2031"))
    parse = even(parsed(tmp_path, log, feed))
    utc = datetime(2026, 3, 1, 17)
    found = {
        (end - start): (start, end, local)
        for start, end, local in parse.accepted.select("period_start_utc", "period_end_utc", "local_date").iter_rows()
    }
    assert found == {
        timedelta(0): (utc, utc, date(2026, 3, 2)),
        timedelta(minutes=5): (utc - timedelta(minutes=5), utc, date(2026, 3, 2)),
        timedelta(hours=1): (utc - timedelta(hours=1), utc, date(2026, 3, 2)),
        timedelta(days=1): (utc - timedelta(days=1), utc, date(2026, 3, 1)),
    }


def test_what_the_contract_leaves_out_is_counted(tmp_path: Path) -> None:
    feed = contract(hj212={"commands": ["2061"]})
    parse = even(parsed(tmp_path, frame(SO2) + frame(SO2, cn="2011"), feed))
    assert parse.rows_read == 1
    assert parse.warnings == ["values of commands that source.hj212.commands leaves out stay in the log: 2011 (1)"]


# repeats, revisions, packets


def test_repeats_are_duplicates(tmp_path: Path) -> None:
    first, later = frame(SO2), frame(SO2, qn="20260302110015001")
    parse = even(parsed(tmp_path, first + first + later))
    assert (parse.rows_read, parse.accepted.height, parse.rows_duplicate) == (3, 1, 2)


def test_of_two_statements_the_later_stands_and_the_earlier_is_readable(tmp_path: Path) -> None:
    changed = frame(values(a21026={"Avg": 36.0, "Flag": "N"}, a21002={"Avg": 50}), qn="20260302120005001")
    parse = even(parsed(tmp_path, frame(SO2 | values(a21002={"Avg": "50.0"})) + changed))
    assert said(parse) == [("S1", "a21002", "avg", 50.0, "mg/m3"), ("S1", "a21026", "avg", 36.0, "mg/m3")]
    assert why(parse) == [("revised_in_file", "a21026-Avg=35.2 Flag=N")]
    assert parse.quarantined["reason"].to_list() == ["line 2 of this log says it differently, and later: that stands"]
    assert (parse.rows_read, parse.rows_duplicate) == (4, 1)  # 50 and 50.0 are one statement


def test_a_frame_that_contradicts_itself_is_believed_in_neither(tmp_path: Path) -> None:
    twice = Frame(
        st="31", cn="2061", mn="M1", qn="20260302110005001", flag=5,
        groups=((("DataTime", "20260302100000"),), (("a21026-Avg", "1"),), (("a21026-Avg", "2"),), (("a21002-Avg", "3"),)),
    )  # fmt: skip
    parse = even(parsed(tmp_path, encode(twice)))
    assert said(parse) == [("S1", "a21002", "avg", 3.0, "mg/m3")]
    assert why(parse) == [("conflicting_rows", "a21026-Avg=1 Flag="), ("conflicting_rows", "a21026-Avg=2 Flag=")]


def test_two_codes_for_one_channel(tmp_path: Path) -> None:
    same, other = values(**{"02": {"Avg": 35.2, "Flag": "N"}}), values(**{"02": {"Avg": 36.0, "Flag": "N"}})
    parse = even(parsed(tmp_path, frame(SO2) + frame(same, dialect=Dialect.HJ_2005)))
    assert (parse.accepted.height, parse.rows_duplicate) == (1, 1)
    parse = even(parsed(tmp_path, frame(SO2) + frame(other, dialect=Dialect.HJ_2005)))
    assert parse.accepted.height == 0
    assert [rule for rule, _ in why(parse)] == ["conflicting_rows", "conflicting_rows"]


def test_packets_are_taken_one_by_one_and_a_missing_one_is_named(tmp_path: Path) -> None:
    whole = Frame(
        st="31", cn="2061", mn="M1", qn="20260302110005001", flag=5,
        groups=((("DataTime", "20260302100000"),), *(((f"a{code}-Avg", "1.5"),) for code in (21026, 21002, 34013, 19001))),
    )  # fmt: skip
    packets = [encode(packet) for packet in split(whole, 60)]
    assert len(packets) == 2
    assert even(parsed(tmp_path, b"".join(packets))).accepted.height == 4
    assert even(parsed(tmp_path, b"".join(reversed(packets)))).warnings == []
    alone = even(parsed(tmp_path, packets[1]))
    assert alone.accepted.height == 2
    assert alone.warnings[0].startswith("messages that lack packets: 1, as M1 2061 of 2026-03-02 10:00:00.000000 (1 of 2 packets)")


# frames that are refused, devices that wait


def test_refused_frames_are_one_row_each_with_their_text_and_without_the_password(tmp_path: Path) -> None:
    good = frame(SO2)
    parse = even(parsed(tmp_path, good.replace(b"35.2", b"35.3") + b"##0099abc\r\n" + good[1:] + good))
    assert parse.quarantined.select("source_row", "rule").rows() == [(1, "bad_crc"), (2, "bad_length"), (3, "bad_grammar")]
    assert "is right" in parse.quarantined["reason"][0]
    assert "a21026-Avg=35.3" in parse.quarantined["raw_text"][0]
    assert not any("s3cret" in text for text in parse.quarantined["raw_text"])
    assert (parse.rows_read, parse.accepted.height, parse.source_rows) == (4, 1, 4)


def test_a_device_nobody_registered_is_held_back_by_name(tmp_path: Path) -> None:
    log = (
        frame(SO2)
        + frame(values(a21026={"Avg": 1}, a21002={"Avg": 2}), mn="NEW")
        + frame(values(a21026={"Avg": 1}, a21002={"Avg": 2}), mn="NEW")
    )
    before = even(parsed(tmp_path, log))
    assert why(before) == [("unknown_device", "NEW")] * 2
    assert "device NEW is not in devices.csv; its values load when it is registered there" in before.quarantined["reason"].to_list()
    after = even(parsed(tmp_path, log, contract({"mn": "M1", "point_id": "S1"}, {"mn": "NEW", "point_id": "S2"})))
    assert (after.accepted.height, after.rows_read, after.rows_duplicate) == (3, before.rows_read, before.rows_duplicate)


def test_a_stranger_with_another_crc_waits_for_its_profile_too(tmp_path: Path) -> None:
    log = frame(SO2, mn="NEW", crc=CrcVariant.MODBUS) + frame(SO2, crc=CrcVariant.MODBUS)
    parse = even(parsed(tmp_path, log))
    assert why(parse)[0] == ("unknown_device", "NEW")
    assert why(parse)[1][0] == "bad_crc"
    allowed = contract({"mn": "M1", "point_id": "S1", "crc": "hj212 modbus"}, {"mn": "NEW", "point_id": "S2", "crc": "modbus"})
    assert even(parsed(tmp_path, log, allowed)).accepted.height == 2


def test_a_point_that_is_not_registered_waits(tmp_path: Path) -> None:
    parse = even(parsed(tmp_path, frame(SO2), contract({"mn": "M1", "point_id": "S9"})))
    assert why(parse) == [("unknown_point", "S9")]


def test_a_device_moves_to_another_point_on_its_day(tmp_path: Path) -> None:
    feed = contract(
        {"mn": "M1", "point_id": "S1", "valid_to": date(2026, 3, 2), "label": "start"},
        {"mn": "M1", "point_id": "S2", "valid_from": date(2026, 3, 2), "valid_to": date(2026, 3, 3)},
    )
    log = b"".join(frame(SO2, at=HOUR + timedelta(days=days)) for days in (-1, 0, 1))
    parse = even(parsed(tmp_path, log, feed))
    assert parse.accepted.select("point_id", "local_date").sort("local_date").rows() == [("S1", date(2026, 3, 1)), ("S2", date(2026, 3, 2))]
    assert why(parse) == [("unknown_device", "M1")]
    assert "is registered in devices.csv, but not for 2026-03-03" in parse.quarantined["reason"][0]


def test_encrypted_frames_wait_for_their_key(tmp_path: Path) -> None:
    variable = "PARK_AUDIT_HJ212_KEY_M1"
    feed = contract({"mn": "010000A8900016F000169DC0", "point_id": "S1", "sm4_key_env": variable})
    blind = even(parsed(tmp_path, CIPHER_2025, feed))
    assert why(blind) == [("encrypted_unverified", "010000A8900016F000169DC0 (encrypted)")]
    assert blind.warnings[0] == f"device 010000A8900016F000169DC0: {variable} is not set; right would be 32 hex digits"
    wrong = even(parsed(tmp_path, CIPHER_2025, feed, environment={variable: "12"}))
    assert "has 2 characters that are no key" in wrong.warnings[0]
    assert "12" not in repr(wrong.quarantined.rows()).replace("2012", "")
    seeing = even(parsed(tmp_path, CIPHER_2025, feed, environment={variable: KEY_2025.hex()}))
    assert said(seeing) == [("S1", "a21026", "rtd", 35.2, "mg/m3")]


# files


def test_gzip_and_what_is_no_log(tmp_path: Path) -> None:
    assert parsed(tmp_path, gzip.compress(frame(SO2))).accepted.height == 1
    with pytest.raises(Unreadable, match="damaged or cut off"):
        parsed(tmp_path, gzip.compress(frame(SO2) * 50)[:-9])
    packed = gzip.compress(frame(SO2) * 50)
    with pytest.raises(Unreadable, match="damaged or cut off"):
        parsed(tmp_path, packed[:20] + bytes([packed[20] ^ 0xFF]) + packed[21:])
    file = tmp_path / "receiver.log"
    file.write_bytes(gzip.compress(frame(SO2) + b"\0" * 100_000))
    with pytest.raises(Unreadable, match="unpacks to more than the 50,000 bytes"):
        parse_log(file, contract(), references(), PARK, max_bytes=50_000)
    for data in (b"", b"<html>log in</html>", b"text\n" * 9):
        with pytest.raises(Unreadable, match=r"no frame of HJ 212 \(##…\) stands in it"):
            parsed(tmp_path, data)


def test_a_log_of_refused_frames_only(tmp_path: Path) -> None:
    parse = even(parsed(tmp_path, frame(SO2).replace(b"35.2", b"35.3")))
    assert (parse.accepted.height, parse.quarantined.height) == (0, 1)
    assert parse.figures["channels"].is_empty()
    assert parse.figures["devices"].select("mn", "frames", "ok_frames", "bad_frames").rows() == [("M1", 1, 0, 1)]


def test_devices_are_worked_out_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"mn": f"M{number}", "point_id": f"S{number}"} for number in range(9)]
    against = references(point=[point(f"S{number}") for number in range(9)])
    log = b"".join(
        frame(values(a21026={"Avg": device + hour}), mn=f"M{device}", at=HOUR + timedelta(hours=hour), qn=f"202603021100{hour:02d}001")
        for hour in range(5)
        for device in range(10)
    )
    whole = even(parsed(tmp_path, log, contract(*rows), against))
    monkeypatch.setattr("pipelines.ingest.frames.reader._TOGETHER", 12)
    by_parts = even(parsed(tmp_path, log, contract(*rows), against))
    assert said(by_parts) == said(whole)
    assert sorted(why(by_parts)) == sorted(why(whole))
    assert by_parts.figures["devices"].equals(whole.figures["devices"])


_PIECES = st.one_of(
    st.sampled_from(
        [
            frame(SO2), frame(SO2, qn="20260302110015001"), frame(values(a21026={"Avg": 1, "Flag": "D"}), qn="20260302120005001"), frame(SO2, mn="NEW"),
            frame(values(**{"02": {"Avg": 9}}), dialect=Dialect.HJ_2005), frame(SO2, cn="2013"), frame(SO2, at=None), CIPHER_2025,
            frame(values(a21026={"Avg": "x", "Flag": "N"}, zz={"Odd": 1}), cn="2051"), frame(SO2).replace(b"35.2", b"35.3"), frame(SO2)[:60],
        ]
    ),
    st.binary(max_size=40),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(_PIECES, max_size=12).map(b"".join))
def test_whatever_stands_in_a_log_the_counts_come_out_even(tmp_path_factory: pytest.TempPathFactory, log: bytes) -> None:
    try:
        parse = parsed(tmp_path_factory.mktemp("log"), log)
    except Unreadable:
        return
    even(parse)
    assert parse.quarantined["reason"].null_count() == parse.quarantined["rule"].null_count() == 0
    key = list(parse.record.key)
    assert parse.accepted.select(key).is_duplicated().sum() == 0
