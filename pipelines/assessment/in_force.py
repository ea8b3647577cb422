"""Which rows of standards and registers hold on a day, and who owns what a row is about.

What a standard means stands in the method that reads it.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl


def in_force(rows: pl.DataFrame, on: date, key: Sequence[str] = ()) -> pl.DataFrame:
    """Rows valid on a day; of two with the same key the park's own stands for the shipped one.

    Args:
        rows: has `valid_from`, `valid_to`, and `origin` where a key is given.
        key: columns that name a rule; none where rows of the park stand beside the shipped ones.
    """
    holds = rows.filter((pl.col("valid_from") <= on) & (pl.col("valid_to").is_null() | (pl.col("valid_to") > on)))
    if not key:
        return holds
    return (
        holds.with_columns(_is_shipped=pl.col("origin") != "park")
        .sort("_is_shipped", pl.col("valid_from"), descending=[False, True], maintain_order=True)
        .unique(list(key), keep="first", maintain_order=True)
        .drop("_is_shipped")
    )


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the last one of a shorter month."""
    count = day.year * 12 + day.month - 1 + months
    year, month = count // 12, count % 12 + 1
    last = (date(year + month // 12, month % 12 + 1, 1) - date(year, month, 1)).days
    return date(year, month, min(day.day, last))


def with_enterprise(rows: pl.DataFrame, on: str, outlets: pl.DataFrame, processes: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Rows about enterprises, their outlets, processes and points, with the `enterprise_id` that owned the subject on the day in `on`.

    Args:
        rows: has `subject_kind`, `subject_id` and the date column `on`; rows about a park or an unregistered subject get null.
        outlets, processes, points: registers with `outlet_id`, `process_id`, `point_id`, `enterprise_id`, validity.
    """
    owners = pl.concat(
        register.select(
            subject_kind=pl.lit(kind), subject_id=pl.col(f"{kind}_id"), owner="enterprise_id", owned_from="valid_from", owned_to="valid_to"
        )
        for kind, register in (("outlet", outlets), ("process", processes), ("point", points))
    )
    numbered = rows.with_row_index("_row")
    owned = (
        numbered.select("_row", "subject_kind", "subject_id", on)
        .join(owners, on=["subject_kind", "subject_id"])
        .filter((pl.col("owned_from") <= pl.col(on)) & (pl.col("owned_to").is_null() | (pl.col("owned_to") > pl.col(on))))
        .unique("_row", keep="first", maintain_order=True)
        .select("_row", "owner")
    )
    own = pl.when(pl.col("subject_kind") == "enterprise").then(pl.col("subject_id")).otherwise(pl.col("owner"))
    return numbered.join(owned, on="_row", how="left").with_columns(enterprise_id=own).drop("_row", "owner")
