"""The only code that starts dbt: its arguments, its environment, its process and its target folders.

What the models compute is dbt's; when they run is the orchestration's.
"""
