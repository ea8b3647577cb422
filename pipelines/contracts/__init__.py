"""What may arrive: canonical record types, feed contracts, states and statuses.

Nothing here reads a file, opens a database or knows a feed. Imports nothing of ours.
"""
