"""Series that measures are verified with: what a meter counted per month or day, and what drove it.

Sums, coverage and provenance only. Which periods are a baseline, and what is made of them, is decided in `measure_effect`.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from pipelines.assessment.lineage import perimeter
from pipelines.contracts.states import State

MONTH, DAY = "month", "day"
_AMOUNTS = ("quantity", "measured_quantity", "hours_covered")
_DEGREE_DAYS = {"hdd": "heating", "cdd": "cooling"}
_AIR_TEMPERATURE = "a01001"


@dataclass(frozen=True)
class Series:
    """A meter or a driver, one row per period: value scaled up to the whole period, what share of it is covered, what share measured.

    Periods that are covered less than was asked have no value.
    """

    frame: pl.DataFrame
    unit: str | None
    source: str


@dataclass(frozen=True)
class Inputs:
    """What the warehouse holds, as frames; see the sources of `measure_effect`."""

    quantities: pl.DataFrame
    production: pl.DataFrame
    consumption: pl.DataFrame
    emission: pl.DataFrame
    points: pl.DataFrame
    relations: pl.DataFrame
    coverage: float


def month_of(day: date) -> date:
    return day.replace(day=1)


def months_after(day: date, months: int) -> date:
    """First day of the month that many months after a date's."""
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def first_whole_month(day: date) -> date:
    """First day of the first month that lies wholly on or after a date."""
    return day if day.day == 1 else months_after(day, 1)


def period_end(start: date, resolution: str) -> date:
    return months_after(start, 1) if resolution == MONTH else start + timedelta(days=1)


# -- meters ----------------------------------------------------------------------------------------------------------------------------


def meter_series(inputs: Inputs, point_id: str, parameter_code: str, resolution: str, today: date) -> Series | None:
    """What a point counted of a parameter; None where nothing of it is known.

    A pollutant at an outlet is what the emission accounts of the outlet say, month by month. Everything else is the point's own
    quantities: meters, masses as sent, and before treatment concentration times flow.
    """
    same = perimeter(inputs.relations, "point", point_id, today)
    ids = list(same.ids)
    outlets = inputs.points.filter(pl.col("point_id").is_in(ids))["outlet_id"].drop_nulls().unique().sort().to_list()
    masses = inputs.emission.filter(pl.col("outlet_id").is_in(outlets) & (pl.col("pollutant_code") == parameter_code))
    if not masses.is_empty() and resolution == MONTH:
        # A shared outlet stands with each enterprise that bears a part of it: together they are the outlet.
        months = masses.group_by(pl.col("month_start_date").alias("period_start")).agg(
            quantity=_sum_of_known("mass_kg"),
            measured_quantity=_sum_of_known("measured_kg"),
            share=pl.col("completeness_share").fill_null(1.0).mean(),
        )
        return Series(_scaled(months, inputs.coverage), "kg", f"emission accounts of outlet {', '.join(outlets)}")
    rows = inputs.quantities.filter(
        pl.col("point_id").is_in(ids) & (pl.col("parameter_code") == parameter_code) & pl.col("quantity").is_not_null()
    )
    if rows.is_empty():
        return None
    words = ", ".join(sorted(rows["basis"].unique().to_list())).replace("concentration_flow", "concentration times flow")
    history = "".join(f"; {note}" for note in same.notes)
    return Series(_per_period(rows, resolution, inputs.coverage), rows["unit"].drop_nulls().first(), f"readings ({words}){history}")


def _sum_of_known(name: str) -> pl.Expr:
    column = pl.col(name)
    return pl.when(column.is_not_null().all()).then(column.sum())


def _per_period(rows: pl.DataFrame, resolution: str, coverage: float) -> pl.DataFrame:
    """Days and longer intervals as periods; an interval over a period's end is apportioned by its days."""
    days = rows.filter(pl.col("basis") != "long").select("period_start", "period_end", *_AMOUNTS, "hours_expected")
    if resolution == DAY:
        found = days.group_by("period_start").agg(pl.col(*_AMOUNTS, "hours_expected").sum())
        return _scaled(found.with_columns(share=(pl.col("hours_covered") / pl.col("hours_expected")).clip(0, 1)), coverage)
    longer = rows.filter(pl.col("basis") == "long").select("period_start", "period_end", *_AMOUNTS)
    spread = (
        longer.with_columns(day=pl.date_ranges("period_start", "period_end", closed="left"))
        .with_columns(days=pl.col("day").list.len())
        .filter(pl.col("days") > 0)
        .explode("day")
        .select(pl.col("day").alias("period_start"), *((pl.col(name) / pl.col("days")).alias(name) for name in _AMOUNTS))
    )
    found = (
        pl.concat([days.select("period_start", *_AMOUNTS), spread])
        .group_by(pl.col("period_start").dt.truncate("1mo"))
        .agg(pl.col(*_AMOUNTS).sum())
    )
    # A month owes the hours of all its days, whether or not anything came on them.
    owed = pl.col("period_start").dt.days_in_month() * 24.0
    return _scaled(found.with_columns(share=(pl.col("hours_covered") / owed).clip(0, 1)), coverage)


def _scaled(periods: pl.DataFrame, coverage: float) -> pl.DataFrame:
    enough = pl.col("share") >= coverage
    return periods.select(
        "period_start",
        value=pl.when(enough).then(pl.col("quantity") / pl.col("share")),
        coverage=pl.col("share"),
        measured=pl.when(enough & (pl.col("quantity") != 0)).then((pl.col("measured_quantity") / pl.col("quantity")).clip(0, 1)),
    ).sort("period_start")


# -- drivers ---------------------------------------------------------------------------------------------------------------------------


def driver_series(inputs: Inputs, code: str, enterprise_id: str, process_id: str | None, resolution: str, as_of: date) -> Series | str:
    """What a driver was in every period, or why it is not known.

    A code is, in this order: a product; heating or cooling degree days with their base (`hdd:18`, `cdd:26`); a parameter metered at
    the measure's process or else at the enterprise; an item that the enterprise consumes. Products follow their own renamings, items
    the enterprise's mergers.
    """
    if (found := _product(inputs, code, resolution, as_of)) is not None:
        return found
    kind, _, base = code.partition(":")
    if kind in _DEGREE_DAYS and base:
        return _degree_days(inputs, code, kind, base, enterprise_id, resolution)
    if (found := _metered(inputs, code, enterprise_id, process_id, resolution, as_of)) is not None:
        return found
    if (found := _consumed(inputs, code, enterprise_id, resolution, as_of)) is not None:
        return found
    by_day = " by the day" if resolution == DAY else ""
    return f"driver {code}: no product, metered parameter or consumed item of {enterprise_id} has this code and is known{by_day}"


def _product(inputs: Inputs, code: str, resolution: str, as_of: date) -> Series | None:
    same = perimeter(inputs.relations, "product", code, as_of)
    rows = inputs.production.filter(pl.col("product_code").is_in(list(same.ids)))
    if rows.is_empty() or resolution == DAY:
        return None
    known = pl.col("quantity").is_not_null() & (pl.col("state") != State.MISSING.value)
    months = rows.group_by(pl.col("month_start_date").alias("period_start")).agg(
        quantity=pl.when(known.all()).then(pl.col("quantity").sum()),
        measured_quantity=pl.lit(0.0),
        share=pl.col("completeness_share").fill_null(1.0).min(),
    )
    return Series(_scaled(months, inputs.coverage), rows["unit"].drop_nulls().first(), f"declared output of {code}")


def _metered(inputs: Inputs, code: str, enterprise_id: str, process_id: str | None, resolution: str, as_of: date) -> Series | None:
    rows = inputs.quantities.filter(pl.col("parameter_code") == code)
    if rows.is_empty():
        return None
    same = perimeter(inputs.relations, "enterprise", enterprise_id, as_of)
    owned = inputs.points.filter(pl.col("enterprise_id").is_in(list(same.ids)))
    places = [(f"process {process_id}", owned.filter(pl.col("process_id") == process_id))] if process_id is not None else []
    places += [(enterprise_id, owned), ("the park", inputs.points.filter(pl.col("enterprise_id").is_null()))]
    for place, points in places:
        at_place = rows.filter(pl.col("point_id").is_in(points["point_id"].unique().to_list()))
        totals = at_place.filter(pl.col("quantity").is_not_null())
        if not totals.is_empty() and place != "the park":
            return Series(
                _per_points(totals, resolution, inputs.coverage), totals["unit"].drop_nulls().first(), f"{code} metered at {place}"
            )
        means = at_place.filter(pl.col("mean_value").is_not_null())
        if not means.is_empty():
            return Series(
                _mean_per_period(means, resolution, inputs.coverage), means["unit"].drop_nulls().first(), f"mean {code} at {place}"
            )
    return None


def _per_points(rows: pl.DataFrame, resolution: str, coverage: float) -> pl.DataFrame:
    """Several meters of a driver add up; a period in which one of them is silent is not known."""
    each = pl.concat([_per_period(of_point, resolution, coverage) for of_point in rows.partition_by("point_id", maintain_order=True)])
    meters = rows["point_id"].n_unique()
    return (
        each.group_by("period_start")
        .agg(
            value=pl.when((pl.len() == meters) & pl.col("value").is_not_null().all()).then(pl.col("value").sum()),
            coverage=pl.col("coverage").sum() / meters,
            measured=pl.col("measured").mean(),
        )
        .sort("period_start")
    )


def _mean_per_period(rows: pl.DataFrame, resolution: str, coverage: float) -> pl.DataFrame:
    """Mean of the daily means of all points; a period needs most of its days."""
    days = rows.group_by(pl.col("period_start").alias("day")).agg(pl.col("mean_value").mean())
    return _of_days(days, pl.col("mean_value").mean(), resolution, coverage)


def _degree_days(inputs: Inputs, code: str, kind: str, base: str, enterprise_id: str, resolution: str) -> Series | str:
    try:
        threshold = float(base)
    except ValueError:
        return f"driver {code}: {base!r} is no temperature; write it as {kind}:18"
    rows = inputs.quantities.filter((pl.col("parameter_code") == _AIR_TEMPERATURE) & pl.col("mean_value").is_not_null())
    own = inputs.points.filter(pl.col("enterprise_id") == enterprise_id)["point_id"].unique().to_list()
    of_park = inputs.points.filter(pl.col("enterprise_id").is_null())["point_id"].unique().to_list()
    near = rows.filter(pl.col("point_id").is_in(own))
    near = rows.filter(pl.col("point_id").is_in(of_park)) if near.is_empty() else near
    if near.is_empty():
        return f"driver {code}: no air temperature ({_AIR_TEMPERATURE}) is measured at {enterprise_id} or by the park"
    days = near.group_by(pl.col("period_start").alias("day")).agg(pl.col("mean_value").mean())
    beyond = threshold - pl.col("mean_value") if kind == "hdd" else pl.col("mean_value") - threshold
    frame = _of_days(
        days.with_columns(degrees=beyond.clip(lower_bound=0)), pl.col("degrees").sum(), resolution, coverage=inputs.coverage, is_sum=True
    )
    return Series(
        frame,
        "K d",
        f"{_DEGREE_DAYS[kind]} degree days below {threshold:g} degC" if kind == "hdd" else f"cooling degree days above {threshold:g} degC",
    )


def _of_days(days: pl.DataFrame, value: pl.Expr, resolution: str, coverage: float, is_sum: bool = False) -> pl.DataFrame:
    start = pl.col("day") if resolution == DAY else pl.col("day").dt.truncate("1mo")
    owed = pl.lit(1.0) if resolution == DAY else pl.col("period_start").dt.days_in_month().cast(pl.Float64)
    share = pl.col("days") / owed
    return (
        days.group_by(start.alias("period_start"))
        .agg(found=value, days=pl.col("day").n_unique().cast(pl.Float64))
        .select(
            "period_start",
            value=pl.when(share >= coverage).then(pl.col("found") / share if is_sum else pl.col("found")),
            coverage=share.clip(0, 1),
            measured=pl.lit(1.0),
        )
        .sort("period_start")
    )


def _consumed(inputs: Inputs, code: str, enterprise_id: str, resolution: str, as_of: date) -> Series | None:
    same = perimeter(inputs.relations, "enterprise", enterprise_id, as_of)
    rows = inputs.consumption.filter(
        pl.col("enterprise_id").is_in(list(same.ids)) & (pl.col("item_code") == code) & pl.col("process_id").is_null()
    )
    if same.begins is not None:
        rows = rows.filter(pl.col("month_start_date") >= same.begins)
    if rows.is_empty() or resolution == DAY:
        return None
    months = rows.group_by(pl.col("month_start_date").alias("period_start")).agg(
        quantity=_sum_of_known("quantity"),
        measured_quantity=(pl.col("quantity") * pl.col("measured_share")).sum(),
        share=pl.col("completeness_share").fill_null(1.0).min(),
    )
    history = "".join(f"; {note}" for note in same.notes)
    return Series(_scaled(months, inputs.coverage), rows["unit"].drop_nulls().first(), f"{code} consumed by {enterprise_id}{history}")
