{#- Solid waste: its movements as columns, and how a mart of a longer period comes from int_waste_periods. -#}

{#- Movements of the ledger and the media of reports that mean the same; what is treated or goes to land is disposed of. -#}
{% macro waste_movements() -%}
    {{ return({
        'generated': ['generated'],
        'stored': ['stored'],
        'withdrawn': [],
        'transferred': ['offsite', 'sent'],
        'received': ['received'],
        'recycled': ['recycled'],
        'disposed': ['treated', 'land'],
    }) }}
{%- endmacro %}

{#- Columns of masses, t, that add up. -#}
{% macro waste_masses() -%}
    {%- set masses = [] -%}
    {%- for movement in waste_movements() -%}{%- do masses.append(movement ~ '_t') -%}{%- endfor -%}
    {{ return(masses + ['transferred_inside_t', 'received_inside_t']) }}
{%- endmacro %}

{#-
    What became of the waste and is in no book: generated, received and taken out of store, less what was stored, handed on, used or
    disposed of. Null where nobody said how much there was; a billionth of it is what the order of a sum leaves.
-#}
{% macro waste_unexplained(prefix='') -%}
{%- set there -%}
(coalesce({{ prefix }}generated_t, 0) + coalesce({{ prefix }}received_t, 0) + coalesce({{ prefix }}withdrawn_t, 0))
{%- endset -%}
{%- set gone -%}
(coalesce({{ prefix }}stored_t, 0) + coalesce({{ prefix }}transferred_t, 0)
            + coalesce({{ prefix }}recycled_t, 0) + coalesce({{ prefix }}disposed_t, 0))
{%- endset -%}
case
            when coalesce({{ prefix }}generated_t, {{ prefix }}received_t) is null then null
            when abs({{ there }} - {{ gone }}) > 1e-9 * ({{ there }} + {{ gone }}) then {{ there }} - {{ gone }}
            else 0
        end
{%- endmacro %}

{#- Waste of enterprises or of the park at a longer period. What one member hands to another stays in the park. -#}
{% macro waste_of(entity, grain) -%}
{%- set column = longer_periods()[grain].column -%}
{%- set key = (['enterprise_id'] if entity == 'enterprise' else []) + ['waste_kind', 'waste_code'] -%}
with

periods as (
    select * from {{ ref('int_waste_periods') }}
    where grain = '{{ grain }}' and {{ touched_filter('park', date='period_start') }}
        {%- if entity == 'park' %}
        and is_member
        {%- endif %}
),

summed as (
    select
        period_start,
        {{ key | join(', ') }},
        {%- for mass in waste_masses() %}
        sum({{ mass }}) as {{ mass }},
        {%- endfor %}
        sum(lines) as lines,
        {{ one_or_several('origin') }} as origin,
        {{ weakest_state('state') }} as state
        {%- if entity == 'park' %},
        count(distinct enterprise_id) as enterprises
        {%- endif %}
    from periods
    group by period_start, {{ key | join(', ') }}
),

{%- if entity == 'park' %}

without_inside as (
    select
        period_start,
        waste_kind,
        waste_code,
        {%- for mass in waste_masses() %}
        {%- if mass in ['transferred_t', 'received_t'] %}
        {{ mass }} - coalesce({{ mass.replace('_t', '_inside_t') }}, 0) as {{ mass }},
        {%- else %}
        {{ mass }},
        {%- endif %}
        {%- endfor %}
        lines,
        origin,
        state,
        enterprises
    from summed
),
{%- endif %}

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        {{ key | join(', ') }},
        period_start as {{ column }},
        {{ waste_masses() | join(', ') }},
        coalesce(stored_t, 0) - coalesce(withdrawn_t, 0) as stock_increase_t,
        {{ waste_unexplained() }} as unexplained_t,
        cast(lines as bigint) as lines,
        origin,
        state
        {%- if entity == 'park' %},
        cast(enterprises as bigint) as enterprises
        {%- endif %}
    from {{ 'without_inside' if entity == 'park' else 'summed' }}
)

select * from final
{%- endmacro %}
