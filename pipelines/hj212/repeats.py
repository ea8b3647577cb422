"""Which frames only repeat an earlier one: a device sends an unanswered frame again, a platform asks for a history twice.

A frame repeats when it says the same as the last frame of its key (MN, ST, CN, DataTime, packet), or when QN and data both equal
an earlier frame's. A → B → A under a new QN is therefore a change and a change back, not a repeat. What changed
from frame to frame is worked out in `assembly`.
"""

import polars as pl

from pipelines.hj212.vocabulary import Verdict

_KEY = ("mn", "st", "cn", "data_time", "pnum", "pno")
_STATE = pl.Schema({"key": pl.UInt64(), "payload": pl.UInt64(), "qn": pl.UInt64(), "frame_no": pl.Int64(), "at": pl.Datetime("us")})


class Repeats:
    """Remembers, 40 bytes a frame, what was said, over all blocks and files of one run."""

    def __init__(self) -> None:
        self._seen = _STATE.to_frame()

    def mark(self, frames: pl.DataFrame) -> pl.DataFrame:
        """Judge the next frames in order of arrival.

        Args:
            frames: columns frame_no, verdict, mn, st, cn, data_time, pnum, pno, qn, payload, retry_window.

        Returns:
            One row per frame, in the same order: is_duplicate, duplicate_of, repeat_kind.
        """
        comparable = frames.filter(
            pl.col("verdict").is_in([Verdict.OK, Verdict.ENCRYPTED_UNVERIFIED])
            & (pl.col("data_time").is_not_null() | pl.col("qn").is_not_null())
        )
        without_time = pl.when(pl.col("data_time").is_null()).then(pl.col("qn"))
        new = comparable.select(
            pl.struct(*_KEY, without_time.alias("request")).hash().alias("key"),
            "payload",
            pl.when(pl.col("qn").is_not_null()).then(pl.col("qn").hash()).alias("qn"),
            "frame_no",
            pl.col("qn").str.head(14).str.to_datetime("%Y%m%d%H%M%S", time_unit="us", strict=False).alias("at"),
            "retry_window",
        )
        old = self._seen.join(new.select("key").unique(), on="key", how="semi")
        self._seen = pl.concat([self._seen, new.select(_STATE.names())])
        together = pl.concat([old.with_columns(retry_window=pl.lit(None, dtype=pl.Duration("us"))), new]).filter(
            pl.col("key").is_duplicated()
        )
        judged = _judged(together.sort("frame_no"))
        return frames.select("frame_no").join(judged, on="frame_no", how="left", maintain_order="left").select(
            pl.col("is_duplicate").fill_null(False),
            pl.when("is_duplicate").then("duplicate_of").alias("duplicate_of"),
            pl.when("is_duplicate").then("repeat_kind").alias("repeat_kind"),
        )  # fmt: skip


def _judged(frames: pl.DataFrame) -> pl.DataFrame:
    same_as_last = (pl.col("payload") == pl.col("payload").shift(1).over("key")).fill_null(False)
    same_request = pl.col("qn").is_not_null() & ~pl.struct("key", "payload", "qn").is_first_distinct()
    soon = ((pl.col("at") - pl.col("at").shift(1).over("key")).abs() <= pl.col("retry_window")).fill_null(False)
    return frames.select(
        "frame_no",
        (same_as_last | same_request).alias("is_duplicate"),
        pl.col("frame_no").min().over("key", "payload").alias("duplicate_of"),
        pl.when(same_request | soon).then(pl.lit("retry")).otherwise(pl.lit("resend")).alias("repeat_kind"),
    )
