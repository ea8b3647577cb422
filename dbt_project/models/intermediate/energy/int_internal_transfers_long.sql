{#- As int_internal_transfers_daily, of quantities that no day knows: a month's bill for steam between neighbours. -#}
{{ internal_transfers(
    'int_meter_flows_long',
    'int_period_factors',
    'int_measured_period_factors',
    ['grain', 'period_start'],
    'internal.grain = factors.grain and internal.period_start = factors.period_start',
    'measured.measured_share',
) }}
