"""The warehouse: who may open it, its tables, its ledger. What records mean belongs to contracts, what they become to dbt."""
