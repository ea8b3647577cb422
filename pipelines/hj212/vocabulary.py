"""The closed vocabularies of the HJ 212 decoder: dialects, verdicts, CRC variants, warnings, commands and statistics.

What a device's frames look like belongs in `devices`, how they are read in `codec`.
"""

from enum import StrEnum
from types import MappingProxyType

from pipelines.contracts.states import Flag, Statistic


class Dialect(StrEnum):
    """Edition of the standard that a frame follows; told by the version bits of its Flag, or forced per device."""

    HJ_2005 = "2005"
    HJ_2017 = "2017"
    HJ_2025 = "2025"


class Verdict(StrEnum):
    """What became of a frame; only `ok` frames have values."""

    OK = "ok"
    BAD_CRC = "bad_crc"
    BAD_LENGTH = "bad_length"
    BAD_GRAMMAR = "bad_grammar"
    ENCRYPTED_UNVERIFIED = "encrypted_unverified"  # the CRC covers the plain text: without the key nothing can be checked


class CrcVariant(StrEnum):
    """Which CRC the four digits turned out to be; all but the first need the device profile's leave."""

    HJ212 = "hj212"
    HJ212_SWAPPED = "hj212_swapped"
    MODBUS = "modbus"
    MODBUS_SWAPPED = "modbus_swapped"


class Label(StrEnum):
    """Which end of its period the DataTime of a mean or total names (the standard says start)."""

    START = "start"
    END = "end"


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
MINUTE = "2051"
HOURLY = "2061"
UPLOADS = frozenset({REALTIME, DAILY, MINUTE, HOURLY})
"""Commands that bring measured values and cannot be placed in time without a DataTime."""
ANSWER_SYSTEM = "91"
DATA_ANSWER = "9014"
