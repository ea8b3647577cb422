with

register as (
    select * from {{ ref('stg_meter_events') }}
),

final as (
    select
        park_id,
        point_id,
        parameter_code,
        event_at_utc,
        event_kind,
        event_date,
        final_register,
        initial_register,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
