{#-
    Rates of the environmental protection tax that hold in the park: those of the region it has chosen, its own rows first. The law's lowest
    rate stands in for a kind of tax that the region's list does not hold.
-#}
with

rates as (
    select
        region,
        tax_kind,
        subject_code,
        rate_cny,
        source_ref,
        verification_status,
        origin,
        valid_from,
        coalesce(valid_to, {{ end_of_time() }}) as valid_to
    from {{ ref('stg_tax_rates') }}
),

choices as (
    select * from {{ ref('int_regional_choices') }}
    where topic = 'tax_rate'
),

final as (
    select
        rates.tax_kind,
        rates.subject_code,
        rates.rate_cny,
        rates.source_ref,
        rates.verification_status,
        case when rates.origin = 'park' then 0 when rates.region = choices.region then 2 else 4 end
        -- within them a pollutant's own rate goes before the rate of all
        + case when rates.subject_code is null then 1 else 0 end as preference,
        greatest(rates.valid_from, choices.valid_from) as valid_from,
        least(rates.valid_to, choices.valid_to) as valid_to
    from rates
    inner join choices
        on rates.valid_from < choices.valid_to
            and choices.valid_from < rates.valid_to
            and (rates.origin = 'park' or rates.region in (choices.region, 'CN'))
)

select * from final
