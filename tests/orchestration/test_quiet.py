"""A night with nothing new runs the short graph, and only such a night."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from pipelines.orchestration.dbt_models import incremental_models
from pipelines.orchestration.quiet import looks_quiet
from pipelines.settings import CHECKOUT
from pipelines.transform.dbt import parsed_manifest
from pipelines.warehouse.lock import write_lock
from tests.orchestration.mini import MiniHome, make_home

DAY = date(2026, 6, 1)
_HEAVY = {"great_expectations", "statsmodels", "scipy", "pint", "matplotlib", "dbt", "dagster_dbt"}
"""What only work needs that a night with nothing new has not: each costs a fifth of a second to six."""
_NIGHT = """
import sys
from pathlib import Path
from tests.orchestration.mini import MiniHome, MiniSettings

home = Path(sys.argv[1])
night = MiniHome(MiniSettings(home=home / "home", feeds_dir=home / "feeds")).night()
assert night.heard.summary.carried, night.status
print("imported:", *sorted({name.split(".")[0] for name in sys.modules}))
"""


@pytest.fixture
def home(tmp_path: Path) -> MiniHome:
    home = make_home(tmp_path / "park")
    home.deliver("march.csv", date(2026, 3, 1), 3)
    return home


def quiet(home: MiniHome) -> bool:
    return looks_quiet(home.settings, incremental_models(json.loads(parsed_manifest(home.settings).read_text(encoding="utf-8"))))


def test_only_a_published_unchanged_home_looks_quiet(home: MiniHome) -> None:
    assert not quiet(home), "nothing was ever published"
    assert home.night().status == "published"
    assert quiet(home)
    with write_lock(home.settings, "somebody else"):
        assert not quiet(home), "who holds the lock is the night's own matter"


def test_whatever_could_change_the_outcome_is_not_quiet(home: MiniHome) -> None:
    assert home.night().status == "published"
    path = home.deliver("late.csv", DAY, 1)
    assert not quiet(home), "a new file"
    path.unlink()
    assert quiet(home)
    contract = home.settings.feeds_dir / "meters.yaml"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(f"{text}description: other words\n", encoding="utf-8")
    assert not quiet(home), "a changed contract"
    contract.write_text(text, encoding="utf-8")
    broken = home.settings.feeds_dir / "broken.yaml"
    broken.write_text("feed_id: [", encoding="utf-8")
    assert not quiet(home), "a broken contract has to be said every night"
    broken.unlink()
    home.warehouse("update landing.watermark set change_seq = change_seq - 1")
    assert not quiet(home), "a mart that is behind"


def test_a_quiet_night_carries_everything_and_announces_nothing_else(home: MiniHome) -> None:
    assert home.night().status == "published"
    night = home.night()
    assert night.status == "published" and night.heard.outcome("dbt") == "carried" and night.heard.outcome("gate_b") == "carried"
    assert not {name for name in night.materialized if name.startswith("marts/")} and not night.skipped
    assert {name for name in night.materialized if name.startswith("feeds/")} and "audit/build" in night.materialized


def test_a_quiet_night_imports_nothing_for_work_it_does_not_do(home: MiniHome) -> None:
    assert home.night().status == "published"
    done = subprocess.run(
        [sys.executable, "-c", _NIGHT, str(home.settings.home.parent)], capture_output=True, text=True, check=False, cwd=CHECKOUT
    )
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.split("imported:")[1].split())
    assert "dagster" in imported and not imported & _HEAVY


def test_what_comes_in_meanwhile_gets_a_whole_night(home: MiniHome, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home.night().status == "published"
    home.deliver("late.csv", DAY, 1, kwh=3.0)
    monkeypatch.setattr("pipelines.orchestration.nightly.looks_quiet", lambda *_: True)
    night = home.night()
    assert night.status == "published" and night.heard.outcome("assessment") == "ok"
    assert home.published("select count(*) from marts.daily where kwh = 72") == [(1,)]
    reasons = [reason for (reason,) in home.published("select reason from audit.builds where status = 'not_published'")]
    assert len(reasons) == 1 and "came in during a night with nothing new" in reasons[0]
