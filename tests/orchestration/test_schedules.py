"""When the nightly runs by itself."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from pipelines.orchestration.keys import JOB
from pipelines.orchestration.schedules import new_files_sensor, nightly_schedule, scan
from pipelines.settings import Settings


@dg.job(name=JOB)
def nightly_job() -> None:
    """Stands for the real one."""


@pytest.fixture
def schedule(settings: Settings) -> dg.ScheduleDefinition:
    return nightly_schedule(settings, nightly_job)


def test_the_schedule_runs_from_the_start_in_the_parks_zone(schedule: dg.ScheduleDefinition) -> None:
    assert schedule.execution_timezone == "Asia/Shanghai"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 11, 21, 16, 0, tzinfo=UTC), datetime(2026, 11, 21, 18, 10, tzinfo=UTC)),  # midnight in Shanghai: still to come
        (datetime(2026, 11, 21, 18, 30, tzinfo=UTC), datetime(2026, 11, 22, 18, 10, tzinfo=UTC)),  # 02:30 in Shanghai: tomorrow
    ],
)
def test_ten_past_two_is_the_parks_clock(schedule: dg.ScheduleDefinition, now: datetime, expected: datetime) -> None:
    from dagster._utils.schedules import schedule_execution_time_iterator

    moment = next(schedule_execution_time_iterator(now.timestamp(), schedule.cron_schedule, schedule.execution_timezone))
    assert moment.astimezone(UTC) == expected


@pytest.fixture
def drop(settings: Settings, write_feed: Callable[..., Path]) -> Path:
    write_feed("meters")
    folder = settings.raw / "meters"
    folder.mkdir()
    return folder


class Ticks:
    """The sensor, tick after tick, with its cursor kept as the daemon would."""

    def __init__(self, settings: Settings) -> None:
        self.sensor = new_files_sensor(settings)
        self.cursor: str | None = None

    def tick(self) -> list[str | None]:
        context = dg.build_sensor_context(cursor=self.cursor)
        result = self.sensor.evaluate_tick(context)
        self.cursor = result.cursor
        return [request.run_key for request in result.run_requests]


def test_the_sensor_waits_until_files_stay_as_they_are(settings: Settings, drop: Path) -> None:
    ticks = Ticks(settings)
    (drop / "a.csv").write_text("time,kwh\n")
    assert ticks.tick() == [], "it may still be growing"
    [first] = ticks.tick()
    assert ticks.tick() == [], "one run for one change"
    (drop / "a.csv").write_text("time,kwh\n2026-01-01 00:00,1\n")
    assert ticks.tick() == []
    (drop / "a.csv").write_text("time,kwh\n2026-01-01 00:00,1\n2026-01-01 01:00,2\n")
    assert ticks.tick() == [], "it grew between two looks"
    [second] = ticks.tick()
    assert first != second


def test_the_sensor_sees_names_and_times_and_only_what_feeds_name(settings: Settings, drop: Path) -> None:
    (drop / "a.csv").write_text("x")
    before = scan(settings)
    assert before[0] == 1
    (settings.raw / "elsewhere").mkdir()
    (settings.raw / "elsewhere" / "b.csv").write_text("x")
    assert scan(settings) == before
    (drop / "a.csv").rename(drop / "c.csv")
    renamed = scan(settings)
    assert renamed[1] != before[1]
    os.utime(drop / "c.csv", (1, 1))
    assert scan(settings)[1] != renamed[1]


def test_the_sensor_is_off_until_switched_on(settings: Settings) -> None:
    sensor = new_files_sensor(settings)
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED
    assert sensor.minimum_interval_seconds >= 60
