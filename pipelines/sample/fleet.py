"""A park that reports by HJ 212 alone: any number of loggers, one day, everything that they do wrong, and what is true.

    home/feeds/                  the contracts: registers, the feed of devices, and its device profile
    home/raw/…                   registers, and the logs of two receivers: the day's, and those of the morning after
    home/sample_truth/           hj212_readings, hj212_emission and deliveries, as Parquet

The ordinary sample park has a handful of these devices (`INLETS`), at the inlets of treatment plants. The same arguments
give the same bytes.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.hj212 import CrcVariant, Dialect
from pipelines.sample import cast, drops
from pipelines.sample.telemetry import DAYS, HOURS, MINUTES, REALTIME, DayOfDevice, Device, Event, Said, Sender, log_of, measured, mn

DEFAULT_DAY = date(2026, 10, 31)
DEFAULT_SEED = 20_26
FEED = "hj212_fleet"
KEY_VARIABLE = "PARK_AUDIT_HJ212_KEY_SAMPLE"
_STRANGERS = 0.02
"""Share of devices that no profile knows."""

_VARIANTS: tuple[dict[str, object], ...] = (
    {},
    {"habits": frozenset({"splits"})},
    {"habits": frozenset({"repeats"})},
    {"habits": frozenset({"noisy"})},
    {"habits": frozenset({"late", "corrects"})},
    {"habits": frozenset({"corrects_next_day"})},
    {"habits": frozenset({"history"})},
    {"habits": frozenset({"slow_packet"})},
    {"habits": frozenset({"gaps"})},
    {"habits": frozenset({"services", "stops", "lower_case"})},
    {"habits": frozenset({"empties", "extra_fields"})},
    {"dialect": Dialect.HJ_2005},
    {"crc": CrcVariant.MODBUS},
    {"label_end": True},
    {"dialect": Dialect.HJ_2025, "habits": frozenset({"repeats"})},
    {"dialect": Dialect.HJ_2025, "key": b""},
    {"habits": frozenset({"no_tail"})},
    {"habits": frozenset({"spelled_tail"})},
    {"habits": frozenset({"splits_one_qn"})},
    {"interval": 5, "commands": frozenset({REALTIME, MINUTES, HOURS, DAYS})},
)
"""How devices differ: one after the other, again and again."""


def sample_key(seed: int) -> bytes:
    """The SM4 key of the sample's encrypting devices; `KEY_VARIABLE` must hold it for their data to be read."""
    return hashlib.blake2b(f"key of sample {seed}".encode(), digest_size=16).digest()


def devices(count: int, seed: int) -> list[Device]:
    """The fleet: every third one wastewater, the last few unknown to the profile."""
    strangers = round(count * _STRANGERS) if count >= 20 else 0
    fleet = []
    for number in range(count):
        variant = dict(_VARIANTS[number % len(_VARIANTS)])
        if "key" in variant:
            variant["key"] = sample_key(seed)
        point_id = f"H{number + 1:03d}-M"
        device = Device(
            mn=mn(point_id), st="32" if number % 3 == 2 else "31", point_id=point_id, outlet_id=f"H{number + 1:03d}",
            registered=number < count - strangers,
        )  # fmt: skip
        fleet.append(replace(device, **variant) if device.registered else device)
    return fleet


INLETS_SINCE = date(2026, 10, 18)
"""Day on which the inlet monitors of the ordinary sample park were put into service."""
_HOURLY = frozenset({HOURS, DAYS})
INLETS = (
    Device(mn("E007-IN-1"), "31", "E007-IN-1", load=24.0, day_mean=0.85, commands=_HOURLY, habits=frozenset({"splits"})),
    Device(
        mn("E009-IN-1"), "31", "E009-IN-1", load=40.0, crc=CrcVariant.MODBUS, commands=_HOURLY, habits=frozenset({"repeats", "services"})
    ),
    Device(mn("E010-IN-2"), "32", "E010-IN-2", load=6.0, label_end=True, commands=_HOURLY, habits=frozenset({"noisy"})),
    Device(mn("E001-IN-1"), "32", "E001-IN-1", load=9.0, dialect=Dialect.HJ_2005, commands=_HOURLY, habits=frozenset({"late", "corrects"})),
    Device(mn("E002-IN-1"), "32", "E002-IN-1", dialect=Dialect.HJ_2025, commands=_HOURLY, registered=False),
)
"""Loggers before treatment plants: they measure what arrives, so that no outlet's emission depends on them. One is not registered."""
INLET_PROCESSES = {"E007-IN-1": "E007-P1", "E009-IN-1": "E009-P1", "E010-IN-2": "E010-P1", "E001-IN-1": "E001-P3"}


def inlet_log(first: date, last: date, seed: int) -> tuple[bytes, tuple[int, int, int, int, int]] | None:
    """The inlets' log over some days with its counts; None before they were there."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    events = [
        event
        for device in INLETS
        for day in days
        if day >= INLETS_SINCE
        for event in Sender(device, seed).events(measured(device, day, seed))
    ]
    return (log_of(events, "10.0.7.1:5001"), counts(events)) if events else None


@dataclass(frozen=True)
class FleetReport:
    """What was generated."""

    home: Path
    feeds: Path
    day: date
    devices: int
    strangers: int
    frames: int
    readings: int
    files: int
    bytes: int

    def __str__(self) -> str:
        return (
            f"{self.devices} devices ({self.strangers} of them unregistered) on {self.day}: {self.frames:,} frames in {self.files} logs, "
            f"{self.readings:,} readings, {self.bytes / 1e6:.1f} MB; contracts in {self.feeds}"
        )


def generate_fleet(home: Path, devices_count: int = 200, day: date = DEFAULT_DAY, seed: int = DEFAULT_SEED) -> FleetReport:
    """Write the fleet park of one day into `home`. Raises ValueError where another sample park lies already."""
    if (home / "sample_truth" / "truth.json").is_file():
        raise ValueError(f"{home} holds the ordinary sample park, whose registers would be overwritten: name another --home")
    fleet = devices(devices_count, seed)
    folder, truth = drops.Folder(home / "raw"), home / "sample_truth"
    _contracts(home / "feeds", fleet)
    _registers(folder, fleet)
    said: list[Said] = []
    emission: list[tuple] = []
    ledger: list[tuple] = []
    frames = 0
    for receiver, mine in (("a", fleet[::2]), ("b", fleet[1::2])):
        events: list[Event] = []
        for device in mine:
            sender, true = Sender(device, seed), measured(device, day, seed)
            events += sender.events(true)
            if device.registered:
                said += sender.true
                emission += _emission(true)
        frames += len(events)
        for offset in (0, 1):
            part = [event for event in events if event.other_day == bool(offset)]
            path = f"{FEED}/{receiver}/hj212_{day + timedelta(days=offset):%Y%m%d}.log"
            folder.put(path, log_of(part, f"10.0.{offset}.{ord(receiver)}:5001"))
            ledger.append((path, *counts(part)))
    truth.mkdir(parents=True, exist_ok=True)
    readings = pl.DataFrame(said, schema=READINGS, orient="row")
    readings.write_parquet(truth / "hj212_readings.parquet")
    pl.DataFrame(emission, schema=EMISSION, orient="row").write_parquet(truth / "hj212_emission.parquet")
    pl.DataFrame(ledger, schema=LEDGER, orient="row").write_parquet(truth / "deliveries.parquet")
    return FleetReport(
        home,
        home / "feeds",
        day,
        len(fleet),
        sum(not device.registered for device in fleet),
        frames,
        readings.height,
        len(ledger),
        folder.bytes,
    )


READINGS = {
    "point_id": pl.String, "parameter_code": pl.String, "statistic": pl.String, "period_start_utc": pl.Datetime("us"),
    "period_end_utc": pl.Datetime("us"), "value": pl.Float64, "flag": pl.String,
}  # fmt: skip
EMISSION = {"outlet_id": pl.String, "pollutant_code": pl.String, "local_date": pl.Date, "mass_kg": pl.Float64, "valid_hours": pl.Int64}
LEDGER = {
    "path": pl.String, "rows_read": pl.Int64, "rows_accepted": pl.Int64, "rows_duplicate": pl.Int64, "rows_quarantined": pl.Int64,
    "rows_revised": pl.Int64,
}  # fmt: skip


def counts(events: list[Event]) -> tuple[int, int, int, int, int]:
    """read, accepted, duplicate, quarantined and revised of a log, after all before it have been loaded."""
    read, quarantined = sum(event.read for event in events), sum(event.quarantined for event in events)
    duplicate = sum(event.duplicates + event.known for event in events)
    return read, read - duplicate - quarantined, duplicate, quarantined, sum(event.revised for event in events)


def _emission(true: DayOfDevice) -> list[tuple]:
    """Mass of the day by pollutant: measured concentration times flow of every hour that is valid, as HJ 212 annex D (33) has it."""
    device = true.device
    flow = next(factor for factor in device.factors if factor.is_flow)
    normal = true.flags[HOURS] == "N"
    per_hour = 60 // device.interval
    rows = []
    for factor in device.factors:
        if factor.mass_scale is None:
            continue
        level, volume = true.values[HOURS][factor.code]["Avg"].copy(), true.values[HOURS][flow.code]["Cou"].copy()
        valid = normal.copy()
        if "gaps" in device.habits:  # what no hour says the minutes do
            for hour in (14, 15):
                slots = slice(hour * per_hour, (hour + 1) * per_hour)
                level[hour] = true.values[MINUTES][factor.code]["Avg"][slots].mean()
                volume[hour] = true.values[MINUTES][flow.code]["Cou"][slots].sum()
        if "empties" in device.habits and factor is device.factors[-1]:
            valid[3] = False
        mass = np.where(valid, level * volume * factor.mass_scale, 0.0)
        rows.append((device.outlet_id, factor.code, true.day, float(mass.sum()), int(valid.sum())))
    return rows


# contracts and registers


def device_profile(fleet: list[Device]) -> pl.DataFrame:
    """The CSV beside the contract, as somebody who knows the devices would write it."""
    rows = [
        {
            "mn": device.mn,
            "point_id": device.point_id,
            "dialect": None,
            "crc": None if device.crc is CrcVariant.HJ212 else device.crc.value,
            "label": "end" if device.label_end else None,
            "minute_interval": None if device.interval == 10 else str(device.interval),
            "sm4_key_env": KEY_VARIABLE if device.key else None,
        }
        for device in fleet
        if device.registered
    ]
    columns = ("mn", "point_id", "dialect", "crc", "label", "minute_interval", "sm4_key_env")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String))


def _contracts(folder: Path, fleet: list[Device]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "_park.yaml").write_text(f"park_id: {cast.PARK_ID}\nzone: Asia/Shanghai\n", encoding="utf-8")
    for register in ("park", "enterprise", "outlet", "point", "channel"):
        (folder / f"register_{register}.yaml").write_text(
            f"feed_id: register_{register}\nrecord: {register}\nowner: audit-office@park.example\n"
            f'source: {{drop: "registers/{register}.csv"}}\nformat: {{kind: csv}}\n',
            encoding="utf-8",
        )
    (folder / f"{FEED}.yaml").write_text(
        f"feed_id: {FEED}\nrecord: reading\nowner: monitoring-desk@park.example\n"
        "description: Receiver logs of all online monitors, HJ 212 in three editions.\n"
        f'source: {{hj212: {{drop: "{FEED}/**/*.log", devices: {FEED}_devices.csv}}}}\n'
        "source_kind: automatic\nexpects: {late_after: 10d}\n",
        encoding="utf-8",
    )
    device_profile(fleet).write_csv(folder / f"{FEED}_devices.csv")


def _registers(folder: drops.Folder, fleet: list[Device]) -> None:
    enterprises = [f"E{number:03d}" for number in range(1, 13)]
    owner = [enterprises[at % len(enterprises)] for at in range(len(fleet))]
    since = cast.VALID_SINCE
    names = pl.DataFrame(
        {
            "enterprise_id": owner,
            "outlet_id": [device.outlet_id for device in fleet],
            "point_id": [device.point_id for device in fleet],
            "medium": ["air" if device.st == "31" else "water" for device in fleet],
            "kind": ["stack" if device.st == "31" else "final" for device in fleet],
            "point_kind": ["stack" if device.st == "31" else "wastewater" for device in fleet],
        }
    )
    tables = {
        "park": pl.DataFrame({"park_id": [cast.PARK_ID], "name": ["Sample park of devices"]}),
        "enterprise": pl.DataFrame({"enterprise_id": enterprises, "park_id": cast.PARK_ID, "name": [f"Sample works {e}" for e in enterprises]}),
        "outlet": names.select("outlet_id", "enterprise_id", pl.col("outlet_id").alias("name"), "medium", "kind", discharge_kind=pl.lit("direct")),
        "point": names.select("point_id", "enterprise_id", "outlet_id", pl.col("point_id").alias("name"), kind="point_kind"),
        "channel": pl.DataFrame(
            [(device.point_id, factor.code, "dry_0C" if device.st == "31" else None, "60") for device in fleet for factor in device.factors],
            schema=["point_id", "parameter_code", "basis", "step_minutes"], orient="row",
        ),
    }  # fmt: skip
    for name, table in tables.items():
        folder.put(f"registers/{name}.csv", drops.csv(table.with_columns(valid_from=pl.lit(since))))
