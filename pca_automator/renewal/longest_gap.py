"""The longest time between two runs of a schedule: what a person says, and what the clocks of a zone make of it.

EventBridge Scheduler keeps local time: an hour that does not exist in spring is skipped, one that comes twice in autumn
counts once. https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# A template must not depend on the day of its synthesis. Four years hold a leap day and every weekday at each date of a
# change of clocks that matters here.
_FROM, _YEARS = dt.date(2026, 1, 1), 4
_UNITS = {"minute": 60, "hour": 3_600, "day": 86_400}
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


@dataclasses.dataclass(frozen=True)
class Gap:
    """The longest time between two runs, in seconds, and the moments (UTC) between which it lies, where it has any."""

    seconds: int
    after: dt.datetime | None = None
    before: dt.datetime | None = None

    def __str__(self) -> str:
        """For a message: ``47 hours (2027-03-27 01:30 to 2027-03-29 00:30 UTC)``."""
        hours = f"{self.seconds / 3600:g} hours"
        if self.after is None or self.before is None:
            return hours
        return f"{hours} ({self.after:%Y-%m-%d %H:%M} to {self.before:%Y-%m-%d %H:%M} UTC)"


def longest_gap(expression: str, zone: str | None = None) -> Gap | None:
    """The longest time between two runs.

    Args:
        expression: of EventBridge Scheduler, such as ``cron(15 3,15 * * ? *)`` or ``rate(12 hours)``.
        zone: name of the time zone. Default: UTC.

    Returns:
        The gap, or None where it cannot be known here: L, W and # in a cron expression, a zone that this machine has no
        data of, or a form that is neither cron nor rate.

    Raises:
        ValueError: the schedule runs at most once in four years.
    """
    if rate := re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression):
        return Gap(int(rate[1]) * _UNITS[rate[2]])
    fields = re.fullmatch(r"cron\((.*)\)", expression)
    if fields is None or len(fields[1].split()) not in (5, 6):
        if expression.startswith("at("):
            raise ValueError(f"schedule is {expression}, which runs once: it must run again and again")
        return None
    try:
        runs = list(_runs(fields[1].split(), ZoneInfo(zone or "UTC")))
    except (ZoneInfoNotFoundError, _UnknownError):
        return None
    if len(runs) < 2:
        raise ValueError(f"schedule is {expression}, which runs {len(runs)} times in {_YEARS} years: it must run often")
    seconds, after, before = max(((two - one).total_seconds(), one, two) for one, two in itertools.pairwise(runs))
    return Gap(int(seconds), after, before)


class _UnknownError(Exception):
    """A part of the expression that is not understood here."""


def _runs(fields: list[str], zone: ZoneInfo) -> Iterator[dt.datetime]:
    minutes, hours = _numbers(fields[0], 0, 59), _numbers(fields[1], 0, 23)
    days, months = _numbers(fields[2], 1, 31), _numbers(fields[3], 1, 12, _MONTHS)
    weekdays = _numbers(fields[4], 1, 7, _WEEKDAYS)
    years = _numbers(fields[5], 1970, 2199) if len(fields) == 6 else None
    day, end = _FROM, _FROM.replace(year=_FROM.year + _YEARS)
    last = None
    while day < end:
        if (
            day.month in months
            and day.day in days
            and day.isoweekday() % 7 + 1 in weekdays
            and (years is None or day.year in years)
        ):
            for hour in sorted(hours):
                for minute in sorted(minutes):
                    local = dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                    moment = local.astimezone(dt.UTC)
                    exists = moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None)
                    if exists and (last is None or moment > last):
                        last = moment
                        yield moment
        day += dt.timedelta(days=1)


def _numbers(field: str, lowest: int, highest: int, names: list[str] | None = None) -> set[int]:
    found: set[int] = set()
    for part in field.upper().split(","):
        span, _, step = part.partition("/")
        if span in ("*", "?"):
            first, last = lowest, highest
        else:
            start, _, stop = span.partition("-")
            first = _number(start, names)
            last = _number(stop, names) if stop else (highest if step else first)
        if not (lowest <= first <= highest and lowest <= last <= highest) or (step and not step.isdecimal()):
            raise _UnknownError(part)
        # A range may go over the end, as FRI-MON does.
        numbers = range(first, last + 1) if first <= last else [*range(first, highest + 1), *range(lowest, last + 1)]
        found |= set(list(numbers)[:: int(step or 1) or 1])
    return found


def _number(text: str, names: list[str] | None) -> int:
    if names and text in names:
        return names.index(text) + 1
    if not text.isdecimal():
        raise _UnknownError(text)
    return int(text)
