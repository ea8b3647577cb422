with rows_of_both as (
    {{ standard_rows('risk_matrices', [
        'set_id', 'e_class', 'q_class', 'm_class', 'grade', 'valid_from', 'valid_to', 'version', 'source_ref',
        'verification_status',
    ]) }}
),

final as (
    select
        set_id,
        e_class,
        q_class,
        m_class,
        grade,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
