{{ config(materialized='table') }}

with

span as (
    select * from {{ ref('int_data_span') }}
),

dates as (
    {{ date_series('(select first_date from span)', '(select last_date from span)') }}
),

midnights as (
    select
        local_date,
        {{ local_midnight_utc('local_date') }} as day_start_utc,
        {{ local_midnight_utc(days_after('local_date', 1)) }} as day_end_utc
    from dates
),

final as (
    select
        local_date,
        day_start_utc,
        day_end_utc,
        cast({{ seconds_between('day_start_utc', 'day_end_utc') }} / 60 as integer) as minutes
    from midnights
)

select * from final
