"""What a row was refused for. The first reason stands; a row is refused once, however much is wrong with it."""

from dataclasses import dataclass, field

import polars as pl

from pipelines.contracts.records import QUARANTINE_SCHEMA
from pipelines.ingest.readers.table import RAW_TEXT_CHARACTERS

AT = "at"
"""Position of a row in the table that was read, from 0; what refusals are told apart by until they get their source row."""

_SCHEMA = pl.Schema({AT: pl.UInt32(), "column_name": pl.String(), "rule": pl.String(), "reason": pl.String(), "raw_text": pl.String()})


@dataclass
class Refusals:
    """Refused positions with rule, reason and raw text, in the order they were found."""

    frames: list[pl.DataFrame] = field(default_factory=list)

    def add(
        self, at: pl.Series, *, column: str | pl.Series | None, rule: str | pl.Series, reason: str | pl.Series, raw: pl.Series | str | None
    ) -> None:
        """Refuse the rows at these positions. A column, rule, reason or raw text that is a series runs beside `at`."""
        if at.is_empty():
            return
        beside = {"column_name": column, "rule": rule, "reason": reason, "raw_text": raw}
        texts = [
            (value.cast(pl.String) if isinstance(value, pl.Series) else pl.lit(value, pl.String)).alias(name)
            for name, value in beside.items()
        ]
        self.frames.append(pl.select(at.cast(pl.UInt32).alias(AT), *texts).cast(dict(_SCHEMA)))

    def extend(self, other: "Refusals") -> None:
        self.frames.extend(other.frames)

    @property
    def positions(self) -> pl.Series:
        return pl.concat([frame[AT] for frame in self.frames]).unique() if self.frames else pl.Series(AT, [], pl.UInt32)

    def accepted(self, height: int) -> pl.Series | None:
        """Mask of rows that are not refused; None when none is."""
        if not self.frames:
            return None
        mask = pl.repeat(True, height, dtype=pl.Boolean, eager=True)
        return mask.scatter(self.positions, False)

    def quarantine(self, source_row: pl.Series, among: pl.Series | None = None) -> pl.DataFrame:
        """One quarantine row per refused position, of those where the mask `among` is true."""
        if not self.frames:
            return QUARANTINE_SCHEMA.to_frame()
        found = pl.concat(self.frames).unique(subset=AT, keep="first", maintain_order=True)
        if among is not None:
            found = found.filter(among.gather(found[AT]))
        return found.select(
            source_row.gather(found[AT]).alias("source_row"),
            "column_name",
            "rule",
            "reason",
            pl.col("raw_text").str.slice(0, RAW_TEXT_CHARACTERS),
        ).cast(dict(QUARANTINE_SCHEMA))
