"""The warehouse's own tables: landing, the change ledger, and audit. Everything dbt builds is dbt's.

Declared with the same `Column` as the record types, so that DDL, comments of the published file and
documentation have one origin. No SQL beyond DDL belongs here, and no connection.
"""

from dataclasses import dataclass

from pipelines.contracts.records import (
    BOOL,
    COUNT,
    DATE,
    INSTANT,
    LINEAGE,
    NUMBER,
    PARK_ID,
    RECORD_TYPES,
    TEXT,
    Column,
    LoadMode,
)
from pipelines.contracts.states import (
    Admission,
    BuildStatus,
    DeliveryOutcome,
    GateStatus,
    StepOutcome,
)


@dataclass(frozen=True)
class Table:
    """One table: schema, name, grain sentence, columns, key; `audience` holds for all its columns."""

    schema: str
    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    audience: str = "auditor"

    @property
    def qualified(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def ddl(self) -> str:
        """`create table if not exists`, not null where required; no primary key: DuckDB's index would
        cost more than the 20 million row insert it guards, and keys are tested in dbt and at load."""
        lines = [f"    {c.name} {c.duckdb_type}{' not null' if c.required else ''}" for c in self.columns]
        return f"create table if not exists {self.qualified} (\n" + ",\n".join(lines) + "\n)"


def _words(enum: type) -> tuple[str, ...]:
    return tuple(word.value for word in enum)


BUILD_ID = Column("build_id", TEXT, "Nightly build.", required=True)
DELIVERY_ID = Column("delivery_id", TEXT, "Delivery.", required=True)
FEED_ID = Column("feed_id", TEXT, "Feed.", required=True)

LANDING = tuple(Table("landing", record.name, record.grain, (*record.columns, *LINEAGE), record.key) for record in RECORD_TYPES.values())

TOUCHED = Table(
    "landing",
    "touched",
    "One row per change, entity and range of local dates: what must be rebuilt.",
    (
        Column("change_seq", COUNT, "Number of the change, ascending; one per transaction.", required=True),
        Column(
            "entity_kind",
            TEXT,
            "point, outlet, enterprise, process, product or park, which touches everything; assessment touches scores alone.",
            required=True,
        ),
        Column("entity_id", TEXT, "Entity.", required=True),
        Column("date_from", DATE, "First touched local date.", required=True),
        Column("date_to", DATE, "Last touched local date, inclusive; 9999-12-31 for an open end.", required=True),
        Column("cause", TEXT, "Record type or standard whose rows changed.", required=True),
        Column("delivery_id", TEXT, "Delivery that changed them; null for standards."),
    ),
)
WATERMARK = Table(
    "landing",
    "watermark",
    "One row per incremental model: the highest change it has consumed, written in the model's own transaction.",
    (
        Column("model", TEXT, "dbt model.", required=True),
        Column("change_seq", COUNT, "Highest change consumed.", required=True),
        Column("built_at", INSTANT, "When, UTC.", required=True),
    ),
    key=("model",),
)
MODELS = Table(
    "landing",
    "models",
    "One row: which text of the models the marts were built by, and whether all of them have been.",
    (
        Column("models_hash", TEXT, "Hash of models, macros and dbt's version.", required=True),
        Column("is_complete", BOOL, "Whether a build of this text has ended well.", required=True),
    ),
)
STANDARD_ROW = Table(
    "landing",
    "standard_row",
    "One row per seed row as last seen: how a changed standard is noticed.",
    (
        Column("seed", TEXT, "Seed file, without ending.", required=True),
        Column("row_hash", TEXT, "Hash of the row's texts.", required=True),
        Column("valid_from", DATE, "First local date the row holds; null for always."),
        Column("valid_to", DATE, "First local date it no longer holds."),
        Column("seen_at", INSTANT, "When first seen, UTC.", required=True),
    ),
)
PATH_STATE = Table(
    "landing",
    "path_state",
    "One row per feed and path: what the last scan found there.",
    (
        FEED_ID,
        Column("path", TEXT, "Path below raw/, with forward slashes.", required=True),
        Column("sha256", TEXT, "Hash of the bytes.", required=True),
        Column("bytes", COUNT, "Size.", required=True),
        Column("mtime_ns", COUNT, "Modification time; with the size it spares re-hashing.", required=True),
        Column("arrival_no", COUNT, "How many times this path has brought bytes.", required=True),
        Column("fingerprint", TEXT, "Contract fingerprint it was last parsed under.", required=True),
        Column("scanned_at", INSTANT, "When, UTC.", required=True),
    ),
    key=("feed_id", "path"),
)
COVERAGE = Table(
    "landing",
    "coverage",
    "One row per loaded delivery and entity: the period its rows cover. Tells in one look at a small table whether a delivery meets anything known.",
    (
        Column("delivery_id", TEXT, "Delivery.", required=True),
        FEED_ID,
        Column("record", TEXT, "Record type.", required=True),
        Column(
            "entity",
            TEXT,
            "What the rows are about: the leading key columns up to the first identifier, joined with a colon.",
            required=True,
        ),
        Column("first_at", INSTANT, "Earliest key time among the delivery's rows of the entity.", required=True),
        Column("last_at", INSTANT, "Latest key time, inclusive.", required=True),
    ),
    key=("delivery_id", "entity"),
)
LAYOUT = Table(
    "landing",
    "layout",
    "One row: the layout of the pipeline's own tables as last applied.",
    (
        Column("layout_hash", TEXT, "Hash of every table's declaration.", required=True),
        Column("applied_at", INSTANT, "When, UTC.", required=True),
    ),
)

BUILDS = Table(
    "audit",
    "builds",
    "One row per build, opened first and closed last.",
    (
        PARK_ID,
        BUILD_ID,
        Column("started_at", INSTANT, "UTC.", required=True),
        Column("closed_at", INSTANT, "UTC; null while running."),
        Column("status", TEXT, "How it ended.", required=True, allowed=_words(BuildStatus)),
        Column("door", TEXT, "Who started it: schedule, sensor, ui or cli.", required=True),
        Column("run_id", TEXT, "Dagster run."),
        Column("code_version", TEXT, "Package version and hash of code and models.", required=True),
        Column("standards_hash", TEXT, "Hash of every standard row in force.", required=True),
        Column("contracts_hash", TEXT, "Hash of every feed contract it read."),
        Column("change_seq", COUNT, "Last change it included."),
        Column("warnings", COUNT, "Warnings of all steps and gates."),
        Column("reason", TEXT, "Why it did not publish."),
    ),
    key=("build_id",),
    audience="park",
)
STEP_OUTCOMES = Table(
    "audit",
    "step_outcomes",
    "One row per build, step and subject: what every step did, red or green.",
    (
        PARK_ID,
        BUILD_ID,
        Column("step", TEXT, "scan, parse, admission, load, dbt, gate_b, assessment, publish …", required=True),
        Column("subject", TEXT, "Feed, model or table; `-` for the whole.", required=True),
        Column("started_at", INSTANT, "UTC.", required=True),
        Column("ended_at", INSTANT, "UTC.", required=True),
        Column("outcome", TEXT, "How it ended.", required=True, allowed=_words(StepOutcome)),
        Column("rows", COUNT, "Rows it wrote, where that means something."),
        Column("message", TEXT, "What a person should know."),
    ),
    audience="park",
)
DELIVERIES = Table(
    "audit",
    "deliveries",
    "One row per delivery: a file's bytes under one contract, arrived once.",
    (
        PARK_ID,
        DELIVERY_ID,
        BUILD_ID,
        FEED_ID,
        Column("record", TEXT, "Record type.", required=True),
        Column("path", TEXT, "Path below raw/.", required=True),
        Column("arrival_no", COUNT, "Which arrival at this path, from 1.", required=True),
        Column("sha256", TEXT, "Hash of the bytes.", required=True),
        Column("bytes", COUNT, "Size.", required=True),
        Column("received_at", INSTANT, "When the scan found it, UTC; with the path it decides which value is later.", required=True),
        Column("fingerprint", TEXT, "Contract fingerprint.", required=True),
        Column("outcome", TEXT, "Why there is a delivery.", required=True, allowed=_words(DeliveryOutcome)),
        Column("admission", TEXT, "Gate A's word.", required=True, allowed=_words(Admission)),
        Column("source_rows_read", COUNT, "Lines or rows of the file."),
        Column("rows_read", COUNT, "Canonical rows the file held: accepted + duplicate + quarantined."),
        Column("rows_accepted", COUNT, "Rows loaded, revisions among them."),
        Column("rows_duplicate", COUNT, "Rows that were known with the same value."),
        Column("rows_quarantined", COUNT, "Rows refused (audit.quarantine)."),
        Column("rows_revised", COUNT, "Accepted rows that superseded another value."),
        Column("rows_withdrawn", COUNT, "Known rows the delivery took back by its silence."),
        Column("empty_cells", COUNT, "Cells the contract calls empty; no rows."),
        Column("first_date", DATE, "First local date it touches."),
        Column("last_date", DATE, "Last local date it touches."),
        Column("reason", TEXT, "Why it was held, refused or warned about."),
        Column("known_at", INSTANT, "From when its rows are what we knew, UTC: received_at, or for a re-parse the scan that re-parsed it."),
        Column("parse_no", COUNT, "How many times the arrival has been parsed into a delivery, from 1."),
        Column("parse_key", TEXT, "Name of the parse in the lake."),
        Column("parse_fingerprint", TEXT, "Hash of contract, parser and reference rows: when it changes, the past is parsed again."),
        Column("register_fingerprint", TEXT, "Hash of the register rows the delivery was last resolved against."),
        Column("load_mode", TEXT, "What its silence about a key means.", allowed=_words(LoadMode)),
        Column("load_no", COUNT, "Its place in the order of loading; null while it has not been loaded."),
        Column(
            "rows_unresolved", COUNT, "Quarantined rows that wait for a register: an account, point or product nobody has registered yet."
        ),
        Column("replaces_delivery_id", TEXT, "Earlier parse of the same arrival that it takes the place of."),
    ),
    key=("delivery_id",),
)
QUARANTINE = Table(
    "audit",
    "quarantine",
    "One row per refused canonical row.",
    (
        PARK_ID,
        DELIVERY_ID,
        FEED_ID,
        Column("source_row", COUNT, "Row of the file, from 1."),
        Column("column_name", TEXT, "Column of the file."),
        Column("rule", TEXT, "Rule that refused it.", required=True),
        Column("reason", TEXT, "Why, and what would be right.", required=True),
        Column("raw_text", TEXT, "The text as sent, at most 500 characters."),
    ),
)
GATE_RESULTS = Table(
    "audit",
    "gate_results",
    "One row per build, gate, subject and expectation.",
    (
        PARK_ID,
        BUILD_ID,
        Column("gate", TEXT, "a: on deliveries, b: on marts.", required=True, allowed=("a", "b")),
        Column("suite", TEXT, "Suite file.", required=True),
        Column("subject", TEXT, "Delivery or table judged.", required=True),
        Column("expectation", TEXT, "Expectation type.", required=True),
        Column("column_name", TEXT, "Column, where there is one."),
        Column("severity", TEXT, "What a failure means.", required=True, allowed=("critical", "warning", "info")),
        Column("status", TEXT, "What it said.", required=True, allowed=_words(GateStatus)),
        Column("observed", TEXT, "What was found."),
        Column("unexpected_count", COUNT, "Rows that broke it."),
        Column("failing_rows", TEXT, "First rows that broke it, JSON."),
        Column("why", TEXT, "Why the expectation exists.", required=True),
        Column("rule_id", TEXT, "Hash of the expectation, its arguments and severity: the same rule across builds.", required=True),
        Column("scope", TEXT, "What was looked at: everything, or the dates touched after a change.", required=True),
        Column("change_seq", COUNT, "Highest change whose rows were in what was looked at; null for deliveries."),
    ),
    key=("build_id", "gate", "suite", "subject", "rule_id"),
)

SUBSTITUTIONS = Table(
    "audit",
    "substitutions",
    "One row per build, outlet, pollutant and hour (by rules of wastewater: day) whose gap in the measured masses the build judged anew.",
    (
        PARK_ID,
        BUILD_ID,
        Column("outlet_id", TEXT, "Outlet (reference.outlet).", required=True),
        Column("pollutant_code", TEXT, "Pollutant (reference.parameter).", required=True),
        Column("unit", TEXT, "What the row covers.", required=True, allowed=("hour", "day")),
        Column("local_date", DATE, "Park-zone date.", required=True),
        Column("hour_start_utc", INSTANT, "Start of the hour, UTC; null of a day."),
        Column("state", TEXT, "substituted; missing where no rule gives a value; measured once the gap has been filled by what was measured.",
               required=True, allowed=("substituted", "missing", "measured")),
        Column("reason", TEXT, "Why it is missing.", allowed=("capture_too_low", "no_valid_period_before", "no_rule")),
        Column("rule_id", TEXT, "Rule that spoke (reference.substitution_rule)."),
        Column("period_kind", TEXT, "Kind of gap.", allowed=("out_of_control", "other")),
        Column("gap_periods", COUNT, "Length of the whole gap, in units."),
        Column("capture_rate", NUMBER, "Capture rate of the quarter (季度有效数据捕集率) at this build."),
        Column("window_start_utc", INSTANT, "Start of the first valid period that was looked at, UTC."),
        Column("window_end_utc", INSTANT, "End of the last one, UTC."),
        Column("window_found", COUNT, "Valid periods in the window; fewer than the rule's where nothing older is known."),
        Column("source_start_utc", INSTANT, "The period whose mass it is, UTC: the latest with the greatest of the window."),
        Column("value_kg", NUMBER, "Mass of the hour or day, kg."),
        Column("is_provisional", BOOL, "Whether the quarter had not ended at this build: its capture rate may still change."),
    ),
    key=("build_id", "outlet_id", "pollutant_code", "unit", "local_date", "hour_start_utc"),
)  # fmt: skip
REVISIONS = Table(
    "audit",
    "revisions",
    "One row per build, table and key whose published mass the build changed.",
    (
        PARK_ID,
        BUILD_ID,
        Column("table_name", TEXT, "Published table.", required=True, allowed=("enterprise_emission_daily", "enterprise_emission_monthly")),
        Column("enterprise_id", TEXT, "Enterprise.", required=True),
        Column("outlet_id", TEXT, "Outlet; null for declarations on a whole enterprise."),
        Column("pollutant_code", TEXT, "Pollutant.", required=True),
        Column("period_start_date", DATE, "The day, or the month's first.", required=True),
        Column("old_kg", NUMBER, "Mass as published before, kg; null where it was missing."),
        Column("new_kg", NUMBER, "Mass now, kg; null where it is missing or the row is gone."),
        Column("old_substituted_kg", NUMBER, "Substituted part before, kg."),
        Column("new_substituted_kg", NUMBER, "Substituted part now, kg."),
        Column("reason", TEXT, "capture_changed: only the substituted part moved, with the capture rate or the window. late_data: more hours "
               "are covered. correction: the rest, values and registers and rules.", required=True,
               allowed=("capture_changed", "late_data", "correction")),
    ),
    key=("build_id", "table_name", "enterprise_id", "outlet_id", "pollutant_code", "period_start_date"),
)  # fmt: skip

AUDIT = (BUILDS, STEP_OUTCOMES, DELIVERIES, QUARANTINE, GATE_RESULTS, SUBSTITUTIONS, REVISIONS)
OPERATIONAL = (TOUCHED, WATERMARK, MODELS, STANDARD_ROW, PATH_STATE, COVERAGE, LAYOUT)
TABLES = (*LANDING, *OPERATIONAL, *AUDIT)
SCHEMAS = ("landing", "audit", "reference", "staging", "intermediate", "marts", "assessment")
CHANGE_SEQUENCE = "landing.change_seq"
