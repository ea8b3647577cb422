"""Small index systems and observations for tests, written as the seeds are: rows of text."""

from datetime import date

import polars as pl

from pipelines.assessment.index import OBSERVATION, Assessed, assess
from pipelines.assessment.index_system import GROUPS, HEADINGS, INDICATORS, SYSTEMS, THRESHOLDS, IndexSystem, load_index_systems
from pipelines.assessment.rescore import KEY as SUBJECT
from pipelines.assessment.rescore import Scorable
from pipelines.contracts.standards import Standards

ON = date(2025, 12, 31)
KEY = ["enterprise_id"]
PROVENANCE = {
    "valid_from": "2020-01-01",
    "valid_to": None,
    "version": "1",
    "source_ref": "a test",
    "verification_status": "secondary_source",
}
COLUMNS = {
    SYSTEMS: ["index_system_id", "name", "name_zh", "sector", "generation", "completeness", "pass_mark", "note"],
    GROUPS: ["index_system_id", "group_id", "position", "name", "name_zh", "weight", "is_bonus", "group_na_policy"],
    INDICATORS: ["index_system_id", "indicator_id", "group_id", "position", "name", "name_zh", "kind", "metric_code", "stage", "product_kind", "unit", "direction", "weight", "weight_rule", "set_id", "is_limiting"],
    THRESHOLDS: ["index_system_id", "indicator_id", "grade", "semantics", "operator", "value", "value_to", "text", "text_zh"],
    "metrics": ["metric_code", "scale", "unit", "stage"],
    "units": ["unit"],
}  # fmt: skip


def system_row(**given: str | None) -> dict:
    return {"index_system_id": "S", "name": "Test system", "generation": "G1", "completeness": "complete", "pass_mark": "85"} | given


def group_row(group_id: str = "g", weight: str = "1", **given: str | None) -> dict:
    return {
        "index_system_id": "S", "group_id": group_id, "position": "1", "name": group_id, "weight": weight, "is_bonus": "false",
        "group_na_policy": "warn",
    } | given  # fmt: skip


def quantitative(indicator_id: str, weight: str = "1", group_id: str = "g", **given: str | None) -> dict:
    return {
        "index_system_id": "S", "indicator_id": indicator_id, "group_id": group_id, "position": "1", "name": indicator_id, "kind": "quantitative",
        "metric_code": "m", "stage": "process", "unit": "%", "direction": "higher_is_better", "weight": weight, "weight_rule": "fixed", "is_limiting": "false",
    } | given  # fmt: skip


def qualitative(indicator_id: str, weight: str = "1", group_id: str = "g", **given: str | None) -> dict:
    return {
        "index_system_id": "S", "indicator_id": indicator_id, "group_id": group_id, "position": "1", "name": indicator_id, "kind": "qualitative",
        "weight": weight, "weight_rule": "fixed", "is_limiting": "false",
    } | given  # fmt: skip


def cell(
    indicator_id: str, grade: str, semantics: str = "value", operator: str | None = None, value: str | None = None, **given: str | None
) -> dict:
    return {
        "index_system_id": "S",
        "indicator_id": indicator_id,
        "grade": grade,
        "semantics": semantics,
        "operator": operator,
        "value": value,
    } | given


def thresholds(indicator_id: str, operator: str = ">=", values: tuple[str, str, str] = ("90", "80", "70")) -> list[dict]:
    return [cell(indicator_id, grade, "value", operator, value) for grade, value in zip(("I", "II", "III"), values, strict=True)]


def words(indicator_id: str) -> list[dict]:
    return [cell(indicator_id, grade, text=f"demand of {grade}") for grade in ("I", "II", "III")]


def standards(
    systems: list[dict] | None = None,
    groups: list[dict] | None = None,
    indicators: list[dict] | None = None,
    cells: list[dict] | None = None,
    own: dict[str, list[dict]] | None = None,
) -> Standards:
    """Standards with one system; what is not given is a group and an indicator that are in order."""
    rows = {
        SYSTEMS: systems if systems is not None else [system_row()],
        GROUPS: groups if groups is not None else [group_row()],
        INDICATORS: indicators if indicators is not None else [quantitative("a")],
        THRESHOLDS: cells if cells is not None else thresholds("a"),
        "metrics": [
            {"metric_code": "m", "scale": "100", "unit": "%", "stage": "process"},
            {"metric_code": "water", "scale": "1000", "unit": "L/m2", "stage": "process"},
            {"metric_code": "electricity", "scale": "1", "unit": "kWh/{product_unit}", "stage": "process"},
        ],
        "units": [{"unit": unit} for unit in ("%", "L/m2", "kWh/m2", "kWh/t")],
    }
    return Standards(
        {name: _frame(name, given) for name, given in rows.items()}, {name: _frame(name, given) for name, given in (own or {}).items()}
    )


def _frame(name: str, rows: list[dict]) -> pl.DataFrame:
    columns = [*COLUMNS[name], *PROVENANCE]
    unknown = {column for row in rows for column in row} - set(columns)
    assert not unknown, f"{name} has no columns {unknown}"
    return pl.DataFrame([dict.fromkeys(columns) | PROVENANCE | row for row in rows], schema=dict.fromkeys(columns, pl.String))


def build(on: date = ON, **tables: list[dict]) -> IndexSystem:
    system = load_index_systems(standards(**tables)).system("S", on)
    assert system is not None
    return system


def observation(indicator_id: str, value: float | None = None, answer: str | None = None, **given: object) -> dict:
    known = value is not None or answer is not None
    return {
        "indicator_id": indicator_id, "value": value, "answer": answer, "state": "measured" if known else "missing",
        "measured_share": 1.0 if known else None, "months_of_data": 12 if value is not None else None, "output_quantity": None, "warning": None,
    } | given  # fmt: skip


def not_applicable(indicator_id: str) -> dict:
    return observation(indicator_id, state="not_applicable")


def grade(system: IndexSystem, *observed: dict, enterprise: str = "E1") -> Assessed:
    return grade_many(system, {enterprise: list(observed)})


def grade_many(system: IndexSystem, observed: dict[str, list[dict]]) -> Assessed:
    rows = [{"enterprise_id": enterprise} | row for enterprise, given in observed.items() for row in given]
    return assess(
        subjects=pl.DataFrame({"enterprise_id": list(observed), "index_system_id": system.index_system_id, "calendar_months": 12}),
        observations=pl.DataFrame(rows, schema={"enterprise_id": pl.String} | dict(OBSERVATION)),
        rules=system.rules,
        systems=pl.DataFrame([system.heading], schema=HEADINGS),
        key=KEY,
    )


def only(assessed: Assessed) -> dict:
    """The one grade row."""
    assert assessed.grades.height == 1
    return assessed.grades.row(0, named=True)


def of(assessed: Assessed, indicator_id: str) -> dict:
    """The one row of an indicator."""
    rows = assessed.indicators.filter(pl.col("indicator_id") == indicator_id)
    assert rows.height == 1
    return rows.row(0, named=True)


PERIOD = {"period_type": "calendar_year", "period_start": date(2025, 1, 1), "period_end": date(2026, 1, 1)}


def scorable(system: IndexSystem, observed: dict[str, list[dict]]) -> Scorable:
    """Subjects of one year with what was observed of them, as the tables of a build would give them back."""
    rows = [{"enterprise_id": enterprise} | PERIOD | row for enterprise, given in observed.items() for row in given]
    subjects = [{"enterprise_id": name} | PERIOD | {"index_system_id": system.index_system_id, "calendar_months": 12} for name in observed]
    return Scorable(
        subjects=pl.DataFrame(subjects),
        observations=pl.DataFrame(rows, schema={name: pl.DataFrame(subjects).schema[name] for name in SUBJECT} | dict(OBSERVATION)),
        rules=system.rules,
        systems=pl.DataFrame([system.heading], schema=HEADINGS),
    )
