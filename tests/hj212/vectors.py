"""Frames whose verdicts are known: the standard's own, captured ones from public repositories, and frames made for this."""

from dataclasses import dataclass

CRLF = b"\r\n"


@dataclass(frozen=True)
class Vector:
    """A frame, its verdict, and the CRC that would be right or the variant that was used."""

    name: str
    frame: bytes
    verdict: str = "ok"
    right: int | None = None
    variant: str | None = "hj212"


_MN = "010000A8900016F000169DC0"
_AIR = (
    "a21005-Rtd=0.00,a21005-Flag=N;a21004-Rtd=0.00,a21004-Flag=N;a21007-Rtd=0.033,a21007-Flag=N;a21006-Rtd=0.036,a21006-Flag=N;"
    "a21001-Rtd=25.40,a21001-Flag=N;a21003-Rtd=101.94,a21003-Flag=N;a21002-Rtd=49.20,a21002-Flag=N"
)
REALTIME_GAS = (
    f"##0311QN=20240115100000123;ST=31;CN=2011;PW=123456;MN={_MN};Flag=5;CP=&&DataTime=20240115100000;a21026-Rtd=35.20,a21026-ZsRtd=42.24,"
    "a21026-Flag=N;a21002-Rtd=50.0,a21002-ZsRtd=60.0,a21002-Flag=N;a34013-Rtd=5,a34013-ZsRtd=6,a34013-Flag=N;a19001-Rtd=11.0,a19001-Flag=N;"
    "a01012-Rtd=120.0,a01012-Flag=N&&09C0"
).encode() + CRLF
HOUR_GAS = (
    f"##0327QN=20240115110001001;ST=31;CN=2061;PW=123456;MN={_MN};Flag=5;CP=&&DataTime=20240115100000;a00000-Cou=36000,a00000-Min=9.8,"
    "a00000-Avg=10.0,a00000-Max=10.3,a00000-Flag=N;a21026-Cou=1.267,a21026-Min=30.10,a21026-Avg=35.20,a21026-Max=40.00,a21026-ZsMin=36.12,"
    "a21026-ZsAvg=42.24,a21026-ZsMax=48.00,a21026-Flag=N&&D581"
).encode() + CRLF
PACKET_1 = (
    b"##0201QN=20240115110001001;ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC1;Flag=7;PNUM=2;PNO=1;CP=&&DataTime=20240115100000;"
    b"w00000-Cou=63.0,w00000-Min=16.4,w00000-Avg=17.5,w00000-Max=20.1,w00000-Flag=N&&FA01\r\n"
)
PACKET_2 = (
    b"##0202QN=20240115110001001;ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC1;Flag=7;PNUM=2;PNO=2;CP=&&DataTime=20240115100000;"
    b"w01018-Cou=2.526,w01018-Min=40.1,w01018-Avg=40.1,w01018-Max=40.1,w01018-Flag=N&&0440\r\n"
)
ANSWER = f"##0087QN=20240115110001001;ST=91;CN=9014;PW=123456;MN={_MN};Flag=4;CP=&&&&3900".encode() + CRLF
OFFICIAL_2025 = f"##0087QN=20240601085857223;ST=32;CN=1011;PW=123456;MN={_MN};Flag=9;CP=&&&&2200".encode() + CRLF
LOWER_CASE_CRC = (
    f"##0317QN=20191012133710130;ST=22;CN=2011;PW=123456;MN=Y80110010000010;Flag=4;CP=&&DataTime=20191012133710;{_AIR}&&cc01".encode()
    + CRLF
)
PLAIN_2025 = (
    f"##0140QN=20260115100000123;ST=31;CN=2011;PW=123456;MN={_MN};Flag=9;CP=&&DataTime=20260115100000;a21026-Rtd=35.2,a21026-Flag=N&&D701".encode()
    + CRLF
)
CIPHER_2025 = (
    f"##0333QN=20260115100000123;ST=31;CN=2011;PW=123456;MN={_MN};Flag=9;CP=&&"
    "{0x3E,0x52,0x56,0x5E,0x3D,0x5F,0x40,0xD7,0xF3,0xF9,0x51,0x45,0x27,0x4C,0xCF,0x83,0x2E,0xE8,0x39,0x9B,0xBF,0x02,0xE3,0xB6,0x97,0x48,0x68,0xD2,"
    "0x1C,0x96,0x86,0x7C,0xF6,0x51,0xF8,0x60,0x40,0xB1,0x57,0xB6,0x24,0x1F,0xCD,0xFF,0x4D,0x1A,0x4C,0xCA}lag=N&&D701"
).encode() + CRLF
KEY_2025 = b"0" * 16
"""The key that Annex A.2 prints: sixteen times 0x30."""

VECTORS = (
    Vector("the standard's example", f"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN={_MN};Flag=5;CP=&&RtdInterval=30&&1C80".encode() + CRLF),
    Vector("lower-case CRC", LOWER_CASE_CRC),
    Vector("the example of 2025", OFFICIAL_2025),
    Vector("an answer", b"##0087QN=20201015123632010;ST=91;CN=9014;PW=123456;MN=410183160889201000212505;Flag=4;CP=&&&&f001\r\n"),
    Vector("an empty upload", b"##0087QN=20201015123632010;ST=80;CN=2011;PW=123456;MN=410183160889201000212505;Flag=4;CP=&&&&2080\r\n"),
    Vector("realtime of flue gas", REALTIME_GAS),
    Vector("an hour of flue gas", HOUR_GAS),
    Vector("packet 1 of 2", PACKET_1),
    Vector("packet 2 of 2", PACKET_2),
    Vector("answer to an upload", ANSWER),
    Vector("plain 2025", PLAIN_2025),
    Vector("encrypted 2025 without key", CIPHER_2025, "encrypted_unverified", variant=None),
    Vector(
        "the running text's misprint 1C08",
        f"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN={_MN};Flag=5;CP=&&RtdInterval=30&&1C08".encode() + CRLF, "bad_crc", 0x1C80, None,
    ),
    Vector(
        "CRC 1100 instead of 2D00",
        b"##0275QN=20190901181526940;ST=32;CN=2011;PW=123456;MN=Y80110010000010;Flag=4;CP=&&DataTime=20190901181500;a21005-Rtd=1.760,a21005-Flag=N;"
        b"a21026-Rtd=106.400,a21026-Flag=N;O3-Rtd=63.400,O3-Flag=N;a21004-Rtd=63.200,a21004-Flag=N;a34002-Rtd=9,a34002-Flag=N;"
        b"a34004-Rtd=4,a34004-Flag=N&&1100\r\n", "bad_crc", 0x2D00, None,
    ),
    Vector(
        "2005 with CRC 4980 instead of 3C00",
        b"##0136ST=32;CN=2011;PW=123456;MN=LD130133000015;CP=&&DataTime=20160824003817;B01-Rtd=36.91;011-Rtd=231.0,011-Flag=N;"
        b"060-Rtd=1.803,060-Flag=N&&4980\r\n", "bad_crc", 0x3C00, None,
    ),
    Vector(
        "PNO before PNUM, CRC 2800 instead of D801",
        b"##0204QN=20191112091100598;ST=31;CN=2051;PW=123456;MN=14513567846884;PNO=0002;PNUM=0002;CP=&&DataTime=20230327090000;a01006-Avg=101.85,"
        b"a01006-Min=101.84,a01006-Max=101.87,a01006-ValidNum=10,a01006-TotalNum=10&&2800\r\n", "bad_crc", 0xD801, None,
    ),
    Vector(
        "MODBUS 77E5", b"##0077QN=20170516010101001;ST=22;CN=1061;PW=123456;MN=ABCDEFG1234567;Flag=3;CP=&&&&77E5\r\n", "bad_crc", 0x2580, "modbus",
    ),
    Vector(
        "MODBUS 2D61", b"##0097QN=20170516010101001;ST=22;CN=1000;PW=123456;MN=ABCDEFG1234567;Flag=3;CP=&&OverTime=5;ReCount=3&&2D61\r\n",
        "bad_crc", 0xF441, "modbus",
    ),
)  # fmt: skip
