"""How fast receiver logs are decoded: read, framed, CRC checked, split into values and written, on one core.

`python -m pipelines.bench.decode LOG OUT` prints what one run took, as JSON; `write_log` makes a log to decode.
"""

import json
import os
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from pipelines.hj212 import Frame, decode_to, encode
from pipelines.sample.telemetry import GAS, mn

START = datetime(2026, 1, 1)  # noqa: DTZ001 - a device's own clock, without zone
DEVICES = 200


def write_log(path: Path, frames: int) -> None:
    """Hourly uploads of flue gas, one after the other from each device, as a receiver logs them."""
    names = [mn(f"B{number:03d}") for number in range(DEVICES)]
    with path.open("wb") as log:
        for number in range(frames):
            hour = START + timedelta(hours=number // DEVICES)
            sent = hour + timedelta(hours=1, seconds=number % DEVICES)
            groups = [(("DataTime", f"{hour:%Y%m%d%H%M%S}"),)]
            for place, factor in enumerate(GAS):
                value = factor.level * (1 + (number * 7 + place * 13) % 101 / 500)
                figures = {"Min": value * 0.96, "Avg": value, "Max": value * 1.04}
                items = [(f"{factor.code}-{name}", f"{figure:.{factor.decimals}f}") for name, figure in figures.items()]
                groups.append((*items, (f"{factor.code}-Flag", "N")))
            frame = Frame(
                st="31",
                cn="2061",
                mn=names[number % DEVICES],
                qn=f"{sent:%Y%m%d%H%M%S}000",
                password="123456",
                flag=5,
                groups=tuple(groups),
            )
            log.write(f"{sent:%Y-%m-%d %H:%M:%S}.000 10.0.0.1:5001 <- ".encode() + encode(frame))


def run(log: Path, out: Path) -> dict[str, float]:
    """Decode on the first core this process may use; seconds of that core, and of the clock."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    started, began = time.process_time(), time.perf_counter()
    written = decode_to([log], out)
    core, clock = time.process_time() - started, time.perf_counter() - began
    return {"values": written.values, "bytes": log.stat().st_size, "core_seconds": core, "clock_seconds": clock}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(Path(sys.argv[1]), Path(sys.argv[2]))) + "\n")
