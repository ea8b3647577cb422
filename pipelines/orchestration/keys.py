"""Names of what stands in the graph, once: other people's dashboards and bookmarks depend on them."""

import dagster as dg

from pipelines.contracts.records import RECORD_TYPES

FEEDS = "feeds"
LANDING = "landing"
SEEDS = "seeds"
JOB = "nightly"
SCHEDULE = "nightly_at_0210"
SENSOR = "new_files"

STANDARDS = dg.AssetKey([LANDING, "standards"])
TOUCHED = dg.AssetKey([LANDING, "touched"])
PUBLICATION = dg.AssetKey(["published", "park_audit"])
AUDIT = dg.AssetKey(["audit", "build"])

REGISTER_RECORDS = tuple(name for name, record in RECORD_TYPES.items() if record.is_register)
MEASURED_RECORDS = tuple(name for name, record in RECORD_TYPES.items() if not record.is_register)

READ_WITH = {name: RECORD_TYPES[name].named_registers for name in MEASURED_RECORDS}
"""Registers that a record's words are looked up in. All registers are admitted by one step, so that these bring the others."""


def feed_key(feed_id: str) -> dg.AssetKey:
    return dg.AssetKey([FEEDS, feed_id])


def landing_key(record: str) -> dg.AssetKey:
    return dg.AssetKey([LANDING, record])
