"""A look before the night: whether it has anything to do at all.

Costs a tenth of what announcing the whole graph costs. It decides nothing: the night with nothing new takes in feeds and judges
for itself whether the last build still holds, and hands over to a whole night where it does not. What is in doubt is not quiet.
"""

from pipelines.contracts.feed import ContractError
from pipelines.contracts.standards import StandardsError
from pipelines.orchestration.build import Build, utc_now
from pipelines.orchestration.progress import Reporter
from pipelines.settings import Settings
from pipelines.warehouse import audit
from pipelines.warehouse.connection import WarehouseError
from pipelines.warehouse.lock import LockHeld, write_lock


def looks_quiet(settings: Settings, models: list[str]) -> bool:
    """Whether no file has come or changed, nothing waits, and code, contracts, standards and marts are those of the last publication."""
    if not settings.warehouse.is_file() or not settings.published_file.is_file():
        return False
    build = Build(settings, None, "look", Reporter())
    try:
        # Somebody else's lock is the night's own matter, which waits for it and says who holds it.
        with write_lock(settings.model_copy(update={"lock_wait_seconds": 0}), "park-audit look before the night"):
            try:
                return build.why_build(models) is None and not _anything_waits(build)
            finally:
                build.release_warehouse()
    except (LockHeld, WarehouseError, ContractError, StandardsError):
        return False


def _anything_waits(build: Build) -> bool:
    from pipelines.ingest.arrivals import scan
    from pipelines.ingest.load import pending_deliveries

    previous = audit.previous_build(build.con, build.build_id)
    if previous is None or previous.contracts_hash != build.contracts_hash or pending_deliveries(build.con):
        return True
    now = utc_now()
    looks = (scan(build.con, build.settings, contract, now) for contract in build.contracts.values())
    return build.has_broken_contracts or any(look.arrivals or look.same_bytes or look.warnings for look in looks)
