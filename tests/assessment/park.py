"""A warehouse with what the assessment reads, filled row by row: registers, surveys, efficiency and production marts."""

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import duckdb
import polars as pl

from pipelines.assessment.assembly import Assessment, assess_park
from pipelines.assessment.enterprise_index import ENTERPRISE_INDEX
from pipelines.assessment.method import Method
from pipelines.contracts.standards import Standards
from pipelines.contracts.states import BuildStatus, GateStatus
from pipelines.settings import Settings
from pipelines.warehouse.builds import close_build, open_build
from pipelines.warehouse.connection import open_warehouse
from pipelines.warehouse.tables import GATE_RESULTS

SINCE = date(2015, 1, 1)
NIGHT = datetime.fromisoformat("2026-01-19T18:10")  # naive UTC: 02:10 of the 20th in Shanghai
READ = """
create schema if not exists staging; create schema if not exists marts;
create table staging.stg_enterprises (park_id varchar, enterprise_id varchar, index_system_id varchar, valid_from date, valid_to date);
create table staging.stg_products (park_id varchar, enterprise_id varchar, product_code varchar, product_kind varchar, valid_from date, valid_to date);
create table staging.stg_survey_answers (park_id varchar, subject_kind varchar, subject_id varchar, checklist_id varchar, item_id varchar,
    answered_on date, surveyor_role varchar, answer varchar);
create table staging.stg_audit_rounds (park_id varchar, round_id varchar, enterprise_id varchar, period_start date, period_end date,
    valid_from date, valid_to date);
create table marts.enterprise_efficiency_monthly (park_id varchar, enterprise_id varchar, process_id varchar, product_code varchar,
    metric_code varchar, month_start_date date, value double, unit varchar, numerator double, denominator double, state varchar,
    measured_share double, completeness_share double, months integer);
create table marts.enterprise_efficiency_annual (park_id varchar, enterprise_id varchar, process_id varchar, product_code varchar,
    metric_code varchar, year_start_date date, value double, unit varchar, numerator double, denominator double, state varchar,
    measured_share double, completeness_share double, months integer);
create table marts.enterprise_production_monthly (park_id varchar, enterprise_id varchar, process_id varchar, product_code varchar,
    month_start_date date, quantity double, unit varchar);
create table marts.enterprise_production_annual (park_id varchar, enterprise_id varchar, process_id varchar, product_code varchar,
    year_start_date date, quantity double, unit varchar);
create table staging.stg_entity_relations (park_id varchar, entity_kind varchar, from_id varchar, to_id varchar, relation varchar,
    effective_date date);
"""


def settings_in(folder: Path) -> Settings:
    feeds = folder / "feeds"
    feeds.mkdir(parents=True)
    (feeds / "_park.yaml").write_text("park_id: P\nzone: Asia/Shanghai\n", encoding="utf-8")
    return Settings(home=folder / "home", feeds_dir=feeds, threads=2)


@cache
def template() -> Path:
    """An empty warehouse, laid out once: every test begins with a copy of it."""
    folder = Path(tempfile.mkdtemp(prefix="park-audit-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = settings_in(folder)
    with open_warehouse(settings) as con:
        con.execute(READ)
    return settings.warehouse


@dataclass
class Park:
    con: duckdb.DuckDBPyConnection
    settings: Settings
    standards: Standards
    nights: int = 0

    @classmethod
    @contextmanager
    def at(cls, folder: Path, standards: Standards) -> Iterator["Park"]:
        settings = settings_in(folder)
        settings.warehouse.parent.mkdir(parents=True)
        shutil.copyfile(template(), settings.warehouse)
        with open_warehouse(settings) as con:
            yield cls(con, settings, standards)

    # what is known

    def enterprise(
        self, enterprise_id: str, index_system_id: str | None = "ELECTROPLATING", valid_from: date = SINCE, valid_to: date | None = None
    ) -> None:
        self.con.execute(
            "insert into staging.stg_enterprises values ('P', ?, ?, ?, ?)", [enterprise_id, index_system_id, valid_from, valid_to]
        )

    def product(self, enterprise_id: str, product_code: str, product_kind: str | None) -> None:
        self.con.execute(
            "insert into staging.stg_products values ('P', ?, ?, ?, ?, null)", [enterprise_id, product_code, product_kind, SINCE]
        )

    def relation(self, from_id: str, to_id: str, relation: str, on: date) -> None:
        self.con.execute("insert into staging.stg_entity_relations values ('P', 'enterprise', ?, ?, ?, ?)", [from_id, to_id, relation, on])

    def round(self, round_id: str, enterprise_id: str, starts: date | None, ends: date | None, valid_from: date = SINCE) -> None:
        self.con.execute(
            "insert into staging.stg_audit_rounds values ('P', ?, ?, ?, ?, ?, null)", [round_id, enterprise_id, starts, ends, valid_from]
        )

    def answers(
        self, enterprise_id: str, given: dict[str, str], on: date = date(2024, 6, 1), role: str = "auditor", system: str = "ELECTROPLATING"
    ) -> None:
        self.con.execute(
            "insert into staging.stg_survey_answers select 'P', 'enterprise', ?, ?, unnest(?::varchar[]), ?, ?, unnest(?::varchar[])",
            [enterprise_id, system, list(given), on, role, list(given.values())],
        )

    def efficiency(self, enterprise_id: str, metric: str, months: list[date], numerator: list[float | None], denominator: list[float | None], *,
                   unit: str = "%", product: str = "ALL", process: str | None = None, state: str = "self_reported", share: float | None = 0.0,
                   annual: bool = True) -> None:  # fmt: skip
        """Monthly rows, and the years they make as the annual mart would: sums over months in which both sides are known."""
        sides = {"numerator": numerator, "denominator": denominator}
        rows = pl.DataFrame({"starts_on": months} | sides, schema_overrides=dict.fromkeys(sides, pl.Float64))
        both = pl.all_horizontal(pl.col("numerator", "denominator").is_not_null())
        monthly = rows.with_columns(state=pl.when(both).then(pl.lit(state)).otherwise(pl.lit("missing")), months=both.cast(pl.Int32))
        yearly = rows.filter(both).group_by(pl.col("starts_on").dt.truncate("1y"), maintain_order=True)
        yearly = yearly.agg(pl.col("numerator", "denominator").sum(), state=pl.lit(state).first(), months=pl.len().cast(pl.Int32))
        for grain, frame in (("monthly", monthly), ("annual", yearly if annual else yearly.clear())):
            lists = [frame[name].to_list() for name in ("starts_on", "numerator", "denominator", "state", "months")]
            self.con.execute(
                f"insert into marts.enterprise_efficiency_{grain} select 'P', ?, ?, ?, ?, starts_on, null, ?, numerator, denominator, state, ?, null, months "
                "from (select unnest(?::date[]) as starts_on, unnest(?::double[]) as numerator, unnest(?::double[]) as denominator, "
                "unnest(?::varchar[]) as state, unnest(?::integer[]) as months)",
                [enterprise_id, process, product, metric, unit, share, *lists],
            )

    def output(self, enterprise_id: str, product_code: str, months: list[date], quantity: float, unit: str = "m2") -> None:
        insert = "insert into marts.enterprise_production_{} select 'P', ?, null, ?, unnest(?::date[]), unnest(?::double[]), ?"
        years = sorted({date(month.year, 1, 1) for month in months})
        of_years = [quantity * sum(month.year == year.year for month in months) for year in years]
        self.con.execute(insert.format("monthly"), [enterprise_id, product_code, months, [quantity] * len(months), unit])
        self.con.execute(insert.format("annual"), [enterprise_id, product_code, years, of_years, unit])

    # nights

    def open(self, *verdicts: GateStatus) -> str:
        """A build, with what gate B said of it."""
        now = NIGHT + timedelta(days=self.nights)
        self.nights += 1
        build_id = open_build(self.con, park_id="P", door="cli", code_version="test", standards_hash="test", now=now)
        for status in verdicts or (GateStatus.PASS,):
            row = dict.fromkeys(column.name for column in GATE_RESULTS.columns) | {
                "park_id": "P", "build_id": build_id, "gate": "b", "suite": "marts", "subject": "marts.enterprise_consumption_monthly",
                "expectation": "expect_something", "severity": "critical", "status": status.value, "observed": "12 of 30", "why": "because",
                "rule_id": "r", "scope": "everything",
            }  # fmt: skip
            self.con.execute(f"insert into {GATE_RESULTS.qualified} values ({', '.join('?' for _ in row)})", list(row.values()))
        return build_id

    def close(self, build_id: str, status: BuildStatus = BuildStatus.PUBLISHED) -> None:
        close_build(self.con, build_id, status, now=datetime.now(UTC).replace(tzinfo=None))

    def assess(self, build_id: str, *more: Method) -> Assessment:
        """Grades, and the methods behind them that are asked for; what the last of them did."""
        return assess_park(self.con, self.settings, self.standards, build_id, [ENTERPRISE_INDEX, *more])[-1]

    def night(self, *more: Method) -> tuple[str, Assessment]:
        """A night in which all goes well."""
        build_id = self.open()
        summary = self.assess(build_id, *more)
        self.close(build_id)
        return build_id, summary

    # what came out

    def rows(self, table: str, where: str = "true") -> list[dict]:
        return pl.DataFrame(self.con.sql(f"select * from assessment.{table} where {where}")).to_dicts()

    def grade(self, enterprise_id: str, period_type: str = "rolling_12m") -> dict:
        (row,) = self.rows("enterprise_grade", f"enterprise_id = '{enterprise_id}' and period_type = '{period_type}'")
        return row

    def indicator(self, enterprise_id: str, indicator_id: str, period_type: str = "rolling_12m") -> dict:
        where = f"enterprise_id = '{enterprise_id}' and indicator_id = '{indicator_id}' and period_type = '{period_type}'"
        (row,) = self.rows("enterprise_indicator", where)
        return row


def months(first: date, count: int) -> list[date]:
    start = first.year * 12 + first.month - 1
    return [date((start + number) // 12, (start + number) % 12 + 1, 1) for number in range(count)]
