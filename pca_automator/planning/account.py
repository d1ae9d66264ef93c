"""An account's quotas as token buckets, and who asks for what in each second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simpy import Environment, Event

# botocore's standard mode, as pca_runtime/shared/clients.py sets it: 4 attempts, a random part of 1, 2 and 4 s between.
SDK_ATTEMPTS = 4
_SDK_MOST_SECONDS = 20.0
# A token, but for what floating point makes of a tenth of a second at ten a second.
_ONE = 1 - 1e-6


@dataclass
class Bucket:
    """A token bucket: AWS throttles the calls of an account so.

    https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html

    Args:
        rate: tokens a second.
        depth: tokens at most.
    """

    rate: float
    depth: float
    tokens: float = field(init=False)
    last: float = 0.0

    def __post_init__(self) -> None:
        # A bucket with less than one token would never let a call through.
        self.depth = max(self.depth, 1.0)
        self.tokens = self.depth

    def take(self, now: float) -> bool:
        """Whether a call at this time is let through."""
        self._fill(now)
        if self.tokens < _ONE:
            return False
        self.tokens -= 1
        return True

    def queue(self, now: float) -> float:
        """Take a token in any case. Returns how long to wait for it."""
        self._fill(now)
        self.tokens -= 1
        return 0.0 if self.tokens >= 0 else -self.tokens / self.rate

    def _fill(self, now: float) -> None:
        if now > self.last:
            self.tokens = min(self.depth, self.tokens + (now - self.last) * self.rate)
            self.last = now


@dataclass
class Meter:
    """Calls of one API, second by second; ``throttled`` ones are among the calls."""

    calls: Counter[int] = field(default_factory=Counter)
    throttled: Counter[int] = field(default_factory=Counter)

    def count(self, now: float, *, throttled: bool = False) -> None:
        """One call."""
        second = int(now)
        self.calls[second] += 1
        if throttled:
            self.throttled[second] += 1

    @property
    def peak(self) -> int:
        """Most calls in one second."""
        return max(self.calls.values(), default=0)

    def busiest(self, seconds: int) -> int:
        """Most calls in so many seconds on end, those left out that were throttled."""
        found = total = 0
        let_through = {second: count - self.throttled[second] for second, count in self.calls.items()}
        for second in sorted(let_through):
            total = sum(let_through.get(second - back, 0) for back in range(seconds))
            found = max(found, total)
        return found


class Account:
    """What the functions, the hosts and the account's own workloads share.

    Args:
        env: simulated time.
        quotas: by name.
        depth_seconds: how many seconds of its rate a bucket holds.
        random: for the pauses between attempts.
    """

    def __init__(self, env: Environment, quotas: Mapping[str, Any], depth_seconds: float, random: Random) -> None:
        self.env = env
        self.quotas = quotas
        self.random = random
        self.buckets = {
            name: Bucket(each.rate, each.burst * depth_seconds) for name, each in quotas.items() if each.kind == "rate"
        }
        for bucket in self.buckets.values():
            bucket.last = env.now
        self.meters = {name: Meter() for name in quotas}
        self.in_flight = 0
        self.most_in_flight = 0

    def once(self, api: str) -> bool:
        """One attempt of a call. Returns whether AWS let it through."""
        now = self.env.now
        passed = self.buckets[api].take(now)
        self.meters[api].count(now, throttled=not passed)
        return passed

    def call(self, api: str) -> Generator[Event, Any, bool]:
        """A call with the SDK's own attempts. Returns whether one of them was let through."""
        for attempt in range(SDK_ATTEMPTS):
            if self.once(api):
                return True
            if attempt + 1 < SDK_ATTEMPTS:
                yield self.env.timeout(self.random.random() * min(2.0**attempt, _SDK_MOST_SECONDS))
        return False

    def queued(self, api: str) -> float:
        """A call that AWS delays rather than refuses. Returns for how long."""
        now = self.env.now
        delay = self.buckets[api].queue(now)
        self.meters[api].count(now, throttled=delay > 0)
        return delay

    def enter_function(self) -> bool:
        """Whether the account has an execution environment free; it is taken."""
        if self.in_flight >= self.quotas["LambdaConcurrency"].rate:
            self.meters["LambdaConcurrency"].count(self.env.now, throttled=True)
            return False
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.meters["LambdaConcurrency"].count(self.env.now)
        return True

    def leave_function(self) -> None:
        """An invocation has ended."""
        self.in_flight -= 1
