"""The Parquet export says what the published file says, rewrites what changed, and is turned to in one step."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.publish import export
from pipelines.publish.export import export_parquet
from tests.publish.house import TABLES, House, published_contents


def exported(house: House, table: str) -> list[str]:
    files = house.settings.published / "parquet" / table.replace(".", "/") / "*.parquet"
    return sorted(map(repr, duckdb.sql(f"select * from read_parquet('{files}')").fetchall()))


def files(house: House) -> dict[str, int]:
    """File → inode: a linked file keeps it, a rewritten one does not."""
    folder = house.settings.published / "parquet"
    return {str(path.relative_to(folder)): path.stat().st_ino for path in folder.rglob("*.parquet")}


def test_says_what_the_published_file_says(house: House) -> None:
    house.con.execute("insert into marts.point_daily values ('P', 'P1', null, 1, null, 1)")
    house.night()
    done = export_parquet(house.con, house.settings)
    for table in TABLES:
        assert exported(house, table) == published_contents(house.file, table), table
    names = set(files(house))
    assert {name for name in names if "point_daily" in name} == {
        f"marts/point_daily/{month}.parquet" for month in ("2025-12", "2026-01", "undated")
    }
    assert "reference/factor/all.parquet" in names
    assert done.files == done.files_written == len(names)


def test_other_tools_read_it(house: House) -> None:
    house.night()
    export_parquet(house.con, house.settings)
    frame = pl.read_parquet(house.settings.published / "parquet" / "marts" / "point_daily" / "2025-12.parquet")
    assert frame.height == 3100
    assert frame.schema["local_date"] == pl.Date
    assert frame.schema["tags"] == pl.List(pl.String)


def test_only_what_changed_is_written(house: House) -> None:
    house.night()
    export_parquet(house.con, house.settings)
    before = files(house)
    house.con.execute("update marts.point_daily set value_mean = 3 where local_date = date '2026-01-04'")
    house.night()
    done = export_parquet(house.con, house.settings)
    after = files(house)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {
        "marts/point_daily/2026-01.parquet",
        "audit/builds/all.parquet",
        "audit/gate_results/all.parquet",
    }
    assert done.files_written == 3
    assert exported(house, "marts.point_daily") == published_contents(house.file, "marts.point_daily")


def test_another_column_name_is_a_change(house: House) -> None:
    """The rows' checksums stay; a reader asks by name."""
    house.night()
    export_parquet(house.con, house.settings)
    house.con.execute("alter table marts.efficiency_monthly rename column value to ratio")
    house.night()
    export_parquet(house.con, house.settings)
    path = house.settings.published / "parquet" / "marts" / "efficiency_monthly" / "2025-01.parquet"
    assert "ratio" in pl.read_parquet_schema(path)


def test_a_table_that_went_is_gone_and_an_empty_one_is_there(house: House) -> None:
    house.night()
    export_parquet(house.con, house.settings)
    house.con.execute("drop table marts.efficiency_monthly; delete from marts.point_daily")
    house.night()
    export_parquet(house.con, house.settings)
    names = set(files(house))
    assert not any("efficiency_monthly" in name for name in names)
    assert {name for name in names if "point_daily" in name} == {"marts/point_daily/all.parquet"}
    assert exported(house, "marts.point_daily") == []


def test_a_reader_of_the_old_set_finds_its_files(house: House) -> None:
    house.night()
    export_parquet(house.con, house.settings)
    listed = sorted((house.settings.published / "parquet").resolve().rglob("*.parquet"))
    held = pl.read_parquet(listed[-1])
    house.con.execute("update marts.point_daily set value_mean = 3; update reference.factor set value = 1")
    house.night()
    export_parquet(house.con, house.settings)
    assert all(path.exists() for path in listed)
    assert pl.read_parquet(listed[-1]).equals(held)


def test_old_sets_are_removed(house: House) -> None:
    for _ in range(4):
        house.night()
        export_parquet(house.con, house.settings)
    folders = [path.name for path in house.settings.published.iterdir() if path.is_dir() and not path.is_symlink()]
    assert len(folders) == 2
    assert (house.settings.published / "parquet").resolve().name in folders


def test_the_same_build_exported_twice(house: House) -> None:
    house.night()
    export_parquet(house.con, house.settings)
    done = export_parquet(house.con, house.settings)
    assert done.files_written == 0
    for table in TABLES:
        assert exported(house, table) == published_contents(house.file, table)


def test_a_failure_on_the_way_leaves_the_old_set(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.night()
    export_parquet(house.con, house.settings)
    before = files(house)
    house.con.execute("update reference.factor set value = 1")
    house.night()

    def full_disk(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(export, "_sync", full_disk)
        with pytest.raises(OSError, match="No space left"):
            export_parquet(house.con, house.settings)
    assert files(house) == before
    assert export_parquet(house.con, house.settings).files_written > 0
    assert exported(house, "reference.factor") == published_contents(house.file, "reference.factor")
    assert [path.name for path in house.settings.published.glob(".parquet*")] == []
