{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise'}},
) }}

with

by_hour as (
    select
        enterprise_id,
        outlet_id,
        medium,
        local_date,
        sum(flow_m3) as flow_m3,
        count(flow_m3) as flow_hours
    from {{ ref('int_outlet_conditions_hourly') }}
    where {{ touched_filter('enterprise') }}
    group by enterprise_id, outlet_id, medium, local_date
),

days as (
    select
        outlet_points.enterprise_id,
        outlet_points.outlet_id,
        outlet_points.medium,
        days.local_date,
        days.statistic,
        local_days.minutes / cast(60 as double) as hours,
        coalesce(days.value_sum, case when days.stopped_share = 1 then 0 end) as total,
        coalesce(days.value_mean, case when days.stopped_share = 1 then 0 end) as mean,
        case days.source_kind when 'automatic' then 0 when 'platform_copy' then 1 when 'manual_lab' then 2 else 3 end as preference
    from {{ ref('point_daily') }} as days
    inner join {{ ref('int_outlet_points') }} as outlet_points
        on days.point_id = outlet_points.point_id and {{ holds_on('outlet_points', 'days.local_date') }}
    inner join {{ ref('int_local_days') }} as local_days on days.local_date = local_days.local_date
    where days.parameter_code in {{ flow_codes() }}
        and days.statistic in ('cou', 'avg')
        and {{ on_touched_dates('enterprise', 'days.local_date') }}
),

touched as (
    select * from days
    where {{ touched_filter('enterprise') }}
),

by_day as (
    select
        enterprise_id,
        outlet_id,
        medium,
        local_date,
        max(hours) as hours,
        min_by(total, preference) filter (where statistic = 'cou' and total is not null) as total,
        min_by(mean, preference) filter (where statistic = 'avg' and mean is not null) as mean
    from touched
    group by enterprise_id, outlet_id, medium, local_date
),

-- hours where the station sends hours, else the day's own figure
final as (
    select
        coalesce(by_hour.enterprise_id, by_day.enterprise_id) as enterprise_id,
        coalesce(by_hour.outlet_id, by_day.outlet_id) as outlet_id,
        coalesce(by_hour.medium, by_day.medium) as medium,
        coalesce(by_hour.local_date, by_day.local_date) as local_date,
        case when by_hour.flow_hours > 0 then by_hour.flow_m3 else coalesce(by_day.total, by_day.mean * by_day.hours) end as flow_m3,
        case
            when by_hour.flow_hours > 0 then by_hour.flow_hours
            when coalesce(by_day.total, by_day.mean) is not null then by_day.hours
            else 0
        end as flow_hours
    from by_hour
    full outer join by_day
        on by_hour.enterprise_id = by_day.enterprise_id
            and by_hour.outlet_id = by_day.outlet_id
            and by_hour.local_date = by_day.local_date
)

select * from final
