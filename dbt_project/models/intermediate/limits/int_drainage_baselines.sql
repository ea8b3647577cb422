{#- Baseline drainage per product in force on any day: a park's own row goes before the seed's. -#}
with

baselines as (
    select * from {{ ref('stg_drainage_baselines') }}
),

own as (
    select distinct
        standard_id,
        product_kind
    from baselines
    where origin = 'park'
),

final as (
    select
        baselines.standard_id,
        baselines.product_kind,
        baselines.drainage_m3_per_unit,
        baselines.product_unit,
        baselines.source_ref,
        baselines.verification_status,
        baselines.valid_from,
        {{ validity_end('baselines.standard_id, baselines.product_kind') }} as valid_to
    from baselines
    left join own
        on baselines.standard_id = own.standard_id and baselines.product_kind = own.product_kind
    where baselines.origin = 'park' or own.standard_id is null
)

select * from final
