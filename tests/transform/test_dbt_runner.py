"""How dbt is started: pure arguments, parse only on change, target folders, and a child that dies with its parent."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import duckdb
import pytest

from pipelines.settings import Settings
from pipelines.transform import dbt
from pipelines.transform.dbt_child import PARENT_VARIABLE

CHILD = Path(dbt.__file__).with_name("dbt_child.py")


class MiniSettings(Settings):
    """Settings of a home whose dbt project is a small one of the test's own."""

    @property
    def dbt_project(self) -> Path:
        return self.home / "project"


@pytest.fixture
def mini(tmp_path: Path) -> MiniSettings:
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "_park.yaml").write_text("park_id: PARK\nzone: Asia/Shanghai\n")
    settings = MiniSettings(home=tmp_path / "home", feeds_dir=feeds)
    settings.make_folders()
    (settings.dbt_project / "models").mkdir(parents=True)
    (settings.dbt_project / "dbt_project.yml").write_text(
        "name: mini\nversion: '1.0.0'\nprofile: park_audit\nflags: {send_anonymous_usage_stats: false}\n"
    )
    (settings.dbt_project / "profiles.yml").write_text(
        "park_audit: {target: duckdb, outputs: {duckdb: {type: duckdb, path: \"{{ env_var('PARK_AUDIT_WAREHOUSE') }}\"}}}\n"
    )
    (settings.dbt_project / "models" / "one.sql").write_text("select '{{ var(\"park_id\") }}' as park_id")
    return settings


def test_arguments_of_a_nightly_build() -> None:
    arguments = dbt.dbt_arguments("build", park_id="P1", park_zone="Asia/Shanghai")
    assert arguments[0] == "build"
    assert json.loads(arguments[arguments.index("--vars") + 1]) == {"park_id": "P1", "park_zone": "Asia/Shanghai"}
    assert arguments[arguments.index("--exclude-resource-type") + 1] == "unit_test"
    assert "--full-refresh" not in arguments and "--select" not in arguments


def test_arguments_say_what_is_asked_for() -> None:
    arguments = dbt.dbt_arguments(
        "build", park_id="P", park_zone="UTC", full_refresh=True, unit_tests=True, exclude_seeds=True, select=["a", "b+"]
    )
    assert "--full-refresh" in arguments
    assert arguments[-3:] == ["--select", "a", "b+"]
    assert [arguments[i + 1] for i, word in enumerate(arguments) if word == "--exclude-resource-type"] == ["seed"]
    assert "--exclude-resource-type" not in dbt.dbt_arguments("parse", park_id="P", park_zone="UTC"), "parse has no such option"


def test_nothing_that_changes_nightly_is_a_variable(mini: MiniSettings) -> None:
    """Another value of any --vars makes dbt parse the whole project again: builds and changes come by environment."""
    first, second = (dbt.dbt_environment(mini, build_id=build, through_change_seq=seq) for build, seq in (("b1", 4), ("b2", 9)))
    assert {key for key in first if first[key] != second[key]} == {"PARK_AUDIT_BUILD_ID", "PARK_AUDIT_THROUGH_CHANGE_SEQ"}
    assert first["PARK_AUDIT_THROUGH_CHANGE_SEQ"] == "4"
    assert first["PARK_AUDIT_WAREHOUSE"] == str(mini.warehouse)
    assert first["PARK_AUDIT_MEMORY_LIMIT"] == mini.memory_limit
    assert first["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "False"
    assert first[PARENT_VARIABLE] == str(os.getpid())


def test_the_program_needs_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    program = dbt.dbt_program()
    assert all(Path(part).is_absolute() for part in program if not part.startswith("-"))
    monkeypatch.setenv("PATH", "")
    said = subprocess.run([*program, "--version"], capture_output=True, text=True, check=True, cwd="/").stdout
    assert "duckdb" in said


def test_the_hash_follows_every_file_that_dbt_reads(mini: MiniSettings) -> None:
    seen = {dbt.project_hash(mini)}
    for path, content in (
        ("models/one.sql", "select 2 as one"),
        ("models/two.yml", "version: 2"),
        ("macros/m.sql", "{% macro m() %}1{% endmacro %}"),
        ("seeds/s.csv", "a\n1\n"),
        ("tests/t.sql", "select 1"),
        ("profiles.yml", "x: 1"),
    ):
        (mini.dbt_project / path).parent.mkdir(exist_ok=True)
        (mini.dbt_project / path).write_text(content)
        seen.add(dbt.project_hash(mini))
    (mini.feeds_dir / "_park.yaml").write_text("park_id: OTHER\nzone: Asia/Shanghai\n")
    seen.add(dbt.project_hash(MiniSettings(home=mini.home, feeds_dir=mini.feeds_dir)))
    assert len(seen) == 8
    before = dbt.project_hash(mini)
    (mini.dbt_project / "target").mkdir()
    (mini.dbt_project / "target" / "manifest.json").write_text("{}")
    assert dbt.project_hash(mini) == before, "what dbt itself writes changes nothing"


def test_parses_once_per_change(mini: MiniSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[str] = []
    real = dbt.run_dbt
    monkeypatch.setattr(
        dbt, "run_dbt", lambda settings, arguments, **kw: (commands.append(arguments[0]), real(settings, arguments, **kw))[1]
    )
    first = dbt.parsed_manifest(mini)
    assert "model.mini.one" in json.loads(first.read_text())["nodes"]
    assert dbt.parsed_manifest(mini) == first and commands == ["parse"]
    (mini.dbt_project / "models" / "two.sql").write_text("select 2 as two")
    second = dbt.parsed_manifest(mini)
    assert second != first and commands == ["parse", "parse"]
    assert "model.mini.two" in json.loads(second.read_text())["nodes"]
    assert not list(second.parent.parent.glob(".parsing-*")), "a working folder stayed behind"


def test_a_project_that_does_not_parse_says_why(mini: MiniSettings) -> None:
    (mini.dbt_project / "models" / "bad.sql").write_text("select * from {{ ref('nowhere') }}")
    with pytest.raises(dbt.DbtError, match="nowhere"):
        dbt.parsed_manifest(mini)
    assert not [path for path in (mini.dagster_home / "dbt").iterdir() if path.name.startswith(".")]


def test_a_build_does_not_parse_again(mini: MiniSettings) -> None:
    target = dbt.build_target(mini, "b1")
    arguments = dbt.dbt_arguments("build", park_id="PARK", park_zone="Asia/Shanghai")
    arguments[arguments.index("--log-level-file") + 1] = "debug"
    dbt.run_dbt(mini, arguments, target=target, build_id="b1", through_change_seq=7)
    assert "Partial parsing enabled, no changes found, skipping parsing" in (target / "dbt.log").read_text()
    with duckdb.connect(str(mini.warehouse)) as con:
        assert con.execute("select park_id from main.one").fetchall() == [("PARK",)]


def test_target_folders_are_pruned(mini: MiniSettings) -> None:
    for number in range(mini.keep_targets + 2):
        folder = mini.logs / "dbt" / f"build-{number}"
        folder.mkdir(parents=True)
        (folder / "dbt.log").write_text("x")
        os.utime(folder, (number, number))
    assert {path.name for path in dbt.prune_targets(mini)} == {"build-0", "build-1"}
    assert sorted(path.name for path in (mini.logs / "dbt").iterdir()) == [f"build-{n}" for n in range(2, mini.keep_targets + 2)]
    assert dbt.prune_targets(mini) == []


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait_until(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def _opens(warehouse: Path) -> bool:
    try:
        duckdb.connect(str(warehouse)).close()
    except duckdb.IOException:
        return False
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_dbt_dies_with_a_killed_parent_and_frees_the_warehouse(mini: MiniSettings) -> None:
    """SIGKILL leaves the parent no chance to tidy up; an orphaned dbt would keep DuckDB's lock for hours."""
    (mini.dbt_project / "models" / "endless.sql").write_text(
        "{{ config(materialized='table') }} select sum(a.range * b.range) as s from range(10000000) a, range(10000000) b"
    )
    parent_code = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_dbt_runner import MiniSettings
        from pipelines.transform import dbt
        settings = MiniSettings(home=Path({str(mini.home)!r}), feeds_dir=Path({str(mini.feeds_dir)!r}))
        arguments = dbt.dbt_arguments("build", park_id="PARK", park_zone="UTC", select=["endless"])
        arguments[arguments.index("--log-level-file") + 1] = "info"
        dbt.run_dbt(settings, arguments, target=settings.logs / "dbt" / "b", build_id="b", through_change_seq=1)
    """)
    parent = subprocess.Popen([sys.executable, "-c", parent_code])
    try:
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        log = mini.logs / "dbt" / "b" / "dbt.log"
        assert _wait_until(lambda: log.is_file() and "START sql table model main.endless" in log.read_text(), 60)
        [dbt_process] = [int(pid) for pid in children.read_text().split()]
        with pytest.raises(duckdb.IOException, match="lock"):
            duckdb.connect(str(mini.warehouse))
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert _wait_until(lambda: not _alive(dbt_process), 10), "dbt outlived its parent"
        # A dying process of many threads lets go of its files a moment after it is gone from the list.
        assert _wait_until(lambda: _opens(mini.warehouse), 10), "the warehouse stayed locked"
    finally:
        parent.kill()
        parent.wait()


def test_a_child_whose_parent_is_already_gone_does_not_start() -> None:
    """Between our fork and the child's request the parent may die: then no signal would ever come."""
    environment = os.environ | {PARENT_VARIABLE: "1999999999"}
    done = subprocess.run([sys.executable, "-P", str(CHILD), "--version"], env=environment, capture_output=True, check=False)
    assert done.returncode == 1 and done.stdout == b""


def test_dbt_sees_its_own_variables_and_no_others(mini: MiniSettings) -> None:
    (mini.dbt_project / "models" / "one.sql").write_text(
        'select \'{{ env_var("PARK_AUDIT_BUILD_ID") }}\' as a, \'{{ env_var("SECRET", "gone") }}\' as b'
    )
    os.environ["SECRET"] = "there"
    try:
        arguments = dbt.dbt_arguments("build", park_id="PARK", park_zone="UTC")
        dbt.run_dbt(mini, arguments, target=mini.logs / "dbt" / "b", build_id="b7", through_change_seq=1)
    finally:
        del os.environ["SECRET"]
    with duckdb.connect(str(mini.warehouse)) as con:
        assert con.execute("from main.one").fetchall() == [("b7", "gone")]
