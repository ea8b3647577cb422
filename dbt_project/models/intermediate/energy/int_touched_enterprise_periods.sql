{#-
    What must be rebuilt at months and longer. A quantity that is longer than a day reaches into dates on which nothing
    changed: a late reading of a register alters the stretch before it and the one after it, and with them every month they cross.
    Whoever buys power, heat or gas of a neighbour carries the carbon that this one burnt for it in the month. And what one hands
    to another as waste stays inside the park only while both belong to it.
-#}
{{ config(materialized='table') }}

with

point_dates as (
    select * from {{ ref('int_touched_point_dates') }}
    where is_measurement_change
),

register_days as (
    select
        point_id,
        local_date,
        lead(local_date) over (partition by point_id, parameter_code, source_kind order by local_date) as next_date
    from {{ ref('int_register_days') }}
    where point_id in (select point_id from point_dates)
),

reaches as (
    select
        point_dates.point_id,
        point_dates.local_date as first_date,
        register_days.next_date as last_date,
        point_dates.change_seq
    from point_dates
    inner join register_days
        on point_dates.point_id = register_days.point_id and point_dates.local_date = register_days.local_date
    where register_days.next_date > {{ days_after('register_days.local_date', 1) }}
    union all
    -- also a day inside a bill: the meter's own days go before the bill
    select
        point_dates.point_id,
        bills.local_date as first_date,
        bills.last_date,
        point_dates.change_seq
    from point_dates
    inner join {{ ref('int_bill_days') }} as bills
        on point_dates.point_id = bills.point_id
            and point_dates.local_date >= bills.local_date
            and point_dates.local_date <= bills.last_date
),

reached_dates as (
    select
        point_reach.enterprise_id,
        days.local_date,
        reaches.change_seq
    from reaches
    inner join {{ ref('int_local_days') }} as days on days.local_date between reaches.first_date and reaches.last_date
    inner join {{ ref('int_point_reach') }} as point_reach
        on reaches.point_id = point_reach.point_id
            and days.local_date >= point_reach.valid_from
            and days.local_date < point_reach.valid_to
),

own_dates as (
    select
        enterprise_id,
        local_date,
        change_seq
    from {{ ref('int_touched_enterprise_dates') }}
    union all
    select
        enterprise_id,
        local_date,
        change_seq
    from reached_dates
),

-- superseded links, owners and shares too; a superset is harmless, a gap is not
suppliers as (
    select
        point_id,
        coalesce(enterprise_id, '-') as enterprise_id
    from {{ source('landing', 'point') }}
    union
    select
        source_id as point_id,
        enterprise_id
    from {{ source('landing', 'allocation') }}
    where source_kind = 'point'
),

deliveries as (
    select distinct
        suppliers.enterprise_id as supplier_id,
        case flow_links.target_kind when 'enterprise' then flow_links.target_id else coalesce(receivers.enterprise_id, '-') end as receiver_id
    from {{ source('landing', 'flow_link') }} as flow_links
    inner join suppliers on flow_links.point_id = suppliers.point_id
    left join {{ source('landing', 'point') }} as receivers
        on flow_links.target_kind = 'point' and flow_links.target_id = receivers.point_id
),

-- both ends of a manifest, each with the date of its own line
waste_ends as (
    select
        manifest_id,
        line_id,
        enterprise_id,
        moved_on as local_date
    from {{ source('landing', 'waste_movement') }}
    union
    select
        manifest_id,
        line_id,
        receiver_id as enterprise_id,
        moved_on as local_date
    from {{ source('landing', 'waste_movement') }}
    where receiver_id is not null
),

handovers as (
    select distinct
        ours.enterprise_id,
        ours.local_date,
        theirs.enterprise_id as partner_id,
        theirs.local_date as partner_date
    from waste_ends as ours
    inner join waste_ends as theirs
        on ours.manifest_id = theirs.manifest_id
            and ours.line_id = theirs.line_id
            and ours.enterprise_id <> theirs.enterprise_id
),

every_date as (
    select * from own_dates
    union all
    select
        handovers.partner_id as enterprise_id,
        handovers.partner_date as local_date,
        own_dates.change_seq
    from own_dates
    inner join handovers
        on own_dates.enterprise_id = handovers.enterprise_id and own_dates.local_date = handovers.local_date
    union all
    select
        deliveries.receiver_id as enterprise_id,
        own_dates.local_date,
        own_dates.change_seq
    from own_dates
    inner join deliveries
        on own_dates.enterprise_id = deliveries.supplier_id and deliveries.receiver_id <> deliveries.supplier_id
),

final as (
    select
        enterprise_id,
        local_date,
        max(change_seq) as change_seq
    from every_date
    group by enterprise_id, local_date
)

select * from final
