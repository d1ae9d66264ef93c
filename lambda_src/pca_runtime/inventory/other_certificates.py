"""Certificates that a host may hold beside its live one, until they run out.

A certificate that was sent to a host and never recorded may be live there: the host was slow, its workflow was
stopped, or the record could not be written. Whoever revokes what the host holds has to know of it. So it moves from
``pending`` to the map ``otherSerials`` (serial to expiry) in the same write that ends the renewal or begins the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from pca_runtime.authority.certificates import is_serial, same_serial
from pca_runtime.inventory.item import HostItem
from pca_runtime.shared.timestamps import parse_time

__all__ = ["OTHER_SERIALS", "held_serials", "known_serials", "others_after", "others_with_pending", "sent_serial"]

OTHER_SERIALS = "otherSerials"
_SERIAL = re.compile(r"[0-9A-Fa-f]{1,40}")
# An item should stay well below 4 KB, one read unit. With the default validity of a week and two runs a day there are
# 14 at most; where there are more, those that run out first are forgotten first.
_MOST = 30


def known_serials(item: HostItem, now: datetime) -> dict[str, str]:
    """Serial to expiry of the other certificates that have not run out."""
    entries = item.attributes.get(OTHER_SERIALS)
    return _valid(entries.items() if isinstance(entries, dict) else (), now)


def held_serials(item: HostItem, now: datetime, *, previous: bool = True) -> list[str]:
    """Every certificate that the host may hold and that has not run out, the live one first.

    An unreadable end of the live one counts as none. Of a replaced one nothing else is known: it counts as past.

    Args:
        item: the host.
        now: the current time.
        previous: with the one before, too.
    """
    found = []
    serial, expiry = item.attributes.get("serial"), parse_time(item.attributes.get("expiry"))
    if is_serial(serial) and (expiry is None or expiry > now):
        found.append(str(serial))
    serial, expiry = item.attributes.get("previousSerial"), parse_time(item.attributes.get("previousExpiry"))
    if previous and is_serial(serial) and expiry is not None and expiry > now:
        found.append(str(serial))
    found += known_serials(item, now)
    if item.pending and is_serial(item.pending.serial):
        found.append(str(item.pending.serial))
    return list(dict.fromkeys(found))


def sent_serial(item: HostItem | None) -> str | None:
    """Of the certificate that the renewal in flight has sent to the host, or is about to send."""
    return item.pending.serial if item is not None and item.pending is not None else None


def others_with_pending(item: HostItem, now: datetime) -> dict[str, str]:
    """What is to be remembered where the renewal in flight ends without a record."""
    entries: list[tuple[object, object]] = [*known_serials(item, now).items()]
    if item.pending is not None:
        entries.append((item.pending.serial, item.pending.expiry))
    return _valid(entries, now)


def others_after(item: HostItem, live: str, previous: str | None, now: datetime) -> dict[str, str]:
    """What is to be remembered where ``live`` is recorded as the successor of ``previous``.

    The certificate that the table took for the live one is among them if the host says that it replaced another; and
    so is the one before, if that has not run out. What has no expiry here is only the host's own word.
    """
    attributes = item.attributes
    entries = [
        (attributes.get("previousSerial"), attributes.get("previousExpiry")),
        (attributes.get("serial"), attributes.get("expiry")),
        *known_serials(item, now).items(),
    ]
    recorded = [serial for serial in (live, previous) if serial is not None]
    return {
        serial: expiry
        for serial, expiry in _valid(entries, now).items()
        if not any(same_serial(serial, each) for each in recorded)
    }


def _valid(entries: Iterable[tuple[object, object]], now: datetime) -> dict[str, str]:
    """Without what has run out, and without what is no serial with its expiry: a person may write here, too."""
    found = {
        serial: expiry
        for serial, expiry in entries
        if isinstance(serial, str) and _SERIAL.fullmatch(serial) and isinstance(expiry, str)
        if (moment := parse_time(expiry)) is not None and moment > now
    }
    return dict(sorted(found.items(), key=lambda entry: entry[1])[-_MOST:])
