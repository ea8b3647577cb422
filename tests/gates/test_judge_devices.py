"""Gate A on logs of devices: each trouble is seen at the device or channel that has it, and costs nobody else their data."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipelines.contracts.states import Admission, GateStatus
from pipelines.gates.runner import judge_deliveries
from pipelines.gates.verdicts import Verdict, admits
from pipelines.hj212 import CrcVariant
from pipelines.ingest.feed import ingest_feed
from pipelines.ingest.lake import Lake
from pipelines.ingest.load import load_delivery, pending_deliveries
from pipelines.ingest.references import references_from_landing
from pipelines.warehouse.connection import open_warehouse
from tests.gates.conftest import Park, SettingsWithSuites
from tests.ingest.frames.logs import contract, frame, values
from tests.ingest.park import Park as Nights

DAY = datetime(2026, 3, 2)
HOUR, SLOT = timedelta(hours=1), timedelta(minutes=10)
DEVICES = ("GOOD", "DAMAGED", "SILENT", "AHEAD", "OFF", "JUMP", "LABEL", "SPLIT", "CRC", "ORDER", "TOTAL", "OXYGEN", "ROLLED")


@dataclass
class Log:
    """Frames with the moment at which they are received; a device sends when its period has ended."""

    sent: list[tuple[datetime, bytes]] = field(default_factory=list)

    def send(
        self, mn: str, ends: datetime, factors: dict, *, clock: timedelta = timedelta(), damaged: bool = False, **more: object
    ) -> None:
        received = ends + timedelta(seconds=5)
        length = SLOT if more.get("cn") == "2051" else HOUR
        more.setdefault("at", ends - length)
        data = frame(factors, mn=mn, qn=f"{received + clock:%Y%m%d%H%M%S}000", **more)  # type: ignore[arg-type]
        self.sent.append((received, data.replace(b"Avg=", b"Avg=9", 1) if damaged else data))

    def bytes(self) -> bytes:
        lines = [f"{received:%Y-%m-%d %H:%M:%S} ".encode() + data for received, data in sorted(self.sent, key=lambda one: one[0])]
        return b"".join(lines)


def hour_of_gas(hour: int, **changes: dict) -> dict:
    """An hour that holds together: 36,000 m3/h, SO2 30 to 30.9 mg/m3, O2 11 % and a reference of 9 %."""
    so2, oxygen = 30 + hour % 10 / 10, 11 + hour % 5 / 10
    gas = values(
        a00000={"Cou": 36000, "Min": 9.5, "Avg": "10.00", "Max": 10.4},
        a21026={
            "Cou": f"{so2 * 36000e-6:.4f}", "Min": so2 - 2, "Avg": f"{so2:.2f}", "Max": so2 + 2, "ZsAvg": f"{so2 * 12 / (21 - oxygen):.3f}", "Flag": "N",
        },
        a19001={"Avg": f"{oxygen:.2f}"},
    )  # fmt: skip
    for code, fields in changes.items():
        gas[code] = gas[code] | fields
    return gas


def a_day() -> bytes:
    log = Log()
    for hour in range(24):
        ends = DAY + (hour + 1) * HOUR
        gas = hour_of_gas(hour)
        for mn in ("GOOD", "AHEAD", "OFF", "JUMP", "CRC", "STRANGER"):
            clock = {"OFF": timedelta(minutes=-20), "JUMP": timedelta(hours=-1) if hour >= 12 else timedelta()}.get(mn, timedelta())
            more: dict[str, object] = {"crc": CrcVariant.MODBUS} if mn == "CRC" and hour % 2 else {}
            log.send(mn, ends, gas, clock=clock, **more | ({"at": ends + 2 * HOUR} if mn == "AHEAD" else {}))
        for part in range(4):
            log.send("DAMAGED", ends + part * timedelta(seconds=1), gas, damaged=part == 0)
        log.send("SPLIT", ends, values(a21026={"Avg": 30}), pnum=2, pno=1)
        log.send("ORDER", ends, hour_of_gas(hour, a21026={"Min": 99}))
        log.send("TOTAL", ends, hour_of_gas(hour, a21026={"Cou": "1.9"}))
        log.send("OXYGEN", ends, hour_of_gas(hour, a21026={"ZsAvg": 42.5 + hour % 3}))
        level = 20 + hour * 7 % 13
        for slot in range(6):
            for mn in ("LABEL", "ROLLED"):
                log.send(mn, ends - HOUR + (slot + 1) * SLOT, values(a21026={"Avg": level + slot, "Flag": "N"}), cn="2051")
        log.send("LABEL", ends, values(a21026={"Avg": level + 2.5, "Flag": "N"}), at=ends)
        log.send("ROLLED", ends, values(a21026={"Avg": (level + 2.5) * 1.2, "Flag": "D"}))
    return log.bytes()


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory, home_template: Path) -> Iterator[Nights]:
    home = shutil.copytree(home_template, tmp_path_factory.mktemp("devices") / "home")
    settings = SettingsWithSuites(home=home, feeds_dir=home / "feeds", threads=2, memory_limit="1GB")
    with open_warehouse(settings) as con:
        park = Nights(settings, con)
        park.contracts = {"points": park.contracts["points"], "devices": contract(*(registered(mn) for mn in DEVICES))}
        park.drop_points(*(f"P-{mn}" for mn in DEVICES))
        yield park


def registered(mn: str) -> dict[str, object]:
    return {"mn": mn, "point_id": f"P-{mn}"} | ({"crc": "hj212 modbus"} if mn == "CRC" else {})


def judge(park: Nights, **logs: bytes) -> dict[str, list[Verdict]]:
    """Take logs in and judge what waits; verdicts by the log's name. What is admitted is loaded."""
    for name, data in logs.items():
        file = park.settings.raw / "logs" / f"{name}.log"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    park.nights += 1
    received = DAY + timedelta(days=park.nights, hours=2)
    for feed in park.contracts.values():
        references = references_from_landing(park.con, park.standards)
        ingest_feed(park.con, park.settings, feed, references, park.build_id, received)
        for delivery in pending_deliveries(park.con):
            if feed.record_type.is_register:
                load_delivery(park.con, park.settings, delivery, Admission.ADMITTED, build_id=park.build_id)
    waiting, lake = {delivery.delivery_id: delivery for delivery in pending_deliveries(park.con)}, Lake(park.settings.lake)
    said = judge_deliveries(
        park.con, park.settings, park.build_id, waiting, lambda delivery_id: lake.accepted_file(waiting[delivery_id]), park.contracts
    )
    for delivery_id, delivery in waiting.items():
        if admits(said[delivery_id]):
            load_delivery(park.con, park.settings, delivery, Admission.ADMITTED, build_id=park.build_id)
    return {Path(waiting[delivery_id].path).stem: verdicts for delivery_id, verdicts in said.items()}


def troubles(verdicts: list[Verdict], suite: str, of: str) -> set[tuple[str, str]]:
    """(column, whose) of every row that a rule of the suite names."""
    return {
        (verdict.column_name or "", row[of])
        for verdict in verdicts
        if verdict.suite == suite and verdict.failing_rows
        for row in json.loads(verdict.failing_rows)
    }


def test_each_trouble_is_seen_where_it_is_and_nobody_is_held_back(nights: Nights) -> None:
    verdicts = judge(nights, day=a_day())["day"]
    assert not [verdict for verdict in verdicts if verdict.status in (GateStatus.FAIL, GateStatus.ERROR)]
    assert admits(verdicts)
    assert troubles(verdicts, "gate_hj212_device", "mn") == {
        ("bad_share", "DAMAGED"), ("is_silent", "SILENT"), ("hours_ahead", "AHEAD"), ("clock_off_s", "OFF"), ("clock_off_s", "JUMP"),
        ("clock_step_s", "JUMP"), ("is_mislabelled", "LABEL"), ("incomplete_share", "SPLIT"), ("crc_variants", "CRC"),
    }  # fmt: skip
    assert troubles(verdicts, "gate_hj212_channel", "point_id") == {
        ("order_broken_share", "P-ORDER"), ("total_deviation", "P-TOTAL"), ("reference_oxygen_deviation", "P-OXYGEN"), ("rolled_up_deviation", "P-ROLLED"),
        ("rolled_up_flags_differ, rolled_up_periods", "P-ROLLED"),
        # its hours stand one hour off, so that they agree with no minutes
        ("rolled_up_deviation", "P-LABEL"),
    }  # fmt: skip
    warned = {verdict.column_name for verdict in verdicts if verdict.suite == "gate_hj212_delivery" and verdict.status == GateStatus.WARN}
    assert warned == {"unknown_devices", "bad_share"}
    whole = {
        verdict.observed for verdict in verdicts if verdict.suite == "gate_hj212_delivery" and verdict.column_name == "unknown_devices"
    }
    assert whole == {"unknown_devices = 1"}


def test_a_device_that_another_log_heard_was_not_silent(nights: Nights) -> None:
    """Waiting together or loaded before: silence is judged over all of the feed's logs of the same days."""

    def hours(mn: str, day: int) -> bytes:
        log = Log()
        for hour in range(24):
            log.send(mn, DAY + timedelta(days=day) + (hour + 1) * HOUR, hour_of_gas(hour))
        return log.bytes()

    together = judge(nights, a=hours("GOOD", 10), b=hours("OFF", 10))
    silent = {
        name: {mn for column, mn in troubles(said, "gate_hj212_device", "mn") if column == "is_silent"} for name, said in together.items()
    }
    assert silent == {"a": set(DEVICES) - {"GOOD", "OFF"}, "b": set(DEVICES) - {"GOOD", "OFF"}}
    later = judge(nights, c=hours("CRC", 10))["c"]
    assert {mn for column, mn in troubles(later, "gate_hj212_device", "mn") if column == "is_silent"} == set(DEVICES) - {
        "GOOD",
        "OFF",
        "CRC",
    }
    another_day = judge(nights, d=hours("CRC", 11))["d"]
    assert {mn for column, mn in troubles(another_day, "gate_hj212_device", "mn") if column == "is_silent"} == set(DEVICES) - {"CRC"}


def test_a_log_that_is_mostly_damaged_is_held_back(nights: Nights) -> None:
    log = Log()
    for hour in range(24):
        log.send("GOOD", DAY + timedelta(days=20) + (hour + 1) * HOUR, hour_of_gas(hour), damaged=hour % 3 > 0)
    verdicts = judge(nights, damaged=log.bytes())["damaged"]
    assert not admits(verdicts)
    failed = {(verdict.suite, verdict.column_name) for verdict in verdicts if verdict.status == GateStatus.FAIL}
    assert ("gate_hj212_delivery", "bad_share") in failed


def test_other_feeds_know_nothing_of_devices(park: Park, settings: SettingsWithSuites) -> None:
    verdicts = judge_deliveries(park.con, settings, "b1", [park.deliver("d1")], park.path)
    assert {verdict.suite for verdict in verdicts["d1"]} == {"gate_delivery_profile", "gate_channel_profile"}
