{#-
    From metered quantities to what enterprises took in and gave away: the metering tree, shared meters, deliveries.

    One home for the rules, because a day's quantities and the bills that are longer than a day follow the same ones:

    * Only billing meters (and meters without a place in any tree) add up to an enterprise's whole. Sub-meters split what their
      parent counted: the child's quantity goes to its process, the parent's process (mostly none) keeps the remainder,
      and what no process explains stays visible. A child whose parent is silent is not used.
    * Check meters add nothing and split nothing. A virtual meter with a formula counts what its terms count; with a
      share and no formula, that share of its parent.
    * A shared meter is divided by the register's shares; the result is estimated.
    * What a point delivers to another enterprise is `sent` by its owner and `received` by the other. The receiver's own meter says
      how much arrived, where the link names it (target point) or the receiver has one that counts `received`; else the sender's does.
      The same item bought from outside through another meter stays `purchased`.

    `quantities` is a relation of point_id, item_code, unit, grain, local_date (the day whose registers hold),
    quantity, its four provenances, hours_covered, hours_expected. The result is one row per enterprise, process, item, grain,
    date, part, point and counterparty; a child stands twice, for its process and, negative, for its parent's. `is_root` marks
    what makes up the whole, `is_divided` what makes up the remainders of divided meters: their own rows and the negative ones.
-#}
{% macro meter_flows(quantities) -%}
{%- set amounts = ['quantity', 'measured_quantity', 'substituted_quantity', 'estimated_quantity', 'self_reported_quantity'] -%}
{%- set depths = [1, 2, 3] -%}
owners as (
    select * from {{ ref('int_point_owners') }}
),

channels as (
    select * from {{ ref('int_channels') }}
),

meter_links as (
    select * from {{ ref('int_meter_links') }}
),

virtual_meters as (
    select
        terms.point_id,
        counted.item_code,
        counted.unit,
        counted.grain,
        counted.local_date,
        {%- for amount in amounts %}
        sum(terms.sign * counted.{{ amount }}) as {{ amount }},
        {%- endfor %}
        min(counted.hours_covered) as hours_covered,
        max(counted.hours_expected) as hours_expected
    from {{ quantities }} as counted
    inner join {{ ref('int_virtual_meter_terms') }} as terms
        on counted.point_id = terms.term_point_id and {{ holds_on('terms', 'counted.local_date') }}
    group by terms.point_id, counted.item_code, counted.unit, counted.grain, counted.local_date
    -- a sum without one of its terms is another sum
    having count(*) = max(terms.terms) and count(counted.quantity) = max(terms.terms)
),

shares_of_parent as (
    select
        meter_links.point_id,
        counted.item_code,
        counted.unit,
        counted.grain,
        counted.local_date,
        counted.quantity * meter_links.share as quantity,
        cast(0 as double) as measured_quantity,
        cast(0 as double) as substituted_quantity,
        counted.quantity * meter_links.share as estimated_quantity,
        cast(0 as double) as self_reported_quantity,
        counted.hours_covered,
        counted.hours_expected
    from {{ quantities }} as counted
    inner join meter_links
        on counted.point_id = meter_links.parent_point_id and {{ holds_on('meter_links', 'counted.local_date') }}
    where meter_links.role = 'virtual' and meter_links.formula is null and meter_links.share is not null
),

counted as (
    {%- for relation in [quantities, 'virtual_meters', 'shares_of_parent'] %}
    select
        point_id,
        item_code,
        unit,
        grain,
        local_date,
        {%- for amount in amounts %}
        {{ amount }},
        {%- endfor %}
        hours_covered,
        hours_expected
    from {{ relation }}
    where quantity is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

meters as (
    select
        counted.*,
        coalesce(owners.enterprise_id, '-') as enterprise_id,
        owners.process_id,
        channels.flow_item
    from counted
    inner join owners
        on counted.point_id = owners.point_id and {{ holds_on('owners', 'counted.local_date') }}
    left join channels
        on counted.point_id = channels.point_id and counted.item_code = channels.parameter_code
            and {{ holds_on('channels', 'counted.local_date') }}
),

level_0 as (
    select
        meters.*,
        meters.point_id as root_point_id,
        meters.enterprise_id as root_enterprise_id
    from meters
    -- what has any place in a tree other than billing is somebody's part, check or computation
    where not exists (
        select 1 from meter_links
        where meter_links.point_id = meters.point_id and meter_links.role <> 'billing'
            and {{ holds_on('meter_links', 'meters.local_date') }}
    )
),

{%- for depth in depths %}

level_{{ depth }} as (
    select
        meters.point_id,
        meters.item_code,
        meters.unit,
        meters.grain,
        meters.local_date,
        {%- for amount in amounts %}
        meters.{{ amount }} * case when meter_links.role = 'sub' then coalesce(meter_links.share, 1) else 1 end as {{ amount }},
        {%- endfor %}
        meters.hours_covered,
        meters.hours_expected,
        meters.enterprise_id,
        meters.process_id,
        meters.flow_item,
        parents.root_point_id,
        parents.root_enterprise_id,
        parents.point_id as parent_point_id,
        parents.process_id as parent_process_id
    from meters
    inner join meter_links
        on meters.point_id = meter_links.point_id and {{ holds_on('meter_links', 'meters.local_date') }}
    inner join level_{{ depth - 1 }} as parents
        on meter_links.parent_point_id = parents.point_id
            and meters.item_code = parents.item_code
            and meters.grain = parents.grain
            and meters.local_date = parents.local_date
    -- another enterprise behind this one's meter is a delivery and stands in flow_link
    where meter_links.role in ('sub', 'virtual') and meters.enterprise_id = parents.root_enterprise_id
),
{%- endfor %}

allocations as (
    select * from {{ ref('int_allocations') }}
    where source_kind = 'point'
),

billing as (
    select
        level_0.point_id,
        level_0.item_code,
        level_0.unit,
        level_0.grain,
        level_0.local_date,
        coalesce(allocations.enterprise_id, level_0.enterprise_id) as enterprise_id,
        case when allocations.source_id is null then level_0.process_id end as process_id,
        level_0.flow_item,
        level_0.quantity * coalesce(allocations.share, 1) as quantity,
        case when allocations.source_id is null then level_0.measured_quantity else 0 end as measured_quantity,
        case when allocations.source_id is null then level_0.substituted_quantity else 0 end as substituted_quantity,
        case when allocations.source_id is null then level_0.estimated_quantity else level_0.quantity * allocations.share end
            as estimated_quantity,
        case when allocations.source_id is null then level_0.self_reported_quantity else 0 end as self_reported_quantity,
        level_0.hours_covered,
        level_0.hours_expected,
        allocations.source_id is not null as is_shared
    from level_0
    left join allocations
        on level_0.point_id = allocations.source_id and {{ holds_on('allocations', 'level_0.local_date') }}
),

flow_links as (
    select * from {{ ref('int_flow_links') }}
),

-- what leaves through a linked point, evenly to its receivers where it has several: the register knows no shares of a flow
deliveries as (
    select
        billing.*,
        flow_links.receiver_id,
        flow_links.receiving_point_id,
        flow_links.receiving_process_id,
        count(*) over (
            partition by billing.point_id, billing.enterprise_id, billing.item_code, billing.grain, billing.local_date
        ) as receivers
    from billing
    inner join flow_links
        on billing.point_id = flow_links.point_id
            and billing.item_code = flow_links.item_code
            and {{ holds_on('flow_links', 'billing.local_date') }}
    where flow_links.receiver_id <> billing.enterprise_id
),

-- the receivers' own meters, each booked against the deliveries it counts
receipts as (
    select
        billing.*,
        deliveries.enterprise_id as sender_id,
        deliveries.point_id as sending_point_id,
        deliveries.quantity / deliveries.receivers as delivered,
        sum(deliveries.quantity / deliveries.receivers) over (
            partition by billing.point_id, billing.enterprise_id, billing.item_code, billing.grain, billing.local_date
        ) as delivered_in_all,
        count(*) over (
            partition by billing.point_id, billing.enterprise_id, billing.item_code, billing.grain, billing.local_date
        ) as senders
    from billing
    inner join deliveries
        on billing.enterprise_id = deliveries.receiver_id
            and billing.item_code = deliveries.item_code
            and billing.grain = deliveries.grain
            and billing.local_date = deliveries.local_date
            and (
                billing.point_id = deliveries.receiving_point_id
                or (deliveries.receiving_point_id is null and billing.flow_item = 'received')
            )
),

flows as (
    -- neither sent on nor received from a neighbour
    select
        enterprise_id,
        process_id,
        item_code,
        unit,
        grain,
        local_date,
        coalesce(flow_item, 'purchased') as part,
        point_id,
        cast(null as varchar) as counterparty_id,
        cast(null as varchar) as delivery_point_id,
        {%- for amount in amounts %}
        {{ amount }},
        {%- endfor %}
        cast(1 as double) as meters,
        hours_covered as meter_hours,
        hours_expected
    from billing
    where not exists (
            select 1 from deliveries
            where deliveries.point_id = billing.point_id and deliveries.enterprise_id = billing.enterprise_id
                and deliveries.item_code = billing.item_code and deliveries.grain = billing.grain
                and deliveries.local_date = billing.local_date
        )
        and not exists (
            select 1 from receipts
            where receipts.point_id = billing.point_id and receipts.enterprise_id = billing.enterprise_id
                and receipts.item_code = billing.item_code and receipts.grain = billing.grain
                and receipts.local_date = billing.local_date
        )

    union all

    select
        enterprise_id,
        process_id,
        item_code,
        unit,
        grain,
        local_date,
        'sent' as part,
        point_id,
        receiver_id as counterparty_id,
        point_id as delivery_point_id,
        {{ divided_evenly(amounts, 'receivers') }},
        cast(1 as double) / receivers as meters,
        hours_covered / receivers as meter_hours,
        hours_expected
    from deliveries

    union all

    select
        enterprise_id,
        process_id,
        item_code,
        unit,
        grain,
        local_date,
        'received' as part,
        point_id,
        sender_id as counterparty_id,
        sending_point_id as delivery_point_id,
        {%- for amount in amounts %}
        {{ amount }} * {{ delivered_share() }} as {{ amount }},
        {%- endfor %}
        {{ delivered_share() }} as meters,
        hours_covered * {{ delivered_share() }} as meter_hours,
        hours_expected
    from receipts

    union all

    -- a receiver without a meter of its own takes the sender's word
    select
        receiver_id as enterprise_id,
        receiving_process_id as process_id,
        item_code,
        unit,
        grain,
        local_date,
        'received' as part,
        point_id,
        enterprise_id as counterparty_id,
        point_id as delivery_point_id,
        {{ divided_evenly(amounts, 'receivers') }},
        cast(1 as double) / receivers as meters,
        hours_covered / receivers as meter_hours,
        hours_expected
    from deliveries
    where not exists (
        select 1 from receipts
        where receipts.enterprise_id = deliveries.receiver_id and receipts.sending_point_id = deliveries.point_id
            and receipts.sender_id = deliveries.enterprise_id
            and receipts.item_code = deliveries.item_code and receipts.grain = deliveries.grain
            and receipts.local_date = deliveries.local_date
    )
),

-- a part of the whole keeps the part of consumption that the whole is
roots as (
    select distinct
        point_id,
        enterprise_id,
        item_code,
        grain,
        local_date,
        part
    from flows
),

shared_points as (
    select distinct
        point_id,
        grain,
        local_date
    from billing
    where is_shared
),

children as (
    {%- for depth in depths %}
    select * from level_{{ depth }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

splits as (
    select
        children.*,
        roots.part
    from children
    inner join roots
        on children.root_point_id = roots.point_id
            and children.root_enterprise_id = roots.enterprise_id
            and children.item_code = roots.item_code
            and children.grain = roots.grain
            and children.local_date = roots.local_date
    -- what is divided among several enterprises cannot be divided among one's processes
    where not exists (
        select 1 from shared_points
        where shared_points.point_id = children.root_point_id and shared_points.grain = children.grain
            and shared_points.local_date = children.local_date
    )
),

divided as (
    select distinct
        parent_point_id as point_id,
        root_enterprise_id as enterprise_id,
        item_code,
        grain,
        local_date
    from splits
),

whole_flows as (
    select
        enterprise_id,
        process_id,
        item_code,
        unit,
        grain,
        local_date,
        part,
        point_id,
        counterparty_id,
        delivery_point_id,
        {%- for amount in amounts %}
        {{ amount }},
        {%- endfor %}
        meters,
        meter_hours,
        hours_expected,
        true as is_root
    from flows

    union all

    select
        enterprise_id,
        process_id,
        item_code,
        unit,
        grain,
        local_date,
        part,
        point_id,
        cast(null as varchar) as counterparty_id,
        cast(null as varchar) as delivery_point_id,
        {%- for amount in amounts %}
        {{ amount }},
        {%- endfor %}
        cast(1 as double) as meters,
        hours_covered as meter_hours,
        hours_expected,
        false as is_root
    from splits
),

every_flow as (
    select
        whole_flows.*,
        divided.point_id is not null as is_divided
    from whole_flows
    left join divided
        on whole_flows.point_id = divided.point_id
            and whole_flows.enterprise_id = divided.enterprise_id
            and whole_flows.item_code = divided.item_code
            and whole_flows.grain = divided.grain
            and whole_flows.local_date = divided.local_date

    union all

    select
        root_enterprise_id as enterprise_id,
        parent_process_id as process_id,
        item_code,
        unit,
        grain,
        local_date,
        part,
        point_id,
        cast(null as varchar) as counterparty_id,
        cast(null as varchar) as delivery_point_id,
        {%- for amount in amounts %}
        {#- not a minus sign: of zero it makes a minus zero, which two builds may store differently #}
        0 - {{ amount }} as {{ amount }},
        {%- endfor %}
        cast(0 as double) as meters,
        cast(0 as double) as meter_hours,
        hours_expected,
        false as is_root,
        true as is_divided
    from splits
)
{%- endmacro %}

{#- What goes to several receivers in equal parts, and is estimated as soon as there are two. -#}
{% macro divided_evenly(amounts, receivers) -%}
quantity / {{ receivers }} as quantity,
        case when {{ receivers }} = 1 then measured_quantity else 0 end as measured_quantity,
        case when {{ receivers }} = 1 then substituted_quantity else 0 end as substituted_quantity,
        case when {{ receivers }} = 1 then estimated_quantity else quantity / {{ receivers }} end as estimated_quantity,
        case when {{ receivers }} = 1 then self_reported_quantity else 0 end as self_reported_quantity
{%- endmacro %}

{#- Share of a receiver's meter that one of its senders filled; even where all of them stood still. -#}
{% macro delivered_share() -%}
coalesce(delivered / nullif(delivered_in_all, 0), cast(1 as double) / senders)
{%- endmacro %}
