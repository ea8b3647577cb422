with

register as (
    select * from {{ ref('stg_measure_meters') }}
),

final as (
    select
        park_id,
        measure_id,
        point_id,
        parameter_code,
        share,
        driver_code,
        valid_from,
        valid_to,
        delivery_id,
        source_row,
        known_from
    from register
)

select * from final
