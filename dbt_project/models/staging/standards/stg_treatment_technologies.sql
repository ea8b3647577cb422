with rows_of_both as (
    {{ standard_rows('treatment_technologies', [
        'technology_code', 'pollutant_code', 'name', 'name_zh', 'removal_efficiency', 'running_rate', 'valid_from',
        'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        technology_code,
        pollutant_code,
        name,
        name_zh,
        cast(removal_efficiency as double) as removal_efficiency,
        cast(running_rate as double) as running_rate,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
