{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise'}},
) }}

with

{{ judged_periods() }},

compared as (
    select
        hours.enterprise_id,
        hours.outlet_id,
        hours.medium,
        hours.pollutant_code,
        hours.local_date,
        outlet_limits.limit_kind,
        outlet_limits.limit_source,
        outlet_limits.limit_id,
        outlet_limits.limit_value,
        outlet_limits.unit,
        count(hours.value) as periods_evaluated,
        count(*) - count(hours.value) as excluded_by_mark,
        count(case when hours.value > outlet_limits.limit_value then 1 end) as exceeded,
        max(hours.value) as max_value
    from hours
    inner join outlet_limits
        on hours.outlet_id = outlet_limits.outlet_id
            and hours.enterprise_id = outlet_limits.enterprise_id
            and hours.pollutant_code = outlet_limits.pollutant_code
            and outlet_limits.limit_kind = 'hourly_concentration'
            and {{ holds_on('outlet_limits', 'hours.local_date') }}
    group by
        hours.enterprise_id,
        hours.outlet_id,
        hours.medium,
        hours.pollutant_code,
        hours.local_date,
        outlet_limits.limit_kind,
        outlet_limits.limit_source,
        outlet_limits.limit_id,
        outlet_limits.limit_value,
        outlet_limits.unit

    union all

    select
        days.enterprise_id,
        days.outlet_id,
        days.medium,
        days.pollutant_code,
        days.local_date,
        outlet_limits.limit_kind,
        outlet_limits.limit_source,
        outlet_limits.limit_id,
        outlet_limits.limit_value,
        outlet_limits.unit,
        case when days.value is null then 0 else 1 end as periods_evaluated,
        case when days.value is null then 1 else 0 end as excluded_by_mark,
        case when days.value > outlet_limits.limit_value then 1 else 0 end as exceeded,
        days.value as max_value
    from days
    inner join outlet_limits
        on days.outlet_id = outlet_limits.outlet_id
            and days.enterprise_id = outlet_limits.enterprise_id
            and days.pollutant_code = outlet_limits.pollutant_code
            and outlet_limits.limit_kind = 'daily_concentration'
            and {{ holds_on('outlet_limits', 'days.local_date') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        enterprise_id,
        outlet_id,
        medium,
        pollutant_code,
        local_date,
        limit_kind,
        limit_source,
        limit_id,
        limit_value,
        unit,
        limit_value = min(limit_value) over (partition by outlet_id, pollutant_code, local_date, limit_kind) as is_binding,
        cast(periods_evaluated as bigint) as periods_evaluated,
        cast(excluded_by_mark as bigint) as excluded_by_mark,
        cast(exceeded as bigint) as exceeded,
        max_value,
        case when periods_evaluated = 0 then 'missing' else 'measured' end as state
    from compared
)

select * from final
