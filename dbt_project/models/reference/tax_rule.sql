with

standard_rows as (
    select * from {{ ref('stg_tax_rules') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        rule_id,
        rule_kind,
        subject_code,
        threshold,
        value,
        note,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standard_rows
)

select * from final
