"""One line of the health list: what a part is like, and what to type where it is not as it should be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pca_runtime.errors.kinds import PcaAutomatorError, RetryableError

__all__ = ["Finding", "State", "looked_at", "ok", "trouble", "warning"]

State = Literal["ok", "warning", "trouble", "refused", "unavailable"]
"""Well; well, but somebody should know; not well; AWS did not let us look; AWS could not be asked."""


@dataclass(frozen=True)
class Finding:
    """What was found.

    Args:
        part: what it is about, in a word or two.
        text: what it is like, in one line.
        state: whether that is well, or could not be seen.
        commands: what to type, each complete but for the deployment's own options, which the caller adds.
        who: who else can mend it where no command does.
    """

    part: str
    text: str
    state: State = "ok"
    commands: tuple[str, ...] = ()
    who: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether nothing is to be said of it."""
        return self.state == "ok"

    @property
    def needs_person(self) -> bool:
        """Whether somebody has to do something."""
        return self.state not in ("ok", "warning")


def ok(part: str, text: str) -> Finding:
    """All is well."""
    return Finding(part, text)


def trouble(part: str, text: str, *commands: str, who: str = "") -> Finding:
    """Somebody has to do something."""
    return Finding(part, text, "trouble", commands, who)


def warning(part: str, text: str, *commands: str, who: str = "") -> Finding:
    """No host is in danger of it, and nobody has to get up; but it is not as one would want it."""
    return Finding(part, text, "warning", commands, who)


def looked_at(part: str, look: Callable[[], Finding]) -> Finding:
    """What a look finds; one that is refused or fails costs its own line, and never the others."""
    try:
        return look()
    except RetryableError as error:
        return Finding(part, f"could not be looked at: {error}", "unavailable")
    except PcaAutomatorError as error:
        state: State = "refused" if error.code == "ACCESS_REFUSED" else "trouble"
        return Finding(part, f"could not be looked at: {error}", state)
