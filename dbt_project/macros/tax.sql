{#- Environmental protection tax of enterprises at a longer period, estimated. -#}
{% macro environmental_tax_of(grain) -%}
{%- set column = longer_periods()[grain].column -%}
with

months as (
    select
        *,
        {{ period_start('month_start_date', grain) }} as period_start
    from {{ ref('environmental_tax_monthly') }}
),

final as (
    select
        park_id,
        enterprise_id,
        tax_kind,
        period_start as {{ column }},
        sum(pollution_equivalents) as pollution_equivalents,
        sum(taxable_t) as taxable_t,
        sum(tax_unreduced_cny) as tax_unreduced_cny,
        sum(tax_cny) as tax_cny,
        cast(sum(items_taxed) as bigint) as items_taxed,
        {{ weakest_verification('verification_status') }} as verification_status,
        {{ weakest_state('state') }} as state
    from months
    group by park_id, enterprise_id, tax_kind, period_start
)

select * from final
{%- endmacro %}
