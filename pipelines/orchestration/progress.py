"""What a running build tells whoever watches it: the command line, a test, nobody.

The interface and the one that says nothing. How it looks on a terminal belongs in `cli`; what has to be
remembered belongs in `audit.step_outcomes`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.warehouse.audit import BuildSummary
    from pipelines.warehouse.builds import Step


class Reporter:
    """Says nothing; watchers override what they want to hear."""

    def expect(self, step: str, total: int) -> None:
        """`step` will be done for this many subjects."""

    def build_opened(self, build_id: str, run_id: str | None) -> None:
        """The lock is held and the build's row is written."""

    def step_started(self, step: str, subject: str) -> None:
        """Work on a subject has begun."""

    def step_moved(self, step: str, subject: str, done: int, total: int | None) -> None:
        """Part of the work on a subject is done."""

    def step_finished(self, step: "Step") -> None:
        """Work on a subject has ended, and its outcome row is written."""

    def build_closed(self, summary: "BuildSummary") -> None:
        """The build's last word. Not called when the build could not even begin."""

    def could_not_begin(self, error: Exception) -> None:
        """The lock is held by somebody else, the warehouse does not open, a standards file is wrong."""
