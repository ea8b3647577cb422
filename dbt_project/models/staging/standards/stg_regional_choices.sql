with rows_of_both as (
    {{ standard_rows('regional_choices', [
        'topic', 'item_code', 'region', 'series', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        topic,
        item_code,
        region,
        series,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
