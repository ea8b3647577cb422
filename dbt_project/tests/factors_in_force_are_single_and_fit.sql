{#-
    Of one origin one factor is in force for an item, purpose and date, and it is per the unit that the item is counted in. The
    park's own rows are looked at too: they go before the seed's, but not before each other. Grid factors are chosen by region and
    series, and within these they must be single.
-#}
{{ config(meta={'dagster': {'ref': {'name': 'stg_factors'}}}) }}

with

factors as (
    select
        *,
        case when kind in ('ghg', 'grid') then 'carbon' else kind end as purpose,
        case when kind = 'grid' and origin <> 'park' then region || ' / ' || series end as choice
    from {{ ref('stg_factors') }}
    where is_default or kind = 'grid'
),

parameters as (
    select * from {{ ref('stg_parameters') }}
),

overlapping as (
    select
        one.factor_id,
        'holds together with ' || other.factor_id as finding
    from factors as one
    inner join factors as other
        on one.factor_id < other.factor_id
            and one.origin = other.origin
            and one.item_code = other.item_code
            and one.purpose = other.purpose
            and one.choice is not distinct from other.choice
            and (one.basis = other.basis or 'both' in (one.basis, other.basis) or one.purpose = 'carbon')
            and one.valid_from < coalesce(other.valid_to, {{ end_of_time() }})
            and other.valid_from < coalesce(one.valid_to, {{ end_of_time() }})
),

misfits as (
    select
        factors.factor_id,
        'is per ' || factors.unit_from || ', and not per ' || coalesce(parameters.total_unit, 'nothing') as finding
    from factors
    left join parameters on factors.item_code = parameters.parameter_code
    where coalesce(
            case factors.kind when 'self_produced' then '1' when 'ghg_per_heat' then 'GJ' when 'heat_per_tce' then 'tce' end,
            parameters.total_unit
        ) is distinct from factors.unit_from
)

select * from overlapping
union all
select * from misfits
