with

standard_rows as (
    select * from {{ ref('stg_acceptance_schemes') }}
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        scheme_id,
        stage,
        name,
        name_zh,
        region,
        is_default,
        full_points,
        pass_mark,
        apply_within_months,
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
