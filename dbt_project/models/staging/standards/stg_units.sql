with

rows_of_both as (
    {{ standard_rows('units', [
        'unit', 'pint_definition', 'quantity_kind', 'description',
        'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

typed as (
    select
        -- key
        unit,

        -- what it says
        pint_definition,
        quantity_kind,
        description,

        -- provenance
        {{ provenance_columns() }}
    from rows_of_both
)

select * from typed
