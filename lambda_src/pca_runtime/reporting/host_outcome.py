"""What became of one host of a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pca_runtime.shared.timestamps import format_time

__all__ = ["HostOutcome", "Outcome"]

Outcome = Literal["renewed", "failed", "skipped", "lost", "notAttempted", "rejected", "impaired"]


@dataclass(frozen=True)
class HostOutcome:
    """One host of the run. ``code``, ``phase`` and ``message`` say what went wrong, if anything.

    Of one that was renewed, ``is_proven`` says whether IAM Roles Anywhere has accepted the certificate, and ``notices``
    what the host said beside.
    """

    host_id: str
    outcome: Outcome
    expiry: datetime | None = None
    phase: str = ""
    code: str = ""
    message: str = ""
    is_proven: bool = True
    notices: tuple[str, ...] = ()

    def as_json(self, now: datetime) -> dict[str, Any]:
        """The host in report.json."""
        known = {"phase": self.phase, "code": self.code, "message": self.message}
        left = None if self.expiry is None else int((self.expiry - now).total_seconds())
        return {
            "hostID": self.host_id,
            "outcome": self.outcome,
            "expiry": None if self.expiry is None else format_time(self.expiry),
            "secondsLeft": left,
            **{name: value for name, value in known.items() if value},
        }
