with rows_of_both as (
    {{ standard_rows('index_systems', [
        'index_system_id', 'name', 'name_zh', 'sector', 'generation', 'completeness', 'pass_mark', 'note', 'valid_from', 'valid_to', 'version',
        'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        index_system_id,
        name,
        name_zh,
        sector,
        generation,
        completeness,
        {{ try_cast('pass_mark', 'double') }} as pass_mark,
        note,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
