"""One frame: the vectors' verdicts, dialects, tolerated errata, refusals, and reading back what was written."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.hj212 import (
    CrcVariant,
    DeviceProfile,
    Devices,
    Dialect,
    EncodeError,
    Frame,
    Verdict,
    crc,
    data_answer,
    decode_frame,
    decrypt_area,
    encode,
    encrypt_area,
    flag_for,
    split,
)
from pipelines.hj212.codec import number
from tests.hj212.vectors import ANSWER, CIPHER_2025, HOUR_GAS, KEY_2025, PLAIN_2025, REALTIME_GAS, VECTORS, Vector

MN = "010000A8900016F000169DC0"


def wrapped(segment: str | bytes, variant: CrcVariant = CrcVariant.HJ212) -> bytes:
    """A frame around a data segment, with length and CRC right."""
    data = segment.encode() if isinstance(segment, str) else segment
    return b"##%04d" % len(data) + data + b"%04X\r\n" % crc(data, variant)


def upload(area: str, head: str = f"QN=20240115100000123;ST=32;CN=2011;PW=123456;MN={MN};Flag=5;") -> bytes:
    return wrapped(f"{head}CP=&&{area}&&")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_vectors(vector: Vector) -> None:
    decoded = decode_frame(vector.frame)
    assert decoded.verdict == vector.verdict
    assert decoded.crc_variant == vector.variant
    assert decoded.size == len(vector.frame)
    assert (decoded.reason is None) == (vector.verdict == "ok")
    assert (decoded.frame is None) == (vector.verdict == "bad_crc")
    if vector.right is not None:
        assert decoded.crc_calculated == vector.right
        assert f"{vector.right:04X} is right" in (decoded.reason or "")


@pytest.mark.parametrize("vector", [v for v in VECTORS if v.variant == "modbus"], ids=lambda vector: vector.name)
def test_another_crc_needs_the_profiles_leave(vector: Vector) -> None:
    allowing = Devices([DeviceProfile(mn="ABCDEFG1234567", crc_variants=frozenset({CrcVariant.MODBUS}))])
    assert decode_frame(vector.frame, allowing).verdict is Verdict.OK
    other = Devices([DeviceProfile(mn="ABCDEFG1234568", crc_variants=frozenset({CrcVariant.MODBUS}))])
    assert decode_frame(vector.frame, other).verdict is Verdict.BAD_CRC
    assert "modbus" in (decode_frame(vector.frame).reason or "")


def test_a_device_of_another_crc_is_refused_with_the_protocols_own() -> None:
    devices = Devices([DeviceProfile(mn=MN, crc_variants=frozenset({CrcVariant.MODBUS}))])
    assert decode_frame(REALTIME_GAS, devices).verdict is Verdict.BAD_CRC


@pytest.mark.parametrize("variant", list(CrcVariant))
def test_every_variant_is_named(variant: CrcVariant) -> None:
    frame = encode(Frame(st="31", cn="2011", mn="X1", flag=4, qn="20240115100000123"), crc_variant=variant)
    assert decode_frame(frame).crc_variant is variant


def test_what_a_frame_says() -> None:
    decoded = decode_frame(HOUR_GAS)
    frame = decoded.frame
    assert frame is not None
    assert (frame.st, frame.cn, frame.mn, frame.qn, frame.flag, frame.password) == ("31", "2061", MN, "20240115110001001", 5, "123456")
    assert frame.data_time == "20240115100000"
    assert frame.groups[2][0] == ("a21026-Cou", "1.267")
    assert (decoded.declared_length, decoded.crc_declared, decoded.crc_calculated) == (327, "D581", 0xD581)
    assert decoded.warnings == frozenset()
    assert "123456" not in repr(decoded).replace("20240115110001001", "")


@pytest.mark.parametrize(
    ("flag", "dialect"), [(None, "2005"), (0, "2005"), (3, "2005"), (4, "2017"), (7, "2017"), (8, "2025"), (11, "2025")]
)
def test_the_dialect_is_told_by_the_flag_or_forced(flag: int | None, dialect: str) -> None:
    packets = {"pnum": 2, "pno": 1} if flag is not None and flag & 2 else {}
    data = encode(Frame(st="31", cn="2011", mn="X1", qn="20240115100000123", flag=flag, **packets))
    assert decode_frame(data).dialect == dialect
    forced = Devices([DeviceProfile(mn="X1", dialect=Dialect.HJ_2017)])
    decoded = decode_frame(data, forced)
    assert decoded.dialect is Dialect.HJ_2017
    assert ("flag_missing" in decoded.warnings) == (flag is None)


ERRATA = {
    "factor_letter_missing": upload("DataTime=20240115100000;w01018-SampleTime=20240115095000,01018-Rtd=2.2"),
    "comma_for_semicolon": upload(
        "DataTime=20240115100000;w01018-Rtd=2.2", f"QN=20160801085857534,ST=32;CN=2011;PW=123456;MN={MN};Flag=5;"
    ),
    "separator_before_cp": upload("DataTime=20240115100000;w01018-Rtd=2.2", f"QN=20160801085857534;ST=32;CN=2011;PW=123456;MN={MN};Flag=5"),
    "empty_field": upload("DataTime=20240115100000;w01018-Rtd=2.2", f"QN=20160801085857534;ST=32;CN=2011;PW=123456;,MN={MN};Flag=5;"),
    "blanks": upload("DataTime=20240115100000; w01018-Rtd = 2.2 ,w01018-Flag=N"),
    "empty_item": upload("DataTime=20240115100000;w01018-Rtd=2.2;"),
    "data_time_17": upload("DataTime=20240115100000123;w01018-Rtd=2.2"),
    "unknown_field": upload("DataTime=20240115100000;w01018-Rtd=2.2", f"QN=20160801085857534;ST=32;CN=2011;MN={MN};Flag=5;VER=2;"),
    "unknown_flag": upload("DataTime=20240115100000;w01018-Rtd=2.2,w01018-Flag=X"),
    "not_a_number": upload("DataTime=20240115100000;w01018-Rtd=--,w01018-Flag=D"),
    "no_data_time": upload("w01018-Rtd=2.2"),
    "qn_form": upload("DataTime=20240115100000;w01018-Rtd=2.2", f"QN=2016080108585753;ST=32;CN=2011;MN={MN};Flag=5;"),
    "qn_missing": upload("DataTime=20240115100000;w01018-Rtd=2.2", f"ST=32;CN=2011;MN={MN};Flag=5;"),
    "packet_bit": upload("DataTime=20240115100000;w01018-Rtd=2.2", f"QN=20160801085857534;ST=32;CN=2011;MN={MN};Flag=5;PNUM=2;PNO=1;"),
    "packet_digits": upload(
        "DataTime=20240115100000;w01018-Rtd=2.2", f"QN=20160801085857534;ST=32;CN=2011;MN={MN};Flag=7;PNO=0002;PNUM=0002;"
    ),
    "packet_numbers_incomplete": upload(
        "DataTime=20240115100000;w01018-Rtd=2.2", f"QN=20160801085857534;ST=32;CN=2011;MN={MN};Flag=5;PNO=1;"
    ),
    "rf_outside_2025": upload("DataTime=20240115100000;w01018-Rtd=2.2", f"QN=20160801085857534;ST=32;CN=2011;MN={MN};Flag=5;RF=1;"),
    "unknown_version": upload("DataTime=20240115100000;w01018-Rtd=2.2", f"QN=20160801085857534;ST=32;CN=2011;MN={MN};Flag=13;"),
    "mn_over_long": upload("DataTime=20240115100000;w01018-Rtd=2.2", f"QN=20160801085857534;ST=32;CN=2011;MN={MN}0;Flag=5;"),
    "over_long": upload("DataTime=20240115100000;" + ";".join(f"w0{n:04d}-Rtd=1.00" for n in range(60))),
    "gbk_text": wrapped(f"ST=32;CN=3020;MN={MN};CP=&&DataTime=20240115100000;i11001-Info=清洗&&".encode("gbk")),
    "crc_lower_case": REALTIME_GAS.replace(b"09C0", b"09c0"),
    "length_three_digits": REALTIME_GAS.replace(b"##0311", b"##311"),
    "no_tail": REALTIME_GAS.rstrip() + b" from 10.0.0.7",
    "tail_spelled": REALTIME_GAS.rstrip() + rb"\r\n",
}


@pytest.mark.parametrize("warning", sorted(ERRATA))
def test_errata_are_tolerated_with_a_warning(warning: str) -> None:
    decoded = decode_frame(ERRATA[warning])
    assert decoded.verdict is Verdict.OK, decoded.reason
    assert warning in decoded.warnings
    assert decoded.frame is not None
    assert decoded.frame.groups


def test_errata_keep_the_values() -> None:
    for warning in ("factor_letter_missing", "blanks", "empty_item", "data_time_17", "comma_for_semicolon", "empty_field"):
        frame = decode_frame(ERRATA[warning]).frame
        assert frame is not None
        assert ("w01018-Rtd", "2.2") in [item for group in frame.groups for item in group]
        assert (frame.data_time, frame.mn) == ("20240115100000", MN)


def test_unknown_keys_are_kept() -> None:
    frame = decode_frame(
        upload("DataTime=20240115100000;a01006-ValidNum=10,a01006-Odd=x y;Mood=good", f"ST=31;CN=2051;MN={MN};VER=2;")
    ).frame  # fmt: skip
    assert frame is not None
    assert frame.extra == (("VER", "2"),)
    assert frame.groups[1:] == ((("a01006-ValidNum", "10"), ("a01006-Odd", "x y")), (("Mood", "good"),))


_HEAD = f"QN=20240115100000123;ST=32;CN=2011;PW=123456;MN={MN};Flag=5;"
REFUSED = {
    "no data area": wrapped(_HEAD.rstrip(";")),
    "&& inside": upload("DataTime=20240115100000;w01018-Rtd=2.2&&;x=1"),
    "not written name=value": upload("DataTime=20240115100000;w01018-Rtd2.2"),
    "contains =": upload("DataTime=20240115100000;w01018-Rtd=2=2"),
    "control character": upload("DataTime=20240115100000;w01018-Rtd=2\x012"),
    "DataTime = '20241315100000'": upload("DataTime=20241315100000;w01018-Rtd=2.2"),
    "DataTime = '2024011510'": upload("DataTime=2024011510;w01018-Rtd=2.2"),
    "several DataTime": upload("DataTime=20240115100000;w01018-Rtd=2.2;DataTime=20240115110000;w01018-Rtd=2.3"),
    "two flags": upload("DataTime=20240115100000;w01018-Rtd=2.2,w01018-Flag=N;w01018-Flag=D"),
    "MN is missing": upload("", "ST=32;CN=2011;"),
    "ST is missing": upload("", f"CN=2011;MN={MN};"),
    "CN = '20'": upload("", f"ST=32;CN=20;MN={MN};"),
    "Flag = '300'": upload("", f"ST=32;CN=2011;MN={MN};Flag=300;"),
    "packet 3 of 2": upload("", f"ST=32;CN=2011;MN={MN};Flag=7;PNUM=2;PNO=3;"),
    "RF = '0'": upload("", f"QN=20240115100000123;ST=32;CN=2011;MN={MN};Flag=9;RF=0;"),
    "has MN twice": upload("", f"ST=32;CN=2011;MN={MN};MN={MN};"),
    "neither UTF-8 nor GBK": wrapped(f"ST=32;CN=2011;MN={MN};CP=&&x=".encode() + b"\xff\xff&&"),
}


@pytest.mark.parametrize("reason", sorted(REFUSED))
def test_bad_grammar_says_why(reason: str) -> None:
    decoded = decode_frame(REFUSED[reason])
    assert decoded.verdict is Verdict.BAD_GRAMMAR
    assert reason in (decoded.reason or "")
    assert decoded.frame is None


def test_a_password_without_its_sign_is_not_quoted() -> None:
    decoded = decode_frame(upload("", f"ST=32;CN=2011;PW123456;MN={MN};"))
    assert decoded.verdict is Verdict.BAD_GRAMMAR
    assert "123456" not in (decoded.reason or "")


@pytest.mark.parametrize(
    ("text", "value"), [("1.50", 1.5), ("-3", -3.0), ("+.5", 0.5), ("1e3", 1000.0), ("", None), ("nan", None), ("inf", None), ("1e999", None),
                        ("1_0", None), ("١", None), ("0x10", None)],
)  # fmt: skip
def test_numbers(text: str, value: float | None) -> None:
    assert number(text) == value


def test_sm4_vector_of_the_national_standard() -> None:
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    notation = b"{" + b",".join(b"0x%02X" % byte for byte in bytes.fromhex("681edf34d206965e86b3e94f536e4246")) + b"}"
    assert encrypt_area(key, key) == notation
    assert decrypt_area(notation, key) == key


def test_encryption_of_2025() -> None:
    with_key = Devices([DeviceProfile(mn=MN, sm4_key=KEY_2025)])
    plain, cipher = decode_frame(PLAIN_2025).frame, decode_frame(CIPHER_2025, with_key)
    assert plain is not None
    assert cipher.verdict is Verdict.OK
    assert cipher.frame == plain
    assert encode(plain, key=KEY_2025) == CIPHER_2025
    wrong = decode_frame(CIPHER_2025, Devices([DeviceProfile(mn=MN, sm4_key=b"1" * 16)]))
    assert wrong.verdict is Verdict.BAD_CRC
    assert "another key" in (wrong.reason or "")
    blind = decode_frame(CIPHER_2025)
    assert blind.verdict is Verdict.ENCRYPTED_UNVERIFIED
    assert blind.frame is not None
    assert (blind.frame.mn, blind.frame.groups) == (MN, ())


@pytest.mark.parametrize(
    ("area", "reason"), [("{0x3E,0x52}", "groups of 16"), ("{0x3E;0x52}", "not written"), ("{" + ",".join(["0x00"] * 16) + "}" + "x" * 16, "remain")]
)  # fmt: skip
def test_a_malformed_cipher_is_bad_grammar(area: str, reason: str) -> None:
    decoded = decode_frame(upload(area, f"QN=20260115100000123;ST=31;CN=2011;MN={MN};Flag=9;"))
    assert decoded.verdict is Verdict.BAD_GRAMMAR
    assert reason in (decoded.reason or "")


def test_other_dialects_know_no_encryption() -> None:
    devices = Devices([DeviceProfile(mn=MN, dialect=Dialect.HJ_2017, sm4_key=KEY_2025)])
    decoded = decode_frame(CIPHER_2025, devices)
    assert decoded.verdict is Verdict.BAD_CRC
    assert "looks encrypted" in (decoded.reason or "")


def test_the_key_is_never_shown() -> None:
    profile = DeviceProfile(mn=MN, sm4_key=b"sixteen bytes!!!")
    assert "sixteen" not in repr(profile)
    with pytest.raises(ValueError, match="has 3 bytes; it has 16"):
        DeviceProfile(mn=MN, sm4_key=b"abc")


def test_profiles_are_checked() -> None:
    with pytest.raises(ValueError, match="two profiles"):
        Devices([DeviceProfile(mn="A"), DeviceProfile(mn="A")])
    with pytest.raises(ValueError, match="minute_interval = 7"):
        DeviceProfile(mn="A", minute_interval=7)
    with pytest.raises(ValueError, match="not a valid"):
        DeviceProfile(mn="A", crc_variants=frozenset({"xmodem"}))  # type: ignore[arg-type]
    assert DeviceProfile(mn="A").utc_offset == timedelta(hours=8)


def test_the_answer_echoes_the_request() -> None:
    frame = decode_frame(HOUR_GAS).frame
    assert frame is not None
    assert encode(data_answer(frame)) == ANSWER


_WORD = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789", min_size=1, max_size=8)
_TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S"), exclude_characters=";,=&"), max_size=12)
_NUMBERS = st.decimals(min_value=-99999, max_value=99999, places=3).map(str)
_FACTOR = st.sampled_from(["a21026", "a21002", "a34013", "w01018", "w00000", "B01", "011", "02", "SB1"])
_FIELD = st.sampled_from(["Rtd", "Avg", "Min", "Max", "Cou", "ZsAvg", "ZsRtd", "ValidNum", "Odd"])


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    """Frames by the book and beside it, in every dialect."""
    dialect = draw(st.sampled_from(list(Dialect)))
    pnum = draw(st.none() | st.integers(1, 9))
    flag = draw(st.none() | st.just(flag_for(dialect, answer=draw(st.booleans()), packets=pnum is not None)))
    if dialect is not Dialect.HJ_2005 and flag is None:
        flag = flag_for(dialect, packets=pnum is not None)
    groups = [(("DataTime", draw(st.datetimes()).strftime("%Y%m%d%H%M%S").zfill(14)),)] if draw(st.booleans()) else []
    for factor in draw(st.lists(_FACTOR, unique=True, max_size=6)):
        items = [(f"{factor}-{field}", draw(_NUMBERS)) for field in draw(st.lists(_FIELD, unique=True, min_size=1, max_size=5))]
        if draw(st.booleans()):
            items.append((f"{factor}-Flag", draw(st.sampled_from("NFMSDCTBX"))))
        groups.append(tuple(items))
    groups += [((name, text),) for name, text in draw(st.dictionaries(_WORD, _TEXT, max_size=3)).items()]
    return Frame(
        st=draw(st.sampled_from(["21", "31", "32", "91"])), cn=draw(st.sampled_from(["2011", "2031", "2051", "2061", "3020", "9014"])),
        mn=draw(st.text("0123456789ABCDEFxyz_", min_size=1, max_size=24)), qn=draw(st.none() | st.just("20240115100000123") | _WORD),
        password=draw(st.none() | _WORD), flag=flag, pnum=pnum, pno=None if pnum is None else draw(st.integers(0, pnum)),
        resend=dialect is Dialect.HJ_2025 and flag is not None and draw(st.booleans()), groups=tuple(groups),
        extra=tuple(draw(st.dictionaries(_WORD.map("x".__add__), _TEXT, max_size=2)).items()),
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(frames())
def test_reading_gives_back_what_was_written(frame: Frame) -> None:
    decoded = decode_frame(encode(frame))
    assert decoded.verdict is Verdict.OK, decoded.reason
    assert decoded.frame == frame
    assert decoded.dialect is frame.dialect


@settings(max_examples=100, deadline=None)
@given(frames())
def test_reading_gives_back_what_was_encrypted(frame: Frame) -> None:
    frame = replace(frame, flag=flag_for(Dialect.HJ_2025, packets=frame.pnum is not None))
    decoded = decode_frame(encode(frame, key=KEY_2025), Devices(others=DeviceProfile(mn="", sm4_key=KEY_2025)))
    assert decoded.frame == frame, decoded.reason


BASE = Frame(st="31", cn="2011", mn="X1", flag=5, qn="20240115100000123")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (replace(BASE, mn="X;1"), "MN contains"),
        (replace(BASE, mn="X 1"), "MN = 'X 1'"),
        (replace(BASE, password="1;2"), "PW contains"),
        (replace(BASE, cn="20"), "CN = '20'"),
        (replace(BASE, flag=7), "presence of PNUM disagree"),
        (replace(BASE, pnum=2), "come together"),
        (replace(BASE, flag=11, pnum=12, pno=1), "at most 9"),
        (replace(BASE, resend=True), "resend mark"),
        (replace(BASE, groups=((("a-Rtd", "1,2"),),)), "value of a-Rtd"),
        (replace(BASE, groups=((("a Rtd", "1"),),)), "item name"),
        (replace(BASE, groups=((),)), "empty group"),
        (replace(BASE, groups=((("DataTime", "2024"),),)), "DataTime"),
        (replace(BASE, groups=((("w01018-Rtd", "1"), ("01018-Rtd", "2")),)), "group of its own"),
        (replace(BASE, extra=(("MN", "2"),)), "name of its own"),
        (replace(BASE, groups=tuple(((f"a{n}-Rtd", "1.00"),) for n in range(90))), "use split"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_back_is_not_written(frame: Frame, message: str) -> None:
    with pytest.raises(EncodeError, match=message):
        encode(frame)


def test_a_long_frame_is_split_into_whole_groups() -> None:
    groups = ((("DataTime", "20240115100000"),), *(((f"a{n:05d}-Rtd", "1.00"), (f"a{n:05d}-Flag", "N")) for n in range(80)))
    long = replace(BASE, groups=groups)
    packets = split(long)
    assert [(packet.pno, packet.pnum, packet.flag) for packet in packets] == [(n, len(packets), 7) for n in range(1, len(packets) + 1)]
    assert len(packets) > 1
    assert [group for packet in packets for group in packet.groups[1:]] == list(groups[1:])
    assert all(packet.data_time == "20240115100000" and decode_frame(encode(packet)).frame == packet for packet in packets)
    assert {packet.qn for packet in packets} == {long.qn}
    requests = [f"202401151000005{n:02d}" for n in range(len(packets))]
    assert [packet.qn for packet in split(long, own_qn=requests)] == requests
    assert split(BASE) == [BASE]
    with pytest.raises(EncodeError, match="need as many QN"):
        split(long, own_qn=requests[:1])
