with

standard_rows as (
    select * from {{ ref('stg_balance_streams') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        balance_kind,
        component,
        subjects,
        side,
        stream_type,
        stream_id,
        choice,
        source,
        item_kind,
        item_code,
        measure,
        from_unit,
        scale,
        presence,
        by_item,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
