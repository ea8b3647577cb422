{#-
    Which region's and which series' figures the park uses, on any day. The default holds until the park's own first choice: what it was
    computed by then is not computed anew by another series.
-#}
with

choices as (
    select * from {{ ref('stg_regional_choices') }}
),

own as (
    select
        topic,
        item_code,
        min(valid_from) as first_chosen
    from choices
    where origin = 'park'
    group by topic, item_code
),

dated as (
    select
        topic,
        item_code,
        region,
        series,
        origin,
        valid_from,
        {{ validity_end('topic, item_code, origin') }} as valid_to
    from choices
),

final as (
    select
        dated.topic,
        dated.item_code,
        dated.region,
        dated.series,
        dated.valid_from,
        case dated.origin
            when 'park' then dated.valid_to
            else least(dated.valid_to, coalesce(own.first_chosen, {{ end_of_time() }}))
        end as valid_to
    from dated
    left join own
        on dated.topic = own.topic and dated.item_code is not distinct from own.item_code
)

select * from final
where valid_from < valid_to
