"""What the park does on every day: output, energy, water, materials, discharge, in daily amounts that hang together.

Everything measured or reported is derived from these arrays, so meters, papers and the truth agree unless a
fault was planted between them. Nothing here knows files, contracts or faults.
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from pipelines.sample import cast, noise
from pipelines.sample.cast import Enterprise, Stack, Wastewater
from pipelines.sample.rhythm import WEEKS, Days, day_number, day_of

STEAM_HEAT_GJ = 2.78
"""Heat of one tonne of the supplier's steam above feed water, GJ."""

# What the special plants take per unit of what they make.
_COAL_PER_MWH, _COAL_PER_STEAM_T = 0.405, 0.118
_COAL_AT_FULL_FLOW_T = 400.0
_POWER_PER_STEAM_T = 0.055  # MWh of back-pressure generation per tonne of steam
_STEEL_OWN_POWER_SHARE = 0.31
_STATION_USE_SHARE = {"E009": 0.088, "E011": 0.165}
_WWTP_KWH_PER_M3 = 0.38
_INCINERATOR_MWH_PER_T = 0.46
_FLY_ASH_PER_T = 0.031
_HAZARDOUS_PER_EMPLOYEE_T = 0.9e-3


@dataclass(frozen=True)
class Part:
    """A share of what an enterprise uses of an item (electricity, kWh; water, m3): what a meter of the audit counts."""

    point_id: str
    enterprise_id: str
    process_id: str | None
    item: str
    share: float


@dataclass(frozen=True)
class Effect:
    """What a measure, or a change of another kind, does to a part between two dates: a share less, an amount a day more."""

    point_id: str
    begins: date
    ends: date
    saves: float = 0.0
    adds: float = 0.0
    measure_id: str | None = None


@dataclass(frozen=True)
class Park:
    """The modelled park over `days`: fetch amounts by name, computed once each."""

    seed: int
    days: Days
    enterprises: tuple[Enterprise, ...]
    parts: tuple[Part, ...] = ()
    effects: tuple[Effect, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "_memory", {})

    @cached_property
    def by_id(self) -> dict[str, Enterprise]:
        return {enterprise.enterprise_id: enterprise for enterprise in self.enterprises}

    @cached_property
    def _numbers(self) -> np.ndarray:
        return self.days.numbers

    @cached_property
    def _weekdays(self) -> np.ndarray:
        return self.days.weekdays

    @cached_property
    def _season(self) -> np.ndarray:
        return self.days.season

    @cached_property
    def _holiday(self) -> np.ndarray:
        return self.days.holiday

    @cached_property
    def _month_and_day(self) -> tuple[np.ndarray, np.ndarray]:
        days = [day_of(number) for number in self._numbers]
        return np.array([day.month for day in days]), np.array([day.day for day in days])

    def _once(self, key: tuple[str, ...], compute) -> np.ndarray:
        memory: dict[tuple[str, ...], np.ndarray] = self._memory  # type: ignore[attr-defined]
        if key not in memory:
            memory[key] = compute()
        return memory[key]

    def _wobble(self, *names: str, size: float, scale: int = 18, rough: float = 0.4) -> np.ndarray:
        """1 ± size: slow wandering with some day-to-day roughness."""
        slow = noise.smooth(noise.key(self.seed, "slow", *names), self._numbers, scale)
        fast = noise.normal(noise.key(self.seed, "fast", *names), self._numbers)
        return 1.0 + size * (slow + rough * fast)

    def standstill(self, enterprise: Enterprise) -> np.ndarray:
        """True on days of a planned shutdown."""
        months, days = self._month_and_day
        still = np.zeros(len(self.days), dtype=bool)
        for month, first, last in enterprise.shutdowns:
            still |= (months == month) & (days >= first) & (days <= last)
        return still

    def activity(self, enterprise: Enterprise) -> np.ndarray:
        """Share of full production on every day; 0 while it stands still."""

        def compute() -> np.ndarray:
            level = enterprise.load * self._wobble(enterprise.enterprise_id, "activity", size=0.035)
            level = level * WEEKS[enterprise.week][self._weekdays] * (1.0 + enterprise.seasonal * self._season)
            if enterprise.holidays:
                level = np.where(self._holiday, level * 0.02, level)
            return np.where(self.standstill(enterprise), 0.0, np.clip(level, 0.0, 1.08))

        return self._once(("activity", enterprise.enterprise_id), compute)

    def output(self, enterprise: Enterprise, code: str) -> np.ndarray:
        """Output of a product a day, in the product's unit."""

        def compute() -> np.ndarray:
            if code == "E009-HEAT":
                return self.steam_sold() * STEAM_HEAT_GJ
            if code == "E010-TREATED":
                return self.discharge(self.outlet("E010-OUT"))
            if code in ("E009-POWER", "E011-POWER"):
                return self.electricity_sent(enterprise) / 1000.0
            product = next(product for product in enterprise.products if product.code == code)
            return product.per_day * self.activity(enterprise) * self._wobble(enterprise.enterprise_id, code, size=0.015)

        return self._once(("output", code), compute)

    def outlet(self, outlet_id: str) -> Wastewater:
        """A final wastewater outlet by its number."""
        return next(outlet for enterprise in self.enterprises for outlet in enterprise.wastewater if outlet.outlet_id == outlet_id)

    # parts that measures act on

    def _without_effects(self, part: Part) -> np.ndarray:
        """What a part would use a day had nothing been done to it."""
        whole = (self._electricity if part.item == "electricity" else self._water)(self.by_id[part.enterprise_id])
        return whole * part.share * self._wobble(part.point_id, "part", size=0.008)

    def part(self, part: Part, *, without: str | None = None) -> np.ndarray:
        """What a part uses a day, its effects one after the other; `without` leaves one measure out."""
        used = self._without_effects(part)
        for effect in self.effects:
            if effect.point_id == part.point_id and (without is None or effect.measure_id != without):
                holds = (self._numbers >= day_number(effect.begins)) & (self._numbers < day_number(effect.ends))
                used = np.where(holds, used * (1.0 - effect.saves) + effect.adds, used)
        return used

    def _changed(self, enterprise: Enterprise, item: str, process_id: str | None = None) -> np.ndarray:
        """What effects change of the enterprise's use a day, or of one process's."""
        total = np.zeros(len(self.days))
        for part in self.parts:
            mine = (part.enterprise_id, part.item) == (enterprise.enterprise_id, item)
            if mine and (process_id is None or part.process_id == process_id):
                total = total + self.part(part) - self._without_effects(part)
        return total

    # electricity, kWh

    def electricity(self, enterprise: Enterprise) -> np.ndarray:
        """Used inside the enterprise, wherever it came from."""
        return self._once(
            ("electricity", enterprise.enterprise_id), lambda: self._electricity(enterprise) + self._changed(enterprise, "electricity")
        )

    def _electricity(self, enterprise: Enterprise) -> np.ndarray:
        def compute() -> np.ndarray:
            base = enterprise.electricity_base_kwh * (0.45 + 0.55 * np.minimum(self.activity(enterprise) / max(enterprise.load, 0.1), 1.0))
            total = base * self._wobble(enterprise.enterprise_id, "base", size=0.03) * (1.0 + 0.05 * np.abs(self._season))
            for product in enterprise.products:
                if product.electricity_kwh:
                    efficiency = self._wobble(enterprise.enterprise_id, product.code, "kwh", size=0.02, scale=40)
                    total = total + self.output(enterprise, product.code) * product.electricity_kwh * efficiency
            if enterprise.kind == "wastewater":
                total = total + self.discharge(self.outlet("E010-OUT")) * _WWTP_KWH_PER_M3
            if enterprise.enterprise_id in _STATION_USE_SHARE:
                total = total + self.electricity_generated(enterprise) * _STATION_USE_SHARE[enterprise.enterprise_id]
            return total

        return self._once(("electricity without effects", enterprise.enterprise_id), compute)

    def electricity_generated(self, enterprise: Enterprise) -> np.ndarray:
        def compute() -> np.ndarray:
            if enterprise.enterprise_id == "E009":
                condensing = 690_000.0 * self.activity(enterprise)
                return condensing + self.steam_sold() * _POWER_PER_STEAM_T * 1000.0
            if enterprise.enterprise_id == "E011":
                return self.output(enterprise, "E011-BURNT") * _INCINERATOR_MWH_PER_T * 1000.0 * self._wobble("E011", "power", size=0.02)
            if enterprise.kind == "steel":
                return self.electricity(enterprise) * _STEEL_OWN_POWER_SHARE * self._wobble("E007", "power", size=0.04)
            return np.zeros(len(self.days))

        return self._once(("generated", enterprise.enterprise_id), compute)

    def electricity_sent(self, enterprise: Enterprise) -> np.ndarray:
        """Fed into the grid."""
        if enterprise.enterprise_id not in _STATION_USE_SHARE:
            return np.zeros(len(self.days))
        return np.maximum(self.electricity_generated(enterprise) - self.electricity(enterprise), 0.0)

    def electricity_purchased(self, enterprise: Enterprise) -> np.ndarray:
        return np.maximum(self.electricity(enterprise) - self.electricity_generated(enterprise), 0.0) + (
            # Power stations keep a small standing supply for their start-up transformers.
            260.0 if enterprise.enterprise_id in _STATION_USE_SHARE else 0.0
        )

    def electricity_of_process(self, enterprise: Enterprise, process_id: str) -> np.ndarray:
        """What a sub-meter of the process counts: a share of the whole, or its products'. The rest stays unmetered."""
        share = next(process.electricity_share for process in enterprise.processes if process.process_id == process_id)

        def compute() -> np.ndarray:
            if share is not None:
                used = self._electricity(enterprise) * share * self._wobble(process_id, "share", size=0.012)
                return used + self._changed(enterprise, "electricity", process_id)
            total = np.zeros(len(self.days))
            for product in enterprise.products:
                if product.process_id == process_id:
                    efficiency = self._wobble(enterprise.enterprise_id, product.code, "kwh", size=0.02, scale=40)
                    total = total + self.output(enterprise, product.code) * product.electricity_kwh * efficiency
            return total

        return self._once(("process", process_id), compute)

    # water, gas, steam, materials

    def water(self, enterprise: Enterprise) -> np.ndarray:
        """Fresh water taken in, m3."""
        return self._once(("water", enterprise.enterprise_id), lambda: self._water(enterprise) + self._changed(enterprise, "water"))

    def _water(self, enterprise: Enterprise) -> np.ndarray:
        def compute() -> np.ndarray:
            working = 0.35 + 0.65 * np.minimum(self.activity(enterprise) / max(enterprise.load, 0.1), 1.0)
            total = enterprise.water_base_m3 * working * self._wobble(enterprise.enterprise_id, "water", size=0.03)
            for product in enterprise.products:
                if product.water_m3:
                    total = total + self.output(enterprise, product.code) * product.water_m3 * self._wobble(
                        product.code, "water", size=0.02, scale=30
                    )
            return total * (1.0 + 0.03 * self._season)

        return self._once(("water without effects", enterprise.enterprise_id), compute)

    def recycled_water(self, enterprise: Enterprise) -> np.ndarray:
        """Water used again, m3: share = recycled / (recycled + fresh)."""
        share = enterprise.water_recycled_share
        return (
            self.water(enterprise)
            * share
            / (1.0 - share)
            * self._wobble(enterprise.enterprise_id, "recycled", size=0.015, scale=60, rough=0.1)
        )

    def gas(self, enterprise: Enterprise) -> np.ndarray:
        """Natural gas, m3."""
        total = enterprise.gas_base_m3 * (1.0 - 0.35 * self._season)
        for product in enterprise.products:
            if product.gas_m3:
                total = total + self.output(enterprise, product.code) * product.gas_m3
        return total * self._wobble(enterprise.enterprise_id, "gas", size=0.03)

    def takes_gas(self, enterprise: Enterprise) -> bool:
        return enterprise.gas_base_m3 > 0 or any(product.gas_m3 for product in enterprise.products)

    def takes_steam(self, enterprise: Enterprise) -> bool:
        return any(product.steam_t for product in enterprise.products)

    def steam(self, enterprise: Enterprise) -> np.ndarray:
        """Steam received from the park's supplier, t."""

        def compute() -> np.ndarray:
            total = np.zeros(len(self.days))
            for product in enterprise.products:
                if product.steam_t:
                    total = total + self.output(enterprise, product.code) * product.steam_t
            return total * (1.0 - 0.12 * self._season) * self._wobble(enterprise.enterprise_id, "steam", size=0.03)

        return self._once(("steam", enterprise.enterprise_id), compute)

    def steam_to_town(self) -> np.ndarray:
        """Customers outside the park: a works all year, district heating in winter."""
        return (640.0 + 800.0 * np.clip(0.35 - self._season, 0.0, None)) * self._wobble("E009", "town", size=0.04)

    def steam_sold(self) -> np.ndarray:
        def compute() -> np.ndarray:
            total = self.steam_to_town()
            for enterprise in self.enterprises:
                if self.takes_steam(enterprise):
                    total = total + self.steam(enterprise)
            return total

        return self._once(("steam_sold",), compute)

    def materials(self, enterprise: Enterprise) -> dict[str, np.ndarray]:
        """Material and fuel → t (m2 for laminates) used a day."""
        used: dict[str, np.ndarray] = {}
        for product in enterprise.products:
            for item, amount in product.materials_t.items():
                day = self.output(enterprise, product.code) * amount * self._wobble(product.code, item, size=0.012, scale=45, rough=0.15)
                used[item] = used[item] + day if item in used else day
        if enterprise.enterprise_id == cast.STEAM_SUPPLIER:
            used["raw_coal"] = self.coal()
            used["limestone"] = self.coal() * 0.021
            used["urea"] = self.coal() * 0.0042
        return used

    def coal(self) -> np.ndarray:
        """Coal burnt by the heat and power plant, t."""

        def compute() -> np.ndarray:
            supplier = self.by_id[cast.STEAM_SUPPLIER]
            power_mwh = 690.0 * self.activity(supplier)
            return (power_mwh * _COAL_PER_MWH + self.steam_sold() * _COAL_PER_STEAM_T) * self._wobble("E009", "coal", size=0.015)

        return self._once(("coal",), compute)

    # discharge

    def discharge(self, outlet: Wastewater) -> np.ndarray:
        """Wastewater through a final outlet, m3."""

        def compute() -> np.ndarray:
            if outlet.outlet_id == "E010-OUT":
                town = cast.TOWN_SEWAGE_M3 * self._wobble("town", "sewage", size=0.05) * (1.0 + 0.06 * self._season)
                return town + sum((self.discharge(other) for other in self._indirect), np.zeros(len(self.days)))
            users = self.users(outlet)
            total = sum((self.water(enterprise) for enterprise in users), np.zeros(len(self.days)))
            return total * outlet.water_share * self._wobble(outlet.outlet_id, "flow", size=0.025)

        return self._once(("discharge", outlet.outlet_id), compute)

    @cached_property
    def _indirect(self) -> list[Wastewater]:
        return [outlet for enterprise in self.enterprises for outlet in enterprise.wastewater if outlet.discharge_kind == "indirect"]

    def users(self, outlet: Wastewater) -> list[Enterprise]:
        """Enterprises whose wastewater goes through the outlet: several where it is shared."""
        if outlet.outlet_id == cast.SHARED_OUTLET:
            return [self.by_id[enterprise] for enterprise in cast.SHARED_SHARES]
        return [enterprise for enterprise in self.enterprises if outlet in enterprise.wastewater]

    def concentration(self, outlet: Wastewater, pollutant: str) -> np.ndarray:
        """Mean concentration of a day at a final outlet, mg/L."""
        level = outlet.mg_per_l[pollutant]
        return self._once(
            ("concentration", outlet.outlet_id, pollutant),
            lambda: level * np.clip(self._wobble(outlet.outlet_id, pollutant, size=0.11, scale=9), 0.45, 1.75),
        )

    def inflow_concentration(self, pollutant: str) -> np.ndarray:
        """What arrives at the central plant, mg/L: the park's indirect discharges and the town's sewage, mixed."""

        def compute() -> np.ndarray:
            town_level = {"w01018": 262.0, "w21003": 27.0}[pollutant]
            arriving = self.discharge(self.outlet("E010-OUT"))
            town = arriving - sum((self.discharge(outlet) for outlet in self._indirect), np.zeros(len(self.days)))
            load = town * town_level * self._wobble("town", pollutant, size=0.06)
            for outlet in self._indirect:
                load = load + self.discharge(outlet) * self.concentration(outlet, pollutant)
            return load / arriving

        return self._once(("inflow", pollutant), compute)

    def workshop_concentration(self, outlet_id: str, pollutant: str, level: float) -> np.ndarray:
        """Level of a day at a workshop outlet, mg/L; some days lie below the laboratory's detection limit."""
        return level * np.clip(self._wobble(outlet_id, pollutant, size=0.42, scale=6, rough=0.8), 0.04, 2.6)

    def stack_flow(self, enterprise: Enterprise, stack: Stack) -> np.ndarray:
        """Mean dry standard flow of a day, m3/h; 0 while the plant stands still."""

        def compute() -> np.ndarray:
            load = self.activity(enterprise) / max(enterprise.load, 0.1)
            share = 0.22 + 0.78 * load
            if enterprise.has_boiler:  # a boiler's gas is its fuel's
                share = self.coal() / _COAL_AT_FULL_FLOW_T
            flow = stack.flow_m3_h * share * self._wobble(stack.outlet_id, "flow", size=0.02)
            return np.where(self.standstill(enterprise), 0.0, flow)

        return self._once(("stack_flow", stack.outlet_id), compute)

    def stack_concentration(self, stack: Stack, pollutant: str) -> np.ndarray:
        """Mean dry concentration of a day as measured, mg/m3; of sulfur dioxide from a boiler in proportion to the sulfur it burns."""

        def compute() -> np.ndarray:
            level = stack.mg_m3[pollutant] * np.clip(self._wobble(stack.outlet_id, pollutant, size=0.085, scale=8), 0.4, 1.9)
            enterprise = next(one for one in self.enterprises if stack in one.stacks)
            if pollutant == "a21026" and enterprise.has_boiler:
                level = level * self.fuel_property(enterprise, "sulfur") / enterprise.fuel.sulfur_percent
            return level

        return self._once(("stack_concentration", stack.outlet_id, pollutant), compute)

    def fuel_property(self, enterprise: Enterprise, name: str) -> np.ndarray:
        """What a day's fuel holds, as received: sulfur and ash, %, or net calorific value (`ncv`), GJ/t."""
        fuel = enterprise.fuel
        level, size = {
            "sulfur": (fuel.sulfur_percent, 0.05), "ash": (fuel.ash_percent, 0.04), "ncv": (fuel.ncv_gj_t, 0.012),
        }[name]  # fmt: skip
        return self._once(("fuel", enterprise.enterprise_id, name), lambda: level * self._wobble(enterprise.enterprise_id, name, size=size))

    def balanced_sulfur_dioxide(self, enterprise: Enterprise) -> np.ndarray:
        """SO2 of a day by balance of the fuel's sulfur, kg: twice the sulfur that burns, less what treatment removes."""
        fuel = enterprise.fuel
        sulfur_kg = self.coal() * 1000.0 * self.fuel_property(enterprise, "sulfur") / 100.0
        return 2.0 * sulfur_kg * fuel.sulfur_burnt * (1.0 - fuel.sulfur_removed)

    # waste

    def hazardous_waste(self, enterprise: Enterprise) -> np.ndarray:
        """Hazardous waste that arises, t."""
        if enterprise.kind == "incineration":
            return self.output(enterprise, "E011-BURNT") * _FLY_ASH_PER_T
        return self.activity(enterprise) * enterprise.employees * _HAZARDOUS_PER_EMPLOYEE_T

    # money

    def output_value(self, enterprise: Enterprise) -> np.ndarray:
        """Gross output value, CNY."""
        total = np.zeros(len(self.days))
        for product in enterprise.products:
            total = total + self.output(enterprise, product.code) * product.price_cny
        return total
