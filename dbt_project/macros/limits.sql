{#-
    What is held against a limit, unless it is marked (reference.monitor_mark_rule): of air the concentration at reference oxygen, of
    water the concentration itself; an hour for hourly limits, the day's mean for daily ones. A day needs the valid hours of its
    outlet's rule (reference.validity_rule): of air, hours with a converted value. On a day on which more water is drained than the
    product's baseline allows, the day's mean is converted to the baseline.
-#}
{% macro compared_value(hours) -%}
case when {{ hours }}.medium = 'air' then {{ hours }}.concentration_corrected else {{ hours }}.concentration end
{%- endmacro %}

{#- How a value was made comparable, in the words of limit_compliance_daily. -#}
{% macro compared_as(medium, drainage_ratio='null') -%}
case
            when {{ medium }} = 'air' then 'reference_oxygen'
            {%- if drainage_ratio != 'null' %}
            when {{ drainage_ratio }} > 1 then 'baseline_drainage'
            {%- endif %}
            else 'as_measured'
        end
{%- endmacro %}

{#-
    Concentration at the baseline drainage (基准排水量): C × Q / Σ(Y × Q_baseline). Drainage at or below the baseline leaves the
    concentration as it is: water that was saved is no dilution that was missed.
-#}
{% macro at_baseline_drainage(concentration, drainage_ratio) -%}
({{ concentration }} * greatest(coalesce({{ drainage_ratio }}, 1), 1))
{%- endmacro %}

{#- What a limit says of itself, carried to everything that is held against it. -#}
{% macro limit_columns() -%}
    {{ return([
        'limit_kind', 'limit_source', 'limit_layer', 'limit_id', 'standard_id', 'limit_value', 'unit', 'limit_valid_from', 'limit_valid_to',
        'source_ref', 'verification_status',
    ]) }}
{%- endmacro %}

{#- Mass of a permit in kilograms; null in a unit that is no mass. -#}
{% macro kilograms(value, unit) -%}
({{ value }} * case {{ unit }} when 'kg' then 1 when 't' then 1000 end)
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
        case when not coalesce(is_excluded_by_mark, false) then {{ compared_value('hours') }} end as value,
        {{ compared_as('medium') }} as compared_as,
        cast(null as double) as drainage_ratio
    from {{ ref('emission_hourly') }} as hours
    -- of an hour that only a rule filled nothing was sent that could be judged
    where {{ touched_filter('enterprise') }} and coalesce(validity_basis, '-') <> 'nothing_sent'
        and (outlet_id, pollutant_code) in (select outlet_id, pollutant_code from outlet_limits where limit_kind = 'hourly_concentration')
),

drainage as (
    select * from {{ ref('int_drainage_ratio_daily') }}
    where {{ touched_filter('enterprise') }}
),

measured_days as (
    select
        enterprise_id,
        outlet_id,
        medium,
        pollutant_code,
        local_date,
        case
            when not is_hourly then case medium when 'water' then judged_mean else coalesce(judged_corrected_mean, judged_mean) end
            when medium = 'water' then case when is_valid then judged_mean end
            when judged_corrected_hours >= needed_hours - 1e-9 then judged_corrected_mean
        end as value
    from {{ ref('int_outlet_emission_daily') }}
    where {{ touched_filter('enterprise') }} and concentration_unit is not null
        and (outlet_id, pollutant_code) in (select outlet_id, pollutant_code from outlet_limits where limit_kind = 'daily_concentration')
),

days as (
    select
        measured_days.enterprise_id,
        measured_days.outlet_id,
        measured_days.medium,
        measured_days.pollutant_code,
        measured_days.local_date,
        case measured_days.medium
            when 'water' then {{ at_baseline_drainage('measured_days.value', 'drainage.drainage_ratio') }}
            else measured_days.value
        end as value,
        {{ compared_as('measured_days.medium', 'drainage.drainage_ratio') }} as compared_as,
        case measured_days.medium when 'water' then drainage.drainage_ratio end as drainage_ratio
    from measured_days
    left join drainage
        on measured_days.enterprise_id = drainage.enterprise_id
            and measured_days.outlet_id = drainage.outlet_id
            and measured_days.local_date = drainage.local_date
)
{%- endmacro %}
