"""`python -m pipelines`: the command line without an installed program."""

from pipelines.cli.main import app

app(prog_name="park-audit")
