with

register as (
    select * from {{ ref('stg_monitor_marks') }}
),

final as (
    select
        park_id,
        outlet_id,
        mark_code,
        parameter_code,
        begins_at_utc,
        ends_at_utc,
        evidence_sha256,
        note,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
