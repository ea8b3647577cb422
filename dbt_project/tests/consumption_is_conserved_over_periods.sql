{#- A year is the sum of its quarters and a quarter of its months, wherever the shorter period knows anything. -#}
{{ config(meta={'dagster': {'ref': {'name': 'enterprise_consumption_annual'}}}) }}

{%- set steps = [('monthly', 'month', 'quarterly', 'quarter'), ('monthly', 'month', 'annual', 'year')] %}

with

{%- for shorter, shorter_period, longer, longer_period in steps %}

{{ longer }}_sums as (
    select
        enterprise_id,
        process_id,
        item_code,
        {{ period_start(shorter_period ~ '_start_date', longer_period) }} as period_start,
        sum(quantity) as quantity,
        sum(gross_quantity) as gross_quantity,
        min(completeness_share) as completeness_share
    from {{ ref('enterprise_consumption_' ~ shorter) }}
    group by enterprise_id, process_id, item_code, {{ period_start(shorter_period ~ '_start_date', longer_period) }}
    -- where only reports speak, a longer report may know more than the shorter ones
    having max(self_reported_share) = 0
),

{{ longer }}_compared as (
    select
        '{{ longer_period }}' as period,
        sums.*,
        longer.quantity as longer_quantity
    from {{ longer }}_sums as sums
    left join {{ ref('enterprise_consumption_' ~ longer) }} as longer
        on sums.enterprise_id = longer.enterprise_id
            and sums.process_id is not distinct from longer.process_id
            and sums.item_code = longer.item_code
            and sums.period_start = longer.{{ longer_period }}_start_date
){{ ',' if not loop.last }}
{%- endfor %}

{% for step in steps -%}
select * from {{ step[2] }}_compared
where quantity is not null
    and not coalesce(abs(quantity - longer_quantity) <= 1e-9 * gross_quantity + 1e-6, false)
{{ 'union all' if not loop.last }}
{% endfor %}
