"""Stamps to periods: patterns, midnights, zones, labels; and what has no place in time."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.feed import Time
from pipelines.ingest.times import Axis, example, pattern_problem, read_dates, read_instants, read_periods, time_axis

MINUTES = "%Y-%m-%d %H:%M"
SHANGHAI = ZoneInfo("Asia/Shanghai")
CHICAGO = ZoneInfo("America/Chicago")


def axis(stamps: list[str | None], park: ZoneInfo = SHANGHAI, series: list[str] | None = None, **time: object) -> Axis:
    settings = {"column": "t", "pattern": MINUTES, "step": "1h"} | time
    rows = pl.DataFrame({"t": stamps}, schema={"t": pl.String})
    return time_axis(rows, Time.model_validate(settings), park, lambda: None if series is None else pl.Series(series))


def starts(found: Axis) -> list[str | None]:
    return [None if stamp is None else f"{stamp:%m-%d %H:%M}" for stamp in found.start]


def rules(found: Axis) -> dict[int, str]:
    return dict(pl.concat(found.refusals.frames).select("at", "rule").iter_rows()) if found.refusals.frames else {}


def test_labels_say_which_side_of_the_period_a_stamp_is() -> None:
    for label, start, end in [
        ("start", "01-01 02:00", "01-01 03:00"),
        ("end", "01-01 01:00", "01-01 02:00"),
        ("instant", "01-01 02:00", "01-01 02:00"),
    ]:
        found = axis(["2026-01-01 10:00"], label=label)
        assert (f"{found.start[0]:%m-%d %H:%M}", f"{found.end[0]:%m-%d %H:%M}") == (start, end)


def test_the_local_date_is_the_parks_and_of_the_start() -> None:
    assert axis(["2026-01-02 00:00"], label="end").local_date.to_list() == [date(2026, 1, 1)]
    assert axis(["2026-01-01 20:00"], zone="UTC").local_date.to_list() == [date(2026, 1, 2)]
    assert axis(["2026-01-01 20:00"], zone="America/Chicago", park=CHICAGO).local_date.to_list() == [date(2026, 1, 1)]


def test_24_00_is_the_end_of_its_date() -> None:
    found = axis(["2026-01-01 23:00", "2026-01-01 24:00", "2026-01-31 24:00", "2026-01-01 24:15"], label="end")
    assert [f"{end:%m-%d %H:%M}" if end else None for end in found.end] == ["01-01 15:00", "01-01 16:00", "01-31 16:00", None]
    assert rules(found) == {3: "time_not_understood"}


@pytest.mark.parametrize(
    ("pattern", "stamp"),
    [
        ("%Y%m%d%H", "2026010124"),
        ("%d.%m.%Y %H.%M.%S", "01.01.2026 24.00.00"),
        ("%Y年%m月%d日 %H时", "2026年1月1日 24时"),
        ("%FT%T", "2026-01-01T24:00:00"),
    ],
)
def test_24_00_in_other_patterns(pattern: str, stamp: str) -> None:
    assert starts(axis([stamp], pattern=pattern, zone="UTC")) == ["01-02 00:00"]


def test_midnight_with_the_old_date() -> None:
    """Interval-end meters write 00:00 for 24:00: without the setting the last quarter hour would start the day before."""
    stamps = ["01-01-2018 23:45", "01-01-2018 00:00", "02-01-2018 00:15"]
    found = axis(stamps, pattern="%d-%m-%Y %H:%M", step="15min", label="end", midnight="end_of_day", zone="UTC")
    assert starts(found) == ["01-01 23:30", "01-01 23:45", "01-02 00:00"]
    assert axis(["01-01-2018 24:00"], pattern="%d-%m-%Y %H:%M", midnight="end_of_day", zone="UTC").start[0] == datetime(2018, 1, 2)


def test_a_time_that_does_not_exist() -> None:
    found = axis(["2025-03-09 01:55", "2025-03-09 02:30", "2025-03-09 03:00"], zone="America/Chicago", step="5min")
    assert starts(found) == ["03-09 07:55", None, "03-09 08:00"]
    assert rules(found) == {1: "nonexistent_local_time"}
    assert "America/Chicago" in found.refusals.frames[0]["reason"][0]


REPEATED = ["2025-11-02 00:30", "2025-11-02 01:00", "2025-11-02 01:30", "2025-11-02 01:00", "2025-11-02 01:30", "2025-11-02 02:00"]


def test_a_repeated_hour_is_told_apart_by_order() -> None:
    assert starts(axis(REPEATED, zone="America/Chicago")) == [
        f"11-02 {time}" for time in ("05:30", "06:00", "06:30", "07:00", "07:30", "08:00")
    ]


def test_a_repeated_hour_in_a_file_that_runs_backwards() -> None:
    assert starts(axis(REPEATED[::-1], zone="America/Chicago"))[::-1] == starts(axis(REPEATED, zone="America/Chicago"))


def test_a_repeated_hour_in_a_long_file_is_told_apart_per_series() -> None:
    stamps = ["2025-11-02 01:00", "2025-11-02 01:00", "2025-11-02 01:00", "2025-11-02 01:00"]
    assert starts(axis(stamps, zone="America/Chicago", series=["a", "b", "a", "b"])) == [
        "11-02 06:00",
        "11-02 06:00",
        "11-02 07:00",
        "11-02 07:00",
    ]


def test_a_repeated_hour_with_missing_stamps() -> None:
    """The jump back tells, also for stamps that stand once: 01:15 is of the first pass, 01:30 of the second."""
    clocks = ["00:45", "01:00", "01:15", "01:45", "01:00", "01:30", "01:45", "02:00"]
    found = axis([f"2025-11-02 {clock}" for clock in clocks], zone="America/Chicago", step="15min")
    assert starts(found) == [f"11-02 {time}" for time in ("05:45", "06:00", "06:15", "06:45", "07:00", "07:30", "07:45", "08:00")]


def test_a_file_that_begins_in_the_second_pass_knows_it_by_what_follows() -> None:
    found = axis(["2025-11-02 01:00", "2025-11-02 01:30", "2025-11-02 02:00"], zone="America/Chicago", step="30min")
    assert starts(found) == ["11-02 07:00", "11-02 07:30", "11-02 08:00"]


def test_an_hour_that_an_author_lost_stays_the_first() -> None:
    found = axis(["2025-11-02 00:00", "2025-11-02 01:00", "2025-11-02 02:00"], zone="America/Chicago")
    assert starts(found) == ["11-02 05:00", "11-02 06:00", "11-02 08:00"]


def test_settings_for_repeated_hours() -> None:
    one = ["2025-11-02 01:00"]
    assert starts(axis(one, zone="America/Chicago")) == ["11-02 06:00"]  # alone it is the first: the other was lost
    assert starts(axis(one, zone="America/Chicago", repeats="earliest")) == ["11-02 06:00"]
    assert starts(axis(one, zone="America/Chicago", repeats="latest")) == ["11-02 07:00"]
    quarantined = axis(one, zone="America/Chicago", repeats="quarantine")
    assert (starts(quarantined), rules(quarantined)) == ([None], {0: "ambiguous_local_time"})
    three = axis(one * 3, zone="America/Chicago")
    assert rules(three) == dict.fromkeys(range(3), "ambiguous_local_time")


def test_days_follow_the_calendar() -> None:
    found = axis(["2025-03-09", "2025-11-02", "2025-06-01"], pattern="%Y-%m-%d", step="1d", zone="America/Chicago")
    assert (found.end - found.start).to_list() == [timedelta(hours=23), timedelta(hours=25), timedelta(hours=24)]


def test_stamps_with_their_own_offset() -> None:
    found = axis(["2026-01-01T00:00:00+08:00", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00"], pattern="%Y-%m-%dT%H:%M:%S%z")
    assert starts(found) == ["12-31 16:00", "01-01 00:00", None]
    assert "2026-01-31T23:15:00+0800" in found.refusals.frames[0]["reason"][0]


def test_spreadsheet_times_are_binary_fractions() -> None:
    found = axis(["2026-01-01 00:14:59.999", "2026-01-01 00:14:59.500"], pattern="%Y-%m-%d %H:%M:%S", zone="UTC")
    assert starts(found) == ["01-01 00:15", None]


def test_separate_date_and_time_columns_even_from_a_workbook() -> None:
    rows = pl.DataFrame({"day": ["2026-01-01 00:00:00", "2026-01-01"], "clock": ["05:15:00", None]})
    time = Time.model_validate({"columns": ["day", "clock"], "pattern": "%Y-%m-%d %H:%M:%S", "step": "1h", "zone": "UTC"})
    found = time_axis(rows, time, SHANGHAI, lambda: None)
    assert starts(found) == ["01-01 05:15", None]
    assert rules(found) == {1: "time_missing"}


def test_stamps_that_are_not_understood_say_what_would_be() -> None:
    found = axis(["2026-01-01 00:00", "01/02/2026 00:00", "2026-02-30 00:00", "", None])
    assert rules(found) == {1: "time_not_understood", 2: "time_not_understood", 3: "time_missing", 4: "time_missing"}
    [reason] = set(pl.concat(found.refusals.frames).filter(pl.col("rule") == "time_not_understood")["reason"])
    assert reason == "does not read as %Y-%m-%d %H:%M; right would be 2026-01-31 23:15"


def test_a_file_without_dates_counts_them() -> None:
    found = axis(["22.00", "23.00", "00.00", "x", "24.00", "01.00"], pattern="%H.%M", first_date="2004-03-10", zone="UTC")
    assert starts(found) == ["03-10 22:00", "03-10 23:00", "03-11 00:00", None, "03-12 00:00", "03-12 01:00"]
    assert found.warnings == [
        "dates were counted from 2004-03-10: 1 of 4 steps are not 1:00:00, and a gap of more than a day cannot be seen in a file without dates"
    ]
    daily = axis(["08:00", "08:00", "08:00"], pattern="%H:%M", first_date="2026-01-01", step="1d", zone="UTC")
    assert [stamp.day for stamp in daily.start] == [1, 2, 3]
    assert daily.warnings == []


@pytest.mark.parametrize(
    ("pattern", "length", "text", "first", "after"),
    [
        ("%Y", "year", "2019", date(2019, 1, 1), date(2020, 1, 1)),
        ("%Y-%m", "month", "2026-02", date(2026, 2, 1), date(2026, 3, 1)),
        ("%Y年%m月", "month", "2026年3月", date(2026, 3, 1), date(2026, 4, 1)),
        ("%YQ%q", "quarter", "2026Q4", date(2026, 10, 1), date(2027, 1, 1)),
        ("%Y-%m", "quarter", "2026-05", date(2026, 4, 1), date(2026, 7, 1)),
        ("%Y-%m-%d", "month", "2026-01-31", date(2026, 1, 1), date(2026, 2, 1)),
        ("%Y-%m-%d %H:%M:%S", "month", "2026-01-01 00:00:00", date(2026, 1, 1), date(2026, 2, 1)),
        ("%d.%m.%y", "day", "31.12.25", date(2025, 12, 31), date(2026, 1, 1)),
        ("%Y-%m", "month", "2026-13", None, None),
        ("%Y-%m", "month", "02/2026", None, None),
        ("%Y-%m-%d", "month", "2026-02-30", None, None),
    ],
)
def test_reporting_periods(pattern: str, length: str, text: str, first: date | None, after: date | None) -> None:
    assert tuple(series.to_list() for series in read_periods(pl.Series([text]), pattern, length)) == ([first], [after])


def test_dates_and_instants() -> None:
    texts = pl.Series(["2026-01-31", "2026-01-31 00:00:00", "2026/1/31", "2026-01-31 05:00:00", "31.01.2026"])
    assert read_dates(texts, None).to_list() == [date(2026, 1, 31)] * 3 + [None, None]
    assert read_dates(texts, "%d.%m.%Y").to_list()[-1] == date(2026, 1, 31)
    instants = read_instants(pl.Series(["2026-01-31 08:00", "2026-01-31T08:00:00", "2026-01-31", "x"]), None, SHANGHAI)
    assert instants.to_list() == [datetime(2026, 1, 31), datetime(2026, 1, 31), datetime(2026, 1, 30, 16), None]
    zoned = read_instants(pl.Series(["2026-01-31T08:00:00+08:00"]), "%Y-%m-%dT%H:%M:%S%z", CHICAGO)
    assert zoned.to_list() == [datetime(2026, 1, 31)]


@pytest.mark.parametrize(
    ("pattern", "dated", "words"),
    [
        ("%Y-%m-%d", True, None), ("%F %T", True, None), ("%Y-%m-%d %H:%M:%S%.f", True, None), ("%d %b %Y", True, None), ("%H:%M", False, None),
        ("%H:%M", True, "names no whole date"), ("%Y-%m", True, "names no whole date"), ("%Y-%m-%d", False, "needs %H"),
        ("%Q-%m", True, "knows no %Q"), ("yyyy-MM-dd", True, "holds no directive"),
    ],
)  # fmt: skip
def test_patterns_are_judged_before_a_file_comes(pattern: str, dated: bool, words: str | None) -> None:
    problem = pattern_problem(pattern, dated=dated)
    assert problem is None if words is None else problem is not None and words in problem


def test_examples_are_written_by_the_pattern_itself() -> None:
    assert example("%d.%m.%Y %H:%M") == "31.01.2026 23:15"
    assert example("%YQ%q") == "2026Q1"


ZONES = ["Asia/Shanghai", "America/Chicago", "Europe/Madrid", "Australia/Lord_Howe", "Etc/GMT-1", "America/Sao_Paulo", "Asia/Kathmandu"]


@given(
    zone=st.sampled_from(ZONES),
    first=st.datetimes(datetime(1996, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(minute=0, second=0, microsecond=0)),
    step=st.sampled_from([15, 30, 60]),
    days=st.integers(1, 400),
)
def test_a_continuous_local_series_runs_strictly_forward_in_utc(zone: str, first: datetime, step: int, days: int) -> None:
    """What a logger on local wall time writes without a break comes back as what it saw: no gap, no repeat, nothing refused."""
    truth = pl.datetime_range(first, first + timedelta(days=days), f"{step}m", eager=True, time_unit="us")
    local = truth.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)
    found = axis(local.dt.to_string(MINUTES).to_list(), zone=zone, step=f"{step}min")
    assert not found.refusals.frames
    assert found.start.to_list() == truth.to_list()
