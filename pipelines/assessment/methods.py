"""The methods of the assessment, in the order in which they run: one that reads another's results stands behind it.

Adding a method is its own module and a line here.
"""

from pipelines.assessment.complaint_context import COMPLAINTS
from pipelines.assessment.engagement import ENGAGEMENTS
from pipelines.assessment.enterprise_index import ENTERPRISE_INDEX
from pipelines.assessment.workflow import AUDIT_WORKFLOW

METHODS = (
    ENTERPRISE_INDEX,
    AUDIT_WORKFLOW,
    COMPLAINTS,
    ENGAGEMENTS,
)

RESULTS = tuple(result for method in METHODS for result in method.results)
TABLES = tuple(table for result in RESULTS for table in (result.latest, result.history))
"""Latest and history of every result."""
