{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'park'}},
) }}

with

enterprises as (
    select * from {{ ref('enterprise_emission_daily') }}
    where counts_in_park_total and {{ touched_filter('park') }}
),

-- the shares of a shared outlet become one outlet again: masses add up, hours and means are the outlet's own
summed as (
    select
        {{ emission_key('park') | join(', ') }},
        local_date,
        {%- for mass in emission_masses() %}
        sum({{ mass }}) as {{ mass }},
        {%- endfor %}
        max(nd_share) as nd_share,
        sum(flow_m3) as flow_m3,
        max(concentration_mean) as concentration_mean,
        max(concentration_corrected_mean) as concentration_corrected_mean,
        max(concentration_unit) as concentration_unit,
        max(concentration_weight) as concentration_weight,
        max(corrected_hours) as corrected_hours,
        max(operating_hours) as operating_hours,
        max(valid_hours) as valid_hours,
        max(stopped_hours) as stopped_hours,
        max(missing_hours) as missing_hours,
        max(covered_hours) as covered_hours,
        max(completeness_share) as completeness_share,
        max(case when is_valid then 1 else 0 end) = 1 as is_valid,
        max(validity_rule_id) as validity_rule_id,
        max(method_code) as method_code,
        {{ weakest_state('state') }} as state
    from enterprises
    group by {{ emission_key('park') | join(', ') }}, local_date
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        {{ emission_key('park') | join(', ') }},
        local_date,
        {{ emission_masses() | join(', ') }},
        nd_share,
        flow_m3,
        concentration_mean,
        concentration_corrected_mean,
        concentration_unit,
        concentration_weight,
        corrected_hours,
        operating_hours,
        valid_hours,
        stopped_hours,
        missing_hours,
        covered_hours,
        completeness_share,
        {{ emission_measured_share() }} as measured_share,
        is_valid,
        validity_rule_id,
        method_code,
        state
    from summed
)

select * from final
