"""Small frames by hand for the methods: a method's sources typed as the warehouse types them, the standards as shipped.

A column that a method reads and its table does not have is refused here, as the warehouse would refuse it.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from pipelines import assessment
from pipelines.assessment.method import Context, Method, Outcome, Result, Source
from pipelines.contracts.records import LINEAGE, RECORD_TYPES
from pipelines.contracts.standards import Standards, load_standards

MODELS = Path(__file__).resolve().parents[2] / "dbt_project" / "models"
_TYPES = {
    "varchar": pl.String(), "double": pl.Float64(), "integer": pl.Int32(), "bigint": pl.Int64(), "date": pl.Date(), "boolean": pl.Boolean(),
    "timestamp": pl.Datetime("us"),
}  # fmt: skip
PLURALS = {"enterprise": "enterprises", "process": "processes", "survey_answer": "survey_answers", "equipment": "equipment"}
PARK = "P"
AGREED: dict[str, dict[str, pl.DataType]] = {
    "assessment.measure_effect": {"measure_id": pl.String(), "decision": pl.String(), "saving_quantity": pl.Float64(),
                                  "annual_saving_quantity": pl.Float64(), "unit": pl.String(), "counts_in_total": pl.Boolean()},
    "assessment.measure_economics": {"measure_id": pl.String(), "npv_cny": pl.Float64(), "payback_years": pl.Float64()},
    "assessment.risk_grade": {"enterprise_id": pl.String(), "medium": pl.String(), "grade": pl.String()},
    "assessment.emergency_readiness": {"enterprise_id": pl.String(), "plan_status": pl.String(), "expires_on": pl.Date()},
    "assessment.obsolete_asset": {name: pl.String() for name in ("enterprise_id", "asset_kind", "asset_id", "verdict")},
    "assessment.mandatory_audit": {"enterprise_id": pl.String(), "category": pl.String(), "status": pl.String(), "is_indicated": pl.Boolean(),
                                   "not_checked": pl.List(pl.String()), "listed_on": pl.Date()},
    "assessment.pollution_load": {name: pl.String() for name in ("load_standard_set", "scope", "medium", "nitrogen", "ranked_by", "subject_id",
                                                                "period_type")}
    | {"share": pl.Float64(), "period_start": pl.Date(), "period_end": pl.Date()},
    "assessment.target_progress": {name: pl.String() for name in ("subject_kind", "subject_id", "metric_code", "status", "unit", "state")}
    | {"target_year": pl.Int64(), "year": pl.Int64(), "baseline_year": pl.Int64(), "baseline_value": pl.Float64(), "target_value": pl.Float64(),
       "path_value": pl.Float64(), "actual_value": pl.Float64(), "progress_share": pl.Float64()},
    "marts.permit_total_progress": {"enterprise_id": pl.String(), "permit_year": pl.Int32(), "permitted_kg": pl.Float64(), "used_kg": pl.Float64()},
}  # fmt: skip
"""Tables that other branches bring, with the columns that were agreed; a table that is there goes before its row here."""
Rows = Iterable[Mapping[str, Any]]


@cache
def _models() -> dict[str, dict[str, str | None]]:
    found = {}
    for path in MODELS.rglob("*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models") or []:
            found[model["name"]] = {column["name"]: column.get("data_type") for column in model["columns"]}
    return found


@cache
def _results() -> dict[str, Result]:
    """Every result that a module of the package declares, whether or not its method is entered yet."""
    modules = [importlib.import_module(f"{assessment.__name__}.{found.name}") for found in pkgutil.iter_modules(assessment.__path__)]
    return {value.name: value for module in modules for value in vars(module).values() if isinstance(value, Result)}


def schema_of(table: str) -> dict[str, pl.DataType]:
    """Column → type of a table that methods read."""
    schema, name = table.split(".")
    results = _results()
    if table in AGREED and name not in results and name not in _models():
        return AGREED[table]
    if schema == "assessment":
        return dict(results[name].schema)
    if schema == "staging":
        records = {f"stg_{PLURALS.get(record, record + 's')}": RECORD_TYPES[record] for record in RECORD_TYPES}
        columns = (*records[name].columns, *LINEAGE)
        return {column.name: column.dtype for column in columns}
    return {column: _TYPES[of] for column, of in _models()[name].items()}


def frame(source: Source, rows: Rows) -> pl.DataFrame:
    """Rows as the source would be read; what a row does not say is null."""
    rows = [dict(row) for row in rows]
    schema = schema_of(source.table)
    if absent := [column for column in source.columns if column not in schema]:
        raise KeyError(f"{source.table} has no {', '.join(absent)}; it has {', '.join(schema)}")
    if unknown := sorted({name for row in rows for name in row} - schema.keys()):
        raise KeyError(f"{source.table} has no {', '.join(unknown)}; it has {', '.join(schema)}")
    wanted = {column: schema[column] for column in source.columns}
    return pl.DataFrame([{column: row.get(column) for column in wanted} for row in rows], schema=wanted)


@cache
def standards_as_shipped() -> Standards:
    """For properties: a fixture would be written out with every example that fails."""
    return load_standards(MODELS.parent / "seeds")


def shipped(source: Source, standards: Standards) -> pl.DataFrame:
    """A reference table as dbt makes it of the shipped seed."""
    name = source.table.removeprefix("reference.")
    seed = next(seed for seed in standards.names if seed in (name, f"{name}s"))
    rows = standards.seed(seed).with_columns(park_id=pl.lit(PARK), origin=pl.lit("base"))
    schema = schema_of(source.table)
    return rows.select(_cast(column, schema[column]) for column in source.columns)


def _cast(column: str, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Date():
        return pl.col(column).str.to_date()
    if dtype == pl.Boolean():
        return (pl.col(column) == "true").alias(column)
    return pl.col(column).cast(dtype)


def frames(method: Method, standards: Standards, given: Mapping[str, Rows | pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Every frame of a method: what is given, the shipped standards, and nothing else."""
    if unknown := given.keys() - method.reads.keys():
        raise KeyError(f"{method.name} reads no {', '.join(sorted(unknown))}; it reads {', '.join(method.reads)}")
    found = {}
    for name, source in method.reads.items():
        if name in given and isinstance(given[name], pl.DataFrame):
            found[name] = given[name].select(source.columns)
        elif name not in given and source.table.startswith("reference."):
            found[name] = shipped(source, standards)
        else:
            found[name] = frame(source, given.get(name, ()))
    return found


def run(method: Method, standards: Standards, today: date, given: Mapping[str, Rows | pl.DataFrame]) -> Outcome:
    """Run a method on what is given, and see that what it returns fits its tables: columns, types, unique keys, words."""
    outcome = method.run(frames(method, standards, given), Context(PARK, today, standards))
    for result in method.results:
        check_result(outcome.frames[result.name], result)
    return outcome


def check_result(frame: pl.DataFrame, result: Result) -> None:
    schema = result.schema
    assert set(frame.columns) <= set(schema), sorted(set(frame.columns) - set(schema))
    typed = frame.select(pl.col(name).cast(schema[name]) for name in frame.columns)
    key = [column.name for column in result.key]
    assert not typed.select(key).is_duplicated().any(), f"{result.name}: two rows for one key"
    for column in (*result.key, *result.columns):
        if column.required:
            assert typed[column.name].null_count() == 0, f"{result.name}.{column.name} is null"
        if column.allowed:
            assert set(typed[column.name].drop_nulls()) <= set(column.allowed), f"{result.name}.{column.name}"
