"""Counting what a renewal costs: state transitions, Lambda invocations and API calls."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from typing import Any

# boto3 puts AWS_SDK_UA_APP_ID into the User-Agent as ``app/<id>``; lambda_workers sets it to the function's name.
_APPLICATION = re.compile(r"\bapp/(\S+)")


class Counters:
    """Thread-safe counts since the last reset."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Start again from zero."""
        with self._lock:
            self._transitions: Counter[str] = Counter()
            self._entries: dict[str, Counter[str]] = {}
            self._last_states: dict[str, str] = {}
            self._entered: dict[str, tuple[str, float]] = {}
            self._seconds: dict[str, list[float]] = {}
            self._invocations: Counter[str] = Counter()
            self._raised: Counter[str] = Counter()
            self._calls: Counter[tuple[str, str, str]] = Counter()
            self._denials: Counter[str] = Counter()

    def transition(self, child: str, state: str | None) -> None:
        """A child execution of a Distributed Map entered a state, or retried it (AWS bills a retry, too)."""
        with self._lock:
            self._transitions[child] += 1
            if state is not None:
                self._leave(child)
                self._entered[child] = (state, time.monotonic())
                self._last_states[child] = state
                self._entries.setdefault(child, Counter())[state] += 1

    def _leave(self, child: str) -> None:
        if child in self._entered:
            state, since = self._entered[child]
            self._seconds.setdefault(state, []).append(round(time.monotonic() - since, 3))

    def invocation(self, function: str) -> None:
        """One Lambda invocation, whoever asked for it."""
        with self._lock:
            self._invocations[function] += 1

    def raised(self, function: str, error: str) -> None:
        """One of those invocations ended with an exception of this class."""
        with self._lock:
            self._raised[f"{function} {error}"] += 1

    def api_call(self, service: str, operation: str, user_agent: str) -> None:
        """One API call; the caller is the Lambda function that made it, or empty."""
        match = _APPLICATION.search(user_agent)
        with self._lock:
            self._calls[(match[1] if match else "", service, operation)] += 1

    def denial(self, what: str) -> None:
        """One request that IAM refused: who, which action, on what."""
        with self._lock:
            self._denials[what] += 1

    def as_json(self) -> dict[str, Any]:
        """What was counted: transitions, states that were entered more than once and the last state by child;
        real seconds that children were in each state, their last one left out; invocations and exceptions by
        function; API calls; IAM's refusals.
        """
        with self._lock:
            return {
                "transitions": dict(self._transitions),
                "entered_again": {
                    child: {state: count - 1 for state, count in entries.items() if count > 1}
                    for child, entries in self._entries.items()
                },
                "last_states": dict(self._last_states),
                "seconds": {state: list(taken) for state, taken in self._seconds.items()},
                "invocations": dict(self._invocations),
                "raised": dict(self._raised),
                "denials": dict(self._denials),
                "api_calls": [
                    {"function": function, "service": service, "operation": operation, "count": count}
                    for (function, service, operation), count in sorted(self._calls.items())
                ],
            }
