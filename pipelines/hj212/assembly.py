"""What decoded frames say together: split packets merged, repeats left out, revisions told from repetitions, periods placed in time.

Packets are merged by (MN, ST, CN, DataTime), not by QN: the standard gives every packet its own QN, many devices give all the same, and
every packet is complete in itself. A value that a later frame sends again differently is a revision; both are kept, and
the last one is current. A later frame that leaves a value out does not withdraw it. Frames come from `bulk`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from pipelines.hj212.devices import DeviceProfile, Devices
from pipelines.hj212.tables import MESSAGES, READINGS
from pipelines.hj212.vocabulary import DAILY, EQUIPMENT_DAILY, HOURLY, MINUTE, Label, Verdict

KEY = ("mn", "st", "cn", "data_time")
WAIT = timedelta(minutes=10)
"""How long the packets of a message are waited for; the standard names no time."""


@dataclass(frozen=True)
class Assembled:
    """messages and readings as in `tables`, and what could not be placed: ok frames without a DataTime."""

    messages: pl.DataFrame
    readings: pl.DataFrame
    without_time: pl.DataFrame


def assemble(
    frames: pl.DataFrame, values: pl.DataFrame, *, devices: Devices | None = None, as_of: datetime | None = None, wait: timedelta = WAIT
) -> Assembled:
    """Merge decoded frames.

    Args:
        frames, values: as `bulk` gives them, in order of arrival.
        devices: label conventions, clocks and minute intervals.
        as_of: time, by the receiver's clock; a message whose last packet was received less than `wait` ago may
            still be completed. Without it nothing is waited for.
        wait: how long to wait.
    """
    fine = frames.filter(pl.col("verdict") == Verdict.OK)
    placed = fine.filter(pl.col("data_time").is_not_null())
    said = placed.filter(~pl.col("is_duplicate"))
    readings = _readings(values, placed, devices or Devices())
    messages = _messages(said, placed, as_of, wait)
    revised = readings.filter(pl.col("revision") > 0).group_by(KEY).agg(values_revised=pl.len().cast(pl.Int64))
    messages = messages.join(revised, on=KEY, how="left", maintain_order="left").with_columns(pl.col("values_revised").fill_null(0))
    complete = messages.select(*KEY, complete=pl.col("completeness") == "complete")
    readings = readings.join(complete, on=KEY, how="left", maintain_order="left")
    return Assembled(
        messages=messages.select(MESSAGES.names()).cast(dict(MESSAGES)),
        readings=readings.select(READINGS.names()).cast(dict(READINGS)),
        without_time=fine.filter(pl.col("data_time").is_null() & (pl.col("value_count") > 0)),
    )


def _messages(said: pl.DataFrame, placed: pl.DataFrame, as_of: datetime | None, wait: timedelta) -> pl.DataFrame:
    said = said.sort("frame_no")
    last_pnum = said.group_by(KEY).agg(announced=pl.col("pnum").last())
    packets = (
        said.join(last_pnum, on=KEY)
        .filter(pl.col("pno").is_not_null() & (pl.col("pnum") == pl.col("announced")))
        .group_by(KEY)
        .agg(received=pl.col("pno").unique().sort(), requests=pl.col("qn").n_unique())
    )
    repeats = placed.filter(pl.col("is_duplicate")).group_by(KEY).agg(repeats=pl.len().cast(pl.Int64))
    messages = (
        said.group_by(KEY, maintain_order=True)
        .agg(
            frames=pl.len().cast(pl.Int64),
            first_frame_no=pl.col("frame_no").first(),
            last_frame_no=pl.col("frame_no").last(),
            last_received=pl.col("received_local").max(),
        )
        .join(last_pnum, on=KEY, how="left", maintain_order="left")
        .join(packets, on=KEY, how="left", maintain_order="left")
        .join(repeats, on=KEY, how="left", maintain_order="left")
        .with_columns(pl.col("received").fill_null([]), pl.col("repeats").fill_null(0))
    )
    split = pl.col("announced").is_not_null() & (pl.col("received").list.len() > 0)
    # Packet 0 exists only where a device counts from 0; then the last one is PNUM - 1.
    from_zero = pl.col("received").list.first() == 0
    first = pl.when(from_zero).then(0).otherwise(1)
    expected = pl.int_ranges(first, first + pl.col("announced").fill_null(0), dtype=pl.Int32)
    missing = pl.when(split).then(expected.list.set_difference(pl.col("received"))).otherwise(pl.lit([], dtype=pl.List(pl.Int32)))
    messages = messages.with_columns(
        packets_announced=pl.when(split).then("announced"),
        packets_received=pl.when(split).then(pl.col("received").list.len()).otherwise(1),
        packets_missing=missing.list.sort(),
        numbering=pl.when(~split)
        .then(pl.lit("undivided"))
        .when((pl.col("received").list.len() == 1) & (pl.col("announced") > 1))
        .then(pl.lit(None, dtype=pl.String))  # one packet of several shows no habit
        .when(pl.col("requests") > 1)
        .then(pl.lit("qn_per_packet"))
        .otherwise(pl.lit("one_qn")),
        counts_from=pl.when(split).then(first),
    )
    is_complete = pl.col("packets_missing").list.len() == 0
    waits = pl.lit(False) if as_of is None else (pl.col("last_received") + wait > as_of).fill_null(False)
    return messages.with_columns(
        completeness=pl.when(is_complete)
        .then(pl.lit("complete"))
        .when(waits)
        .then(pl.lit("waiting"))
        .otherwise(pl.lit("incomplete"))
    )  # fmt: skip


def _readings(values: pl.DataFrame, placed: pl.DataFrame, devices: Devices) -> pl.DataFrame:
    identity = [*KEY, "factor", "field"]
    said = values.filter(~pl.col("is_duplicate") & pl.col("data_time").is_not_null()).sort([*identity, "frame_no", "item"])
    # 35.2 and 35.20 are the same value; texts are compared where there is no number.
    content = pl.struct(
        pl.col("value_number"), pl.when(pl.col("value_number").is_null()).then(pl.col("value_text")), pl.col("flag"), pl.col("eflag")
    ).hash()
    said = said.with_columns(content=content)
    # In the order of the identity a value's statements lie together: looking at the row above is all it takes.
    same_key = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in identity)
    said = said.filter((~(same_key & (pl.col("content") == pl.col("content").shift(1)))).fill_null(True))
    said = said.with_columns(again=same_key.fill_null(False)).with_row_index("at")
    first = pl.when(~pl.col("again")).then("at").forward_fill()
    said = said.with_columns(
        revision=(pl.col("at") - first).cast(pl.Int32), is_current=~pl.col("again").shift(-1, fill_value=False)
    )  # fmt: skip
    return _with_periods(said, placed, devices)


def _with_periods(readings: pl.DataFrame, placed: pl.DataFrame, devices: Devices) -> pl.DataFrame:
    profiles = [devices.of(mn) for mn in placed["mn"].unique().to_list()]
    conventions = pl.DataFrame([_convention(profile) for profile in profiles], schema=_CONVENTION)
    length = (
        pl.when(pl.col("cn") == MINUTE).then(pl.duration(minutes=pl.col("minute_interval")))
        .when(pl.col("cn") == HOURLY).then(pl.duration(hours=1))
        .when(pl.col("cn").is_in([DAILY, EQUIPMENT_DAILY])).then(pl.duration(days=1))
        .otherwise(pl.duration(minutes=0))
    )  # fmt: skip
    return (
        readings.join(conventions, on="mn", how="left", maintain_order="left")
        .with_columns(length=length)
        .with_columns(period_start=pl.col("data_time") - pl.when("labels_end").then(pl.col("length")).otherwise(pl.duration(minutes=0)))
        .with_columns(
            period_end=pl.col("period_start") + pl.col("length"),
            period_start_utc=pl.col("period_start") - pl.col("utc_offset"),
        )
    )


_CONVENTION = pl.Schema({"mn": pl.String(), "minute_interval": pl.Int64(), "labels_end": pl.Boolean(), "utc_offset": pl.Duration("us")})


def _convention(profile: DeviceProfile) -> dict[str, object]:
    return {
        "mn": profile.mn, "minute_interval": profile.minute_interval, "labels_end": profile.label is Label.END, "utc_offset": profile.utc_offset,
    }  # fmt: skip


def check_labels(readings: pl.DataFrame, *, least_hours: int = 12) -> pl.DataFrame:
    """Which end of the hour a device's hour labels name, by comparing hour means with means of its minutes.

    Minute labels are taken as they were placed by the profile. A device whose hours agree better with the minutes before the label
    than with those behind it labels the end.

    Args:
        readings: of `assemble`, both 2051 and 2061.
        least_hours: comparable hours below which nothing is said.

    Returns:
        One row per (mn, st): hours, error_start and error_end (mean absolute deviation relative to the mean of the hours), label (start,
        end or null where neither is at least twice as good).
    """
    means = readings.filter(pl.col("is_current") & (pl.col("statistic") == "avg") & pl.col("value_number").is_not_null())
    minutes = (
        means.filter(pl.col("cn") == MINUTE)
        .group_by("mn", "st", "factor", hour=pl.col("period_start").dt.truncate("1h"))
        .agg(minute_mean=pl.col("value_number").mean())
    )
    hours = means.filter(pl.col("cn") == HOURLY).select("mn", "st", "factor", "value_number", hour=pl.col("data_time").dt.truncate("1h"))
    before = minutes.with_columns(pl.col("hour") + timedelta(hours=1)).rename({"minute_mean": "mean_before"})
    key = ["mn", "st", "factor", "hour"]
    compared = hours.join(minutes, on=key).join(before, on=key)
    per_factor = compared.group_by("mn", "st", "factor").agg(
        hours=pl.len().cast(pl.Int64),
        error_start=(pl.col("value_number") - pl.col("minute_mean")).abs().mean() / pl.col("value_number").abs().mean(),
        error_end=(pl.col("value_number") - pl.col("mean_before")).abs().mean() / pl.col("value_number").abs().mean(),
    ).filter(pl.col("error_start").is_finite() & pl.col("error_end").is_finite())  # fmt: skip
    judged = per_factor.group_by("mn", "st").agg(pl.col("hours").max(), pl.col("error_start", "error_end").mean()).sort("mn", "st")
    return judged.with_columns(
        label=pl.when(pl.col("hours") < least_hours)
        .then(pl.lit(None, dtype=pl.String))
        .when(2 * pl.col("error_start") < pl.col("error_end"))
        .then(pl.lit(Label.START.value))
        .when(2 * pl.col("error_end") < pl.col("error_start"))
        .then(pl.lit(Label.END.value))
    )
