"""What an assessment method is: what it reads, what it writes, and a pure function from the one to the other.

A method is declared once, in the module that computes it, and entered in `methods.METHODS`; reading, writing, history,
publication and the asset in Dagster follow from the declaration (`assembly`, `orchestration.scores`). No method opens a
warehouse, asks what time it is, or holds a number of a norm: those are in its `Context` and in the standards.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import polars as pl

from pipelines.contracts.records import PARK_ID, STATE, TEXT, Column
from pipelines.contracts.standards import Standards
from pipelines.contracts.units import Units
from pipelines.warehouse.tables import BUILD_ID, Table

RULE_VERSION = Column("rule_version", TEXT, "Method, its version, and a hash of every reference row that it read.")
FIRST_BUILD = Column("first_build_id", TEXT, "First build that gave this row.", required=True)
LAST_BUILD = Column("last_build_id", TEXT, "Last published build that gave it; null while the row still holds.")
SUPERSEDED_BY = Column(
    "superseded_by_build_id", TEXT, "Build that gave another row for this grain, or none; null while the row still holds."
)

Frames = Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class Source:
    """A table or view a method reads, whole, and the columns of it; the frame has them in this order.

    Tables of `assessment` are those that methods before this one have just computed; a method's own are those of the build before.
    """

    table: str
    columns: tuple[str, ...]

    @classmethod
    def of(cls, table: str, columns: str) -> "Source":
        """Columns written as in SQL: `Source.of("marts.x", "a, b")`."""
        return cls(table, tuple(name.strip() for name in columns.split(",")))


@dataclass(frozen=True)
class Result:
    """A table of results, declared once: the latest build's rows, and every row that ever differed from the one before.

    Attributes:
        grain: "One row per …", without a full stop.
        key: Columns of the grain, without `park_id`, which comes first in every table.
        columns: The others. `state` and `rule_version` are added where a method does not declare them itself.
    """

    name: str
    grain: str
    key: tuple[Column, ...]
    columns: tuple[Column, ...]
    audience: str = "park"

    @cached_property
    def _columns(self) -> tuple[Column, ...]:
        declared = {column.name for column in self.columns}
        return (PARK_ID, *self.key, *self.columns, *(column for column in (STATE, RULE_VERSION) if column.name not in declared), BUILD_ID)

    @cached_property
    def latest(self) -> Table:
        key = (PARK_ID.name, *(column.name for column in self.key))
        return Table("assessment", self.name, f"{self.grain}, as of the latest published build.", self._columns, key, self.audience)

    @cached_property
    def history(self) -> Table:
        return Table(
            "assessment",
            f"{self.name}_history",
            f"{self.grain} and change: a row for every build whose result differed from the one before.",
            (*self._columns, FIRST_BUILD, LAST_BUILD, SUPERSEDED_BY),
            (*self.latest.key, FIRST_BUILD.name),
            self.audience,
        )

    @property
    def schema(self) -> pl.Schema:
        """What a method returns: key and columns; `park_id`, `rule_version` and `build_id` are filled in where they are absent."""
        return pl.Schema({column.name: column.dtype for column in self._columns})

    def empty(self) -> pl.DataFrame:
        return pl.DataFrame(schema={column.name: column.dtype for column in (*self.key, *self.columns)})


@dataclass(frozen=True)
class Context:
    """What a method may know beside its frames. `today` is the park's calendar day on which the build began."""

    park_id: str
    today: date
    standards: Standards

    @cached_property
    def units(self) -> Units:
        """Conversions between units of the standards; one for all methods of a build, because making it costs half a second."""
        return Units(self.standards)


@dataclass(frozen=True)
class Outcome:
    """What a method found: a frame for every result that it declares, one line for people, and what an auditor should look at."""

    frames: Frames
    message: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Method:
    """One method of the assessment.

    Attributes:
        version: Raised whenever unchanged inputs would give another result.
        description: One sentence for people, the Chinese term beside the English.
        reads: Frames by the name that `run` knows them by.
        run: Pure: the same frames and context give the same outcome.
        plot: Axes of a figure and the outcome's frames → draws what Dagster shows; None for a table alone.
    """

    name: str
    version: str
    description: str
    reads: Mapping[str, Source]
    results: tuple[Result, ...]
    run: Callable[[Frames, Context], Outcome]
    plot: Callable[[object, Frames], None] | None = field(default=None, compare=False)
