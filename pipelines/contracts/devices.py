"""The device profile of an HJ 212 feed: a CSV beside the contracts that says who the devices are and what their codes mean.

One row with an empty `code` registers a device: its point, and how it speaks. Factor codes of the standard then need
no row: parameter and unit follow from the seeds. A row with a `code` says what is different there. Here is only what can
be said about the file alone; whether points, parameters and units exist is `ingest.contract_check`'s business. Keys and
passwords never stand here: a row names the environment variable that holds them.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pipelines.contracts.states import Statistic

KEY_PREFIX = "PARK_AUDIT_HJ212_KEY_"
"""Environment variables that hold SM4 keys, 32 hex digits each, begin like this."""
HASH_SALT = "PARK_AUDIT_HJ212_SALT"
"""Environment variable with the secret under which passwords are hashed; without it hashes of two runs cannot be compared."""
MINUTE_INTERVALS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
"""Lengths of minute periods that the standard allows (HJ 212-2017 table 4, MinInterval)."""
_OFFSET = re.compile(r"^([+-])(\d{2}):(\d{2})$")
_RETRY_MAX = 3600


class Dialect(StrEnum):
    """Edition of the standard that a frame follows; told by the version bits of its Flag, or forced per device."""

    HJ_2005 = "2005"
    HJ_2017 = "2017"
    HJ_2025 = "2025"


class CrcVariant(StrEnum):
    """Which CRC the four digits turned out to be; all but the first need the device profile's leave."""

    HJ212 = "hj212"
    HJ212_SWAPPED = "hj212_swapped"
    MODBUS = "modbus"
    MODBUS_SWAPPED = "modbus_swapped"


class Label(StrEnum):
    """Which end of its period the DataTime of a mean or total names (the standard says start)."""

    START = "start"
    END = "end"


def _offset(value: Any) -> Any:
    if isinstance(value, str):
        if not (found := _OFFSET.match(value)) or int(found[2]) > 14 or int(found[3]) > 59:
            raise ValueError("right would be an offset from UTC, as +08:00")
        amount = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return -amount if found[1] == "-" else amount
    return value


def _words(value: Any) -> Any:
    return tuple(value.split()) if isinstance(value, str) else value


Seconds = Annotated[int, Field(ge=0, le=_RETRY_MAX)]


class DeviceRow(BaseModel):
    """One row of the profile. Field names are the file's columns; `row` is its place in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    row: int = Field(0, description="row of the file, counted from 1 with the header")
    mn: str = Field(pattern=r"^[\w.:\-]{1,64}$", description="device number, as sent")
    st: str | None = Field(None, pattern=r"^[0-9A-Za-z]{2}$", description="system code the row is for; empty for all that the device sends")
    code: str | None = Field(None, pattern=r"^[\w.]{1,24}$", description="factor code as sent; empty for the device itself")
    field: str | None = Field(
        None, pattern=r"^\w{1,24}$", description="what stands behind the dash, as Avg or RT; empty for all of the code's"
    )
    point_id: str | None = Field(None, description="our point; the device's own where empty")
    parameter: str | None = Field(None, description="our parameter; what the seeds say of the code where empty")
    statistic: Statistic | None = Field(None, description="what the field's number is; what the standard says of the field where empty")
    unit: str | None = Field(None, description="unit of means and spot values; the standard's where empty")
    total_unit: str | None = Field(None, description="unit of totals (Cou); the standard's where empty")
    valid_from: date | None = Field(None, description="first local date of the row")
    valid_to: date | None = Field(None, description="first local date on which it no longer holds")

    dialect: Dialect | None = Field(None, description="edition to read its frames by; each frame's own where empty")
    crc: Annotated[tuple[CrcVariant, ...] | None, BeforeValidator(_words)] = Field(
        None, description="CRCs that are accepted, with blanks between; hj212 where empty"
    )
    label: Label | None = Field(None, description="which end of its period a DataTime names; start where empty")
    utc_offset: Annotated[timedelta | None, BeforeValidator(_offset)] = Field(None, description="of the device's clock; +08:00 where empty")
    minute_interval: int | None = Field(None, description="length of the periods of command 2051 in minutes; 10 where empty")
    retry_seconds: Seconds | None = Field(None, description="time within which it repeats an unanswered frame; 30 where empty")
    sm4_key_env: str | None = Field(
        None, pattern=rf"^{KEY_PREFIX}[A-Z0-9_]{{1,64}}$", description=f"environment variable with its SM4 key, {KEY_PREFIX}…"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> "DeviceRow":
        if self.code is None:
            if lone := [name for name in ("field", "parameter", "statistic", "unit", "total_unit") if getattr(self, name) is not None]:
                raise ValueError(f"{', '.join(lone)} belong to a row with a code")
        elif given := [name for name in SETTINGS if getattr(self, name) is not None]:
            raise ValueError(f"{', '.join(given)} belong to the device's own row, the one without a code")
        if self.statistic is not None and self.field is None:
            raise ValueError("statistic says what one field's number is: name the field too")
        if self.valid_from and self.valid_to and self.valid_from >= self.valid_to:
            raise ValueError("valid_to is exclusive and must be after valid_from")
        if self.minute_interval is not None and self.minute_interval not in MINUTE_INTERVALS:
            raise ValueError(f"minute_interval {self.minute_interval} is none of {', '.join(map(str, MINUTE_INTERVALS))}")
        return self

    def overlaps(self, other: "DeviceRow") -> bool:
        """Whether some local date is in both rows' validity."""
        low = max(self.valid_from or date.min, other.valid_from or date.min)
        return low < min(self.valid_to or date.max, other.valid_to or date.max)

    @property
    def specificity(self) -> tuple[bool, bool, bool]:
        """Of several rows that fit a value the one with the greatest speaks."""
        return self.code is not None, self.field is not None, self.st is not None


SETTINGS = ("dialect", "crc", "label", "utc_offset", "minute_interval", "retry_seconds", "sm4_key_env")
"""Columns about how a device speaks: one value a device, whatever the date."""
COLUMNS = tuple(name for name in DeviceRow.model_fields if name != "row")


@dataclass(frozen=True)
class DeviceProblem:
    """One thing wrong with a device profile."""

    row: int
    column: Literal["(the file)"] | str
    value: str
    message: str


def read_devices(path: Path) -> tuple[tuple[DeviceRow, ...], list[DeviceProblem]]:
    """Every row of a device profile that can be read, and every problem of the file, with row, column and value."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return (), [DeviceProblem(0, "(the file)", "(absent)", f"{path} is not there")]
    except (OSError, UnicodeDecodeError) as error:
        return (), [DeviceProblem(0, "(the file)", path.name, f"cannot be read as UTF-8 text: {error}")]
    lines = list(csv.reader(io.StringIO(text)))
    header = [name.strip() for name in lines[0]] if lines else []
    problems = list(_header_problems(header))
    if problems:
        return (), problems
    rows: list[DeviceRow] = []
    for number, line in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in line):
            continue
        if len(line) != len(header):
            problems.append(DeviceProblem(number, "(the row)", ",".join(line)[:80], f"has {len(line)} cells; the header has {len(header)}"))
            continue
        cells = {name: cell.strip() for name, cell in zip(header, line, strict=True) if cell.strip()}
        try:
            rows.append(DeviceRow.model_validate({"row": number} | cells))
        except ValidationError as error:
            problems.extend(_row_problems(number, cells, error))
    problems.extend(_table_problems(rows))
    return tuple(rows), sorted(problems, key=lambda problem: problem.row)


def _header_problems(header: list[str]) -> Iterator[DeviceProblem]:
    if "mn" not in header:
        yield DeviceProblem(1, "mn", "(absent)", f"the header needs it; columns are {', '.join(COLUMNS)}")
    for name in header:
        if name not in COLUMNS:
            yield DeviceProblem(1, name, "(header)", f"no such column; columns are {', '.join(COLUMNS)}")
        elif header.count(name) > 1:
            yield DeviceProblem(1, name, "(header)", "stands twice")


def _row_problems(number: int, cells: dict[str, str], error: ValidationError) -> Iterator[DeviceProblem]:
    for item in error.errors():
        column = str(item["loc"][0]) if item["loc"] else "(the row)"
        value = cells.get(column, "(empty)") if item["loc"] else ""
        allowed = item.get("ctx", {}).get("expected")
        message = f"right would be {allowed}" if item["type"] == "enum" else item["msg"].removeprefix("Value error, ")
        yield DeviceProblem(number, column, value, message)


def _table_problems(rows: list[DeviceRow]) -> Iterator[DeviceProblem]:
    by_device: dict[str, list[DeviceRow]] = {}
    for row in rows:
        by_device.setdefault(row.mn, []).append(row)
    for mn, own in by_device.items():
        devices = [row for row in own if row.code is None]
        if not devices:
            yield DeviceProblem(own[0].row, "code", own[0].code or "", f"device {mn} has no row of its own, one without a code")
        for name in SETTINGS:
            said = {getattr(row, name): row for row in reversed(devices) if getattr(row, name) is not None}
            if len(said) > 1:
                last = max(said.values(), key=lambda row: row.row)
                yield DeviceProblem(
                    last.row, name, str(getattr(last, name)), f"device {mn} has another in an earlier row; a device has one"
                )
        for at, row in enumerate(own):
            for earlier in own[:at]:
                if (row.st, row.code, row.field) == (earlier.st, earlier.code, earlier.field) and row.overlaps(earlier):
                    what = " ".join(part for part in (mn, row.st, row.code, row.field) if part)
                    yield DeviceProblem(row.row, "mn", mn, f"{what} stands in row {earlier.row} too, for the same dates")
            if row.point_id is None and not any(device.point_id for device in devices):
                yield DeviceProblem(row.row, "point_id", "(empty)", f"neither this row nor the device's own names a point of {mn}")
