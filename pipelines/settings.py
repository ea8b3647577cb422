"""One settings object: every path, zone and bound the pipeline uses, from the environment only.

There is no fallback between environments: what is not set has the default written here, what is set
wrongly stops the program. The park's id and zone come from `_park.yaml` beside its feeds, because
they must be known before the first register has been read. Imports contracts and nothing else of ours.
"""

import os
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipelines.contracts.feed import ParkFile, load_park_file

CHECKOUT = Path(__file__).resolve().parent.parent

# One process per child and none of them may phone: dbt and Great Expectations read these, Dagster its instance file.
TELEMETRY_OFF = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "False",
    "DAGSTER_DISABLE_TELEMETRY": "1",
}


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """The park's date at an instant, which is naive UTC as everywhere in the warehouse."""
    return instant.replace(tzinfo=UTC).astimezone(zone).date()


class SettingsError(ValueError):
    """A setting is wrong; the message names the variable, its value and what would be right."""


class Settings(BaseModel):
    """Everything configurable. Build with `Settings.load()`; tests build it directly."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))

    home: Path
    feeds_dir: Path
    standards_dir: Path | None = Field(None, description="a park's own rows beside the seeds, same file and column names")
    memory_limit: str = Field("2GB", pattern=r"^\d+(\.\d+)?(MB|GB)$")
    threads: int = Field(default_factory=lambda: os.cpu_count() or 2, ge=1, le=256)
    storage_version: str = Field("v1.2.0", pattern=r"^v\d+\.\d+\.\d+$", description="oldest DuckDB that must read the published file")
    lock_wait_seconds: float = Field(10, ge=0)
    keep_published: int = Field(7, ge=1, description="dated copies of the publication")
    keep_targets: int = Field(5, ge=1, description="dbt target folders")
    max_file_bytes: int = Field(4 * 2**30, gt=0, description="a larger file is refused, unpacked size for gzip")

    @field_validator("home", "feeds_dir", "standards_dir")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().resolve() if value else value

    @classmethod
    def load(cls, home: Path | None = None) -> Self:
        """Read PARK_AUDIT_* variables; `home` (from --home) wins over PARK_AUDIT_HOME."""
        given = {
            name: os.environ[variable] for name, variable in VARIABLES.items() if variable in os.environ and os.environ[variable] != ""
        }
        if home is not None:
            given["home"] = home
        given.setdefault("home", CHECKOUT / "data")
        given.setdefault("feeds_dir", CHECKOUT / "pipelines" / "feeds")
        try:
            settings = cls(**given)
        except ValueError as error:
            details = "; ".join(
                f"{VARIABLES.get(str(item['loc'][0]), item['loc'][0])} = {item['input']!r}: {item['msg']}"
                for item in error.errors()  # type: ignore[attr-defined]
            )
            raise SettingsError(details) from None
        if not settings.feeds_dir.is_dir():
            raise SettingsError(f"PARK_AUDIT_FEEDS = {settings.feeds_dir}: is not a folder; name one that holds feed contracts")
        if settings.standards_dir and not settings.standards_dir.is_dir():
            raise SettingsError(f"PARK_AUDIT_STANDARDS = {settings.standards_dir}: is not a folder")
        return settings

    @cached_property
    def park(self) -> ParkFile:
        return load_park_file(self.feeds_dir)

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.park.zone)

    @property
    def raw(self) -> Path:
        return self.home / "raw"

    @property
    def lake(self) -> Path:
        return self.home / "lake"

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse" / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        return self.home / "published"

    @property
    def published_file(self) -> Path:
        return self.published / "park_audit.duckdb"

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster_home"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def dbt_project(self) -> Path:
        return CHECKOUT / "dbt_project"

    @property
    def seeds(self) -> Path:
        return self.dbt_project / "seeds"

    @property
    def expectations(self) -> Path:
        return CHECKOUT / "expectations"

    def make_folders(self) -> None:
        for folder in (self.raw, self.lake, self.warehouse.parent, self.published, self.dagster_home, self.logs):
            folder.mkdir(parents=True, exist_ok=True)


VARIABLES = {
    "home": "PARK_AUDIT_HOME",
    "feeds_dir": "PARK_AUDIT_FEEDS",
    "standards_dir": "PARK_AUDIT_STANDARDS",
    "memory_limit": "PARK_AUDIT_MEMORY_LIMIT",
    "threads": "PARK_AUDIT_THREADS",
    "storage_version": "PARK_AUDIT_STORAGE_VERSION",
    "lock_wait_seconds": "PARK_AUDIT_LOCK_WAIT_SECONDS",
    "keep_published": "PARK_AUDIT_KEEP_PUBLISHED",
    "keep_targets": "PARK_AUDIT_KEEP_TARGETS",
    "max_file_bytes": "PARK_AUDIT_MAX_FILE_BYTES",
}
