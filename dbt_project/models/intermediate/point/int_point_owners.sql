{#- Where two rows of a point overlap, the one that begins later holds from its beginning. -#}
with

points as (
    select * from {{ ref('stg_points') }}
),

followed as (
    select
        *,
        coalesce(valid_to, cast('9999-12-31' as date)) as stated_end,
        coalesce(
            lead(valid_from) over (partition by point_id order by valid_from),
            cast('9999-12-31' as date)
        ) as next_begin
    from points
),

final as (
    select
        park_id,
        point_id,
        enterprise_id,
        outlet_id,
        process_id,
        kind,
        valid_from,
        least(stated_end, next_begin) as valid_to
    from followed
)

select * from final
