{#- Park = Σ enterprises − indirect discharge − transfers − what belongs to no member, for every pollutant, medium and month. -#}
{{ config(meta={'dagster': {'ref': {'name': 'park_emission_monthly'}}}) }}

with

enterprises as (
    select
        pollutant_code,
        medium,
        month_start_date,
        sum(mass_kg) as mass_kg
    from {{ ref('enterprise_emission_monthly') }}
    where counts_in_enterprise_total
    group by pollutant_code, medium, month_start_date
),

eliminations as (
    select
        item_code as pollutant_code,
        medium,
        month_start_date,
        sum(quantity) as mass_kg
    from {{ ref('park_eliminations_monthly') }}
    where mart = 'emission'
    group by item_code, medium, month_start_date
),

park as (
    select
        pollutant_code,
        medium,
        month_start_date,
        sum(mass_kg) as mass_kg
    from {{ ref('park_emission_monthly') }}
    group by pollutant_code, medium, month_start_date
),

compared as (
    select
        coalesce(park.pollutant_code, enterprises.pollutant_code) as pollutant_code,
        coalesce(park.medium, enterprises.medium) as medium,
        coalesce(park.month_start_date, enterprises.month_start_date) as month_start_date,
        coalesce(park.mass_kg, 0) as park_kg,
        coalesce(enterprises.mass_kg, 0) as enterprises_kg,
        coalesce(eliminations.mass_kg, 0) as eliminated_kg
    from enterprises
    full outer join park
        on enterprises.pollutant_code = park.pollutant_code
            and enterprises.medium = park.medium
            and enterprises.month_start_date = park.month_start_date
    left join eliminations
        on enterprises.pollutant_code = eliminations.pollutant_code
            and enterprises.medium = eliminations.medium
            and enterprises.month_start_date = eliminations.month_start_date
)

select * from compared
where abs(park_kg - (enterprises_kg - eliminated_kg)) > 1e-9 * enterprises_kg + 1e-6
