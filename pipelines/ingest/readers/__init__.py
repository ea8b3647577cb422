"""Reading a file: bytes to one table of texts. Which column means what is `normalise`'s business.

Every cell stays text, so that a bad cell costs its own row and nothing else. Each format has a module
with one function `bytes, format → RawTable`; here is the one door to them.
"""

import zlib
from collections.abc import Callable
from pathlib import Path

from pipelines.contracts.feed import Format, FormatKind
from pipelines.ingest.readers.csv import read_csv
from pipelines.ingest.readers.excel import read_excel
from pipelines.ingest.readers.json import read_json, read_json_lines
from pipelines.ingest.readers.parquet import read_parquet
from pipelines.ingest.readers.table import RawTable, Unreadable

__all__ = ["RawTable", "Unreadable", "read"]

_READERS: dict[FormatKind, Callable[[bytes, Format, int], RawTable]] = {
    FormatKind.CSV: read_csv,
    FormatKind.EXCEL: read_excel,
    FormatKind.JSON: read_json,
    FormatKind.JSON_LINES: read_json_lines,
    FormatKind.PARQUET: read_parquet,
}


def read(path: Path, file_format: Format, *, max_bytes: int) -> RawTable:
    """Read one file by its contract's format; gzip is recognised by content, whatever the name.

    Raises Unreadable with a sentence for people when the file as a whole cannot be a table of this
    file_format, or unpacks to more than `max_bytes`.
    """
    size = path.stat().st_size
    if size == 0:
        raise Unreadable("the file is empty (0 bytes)")
    if size > max_bytes:
        raise Unreadable(f"the file has {size:,} bytes, more than the {max_bytes:,} allowed (PARK_AUDIT_MAX_FILE_BYTES)")
    data = path.read_bytes()
    if data.startswith(b"\x1f\x8b"):
        data = _gunzip(data, max_bytes)
        if not data:
            raise Unreadable("the gzip archive unpacks to 0 bytes")
    return _READERS[file_format.kind](data, file_format, max_bytes)


def _gunzip(data: bytes, max_bytes: int) -> bytes:
    """Unpack gzip, several members one after the other as `cat` makes them, to at most max_bytes."""
    unpacked = bytearray()
    rest: bytes = data
    while rest.startswith(b"\x1f\x8b"):
        member = zlib.decompressobj(wbits=31)
        try:
            unpacked += member.decompress(rest, max_bytes - len(unpacked) + 1)
        except zlib.error as error:
            raise Unreadable(f"the gzip archive is damaged ({error}) after {len(unpacked):,} unpacked bytes") from error
        if len(unpacked) > max_bytes:
            raise Unreadable(
                f"the gzip archive of {len(data):,} bytes unpacks to more than the {max_bytes:,} allowed (PARK_AUDIT_MAX_FILE_BYTES)"
            )
        if not member.eof:
            raise Unreadable(f"the gzip archive is cut off after {len(unpacked):,} unpacked bytes: was the upload interrupted?")
        rest = member.unused_data
    return bytes(unpacked)
