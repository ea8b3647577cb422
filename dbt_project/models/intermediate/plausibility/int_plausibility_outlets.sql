{#- Outlets' pollutants, day by day, over the dates that the rules look at. -#}
with

since as (
    select * from {{ ref('int_plausible_since') }}
),

final as (
    select days.*
    from {{ ref('int_plausibility_outlet_days') }} as days
    inner join since on days.local_date between since.first_date and since.last_date
)

select * from final
