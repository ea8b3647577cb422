"""The script somebody would write by hand: DuckDB reads the same files and computes the same three marts.

`python -m pipelines.bench.by_hand RAW OUT` writes `point_hourly`, `point_daily` and `enterprise_emission_daily`
to OUT. It keeps no lake, no landing, no history, no quarantine, no gate and no evidence: it is the floor the pipeline's
cost per reading is measured against, so it must stay as fast as DuckDB allows.
"""

import sys
from pathlib import Path

import duckdb

from pipelines.bench.data import CHANNELS, FEED

_CODES = {column: (parameter, statistic, unit) for column, parameter, statistic, unit, _, _ in CHANNELS}
_MEANINGS = ", ".join(f"('{column}', '{parameter}', '{statistic}', '{unit}')" for column, (parameter, statistic, unit) in _CODES.items())
_COLUMNS = {"point": "VARCHAR", "time": "TIMESTAMP", "flag": "VARCHAR"} | dict.fromkeys(_CODES, "DOUBLE")

# The identifiers are this module's own constants.
SCRIPT = f"""
create table meaning as select * from (values {_MEANINGS}) as t(name, parameter_code, statistic, unit);

create table readings as
with wide as (
    select point as point_id, flag, cast(timezone('Asia/Shanghai', time) as timestamp) as period_start_utc, cast(time as date) as local_date,
           columns(* exclude (point, time, flag))
    from read_csv($files, header = true, columns = {_COLUMNS!r})
)
unpivot wide on columns(* exclude (point_id, flag, period_start_utc, local_date)) into name name value value;

create table point_hourly as
select
    'BENCH' as park_id, point_id, any_value(parameter_code) as parameter_code, any_value(statistic) as statistic, 'automatic' as source_kind,
    date_trunc('hour', period_start_utc) as hour_start_utc, min(local_date) as local_date,
    avg(value) filter (where flag = 'N') as value_mean, min(value) filter (where flag = 'N') as value_min,
    max(value) filter (where flag = 'N') as value_max,
    sum(value) filter (where any_statistic = 'cou' and flag = 'N') as value_sum, any_value(unit) as unit, count(*) as readings,
    count(*) filter (where flag = 'N' and value is not null) as valid_periods,
    count(value) / count(*) as measured_share, 1 - count(value) / count(*) as missing_share
from (select r.*, m.parameter_code, m.statistic, m.statistic as any_statistic, m.unit from readings as r join meaning as m using (name))
group by point_id, name, date_trunc('hour', period_start_utc);

create table point_daily as
select
    park_id, point_id, parameter_code, statistic, source_kind, local_date,
    sum(value_mean * valid_periods) / sum(valid_periods) as value_mean, min(value_min) as value_min, max(value_max) as value_max,
    sum(value_sum) as value_sum, any_value(unit) as unit, sum(readings) as readings, sum(valid_periods) as valid_periods,
    sum(measured_share * readings) / sum(readings) as measured_share, sum(missing_share * readings) / sum(readings) as missing_share
from point_hourly
group by all;

create table enterprise_emission_daily as
with pollutant as (
    from point_hourly where parameter_code in ('a21026', 'a21002', 'a34013')
), flow as (
    from point_hourly where parameter_code = 'a00000'
)
select
    'BENCH' as park_id, 'E' || point_id[2:] as enterprise_id, 'O' || point_id[2:] as outlet_id, pollutant.parameter_code as pollutant_code,
    pollutant.local_date, sum(pollutant.value_mean * flow.value_mean * 1e-6) as mass_kg, sum(flow.value_mean) as flow_m3,
    sum(pollutant.value_mean * flow.value_mean) / sum(flow.value_mean) as concentration_mean,
    count(*) filter (where pollutant.value_mean is not null and flow.value_mean is not null) as valid_hours
from pollutant join flow using (point_id, hour_start_utc)
group by all;

drop table readings;
"""  # noqa: S608


def run(raw: Path, out: Path, memory_limit: str = "2GB", threads: int = 2) -> None:
    out.unlink(missing_ok=True)
    with duckdb.connect(str(out), config={"memory_limit": memory_limit, "threads": threads}) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute("set preserve_insertion_order = false")
        con.execute("set variable files = ?", [str(raw / FEED / "*.csv")])
        con.execute(SCRIPT.replace("$files", "getvariable('files')"))


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
