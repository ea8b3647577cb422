{#-
    Consumption that no day knows: bills at the period they lie in, and declarations where no meter speaks.

    Whether a meter speaks is asked per enterprise, item and period. In a quarter or year in which meters spoke only part of the
    time, declarations fill exactly the months (quarters) in which they were used at the shorter period, so that the longer
    one is the sum of the shorter; where no meter spoke at all, the report on the period itself counts as int_self_report_periods
    has resolved it.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'year', 'date': 'year_start_date', 'relation': 'int_touched_enterprise_periods'}},
) }}

{%- set parts = consumption_parts().keys() | list + ['consumed', 'recycled'] %}
{%- set gross = ['measured_gross', 'substituted_gross', 'estimated_gross', 'self_reported_gross'] %}
{%- set sums = parts + gross + ['covered_hours', 'expected_hours'] %}

with

items as (
    select * from {{ ref('int_consumption_items') }}
),

factors as (
    select * from {{ ref('int_period_factors') }}
),

measured as (
    select * from {{ ref('int_measured_period_factors') }}
),

flows as (
    select * from {{ ref('int_meter_flows_long') }}
    where {{ touched_filter('enterprise', date='year_start_date', relation='int_touched_enterprise_periods') }}
),

bills_without_consumed as (
    {{ consumption_of_flows('flows', ['year_start_date', 'grain', 'period_start']) }}
),

bills as (
    select
        *,
        cast(null as double) as consumed
    from bills_without_consumed
),

metered_days as (
    select distinct
        enterprise_id,
        item_code,
        cast(date_trunc('month', local_date) as date) as month_start_date
    from {{ ref('enterprise_consumption_daily') }}
    where {{ touched_filter('enterprise', relation='int_touched_enterprise_periods') }}
),

metered as (
    {%- for grain in longer_periods() %}
    select
        enterprise_id,
        item_code,
        '{{ grain }}' as grain,
        {{ period_start('month_start_date', grain) }} as period_start
    from metered_days
    union
    {%- endfor %}
    select
        enterprise_id,
        item_code,
        grain,
        period_start
    from bills
),

declared as (
    select * from {{ ref('int_declared_consumption') }}
    where grain <> 'day'
),

touched_declared as (
    select
        declared.*,
        metered.enterprise_id is not null as is_metered
    from declared
    left join metered
        on declared.enterprise_id = metered.enterprise_id
            and declared.item_code = metered.item_code
            and declared.grain = metered.grain
            and declared.period_start = metered.period_start
    where {{ touched_filter('enterprise', 'declared', date='year_start_date', relation='int_touched_enterprise_periods') }}
),

{%- for grain, settings in longer_periods().items() %}

declared_{{ grain }} as (
    select
        year_start_date,
        period_start,
        enterprise_id,
        process_id,
        item_code,
        unit,
        {{ sums | join(', ') }}
    from touched_declared
    where grain = '{{ grain }}' and not is_metered
    {%- if settings.shorter %}

    union all

    select
        shorter.year_start_date,
        {{ period_start('shorter.period_start', grain) }} as period_start,
        shorter.enterprise_id,
        shorter.process_id,
        shorter.item_code,
        shorter.unit,
        {{ sums_of(sums, 'shorter.') }}
    from declared_{{ settings.shorter }} as shorter
    inner join metered
        on shorter.enterprise_id = metered.enterprise_id
            and shorter.item_code = metered.item_code
            and metered.grain = '{{ grain }}'
            and {{ period_start('shorter.period_start', grain) }} = metered.period_start
    group by
        shorter.year_start_date,
        {{ period_start('shorter.period_start', grain) }},
        shorter.enterprise_id,
        shorter.process_id,
        shorter.item_code,
        shorter.unit
    {%- endif %}
),
{%- endfor %}

known_rows as (
    {%- for grain in longer_periods() %}
    select
        '{{ grain }}' as grain,
        year_start_date,
        period_start,
        enterprise_id,
        process_id,
        item_code,
        unit,
        'self_report' as origin,
        cast(null as double) as unmetered_quantity,
        {{ sums | join(', ') }}
    from declared_{{ grain }}
    union all
    {%- endfor %}
    select
        grain,
        year_start_date,
        period_start,
        enterprise_id,
        process_id,
        item_code,
        unit,
        'meter' as origin,
        unmetered_quantity,
        {{ sums | join(', ') }}
    from bills
),

{%- set key = ['grain', 'year_start_date', 'period_start'] %}

-- where an item is known for the period, by its days or by longer quantities
places as (
    select
        metered.enterprise_id,
        metered.item_code,
        items.unit,
        metered.grain,
        cast(date_trunc('year', metered.period_start) as date) as year_start_date,
        metered.period_start,
        true as has_parts
    from metered
    inner join items on metered.item_code = items.item_code and {{ holds_on('items', 'metered.period_start') }}
    union all
    select
        enterprise_id,
        item_code,
        unit,
        {{ key | join(', ') }},
        {{ coalesced_parts() }} is not null as has_parts
    from known_rows
    where process_id is null and coalesce({{ coalesced_parts() }}, consumed) is not null
),

containing as (
    select
        enterprise_id,
        item_code,
        unit,
        {{ key | join(', ') }},
        max(case when has_parts then 1 else 0 end) = 1 as has_parts
    from places
    group by enterprise_id, item_code, unit, {{ key | join(', ') }}
),

taken_off as (
    {{ taken_off_containing('known_rows', 'containing', key) }}
),

every_row as (
    select
        {{ key | join(', ') }},
        enterprise_id,
        process_id,
        item_code,
        unit,
        origin,
        {{ row_sums() | join(', ') }}
    from known_rows
    union all
    select
        {{ key | join(', ') }},
        enterprise_id,
        process_id,
        item_code,
        unit,
        'contained' as origin,
        {{ row_sums() | join(', ') }}
    from taken_off
),

priced as (
    select
        every_row.*,
        items.item_kind,
        {{ quantity_of_row('every_row.') }} as quantity,
        {{ effective_factors('factors', 'measured', 'measured.measured_share') }}
    from every_row
    inner join items
        on every_row.item_code = items.item_code and every_row.unit = items.unit and {{ holds_on('items', 'every_row.period_start') }}
    left join factors
        on every_row.item_code = factors.item_code
            and every_row.grain = factors.grain
            and every_row.period_start = factors.period_start
    left join measured
        on every_row.enterprise_id = measured.enterprise_id
            and every_row.item_code = measured.item_code
            and every_row.grain = measured.grain
            and every_row.period_start = measured.period_start
),

final as (
    select
        {{ key | join(', ') }},
        enterprise_id,
        process_id,
        item_code,
        item_kind,
        unit,
        origin,
        {{ row_sums() | join(', ') }},
        quantity,
        {{ energy_columns('priced.', 'priced') }},
        {{ factor_is_missing('item_kind', 'priced') }} as is_factor_missing
    from priced
)

select * from final
