{#- To whom a point's flow goes: a link names an enterprise, or the point where it arrives and through that its owner. -#}
with

links as (
    select
        point_id,
        target_kind,
        target_id,
        medium as item_code,
        valid_from,
        {{ validity_end('point_id, target_kind, target_id, medium') }} as valid_to
    from {{ ref('stg_flow_links') }}
),

owners as (
    select * from {{ ref('int_point_owners') }}
),

to_points as (
    select
        links.point_id,
        links.item_code,
        coalesce(owners.enterprise_id, '-') as receiver_id,
        links.target_id as receiving_point_id,
        owners.process_id as receiving_process_id,
        greatest(links.valid_from, owners.valid_from) as valid_from,
        least(links.valid_to, owners.valid_to) as valid_to
    from links
    inner join owners
        on links.target_id = owners.point_id
            and links.valid_from < owners.valid_to
            and owners.valid_from < links.valid_to
    where links.target_kind = 'point'
),

to_enterprises as (
    select
        point_id,
        item_code,
        target_id as receiver_id,
        cast(null as varchar) as receiving_point_id,
        cast(null as varchar) as receiving_process_id,
        valid_from,
        valid_to
    from links
    where target_kind = 'enterprise'
),

final as (
    select * from to_points
    union all
    select * from to_enterprises
)

select * from final
