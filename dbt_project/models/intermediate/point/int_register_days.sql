{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'point', 'relation': 'int_changed_point_dates', 'measurement_only': true}},
) }}

with

readings as (
    select
        *,
        value / nullif(value_raw, 0) as display_scale
    from {{ ref('stg_readings') }}
    where statistic = 'register'
        and value is not null
        and {{ is_usable() }}
        and {{ touched_filter('point', relation='int_changed_point_dates') }}
),

final as (
    select
        point_id,
        parameter_code,
        source_kind,
        local_date,
        min(period_start_utc) as first_at_utc,
        min_by(value, period_start_utc) as first_value,
        min_by(display_scale, period_start_utc) as first_display_scale,
        min_by(state, period_start_utc) as first_state,
        count(*) as readings
    from readings
    group by point_id, parameter_code, source_kind, local_date
)

select * from final
