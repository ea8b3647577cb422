"""The tables that decoding gives: columns, types and meaning, declared once.

How they are filled belongs in `bulk` and `assembly`; `docs` and tests read the descriptions from here.
"""

import polars as pl

from pipelines.contracts.records import BOOL, COUNT, INSTANT, NUMBER, TEXT, TEXTS, Column
from pipelines.contracts.states import Statistic
from pipelines.hj212.vocabulary import WARNINGS, CrcVariant, Dialect, Verdict

_SMALL = pl.Int32()
_BYTES = pl.Binary()
_VARIANTS = tuple(variant.value for variant in CrcVariant)
_DIALECTS = tuple(dialect.value for dialect in Dialect)

FRAME_NO = Column("frame_no", COUNT, "Place of the frame in the whole input, from 0; the order of arrival.", required=True)
MN = Column("mn", TEXT, "Device number; of a refused frame as it claims, unverified.")
ST = Column("st", TEXT, "System code (31 flue gas, 32 wastewater, …).")
CN = Column("cn", TEXT, "Command code (2011 realtime, 2051 minute, 2061 hour, 2031 day, …).")
DATA_TIME = Column("data_time", INSTANT, "DataTime by the device's own clock, without zone.")
IS_DUPLICATE = Column("is_duplicate", BOOL, "The frame only repeats one that came before.", required=True)
DEVICE_KNOWN = Column("device_known", BOOL, "The MN has a device profile.", required=True)

FRAME_COLUMNS = (
    FRAME_NO,
    Column("source", TEXT, "File, or the name that the caller gave.", required=True),
    Column("line", COUNT, "Line of the source on which the frame begins, from 1.", required=True),
    Column("offset", COUNT, "First byte of the frame in the source (uncompressed), from 0.", required=True),
    Column("size", _SMALL, "Bytes that the row takes, CR LF included.", required=True),
    Column("received_local", INSTANT, "Time stamp of the log line, by the receiver's clock, without zone; null without one."),
    Column("verdict", TEXT, "What became of the frame; only ok frames have values.", True, tuple(verdict.value for verdict in Verdict)),
    Column("reason", TEXT, "Why it was refused, for people; null where the verdict is ok."),
    Column("warnings", TEXTS, "Codes of tolerated deviations (vocabulary.WARNINGS); empty for a frame by the book.", True, tuple(WARNINGS)),
    DEVICE_KNOWN,
    IS_DUPLICATE,
    Column("duplicate_of", COUNT, "frame_no of the first frame that said the same."),
    Column("repeat_kind", TEXT, "retry: within the device's retry rule; resend: later.", allowed=("retry", "resend")),
    Column("dialect", TEXT, "Edition by which the frame was read.", allowed=_DIALECTS),
    Column("declared_length", _SMALL, "Length that the frame announces."),
    Column("crc_declared", TEXT, "CRC as sent."),
    Column("crc_calculated", TEXT, "The protocol's CRC of what came, four digits; null where the segment's end is unknown."),
    Column("crc_variant", TEXT, "Which CRC the declared one is, accepted or not; null if none.", allowed=_VARIANTS),
    Column("qn", TEXT, "Request number."),
    ST,
    CN,
    MN,
    Column("flag", _SMALL, "Flag: version, packet bit, answer bit."),
    Column("pnum", _SMALL, "Number of packets."),
    Column("pno", _SMALL, "Which packet this is."),
    Column("resend", BOOL, "RF=1 (2025)."),
    DATA_TIME,
    Column("password_hash", TEXT, "Salted hash of PW; the password itself is nowhere."),
    Column("extra", TEXT, "Envelope fields that the standard does not know, as name=value;name=value."),
    Column("value_count", _SMALL, "Rows that the frame has in `values`.", required=True),
    Column("raw", _BYTES, "The bytes as they came, passwords replaced by asterisks.", required=True),
)
"""frames: one row per frame and per piece that should have been one."""

VALUE_COLUMNS = (
    FRAME_NO,
    Column("item", _SMALL, "Place of the item in the data area, from 1, DataTime not counted.", required=True),
    Column("mn", TEXT, "Device number.", required=True),
    Column("st", TEXT, "System code.", required=True),
    Column("cn", TEXT, "Command code.", required=True),
    DATA_TIME,
    Column("factor", TEXT, "Factor code as sent (a21026, 02, SB1, …); null for a plain field such as QnRtn."),
    Column("field", TEXT, "What stands behind the dash (Rtd, ZsAvg, ValidNum, …), or the plain field's name.", required=True),
    Column(
        "statistic", TEXT, "The field as canonical statistic; null for others.", allowed=tuple(statistic.value for statistic in Statistic)
    ),
    Column("value_text", TEXT, "The text as sent; a salted hash for passwords and keys.", required=True),
    Column("value_number", NUMBER, "Its number; null for text, times and attributes."),
    Column("flag", TEXT, "Data flag of the factor in this frame."),
    Column("eflag", TEXT, "Device-defined flag (EFlag) of the factor in this frame."),
    Column("sample_time", INSTANT, "SampleTime of the factor in this frame, by the device's clock."),
    IS_DUPLICATE,
    DEVICE_KNOWN,
)
"""values: one row per value of every ok frame. Flag, EFlag and SampleTime are columns; they have a row of their own only where
their factor has no value in the frame."""

MESSAGE_COLUMNS = (
    Column("mn", TEXT, "Device number.", required=True),
    Column("st", TEXT, "System code.", required=True),
    Column("cn", TEXT, "Command code.", required=True),
    Column("data_time", INSTANT, "DataTime.", required=True),
    Column("frames", COUNT, "Frames that say something, repeats not counted.", required=True),
    Column("repeats", COUNT, "Frames that only repeated one of them.", required=True),
    Column("packets_announced", _SMALL, "PNUM of the last frame; null for an undivided message."),
    Column("packets_received", _SMALL, "Different packets of that PNUM that came.", required=True),
    Column("packets_missing", pl.List(pl.Int32()), "Their PNO, by the numbering of this message.", required=True),
    Column("numbering", TEXT, "Whether packets share a QN.", allowed=("undivided", "one_qn", "qn_per_packet")),
    Column("counts_from", _SMALL, "First PNO of this message's numbering: 1, or 0 by habit of some devices."),
    Column("completeness", TEXT, "waiting: packets may still come.", True, ("complete", "incomplete", "waiting")),
    Column("first_frame_no", COUNT, "First frame.", required=True),
    Column("last_frame_no", COUNT, "Last frame.", required=True),
    Column("values_revised", COUNT, "Values that a later frame changed.", required=True),
)
"""messages: one row per (MN, ST, CN, DataTime)."""

READING_COLUMNS = (
    Column("mn", TEXT, "Device number.", required=True),
    Column("st", TEXT, "System code.", required=True),
    Column("cn", TEXT, "Command code.", required=True),
    Column("data_time", INSTANT, "DataTime as sent.", required=True),
    Column(
        "period_start",
        INSTANT,
        "Start of the period by the device's clock, after its label convention; the instant itself where a command has no period.",
        required=True,
    ),
    Column("period_end", INSTANT, "End of the period, exclusive; equal to the start where a command has no period.", required=True),
    Column("period_start_utc", INSTANT, "The start, UTC.", required=True),
    Column("factor", TEXT, "Factor code as sent."),
    Column("field", TEXT, "Field as sent.", required=True),
    Column("statistic", TEXT, "Canonical statistic; null for others."),
    Column("value_text", TEXT, "The text as sent.", required=True),
    Column("value_number", NUMBER, "Its number."),
    Column("flag", TEXT, "Data flag."),
    Column("eflag", TEXT, "Device-defined flag."),
    Column("revision", _SMALL, "0 for what came first, 1 for its first change, …", required=True),
    Column("is_current", BOOL, "The last revision.", required=True),
    Column("frame_no", COUNT, "Frame that brought it.", required=True),
    Column("complete", BOOL, "Its message is complete.", required=True),
    DEVICE_KNOWN,
)
"""readings: one row per (MN, ST, CN, DataTime, factor, field) and revision."""


DEVICE_COLUMNS = (
    Column("mn", TEXT, "Device number; `?` for refused frames that name none, or one of which no frame was good.", required=True),
    DEVICE_KNOWN,
    Column("frames", COUNT, "Frames of the device, refused ones among them; 0 for a registered device that sent none.", required=True),
    Column("ok_frames", COUNT, "Frames that could be read.", required=True),
    Column("bad_frames", COUNT, "Frames refused for CRC, length or grammar.", required=True),
    Column("encrypted_frames", COUNT, "Frames whose data area is encrypted and whose key is not known.", required=True),
    Column("repeats", COUNT, "Frames that only repeat an earlier one.", required=True),
    Column("crc_variants", COUNT, "How many kinds of CRC it used; a device has one.", required=True),
    Column("messages", COUNT, "Messages, split ones counted once.", required=True),
    Column("incomplete_messages", COUNT, "Messages that lack packets.", required=True),
    Column("first_data_time", INSTANT, "Earliest DataTime, by the device's clock."),
    Column("last_data_time", INSTANT, "Latest DataTime, by the device's clock."),
    Column("hours_ahead", NUMBER, "How far a DataTime lay ahead of its receipt at most, hours; null without time stamps of a receiver."),
    Column("clock_deviation_s", NUMBER, "Receipt minus the device's clock (QN, else DataTime of 2011), median, seconds."),
    Column("clock_step_s", NUMBER, "Largest change of that deviation from one frame to the next, single frames smoothed away, seconds."),
    Column("clock_back_s", NUMBER, "How far QN ran backwards from one frame to the next at most, seconds."),
    Column("label", TEXT, "Which end of the hour the profile says that its labels name.", allowed=("start", "end")),
    Column(
        "label_found", TEXT, "Which end they name by comparison with its minutes; null where nothing can be said.", allowed=("start", "end")
    ),
)
"""devices: one row per device of a file, silent ones among them; figures only, what is too much stands in the gates."""

CHANNEL_COLUMNS = (
    Column("point_id", TEXT, "Measuring point.", required=True),
    Column("parameter_code", TEXT, "Parameter.", required=True),
    Column("order_periods", COUNT, "Periods with at least two of Min, Avg and Max.", required=True),
    Column("order_broken", COUNT, "Those in which Min ≤ Avg ≤ Max does not hold.", required=True),
    Column("total_periods", COUNT, "Periods with Cou, Avg and the flow of the same message.", required=True),
    Column("total_deviation", NUMBER, "|Cou / (Avg × flow) - 1| beyond what rounding explains, median."),
    Column(
        "converted_periods",
        COUNT,
        "Periods with a converted (Zs) value that is not the measured one, and O2 of the same message.",
        required=True,
    ),
    Column("reference_oxygen", NUMBER, "Reference O2 that Zs / Avg and O2 say was converted to, median, %."),
    Column("reference_oxygen_deviation", NUMBER, "How far single periods are from it, beyond what rounding explains, 90th percentile, %."),
    Column("rolled_up_periods", COUNT, "Hours and days that were sent and of which the log has every shorter period.", required=True),
    Column("rolled_up_deviation", NUMBER, "|worked out / sent - 1| of their means, median."),
    Column("rolled_up_flags_differ", COUNT, "Those whose flag is not the one worked out.", required=True),
)
"""channels: one row per point and parameter of a file; usable values only."""


def schema(columns: tuple[Column, ...]) -> pl.Schema:
    """Polars schema of one of the tables."""
    return pl.Schema({column.name: column.dtype for column in columns})


FRAMES = schema(FRAME_COLUMNS)
VALUES = schema(VALUE_COLUMNS)
MESSAGES = schema(MESSAGE_COLUMNS)
READINGS = schema(READING_COLUMNS)
DEVICES = schema(DEVICE_COLUMNS)
CHANNELS = schema(CHANNEL_COLUMNS)
