{#-
    Whose a declaration is. An enterprise needs no register row to be heard: a report of one that nobody has registered
    stays under the name it gives itself. The register of the period's first day says to whom a process, outlet or product belongs.
-#}
with

reports as (
    select * from {{ ref('stg_self_reports') }}
),

processes as (
    select * from {{ ref('int_processes') }}
),

outlets as (
    select * from {{ ref('int_outlets') }}
),

products as (
    select * from {{ ref('int_products') }}
),

final as (
    select
        reports.*,
        case reports.subject_kind
            when 'enterprise' then reports.subject_id
            when 'process' then processes.enterprise_id
            when 'outlet' then outlets.enterprise_id
            when 'product' then products.enterprise_id
        end as enterprise_id,
        case reports.subject_kind
            when 'process' then reports.subject_id
            when 'product' then products.process_id
        end as process_id,
        case when reports.subject_kind = 'outlet' then reports.subject_id end as outlet_id,
        case when reports.subject_kind = 'product' then reports.subject_id end as product_code
    from reports
    left join processes
        on reports.subject_kind = 'process' and reports.subject_id = processes.process_id
            and {{ holds_on('processes', 'reports.period_start') }}
    left join outlets
        on reports.subject_kind = 'outlet' and reports.subject_id = outlets.outlet_id
            and {{ holds_on('outlets', 'reports.period_start') }}
    left join products
        on reports.subject_kind = 'product' and reports.subject_id = products.product_code
            and {{ holds_on('products', 'reports.period_start') }}
)

select * from final
