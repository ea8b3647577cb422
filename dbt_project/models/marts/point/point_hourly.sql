{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'point', 'measurement_only': true, 'date_windows': true}},
) }}

{#- Written once and scanned twice: one relation read twice would be held in memory whole. -#}
{% set readings_with_hour %}
    select
        *,
        date_trunc('hour', period_start_utc) as hour_start_utc,
        {{ whole_seconds_between('period_start_utc', 'period_end_utc') }} as period_seconds,
        {{ is_usable() }} as is_usable
    from {{ ref('stg_readings') }}
    where {{ touched_filter('point') }}
        -- the mean of a day is no value of its first hour
        and period_end_utc <= {{ hours_after('period_start_utc', 1) }}
{% endset %}

with

channels as (
    select * from {{ ref('int_channels') }}
),

-- days on which an hour may hold more than one reading. On all others, most of them, a reading is its hour: grouping five
-- million readings into five million hours took three times as long as copying them
shared_days as (
    select
        point_id,
        parameter_code,
        statistic,
        source_kind,
        local_date
    from {{ ref('int_reading_days') }}
    where period_seconds <= 3600
        and {{ touched_filter('point') }}
    group by point_id, parameter_code, statistic, source_kind, local_date
    having count(*) > 1 or not bool_and(begins_on_the_hour)
),

single_readings as ({{ readings_with_hour }}),

shared_readings as ({{ readings_with_hour }}),

single_hours as (
    select
        readings.point_id,
        readings.parameter_code,
        readings.statistic,
        readings.source_kind,
        readings.hour_start_utc,
        readings.local_date,
        {{ reading_sums_of_one('readings.') }}
    from single_readings as readings
    left join shared_days
        on readings.point_id = shared_days.point_id
            and readings.parameter_code = shared_days.parameter_code
            and readings.statistic = shared_days.statistic
            and readings.source_kind = shared_days.source_kind
            and readings.local_date = shared_days.local_date
    where shared_days.point_id is null
),

readings_of_shared_days as (
    select readings.*
    from shared_readings as readings
    inner join shared_days
        on readings.point_id = shared_days.point_id
            and readings.parameter_code = shared_days.parameter_code
            and readings.statistic = shared_days.statistic
            and readings.source_kind = shared_days.source_kind
            and readings.local_date = shared_days.local_date
),

lengths as (
    select
        point_id,
        parameter_code,
        statistic,
        source_kind,
        hour_start_utc,
        local_date,
        period_seconds,
        sum(period_seconds) as seconds,
        min(period_start_utc) as first_start_utc,
        max(period_end_utc) as last_end_utc,
        {{ reading_sums() }}
    from readings_of_shared_days
    group by point_id, parameter_code, statistic, source_kind, hour_start_utc, local_date, period_seconds
),

compared_lengths as (
    select
        lengths.*,
        channels.step_minutes,
        {{ lengths_overlap('lengths.seconds', 'lengths.first_start_utc', 'lengths.last_end_utc', 'hour_of_channel') }} as lengths_overlap
    from lengths
    left join channels
        on lengths.point_id = channels.point_id
            and lengths.parameter_code = channels.parameter_code
            and lengths.local_date >= channels.valid_from
            and lengths.local_date < channels.valid_to
    window hour_of_channel as (
        partition by
            lengths.point_id,
            lengths.parameter_code,
            lengths.statistic,
            lengths.source_kind,
            lengths.hour_start_utc,
            lengths.local_date
    )
),

ranked_lengths as (
    select
        *,
        row_number() over (
            partition by point_id, parameter_code, statistic, source_kind, hour_start_utc, local_date
            order by {{ preferred_length('period_seconds', 'seconds') }}
        ) as length_rank
    from compared_lengths
),

shared_hours as (
    select
        point_id,
        parameter_code,
        statistic,
        source_kind,
        hour_start_utc,
        local_date,
        {{ reading_sums_merged() }}
    from ranked_lengths
    where length_rank = 1 or not lengths_overlap
    group by point_id, parameter_code, statistic, source_kind, hour_start_utc, local_date
),

hours as (
    select * from single_hours
    union all
    select * from shared_hours
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        hours.point_id,
        hours.parameter_code,
        hours.statistic,
        hours.source_kind,
        hours.hour_start_utc,
        hours.local_date,
        {{ reading_values() }},
        {{ state_shares() }}
    from hours
    {{ nd_policy_join('hours') }}
)

select * from final
