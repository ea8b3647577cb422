with rows_of_both as (
    {{ standard_rows('index_groups', [
        'index_system_id', 'group_id', 'position', 'name', 'name_zh', 'weight', 'is_bonus', 'group_na_policy', 'valid_from', 'valid_to',
        'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        index_system_id,
        group_id,
        cast(position as bigint) as position,
        name,
        name_zh,
        {{ try_cast('weight', 'double') }} as weight,
        weight as weight_text,
        cast(is_bonus as boolean) as is_bonus,
        group_na_policy,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
