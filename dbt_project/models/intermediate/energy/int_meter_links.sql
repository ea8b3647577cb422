with

links as (
    select * from {{ ref('stg_meter_links') }}
),

final as (
    select
        point_id,
        nullif(parent_point_id, '-') as parent_point_id,
        role,
        share,
        formula,
        valid_from,
        {{ validity_end('point_id, parent_point_id') }} as valid_to
    from links
)

select * from final
