{#- Which process each measured outlet of air belongs to, by the points that measure it now or did last. -#}
with

outlet_points as (
    select * from {{ ref('int_outlet_points') }}
    where medium = 'air'
),

points as (
    select * from {{ ref('int_point_owners') }}
),

processes as (
    select
        process_id,
        max_by(process_code, valid_from) as process_code
    from {{ ref('int_processes') }}
    group by process_id
),

placed as (
    select
        outlet_points.outlet_id,
        max_by(outlet_points.enterprise_id, outlet_points.valid_from) as enterprise_id,
        max_by(points.process_id, outlet_points.valid_from) as process_id
    from outlet_points
    inner join points
        on outlet_points.point_id = points.point_id
            and outlet_points.valid_from < points.valid_to
            and points.valid_from < outlet_points.valid_to
    group by outlet_points.outlet_id
),

final as (
    select
        placed.enterprise_id,
        placed.outlet_id,
        placed.process_id,
        processes.process_code
    from placed
    left join processes on placed.process_id = processes.process_id
)

select * from final
