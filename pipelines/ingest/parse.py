"""One file to canonical rows, whatever kind it is: the door that ingest, preview and tests go through."""

from pathlib import Path
from zoneinfo import ZoneInfo

from pipelines.contracts.feed import FeedContract
from pipelines.ingest.normalise import Parsed, normalise
from pipelines.ingest.readers import read
from pipelines.ingest.references import References


def parse(file: Path, contract: FeedContract, references: References, park_zone: ZoneInfo, *, max_bytes: int) -> Parsed:
    """Read a file by its contract. Raises Unreadable with a sentence for people when the file as a whole says nothing."""
    if contract.source.hj212 is not None:
        # Imported here: few feeds are devices, and every night reads all feeds.
        from pipelines.ingest.frames import parse_log

        return parse_log(file, contract, references, park_zone, max_bytes=max_bytes)
    return normalise(read(file, contract.format, max_bytes=max_bytes), contract, references, park_zone)
