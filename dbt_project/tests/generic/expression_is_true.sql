{#-
    An identity or inequality between columns of a row holds. Unknown counts as broken: state the null case in the expression.
    Returns the rows where it does not hold.
-#}
{% test expression_is_true(model, expression, where='1 = 1') %}
select *
from {{ model }}
where ({{ where }})
    and not coalesce(({{ expression }}), false)
{% endtest %}
