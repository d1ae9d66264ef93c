"""A client of AWS that answers what it is told to, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pca_runtime.errors.kinds import PcaAutomatorError, Throttled

from tests.runtime.fakes import client_error


def api_name(method: str) -> str:
    """``get_object`` as AWS calls it."""
    return "".join(word.capitalize() for word in method.split("_"))


class Stub:
    """Answers by method: one, or a list of them, which come one after the other; an error is raised."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self.calls.append((method, dict(request)))
            answer = self._answers[method]
            if isinstance(answer, list):
                answer = answer.pop(0)
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return call


def says_what_was_throttled(method: str, call: Callable[[Any], object]) -> None:
    """An error of AWS names the operation by its own name, so that a person finds it in AWS's documentation."""
    stub = Stub(**{method: client_error("ThrottlingException")})
    with pytest.raises(Throttled) as raised:
        call(stub)
    assert raised.value.message.startswith(f"{api_name(method)}: ThrottlingException: ")
    assert raised.value.code == "SERVICE_THROTTLED"
    assert [name for name, _ in stub.calls] == [method]


class Said:
    """A log that remembers what was said."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def info(self, msg: object, **fields: Any) -> None:
        self.lines.append(("info", str(msg), fields))

    def warning(self, msg: object, **fields: Any) -> None:
        self.lines.append(("warning", str(msg), fields))


def told(errors: list[tuple[str, str]]) -> Callable[[str, PcaAutomatorError], None]:
    """Takes note of what was not known, and of the code."""
    return lambda what, error: errors.append((what, error.code))
