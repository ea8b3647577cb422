with

allocations as (
    select * from {{ ref('stg_allocations') }}
),

final as (
    select
        source_kind,
        source_id,
        enterprise_id,
        share,
        valid_from,
        {{ validity_end('source_kind, source_id, enterprise_id') }} as valid_to
    from allocations
)

select * from final
