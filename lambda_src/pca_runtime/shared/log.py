"""Where the shared code says what it did, without knowing where that goes.

The functions hand in what ``observability`` has. The operator's command hands in its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

__all__ = ["Emit", "Log"]


class Log(Protocol):
    """A structured log: a constant message, and data as fields."""

    def info(self, msg: object, **fields: Any) -> None:
        """What went as it should."""

    def warning(self, msg: object, **fields: Any) -> None:
        """What a person may want to know."""


Emit = Callable[[str, Mapping[str, float]], None]
"""Puts metrics, by name, under the automation's name."""
