"""The tables of scores: what the latest build says, and every row that ever differed from the one before.

Declared like the warehouse's own tables, so that DDL, comments of the published file and documentation
have one origin. What stands in them is decided in `index`, when a row is written in `assembly`.
"""

import duckdb

from pipelines.contracts.records import BOOL, COUNT, DATE, NUMBER, PARK_ID, STATE, TEXT, TEXTS, Column
from pipelines.contracts.states import VerificationStatus
from pipelines.warehouse.tables import BUILD_ID, Table

PERIOD_TYPES = ("calendar_year", "rolling_12m", "year_to_date")
GRADE_WORDS = ("I", "II", "III", "none")

PERIOD = (
    Column(
        "period_type",
        TEXT,
        "calendar_year, rolling_12m (the last 12 complete months) or year_to_date.",
        required=True,
        allowed=PERIOD_TYPES,
    ),
    Column("period_start", DATE, "First local date of the period.", required=True),
    Column("period_end", DATE, "First local date after the period.", required=True),
)
INDEX_SYSTEM_ID = Column(
    "index_system_id", TEXT, "Index system (reference.index_system); `-` where the register names none.", required=True
)
INDEX_SYSTEM_VERSION = Column("index_system_version", TEXT, "Edition of the index system.")
MEASURED_SHARE = Column("measured_share", NUMBER, "Share that was measured, 0 to 1; null where there is nothing to share.")
MONTHS_OF_DATA = Column("months_of_data", COUNT, "Months of the period in which both sides of the ratio are known.")
RULE_VERSION = Column("rule_version", TEXT, "Method, index system, edition and hash of every row of it that was in force.")
VERIFICATION = Column(
    "verification_status",
    TEXT,
    "How sure the least sure reference value is that went in.",
    allowed=tuple(word.value for word in VerificationStatus),
)
FIRST_BUILD = Column("first_build_id", TEXT, "First build that gave this row.", required=True)
LAST_BUILD = Column("last_build_id", TEXT, "Last published build that gave it; null while the row still holds.")
SUPERSEDED_BY = Column(
    "superseded_by_build_id", TEXT, "Build that gave another row for this grain, or none; null while the row still holds."
)

_GRADE_KEY = (PARK_ID, Column("enterprise_id", TEXT, "Enterprise.", required=True), *PERIOD, INDEX_SYSTEM_ID)
_GRADE = (
    INDEX_SYSTEM_VERSION,
    Column("grade", TEXT, "I, II, III, none, or not_gradeable.", required=True, allowed=(*GRADE_WORDS, "not_gradeable")),
    Column("not_gradeable_because", TEXT, "Why there is no grade and no score; null where there is."),
    Column("provisional", BOOL, "Whether some indicator rests on fewer than 12 months of data.", required=True),
    Column("score_i", NUMBER, "Score for grade I, 0 to 100 (综合评价指数 Y_Ⅰ)."),
    Column("score_ii", NUMBER, "Score for grade II, 0 to 100 (Y_Ⅱ)."),
    Column("score_iii", NUMBER, "Score for grade III, 0 to 100 (Y_Ⅲ); exactly 100 when every indicator meets III."),
    Column("next_grade", TEXT, "Grade above the one reached; null at I.", allowed=GRADE_WORDS),
    Column("points_to_next_grade", NUMBER, "Points its score lacks; 0 where only single indicators stand in the way."),
    Column("blocking_indicators", TEXTS, "Indicators that keep the next grade away whatever the points: limiting ones, and the side condition of the system's general rules."),
    Column("missing_indicators", TEXTS, "Indicators that apply and were not reported; they keep their weight and score 0."),
    Column("not_applicable_indicators", TEXTS, "Indicators that do not apply; their weight went to the rest of their group."),
    Column("warnings", TEXTS, "What an auditor should look at before relying on the grade."),
    Column("months_of_data", COUNT, "Fewest months behind any reported quantitative indicator."),
    MEASURED_SHARE,
    STATE,
    VERIFICATION,
    RULE_VERSION,
)  # fmt: skip
_INDICATOR_KEY = (*_GRADE_KEY, Column("indicator_id", TEXT, "Indicator of the index system (reference.index_indicator).", required=True))
_INDICATOR = (
    Column("indicator_name", TEXT, "Name."),
    Column("group_id", TEXT, "First-level group (一级指标)."),
    Column(
        "kind",
        TEXT,
        "quantitative: a value from the efficiency mart; qualitative: an answer of a survey.",
        allowed=("quantitative", "qualitative"),
    ),
    Column("metric_code", TEXT, "Metric the value comes from (reference.metric)."),
    Column("product_kind", TEXT, "Kind of product it is about; null for the whole enterprise."),
    Column("value", NUMBER, "Value in `unit`, unrounded: the ratio of the period's sums."),
    Column("unit", TEXT, "Unit of value, threshold and gap."),
    Column("direction", TEXT, "lower_is_better, higher_is_better or in_range."),
    Column("answer", TEXT, "Grade found by the survey."),
    Column("answered_on", DATE, "Local date of the survey."),
    STATE,
    MEASURED_SHARE,
    MONTHS_OF_DATA,
    Column(
        "grade_reached",
        TEXT,
        "I, II, III, none; unknown where a threshold is not known; null where there is no value.",
        allowed=(*GRADE_WORDS, "unknown"),
    ),
    Column("is_limiting", BOOL, "Limiting indicator (限定性指标)."),
    Column("is_bonus", BOOL, "Belongs to a bonus group."),
    Column("weight", NUMBER, "Weight in the total score after redistribution; 0 where it does not apply, null where there is no score."),
    Column("contribution_i", NUMBER, "Points it adds to score_i."),
    Column("contribution_ii", NUMBER, "Points it adds to score_ii."),
    Column("contribution_iii", NUMBER, "Points it adds to score_iii."),
    Column("next_grade", TEXT, "Grade above the one it reached.", allowed=GRADE_WORDS),
    Column("next_threshold", NUMBER, "Threshold of that grade in `unit`."),
    Column("gap_to_next_grade", NUMBER, "Distance of the value from it in `unit`, never negative; `direction` says which way."),
    INDEX_SYSTEM_VERSION,
    VERIFICATION,
    RULE_VERSION,
)


def _latest(name: str, grain: str, key: tuple[Column, ...], columns: tuple[Column, ...]) -> Table:
    return Table(
        "assessment", name, f"{grain}, as of the latest published build.", (*key, *columns, BUILD_ID), tuple(c.name for c in key), "park"
    )


def _history(name: str, grain: str, key: tuple[Column, ...], columns: tuple[Column, ...]) -> Table:
    return Table(
        "assessment",
        f"{name}_history",
        f"{grain} and change: a row for every build whose result differed from the one before.",
        (*key, *columns, BUILD_ID, FIRST_BUILD, LAST_BUILD, SUPERSEDED_BY),
        (*(c.name for c in key), FIRST_BUILD.name),
        "park",
    )


_GRADE_GRAIN = "One row per enterprise, period and index system"
_INDICATOR_GRAIN = "One row per enterprise, period, index system and indicator"
ENTERPRISE_GRADE = _latest("enterprise_grade", _GRADE_GRAIN, _GRADE_KEY, _GRADE)
ENTERPRISE_INDICATOR = _latest("enterprise_indicator", _INDICATOR_GRAIN, _INDICATOR_KEY, _INDICATOR)
ENTERPRISE_GRADE_HISTORY = _history("enterprise_grade", _GRADE_GRAIN, _GRADE_KEY, _GRADE)
ENTERPRISE_INDICATOR_HISTORY = _history("enterprise_indicator", _INDICATOR_GRAIN, _INDICATOR_KEY, _INDICATOR)

SCORES = ((ENTERPRISE_GRADE, ENTERPRISE_GRADE_HISTORY), (ENTERPRISE_INDICATOR, ENTERPRISE_INDICATOR_HISTORY))
"""Latest and history, in pairs."""
TABLES = tuple(table for pair in SCORES for table in pair)


def ensure_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Make sure the tables exist and have every declared column; a column that is new holds null in older rows."""
    con.execute("create schema if not exists assessment")
    for table in TABLES:
        con.execute(table.ddl)
        found = {
            name
            for (name,) in con.execute(
                "select column_name from duckdb_columns() where schema_name = ? and table_name = ?", [table.schema, table.name]
            ).fetchall()
        }
        for column in table.columns:
            if column.name not in found:
                con.execute(f"alter table {table.qualified} add column {column.name} {column.duckdb_type}")
