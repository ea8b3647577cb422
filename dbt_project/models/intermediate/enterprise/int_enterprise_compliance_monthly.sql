{#- Whether anything could be held against a limit at all: without it, no exceedance is no praise. -#}
with

compliance as (
    select * from {{ ref('limit_compliance_daily') }}
),

final as (
    select
        enterprise_id,
        {{ period_start('local_date', 'month') }} as month_start_date,
        cast(sum(periods_evaluated) as bigint) as periods_evaluated,
        cast(sum(excluded_by_mark) as bigint) as excluded_by_mark,
        cast(sum(exceeded) as bigint) as exceeded
    from compliance
    where is_binding
    group by enterprise_id, {{ period_start('local_date', 'month') }}
)

select * from final
