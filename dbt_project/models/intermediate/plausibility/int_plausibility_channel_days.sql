{#-
    What a day of a channel looks like to someone who asks whether it can be true: no threshold stands here, rules compare later.
    The hours of a day become columns, so that a step, a plateau or a pattern is arithmetic within a row: windows over five
    million hours cost several times as much. Hour 24 exists on the day on which the clock is set back.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'point', 'measurement_only': true, 'date_windows': true}},
) }}

{%- set key = ['point_id', 'parameter_code', 'statistic', 'source_kind', 'local_date'] %}
{%- set pairs = range(1, 25) %}

with

days as (
    select * from {{ ref('int_local_days') }}
),

channels as (
    select * from {{ ref('int_channels') }}
),

hours as (
    select
        hours.point_id,
        hours.parameter_code,
        hours.statistic,
        hours.source_kind,
        hours.local_date,
        -- hours are whole in UTC; half an hour takes in the zones that are not
        floor(({{ whole_seconds_between('days.day_start_utc', 'hours.hour_start_utc') }} + 1800) / 3600) as hour_no,
        case when hours.valid_periods > 0 then hours.value_mean end as value,
        hours.unit,
        hours.nd_share,
        hours.stopped_share,
        channels.range_min,
        channels.range_max
    from {{ ref('point_hourly') }} as hours
    inner join days on hours.local_date = days.local_date
    left join channels
        on hours.point_id = channels.point_id
            and hours.parameter_code = channels.parameter_code
            and {{ holds_on('channels', 'hours.local_date') }}
    where hours.source_kind in ('automatic', 'platform_copy')
        and hours.statistic in ('avg', 'rtd', 'cou', 'zs_avg', 'zs_rtd')
        and {{ touched_filter('point', alias='hours') }}
),

by_day as (
    select
        {{ key | join(', ') }},
        max(unit) as unit,
        max(range_min) as range_min,
        max(range_max) as range_max,
        count(value) as hours,
        count(case when nd_share > 0 then 1 end) as nd_hours,
        sum(stopped_share) as stopped_hours,
        avg(value) as value_mean,
        min(value) as value_min,
        max(value) as value_max,
        {%- for hour in range(25) %}
        max(case when hour_no = {{ hour }} then value end) as h{{ hour }},
        {%- endfor %}
        var_pop(value) as value_variance
    from hours
    group by {{ key | join(', ') }}
),

final as (
    select
        {{ key | join(', ') }},
        unit,
        range_min,
        range_max,
        hours,
        nd_hours,
        stopped_hours,
        value_mean,
        value_min,
        value_max,
        value_variance,
        {%- for block in range(6) %}
        (
            0
            {%- for hour in range(4 * block, 4 * block + 4) %}
            + coalesce(h{{ hour }}, 0)
            {%- endfor %}
        ) / nullif(
            0
            {%- for hour in range(4 * block, 4 * block + 4) %}
            + case when h{{ hour }} is not null then 1 else 0 end
            {%- endfor %},
            0
        ) as block_{{ block + 1 }},
        {%- endfor %}
        (
            0
            {%- for hour in range(25) %}
            + case when h{{ hour }} = value_max then 1 else 0 end
            {%- endfor %}
        ) as hours_at_max,
        (
            0
            {%- for hour in pairs %}
            + case when h{{ hour }} - h{{ hour - 1 }} is not null then 1 else 0 end
            {%- endfor %}
        ) as steps,
        -- a meter that counts nothing at night is not stuck
        (
            0
            {%- for hour in pairs %}
            + case when h{{ hour }} = h{{ hour - 1 }} and h{{ hour }} <> 0 then 1 else 0 end
            {%- endfor %}
        ) as unchanged_hours,
        (
            0
            {%- for hour in pairs %}
            + case when h{{ hour }} <> h{{ hour - 1 }} then 1 else 0 end
            {%- endfor %}
        ) as moving_hours,
        (
            0
            {%- for hour in pairs %}
            + coalesce((h{{ hour }} - h{{ hour - 1 }}) * (h{{ hour }} - h{{ hour - 1 }}), 0)
            {%- endfor %}
        ) as step_square_sum,
        greatest(
            {%- for hour in pairs %}
            abs(h{{ hour }} - h{{ hour - 1 }}){{ ',' if not loop.last }}
            {%- endfor %}
        ) as step_max,
        -- which hours rise (bits 0 to 23) and which rise faster than the one before (24 to 46): equal for equal shapes, whatever their scale
        cast(
            0
            {%- for hour in pairs %}
            + case when h{{ hour }} > h{{ hour - 1 }} then cast({{ 2 ** (hour - 1) }} as bigint) else 0 end
            {%- endfor %}
            {%- for hour in range(2, 25) %}
            + case when h{{ hour }} - h{{ hour - 1 }} > h{{ hour - 1 }} - h{{ hour - 2 }} then cast({{ 2 ** (hour + 22) }} as bigint) else 0 end
            {%- endfor %}
            as bigint
        ) as shape
    from by_day
)

select * from final
