{#- What an outlet's hour, day and month need to be valid, on any day. -#}
with

rule_sets as (
    select * from {{ ref('int_outlet_rule_sets') }}
    where topic = 'validity_rules'
),

rules as (
    select
        *,
        {{ validity_end('rule_set, medium') }} as rule_valid_to
    from {{ ref('stg_validity_rules') }}
),

final as (
    select
        rule_sets.outlet_id,
        rules.rule_id,
        rules.hour_minutes,
        rules.day_hours,
        rules.operating_share,
        rules.oxygen_ceiling_percent,
        rules.mark_minutes,
        greatest(rule_sets.valid_from, rules.valid_from) as valid_from,
        least(rule_sets.valid_to, rules.rule_valid_to) as valid_to
    from rule_sets
    inner join rules
        on rule_sets.rule_set = rules.rule_set
            and rule_sets.medium = rules.medium
            and rule_sets.valid_from < rules.rule_valid_to
            and rules.valid_from < rule_sets.valid_to
)

select * from final
