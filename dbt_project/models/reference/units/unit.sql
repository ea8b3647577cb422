with

standards as (
    select * from {{ ref('stg_units') }}
),

final as (
    select
        unit,
        pint_definition,
        quantity_kind,
        description,
        valid_from,
        valid_to,
        version,
        source_ref,
        verification_status,
        origin
    from standards
)

select * from final
