{#-
    The ledger brought to points and dates, before cumulative meters widen it. What was said of outlets, enterprises and the
    rest concerns no table of points: int_touched_enterprise_dates takes it from the ledger itself.
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
        {{ is_measurement_cause('cause') }} as is_measurement_change
    from {{ source('landing', 'touched') }}
    {%- if lowest is none %}
    -- no incremental model stands: all will be built whole
    where 1 = 0
    {%- else %}
    where change_seq > {{ lowest }} and change_seq <= {{ through_change_seq() }}
    {%- endif %}
),

points_ever as (
    select distinct point_id from {{ source('landing', 'point') }}
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
        changes.date_from,
        changes.date_to,
        changes.change_seq,
        changes.is_measurement_change
    from changes
    cross join points_ever
    where changes.entity_kind = 'park'
        and changes.is_measurement_change
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
