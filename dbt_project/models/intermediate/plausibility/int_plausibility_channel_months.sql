{#- Level of every channel month by month, over all that is known: what the same months of earlier years were like. -#}
with

days as (
    select * from {{ ref('int_plausibility_channel_days') }}
    where hours > 0
),

final as (
    select
        point_id,
        parameter_code,
        statistic,
        source_kind,
        {{ period_start('local_date', 'month') }} as month_start_date,
        count(*) as days,
        avg(value_mean) as value_mean,
        stddev_pop(value_mean) as value_deviation,
        max(unit) as unit
    from days
    group by point_id, parameter_code, statistic, source_kind, {{ period_start('local_date', 'month') }}
)

select * from final
