"""Standards in the warehouse: own rows for dbt, and a touched park exactly when a row has changed."""

from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.contracts.standards import PROVENANCE, load_standards
from pipelines.settings import CHECKOUT, Settings
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.standards import load_standards_into

NOW = datetime(2026, 2, 1)
HEADER = ("factor", "value", *PROVENANCE)


@pytest.fixture
def con(home: Settings):
    with open_warehouse(home) as opened:
        yield opened


class Seeds:
    """A folder of seeds and one of the park's own rows."""

    def __init__(self, folder: Path) -> None:
        self.base, self.own = folder / "seeds", folder / "own"
        self.base.mkdir()
        self.own.mkdir()

    def write(self, *rows: tuple, name: str = "factors", own: bool = False, header: tuple = HEADER) -> None:
        lines = [",".join(header), *(",".join([*row, "v1", "source", "primary_source"]) for row in rows)]
        ((self.own if own else self.base) / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def load(self, con: duckdb.DuckDBPyConnection, now: datetime = NOW) -> int | None:
        return load_standards_into(con, load_standards(self.base, self.own), "P1", now)


@pytest.fixture
def seeds(tmp_path: Path) -> Seeds:
    made = Seeds(tmp_path)
    made.write(("coal", "0.7143", "2020-01-01", ""), ("power", "0.1229", "2020-01-01", "2026-01-01"))
    return made


def _touched(con: duckdb.DuckDBPyConnection, change_seq: int | None) -> list[tuple]:
    return con.execute(
        "select entity_kind, entity_id, date_from, date_to, cause, delivery_id from landing.touched where change_seq = ? order by all",
        [change_seq],
    ).fetchall()


def test_the_first_load_touches_nothing_and_the_second_finds_nothing(con: duckdb.DuckDBPyConnection, seeds: Seeds) -> None:
    assert seeds.load(con) is None
    assert seeds.load(con) is None
    assert con.execute("select count(*) from landing.touched").fetchone() == (0,)
    assert con.execute("select count(*) from landing.standard_row where seed = 'factors'").fetchone() == (2,)


def test_own_rows_have_a_table_for_every_seed(con: duckdb.DuckDBPyConnection, seeds: Seeds) -> None:
    seeds.load(con)
    assert con.execute("select * from landing.own_factors").fetchall() == []
    seeds.write(("steam", "0.03412", "2024-05-01", ""), own=True)
    con.execute("create view reads_own as select factor from landing.own_factors")
    assert seeds.load(con) is not None
    assert con.execute("select * from landing.own_factors").fetchall() == [
        ("steam", "0.03412", "2024-05-01", None, "v1", "source", "primary_source")
    ]
    assert con.execute("select * from reads_own").fetchall() == [("steam",)]
    types = con.execute("select distinct data_type from duckdb_columns() where table_name = 'own_factors'").fetchall()
    assert types == [("VARCHAR",)], "codes like 011 must stay texts"


def test_a_changed_row_touches_its_validity_before_and_after(con: duckdb.DuckDBPyConnection, seeds: Seeds) -> None:
    seeds.load(con)
    seeds.write(("coal", "0.7143", "2020-01-01", ""), ("power", "0.1229", "2021-01-01", "2025-07-01"))
    change = seeds.load(con)
    assert _touched(con, change) == [
        ("park", "P1", date(2020, 1, 1), date(2025, 12, 31), "factors", None),
        ("park", "P1", date(2021, 1, 1), date(2025, 6, 30), "factors", None),
    ]


def test_own_rows_added_changed_and_removed_touch_the_park(con: duckdb.DuckDBPyConnection, seeds: Seeds) -> None:
    seeds.load(con)
    seeds.write(("steam", "0.03412", "2024-05-01", ""), own=True)
    added = seeds.load(con)
    assert _touched(con, added) == [("park", "P1", date(2024, 5, 1), date(9999, 12, 31), "factors", None)]
    (seeds.own / "factors.csv").unlink()
    removed = seeds.load(con)
    assert removed > added
    assert _touched(con, removed) == _touched(con, added)


def test_a_new_seed_touches_what_its_rows_hold_for(con: duckdb.DuckDBPyConnection, seeds: Seeds) -> None:
    seeds.load(con)
    seeds.write(("so2", "50", "2015-01-01", ""), name="limits")
    assert _touched(con, seeds.load(con)) == [("park", "P1", date(2015, 1, 1), date(9999, 12, 31), "limits", None)]
    (seeds.base / "limits.csv").unlink()
    assert seeds.load(con) is not None
    tables = con.execute("select table_name from duckdb_tables() where table_name like 'own%'").fetchall()
    assert tables == [("own_factors",)]


def test_a_row_that_moves_from_the_park_to_the_seed_changes_both_tables_and_touches_nothing(
    con: duckdb.DuckDBPyConnection, seeds: Seeds
) -> None:
    seeds.write(("steam", "0.03412", "2024-05-01", ""), own=True)
    seeds.load(con)
    seeds.write(
        ("coal", "0.7143", "2020-01-01", ""), ("power", "0.1229", "2020-01-01", "2026-01-01"), ("steam", "0.03412", "2024-05-01", "")
    )
    (seeds.own / "factors.csv").unlink()
    assert seeds.load(con) is None
    assert con.execute("select count(*) from landing.own_factors").fetchone() == (0,)


def test_a_new_column_of_a_seed_changes_its_rows(con: duckdb.DuckDBPyConnection, seeds: Seeds) -> None:
    seeds.load(con)
    seeds.write(("coal", "0.7143", "kg", "2020-01-01", ""), header=("factor", "value", "unit", *PROVENANCE))
    assert seeds.load(con) is not None
    columns = con.execute("select column_name from duckdb_columns() where table_name = 'own_factors' order by column_index").fetchall()
    assert [name for (name,) in columns] == ["factor", "value", "unit", *PROVENANCE]


def test_rows_that_stay_keep_the_moment_they_were_first_seen(con: duckdb.DuckDBPyConnection, seeds: Seeds) -> None:
    seeds.load(con)
    seeds.write(("coal", "0.7143", "2020-01-01", ""), ("power", "0.1300", "2020-01-01", "2026-01-01"))
    seeds.load(con, datetime(2026, 3, 1))
    seen = con.execute("select seen_at, count(*) from landing.standard_row where seed = 'factors' group by all order by all").fetchall()
    assert seen == [(NOW, 1), (datetime(2026, 3, 1), 1)]


def test_nothing_changes_when_it_fails_half_way(con: duckdb.DuckDBPyConnection, seeds: Seeds, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds.load(con)
    seeds.write(("steam", "0.03412", "2024-05-01", ""), own=True)

    def fail(_: object) -> int:
        raise RuntimeError("killed")

    monkeypatch.setattr("pipelines.warehouse.standards.next_change_seq", fail)
    with pytest.raises(RuntimeError, match="killed"):
        seeds.load(con)
    monkeypatch.undo()
    assert con.execute("select count(*) from landing.own_factors").fetchone() == (0,)
    assert seeds.load(con) is not None, "the change is still found"


def test_a_seed_whose_name_is_no_name_is_refused(con: duckdb.DuckDBPyConnection, seeds: Seeds) -> None:
    seeds.write(("x", "1", "2020-01-01", ""), name="bad name")
    with pytest.raises(ValueError, match="bad name"):
        seeds.load(con)


def test_the_projects_own_seeds_load(con: duckdb.DuckDBPyConnection) -> None:
    standards = load_standards(CHECKOUT / "dbt_project" / "seeds")
    assert load_standards_into(con, standards, "P1", NOW) is None
    tables = {name for (name,) in con.execute("select table_name from duckdb_tables() where table_name like 'own%'").fetchall()}
    assert tables == {f"own_{name}" for name in standards.names}
