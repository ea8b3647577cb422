"""Parquet: typed columns back to texts, dates and times in ISO form with a blank between."""

import io

import polars as pl

from pipelines.contracts.feed import Format
from pipelines.ingest.readers.table import RawTable, Unreadable, assemble, header_names, looks_like


def read_parquet(data: bytes, file_format: Format, max_bytes: int) -> RawTable:
    """Read a Parquet file. Zoned time stamps are written in their own zone with its offset. Raises Unreadable."""
    if not data.startswith(b"PAR1"):
        raise Unreadable(f"is {looks_like(data) or 'something else'}, not a Parquet file")
    if not data.endswith(b"PAR1"):
        raise Unreadable("the Parquet file is cut off: its footer is missing")
    try:
        scan = pl.scan_parquet(io.BytesIO(data))
        schema = scan.collect_schema()
        height = scan.select(pl.len()).collect().item()
        # A column of one repeated value packs a billion rows into a kilobyte.
        if height * max(len(schema), 1) * 8 > max_bytes:
            raise Unreadable(f"unpacks to {height:,} rows of {len(schema)} columns, more than the {max_bytes:,} bytes allowed")
        frame = scan.select(_text(name, dtype) for name, dtype in schema.items()).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Unreadable(f"the Parquet file is damaged: {str(error).splitlines()[0]}") from error
    names, warnings = header_names([frame.columns])
    frame.columns = names
    return assemble(frame.with_columns(pl.all().replace("", None)), first_row=1, warnings=warnings)


def _text(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    match dtype:
        case pl.String():
            return column
        case pl.Datetime():
            subseconds = "%.f" if dtype.time_unit != "ms" else "%.3f"
            offset = "%z" if dtype.time_zone else ""
            text = column.dt.to_string(f"%Y-%m-%d %H:%M:%S{subseconds}{offset}")
            return text.str.replace(r"\.0+(\+|-|$)", "$1")
        case pl.Binary():
            return column.cast(pl.String, strict=False)
        case pl.Struct() | pl.List() | pl.Array():
            raise Unreadable(f"column {name!r} is nested ({dtype}); a table has one value per cell")
        case _:
            return column.cast(pl.String)
