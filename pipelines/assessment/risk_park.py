"""Beside environmental risk grades: what the park has to look at as a whole, and who is ready for an emergency.

HJ 941 grades no park. Whether an emergency plan is good enough is nothing that data can say; that it is there, has not expired
and was drilled is. Pure functions, frame in and frame out.
"""

from datetime import date

import polars as pl

from pipelines.assessment.in_force import months_after


def park_roll_up(grades: pl.DataFrame, ratios: pl.DataFrame, receptors: pl.DataFrame) -> pl.DataFrame:
    """What the park has to look at; HJ 941 grades no park. Counts of grades, the sum of w / W per substance, receptors that are shared.

    Returns:
        `roll_up, medium, code, name, value, enterprises`.
    """
    members = pl.col("enterprise_id").unique().sort()
    counts = grades.group_by("medium", pl.col("grade").alias("code")).agg(value=pl.len().cast(pl.Float64), enterprises=members)
    sums = (
        ratios.drop_nulls("ratio")
        .group_by("medium", pl.col("substance_code").alias("code"), maintain_order=True)
        .agg(name=pl.col("name").first(), value=pl.col("ratio").sum(), enterprises=members)
    )
    shared = (
        receptors.filter((pl.col("quantity") > 0) & pl.col("name").is_not_null())
        .group_by("medium", pl.col("receptor_kind").alias("kind"), "name")
        .agg(value=pl.col("enterprise_id").n_unique().cast(pl.Float64), enterprises=members)
        .filter(pl.col("value") > 1)
        .select("medium", pl.concat_str("kind", pl.lit(": "), "name").alias("code"), "name", "value", "enterprises")
    )
    parts = {"enterprises_of_grade": counts, "quantity_of_substance": sums, "shared_receptor": shared}
    return pl.concat([rows.with_columns(roll_up=pl.lit(name)) for name, rows in parts.items()], how="diagonal").sort(
        "roll_up", "medium", "code"
    )


def readiness(
    enterprises: pl.Series, plans: pl.DataFrame, drills: pl.DataFrame, today: date, plan_years: int, drill_months: int
) -> pl.DataFrame:
    """Emergency plan and drills of every enterprise on a day.

    A plan without an expiry holds `plan_years` from its filing. Of several plans the one that holds longest speaks.

    Returns:
        `enterprise_id, plan_id, filed_on, expires_on, plan_status, has_evidence, last_drill_on, drills, drill_is_due`.
    """
    expiry = pl.coalesce(pl.col("expires_on"), pl.col("filed_on").dt.offset_by(f"{plan_years}y"))
    latest = (
        plans.with_columns(expires_on=expiry)
        .sort("enterprise_id", "expires_on", "plan_id", descending=[False, True, False], nulls_last=True)
        .unique("enterprise_id", keep="first", maintain_order=True)
        .select("enterprise_id", "plan_id", "filed_on", "expires_on", has_evidence=pl.col("evidence_sha256").is_not_null())
    )
    since = months_after(today, -drill_months)
    held = (
        drills.filter(pl.col("occurred_on") <= today)
        .group_by("enterprise_id")
        .agg(last_drill_on=pl.col("occurred_on").max(), drills=(pl.col("occurred_on") > since).sum().cast(pl.Int64))
    )
    status = (
        pl.when(pl.col("plan_id").is_null())
        .then(pl.lit("none"))
        .when(pl.col("filed_on").is_null())
        .then(pl.lit("not_filed"))
        .when(pl.col("expires_on") <= today)
        .then(pl.lit("expired"))
        .otherwise(pl.lit("valid"))
    )
    return (
        enterprises.to_frame("enterprise_id")
        .join(latest, on="enterprise_id", how="left")
        .join(held, on="enterprise_id", how="left")
        .with_columns(plan_status=status, drills=pl.col("drills").fill_null(0))
        .with_columns(drill_is_due=pl.col("drills") == 0)
    )
