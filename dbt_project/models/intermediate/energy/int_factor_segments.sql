{#-
    The factors in force for an item on any day, as stretches of dates on which none of them changes. A park's own row goes
    before the seed's. Of grid factors those of the region and series hold that the park has chosen (int_regional_choices), so that
    one series speaks at a time. A factor for another unit than the item is counted in is not in force: it would be a wrong number.
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

choices as (
    select * from {{ ref('int_regional_choices') }}
    where topic = 'grid_factor'
),

every_factor as (
    select
        factor_id,
        kind,
        item_code,
        basis,
        region,
        series,
        unit_from,
        value,
        is_default,
        origin,
        verification_status,
        valid_from,
        coalesce(valid_to, {{ end_of_time() }}) as valid_to
    from {{ ref('stg_factors') }}
),

chosen as (
    select
        factor_id,
        kind,
        item_code,
        basis,
        unit_from,
        value,
        origin,
        verification_status,
        valid_from,
        valid_to
    from every_factor
    where is_default and (kind <> 'grid' or origin = 'park')

    union all

    select
        every_factor.factor_id,
        every_factor.kind,
        every_factor.item_code,
        every_factor.basis,
        every_factor.unit_from,
        every_factor.value,
        every_factor.origin,
        every_factor.verification_status,
        greatest(every_factor.valid_from, choices.valid_from) as valid_from,
        least(every_factor.valid_to, choices.valid_to) as valid_to
    from every_factor
    inner join choices
        on every_factor.item_code = choices.item_code
            and every_factor.region = choices.region
            and every_factor.series = choices.series
            and every_factor.valid_from < choices.valid_to
            and choices.valid_from < every_factor.valid_to
    where every_factor.kind = 'grid' and every_factor.origin <> 'park'
),

factors as (
    select
        chosen.*,
        -- where the gas leaves: at the consumer's own stack or at a supplier's (GHG Protocol scopes 1 and 2)
        case
            when chosen.kind = 'grid' or chosen.basis in ('purchased', 'contract') then 'scope_2'
            when chosen.kind = 'ghg' then 'scope_1'
        end as scope
    from chosen
    inner join items on chosen.item_code = items.item_code
    where chosen.unit_from = case when chosen.kind = 'self_produced' then '1' else items.unit end
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
        by_purpose.scope,
        by_purpose.verification_status,
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
        max(scope) as co2e_scope,
        {{ weakest_verification('verification_status') }} as verification_status,
        valid_to
    from ranked
    where choice = 1
    group by item_code, valid_from, valid_to
)

select * from final
