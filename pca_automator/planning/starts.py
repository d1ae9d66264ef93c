"""The ledger of starts in simulated time, with the arithmetic of the functions themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pca_automator.cli.runtime import runtime


@dataclass
class Starts:
    """What the ledger of one automation holds.

    Args:
        pace: hosts a second, as ``pca_runtime.renewal.pace`` counts it.
    """

    pace: Any
    until: dict[str, float | None] = field(default_factory=lambda: {"express": None, "bulk": None})
    brake: Any = None
    reservations: int = 0
    requeues: int = 0

    def __post_init__(self) -> None:
        self._pace = runtime("renewal.pace")
        self.brake = self._pace.Brake()

    def rate(self, lane: str) -> float:
        """Hosts a second of a lane."""
        return float(getattr(self.pace, lane))

    def reserve(self, hosts: int, now: float, *, urgent: bool) -> list[tuple[str, float]]:
        """Lane and start of each host of a run, the most urgent host first."""
        shared = self._pace.split(
            hosts, now, self.pace, express_until=self.until["express"], bulk_until=self.until["bulk"], urgent=urgent
        )
        found: list[tuple[str, float]] = []
        for lane, count in (("express", shared.express), ("bulk", shared.bulk)):
            if count:
                taken = self._pace.reserve(self.until[lane], now, count, self.rate(lane))
                self.until[lane] = taken.until
                self.reservations += 1
                found += [(lane, taken.start(number)) for number in range(count)]
        return sorted(found, key=lambda each: each[1])

    def requeue(self, lane: str, now: float) -> float:
        """Another start for a host that came late, or that is held back: braked hosts come farther apart."""
        taken = self._pace.reserve(self.until[lane], now, 1, self.rate(lane) * self.brake.now(now))
        self.until[lane] = taken.until
        self.requeues += 1
        return float(taken.first)

    def throttled(self, now: float) -> None:
        """AWS has refused a call, and the SDK's own attempts were not enough."""
        self.brake = self.brake.throttled(now)

    def goes(self, start: float, now: float, lot: float, run_hosts: int) -> bool:
        """Whether a host whose start has come goes on."""
        factor = self.brake.now(now)
        return bool(self._pace.goes_now(start, now, factor=factor, lot=lot, run_hosts=run_hosts))
