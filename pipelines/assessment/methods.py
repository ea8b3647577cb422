"""The methods of the assessment, in the order in which they run: one that reads another's results stands behind it.

Adding a method is its own module and a line here.
"""

from pipelines.assessment.acceptance import ACCEPTANCES
from pipelines.assessment.audit_focus import AUDIT_FOCUSES
from pipelines.assessment.balance import BALANCES
from pipelines.assessment.complaint_context import COMPLAINTS
from pipelines.assessment.disclosure_check import DISCLOSURE_CHECKS
from pipelines.assessment.engagement import ENGAGEMENTS
from pipelines.assessment.enterprise_index import ENTERPRISE_INDEX
from pipelines.assessment.enterprise_standing import STANDINGS
from pipelines.assessment.finding import FINDINGS
from pipelines.assessment.mandatory_audit import MANDATORY_AUDITS
from pipelines.assessment.measure_economics import ECONOMICS
from pipelines.assessment.measure_effect import EFFECT
from pipelines.assessment.moves import MOVES
from pipelines.assessment.obsolete_asset import OBSOLETE_ASSETS
from pipelines.assessment.outlook import LOOKING_AHEAD
from pipelines.assessment.park_checklist import CHECKLISTS
from pipelines.assessment.park_summary import PARK_SUMMARIES
from pipelines.assessment.plausibility import PLAUSIBILITIES
from pipelines.assessment.pollution_load import POLLUTION_LOADS
from pipelines.assessment.reconciliation import RECONCILIATIONS
from pipelines.assessment.risk_grade import RISK_GRADES
from pipelines.assessment.sensitivity import SENSITIVITY
from pipelines.assessment.target_progress import PROGRESS
from pipelines.assessment.technology_match import MATCHING
from pipelines.assessment.trend import TREND
from pipelines.assessment.workflow import AUDIT_WORKFLOW
from pipelines.assessment.worklist import WORKLISTS

METHODS = (
    ENTERPRISE_INDEX,
    MOVES,
    SENSITIVITY,
    TREND,
    POLLUTION_LOADS,
    AUDIT_FOCUSES,
    BALANCES,
    RECONCILIATIONS,
    DISCLOSURE_CHECKS,
    PLAUSIBILITIES,
    MANDATORY_AUDITS,
    OBSOLETE_ASSETS,
    RISK_GRADES,
    ECONOMICS,
    EFFECT,
    MATCHING,
    LOOKING_AHEAD,
    PROGRESS,
    AUDIT_WORKFLOW,
    FINDINGS,
    COMPLAINTS,
    ENGAGEMENTS,
    CHECKLISTS,
    ACCEPTANCES,
    STANDINGS,
    WORKLISTS,
    PARK_SUMMARIES,
)

RESULTS = tuple(result for method in METHODS for result in method.results)
TABLES = tuple(table for result in RESULTS for table in (result.latest, result.history))
"""Latest and history of every result."""
