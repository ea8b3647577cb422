"""The tables of the comprehensive index method: grades, and the indicators they are made of.

What stands in them is decided in `index`, where the values come from in `enterprise_index`.
"""

from pipelines.assessment.columns import ENTERPRISE, MEASURED_SHARE, MONTHS_OF_DATA, PERIOD, VERIFICATION
from pipelines.assessment.method import Result
from pipelines.contracts.records import BOOL, COUNT, DATE, NUMBER, STATE, TEXT, TEXTS, Column

GRADE_WORDS = ("I", "II", "III", "none")
INDEX_SYSTEM_ID = Column(
    "index_system_id", TEXT, "Index system (reference.index_system); `-` where the register names none.", required=True
)
INDEX_SYSTEM_VERSION = Column("index_system_version", TEXT, "Edition of the index system.")
RULE_VERSION = Column("rule_version", TEXT, "Method, index system, edition and hash of every row of it that was in force.")

_GRADE_KEY = (ENTERPRISE, *PERIOD, INDEX_SYSTEM_ID)
_GRADE = (
    INDEX_SYSTEM_VERSION,
    Column("grade", TEXT, "I, II, III, none, or not_gradeable.", required=True, allowed=(*GRADE_WORDS, "not_gradeable")),
    Column("not_gradeable_because", TEXT, "Why there is no grade and no score; null where there is."),
    Column("provisional", BOOL, "Whether some indicator rests on fewer than 12 months of data.", required=True),
    Column("score_i", NUMBER, "Score for grade I, 0 to 100 (综合评价指数 Y_Ⅰ)."),
    Column("score_ii", NUMBER, "Score for grade II, 0 to 100 (Y_Ⅱ)."),
    Column("score_iii", NUMBER, "Score for grade III, 0 to 100 (Y_Ⅲ); exactly 100 when every indicator meets III."),
    Column("pass_mark", NUMBER, "Score that grades I and II need."),
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
    Column(
        "stage",
        TEXT,
        "Where in the process the figure is taken: input, process, generation (before treatment), recovery or discharge.",
        allowed=("input", "process", "generation", "recovery", "discharge"),
    ),
    Column("product_kind", TEXT, "Kind of product it is about; null for the whole enterprise."),
    Column("value", NUMBER, "Value in `unit`, unrounded: the ratio of the period's sums."),
    Column("unit", TEXT, "Unit of value, threshold and gap."),
    Column("direction", TEXT, "lower_is_better, higher_is_better or in_range."),
    Column(
        "output_quantity", NUMBER, "Output of product_kind in the product's unit: what an alternative row's share of the weight follows."
    ),
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

ENTERPRISE_GRADE = Result("enterprise_grade", "One row per enterprise, period and index system", _GRADE_KEY, _GRADE)
ENTERPRISE_INDICATOR = Result(
    "enterprise_indicator", "One row per enterprise, period, index system and indicator", _INDICATOR_KEY, _INDICATOR
)
