{#- No two rows agree in all of the columns; null is a value like any other. Returns the combinations that stand twice. -#}
{% test unique_combination(model, columns) %}
select
    {{ columns | join(',\n    ') }},
    count(*) as rows_of_it
from {{ model }}
group by
    {{ columns | join(',\n    ') }}
having count(*) > 1
{% endtest %}
