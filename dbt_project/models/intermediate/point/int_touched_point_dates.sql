{#-
    What must be rebuilt at the level of points. A change on one day of a cumulative meter also alters the difference that
    leads into that day, which is kept under the date of the reading before it. The day after needs nothing: a difference is
    kept under its beginning, and its beginning has not changed.
-#}
{{ config(materialized='table') }}

with

changed as (
    select * from {{ ref('int_changed_point_dates') }}
),

changed_points as (
    select distinct point_id from changed
    where is_measurement_change
),

first_changed as (
    select min(local_date) as local_date from changed
    where is_measurement_change
),

register_days as (
    select
        point_id,
        parameter_code,
        source_kind,
        local_date
    from {{ ref('int_register_days') }}
    where point_id in (select point_id from changed_points)
),

-- of the days before all changes only the last one can matter
candidate_days as (
    select * from register_days
    where local_date >= (select local_date from first_changed)
    union all
    select
        point_id,
        parameter_code,
        source_kind,
        max(local_date) as local_date
    from register_days
    where local_date < (select local_date from first_changed)
    group by point_id, parameter_code, source_kind
),

registers as (
    select distinct
        point_id,
        parameter_code,
        source_kind
    from register_days
),

timeline as (
    select
        point_id,
        parameter_code,
        source_kind,
        local_date,
        local_date as register_date,
        cast(null as bigint) as change_seq
    from candidate_days
    union all
    select
        registers.point_id,
        registers.parameter_code,
        registers.source_kind,
        changed.local_date,
        cast(null as date) as register_date,
        changed.change_seq
    from changed
    inner join registers on changed.point_id = registers.point_id
    where changed.is_measurement_change
),

looked_back as (
    select
        point_id,
        change_seq,
        max(register_date) over (
            partition by point_id, parameter_code, source_kind
            order by local_date
            range between unbounded preceding and interval 1 day preceding
        ) as previous_register_date
    from timeline
),

every_date as (
    select
        point_id,
        local_date,
        is_measurement_change,
        change_seq
    from changed
    union all
    select
        point_id,
        previous_register_date as local_date,
        true as is_measurement_change,
        change_seq
    from looked_back
    where change_seq is not null
        and previous_register_date is not null
),

final as (
    select
        point_id,
        local_date,
        is_measurement_change,
        max(change_seq) as change_seq
    from every_date
    group by point_id, local_date, is_measurement_change
)

select * from final
