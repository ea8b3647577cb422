{#-
    The factors in force for an item on any day, as stretches of dates on which none of them changes. A park's own row goes
    before the seed's. A factor for another unit than the item is counted in is not in force: it would be a wrong number.
-#}
{%- set purposes = ['tce_calorific', 'tce_primary', 'tce_working_medium', 'co2e', 'own_energy', 'own_carbon'] %}

with

items as (
    select distinct
        item_code,
        item_kind,
        unit
    from {{ ref('int_consumption_items') }}
),

factors as (
    select
        factors.item_code,
        factors.factor_id,
        factors.kind,
        factors.basis,
        factors.value,
        factors.origin,
        factors.valid_from,
        coalesce(factors.valid_to, {{ end_of_time() }}) as valid_to
    from {{ ref('stg_factors') }} as factors
    inner join items on factors.item_code = items.item_code
    where factors.is_default
        and factors.unit_from = case when factors.kind = 'self_produced' then '1' else items.unit end
),

by_purpose as (
    {%- for purpose, condition in {
        'tce_calorific': "kind = 'tce' and basis in ('calorific', 'both')",
        'tce_primary': "kind = 'tce' and basis in ('primary', 'both')",
        'tce_working_medium': "kind = 'tce_working_medium'",
        'co2e': "kind in ('ghg', 'grid')",
        'own_energy': "kind = 'self_produced' and basis in ('energy', 'both')",
        'own_carbon': "kind = 'self_produced' and basis in ('carbon', 'both')",
    }.items() %}
    select
        '{{ purpose }}' as purpose,
        *
    from factors
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

boundaries as (
    select
        item_code,
        valid_from as boundary
    from by_purpose
    union
    select
        item_code,
        valid_to as boundary
    from by_purpose
),

segments as (
    select
        item_code,
        boundary as valid_from,
        lead(boundary) over (partition by item_code order by boundary) as valid_to
    from boundaries
),

ranked as (
    select
        segments.item_code,
        segments.valid_from,
        segments.valid_to,
        by_purpose.purpose,
        by_purpose.factor_id,
        by_purpose.value,
        row_number() over (
            partition by segments.item_code, segments.valid_from, by_purpose.purpose
            order by case by_purpose.origin when 'park' then 0 else 1 end asc, by_purpose.valid_from desc, by_purpose.factor_id asc
        ) as choice
    from segments
    inner join by_purpose
        on segments.item_code = by_purpose.item_code
            and segments.valid_from >= by_purpose.valid_from
            and segments.valid_from < by_purpose.valid_to
    where segments.valid_to is not null
),

final as (
    select
        item_code,
        valid_from,
        {%- for purpose in purposes %}
        max(case when purpose = '{{ purpose }}' then value end) as {{ purpose }},
        max(case when purpose = '{{ purpose }}' then factor_id end) as {{ purpose }}_factor_id,
        {%- endfor %}
        valid_to
    from ranked
    where choice = 1
    group by item_code, valid_from, valid_to
)

select * from final
