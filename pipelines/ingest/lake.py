"""The lake: the bytes of every file once, their parse once, and a receipt for every delivery.

Everything here is written beside its place, synced and renamed, so that a name in the lake always
stands for the whole thing; it is then never changed, receipts excepted. The warehouse can be rebuilt
from the lake without parsing (`ingest.load.rebuild_from_lake`). What a file means is `normalise`'s
business, what becomes of its rows is `load`'s; no query stands here.

    bytes/<ab>/<sha256>                          as received
    parse/<feed>/<sha256>-<parse key>/           accepted.parquet, quarantine.parquet if any, figures for gate A if any, parse.json
    registers/<fingerprint>.parquet              register rows that parses were resolved against
    receipts/<feed>/<delivery>.json              the delivery's row of audit.deliveries, and what its path held
    tmp/                                         what is being written; swept at the next start
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from pipelines.contracts.records import LoadMode, RecordType
from pipelines.contracts.states import Admission, DeliveryOutcome
from pipelines.ingest.fingerprints import WAITING_RULES
from pipelines.ingest.scope import key_scope
from pipelines.warehouse.ledger import Delivery, PathState

if TYPE_CHECKING:
    from pipelines.ingest.normalise import Parsed

_CHUNK = 1 << 20
_ROW_GROUP = 61_440
"""Half a row group of DuckDB: with whole ones the scan of a file is not split, and loading it uses one thread of two."""


class ChangedWhileRead(Exception):
    """A file changed between two looks at it: somebody is still writing. Left for the next scan."""


@dataclass(frozen=True)
class ParseFacts:
    """What a parse found, for everybody who must not read its rows again.

    `columns` are those of the accepted rows; `coverage` has one (entity, first, last) per entity; `date_runs` one (entity, first date, last date)
    where the dates of every entity of a reading follow each other without a gap, else it is None;
    `unresolved` one (rule, column, text) per word that waits for a register; `content` is equal for equal
    results.
    """

    record: str
    source_rows: int
    rows_read: int
    rows_accepted: int
    rows_duplicate: int
    rows_quarantined: int
    rows_unresolved: int
    empty_cells: int
    first_date: date | None
    last_date: date | None
    coverage: list[tuple[str, datetime, datetime]]
    date_runs: list[tuple[str, date, date]] | None
    unresolved: list[tuple[str, str | None, str | None]]
    warnings: list[str]
    columns: list[str]
    content: str


@dataclass(frozen=True)
class KeptParse:
    """A parse in the lake."""

    folder: Path
    facts: ParseFacts

    @property
    def accepted(self) -> Path:
        return self.folder / "accepted.parquet"

    @property
    def quarantined(self) -> Path | None:
        """None where nothing was refused."""
        return self.folder / "quarantine.parquet" if self.facts.rows_quarantined else None


@dataclass(frozen=True)
class Receipt:
    """A delivery as last written, and the state of its path that it brought."""

    delivery: Delivery
    path_state: PathState | None = field(default=None)


@dataclass(frozen=True)
class Lake:
    """The lake below one folder. One writer at a time: the run that holds the write lock."""

    root: Path

    def sweep(self) -> int:
        """Remove what a killed run left half written; returns how many things that were.

        The caller holds the write lock, so whatever is not this process's own is nobody's.
        """
        own = f"{os.getpid()}-"
        leftovers = [path for path in self._tmp.iterdir() if not path.name.startswith(own)] if self._tmp.is_dir() else []
        for leftover in leftovers:
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()
        return len(leftovers)

    # bytes

    def bytes_file(self, sha256: str) -> Path:
        return self.root / "bytes" / sha256[:2] / sha256

    def keep_bytes(self, file: Path, sha256: str, size: int, mtime_ns: int) -> Path:
        """Copy the file's bytes unless they are kept already, and make sure they are what the scan saw.

        Raises ChangedWhileRead when hash, size or modification time are no longer the scan's.
        """
        target = self.bytes_file(sha256)
        if target.is_file() and target.stat().st_size == size:
            return target
        with self._writing() as temporary:
            copied, after = _copy(file, temporary)
            if copied != sha256 or (after.st_size, after.st_mtime_ns) != (size, mtime_ns):
                raise ChangedWhileRead(
                    f"changed while it was read (sha256 {sha256[:12]}… then {copied[:12]}…, {size:,} bytes then {after.st_size:,}): "
                    f"left for the next scan"
                )
            temporary.chmod(0o444)
            self._put(temporary, target)
        return target

    # parses

    def parse_folder(self, feed_id: str, sha256: str, parse_key: str) -> Path:
        return self.root / "parse" / feed_id / f"{sha256}-{parse_key}"

    def find_parse(self, feed_id: str, sha256: str, parse_key: str) -> KeptParse | None:
        folder = self.parse_folder(feed_id, sha256, parse_key)
        facts = folder / "parse.json"
        return KeptParse(folder, _read_facts(facts)) if facts.is_file() else None

    def find_parse_of(self, delivery: Delivery) -> KeptParse | None:
        return self.find_parse(delivery.feed_id, delivery.sha256, delivery.parse_key or "")

    def parse_of(self, delivery: Delivery) -> KeptParse:
        """The parse a delivery stands for. Raises FileNotFoundError when the lake has lost it."""
        parse = self.find_parse_of(delivery)
        if parse is None:
            folder = self.parse_folder(delivery.feed_id, delivery.sha256, delivery.parse_key or "")
            raise FileNotFoundError(
                f"the parse of delivery {delivery.delivery_id} ({delivery.path}) is not in the lake: {folder} is absent"
            )
        return parse

    def accepted_file(self, delivery: Delivery) -> Path:
        """Where the accepted rows of a delivery are, whether or not they are still there."""
        return self.parse_folder(delivery.feed_id, delivery.sha256, delivery.parse_key or "") / "accepted.parquet"

    def keep_parse(self, feed_id: str, sha256: str, parse_key: str, parsed: "Parsed") -> KeptParse:
        """Write a parse: its accepted rows sorted so that dates and entities lie together, its refused ones, its facts.

        Raises ValueError when the parse does not add up or holds a key twice: loading relies on both.
        """
        target = self.parse_folder(feed_id, sha256, parse_key)
        with self._writing() as temporary:
            temporary.mkdir()
            accepted = _sorted(parsed.accepted, parsed.record)
            _check(parsed, accepted)
            accepted.write_parquet(temporary / "accepted.parquet", compression="zstd", compression_level=3, row_group_size=_ROW_GROUP)
            written = ["accepted.parquet"]
            if not parsed.quarantined.is_empty():
                parsed.quarantined.sort("source_row", nulls_last=True, maintain_order=True).write_parquet(temporary / "quarantine.parquet")
                written.append("quarantine.parquet")
            digest = hashlib.sha256()
            for name in written:
                _sync(temporary / name)
                digest.update((temporary / name).read_bytes())
            for name, figures in parsed.figures.items():
                figures.write_parquet(temporary / f"{name}.parquet")
                _sync(temporary / f"{name}.parquet")
            facts = _facts(parsed, accepted, digest.hexdigest()[:32])
            _write_json(temporary / "parse.json", asdict(facts))
            if target.exists():  # without parse.json, or find_parse would have found it
                shutil.rmtree(target)
            self._put(temporary, target)
        return KeptParse(target, facts)

    # registers

    def keep_register_rows(self, fingerprint: str, rows: pl.DataFrame) -> None:
        """Keep the register rows that parses of this fingerprint were resolved against."""
        target = self._register_file(fingerprint)
        if target.is_file():
            return
        with self._writing() as temporary:
            rows.write_parquet(temporary)
            _sync(temporary)
            self._put(temporary, target)

    def register_rows(self, fingerprint: str) -> pl.DataFrame | None:
        target = self._register_file(fingerprint)
        return pl.read_parquet(target) if target.is_file() else None

    # receipts

    def write_receipt(self, receipt: Receipt) -> None:
        """Write or renew a delivery's receipt. Admission is written here before it is committed to the warehouse."""
        content = {
            "delivery": asdict(receipt.delivery),
            "path_state": asdict(receipt.path_state) if receipt.path_state else None,
        }
        with self._writing() as temporary:
            _write_json(temporary, content)
            self._put(temporary, self._receipt_file(receipt.delivery))

    def read_receipt(self, delivery: Delivery) -> Receipt | None:
        file = self._receipt_file(delivery)
        return _read_receipt(file) if file.is_file() else None

    def receipts(self) -> Iterator[Receipt]:
        """Every receipt, in no particular order."""
        for file in sorted((self.root / "receipts").glob("*/*.json")):
            yield _read_receipt(file)

    # where and how

    @property
    def _tmp(self) -> Path:
        return self.root / "tmp"

    def _register_file(self, fingerprint: str) -> Path:
        return self.root / "registers" / f"{fingerprint}.parquet"

    def _receipt_file(self, delivery: Delivery) -> Path:
        return self.root / "receipts" / delivery.feed_id / f"{delivery.delivery_id}.json"

    @contextmanager
    def _writing(self) -> Iterator[Path]:
        """A fresh name below tmp/, gone at the end of the block unless it was put in its place."""
        self._tmp.mkdir(parents=True, exist_ok=True)
        temporary = self._tmp / f"{os.getpid()}-{uuid.uuid4().hex}"
        try:
            yield temporary
        finally:
            if temporary.is_dir():
                shutil.rmtree(temporary, ignore_errors=True)
            else:
                temporary.unlink(missing_ok=True)

    def _put(self, temporary: Path, target: Path) -> None:
        """Rename into place, and make the rename last: what is recorded in the warehouse must survive a power cut too."""
        _make_folder(target.parent)
        if temporary.is_dir():
            _sync(temporary)
        temporary.rename(target)
        _sync(target.parent)


def _copy(source: Path, target: Path) -> tuple[str, os.stat_result]:
    """Copy and hash in one pass; returns the hash and the source's state afterwards."""
    digest = hashlib.sha256()
    with target.open("wb") as writing:
        for chunk in _chunks(source):
            digest.update(chunk)
            writing.write(chunk)
        writing.flush()
        os.fsync(writing.fileno())
    try:
        return digest.hexdigest(), source.stat()
    except OSError as error:
        raise ChangedWhileRead(f"went away while it was read ({error.strerror}): left for the next scan") from error


def _chunks(source: Path) -> Iterator[bytes]:
    """The file's bytes. Its own errors are told from those of writing the copy: they are about this file only."""
    try:
        with source.open("rb") as reading:
            while chunk := reading.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise ChangedWhileRead(f"cannot be read any more ({error.strerror}): left for the next scan") from error


def _sorted(frame: pl.DataFrame, record: RecordType) -> pl.DataFrame:
    """Rows in the order in which they are looked for: by date first, so that a touched day is a small part of the file."""
    columns = [name for name in ("local_date", *record.key) if name in frame.columns]
    return frame.select(*record.schema).sort(columns, maintain_order=True)


def _check(parsed: "Parsed", accepted: pl.DataFrame) -> None:
    found = accepted.height + parsed.rows_duplicate + parsed.quarantined.height
    if parsed.rows_read != found:
        raise ValueError(
            f"{parsed.rows_read} rows read are not {accepted.height} accepted + {parsed.rows_duplicate} duplicate "
            f"+ {parsed.quarantined.height} quarantined = {found}"
        )
    key = parsed.record.key
    # Equal keys lie side by side after the sort.
    same_as_above = accepted.select(pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in key).any()).item()
    if same_as_above:
        raise ValueError(f"a key ({', '.join(key)}) stands twice among the accepted rows")


def _facts(parsed: "Parsed", accepted: pl.DataFrame, content: str) -> ParseFacts:
    coverage, date_runs = _coverage(accepted, parsed.record)
    waiting = parsed.quarantined.filter(pl.col("rule").is_in(list(WAITING_RULES)))
    first_date, last_date = _dates(accepted, parsed.record)
    return ParseFacts(
        record=parsed.record.name,
        source_rows=parsed.source_rows,
        rows_read=parsed.rows_read,
        rows_accepted=accepted.height,
        rows_duplicate=parsed.rows_duplicate,
        rows_quarantined=parsed.quarantined.height,
        rows_unresolved=waiting.height,
        empty_cells=parsed.empty_cells,
        first_date=first_date,
        last_date=last_date,
        coverage=coverage,
        date_runs=date_runs,
        unresolved=waiting.select("rule", "column_name", "raw_text").unique(maintain_order=True).rows(),
        warnings=list(parsed.warnings),
        columns=accepted.columns,
        content=content,
    )


def _coverage(accepted: pl.DataFrame, record: RecordType) -> tuple[list[tuple], list[tuple] | None]:
    """Per entity the first and last key time; and the first and last date where there is no gap between them."""
    scope = key_scope(record.name)
    has_dates = scope.entity == (record.touches[0].entity_column,) and record.touches[0].dates == ("local_date",)
    dates = pl.col("local_date") if has_dates else pl.lit(None, pl.Date)
    found = (
        accepted.group_by(entity=scope.entity_expression)
        .agg(
            first=scope.time_expression.min(), last=scope.time_expression.max(),
            first_date=dates.min(), last_date=dates.max(), dates=dates.n_unique(),
        )
        .sort("entity")
    )  # fmt: skip
    spans = (pl.col("last_date") - pl.col("first_date")).dt.total_days() + 1
    without_gap = has_dates and found.select((spans == pl.col("dates")).all()).item()
    runs = found.select("entity", "first_date", "last_date").rows() if without_gap else None
    return found.select("entity", "first", "last").rows(), runs


def _dates(frame: pl.DataFrame, record: RecordType) -> tuple[date | None, date | None]:
    """First and last local date the rows touch; no last one while a row's validity has no end."""
    first, *end = record.touches[0].dates
    low, high = frame.select(pl.col(first).min()).item(), frame.select(pl.col(end[0] if end else first).max()).item()
    if end:
        is_open = frame.select(pl.col(end[0]).is_null().any()).item()
        high = None if is_open or high is None else high - timedelta(days=1)
    return low, high


def _read_facts(file: Path) -> ParseFacts:
    content = json.loads(file.read_text(encoding="utf-8"))
    for name in ("first_date", "last_date"):
        content[name] = date.fromisoformat(content[name]) if content[name] else None
    content["coverage"] = [
        (entity, datetime.fromisoformat(first), datetime.fromisoformat(last)) for entity, first, last in content["coverage"]
    ]
    if content["date_runs"] is not None:
        content["date_runs"] = [
            (entity, date.fromisoformat(first), date.fromisoformat(last)) for entity, first, last in content["date_runs"]
        ]
    content["unresolved"] = [tuple(item) for item in content["unresolved"]]
    return ParseFacts(**content)


def _read_receipt(file: Path) -> Receipt:
    content = json.loads(file.read_text(encoding="utf-8"))
    delivery, state = content["delivery"], content["path_state"]
    for name in ("received_at", "known_at"):
        delivery[name] = datetime.fromisoformat(delivery[name]) if delivery[name] else None
    for name in ("first_date", "last_date"):
        delivery[name] = date.fromisoformat(delivery[name]) if delivery[name] else None
    delivery["outcome"] = DeliveryOutcome(delivery["outcome"])
    delivery["admission"] = Admission(delivery["admission"])
    delivery["load_mode"] = LoadMode(delivery["load_mode"]) if delivery["load_mode"] else None
    if state:
        state["scanned_at"] = datetime.fromisoformat(state["scanned_at"])
    return Receipt(Delivery(**delivery), PathState(**state) if state else None)


def _write_json(file: Path, content: dict) -> None:
    with file.open("w", encoding="utf-8") as writing:
        json.dump(content, writing, ensure_ascii=False, default=_plain)
        writing.flush()
        os.fsync(writing.fileno())


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return str(value.value)
    raise TypeError(f"{value!r} has no place in a receipt")


def _sync(path: Path) -> None:
    """Bring a file's bytes, or a folder's names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)
