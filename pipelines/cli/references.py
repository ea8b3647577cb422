"""Registers and standards for commands that look at contracts: out of the warehouse, when nobody is writing to it."""

from typing import TYPE_CHECKING

from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.ingest.references import References


def references_now(settings: Settings) -> tuple["References", str | None]:
    """References as of the last build, and what a person should know when registers could not be looked at."""
    from pipelines.contracts.standards import load_standards
    from pipelines.contracts.units import Units
    from pipelines.ingest.references import References, references_from_landing
    from pipelines.warehouse.connection import WarehouseError, open_warehouse
    from pipelines.warehouse.lock import LockHeld, write_lock

    standards = load_standards(settings.seeds, settings.standards_dir)
    without = References(standards, Units(standards), {})
    if not settings.warehouse.is_file():
        return without, "no build has run yet: points, accounts and other registered things were not looked at"
    # The lock is held for the moment of reading: a nightly that starts meanwhile waits instead of finding the file open.
    try:
        with write_lock(settings.model_copy(update={"lock_wait_seconds": 0}), "park-audit feed"), open_warehouse(settings) as con:
            return references_from_landing(con, standards), None
    except (LockHeld, WarehouseError) as error:
        return without, f"points, accounts and other registered things were not looked at: {error}"
