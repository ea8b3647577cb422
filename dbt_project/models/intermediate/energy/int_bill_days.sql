{#- Totals and means longer than a day and a half, superseded ones too: how far a change on their first day reaches. -#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'point', 'measurement_only': true}},
) }}

with

readings as (
    select * from {{ source('landing', 'reading') }}
    where statistic in ('cou', 'avg')
        and period_end_utc > period_start_utc + interval 36 hour
        and {{ touched_filter('point') }}
),

final as (
    select
        point_id,
        local_date,
        max(cast(period_end_utc as date)) as last_date
    from readings
    group by point_id, local_date
)

select * from final
