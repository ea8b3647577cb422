{#-
    Incremental by touched entities and dates.

    A change (a delivery, a register row, a standard) writes rows into landing.touched with a change_seq.
    int_touched_point_dates and int_touched_enterprise_dates say which point × date and enterprise × date each change
    means. A model of strategy `touched` deletes exactly those keys and inserts what they are now: rows that have gone
    go, which "delete what I am about to insert" would leave behind. Its watermark, the last change it has
    consumed, is written in the same transaction, so that a build killed at any moment is simply repeated.

    A model says in its config what it is keyed by,

        config(materialized='incremental', incremental_strategy='touched',
               meta={'touched': {'entity': 'enterprise', 'period': 'month', 'date': 'month_start'}})

        entity   point | enterprise | park (park: the dates alone)
        period   day (default) | month | quarter | year: rows of a touched period are replaced as a whole
        column   the entity's column in the model; point_id or enterprise_id by default
        date     the date column of the model; local_date by default, must be the period's first day when longer
        measurement_only      true: changes that concern neither readings nor how they are read are passed over
        replaces_what_it_makes true: also deletes keys that the model produced beyond the touched ones
        date_windows          true: large builds run in windows of dates (see macros/windows.sql)

    and puts `where {{ touched_filter('enterprise') }}` (alias, column, date can be given) on every large thing it reads.
    With no watermark or no table the filter lets everything through and the whole table is replaced.
-#}

{% macro touched_config(node=none) -%}
    {%- set node = node or model -%}
    {%- set given = (node.config.get('meta') or {}).get('touched', {}) -%}
    {%- set entity = given.get('entity') -%}
    {%- if entity not in ['point', 'enterprise', 'park'] -%}
        {%- do exceptions.raise_compiler_error(
            node.name ~ ": meta.touched.entity = " ~ entity ~ ": a model of strategy touched is keyed by point, enterprise or park"
        ) -%}
    {%- endif -%}
    {%- set period = given.get('period', 'day') -%}
    {%- if period not in ['day', 'month', 'quarter', 'year'] -%}
        {%- do exceptions.raise_compiler_error(node.name ~ ": meta.touched.period = " ~ period ~ ": must be day, month, quarter or year") -%}
    {%- endif -%}
    {{ return({
        'entity': entity,
        'period': period,
        'column': given.get('column', {'point': 'point_id', 'enterprise': 'enterprise_id', 'park': none}[entity]),
        'key': {'point': 'point_id', 'enterprise': 'enterprise_id', 'park': none}[entity],
        'date': given.get('date', 'local_date'),
        'measurement_only': given.get('measurement_only', false),
        'replaces_what_it_makes': given.get('replaces_what_it_makes', false),
        'date_windows': given.get('date_windows', false),
        'relation': given.get('relation', touched_relation(entity)),
    }) }}
{%- endmacro %}

{% macro touched_relation(entity) -%}
    {{ return('int_touched_point_dates' if entity == 'point' else 'int_touched_enterprise_dates') }}
{%- endmacro %}

{#- The last change a model has consumed; none when it has no watermark and must be built whole. -#}
{% macro watermark_of(model_name) -%}
    {%- set rows = run_query("select max(change_seq) from landing.watermark where model = '" ~ model_name ~ "'").rows -%}
    {{ return(none if rows[0][0] is none else rows[0][0] | int) }}
{%- endmacro %}

{#- The watermark to build from in this run: none means the whole table. -#}
{% macro build_watermark() -%}
    {%- if not execute or model.resource_type == 'unit_test' or not is_incremental() -%}{{ return(none) }}{%- endif -%}
    {%- set watermark = watermark_of(model.name) -%}
    {#- A watermark ahead of the ledger belongs to a ledger that has been rebuilt since: its numbers mean nothing now. -#}
    {{ return(none if watermark is none or watermark > through_change_seq() else watermark) }}
{%- endmacro %}

{#- The lowest watermark of all incremental models that have one; none when none has. -#}
{% macro lowest_watermark() -%}
    {%- if not execute -%}{{ return(none) }}{%- endif -%}
    {%- set names = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.get('incremental_strategy') == 'touched' -%}
        {%- do names.append("'" ~ node.name ~ "'") -%}
    {%- endfor -%}
    {%- if not names -%}{{ return(none) }}{%- endif -%}
    {%- set rows = run_query("select min(change_seq) from landing.watermark where model in (" ~ names | join(', ') ~ ")").rows -%}
    {{ return(none if rows[0][0] is none else rows[0][0] | int) }}
{%- endmacro %}

{#- A date expression brought to the first day of its period. -#}
{% macro period_start(expression, period) -%}
    {%- if period == 'day' -%}{{ expression }}{%- else -%}cast(date_trunc('{{ period }}', {{ expression }}) as date){%- endif -%}
{%- endmacro %}

{#- The touched relation by name; its place in the order of the build comes from touched_filter. -#}
{% macro touched_table(settings) -%}
    {{ return(graph.nodes['model.' ~ project_name ~ '.' ~ settings.relation].relation_name) }}
{%- endmacro %}

{#- What of a touched relation this model still has to consume. -#}
{% macro unconsumed(settings, watermark) -%}
change_seq > {{ watermark }} and change_seq <= {{ through_change_seq() }}{{ ' and is_measurement_change' if settings.measurement_only }}
{%- endmacro %}

{#-
    The unconsumed dates, first days of their period, as a dozen literal ranges: literals are what lets DuckDB skip the row
    groups of every other date. Between ranges the widest gaps are kept: one correction of a day two years ago beside
    yesterday's delivery must not read the two years.
-#}
{% macro touched_ranges(settings, watermark) -%}
    {%- set start = period_start('local_date', settings.period) -%}
    {%- set query -%}
        with dates as (
            select distinct local_date from {{ touched_table(settings) }} where {{ unconsumed(settings, watermark) }}
        ),
        periods as (select distinct {{ start }} as first_day from dates),
        gaps as (
            select first_day, {{ days_between('lag(first_day) over (order by first_day)', 'first_day') }} as gap from periods
        ),
        ranked as (
            select first_day, gap, row_number() over (order by gap desc nulls first, first_day) as gap_rank from gaps
        ),
        marked as (
            select first_day, sum(case when gap is null or (gap_rank <= 12 and gap > {{ {'day': 3, 'month': 31, 'quarter': 92, 'year': 366}[settings.period] }}) then 1 else 0 end) over (order by first_day) as range_no
            from ranked
        )
        select cast(min(first_day) as varchar), cast(max(first_day) as varchar) from marked group by range_no order by 1
    {%- endset -%}
    {%- set ranges = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- do ranges.append((row[0], row[1])) -%}
    {%- endfor -%}
    {{ return(ranges) }}
{%- endmacro %}

{#-
    The literal ranges as a condition on a date column; a range of a longer period reaches to the period's last day. A single
    range and a list of dates let DuckDB skip row groups, ranges joined by `or` make it look at every date: on 13 million readings
    2, 8 and 22 ms of processor time for each scan.
-#}
{% macro in_ranges(column, ranges, period) -%}
    {%- set dates = dates_of_ranges(ranges) if period == 'day' and ranges | length > 1 else [] -%}
    {%- if dates and dates | length <= 100 -%}
        {{ column }} in (cast('{{ dates | join("' as date), cast('") }}' as date))
    {%- else -%}
        (
        {%- for first, last in ranges -%}
            {{ ' or ' if not loop.first }}(
            {{- column }} >= cast('{{ first }}' as date) and {{ column }} <
            {%- if period == 'day' %} {{ days_after("cast('" ~ last ~ "' as date)", 1) }}
            {%- else %} cast(cast('{{ last }}' as date) + interval {{ {'month': 1, 'quarter': 3, 'year': 12}[period] }} month as date)
            {%- endif %})
        {%- endfor -%}
        )
    {%- endif -%}
{%- endmacro %}

{#- Every date of the ranges, as texts; empty when there are more than a list should hold. -#}
{% macro dates_of_ranges(ranges) -%}
    {%- set dates = [] -%}
    {%- for first, last in ranges if dates | length <= 100 -%}
        {%- set begin = modules.datetime.date.fromisoformat(first) -%}
        {%- set days = (modules.datetime.date.fromisoformat(last) - begin).days + 1 -%}
        {%- for offset in range([days, 101] | min) -%}
            {%- do dates.append((begin + modules.datetime.timedelta(days=offset)).isoformat()) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(dates if dates | length <= 100 else []) }}
{%- endmacro %}

{#- Keys of one relation that are touched: the ranges for the scan, the key pairs for the answer. -#}
{% macro touched_condition(settings, watermark, ranges, column, date) -%}
    {%- set start = period_start('local_date', settings.period) -%}
    {{ in_ranges(date, ranges, settings.period) }}
    {%- if settings.key %}
    and ({{ column }}, {{ period_start(date, settings.period) }}) in (
        select {{ settings.key }}, {{ start }} from {{ touched_table(settings) }} where {{ unconsumed(settings, watermark) }}
    )
    {%- else %}
    and {{ period_start(date, settings.period) }} in (
        select {{ start }} from {{ touched_table(settings) }} where {{ unconsumed(settings, watermark) }}
    )
    {%- endif %}
{%- endmacro %}

{#-
    The condition that lets a model read only what it has to rebuild: of what is read, `alias` is the alias, `column` and
    `date` the entity and date columns; `date` may be of any day in the period. `entity` (and `relation`, for the one
    model that has its own) repeats the model's config, because dbt learns of dependencies while that is still unknown.
-#}
{% macro touched_filter(entity, alias=none, column=none, date='local_date', relation=none) -%}
    {%- set touched = ref(relation or touched_relation(entity)) -%}
    {#- A unit test has no ledger: it sees the model of a first build. -#}
    {%- if not execute or model.resource_type == 'unit_test' -%}{{ return('(1 = 1)') }}{%- endif -%}
    {%- set settings = touched_config() -%}
    {%- if settings.entity != entity -%}
        {%- do exceptions.raise_compiler_error(
            model.name ~ ": touched_filter('" ~ entity ~ "') does not fit meta.touched.entity = " ~ settings.entity
        ) -%}
    {%- endif -%}
    {%- set prefix = alias ~ '.' if alias else '' -%}
    {%- set date_column = prefix ~ date -%}
    {%- set window = ' and ' ~ window_filter(date_column) if settings.date_windows else '' -%}
    {%- set watermark = build_watermark() -%}
    {%- if watermark is none -%}
        {{ return('(1 = 1' ~ window ~ ')') }}
    {%- endif -%}
    {%- set ranges = touched_ranges(settings, watermark) -%}
    {%- if not ranges -%}{{ return('(1 = 0)') }}{%- endif -%}
    {{ return('(' ~ touched_condition(settings, watermark, ranges, prefix ~ (column or settings.key or ''), date_column) ~ window ~ ')') }}
{%- endmacro %}

{#- The strategy: what was touched goes, what it is now comes. Runs inside the model's transaction. -#}
{% macro get_incremental_touched_sql(arg_dict) -%}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set made = arg_dict['temp_relation'] -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {%- set settings = touched_config() -%}
    {%- set watermark = build_watermark() -%}
    {%- if watermark is none %}
    delete from {{ target }};
    {%- else %}
        {%- set ranges = touched_ranges(settings, watermark) -%}
        {%- if ranges %}
    delete from {{ target }} where {{ touched_condition(settings, watermark, ranges, settings.column, settings.date) }};
        {%- endif %}
        {%- if settings.replaces_what_it_makes %}
    delete from {{ target }} where ({{ settings.column }}, {{ settings.date }}) in (select {{ settings.column }}, {{ settings.date }} from {{ made }});
        {%- endif %}
    {%- endif %}
    insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ made }}
{%- endmacro %}

{#- Post-hook of every model: the watermark, in the model's own transaction. Nothing for models of other strategies. -#}
{% macro record_watermark() -%}
    {%- if execute and model.resource_type == 'model' and model.config.get('incremental_strategy') == 'touched' -%}
        delete from landing.watermark where model = '{{ model.name }}';
        insert into landing.watermark (model, change_seq, built_at)
        values ('{{ model.name }}', {{ through_change_seq() }}, {{ utc_now() }})
    {%- endif -%}
{%- endmacro %}

{#-
    Records and standards whose change alters a table of points: readings, how they are read, where points stand. Every
    other cause (permits, factors, who receives a flow) concerns the levels above. A test compares this with what the
    models with measurement_only really read.
-#}
{% macro measurement_causes() -%}
    {{ return(['reading', 'channel', 'meter_event', 'point', 'parameters', 'nd_policies']) }}
{%- endmacro %}

{% macro is_measurement_cause(cause) -%}
{{ cause }} in ('{{ measurement_causes() | join("', '") }}')
{%- endmacro %}

{#- The first date a model still has to consume, as a condition that lets DuckDB skip everything before it. -#}
{% macro touched_since(entity, date='local_date', relation=none) -%}
    {%- set touched = ref(relation or touched_relation(entity)) -%}
    {#- A unit test has no ledger: it sees the model of a first build. -#}
    {%- if not execute or model.resource_type == 'unit_test' -%}{{ return('(1 = 1)') }}{%- endif -%}
    {%- set watermark = build_watermark() -%}
    {%- if watermark is none -%}{{ return('(1 = 1)') }}{%- endif -%}
    {%- set ranges = touched_ranges(touched_config(), watermark) -%}
    {{ return('(' ~ date ~ " >= cast('" ~ ranges[0][0] ~ "' as date))" if ranges else '(1 = 0)') }}
{%- endmacro %}
