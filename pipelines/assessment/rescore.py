"""The grades of a build as something that can be scored again: with other values, other weights, other answers.

What was scored stands in the tables of the index method; this takes it back out of them, by period, with the rules that were
in force. Scoring is `index.assess`, here as everywhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from pipelines.assessment.enterprise_index import KEY
from pipelines.assessment.index import NOT_GRADEABLE, OBSERVATION, Assessed, assess
from pipelines.assessment.index_system import HEADINGS, RULES, IndexLibrary
from pipelines.assessment.method import Source

GRADES_OF_BUILD = Source.of("assessment.enterprise_grade", "enterprise_id, period_type, period_start, period_end, index_system_id, grade")
INDICATORS_OF_BUILD = Source.of(
    "assessment.enterprise_indicator",
    "enterprise_id, period_type, period_start, period_end, index_system_id, indicator_id, value, answer, state, measured_share, "
    "months_of_data, output_quantity",
)


@dataclass(frozen=True)
class Scorable:
    """Graded subjects whose periods end on one day, with the rules of that day: what `index.assess` takes."""

    subjects: pl.DataFrame
    observations: pl.DataFrame
    rules: pl.DataFrame
    systems: pl.DataFrame

    def only(self, wanted: pl.DataFrame) -> "Scorable":
        """The subjects whose KEY stands in a frame; the rules stay."""
        return replace(
            self,
            subjects=self.subjects.join(wanted, on=KEY, how="semi", maintain_order="left"),
            observations=self.observations.join(wanted, on=KEY, how="semi", maintain_order="left"),
        )

    def assessed(self) -> Assessed:
        return assess(self.subjects, self.observations, self.rules, self.systems, KEY)


def scorable(grades: pl.DataFrame, indicators: pl.DataFrame, library: IndexLibrary) -> Iterator[Scorable]:
    """What was graded, by the day its period ended; what could not be graded is left out.

    Args:
        grades: as GRADES_OF_BUILD reads it.
        indicators: as INDICATORS_OF_BUILD reads it.
    """
    graded = grades.filter(pl.col("grade") != NOT_GRADEABLE)
    for end in graded["period_end"].unique().sort():
        subjects = graded.filter(pl.col("period_end") == end).select(*KEY, "index_system_id", calendar_months=_months())
        names = subjects["index_system_id"].unique().sort().to_list()
        systems = [system for name in names if (system := library.system(name, _last_day(end))) is not None]
        yield Scorable(
            subjects.sort(KEY),
            indicators.join(subjects, on=KEY, how="semi").with_columns(warning=pl.lit(None, pl.String)).select(*KEY, *OBSERVATION),
            pl.concat([pl.DataFrame(schema=RULES), *(system.rules for system in systems)]),
            pl.DataFrame([system.heading for system in systems], schema=HEADINGS),
        )


def _months() -> pl.Expr:
    start, end = pl.col("period_start"), pl.col("period_end")
    return ((end.dt.year() - start.dt.year()) * 12 + end.dt.month().cast(pl.Int32) - start.dt.month().cast(pl.Int32)).cast(pl.Int64)


def _last_day(end: date) -> date:
    return end - timedelta(days=1)
