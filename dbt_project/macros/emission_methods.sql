{#-
    Methods of determining a discharge side by side: what the formulas share, and when monitoring captured enough to count. Which method
    speaks for which purpose stands in method_precedences.csv, and is decided in emission_method alone.
-#}

{#- Purposes for which a method of discharge is selected. -#}
{% macro emission_purposes() -%}{{ return(['statistics', 'permit', 'tax', 'audit']) }}{%- endmacro %}

{#- Methods that days know. What they say of a day is in the daily marts already. -#}
{% macro methods_of_days() -%}('automatic', 'reported_mass', 'manual'){%- endmacro %}

{#- Parameter by which an enterprise or process declares, or a station sends, how much of the time its treatment ran, %. -#}
{% macro running_rate_parameter() -%}treatment_running_rate{%- endmacro %}

{#- Running rate k of a facility: its process's own, else its enterprise's, else that of its kind. -#}
{% macro running_rate_of(own, whole, kind) -%}
coalesce({{ own }}.value / 100, {{ whole }}.value / 100, {{ kind }}.running_rate)
{%- endmacro %}

{#- Kilograms in a unit that balances count in. -#}
{% macro kg_of_unit(unit) -%}case {{ unit }} when 't' then 1000 when 'kg' then 1 end{%- endmacro %}

{#-
    Capture (有效数据捕集率, HJ 75): share of the operating time that monitoring captured, hours with a known mass over hours owed and not
    stopped; whole where nothing but standstill is owed, null where nothing is. The one formula of every capture; what differs is what is
    owed. To HJ 75's substitution a monitor owes its own service and answers with what it measured itself (int_emission_capture_quarterly).
    To the choice of a method every method owes each hour from the first to the last day on which the enterprise was monitored in the year
    and answers with what it knows (int_emission_candidates), so that a monitor that falls silent loses what others go on to send.
-#}
{% macro capture_share(valid_hours, owed_hours, stopped_hours) -%}
case
            when {{ owed_hours }} > {{ stopped_hours }} then least({{ valid_hours }} / ({{ owed_hours }} - {{ stopped_hours }}), 1)
            when {{ owed_hours }} > 0 then 1
        end
{%- endmacro %}

{#- First day after a period of which a column says how long it is. -#}
{% macro end_of_grain(start, grain) -%}
cast({{ start }} + interval 1 month * case {{ grain }}{% for name, settings in longer_periods().items() %} when '{{ name }}' then {{ settings.months }}{% endfor %} end as date)
{%- endmacro %}

{#- Generation before treatment beside discharge after it, at a longer period. What one of them lacks the other never fills. -#}
{% macro pollutant_generation_of(grain) -%}
{%- set column = longer_periods()[grain].column -%}
{%- set relation = 'int_touched_enterprise_periods' -%}
{%- set key = ['enterprise_id', 'medium', 'pollutant_code'] -%}
with

generated as (
    select * from {{ ref('int_pollutant_generation') }}
    where grain = '{{ grain }}' and {{ touched_filter('enterprise', date='period_start', relation=relation) }}
),

-- of the whole enterprise: outlets are of no process
discharged as (
    select
        {{ key | join(', ') }},
        {{ column }} as period_start,
        case when count(mass_kg) = count(*) then sum(mass_kg) end as discharged_kg
    from {{ ref('enterprise_emission_' ~ longer_periods()[grain].suffix) }}
    where counts_in_enterprise_total and medium in ('air', 'water')
        and {{ touched_filter('enterprise', date=column, relation=relation) }}
    group by {{ key | join(', ') }}, {{ column }}
),

joined as (
    select
        {%- for name in key + ['period_start'] %}
        coalesce(generated.{{ name }}, discharged.{{ name }}) as {{ name }},
        {%- endfor %}
        generated.process_id,
        generated.generated_kg,
        generated.measured_kg,
        generated.capture_share,
        generated.method_code,
        discharged.discharged_kg,
        coalesce(generated.state, 'missing') as state,
        case
            when generated.generated_kg is not null then null
            when generated.enterprise_id is null then 'no_method'
            else coalesce(generated.reason, 'no_method')
        end as reason
    from generated
    full outer join discharged
        on generated.process_id is null
            and generated.enterprise_id = discharged.enterprise_id
            and generated.medium = discharged.medium
            and generated.pollutant_code = discharged.pollutant_code
            and generated.period_start = discharged.period_start
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        enterprise_id,
        process_id,
        medium,
        pollutant_code,
        period_start as {{ column }},
        generated_kg,
        generated_kg - discharged_kg as removed_kg,
        discharged_kg,
        (generated_kg - discharged_kg) / nullif(generated_kg, 0) as removal_share,
        measured_kg / nullif(generated_kg, 0) as measured_share,
        capture_share,
        method_code,
        state,
        reason
    from joined
)

select * from final
{%- endmacro %}

{#-
    Where the discharge of figures that are no days' goes, beside their rows (columns grain, period_start, enterprise_id, outlet_id,
    medium): a figure of a whole enterprise goes where its outlets go, to the environment as soon as one does.
-#}
{% macro placed_figures(rows) -%}
    select
        figures.*,
        outlets.kind as outlet_kind,
        case
            when figures.outlet_id is not null then outlets.discharge_kind
            when figures.medium = 'water' then coalesce(substr(water_ways.way, 2), 'direct')
            else 'direct'
        end as discharge_kind,
        case
            when figures.outlet_id is not null then outlets.receiving_enterprise_id
            when figures.medium = 'water' and substr(water_ways.way, 2) <> 'direct' then water_ways.receiving_enterprise_id
        end as receiving_enterprise_id,
        memberships.enterprise_id is not null as is_member
    from {{ rows }} as figures
    left join {{ ref('int_outlets') }} as outlets
        on figures.outlet_id = outlets.outlet_id and {{ holds_on('outlets', 'figures.period_start') }}
    left join (
        select
            whole.period_start,
            whole.enterprise_id,
            min(case waters.discharge_kind
                when 'direct' then '1direct'
                when 'indirect' then '2indirect'
                else '3to_other_enterprise'
            end) as way,
            min(waters.receiving_enterprise_id) as receiving_enterprise_id
        from (
            select distinct
                period_start,
                enterprise_id
            from {{ rows }}
            where outlet_id is null and medium = 'water'
        ) as whole
        inner join {{ ref('int_outlets') }} as waters
            on whole.enterprise_id = waters.enterprise_id
                and waters.medium = 'water'
                and waters.kind <> 'workshop'
                and {{ holds_on('waters', 'whole.period_start') }}
        group by whole.period_start, whole.enterprise_id
    ) as water_ways
        on figures.period_start = water_ways.period_start and figures.enterprise_id = water_ways.enterprise_id
    left join {{ ref('int_memberships') }} as memberships
        on figures.enterprise_id = memberships.enterprise_id and {{ holds_on('memberships', 'figures.period_start') }}
{%- endmacro %}

{#- Whether a figure of an outlet, or of a whole enterprise, adds to its enterprise's total, and to the park's: a direct discharge of a member. -#}
{% macro counts_in_total(entity, row='', is_member='is_member') -%}
coalesce({{ row }}outlet_kind, '') <> 'workshop'{% if entity == 'park' %} and {{ row }}discharge_kind = 'direct' and {{ is_member }}{% endif %}
{%- endmacro %}
