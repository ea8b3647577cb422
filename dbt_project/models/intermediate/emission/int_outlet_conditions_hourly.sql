{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'relation': 'int_changed_enterprise_dates', 'date_windows': true}},
) }}

{%- set conditions = outlet_conditions() %}

with

outlet_points as (
    select * from {{ ref('int_outlet_points') }}
),

channels as (
    select * from {{ ref('int_channels') }}
),

validity as (
    select * from {{ ref('int_outlet_validity') }}
),

hours as (
    select
        outlet_points.enterprise_id,
        outlet_points.outlet_id,
        outlet_points.medium,
        hours.parameter_code,
        hours.hour_start_utc,
        hours.local_date,
        channels.basis,
        case when hours.statistic <> 'cou' then hours.value_mean end as mean,
        case when hours.statistic = 'cou' then hours.value_sum end as total,
        {{ is_valid_hour('hours', 'channels.step_minutes', 'validity') }} as is_valid,
        hours.stopped_share > 0 and hours.value_mean is null as is_stopped,
        case hours.source_kind when 'automatic' then 0 else 2 end + case hours.statistic when 'rtd' then 1 else 0 end as preference
    from {{ ref('point_hourly') }} as hours
    inner join outlet_points
        on hours.point_id = outlet_points.point_id and {{ holds_on('outlet_points', 'hours.local_date') }}
    left join channels
        on hours.point_id = channels.point_id
            and hours.parameter_code = channels.parameter_code
            and {{ holds_on('channels', 'hours.local_date') }}
    left join validity
        on outlet_points.outlet_id = validity.outlet_id and {{ holds_on('validity', 'hours.local_date') }}
    where hours.source_kind in ('automatic', 'platform_copy')
        and hours.statistic in ('avg', 'rtd', 'cou')
        and (
            hours.parameter_code in {{ flow_codes() }}
            or hours.parameter_code in (
                '{{ conditions.values() | join("', '") }}'
            )
        )
        and {{ on_touched_dates('enterprise', 'hours.local_date', 'int_changed_enterprise_dates') }}
),

touched as (
    select * from hours
    where {{ touched_filter('enterprise', relation='int_changed_enterprise_dates') }}
),

valid as (
    select
        *,
        case when is_valid then mean end as valid_mean,
        case when is_valid then total end as valid_total
    from touched
),

by_hour as (
    select
        enterprise_id,
        outlet_id,
        medium,
        hour_start_utc,
        local_date,
        {%- for name, code in conditions.items() %}
        min_by(valid_mean, preference) filter (where parameter_code = '{{ code }}' and valid_mean is not null) as {{ name }},
        {%- endfor %}
        max(case when parameter_code = '{{ conditions.oxygen_percent }}' then basis end) as oxygen_basis,
        min_by(valid_mean, preference) filter (where parameter_code in {{ flow_codes() }} and valid_mean is not null) as flow_mean_m3_h,
        min_by(valid_total, preference) filter (where parameter_code in {{ flow_codes() }} and valid_total is not null) as flow_total_m3,
        max(case when parameter_code in {{ flow_codes() }} then basis end) as stated_flow_basis,
        max(case when is_stopped and parameter_code in {{ flow_codes() }} then 1 else 0 end) = 1 as is_flow_stopped
    from valid
    group by enterprise_id, outlet_id, medium, hour_start_utc, local_date
),

-- a metered volume before a mean flow, both before velocity times section
with_flow as (
    select
        *,
        coalesce(flow_total_m3, flow_mean_m3_h, 3600 * velocity_m_s * duct_section_m2) as flow_reported_m3,
        case
            when medium = 'water' then null
            when coalesce(flow_total_m3, flow_mean_m3_h) is null then 'actual'
            else stated_flow_basis
        end as flow_basis,
        air_pressure_kpa + static_pressure_kpa as absolute_pressure_kpa
    from by_hour
),

final as (
    select
        enterprise_id,
        outlet_id,
        medium,
        hour_start_utc,
        local_date,
        case when flow_reported_m3 is not null then flow_basis end as flow_basis,
        flow_reported_m3,
        case when is_flow_stopped and flow_reported_m3 is null then 0
            else {{ dry_standard_flow('flow_reported_m3', 'flow_basis', 'temperature_degc', 'absolute_pressure_kpa', 'humidity_percent') }}
        end as flow_m3,
        is_flow_stopped and flow_reported_m3 is null as is_stopped,
        oxygen_percent / ({{ dry_share('oxygen_basis', 'humidity_percent') }}) as oxygen_percent,
        temperature_degc,
        absolute_pressure_kpa,
        humidity_percent
    from with_flow
)

select * from final
