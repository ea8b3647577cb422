{#- The oxygen content that an outlet's standard converts a pollutant to, on any day. -#}
with

limits as (
    select
        standard_id,
        parameter_code as pollutant_code,
        -- (27): a standard that states excess air α means the oxygen 21 − 21 / α
        coalesce(reference_o2, 21 - 21 / reference_excess_air) as reference_o2,
        valid_from,
        coalesce(valid_to, {{ end_of_time() }}) as valid_to
    from {{ ref('stg_limits') }}
    where coalesce(reference_o2, reference_excess_air) is not null
),

outlets as (
    select * from {{ ref('int_outlets') }}
),

overlapping as (
    select
        outlets.outlet_id,
        limits.pollutant_code,
        limits.reference_o2,
        greatest(outlets.valid_from, limits.valid_from) as valid_from,
        least(outlets.valid_to, limits.valid_to) as valid_to
    from outlets
    inner join limits
        on outlets.standard_id = limits.standard_id
            and outlets.valid_from < limits.valid_to
            and limits.valid_from < outlets.valid_to
),

-- hourly and daily limits of one standard state the same oxygen
final as (
    select
        outlet_id,
        pollutant_code,
        max(reference_o2) as reference_o2,
        valid_from,
        valid_to
    from overlapping
    group by outlet_id, pollutant_code, valid_from, valid_to
)

select * from final
