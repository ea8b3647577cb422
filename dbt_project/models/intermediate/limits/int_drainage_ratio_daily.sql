{#-
    Wastewater of a day over the baseline drainage of what was made on it (基准排水量), which the standards count by the working
    day. Known only where every final outlet under the standard has its flow, and every product of the enterprise a baseline and its
    output of the day: the water of a product without either would be held against the others. An outlet that several enterprises share
    has no product of its own.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise'}},
) }}

with

baselines as (
    select * from {{ ref('int_drainage_baselines') }}
),

shared as (
    select distinct source_id from {{ ref('int_allocations') }}
    where source_kind = 'outlet'
),

outlets as (
    select * from {{ ref('int_outlets') }}
    where medium = 'water' and kind = 'final'
        and standard_id in (select standard_id from baselines)
        and outlet_id not in (select source_id from shared)
),

products as (
    select * from {{ ref('int_products') }}
),

flows as (
    select
        outlets.enterprise_id,
        outlets.outlet_id,
        outlets.standard_id,
        days.local_date,
        days.flow_m3
    from {{ ref('int_outlet_flow_daily') }} as days
    inner join outlets
        on days.outlet_id = outlets.outlet_id and days.enterprise_id = outlets.enterprise_id and {{ holds_on('outlets', 'days.local_date') }}
    where {{ touched_filter('enterprise', 'days') }}
),

drained as (
    select
        enterprise_id,
        standard_id,
        local_date,
        sum(flow_m3) as drainage_m3,
        count(flow_m3) as outlets_known
    from flows
    group by enterprise_id, standard_id, local_date
),

outlets_due as (
    select
        drained.enterprise_id,
        drained.standard_id,
        drained.local_date,
        count(*) as outlets_due
    from drained
    inner join outlets
        on drained.enterprise_id = outlets.enterprise_id
            and drained.standard_id = outlets.standard_id
            and {{ holds_on('outlets', 'drained.local_date') }}
    group by drained.enterprise_id, drained.standard_id, drained.local_date
),

outputs as (
    select
        enterprise_id,
        coalesce(product_code, item_code) as product_code,
        period_start as local_date,
        unit,
        sum(value) as quantity
    from {{ ref('int_self_report_periods') }}
    where grain = 'day' and medium = 'output' and outlet_id is null
        and {{ touched_filter('enterprise', date='period_start') }}
    group by enterprise_id, coalesce(product_code, item_code), period_start, unit
),

-- every product, made that day or not reported
due as (
    select
        drained.enterprise_id,
        drained.standard_id,
        drained.local_date,
        sum(outputs.quantity * baselines.drainage_m3_per_unit) as baseline_m3,
        count(outputs.quantity * baselines.drainage_m3_per_unit) as products_known,
        count(*) as products_due
    from drained
    inner join products
        on drained.enterprise_id = products.enterprise_id
            and products.product_kind is distinct from 'by_product'
            and {{ holds_on('products', 'drained.local_date') }}
    left join baselines
        on drained.standard_id = baselines.standard_id
            and products.product_kind = baselines.product_kind
            and products.unit = baselines.product_unit
            and {{ holds_on('baselines', 'drained.local_date') }}
    left join outputs
        on products.enterprise_id = outputs.enterprise_id
            and products.product_code = outputs.product_code
            and products.unit = outputs.unit
            and drained.local_date = outputs.local_date
    group by drained.enterprise_id, drained.standard_id, drained.local_date
),

final as (
    select
        flows.enterprise_id,
        flows.outlet_id,
        flows.standard_id,
        flows.local_date,
        drained.drainage_m3,
        case when due.products_known = due.products_due then due.baseline_m3 end as baseline_m3,
        case
            when drained.outlets_known = outlets_due.outlets_due and due.products_known = due.products_due
                then drained.drainage_m3 / nullif(due.baseline_m3, 0)
        end as drainage_ratio
    from flows
    inner join drained
        on flows.enterprise_id = drained.enterprise_id
            and flows.standard_id = drained.standard_id
            and flows.local_date = drained.local_date
    inner join outlets_due
        on flows.enterprise_id = outlets_due.enterprise_id
            and flows.standard_id = outlets_due.standard_id
            and flows.local_date = outlets_due.local_date
    inner join due
        on flows.enterprise_id = due.enterprise_id
            and flows.standard_id = due.standard_id
            and flows.local_date = due.local_date
)

select * from final
