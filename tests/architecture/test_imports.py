"""Who may import whom (docs/architecture.md): walked from the source, so that a new import cannot slip by."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "pipelines"

# From the top of the design's list to its bottom: a module may import from its own package and from any above it,
# except that siblings of one rank do not import each other. `warehouse` is open to everybody below it and to ingest.
ORDER = [
    "contracts", "settings", "hj212", "warehouse", "ingest", "transform", "gates", "assessment", "evidence", "publish",
    "reports", "sample", "bench", "orchestration", "definitions", "cli", "__main__",
]  # fmt: skip
SIBLINGS = {"ingest", "transform", "gates", "assessment", "evidence", "publish", "reports", "sample"}
ONLY_HERE = {
    "dagster": {"orchestration", "definitions"},
    "dagster_dbt": {"orchestration", "transform"},
    "great_expectations": {"gates"},
    "dbt": {"transform"},
    "typer": {"cli", "__main__"},
}
# The only code that opens DuckDB; publish reads its own product back, sql and reports read the published file.
OPENS_DUCKDB = {"warehouse", "publish", "bench", "reports", "evidence"}


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _unit(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def _imports(path: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative imports hide which layer is meant"
            found.append((node.lineno, node.module or ""))
            if node.module == "pipelines":
                found += [(node.lineno, f"pipelines.{alias.name}") for alias in node.names]
    return found


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_upwards(path: Path) -> None:
    unit = _unit(path)
    if unit == "__init__":
        assert not _imports(path)
        return
    assert unit in ORDER, f"{path.name}: {unit} has no place in the order of layers"
    wrong = []
    for line, name in _imports(path):
        if not name.startswith("pipelines."):
            continue
        other = name.split(".")[1]
        if other == unit:
            continue
        if ORDER.index(other) > ORDER.index(unit):
            wrong.append(f"line {line}: {unit} imports {other}, which lies below it")
        elif unit in SIBLINGS and other in SIBLINGS:
            wrong.append(f"line {line}: {unit} imports its sibling {other}")
        elif unit == "contracts" or (unit == "hj212" and other != "contracts"):
            wrong.append(f"line {line}: {unit} imports nothing of ours{' but contracts' if unit == 'hj212' else ''}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("library", sorted(ONLY_HERE))
def test_a_library_has_one_home(library: str) -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in _modules()
        for line, name in _imports(path)
        if name.split(".")[0] == library and _unit(path) not in ONLY_HERE[library]
    ]
    assert not wrong, f"{library} is imported outside {sorted(ONLY_HERE[library])}: {wrong}"


def test_great_expectations_is_never_imported_at_module_level() -> None:
    """It costs seconds and hundreds of MB; a nightly with nothing new must not pay for it."""
    wrong = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in _modules()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any(
            name.split(".")[0] == "great_expectations"
            for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        )
    ]
    assert not wrong


def test_one_package_opens_duckdb() -> None:
    wrong = []
    for path in _modules():
        if _unit(path) in OPENS_DUCKDB:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and (node.value.id, node.attr) == ("duckdb", "connect"):
                wrong.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert not wrong, f"duckdb.connect outside {sorted(OPENS_DUCKDB)}: {wrong}"


def test_no_module_uses_random_telemetry_or_network_at_import() -> None:
    """Identifiers that phone home have no place in the package."""
    forbidden = {"requests", "httpx", "urllib.request", "posthog", "sentry_sdk"}
    wrong = [f"{path.relative_to(PACKAGE)}:{line}" for path in _modules() for line, name in _imports(path) if name in forbidden]
    assert not wrong
