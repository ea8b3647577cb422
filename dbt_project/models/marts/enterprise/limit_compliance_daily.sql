{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise'}},
) }}

{%- set key = ['enterprise_id', 'outlet_id', 'medium', 'pollutant_code', 'local_date'] %}

with

{{ judged_periods() }},

compared as (
    select
        {%- for column in key %}
        hours.{{ column }},
        {%- endfor %}
        {%- for column in limit_columns() %}
        outlet_limits.{{ column }},
        {%- endfor %}
        count(hours.value) as periods_evaluated,
        count(*) - count(hours.value) as excluded_by_mark,
        count(case when hours.value > outlet_limits.limit_value then 1 end) as exceeded,
        max(hours.value) as max_value,
        max(hours.compared_as) as compared_as,
        max(hours.drainage_ratio) as drainage_ratio
    from hours
    inner join outlet_limits
        on hours.outlet_id = outlet_limits.outlet_id
            and hours.enterprise_id = outlet_limits.enterprise_id
            and hours.pollutant_code = outlet_limits.pollutant_code
            and outlet_limits.limit_kind = 'hourly_concentration'
            and {{ holds_on('outlet_limits', 'hours.local_date') }}
    group by {{ 'hours.' ~ key | join(', hours.') }}, {{ 'outlet_limits.' ~ limit_columns() | join(', outlet_limits.') }}

    union all

    select
        {%- for column in key %}
        days.{{ column }},
        {%- endfor %}
        {%- for column in limit_columns() %}
        outlet_limits.{{ column }},
        {%- endfor %}
        case when days.value is null then 0 else 1 end as periods_evaluated,
        case when days.value is null then 1 else 0 end as excluded_by_mark,
        case when days.value > outlet_limits.limit_value then 1 else 0 end as exceeded,
        days.value as max_value,
        days.compared_as,
        days.drainage_ratio
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
        {{ key | join(', ') }},
        {%- for column in limit_columns() %}
        {{ 'nullif(limit_valid_to, ' ~ end_of_time() ~ ') as ' if column == 'limit_valid_to' }}{{ column }},
        {%- endfor %}
        limit_value = min(limit_value) over (partition by outlet_id, pollutant_code, local_date, limit_kind) as is_binding,
        cast(periods_evaluated as bigint) as periods_evaluated,
        cast(excluded_by_mark as bigint) as excluded_by_mark,
        cast(exceeded as bigint) as exceeded,
        max_value,
        compared_as,
        drainage_ratio,
        case when periods_evaluated = 0 then 'missing' else 'measured' end as state
    from compared
)

select * from final
