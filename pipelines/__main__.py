"""`python -m pipelines`, and the installed program: starts the command line with a collector of garbage that fits it."""

import gc

_ALLOCATIONS = 100_000
"""Objects between two collections: importing makes a million that all stay, and Python looks through them after every 700."""


def main() -> None:
    gc.set_threshold(_ALLOCATIONS, 50, 50)
    from pipelines.cli.main import app

    try:
        app(prog_name="park-audit")
    finally:
        # What is left goes with the process: looking through all of it once more on the way out takes a third of a second.
        gc.freeze()


if __name__ == "__main__":
    main()
