"""Rules of plausibility on what an outlet emits, day by day: near its limit, without flow, while it stands still, not as computed.

One function a comparison: days of outlets and a rule in, hits out (`plausibility_hits`). A day's features are made in dbt
(`int_plausibility_outlet_days`), numbers are the rule's; no finding's words stand here.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from pipelines.assessment.plausibility_hits import HIT, NOTHING, beyond, hits, months, of_month

OUTLET = ("outlet_id", "pollutant_code")
_EXPLAINING = ("incident", "violation", "inspection", "shutdown", "non_routine")
"""Kinds of events that say something of an exceedance; complaints, training and drills do not."""
_LOWEST_PERCENT = 90


@dataclass(frozen=True)
class Outlets:
    """Days of outlets as `int_plausibility_outlets` has them, and what they are held against.

    Attributes:
        episodes: Of exceedance.
        events: With their enterprise.
        fuels: Consumption of enterprises by month.
        stacks: Outlets of air with the code of the process that each measures; null where the register names none.
        rules: All rules in force.
    """

    days: pl.DataFrame
    episodes: pl.DataFrame
    events: pl.DataFrame
    fuels: pl.DataFrame
    stacks: pl.DataFrame
    rules: list[dict]


def near_limit_hours(share: float) -> pl.Expr:
    """Hours of a day from so many times the limit up to it, by whole percents."""
    lowest = max(round(100 * share), _LOWEST_PERCENT)
    return pl.sum_horizontal(f"limit_{percent}_hours" for percent in range(lowest, 100))


def hours_below_limit(given: Outlets, rule: dict) -> pl.DataFrame:
    near = near_limit_hours(rule["guard"])
    found = given.days.filter(beyond(near, rule) & (pl.col("above_limit_hours") == 0))
    return hits(found, "outlet", value=near, observed=pl.col("value_mean"), expected=pl.col("limit_value"), rows=near)


def hours_stopped_with_value(given: Outlets, rule: dict) -> pl.DataFrame:
    found = given.days.filter((pl.col("stopped_value_hours") >= rule["extent"]) & beyond(pl.col("stopped_value_max"), rule))
    largest = pl.col("stopped_value_max")
    return hits(found, "outlet", value=largest, observed=largest, rows=pl.col("stopped_value_hours"))


def hours_without_flow(given: Outlets, rule: dict) -> pl.DataFrame:
    """A flow of zero counts always, an empty one at outlets that send a flow on some day."""
    sends_flow = (pl.col("flow_hours") > 0).any().over("outlet_id")
    lacking = pl.col("zero_flow_hours") + pl.when(sends_flow).then(pl.col("no_flow_hours")).otherwise(0)
    found = given.days.with_columns(lacking=lacking).filter(
        (pl.col("lacking") >= rule["extent"]) & beyond(pl.col("no_flow_value_max"), rule)
    )
    largest = pl.col("no_flow_value_max")
    return hits(found, "outlet", value=largest, observed=largest, rows=pl.col("lacking"))


def hours_with_too_few_values(given: Outlets, rule: dict) -> pl.DataFrame:
    """Hours that were sent with fewer valid values than the outlet's rule of validity demands."""
    found = given.days.filter(beyond(pl.col("short_hours"), rule))
    return hits(found, "outlet", value=pl.col("short_hours"), rows=pl.col("short_hours"))


def concentration_at_high_load(given: Outlets, rule: dict) -> pl.DataFrame:
    rows = given.days.with_columns(
        usual=pl.col("value_mean").median().over(OUTLET), usual_flow=pl.col("flow_mean").median().over(OUTLET)
    ).filter(pl.col("usual") > 0)
    share = pl.col("value_mean") / pl.col("usual")
    found = rows.filter((pl.col("flow_mean") >= rule["guard"] * pl.col("usual_flow")) & beyond(share, rule))
    return hits(found, "outlet", value=share, observed=pl.col("value_mean"), expected=pl.col("usual"), rows=pl.col("value_hours"))


def converted_and_recomputed(given: Outlets, rule: dict) -> pl.DataFrame:
    return _off_from_one(given, rule, "converted_ratio", "converted_hours")


def reported_and_product(given: Outlets, rule: dict) -> pl.DataFrame:
    return _off_from_one(given, rule, "product_ratio", "product_hours")


def _off_from_one(given: Outlets, rule: dict, ratio: str, hours: str) -> pl.DataFrame:
    off = (pl.col(ratio) - 1).abs()
    found = given.days.filter((pl.col(hours) >= rule["extent"]) & beyond(off, rule))
    return hits(found, "outlet", value=off, observed=pl.col(ratio), expected=pl.lit(1.0), unit=pl.lit("1"), rows=pl.col(hours))


def exceedance_without_event(given: Outlets, rule: dict) -> pl.DataFrame:
    """Episodes above a binding hourly limit with no event of the outlet or its enterprise some days before or after."""
    episodes = given.episodes.filter(pl.col("is_binding") & (pl.col("limit_kind") == "hourly_concentration")).with_row_index("episode")
    said = given.events.filter(pl.col("event_kind").is_in(list(_EXPLAINING))).select(
        "subject_kind", "subject_id", "occurred_on", enterprise_id="enterprise_id"
    )
    near = (pl.col("occurred_on") - pl.col("local_date")).dt.total_days().abs() <= rule["guard"]
    explained = (
        episodes.join(said, on="enterprise_id")
        .filter(near & ((pl.col("subject_kind") != "outlet") | (pl.col("subject_id") == pl.col("outlet_id"))))
        .select("episode")
    )
    silent = episodes.join(explained, on="episode", how="anti")
    # two limits may bind alike: one hour exceeded is one hour
    by_day = silent.group_by("outlet_id", "enterprise_id", "pollutant_code", "unit", "local_date").agg(
        hours=pl.col("duration_hours").sum() / pl.col("limit_id").n_unique(),
        observed=pl.col("max_value").max(),
        expected=pl.col("limit_value").min(),
        ends=pl.col("episode_end_utc").max(),
    )
    hours = pl.col("hours").round().cast(pl.Int64)
    return hits(
        by_day.filter(beyond(pl.col("hours"), rule)),
        "outlet",
        value=pl.col("hours"),
        observed=pl.col("observed"),
        expected=pl.col("expected"),
        rows=hours,
    )


def marks_on_days_near_limit(given: Outlets, rule: dict) -> pl.DataFrame:
    """Share of hours that a mark takes out, on days that come near the limit over that on the others of the month."""
    if given.days.is_empty():
        return hits(given.days, "outlet", value=pl.col("value_mean"), rows=pl.col("hours"))
    is_near = (near_limit_hours(rule["guard"]) + pl.col("above_limit_hours")) > 0
    days = months(given.days, given.days["local_date"].min(), given.days["local_date"].max()).with_columns(is_near=is_near)
    near, far = pl.col("is_near"), ~pl.col("is_near")
    by_month = days.group_by(*OUTLET, "month").agg(
        pl.col("enterprise_id", "unit").last(),
        near_marked=pl.col("marked_hours").filter(near).sum(),
        near_share=pl.col("marked_hours").filter(near).sum() / pl.col("hours").filter(near).sum(),
        far_share=pl.col("marked_hours").filter(far).sum() / pl.col("hours").filter(far).sum(),
    )
    times = pl.col("near_share") / pl.col("far_share")
    found = by_month.filter((pl.col("near_marked") >= rule["extent"]) & (pl.col("far_share") > 0) & beyond(times, rule))
    return hits(
        found,
        "outlet",
        value=times,
        observed=pl.col("near_share"),
        expected=pl.col("far_share"),
        unit=pl.lit("1"),
        rows=pl.col("near_marked"),
        **of_month(),
    )


def calibration_off_habit(given: Outlets, rule: dict) -> pl.DataFrame:
    """Days whose first hour marked as calibration is another one than usual, at outlets that are mostly calibrated at one hour.

    No record holds a plan of calibrations: what the station does on most days stands for it. A mark is the station's, of all
    pollutants alike.
    """
    days = (
        given.days.filter(pl.col("calibration_hours") > 0)
        .group_by("outlet_id", "local_date")
        .agg(pl.col("enterprise_id").last(), pl.col("calibration_hour").min(), rows=pl.col("calibration_hours").max())
        .with_columns(usual=pl.col("calibration_hour").mode().min().over("outlet_id"), days=pl.len().over("outlet_id"))
        .with_columns(kept=(pl.col("calibration_hour") == pl.col("usual")).mean().over("outlet_id"))
    )
    apart = (pl.col("calibration_hour") - pl.col("usual")).abs()
    off = pl.min_horizontal(apart, 24 - apart)
    found = days.filter((pl.col("days") >= rule["extent"]) & (pl.col("kept") >= rule["guard"]) & beyond(off, rule))
    return hits(
        found.with_columns(pollutant_code=pl.lit(NOTHING), unit=pl.lit("h UTC")),
        "outlet",
        value=off,
        observed=pl.col("calibration_hour"),
        expected=pl.col("usual"),
        rows=pl.col("rows"),
    )


def part_and_whole(given: Outlets, rule: dict) -> pl.DataFrame:
    of_pair = (pl.col("pollutant_code") == rule["parameter_code"]) & (pl.col("whole_code") == rule["other_parameter_code"])
    found = given.days.filter(of_pair & (pl.col("above_whole_hours") >= rule["extent"]) & beyond(pl.col("whole_share_max"), rule))
    return hits(found, "outlet", value=pl.col("whole_share_max"), observed=pl.col("value_mean"), rows=pl.col("above_whole_hours"))


def fuel_and_flow(given: Outlets, rule: dict) -> pl.DataFrame:
    """Flue gas of an enterprise's boilers against what all their fuels give; several fuels are one comparison, told by the first rule.

    V = sum of fuel × dry flue gas of its combustion × 21 / (21 − O2).
    """
    of_fuels = [other for other in given.rules if other["compares"] == rule["compares"]]
    if rule is not of_fuels[0] or given.days.is_empty():
        return pl.DataFrame(schema=HIT)
    theory = pl.DataFrame(
        [
            {"item_code": each["parameter_code"], "process_code": each["other_parameter_code"], "gas_per_unit": each["guard"]}
            for each in of_fuels
        ],
        schema={"item_code": pl.String, "process_code": pl.String, "gas_per_unit": pl.Float64},
    )
    burns = pl.col("process_code").is_in(theory["process_code"].unique().to_list()).fill_null(False)
    alone = given.stacks.group_by("enterprise_id").agg(only_boilers=burns.all()).filter("only_boilers")
    key = ["enterprise_id", "outlet_id", "month"]
    # every pollutant of an outlet tells of the same flow: the one that knows most of it
    by_day = (
        given.days.filter(pl.col("medium") == "air").join(alone, on="enterprise_id", how="semi").sort("flow_known_hours", descending=True)
    )
    days = by_day.unique(["enterprise_id", "outlet_id", "local_date"], keep="first", maintain_order=True)
    flows = (
        months(days, given.days["local_date"].min(), given.days["local_date"].max())
        .group_by(key)
        .agg(
            pl.col("flow_m3").sum(),
            known=pl.col("flow_known_hours").sum() / (24 * pl.col("month").first().dt.month_end().dt.day().cast(pl.Int64)),
            oxygen=(pl.col("oxygen_percent") * pl.col("flow_m3")).sum() / pl.col("flow_m3").sum(),
            hours=pl.col("flow_known_hours").sum(),
        )
        .with_columns(excess_air=21 / (21 - pl.col("oxygen")), unit=pl.lit("m3"))
    )
    gas = (
        given.fuels.filter(pl.col("process_id").is_null())
        .join(theory.unique("item_code"), on="item_code")
        .group_by("enterprise_id", month="month_start_date")
        .agg(stoichiometric=(pl.col("quantity") * pl.col("gas_per_unit")).sum(), known_fuels=pl.col("quantity").is_not_null().all())
        .filter("known_fuels")
    )
    of_enterprise = flows.group_by("enterprise_id", "month").agg(
        flow=pl.col("flow_m3").sum(),
        without_excess=(pl.col("flow_m3") / pl.col("excess_air")).sum(),
        least_known=pl.col("known").min(),
    )
    compared = (
        flows.join(of_enterprise, on=["enterprise_id", "month"])
        .join(gas, on=["enterprise_id", "month"])
        .filter((pl.col("stoichiometric") > 0) & (pl.col("least_known") >= rule["extent"]))
    )
    off = (pl.col("without_excess") / pl.col("stoichiometric") - 1).abs()
    return hits(
        compared.filter(beyond(off, rule)),
        "outlet",
        parameter_code=pl.lit(NOTHING),
        value=off,
        observed=pl.col("flow"),
        expected=pl.col("stoichiometric") * pl.col("flow") / pl.col("without_excess"),
        unit=pl.lit("m3"),
        rows=pl.col("hours"),
        **of_month(),
    )


Comparison = Callable[[Outlets, dict], pl.DataFrame]
COMPARISONS: dict[str, Comparison] = {
    comparison.__name__: comparison
    for comparison in (
        hours_below_limit,
        hours_stopped_with_value,
        hours_without_flow,
        hours_with_too_few_values,
        concentration_at_high_load,
        converted_and_recomputed,
        reported_and_product,
        exceedance_without_event,
        marks_on_days_near_limit,
        calibration_off_habit,
        part_and_whole,
        fuel_and_flow,
    )
}
