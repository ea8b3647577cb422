{#- The first date that the rules of plausibility look at: so many days before the last one of the park's calendar. -#}
with

rules as (
    select
        threshold,
        valid_from,
        valid_to,
        case when origin = 'park' then 0 else 1 end as is_shipped
    from {{ ref('stg_plausibility_rules') }}
    where rule_id = 'look_back'
),

span as (
    select * from {{ ref('int_data_span') }}
),

-- the park's own number goes before the shipped one
numbered as (
    select
        span.last_calendar_date as last_date,
        cast(rules.threshold as integer) as look_back_days,
        row_number() over (order by rules.is_shipped asc, rules.valid_from desc) as choice
    from span
    inner join rules on {{ holds_on('rules', 'span.last_calendar_date') }}
),

final as (
    select
        {{ days_after('last_date', '1 - look_back_days') }} as first_date,
        last_date
    from numbered
    where choice = 1
)

select * from final
