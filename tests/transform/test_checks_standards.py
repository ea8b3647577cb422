"""Reference tables of the audit's checks and of risk grading: built from the shipped seeds, with every test of theirs."""

from datetime import date
from pathlib import Path

from pipelines.assessment.methods import METHODS
from tests.assessment.frames import schema_of
from tests.transform.harness import Warehouse

FOLDERS = ("path:models/reference/checks", "path:models/reference/risk")
_TYPES = {"String": "VARCHAR", "Float64": "DOUBLE", "Int64": "BIGINT", "Int32": "INTEGER", "Boolean": "BOOLEAN", "Date": "DATE"}


def test_they_build_and_a_park_adds_its_own_rows(warehouse: Warehouse) -> None:
    own = {"valid_from": "2024-01-01", "version": "park", "source_ref": "the park", "verification_status": "unverified"}
    warehouse.add_own_standard("toxic_substances", own | {"match_kind": "chemical", "match_code": "67-66-3", "list_class": "5", "name": "Chloroform", "name_zh": "三氯甲烷"})  # fmt: skip
    warehouse.dbt("build", "--select", *FOLDERS)
    assert warehouse.value("select count(*) from reference.toxic_substance where origin = 'park'") == 1
    assert warehouse.value("select count(*) from reference.risk_matrix") == 72
    # What the methods' own tests take for the types is what dbt makes.
    read = {source.table: source for method in METHODS for source in method.reads.values() if source.table.startswith("reference.")}
    built = {
        row["name"]
        for row in warehouse.query("select 'reference.' || table_name as name from duckdb_tables() where schema_name = 'reference'")
    }
    for table in read.keys() & built:
        found = {row["column_name"]: row["column_type"] for row in warehouse.query(f"describe {table}")}
        assert {name: found[name] for name in read[table].columns} == {
            name: _TYPES[str(dtype)] for name, dtype in schema_of(read[table]).items()
        }


def test_every_seed_has_its_models() -> None:
    project = Path(__file__).resolve().parents[2] / "dbt_project"
    for group in ("checks", "risk"):
        staged = {path.stem.removeprefix("stg_") for path in (project / "models" / "staging" / "standards" / group).glob("*.sql")}
        read = {
            path.read_text(encoding="utf-8").split("ref('stg_")[1].split("'")[0]
            for path in (project / "models" / "reference" / group).glob("*.sql")
        }
        assert staged == read
        assert all((project / "seeds" / f"{seed}.csv").exists() for seed in staged)


def test_what_was_declared_before_stays_readable(warehouse: Warehouse) -> None:
    line = {"subject_kind": "outlet", "subject_id": "O1", "item_code": "a21026", "medium": "air", "period_start": date(2025, 1, 1),
            "period_end": date(2026, 1, 1), "report_kind": "statistics", "line_id": "-"}  # fmt: skip
    warehouse.load({"self_report": [line | {"value": 80.0, "unit": "kg", "submission_no": 1}]})
    warehouse.correct("self_report", line, value=99.0, submission_no=2)
    before = warehouse.query("select value, submission_no, known_to from staging.stg_self_report_revisions")
    now = warehouse.query("select value, submission_no, known_from from staging.stg_self_reports")
    assert [(row["value"], row["submission_no"]) for row in before] == [(80.0, 1)]
    assert [(row["value"], row["submission_no"]) for row in now] == [(99.0, 2)]
    assert before[0]["known_to"] is not None
