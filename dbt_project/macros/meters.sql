{#- Rules of cumulative registers that more than one model needs. -#}

{#-
    Whether a reading at the very instant of an exchange (one of which only the day is known, and a reading at midnight) was
    taken from the new meter: its register is nearer to the new one's first figure than to the old one's last. Taken for the
    other meter it would turn a whole register into consumption.
-#}
{% macro is_new_meter(reading_value, display_scale, event='') -%}
coalesce(
    abs({{ reading_value }} - {{ displayed_to_unit(event ~ 'initial_register', display_scale) }})
    < abs({{ reading_value }} - {{ displayed_to_unit(event ~ 'final_register', display_scale) }}),
    false
)
{%- endmacro %}

{#-
    A register as displayed, brought to the parameter's unit by the scale of a reading beside it (value / value_raw). Zero
    is zero on every display; any other figure without a known scale stays unknown.
-#}
{% macro displayed_to_unit(register, display_scale) -%}
case when {{ register }} = 0 then cast(0 as double) else {{ register }} * {{ display_scale }} end
{%- endmacro %}

{#-
    What one meter counted between two of its registers, in the parameter's unit and before the multiplier. A fall is a
    rollover when the channel knows its digits and the way around is short enough; any other fall has no quantity.
-#}
{% macro register_difference(begin, end, display_scale) -%}
case
    when {{ end }} >= {{ begin }} then {{ end }} - {{ begin }}
    when {{ end }} - {{ begin }} + {{ full_count(display_scale) }}
        between 0 and {{ full_count(display_scale) }} * cast({{ var('rollover_max_share') }} as double)
        then {{ end }} - {{ begin }} + {{ full_count(display_scale) }}
end
{%- endmacro %}

{#- One more than the register can show. -#}
{% macro full_count(display_scale) -%}
power(cast(10 as double), channels.digits) * {{ display_scale }}
{%- endmacro %}

{#- The state of what lies between two readings: the less certain of theirs. -#}
{% macro less_certain_state(first, second) -%}
case
    when 'self_reported' in ({{ first }}, {{ second }}) then 'self_reported'
    when 'estimated' in ({{ first }}, {{ second }}) then 'estimated'
    when 'substituted' in ({{ first }}, {{ second }}) then 'substituted'
    else 'measured'
end
{%- endmacro %}
