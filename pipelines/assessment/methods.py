"""The methods of the assessment, in the order in which they run: one that reads another's results stands behind it.

Adding a method is its own module and a line here.
"""

from pipelines.assessment.enterprise_index import ENTERPRISE_INDEX
from pipelines.assessment.measure_economics import ECONOMICS
from pipelines.assessment.measure_effect import EFFECT
from pipelines.assessment.outlook import LOOKING_AHEAD
from pipelines.assessment.target_progress import PROGRESS
from pipelines.assessment.technology_match import MATCHING

METHODS = (ENTERPRISE_INDEX, ECONOMICS, EFFECT, MATCHING, LOOKING_AHEAD, PROGRESS)

RESULTS = tuple(result for method in METHODS for result in method.results)
TABLES = tuple(table for result in RESULTS for table in (result.latest, result.history))
"""Latest and history of every result."""
