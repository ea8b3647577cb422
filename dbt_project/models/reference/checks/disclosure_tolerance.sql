with

standard_rows as (
    select * from {{ ref('stg_disclosure_tolerances') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        item_kind,
        item_code,
        tolerance_share,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
