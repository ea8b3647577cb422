"""Frames for methods, typed as the warehouse would give them: registers and records by their declaration, marts and reference by dbt's.

A test writes the cells it is about; every other cell is null, and a source it does not mention is empty.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import polars as pl
import yaml

from pipelines.assessment.method import Context, Method, Outcome, Source
from pipelines.assessment.methods import RESULTS
from pipelines.contracts.records import RECORD_TYPES
from pipelines.contracts.standards import PROVENANCE, Standards
from tests.assessment.conftest import SEEDS

SINCE = date(2015, 1, 1)
PROJECT = SEEDS.parent
_PLURALS = {"process": "processes", "equipment": "equipment"}
_VARIANTS = {"stg_self_report_revisions": "stg_self_reports"}
_STAGING = {f"stg_{_PLURALS.get(name, name + 's')}": record for name, record in RECORD_TYPES.items()}
_POLARS = {
    "varchar": pl.String(), "double": pl.Float64(), "bigint": pl.Int64(), "integer": pl.Int32(), "boolean": pl.Boolean(),
    "date": pl.Date(), "timestamp": pl.Datetime("us"),
}  # fmt: skip
UNTYPED = {
    "audit.deliveries": "delivery_id sha256",
    "marts.permit_total_progress": "enterprise_id outlet_id pollutant_code permit_year:int permitted_kg:num used_kg:num provisional_kg:num "
                                   "projected_kg:num state",
    "intermediate.int_self_report_periods": "enterprise_id process_id outlet_id product_code item_code medium grain period_start:date value:num "
                                            "unit days_covered:int method_code",
    "intermediate.int_balance_campaigns": "campaign_id subject_kind subject_id enterprise_id process_id starts_on:date ends_on:date",
    "intermediate.int_campaign_figures": "campaign_id source item_code item_kind measure unit quantity:num measured_share:num "
                                         "substituted_share:num estimated_share:num self_reported_share:num basis counted:int",
}  # fmt: skip
"""Tables that no contract gives types to, or that stand in another part of the project: columns, text where nothing else is said."""
_WORDS = {"num": pl.Float64(), "int": pl.Int64(), "date": pl.Date()}


@cache
def described() -> dict[str, dict[str, pl.DataType]]:
    """Columns of every published dbt model, by `schema.name`."""
    found: dict[str, dict[str, pl.DataType]] = {}
    for schema in ("intermediate", "marts", "reference"):
        for path in sorted((PROJECT / "models" / schema).rglob("*.yml")):
            for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
                columns = model.get("columns", [])
                found[f"{schema}.{model['name']}"] = {
                    column["name"]: _POLARS[column["data_type"]] for column in columns if "data_type" in column
                }
    return found


def schema_of(source: Source) -> pl.Schema:
    """Columns of a source with their types; KeyError names what the source has not."""
    schema, name = source.table.split(".")
    if schema == "staging":
        # A staging view has the record's columns, the park, and where the row came from.
        columns = dict(_STAGING[_VARIANTS.get(name, name)].schema) | {"park_id": pl.String(), "feed_id": pl.String(), "delivery_id": pl.String(),
                                                 "known_from": pl.Datetime("us"), "known_to": pl.Datetime("us")}  # fmt: skip
    elif schema == "assessment":
        columns = dict(next(result for result in RESULTS if result.name == name).schema)
    else:
        columns = described().get(source.table) or _untyped(source.table)
    return pl.Schema({column: columns[column] for column in source.columns})


def _untyped(table: str) -> dict[str, pl.DataType]:
    words = (word.partition(":") for word in UNTYPED[table].split())
    return {name: _WORDS.get(kind, pl.String()) for name, _, kind in words}


def frame(source: Source, rows: Sequence[Mapping[str, Any]] = ()) -> pl.DataFrame:
    """Rows of a source; what has a validity holds since 2015 unless the row says otherwise."""
    schema = schema_of(source)
    unknown = {column for row in rows for column in row} - set(schema)
    assert not unknown, f"{source.table} is read without {sorted(unknown)}"
    given = {"valid_from": SINCE} if "valid_from" in schema else {}
    return pl.DataFrame([dict.fromkeys(schema) | given | dict(row) for row in rows], schema=schema, strict=False)


def reference(standards: Standards, source: Source, seed: str) -> pl.DataFrame:
    """A seed as its reference table: cast, with whose rows they are."""
    schema = schema_of(source)
    rows = standards.base[seed].with_columns(origin=pl.lit("base"))
    own = standards.own(seed).with_columns(origin=pl.lit("park"))
    return pl.concat([rows, own]).select(_cast(name, dtype) for name, dtype in schema.items())


def _cast(name: str, dtype: pl.DataType) -> pl.Expr:
    text = pl.col(name)
    if dtype == pl.Boolean():
        return (text == "true").alias(name)
    return text.str.to_date() if dtype == pl.Date() else text.cast(dtype)


def frames(
    method: Method, standards: Standards, seeds: Mapping[str, str], **rows: Sequence[Mapping[str, Any]] | pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """All frames of a method: rows where the test gives them, the shipped seeds by `seeds` (name in reads → seed), nothing elsewhere."""
    assert not (unknown := set(rows) - set(method.reads)), f"{method.name} does not read {sorted(unknown)}"
    made = {}
    for name, source in method.reads.items():
        given = rows.get(name)
        if isinstance(given, pl.DataFrame):
            made[name] = given
        elif given is not None:
            made[name] = frame(source, given)
        else:
            made[name] = reference(standards, source, seeds[name]) if name in seeds else frame(source)
    return made


def run(method: Method, given: Mapping[str, pl.DataFrame], today: date, standards: Standards) -> Outcome:
    """What the method returns, checked against what it declares as the assembly would: columns, types, one row a key."""
    outcome = method.run(given, Context("P", today, standards))
    for result in method.results:
        made, schema = outcome.frames[result.name], result.schema
        assert set(made.columns) <= set(schema), f"{result.name}: {sorted(set(made.columns) - set(schema))} are not declared"
        key = [column.name for column in result.key]
        assert not made.select(key).is_duplicated().any(), f"{result.name}: two rows for one key"
        made.select(pl.col(name).cast(schema[name]) for name in made.columns)
        for column in (*result.key, *result.columns):
            if column.required:
                assert column.name in made.columns and not made[column.name].has_nulls(), f"{result.name}.{column.name} has nulls"
            if column.allowed and column.name in made.columns:
                assert set(made[column.name].drop_nulls().unique()) <= set(column.allowed), (
                    f"{result.name}.{column.name}: {set(made[column.name])}"
                )
    return outcome


def only(table: pl.DataFrame, **where: Any) -> dict[str, Any]:
    """The one row that has these values."""
    for name, value in where.items():
        table = table.filter(pl.col(name) == value)
    (row,) = table.to_dicts()
    return row


def own_rows(standards: Standards, seed: str, *rows: Mapping[str, str]) -> Standards:
    """Standards with rows of the park beside the shipped ones of a seed."""
    columns = standards.base[seed].columns
    provenance = dict.fromkeys(PROVENANCE) | {
        "valid_from": "2020-01-01",
        "version": "1",
        "source_ref": "the park",
        "verification_status": "unverified",
    }
    own = pl.DataFrame([dict.fromkeys(columns) | provenance | dict(row) for row in rows], schema=dict.fromkeys(columns, pl.String))
    return Standards(standards.base, standards.own_rows | {seed: own})
