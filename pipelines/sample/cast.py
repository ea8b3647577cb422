"""Who is in the sample park: twelve named enterprises, and fillers up to any number.

The figures stand in cast.yaml; here is what they mean, and how platers and fillers follow from theirs. What
enterprises do on a day is `physics`, what their papers say is `papers`.
"""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from pipelines.sample import noise

PARK_ID = "SAMPLE-PARK"
VALID_SINCE = "2015-01-01"
"""First date of every register row that nothing changed since; earlier than any sample can start."""

PCB_SYSTEM = "PCB"
ELECTROPLATING_SYSTEM = "ELECTROPLATING"

STEAM_SUPPLIER = "E009"
CLINKER_LABORATORY = "E008-LAB"
CENTRAL_PLANT = "E010"
MERGED_AWAY, MERGED_INTO = "E012", "E002"
TOWN_SEWAGE_M3 = 14_500.0
"""Daily sewage of the neighbouring town that the central plant treats besides the park's."""
CORE = 12


class Fixed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Product(Fixed):
    """What is made: `per_day` at full production in `unit`, and what one unit takes (materials in t, laminates in m2)."""

    code: str
    name: str
    process_id: str | None = None
    unit: str
    per_day: float
    price_cny: float
    kind: str | None = None
    electricity_kwh: float = 0.0
    water_m3: float = 0.0
    gas_m3: float = 0.0
    steam_t: float = 0.0
    materials_t: dict[str, float] = {}


class Process(Fixed):
    """A process. `submeter_feed` sends its electricity sub-meter, which counts its products' or a share of the whole."""

    process_id: str
    name: str
    code: str
    submeter_feed: str | None = None
    electricity_share: float | None = None


class Wastewater(Fixed):
    """A final outlet with an online monitor; `water_share` of the fresh water taken in leaves through it."""

    outlet_id: str
    name: str
    water_share: float
    mg_per_l: dict[str, float]
    limits: dict[str, float]
    discharge_kind: str = "indirect"
    receiver: str | None = CENTRAL_PLANT
    kind: str = "final"
    standard_id: str | None = None


class Workshop(Fixed):
    """A workshop outlet that is sampled by the laboratory only."""

    outlet_id: str
    name: str
    mg_per_l: dict[str, float]
    limits: dict[str, float]


class Stack(Fixed):
    """A stack: dry standard flow at full load, dry concentrations as measured, hourly limits on converted ones."""

    outlet_id: str
    name: str
    flow_m3_h: float
    o2_percent: float
    o2_reference: float | None = None
    temperature: float
    humidity: float
    mg_m3: dict[str, float]
    limits: dict[str, float]
    standard_id: str | None = None
    process_id: str | None = None


class Fuel(Fixed):
    """What is burnt: contents as received; in a boiler the share of its sulfur that goes into the gas, and of that what treatment removes."""

    item: str
    sulfur_percent: float
    ash_percent: float
    ncv_gj_t: float
    sulfur_burnt: float | None = None
    """None in a kiln, whose clinker keeps what it will."""
    sulfur_removed: float | None = None


class Enterprise(Fixed):
    """An enterprise. Base amounts are used a day whether it produces or not."""

    enterprise_id: str
    name: str
    kind: str
    sector_code: str
    shift: str
    week: str
    products: tuple[Product, ...]
    processes: tuple[Process, ...] = ()
    index_system_id: str | None = None
    load: float = 0.88
    seasonal: float = 0.0
    holidays: bool = True
    electricity_base_kwh: float = 0.0
    water_base_m3: float = 0.0
    gas_base_m3: float = 0.0
    water_recycled_share: float = 0.3
    water_item: str = "tap_water"
    wastewater: tuple[Wastewater, ...] = ()
    workshops: tuple[Workshop, ...] = ()
    stacks: tuple[Stack, ...] = ()
    fuel: Fuel | None = None
    value_added_share: float = 0.24
    employees: int = 120
    shutdowns: tuple[tuple[int, int, int], ...] = ()
    high_voltage: bool = False
    """Its electricity is settled on registers of the grid's metering points, not in the customers' file."""

    @property
    def has_boiler(self) -> bool:
        """Whether its gas is its fuel's: what a balance of the fuel can be held against."""
        return self.fuel is not None and self.fuel.sulfur_burnt is not None


class Metal(Fixed):
    g_per_m2: float
    utilisation: float


class Plater(Fixed):
    """An electroplater, per m2 plated."""

    enterprise_id: str
    letter: str
    area_m2: float
    rinses: int
    litres_per_rinse: float
    water_recycled_share: float
    kwh: float
    steam_t: float = 0.0
    load: float
    cod: float
    nickel: float
    chromium: float | None = None
    submeter_feed: str | None = None
    metals: dict[str, Metal]


class SharedOutlet(Fixed):
    outlet: Wastewater
    shares: dict[str, float]


class TradeProduct(Fixed):
    name: str
    unit: str
    per_day: float
    price_cny: float
    kwh: float
    water_m3: float
    gas_m3: float = 0.0
    steam_t: float = 0.0


class TradeBase(Fixed):
    kwh: float
    water_m3: float


class Trade(Fixed):
    """A kind of filler at size 1."""

    kind: str
    name: str
    sector_code: str
    shift: str
    water_recycled_share: float
    cod: float
    ammonia: float
    base: TradeBase
    product: TradeProduct


class Cast(Fixed):
    enterprises: tuple[Enterprise, ...]
    platers: tuple[Plater, ...]
    shared_outlet: SharedOutlet
    trades: tuple[Trade, ...]


@cache
def _cast() -> Cast:
    content: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("cast.yaml").read_text(encoding="utf-8"))
    return Cast.model_validate(content)


SHARED_OUTLET = _cast().shared_outlet.outlet.outlet_id
SHARED_SHARES = _cast().shared_outlet.shares
PLATERS = {plater.enterprise_id: plater for plater in _cast().platers}


def enterprises(count: int, seed: int) -> list[Enterprise]:
    """The core, then fillers. Fewer than the core is refused: the shipped contracts name its meters."""
    if not CORE <= count <= 999:
        raise ValueError(
            f"enterprises = {count}: a sample park has {CORE} to 999 enterprises; the first {CORE} are named in pipelines/feeds"
        )
    core = sorted([*_cast().enterprises, *map(_plater, _cast().platers)], key=lambda enterprise: enterprise.enterprise_id)
    return [*core, *(_filler(number, seed) for number in range(CORE + 1, count + 1))]


def _plater(plater: Plater) -> Enterprise:
    number, rinses, title = plater.enterprise_id, plater.rinses, f"Sample Plating {plater.letter}"
    # The index system's water indicator is per area and rinse, so output is counted in area times rinses.
    materials = {item: metal.g_per_m2 / metal.utilisation / 1e6 / rinses for item, metal in plater.metals.items()}
    materials |= {"hydrochloric_acid": 1.9e-4 / rinses, "sodium_hydroxide": 1.2e-4 / rinses}
    workshop = {"w20121": plater.nickel}
    if plater.chromium is not None:
        workshop |= {"w20116": plater.chromium, "w20117": plater.chromium * 0.14}
    workshop_limits = {"w20121": 0.5, "w20116": 1.0, "w20117": 0.2}
    own = Wastewater(
        outlet_id=f"{number}-WW-1",
        name=f"{title}, final outlet 总排口",
        water_share=0.9,
        mg_per_l={"w01018": plater.cod, "w21003": plater.cod * 0.11, "w20121": plater.nickel * 0.3},
        limits={"w01018": 500.0, "w21003": 45.0, "w20121": 0.5},
        standard_id="GBT31962-2015-B",
    )
    outlets = (own,)
    if number in SHARED_SHARES:
        outlets = (_cast().shared_outlet.outlet,) if own.outlet_id == SHARED_OUTLET else ()
    return Enterprise(
        enterprise_id=number,
        name=f"Sample Plating Works {plater.letter} 样例电镀{plater.letter}厂",
        kind="electroplating",
        sector_code="C3360",
        shift="day_night",
        week="six_days",
        index_system_id=ELECTROPLATING_SYSTEM,
        products=(
            Product(
                code=f"{number}-PLATED",
                name="Plated area times rinses 电镀面积×清洗次数",
                process_id=f"{number}-P1",
                unit="m2",
                per_day=plater.area_m2 * rinses,
                price_cny=46.0 / rinses,
                kind="plated_area",
                electricity_kwh=plater.kwh / rinses,
                water_m3=plater.litres_per_rinse / 1000.0,
                gas_m3=0.05 / rinses,
                steam_t=plater.steam_t / rinses,
                materials_t=materials,
            ),
        ),
        processes=(
            Process(process_id=f"{number}-P1", name="Plating lines 电镀线", code="electroplating", submeter_feed=plater.submeter_feed),
            Process(process_id=f"{number}-P2", name="Rectifiers and blowers 整流与风机", code="utilities"),
        ),
        load=plater.load,
        electricity_base_kwh=plater.area_m2 * 0.35,
        water_base_m3=plater.area_m2 * rinses * plater.litres_per_rinse * 2e-5,
        gas_base_m3=20.0,
        water_recycled_share=plater.water_recycled_share,
        wastewater=outlets,
        workshops=(
            Workshop(
                outlet_id=f"{number}-WS-1",
                name=f"{title}, nickel and chromium workshop 车间排口",
                mg_per_l=workshop,
                limits={code: workshop_limits[code] for code in workshop},
            ),
        ),
        employees=int(plater.area_m2 / 18),
    )


def _filler(number: int, seed: int) -> Enterprise:
    trade = _cast().trades[(number - CORE - 1) % len(_cast().trades)]
    enterprise, product = f"E{number:03d}", trade.product
    size = 0.4 + 1.5 * noise.pick(seed, enterprise, "size") ** 2
    # How well it is run: one trade's intensities differ by a factor of two from best to worst.
    waste = 0.72 + 0.75 * noise.pick(seed, enterprise, "waste")
    continuous = trade.shift == "continuous"
    return Enterprise(
        enterprise_id=enterprise,
        name=f"Sample {trade.name}{number:03d}",
        kind=trade.kind,
        sector_code=trade.sector_code,
        shift=trade.shift,
        week="always" if continuous else "six_days" if noise.pick(seed, enterprise, "week") < 0.6 else "five_days",
        products=(
            Product(
                code=f"{enterprise}-MAIN",
                name=product.name,
                process_id=f"{enterprise}-P1",
                unit=product.unit,
                per_day=round(product.per_day * size, 2),
                price_cny=product.price_cny,
                electricity_kwh=product.kwh * waste,
                water_m3=product.water_m3 * waste,
                gas_m3=product.gas_m3 * waste,
                steam_t=product.steam_t * waste,
            ),
        ),
        processes=(Process(process_id=f"{enterprise}-P1", name="Main line 主生产线", code=trade.kind),),
        load=0.75 + 0.2 * noise.pick(seed, enterprise, "load"),
        holidays=not continuous,
        electricity_base_kwh=trade.base.kwh * size,
        water_base_m3=trade.base.water_m3 * size,
        gas_base_m3=12.0 * size if product.gas_m3 else 0.0,
        water_recycled_share=trade.water_recycled_share,
        wastewater=(
            Wastewater(
                outlet_id=f"{enterprise}-WW-1",
                name=f"Sample outlet {number:03d} 总排口",
                water_share=0.82,
                mg_per_l={"w01018": trade.cod * waste, "w21003": trade.ammonia * waste},
                limits={"w01018": 500.0, "w21003": 45.0},
                standard_id="GBT31962-2015-B",
            ),
        ),
        value_added_share=0.18 + 0.2 * noise.pick(seed, enterprise, "value"),
        employees=int(60 + 420 * size),
    )
