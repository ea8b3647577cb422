"""One park with known answers for all tests of the enterprise and park models: built once a session, read by many.

Each scenario has enterprises of its own, so that it can be read alone. Here are its records and how they are
written shortly; what must come out of them stands in the tests.
"""

import random
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.transform.harness import Warehouse

Records = dict[str, list[dict[str, Any]]]

PERIODS = ("daily", "monthly", "quarterly", "annual")
LONGER = PERIODS[1:]
TABLES = (
    "marts.self_reported",
    *(f"marts.{whose}_consumption_{period}" for whose in ("enterprise", "park") for period in PERIODS),
    "marts.emission_hourly",
    "marts.emission_method",
    *(f"marts.{whose}_emission_{period}" for whose in ("enterprise", "park") for period in PERIODS),
    *(f"marts.enterprise_pollutant_generation_{period}" for period in LONGER),
    *(f"marts.enterprise_production_{period}" for period in LONGER),
    *(f"marts.{whose}_efficiency_{period}" for whose in ("enterprise", "park") for period in LONGER),
    "marts.park_eliminations_monthly",
    "marts.limit_compliance_daily",
    "marts.exceedances",
    "marts.exceedance_episodes",
    "marts.baseline_drainage_monthly",
    "marts.permit_total_progress",
    "marts.pollution_equivalents_monthly",
    *(f"marts.environmental_tax_{period}" for period in LONGER),
    *(f"marts.{whose}_{what}_{period}" for what in ("carbon", "water", "waste") for whose in ("enterprise", "park") for period in LONGER),
    "reference.factor",
    "reference.limit",
    "reference.metric",
)
MODELS = (*(table.split(".")[1] for table in TABLES), "int_plausibility_channel_days", "int_plausibility_outlet_days")
"""What the tests build, with everything above it."""

SINCE = {"valid_from": date(2015, 1, 1)}


def local(day: date, hour: float = 0) -> datetime:
    """Naive UTC instant of a Shanghai hour."""
    return datetime.combine(day, datetime.min.time()) + timedelta(hours=hour - 8)


def days(first: date, count: int) -> list[date]:
    return [first + timedelta(days=number) for number in range(count)]


def total(
    point: str, item: str, unit: str, day: date, value: float | None, hours: float = 24, at: float = 0, **more: Any
) -> dict[str, Any]:
    """A total of a period, a day's by default."""
    return reading(point, item, unit, "cou", day, at, value, hours, **more)


def mean(point: str, parameter: str, unit: str, day: date, hour: float, value: float | None, **more: Any) -> dict[str, Any]:
    """A mean of an hour."""
    return reading(point, parameter, unit, more.pop("statistic", "avg"), day, hour, value, more.pop("hours", 1), **more)


def reading(
    point: str, parameter: str, unit: str, statistic: str, day: date, at: float, value: float | None, hours: float, **more: Any
) -> dict[str, Any]:
    return {
        "point_id": point, "parameter_code": parameter, "statistic": statistic, "source_kind": "automatic",
        "period_start_utc": local(day, at), "period_end_utc": local(day, at + hours), "value": value, "unit": unit, **more,
    }  # fmt: skip


def sample(point: str, parameter: str, unit: str, day: date, value: float, hour: float = 10, statistic: str = "rtd") -> dict[str, Any]:
    """What a laboratory found in a sample of a moment."""
    return reading(point, parameter, unit, statistic, day, hour, value, 0, source_kind="manual_lab")


def report(subject: str, item: str, medium: str, first: date, end: date, value: float | None, unit: str, **more: Any) -> dict[str, Any]:
    return {
        "subject_kind": "enterprise", "subject_id": subject, "item_code": item, "medium": medium, "period_start": first, "period_end": end,
        "report_kind": "statistics", "line_id": "-", "value": value, "unit": unit, "state": "self_reported" if value is not None else "missing",
        **more,
    }  # fmt: skip


def month(year: int, number: int) -> tuple[date, date]:
    """First day of a month and first day after it; months beyond 12 are the next year's."""
    year, number = year + (number - 1) // 12, (number - 1) % 12 + 1
    return date(year, number, 1), date(year + number // 12, number % 12 + 1, 1)


def enterprises(*names: str, **more: Any) -> Records:
    return {"enterprise": [{"enterprise_id": name, **SINCE, **more} for name in names]}


def meter(
    point: str,
    enterprise: str | None,
    item: str = "electricity",
    process: str | None = None,
    parent: str | None = None,
    role: str | None = None,
    step: int = 1440,
    kind: str = "energy",
    share: float | None = None,
    formula: str | None = None,
    **more: Any,
) -> Records:
    """A point with its channel and its place in a tree of meters."""
    records: Records = {
        "point": [{"point_id": point, "enterprise_id": enterprise, "process_id": process, "kind": kind, **SINCE}],
        "channel": [{"point_id": point, "parameter_code": item, "step_minutes": step, **SINCE, **more}],
    }
    if role:
        records["meter_link"] = [
            {"point_id": point, "parent_point_id": parent or "-", "role": role, "share": share, "formula": formula, **SINCE}
        ]
    return records  # fmt: skip


def outlet(
    name: str,
    enterprise: str,
    medium: str,
    kind: str,
    channels: dict[str, str | None],
    discharge: str = "direct",
    receiver: str | None = None,
    standard: str | None = None,
    step: int = 60,
) -> Records:
    """An outlet with one monitoring point of the same name; `channels` are parameter → gas basis."""
    return {
        "outlet": [
            {"outlet_id": name, "enterprise_id": enterprise, "medium": medium, "kind": kind, "discharge_kind": discharge,
             "receiving_enterprise_id": receiver, "standard_id": standard, **SINCE}
        ],
        "point": [{"point_id": name, "enterprise_id": enterprise, "outlet_id": name, "kind": "stack" if medium == "air" else "wastewater", **SINCE}],
        "channel": [{"point_id": name, "parameter_code": code, "basis": basis, "step_minutes": step, **SINCE} for code, basis in channels.items()],
    }  # fmt: skip


def merged(parts: Iterable[Records]) -> Records:
    whole: Records = {}
    for part in parts:
        for record, rows in part.items():
            whole.setdefault(record, []).extend(rows)
    return whole


# ---- consumption

JANUARY = date(2023, 1, 1)


def worked_example() -> Iterable[Records]:
    """A year's energy of reference section 6.3, declared; and its electricity, metered on one day by another enterprise."""
    yield enterprises("WORKED", "GWH")
    year = (date(2023, 1, 1), date(2024, 1, 1))
    for item, value, unit in (("electricity", 1e7, "kWh"), ("natural_gas", 1e6, "m3"), ("raw_coal", 5000.0, "t"), ("heat", 20_000.0, "GJ")):
        yield {"self_report": [report("WORKED", item, "purchased", *year, value, unit)]}
    yield meter("GWH-E", "GWH")
    yield {"reading": [total("GWH-E", "electricity", "kWh", date(2023, 6, 1), 1e7)]}


def metering_tree() -> Iterable[Records]:
    """A billing meter over two process meters, one of which has a meter below it, a check meter and virtual ones; the main meter fails on the 3rd."""
    yield enterprises("TREE")
    yield {"process": [{"process_id": f"TREE-P{number}", "enterprise_id": "TREE", **SINCE} for number in (1, 2, 3)]}
    yield meter("TREE-MAIN", "TREE", role="billing")
    yield meter("TREE-SUB1", "TREE", process="TREE-P1", parent="TREE-MAIN", role="sub")
    yield meter("TREE-SUB2", "TREE", process="TREE-P2", parent="TREE-MAIN", role="sub")
    yield meter("TREE-SUB2A", "TREE", process="TREE-P3", parent="TREE-SUB2", role="sub")
    yield meter("TREE-CHECK", "TREE", parent="TREE-MAIN", role="check")
    readings = []
    for number, day in enumerate(days(JANUARY, 4)):
        if number != 2:
            readings.append(total("TREE-MAIN", "electricity", "kWh", day, 100.0))
        readings += [
            total("TREE-SUB1", "electricity", "kWh", day, 50.0), total("TREE-SUB2", "electricity", "kWh", day, 30.0),
            total("TREE-SUB2A", "electricity", "kWh", day, 10.0), total("TREE-CHECK", "electricity", "kWh", day, 99.0),
        ]  # fmt: skip
    yield {"reading": readings}


def virtual_meters() -> Iterable[Records]:
    """Of 100 kWh a virtual meter counts A - B = 25 for one process, another takes a tenth of the main meter."""
    yield enterprises("VIRTUAL")
    yield {"process": [{"process_id": f"VIRTUAL-P{number}", "enterprise_id": "VIRTUAL", **SINCE} for number in (1, 2)]}
    yield meter("VIRTUAL-MAIN", "VIRTUAL", role="billing")
    yield meter("VIRTUAL-A", "VIRTUAL", parent="VIRTUAL-MAIN", role="check")
    yield meter("VIRTUAL-B", "VIRTUAL", parent="VIRTUAL-MAIN", role="check")
    yield meter("VIRTUAL-F", "VIRTUAL", process="VIRTUAL-P1", parent="VIRTUAL-MAIN", role="virtual", formula="+VIRTUAL-A -VIRTUAL-B")
    yield meter("VIRTUAL-S", "VIRTUAL", process="VIRTUAL-P2", parent="VIRTUAL-MAIN", role="virtual", share=0.1)
    for point, value in (("VIRTUAL-MAIN", 100.0), ("VIRTUAL-A", 40.0), ("VIRTUAL-B", 15.0)):
        yield {"reading": [total(point, "electricity", "kWh", JANUARY, value)]}


def shared_meter() -> Iterable[Records]:
    yield enterprises("SHARE1", "SHARE2")
    yield meter("SHARE-W", "SHARE1", item="tap_water", kind="water")
    yield {
        "allocation": [
            {"source_kind": "point", "source_id": "SHARE-W", "enterprise_id": name, "share": share, "basis": "area", **SINCE}
            for name, share in (("SHARE1", 0.7), ("SHARE2", 0.3))
        ],
        "reading": [total("SHARE-W", "tap_water", "m3", JANUARY, 10.0)],
    }


def steam_neighbours() -> Iterable[Records]:
    """A seller of steam: one buyer without a meter, one whose meter the link names (2 t are lost on the way), one with a meter that counts received."""
    yield enterprises("SELLER", "BUYER1", "BUYER2", "BUYER3")
    for number, quantity in ((1, 10.0), (2, 20.0), (3, 5.0)):
        yield meter(f"SELLER-ST{number}", "SELLER", item="steam_low_pressure")
        yield {"reading": [total(f"SELLER-ST{number}", "steam_low_pressure", "t", day, quantity) for day in days(JANUARY, 2)]}
    yield meter("SELLER-BOILER", "SELLER", item="steam_low_pressure", flow_item="self_produced")
    yield {"reading": [total("SELLER-BOILER", "steam_low_pressure", "t", day, 50.0) for day in days(JANUARY, 2)]}
    yield meter("BUYER2-ST", "BUYER2", item="steam_low_pressure")
    yield meter("BUYER3-ST", "BUYER3", item="steam_low_pressure", flow_item="received")
    yield {
        "flow_link": [
            {"point_id": "SELLER-ST1", "target_kind": "enterprise", "target_id": "BUYER1", "medium": "steam_low_pressure", **SINCE},
            {"point_id": "SELLER-ST2", "target_kind": "point", "target_id": "BUYER2-ST", "medium": "steam_low_pressure", **SINCE},
            {"point_id": "SELLER-ST3", "target_kind": "enterprise", "target_id": "BUYER3", "medium": "steam_low_pressure", **SINCE},
        ],
        "reading": [
            *(total("BUYER2-ST", "steam_low_pressure", "t", day, 18.0) for day in days(JANUARY, 2)),
            *(total("BUYER3-ST", "steam_low_pressure", "t", day, 5.0) for day in days(JANUARY, 2)),
        ],
    }


def own_production() -> Iterable[Records]:
    """Electricity made on site from fuel and from the sun, and water used again."""
    yield enterprises("MAKER")
    for point, item, part, value, unit in (
        ("MAKER-GRID", "electricity", None, 1000.0, "kWh"),
        ("MAKER-TURBINE", "electricity", "self_produced", 400.0, "kWh"),
        ("MAKER-SUN", "photovoltaic_electricity", "self_produced", 200.0, "kWh"),
        ("MAKER-LOOP", "recycled_water", "recycled", 300.0, "m3"),
        ("MAKER-TAP", "tap_water", None, 100.0, "m3"),
    ):
        yield meter(point, "MAKER", item=item, flow_item=part)
        yield {"reading": [total(point, item, unit, JANUARY, value)]}


def long_quantities() -> Iterable[Records]:
    """A gas bill from 16 January to 15 February, and a register that was not read from the 20th to the 30th of January."""
    yield enterprises("BILLED", "UNREAD")
    yield meter("BILLED-GAS", "BILLED", item="natural_gas", step=44640)
    yield {"reading": [total("BILLED-GAS", "natural_gas", "m3", date(2023, 1, 16), 310.0, hours=31 * 24)]}
    yield meter("UNREAD-E", "UNREAD", register_kind="cumulative", digits=6)
    read = [day for day in days(date(2023, 1, 10), 30) if not date(2023, 1, 20) < day < date(2023, 1, 30)]
    yield {
        "reading": [
            reading("UNREAD-E", "electricity", "kWh", "register", day, 0, 1000.0 + 24 * (day - date(2023, 1, 10)).days, 0) for day in read
        ]
    }


def factors_over_new_year() -> Iterable[Records]:
    """100 kWh a day across the New Year between two grid factors, and a day on which nothing ran."""
    yield enterprises("DATED", "IDLE", "OLD")
    yield meter("DATED-E", "DATED")
    yield {"reading": [total("DATED-E", "electricity", "kWh", day, 100.0) for day in days(date(2022, 12, 30), 4)]}
    yield meter("IDLE-E", "IDLE")
    yield {"reading": [total("IDLE-E", "electricity", "kWh", JANUARY, 0.0), total("IDLE-E", "electricity", "kWh", date(2023, 1, 3), 24.0)]}
    yield meter("OLD-E", "OLD")
    yield {"reading": [total("OLD-E", "electricity", "kWh", day, 100.0) for day in days(date(2020, 12, 31), 2)]}


def declared_energy() -> Iterable[Records]:
    """Who has no meter declares; who has one for some months only is believed for the others; a revised kind; a missing report."""
    yield enterprises("DECLARES", "PARTLY", "KINDS", "WITHPARTS", "OVERDUE", "CANCELS")
    yield {"process": [{"process_id": "WITHPARTS-P1", "enterprise_id": "WITHPARTS", **SINCE}]}
    yield meter("PARTLY-E", "PARTLY")
    yield {"reading": [total("PARTLY-E", "electricity", "kWh", day, 10.0) for day in days(date(2023, 2, 1), 28)]}
    for number in range(1, 13):
        yield {
            "self_report": [
                report("DECLARES", "raw_coal", "purchased", *month(2023, number), 10.0, "t"),
                report("DECLARES", "raw_coal", "stock_increase", *month(2023, number), 1.0, "t"),
                report("PARTLY", "electricity", "purchased", *month(2023, number), 300.0, "kWh"),
            ]
        }
    yield {
        "self_report": [
            report("KINDS", "diesel", "purchased", *month(2023, 3), 5.0, "t"),
            report("KINDS", "diesel", "purchased", *month(2023, 3), 6.0, "t", report_kind="energy_return"),
            report("KINDS", "diesel", "sent", *month(2023, 3), 1.0, "t"),
            report("WITHPARTS", "tap_water", "purchased", *month(2023, 3), 100.0, "m3"),
            report("WITHPARTS-P1", "tap_water", "purchased", *month(2023, 3), 60.0, "m3", subject_kind="process"),
            report("OVERDUE", "diesel", "purchased", *month(2023, 3), None, "t", due_at_utc=local(date(2023, 4, 15))),
            # 0.1 + 0.2 - 0.3 is 5.6e-17 in floats
            report("CANCELS", "diesel", "purchased", *month(2023, 5), 0.1, "t"),
            report("CANCELS", "diesel", "received", *month(2023, 5), 0.2, "t"),
            report("CANCELS", "diesel", "sent", *month(2023, 5), 0.3, "t"),
        ]
    }


def of_the_park() -> Iterable[Records]:
    """A meter that belongs to no enterprise, an enterprise that joins on 2 January, one of another park."""
    yield {
        "enterprise": [
            {"enterprise_id": "JOINS", "valid_from": date(2023, 1, 2)},
            {"enterprise_id": "ELSEWHERE", "park_id": "OTHER", **SINCE},
        ]
    }
    yield meter("LAMPS", None)
    yield meter("JOINS-E", "JOINS")
    yield meter("ELSEWHERE-E", "ELSEWHERE")
    for point, value in (("LAMPS", 7.0), ("JOINS-E", 20.0), ("ELSEWHERE-E", 30.0)):
        yield {"reading": [total(point, "electricity", "kWh", day, value) for day in days(JANUARY, 2)]}


# ---- emission

MAY = date(2024, 5, 6)
GAS = {"a00000": "actual", "a01012": None, "a01006": None, "a01013": None, "a01014": None, "a19001": None}


def flue_gas(point: str, day: date, hours: range, **values: float) -> list[dict[str, Any]]:
    """Conditions of the worked example in reference section 5.1: 120 degC, 101.0 kPa air, -0.3 kPa static, 8 % humidity, 11 % oxygen."""
    given = {"a00000": 432_000.0, "a01012": 120.0, "a01006": 101.0, "a01013": -0.3, "a01014": 8.0, "a19001": 11.0} | values
    units = {"a00000": "m3/h", "a01012": "degC", "a01006": "kPa", "a01013": "kPa", "a01014": "%", "a19001": "%"}
    return [mean(point, code, units[code], day, hour, value) for hour in hours for code, value in given.items() if value is not None]


def flue_gas_example() -> Iterable[Records]:
    """SO2 at 35.2 mg/m3 (dry, 0 degC): 18 good hours, one under maintenance, four stopped, one with oxygen like air."""
    yield enterprises("STACK")
    yield outlet("STACK-1", "STACK", "air", "stack", GAS | {"a21026": "dry_0C", "a21002": "dry_0C"}, standard="GB13271-2014-coal")
    readings = flue_gas("STACK-1", MAY, range(23)) + flue_gas("STACK-1", MAY, range(23, 24), a19001=20.8)
    for hour in range(24):
        flag = "F" if 19 <= hour < 23 else "M" if hour == 18 else None
        readings.append(
            mean("STACK-1", "a21026", "mg/m3", MAY, hour, 35.2, flag=flag, state="stopped" if flag == "F" else "measured")
        )  # fmt: skip
    readings.append(mean("STACK-1", "a21026", "mg/m3", MAY, 0, 40.0, statistic="zs_avg"))
    yield {"reading": readings}


def flue_gas_bases() -> Iterable[Records]:
    """One hour each on every basis; the true dry standard concentration is 35.2 mg/m3, the true flow 274 381 m3/h."""
    yield enterprises("BASES")
    dry, warm = 0.92, 273 / 293
    for name, basis, concentration, flow in (
        ("dry0", "dry_0C", 35.2, 274_381.31), ("wet0", "wet_0C", 35.2 * dry, 274_381.31 / dry), ("dry20", "dry_20C", 35.2 * warm, 274_381.31 / warm),
        ("wet20", "wet_20C", 35.2 * warm * dry, 274_381.31 / warm / dry), ("actual", "actual", 35.2 * 274_381.31 / 432_000, 432_000.0),
        ("unstated", None, 35.2, 274_381.31),
    ):  # fmt: skip
        point = f"BASES-{name}"
        yield outlet(point, "BASES", "air", "stack", GAS | {"a00000": basis, "a21026": basis})
        yield {"reading": [*flue_gas(point, MAY, range(1), a00000=flow), mean(point, "a21026", "mg/m3", MAY, 0, concentration)]}
    yield outlet("BASES-velocity", "BASES", "air", "stack", {**GAS, "a21026": "dry_0C", "a01011": None, "a01016": None})
    conditions = [row for row in flue_gas("BASES-velocity", MAY, range(1)) if row["parameter_code"] != "a00000"]
    yield {
        "reading": [
            *conditions, mean("BASES-velocity", "a01011", "m/s", MAY, 0, 12.0), mean("BASES-velocity", "a01016", "m2", MAY, 0, 10.0),
            mean("BASES-velocity", "a21026", "mg/m3", MAY, 0, 35.2),
        ]
    }  # fmt: skip
    # humidity failed: a wet concentration cannot be made dry, and nothing stands in for it
    yield outlet("BASES-nohumidity", "BASES", "air", "stack", GAS | {"a00000": "dry_0C", "a21026": "wet_0C"})
    without = [row for row in flue_gas("BASES-nohumidity", MAY, range(1), a00000=274_381.31) if row["parameter_code"] != "a01014"]
    yield {"reading": [*without, mean("BASES-nohumidity", "a21026", "mg/m3", MAY, 0, 32.0)]}


SEPTEMBER = date(2023, 9, 4)


def furnaces() -> Iterable[Records]:
    """Standards that state excess air: a furnace at 11 % oxygen (α 2.1), two cupolas at 17.5 % (α 6); 35.2 mg/m3 in each."""
    yield enterprises("FURNACES")
    for name, standard, oxygen in (("FURNACE", "furnace", 11.0), ("COLD", "cupola-cold", 17.5), ("HOT", "cupola-hot", 17.5)):
        yield outlet(f"FURNACES-{name}", "FURNACES", "air", "stack", GAS | {"a34013": "dry_0C"}, standard=f"GB9078-1996-{standard}")
        yield {
            "reading": [
                *flue_gas(f"FURNACES-{name}", SEPTEMBER, range(1), a19001=oxygen),
                mean(f"FURNACES-{name}", "a34013", "mg/m3", SEPTEMBER, 0, 35.2),
            ]
        }


def wastewater_examples() -> Iterable[Records]:
    """17.5 L/s at 40.1 mg/L for a day, into a central plant; the plant's own outlet with two hours of unlike flow; a workshop outlet."""
    yield enterprises("WORKS", "PLANT")
    yield outlet("WORKS-W", "WORKS", "water", "final", {"w00000": None, "w01018": None}, discharge="indirect", receiver="PLANT")
    yield outlet("WORKS-WS", "WORKS", "water", "workshop", {"w00000": None, "w20121": None}, discharge="indirect", receiver="PLANT")
    yield outlet("PLANT-W", "PLANT", "water", "park_plant", {"w00000": None, "w01018": None}, standard="GB18918-2002-1A")
    readings = []
    for hour in range(24):
        readings += [mean("WORKS-W", "w00000", "m3/h", MAY, hour, 63.0), mean("WORKS-W", "w01018", "mg/L", MAY, hour, 40.1)]
    for hour, concentration, flow in ((0, 40.0, 60.0), (1, 80.0, 20.0)):
        readings += [mean("PLANT-W", "w00000", "m3/h", MAY, hour, flow), mean("PLANT-W", "w01018", "mg/L", MAY, hour, concentration)]
    readings += [
        mean("WORKS-WS", "w20121", "mg/L", MAY, 10, 0.1, statistic="rtd", hours=0, source_kind="manual_lab"),
        total("WORKS-WS", "w00000", "m3", MAY, 30.0, source_kind="manual_entry"),
    ]
    yield {"reading": readings}


def ten_minutes() -> Iterable[Records]:
    """Six values an hour: a gas hour bears one flagged value, a water hour none; an hour with three of six values is none."""
    yield enterprises("TENMIN")
    yield outlet("TENMIN-A", "TENMIN", "air", "stack", {"a00000": None, "a21026": None}, step=10)
    yield outlet("TENMIN-W", "TENMIN", "water", "final", {"w00000": None, "w01018": None}, step=10)
    readings = []
    for point, flow, code, unit in (("TENMIN-A", "a00000", "a21026", "mg/m3"), ("TENMIN-W", "w00000", "w01018", "mg/L")):
        for hour in (0, 1, 2):
            for tenth in range(6):
                at = hour + tenth / 6
                readings.append(mean(point, flow, "m3/h", MAY, at, 1000.0, hours=1 / 6))
                if hour == 2 and tenth >= 3:
                    continue
                flag = "D" if hour == 1 and tenth == 0 else "N"
                readings.append(mean(point, code, unit, MAY, at, 999.0 if flag == "D" else 60.0, hours=1 / 6, flag=flag))
    yield {"reading": readings}


def reported_masses() -> Iterable[Records]:
    """Masses as sent: by the day, one of them stopped; by the hour beside a concentration that is known for fewer hours; and only converted concentrations."""
    yield enterprises("MASSES")
    yield outlet("MASSES-D", "MASSES", "air", "stack", {"a21026": None, "operating_time": None}, step=1440)
    yield outlet("MASSES-H", "MASSES", "air", "stack", {"a00000": None, "a21002": None})
    yield outlet("MASSES-Z", "MASSES", "air", "stack", {"a00000": None, "a34013": None})
    readings = [
        total("MASSES-D", "a21026", "kg", MAY, 120.0), total("MASSES-D", "operating_time", "h", MAY, 18.0),
        total("MASSES-D", "a21026", "kg", MAY + timedelta(days=1), None, state="stopped"),
        total("MASSES-D", "a21026", "kg", MAY + timedelta(days=2), None, state="missing"),
    ]  # fmt: skip
    for hour in range(24):
        readings += [
            mean("MASSES-H", "a00000", "m3/h", MAY, hour, 100_000.0),
            total("MASSES-H", "a21002", "kg", MAY, 5.0, hours=1, at=hour),
        ]
        if hour < 10:
            readings.append(mean("MASSES-H", "a21002", "mg/m3", MAY, hour, 60.0))
        readings += [
            mean("MASSES-Z", "a00000", "m3/h", MAY, hour, 100_000.0),
            mean("MASSES-Z", "a34013", "mg/m3", MAY, hour, 12.0, statistic="zs_avg"),
        ]
    yield {"reading": readings}


def components_and_non_detects() -> Iterable[Records]:
    """SO2 of 10 ppm; NOx of 30 mg/m3 NO and 10 mg/m3 NO2, of both in ppm, of NO alone and with its own channel beside; four of six values below 2 mg/m3."""
    yield enterprises("PARTS")
    readings = []
    for name, values in (
        ("ppm", {"so2_volume_share": 10.0, "no_volume_share": 20.0, "no2_volume_share": 5.0}), ("mg", {"a21003": 30.0, "a21004": 10.0}),
        ("half", {"a21003": 30.0}), ("own", {"a21003": 30.0, "a21004": 10.0, "a21002": 55.0}), ("wet", {"a21003": 27.6, "a21004": 9.2}),
    ):  # fmt: skip
        point = f"PARTS-{name}"
        yield outlet(
            point, "PARTS", "air", "stack", {"a00000": None, "a01014": None, **dict.fromkeys(values, "wet_0C" if name == "wet" else None)}
        )
        readings += [mean(point, "a00000", "m3/h", MAY, 0, 100_000.0), mean(point, "a01014", "%", MAY, 0, 8.0)]
        readings += [mean(point, code, "ppm" if code.endswith("share") else "mg/m3", MAY, 0, value) for code, value in values.items()]
    yield outlet("PARTS-nd", "PARTS", "air", "stack", {"a00000": None, "a21026": None}, step=10)
    for tenth in range(6):
        readings.append(mean("PARTS-nd", "a00000", "m3/h", MAY, tenth / 6, 100_000.0, hours=1 / 6))
        below = {"qualifier": "<", "detection_limit": 2.0} if tenth >= 2 else {}
        readings.append(mean("PARTS-nd", "a21026", "mg/m3", MAY, tenth / 6, None if below else 5.0, hours=1 / 6, **below))
    readings += [
        # a laboratory's non-detect of a day, on an outlet without hours
        mean("PARTS-lab", "w20121", "mg/L", MAY, 10, None, statistic="rtd", hours=0, source_kind="manual_lab", qualifier="<", detection_limit=0.2),
        total("PARTS-lab", "w00000", "m3", MAY, 100.0, source_kind="manual_entry"),
    ]  # fmt: skip
    yield outlet("PARTS-lab", "PARTS", "water", "final", {"w00000": None, "w20121": None})
    yield {"reading": readings}


def valid_days() -> Iterable[Records]:
    """Days of 20 and of 19 valid hours, and one of 8 hours of work with 7 valid; 23 days of February and 24 of March with a mass."""
    yield enterprises("DAYS")
    yield outlet("DAYS-A", "DAYS", "air", "stack", {"a00000": None, "a21026": None})
    yield outlet("DAYS-M", "DAYS", "air", "stack", {"a21026": None}, step=1440)
    readings = [
        total("DAYS-M", "a21026", "kg", day, 24.0) for first, count in ((date(2024, 2, 1), 23), (date(2024, 3, 1), 24)) for day in days(first, count)
    ]  # fmt: skip
    for day, valid, worked in zip(days(MAY, 3), (20, 19, 7), (24, 24, 8), strict=True):
        for hour in range(24):
            stopped = hour >= worked
            readings += [
                mean("DAYS-A", "a00000", "m3/h", day, hour, None if stopped else 1000.0, state="stopped" if stopped else "measured"),
                mean("DAYS-A", "a21026", "mg/m3", day, hour, 50.0, flag="F" if stopped else "N" if hour < valid else "D",
                     state="stopped" if stopped else "measured"),
            ]  # fmt: skip
    yield {"reading": readings}


def shared_outlet() -> Iterable[Records]:
    yield enterprises("POUR1", "POUR2")
    yield outlet("POUR-W", "POUR1", "water", "final", {"w00000": None, "w01018": None})
    yield {
        "allocation": [
            {"source_kind": "outlet", "source_id": "POUR-W", "enterprise_id": name, "share": share, "basis": "area", **SINCE}
            for name, share in (("POUR1", 0.6), ("POUR2", 0.4))
        ],
        "reading": [
            row
            for hour in range(24)
            for row in (mean("POUR-W", "w00000", "m3/h", MAY, hour, 10.0), mean("POUR-W", "w01018", "mg/L", MAY, hour, 100.0))
        ],
    }


def declared_emissions() -> Iterable[Records]:
    """Declared where nobody measures: for an outlet beside a monitored month, for a whole enterprise, by two kinds of report and by forms."""
    yield enterprises("TELLS")
    yield outlet("TELLS-W", "TELLS", "water", "final", {"w00000": None, "w01018": None}, discharge="indirect", receiver="PLANT")
    yield {
        "reading": [
            row
            for hour in range(24)
            for row in (mean("TELLS-W", "w00000", "m3/h", MAY, hour, 10.0), mean("TELLS-W", "w01018", "mg/L", MAY, hour, 100.0))
        ],
        "self_report": [
            report("TELLS-W", "w01018", "water", *month(2024, 4), 500.0, "kg", subject_kind="outlet"),
            report("TELLS-W", "w01018", "water", *month(2024, 5), 700.0, "kg", subject_kind="outlet"),
            report("TELLS", "w21003", "water", *month(2024, 4), 33.0, "kg"),
            report("TELLS", "a21026", "air", date(2024, 1, 1), date(2025, 1, 1), 1000.0, "kg", report_kind="tax"),
            report(
                "TELLS", "a21026", "air", date(2024, 1, 1), date(2025, 1, 1), 1200.0, "kg", report_kind="permit_execution", line_id="form 1"
            ),
            report(
                "TELLS", "a21026", "air", date(2024, 1, 1), date(2025, 1, 1), 34.0, "kg", report_kind="permit_execution", line_id="form 2"
            ),
        ],
    }


# ---- efficiency

CIRCUIT_MONTHS = ((1, 200_000.0, 10_000.0), (2, 180_000.0, None), (3, 250_000.0, 15_000.0))
"""Month, kWh, m2 of double-sided board; the second month's output was never reported."""


def efficiency_examples() -> Iterable[Records]:
    """2 160 000 kWh / 120 000 m2 = 18; two products on two process meters; months of which one lacks its output; output by year only."""
    yield enterprises("BOARD", "TWOLINES", "GAPPY", "YEARLY", "STILL")
    product = {"product_kind": "double_sided", "unit": "m2", **SINCE}
    yield {
        "process": [{"process_id": f"TWOLINES-P{number}", "enterprise_id": "TWOLINES", **SINCE} for number in (1, 2)],
        "product": [
            {"product_code": "BOARD-DS", "enterprise_id": "BOARD", **product},
            {"product_code": "TWOLINES-DS", "enterprise_id": "TWOLINES", "process_id": "TWOLINES-P1", **product},
            {"product_code": "TWOLINES-STEEL", "enterprise_id": "TWOLINES", "process_id": "TWOLINES-P2", **product, "unit": "t"},
            {"product_code": "GAPPY-DS", "enterprise_id": "GAPPY", **product},
            {"product_code": "YEARLY-DS", "enterprise_id": "YEARLY", **product},
            {"product_code": "STILL-DS", "enterprise_id": "STILL", **product},
        ],
    }
    year = (date(2023, 1, 1), date(2024, 1, 1))

    def output(code: str, first: date, end: date, value: float | None, unit: str = "m2") -> dict[str, Any]:
        return report(code, code, "output", first, end, value, unit, subject_kind="product")

    yield {
        "self_report": [
            report("BOARD", "electricity", "purchased", *year, 2_160_000.0, "kWh"), output("BOARD-DS", *year, 120_000.0),
            report("BOARD", "output_value", "none", *year, 50_000_000.0, "CNY"),
            report("BOARD", "copper_scrap", "generated", *year, 40.0, "t"), report("BOARD", "copper_scrap", "recycled", *year, 38.0, "t"),
            *(output("YEARLY-DS", *year, 1200.0) for _ in range(1)),
            report("STILL", "electricity", "purchased", *month(2023, 1), 50.0, "kWh"), output("STILL-DS", *month(2023, 1), 0.0),
        ]
    }  # fmt: skip
    for number, kwh, area in CIRCUIT_MONTHS:
        yield {
            "self_report": [
                report("GAPPY", "electricity", "purchased", *month(2023, number), kwh, "kWh"),
                output("GAPPY-DS", *month(2023, number), area),
            ]
        }
    for number in range(1, 13):
        yield {"self_report": [report("YEARLY", "electricity", "purchased", *month(2023, number), 1000.0, "kWh")]}
    yield meter("TWOLINES-MAIN", "TWOLINES", role="billing")
    yield meter("TWOLINES-E1", "TWOLINES", process="TWOLINES-P1", parent="TWOLINES-MAIN", role="sub")
    yield meter("TWOLINES-E2", "TWOLINES", process="TWOLINES-P2", parent="TWOLINES-MAIN", role="sub")
    yield {
        "reading": [
            total(point, "electricity", "kWh", day, value)
            for day in days(JANUARY, 31)
            for point, value in (("TWOLINES-MAIN", 100.0), ("TWOLINES-E1", 60.0), ("TWOLINES-E2", 30.0))
        ],
        "self_report": [output("TWOLINES-DS", *month(2023, 1), 93.0), output("TWOLINES-STEEL", *month(2023, 1), 31.0, "t")],
    }


# ---- limits


def limits_examples() -> Iterable[Records]:
    """Permit stricter than standard at the stack, looser at the plant; a limit in a unit that nothing can be held against."""
    yield {
        "permit_limit": [
            {"permit_id": "PW-1", "subject_kind": subject_kind, "subject_id": subject, "parameter_code": code, "limit_kind": kind,
             "limit_value": value, "unit": unit, **SINCE}
            for subject_kind, subject, code, kind, value, unit in (
                ("outlet", "STACK-1", "a21026", "hourly_concentration", 42.0, "mg/m3"),
                ("enterprise", "PLANT", "w01018", "daily_concentration", 60.0, "mg/L"),
                ("outlet", "WORKS-W", "w01018", "hourly_concentration", 40.1, "mg/L"),
                ("outlet", "MASSES-Z", "a34013", "hourly_concentration", 10.0, "mg/m3"),
                ("outlet", "POUR-W", "w01018", "hourly_concentration", 0.1, "g/L"),
                ("outlet", "STACK-1", "a21026", "annual_mass", 5.0, "t"),
            )
        ]
    }  # fmt: skip


# ---- accounts: energy as measured, carbon, waste, tax, permits


MARCH = date(2022, 3, 1)
"""Accounts have a spring of their own, so that no total of the other scenarios' dates moves."""


def measured_fuel() -> Iterable[Records]:
    """Coal of which two of four days have a sample; coal and its calorific value as declared; a month for which nobody measured anything."""
    yield enterprises("BURNER", "SAYSHEAT")
    yield meter("BURNER-COAL", "BURNER", item="raw_coal")
    yield meter("BURNER-LAB", "BURNER", item="ncv_raw_coal", kind="laboratory")
    yield {
        "reading": [
            *(total("BURNER-COAL", "raw_coal", "t", day, 10.0) for day in days(MARCH, 4)),
            *(
                mean("BURNER-LAB", "ncv_raw_coal", "GJ/t", MARCH + timedelta(days=offset), 10, value, statistic="rtd", hours=0, source_kind="manual_lab")
                for offset, value in ((1, 25.0), (3, 23.0))
            ),
        ],
        "self_report": [
            *(report("SAYSHEAT", "raw_coal", "purchased", *month(2022, number), 100.0, "t") for number in (3, 4)),
            report("SAYSHEAT", "ncv_raw_coal", "none", *month(2022, 3), 22.0, "GJ/t"),
        ],
    }  # fmt: skip


def steam_by_enthalpy() -> Iterable[Records]:
    """Ten tonnes a day: saturated at 1 MPa, superheated to 250 degC, with an enthalpy as metered."""
    yield enterprises("STEAMER")
    yield meter("STEAMER-ST", "STEAMER", item="steam_low_pressure")
    yield {
        "channel": [
            {"point_id": "STEAMER-ST", "parameter_code": code, "step_minutes": 1440, **SINCE}
            for code in ("steam_pressure", "steam_temperature", "enthalpy_steam_low_pressure")
        ],
        "reading": [
            *(total("STEAMER-ST", "steam_low_pressure", "t", day, 10.0) for day in days(MARCH, 3)),
            *(mean("STEAMER-ST", "steam_pressure", "MPa", day, 0, 1.0 - 0.101325, hours=24) for day in days(MARCH, 3)),
            mean("STEAMER-ST", "steam_temperature", "degC", MARCH + timedelta(days=1), 0, 250.0, hours=24),
            mean("STEAMER-ST", "enthalpy_steam_low_pressure", "kJ/kg", MARCH + timedelta(days=2), 0, 3000.0, hours=24),
        ],
    }


def heat_and_power() -> Iterable[Records]:
    """One plant whose boiler is metered whole and sells half its heat, one that meters what it sells; a user of both kinds of either; no fuel, no factor."""
    whole = 31 * 24.0
    yield enterprises("CHP", "PLAINCHP", "NOFUEL", "USER", "PLAINUSER", "NOFUELUSER")
    for maker, user, heat in (("CHP", "USER", 5000.0), ("PLAINCHP", "PLAINUSER", None), ("NOFUEL", "NOFUELUSER", 2500.0)):
        for name, item, part, unit, value in (
            ("BOILER", "steam_low_pressure", "self_produced", "t", heat), ("STEAM", "steam_low_pressure", None, "t", 2500.0),
            ("GENERATOR", "electricity", "self_produced", "kWh", 400_000.0), ("POWER", "electricity", None, "kWh", 300_000.0),
        ):  # fmt: skip
            point = f"{maker}-{name}"
            if value is None:
                continue
            yield meter(point, maker, item=item, flow_item=part, step=44640)
            yield {"reading": [total(point, item, unit, MARCH, value, hours=whole)]}
            if part is None:
                yield {"flow_link": [{"point_id": point, "target_kind": "enterprise", "target_id": user, "medium": item, **SINCE}]}
        if maker != "NOFUEL":
            yield {"self_report": [report(maker, "raw_coal", "purchased", *month(2022, 3), 1000.0, "t")]}


def process_carbon() -> Iterable[Records]:
    """A cement works by its clinker and not by its limestone, a steel mill by its limestone less what stays in the steel."""
    yield enterprises("KILN", sector_code="C3011")
    yield enterprises("MILL", sector_code="C3120")
    yield {
        "product": [
            {"product_code": "KILN-CLINKER", "enterprise_id": "KILN", "product_kind": "clinker", "unit": "t", **SINCE},
            {"product_code": "MILL-STEEL", "enterprise_id": "MILL", "product_kind": "crude_steel", "unit": "t", **SINCE},
        ],
        "self_report": [
            report("KILN", "limestone", "purchased", *month(2022, 3), 1300.0, "t"),
            report("MILL", "limestone", "purchased", *month(2022, 3), 100.0, "t"),
            report("KILN-CLINKER", "KILN-CLINKER", "output", *month(2022, 3), 1000.0, "t", subject_kind="product"),
            report("MILL-STEEL", "MILL-STEEL", "output", *month(2022, 3), 500.0, "t", subject_kind="product"),
            report("KILN", "output_value", "none", *month(2022, 3), 200_000.0, "CNY", method_code="constant_2020"),
        ],
    }


def green_power() -> Iterable[Records]:
    """A month's contract behind a daily meter, one behind a declaration, one without any known grid electricity."""
    yield enterprises("GREEN", "GREENPAPER", "GREENONLY")
    yield meter("GREEN-E", "GREEN")
    yield meter("GREEN-SUN", "GREEN", item="photovoltaic_electricity", flow_item="self_produced")
    yield {
        "reading": [
            row
            for day in days(MARCH, 31)
            for row in (
                total("GREEN-E", "electricity", "kWh", day, 1000.0),
                total("GREEN-SUN", "photovoltaic_electricity", "kWh", day, 100.0),
            )
        ],
        "self_report": [
            report("GREEN", "green_electricity", "purchased", *month(2022, 3), 10_000.0, "kWh"),
            report("GREENPAPER", "electricity", "consumed", *month(2022, 3), 5000.0, "kWh"),
            report("GREENPAPER", "green_electricity", "purchased", *month(2022, 3), 2000.0, "kWh"),
            report("GREENONLY", "green_electricity", "purchased", *month(2022, 3), 300.0, "kWh"),
        ],
    }


def waste_line(manifest: str, enterprise: str, code: str, movement: str, day: date, quantity: float, **more: Any) -> dict[str, Any]:
    return {
        "manifest_id": manifest, "line_id": "-", "enterprise_id": enterprise, "waste_code": code, "waste_kind": "hazardous", "movement": movement,
        "moved_on": day, "quantity_t": quantity, **more,
    }  # fmt: skip


def waste_books() -> Iterable[Records]:
    """Manifests in March, declarations beside them and in April; one hands to another of the park, who gets a little less."""
    yield enterprises("WASTER", "TREATER")
    code = "336-054-17"
    yield {
        "waste_movement": [
            waste_line("L-1", "WASTER", code, "generated", date(2022, 3, 5), 12.0), waste_line("L-1", "WASTER", code, "stored", date(2022, 3, 6), 2.0),
            waste_line("M-1", "WASTER", code, "transferred", date(2022, 3, 20), 7.0, receiver_id="TREATER"),
            waste_line("M-2", "WASTER", code, "transferred", date(2022, 3, 21), 2.5, receiver_licence="4201"),
            waste_line("M-1", "TREATER", code, "received", date(2022, 3, 21), 6.9), waste_line("L-9", "TREATER", code, "disposed", date(2022, 3, 25), 6.9),
        ],
        "self_report": [
            report("WASTER", "hazardous_waste", "generated", *month(2022, 3), 99.0, "t"),
            report("WASTER", "hazardous_waste", "generated", *month(2022, 4), 5.0, "t"),
            report("WASTER", "general_solid_waste", "generated", *month(2022, 3), 50.0, "t"),
            report("WASTER", "general_solid_waste", "recycled", *month(2022, 3), 38.0, "t"),
            report("WASTER", "steel_slag", "generated", *month(2022, 3), 30.0, "t"),
            report("WASTER", "general_solid_waste", "generated", date(2022, 1, 1), date(2023, 1, 1), 700.0, "t"),
            report("TREATER", "output_value", "none", *month(2022, 3), 1_000_000.0, "CNY"),
        ],
    }  # fmt: skip


def by_products() -> Iterable[Records]:
    """A hundred tonnes of product and forty of by-product from one kiln: what it takes in is divided by the hundred."""
    yield enterprises("BYMAKER")
    yield {
        "product": [
            {"product_code": "BYMAKER-MAIN", "enterprise_id": "BYMAKER", "unit": "t", **SINCE},
            {"product_code": "BYMAKER-SLAG", "enterprise_id": "BYMAKER", "unit": "t", "product_kind": "by_product", **SINCE},
        ],
        "self_report": [
            report("BYMAKER", "electricity", "purchased", *month(2022, 3), 5000.0, "kWh"),
            *(
                report(code, code, "output", *month(2022, 3), value, "t", subject_kind="product")
                for code, value in (("BYMAKER-MAIN", 100.0), ("BYMAKER-SLAG", 40.0))
            ),
        ],
    }


def drained_wastewater() -> Iterable[Records]:
    """A plater with 75, 40 and 30 m3 for 100 m2, 100 m2 and a day nobody counted; the month's 200 m2 are known from its report.

    Another makes something beside that the standard knows no baseline of: whose water was it?
    """
    yield enterprises("PLATER", "MIXPLATER")
    yield outlet("PLATER-W", "PLATER", "water", "final", {"w00000": None, "w01018": None}, standard="GB21900-2008", step=1440)
    yield outlet("MIXPLATER-W", "MIXPLATER", "water", "final", {"w00000": None, "w01018": None}, standard="GB21900-2008", step=1440)
    yield {
        "product": [
            {"product_code": f"MIXPLATER-{kind}", "enterprise_id": "MIXPLATER", "product_kind": kind, "unit": "m2", **SINCE}
            for kind in ("single_layer_plating", "painting")
        ],
        "reading": [total("MIXPLATER-W", "w00000", "m3", MARCH, 75.0), mean("MIXPLATER-W", "w01018", "mg/L", MARCH, 0, 60.0, hours=24)],
        "self_report": [
            report(f"MIXPLATER-{kind}", f"MIXPLATER-{kind}", "output", *month(2022, 3), 100.0, "m2", subject_kind="product")
            for kind in ("single_layer_plating", "painting")
        ],
    }
    yield {
        "product": [{"product_code": "PLATER-MP", "enterprise_id": "PLATER", "product_kind": "multilayer_plating", "unit": "m2", **SINCE}],
        "reading": [
            row
            for day, flow in zip(days(MARCH, 3), (75.0, 40.0, 30.0), strict=True)
            for row in (total("PLATER-W", "w00000", "m3", day, flow), mean("PLATER-W", "w01018", "mg/L", day, 0, 60.0, hours=24))
        ],
        "self_report": [
            *(report("PLATER-MP", "PLATER-MP", "output", day, day + timedelta(days=1), 100.0, "m2", subject_kind="product") for day in days(MARCH, 2)),
            report("PLATER-MP", "PLATER-MP", "output", *month(2022, 3), 200.0, "m2", subject_kind="product"),
        ],
    }  # fmt: skip


def taxed_outlets() -> Iterable[Records]:
    """The published example of the tax at a stack, its water going straight out and into the sewer; a furnace for household waste."""
    yield enterprises("TAXED")
    yield enterprises("EXEMPT", sector_code="N7820")
    yield outlet("TAXED-A", "TAXED", "air", "stack", {})
    yield outlet("TAXED-W", "TAXED", "water", "final", {})
    yield outlet("TAXED-I", "TAXED", "water", "final", {}, discharge="indirect", receiver="PLANT")
    yield outlet("EXEMPT-A", "EXEMPT", "air", "stack", {})
    yield {
        "self_report": [
            report(name, code, "air" if code.startswith("a") else "water", *month(2022, 3), mass, "kg", subject_kind="outlet")
            for name, masses in (
                ("TAXED-A", {"a21026": 1000.0, "a21002": 2000.0, "a34013": 300.0, "a21005": 5000.0}),
                ("TAXED-W", {"w01018": 100.0, "w01017": 60.0, "w21001": 70.0}),
                ("TAXED-I", {"w01018": 1000.0}),
                ("EXEMPT-A", {"a21026": 1000.0}),
            )
            for code, mass in masses.items()
        ]
    }


def permitted_totals() -> Iterable[Records]:
    """A tonne permitted and a hundred kilograms declared every month; two permits in one year; a limit that is no mass; one that nobody ever discharged under."""
    yield enterprises("LIMITED")
    yield {
        "permit_limit": [
            {"permit_id": permit, "subject_kind": "enterprise", "subject_id": "LIMITED", "parameter_code": code, "limit_kind": "annual_mass",
             "limit_value": value, "unit": unit, "valid_from": first, "valid_to": None}
            for permit, code, value, unit, first in (
                ("PW-9", "w01018", 1.0, "t", date(2020, 1, 1)), ("PW-9", "w21003", 400.0, "kg", date(2020, 1, 1)),
                ("PW-10", "w21003", 500.0, "kg", date(2022, 7, 1)), ("PW-9", "w21011", 5.0, "mg/L", date(2020, 1, 1)),
            )
        ],
        "self_report": [
            report("LIMITED", code, "water", *month(2022, number), value, "kg")
            for number in range(1, 13) for code, value in (("w01018", 100.0), ("w21003", 10.0), ("w21011", 1.0))
        ],
    }  # fmt: skip


def reclaimed_water() -> Iterable[Records]:
    """A water works makes 90 m3 of reclaimed water a day and sells 60 of it; the buyer has tap water and a loop besides."""
    yield enterprises("WATERWORKS", "DRINKER")
    for point, owner, item, part, value in (
        ("WATERWORKS-MADE", "WATERWORKS", "reclaimed_water", "self_produced", 90.0), ("WATERWORKS-SOLD", "WATERWORKS", "reclaimed_water", None, 60.0),
        ("DRINKER-TAP", "DRINKER", "tap_water", None, 100.0), ("DRINKER-WELL", "DRINKER", "groundwater", "self_produced", 20.0),
        ("DRINKER-LOOP", "DRINKER", "recycled_water", "recycled", 280.0), ("DRINKER-SOFT", "DRINKER", "softened_water", "self_produced", 50.0),
    ):  # fmt: skip
        yield meter(point, owner, item=item, flow_item=part, kind="water")
        yield {"reading": [total(point, item, "m3", day, value) for day in days(MARCH, 2)]}
    yield {
        "flow_link": [
            {"point_id": "WATERWORKS-SOLD", "target_kind": "enterprise", "target_id": "DRINKER", "medium": "reclaimed_water", **SINCE}
        ]
    }


YEAR_2021 = (date(2021, 1, 1), date(2022, 1, 1))


def named_by_index_systems() -> Iterable[Records]:
    """Reference section 2.6.5: 14 000 t of coal of 23 500 kJ/kg, 20 t of diesel, 3.2 GWh from waste heat, 100 000 t of clinker of 50.1 MPa, in March at 1 900 m;
    an incinerator's hours, means and samples; a mill that inspects what it makes."""
    yield enterprises("CLINKERED", "FURNACE", "INSPECTED")
    yield {
        "product": [{"product_code": "CLINKERED-CLINKER", "enterprise_id": "CLINKERED", "product_kind": "clinker", "unit": "t", **SINCE}]
    }
    yield {"point": [{"point_id": "CLINKERED-LAB", "enterprise_id": "CLINKERED", "kind": "laboratory", **SINCE}]}
    for number, samples, altitude in ((1, (49.1, 51.1), 35.0), (2, (), 35.0), (3, (49.1, 51.1), 1900.0)):
        first, end = month(2023, number)
        yield {
            "self_report": [
                report("CLINKERED", "raw_coal", "purchased", first, end, 14_000.0, "t"), report("CLINKERED", "diesel", "purchased", first, end, 20.0, "t"),
                report("CLINKERED", "ncv_raw_coal", "none", first, end, 23.5, "GJ/t"),
                report("CLINKERED", "waste_heat_electricity", "self_produced", first, end, 3.2e6, "kWh"),
                report("CLINKERED-CLINKER", "CLINKERED-CLINKER", "output", first, end, 100_000.0, "t", subject_kind="product"),
            ],
            "reading": [
                *(sample("CLINKERED-LAB", "clinker_strength", "MPa", first + timedelta(days=7 * at), value) for at, value in enumerate(samples)),
                sample("CLINKERED-LAB", "altitude", "m", first, altitude), *(sample("CLINKERED-LAB", "a01006", "kPa", first, 81.0) for _ in range(altitude > 1000)),
            ],
        }  # fmt: skip
    yield {"process": [{"process_id": "FURNACE-P1", "enterprise_id": "FURNACE", "process_code": "incineration", **SINCE}]}
    stack = outlet("FURNACE-S", "FURNACE", "air", "stack", GAS | {"a21026": "dry_0C"}, standard="GB18485-2014")
    yield stack | {"point": [stack["point"][0] | {"process_id": "FURNACE-P1"}]}
    yield {
        "reading": [
            *flue_gas("FURNACE-S", MAY, range(24)),
            *(
                mean("FURNACE-S", "a21026", "mg/m3", MAY, hour, 35.2 if hour < 9 else 17.6, **({"flag": "F", "state": "stopped"} if hour >= 18 else {}))
                for hour in range(24)
            ),
            *(sample("FURNACE-S", "dioxins", "mg/m3", MAY, value, hour=hour, statistic="zs_rtd") for hour, value in ((9, 3e-7), (15, 5e-7))),
        ],
        "self_report": [report("FURNACE", "incineration_line_shutdowns", "none", *month(2024, 5), 1.0, "1")],
    }  # fmt: skip
    for item, tonnes in (("inspected_product", 200.0), ("passed_product", 199.0), ("premium_product", 150.0)):
        yield {"self_report": [report("INSPECTED", item, "output", *month(2023, 1), tonnes, "t")]}


def methods_side_by_side() -> Iterable[Records]:
    """Reference section 5.6: 20 000 t of coal with 0.8 % sulfur; coefficients with and without treatment; a rate beside a mass; a monitor that
    was deaf for most of its quarter; two stacks of which one is monitored."""
    yield enterprises("BALANCED", "RATED", "UNKNOWING", sector_code="D4412")
    yield enterprises("CALCINES", "DEAF", "TWOSTACKS", sector_code="C3011")
    yield {"process": [{"process_id": f"{name}-P1", "enterprise_id": name, **SINCE} for name in ("CALCINES", "DEAF", "TWOSTACKS")]}
    for name in ("BALANCED", "UNKNOWING"):
        yield outlet(f"{name}-S", name, "air", "stack", {})
        yield {"self_report": [report(name, "raw_coal", "purchased", *YEAR_2021, 20_000.0, "t")]}
    yield {"self_report": [report("BALANCED", "sulfur_raw_coal", "none", *YEAR_2021, 0.8, "%")]}
    yield {
        "equipment": [
            {"equipment_id": "BALANCED-FGD", "enterprise_id": "BALANCED", "equipment_code": "flue_gas_treatment", "actual_efficiency": 0.65,
             "treats_parameter": "a21026", **SINCE},
            {"equipment_id": "CALCINES-SNCR", "enterprise_id": "CALCINES", "process_id": "CALCINES-P1", "equipment_code": "denitration",
             "treats_parameter": "a21002", **SINCE},
            {"equipment_id": "TWOSTACKS-X", "enterprise_id": "TWOSTACKS", "equipment_code": "flue_gas_treatment", "treats_parameter": "a21002", **SINCE},
        ]
    }  # fmt: skip
    for name in ("CALCINES", "DEAF", "TWOSTACKS"):
        product = {
            "product_code": f"{name}-CLINKER",
            "enterprise_id": name,
            "process_id": f"{name}-P1",
            "unit": "t",
            "product_kind": "clinker",
        }
        yield {"product": [{**product, **SINCE}]}
        for number in (1, 2, 3):
            yield {"self_report": [report(name, f"{name}-CLINKER", "output", *month(2021, number), 1000.0, "t")]}
    yield {
        "self_report": [
            report("CALCINES-P1", "treatment_running_rate", "none", *month(2021, 2), 90.0, "%", subject_kind="process"),
            report("DEAF", "a21002", "air", *month(2021, 1), 5.0, "kg"),
            report("DEAF", "a21002", "air", *YEAR_2021, 60.0, "kg"),
        ]
    }
    yield outlet("CALCINES-S", "CALCINES", "air", "stack", {})
    for name in ("DEAF-S", "TWOSTACKS-A", "TWOSTACKS-B", "RATED-S"):
        yield outlet(name, name.split("-")[0], "air", "stack", {"a21002": None}, step=1440)
    yield {
        "reading": [
            # one of ten days of the first quarter is known, all of the second: the gap is as long as others were heard
            *(total("DEAF-S", "a21002", "kg", date(2021, 1, 1) + timedelta(days=10 * number), 30.0) for number in range(9)),
            *(total("DEAF-S", "a21002", "kg", day, 30.0) for day in days(date(2021, 4, 1), 30)),
            *(total("TWOSTACKS-A", "a21002", "kg", day, 10.0) for day in days(date(2021, 1, 1), 31)),
            *(
                row
                for day in days(date(2021, 5, 1), 31)
                for row in (
                    total("RATED-S", "a21002", "kg", day, 480.0),
                    mean("RATED-S", "nox_emission_rate", "kg/GJ", day, 0, 0.5, hours=24),
                    total("RATED-S", "heat_input", "GJ", day, 1000.0),
                )
            ),
        ]
    }


def before_treatment() -> Iterable[Records]:
    """An inlet that sends hours (60 m3 of 40 and 20 m3 of 80 mg/L), its outlet, and what the enterprise declares of both."""
    yield enterprises("TREATS")
    yield {"process": [{"process_id": "TREATS-P1", "enterprise_id": "TREATS", **SINCE}]}
    yield {
        "product": [
            {
                "product_code": "TREATS-X",
                "enterprise_id": "TREATS",
                "process_id": "TREATS-P1",
                "unit": "t",
                "product_kind": "thing",
                **SINCE,
            }
        ],
        "point": [
            {"point_id": "TREATS-IN", "enterprise_id": "TREATS", "process_id": "TREATS-P1", "kind": "wastewater", **SINCE},
            {"point_id": "TREATS-TANK", "enterprise_id": "TREATS", "process_id": "TREATS-P1", "kind": "process", **SINCE},
        ],
        "channel": [
            {"point_id": point, "parameter_code": code, "step_minutes": 60, **SINCE}
            for point in ("TREATS-IN", "TREATS-TANK")
            for code in ("w00000", "w01018")
        ],
    }
    yield outlet("TREATS-W", "TREATS", "water", "final", {"w00000": None, "w01018": None}, step=1440)
    june = month(2021, 6)
    yield {
        "reading": [
            *(
                mean(point, code, unit, date(2021, 6, 1), hour, value)
                for point in ("TREATS-IN", "TREATS-TANK")
                for hour, flow, cod in ((0, 60.0, 40.0), (1, 20.0, 80.0))
                for code, unit, value in (("w00000", "m3/h", flow), ("w01018", "mg/L", cod))
            ),
            total("TREATS-IN", "w00000", "m3", date(2021, 6, 1), 80.0),
            total("TREATS-W", "w00000", "m3", date(2021, 6, 1), 80.0),
            mean("TREATS-W", "w01018", "mg/L", date(2021, 6, 1), 0, 10.0, hours=24),
        ],
        "self_report": [
            report("TREATS", "TREATS-X", "output", *june, 2.0, "t"),
            report("TREATS", "w01018", "generated", *june, 999.0, "kg"),
            report("TREATS", "w21003", "generated", *june, 100.0, "kg"),
            report("TREATS", "w20121", "water", *june, 1.0, "kg"),
        ],
    }


# ---- a park at random

RANDOM_MEMBERS = [f"RND{number:02d}" for number in range(12)]


def random_park(seed: int = 20231123) -> Iterable[Records]:
    """Deliveries of every kind between enterprises of which some leave or belong elsewhere, and outlets of every place in the discharge path."""
    draw = random.Random(seed)
    first, length = date(2023, 2, 20), 18
    for number, name in enumerate(RANDOM_MEMBERS):
        leaves = first + timedelta(days=draw.randrange(2, length)) if number % 4 == 3 else None
        yield {
            "enterprise": [
                {"enterprise_id": name, "park_id": "OTHER" if number == 5 else "PARK", "valid_from": date(2020, 1, 1), "valid_to": leaves}
            ]
        }
        for item, unit in (("steam_low_pressure", "t"), ("electricity", "kWh"), ("reclaimed_water", "m3")):
            for meter_number in range(draw.randrange(1, 4)):
                point = f"{name}-{item}-{meter_number}"
                yield meter(point, name, item=item, flow_item=draw.choice([None, None, "received", "self_produced", "sent"]))
                yield {
                    "reading": [
                        total(point, item, unit, day, draw.randrange(400) / 8) for day in days(first, length) if draw.random() < 0.85
                    ]
                }  # fmt: skip
                if draw.random() < 0.5:
                    receivers = draw.sample(RANDOM_MEMBERS, draw.choice([1, 1, 2]))
                    yield {
                        "flow_link": [
                            {"point_id": point, "target_kind": "enterprise", "target_id": receiver, "medium": item, **SINCE}
                            for receiver in receivers
                        ]
                    }
                elif draw.random() < 0.4:
                    target = f"{draw.choice(RANDOM_MEMBERS)}-{item}-0"
                    if target != point:
                        yield {"flow_link": [{"point_id": point, "target_kind": "point", "target_id": target, "medium": item, **SINCE}]}
        discharge = draw.choice(["direct", "indirect", "to_other_enterprise"])
        name_of_outlet = f"{name}-W"
        yield outlet(
            name_of_outlet, name, "water", draw.choice(["final", "workshop", "rainwater"]), {"w00000": None, "w01018": None}, discharge=discharge,
            receiver=None if discharge == "direct" else draw.choice(RANDOM_MEMBERS),
        )  # fmt: skip
        yield {
            "reading": [
                row
                for day in days(first, length)
                if draw.random() < 0.9
                for row in (
                    total(name_of_outlet, "w00000", "m3", day, draw.randrange(8, 800) / 8),
                    mean(name_of_outlet, "w01018", "mg/L", day, 0, draw.randrange(8, 800) / 8, hours=24),
                )
            ]
        }
        yield {
            "self_report": [report(name, "diesel", "purchased", *month(2023, number), draw.randrange(72) / 8, "t") for number in (1, 2, 3)]
        }
    sharers = draw.sample(RANDOM_MEMBERS, 3)
    yield {
        "allocation": [
            {"source_kind": kind, "source_id": source, "enterprise_id": sharer, "share": share, "basis": "area", **SINCE}
            for kind, source in (("outlet", "RND00-W"), ("point", "RND01-electricity-0"))
            for sharer, share in zip(sharers, (0.5, 0.3, 0.2), strict=True)
        ]
    }


SCENARIOS = (
    worked_example, metering_tree, virtual_meters, shared_meter, steam_neighbours, own_production, long_quantities, factors_over_new_year,
    declared_energy, of_the_park, flue_gas_example, flue_gas_bases, furnaces, wastewater_examples, ten_minutes, reported_masses, valid_days, components_and_non_detects, shared_outlet,
    declared_emissions, efficiency_examples, limits_examples, random_park,
    measured_fuel, steam_by_enthalpy, heat_and_power, process_carbon, green_power, waste_books, by_products, drained_wastewater, taxed_outlets,
    permitted_totals, reclaimed_water, named_by_index_systems, methods_side_by_side, before_treatment,
)  # fmt: skip


def records() -> Records:
    whole = merged(part for scenario in SCENARIOS for part in scenario())
    whole["park"] = [{**SINCE}]
    return whole


def built(path: Path, dbt_target: Path) -> Warehouse:
    """The park in a copy of the empty warehouse at `path`, every model of these tests built."""
    warehouse = Warehouse(path, dbt_target)
    warehouse.load(records())
    warehouse.build(*MODELS)
    return warehouse
