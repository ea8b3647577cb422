"""A synthetic park with known truth and planted faults.

Everything is invented: enterprises, people, permits, account numbers. Writes raw drops in the formats the contracts
in `pipelines/feeds` describe; the pipeline never imports this package, and this package never imports the pipeline.
"""
