"""The device profile: what its rows say, and that every problem is told at once with row, column and value."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.contracts.devices import COLUMNS, CrcVariant, DeviceRow, Dialect, Label, read_devices
from pipelines.contracts.feed import FeedContract, load_contracts
from pipelines.contracts.states import Statistic
from pipelines.hj212 import DeviceProfile, devices_of

GOOD = """\
mn,st,code,field,point_id,statistic,unit,valid_from,dialect,crc,label,utc_offset,minute_interval,retry_seconds,sm4_key_env
M1,,,,S1,,,2026-01-01,2025,hj212 modbus,end,-03:30,5,60,PARK_AUDIT_HJ212_KEY_M1

M1,31,a21026,,,,ug/m3,,,,,,,,
M2,,,,S2,,,,,,,,,,
M2,,w00000,Total,,register,,,,,,,,,
"""
CONTRACT = """\
feed_id: devices
record: reading
owner: desk@park.example
source: {hj212: {drop: "logs/*.log", devices: parks_devices.csv}}
source_kind: automatic
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "parks_devices.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


def test_rows_as_written(tmp_path: Path) -> None:
    rows, problems = read_devices(write(tmp_path, GOOD))
    assert problems == []
    assert [(row.row, row.mn, row.code) for row in rows] == [(2, "M1", None), (4, "M1", "a21026"), (5, "M2", None), (6, "M2", "w00000")]
    first = rows[0]
    assert (first.valid_from, first.dialect, first.label) == (date(2026, 1, 1), Dialect.HJ_2025, Label.END)
    assert first.crc == (CrcVariant.HJ212, CrcVariant.MODBUS)
    assert (first.utc_offset, first.minute_interval, first.retry_seconds) == (-timedelta(hours=3, minutes=30), 5, 60)
    assert rows[3].statistic is Statistic.REGISTER


def test_every_column_is_described() -> None:
    assert all(DeviceRow.model_fields[name].description for name in COLUMNS)


def test_profiles_of_the_protocol_follow_from_the_rows(tmp_path: Path) -> None:
    rows, _ = read_devices(write(tmp_path, GOOD))
    devices, missing = devices_of(rows, {"PARK_AUDIT_HJ212_KEY_M1": "30" * 16})
    assert missing == []
    assert devices.of("M1") == DeviceProfile(
        mn="M1", dialect=Dialect.HJ_2025, crc_variants=frozenset({CrcVariant.HJ212, CrcVariant.MODBUS}), sm4_key=b"0" * 16, label=Label.END,
        utc_offset=-timedelta(hours=3, minutes=30), minute_interval=5, retry_window=timedelta(seconds=60),
    )  # fmt: skip
    assert devices.of("M2") == DeviceProfile(mn="M2")
    devices, missing = devices_of(rows, {})
    assert devices.of("M1").sm4_key is None
    assert missing == ["device M1: PARK_AUDIT_HJ212_KEY_M1 is not set; right would be 32 hex digits"]


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        ("M 1,,,,S1", "mn", "String should match pattern"),
        ("M1,311,,,S1", "st", "String should match pattern"),
        ("M1,,,,", "point_id", "neither this row nor the device's own names a point of M1"),
        ("M1,,a21026,,S1", "code", "device M1 has no row of its own"),
        ("M1,,,,S1,,,,xmodem", "dialect", "right would be '2005', '2017' or '2025'"),
        ("M1,,,,S1,,,,,hj212 xmodem", "crc", "right would be 'hj212', 'hj212_swapped', 'modbus' or 'modbus_swapped'"),
        ("M1,,,,S1,,,,,,middle", "label", "right would be 'start' or 'end'"),
        ("M1,,,,S1,,,,,,,8", "utc_offset", "as +08:00"),
        ("M1,,,,S1,,,,,,,,7", "(the row)", "minute_interval 7 is none of 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30"),
        ("M1,,,,S1,,,,,,,,,x", "retry_seconds", "valid integer"),
        ("M1,,,,S1,,,,,,,,,,MY_KEY", "sm4_key_env", "String should match pattern"),
        ("M1,,,,S1,avg", "(the row)", "statistic belong to a row with a code"),
        ("M1,,,,S1,,,2026-13-01", "valid_from", "date"),
        ("M1,,,,S1,,,,,,,,,,,9", "(the row)", "has 16 cells; the header has 15"),
        ("M1,,a21026,,S1,,,,2017\nM1,,,,S1", "(the row)", "dialect belong to the device's own row"),
        ("M1,,a21026,,S1,avg\nM1,,,,S1", "(the row)", "name the field too"),
        ("M1,,,,S1\nM1,,,,S2", "mn", "M1 stands in row 2 too, for the same dates"),
        ("M1,,,,S1,,,2026-01-01,2017\nM1,31,,,S2,,,,2025", "dialect", "device M1 has another in an earlier row"),
    ],
)
def test_a_row_that_is_wrong_says_why(line: str, column: str, words: str, tmp_path: Path) -> None:
    header = GOOD.splitlines()[0]
    width = header.count(",")
    padded = "\n".join(row + "," * max(width - row.count(","), 0) for row in line.split("\n"))
    _, problems = read_devices(write(tmp_path, f"{header}\n{padded}\n"))
    assert [problem.column for problem in problems] == [column], problems
    assert words in problems[0].message


@pytest.mark.parametrize(
    ("header", "words"),
    [("st,code", "the header needs it; columns are mn, st, code"), ("mn,points", "no such column; columns are mn"), ("mn,mn", "stands twice"), ("", "needs it")],
)  # fmt: skip
def test_a_header_that_is_wrong_says_why(header: str, words: str, tmp_path: Path) -> None:
    rows, problems = read_devices(write(tmp_path, f"{header}\nM1,2\n"))
    assert not rows
    assert any(words in problem.message for problem in problems)


def test_all_problems_come_together_under_the_feeds_name(tmp_path: Path) -> None:
    (tmp_path / "devices.yaml").write_text(CONTRACT, encoding="utf-8")
    write(tmp_path, "mn,point_id,label\nM 1,S1,\nM2,S1,middle\nM3,,\n")
    contracts, problems = load_contracts(tmp_path)
    assert contracts == []
    assert {problem.file for problem in problems} == {"devices.yaml"}
    where = "source.hj212.devices: parks_devices.csv row"
    assert [(problem.key, problem.value) for problem in problems] == [
        (f"{where} 2: mn", "'M 1'"), (f"{where} 3: label", "'middle'"), (f"{where} 4: point_id", "'(empty)'"),
    ]  # fmt: skip
    assert str(problems[1]) == f"devices.yaml: {where} 3: label = 'middle': right would be 'start' or 'end'"


def loaded(folder: Path, devices: str, contract: str = CONTRACT) -> FeedContract:
    (folder / "devices.yaml").write_text(contract, encoding="utf-8")
    write(folder, devices)
    [one], problems = load_contracts(folder)
    assert problems == []
    return one


def test_devices_come_with_the_contract_and_are_no_part_of_its_fingerprint(tmp_path: Path) -> None:
    few = loaded(tmp_path, "mn,point_id\nM1,S1\n")
    assert few.source.drop == "logs/*.log"
    assert [row.mn for row in few.source.hj212.device_rows] == ["M1"]
    more = loaded(tmp_path, "mn,point_id\nM1,S1\nM2,S2\n")
    assert more.fingerprint == few.fingerprint
    assert more.model_dump_json() != few.model_dump_json()  # what a build compares to know whether contracts have changed
    less = CONTRACT.replace("}}", ', commands: ["2061"]}}')
    assert loaded(tmp_path, "mn,point_id\nM1,S1\n", less).fingerprint != few.fingerprint


def test_rows_are_not_written_into_a_contract(tmp_path: Path) -> None:
    text = CONTRACT.replace("}}", ', device_rows: [{mn: "M1"}]}}')
    (tmp_path / "devices.yaml").write_text(text, encoding="utf-8")
    contracts, problems = load_contracts(tmp_path)
    assert contracts == []
    assert problems[0].message == "no such key; devices stand in parks_devices.csv"
