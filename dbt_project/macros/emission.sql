{#-
    The correction chain of HJ 212-2017 annex D, one macro a formula, so that each can be unit-tested where it is used.
    Humidity and oxygen are percent, temperatures degC, pressures kPa (HJ 212 sends a01013 in kPa where annex D computes in Pa).
-#}

{#- Which readings describe the gas or water at an outlet. HJ 212 codes: these are the norm's own names, not data of ours. -#}
{% macro outlet_conditions() -%}
    {{ return({
        'oxygen_percent': 'a19001',
        'temperature_degc': 'a01012',
        'static_pressure_kpa': 'a01013',
        'humidity_percent': 'a01014',
        'velocity_m_s': 'a01011',
        'duct_section_m2': 'a01016',
        'air_pressure_kpa': 'a01006',
    }) }}
{%- endmacro %}

{% macro flow_codes() -%}('a00000', 'w00000'){%- endmacro %}

{#- Dry share of a wet gas (19): null where humidity is needed and unknown. -#}
{% macro dry_share(basis, humidity) -%}
case when {{ basis }} in ('wet_0C', 'wet_20C', 'actual') then 1 - {{ humidity }} / 100 else 1 end
{%- endmacro %}

{#- Volume at 0 degC and 101.325 kPa over volume as measured (31). No stated basis means that the station sends standard values. -#}
{% macro standard_share(basis, temperature, absolute_pressure) -%}
case
    when {{ basis }} in ('dry_20C', 'wet_20C') then 273.0 / (273 + 20)
    when {{ basis }} = 'actual' then 273.0 / (273 + {{ temperature }}) * {{ absolute_pressure }} / 101.325
    else 1
end
{%- endmacro %}

{#- Dry standard flow out of a flow on its own basis (31). -#}
{% macro dry_standard_flow(flow, basis, temperature, absolute_pressure, humidity) -%}
({{ flow }} * ({{ standard_share(basis, temperature, absolute_pressure) }}) * ({{ dry_share(basis, humidity) }}))
{%- endmacro %}

{#- Dry standard concentration out of one on its own basis (18), (19). -#}
{% macro dry_standard_concentration(concentration, basis, temperature, absolute_pressure, humidity) -%}
({{ concentration }} / ({{ standard_share(basis, temperature, absolute_pressure) }}) / ({{ dry_share(basis, humidity) }}))
{%- endmacro %}

{#-
    Concentration at the reference oxygen content (28); never used for a mass. From the ceiling of the validity rule on the gas is
    air: the factor would blow any trace up, so there is no converted value (start-up, shutdown or a leak). By excess air (26) it is
    the same, α being 21 / (21 − O2) (27).
-#}
{% macro at_reference_oxygen(concentration, oxygen, reference_oxygen, ceiling) -%}
case
    when {{ reference_oxygen }} is null then {{ concentration }}
    when {{ oxygen }} < {{ ceiling }} then {{ concentration }} * (21 - {{ reference_oxygen }}) / (21 - {{ oxygen }})
end
{%- endmacro %}

{#- Readings a channel owes an hour: by its step; one without a step owes what it sent. Of one reading its own flag decides. -#}
{% macro owed_readings(hours, step_minutes) -%}
greatest({{ hours }}.readings, case when {{ step_minutes }} between 1 and 60 then floor(60 / {{ step_minutes }}) else 1 end)
{%- endmacro %}

{#- Whether enough of an hour is valid by the rule of its outlet (int_outlet_validity). -#}
{% macro is_valid_hour(hours, step_minutes, rules) -%}
({{ hours }}.valid_periods
    + {{ hours }}.readings * ({{ hours }}.substituted_share + {{ hours }}.estimated_share + {{ hours }}.self_reported_share)
    >= {{ rules }}.hour_minutes / 60
    * {{ owed_readings(hours, step_minutes) }} - 1e-9)
{%- endmacro %}

{#- Periods that a longer one needs to be valid; less where the rule lets a share of those be enough in which the source did not stand still. -#}
{% macro needed_periods(needed, operating_share, not_stopped) -%}
least({{ needed }}, {{ operating_share }} * ({{ not_stopped }}))
{%- endmacro %}

{#- One word for where an hour's value comes from. -#}
{% macro state_of_hour(hours) -%}
case
    when {{ hours }}.self_reported_share > 0 then 'self_reported'
    when {{ hours }}.estimated_share > 0 then 'estimated'
    when {{ hours }}.substituted_share > 0 then 'substituted'
    else 'measured'
end
{%- endmacro %}

{#- Share of a mass that was measured; of zero nothing can have a share. -#}
{% macro emission_measured_share(prefix='') -%}
{{ prefix }}measured_kg / nullif({{ prefix }}mass_kg, 0)
{%- endmacro %}

{#- The weakest provenance that put a kilogram into a mass. -#}
{% macro emission_state(prefix='') -%}
case
        when {{ prefix }}mass_kg is null then 'missing'
        when {{ prefix }}self_reported_kg > 0 then 'self_reported'
        when {{ prefix }}estimated_kg > 0 then 'estimated'
        when {{ prefix }}substituted_kg > 0 then 'substituted'
        else 'measured'
    end
{%- endmacro %}

{#- Additive columns of the emission marts. -#}
{% macro emission_masses() -%}{{ return(['mass_kg', 'measured_kg', 'substituted_kg', 'estimated_kg', 'self_reported_kg', 'nd_mass_kg']) }}{%- endmacro %}

{% macro emission_sums() -%}
    {{ return(emission_masses() + ['flow_m3', 'operating_hours', 'valid_hours', 'stopped_hours', 'covered_hours', 'valid_days']) }}
{%- endmacro %}

{#- Means over days, weighted as the day's means were; additive columns summed. -#}
{% macro emission_aggregates() -%}
        {%- for measure in emission_sums() %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        sum(nd_share * valid_hours) / nullif(sum(case when nd_share is not null then valid_hours end), 0) as nd_share,
        sum(concentration_mean * concentration_weight)
        / nullif(sum(case when concentration_mean is not null then concentration_weight end), 0) as concentration_mean,
        sum(concentration_corrected_mean * corrected_hours)
        / nullif(sum(case when concentration_corrected_mean is not null then corrected_hours end), 0) as concentration_corrected_mean,
        max(concentration_unit) as concentration_unit,
        sum(concentration_weight) as concentration_weight,
        sum(corrected_hours) as corrected_hours,
        {{ one_or_several('method_code') }} as method_code
{%- endmacro %}

{#- Hours of a calendar period that starts on a date. -#}
{% macro hours_of_period(start, grain) -%}
({{ days_between(start, period_end(start, grain)) }} * cast(24 as double))
{%- endmacro %}

{#- What identifies a row of the emission marts beside its period. -#}
{% macro emission_key(entity) -%}
    {{ return({
        'enterprise': [
            'enterprise_id', 'outlet_id', 'outlet_kind', 'medium', 'pollutant_code', 'discharge_kind', 'receiving_enterprise_id',
            'counts_in_enterprise_total', 'counts_in_park_total',
        ],
        'park': ['outlet_id', 'outlet_kind', 'medium', 'pollutant_code', 'discharge_kind', 'counts_in_park_total'],
    }[entity]) }}
{%- endmacro %}

{#-
    Discharge at a longer period, of enterprises or of the park: its days, and what the audit selects beside them or in their place
    (emission_method). Hours, flow and concentrations stay those of the days.
-#}
{% macro emission_of(entity, grain) -%}
{%- set column = longer_periods()[grain].column -%}
{%- set key = emission_key(entity) -%}
{%- set relation = 'int_touched_enterprise_periods' -%}
with

placed as (
    select * from {{ ref('int_placed_emission') }}
    where {{ touched_filter(entity, date='period_start', relation=relation) }}
),

-- months of an outlet in which something else speaks than its days
displaced as (
    select distinct
        outlet_id,
        medium,
        pollutant_code,
        period_start as month_start_date
    from placed
    where grain = 'month' and outlet_id is not null and mass_kg is not null
),

days as (
    select
        {{ period_start('days.local_date', grain) }} as period_start,
        {%- for mass in emission_masses() %}
        case when displaced.outlet_id is null then days.{{ mass }} end as {{ mass }},
        {%- endfor %}
        case when displaced.outlet_id is null then days.method_code end as method_code,
        case when displaced.outlet_id is null then days.covered_hours else 0 end as covered_hours,
        {%- for name in key + [
            'nd_share', 'flow_m3', 'operating_hours', 'valid_hours', 'stopped_hours', 'concentration_mean', 'concentration_weight',
            'concentration_corrected_mean', 'corrected_hours', 'concentration_unit', 'validity_rule_id', 'state',
        ] %}
        days.{{ name }},
        {%- endfor %}
        case when days.is_valid then cast(1 as double) else 0 end as valid_days,
        case when days.state = 'stopped' then cast(1 as double) else 0 end as stopped_days
    from {{ ref(entity ~ '_emission_daily') }} as days
    left join displaced
        on days.outlet_id = displaced.outlet_id
            and days.medium = displaced.medium
            and days.pollutant_code = displaced.pollutant_code
            and {{ period_start('days.local_date', 'month') }} = displaced.month_start_date
    where {{ touched_filter(entity, 'days', relation=relation) }}
),

measured as (
    select
        period_start,
        {{ key | join(', ') }},
        {{ emission_aggregates() }},
        sum(stopped_days) as stopped_days,
        max(validity_rule_id) as validity_rule_id,
        min(case when state = 'stopped' then 1 else 0 end) = 1 as is_stopped
    from days
    group by period_start, {{ key | join(', ') }}
),

selected as (
    select
        period_start,
        {{ key | join(', ') }},
        sum(mass_kg) as mass_kg,
        {%- for state in ['measured', 'substituted', 'estimated', 'self_reported'] %}
        sum(case when state = '{{ state }}' then mass_kg when mass_kg is not null then 0 end) as {{ state }}_kg,
        {%- endfor %}
        sum(case when mass_kg is not null then cast(0 as double) end) as nd_mass_kg,
        min(days_covered) as days_covered,
        {{ one_or_several('case when mass_kg is not null then method_code end') }} as method_code
    from placed
    where grain = '{{ grain }}'
        {%- if entity == 'park' %}
        and counts_in_park_total
        {%- endif %}
    group by period_start, {{ key | join(', ') }}
),

every_row as (
    select
        period_start,
        {{ key | join(', ') }},
        {{ emission_masses() | join(', ') }},
        nd_share,
        flow_m3,
        concentration_mean,
        concentration_corrected_mean,
        concentration_unit,
        concentration_weight,
        corrected_hours,
        operating_hours,
        valid_hours,
        stopped_hours,
        covered_hours,
        valid_days,
        stopped_days,
        validity_rule_id,
        method_code,
        is_stopped
    from measured

    union all

    select
        period_start,
        {{ key | join(', ') }},
        {{ emission_masses() | join(', ') }},
        {%- for number in [
            'nd_share', 'flow_m3', 'concentration_mean', 'concentration_corrected_mean',
        ] %}
        cast(null as double) as {{ number }},
        {%- endfor %}
        cast(null as varchar) as concentration_unit,
        {%- for number in ['concentration_weight', 'corrected_hours', 'operating_hours', 'valid_hours', 'stopped_hours'] %}
        cast(null as double) as {{ number }},
        {%- endfor %}
        days_covered * cast(24 as double) as covered_hours,
        cast(null as double) as valid_days,
        cast(null as double) as stopped_days,
        cast(null as varchar) as validity_rule_id,
        method_code,
        false as is_stopped
    from selected
),

-- what was measured for a part of the period and estimated or declared for the rest is one discharge, by several methods
whole as (
    select
        period_start,
        {{ key | join(', ') }},
        {%- for measure in emission_masses() + ['covered_hours'] %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        {%- for measure in [
            'nd_share', 'flow_m3', 'concentration_mean', 'concentration_corrected_mean', 'concentration_unit', 'concentration_weight',
            'corrected_hours', 'operating_hours', 'valid_hours', 'stopped_hours', 'valid_days', 'stopped_days', 'validity_rule_id',
        ] %}
        max({{ measure }}) as {{ measure }},
        {%- endfor %}
        {{ one_or_several('method_code') }} as method_code,
        min(case when is_stopped then 1 else 0 end) = 1 as is_stopped
    from every_row
    group by period_start, {{ key | join(', ') }}
),
{%- if grain == 'month' %}

-- a month needs valid days; what nobody monitored is neither valid nor invalid
judged as (
    select
        whole.*,
        case
            when rules.month_days is not null then whole.valid_days > 0 and whole.valid_days >= {{ needed_periods(
                'case when extract(month from whole.period_start) = 2 then rules.february_days else rules.month_days end', 'rules.operating_share',
                days_between('whole.period_start', period_end('whole.period_start', 'month')) ~ ' - whole.stopped_days',
            ) }} - 1e-9
        end as is_valid
    from whole
    left join {{ ref('stg_validity_rules') }} as rules
        on whole.validity_rule_id = rules.rule_id and {{ holds_on('rules', 'whole.period_start') }}
),
{%- else %}
judged as (
    select * from whole
),
{%- endif %}

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        {{ key | join(', ') }},
        period_start as {{ column }},
        {{ emission_masses() | join(', ') }},
        nd_share,
        flow_m3,
        concentration_mean,
        concentration_corrected_mean,
        concentration_unit,
        concentration_weight,
        corrected_hours,
        operating_hours,
        valid_hours,
        stopped_hours,
        greatest({{ hours_of_period('period_start', grain) }} - covered_hours, 0) as missing_hours,
        covered_hours,
        least(covered_hours / {{ hours_of_period('period_start', grain) }}, 1) as completeness_share,
        {{ emission_measured_share() }} as measured_share,
        valid_days,
        {%- if grain == 'month' %}
        is_valid,
        {%- endif %}
        validity_rule_id,
        method_code,
        case when is_stopped then 'stopped' else {{ emission_state() }} end as state
    from judged
)

select * from final
{%- endmacro %}

{#-
    A model's table as the last build left it, for the models that come before it; none before the first build. No ref: it would
    be a circle.
-#}
{% macro rows_before(name) -%}
    {%- if not execute or model.resource_type == 'unit_test' or flags.FULL_REFRESH -%}{{ return(none) }}{%- endif -%}
    {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ name] -%}
    {{ return(adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias)) }}
{%- endmacro %}

{#- Lengths of the windows that rules look through for a greatest mass: one column each, so that every gap is looked up and none searched. -#}
{% macro substitution_windows() -%}
    {%- set rules = ref('stg_substitution_rules') -%}
    {%- if not execute or model.resource_type == 'unit_test' -%}{{ return([]) }}{%- endif -%}
    {%- set query -%}
        select distinct cast(window_periods as integer) from {{ rules }} where statistic = 'max' and window_periods is not null order by 1
    {%- endset -%}
    {{ return(run_query(query).columns[0].values() | map('int') | list) }}
{%- endmacro %}

{#- Whether a substitution rule is for a pollutant. -#}
{% macro is_of_rule(pollutant_code) -%}
(
                rules.parameter_codes is null
                or concat('+', rules.parameter_codes, '+') like concat('%+', {{ pollutant_code }}, '+%')
            )
{%- endmacro %}
