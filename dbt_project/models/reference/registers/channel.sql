with

register as (
    select * from {{ ref('stg_channels') }}
),

final as (
    select
        park_id,
        point_id,
        parameter_code,
        basis,
        range_min,
        range_max,
        detection_limit,
        register_kind,
        multiplier,
        digits,
        step_minutes,
        flow_item,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
