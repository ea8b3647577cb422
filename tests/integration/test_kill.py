"""SIGKILL in every phase of a nightly, and run again: the published tables are those of an undisturbed run."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from pipelines.settings import CHECKOUT
from tests.orchestration.mini import MiniHome, copies, make_home

pytestmark = pytest.mark.slow

PLACES = {
    "delivery pending, not judged": "pipelines.gates.runner:judge_deliveries:before",
    "one delivery loaded": "pipelines.orchestration.admission:Admitted.count:after",
    "marts built, not judged": "pipelines.gates.runner:judge_marts:before",
    "judged, not published": "pipelines.publish.snapshot:publish:before",
    "written, not put in place": "pipelines.publish.snapshot:_swap:before",
    "put in place, build not closed": "pipelines.publish.snapshot:publish:after",
}
"""Between two of a night's phases each. Inside ingest, tests/ingest/test_crash has more of them."""

MARTS = "select 'daily', point_id, local_date, kwh, readings from marts.daily union all select 'park', null, local_date, kwh, null from marts.park_daily order by all"
DELIVERIES = "select path, arrival_no, outcome, admission, rows_read, rows_accepted, rows_duplicate, rows_quarantined from audit.deliveries order by all"


def deliver(home: MiniHome) -> None:
    """The night's news: a new month, and a correction of the old one."""
    home.deliver("april.csv", date(2026, 4, 1), 2, kwh=3.0)
    home.deliver("march_again.csv", date(2026, 3, 2), 1, kwh=2.0)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> MiniHome:
    home = make_home(tmp_path_factory.mktemp("kill") / "park")
    home.deliver("march.csv", date(2026, 3, 1), 3)
    assert home.night().status == "published"
    deliver(home)
    return home


@pytest.fixture(scope="module")
def undisturbed(before: MiniHome, tmp_path_factory: pytest.TempPathFactory) -> tuple[list, list]:
    home = next(copies(before, tmp_path_factory.mktemp("undisturbed") / "park"))
    assert home.night().status == "published"
    return home.published(MARTS), home.published(DELIVERIES)


@pytest.fixture
def home(before: MiniHome, tmp_path: Path) -> Iterator[MiniHome]:
    yield from copies(before, tmp_path / "park")


def killed_night(home: MiniHome, place: str) -> int:
    command = [sys.executable, "-m", "tests.integration.killed_night", str(home.settings.home.parent), place]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=False).returncode


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_a_killed_night_leaves_nothing_that_the_next_does_not_mend(home: MiniHome, undisturbed: tuple[list, list], place: str) -> None:
    published_before = home.published(MARTS)
    assert killed_night(home, place) == -signal.SIGKILL, "it was not killed there"
    assert home.published(MARTS) in (published_before, undisturbed[0]), "half of a publication"
    assert home.night().status == "published"
    assert home.published(MARTS) == undisturbed[0]
    assert home.published(DELIVERIES) == undisturbed[1]
    statuses = [status for (status,) in home.published("select status from audit.builds order by build_id")]
    assert statuses[0] == statuses[-1] == "published" and "running" not in statuses
    leftovers = [path for folder in (home.settings.lake / "tmp", home.settings.published) for path in folder.glob(".*") if path.is_file()]
    assert not leftovers and not list((home.settings.lake / "tmp").glob("*"))


def test_a_night_killed_while_dbt_works_lets_the_next_one_in_at_once(home: MiniHome, undisturbed: tuple[list, list]) -> None:
    """dbt's process must die with ours, or it keeps DuckDB's lock and every later night finds the warehouse open elsewhere."""
    slow = "select local_date, sum(kwh) as kwh from {{ ref('daily') }}, (select count(*) from range(100000) a, range(200000) b) group by local_date"
    mended = (home.settings.dbt_project / "models" / "park_daily.sql").read_text()
    home.write("models/park_daily.sql", slow)
    command = [
        sys.executable,
        "-m",
        "tests.integration.killed_night",
        str(home.settings.home.parent),
        "pipelines.publish.snapshot:publish:before",
    ]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        end = time.monotonic() + 120
        while not any(_is_dbt(child) for child in children.read_text().split()):
            assert time.monotonic() < end and process.poll() is None, "dbt never started"
            time.sleep(0.1)
        time.sleep(3)
        process.kill()
        process.wait()
    finally:
        process.kill()
    home.write("models/park_daily.sql", mended)
    assert home.night().status == "published"
    assert home.published(MARTS) == undisturbed[0]


def _is_dbt(pid: str) -> bool:
    try:
        return b"dbt_child.py\0build" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False
