{#- Long quantities at each longer period; one that crosses a period's end is apportioned by time and thereby estimated. -#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'year', 'date': 'year_start_date', 'relation': 'int_touched_enterprise_periods'}},
) }}

{%- set grains = longer_periods().keys() | list %}

with

items as (
    select * from {{ ref('int_consumption_items') }}
),

metered_days as (
    select
        point_id,
        parameter_code,
        local_date
    from {{ ref('int_point_quantity_daily') }}
    where hours_covered between 0.00014 and 36
        and point_id in (select point_id from {{ ref('int_bill_days') }})
),

long_intervals as (
    select
        long_intervals.*,
        items.unit as item_unit
    from {{ ref('int_long_intervals') }} as long_intervals
    inner join items
        on long_intervals.parameter_code = items.item_code and {{ holds_on('items', 'long_intervals.local_date') }}
    -- a bill over days that the meter itself knows would count them twice; differences of one register never overlap
    where long_intervals.basis = 'register'
        or not exists (
            select 1 from metered_days
            where metered_days.point_id = long_intervals.point_id
                and metered_days.parameter_code = long_intervals.parameter_code
                and metered_days.local_date > long_intervals.local_date
                and metered_days.local_date < cast(long_intervals.period_end_utc as date)
        )
),

calendar as (
    {%- for grain in grains %}
    select
        '{{ grain }}' as grain,
        cast(date_trunc('{{ grain }}', local_date) as date) as period_start,
        min(day_start_utc) as starts_at_utc,
        max(day_end_utc) as ends_at_utc
    from {{ ref('int_local_days') }}
    group by cast(date_trunc('{{ grain }}', local_date) as date)
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

pieces as (
    select
        long_intervals.point_id,
        long_intervals.parameter_code as item_code,
        long_intervals.item_unit as unit,
        calendar.grain,
        calendar.period_start,
        {{ seconds_between(
            'greatest(long_intervals.period_start_utc, calendar.starts_at_utc)',
            'least(long_intervals.period_end_utc, calendar.ends_at_utc)',
        ) }} / 3600 as overlap_hours,
        {{ seconds_between('calendar.starts_at_utc', 'calendar.ends_at_utc') }} / 3600 as period_hours,
        long_intervals.hours,
        long_intervals.quantity,
        case
            when long_intervals.period_start_utc >= calendar.starts_at_utc and long_intervals.period_end_utc <= calendar.ends_at_utc
                then case when long_intervals.state = 'stopped' then 'measured' else long_intervals.state end
            else 'estimated'
        end as state
    from long_intervals
    inner join calendar
        on long_intervals.period_start_utc < calendar.ends_at_utc and long_intervals.period_end_utc > calendar.starts_at_utc
),

quantities as (
    select
        point_id,
        item_code,
        unit,
        grain,
        -- the registers of the period's first day hold for the whole of it
        period_start as local_date,
        sum(quantity * overlap_hours / hours) as quantity,
        sum(case when state = 'measured' then quantity * overlap_hours / hours else 0 end) as measured_quantity,
        sum(case when state = 'substituted' then quantity * overlap_hours / hours else 0 end) as substituted_quantity,
        sum(case when state = 'estimated' then quantity * overlap_hours / hours else 0 end) as estimated_quantity,
        sum(case when state = 'self_reported' then quantity * overlap_hours / hours else 0 end) as self_reported_quantity,
        sum(overlap_hours) as hours_covered,
        max(period_hours) as hours_expected
    from pieces
    group by point_id, item_code, unit, grain, period_start
),

{{ meter_flows('quantities') }},

final as (
    select
        cast(date_trunc('year', local_date) as date) as year_start_date,
        enterprise_id,
        process_id,
        item_code,
        unit,
        grain,
        local_date as period_start,
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
),

touched as (
    select * from final
    where {{ touched_filter('enterprise', date='year_start_date', relation='int_touched_enterprise_periods') }}
)

select * from touched
