with rows_of_both as (
    {{ standard_rows('index_indicators', [
        'index_system_id', 'indicator_id', 'group_id', 'position', 'name', 'name_zh', 'kind', 'metric_code', 'stage', 'product_kind', 'unit',
        'direction', 'weight', 'weight_rule', 'set_id', 'is_limiting', 'valid_from', 'valid_to', 'version', 'source_ref',
        'verification_status',
    ]) }}
),

final as (
    select
        index_system_id,
        indicator_id,
        group_id,
        cast(position as bigint) as position,
        name,
        name_zh,
        kind,
        metric_code,
        stage,
        product_kind,
        unit,
        direction,
        {{ try_cast('weight', 'double') }} as weight,
        weight as weight_text,
        weight_rule,
        set_id,
        cast(is_limiting as boolean) as is_limiting,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
