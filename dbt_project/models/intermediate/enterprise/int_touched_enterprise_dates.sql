{#-
    What must be rebuilt at the level of enterprises and the park: the dates of changes, and those whose substituted masses are no
    longer what they were, because a capture rate or a look-back window has changed meanwhile.
-#}
{{ config(materialized='table') }}

{%- set lowest = lowest_watermark() %}

with

changed as (
    select * from {{ ref('int_changed_enterprise_dates') }}
),

restated as (
    select distinct
        outlet_id,
        local_date,
        change_seq
    from {{ ref('int_substitutions') }}
    {%- if lowest is none %}
    where 1 = 0
    {%- else %}
    where change_seq > {{ lowest }} and change_seq <= {{ through_change_seq() }}
    {%- endif %}
),

outlets as (
    select * from {{ ref('int_outlets') }}
),

-- who has the outlet, who takes its water, who bears a share
concerned as (
    select
        outlet_id,
        enterprise_id,
        valid_from,
        valid_to
    from outlets
    union all
    select
        outlet_id,
        receiving_enterprise_id as enterprise_id,
        valid_from,
        valid_to
    from outlets
    where receiving_enterprise_id is not null
    union all
    select
        source_id as outlet_id,
        enterprise_id,
        valid_from,
        valid_to
    from {{ ref('int_allocations') }}
    where source_kind = 'outlet'
),

every_date as (
    select
        enterprise_id,
        local_date,
        change_seq
    from changed
    union all
    select
        concerned.enterprise_id,
        restated.local_date,
        restated.change_seq
    from restated
    inner join concerned
        on restated.outlet_id = concerned.outlet_id and {{ holds_on('concerned', 'restated.local_date') }}
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
