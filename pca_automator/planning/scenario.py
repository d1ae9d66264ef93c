"""What is asked of the fleet, and what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pca_automator.planning.account import Meter
from pca_automator.planning.assumed import Assumed
from pca_automator.planning.hosts import Proof


@dataclass(frozen=True)
class Scenario:
    """A run of a fleet.

    Args:
        hosts: of the fleet.
        due: how many of them the run renews. Default: all.
        enrol_at_once: the hosts are put into the inventory at once, rather than renewed by the schedule.
        production: CreateSession a second of the account's own workloads. Default: one an hour for each host.
        rates: of quotas that are not the documented ones, requests a second, by name.
        told: rates of quotas that the functions are told of; they pace by these. Default: by those of ``rates``.
        proof: how hosts prove their certificates; None if they do not.
        singles: seconds between two single hosts that are put in meanwhile; None for none.
        share: the automation's part of the account's quotas.
        assumed: times.
        seed: of everything that chance decides.
    """

    hosts: int
    due: int | None = None
    enrol_at_once: bool = False
    production: float | None = None
    rates: dict[str, float] = field(default_factory=dict)
    told: dict[str, float] | None = None
    proof: Proof | None = field(default_factory=Proof)
    singles: float | None = 10.0
    share: float = 1.0
    assumed: Assumed = field(default_factory=Assumed)
    seed: int = 1


@dataclass
class Played:
    """What came of a scenario.

    Args:
        seconds: from the first host that was put in, or the run's start, until the last had its outcome.
        floor_seconds: what no design can be faster than, with these quotas beside this production.
        rate: hosts a second at which starts are reserved.
        floor_rate: hosts a second that the quotas allow beside production.
        bound_by: the quota that sets the rate.
        renewed: hosts with a new certificate.
        failed: hosts whose failure was recorded; the next run takes them.
        lost: hosts with neither.
        single_seconds: of each single host, from its put until it was renewed; inf where it was not.
        production_asked: sessions that production asked for.
        production_throttled: of those, how many were throttled at the first attempt.
        meters: calls of each API; with those of production, and of single hosts.
        causes: of failures, with how many hosts.
        last_states: where child executions ended.
    """

    seconds: float
    floor_seconds: float
    rate: float
    floor_rate: float
    bound_by: str
    renewed: int
    failed: int
    lost: int
    single_seconds: list[float]
    production: float
    production_asked: int
    production_throttled: int
    meters: dict[str, Meter]
    quotas: Any
    causes: Counter[str]
    last_states: Counter[str]
    transitions: int
    invocations: dict[str, int]
    runs: int
    requeues: int
    most_invocations_at_once: int
    began: float
    ended: list[float]

    @property
    def ratio(self) -> float:
        """Of the time to the floor."""
        return self.seconds / self.floor_seconds

    @property
    def production_throttled_share(self) -> float:
        """Of production's sessions."""
        return self.production_throttled / self.production_asked if self.production_asked else 0.0

    def single_p(self, share: float) -> float | None:
        """A percentile of the single hosts' times; None if there were none."""
        found = sorted(self.single_seconds)
        return found[min(len(found) - 1, int(share * len(found)))] if found else None
