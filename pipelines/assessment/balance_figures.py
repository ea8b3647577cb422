"""Figures that a balance may be made of: one row per subject, period, source, item and measure, with how much of it was measured.

Figures are taken as the marts have them. Which of them are streams of a balance is decided by rules of the standards (`balance`).
Nothing is filled in: a figure that covers part of its period says how much, one that nobody knows has no row, or a row without quantity.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipelines.contracts.states import State

SHARES = ("measured", "substituted", "estimated", "self_reported")
PARTS = ("purchased", "received", "sent", "stock_increase", "self_produced")
PARK_METERS = "-"
"""Enterprise of meters that are the park's own."""
PLUG_METHODS = ("plug", "by_difference")
"""Methods of a declaration that was made to close a balance: it is shown, and closes nothing."""

FIGURES = pl.Schema(
    {
        "subject_kind": pl.String(), "subject_id": pl.String(), "enterprise_id": pl.String(), "period_type": pl.String(),
        "period_start": pl.Date(), "period_end": pl.Date(), "source": pl.String(), "item_kind": pl.String(), "item_code": pl.String(),
        "measure": pl.String(), "unit": pl.String(), "quantity": pl.Float64(), "coverage": pl.Float64(), "is_plug": pl.Boolean(),
        **{f"{share}_share": pl.Float64() for share in SHARES},
    }
)  # fmt: skip
SUBJECT = ("subject_kind", "subject_id", "period_type", "period_start", "period_end")


class Period:
    """A period and the rows of marts that it is made of: the annual ones for a calendar year, else its months."""

    def __init__(self, period_type: str, start: date, end: date) -> None:
        self.period_type, self.start, self.end = period_type, start, end
        self.is_year = period_type == "calendar_year"
        self.rows = 1 if self.is_year else (end.year - start.year) * 12 + end.month - start.month
        self.grain = "year" if self.is_year else "month"

    def of(self, monthly: pl.DataFrame, annual: pl.DataFrame) -> pl.DataFrame:
        """The rows of one mart; both grains call their date `starts_on`."""
        rows = annual if self.is_year else monthly
        return rows.filter((pl.col("starts_on") >= self.start) & (pl.col("starts_on") < self.end))


def _figures(rows: pl.DataFrame, period: Period, **columns: pl.Expr) -> pl.DataFrame:
    named = {
        "period_type": pl.lit(period.period_type),
        "period_start": pl.lit(period.start),
        "period_end": pl.lit(period.end),
        "is_plug": pl.col("is_plug") if "is_plug" in rows.columns else pl.lit(False),
    }
    made = rows.with_columns(**(named | columns))
    return made.select((pl.col(name) if name in made.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in FIGURES.items())


def _weighted_shares(weight: str) -> list[pl.Expr]:
    """Shares of a group, weighted with the size of its rows; null where nothing has a size."""
    size = pl.col(weight).abs()
    return [
        pl.when(size.sum() > 0).then((pl.col(f"{share}_share").fill_null(0.0) * size).sum() / size.sum()).alias(f"{share}_share")
        for share in SHARES
    ]


def _summed(rows: pl.DataFrame, key: Sequence[str], measures: Sequence[str], period: Period) -> pl.DataFrame:
    """Sums over the period's rows, long by measure, null where no row knows the measure.

    Coverage is the mean of the rows' completeness over all that the period has; a row that is not there covers nothing.
    """
    sums = rows.group_by(key, maintain_order=True).agg(
        *(pl.when(pl.col(measure).is_not_null().any()).then(pl.col(measure).sum()).alias(measure) for measure in measures),
        *_weighted_shares("gross_quantity"),
        coverage=pl.col("completeness_share").fill_null(1.0).filter(pl.any_horizontal(pl.col(list(measures)).is_not_null())).sum()
        / period.rows,
    )
    index = [*key, *(f"{share}_share" for share in SHARES), "coverage"]
    return sums.unpivot(on=list(measures), index=index, variable_name="measure", value_name="_value").rename({"_value": "quantity"})


def _known(long: pl.DataFrame) -> pl.DataFrame:
    """Measures that are known; of an item of which nothing is, one row without quantity, so that its silence is seen."""
    key = [name for name in ("enterprise_id", "process_id", "item_code", "unit") if name in long.columns]
    is_silent = ~pl.col("quantity").is_not_null().any().over(key)
    return long.filter(pl.col("quantity").is_not_null() | (is_silent & (pl.col("measure") == PARTS[0])))


def consumption(rows: pl.DataFrame, period: Period, park_id: str) -> pl.DataFrame:
    """Consumption of enterprises and processes, of all processes of an enterprise together, and of the park's own meters.

    Args:
        rows: the consumption mart's rows of the period: `enterprise_id, process_id, item_code, item_kind, unit`, the five parts,
            `quantity, energy_tce_calorific, gross_quantity`, the shares, `completeness_share`.
    """
    measures = (*PARTS, "quantity", "energy_tce_calorific")
    long = _known(_summed(rows, ["enterprise_id", "process_id", "item_code", "item_kind", "unit"], measures, period))
    long = long.with_columns(unit=pl.when(pl.col("measure") == "energy_tce_calorific").then(pl.lit("tce")).otherwise("unit"))
    own = pl.col("enterprise_id") == PARK_METERS
    whole = long.filter(pl.col("process_id").is_null())
    parts = long.filter(pl.col("process_id").is_not_null())
    all_processes = parts.group_by("enterprise_id", "item_code", "item_kind", "unit", "measure", maintain_order=True).agg(
        *_weighted_shares("quantity"),
        quantity=pl.col("quantity").sum(),
        coverage=pl.col("coverage").min(),
    )
    of_enterprise = {"subject_kind": pl.lit("enterprise"), "subject_id": pl.col("enterprise_id")}
    return pl.concat(
        [
            _figures(whole.filter(~own), period, source=pl.lit("consumption"), **of_enterprise),
            _figures(all_processes.filter(~own), period, source=pl.lit("process_use"), **of_enterprise),
            _figures(parts.filter(~own), period, source=pl.lit("consumption"), subject_kind=pl.lit("process"), subject_id=pl.col("process_id")),
            _figures(whole.filter(own), period, source=pl.lit("park_own"), subject_kind=pl.lit("park"), subject_id=pl.lit(park_id),
                     enterprise_id=pl.lit(None, dtype=pl.String)),
        ]
    )  # fmt: skip


def park_consumption(rows: pl.DataFrame, period: Period, park_id: str) -> pl.DataFrame:
    """Consumption of the park, deliveries among its members taken out."""
    long = _known(_summed(rows, ["item_code", "item_kind", "unit"], (*PARTS, "quantity"), period))
    return _figures(long, period, source=pl.lit("consumption"), subject_kind=pl.lit("park"), subject_id=pl.lit(park_id))


def emissions(rows: pl.DataFrame, outlet_processes: pl.DataFrame, period: Period, park_id: str) -> pl.DataFrame:
    """Masses of pollutants, and the flow of water outlets: of enterprises, of processes with an outlet of their own, and of the park.

    An outlet that counts and whose flow nobody knows has a row without quantity. Flow stands beside each pollutant of an outlet and
    counts once.

    Args:
        rows: the emission mart's rows of the period. outlet_processes: `outlet_id, process_id` of outlets that one process uses.
    """
    flows = rows.filter(pl.col("medium") == "water").group_by("enterprise_id", "outlet_id", "starts_on", maintain_order=True).agg(
        pl.col("flow_m3").max(), pl.col("counts_in_enterprise_total", "counts_in_park_total").any(),
        pl.col("completeness_share").max(), gross_quantity=pl.col("flow_m3").max(),
        # Whatever of a mass was declared, a flow of the mart was metered.
        measured_share=pl.when(pl.col("flow_m3").max().is_not_null()).then(1.0),
    )  # fmt: skip
    flows = flows.with_columns(pl.lit(None, dtype=pl.Float64).alias(f"{share}_share") for share in SHARES[1:])
    masses = rows.with_columns(
        gross_quantity=pl.col("mass_kg"), item_code="pollutant_code", source=pl.concat_str(pl.lit("emission_"), "medium"),
        **{f"{share}_share": pl.col(f"{share}_kg") / pl.when(pl.col("mass_kg") != 0).then("mass_kg") for share in SHARES},
    )  # fmt: skip
    of_enterprise = {"subject_kind": pl.lit("enterprise"), "subject_id": pl.col("enterprise_id")}
    of_park = {"subject_kind": pl.lit("park"), "subject_id": pl.lit(park_id), "enterprise_id": pl.lit(None, dtype=pl.String)}
    of_process = {"subject_kind": pl.lit("process"), "subject_id": pl.col("process_id")}
    flow = {"source": pl.lit("outlet_flow"), "item_kind": pl.lit("process"), "unit": pl.lit("m3")}
    mass = {"item_kind": pl.lit("pollutant"), "unit": pl.lit("kg")}

    def flow_of(some: pl.DataFrame, subject: dict[str, pl.Expr], *more: str) -> pl.DataFrame:
        long = _summed(some.with_columns(item_code="outlet_id"), ["enterprise_id", "item_code", *more], ("flow_m3",), period)
        return _figures(long.filter(pl.col("item_code").is_not_null() | pl.col("quantity").is_not_null()), period, **flow, **subject)

    def mass_of(some: pl.DataFrame, subject: dict[str, pl.Expr], *more: str) -> pl.DataFrame:
        # Of an enterprise each outlet's sum is a figure of its own until they are added: one that is silent must be seen.
        by_outlet = _summed(some, [*more, "outlet_id", "source", "item_code"], ("mass_kg",), period)
        added = by_outlet.group_by(*more, "source", "item_code", "measure", maintain_order=True).agg(
            *_weighted_shares("quantity"),
            quantity=pl.when(pl.col("quantity").is_not_null().all()).then(pl.col("quantity").sum()),
            coverage=pl.col("coverage").min(),
        )  # fmt: skip
        return _figures(added, period, **mass, **subject)

    counted = pl.col("counts_in_enterprise_total")
    processes_flows = flows.join(outlet_processes, on="outlet_id")
    processes_masses = masses.join(outlet_processes, on="outlet_id")
    return pl.concat(
        [
            flow_of(flows.filter(counted), of_enterprise),
            flow_of(flows.filter("counts_in_park_total"), of_park),
            flow_of(processes_flows, of_process, "process_id"),
            mass_of(masses.filter(counted), of_enterprise, "enterprise_id"),
            mass_of(masses.filter("counts_in_park_total"), of_park),
            mass_of(processes_masses, of_process, "enterprise_id", "process_id"),
        ]
    )


def declarations(rows: pl.DataFrame, kinds: pl.DataFrame, period: Period, park_id: str) -> pl.DataFrame:
    """What enterprises declare of themselves and of their processes; of an enterprise the whole goes first, else its processes add up.

    Args:
        rows: resolved self-reports of the period's grain: `enterprise_id, process_id, item_code, medium, period_start, value, unit,
            days_covered, method_code`, one report kind speaking for each. kinds: `item_code, item_kind`.
    """
    days = pl.lit((period.end - period.start).days)
    inside = rows.filter((pl.col("starts_on") >= period.start) & (pl.col("starts_on") < period.end) & (pl.col("grain") == period.grain))
    plug = pl.col("method_code").is_in(PLUG_METHODS).fill_null(False)
    summed = (
        inside.with_columns(is_plug=plug)
        .group_by("enterprise_id", "process_id", "item_code", "medium", "unit", "is_plug", maintain_order=True)
        .agg(quantity=pl.col("value").sum(), known=pl.col("value").is_not_null().any(), coverage=pl.col("days_covered").sum() / days)
        .with_columns(quantity=pl.when("known").then("quantity"), coverage=pl.col("coverage").clip(upper_bound=1.0))
        .join(kinds, on="item_code", how="left")
    )
    parts = summed.filter(pl.col("process_id").is_not_null())
    key = ["enterprise_id", "item_code", "medium", "unit", "is_plug", "item_kind"]
    whole = summed.filter(pl.col("process_id").is_null()).drop("process_id")
    added = (
        parts.group_by(key, maintain_order=True)
        .agg(quantity=pl.when(pl.col("quantity").is_not_null().all()).then(pl.col("quantity").sum()), coverage=pl.col("coverage").min(), known=pl.lit(True))
        .join(whole, on=["enterprise_id", "item_code", "medium"], how="anti")
    )  # fmt: skip
    enterprises = pl.concat([whole.select(*key, "quantity", "coverage"), added.select(*key, "quantity", "coverage")])
    said = {"source": pl.lit("self_report"), "measure": pl.col("medium"), **_declared()}
    of_enterprise = {"subject_kind": pl.lit("enterprise"), "subject_id": pl.col("enterprise_id")}
    of_process = {"subject_kind": pl.lit("process"), "subject_id": pl.col("process_id")}
    return _with_park(
        pl.concat([_figures(enterprises, period, **said, **of_enterprise), _figures(parts, period, **said, **of_process)]), park_id
    )


def outputs(rows: pl.DataFrame, period: Period, park_id: str) -> pl.DataFrame:
    """Production of enterprises, by product, and of the processes that make them. `state` says how it is known."""
    products = rows.filter(pl.col("product_code") != "ALL")
    known = products.with_columns(gross_quantity="quantity", item_code="product_code", **_shares_of_state())
    made = {"source": pl.lit("production"), "item_kind": pl.lit("product")}

    def of(some: pl.DataFrame, subject: dict[str, pl.Expr], *more: str) -> pl.DataFrame:
        return _figures(_summed(some, ["enterprise_id", "item_code", "unit", *more], ("quantity",), period), period, **made, **subject)

    return _with_park(
        pl.concat(
            [
                of(known, {"subject_kind": pl.lit("enterprise"), "subject_id": pl.col("enterprise_id")}),
                of(known.drop_nulls("process_id"), {"subject_kind": pl.lit("process"), "subject_id": pl.col("process_id")}, "process_id"),
            ]
        ),
        park_id,
    )


def waste(rows: pl.DataFrame, period: Period, park_id: str) -> pl.DataFrame:
    """Waste generated by the ledgers and manifests, hazardous and general, of enterprises and processes.

    A ledger has a line when something happened: it is taken to cover the whole period.
    """
    generated = rows.filter((pl.col("movement") == "generated") & (pl.col("moved_on") >= period.start) & (pl.col("moved_on") < period.end))
    code = pl.when(pl.col("waste_kind") == "hazardous").then(pl.lit("hazardous_waste")).otherwise(pl.lit("general_solid_waste"))
    known = generated.with_columns(item_code=code, **_shares_of_state())
    said = {
        "source": pl.lit("waste"),
        "item_kind": pl.lit("waste"),
        "measure": pl.lit("generated"),
        "unit": pl.lit("t"),
        "coverage": pl.lit(1.0),
    }

    def of(some: pl.DataFrame, subject: dict[str, pl.Expr], *more: str) -> pl.DataFrame:
        summed = some.group_by("enterprise_id", "item_code", *more, maintain_order=True).agg(
            *_weighted_shares("quantity_t"),
            quantity=pl.col("quantity_t").sum(),
        )
        return _figures(summed, period, **said, **subject)

    return _with_park(
        pl.concat(
            [
                of(known, {"subject_kind": pl.lit("enterprise"), "subject_id": pl.col("enterprise_id")}),
                of(known.drop_nulls("process_id"), {"subject_kind": pl.lit("process"), "subject_id": pl.col("process_id")}, "process_id"),
            ]
        ),
        park_id,
    )


def campaigns(windows: pl.DataFrame, rows: pl.DataFrame, forms: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    """Figures of measurement campaigns: batches before days, and the lines of an audit form about exactly the campaign's days.

    Args:
        windows: `campaign_id, subject_kind, subject_id, enterprise_id, starts_on, ends_on`. rows: figures of campaigns.
        forms: self-reports of kind `audit_form`: `subject_kind, subject_id, item_code, medium, period_start, period_end, value, unit,
            method_code`. kinds: `item_code, item_kind`.
    """
    days = (pl.col("ends_on") - pl.col("starts_on")).dt.total_days()
    window = {
        "subject_kind": pl.lit("campaign"), "subject_id": pl.col("campaign_id"), "period_type": pl.lit("campaign"),
        "period_start": pl.col("starts_on"), "period_end": pl.col("ends_on"), "is_plug": pl.lit(False),
    }  # fmt: skip
    by_batches = pl.col("basis") == "batches"
    chosen = rows.filter(by_batches | ~by_batches.any().over("campaign_id", "source", "item_code"))
    measured = chosen.join(windows.select("campaign_id", "enterprise_id", "starts_on", "ends_on"), on="campaign_id").with_columns(
        coverage=pl.when(by_batches).then(1.0).otherwise(pl.col("counted") / days)
    )
    net = _net_of_batches(measured)
    declared = (
        windows.join(forms, on=["subject_kind", "subject_id"])
        .filter((pl.col("period_start") == pl.col("starts_on")) & (pl.col("period_end") == pl.col("ends_on")))
        .join(kinds, on="item_code", how="left")
        .with_columns(is_plug=pl.col("method_code").is_in(PLUG_METHODS).fill_null(False))
        .group_by(
            "campaign_id",
            "enterprise_id",
            "starts_on",
            "ends_on",
            "item_code",
            "item_kind",
            "medium",
            "unit",
            "is_plug",
            maintain_order=True,
        )
        .agg(quantity=pl.col("value").sum(), known=pl.col("value").is_not_null().all())
        .with_columns(quantity=pl.when("known").then("quantity"))
    )
    said = {"source": pl.lit("self_report"), "measure": pl.col("medium"), "coverage": pl.lit(1.0), **_declared()}
    frames = [
        measured.with_columns(**window),
        net.with_columns(**window),
        declared.with_columns(**(window | {"is_plug": pl.col("is_plug")} | said)),
    ]
    return pl.concat(
        made.select((pl.col(name) if name in made.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in FIGURES.items())
        for made in frames
    )


def _net_of_batches(rows: pl.DataFrame) -> pl.DataFrame:
    """What batches consumed of an item: what was taken in less what was sent on. Days have it as a measure of their own."""
    sign = {"purchased": 1, "received": 1, "self_produced": 1, "sent": -1}
    parts = rows.filter((pl.col("basis") == "batches") & (pl.col("source") == "consumption") & pl.col("measure").is_in(list(sign)))
    signed = pl.col("quantity") * pl.col("measure").replace_strict(sign, default=None, return_dtype=pl.Float64)
    key = ["campaign_id", "enterprise_id", "starts_on", "ends_on", "source", "item_code", "item_kind", "unit", "coverage"]
    return parts.group_by(key, maintain_order=True).agg(
        *_weighted_shares("quantity"),
        quantity=signed.sum(),
        measure=pl.lit("quantity").first(),
    )  # fmt: skip


def _shares_of_state() -> dict[str, pl.Expr]:
    return {f"{share}_share": (pl.col("state") == share).cast(pl.Float64) for share in SHARES}


def _declared() -> dict[str, pl.Expr]:
    return {f"{share}_share": pl.lit(1.0 if share == State.SELF_REPORTED.value else 0.0) for share in SHARES}


def _with_park(figures: pl.DataFrame, park_id: str) -> pl.DataFrame:
    """Figures of enterprises, and their sums as the park's."""
    key = ["period_type", "period_start", "period_end", "source", "item_kind", "item_code", "measure", "unit", "is_plug"]
    members = figures.filter(pl.col("subject_kind") == "enterprise")
    summed = members.group_by(key, maintain_order=True).agg(
        *_weighted_shares("quantity"),
        quantity=pl.when(pl.col("quantity").is_not_null().all()).then(pl.col("quantity").sum()),
        coverage=pl.col("coverage").min(),
    )  # fmt: skip
    park = summed.with_columns(subject_kind=pl.lit("park"), subject_id=pl.lit(park_id), enterprise_id=pl.lit(None, dtype=pl.String))
    return pl.concat([figures, park.select(pl.col(name).cast(dtype) for name, dtype in FIGURES.items())])
