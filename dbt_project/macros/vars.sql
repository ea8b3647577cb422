{#- Variables the runner gives; each error says which is missing and what would be right. -#}

{% macro park_id() -%}
    {{ return(given_var('park_id', 'PARK', 'the id in _park.yaml')) }}
{%- endmacro %}

{% macro park_zone() -%}
    {{ return(given_var('park_zone', 'UTC', 'the IANA zone in _park.yaml, as Asia/Shanghai')) }}
{%- endmacro %}

{#- While dbt only parses (an editor, sqlfluff, the Dagster code location) nothing is built and any value will do. -#}
{% macro given_var(name, while_parsing, meaning) -%}
    {%- set value = var(name, none) -%}
    {%- if value is none and execute and flags.WHICH in ['run', 'build', 'seed', 'test', 'retry', 'show'] -%}
        {%- do exceptions.raise_compiler_error("dbt variable " ~ name ~ " is not set: give --vars '{" ~ name ~ ": …}', " ~ meaning) -%}
    {%- endif -%}
    {{ return(value if value is not none else while_parsing) }}
{%- endmacro %}

{#-
    The last change this build consumes. Never "the newest now": a change admitted after the build began would be
    marked as consumed by models that had already run.
-#}
{% macro through_change_seq() -%}
    {%- if not execute -%}
        {{ return(0) }}
    {%- endif -%}
    {%- set given = var('through_change_seq', none) -%}
    {%- if given is none -%}
        {%- set given = env_var('PARK_AUDIT_THROUGH_CHANGE_SEQ', '') -%}
    {%- endif -%}
    {%- if given | string == '' -%}
        {%- if flags.WHICH in ['run', 'build', 'retry'] -%}
            {%- do exceptions.raise_compiler_error(
                "PARK_AUDIT_THROUGH_CHANGE_SEQ (or dbt variable through_change_seq) is not set: "
                ~ "give the highest landing.touched.change_seq this build may consume"
            ) -%}
        {%- endif -%}
        {{ return(9223372036854775807) }}
    {%- endif -%}
    {{ return(given | int) }}
{%- endmacro %}
