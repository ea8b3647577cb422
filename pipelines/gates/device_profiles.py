"""What gate A judges of logs of HJ 212 devices besides their readings: the frames, each device, each channel.

The figures come from the parse, which had the frames at hand (`hj212.tables` says what they mean); here they are put beside the
deliveries they belong to, and held against the feed's other deliveries where one log alone cannot say whether a
device was silent. Figures only: which of them is too much stands in the suite files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.contracts.feed import FeedContract

HJ212 = "hj212"
"""What suites call deliveries of such feeds (`source`)."""

_INPUT = """
create or replace temp table gate_hj212_input (
    delivery_id varchar, feed_id varchar, devices_file varchar, channels_file varchar
);
create or replace temp table gate_hj212_points (feed_id varchar, mn varchar, point_id varchar)
"""

# A device is silent when neither this delivery, nor another of its feed over the same days, has anything of it.
_DEVICES = """
create or replace temp table gate_hj212_device as
with figures as (
    select i.delivery_id, i.feed_id, f.* exclude (filename)
    from read_parquet(?, filename = true, union_by_name = true) as f
    join gate_hj212_input as i on i.devices_file = f.filename
), spans as (
    select
        i.delivery_id, i.feed_id, r.first_date, r.last_date, r.last_end_utc as ends,
        r.last_end_utc - to_days((date_diff('day', r.first_date, r.last_date) + 1)::integer) as begins
    from gate_hj212_input as i join gate_delivery_rows as r using (delivery_id)
), heard_elsewhere as (
    select distinct s.delivery_id, other.mn
    from spans as s
    join spans as o on o.feed_id = s.feed_id and o.delivery_id <> s.delivery_id and o.first_date <= s.last_date and o.last_date >= s.first_date
    join figures as other on other.delivery_id = o.delivery_id and other.frames > 0
    union
    select distinct s.delivery_id, p.mn
    from spans as s
    join gate_hj212_points as p using (feed_id)
    join landing.coverage as c on c.feed_id = s.feed_id and c.entity = p.point_id and c.last_at > s.begins and c.first_at < s.ends
)
select
    f.* exclude (feed_id),
    f.bad_frames / nullif(f.frames, 0) as bad_share,
    f.incomplete_messages / nullif(f.messages, 0) as incomplete_share,
    abs(f.clock_deviation_s) as clock_off_s,
    case when f.label_found is null then null else f.label_found <> f.label end as is_mislabelled,
    case when s.ends is null then null else f.device_known and f.frames = 0 and h.mn is null end as is_silent,
from figures as f
left join spans as s using (delivery_id)
left join heard_elsewhere as h on h.delivery_id = f.delivery_id and h.mn = f.mn
"""

_CHANNELS = """
create or replace temp table gate_hj212_channel as
select i.delivery_id, f.* exclude (filename), f.order_broken / nullif(f.order_periods, 0) as order_broken_share
from read_parquet(?, filename = true, union_by_name = true) as f
join gate_hj212_input as i on i.channels_file = f.filename
"""

_DELIVERIES = """
create or replace temp table gate_hj212_delivery as
select
    delivery_id,
    sum(frames)::bigint as frames,
    sum(bad_frames)::bigint as bad_frames,
    sum(bad_frames) / nullif(sum(frames), 0) as bad_share,
    sum(encrypted_frames)::bigint as encrypted_frames,
    count(*) filter (device_known) as devices,
    count(*) filter (not device_known and ok_frames > 0) as unknown_devices,
    count(*) filter (is_silent) as silent_devices,
    count(*) filter (is_silent) / nullif(count(*) filter (device_known), 0) as silent_share,
from gate_hj212_device
group by delivery_id
"""


@dataclass(frozen=True)
class LogDelivery:
    """A pending delivery of a feed of devices, and the folder of its parse."""

    delivery_id: str
    feed_id: str
    folder: Path


def profile_devices(cursor: duckdb.DuckDBPyConnection, waiting: list[LogDelivery], contracts: Mapping[str, FeedContract]) -> dict[str, str]:
    """Make the three tables; gives the deliveries whose figures cannot be read, with the reason.

    `gate_delivery_rows` must be there: it says which days a delivery covers.
    """
    broken = {}
    cursor.execute(_INPUT)
    rows = []
    for one in waiting:
        files = [one.folder / f"{name}.parquet" for name in ("devices", "channels")]
        if absent := [file.name for file in files if not file.is_file()]:
            broken[one.delivery_id] = f"its parse in the lake has no {' and no '.join(absent)} ({one.folder})"
            continue
        rows.append((one.delivery_id, one.feed_id, *map(str, files)))
    if not rows:
        return broken
    cursor.executemany("insert into gate_hj212_input values (?, ?, ?, ?)", rows)
    points = {
        (feed_id, row.mn, row.point_id)
        for feed_id in {row[1] for row in rows}
        if (logs := contracts[feed_id].source.hj212) is not None
        for row in logs.device_rows
        if row.point_id is not None
    }
    if points:
        cursor.executemany("insert into gate_hj212_points values (?, ?, ?)", sorted(points))
    cursor.execute(_DEVICES, [sorted({row[2] for row in rows})])
    cursor.execute(_CHANNELS, [sorted({row[3] for row in rows})])
    cursor.execute(_DELIVERIES)
    return broken
