{#-
    Water of enterprises, their processes and the park at a longer period: what is taken in fresh, reclaimed from outside, used again, passed
    on and discharged. Which items are fresh water stands in reference.item_group; softened or deionised water is made of it and is
    no second intake.
-#}
{% macro water_of(entity, grain) -%}
{%- set column = longer_periods()[grain].column -%}
{%- set suffix = longer_periods()[grain].suffix -%}
{%- set relation = 'int_touched_enterprise_periods' -%}
{%- set key = ['enterprise_id', 'process_id'] if entity == 'enterprise' else [] -%}
{%- set counts = 'counts_in_enterprise_total' if entity == 'enterprise' else 'counts_in_park_total' -%}
with

groups as (
    select
        item_group,
        item_code,
        valid_from,
        coalesce(valid_to, {{ end_of_time() }}) as valid_to
    from {{ ref('stg_item_groups') }}
    where item_group in ('fresh_water', 'reclaimed_water', 'recycled_water')
),

consumption as (
    select * from {{ ref(entity ~ '_consumption_' ~ suffix) }}
    where item_kind = 'water' and {{ touched_filter(entity, date=column, relation=relation) }}
),

grouped as (
    select
        {%- for name in key %}
        consumption.{{ name }},
        {%- endfor %}
        consumption.{{ column }},
        groups.item_group,
        consumption.quantity,
        consumption.recycled,
        consumption.received,
        consumption.sent,
        consumption.measured_share,
        consumption.completeness_share,
        consumption.state
    from consumption
    inner join groups
        on consumption.item_code = groups.item_code and {{ holds_on('groups', 'consumption.' ~ column) }}
),

summed as (
    select
        {%- for name in key %}
        {{ name }},
        {%- endfor %}
        {{ column }},
        sum(case when item_group = 'fresh_water' then quantity end) as fresh_m3,
        sum(case when item_group = 'reclaimed_water' then quantity end) as reclaimed_m3,
        sum(case
            when item_group = 'recycled_water' and coalesce(recycled, quantity) is not null then coalesce(recycled, 0) + coalesce(quantity, 0)
        end) as recycled_m3,
        sum(case when item_group <> 'recycled_water' then received end) as received_m3,
        sum(case when item_group <> 'recycled_water' then sent end) as sent_m3,
        sum(case when item_group = 'fresh_water' then quantity * measured_share end)
        / nullif(sum(case when item_group = 'fresh_water' then quantity end), 0) as measured_share,
        min(case when item_group = 'fresh_water' then completeness_share end) as completeness_share,
        {{ weakest_state('state') }} as state
    from grouped
    group by {{ (key + [column]) | join(', ') }}
),

-- an outlet's flow stands beside each of its pollutants and counts once; water of a process is nobody's outlet
outlets as (
    select
        {{ "enterprise_id," if entity == 'enterprise' }}
        outlet_id,
        {{ column }},
        max(flow_m3) as flow_m3
    from {{ ref(entity ~ '_emission_' ~ suffix) }}
    where medium = 'water' and outlet_id is not null and {{ counts }}
        and {{ touched_filter(entity, date=column, relation=relation) }}
    group by {{ "enterprise_id, " if entity == 'enterprise' }}outlet_id, {{ column }}
),

discharged as (
    select
        {%- if entity == 'enterprise' %}
        enterprise_id,
        cast(null as varchar) as process_id,
        {%- endif %}
        {{ column }},
        sum(flow_m3) as wastewater_m3
    from outlets
    group by {{ "enterprise_id, " if entity == 'enterprise' }}{{ column }}
),

joined as (
    select
        {%- for name in key + [column] %}
        coalesce(summed.{{ name }}, discharged.{{ name }}) as {{ name }},
        {%- endfor %}
        summed.fresh_m3,
        summed.reclaimed_m3,
        summed.recycled_m3,
        summed.received_m3,
        summed.sent_m3,
        discharged.wastewater_m3,
        summed.measured_share,
        summed.completeness_share,
        summed.state
    from summed
    full outer join discharged
        on summed.{{ column }} = discharged.{{ column }}
        {%- for name in key %}
            and summed.{{ name }} is not distinct from discharged.{{ name }}
        {%- endfor %}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        {%- for name in key %}
        {{ name }},
        {%- endfor %}
        {{ column }},
        fresh_m3,
        reclaimed_m3,
        recycled_m3,
        received_m3,
        sent_m3,
        wastewater_m3,
        recycled_m3 / nullif(recycled_m3 + fresh_m3, 0) as reuse_share,
        -- what neither stays in pipes nor comes out of them: evaporated, in products, leaked
        fresh_m3 + coalesce(reclaimed_m3, 0) - wastewater_m3 as consumed_m3,
        {{ share_or_null('measured_share') }} as measured_share,
        completeness_share,
        coalesce(state, 'missing') as state
    from joined
)

select * from final
{%- endmacro %}
