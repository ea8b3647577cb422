"""The methods of the assessment, in the order in which they run: one that reads another's results stands behind it.

Adding a method is its own module and a line here.
"""

from pipelines.assessment.balance import BALANCES
from pipelines.assessment.disclosure_check import DISCLOSURE_CHECKS
from pipelines.assessment.enterprise_index import ENTERPRISE_INDEX
from pipelines.assessment.mandatory_audit import MANDATORY_AUDITS
from pipelines.assessment.obsolete_asset import OBSOLETE_ASSETS
from pipelines.assessment.reconciliation import RECONCILIATIONS
from pipelines.assessment.risk_grade import RISK_GRADES

METHODS = (
    ENTERPRISE_INDEX,
    BALANCES,
    RECONCILIATIONS,
    DISCLOSURE_CHECKS,
    MANDATORY_AUDITS,
    OBSOLETE_ASSETS,
    RISK_GRADES,
)

RESULTS = tuple(result for method in METHODS for result in method.results)
TABLES = tuple(table for result in RESULTS for table in (result.latest, result.history))
"""Latest and history of every result."""
