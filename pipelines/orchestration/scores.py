"""Assessment scores in the graph: pure functions over marts and standards, run once for all score tables.

Which scores there are and how they are computed stands in `assessment`.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from pipelines.assessment.tables import TABLES
from pipelines.orchestration.build import Build
from pipelines.orchestration.resources import BUILD

STEP = "assessment"


def score_assets(upstream: Sequence[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    """One asset a score table, all of one step."""

    @dg.multi_asset(
        name=STEP,
        specs=[
            dg.AssetSpec(
                dg.AssetKey([table.schema, table.name]),
                deps=list(upstream),
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
        from pipelines.assessment.assembly import assess_enterprises

        build: Build = context.resources.build
        with build.step(STEP) as note:
            # Asks for gate B's verdict itself: a blocking check stops it within one run only.
            summary = assess_enterprises(build.con, build.settings, build.standards, build.build_id)
            note.rows = summary.grades + summary.indicators
            note.say(summary.message)
            for warning in summary.warnings:
                note.warn(warning)
        for table in TABLES:
            yield dg.MaterializeResult(asset_key=dg.AssetKey([table.schema, table.name]), metadata={"summary": summary.message})

    return [assessment]
