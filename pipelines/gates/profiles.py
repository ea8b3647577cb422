"""The two tables that gate A judges: what every pending delivery looks like, in figures.

Computed by DuckDB from the lake's Parquet in one pass per record type, however many deliveries wait, so
that rules look at one row per delivery (`gate_delivery_profile`) or per delivery and channel
(`gate_channel_profile`) instead of at twenty million readings. Figures only: which of them is too much
stands in the suite files, and a delivery whose figures cannot be computed is named, never left out.
"""
# ruff: noqa: S608 - table and column names come from our own declarations; values are bound parameters

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from pipelines.contracts.feed import FeedContract
from pipelines.contracts.records import NUMBER, RECORD_TYPES, LoadMode, RecordType
from pipelines.contracts.states import Flag, Statistic
from pipelines.gates.device_profiles import HJ212, LogDelivery, profile_devices

DELIVERY_PROFILE = "gate_delivery_profile"
CHANNEL_PROFILE = "gate_channel_profile"

_USABLE_FLAGS = ", ".join(f"'{flag.value}'" for flag in (Flag.NORMAL, Flag.MANUAL))
_TOTALS = ", ".join(f"'{statistic.value}'" for statistic in Statistic if statistic.is_total)
CONSTANT_DAY_NEEDS = 12
"""Readings a channel needs in a day before a day of equal values says anything."""
USUAL_DAYS = 35
PEERS_NEEDED = 4

_INPUT_DDL = """
create or replace temp table gate_input (
    delivery_id varchar, source_file varchar, load_mode varchar,
    max_quarantined_share double, rows_per_day double, at_least double
)
"""

# Grouped by day first: that spares distinct counts of dates, and a day whose smallest value equals its
# largest is a stuck day without a histogram, which would cost four times as much as all the rest.
_READING_DAYS = f"""
create or replace temp table gate_reading_days as
with rows as (
    select
        filename as source_file, point_id, parameter_code, statistic, source_kind, local_date, unit, value, period_end_utc,
        coalesce(flag not in ({_USABLE_FLAGS}), false) as is_flagged
    from read_parquet(?, filename = true, union_by_name = true)
)
select
    source_file, point_id, parameter_code, statistic, source_kind, local_date,
    any_value(unit) as unit,
    count(*) as row_count,
    count(value) as value_count,
    count(*) filter (not isfinite(value)) as nonfinite_values,
    count(*) filter (is_flagged) as flagged_rows,
    count(value) filter (not is_flagged) as usable_values,
    min(value) filter (not is_flagged) as value_min,
    max(value) filter (not is_flagged) as value_max,
    sum(value) filter (not is_flagged) as value_sum,
    max(period_end_utc) as last_end_utc,
from rows
group by all
"""

# A register runs forwards; the one step back of a rollover or an exchange is the register's own business.
_REGISTER_STEPS = f"""
create or replace temp table gate_register_steps as
with steps as (
    select
        filename as source_file, point_id, parameter_code, source_kind,
        value - lag(value) over (
            partition by filename, point_id, parameter_code, source_kind order by period_start_utc
        ) as step,
    from read_parquet(?, filename = true, union_by_name = true)
    where statistic = '{Statistic.REGISTER.value}' and value is not null
)
select
    source_file, point_id, parameter_code, source_kind,
    count(step) as register_steps,
    count(*) filter (step < 0) as register_steps_back,
from steps
group by all
"""

_CHANNELS = f"""
create or replace temp table {CHANNEL_PROFILE} as
with channels as (
    select
        i.delivery_id, d.point_id, d.parameter_code, d.statistic, d.source_kind,
        any_value(i.rows_per_day) as rows_per_day,
        any_value(i.at_least) as at_least,
        any_value(d.unit) as unit,
        sum(d.row_count)::bigint as row_count,
        sum(d.value_count)::bigint as value_count,
        sum(d.nonfinite_values)::bigint as nonfinite_values,
        sum(d.flagged_rows)::bigint as flagged_rows,
        sum(d.flagged_rows) / sum(d.row_count) as flagged_share,
        count(*) as days,
        sum(d.row_count) / count(*) as steps_per_day,
        min(d.value_min) as value_min,
        max(d.value_max) as value_max,
        sum(d.value_sum) / nullif(sum(d.usable_values), 0) as value_mean,
        -- of totals, equal hours mean a coarse meter or a steady load
        count(*) filter (d.usable_values >= {CONSTANT_DAY_NEEDS} and d.statistic not in ({_TOTALS})) as comparable_days,
        count(*) filter (
            d.usable_values >= {CONSTANT_DAY_NEEDS} and d.statistic not in ({_TOTALS}) and d.value_min = d.value_max and d.value_min <> 0
        ) as constant_days,
        min(d.local_date) as first_date,
        max(d.local_date) as last_date,
        max(d.last_end_utc) as last_end_utc,
    from gate_reading_days as d
    join gate_input as i using (source_file)
    group by all
), ranges as (
    select
        i.delivery_id, d.point_id, d.parameter_code, d.statistic, d.source_kind,
        min(r.range_min) as range_min,
        max(r.range_max) as range_max,
        count(*) filter (d.usable_values > 0) as days_with_range,
        -- one spike does not make a day of it, a wrong unit does
        count(*) filter (d.value_min > r.range_max or d.value_max < r.range_min) as days_out_of_range,
        count(*) filter (d.value_max > r.range_max) as days_above_range,
        count(*) filter (d.value_min < r.range_min) as days_below_range,
    from gate_reading_days as d
    join gate_input as i using (source_file)
    join landing.channel as r
        on r.point_id = d.point_id and r.parameter_code = d.parameter_code and r.known_to is null
        and d.local_date >= r.valid_from and d.local_date < coalesce(r.valid_to, date '9999-12-31')
    where d.statistic not in ({_TOTALS}) and (r.range_min is not null or r.range_max is not null)
    group by all
)
select
    c.*,
    c.constant_days / nullif(c.comparable_days, 0) as constant_day_share,
    r.range_min, r.range_max, r.days_out_of_range, r.days_above_range, r.days_below_range,
    r.days_out_of_range / nullif(r.days_with_range, 0) as out_of_range_share,
    s.register_steps, s.register_steps_back,
    s.register_steps_back / nullif(s.register_steps, 0) as register_back_share,
    null::double as usual_mean,
    null::double as usual_ratio,
    null::varchar as usual_of,
from channels as c
left join ranges as r using (delivery_id, point_id, parameter_code, statistic, source_kind)
left join gate_input as i using (delivery_id)
left join gate_register_steps as s
    on s.source_file = i.source_file and s.point_id = c.point_id and s.parameter_code = c.parameter_code
    and s.source_kind = c.source_kind and c.statistic = '{Statistic.REGISTER.value}'
"""

# A unit mistake is a factor of ten or more against what is usual: in the weeks just before, by the mart of the last build, …
_USUAL_BEFORE = f"""
update {CHANNEL_PROFILE} as c
set usual_mean = u.usual_mean, usual_of = 'the {USUAL_DAYS} days before'
from (
    select c.delivery_id, c.point_id, c.parameter_code, c.statistic, c.source_kind, avg(d.value_mean) as usual_mean
    from {CHANNEL_PROFILE} as c
    join marts.point_daily as d using (point_id, parameter_code, statistic, source_kind)
    where d.local_date >= c.first_date - {USUAL_DAYS} and d.local_date < c.first_date
      and d.local_date >= (select min(first_date) - {USUAL_DAYS} from {CHANNEL_PROFILE})
      and c.statistic <> '{Statistic.REGISTER.value}'
    group by all
) as u
where u.delivery_id = c.delivery_id and u.point_id = c.point_id and u.parameter_code = c.parameter_code
  and u.statistic = c.statistic and u.source_kind = c.source_kind
"""

# … and where there was nothing before, as on the first night, in the deliveries that wait together.
_USUAL_TOGETHER = f"""
update {CHANNEL_PROFILE} as c
set usual_mean = u.usual_mean, usual_of = 'the deliveries that wait together'
from (
    select point_id, parameter_code, statistic, source_kind, median(value_mean) as usual_mean
    from {CHANNEL_PROFILE}
    where statistic <> '{Statistic.REGISTER.value}'
    group by all
    having count(value_mean) >= {PEERS_NEEDED}
) as u
where c.usual_mean is null and u.point_id = c.point_id and u.parameter_code = c.parameter_code
  and u.statistic = c.statistic and u.source_kind = c.source_kind
"""

_READING_ROWS = f"""
select
    delivery_id,
    sum(row_count)::bigint as row_count,
    sum(row_count - value_count)::bigint as null_values,
    sum(nonfinite_values)::bigint as nonfinite_values,
    min(first_date) as first_date,
    max(last_date) as last_date,
    max(last_end_utc) as last_end_utc,
    sum(flagged_rows) / sum(row_count) as flagged_share,
    count(*) as channels,
    sum(row_count) / sum(days) as steps_per_channel_day,
from {CHANNEL_PROFILE}
group by delivery_id
"""

_PROFILE_COLUMNS_DDL = """
create or replace temp table gate_delivery_rows (
    delivery_id varchar, row_count bigint, null_values bigint, nonfinite_values bigint, first_date date, last_date date,
    last_end_utc timestamp, flagged_share double, channels bigint, steps_per_channel_day double
)
"""

_DELIVERIES = f"""
create or replace temp table {DELIVERY_PROFILE} as
with rows as (
    select
        d.delivery_id, d.feed_id, d.record, i.load_mode, d.received_at, d.rows_read,
        coalesce(r.row_count, 0) as rows_accepted,
        coalesce(d.rows_duplicate, 0) as rows_duplicate,
        d.rows_quarantined,
        -- rows that wait for a register were not refused: they load when somebody registers what they name
        d.rows_quarantined - coalesce(d.rows_unresolved, 0) as rows_refused,
        coalesce(d.rows_unresolved, 0) as rows_unresolved,
        i.max_quarantined_share, i.rows_per_day, i.at_least,
        r.* exclude (delivery_id, row_count),
        c.current_rows,
    from audit.deliveries as d
    join gate_input as i using (delivery_id)
    left join gate_delivery_rows as r using (delivery_id)
    left join gate_current_rows as c using (feed_id)
)
select
    *,
    rows_read - rows_accepted - rows_duplicate - rows_quarantined as rows_unaccounted,
    rows_refused / nullif(rows_read, 0) as refused_share,
    rows_unresolved / nullif(rows_read, 0) as unresolved_share,
    null_values / nullif(rows_accepted, 0) as null_share,
    greatest(current_rows - rows_accepted, 0) as rows_gone,
    greatest(current_rows - rows_accepted, 0) / nullif(current_rows, 0) as shrink_share,
    date_diff('hour', received_at, last_end_utc) as hours_ahead,
from rows
"""


@dataclass
class Profiles:
    """Which deliveries have figures, by record type, which come from devices, and why the others have none."""

    records: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    unjudgeable: dict[str, str] = field(default_factory=dict)


def build_profiles(
    cursor: duckdb.DuckDBPyConnection,
    deliveries: Iterable[str],
    accepted_path: Callable[[str], Path],
    contracts: Mapping[str, FeedContract],
) -> Profiles:
    """Make both profile tables on the cursor. One broken file costs its own deliveries, not the others."""
    found = Profiles()
    wanted = list(deliveries)
    known = cursor.execute(
        "select delivery_id, record, feed_id from audit.deliveries where delivery_id in (select unnest(?::varchar[]))", [wanted]
    ).fetchall()
    rows_of = {delivery_id: (record, feed_id) for delivery_id, record, feed_id in known}
    inputs: list[tuple] = []
    files: dict[str, set[str]] = {}
    for delivery_id in wanted:
        record, feed_id = rows_of.get(delivery_id, (None, None))
        contract = contracts.get(feed_id)
        if record is None:
            found.unjudgeable[delivery_id] = "audit.deliveries has no such delivery"
            continue
        if contract is None:
            found.unjudgeable[delivery_id] = f"feed {feed_id} has no readable contract any more, so nobody says what to expect of it"
            continue
        try:
            path = accepted_path(delivery_id)
            absent = None if path.is_file() else f"{path} is absent"
        except (LookupError, OSError, ValueError) as error:
            absent = f"{type(error).__name__}: {error}"
        if absent:
            found.unjudgeable[delivery_id] = f"its parse is not in the lake: {absent}"
            continue
        expects = contract.expects
        inputs.append((delivery_id, str(path), contract.mode.value, expects.max_quarantined_share, expects.rows_per_day, expects.at_least))
        files.setdefault(record, set()).add(str(path))
        found.records[delivery_id] = record
    _fill_inputs(cursor, inputs)
    cursor.execute(_PROFILE_COLUMNS_DDL)
    _profile_readings(cursor, [])  # the tables exist whether or not readings wait
    for record, paths in sorted(files.items()):
        for path, reason in _profile_record(cursor, RECORD_TYPES[record], sorted(paths)).items():
            for delivery_id in [row[0] for row in inputs if row[1] == path and found.records.get(row[0]) == record]:
                found.unjudgeable[delivery_id] = f"its parse in the lake is not readable ({path}): {reason}"
                del found.records[delivery_id]
    _profile_devices(cursor, found, rows_of, inputs, contracts)
    _count_current_rows(cursor, set(found.records.values()))
    cursor.execute("delete from gate_input where delivery_id in (select unnest(?::varchar[]))", [list(found.unjudgeable)])
    cursor.execute(_DELIVERIES)
    return found


def _profile_devices(
    cursor: duckdb.DuckDBPyConnection,
    found: Profiles,
    rows_of: Mapping[str, tuple[str, str]],
    inputs: list[tuple],
    contracts: Mapping[str, FeedContract],
) -> None:
    """What logs of devices say besides their readings; a log whose figures cannot be read is not judged without them."""
    feeds = [(row[0], rows_of[row[0]][1], Path(row[1]).parent) for row in inputs if row[0] in found.records]
    logs = [LogDelivery(*one) for one in feeds if contracts[one[1]].source.hj212 is not None]
    if not logs:
        return
    try:
        broken = profile_devices(cursor, logs, contracts)
    except duckdb.Error as error:
        broken = {log.delivery_id: f"figures about its devices are not readable: {str(error).splitlines()[0]}" for log in logs}
    found.sources |= {log.delivery_id: HJ212 for log in logs}
    for delivery_id, reason in broken.items():
        found.unjudgeable[delivery_id] = reason
        del found.records[delivery_id]


def _fill_inputs(cursor: duckdb.DuckDBPyConnection, inputs: list[tuple]) -> None:
    cursor.execute(_INPUT_DDL)
    if inputs:
        types = ("varchar", "varchar", "varchar", "double", "double", "double")
        unnested = ", ".join(f"unnest(?::{name}[])" for name in types)
        cursor.execute(f"insert into gate_input select {unnested}", [list(column) for column in zip(*inputs, strict=True)])


def _profile_record(cursor: duckdb.DuckDBPyConnection, record: RecordType, paths: list[str]) -> dict[str, str]:
    """Profile all files of one record type at once; on failure file by file, to find the broken ones. Returns those."""
    profile = _profile_readings if record.name == "reading" else lambda cursor, paths: _profile_others(cursor, record, paths)
    try:
        profile(cursor, paths)
        return {}
    except duckdb.Error as error:
        whole = str(error)
    broken = {}
    for path in paths:
        try:
            profile(cursor, [path])
        except duckdb.Error as error:
            broken[path] = str(error).splitlines()[0]
        _forget_rows(cursor, record)
    try:
        profile(cursor, [path for path in paths if path not in broken])
    except duckdb.Error:
        return broken | {path: whole.splitlines()[0] for path in paths if path not in broken}
    return broken


def _forget_rows(cursor: duckdb.DuckDBPyConnection, record: RecordType) -> None:
    cursor.execute(
        "delete from gate_delivery_rows where delivery_id in (select delivery_id from audit.deliveries where record = ?)", [record.name]
    )


def _profile_readings(cursor: duckdb.DuckDBPyConnection, paths: list[str]) -> None:
    if paths:
        cursor.execute(_READING_DAYS, [paths])
        cursor.execute(_REGISTER_STEPS, [paths])
    else:
        typed = ", ".join(f"null::{column.duckdb_type} as {column.name}" for column in RECORD_TYPES["reading"].columns)
        nothing = f"(select null::varchar as filename, {typed} where false)"
        for statement in (_READING_DAYS, _REGISTER_STEPS):
            cursor.execute(statement.replace("read_parquet(?, filename = true, union_by_name = true)", nothing))
    cursor.execute(_CHANNELS)
    if paths and _has_daily_means(cursor):
        cursor.execute(_USUAL_BEFORE)
    cursor.execute(_USUAL_TOGETHER)
    cursor.execute(f"update {CHANNEL_PROFILE} set usual_ratio = value_mean / nullif(usual_mean, 0)")
    cursor.execute(f"insert into gate_delivery_rows by name {_READING_ROWS}")


def _has_daily_means(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Whether the last build left daily means to compare with; before the first one there are none."""
    wanted = {"point_id", "parameter_code", "statistic", "source_kind", "local_date", "value_mean"}
    there = cursor.execute("select column_name from duckdb_columns() where schema_name = 'marts' and table_name = 'point_daily'").fetchall()
    return wanted <= {name for (name,) in there}


def _profile_others(cursor: duckdb.DuckDBPyConnection, record: RecordType, paths: list[str]) -> None:
    if not paths:
        return
    numbers = [column.name for column in record.columns if column.dtype == NUMBER]
    nonfinite = " + ".join(f"count(*) filter (not isfinite({name}))" for name in numbers) or "0"
    nulls = "count(*) - count(value)" if record.name == "self_report" else "null"
    # Registers may announce: their dates may lie ahead.
    occurs = f"{record.occurs_on}::timestamp" if record.occurs_on else None
    date = record.touches[0].dates[0] if occurs else "null::date"
    cursor.execute(
        f"""
        insert into gate_delivery_rows by name
        with files as (
            select
                filename as source_file, count(*) as row_count, {nulls} as null_values, {nonfinite} as nonfinite_values,
                min({date}) as first_date, max({date}) as last_date, max({occurs or "null::timestamp"}) as last_end_utc,
            from read_parquet(?, filename = true, union_by_name = true)
            group by all
        )
        select i.delivery_id, files.* exclude (source_file) from files join gate_input as i using (source_file)
        """,
        [paths],
    )


def _count_current_rows(cursor: duckdb.DuckDBPyConnection, records: set[str]) -> None:
    """Rows the feed holds now, for deliveries whose silence withdraws everything they do not repeat."""
    cursor.execute("create or replace temp table gate_current_rows (feed_id varchar, current_rows bigint)")
    for record in sorted(records):
        cursor.execute(
            f"""
            insert into gate_current_rows
            select feed_id, count(*) from landing.{record}
            where known_to is null and feed_id in (
                select d.feed_id from audit.deliveries as d join gate_input as i using (delivery_id)
                where d.record = ? and i.load_mode = '{LoadMode.SNAPSHOT.value}'
            )
            group by feed_id
            """,
            [record],
        )
