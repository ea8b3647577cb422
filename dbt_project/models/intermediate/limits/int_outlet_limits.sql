{#-
    Every concentration limit that binds an outlet on some day, side by side by layer: its standard's (law or sector), the
    park's own, and its permit's or its enterprise's. A limit in another unit than the pollutant's cannot be held against it and is
    left out here; a test names it.
-#}
with

outlets as (
    select * from {{ ref('int_outlets') }}
),

pollutants as (
    select
        parameter_code,
        max(unit) as unit
    from {{ ref('stg_parameters') }}
    where kind = 'pollutant'
    group by parameter_code
),

layers as (
    select
        standard_id,
        max_by(layer, valid_from) as layer
    from {{ ref('stg_emission_standards') }}
    group by standard_id
),

permits as (
    select
        permit_id,
        subject_kind,
        subject_id,
        parameter_code,
        limit_kind,
        limit_value,
        unit,
        valid_from,
        {{ validity_end('subject_kind, subject_id, parameter_code, limit_kind') }} as valid_to
    from {{ ref('stg_permit_limits') }}
    where limit_kind in ('hourly_concentration', 'daily_concentration')
),

standards as (
    select
        limits.limit_id,
        limits.standard_id,
        -- a standard that nobody has placed is the park's own where its limit is, and general law else
        coalesce(layers.layer, case limits.origin when 'park' then 'park' else 'law' end) as limit_layer,
        limits.medium,
        limits.parameter_code,
        limits.limit_kind,
        limits.limit_value,
        limits.unit,
        limits.source_ref,
        limits.verification_status,
        limits.valid_from,
        coalesce(limits.valid_to, {{ end_of_time() }}) as valid_to
    from {{ ref('stg_limits') }} as limits
    left join layers on limits.standard_id = layers.standard_id
),

from_permits as (
    select
        outlets.outlet_id,
        outlets.enterprise_id,
        outlets.medium,
        permits.parameter_code as pollutant_code,
        permits.limit_kind,
        'permit' as limit_source,
        'enterprise' as limit_layer,
        permits.permit_id as limit_id,
        cast(null as varchar) as standard_id,
        permits.limit_value,
        permits.unit,
        'permit ' || permits.permit_id as source_ref,
        'primary_source' as verification_status,
        permits.valid_from as limit_valid_from,
        permits.valid_to as limit_valid_to,
        greatest(outlets.valid_from, permits.valid_from) as valid_from,
        least(outlets.valid_to, permits.valid_to) as valid_to
    from outlets
    inner join permits
        on permits.subject_id = case permits.subject_kind when 'outlet' then outlets.outlet_id else outlets.enterprise_id end
            and (permits.subject_kind = 'outlet' or outlets.kind <> 'workshop')
            and outlets.valid_from < permits.valid_to
            and permits.valid_from < outlets.valid_to
),

from_standards as (
    select
        outlets.outlet_id,
        outlets.enterprise_id,
        outlets.medium,
        standards.parameter_code as pollutant_code,
        standards.limit_kind,
        'standard' as limit_source,
        standards.limit_layer,
        standards.limit_id,
        standards.standard_id,
        standards.limit_value,
        standards.unit,
        standards.source_ref,
        standards.verification_status,
        standards.valid_from as limit_valid_from,
        standards.valid_to as limit_valid_to,
        greatest(outlets.valid_from, standards.valid_from) as valid_from,
        least(outlets.valid_to, standards.valid_to) as valid_to
    from outlets
    inner join standards
        on (
            outlets.standard_id = standards.standard_id
            or (standards.standard_id = 'park' and outlets.medium = standards.medium and outlets.kind <> 'workshop')
        )
        and outlets.valid_from < standards.valid_to
        and standards.valid_from < outlets.valid_to
),

every_limit as (
    select * from from_permits
    union all
    select * from from_standards
),

final as (
    select every_limit.*
    from every_limit
    inner join pollutants
        on every_limit.pollutant_code = pollutants.parameter_code and every_limit.unit = pollutants.unit
)

select * from final
