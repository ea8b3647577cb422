"""Files and logs: every layout that receivers write, every byte accounted for, and the fast way equal to the slow one."""

import base64
import gzip
import json
import random
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipelines.hj212 import (
    FRAME_COLUMNS,
    VALUE_COLUMNS,
    CrcVariant,
    Decoded,
    DeviceProfile,
    Devices,
    Dialect,
    Frame,
    decode_bytes,
    decode_files,
    decode_stream,
    decode_to,
    encode,
    hj212_crc,
)
from pipelines.hj212 import bulk as bulk_module
from pipelines.hj212 import regular as regular_module
from pipelines.hj212 import scan as scan_module
from tests.hj212.test_codec import ERRATA, REFUSED, frames
from tests.hj212.vectors import ANSWER, CIPHER_2025, HOUR_GAS, KEY_2025, PACKET_1, PACKET_2, REALTIME_GAS, VECTORS

MANY = b"".join([vector.frame for vector in VECTORS] + list(ERRATA.values()) + list(REFUSED.values()))
DEVICES = Devices(
    [
        DeviceProfile(mn="ABCDEFG1234567", crc_variants=frozenset({CrcVariant.MODBUS})),
        DeviceProfile(mn="Y80110010000010", dialect=Dialect.HJ_2017),
        DeviceProfile(mn="410183160889201000212505", dialect=Dialect.HJ_2025, sm4_key=KEY_2025),
    ]
)


def accounted(decoded: Decoded, size: int) -> None:
    """Rows do not overlap, and rows and text between them make up the input."""
    spans = decoded.frames.select("source", "offset", end=pl.col("offset") + pl.col("size")).sort("source", "offset")
    overlaps = spans.filter((pl.col("end").shift(1) > pl.col("offset")) & (pl.col("source").shift(1) == pl.col("source")))
    assert overlaps.is_empty()
    assert decoded.frames["frame_no"].to_list() == list(range(decoded.frames.height))
    account = decoded.account.select(pl.exclude("source").sum()).row(0, named=True)
    assert account["bytes"] == size
    assert account["between_frames"] + sum(value for name, value in account.items() if name.endswith("_bytes")) == size
    assert account["between_frames"] == size - decoded.frames["size"].sum()
    for verdict, count in decoded.frames["verdict"].value_counts().rows():
        assert account[f"{verdict}_frames"] == count


def by_hand(monkeypatch: pytest.MonkeyPatch, data: bytes, devices: Devices | None = None) -> Decoded:
    """Decode with no frame passing as regular."""
    with monkeypatch.context() as patch:
        patch.setattr(regular_module, "_WHOLE", "^nothing is regular$")
        return decode_bytes(data, devices=devices, salt=b"salt")


def verdicts(data: bytes, **options: object) -> list[str]:
    return decode_bytes(data, **options).frames["verdict"].to_list()  # type: ignore[arg-type]


@pytest.mark.parametrize("devices", [None, DEVICES], ids=["nobody known", "profiles"])
def test_the_fast_way_and_the_slow_way_agree(monkeypatch: pytest.MonkeyPatch, devices: Devices | None) -> None:
    fast, slow = decode_bytes(MANY, devices=devices, salt=b"salt"), by_hand(monkeypatch, MANY, devices)
    assert_frame_equal(fast.frames, slow.frames)
    assert_frame_equal(fast.values, slow.values)
    assert_frame_equal(fast.account, slow.account)
    regular = scan_module.scan(MANY, devices or Devices()).accepted
    assert len(regular) >= 8  # the comparison means something


def test_frames_whose_shapes_have_one_hash_are_not_mixed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = by_hand(monkeypatch, MANY)
    monkeypatch.setattr(regular_module, "_WEIGHTS", np.zeros_like(regular_module._WEIGHTS))
    fast = decode_bytes(MANY, salt=b"salt")
    assert_frame_equal(fast.frames, slow.frames)
    assert_frame_equal(fast.values, slow.values)
    assert len(scan_module.scan(MANY, Devices()).accepted) > 0


@settings(max_examples=60, deadline=None)
@given(st.lists(frames(), min_size=1, max_size=8))
def test_the_fast_way_and_the_slow_way_agree_on_anything(given_frames: list[Frame]) -> None:
    data = b"".join(encode(frame) for frame in given_frames)
    with pytest.MonkeyPatch.context() as monkeypatch:
        slow = by_hand(monkeypatch, data)
    fast = decode_bytes(data, salt=b"salt")
    assert_frame_equal(fast.frames, slow.frames)
    assert_frame_equal(fast.values, slow.values)
    assert fast.frames["verdict"].unique().to_list() == ["ok"]


def test_encrypted_frames_read_the_same_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    def sent(mn: str, key: bytes, value: str, flag: int = 9) -> bytes:
        groups = ((("DataTime", "20260115100000"),), (("a21026-Rtd", value), ("a21026-Flag", "N")), (("a21002-Rtd", "1"),))
        return encode(Frame(st="31", cn="2011", mn=mn, qn="20260115100000123", password="123456", flag=flag, groups=groups), key=key)

    other = b"1" * 16
    devices = Devices(
        [
            DeviceProfile(mn="M1", sm4_key=KEY_2025),
            DeviceProfile(mn="M2", sm4_key=other),
            DeviceProfile(mn="M3", dialect=Dialect.HJ_2017, sm4_key=other),
        ]
    )
    good = [sent("M1", KEY_2025, "1"), sent("M2", other, "2"), HOUR_GAS, sent("M1", KEY_2025, "3")]
    bad = [sent("M1", other, "4"), sent("M3", other, "5"), sent("M4", other, "6"), sent("M2", other, "7").replace(b",0x", b";0x", 1)]
    data = b"".join(good[:2] + bad[:2] + good[2:] + bad[2:])
    fast, slow = decode_bytes(data, devices=devices, salt=b"salt"), by_hand(monkeypatch, data, devices)
    assert_frame_equal(fast.frames, slow.frames)
    assert_frame_equal(fast.values, slow.values)
    assert fast.frames["verdict"].to_list() == ["ok", "ok", "bad_crc", "bad_crc", "ok", "ok", "encrypted_unverified", "bad_grammar"]
    assert fast.values.filter(cn="2011", factor="a21026")["value_text"].to_list() == ["1", "2", "3"]
    assert len(scan_module.scan(data, devices).accepted) == 4


ODD_AREAS = {
    "a trailing semicolon": "DataTime=20240115100000;a21026-Rtd=35.2,a21026-Flag=N;",
    "a time and a semicolon": "DataTime=20240115100000;",
    "a semicolon": ";",
    "flag in a group of its own": "DataTime=20240115100000;a21026-Rtd=35.2;a21002-Rtd=1;a21026-Flag=D",
    "flag before the value": "DataTime=20240115100000;a21026-Flag=D,a21026-Rtd=35.2",
    "one flag twice": "DataTime=20240115100000;a21026-Rtd=35.2,a21026-Flag=N,a21026-Flag=N",
    "two flags": "DataTime=20240115100000;a21026-Rtd=35.2,a21026-Flag=N,a21026-Flag=D",
    "a flag alone": "DataTime=20240115100000;a21026-Flag=F;a21002-Rtd=1,a21002-Flag=N",
    "two factors in a group": "DataTime=20240115100000;a21026-Rtd=35.2,a21002-Rtd=1",
    "a lost letter": "DataTime=20240115100000;a21026-Rtd=35.2,21026-Flag=D",
    "a value twice": "DataTime=20240115100000;a21026-Rtd=35.2;a21026-Rtd=35.3",
    "sample times": "DataTime=20240115100000;w01018-SampleTime=20240115093000,w01018-Rtd=1,w01018-EFlag=A1,w01018-Flag=N",
    "an impossible sample time": "DataTime=20240115100000;w01018-SampleTime=20241399999999,w01018-Rtd=1",
    "an impossible time": "DataTime=20240231100000;w01018-Rtd=1",
    "nothing but a time": "DataTime=20240115100000",
    "nothing": "",
    "no time": "w01018-Rtd=1",
    "equipment": "DataTime=20240115100000;SB1-RS=1;SB2-RT=23.50",
}


@pytest.mark.parametrize("name", ODD_AREAS)
def test_oddities_read_the_same_both_ways(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    area = ODD_AREAS[name]
    for head in ("QN=20240115100000123;ST=31;CN=2011;PW=123456;MN=M1;Flag=5;", "ST=31;CN=2011;PW=123456;MN=M1;"):
        segment = f"{head}CP=&&{area}&&".encode()
        data = b"##%04d%s%04X\r\n" % (len(segment), segment, hj212_crc(segment)) + HOUR_GAS
        fast, slow = decode_bytes(data, salt=b"salt"), by_hand(monkeypatch, data)
        assert_frame_equal(fast.frames, slow.frames)
        assert_frame_equal(fast.values, slow.values)


def test_flags_belong_to_their_factor() -> None:
    segment = f"ST=31;CN=2011;MN=M1;CP=&&{ODD_AREAS['flag in a group of its own']};a01012-Flag=F&&".encode()
    values = decode_bytes(b"##%04d%s%04X\r\n" % (len(segment), segment, hj212_crc(segment))).values
    assert values.select("factor", "field", "value_text", "value_number", "flag").rows() == [
        ("a21026", "Rtd", "35.2", 35.2, "D"),
        ("a21002", "Rtd", "1", 1.0, None),
        ("a01012", "Flag", "F", None, "F"),
    ]


def test_tables_are_as_documented() -> None:
    decoded = decode_bytes(MANY, devices=DEVICES)
    for table, columns in ((decoded.frames, FRAME_COLUMNS), (decoded.values, VALUE_COLUMNS)):
        assert table.columns == [column.name for column in columns]
        for column in columns:
            assert table[column.name].dtype == column.dtype, column.name
            assert column.description.endswith("."), column.name
            if column.required:
                assert table[column.name].null_count() == 0, column.name
            if column.allowed:
                seen = table[column.name].explode() if column.name == "warnings" else table[column.name]
                assert set(seen.drop_nulls().to_list()) <= set(column.allowed), column.name
    assert decoded.frames.filter(pl.col("verdict") != "ok")["value_count"].sum() == 0
    assert decoded.frames["value_count"].sum() == decoded.values.height
    assert decoded.frames["device_known"].sum() > 0
    accounted(decoded, len(MANY))


LAYOUTS = {
    "bare lines": lambda frame: frame,
    "line feeds only": lambda frame: frame.rstrip() + b"\n",
    "time stamps": lambda frame: b"2024-01-15 10:00:01.250 " + frame,
    "brackets and level": lambda frame: b"[2024/01/15 10:00:01] INFO recv 10.0.0.7:5001 len=331: " + frame,
    "GBK text": lambda frame: "2024-01-15 10:00:01,250 接收数据：".encode("gbk") + frame,
    "NUL padding": lambda frame: frame.ljust(1024, b"\0"),
    "several a line": lambda frame: frame.rstrip(),
    "spelled tail": lambda frame: frame.rstrip() + rb"\r\n" + b"\n",
    "quoted": lambda frame: b'{"at": 1, "frame": "' + frame.rstrip() + b'"}\n',
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_values(layout: str) -> None:
    given_frames = [REALTIME_GAS, HOUR_GAS, PACKET_1, PACKET_2, ANSWER] * 3
    data = b"".join(LAYOUTS[layout](frame) for frame in given_frames)
    plain, decoded = decode_bytes(b"".join(given_frames)), decode_bytes(data)
    assert decoded.frames["verdict"].to_list() == ["ok"] * 15
    assert_frame_equal(decoded.values, plain.values)
    accounted(decoded, len(data))
    if "stamps" in layout or "brackets" in layout or "GBK" in layout:
        received = datetime(2024, 1, 15, 10, 0, 1, 250_000 if "brackets" not in layout else 0)
        assert decoded.frames["received_local"].to_list() == [received] * 15
    else:
        assert decoded.frames["received_local"].null_count() == 15


STAMPS = {
    b"2024-01-15 10:00:01.250 <- ": datetime(2024, 1, 15, 10, 0, 1, 250_000),
    b"2024-01-15 10:00:01.250418 <- ": datetime(2024, 1, 15, 10, 0, 1, 250_418),
    b"2024-01-15 10:00:01.2 10.0.0.1 <- ": datetime(2024, 1, 15, 10, 0, 1, 200_000),
    b"2024-01-15 10:00:01 10.0.0.1 <- ": datetime(2024, 1, 15, 10, 0, 1),
    b"2024/01/15 10:00:01.250 <- ": datetime(2024, 1, 15, 10, 0, 1, 250_000),
    b"from A 2024-02-29 23:59:59.999 <- ": datetime(2024, 2, 29, 23, 59, 59, 999_000),
    b"2023-02-29 10:00:01.250 <- ": None,
    b"2024-13-01 10:00:01.250 <- ": None,
    b"2024-01-15 24:00:00.000 <- ": None,
    b"2024-01-15 10:00:01.250": datetime(2024, 1, 15, 10, 0, 1, 250_000),
    b"2024-1-15 10:00:01.2500 <- ": None,
}


def test_time_stamps_of_a_receiver() -> None:
    decoded = decode_bytes(b"".join(stamp + HOUR_GAS for stamp in STAMPS))
    assert decoded.frames["received_local"].to_list() == list(STAMPS.values())


STAMP = b"2024-01-15 10:00:01 <- "
CUTS = {
    "hard wraps": lambda pieces: b"\n".join(pieces) + b"\n",
    "hard wraps with CR LF": lambda pieces: b"\r\n".join(pieces) + b"\r\n",
    "the prefix again": lambda pieces: b"\n".join(STAMP + piece for piece in pieces) + b"\n",
    "a later prefix": lambda pieces: (
        b"\n".join(b"2024-01-15 10:%02d:%02d <- " % divmod(number, 60) + piece for number, piece in enumerate(pieces)) + b"\n"
    ),
    "NUL padded buffers": lambda pieces: b"".join(piece.ljust(len(piece) + 9, b"\0") for piece in pieces),
}


@pytest.mark.parametrize("layout", CUTS)
@pytest.mark.parametrize("width", [1, 3, 4, 61, 100, 300])
def test_frames_cut_over_lines(layout: str, width: int) -> None:
    frame = REALTIME_GAS.rstrip()
    pieces = [frame[start : start + width] for start in range(0, len(frame), width)]
    if width < 3 and "prefix" in layout:
        pieces = [frame[:3], frame[3:9], frame[9:]]  # a prefix between ## and ## hides the header: such a piece is refused by name
    data = HOUR_GAS + CUTS[layout](pieces) + PACKET_1
    decoded = decode_bytes(data)
    assert decoded.frames["verdict"].to_list() == ["ok"] * 3
    assert decoded.frames["warnings"].to_list()[1] == ["cut_over_lines"]
    assert_frame_equal(decoded.values, decode_bytes(HOUR_GAS + REALTIME_GAS + PACKET_1).values)
    accounted(decoded, len(data))


def test_a_cut_frame_that_does_not_hold_is_not_put_together() -> None:
    damaged = REALTIME_GAS.replace(b"35.20", b"36.20").rstrip()
    decoded = decode_bytes(damaged[:100] + b"\n" + damaged[100:] + b"\n" + HOUR_GAS)
    assert "ok" not in decoded.frames["verdict"].to_list()[:-1]
    assert decoded.frames["verdict"].to_list()[-1] == "ok"
    assert "36.20" not in decoded.values["value_text"].to_list()


def test_signs_before_a_frame_are_no_prefix_of_it() -> None:
    decoded = decode_bytes(b"####\r\n" + HOUR_GAS)
    assert decoded.frames.filter(verdict="ok").select("offset", "size", "warnings").rows() == [(6, len(HOUR_GAS), [])]


def test_a_lost_header_is_not_text() -> None:
    data = REALTIME_GAS[1:] + HOUR_GAS + b"#" + PACKET_1[2:]
    decoded = decode_bytes(data)
    assert decoded.frames.select("verdict", "reason").rows() == [
        ("bad_grammar", "a data area without the ## of its frame"), ("ok", None), ("bad_grammar", "a data area without the ## of its frame"),
    ]  # fmt: skip
    assert decoded.frames["mn"].null_count() == 0
    accounted(decoded, len(data))


def test_signs_inside_a_value_do_not_cut_a_frame() -> None:
    frame = encode(Frame(st="31", cn="3020", mn="M1", groups=((("i11001-Info", "##0012 odd ## text"),),)))
    assert verdicts(frame + b"###" + REALTIME_GAS[2:]) == ["ok", "ok"]
    damaged = frame.replace(b"odd", b"0dd")
    assert verdicts(damaged + HOUR_GAS) == ["bad_crc", "ok"]


def test_passwords_and_keys_are_nowhere() -> None:
    secret = "s3cret"
    frames_ = [
        encode(Frame(st="31", cn="2011", mn="M1", password=secret, qn="20240115100000123", flag=5, groups=((("DataTime", "20240115100000"),),))),
        encode(Frame(st="31", cn="1072", mn="M1", password=secret, qn="20240115100000124", flag=5, groups=((("NewPW", "n3wone"), ("SK", "k3yk3y")),))),
        encode(Frame(st="31", cn="2011", mn="M1", qn="20240115100000125", flag=5, extra=(("Pw", secret),))),
    ]  # fmt: skip
    whole = frames_[0]
    at = whole.index(b"PW=")
    damaged = [whole[:place] + bytes([value]) + whole[place + 1 :] for place in range(at, at + 3) for value in (0x20, 0x41, 0x70, 0xC1)]
    damaged += [
        whole[: at + 6],
        whole[at + 5 :],
        whole[1:],
        b"##0099" + whole[6:],
        whole[: at + 2] + whole[at + 3 :],
        whole.replace(b"PW=", b""),
    ]
    decoded = decode_bytes(b"".join(frames_ * 2 + damaged), salt=b"salt")
    everything = repr(decoded.frames.rows()) + repr(decoded.values.rows())
    for word in (secret, "n3wone", "k3yk3y"):
        assert word not in everything
    hashes = decoded.frames["password_hash"].drop_nulls().unique().to_list()
    assert len(hashes) == 1
    assert decode_bytes(whole, salt=b"other").frames["password_hash"][0] not in hashes
    assert decode_bytes(whole, salt=b"salt").frames["password_hash"][0] in hashes
    assert len(decoded.frames["raw"][0]) == len(whole)


def test_raw_bytes_are_kept() -> None:
    data = b"noise " + HOUR_GAS + b"##rubbish\n" + CIPHER_2025
    decoded = decode_bytes(data)
    for offset, size, raw in decoded.frames.select("offset", "size", "raw").rows():
        assert raw == data[offset : offset + size].replace(b"PW=123456", b"PW=******")


_RUBBISH = st.one_of(
    st.binary(max_size=60), st.sampled_from([b"#", b"##", b"###", b"##0100", b"##9999", b"&&", b"CP=&&", b"\r\n", b"\0" * 9, b"PW=", b"##12", b"{0x"]),
    st.text(max_size=20).map(lambda text: text.encode("gbk", "ignore")),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(_RUBBISH, st.sampled_from([vector.frame for vector in VECTORS])), max_size=12))
def test_rubbish_around_and_inside_streams(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    decoded = decode_bytes(data)
    accounted(decoded, len(data))
    assert [frame.verdict.value for frame in decode_stream(data)] == decoded.frames["verdict"].to_list()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_good_frames_survive_rubbish(data: st.DataObject) -> None:
    """Between lines of rubbish without a half header every good frame is found, and nothing is invented."""
    lines = data.draw(
        st.lists(
            st.one_of(
                st.sampled_from([REALTIME_GAS, HOUR_GAS, PACKET_1]), st.binary(max_size=40).map(lambda b: b.replace(b"#", b"") + b"\n")
            )
        )
    )
    stream = b"".join(lines)
    expected = decode_bytes(b"".join(line for line in lines if line.startswith(b"##"))).values
    # Rubbish that looks like half a frame has a row of its own, so frames behind it count one further.
    assert_frame_equal(decode_bytes(stream).values.drop("frame_no"), expected.drop("frame_no"))


def test_blocks_do_not_change_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(3)
    layouts = list(LAYOUTS.values())[:5]
    pieces = [draw.choice(layouts)(draw.choice([vector.frame for vector in VECTORS])) for _ in range(900)]
    for _ in range(40):
        pieces.insert(draw.randrange(len(pieces)), draw.randbytes(draw.randrange(300)) + b"\n")
        frame = REALTIME_GAS.rstrip()
        pieces.insert(draw.randrange(len(pieces)), frame[:120] + b"\n" + frame[120:] + b"\n")
    data = b"".join(pieces)
    path = tmp_path / "receiver.log"
    path.write_bytes(data)
    whole = decode_bytes(data, source=str(path), salt=b"salt")
    accounted(whole, len(data))
    for size in (40_000, 70_001):
        monkeypatch.setattr(bulk_module, "BLOCK_BYTES", size)
        in_blocks = decode_files([path], salt=b"salt")
        assert_frame_equal(in_blocks.frames, whole.frames)
        assert_frame_equal(in_blocks.values, whole.values)
        assert_frame_equal(in_blocks.account, whole.account)


def test_files_are_written_whole_in_every_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, packed = tmp_path / "a.log", tmp_path / "b.log.gz"
    plain.write_bytes(MANY)
    packed.write_bytes(gzip.compress(HOUR_GAS + b"text\n" + MANY))
    monkeypatch.setattr(bulk_module, "_SPOOL_BYTES", 1000)  # every block goes through a file
    in_memory = decode_files([plain, packed], salt=b"salt")
    assert in_memory.frames["source"].unique(maintain_order=True).to_list() == [str(plain), str(packed)]
    out = tmp_path / "out"
    for ending in ("parquet", "csv", "jsonl"):
        seen: list[int] = []
        written = decode_to([plain, packed], out, format=ending, salt=b"salt", progress=seen.append)
        assert_frame_equal(written.account, in_memory.account)
        assert written.values == in_memory.values.height
        assert sum(written.commands.values()) == in_memory.frames.filter(verdict="ok").height
        assert seen[-1] == in_memory.account["bytes"].sum()
    assert sorted(path.name for path in out.iterdir()) == sorted(
        f"{name}.{end}" for name in ("frames", "values") for end in ("csv", "jsonl", "parquet")
    )
    assert_frame_equal(pl.read_parquet(out / "frames.parquet"), in_memory.frames)
    assert_frame_equal(pl.read_parquet(out / "values.parquet"), in_memory.values)
    first = json.loads((out / "frames.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert base64.b64decode(first["raw"]) == in_memory.frames["raw"][0]
    texts = pl.read_csv(out / "frames.csv", infer_schema=False)
    assert texts.height == in_memory.frames.height
    assert texts["warnings"].to_list() == ["|".join(codes) for codes in in_memory.frames["warnings"].to_list()]
    values = pl.read_csv(out / "values.csv", infer_schema=False)
    assert values["value_text"].to_list() == in_memory.values["value_text"].to_list()


def test_an_empty_input() -> None:
    decoded = decode_bytes(b"")
    assert decoded.frames.is_empty()
    assert decoded.values.is_empty()
    assert decoded.account["bytes"].to_list() == [0]


def test_repeats_are_marked() -> None:
    def upload(qn: str, value: str) -> bytes:
        groups = ((("DataTime", "20240115100000"),), (("a21026-Rtd", value), ("a21026-Flag", "N")))
        return encode(Frame(st="31", cn="2011", mn="M1", qn=qn, flag=5, groups=groups))

    first, again, changed = upload("20240115100000123", "1"), upload("20240115100010123", "1"), upload("20240115101000123", "2")
    late, back = upload("20240116000000123", "2"), upload("20240117000000123", "1")
    beat = encode(Frame(st="91", cn="9015", mn="M1", qn="20240115100000123", flag=9))
    data = first + first + again + changed + late + back + first + beat + beat.replace(b"00123", b"00124") + REALTIME_GAS
    marked = decode_bytes(data).frames.filter(pl.col("verdict") == "ok")
    assert marked.select("is_duplicate", "duplicate_of", "repeat_kind").rows() == [
        (False, None, None),
        (True, 0, "retry"),  # the same frame
        (True, 0, "retry"),  # another QN, ten seconds later
        (False, None, None),  # another value: a revision
        (True, 3, "resend"),  # a day later
        (False, None, None),  # back to the first value under a new QN: a change, not a repeat
        (True, 0, "retry"),  # a frame that was there before
        (False, None, None),
        (False, None, None),
    ]
    values = decode_bytes(data).values
    assert values.filter("is_duplicate").height == 4


def test_repeats_are_seen_across_files_and_both_ways_of_reading(tmp_path: Path) -> None:
    one, two = tmp_path / "1.log", tmp_path / "2.log"
    one.write_bytes(HOUR_GAS + PACKET_1)
    two.write_bytes(PACKET_2 + HOUR_GAS + CIPHER_2025 + CIPHER_2025)
    frames_ = decode_files([one, two]).frames
    assert frames_["duplicate_of"].to_list() == [None, None, None, 0, None, 4]
