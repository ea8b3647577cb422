{#-
    What enterprises declare, brought to calendar days, months, quarters and years, one report kind speaking for each.

    A report enters at the period it is about. A longer period is made of shorter ones where these cover it wholly, else it is
    the report on just that period, else what the shorter ones cover, and days_covered says how much that is. A report is
    never spread over shorter periods; one that crosses a period's end (a bill from the 15th to the 15th) is apportioned by days
    and says so. Lines and forms of one report add up.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'year', 'date': 'year_start_date'}},
) }}

{%- set subject = ['enterprise_id', 'process_id', 'outlet_id', 'product_code', 'item_code'] %}
{%- set key = subject + ['medium', 'report_kind', 'unit'] %}
{%- set grains = [
    {'name': 'day', 'shorter': none, 'min_days': 1, 'max_days': 1},
    {'name': 'month', 'shorter': 'day', 'min_days': 2, 'max_days': 31},
    {'name': 'quarter', 'shorter': 'month', 'min_days': 32, 'max_days': 92},
    {'name': 'year', 'shorter': 'quarter', 'min_days': 93, 'max_days': 366},
] %}

with

subjects as (
    select * from {{ ref('int_self_report_subjects') }}
    where enterprise_id is not null and state <> 'not_applicable'
),

-- a period of at most a year lies in two of them, one of a month in three (31 days from the last of January)
years_beside as (
    select 0 as n
    union all
    select 1 as n
),

periods_beside as (
    select * from years_beside
    union all
    select 2 as n
),

-- a period that crosses New Year belongs to two years' keys
by_year as (
    select
        subjects.*,
        cast(date_trunc('year', subjects.period_start) + interval 1 year * offsets.n as date) as year_start_date
    from subjects
    cross join years_beside as offsets
),

touched as (
    select * from by_year
    where year_start_date < period_end
        and {{ touched_filter('enterprise', date='year_start_date') }}
),

declared as (
    select
        year_start_date,
        {{ key | join(', ') }},
        period_start,
        period_end,
        {{ days_between('period_start', 'period_end') }} as days,
        sum(value) as value,
        case when min(method_code) = max(method_code) then min(method_code) end as method_code,
        {{ weakest_state('state') }} as state
    from touched
    group by year_start_date, {{ key | join(', ') }}, period_start, period_end
),

{%- for grain in grains %}

{{ grain.name }}_overlaps as (
    select
        declared.*,
        cast(date_trunc('{{ grain.name }}', declared.period_start) + interval {{ period_interval(grain.name) }} * offsets.n as date)
            as grain_start
    from declared
    cross join periods_beside as offsets
    where declared.days between {{ grain.min_days }} and {{ grain.max_days }}
),

{{ grain.name }}_pieces as (
    select
        *,
        {{ period_end('grain_start', grain.name) }} as grain_end,
        period_start = grain_start and period_end = {{ period_end('grain_start', grain.name) }} as is_exact,
        {{ days_between(
            'greatest(period_start, grain_start)',
            'least(period_end, ' ~ period_end('grain_start', grain.name) ~ ')',
        ) }} as overlap_days
    from {{ grain.name }}_overlaps
    where period_start < {{ period_end('grain_start', grain.name) }} and period_end > grain_start
        -- the piece of another year is made with that year
        and date_trunc('year', grain_start) = year_start_date
),

{{ grain.name }}_candidates as (
    select
        year_start_date,
        {{ key | join(', ') }},
        grain_start,
        grain_end,
        case when is_exact then 2 else 3 end as priority,
        sum(value * overlap_days / days) as value,
        -- an overdue report covers nothing
        sum(case when value is null then 0 else overlap_days end) as days_covered,
        max(case when overlap_days < days then 1 else 0 end) as is_apportioned,
        case when min(method_code) = max(method_code) then min(method_code) end as method_code,
        {{ weakest_state('state') }} as state
    from {{ grain.name }}_pieces
    group by year_start_date, {{ key | join(', ') }}, grain_start, grain_end, case when is_exact then 2 else 3 end
    {%- if grain.shorter %}
    union all
    select
        year_start_date,
        {{ key | join(', ') }},
        cast(date_trunc('{{ grain.name }}', grain_start) as date) as grain_start,
        {{ period_end("cast(date_trunc('" ~ grain.name ~ "', grain_start) as date)", grain.name) }} as grain_end,
        1 as priority,
        sum(value) as value,
        sum(case when value is null then 0 else days_covered end) as days_covered,
        max(is_apportioned) as is_apportioned,
        case when min(method_code) = max(method_code) then min(method_code) end as method_code,
        {{ weakest_state('state') }} as state
    from {{ grain.shorter }}_resolved
    group by year_start_date, {{ key | join(', ') }}, cast(date_trunc('{{ grain.name }}', grain_start) as date)
    {%- endif %}
),

{{ grain.name }}_ranked as (
    select
        *,
        row_number() over (
            partition by {{ key | join(', ') }}, grain_start
            order by
                case when value is null then 1 else 0 end,
                case when days_covered >= {{ days_between('grain_start', 'grain_end') }} then 0 else 1 end,
                case when days_covered >= {{ days_between('grain_start', 'grain_end') }} then priority else -days_covered end,
                priority
        ) as choice
    from {{ grain.name }}_candidates
),

{{ grain.name }}_resolved as (
    select * from {{ grain.name }}_ranked
    where choice = 1
),
{%- endfor %}

every_grain as (
    {%- for grain in grains %}
    select
        '{{ grain.name }}' as grain,
        *,
        medium in {{ discharge_media() }} as is_discharge
    from {{ grain.name }}_resolved
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- one kind speaks for all parts of an item, so that parts of different books never meet in one sum
kinds as (
    select
        {{ subject | join(', ') }},
        grain,
        grain_start,
        is_discharge,
        report_kind,
        min(case when value is null then 1 else 0 end) as is_silent,
        max(days_covered) as days_covered,
        min({{ report_rank('report_kind', 'medium') }}) as preference
    from every_grain
    group by {{ subject | join(', ') }}, grain, grain_start, is_discharge, report_kind
),

ranked_kinds as (
    select
        *,
        row_number() over (
            partition by {{ subject | join(', ') }}, grain, grain_start, is_discharge
            order by is_silent asc, days_covered desc, preference asc
        ) as choice
    from kinds
),

final as (
    select
        every_grain.year_start_date,
        every_grain.enterprise_id,
        every_grain.process_id,
        every_grain.outlet_id,
        every_grain.product_code,
        every_grain.item_code,
        every_grain.medium,
        every_grain.grain,
        every_grain.grain_start as period_start,
        every_grain.grain_end as period_end,
        every_grain.report_kind,
        every_grain.value,
        every_grain.unit,
        cast(every_grain.days_covered as integer) as days_covered,
        every_grain.is_apportioned = 1 as is_apportioned,
        every_grain.method_code,
        case when every_grain.value is null then 'missing' else 'self_reported' end as state
    from every_grain
    inner join ranked_kinds
        on every_grain.enterprise_id = ranked_kinds.enterprise_id
            and every_grain.process_id is not distinct from ranked_kinds.process_id
            and every_grain.outlet_id is not distinct from ranked_kinds.outlet_id
            and every_grain.product_code is not distinct from ranked_kinds.product_code
            and every_grain.item_code = ranked_kinds.item_code
            and every_grain.grain = ranked_kinds.grain
            and every_grain.grain_start = ranked_kinds.grain_start
            and every_grain.is_discharge = ranked_kinds.is_discharge
            and every_grain.report_kind = ranked_kinds.report_kind
            and ranked_kinds.choice = 1
)

select * from final
