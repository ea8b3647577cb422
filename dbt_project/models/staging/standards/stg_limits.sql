with rows_of_both as (
    {{ standard_rows('limits', [
        'limit_id', 'standard_id', 'standard_name_zh', 'region', 'medium', 'parameter_code', 'limit_kind', 'reference_o2',
        'reference_excess_air', 'limit_value', 'unit', 'condition', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        limit_id,
        standard_id,
        standard_name_zh,
        region,
        medium,
        parameter_code,
        limit_kind,
        cast(reference_o2 as double) as reference_o2,
        cast(reference_excess_air as double) as reference_excess_air,
        cast(limit_value as double) as limit_value,
        unit,
        condition,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
