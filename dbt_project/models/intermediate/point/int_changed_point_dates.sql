{#-
    The ledger brought to points and dates, before cumulative meters widen it. Register rows are read with their
    superseded versions: the owner a point has lost must be rebuilt as much as the one it has gained.
-#}
{{ config(materialized='table') }}

{%- set lowest = lowest_watermark() %}

with

changes as (
    select
        entity_kind,
        entity_id,
        date_from,
        date_to,
        change_seq,
        cause in ('{{ measurement_causes() | join("', '") }}') as is_measurement_change
    from {{ source('landing', 'touched') }}
    {%- if lowest is none %}
    -- no incremental model stands: all will be built whole
    where 1 = 0
    {%- else %}
    where change_seq > {{ lowest }} and change_seq <= {{ through_change_seq() }}
    {%- endif %}
),

points_ever as (
    select distinct
        point_id,
        enterprise_id,
        outlet_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ source('landing', 'point') }}
),

ranges as (
    select
        entity_id as point_id,
        date_from,
        date_to,
        change_seq,
        is_measurement_change
    from changes
    where entity_kind = 'point'
    union all
    select
        points_ever.point_id,
        greatest(changes.date_from, points_ever.valid_from) as date_from,
        least(changes.date_to, points_ever.valid_to) as date_to,
        changes.change_seq,
        changes.is_measurement_change
    from changes
    inner join points_ever
        on (changes.entity_kind = 'outlet' and changes.entity_id = points_ever.outlet_id)
            or (changes.entity_kind = 'enterprise' and changes.entity_id = points_ever.enterprise_id)
    union all
    select
        every_point.point_id,
        changes.date_from,
        changes.date_to,
        changes.change_seq,
        changes.is_measurement_change
    from changes
    cross join (select distinct point_id from points_ever) as every_point
    where changes.entity_kind = 'park'
),

days as (
    select local_date from {{ ref('int_local_days') }}
),

final as (
    select
        ranges.point_id,
        days.local_date,
        ranges.is_measurement_change,
        max(ranges.change_seq) as change_seq
    from ranges
    inner join days on days.local_date between ranges.date_from and ranges.date_to
    group by ranges.point_id, days.local_date, ranges.is_measurement_change
)

select * from final
