{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise'}},
) }}

with

items as (
    select * from {{ ref('int_consumption_items') }}
),

long_by_day as (
    select
        point_id,
        parameter_code,
        local_date,
        sum(quantity) as quantity,
        sum(case when state in ('measured', 'stopped') then quantity else 0 end) as measured_quantity,
        sum(case when state = 'substituted' then quantity else 0 end) as substituted_quantity,
        sum(case when state = 'estimated' then quantity else 0 end) as estimated_quantity,
        sum(case when state = 'self_reported' then quantity else 0 end) as self_reported_quantity,
        sum(hours) as hours
    from {{ ref('int_long_intervals') }}
    where {{ on_touched_dates('enterprise') }}
    group by point_id, parameter_code, local_date
),

local_days as (
    select * from {{ ref('int_local_days') }}
),

quantities as (
    select
        days.point_id,
        days.parameter_code as item_code,
        items.unit,
        'day' as grain,
        days.local_date,
        days.quantity - coalesce(long_by_day.quantity, 0) as quantity,
        days.measured_quantity - coalesce(long_by_day.measured_quantity, 0) as measured_quantity,
        days.substituted_quantity - coalesce(long_by_day.substituted_quantity, 0) as substituted_quantity,
        days.estimated_quantity - coalesce(long_by_day.estimated_quantity, 0) as estimated_quantity,
        days.self_reported_quantity - coalesce(long_by_day.self_reported_quantity, 0) as self_reported_quantity,
        days.hours_covered - coalesce(long_by_day.hours, 0) as hours_covered,
        local_days.minutes / cast(60 as double) as hours_expected
    from {{ ref('int_point_quantity_daily') }} as days
    inner join items
        on days.parameter_code = items.item_code and {{ holds_on('items', 'days.local_date') }}
    inner join local_days on days.local_date = local_days.local_date
    left join long_by_day
        on days.point_id = long_by_day.point_id
            and days.parameter_code = long_by_day.parameter_code
            and days.local_date = long_by_day.local_date
    -- nothing is left of a day that is only the beginning of a long interval
    where {{ on_touched_dates('enterprise', 'days.local_date') }}
        and (long_by_day.point_id is null or days.hours_covered > long_by_day.hours + 0.00014)
),

{{ meter_flows('quantities') }},

final as (
    select
        enterprise_id,
        process_id,
        item_code,
        unit,
        local_date,
        part,
        point_id,
        counterparty_id,
        delivery_point_id,
        is_root,
        is_divided,
        quantity,
        measured_quantity,
        substituted_quantity,
        estimated_quantity,
        self_reported_quantity,
        meters,
        meter_hours,
        hours_expected
    from every_flow
    where {{ touched_filter('enterprise') }}
)

select * from final
