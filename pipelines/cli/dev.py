"""`park-audit dev`: Dagster's web server and daemon on this machine, on the home's own instance."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.shared import Home, err, load_settings
from pipelines.settings import CHECKOUT, TELEMETRY_OFF


def dev(home: Home = None, port: Annotated[int, typer.Option(help="Port on the loopback address.")] = 3000) -> None:
    """Start the web server and the daemon that runs schedule and sensor. Ends with Ctrl-C.

    Listens on the loopback address only: the server has no log-in of its own.
    """
    settings = load_settings(home)
    settings.make_folders()
    from pipelines.orchestration.instance import write_instance_file

    write_instance_file(settings)
    err().print(f"http://127.0.0.1:{port}  (home {settings.home}; Ctrl-C ends it)", markup=False)
    environment = os.environ | TELEMETRY_OFF | {"DAGSTER_HOME": str(settings.dagster_home), "PARK_AUDIT_HOME": str(settings.home)}
    # exec, so that Ctrl-C and the group's signals reach Dagster itself and nothing of ours is left waiting.
    dagster = str(Path(sys.executable).with_name("dagster"))
    os.chdir(CHECKOUT)
    os.execve(dagster, [dagster, "dev", "--workspace", "workspace.yaml", "--host", "127.0.0.1", "--port", str(port)], environment)
