with

standard_rows as (
    select * from {{ ref('stg_risk_matrices') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        set_id,
        e_class,
        q_class,
        m_class,
        grade,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
