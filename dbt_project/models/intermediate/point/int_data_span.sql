{#-
    Bounds for ranges without end, and for the calendar of absences. Superseded rows count for the first: their dates may
    still have to be emptied. A period dated more than a day after it became known is an error of its file: it has its own date
    among `int_local_days`, but the park's calendar does not run ahead to it.
-#}
{{ config(materialized='table') }}

with

measured as (
    select
        min(local_date) as first_date,
        max(local_date) as last_date,
        min(local_date) filter (
            where known_to is null and local_date >= cast('{{ var("history_begins") }}' as date)
        ) as first_calendar_date,
        max(local_date) filter (
            where known_to is null and local_date <= {{ days_after('cast(known_from as date)', 1) }}
        ) as last_calendar_date
    from {{ source('landing', 'reading') }}
),

metered as (
    select
        min(event_date) as first_date,
        max(event_date) as last_date
    from {{ source('landing', 'meter_event') }}
),

reported as (
    select
        min(period_start) as first_date,
        {{ days_after('max(period_end)', -1) }} as last_date
    from {{ source('landing', 'self_report') }}
),

moved as (
    select
        min(moved_on) as first_date,
        max(moved_on) as last_date
    from {{ source('landing', 'waste_movement') }}
),

bounds as (
    select
        first_date,
        last_date
    from measured
    union all
    select
        first_date,
        last_date
    from metered
    union all
    select
        first_date,
        last_date
    from reported
    union all
    select
        first_date,
        last_date
    from moved
),

outermost as (
    select
        min(first_date) as first_date,
        max(last_date) as last_date
    from bounds
),

final as (
    select
        outermost.first_date,
        outermost.last_date,
        measured.first_calendar_date,
        measured.last_calendar_date
    from outermost
    cross join measured
)

select * from final
