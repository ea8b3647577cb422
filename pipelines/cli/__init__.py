"""The command line, `park-audit`: one file a command group, each thin.

A command reads its options, calls one function of a layer above and shows what came back. What is worth
knowing to the schedule or to a test belongs into those layers; Dagster and the gates are never imported here.
"""
