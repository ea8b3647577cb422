"""Data Docs: readable with no network, and saying what was decided rather than what was ticked."""

import re
from datetime import datetime
from pathlib import Path

import pytest

from pipelines.gates.docs import write_data_docs
from pipelines.gates.runner import carry_marts, judge_deliveries, judge_marts
from pipelines.gates.verdicts import write_verdicts
from tests.gates.conftest import Park, only_suite

SUITE = """
    table: marts.flows
    expectations:
      - {type: expect_table_row_count_to_be_between, kwargs: {min_value: 1}, severity: critical, why: an empty table satisfies the rest}
      - {type: expect_column_values_to_not_be_null, kwargs: {column: quantity}, severity: critical, why: a flow has a quantity <script>}
      - {type: expect_column_values_to_be_between, kwargs: {column: share, min_value: 0, max_value: 1}, severity: warning, nulls: not every flow has one, why: a share is a share}
"""


def text_of(page: Path) -> str:
    body = re.sub(r"<style.*?</style>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


@pytest.fixture
def judged(park: Park) -> Park:
    only_suite(park.settings, "flows", SUITE)
    park.con.execute(
        "create table marts.flows as select i::double as quantity, null::double as share, '<b>' || i as name from range(50) as t (i)"
    )
    park.con.execute("update marts.flows set quantity = null where quantity < 30")
    park.open_build("b1", datetime.fromisoformat("2026-03-10T02:00"))
    park.deliver("good")
    park.deliver("refused", quarantined=20)
    for verdicts in judge_deliveries(park.con, park.settings, "b1", ["good", "refused"], park.path).values():
        write_verdicts(park.con, verdicts)
    write_verdicts(park.con, judge_marts(park.con, park.settings, "b1"))
    return park


def test_the_index_says_what_was_decided_and_why(judged: Park) -> None:
    index = write_data_docs(judged.con, judged.settings, "b1")
    assert index == judged.settings.published / "data_docs" / "index.html"
    said = text_of(index)
    assert "Quality gates of build b1" in said
    assert re.search(r"expect_column_values_to_not_be_null quantity fail 30 of 50 rows critical everything a flow has a quantity", said)
    assert re.search(r"expect_column_values_to_be_between share not_evaluated 0 of 0 rows, 50 without figures warning", said)
    assert re.search(
        r"refused_share, max_quarantined_share fail × 1 pass × 1 refused_share = 0\.29\d+, max_quarantined_share = 0\.1 refused",
        said,
    )
    assert "<script>" not in index.read_text(encoding="utf-8")
    assert "&lt;script&gt;" in index.read_text(encoding="utf-8")


def test_each_validation_has_a_page_that_the_index_links_to(judged: Park) -> None:
    index = write_data_docs(judged.con, judged.settings, "b1")
    links = re.findall(r"href='([^']+)'", index.read_text(encoding="utf-8"))
    assert [re.sub(r"^\d+_", "", link) for link in links] == [
        "a_gate_channel_profile.html",
        "a_gate_delivery_profile.html",
        "b_flows_whole.html",
    ]
    for link in links:
        assert "Evaluated Expectations" in text_of(index.parent / link)
    assert "30 unexpected values found" in text_of(index.parent / links[-1])


def test_no_page_needs_a_network_or_a_script(judged: Park) -> None:
    """The frame of Great Expectations loads from six public servers; behind a firewall nothing would be laid out."""
    pages = list(write_data_docs(judged.con, judged.settings, "b1").parent.glob("*.html"))
    assert len(pages) == 4
    for page in pages:
        content = page.read_text(encoding="utf-8")
        assert "http://" not in content, page.name
        assert "https://" not in content, page.name
        assert "<script" not in content, page.name
        links = re.findall(r"""(?:href|src)=["']([^"'#]+)["']""", content)
        assert all((page.parent / link).is_file() for link in links), (page.name, links)


def test_the_next_build_replaces_the_pages_and_old_ones_are_pruned(judged: Park) -> None:
    folder = write_data_docs(judged.con, judged.settings, "b1").parent
    judged.open_build("b2", datetime.fromisoformat("2026-03-11T02:00"))
    write_verdicts(judged.con, carry_marts(judged.con, judged.settings, "b2"))
    write_data_docs(judged.con, judged.settings, "b2")
    assert [page.name for page in folder.iterdir()] == ["index.html"]
    said = text_of(folder / "index.html")
    assert "carried" in said
    assert "as of build b1: everything" in said
    assert "This build's gate judged none." in said
    for number in range(20):
        (judged.settings.logs / "gates" / f"old{number}").mkdir()
    write_data_docs(judged.con, judged.settings, "b1")
    kept = {folder.name for folder in (judged.settings.logs / "gates").iterdir()}
    assert len(kept) == judged.settings.keep_published
    assert "b1" in kept
    assert not list(judged.settings.published.glob(".data_docs*"))


def test_a_page_that_cannot_be_written_costs_no_verdict(park: Park, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise OSError("no space left on device")

    monkeypatch.setattr("pipelines.gates.docs._render", fail)
    park.deliver("good")
    verdicts = judge_deliveries(park.con, park.settings, "b1", ["good"], park.path)["good"]
    assert {verdict.status.value for verdict in verdicts} <= {"pass", "not_evaluated"}


def test_a_build_without_gates_still_has_an_index(park: Park) -> None:
    assert "This build's gate judged none." in text_of(write_data_docs(park.con, park.settings, "b9"))
