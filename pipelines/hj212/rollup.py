"""Flags and values of longer periods from shorter ones, by the rules of HJ 212-2017, beside what the device itself sent.

Wastewater: one abnormal period makes the longer one abnormal. Flue gas: 75 % normal periods make it normal, else it is an instrument
fault. The rules are the standard's (notes to tables C.16 to C.18); where they are silent the choice is said at its
constant. What is done with a difference belongs in the gates.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import polars as pl

from pipelines.contracts.states import Flag
from pipelines.hj212.devices import Devices
from pipelines.hj212.vocabulary import DAILY, HOURLY, MINUTE


class Rule(StrEnum):
    """Which roll-up a system code (ST) follows."""

    WASTEWATER = "wastewater"
    FLUE_GAS = "flue_gas"


RULE_OF_SYSTEM = {"31": Rule.FLUE_GAS, "32": Rule.WASTEWATER}
"""The standard gives rules for these two alone; other systems are not rolled up."""
NORMAL_SHARE = 0.75
"""Flue gas: 75 % and more is normal (75%以上 includes the number)."""
SEVERITY = (Flag.FAULT, Flag.COMMUNICATION, Flag.OVER_RANGE, Flag.CALIBRATION, Flag.MAINTENANCE, Flag.STOPPED, Flag.MANUAL)
"""Wastewater: the standard does not say which letter an abnormal period gets. Ours: the most frequent, ties by this order."""
NOT_WEIGHTED = frozenset({"w00000", "B01", "w01001", "001", "w01010", "w01014"})
"""Wastewater factors whose mean is not weighted by flow: flow itself, pH, temperature, conductivity."""
FLOW = ("w00000", "B01")
"""Wastewater flow, in codes of 2017 and 2005."""


@dataclass(frozen=True)
class Step:
    """From which command to which."""

    source: str
    target: str
    length: str


STEPS = {"hour": Step(MINUTE, HOURLY, "1h"), "day": Step(HOURLY, DAILY, "1d")}


def roll_up(readings: pl.DataFrame, to: str, *, devices: Devices | None = None) -> pl.DataFrame:
    """Roll minutes up to hours or hours to days, and put the device's own beside it.

    A stopped period (F) of flue gas has nothing to measure: it counts neither for nor against; where all are stopped, so is the longer
    period. A period that did not come counts as not normal for flue gas, and is no abnormal value for wastewater.
    A value without flag is normal: devices of 2005 often send none.

    Args:
        readings: of `assemble`.
        to: hour or day.
        devices: minute intervals, which say how many periods an hour has.

    Returns:
        One row per (mn, st, factor, period_start) for which shorter periods or the device's own value came: rule, expected_periods, periods,
        normal_periods, stopped_periods, flag_rolled, min/avg/max/cou_rolled (avg_basis: arithmetic or flow_weighted, of normal periods),
        flag_sent, min/avg/max/cou_sent, min/avg/max/cou_difference (rolled - sent), flag_differs.
    """
    if to not in STEPS:
        raise ValueError(f"to = {to!r}; roll up to {' or '.join(STEPS)}")
    step = STEPS[to]
    rules = pl.DataFrame({"st": list(RULE_OF_SYSTEM), "rule": [rule.value for rule in RULE_OF_SYSTEM.values()]})
    current = readings.filter(pl.col("is_current") & pl.col("factor").is_not_null()).join(rules, on="st")
    key = ["mn", "st", "rule", "factor", "period_start"]
    shorter = _wide(current.filter(pl.col("cn") == step.source), key).with_columns(longer=pl.col("period_start").dt.truncate(step.length))
    sent = _wide(current.filter(pl.col("cn") == step.target), key).with_columns(pl.col("period_start").dt.truncate(step.length))
    rolled = _flags(_values(shorter), shorter, _expected(shorter, step, devices or Devices()))
    both = rolled.join(sent, on=key, how="full", coalesce=True, suffix="_sent").rename(
        {name: f"{name}_sent" for name in ("min", "avg", "max", "cou", "flag")}
    )
    return both.with_columns(
        *((pl.col(f"{name}_rolled") - pl.col(f"{name}_sent")).alias(f"{name}_difference") for name in ("min", "avg", "max", "cou")),
        flag_differs=pl.col("flag_rolled") != pl.col("flag_sent").fill_null(Flag.NORMAL.value),
    ).sort("mn", "st", "factor", "period_start")


def _wide(readings: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """One row per factor and period: min, avg, max, cou and the flag."""
    statistics = [pl.col("value_number").filter(pl.col("statistic") == name).last().alias(name) for name in ("min", "avg", "max", "cou")]
    return readings.sort("frame_no").group_by(key).agg(*statistics, flag=pl.col("flag").drop_nulls().last())


def _expected(shorter: pl.DataFrame, step: Step, devices: Devices) -> pl.DataFrame:
    """Periods that the longer one should have, per device."""
    devices_seen = shorter["mn"].unique().sort().to_list()
    per_hour = [timedelta(hours=1) // timedelta(minutes=devices.of(mn).minute_interval) for mn in devices_seen]
    return pl.DataFrame(
        {"mn": devices_seen, "expected_periods": per_hour if step.source == MINUTE else [24] * len(devices_seen)},
        schema={"mn": pl.String, "expected_periods": pl.Int64},
    )


def _values(shorter: pl.DataFrame) -> pl.DataFrame:
    flow = (
        shorter.filter((pl.col("rule") == Rule.WASTEWATER) & pl.col("factor").is_in(FLOW))
        .group_by("mn", "st", "period_start")
        .agg(volume=pl.col("cou").first())
    )
    normal = pl.col("flag").is_null() | (pl.col("flag") == Flag.NORMAL)
    periods = shorter.join(flow, on=["mn", "st", "period_start"], how="left").with_columns(normal=normal)
    good = normal & pl.col("avg").is_not_null()
    weighable = (
        (pl.col("rule").first() == Rule.WASTEWATER)
        & ~pl.col("factor").first().is_in(NOT_WEIGHTED)
        & pl.col("volume").filter(good).is_not_null().all()
        & (pl.col("volume").filter(good).sum() > 0)
    )
    weighted = (pl.col("avg") * pl.col("volume")).filter(good).sum() / pl.col("volume").filter(good).sum()
    group = ["mn", "st", "rule", "factor", "longer"]
    return periods.group_by(group).agg(
        periods=pl.len().cast(pl.Int64),
        normal_periods=pl.col("normal").sum().cast(pl.Int64),
        stopped_periods=(pl.col("flag") == Flag.STOPPED).sum().cast(pl.Int64),
        min_rolled=pl.col("min").filter(normal).min(),
        avg_rolled=pl.when(weighable).then(weighted).otherwise(pl.col("avg").filter(normal).mean()),
        avg_basis=pl.when(pl.col("avg").filter(normal).count() == 0)
        .then(pl.lit(None, dtype=pl.String))
        .when(weighable)
        .then(pl.lit("flow_weighted"))
        .otherwise(pl.lit("arithmetic")),
        max_rolled=pl.col("max").filter(normal).max(),
        # A total is a total whatever the flag; null only where no period sent one.
        cou_rolled=pl.when(pl.col("cou").is_not_null().any()).then(pl.col("cou").sum()),
    )


def _flags(values: pl.DataFrame, shorter: pl.DataFrame, expected: pl.DataFrame) -> pl.DataFrame:
    group = ["mn", "st", "rule", "factor", "longer"]
    severity = {flag.value: place for place, flag in enumerate(SEVERITY)}
    most_frequent = (
        shorter.filter(pl.col("flag").is_not_null() & (pl.col("flag") != Flag.NORMAL))
        .group_by(*group, "flag")
        .agg(times=pl.len())
        # A letter of no standard comes last: it cannot be ranked.
        .with_columns(rank=pl.col("flag").replace_strict(severity, default=len(severity), return_dtype=pl.Int64))
        .sort("times", "rank", "flag", descending=[True, False, False])
        .group_by(group, maintain_order=True)
        .agg(abnormal=pl.col("flag").first())
    )
    values = values.join(expected, on="mn", how="left").join(most_frequent, on=group, how="left")
    running = pl.max_horizontal(pl.col("expected_periods"), pl.col("periods")) - pl.col("stopped_periods")
    flue_gas = (
        pl.when(pl.col("periods") == pl.col("stopped_periods"))
        .then(pl.lit(Flag.STOPPED))
        .when(pl.col("normal_periods") >= NORMAL_SHARE * running)
        .then(pl.lit(Flag.NORMAL))
        .otherwise(pl.lit(Flag.FAULT))
    )
    wastewater = pl.coalesce("abnormal", pl.lit(Flag.NORMAL))
    return (
        values.with_columns(flag_rolled=pl.when(pl.col("rule") == Rule.FLUE_GAS).then(flue_gas).otherwise(wastewater))
        .drop("abnormal")
        .rename({"longer": "period_start"})
    )
