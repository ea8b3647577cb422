{#- Schemas have exactly the names of dbt_project.yml, without the target's prefix: other people's queries name them. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name is none -%}
        {#- Parsing itself asks for a default; only a node that would be built there is a mistake. -#}
        {%- if node is not none and node.resource_type in ['model', 'seed', 'snapshot'] -%}
            {%- do exceptions.raise_compiler_error(
                node.original_file_path ~ ": has no schema; put it below a folder that dbt_project.yml gives one"
            ) -%}
        {%- endif -%}
        {{ target.schema }}
    {%- else -%}
        {{ custom_schema_name | trim }}
    {%- endif -%}
{%- endmacro %}
