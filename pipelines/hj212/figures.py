"""What a file's frames say about the devices that sent them: refusals, silence, clocks, missing packets, labels.

Figures only: which of them is too much stands in the gates' suites. What values say about each other needs units and
parameters, and belongs to the feed.
"""

import polars as pl

from pipelines.hj212.devices import Devices
from pipelines.hj212.tables import DEVICES
from pipelines.hj212.vocabulary import REALTIME, CrcVariant, Verdict

UNNAMED = "?"
_BAD = (Verdict.BAD_CRC, Verdict.BAD_LENGTH, Verdict.BAD_GRAMMAR)
_SMOOTHED = 5
"""Frames over which the clock's deviation is smoothed: one late frame is no step of the clock."""


def device_figures(frames: pl.DataFrame, messages: pl.DataFrame, labels: pl.DataFrame, devices: Devices) -> pl.DataFrame:
    """One row per device, by `tables.DEVICE_COLUMNS`.

    Args:
        frames: as `bulk` gives them, in order of arrival.
        messages: of `assemble`.
        labels: of `check_labels`.
        devices: the registered ones; those without a frame have a row too.
    """
    verdict = pl.col("verdict")
    ok = verdict == Verdict.OK
    # The number of a refused frame is unverified: unless the device is known otherwise it may be damaged.
    proven = frames.filter(ok)["mn"].unique().to_list() + list(devices.profiles)
    named = frames.with_columns(mn=pl.when(pl.col("mn").is_in(proven)).then("mn").otherwise(pl.lit(UNNAMED)))
    counted = named.group_by("mn").agg(
        frames=pl.len(),
        ok_frames=ok.sum(),
        bad_frames=verdict.is_in([word.value for word in _BAD]).sum(),
        encrypted_frames=(verdict == Verdict.ENCRYPTED_UNVERIFIED).sum(),
        repeats=pl.col("is_duplicate").sum(),
        crc_variants=pl.col("crc_variant").filter(ok | (pl.col("crc_variant") != CrcVariant.HJ212)).n_unique(),
        first_data_time=pl.col("data_time").filter(ok).min(),
        last_data_time=pl.col("data_time").filter(ok).max(),
        hours_ahead=((pl.col("data_time") - pl.col("received_local")).filter(ok).max().dt.total_seconds() / 3600),
    )
    said = messages.group_by("mn").agg(messages=pl.len(), incomplete_messages=(pl.col("completeness") != "complete").sum())
    known = [profile.mn for profile in devices.profiles.values()]
    registered = pl.DataFrame(
        {"mn": known, "label": [profile.label.value for profile in devices.profiles.values()]},
        schema_overrides={"mn": pl.String, "label": pl.String},
    )
    found = labels.drop_nulls("label").unique("mn", keep="first", maintain_order=True).select("mn", label_found="label")
    counts = ["frames", "ok_frames", "bad_frames", "encrypted_frames", "repeats", "crc_variants", "messages", "incomplete_messages"]
    return (
        registered.join(counted, on="mn", how="full", coalesce=True)
        .join(said, on="mn", how="left")
        .join(_clocks(named.filter(ok & ~pl.col("is_duplicate"))), on="mn", how="left")
        .join(found, on="mn", how="left")
        .with_columns(pl.col(counts).fill_null(0), device_known=pl.col("mn").is_in(known))
        .select(DEVICES.names())
        .cast(dict(DEVICES))
        .sort("mn")
    )  # fmt: skip


def _clocks(frames: pl.DataFrame) -> pl.DataFrame:
    """How the clock that a frame was sent by goes against the receiver's, and against itself."""
    sent = pl.col("qn").str.head(14).str.to_datetime("%Y%m%d%H%M%S", time_unit="us", strict=False)
    frames = frames.sort("frame_no").with_columns(
        sent=pl.coalesce(sent, pl.when(pl.col("cn") == REALTIME).then("data_time")), by_qn=sent
    ).with_columns(deviation=(pl.col("received_local") - pl.col("sent")).dt.total_milliseconds() / 1000)  # fmt: skip
    smoothed = pl.col("deviation").drop_nulls().rolling_median(_SMOOTHED)
    return frames.group_by("mn", maintain_order=True).agg(
        clock_deviation_s=pl.col("deviation").median(),
        clock_step_s=smoothed.diff().abs().max(),
        clock_back_s=(pl.col("by_qn").drop_nulls().diff().min().dt.total_milliseconds() / -1000).clip(lower_bound=0),
    )
