"""How much time a fleet has, in one number that one dead host does not move."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["first_percentile"]

Seconds = TypeVar("Seconds", int, float)


def first_percentile(left: Sequence[Seconds]) -> Seconds | None:
    """What at least 99 of 100 certificates still have; ``None`` without certificates.

    Args:
        left: seconds until each certificate of the fleet runs out, in any order.
    """
    # Of a sorted copy all would be kept, as objects; this keeps one of a hundred.
    return heapq.nsmallest(len(left) // 100 + 1, left)[-1] if left else None
