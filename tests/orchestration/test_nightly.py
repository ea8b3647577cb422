"""Whole nightlies on a small home: green, nothing new, red, broken, and what each leaves behind."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from pipelines.warehouse.lock import LockHeld, write_lock
from tests.orchestration.mini import MiniHome, Night, copies, make_home

FIRST = date(2026, 3, 1)
MARTS = {"marts/daily", "marts/park_daily"}


@pytest.fixture(scope="module")
def after_first_night(tmp_path_factory: pytest.TempPathFactory) -> tuple[MiniHome, Night]:
    home = make_home(tmp_path_factory.mktemp("mini") / "park")
    home.deliver("march.csv", FIRST, 3)
    return home, home.night()


@pytest.fixture
def home(after_first_night: tuple[MiniHome, Night], tmp_path: Path) -> Iterator[MiniHome]:
    yield from copies(after_first_night[0], tmp_path / "park")


def test_the_first_night_publishes(after_first_night: tuple[MiniHome, Night]) -> None:
    home, night = after_first_night
    assert night.result.success and night.status == "published"
    assert night.materialized >= MARTS | {
        "feeds/meters",
        "landing/reading",
        "landing/point",
        "assessment/mini_score",
        "published/park_audit",
        "audit/build",
    }
    assert home.published("select local_date, kwh from marts.park_daily order by 1") == [(date(2026, 3, day), 24.0) for day in (1, 2, 3)]
    [(status, door, run_id)] = home.published("select status, door, run_id from audit.builds")
    assert (status, door, run_id) == ("published", "cli", night.result.run_id)


def test_every_step_leaves_a_row(after_first_night: tuple[MiniHome, Night]) -> None:
    home, _ = after_first_night
    rows = home.warehouse("select step, subject, outcome from audit.step_outcomes")
    assert len(set(rows)) == len(rows), "a step wrote its outcome twice"
    steps = {(step, subject) for step, subject, _ in rows}
    assert steps >= {
        ("ingest", "meters"), ("ingest", "register_point"), ("standards", "-"), ("admission", "registers"), ("admission", "measurements"),
        ("dbt", "-"), ("dbt_model", "daily"), ("gate_b", "-"), ("assessment", "-"), ("publish", "-"), ("export", "-"),
    }  # fmt: skip
    assert {outcome for _, _, outcome in rows} == {"ok"}


def test_checks_show_what_gates_and_tests_said(after_first_night: tuple[MiniHome, Night]) -> None:
    _, night = after_first_night
    gate = night.check("marts/daily", "gate_values_to_be_between__kwh")
    assert gate.passed and gate.metadata["why"].value == "a meter of this size cannot turn further in a day"
    assert night.check("marts/daily", "kwh_is_not_negative").passed
    assert night.check("feeds/meters", "readable").passed and night.check("feeds/meters", "admitted").passed
    late = night.check("feeds/meters", "on_time")
    assert not late.passed and late.severity.value == "WARN", "the newest value is of March"


def test_nothing_new_builds_nothing_and_carries_the_verdicts(home: MiniHome) -> None:
    targets = sorted((home.settings.logs / "dbt").iterdir())
    night = home.night()
    assert night.result.success and night.status == "published"
    assert night.heard.summary.carried, night.heard.message("dbt")
    assert not night.materialized & (MARTS | {"published/park_audit"})
    assert sorted((home.settings.logs / "dbt").iterdir()) == targets, "dbt was started"
    assert night.heard.outcome("dbt") == night.heard.outcome("gate_b") == "carried"
    builds = home.published("select build_id, status from audit.builds order by 1")
    assert [status for _, status in builds] == ["published", "published"]
    verdicts = home.published(f"select distinct status from audit.gate_results where build_id = '{builds[-1][0]}' and gate = 'b'")
    assert verdicts == [("carried",)], "carried is not passed"
    assert home.published("select count(*) from marts.daily") == [(3,)]


def test_a_second_quiet_night_carries_on(home: MiniHome) -> None:
    assert home.night().heard.summary.carried and home.night().heard.summary.carried


def test_a_correction_is_rebuilt_and_published(home: MiniHome) -> None:
    home.deliver("march_again.csv", date(2026, 3, 2), 1, kwh=2.0)
    night = home.night()
    assert night.status == "published" and not night.heard.summary.carried
    assert night.heard.summary.rows_revised == 24
    assert "changes" in night.heard.message("dbt")
    assert home.published("select local_date, kwh from marts.park_daily order by 1") == [
        (date(2026, 3, 1), 24.0), (date(2026, 3, 2), 48.0), (date(2026, 3, 3), 24.0),
    ]  # fmt: skip


def test_a_finding_runs_the_scores_and_leaves_the_marts_as_they_are(home: MiniHome) -> None:
    """No mart is built from it: the change is consumed, the scores are computed again, and the next night is quiet."""
    (home.settings.feeds_dir / "findings.yaml").write_text(
        "{feed_id: findings, record: finding, owner: a@park.example, source: {drop: 'findings.csv'}, format: {kind: csv}}"
    )
    header = "finding_id,enterprise_id,subject_kind,subject_id,found_on,cause_code,status,description"

    def found(status: str) -> Night:
        (home.settings.raw / "findings.csv").write_text(f"{header}\nF1,E-1,enterprise,E-1,2026-03-02,equipment,{status},steam leaks\n")
        return home.night()

    assert found("open").status == "published"
    before = home.warehouse("select * from marts.daily order by all")
    night = found("closed")
    assert night.status == "published" and not night.heard.summary.carried
    assert "are not in the marts yet" in night.heard.message("dbt")
    assert night.heard.outcome("assessment") == "ok" and "assessment/mini_score" in night.materialized
    assert "landing/finding" in night.materialized and night.heard.summary.rows_revised == 1
    assert home.warehouse("select * from marts.daily order by all") == before
    [(entity_kind, entity_id, change_seq)] = home.warehouse(
        "select distinct entity_kind, entity_id, max(change_seq) from landing.touched where cause = 'finding' group by all"
    )
    assert (entity_kind, entity_id) == ("assessment", "F1")
    assert home.warehouse("select min(change_seq) from landing.watermark") == [(change_seq,)]
    assert home.night().heard.summary.carried


def test_a_decision_that_would_be_changed_is_refused_and_told(home: MiniHome) -> None:
    (home.settings.feeds_dir / "reviews.yaml").write_text(
        "{feed_id: reviews, record: review, owner: a@park.example, source: {drop: 'reviews.csv'}, format: {kind: csv}}"
    )
    header = "review_id,about,subject_key,enterprise_id,decided_on,decision,role,independence"
    for decision in ("opinion", "accepted"):
        (home.settings.raw / "reviews.csv").write_text(f"{header}\nR1,finding,F1,E-1,2026-03-02,{decision},third_party,independent\n")
        night = home.night()
    assert home.warehouse("select decision from landing.review where known_to is null") == [("opinion",)]
    assert night.status == "published" and night.heard.outcome("admission", "measurements") == "warned"
    assert "1 rows would have changed a review that stands: refused" in night.heard.message("admission", "measurements")
    [(rule, reason)] = home.published("select rule, reason from audit.quarantine")
    assert rule == "append_only" and "review_id=R1 stands already and says something else in decision" in reason


@pytest.mark.parametrize("changed", ["model", "suite", "watermark"])
def test_what_decides_the_marts_is_noticed_without_new_data(home: MiniHome, changed: str) -> None:
    if changed == "model":
        home.write("models/park_daily.sql", "select local_date, sum(kwh) + 0 as kwh from {{ ref('daily') }} group by local_date")
    elif changed == "suite":
        home.suite((home.settings.expectations / "daily.yaml").read_text().replace("max_value: 1000", "max_value: 999"))
    else:
        home.warehouse("update landing.watermark set change_seq = 0")
    night = home.night()
    assert night.status == "published" and not night.heard.summary.carried


def test_a_closed_gate_stops_scores_and_publication_and_is_published(home: MiniHome) -> None:
    home.deliver("april.csv", date(2026, 4, 1), 1, kwh=500.0)
    night = home.night()
    assert not night.result.success and night.status == "not_published"
    gate = night.check("marts/daily", "gate_values_to_be_between__kwh")
    assert not gate.passed and gate.severity.value == "ERROR"
    assert "12000" in gate.metadata["failing rows"].value, "the rows that broke the rule are shown"
    assert not night.materialized & {"assessment/mini_score", "published/park_audit"} and "audit/build" in night.materialized
    assert home.published("select max(kwh) from marts.park_daily") == [(24.0,)], "yesterday's marts stand"
    [(status, reason)] = home.published("select status, reason from audit.builds order by build_id desc limit 1")
    assert status == "not_published" and "a meter of this size" in reason


def test_a_red_night_is_tried_again_and_not_carried(home: MiniHome) -> None:
    path = home.deliver("april.csv", date(2026, 4, 1), 1, kwh=500.0)
    assert home.night().status == "not_published"
    again = home.night()
    assert again.status == "not_published" and not again.heard.summary.carried, "nothing is new, and it is still red"
    home.deliver(path.name, date(2026, 4, 1), 1, kwh=2.0)
    mended = home.night()
    assert mended.status == "published"
    assert home.published("select max(kwh) from marts.park_daily") == [(48.0,)]


def test_a_failed_dbt_test_stops_the_night_and_shows_the_rows(home: MiniHome) -> None:
    home.deliver("april.csv", date(2026, 4, 1), 1, kwh=-1.0)
    night = home.night()
    assert night.status == "not_published"
    check = night.check("marts/daily", "kwh_is_not_negative")
    assert not check.passed and "-24.0" in check.metadata["failing rows"].value
    assert "kwh_is_not_negative" in night.heard.summary.reason
    assert home.warehouse("select outcome from audit.step_outcomes where step = 'dbt_test' and subject = 'kwh_is_not_negative'") == [
        ("failed",)
    ]


def test_a_model_that_does_not_compile_costs_the_marts_and_nothing_else(home: MiniHome) -> None:
    home.write("models/park_daily.sql", "select nonsense from {{ ref('daily') }}")
    home.deliver("april.csv", date(2026, 4, 1), 1)
    night = home.night()
    assert night.status == "not_published" and "park_daily" in night.heard.summary.reason
    assert home.warehouse("select count(*) from landing.reading where known_to is null") == [(96,)]
    assert home.published("select count(*) from marts.park_daily") == [(3,)]


def test_a_broken_contract_is_visible_and_costs_its_feed_only(home: MiniHome) -> None:
    (home.settings.feeds_dir / "bad_yaml.yaml").write_text("feed_id: [bad", encoding="utf-8")
    (home.settings.feeds_dir / "bad_key.yaml").write_text(
        (home.settings.feeds_dir / "meters.yaml").read_text() + "colour: red\n", encoding="utf-8"
    )
    (home.settings.feeds_dir / "unknown_point.yaml").write_text(
        (home.settings.feeds_dir / "meters.yaml").read_text().replace("feed_id: meters", "feed_id: unknown_point").replace("P-1", "P-9"),
        encoding="utf-8",
    )
    home.deliver("april.csv", date(2026, 4, 1), 1)
    night = home.night()
    assert night.status == "published", "the park goes on"
    assert home.published("select count(*) from marts.park_daily") == [(4,)]
    for feed, said in (("bad_yaml", "not readable YAML"), ("bad_key", "no such key"), ("unknown_point", "P-9")):
        assert night.heard.outcome("ingest", feed) == "failed"
        assert said in night.heard.message("ingest", feed)
        assert not night.check(f"feeds/{feed}", "readable").passed
    assert night.heard.summary.warnings >= 3


def test_a_held_delivery_is_shown_until_it_is_mended(home: MiniHome) -> None:
    path = home.deliver("april.csv", date(2026, 4, 1), 1)
    good = path.read_text()
    path.write_text(good.replace(",1.0", ",x", 12), encoding="utf-8")
    night = home.night()
    assert night.status == "published" and [line.path for line in night.heard.summary.held] == ["meters/april.csv"]
    check = night.check("feeds/meters", "admitted")
    assert not check.passed and check.severity.value == "WARN" and "april.csv" in check.metadata["held back"].value
    assert home.published("select count(*) from marts.park_daily") == [(3,)]
    assert [line.path for line in home.night().heard.summary.held] == ["meters/april.csv"], "it is still held on a quiet night"
    path.write_text(good, encoding="utf-8")
    mended = home.night()
    assert mended.heard.summary.held == [] and home.published("select count(*) from marts.park_daily") == [(4,)]


def test_a_contract_that_tolerates_more_lets_a_held_delivery_in(home: MiniHome) -> None:
    path = home.deliver("april.csv", date(2026, 4, 1), 1)
    path.write_text(path.read_text().replace(",1.0", ",x", 12), encoding="utf-8")
    assert len(home.night().heard.summary.held) == 1
    contract = home.settings.feeds_dir / "meters.yaml"
    contract.write_text(contract.read_text().replace("late_after: 2d", "late_after: 2d, max_quarantined_share: 0.9"), encoding="utf-8")
    night = home.night()
    assert night.heard.summary.held == [] and night.status == "published"
    assert home.published("select kwh from marts.park_daily order by local_date desc limit 1") == [(12.0,)]


def test_a_delivery_judged_again_is_held_for_what_is_against_it_tonight(home: MiniHome) -> None:
    path = home.deliver("april.csv", date(2026, 4, 1), 1)
    path.write_text(path.read_text().replace(",1.0", ",x", 12), encoding="utf-8")
    [first] = home.night().heard.summary.held
    contract = home.settings.feeds_dir / "meters.yaml"
    contract.write_text(contract.read_text().replace("late_after: 2d", "late_after: 3d"), encoding="utf-8")
    summary = home.night().heard.summary
    assert [line.reason for line in summary.held] == [first.reason]
    assert summary.rows_read == summary.rows_accepted + summary.rows_duplicate + summary.rows_quarantined + summary.rows_waiting
    assert summary.rows_waiting == 12


def test_who_holds_the_lock_is_said(home: MiniHome) -> None:
    with write_lock(home.settings, "a backfill"):
        night = home.night()
    assert not night.result.success and night.heard.summary is None
    assert isinstance(night.heard.error, LockHeld) and "a backfill" in str(night.heard.error)
    assert home.night().status == "published"


def test_the_lock_is_held_once_and_to_the_end(home: MiniHome, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.orchestration import build as build_module

    taken = []
    real = build_module.write_lock
    monkeypatch.setattr(build_module, "write_lock", lambda *args: (taken.append(args), real(*args))[1])
    home.deliver("april.csv", date(2026, 4, 1), 1)
    assert home.night().status == "published"
    assert len(taken) == 1


def test_a_build_that_was_killed_is_closed_by_the_next(home: MiniHome) -> None:
    home.warehouse("update audit.builds set status = 'running', closed_at = null where run_id is not null")
    home.settings.published_file.unlink()
    night = home.night()
    assert night.status == "published"
    assert home.published("select status from audit.builds order by build_id") == [("aborted",), ("published",)]


def test_a_build_that_was_killed_after_it_had_published_counts_as_published(home: MiniHome) -> None:
    home.warehouse("update audit.builds set status = 'running', closed_at = null")
    assert home.night().status == "published"
    assert [status for (status,) in home.published("select status from audit.builds order by build_id")] == ["published", "published"]


def test_a_lost_warehouse_is_rebuilt_from_the_lake(home: MiniHome) -> None:
    home.settings.warehouse.unlink()
    night = home.night()
    assert night.status == "published" and night.heard.outcome("restore") == "warned"
    assert home.published("select local_date, kwh from marts.park_daily order by 1") == [(date(2026, 3, day), 24.0) for day in (1, 2, 3)]


def test_a_lost_publication_is_written_again_on_a_quiet_night(home: MiniHome) -> None:
    home.settings.published_file.unlink()
    night = home.night()
    assert night.status == "published" and home.published("select count(*) from marts.daily") == [(3,)]


def test_only_part_of_the_graph_closes_its_build_too(home: MiniHome) -> None:
    from pipelines.orchestration.graph import build_defs
    from pipelines.orchestration.instance import home_instance
    from pipelines.orchestration.keys import feed_key
    from tests.orchestration.mini import Watcher, mini_score

    heard = Watcher()
    job = build_defs(settings=home.settings, reporter=heard, scores=[mini_score]).resolve_job_def("nightly")
    with home_instance(home.settings) as instance:
        assert job.execute_in_process(instance=instance, asset_selection=[feed_key("meters")]).success
    assert heard.summary.status.value == "not_published" and "only part of the graph" in heard.summary.reason
    [(door,)] = home.warehouse("select door from audit.builds order by build_id desc limit 1")
    assert door == "ui"
