with

rows_of_both as (
    {{ standard_rows('parameter_aliases', [
        'alias', 'dialect', 'st', 'parameter_code',
        'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

typed as (
    select
        -- key
        alias,
        dialect,
        st,

        -- what it says
        parameter_code,

        -- provenance
        {{ provenance_columns() }}
    from rows_of_both
)

select * from typed
