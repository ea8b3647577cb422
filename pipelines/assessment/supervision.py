"""Numbers of supervision and engagement out of the standards (`reference.supervision_rule`), by name and day."""

from datetime import date

import polars as pl

from pipelines.assessment.in_force import in_force
from pipelines.assessment.method import Source
from pipelines.contracts.standards import StandardsError, StandardsProblem

SUPERVISION_SOURCE = Source.of(
    "reference.supervision_rule",
    "rule_id, topic, subject_kind, counts, operator, value, unit, name, verification_status, valid_from, valid_to, origin",
)


def rule(rules: pl.DataFrame, rule_id: str, on: date) -> dict:
    """The row of one rule that holds on a day.

    Raises StandardsError when no row with a value holds, with what would be right.
    """
    found = in_force(rules, on, ["rule_id"]).filter((pl.col("rule_id") == rule_id) & pl.col("value").is_not_null())
    if found.is_empty():
        raise StandardsError([StandardsProblem("supervision_rules", None, "rule_id", rule_id, f"no row with a value holds on {on}")])
    return found.row(0, named=True)


def number(rules: pl.DataFrame, rule_id: str, on: date) -> float:
    """The value of one rule on a day; raises as `rule` does."""
    return rule(rules, rule_id, on)["value"]
