"""CertFailure: what a Catch got becomes the ``lastError`` of a host."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from pca_runtime.errors.kinds import split_code
from pca_runtime.renewal.payloads import WorkflowError
from pca_runtime.shared.timestamps import format_time

__all__ = ["Failure", "read_failure"]

# An item should stay well below 4 KB, one read unit.
_MESSAGE_MAX = 1_000
# A host chooses its code; those of the catalogue have some 30 characters.
_CODE_MAX = 64


@dataclass(frozen=True)
class Failure:
    """Why a renewal ended."""

    phase: str
    code: str
    message: str

    def as_last_error(self, now: datetime) -> dict[str, str]:
        """The map ``lastError`` of the item."""
        return {"phase": self.phase, "code": self.code, "message": self.message, "at": format_time(now)}


def read_failure(phase: str, error: WorkflowError) -> Failure:
    """Read the error of a Catch.

    A Lambda function's error has a cause in JSON with ``errorMessage``
    (https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html); the causes of SendTaskFailure and
    of Step Functions itself are plain text. The host's code, if there is one, goes before the error's name.
    """
    text = error.cause
    try:
        cause = json.loads(text)
    except (RecursionError, ValueError):
        # Whoever has a task token chooses the cause: brackets without end are not for a parser.
        cause = None
    if isinstance(cause, dict) and isinstance(cause.get("errorMessage"), str):
        text = cause["errorMessage"]
    code, message = split_code(text.strip())
    name = error.error or "Unknown"
    return Failure(phase, (code or name)[:_CODE_MAX], (message or f"{name} without a cause")[:_MESSAGE_MAX])
