"""How dbt is started: arguments, variables, environment, the parsed manifest and the target folders.

Building a command is pure and separate from running it. dbt always runs as a child process: called inside
ours it would keep DuckDB's file lock until we end (dbt-core issue 11980). Which build, which changes and what
happens to the results is the orchestration's business; no SQL stands here.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from pipelines.settings import TELEMETRY_OFF, Settings
from pipelines.transform.dbt_child import PARENT_VARIABLE

MANIFEST = "manifest.json"
PARTIAL_PARSE = "partial_parse.msgpack"
_PARSES_KEPT = 3
_INPUT_FOLDERS = ("models", "macros", "seeds", "tests", "docs")
_INPUT_FILES = ("dbt_project.yml", "profiles.yml")


class DbtError(RuntimeError):
    """dbt did not do what it was asked; the message ends with its own last words."""


def dbt_program() -> list[str]:
    """The command that runs dbt: this interpreter on our child script, so PATH plays no part (cron has none of ours).

    `-P` keeps the script's folder off the module path, where this very file would hide the package `dbt`.
    """
    return [sys.executable, "-P", str(Path(__file__).with_name("dbt_child.py"))]


def dbt_variables(*, park_id: str, park_zone: str) -> dict[str, str]:
    """`--vars`: constant for a home, because any other value makes dbt parse the whole project again."""
    return {"park_id": park_id, "park_zone": park_zone}


def dbt_arguments(
    command: str,
    *,
    park_id: str,
    park_zone: str,
    full_refresh: bool = False,
    unit_tests: bool = False,
    exclude_seeds: bool = False,
    exclude: Sequence[str] = (),
    select: Sequence[str] = (),
) -> list[str]:
    """Arguments behind the program's name. Unit tests belong to development: at night they are left out.

    dbt keeps no log file of its own: what it prints stands in the run's log, and writing every event a second time
    costs a tenth of the build.
    """
    arguments = [
        command,
        "--no-use-colors",
        "--log-level-file",
        "none",
        "--vars",
        json.dumps(dbt_variables(park_id=park_id, park_zone=park_zone), sort_keys=True),
    ]
    if command == "build":
        excluded = ([] if unit_tests else ["unit_test"]) + (["seed"] if exclude_seeds else [])
        for kind in excluded:
            arguments += ["--exclude-resource-type", kind]
    if full_refresh:
        arguments.append("--full-refresh")
    if select:
        arguments += ["--select", *select]
    if exclude:
        # One argument: dagster-dbt takes no second value behind the option. See also `only_what_is_named`.
        arguments += ["--exclude", " ".join(exclude)]
    return arguments


def only_what_is_named() -> dict[str, str]:
    """Environment in which leaving out a node leaves out no test of it: dbt would drop every test that looks at it among others."""
    return {"DBT_INDIRECT_SELECTION": "empty"}


def dbt_environment(settings: Settings, *, build_id: str, through_change_seq: int) -> dict[str, str]:
    """What `profiles.yml` and the macros read. Per build values come this way and not as vars: they cost no parse."""
    return {
        **TELEMETRY_OFF,
        PARENT_VARIABLE: str(os.getpid()),
        "PARK_AUDIT_WAREHOUSE": str(settings.warehouse),
        "PARK_AUDIT_MEMORY_LIMIT": settings.memory_limit,
        "PARK_AUDIT_THREADS": str(settings.threads),
        "PARK_AUDIT_BUILD_ID": build_id,
        "PARK_AUDIT_THROUGH_CHANGE_SEQ": str(through_change_seq),
    }


def project_hash(settings: Settings) -> str:
    """Hash of everything dbt parses: project files, the home's variables, the versions of dbt and its adapter."""
    digest = hashlib.sha256()
    for package in ("dbt-core", "dbt-duckdb"):
        digest.update(f"{package}={version(package)}\n".encode())
    digest.update(json.dumps(_variables(settings), sort_keys=True).encode())
    project = settings.dbt_project
    files = [project / name for name in _INPUT_FILES]
    files += sorted(path for folder in _INPUT_FOLDERS for path in (project / folder).rglob("*") if path.is_file())
    for path in files:
        digest.update(f"{path.relative_to(project).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def models_hash(settings: Settings) -> str:
    """Hash of what decides a mart's rows besides data and standards: the SQL of models and macros, their configuration, dbt's versions.

    Descriptions and tests (.yml) are left out: they change no row.
    """
    digest = hashlib.sha256()
    for package in ("dbt-core", "dbt-duckdb"):
        digest.update(f"{package}={version(package)}\n".encode())
    project = settings.dbt_project
    texts = sorted(path for folder in ("models", "macros") for path in (project / folder).rglob("*.sql"))
    for path in [project / "dbt_project.yml", *texts]:
        digest.update(f"{path.relative_to(project).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def parsed_manifest(settings: Settings) -> Path:
    """The manifest of the project as it stands; parses only when a file it is made from has changed.

    Parses are kept under the hash of their inputs and moved into place whole, so that two processes that parse
    at the same time both end with a good one.
    """
    parses = settings.dagster_home / "dbt"
    parse = parses / project_hash(settings)
    if (parse / MANIFEST).is_file():
        return parse / MANIFEST
    parses.mkdir(parents=True, exist_ok=True)
    for older in _newest_first(parses):
        # dbt re-reads only what changed since an earlier parse, if it finds one.
        if (older / PARTIAL_PARSE).is_file():
            break
    else:
        older = None
    working = parses / f".parsing-{os.getpid()}"
    shutil.rmtree(working, ignore_errors=True)
    working.mkdir()
    if older is not None:
        shutil.copy2(older / PARTIAL_PARSE, working / PARTIAL_PARSE)
    try:
        run_dbt(settings, dbt_arguments("parse", **_variables(settings)), target=working, build_id="parse", through_change_seq=0)
        try:
            working.rename(parse)
        except OSError:
            if not (parse / MANIFEST).is_file():
                raise
    finally:
        shutil.rmtree(working, ignore_errors=True)
    for old in _newest_first(parses)[_PARSES_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return parse / MANIFEST


def run_dbt(settings: Settings, arguments: Sequence[str], *, target: Path, build_id: str, through_change_seq: int) -> str:
    """Run dbt to its end and return what it printed. Raises DbtError with its last lines."""
    environment = {
        **os.environ,
        **dbt_environment(settings, build_id=build_id, through_change_seq=through_change_seq),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target),
        "DBT_PROJECT_DIR": str(settings.dbt_project),
        "DBT_PROFILES_DIR": str(settings.dbt_project),
    }
    done = subprocess.run(
        [*dbt_program(), *arguments],
        cwd=settings.dbt_project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        last_words = "\n".join(line for line in done.stdout.splitlines()[-25:] if line.strip())
        raise DbtError(f"dbt {arguments[0]} ended with {done.returncode}; its target folder is {target}\n{last_words}")
    return done.stdout


def build_target(settings: Settings, build_id: str) -> Path:
    """The build's own target folder, with the home's parse laid in so that dbt need not parse again."""
    target = settings.logs / "dbt" / build_id
    target.mkdir(parents=True, exist_ok=True)
    parsed = parsed_manifest(settings).with_name(PARTIAL_PARSE)
    if parsed.is_file():
        shutil.copy2(parsed, target / PARTIAL_PARSE)
    return target


def prune_targets(settings: Settings) -> list[Path]:
    """Remove all but the newest target folders: one a build, a megabyte and a half each. Returns the removed."""
    folder = settings.logs / "dbt"
    removed = _newest_first(folder)[settings.keep_targets :] if folder.is_dir() else []
    for target in removed:
        shutil.rmtree(target, ignore_errors=True)
    return removed


def _variables(settings: Settings) -> dict[str, str]:
    return dbt_variables(park_id=settings.park.park_id, park_zone=settings.park.zone)


def _newest_first(folder: Path) -> list[Path]:
    found = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
