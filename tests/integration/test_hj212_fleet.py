"""A day of 200 devices from their receivers' logs to the published file: equal to its truth, every row accounted for."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.sample.fleet import DEFAULT_DAY, DEFAULT_SEED, FEED, KEY_VARIABLE, devices, generate_fleet, sample_key
from pipelines.settings import CHECKOUT

pytestmark = pytest.mark.slow

DEVICES = 200


@dataclass
class Night:
    """The fleet's home after a night, and what the command line said."""

    home: Path
    said: str

    def ask(self, query: str) -> pl.DataFrame:
        with duckdb.connect(self.home / "published" / "park_audit.duckdb", read_only=True) as con:
            return pl.DataFrame(con.sql(query))

    def truth(self, table: str) -> pl.DataFrame:
        return pl.read_parquet(self.home / "sample_truth" / f"{table}.parquet")


def nightly(home: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PARK_AUDIT_")}
    environment |= {"PARK_AUDIT_FEEDS": str(home / "feeds"), KEY_VARIABLE: sample_key(DEFAULT_SEED).hex()} | changes
    command = [sys.executable, "-m", "pipelines", "nightly", "--home", str(home)]
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    home = tmp_path_factory.mktemp("fleet")
    generate_fleet(home, DEVICES)
    done = nightly(home)
    assert done.returncode == 0, done.stdout + done.stderr
    return Night(home, done.stdout)


def test_every_row_of_every_log_is_accounted_for(night: Night) -> None:
    found = night.ask(
        f"select path, rows_read, rows_accepted, rows_duplicate, rows_quarantined, rows_revised from audit.deliveries "
        f"where feed_id = '{FEED}' and admission = 'admitted' order by path"
    )
    assert found.rows() == night.truth("deliveries").sort("path").rows()
    assert (found["rows_read"] == found["rows_accepted"] + found["rows_duplicate"] + found["rows_quarantined"]).all()
    refused = night.ask(f"select rule, count(*) as n from audit.quarantine where feed_id = '{FEED}' group by 1")
    assert refused["n"].sum() == found["rows_quarantined"].sum()
    assert set(refused["rule"]) == {"bad_crc", "revised_in_file", "unknown_device"}


def test_the_readings_are_what_the_devices_truly_measured(night: Night) -> None:
    """Every one of some 900,000, with value, flag and period, and no other."""
    key = ["point_id", "parameter_code", "statistic", "period_start_utc", "period_end_utc"]
    with duckdb.connect(night.home / "warehouse" / "warehouse.duckdb", read_only=True) as con:
        found = pl.DataFrame(con.sql(f"select {', '.join(key)}, value, flag from landing.reading where known_to is null"))
        earlier = con.execute("select count(*) from landing.reading where known_to is not null").fetchone()
    true = night.truth("hj212_readings")
    both = true.join(found, on=key, how="full", coalesce=True, suffix="_found")
    assert (true.height, found.height, both.height) == (true.height,) * 3
    different = both.filter(pl.col("value").ne_missing(pl.col("value_found")) | pl.col("flag").ne_missing(pl.col("flag_found")))
    assert different.is_empty(), different.head()
    assert earlier == (night.truth("deliveries")["rows_revised"].sum(),)


def test_hours_of_the_mart_are_the_hours_of_the_devices(night: Night) -> None:
    hours = night.truth("hj212_readings").filter(
        (pl.col("statistic") == "avg") & (pl.col("flag") == "N")
        & (pl.col("period_end_utc") - pl.col("period_start_utc") == pl.duration(hours=1))
    ).select("point_id", "parameter_code", hour_start_utc="period_start_utc", value="value")  # fmt: skip
    mart = night.ask("select point_id, parameter_code, hour_start_utc, value_mean from marts.point_hourly where statistic = 'avg'")
    both = hours.join(mart, on=["point_id", "parameter_code", "hour_start_utc"], how="left")
    assert both.height == hours.height > 20_000
    assert both["value_mean"].null_count() == 0
    assert (both["value"] - both["value_mean"]).abs().max() < 1e-9


def test_mass_of_every_outlet_and_pollutant(night: Night) -> None:
    """Of the hours that were valid; what stands in for the others is no measurement."""
    true = night.truth("hj212_emission").rename({"mass_kg": "true_kg", "valid_hours": "true_hours"})
    mart = night.ask(
        "select outlet_id, pollutant_code, local_date, measured_kg as mass_kg, valid_hours "
        "from marts.enterprise_emission_daily where outlet_id is not null"
    )
    both = true.join(mart, on=["outlet_id", "pollutant_code", "local_date"], how="left")
    assert both.height == true.height > 400
    wrong = both.filter(
        ((pl.col("true_kg") - pl.col("mass_kg")).abs() > 1e-6 * pl.col("true_kg")).fill_null(True)
        | (pl.col("true_hours") != pl.col("valid_hours"))
    )
    assert wrong.is_empty(), wrong.head(10)


def test_gate_a_names_who_misbehaves_and_holds_nothing_back(night: Night) -> None:
    fleet = {device.mn: device for device in devices(DEVICES, DEFAULT_SEED)}
    assert night.ask("select count(*) as n from audit.deliveries where admission in ('held', 'refused')")["n"].to_list() == [0]
    devices_named = _named(night, "gate_hj212_device", "mn")
    assert devices_named <= {("incomplete_share", mn) for mn, device in fleet.items() if "slow_packet" in device.habits}
    # An hour that was first sent half as high again stands above its own maximum until it is corrected.
    channels_named = _named(night, "gate_hj212_channel", "point_id")
    wrong_at_first = {device.point_id for device in fleet.values() if "corrects_next_day" in device.habits}
    assert channels_named == {("order_broken_share", point_id) for point_id in wrong_at_first}
    strangers = night.ask(
        "select sum(unexpected_count) as n from audit.gate_results "
        "where suite = 'gate_hj212_delivery' and column_name = 'unknown_devices' and status = 'warn'"
    )
    assert strangers["n"].to_list() == [night.truth("deliveries").height]


def _named(night: Night, suite: str, of: str) -> set[tuple[str, str]]:
    """(column, whose) of every row that a rule of the suite named on the first night."""
    rows = night.ask(f"select column_name, failing_rows from audit.gate_results where suite = '{suite}' and failing_rows is not null")
    return {(column, row[of]) for column, failing in rows.iter_rows() for row in json.loads(failing)}


def test_registering_the_strangers_brings_their_day_in(night: Night) -> None:
    """The last of the tests: it changes the park."""
    fleet = devices(DEVICES, DEFAULT_SEED)
    strangers = [device for device in fleet if not device.registered]
    profile = night.home / "feeds" / f"{FEED}_devices.csv"
    profile.write_text(profile.read_text() + "".join(f"{device.mn},{device.point_id},,,,,\n" for device in strangers))
    waiting = night.ask(f"select count(*) as n from audit.quarantine where feed_id = '{FEED}' and rule = 'unknown_device'")["n"][0]
    done = nightly(night.home)
    assert done.returncode == 0, done.stdout + done.stderr
    points = ", ".join(f"'{device.point_id}'" for device in strangers)
    with duckdb.connect(night.home / "warehouse" / "warehouse.duckdb", read_only=True) as con:
        [(came,)] = con.execute(f"select count(*) from landing.reading where known_to is null and point_id in ({points})").fetchall()
    assert came == waiting > 10_000
    assert night.ask(f"select distinct outcome from audit.deliveries where feed_id = '{FEED}' and parse_no > 1")["outcome"].to_list() == [
        "resolved"
    ]
    hours = night.ask(f"select count(distinct point_id) as n from marts.point_hourly where point_id in ({points})")
    assert hours["n"].to_list() == [len(strangers)]
    assert str(DEFAULT_DAY) in str(night.ask("select max(local_date) as d from marts.point_daily")["d"][0])
