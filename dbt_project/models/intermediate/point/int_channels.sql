{#- Where two rows of a channel overlap, the one that begins later holds from its beginning. -#}
with

channels as (
    select * from {{ ref('stg_channels') }}
),

followed as (
    select
        *,
        coalesce(valid_to, cast('9999-12-31' as date)) as stated_end,
        coalesce(
            lead(valid_from) over (partition by point_id, parameter_code order by valid_from),
            cast('9999-12-31' as date)
        ) as next_begin
    from channels
),

final as (
    select
        point_id,
        parameter_code,
        register_kind,
        coalesce(multiplier, cast(1 as double)) as multiplier,
        digits,
        step_minutes,
        flow_item,
        basis,
        detection_limit,
        range_min,
        range_max,
        valid_from,
        least(stated_end, next_begin) as valid_to
    from followed
)

select * from final
