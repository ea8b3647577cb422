"""A small home with its own contracts, for tests of the graph's parts that need no marts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "_park.yaml").write_text("park_id: PARK\nzone: Asia/Shanghai\n", encoding="utf-8")
    settings = Settings(home=tmp_path / "home", feeds_dir=feeds, lock_wait_seconds=0)
    settings.make_folders()
    return settings


@pytest.fixture
def write_feed(settings: Settings) -> Callable[..., Path]:
    """Write a contract of readings; keyword arguments replace whole lines."""

    def write(feed_id: str, text: str | None = None) -> Path:
        path = settings.feeds_dir / f"{feed_id}.yaml"
        path.write_text(
            text
            or f"""
feed_id: {feed_id}
record: reading
owner: desk@park.example
source: {{drop: "{feed_id}/*.csv"}}
format: {{kind: csv}}
time: {{column: time, pattern: "%Y-%m-%d %H:%M", step: 1h, label: start}}
source_kind: automatic
values:
  - {{column: kwh, point: P-1, parameter: electricity, statistic: cou, unit: kWh}}
expects: {{late_after: 2d}}
""",
            encoding="utf-8",
        )
        return path

    return write
