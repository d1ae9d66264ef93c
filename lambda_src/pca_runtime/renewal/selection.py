"""CertCheck: which hosts does this run renew, and in which order?"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pca_runtime.inventory.due import is_due
from pca_runtime.inventory.fleet import Fleet
from pca_runtime.inventory.gate import HOST_ID_INVALID, Entry, Quarantined
from pca_runtime.inventory.item import HostItem
from pca_runtime.inventory.runway import first_percentile
from pca_runtime.renewal.due_hosts import DueHosts, Order, least_time_left, most_exposed
from pca_runtime.renewal.payloads import RunInput
from pca_runtime.renewal.starts import Slot
from pca_runtime.shared.identifiers import is_host_id
from pca_runtime.shared.timestamps import format_time

__all__ = ["ATTRIBUTES", "Rejected", "Selection", "Selector"]

# Beside what decides whether a host is due, everything that can be wrong with an item and is small.
ATTRIBUTES = (
    "status", "serial", "expiry", "renewalDate", "validated", "runId", "leaseUntil", "lastRunId", "lastAttempt",
    "failureCount",
)  # fmt: skip

_FAULTS_SHOWN = 3
# What four bytes hold; 136 years.
_LEFT_MAX = 2**32 - 1


@dataclass(frozen=True)
class Rejected:
    """An entry that cannot be renewed or, if ``host``, a host in whose item something counts as absent."""

    host_id: str
    code: str
    message: str
    host: bool = False

    def as_line(self) -> dict[str, str | bool]:
        """The line of rejected.jsonl."""
        return {"hostID": self.host_id, "code": self.code, "message": self.message, "host": self.host}


@dataclass
class Selection:
    """The outcome, or one thread's share of it.

    ``due`` are hosts with their expiry (epoch seconds), most of them in files; ``left`` the seconds that each
    certificate has left, which are 4 bytes for a host: all that grows with the fleet.
    """

    total: int = 0
    overdue: int = 0
    left: array[int] = field(default_factory=lambda: array("I"))
    due: DueHosts = field(default_factory=DueHosts)
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def quarantined(self) -> int:
        """How many entries are no hosts, or hold what cannot be this system's own."""
        return len(self.rejected)

    def add(self, other: Selection) -> None:
        """Take in what another thread gathered."""
        self.total += other.total
        self.overdue += other.overdue
        self.left += other.left
        self.due.update(other.due)
        self.rejected += other.rejected

    @property
    def least_left(self) -> float | None:
        """Seconds until the first certificate of the fleet runs out."""
        return min(self.left, default=None)

    @property
    def first_percentile_left(self) -> float | None:
        """Seconds that at least 99 of 100 certificates still have: one dead host does not move it in a large fleet."""
        return first_percentile(self.left)

    def leave_out(self, host_ids: Set[str]) -> int:
        """Without these hosts; returns how many of them were due."""
        return self.due.leave_out(host_ids)

    def lines(self, now: datetime, slots: Iterable[Slot]) -> Iterator[dict[str, str | None]]:
        """The lines of hosts.jsonl, in the order in which hosts are renewed; as many as there are starts."""
        for (expiry, host_id), slot in zip(self.due, slots, strict=False):
            moment = None if expiry is None else format_time(datetime.fromtimestamp(expiry, tz=now.tzinfo))
            yield {"hostID": host_id, "expiry": moment, **slot.as_fields()}


class Selector:
    """Chooses hosts.

    Args:
        fleet: read access with the projection :data:`ATTRIBUTES`.
        segments: how many threads scan.
        next_run: how long until the next run.
    """

    def __init__(self, fleet: Fleet, segments: int, next_run: timedelta) -> None:
        self._fleet = fleet
        self._segments = segments
        self._next_run = next_run

    def select(self, wanted: RunInput, now: datetime) -> Selection:
        """Choose from the whole fleet, or from the ids that were asked for."""
        order = least_time_left(now)
        if wanted.reissue or wanted.revoke_replaced:
            # Certificates are replaced before their time: who runs out by the next run comes first all the same.
            order = most_exposed(now, now + self._next_run)
        if wanted.host_ids is not None:
            return self._among(wanted.host_ids, wanted.force, now, order)
        selection = Selection()
        with ThreadPoolExecutor(max_workers=self._segments) as pool:
            gathered = pool.map(
                lambda number: self._segment(number, wanted.reissue == "all", now, order), range(self._segments)
            )
            for part in gathered:
                selection.add(part)
        return selection

    def _segment(self, number: int, every: bool, now: datetime, order: Order) -> Selection:
        return self._judge(self._fleet.segment(number, self._segments), every, now, order)

    def _judge(self, entries: Iterable[Entry], every: bool, now: datetime, order: Order) -> Selection:
        selection = Selection(due=DueHosts(order))
        for item in entries:
            selection.total += 1
            if isinstance(item, Quarantined):
                selection.rejected.append(_quarantined(item))
                continue
            if item.faults:
                first = item.faults[0]
                selection.rejected.append(Rejected(item.host_id, first.code, _sentences(item), host=True))
            if item.expiry is not None:
                # Not below zero: one host that died a year ago must not hide the runway of all the others.
                left = max((item.expiry - now).total_seconds(), 0.0)
                selection.left.append(min(int(left), _LEFT_MAX))
                selection.overdue += left == 0.0
            if self._is_due(item, every, now):
                expiry = None if item.expiry is None else int(item.expiry.timestamp())
                selection.due.add(expiry, item.host_id)
        return selection

    def _is_due(self, item: HostItem, every: bool, now: datetime) -> bool:
        if every:
            return True
        # A host that another run is renewing at this moment would only be skipped.
        return not item.is_busy(now) and is_due(
            renewal_date=item.renewal_date,
            expiry=item.expiry,
            abandoned=item.status == "RENEWING",
            now=now,
            next_run=self._next_run,
        )

    def _among(self, host_ids: list[str], force: bool, now: datetime, order: Order) -> Selection:
        wanted = list(dict.fromkeys(host_ids))
        selection = Selection(rejected=[_malformed(host_id) for host_id in wanted if not is_host_id(host_id)])
        found = set()
        live: list[Entry] = []
        for item in self._fleet.entries(host_id for host_id in wanted if is_host_id(host_id)):
            found.add(item.host_id)
            if not isinstance(item, Quarantined) and item.status == "RETIRED":
                selection.rejected.append(Rejected(item.host_id, "HOST_RETIRED", "the host is retired"))
            else:
                live.append(item)
        selection.add(self._judge(live, force, now, order))
        selection.rejected += [
            Rejected(host_id, "HOST_NOT_IN_INVENTORY", "the inventory has no such host")
            for host_id in wanted
            if is_host_id(host_id) and host_id not in found
        ]
        selection.total = len(wanted)
        return selection


def _malformed(host_id: str) -> Rejected:
    sentence = "not an EC2 instance id (i-…) nor a hybrid node id (mi-…)"
    return _quarantined(Quarantined(host_id, HOST_ID_INVALID, sentence))


def _quarantined(entry: Quarantined) -> Rejected:
    return Rejected(entry.shown, entry.code, entry.sentence)


def _sentences(item: HostItem) -> str:
    """What is wrong with an item, as far as one line of a report should say it."""
    first = "; ".join(fault.sentence for fault in item.faults[:_FAULTS_SHOWN])
    more = len(item.faults) - _FAULTS_SHOWN
    return f"{first}; and {more} more: pca-automator hosts lint" if more > 0 else first
