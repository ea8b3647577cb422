"""One nightly of a small home that kills itself with SIGKILL at a named place. Started by test_kill as a process of its own.

python -m tests.integration.killed_night <home's parent> <module>:<function>:<before|after>
"""

import importlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.orchestration.mini import MiniHome, MiniSettings


def kill_at(place: str) -> None:
    """Replace the function so that this process dies before or after its first call."""
    module_name, name, when = place.split(":")
    owner: Any = importlib.import_module(module_name)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    real: Callable[..., Any] = getattr(owner, last)

    def dying(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, last, dying)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    kill_at(sys.argv[2])
    MiniHome(MiniSettings(home=folder / "home", feeds_dir=folder / "feeds", lock_wait_seconds=5)).night()
