"""CertCSR: whether a host whose start has come goes on, or goes back into the line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from random import random

from pca_runtime.errors.kinds import PcaAutomatorError
from pca_runtime.renewal.pace import SMALL_RUN, goes_now
from pca_runtime.renewal.start import LaneName, Start
from pca_runtime.renewal.start_items import slot_time
from pca_runtime.renewal.start_ledger import StartLedger
from pca_runtime.shared.timestamps import Clock

__all__ = ["StartGate"]

# Where no run has said yet how fast this lane is: hosts a second, slow enough for every account.
_CAREFUL_RATE = 1.0


class StartGate:
    """Judges hosts whose start has come, and keeps the brake.

    Args:
        ledger: of starts.
        clock: the current time.
        not_told: called when the ledger could not be told that AWS throttles.
        lot: draws a number from 0 up to, without, 1.
    """

    def __init__(
        self,
        ledger: StartLedger,
        clock: Clock,
        not_told: Callable[[PcaAutomatorError], None],
        lot: Callable[[], float] = random,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._lot = lot
        self._not_told = not_told

    def later(self, run_id: str, start: Start) -> Start | None:
        """The host's new start; None if it goes on now.

        A host that comes late may be one of thousands that were redriven, or whose starts others have taken
        meanwhile. Where AWS throttles, a share of the hosts goes back, spaced as wide as the brake asks.

        Raises:
            PcaAutomatorError: the ledger cannot be reached.
        """
        now = self._clock()
        traffic = self._ledger.traffic(start.lane, run_id)
        factor = 1.0 if start.run_hosts <= SMALL_RUN else traffic.brake.now(now.timestamp())
        on_time = goes_now(
            start.at.timestamp(), now.timestamp(), factor=factor, lot=self._lot(), run_hosts=start.run_hosts
        )
        if on_time and not (traffic.returned and start.requeues == 0):
            return None
        at = self._requeued(start.lane, traffic.lane.rate, factor, now)
        # What is reserved now is not given back with the rest of the run: the host goes back for that once.
        return replace(start, at=at, requeues=max(start.requeues, int(traffic.returned)))

    def requeue(self, lane: LaneName = "bulk") -> datetime:
        """The next start of a lane, as wide apart as the brake asks."""
        now = self._clock()
        traffic = self._ledger.traffic(lane, "")
        return self._requeued(lane, traffic.lane.rate, traffic.brake.now(now.timestamp()), now)

    def after_throttling(self, start: Start) -> datetime:
        """The new start of a host whose command could not be sent; others are held back, too."""
        self._ledger.note_throttled(self._clock())
        return self.requeue(start.lane)

    def note(self) -> None:
        """AWS throttles; if the ledger cannot be told, the call that was throttled says enough."""
        try:
            self._ledger.note_throttled(self._clock())
        except PcaAutomatorError as error:
            self._not_told(error)

    def _requeued(self, lane: LaneName, rate: float | None, factor: float, now: datetime) -> datetime:
        return slot_time(self._ledger.requeue(lane, 1 / (factor * (rate or _CAREFUL_RATE)), now))
