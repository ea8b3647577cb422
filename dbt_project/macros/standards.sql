{#-
    Rows of a standard: the seed's and, from landing.own_<seed>, the park's own. Both hold texts only, so that a code
    like 011 stays one; the staging model casts. Empty texts are null on both sides.
-#}
{% macro standard_rows(seed, columns) -%}
    select
    {%- for column in columns %}
        {{ column }},
    {%- endfor %}
        cast('base' as varchar) as origin
    from {{ ref(seed) }}
    union all
    select
    {%- for column in columns %}
        {{ column }},
    {%- endfor %}
        cast('park' as varchar) as origin
    from {{ source('own_standards', 'own_' ~ seed) }}
{%- endmacro %}

{#- Columns every standard ends with, cast. -#}
{% macro provenance_columns() -%}
    cast(valid_from as date) as valid_from,
    cast(valid_to as date) as valid_to,
    version,
    source_ref,
    verification_status,
    origin
{%- endmacro %}

{#-
    Seeds are loaded as text, whatever their cells look like: dbt's guess would turn the parameter alias 011 into 11
    and a version 2.10 into 2.1. And they are always created anew: truncating keeps the old columns of a seed that gained one.
-#}
{% macro duckdb__create_csv_table(model, agate_table) -%}
    {%- set overrides = model['config'].get('column_types', {}) -%}
    {% set sql %}
        create table {{ this.render() }} (
            {%- for name in agate_table.column_names %}
            {{ adapter.quote_seed_column(name, model['config'].get('quote_columns', none)) }} {{ overrides.get(name, 'varchar') }}
            {%- if not loop.last %},{% endif %}
            {%- endfor %}
        )
    {% endset %}
    {% call statement('_') %}{{ sql }}{% endcall %}
    {{ return(sql) }}
{%- endmacro %}

{% macro duckdb__reset_csv_table(model, full_refresh, old_relation, agate_table) -%}
    {{ adapter.drop_relation(old_relation) }}
    {{ return(create_csv_table(model, agate_table)) }}
{%- endmacro %}

{#- Rows of a standard in force on any day: where the park has rows of its own for a key, the shipped ones of that key are not used. -#}
{% macro own_before_shipped(staging, columns, replaces, key=none) -%}
    select
    {%- for column in columns %}
        {{ column }},
    {%- endfor %}
        valid_from,
        {{ validity_end(key or replaces) }} as valid_to
    from {{ ref(staging) }}
    where origin = 'park'
        or ({{ replaces }}) not in (select {{ replaces }} from {{ ref(staging) }} where origin = 'park')
{%- endmacro %}
