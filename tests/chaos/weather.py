"""What AWS and Lambda do to a call: six faults, at any of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ReadTimeoutError

from tests.runtime.fakes import CrashError, Recorder, client_error

FAULTS = ("throttled", "failed", "killed before", "killed after", "answer lost", "resent")
Work = Callable[[], dict[str, Any]]


@dataclass
class Weather:
    """Decides over each call. Random at a rate, or one fault at the nth call of a handler.

    Args:
        rate: the share of calls that go wrong.
        seed: of the random numbers; the same seed makes the same weather.
    """

    rate: float
    seed: int
    calm: bool = False
    calls: int = 0
    at: int | None = None
    fault: str = ""
    fell: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - weather, no secret

    def chance(self, share: float = 1.0) -> bool:
        """Whether something else goes wrong: an event that is lost, an execution that is stopped."""
        return not self.calm and self.random.random() < self.rate * share

    def of(self, operation: str) -> str:
        """The fault of this call; "" for none."""
        if self.calm:
            return ""
        self.calls += 1
        chosen = ""
        if self.at is not None:
            chosen = self.fault if self.calls == self.at else ""
        elif self.random.random() < self.rate:
            chosen = self.random.choice(FAULTS)
        if chosen:
            self.fell.append((operation, chosen))
        return chosen

    def around(self, do: Callable[[Recorder, str, dict[str, Any], Work], dict[str, Any]]) -> Callable[..., Any]:
        """Every call of a recorder, in this weather."""

        def weathered(recorder: Recorder, operation: str, request: dict[str, Any], work: Work) -> dict[str, Any]:
            fault = self.of(operation)
            if fault == "throttled":
                raise client_error("ThrottlingException", operation)
            if fault == "failed":
                raise client_error("InternalServerError", operation, 500)
            if fault == "killed before":
                raise CrashError(operation)
            answer = do(recorder, operation, request, work)
            if fault == "killed after":
                raise CrashError(operation)
            if fault == "answer lost":
                raise ReadTimeoutError(endpoint_url=operation)
            return do(recorder, operation, request, work) if fault == "resent" and _rereadable(request) else answer

        return weathered


def _rereadable(request: dict[str, Any]) -> bool:
    """A body that is a file was read by the first attempt; the SDK would rewind it."""
    return not hasattr(request.get("Body"), "read")
