{#-
    Pollution equivalents (污染当量数) and the environmental protection tax on them, estimated as the law counts it: by outlet, the pollutants
    with most equivalents first, one of those that stand for each other, less where the month's mean is far below the standard
    and no period of the month was above it. Only what is discharged directly is taxed; masses are those of the method that the tax selects.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='touched',
    meta={'touched': {'entity': 'enterprise', 'period': 'year', 'date': 'month_start_date', 'relation': 'int_touched_enterprise_periods'}},
) }}

{%- set relation = 'int_touched_enterprise_periods' %}

with

equivalents as (
    select
        pollutant_code,
        medium,
        equivalent_class,
        equivalent_kg,
        exclusive_group,
        verification_status,
        valid_from,
        {{ validity_end('pollutant_code, medium, origin') }} as valid_to,
        origin
    from {{ ref('stg_pollution_equivalents') }}
),

every_rule as (
    select * from {{ ref('stg_tax_rules') }}
),

own_rules as (
    select distinct rule_id from every_rule
    where origin = 'park'
),

-- a park's own rule goes before the seed's of the same name
rules as (
    select
        rule_id,
        rule_kind,
        subject_code,
        threshold,
        value,
        verification_status,
        valid_from,
        {{ validity_end('rule_id') }} as valid_to
    from every_rule
    where origin = 'park' or rule_id not in (select rule_id from own_rules)
),

rates as (
    select * from {{ ref('int_tax_rates') }}
),

sectors as (
    select * from {{ ref('int_sectors') }}
),

emissions as (
    select
        enterprise_id,
        outlet_id,
        medium,
        pollutant_code,
        discharge_kind,
        period_start as month_start_date,
        sum(mass_kg) as mass_kg,
        sum(measured_kg) as measured_kg,
        max(concentration_mean) as concentration_mean,
        max(concentration_corrected_mean) as concentration_corrected_mean,
        {{ weakest_state('state') }} as state
    from {{ ref('int_purpose_emission') }}
    where purpose = 'tax' and grain = 'month' and counts_in_enterprise_total and medium in ('air', 'water') and mass_kg is not null
        and {{ touched_filter('enterprise', date='period_start', relation=relation) }}
    group by enterprise_id, outlet_id, medium, pollutant_code, discharge_kind, period_start
),

-- what the concentration is held against: the national or local standard, whatever a permit or a park asks beyond it
standards as (
    select
        enterprise_id,
        outlet_id,
        pollutant_code,
        {{ period_start('local_date', 'month') }} as month_start_date,
        min(limit_value) as limit_value,
        sum(exceeded) as exceeded,
        sum(periods_evaluated) as periods_evaluated,
        {{ weakest_verification('verification_status') }} as verification_status
    from {{ ref('limit_compliance_daily') }}
    where limit_layer in ('law', 'sector')
        and limit_kind = case medium when 'air' then 'hourly_concentration' else 'daily_concentration' end
        and {{ touched_filter('enterprise', relation=relation) }}
    group by enterprise_id, outlet_id, pollutant_code, {{ period_start('local_date', 'month') }}
),

exemptions as (
    select distinct
        sectors.enterprise_id,
        emissions.month_start_date
    from sectors
    inner join emissions
        on sectors.enterprise_id = emissions.enterprise_id and {{ holds_on('sectors', 'emissions.month_start_date') }}
    inner join rules
        on rules.rule_kind = 'exempt_sector'
            and sectors.sector_code like rules.subject_code || '%'
            and {{ holds_on('rules', 'emissions.month_start_date') }}
),

matched as (
    select
        emissions.*,
        equivalents.equivalent_class,
        equivalents.equivalent_kg,
        equivalents.exclusive_group,
        equivalents.verification_status as equivalent_verification,
        emissions.mass_kg / equivalents.equivalent_kg as pollution_equivalents,
        row_number() over (
            partition by
                emissions.enterprise_id, emissions.outlet_id, emissions.medium, emissions.pollutant_code, emissions.discharge_kind,
                emissions.month_start_date
            order by case equivalents.origin when 'park' then 0 else 1 end
        ) as choice
    from emissions
    inner join equivalents
        on emissions.pollutant_code = equivalents.pollutant_code
            and emissions.medium = equivalents.medium
            and {{ holds_on('equivalents', 'emissions.month_start_date') }}
),

-- of pollutants that measure the same thing (COD, BOD5, TOC) the one with most equivalents stands for all
of_groups as (
    select
        *,
        row_number() over (
            partition by
                enterprise_id, outlet_id, equivalent_class, discharge_kind, month_start_date, coalesce(exclusive_group, pollutant_code)
            order by pollution_equivalents desc, pollutant_code asc
        ) as rank_in_group
    from matched
    where choice = 1
),

places as (
    select
        *,
        row_number() over (
            partition by
                enterprise_id, outlet_id, equivalent_class, discharge_kind, month_start_date, case rank_in_group when 1 then 0 else 1 end
            order by pollution_equivalents desc, pollutant_code asc
        ) as place
    from of_groups
),

ranked as (
    select
        *,
        case rank_in_group when 1 then place end as rank_in_outlet
    from places
),

top_n as (
    select
        subject_code as equivalent_class,
        value as items_taxed,
        verification_status,
        valid_from,
        valid_to
    from rules
    where rule_kind = 'top_n'
),

rated as (
    select
        ranked.enterprise_id,
        ranked.outlet_id,
        ranked.medium,
        ranked.pollutant_code,
        ranked.discharge_kind,
        ranked.month_start_date,
        min_by(rates.rate_cny, rates.preference) as rate_cny,
        min_by(rates.source_ref, rates.preference) as rate_source_ref,
        min_by(rates.verification_status, rates.preference) as rate_verification
    from ranked
    inner join rates
        on ranked.medium = rates.tax_kind
            and (rates.subject_code is null or rates.subject_code = ranked.pollutant_code)
            and {{ holds_on('rates', 'ranked.month_start_date') }}
    group by
        ranked.enterprise_id, ranked.outlet_id, ranked.medium, ranked.pollutant_code, ranked.discharge_kind, ranked.month_start_date
),

with_rules as (
    select
        ranked.*,
        case ranked.medium when 'air' then ranked.concentration_corrected_mean else ranked.concentration_mean end as concentration_compared,
        standards.limit_value,
        standards.exceeded,
        standards.periods_evaluated,
        standards.verification_status as limit_verification,
        top_n.items_taxed,
        top_n.verification_status as rule_verification,
        rated.rate_cny,
        rated.rate_source_ref,
        rated.rate_verification,
        exemptions.enterprise_id is not null as is_exempt_sector
    from ranked
    left join standards
        on ranked.enterprise_id = standards.enterprise_id
            and ranked.outlet_id = standards.outlet_id
            and ranked.pollutant_code = standards.pollutant_code
            and ranked.month_start_date = standards.month_start_date
    left join top_n
        on ranked.equivalent_class = top_n.equivalent_class
            and {{ holds_on('top_n', 'ranked.month_start_date') }}
    left join rated
        on ranked.enterprise_id = rated.enterprise_id
            and ranked.outlet_id is not distinct from rated.outlet_id
            and ranked.medium = rated.medium
            and ranked.pollutant_code = rated.pollutant_code
            and ranked.discharge_kind = rated.discharge_kind
            and ranked.month_start_date = rated.month_start_date
    left join exemptions
        on ranked.enterprise_id = exemptions.enterprise_id and ranked.month_start_date = exemptions.month_start_date
),

judged as (
    select
        *,
        case
            when discharge_kind <> 'direct' then 'not_direct'
            when is_exempt_sector and coalesce(exceeded, 0) = 0 then 'exempt_sector'
            when rank_in_group > 1 then 'stands_in_group'
            when rank_in_outlet > items_taxed then 'beyond_top_n'
        end as not_taxed_because,
        1 - concentration_compared / limit_value as below_limit_share
    from with_rules
),

reductions as (
    select
        judged.enterprise_id,
        judged.outlet_id,
        judged.pollutant_code,
        judged.month_start_date,
        min(rules.value) as reduction_factor
    from judged
    inner join rules
        on rules.rule_kind = 'reduction'
            and {{ holds_on('rules', 'judged.month_start_date') }}
            -- a share such as 0.3 has no exact binary form
            and judged.below_limit_share >= rules.threshold - 1e-9
    where judged.exceeded = 0 and judged.periods_evaluated > 0
    group by judged.enterprise_id, judged.outlet_id, judged.pollutant_code, judged.month_start_date
),

final as (
    select
        cast('{{ park_id() }}' as varchar) as park_id,
        judged.enterprise_id,
        judged.outlet_id,
        judged.medium,
        judged.pollutant_code,
        judged.discharge_kind,
        judged.month_start_date,
        judged.equivalent_class,
        judged.mass_kg,
        judged.equivalent_kg,
        judged.pollution_equivalents,
        cast(judged.rank_in_outlet as bigint) as rank_in_outlet,
        judged.not_taxed_because is null as is_taxed,
        judged.not_taxed_because,
        judged.concentration_compared,
        judged.limit_value,
        judged.below_limit_share,
        coalesce(reductions.reduction_factor, 1) as reduction_factor,
        judged.rate_cny,
        case when judged.not_taxed_because is null then judged.pollution_equivalents * judged.rate_cny else 0 end as tax_unreduced_cny,
        case
            when judged.not_taxed_because is null
                then judged.pollution_equivalents * judged.rate_cny * coalesce(reductions.reduction_factor, 1)
            else 0
        end as tax_cny,
        judged.rate_source_ref as source_ref,
        {{ verification_of_rank(
            'greatest(' ~ verification_rank('judged.equivalent_verification')
            ~ ', coalesce(' ~ verification_rank('judged.rate_verification') ~ ', 1)'
            ~ ', coalesce(' ~ verification_rank('judged.rule_verification') ~ ', 1)'
            ~ ', coalesce(' ~ verification_rank('judged.limit_verification') ~ ', 1))'
        ) }} as verification_status,
        judged.measured_kg / nullif(judged.mass_kg, 0) as measured_share,
        judged.state
    from judged
    left join reductions
        on judged.enterprise_id = reductions.enterprise_id
            and judged.outlet_id = reductions.outlet_id
            and judged.pollutant_code = reductions.pollutant_code
            and judged.month_start_date = reductions.month_start_date
)

select * from final
