"""Replacing a part of MiniStack in memory, so that a new version which moved it stops the start with a clear error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class EmulatorChangedError(RuntimeError):
    """MiniStack is not the version this was written for: something that is patched is not there any more."""


def replace(module: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Set ``module.name`` to ``make(what it was)``."""
    if not hasattr(module, name):
        raise EmulatorChangedError(f"{module.__name__}.{name} does not exist in this version of MiniStack")
    setattr(module, name, make(getattr(module, name)))


def replace_text(text: str, old: str, new: str) -> str:
    """Replace the one occurrence of ``old`` in a script of MiniStack."""
    if text.count(old) != 1:
        raise EmulatorChangedError(f"a script of MiniStack has {text.count(old)} occurrences of {old!r}, expected 1")
    return text.replace(old, new)
