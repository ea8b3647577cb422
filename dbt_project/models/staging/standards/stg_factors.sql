with rows_of_both as (
    {{ standard_rows('factors', [
        'factor_id', 'kind', 'item_code', 'basis', 'region', 'series', 'data_year', 'unit_from', 'unit_to', 'value', 'derivation',
        'is_default', 'published_at', 'supersedes', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        factor_id,
        kind,
        item_code,
        basis,
        region,
        series,
        cast(data_year as integer) as data_year,
        unit_from,
        unit_to,
        cast(value as double) as value,
        derivation,
        -- The park's own row is there to be used.
        origin = 'park' or coalesce(is_default, 'false') = 'true' as is_default,
        cast(published_at as date) as published_at,
        supersedes,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
