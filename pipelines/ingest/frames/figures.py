"""What the values of a message say about each other: order, totals, conversion to reference oxygen, longer periods.

One row per point and parameter, figures only: what is too much stands in the gates. Comparisons allow for the digits that
a device prints. Everything is in canonical units, so that no device's own unit makes a difference.
"""

import polars as pl

from pipelines.contracts.states import Flag, Statistic
from pipelines.hj212.tables import CHANNELS
from pipelines.ingest.frames.codes import Codes

OXYGEN = "a19001"
_AIR_OXYGEN = 21.0
"""Oxygen of air in the conversion formula, HJ 212-2017 annex D (27) and (28), %."""
_OXYGEN_USABLE = 20.0
"""Above it the flue gas is nearly air and the factor explodes."""
_MESSAGE = ["mn", "cn", "data_time", "point_id"]
_WIDE = (Statistic.MIN, Statistic.AVG, Statistic.MAX, Statistic.COU, Statistic.ZS_AVG)


def channel_figures(rows: pl.DataFrame, rolled: pl.DataFrame, codes: Codes) -> pl.DataFrame:
    """Figures by `hj212.tables.CHANNEL_COLUMNS`.

    Args:
        rows: accepted rows of the reader, with mn, st, factor, cn, data_time, value_text, scale and canonical columns.
        rolled: hours and days of `hj212.roll_up`.
        codes: which parameter a code is.
    """
    if rows.is_empty():
        return CHANNELS.to_frame()
    messages = _wide(rows).join(_parameters(codes), on="parameter_code", how="left", maintain_order="left")
    with_flow = messages.join(
        _of_message(messages, "flow_m3"), left_on=[*_MESSAGE, "mass_from"], right_on=[*_MESSAGE, "parameter_code"], how="left"
    )
    with_oxygen = with_flow.join(
        _of_message(messages.filter(parameter_code=OXYGEN), "avg").select(*_MESSAGE, oxygen="avg"), on=_MESSAGE, how="left"
    )
    parts = [_order(messages), _totals(with_flow), _converted(with_oxygen), _rolled_up(rolled, rows)]
    key = ["point_id", "parameter_code"]
    figures = messages.select(key).unique(maintain_order=True)
    for part in parts:
        figures = figures.join(part, on=key, how="left", maintain_order="left")
    counts = [name for name in CHANNELS if CHANNELS[name] == pl.Int64]
    return figures.with_columns(pl.col(counts).fill_null(0)).select(CHANNELS.names()).cast(dict(CHANNELS))


def _wide(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per message and parameter: its figures and, beside each, half of what its last printed digit stands for."""
    usable = rows.filter(pl.col("value").is_not_null() & (pl.col("flag").fill_null(Flag.NORMAL) == Flag.NORMAL))
    decimals = pl.col("value_text").str.extract(r"\.(\d+)").str.len_bytes().fill_null(0).cast(pl.Int32)
    half = 0.5 * pl.lit(10.0).pow(-decimals) * pl.col("scale").abs()
    figures = [
        pl.col(what).filter(pl.col("statistic") == name).last().alias(f"{name}{ending}")
        for name in _WIDE
        for what, ending in (("value", ""), ("half", "_half"))
    ]
    return (
        usable.with_columns(half=half)
        .group_by([*_MESSAGE, "parameter_code"], maintain_order=True)
        .agg(*figures, hours=pl.col("hours").first())
    )


def _parameters(codes: Codes) -> pl.DataFrame:
    rows = codes.references.standards.seed("parameters").sort("valid_from").unique("parameter_code", keep="last")
    return rows.select(
        "parameter_code",
        "mass_from",
        mass_scale=pl.col("mass_scale").cast(pl.Float64),
        is_rate=pl.col("unit") == pl.col("total_unit") + "/h",
    )


def _of_message(messages: pl.DataFrame, name: str) -> pl.DataFrame:
    """A figure of every message, to be held against others of the same message."""
    flow = pl.coalesce("cou", pl.col("avg") * pl.col("hours")).alias("flow_m3")
    return messages.with_columns(flow).select(*_MESSAGE, "parameter_code", name).drop_nulls(name)


def _order(messages: pl.DataFrame) -> pl.DataFrame:
    """Min ≤ Avg ≤ Max. Rounding keeps the order, so that there is nothing to allow for."""
    pairs = [(pl.col(low), pl.col(high)) for low, high in (("min", "avg"), ("avg", "max"), ("min", "max"))]
    compared = pl.any_horizontal((low.is_not_null() & high.is_not_null()) for low, high in pairs)
    # By a hair, for what two devices' figures lose on their way through a unit.
    broken = pl.any_horizontal((low > high + 1e-9 * high.abs()).fill_null(False) for low, high in pairs)
    return messages.group_by("point_id", "parameter_code").agg(order_periods=compared.sum(), order_broken=broken.sum())


def _totals(messages: pl.DataFrame) -> pl.DataFrame:
    """Cou against Avg × flow: of a pollutant its mass, of a flow its volume."""
    expected = pl.when(pl.col("mass_from").is_not_null()).then(pl.col("avg") * pl.col("flow_m3") * pl.col("mass_scale")).when("is_rate").then(
        pl.col("avg") * pl.col("hours")
    )  # fmt: skip
    from_digits = pl.col("cou_half") + expected * pl.col("avg_half") / pl.col("avg")
    beyond = ((pl.col("cou") - expected).abs() - from_digits).clip(lower_bound=0) / expected
    compared = messages.with_columns(expected=expected, beyond=beyond).filter(pl.col("cou").is_not_null() & (pl.col("expected") > 0))
    return compared.group_by("point_id", "parameter_code").agg(total_periods=pl.len(), total_deviation=pl.col("beyond").median())


def _converted(messages: pl.DataFrame) -> pl.DataFrame:
    """The reference oxygen that makes Zs out of Avg and the O2 of the same message: one number, if Zs was worked out from them."""
    ratio = pl.col("zs_avg") / pl.col("avg")
    room = _AIR_OXYGEN - pl.col("oxygen")
    from_digits = room * ratio * (pl.col("zs_avg_half") / pl.col("zs_avg") + pl.col("avg_half") / pl.col("avg"))
    usable = (
        (pl.col("avg") > 0) & (pl.col("zs_avg") > 0) & (pl.col("oxygen") < _OXYGEN_USABLE)
        # a source without reference oxygen sends the measured value again
        & ((pl.col("zs_avg") - pl.col("avg")).abs() > pl.col("zs_avg_half") + pl.col("avg_half"))
    )  # fmt: skip
    implied = messages.filter(usable).with_columns(implied=_AIR_OXYGEN - ratio * room, from_digits=from_digits)
    key = ["point_id", "parameter_code"]
    implied = implied.with_columns(reference=pl.col("implied").median().over(key))
    beyond = ((pl.col("implied") - pl.col("reference")).abs() - pl.col("from_digits")).clip(lower_bound=0)
    return implied.group_by(key).agg(
        converted_periods=pl.len(),
        reference_oxygen=pl.col("reference").first(),
        reference_oxygen_deviation=beyond.quantile(0.9),
    )


def _rolled_up(rolled: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """What a device sent for longer periods against what its shorter ones give, where the log has all of those."""
    channels = rows.select("mn", "st", "factor", "point_id", "parameter_code").unique(
        ["mn", "st", "factor"], keep="first", maintain_order=True
    )
    both = rolled.filter(pl.col("avg_sent").is_not_null() & (pl.col("periods") >= pl.col("expected_periods"))).join(
        channels, on=["mn", "st", "factor"]
    )
    relative = (pl.col("avg_difference") / pl.col("avg_sent")).abs()
    return both.group_by("point_id", "parameter_code").agg(
        rolled_up_periods=pl.len(),
        rolled_up_deviation=relative.filter(relative.is_finite()).median(),
        rolled_up_flags_differ=pl.col("flag_differs").sum(),
    )
