"""Measures the budgets of the design in one run; what is measured lives in the other packages, no budget is enforced here."""
