{#- Which outlet a point measures, and what that outlet was, on any day. -#}
with

points as (
    select * from {{ ref('int_point_owners') }}
    where outlet_id is not null
),

outlets as (
    select * from {{ ref('int_outlets') }}
),

final as (
    select
        points.point_id,
        outlets.outlet_id,
        outlets.enterprise_id,
        outlets.medium,
        outlets.kind as outlet_kind,
        outlets.standard_id,
        greatest(points.valid_from, outlets.valid_from) as valid_from,
        least(points.valid_to, outlets.valid_to) as valid_to
    from points
    inner join outlets
        on points.outlet_id = outlets.outlet_id
            and points.valid_from < outlets.valid_to
            and outlets.valid_from < points.valid_to
)

select * from final
