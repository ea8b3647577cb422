"""The methods of the assessment, in the order in which they run: one that reads another's results stands behind it.

Adding a method is its own module and a line here.
"""

from pipelines.assessment.audit_focus import AUDIT_FOCUSES
from pipelines.assessment.enterprise_index import ENTERPRISE_INDEX
from pipelines.assessment.moves import MOVES
from pipelines.assessment.pollution_load import POLLUTION_LOADS
from pipelines.assessment.sensitivity import SENSITIVITY
from pipelines.assessment.trend import TREND

METHODS = (
    ENTERPRISE_INDEX,
    MOVES,
    SENSITIVITY,
    TREND,
    POLLUTION_LOADS,
    AUDIT_FOCUSES,
)

RESULTS = tuple(result for method in METHODS for result in method.results)
TABLES = tuple(table for result in RESULTS for table in (result.latest, result.history))
"""Latest and history of every result."""
