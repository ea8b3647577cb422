"""Nights of a feed of devices: what spans two logs, who is registered later, and what a changed profile reads anew."""

from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.contracts.states import Admission, DeliveryOutcome
from pipelines.hj212 import split
from pipelines.hj212.codec import Frame, encode
from tests.hj212.vectors import CIPHER_2025, KEY_2025
from tests.ingest.frames.logs import HOUR, contract, frame, stamped, values
from tests.ingest.park import Park

SO2 = values(a21026={"Avg": 35.2, "Flag": "N"})
REGISTERED = {"mn": "M1", "point_id": "S1"}


@pytest.fixture
def devices(park: Park) -> Park:
    """A park whose only measurements come from devices; M1 is registered, points S1 and S2 are."""
    park.contracts = {"points": park.contracts["points"], "devices": contract(REGISTERED)}
    park.drop_points("S1", "S2")
    return park


def drop(park: Park, name: str, *frames: bytes) -> Path:
    file = park.settings.raw / "logs" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(stamped(frames))
    return file


def current(park: Park) -> list[tuple]:
    return park.con.execute(
        "select point_id, parameter_code, statistic, value from landing.reading where known_to is null order by all"
    ).fetchall()


def counts(park: Park) -> list[tuple[int, int, int, int]]:
    """(read, accepted, duplicate, quarantined) of every admitted delivery, in order."""
    rows = park.con.execute(
        "select rows_read, rows_accepted, rows_duplicate, rows_quarantined from audit.deliveries "
        "where feed_id = 'devices' and admission = 'admitted' order by known_at, path, parse_no"
    ).fetchall()
    assert all(read == accepted + duplicate + quarantined for read, accepted, duplicate, quarantined in rows)
    return rows


PACKETS = [
    encode(packet)
    for packet in split(
        Frame(
            st="31", cn="2061", mn="M1", qn="20260302110005001", flag=5,
            groups=((("DataTime", "20260302100000"),), *(((f"a{code}-Avg", "1.5"),) for code in (21026, 21002, 34013, 19001))),
        ),
        60,
    )
]  # fmt: skip


@pytest.mark.parametrize("together", [True, False], ids=["one night", "two nights"])
def test_a_message_cut_by_the_end_of_a_log_is_whole_in_landing(devices: Park, together: bool) -> None:
    drop(devices, "20260302.log", PACKETS[0])
    if not together:
        devices.night()
    drop(devices, "20260303.log", PACKETS[1], PACKETS[1])
    devices.night()
    assert current(devices) == [("S1", code, "avg", 1.5) for code in ("a19001", "a21002", "a21026", "a34013")]
    assert counts(devices) == [(2, 2, 0, 0), (4, 2, 2, 0)]


def test_what_another_log_repeats_is_a_duplicate_and_what_it_changes_a_revision(devices: Park) -> None:
    first, changed = frame(SO2), frame(values(a21026={"Avg": 36.0, "Flag": "N"}), qn="20260303110005001")
    drop(devices, "20260302.log", first, first)
    devices.night()
    drop(devices, "20260303.log", first)
    devices.night()
    assert counts(devices) == [(2, 1, 1, 0), (1, 0, 1, 0)]
    drop(devices, "20260304.log", changed)
    devices.night()
    assert current(devices) == [("S1", "a21026", "avg", 36.0)]
    assert devices.con.execute("select value from landing.reading where known_to is not null").fetchall() == [(35.2,)]


def test_late_history_touches_its_own_day(devices: Park) -> None:
    drop(devices, "20260302.log", frame(SO2))
    devices.night()
    drop(devices, "20260310.log", frame(SO2, at=HOUR - timedelta(days=20), qn="20260310110005001"))
    devices.night()
    days = devices.con.execute("select date_from from landing.touched where cause = 'reading' order by change_seq desc limit 1").fetchone()
    assert days == ((HOUR - timedelta(days=20)).date(),)


def test_a_device_that_is_registered_later_brings_its_data_in(devices: Park) -> None:
    drop(devices, "1.log", frame(SO2))
    drop(devices, "2.log", frame(SO2), frame(SO2, mn="NEW", at=HOUR + timedelta(hours=1)))
    results, _ = devices.night()
    waiting = [delivery for delivery in results["devices"].deliveries if delivery.rows_unresolved]
    assert [(delivery.path, delivery.rows_unresolved) for delivery in waiting] == [("logs/2.log", 1)]
    devices.contracts["devices"] = contract(REGISTERED, {"mn": "NEW", "point_id": "S2"})
    results, _ = devices.night()
    # The other log, in which it does not stand, is left alone.
    assert [(delivery.path, delivery.outcome) for delivery in results["devices"].deliveries] == [("logs/2.log", DeliveryOutcome.RESOLVED)]
    assert current(devices) == [("S1", "a21026", "avg", 35.2), ("S2", "a21026", "avg", 35.2)]
    assert not devices.night()[0]["devices"].deliveries


def test_a_changed_profile_reads_the_past_anew_where_it_reads_otherwise(devices: Park) -> None:
    drop(devices, "1.log", frame(SO2))
    drop(devices, "2.log", frame(values(a19001={"Avg": 11}), at=HOUR + timedelta(hours=1)))
    devices.night()
    devices.contracts["devices"] = contract(REGISTERED, {"mn": "M1", "code": "a21026", "unit": "ug/m3"})
    results, _ = devices.night()
    assert [(delivery.path, delivery.outcome) for delivery in results["devices"].deliveries] == [("logs/1.log", DeliveryOutcome.REPARSED)]
    assert current(devices) == [("S1", "a19001", "avg", 11.0), ("S1", "a21026", "avg", 0.0352)]


def test_a_key_that_comes_later_opens_what_waited(devices: Park, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = "PARK_AUDIT_HJ212_KEY_ONE"
    monkeypatch.delenv(variable, raising=False)
    devices.contracts["devices"] = contract({"mn": "010000A8900016F000169DC0", "point_id": "S1", "sm4_key_env": variable})
    drop(devices, "1.log", CIPHER_2025)
    results, _ = devices.night()
    assert "is not set" in (results["devices"].deliveries[0].reason or "")
    assert current(devices) == []
    monkeypatch.setenv(variable, KEY_2025.hex())
    devices.night()
    assert current(devices) == [("S1", "a21026", "rtd", 35.2)]
    stored = [path for path in devices.settings.home.rglob("*") if path.is_file()]
    assert not [path for path in stored if KEY_2025.hex().encode() in path.read_bytes() or KEY_2025 in path.read_bytes()]


def test_a_file_that_is_no_log_is_refused_by_itself(devices: Park) -> None:
    drop(devices, "1.log", frame(SO2))
    (devices.settings.raw / "logs" / "2.log").write_text("<html>portal</html>")
    results, _ = devices.night()
    refused = [delivery for delivery in results["devices"].deliveries if delivery.admission is Admission.REFUSED]
    assert [delivery.path for delivery in refused] == ["logs/2.log"]
    assert "HTML" in (refused[0].reason or "")
    assert current(devices) == [("S1", "a21026", "avg", 35.2)]
