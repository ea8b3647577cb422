"""The dbt project in the graph: one asset a model or seed, one check a test, one dbt process a night.

dbt builds the whole project at once; incremental models decide themselves what they rebuild. How dbt is started
stands in `transform`, what it computes in the project.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb

from pipelines.contracts.records import RECORD_TYPES
from pipelines.contracts.states import BuildStatus, StepOutcome
from pipelines.orchestration.build import Build, StepNote, utc_now
from pipelines.orchestration.gate_checks import carry_verdicts
from pipelines.orchestration.instance import environment
from pipelines.orchestration.keys import SEEDS, STANDARDS, TOUCHED, landing_key
from pipelines.orchestration.resources import BUILD, DBT
from pipelines.orchestration.tables import rows_as_markdown
from pipelines.transform import dbt as runner
from pipelines.transform.standing import relations_of, selectors_of, standing_nodes
from pipelines.warehouse import audit, builds

if TYPE_CHECKING:
    from dagster_dbt import DbtCliInvocation

STEP = "dbt"
FAILING_ROWS_SHOWN = 20
PUBLIC_SCHEMAS = ("marts", "reference")
_UNIQUE_ID = "unique_id"
_OWN_STANDARDS = "own_standards"
_BUILT = frozenset({"success", "pass", "warn", "fail"})
"""Statuses that leave no model unbuilt: a test that fails says nothing against the text of the models before it."""


class DbtFailed(RuntimeError):
    """A model could not be built or a test that guards the numbers failed."""


class NoFeedRead(RuntimeError):
    """Every single feed failed: the disk is gone or the program is broken, and the last publication had better stand."""


def incremental_models(manifest: Mapping[str, Any]) -> list[str]:
    """Models that consume changes and leave a watermark."""
    return sorted(
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"].get("incremental_strategy") == "touched"
    )


def public_model_keys(manifest: Mapping[str, Any]) -> list[dg.AssetKey]:
    """Keys of the models that get published."""
    return sorted(
        model_key(node)
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] in PUBLIC_SCHEMAS and node["config"]["materialized"] != "ephemeral"
    )


def model_key(props: Mapping[str, Any]) -> dg.AssetKey:
    """Where a dbt resource stands in the graph: by schema and table, as people query it."""
    if props["resource_type"] == "source":
        if props["name"] in RECORD_TYPES:
            return landing_key(props["name"])
        return STANDARDS if props["source_name"] == _OWN_STANDARDS else TOUCHED
    if props["resource_type"] == "seed":
        return dg.AssetKey([SEEDS, props["name"]])
    return dg.AssetKey([props["schema"], props.get("alias") or props["name"]])


def dbt_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """All models, seeds and tests of the project as one step."""
    from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings
    from dagster_dbt import dbt_assets as make_dbt_assets

    class ParkTranslator(DagsterDbtTranslator):
        """Keys, groups and descriptions as this graph wants them."""

        def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
            return model_key(dbt_resource_props)

        def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
            kind = dbt_resource_props["resource_type"]
            return {"seed": SEEDS, "source": "landing"}.get(kind, dbt_resource_props["schema"])

        def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
            return dbt_resource_props.get("description") or f"{dbt_resource_props['resource_type']} {dbt_resource_props['name']}"

    models = incremental_models(manifest)
    translator = ParkTranslator(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))

    @make_dbt_assets(manifest=manifest, dagster_dbt_translator=translator, name="dbt", required_resource_keys={BUILD, DBT})
    def dbt(context: dg.AssetExecutionContext) -> Iterator[Any]:
        build: Build = context.resources.build
        if build.feeds_failed and not build.feeds_read:
            with build.step(STEP):
                raise NoFeedRead(f"none of the {len(build.feeds_failed)} feeds could be read: this is no matter of single feeds")
        reason = carry(build, models)
        if reason is None:
            # No output: Dagster shows the marts, their gate, scores and publication as skipped, which is what they are.
            return
        with build.step(STEP) as note:
            note.say(reason)
            yield from _run(context, build, note, manifest)

    return dbt


def carry(build: Build, models: list[str]) -> str | None:
    """Let marts, verdicts and scores of the last build stand where nothing has changed since; the reason why not where something has."""
    if (reason := build.why_build(models)) is not None:
        return reason
    if not carry_verdicts(build):
        return "the verdicts of the last build cannot be carried over"
    with build.step(STEP) as note:
        note.outcome = StepOutcome.CARRIED
        note.say("nothing has changed since the last publication: its marts, verdicts and scores still hold")
    build.carried = True
    builds.include_changes(build.con, build.build_id)
    return None


def standing(build: Build, previous: audit.BuildRow | None, manifest: Mapping[str, Any]) -> frozenset[str]:
    """Ids of the nodes that need not run this time; none unless the build before this one ended well with the same code and standards.

    What the build before left out in its turn was built by an earlier one of which all this holds too. A build that ran but a
    part of the graph, or took in what it could not build, has not published.
    """
    if previous is None or previous.status is not BuildStatus.PUBLISHED or previous.code_version != build.code_version:
        return frozenset()
    if not build.standards_stand or previous.standards_hash != build.standards.hash:
        return frozenset()
    changed = {unique_id for unique_id, source in manifest["sources"].items() if _may_have_changed(source, build)}
    # A test that warned says so again, every night.
    warned = audit.warned_steps(build.con, previous.build_id, "dbt_test")
    must_run = {unique_id for unique_id, node in manifest["nodes"].items() if node["resource_type"] == "test" and node["name"] in warned}
    found = standing_nodes(manifest, changed, must_run)
    return found if audit.relations(build.con).issuperset(relations_of(manifest, found).values()) else frozenset()


def _may_have_changed(source: Mapping[str, Any], build: Build) -> bool:
    """Standards have been compared before, records change by admission alone; of anything else nobody knows."""
    if source["source_name"] == _OWN_STANDARDS:
        return False
    return source["name"] not in RECORD_TYPES or source["name"] in build.records_changed


def _run(context: dg.AssetExecutionContext, build: Build, note: StepNote, manifest: Mapping[str, Any]) -> Iterator[Any]:
    settings = build.settings
    through = builds.include_changes(build.con, build.build_id)
    rebuild = builds.must_rebuild_models(build.con, runner.models_hash(settings))
    build.rebuilt_after = audit.lowest_watermark(build.con)
    previous = audit.previous_build(build.con, build.build_id)
    published = previous is not None and previous.status is BuildStatus.PUBLISHED
    seeds_stand = published and build.standards_stand and previous.standards_hash == build.standards.hash
    left_out = frozenset() if rebuild or context.is_subset else standing(build, previous, manifest)
    target = runner.build_target(settings, build.build_id)
    arguments = runner.dbt_arguments(
        "build",
        park_id=build.park_id,
        park_zone=settings.park.zone,
        full_refresh=rebuild,
        exclude_seeds=seeds_stand and not rebuild and not context.is_subset,
        # Seeds are left out by their kind, which spares dbt to look for each.
        exclude=selectors_of(manifest, [each for each in left_out if manifest["nodes"][each]["resource_type"] != "seed"]),
    )
    variables = runner.dbt_environment(settings, build_id=build.build_id, through_change_seq=through)
    if left_out:
        variables |= runner.only_what_is_named()
    failed_checks: list[dg.AssetCheckResult] = []
    carried = _Carried(previous, manifest, left_out)
    build.release_warehouse()
    with environment(variables):
        invocation: DbtCliInvocation = context.resources.dbt.cli(arguments, context=context, target_path=target, raise_on_error=False)
    total = len(context.selected_asset_keys) + len(context.selected_asset_check_keys)
    for done, event in enumerate(invocation.stream(), start=1):
        if isinstance(event, dg.AssetCheckResult) and not event.passed:
            failed_checks.append(event)
        else:
            if isinstance(event, dg.Output):
                yield from carried.before(context.asset_key_for_output(event.output_name))
            yield event
        build.reporter.step_moved(STEP, "-", done, max(total, done))
    succeeded = invocation.process.wait() == 0
    runner.prune_targets(settings)
    results = _results(target)
    _record_nodes(build, results, note)
    yield from carried.rest()
    carried.record(build, note)
    for check in failed_checks:
        yield _with_rows(build, check, results)
    if rebuild and not context.is_subset and all(result["status"] in _BUILT for result in results.values()) and results:
        builds.models_rebuilt(build.con)
    if not succeeded:
        raise DbtFailed(_why_failed(results, str(invocation.get_error() or "dbt ended without saying why"), target))


class _Carried:
    """What was left out, told as carried: a row for every model and seed, and for what is public its asset, so that what stands behind
    it is not skipped.

    A test has no row when it passes, and no check result here: one that did not run has not passed. Views and seeds that did not
    run are not materialised, which is what they are.
    """

    def __init__(self, previous: audit.BuildRow | None, manifest: Mapping[str, Any], left_out: Collection[str]) -> None:
        self._said = f"nothing it is made of has changed since build {previous.build_id if previous else '-'}"
        self._nodes: Mapping[str, Mapping[str, Any]] = manifest["nodes"]
        self._left_out = sorted(left_out)
        shown = {
            each for each in left_out if self._nodes[each]["resource_type"] == "model" and self._nodes[each]["schema"] in PUBLIC_SCHEMAS
        }
        self._pending = {model_key(self._nodes[each]): each for each in shown}
        self._ids = {model_key(node): unique_id for unique_id, node in self._nodes.items() if node["resource_type"] in ("model", "seed")}
        self._passed: set[str] = set()

    def before(self, key: dg.AssetKey) -> Iterator[dg.MaterializeResult]:
        """Assets that an asset is made of and that were left out: Dagster wants them first. Each once."""
        yield from self._of([self._ids[key]] if key in self._ids else [])

    def rest(self) -> Iterator[dg.MaterializeResult]:
        """Those that nothing which was built is made of."""
        yield from self._of(sorted(self._pending.values()))

    def _of(self, unique_ids: Collection[str]) -> Iterator[dg.MaterializeResult]:
        for unique_id in unique_ids:
            if unique_id in self._passed or unique_id not in self._nodes:
                continue
            self._passed.add(unique_id)
            yield from self._of(self._nodes[unique_id]["depends_on"].get("nodes", []))
            key = model_key(self._nodes[unique_id])
            if self._pending.pop(key, None):
                yield dg.MaterializeResult(asset_key=key, metadata={"carried": self._said})

    def record(self, build: Build, note: StepNote) -> None:
        now, nodes = utc_now(), [self._nodes[unique_id] for unique_id in self._left_out]
        rows = [
            builds.Step(f"dbt_{node['resource_type']}", node["name"], now, now, StepOutcome.CARRIED, None, self._said)
            for node in nodes
            if node["resource_type"] != "test"
        ]
        builds.record_steps(build.con, build.park_id, build.build_id, rows)
        if counted := Counter(node["config"]["materialized"] for node in nodes):
            note.say(f"carried: {', '.join(f'{count} {kind}s' for kind, count in sorted(counted.items()))}")


def _results(target: Path) -> dict[str, dict[str, Any]]:
    """dbt's own account of every node, by unique id; empty when dbt did not get so far."""
    try:
        content = json.loads((target / "run_results.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}
    return {result[_UNIQUE_ID]: result for result in content["results"]}


def _record_nodes(build: Build, results: dict[str, dict[str, Any]], note: StepNote) -> None:
    """An outcome row for every model and seed, and for every test that did not pass."""
    rows = []
    for unique_id, result in results.items():
        kind, name = unique_id.split(".")[0], unique_id.split(".")[2]
        status = result["status"]
        if kind == "test" and status == "pass":
            continue
        outcome = {"success": StepOutcome.OK, "warn": StepOutcome.WARNED, "skipped": StepOutcome.SKIPPED}.get(status, StepOutcome.FAILED)
        times = [_moment(timing[edge]) for timing in result["timing"] for edge in ("started_at", "completed_at") if timing.get(edge)]
        message = None if outcome is StepOutcome.OK else _one_line(result.get("message"))
        if outcome is StepOutcome.WARNED:
            note.say(f"test {name}: {message}")
        rows.append(
            builds.Step(
                f"dbt_{kind}",
                name,
                min(times, default=build.started_at),
                max(times, default=build.started_at),
                outcome,
                _rows(result),
                message,
            )
        )
    builds.record_steps(build.con, build.park_id, build.build_id, rows)
    note.rows = sum(1 for unique_id in results if unique_id.startswith("model."))


def _with_rows(build: Build, check: dg.AssetCheckResult, results: dict[str, dict[str, Any]]) -> dg.AssetCheckResult:
    """The failed check with the first rows that failed it: dbt says that a test failed, the rows say what is wrong."""
    metadata = dict(check.metadata or {})
    unique_id = metadata.get(_UNIQUE_ID)
    query = (results.get(getattr(unique_id, "value", unique_id)) or {}).get("compiled_code")
    if query:
        with suppress(duckdb.Error):
            found = build.con.execute(f"select * from ({query.rstrip().rstrip(';')}) limit {FAILING_ROWS_SHOWN}")  # noqa: S608 - dbt's own test
            metadata["failing rows"] = dg.MarkdownMetadataValue(
                rows_as_markdown([column[0] for column in found.description], found.fetchall())
            )
    return check._replace(metadata=metadata)


def _why_failed(results: dict[str, dict[str, Any]], said: str, target: Path) -> str:
    failed = [
        f"{unique_id.split('.')[0]} {unique_id.split('.')[2]}: {_one_line(result.get('message'))}"
        for unique_id, result in results.items()
        if result["status"] in {"error", "fail", "runtime error"}
    ]
    more = f"; and {len(failed) - 3} more" if len(failed) > 3 else ""
    return f"{'; '.join(failed[:3]) or _one_line(said)}{more}; compiled SQL and results are in {target}"


def _rows(result: Mapping[str, Any]) -> int | None:
    found = (result.get("adapter_response") or {}).get("rows_affected")
    return found if isinstance(found, int) and found >= 0 else None


def _one_line(message: str | None) -> str:
    """Without the stack of macros that dbt puts behind it, which its log has."""
    return " ".join((message or "no message").split("\n  > in macro")[0].split())[:500]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z"))
