{#- What members of the park deliver to each other on a day: sent by one and received by another, and neither for the park. -#}
{{ internal_transfers(
    'int_meter_flows_daily',
    'int_factor_segments',
    'int_measured_factors',
    ['local_date'],
    holds_on('factors', 'internal.local_date'),
    '1',
) }}
