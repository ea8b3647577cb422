{#- Measured properties of fuels and steam. How factors become energy and carbon of a row stands in consumption.sql. -#}

{#- Parameters that together tell the enthalpy of steam where no meter does. -#}
{% macro steam_state_parameters() -%}('steam_pressure', 'steam_temperature'){%- endmacro %}

{#- A constant of the steam formulas by its number. -#}
{% macro steam_constant(number) -%}
(select coefficient from {{ ref('stg_steam_terms') }} where part = 'constant' and term_no = {{ number }})
{%- endmacro %}

{#-
    Specific enthalpy of steam, kJ/kg, by the industrial formulation IAPWS-IF97: region 2 for superheated steam, and its edge
    (region 4) where the temperature is unknown or below saturation. `states` has `key` columns, `pressure_mpa`
    (gauge) and `temperature_degc`; the result has the key columns and `enthalpy_kj_kg`.
-#}
{% macro steam_enthalpy(states, key) -%}
steam_saturation as (
    select
        {%- for number in range(1, 11) %}
        max(case when term_no = {{ number }} then coefficient end) as n{{ number }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('stg_steam_terms') }}
    where part = 'saturation'
),

steam_absolute as (
    select
        {{ key | join(', ') }},
        pressure_mpa + {{ steam_constant(3) }} as pressure,
        temperature_degc + 273.15 as temperature
    from {{ states }}
    where pressure_mpa is not null
),

steam_beta as (
    select
        steam_absolute.*,
        power(steam_absolute.pressure, 0.25) as beta,
        steam_saturation.*
    from steam_absolute
    cross join steam_saturation
),

steam_edge as (
    select
        *,
        2 * (n2 * beta * beta + n5 * beta + n8)
        / (
            -(n1 * beta * beta + n4 * beta + n7)
            - sqrt(
                power(n1 * beta * beta + n4 * beta + n7, 2)
                - 4 * (beta * beta + n3 * beta + n6) * (n2 * beta * beta + n5 * beta + n8)
            )
        ) as d
    from steam_beta
),

-- steam colder than saturation would be water: what is metered as steam is at least saturated
steam_states as (
    select
        {{ key | join(', ') }},
        pressure,
        greatest(
            coalesce(temperature, 0),
            (n10 + d - sqrt(power(n10 + d, 2) - 4 * (n9 + n10 * d))) / 2
        ) as temperature
    from steam_edge
),

steam_parts as (
    select
        {%- for column in key %}
        steam_states.{{ column }},
        {%- endfor %}
        sum(case terms.part
            when 'ideal'
                then terms.coefficient * terms.temperature_power
                    * power({{ steam_constant(2) }} / steam_states.temperature, terms.temperature_power - 1)
            else terms.coefficient * power(steam_states.pressure, terms.pressure_power) * terms.temperature_power
                * power({{ steam_constant(2) }} / steam_states.temperature - 0.5, terms.temperature_power - 1)
        end) as reduced_enthalpy
    from steam_states
    cross join {{ ref('stg_steam_terms') }} as terms
    where terms.part in ('ideal', 'residual') and terms.temperature_power <> 0
    group by
        {%- for column in key %}
        steam_states.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
),

steam_enthalpies as (
    select
        {{ key | join(', ') }},
        {{ steam_constant(1) }} * {{ steam_constant(2) }} * reduced_enthalpy as enthalpy_kj_kg
    from steam_parts
)
{%- endmacro %}
