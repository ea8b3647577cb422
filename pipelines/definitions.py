"""What Dagster loads (`workspace.yaml`): one code location, put together in `orchestration.graph`."""

from pipelines.orchestration.graph import build_defs

defs = build_defs()
