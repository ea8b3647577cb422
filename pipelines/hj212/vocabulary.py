"""The closed vocabularies of the HJ 212 decoder: dialects, verdicts, CRC variants, warnings, commands and statistics.

What a device's frames look like belongs in `devices`, how they are read in `codec`.
"""

from enum import StrEnum
from types import MappingProxyType

from pipelines.contracts.devices import CrcVariant as CrcVariant
from pipelines.contracts.devices import Dialect as Dialect
from pipelines.contracts.devices import Label as Label
from pipelines.contracts.states import Flag, Statistic


class Verdict(StrEnum):
    """What became of a frame; only `ok` frames have values."""

    OK = "ok"
    BAD_CRC = "bad_crc"
    BAD_LENGTH = "bad_length"
    BAD_GRAMMAR = "bad_grammar"
    ENCRYPTED_UNVERIFIED = "encrypted_unverified"  # the CRC covers the plain text: without the key nothing can be checked


WARNINGS = MappingProxyType(
    {
        "blanks": "Blanks around a name or value were removed.",
        "comma_for_semicolon": "A field of the envelope ends with a comma instead of a semicolon.",
        "crc_lower_case": "The CRC is written in lower case.",
        "cut_over_lines": "The frame was cut over several lines of the log and put together; length, CRC and grammar hold for the whole.",
        "data_time_17": "DataTime has milliseconds; they were dropped.",
        "empty_field": "The envelope has an empty field, as in PW=123456;,MN=.",
        "empty_item": "The data area has an empty item, as a trailing semicolon makes it.",
        "factor_letter_missing": "A factor code lacked the letter that its group has, as in w01018-SampleTime=…,01018-Rtd=…; the letter was added.",
        "flag_missing": "Flag is missing, though the dialect has it.",
        "gbk_text": "The text is GBK, not UTF-8.",
        "length_three_digits": "The length has three digits instead of four.",
        "mn_over_long": "MN is longer than 24 characters.",
        "no_data_time": "An upload with values has no DataTime.",
        "no_tail": "The frame is followed by something else than CR LF.",
        "not_a_number": "A measured value is not a number; its text is kept, its number is null.",
        "over_long": "The plain data segment is longer than 1024 bytes or its data area longer than 950.",
        "packet_bit": "Flag's packet bit and the presence of PNUM and PNO disagree.",
        "packet_digits": "PNUM or PNO has more digits than the dialect allows, or leading zeros.",
        "packet_numbers_incomplete": "Only one of PNUM and PNO is there.",
        "qn_form": "QN is not a time of 17 digits.",
        "qn_missing": "QN is missing, though the dialect has it.",
        "rf_outside_2025": "RF=1 in a dialect that does not have it.",
        "separator_before_cp": "The semicolon before CP is missing.",
        "tail_spelled": "CR LF is spelled out as the characters backslash, r, backslash, n.",
        "unknown_field": "The envelope has a field that the standard does not know; it is kept in `extra`.",
        "unknown_flag": "A data flag is none of the standard's letters; it is kept.",
        "unknown_version": "Flag's version bits are those of no known edition; read as 2017.",
    }
)
"""Code of every tolerated deviation, and what it means. A warning never changes a verdict."""

DATA_FLAGS = frozenset(flag.value for flag in Flag)

STATISTICS = MappingProxyType(
    {
        "Rtd": Statistic.RTD,
        "Min": Statistic.MIN,
        "Avg": Statistic.AVG,
        "Max": Statistic.MAX,
        "Cou": Statistic.COU,
        "ZsRtd": Statistic.ZS_RTD,
        "ZsMin": Statistic.ZS_MIN,
        "ZsAvg": Statistic.ZS_AVG,
        "ZsMax": Statistic.ZS_MAX,
    }
)
"""Field of a factor that is a measured number → the canonical statistic."""

ATTRIBUTES = ("Flag", "EFlag", "SampleTime")
"""Fields of a factor that say something about its values; they become columns of these."""

SECRET_FIELDS = frozenset({"PW", "NewPW", "SK"})
"""Values that never reach a table. SK, the key of command 1014 (2025), is a precaution: its text could not be read in the standard."""

REALTIME = "2011"
DAILY = "2031"
EQUIPMENT_DAILY = "2041"
MINUTE = "2051"
HOURLY = "2061"
UPLOADS = frozenset({REALTIME, DAILY, MINUTE, HOURLY})
"""Commands that bring measured values and cannot be placed in time without a DataTime."""
ANSWER_SYSTEM = "91"
NOTICE_ANSWER = "9013"
DATA_ANSWER = "9014"
ANSWERS = frozenset({"9011", "9012", NOTICE_ANSWER, DATA_ANSWER})
HEARTBEAT = "9015"
NOTICES = frozenset({"1013", HEARTBEAT})
"""Commands that are answered with 9013 instead of 9014: time calibration asked for; heartbeat (2025)."""

COMMANDS = MappingProxyType(
    {
        "1000": "set timeout and retries", "1011": "get or upload time", "1012": "set time", "1013": "time calibration asked for",
        "1061": "get realtime interval", "1062": "set realtime interval", "1063": "get minute interval", "1064": "set minute interval",
        "1072": "set password", REALTIME: "realtime values", "2012": "stop realtime values", "2021": "equipment status",
        "2022": "stop equipment status", DAILY: "daily values", EQUIPMENT_DAILY: "daily running time of equipment", MINUTE: "minute values",
        HOURLY: "hourly values", "2081": "start-up time", "3011": "zero and span calibration", "3012": "instant sample", "3013": "purge",
        "3014": "comparison sample", "3015": "sample on exceedance", "3016": "set sampling cycle", "3017": "get sampling cycle",
        "3018": "get outflow time", "3019": "device number", "3020": "device information", "3021": "set parameters", "9011": "request answer",
        "9012": "execution result", NOTICE_ANSWER: "notice answer", DATA_ANSWER: "data answer",
        # The edition of 2025 adds these; its text was not to be had, they are quoted from public implementations.
        "1001": "hardware number of the logger", "1002": "set device number", "1014": "key", "2013": "raw monitoring data",
        "2052": "noise event", "2062": "check with a standard sample", "2111": "furnace temperature of 5 minutes",
        "3022": "sample retention", "3024": "start check with a standard sample", HEARTBEAT: "heartbeat",
    }
)  # fmt: skip
"""Command code → what it is, for people. Others are read all the same."""
