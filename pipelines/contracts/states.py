"""The closed vocabularies: where a value came from, what became of a delivery, what a gate said.

Each word stands once, here. Sets of words that belong to one record type's column only
(outlet kinds, meter roles) are declared with the column in `records.py`.
"""

from enum import StrEnum


class State(StrEnum):
    """Provenance of a value; survives aggregation as shares (design: nothing is silent).

    `missing` is not zero, `not_applicable` is not missing, `stopped` is zero mass by rule
    and no concentration.
    """

    MEASURED = "measured"
    SUBSTITUTED = "substituted"
    ESTIMATED = "estimated"
    SELF_REPORTED = "self_reported"
    MISSING = "missing"
    NOT_APPLICABLE = "not_applicable"
    STOPPED = "stopped"


class SourceKind(StrEnum):
    """By which way a reading came; the same stack may arrive by several, side by side."""

    AUTOMATIC = "automatic"
    PLATFORM_COPY = "platform_copy"
    MANUAL_LAB = "manual_lab"
    MANUAL_ENTRY = "manual_entry"


class Statistic(StrEnum):
    """What a reading's number is over its period (names follow HJ 212-2017 table 4)."""

    RTD = "rtd"  # a spot value
    MIN = "min"
    AVG = "avg"
    MAX = "max"
    COU = "cou"  # the period's total: kg, m3, kWh
    ZS_RTD = "zs_rtd"  # zs: converted to the reference oxygen content (折算)
    ZS_MIN = "zs_min"
    ZS_AVG = "zs_avg"
    ZS_MAX = "zs_max"
    REGISTER = "register"  # a meter's cumulative count, differenced in dbt

    @property
    def is_total(self) -> bool:
        """Whether the number is in the parameter's total unit (kg, m3) rather than its mean unit."""
        return self in (Statistic.COU, Statistic.REGISTER)


class Flag(StrEnum):
    """Data flags of HJ 212-2017 (数据标记)."""

    NORMAL = "N"
    STOPPED = "F"
    MAINTENANCE = "M"
    MANUAL = "S"
    FAULT = "D"
    CALIBRATION = "C"
    OVER_RANGE = "T"
    COMMUNICATION = "B"


class Admission(StrEnum):
    """Gate A's word on a delivery; staging sees the rows of admitted ones only."""

    PENDING = "pending"
    ADMITTED = "admitted"
    HELD = "held"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"  # could not be read at all: nothing to judge


class DeliveryOutcome(StrEnum):
    """Why there is a delivery row."""

    LOADED = "loaded"  # a new path, or new bytes under a known path
    REVERTED = "reverted"  # a path went back to bytes it held before
    REPARSED = "reparsed"  # the contract changed, the bytes did not
    RESOLVED = "resolved"  # an identifier that was unknown has been registered since
    REFUSED = "refused"  # unreadable as a whole; the reason says why


class GateStatus(StrEnum):
    """Outcome of one expectation on one subject. `error` is a gate that could not run: never a pass."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    NOT_EVALUATED = "not_evaluated"
    ERROR = "error"
    CARRIED = "carried"  # nothing changed since the build that judged it


GATE_PRECEDENCE = (
    GateStatus.ERROR,
    GateStatus.FAIL,
    GateStatus.WARN,
    GateStatus.NOT_EVALUATED,
    GateStatus.CARRIED,
    GateStatus.PASS,
)
"""Worst first: the one order every roll-up of statuses uses."""


class BuildStatus(StrEnum):
    RUNNING = "running"
    PUBLISHED = "published"
    NOT_PUBLISHED = "not_published"
    ABORTED = "aborted"  # killed; closed by the next start


class StepOutcome(StrEnum):
    OK = "ok"
    WARNED = "warned"
    FAILED = "failed"
    SKIPPED = "skipped"
    CARRIED = "carried"


class VerificationStatus(StrEnum):
    """How sure a reference value is (reference, section 0.1); travels with every figure that uses it."""

    PRIMARY_SOURCE = "primary_source"
    SECONDARY_SOURCE = "secondary_source"
    RECALLED = "recalled"
    UNVERIFIED = "unverified"
