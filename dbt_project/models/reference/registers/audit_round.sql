with

register as (
    select * from {{ ref('stg_audit_rounds') }}
),

final as (
    select
        park_id,
        round_id,
        enterprise_id,
        kind,
        listed_on,
        period_start,
        period_end,
        no_low_limit_cny,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
