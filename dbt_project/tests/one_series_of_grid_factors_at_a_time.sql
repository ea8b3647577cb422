{#- Figures of different series are never mixed: on one day the grid factor of an item comes from one region and series. -#}
{{ config(meta={'dagster': {'ref': {'name': 'int_regional_choices'}}}) }}

with

choices as (
    select * from {{ ref('int_regional_choices') }}
)

select
    one.topic,
    one.item_code,
    one.region,
    one.series,
    other.region as other_region,
    other.series as other_series
from choices as one
inner join choices as other
    on one.topic = other.topic
        and one.item_code is not distinct from other.item_code
        and (one.region, coalesce(one.series, '-')) < (other.region, coalesce(other.series, '-'))
        and one.valid_from < other.valid_to
        and other.valid_from < one.valid_to
