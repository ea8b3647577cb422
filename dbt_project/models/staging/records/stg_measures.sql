with

source as (
    select * from {{ source('landing', 'measure') }}
),

current_rows as (
    select
        -- key
        cast('{{ park_id() }}' as varchar) as park_id,
        measure_id,

        -- what it says
        enterprise_id,
        process_id,
        finding_id,
        name,
        measure_class,
        cost_class,
        cause_code,
        technology_id,
        investment_cny,
        spent_cny,
        annual_saving_cny,
        lifetime_years,
        price_basis,
        competes_with,
        promised_item,
        promised_quantity,
        unit,
        status,
        proposed_on,
        due_on,
        started_on,
        completed_on,
        baseline_start,
        baseline_end,
        evidence_sha256,

        -- where it came from
        feed_id,
        delivery_id,
        source_row,
        known_from
    from source
    where known_to is null
)

select * from current_rows
