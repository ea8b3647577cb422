{#- Days add up to hours, years to days: what was measured is in every period once. -#}
{{ config(meta={'dagster': {'ref': {'name': 'enterprise_emission_annual'}}}) }}

with

days as (
    select
        enterprise_id,
        outlet_id,
        pollutant_code,
        cast(date_trunc('year', local_date) as date) as year_start_date,
        sum(mass_kg) as mass_kg
    from {{ ref('enterprise_emission_daily') }}
    group by enterprise_id, outlet_id, pollutant_code, cast(date_trunc('year', local_date) as date)
),

years as (
    select
        enterprise_id,
        outlet_id,
        pollutant_code,
        year_start_date,
        sum(mass_kg - self_reported_kg) as mass_kg
    from {{ ref('enterprise_emission_annual') }}
    where outlet_id is not null and coalesce(method_code, '') <> 'self_reported'
    group by enterprise_id, outlet_id, pollutant_code, year_start_date
),

compared as (
    select
        days.*,
        years.mass_kg as year_kg
    from days
    full outer join years
        on days.enterprise_id = years.enterprise_id
            and days.outlet_id = years.outlet_id
            and days.pollutant_code = years.pollutant_code
            and days.year_start_date = years.year_start_date
)

select * from compared
where coalesce(mass_kg, year_kg) is not null
    and not coalesce(abs(mass_kg - year_kg) <= 1e-9 * year_kg + 1e-6, false)
