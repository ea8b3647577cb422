{#-
    Columns add up to a number (1 for shares) or to another column, to within a relative 1e-9. A null among them counts as 0, all
    nulls as broken unless the total is null too. Returns the rows where they do not.
-#}
{% test sums_to(model, columns, total) %}
with

added as (
    select
        *,
        {% for column in columns %}coalesce({{ column }}, 0){{ ' + ' if not loop.last }}{% endfor %} as added_up,
        case
            when {% for column in columns %}{{ column }} is null{{ ' and ' if not loop.last }}{% endfor %} then 1
            else 0
        end as is_all_null
    from {{ model }}
)

select *
from added
where not coalesce(
    case
        when ({{ total }}) is null then is_all_null = 1
        else is_all_null = 0 and abs(added_up - ({{ total }})) <= 1e-9 * greatest(cast(1 as double), abs({{ total }}))
    end,
    false
)
{% endtest %}
