"""Meters, analysers and loggers: which points exist, how each channel counts, and what it would show without faults.

`true` gives the numbers as the device prints them (its unit, its decimals), which is what files carry and
what the truth is counted in. What goes wrong between device and file is `faults`; how a file looks is `drops`.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np

from pipelines.sample import cast, noise, series
from pipelines.sample.cast import Enterprise, Process, Stack, Wastewater
from pipelines.sample.physics import Park
from pipelines.sample.rhythm import HOURS, day_number, day_of, month_start

QUARTERS = 96

UNFLAGGED = ("E010-IN", "E010-OUT-M")
"""The central plant's export has no flags."""
PLATFORM_STACKS = ("E008-STACK-1", "E009-STACK-1", "E011-STACK-1")
LITRES_PER_SECOND = 1e-3 * 3600.0
"""L/s to m3/h."""

ROLLOVER_DAY = 11
EXCHANGE_DAY = 19
EXCHANGE_TIME = time(10, 30)
MERGER_DAY = 30
"""Days after the first: the steel mill's register rolls over, the cement works' meter is exchanged, two enterprises merge."""


@dataclass(frozen=True)
class Condition:
    """Something that truly happened: readings of `hours` on the days `first_day` to `last_day` (after the first) times `factor`."""

    kind: str
    point_id: str
    parameter_code: str
    first_day: int
    last_day: int
    hours: tuple[int, int]
    factor: float
    what: str


CONDITIONS = (
    Condition(
        "exceedance",
        "E006-WW-1-M",
        "w01018",
        26,
        26,
        (8, 14),
        1.9,
        "bath dumped by mistake: COD above the permit's hourly limit, sent as it was",
    ),
    Condition(
        "exceedance",
        "E011-STACK-1",
        "a21002",
        40,
        53,
        (0, 24),
        1.6,
        "worn injection lances: NOx above the permit's hourly limit for two weeks",
    ),
)


@dataclass(frozen=True)
class OffHabit:
    """A calibration at another hour than the weekly one: `hours` of the day `day` after the first are marked so."""

    fault_id: str
    point_id: str
    day: int
    hours: tuple[int, int]


OFF_HABIT = (
    OffHabit("calibrated_at_night_a", "E003-WW-1-M", 41, (21, 23)),
    OffHabit("calibrated_at_night_b", "E007-STACK-2", 27, (2, 4)),
)


@dataclass(frozen=True)
class Point:
    point_id: str
    enterprise_id: str
    name: str
    kind: str
    outlet_id: str | None = None
    process_id: str | None = None


@dataclass(frozen=True)
class Channel:
    """One parameter of one point. `unit_scale` leads from the printed unit to the canonical one."""

    point_id: str
    parameter_code: str
    unit: str
    decimals: int
    unit_scale: float = 1.0
    basis: str | None = None
    range_min: float | None = None
    range_max: float | None = None
    detection_limit: float | None = None
    register_kind: str | None = None
    multiplier: float | None = None
    digits: int | None = None
    step_minutes: int = 60
    flow_item: str | None = None
    role: str | None = None
    """Place in the metering tree: billing, sub or check; None for what is no meter."""
    parent: str = "-"

    @property
    def key(self) -> tuple[str, str]:
        return self.point_id, self.parameter_code

    @property
    def per_day(self) -> int:
        return 24 * 60 // self.step_minutes


@dataclass(frozen=True)
class MeterEvent:
    point_id: str
    parameter_code: str
    at: datetime
    final_register: float
    initial_register: float


class Monitors:
    """All points and channels of the park from `first` on, and their true readings."""

    def __init__(self, park: Park, first: date, last: date) -> None:
        self.park, self.first, self.last = park, first, last
        self.points: dict[str, Point] = {}
        self.channels: dict[tuple[str, str], Channel] = {}
        self._last_flow: tuple[tuple[str, date, date], np.ndarray] | None = None
        for enterprise in park.enterprises:
            self._energy_and_water(enterprise)
            self._discharge(enterprise)
        self._historian()
        self._steam()

    # what there is

    def _add(self, point: Point, *channels: Channel) -> None:
        self.points.setdefault(point.point_id, point)
        self.channels.update({channel.key: channel for channel in channels})

    def _energy_and_water(self, enterprise: Enterprise) -> None:
        name, number = enterprise.name, enterprise.enterprise_id
        point = Point(f"{number}-EL", number, f"{name}, grid supply", "energy")
        supply: dict[str, Any] = {"point_id": point.point_id, "parameter_code": "electricity", "role": "billing"}
        usual = _usual_kwh(enterprise)
        if enterprise.high_voltage:
            multiplier = 132_000.0 if enterprise.kind == "steel" else 70_000.0
            meter = Channel(**supply, unit="kWh", decimals=4, register_kind="cumulative", multiplier=multiplier, digits=4)
        elif usual > 20_000.0:  # the grid company prints large customers in 万kWh
            meter = Channel(**supply, unit="万kWh", decimals=5, unit_scale=10_000.0, register_kind="interval")
        else:
            meter = Channel(**supply, unit="kWh", decimals=1, register_kind="interval")
        self._add(point, meter)
        big = enterprise.kind == "steel"
        self._add(
            Point(f"{number}-WA", number, f"{name}, water supply", "water"),
            Channel(
                f"{number}-WA", enterprise.water_item, "m3", 0 if big else 1, register_kind="cumulative",
                multiplier=10.0 if big else None, digits=5, step_minutes=1440, role="billing",
            ),
        )  # fmt: skip
        if self.park.takes_gas(enterprise):
            self._add(
                Point(f"{number}-GA", number, f"{name}, gas supply", "gas"),
                Channel(f"{number}-GA", "natural_gas", "m3", 1, register_kind="interval", step_minutes=1440, role="billing"),
            )
        for process in enterprise.processes:
            if process.submeter_feed:
                sub = submeter_point(process)
                self._add(
                    Point(sub, number, f"{name}, sub-meter {process.name}", "energy", process_id=process.process_id),
                    self._submeter(sub, process.submeter_feed, f"{number}-EL", usual),
                )

    def _submeter(self, point_id: str, feed_id: str, parent: str, usual_kwh: float) -> Channel:
        # No sub-meter can show more power than several times what the whole enterprise usually takes.
        meter: dict[str, Any] = {"point_id": point_id, "parameter_code": "electricity", "role": "sub", "parent": parent}
        in_range: dict[str, Any] = {"range_min": 0.0, "range_max": float(round(usual_kwh / 24.0 * 6.0, -2))}
        if feed_id == "historian":
            return Channel(**meter, **in_range, unit="MW", decimals=4, unit_scale=1000.0, register_kind="rate", step_minutes=15)
        if feed_id == "e005_meter_book":
            return Channel(**meter, unit="kWh", decimals=1, register_kind="cumulative", multiplier=40.0, digits=5, step_minutes=1440)
        if feed_id == "e003_meters":
            return Channel(**meter, **in_range, unit="kW", decimals=2, register_kind="rate")
        return Channel(**meter, unit="kWh", decimals=2, register_kind="interval")

    def _discharge(self, enterprise: Enterprise) -> None:
        for outlet in enterprise.wastewater:
            point_id = wastewater_point(outlet)
            self._add(
                Point(point_id, enterprise.enterprise_id, f"{outlet.name}, online monitor", "wastewater", outlet.outlet_id),
                Channel(point_id, "w00000", "L/s", 3, LITRES_PER_SECOND, range_min=0.0, register_kind="rate"),
                Channel(point_id, "w01001", "pH", 2, range_min=0.0, range_max=14.0),
                *(
                    Channel(point_id, code, "mg/L", 3 if code.startswith("w20") else 2, range_min=0.0, range_max=_water_range(level))
                    for code, level in outlet.mg_per_l.items()
                ),
            )
        if enterprise.kind == "wastewater":
            self._add(
                Point("E010-IN", "E010", "Sample Central Plant, inlet 进水口", "wastewater", process_id="E010-P1"),
                Channel("E010-IN", "w00000", "m3/h", 1, range_min=0.0, register_kind="rate"),
                Channel("E010-IN", "w01018", "mg/L", 1, range_min=0.0, range_max=1500.0),
                Channel("E010-IN", "w21003", "mg/L", 2, range_min=0.0, range_max=150.0),
            )
        for workshop in enterprise.workshops:
            point_id = f"{workshop.outlet_id}-LAB"
            self._add(
                Point(point_id, enterprise.enterprise_id, f"{workshop.name}, laboratory samples", "laboratory", workshop.outlet_id),
                *(self._laboratory(point_id, code) for code in workshop.mg_per_l),
            )
        for stack in enterprise.stacks:
            self._stack(enterprise, stack)
        if enterprise.fuel:
            self._add(
                Point(fuel_point(enterprise), enterprise.enterprise_id, f"{enterprise.name}, fuel as received 入炉煤化验", "laboratory"),
                *(
                    Channel(fuel_point(enterprise), f"{name}_{enterprise.fuel.item}", unit, 2, step_minutes=7 * 1440)
                    for name, unit in FUEL_UNITS.items()
                ),
            )

    def _laboratory(self, point_id: str, code: str) -> Channel:
        limit = _DETECTION_LIMIT[code]
        if code == "w20117":  # hexavalent chromium is reported in µg/L, as HJ 212 prints it
            return Channel(point_id, code, "ug/L", 0, 1e-3, detection_limit=limit, step_minutes=7 * 1440)
        return Channel(point_id, code, "mg/L", 3, detection_limit=limit, step_minutes=7 * 1440)

    def _stack(self, enterprise: Enterprise, stack: Stack) -> None:
        point_id = stack.outlet_id
        if enterprise.kind == "pcb":
            # No monitor: one campaign, every ten minutes of one day.
            self._add(
                Point(point_id, enterprise.enterprise_id, f"{stack.name}, test campaign", "stack", stack.outlet_id, stack.process_id),
                Channel(point_id, "a24088", "mg/m3", 2, basis="dry_0C", range_min=0.0, range_max=500.0, step_minutes=10),
                Channel(point_id, "a00000", "m3/h", 0, basis="dry_0C", range_min=0.0, step_minutes=10),
            )
            return
        flow: dict[str, Any] = {"basis": "dry_0C", "range_min": 0.0, "range_max": 4.0 * stack.flow_m3_h, "register_kind": "rate"}
        if enterprise.kind == "power":  # its analyser prints flow in m3/s and pressure in Pa
            own = [
                Channel(point_id, "a00000", "m3/s", 3, 3600.0, **flow),
                Channel(point_id, "a01013", "Pa", 0, 1e-3, range_min=-10.0, range_max=10.0),
            ]
        else:
            own = [Channel(point_id, "a00000", "m3/h", 0, **flow), Channel(point_id, "a01013", "kPa", 3, range_min=-10.0, range_max=10.0)]
        self._add(
            Point(point_id, enterprise.enterprise_id, f"{stack.name}, continuous monitor", "stack", stack.outlet_id, stack.process_id),
            *own,
            Channel(point_id, "a19001", "%", 2, basis="dry_0C", range_min=0.0, range_max=21.0),
            Channel(point_id, "a01012", "℃", 1, range_min=-20.0, range_max=400.0),
            Channel(point_id, "a01014", "%", 2, range_min=0.0, range_max=40.0),
            *(
                Channel(point_id, code, "mg/m3", 2, basis="dry_0C", range_min=0.0, range_max=20.0 * max(10.0, level))
                for code, level in stack.mg_m3.items()
            ),
        )

    def _historian(self) -> None:
        for number, self_made in (("E007", True), ("E009", True), ("E011", True), ("E009", False), ("E011", False)):
            point_id = f"{number}-GEN" if self_made else f"{number}-EXP"
            self._add(
                Point(point_id, number, f"{self.park.by_id[number].name}, {'generators' if self_made else 'export to the grid'}", "energy"),
                Channel(
                    point_id, "electricity", "MW", 4, 1000.0, register_kind="rate", step_minutes=15, role="billing",
                    flow_item="self_produced" if self_made else "sent",
                ),
            )  # fmt: skip
        supplier = self.park.by_id[cast.STEAM_SUPPLIER].name
        self._add(
            Point("E009-COAL", "E009", f"{supplier}, coal feeders 给煤机", "energy", process_id="E009-P1"),
            # A check meter: coal is settled on the weighbridge, month by month.
            Channel("E009-COAL", "raw_coal", "kg/h", 0, 1e-3, register_kind="rate", step_minutes=15, role="check"),
        )
        self._add(
            Point("E009-HDR", "E009", f"{supplier}, steam header 蒸汽母管", "process", process_id="E009-P1"),
            Channel("E009-HDR", "steam_load", "t/h", 3, step_minutes=15, range_min=0.0, range_max=250.0),
            Channel("E009-HDR", "steam_pressure", "MPa", 3, step_minutes=15, range_min=0.0, range_max=2.5),
            Channel("E009-HDR", "steam_temperature", "℃", 1, step_minutes=15, range_min=0.0, range_max=400.0),
        )

    def _steam(self) -> None:
        supplier = cast.STEAM_SUPPLIER
        for customer in [*(e.enterprise_id for e in self.park.enterprises if self.park.takes_steam(e)), "TOWN"]:
            point_id = f"{supplier}-STM-{customer}"
            self._add(
                Point(point_id, supplier, f"Steam line to {customer}", "energy", process_id="E009-P1"),
                Channel(point_id, "steam_low_pressure", "t", 3, register_kind="interval", role="billing", flow_item="sent"),
            )

    @property
    def merger_date(self) -> date:
        """First day on which the drilling shop belongs to circuit works B: the first of a month, inside a sample of two months."""
        return month_start(self.first + timedelta(days=MERGER_DAY), 0 if (self.first + timedelta(days=MERGER_DAY)).day < 15 else 1)

    def owner(self, enterprise_id: str, day: date) -> str:
        """Who the enterprise's points belong to on a day."""
        return cast.MERGED_INTO if enterprise_id == cast.MERGED_AWAY and day >= self.merger_date else enterprise_id

    @property
    def steam_customers(self) -> list[str]:
        """Customers of the steam lines that are enterprises of the park."""
        return [e.enterprise_id for e in self.park.enterprises if self.park.takes_steam(e)]

    # what it shows

    def _stream(self, point_id: str, parameter: str) -> np.uint64:
        return noise.key(self.park.seed, point_id, parameter)

    def _daily(self, values: np.ndarray, first: date, last: date) -> np.ndarray:
        return values[self.park.days.slice(first, last)]

    def numbers(self, first: date, last: date) -> np.ndarray:
        return np.arange(day_number(first), day_number(last) + 1, dtype=np.int64)

    def true(self, point_id: str, parameter: str, first: date, last: date) -> np.ndarray:
        """Printed readings, days × periods; NaN where the device shows nothing because the plant stands still.

        For cumulative channels these are the amounts between readings (unit of the parameter's total):
        `registers` gives what the display shows.
        """
        channel = self.channels[point_id, parameter]
        days = self.numbers(first, last)
        amounts = self._amounts(channel, days, first, last)
        for condition in CONDITIONS:
            if (condition.point_id, condition.parameter_code) == channel.key:
                offset = days - day_number(self.first)
                hit = (offset >= condition.first_day) & (offset <= condition.last_day)
                amounts[hit, slice(*condition.hours)] *= condition.factor
        return amounts if channel.register_kind == "cumulative" else series.printed(amounts, channel.decimals)

    def _amounts(self, channel: Channel, days: np.ndarray, first: date, last: date) -> np.ndarray:
        point = self.points[channel.point_id]
        if point.kind == "wastewater":
            return self._wastewater(channel, point, days, first, last)
        if point.kind == "stack":
            return self._stack_reading(channel, point, days, first, last)
        if point.point_id == "E009-HDR":
            return self._header(channel, days, first, last)
        enterprise = self.park.by_id[point.enterprise_id]
        daily = self._daily(self._metered(channel, point, enterprise), first, last)
        if channel.step_minutes == 1440:
            return daily[:, None]
        shift = self._shift(channel, enterprise)
        stream = self._stream(*channel.key)
        amounts = series.spread(stream, days, daily, shift, channel.per_day, rough=0.06)
        if channel.register_kind == "rate":  # amount per period → amount per hour, then into the printed unit
            amounts = amounts * (60.0 / channel.step_minutes)
        return amounts / channel.unit_scale

    def _shift(self, channel: Channel, enterprise: Enterprise) -> str:
        if "-STM-" in channel.point_id:
            customer = channel.point_id.rsplit("-", 1)[1]
            return "town" if customer == "TOWN" else self.park.by_id[customer].shift
        return enterprise.shift

    def _metered(self, channel: Channel, point: Point, enterprise: Enterprise) -> np.ndarray:
        """The day's amount a meter counts, unit of the parameter's total."""
        park = self.park
        if channel.parameter_code == "electricity":
            if point.process_id:
                return park.electricity_of_process(enterprise, point.process_id)
            if point.point_id.endswith("-GEN"):
                return park.electricity_generated(enterprise)
            if point.point_id.endswith("-EXP"):
                return park.electricity_sent(enterprise)
            return park.electricity_purchased(enterprise)
        if channel.parameter_code == "natural_gas":
            return park.gas(enterprise)
        if channel.parameter_code == "raw_coal":
            return park.coal()
        if channel.parameter_code == "steam_low_pressure":
            customer = point.point_id.rsplit("-", 1)[1]
            return park.steam_to_town() if customer == "TOWN" else park.steam(park.by_id[customer])
        return park.water(enterprise)

    def _header(self, channel: Channel, days: np.ndarray, first: date, last: date) -> np.ndarray:
        level = {
            "steam_load": self.park.steam_sold() / HOURS * 1.06,
            "steam_pressure": np.full(len(self.park.days), 1.05),
            "steam_temperature": np.full(len(self.park.days), 262.0),
        }[channel.parameter_code]
        size = {"steam_load": 0.08, "steam_pressure": 0.015, "steam_temperature": 0.008}[channel.parameter_code]
        return series.around(self._stream(*channel.key), days, self._daily(level, first, last), channel.per_day, size)

    def stack_of(self, point_id: str) -> tuple[Enterprise, Stack]:
        point = self.points[point_id]
        enterprise = self.park.by_id[point.enterprise_id]
        return enterprise, next(stack for stack in enterprise.stacks if stack.outlet_id == point.outlet_id)

    def _flow(self, key: tuple[str, date, date], compute) -> np.ndarray:
        """The flow of a point, kept while its concentrations ask for it as their weight."""
        if self._last_flow is None or self._last_flow[0] != key:
            self._last_flow = (key, compute())
        return self._last_flow[1]

    def _wastewater(self, channel: Channel, point: Point, days: np.ndarray, first: date, last: date) -> np.ndarray:
        inlet = point.outlet_id is None
        outlet = self.park.outlet("E010-OUT") if inlet else self.park.outlet(point.outlet_id)
        flow = self._flow(
            (point.point_id, first, last),
            lambda: series.spread(
                self._stream(point.point_id, "w00000"),
                days,
                self._daily(self.park.discharge(outlet), first, last),
                self.park.by_id[point.enterprise_id].shift,
                rough=0.09,
            ),
        )
        if channel.parameter_code == "w00000":
            return flow / channel.unit_scale
        if channel.parameter_code == "w01001":
            level = np.full(len(self.park.days), 7.1 + 0.5 * noise.pick(self.park.seed, point.point_id, "ph"))
            return series.around(self._stream(*channel.key), days, self._daily(level, first, last), size=0.04)
        concentration = (
            self.park.inflow_concentration(channel.parameter_code) if inlet else self.park.concentration(outlet, channel.parameter_code)
        )
        return series.around(self._stream(*channel.key), days, self._daily(concentration, first, last), size=0.11, weights=flow)

    def _stack_reading(self, channel: Channel, point: Point, days: np.ndarray, first: date, last: date) -> np.ndarray:
        enterprise, stack = self.stack_of(point.point_id)
        per_day = channel.per_day
        flow_daily = self._daily(self.park.stack_flow(enterprise, stack), first, last)
        flow = self._flow(
            (point.point_id, first, last),
            lambda: series.around(self._stream(point.point_id, "a00000"), days, flow_daily, per_day, size=0.035),
        )
        if channel.parameter_code == "a00000":
            return flow / channel.unit_scale
        if channel.parameter_code in stack.mg_m3:
            level = self._daily(self.park.stack_concentration(stack, channel.parameter_code), first, last)
            values = series.around(self._stream(*channel.key), days, level, per_day, size=0.09, weights=flow)
        else:
            level, size = {
                "a19001": (stack.o2_percent, 0.03),
                "a01012": (stack.temperature, 0.03),
                "a01014": (stack.humidity, 0.05),
                "a01013": (-0.32, 0.12),
            }[channel.parameter_code]
            values = series.around(self._stream(*channel.key), days, np.full(len(days), level), per_day, size) / channel.unit_scale
        return np.where(flow_daily[:, None] > 0, values, np.nan)

    def converted(self, point_id: str, concentration: np.ndarray, oxygen: np.ndarray) -> np.ndarray:
        """Printed concentration at the reference oxygen (HJ 212 formula 28); as measured where the source has none."""
        reference = self.stack_of(point_id)[1].o2_reference
        if reference is None:
            return concentration
        return series.printed(concentration * (21.0 - reference) / (21.0 - oxygen), 2)

    def flags(self, point_id: str, first: date, last: date) -> np.ndarray:
        """HJ 212 letters, days × hours: a weekly calibration, an hour or three of maintenance now and then, F while stopped."""
        days = self.numbers(first, last)
        letters = np.full((len(days), HOURS), "N", dtype="<U1")
        if point_id in UNFLAGGED:
            return letters
        weekday = int(noise.pick(self.park.seed, point_id, "calibration") * 7)
        letters[days % 7 == weekday, 10] = "C"
        for calibration in OFF_HABIT:
            if calibration.point_id == point_id:
                letters[days - day_number(self.first) == calibration.day, slice(*calibration.hours)] = "C"
        service = noise.uniform(noise.key(self.park.seed, point_id, "service"), days)
        letters[service < 0.045, 14:17] = "M"
        letters[service > 0.985, 3] = "D"
        if self.points[point_id].kind == "stack":
            enterprise, stack = self.stack_of(point_id)
            letters[self._daily(self.park.stack_flow(enterprise, stack), first, last) == 0, :] = "F"
        return letters

    def samples(self, first: date, last: date) -> list[tuple[str, str, datetime, dict[str, float]]]:
        """Laboratory samples of the days: point, sample number, moment, parameter → mg/L as it truly was, of fuels % and GJ/t.

        Every workshop outlet is sampled once a week, what boilers and kilns burn on Mondays.
        """
        taken = []
        for enterprise in self.park.enterprises:
            for workshop in enterprise.workshops:
                weekday = int(noise.pick(self.park.seed, workshop.outlet_id, "sampled") * 5)
                for number in self.numbers(first, last):
                    if (number + 3) % 7 != weekday:
                        continue
                    day = day_of(number)
                    levels = {
                        code: float(self._daily(self.park.workshop_concentration(workshop.outlet_id, code, level), day, day)[0])
                        for code, level in workshop.mg_per_l.items()
                    }
                    moment = datetime.combine(day, time(9 + weekday, 10))
                    taken.append((f"{workshop.outlet_id}-LAB", f"L{day:%y%m%d}-{workshop.outlet_id}", moment, levels))
            if enterprise.fuel:
                for number in self.numbers(first, last):
                    day = day_of(number)
                    if day.weekday() != 0:
                        continue
                    levels = {
                        f"{name}_{enterprise.fuel.item}": float(self._daily(self.park.fuel_property(enterprise, name), day, day)[0])
                        for name in FUEL_UNITS
                    }
                    sample = f"L{day:%y%m%d}-{fuel_point(enterprise).removesuffix('-LAB')}"
                    taken.append((fuel_point(enterprise), sample, datetime.combine(day, time(8, 30)), levels))
        return taken

    # cumulative registers

    def exchange(self) -> MeterEvent | None:
        """The cement works' meter exchange, when it falls into the sample."""
        day = self.first + timedelta(days=EXCHANGE_DAY)
        if day > self.last:
            return None
        at = datetime.combine(day, EXCHANGE_TIME)
        channel = self.channels["E008-EL", "electricity"]
        amounts = self.true("E008-EL", "electricity", self.first, day).ravel() / channel.multiplier
        before = EXCHANGE_DAY * HOURS + at.hour
        final = (self._initial(channel) + amounts[:before].sum() + amounts[before] * at.minute / 60.0) % 10.0**channel.digits
        return MeterEvent("E008-EL", "electricity", at, round(float(final), channel.decimals), 1.25)

    def _initial(self, channel: Channel) -> float:
        """Register at the start of the first day."""
        size = 10.0**channel.digits
        if channel.point_id == "E007-EL":
            daily = self._daily(self.park.electricity_purchased(self.park.by_id["E007"]), self.first, self.first)[0] / channel.multiplier
            return round(size - daily * (ROLLOVER_DAY + 0.4), channel.decimals)
        return round(size * (0.05 + 0.6 * noise.pick(self.park.seed, channel.point_id, "initial")), channel.decimals)

    def registers(self, point_id: str, parameter: str, last: date | None = None) -> tuple[np.ndarray, np.ndarray]:
        """What the display shows from the start of the first day on, and the true amount of each interval between.

        One reading more than intervals. Amounts are differences of the printed readings, so they are what a
        faultless pipeline can find.
        """
        channel = self.channels[point_id, parameter]
        multiplier = channel.multiplier or 1.0
        amounts = self.true(point_id, parameter, self.first, last or self.last).ravel() / multiplier
        total = np.concatenate([[0.0], np.cumsum(amounts)])
        count = series.printed(self._initial(channel) + total, channel.decimals)
        event = self.exchange() if point_id == "E008-EL" else None
        intervals = np.diff(count)
        if event is not None:
            first_new = EXCHANGE_DAY * HOURS + event.at.hour + 1
            if first_new < len(count):
                part_after = amounts[first_new - 1] * (1.0 - event.at.minute / 60.0)
                new = event.initial_register + part_after + (total[first_new:] - total[first_new])
                old = count.copy()
                count = np.concatenate([count[:first_new], series.printed(new, channel.decimals)])
                intervals = np.diff(count)
                intervals[first_new - 1] = (event.final_register - old[first_new - 1] % 10.0**channel.digits) + (
                    count[first_new] - event.initial_register
                )
        return series.printed(count % 10.0**channel.digits, channel.decimals), intervals * multiplier


def _usual_kwh(enterprise: Enterprise) -> float:
    """A usual day's electricity, from what is fixed about the enterprise: a longer sample must not change it."""
    return enterprise.electricity_base_kwh + sum(p.per_day * p.electricity_kwh for p in enterprise.products) * enterprise.load


def submeter_point(process: Process) -> str:
    enterprise, number = process.process_id.split("-")
    return f"{enterprise}-EL-{number}"


FUEL_UNITS = {"sulfur": "%", "ash": "%", "ncv": "MJ/kg"}
"""What the laboratory says of a fuel, and in which unit it prints it."""


def fuel_point(enterprise: Enterprise) -> str:
    return f"{enterprise.enterprise_id}-COAL-LAB"


def wastewater_point(outlet: Wastewater) -> str:
    return f"{outlet.outlet_id}-M"


_DETECTION_LIMIT = {"w20121": 0.05, "w20116": 0.03, "w20117": 0.004}
"""Of the laboratory, mg/L, the canonical unit."""


def _water_range(level: float) -> float:
    return 10.0 if level < 1 else 50.0 if level < 10 else 200.0 if level < 60 else 2000.0
