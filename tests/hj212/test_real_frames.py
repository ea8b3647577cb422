"""Frames captured in public repositories, with the verdicts that were worked out independently of this decoder."""

import json

import pytest

from pipelines.hj212 import CrcVariant, DeviceProfile, Devices, Verdict, decode_bytes, decode_files, decode_frame
from tests.realdata import realdata

WARNINGS = {
    "F00001": {"crc_lower_case"}, "F00005": {"crc_lower_case"}, "F00035": {"packet_digits"}, "F04577": {"data_time_17"}, "F04578": {"crc_lower_case"},
}  # fmt: skip
"""Tolerated deviations, found by reading the frames."""


def _known() -> list[dict]:
    lines = (realdata("hj212_frames") / "frames_permissive.jsonl").read_text(encoding="utf-8").splitlines()
    known = [json.loads(line) for line in lines]
    assert len(known) == 25
    return known


def _expected(known: dict) -> Verdict:
    if not known["len_ok"]:
        return Verdict.BAD_LENGTH
    return Verdict.OK if known["crc_ok"] else Verdict.BAD_CRC


def test_every_frame_has_its_verdict() -> None:
    for known in _known():
        decoded = decode_frame(known["frame"].encode() + b"\r\n")
        assert decoded.verdict is _expected(known), known["id"]
        assert (decoded.crc_declared or "").upper() == known["crc_declared"], known["id"]
        assert decoded.declared_length == known["len_declared"], known["id"]
        if known["len_ok"]:
            assert f"{decoded.crc_calculated:04X}" == known["crc_hj212"], known["id"]
            assert (decoded.crc_variant or "mismatch") == known["crc_kind"], known["id"]
        if decoded.verdict is not Verdict.OK:
            continue
        assert decoded.warnings == WARNINGS.get(known["id"], set()), known["id"]
        frame = decoded.frame
        assert frame is not None
        said = {"QN": frame.qn, "ST": frame.st, "CN": frame.cn, "PW": frame.password, "MN": frame.mn}
        assert said == {name: known[name] for name in said}, known["id"]
        assert frame.flag == (None if known["Flag"] is None else int(known["Flag"]))
        assert frame.pno == (None if known["PNO"] is None else int(known["PNO"]))


def test_values_are_those_of_the_independent_parser() -> None:
    for known in _known():
        decoded = decode_bytes(known["frame"].encode())
        if _expected(known) is not Verdict.OK:
            assert decoded.values.is_empty(), known["id"]
            continue
        found = {(row["factor"], row["field"]): row["value_text"] for row in decoded.values.iter_rows(named=True)}
        flags = {row["factor"]: row["flag"] for row in decoded.values.iter_rows(named=True) if row["flag"] is not None}
        attributes = ("Flag", "SampleTime", "EFlag")
        expected = {
            (factor, field): text
            for factor, fields in known["factors"].items()
            for field, text in fields.items()
            if field not in attributes
        }
        expected |= {(None, name): text for name, text in known["cp_fields"].items() if name != "DataTime"}
        assert found == expected, known["id"]
        assert flags == {factor: fields["Flag"] for factor, fields in known["factors"].items() if "Flag" in fields}, known["id"]


def test_the_file_as_a_whole() -> None:
    path = realdata("hj212_frames") / "frames_permissive.txt"
    decoded = decode_files([path])
    assert decoded.frames["verdict"].to_list() == [_expected(known).value for known in _known()]
    assert decoded.frames["line"].to_list() == list(range(1, 26))
    account = decoded.account.row(0, named=True)
    assert account["bytes"] == path.stat().st_size
    assert account["between_frames"] == 0


@pytest.mark.parametrize("variant", [CrcVariant.MODBUS_SWAPPED, CrcVariant.MODBUS])
def test_the_swapped_modbus_frame_with_a_profile(variant: CrcVariant) -> None:
    known = next(known for known in _known() if known["crc_kind"] == "modbus_swapped")
    decoded = decode_frame(known["frame"].encode(), Devices([DeviceProfile(mn="MP1", crc_variants=frozenset({variant}))]))
    assert decoded.verdict == ("ok" if variant is CrcVariant.MODBUS_SWAPPED else "bad_crc")
