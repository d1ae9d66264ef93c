"""ISO 8601 UTC with seconds, the one form that is written; the date-only form is read too."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

__all__ = ["Clock", "format_time", "parse_time", "utc_now"]

Clock = Callable[[], datetime]

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?")


def utc_now() -> datetime:
    """The real clock; everything else gets it injected."""
    return datetime.now(UTC)


def format_time(moment: datetime) -> str:
    """Seconds are enough, and equal lengths make the text sort like the time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: object) -> datetime | None:
    """Read a timestamp; ``None`` for whatever is not one, because users can write the table too."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        return None
