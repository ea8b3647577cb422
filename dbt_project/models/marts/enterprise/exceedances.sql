{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise'}},
) }}

with

{{ judged_periods() }},

local_days as (
    select * from {{ ref('int_local_days') }}
),

binding as (
    select * from {{ ref('limit_compliance_daily') }}
    where exceeded > 0 and {{ touched_filter('enterprise') }}
),

exceeding as (
    select
        binding.*,
        hours.hour_start_utc as period_start_utc,
        {{ hours_after('hours.hour_start_utc', 1) }} as period_end_utc,
        hours.value
    from binding
    inner join hours
        on binding.outlet_id = hours.outlet_id
            and binding.enterprise_id = hours.enterprise_id
            and binding.pollutant_code = hours.pollutant_code
            and binding.local_date = hours.local_date
    where binding.limit_kind = 'hourly_concentration' and hours.value > binding.limit_value

    union all

    select
        binding.*,
        local_days.day_start_utc as period_start_utc,
        local_days.day_end_utc as period_end_utc,
        days.value
    from binding
    inner join days
        on binding.outlet_id = days.outlet_id
            and binding.enterprise_id = days.enterprise_id
            and binding.pollutant_code = days.pollutant_code
            and binding.local_date = days.local_date
    inner join local_days on binding.local_date = local_days.local_date
    where binding.limit_kind = 'daily_concentration' and days.value > binding.limit_value
),

final as (
    select
        park_id,
        enterprise_id,
        outlet_id,
        medium,
        pollutant_code,
        local_date,
        period_start_utc,
        period_end_utc,
        {{ limit_columns() | join(', ') }},
        is_binding,
        value,
        value / limit_value as times_limit,
        compared_as,
        drainage_ratio
    from exceeding
)

select * from final
