"""Runs dbt in this process, which dies with the process that started it.

Started by file, never imported by name: `python -P …/dbt_child.py <dbt arguments>`. An orphaned dbt would keep
DuckDB's file lock after its parent was killed, and every later nightly would find the warehouse locked.
Imports nothing of ours, so that it works from any working directory, and finds dbt in the interpreter's own
environment: cron has no activated one.
"""

import ctypes
import gc
import os
import signal
import sys
import threading
import time

PARENT_VARIABLE = "PARK_AUDIT_DBT_PARENT"
"""Process id of the starter; without it the process stands alone (dbt docs by hand)."""

_PR_SET_PDEATHSIG = 1
_ALLOCATIONS = 100_000
"""Objects between two collections of garbage: what dbt makes mostly stays (modules, then the manifest), and by default is looked through every 700."""
_NEEDED = (
    "DBT_",
    "PARK_AUDIT_",
    "DAGSTER_DBT",
    "PYTHON",
    "LC_",
    "LANG",
    "TMP",
    "TEMP",
    "TZ",
    "PATH",
    "HOME",
    "LD_LIBRARY_PATH",
    "DO_NOT_TRACK",
)


def bind_to_parent(parent: int) -> None:
    """Make this process end when `parent` does, however that ends: SIGKILL leaves nobody to tidy up.

    The kernel watches the thread that forked us, not its process: dbt must be started from a thread that
    lives as long as the run does. A parent that died before the call is noticed by the changed parent id.
    """
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) was refused")
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def forget_environment() -> None:
    """Drop every variable that dbt has no use for: it looks through all of them at every event it logs, 8 % of a build."""
    for name in [name for name in os.environ if not name.startswith(_NEEDED)]:
        del os.environ[name]


def main() -> None:
    if parent := os.environ.get(PARENT_VARIABLE):
        bind_to_parent(int(parent))
    forget_environment()
    gc.set_threshold(_ALLOCATIONS, 50, 50)
    from dbt.cli.main import cli

    sys.argv[0] = "dbt"
    try:
        cli()
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
