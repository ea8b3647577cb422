{{ environmental_tax_of('quarter') }}
