{#-
    Discharge as enterprises declare it, where nobody measured. A declaration on an outlet speaks if that outlet is not
    monitored for the pollutant in the period, one on the whole enterprise if none of its outlets is and no outlet is declared. In a
    quarter or year that was monitored part of the time, it fills exactly the months in which it spoke.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'year', 'date': 'year_start_date'}},
) }}

{%- set scope = ['enterprise_id', 'medium', 'pollutant_code'] %}
{%- set columns = ['year_start_date', 'period_start'] + scope + ['outlet_id', 'mass_kg', 'days_covered', 'state'] %}

with

outlets as (
    select * from {{ ref('int_outlets') }}
),

memberships as (
    select * from {{ ref('int_memberships') }}
),

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

monitored_months as (
    select distinct
        {{ scope | join(', ') }},
        outlet_id,
        cast(date_trunc('month', local_date) as date) as month_start_date
    from {{ ref('enterprise_emission_daily') }}
    where mass_kg is not null and {{ touched_filter('enterprise') }}
),

monitored as (
    {%- for grain in longer_periods() %}
    select
        '{{ grain }}' as grain,
        {{ period_start('month_start_date', grain) }} as period_start,
        {{ scope | join(', ') }},
        outlet_id
    from monitored_months
    union
    -- of an enterprise as a whole (`-`) any of its outlets
    select
        '{{ grain }}' as grain,
        {{ period_start('month_start_date', grain) }} as period_start,
        {{ scope | join(', ') }},
        '-' as outlet_id
    from monitored_months
    {{ 'union' if not loop.last }}
    {%- endfor %}
),

{%- for grain, settings in longer_periods().items() %}

declared_{{ grain }} as (
    select {{ columns | join(', ') }}
    from declared
    where grain = '{{ grain }}'
        and ({{ scope | join(', ') }}, period_start, coalesce(outlet_id, '-')) not in (
            select
                {{ scope | join(', ') }},
                period_start,
                outlet_id
            from monitored
            where grain = '{{ grain }}'
        )
    {%- if settings.shorter %}

    union all

    select
        shorter.year_start_date,
        {{ period_start('shorter.period_start', grain) }} as period_start,
        {%- for column in scope %}
        shorter.{{ column }},
        {%- endfor %}
        shorter.outlet_id,
        sum(shorter.mass_kg) as mass_kg,
        sum(shorter.days_covered) as days_covered,
        {{ weakest_state('shorter.state') }} as state
    from declared_{{ settings.shorter }} as shorter
    inner join monitored
        on monitored.grain = '{{ grain }}'
            and {{ period_start('shorter.period_start', grain) }} = monitored.period_start
            {%- for column in scope %}
            and shorter.{{ column }} = monitored.{{ column }}
            {%- endfor %}
            and coalesce(shorter.outlet_id, '-') = monitored.outlet_id
    group by
        shorter.year_start_date,
        {{ period_start('shorter.period_start', grain) }},
        {%- for column in scope %}
        shorter.{{ column }},
        {%- endfor %}
        shorter.outlet_id
    {%- endif %}
),
{%- endfor %}

every_period as (
    {%- for grain in longer_periods() %}
    select
        '{{ grain }}' as grain,
        {{ columns | join(', ') }}
    from declared_{{ grain }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- where the water of an enterprise goes that reports it as one: to the environment as soon as one outlet does
water_ways as (
    select
        every_period.grain,
        every_period.period_start,
        every_period.enterprise_id,
        min(case outlets.discharge_kind
            when 'direct' then '1direct'
            when 'indirect' then '2indirect'
            else '3to_other_enterprise'
        end) as way,
        min(outlets.receiving_enterprise_id) as receiving_enterprise_id
    from every_period
    inner join outlets
        on every_period.enterprise_id = outlets.enterprise_id
            and outlets.medium = 'water'
            and outlets.kind <> 'workshop'
            and {{ holds_on('outlets', 'every_period.period_start') }}
    group by every_period.grain, every_period.period_start, every_period.enterprise_id
),

placed as (
    select
        every_period.*,
        outlets.kind as outlet_kind,
        case
            when every_period.outlet_id is not null then outlets.discharge_kind
            when every_period.medium = 'water' then coalesce(substr(water_ways.way, 2), 'direct')
            else 'direct'
        end as discharge_kind,
        case
            when every_period.outlet_id is not null then outlets.receiving_enterprise_id
            when every_period.medium = 'water' and substr(water_ways.way, 2) <> 'direct' then water_ways.receiving_enterprise_id
        end as receiving_enterprise_id,
        memberships.enterprise_id is not null as is_member
    from every_period
    left join outlets
        on every_period.outlet_id = outlets.outlet_id and {{ holds_on('outlets', 'every_period.period_start') }}
    left join water_ways
        on every_period.grain = water_ways.grain
            and every_period.period_start = water_ways.period_start
            and every_period.enterprise_id = water_ways.enterprise_id
    left join memberships
        on every_period.enterprise_id = memberships.enterprise_id and {{ holds_on('memberships', 'every_period.period_start') }}
),

final as (
    select
        year_start_date,
        grain,
        period_start,
        enterprise_id,
        outlet_id,
        outlet_kind,
        medium,
        pollutant_code,
        mass_kg,
        days_covered,
        discharge_kind,
        receiving_enterprise_id,
        coalesce(outlet_kind, '') <> 'workshop' as counts_in_enterprise_total,
        coalesce(outlet_kind, '') <> 'workshop' and discharge_kind = 'direct' and is_member as counts_in_park_total,
        state
    from placed
)

select * from final
