"""The fleet of HJ 212 devices: read back it is what it says to be true, whatever a device does wrong."""

import re
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.contracts.feed import FeedContract, load_contracts
from pipelines.contracts.records import RECORD_TYPES
from pipelines.contracts.standards import load_standards
from pipelines.contracts.units import Units
from pipelines.hj212 import Dialect
from pipelines.ingest.contract_check import check
from pipelines.ingest.frames import parse_log
from pipelines.ingest.normalise import Parsed
from pipelines.ingest.references import References
from pipelines.sample.fleet import (
    DEFAULT_DAY,
    DEFAULT_SEED,
    FEED,
    INLETS,
    KEY_VARIABLE,
    device_profile,
    devices,
    generate_fleet,
    inlet_log,
    sample_key,
)
from pipelines.sample.telemetry import HABITS
from pipelines.settings import CHECKOUT, VARIABLES

COUNT = 22
KEY = ["point_id", "parameter_code", "statistic", "period_start_utc", "period_end_utc"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("fleet")
    generate_fleet(home, COUNT)
    return home


@pytest.fixture(scope="module")
def contracts(home: Path) -> dict[str, FeedContract]:
    found, problems = load_contracts(home / "feeds")
    assert problems == []
    return {contract.feed_id: contract for contract in found}


@pytest.fixture(scope="module")
def references(home: Path) -> References:
    standards = load_standards(CHECKOUT / "dbt_project" / "seeds")
    points = pl.read_csv(home / "raw" / "registers" / "point.csv", try_parse_dates=True).with_columns(source_row=pl.lit(2, pl.Int64))
    schema = RECORD_TYPES["point"].schema
    rows = points.select(pl.col(name) if name in points.columns else pl.lit(None, dtype).alias(name) for name, dtype in schema.items())
    return References(standards, Units(standards), {"point": rows.cast(dict(schema))})


@pytest.fixture(scope="module")
def parses(home: Path, contracts: dict[str, FeedContract], references: References) -> dict[str, Parsed]:
    environment = {KEY_VARIABLE: sample_key(DEFAULT_SEED).hex()}
    paths = sorted((home / "raw" / FEED).rglob("*.log"))
    return {
        path.relative_to(home / "raw").as_posix(): parse_log(
            path, contracts[FEED], references, ZoneInfo("Asia/Shanghai"), max_bytes=1 << 30, environment=environment
        )
        for path in paths
    }


def test_every_habit_has_its_device() -> None:
    fleet = devices(COUNT, DEFAULT_SEED)
    assert {habit for device in fleet for habit in device.habits} == set(HABITS)
    assert {device.dialect for device in fleet} == set(Dialect)
    assert {device.st for device in fleet} == {"31", "32"}
    assert any(device.key for device in fleet) and any(device.label_end for device in fleet)
    assert len(devices(200, 1)) == 200 and sum(not device.registered for device in devices(200, 1)) == 4


def test_the_contracts_hold_together(contracts: dict[str, FeedContract], references: References) -> None:
    assert check(list(contracts.values()), references) == []


def test_readings_read_back_are_true(home: Path, parses: dict[str, Parsed]) -> None:
    accepted = pl.concat([parse.accepted.cast(dict(RECORD_TYPES["reading"].schema)) for _, parse in sorted(parses.items())])
    # Of two logs the later one stands, as in landing.
    found = accepted.unique(KEY, keep="last", maintain_order=True)
    true = pl.read_parquet(home / "sample_truth" / "hj212_readings.parquet")
    both = true.join(found, on=KEY, how="full", coalesce=True, suffix="_found")
    assert both.height == true.height == found.height
    assert both.filter(pl.col("value").ne_missing(pl.col("value_found")) | pl.col("flag").ne_missing(pl.col("flag_found"))).is_empty()


def test_logs_hold_what_the_answer_sheet_says(home: Path, parses: dict[str, Parsed]) -> None:
    ledger = pl.read_parquet(home / "sample_truth" / "deliveries.parquet")
    assert set(ledger["path"]) == parses.keys()
    for row in ledger.iter_rows(named=True):
        parse = parses[row["path"]]
        known_before = row["rows_duplicate"] - parse.rows_duplicate
        assert (parse.rows_read, parse.quarantined.height) == (row["rows_read"], row["rows_quarantined"])
        assert known_before >= 0 and parse.accepted.height == row["rows_accepted"] + known_before
        assert known_before == 0 or row["path"].endswith("1101.log")


def test_the_same_arguments_give_the_same_bytes(home: Path, tmp_path: Path) -> None:
    generate_fleet(tmp_path, COUNT)
    for path in sorted((home / "raw").rglob("*")):
        if path.is_file():
            assert (tmp_path / path.relative_to(home)).read_bytes() == path.read_bytes(), path


def test_the_shipped_profile_is_that_of_the_inlets() -> None:
    shipped = pl.read_csv(CHECKOUT / "pipelines" / "feeds" / "hj212_inlets_devices.csv", infer_schema=False)
    assert shipped.equals(device_profile(list(INLETS)).cast(pl.String))
    assert [device.registered for device in INLETS].count(False) == 1


def test_inlets_are_silent_before_they_were_there() -> None:
    assert inlet_log(date(2026, 10, 1), date(2026, 10, 7), 1) is None
    whole, part = inlet_log(date(2026, 10, 15), date(2026, 10, 19), 1), inlet_log(date(2026, 10, 18), date(2026, 10, 19), 1)
    assert whole == part


def test_the_command_says_how_to_start_the_night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    called = CliRunner().invoke(app, ["sample", "--hj212-devices", "3", "--home", str(tmp_path)])
    assert called.exit_code == 0
    assert re.search(rf"3 devices \(0 of them unregistered\) on {DEFAULT_DAY}", called.stdout)
    assert f"PARK_AUDIT_FEEDS={tmp_path / 'feeds'} {KEY_VARIABLE}=" in called.stdout
    (tmp_path / "sample_truth" / "truth.json").write_text("{}")
    called = CliRunner().invoke(app, ["sample", "--hj212-devices", "3", "--home", str(tmp_path)])
    assert called.exit_code == 2
    assert "name another --home" in called.stderr
