with

outlets as (
    select * from {{ ref('stg_outlets') }}
),

final as (
    select
        outlet_id,
        enterprise_id,
        medium,
        kind,
        discharge_kind,
        receiving_enterprise_id,
        standard_id,
        valid_from,
        {{ validity_end('outlet_id') }} as valid_to
    from outlets
)

select * from final
