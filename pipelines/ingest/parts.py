"""What the conversion of one file gathers on its way, before duplicates are settled."""

from dataclasses import dataclass, field

import polars as pl


@dataclass
class Parts:
    """Accepted rows, quarantine rows, and the counts that must come out even.

    `read` is counted where rows arise, apart from where they go. `suspects` marks the accepted rows
    whose key may stand twice; None means that any may.
    """

    accepted: pl.DataFrame
    quarantined: list[pl.DataFrame] = field(default_factory=list)
    read: int = 0
    empty_cells: int = 0
    warnings: list[str] = field(default_factory=list)
    suspects: pl.Series | None = None
