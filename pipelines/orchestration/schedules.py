"""When the nightly runs by itself: at 02:10 in the park's zone, and, if switched on, when files arrive."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from pipelines.contracts.feed import load_contracts
from pipelines.orchestration.keys import JOB, SCHEDULE, SENSOR
from pipelines.settings import Settings

CRON = "10 2 * * *"


def nightly_schedule(settings: Settings, job: dg.JobDefinition | object) -> dg.ScheduleDefinition:
    """02:10 of the park's own clock, running from the start: a schedule one has to switch on is forgotten."""
    return dg.ScheduleDefinition(
        name=SCHEDULE,
        job=job,
        cron_schedule=CRON,
        execution_timezone=settings.park.zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="The nightly refresh, ten past two in the park's zone.",
    )


def new_files_sensor(settings: Settings) -> dg.SensorDefinition:
    """Runs the nightly when files under `raw/` have changed and settled. Off until switched on: most parks publish once a day."""

    @dg.sensor(
        name=SENSOR,
        job_name=JOB,
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Looks at names, sizes and times of the files in raw/ and runs the nightly when they have changed and stay as they are.",
    )
    def new_files(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        looked = json.loads(context.cursor) if context.cursor else {"seen": None, "ran": None}
        files, now = scan(settings)
        if now == looked["ran"]:
            yield dg.SkipReason(f"{files} files, none of them new or changed")
        elif now != looked["seen"]:
            # A file may still be growing. Two looks tell, whatever the clock of the machine that writes it says.
            context.update_cursor(json.dumps({"seen": now, "ran": looked["ran"]}))
            yield dg.SkipReason(f"{files} files, some of them new or changed: waiting for the next look to find them as they are")
        else:
            context.update_cursor(json.dumps({"seen": now, "ran": now}))
            yield dg.RunRequest(run_key=now)

    return new_files


def scan(settings: Settings) -> tuple[int, str]:
    """How many files the feeds have, and a hash of what they look like from outside. No file is opened."""
    from pipelines.ingest.arrivals import find_files

    found: dict[str, Path] = {}
    for contract in load_contracts(settings.feeds_dir)[0]:
        found |= find_files(settings.raw, contract.source.drop)
    digest = hashlib.sha256()
    for path, file in sorted(found.items()):
        try:
            stat = file.stat()
        except FileNotFoundError:
            continue
        digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return len(found), digest.hexdigest()[:32]
