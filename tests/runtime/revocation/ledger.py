"""A ledger of certificates in memory, as far as revocations ask it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pca_runtime.authority.leaf import Leaf, same_serial
from pca_runtime.inventory.ledger import Entry

from tests.runtime.pki import NOW

HOST = "i-0123456789abcdef0"


def entry(serial: str | None = None, host_id: str = HOST, *, minutes: float = -60, **more: Any) -> Entry:
    """A certificate that was asked for so many minutes from now, and is known if it has a serial number."""
    values: dict[str, Any] = {
        "host_id": host_id,
        "request_id": f"request-{serial}-{minutes:g}",
        "run_id": "run-0",
        "requested_at": NOW + timedelta(minutes=minutes),
        "public_key_sha256": "key",
        "fate": "LIVE" if serial else "REQUESTED",
        "serial": serial,
        "not_after": NOW + timedelta(days=7) if serial else None,
    }
    return Entry(**{**values, **more})


class MemoryLedger:
    """Remembers what was written down, in order."""

    def __init__(self, *entries: Entry) -> None:
        self.entries = list(entries)
        self.done: list[tuple[Any, ...]] = []
        self.asked_at: tuple[str, datetime] | None = None
        self.noticed: Entry | None = None

    def of_host(self, host_id: str) -> list[Entry]:
        return [each for each in self.entries if each.host_id == host_id]

    def waiting(self, work: str) -> Iterator[Entry]:
        self.done.append(("waiting", work))
        return iter(list(self.entries))

    def order(self, ordered: Entry, reason: str, *, fate: str | None = None) -> Entry:
        self.done.append(("order", ordered.serial, reason, fate))
        return replace(ordered, reason=reason)

    def adopt(self, host_id: str, serial: str, not_after: datetime, reason: str) -> Entry:
        self.done.append(("adopt", host_id, serial, not_after, reason))
        return entry(serial, host_id, reason=reason, not_after=not_after)

    def knows(self, entries: list[Entry], serial: str) -> bool:
        return any(each.serial is not None and same_serial(each.serial, serial) for each in entries)

    def revoked(self, ordered: Entry) -> None:
        self.done.append(("revoked", ordered.serial))

    def notice(self, leaf: Leaf, certificate_arn: str) -> Entry | None:
        self.done.append(("notice", leaf.common_name, certificate_arn))
        return self.noticed

    def not_issued(self, asked: Entry) -> None:
        self.done.append(("not issued", asked.request_id))

    def report(self) -> tuple[str, datetime] | None:
        return self.asked_at

    def remember_report(self, report_id: str | None) -> None:
        self.done.append(("report", report_id))
