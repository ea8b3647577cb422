{#- Carbon of processes per unit of material or product, in force on any day: a park's own row goes before the seed's of the same rule. -#}
with

rules as (
    select * from {{ ref('stg_process_carbon_rules') }}
),

own as (
    select distinct rule_id from rules
    where origin = 'park'
),

final as (
    select
        rule_id,
        sector_code,
        activity,
        subject_code,
        unit,
        co2_t_per_unit,
        source_ref,
        verification_status,
        valid_from,
        {{ validity_end('rule_id') }} as valid_to
    from rules
    where origin = 'park' or rule_id not in (select rule_id from own)
)

select * from final
