with

standards as (
    select * from {{ ref('stg_parameter_aliases') }}
),

final as (
    select
        alias,
        dialect,
        st,
        parameter_code,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standards
)

select * from final
