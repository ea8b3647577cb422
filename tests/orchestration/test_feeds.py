"""The feed factory's small parts: owners, retries, metadata."""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.orchestration.build import StepNote
from pipelines.orchestration.feeds import owners_of, retry_may_help
from pipelines.orchestration.gate_checks import check_name
from pipelines.orchestration.resources import door_of
from pipelines.orchestration.tables import plot_as_markdown, rows_as_markdown
from pipelines.warehouse.connection import DiskFull
from tests.orchestration.mini import MiniHome, make_home


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ("desk@park.example", ["desk@park.example"]),
        ("Environment desk", ["team:Environment-desk"]),
        ("环保处", []),  # Dagster takes no other letters in a team's name: no owner rather than no graph
    ],
)
def test_an_owner_is_what_dagster_takes(owner: str, expected: list[str]) -> None:
    assert owners_of(owner) == expected


@pytest.mark.parametrize(
    ("error", "helps"),
    [
        (OSError("stale file handle"), True),
        (PermissionError("busy"), True),
        (duckdb.IOException("could not read"), True),
        (DiskFull("no room"), False),
        (ValueError("a wrong contract"), False),
        (duckdb.ConversionException("not a number"), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: Exception, helps: bool) -> None:
    assert retry_may_help(error) is helps


def test_a_step_is_as_bad_as_the_worst_that_was_said() -> None:
    note = StepNote()
    note.warn("late")
    assert note.outcome == "warned"
    note.fail("gone")
    note.warn("late again")
    assert note.outcome == "failed" and note.messages == ["late", "gone", "late again"]


@pytest.mark.parametrize(
    ("tags", "door"),
    [
        ({"dagster/schedule_name": "nightly_at_0210"}, "schedule"),
        ({"dagster/sensor_name": "new_files"}, "sensor"),
        ({"park_audit/door": "cli"}, "cli"),
        ({}, "ui"),
    ],
)
def test_who_opened_the_build(tags: dict[str, str], door: str) -> None:
    assert door_of(tags) == door


def test_check_names_are_letters_dagster_takes() -> None:
    assert check_name("expect_column_values_to_be_between", "mass_kg") == "gate_values_to_be_between__mass_kg"
    assert check_name("unexpected_rows_expectation", "a, b") == "gate_unexpected_rows__a_b"
    assert check_name("expect_table_row_count_to_be_between", None) == "gate_table_row_count_to_be_between"


def test_a_markdown_table_survives_what_cells_hold() -> None:
    moment = datetime(2026, 3, 1, 2, 10, tzinfo=UTC)
    table = rows_as_markdown(["a", "b"], [["x|y\nz", None], ["l" * 500, moment]])
    lines = table.splitlines()
    assert len(lines) == 4 and lines[2] == "| x\\|y z |  |"
    assert lines[3].startswith("| lll") and "…" in lines[3] and "2026-03-01 02:10" in lines[3]


def test_a_plot_is_an_image_inside_markdown() -> None:
    image = plot_as_markdown([date(2026, 3, day) for day in range(1, 20)], list(range(19)), label="rows a day")
    assert image.startswith("![rows a day](data:image/png;base64,iVBOR") and len(image) < 20_000


@pytest.fixture
def home(tmp_path: Path) -> MiniHome:
    home = make_home(tmp_path / "park")
    home.deliver("march.csv", date(2026, 3, 1), 1)
    return home


def test_a_share_that_comes_back_costs_a_retry_and_one_that_does_not_costs_its_feed(
    home: MiniHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.ingest import feed

    real, calls = feed.ingest_feed, []

    def flaky(con: object, settings: object, contract: object, *rest: object) -> object:
        calls.append(contract.feed_id)
        if contract.feed_id == "meters" and calls.count("meters") == 1:
            raise OSError("the share is not mounted yet")
        if contract.feed_id == "register_enterprise":
            raise OSError("the share is gone")
        return real(con, settings, contract, *rest)

    monkeypatch.setattr(feed, "ingest_feed", flaky)
    night = home.night()
    assert night.status == "published", "the park goes on"
    assert calls.count("meters") == 2 and calls.count("register_enterprise") == 3
    assert not night.check("feeds/register_enterprise", "readable").passed and night.check("feeds/meters", "readable").passed
    rows = home.warehouse(
        "select subject, outcome, message from audit.step_outcomes where step = 'ingest' and subject in ('meters', 'register_enterprise')"
    )
    assert {(subject, outcome) for subject, outcome, _ in rows} == {("meters", "ok"), ("register_enterprise", "failed")} and len(rows) == 2
    assert "the share is gone" in next(message for subject, _, message in rows if subject == "register_enterprise")


def test_a_night_on_which_no_feed_can_be_read_is_red(home: MiniHome, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.ingest import feed

    assert home.night().status == "published"

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the program is broken")

    monkeypatch.setattr(feed, "ingest_feed", broken)
    night = home.night()
    assert night.status == "not_published" and "none of the 3 feeds could be read" in night.heard.summary.reason
    assert home.published("select count(*) from marts.daily") == [(1,)]
