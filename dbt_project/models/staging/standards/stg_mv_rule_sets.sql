with rows_of_both as (
    {{ standard_rows('mv_rule_sets', [
        'rule_id', 'rule_set', 'purpose', 'statistic', 'operator', 'value', 'confidence', 'resolution', 'post_months_from',
        'post_months_to', 'decides', 'description', 'valid_from', 'valid_to', 'version', 'source_ref', 'verification_status',
    ]) }}
),

final as (
    select
        rule_id,
        rule_set,
        purpose,
        statistic,
        operator,
        cast(value as double) as value,
        cast(confidence as double) as confidence,
        resolution,
        cast(post_months_from as bigint) as post_months_from,
        cast(post_months_to as bigint) as post_months_to,
        cast(decides as boolean) as decides,
        description,
        {{ provenance_columns() }}
    from rows_of_both
)

select * from final
