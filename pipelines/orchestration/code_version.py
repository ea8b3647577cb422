"""Which code a build ran: the package's version and a hash of everything that decides what comes out."""

import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipelines.settings import CHECKOUT, Settings

_DBT_FOLDERS = ("models", "macros", "tests")
"""Seeds are standards and have a hash of their own; pages under docs change no number."""


def code_version(settings: Settings) -> str:
    """`0.1.0+3f9c…`: equal texts mean that the same bytes of code, models and gates ran."""
    package = CHECKOUT / "pipelines"
    files = sorted(path for path in package.rglob("*.py") if "__pycache__" not in path.parts)
    files += [settings.dbt_project / "dbt_project.yml"]
    files += sorted(
        path
        for folder in _DBT_FOLDERS
        for path in (settings.dbt_project / folder).rglob("*")
        if path.suffix in {".sql", ".yml", ".yaml", ".py"}
    )
    files += sorted(settings.expectations.glob("*.yaml"))
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{_relative(path)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"{_package_version()}+{digest.hexdigest()[:12]}"


def _relative(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix() if path.is_relative_to(CHECKOUT) else path.name


def _package_version() -> str:
    try:
        return version("park-audit")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0"
