{#-
    One day of one pollutant at one outlet by every method that days know, side by side: concentration times flow of a monitor, of a
    laboratory, mass as the station sends it, emission rate times heat input. int_outlet_emission_daily chooses among the first three for
    the day; here nothing is chosen.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise'}},
) }}

{%- set key = ['enterprise_id', 'outlet_id', 'medium', 'pollutant_code', 'local_date'] %}

with

hours as (
    select
        {{ key | join(', ') }},
        operating_state = 'stopped' as is_stopped,
        state in ('measured', 'stopped') as is_measured,
        concentration_flow_kg,
        reported_kg,
        case when method_code = 'substitution' then mass_kg end as substituted_kg,
        max(case when method_code <> 'substitution' then method_code end) over (partition by {{ key | join(', ') }}) as day_method
    from {{ ref('emission_hourly') }}
    where {{ touched_filter('enterprise') }}
),

-- what a rule puts in an hour's place is of the method by which the day's other hours are known
by_method as (
    select
        {{ key | join(', ') }},
        is_stopped,
        is_measured,
        substituted_kg is not null as is_substituted,
        case
            when substituted_kg is null then concentration_flow_kg
            when coalesce(day_method, 'concentration_flow') <> 'reported_mass' then substituted_kg
        end as automatic_kg,
        case
            when substituted_kg is null then reported_kg
            when day_method = 'reported_mass' then substituted_kg
        end as reported_mass_kg
    from hours
),

by_hour as (
    {%- for method, kg in {'automatic': 'automatic_kg', 'reported_mass': 'reported_mass_kg'}.items() %}
    select
        {{ key | join(', ') }},
        '{{ method }}' as method_code,
        sum({{ kg }}) as mass_kg,
        sum(case when is_measured then {{ kg }} else 0 end) as measured_kg,
        count(case when not is_stopped and not is_substituted then {{ kg }} end) as known_hours,
        cast(null as double) as sampled_flow_m3
    from by_method
    group by {{ key | join(', ') }}
    having count({{ kg }}) > 0
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

pollutants as (
    select
        parameter_code,
        mass_scale,
        valid_from,
        {{ validity_end('parameter_code') }} as valid_to
    from {{ ref('stg_parameters') }}
    where kind = 'pollutant'
),

rates as (
    {{ own_before_shipped('stg_emission_rates', ['parameter_code', 'pollutant_code', 'medium', 'activity_parameter'], 'parameter_code') }}
),

local_days as (
    select
        local_date,
        minutes / cast(60 as double) as hours
    from {{ ref('int_local_days') }}
),

flows as (
    select * from {{ ref('int_outlet_flow_daily') }}
    where {{ touched_filter('enterprise') }}
),

point_days as (
    select
        outlet_points.enterprise_id,
        outlet_points.outlet_id,
        outlet_points.medium,
        days.point_id,
        days.parameter_code,
        days.local_date,
        days.statistic,
        days.value_mean,
        days.value_sum,
        days.stopped_share = 1 and coalesce(days.value_mean, days.value_sum) is null as is_stopped,
        days.source_kind in ('automatic', 'platform_copy') as is_monitor,
        {{ state_of_hour('days') }} as state,
        case days.source_kind when 'automatic' then 0 when 'platform_copy' then 2 when 'manual_lab' then 4 else 6 end
        + case when days.statistic = 'rtd' then 1 else 0 end as preference
    from {{ ref('point_daily') }} as days
    inner join {{ ref('int_outlet_points') }} as outlet_points
        on days.point_id = outlet_points.point_id and {{ holds_on('outlet_points', 'days.local_date') }}
    where days.statistic in ('avg', 'rtd', 'cou')
        and {{ on_touched_dates('enterprise', 'days.local_date') }}
),

touched_days as (
    select * from point_days
    where {{ touched_filter('enterprise') }}
),

by_source as (
    select
        days.enterprise_id,
        days.outlet_id,
        days.medium,
        days.parameter_code as pollutant_code,
        days.local_date,
        days.is_monitor,
        max(pollutants.mass_scale) as mass_scale,
        min_by(days.value_mean, days.preference) filter (where days.statistic <> 'cou' and days.value_mean is not null) as concentration,
        min_by(days.state, days.preference) filter (where days.statistic <> 'cou' and days.value_mean is not null) as concentration_state,
        coalesce(
            min_by(days.value_sum, days.preference) filter (where days.statistic = 'cou' and days.value_sum is not null),
            max(case when days.statistic = 'cou' and days.is_stopped then 0 end)
        ) as total,
        min_by(days.state, days.preference) filter (where days.statistic = 'cou' and days.value_sum is not null) as total_state,
        max(case when days.statistic = 'cou' and days.value_sum is not null then 1 else 0 end) as has_total
    from touched_days as days
    inner join pollutants
        on days.parameter_code = pollutants.parameter_code and {{ holds_on('pollutants', 'days.local_date') }}
    group by days.enterprise_id, days.outlet_id, days.medium, days.parameter_code, days.local_date, days.is_monitor
),

with_flow as (
    select
        by_source.*,
        flows.flow_m3,
        by_source.concentration * flows.flow_m3 * by_source.mass_scale as concentration_kg,
        local_days.hours
    from by_source
    inner join local_days on by_source.local_date = local_days.local_date
    left join flows
        on by_source.enterprise_id = flows.enterprise_id
            and by_source.outlet_id = flows.outlet_id
            and by_source.local_date = flows.local_date
),

monitored_totals as (
    select
        enterprise_id,
        outlet_id,
        pollutant_code,
        local_date
    from with_flow
    where is_monitor and total is not null
),

by_day as (
    select
        {{ key | join(', ') }},
        case when is_monitor then 'automatic' else 'manual' end as method_code,
        concentration_kg as mass_kg,
        case when concentration_state = 'measured' then concentration_kg else 0 end as measured_kg,
        hours as known_hours,
        case when not is_monitor then flow_m3 end as sampled_flow_m3
    from with_flow
    where concentration_kg is not null
    union all
    select
        {{ key | join(', ') }},
        'reported_mass' as method_code,
        sum(total) as mass_kg,
        sum(case when has_total = 0 or total_state = 'measured' then total else 0 end) as measured_kg,
        max(case when has_total = 1 then hours else 0 end) as known_hours,
        cast(null as double) as sampled_flow_m3
    from with_flow
    -- of a monitor's mass and one that was typed in the monitor's
    where total is not null
        and (is_monitor or (enterprise_id, outlet_id, pollutant_code, local_date) not in (
            select
                enterprise_id,
                outlet_id,
                pollutant_code,
                local_date
            from monitored_totals
        ))
    group by {{ key | join(', ') }}
),

by_point_rate as (
    select
        days.enterprise_id,
        days.outlet_id,
        rates.medium,
        rates.pollutant_code,
        days.local_date,
        days.point_id,
        min_by(days.value_mean, days.preference) as rate,
        min_by(activities.value_sum, activities.preference) as activity,
        min_by(days.state, days.preference) as state
    from touched_days as days
    inner join rates
        on days.parameter_code = rates.parameter_code and {{ holds_on('rates', 'days.local_date') }}
    inner join touched_days as activities
        on days.point_id = activities.point_id
            and days.local_date = activities.local_date
            and rates.activity_parameter = activities.parameter_code
    where days.statistic <> 'cou' and days.value_mean is not null and activities.statistic = 'cou' and activities.value_sum is not null
    group by days.enterprise_id, days.outlet_id, rates.medium, rates.pollutant_code, days.local_date, days.point_id
),

by_rate as (
    select
        {{ key | join(', ') }},
        'rate_heat_input' as method_code,
        sum(rate * activity) as mass_kg,
        sum(case when state = 'measured' then rate * activity else 0 end) as measured_kg,
        24 as known_hours,
        cast(null as double) as sampled_flow_m3
    from by_point_rate
    group by {{ key | join(', ') }}
),

-- a monitor's hours go before the figure of its day, method by method
known as (
    select
        {{ key | join(', ') }},
        method_code,
        mass_kg,
        measured_kg,
        cast(known_hours as double) as known_hours,
        sampled_flow_m3
    from by_hour
    union all
    select
        by_day.{{ key | join(', by_day.') }},
        by_day.method_code,
        by_day.mass_kg,
        by_day.measured_kg,
        by_day.known_hours,
        by_day.sampled_flow_m3
    from by_day
    left join by_hour
        on by_day.enterprise_id = by_hour.enterprise_id
            and by_day.outlet_id = by_hour.outlet_id
            and by_day.pollutant_code = by_hour.pollutant_code
            and by_day.local_date = by_hour.local_date
            and by_day.method_code = by_hour.method_code
    where by_hour.outlet_id is null
    union all
    select
        {{ key | join(', ') }},
        method_code,
        mass_kg,
        measured_kg,
        cast(known_hours as double) as known_hours,
        sampled_flow_m3
    from by_rate
),

-- as a rule's hours: the load that a rule puts in a day's place is of the method that the rest of the day is known by
day_loads as (
    select
        {{ key | join(', ') }},
        case method_code when 'reported_mass' then 'reported_mass' else 'automatic' end as method_code,
        mass_kg
    from {{ ref('int_outlet_emission_daily') }}
    where day_rule_id is not null and {{ touched_filter('enterprise') }}
),

final as (
    select
        {%- for column in key + ['method_code'] %}
        coalesce(known.{{ column }}, day_loads.{{ column }}) as {{ column }},
        {%- endfor %}
        greatest(known.mass_kg, day_loads.mass_kg) as mass_kg,
        coalesce(known.measured_kg, 0) as measured_kg,
        coalesce(known.known_hours, 0) as known_hours,
        known.sampled_flow_m3
    from known
    full outer join day_loads
        on {{ equal_columns('known', 'day_loads', key + ['method_code']) }}
)

select * from final
