{#-
    Dates that a sample of a calorific value or of steam touches: it moves the mean of its month, and with it the energy of every day
    of the month. Superseded channels count: a meter that no longer measures it once did.
-#}
{{ config(materialized='table') }}

with

point_dates as (
    select * from {{ ref('int_touched_point_dates') }}
    where is_measurement_change
),

sampled_points as (
    select distinct point_id from {{ source('landing', 'channel') }}
    where parameter_code in (select parameter_code from {{ ref('stg_item_properties') }})
        or parameter_code in {{ steam_state_parameters() }}
),

months as (
    select
        point_reach.enterprise_id,
        {{ period_start('point_dates.local_date', 'month') }} as month_start_date,
        max(point_dates.change_seq) as change_seq
    from point_dates
    inner join sampled_points on point_dates.point_id = sampled_points.point_id
    inner join {{ ref('int_point_reach') }} as point_reach
        on point_dates.point_id = point_reach.point_id
            and point_dates.local_date >= point_reach.valid_from
            and point_dates.local_date < point_reach.valid_to
    group by point_reach.enterprise_id, {{ period_start('point_dates.local_date', 'month') }}
),

final as (
    select
        months.enterprise_id,
        days.local_date,
        months.change_seq
    from months
    inner join {{ ref('int_local_days') }} as days on months.month_start_date = {{ period_start('days.local_date', 'month') }}
)

select * from final
