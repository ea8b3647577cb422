{#-
    What the enterprise and park models share: rows valid on a date, the longer periods, which report speaks, and the
    names of the parts of consumption. Arithmetic of one mart belongs in that mart.
-#}

{#- Whether a dated row holds on a local date; an open end holds for good. -#}
{% macro holds_on(alias, local_date) -%}
({{ local_date }} >= {{ alias }}.valid_from and {{ local_date }} < coalesce({{ alias }}.valid_to, {{ end_of_time() }}))
{%- endmacro %}

{% macro end_of_time() -%}cast('9999-12-31' as date){%- endmacro %}

{#- The longer periods: the name in table names, the date column that names a period's first day, the next shorter one. -#}
{% macro longer_periods() -%}
    {{ return({
        'month': {'suffix': 'monthly', 'column': 'month_start_date', 'shorter': none, 'days': 31, 'months': 1},
        'quarter': {'suffix': 'quarterly', 'column': 'quarter_start_date', 'shorter': 'month', 'days': 92, 'months': 3},
        'year': {'suffix': 'annual', 'column': 'year_start_date', 'shorter': 'quarter', 'days': 366, 'months': 12},
    }) }}
{%- endmacro %}

{#- Length of a period as an interval's number and unit. -#}
{% macro period_interval(period) -%}
{{ '1 day' if period == 'day' else longer_periods()[period].months ~ ' month' }}
{%- endmacro %}

{#- First day after a period that starts on a date. -#}
{% macro period_end(start, period) -%}
cast({{ start }} + interval {{ period_interval(period) }} as date)
{%- endmacro %}

{#- Whole days between two dates. -#}
{% macro days_between(first, last) -%}{{ dbt.datediff(first, last, 'day') }}{%- endmacro %}

{#- End of a register row's validity where rows of one entity may overlap: the one that begins later holds from its beginning. -#}
{% macro validity_end(key) -%}
least(
    coalesce(valid_to, {{ end_of_time() }}),
    coalesce(lead(valid_from) over (partition by {{ key }} order by valid_from), {{ end_of_time() }})
)
{%- endmacro %}

{#- The five parts of consumption with their sign, and what stands beside them. -#}
{% macro consumption_parts() -%}
    {{ return({'purchased': 1, 'received': 1, 'sent': -1, 'stock_increase': -1, 'self_produced': 1}) }}
{%- endmacro %}

{#-
    Of what cancels, a sum of floats leaves 1e-17 of it, which is no quantity: what is less than a trillionth of all that was
    added and taken off is 0. The row has the gross columns of its provenances under `prefix`.
-#}
{% macro more_than_rounding(expression, prefix='') -%}
case
        when abs({{ expression }}) > 1e-12 * (
            {%- for provenance in provenances() %}coalesce({{ prefix }}{{ provenance }}_gross, 0){{ ' + ' if not loop.last }}{% endfor -%}
        ) then {{ expression }}
        when {{ expression }} is not null then cast(0 as double)
    end
{%- endmacro %}

{#- quantity = purchased + received − sent − stock_increase + self_produced; null when no part is known. -#}
{% macro quantity_of_parts(prefix='', own_share='1') -%}
{%- set sum -%}
(
    {%- for part, sign in consumption_parts().items() %}
    {{ '+' if sign > 0 else '-' }} coalesce({{ prefix }}{{ part }}, 0)
    {{- ' * ' ~ own_share if part == 'self_produced' and own_share != '1' }}
    {%- endfor %}
)
{%- endset -%}
case when coalesce({% for part in consumption_parts() %}{{ prefix }}{{ part }}{{ ', ' if not loop.last }}{% endfor %}) is not null
    then {{ more_than_rounding(sum, prefix) }}
end
{%- endmacro %}

{#-
    The quantity of a row: of its parts, else what is declared as consumed without them. What is only used again inside was not
    taken in at all: 0, and that is a number, not a gap.
-#}
{% macro quantity_of_row(prefix='') -%}
coalesce({{ quantity_of_parts(prefix) }}, {{ prefix }}consumed, case when {{ prefix }}recycled is not null then 0 end)
{%- endmacro %}

{#- Provenance, strongest first; what is made of several things is as strong as its weakest. -#}
{% macro states_by_strength() -%}
    {{ return(['measured', 'stopped', 'substituted', 'estimated', 'self_reported', 'missing']) }}
{%- endmacro %}

{% macro state_rank(state) -%}
case {{ state }}{% for word in states_by_strength() %} when '{{ word }}' then {{ loop.index }}{% endfor %} end
{%- endmacro %}

{% macro state_of_rank(rank) -%}
case {{ rank }}{% for word in states_by_strength() %} when {{ loop.index }} then '{{ word }}'{% endfor %} end
{%- endmacro %}

{#- Sums of columns under their own names. -#}
{% macro sums_of(columns, prefix='') -%}
{%- for column in columns %}
        sum({{ prefix }}{{ column }}) as {{ column }}{{ ',' if not loop.last }}
{%- endfor %}
{%- endmacro %}

{#- Columns of numbers that a row does not have. -#}
{% macro nothing_for(columns) -%}
{%- for column in columns %}
        cast(null as double) as {{ column }}{{ ',' if not loop.last }}
{%- endfor %}
{%- endmacro %}

{#- A word that all rows of a group agree on, or that they do not; null where none has one. -#}
{% macro one_or_several(word) -%}
case
            when min({{ word }}) = max({{ word }}) then min({{ word }})
            when min({{ word }}) is not null then 'several'
        end
{%- endmacro %}

{#- The weakest state of a group. -#}
{% macro weakest_state(state) -%}{{ state_of_rank('max(' ~ state_rank(state) ~ ')') }}{%- endmacro %}

{#-
    Which kind of report speaks when several declare the same: the one whose duty is closest to the purpose.
    For discharge the permit execution report; for energy, water, materials and output the energy return and statistics.
-#}
{% macro report_rank(report_kind, medium) -%}
    {%- set discharge = ['permit_execution', 'statistics', 'tax', 'disclosure', 'inventory', 'audit_form', 'energy_return'] -%}
    {%- set use = ['energy_return', 'statistics', 'audit_form', 'permit_execution', 'disclosure', 'inventory', 'tax'] -%}
case when {{ medium }} in {{ discharge_media() }} then
    case {{ report_kind }}{% for word in discharge %} when '{{ word }}' then {{ loop.index }}{% endfor %} end
else
    case {{ report_kind }}{% for word in use %} when '{{ word }}' then {{ loop.index }}{% endfor %} end
end
{%- endmacro %}

{% macro discharge_media() -%}('air', 'water', 'land', 'offsite'){%- endmacro %}

{#-
    The dates alone of what a model has to rebuild, for what is read of everybody: a day's flows between enterprises need both
    sides. `touched_filter` still decides whose rows are replaced.
-#}
{% macro on_touched_dates(entity, date='local_date', relation=none) -%}
    {%- set touched = ref(relation or touched_relation(entity)) -%}
    {%- if not execute -%}{{ return('(1 = 1)') }}{%- endif -%}
    {%- set watermark = build_watermark() -%}
    {%- if watermark is none -%}{{ return('(1 = 1)') }}{%- endif -%}
    {%- set settings = touched_config() -%}
    {%- set ranges = touched_ranges(settings, watermark) -%}
    {{ return(in_ranges(date, ranges, settings.period) if ranges else '(1 = 0)') }}
{%- endmacro %}

{#- The distinct texts of a group, in order, joined with a comma; null where there is none. -#}
{% macro distinct_texts(text) -%}{{ return(adapter.dispatch('distinct_texts')(text)) }}{%- endmacro %}
{% macro default__distinct_texts(text) -%}string_agg(distinct {{ text }}, ', ' order by {{ text }}){%- endmacro %}
{% macro spark__distinct_texts(text) -%}nullif(array_join(array_sort(collect_set({{ text }})), ', '), ''){%- endmacro %}

{#- How sure a constant is, surest first; what rests on several is as sure as its least sure. -#}
{% macro verifications_by_certainty() -%}
    {{ return(['primary_source', 'secondary_source', 'recalled', 'unverified']) }}
{%- endmacro %}

{% macro verification_rank(status) -%}
case {{ status }}{% for word in verifications_by_certainty() %} when '{{ word }}' then {{ loop.index }}{% endfor %} end
{%- endmacro %}

{% macro verification_of_rank(rank) -%}
case {{ rank }}{% for word in verifications_by_certainty() %} when {{ loop.index }} then '{{ word }}'{% endfor %} end
{%- endmacro %}

{#- The least sure of a group. -#}
{% macro weakest_verification(status) -%}{{ verification_of_rank('max(' ~ verification_rank(status) ~ ')') }}{%- endmacro %}

{#- Equality of several columns of two relations, for a join. -#}
{% macro equal_columns(left, right, columns, operator='=') -%}
{%- for column in columns %}{{ left }}.{{ column }} {{ operator }} {{ right }}.{{ column }}{{ '\n            and ' if not loop.last }}{% endfor -%}
{%- endmacro %}
