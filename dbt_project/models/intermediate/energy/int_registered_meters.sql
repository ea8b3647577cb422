{#- Which meters should have spoken: channels of consumption items at points that are no check or virtual meter. -#}
with

channels as (
    select * from {{ ref('int_channels') }}
),

items as (
    select distinct item_code from {{ ref('int_consumption_items') }}
),

owners as (
    select * from {{ ref('int_point_owners') }}
),

shared as (
    select distinct source_id from {{ ref('int_allocations') }}
    where source_kind = 'point'
),

sub_meters as (
    select distinct point_id from {{ ref('int_meter_links') }}
    where role = 'sub'
),

passive as (
    select distinct point_id from {{ ref('int_meter_links') }}
    where role in ('check', 'virtual')
),

final as (
    select
        channels.point_id,
        channels.parameter_code as item_code,
        coalesce(owners.enterprise_id, '-') as enterprise_id,
        owners.process_id,
        channels.point_id not in (select point_id from sub_meters) as is_billing,
        greatest(channels.valid_from, owners.valid_from) as valid_from,
        least(channels.valid_to, owners.valid_to) as valid_to
    from channels
    inner join items on channels.parameter_code = items.item_code
    inner join owners
        on channels.point_id = owners.point_id
            and channels.valid_from < owners.valid_to
            and owners.valid_from < channels.valid_to
    where channels.point_id not in (select point_id from passive)
        -- a shared meter is expected of those that share it, and counted with what it delivered
        and channels.point_id not in (select source_id from shared)
)

select * from final
