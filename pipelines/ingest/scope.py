"""Where a record's rows lie: the entity they are about and their place in time, both read off the key.

Two rows of one key always have the same entity and time, so deliveries whose entities or periods do
not meet cannot hold a common key: that is what spares most loads from looking at what is stored. A key
without a date (an event, a finding) lies at one moment, the same for all.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache

import polars as pl

from pipelines.contracts.records import INSTANT, RECORD_TYPES

_ALWAYS = datetime.fromisoformat("1970-01-01")


@dataclass(frozen=True)
class KeyScope:
    """Key columns that name the entity, and the key column that places a row in time; None where none does."""

    entity: tuple[str, ...]
    time: str | None

    @property
    def entity_expression(self) -> pl.Expr:
        parts = [pl.col(name).cast(pl.String) for name in self.entity]
        return parts[0] if len(parts) == 1 else pl.concat_str(parts, separator=":")

    @property
    def time_expression(self) -> pl.Expr:
        return pl.lit(_ALWAYS, INSTANT) if self.time is None else pl.col(self.time).cast(INSTANT)

    def entity_sql(self, alias: str) -> str:
        """A single column stays bare, so that DuckDB can skip row groups by it."""
        names = [f"{alias}.{name}" for name in self.entity]
        return names[0] if len(names) == 1 else f"concat_ws(':', {', '.join(names)})"

    def time_sql(self, alias: str) -> str:
        return f"timestamp '{_ALWAYS.isoformat(sep=' ')}'" if self.time is None else f"{alias}.{self.time}"


_ALSO_ENTITY = {"self_report": ("report_kind",)}
"""Reports of different kinds never speak for each other, so neither does their silence."""


@cache
def key_scope(record: str) -> KeyScope:
    """The scope of a record type: its key up to the first identifier, and its first date or instant."""
    times = RECORD_TYPES[record].key_times
    others = [name for name in RECORD_TYPES[record].key if name not in times]
    identifiers = [at for at, name in enumerate(others) if name.endswith("_id")]
    leading = others[: identifiers[0] + 1] if identifiers else others
    return KeyScope((*leading, *_ALSO_ENTITY.get(record, ())), times[0] if times else None)
