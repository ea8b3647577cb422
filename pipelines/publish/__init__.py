"""What leaves the pipeline: one file that analysts open, and its Parquet export.

Reads the warehouse on the pipeline's connection and never changes it. Whether a build may publish is said by
gate B and the caller; what a figure means is said by the models.
"""
