{#-
    How much of a quarter's operation a monitor has captured (季度有效数据捕集率): (operating − invalid) / operating hours, stopped
    ones excluded. A quarter begins with the first row of the pollutant where the quarter before has none, and ends with the last day
    on which the park has data, so that the running one is judged by what is over.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {
        'entity': 'park', 'relation': 'int_touched_substitution_quarters', 'period': 'quarter', 'date': 'quarter_start_date',
    }},
) }}

with

days as (
    select
        outlet_id,
        pollutant_code,
        local_date,
        {{ period_start('local_date', 'quarter') }} as quarter_start_date,
        max(medium) as medium,
        count(*) filter (where state = 'stopped') as stopped_hours,
        count(*) filter (where state = 'measured') as valid_hours
    from {{ ref('int_emission_hourly') }}
    where {{ touched_filter('park', relation='int_touched_substitution_quarters') }}
    group by outlet_id, pollutant_code, local_date
),

active as (
    select distinct
        outlet_id,
        pollutant_code,
        {{ period_end(period_start('local_date', 'quarter'), 'quarter') }} as next_quarter
    from {{ ref('int_emission_hourly') }}
),

ends as (
    select
        quarter_start_date,
        max(local_date) as last_date
    from days
    group by quarter_start_date
),

channel_ends as (
    select
        outlet_points.outlet_id,
        channels.parameter_code as pollutant_code,
        max(least(outlet_points.valid_to, channels.valid_to)) as valid_to
    from {{ ref('int_outlet_points') }} as outlet_points
    inner join {{ ref('int_channels') }} as channels on outlet_points.point_id = channels.point_id
    group by outlet_points.outlet_id, channels.parameter_code
),

local_days as (
    select
        local_date,
        minutes / cast(60 as double) as hours
    from {{ ref('int_local_days') }}
),

quarters as (
    select
        days.outlet_id,
        days.pollutant_code,
        days.quarter_start_date,
        max(days.medium) as medium,
        min(days.local_date) as first_row_date,
        max(days.local_date) as last_row_date,
        cast(sum(days.stopped_hours) as double) as stopped_hours,
        cast(sum(days.valid_hours) as double) as valid_hours,
        count(*) filter (where days.valid_hours > 0 and days.valid_hours + days.stopped_hours >= local_days.hours) as whole_days
    from days
    inner join local_days on days.local_date = local_days.local_date
    group by days.outlet_id, days.pollutant_code, days.quarter_start_date
),

served as (
    select
        quarters.*,
        case when active.outlet_id is null then quarters.first_row_date else quarters.quarter_start_date end as first_date,
        -- a row that came after the channel's end is known all the same
        greatest(
            quarters.last_row_date, least(ends.last_date, coalesce({{ days_after('channel_ends.valid_to', -1) }}, ends.last_date))
        ) as last_date
    from quarters
    inner join ends on quarters.quarter_start_date = ends.quarter_start_date
    left join active
        on quarters.outlet_id = active.outlet_id
            and quarters.pollutant_code = active.pollutant_code
            and quarters.quarter_start_date = active.next_quarter
    left join channel_ends
        on quarters.outlet_id = channel_ends.outlet_id and quarters.pollutant_code = channel_ends.pollutant_code
),

with_hours as (
    select
        served.outlet_id,
        served.pollutant_code,
        served.quarter_start_date,
        served.medium,
        served.first_date,
        served.last_date,
        served.stopped_hours,
        served.valid_hours,
        served.whole_days,
        sum(local_days.hours) as owed_hours
    from served
    inner join local_days on local_days.local_date between served.first_date and served.last_date
    group by
        served.outlet_id,
        served.pollutant_code,
        served.quarter_start_date,
        served.medium,
        served.first_date,
        served.last_date,
        served.stopped_hours,
        served.valid_hours,
        served.whole_days
),

final as (
    select
        outlet_id,
        pollutant_code,
        quarter_start_date,
        medium,
        first_date,
        last_date,
        stopped_hours,
        valid_hours,
        whole_days,
        owed_hours - stopped_hours as operating_hours,
        owed_hours - stopped_hours - valid_hours as invalid_hours,
        {{ capture_share('valid_hours', 'owed_hours', 'stopped_hours') }} as capture_rate
    from with_hours
)

select * from final
