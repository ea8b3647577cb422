{#- The hours of marks that somebody filed: what is filed goes before what a flag says. Of several marks of an hour the gravest counts. -#}
with

rules as (
    select
        *,
        {{ validity_end('mark_code') }} as rule_valid_to
    from {{ ref('stg_monitor_mark_rules') }}
),

marks as (
    select
        marks.outlet_id,
        marks.parameter_code,
        marks.begins_at_utc,
        coalesce(marks.ends_at_utc, cast('9999-12-31' as timestamp)) as ends_at_utc,
        marks.valid_from,
        coalesce(marks.valid_to, {{ end_of_time() }}) as valid_to,
        rules.mark_code,
        rules.period_kind,
        rules.is_stopped,
        rules.excludes_from_compliance
    from {{ ref('stg_monitor_marks') }} as marks
    inner join rules
        on marks.mark_code = rules.mark_code
            and marks.valid_from >= rules.valid_from
            and marks.valid_from < rules.rule_valid_to
),

hour_numbers as (
    select 0 as hour_no
    {%- for number in range(1, 25) %}
    union all
    select {{ number }}
    {%- endfor %}
),

day_hours as (
    select
        days.local_date,
        {{ hours_after("date_trunc('hour', days.day_start_utc)", '(hour_numbers.hour_no)') }} as hour_start_utc
    from {{ ref('int_local_days') }} as days
    cross join hour_numbers
    where {{ hours_after("date_trunc('hour', days.day_start_utc)", '(hour_numbers.hour_no)') }} < days.day_end_utc
        and days.local_date >= (select min(valid_from) from marks)
        and days.local_date < (select max(valid_to) from marks)
),

final as (
    select
        marks.outlet_id,
        marks.parameter_code,
        day_hours.local_date,
        day_hours.hour_start_utc,
        substr(
            min(concat(case when marks.is_stopped then '0' when marks.period_kind = 'out_of_control' then '1' else '2' end, marks.mark_code)), 2
        ) as mark_code,
        bool_or(marks.is_stopped) as is_stopped,
        bool_or(marks.excludes_from_compliance) as excludes_from_compliance,
        max(case when marks.period_kind = 'out_of_control' then 1 else 0 end) as is_out_of_control
    from marks
    inner join day_hours
        on day_hours.local_date >= marks.valid_from
            and day_hours.local_date < marks.valid_to
            and day_hours.hour_start_utc < marks.ends_at_utc
            and {{ hours_after('day_hours.hour_start_utc', 1) }} > marks.begins_at_utc
    group by marks.outlet_id, marks.parameter_code, day_hours.local_date, day_hours.hour_start_utc
)

select * from final
