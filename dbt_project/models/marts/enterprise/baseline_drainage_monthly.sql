{#-
    Wastewater of a month over the baseline drainage (基准排水量) of what was made in it, and the month's mean concentration converted to
    that baseline. The standards judge the working day (limit_compliance_daily); most output is known by the month, and this is
    the nearest that can be said of it.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'year', 'date': 'month_start_date', 'relation': 'int_touched_enterprise_periods'}},
) }}

{%- set relation = 'int_touched_enterprise_periods' %}

with

baselines as (
    select * from {{ ref('int_drainage_baselines') }}
),

shared as (
    select distinct source_id from {{ ref('int_allocations') }}
    where source_kind = 'outlet'
),

-- the registers of the month's first day hold for the whole of it
outlets as (
    select * from {{ ref('int_outlets') }}
    where medium = 'water' and kind = 'final'
        and standard_id in (select standard_id from baselines)
        and outlet_id not in (select source_id from shared)
),

products as (
    select * from {{ ref('int_products') }}
),

limits as (
    select * from {{ ref('int_outlet_limits') }}
    where limit_kind = 'daily_concentration' and limit_source = 'standard'
),

discharges as (
    select
        emission.enterprise_id,
        emission.outlet_id,
        emission.pollutant_code,
        emission.month_start_date,
        emission.flow_m3,
        emission.concentration_mean,
        emission.concentration_unit,
        emission.completeness_share,
        emission.state,
        outlets.standard_id
    from {{ ref('enterprise_emission_monthly') }} as emission
    inner join outlets
        on emission.outlet_id = outlets.outlet_id
            and emission.enterprise_id = outlets.enterprise_id
            and {{ holds_on('outlets', 'emission.month_start_date') }}
    where {{ touched_filter('enterprise', 'emission', date='month_start_date', relation=relation) }}
),

-- an outlet's flow stands beside each of its pollutants and counts once
flows as (
    select
        enterprise_id,
        standard_id,
        month_start_date,
        outlet_id,
        max(flow_m3) as flow_m3,
        max(completeness_share) as completeness_share
    from discharges
    group by enterprise_id, standard_id, month_start_date, outlet_id
),

drained as (
    select
        flows.enterprise_id,
        flows.standard_id,
        flows.month_start_date,
        sum(flows.flow_m3) as drainage_m3,
        count(flows.flow_m3) as outlets_known,
        min(flows.completeness_share) as completeness_share
    from flows
    group by flows.enterprise_id, flows.standard_id, flows.month_start_date
),

outlets_due as (
    select
        drained.enterprise_id,
        drained.standard_id,
        drained.month_start_date,
        count(*) as outlets_due
    from drained
    inner join outlets
        on drained.enterprise_id = outlets.enterprise_id
            and drained.standard_id = outlets.standard_id
            and {{ holds_on('outlets', 'drained.month_start_date') }}
    group by drained.enterprise_id, drained.standard_id, drained.month_start_date
),

outputs as (
    select
        enterprise_id,
        product_code,
        month_start_date,
        unit,
        sum(quantity) as quantity,
        min(completeness_share) as completeness_share
    from {{ ref('enterprise_production_monthly') }}
    where product_code <> 'ALL' and {{ touched_filter('enterprise', date='month_start_date', relation=relation) }}
    group by enterprise_id, product_code, month_start_date, unit
),

due as (
    select
        drained.enterprise_id,
        drained.standard_id,
        drained.month_start_date,
        sum(outputs.quantity * baselines.drainage_m3_per_unit) as baseline_m3,
        count(case when outputs.completeness_share = 1 then outputs.quantity * baselines.drainage_m3_per_unit end) as products_known,
        count(*) as products_due,
        {{ distinct_texts('baselines.source_ref') }} as source_ref,
        {{ weakest_verification('baselines.verification_status') }} as verification_status
    from drained
    inner join products
        on drained.enterprise_id = products.enterprise_id
            and products.product_kind is distinct from 'by_product'
            and {{ holds_on('products', 'drained.month_start_date') }}
    left join baselines
        on drained.standard_id = baselines.standard_id
            and products.product_kind = baselines.product_kind
            and products.unit = baselines.product_unit
            and {{ holds_on('baselines', 'drained.month_start_date') }}
    left join outputs
        on products.enterprise_id = outputs.enterprise_id
            and products.product_code = outputs.product_code
            and products.unit = outputs.unit
            and drained.month_start_date = outputs.month_start_date
    group by drained.enterprise_id, drained.standard_id, drained.month_start_date
),

strictest as (
    select
        discharges.outlet_id,
        discharges.enterprise_id,
        discharges.pollutant_code,
        discharges.month_start_date,
        min(limits.limit_value) as limit_value
    from discharges
    inner join limits
        on discharges.outlet_id = limits.outlet_id
            and discharges.enterprise_id = limits.enterprise_id
            and discharges.pollutant_code = limits.pollutant_code
            and {{ holds_on('limits', 'discharges.month_start_date') }}
    group by discharges.outlet_id, discharges.enterprise_id, discharges.pollutant_code, discharges.month_start_date
),

with_ratio as (
    select
        discharges.*,
        drained.drainage_m3,
        case when due.products_known = due.products_due then due.baseline_m3 end as baseline_m3,
        due.source_ref,
        due.verification_status,
        strictest.limit_value,
        case
            when drained.outlets_known = outlets_due.outlets_due and due.products_known = due.products_due
                then drained.drainage_m3 / nullif(due.baseline_m3, 0)
        end as drainage_ratio
    from discharges
    inner join drained
        on discharges.enterprise_id = drained.enterprise_id
            and discharges.standard_id = drained.standard_id
            and discharges.month_start_date = drained.month_start_date
    inner join outlets_due
        on discharges.enterprise_id = outlets_due.enterprise_id
            and discharges.standard_id = outlets_due.standard_id
            and discharges.month_start_date = outlets_due.month_start_date
    inner join due
        on discharges.enterprise_id = due.enterprise_id
            and discharges.standard_id = due.standard_id
            and discharges.month_start_date = due.month_start_date
    left join strictest
        on discharges.outlet_id = strictest.outlet_id
            and discharges.enterprise_id = strictest.enterprise_id
            and discharges.pollutant_code = strictest.pollutant_code
            and discharges.month_start_date = strictest.month_start_date
),

converted as (
    select
        *,
        case when drainage_ratio is not null then {{ at_baseline_drainage('concentration_mean', 'drainage_ratio') }} end
            as concentration_converted
    from with_ratio
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        enterprise_id,
        outlet_id,
        pollutant_code,
        month_start_date,
        standard_id,
        drainage_m3,
        baseline_m3,
        drainage_ratio,
        drainage_ratio > 1 as is_above_baseline,
        concentration_mean,
        concentration_converted,
        concentration_unit as unit,
        limit_value,
        concentration_converted > limit_value as is_exceeded,
        completeness_share,
        source_ref,
        verification_status,
        case when drainage_ratio is null then 'missing' else 'estimated' end as state
    from converted
)

select * from final
