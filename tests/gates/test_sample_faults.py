"""What gate A makes of the faults that the sample park plants, measured against its answer sheet."""

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from pipelines.contracts.feed import load_contracts
from pipelines.contracts.standards import load_standards
from pipelines.contracts.states import Admission
from pipelines.gates.runner import judge_deliveries
from pipelines.gates.verdicts import Verdict, admits
from pipelines.ingest.feed import ingest_feed
from pipelines.ingest.lake import Lake
from pipelines.ingest.load import load_delivery, pending_deliveries
from pipelines.ingest.references import references_from_landing
from pipelines.sample.generate import TRUTH, generate
from pipelines.settings import CHECKOUT, Settings
from pipelines.warehouse.connection import open_warehouse

SEEN_AS = {"stuck": "constant_day_share", "wrong_unit": "usual_ratio", "spike": "days_above_range", "gap": "steps_per_day, at_least"}
"""Kinds of faults that a delivery shows by itself. Under-reporting and limit-hugging are findings of the assessment."""


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], dict[str, list[Verdict]]]:
    """Home, feed by delivery, and verdicts by delivery of the sample park's first night."""
    home = tmp_path_factory.mktemp("sample") / "home"
    generate(home)
    settings = Settings(home=home, feeds_dir=CHECKOUT / "pipelines" / "feeds", threads=2, memory_limit="1GB")
    settings.make_folders()
    contracts = {contract.feed_id: contract for contract in load_contracts(settings.feeds_dir)[0]}
    lake, now = Lake(settings.lake), datetime.now(UTC).replace(tzinfo=None)
    feeds: dict[str, str] = {}
    verdicts: dict[str, list[Verdict]] = {}
    with open_warehouse(settings) as con:
        standards = load_standards(settings.seeds)
        for registers in (True, False):
            references = references_from_landing(con, standards)
            for contract in contracts.values():
                if contract.record_type.is_register == registers:
                    ingest_feed(con, settings, contract, references, "b1", now)
            waiting = {delivery.delivery_id: delivery for delivery in pending_deliveries(con)}
            said = judge_deliveries(
                con, settings, "b1", waiting, lambda delivery_id, waiting=waiting: lake.accepted_file(waiting[delivery_id]), contracts
            )
            feeds |= {delivery_id: delivery.feed_id for delivery_id, delivery in waiting.items()}
            verdicts |= said
            for delivery_id, delivery in waiting.items() if registers else ():
                load_delivery(con, settings, delivery, Admission.ADMITTED if admits(said[delivery_id]) else Admission.HELD, build_id="b1")
    return home, feeds, verdicts


def warned_points(verdicts: dict[str, list[Verdict]], column_name: str) -> set[tuple[str, str]]:
    return {
        (row["point_id"], row["parameter_code"])
        for found in verdicts.values()
        for verdict in found
        if verdict.status == "warn" and verdict.column_name == column_name and verdict.failing_rows
        for row in json.loads(verdict.failing_rows)
    }


@pytest.mark.slow
def test_the_faults_that_a_delivery_shows_are_seen_where_they_are(judged: tuple) -> None:
    home, _, verdicts = judged
    planted = pl.read_parquet(home / TRUTH / "faults.parquet")
    for kind, column_name in SEEN_AS.items():
        points = {(row["point_id"], row["parameter_code"]) for row in planted.filter(pl.col("kind") == kind).iter_rows(named=True)}
        assert points, f"the sample plants no {kind}"
        assert points <= warned_points(verdicts, column_name), kind


@pytest.mark.slow
def test_what_is_not_planted_is_hardly_ever_warned_about(judged: tuple) -> None:
    home, _, verdicts = judged
    planted = pl.read_parquet(home / TRUTH / "faults.parquet").filter(pl.col("kind").is_in(list(SEEN_AS)))
    points = set(planted.get_column("point_id"))
    for column_name in ("constant_day_share", "usual_ratio", "days_above_range", "days_below_range"):
        assert {point for point, _ in warned_points(verdicts, column_name)} <= points, column_name
    warned = [verdict for found in verdicts.values() for verdict in found if verdict.status == "warn" and verdict.severity == "warning"]
    assert len(warned) < 0.1 * len(verdicts), [str(verdict) for verdict in warned]


@pytest.mark.slow
def test_nothing_is_held_back_but_a_wrong_unit(judged: tuple) -> None:
    """Rows that cannot be read are in quarantine already; what is left can be used, with its warnings."""
    home, feeds, verdicts = judged
    planted = pl.read_parquet(home / TRUTH / "faults.parquet")
    held = {
        feeds[delivery]: [str(v) for v in found if v.status in ("fail", "error")]
        for delivery, found in verdicts.items()
        if not admits(found)
    }
    assert held.keys() <= set(planted.filter(pl.col("kind") == "wrong_unit").get_column("feed_id")), held
    assert all("out_of_range_share" in reason for reasons in held.values() for reason in reasons), held
    assert len(verdicts) > 100


@pytest.mark.slow
def test_rows_of_an_unregistered_customer_or_device_wait_without_holding_the_others(judged: tuple) -> None:
    _, feeds, verdicts = judged
    waiting = {feeds[v.subject] for found in verdicts.values() for v in found if v.status == "warn" and v.column_name == "unresolved_share"}
    assert waiting == {"utility_electricity", "hj212_inlets"}
