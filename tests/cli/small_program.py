"""The command line on a small home: the real program, with the home's own dbt project, suites and scores."""

from pipelines.cli import nightly, shared
from pipelines.cli.main import app
from pipelines.orchestration import nightly as graph
from tests.orchestration.mini import MiniSettings, mini_score

for module in (shared, nightly):
    module.Settings = MiniSettings
real = graph.run_nightly
graph.run_nightly = lambda settings, reporter: real(settings, reporter, scores=[mini_score])

__all__ = ["app"]
