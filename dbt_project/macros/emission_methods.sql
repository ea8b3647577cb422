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
    Share of the operating time that monitoring captured: hours with a known mass over hours owed and not stopped. Owed is every hour from
    the first to the last day on which the enterprise was monitored in the year, so that a monitor that falls silent loses what
    others go on to send.
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
