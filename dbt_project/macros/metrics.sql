{#- Inputs of int_metric_sides that need more than a line; which metric takes what stands in metrics.csv. -#}

{% macro carbon_inputs(grain, relation) -%}
-- what a neighbour made cancels in the park: there the fuel behind it counts where it was burnt
carbon_{{ grain }} as (
    select
        '{{ grain }}' as grain,
        {{ longer_periods()[grain].column }} as period_start,
        enterprise_id,
        cast(null as varchar) as process_id,
        'ALL' as product_code,
        'carbon' as source,
        carbon_kind as code,
        'co2e_t' as measure,
        sum(co2e_t) as value,
        sum(case when carbon_kind in {{ internal_carbon_kinds() }} then 0 else co2e_t end) as park_value,
        sum(co2e_t * coalesce(measured_share, 0)) as measured_value,
        count(co2e_t) < count(*) as is_missing,
        true as is_applicable,
        cast(null as double) as completeness_share,
        {{ weakest_state('state') }} as state,
        'tCO2e' as unit,
        cast(null as varchar) as price_basis
    from {{ ref('enterprise_carbon_' ~ longer_periods()[grain].suffix) }}
    where {{ touched_filter('enterprise', date=longer_periods()[grain].column, relation=relation) }}
    group by {{ longer_periods()[grain].column }}, enterprise_id, carbon_kind
)
{%- endmacro %}

{% macro waste_inputs(grain, relation, waste_measures) -%}
waste_kinds_{{ grain }} as (
    select
        {{ longer_periods()[grain].column }} as period_start,
        enterprise_id,
        waste_kind,
        {%- for measure in waste_measures if measure != 'dealt_with_t' %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        -- what became of its own waste: what it took in it deals with for others
        case when count(coalesce(recycled_t, disposed_t, transferred_t)) > 0
            then coalesce(sum(recycled_t), 0) + coalesce(sum(disposed_t), 0) + coalesce(sum(transferred_t), 0) - coalesce(sum(received_t), 0)
        end as dealt_with_t,
        sum(transferred_inside_t) as transferred_inside_t,
        sum(received_inside_t) as received_inside_t,
        max(case when origin = 'manifest' then 1 else 0 end) as is_of_manifests,
        {{ weakest_state('state') }} as state
    from {{ ref('enterprise_waste_' ~ longer_periods()[grain].suffix) }}
    where {{ touched_filter('enterprise', date=longer_periods()[grain].column, relation=relation) }}
    group by {{ longer_periods()[grain].column }}, enterprise_id, waste_kind
),

waste_{{ grain }} as (
    select
        '{{ grain }}' as grain,
        waste.period_start,
        waste.enterprise_id,
        cast(null as varchar) as process_id,
        'ALL' as product_code,
        'waste' as source,
        waste.waste_kind as code,
        measures.measure,
        case measures.measure
            {%- for measure in waste_measures %}
            when '{{ measure }}' then waste.{{ measure }}
            {%- endfor %}
        end as value,
        case measures.measure
            {%- for measure in waste_measures %}
            when '{{ measure }}' then waste.{{ measure }}
                {{- ' - coalesce(waste.' ~ measure.replace('_t', '_inside_t') ~ ', 0)' if measure in ['transferred_t', 'received_t'] }}
                {{- ' - coalesce(waste.transferred_inside_t, 0) + coalesce(waste.received_inside_t, 0)' if measure == 'dealt_with_t' }}
            {%- endfor %}
        end as park_value,
        waste.is_of_manifests,
        waste.state
    from waste_kinds_{{ grain }} as waste
    cross join waste_measures as measures
)
{%- endmacro %}

{#- Before treatment, from the generation marts alone: where nothing is known of it, the discharge after treatment is no substitute. -#}
{% macro generation_inputs(grain, relation) -%}
generation_{{ grain }} as (
    select
        '{{ grain }}' as grain,
        {{ longer_periods()[grain].column }} as period_start,
        enterprise_id,
        process_id,
        'ALL' as product_code,
        'generation' as source,
        pollutant_code as code,
        'generated_kg' as measure,
        sum(generated_kg) as value,
        sum(generated_kg) as park_value,
        sum(generated_kg * measured_share) as measured_value,
        count(generated_kg) < count(*) as is_missing,
        true as is_applicable,
        min(capture_share) as completeness_share,
        {{ weakest_state('state') }} as state,
        'kg' as unit,
        cast(null as varchar) as price_basis
    from {{ ref('enterprise_pollutant_generation_' ~ longer_periods()[grain].suffix) }}
    where {{ touched_filter('enterprise', date=longer_periods()[grain].column, relation=relation) }}
    group by {{ longer_periods()[grain].column }}, enterprise_id, process_id, pollutant_code
    union all
    -- what is declared of a product stands with the product only
    select
        '{{ grain }}' as grain,
        declared.period_start,
        declared.enterprise_id,
        declared.process_id,
        declared.product_code,
        'generation' as source,
        declared.code,
        'generated_kg' as measure,
        declared.value,
        declared.value as park_value,
        cast(0 as double) as measured_value,
        declared.is_missing,
        true as is_applicable,
        declared.completeness_share,
        declared.state,
        declared.unit,
        cast(null as varchar) as price_basis
    from declared_{{ grain }} as declared
    inner join pollutants on declared.code = pollutants.parameter_code
    where declared.product_code <> 'ALL' and declared.measure = 'generated'
)
{%- endmacro %}
