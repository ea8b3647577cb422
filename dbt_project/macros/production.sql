{#-
    Output and its value at a longer period, as declared. A product may be declared by its enterprise, by the processes that
    make it, or as a subject of its own: the processes' figures add up, and only one way of declaring counts.
-#}
{% macro enterprise_production_of(grain) -%}
{%- set column = longer_periods()[grain].column -%}
with

reports as (
    select * from {{ ref('int_self_report_periods') }}
    where grain = '{{ grain }}' and medium in ('output', 'none') and outlet_id is null
        and {{ touched_filter('enterprise', date='period_start') }}
),

products as (
    select * from {{ ref('int_products') }}
),

outputs as (
    select
        reports.period_start,
        reports.period_end,
        reports.enterprise_id,
        coalesce(reports.process_id, products.process_id) as process_id,
        products.product_code,
        coalesce(products.product_kind = 'by_product', false) as is_by_product,
        reports.value as quantity,
        reports.unit,
        reports.days_covered,
        reports.state,
        dense_rank() over (
            partition by reports.period_start, reports.enterprise_id, products.product_code
            order by
                case when reports.value is null then 1 else 0 end,
                case when reports.product_code is not null then 0 when reports.process_id is not null then 1 else 2 end
        ) as choice
    from reports
    inner join products
        on coalesce(reports.product_code, reports.item_code) = products.product_code
            and reports.enterprise_id = products.enterprise_id
            and {{ holds_on('products', 'reports.period_start') }}
    where reports.medium = 'output'
        -- a subject's own output, not the metal in it
        and (reports.product_code is null or reports.item_code = reports.product_code)
),

chosen_outputs as (
    select
        period_start,
        period_end,
        enterprise_id,
        process_id,
        product_code,
        max(case when is_by_product then 1 else 0 end) = 1 as is_by_product,
        sum(quantity) as quantity,
        max(unit) as unit,
        min(days_covered) as days_covered,
        {{ weakest_state('state') }} as state
    from outputs
    where choice = 1
    group by period_start, period_end, enterprise_id, process_id, product_code
),

-- a product's value stands with the product, an enterprise's with ALL; processes declare none
money as (
    select
        period_start,
        period_end,
        enterprise_id,
        coalesce(product_code, 'ALL') as product_code,
        {%- for item in ['output_value', 'value_added'] %}
        sum(case when item_code = '{{ item }}' then value end) as {{ item }}_cny,
        {%- endfor %}
        min(days_covered) as days_covered,
        -- at the prices the report's method names, current ones unless it does
        coalesce({{ one_or_several('method_code') }}, 'current') as price_basis,
        {{ weakest_state('state') }} as state
    from reports
    where item_code in ('output_value', 'value_added') and process_id is null and coalesce(unit, 'CNY') = 'CNY'
    group by period_start, period_end, enterprise_id, coalesce(product_code, 'ALL')
),

-- a product that several processes make has its value once
numbered_outputs as (
    select
        *,
        row_number() over (partition by period_start, enterprise_id, product_code order by process_id nulls first) as number_of_product
    from chosen_outputs
),

every_row as (
    select
        coalesce(numbered_outputs.period_start, money.period_start) as period_start,
        coalesce(numbered_outputs.period_end, money.period_end) as period_end,
        coalesce(numbered_outputs.enterprise_id, money.enterprise_id) as enterprise_id,
        numbered_outputs.process_id,
        coalesce(numbered_outputs.product_code, money.product_code) as product_code,
        coalesce(numbered_outputs.is_by_product, false) as is_by_product,
        numbered_outputs.quantity,
        numbered_outputs.unit,
        money.output_value_cny,
        money.value_added_cny,
        money.price_basis,
        least(
            coalesce(numbered_outputs.days_covered, money.days_covered),
            coalesce(money.days_covered, numbered_outputs.days_covered)
        ) as days_covered,
        case
            when numbered_outputs.state is null then money.state
            when money.state is null then numbered_outputs.state
            else {{ state_of_rank('greatest(' ~ state_rank('numbered_outputs.state') ~ ', ' ~ state_rank('money.state') ~ ')') }}
        end as state
    from numbered_outputs
    full outer join money
        on numbered_outputs.period_start = money.period_start
            and numbered_outputs.enterprise_id = money.enterprise_id
            and numbered_outputs.product_code = money.product_code
            and numbered_outputs.number_of_product = 1
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        enterprise_id,
        process_id,
        product_code,
        is_by_product,
        period_start as {{ column }},
        quantity,
        unit,
        output_value_cny,
        value_added_cny,
        price_basis,
        least(cast(days_covered as double) / {{ days_between('period_start', 'period_end') }}, 1) as completeness_share,
        state
    from every_row
)

select * from final
{%- endmacro %}
