{#- A metric that names a source, item or measure that nobody makes would silently be nobody's metric. -#}
{{ config(meta={'dagster': {'ref': {'name': 'int_metric_terms'}}}) }}

with

terms as (
    select * from {{ ref('int_metric_terms') }}
),

parameters as (
    select distinct parameter_code from {{ ref('stg_parameters') }}
)

select
    terms.metric_code,
    terms.side,
    terms.source,
    terms.code,
    terms.measure
from terms
left join parameters on terms.code = parameters.parameter_code
where terms.source not in ('consumption', 'emission', 'production', 'self_report', 'carbon', 'waste', 'generation', 'reading', 'clinker')
    or (
        terms.source not in ('carbon', 'waste')
        and terms.code not in ('ALL', 'WATER_FLOW', 'AIR_FLOW')
        -- of a process behind a stack
        and terms.measure not in ('operating_hours', 'outlet_years')
        and parameters.parameter_code is null
    )
    or (terms.source = 'consumption' and terms.measure not in (
        'quantity', 'purchased', 'received', 'sent', 'self_produced', 'recycled', 'energy_tce_calorific', 'energy_tce_primary',
        'energy_tce_working_medium', 'co2e_t'
    ))
    or (terms.source = 'emission' and terms.measure not in (
        'mass_kg', 'flow_m3', 'corrected_concentration_h', 'corrected_hours', 'operating_hours', 'outlet_years'
    ))
    or (terms.source = 'reading' and terms.measure not like '%_sum' and terms.measure not like '%_count')
    or (terms.source = 'clinker' and terms.measure <> 'comparable_tce')
    or (terms.source = 'generation' and terms.measure <> 'generated_kg')
    or (terms.source = 'production' and (terms.code <> 'ALL' or terms.measure not in ('quantity', 'output_value_cny', 'value_added_cny')))
    or (terms.source = 'carbon' and (terms.measure <> 'co2e_t' or terms.code not in (
        'ALL', 'combustion', 'process', 'purchased_electricity', 'purchased_heat', 'own_generation', 'internal_supply', 'exported',
        'internal_export'
    )))
    or (terms.source = 'waste' and (terms.code not in ('ALL', 'hazardous', 'general') or terms.measure not in (
        'generated_t', 'stored_t', 'transferred_t', 'received_t', 'recycled_t', 'disposed_t', 'dealt_with_t'
    )))
    or terms.scale is null
