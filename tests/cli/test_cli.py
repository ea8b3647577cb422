"""The command line: exit codes, messages without tracebacks, and output that a program can read."""

import importlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli import shared
from pipelines.cli.main import app
from pipelines.settings import CHECKOUT, VARIABLES
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.lock import write_lock
from tests.orchestration.mini import MiniHome, copies, make_home

runner = CliRunner()


@pytest.fixture(autouse=True)
def _no_settings_of_the_developers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> MiniHome:
    home = make_home(tmp_path_factory.mktemp("cli") / "park")
    home.deliver("march.csv", date(2026, 3, 1), 2)
    assert home.night().status == "published"
    return home


@pytest.fixture
def home(published: MiniHome, tmp_path: Path) -> Iterator[MiniHome]:
    yield from copies(published, tmp_path / "park")


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which nothing has happened yet, with a feed folder of its own."""
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "_park.yaml").write_text("park_id: PARK\nzone: Asia/Shanghai\n")
    monkeypatch.setenv("PARK_AUDIT_FEEDS", str(feeds))
    return tmp_path / "home"


def call(*arguments: object, home: MiniHome | Path | None = None) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    options = []
    if home is not None:
        options = ["--home", str(home.settings.home if isinstance(home, MiniHome) else home)]
        if isinstance(home, MiniHome):
            os.environ["PARK_AUDIT_FEEDS"] = str(home.settings.feeds_dir)
    result = runner.invoke(app, [*map(str, arguments), *options])
    os.environ.pop("PARK_AUDIT_FEEDS", None) if isinstance(home, MiniHome) else None
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_every_command_takes_a_home_and_says_what_it_does() -> None:
    for command in (
        ["nightly"],
        ["sample"],
        ["sql"],
        ["doctor"],
        ["feed", "list"],
        ["feed", "check"],
        ["feed", "preview"],
        ["feed", "template"],
    ):
        code, said, _ = call(*command, "--help")
        assert code == 0 and "--home" in said, command


def test_expected_errors_are_known_by_their_real_names() -> None:
    """They are told apart by name, so that a command need not import every layer: a renamed class must not fall through."""
    homes = {
        "StandardsError": "contracts.standards", "ContractError": "contracts.feed", "SuiteError": "gates.suites", "SettingsError": "settings",
        "LockHeld": "warehouse.lock", "WarehouseError": "warehouse.connection", "DbtError": "transform.dbt",
        "PublishError": "publish.snapshot", "PublicationError": "warehouse.published",
    }  # fmt: skip
    assert homes.keys() == shared.EXIT_CODES.keys()
    for name, module in homes.items():
        assert issubclass(getattr(importlib.import_module(f"pipelines.{module}"), name), Exception)


# wrong configuration


def test_a_wrong_setting_names_variable_and_value(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARK_AUDIT_MEMORY_LIMIT", "plenty")
    code, _, said = call("nightly", home=empty)
    assert code == 2 and "PARK_AUDIT_MEMORY_LIMIT = 'plenty'" in said and "Traceback" not in said


def test_a_missing_park_file_is_wrong_configuration(empty: Path) -> None:
    (empty.parent / "feeds" / "_park.yaml").unlink()
    code, _, said = call("nightly", home=empty)
    assert code == 2 and "_park.yaml" in said and "park_id and zone" in said


def test_an_unknown_option_is_wrong_use() -> None:
    assert call("nightly", "--fast")[0] == 2


# sql


def test_sql_prints_a_table_for_people(home: MiniHome) -> None:
    code, said, _ = call("sql", "select local_date, kwh from marts.park_daily order by 1", home=home)
    assert code == 0
    assert [line.split() for line in said.strip().splitlines()] == [["local_date", "kwh"], ["2026-03-01", "24"], ["2026-03-02", "24"]]


def test_sql_prints_csv_and_json_for_programs(home: MiniHome) -> None:
    query = "select local_date, kwh, null as nothing, 'a,b' as text from marts.park_daily order by 1"
    assert call("sql", query, "--format", "csv", home=home)[1].splitlines() == [
        "local_date,kwh,nothing,text", '2026-03-01,24.0,,"a,b"', '2026-03-02,24.0,,"a,b"',
    ]  # fmt: skip
    lines = [json.loads(line) for line in call("sql", query, "-f", "json", home=home)[1].splitlines()]
    assert lines[0] == {"local_date": "2026-03-01", "kwh": 24.0, "nothing": None, "text": "a,b"}


def test_sql_shows_a_hundred_rows_and_says_how_many_more(home: MiniHome) -> None:
    code, said, noted = call("sql", "from range(250)", home=home)
    assert code == 0 and len(said.strip().splitlines()) == 101 and "150 more rows" in noted
    assert len(call("sql", "from range(250)", "-f", "csv", home=home)[1].splitlines()) == 251


def test_sql_reads_from_standard_input(home: MiniHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARK_AUDIT_FEEDS", str(home.settings.feeds_dir))
    result = runner.invoke(app, ["sql", "-", "--home", str(home.settings.home), "-f", "csv"], input="select 1 as one")
    assert result.stdout == "one\n1\n"


def test_sql_cannot_change_the_published_file(home: MiniHome) -> None:
    code, _, said = call("sql", "delete from marts.park_daily", home=home)
    assert code == 2 and "read-only" in said
    assert home.published("select count(*) from marts.park_daily") == [(2,)]


def test_sql_shows_where_a_query_is_wrong(home: MiniHome) -> None:
    code, _, said = call("sql", "select nonsense from marts.park_daily", home=home)
    assert code == 2 and "nonsense" in said and "Traceback" not in said


def test_sql_before_the_first_publication_says_what_to_do(empty: Path) -> None:
    code, _, said = call("sql", "select 1", home=empty)
    assert code == 1 and "park-audit nightly" in said


# feeds


def test_feed_list_counts_files(home: MiniHome) -> None:
    code, said, _ = call("feed", "list", home=home)
    rows = {line.split()[0]: line.split()[1:] for line in said.splitlines()[1:]}
    assert code == 0 and rows["meters"] == ["reading", "1", "meters/*.csv", "desk@park.example"]


def test_feed_check_finds_all_problems_of_all_feeds(home: MiniHome) -> None:
    assert call("feed", "check", home=home)[0] == 0
    good = (home.settings.feeds_dir / "meters.yaml").read_text()
    (home.settings.feeds_dir / "one.yaml").write_text(
        good.replace("meters", "one").replace("P-1", "P-77").replace("unit: kWh", "unit: furlong")
    )
    (home.settings.feeds_dir / "two.yaml").write_text("feed_id: two\ncolour: red\n")
    code, _, said = call("feed", "check", home=home)
    assert code == 2
    for word in ("one.yaml", "P-77", "furlong", "two.yaml", "colour"):
        assert word in said
    assert call("feed", "check", "meters", home=home)[0] == 0, "only what is asked for"
    code, _, said = call("feed", "check", "nowhere", home=home)
    assert code == 2 and "nowhere" in said


def test_feed_check_while_a_build_runs_checks_what_it_can(home: MiniHome) -> None:
    with write_lock(home.settings, "a nightly"):
        code, _, said = call("feed", "check", home=home)
    assert code == 0 and "a nightly" in said


def test_feed_preview_shows_rows_and_what_would_be_quarantined(home: MiniHome) -> None:
    path = home.settings.raw / "meters" / "march.csv"
    path.write_text(path.read_text().replace(",1.0", ",x", 1))
    code, said, _ = call("feed", "preview", "meters", "--rows", "3", home=home)
    assert code == 0 and "48 canonical rows" in said and "47 accepted + 0 duplicate + 1 quarantined" in said
    assert "P-1" in said and "number_not_understood" in said
    assert home.warehouse("select count(*) from audit.deliveries") == [(3,)], "it changes nothing"


def test_feed_template_writes_a_form_and_the_contract_that_reads_it(home: MiniHome, tmp_path: Path) -> None:
    form = tmp_path / "finding_form" / "2026.xlsx"
    form.parent.mkdir()
    code, said, noted = call("feed", "template", "finding", "--out", form, home=home)
    assert (code, said) == (0, "") and f"{form} written" in noted
    contract = home.settings.feeds_dir / "finding_form.yaml"
    assert call("feed", "template", "finding", "--contract", "--out", contract, home=home)[0] == 0
    assert call("feed", "check", "finding_form", home=home)[0] == 0
    code, said, _ = call("feed", "preview", "finding_form", form, home=home)
    assert code == 0 and "0 rows of the file" in said
    code, _, said = call("feed", "template", "finding", "--out", form, home=home)
    assert code == 1 and "is there already and is not written over" in said


def test_feed_draft_proposes_a_contract_that_check_goes_on_with(home: MiniHome, tmp_path: Path) -> None:
    sample = tmp_path / "boiler_20260301.csv"
    sample.write_text(
        "时间,SO2折算(mg/m3),标记\n" + "".join(f"2026-03-01 {hour:02d}:00,{hour}.5,正常\n" for hour in range(24)), encoding="gb18030"
    )
    code, said, _ = call("feed", "draft", sample, home=home)
    assert code == 0 and said.startswith("# Drafted from boiler_20260301.csv")
    assert "time: {column: 时间, pattern: '%Y-%m-%d %H:%M', step: 1h, label: start}" in said
    contract = home.settings.feeds_dir / "boiler.yaml"
    assert call("feed", "draft", sample, "--out", contract, home=home)[0] == 0
    code, _, said = call("feed", "check", "boiler", home=home)
    assert code == 2 and "boiler.yaml: values[0].point = 'TODO'" in said, "what nobody has decided is found"
    contract.write_text(contract.read_text().replace("point: TODO", "point: P-1"))
    assert call("feed", "check", "boiler", home=home)[0] == 0
    code, said, _ = call("feed", "preview", "boiler", sample, home=home)
    assert code == 0 and "24 accepted + 0 duplicate + 0 quarantined" in said


def test_feed_draft_of_what_is_no_table_says_why(home: MiniHome, tmp_path: Path) -> None:
    page = tmp_path / "portal.xlsx"
    page.write_text("<html><body>please log in</body></html>")
    code, _, said = call("feed", "draft", page, home=home)
    assert code == 1 and "is an HTML page" in said
    code, _, said = call("feed", "draft", tmp_path / "absent.csv", home=home)
    assert code == 1 and "No such file" in said
    assert call("feed", "draft", page, "--record", "readings", home=home)[0] == 2


def test_feed_template_of_what_has_none_says_why(home: MiniHome) -> None:
    code, _, said = call("feed", "template", "reading", home=home)
    assert code == 2 and "feed draft" in said
    code, _, said = call("feed", "template", "findings", home=home)
    assert code == 2 and "there is no record type 'findings'; there are allocation" in said
    code, said, _ = call("feed", "template", "measure", "--contract", "--feed-id", "m", "--owner", "me@park.example", home=home)
    assert code == 0 and said.startswith("feed_id: m\nrecord: measure\nowner: me@park.example")


def test_feed_preview_of_a_file_that_is_none_says_why(home: MiniHome, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00\x01")
    code, _, said = call("feed", "preview", "meters", tmp_path / "x.csv", home=home)
    assert code == 1 and "would be refused" in said


# sample


def test_sample_writes_a_park_and_delivers_what_is_late(tmp_path: Path) -> None:
    code, said, _ = call("sample", "--days", "45", home=tmp_path)
    assert code == 0 and "park-audit nightly" in said
    files = {path for path in (tmp_path / "raw").rglob("*") if path.is_file()}
    assert files
    code, said, _ = call("sample", "--later", home=tmp_path)
    assert code == 0 and "delivered" in said
    assert call("sample", "--days", "0", home=tmp_path)[0] == 2


# doctor


def test_doctor_is_content_with_a_good_home(home: MiniHome) -> None:
    code, said, _ = call("doctor", home=home)
    assert code == 0
    for line in (
        "ok   environment",
        "ok   write lock",
        "ok   contracts",
        "ok   publication",
        "look stale feeds: 1: meters (newest value 2026-03-02)",
    ):
        assert line in said, said


def test_doctor_says_what_to_do_about_an_empty_home(empty: Path) -> None:
    code, said, _ = call("doctor", home=empty)
    assert code == 0 and "park-audit sample" in said and "nothing has been published yet" in said


def test_doctor_finds_what_is_wrong(home: MiniHome, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.settings.feeds_dir / "bad.yaml").write_text("feed_id: [")
    monkeypatch.setenv("PARK_AUDIT_MEMORY_LIMITS", "2GB")
    with write_lock(home.settings, "a backfill"):
        code, said, _ = call("doctor", home=home)
    assert code == 0, "nothing of it stops the next nightly"
    for words in (
        "PARK_AUDIT_MEMORY_LIMITS set and not known",
        "held by a backfill",
        "1 problems in 1 feeds (bad)",
        "park-audit feed check",
    ):
        assert words in said, said


def test_doctor_ends_with_one_when_the_warehouse_does_not_open(home: MiniHome) -> None:
    home.settings.warehouse.write_bytes(b"not a database at all" * 500)
    code, said, _ = call("doctor", home=home)
    assert code == 1 and "bad  warehouse" in said


# nightly: in a process of its own, as cron starts it


def nightly(home: MiniHome, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The installed program's code, with the small home's dbt project, suites and scores instead of the real ones."""
    program = "from tests.cli.small_program import app; app(prog_name='park-audit')"
    environment = os.environ | {
        "PARK_AUDIT_FEEDS": str(home.settings.feeds_dir),
        "PARK_AUDIT_LOCK_WAIT_SECONDS": "0",
        "PATH": "/usr/bin:/bin",
    }
    return subprocess.run(
        [sys.executable, "-c", program, "nightly", "--home", str(home.settings.home), *arguments],
        cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_published_night_ends_with_zero_and_says_what_it_did(home: MiniHome) -> None:
    path = home.deliver("april.csv", date(2026, 4, 1), 1)
    path.write_text(path.read_text().replace(",1.0", ",x", 1))
    done = nightly(home)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "24 rows read = 23 accepted",
        "1 quarantined",
        "number_not_understood",
        "Published build",
        "park_audit.duckdb",
        "data_docs",
    ):
        assert words in done.stdout, done.stdout
    assert "Running with dbt" not in done.stdout and "DEBUG" not in done.stdout + done.stderr, "only our own lines"
    # what it says to type works for somebody who has not activated the environment, on the home that was named
    [hint] = [line.split("look: ")[1] for line in done.stdout.splitlines() if "look: " in line]
    *asked, _ = shlex.split(hint)
    published = "select count(*) as published from audit.builds where status = 'published'"
    answer = subprocess.run(
        [*asked, "--format", "csv", published], cwd=CHECKOUT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stdout.split()) == (0, ["published", "2"]), hint + answer.stderr
    [log] = home.settings.logs.glob("nightly-*.log")
    assert "Running with dbt" in log.read_text()
    assert home.published("select count(*) from marts.park_daily") == [(3,)]


def test_a_quiet_night_says_so(home: MiniHome) -> None:
    first = nightly(home, "--quiet")
    done = nightly(home, "--quiet")
    assert first.returncode == done.returncode == 0
    assert "nothing new, marts, verdicts and scores carried" in done.stdout
    assert len(done.stdout.strip().splitlines()) < 10


def test_a_red_night_ends_with_one_and_the_reason(home: MiniHome) -> None:
    home.deliver("april.csv", date(2026, 4, 1), 1, kwh=500.0)
    done = nightly(home)
    assert done.returncode == 1
    assert "Not published" in done.stdout and "a meter of this size cannot turn further in a day" in done.stdout
    assert "stand" in done.stdout and "Traceback" not in done.stdout + done.stderr


def test_a_held_lock_ends_with_one_and_says_who(home: MiniHome) -> None:
    with write_lock(home.settings, "somebody's backfill"):
        done = nightly(home)
    assert done.returncode == 1 and "somebody's backfill" in done.stderr and str(os.getpid()) in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_an_open_warehouse_ends_with_one_and_says_where(home: MiniHome) -> None:
    with open_warehouse(home.settings):
        done = nightly(home)
    assert done.returncode == 1 and f"pid {os.getpid()}" in done.stderr and "Traceback" not in done.stderr


def test_broken_standards_end_with_two(home: MiniHome) -> None:
    own = home.settings.home / "own"
    own.mkdir()
    (own / "parameters.csv").write_text("parameter_code,colour\nx,red\n")
    os.environ["PARK_AUDIT_STANDARDS"] = str(own)
    try:
        done = nightly(home)
    finally:
        del os.environ["PARK_AUDIT_STANDARDS"]
    assert done.returncode == 2 and "parameters.csv" in done.stderr and "colour" in done.stderr and "Traceback" not in done.stderr


def test_python_m_is_the_same_program() -> None:
    done = subprocess.run([sys.executable, "-m", "pipelines", "--help"], capture_output=True, text=True, check=False, cwd=CHECKOUT)
    assert done.returncode == 0 and "park-audit" in done.stdout and "nightly" in done.stdout


def test_help_imports_no_layer_below() -> None:
    """Every command pays for what the program imports before it knows which command it is."""
    code = "import sys, pipelines.cli.main; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert not set(done.stdout.split()) & {"dagster", "dbt", "great_expectations", "numpy", "scipy", "statsmodels", "pint", "sqlalchemy"}
