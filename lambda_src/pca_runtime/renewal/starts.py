"""CertCheck: when each host of a run starts, so that all runs together stay within the account's quotas."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pca_runtime.renewal.pace import EXPRESS_BACKLOG_MAX, Pace, Reservation, line_max, split
from pca_runtime.renewal.start import LANES, LaneName
from pca_runtime.renewal.start_items import slot_time
from pca_runtime.renewal.start_ledger import StartLedger
from pca_runtime.shared.timestamps import format_time

__all__ = ["Slot", "Starts", "StartsOfRun"]

# Another run took the express lane's room between look and write: after so many times the bulk lane takes all.
_ROUNDS = 5


@dataclass(frozen=True)
class Slot:
    """When one host starts, and in which lane."""

    at: datetime
    lane: LaneName

    def as_fields(self) -> dict[str, str]:
        """Its fields in a line of hosts.jsonl."""
        return {"startAt": format_time(self.at), "lane": self.lane}


@dataclass(frozen=True)
class StartsOfRun:
    """What a run has reserved.

    Args:
        express: starts of the express lane; None if there are none.
        bulk: starts of the bulk lane; None if there are none.
        postponed: hosts for which there is no start before the run's end; a later run takes them.
    """

    express: Reservation | None
    bulk: Reservation | None
    postponed: int = 0

    @property
    def hosts(self) -> int:
        """How many hosts start."""
        return sum(part.hosts for part in (self.express, self.bulk) if part is not None)

    @property
    def last(self) -> float | None:
        """The last start, in seconds since the epoch."""
        parts = [part.start(part.hosts - 1) for part in (self.express, self.bulk) if part is not None]
        return max(parts, default=None)

    def slots(self) -> Iterator[Slot]:
        """The starts of both lanes, the earliest first: the most urgent host takes it."""
        for at, lane in heapq.merge(_starts("express", self.express), _starts("bulk", self.bulk)):
            yield Slot(slot_time(at), lane)


def _starts(lane: LaneName, part: Reservation | None) -> Iterator[tuple[float, LaneName]]:
    for number in range(part.hosts if part is not None else 0):
        yield part.start(number) if part else 0.0, lane


class Starts:
    """Reserves for runs.

    Args:
        ledger: the automation's.
        pace: how many hosts may start in a second.
        horizon: how far ahead a run may reserve: the workflow ends a run that lasts longer.
        has_ended: whether a run is over.
    """

    def __init__(self, ledger: StartLedger, pace: Pace, horizon: timedelta, has_ended: Callable[[str], bool]) -> None:
        self._ledger = ledger
        self._pace = pace
        self._horizon = horizon
        self._has_ended = has_ended

    def reserve(self, run_id: str, hosts: int, now: datetime, *, urgent: bool) -> StartsOfRun:
        """Take starts for the hosts of a run.

        Args:
            run_id: the run.
            hosts: how many are to start.
            now: the injected clock's time.
            urgent: whether they are single hosts, which may use the express lane, and not the whole fleet's.

        Raises:
            PcaAutomatorError: the ledger cannot be reached. Nobody starts without it.
        """
        for lane in LANES:
            self._ledger.give_back(lane, self._has_ended, now)
        wanted = min(hosts, self._room(now))
        if wanted < 1:
            return StartsOfRun(None, None, hosts)
        express = self._express(run_id, wanted, now) if urgent else None
        left = wanted - (express.hosts if express is not None else 0)
        bulk = self._ledger.reserve("bulk", run_id, left, self._pace.bulk, now) if left else None
        return StartsOfRun(express, bulk, hosts - wanted)

    def _room(self, now: datetime) -> int:
        """Hosts that may start before the run would be ended; some room is always kept for single hosts."""
        until = self._ledger.lane("bulk").until or 0
        seconds = now.timestamp() + self._horizon.total_seconds() - max(until, now.timestamp())
        return max(int(seconds * self._pace.bulk), EXPRESS_BACKLOG_MAX)

    def _express(self, run_id: str, hosts: int, now: datetime) -> Reservation | None:
        for _ in range(_ROUNDS):
            parts = split(
                hosts,
                now.timestamp(),
                self._pace,
                express_until=self._ledger.lane("express").until,
                bulk_until=self._ledger.lane("bulk").until,
                urgent=True,
            )
            if parts.express < 1:
                return None
            latest = now.timestamp() + (line_max(hosts) - parts.express) / self._pace.express
            reserved = self._ledger.reserve("express", run_id, parts.express, self._pace.express, now, latest=latest)
            if reserved is not None:
                return reserved
        return None
