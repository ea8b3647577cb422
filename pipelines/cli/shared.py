"""What every command shares: the home option, consoles, and expected errors without a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.console import Console

from pipelines.contracts.feed import ContractError
from pipelines.settings import Settings, SettingsError

_UNFOLDED = 10_000
PUBLISHED, NOT_PUBLISHED, WRONG_USE = 0, 1, 2
"""Exit codes of every command: done; not done, and the reason is printed; wrong usage or configuration."""

Home = Annotated[
    Path | None,
    typer.Option("--home", help="Folder that holds raw files, warehouse and publications.", envvar="PARK_AUDIT_HOME", show_default="data/"),
]


def out() -> Console:
    """Standard output: what was asked for. Made anew each time, because tests and nightly swap the stream."""
    return Console(highlight=False, **shape(sys.stdout))


def err() -> Console:
    """Standard error: everything about how it went."""
    return Console(stderr=True, highlight=False, **shape(sys.stderr))


def shape(stream: IO[str]) -> dict[str, Any]:
    """As wide as the terminal; where there is none nothing is folded, because a program may read it."""
    return {} if stream.isatty() else {"soft_wrap": True, "width": _UNFOLDED}


def load_settings(home: Path | None) -> Settings:
    """Settings with a readable `_park.yaml`; ends the program with 2 and all problems otherwise."""
    with expected_errors():
        settings = Settings.load(home)
        _ = settings.park
    return settings


@contextmanager
def expected_errors() -> Iterator[None]:
    """End the program with a message for people, and no traceback, for everything that is not a fault of the program."""
    try:
        yield
    except SettingsError as error:
        stop(WRONG_USE, "A setting is wrong", [str(error)])
    except ContractError as error:
        stop(WRONG_USE, "Contracts are wrong", [str(problem) for problem in error.problems])
    except BrokenPipeError:
        # Somebody piped us into `head`: not an error. Python would complain once more while closing the stream.
        sys.stdout = None
        raise typer.Exit(PUBLISHED) from None
    except Exception as error:
        if (code := expected(error)) is None:
            raise
        stop(code, "", str(error).splitlines())


EXIT_CODES = {
    "StandardsError": WRONG_USE,
    "SuiteError": WRONG_USE,
    "ContractError": WRONG_USE,
    "SettingsError": WRONG_USE,
    "LockHeld": NOT_PUBLISHED,
    "WarehouseError": NOT_PUBLISHED,
    "DbtError": NOT_PUBLISHED,
    "PublishError": NOT_PUBLISHED,
    "PublicationError": NOT_PUBLISHED,
}
"""Errors that people are told about in a line, by class name: importing every layer to compare classes would cost each command seconds."""


def expected(error: BaseException) -> int | None:
    """The exit code of an error that is no fault of the program; None for one that is."""
    return next((EXIT_CODES[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in EXIT_CODES), None)


def stop(code: int, heading: str, lines: list[str]) -> None:
    """Say what is wrong and end."""
    console = err()
    if heading:
        console.print(f"[bold red]{heading}[/]" + (f" ({len(lines)})" if len(lines) > 1 else "") + ":")
    for line in lines:
        console.print(("  " if heading else "") + line, markup=False)
    raise typer.Exit(code)
