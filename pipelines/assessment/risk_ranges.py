"""What goes into an environmental risk grade (HJ 941): quantity Q, control M and receptors E of every enterprise, as ranges.

An input that is missing makes a range wider and is named. Pure functions, frame in and frame out; what grade ranges make stands in
`risk_grade`. Points, critical quantities and caps are rows of the standards.
"""

from datetime import date

import polars as pl

from pipelines.assessment.enterprise_index import OWN_ROLES

CHECKLIST = "HJ941"
"""Checklist of the survey answers that the control level is made of; its items are those of reference.risk_item."""
MEDIA_ZH = {"air": "大气", "water": "水"}
E_CLASSES = ("E3", "E2", "E1")
"""From the least to the most sensitive."""


# -- Q: how much is on site --------------------------------------------------------------------------------------------------------------


def quantities(chemicals: pl.DataFrame, substances: pl.DataFrame) -> pl.DataFrame:
    """w / W of every listed substance on site, for each medium that it counts for.

    Args:
        chemicals: `enterprise_id, substance_code, name, max_on_site_t, pure_share` as valid on the day; a null share counts as 1.
        substances: rows of reference.risk_substance in force.

    Returns:
        `enterprise_id, substance_code, name, medium, on_site_t, critical_t, ratio, verification_status`; ratio null where no
        quantity was given.
    """
    listed = pl.concat(
        substances.filter(pl.col(f"counts_for_{medium}")).select(
            "substance_code", "critical_t", "verification_status", medium=pl.lit(medium)
        )
        for medium in MEDIA_ZH
    )
    return (
        chemicals.join(listed, on="substance_code")
        .with_columns(on_site_t=pl.col("max_on_site_t") * pl.col("pure_share").fill_null(1.0))
        .select(
            "enterprise_id", "substance_code", "name", "medium", "on_site_t", "critical_t",
            (pl.col("on_site_t") / pl.col("critical_t")).alias("ratio"), "verification_status",
        )
        .sort("enterprise_id", "substance_code", "medium")
    )  # fmt: skip


def quantity_ranges(enterprises: pl.Series, chemicals: pl.DataFrame, ratios: pl.DataFrame) -> pl.DataFrame:
    """Q of every enterprise and medium: the sum of what is known, without an upper end where a quantity or the whole inventory is missing.

    Returns:
        `enterprise_id, medium, low, high, missing, is_involved`; high is infinite where something is missing.
    """
    summed = ratios.group_by("enterprise_id", "medium").agg(
        low=pl.col("ratio").sum(),
        missing=pl.col("name").filter(pl.col("ratio").is_null()).sort(),
        is_involved=(pl.col("ratio").is_null() | (pl.col("ratio") > 0)).any(),
    )
    has_inventory = chemicals.select("enterprise_id").unique().with_columns(has_inventory=pl.lit(True))
    nothing = no_texts()
    of_each = (
        each_medium(enterprises)
        .join(summed, on=["enterprise_id", "medium"], how="left")
        .join(has_inventory, on="enterprise_id", how="left")
    )
    missing = (
        pl.when(pl.col("has_inventory").is_null())
        .then(pl.lit(pl.Series([["chemicals on site (register chemical)"]])).first())
        .otherwise(pl.col("missing").fill_null(nothing).list.eval(pl.format("largest mass on site of {}", pl.element())))
    )
    return of_each.with_columns(
        missing=missing, low=pl.col("low").fill_null(0.0), is_involved=pl.col("is_involved").fill_null(False)
    ).select(
        "enterprise_id",
        "medium",
        "low",
        high=pl.when(pl.col("missing").list.len() > 0).then(float("inf")).otherwise(pl.col("low")),
        missing="missing",
        is_involved="is_involved",
    )


# -- M: processes, control, incidents ----------------------------------------------------------------------------------------------------


def answers_in_force(answers: pl.DataFrame, on: date) -> pl.DataFrame:
    """The answer to each item that holds on a day: the latest of an outside surveyor, else of the enterprise itself; on one day the worse.

    Which of two is worse is decided by the points, so all of the day stay: one row per answer given.
    """
    of_checklist = answers.filter(
        (pl.col("checklist_id") == CHECKLIST) & (pl.col("subject_kind") == "enterprise") & (pl.col("answered_on") <= on)
    ).with_columns(is_own=pl.col("surveyor_role").is_in(OWN_ROLES))
    key = ["subject_id", "item_id"]
    return (
        of_checklist.filter(pl.col("is_own") == pl.col("is_own").min().over(key))
        .filter(pl.col("answered_on") == pl.col("answered_on").max().over(key))
        .select(pl.col("subject_id").alias("enterprise_id"), "item_id", pl.col("answer").alias("option"), "value")
    )


def item_points(enterprises: pl.Series, answers: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Points of every surveyed item: between nothing and its largest where it was not answered, or not in the words it is scored by.

    A number of sets has no largest: of an unanswered item of processes the high end is infinite, and the cap bounds the sum.

    Returns:
        `enterprise_id, medium, part, item_id, low, high, missing`, one row per enterprise, medium and item.
    """
    surveyed = items.filter(pl.col("part").is_in(["process", "control"]))
    of_media = pl.concat(
        surveyed.filter(pl.col("medium").is_in([medium, "both"])).with_columns(medium=pl.lit(medium)) for medium in MEDIA_ZH
    )
    ceiling = pl.when(pl.col("is_per_unit").any()).then(float("inf")).otherwise(pl.col("points").max())
    asked = of_media.group_by("medium", "part", "item_id", maintain_order=True).agg(name=pl.col("name").first(), largest=ceiling)
    scored = (
        answers.join(of_media.select("medium", "item_id", "option", "points", "is_per_unit"), on=["item_id", "option"])
        .with_columns(points=pl.when("is_per_unit").then(pl.col("points") * pl.col("value")).otherwise(pl.col("points")))
        .drop_nulls("points")
        .group_by("enterprise_id", "medium", "item_id")
        .agg(points=pl.col("points").max())
    )
    return (
        enterprises.to_frame("enterprise_id")
        .join(asked, how="cross")
        .join(scored, on=["enterprise_id", "medium", "item_id"], how="left")
        .select(
            "enterprise_id",
            "medium",
            "part",
            "item_id",
            low=pl.col("points").fill_null(0.0),
            high=pl.coalesce("points", "largest"),
            missing=pl.when(pl.col("points").is_null()).then(pl.format("{} {}: {}", pl.lit(CHECKLIST), "item_id", "name")),
        )
    )


def incident_points(enterprises: pl.Series, events: pl.DataFrame, items: pl.DataFrame, since: date) -> pl.DataFrame:
    """Points of the worst incident since a day. An event of category `air` or `water` counts there, any other for both.

    An incident without severity may be of any: from the fewest to the most points.

    Returns:
        `enterprise_id, medium, low, high, missing`.
    """
    scored = items.filter(pl.col("part") == "incident")
    bounds = scored.group_by("medium").agg(fewest=pl.col("points").min(), most=pl.col("points").max())
    recent = events.filter((pl.col("event_kind") == "incident") & (pl.col("occurred_on") >= since))
    of_media = pl.concat(
        recent.filter(
            (pl.col("category") == medium) | ~pl.col("category").is_in(list(MEDIA_ZH)) | pl.col("category").is_null()
        ).with_columns(medium=pl.lit(medium))
        for medium in MEDIA_ZH
    )
    points = (
        of_media.join(scored.select("medium", pl.col("option").alias("severity"), "points"), on=["medium", "severity"], how="left")
        .join(bounds, on="medium")
        .group_by("enterprise_id", "medium")
        .agg(
            low=pl.coalesce("points", "fewest").max(),
            high=pl.coalesce("points", "most").max(),
            missing=pl.format("severity of incident {}", pl.col("event_id").filter(pl.col("points").is_null())).sort(),
        )
    )
    return (
        each_medium(enterprises)
        .join(points, on=["enterprise_id", "medium"], how="left")
        .with_columns(pl.col("low", "high").fill_null(0.0), pl.col("missing").fill_null(no_texts()))
    )


def control_ranges(points: pl.DataFrame, incidents: pl.DataFrame, process_cap: float) -> pl.DataFrame:
    """M of every enterprise and medium: capped process score + control + incidents.

    Returns:
        `enterprise_id, medium, low, high, missing, process_score, control_score, incident_score`; a part's score is null where it
        is not known for certain.
    """
    parts = points.group_by("enterprise_id", "medium").agg(
        process_low=pl.col("low").filter(pl.col("part") == "process").sum().clip(upper_bound=process_cap),
        process_high=pl.col("high").filter(pl.col("part") == "process").sum().clip(upper_bound=process_cap),
        control_low=pl.col("low").filter(pl.col("part") == "control").sum(),
        control_high=pl.col("high").filter(pl.col("part") == "control").sum(),
        unanswered_processes=pl.col("missing").filter(pl.col("part") == "process").drop_nulls().sort(),
        unanswered_control=pl.col("missing").filter(pl.col("part") == "control").drop_nulls().sort(),
    )

    nothing = no_texts()

    def certain(low: str, high: str) -> pl.Expr:
        return pl.when(pl.col(low) == pl.col(high)).then(pl.col(low))

    return (
        parts.join(incidents, on=["enterprise_id", "medium"])
        .with_columns(
            process_score=certain("process_low", "process_high"),
            control_score=certain("control_low", "control_high"),
            incident_score=certain("low", "high"),
            missing=pl.concat_list(
                # Sets beyond the cap change nothing: what was not answered then is not missing.
                pl.when(pl.col("process_low") < process_cap).then("unanswered_processes").otherwise(nothing),
                "unanswered_control",
                "missing",
            ),
        )
        .select(
            "enterprise_id",
            "medium",
            low=pl.col("process_low") + pl.col("control_low") + pl.col("low"),
            high=pl.col("process_high") + pl.col("control_high") + pl.col("high"),
            missing="missing",
            process_score="process_score",
            control_score="control_score",
            incident_score="incident_score",
        )
    )


# -- E: who would be hit -----------------------------------------------------------------------------------------------------------------


def receptor_classes(enterprises: pl.Series, receptors: pl.DataFrame, criteria: pl.DataFrame) -> pl.DataFrame:
    """Least and most sensitive class that every enterprise may have, by medium.

    What meets no criterion is E3. A kind that a grade needs to know of and that the register does not state may be of its worst class.

    Returns:
        `enterprise_id, medium, low, high, missing`, low and high as words E3 to E1.
    """
    rank = {name: at for at, name in enumerate(E_CLASSES)}
    known = receptors.group_by("enterprise_id", "medium", "receptor_kind").agg(quantity=pl.col("quantity").max())
    asked = each_medium(enterprises).join(criteria, on="medium").join(known, on=["enterprise_id", "medium", "receptor_kind"], how="left")
    worst = pl.col("e_class").replace_strict(rank, return_dtype=pl.Int64)
    is_missing = pl.col("quantity").is_null() & pl.col("is_required")
    found = asked.group_by("enterprise_id", "medium").agg(
        low=worst.filter(pl.col("quantity") >= pl.col("at_least")).max().fill_null(0),
        possible=worst.filter(is_missing).max().fill_null(0),
        missing=pl.format("receptors: {}", pl.col("name").filter(is_missing)).unique().sort(),
    )
    words = dict(enumerate(E_CLASSES))
    return found.select(
        "enterprise_id",
        "medium",
        low=pl.col("low").replace_strict(words, return_dtype=pl.String),
        high=pl.max_horizontal("low", "possible").replace_strict(words, return_dtype=pl.String),
        # A receptor of the highest class decides, whatever else is not known.
        missing=pl.when(pl.col("low") == rank["E1"]).then(no_texts()).otherwise(pl.col("missing")),
    )


def no_texts() -> pl.Expr:
    return pl.lit(pl.Series([[]], dtype=pl.List(pl.String))).first()


def each_medium(enterprises: pl.Series) -> pl.DataFrame:
    return enterprises.to_frame("enterprise_id").join(pl.DataFrame({"medium": list(MEDIA_ZH)}), how="cross")
