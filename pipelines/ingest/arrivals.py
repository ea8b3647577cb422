"""What has arrived: which files of a feed are new, changed or gone, found at the price of looking.

A file whose size and modification time are the ones last seen is not opened. Files are found by the
contract's pattern below raw/ and never outside it. What becomes of an arrival is `feed`'s business;
nothing is written here, and no query stands here.
"""

import hashlib
import os
import re
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

import duckdb

from pipelines.contracts.feed import FeedContract
from pipelines.contracts.states import DeliveryOutcome
from pipelines.settings import Settings
from pipelines.warehouse.ledger import PathState, hashes_seen, path_states

_UNFINISHED = re.compile(
    r"^(\.|~|#).*|.*(~|\.tmp|\.temp|\.part|\.partial|\.crdownload|\.download|\.filepart|\.swp|\.lock|\.bak)$", re.IGNORECASE
)
"""Names that copying and editing programs give to what is not, or no longer, the file itself."""

_RECENT_NS = 2_000_000_000
"""A file written within this time before the scan may be written again within the same tick of its clock: looked at twice."""

_NOT_HASHED = "not-hashed:"
"""Stands instead of a hash for a file too large to be read at all."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A path that is new or whose bytes differ from what it held at the last scan."""

    feed_id: str
    path: str
    file: Path
    sha256: str
    bytes: int
    mtime_ns: int
    is_recent: bool
    arrival_no: int
    outcome: DeliveryOutcome
    received_at: datetime

    @property
    def too_large(self) -> bool:
        return self.sha256.startswith(_NOT_HASHED)

    def state(self, fingerprint: str) -> PathState:
        """What the path holds once this arrival has been taken in."""
        mtime_ns = _remembered(self.mtime_ns, self.is_recent)
        return PathState(self.feed_id, self.path, self.sha256, self.bytes, mtime_ns, self.arrival_no, fingerprint, self.received_at)


@dataclass(frozen=True)
class Scan:
    """One look at a feed's folder. `same_bytes` are known paths whose times changed and whose bytes did not."""

    arrivals: list[Arrival] = field(default_factory=list)
    unchanged: int = 0
    same_bytes: list[PathState] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def scan(con: duckdb.DuckDBPyConnection, settings: Settings, contract: FeedContract, received_at: datetime) -> Scan:
    """Compare the feed's files with what each path held at the last scan.

    Arrivals are ordered by path and all carry the one `received_at`. A file that cannot be looked at
    is a warning, and so is a link that leads out of raw/; a vanished file is a note: what it delivered stays.
    """
    found = Scan()
    known = path_states(con, contract.feed_id)
    now_ns = time.time_ns()
    unchanged, seen = 0, set()
    for path, file in sorted(find_files(settings.raw, contract.source.drop, found.warnings).items()):
        seen.add(path)
        before = known.get(path)
        try:
            status = file.stat()
            if (
                before
                and (before.bytes, before.mtime_ns) == (status.st_size, status.st_mtime_ns)
                and not _now_small_enough(before, settings)
            ):
                unchanged += 1
                continue
            sha256 = _hash(file, status.st_size, status.st_mtime_ns, settings.max_file_bytes)
        except OSError as error:
            found.warnings.append(f"{path}: cannot be read ({error.strerror or error}); it is tried again at the next scan")
            continue
        is_recent = now_ns - status.st_mtime_ns <= _RECENT_NS
        if before and before.sha256 == sha256:
            mtime_ns = _remembered(status.st_mtime_ns, is_recent)
            found.same_bytes.append(replace(before, bytes=status.st_size, mtime_ns=mtime_ns, scanned_at=received_at))
            unchanged += 1
            continue
        reverted = before is not None and sha256 in hashes_seen(con, contract.feed_id, path)
        found.arrivals.append(
            Arrival(
                contract.feed_id,
                path,
                file,
                sha256,
                status.st_size,
                status.st_mtime_ns,
                is_recent,
                before.arrival_no + 1 if before else 1,
                DeliveryOutcome.REVERTED if reverted else DeliveryOutcome.LOADED,
                received_at,
            )
        )
    return replace(found, unchanged=unchanged, vanished=sorted(known.keys() - seen))


def find_files(raw: Path, pattern: str, warnings: list[str] | None = None) -> dict[str, Path]:
    """Files below `raw` that a pattern names: path with forward slashes → file. `**` stands for any number of folders.

    Hidden files, and those that programs leave while they copy or edit, are passed over. A link whose
    target is outside `raw`, or a folder that is a link, is not followed: `warnings` then says so.
    """
    warnings = [] if warnings is None else warnings
    parts = PurePosixPath(pattern).parts
    fixed = 0
    while fixed < len(parts) - 1 and not _has_wildcard(parts[fixed]):
        fixed += 1
    root = raw.resolve()
    start = raw.joinpath(*parts[:fixed])
    if not start.is_dir():
        return {}
    if not start.resolve().is_relative_to(root):
        warnings.append(f"{'/'.join(parts[:fixed])}: leads out of {raw}; drop folders must lie inside it")
        return {}
    wanted = _pattern(parts)
    deep = any("**" in part for part in parts)
    found: dict[str, Path] = {}
    folders = [(start, "/".join(parts[:fixed]))]
    while folders:
        folder, prefix = folders.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            warnings.append(f"{prefix or '.'}: cannot be listed ({error.strerror or error})")
            continue
        for entry in entries:
            if _UNFINISHED.match(entry.name):
                continue
            name = _readable(entry.name)
            path = f"{prefix}/{name}" if prefix else name
            if entry.is_dir(follow_symlinks=False):
                if deep or path.count("/") + 1 < len(parts):
                    folders.append((Path(entry.path), path))
            elif entry.is_symlink():
                _follow(entry, path, root, wanted, found, warnings)
            elif entry.is_file() and wanted.fullmatch(path):
                found[path] = Path(entry.path)
    return found


def _follow(entry: os.DirEntry, path: str, root: Path, wanted: re.Pattern, found: dict[str, Path], warnings: list[str]) -> None:
    target = Path(entry.path).resolve()
    if target.is_dir():
        warnings.append(f"{path}: is a link to a folder; folders are not followed through links")
    elif wanted.fullmatch(path):
        if not target.is_relative_to(root):
            warnings.append(f"{path}: is a link out of raw/ and is passed over")
        elif target.is_file():
            found[path] = Path(entry.path)


def _readable(name: str) -> str:
    """A file's name as text. Archives packed on a Chinese Windows leave names in GB18030, which no database takes as they are."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raw = os.fsencode(name)
        try:
            return raw.decode("gb18030")
        except UnicodeDecodeError:
            return raw.decode("utf-8", errors="backslashreplace")
    return name


def _has_wildcard(part: str) -> bool:
    return any(character in part for character in "*?[")


def _pattern(parts: tuple[str, ...]) -> re.Pattern:
    """A glob as a regular expression over the whole path: * and ? stay within a name, ** spans folders, also none."""
    expression = ""
    for at, part in enumerate(parts):
        last = at == len(parts) - 1
        if part == "**":
            expression += ".*" if last else "(?:[^/]+/)*"
            continue
        expression += "".join(_translate(part)) + ("" if last else "/")
    return re.compile(expression)


def _translate(part: str) -> list[str]:
    pieces, at = [], 0
    while at < len(part):
        character = part[at]
        if character == "*":
            pieces.append("[^/]*")
        elif character == "?":
            pieces.append("[^/]")
        elif character == "[" and (end := part.find("]", at + 2)) > 0:
            inside = part[at + 1 : end]
            negated, inside = ("^", inside[1:]) if inside.startswith("!") else ("", inside)
            escaped = re.sub(r"([^\w-])", r"\\\1", inside)
            pieces.append(f"[{negated}{escaped}]")
            at = end
        else:
            pieces.append(re.escape(character))
        at += 1
    return pieces


def _remembered(mtime_ns: int, is_recent: bool) -> int:
    """A change within the clock's tick would not show: a time as young as that is remembered so that it never matches."""
    return -mtime_ns if is_recent else mtime_ns


def _hash(file: Path, size: int, mtime_ns: int, max_bytes: int) -> str:
    if size > max_bytes:
        return f"{_NOT_HASHED}{size}:{mtime_ns}"
    with file.open("rb") as reading:
        return hashlib.file_digest(reading, "sha256").hexdigest()


def _now_small_enough(before: PathState, settings: Settings) -> bool:
    """Whether the limit has been raised since the file was refused for its size."""
    return before.sha256.startswith(_NOT_HASHED) and before.bytes <= settings.max_file_bytes
