"""Assessment scores in the graph: pure functions over marts and standards, run in one step for all their tables.

Which methods there are and how they compute stands in `assessment`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from pipelines.assessment.assembly import Assessment
from pipelines.assessment.method import Result
from pipelines.assessment.methods import METHODS
from pipelines.orchestration.build import Build
from pipelines.orchestration.resources import BUILD
from pipelines.orchestration.tables import figure_as_markdown, rows_as_markdown

STEP = "assessment"
_ROWS_SHOWN = 15


def score_assets(upstream: Sequence[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    """One asset a result, all of one step; a result's history is written with it and is no asset of its own."""

    @dg.multi_asset(
        name=STEP,
        specs=[
            dg.AssetSpec(
                _key(result),
                deps=list(upstream),
                group_name="assessment",
                kinds={"python", "duckdb"},
                description=f"{result.latest.grain} {method.description}",
            )
            for method in METHODS
            for result in method.results
        ],
        description="Every method of the assessment over marts and standards.",
        required_resource_keys={BUILD},
    )
    def assessment(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from pipelines.assessment.assembly import assess_park

        build: Build = context.resources.build
        with build.step(STEP) as note:
            # Asks for gate B's verdict itself: a blocking check stops it within one run only.
            done = assess_park(build.con, build.settings, build.standards, build.build_id)
            note.rows = sum(each.rows for each in done)
            for each in done:
                note.say(f"{each.method.name}: {each.message}")
                for warning in each.outcome.warnings:
                    note.warn(warning)
        for each in done:
            for result in each.method.results:
                yield dg.MaterializeResult(asset_key=_key(result), metadata=_shown(each, result))

    return [assessment]


def _key(result: Result) -> dg.AssetKey:
    return dg.AssetKey([result.latest.schema, result.latest.name])


def _shown(assessment: Assessment, result: Result) -> dict[str, Any]:
    """Counts, the first rows, and the method's figure on the first of its tables."""
    frame = assessment.outcome.frames[result.name]
    columns = [name for name in frame.columns if name not in ("park_id", "build_id")]
    metadata: dict[str, Any] = {
        "dagster/row_count": frame.height,
        "summary": assessment.message,
        "rows that differ from the build before": assessment.changed[result.name],
        "rule": assessment.method.description,
        "first rows": dg.MarkdownMetadataValue(rows_as_markdown(columns, frame.select(columns).head(_ROWS_SHOWN).rows())),
    }
    if assessment.method.plot is not None and result is assessment.method.results[0] and not frame.is_empty():
        drawn = figure_as_markdown(
            lambda axes: assessment.method.plot(axes, assessment.outcome.frames), label=assessment.method.name, size=(7, 3)
        )
        metadata["plot"] = dg.MarkdownMetadataValue(drawn)
    return metadata
