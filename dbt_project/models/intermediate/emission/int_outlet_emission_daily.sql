{#-
    One day of one pollutant at one outlet, by one method. A monitor's hours go first; a day's own figure (a daily total, a
    laboratory's concentration times the day's flow) speaks where no hour is known. A monitor that sent hours and had none of them
    valid does not come back through the mean of its day.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise'}},
) }}

with

hours as (
    select
        *,
        case medium when 'water' then flow_m3 else 1 end as weight
    from {{ ref('emission_hourly') }}
    where {{ touched_filter('enterprise') }}
),

by_hour as (
    select
        enterprise_id,
        outlet_id,
        medium,
        pollutant_code,
        local_date,
        max(concentration_unit) as concentration_unit,
        coalesce(max(case when not is_substituted_by_rule then method_code end), 'substitution') as method_code,
        sum(mass_kg) as mass_kg,
        {%- for state in ['measured', 'substituted', 'estimated', 'self_reported'] %}
        sum(case when state = '{{ state }}'{{ " or state = 'stopped'" if state == 'measured' }} then mass_kg else 0 end) as {{ state }}_kg,
        {%- endfor %}
        sum(nd_mass_kg) as nd_mass_kg,
        count(*) filter (where operating_state = 'operating') as operating_hours,
        count(*) filter (where mass_kg is not null and state <> 'stopped' and not is_substituted_by_rule) as valid_hours,
        count(*) filter (where operating_state = 'stopped') as stopped_hours,
        count(concentration) as concentration_hours,
        -- (25) air: mean of the hours; water: by flow, or of the hours where no flow is known
        coalesce(
            sum(concentration * weight) / nullif(sum(case when concentration is not null then weight end), 0),
            avg(concentration)
        ) as concentration_mean,
        coalesce(sum(case when concentration is not null then weight end), count(concentration)) as concentration_weight,
        avg(concentration_corrected) as concentration_corrected_mean,
        count(concentration_corrected) as corrected_hours,
        -- what is held against limits leaves out what is marked; a mass never does
        coalesce(
            sum(concentration * weight) filter (where not is_excluded_by_mark)
            / nullif(sum(case when concentration is not null then weight end) filter (where not is_excluded_by_mark), 0),
            avg(concentration) filter (where not is_excluded_by_mark)
        ) as judged_mean,
        avg(concentration_corrected) filter (where not is_excluded_by_mark) as judged_corrected_mean,
        count(concentration_corrected) filter (where not is_excluded_by_mark) as judged_corrected_hours,
        avg(nd_share) as nd_share
    from hours
    group by enterprise_id, outlet_id, medium, pollutant_code, local_date
),

pollutants as (
    select
        parameter_code,
        unit,
        mass_scale,
        kind,
        valid_from,
        {{ validity_end('parameter_code') }} as valid_to
    from {{ ref('stg_parameters') }}
    where kind = 'pollutant' or parameter_code = 'operating_time'
),

flows as (
    select * from {{ ref('int_outlet_flow_daily') }}
    where {{ touched_filter('enterprise') }}
),

validity as (
    select * from {{ ref('int_outlet_validity') }}
),

local_days as (
    select
        local_date,
        minutes / cast(60 as double) as hours
    from {{ ref('int_local_days') }}
),

days as (
    select
        outlet_points.enterprise_id,
        outlet_points.outlet_id,
        outlet_points.medium,
        days.parameter_code,
        pollutants.kind,
        pollutants.unit,
        pollutants.mass_scale,
        days.local_date,
        days.statistic,
        days.value_mean,
        days.value_sum,
        days.stopped_share = 1 and coalesce(days.value_mean, days.value_sum) is null as is_stopped,
        days.source_kind in ('automatic', 'platform_copy') as is_monitor,
        {{ state_of_hour('days') }} as state,
        days.nd_share,
        days.nd_limit_mean,
        case days.source_kind when 'automatic' then 0 when 'platform_copy' then 2 when 'manual_lab' then 4 else 6 end
        + case when days.statistic in ('rtd', 'zs_rtd') then 1 else 0 end as preference
    from {{ ref('point_daily') }} as days
    inner join {{ ref('int_outlet_points') }} as outlet_points
        on days.point_id = outlet_points.point_id and {{ holds_on('outlet_points', 'days.local_date') }}
    inner join pollutants
        on days.parameter_code = pollutants.parameter_code and {{ holds_on('pollutants', 'days.local_date') }}
    where days.statistic in ('avg', 'rtd', 'cou', 'zs_avg', 'zs_rtd')
        and {{ on_touched_dates('enterprise', 'days.local_date') }}
),

touched_days as (
    select days.* from days
    where {{ touched_filter('enterprise') }}
),

operating_times as (
    select
        enterprise_id,
        outlet_id,
        local_date,
        min_by(value_sum, preference) as operating_hours
    from touched_days
    where kind <> 'pollutant' and statistic = 'cou'
    group by enterprise_id, outlet_id, local_date
),

-- what no hour has said already
open_days as (
    select touched_days.*
    from touched_days
    left join by_hour
        on touched_days.enterprise_id = by_hour.enterprise_id
            and touched_days.outlet_id = by_hour.outlet_id
            and touched_days.parameter_code = by_hour.pollutant_code
            and touched_days.local_date = by_hour.local_date
    where touched_days.kind = 'pollutant'
        and (
            by_hour.outlet_id is null
            or (not touched_days.is_monitor and by_hour.valid_hours = 0 and by_hour.stopped_hours = 0 and by_hour.concentration_hours = 0)
        )
),

by_day as (
    select
        enterprise_id,
        outlet_id,
        medium,
        parameter_code as pollutant_code,
        local_date,
        max(unit) as concentration_unit,
        max(mass_scale) as mass_scale,
        min_by(value_sum, preference) filter (where statistic = 'cou' and value_sum is not null) as total,
        min_by(state, preference) filter (where statistic = 'cou' and value_sum is not null) as total_state,
        min_by(value_mean, preference) filter (where statistic in ('avg', 'rtd') and value_mean is not null) as concentration,
        min_by(state, preference) filter (where statistic in ('avg', 'rtd') and value_mean is not null) as concentration_state,
        min_by(nd_share, preference) filter (where statistic in ('avg', 'rtd') and value_mean is not null) as nd_share,
        min_by(coalesce(nd_limit_mean, 0), preference) filter (where statistic in ('avg', 'rtd') and value_mean is not null) as nd_limit_mean,
        min_by(value_mean, preference) filter (where statistic in ('zs_avg', 'zs_rtd') and value_mean is not null) as corrected,
        max(case when is_stopped then 1 else 0 end) as is_stopped
    from open_days
    group by enterprise_id, outlet_id, medium, parameter_code, local_date
),

with_mass as (
    select
        by_day.*,
        flows.flow_m3,
        by_day.is_stopped = 1 and coalesce(by_day.total, by_day.concentration) is null as is_standing_still,
        case
            when by_day.total is not null then by_day.total
            when by_day.concentration is not null then by_day.concentration * flows.flow_m3 * by_day.mass_scale
            when by_day.is_stopped = 1 then 0
        end as mass_kg,
        case
            when by_day.total is not null or (by_day.concentration is null and by_day.is_stopped = 1) then 0
            else by_day.nd_limit_mean * flows.flow_m3 * by_day.mass_scale
        end as nd_mass_kg,
        case
            when by_day.total is not null then 'reported_mass'
            when by_day.concentration is not null and flows.flow_m3 is not null then 'daily_concentration_flow'
            when by_day.is_stopped = 1 then 'reported_mass'
        end as method_code,
        case when by_day.total is not null then by_day.total_state else by_day.concentration_state end as value_state
    from by_day
    left join flows
        on by_day.enterprise_id = flows.enterprise_id
            and by_day.outlet_id = flows.outlet_id
            and by_day.local_date = flows.local_date
),

every_day as (
    select
        enterprise_id,
        outlet_id,
        medium,
        pollutant_code,
        local_date,
        concentration_unit,
        case when mass_kg is not null then method_code end as method_code,
        mass_kg,
        measured_kg,
        substituted_kg,
        estimated_kg,
        self_reported_kg,
        nd_mass_kg,
        cast(operating_hours as double) as operating_hours,
        cast(valid_hours as double) as valid_hours,
        cast(stopped_hours as double) as stopped_hours,
        cast(valid_hours + stopped_hours as double) as covered_hours,
        concentration_mean,
        cast(concentration_weight as double) as concentration_weight,
        concentration_corrected_mean,
        corrected_hours,
        nd_share,
        true as is_hourly,
        judged_mean,
        judged_corrected_mean,
        judged_corrected_hours,
        -- hours that a mean is made of; of a monitor that sends masses only, those of the mass
        case when concentration_hours > 0 then concentration_hours else valid_hours end as judged_hours
    from by_hour
    -- a day of a monitor that knew nothing gives way to what the day itself says
    where
        (enterprise_id, outlet_id, pollutant_code, local_date) not in (
            select
                enterprise_id,
                outlet_id,
                pollutant_code,
                local_date
            from with_mass
        )

    union all

    select
        with_mass.enterprise_id,
        with_mass.outlet_id,
        with_mass.medium,
        with_mass.pollutant_code,
        with_mass.local_date,
        with_mass.concentration_unit,
        with_mass.method_code,
        with_mass.mass_kg,
        {%- for state in ['measured', 'substituted', 'estimated', 'self_reported'] %}
        case when with_mass.mass_kg is null then null
            when coalesce(with_mass.value_state, 'measured') = '{{ state }}' then with_mass.mass_kg else 0
        end as {{ state }}_kg,
        {%- endfor %}
        case when with_mass.mass_kg is not null then with_mass.nd_mass_kg end as nd_mass_kg,
        case when with_mass.is_standing_still then 0 else operating_times.operating_hours end as operating_hours,
        case
            when with_mass.is_standing_still or with_mass.mass_kg is null then 0
            else least(coalesce(operating_times.operating_hours, local_days.hours), local_days.hours)
        end as valid_hours,
        case
            when with_mass.is_standing_still then local_days.hours
            when with_mass.mass_kg is null then 0
            else local_days.hours - least(coalesce(operating_times.operating_hours, local_days.hours), local_days.hours)
        end as stopped_hours,
        case when with_mass.mass_kg is null then 0 else local_days.hours end as covered_hours,
        with_mass.concentration as concentration_mean,
        case
            when with_mass.concentration is null then null
            when with_mass.medium = 'water' then coalesce(with_mass.flow_m3, 1)
            else 24
        end as concentration_weight,
        case with_mass.medium when 'air' then with_mass.corrected end as concentration_corrected_mean,
        case when with_mass.corrected is not null then 24 else 0 end as corrected_hours,
        with_mass.nd_share,
        false as is_hourly,
        with_mass.concentration as judged_mean,
        case with_mass.medium when 'air' then with_mass.corrected end as judged_corrected_mean,
        cast(null as bigint) as judged_corrected_hours,
        cast(null as bigint) as judged_hours
    from with_mass
    inner join local_days on with_mass.local_date = local_days.local_date
    left join operating_times
        on with_mass.enterprise_id = operating_times.enterprise_id
            and with_mass.outlet_id = operating_times.outlet_id
            and with_mass.local_date = operating_times.local_date
),

day_substitutions as (
    select
        substitutions.*,
        outlets.enterprise_id
    from {{ ref('int_substitutions') }} as substitutions
    inner join {{ ref('int_outlets') }} as outlets
        on substitutions.outlet_id = outlets.outlet_id and {{ holds_on('outlets', 'substitutions.local_date') }}
    where substitutions.is_gap and substitutions.unit = 'day' and substitutions.state = 'substituted'
        and {{ on_touched_dates('enterprise', 'substitutions.local_date') }}
),

touched_substitutions as (
    select * from day_substitutions
    where {{ touched_filter('enterprise') }}
        and (enterprise_id, outlet_id, pollutant_code, local_date) not in (
            select
                enterprise_id,
                outlet_id,
                pollutant_code,
                local_date
            from with_mass
        )
),

-- what a rule says of a whole day lifts what is known of it to the load of the rule; what people measured of it goes before
substituted_days as (
    select
        {%- for column in ['enterprise_id', 'outlet_id', 'medium', 'pollutant_code', 'local_date'] %}
        coalesce(every_day.{{ column }}, substitutions.{{ column }}) as {{ column }},
        {%- endfor %}
        every_day.concentration_unit,
        coalesce(every_day.method_code, case when substitutions.value_kg is not null then 'substitution' end) as method_code,
        greatest(every_day.mass_kg, substitutions.value_kg) as mass_kg,
        {%- for part in ['measured', 'estimated', 'self_reported', 'nd_mass'] %}
        coalesce(every_day.{{ part }}_kg, case when substitutions.value_kg is not null then 0 end) as {{ part }}_kg,
        {%- endfor %}
        case
            when substitutions.value_kg is null then every_day.substituted_kg
            else coalesce(every_day.substituted_kg, 0) + greatest(substitutions.value_kg - coalesce(every_day.mass_kg, 0), 0)
        end as substituted_kg,
        {%- for hours in ['operating', 'valid', 'stopped', 'covered'] %}
        coalesce(every_day.{{ hours }}_hours, case when every_day.outlet_id is null then 0 end) as {{ hours }}_hours,
        {%- endfor %}
        every_day.concentration_mean,
        every_day.concentration_weight,
        every_day.concentration_corrected_mean,
        coalesce(every_day.corrected_hours, 0) as corrected_hours,
        every_day.nd_share,
        coalesce(every_day.is_hourly, true) as is_hourly,
        every_day.judged_mean,
        every_day.judged_corrected_mean,
        coalesce(every_day.judged_corrected_hours, 0) as judged_corrected_hours,
        coalesce(every_day.judged_hours, case when every_day.outlet_id is null then 0 end) as judged_hours,
        substitutions.rule_id as day_rule_id
    from every_day
    full outer join touched_substitutions as substitutions
        on every_day.enterprise_id = substitutions.enterprise_id
            and every_day.outlet_id = substitutions.outlet_id
            and every_day.pollutant_code = substitutions.pollutant_code
            and every_day.local_date = substitutions.local_date
),

with_validity as (
    select
        substituted_days.*,
        flows.flow_m3,
        local_days.hours as day_hours,
        validity.rule_id as validity_rule_id,
        {{ needed_periods('validity.day_hours', 'validity.operating_share', 'local_days.hours - substituted_days.stopped_hours') }} as needed_hours
    from substituted_days
    inner join local_days on substituted_days.local_date = local_days.local_date
    left join flows
        on substituted_days.enterprise_id = flows.enterprise_id
            and substituted_days.outlet_id = flows.outlet_id
            and substituted_days.local_date = flows.local_date
    left join validity
        on substituted_days.outlet_id = validity.outlet_id and {{ holds_on('validity', 'substituted_days.local_date') }}
),

-- a day's own figure has been judged by who sent it
final as (
    select
        *,
        case
            when stopped_hours >= day_hours then null
            when is_hourly then judged_hours > 0 and judged_hours >= needed_hours - 1e-9
            else valid_hours > 0
        end as is_valid
    from with_validity
)

select * from final
