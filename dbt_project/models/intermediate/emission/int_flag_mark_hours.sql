{#-
    Hours that the flags of a monitor mark. A mark counts when flags last longer than the outlet's rule says (15 minutes) without a
    break, whatever their labels: short labels that adjoin each other are one mark, and only then is it split by label. A day's
    marks end with the day.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'relation': 'int_changed_enterprise_dates'}},
) }}

with

rules as (
    select
        *,
        {{ validity_end('flag') }} as rule_valid_to
    from {{ ref('stg_monitor_mark_rules') }}
    where flag is not null
),

outlet_points as (
    select * from {{ ref('int_outlet_points') }}
),

validity as (
    select * from {{ ref('int_outlet_validity') }}
),

flagged as (
    select
        outlet_points.enterprise_id,
        outlet_points.outlet_id,
        readings.point_id,
        readings.parameter_code,
        readings.statistic,
        readings.source_kind,
        readings.local_date,
        readings.period_start_utc,
        readings.period_end_utc,
        {{ seconds_between('readings.period_start_utc', 'readings.period_end_utc') }} / 60 as minutes,
        rules.mark_code,
        rules.excludes_from_compliance,
        validity.mark_minutes
    from {{ ref('stg_readings') }} as readings
    inner join outlet_points
        on readings.point_id = outlet_points.point_id and {{ holds_on('outlet_points', 'readings.local_date') }}
    inner join rules
        on readings.flag = rules.flag
            and readings.local_date >= rules.valid_from
            and readings.local_date < rules.rule_valid_to
    inner join validity
        on outlet_points.outlet_id = validity.outlet_id and {{ holds_on('validity', 'readings.local_date') }}
    where readings.source_kind in ('automatic', 'platform_copy')
        and readings.statistic in ('avg', 'rtd', 'cou', 'zs_avg', 'zs_rtd')
        and readings.period_end_utc <= {{ hours_after('readings.period_start_utc', 1) }}
        and {{ on_touched_dates('enterprise', 'readings.local_date', 'int_changed_enterprise_dates') }}
),

touched as (
    select
        *,
        case
            when period_start_utc > lag(period_end_utc) over channel_day or lag(period_end_utc) over channel_day is null then 1
            else 0
        end as begins
    from flagged
    where {{ touched_filter('enterprise', relation='int_changed_enterprise_dates') }}
    window channel_day as (partition by point_id, parameter_code, statistic, source_kind, local_date order by period_start_utc)
),

stretches as (
    select
        *,
        sum(begins) over (
            partition by point_id, parameter_code, statistic, source_kind, local_date
            order by period_start_utc
            rows between unbounded preceding and current row
        ) as stretch_no
    from touched
),

measured as (
    select
        *,
        sum(minutes) over (partition by point_id, parameter_code, statistic, source_kind, local_date, stretch_no) as stretch_minutes
    from stretches
),

labels as (
    select
        enterprise_id,
        outlet_id,
        parameter_code,
        local_date,
        date_trunc('hour', period_start_utc) as hour_start_utc,
        mark_code,
        bool_or(excludes_from_compliance) as excludes_from_compliance,
        row_number() over (
            partition by enterprise_id, outlet_id, parameter_code, local_date, date_trunc('hour', period_start_utc)
            order by sum(minutes) desc, mark_code
        ) as label_rank
    from measured
    where stretch_minutes > mark_minutes
    group by enterprise_id, outlet_id, parameter_code, local_date, date_trunc('hour', period_start_utc), mark_code
),

final as (
    select
        enterprise_id,
        outlet_id,
        parameter_code,
        local_date,
        hour_start_utc,
        max(case when label_rank = 1 then mark_code end) as mark_code,
        bool_or(excludes_from_compliance) as excludes_from_compliance
    from labels
    group by enterprise_id, outlet_id, parameter_code, local_date, hour_start_utc
)

select * from final
