{#- A day that a monitor's hours make has their mass, unless a rule of wastewater lifts the whole day to a load. -#}
{{ config(meta={'dagster': {'ref': {'name': 'emission_hourly'}}}) }}

with

hours as (
    select
        enterprise_id,
        outlet_id,
        pollutant_code,
        local_date,
        {{ sums_of(['mass_kg', 'substituted_kg', 'nd_mass_kg']) }}
    from {{ ref('emission_hourly') }}
    group by enterprise_id, outlet_id, pollutant_code, local_date
),

days as (
    select * from {{ ref('int_outlet_emission_daily') }}
    where is_hourly and day_rule_id is null
),

compared as (
    select
        days.enterprise_id,
        days.outlet_id,
        days.pollutant_code,
        days.local_date,
        days.mass_kg,
        days.substituted_kg,
        days.nd_mass_kg,
        hours.mass_kg as hours_kg,
        hours.substituted_kg as hours_substituted_kg,
        hours.nd_mass_kg as hours_nd_kg
    from days
    left join hours
        on {{ equal_columns('days', 'hours', ['enterprise_id', 'outlet_id', 'pollutant_code', 'local_date']) }}
)

select * from compared
where coalesce(mass_kg, hours_kg) is not null
    and not coalesce(
        abs(mass_kg - hours_kg) <= 1e-9 * abs(hours_kg) + 1e-9
        and abs(substituted_kg - coalesce(hours_substituted_kg, 0)) <= 1e-9 * abs(hours_kg) + 1e-9
        and abs(nd_mass_kg - coalesce(hours_nd_kg, 0)) <= 1e-9 * abs(hours_kg) + 1e-9,
        false
    )
