"""Messages and readings: packets by both habits, revisions, periods and labels."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from pipelines.hj212 import (
    MESSAGE_COLUMNS,
    READING_COLUMNS,
    Assembled,
    DeviceProfile,
    Devices,
    Frame,
    Label,
    assemble,
    check_labels,
    decode_bytes,
    encode,
    hj212_crc,
)
from tests.hj212.vectors import HOUR_GAS, PACKET_1, PACKET_2, REALTIME_GAS

TIME = "20240115100000"


def frame(values: dict[str, str], **options: object) -> bytes:
    """An hourly upload of wastewater; options override the envelope."""
    flags = {"flag": 7 if "pnum" in options else 5, "st": "32", "cn": "2061", "mn": "M1", "qn": "20240115110001001"} | options
    time = str(flags.pop("data_time", TIME))
    groups = ((("DataTime", time),), *(((f"{factor}-Avg", value), (f"{factor}-Flag", "N")) for factor, value in values.items()))
    return encode(Frame(groups=groups, **flags))  # type: ignore[arg-type]


def assembled(*parts: bytes, devices: Devices | None = None, **options: object) -> Assembled:
    decoded = decode_bytes(b"".join(parts), devices=devices)
    return assemble(decoded.frames, decoded.values, devices=devices, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "qns", [("20240115110001534", "20240115110001535"), ("20240115110001534", "20240115110001534")], ids=["own qn", "one qn"]
)
@pytest.mark.parametrize("first", [1, 0])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_packets_are_merged_by_both_habits(qns: tuple[str, str], first: int, order: tuple[int, int]) -> None:
    packets = [
        frame({"w01018": "40.1"}, qn=qns[0], pnum=2, pno=first),
        frame({"w21003": "1.8"}, qn=qns[1], pnum=2, pno=first + 1),
    ]
    result = assembled(*(packets[index] for index in order))
    (message,) = result.messages.rows(named=True)
    assert (message["packets_announced"], message["packets_received"], message["packets_missing"]) == (2, 2, [])
    assert message["completeness"] == "complete"
    assert message["numbering"] == ("one_qn" if qns[0] == qns[1] else "qn_per_packet")
    assert message["counts_from"] == first
    assert sorted(result.readings["factor"].to_list()) == ["w01018", "w21003"]
    assert result.readings["complete"].all()
    assert result.readings["revision"].to_list() == [0, 0]


def test_the_vectors_packets() -> None:
    result = assembled(PACKET_1, PACKET_2)
    assert result.messages.select("numbering", "completeness", "frames").rows() == [("one_qn", "complete", 2)]
    assert result.readings.height == 8


def test_a_missing_packet_is_named_and_waited_for() -> None:
    stamp = b"2024-01-15 11:00:01 "
    packets = [stamp + frame({f"w0101{number}": "1"}, pnum=4, pno=number) for number in (1, 3)]
    (message,) = assembled(*packets).messages.rows(named=True)
    assert (message["completeness"], message["packets_missing"]) == ("incomplete", [2, 4])
    at = datetime(2024, 1, 15, 11, 5)
    assert assembled(*packets, as_of=at).messages["completeness"].to_list() == ["waiting"]
    assert assembled(*packets, as_of=at, wait=timedelta(minutes=4)).messages["completeness"].to_list() == ["incomplete"]
    assert not assembled(*packets).readings["complete"].any()


def test_a_repeated_packet_completes_nothing() -> None:
    packet = frame({"w01018": "40.1"}, pnum=2, pno=1)
    (message,) = assembled(packet, packet, packet).messages.rows(named=True)
    assert (message["frames"], message["repeats"], message["packets_missing"]) == (1, 2, [2])


def test_a_different_value_is_a_revision_and_the_same_is_none() -> None:
    result = assembled(
        frame({"w01018": "40.1", "w21003": "1.80"}),
        frame({"w01018": "40.1", "w21003": "1.80"}, qn="20240115110011001"),
        frame({"w01018": "41.0", "w21003": "1.8"}, qn="20240116110011001"),
        frame({"w01018": "40.1"}, qn="20240117110011001"),
    )
    rows = result.readings.select("factor", "value_number", "revision", "is_current", "frame_no").rows()
    assert rows == [
        ("w01018", 40.1, 0, False, 0),
        ("w01018", 41.0, 1, False, 2),
        ("w01018", 40.1, 2, True, 3),
        ("w21003", 1.8, 0, True, 0),
    ]
    (message,) = result.messages.rows(named=True)
    assert (message["frames"], message["repeats"], message["values_revised"]) == (3, 1, 2)


def test_a_flag_alone_may_be_revised() -> None:
    changed = frame({"w01018": "40.1"}, qn="20240116110011001").replace(b"Flag=N", b"Flag=D")
    changed = changed[:-6] + b"%04X\r\n" % hj212_crc(changed[6:-6])
    readings = assembled(frame({"w01018": "40.1"}), changed).readings
    assert readings.select("flag", "revision", "is_current").rows() == [("N", 0, False), ("D", 1, True)]


def test_factors_in_frames_of_their_own_are_no_revision() -> None:
    """Some devices send one factor a frame, all with the same DataTime and without packet numbers."""
    result = assembled(frame({"w01018": "40.1"}), frame({"w21003": "1.8"}))
    assert result.readings["revision"].to_list() == [0, 0]
    assert result.messages.select("frames", "values_revised", "numbering", "completeness").rows() == [(2, 0, "undivided", "complete")]


@pytest.mark.parametrize("label", list(Label))
def test_periods_follow_the_device_profile(label: Label) -> None:
    devices = Devices([DeviceProfile(mn="M1", label=label, minute_interval=5)])
    hour = timedelta(hours=1)
    at = datetime(2024, 1, 15, 10)
    lengths = {"2011": timedelta(0), "2051": timedelta(minutes=5), "2061": hour, "2031": 24 * hour}
    result = assembled(*(frame({"w01018": "40.1"}, cn=cn) for cn in lengths), devices=devices)
    for cn, start, end, start_utc in result.readings.select("cn", "period_start", "period_end", "period_start_utc").rows():
        expected = at - (lengths[cn] if label is Label.END else timedelta(0))
        assert (start, end, start_utc) == (expected, expected + lengths[cn], expected - 8 * hour)


def test_tables_are_as_documented() -> None:
    result = assembled(REALTIME_GAS, HOUR_GAS, PACKET_1)
    for table, columns in ((result.messages, MESSAGE_COLUMNS), (result.readings, READING_COLUMNS)):
        assert table.columns == [column.name for column in columns]
        for column in columns:
            assert table[column.name].dtype == column.dtype
            assert not (column.required and table[column.name].null_count())
            assert not column.allowed or set(table[column.name].drop_nulls()) <= set(column.allowed)
    nothing = assembled(b"no frame")
    assert nothing.messages.is_empty()
    assert nothing.readings.schema == result.readings.schema


def test_values_without_time_are_set_aside() -> None:
    beat = encode(Frame(st="32", cn="2011", mn="M1", qn="20240115110001001", flag=5, groups=((("w01018-Rtd", "1"),),)))
    result = assembled(beat, REALTIME_GAS)
    assert result.without_time["mn"].to_list() == ["M1"]
    assert result.messages.height == 1


def _labelled(shift: int, hours: int = 24) -> pl.DataFrame:
    """Hours of six minute values; the hour label is `shift` hours late."""
    parts = []
    start = datetime(2024, 1, 15)
    for hour in range(hours):
        level = (hour * 37 % 11) + 10
        for slot in range(6):
            time = start + timedelta(hours=hour, minutes=10 * slot)
            parts.append(frame({"w01018": str(level + slot)}, cn="2051", data_time=f"{time:%Y%m%d%H%M%S}"))
        time = start + timedelta(hours=hour + shift)
        parts.append(frame({"w01018": str(level + 2.5)}, data_time=f"{time:%Y%m%d%H%M%S}"))
    return assembled(*parts).readings


@pytest.mark.parametrize(("shift", "label"), [(0, "start"), (1, "end"), (5, None)])
def test_hour_labels_are_checked_against_minutes(shift: int, label: str | None) -> None:
    (checked,) = check_labels(_labelled(shift)).rows(named=True)
    assert checked["label"] == label
    if label is not None:
        assert checked[f"error_{label}"] == pytest.approx(0)


def test_few_hours_say_nothing() -> None:
    assert check_labels(_labelled(0, hours=6))["label"].to_list() == [None]
