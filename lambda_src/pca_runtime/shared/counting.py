"""Counts in words: "1 host", "2 hosts"."""

from __future__ import annotations

__all__ = ["counted", "noun"]


def noun(count: int, one: str, many: str | None = None) -> str:
    """The word, or words, for so many of something.

    Args:
        count: how many.
        one: for exactly one.
        many: for none and for several. Default: ``one`` with an s.
    """
    return one if count == 1 else many or f"{one}s"


def counted(count: int, one: str, many: str | None = None) -> str:
    """The number and the word for it; see :func:`noun`."""
    return f"{count} {noun(count, one, many)}"
