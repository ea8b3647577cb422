{#-
    Metered quantities longer than a day and a half: bills, and registers that were not read for days. The half day lets
    a register that is read at eight one day and at eleven the next stay a daily one. Such a quantity belongs to the month, quarter or
    year it lies in, and to no day.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'point', 'measurement_only': true}},
) }}

with

intervals as (
    select
        *,
        {{ seconds_between('period_start_utc', 'period_end_utc') }} / 3600 as hours
    from {{ ref('int_meter_intervals') }}
    where period_end_utc > period_start_utc + interval 36 hour
        and quantity is not null
        and {{ touched_filter('point') }}
),

-- the way of knowing that the day's quantity was taken from
chosen as (
    select * from {{ ref('int_point_quantity_daily') }}
    where hours_covered > 36
        and {{ touched_filter('point') }}
),

final as (
    select
        intervals.point_id,
        intervals.parameter_code,
        intervals.local_date,
        intervals.period_start_utc,
        intervals.period_end_utc,
        intervals.hours,
        intervals.quantity,
        intervals.state,
        intervals.basis
    from intervals
    inner join chosen
        on intervals.point_id = chosen.point_id
            and intervals.parameter_code = chosen.parameter_code
            and intervals.local_date = chosen.local_date
            and intervals.source_kind = chosen.source_kind
            and intervals.basis = chosen.basis
    -- half a second is left to rounding
    where intervals.hours <= chosen.hours_covered + 0.00014
)

select * from final
