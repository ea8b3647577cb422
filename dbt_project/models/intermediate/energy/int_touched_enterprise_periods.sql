{#-
    What must be rebuilt at months and longer. A quantity that is longer than a day reaches into dates on which nothing
    changed: a late reading of a register alters the stretch before it and the one after it, and with them every month they cross.
-#}
{{ config(materialized='table') }}

with

point_dates as (
    select * from {{ ref('int_touched_point_dates') }}
    where is_measurement_change
),

register_days as (
    select
        point_id,
        local_date,
        lead(local_date) over (partition by point_id, parameter_code, source_kind order by local_date) as next_date
    from {{ ref('int_register_days') }}
    where point_id in (select point_id from point_dates)
),

reaches as (
    select
        point_dates.point_id,
        point_dates.local_date as first_date,
        register_days.next_date as last_date,
        point_dates.change_seq
    from point_dates
    inner join register_days
        on point_dates.point_id = register_days.point_id and point_dates.local_date = register_days.local_date
    where register_days.next_date > {{ days_after('register_days.local_date', 1) }}
    union all
    -- also a day inside a bill: the meter's own days go before the bill
    select
        point_dates.point_id,
        bills.local_date as first_date,
        bills.last_date,
        point_dates.change_seq
    from point_dates
    inner join {{ ref('int_bill_days') }} as bills
        on point_dates.point_id = bills.point_id
            and point_dates.local_date >= bills.local_date
            and point_dates.local_date <= bills.last_date
),

reached_dates as (
    select
        point_reach.enterprise_id,
        days.local_date,
        reaches.change_seq
    from reaches
    inner join {{ ref('int_local_days') }} as days on days.local_date between reaches.first_date and reaches.last_date
    inner join {{ ref('int_point_reach') }} as point_reach
        on reaches.point_id = point_reach.point_id
            and days.local_date >= point_reach.valid_from
            and days.local_date < point_reach.valid_to
),

every_date as (
    select
        enterprise_id,
        local_date,
        change_seq
    from {{ ref('int_touched_enterprise_dates') }}
    union all
    select
        enterprise_id,
        local_date,
        change_seq
    from reached_dates
),

final as (
    select
        enterprise_id,
        local_date,
        max(change_seq) as change_seq
    from every_date
    group by enterprise_id, local_date
)

select * from final
