with rows_of_both as (
    {{ standard_rows('balance_streams', [
        'balance_kind', 'component', 'subjects', 'side', 'stream_type', 'stream_id', 'choice', 'source',
        'item_kind', 'item_code', 'measure', 'from_unit', 'scale', 'presence', 'by_item', 'valid_from',
        'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        balance_kind,
        component,
        subjects,
        side,
        stream_type,
        stream_id,
        cast(choice as bigint) as choice,
        source,
        item_kind,
        item_code,
        measure,
        from_unit,
        cast(scale as double) as scale,
        presence,
        cast(by_item as boolean) as by_item,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
