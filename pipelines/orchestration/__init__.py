"""The nightly graph: the only code that imports Dagster. Assets, checks, job, schedule, sensor, resources.

It says what runs after what and who is told about it. How a file is read, a row judged or a table computed
stands in the layers above, which run and are tested without Dagster.
"""
