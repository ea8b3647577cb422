with

register as (
    select * from {{ ref('stg_permit_limits') }}
),

final as (
    select
        park_id,
        permit_id,
        subject_kind,
        subject_id,
        parameter_code,
        limit_kind,
        limit_value,
        unit,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
