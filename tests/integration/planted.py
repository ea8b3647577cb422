"""What the sample plants against what plausibility finds: recall by kind of fault, precision by rule.

Reads the answer sheet and published findings; how many of each are enough is said where it is tested.
"""

from datetime import timedelta
from pathlib import Path

import polars as pl

from pipelines.sample import truth
from pipelines.sample.faults import VALUE_FAULTS

SEEN_AS = {
    "gap": "missing_while_running", "stuck": "constant_value", "spike": "outside_range", "limit_hugging": "limit_plateau",
    "corrected": "ways_disagree", "decimal_point": "unit_jump", "replayed": "replayed_day", "smoothed": "over_smooth",
    "one_trend": "identical_trend", "no_flow": "zero_flow", "above_whole": "part_above_whole", "late_file": "low_capture",
    "truncated_file": "low_capture", "damped": "ph_variance", "off_habit": "calibration_off_habit", "day_mean": "means_of_lengths",
}  # fmt: skip
"""Kinds of faults that leave something in the marts of the first night, and the rule that names each."""
_FLOW = "w00000"


def causes(folder: Path) -> pl.DataFrame:
    """Everything planted that a finding may rest on: where, of which parameter (null: all), from when to when."""
    planted = truth.read(folder, "faults")
    # corrected the same night, it is not what was loaded
    loaded = [fault.fault_id for fault in VALUE_FAULTS if fault.corrected_in == "same_night"]
    of_values = planted.filter(
        pl.col("kind").is_in([kind for kind in SEEN_AS if not kind.endswith("_file")]) & ~pl.col("fault_id").is_in(loaded)
    )
    readings = of_values.select(
        "fault_id",
        "kind",
        "point_id",
        of_parameter="parameter_code",
        of_enterprise=pl.lit(None, dtype=pl.String),
        since=pl.col("starts_local").dt.date(),
        until=(pl.col("ends_local") - timedelta(hours=1)).dt.date().dt.offset_by("1d"),
    )
    # the week that was sent again is as conspicuous as its copy
    copied = readings.filter(pl.col("kind") == "replayed").with_columns(pl.col("since", "until").dt.offset_by("-7d"))
    late = truth.read(folder, "deliveries").filter((pl.col("phase") == "later") & pl.col("fault_id").is_not_null())
    files = (
        late.join(planted.select("fault_id", "kind"), on="fault_id")
        .filter(pl.col("kind").is_in(["late_file", "truncated_file"]))
        .select(
            "fault_id",
            "kind",
            point_id=pl.lit(None, dtype=pl.String),
            of_parameter=pl.lit(None, dtype=pl.String),
            of_enterprise=pl.col("feed_id").str.slice(0, 4).str.to_uppercase(),
            since="first_date",
            until=pl.col("last_date").dt.offset_by("1d"),
        )
    )
    true = truth.read(folder, "conditions").select(
        pl.concat_str(pl.col("kind"), "point_id").alias("fault_id"),
        pl.lit("condition").alias("kind"),
        "point_id",
        of_parameter="parameter_code",
        of_enterprise=pl.lit(None, dtype=pl.String),
        since="first_date",
        until=pl.col("last_date").dt.offset_by("1d"),
    )
    # what passed a limit without anybody's doing is a cause like another
    hours = truth.read(folder, "exceedances").with_columns(since=pl.col("starts_local").dt.date())
    passed = hours.select("point_id", "parameter_code", "since").unique(maintain_order=True)
    above = passed.select(
        pl.concat_str("point_id", "parameter_code", pl.col("since").cast(pl.String), separator=" ").alias("fault_id"),
        pl.lit("true_exceedance").alias("kind"),
        "point_id",
        of_parameter="parameter_code",
        of_enterprise=pl.lit(None, dtype=pl.String),
        since="since",
        until=pl.col("since").dt.offset_by("1d"),
    )
    return pl.concat([readings, copied, files, true, above], how="vertical_relaxed")


def matched(found: pl.DataFrame, planted: pl.DataFrame, outlets: pl.DataFrame) -> pl.DataFrame:
    """Pairs of findings and causes of one place and time; a flow and a file concern every pollutant of theirs.

    Args:
        found: `assessment.plausibility` with a `number`.
        outlets: `point_id` and the outlet that it measures, `at_outlet`.
    """
    pairs = found.join(planted.join(outlets, on="point_id", how="left"), how="cross")
    at_place = (
        (pl.col("point_id") == pl.col("place_id"))
        | (pl.col("at_outlet") == pl.col("outlet_id"))
        | (pl.col("at_outlet") == pl.col("other_place_id"))
        | (pl.col("of_enterprise") == pl.col("enterprise_id"))
    )
    of_parameter = (
        pl.col("of_parameter").is_null() | (pl.col("of_parameter") == _FLOW) | (pl.col("of_parameter") == pl.col("parameter_code"))
    )
    at_time = (pl.col("period_start") < pl.col("until")) & (pl.col("period_end") > pl.col("since"))
    return pairs.filter(at_place.fill_null(False) & of_parameter.fill_null(False) & at_time)


def recall(pairs: pl.DataFrame, planted: pl.DataFrame) -> pl.DataFrame:
    """One row per kind: how many were planted, how many the rule that names them found, which not."""
    named = pl.col("rule_id") == pl.col("kind").replace_strict(SEEN_AS, default="")
    seen = pairs.filter(named)["fault_id"].unique().to_list()
    is_seen = pl.col("fault_id").is_in(seen)
    faults = planted.filter(pl.col("kind").is_in(list(SEEN_AS))).unique("fault_id")
    return (
        faults.group_by("kind")
        .agg(planted=pl.len(), found=is_seen.sum(), missed=pl.col("fault_id").filter(~is_seen).sort())
        .with_columns(recall=pl.col("found") / pl.col("planted"))
        .sort("kind")
    )


def precision(found: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """One row per rule: how many findings, and how many of them at a place and time at which something was planted."""
    return (
        found.with_columns(has_cause=pl.col("number").is_in(pairs["number"].unique().to_list()))
        .group_by("rule_id")
        .agg(findings=pl.len(), with_cause=pl.col("has_cause").sum())
        .with_columns(precision=pl.col("with_cause") / pl.col("findings"))
        .sort("rule_id")
    )
