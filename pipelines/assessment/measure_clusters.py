"""Measures that act on one meter: which can be told apart in time, and how the saving of those that cannot is split.

What a meter saved is found in `measure_effect`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipelines.assessment.measure_series import first_whole_month, month_of, months_after


@dataclass(frozen=True)
class Acting:
    """A measure on one meter."""

    measure: Mapping[str, Any]
    share: float | None
    driver_code: str | None

    @property
    def measure_id(self) -> str:
        return self.measure["measure_id"]

    @property
    def begins(self) -> date:
        """First day that the meter may have felt of it: works, else operation."""
        return min(self.measure["started_on"] or self.measure["completed_on"], self.measure["completed_on"])

    @property
    def completed(self) -> date:
        return self.measure["completed_on"]


@dataclass(frozen=True)
class Cluster:
    """Measures of one meter whose effects overlap in time, with the time in which nothing else acted on it.

    Attributes:
        after: Completion of what acted before, from which a baseline may begin; null where nothing did.
        until: Begin of what acted next; null where nothing did.
    """

    measures: tuple[Acting, ...]
    after: date | None
    until: date | None

    @property
    def begins(self) -> date:
        return min(acting.begins for acting in self.measures)

    @property
    def completed(self) -> date:
        return max(acting.completed for acting in self.measures)


def clusters(acting: Iterable[Acting], months_apart: int, works: Sequence[date] = ()) -> list[Cluster]:
    """Measures on one meter, split where whole months enough for a reporting period and a new baseline lie between two of them.

    Args:
        works: Days on which works for measures began that are not in operation yet: what the meter counts after them is theirs too.
    """
    groups: list[list[Acting]] = []
    for measure in sorted(acting, key=lambda one: (one.begins, one.completed, one.measure_id)):
        ended = max((one.completed for one in groups[-1]), default=None) if groups else None
        if ended is not None and months_after(first_whole_month(ended), months_apart) > month_of(measure.begins):
            groups[-1].append(measure)
        else:
            groups.append([measure])
    ends = [max(one.completed for one in group) for group in groups]
    begins = [min(one.begins for one in group) for group in groups]
    return [
        Cluster(tuple(group), ends[at - 1] if at else None, min((day for day in (*begins, *works) if day > ends[at]), default=None))
        for at, group in enumerate(groups)
    ]


def split(measures: Sequence[Acting]) -> tuple[dict[str, float], str, str | None]:
    """Share of the meter's saving per measure, the rule by which it was split, and why it was not."""
    if len(measures) == 1:
        share = measures[0].share
        return {measures[0].measure_id: 1.0 if share is None else share}, "alone" if share is None else "register_share", None
    names = ", ".join(one.measure_id for one in measures)
    if unsplit := [one.measure_id for one in measures if one.share is None]:
        return {}, "not_split", f"{names} act on the meter together, and nobody said what share is that of {', '.join(unsplit)}"
    total = sum(one.share for one in measures)
    if total > 1 + 1e-9:
        return {}, "not_split", f"{names} act on the meter together, and their registered shares add to {total:g}"
    return {one.measure_id: one.share for one in measures}, "register_share", None
