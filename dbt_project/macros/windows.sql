{#-
    Large builds in windows of dates.

    One aggregation of ten million readings into as many hours holds all its groups at once; the same in windows holds
    one window's, and the table comes out ordered by date, which is what later lets a day be found without reading
    the years. A model with meta.touched.date_windows gets the window condition through touched_filter. It is compiled with
    the two sentinel dates below, which let everything through; when the table is made and the readings to aggregate are
    more than var window_rows, the same SQL runs once per window with the dates put in their place.
-#}

{% macro window_first() -%}cast('0001-01-01' as date){%- endmacro %}
{% macro window_last() -%}cast('9999-12-31' as date){%- endmacro %}

{% macro window_filter(column) -%}
{{ column }} between {{ window_first() }} and {{ window_last() }}
{%- endmacro %}

{#- Windows as pairs of date literals, whole months, together without gap or end; a single one when there is little to do. -#}
{% macro date_windows() -%}
    {%- set whole = [(window_first(), window_last())] -%}
    {%- set settings = touched_config() -%}
    {%- if not settings.date_windows -%}{{ return(whole) }}{%- endif -%}
    {%- set limit = var('window_rows') -%}
    {%- set watermark = build_watermark() -%}
    {%- set query -%}
        with months as (
            select date_trunc('month', local_date) as month_start, count(*) as row_count
            from {{ source('landing', 'reading') }}
            {%- if watermark is not none %}
            where {{ on_touched_dates(settings.entity, relation=settings.relation) }}
            {%- endif %}
            group by date_trunc('month', local_date)
        ),
        running as (
            select month_start, floor((sum(row_count) over (order by month_start) - 1) / {{ limit }}) as window_no from months
        )
        select cast(cast(min(month_start) as date) as varchar) from running group by window_no order by 1
    {%- endset -%}
    {%- set firsts = run_query(query).columns[0].values() -%}
    {%- if firsts | length < 2 -%}{{ return(whole) }}{%- endif -%}
    {%- set windows = [] -%}
    {%- for first in firsts -%}
        {%- do windows.append((
            window_first() if loop.first else "cast('" ~ first ~ "' as date)",
            window_last() if loop.last else days_after("cast('" ~ firsts[loop.index] ~ "' as date)", -1),
        )) -%}
    {%- endfor -%}
    {{ return(windows) }}
{%- endmacro %}

{% macro in_window(compiled_code, window) -%}
{{ compiled_code | replace(window_first(), window[0]) | replace(window_last(), window[1]) }}
{%- endmacro %}

{#- dbt asks this for every table it makes; ours differs for models with windows and for no other. -#}
{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) -%}
    {%- set touched = (model.config.get('meta') or {}).get('touched', {}) -%}
    {%- set windows = date_windows() if language == 'sql' and touched.get('date_windows') else [] -%}
    {%- if windows | length < 2 -%}
        {{ return(dbt.duckdb__create_table_as(temporary, relation, compiled_code, language, partitioned_by, sorted_by)) }}
    {%- endif -%}
    {%- set contract = config.get('contract') -%}
    {%- if contract.enforced %}
        {{ get_assert_columns_equivalent(compiled_code) }}
    {%- endif %}
    {%- set named = relation.include(database=(not temporary), schema=(not temporary)) %}
    create {{ 'temporary' if temporary }} table {{ named }}
    {%- if contract.enforced and not temporary %}
        {{ get_table_columns_and_constraints() }};
    {%- else %} as (
        select * from ({{ compiled_code }}) as shape where 1 = 0
    );
    {%- endif %}
    {%- for window in windows %}
    insert into {{ named }} {{ get_column_names() if contract.enforced and not temporary }} (
        {{ get_select_subquery(in_window(compiled_code, window)) if contract.enforced and not temporary else in_window(compiled_code, window) }}
    );
    {%- endfor %}
{%- endmacro %}
