{#-
    Both sides of every metric at every longer period: what the efficiency marts divide. One row per side and scope, a scope
    being the whole enterprise (process_id null, product ALL), one process, or one product. A product's numerator is that of the whole
    enterprise when it makes nothing else, that of the product's process when that makes nothing else, and nobody's otherwise:
    sharing electricity out among products is an allocation that no register states.

    Missing is kept apart from not there: a side of which a known part is missing has no value at all, because the rest of it would
    pass for the whole.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'year', 'date': 'year_start_date', 'relation': 'int_touched_enterprise_periods'}},
) }}

{%- set relation = 'int_touched_enterprise_periods' %}
{%- set energy_measures = ['energy_tce_calorific', 'energy_tce_primary', 'energy_tce_working_medium', 'co2e_t'] %}
{%- set consumption_measures = ['quantity', 'purchased', 'received', 'sent', 'self_produced', 'recycled'] + energy_measures %}
{%- set production_measures = ['quantity', 'output_value_cny', 'value_added_cny'] %}
{%- set what = [
    'source', 'code', 'measure', 'value', 'park_value', 'measured_value', 'is_missing', 'is_applicable', 'completeness_share', 'state',
    'unit', 'price_basis',
] %}
{%- set waste_measures = ['generated_t', 'stored_t', 'transferred_t', 'received_t', 'recycled_t', 'disposed_t', 'dealt_with_t'] %}
{%- set columns = ['grain', 'period_start', 'enterprise_id', 'process_id', 'product_code'] + what %}

with

terms as (
    select * from {{ ref('int_metric_terms') }}
),

pollutants as (
    select distinct parameter_code from {{ ref('stg_parameters') }}
    where kind = 'pollutant'
),

stacks as (
    select * from {{ ref('int_plausibility_stacks') }}
),

{{ sampled_inputs(relation) }},

{%- for name, measures in {
    'consumption_measures': consumption_measures, 'production_measures': production_measures, 'waste_measures': waste_measures,
}.items() %}

{{ name }} as (
    {%- for measure in measures %}
    select '{{ measure }}' as measure
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),
{%- endfor %}

{%- for grain, settings in longer_periods().items() %}

consumption_{{ grain }} as (
    select
        '{{ grain }}' as grain,
        consumption.{{ settings.column }} as period_start,
        consumption.enterprise_id,
        consumption.process_id,
        'ALL' as product_code,
        'consumption' as source,
        consumption.item_code as code,
        measures.measure,
        case measures.measure
            {%- for measure in consumption_measures %}
            when '{{ measure }}' then consumption.{{ measure }}
            {%- endfor %}
        end as value,
        consumption.measured_share,
        consumption.quantity is null
        -- a factor was lacking: energy items have energy and carbon, unless they are working media
        or (
            consumption.item_kind = 'energy' and consumption.energy_tce_working_medium is null
            and case measures.measure
                {%- for measure in energy_measures if measure != 'energy_tce_working_medium' %}
                when '{{ measure }}' then consumption.{{ measure }} is null
                {%- endfor %}
                else false
            end
        ) as is_missing,
        consumption.completeness_share,
        consumption.state,
        case
            when measures.measure = 'co2e_t' then 'tCO2e'
            when measures.measure in ('{{ energy_measures | join("', '") }}') then 'tce'
            else consumption.unit
        end as unit
    from {{ ref('enterprise_consumption_' ~ settings.suffix) }} as consumption
    cross join consumption_measures as measures
    where {{ touched_filter('enterprise', 'consumption', date=settings.column, relation=relation) }}
),

emission_{{ grain }} as (
    select
        {{ settings.column }} as period_start,
        enterprise_id,
        medium,
        outlet_id,
        pollutant_code,
        sum(mass_kg) as mass_kg,
        sum(case when counts_in_park_total then mass_kg else 0 end) as park_kg,
        sum(measured_kg) as measured_kg,
        max(case when mass_kg is null then 1 else 0 end) as is_missing,
        min(completeness_share) as completeness_share,
        {{ weakest_state('state') }} as state,
        max(flow_m3) as flow_m3,
        max(case when counts_in_park_total then flow_m3 else 0 end) as park_flow_m3,
        max(concentration_unit) as concentration_unit,
        sum(concentration_corrected_mean * corrected_hours) as corrected_concentration_h,
        sum(case when concentration_corrected_mean is not null then corrected_hours end) as corrected_hours,
        max(operating_hours) as operating_hours,
        max(operating_hours + stopped_hours) as known_hours
    from {{ ref('enterprise_emission_' ~ settings.suffix) }}
    where counts_in_enterprise_total
        and {{ touched_filter('enterprise', date=settings.column, relation=relation) }}
    group by {{ settings.column }}, enterprise_id, medium, outlet_id, pollutant_code
),

mass_{{ grain }} as (
    select
        '{{ grain }}' as grain,
        period_start,
        enterprise_id,
        cast(null as varchar) as process_id,
        'ALL' as product_code,
        'emission' as source,
        pollutant_code as code,
        'mass_kg' as measure,
        sum(mass_kg) as value,
        sum(park_kg) as park_value,
        sum(measured_kg) as measured_value,
        max(is_missing) = 1 as is_missing,
        true as is_applicable,
        min(completeness_share) as completeness_share,
        {{ weakest_state('state') }} as state,
        'kg' as unit,
        cast(null as varchar) as price_basis
    from emission_{{ grain }}
    group by period_start, enterprise_id, pollutant_code
),

{{ flow_inputs(grain) }},

{{ stack_inputs(grain) }},

{{ reading_inputs(grain) }},

{{ clinker_inputs(grain) }},

{{ carbon_inputs(grain, relation) }},

{{ waste_inputs(grain, relation, waste_measures) }},

-- a by-product is no output of the whole or of a process: nothing is consumed for its sake
production_{{ grain }} as (
    select
        *,
        product_code <> 'ALL' and not is_by_product as is_output
    from {{ ref('enterprise_production_' ~ settings.suffix) }}
    where {{ touched_filter('enterprise', date=settings.column, relation=relation) }}
),

-- of the whole, of each process, of each product
scoped_production_{{ grain }} as (
    {%- for scope in [
        {'process': 'cast(null as varchar)', 'product': "'ALL'", 'where': 'true', 'by': ''},
        {'process': 'process_id', 'product': "'ALL'", 'where': "process_id is not null and product_code <> 'ALL'", 'by': ', process_id'},
        {'process': 'cast(null as varchar)', 'product': 'product_code', 'where': 'is_output', 'by': ', product_code'},
    ] %}
    select
        {{ settings.column }} as period_start,
        enterprise_id,
        {{ scope.process }} as process_id,
        {{ scope.product }} as product_code,
        sum(case when is_output then quantity end) as quantity,
        -- pieces and tonnes do not add up to an output
        count(distinct case when is_output then unit end) <= 1 as is_one_unit,
        max(case when is_output then unit end) as unit,
        max(case when is_output and quantity is null then 1 else 0 end) as is_quantity_missing,
        count(case when is_output then 1 end) as products,
        {%- for money in ['output_value_cny', 'value_added_cny'] %}
        case
            {%- if scope.by == '' %}
            -- the enterprise's own figure goes before the sum of its products'
            when count(case when product_code = 'ALL' then {{ money }} end) > 0
                then sum(case when product_code = 'ALL' then {{ money }} end)
            {%- endif %}
            when count({{ money }}) = count(*) then sum({{ money }})
        end as {{ money }},
        {%- endfor %}
        max(case when price_basis is not null then 1 else 0 end) as has_money,
        {{ one_or_several('price_basis') }} as price_basis,
        min(completeness_share) as completeness_share,
        {{ weakest_state('state') }} as state
    from production_{{ grain }}
    where {{ scope.where }}
    group by {{ settings.column }}, enterprise_id{{ scope.by }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

output_{{ grain }} as (
    select
        '{{ grain }}' as grain,
        production.period_start,
        production.enterprise_id,
        production.process_id,
        production.product_code,
        'production' as source,
        'ALL' as code,
        measures.measure,
        case measures.measure
            when 'quantity' then case when production.is_one_unit then production.quantity end
            when 'output_value_cny' then production.output_value_cny
            else production.value_added_cny
        end as value,
        case measures.measure
            when 'quantity' then production.is_one_unit and production.is_quantity_missing = 1
            when 'output_value_cny' then production.output_value_cny is null
            else production.value_added_cny is null
        end as is_missing,
        measures.measure <> 'quantity' or production.is_one_unit as is_applicable,
        production.completeness_share,
        production.state,
        case when measures.measure = 'quantity' then production.unit else 'CNY' end as unit,
        case when measures.measure <> 'quantity' then production.price_basis end as price_basis
    from scoped_production_{{ grain }} as production
    cross join production_measures as measures
    where (measures.measure = 'quantity' and production.products > 0) or (measures.measure <> 'quantity' and production.has_money = 1)
),

products_{{ grain }} as (
    select
        {{ settings.column }} as period_start,
        enterprise_id,
        product_code,
        max(process_id) as process_id,
        count(*) as processes
    from production_{{ grain }}
    where is_output
    group by {{ settings.column }}, enterprise_id, product_code
),

products_beside_{{ grain }} as (
    select
        *,
        count(*) over (partition by period_start, enterprise_id) as products_of_enterprise,
        count(*) over (partition by period_start, enterprise_id, process_id) as products_of_process
    from products_{{ grain }}
),

-- whose figures stand for a product
product_scopes_{{ grain }} as (
    select
        period_start,
        enterprise_id,
        product_code,
        case when products_of_enterprise = 1 then null else process_id end as process_id
    from products_beside_{{ grain }}
    where products_of_enterprise = 1
        or (process_id is not null and products_of_process = 1 and processes = 1)
),

reports_{{ grain }} as (
    select
        period_start,
        period_end,
        enterprise_id,
        process_id,
        coalesce(product_code, 'ALL') as product_code,
        item_code as code,
        medium as measure,
        sum(value) as value,
        max(case when value is null then 1 else 0 end) = 1 as is_missing,
        min(days_covered) / cast({{ days_between('period_start', 'period_end') }} as double) as completeness_share,
        {{ weakest_state('state') }} as state,
        max(unit) as unit
    from {{ ref('int_self_report_periods') }}
    where grain = '{{ grain }}' and outlet_id is null
        and {{ touched_filter('enterprise', date='period_start', relation=relation) }}
    group by period_start, period_end, enterprise_id, process_id, product_code, item_code, medium
),

wholes_{{ grain }} as (
    select
        period_start,
        enterprise_id,
        code,
        measure
    from reports_{{ grain }}
    where process_id is null and product_code = 'ALL'
),

-- the whole is what the enterprise says of itself, else what its processes and products add up to
declared_{{ grain }} as (
    select
        period_start,
        enterprise_id,
        process_id,
        product_code,
        code,
        measure,
        value,
        is_missing,
        completeness_share,
        state,
        unit
    from reports_{{ grain }}
    union all
    select
        parts.period_start,
        parts.enterprise_id,
        cast(null as varchar) as process_id,
        'ALL' as product_code,
        parts.code,
        parts.measure,
        sum(parts.value) as value,
        max(case when parts.is_missing then 1 else 0 end) = 1 as is_missing,
        min(parts.completeness_share) as completeness_share,
        {{ weakest_state('parts.state') }} as state,
        max(parts.unit) as unit
    from reports_{{ grain }} as parts
    where
        (parts.period_start, parts.enterprise_id, parts.code, parts.measure) not in (
            select
                period_start,
                enterprise_id,
                code,
                measure
            from wholes_{{ grain }}
        )
    group by parts.period_start, parts.enterprise_id, parts.code, parts.measure
),

{{ generation_inputs(grain, relation) }},

inputs_{{ grain }} as (
    select
        grain,
        period_start,
        enterprise_id,
        process_id,
        product_code,
        source,
        code,
        measure,
        value,
        value as park_value,
        value * measured_share as measured_value,
        is_missing,
        true as is_applicable,
        completeness_share,
        state,
        unit,
        cast(null as varchar) as price_basis
    from consumption_{{ grain }}
    where value is not null or is_missing
    union all
    select {{ columns | join(', ') }} from mass_{{ grain }}
    union all
    select {{ columns | join(', ') }} from flow_{{ grain }}
    union all
    select {{ columns | join(', ') }} from carbon_{{ grain }}
    {{ inputs_of_the_whole(grain) }}
    union all
    select {{ columns | join(', ') }} from generation_{{ grain }}
    union all
    select
        grain,
        period_start,
        enterprise_id,
        process_id,
        product_code,
        source,
        code,
        measure,
        value,
        park_value,
        value * is_of_manifests as measured_value,
        false as is_missing,
        true as is_applicable,
        cast(null as double) as completeness_share,
        state,
        't' as unit,
        cast(null as varchar) as price_basis
    from waste_{{ grain }}
    where value is not null
    union all
    select
        grain,
        period_start,
        enterprise_id,
        process_id,
        product_code,
        source,
        code,
        measure,
        value,
        value as park_value,
        cast(0 as double) as measured_value,
        is_missing,
        is_applicable,
        completeness_share,
        state,
        unit,
        price_basis
    from output_{{ grain }}
    union all
    select
        '{{ grain }}' as grain,
        period_start,
        enterprise_id,
        process_id,
        product_code,
        'self_report' as source,
        code,
        measure,
        value,
        value as park_value,
        cast(0 as double) as measured_value,
        is_missing,
        true as is_applicable,
        completeness_share,
        state,
        unit,
        cast(null as varchar) as price_basis
    from declared_{{ grain }}
),

-- a product has its own declarations and its own output; the rest it borrows
borrowed_{{ grain }} as (
    select
        {%- for column in ['grain', 'period_start', 'enterprise_id'] + what %}
        inputs.{{ column }},
        {%- endfor %}
        scopes.process_id,
        scopes.product_code
    from inputs_{{ grain }} as inputs
    inner join product_scopes_{{ grain }} as scopes
        on inputs.period_start = scopes.period_start
            and inputs.enterprise_id = scopes.enterprise_id
            and inputs.process_id is not distinct from scopes.process_id
    left join declared_{{ grain }} as own
        on inputs.source in ('self_report', 'generation')
            and inputs.period_start = own.period_start
            and inputs.enterprise_id = own.enterprise_id
            and scopes.product_code = own.product_code
            and inputs.code = own.code
            and case inputs.source when 'generation' then 'generated' else inputs.measure end = own.measure
    where inputs.product_code = 'ALL' and inputs.source <> 'production' and own.enterprise_id is null
),

-- output of a product stands under the process whose figures it is divided by
own_of_products_{{ grain }} as (
    select
        {%- for column in ['grain', 'period_start', 'enterprise_id'] + what %}
        inputs.{{ column }},
        {%- endfor %}
        scopes.process_id,
        scopes.product_code
    from inputs_{{ grain }} as inputs
    inner join product_scopes_{{ grain }} as scopes
        on inputs.period_start = scopes.period_start
            and inputs.enterprise_id = scopes.enterprise_id
            and inputs.product_code = scopes.product_code
    where inputs.product_code <> 'ALL'
),
{%- endfor %}

every_input as (
    {%- for grain in longer_periods() %}
    select {{ columns | join(', ') }} from inputs_{{ grain }}
    where product_code = 'ALL'
    union all
    select {{ columns | join(', ') }} from borrowed_{{ grain }}
    union all
    select {{ columns | join(', ') }} from own_of_products_{{ grain }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

final as (
    select
        cast(date_trunc('year', inputs.period_start) as date) as year_start_date,
        inputs.grain,
        inputs.period_start,
        inputs.enterprise_id,
        inputs.process_id,
        inputs.product_code,
        terms.metric_code,
        terms.side,
        max(terms.source) as source,
        max(terms.scale) as scale,
        max(terms.unit) as metric_unit,
        max(inputs.unit) as unit,
        {{ one_or_several('inputs.price_basis') }} as price_basis,
        case when max(case when inputs.is_missing then 1 else 0 end) = 0 then sum(inputs.value) end as value,
        case when max(case when inputs.is_missing then 1 else 0 end) = 0 then sum(inputs.park_value) end as park_value,
        case when max(case when inputs.is_missing then 1 else 0 end) = 0 then sum(coalesce(inputs.measured_value, 0)) end as measured_value,
        max(case when inputs.is_missing then 1 else 0 end) = 1 as is_missing,
        -- what is counted in unlike units does not add up
        min(case when inputs.is_applicable then 1 else 0 end) = 1 and count(distinct inputs.unit) <= 1 as is_applicable,
        min(inputs.completeness_share) as completeness_share,
        {{ weakest_state('inputs.state') }} as state
    from every_input as inputs
    inner join terms
        on inputs.source = terms.source
            and inputs.measure = terms.measure
            and (terms.code = 'ALL' or inputs.code = terms.code)
            and {{ holds_on('terms', 'inputs.period_start') }}
    -- by product only what is counted per product
    where inputs.product_code = 'ALL' or terms.denominator_source = 'production'
    group by
        inputs.grain,
        inputs.period_start,
        inputs.enterprise_id,
        inputs.process_id,
        inputs.product_code,
        terms.metric_code,
        terms.side
)

select * from final
