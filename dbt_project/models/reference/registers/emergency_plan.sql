with

register as (
    select * from {{ ref('stg_emergency_plans') }}
),

final as (
    select
        park_id,
        enterprise_id,
        plan_id,
        filed_on,
        expires_on,
        evidence_sha256,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
