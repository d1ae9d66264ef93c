"""Words for people: times and spans."""

from __future__ import annotations

from datetime import datetime, timedelta


def moment(value: datetime | None) -> str:
    """``2026-11-26 03:15 UTC``."""
    return "" if value is None else f"{value:%Y-%m-%d %H:%M} UTC"


def span(length: timedelta) -> str:
    """Days and hours, hours and minutes, or seconds."""
    seconds = int(length.total_seconds())
    minutes = seconds // 60
    days, rest = divmod(minutes, 24 * 60)
    if days:
        return f"{days} d {rest // 60} h"
    if minutes >= 60:
        return f"{rest // 60} h {rest % 60} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def left(length: timedelta | None) -> str:
    """How much time a certificate has."""
    if length is None:
        return "no certificate"
    return f"ran out {span(-length)} ago" if length <= timedelta() else f"{span(length)} left"
