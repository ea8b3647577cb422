with rows_of_both as (
    {{ standard_rows('technologies', [
        'technology_id', 'name', 'name_zh', 'process_codes', 'sector_codes', 'cause_codes', 'item_codes', 'measure_class',
        'saving_share_low', 'saving_share_high', 'saving_basis', 'payback_years_low', 'payback_years_high', 'description', 'valid_from',
        'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        technology_id,
        name,
        name_zh,
        process_codes,
        sector_codes,
        cause_codes,
        item_codes,
        measure_class,
        cast(saving_share_low as double) as saving_share_low,
        cast(saving_share_high as double) as saving_share_high,
        saving_basis,
        cast(payback_years_low as double) as payback_years_low,
        cast(payback_years_high as double) as payback_years_high,
        description,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
