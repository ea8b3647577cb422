with rows_of_both as (
    {{ standard_rows('risk_substances', [
        'substance_code', 'name', 'name_zh', 'part', 'critical_t', 'counts_for_air', 'counts_for_water',
        'note', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        substance_code,
        name,
        name_zh,
        cast(part as bigint) as part,
        cast(critical_t as double) as critical_t,
        cast(counts_for_air as boolean) as counts_for_air,
        cast(counts_for_water as boolean) as counts_for_water,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
