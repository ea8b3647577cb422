"""Rules of plausibility on what a channel sends, day by day: constant, smooth, repeated, jumping, beyond its range, late or absent.

One function a comparison: days of channels and a rule in, hits out (`plausibility_hits`). A day's features are made in dbt
(`int_plausibility_channel_days`), numbers are the rule's; no finding's words stand here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from pipelines.assessment.plausibility_hits import HIT, NOTHING, beyond, hits, months, of_month

CHANNEL = ("point_id", "parameter_code", "statistic", "source_kind")
_BLOCKS = 6
_DAYS_BEFORE = 14
_FEWEST_BEFORE = 5
"""Days that a level of the days before is taken over, and how many of them must be known."""


@dataclass(frozen=True)
class Channels:
    """Days of channels as `int_plausibility_channels` has them, months of all time, and what flow belongs to a pollutant.

    `rules` are all rules in force: a day that jumps by a power of ten is no step beside.
    """

    days: pl.DataFrame
    months: pl.DataFrame
    parameters: pl.DataFrame
    rules: list[dict]

    @cached_property
    def sent(self) -> pl.DataFrame:
        """Days with values, in order."""
        return self.days.filter(pl.col("hours") > 0).sort(*CHANNEL, "local_date")

    @cached_property
    def concentrations(self) -> pl.DataFrame:
        return self.sent.filter(pl.col("is_pollutant") & (pl.col("statistic") != "cou"))

    @cached_property
    def jumps(self) -> list[pl.DataFrame]:
        """Days of channels that jump by a power of ten, by every rule that asks for it."""
        return [
            power_of_ten(self, rule).select(*(pl.col("place_id").alias("point_id"), *CHANNEL[1:]), local_date="period_start")
            for rule in self.rules
            if rule["compares"] == power_of_ten.__name__
        ]

    def of(self, rule: dict) -> pl.DataFrame:
        """Days with values of the rule's parameter, or of every one."""
        return self.sent if rule["parameter_code"] is None else self.sent.filter(pl.col("parameter_code") == rule["parameter_code"])

    def whole_months(self, rows: pl.DataFrame) -> pl.DataFrame:
        if self.days.is_empty():
            return rows.with_columns(month="local_date").clear()
        return months(rows, self.days["local_date"].min(), self.days["local_date"].max())


def repeated_hours(given: Channels, rule: dict) -> pl.DataFrame:
    found = given.of(rule).filter((pl.col("nd_hours") == 0) & beyond(pl.col("unchanged_hours"), rule))
    return hits(found, "point", value=pl.col("unchanged_hours"), observed=pl.col("value_mean"), rows=pl.col("hours"))


def span_of_range(given: Channels, rule: dict) -> pl.DataFrame:
    span = pl.col("value_max") - pl.col("value_min")
    of_range = span / (pl.col("range_max") - pl.col("range_min"))
    # what is held steady inside the works, a boiler's pressure, is meant to be
    small = (span <= rule["guard"] * pl.col("value_mean").abs()) & (span > 0) & (pl.col("nd_hours") == 0)
    found = given.of(rule).filter(pl.col("outlet_id").is_not_null() & beyond(of_range, rule) & small)
    return hits(found, "point", value=of_range, observed=span, expected=pl.col("range_max") - pl.col("range_min"), rows=pl.col("hours"))


def hours_at_range_end(given: Channels, rule: dict) -> pl.DataFrame:
    of_range = pl.col("value_max") / pl.col("range_max")
    found = given.of(rule).filter((pl.col("range_max") > 0) & beyond(of_range, rule) & (pl.col("hours_at_max") >= rule["extent"]))
    return hits(found, "point", value=of_range, observed=pl.col("value_max"), expected=pl.col("range_max"), rows=pl.col("hours_at_max"))


def value_of_range(given: Channels, rule: dict) -> pl.DataFrame:
    of_range = pl.col("value_max") / pl.col("range_max")
    found = given.of(rule).filter((pl.col("range_max") > 0) & beyond(of_range, rule))
    return hits(found, "point", value=of_range, observed=pl.col("value_max"), expected=pl.col("range_max"), rows=pl.col("hours"))


def power_of_ten(given: Channels, rule: dict) -> pl.DataFrame:
    """The factor to the channel's usual level, where mean and largest hour are near the same power of ten other than one.

    A unit that was mistaken scales the whole day, its smallest hour too; a holiday takes the peaks away and leaves what never stops.
    A whole works that stands still takes its meters and flows down to a base load of about a tenth: of them a single decade is no jump.
    """
    rows = (
        given.of(rule)
        .filter(pl.col("value_mean") > 0)
        .with_columns(known=pl.len().over(CHANNEL), usual=pl.col("value_mean").median().over(CHANNEL))
        .with_columns(
            decades=(pl.col("value_mean") / pl.col("usual")).log10(),
            **{
                f"decades_of_{end}": (pl.col(f"value_{end}") / pl.col(f"value_{end}").median().over(CHANNEL)).log10()
                for end in ("max", "min")
            },
        )
    )
    power = pl.col("decades").round()
    # A smallest hour is one value and strays farther than a mean: it must be nearest to the same power. Of zeros none can be told.
    of_min = pl.col("decades_of_min")
    scaled = (of_min.round() == power).fill_null(True) | ~of_min.is_finite()
    off = pl.max_horizontal((pl.col("decades") - power).abs(), (pl.col("decades_of_max") - power).abs())
    stands_still = (power == -1) & ~pl.col("is_pollutant")
    found = rows.filter((pl.col("known") > rule["guard"]) & (power.abs() >= 1) & ~stands_still & scaled & beyond(off, rule))
    return hits(found, "point", value=off, observed=pl.col("value_mean"), expected=pl.col("usual"), rows=pl.col("hours"))


def level_of_days_before(given: Channels, rule: dict) -> pl.DataFrame:
    """Concentrations at outlets: a flow follows shifts and holidays."""
    return steps_of_level(given, rule, given.concentrations)


def steps_of_level(given: Channels, rule: dict, days: pl.DataFrame) -> pl.DataFrame:
    """Days at outlets whose mean is several times, or a fraction of, what the days before were like."""
    before = pl.col("value_mean").shift(1).rolling_median(_DAYS_BEFORE, min_samples=_FEWEST_BEFORE).over(CHANNEL)
    change = pl.col("value_mean").diff().abs()
    usual_change = change.shift(1).rolling_median(_DAYS_BEFORE, min_samples=_FEWEST_BEFORE).over(CHANNEL)
    rows = days.filter(pl.col("outlet_id").is_not_null() & (pl.col("value_mean") > 0)).with_columns(
        before=before, usual_change=usual_change
    )
    times = pl.max_horizontal(pl.col("value_mean") / pl.col("before"), pl.col("before") / pl.col("value_mean"))
    is_far = (pl.col("value_mean") - pl.col("before")).abs() > rule["guard"] * pl.col("usual_change")
    found = rows.filter(beyond(times, rule) & is_far.fill_null(False))
    if jumps := given.jumps:
        found = found.join(pl.concat(jumps), on=[*CHANNEL, "local_date"], how="anti")
    return hits(found, "point", value=times, observed=pl.col("value_mean"), expected=pl.col("before"), rows=pl.col("hours"))


def shape_of_other_day(given: Channels, rule: dict) -> pl.DataFrame:
    others = pl.len().over(*CHANNEL, "shape").cast(pl.Int64) - 1
    found = given.of(rule).filter(pl.col("moving_hours") >= rule["guard"]).with_columns(others=others)
    return hits(
        found.filter(beyond(pl.col("others"), rule)), "point", value=pl.col("others"), observed=pl.col("value_mean"), rows=pl.col("hours")
    )


def shape_of_other_outlet(given: Channels, rule: dict) -> pl.DataFrame:
    """Per month and pair of outlets, told at each of the two."""
    days = given.of(rule).filter(
        (pl.col("moving_hours") >= rule["guard"]) & pl.col("outlet_id").is_not_null() & (pl.col("source_kind") == "automatic")
    )
    same = ["parameter_code", "statistic", "source_kind", "local_date", "shape"]
    pairs = days.join(days.select(*same, other_place_id="outlet_id"), on=same).filter(pl.col("outlet_id") != pl.col("other_place_id"))
    by_month = (
        pairs.group_by(*CHANNEL, "other_place_id", pl.col("local_date").dt.truncate("1mo").alias("month"))
        .agg(
            pl.col("enterprise_id", "outlet_id", "unit").last(),
            first=pl.col("local_date").min(),
            last=pl.col("local_date").max(),
            days=pl.col("local_date").n_unique(),
            rows=pl.col("hours").sum(),
        )
        .filter(beyond(pl.col("days"), rule))
    )
    return hits(
        by_month,
        "point",
        other_place_id=pl.col("other_place_id"),
        value=pl.col("days"),
        rows=pl.col("rows"),
        period_start=pl.col("first"),
        period_end=pl.col("last").dt.offset_by("1d"),
    )


def autocorrelation_of_a_day(given: Channels, rule: dict) -> pl.DataFrame:
    """Correlation of a month's four-hour means with those of the day before, from sums over the blocks of a day."""
    blocks = [f"block_{number}" for number in range(1, _BLOCKS + 1)]
    rows = given.concentrations.select(*CHANNEL, "enterprise_id", "outlet_id", "local_date", "unit", "hours", *blocks).with_columns(
        month=pl.col("local_date").dt.truncate("1mo"),
        follows=(pl.col("local_date").diff().dt.total_days() == 1).over(CHANNEL),
        level=pl.mean_horizontal(blocks),
    )
    # centred on the channel's mean: sums of squares of what is far from zero lose digits
    centred = [(pl.col(name) - pl.col("level").mean().over(CHANNEL)).alias(name) for name in blocks]
    rows = rows.with_columns(centred).with_columns(pl.col(name).shift(1).over(CHANNEL).alias(f"{name}_before") for name in blocks)
    pairs = [(pl.col(name), pl.col(f"{name}_before")) for name in blocks]
    both = [(now + before).is_not_null() for now, before in pairs]
    terms = {
        "n": [known.cast(pl.Float64) for known in both],
        "sx": [pl.when(known).then(now) for known, (now, _) in zip(both, pairs, strict=True)],
        "sy": [pl.when(known).then(before) for known, (_, before) in zip(both, pairs, strict=True)],
        "sxx": [pl.when(known).then(now * now) for known, (now, _) in zip(both, pairs, strict=True)],
        "syy": [pl.when(known).then(before * before) for known, (_, before) in zip(both, pairs, strict=True)],
        "sxy": [now * before for now, before in pairs],
    }
    by_month = (
        given.whole_months(rows.filter(pl.col("follows").fill_null(False)))
        .group_by(*CHANNEL, "month")
        .agg(
            pl.col("enterprise_id", "outlet_id", "unit").last(),
            *(pl.sum_horizontal(parts).sum().alias(name) for name, parts in terms.items()),
            days=pl.len(),
            rows=pl.col("hours").sum(),
        )
    )
    n, sx, sy = pl.col("n"), pl.col("sx"), pl.col("sy")
    spread = ((n * pl.col("sxx") - sx * sx) * (n * pl.col("syy") - sy * sy)).sqrt()
    r = pl.when(spread > 0).then((n * pl.col("sxy") - sx * sy) / spread)
    found = by_month.with_columns(r=r).filter((pl.col("days") >= rule["extent"]) & beyond(pl.col("r"), rule))
    return hits(found, "point", value=pl.col("r"), rows=pl.col("rows"), **of_month())


def von_neumann_ratio(given: Channels, rule: dict) -> pl.DataFrame:
    ratio = pl.col("step_square_sum") / pl.col("steps") / pl.col("value_variance")
    moving = (pl.col("steps") >= rule["guard"]) & (pl.col("value_variance") > 0) & (pl.col("moving_hours") >= rule["guard"])
    return hits(
        given.concentrations.filter(moving & beyond(ratio, rule)),
        "point",
        value=ratio,
        observed=pl.col("value_mean"),
        rows=pl.col("hours"),
    )


def variance(given: Channels, rule: dict) -> pl.DataFrame:
    """Days in a row whose hours vary little, within each day and, over the run, from day to day: what drifts has not stood still."""
    flat = given.of(rule).filter((pl.col("hours") >= rule["guard"]) & beyond(pl.col("value_variance"), rule)).sort(*CHANNEL, "local_date")
    runs = flat.with_columns(
        run=(pl.col("local_date").diff().dt.total_days() != 1).fill_null(True).cast(pl.Int64).cum_sum().over(CHANNEL)
    ).with_columns(of_run=(pl.col("value_variance").mean() + pl.col("value_mean").var(ddof=0)).over(*CHANNEL, "run"))
    found = runs.filter(beyond(pl.col("of_run"), rule))
    return hits(found, "point", value=pl.col("of_run"), observed=pl.col("value_mean"), rows=pl.col("hours"))


def largest_step(given: Channels, rule: dict) -> pl.DataFrame:
    found = given.of(rule).filter(beyond(pl.col("step_max"), rule))
    return hits(found, "point", value=pl.col("step_max"), observed=pl.col("value_max"), expected=pl.col("value_mean"), rows=pl.col("hours"))


def same_month_of_earlier_years(given: Channels, rule: dict) -> pl.DataFrame:
    """A month's mean against that of the same months of all earlier years, in deviations of their days."""
    measured = given.months.filter(pl.col("days") >= rule["extent"]).with_columns(month_of_year=pl.col("month_start_date").dt.month())
    key = [*CHANNEL, "month_of_year"]
    pairs = measured.join(measured, on=key, suffix="_then").filter(pl.col("month_start_date_then") < pl.col("month_start_date"))
    days = pl.col("days_then").sum()
    baseline = pairs.group_by(*CHANNEL, "month_start_date").agg(
        pl.col("value_mean", "days").first(),
        expected=(pl.col("value_mean_then") * pl.col("days_then")).sum() / days,
        deviation=((pl.col("value_deviation_then") ** 2 * pl.col("days_then")).sum() / days).sqrt(),
    )
    owners = given.concentrations.group_by(CHANNEL).agg(
        pl.col("enterprise_id", "outlet_id", "unit").last(), since=pl.col("local_date").min().dt.truncate("1mo")
    )
    off = (pl.col("value_mean") - pl.col("expected")).abs() / pl.col("deviation")
    found = (
        baseline.join(owners, on=CHANNEL)
        .filter((pl.col("month_start_date") >= pl.col("since")) & (pl.col("deviation") > 0) & beyond(off, rule))
        .rename({"month_start_date": "month"})
    )
    return hits(
        found,
        "point",
        value=off,
        observed=pl.col("value_mean"),
        expected=pl.col("expected"),
        rows=pl.col("days") * 24,
        **of_month(),
    )


def valid_of_expected(given: Channels, rule: dict) -> pl.DataFrame:
    """Of what a channel owed in whole months after its first value: periods said to have stood still are not owed."""
    begun = given.sent.group_by(CHANNEL).agg(begun=pl.col("local_date").min())
    stopped = pl.col("stopped_hours").fill_null(0) * pl.col("expected_periods") / 24
    by_month = (
        given.whole_months(given.days.filter(pl.col("is_pollutant") & (pl.col("expected_periods") > 0)))
        .group_by(*CHANNEL, "month")
        .agg(
            pl.col("enterprise_id", "outlet_id", "unit").drop_nulls().last(),
            owed=pl.col("expected_periods").sum() - stopped.sum(),
            valid=pl.col("valid_periods").sum(),
            rows=pl.col("received_periods").sum(),
        )
        .join(begun, on=CHANNEL)
        .filter((pl.col("owed") > 0) & (pl.col("month") >= pl.col("begun")))
    )
    share = pl.col("valid") / pl.col("owed")
    return hits(
        by_month.filter(beyond(share, rule)),
        "point",
        value=share,
        observed=pl.col("valid"),
        expected=pl.col("owed"),
        unit=pl.lit("periods"),
        rows=pl.col("rows"),
        **of_month(),
    )


def hours_without_value(given: Channels, rule: dict) -> pl.DataFrame:
    """What the flow of the same point sent more of than the pollutant, in hours of a day."""
    hours_received = pl.col("received_periods") * 24 / pl.col("expected_periods")
    days = given.days.filter(pl.col("expected_periods") > 0).with_columns(hours_received=hours_received)
    place = ["point_id", "source_kind", "local_date"]
    flows = days.group_by(*place, "parameter_code").agg(flow_hours=pl.col("hours_received").max()).rename({"parameter_code": "mass_from"})
    found = (
        days.filter(pl.col("is_pollutant") & (pl.col("statistic") != "cou"))
        .join(given.parameters.select("parameter_code", "mass_from").unique("parameter_code"), on="parameter_code")
        .join(flows, on=[*place, "mass_from"])
        .with_columns(lacking=pl.col("flow_hours") - pl.col("hours_received"))
    )
    return hits(
        found.filter(beyond(pl.col("lacking"), rule)),
        "point",
        value=pl.col("lacking"),
        observed=pl.col("hours_received"),
        expected=pl.col("flow_hours"),
        unit=pl.lit("h"),
        rows=pl.col("received_periods"),
    )


def late_on_few_days(given: Channels, rule: dict) -> pl.DataFrame:
    """Of a station, over all it sends: an upload is the station's. A month of which most came late is a history that was loaded."""
    place = ["point_id", "source_kind"]
    days = (
        given.whole_months(given.days)
        .group_by(*place, "month", "local_date")
        .agg(pl.col("enterprise_id", "outlet_id").last(), pl.col("late_periods", "received_periods").sum())
    )
    by_month = days.group_by(*place, "month").agg(
        pl.col("enterprise_id", "outlet_id").last(),
        late=pl.col("late_periods").sum(),
        received=pl.col("received_periods").sum(),
        latest=pl.col("late_periods").top_k(int(rule["guard"])).sum(),
    )
    share = pl.col("latest") / pl.col("late")
    found = by_month.filter((pl.col("late") >= rule["extent"]) & (2 * pl.col("late") < pl.col("received")) & beyond(share, rule))
    everything = {"parameter_code": pl.lit(NOTHING), "statistic": pl.lit(NOTHING), "unit": pl.lit("periods")}
    return hits(
        found, "point", **everything, value=share, observed=pl.col("latest"), expected=pl.col("received"), rows=pl.col("late"), **of_month()
    )


def platform_copy_and_own(given: Channels, rule: dict) -> pl.DataFrame:
    """Means of days of which both ways have the same hours; told of the platform's channel."""
    same = ["point_id", "parameter_code", "statistic", "local_date"]
    own = given.of(rule).filter(pl.col("source_kind") == "automatic").select(*same, "hours", expected="value_mean")
    pairs = given.of(rule).filter(pl.col("source_kind") == "platform_copy").join(own, on=[*same, "hours"])
    off = (pl.col("value_mean") / pl.col("expected") - 1).abs()
    found = pairs.filter((pl.col("hours") >= rule["guard"]) & (pl.col("expected") > 0) & beyond(off, rule))
    return hits(found, "point", value=off, observed=pl.col("value_mean"), expected=pl.col("expected"), rows=pl.col("hours"))


def means_of_lengths(given: Channels, rule: dict) -> pl.DataFrame:
    """Means of a day as shorter and longer periods of one channel give them, where both cover the same hours of it."""
    off = (pl.col("longer_mean") / pl.col("shorter_mean") - 1).abs()
    both = (pl.min_horizontal("shorter_hours", "longer_hours") >= rule["guard"]) & (pl.col("shorter_mean") > 0)
    found = given.days.filter(pl.col("is_pollutant") & both & beyond(off, rule))
    return hits(
        found,
        "point",
        value=off,
        observed=pl.col("longer_mean"),
        expected=pl.col("shorter_mean"),
        rows=pl.col("received_periods"),
    )


def parameters_that_step(given: Channels, rule: dict) -> pl.DataFrame:
    """Outlets of which several parameters step on one day while the flow does not; what a step is says the rule of steps."""
    flows = given.parameters["mass_from"].drop_nulls().unique().to_list()
    steps = [steps_of_level(given, other, given.sent) for other in given.rules if other["compares"] == level_of_days_before.__name__]
    days = (
        pl.concat([pl.DataFrame(schema=HIT), *steps])
        .group_by("outlet_id", "enterprise_id", "period_start", "period_end")
        .agg(count=pl.col("parameter_code").n_unique(), with_flow=pl.col("parameter_code").is_in(flows).any(), rows=pl.col("rows").sum())
        .filter(~pl.col("with_flow") & beyond(pl.col("count"), rule))
    )
    everything = {"parameter_code": pl.lit(NOTHING), "unit": pl.lit("parameters")}
    period = {"period_start": pl.col("period_start"), "period_end": pl.col("period_end")}
    return hits(days, "outlet", **everything, **period, value=pl.col("count"), observed=pl.col("count"), rows=pl.col("rows"))


def removal_of_treatment(given: Channels, rule: dict) -> pl.DataFrame:
    """Inlets of a process against the outlet that measures the same process, or the only one of the enterprise."""
    days = given.concentrations.filter((pl.col("source_kind") == "automatic") & (pl.col("hours") >= rule["guard"]))
    if rule["parameter_code"] is not None:
        days = days.filter(pl.col("parameter_code") == rule["parameter_code"])
    outlets = days.filter(pl.col("outlet_id").is_not_null()).select(
        "enterprise_id", "parameter_code", "statistic", "local_date", other_place_id="outlet_id", process_after="process_id", after="value_mean",
        outlets=pl.col("outlet_id").n_unique().over("enterprise_id", "parameter_code"),
    )  # fmt: skip
    inlets = days.filter(pl.col("outlet_id").is_null() & pl.col("process_id").is_not_null() & (pl.col("value_mean") > 0))
    pairs = inlets.join(outlets, on=["enterprise_id", "parameter_code", "statistic", "local_date"]).filter(
        (pl.col("process_after") == pl.col("process_id")) | (pl.col("outlets") == 1)
    )
    removed = 1 - pl.col("after") / pl.col("value_mean")
    return hits(
        pairs.filter(beyond(removed, rule)),
        "point",
        other_place_id=pl.col("other_place_id"),
        value=removed,
        observed=pl.col("after"),
        expected=pl.col("value_mean"),
        rows=pl.col("hours"),
    )


Comparison = Callable[[Channels, dict], pl.DataFrame]
COMPARISONS: dict[str, Comparison] = {
    comparison.__name__: comparison
    for comparison in (
        repeated_hours,
        span_of_range,
        hours_at_range_end,
        value_of_range,
        power_of_ten,
        level_of_days_before,
        parameters_that_step,
        removal_of_treatment,
        shape_of_other_day,
        shape_of_other_outlet,
        autocorrelation_of_a_day,
        von_neumann_ratio,
        variance,
        largest_step,
        same_month_of_earlier_years,
        valid_of_expected,
        hours_without_value,
        late_on_few_days,
        platform_copy_and_own,
        means_of_lengths,
    )
}
