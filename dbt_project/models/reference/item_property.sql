with

standard_rows as (
    select * from {{ ref('stg_item_properties') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        parameter_code,
        item_code,
        property,
        unit,
        gj_scale,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
