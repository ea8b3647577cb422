{#-
    What is generated before end-of-pipe treatment at a longer period, by the first method that the precedence of purpose `generation`
    finds usable: measured at the inlet, by coefficient, by balance, declared. Of each process, and of the whole enterprise (process_id
    null). A discharge is no such method: where none of them knows, nothing is known.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'year', 'date': 'year_start_date', 'relation': 'int_touched_enterprise_periods'}},
) }}

{%- set relation = 'int_touched_enterprise_periods' %}
{%- set key = ['grain', 'period_start', 'enterprise_id', 'medium', 'pollutant_code'] %}
{%- set figures = ['method_code', 'generated_kg', 'measured_kg', 'capture_share', 'reason'] %}

with

precedences as (
    {{ own_before_shipped(
        'stg_method_precedences', ['purpose', 'rank', 'method_code', 'min_capture_share'], 'purpose', 'purpose, rank',
    ) }}
),

methods as (
    {{ own_before_shipped('stg_emission_methods', ['method_code', 'state'], 'method_code') }}
),

pollutants as (
    select distinct
        parameter_code,
        medium
    from {{ ref('stg_parameters') }}
    where kind = 'pollutant'
),

inlet_days as (
    select * from {{ ref('int_inlet_daily') }}
    where {{ touched_filter('enterprise', relation=relation) }}
),

-- days owed are those from the first to the last on which anything of the enterprise was monitored in the year
monitored_days as (
    select
        enterprise_id,
        local_date
    from inlet_days
    union
    select
        enterprise_id,
        local_date
    from {{ ref('enterprise_emission_daily') }}
    where {{ touched_filter('enterprise', relation=relation) }}
),

spans as (
    select
        enterprise_id,
        cast(date_trunc('year', local_date) as date) as year_start_date,
        min(local_date) as first_date,
        max(local_date) as last_date
    from monitored_days
    group by enterprise_id, cast(date_trunc('year', local_date) as date)
),

{%- for grain in longer_periods() %}

inlets_{{ grain }} as (
    select
        '{{ grain }}' as grain,
        {{ period_start('local_date', grain) }} as period_start,
        enterprise_id,
        process_id,
        point_id,
        medium,
        pollutant_code,
        sum(mass_kg) as generated_kg,
        count(*) as days
    from inlet_days
    group by {{ period_start('local_date', grain) }}, enterprise_id, process_id, point_id, medium, pollutant_code
),

captured_{{ grain }} as (
    select
        inlets.*,
        least(inlets.days / cast(nullif(greatest({{ days_between(
            'greatest(spans.first_date, inlets.period_start)',
            'least(' ~ days_after('spans.last_date', 1) ~ ', ' ~ period_end('inlets.period_start', grain) ~ ')',
        ) }}, 0), 0) as double), 1) as capture_share
    from inlets_{{ grain }} as inlets
    inner join spans
        on inlets.enterprise_id = spans.enterprise_id and cast(date_trunc('year', inlets.period_start) as date) = spans.year_start_date
),
{%- endfor %}

measured as (
    {%- for grain in longer_periods() %}
    select
        {{ key | join(', ') }},
        process_id,
        'inlet_monitoring' as method_code,
        sum(generated_kg) as generated_kg,
        sum(generated_kg) as measured_kg,
        min(capture_share) as capture_share,
        cast(null as varchar) as reason
    from captured_{{ grain }}
    group by {{ key | join(', ') }}, process_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

estimated as (
    select
        {{ key | join(', ') }},
        process_id,
        method_code,
        generated_kg,
        case when generated_kg is not null then cast(0 as double) end as measured_kg,
        cast(null as double) as capture_share,
        case when generated_kg is null then reason end as reason
    from {{ ref('int_generation_estimates') }}
    where {{ touched_filter('enterprise', date='year_start_date', relation=relation) }}
),

reports as (
    select
        reports.grain,
        reports.period_start,
        reports.enterprise_id,
        pollutants.medium,
        reports.item_code as pollutant_code,
        coalesce(reports.process_id, case when reports.product_code is not null then products.process_id end) as process_id,
        reports.value
    from {{ ref('int_self_report_periods') }} as reports
    inner join pollutants on reports.item_code = pollutants.parameter_code
    left join {{ ref('int_products') }} as products
        on reports.product_code = products.product_code
            and reports.enterprise_id = products.enterprise_id
            and {{ holds_on('products', 'reports.period_start') }}
    where reports.grain <> 'day' and reports.medium = 'generated' and reports.outlet_id is null
        and coalesce(reports.unit, 'kg') = 'kg'
        and pollutants.medium is not null
        and {{ touched_filter('enterprise', 'reports', date='year_start_date', relation=relation) }}
),

declared as (
    select
        {{ key | join(', ') }},
        process_id,
        'self_reported' as method_code,
        case when count(value) = count(*) then sum(value) end as generated_kg,
        case when count(value) = count(*) then cast(0 as double) end as measured_kg,
        cast(null as double) as capture_share,
        case when count(value) < count(*) then 'report_missing' end as reason
    from reports
    group by {{ key | join(', ') }}, process_id
),

every_part as (
    {%- for name in ['measured', 'estimated', 'declared'] %}
    select
        {{ key | join(', ') }},
        process_id,
        {{ figures | join(', ') }}
    from {{ name }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

wholes as (
    select
        {{ key | join(', ') }},
        method_code
    from every_part
    where process_id is null and method_code = 'self_reported'
),

-- the whole is what the enterprise says of itself, else what its parts add up to
every_row as (
    select * from every_part
    where process_id is not null or method_code = 'self_reported'
    union all
    select
        {{ key | join(', ') }},
        cast(null as varchar) as process_id,
        method_code,
        case when count(generated_kg) = count(*) then sum(generated_kg) end as generated_kg,
        case when count(generated_kg) = count(*) then sum(measured_kg) end as measured_kg,
        min(capture_share) as capture_share,
        max(reason) as reason
    from every_part
    where
        ({{ key | join(', ') }}, method_code) not in (
            select
                {{ key | join(', ') }},
                method_code
            from wholes
        )
    group by {{ key | join(', ') }}, method_code
),

ranked as (
    select
        every_row.*,
        methods.state as method_state,
        row_number() over (
            partition by every_row.{{ key | join(', every_row.') }}, every_row.process_id
            order by case when every_row.generated_kg is null then 1 else 0 end, precedences.rank
        ) as choice
    from every_row
    inner join precedences
        on precedences.purpose = 'generation'
            and every_row.method_code = precedences.method_code
            and {{ holds_on('precedences', 'every_row.period_start') }}
    left join methods
        on every_row.method_code = methods.method_code and {{ holds_on('methods', 'every_row.period_start') }}
    where precedences.min_capture_share is null or every_row.capture_share >= precedences.min_capture_share
),

final as (
    select
        cast(date_trunc('year', period_start) as date) as year_start_date,
        {{ key | join(', ') }},
        process_id,
        case when generated_kg is not null then method_code end as method_code,
        generated_kg,
        measured_kg,
        capture_share,
        reason,
        case when generated_kg is null then 'missing' else method_state end as state
    from ranked
    where choice = 1
)

select * from final
