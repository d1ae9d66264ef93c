"""How fast renewals may start: the arithmetic of rates, lanes, reservations and the brake.

Nothing here asks AWS or a clock: the ledger of the functions, the plan of the command and the local AWS's checks all
count with these functions. Times are seconds since the epoch, rates hosts a second.

A renewal calls CreateSession, IssueCertificate and GetCertificate once and SendCommand twice. CreateSession's quota
belongs to the whole account, so what its workloads use is left to them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pca_runtime.shared.quotas import Quota

__all__ = [
    "BRAKE_LEAST", "EXPRESS_BACKLOG_MAX", "EXPRESS_SHARE", "EXPRESS_SINGLES_MAX", "LATE_SECONDS", "QUIET_SECONDS",
    "QUOTA_SHARE", "REQUEUES_MAX", "SEND_SHARE", "SESSIONS_SHARE", "SMALL_RUN", "Brake", "Pace", "Reservation", "Split",
    "default_production", "goes_now", "line_max", "pace_of", "reserve", "split",
]  # fmt: skip

QUOTA_SHARE = 0.88
"""What renewals take of a quota that is theirs alone. The rest is for retries and for calls that do not come evenly."""
SESSIONS_SHARE = 0.89
"""What renewals and production take of CreateSession's quota together. What stays free is a part of the whole quota and
not of what production leaves: production's bursts grow with production. ADR 15 compares shares."""
SEND_SHARE = QUOTA_SHARE / 2
"""Of SendCommand's: two for each host."""
LEAST_SHARE = 0.1
"""Of CreateSession's quota: what renewals take even where production leaves nothing. A fleet that is not renewed has
no production either."""
EXPRESS_SHARE = 0.075
"""Of the rate: kept for enrolment and single hosts. It is not lent to bulk runs, whose starts cannot be recalled."""
EXPRESS_BACKLOG_MAX = 30
"""Hosts that runs of many may put into the express lane's line; the others join the bulk."""
EXPRESS_SINGLES_MAX = 50
"""Up to so many may wait there when a single host comes: it does not go behind a fleet that was put in with it."""
LATE_SECONDS = 30
"""A child that comes later than this after its start reserves again: it may be one of thousands that were redriven."""
REQUEUES_MAX = 5
"""How often a child whose SendCommand stays throttled goes back into the line before it fails."""
SMALL_RUN = 50
"""A run of so many hosts or fewer is not braked."""

BRAKE_FACTOR = 0.75
"""A throttled call takes a quarter off the rate ..."""
BRAKE_SECONDS = 20
"""... but only one of those within so many seconds: they all tell the same."""
BRAKE_LEAST = 0.1
"""The brake never stops everything."""
QUIET_SECONDS = 60
"""After so long without a throttled call the rate grows again ..."""
RELEASE_SECONDS = 30
"""... each so many seconds ..."""
RELEASE_STEP = 0.05
"""... by so much of the whole."""


@dataclass(frozen=True)
class Pace:
    """Hosts a second, and why.

    Args:
        rate: hosts that start in a second, over all runs of an automation.
        floor_rate: what the quotas allow beside production with nothing kept back; no design can be faster.
        bound_by: the quota that sets the rate.
    """

    rate: float
    floor_rate: float
    bound_by: str

    @property
    def express(self) -> float:
        """Hosts a second of the express lane."""
        return EXPRESS_SHARE * self.rate

    @property
    def bulk(self) -> float:
        """Hosts a second of the bulk lane."""
        return (1 - EXPRESS_SHARE) * self.rate


def default_production(hosts: int) -> float:
    """Sessions a second that a fleet's own workloads ask for, where nobody says: one an hour for each host."""
    return hosts / 3600


def pace_of(
    quotas: Mapping[str, Quota], *, production: float, proof: bool = True, share: float = 1, told_send: bool = False
) -> Pace:
    """How many hosts may start in a second.

    Args:
        quotas: of the account, by name; CreateSession, IssueCertificate, GetCertificate and SendCommand are read.
        production: CreateSession a second that the account's workloads ask for.
        proof: whether the hosts prove their certificates, each with a CreateSession.
        share: this automation's part of the account's quotas, above 0, at most 1.
        told_send: whether SendCommand's rate is known; AWS publishes none, and an assumed one bounds nothing.
    """
    sessions = quotas["CreateSession"].rate
    bounds = {
        "IssueCertificate": (QUOTA_SHARE * quotas["IssueCertificate"].rate, quotas["IssueCertificate"].rate),
        "GetCertificate": (QUOTA_SHARE * quotas["GetCertificate"].rate, quotas["GetCertificate"].rate),
    }
    if proof:
        least = LEAST_SHARE * sessions
        allowed = SESSIONS_SHARE * sessions
        bounds["CreateSession"] = (max(allowed - production, least), max(sessions - production, least))
    if told_send:
        bounds["SendCommand"] = (SEND_SHARE * quotas["SendCommand"].rate, quotas["SendCommand"].rate / 2)
    name = min(bounds, key=lambda each: bounds[each][0])
    return Pace(share * bounds[name][0], share * min(free for _, free in bounds.values()), name)


@dataclass(frozen=True)
class Reservation:
    """The starts of some hosts in one lane: the first, and the time between two.

    Args:
        first: of the first host.
        spacing: seconds between two of them.
        hosts: how many.
    """

    first: float
    spacing: float
    hosts: int

    @property
    def until(self) -> float:
        """When the next host of the lane may start: what the lane's item holds after the reservation."""
        return self.first + self.spacing * self.hosts

    def start(self, number: int) -> float:
        """Of the host with this number, from 0."""
        return self.first + self.spacing * number


def reserve(until: float | None, now: float, hosts: int, rate: float) -> Reservation:
    """Take the next starts of a lane. An idle lane saves nothing up.

    Args:
        until: when the lane's next host may start; None if it was never used.
        now: the time.
        hosts: how many are to start.
        rate: of the lane.
    """
    return Reservation(now if until is None else max(until, now), 1 / rate, hosts)


@dataclass(frozen=True)
class Split:
    """How many hosts of a run go into which lane; the most urgent are the express ones."""

    express: int
    bulk: int


def line_max(hosts: int) -> int:
    """How long the express lane's line may become by a run of so many hosts."""
    return EXPRESS_SINGLES_MAX if hosts == 1 else EXPRESS_BACKLOG_MAX


def split(
    hosts: int, now: float, pace: Pace, *, express_until: float | None, bulk_until: float | None, urgent: bool
) -> Split:
    """Share a run between the lanes so that both parts end together, within what the express lane may hold.

    Args:
        hosts: of the run.
        now: the time.
        pace: the rates.
        express_until: when the express lane's next host may start; None if it was never used.
        bulk_until: likewise of the bulk lane.
        urgent: whether the run may use the express lane at all: an enrolment or a run by hand of single hosts, but not
            the schedule's or a re-issue of the whole fleet.
    """
    if not urgent or hosts == 0:
        return Split(0, hosts)
    express_from = max(express_until or now, now)
    bulk_from = max(bulk_until or now, now)
    waiting = (express_from - now) * pace.express
    room = max(0, int(line_max(hosts) - waiting))
    # Both end together: express_from + x / express = bulk_from + (hosts - x) / bulk.
    even = (bulk_from - express_from + hosts / pace.bulk) / (1 / pace.express + 1 / pace.bulk)
    # Rounded up: a single host starts in the express lane.
    wanted = max(0, min(hosts, math.ceil(even)))
    express = min(wanted, room)
    return Split(express, hosts - express)


@dataclass(frozen=True)
class Brake:
    """How much of the rate is let through, after AWS has throttled.

    Args:
        factor: of the rate, at the time of the last throttled call; 1 lets everything through.
        throttled_at: when that was; None if never.
        lowered_at: when the factor last fell; None if never.
    """

    factor: float = 1
    throttled_at: float | None = None
    lowered_at: float | None = None

    def now(self, time: float) -> float:
        """The factor at a time: it grows in steps, once it has been quiet for long enough."""
        if self.throttled_at is None:
            return 1
        quiet = time - self.throttled_at - QUIET_SECONDS
        steps = 0 if quiet < 0 else 1 + int(quiet / RELEASE_SECONDS)
        return min(1, self.factor + RELEASE_STEP * steps)

    def throttled(self, time: float) -> Brake:
        """After a throttled call: less, unless it has just become less."""
        factor = self.now(time)
        if self.lowered_at is not None and time - self.lowered_at < BRAKE_SECONDS:
            return Brake(factor, time, self.lowered_at)
        return Brake(max(BRAKE_LEAST, BRAKE_FACTOR * factor), time, time)


def goes_now(start: float, now: float, *, factor: float, lot: float, run_hosts: int) -> bool:
    """Whether a child whose start has come goes on, or reserves again.

    Args:
        start: its reserved start.
        now: the time.
        factor: of the brake.
        lot: a random number from 0 up to, without, 1.
        run_hosts: hosts of its run.
    """
    if now - start > LATE_SECONDS:
        return False
    return run_hosts <= SMALL_RUN or lot < factor
