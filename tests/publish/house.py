"""A warehouse with something to publish: two marts, a reference table, scores, and builds that gate B let through."""

import atexit
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from pipelines.contracts.states import BuildStatus, GateStatus
from pipelines.publish.snapshot import Published, publish, publish_audit_only
from pipelines.settings import Settings
from pipelines.warehouse.builds import close_build, open_build
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.tables import GATE_RESULTS

NIGHT = datetime.fromisoformat("2026-01-19T18:10")
LAID_OUT = """
create schema if not exists marts; create schema if not exists reference; create schema if not exists assessment;
create table marts.point_daily (park_id varchar not null, point_id varchar not null, local_date date, value_mean double, tags varchar[],
    share double check (share <= 1));
create table marts.efficiency_monthly (park_id varchar not null, enterprise_id varchar, month_start_date date, value double);
create table reference.factor (park_id varchar not null, factor_id varchar, value double, valid_from date);
create table assessment.enterprise_grade (park_id varchar not null, enterprise_id varchar, grade varchar, build_id varchar not null);
create table marts.point_daily__dbt_tmp (a integer);
create table landing.secret (a integer);
create view reference.latest_factor as select * from reference.factor;
comment on table marts.point_daily is 'One row per point and day.';
comment on column marts.point_daily.value_mean is 'Mean of the day''s valid values.';
insert into reference.factor values ('P', 'coal', 0.7143, date '2020-01-01');
"""
TABLES = (
    "assessment.enterprise_grade", "audit.builds", "audit.deliveries", "audit.gate_results", "audit.quarantine", "audit.revisions",
    "audit.step_outcomes", "audit.substitutions",
    "marts.efficiency_monthly", "marts.point_daily", "reference.factor", "reference.latest_factor",
)  # fmt: skip


@cache
def template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="park-audit-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = settings_in(folder)
    with open_warehouse(settings) as con:
        con.execute(LAID_OUT)
        con.executemany(
            "insert into marts.point_daily select 'P', 'P' || i, ?, i * 0.1, ['a', null], 0.5 from range(100) r(i)", [[day] for day in DAYS]
        )
        con.execute(
            "insert into marts.efficiency_monthly select 'P', 'E' || i, date '2025-01-01' + to_months((i % 12)::int), i from range(120) r(i)"
        )
    return settings.warehouse


DAYS = [date(2025, 12, 1) + timedelta(days=number) for number in range(40)]


def settings_in(folder: Path, **more: Any) -> Settings:
    feeds = folder / "feeds"
    feeds.mkdir(parents=True, exist_ok=True)
    (feeds / "_park.yaml").write_text("park_id: P\nzone: Asia/Shanghai\n", encoding="utf-8")
    return Settings(home=folder / "home", feeds_dir=feeds, threads=2, **more)


@dataclass
class House:
    con: duckdb.DuckDBPyConnection
    settings: Settings
    nights: int = 0

    @classmethod
    @contextmanager
    def at(cls, folder: Path, **more: Any) -> Iterator["House"]:
        settings = settings_in(folder, **more)
        if not settings.warehouse.exists():
            settings.warehouse.parent.mkdir(parents=True)
            shutil.copyfile(template(), settings.warehouse)
        with open_warehouse(settings) as con:
            yield cls(con, settings, con.execute("select count(*) from audit.builds").fetchone()[0])

    def open(self, *verdicts: GateStatus) -> str:
        now = NIGHT + timedelta(days=self.nights)
        self.nights += 1
        build_id = open_build(self.con, park_id="P", door="cli", code_version="test", standards_hash="test", now=now)
        for status in verdicts or (GateStatus.PASS,):
            row = dict.fromkeys(column.name for column in GATE_RESULTS.columns) | {
                "park_id": "P", "build_id": build_id, "gate": "b", "suite": "marts", "subject": "marts.point_daily", "expectation": "expect_something",
                "severity": "critical", "status": status.value, "observed": "12 of 30", "why": "because", "rule_id": "r", "scope": "everything",
            }  # fmt: skip
            self.con.execute(f"insert into {GATE_RESULTS.qualified} values ({', '.join('?' for _ in row)})", list(row.values()))
        return build_id

    def close(self, build_id: str, status: BuildStatus = BuildStatus.PUBLISHED) -> None:
        close_build(self.con, build_id, status, now=NIGHT + timedelta(days=self.nights))

    def publish(self, build_id: str, **more: Any) -> Published:
        return publish(self.con, self.settings, build_id, now=NIGHT + timedelta(days=self.nights), **more)

    def night(self, **more: Any) -> Published:
        """A night in which all goes well."""
        build_id = self.open()
        published = self.publish(build_id, **more)
        self.close(build_id)
        return published

    def red_night(self, reason: str = "gate B closed") -> Published:
        build_id = self.open(GateStatus.FAIL)
        published = publish_audit_only(self.con, self.settings, build_id, now=NIGHT + timedelta(days=self.nights), reason=reason)
        self.close(build_id, BuildStatus.NOT_PUBLISHED)
        return published

    @property
    def file(self) -> Path:
        return self.settings.published_file

    def leftovers(self) -> list[str]:
        return sorted(path.name for path in self.settings.published.glob(".*"))


def read(path: Path, query: str) -> list[tuple]:
    """What an analyst sees: the published file alone, opened read-only by a connection of its own."""
    con = duckdb.connect(str(path), read_only=True)
    try:
        return con.execute(query).fetchall()
    finally:
        con.close()


def contents(con: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return sorted(map(repr, con.execute(f"select * from {table}").fetchall()))


def published_contents(path: Path, table: str) -> list[str]:
    return sorted(map(repr, read(path, f"select * from {table}")))


def damage(path: Path, share: float = 0.5) -> None:
    """Spoil the file from some place on, as a bad disk would. Densely: the ends of a small file's blocks are empty, and harmless."""
    path.chmod(0o644)
    whole = bytearray(path.read_bytes())
    first = int(len(whole) * share)
    whole[first::512] = bytes(byte ^ 0xFF for byte in whole[first::512])
    with path.open("r+b") as file:  # in place: whoever shares the bytes shares the damage
        file.write(whole)


def manifest_in(folder: Path, audience: str | None = "park") -> Path:
    """dbt's manifest as far as publishing reads it; the second column has its audience at the older place."""
    column = {
        "name": "park_id",
        "description": "Park, says dbt.",
        "config": {"meta": {"audience": audience} if audience else {}},
        "meta": {},
    }
    older = {"name": "point_id", "description": "Point.", "config": {}, "meta": {"audience": "enterprise"}}
    model = {
        "resource_type": "model", "schema": "marts", "name": "point_daily", "alias": "point_daily", "description": "One row per point and day, says dbt.",
        "columns": {each["name"]: each for each in (column, older)},
    }  # fmt: skip
    private = model | {"schema": "staging", "alias": "stg_points"}
    test = {"resource_type": "test", "schema": "marts", "name": "not_null_point_daily", "columns": {}}
    path = folder / "manifest.json"
    path.write_text(json.dumps({"nodes": {"model.a": model, "model.b": private, "test.c": test}}), encoding="utf-8")
    return path
