"""A night that kills itself: `python -m tests.ingest.crashing_night HOME_PARENT PHASE`.

Run by test_crash in a child process. The production code knows nothing of it: each phase is a place
where a function of ours is entered or left, and SIGKILL is sent from there, so that nothing is tidied up.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from pipelines.contracts.states import Admission
from pipelines.ingest import feed, load
from pipelines.ingest.lake import Lake
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.lock import write_lock
from tests.ingest.depot import make_settings
from tests.ingest.park import Park


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: object, name: str, when: Callable[..., bool] = lambda *_, **__: True) -> None:
    """Die on entering a function."""
    real = getattr(owner, name)

    def dying(*arguments: object, **rest: object) -> object:
        if when(*arguments, **rest):
            die()
        return real(*arguments, **rest)

    setattr(owner, name, dying)


def after(owner: object, name: str, when: Callable[..., bool] = lambda *_, **__: True) -> None:
    """Die on leaving a function."""
    real = getattr(owner, name)

    def dying(*arguments: object, **rest: object) -> object:
        result = real(*arguments, **rest)
        if when(*arguments, **rest):
            die()
        return result

    setattr(owner, name, dying)


def _into(folder: str) -> Callable[..., bool]:
    return lambda lake, temporary, target: folder in target.parts


def _of_file_c(con: object, delivery: object, *_: object, **__: object) -> bool:
    return delivery.path == "cems/c.csv"


def _of_the_correction(con: object, states: list, **_: object) -> bool:
    return ("cems/a.csv", 2) in {(state.path, state.arrival_no) for state in states}


def _one_by_one_until_file_b() -> None:
    feed._TOGETHER = 1
    before(feed, "write_deliveries", lambda con, deliveries: deliveries[0].path == "cems/b.csv")


PHASES: dict[str, Callable[[], None]] = {
    "bytes written, not in place": lambda: before(Lake, "_put", _into("bytes")),
    "bytes kept, file not parsed": lambda: before(feed, "parse"),
    "parse written, not in place": lambda: before(Lake, "_put", _into("parse")),
    "parse kept, no receipt": lambda: before(Lake, "write_receipt"),
    "receipts kept, no rows": lambda: before(feed, "write_deliveries"),
    "rows written, not committed": lambda: before(feed, "write_path_states", _of_the_correction),
    "first file recorded, second not": _one_by_one_until_file_b,
    "all recorded, nothing loaded": lambda: before(load, "transaction"),
    "rows in landing, not committed": lambda: before(load, "update_delivery"),
    "admission in the receipt, not committed": lambda: after(
        Lake, "write_receipt", lambda lake, receipt: receipt.delivery.admission is Admission.ADMITTED
    ),
    "two deliveries together in landing, not committed": lambda: before(load, "update_deliveries"),
    "two deliveries in their receipts, not committed": lambda: after(
        Lake,
        "write_receipt",
        lambda lake, receipt: receipt.delivery.path == "cems/bb.csv" and receipt.delivery.admission is Admission.ADMITTED,
    ),
    "last delivery in landing, not committed": lambda: before(load, "update_delivery", _of_file_c),
    "everything committed": lambda: None,
}


def main(folder: Path, phase: str) -> None:
    settings = make_settings(folder)
    with write_lock(settings, "crashing night"), open_warehouse(settings) as con:
        park = Park(settings, con, nights=1)
        PHASES[phase]()
        park.night()
        die()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
