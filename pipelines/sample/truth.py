"""What a faultless audit of the sample park would find: the answer sheet, written outside raw/ and never read by the pipeline.

Counted in the numbers the devices print, before anything went wrong. Every table says its grain in
`TABLES`, which also goes into truth.json.
"""

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.sample import cast
from pipelines.sample.audit_papers import AuditPapers
from pipelines.sample.drops import Delivered, parquet
from pipelines.sample.faults import FILE_FAULTS, LOSING, UNREGISTERED_ACCOUNT, Faults
from pipelines.sample.fleet import INLETS, INLETS_SINCE
from pipelines.sample.monitors import CONDITIONS, OFF_HABIT, Channel, Monitors, wastewater_point
from pipelines.sample.papers import RESTATED, TYPED_WRONG
from pipelines.sample.rhythm import local_times, local_to_utc

TABLES = {
    "meter_daily": "One row per meter and local date: the amount it counted, owner, role, part of consumption, disturbed by a fault.",
    "consumption_daily": "One row per enterprise, item, part of consumption and local date, from billing meters and steam lines.",
    "emission_daily": "One row per outlet, pollutant and local date: true mass, mass of normally flagged hours, disturbed by a fault.",
    "meter_intervals": "One row per cumulative meter and interval between readings: amount with rollover, exchange and multiplier.",
    "production_monthly": "One row per enterprise, product and month with a report: true output.",
    "declarations": "One row per self-report line and period: true and declared value, when it was due and handed in (null: never).",
    "faults": "One row per planted fault: where, from when to when (local, end exclusive), what was done.",
    "fault_values": "One row per reading a value fault touches: true and sent value, printed unit.",
    "conditions": "One row per true event that a rule should notice although nobody falsified anything.",
    "exceedances": "One row per outlet, pollutant and hour in which what is true stands above the permit's hourly limit, source running.",
    "deliveries": "One row per file: canonical rows a faultless reader and loader finds; held ones wait; phase later lies in sample_later.",
    "designed_grades": "One row per electroplater: the grade its figures were chosen for.",
    "measure_savings": "One row per measure and month: what its meter counted, and how much more it would have counted without the measure.",
    "fuel_balance": "One row per boiler's stack and local date: fuel, t; its gas and what its sulfur makes after treatment; and what the stack emitted.",
    "waste_stock": "One row per enterprise, waste and month: what is in store at its end, t.",
    "planted_audit": "One row per thing of the audit that a method should notice: record, key, what was planted.",
}
GAS_OF_COAL_M3_T = 5400.0
"""Dry gas of a tonne of coal without excess air, m3."""
DESIGNED_GRADES = {"E003": "I", "E004": "II", "E005": "III", "E006": "none"}
_FAULTS = {
    "fault_id": pl.String, "kind": pl.String, "feed_id": pl.String, "enterprise_id": pl.String, "point_id": pl.String,
    "parameter_code": pl.String, "starts_local": pl.Datetime("us"), "ends_local": pl.Datetime("us"), "what": pl.String,
}  # fmt: skip
_FAULT_VALUES = {
    "fault_id": pl.String, "point_id": pl.String, "parameter_code": pl.String, "period_start_utc": pl.Datetime("us"),
    "true_value": pl.Float64, "sent_value": pl.Float64, "unit": pl.String,
}  # fmt: skip


class Truth:
    """Computes the tables; `write` puts them down."""

    def __init__(self, monitors: Monitors, faults: Faults, papers: AuditPapers, delivered: list[Delivered]) -> None:
        self.monitors, self.faults, self.papers, self.park = monitors, faults, papers, monitors.park
        self.ledger = pl.DataFrame(delivered, schema_overrides={"fault_id": pl.String})
        lost = [fault.fault_id for fault in FILE_FAULTS if fault.kind in LOSING]
        self._lost = self.ledger.filter((pl.col("phase") == "later") & pl.col("fault_id").is_in(lost))
        self.first, self.last = monitors.first, monitors.last
        self.dates = pl.Series([self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)], dtype=pl.Date)

    # meters

    def _daily_amounts(self, channel: Channel) -> np.ndarray:
        """Amount of every day, unit of the parameter's total."""
        if channel.register_kind == "cumulative":
            return self.monitors.registers(*channel.key)[1].reshape(len(self.dates), channel.per_day).sum(axis=1)
        printed = self.monitors.true(*channel.key, self.first, self.last) * channel.unit_scale
        hours = channel.step_minutes / 60.0 if channel.register_kind == "rate" else 1.0
        return np.nansum(printed, axis=1) * hours

    def meter_daily(self) -> pl.DataFrame:
        parts = []
        for channel in self.monitors.channels.values():
            if channel.role is None:
                continue
            point = self.monitors.points[channel.point_id]
            owner = pl.Series([self.monitors.owner(point.enterprise_id, day) for day in self.dates])
            customer = channel.point_id.rsplit("-", 1)[1] if "-STM-" in channel.point_id else None
            amounts = self._daily_amounts(channel)
            parts.append(
                pl.DataFrame(
                    {"local_date": self.dates, "enterprise_id": owner, "quantity": amounts, "disturbed": self._disturbed_meter(channel)}
                ).with_columns(
                    point_id=pl.lit(channel.point_id),
                    process_id=pl.lit(point.process_id, pl.String),
                    item_code=pl.lit(channel.parameter_code),
                    role=pl.lit(channel.role),
                    flow_item=pl.lit(channel.flow_item or "purchased"),
                    receiver_id=pl.lit(customer if customer != "TOWN" else None, pl.String),
                    register_kind=pl.lit(channel.register_kind),
                )
            )
        return pl.concat(parts)

    def _disturbed_meter(self, channel: Channel) -> np.ndarray:
        """True on days of which not every reading gets in rightly on the first night."""
        hit = np.zeros(len(self.dates), dtype=bool)
        for fault in self.faults.values:
            if (fault.point_id, fault.parameter_code) == channel.key:
                hit[fault.first_hour // 24 : (fault.last_hour + 23) // 24] = True
        for fault in self.faults.files:
            if fault.point_id == channel.point_id and fault.kind in LOSING:
                hit[fault.day] = True
        return hit

    def consumption_daily(self, meters: pl.DataFrame) -> pl.DataFrame:
        billing = meters.filter(pl.col("role") == "billing")
        received = billing.filter(pl.col("receiver_id").is_not_null()).with_columns(
            enterprise_id="receiver_id", flow_item=pl.lit("received")
        )
        keys = ["enterprise_id", "item_code", "flow_item", "local_date"]
        return (
            pl.concat([billing, received])
            .group_by(keys, maintain_order=True)
            .agg(pl.col("quantity").sum(), pl.col("disturbed").any())
            .sort(keys)
        )

    def meter_intervals(self) -> pl.DataFrame:
        parts = []
        for channel in self.monitors.channels.values():
            if channel.register_kind != "cumulative":
                continue
            _, intervals = self.monitors.registers(*channel.key)
            starts = local_times(self.first, self.last, channel.step_minutes)
            if channel.point_id.startswith("E005-EL-"):  # read at eight in the morning, the last reading on the last day
                starts, intervals = starts.head(len(starts) - 1) + timedelta(hours=8), intervals[:-1]
            parts.append(
                pl.DataFrame({"start_local": starts, "quantity": intervals}).select(
                    point_id=pl.lit(channel.point_id),
                    parameter_code=pl.lit(channel.parameter_code),
                    period_start_utc=local_to_utc("start_local"),
                    period_end_utc=local_to_utc("start_local") + timedelta(minutes=channel.step_minutes),
                    quantity="quantity",
                )
            )
        return pl.concat(parts)

    # discharge

    def emission_daily(self) -> pl.DataFrame:
        parts = []
        for enterprise in self.park.enterprises:
            for outlet in enterprise.wastewater:
                flow = self._printed(wastewater_point(outlet), "w00000")
                valid = self.monitors.flags(wastewater_point(outlet), self.first, self.last) == "N"
                for code in outlet.mg_per_l:
                    mass = self._printed(wastewater_point(outlet), code) * flow * 1e-3
                    parts.append(self._emission(enterprise.enterprise_id, outlet.outlet_id, code, mass, flow, valid, outlet.discharge_kind))
            if enterprise.kind == "pcb":
                continue
            for stack in enterprise.stacks:
                flow = self._printed(stack.outlet_id, "a00000")
                valid = self.monitors.flags(stack.outlet_id, self.first, self.last) == "N"
                for code in stack.mg_m3:
                    mass = self._printed(stack.outlet_id, code) * flow * 1e-6
                    parts.append(self._emission(enterprise.enterprise_id, stack.outlet_id, code, mass, flow, valid, "direct"))
        return pl.concat(parts)

    def _printed(self, point: str, parameter: str) -> np.ndarray:
        channel = self.monitors.channels[point, parameter]
        return np.nan_to_num(self.monitors.true(point, parameter, self.first, self.last)) * channel.unit_scale

    def _emission(
        self, enterprise: str, outlet: str, code: str, mass: np.ndarray, flow: np.ndarray, valid: np.ndarray, discharge_kind: str
    ) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "local_date": self.dates,
                "mass_kg": mass.sum(axis=1),
                "mass_valid_kg": (mass * valid).sum(axis=1),
                "flow_m3": flow.sum(axis=1),
                "valid_hours": valid.sum(axis=1),
                "disturbed": self._disturbed(outlet, code),
            }
        ).with_columns(
            enterprise_id=pl.lit(enterprise), outlet_id=pl.lit(outlet), pollutant_code=pl.lit(code), discharge_kind=pl.lit(discharge_kind)
        )

    def _disturbed(self, outlet: str, code: str) -> np.ndarray:
        """True on days on which what is loaded on the first night differs from what was true, for reasons other than flags."""
        hit = np.zeros(len(self.dates), dtype=bool)
        for fault in self.faults.values:
            if self.monitors.points[fault.point_id].outlet_id == outlet and fault.parameter_code in (code, "w00000", "a00000"):
                hit[fault.first_hour // 24 : (fault.last_hour + 23) // 24] = fault.corrected_in != "same_night"
        for row in self._lost.iter_rows(named=True):
            if outlet in _OUTLETS_OF_FEED.get(row["feed_id"], ()):
                hit |= ((self.dates >= row["first_date"]) & (self.dates <= row["last_date"])).to_numpy()
        return hit

    def fuel_balance(self, emission: pl.DataFrame) -> pl.DataFrame:
        parts = []
        window = self.park.days.slice(self.first, self.last)
        for enterprise in self.park.enterprises:
            for stack in enterprise.stacks if enterprise.has_boiler else ():
                burnt = self.park.coal()[window]
                parts.append(
                    pl.DataFrame(
                        {
                            "local_date": self.dates,
                            "fuel_t": burnt,
                            "sulfur_percent": self.park.fuel_property(enterprise, "sulfur")[window],
                            "gas_of_fuel_m3": burnt * GAS_OF_COAL_M3_T * 21.0 / (21.0 - stack.o2_percent),
                            "so2_of_fuel_kg": self.park.balanced_sulfur_dioxide(enterprise)[window],
                        }
                    )
                    .with_columns(
                        enterprise_id=pl.lit(enterprise.enterprise_id),
                        outlet_id=pl.lit(stack.outlet_id),
                        item_code=pl.lit(enterprise.fuel.item),
                    )
                    .join(
                        emission.filter((pl.col("outlet_id") == stack.outlet_id) & (pl.col("pollutant_code") == "a21026")).select(
                            "local_date", gas_m3="flow_m3", so2_kg="mass_kg"
                        ),
                        on="local_date",
                    )
                )
        return pl.concat(parts)

    # the ledger

    def fault_table(self) -> pl.DataFrame:
        rows = []
        for fault in self.faults.values:
            starts, ends = fault.moments(self.first)
            owner = self.monitors.points[fault.point_id].enterprise_id
            rows.append((fault.fault_id, fault.kind, fault.feed_id, owner, fault.point_id, fault.parameter_code, starts, ends, fault.what))
        paths = self.ledger.filter(pl.col("fault_id").is_not_null()).group_by("fault_id").agg(pl.col("path").sort().str.join("; "))
        for fault in self.faults.files:
            day = self.first + timedelta(days=fault.day)
            midnight = local_times(day, day)[0]
            owner = self.monitors.points[fault.point_id].enterprise_id if fault.point_id else None
            rows.append(
                (fault.fault_id, fault.kind, fault.feed_id, owner, fault.point_id, None, midnight, midnight + timedelta(days=1), fault.what)
            )
        for calibration in OFF_HABIT:
            day = self.first + timedelta(days=calibration.day)
            if day <= self.last:
                starts, ends = (local_times(day, day)[0] + timedelta(hours=hour) for hour in calibration.hours)
                what = "calibrated at another hour than every week"
                owner = self.monitors.points[calibration.point_id].enterprise_id
                rows.append((calibration.fault_id, "off_habit", None, owner, calibration.point_id, None, starts, ends, what))
        starts, ends = local_times(self.first, self.last)[0], local_times(self.last, self.last)[0] + timedelta(days=1)
        what = f"account {UNREGISTERED_ACCOUNT} is in no register: its rows wait for it"
        rows.append(("stranger", "unregistered_customer", "utility_electricity", None, None, "electricity", starts, ends, what))
        if self.last >= INLETS_SINCE:
            begins = local_times(max(self.first, INLETS_SINCE), self.last)[0]
            for device in INLETS:
                if device.day_mean != 1.0:
                    what = f"means of days are {device.day_mean:g} times those of the hours"
                    code = next(factor.code for factor in device.factors if factor.mass_scale is not None)
                    rows.append(
                        ("low_day_mean", "day_mean", "hj212_inlets", device.point_id[:4], device.point_id, code, begins, ends, what)
                    )
                if not device.registered:
                    what = f"device {device.mn} is in no device profile: its values wait for it"
                    rows.append(("strange_device", "unregistered_device", "hj212_inlets", None, device.point_id, None, begins, ends, what))
        return pl.DataFrame(rows, schema=_FAULTS, orient="row").join(paths, on="fault_id", how="left", maintain_order="left")

    def declared_faults(self, declarations: pl.DataFrame) -> pl.DataFrame:
        """Faults of self-reports, with the first and last period they touch."""
        rows = []
        for fault in (*RESTATED, TYPED_WRONG):
            hit = declarations.filter(
                (pl.col("report") == fault.report)
                & (pl.col("subject_id") == fault.subject_id)
                & (pl.col("item_code") == fault.item_code)
                & (pl.col("true_value") != pl.col("declared_value"))
            )
            if hit.height:
                starts, ends = hit["period_start"].min(), hit["period_end"].max()
                rows.append(
                    (
                        fault.fault_id,
                        fault.kind,
                        fault.report,
                        hit["enterprise_id"][0],
                        fault.subject_id,
                        fault.item_code,
                        starts,
                        ends,
                        fault.what,
                    )
                )
        return pl.DataFrame(rows, schema=_FAULTS | {"starts_local": pl.Date, "ends_local": pl.Date}, orient="row").cast(_FAULTS)

    def fault_values(self) -> pl.DataFrame:
        parts = []
        for fault in self.faults.values:
            channel = self.monitors.channels[fault.point_id, fault.parameter_code]
            starts, ends = fault.moments(self.first)
            low, high = starts.date(), (ends - timedelta(hours=1)).date()
            true = self.monitors.true(*channel.key, low, high).ravel()
            sent = self.faults.sent(fault.feed_id, *channel.key, low, high).ravel()
            times = local_times(low, high, channel.step_minutes)
            parts.append(
                pl.DataFrame({"local": times, "true_value": true, "sent_value": sent})
                .filter((pl.col("local") >= starts) & (pl.col("local") < ends))
                .select(
                    fault_id=pl.lit(fault.fault_id),
                    point_id=pl.lit(fault.point_id),
                    parameter_code=pl.lit(fault.parameter_code),
                    period_start_utc=local_to_utc("local"),
                    true_value=pl.col("true_value").fill_nan(None),
                    sent_value=pl.col("sent_value").fill_nan(None),
                    unit=pl.lit(channel.unit),
                )
            )
        return pl.concat([pl.DataFrame(schema=_FAULT_VALUES), *parts])

    def conditions(self) -> pl.DataFrame:
        rows = [
            (
                c.kind,
                c.point_id,
                c.parameter_code,
                self.first + timedelta(days=c.first_day),
                min(self.first + timedelta(days=c.last_day), self.last),
                c.factor,
                c.what,
            )
            for c in CONDITIONS
            if self.first + timedelta(days=c.first_day) <= self.last
        ]
        schema = {
            "kind": pl.String,
            "point_id": pl.String,
            "parameter_code": pl.String,
            "first_date": pl.Date,
            "last_date": pl.Date,
            "factor": pl.Float64,
            "what": pl.String,
        }
        return pl.DataFrame(rows, schema=schema, orient="row")

    def exceedances(self) -> pl.DataFrame:
        """Hours above the permit's hourly limit as they truly were, planted or not: of stacks at reference oxygen, of platers' COD."""
        hours = local_times(self.first, self.last)
        parts = []
        for enterprise in self.park.enterprises:
            above: list[tuple[str, str, str, float, np.ndarray]] = []
            for stack in enterprise.stacks if enterprise.kind != "pcb" else ():
                point = stack.outlet_id
                oxygen = self.monitors.true(point, "a19001", self.first, self.last)
                for code, limit in stack.limits.items():
                    value = self.monitors.converted(point, self.monitors.true(point, code, self.first, self.last), oxygen)
                    above.append((point, point, code, limit, value))
            for outlet in enterprise.wastewater if enterprise.kind == "electroplating" else ():
                value = self.monitors.true(wastewater_point(outlet), "w01018", self.first, self.last)
                above.append((outlet.outlet_id, wastewater_point(outlet), "w01018", outlet.limits["w01018"], value))
            for outlet_id, point, code, limit, value in above:
                parts.append(
                    pl.DataFrame({"starts_local": hours, "value": value.ravel()})
                    .filter(pl.col("value").is_not_nan() & (pl.col("value") > limit))
                    .select(
                        outlet_id=pl.lit(outlet_id),
                        point_id=pl.lit(point),
                        parameter_code=pl.lit(code),
                        starts_local="starts_local",
                        value="value",
                        limit_value=pl.lit(limit),
                    )
                )
        return pl.concat(parts)

    def tables(self, declarations: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """Every table of the answer sheet."""
        meters, emission = self.meter_daily(), self.emission_daily()
        production = declarations.filter(pl.col("report") == "report_production").select(
            "enterprise_id", product_code="item_code", period_start="period_start", quantity="true_value", unit="unit"
        )
        return {
            "meter_daily": meters,
            "consumption_daily": self.consumption_daily(meters),
            "emission_daily": emission,
            "fuel_balance": self.fuel_balance(emission),
            "meter_intervals": self.meter_intervals(),
            "production_monthly": production,
            "declarations": declarations,
            "faults": pl.concat([self.fault_table(), self.declared_faults(declarations)], how="diagonal"),
            "fault_values": self.fault_values(),
            "conditions": self.conditions(),
            "exceedances": self.exceedances(),
            "deliveries": self.ledger,
            "designed_grades": pl.DataFrame(
                {
                    "enterprise_id": list(DESIGNED_GRADES),
                    "index_system_id": cast.ELECTROPLATING_SYSTEM,
                    "grade": list(DESIGNED_GRADES.values()),
                }
            ),
            "measure_savings": self.papers.audit.savings(),
            "waste_stock": self.papers.waste.stocks(),
            "planted_audit": self.papers.planted(),
        }


_OUTLETS_OF_FEED = {
    "e007_steel_cems": ("E007-STACK-1", "E007-STACK-2"),
    "e008_cement_cems": ("E008-STACK-1",),
    "e009_chp_cems": ("E009-STACK-1",),
    "e010_wwtp": ("E010-OUT",),
}


def write(folder: Path, tables: dict[str, pl.DataFrame]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        (folder / f"{name}.parquet").write_bytes(parquet(frame))


def read(folder: Path, table: str) -> pl.DataFrame:
    """One table of the answer sheet. For tests and for `bench`; nothing of the pipeline may call it."""
    return pl.read_parquet(folder / f"{table}.parquet")
