{#-
    Which rows a generic test reads. dbt asks this for every one of them.

    A test over the whole of a large table every night would cost what the table has grown to, not what is new. So of an
    incremental model only the touched keys are tested, which is all that a build replaced; every key of such a model lies within one
    entity and period, so that uniqueness needs no other rows. After a build of the whole the whole is tested, of tables built
    in windows of dates three days a month: a repeated row or a wrong share comes from a model's text, and shows on any day.
    `--vars '{test_everything: true}'` tests every row.
-#}
{% macro default__get_where_subquery(relation) -%}
    {%- set conditions = [] -%}
    {%- if config.get('where') -%}{%- do conditions.append('(' ~ config.get('where') ~ ')') -%}{%- endif -%}
    {%- set tested = graph.nodes.get(model.get('attached_node')) if execute else none -%}
    {%- if tested and tested.config.get('incremental_strategy') == 'touched' and not var('test_everything', false) -%}
        {%- set settings = touched_config(tested) -%}
        {%- set ranges = [] if flags.FULL_REFRESH else touched_ranges(settings, 0) -%}
        {%- if ranges -%}
            {%- do conditions.append(touched_condition(settings, 0, ranges, settings.column, settings.date)) -%}
        {%- elif settings.date_windows and run_query('select count(*) from ' ~ relation).rows[0][0] > var('window_rows') -%}
            {%- do conditions.append('extract(day from ' ~ settings.date ~ ') in (1, 11, 21)') -%}
        {%- endif -%}
    {%- endif -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ conditions | join(' and ') ~ ') as tested_rows' if conditions else relation) }}
{%- endmacro %}
