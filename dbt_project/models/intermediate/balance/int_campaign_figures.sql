{#-
    What was measured in a campaign: sums of its days, and sums of the batches that began in it. A batch is counted whole, also where it
    ran on past the campaign's last day: batches are a window of their own, and no calendar cuts them.
-#}
{%- set parts = consumption_parts().keys() | list %}
with

campaigns as (
    select * from {{ ref('int_balance_campaigns') }}
),

owners as (
    select * from {{ ref('int_point_owners') }}
),

parameters as (
    select
        *,
        {{ validity_end('parameter_code') }} as holds_to
    from {{ ref('stg_parameters') }}
),

channels as (
    select * from {{ ref('int_channels') }}
),

-- points of whom the campaign is about, at its beginning
points as (
    select
        campaigns.campaign_id,
        campaigns.starts_on,
        campaigns.ends_on,
        owners.point_id,
        owners.outlet_id,
        owners.process_id as point_process_id,
        campaigns.process_id
    from campaigns
    inner join owners
        on campaigns.enterprise_id = owners.enterprise_id
            and {{ holds_on('owners', 'campaigns.starts_on') }}
            and (campaigns.process_id is null or campaigns.process_id = owners.process_id)
),

consumption as (
    select
        campaigns.campaign_id,
        days.item_code,
        days.item_kind,
        days.unit,
        {{ sums_of(parts + ['quantity'], 'days.') }},
        {%- for provenance in provenances() %}
        sum(days.{{ provenance }}_share * days.gross_quantity) / nullif(sum(days.gross_quantity), 0) as {{ provenance }}_share,
        {%- endfor %}
        count(distinct days.local_date) as days_known
    from campaigns
    inner join {{ ref('enterprise_consumption_daily') }} as days
        on campaigns.enterprise_id = days.enterprise_id
            and campaigns.process_id is not distinct from days.process_id
            and days.local_date >= campaigns.starts_on
            and days.local_date < campaigns.ends_on
    group by campaigns.campaign_id, days.item_code, days.item_kind, days.unit
),

process_use as (
    select
        campaigns.campaign_id,
        days.item_code,
        days.item_kind,
        days.unit,
        sum(days.quantity) as quantity,
        {%- for provenance in provenances() %}
        sum(days.{{ provenance }}_share * days.gross_quantity) / nullif(sum(days.gross_quantity), 0) as {{ provenance }}_share,
        {%- endfor %}
        count(distinct days.local_date) as days_known
    from campaigns
    inner join {{ ref('enterprise_consumption_daily') }} as days
        on campaigns.enterprise_id = days.enterprise_id
            and days.process_id is not null
            and days.local_date >= campaigns.starts_on
            and days.local_date < campaigns.ends_on
    where campaigns.process_id is null
    group by campaigns.campaign_id, days.item_code, days.item_kind, days.unit
),

-- of an enterprise the outlets that count in its total, of a process those at which one of its points measures
outlet_days as (
    select
        campaigns.campaign_id,
        days.*
    from campaigns
    inner join {{ ref('enterprise_emission_daily') }} as days
        on campaigns.enterprise_id = days.enterprise_id
            and days.local_date >= campaigns.starts_on
            and days.local_date < campaigns.ends_on
    where (campaigns.process_id is null and days.counts_in_enterprise_total)
        or exists (
            select 1 from points
            where points.campaign_id = campaigns.campaign_id and points.process_id is not null and points.outlet_id = days.outlet_id
        )
),

-- the flow of an outlet stands beside each of its pollutants
flow_days as (
    select
        campaign_id,
        outlet_id,
        local_date,
        max(flow_m3) as flow_m3
    from outlet_days
    where medium = 'water' and flow_m3 is not null
    group by campaign_id, outlet_id, local_date
),

flows as (
    select
        campaign_id,
        sum(flow_m3) as quantity,
        count(distinct local_date) as days_known
    from flow_days
    group by campaign_id
),

emissions as (
    select
        campaign_id,
        medium,
        pollutant_code as item_code,
        sum(mass_kg) as quantity,
        {%- for provenance in provenances() %}
        sum({{ provenance }}_kg) / nullif(sum(mass_kg), 0) as {{ provenance }}_share,
        {%- endfor %}
        count(distinct local_date) as days_known
    from outlet_days
    where mass_kg is not null
    group by campaign_id, medium, pollutant_code
),

-- what the register counts as output, waste or material, by day
point_days as (
    select
        points.campaign_id,
        days.parameter_code as item_code,
        case when parameters.medium = 'product' then 'product' else parameters.kind end as item_kind,
        days.unit,
        sum(days.quantity) as quantity,
        {%- for provenance in provenances() %}
        sum(days.{{ provenance }}_quantity) / nullif(sum(days.quantity), 0) as {{ provenance }}_share,
        {%- endfor %}
        count(distinct days.local_date) as days_known
    from points
    inner join {{ ref('int_point_quantity_daily') }} as days
        on points.point_id = days.point_id and days.local_date >= points.starts_on and days.local_date < points.ends_on
    inner join parameters
        on days.parameter_code = parameters.parameter_code
            and days.local_date >= parameters.valid_from and days.local_date < parameters.holds_to
    where parameters.medium = 'product' or parameters.kind = 'waste'
    group by
        points.campaign_id,
        days.parameter_code,
        case when parameters.medium = 'product' then 'product' else parameters.kind end,
        days.unit
),

batch_readings as (
    select
        readings.*,
        {{ is_usable('readings.') }} as is_usable
    from {{ ref('stg_readings') }} as readings
    where readings.batch_id is not null and {{ is_total('readings.') }}
),

-- by one way each: what came by itself before what was typed in
batch_totals as (
    select
        point_id,
        parameter_code,
        batch_id,
        source_kind,
        min(local_date) as begins_on,
        sum(value) as quantity,
        {%- for provenance in provenances() %}
        sum(case when state = '{{ provenance }}' then abs(value) else 0 end) as {{ provenance }}_gross,
        {%- endfor %}
        max(unit) as unit,
        row_number() over (
            partition by point_id, parameter_code, batch_id
            order by case source_kind when 'automatic' then 1 when 'platform_copy' then 2 when 'manual_lab' then 3 else 4 end
        ) as way_rank
    from batch_readings
    where is_usable
    group by point_id, parameter_code, batch_id, source_kind
),

batches as (
    select
        points.campaign_id,
        batch_totals.batch_id,
        batch_totals.parameter_code as item_code,
        case when parameters.medium = 'product' then 'product' else parameters.kind end as item_kind,
        coalesce(channels.flow_item, 'purchased') as flow_item,
        batch_totals.unit,
        batch_totals.quantity * coalesce(channels.multiplier, 1) as quantity,
        {%- for provenance in provenances() %}
        batch_totals.{{ provenance }}_gross * coalesce(channels.multiplier, 1) as {{ provenance }}_gross,
        {%- endfor %}
        batch_totals.begins_on
    from points
    inner join batch_totals
        on points.point_id = batch_totals.point_id
            and batch_totals.begins_on >= points.starts_on
            and batch_totals.begins_on < points.ends_on
    inner join parameters
        on batch_totals.parameter_code = parameters.parameter_code
            and batch_totals.begins_on >= parameters.valid_from and batch_totals.begins_on < parameters.holds_to
    left join channels
        on batch_totals.point_id = channels.point_id and batch_totals.parameter_code = channels.parameter_code
            and {{ holds_on('channels', 'batch_totals.begins_on') }}
    where batch_totals.way_rank = 1
),

batch_sums as (
    select
        campaign_id,
        item_code,
        item_kind,
        flow_item,
        unit,
        sum(quantity) as quantity,
        {%- for provenance in provenances() %}
        sum({{ provenance }}_gross) / nullif(sum(abs(quantity)), 0) as {{ provenance }}_share,
        {%- endfor %}
        count(distinct batch_id) as batches
    from batches
    group by campaign_id, item_code, item_kind, flow_item, unit
),

every_figure as (
    {%- for part in parts + ['quantity'] %}
    select
        campaign_id,
        'consumption' as source,
        item_code,
        item_kind,
        '{{ part }}' as measure,
        unit,
        {{ part }} as quantity,
        {%- for provenance in provenances() %}
        {{ provenance }}_share,
        {%- endfor %}
        'days' as basis,
        days_known as counted
    from consumption
    where {{ part }} is not null
    union all
    {%- endfor %}
    select
        campaign_id,
        'process_use' as source,
        item_code,
        item_kind,
        'quantity' as measure,
        unit,
        quantity,
        {%- for provenance in provenances() %}
        {{ provenance }}_share,
        {%- endfor %}
        'days' as basis,
        days_known as counted
    from process_use
    where quantity is not null
    union all
    select
        campaign_id,
        'outlet_flow' as source,
        'w00000' as item_code,
        'process' as item_kind,
        'flow_m3' as measure,
        'm3' as unit,
        quantity,
        cast(1 as double) as measured_share,
        cast(0 as double) as substituted_share,
        cast(0 as double) as estimated_share,
        cast(0 as double) as self_reported_share,
        'days' as basis,
        days_known as counted
    from flows
    union all
    select
        campaign_id,
        'emission_' || medium as source,
        item_code,
        'pollutant' as item_kind,
        'mass_kg' as measure,
        'kg' as unit,
        quantity,
        {%- for provenance in provenances() %}
        {{ provenance }}_share,
        {%- endfor %}
        'days' as basis,
        days_known as counted
    from emissions
    union all
    select
        campaign_id,
        case item_kind when 'product' then 'production' else 'waste' end as source,
        item_code,
        item_kind,
        case item_kind when 'product' then 'quantity' else 'generated' end as measure,
        unit,
        quantity,
        {%- for provenance in provenances() %}
        {{ provenance }}_share,
        {%- endfor %}
        'days' as basis,
        days_known as counted
    from point_days
    where quantity is not null
    union all
    select
        campaign_id,
        case item_kind when 'product' then 'production' when 'waste' then 'waste' else 'consumption' end as source,
        item_code,
        item_kind,
        case item_kind when 'product' then 'quantity' when 'waste' then 'generated' else flow_item end as measure,
        unit,
        quantity,
        {%- for provenance in provenances() %}
        {{ provenance }}_share,
        {%- endfor %}
        'batches' as basis,
        batches as counted
    from batch_sums
),

final as (
    select
        campaign_id,
        source,
        item_code,
        item_kind,
        measure,
        unit,
        cast(quantity as double) as quantity,
        {%- for provenance in provenances() %}
        cast({{ provenance }}_share as double) as {{ provenance }}_share,
        {%- endfor %}
        basis,
        cast(counted as bigint) as counted
    from every_figure
)

select * from final
