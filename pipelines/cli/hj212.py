"""`park-audit hj212`: frames and receiver logs as tables, and a receiver that writes such logs."""

import asyncio
import fnmatch
import os
import signal
import time
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TransferSpeedColumn
from rich.table import Table

from pipelines.cli.shared import NOT_PUBLISHED, WRONG_USE, Home, err, expected_errors, load_settings, out, stop
from pipelines.contracts.devices import HASH_SALT

if TYPE_CHECKING:
    from pipelines.hj212 import Devices, Written
    from pipelines.hj212.listener import Listener, Tally

app = typer.Typer(
    name="hj212", help="HJ 212, the protocol of online pollution monitoring: decode logs, receive devices.", no_args_is_help=True
)

_SAYS_EVERY = 60.0
_REASONS = 5

DeviceFile = Annotated[
    Path | None,
    typer.Option("--devices", help="Device profile (CSV, as beside a feed): dialects, CRCs, clocks; keys from the environment."),
]


@app.command("decode")
def decode(
    paths: Annotated[list[Path], typer.Argument(metavar="IN…", help="Files of frames or receiver logs, gzip or not, or folders of them.")],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the tables frames and values.")],
    layout: Annotated[str, typer.Option("--format", "-f", help="parquet, csv or jsonl.")] = "parquet",
    devices: DeviceFile = None,
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 when a frame was refused.")] = False,
) -> None:
    """Decode frames into two tables, every byte accounted for, and say how many had which verdict.

    Refused frames are no error: they are rows with their reason. Columns are described in docs/data-engineer.md.
    """
    with expected_errors():
        from pipelines.hj212 import OutputFormat, decode_to

        if layout not in set(OutputFormat):
            stop(WRONG_USE, "", [f"--format {layout}: right would be one of {', '.join(OutputFormat)}"])
        files = _files(paths)
        known = _devices(devices)
        salt = os.environ.get(HASH_SALT)
        started = time.perf_counter()
        with Progress(
            TextColumn("decode"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeElapsedColumn(), console=err(), transient=True
        ) as bar:
            task = bar.add_task("", total=sum(file.stat().st_size for file in files))
            try:
                written = decode_to(
                    files, out_folder, format=layout, devices=known, salt=salt.encode() if salt else None,
                    progress=lambda done: bar.update(task, completed=min(done, bar.tasks[task].total or done)),
                )  # fmt: skip
            except (OSError, EOFError, zlib.error) as error:
                stop(NOT_PUBLISHED, "", [f"{error}; nothing was written"])
    _show(written, time.perf_counter() - started)
    out().print(f"{out_folder / f'frames.{layout}'}\n{out_folder / f'values.{layout}'}", markup=False)
    refused = _total(written, "frames") - int(written.account["ok_frames"].sum())
    raise typer.Exit(NOT_PUBLISHED if strict and refused else 0)


def _files(paths: list[Path]) -> list[Path]:
    """Files in the order given, those of a folder by name: the order of arrival."""
    if absent := [str(path) for path in paths if not path.exists()]:
        stop(WRONG_USE, "", [f"{path} is not there" for path in absent])
    files = [
        file for path in paths for file in (sorted(inner for inner in path.rglob("*") if inner.is_file()) if path.is_dir() else [path])
    ]
    if not files:
        stop(WRONG_USE, "", [f"no file in {', '.join(map(str, paths))}"])
    return files


def _devices(path: Path | None) -> "Devices | None":
    if path is None:
        return None
    from pipelines.contracts.devices import read_devices
    from pipelines.hj212 import devices_of

    rows, problems = read_devices(path)
    if problems:
        stop(WRONG_USE, "The device profile is wrong", [f"{path} row {p.row}: {p.column} = {p.value!r}: {p.message}" for p in problems])
    known, missing = devices_of(rows, os.environ)
    for line in missing:
        err().print(line, style="yellow", markup=False)
    return known


def _total(written: "Written", ending: str) -> int:
    return int(
        sum(written.account[name].sum() for name in written.account.columns if name.endswith(f"_{ending}") and name != "between_frames")
    )


def _show(written: "Written", seconds: float) -> None:
    from pipelines.hj212 import COMMANDS, Verdict

    account = written.account
    table = Table(box=None, pad_edge=False)
    for heading, justify in (("verdict", "left"), ("frames", "right"), ("bytes", "right")):
        table.add_column(heading, justify=justify)
    for verdict in Verdict:
        table.add_row(verdict.value, f"{account[f'{verdict}_frames'].sum():,}", f"{account[f'{verdict}_bytes'].sum():,}")
    table.add_row("(text between frames)", "", f"{account['between_frames'].sum():,}")
    table.add_row("all", f"{_total(written, 'frames'):,}", f"{account['bytes'].sum():,}")
    console = out()
    console.print(table)
    if written.commands:
        commands = Table(box=None, pad_edge=False)
        for heading, justify in (("ST", "left"), ("CN", "left"), ("frames", "right"), ("what it is", "left")):
            commands.add_column(heading, justify=justify)
        for (st, cn), count in written.commands.items():
            commands.add_row(st, cn, f"{count:,}", COMMANDS.get(cn, ""))
        console.print(commands)
    rate = f", {written.values / seconds:,.0f} values/s" if seconds > 1 else ""
    console.print(f"{written.values:,} values of {account.height:,} files in {seconds:.1f} s{rate}")


@app.command("listen")
def listen(
    feed_id: Annotated[str | None, typer.Option("--feed", help="Feed of a source hj212: its drop folder and its device profile.")] = None,
    folder: Annotated[Path | None, typer.Option("--drop", help="Folder for the logs, where no feed is named.")] = None,
    devices: DeviceFile = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 9212,
    expose: Annotated[bool, typer.Option("--expose", help="Allow an address that other machines can reach.")] = False,
    connections: Annotated[int, typer.Option(min=1, help="Connections at a time.")] = 1000,
    idle_minutes: Annotated[float, typer.Option(min=0.1, help="Silence after which a connection is closed.")] = 70,
    home: Home = None,
) -> None:
    """Receive devices: log what they send, answer what is safely on the disk, finish a file a day for the feed to pick up.

    Listens on this machine only, unless told otherwise. Ctrl-C or SIGTERM ends it: what has arrived is kept, and the running
    file is finished.
    """
    settings = load_settings(home)
    with expected_errors():
        from pipelines.hj212.listener import Limits, Listener, NotLoopback, now_in
        from pipelines.hj212.receiver_log import FolderInUse, ReceiverLog

        known = _devices(devices)
        if feed_id is not None:
            folder, known = _of_feed(settings, feed_id, folder, known)
        if folder is None:
            stop(WRONG_USE, "", ["name the feed that reads the logs (--feed), or a folder for them (--drop)"])
        try:
            log = ReceiverLog.opened(folder, now=now_in(settings.zone))
        except (FolderInUse, OSError) as error:
            stop(NOT_PUBLISHED, "", [str(error)])
        for left in log.finished:
            err().print(f"finished what an earlier listener left: {left}", markup=False)
        try:
            listener = Listener(
                log, known, host=host, port=port, exposed=expose, limits=Limits(connections=connections, idle_seconds=idle_minutes * 60),
                said=lambda line: err().print(line, style="yellow", markup=False),
            )  # fmt: skip
        except NotLoopback as error:
            log.close()
            stop(WRONG_USE, "", [f"{error} (--expose)"])
        try:
            asyncio.run(_receive(listener))
        except OSError as error:
            stop(NOT_PUBLISHED, "", [f"{host}:{port}: {error.strerror or error}"])
    _closing_words(listener)


def _of_feed(settings, feed_id: str, folder: Path | None, known: "Devices | None") -> tuple[Path, "Devices | None"]:
    """Where a feed looks for its logs, and its devices."""
    from pipelines.contracts.feed import load_contracts
    from pipelines.hj212 import devices_of

    contracts, problems = load_contracts(settings.feeds_dir)
    if own := [str(problem) for problem in problems if Path(problem.file).stem == feed_id]:
        stop(WRONG_USE, "The contract cannot be read", own)
    contract = next((contract for contract in contracts if contract.feed_id == feed_id), None)
    if contract is None or (logs := contract.source.hj212) is None:
        feeds = ", ".join(one.feed_id for one in contracts if one.source.hj212) or "none"
        stop(WRONG_USE, "", [f"there is no feed {feed_id} of a source hj212; there are: {feeds}"])
    parts = PurePosixPath(logs.drop).parts
    fixed = [part for at, part in enumerate(parts[:-1]) if not any(sign in "".join(parts[: at + 1]) for sign in "*?[")]
    if not fnmatch.fnmatch("hj212_20260101.log", parts[-1]):
        stop(
            WRONG_USE, "", [f"{feed_id}.yaml: source.hj212.drop = {logs.drop}: logs are called hj212_20260101.log, which it would not find"]
        )
    if known is None:
        known, missing = devices_of(logs.device_rows, os.environ)
        for line in missing:
            err().print(line, style="yellow", markup=False)
    return folder or settings.raw.joinpath(*fixed), known


async def _receive(listener: "Listener") -> None:
    """Listen until a signal comes; say now and then how it goes."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        await listener.start()
        console = err()
        console.print(f"listening on {listener.host}:{listener.port}, logs in {listener.log.folder}; Ctrl-C ends it", markup=False)
        if console.is_terminal:
            with console.status(_said(listener.tally)) as status:
                while not await _happened(ended, 1.0):
                    status.update(_said(listener.tally))
        else:
            while not await _happened(ended, _SAYS_EVERY):
                console.print(_said(listener.tally), markup=False)
    finally:
        await listener.stop()


async def _happened(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _said(tally: "Tally") -> str:
    trouble = f", {tally.refused:,} refused" if tally.refused else ""
    trouble += f", NOT WRITTEN {tally.not_written:,}: {tally.last_error}" if tally.not_written else ""
    return (
        f"{tally.connected:,} connected, {len(tally.by_device):,} devices ({len(tally.unknown):,} unknown), {tally.frames:,} frames, "
        f"{tally.answered:,} answered, {decimal(tally.bytes)}{trouble}"
    )


def _closing_words(listener: "Listener") -> None:
    tally, console = listener.tally, out()
    console.print(f"{_said(tally)}; {tally.connections:,} connections in all, {tally.turned_away:,} turned away", markup=False)
    if tally.unknown:
        shown = ", ".join(f"{mn} ({count:,})" for mn, count in tally.unknown.most_common(_REASONS))
        console.print(f"in no device profile: {shown}", markup=False)
    for path in listener.log.finished:
        console.print(str(path), markup=False)
