"""What is public: tables, their columns with types, comments and audience, and how each is cut into partitions.

The warehouse's own catalog says what there is, dbt's manifest and the declared tables say what it means and
for whom. Nothing is written here.
"""
# ruff: noqa: S608 - names come from DuckDB's own catalog and are quoted

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.contracts.records import COUNT, INSTANT, PARK_ID, TEXT, Column
from pipelines.warehouse.tables import AUDIT, BUILD_ID, Table

PUBLIC_SCHEMAS = ("marts", "assessment", "audit", "reference")
STRICTEST_AUDIENCE = "auditor"
"""Audience of a column nobody has named one for: forgetting may hide, never show."""

_COMMENT = re.compile(r"(?P<description>.*?) ?\(audience: (?P<audience>\w+)\)$", re.DOTALL)
"""What `PublicColumn.comment` writes, read back from a published file."""
_PARTITIONED_BY = ("local_date", "build_id", "first_build_id", "delivery_id")
"""Columns that cut a table into partitions that seldom change, tried after any `…_start` date; see `_partition_column`."""

PUBLICATION = Table(
    "audit",
    "publication",
    "One row: what this file is.",
    (
        PARK_ID,
        BUILD_ID,
        Column("data_build_id", TEXT, "Build that marts, assessment and reference are of: an earlier one when build_id did not publish; null if none ever did."),
        Column("published_at", INSTANT, "When this file was put in place, UTC.", required=True),
        Column("written", TEXT, "Whether every table was written anew, or only partitions that had changed since the file before.", required=True,
               allowed=("full", "incremental")),
        Column("bytes_when_full", COUNT, "Size of the file when every table was last written anew.", required=True),
        Column("rows_when_full", COUNT, "Rows it then held.", required=True),
        Column("storage_version", TEXT, "Oldest DuckDB that reads this file.", required=True),
        Column("duckdb_version", TEXT, "DuckDB that wrote it; checksums hold for it alone.", required=True),
    ),
)  # fmt: skip
PUBLISHED_PARTITION = Table(
    "audit",
    "published_partitions",
    "One row per published table and partition: rows and checksum, equal in the warehouse and in this file before it was put in place.",
    (
        PARK_ID,
        Column("schema_name", TEXT, "Schema.", required=True),
        Column("table_name", TEXT, "Table.", required=True),
        Column("partition_column", TEXT, "Column the table is cut by; null where it is one piece."),
        Column("partition_value", TEXT, "Value of that column, as text; empty for the rows without one.", required=True),
        Column("rows", COUNT, "Rows.", required=True),
        Column("checksum", TEXT, "Sum of the rows' hashes by duckdb_version's hash().", required=True),
    ),
    key=("schema_name", "table_name", "partition_value"),
)
DATA_DICTIONARY = Table(
    "reference",
    "data_dictionary",
    "One row per public column: what it holds, and for whom it is.",
    (
        PARK_ID,
        Column("schema_name", TEXT, "Schema.", required=True),
        Column("table_name", TEXT, "Table.", required=True),
        Column("table_description", TEXT, "Grain of the table, and what it is for."),
        Column("column_name", TEXT, "Column.", required=True),
        Column("position", COUNT, "Place in the table, from 1.", required=True),
        Column("data_type", TEXT, "DuckDB type.", required=True),
        Column("description", TEXT, "What it holds."),
        Column("audience", TEXT, "Who may see it: public, park, enterprise or auditor.", required=True),
    ),
    key=("schema_name", "table_name", "column_name"),
    audience="public",
)
OF_THE_FILE = (PUBLICATION, PUBLISHED_PARTITION, DATA_DICTIONARY)
"""Tables that the publication has and the warehouse has not."""


@dataclass(frozen=True)
class PublicColumn:
    name: str
    data_type: str
    is_required: bool
    description: str | None
    audience: str
    audience_is_given: bool

    @property
    def comment(self) -> str:
        return f"{self.description or ''} (audience: {self.audience})".strip()


@dataclass(frozen=True)
class PublicTable:
    """A table as published: from views and tables alike a table, with what the catalog says of it."""

    schema: str
    name: str
    columns: tuple[PublicColumn, ...]
    description: str | None
    checks: tuple[str, ...] = ()

    @property
    def qualified(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def column_list(self) -> str:
        return ", ".join(quoted(column.name) for column in self.columns)

    @property
    def shape(self) -> tuple:
        """What must agree for rows to be carried over from an earlier publication."""
        return tuple((column.name, column.data_type, column.is_required) for column in self.columns), self.checks

    @property
    def partition_column(self) -> str | None:
        """Cut by the period the rows are about, or by the build or delivery that brought them; small tables stay whole.

        Rows that change belong to few such values on a usual night, and a change is found and carried
        over by value.
        """
        types = {column.name: column.data_type for column in self.columns}
        periods = [name for name, data_type in types.items() if data_type == "DATE" and ("_start" in name or name == "month")]
        found = [name for name in (_PARTITIONED_BY[0], *periods, *_PARTITIONED_BY[1:]) if name in types]
        return found[0] if found else None

    def ddl(self, database: str) -> str:
        lines = [f"{quoted(column.name)} {column.data_type}{' not null' if column.is_required else ''}" for column in self.columns]
        return f"create table {quoted(database)}.{self.qualified} ({', '.join((*lines, *self.checks))})"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def public_tables(
    con: duckdb.DuckDBPyConnection, manifest: Path | None = None, declared: Iterable[Table] = (), *, database: str | None = None
) -> list[PublicTable]:
    """Every table and view of the public schemas, in the open warehouse or in an attached database.

    Args:
        manifest: dbt's manifest.json, for descriptions and audiences of the models.
        declared: tables declared in Python besides audit's, as the assessment's.
    """
    says = _declared((*AUDIT, *declared)) | (_of_manifest(manifest) if manifest else {})
    schemas = ", ".join(f"'{schema}'" for schema in PUBLIC_SCHEMAS)
    # dbt keeps its half-made relations under names of this form while it swaps them in.
    where = f"'{database}'" if database else "current_database()"
    mine = f"database_name = {where} and schema_name in ({schemas}) and not internal"
    relations = con.execute(
        f"select schema_name, table_name, comment from duckdb_tables() where {mine} and table_name not like '%\\_\\_dbt\\_%' escape '\\' "
        f"union all select schema_name, view_name, comment from duckdb_views() where {mine} and view_name not like '%\\_\\_dbt\\_%' escape '\\'"
    ).fetchall()
    columns: dict[tuple[str, str], list[tuple]] = {}
    for schema, table, *rest in con.execute(
        f"select schema_name, table_name, column_name, data_type, is_nullable, comment from duckdb_columns() where {mine} "
        "order by schema_name, table_name, column_index"
    ).fetchall():
        columns.setdefault((schema, table), []).append(tuple(rest))
    checks: dict[tuple[str, str], list[str]] = {}
    for schema, table, text in con.execute(
        "select schema_name, table_name, constraint_text from duckdb_constraints() "
        f"where database_name = {where} and schema_name in ({schemas}) and constraint_type = 'CHECK' order by constraint_index"
    ).fetchall():
        checks.setdefault((schema, table), []).append(text)
    found = []
    for schema, table, comment in sorted(relations, key=lambda row: row[:2]):
        meaning = says.get((schema, table), _Meaning(None, {}))
        found.append(
            PublicTable(
                schema,
                table,
                tuple(_column(name, data_type, nullable, said, meaning) for name, data_type, nullable, said in columns[schema, table]),
                meaning.description or comment,
                tuple(checks.get((schema, table), ())),
            )
        )
    return found


def described(table: Table) -> PublicTable:
    """A table declared in Python, as the publication holds it."""
    meaning = _declared([table])[table.schema, table.name]
    columns = tuple(_column(c.name, c.duckdb_type.upper(), not c.required, None, meaning) for c in table.columns)
    return PublicTable(table.schema, table.name, columns, table.grain)


@dataclass(frozen=True)
class _Meaning:
    description: str | None
    columns: dict[str, tuple[str | None, str | None]]
    """Description and audience by column."""


def _column(name: str, data_type: str, nullable: bool, comment: str | None, meaning: _Meaning) -> PublicColumn:
    description, audience = meaning.columns.get(name, (None, None))
    if audience is None and comment and (written := _COMMENT.match(comment)):
        comment, audience = written["description"] or None, written["audience"]
    return PublicColumn(name, data_type, not nullable, description or comment, audience or STRICTEST_AUDIENCE, audience is not None)


def _declared(tables: Iterable[Table]) -> dict[tuple[str, str], _Meaning]:
    return {
        (table.schema, table.name): _Meaning(table.grain, {column.name: (column.description, table.audience) for column in table.columns})
        for table in tables
    }


def _of_manifest(path: Path) -> dict[tuple[str, str], _Meaning]:
    manifest = json.loads(path.read_text(encoding="utf-8"))
    found = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] not in ("model", "seed") or node["schema"] not in PUBLIC_SCHEMAS:
            continue
        columns = {column["name"]: (column.get("description") or None, _audience(column)) for column in node.get("columns", {}).values()}
        found[node["schema"], node.get("alias") or node["name"]] = _Meaning(node.get("description") or None, columns)
    return found


def _audience(column: dict) -> str | None:
    """dbt puts a column's meta below `config` since 1.10 and keeps the older place filled."""
    return ((column.get("config") or {}).get("meta") or {}).get("audience") or (column.get("meta") or {}).get("audience")
