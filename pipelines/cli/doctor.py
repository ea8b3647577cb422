"""`park-audit doctor`: what would stop or spoil the next nightly, and what to do about it. Changes nothing."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import typer
from rich.markup import escape

from pipelines.cli.references import references_now
from pipelines.cli.shared import NOT_PUBLISHED, PUBLISHED, Home, load_settings, out
from pipelines.contracts.devices import HASH_SALT, KEY_PREFIX
from pipelines.contracts.feed import FeedContract, load_contracts
from pipelines.settings import VARIABLES, Settings

_PACKAGES = ("duckdb", "dagster", "dagster-dbt", "dbt-core", "dbt-duckdb", "great-expectations", "polars", "pydantic")
_FREE_AT_LEAST = 2 * 2**30
_GIB = 2**30
_A_NIGHT = timedelta(hours=26)
_SHOWN = 10


class Health(StrEnum):
    """What a finding means for the next nightly."""

    GOOD = "ok"
    LOOK = "look"
    BAD = "bad"


_MARKS = {Health.GOOD: "[green]ok  [/]", Health.LOOK: "[yellow]look[/]", Health.BAD: "[bold red]bad [/]"}


@dataclass(frozen=True)
class Finding:
    """One thing looked at: how it is, and what to do when it is not well."""

    health: Health
    subject: str
    said: str
    to_do: str | None = None


def doctor(home: Home = None) -> None:
    """Look at environment, locks, disk, contracts, gates and feeds, and say what to do.

    Ends with 0 when the next nightly can run, 1 when something found would stop it.
    """
    settings = load_settings(home)
    console, worst = out(), Health.GOOD
    for finding in findings(settings):
        console.print(f"{_MARKS[finding.health]} {escape(finding.subject)}: {escape(finding.said)}")
        if finding.to_do:
            console.print(f"       → {escape(finding.to_do)}")
        worst = max(worst, finding.health, key=list(Health).index)
    raise typer.Exit(NOT_PUBLISHED if worst is Health.BAD else PUBLISHED)


def findings(settings: Settings) -> Iterator[Finding]:
    """Everything worth looking at, one by one; a look that fails is a finding too."""
    for look in (_environment, _variables, _home, _disk, _memory, _lock, _standards, _contracts, _keys, _gates, _last_build, _feeds):
        try:
            yield from look(settings)
        except Exception as error:  # noqa: BLE001 - what a doctor stumbles over is what he reports
            yield Finding(Health.BAD, look.__name__.removeprefix("_").replace("_", " "), f"{type(error).__name__}: {error}")


def _environment(_: Settings) -> Iterator[Finding]:
    found, missing = [f"Python {sys.version.split()[0]}"], []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        yield Finding(Health.BAD, "environment", f"{', '.join(missing)} not installed in {sys.prefix}", "make env")
    else:
        yield Finding(Health.GOOD, "environment", ", ".join(found))


def _variables(_: Settings) -> Iterator[Finding]:
    known = {*VARIABLES.values(), HASH_SALT}
    ours = (name for name in os.environ if name.startswith("PARK_AUDIT_") and not name.startswith(KEY_PREFIX))
    unknown = sorted(name for name in ours if name not in known)
    if unknown:
        yield Finding(Health.LOOK, "settings", f"{', '.join(unknown)} set and not known", f"known are {', '.join(sorted(known))}")


def _home(settings: Settings) -> Iterator[Finding]:
    existing = settings.home
    while not existing.exists():
        existing = existing.parent
    if not os.access(existing, os.W_OK):
        yield Finding(Health.BAD, "home", f"{existing} cannot be written to", "give this user the right to, or name another --home")
        return
    files = sum(1 for path in settings.raw.rglob("*") if path.is_file()) if settings.raw.is_dir() else 0
    park = f"park {settings.park.park_id}, zone {settings.park.zone}"
    if files:
        yield Finding(Health.GOOD, "home", f"{settings.home}: {park}, {files:,} raw files")
    else:
        yield Finding(
            Health.LOOK, "home", f"{settings.home}: {park}, no raw files", f"put files into {settings.raw}, or: park-audit sample"
        )


def _disk(settings: Settings) -> Iterator[Finding]:
    existing = settings.home
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    folders = {name: _size(settings.home / name) for name in ("raw", "lake", "warehouse", "published", "dagster_home", "logs")}
    taken = ", ".join(f"{name} {size / _GIB:.2f}" for name, size in folders.items() if size)
    said = f"{free / _GIB:.1f} GiB free" + (f"; GiB taken: {taken}" if taken else "")
    # A publication is written beside the one before, and dbt spills beside the warehouse.
    needed = max(_FREE_AT_LEAST, folders["warehouse"] + settings.published_file.stat().st_size if settings.published_file.is_file() else 0)
    if free < needed:
        yield Finding(
            Health.BAD if free < needed / 4 else Health.LOOK,
            "disk",
            said,
            f"a nightly may need {needed / _GIB:.1f} GiB: make room, or lower PARK_AUDIT_KEEP_PUBLISHED ({settings.keep_published})",
        )
    else:
        yield Finding(Health.GOOD, "disk", said)


def _memory(settings: Settings) -> Iterator[Finding]:
    import psutil

    number, unit = float(settings.memory_limit[:-2]), settings.memory_limit[-2:]
    limit = number * (10**9 if unit == "GB" else 10**6)
    total, available = psutil.virtual_memory().total, psutil.virtual_memory().available
    said = f"{available / _GIB:.1f} of {total / _GIB:.1f} GiB free, DuckDB may take {settings.memory_limit}, {settings.threads} threads"
    if limit * 1.5 > total:
        yield Finding(
            Health.LOOK, "memory", said, "PARK_AUDIT_MEMORY_LIMIT leaves too little for everything else: two thirds of the machine at most"
        )
    else:
        yield Finding(Health.GOOD, "memory", said)


def _lock(settings: Settings) -> Iterator[Finding]:
    from pipelines.warehouse.connection import WarehouseError, open_warehouse
    from pipelines.warehouse.lock import LockHeld, who_holds, write_lock

    if (note := who_holds(settings)) is not None:
        yield Finding(Health.LOOK, "write lock", f"held by {note}", "a build is running; wait for it, or end that process if it hangs")
        return
    if not settings.warehouse.is_file():
        yield Finding(Health.GOOD, "write lock", "free; there is no warehouse yet")
        return
    try:
        with write_lock(settings.model_copy(update={"lock_wait_seconds": 0}), "park-audit doctor"), open_warehouse(settings):
            yield Finding(Health.GOOD, "write lock", "free, and the warehouse opens")
    except LockHeld as error:
        yield Finding(Health.LOOK, "write lock", str(error))
    except WarehouseError as error:
        yield Finding(Health.BAD, "warehouse", str(error))


def _standards(settings: Settings) -> Iterator[Finding]:
    from pipelines.contracts.standards import StandardsError, load_standards

    try:
        standards = load_standards(settings.seeds, settings.standards_dir)
    except StandardsError as error:
        lines = str(error).splitlines()
        yield Finding(Health.BAD, "standards", f"{len(lines)} problems", "; ".join(lines[:_SHOWN]))
        return
    own = {name: standards.own(name).height for name in standards.names if standards.own(name).height}
    yield Finding(Health.GOOD, "standards", f"{len(standards.names)} seeds" + (f", own rows: {own}" if own else ""))


def _contracts(settings: Settings) -> Iterator[Finding]:
    from pipelines.ingest.contract_check import check

    contracts, problems = load_contracts(settings.feeds_dir)
    references, note = references_now(settings)
    problems = [*problems, *check(contracts, references)]
    feeds = sorted({Path(problem.file).stem for problem in problems})
    if problems:
        yield Finding(
            Health.LOOK,
            "contracts",
            f"{len(problems)} problems in {len(feeds)} feeds ({', '.join(feeds[:_SHOWN])}): these feeds stand still, the others go on",
            "park-audit feed check",
        )
    elif not contracts:
        yield Finding(
            Health.LOOK, "contracts", f"{settings.feeds_dir} holds no feed", "write one, or name another folder in PARK_AUDIT_FEEDS"
        )
    else:
        yield Finding(Health.GOOD, "contracts", f"{len(contracts)} feeds hold together" + (f" ({note})" if note else ""))


def _keys(settings: Settings) -> Iterator[Finding]:
    """Keys of HJ 212 devices come from the environment, and the nightly's need not be the one of this shell."""
    from pipelines.hj212.devices import devices_of

    for contract in load_contracts(settings.feeds_dir)[0]:
        if (logs := contract.source.hj212) is not None:
            for missing in devices_of(logs.device_rows, os.environ)[1]:
                yield Finding(
                    Health.LOOK,
                    f"feed {contract.feed_id}",
                    missing,
                    "its encrypted frames wait until the nightly's environment has the key",
                )


def _gates(settings: Settings) -> Iterator[Finding]:
    from pipelines.gates.suites import SuiteError, load_suites

    try:
        suites = load_suites(settings.expectations)
    except SuiteError as error:
        yield Finding(Health.BAD, "gates", f"{len(error.problems)} problems in suite files", "; ".join(error.problems[:_SHOWN]))
        return
    rules = sum(len(suite.expectations) for suite in suites)
    yield Finding(Health.GOOD, "gates", f"{len(suites)} suites, {rules} expectations")


def _last_build(settings: Settings) -> Iterator[Finding]:
    from pipelines.contracts.states import BuildStatus
    from pipelines.warehouse.published import PublicationError, last_build, open_published

    try:
        with open_published(settings) as con:
            build = last_build(con)
    except PublicationError as error:
        yield Finding(Health.LOOK, "publication", str(error))
        return
    if build is None or build.closed_at is None:
        yield Finding(Health.LOOK, "publication", "the published file knows no finished build", "park-audit nightly")
        return
    closed = build.closed_at.replace(tzinfo=UTC)
    when = f"{closed.astimezone(settings.zone):%Y-%m-%d %H:%M}"
    if build.status is not BuildStatus.PUBLISHED:
        yield Finding(
            Health.LOOK, "publication", f"build {build.build_id} of {when} did not publish: {build.reason}", "mend that and run again"
        )
    elif datetime.now(UTC) - closed > _A_NIGHT:
        yield Finding(
            Health.LOOK,
            "publication",
            f"the last build is of {when}: no nightly has run for more than a day",
            "is the Dagster daemon running (make dev), or the line in cron?",
        )
    else:
        yield Finding(Health.GOOD, "publication", f"build {build.build_id} of {when}")


def _feeds(settings: Settings) -> Iterator[Finding]:
    from pipelines.warehouse.audit import waiting_deliveries
    from pipelines.warehouse.published import PublicationError, newest_dates, open_published

    contracts, _ = load_contracts(settings.feeds_dir)
    try:
        with open_published(settings) as con:
            newest, held = newest_dates(con), waiting_deliveries(con)
    except PublicationError:
        return
    if held:
        shown = "; ".join(f"{line.path}: {line.reason}" for line in held[:3])
        yield Finding(Health.LOOK, "held deliveries", f"{len(held)}, the oldest since {held[0].waiting_since:%Y-%m-%d}: {shown}")
    stale = [said for contract in contracts if (said := stale_since(contract, newest, settings)) is not None]
    if stale:
        more = f" and {len(stale) - _SHOWN} more" if len(stale) > _SHOWN else ""
        yield Finding(
            Health.LOOK, "stale feeds", f"{len(stale)}: {', '.join(stale[:_SHOWN])}{more}", "ask their owners: park-audit feed list"
        )
    elif contracts:
        yield Finding(Health.GOOD, "feeds", "all as fresh as their contracts expect")


def stale_since(contract: FeedContract, newest: dict, settings: Settings) -> str | None:
    """`feed (newest value 2026-10-31)` when the feed's newest date is older than its contract allows."""
    if contract.expects.late_after is None:
        return None
    last = newest.get(contract.feed_id)
    if last is None:
        return f"{contract.feed_id} (nothing has ever been admitted)"
    end_of_day = datetime.combine(last + timedelta(days=1), datetime.min.time(), tzinfo=settings.zone)
    return f"{contract.feed_id} (newest value {last})" if datetime.now(UTC) - end_of_day > contract.expects.late_after else None


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) if folder.is_dir() else 0
