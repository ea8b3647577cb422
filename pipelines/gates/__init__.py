"""Quality gates: deliveries before they enter the warehouse, marts before anything is scored or published.

The only code that imports Great Expectations, and only inside functions: its import costs seconds and
hundreds of megabytes, and most nights with nothing new never need it. What a number means, or whether
it is good, belongs in dbt and in the assessment; here is only whether it may be believed.
"""
