"""How near the limits were, and what they refused."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from pca_automator.rehearsal.local_aws.settings import Settings


class Refusals:
    """Thread-safe; for the report of a rehearsal.

    Args:
        settings: whether limits are enforced; that may change while this runs.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._refused: Counter[str] = Counter()
        self._most: dict[str, int] = {}

    def passes(self, what: str, size: int, most: int) -> bool:
        """Whether something of a size is let through; the largest is kept."""
        with self._lock:
            self._most[what] = max(size, self._most.get(what, 0))
            if size <= most or not self._settings.limits:
                return True
            self._refused[what] += 1
            return False

    def as_json(self) -> dict[str, Any]:
        """Refusals and the largest size seen, by what it was."""
        with self._lock:
            return {"refused": dict(self._refused), "largest": dict(sorted(self._most.items()))}
