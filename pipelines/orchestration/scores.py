"""Assessment scores in the graph: pure functions over marts and standards, run once for all score tables.

Asks for gate B's verdict itself: a blocking check stops it within one run only, and somebody may run it alone.
Which scores there are and how they are computed stands in `assessment`.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from pipelines.assessment.tables import TABLES
from pipelines.orchestration.build import Build
from pipelines.orchestration.resources import BUILD
from pipelines.warehouse.verdicts import reason_marts_are_closed

STEP = "assessment"


class GateClosed(RuntimeError):
    """Gate B did not let the marts through; the message says which rule and what was found."""


def score_assets(marts: Sequence[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    """One asset a score table, all of one step."""

    @dg.multi_asset(
        name=STEP,
        specs=[
            dg.AssetSpec(
                dg.AssetKey([table.schema, table.name]),
                deps=list(marts),
                group_name="assessment",
                kinds={"python", "duckdb"},
                description=table.grain,
            )
            for table in TABLES
        ],
        description="Scores by the comprehensive index method (综合评价指数法).",
        required_resource_keys={BUILD},
    )
    def assessment(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from pipelines.assessment.assembly import assess

        build: Build = context.resources.build
        with build.step(STEP) as note:
            if reason := reason_marts_are_closed(build.con, build.build_id):
                raise GateClosed(reason)
            rows = assess(build.con, build.standards, build.park_id, build.build_id)
            note.rows = sum(rows.values())
        for table in TABLES:
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey([table.schema, table.name]), metadata={"dagster/row_count": rows.get(table.name, 0)}
            )

    return [assessment]
