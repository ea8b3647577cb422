{#-
    Energy and carbon per unit of a fuel or of steam as measured in an enterprise: a measured calorific value or enthalpy goes before
    the default one (GB/T 2589). A day's own sample speaks for the day; a day without one takes the mean of its month; a month
    without any takes what the enterprise declares for it. A month is rebuilt as a whole, because one sample moves its mean.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'month'}},
) }}

with

properties as (
    select
        parameter_code,
        item_code,
        property,
        gj_scale,
        valid_from,
        {{ validity_end('parameter_code') }} as valid_to
    from {{ ref('stg_item_properties') }}
),

owners as (
    select * from {{ ref('int_point_owners') }}
),

channels as (
    select * from {{ ref('int_channels') }}
),

local_days as (
    select local_date from {{ ref('int_local_days') }}
),

heat_factors as (
    select * from {{ ref('int_heat_factors') }}
),

readings as (
    select
        owners.enterprise_id,
        days.point_id,
        days.parameter_code,
        days.local_date,
        days.value_mean,
        case days.source_kind when 'manual_lab' then 0 when 'automatic' then 1 when 'platform_copy' then 2 else 3 end as preference
    from {{ ref('point_daily') }} as days
    inner join owners
        on days.point_id = owners.point_id and {{ holds_on('owners', 'days.local_date') }}
    inner join channels
        on days.point_id = channels.point_id
            and days.parameter_code = channels.parameter_code
            and {{ holds_on('channels', 'days.local_date') }}
    where days.statistic in ('avg', 'rtd')
        and (
            days.parameter_code in (select parameter_code from properties)
            or days.parameter_code in {{ steam_state_parameters() }}
        )
        and days.value_mean is not null
        and owners.enterprise_id is not null
        and {{ on_touched_dates('enterprise', 'days.local_date') }}
),

touched as (
    select
        enterprise_id,
        point_id,
        parameter_code,
        local_date,
        min_by(value_mean, preference) as value
    from readings
    where {{ touched_filter('enterprise') }}
    group by enterprise_id, point_id, parameter_code, local_date
),

-- a steam meter that knows pressure and temperature
steam_points as (
    select
        touched.enterprise_id,
        touched.point_id,
        touched.local_date,
        properties.item_code,
        max(case touched.parameter_code when 'steam_pressure' then touched.value end) as pressure_mpa,
        max(case touched.parameter_code when 'steam_temperature' then touched.value end) as temperature_degc
    from touched
    inner join channels
        on touched.point_id = channels.point_id and {{ holds_on('channels', 'touched.local_date') }}
    inner join properties
        on channels.parameter_code = properties.item_code
            and properties.property = 'enthalpy'
            and {{ holds_on('properties', 'touched.local_date') }}
    where touched.parameter_code in {{ steam_state_parameters() }}
    group by touched.enterprise_id, touched.point_id, touched.local_date, properties.item_code
),

{{ steam_enthalpy('steam_points', ['enterprise_id', 'point_id', 'item_code', 'local_date']) }},

samples as (
    select
        touched.enterprise_id,
        properties.item_code,
        properties.property,
        touched.local_date,
        touched.value * properties.gj_scale as gj_per_unit,
        0 as preference
    from touched
    inner join properties
        on touched.parameter_code = properties.parameter_code and {{ holds_on('properties', 'touched.local_date') }}

    union all

    select
        enterprise_id,
        item_code,
        'enthalpy' as property,
        local_date,
        enthalpy_kj_kg / 1000 as gj_per_unit,
        1 as preference
    from steam_enthalpies
),

by_day as (
    select
        enterprise_id,
        item_code,
        property,
        local_date,
        coalesce(avg(case when preference = 0 then gj_per_unit end), avg(gj_per_unit)) as gj_per_unit
    from samples
    group by enterprise_id, item_code, property, local_date
),

by_month as (
    select
        enterprise_id,
        item_code,
        property,
        {{ period_start('local_date', 'month') }} as month_start_date,
        avg(gj_per_unit) as gj_per_unit
    from by_day
    group by enterprise_id, item_code, property, {{ period_start('local_date', 'month') }}
),

sampled as (
    select
        by_month.enterprise_id,
        by_month.item_code,
        by_month.property,
        local_days.local_date,
        coalesce(by_day.gj_per_unit, by_month.gj_per_unit) as gj_per_unit,
        case when by_day.gj_per_unit is not null then 'measured' else 'month_mean' end as origin
    from by_month
    inner join local_days on by_month.month_start_date = {{ period_start('local_days.local_date', 'month') }}
    left join by_day
        on by_month.enterprise_id = by_day.enterprise_id
            and by_month.item_code = by_day.item_code
            and by_month.property = by_day.property
            and local_days.local_date = by_day.local_date
),

declared as (
    select
        reports.enterprise_id,
        properties.item_code,
        properties.property,
        local_days.local_date,
        reports.value * properties.gj_scale as gj_per_unit,
        row_number() over (
            partition by reports.enterprise_id, properties.item_code, properties.property, local_days.local_date
            order by
                {{ days_between('reports.period_start', 'reports.period_end') }} asc,
                {{ report_rank('reports.report_kind', 'reports.medium') }} asc,
                reports.line_id asc
        ) as choice
    from {{ ref('int_self_report_subjects') }} as reports
    inner join properties
        on reports.item_code = properties.parameter_code and {{ holds_on('properties', 'reports.period_start') }}
    inner join local_days
        on local_days.local_date >= reports.period_start and local_days.local_date < reports.period_end
    where reports.subject_kind = 'enterprise' and reports.medium = 'none' and reports.value is not null
),

touched_declared as (
    select * from declared
    where choice = 1 and {{ touched_filter('enterprise') }}
),

every_day as (
    select
        coalesce(sampled.enterprise_id, touched_declared.enterprise_id) as enterprise_id,
        coalesce(sampled.item_code, touched_declared.item_code) as item_code,
        coalesce(sampled.property, touched_declared.property) as property,
        coalesce(sampled.local_date, touched_declared.local_date) as local_date,
        coalesce(sampled.gj_per_unit, touched_declared.gj_per_unit) as gj_per_unit,
        coalesce(sampled.origin, 'self_reported') as origin
    from sampled
    full outer join touched_declared
        on sampled.enterprise_id = touched_declared.enterprise_id
            and sampled.item_code = touched_declared.item_code
            and sampled.property = touched_declared.property
            and sampled.local_date = touched_declared.local_date
),

-- steam brings what it holds above the water it was made from
net as (
    select
        every_day.*,
        every_day.gj_per_unit - case every_day.property when 'enthalpy' then coalesce(feedwater.value, 0) else 0 end as heat_gj_per_unit
    from every_day
    left join heat_factors as feedwater
        on feedwater.kind = 'feedwater_enthalpy'
            and every_day.item_code = feedwater.item_code
            and {{ holds_on('feedwater', 'every_day.local_date') }}
),

final as (
    select
        net.enterprise_id,
        net.item_code,
        net.local_date,
        net.property,
        net.gj_per_unit,
        net.heat_gj_per_unit,
        net.heat_gj_per_unit / heat_of_tce.value as tce,
        net.heat_gj_per_unit * carbon.value as co2e,
        net.origin || ' ' || net.property as factor_id,
        carbon.scope as co2e_scope,
        net.origin
    from net
    inner join heat_factors as heat_of_tce
        on heat_of_tce.kind = 'heat_per_tce' and {{ holds_on('heat_of_tce', 'net.local_date') }}
    left join heat_factors as carbon
        on carbon.kind = 'ghg_per_heat'
            and net.item_code = carbon.item_code
            and {{ holds_on('carbon', 'net.local_date') }}
    where net.heat_gj_per_unit > 0
)

select * from final
