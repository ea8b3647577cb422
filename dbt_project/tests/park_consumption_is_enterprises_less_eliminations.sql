{#- Park = Σ enterprises − eliminations, for every item and month, of the quantity, what crosses the fence, energy and carbon. -#}
{{ config(meta={'dagster': {'ref': {'name': 'park_consumption_monthly'}}}) }}

{%- set measures = ['quantity', 'received', 'sent'] + transferred_measures().values() | list %}

with

enterprises as (
    select
        item_code,
        month_start_date,
        {%- for measure in measures %}
        {{ consumption_sum(measure) }} as {{ measure }},
        {%- endfor %}
        sum(gross_quantity) as gross_quantity
    from {{ ref('enterprise_consumption_monthly') }}
    where process_id is null
    group by item_code, month_start_date
),

eliminations as (
    select
        item_code,
        month_start_date,
        {{ sums_of(measures) }}
    from {{ ref('park_eliminations_monthly') }}
    where mart = 'consumption'
    group by item_code, month_start_date
),

park as (
    select * from {{ ref('park_consumption_monthly') }}
),

compared as (
    select
        coalesce(park.item_code, enterprises.item_code) as item_code,
        coalesce(park.month_start_date, enterprises.month_start_date) as month_start_date,
        {%- for measure in measures %}
        park.{{ measure }} as park_{{ measure }},
        enterprises.{{ measure }} - coalesce(eliminations.{{ measure }}, 0) as expected_{{ measure }},
        {%- endfor %}
        coalesce(enterprises.gross_quantity, 0) as gross_quantity
    from enterprises
    full outer join park
        on enterprises.item_code = park.item_code and enterprises.month_start_date = park.month_start_date
    left join eliminations
        on enterprises.item_code = eliminations.item_code and enterprises.month_start_date = eliminations.month_start_date
)

select * from compared
where {% for measure in measures -%}
    abs(coalesce(park_{{ measure }}, 0) - coalesce(expected_{{ measure }}, 0)) > 1e-9 * gross_quantity + 1e-6
    {{- '\n    or ' if not loop.last }}
{%- endfor %}
