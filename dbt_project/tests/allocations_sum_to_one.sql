{#-
    Whoever shares a meter or an outlet shares all of it. A warning: one enterprise's register must not stop the park's night, but
    what no share covers is in nobody's figures.
-#}
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'int_allocations'}}}) }}

with

allocations as (
    select * from {{ ref('int_allocations') }}
),

moments as (
    select distinct
        source_kind,
        source_id,
        valid_from as held_on
    from allocations
),

final as (
    select
        moments.source_kind,
        moments.source_id,
        moments.held_on,
        sum(allocations.share) as shares
    from moments
    inner join allocations
        on moments.source_kind = allocations.source_kind
            and moments.source_id = allocations.source_id
            and {{ holds_on('allocations', 'moments.held_on') }}
    group by moments.source_kind, moments.source_id, moments.held_on
)

select * from final
where abs(shares - 1) > 1e-6
