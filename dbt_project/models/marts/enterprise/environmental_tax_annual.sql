{{ environmental_tax_of('year') }}
