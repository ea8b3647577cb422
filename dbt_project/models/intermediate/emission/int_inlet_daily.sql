{#-
    What enters treatment, day by day: pollutants measured where the gas or water has not been treated yet. A point of kind wastewater or
    stack that belongs to no outlet stands before treatment. Its concentration is weighted with the hours' flow where it sends hours
    (50 and not 60 mg/L for 60 m3 of 40 and 20 m3 of 80).
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise'}},
) }}

{%- set key = ['enterprise_id', 'process_id', 'point_id', 'medium'] %}

with

inlets as (
    select
        point_id,
        enterprise_id,
        process_id,
        case kind when 'wastewater' then 'water' else 'air' end as medium,
        valid_from,
        valid_to
    from {{ ref('int_point_owners') }}
    where outlet_id is null and kind in ('wastewater', 'stack') and enterprise_id is not null
),

pollutants as (
    select
        parameter_code,
        mass_scale,
        valid_from,
        {{ validity_end('parameter_code') }} as valid_to
    from {{ ref('stg_parameters') }}
    where kind = 'pollutant' and mass_scale is not null
),

local_days as (
    select
        local_date,
        minutes / cast(60 as double) as hours
    from {{ ref('int_local_days') }}
),

hours as (
    select
        inlets.{{ key | join(', inlets.') }},
        hours.parameter_code,
        hours.hour_start_utc,
        hours.local_date,
        min_by(hours.value_mean, case hours.source_kind when 'automatic' then 0 when 'platform_copy' then 1 else 2 end) as value
    from {{ ref('point_hourly') }} as hours
    inner join inlets
        on hours.point_id = inlets.point_id and {{ holds_on('inlets', 'hours.local_date') }}
    where hours.statistic = 'avg' and hours.value_mean is not null
        and {{ on_touched_dates('enterprise', 'hours.local_date') }}
    group by inlets.{{ key | join(', inlets.') }}, hours.parameter_code, hours.hour_start_utc, hours.local_date
),

touched_hours as (
    select * from hours
    where {{ touched_filter('enterprise') }}
),

-- weighted with the flow of the same hours
weighted as (
    select
        concentrations.enterprise_id,
        concentrations.point_id,
        concentrations.parameter_code,
        concentrations.local_date,
        sum(concentrations.value * flows.value) / nullif(sum(flows.value), 0) as concentration
    from touched_hours as concentrations
    inner join touched_hours as flows
        on concentrations.point_id = flows.point_id
            and concentrations.hour_start_utc = flows.hour_start_utc
            and flows.parameter_code in {{ flow_codes() }}
    where concentrations.parameter_code in (select parameter_code from pollutants)
    group by concentrations.enterprise_id, concentrations.point_id, concentrations.parameter_code, concentrations.local_date
),

point_days as (
    select
        inlets.{{ key | join(', inlets.') }},
        days.parameter_code,
        days.local_date,
        case when days.statistic <> 'cou' then days.value_mean end as mean,
        case when days.statistic = 'cou' then days.value_sum end as total,
        case days.source_kind when 'automatic' then 0 when 'platform_copy' then 1 when 'manual_lab' then 2 else 3 end as preference
    from {{ ref('point_daily') }} as days
    inner join inlets
        on days.point_id = inlets.point_id and {{ holds_on('inlets', 'days.local_date') }}
    where days.statistic in ('avg', 'rtd', 'cou')
        and {{ on_touched_dates('enterprise', 'days.local_date') }}
),

days as (
    select
        {{ key | join(', ') }},
        parameter_code,
        local_date,
        min_by(mean, preference) filter (where mean is not null) as mean,
        min_by(total, preference) filter (where total is not null) as total
    from point_days
    group by {{ key | join(', ') }}, parameter_code, local_date
),

touched_days as (
    select * from days
    where {{ touched_filter('enterprise') }}
),

flows as (
    select
        touched_days.point_id,
        touched_days.local_date,
        coalesce(touched_days.total, touched_days.mean * local_days.hours) as flow_m3
    from touched_days
    inner join local_days on touched_days.local_date = local_days.local_date
    where touched_days.parameter_code in {{ flow_codes() }}
),

final as (
    select
        days.{{ key | join(', days.') }},
        days.parameter_code as pollutant_code,
        days.local_date,
        coalesce(weighted.concentration, days.mean) * flows.flow_m3 * pollutants.mass_scale as mass_kg,
        flows.flow_m3
    from touched_days as days
    inner join pollutants
        on days.parameter_code = pollutants.parameter_code and {{ holds_on('pollutants', 'days.local_date') }}
    inner join flows
        on days.point_id = flows.point_id and days.local_date = flows.local_date
    left join weighted
        on days.enterprise_id = weighted.enterprise_id
            and days.point_id = weighted.point_id
            and days.parameter_code = weighted.parameter_code
            and days.local_date = weighted.local_date
    where coalesce(weighted.concentration, days.mean) is not null and flows.flow_m3 is not null
)

select * from final
