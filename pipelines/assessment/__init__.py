"""The methods of the audit: pure functions over frames, and one file that reads the marts and writes scores.

No number of a norm stands here: thresholds and weights are rows of the standards.
"""
