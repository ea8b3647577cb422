{#-
    What is measured or declared of a property over a longer period: how much sulfur a fuel holds, how much of the time treatment ran. The
    mean of the days that were sampled; what is declared speaks where none was.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'year', 'date': 'year_start_date'}},
) }}

with

properties as (
    select distinct content_parameter as parameter_code from {{ ref('stg_emission_balances') }}
    union
    select '{{ running_rate_parameter() }}' as parameter_code
),

owners as (
    select * from {{ ref('int_point_owners') }}
),

sampled as (
    select
        owners.enterprise_id,
        owners.process_id,
        days.parameter_code,
        days.local_date,
        days.value_mean as value,
        true as is_sampled
    from {{ ref('point_daily') }} as days
    inner join owners
        on days.point_id = owners.point_id and {{ holds_on('owners', 'days.local_date') }}
    where days.parameter_code in (select parameter_code from properties)
        and days.statistic in ('avg', 'rtd')
        and days.value_mean is not null
        and owners.enterprise_id is not null
        and {{ on_touched_dates('enterprise', 'days.local_date') }}
),

reported as (
    select
        reports.enterprise_id,
        reports.process_id,
        reports.item_code as parameter_code,
        local_days.local_date,
        reports.value,
        row_number() over (
            partition by reports.enterprise_id, reports.process_id, reports.item_code, local_days.local_date
            order by
                {{ days_between('reports.period_start', 'reports.period_end') }} asc,
                {{ report_rank('reports.report_kind', 'reports.medium') }} asc,
                reports.line_id asc
        ) as choice
    from {{ ref('int_self_report_subjects') }} as reports
    inner join {{ ref('int_local_days') }} as local_days
        on local_days.local_date >= reports.period_start and local_days.local_date < reports.period_end
    where reports.item_code in (select parameter_code from properties)
        and reports.medium = 'none'
        and reports.enterprise_id is not null
        and reports.outlet_id is null
        and reports.value is not null
),

every_day as (
    select * from sampled
    union all
    select
        enterprise_id,
        process_id,
        parameter_code,
        local_date,
        value,
        false as is_sampled
    from reported
    where choice = 1
),

touched as (
    select * from every_day
    where {{ touched_filter('enterprise') }}
),

{%- for grain in longer_periods() %}

{{ grain }}_means as (
    select
        '{{ grain }}' as grain,
        {{ period_start('local_date', grain) }} as period_start,
        enterprise_id,
        process_id,
        parameter_code,
        coalesce(avg(case when is_sampled then value end), avg(value)) as value,
        max(case when is_sampled then 1 else 0 end) = 1 as is_measured
    from touched
    group by {{ period_start('local_date', grain) }}, enterprise_id, process_id, parameter_code
),
{%- endfor %}

every_grain as (
    {%- for grain in longer_periods() %}
    select * from {{ grain }}_means
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (
    select
        cast(date_trunc('year', period_start) as date) as year_start_date,
        grain,
        period_start,
        enterprise_id,
        process_id,
        parameter_code,
        value,
        is_measured
    from every_grain
)

select * from final
