{#- Each thing that some enterprise's figures hold and the park's do not, so that park = Σ enterprises − eliminations. -#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'park', 'period': 'year', 'date': 'month_start_date', 'relation': 'int_touched_enterprise_periods'}},
) }}

{%- set relation = 'int_touched_enterprise_periods' %}
{%- set measures = ['quantity', 'received', 'sent'] + transferred_measures().values() | list %}

with

memberships as (
    select * from {{ ref('int_memberships_and_park') }}
),

transfers as (
    select
        {{ period_start('local_date', 'month') }} as month_start_date,
        from_enterprise_id,
        to_enterprise_id,
        delivery_point_id,
        item_code,
        unit,
        {{ measures | join(', ') }}
    from {{ ref('int_internal_transfers_daily') }}
    where {{ touched_filter('park', relation=relation) }}
    union all
    select
        period_start as month_start_date,
        from_enterprise_id,
        to_enterprise_id,
        delivery_point_id,
        item_code,
        unit,
        {{ measures | join(', ') }}
    from {{ ref('int_internal_transfers_long') }}
    where grain = 'month' and {{ touched_filter('park', date='period_start', relation=relation) }}
),

consumption as (
    select
        {{ period_start('local_date', 'month') }} as month_start_date,
        local_date as held_on,
        enterprise_id,
        item_code,
        unit,
        {{ measures | join(', ') }}
    from {{ ref('enterprise_consumption_daily') }}
    where process_id is null and {{ touched_filter('park', relation=relation) }}
    union all
    select
        period_start as month_start_date,
        period_start as held_on,
        enterprise_id,
        item_code,
        unit,
        {{ measures | join(', ') }}
    from {{ ref('int_consumption_long') }}
    where grain = 'month' and process_id is null and {{ touched_filter('park', date='period_start', relation=relation) }}
),

outsiders as (
    select consumption.*
    from consumption
    left join memberships
        on consumption.enterprise_id = memberships.enterprise_id and {{ holds_on('memberships', 'consumption.held_on') }}
    where memberships.enterprise_id is null
),

emissions as (
    select * from {{ ref('enterprise_emission_monthly') }}
    where counts_in_enterprise_total
        and not counts_in_park_total
        and mass_kg is not null
        and {{ touched_filter('park', date='month_start_date', relation=relation) }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        month_start_date,
        'consumption' as mart,
        'internal_transfer' as elimination_kind,
        from_enterprise_id,
        to_enterprise_id,
        delivery_point_id as source_id,
        cast(null as varchar) as medium,
        item_code,
        unit,
        {{ sums_of(measures) }}
    from transfers
    group by month_start_date, from_enterprise_id, to_enterprise_id, delivery_point_id, item_code, unit

    union all

    select
        cast('{{ park_id() }}' as varchar) as park_id,
        month_start_date,
        'consumption' as mart,
        'not_in_park' as elimination_kind,
        enterprise_id as from_enterprise_id,
        cast(null as varchar) as to_enterprise_id,
        cast(null as varchar) as source_id,
        cast(null as varchar) as medium,
        item_code,
        unit,
        {{ sums_of(measures) }}
    from outsiders
    group by month_start_date, enterprise_id, item_code, unit

    union all

    select
        cast('{{ park_id() }}' as varchar) as park_id,
        month_start_date,
        'emission' as mart,
        case discharge_kind
            when 'indirect' then 'indirect_discharge'
            when 'to_other_enterprise' then 'transfer_to_other_enterprise'
            else 'not_in_park'
        end as elimination_kind,
        enterprise_id as from_enterprise_id,
        receiving_enterprise_id as to_enterprise_id,
        outlet_id as source_id,
        medium,
        pollutant_code as item_code,
        'kg' as unit,
        sum(mass_kg) as quantity,
        {{ nothing_for(measures[1:]) }}
    from emissions
    group by
        month_start_date,
        case discharge_kind
            when 'indirect' then 'indirect_discharge'
            when 'to_other_enterprise' then 'transfer_to_other_enterprise'
            else 'not_in_park'
        end,
        enterprise_id,
        receiving_enterprise_id,
        outlet_id,
        medium,
        pollutant_code
)

select * from final
