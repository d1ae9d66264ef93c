"""How much time a fleet has, in one number that one dead host does not move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

__all__ = ["first_percentile"]

Seconds = TypeVar("Seconds", int, float)


def first_percentile(left: Sequence[Seconds]) -> Seconds | None:
    """What at least 99 of 100 certificates still have; ``None`` without certificates.

    Args:
        left: seconds until each certificate of the fleet runs out, in any order.
    """
    return sorted(left)[len(left) // 100] if left else None
