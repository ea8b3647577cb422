with rows_of_both as (
    {{ standard_rows('emission_standards', [
        'standard_id', 'layer', 'note', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        standard_id,
        layer,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
