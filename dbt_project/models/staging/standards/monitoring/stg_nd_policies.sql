with rows_of_both as (
    {{ standard_rows('nd_policies', [
        'purpose', 'parameter_code', 'share_of_limit', 'note', 'valid_from', 'valid_to', 'version', 'source_ref',
        'verification_status',
    ]) }}
),

final as (
    select
        purpose,
        parameter_code,
        cast(share_of_limit as double) as share_of_limit,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
