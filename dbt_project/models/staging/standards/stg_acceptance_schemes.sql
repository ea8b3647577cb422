with rows_of_both as (
    {{ standard_rows('acceptance_schemes', [
        'scheme_id', 'stage', 'name', 'name_zh', 'region', 'is_default', 'full_points', 'pass_mark', 'apply_within_months', 'note',
        'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        scheme_id,
        stage,
        name,
        name_zh,
        region,
        cast(is_default as boolean) as is_default,
        cast(full_points as double) as full_points,
        cast(pass_mark as double) as pass_mark,
        cast(apply_within_months as integer) as apply_within_months,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
