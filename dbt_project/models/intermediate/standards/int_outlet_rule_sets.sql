{#-
    Which rule set holds at an outlet, on any day: the one chosen for its medium, from a choice for the outlet itself onwards
    that one.
-#}
with

outlets as (
    select * from {{ ref('int_outlets') }}
),

choices as (
    select * from {{ ref('int_regional_choices') }}
    where topic in ('validity_rules', 'substitution_rules')
),

chosen as (
    select
        outlets.outlet_id,
        outlets.medium,
        choices.topic,
        choices.series as rule_set,
        choices.item_code = outlets.outlet_id as is_of_outlet,
        greatest(outlets.valid_from, choices.valid_from) as valid_from,
        least(outlets.valid_to, choices.valid_to) as valid_to
    from outlets
    inner join choices
        on choices.item_code in (outlets.outlet_id, outlets.medium)
            and outlets.valid_from < choices.valid_to
            and choices.valid_from < outlets.valid_to
),

first_own as (
    select
        outlet_id,
        topic,
        min(valid_from) as first_chosen
    from chosen
    where is_of_outlet
    group by outlet_id, topic
),

cut as (
    select
        chosen.outlet_id,
        chosen.medium,
        chosen.topic,
        chosen.rule_set,
        chosen.valid_from,
        case
            when chosen.is_of_outlet then chosen.valid_to
            else least(chosen.valid_to, coalesce(first_own.first_chosen, {{ end_of_time() }}))
        end as valid_to
    from chosen
    left join first_own
        on chosen.outlet_id = first_own.outlet_id and chosen.topic = first_own.topic
),

final as (
    select * from cut
    where valid_from < valid_to
)

select * from final
