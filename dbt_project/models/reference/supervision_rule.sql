with

standard_rows as (
    select * from {{ ref('stg_supervision_rules') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        rule_id,
        topic,
        subject_kind,
        counts,
        operator,
        value,
        unit,
        name,
        name_zh,
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
