"""What can go wrong while a workflow is played."""

from __future__ import annotations


class Unplayable(ValueError):  # noqa: N818 - it is the definition that is unplayable
    """The definition says something that a plan cannot play; the message names it."""


class StateError(Exception):
    """A state failed, as Retry and Catch see it.

    Args:
        name: what ``ErrorEquals`` is compared with.
        cause: for people.
    """

    def __init__(self, name: str, cause: str = "") -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause
