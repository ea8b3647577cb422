"""Raw files and registers for measuring: as many stacks, as many hours, nothing planted.

The sample park is for looking at; this is for weighing. One wide CSV per month holds every stack's hours, as a
platform exports them. Values are smooth noise, the same for the same arguments.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import yaml

START = date(2023, 1, 1)
EVER = "2000-01-01"
# column, parameter, statistic, unit, mean, spread: what a stack's export carries
CHANNELS = (
    ("SO2 (mg/m3)", "a21026", "avg", "mg/m3", 28.0, 6.0),
    ("NOx (mg/m3)", "a21002", "avg", "mg/m3", 41.0, 8.0),
    ("PM (mg/m3)", "a34013", "avg", "mg/m3", 6.0, 2.0),
    ("O2 (%)", "a19001", "avg", "%", 9.0, 1.0),
    ("flow (m3/h)", "a00000", "avg", "m3/h", 180000.0, 20000.0),
    ("temperature (degC)", "a01012", "avg", "degC", 110.0, 5.0),
    ("humidity (%)", "a01014", "avg", "%", 8.0, 1.0),
    ("electricity (kWh)", "electricity", "cou", "kWh", 900.0, 150.0),
)
FEED = "bench_stacks"


@dataclass(frozen=True)
class Scale:
    """How much: stacks (one enterprise each) × days × 24 hours × the channels."""

    stacks: int
    days: int

    @property
    def readings(self) -> int:
        return self.stacks * self.days * 24 * len(CHANNELS)


def scale_for(readings: int, days: int) -> Scale:
    """The scale whose number of readings is nearest to what is asked for."""
    return Scale(max(1, round(readings / (days * 24 * len(CHANNELS)))), days)


def write_contracts(folder: Path) -> None:
    """The feed and its registers, as contracts."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "_park.yaml").write_text("park_id: BENCH\nzone: Asia/Shanghai\n", encoding="utf-8")
    contract = {
        "feed_id": FEED,
        "record": "reading",
        "owner": "bench@park.example",
        "source": {"drop": f"{FEED}/*.csv"},
        "format": {"kind": "csv"},
        "time": {"column": "time", "pattern": "%Y-%m-%d %H:%M:%S", "zone": "Asia/Shanghai", "step": "1h", "label": "start"},
        "source_kind": "automatic",
        "columns": {"point_id": {"column": "point"}},
        "flags": {"column": "flag", "map": {"N": "N", "M": "M"}},
        "values": [
            {"column": column, "parameter": parameter, "statistic": statistic, "unit": unit}
            for column, parameter, statistic, unit, _, _ in CHANNELS
        ],
    }
    # Dumped, not formatted: a unit such as % must come out in quotes.
    (folder / f"{FEED}.yaml").write_text(yaml.safe_dump(contract, sort_keys=False, allow_unicode=True), encoding="utf-8")
    for register in ("park", "enterprise", "outlet", "point", "channel", "meter_link"):
        (folder / f"register_{register}.yaml").write_text(
            f'feed_id: register_{register}\nrecord: {register}\nowner: bench@park.example\n'
            f'source: {{drop: "registers/{register}.csv"}}\nformat: {{kind: csv}}\n',
            encoding="utf-8",
        )  # fmt: skip


def write_registers(raw: Path, stacks: int) -> None:
    folder = raw / "registers"
    folder.mkdir(parents=True, exist_ok=True)
    number = pl.DataFrame({"n": [f"{i:04d}" for i in range(1, stacks + 1)]})
    ever = pl.lit(EVER).alias("valid_from")

    def write(name: str, frame: pl.DataFrame) -> None:
        frame.with_columns(ever).write_csv(folder / f"{name}.csv")

    write("park", pl.DataFrame({"park_id": ["BENCH"], "name": ["Bench park"]}))
    write("enterprise", number.select(enterprise_id="E" + pl.col("n"), park_id=pl.lit("BENCH"), name="Enterprise " + pl.col("n")))
    write(
        "outlet",
        number.select(
            outlet_id="O" + pl.col("n"), enterprise_id="E" + pl.col("n"), name="Stack " + pl.col("n"),
            medium=pl.lit("air"), kind=pl.lit("stack"), discharge_kind=pl.lit("direct"),
        ),
    )  # fmt: skip
    write(
        "point",
        number.select(
            point_id="P" + pl.col("n"), enterprise_id="E" + pl.col("n"), outlet_id="O" + pl.col("n"),
            name="Monitor " + pl.col("n"), kind=pl.lit("stack"),
        ),
    )  # fmt: skip
    parameters = pl.DataFrame(
        {"parameter_code": [c[1] for c in CHANNELS], "register_kind": ["interval" if c[2] == "cou" else "rate" for c in CHANNELS]}
    )
    write("channel", number.select(point_id="P" + pl.col("n")).join(parameters, how="cross").with_columns(step_minutes=pl.lit(60)))
    write("meter_link", number.select(point_id="P" + pl.col("n"), parent_point_id=pl.lit("-"), role=pl.lit("billing")))


def write_hours(raw: Path, stacks: int, first: date, days: int, *, name: str, seed: int = 1) -> Path:
    """One wide CSV: every stack's hours of `days` days from `first`."""
    generator = np.random.default_rng([seed, first.toordinal()])
    midnight = datetime.combine(first, time())
    hours = pl.datetime_range(midnight, midnight + timedelta(days=days), "1h", closed="left", eager=True)
    frame = (
        pl.DataFrame({"point": [f"P{i:04d}" for i in range(1, stacks + 1)]})
        .join(pl.DataFrame({"time": hours.dt.to_string("%Y-%m-%d %H:%M:%S")}), how="cross")
        .with_columns(pl.Series("flag", np.where(generator.random(stacks * len(hours)) < 0.01, "M", "N")))
        .with_columns(
            pl.Series(column, np.round(np.maximum(0, generator.normal(mean, spread, stacks * len(hours))), 2))
            for column, _, _, _, mean, spread in CHANNELS
        )
    )
    path = raw / FEED / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_csv(path)
    return path


def write_history(raw: Path, scale: Scale) -> list[Path]:
    """The whole span as one file a calendar month."""
    files, first, end = [], START, START + timedelta(days=scale.days)
    while first < end:
        following = min(end, (first.replace(day=1) + timedelta(days=32)).replace(day=1))
        files.append(write_hours(raw, scale.stacks, first, (following - first).days, name=f"{first:%Y-%m}"))
        first = following
    return files
