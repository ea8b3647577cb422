{#- Items that come through the meter of another one, on any day: a park's own row goes before the seed's. -#}
with

contained as (
    select * from {{ ref('stg_contained_items') }}
),

own as (
    select distinct item_code from contained
    where origin = 'park'
),

final as (
    select
        item_code,
        contained_in,
        valid_from,
        {{ validity_end('item_code') }} as valid_to
    from contained
    where origin = 'park' or item_code not in (select item_code from own)
)

select * from final
