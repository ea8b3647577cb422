"""The graph, put together: feeds → landing → dbt → gate B → scores → publication, and the step that closes the build.

`build_defs` takes what a test or a special run wants otherwise and leaves the rest as it is. Nothing runs here.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from pipelines.orchestration.admission import admission_assets, feed_checks
from pipelines.orchestration.closing import closing_asset, publication_asset
from pipelines.orchestration.dbt_models import dbt_assets, incremental_models, public_model_keys
from pipelines.orchestration.feeds import feed_asset, feed_contracts
from pipelines.orchestration.instance import write_instance_file
from pipelines.orchestration.keys import JOB, MEASURED_RECORDS, READ_WITH, landing_key
from pipelines.orchestration.progress import Reporter
from pipelines.orchestration.resources import BUILD, DBT, build_resource, dbt_resource
from pipelines.orchestration.schedules import new_files_sensor, nightly_schedule
from pipelines.settings import Settings
from pipelines.transform.dbt import parsed_manifest


def build_defs(
    *,
    settings: Settings | None = None,
    manifest: Mapping[str, Any] | None = None,
    reporter: Reporter | None = None,
    resources: Mapping[str, dg.ResourceDefinition] | None = None,
    scores: Sequence[dg.AssetsDefinition] | None = None,
    quiet: bool = False,
) -> dg.Definitions:
    """Definitions of one home.

    Args:
        settings: from the environment when absent.
        manifest: of the dbt project; parsed when absent and a file of the project has changed.
        reporter: hears how runs in this process go.
        resources: instead of ours, by key.
        scores: instead of the assessment's.
        quiet: the part of the graph that a night with nothing new runs: feeds, admission and the closing step, which carries
            the last build over. Announcing and skipping hundreds of models and checks takes longer than all the rest of it.

    Raises:
        ContractError, SettingsError, SuiteError, DbtError: nothing sensible can be built. A single broken feed
            contract is no such case: it stays in the graph, and its step fails with its problems.
    """
    settings = settings or Settings.load()
    write_instance_file(settings)
    if manifest is None:
        manifest = json.loads(parsed_manifest(settings).read_text(encoding="utf-8"))
    if quiet:
        assets = [*_landing(settings), closing_asset(incremental_models(manifest))]
    else:
        assets = [*_landing(settings), *_behind_landing(settings, manifest, scores), closing_asset()]
    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        executor_def=dg.in_process_executor,
        description="The nightly refresh: everything, in one process, because DuckDB has one writer.",
    )
    return dg.Definitions(
        assets=[asset for asset in assets if not isinstance(asset, dg.AssetChecksDefinition)],
        asset_checks=[asset for asset in assets if isinstance(asset, dg.AssetChecksDefinition)],
        jobs=[job],
        schedules=[nightly_schedule(settings, job)],
        sensors=[new_files_sensor(settings)],
        resources={BUILD: build_resource(settings, reporter), DBT: dbt_resource(settings), **(resources or {})},
        executor=dg.in_process_executor,
    )


def _behind_landing(
    settings: Settings, manifest: Mapping[str, Any], scores: Sequence[dg.AssetsDefinition] | None
) -> list[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    """Models, gate B, scores and publication."""
    # Imported here: a night with nothing new has none of them.
    from pipelines.orchestration.gate_checks import gate_on_marts
    from pipelines.orchestration.scores import score_assets

    marts = public_model_keys(manifest)
    scores = score_assets([*marts, *map(landing_key, MEASURED_RECORDS)]) if scores is None else scores
    gate = gate_on_marts(settings, marts)
    score_keys = [key for asset in scores for key in asset.keys]
    return [dbt_assets(manifest), *([gate] if gate else []), *scores, publication_asset([*marts, *score_keys])]


def _landing(settings: Settings) -> list[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    """Feeds and what admits them. A feed that cannot be read as a contract has its place like any other."""
    contracts, broken = feed_contracts(settings)
    registers = [contract for contract in contracts if contract.record_type.is_register]
    others = [contract for contract in contracts if not contract.record_type.is_register]
    feeds = [
        *(feed_asset(contract.feed_id, contract, []) for contract in registers),
        *(feed_asset(contract.feed_id, contract, _registers_of(contract.record)) for contract in others),
        *(feed_asset(feed_id, None, _registers_of("reading")) for feed_id in sorted(broken)),
    ]
    admission = admission_assets(
        [contract.feed_id for contract in registers], [*(contract.feed_id for contract in others), *sorted(broken)]
    )
    return [*feeds, *admission, *feed_checks(contracts)]


def _registers_of(record: str) -> list[dg.AssetKey]:
    return [landing_key(register) for register in READ_WITH[record]]
