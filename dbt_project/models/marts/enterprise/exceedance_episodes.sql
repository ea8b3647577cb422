{#-
    Exceedances without a break between them, as one event with its duration. An hour that was not judged ends an episode:
    nobody knows what it was. Small and built whole, because an episode may reach over any border of a rebuilding.
-#}
{%- set key = ['park_id', 'enterprise_id', 'outlet_id', 'medium', 'pollutant_code'] + limit_columns() %}

with

exceedances as (
    select * from {{ ref('exceedances') }}
),

followed as (
    select
        *,
        lag(period_end_utc) over (
            partition by outlet_id, pollutant_code, limit_kind, limit_source, limit_id, limit_value, limit_valid_from
            order by period_start_utc
        ) as previous_end_utc
    from exceedances
),

marked as (
    select
        *,
        case when period_start_utc = previous_end_utc then 0 else 1 end as is_first
    from followed
),

numbered as (
    select
        *,
        sum(is_first) over (
            partition by outlet_id, pollutant_code, limit_kind, limit_source, limit_id, limit_value, limit_valid_from
            order by period_start_utc
            rows between unbounded preceding and current row
        ) as episode_no
    from marked
),

final as (
    select
        {{ key | join(', ') }},
        min(local_date) as local_date,
        min(period_start_utc) as episode_start_utc,
        max(period_end_utc) as episode_end_utc,
        {{ seconds_between('min(period_start_utc)', 'max(period_end_utc)') }} / 3600 as duration_hours,
        count(*) as periods,
        max(case when is_binding then 1 else 0 end) = 1 as is_binding,
        max(value) as max_value,
        max(times_limit) as max_times_limit,
        avg(value) as mean_value
    from numbered
    group by {{ key | join(', ') }}, episode_no
)

select * from final
