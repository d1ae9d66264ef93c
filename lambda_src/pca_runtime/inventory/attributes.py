"""What this system writes into an item, and what each attribute can hold.

Whoever may write an item may write anything into it. What cannot be this system's own counts as absent, so that it
keeps nobody from being renewed, and is told of, so that it does not stay hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pca_runtime.authority.leaf import is_serial
from pca_runtime.hosts.notices import NOTICES, is_notice
from pca_runtime.shared.characters import is_visible
from pca_runtime.shared.identifiers import is_run_id
from pca_runtime.shared.timestamps import format_time, parse_time

__all__ = ["ATTRIBUTE_IMPOSSIBLE", "COUNT_MAX", "STATUSES", "Fault", "Judge", "Limits", "described", "shown"]

ATTRIBUTE_IMPOSSIBLE = "INVENTORY_ATTRIBUTE_IMPOSSIBLE"
STATUSES = ("DEPLOYED", "RENEWING", "FAILED", "RETIRED")
# Far beyond what a host can reach with runs every hour, and far below where DynamoDB's arithmetic loses digits.
COUNT_MAX = 1_000_000
# Lambda's clocks are within a second of each other; those of whoever runs the command need not be.
_SKEW = timedelta(minutes=5)
_SHOWN_MAX = 60
_TEXT_MAX = 2_048
# What CertFailure writes is shorter. An item may have 400 KB, and one report and one digest tell of all of them.
_LAST_ERROR_MAX = {"phase": 64, "code": 64, "message": 1_000, "at": 64}
_KINDS = {
    str: "a text", bool: "a truth value", bytes: "bytes", list: "a list", dict: "a map", set: "a set",
    type(None): "null",
}  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What this deployment can have written at the most; the defaults are what any deployment can.

    Args:
        lease: the longest that a run holds a host.
        validity: the longest that a certificate is valid.
    """

    lease: timedelta = timedelta(hours=40)
    validity: timedelta = timedelta(days=40 * 366)


@dataclass(frozen=True)
class Fault:
    """One attribute that cannot be right: where, the code of the catalogue, and what is there and what is allowed."""

    attribute: str
    code: str
    sentence: str


def shown(text: str, most: int = _SHOWN_MAX) -> str:
    """A text that anybody may have written, bounded and on one line, without what moves or turns a terminal."""
    bounded = "".join(char if is_visible(char) else "?" for char in text[:most])
    return f"{bounded}…" if len(text) > most else bounded


def described(value: object) -> str:
    """A value for a sentence: the value itself where it is a short one, else its kind."""
    if isinstance(value, str):
        return f"the text {shown(value)!r}"
    if isinstance(value, Decimal):
        return f"the number {shown(str(value))}"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    return _KINDS.get(type(value), "a value")


class Judge:
    """Reads the attributes of one item; collects what is wrong with them.

    Args:
        attributes: as DynamoDB has them, in Python's types.
        now: the moment of reading.
        limits: what this deployment can have written.
    """

    def __init__(self, attributes: Mapping[str, Any], now: datetime, limits: Limits, prefix: str = "") -> None:
        self._attributes = attributes
        self._now = now
        self._limits = limits
        self._prefix = prefix
        self.faults: list[Fault] = []

    def within(self, name: str) -> Judge | None:
        """A judge of the map in an attribute, with the same list of faults; ``None`` without a map."""
        value = self._attributes.get(name)
        if not isinstance(value, dict):
            self.refuse(name, value, "a map")
            return None
        inner = Judge(value, self._now, self._limits, f"{name}.")
        inner.faults = self.faults
        return inner

    def text(self, name: str, allowed: str = f"a text of at most {_TEXT_MAX} characters", **rule: Any) -> str | None:
        """A text for which the rule ``fits`` holds."""
        fits: Callable[[str], bool] = rule.get("fits", lambda text: len(text) <= _TEXT_MAX)
        value = self._attributes.get(name)
        if isinstance(value, str) and fits(value):
            return value
        self.refuse(name, value, allowed)
        return None

    def status(self) -> str | None:
        """One of the four; absent is new."""
        return self.text("status", f"one of {', '.join(STATUSES)}", fits=STATUSES.__contains__)

    def serial(self, name: str) -> str | None:
        """A serial number in hex."""
        return self.text(name, "a serial number in hex digits", fits=is_serial)

    def run_id(self, name: str) -> str | None:
        """The name of an execution."""
        return self.text(name, "the name of an execution", fits=is_run_id)

    def truth(self, name: str) -> bool | None:
        """True or false."""
        value = self._attributes.get(name)
        if isinstance(value, bool):
            return value
        self.refuse(name, value, "true or false")
        return None

    def count(self, name: str) -> int:
        """How often something happened; 0 where that is not known."""
        value = self._attributes.get(name)
        if isinstance(value, Decimal) and value.is_finite() and 0 <= value <= COUNT_MAX and value == int(value):
            return int(value)
        self.refuse(name, value, f"a whole number from 0 to {COUNT_MAX}")
        return 0

    def past(self, name: str) -> datetime | None:
        """A moment that this system has seen."""
        return self._moment(name, self._now + _SKEW, "not after now")

    def lease_end(self, name: str) -> datetime | None:
        """When a run lets a host go, at the latest."""
        return self._moment(name, self._now + self._limits.lease + _SKEW, f"within the longest lease, {_hours(self)}")

    def certificate_end(self, name: str, latest: datetime | None = None) -> datetime | None:
        """A moment of a certificate's life, not after its end."""
        end = self._now + self._limits.validity + _SKEW
        if latest is not None:
            return self._moment(name, min(latest, end), "not after the certificate's end")
        days = self._limits.validity.days
        return self._moment(name, end, f"within the validity that this deployment gives, {days} d")

    def last_error(self) -> Mapping[str, str]:
        """Four texts of bounded length, as far as they are there."""
        name = "lastError"
        value = self._attributes.get(name)
        if not isinstance(value, dict) or not value:
            self.refuse(name, value, "a map of phase, code, message and at")
            return {}
        for part in _LAST_ERROR_MAX:
            if part in value and not isinstance(value[part], str):
                self.refuse(name, value[part], "a text", at=f"{name}.{part}")
        known = {part: str(value[part])[:limit] for part, limit in _LAST_ERROR_MAX.items() if part in value}
        return known or {"code": "Unknown"}

    def notices(self) -> Mapping[str, str]:
        """What the host said beside the success of its last renewal."""
        name = "notices"
        value = self._attributes.get(name)
        if isinstance(value, dict) and all(is_notice(code, detail) for code, detail in value.items()):
            return {str(code): str(detail) for code, detail in value.items()}
        self.refuse(name, value, f"a map of {', '.join(NOTICES)} to names")
        return {}

    def refuse(self, name: str, value: object, allowed: str, *, at: str | None = None) -> None:
        """Note that an attribute is none of this system's; one that is not there at all is no fault."""
        if name not in self._attributes:
            return
        where = at or f"{self._prefix}{name}"
        sentence = f"{where} is {described(value)}; this system writes {allowed}; it counts as absent"
        self.faults.append(Fault(where, ATTRIBUTE_IMPOSSIBLE, sentence))

    def _moment(self, name: str, latest: datetime, allowed: str) -> datetime | None:
        value = self._attributes.get(name)
        moment = parse_time(value)
        if moment is not None and moment <= latest:
            return moment
        self.refuse(name, value, f"a time such as {format_time(self._now)}, {allowed}")
        return None


def _hours(judge: Judge) -> str:
    minutes = int(judge._limits.lease.total_seconds()) // 60
    return f"{minutes // 60} h {minutes % 60} min"
