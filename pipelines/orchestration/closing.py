"""How a build ends: the publication of a good night, and the closing step that runs red or green.

The closing step depends on admission alone and has the lowest priority, so that nothing that fails or is skipped
can keep it from running; under the in-process executor it comes last. How a file is published stands in `publish`.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import dagster as dg

from pipelines.contracts.states import BuildStatus, StepOutcome
from pipelines.orchestration.build import Build, utc_now
from pipelines.orchestration.dbt_models import carry
from pipelines.orchestration.keys import AUDIT, MEASURED_RECORDS, PUBLICATION, landing_key
from pipelines.orchestration.resources import BUILD
from pipelines.settings import local_date
from pipelines.warehouse import audit

PUBLISH, CLOSE = "publish", "close"
_LAST = -10
"""Op priority: below every other step's 0."""
_REASONS = 3


def publication_asset(upstream: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """The published file, behind marts and scores and every blocking check on them."""

    @dg.asset(
        key=PUBLICATION,
        deps=list(upstream),
        group_name="published",
        kinds={"duckdb", "parquet"},
        description="The file that analysts open, put in place whole and verified, and its Parquet export.",
        required_resource_keys={BUILD},
    )
    def park_audit(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata=publish_build(context.resources.build))

    return park_audit


def publish_build(build: Build) -> dict[str, object]:
    """Publish the build; says in metadata what was put in place. Asks for gate B's verdict itself."""
    from pipelines.assessment.methods import TABLES as SCORE_TABLES
    from pipelines.publish.export import export_parquet
    from pipelines.publish.snapshot import publish
    from pipelines.transform.dbt import parsed_manifest

    with build.step(PUBLISH) as note:
        now = utc_now()
        # Marts that were carried over state nothing anew; a quarter ends with a month, and a new month is never carried.
        if not build.carried and (restated := _record_restatements(build, now)):
            note.say(f"{restated} masses substituted or revised")
        published = publish(
            build.con,
            build.settings,
            build.build_id,
            now=now,
            manifest=parsed_manifest(build.settings),
            declared=SCORE_TABLES,
        )
        build.published = True
        note.rows = published.rows
        note.say(published.message)
        for warning in published.warnings:
            note.warn(warning)
    with build.step("export") as note:
        exported = export_parquet(build.con, build.settings)
        note.rows = exported.rows_written
        note.say(exported.message)
    return {
        "dagster/row_count": published.rows,
        "file": dg.MetadataValue.path(published.file),
        "parquet": dg.MetadataValue.path(exported.folder),
        "tables": published.tables,
        "rows written": published.rows_written,
        "bytes": published.file_bytes,
        "gates": dg.MetadataValue.path(build.settings.published / "data_docs" / "index.html"),
    }


def _record_restatements(build: Build, now: datetime) -> int:
    from pipelines.publish.restatements import record_restatements

    settings = build.settings
    return record_restatements(build.con, settings.published_file, settings.park.park_id, build.build_id, local_date(now, settings.zone))


class NotQuiet(RuntimeError):
    """Something came in during a night that was to have nothing new; the message says what."""


def closing_asset(carried_models: list[str] | None = None) -> dg.AssetsDefinition:
    """The build's last word, in the audit tables and in the published file.

    `carried_models` are the incremental models where the graph is that of a night with nothing new: the step then carries the
    last build over itself, and raises NotQuiet where it may not.
    """

    @dg.asset(
        key=AUDIT,
        deps=[landing_key(record) for record in MEASURED_RECORDS],
        group_name="audit",
        kinds={"duckdb"},
        description="Closes the build. On a red night it publishes the audit tables, with the reasons, beside yesterday's marts and scores.",
        op_tags={"dagster/priority": str(_LAST)},
        required_resource_keys={BUILD},
    )
    def build(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        running: Build = context.resources.build
        if carried_models is not None and (reason := _why_not_quiet(running, carried_models)) is not None:
            running.close(BuildStatus.NOT_PUBLISHED, f"came in during a night with nothing new, a whole one follows: {reason}")
            raise NotQuiet(reason)
        close_build(running)
        summary = audit.summarise(running.con, running.build_id)
        return dg.MaterializeResult(
            metadata={
                "build": summary.build_id,
                "status": summary.status.value,
                "reason": summary.reason or "",
                "warnings": summary.warnings,
                "rows read": summary.rows_read,
                "rows accepted": summary.rows_accepted,
                "rows quarantined": summary.rows_quarantined,
                "deliveries held": len(summary.held),
            }
        )

    return build


def _why_not_quiet(build: Build, models: list[str]) -> str | None:
    """Carry the last build over, or say why not. A feed that could not be read may hold something new."""
    if build.feeds_failed:
        return f"{', '.join(sorted(build.feeds_failed))} could not be read"
    return carry(build, models)


def close_build(build: Build) -> None:
    """Publish what there is to publish, and close the build's row."""
    if build.carried and not build.published:
        # The whole file, not its audit tables alone: if somebody has moved or damaged it, this is how it comes back.
        with suppress(Exception):  # the step has written down why, and the build closes red with it as its reason
            publish_build(build)
    if build.published:
        build.close(BuildStatus.PUBLISHED)
        return
    reason = why_not_published(build)
    try:
        with build.step(CLOSE) as note:
            note.say(_publish_audit(build, reason))
    except Exception as error:  # noqa: BLE001 - the row in the warehouse is closed all the same
        reason = f"{reason}; and audit could not be published either: {error}"
    build.close(BuildStatus.NOT_PUBLISHED, reason)


def _publish_audit(build: Build, reason: str) -> str:
    from pipelines.assessment.methods import TABLES as SCORE_TABLES
    from pipelines.publish.snapshot import publish_audit_only
    from pipelines.transform.dbt import DbtError, parsed_manifest

    try:
        manifest = parsed_manifest(build.settings)
    except DbtError:
        manifest = None  # a project that does not parse is the reason of the night; descriptions can wait
    published = publish_audit_only(
        build.con, build.settings, build.build_id, now=utc_now(), reason=reason, manifest=manifest, declared=SCORE_TABLES
    )
    return published.message


def why_not_published(build: Build) -> str:
    """The failed steps that stood in the way, in the order in which they failed."""
    summary = audit.summarise(build.con, build.build_id)
    in_the_way = [line for line in summary.troubled_steps if line.outcome is StepOutcome.FAILED and line.step not in _COSTS_ONLY_ITSELF]
    shown = "; ".join(f"{line.step}{'' if line.subject == '-' else f' {line.subject}'}: {line.message}" for line in in_the_way[:_REASONS])
    more = f"; and {len(in_the_way) - _REASONS} more steps failed" if len(in_the_way) > _REASONS else ""
    return f"{shown}{more}" or "a step behind admission did not run; the run's log in Dagster says why"


_COSTS_ONLY_ITSELF = frozenset({"ingest", "dbt_model", "dbt_test", "dbt_seed"})
"""Steps whose failure is a feed's own matter, or told again by the step they are part of."""
