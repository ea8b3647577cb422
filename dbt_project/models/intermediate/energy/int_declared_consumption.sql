{#-
    Consumption as enterprises declare it, part by part: the whole of an enterprise (process_id null) and its processes. Who declares
    processes only has their sum for a whole.
-#}
{%- set parts = consumption_parts().keys() | list + ['consumed', 'recycled'] %}
{%- set key = ['enterprise_id', 'item_code', 'unit', 'grain', 'period_start', 'period_end'] %}

with

reports as (
    select * from {{ ref('int_self_report_periods') }}
    where medium in ('{{ parts | join("', '") }}')
        and outlet_id is null
        and product_code is null
),

by_process as (
    select
        {{ key | join(', ') }},
        process_id,
        {%- for part in parts %}
        sum(case when medium = '{{ part }}' then value end) as {{ part }},
        {%- endfor %}
        min(days_covered) as days_covered
    from reports
    group by {{ key | join(', ') }}, process_id
),

sums_of_processes as (
    select
        {{ key | join(', ') }},
        cast(null as varchar) as process_id,
        {%- for part in parts %}
        sum({{ part }}) as {{ part }},
        {%- endfor %}
        min(days_covered) as days_covered
    from by_process
    group by {{ key | join(', ') }}
    -- the enterprise's own figure for its whole goes before the sum of some of its processes
    having count(*) = count(process_id)
),

every_row as (
    select * from by_process
    union all
    select * from sums_of_processes
),

final as (
    select
        cast(date_trunc('year', period_start) as date) as year_start_date,
        {{ key | join(', ') }},
        process_id,
        {{ parts | join(', ') }},
        cast(0 as double) as measured_gross,
        cast(0 as double) as substituted_gross,
        cast(0 as double) as estimated_gross,
        -- what is declared as consumed without its parts is a quantity without parts
        coalesce(
            {{ gross_of_parts() }},
            abs(consumed),
            0
        ) + coalesce(abs(recycled), 0) as self_reported_gross,
        days_covered * cast(24 as double) as covered_hours,
        {{ days_between('period_start', 'period_end') }} * cast(24 as double) as expected_hours
    from every_row
)

select * from final
