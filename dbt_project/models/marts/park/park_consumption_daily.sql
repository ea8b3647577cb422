{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'park'}},
) }}

with

memberships as (
    select * from {{ ref('int_memberships_and_park') }}
),

members as (
    select
        consumption.*,
        {{ gross_columns('consumption.') }}
    from {{ ref('enterprise_consumption_daily') }} as consumption
    inner join memberships
        on consumption.enterprise_id = memberships.enterprise_id and {{ holds_on('memberships', 'consumption.local_date') }}
    where consumption.process_id is null and {{ touched_filter('park', 'consumption') }}
),

transfers as (
    select * from {{ ref('int_internal_transfers_daily') }}
    where {{ touched_filter('park') }}
),

{{ park_consumption_from('members', 'transfers', 'local_date') }},

final as (
    {{ published_park_consumption('without_transfers', 'local_date') }}
)

select * from final
