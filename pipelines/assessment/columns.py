"""Columns that several assessment tables share: one meaning, one wording.

A column of one method alone is declared in that method's module.
"""

from pipelines.contracts.records import COUNT, DATE, NUMBER, TEXT, Column
from pipelines.contracts.states import VerificationStatus

PERIOD_TYPES = ("calendar_year", "rolling_12m", "year_to_date", "audit_period")
OF_THE_PARK = PERIOD_TYPES[:3]
"""Periods that are everybody's; an audit period is that of the enterprises whose round it is."""
ENTERPRISE = Column("enterprise_id", TEXT, "Enterprise.", required=True)
PERIOD = (
    Column(
        "period_type",
        TEXT,
        "calendar_year, rolling_12m (the last 12 complete months), year_to_date, or audit_period (the round the register names).",
        required=True,
        allowed=PERIOD_TYPES,
    ),
    Column("period_start", DATE, "First local date of the period.", required=True),
    Column("period_end", DATE, "First local date after the period.", required=True),
)
MEASURED_SHARE = Column("measured_share", NUMBER, "Share that was measured, 0 to 1; null where there is nothing to share.")
MONTHS_OF_DATA = Column("months_of_data", COUNT, "Months of the period in which both sides of the ratio are known.")
VERIFICATION = Column(
    "verification_status",
    TEXT,
    "How sure the least sure reference value is that went in.",
    allowed=tuple(word.value for word in VerificationStatus),
)
