"""The publication: what stands in it, that it is whole or not there, what a night costs, and what becomes of readers and of killed runs."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.assessment.methods import TABLES as SCORE_TABLES
from pipelines.contracts.states import BuildStatus, GateStatus
from pipelines.publish import snapshot
from pipelines.publish.catalog import public_tables
from pipelines.publish.snapshot import PublishError, published_build, sweep
from tests.publish.house import DAYS, NIGHT, TABLES, House, contents, damage, manifest_in, published_contents, read

NEW_IN_AUDIT = 2
"""Every night adds a build and a verdict. The build of the night before reads in the file as it has been closed since."""
ROOT = Path(__file__).resolve().parents[2]


def equal_to_warehouse(house: House, tables: tuple[str, ...] = TABLES) -> None:
    for table in tables:
        if table != "audit.builds":  # the file says of its own build that it has ended
            assert published_contents(house.file, table) == contents(house.con, table), table


class TestContents:
    def test_every_public_table_and_nothing_else(self, house: House) -> None:
        published = house.night()
        found = read(house.file, "select schema_name || '.' || table_name from duckdb_tables() order by all")
        own = {"audit.publication", "audit.published_partitions", "reference.data_dictionary"}
        assert {name for (name,) in found} == {*TABLES, *own}
        assert {name for (name,) in read(house.file, "select distinct schema_name from duckdb_schemas() where not internal")} == {
            "marts", "assessment", "audit", "reference",
        }  # fmt: skip
        equal_to_warehouse(house)
        assert (published.tables, published.written) == (len(TABLES), "full")
        assert published.rows == sum(len(contents(house.con, table)) for table in TABLES)

    def test_types_constraints_and_comments(self, house: House) -> None:
        house.night()
        columns = "select column_name, data_type, is_nullable from duckdb_columns() where schema_name = 'marts' and table_name = 'point_daily' order by column_index"
        assert read(house.file, columns) == house.con.execute(columns).fetchall()
        assert read(
            house.file, "select constraint_type from duckdb_constraints() where table_name = 'point_daily' and constraint_type = 'CHECK'"
        ) == [("CHECK",)]
        assert read(house.file, "select comment from duckdb_tables() where table_name = 'point_daily'") == [("One row per point and day.",)]
        ((comment,),) = read(
            house.file, "select comment from duckdb_columns() where table_name = 'point_daily' and column_name = 'value_mean'"
        )
        assert comment == "Mean of the day's valid values. (audience: auditor)"

    def test_meaning_and_audience_come_from_the_models_and_declarations(self, house: House, tmp_path: Path) -> None:
        published = house.night(manifest=manifest_in(tmp_path))
        said = {
            (table, column): (description, audience)
            for table, column, description, audience in read(
                house.file, "select table_name, column_name, description, audience from reference.data_dictionary"
            )
        }
        assert said["point_daily", "park_id"] == ("Park, says dbt.", "park")
        assert said["point_daily", "point_id"] == ("Point.", "enterprise")
        assert said["builds", "status"] == ("How it ended.", "park")
        assert said["publication", "build_id"][1] == "auditor"
        assert read(house.file, "select comment from duckdb_tables() where table_name = 'point_daily'") == [
            ("One row per point and day, says dbt.",)
        ]
        # A column nobody has named an audience for is for the fewest, and the night says so.
        assert said["point_daily", "share"] == (None, "auditor")
        assert "name no audience" in published.warnings[0]

    def test_every_column_of_the_file_is_in_its_dictionary(self, house: House) -> None:
        house.night()
        columns = "select schema_name, table_name, column_name, column_index, data_type from duckdb_columns() where not internal"
        described = "select schema_name, table_name, column_name, position, data_type from reference.data_dictionary"
        assert sorted(read(house.file, columns)) == sorted(read(house.file, described))

    def test_declared_scores_have_their_audience(self, house: House) -> None:
        house.con.execute("drop table assessment.enterprise_grade")
        house.con.execute(SCORE_TABLES[0].ddl)
        house.night(declared=SCORE_TABLES)
        found = read(house.file, "select distinct audience from reference.data_dictionary where table_name = 'enterprise_grade'")
        assert found == [("park",)]

    def test_its_own_build_has_ended_in_it(self, house: House) -> None:
        published = house.night()
        rows = read(house.file, "select build_id, status, closed_at is not null, warnings, reason from audit.builds")
        assert rows == [(published.build_id, "published", True, 0, None)]
        assert published_build(house.con, house.settings) == (published.build_id, NIGHT + timedelta(days=1))
        assert read(house.file, "select build_id, data_build_id, written, storage_version from audit.publication") == [
            (published.build_id, published.build_id, "full", "v1.2.0")
        ]

    @pytest.mark.parametrize(("storage_version", "header"), [("v1.0.0", 64), ("v1.2.0", 65), ("v1.4.0", 67)])
    def test_the_oldest_reader_can_read_it(self, tmp_path: Path, storage_version: str, header: int) -> None:
        """DuckDB refuses a file by the number in its header; 65 is what 1.2 reads."""
        with House.at(tmp_path, storage_version=storage_version) as house:
            for _ in range(2):  # written anew, and carried over
                house.night()
                start = house.file.read_bytes()[:20]
                assert start[8:12] == b"DUCK"
                assert int.from_bytes(start[12:20], "little") == header


class TestRefusals:
    @pytest.mark.parametrize("status", [GateStatus.FAIL, GateStatus.ERROR])
    def test_a_closed_gate(self, house: House, status: GateStatus) -> None:
        before = house.night().build_id
        build_id = house.open(status)
        with pytest.raises(PublishError, match=rf"gate B closed build {build_id}: {status}: marts.point_daily: 12 of 30 \(because\)"):
            house.publish(build_id)
        assert read(house.file, "select build_id from audit.publication") == [(before,)]

    def test_a_gate_that_did_not_speak(self, house: House) -> None:
        build_id = house.open()
        house.con.execute("delete from audit.gate_results")
        with pytest.raises(PublishError, match="a gate that did not speak did not pass"):
            house.publish(build_id)
        assert not house.file.exists()

    @pytest.mark.parametrize("status", [BuildStatus.ABORTED, BuildStatus.NOT_PUBLISHED])
    def test_scores_of_a_build_that_did_not_end_well(self, house: House, status: BuildStatus) -> None:
        killed = house.open()
        house.con.execute("insert into assessment.enterprise_grade values ('P', 'E1', 'I', ?)", [killed])
        house.close(killed, status)
        later = house.open()
        with pytest.raises(
            PublishError, match=rf"assessment.enterprise_grade.build_id names build {killed}.*assess again in build {later}"
        ):
            house.publish(later)

    def test_scores_of_this_and_of_published_builds(self, house: House) -> None:
        first = house.open()
        house.con.execute("insert into assessment.enterprise_grade values ('P', 'E1', 'I', ?)", [first])
        house.publish(first)
        house.close(first)
        house.night()
        assert read(house.file, "select build_id from assessment.enterprise_grade") == [(first,)]


class TestCarriedOver:
    """A night costs what it changed."""

    def test_nothing_new_writes_only_audit(self, house: House) -> None:
        house.night()
        published = house.night()
        assert (published.written, published.anew_because) == ("incremental", None)
        assert published.rows_written == NEW_IN_AUDIT
        equal_to_warehouse(house)

    @pytest.mark.parametrize(
        ("change", "rows"),
        [
            ("update marts.point_daily set value_mean = -1 where local_date = date '2025-12-05' and point_id = 'P7'", 100),
            ("delete from marts.point_daily where local_date = date '2025-12-05'", 0),
            ("delete from marts.point_daily where local_date = date '2025-12-05' and point_id = 'P7'", 99),
            ("insert into marts.point_daily select 'P', 'P1', date '2026-02-01', 1, null, 1", 1),
            ("insert into marts.point_daily select 'P', 'P1', null, 1, null, 1", 1),
            ("insert into marts.point_daily select * from marts.point_daily where local_date = date '2025-12-05' and point_id = 'P7'", 101),
            ("update marts.point_daily set tags = [null, 'a'] where local_date = date '2025-12-05' and point_id = 'P7'", 100),
            ("update marts.efficiency_monthly set value = null where month_start_date = date '2025-03-01'", 10),
            ("update reference.factor set value = 0.7", 2),  # the table and the view on it
        ],
    )
    def test_only_what_changed_is_written(self, house: House, change: str, rows: int) -> None:
        house.night()
        house.con.execute(change)
        published = house.night()
        assert (published.written, published.rows_written - NEW_IN_AUDIT) == ("incremental", rows)
        equal_to_warehouse(house)
        house.con.execute("delete from marts.point_daily where local_date is null")
        house.night()
        equal_to_warehouse(house)

    def test_rows_that_trade_places_between_columns_are_a_change(self, house: House) -> None:
        """A checksum of sums would not see it; hashes of whole rows do."""
        house.night()
        house.con.execute("update marts.efficiency_monthly set value = 119 - value where month_start_date = date '2025-01-01'")
        assert house.night().rows_written == NEW_IN_AUDIT + 10
        equal_to_warehouse(house)

    def test_tables_come_go_and_change_their_columns(self, house: House) -> None:
        house.night()
        house.con.execute(
            "create table marts.new_one (park_id varchar not null, local_date date); insert into marts.new_one values ('P', date '2026-01-01')"
        )
        house.con.execute("drop view reference.latest_factor; drop table reference.factor")
        house.con.execute("alter table marts.efficiency_monthly add column unit varchar default 'kg'")
        house.con.execute("alter table marts.point_daily rename column value_mean to value_average")
        published = house.night()
        assert published.written == "incremental"
        left = tuple(table for table in TABLES if "factor" not in table)
        equal_to_warehouse(house, (*left, "marts.new_one"))
        assert read(
            house.file, "select count(*) from duckdb_tables() where schema_name = 'reference' and table_name <> 'data_dictionary'"
        ) == [(0,)]
        assert read(house.file, "select count(value_average) from marts.point_daily") == [(4000,)]

    def test_comments_follow(self, house: House, tmp_path: Path) -> None:
        house.night()
        house.night(manifest=manifest_in(tmp_path, "public"))
        ((comment,),) = read(
            house.file, "select comment from duckdb_columns() where table_name = 'point_daily' and column_name = 'park_id'"
        )
        assert comment == "Park, says dbt. (audience: public)"

    def test_a_long_series_of_nights_equals_the_warehouse(self, house: House) -> None:
        """Whatever changes, in whatever order: the file carried over from night to night equals one written anew."""
        dice = random.Random(7)
        house.night()
        for _ in range(15):
            for _ in range(dice.randint(0, 4)):
                day = dice.choice([*DAYS, date(2026, 3, 1) + timedelta(days=dice.randint(0, 50))])
                match dice.randint(0, 4):
                    case 0:
                        house.con.execute("delete from marts.point_daily where local_date = ?", [day])
                    case 1:
                        house.con.execute(
                            "insert into marts.point_daily select 'P', 'X' || i, ?, random(), null, 1 from range(?) r(i)",
                            [day, dice.randint(1, 300)],
                        )
                    case 2:
                        house.con.execute(
                            "update marts.point_daily set value_mean = random() where local_date = ? and point_id < 'P5'", [day]
                        )
                    case 3:
                        house.con.execute(
                            "update marts.efficiency_monthly set value = random() where enterprise_id = ?", [f"E{dice.randint(0, 119)}"]
                        )
                    case _:
                        house.con.execute(
                            "update marts.point_daily set local_date = ? where local_date = ?",
                            [None if dice.random() < 0.3 else day, dice.choice(DAYS)],
                        )
            assert house.night().written == "incremental"
            equal_to_warehouse(house)

    def test_another_oldest_reader_writes_everything_anew(self, tmp_path: Path) -> None:
        for storage_version in ("v1.4.0", "v1.2.0", "v1.3.0"):
            with House.at(tmp_path, storage_version=storage_version) as house:
                published = house.night()
                assert published.written == "full"
                assert read(house.file, "select storage_version from audit.publication") == [(storage_version,)]
                equal_to_warehouse(house)
        assert "storage_version was v1.2.0 and is v1.3.0" in published.anew_because

    def test_a_file_full_of_holes_is_written_anew(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(snapshot, "_SLACK_BYTES", 0)
        monkeypatch.setattr(snapshot, "_REWRITE_ABOVE", 1.05)
        house.night()
        reasons = []
        for number in range(12):
            house.con.execute("update marts.point_daily set value_mean = random() where local_date < ?", [DAYS[12 + number % 6]])
            reasons.append(house.night().anew_because)
            equal_to_warehouse(house)
        assert any(reason and "holes" in reason for reason in reasons)
        assert None in reasons

    def test_a_file_that_is_none_of_ours_is_replaced(self, house: House) -> None:
        house.settings.published.mkdir(parents=True)
        con = duckdb.connect(str(house.file))
        con.execute("create table t as select 1 as a")
        con.close()
        published = house.night()
        assert (published.written, "audit.publication" in published.anew_because) == ("full", True)
        equal_to_warehouse(house)


class TestDamage:
    def test_a_damaged_file_is_no_base(self, house: House) -> None:
        house.night()
        damage(house.file)
        published = house.night()
        assert published.written == "full"
        assert published.anew_because
        equal_to_warehouse(house)

    @pytest.mark.parametrize("nights_before", [0, 1])
    def test_what_was_damaged_on_its_way_to_the_disk_is_refused(
        self, house: House, monkeypatch: pytest.MonkeyPatch, nights_before: int
    ) -> None:
        for _ in range(nights_before):
            house.night()
        before = house.file.read_bytes() if nights_before else None
        synced = snapshot._sync
        monkeypatch.setattr(snapshot, "_sync", lambda path: (synced(path), damage(path) if path.is_file() else None))
        build_id = house.open()
        with pytest.raises((PublishError, duckdb.Error)):
            house.publish(build_id)
        assert (house.file.read_bytes() if house.file.exists() else None) == before
        assert house.leftovers() == []

    def test_rows_that_got_lost_are_refused_by_name(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        published = house.night()
        write = snapshot._make_table

        def lossy(con: duckdb.DuckDBPyConnection, task: object, table: object) -> int:
            rows = write(con, task, table)
            if table.name == "point_daily":
                con.execute(f"delete from {snapshot._FILE}.marts.point_daily where local_date = date '2025-12-09' and point_id = 'P3'")
            return rows

        monkeypatch.setattr(snapshot, "_make_table", lossy)
        house.file.unlink()
        with pytest.raises(PublishError, match=r"differs from the warehouse in marts.point_daily \(2025-12-09\): 99 rows for 100"):
            house.publish(house.open())
        assert not house.file.exists()
        assert published.dated_copy.exists()

    def test_a_value_that_changed_is_refused(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        write = snapshot._make_table

        def careless(con: duckdb.DuckDBPyConnection, task: object, table: object) -> int:
            rows = write(con, task, table)
            if table.name == "efficiency_monthly":
                con.execute(f"update {snapshot._FILE}.marts.efficiency_monthly set value = value + 1e-12 where enterprise_id = 'E50'")
            return rows

        monkeypatch.setattr(snapshot, "_make_table", careless)
        with pytest.raises(PublishError, match=r"marts.efficiency_monthly \(2025-03-01\): 10 rows for 10, or other values"):
            house.publish(house.open())

    def test_a_change_that_was_overlooked_is_found(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """Were a changed partition ever not replaced, the file would be written anew rather than published wrong."""
        house.night()
        house.con.execute("update marts.point_daily set value_mean = 5 where local_date = date '2025-12-09'")
        monkeypatch.setattr(snapshot, "_replace_changed", lambda con, task: 0)
        published = house.night()
        assert published.written == "full"
        assert "differs from the warehouse" in published.anew_because
        equal_to_warehouse(house)


class TestReadersAndKills:
    def test_a_reader_that_holds_the_old_file_keeps_working(self, house: House) -> None:
        house.night()
        script = (
            "import duckdb, sys\n"
            "con = duckdb.connect(sys.argv[1], read_only=True)\n"
            "ask = lambda: print(con.execute('select sum(value_mean), count(*) from marts.point_daily').fetchone(), flush=True)\n"
            "ask()\n"
            "for _ in sys.stdin: ask()\n"
        )
        reader = subprocess.Popen([sys.executable, "-c", script, str(house.file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            before = reader.stdout.readline()
            house.con.execute("update marts.point_daily set value_mean = 0")
            for _ in range(3):
                house.night()
            reader.stdin.write("again\n")
            reader.stdin.flush()
            assert reader.stdout.readline() == before
            assert read(house.file, "select sum(value_mean) from marts.point_daily") == [(0.0,)]
        finally:
            reader.stdin.close()
            assert reader.wait(timeout=30) == 0

    @pytest.mark.parametrize("function", ["_verify", "_swap", "_prune"])
    def test_killed(self, tmp_path: Path, function: str) -> None:
        """SIGKILL before the swap leaves the old file, after it the new one; the next night sweeps and publishes."""
        with House.at(tmp_path) as house:
            first = house.night().build_id
            house.con.execute("update marts.point_daily set value_mean = 7")
        script = (
            "import sys, time\n"
            "from pathlib import Path\n"
            "from pipelines.publish import snapshot\n"
            "from tests.publish.house import House\n"
            "def wait(*_, **__):\n"
            "    print('here', flush=True)\n"
            "    time.sleep(600)\n"
            f"snapshot.{function} = wait\n"
            "with House.at(Path(sys.argv[1])) as house:\n"
            "    house.night()\n"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        try:
            assert child.stdout.readline() == "here\n"
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait(timeout=30)
        with House.at(tmp_path) as house:
            killed = house.con.execute("select build_id from audit.builds where status = 'running'").fetchone()[0]
            swapped = function == "_prune"
            assert read(house.file, "select build_id from audit.publication") == [(killed if swapped else first,)]
            assert published_build(house.con, house.settings)[0] == (killed if swapped else first)
            assert bool(house.leftovers()) is not swapped
            house.close(killed, BuildStatus.ABORTED)
            house.night()
            assert house.leftovers() == []
            equal_to_warehouse(house)

    def test_sweeping_touches_only_what_was_in_the_making(self, house: House) -> None:
        house.night()
        leftover = house.settings.published / ".park_audit.writing.20200101T000000.duckdb"
        leftover.write_bytes(b"half")
        leftover.with_name(leftover.name + ".wal").write_bytes(b"half")
        bystander = house.settings.published / "notes.txt"
        bystander.write_text("mine", encoding="utf-8")
        assert [path.name for path in sweep(house.settings)] == [leftover.name, leftover.name + ".wal"]
        assert house.file.exists()
        assert bystander.exists()

    def test_dated_copies_are_kept_and_pruned(self, tmp_path: Path) -> None:
        with House.at(tmp_path, keep_published=3) as house:
            builds = [house.night().build_id for _ in range(5)]
            names = [f"park_audit_{build_id}.duckdb" for build_id in builds]
            assert sorted(path.name for path in house.settings.published.glob("park_audit_*.duckdb")) == names[-3:]
            assert (house.settings.published / names[-1]).samefile(house.file)
            for build_id in builds[-3:]:
                copy = house.settings.published / f"park_audit_{build_id}.duckdb"
                assert read(copy, "select build_id from audit.publication") == [(build_id,)]

    def test_the_file_is_not_writable(self, house: House) -> None:
        """A dated copy shares its bytes: who wrote to one would write to both."""
        published = house.night()
        assert oct(published.file.stat().st_mode & 0o777) == oct(published.dated_copy.stat().st_mode & 0o777) == "0o444"


class TestRedNight:
    def test_yesterdays_marts_with_todays_reasons(self, house: House) -> None:
        good = house.night().build_id
        marts = {table: published_contents(house.file, table) for table in TABLES if not table.startswith("audit.")}
        house.con.execute(
            "update marts.point_daily set value_mean = -1; drop view reference.latest_factor; create table marts.unready (a integer)"
        )
        published = house.red_night("gate B closed: 12 of 30")
        assert (published.written, published.data_build_id) == ("incremental", good)
        assert {table: published_contents(house.file, table) for table in marts} == marts
        assert read(house.file, "select count(*) from duckdb_tables() where table_name = 'unready'") == [(0,)]
        builds = read(house.file, "select build_id, status, reason from audit.builds order by 1")
        assert builds == [(good, "published", None), (published.build_id, "not_published", "gate B closed: 12 of 30")]
        assert read(house.file, "select status from audit.gate_results where build_id = (select build_id from audit.publication)") == [
            ("fail",)
        ]
        assert published_build(house.con, house.settings) is None
        equal_to_warehouse(house, ("audit.gate_results", "audit.deliveries"))

    def test_and_the_next_green_night_brings_all_of_it(self, house: House) -> None:
        house.night()
        house.con.execute("update marts.point_daily set value_mean = -1 where local_date = date '2025-12-03'")
        house.red_night()
        house.red_night()
        published = house.night()
        assert published.written == "incremental"
        equal_to_warehouse(house)
        statuses = [status for (status,) in read(house.file, "select status from audit.builds order by build_id")]
        assert statuses == ["published", "not_published", "not_published", "published"]

    def test_descriptions_and_audiences_are_carried_over(self, house: House, tmp_path: Path) -> None:
        house.night(manifest=manifest_in(tmp_path))
        before = read(house.file, "select * from reference.data_dictionary where schema_name = 'marts' order by all")
        house.red_night()
        assert read(house.file, "select * from reference.data_dictionary where schema_name = 'marts' order by all") == before

    def test_before_the_first_green_one(self, house: House) -> None:
        published = house.red_night()
        assert (published.data_build_id, published.written) == (None, "full")
        assert {
            schema
            for (schema,) in read(house.file, "select distinct schema_name from duckdb_tables() where table_name <> 'data_dictionary'")
        } == {"audit"}

    def test_a_damaged_file_gives_way_to_the_newest_whole_copy(self, house: House) -> None:
        first = house.night()
        house.con.execute("update marts.point_daily set value_mean = 2")
        second = house.night()
        damage(second.file)  # and with it the dated copy that shares its bytes
        published = house.red_night()
        assert published.data_build_id == first.build_id
        assert len(published.warnings) >= 2
        assert "could not be carried over" in published.warnings[0]
        assert read(house.file, "select max(value_mean) from marts.point_daily")[0][0] > 2

    def test_when_nothing_is_whole_audit_still_comes_out(self, house: House) -> None:
        damage(house.night().file, 0.0)
        published = house.red_night("all of it")
        assert published.data_build_id is None
        assert read(house.file, "select reason from audit.builds where status = 'not_published'") == [("all of it",)]

    def test_after_a_new_version_of_duckdb(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """Checksums of another version say nothing; the rows themselves are then copied from the file before."""
        good = house.night().build_id
        house.con.execute("update marts.point_daily set value_mean = -1")
        monkeypatch.setattr(snapshot.duckdb, "__version__", "9.9.9")
        published = house.red_night()
        assert (published.written, published.data_build_id) == ("full", good)
        assert read(house.file, "select count(*) from marts.point_daily where value_mean = -1") == [(0,)]


def test_publishing_leaves_the_warehouse_as_it_was(house: House) -> None:
    before = {table: contents(house.con, table) for table in TABLES}
    build_id = house.open()
    with_build = {table: contents(house.con, table) for table in TABLES}
    house.publish(build_id)
    assert {table: contents(house.con, table) for table in TABLES} == with_build
    assert before["marts.point_daily"] == with_build["marts.point_daily"]
    assert [name for (name,) in house.con.execute("select database_name from duckdb_databases() where not internal").fetchall()] == [
        "warehouse"
    ]
    assert house.con.execute("select count(*) from duckdb_tables() where temporary").fetchone() == (0,)


def test_what_is_public_is_cut_by_what_changes_together(house: House) -> None:
    cut = {f"{table.schema}.{table.name}": table.partition_column for table in public_tables(house.con)}
    assert cut["marts.point_daily"] == "local_date"
    assert cut["marts.efficiency_monthly"] == "month_start_date"
    assert cut["audit.deliveries"] == cut["audit.gate_results"] == "build_id"
    assert cut["audit.quarantine"] == "delivery_id"
    assert cut["reference.factor"] is None


@pytest.mark.slow
def test_a_day_more_costs_that_day(tmp_path: Path) -> None:
    """5 million rows of three years: carrying over must be several times cheaper than writing anew."""
    with House.at(tmp_path) as house:
        house.con.execute("delete from marts.point_daily")
        house.con.execute(
            "insert into marts.point_daily select 'P', 'P' || (i % 4500), date '2023-01-01' + (i // 4500)::int, random(), ['a'], 0.5 from range(5000000) r(i)"
        )
        first = house.night()
        house.con.execute("insert into marts.point_daily select 'P', 'P' || i, date '2026-06-01', random(), null, 1 from range(4500) r(i)")
        started = time.perf_counter()
        second = house.night()
        took = time.perf_counter() - started
        assert (second.written, second.rows_written) == ("incremental", 4500 + NEW_IN_AUDIT)
        assert took < first.seconds / 2
        equal_to_warehouse(house, ("marts.efficiency_monthly",))
        query = "select count(*), sum(hash(point_id, local_date, value_mean)) from marts.point_daily"
        assert read(house.file, query) == house.con.execute(query).fetchall()
