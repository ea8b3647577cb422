{#-
    Whom a point's readings concern: the enterprise that owns it or owned it, those its flow goes to, those that share its
    outlet or meter, and the same of every meter above it or computed from it. Superseded register rows count, so that
    whoever has lost a quantity is rebuilt too. A superset is harmless, a gap is not.
-#}
with

points as (
    select
        point_id,
        enterprise_id,
        outlet_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ source('landing', 'point') }}
),

meter_links as (
    select
        *,
        coalesce(valid_to, cast('9999-12-31' as date)) as link_end
    from {{ source('landing', 'meter_link') }}
),

flow_links as (
    select
        *,
        coalesce(valid_to, cast('9999-12-31' as date)) as link_end
    from {{ source('landing', 'flow_link') }}
),

allocations as (
    select
        *,
        coalesce(valid_to, cast('9999-12-31' as date)) as link_end
    from {{ source('landing', 'allocation') }}
),

outlets as (
    select
        *,
        coalesce(valid_to, cast('9999-12-31' as date)) as outlet_end
    from {{ source('landing', 'outlet') }}
),

-- from a point to the points whose figures contain it
steps as (
    select
        point_id,
        parent_point_id as next_point_id,
        valid_from,
        link_end as valid_to
    from meter_links
    where parent_point_id <> '-'
    union all
    select
        points.point_id,
        meter_links.point_id as next_point_id,
        meter_links.valid_from,
        meter_links.link_end as valid_to
    from meter_links
    inner join points
        on meter_links.formula like '%' || points.point_id || '%'
            and meter_links.point_id <> points.point_id
    union all
    select
        point_id,
        target_id as next_point_id,
        valid_from,
        link_end as valid_to
    from flow_links
    where target_kind = 'point'
),

-- trees of meters are shallow: a virtual meter of virtual meters under a main meter is three steps
reached_0 as (
    select distinct
        point_id,
        point_id as next_point_id,
        cast('0001-01-01' as date) as valid_from,
        cast('9999-12-31' as date) as valid_to
    from points
),

{% for depth in [1, 2, 3] %}
reached_{{ depth }} as (
    select distinct
        reached.point_id,
        steps.next_point_id,
        greatest(reached.valid_from, steps.valid_from) as valid_from,
        least(reached.valid_to, steps.valid_to) as valid_to
    from reached_{{ depth - 1 }} as reached
    inner join steps
        on reached.next_point_id = steps.point_id
            and reached.valid_from < steps.valid_to
            and steps.valid_from < reached.valid_to
),
{% endfor %}

reached as (
    {%- for depth in [0, 1, 2, 3] %}
    select * from reached_{{ depth }}
    {{ 'union' if not loop.last }}
    {%- endfor %}
),

-- from a point to enterprises, in one step
concerned as (
    select
        point_id,
        coalesce(enterprise_id, '-') as enterprise_id,
        valid_from,
        valid_to
    from points
    union
    select
        point_id,
        target_id as enterprise_id,
        valid_from,
        link_end as valid_to
    from flow_links
    where target_kind = 'enterprise'
    union
    select
        source_id as point_id,
        enterprise_id,
        valid_from,
        link_end as valid_to
    from allocations
    where source_kind = 'point'
    union
    select
        points.point_id,
        allocations.enterprise_id,
        greatest(points.valid_from, allocations.valid_from) as valid_from,
        least(points.valid_to, allocations.link_end) as valid_to
    from points
    inner join allocations on allocations.source_kind = 'outlet' and points.outlet_id = allocations.source_id
    union
    select
        points.point_id,
        outlets.enterprise_id,
        greatest(points.valid_from, outlets.valid_from) as valid_from,
        least(points.valid_to, outlets.outlet_end) as valid_to
    from points
    inner join outlets on points.outlet_id = outlets.outlet_id
    union
    select
        points.point_id,
        outlets.receiving_enterprise_id as enterprise_id,
        greatest(points.valid_from, outlets.valid_from) as valid_from,
        least(points.valid_to, outlets.outlet_end) as valid_to
    from points
    inner join outlets on points.outlet_id = outlets.outlet_id
    where outlets.receiving_enterprise_id is not null
),

final as (
    select distinct
        reached.point_id,
        concerned.enterprise_id,
        greatest(reached.valid_from, concerned.valid_from) as valid_from,
        least(reached.valid_to, concerned.valid_to) as valid_to
    from reached
    inner join concerned on reached.next_point_id = concerned.point_id
    where reached.valid_from < concerned.valid_to
        and concerned.valid_from < reached.valid_to
)

select * from final
