{#-
    The channels whose absence is worth a row. A channel that has delivered is known with its statistics and source kinds;
    one that stands in the register and has never delivered anything appears with `-` for both. Steps longer than a
    day owe nothing daily.
-#}
with

delivered as (
    select distinct
        point_id,
        parameter_code,
        statistic,
        source_kind
    from {{ ref('point_daily') }}
),

registered as (
    select * from {{ ref('int_channels') }}
),

owners as (
    select * from {{ ref('int_point_owners') }}
),

silent as (
    select distinct
        registered.point_id,
        registered.parameter_code,
        '-' as statistic,
        '-' as source_kind
    from registered
    left join delivered
        on registered.point_id = delivered.point_id and registered.parameter_code = delivered.parameter_code
    where delivered.point_id is null
),

known as (
    select * from delivered
    union all
    select * from silent
),

-- where the register has no row for a channel at all, the point's own service counts
unregistered as (
    select distinct
        known.point_id,
        known.parameter_code
    from known
    left join registered
        on known.point_id = registered.point_id and known.parameter_code = registered.parameter_code
    where registered.point_id is null
),

service as (
    select
        point_id,
        parameter_code,
        step_minutes,
        valid_from,
        valid_to
    from registered
    union all
    select
        point_id,
        parameter_code,
        cast(null as bigint) as step_minutes,
        cast('0001-01-01' as date) as valid_from,
        cast('9999-12-31' as date) as valid_to
    from unregistered
),

final as (
    select
        known.point_id,
        known.parameter_code,
        known.statistic,
        known.source_kind,
        service.step_minutes,
        greatest(service.valid_from, owners.valid_from) as valid_from,
        least(service.valid_to, owners.valid_to) as valid_to
    from known
    inner join service
        on known.point_id = service.point_id and known.parameter_code = service.parameter_code
    inner join owners
        on known.point_id = owners.point_id
            and service.valid_from < owners.valid_to
            and owners.valid_from < service.valid_to
    where coalesce(service.step_minutes, 0) <= 1440
)

select * from final
