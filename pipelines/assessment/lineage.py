"""Who an enterprise or a point was before and became after: mergers, splits, renamings, moves (register entity_relation).

A look-back compares like with like only if both sides are of one perimeter. What is added up over it is the method's business.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

RELATIONS = "entity_kind, from_id, to_id, relation, effective_date"
"""Columns to read from `staging.stg_entity_relations`."""

_STAYS_ITSELF = ("renamed", "moved")


@dataclass(frozen=True)
class Perimeter:
    """Identifiers whose figures together are the subject's, at whatever date.

    Attributes:
        ids: The subject first. An identifier has no figures outside its own time, so that sums over all of them count nothing twice.
        notes: What was added, in words.
        begins: Date before which the subject was an untold part of something else; null where there is none.
        ends: Date from which it is an untold part of something else.
    """

    ids: tuple[str, ...]
    notes: tuple[str, ...] = ()
    begins: date | None = None
    ends: date | None = None


def perimeter(relations: pl.DataFrame, entity_kind: str, entity_id: str, as_of: date) -> Perimeter:
    """What made up an entity on a day, followed to earlier and later days.

    What merged into it belongs to it from the beginning, as if it always had. What was split off after `as_of` still belongs to
    it. Before it was itself split off, and after it was merged into something larger, nothing is told apart.

    Args:
        relations: Rows of the register with the columns `RELATIONS`.
        as_of: The day whose perimeter is kept, as the day on which a target was set.
    """
    rows = relations.filter(pl.col("entity_kind") == entity_kind).sort("effective_date", "from_id", "to_id").to_dicts()
    ids, notes = [entity_id], []
    waiting = [entity_id]
    while waiting:
        current = waiting.pop(0)
        for row in rows:
            found, note = _belonging(row, current, as_of)
            if found is not None and found not in ids:
                ids.append(found)
                notes.append(note)
                waiting.append(found)
    outside = [row for row in rows if (row["from_id"] in ids) != (row["to_id"] in ids)]
    begins = [row for row in outside if row["relation"] == "split_from" and row["to_id"] in ids]
    ends = [row for row in outside if row["relation"] == "merged_into" and row["from_id"] in ids]
    notes += [f"{row['to_id']} was part of {row['from_id']} before {row['effective_date']}" for row in begins]
    notes += [f"{row['from_id']} is part of {row['to_id']} since {row['effective_date']}" for row in ends]
    return Perimeter(
        tuple(ids),
        tuple(notes),
        max((row["effective_date"] for row in begins), default=None),
        min((row["effective_date"] for row in ends), default=None),
    )


def _belonging(row: dict, current: str, as_of: date) -> tuple[str | None, str]:
    """The other end of a relation where it belongs to the same perimeter."""
    day = row["effective_date"]
    if row["relation"] == "split_from":
        if row["from_id"] == current and day > as_of:
            return row["to_id"], f"with {row['to_id']}, split off on {day}"
        return None, ""
    if row["to_id"] == current:
        verb = "merged in" if row["relation"] == "merged_into" else "its name before"
        return row["from_id"], f"with {row['from_id']}, {verb} on {day}" if verb == "merged in" else f"{row['from_id']} before {day}"
    if row["from_id"] == current and row["relation"] in _STAYS_ITSELF:
        return row["to_id"], f"{row['to_id']} since {day}"
    return None, ""
