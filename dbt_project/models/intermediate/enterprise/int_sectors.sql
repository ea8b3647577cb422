{#- The sector of an enterprise (行业代码), one row per validity. -#}
with

final as (
    select
        enterprise_id,
        sector_code,
        valid_from,
        {{ validity_end('enterprise_id') }} as valid_to
    from {{ ref('stg_enterprises') }}
)

select * from final
