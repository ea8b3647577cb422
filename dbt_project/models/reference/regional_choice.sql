with

standard_rows as (
    select * from {{ ref('stg_regional_choices') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        topic,
        item_code,
        region,
        series,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
