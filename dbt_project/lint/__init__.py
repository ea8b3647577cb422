"""What dbt's context holds beside macros, for sqlfluff: enough to render every model as dbt does while it parses.

Read by sqlfluff through `.sqlfluff` (library_path); neither dbt nor the pipeline imports it. No rules of the project belong here.
"""

import datetime
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context


@pass_context
def _dispatch(context: Context, name: str, *_: str) -> Callable[..., Any]:
    """DuckDB's side of a dispatched macro."""
    return context.get(f"duckdb__{name}") or context[f"default__{name}"]


def _raise(message: str) -> None:
    raise ValueError(message)


adapter = SimpleNamespace(dispatch=_dispatch)
dbt = SimpleNamespace(datediff=lambda first, last, part: f"date_diff('{part}', {first}, {last})")
exceptions = SimpleNamespace(raise_compiler_error=_raise)
execute = False
flags = SimpleNamespace(WHICH="parse", FULL_REFRESH=False)
graph = SimpleNamespace(nodes={})
model = SimpleNamespace(name="model", resource_type="model", config={})
modules = SimpleNamespace(datetime=datetime)
project_name = "park_audit"
