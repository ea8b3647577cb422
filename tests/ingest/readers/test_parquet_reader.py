"""Parquet: typed columns as the texts a contract's patterns can name."""

import io
from datetime import date, datetime, time
from decimal import Decimal

import polars as pl
import pytest

from pipelines.contracts.feed import Format
from pipelines.ingest.readers import RawTable, Unreadable
from pipelines.ingest.readers.parquet import read_parquet


def stored(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def parse(data: bytes, max_bytes: int = 2**30) -> RawTable:
    return read_parquet(data, Format(kind="parquet"), max_bytes)


def test_types_become_texts() -> None:
    stamp = datetime(2026, 1, 31, 0, 15)
    frame = pl.DataFrame(
        {
            "text": ["007"],
            "number": [0.1],
            "whole": [12],
            "exact": [Decimal("1.50")],
            "yes": [True],
            "day": [date(2026, 1, 31)],
            "clock": [time(0, 15)],
            "stamp": [stamp],
            "nano": pl.Series([stamp], dtype=pl.Datetime("ns")),
            "milli": pl.Series([stamp.replace(microsecond=250_000)], dtype=pl.Datetime("ms")),
            "zoned": pl.Series([stamp]).dt.replace_time_zone("Asia/Shanghai"),
            "word": pl.Series(["a"], dtype=pl.Categorical),
            "none": pl.Series([None], dtype=pl.Float64),
            "blank": [""],
        }
    )
    assert parse(stored(frame)).frame.row(0, named=True) == {
        "source_row": 1, "text": "007", "number": "0.1", "whole": "12", "exact": "1.50", "yes": "true", "day": "2026-01-31", "clock": "00:15:00",
        "stamp": "2026-01-31 00:15:00", "nano": "2026-01-31 00:15:00", "milli": "2026-01-31 00:15:00.250",
        "zoned": "2026-01-31 00:15:00+0800", "word": "a", "none": None, "blank": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a,b\n1,2\n", "is something else, not a Parquet file"),
        (b"PAR1 cut", "the Parquet file is cut off: its footer is missing"),
        (b"PAR1" + b"\x00" * 50 + b"PAR1", "the Parquet file is damaged"),
        (stored(pl.DataFrame({"a": [[1, 2]]})), "column 'a' is nested"),
    ],
)
def test_refusals(data: bytes, words: str) -> None:
    with pytest.raises(Unreadable) as refused:
        parse(data)
    assert words in str(refused.value)


def test_a_small_file_of_many_rows_is_refused_before_it_is_unpacked() -> None:
    bomb = stored(pl.select(a=pl.repeat("x", 3_000_000)))
    assert len(bomb) < 100_000
    with pytest.raises(Unreadable, match="unpacks to 3,000,000 rows of 1 columns"):
        parse(bomb, max_bytes=10_000_000)
