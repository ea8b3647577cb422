"""Receiver logs of HJ 212 devices to readings: what codes mean, what becomes of frames and values, what gate A is told.

The protocol itself, from bytes to tables, is `pipelines.hj212`; here is only what a feed adds to it.
"""

from pipelines.ingest.frames.reader import parse_log

__all__ = ["parse_log"]
