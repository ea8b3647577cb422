{#-
    Sums per reading channel, day and length of period: what the daily mart, completeness and the search for channels that
    send several lengths side by side all need, from one pass over the readings.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'point', 'measurement_only': true, 'date_windows': true}},
) }}

with

readings as (
    select
        *,
        {{ whole_seconds_between('period_start_utc', 'period_end_utc') }} as period_seconds,
        {{ is_usable() }} as is_usable
    from {{ ref('stg_readings') }}
    where {{ touched_filter('point') }}
),

final as (
    select
        point_id,
        parameter_code,
        statistic,
        source_kind,
        local_date,
        period_seconds,
        {{ reading_sums() }},
        count(*) filter (where not {{ flag_is_normal() }}) as flagged_periods,
        count(*) filter (where known_from > {{ hours_after('period_end_utc', var('late_after_hours')) }}) as late_periods,
        bool_and(period_start_utc = date_trunc('hour', period_start_utc)) as begins_on_the_hour,
        min(period_start_utc) as first_start_utc,
        max(period_end_utc) as last_end_utc
    from readings
    group by point_id, parameter_code, statistic, source_kind, local_date, period_seconds
)

select * from final
