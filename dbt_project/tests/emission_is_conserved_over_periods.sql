{#-
    A year is the sum of its days, less the months in which the audit selects something else, and of what it selects instead: whatever
    was measured is in every period once.
-#}
{{ config(meta={'dagster': {'ref': {'name': 'enterprise_emission_annual'}}}) }}

with

placed as (
    select * from {{ ref('int_placed_emission') }}
    where outlet_id is not null and mass_kg is not null
),

displaced as (
    select distinct
        outlet_id,
        pollutant_code,
        period_start as month_start_date
    from placed
    where grain = 'month'
),

parts as (
    select
        days.enterprise_id,
        days.outlet_id,
        days.pollutant_code,
        cast(date_trunc('year', days.local_date) as date) as year_start_date,
        days.mass_kg
    from {{ ref('enterprise_emission_daily') }} as days
    left join displaced
        on days.outlet_id = displaced.outlet_id
            and days.pollutant_code = displaced.pollutant_code
            and cast(date_trunc('month', days.local_date) as date) = displaced.month_start_date
    where displaced.outlet_id is null
    union all
    select
        enterprise_id,
        outlet_id,
        pollutant_code,
        period_start as year_start_date,
        mass_kg
    from placed
    where grain = 'year'
),

summed as (
    select
        enterprise_id,
        outlet_id,
        pollutant_code,
        year_start_date,
        sum(mass_kg) as mass_kg
    from parts
    group by enterprise_id, outlet_id, pollutant_code, year_start_date
),

years as (
    select
        enterprise_id,
        outlet_id,
        pollutant_code,
        year_start_date,
        sum(mass_kg) as mass_kg
    from {{ ref('enterprise_emission_annual') }}
    where outlet_id is not null
    group by enterprise_id, outlet_id, pollutant_code, year_start_date
),

compared as (
    select
        summed.*,
        years.mass_kg as year_kg
    from summed
    full outer join years
        on summed.enterprise_id = years.enterprise_id
            and summed.outlet_id = years.outlet_id
            and summed.pollutant_code = years.pollutant_code
            and summed.year_start_date = years.year_start_date
)

select * from compared
where coalesce(mass_kg, year_kg) is not null
    and not coalesce(abs(mass_kg - year_kg) <= 1e-9 * year_kg + 1e-6, false)
