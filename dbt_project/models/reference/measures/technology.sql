with

standard_rows as (
    select * from {{ ref('stg_technologies') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        technology_id,
        name,
        name_zh,
        process_codes,
        sector_codes,
        cause_codes,
        item_codes,
        measure_class,
        saving_share_low,
        saving_share_high,
        saving_basis,
        payback_years_low,
        payback_years_high,
        description,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
