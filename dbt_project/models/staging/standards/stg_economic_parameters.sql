with rows_of_both as (
    {{ standard_rows('economic_parameters', [
        'parameter_id', 'parameter_code', 'enterprise_id', 'investment_band', 'investment_from_cny', 'investment_to_cny', 'value',
        'value_low', 'unit', 'description', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        parameter_id,
        parameter_code,
        enterprise_id,
        investment_band,
        cast(investment_from_cny as double) as investment_from_cny,
        cast(investment_to_cny as double) as investment_to_cny,
        cast(value as double) as value,
        cast(value_low as double) as value_low,
        unit,
        description,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
