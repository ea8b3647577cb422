{#- An enterprise that the register places in another park on a day is in none of this park's totals on that day. -#}
with

enterprises as (
    select * from {{ ref('stg_enterprises') }}
),

whole as (
    select
        enterprise_id,
        park_id,
        valid_from,
        {{ validity_end('enterprise_id') }} as valid_to
    from enterprises
),

final as (
    select
        enterprise_id,
        valid_from,
        valid_to
    from whole
    where park_id = '{{ park_id() }}' and valid_from < valid_to
)

select * from final
