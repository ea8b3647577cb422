{#-
    What methods supply to an enterprise's and to the park's discharge is its mass in the emission marts, pollutant by pollutant, for
    months, quarters and years.
-#}
{{ config(meta={'dagster': {'ref': {'name': 'emission_method'}}}) }}

with

held as (
    {%- for grain, settings in longer_periods().items() %}
    select
        enterprise_id,
        medium,
        pollutant_code,
        '{{ grain }}' as period_type,
        {{ settings.column }} as period_start,
        sum(mass_kg) as mass_kg
    from {{ ref('enterprise_emission_' ~ settings.suffix) }}
    where counts_in_enterprise_total
    group by enterprise_id, medium, pollutant_code, {{ settings.column }}
    union all
    select
        '-' as enterprise_id,
        medium,
        pollutant_code,
        '{{ grain }}' as period_type,
        {{ settings.column }} as period_start,
        sum(mass_kg) as mass_kg
    from {{ ref('park_emission_' ~ settings.suffix) }}
    group by medium, pollutant_code, {{ settings.column }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

supplied as (
    {%- for entity, kg in {'enterprise_id': 'enterprise_kg', "'-'": 'park_kg'}.items() %}
    select
        {{ entity }} as enterprise_id,
        medium,
        pollutant_code,
        period_type,
        period_start,
        sum({{ kg }}) as mass_kg
    from {{ ref('emission_method') }}
    group by {{ 'enterprise_id, ' if entity == 'enterprise_id' }}medium, pollutant_code, period_type, period_start
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

compared as (
    select
        supplied.*,
        held.mass_kg as held_kg
    from supplied
    full outer join held
        on {{ equal_columns('supplied', 'held', ['enterprise_id', 'medium', 'pollutant_code', 'period_type', 'period_start']) }}
)

select * from compared
where abs(coalesce(mass_kg, 0) - coalesce(held_kg, 0)) > 1e-9 * abs(coalesce(held_kg, 0)) + 1e-6
