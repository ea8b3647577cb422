{#-
    Thin on purpose: what the hour itself says. Nothing is substituted here; an hour without a valid value has no mass.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'date_windows': true}},
) }}

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

pollutants as (
    select
        parameter_code,
        unit,
        mass_scale,
        valid_from,
        {{ validity_end('parameter_code') }} as valid_to
    from {{ ref('stg_parameters') }}
    where kind = 'pollutant'
),

reference_oxygen as (
    select * from {{ ref('int_reference_oxygen') }}
),

hours as (
    select
        outlet_points.enterprise_id,
        outlet_points.outlet_id,
        outlet_points.medium,
        hours.parameter_code as pollutant_code,
        hours.hour_start_utc,
        hours.local_date,
        hours.statistic,
        channels.basis,
        pollutants.unit,
        pollutants.mass_scale,
        {{ is_valid_hour('hours', 'channels.step_minutes', 'validity') }} as is_valid,
        {{ owed_readings('hours', 'channels.step_minutes') }} as owed_readings,
        validity.rule_id as validity_rule_id,
        validity.oxygen_ceiling_percent,
        hours.value_mean,
        hours.value_sum,
        hours.stopped_share > 0 and hours.value_mean is null as is_stopped,
        {{ state_of_hour('hours') }} as state,
        hours.nd_share,
        hours.readings,
        hours.valid_periods,
        case hours.source_kind when 'automatic' then 0 else 2 end
        + case when hours.statistic in ('rtd', 'zs_rtd') then 1 else 0 end as preference
    from {{ ref('point_hourly') }} as hours
    inner join outlet_points
        on hours.point_id = outlet_points.point_id and {{ holds_on('outlet_points', 'hours.local_date') }}
    inner join pollutants
        on hours.parameter_code = pollutants.parameter_code and {{ holds_on('pollutants', 'hours.local_date') }}
    left join channels
        on hours.point_id = channels.point_id
            and hours.parameter_code = channels.parameter_code
            and {{ holds_on('channels', 'hours.local_date') }}
    left join validity
        on outlet_points.outlet_id = validity.outlet_id and {{ holds_on('validity', 'hours.local_date') }}
    -- what is typed in or sampled is no hour of a monitor; days take it
    where hours.source_kind in ('automatic', 'platform_copy')
        and hours.statistic in ('avg', 'rtd', 'cou', 'zs_avg', 'zs_rtd')
        and {{ on_touched_dates('enterprise', 'hours.local_date') }}
),

touched as (
    select
        *,
        case when is_valid and statistic in ('avg', 'rtd') then value_mean end as concentration,
        case when is_valid and statistic in ('zs_avg', 'zs_rtd') then value_mean end as corrected,
        case when is_valid and statistic = 'cou' then value_sum end as total
    from hours
    where {{ touched_filter('enterprise') }}
),

by_pollutant as (
    select
        enterprise_id,
        outlet_id,
        medium,
        pollutant_code,
        hour_start_utc,
        local_date,
        max(unit) as unit,
        max(mass_scale) as mass_scale,
        min_by(concentration, preference) filter (where concentration is not null) as concentration_reported,
        min_by(basis, preference) filter (where concentration is not null) as concentration_basis,
        min_by(corrected, preference) filter (where corrected is not null) as concentration_corrected_reported,
        min_by(total, preference) filter (where total is not null) as total,
        max(case when is_stopped then 1 else 0 end) as is_stopped,
        max(case when value_mean is null then 1 else 0 end) as is_marked,
        max({{ state_rank('state') }}) filter (where coalesce(concentration, corrected, total) is not null) as state_rank,
        max(nd_share) filter (where concentration is not null) as nd_share,
        max(readings) as readings,
        max(valid_periods) as valid_periods,
        max(owed_readings) filter (where coalesce(concentration, corrected, total) is not null) as owed_readings,
        max(validity_rule_id) as validity_rule_id,
        max(oxygen_ceiling_percent) as oxygen_ceiling_percent
    from touched
    group by enterprise_id, outlet_id, medium, pollutant_code, hour_start_utc, local_date
),

conditions as (
    select * from {{ ref('int_outlet_conditions_hourly') }}
    where {{ touched_filter('enterprise') }}
),

with_conditions as (
    select
        by_pollutant.*,
        conditions.flow_reported_m3,
        conditions.flow_basis,
        conditions.flow_m3,
        conditions.oxygen_percent,
        conditions.temperature_degc,
        conditions.absolute_pressure_kpa,
        conditions.humidity_percent,
        reference_oxygen.reference_o2,
        -- stopped by what is said of the pollutant, or by a flow that stands still and nothing measured against it
        coalesce(conditions.is_stopped, false)
        or (by_pollutant.is_stopped = 1 and by_pollutant.concentration_reported is null and by_pollutant.total is null) as is_standing_still
    from by_pollutant
    left join conditions
        on by_pollutant.outlet_id = conditions.outlet_id
            and by_pollutant.enterprise_id = conditions.enterprise_id
            and by_pollutant.hour_start_utc = conditions.hour_start_utc
            and by_pollutant.local_date = conditions.local_date
    left join reference_oxygen
        on by_pollutant.outlet_id = reference_oxygen.outlet_id
            and by_pollutant.pollutant_code = reference_oxygen.pollutant_code
            and {{ holds_on('reference_oxygen', 'by_pollutant.local_date') }}
),

with_concentration as (
    select
        *,
        case
            when is_standing_still then null
            when medium = 'water' then concentration_reported
            else {{ dry_standard_concentration(
                'concentration_reported', 'concentration_basis', 'temperature_degc', 'absolute_pressure_kpa', 'humidity_percent'
            ) }}
        end as concentration
    from with_conditions
),

with_mass as (
    select
        *,
        -- (33): the concentration as it is in the gas, never the one converted to reference oxygen
        case when is_standing_still then 0 else concentration * flow_m3 * mass_scale end as concentration_flow_kg,
        case when is_standing_still then 0 else total end as reported_kg,
        case when medium = 'air' then {{ at_reference_oxygen(
            'concentration', 'oxygen_percent', 'reference_o2', 'oxygen_ceiling_percent'
        ) }} end as concentration_at_reference
    from with_concentration
),

-- one method speaks for a whole day, the one that knows more of its hours
method_of_day as (
    select
        enterprise_id,
        outlet_id,
        pollutant_code,
        local_date,
        case when count(concentration_flow_kg) >= count(reported_kg) then 'concentration_flow' else 'reported_mass' end as method_code
    from with_mass
    group by enterprise_id, outlet_id, pollutant_code, local_date
),

selected as (
    select
        with_mass.*,
        method_of_day.method_code,
        case method_of_day.method_code
            when 'concentration_flow' then with_mass.concentration_flow_kg
            else with_mass.reported_kg
        end as mass_kg
    from with_mass
    inner join method_of_day
        on with_mass.enterprise_id = method_of_day.enterprise_id
            and with_mass.outlet_id = method_of_day.outlet_id
            and with_mass.pollutant_code = method_of_day.pollutant_code
            and with_mass.local_date = method_of_day.local_date
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        enterprise_id,
        outlet_id,
        medium,
        pollutant_code,
        hour_start_utc,
        local_date,
        case
            when is_standing_still then 'stopped'
            when coalesce(concentration_reported, concentration_corrected_reported, total, nullif(flow_reported_m3, 0)) is not null
                then 'operating'
            else 'unknown'
        end as operating_state,
        case
            when is_standing_still then 'stopped'
            when mass_kg is not null then {{ state_of_rank('state_rank') }}
            else 'missing'
        end as state,
        case
            when is_standing_still then 'stopped'
            when mass_kg is not null then case when owed_readings > 1 then 'valid_minutes' else 'hour_flag' end
            when concentration_reported is not null and flow_m3 is null and flow_reported_m3 is not null then 'flow_not_convertible'
            when concentration_reported is not null and concentration is null then 'concentration_not_convertible'
            when concentration_reported is not null then 'no_valid_flow'
            when concentration_corrected_reported is not null then 'only_converted_concentration'
            when is_marked = 1 then 'marked_or_missing'
            else 'too_few_valid_values'
        end as validity_basis,
        method_code,
        mass_kg,
        case
            when mass_kg is null then null
            when {{ state_of_rank('state_rank') }} = 'substituted' then mass_kg
            else 0
        end as substituted_kg,
        concentration_flow_kg,
        reported_kg,
        concentration,
        case
            when medium = 'water' or is_standing_still then null
            when reference_o2 is null then coalesce(concentration_corrected_reported, concentration)
            -- of gas that is nearly air a station's own converted value is no better than ours
            when oxygen_percent >= oxygen_ceiling_percent then null
            else coalesce(concentration_at_reference, concentration_corrected_reported)
        end as concentration_corrected,
        unit as concentration_unit,
        flow_m3,
        concentration_reported,
        concentration_basis,
        concentration_corrected_reported,
        flow_reported_m3,
        flow_basis,
        oxygen_percent,
        reference_o2 as reference_oxygen_percent,
        temperature_degc,
        absolute_pressure_kpa,
        humidity_percent,
        nd_share,
        cast(readings as bigint) as readings,
        cast(valid_periods as bigint) as valid_periods,
        'HJ 212-2017 annex D' as rule_id,
        validity_rule_id
    from selected
)

select * from final
