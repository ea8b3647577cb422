{#-
    What is held against a limit: of air the concentration at reference oxygen, of water the concentration itself; an hour
    for hourly limits, the day's mean for daily ones. A day of air needs 20 valid hours (HJ 212-2017 formula 25), a day of water any.
-#}
{% macro compared_value(hours) -%}
case when {{ hours }}.medium = 'air' then {{ hours }}.concentration_corrected else {{ hours }}.concentration end
{%- endmacro %}

{#- Periods of outlets whose pollutants have a limit, with the value to compare: null where the period is not judged. -#}
{% macro judged_periods() -%}
outlet_limits as (
    select * from {{ ref('int_outlet_limits') }}
),

hours as (
    select
        enterprise_id,
        outlet_id,
        medium,
        pollutant_code,
        local_date,
        hour_start_utc,
        {{ compared_value('hours') }} as value
    from {{ ref('emission_hourly') }} as hours
    where {{ touched_filter('enterprise') }}
        and (outlet_id, pollutant_code) in (select outlet_id, pollutant_code from outlet_limits where limit_kind = 'hourly_concentration')
),

days as (
    select
        enterprise_id,
        outlet_id,
        medium,
        pollutant_code,
        local_date,
        case
            when medium = 'water' then concentration_mean
            when not is_hourly then coalesce(concentration_corrected_mean, concentration_mean)
            when corrected_hours >= 20 then concentration_corrected_mean
        end as value
    from {{ ref('int_outlet_emission_daily') }}
    where {{ touched_filter('enterprise') }}
        and (outlet_id, pollutant_code) in (select outlet_id, pollutant_code from outlet_limits where limit_kind = 'daily_concentration')
)
{%- endmacro %}
