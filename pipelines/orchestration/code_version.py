"""Which code a build ran: the package's version and a hash of everything that decides what comes out."""

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipelines.settings import CHECKOUT, Settings

_DBT_FOLDERS = ("models", "macros", "tests")
"""Seeds are standards and have a hash of their own; pages under docs change no number."""
_DBT_SUFFIXES = frozenset({".sql", ".yml", ".yaml", ".py"})


def code_version(settings: Settings) -> str:
    """`0.1.0+3f9c…`: equal texts mean that the same code, models and gates ran."""
    project = settings.dbt_project
    models = [path for folder in _DBT_FOLDERS for path in (project / folder).rglob("*") if path.suffix in _DBT_SUFFIXES]
    digest = hashlib.sha256(_package().encode())
    digest.update(_hash_of(project, [project / "dbt_project.yml", *models]).encode())
    digest.update(_hash_of(settings.expectations, settings.expectations.glob("*.yaml")).encode())
    return f"{_package_version()}+{digest.hexdigest()[:12]}"


@cache
def _package() -> str:
    """Of our own modules, once a process: what has been imported is what runs, whatever is edited meanwhile."""
    package = CHECKOUT / "pipelines"
    return _hash_of(package, (path for path in package.rglob("*.py") if "__pycache__" not in path.parts))


def _hash_of(root: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(root).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _package_version() -> str:
    try:
        return version("park-audit")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0"
