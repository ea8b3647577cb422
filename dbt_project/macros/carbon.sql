{#-
    Greenhouse gases of enterprises and of the park by where they arise: burnt, of the process, bought, passed on. Factors, and the energy
    behind a row, stand in consumption.sql.
-#}

{#- Where the gas of an energy item arises, by its scope. -#}
{% macro carbon_kind(scope, is_power) -%}
case
            when {{ scope }} = 'scope_2' and {{ is_power }} then 'purchased_electricity'
            when {{ scope }} = 'scope_2' then 'purchased_heat'
            when {{ is_power }} then 'own_generation'
            else 'combustion'
        end
{%- endmacro %}

{#- Kinds that cancel within the park, but for what is lost between the two ends. -#}
{% macro internal_carbon_kinds() -%}('internal_supply', 'internal_export'){%- endmacro %}

{#- Power items: what they carry is electricity, not heat. -#}
{% macro power_items() -%}
power as (
    select distinct item_code from {{ ref('stg_item_groups') }}
    where item_group = 'electricity'
)
{%- endmacro %}

{% macro enterprise_carbon_of(grain) -%}
{%- set column = longer_periods()[grain].column -%}
{%- set suffix = longer_periods()[grain].suffix -%}
{%- set relation = 'int_touched_enterprise_periods' -%}
with

{{ power_items() }},

consumption as (
    select
        rows_of_whole.*,
        power.item_code is not null as is_power
    from {{ ref('enterprise_consumption_' ~ suffix) }} as rows_of_whole
    left join power on rows_of_whole.item_code = power.item_code
    where rows_of_whole.process_id is null
        and {{ touched_filter('enterprise', 'rows_of_whole', date=column, relation=relation) }}
),

-- what the consumption mart counts for deliveries between members, in the period itself
inside_rows as (
    select
        {{ period_start('local_date', grain) }} as period_start,
        from_enterprise_id,
        to_enterprise_id,
        item_code,
        received,
        sent,
        co2e_received_t,
        co2e_sent_t
    from {{ ref('int_internal_transfers_daily') }}
    where {{ on_touched_dates('enterprise', relation=relation) }}
    union all
    select
        period_start,
        from_enterprise_id,
        to_enterprise_id,
        item_code,
        received,
        sent,
        co2e_received_t,
        co2e_sent_t
    from {{ ref('int_internal_transfers_long') }}
    where grain = '{{ grain }}' and {{ on_touched_dates('enterprise', 'period_start', relation=relation) }}
),

inside as (
    select
        period_start,
        to_enterprise_id as enterprise_id,
        item_code,
        sum(received) as received,
        cast(0 as double) as sent,
        sum(co2e_received_t) as co2e_received_t,
        cast(0 as double) as co2e_sent_t
    from inside_rows
    group by period_start, to_enterprise_id, item_code
    union all
    select
        period_start,
        from_enterprise_id as enterprise_id,
        item_code,
        cast(0 as double) as received,
        sum(sent) as sent,
        cast(0 as double) as co2e_received_t,
        sum(co2e_sent_t) as co2e_sent_t
    from inside_rows
    group by period_start, from_enterprise_id, item_code
),

inside_of_enterprise as (
    select
        period_start,
        enterprise_id,
        item_code,
        sum(received) as received,
        sum(sent) as sent,
        sum(co2e_received_t) as co2e_received_t,
        sum(co2e_sent_t) as co2e_sent_t
    from inside
    group by period_start, enterprise_id, item_code
),

-- the same months with the supplier's own factor
supplied_rows as (
    {%- if grain == 'month' %}
    select
        period_start as month_start_date,
        *
    from inside_rows
    {%- else %}
    select
        {{ period_start('local_date', 'month') }} as month_start_date,
        {{ period_start('local_date', grain) }} as period_start,
        from_enterprise_id,
        to_enterprise_id,
        item_code,
        received,
        sent,
        co2e_received_t,
        co2e_sent_t
    from {{ ref('int_internal_transfers_daily') }}
    where {{ on_touched_dates('enterprise', relation=relation) }}
    union all
    select
        period_start as month_start_date,
        {{ period_start('period_start', grain) }} as period_start,
        from_enterprise_id,
        to_enterprise_id,
        item_code,
        received,
        sent,
        co2e_received_t,
        co2e_sent_t
    from {{ ref('int_internal_transfers_long') }}
    where grain = 'month' and {{ on_touched_dates('enterprise', 'period_start', relation=relation) }}
    {%- endif %}
),

supplied as (
    select
        supplied_rows.period_start,
        supplied_rows.from_enterprise_id,
        supplied_rows.to_enterprise_id,
        supplied_rows.item_code,
        supplied_rows.received,
        supplied_rows.sent,
        coalesce(supplied_rows.received * suppliers.co2e, supplied_rows.co2e_received_t) as received_co2e_t,
        coalesce(supplied_rows.sent * suppliers.co2e, supplied_rows.co2e_sent_t) as sent_co2e_t,
        coalesce(suppliers.method_code, 'default_factor') as method_code
    from supplied_rows
    left join {{ ref('int_supplier_factors') }} as suppliers
        on supplied_rows.from_enterprise_id = suppliers.enterprise_id
            and supplied_rows.item_code = suppliers.item_code
            and supplied_rows.month_start_date = suppliers.month_start_date
),

internal_rows as (
    {%- for kind, side in {'internal_supply': ('to', 'received', 1), 'internal_export': ('from', 'sent', -1)}.items() %}
    select
        period_start,
        {{ side[0] }}_enterprise_id as enterprise_id,
        item_code,
        '{{ kind }}' as carbon_kind,
        sum({{ side[1] }}) as activity,
        sum({{ side[2] }} * {{ side[1] }}_co2e_t) as co2e_t,
        {{ one_or_several('method_code') }} as method_code
    from supplied
    where {{ side[1] }} is not null
    group by period_start, {{ side[0] }}_enterprise_id, item_code
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

outside as (
    select
        consumption.*,
        coalesce(inside_of_enterprise.received, 0) as inside_received,
        coalesce(inside_of_enterprise.sent, 0) as inside_sent,
        coalesce(inside_of_enterprise.co2e_received_t, 0) as inside_co2e_received_t,
        coalesce(inside_of_enterprise.co2e_sent_t, 0) as inside_co2e_sent_t
    from consumption
    left join inside_of_enterprise
        on consumption.enterprise_id = inside_of_enterprise.enterprise_id
            and consumption.item_code = inside_of_enterprise.item_code
            and consumption.{{ column }} = inside_of_enterprise.period_start
    where consumption.co2e_scope is not null
),

energy_rows as (
    -- fuel that is sold on is not burnt here
    select
        enterprise_id,
        item_code,
        {{ column }},
        {{ carbon_kind('co2e_scope', 'is_power') }} as carbon_kind,
        co2e_scope as scope,
        quantity - inside_received + inside_sent as activity,
        unit as activity_unit,
        co2e_t - inside_co2e_received_t + inside_co2e_sent_t as co2e_t,
        'factor' as method_code,
        co2e_factor_id as factor_id,
        factor_verification_status as verification_status,
        measured_share,
        state
    from outside
    where co2e_scope = 'scope_1'

    union all

    select
        enterprise_id,
        item_code,
        {{ column }},
        {{ carbon_kind('co2e_scope', 'is_power') }} as carbon_kind,
        co2e_scope as scope,
        quantity + coalesce(sent, 0) - inside_received - coalesce(self_produced, 0) as activity,
        unit as activity_unit,
        co2e_t + co2e_sent_t - inside_co2e_received_t as co2e_t,
        'factor' as method_code,
        co2e_factor_id as factor_id,
        factor_verification_status as verification_status,
        measured_share,
        state
    from outside
    -- nothing is bought where all of it was made here or came from a neighbour
    where co2e_scope = 'scope_2'
        and (
            coalesce(abs(quantity + coalesce(sent, 0) - inside_received - coalesce(self_produced, 0)) > 1e-9, true)
            or coalesce(nullif(inside_received, 0), nullif(sent, 0), nullif(self_produced, 0)) is null
        )

    union all

    select
        enterprise_id,
        item_code,
        {{ column }},
        'exported' as carbon_kind,
        'exported' as scope,
        sent - inside_sent as activity,
        unit as activity_unit,
        0 - (co2e_sent_t - inside_co2e_sent_t) as co2e_t,
        'factor' as method_code,
        co2e_factor_id as factor_id,
        factor_verification_status as verification_status,
        measured_share,
        state
    from outside
    where co2e_scope = 'scope_2' and sent is not null and abs(sent - inside_sent) > 1e-9
),

supply_rows as (
    select
        internal_rows.enterprise_id,
        internal_rows.item_code,
        internal_rows.period_start as {{ column }},
        internal_rows.carbon_kind,
        case internal_rows.carbon_kind when 'internal_supply' then consumption.co2e_scope else 'exported' end as scope,
        internal_rows.activity,
        consumption.unit as activity_unit,
        internal_rows.co2e_t,
        internal_rows.method_code,
        case internal_rows.method_code when 'default_factor' then consumption.co2e_factor_id end as factor_id,
        consumption.factor_verification_status as verification_status,
        consumption.measured_share,
        case
            when internal_rows.co2e_t is null then 'missing'
            when internal_rows.method_code = 'default_factor' then consumption.state
            else {{ state_of_rank('greatest(' ~ state_rank('consumption.state') ~ ', ' ~ state_rank("'estimated'") ~ ')') }}
        end as state
    from internal_rows
    inner join consumption
        on internal_rows.enterprise_id = consumption.enterprise_id
            and internal_rows.item_code = consumption.item_code
            and internal_rows.period_start = consumption.{{ column }}
    where consumption.co2e_scope is not null
),

sectors as (
    select * from {{ ref('int_sectors') }}
),

rules as (
    select * from {{ ref('int_process_carbon_rules') }}
),

products as (
    select * from {{ ref('int_products') }}
),

activities as (
    select
        enterprise_id,
        'consumption' as activity_kind,
        item_code as subject_code,
        {{ column }},
        quantity,
        unit,
        measured_share,
        state
    from consumption
    where item_kind = 'material'

    union all

    select
        production.enterprise_id,
        'output' as activity_kind,
        products.product_kind as subject_code,
        production.{{ column }},
        production.quantity,
        production.unit,
        cast(0 as double) as measured_share,
        production.state
    from {{ ref('enterprise_production_' ~ suffix) }} as production
    inner join products
        on production.enterprise_id = products.enterprise_id
            and production.product_code = products.product_code
            and {{ holds_on('products', 'production.' ~ column) }}
    where {{ touched_filter('enterprise', 'production', date=column, relation=relation) }}
),

process_rows as (
    select
        activities.enterprise_id,
        activities.subject_code as item_code,
        activities.{{ column }},
        'process' as carbon_kind,
        'scope_1' as scope,
        sum(activities.quantity) as activity,
        max(activities.unit) as activity_unit,
        case when count(activities.quantity) = count(*) then sum(activities.quantity * rules.co2_t_per_unit) end as co2e_t,
        'process_factor' as method_code,
        {{ distinct_texts('rules.rule_id') }} as factor_id,
        {{ weakest_verification('rules.verification_status') }} as verification_status,
        sum(activities.quantity * activities.measured_share) / nullif(sum(activities.quantity), 0) as measured_share,
        {{ weakest_state('activities.state') }} as state
    from activities
    inner join sectors
        on activities.enterprise_id = sectors.enterprise_id and {{ holds_on('sectors', 'activities.' ~ column) }}
    inner join rules
        on activities.activity_kind = rules.activity
            and activities.subject_code = rules.subject_code
            and activities.unit = rules.unit
            and sectors.sector_code like rules.sector_code || '%'
            and {{ holds_on('rules', 'activities.' ~ column) }}
    group by activities.enterprise_id, activities.subject_code, activities.{{ column }}
),

every_row as (
    select * from energy_rows
    union all
    select * from supply_rows
    union all
    select * from process_rows
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        enterprise_id,
        carbon_kind,
        item_code,
        {{ column }},
        scope,
        activity,
        activity_unit,
        co2e_t,
        method_code,
        factor_id,
        verification_status,
        {{ share_or_null('measured_share') }} as measured_share,
        case when co2e_t is null then 'missing' else state end as state
    from every_row
)

select * from final
{%- endmacro %}

{#- Greenhouse gases of the park: of its consumption, deliveries within it taken out, and of its members' processes. -#}
{% macro park_carbon_of(grain) -%}
{%- set column = longer_periods()[grain].column -%}
{%- set suffix = longer_periods()[grain].suffix -%}
{%- set relation = 'int_touched_enterprise_periods' -%}
with

{{ power_items() }},

consumption as (
    select
        park.*,
        power.item_code is not null as is_power
    from {{ ref('park_consumption_' ~ suffix) }} as park
    left join power on park.item_code = power.item_code
    where park.co2e_scope is not null and {{ touched_filter('park', 'park', date=column, relation=relation) }}
),

memberships as (
    select * from {{ ref('int_memberships_and_park') }}
),

processes as (
    select enterprises.*
    from {{ ref('enterprise_carbon_' ~ suffix) }} as enterprises
    inner join memberships
        on enterprises.enterprise_id = memberships.enterprise_id and {{ holds_on('memberships', 'enterprises.' ~ column) }}
    where enterprises.carbon_kind = 'process' and {{ touched_filter('park', 'enterprises', date=column, relation=relation) }}
),

every_row as (
    select
        {{ carbon_kind('co2e_scope', 'is_power') }} as carbon_kind,
        item_code,
        {{ column }},
        co2e_scope as scope,
        quantity + case co2e_scope when 'scope_2' then coalesce(sent, 0) - coalesce(self_produced, 0) else 0 end as activity,
        unit as activity_unit,
        co2e_t + case co2e_scope when 'scope_2' then co2e_sent_t else 0 end as co2e_t,
        'factor' as method_code,
        co2e_factor_id as factor_id,
        factor_verification_status as verification_status,
        measured_share,
        state,
        enterprises
    from consumption
    where co2e_scope <> 'scope_2'
        or coalesce(abs(quantity + coalesce(sent, 0) - coalesce(self_produced, 0)) > 1e-9, true)
        or coalesce(nullif(sent, 0), nullif(self_produced, 0)) is null

    union all

    select
        'exported' as carbon_kind,
        item_code,
        {{ column }},
        'exported' as scope,
        sent as activity,
        unit as activity_unit,
        0 - co2e_sent_t as co2e_t,
        'factor' as method_code,
        co2e_factor_id as factor_id,
        factor_verification_status as verification_status,
        measured_share,
        state,
        enterprises
    from consumption
    where co2e_scope = 'scope_2' and abs(sent) > 1e-9

    union all

    select
        carbon_kind,
        item_code,
        {{ column }},
        scope,
        sum(activity) as activity,
        max(activity_unit) as activity_unit,
        case when count(co2e_t) = count(*) then sum(co2e_t) end as co2e_t,
        max(method_code) as method_code,
        {{ distinct_texts('factor_id') }} as factor_id,
        {{ weakest_verification('verification_status') }} as verification_status,
        sum(activity * measured_share) / nullif(sum(activity), 0) as measured_share,
        {{ weakest_state('state') }} as state,
        count(distinct enterprise_id) as enterprises
    from processes
    group by carbon_kind, item_code, {{ column }}, scope
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        carbon_kind,
        item_code,
        {{ column }},
        scope,
        activity,
        activity_unit,
        co2e_t,
        method_code,
        factor_id,
        verification_status,
        {{ share_or_null('measured_share') }} as measured_share,
        case when co2e_t is null then 'missing' else state end as state,
        cast(enterprises as bigint) as enterprises
    from every_row
)

select * from final
{%- endmacro %}
