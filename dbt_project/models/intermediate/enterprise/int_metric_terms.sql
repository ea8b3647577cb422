{#-
    What each metric adds up on either side, one row per source, code and measure. `a+b` in a code or measure is a sum, `@g` the items
    of group g (reference.item_group); ALL is every code. A park's own row of a metric goes before the seed's. A metric that an index
    system names and no sum over a sum expresses (not_computed) has no terms.
-#}
with

metrics as (
    select * from {{ ref('stg_metrics') }}
),

own as (
    select distinct metric_code from metrics
    where origin = 'park'
),

in_force as (
    select
        metric_code,
        numerator_source,
        numerator_code,
        numerator_measure,
        denominator_source,
        denominator_code,
        denominator_measure,
        scale,
        unit,
        valid_from,
        {{ validity_end('metric_code') }} as valid_to
    from metrics
    where (origin = 'park' or metric_code not in (select metric_code from own))
        and numerator_source <> 'not_computed'
),

sides as (
    {%- for side in ['numerator', 'denominator'] %}
    select
        metric_code,
        '{{ side }}' as side,
        {{ side }}_source as source,
        {{ side }}_code as codes,
        {{ side }}_measure as measures,
        denominator_source,
        scale,
        unit,
        valid_from,
        valid_to
    from in_force
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

by_code as (
    select
        sides.*,
        code
    from sides,
        {{ split_to_rows('sides.codes', '+') }} as words (code)
),

groups as (
    select distinct
        item_group,
        item_code
    from {{ ref('stg_item_groups') }}
),

by_item as (
    select
        by_code.metric_code,
        by_code.side,
        by_code.source,
        by_code.measures,
        by_code.denominator_source,
        by_code.scale,
        by_code.unit,
        by_code.valid_from,
        by_code.valid_to,
        coalesce(groups.item_code, by_code.code) as code
    from by_code
    left join groups on by_code.code = '@' || groups.item_group
),

final as (
    select
        by_item.metric_code,
        by_item.side,
        by_item.source,
        by_item.code,
        measure,
        by_item.denominator_source,
        by_item.scale,
        by_item.unit,
        by_item.valid_from,
        by_item.valid_to
    from by_item,
        {{ split_to_rows('by_item.measures', '+') }} as words (measure)
)

select * from final
