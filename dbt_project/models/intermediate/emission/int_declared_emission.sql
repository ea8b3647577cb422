{#-
    Discharge as enterprises declare it, whether anybody measured it or not: one figure per outlet, and one of the whole enterprise where no
    outlet is declared. Whether it speaks is decided in emission_method.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'year', 'date': 'year_start_date'}},
) }}

{%- set scope = ['enterprise_id', 'medium', 'pollutant_code'] %}

with

reports as (
    select
        year_start_date,
        grain,
        period_start,
        enterprise_id,
        medium,
        item_code as pollutant_code,
        outlet_id,
        case when outlet_id is null then coalesce(process_id, product_code) end as part_id,
        value as mass_kg,
        days_covered,
        state
    from {{ ref('int_self_report_periods') }}
    where grain <> 'day' and medium in ('air', 'water', 'land')
        -- kilograms only: greenhouse gases in tonnes of equivalents are no mass of a substance
        and coalesce(unit, 'kg') = 'kg'
        and {{ touched_filter('enterprise', date='year_start_date') }}
),

-- of an enterprise's whole and its processes the whole goes first, else the processes add up
by_subject as (
    select
        year_start_date,
        grain,
        period_start,
        {{ scope | join(', ') }},
        outlet_id,
        part_id is not null as is_of_parts,
        sum(mass_kg) as mass_kg,
        min(days_covered) as days_covered,
        {{ weakest_state('state') }} as state
    from reports
    group by year_start_date, grain, period_start, {{ scope | join(', ') }}, outlet_id, part_id is not null
),

ranked as (
    select
        *,
        row_number() over (
            partition by grain, period_start, {{ scope | join(', ') }}, outlet_id
            order by case when mass_kg is null then 1 else 0 end, is_of_parts
        ) as choice,
        max(case when outlet_id is not null and mass_kg is not null then 1 else 0 end) over (
            partition by grain, period_start, {{ scope | join(', ') }}
        ) as has_outlets
    from by_subject
),

declared as (
    select * from ranked
    where choice = 1 and (outlet_id is not null or has_outlets = 0)
),

final as (
    select
        year_start_date,
        grain,
        period_start,
        enterprise_id,
        outlet_id,
        medium,
        pollutant_code,
        mass_kg,
        days_covered,
        state
    from declared
)

select * from final
