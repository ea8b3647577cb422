{#-
    What the hour itself says. Nothing is substituted here (int_substitutions does, emission_hourly has both); an hour without a
    valid value has no mass.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'relation': 'int_changed_enterprise_dates', 'date_windows': true}},
) }}

{#- Written once and scanned twice: one relation read twice would be held in memory whole. -#}
{% set hours_of_monitors %}
    select
        outlet_points.enterprise_id,
        outlet_points.outlet_id,
        outlet_points.medium,
        hours.parameter_code,
        hours.hour_start_utc,
        hours.local_date,
        hours.statistic,
        hours.source_kind,
        coalesce(channels.basis, '-') as basis,
        {{ is_valid_hour('hours', 'channels.step_minutes', 'validity') }} as is_valid,
        {{ owed_readings('hours', 'channels.step_minutes') }} as owed_readings,
        validity.rule_id as validity_rule_id,
        validity.oxygen_ceiling_percent,
        hours.value_mean,
        hours.nd_limit_mean,
        hours.value_sum,
        hours.stopped_share > 0 and hours.value_mean is null as is_stopped,
        {{ state_of_hour('hours') }} as state,
        hours.nd_share,
        hours.readings,
        hours.valid_periods
    from {{ ref('point_hourly') }} as hours
    inner join outlet_points
        on hours.point_id = outlet_points.point_id and {{ holds_on('outlet_points', 'hours.local_date') }}
    left join channels
        on hours.point_id = channels.point_id
            and hours.parameter_code = channels.parameter_code
            and {{ holds_on('channels', 'hours.local_date') }}
    left join validity
        on outlet_points.outlet_id = validity.outlet_id and {{ holds_on('validity', 'hours.local_date') }}
    -- what is typed in or sampled is no hour of a monitor; days take it
    where hours.source_kind in ('automatic', 'platform_copy')
        and hours.statistic in ('avg', 'rtd', 'cou', 'zs_avg', 'zs_rtd')
        and {{ on_touched_dates('enterprise', 'hours.local_date', 'int_changed_enterprise_dates') }}
        and {{ touched_filter(
            'enterprise', column='outlet_points.enterprise_id', date='hours.local_date', relation='int_changed_enterprise_dates'
        ) }}
{% endset %}

{%- set hour_key = ['enterprise_id', 'outlet_id', 'hour_start_utc', 'local_date'] %}
{%- set hour_columns = [
    'enterprise_id', 'outlet_id', 'medium', 'parameter_code', 'hour_start_utc', 'local_date', 'statistic', 'source_kind',
    'basis', 'is_valid', 'owed_readings', 'validity_rule_id', 'oxygen_ceiling_percent', 'value_mean', 'nd_limit_mean',
    'value_sum', 'is_stopped', 'state', 'nd_share', 'readings', 'valid_periods',
] %}

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

-- (20), (21), (22): what a unit of the component is of the pollutant, mg/m3
components as (
    select
        conversion_id,
        pollutant_code,
        component_code,
        preference,
        case
            when molar_volume is not null then counted_molar_mass / molar_volume * ppm_per_unit
            else counted_molar_mass / component_molar_mass
        end as factor,
        count(*) over (partition by conversion_id, valid_from) as components,
        valid_from,
        valid_to
    from {{ ref('stg_pollutant_components') }}
),

reference_oxygen as (
    select * from {{ ref('int_reference_oxygen') }}
),

own_hours as (
    {{- hours_of_monitors }} and hours.parameter_code in (select parameter_code from pollutants)
),

component_hours as (
    {{- hours_of_monitors }} and hours.parameter_code in (select component_code from components)
),

-- one of several components that together are the pollutant: all are needed, on one basis
made_hours as (
    select
        hours.enterprise_id,
        hours.outlet_id,
        hours.medium,
        components.pollutant_code as parameter_code,
        hours.hour_start_utc,
        hours.local_date,
        hours.statistic,
        hours.source_kind,
        max(hours.basis) as basis,
        bool_and(hours.is_valid) as is_valid,
        min(hours.owed_readings) as owed_readings,
        max(hours.validity_rule_id) as validity_rule_id,
        max(hours.oxygen_ceiling_percent) as oxygen_ceiling_percent,
        sum(hours.value_mean * components.factor) as value_mean,
        sum(hours.nd_limit_mean * components.factor) as nd_limit_mean,
        bool_and(hours.is_stopped) as is_stopped,
        {{ weakest_state('hours.state') }} as state,
        max(hours.nd_share) as nd_share,
        min(hours.readings) as readings,
        min(hours.valid_periods) as valid_periods,
        components.conversion_id,
        max(components.preference) as conversion_preference
    from component_hours as hours
    inner join components
        on hours.parameter_code = components.component_code and {{ holds_on('components', 'hours.local_date') }}
    where hours.statistic in ('avg', 'rtd')
    group by
        hours.enterprise_id,
        hours.outlet_id,
        hours.medium,
        components.pollutant_code,
        hours.hour_start_utc,
        hours.local_date,
        hours.statistic,
        hours.source_kind,
        components.conversion_id
    having count(*) = max(components.components) and min(hours.basis) = max(hours.basis)
        and count(hours.value_mean) in (0, max(components.components))
),

every_hour as (
    select
        *,
        '-' as conversion_id,
        0 as conversion_preference
    from own_hours
    union all
    select
        {{ hour_columns[:15] | join(', ') }},
        cast(null as double) as value_sum,
        {{ hour_columns[16:] | join(', ') }},
        conversion_id,
        conversion_preference
    from made_hours
),

hours as (
    select
        every_hour.*,
        every_hour.parameter_code as pollutant_code,
        pollutants.unit,
        pollutants.mass_scale,
        case every_hour.source_kind when 'automatic' then 0 else 2 end
        + case when every_hour.statistic in ('rtd', 'zs_rtd') then 1 else 0 end
        + 4 * every_hour.conversion_preference as preference
    from every_hour
    inner join pollutants
        on every_hour.parameter_code = pollutants.parameter_code and {{ holds_on('pollutants', 'every_hour.local_date') }}
),

touched as (
    select
        *,
        case when is_valid and statistic in ('avg', 'rtd') then value_mean end as concentration,
        case when is_valid and statistic in ('zs_avg', 'zs_rtd') then value_mean end as corrected,
        case when is_valid and statistic = 'cou' then value_sum end as total
    from hours
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
        nullif(min_by(basis, preference) filter (where concentration is not null), '-') as concentration_basis,
        nullif(min_by(conversion_id, preference) filter (where concentration is not null), '-') as conversion_id,
        min_by(coalesce(nd_limit_mean, 0), preference) filter (where concentration is not null) as nd_limit_mean,
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

filed_marks as (
    select
        filed.*,
        outlets.enterprise_id,
        outlets.medium
    from {{ ref('int_filed_mark_hours') }} as filed
    inner join {{ ref('int_outlets') }} as outlets
        on filed.outlet_id = outlets.outlet_id and {{ holds_on('outlets', 'filed.local_date') }}
    where {{ touched_filter(
            'enterprise', column='outlets.enterprise_id', date='filed.local_date', relation='int_changed_enterprise_dates'
        ) }}
),

flag_marks as (
    select * from {{ ref('int_flag_mark_hours') }}
    where {{ touched_filter('enterprise', relation='int_changed_enterprise_dates') }}
),

-- a stop that somebody filed is known where nothing was sent, too: of every pollutant that the outlet measures by the hour
stopped_hours as (
    select distinct
        filed_marks.enterprise_id,
        filed_marks.outlet_id,
        filed_marks.medium,
        pollutants.parameter_code as pollutant_code,
        filed_marks.hour_start_utc,
        filed_marks.local_date,
        pollutants.unit,
        pollutants.mass_scale
    from filed_marks
    inner join outlet_points
        on filed_marks.outlet_id = outlet_points.outlet_id and {{ holds_on('outlet_points', 'filed_marks.local_date') }}
    inner join channels
        on outlet_points.point_id = channels.point_id
            and channels.step_minutes <= 60
            and {{ holds_on('channels', 'filed_marks.local_date') }}
    inner join pollutants
        on channels.parameter_code = pollutants.parameter_code and {{ holds_on('pollutants', 'filed_marks.local_date') }}
    left join by_pollutant
        on {{ equal_columns('filed_marks', 'by_pollutant', hour_key) }}
            and pollutants.parameter_code = by_pollutant.pollutant_code
    where filed_marks.is_stopped
        and filed_marks.parameter_code in ('-', pollutants.parameter_code)
        and by_pollutant.outlet_id is null
),

every_pollutant as (
    select * from by_pollutant
    union all
    select
        enterprise_id,
        outlet_id,
        medium,
        pollutant_code,
        hour_start_utc,
        local_date,
        unit,
        mass_scale,
        {%- for column in [
            'concentration_reported', 'concentration_basis', 'conversion_id', 'nd_limit_mean', 'concentration_corrected_reported', 'total',
        ] %}
        null as {{ column }},
        {%- endfor %}
        1 as is_stopped,
        1 as is_marked,
        null as state_rank,
        null as nd_share,
        0 as readings,
        0 as valid_periods,
        null as owed_readings,
        null as validity_rule_id,
        null as oxygen_ceiling_percent
    from stopped_hours
),

conditions as (
    select * from {{ ref('int_outlet_conditions_hourly') }}
    where {{ touched_filter('enterprise', relation='int_changed_enterprise_dates') }}
),

with_conditions as (
    select
        by_pollutant.*,
        coalesce(of_pollutant.mark_code, of_outlet.mark_code, flag_marks.mark_code) as mark_code,
        case
            when coalesce(of_pollutant.mark_code, of_outlet.mark_code) is not null then 'filed'
            when flag_marks.mark_code is not null then 'automatic'
        end as mark_source,
        coalesce(of_pollutant.excludes_from_compliance, of_outlet.excludes_from_compliance, flag_marks.excludes_from_compliance, false)
            as is_excluded_by_mark,
        conditions.flow_reported_m3,
        conditions.flow_basis,
        conditions.flow_m3,
        conditions.oxygen_percent,
        conditions.temperature_degc,
        conditions.absolute_pressure_kpa,
        conditions.humidity_percent,
        reference_oxygen.reference_o2,
        -- stopped by what is said of the flow or the pollutant, or by a flow of zero with nothing measured against it
        coalesce(conditions.is_stopped, false)
        or (
            (
                by_pollutant.is_stopped = 1
                or coalesce(of_pollutant.is_stopped, of_outlet.is_stopped, false)
                or coalesce(conditions.flow_reported_m3 = 0, false)
            )
            and by_pollutant.concentration_reported is null and by_pollutant.total is null
        ) as is_standing_still
    from every_pollutant as by_pollutant
    left join filed_marks as of_pollutant
        on {{ equal_columns('by_pollutant', 'of_pollutant', hour_key) }}
            and by_pollutant.pollutant_code = of_pollutant.parameter_code
    left join filed_marks as of_outlet
        on {{ equal_columns('by_pollutant', 'of_outlet', hour_key) }}
            and of_outlet.parameter_code = '-'
    left join flag_marks
        on {{ equal_columns('by_pollutant', 'flag_marks', hour_key) }}
            and by_pollutant.pollutant_code = flag_marks.parameter_code
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
        -- (18) alone; (19) follows
        case when medium = 'air' and not is_standing_still
                then concentration_reported / ({{ standard_share('concentration_basis', 'temperature_degc', 'absolute_pressure_kpa') }})
        end as concentration_standard,
        case
            when medium = 'water' then nd_limit_mean
            else {{ dry_standard_concentration(
                'nd_limit_mean', 'concentration_basis', 'temperature_degc', 'absolute_pressure_kpa', 'humidity_percent'
            ) }}
        end as nd_concentration,
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
        end as mass_kg,
        case
            when with_mass.is_standing_still or method_of_day.method_code <> 'concentration_flow' then 0
            else with_mass.nd_concentration * with_mass.flow_m3 * with_mass.mass_scale
        end as nd_mass_kg
    from with_mass
    inner join method_of_day
        on with_mass.enterprise_id = method_of_day.enterprise_id
            and with_mass.outlet_id = method_of_day.outlet_id
            and with_mass.pollutant_code = method_of_day.pollutant_code
            and with_mass.local_date = method_of_day.local_date
),

final as (
    select
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
        case when mass_kg is not null then nd_mass_kg end as nd_mass_kg,
        concentration_flow_kg,
        reported_kg,
        concentration_flow_kg / nullif(reported_kg, 0) - 1 as mass_difference,
        concentration,
        case
            when medium = 'water' or is_standing_still then null
            when reference_o2 is null then coalesce(concentration_corrected_reported, concentration)
            -- of gas that is nearly air a station's own converted value is no better than ours
            when oxygen_percent >= oxygen_ceiling_percent then null
            else coalesce(concentration_at_reference, concentration_corrected_reported)
        end as concentration_corrected,
        case
            when reference_o2 is not null and not is_standing_still
                then concentration_at_reference / nullif(concentration_corrected_reported, 0) - 1
        end as corrected_difference,
        unit as concentration_unit,
        flow_m3,
        concentration_reported,
        concentration_basis,
        conversion_id,
        concentration_standard,
        concentration_corrected_reported,
        flow_reported_m3,
        flow_basis,
        oxygen_percent,
        reference_o2 as reference_oxygen_percent,
        case when oxygen_percent < oxygen_ceiling_percent then 21 / (21 - oxygen_percent) end as excess_air,
        temperature_degc,
        absolute_pressure_kpa,
        humidity_percent,
        nd_share,
        cast(readings as bigint) as readings,
        cast(valid_periods as bigint) as valid_periods,
        'HJ 212-2017 annex D' as rule_id,
        validity_rule_id,
        mark_code,
        mark_source,
        is_excluded_by_mark
    from selected
)

select * from final
