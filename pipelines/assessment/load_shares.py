"""How much each enterprise weighs in the park: its share in the equal-standard pollution load.

The load itself is computed in `pollution_load`; here is only which of its rows weigh enterprises against each other.
"""

import polars as pl

from pipelines.assessment.method import Source

LOAD_SOURCE = Source.of(
    "assessment.pollution_load",
    "period_type, period_start, period_end, load_standard_set, scope, medium, nitrogen, ranked_by, subject_id, share",
)
_COUNTED_ONCE = ("total_alone", "none")
"""Ways of counting nitrogen that count no nitrogen twice; of air there is none to count."""


def enterprise_shares(loads: pl.DataFrame) -> pl.DataFrame:
    """One row per period, set of standards, medium and enterprise: `load_share` of what enterprises discharge, 0 to 1."""
    weighs = (pl.col("scope") == "enterprise") & (pl.col("ranked_by") == "enterprise") & pl.col("nitrogen").is_in(list(_COUNTED_ONCE))
    return loads.filter(weighs).select(
        "period_type", "period_start", "period_end", "load_standard_set", "medium", enterprise_id="subject_id", load_share="share"
    )


def heaviest_share(loads: pl.DataFrame) -> pl.DataFrame:
    """`enterprise_id, load_share`: the larger of an enterprise's shares in water and air, in the newest twelve months."""
    shares = enterprise_shares(loads).filter(pl.col("period_type") == "rolling_12m")
    newest = shares.filter(pl.col("period_end") == pl.col("period_end").max())
    return newest.group_by("enterprise_id").agg(pl.col("load_share").max()).sort("enterprise_id")
