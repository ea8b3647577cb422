with

standard_rows as (
    select * from {{ ref('stg_risk_receptors') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        medium,
        receptor_kind,
        e_class,
        at_least,
        is_required,
        name,
        name_zh,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
