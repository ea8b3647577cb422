"""How uncertain a figure is: by its source, item and provenance. The numbers are rows of reference.balance_uncertainty."""

import polars as pl

from pipelines.assessment.balance_figures import SHARES

ANY = "*"


def with_uncertainty(streams: pl.DataFrame, uncertainties: pl.DataFrame) -> pl.DataFrame:
    """Expanded uncertainty (k = 2) of each stream's `amount`: its parts by provenance, each with its own, taken to err together.

    Of the rows of the standard the one that names item, kind and source most closely counts.

    Returns:
        streams with `uncertainty`, in the unit of `amount`; null where no row applies to a part that is not 0.
    """
    with_row = streams.with_row_index("_at")
    long = with_row.select("_at", "source", "item_kind", "item_code", *(f"{share}_share" for share in SHARES)).unpivot(
        on=[f"{share}_share" for share in SHARES],
        index=["_at", "source", "item_kind", "item_code"],
        variable_name="state",
        value_name="share",
    )
    long = long.with_columns(pl.col("state").str.strip_suffix("_share")).filter(pl.col("share").fill_null(0.0) > 0)
    rules = uncertainties.select("state", "relative_uncertainty", rule_source="source", rule_kind="item_kind", rule_item="item_code")
    closeness = (
        (pl.col("rule_item") != ANY).cast(pl.Int8) * 4
        + (pl.col("rule_kind") != ANY).cast(pl.Int8) * 2
        + (pl.col("rule_source") != ANY).cast(pl.Int8)
    )
    found = (
        long.join(rules, on="state", how="left")
        .filter(
            pl.col("rule_source").is_null()
            | (
                ((pl.col("rule_source") == ANY) | (pl.col("rule_source") == pl.col("source")))
                & ((pl.col("rule_kind") == ANY) | (pl.col("rule_kind") == pl.col("item_kind")).fill_null(False))
                & ((pl.col("rule_item") == ANY) | (pl.col("rule_item") == pl.col("item_code")))
            )
        )
        .sort("_at", "state", closeness, descending=[False, False, True])
        .unique(["_at", "state"], keep="first", maintain_order=True)
        .group_by("_at")
        .agg(
            relative=pl.when(pl.col("relative_uncertainty").is_not_null().all()).then(
                (pl.col("share") * pl.col("relative_uncertainty")).sum()
            )
        )
    )
    zero = pl.when(pl.col("amount") == 0).then(0.0)
    return (
        with_row.join(found, on="_at", how="left")
        .with_columns(uncertainty=pl.coalesce(pl.col("amount").abs() * pl.col("relative"), zero))
        .drop("_at", "relative")
    )
