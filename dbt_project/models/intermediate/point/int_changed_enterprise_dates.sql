{#-
    What changes mean at the level of enterprises and the park: whomever a changed point concerns, and what the ledger says of
    everything else. int_touched_enterprise_dates adds what follows from them. Register rows are read with their superseded versions,
    as in int_point_reach. `-` stands for points of the park itself, which belong to no enterprise; models of entity park take the
    dates alone.
-#}
{{ config(materialized='table') }}

{%- set lowest = lowest_watermark() %}

with

point_dates as (
    select * from {{ ref('int_touched_point_dates') }}
),

point_reach as (
    select * from {{ ref('int_point_reach') }}
),

changes as (
    select
        entity_kind,
        entity_id,
        date_from,
        date_to,
        change_seq
    from {{ source('landing', 'touched') }}
    {%- if lowest is none %}
    where 1 = 0
    {%- else %}
    where change_seq > {{ lowest }} and change_seq <= {{ through_change_seq() }}
    {%- endif %}
),

-- entities other than points, with everybody they concern or concerned
concerned as (
    select
        'enterprise' as entity_kind,
        enterprise_id as entity_id,
        enterprise_id,
        cast('0001-01-01' as date) as valid_from,
        cast('9999-12-31' as date) as valid_to
    from {{ source('landing', 'enterprise') }}
    union
    select
        'process' as entity_kind,
        process_id as entity_id,
        enterprise_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ source('landing', 'process') }}
    union
    select
        'product' as entity_kind,
        product_code as entity_id,
        enterprise_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ source('landing', 'product') }}
    union
    select
        'outlet' as entity_kind,
        outlet_id as entity_id,
        enterprise_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ source('landing', 'outlet') }}
    union
    select
        'outlet' as entity_kind,
        outlet_id as entity_id,
        receiving_enterprise_id as enterprise_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ source('landing', 'outlet') }}
    where receiving_enterprise_id is not null
    union
    select
        'outlet' as entity_kind,
        source_id as entity_id,
        enterprise_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ source('landing', 'allocation') }}
    where source_kind = 'outlet'
),

everyone as (
    select enterprise_id from concerned
    union
    select '-' as enterprise_id
),

ranges as (
    select
        concerned.enterprise_id,
        greatest(changes.date_from, concerned.valid_from) as date_from,
        least(changes.date_to, concerned.valid_to) as date_to,
        changes.change_seq
    from changes
    inner join concerned
        on changes.entity_kind = concerned.entity_kind and changes.entity_id = concerned.entity_id
    union all
    -- an enterprise of which no register row ever came is still named by what it reported
    select
        entity_id as enterprise_id,
        date_from,
        date_to,
        change_seq
    from changes
    where entity_kind = 'enterprise'
    union all
    select
        everyone.enterprise_id,
        changes.date_from,
        changes.date_to,
        changes.change_seq
    from changes
    cross join everyone
    where changes.entity_kind = 'park'
),

days as (
    select local_date from {{ ref('int_local_days') }}
),

every_date as (
    select
        ranges.enterprise_id,
        days.local_date,
        ranges.change_seq
    from ranges
    inner join days on days.local_date between ranges.date_from and ranges.date_to
    union all
    select
        point_reach.enterprise_id,
        point_dates.local_date,
        point_dates.change_seq
    from point_dates
    inner join point_reach
        on point_dates.point_id = point_reach.point_id
            and point_dates.local_date >= point_reach.valid_from
            and point_dates.local_date < point_reach.valid_to
    union all
    select
        enterprise_id,
        local_date,
        change_seq
    from {{ ref('int_sampled_dates') }}
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
