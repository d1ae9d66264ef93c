"""The fleet, counted once: who has run out, who will before the next run, and whose certificate counts for nothing."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pca_runtime.authority.leaf import is_serial
from pca_runtime.inventory.due import is_due
from pca_runtime.inventory.gate import Entry, Quarantined
from pca_runtime.inventory.runway import first_percentile
from pca_runtime.monitoring.finding import Finding, ok, trouble
from pca_runtime.shared.counting import counted
from pca_runtime.shared.timestamps import parse_time

__all__ = ["ATTRIBUTES", "Fleet"]

ATTRIBUTES = (
    "status", "expiry", "renewalDate", "runId", "leaseUntil", "serial", "validated", "provenAt", "lastError",
    "failureCount", "lastAttempt", "lastRunId", "notices",
)  # fmt: skip
"""What it is counted from."""
# A few are named; the inventory has them all.
_NAMED = 3
# A host may choose the code that stands in its item.
_CODE_MAX = 64
_HELPER_GONE = "HELPER_GONE"
# What hosts have said beside the success of their last renewal.
_NOTICED = {
    _HELPER_GONE: "proved certificates, and the helper is gone",
    "HELPER_BROKEN": "proved nothing: the helper does not run",
    "HOOKS_SKIPPED": "did not run every file in the hooks directory",
    "OTHER_HOSTS_KEY": "had the key of another host",
}


@dataclass
class Fleet:
    """Counts, and the times that are left; for 10,000 hosts some 80 kB.

    Args:
        now: the current time.
        next_run: how long until the next scheduled run.
        revoked: serials that the CRL in force refuses.
    """

    now: datetime
    next_run: timedelta
    revoked: frozenset[int] = frozenset()
    statuses: Counter[str] = field(default_factory=Counter)
    due: int = 0
    seconds: array[int] = field(default_factory=lambda: array("q"))
    least: tuple[int, str] | None = None
    unproven: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    named: dict[str, list[str]] = field(default_factory=dict)
    causes: Counter[str] = field(default_factory=Counter)

    def adding(self, items: Iterable[Entry]) -> Iterator[Entry]:
        """The items as they come, counted on their way: a fleet of 10,000 is read once."""
        for item in items:
            self.add(item)
            yield item

    def add(self, item: Entry) -> None:
        """Count one entry."""
        if item.faults:
            self._count("quarantined", item.shown if isinstance(item, Quarantined) else item.host_id)
        if isinstance(item, Quarantined):
            return
        self.statuses[item.status or "NEW"] += 1
        if item.status == "RETIRED":
            return
        if item.status == "FAILED":
            self._count("failed", item.host_id)
            self.causes[str(item.last_error.get("code") or "Unknown")[:_CODE_MAX]] += 1
        busy = item.is_busy(self.now)
        lost = item.status == "RENEWING" and not busy
        self.due += not busy and is_due(
            renewal_date=item.renewal_date, expiry=item.expiry, abandoned=lost, now=self.now, next_run=self.next_run
        )
        if lost:
            self._count("lost", item.host_id)
        if item.serial is not None and is_serial(item.serial) and int(item.serial.replace(":", ""), 16) in self.revoked:
            self._count("revoked", item.host_id)
        for code in item.notices:
            self._count(code, item.host_id)
        if item.expiry is None:
            return
        seconds = int((item.expiry - self.now).total_seconds())
        if seconds <= 0:
            self._count("overdue", item.host_id)
        if seconds > 0 and not busy and seconds <= self.next_run.total_seconds():
            self._count("ending", item.host_id)
        if item.validated is not True:
            self.unproven += 1
            if _HELPER_GONE not in item.notices and parse_time(item.attributes.get("provenAt")) is not None:
                self._count("lapsed", item.host_id)
        self.seconds.append(seconds)
        self.least = min(self.least or (seconds, item.host_id), (seconds, item.host_id))

    def _count(self, what: str, name: str) -> None:
        self.counts[what] += 1
        first = self.named.setdefault(what, [])
        if len(first) < _NAMED:
            first.append(name)

    @property
    def overdue(self) -> int:
        """How many certificates have run out."""
        return self.counts["overdue"]

    @property
    def hosts(self) -> int:
        """How many are not retired."""
        return sum(self.statuses.values()) - self.statuses["RETIRED"]

    @property
    def first_percentile(self) -> int | None:
        """Seconds that 99 of 100 certificates still have at least."""
        return first_percentile(self.seconds)

    def findings(self) -> Iterator[Finding]:
        """What needs a person, the worst first; one line that all is well if nothing does."""
        found = list(self._troubles())
        yield from found or [ok("hosts", counted(self.hosts, "host"))]

    def _troubles(self) -> Iterator[Finding]:
        if self.overdue:
            text = counted(self.overdue, "certificate has run out", "certificates have run out")
            listed = "pca-automator hosts list --expiring-within 0m"
            yield trouble("hosts", f"{text}: {self._names('overdue')}", listed, "pca-automator run --watch")
        if count := self.counts["revoked"]:
            text = counted(count, "host holds a revoked certificate", "hosts hold a revoked certificate")
            renew = f"pca-automator run {' '.join(self.named['revoked'])} --force --watch"
            yield trouble("hosts", f"{text}, so that no session is given: {self._names('revoked')}", renew)
        if count := self.counts["ending"]:
            text = counted(count, "certificate ends", "certificates end")
            yield trouble("hosts", f"{text} before the next run: {self._names('ending')}", "pca-automator run --watch")
        if count := self.counts["failed"]:
            text = f"{counted(count, 'host')} failed ({self._causes()}): {self._names('failed')}"
            first = f"pca-automator explain {self.named['failed'][0]}"
            yield trouble("hosts", text, "pca-automator hosts list --failed", first)
        if count := self.counts["lost"]:
            text = f"{counted(count, 'host was', 'hosts were')} left by a run that broke: {self._names('lost')}"
            yield trouble("hosts", text, "pca-automator run --watch")
        if count := self.counts["lapsed"]:
            text = counted(count, "host was proven and is", "hosts were proven and are")
            first = self.named["lapsed"][0]
            show = f"pca-automator hosts show {first} --live"
            yield trouble("hosts", f"{text} not any more, as where the helper is gone: {self._names('lapsed')}", show)
        for code, what in _NOTICED.items():
            if count := self.counts[code]:
                text = counted(count, "host", "hosts")
                show = f"pca-automator hosts show {self.named[code][0]} --live"
                yield trouble("hosts", f"{text} {what}: {self._names(code)}", show, f"pca-automator explain {code}")
        if count := self.counts["quarantined"]:
            text = f"{counted(count, 'entry', 'entries')} in quarantine: {self._names('quarantined')}"
            yield trouble("hosts", text, "pca-automator hosts lint")

    def _causes(self) -> str:
        """The most frequent ones; one alone needs no count."""
        if len(self.causes) == 1:
            return next(iter(self.causes))
        return ", ".join(f"{hosts} {code}" for code, hosts in self.causes.most_common(_NAMED))

    def _names(self, what: str) -> str:
        more = self.counts[what] - len(self.named[what])
        return ", ".join(self.named[what]) + (f" and {more} more" if more > 0 else "")
