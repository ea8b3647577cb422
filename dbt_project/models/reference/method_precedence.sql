with

standard_rows as (
    select * from {{ ref('stg_method_precedences') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        purpose,
        rank,
        method_code,
        min_capture_share,
        capture_over,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
