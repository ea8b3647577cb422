"""Writes dbt's source declarations from the places that own them: record types, warehouse tables, seeds.

`python -m tests.transform.landing_sources` rewrites the files; a test fails when they differ. What dbt
does with the sources belongs in its models.
"""

import csv
import sys
from pathlib import Path

from pipelines.contracts.records import RECORD_TYPES
from pipelines.warehouse.tables import LANDING, TOUCHED, WATERMARK, Table

DBT_PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
LANDING_FILE = DBT_PROJECT / "models" / "sources" / "_landing__sources.yml"
OWN_FILE = DBT_PROJECT / "models" / "sources" / "_own_standards__sources.yml"
SEEDS = DBT_PROJECT / "seeds"
NOTICE = "# Written by `python -m tests.transform.landing_sources`; a test says when to run it again.\n"


def _quoted(text: str) -> str:
    """A YAML single-quoted scalar: descriptions hold colons, backquotes and arrows."""
    return "'" + text.replace("'", "''") + "'"


def landing_sources() -> str:
    """The source `landing`: canonical records as the admission step leaves them, and the change ledger."""
    lines = [
        NOTICE + "version: 2",
        "",
        "sources:",
        "  - name: landing",
        "    description: Admitted canonical records of all feeds, and the ledger of what changed.",
        "    schema: landing",
        "    tables:",
    ]
    for table in (*LANDING, TOUCHED, WATERMARK):
        lines += _table(table)
    return "\n".join(lines) + "\n"


def _table(table: Table) -> list[str]:
    lines = [f"      - name: {table.name}", f"        description: {_quoted(table.grain)}", "        columns:"]
    for column in table.columns:
        lines += [
            f"          - name: {column.name}",
            f"            description: {_quoted(column.description)}",
            f"            data_type: {column.duckdb_type}",
        ]
    return lines


def own_standards_sources() -> str:
    """The source `own_standards`: a park's own rows beside each seed, always there, often empty."""
    lines = [
        NOTICE + "version: 2",
        "",
        "sources:",
        "  - name: own_standards",
        "    description: The park's own rows of each standard, same columns as the seed, all text.",
        "    schema: landing",
        "    tables:",
    ]
    for path in sorted(SEEDS.glob("*.csv")):
        lines += [f"      - name: own_{path.stem}", f"        description: The park's own rows beside the seed {path.name}."]
    return "\n".join(lines) + "\n"


def seed_columns() -> dict[str, list[str]]:
    """Seed name → its header."""
    headers = {}
    for path in sorted(SEEDS.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            headers[path.stem] = next(csv.reader(file))
    return headers


FILES = {LANDING_FILE: landing_sources, OWN_FILE: own_standards_sources}

if __name__ == "__main__":
    for path, write in FILES.items():
        path.write_text(write(), encoding="utf-8")
    sys.stdout.write(f"{len(RECORD_TYPES)} record types and {len(seed_columns())} seeds written\n")
