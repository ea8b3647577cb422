with rows_of_both as (
    {{ standard_rows('method_precedences', [
        'purpose', 'rank', 'method_code', 'min_capture_share', 'capture_over', 'valid_from', 'valid_to', 'version',
        'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        purpose,
        cast(rank as integer) as rank,
        method_code,
        cast(min_capture_share as double) as min_capture_share,
        capture_over,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
