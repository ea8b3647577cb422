"""`park-audit hj212`: decoding from the command line, and a listener as a process of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.hj212 import decode_files
from pipelines.settings import CHECKOUT, VARIABLES
from tests.hj212.vectors import ANSWER, CIPHER_2025, HOUR_GAS, KEY_2025, PACKET_1, REALTIME_GAS

runner = CliRunner()


@pytest.fixture(autouse=True)
def _no_settings_of_the_developers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [*VARIABLES.values(), "PARK_AUDIT_HJ212_SALT"]:
        monkeypatch.delenv(variable, raising=False)


def call(*arguments: object) -> tuple[int, str, str]:
    result = runner.invoke(app, ["hj212", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "1.log").write_bytes(HOUR_GAS + b"text\n" + REALTIME_GAS.replace(b"35.20", b"35.21"))
    (folder / "2.log").write_bytes(PACKET_1 + CIPHER_2025 + HOUR_GAS)
    return folder


def test_counts_by_verdict_and_bad_frames_are_no_error(logs: Path, tmp_path: Path) -> None:
    code, said, _ = call("decode", logs, "--out", tmp_path / "out")
    assert code == 0
    counts = {
        line.split()[0]: line.split()[1].replace(",", "") for line in said.splitlines() if line.startswith(("ok", "bad", "enc", "all"))
    }
    assert counts == {"ok": "3", "bad_crc": "1", "bad_length": "0", "bad_grammar": "0", "encrypted_unverified": "1", "all": "5"}
    assert re.search(r"31 +2061 +2 +hourly values", said)
    frames = pl.read_parquet(tmp_path / "out" / "frames.parquet")
    assert frames["verdict"].to_list() == ["ok", "bad_crc", "ok", "encrypted_unverified", "ok"]
    assert frames["is_duplicate"].to_list()[-1] is True
    assert call("decode", logs, "--out", tmp_path / "out", "--strict")[0] == 1
    assert call("decode", logs / "1.log", "--out", tmp_path / "out", "--strict")[0] == 1


@pytest.mark.parametrize("layout", ["parquet", "csv", "jsonl"])
def test_every_format(layout: str, logs: Path, tmp_path: Path) -> None:
    code, said, _ = call("decode", logs, "--out", tmp_path / "out", "--format", layout)
    assert code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"frames.{layout}", f"values.{layout}"]
    assert f"frames.{layout}" in said


def test_a_device_profile_brings_keys_and_the_salt_makes_hashes_comparable(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = tmp_path / "devices.csv"
    profile.write_text("mn,point_id,sm4_key_env\n010000A8900016F000169DC0,S1,PARK_AUDIT_HJ212_KEY_ONE\n")
    monkeypatch.setenv("PARK_AUDIT_HJ212_KEY_ONE", KEY_2025.hex())
    monkeypatch.setenv("PARK_AUDIT_HJ212_SALT", "salt")
    for out in ("a", "b"):
        assert call("decode", logs / "2.log", "--out", tmp_path / out, "--devices", profile)[0] == 0
    one, other = (pl.read_parquet(tmp_path / out / "frames.parquet") for out in ("a", "b"))
    assert one["verdict"].to_list() == ["ok", "ok", "ok"]
    assert one["password_hash"].equals(other["password_hash"])
    monkeypatch.delenv("PARK_AUDIT_HJ212_KEY_ONE")
    code, _, warned = call("decode", logs / "2.log", "--out", tmp_path / "c", "--devices", profile)
    assert code == 0
    assert "PARK_AUDIT_HJ212_KEY_ONE is not set" in warned


def test_wrong_use_says_what_is_wrong(logs: Path, tmp_path: Path) -> None:
    code, _, said = call("decode", tmp_path / "nothing.log", "--out", tmp_path / "out")
    assert (code, "nothing.log is not there" in said) == (2, True)
    code, _, said = call("decode", logs, "--out", tmp_path / "out", "--format", "xml")
    assert (code, "right would be one of parquet, csv, jsonl" in said) == (2, True)
    (tmp_path / "devices.csv").write_text("mn,label\nM1,middle\n")
    code, _, said = call("decode", logs, "--out", tmp_path / "out", "--devices", tmp_path / "devices.csv")
    assert code == 2
    assert "row 2: label = 'middle': right would be 'start' or 'end'" in said
    assert not (tmp_path / "out").exists()


# listen


def feeds(folder: Path, drop: str = "hj212/**/*.log") -> Path:
    folder.mkdir()
    (folder / "_park.yaml").write_text("park_id: PARK\nzone: Asia/Shanghai\n")
    (folder / "devices.yaml").write_text(
        "feed_id: devices\nrecord: reading\nowner: desk@park.example\nsource_kind: automatic\n"
        f'source: {{hj212: {{drop: "{drop}", devices: devices.csv}}}}\n'
    )
    (folder / "devices.csv").write_text("mn,point_id\n010000A8900016F000169DC0,S1\n")
    return folder


def test_a_listener_from_its_start_to_its_graceful_end(tmp_path: Path) -> None:
    """The log lies in the feed's drop folder, whole, when the process has ended; what was answered is in it."""
    environment = os.environ | {"PARK_AUDIT_FEEDS": str(feeds(tmp_path / "feeds")), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "pipelines", "hj212", "listen", "--feed", "devices", "--port", "0", "--home", str(tmp_path / "home")]
    child = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stderr is not None
        begins = child.stderr.readline()
        found = re.match(r"listening on 127\.0\.0\.1:(\d+), logs in (.+); Ctrl-C ends it", begins)
        assert found, begins + child.stderr.read()
        with socket.create_connection(("127.0.0.1", int(found[1])), timeout=10) as device:
            device.sendall(HOUR_GAS[:99])
            time.sleep(0.05)
            device.sendall(HOUR_GAS[99:] + b"noise\r\n" + PACKET_1[:80])
            device.settimeout(10)
            assert device.recv(4096) == ANSWER
            child.send_signal(signal.SIGTERM)
            said, _ = child.communicate(timeout=30)
    finally:
        child.kill()
    assert child.returncode == 0
    folder = tmp_path / "home" / "raw" / "hj212"
    [log] = folder.glob("*.log")
    assert Path(found[2]) == folder
    assert said.splitlines()[-1] == str(log)
    assert "1 devices (0 unknown), 1 frames, 1 answered" in said
    frames = decode_files([log]).frames
    assert frames["verdict"].to_list() == ["ok", "bad_length"]
    assert frames["received_local"].null_count() == 0


def test_a_listener_that_may_not_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARK_AUDIT_FEEDS", str(feeds(tmp_path / "feeds")))
    home = ["--home", tmp_path / "home"]
    code, _, said = call("listen", *home)
    assert (code, "--feed" in said) == (2, True)
    code, _, said = call("listen", "--drop", tmp_path / "logs", "--host", "192.0.2.7", *home)
    assert (code, "can be reached from other machines" in said, "--expose" in said) == (2, True, True)
    code, _, said = call("listen", "--feed", "others", *home)
    assert (code, "there are: devices" in said) == (2, True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, said = call("listen", "--drop", tmp_path / "logs", "--port", taken.getsockname()[1], *home)
    assert code == 1
    assert "in use" in said


def test_a_log_that_the_feed_would_not_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARK_AUDIT_FEEDS", str(feeds(tmp_path / "feeds", "hj212/*.txt")))
    code, _, said = call("listen", "--feed", "devices", "--home", tmp_path / "home")
    assert (code, "which it would not find" in said) == (2, True)
